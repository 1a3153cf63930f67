"""The desk at which people act on an alert: its row locked, their rights, what they had seen, and the event left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from accounts.models import Role, User
from accounts.service import areas_of
from alerts.acts import Act, Refusal, Standing, State, next_state
from alerts.lifecycle import Kind
from alerts.models import Alert, AlertArea, AlertEvent
from i18n import Message, MessageError

MAX_COMMENT = 2000


class InboxError(MessageError):
    """An act that was refused; `message` says why and what to do."""


class NotAllowed(InboxError):
    """The user may not do this, or may not know of this alert."""


class AlreadyClosed(InboxError):
    """The alert is closed: nothing can be done to it but to re-open it."""


class WrongState(InboxError):
    """The alert's state does not allow this act."""


class Overtaken(InboxError):
    """Somebody else decided something that this person had not seen."""


class BadInput(InboxError):
    """A comment, outcome or person that is missing or not usable."""


REFUSALS: Mapping[str, type[InboxError]] = {
    "rights": NotAllowed,
    "closed": AlreadyClosed,
    "state": WrongState,
}
DECISIONS = (
    Kind.ACKNOWLEDGED, Kind.ASSIGNED, Kind.HANDED_OVER, Kind.VERIFYING, Kind.VERIFIED, Kind.DISMISSED,
    Kind.CLOSED, Kind.REOPENED,
)  # fmt: skip
"""What people's events decide; remarks and files overtake nobody."""


def may_act(session: Session, user: User, unit_id: int) -> bool:
    """Analysts everywhere (unless given areas), officers in their own areas, managers nowhere."""
    if not user.active or user.role == Role.MANAGER:
        return False
    area_ids = areas_of(session, user)
    return area_ids is None or unit_id in area_ids


def standing_of(session: Session, user: User, alert: Alert) -> Standing | None:
    """How `user` stands to the alert; None when they may not know of it."""
    if not user.active:
        return None
    area_ids = areas_of(session, user)
    if area_ids is None or alert.unit_id in area_ids:
        return Standing.LOOKS if user.role == Role.MANAGER else Standing.LEAD
    shared = exists().where(AlertArea.alert_id == alert.id, AlertArea.unit_id.in_(area_ids))
    if not session.scalar(select(shared)):
        return None
    return Standing.LOOKS if user.role == Role.MANAGER else Standing.CO_OWNER


def locked(session: Session, alert_id: int | None, user: User, other: int | None = None) -> Alert:
    """The alert, locked, with `other` where one is named, always in the order of their ids. Somebody else's alert and
    none look the same from outside."""
    if user.role == Role.MANAGER:
        raise NotAllowed(Message("Người quản lý chỉ xem; việc xử lý thuộc cán bộ phụ trách địa bàn."))
    found = {
        id_: session.get(Alert, id_, with_for_update={"key_share": True})
        for id_ in sorted({id_ for id_ in (alert_id, other) if id_ is not None})
    }
    alert = found.get(alert_id) if alert_id is not None else None
    if alert is None or standing_of(session, user, alert) is None:
        raise unknown()
    return alert


def unknown() -> NotAllowed:
    return NotAllowed(Message("Không có cảnh báo này trong địa bàn bạn phụ trách."))


def state_after(session: Session, alert: Alert, act: Act, user: User, seen: int | None = None) -> Any:
    """The State after `act`; None when it was done already. Raises why it may not be."""
    standing = standing_of(session, user, alert)
    assert standing is not None
    after = next_state(State(alert.state), act, standing)
    if seen is not None and after is not None:
        _check_seen(session, alert, user, seen)
    if isinstance(after, Refusal):
        raise REFUSALS[after.why](after.reason)
    return after


def _check_seen(session: Session, alert: Alert, user: User, seen: int) -> None:
    newer = session.execute(
        select(AlertEvent, User.full_name)
        .join(User, User.id == AlertEvent.user_id)
        .where(AlertEvent.alert_id == alert.id, AlertEvent.id > seen, AlertEvent.user_id != user.id)
        .where(AlertEvent.kind.in_(DECISIONS))
        .order_by(AlertEvent.id.desc())
        .limit(1)
    ).one_or_none()
    if newer is not None:
        event, person = newer
        what = Message.from_json(event.message) if event.message else ""
        raise Overtaken(
            Message(
                "{person} vừa xử lý cảnh báo này trước bạn: {what} Hãy xem lại rồi quyết định.",
                person=person, what=what,
            )
        )  # fmt: skip


def name_of(session: Session, user_id: int) -> str:
    return session.get_one(User, user_id).full_name


def checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise BadInput(Message("Hãy ghi lý do hoặc nhận xét, không để trống."))
    if len(text) > MAX_COMMENT:
        raise BadInput(Message("Nội dung dài quá {most} ký tự; hãy viết ngắn lại.", most=MAX_COMMENT))
    return text


def record(
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
