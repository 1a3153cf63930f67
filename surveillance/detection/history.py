"""Sums of past periods: what the same week or month held in the years before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.watch import LARGEST_COUNT
from surveillance.types import BoolArray, CountSeries, FloatArray, Frequency

MIN_YEARS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DailySums:
    """Running sums of daily counts, so that any period of any day costs two columns.

    `known` and `unknown` are (S, T+1): cases of known days and number of unknown days before each day.
    """

    start: date
    known: FloatArray
    unknown: NDArray[np.int32]

    @classmethod
    def of(cls, series: CountSeries) -> DailySums:
        """Raises ValueError unless `series` is daily."""
        if series.frequency is not Frequency.DAY:
            raise ValueError(f"the statutory test needs daily counts, not counts per {series.frequency}")
        edge = ((0, 0), (1, 0))
        # A count that cannot be, such as -1, is not known. NaN fails both comparisons.
        sound = (series.observed >= 0) & (series.observed <= LARGEST_COUNT)
        known = np.cumsum(np.where(sound, series.observed, 0.0), axis=1)
        unknown = np.cumsum(~sound, axis=1, dtype=np.int32)
        return cls(start=series.start, known=np.pad(known, edge), unknown=np.pad(unknown, edge))

    def between(self, first: date, last: date) -> tuple[FloatArray, NDArray[np.int32]]:
        """Cases (S,) on the known days of `first`..`last`, and how many days are unknown or outside."""
        begin, end = self._index(first), self._index(last + timedelta(days=1))
        outside = (last - first).days + 1 - (end - begin)
        unknown = self.unknown[:, end] - self.unknown[:, begin] + outside
        # Back-cast counts carry fractions: without rounding, equal periods could differ in the last bit.
        return np.round(self.known[:, end] - self.known[:, begin], 9), unknown

    def _index(self, day: date) -> int:
        return min(max((day - self.start).days, 0), self.known.shape[1] - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Totals of the same period in earlier years, (S, Y), NaN where a year is left out or not fully known.

    `number`, `total` and `spread` (n times the sum of squares minus the squared sum) are (S,). Comparisons
    avoid the square root, so that a count equal to mean + k SD is seen as equal.
    """

    totals: FloatArray
    number: NDArray[np.int64]
    total: FloatArray
    spread: FloatArray

    @classmethod
    def of(
        cls,
        sums: DailySums,
        years: Sequence[int],
        periods: Sequence[tuple[date, date]],
        excluded: Sequence[frozenset[int]],
    ) -> Baseline:
        """`periods` are first and last days, one per year; `excluded` the years each series leaves out."""
        totals = np.empty((len(excluded), len(years)))
        for column, (year, (first, last)) in enumerate(zip(years, periods, strict=True)):
            cases, unknown = sums.between(first, last)
            left_out = np.array([year in out for out in excluded], dtype=bool)
            totals[:, column] = np.where(left_out | (unknown > 0), np.nan, cases)
        number = np.count_nonzero(~np.isnan(totals), axis=1)
        total = np.nansum(totals, axis=1)
        spread = np.maximum(number * np.nansum(totals**2, axis=1) - total**2, 0)
        return cls(totals=totals, number=number, total=total, spread=spread)

    @property
    def enough(self) -> BoolArray:
        return self.number >= MIN_YEARS

    @property
    def mean(self) -> FloatArray:
        return np.where(self.enough, self.total / np.maximum(self.number, 1), np.nan)

    @property
    def sd(self) -> FloatArray:
        """Sample standard deviation (n-1); the law does not say which."""
        n = np.maximum(self.number, 2)
        return np.where(self.enough, np.sqrt(self.spread / (n * (n - 1))), np.nan)

    def reached(self, observed: FloatArray, k: int) -> BoolArray:
        """observed >= mean + k SD."""
        above, left, right = self._terms(observed, k)
        return self.enough & (above >= 0) & (left >= right)

    def exceeded(self, observed: FloatArray, k: int) -> BoolArray:
        """observed > mean + k SD."""
        above, left, right = self._terms(observed, k)
        return self.enough & (above > 0) & (left > right)

    def _terms(self, observed: FloatArray, k: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        above = self.number * observed - self.total
        return above, (self.number - 1) * above**2, k**2 * self.number * self.spread
