"""The same act on many alerts: each as if done by itself, and what was not done is told with its reason."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.models import Role, User
from accounts.service import full_names
from alerts.acts import State
from alerts.audience import load_people, load_places
from alerts.inbox import BadInput, InboxError, acknowledge, assign
from alerts.models import Alert, AlertEvent
from i18n import Message

MOST = 200
HELD = (State.ACKNOWLEDGED, State.ASSIGNED, State.VERIFYING, State.VERIFIED)
"""States in which somebody holds the alert and it is theirs to bring to an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A person who may hold an alert. `open_alerts`: how many they hold already."""

    id: int
    name: str
    role: Role
    open_alerts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """`done`: ids of the alerts that changed; `refused`: why not, by alert. The others were so already."""

    done: tuple[int, ...]
    refused: dict[int, Message]


def acknowledge_many(session: Session, alert_ids: Collection[int], *, user: User, now: datetime) -> Batch:
    return _each(session, alert_ids, lambda id_: acknowledge(session, id_, user=user, now=now))


def assign_many(
    session: Session, alert_ids: Collection[int], *, user: User, to: int, note: str = "", now: datetime
) -> Batch:
    return _each(session, alert_ids, lambda id_: assign(session, id_, user=user, to=to, note=note, now=now))


def hand_over_all(session: Session, *, user: User, to: int, note: str, now: datetime) -> Batch:
    """Everything this person holds, to a colleague: end of a shift, leave. What they do not cover stays."""
    if to == user.id:
        raise BadInput(Message("Hãy chọn một người khác để bàn giao."))
    if not note.strip():
        raise BadInput(Message("Hãy ghi lý do bàn giao, ví dụ: hết ca, nghỉ phép."))
    return assign_many(session, held_by(session, user.id), user=user, to=to, note=note, now=now)


def held_by(session: Session, user_id: int) -> list[int]:
    """Ids of the alerts this person holds and has not ended."""
    mine = (Alert.assignee_id == user_id, Alert.state.in_(HELD))
    return list(session.scalars(select(Alert.id).where(*mine).order_by(Alert.id)))


def holders(session: Session, unit_ids: Collection[int]) -> list[Holder]:
    """Who may hold alerts of all these units: officers before analysts, by name."""
    lines = [place.line for place in load_places(session, unit_ids).values()]
    able = [
        person
        for person in load_people(session)
        if person.role != Role.MANAGER and all(person.covers(line) for line in lines)
    ]
    names = full_names(session, [person.id for person in able])
    held = select(Alert.assignee_id, func.count()).where(Alert.state.in_(HELD)).group_by(Alert.assignee_id)
    counts = {row[0]: row[1] for row in session.execute(held)}
    found = [
        Holder(id=p.id, name=names[p.id], role=Role(p.role), open_alerts=counts.get(p.id, 0)) for p in able
    ]
    return sorted(found, key=lambda holder: (holder.role is not Role.OFFICER, holder.name))


def _each(session: Session, alert_ids: Collection[int], act: Callable[[int], AlertEvent | None]) -> Batch:
    """In the order of ids, so that two batches never wait for each other; each act apart from the others."""
    if len(alert_ids) > MOST:
        raise BadInput(Message("Chọn nhiều nhất {most} cảnh báo một lần.", most=MOST))
    done, refused = [], {}
    for id_ in sorted(set(alert_ids)):
        try:
            with session.begin_nested():
                if act(id_) is not None:
                    done.append(id_)
        except InboxError as error:
            refused[id_] = error.message
    return Batch(done=tuple(done), refused=refused)
