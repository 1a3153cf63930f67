"""Duties that no alert speaks of reach people all the same: at once in the application when the clock is short, and in
one message a day with everything they must do (docs/methods/duties.md).

Written in the transaction of the caller under the lock of the register: a run that was killed wrote nothing, and the
next one finds who was not told yet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, func, insert, or_, select, text, true, update
from sqlalchemy.orm import Session

from alerts.agenda_words import Agenda, AgendaLine
from alerts.audience import load_people, load_places
from alerts.channels import IN_APP
from alerts.duties import DutyKind, DutyState
from alerts.duty_models import Duty, DutyEvent
from alerts.duty_reminders import WAKES_DELIVERY, told_of
from alerts.duty_views import DutyView, duty_list, open_counts
from alerts.models import Alert, Delivery
from alerts.outbox import outbox_row
from alerts.passport import DiseaseFacts
from alerts.routing import Person
from db import notify as wake
from i18n import Message

FROM, UNTIL = time(7), time(20)
"""On the city's clocks. What begins after it is told in the next morning, or at once in the application."""
AT_ONCE = (DutyKind.WARNING, DutyKind.EPIDEMIC, DutyKind.END, DutyKind.DEATH, DutyKind.CASES)
"""Due in 24 hours: the next morning would leave too little of them."""
MOST_LINES = 12


def tell_duties(session: Session, now: datetime, timezone: tzinfo) -> int:
    """Write what is to be told now; how many deliveries. The caller commits, once."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('canhdich:duties'))"))
    rows = [*_new(session, now, timezone), *_today(session, now, timezone)]
    if rows:
        session.execute(insert(Delivery).execution_options(render_nulls=True), rows)
        wake(session, WAKES_DELIVERY)
    return len(rows)


def _uncarried() -> tuple[ColumnElement[bool], ...]:
    """Open, and no alert that is open speaks of it."""
    carried = exists().where(Alert.id == Duty.alert_id, Alert.state != "closed")
    return Duty.state == DutyState.OPEN, ~carried


def _new(session: Session, now: datetime, timezone: tzinfo) -> list[dict[str, Any]]:
    """Each is told once; that nobody could be told is written down too."""
    told = exists().where(DutyEvent.duty_id == Duty.id, DutyEvent.kind == "told")
    urgent = or_(Duty.kind.in_(AT_ONCE), Duty.due_at < _next_morning(now, timezone))
    found = session.execute(
        select(Duty.id, Duty.unit_id).where(*_uncarried(), urgent, Duty.due_at > now, ~told).order_by(Duty.id)
    ).all()
    if not found:
        return []
    answering = _answering(session, {row.unit_id for row in found}, load_people(session))
    rows = []
    for duty_id, unit_id in found:
        people = [one for one in told_of(answering[unit_id])[0] if one.channel == IN_APP]
        rows += [
            outbox_row(f"duty:{duty_id}:new:{one.user_id}:{IN_APP}", one, now, duty_id=duty_id)
            for one in people
        ]
        words = _told_words(len(people))
        session.add(DutyEvent(duty_id=duty_id, at=now, kind="told", message=words.to_json()))
    return rows


def _told_words(people: int) -> Message:
    if not people:
        return Message("Chưa báo được cho ai: địa bàn chưa có người phụ trách.")
    return Message("Đã báo trong ứng dụng cho {n} người, vì không có cảnh báo nào kèm theo.", n=people)


def _next_morning(now: datetime, timezone: tzinfo) -> datetime:
    day = now.astimezone(timezone).date()
    mornings = (datetime.combine(day + timedelta(days=n), FROM, tzinfo=timezone) for n in (0, 1))
    return next(morning for morning in mornings if morning > now)


def _today(session: Session, now: datetime, timezone: tzinfo) -> list[dict[str, Any]]:
    """The day's list of everybody who has a duty that no alert speaks of and had no list today."""
    local = now.astimezone(timezone)
    if not FROM <= local.time() < UNTIL:
        return []
    unit_ids = set(session.scalars(select(Duty.unit_id).where(*_uncarried()).distinct()))
    if not unit_ids:
        return []
    day = local.date()
    had = set(session.scalars(select(Delivery.user_id).where(Delivery.agenda_on == day).distinct()))
    people = [person for person in load_people(session) if person.id not in had]
    waiting = {one.id: one for unit in _answering(session, unit_ids, people).values() for one in unit}
    return [
        outbox_row(f"agenda:{day}:{one.user_id}:{one.channel}", one, now, agenda_on=day)
        for one in told_of(list(waiting.values()))[0]
    ]


def _answering(
    session: Session, unit_ids: Collection[int], people: Iterable[Person]
) -> Mapping[int, list[Person]]:
    """By unit, who answers for it."""
    people = list(people)
    if not people:
        return {unit_id: [] for unit_id in unit_ids}
    places = load_places(session, unit_ids)
    return {id_: [one for one in people if one.covers(place.line)] for id_, place in places.items()}


def read_agenda(
    session: Session,
    area_ids: set[int] | None,
    at: datetime,
    *,
    timezone: ZoneInfo,
    diseases: Mapping[str, DiseaseFacts],
    locale: str,
) -> Agenda:
    """What is open in these areas (None: the city) now; hours are counted from `at`."""
    late, whole = open_counts(session, area_ids, at)
    found = duty_list(session, area_ids=area_ids, states=[DutyState.OPEN], limit=MOST_LINES)
    lines = [
        AgendaLine(
            kind=duty.kind,
            disease=diseases[duty.disease].name(locale) if duty.disease in diseases else duty.disease,
            unit_name=duty.unit_name,
            due_at=duty.due_at,
        )
        for duty in found
    ]
    return Agenda(at=at, open=whole, late=late, lines=lines, timezone=timezone)


def calling_count(session: Session, area_ids: set[int] | None, user_id: int, now: datetime) -> int:
    """Open duties that are overdue, or of which this person was told and that they have not looked at."""
    unread = exists().where(Delivery.duty_id == Duty.id, *_unread(user_id))
    within = true() if area_ids is None else Duty.unit_id.in_(area_ids)
    wanted = (Duty.state == DutyState.OPEN, within, or_(Duty.due_at < now, unread))
    return session.scalar(select(func.count()).select_from(Duty).where(*wanted)) or 0


def unread_duties(session: Session, area_ids: set[int] | None, user_id: int) -> tuple[list[DutyView], bool]:
    """Open duties this person was told of and has not looked at; and whether a day's list waits to be read."""
    ids = session.scalars(select(Delivery.duty_id).where(Delivery.duty_id.is_not(None), *_unread(user_id)))
    new = duty_list(session, area_ids=area_ids, states=[DutyState.OPEN], ids=[id_ for id_ in ids if id_])
    listed = select(Delivery.id).where(Delivery.agenda_on.is_not(None), *_unread(user_id)).limit(1)
    return new, session.scalar(listed) is not None


def mark_duties_read(session: Session, user_id: int, now: datetime, duty_id: int | None = None) -> None:
    """This person has looked at the list of duties; or only at one."""
    about = Delivery.event_id.is_(None) if duty_id is None else Delivery.duty_id == duty_id
    session.execute(update(Delivery).where(about, *_unread(user_id)).values(read_at=now))


def _unread(user_id: int) -> tuple[ColumnElement[bool], ...]:
    return Delivery.user_id == user_id, Delivery.channel == IN_APP, Delivery.read_at.is_(None)
