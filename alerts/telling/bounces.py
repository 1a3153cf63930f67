"""Letters that say a message never arrived: what they tell, from their bytes. Pure.

Delivery status notifications (RFC 3464) with the status codes of RFC 3463, and the older plain letters of Exim
(X-Failed-Recipients) and qmail. Which message it was is read from the headers that come back with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message as Letter
from email.policy import compat32
from enum import StrEnum

from i18n import Message

MOST_SAID = 160


class Fault(StrEnum):
    NOBODY = "nobody"
    """No such user, host or domain: no later letter can arrive."""
    FULL = "full"
    REFUSED = "refused"
    """By the other side's rules (spam, size): the address is real."""
    GAVE_UP = "gave_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """`message_id` as we gave it, with its domain; `recipient` as the letter names it, if it does; `said`: the other
    side's words."""

    message_id: str
    recipient: str | None
    fault: Fault
    status: str
    said: str

    def words(self) -> Message:
        reason = {
            Fault.NOBODY: Message("Địa chỉ thư này không có người nhận"),
            Fault.FULL: Message("Hộp thư người nhận đã đầy"),
            Fault.REFUSED: Message("Máy chủ bên nhận từ chối thư"),
            Fault.GAVE_UP: Message("Máy chủ thư đã thử nhiều lần mà không tới"),
        }[self.fault]
        return Message("{reason} ({status} {reply}).", reason=reason, status=self.status, reply=self.said)


_NOBODY = frozenset({"1.1", "1.2", "1.3", "1.6", "1.10", "2.1", "4.4"})
_SAID_NOBODY = re.compile(
    r"user unknown|unknown user|no such (user|mailbox|recipient|address)|(does not|doesn't) exist"
    r"|mailbox (unavailable|not found)|recipient (address )?(rejected|not found)|unrouteable address|no mailbox here"
    r"|account .{0,20}disabled|host or domain name not found",
    re.IGNORECASE,
)
_SAID_FULL = re.compile(r"quota|mailbox (is )?full|out of storage|storage space", re.IGNORECASE)
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_MESSAGE_ID = re.compile(r"^Message-ID:\s*<([^>\s]+)>", re.IGNORECASE | re.MULTILINE)


def parse_bounce(raw: bytes) -> Bounce | None:
    """None for any other letter: delayed ones, answers, out-of-office, and what comes without the headers of the
    message it speaks of."""
    letter = message_from_bytes(raw, policy=compat32)
    message_id = _original_id(letter)
    if message_id is None:
        return None
    if letter.get_content_type() == "multipart/report":
        return _from_report(letter, message_id)
    return _from_words(letter, message_id)


def _from_report(letter: Letter, message_id: str) -> Bounce | None:
    for fields in _recipients(letter):
        if _field(fields, "Action").lower() != "failed":
            continue
        diagnosis = _field(fields, "Diagnostic-Code")
        said = _line(diagnosis.partition(";")[2] or diagnosis)
        recipient = _field(fields, "Original-Recipient") or _field(fields, "Final-Recipient")
        status = _field(fields, "Status").partition(" ")[0]
        return _bounce(message_id, recipient.partition(";")[2].strip(), status, said)
    return None


def _field(letter: Letter, name: str) -> str:
    """Empty when it is not there; bytes beyond ASCII make it a Header, which is text as well."""
    return str(letter.get(name) or "").strip()


def _recipients(letter: Letter) -> Iterator[Letter]:
    """The blocks of fields after the first, which speaks of the message as a whole (RFC 3464 §2.1)."""
    for part in letter.walk():
        if part.get_content_type() == "message/delivery-status":
            yield from _parts(part)[1:]


def _parts(part: Letter) -> list[Letter]:
    """Empty for a part that is not made of letters, as a mangled one may be."""
    inside = part.get_payload()
    return [one for one in inside if isinstance(one, Letter)] if isinstance(inside, list) else []


def _from_words(letter: Letter, message_id: str) -> Bounce | None:
    """Exim before 4.86 and qmail write to people; both are recognised by what only they say."""
    text = _text(letter)
    failed = _field(letter, "X-Failed-Recipients")
    if not failed and "This is the qmail-send program" not in text:
        return None
    report = text.partition("--- Below this line is a copy of the message")[0]
    report = report.partition("------ This is a copy of the message")[0]
    found = re.search(r"^\s*<?([^\s<>]+@[^\s<>:]+)>?:\s*$", report, re.MULTILINE)
    recipient = (failed or (found.group(1) if found else "")).split(",")[0].strip()
    said = report[found.end() :] if found else report
    status = _STATUS.search(said)
    return _bounce(message_id, recipient, status.group() if status else "", _line(said))


def _bounce(message_id: str, recipient: str, status: str, said: str) -> Bounce:
    """The words of the other side are more exact than a status the relay made up (5.0.0)."""
    exact = _STATUS.search(said)
    if status.endswith(".0.0") and exact is not None:
        status = exact.group()
    kind = status.partition(".")[2]
    if kind == "2.2" or (kind not in _NOBODY and _SAID_FULL.search(said)):
        fault = Fault.FULL
    elif not status.startswith("4") and (
        kind in _NOBODY or (kind in ("", "0.0") and _SAID_NOBODY.search(said))
    ):
        fault = Fault.NOBODY
    elif status.startswith("4"):
        fault = Fault.GAVE_UP
    else:
        fault = Fault.REFUSED
    return Bounce(
        message_id=message_id, recipient=recipient or None, fault=fault, status=status or "–", said=said
    )


def _original_id(letter: Letter) -> str | None:
    """From the part that returns the message or its headers; in the old letters, from the copy at their end."""
    for part in letter.walk():
        kind = part.get_content_type()
        if kind == "message/rfc822" and (returned := _parts(part)):
            return _bare(_field(returned[0], "Message-ID"))
        if kind in ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers"):
            headers = part.get_payload(decode=True)
            text = (
                headers.decode("utf-8", "replace") if isinstance(headers, bytes) else str(part.get_payload())
            )
            return _bare(_field(message_from_string(text), "Message-ID"))
    if letter.is_multipart():
        return None
    found = _MESSAGE_ID.findall(_text(letter))
    return found[-1] if found else None


def _bare(header: str) -> str | None:
    return header.strip("<>") or None


def _text(letter: Letter) -> str:
    body = letter.get_payload(decode=True)
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else ""


def _line(text: str) -> str:
    return " ".join(text.split())[:MOST_SAID]
