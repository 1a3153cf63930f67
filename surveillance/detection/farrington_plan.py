"""Which past steps a step is compared with: the same weeks of the years before, and the blocks between them.

Farrington et al. 1996 (windows); Noufaily et al. 2013 §3.2 (blocks as a seasonal factor). The edge cases are
those of R `surveillance` 1.20.3 and are told in docs/methods/farrington.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from surveillance.types import CountSeries, FloatArray, Frequency

Calendar = Literal["dates", "steps"]
IntArray = NDArray[np.int64]

STEPS_PER_YEAR: dict[Frequency, int] = {Frequency.DAY: 365, Frequency.WEEK: 52, Frequency.MONTH: 12}
READY, TOO_SHORT, TOO_MANY_PERIODS = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Baselines of E evaluated steps, shared by all series of a calendar.

    `rows[begin[e]:begin[e + 1]]` are the baseline steps of `evaluated[e]`, sorted by season and then time.
    `level` is each row's season 1..periods (the evaluated step's own season is `periods`), `year` the
    reference year 1..years in whose window the row lies, else 0. `time` (T,) is the trend's axis.
    `state` (E,) is READY, TOO_SHORT or TOO_MANY_PERIODS.
    """

    evaluated: IntArray
    rows: IntArray
    begin: IntArray
    level: IntArray
    year: IntArray
    time: FloatArray
    state: IntArray


def flexible_plan(
    series: CountSeries,
    evaluated: IntArray,
    *,
    years: int,
    half_window: int,
    periods: int,
    guard: int,
    calendar: Calendar,
) -> Plan:
    """The windows of `years` years and, with `periods` > 1, the blocks between them, less the last `guard` steps."""
    steps = series.observed.shape[1]
    baselines = []
    for step in evaluated.tolist():
        references = _reference_steps(series, step, years, calendar)
        if references[-1] < 0 or references[-1] - half_window < -1 or step - guard < -1:
            baselines.append((TOO_SHORT, *_nothing()))
            continue
        level = _seasons(references, steps, half_window, periods)
        if level is None:
            baselines.append((TOO_MANY_PERIODS, *_nothing()))
            continue
        level[max(step - guard, 0) : step + 1] = 0
        rows = np.flatnonzero(level)
        rows = rows[np.argsort(level[rows], kind="stable")]
        baselines.append((READY, rows, level[rows], _years(references, steps, half_window)[rows]))
    return _assemble(evaluated, baselines, _time_axis(series, calendar))


def classic_plan(
    series: CountSeries, evaluated: IntArray, *, years: int, half_window: int, calendar: Calendar
) -> Plan:
    """The windows of `years` years alone; parts before the first step are left out once R's default range begins."""
    steps = series.observed.shape[1]
    first = years * STEPS_PER_YEAR[series.frequency] - half_window - 1
    baselines = []
    for step in evaluated.tolist():
        references = _reference_steps(series, step, years, calendar)
        year = _years(references, steps, half_window)
        rows = np.flatnonzero(year)
        if step < first or rows.size == 0:
            baselines.append((TOO_SHORT, *_nothing()))
            continue
        baselines.append((READY, rows, np.ones_like(rows), year[rows]))
    return _assemble(evaluated, baselines, np.arange(steps, dtype=np.float64))


def _nothing() -> tuple[IntArray, IntArray, IntArray]:
    none = np.zeros(0, dtype=np.int64)
    return none, none, none


def _assemble(
    evaluated: IntArray, baselines: list[tuple[int, IntArray, IntArray, IntArray]], time: FloatArray
) -> Plan:
    sizes = [rows.size for _, rows, _, _ in baselines]
    empty = np.zeros(0, dtype=np.int64)
    return Plan(
        evaluated=evaluated,
        rows=np.concatenate([empty, *(rows for _, rows, _, _ in baselines)]),
        begin=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        level=np.concatenate([empty, *(level for _, _, level, _ in baselines)]),
        year=np.concatenate([empty, *(year for _, _, _, year in baselines)]),
        time=time,
        state=np.array([state for state, _, _, _ in baselines], dtype=np.int64),
    )


def _reference_steps(series: CountSeries, step: int, years: int, calendar: Calendar) -> list[int]:
    """The step itself, then its counterpart of each year before; negative where the series had not begun."""
    if calendar == "steps" or series.frequency is Frequency.MONTH:
        return [step - i * STEPS_PER_YEAR[series.frequency] for i in range(years + 1)]
    length = 7 if series.frequency is Frequency.WEEK else 1
    day = series.start + timedelta(days=length * step)
    past = (_years_before(day, i) for i in range(years + 1))
    return [round((that - series.start).days / length) for that in past]


def _years_before(day: date, years: int) -> date:
    """The same calendar day; 29 February becomes 1 March where there is none."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 3, 1)


def _seasons(references: list[int], steps: int, half_window: int, periods: int) -> IntArray | None:
    """Season 1..periods of each step, 0 for none; None when a year has fewer steps than seasons."""
    level = np.zeros(steps, dtype=np.int64)
    level[max(references[0] - half_window, 0) : references[0] + 1] = periods
    for newer, reference in pairwise(references):
        level[max(reference - half_window, 0) : reference + half_window + 1] = periods
        if periods == 1:
            continue
        between = newer - reference - 2 * half_window - 1
        if between < periods - (2 * half_window + 1):
            return None
        size, rest = divmod(between, periods - 1)
        start = reference + half_window + 1
        for block in range(1, periods):
            end = start + size + (block <= rest)
            # As R counts start:(end-1), an empty block still takes the step at `start` and the one before.
            level[min(start, end - 1) : max(start + 1, end)] = block
            start = end
    return level


def _years(references: list[int], steps: int, half_window: int) -> IntArray:
    year = np.zeros(steps, dtype=np.int64)
    for number, reference in enumerate(references[1:], start=1):
        if reference + half_window >= 0:
            year[max(reference - half_window, 0) : reference + half_window + 1] = number
    return year


def _time_axis(series: CountSeries, calendar: Calendar) -> FloatArray:
    steps = np.arange(series.observed.shape[1])
    if calendar == "steps" or series.frequency is not Frequency.MONTH:
        return steps.astype(np.float64)
    months = series.start.year * 12 + series.start.month - 1 + steps
    days = np.array([date(m // 12, m % 12 + 1, 1).toordinal() for m in months.tolist()], dtype=np.float64)
    return days - days[0]
