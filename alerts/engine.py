"""Reconcile: make the levels and alerts in the database agree with the evidence.

Level-triggered: a run that was killed, or ran twice, is repaired by the next one. The rules are in policy.py,
lifecycle.py and routing.py; why it is built like this is in docs/decisions/delivery.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from alerts.areas import AreaRole, settle_areas, sharers
from alerts.levels import Level
from alerts.lifecycle import ALERT_LEVEL, AlertState, Finding, Kind, next_change
from alerts.models import AreaLevel
from alerts.passport import DiseaseFacts
from alerts.policy import AreaState, Decision, decide
from alerts.records import Area, Context, Step, closed_alerts, open_alerts, settle_statuses, write_steps
from alerts.rules import Policy
from db import hold_lock
from surveillance.types import Signal, StatutoryStatus

STATE = ("level", "since", "status", "last_lowered", "below_since")
"""Columns of `area_level` that hold the AreaState of the policy."""
DECIDED = (*STATE, "raw_level", "unknown", "reasons", "why_not_higher", "why_not_lower", "policy_hash")
"""Columns of `area_level` that a decision fills; a new row is written when one of them differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileReport:
    """Counts of what was written; all zero when the database already agreed with the evidence."""

    levels: int
    opened: int
    reopened: int
    raised: int
    lowered: int
    ended: int
    evidence: int
    deliveries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decided:
    """One area: what stood (`row`, None the first time), what was seen, what was decided."""

    area: Area
    row: Mapping[str, Any] | None
    signals: Sequence[Signal]
    decision: Decision
    columns: Mapping[str, Any]


def reconcile(
    session: Session,
    *,
    evidence: Iterable[Signal],
    policy: Policy,
    diseases: Mapping[str, DiseaseFacts],
    silent: Collection[str],
    now: datetime,
    notify: bool = True,
    code_version: str,
) -> ReconcileReport:
    """Decide every area that has evidence or a level, and write what changed. The caller commits, once.

    `evidence` is all that is believed now, not only news. `silent`: codes of diseases whose sources have gone
    silent. `notify=False` replays the past: same levels, alerts and events, no deliveries. Time never goes
    back in the record: a `now` before the newest level is taken as that moment. Signals of a disease outside
    `diseases` raise KeyError.
    """
    hold_lock(session, "reconcile")
    current = _current_levels(session)
    now = max([now, *(row["known_from"] for row in current.values())])
    decided = _decide_all(evidence, current, policy, diseases, silent, now)
    levels = _write_levels(session, decided, now)
    steps = _steps(session, decided, now)
    context = Context(
        policy=policy,
        diseases=diseases,
        code_version=code_version,
        now=now,
        notify=notify,
        co_owners=_co_owners(decided),
    )
    deliveries = write_steps(session, steps, context)
    settle_areas(session, {(d.area.disease, d.area.unit_id): d.signals for d in decided})
    kinds = Counter(step.change.kind for step in steps)
    return ReconcileReport(
        levels=levels,
        opened=kinds[Kind.OPENED],
        reopened=kinds[Kind.REOPENED],
        raised=kinds[Kind.RAISED],
        lowered=kinds[Kind.LOWERED],
        ended=kinds[Kind.ENDED],
        evidence=kinds[Kind.EVIDENCE],
        deliveries=deliveries,
    )


def _co_owners(decided: Iterable[_Decided]) -> dict[Area, set[int]]:
    """By area, the other units that co-own what its evidence speaks of."""
    owners = {
        one.area: {unit for unit, role in sharers(one.signals).items() if role is AreaRole.CO_OWNER}
        - {one.area.unit_id}
        for one in decided
    }
    return {area: units for area, units in owners.items() if units}


def _current_levels(session: Session) -> dict[Area, Mapping[str, Any]]:
    table = AreaLevel.__table__
    rows = session.execute(select(table).where(table.c.known_to.is_(None))).mappings()
    return {Area(row["disease"], row["unit_id"]): dict(row) for row in rows}


def _decide_all(
    evidence: Iterable[Signal],
    current: Mapping[Area, Mapping[str, Any]],
    policy: Policy,
    diseases: Mapping[str, DiseaseFacts],
    silent: Collection[str],
    now: datetime,
) -> list[_Decided]:
    """In the order of the areas' keys, so that two runs take row locks in the same order."""
    signals: defaultdict[Area, list[Signal]] = defaultdict(list)
    for signal in evidence:
        signals[Area(signal.disease, signal.unit_id)].append(signal)
    known = [area for area in current if area.disease in diseases]
    return [
        _decide(area, current.get(area), signals.get(area, []), policy, diseases[area.disease], silent, now)
        for area in sorted({*signals, *known})
    ]


def _decide(
    area: Area,
    row: Mapping[str, Any] | None,
    signals: Sequence[Signal],
    policy: Policy,
    disease: DiseaseFacts,
    silent: Collection[str],
    now: datetime,
) -> _Decided:
    decision = decide(
        None if row is None else _state(row),
        signals,
        policy,
        now,
        disease_group=disease.group,
        endemic=disease.endemic,
        silent=disease.code in silent,
        display_floor=disease.display_floor,
        disease=disease.code,
    )
    return _Decided(
        area=area, row=row, signals=signals, decision=decision, columns=_columns(decision, policy)
    )


def _state(row: Mapping[str, Any]) -> AreaState:
    return AreaState(
        level=Level(row["level"]),
        since=row["since"],
        statutory=StatutoryStatus(row["status"]),
        last_lowered=row["last_lowered"],
        below_since=row["below_since"],
    )


def _columns(decision: Decision, policy: Policy) -> dict[str, Any]:
    state = decision.state
    return {
        "level": int(state.level),
        "since": state.since,
        "status": state.statutory.value,
        "last_lowered": state.last_lowered,
        "below_since": state.below_since,
        "raw_level": int(decision.raw_level),
        "unknown": decision.unknown,
        "reasons": [reason.to_json() for reason in decision.reasons],
        "why_not_higher": decision.why_not_higher.to_json(),
        "why_not_lower": decision.why_not_lower.to_json(),
        "policy_hash": policy.hash,
    }


def _write_levels(session: Session, decided: Sequence[_Decided], now: datetime) -> int:
    """Close the rows that no longer hold and add the new ones; how many were added."""
    changed = [d for d in decided if d.row is None or any(d.row[name] != d.columns[name] for name in DECIDED)]
    if not changed:
        return 0
    outdated = [d.row["id"] for d in changed if d.row is not None]
    session.execute(
        update(AreaLevel)
        .where(AreaLevel.id.in_(outdated))
        .values(known_to=now)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        insert(AreaLevel),
        [
            {"disease": d.area.disease, "unit_id": d.area.unit_id, "known_from": now, **d.columns}
            for d in changed
        ],
    )
    return len(changed)


def _steps(session: Session, decided: Sequence[_Decided], now: datetime) -> list[Step]:
    """What happens to alerts. A status that changed without being news is only written down."""
    alerts = open_alerts(session)
    could_open = [d.area for d in decided if d.area not in alerts and d.decision.level >= ALERT_LEVEL]
    closed = closed_alerts(session, could_open)
    steps, quiet = [], {}
    for d in decided:
        alert, former = alerts.get(d.area), closed.get(d.area)
        change = next_change(
            alert.state if alert else None, former.state if former else None, _finding(d), now
        )
        if change is None and alert and _status_moved(alert.state, d.decision):
            quiet[alert.id] = d.decision.statutory
        if change is not None:
            steps.append(
                Step(
                    area=d.area,
                    alert=alert or (former if change.kind is Kind.REOPENED else None),
                    change=change,
                    decision=d.decision,
                    evidence=d.signals,
                    state_before=None if d.row is None else _plain_state(d.row),
                )
            )
    settle_statuses(session, quiet)
    return steps


def _status_moved(alert: AlertState, decision: Decision) -> bool:
    """Not of a dismissed alert: its status is the one it was dismissed under."""
    return not alert.dismissed and alert.status != decision.statutory


def _plain_state(row: Mapping[str, Any]) -> dict[str, Any]:
    """The state as JSON: moments as ISO text."""
    values = {name: row[name] for name in STATE}
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()}


def _finding(decided: _Decided) -> Finding:
    return Finding(
        level=int(decided.decision.level),
        status=decided.decision.statutory,
        methods=frozenset(signal.method for signal in decided.signals if signal.alarm),
    )
