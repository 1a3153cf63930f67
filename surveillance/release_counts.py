"""Cases on the units of any boundary release: by their point where it is exact enough, else by what became of the unit
their report named, shared out and marked estimated where that was split (docs/methods/units-through-time.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, ColumnElement, Date, Row, any_, case, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from geodata.crosswalk import Crosswalk, apportion
from geodata.models import Boundary
from geodata.releases import all_leaves, crosswalk_to
from geodata.types import PlaceLevel
from surveillance.counts import Classes, counted
from surveillance.epiweek import week_start
from surveillance.models import CaseVersion
from surveillance.types import FloatArray

EXACT = (PlaceLevel.HOUSE, PlaceLevel.STREET)
"""Points this fine, up to 200 m (`types.FINEST`), tell a ward from its neighbour; a ward's centre does not."""

Period = tuple[date, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseCounts:
    """Cases of U units in P periods, arrays (U, P), in tenths; `estimated` is the part of them that was shared out.

    `outside` (P,): in the city, but in no unit of this release. `unplaced` (P,): in no known commune yet. Units,
    outside and unplaced add up to exactly the cases there are.
    """

    release: date
    unit_ids: tuple[int, ...]
    periods: tuple[Period, ...]
    cases: FloatArray
    estimated: FloatArray
    outside: FloatArray
    unplaced: FloatArray

    def by_unit(self, period: int) -> dict[int, float]:
        """Cases of the units that have any."""
        return {unit: float(n) for unit, n in zip(self.unit_ids, self.cases[:, period], strict=True) if n}

    def estimated_by_unit(self, period: int) -> dict[int, float]:
        return {unit: float(n) for unit, n in zip(self.unit_ids, self.estimated[:, period], strict=True) if n}

    def estimated_share(self, period: int) -> float:
        """Part of the cases on these units that was shared out, 0 without a case."""
        whole = float(self.cases[:, period].sum())
        return float(self.estimated[:, period].sum()) / whole if whole else 0.0


def counts_on_release(
    session: Session,
    release: date,
    *,
    disease: str | None,
    periods: Sequence[Period],
    as_of: datetime | None,
    unit_id: int | None = None,
    classification: Classes = None,
    verified: bool = False,
) -> ReleaseCounts:
    """Cases with an event in each period (both days included), as believed at `as_of`, on the units that stood on
    `release`; of `unit_id` alone where it is given (then nothing is outside or unplaced)."""
    walk = crosswalk_to(session, all_leaves(session), release)
    rows = _rows(session, walk, periods, counted(disease, as_of, classification, verified), unit_id)
    whole, shared, unplaced = _tally(walk, rows, len(periods))
    if unit_id is not None:
        at = walk.targets.index(unit_id)
        whole, shared, unplaced = whole[[at, -1]], shared[[at, -1]], np.zeros_like(unplaced)
        whole[-1] = shared[-1] = 0
    total = np.column_stack([apportion(whole[:, i] + shared[:, i]) for i in range(len(periods))])
    return ReleaseCounts(
        release=release,
        unit_ids=walk.targets if unit_id is None else (unit_id,),
        periods=tuple(periods),
        cases=total[:-1],
        estimated=np.maximum(total - whole, 0)[:-1].round(1),
        outside=total[-1],
        unplaced=unplaced,
    )


def weeks_on_release(
    session: Session,
    release: date,
    *,
    disease: str | None,
    unit_id: int | None,
    weeks: int,
    today: date,
    as_of: datetime | None,
) -> ReleaseCounts:
    """The last `weeks` ISO weeks of a unit, or of all units; the last one ends with `today`."""
    mondays = [week_start(today) - timedelta(weeks=k) for k in reversed(range(weeks))]
    periods = [(monday, min(monday + timedelta(days=6), today)) for monday in mondays]
    return counts_on_release(session, release, disease=disease, periods=periods, as_of=as_of, unit_id=unit_id)


def _rows(
    session: Session,
    walk: Crosswalk,
    periods: Sequence[Period],
    counted_here: ColumnElement[bool],
    unit_id: int | None,
) -> Iterable[Row[int | None, int, int | None, int]]:
    """Source unit, period, unit at the point (where that may decide), cases."""
    former = CaseVersion.former_unit_id
    source = case((former == any_(_ids(walk.sources)), former), else_=CaseVersion.unit_id)
    exact = CaseVersion.place_level.in_(EXACT) & (source == any_(_ids(walk.undecided())))
    query = select(
        CaseVersion.event_date.label("day"),
        source.label("source"),
        case((exact, CaseVersion.geom)).label("point"),
    ).where(
        CaseVersion.event_date.between(min(x for x, _ in periods), max(x for _, x in periods)), counted_here
    )
    if unit_id is not None:
        query = query.where(source == any_(_ids(walk.sources_of(unit_id))))
    chosen = query.cte("chosen")
    covers = (
        select(Boundary.unit_id)
        .where(
            (Boundary.unit_id + 0) == any_(_ids(walk.targets)), Boundary.synthetic.is_(False)
        )  # by place, not by id
        .where(func.ST_Covers(Boundary.geom, chosen.c.point))
        .limit(1)
        .scalar_subquery()
    )
    placed = select(
        chosen.c.day, chosen.c.source, case((chosen.c.point.is_not(None), covers)).label("at_point")
    ).cte("placed")
    days = [cast(list(ends), ARRAY(Date)) for ends in zip(*periods, strict=True)]
    period = (
        func.unnest(*days).table_valued("first", "last", with_ordinality="i", name="period").render_derived()
    )
    counts = select(placed.c.source, period.c.i - 1, placed.c.at_point, func.count()).join(
        period, placed.c.day.between(period.c.first, period.c.last)
    )
    return session.execute(
        counts.select_from(placed).group_by(placed.c.source, period.c.i, placed.c.at_point)
    )


def _ids(units: Sequence[int]) -> ColumnElement[Any]:
    return cast(list(units), ARRAY(BigInteger))


def _tally(
    walk: Crosswalk, rows: Iterable[Row[int | None, int, int | None, int]], periods: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Cases that lie in one unit for certain and parts shared out, (U + 1, P) with what is outside last, and (P,) those
    of no known place."""
    whole, shared = (np.zeros((len(walk.targets) + 1, periods)) for _ in range(2))
    unplaced = np.zeros(periods)
    column = {unit: i for i, unit in enumerate(walk.targets)}
    parts = {source: walk.columns(source) for source in walk.sources}
    for source, period, at_point, n in rows:
        found = parts.get(source) if source is not None else None
        if found is None:
            unplaced[period] += n
        elif at_point is not None and column[at_point] in found:
            whole[column[at_point], period] += n
        elif len(found) == 1:
            whole[next(iter(found)), period] += n
        else:
            for i, share in found.items():
                shared[i, period] += n * share
    return whole, shared, unplaced
