"""Writes down what became of the clusters of one disease, in the caller's transaction. Only news makes a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from surveillance.cluster_identity import Counts, Kind, Known, Step, Window, match
from surveillance.clustering.models import ClusterRow, ClusterVersion
from surveillance.clusters import Found

GONE = (Kind.MERGED, Kind.ENDED)
TOLD_AGAIN = timedelta(days=7)
"""A cluster without news is written down anew when what was told of it is so old."""
FACTS = (
    "units", "unit_cases", "unit_expected", "first_day", "last_day", "observed", "expected", "relative_risk", "p",
    "recurrence_days", "stands_in", "placements", "stable", "alarm", "seed",
)  # fmt: skip

Recorded = dict[str, Any]
"""A cluster that lasts: FACTS of its open version, its `id`, and its window as last seen."""


def record(
    session: Session,
    found: Sequence[Found],
    *,
    disease: str,
    unit_ids: Sequence[int],
    counts: Counts,
    now: datetime,
) -> int:
    """Make the recorded clusters of `disease` agree with those `found`; how many versions were written."""
    before = {kept["id"]: kept for kept in lasting(session, disease)}
    windows = [Window(units=frozenset(f.units), first=f.first, last=f.last) for f in found]
    steps = match(_known(before, unit_ids), windows, counts, next_number=_next_number(session))
    written = 0
    for step in steps:
        old = before.get(step.number)
        new = None if step.at is None else found[step.at]
        if new is not None:
            _see(session, step.number, new, disease if old is None else None, now)
        facts = old if new is None else _facts(new, unit_ids)
        assert facts is not None
        if old is None or step.is_news or _differs(old, facts):
            _write(session, step, facts, now)
            written += 1
    return written


def lasting(session: Session, disease: str) -> list[Recorded]:
    """Clusters of `disease` that had not ended when last looked for."""
    columns = [getattr(ClusterVersion, name) for name in FACTS]
    query = (
        select(ClusterRow.id, ClusterRow.seen_first, ClusterRow.seen_last, *columns)
        .join(ClusterVersion, ClusterVersion.cluster_id == ClusterRow.id)
        .where(
            ClusterRow.disease == disease, ClusterVersion.known_to.is_(None), ClusterVersion.kind.not_in(GONE)
        )
        .order_by(ClusterRow.id)
    )
    return [dict(row._mapping) for row in session.execute(query)]


def _known(before: Mapping[int, Recorded], unit_ids: Sequence[int]) -> list[Known]:
    place = {unit: position for position, unit in enumerate(unit_ids)}
    return [
        Known(
            number=number,
            window=Window(
                units=frozenset(place[unit] for unit in kept["units"] if unit in place),
                first=kept["seen_first"],
                last=kept["seen_last"],
            ),
            cases=float(kept["observed"]),
        )
        for number, kept in before.items()
    ]


def _facts(found: Found, unit_ids: Sequence[int]) -> Recorded:
    return {
        "units": [unit_ids[unit] for unit in found.units],
        "unit_cases": list(found.cases),
        "unit_expected": [round(expected, 4) for expected in found.expected_cases],
        "first_day": found.first,
        "last_day": found.last,
        "observed": found.observed,
        "expected": found.expected,
        **{name: getattr(found, name) for name in FACTS[FACTS.index("relative_risk") :]},
    }


def _differs(old: Recorded, new: Recorded) -> bool:
    """Whether it alarms, or stands, otherwise than was told, or was told too long ago."""
    told: date = old["last_day"]
    return (old["alarm"], old["stable"]) != (new["alarm"], new["stable"]) or new[
        "last_day"
    ] >= told + TOLD_AGAIN


def _see(session: Session, number: int, found: Found, new_of: str | None, now: datetime) -> None:
    seen = {"seen_first": found.first, "seen_last": found.last}
    if new_of is None:
        session.execute(update(ClusterRow).where(ClusterRow.id == number).values(seen))
    else:
        session.execute(insert(ClusterRow).values(id=number, disease=new_of, first_known_at=now, **seen))


def _write(session: Session, step: Step, facts: Recorded, now: datetime) -> None:
    session.execute(
        update(ClusterVersion)
        .where(ClusterVersion.cluster_id == step.number, ClusterVersion.known_to.is_(None))
        .values(known_to=now)
    )
    session.execute(
        insert(ClusterVersion).values(
            cluster_id=step.number,
            known_from=now,
            kind=step.kind,
            parents=list(step.parents),
            into=step.into,
            **{name: facts[name] for name in FACTS},
        )
    )


def _next_number(session: Session) -> int:
    return (session.scalar(select(func.max(ClusterRow.id))) or 0) + 1
