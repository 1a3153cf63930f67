"""News from next door: when a commune reaches level cao, its neighbours hear of it, once, and never as their own alert.

In the inbox, and with the next morning's digest for who has one; no bell at night for another's commune. The same
in-app rows tell co-owners, whose ground an outbreak of another commune lies on (alerts/records.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session, aliased

from accounts.models import Role
from alerts.audience import load_places
from alerts.channels import IN_APP
from alerts.levels import Level
from alerts.lifecycle import Kind
from alerts.models import Alert, AlertEvent, Delivery
from alerts.routing import Person, Told
from geodata.models import AdminUnit, UnitNeighbour
from i18n import Message

TOLD_FROM = Level.CAO
MOST_NAMES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """An alert whose neighbours were not told yet. `names`: of the neighbouring units."""

    alert_id: int
    unit_name: str
    level: Level
    names: Sequence[str]
    told: Sequence[Told]


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a person reads of another's commune. `mine`: the unit that makes it their business."""

    alert_id: int
    at: datetime
    kind: str
    disease: str
    unit_id: int
    unit_name: str
    mine: str
    level: int
    state: str
    read: bool


def spread(session: Session, people: Sequence[Person]) -> list[Spread]:
    """Open alerts at level cao and above whose neighbours are still to be told in this spell; not those of a replay, of
    which nobody was told."""
    opening = aliased(AlertEvent)
    started = (
        select(func.max(opening.id))
        .where(opening.alert_id == Alert.id, opening.kind.in_((Kind.OPENED, Kind.REOPENED)))
        .correlate(Alert)
        .scalar_subquery()
    )
    told = exists().where(
        AlertEvent.alert_id == Alert.id, AlertEvent.kind == Kind.NEIGHBOURS, AlertEvent.id > started
    )
    rows = session.execute(
        select(Alert.id, Alert.unit_id, AdminUnit.name, Alert.level)
        .join(AdminUnit, AdminUnit.id == Alert.unit_id)
        .where(Alert.state != "closed", Alert.level >= TOLD_FROM, ~told)
        .where(exists().where(Delivery.alert_id == Alert.id))
        .order_by(Alert.id)
    ).all()
    if not rows:
        return []
    beside = _beside(session, {row.unit_id for row in rows})
    lines = load_places(
        session, {unit for units in beside.values() for unit in units} | {r.unit_id for r in rows}
    )
    officers = _officers_by_area(people)
    spreads = []
    for id_, unit_id, name, level in rows:
        units = beside.get(unit_id, [])
        if units:
            spreads.append(
                Spread(
                    alert_id=id_,
                    unit_name=name,
                    level=Level(level),
                    names=[lines[unit].name for unit in units],
                    told=_told(officers, lines[unit_id].line, {unit: lines[unit].line for unit in units}),
                )
            )
    return spreads


def neighbour_words(one: Spread) -> Message:
    names = ", ".join(one.names[:MOST_NAMES])
    if not one.told:
        return Message("Địa bàn giáp ranh ({names}) không có cán bộ nào để báo.", names=names)
    return Message("Đã báo cán bộ các địa bàn giáp ranh: {names}.", names=names)


def news_for(session: Session, user_id: int, limit: int = 20) -> list[News]:
    """What this person was told of other communes, as those stand now: open ones only, the newest first."""
    mine = aliased(AdminUnit)
    rows = session.execute(
        select(Alert.id, Delivery.created_at, AlertEvent.kind, Alert.disease, Alert.unit_id,
               AdminUnit.name, mine.name, Alert.level, Alert.state, Delivery.read_at)
        .join(AlertEvent, AlertEvent.id == Delivery.event_id)
        .join(Alert, Alert.id == Delivery.alert_id)
        .join(AdminUnit, AdminUnit.id == Alert.unit_id)
        .join(mine, mine.id == Delivery.for_unit_id)
        .where(
            Delivery.user_id == user_id, Delivery.channel == IN_APP,
            Delivery.for_unit_id.is_not(None), Alert.state != "closed",
        )
        .order_by(Delivery.id.desc())
        .limit(limit)
    )  # fmt: skip
    last: dict[int, News] = {}
    for alert_id, at, kind, disease, unit_id, name, mine_name, level, state, read_at in rows:
        last.setdefault(
            alert_id,
            News(
                alert_id=alert_id, at=at, kind=kind, disease=disease, unit_id=unit_id, unit_name=name,
                mine=mine_name, level=level, state=state, read=read_at is not None,
            ),
        )  # fmt: skip
    return list(last.values())


def mark_news_read(session: Session, user_id: int, now: datetime) -> None:
    session.execute(
        update(Delivery)
        .where(
            Delivery.user_id == user_id,
            Delivery.channel == IN_APP,
            Delivery.for_unit_id.is_not(None),
            Delivery.read_at.is_(None),
        )
        .values(read_at=now)
    )


def _beside(session: Session, unit_ids: Collection[int]) -> Mapping[int, list[int]]:
    """Units whose boundaries touch each of `unit_ids` and that exist today, by name."""
    rows = session.execute(
        select(UnitNeighbour.unit_id, UnitNeighbour.neighbour_id)
        .join(AdminUnit, AdminUnit.id == UnitNeighbour.neighbour_id)
        .where(UnitNeighbour.unit_id.in_(unit_ids), AdminUnit.valid_to.is_(None))
        .order_by(UnitNeighbour.unit_id, AdminUnit.name)
    )
    beside: dict[int, list[int]] = {}
    for unit_id, neighbour_id in rows:
        beside.setdefault(unit_id, []).append(neighbour_id)
    return beside


def _officers_by_area(people: Sequence[Person]) -> Mapping[int, Sequence[Person]]:
    """Looked up for thousands of pairs of units: each person is asked once."""
    by_area: dict[int, list[Person]] = {}
    for person in people:
        if person.role == Role.OFFICER:
            for unit_id in person.area_ids:
                by_area.setdefault(unit_id, []).append(person)
    return by_area


def _told(
    officers: Mapping[int, Sequence[Person]], own_line: frozenset[int], lines: Mapping[int, frozenset[int]]
) -> list[Told]:
    """Officers of the neighbouring communes who do not answer for the commune itself, each once."""
    told = []
    seen = {person.id for area in own_line for person in officers.get(area, ())}
    for unit_id, line in lines.items():
        for person in (one for area in line for one in officers.get(area, ())):
            if person.id in seen:
                continue
            seen.add(person.id)
            told.append(Told(user_id=person.id, channel=IN_APP, for_unit_id=unit_id))
            told += [
                Told(user_id=person.id, channel=channel, digest=True, for_unit_id=unit_id)
                for channel, choice in sorted(person.choices.items())
                if choice.digest
            ]
    return told
