"""What people do with a duty: say that it was done, take that back, or say why it need not be done. Humans issue
notices; the system only keeps that they did. Rights are checked here, not only on the page."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from accounts.models import User
from alerts.duties import NOTICES, DutyState
from alerts.duty_models import Duty, DutyEvent
from alerts.inbox import may_act
from i18n import Message, MessageError

MAX_TEXT = 2000
CLOCKS_DIFFER = timedelta(minutes=5)
"""A browser's clock may be this far ahead of ours."""


class DutyError(MessageError):
    """An act that was refused; `message` says why and what to do."""


def mark_done(
    session: Session, duty_id: int, *, user: User, now: datetime, done_at: datetime, document: str, note: str
) -> DutyEvent:
    """Record that the duty was done at `done_at`; a notice with the number of its document. Raises DutyError."""
    duty = _open_duty(session, duty_id, user)
    document, note = _short(document), _short(note)
    if duty.kind in NOTICES and not document:
        raise DutyError(Message("Hãy ghi số văn bản đã ban hành, ví dụ 12/TB-TYT."))
    if done_at > now + CLOCKS_DIFFER:
        raise DutyError(Message("Giờ làm xong không thể ở tương lai. Hãy xem lại ngày và giờ."))
    if done_at < duty.met_at - timedelta(days=1):
        raise DutyError(
            Message(
                "Việc này chỉ bắt đầu tính giờ từ {met}. Hãy xem lại ngày và giờ làm xong.", met=duty.met_at
            )
        )
    _settle(duty, DutyState.DONE, user, now, settled_at=done_at)
    duty.document, duty.note = document or None, note or None
    sentence = Message("Đã làm lúc {at}.", at=done_at)
    if document:
        sentence = Message("Đã ra thông báo số {number}, lúc {at}.", number=document, at=done_at)
    return _record(session, duty, "done", user, now, sentence, note or None)


def mark_not_needed(session: Session, duty_id: int, *, user: User, now: datetime, reason: str) -> DutyEvent:
    """A person's judgement that it need not be done. Raises DutyError without a reason."""
    duty = _open_duty(session, duty_id, user)
    why = _reason(reason)
    _settle(duty, DutyState.NOT_NEEDED, user, now, settled_at=now)
    duty.note = why
    return _record(session, duty, "not_needed", user, now, Message("Không phải làm."), why)


def undo(session: Session, duty_id: int, *, user: User, now: datetime, reason: str) -> DutyEvent:
    """Take back what a person recorded; the clock runs on as if it never had been. Raises DutyError."""
    duty = _duty(session, duty_id, user)
    if duty.state == DutyState.OPEN or duty.settled_by is None:
        raise DutyError(Message("Chỉ hoàn tác được việc do người ghi nhận."))
    why = _reason(reason)
    duty.state = DutyState.OPEN.value
    duty.settled_at = duty.settled_by = duty.recorded_at = duty.document = duty.note = None
    return _record(session, duty, "undone", user, now, Message("Hoàn tác: việc này lại phải làm."), why)


def _duty(session: Session, duty_id: int, user: User) -> Duty:
    """The duty, locked. Somebody else's duty and no duty look the same from outside."""
    duty = session.get(Duty, duty_id, with_for_update=True)
    if duty is None or not may_act(session, user, duty.unit_id):
        raise DutyError(Message("Không có việc này trong địa bàn bạn phụ trách."))
    return duty


def _open_duty(session: Session, duty_id: int, user: User) -> Duty:
    duty = _duty(session, duty_id, user)
    if duty.state != DutyState.OPEN:
        raise DutyError(Message("Việc này đã được ghi nhận xong. Hãy tải lại trang để xem."))
    return duty


def _settle(duty: Duty, state: DutyState, user: User, now: datetime, *, settled_at: datetime) -> None:
    duty.state, duty.settled_by, duty.settled_at, duty.recorded_at = state.value, user.id, settled_at, now


def _reason(text: str) -> str:
    text = _short(text)
    if not text:
        raise DutyError(Message("Hãy ghi lý do."))
    return text


def _short(text: str) -> str:
    text = text.strip()
    if len(text) > MAX_TEXT:
        raise DutyError(Message("Nội dung dài quá {most} ký tự; hãy viết ngắn lại.", most=MAX_TEXT))
    return text


def _record(
    session: Session, duty: Duty, kind: str, user: User, now: datetime, sentence: Message, comment: str | None
) -> DutyEvent:
    event = DutyEvent(
        duty_id=duty.id, at=now, kind=kind, user_id=user.id, message=sentence.to_json(), comment=comment
    )
    session.add(event)
    session.flush()
    return event
