"""What people do with an alert. Every act is an event; rights are checked here, not only on the page.

Which act from which state is in acts.py. Each act locks the alert's row, looks, and writes one event or says why not.
`seen`: the newest event the person had before them; what others decided since is told, never overwritten.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from accounts.models import Role, User, UserArea
from accounts.service import areas_of, record_access
from alerts import delivery
from alerts.acts import UNJUDGED, Act, Standing, State
from alerts.channels import IN_APP
from alerts.desk import (
    AlreadyClosed,
    BadInput,
    InboxError,
    NotAllowed,
    Overtaken,
    WrongState,
    checked,
    locked,
    may_act,
    name_of,
    record,
    standing_of,
    state_after,
    unknown,
)
from alerts.judging import OUTCOMES, Outcome, check_place_free, judge, known, outcome_name, said
from alerts.lifecycle import Kind
from alerts.models import Alert, AlertEvent, AlertWatch, Delivery
from db import hold_lock
from i18n import Message

__all__ = [
    "OUTCOMES", "AlreadyClosed", "BadInput", "InboxError", "NotAllowed", "Outcome", "Overtaken", "WrongState",
    "acknowledge", "assign", "close", "comment", "conclude", "mark_read", "may_act", "outcome_name", "record_file",
    "reopen", "resend", "verify", "watch",
]  # fmt: skip


def acknowledge(session: Session, alert_id: int, *, user: User, now: datetime) -> AlertEvent | None:
    """Take the alert on, and hold it until it is assigned. None when somebody already has: a second tap is no error."""
    alert = locked(session, alert_id, user)
    mark_read(session, alert_id, user=user, now=now)
    after = state_after(session, alert, Act.ACKNOWLEDGE, user)
    if after is None:
        return None
    alert.state, alert.assignee_id = after, user.id
    return record(session, alert, Kind.ACKNOWLEDGED, user, now, Message("Đã tiếp nhận."))


def assign(
    session: Session, alert_id: int, *, user: User, to: int, now: datetime, note: str = "",
    seen: int | None = None,
) -> AlertEvent | None:  # fmt: skip
    """Give the alert to a person who covers its area, or take it oneself. From one person to another it is a hand-over
    and needs a note, unless one takes it oneself. None when that person holds it already."""
    alert = locked(session, alert_id, user)
    holder = _holder_to_be(session, to, alert)
    if alert.assignee_id == holder.id and alert.state in (State.ASSIGNED, State.VERIFYING, State.VERIFIED):
        return None
    former = alert.assignee_id if alert.state not in (State.OPEN, State.ACKNOWLEDGED) else None
    handed = former is not None and holder.id != user.id
    words = checked(note) if handed or note.strip() else None
    alert.state = state_after(session, alert, Act.ASSIGN, user, seen)
    alert.assignee_id = holder.id
    if former is not None:
        names = {"former": name_of(session, former), "person": holder.full_name}
        sentence = Message("Chuyển từ {former} sang {person}.", **names)
        return record(session, alert, Kind.HANDED_OVER, user, now, sentence, words)
    sentence = Message("Giao cho {person}.", person=holder.full_name)
    if holder.id == user.id:
        sentence = Message("Tự nhận việc.")
    return record(session, alert, Kind.ASSIGNED, user, now, sentence, words)


def verify(
    session: Session, alert_id: int, *, user: User, now: datetime, seen: int | None = None
) -> AlertEvent | None:
    """Begin to find out whether it is true. None on a second tap."""
    alert = locked(session, alert_id, user)
    after = state_after(session, alert, Act.VERIFY, user, seen)
    if after is None:
        return None
    alert.state = after
    return record(session, alert, Kind.VERIFYING, user, now, Message("Bắt đầu kiểm tra."))


def conclude(
    session: Session, alert_id: int, *, user: User, outcome: Outcome, comment: str, now: datetime,
    duplicate_of: int | None = None, seen: int | None = None,
) -> AlertEvent:  # fmt: skip
    """Say what the alert was, with the reason: verified when true, else dismissed."""
    alert = locked(session, alert_id, user, duplicate_of)
    act, kind = (Act.CONFIRM, Kind.VERIFIED) if known(outcome) == "true" else (Act.DISMISS, Kind.DISMISSED)
    after = state_after(session, alert, act, user, seen)
    reason = checked(comment)
    judge(session, alert, outcome, duplicate_of, user)
    alert.state = after
    sentence = Message("Kết luận: {outcome}.", outcome=said(alert))
    return record(session, alert, kind, user, now, sentence, reason)


def close(
    session: Session, alert_id: int, *, user: User, outcome: Outcome | None = None, comment: str = "",
    now: datetime, duplicate_of: int | None = None, seen: int | None = None,
) -> AlertEvent:  # fmt: skip
    """End the alert; when it may return is in lifecycle.py. Where nobody has concluded yet, the outcome and the reason
    are said here."""
    alert = locked(session, alert_id, user, duplicate_of)
    judged = alert.state not in UNJUDGED
    after = state_after(session, alert, Act.CLOSE, user, seen)
    if judged and outcome not in (None, alert.outcome):
        raise WrongState(Message("Cảnh báo này đã có kết luận."))
    reason = checked(comment) if comment.strip() or not judged else None
    if not judged:
        judge(session, alert, known(outcome), duplicate_of, user)
    alert.state = after
    alert.closed_at = alert.changed_at = now
    sentence = Message("Đóng cảnh báo, kết luận: {outcome}.", outcome=said(alert))
    return record(session, alert, Kind.CLOSED, user, now, sentence, reason)


def reopen(
    session: Session, alert_id: int, *, user: User, reason: str, now: datetime, seen: int | None = None
) -> AlertEvent:
    """Take back a dismissal or closing, with the reason, and hold it. What was concluded stays in the log."""
    # reconcile opens alerts too: not both at once
    hold_lock(session, "reconcile")
    alert = locked(session, alert_id, user)
    after = state_after(session, alert, Act.REOPEN, user, seen)
    words = checked(reason)
    check_place_free(session, alert)
    alert.state = after
    alert.outcome = alert.duplicate_of = alert.closed_at = None
    alert.assignee_id = user.id
    alert.changed_at = now
    return record(session, alert, Kind.REOPENED, user, now, Message("Mở lại để xem xét."), words)


def comment(session: Session, alert_id: int, *, user: User, text: str, now: datetime) -> AlertEvent:
    """Add a remark. The same words once more are a second tap: the event is the one there is."""
    alert = locked(session, alert_id, user)
    state_after(session, alert, Act.COMMENT, user)
    words = checked(text)
    last = session.scalar(
        select(AlertEvent).where(AlertEvent.alert_id == alert_id).order_by(AlertEvent.id.desc()).limit(1)
    )
    if last is not None and (last.kind, last.user_id, last.comment) == (Kind.COMMENT, user.id, words):
        return last
    return record(session, alert, Kind.COMMENT, user, now, Message("Ghi chú."), words)


def watch(session: Session, alert_id: int, *, user: User, on: bool | None = None, now: datetime) -> None:
    """Follow an alert, or no longer; `on` None: the other way round. A choice of the person, not an act on the alert:
    no event."""
    alert = session.get(Alert, alert_id)
    if alert is None or standing_of(session, user, alert) is None:
        raise unknown()
    mine = (AlertWatch.alert_id == alert_id, AlertWatch.user_id == user.id)
    if on is None:
        on = session.scalar(select(AlertWatch.since).where(*mine)) is None
    if on:
        row = {"alert_id": alert_id, "user_id": user.id, "since": now}
        session.execute(insert(AlertWatch).values(row).on_conflict_do_nothing())
    else:
        session.execute(delete(AlertWatch).where(*mine))


def resend(session: Session, delivery_id: int, *, user: User, now: datetime) -> AlertEvent | None:
    """Send a given-up message again. Raises delivery.CannotResend unless it is given up. None: a day's list of duties,
    which is no alert's; it goes into the record of accesses."""
    found = session.get(Delivery, delivery_id)
    if found is not None and found.agenda_on is not None:
        _resend_agenda(session, found, user, now)
        return None
    alert = locked(session, found.alert_id if found else None, user)
    if standing_of(session, user, alert) is not Standing.LEAD:
        raise unknown()
    again = delivery.resend(session, delivery_id, now)
    if again.user_id is None:
        sentence = Message("Gửi lại bản tin CAP cho hệ thống nhận.")
    else:
        sentence = Message("Gửi lại thư cho {person}.", person=name_of(session, again.user_id))
    return record(session, alert, Kind.RESENT, user, now, sentence)


def _resend_agenda(session: Session, found: Delivery, user: User, now: datetime) -> None:
    area_ids = areas_of(session, user)
    theirs = set(session.scalars(select(UserArea.unit_id).where(UserArea.user_id == found.user_id)))
    if not user.active or user.role == Role.MANAGER or not (area_ids is None or theirs & area_ids):
        raise NotAllowed(Message("Không có tin này trong địa bàn bạn phụ trách."))
    again = delivery.resend(session, found.id, now)
    again.created_at = now  # hours are counted from here
    record_access(session, user.id, "delivery.resend", {"delivery": found.id}, now)


def mark_read(session: Session, alert_id: int, *, user: User, now: datetime) -> int:
    """Note that this user has seen the alert; how many of their in-app messages became read."""
    unread = (
        Delivery.alert_id == alert_id,
        Delivery.user_id == user.id,
        Delivery.channel == IN_APP,
        Delivery.read_at.is_(None),
    )
    statement = update(Delivery).where(*unread).values(read_at=now).returning(Delivery.id)
    return len(session.scalars(statement).all())


def record_file(
    session: Session,
    alert_id: int,
    act: Act,
    *,
    user: User,
    now: datetime,
    sentence: Message,
    reason: str = "",
) -> AlertEvent:
    """The event of a file that was put to the alert or taken away (attachments.py)."""
    alert = locked(session, alert_id, user)
    state_after(session, alert, act, user)
    words = checked(reason) if act is Act.DETACH else None
    kind = Kind.ATTACHED if act is Act.ATTACH else Kind.DETACHED
    return record(session, alert, kind, user, now, sentence, words)


def _holder_to_be(session: Session, user_id: int, alert: Alert) -> User:
    person = session.get(User, user_id)
    if person is None or not may_act(session, person, alert.unit_id):
        raise BadInput(Message("Người được chọn không phụ trách địa bàn này. Hãy chọn người khác."))
    return person
