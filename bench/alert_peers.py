"""The peers of `bench.alerts` on the same kept signals: InfoDengue's four levels, and mean + 2 SD alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import numpy as np
from sqlalchemy import Engine, text

from alerts.lifecycle import Kind
from alerts.rules import Policy, parse_policy
from alerts.scorecard import Call, Step, Where
from db import session_scope
from scoring import Kept
from surveillance.detection.mem import MovingEpidemic, epidemic_levels
from surveillance.infodengue import Weeks, four_levels
from surveillance.types import FloatArray

TWO_SD = """
version = "mean + 2 SD"
[floor]
min_cases = 3
level = 2
[fall]
period_days = 7
hold_days = { 2 = 7, 3 = 7, 4 = 14 }
[[rule]]
id = "above-2sd"
regime = "any"
method = "statutory_week"
flag = "above_2sd"
level = 3
threshold = "upper"
display_floor = true
needs = "số ca trong tuần vượt trung bình cộng 2 độ lệch chuẩn"
"""
MEM = MovingEpidemic()
CALLS_FROM = 3


def two_sd() -> Policy:
    return parse_policy(TWO_SD)


def infodengue(
    inside: Engine,
    kept: Kept,
    unit_ids: Sequence[int],
    *,
    disease: str = "dengue",
    favourable: Sequence[int] = range(1, 13),
) -> list[Step]:
    """Steps of weekly alerts: open from yellow, calling from orange. `favourable`: months whose climate suits the
    vector; neither city has weather at hand. Areas that no estimate names have too few cases for one."""
    sundays = [moment for moment in kept.moments if moment.weekday() == 6]
    cases, above = _inputs(kept, sundays, unit_ids, disease)
    preseason, epidemic = _thresholds(inside, sundays, unit_ids, disease)
    climate = np.array([float(moment.month in favourable) for moment in sundays])
    levels = four_levels(
        Weeks(
            cases=cases,
            above_one=above,
            favourable=np.broadcast_to(climate, cases.shape),
            preseason=preseason,
            epidemic=epidemic,
        )
    )
    days = [moment.astimezone(kept.timezone).date() for moment in sundays]
    steps = [
        step
        for row, unit in enumerate(unit_ids)
        for step in steps_of_levels(Where(disease, unit), days, levels[row].tolist())
    ]
    return sorted(steps, key=lambda step: step.day)


def steps_of_levels(where: Where, days: Sequence[date], levels: Sequence[int]) -> Iterator[Step]:
    before = 1
    for day, level in zip(days, levels, strict=True):
        if level != before:
            kind = (
                Kind.ENDED if level == 1
                else Kind.OPENED if before == 1
                else Kind.RAISED if level > before
                else Kind.LOWERED
            )  # fmt: skip
            call: Call = "level" if level >= CALLS_FROM and level > before else ""
            yield Step(day=day, where=where, kind=kind, level=level, calls=call)
        before = level


def _inputs(
    kept: Kept, moments: Sequence[datetime], unit_ids: Sequence[int], disease: str
) -> tuple[FloatArray, FloatArray]:
    """Nowcast cases of the week, and P(Rt > 1), as believed at each moment, (units, moments)."""
    row_of = {unit: row for row, unit in enumerate(unit_ids)}
    times = np.array([moment.timestamp() for moment in moments])
    cases, above = np.zeros((2, len(unit_ids), len(moments)))
    for belief in kept.beliefs:
        signal = belief.signal
        if (
            signal.disease != disease
            or signal.method not in ("nowcast", "rt")
            or signal.unit_id not in row_of
        ):
            continue
        begin = np.searchsorted(times, belief.known_from.timestamp())
        end = len(times) if belief.known_to is None else np.searchsorted(times, belief.known_to.timestamp())
        row = row_of[signal.unit_id]
        if signal.method == "nowcast":
            cases[row, begin:end] = signal.observed if signal.expected is None else signal.expected
        elif signal.detail.get("above_one"):
            above[row, begin:end] = signal.detail["above_one"][-1] or 0.0
    return cases, above


def _thresholds(
    inside: Engine, moments: Sequence[datetime], unit_ids: Sequence[int], disease: str
) -> tuple[FloatArray, FloatArray]:
    """MEM's pre-season threshold and its upper 90 % of epidemic weeks, from the calendar years before each moment."""
    counts, first_year = _yearly_weeks(inside, unit_ids, disease)
    pre, epi = np.full((2, len(unit_ids), len(moments)), np.nan)
    for year in sorted({moment.year for moment in moments}):
        columns = [n for n, moment in enumerate(moments) if moment.year == year]
        for row in range(len(unit_ids)):
            past = [counts[row, y] for y in range(max(0, year - first_year - MEM.seasons), year - first_year)]
            levels = epidemic_levels(
                past, slope=MEM.slope, level=MEM.level, intensities=MEM.intensities, least=MEM.least_cases
            )
            pre[row, columns] = levels.epidemic if levels else 0.0
            epi[row, columns] = levels.high if levels else 0.0
    return pre, epi


def _yearly_weeks(inside: Engine, unit_ids: Sequence[int], disease: str) -> tuple[FloatArray, int]:
    """Cases (units, years, 52) by the week of the year."""
    query = text(
        "SELECT unit_id, event_date, count(*) FROM case_version WHERE known_to IS NULL AND disease = :disease"
        " AND unit_id = ANY(:units) AND classification <> 'discarded' GROUP BY 1, 2"
    )
    with session_scope(inside) as session:
        rows = session.execute(query, {"disease": disease, "units": list(unit_ids)}).all()
    years = sorted({day.year for _, day, _ in rows})
    row_of = {unit: row for row, unit in enumerate(unit_ids)}
    counts = np.zeros((len(unit_ids), years[-1] - years[0] + 1, 52))
    for unit, day, n in rows:
        week = min((day - date(day.year, 1, 1)) // timedelta(days=7), 51)
        counts[row_of[unit], day.year - years[0], week] += n
    return counts, years[0]
