"""Letters of mail servers that say a message never arrived, as each server writes them; addresses are invented."""

from __future__ import annotations

import mailbox
import socketserver
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from accounts.models import User
from alerts.channels import EMAIL
from alerts.channels.email import EmailChannel
from alerts.delivery import deliver_due, resend, stored_error
from alerts.models import Delivery
from alerts.telling.bounces import Fault, parse_bounce
from alerts.telling.faults import clear_fault, faults
from alerts.telling.mailboxes import Imap, Maildir, parse_mailbox, read_bounces
from db import session_scope
from settings import SettingsError
from tests.alerting import NOW
from tests.mail import MailServer
from tests.test_delivery import LETTERHEAD, MAIL_FROM, alerted, email_row, server, unit_id

__all__ = ["alerted", "server", "unit_id"]
"""Fixtures."""

ID = "12.5.email.1784077200@example.org"

POSTFIX = """\
Return-Path: <>
From: MAILER-DAEMON@relay.example.org (Mail Delivery System)
To: canh-dich@example.org
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="A1B2.1784077300/relay.example.org"

--A1B2.1784077300/relay.example.org
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host relay.example.org.

<{to}>: host mx.example.net[192.0.2.7] said: {code} {status} <{to}>:
    {said} (in reply to RCPT TO command)

--A1B2.1784077300/relay.example.org
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example.org
X-Postfix-Queue-ID: A1B2
X-Postfix-Sender: rfc822; canh-dich@example.org
Arrival-Date: Wed, 15 Jul 2026 08:00:00 +0700 (ICT)

Final-Recipient: rfc822; {to}
Original-Recipient: rfc822;{to}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.net
Diagnostic-Code: smtp; {code} {status} <{to}>: {said}

--A1B2.1784077300/relay.example.org
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Return-Path: <canh-dich@example.org>
From: canh-dich@example.org
To: {to}
Subject: =?utf-8?b?4pag?=
Message-ID: <{id}>

--A1B2.1784077300/relay.example.org--
"""

EXIM = """\
Return-path: <>
From: Mail Delivery System <Mailer-Daemon@mail.example.org>
To: canh-dich@example.org
Auto-Submitted: auto-replied
X-Failed-Recipients: {to}
Content-Type: multipart/report; report-type=delivery-status; boundary=1784077300-eximdsn-1
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender

--1784077300-eximdsn-1
Content-type: text/plain; charset=us-ascii

  {to}
    host mx.example.net [192.0.2.7]
    SMTP error from remote mail server after RCPT TO:<{to}>:
    {code} {said}

--1784077300-eximdsn-1
Content-type: message/delivery-status

Reporting-MTA: dns; mail.example.org

Action: failed
Final-Recipient: rfc822;{to}
Status: 5.0.0
Remote-MTA: dns; mx.example.net
Diagnostic-Code: smtp; {code} {said}

--1784077300-eximdsn-1
Content-type: message/rfc822

Return-path: <canh-dich@example.org>
From: canh-dich@example.org
To: {to}
Message-ID: <{id}>
Subject: x

body

--1784077300-eximdsn-1--
"""

EXIM_OLD = """\
Return-path: <>
X-Failed-Recipients: {to}
From: Mail Delivery System <Mailer-Daemon@mail.example.org>
To: canh-dich@example.org
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

  {to}:
    SMTP error from remote mail server after RCPT TO:<{to}>:
    host mx.example.net [192.0.2.7]: {code} {said}

------ This is a copy of the message, including all the headers. ------

From: canh-dich@example.org
Message-ID: <{id}>

body
"""

QMAIL = """\
Return-Path: <>
From: MAILER-DAEMON@mail.example.net
To: canh-dich@example.org
Subject: failure notice

Hi. This is the qmail-send program at mail.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{to}>:
{said} (#{status})

--- Below this line is a copy of the message.

Return-Path: <canh-dich@example.org>
From: canh-dich@example.org
Message-ID: <{id}>

body
"""

EXCHANGE = """\
From: postmaster@mail.example.net
To: canh-dich@example.org
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_exch"
Subject: Undeliverable: x

--=_exch
Content-Type: multipart/alternative; boundary="=_alt"

--=_alt
Content-Type: text/html; charset="utf-8"

<p>The email address you entered couldn't be found.</p>

--=_alt--

--=_exch
Content-Type: message/delivery-status

Reporting-MTA: dns;mail.example.net
Received-From-MTA: dns;relay.example.org
Arrival-Date: Wed, 15 Jul 2026 01:00:02 +0000

Original-Recipient: rfc822;{to}
Final-Recipient: rfc822;{to}
Action: failed
Status: {status}
Diagnostic-Code: smtp;{code} {status} {said}

--=_exch
Content-Type: message/rfc822

From: canh-dich@example.org
Message-ID: <{id}>

--=_exch--
"""

OUT_OF_OFFICE = """\
From: station@example.org
To: canh-dich@example.org
Subject: Nghỉ phép
In-Reply-To: <{id}>
Auto-Submitted: auto-replied

Tôi nghỉ đến thứ hai.
"""


def letter(form: str, **values: str) -> bytes:
    given = {"to": "station@example.org", "id": ID, "action": "failed", "code": "550", "status": "5.1.1",
             "said": "Recipient address rejected: User unknown", **values}  # fmt: skip
    return form.format(**given).encode()


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (letter(POSTFIX), Fault.NOBODY),
        (letter(POSTFIX, code="552", status="5.2.2", said="Mailbox full"), Fault.FULL),
        (letter(POSTFIX, code="452", status="4.2.2", said="over quota"), Fault.FULL),
        (letter(POSTFIX, code="554", status="5.7.1", said="Message rejected as spam"), Fault.REFUSED),
        (letter(POSTFIX, code="450", status="4.4.1", said="Connection timed out"), Fault.GAVE_UP),
        (letter(POSTFIX, code="550", status="5.2.1", said="Account disabled"), Fault.NOBODY),
        (letter(EXIM, said="No such user here"), Fault.NOBODY),
        (letter(EXIM, said="5.1.1 unknown"), Fault.NOBODY),
        (letter(EXIM, code="552", said="Mailbox is full / quota exceeded"), Fault.FULL),
        (letter(EXIM, code="550", said="Message contains a link that we do not like"), Fault.REFUSED),
        (letter(EXIM_OLD, said="user unknown"), Fault.NOBODY),
        (letter(QMAIL, said="Sorry, no mailbox here by that name."), Fault.NOBODY),
        (letter(QMAIL, status="5.2.2", said="The mailbox is over quota."), Fault.FULL),
        (letter(EXCHANGE, status="5.1.10", said="RESOLVER.ADR.RecipientNotFound; not found"), Fault.NOBODY),
    ],
)
def test_servers_say_it_each_in_their_way(raw: bytes, fault: Fault) -> None:
    bounce = parse_bounce(raw)

    assert bounce is not None
    assert (bounce.message_id, bounce.recipient, bounce.fault) == (ID, "station@example.org", fault)
    assert parse_bounce(raw.replace(b"\n", b"\r\n")) == bounce


@pytest.mark.parametrize(
    "raw",
    [
        letter(POSTFIX, action="delayed", status="4.4.1"),
        letter(POSTFIX, action="delivered", status="2.0.0"),
        letter(OUT_OF_OFFICE),
        b"",
        letter(POSTFIX)[:900],
    ],
)
def test_other_letters_say_nothing(raw: bytes) -> None:
    assert parse_bounce(raw) is None


@given(st.binary(max_size=400), st.integers(0, 1500))
def test_no_letter_however_mangled_stops_the_reader(noise: bytes, at: int) -> None:
    whole = letter(POSTFIX)
    parse_bounce(whole[:at] + noise + whole[at:])


# From a mailbox to the delivery


@pytest.fixture
def sent(engine: Engine, alerted: int, server: MailServer) -> str:
    """The Message-ID of the one mail that went out."""
    deliver_due(engine, {EMAIL: EmailChannel(server.url, MAIL_FROM)}, NOW, letterhead=LETTERHEAD)
    (mail,) = server.mailbox.taken
    return str(mail["Message-ID"]).strip("<>")


def maildir(folder: Path, *letters: bytes) -> Maildir:
    folder.mkdir(exist_ok=True)
    box = mailbox.Maildir(folder / "Maildir")
    for raw in letters:
        box.add(raw)
    return Maildir(folder=folder / "Maildir")


def read(engine: Engine, source: Maildir | Imap) -> dict[str, int]:
    return read_bounces(engine, source, "example.org", NOW)


def test_a_bounce_makes_a_dead_letter_with_its_reason_and_flags_the_address(
    engine: Engine, sent: str, tmp_path: Path
) -> None:
    source = maildir(tmp_path, letter(POSTFIX, id=sent))

    assert read(engine, source) == {"letters": 1, "bounced": 1}
    row = email_row(engine)
    assert row.state == "dead"
    assert str(stored_error(row)).startswith("Địa chỉ thư này không có người nhận (5.1.1 550 5.1.1")
    with session_scope(engine) as session:
        (fault,) = faults(session)
        assert (fault.name, fault.address) == ("Người thử station", "station@example.org")
    assert read(engine, source) == {}


def test_the_same_letter_twice_is_news_once_and_a_full_mailbox_flags_nobody(
    engine: Engine, sent: str, tmp_path: Path
) -> None:
    full = letter(POSTFIX, id=sent, code="552", status="5.2.2", said="Mailbox full")

    assert read(engine, maildir(tmp_path, full, full)) == {"letters": 2, "bounced": 1}
    assert "Hộp thư người nhận đã đầy" in str(stored_error(email_row(engine)))
    with session_scope(engine) as session:
        assert faults(session) == []


def test_what_bounced_can_be_sent_again_and_bounce_again(
    engine: Engine, sent: str, server: MailServer, tmp_path: Path
) -> None:
    read(engine, maildir(tmp_path, letter(POSTFIX, id=sent)))
    with session_scope(engine) as session:
        resend(session, email_row(engine).id, NOW)
    deliver_due(engine, {EMAIL: EmailChannel(server.url, MAIL_FROM)}, NOW, letterhead=LETTERHEAD)
    assert email_row(engine).state == "sent"

    assert read(engine, maildir(tmp_path / "again", letter(POSTFIX, id=sent))) == {"letters": 1, "bounced": 1}
    assert email_row(engine).state == "dead"


def test_letters_about_messages_of_others_and_broken_ones_hold_up_nothing(
    engine: Engine, sent: str, tmp_path: Path
) -> None:
    others = [letter(POSTFIX), letter(POSTFIX, id="1@elsewhere.example"), b"\xff\x00", letter(OUT_OF_OFFICE)]

    assert read(engine, maildir(tmp_path, *others, letter(EXIM, id=sent, said="user unknown"))) == {
        "letters": 5,
        "bounced": 1,
    }


def test_an_address_mended_since_is_not_flagged_and_a_checked_one_is_cleared(
    engine: Engine, sent: str, tmp_path: Path
) -> None:
    read(engine, maildir(tmp_path, letter(POSTFIX, id=sent)))
    with session_scope(engine) as session:
        user = session.scalars(select(User).where(User.username == "station")).one()
        other = session.scalars(select(User).where(User.username == "neighbour")).one()
        (fault,) = faults(session)
        assert not clear_fault(session, fault.id, by=other, now=NOW)
        assert clear_fault(session, fault.id, by=user, now=NOW + timedelta(hours=1))
        assert faults(session) == []
    with session_scope(engine) as session:
        session.get_one(User, user.id).email = "new@example.org"
        resend(session, email_row(engine).id, NOW)
        session.scalars(select(Delivery).where(Delivery.channel == EMAIL)).one().state = "sent"
    read(engine, maildir(tmp_path / "again", letter(POSTFIX, id=sent)))
    with Session(engine) as session:
        assert faults(session) == []


# A mailbox by IMAP


class Desk(socketserver.StreamRequestHandler):
    """The few commands of IMAP4rev1 (RFC 3501) that a reader of unseen letters uses."""

    def handle(self) -> None:
        self.say(b"* OK ready")
        for line in self.rfile:
            tag, command, *rest = line.decode().split(maxsplit=2)
            self.answer(tag.encode(), command.upper(), rest[0].strip() if rest else "")
            if command.upper() == "LOGOUT":
                return

    def say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

    def answer(self, tag: bytes, command: str, rest: str) -> None:
        box: ImapServer = self.server  # type: ignore[assignment]
        if command == "CAPABILITY":
            self.say(b"* CAPABILITY IMAP4rev1")
        elif command == "LOGIN" and rest.replace('"', "") != "bounces secret word":
            self.say(tag + b" NO wrong")
            return
        elif command == "SELECT":
            self.say(b"* %d EXISTS" % len(box.letters))
        elif command == "UID":
            self.uid(box, *rest.split(maxsplit=2))
        self.say(tag + b" OK done")

    def uid(self, box: ImapServer, command: str, uid: str, flags: str = "") -> None:
        if command == "SEARCH":
            unseen = [str(n + 1) for n in range(len(box.letters)) if n + 1 not in box.seen]
            self.say(f"* SEARCH {' '.join(unseen)}".rstrip().encode())
        elif command == "FETCH":
            raw = box.letters[int(uid) - 1]
            self.say(b"* %s FETCH (UID %s BODY[] {%d}" % (uid.encode(), uid.encode(), len(raw)))
            self.wfile.write(raw + b")\r\n")
        elif command == "STORE" and "Seen" in flags:
            box.seen.add(int(uid))


class ImapServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, letters: list[bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Desk)
        self.letters, self.seen = letters, set[int]()


@pytest.fixture
def imap() -> Iterator[ImapServer]:
    server = ImapServer([])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_unseen_letters_are_read_by_imap_and_marked(engine: Engine, sent: str, imap: ImapServer) -> None:
    imap.letters += [letter(OUT_OF_OFFICE), letter(EXIM, id=sent, said="user unknown")]
    source = parse_mailbox(f"imap://bounces:secret%20word@127.0.0.1:{imap.server_address[1]}/INBOX")
    assert isinstance(source, Imap)

    assert read(engine, source) == {"letters": 2, "bounced": 1}
    assert imap.seen == {1, 2}
    assert read(engine, source) == {}


@pytest.mark.parametrize(
    "url",
    [
        "imap://u:pw@mail.example.org",
        "imaps://mail.example.org",
        "pop3://u:pw@h",
        "maildir:relative",
        "imaps://u:pw@h:x",
    ],
)
def test_a_wrong_setting_is_told_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="CANHDICH_BOUNCES") as error:
        parse_mailbox(url)
    assert "pw" not in str(error.value)
