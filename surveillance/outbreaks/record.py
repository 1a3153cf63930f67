"""Writes down what became of the outbreaks: versions, lives and events, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from geoalchemy2.shape import from_shape
from shapely import MultiPolygon
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from db import hold_lock
from i18n import Message
from surveillance.outbreaks.explain import Explained, explain_members, near_misses
from surveillance.outbreaks.find import Finding
from surveillance.outbreaks.lifecycle import Change, Facts, Life, Status, advance, closing_from, end
from surveillance.outbreaks.lineage import Kind, Known, Step, explain, match
from surveillance.outbreaks.models import OutbreakEvent, OutbreakRow, OutbreakVersion
from surveillance.outbreaks.outbreak import Outbreak, outline
from surveillance.outbreaks.table import day_of
from surveillance.outbreaks.vectors import Survey, vector_found

STATUS_EVENT, SURVEY_EVENT, WITHDRAWN_EVENT = "status", "survey", "withdrawn"
OVER_WHEN_SEEN = "Đã đủ số ngày không có ca mới khi được ghi nhận."
_FACTS = (
    "status", "life", "kind", "units", "members", "confirmed", "first_event", "last_event", "criteria_met_on",
    "expected_end", "closing_from", "diameter_m", "zone", "shares_zone", "notes",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An outbreak as it stands in the database: its open version's columns and whether a survey found the vector."""

    outbreak_id: int
    version_id: int
    columns: Mapping[str, Any]
    vector_found: bool

    @property
    def known(self) -> Known:
        return Known(
            outbreak_id=self.outbreak_id,
            members=frozenset(self.columns["members"]),
            first_event=self.columns["first_event"],
            last_event=self.columns["last_event"],
            closed=self.columns["status"] == Status.CLOSED,
        )


def record(
    session: Session,
    findings: Sequence[tuple[Finding, date]],
    *,
    crs: str,
    today: date,
    now: datetime,
    reasons: bool = True,
) -> int:
    """Make the recorded outbreaks agree with what was found of each disease; how many changed.

    Outbreaks that began before the date beside a finding stay as they are: some of their cases are no longer looked
    at. To say of every case why takes long at the height of a season: that is done first, so that people who act wait
    for the writing only; without `reasons` no version says why, or has an outline.
    """
    explained: list[dict[Any, dict[str, Any]] | None] = [{} if reasons else None for _ in findings]
    for (finding, since), known in zip(findings, explained, strict=True) if reasons else ():
        _compare(session, finding, _Writer(session, finding, crs, today, now, known), since)
    one_at_a_time(session)
    now = max([now, *filter(None, [session.scalar(select(func.max(OutbreakVersion.known_from)))])])
    changed = 0
    for (finding, since), known in zip(findings, explained, strict=True):
        writer = _Writer(session, finding, crs, today, now, known)
        _compare(session, finding, writer, since)
        changed += writer.flush()
    return changed


def one_at_a_time(session: Session) -> None:
    """Wait until nobody else writes versions of outbreaks; held to the end of the transaction."""
    hold_lock(session, "outbreaks")


def _compare(session: Session, finding: Finding, writer: _Writer, since: date) -> None:
    """Let `writer` take what became of each outbreak, by what is recorded of them now."""
    known = {r.outbreak_id: r for r in recorded(session, writer.disease, since=since)}
    dates = dict(zip(finding.table.case_id.tolist(), map(day_of, finding.table.day), strict=True))
    steps = match(
        [r.known for r in known.values() if r.columns["status"] not in (Status.MERGED, Status.DISSOLVED)],
        [o for o in finding.outbreaks if o.first_event >= since],
        profile=finding.profile, event_dates=dates, next_id=_next_id(session),
    )  # fmt: skip
    for step in steps:
        writer.take(step, known.get(step.outbreak_id))


def recorded(session: Session, disease: str, *, since: date = date.min) -> list[Recorded]:
    """Every outbreak of `disease` that began from `since` on, as believed now."""
    found = surveyed_with_vector(session, disease)
    columns = [getattr(OutbreakVersion, name) for name in ("id", "outbreak_id", *_FACTS)]
    query = (
        select(*columns)
        .join(OutbreakRow, OutbreakRow.id == OutbreakVersion.outbreak_id)
        .where(OutbreakRow.disease == disease, OutbreakVersion.known_to.is_(None))
        .where(OutbreakVersion.first_event >= since)
        .order_by(OutbreakVersion.outbreak_id)
    )
    return [
        Recorded(
            outbreak_id=row.outbreak_id, version_id=row.id, columns=dict(zip(_FACTS, row[2:], strict=True)),
            vector_found=row.outbreak_id in found,
        )
        for row in session.execute(query)
    ]  # fmt: skip


def surveyed_with_vector(session: Session, disease: str) -> set[int]:
    """Outbreaks in which a survey that stands found larvae or mosquitoes."""
    query = (
        select(OutbreakEvent.outbreak_id, OutbreakEvent.detail)
        .join(OutbreakRow, OutbreakRow.id == OutbreakEvent.outbreak_id)
        .where(OutbreakRow.disease == disease, OutbreakEvent.kind == SURVEY_EVENT)
        .where(OutbreakEvent.id.not_in(withdrawn()))
    )
    return {outbreak_id for outbreak_id, detail in session.execute(query) if vector_found(survey_of(detail))}


def withdrawn() -> Any:
    """Ids of the entries that people took back."""
    return select(OutbreakEvent.detail["entry"].as_integer()).where(OutbreakEvent.kind == WITHDRAWN_EVENT)


def survey_of(detail: Mapping[str, Any]) -> Survey:
    """The survey that an event keeps. Raises SurveyError for counts that contradict one another."""
    return Survey(**{**detail, "on": date.fromisoformat(detail["on"])})


def life_to_json(life: Life) -> dict[str, Any]:
    """Where an outbreak stands; its history is in the events."""
    days = {"confirmed_on": life.confirmed_on, "closed_on": life.closed_on, "last_event": life.last_event}
    days["kept_open_until"] = life.kept_open_until
    return {"status": life.status.value, **{k: d.isoformat() if d else None for k, d in days.items()}}


def life_from_json(data: Mapping[str, Any]) -> Life:
    def day(name: str) -> date | None:
        return date.fromisoformat(data[name]) if data[name] else None

    return Life(
        status=Status(data["status"]), confirmed_on=day("confirmed_on"), closed_on=day("closed_on"),
        last_event=day("last_event"), kept_open_until=day("kept_open_until"),
    )  # fmt: skip


def facts_of(columns: Mapping[str, Any], *, vector: bool) -> Facts:
    """What the life of a recorded outbreak depends on."""
    notes = [Message.from_json(note["message"]) for note in columns["notes"] if note["doubt"]]
    return Facts(
        confirmed=columns["confirmed"], criteria_met_on=columns["criteria_met_on"],
        last_event=columns["last_event"], vector_found=vector, doubt=notes[0] if notes else None,
    )  # fmt: skip


def write_version(session: Session, outbreak_id: int, columns: Mapping[str, Any], *, now: datetime) -> None:
    """Close what was believed of the outbreak and open what is believed from `now` on."""
    session.execute(
        update(OutbreakVersion)
        .where(OutbreakVersion.outbreak_id == outbreak_id, OutbreakVersion.known_to.is_(None))
        .values(known_to=now)
    )
    session.execute(insert(OutbreakVersion).values(outbreak_id=outbreak_id, known_from=now, **columns))


def status_events(
    outbreak_id: int, changes: Iterable[Change], *, now: datetime, user_id: int | None
) -> list[dict[str, Any]]:
    return [
        {
            "outbreak_id": outbreak_id, "at": now, "kind": STATUS_EVENT, "user_id": user_id,
            "message": change.reason.to_json(),
            "detail": {"before": change.before.value, "after": change.after.value, "on": change.on.isoformat()},
        }
        for change in changes
    ]  # fmt: skip


class _Writer:
    """Gathers the rows of one recording and writes them in bulk. `explained` keeps reasons and outlines by outbreak;
    None: none are wanted."""

    def __init__(
        self, session: Session, finding: Finding, crs: str, today: date, now: datetime,
        explained: dict[Any, dict[str, Any]] | None,
    ) -> None:  # fmt: skip
        self.explained = explained
        self.session, self.finding, self.profile = session, finding, finding.profile
        self.disease, self.crs, self.today, self.now = finding.profile.disease, crs, today, now
        self.identities: list[dict[str, Any]] = []
        self.versions: list[dict[str, Any]] = []
        self.outdated: list[int] = []
        self.events: list[dict[str, Any]] = []
        self.told_after_closing = _told_after_closing(session, self.disease)

    def take(self, step: Step, before: Recorded | None) -> None:
        if step.kind is Kind.AFTER_CLOSING:
            if (step.outbreak_id, step.gained) not in self.told_after_closing:
                self._tell(step, ())
            return
        if step.outbreak is None:
            self._gone(step, before)
            return
        life = life_from_json(before.columns["life"]) if before else Life()
        facts = Facts.of(step.outbreak, vector_found=before.vector_found if before else False)
        after = advance(life, facts, self.profile, today=self.today)
        if before is None and self.today >= closing_from(facts, self.profile):
            closed = replace(after, closed_on=self.today, last_event=facts.last_event)
            after = end(closed, Status.CLOSED, Message(OVER_WHEN_SEEN), today=self.today)
        columns = _columns(step, step.outbreak, after)
        if before is not None and columns == {name: before.columns[name] for name in columns}:
            return
        if before is None:
            row = {"id": step.outbreak_id, "disease": self.disease, "profile": self.profile.code}
            self.identities.append({**row, "first_known_at": self.now})
        self._write(step.outbreak_id, before, self._full(step.outbreak, columns))
        self._tell(step, after.history)

    def _gone(self, step: Step, before: Recorded | None) -> None:
        """The cases no longer make this outbreak. One that a person closed stays closed."""
        if before is None or before.columns["status"] == Status.CLOSED:
            return
        status = Status.MERGED if step.kind is Kind.MERGED else Status.DISSOLVED
        life = end(life_from_json(before.columns["life"]), status, explain(step.kind), today=self.today)
        columns = {**before.columns, "status": life.status.value, "life": life_to_json(life)}
        kept = self.session.get_one(OutbreakVersion, before.version_id)
        self._write(
            step.outbreak_id, before, {**columns, "why": kept.why, "near": kept.near, "geom": kept.geom}
        )
        self._tell(step, life.history)

    def _full(self, outbreak: Outbreak, columns: dict[str, Any]) -> dict[str, Any]:
        if self.explained is None:
            return {**columns, "why": [], "near": [], "geom": None}
        key = outbreak.sort_key()
        if key not in self.explained:
            self.explained[key] = self._explain(outbreak)
        return {**columns, **self.explained[key]}

    def _explain(self, outbreak: Outbreak) -> dict[str, Any]:
        shape = outline(outbreak, self.profile.radius_m, self.crs) if self.profile.radius_m else None
        if shape is not None and not isinstance(shape, MultiPolygon):
            shape = MultiPolygon([shape])
        return {
            "why": _explained(explain_members(self.finding, outbreak)),
            "near": _explained(near_misses(self.finding, outbreak)),
            "geom": None if shape is None else from_shape(shape, srid=4326),
        }

    def _write(self, outbreak_id: int, before: Recorded | None, columns: Mapping[str, Any]) -> None:
        if before is not None:
            self.outdated.append(before.version_id)
        self.versions.append({"outbreak_id": outbreak_id, "known_from": self.now, **columns})

    def _tell(self, step: Step, changes: Sequence[Change]) -> None:
        if step.kind is not Kind.SAME:
            detail = {"parents": list(step.parents), "into": step.into, "gained": list(step.gained)}
            detail["lost"] = list(step.lost)
            self.events.append(
                {
                    "outbreak_id": step.outbreak_id, "at": self.now, "kind": step.kind.value, "user_id": None,
                    "message": explain(step.kind).to_json(), "detail": detail,
                }
            )  # fmt: skip
        self.events += status_events(step.outbreak_id, changes, now=self.now, user_id=None)

    def flush(self) -> int:
        if self.identities:
            self.session.execute(insert(OutbreakRow), self.identities)
        if self.outdated:
            old = update(OutbreakVersion).where(OutbreakVersion.id.in_(self.outdated))
            self.session.execute(old.values(known_to=self.now).execution_options(synchronize_session=False))
        if self.versions:
            self.session.execute(insert(OutbreakVersion), self.versions)
        if self.events:
            self.session.execute(insert(OutbreakEvent), self.events)
        return len(self.versions)


def _columns(step: Step, outbreak: Outbreak, life: Life) -> dict[str, Any]:
    doubts = outbreak.doubts
    return {
        "status": life.status.value,
        "life": life_to_json(life),
        "kind": int(outbreak.kind),
        "units": [unit for unit in outbreak.units if unit >= 0],
        "members": list(step.members),
        "confirmed": outbreak.confirmed,
        "first_event": outbreak.first_event,
        "last_event": outbreak.last_event,
        "criteria_met_on": outbreak.criteria_met_on,
        "expected_end": outbreak.expected_end,
        "closing_from": outbreak.closing_from,
        "diameter_m": round(outbreak.diameter_m, 1),
        "zone": outbreak.zone,
        "shares_zone": outbreak.shares_zone,
        "notes": [{"message": note.to_json(), "doubt": note in doubts} for note in outbreak.notes],
    }


def _explained(cases: Iterable[Explained]) -> list[dict[str, Any]]:
    return [
        {
            "case": case.case_id, "message": case.message.to_json(), "other": case.other,
            "metres": case.metres and round(case.metres, 1), "days": case.days,
        }
        for case in cases
    ]  # fmt: skip


def _told_after_closing(session: Session, disease: str) -> set[tuple[int, tuple[int, ...]]]:
    """Closed outbreaks and the later cases of which it was already said that they change nothing."""
    query = (
        select(OutbreakEvent.outbreak_id, OutbreakEvent.detail["gained"])
        .join(OutbreakRow, OutbreakRow.id == OutbreakEvent.outbreak_id)
        .where(OutbreakRow.disease == disease, OutbreakEvent.kind == Kind.AFTER_CLOSING)
    )
    return {(outbreak_id, tuple(gained)) for outbreak_id, gained in session.execute(query)}


def _next_id(session: Session) -> int:
    return (session.scalar(select(func.max(OutbreakRow.id))) or 0) + 1
