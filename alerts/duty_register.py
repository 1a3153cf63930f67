"""Make the register of duties agree with what is known: statuses, outbreaks and cases in, duties and events out.

Level-triggered, in one transaction of the caller: a run that was killed, or ran twice, is repaired by the next one. The
rules are in duties.py; why it is built like this is in docs/methods/duties.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, func, insert, or_, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from alerts.duties import (
    LAWS,
    NOTICES,
    Asked,
    CaseFact,
    DutyKind,
    DutyState,
    Hours,
    Known,
    OutbreakFact,
    Run,
    Step,
    case_reports,
    daily_reports,
    handling,
    notices,
    settle,
)
from alerts.duty_models import Duty, DutyEvent
from alerts.models import Alert, AreaLevel
from alerts.records import Area
from alerts.rules import Policy
from db import hold_lock
from i18n import Message
from surveillance.types import StatutoryStatus

LOOK_BACK = timedelta(days=45)
"""Statuses older than this are not read again; one that has lasted longer keeps its beginning."""
BINDING = (StatutoryStatus.WARNING, StatutoryStatus.EPIDEMIC, StatutoryStatus.ENDED)
SENTENCES: Mapping[str, Message] = {
    "opened": Message("Bắt đầu tính giờ."),
    "reopened": Message("Lại phải làm: căn cứ có trở lại."),
    "done": Message("Đã làm, theo hồ sơ của hệ thống."),
    "not_needed": Message("Không còn cần."),
    "missed": Message("Lỡ hạn, nay không còn cần."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyReport:
    """Counts of what was written; all zero when the register already agreed."""

    opened: int
    reopened: int
    done: int
    not_needed: int
    missed: int


def reconcile_duties(
    session: Session,
    *,
    policy: Policy,
    outbreaks: Sequence[OutbreakFact],
    cases: Sequence[CaseFact],
    now: datetime,
    timezone: tzinfo,
) -> DutyReport:
    """Open, close and re-open duties. The caller commits, once. `outbreaks` and `cases` are all that bind now."""
    hold_lock(session, "duties")
    began = session.scalar(select(func.min(Duty.opened_at))) or now
    now = max(now, session.scalar(select(func.max(AreaLevel.known_from))) or now)
    hours = Hours(notice=policy.duties.notice_hours, handling=policy.duties.handling_hours)
    runs = _runs(session, now - LOOK_BACK)
    beginnings = [*(run.since for area in runs.values() for run in area), *(o.begun_at for o in outbreaks)]
    known = _known(session, min([now - LOOK_BACK, *beginnings]))
    done = defaultdict(set)
    for one in known:
        kind, disease, unit_id, criterion = one.key
        if one.state is DutyState.DONE:
            done[Area(disease, unit_id)].add((kind, criterion))
    asked = [
        duty
        for area, of_area in runs.items()
        for duty in notices(*area, of_area, frozenset(done[area]), hours, timezone)
        if _binds(duty, of_area[-1], began)
    ]
    asked += handling((o for o in outbreaks if o.ended_at is None or o.ended_at >= began), hours, timezone)
    asked += daily_reports(outbreaks, now, timezone, began)
    asked += case_reports(cases, hours)
    counts = _write(session, list(settle(asked, known, now)), policy, now)
    _refresh(session, asked, known)
    return DutyReport(**{name: counts[name] for name in DutyReport.__dataclass_fields__})


def _binds(duty: Asked, last: Run, began: datetime) -> bool:
    """What was over before the register began is not held against anybody: nobody could record it."""
    if duty.kind is DutyKind.END and duty.met_at < began:
        return duty.ended_at is None and last.since == duty.met_at
    return duty.ended_at is None or duty.ended_at >= began


def _known(session: Session, since: datetime) -> list[Known]:
    """Every duty that is open, and the newer ones that are not."""
    rows = session.execute(
        select(
            Duty.id, Duty.kind, Duty.disease, Duty.unit_id, Duty.criterion, Duty.state, Duty.due_at, Duty.detail,
            Duty.settled_by.is_(None).label("by_data"),
        )
        .where(or_(Duty.state == DutyState.OPEN, Duty.due_at >= since))
        .order_by(Duty.id)
        .with_for_update()
    )  # fmt: skip
    return [
        Known(
            id=row.id,
            key=(row.kind, row.disease, row.unit_id, row.criterion),
            state=DutyState(row.state),
            due_at=row.due_at,
            by_data=row.by_data,
            detail=row.detail,
        )
        for row in rows
    ]


def _runs(session: Session, edge: datetime) -> dict[Area, list[Run]]:
    """What each area's status was after `edge`, where it was ever a binding one. A run that began before `edge` has its
    true beginning, which names the criterion."""
    recent = or_(AreaLevel.known_to.is_(None), AreaLevel.known_to > edge)
    bound = (
        select(AreaLevel.disease, AreaLevel.unit_id).where(recent, AreaLevel.status.in_(BINDING)).distinct()
    )
    areas = [Area(*row) for row in session.execute(bound)]
    found = _changes(session, areas, recent)
    older = [area for area, runs in found.items() if runs[0].status in BINDING and runs[0].since <= edge]
    for area, runs in _changes(session, older, true()).items():
        found[area] = [run for run in runs if run.until is None or run.until > edge]
    return found


def _changes(session: Session, areas: Sequence[Area], which: ColumnElement[bool]) -> dict[Area, list[Run]]:
    """Runs of the same status in `areas`; only the changes leave the database. What was decided again in one moment,
    as on a clock of the data, never stood."""
    if not areas:
        return {}
    stood = or_(AreaLevel.known_to.is_(None), AreaLevel.known_to > AreaLevel.known_from)
    before = func.lag(AreaLevel.status).over(
        partition_by=(AreaLevel.disease, AreaLevel.unit_id), order_by=AreaLevel.known_from
    )
    columns = (AreaLevel.disease, AreaLevel.unit_id, AreaLevel.status, AreaLevel.known_from)
    wanted = tuple_(AreaLevel.disease, AreaLevel.unit_id).in_(areas)
    levels = select(*columns, before.label("before")).where(wanted, which, stood).subquery()
    changes = session.execute(
        select(levels)
        .where(levels.c.before.is_distinct_from(levels.c.status))
        .order_by(levels.c.disease, levels.c.unit_id, levels.c.known_from)
    ).all()
    found: defaultdict[Area, list[Run]] = defaultdict(list)
    for row, after in zip(changes, [*changes[1:], None], strict=False):
        area = Area(row.disease, row.unit_id)
        until = after.known_from if after and (after.disease, after.unit_id) == area else None
        found[area].append(Run(status=StatutoryStatus(row.status), since=row.known_from, until=until))
    return found


def _write(session: Session, steps: Sequence[Step], policy: Policy, now: datetime) -> Counter[str]:
    counts: Counter[str] = Counter()
    opened = [step for step in steps if step.asked is not None]
    alerts = _alerts(session, {Area(step.asked.disease, step.asked.unit_id) for step in opened if step.asked})
    events: list[dict[str, Any]] = []
    if opened:
        rows = [_row(step, alerts, policy, now) for step in opened]
        ids = session.scalars(insert(Duty).returning(Duty.id, sort_by_parameter_order=True), rows)
        for step, duty_id in zip(opened, ids, strict=True):
            events.append(_event(duty_id, "opened", now, None))
            counts["opened"] += 1
            if step.state is not DutyState.OPEN:
                events.append(_event(duty_id, step.state, now, step.why))
                counts[step.state] += 1
    changed = [step for step in steps if step.id is not None]
    if changed:
        session.execute(update(Duty), [{"id": step.id} | _settled(step, now) for step in changed])
    for step in changed:
        kind = "reopened" if step.state is DutyState.OPEN else step.state.value
        assert step.id is not None
        events.append(_event(step.id, kind, now, step.why))
        counts[kind] += 1
    if events:
        session.execute(insert(DutyEvent), events)
    return counts


def _alerts(session: Session, areas: set[Area]) -> dict[Area, int]:
    """The newest alert of each area: the one that is open, if there is one."""
    if not areas:
        return {}
    rows = session.execute(
        select(Alert.id, Alert.disease, Alert.unit_id)
        .ext(distinct_on(Alert.disease, Alert.unit_id))
        .where(tuple_(Alert.disease, Alert.unit_id).in_(areas))
        .order_by(Alert.disease, Alert.unit_id, Alert.id.desc())
    )
    return {Area(row.disease, row.unit_id): row.id for row in rows}


def _row(step: Step, alerts: Mapping[Area, int], policy: Policy, now: datetime) -> dict[str, Any]:
    asked = step.asked
    assert asked is not None
    return {
        "kind": asked.kind.value,
        "disease": asked.disease,
        "unit_id": asked.unit_id,
        "criterion": asked.criterion,
        "alert_id": alerts.get(Area(asked.disease, asked.unit_id)),
        "met_at": asked.met_at,
        "due_at": asked.due_at,
        "opened_at": now,
        "detail": dict(asked.detail),
        "law": LAWS[asked.kind],
        "policy_version": policy.version,
        "policy_hash": policy.hash,
        "reminded": 0,
    } | _settled(step, now)


def _settled(step: Step, now: datetime) -> dict[str, Any]:
    over = step.state is not DutyState.OPEN
    return {
        "state": step.state.value,
        "settled_at": step.at if over else None,
        "recorded_at": now if over else None,
        "why": step.why.to_json() if step.why and over else None,
    }


def _event(duty_id: int, kind: str, now: datetime, why: Message | None) -> dict[str, Any]:
    sentence = SENTENCES[kind]
    if why is not None:
        sentence = Message("{what} {why}", what=sentence, why=why)
    return {"duty_id": duty_id, "at": now, "kind": kind, "message": sentence.to_json()}


def _refresh(session: Session, asked: Sequence[Asked], known: Sequence[Known]) -> None:
    """Which outbreaks, how many cases: kept true while the duty is open; no news of its own."""
    wanted = {duty.key: dict(duty.detail) for duty in asked if duty.kind not in NOTICES}
    changed = [
        {"id": one.id, "detail": wanted[one.key]}
        for one in known
        if one.state is DutyState.OPEN and one.key in wanted and wanted[one.key] != one.detail
    ]
    if changed:
        session.execute(update(Duty), changed)
