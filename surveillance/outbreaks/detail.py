"""One outbreak with all that stands behind it, as of any moment: plain values, and never a name or an address."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from i18n import Message
from surveillance.lines import believed as case_believed
from surveillance.models import CaseVersion
from surveillance.outbreaks.entries import MEASURES, Entry, entries_of
from surveillance.outbreaks.models import OutbreakEvent, OutbreakRow, OutbreakVersion
from surveillance.outbreaks.profiles import Profile, VectorControl
from surveillance.outbreaks.record import SURVEY_EVENT, survey_of
from surveillance.outbreaks.tasks import ENDED
from surveillance.outbreaks.vectors import Indices, Survey, high_risk, indices
from surveillance.outbreaks.views import (
    LIGHT,
    OutbreakSummary,
    TaskView,
    believed,
    code_of,
    summary_of,
    tasks_of,
    unit_names,
    within,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """A case in the outbreak, or near it; `why` it is in, or why not. `unit_name` None: its commune is not known."""

    case_id: int
    event_date: date
    date_onset: date | None
    date_admission: date | None
    date_report: date
    sex: str | None
    age_years: int | None
    classification: str
    place_level: str
    unit_name: str | None
    why: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyView:
    """An insect survey with its indices; `risk` says why it is high, None where it is not or is not known."""

    entry: Entry
    survey: Survey
    indices: Indices
    risk: Message | None


Side = Literal["older", "younger", "zone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """Another outbreak. "older": this one came out of it, or took it in; "younger": the other way round; "zone": by
    distance and time it would be one with this, and the bounds keep them apart."""

    id: int
    code: str
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """What was believed from `known_from` on."""

    known_from: datetime
    status: str
    cases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutbreakDetail:
    """`members` and `near` by date; `log` in the order things happened; `surveys` and `measures` that stand, by day.

    `located`: it has an outline on the map.
    """

    summary: OutbreakSummary
    criteria_met_on: date
    diameter_m: float
    notes: tuple[Message, ...]
    located: bool
    members: tuple[CaseView, ...]
    near: tuple[CaseView, ...]
    tasks: tuple[TaskView, ...]
    surveys: tuple[SurveyView, ...]
    measures: tuple[Entry, ...]
    log: tuple[Entry, ...]
    relatives: tuple[Relative, ...]
    history: tuple[VersionView, ...]


def outbreak_detail(
    session: Session, outbreak_id: int, *, area_ids: Collection[int] | None, profiles: Mapping[str, Profile],
    now: datetime, as_of: datetime | None = None,
) -> OutbreakDetail | None:  # fmt: skip
    """None when there was no such outbreak in these areas. `now`: the moment on show, on the clocks of the city."""
    columns = [
        getattr(OutbreakVersion, name) for name in (*LIGHT, "members", "why", "near", "zone", "shares_zone")
    ]
    row = session.execute(
        select(
            OutbreakRow, func.cardinality(OutbreakVersion.members).label("cases"),
            OutbreakVersion.geom.is_not(None).label("located"), *columns,
        )
        .join(OutbreakVersion, OutbreakVersion.outbreak_id == OutbreakRow.id)
        .where(OutbreakRow.id == outbreak_id, believed(as_of), within(area_ids))
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    profile = profiles.get(row.OutbreakRow.disease)
    log = entries_of(session, [outbreak_id], as_of=as_of).get(outbreak_id, ())
    standing = sorted((e for e in log if not e.withdrawn and e.on), key=lambda e: (e.on or date.min, e.id))
    vector = profile.response.vector if profile else None
    return OutbreakDetail(
        summary=summary_of(row, log, profile, now, unit_names(session, row.units)),
        criteria_met_on=row.criteria_met_on,
        diameter_m=row.diameter_m,
        notes=tuple(Message.from_json(note["message"]) for note in row.notes),
        located=row.located,
        members=_cases(session, row.why, as_of),
        near=_cases(session, row.near, as_of),
        tasks=tasks_of(row, log, profile, now),
        surveys=tuple(_survey(e, vector) for e in standing if e.kind == SURVEY_EVENT),
        measures=tuple(e for e in standing if e.kind in MEASURES),
        log=log,
        relatives=(*_relatives(session, outbreak_id, log, as_of), *_zone(session, row, as_of)),
        history=_history(session, outbreak_id, as_of),
    )


def _cases(
    session: Session, explained: Sequence[Mapping[str, Any]], as_of: datetime | None
) -> tuple[CaseView, ...]:
    """The cases of `why` or `near`, as believed then. One that was taken back since is left out."""
    why = {entry["case"]: Message.from_json(entry["message"]) for entry in explained}
    names = [name for name in CaseView.__dataclass_fields__ if name not in ("why", "unit_name")]
    query = (
        select(CaseVersion.unit_id, *(getattr(CaseVersion, name) for name in names))
        .where(CaseVersion.case_id.in_(why), case_believed(as_of))
        .order_by(CaseVersion.event_date, CaseVersion.case_id)
    )
    rows = session.execute(query).mappings().all()
    units = unit_names(session, (row["unit_id"] for row in rows if row["unit_id"] is not None))
    return tuple(
        CaseView(
            **{name: row[name] for name in names},
            unit_name=units.get(row["unit_id"]),
            why=why[row["case_id"]],
        )
        for row in rows
    )


def _survey(entry: Entry, vector: VectorControl | None) -> SurveyView:
    survey = survey_of(entry.detail)
    found = indices(survey)
    return SurveyView(
        entry=entry, survey=survey, indices=found, risk=high_risk(found, vector) if vector else None
    )


def _relatives(
    session: Session, outbreak_id: int, log: Sequence[Entry], as_of: datetime | None
) -> tuple[Relative, ...]:
    older = {parent for entry in log for parent in entry.detail.get("parents", ())}
    younger = {entry.detail["into"] for entry in log if entry.detail.get("into") is not None}
    others = select(OutbreakEvent.outbreak_id, OutbreakEvent.detail["into"].as_integer().label("into")).where(
        OutbreakEvent.detail.contains({"parents": [outbreak_id]})
        | OutbreakEvent.detail.contains({"into": outbreak_id})
    )
    if as_of is not None:
        others = others.where(OutbreakEvent.at <= as_of)
    for other, into in session.execute(others):
        (older if into == outbreak_id else younger).add(other)
    known: dict[Side, set[int]] = {
        "older": older - {outbreak_id},
        "younger": younger - older - {outbreak_id},
    }
    return tuple(Relative(id=n, code=code_of(n), side=side) for side in known for n in sorted(known[side]))


def _zone(session: Session, row: Any, as_of: datetime | None) -> tuple[Relative, ...]:
    """The other outbreaks of its zone that are not closed, and not gone into others."""
    if not row.shares_zone:
        return ()
    query = (
        select(OutbreakRow.id)
        .join(OutbreakVersion, OutbreakVersion.outbreak_id == OutbreakRow.id)
        .where(OutbreakRow.disease == row.OutbreakRow.disease, OutbreakRow.id != row.OutbreakRow.id)
        .where(believed(as_of), OutbreakVersion.zone == row.zone, OutbreakVersion.shares_zone)
        .where(OutbreakVersion.status.not_in(ENDED))
        .order_by(OutbreakRow.id)
    )
    return tuple(Relative(id=n, code=code_of(n), side="zone") for n in session.scalars(query))


def _history(session: Session, outbreak_id: int, as_of: datetime | None) -> tuple[VersionView, ...]:
    query = select(
        OutbreakVersion.known_from, OutbreakVersion.status, func.cardinality(OutbreakVersion.members)
    ).where(OutbreakVersion.outbreak_id == outbreak_id)
    if as_of is not None:
        query = query.where(OutbreakVersion.known_from <= as_of)
    rows = session.execute(query.order_by(OutbreakVersion.known_from, OutbreakVersion.id))
    return tuple(VersionView(known_from=at, status=status, cases=n) for at, status, n in rows)
