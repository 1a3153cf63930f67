"""What pages and reports read of outbreaks: plain values, no rows. `area_ids` limits to what the reader may see
(accounts.service.areas_of): an outbreak is seen by its lead commune and by its co-owners; None is the whole city."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, cast, func, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import BIGINT

from geodata.models import AdminUnit
from geodata.text import fold
from surveillance.outbreaks.entries import Entry, begun_at, entries_of, work_done
from surveillance.outbreaks.lifecycle import OPEN, Status
from surveillance.outbreaks.models import OutbreakEvent, OutbreakRow, OutbreakVersion
from surveillance.outbreaks.profiles import Profile
from surveillance.outbreaks.record import SURVEY_EVENT, facts_of, life_from_json, survey_of
from surveillance.outbreaks.tasks import State, Task, plan
from surveillance.outbreaks.vectors import vector_found

GROUPS: Mapping[str, tuple[Status, ...]] = {
    "open": (Status.SUSPECTED, *OPEN),
    "monitoring": (Status.MONITORING,),
    "proposed": (Status.PROPOSED,),
    "closed": (Status.CLOSED,),
}
"""How people sort outbreaks; those that were merged or dissolved are none any more."""
LIVING = tuple(status for group in ("open", "monitoring", "proposed") for status in GROUPS[group])
LIGHT = (
    "status", "life", "kind", "units", "confirmed", "first_event", "last_event", "criteria_met_on",
    "expected_end", "closing_from", "diameter_m", "notes", "known_from",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A task as it stands at the moment on show. `deadline` is its exact hour, or the end of its day."""

    task: Task
    state: State
    deadline: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OutbreakSummary:
    """One line of the list. `units` and `unit_names`: the lead commune, then the co-owners.

    `next_due` is the nearest deadline of what is to be done, `due` how many tasks can be done now, `late` how many
    of them are overdue; nothing is due once an outbreak has ended.
    """

    id: int
    code: str
    disease: str
    profile: str
    status: Status
    kind: int
    units: tuple[int, ...]
    unit_names: tuple[str, ...]
    cases: int
    confirmed: int
    first_event: date
    last_event: date
    expected_end: date
    closing_from: date
    confirmed_on: date | None
    first_known_at: datetime
    next_due: datetime | None
    due: int
    late: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutbreakPage:
    """`total` counts all that match, not only those given."""

    items: tuple[OutbreakSummary, ...]
    total: int


def code_of(outbreak_id: int) -> str:
    """The number people call an outbreak by."""
    return f"OD-{outbreak_id:04d}"


def outbreak_list(
    session: Session, *, area_ids: Collection[int] | None, statuses: Collection[Status],
    profiles: Mapping[str, Profile], now: datetime, as_of: datetime | None = None,
    disease: str | None = None, unit_ids: Collection[int] | None = None, text: str = "",
    outbreak_id: int | None = None, limit: int = 1000,
) -> OutbreakPage:  # fmt: skip
    """Outbreaks in any of `statuses`, those with the newest case first.

    `now` is the moment on show, on the clocks of the city. `text`: part of a commune's name, or a number.
    """
    wanted = those(
        session,
        area_ids=area_ids,
        statuses=statuses,
        as_of=as_of,
        disease=disease,
        text=text,
        outbreak_id=outbreak_id,
    )
    columns = [getattr(OutbreakVersion, name) for name in LIGHT]
    query = (
        select(OutbreakRow, func.cardinality(OutbreakVersion.members).label("cases"), *columns)
        .join(OutbreakVersion, OutbreakVersion.outbreak_id == OutbreakRow.id)
        .where(*wanted, within(unit_ids))
        .order_by(OutbreakVersion.last_event.desc(), OutbreakRow.id.desc())
    )
    rows = session.execute(query.limit(limit)).all()
    total = len(rows)
    if total == limit:
        total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    return OutbreakPage(items=tuple(_summaries(session, rows, profiles, now, as_of)), total=total)


def those(
    session: Session, *, area_ids: Collection[int] | None, statuses: Collection[Status] | None = None,
    as_of: datetime | None = None, disease: str | None = None, text: str = "", outbreak_id: int | None = None,
) -> list[ColumnElement[bool]]:  # fmt: skip
    """Which outbreaks are meant, for a list and for its map alike; None stands for any."""
    wanted = [believed(as_of), within(area_ids)]
    if statuses is not None:
        wanted.append(OutbreakVersion.status.in_(statuses))
    if disease is not None:
        wanted.append(OutbreakRow.disease == disease)
    if outbreak_id is not None:
        wanted.append(OutbreakRow.id == outbreak_id)
    if text.strip():
        wanted.append(_called(session, text))
    return wanted


def outbreak_counts(
    session: Session,
    *,
    area_ids: Collection[int] | None,
    disease: str | None = None,
    as_of: datetime | None = None,
) -> dict[str, int]:
    """How many outbreaks each group of GROUPS holds."""
    query = (
        select(OutbreakVersion.status, func.count().label("n"))
        .join(OutbreakRow, OutbreakRow.id == OutbreakVersion.outbreak_id)
        .where(
            believed(as_of), within(area_ids), true() if disease is None else OutbreakRow.disease == disease
        )
        .group_by(OutbreakVersion.status)
    )
    found = {row.status: row.n for row in session.execute(query)}
    return {group: sum(found.get(status, 0) for status in statuses) for group, statuses in GROUPS.items()}


def outbreaks_version(session: Session) -> str:
    """Changes with every new version and event of an outbreak."""
    newest = (session.scalar(select(func.max(table.id))) or 0 for table in (OutbreakVersion, OutbreakEvent))
    return "-".join(map(str, newest))


def tasks_of(
    row: Any, entries: Sequence[Entry], profile: Profile | None, now: datetime
) -> tuple[TaskView, ...]:
    """What is to be done by the profile, by due day; nothing without one."""
    if profile is None:
        return ()
    zone = now.tzinfo
    assert zone is not None
    work = work_done(entries, zone)
    surveys = [survey_of(e.detail) for e in entries if e.kind == SURVEY_EVENT and not e.withdrawn]
    facts = facts_of(row._mapping, vector=any(map(vector_found, surveys)))
    since = begun_at(entries, row.OutbreakRow.first_known_at).astimezone(zone)
    tasks = plan(life_from_json(row.life), facts, work, profile, since=since)
    return tuple(TaskView(task=t, state=t.state(now), deadline=_deadline(t, now)) for t in tasks)


def unit_names(session: Session, unit_ids: Iterable[int]) -> dict[int, str]:
    query = select(AdminUnit.id, AdminUnit.name).where(AdminUnit.id.in_(set(unit_ids)))
    return {row.id: row.name for row in session.execute(query)}


def believed(as_of: datetime | None) -> ColumnElement[bool]:
    """Versions of outbreaks believed at `as_of`; None: now."""
    if as_of is None:
        return OutbreakVersion.known_to.is_(None)
    known_to = OutbreakVersion.known_to
    return and_(OutbreakVersion.known_from <= as_of, or_(known_to.is_(None), known_to > as_of))


def within(area_ids: Collection[int] | None) -> ColumnElement[bool]:
    """Outbreaks that lie, wholly or partly, in these units; None: anywhere."""
    if area_ids is None:
        return true()
    return OutbreakVersion.units.overlap(cast(list(area_ids), ARRAY(BIGINT)))


def _called(session: Session, text: str) -> ColumnElement[bool]:
    wanted = fold(text)
    names = session.execute(select(AdminUnit.id, AdminUnit.name))
    units = [id_ for id_, name in names if wanted in fold(name)]
    number = re.fullmatch(r"(?:OD-?)?0*(\d+)", text.strip(), flags=re.IGNORECASE)
    by_number = OutbreakRow.id == int(number[1]) if number else OutbreakRow.id == -1
    return or_(by_number, within(units))


def _summaries(
    session: Session,
    rows: Sequence[Any],
    profiles: Mapping[str, Profile],
    now: datetime,
    as_of: datetime | None,
) -> Iterable[OutbreakSummary]:
    names = unit_names(session, (unit for row in rows for unit in row.units))
    living = [row.OutbreakRow.id for row in rows if row.status in LIVING]
    entries = entries_of(session, living, as_of=as_of) if living else {}
    for row in rows:
        known = profiles.get(row.OutbreakRow.disease)
        yield summary_of(row, entries.get(row.OutbreakRow.id, ()), known, now, names)


def summary_of(
    row: Any, entries: Sequence[Entry], profile: Profile | None, now: datetime, names: Mapping[int, str]
) -> OutbreakSummary:
    """`row` has an OutbreakRow, `cases` and the columns of LIGHT; `names` those of its units."""
    identity: OutbreakRow = row.OutbreakRow
    todo = [t for t in tasks_of(row, entries, profile, now) if t.state in (State.DUE, State.OVERDUE)]
    return OutbreakSummary(
        id=identity.id,
        code=code_of(identity.id),
        disease=identity.disease,
        profile=identity.profile,
        status=Status(row.status),
        kind=row.kind,
        units=tuple(row.units),
        unit_names=tuple(names.get(unit, str(unit)) for unit in row.units),
        cases=row.cases,
        confirmed=row.confirmed,
        first_event=row.first_event,
        last_event=row.last_event,
        expected_end=row.expected_end,
        closing_from=row.closing_from,
        confirmed_on=life_from_json(row.life).confirmed_on,
        first_known_at=identity.first_known_at,
        next_due=min((t.deadline for t in todo), default=None),
        due=len(todo),
        late=sum(t.state is State.OVERDUE for t in todo),
    )


def _deadline(task: Task, now: datetime) -> datetime:
    return task.hour or datetime.combine(task.due + timedelta(days=1), time.min, tzinfo=now.tzinfo)
