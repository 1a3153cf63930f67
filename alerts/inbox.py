"""What people do with an alert. Every act is an event; rights are checked here, not only on the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from accounts.models import Role, User
from accounts.service import areas_of
from alerts import delivery
from alerts.channels import IN_APP
from alerts.lifecycle import Kind
from alerts.models import Alert, AlertEvent, Delivery
from i18n import Message, MessageError

Outcome = Literal["true", "false", "duplicate", "data_error"]
OUTCOMES: Mapping[Outcome, str] = {
    "true": "đúng: có dịch bệnh thật",
    "false": "báo động giả",
    "duplicate": "trùng với cảnh báo khác",
    "data_error": "sai số liệu",
}
MAX_COMMENT = 2000


class InboxError(MessageError):
    """An act that was refused; `message` says why and what to do."""


class NotAllowed(InboxError):
    """The user may not do this, or may not know of this alert."""


class AlreadyClosed(InboxError):
    """The alert is closed: nothing more can be done to it."""


class BadInput(InboxError):
    """A comment or outcome that is missing or not usable."""


def acknowledge(session: Session, alert_id: int, *, user: User, now: datetime) -> AlertEvent | None:
    """Take the alert on. None when somebody already has: a second tap is not an error."""
    alert = _alert_to_act_on(session, alert_id, user)
    mark_read(session, alert_id, user=user, now=now)
    if alert.state == "acknowledged":
        return None
    alert.state = "acknowledged"
    return _record(session, alert, Kind.ACKNOWLEDGED, user, now, Message("Đã tiếp nhận."))


def comment(session: Session, alert_id: int, *, user: User, text: str, now: datetime) -> AlertEvent:
    """Add a remark. Raises BadInput when it is empty or too long."""
    alert = _alert_to_act_on(session, alert_id, user)
    return _record(session, alert, Kind.COMMENT, user, now, Message("Ghi chú."), _checked(text))


def close(
    session: Session, alert_id: int, *, user: User, outcome: Outcome, comment: str, now: datetime
) -> AlertEvent:
    """End the alert by a person's judgement, with the reason; when it may return is in lifecycle.py."""
    alert = _alert_to_act_on(session, alert_id, user)
    if outcome not in get_args(Outcome):
        raise BadInput(Message("Hãy chọn kết luận: đúng, báo động giả, trùng, hoặc sai số liệu."))
    reason = _checked(comment)
    alert.state, alert.outcome = "closed", outcome
    alert.closed_at = alert.changed_at = now
    sentence = Message("Đóng cảnh báo, kết luận: {outcome}.", outcome=outcome_name(outcome))
    return _record(session, alert, Kind.CLOSED, user, now, sentence, reason)


def resend(session: Session, delivery_id: int, *, user: User, now: datetime) -> AlertEvent:
    """Send a given-up message again. Raises delivery.CannotResend unless it is given up."""
    alert_id = session.scalar(select(Delivery.alert_id).where(Delivery.id == delivery_id))
    alert = _alert(session, alert_id, user)
    again = delivery.resend(session, delivery_id, now)
    if again.user_id is None:
        sentence = Message("Gửi lại bản tin CAP cho hệ thống nhận.")
    else:
        person = session.get_one(User, again.user_id).full_name
        sentence = Message("Gửi lại thư cho {person}.", person=person)
    return _record(session, alert, Kind.RESENT, user, now, sentence)


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


def outcome_name(outcome: Outcome) -> Message:
    return Message(OUTCOMES[outcome])


def may_act(session: Session, user: User, unit_id: int) -> bool:
    """Analysts everywhere (unless given areas), officers in their own areas, managers nowhere."""
    if not user.active or user.role == Role.MANAGER:
        return False
    area_ids = areas_of(session, user)
    return area_ids is None or unit_id in area_ids


def _alert(session: Session, alert_id: int | None, user: User) -> Alert:
    """The alert, locked. Somebody else's alert and no alert look the same from outside."""
    if user.role == Role.MANAGER:
        raise NotAllowed(Message("Người quản lý chỉ xem; việc xử lý thuộc cán bộ phụ trách địa bàn."))
    alert = session.get(Alert, alert_id, with_for_update=True) if alert_id is not None else None
    if alert is None or not may_act(session, user, alert.unit_id):
        raise NotAllowed(Message("Không có cảnh báo này trong địa bàn bạn phụ trách."))
    return alert


def _alert_to_act_on(session: Session, alert_id: int, user: User) -> Alert:
    alert = _alert(session, alert_id, user)
    if alert.state == "closed":
        raise AlreadyClosed(Message("Cảnh báo này đã đóng. Hãy tải lại trang để xem kết luận."))
    return alert


def _checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise BadInput(Message("Hãy ghi lý do hoặc nhận xét, không để trống."))
    if len(text) > MAX_COMMENT:
        raise BadInput(Message("Nội dung dài quá {most} ký tự; hãy viết ngắn lại.", most=MAX_COMMENT))
    return text


def _record(
    session: Session,
    alert: Alert,
    kind: Kind,
    user: User,
    now: datetime,
    sentence: Message,
    text: str | None = None,
) -> AlertEvent:
    event = AlertEvent(
        alert_id=alert.id,
        at=now,
        kind=kind.value,
        user_id=user.id,
        level=alert.level,
        message=sentence.to_json(),
        comment=text,
    )
    session.add(event)
    session.flush()
    return event
