"""Cases of each commune for many questions at once: other periods, other moments of knowledge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from surveillance.case_filter import CaseFilter
from surveillance.columns import Columns
from surveillance.coverage import DayArray, coverage, sources_of
from surveillance.lines import EPOCH, day_number
from surveillance.types import FloatArray

LEAST_CASES = 5
"""Fewer have no median worth a colour."""
LOOK_BACK_DAYS = 365


def case_counts(columns: Columns, wanted: Sequence[CaseFilter], unit_ids: Sequence[int]) -> FloatArray:
    """Cases of each filter in each commune, (F, N). Filters that differ in their period alone share one reading."""
    found = np.zeros((len(wanted), len(unit_ids)))
    alike: dict[CaseFilter, list[int]] = defaultdict(list)
    for i, each in enumerate(wanted):
        alike[replace(each, start=EPOCH, end=EPOCH)].append(i)
    for group in alike.values():
        start, end = min(wanted[i].start for i in group), max(wanted[i].end for i in group)
        rows = columns.rows(replace(wanted[group[0]], start=start, end=end))
        days = columns.day(wanted[group[0]].dated_by)[rows]
        order = np.argsort(days, kind="stable")
        days, units = days[order], columns.unit[rows[order]]
        for i in group:
            low, high = np.searchsorted(days, [day_number(wanted[i].start), day_number(wanted[i].end) + 1])
            found[i] = _of_units(np.bincount(units[low:high]), unit_ids, 0.0)
    return found


def median_delays(columns: Columns, wanted: CaseFilter, unit_ids: Sequence[int]) -> FloatArray:
    """Median days from event to report in each commune, (N,); NaN with fewer than LEAST_CASES cases."""
    rows = columns.rows(wanted)
    units = columns.unit[rows].astype(np.int64)
    delay = columns.report[rows].astype(np.float64) - columns.event[rows]
    order = np.lexsort((delay, units))
    number = np.bincount(units, minlength=1)
    first = np.cumsum(number) - number
    known = np.flatnonzero(number >= LEAST_CASES)
    medians = np.full(number.size, np.nan)
    middle = first[known] + (number[known] - 1) // 2, first[known] + number[known] // 2
    medians[known] = sum(delay[order[at]] for at in middle) / 2
    return _of_units(medians, unit_ids, np.nan)


def days_without_report(
    columns: Columns, unit_ids: Sequence[int], *, newest: date, as_of: datetime | None
) -> FloatArray:
    """Days up to `newest` since the last report of any disease from each commune, (N,); NaN where there was none in
    LOOK_BACK_DAYS."""
    rows = columns.rows(CaseFilter(start=newest - timedelta(days=LOOK_BACK_DAYS), end=newest, as_of=as_of))
    report = columns.report[rows]
    rows, report = rows[report <= day_number(newest)], report[report <= day_number(newest)]
    last = np.full(int(columns.unit[rows].max(initial=0)) + 1, -np.inf)
    np.maximum.at(last, columns.unit[rows], report)
    found = day_number(newest) - _of_units(last, unit_ids, -np.inf)
    return np.where(np.isfinite(found), found, np.nan)


def _of_units(by_id: NDArray[np.generic], unit_ids: Sequence[int], missing: float) -> FloatArray:
    """Values of `unit_ids` from an array by unit id."""
    ids = np.asarray(unit_ids, dtype=np.int64)
    found = np.full(ids.size, missing)
    inside = ids < by_id.size
    found[inside] = by_id[ids[inside]]
    return found


def first_days(
    session: Session, disease: str | None, unit_ids: Sequence[int], moments: Sequence[datetime | None]
) -> DayArray:
    """First day the sources tell of, as known at each of `moments` (None: now), rising in time, (L, N); NaT: of nothing
    yet. Between two moments at which it is the same it did not change: few moments are looked at."""
    found = np.full((len(moments), len(unit_ids)), np.datetime64("NaT"), dtype="datetime64[D]")

    def fill(low: int, high: int) -> None:
        if high - low > 1:
            middle = (low + high) // 2
            if np.array_equal(found[low], found[high], equal_nan=True):
                found[low + 1 : high] = found[low]
                return
            found[middle] = _since(session, disease, unit_ids, moments[middle])
            fill(low, middle)
            fill(middle, high)

    for end in {0, len(moments) - 1}:
        found[end] = _since(session, disease, unit_ids, moments[end])
    fill(0, len(moments) - 1)
    return found


def _since(
    session: Session, disease: str | None, unit_ids: Sequence[int], as_of: datetime | None
) -> DayArray:
    diseases = [disease] if disease else sorted(sources_of(session, as_of=as_of))
    if not diseases:
        return np.full(len(unit_ids), np.datetime64("NaT"))
    since = coverage(session, diseases, unit_ids=unit_ids, as_of=as_of).since
    return np.fmin.reduce(since, axis=0)
