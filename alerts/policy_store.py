"""The rules for levels as the city keeps them: what is in force, drafts, and who decided what.

A change takes effect when a second person approves it, never the one who proposed it. Every version stays, so that
the hash of an alert leads to its text for ever. What an upgrade of the program does is in `record_shipped`.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.models import Role, User
from accounts.service import areas_of, record_access
from alerts.policy_diff import differences
from alerts.policy_edit import next_version, with_version
from alerts.policy_models import PolicyPreview, PolicyVersion
from alerts.rules import Policy, parse_policy, shipped_text
from db import hold_lock, notify
from i18n import Message, MessageError
from surveillance.diseases import load_catalogue

KEEPERS = (Role.ANALYST, Role.MANAGER)
MAX_TEXT = 200_000
MAX_NOTE = 2000


class PolicyRefused(MessageError, RuntimeError):
    """An act on the rules that may not be done; the text says why and what to do."""


@lru_cache(maxsize=16)
def read(source: str) -> Policy:
    """A text that was read before is not read again."""
    return parse_policy(source)


def version_in_force(session: Session) -> PolicyVersion | None:
    """None before the worker or `app.py migrate` ran for the first time."""
    query = select(PolicyVersion).where(PolicyVersion.state == "approved")
    return session.scalars(
        query.order_by(PolicyVersion.in_force_from.desc(), PolicyVersion.id.desc()).limit(1)
    ).one_or_none()


def policy_in_force(session: Session) -> Policy:
    """The rules to decide with now. Raises PolicyError when this program cannot read them any more: they are the
    city's, so nothing is put in their place."""
    version = version_in_force(session)
    return read(shipped_text() if version is None else version.text)


def policy_of_hash(session: Session, hash: str) -> Policy | None:
    """The rules an alert was decided with; None when they were in force before versions were kept."""
    source = session.scalar(select(PolicyVersion.text).where(PolicyVersion.hash == hash))
    if source is None:
        shipped = read(shipped_text())
        return shipped if shipped.hash == hash else None
    return read(source)


def record_shipped(session: Session, source: str, now: datetime) -> PolicyVersion | None:
    """Take note of the rules that came with this program; None when they are known already.

    They come into force when the store is empty, or when those in force came with an earlier program and nobody ever
    approved others. Once people have, newer ones are only offered: somebody must propose them.
    """
    _lock(session)
    policy = read(source)
    if session.scalar(select(PolicyVersion.id).where(PolicyVersion.hash == policy.hash)) is not None:
        return None
    current = version_in_force(session)
    theirs = current is None or current.proposed_by is None
    shipped = PolicyVersion(
        hash=policy.hash,
        version=policy.version,
        text=source,
        state="approved" if theirs else "offered",
        base_id=current.id if current else None,
        proposed_at=now,
        decided_at=now if theirs else None,
        in_force_from=now if theirs else None,
    )
    session.add(shipped)
    session.flush()
    record_access(
        session, None, f"policy.{shipped.state}", {"version": shipped.id, "hash": shipped.hash}, now
    )
    return shipped


def propose(
    session: Session,
    source: str,
    *,
    user: User,
    note: str,
    base_id: int,
    now: datetime,
    adopt: bool = False,
) -> PolicyVersion:
    """Keep `source` as a draft, under a new version name when it kept an old one. `base_id`: the version in force that
    the proposer saw. `adopt`: also when it is what the program brought, so that no upgrade replaces it.

    Raises PolicyError (naming the line) for a text that cannot be used, PolicyRefused otherwise.
    """
    _check_right(session, user)
    _check_length(source, note)
    _lock(session)
    current = version_in_force(session)
    if current is None or current.id != base_id:
        raise PolicyRefused(
            Message(
                "Trong lúc bạn sửa, một bộ quy tắc khác đã có hiệu lực. Hãy chép lại phần đã sửa, tải lại trang"
                " rồi sửa trên bộ mới."
            )
        )
    policy = parse_policy(source, diseases=[disease.code for disease in load_catalogue()])
    if not differences(read(current.text), policy) and not (adopt and current.proposed_by is None):
        raise PolicyRefused(Message("Không có gì khác với bộ quy tắc đang dùng."))
    taken = set(session.scalars(select(PolicyVersion.version)))
    if policy.version in taken:
        source = with_version(source, next_version(policy.version, taken))
        policy = read(source)
    draft = PolicyVersion(
        hash=policy.hash,
        version=policy.version,
        text=source,
        state="draft",
        base_id=base_id,
        note=note.strip(),
        proposed_by=user.id,
        proposed_at=now,
    )
    session.add(draft)
    session.flush()
    _audit(session, user, "propose", draft, now)
    request_preview(session, draft, now)
    return draft


def approve(session: Session, version_id: int, *, user: User, now: datetime) -> PolicyVersion:
    """Put a draft into force. Raises PolicyRefused: own draft, not a draft any more, or made from rules that are no
    longer in force."""
    draft = _draft(session, version_id, user)
    if draft.proposed_by == user.id:
        raise PolicyRefused(Message("Người đề nghị không được tự duyệt; cần một người thứ hai."))
    current = version_in_force(session)
    if current is None or draft.base_id != current.id:
        raise PolicyRefused(
            Message(
                "Bản này sửa từ bộ quy tắc đã hết hiệu lực. Hãy mở “Sửa tiếp từ bản này” rồi đề nghị lại."
            )
        )
    read(draft.text)
    draft.state, draft.decided_by, draft.decided_at, draft.in_force_from = "approved", user.id, now, now
    _audit(session, user, "approve", draft, now)
    notify(session, "signals")  # levels are decided anew at once
    return draft


def refuse(session: Session, version_id: int, *, user: User, reason: str, now: datetime) -> PolicyVersion:
    """Turn a draft of another person down, with the reason."""
    draft = _draft(session, version_id, user)
    if draft.proposed_by == user.id:
        raise PolicyRefused(Message("Đây là bản của bạn: hãy rút lại thay vì từ chối."))
    if not reason.strip():
        raise PolicyRefused(Message("Hãy ghi lý do từ chối."))
    _check_length("", reason)
    draft.state, draft.decided_by, draft.decided_at, draft.reason = "refused", user.id, now, reason.strip()
    _audit(session, user, "refuse", draft, now)
    return draft


def withdraw(session: Session, version_id: int, *, user: User, now: datetime) -> PolicyVersion:
    """Take one's own draft back."""
    draft = _draft(session, version_id, user)
    if draft.proposed_by != user.id:
        raise PolicyRefused(Message("Chỉ người đề nghị mới rút được bản này."))
    draft.state, draft.decided_by, draft.decided_at = "withdrawn", user.id, now
    _audit(session, user, "withdraw", draft, now)
    return draft


def versions(session: Session) -> list[PolicyVersion]:
    """All there ever were, newest first."""
    return list(session.scalars(select(PolicyVersion).order_by(PolicyVersion.id.desc())))


def request_preview(session: Session, version: PolicyVersion, now: datetime) -> None:
    """Ask the worker what `version` would have changed against its base."""
    assert version.base_id is not None
    session.add(
        PolicyPreview(version_id=version.id, against_id=version.base_id, requested_at=now, state="waiting")
    )
    notify(session, "policy")


def newest_preview(session: Session, version_id: int) -> PolicyPreview | None:
    query = select(PolicyPreview).where(PolicyPreview.version_id == version_id)
    return session.scalars(query.order_by(PolicyPreview.id.desc()).limit(1)).one_or_none()


def _draft(session: Session, version_id: int, user: User) -> PolicyVersion:
    """The draft, with every other act on the rules waiting until this transaction ends."""
    _check_right(session, user)
    _lock(session)
    draft = session.get(PolicyVersion, version_id, populate_existing=True)
    if draft is None:
        raise PolicyRefused(Message("Không có bộ quy tắc số {id}.", id=str(version_id)))
    if draft.state != "draft":
        raise PolicyRefused(Message("Bản này đã được quyết định rồi; hãy tải lại trang."))
    return draft


def _check_right(session: Session, user: User) -> None:
    """The rules hold for the whole city, so who changes them looks after all of it."""
    if user.role not in KEEPERS or areas_of(session, user) is not None:
        raise PolicyRefused(
            Message("Chỉ cán bộ phân tích và quản lý phụ trách cả thành phố được đổi quy tắc.")
        )


def _check_length(source: str, note: str) -> None:
    if len(source) > MAX_TEXT:
        raise PolicyRefused(Message("Văn bản quá dài: nhiều nhất {n} ký tự.", n=MAX_TEXT))
    if len(note) > MAX_NOTE:
        raise PolicyRefused(Message("Lời ghi quá dài: nhiều nhất {n} ký tự.", n=MAX_NOTE))


def _audit(session: Session, user: User, act: str, version: PolicyVersion, now: datetime) -> None:
    detail = {"version": version.id, "hash": version.hash}
    record_access(session, user_id=user.id, action=f"policy.{act}", detail=detail, now=now)


def _lock(session: Session) -> None:
    hold_lock(session, "policy")
