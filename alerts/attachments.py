"""Files that people put to an alert: kept encrypted beside the database, given out to whoever may see the alert.

A file is on the disk before its row is committed, and goes after its row says so: a crash leaves a file too many,
never a row without its file (docs/decisions/alert-life.md).
"""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import event, exists, func, select
from sqlalchemy.orm import Session

from accounts.models import User
from accounts.service import record_access
from alerts.acts import Act
from alerts.desk import BadInput, locked, standing_of, unknown
from alerts.file_checks import PDF, BadFile, clean
from alerts.inbox import record_file
from alerts.models import Alert, AlertAttachment
from i18n import Message
from surveillance.archive import archived_path
from surveillance.privacy import Vault

MOST_PER_ALERT = 20


@dataclass(frozen=True, slots=True)
class Store:
    """Sealed files in a folder that no web server shows, under the sha256 of what the reader gets."""

    folder: Path
    vault: Vault

    def keep(self, sha256: str, content: bytes) -> None:
        """Temporary file, sync, rename; nothing when it is there."""
        target = archived_path(self.folder, sha256)
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{sha256}.{os.getpid()}.{threading.get_ident()}.part")
        with part.open("wb") as file:
            file.write(self.vault.seal(content))
            file.flush()
            os.fsync(file.fileno())
        os.chmod(part, 0o600)
        part.rename(target)

    def read(self, sha256: str) -> bytes | None:
        """None when the file is gone."""
        path = archived_path(self.folder, sha256)
        return self.vault.unseal(path.read_bytes()) if path.exists() else None

    def remove(self, sha256: str) -> None:
        archived_path(self.folder, sha256).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentView:
    """What is told of a file; `removed` when only that it was there is still known."""

    id: int
    media_type: str
    size_bytes: int
    at: datetime
    user_id: int
    user_name: str
    removed: bool


def attach(
    session: Session, alert_id: int, content: bytes, *, user: User, store: Store, now: datetime
) -> AlertAttachment:
    """Keep the file, made harmless. The same file once more is a second tap: the one that is there.

    Raises BadInput for a file that is not taken, and what `inbox` raises.
    """
    locked(session, alert_id, user)
    try:
        kept = clean(content)
    except BadFile as error:
        raise BadInput(error.message) from None
    sha256 = hashlib.sha256(kept.content).hexdigest()
    mine = select(AlertAttachment).where(AlertAttachment.alert_id == alert_id)
    same = session.scalar(mine.where(AlertAttachment.sha256 == sha256))
    if same is not None and same.removed_at is None:
        return same
    _check_room(session, alert_id)
    sentence = Message("Đính kèm tệp PDF.") if kept.media_type == PDF else Message("Đính kèm ảnh.")
    record_file(session, alert_id, Act.ATTACH, user=user, now=now, sentence=sentence)
    store.keep(sha256, kept.content)
    row = same or AlertAttachment(alert_id=alert_id, sha256=sha256)
    row.user_id, row.at, row.removed_at = user.id, now, None
    row.media_type, row.size_bytes = kept.media_type, len(kept.content)
    session.add(row)
    session.flush()
    return row


def detach(
    session: Session, attachment_id: int, *, user: User, reason: str, store: Store, now: datetime
) -> None:
    """Take a file away for good, with the reason: a wrong one, or one that shows a patient. That it was there stays in
    the log. Its bytes go when the transaction has been committed, unless another alert has the same file."""
    row = session.get(AlertAttachment, attachment_id, with_for_update=True)
    if row is None or row.removed_at is not None:
        raise BadInput(Message("Tệp này không còn."))
    sentence = Message("Gỡ tệp đính kèm.")
    record_file(session, row.alert_id, Act.DETACH, user=user, now=now, sentence=sentence, reason=reason)
    row.removed_at = now
    session.flush()
    used = (AlertAttachment.sha256 == row.sha256, AlertAttachment.removed_at.is_(None))
    if not session.scalar(select(exists().where(*used))):
        sha256 = row.sha256
        event.listen(session, "after_commit", lambda _session: store.remove(sha256), once=True)


def read(
    session: Session, attachment_id: int, *, user: User, store: Store, now: datetime
) -> tuple[str, bytes]:
    """Media type and content, for whoever may see the alert; written down. Raises NotAllowed."""
    row = session.get(AlertAttachment, attachment_id)
    alert = session.get(Alert, row.alert_id) if row is not None else None
    if (
        row is None
        or row.removed_at is not None
        or alert is None
        or standing_of(session, user, alert) is None
    ):
        raise unknown()
    content = store.read(row.sha256)
    if content is None:
        raise unknown()
    record_access(session, user.id, "alert.attachment", {"attachment": row.id, "alert": alert.id}, now)
    return row.media_type, content


def attachments(session: Session, alert_id: int) -> tuple[AttachmentView, ...]:
    """Newest first."""
    rows = session.execute(
        select(AlertAttachment, User.full_name, AlertAttachment.removed_at.is_not(None).label("removed"))
        .join(User, User.id == AlertAttachment.user_id)
        .where(AlertAttachment.alert_id == alert_id)
        .order_by(AlertAttachment.id.desc())
    )
    return tuple(
        AttachmentView(
            id=row.id, media_type=row.media_type, size_bytes=row.size_bytes, at=row.at, user_id=row.user_id,
            user_name=name, removed=removed,
        )
        for row, name, removed in rows
    )  # fmt: skip


def _check_room(session: Session, alert_id: int) -> None:
    kept = (AlertAttachment.alert_id == alert_id, AlertAttachment.removed_at.is_(None))
    count = session.scalar(select(func.count()).select_from(AlertAttachment).where(*kept)) or 0
    if count >= MOST_PER_ALERT:
        raise BadInput(
            Message("Mỗi cảnh báo giữ nhiều nhất {n} tệp. Hãy gỡ bớt tệp không cần.", n=MOST_PER_ALERT)
        )
