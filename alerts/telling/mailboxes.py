"""Where bounces arrive: a Maildir, or a mailbox by IMAP. A letter is marked as read after what it said was committed,
so a crash reads it again; it is never deleted."""

from __future__ import annotations

import imaplib
import mailbox
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog
from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from accounts.models import User
from alerts.channels import EMAIL
from alerts.models import Delivery, DeliveryReceipt
from alerts.receipts import as_note, record_report
from alerts.telling.bounces import Bounce, Fault, parse_bounce
from alerts.telling.models import AddressFault
from db import session_scope
from i18n import Message
from settings import SettingsError

log = structlog.get_logger()
TIMEOUT_S = 20.0
MOST_LETTERS = 200
"""A round: the next one goes on."""
Take = Callable[[bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Maildir:
    folder: Path

    def read(self, take: Take) -> int:
        box = mailbox.Maildir(self.folder, create=False)
        unread = [(key, box.get_message(key)) for key in box.keys()[: 10 * MOST_LETTERS]]
        unread = [(key, letter) for key, letter in unread if "S" not in letter.get_flags()][:MOST_LETTERS]
        for key, letter in unread:
            take(bytes(letter))
            letter.set_subdir("cur")
            letter.add_flag("S")
            box[key] = letter
        return len(unread)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imap:
    host: str
    port: int
    tls: bool
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"

    def read(self, take: Take) -> int:
        with self._connected() as server:
            server.login(self.user, self.password)
            server.select(f'"{self.folder}"')
            _status, found = server.uid("SEARCH", "UNSEEN")
            uids = (found[0] or b"").split()[:MOST_LETTERS]
            for uid in uids:
                _status, parts = server.uid("FETCH", uid.decode(), "(BODY.PEEK[])")
                take(next(part[1] for part in parts if isinstance(part, tuple)))
                server.uid("STORE", uid.decode(), "+FLAGS", r"(\Seen)")
        return len(uids)

    def _connected(self) -> imaplib.IMAP4:
        if self.tls:
            context = ssl.create_default_context()
            return imaplib.IMAP4_SSL(self.host, self.port, ssl_context=context, timeout=TIMEOUT_S)
        return imaplib.IMAP4(self.host, self.port, timeout=TIMEOUT_S)


def parse_mailbox(url: str | None) -> Maildir | Imap | None:
    """maildir:/path, or imaps://user:password@host[:port][/folder]; imap:// only to this machine. Raises SettingsError,
    which never quotes it."""
    if not url:
        return None
    wrong = SettingsError(
        Message(
            "CANHDICH_BOUNCES phải có dạng maildir:/thư/mục hoặc imaps://tên:mật-khẩu@máy-chủ[:cổng][/hộp]. "
            "imap:// không mã hoá chỉ dùng được với chính máy này."
        )
    )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme == "maildir" and parts.path.startswith("/"):
        return Maildir(folder=Path(unquote(parts.path)))
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme not in ("imap", "imaps") or (parts.scheme == "imap" and not local):
        raise wrong
    if not parts.hostname or not parts.username or not parts.password:
        raise wrong
    return Imap(
        host=parts.hostname,
        port=port or (993 if parts.scheme == "imaps" else 143),
        tls=parts.scheme == "imaps",
        user=unquote(parts.username),
        password=unquote(parts.password),
        folder=unquote(parts.path.strip("/")) or "INBOX",
    )


def read_bounces(engine: Engine, source: Maildir | Imap, mail_domain: str, now: datetime) -> dict[str, int]:
    """Counts: letters read, and deliveries that turned out not to have arrived. `mail_domain`: of our Message-IDs."""
    found = 0

    def take(raw: bytes) -> None:
        nonlocal found
        try:
            bounce = parse_bounce(raw)
        except Exception as error:
            log.error("bounce_unreadable", kind=type(error).__name__)
            return
        if bounce is not None and bounce.message_id.endswith(f"@{mail_domain}"):
            with session_scope(engine) as session:
                found += take_bounce(session, bounce, now)

    letters = source.read(take)
    return {key: n for key, n in {"letters": letters, "bounced": found}.items() if n}


def take_bounce(session: Session, bounce: Bounce, now: datetime) -> int:
    """Give up what bounced, and flag the address nobody reads; how many deliveries it was news for."""
    ours = bounce.message_id.rpartition("@")[0]
    count = record_report(session, EMAIL, ours, arrived=False, said=bounce.said, now=now, note=bounce.words())
    if count and bounce.fault is Fault.NOBODY:
        _flag(session, ours, bounce, now)
    return count


def _flag(session: Session, message_id: str, bounce: Bounce, now: datetime) -> None:
    """Only the address that the account still has: it may have been mended since."""
    told = (
        select(Delivery.user_id)
        .join(DeliveryReceipt, DeliveryReceipt.delivery_id == Delivery.id)
        .where(DeliveryReceipt.kind == "accepted", DeliveryReceipt.provider_id == message_id)
    )
    user = session.scalars(select(User).where(User.id.in_(told))).first()
    if user is None or not user.email:
        return
    if bounce.recipient and bounce.recipient.casefold() != user.email.casefold():
        return
    row = insert(AddressFault).values(
        user_id=user.id, address=user.email, reason=as_note(bounce.words()), since=now
    )
    session.execute(row.on_conflict_do_nothing())
