"""Rates of areas, against other areas and against their own past. Pure; arrays are (…, N) over N areas."""

from __future__ import annotations

from datetime import date

import numpy as np

from surveillance.smoothing import smooth_rates
from surveillance.types import BoolArray, FloatArray

PER = 100_000
YEARS_BACK = 5
LEAST_YEARS = 3
"""As for the curve of the same weeks of earlier years (counts.weekly_curve)."""
LEAST_EXPECTED = 1.0
"""Cases expected below which one case more or less makes an area a multiple of itself."""


def rate(cases: FloatArray, persons: FloatArray) -> FloatArray:
    """Cases per PER people; NaN where either is unknown or nobody lives."""
    known = np.where(persons > 0, persons, np.nan)
    return np.asarray(PER * cases / known)


def smoothed_rate(cases: FloatArray, persons: FloatArray) -> FloatArray:
    """Empirical-Bayes rate per PER people, drawn towards the rate of all areas; both (N,)."""
    return PER * smooth_rates(cases, persons).smoothed


def years_before(first: date, last: date, years: int) -> tuple[date, date]:
    """The same days of the year, so many years earlier; of 29 February the 28th."""
    return _moved(first, years), _moved(last, years)


def _moved(day: date, years: int) -> date:
    if (day.month, day.day) == (2, 29):
        day = day.replace(day=28)
    return day.replace(year=day.year - years)


def expected_cases(earlier: FloatArray, usable: BoolArray) -> FloatArray:
    """Mean over the usable ones of Y earlier years, both (Y, N); NaN with fewer than LEAST_YEARS of them."""
    usable = usable & ~np.isnan(earlier)
    number = usable.sum(axis=0)
    total = np.where(usable, earlier, 0.0).sum(axis=0)
    return np.where(number >= LEAST_YEARS, total / np.maximum(number, 1), np.nan)


def observed_to_expected(cases: FloatArray, expected: FloatArray) -> FloatArray:
    """Their ratio, (N,); NaN where fewer than LEAST_EXPECTED cases are expected, or nothing is known."""
    enough = np.where(expected >= LEAST_EXPECTED, expected, np.nan)
    return np.asarray(cases / enough)
