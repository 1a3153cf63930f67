"""The rule for rare diseases: a first case after long silence, or more cases close together than chance brings.

The limit is the predictive distribution of a Poisson count whose rate has been seen for some time (Riebler 2004;
R `surveillance::bayes`), exact for any number of cases, also none. Uses and misuses: docs/methods/rare.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.harmonics import STEPS_PER_YEAR
from surveillance.detection.watch import LARGEST_COUNT
from surveillance.types import Bounds, CountSeries, FloatArray, Frequency

WINDOW = {Frequency.DAY: 28, Frequency.WEEK: 4, Frequency.MONTH: 1}
PRIOR = 0.5
"""Jeffreys' prior: half a case before anything was seen."""


@dataclass(frozen=True, kw_only=True)
class Rare:
    """The rare-disease rule as a Detector over days, weeks or months.

    A step with cases alarms when the `window` steps it ends (None: 28 days, 4 weeks, a month) hold at least
    `least` cases and more than the 1-`alpha` quantile expected from the `years` years before that window; or
    when it brings the first case after `silent_years` years without one. At least `fewest_years` of history
    must be known. With more than `most_cases` cases a year the disease is not rare here.

    `expected` is the window's mean, `upperbound` what this step's count may be without alarm, `score` the number
    of cases in the window over its limit. Reasons: "insufficient_history", "unknown_counts" (in the window),
    "invalid_counts", "not_rare". Raises ValueError when a setting is impossible.
    """

    window: int | None = None
    years: int = 5
    fewest_years: int = 2
    silent_years: int = 2
    least: int = 2
    alpha: float = 0.01
    most_cases: float = 12
    last: int | None = None
    version: str = "1"
    name: str = "rare"

    def __post_init__(self) -> None:
        if self.window is not None and self.window < 1:
            raise ValueError(f"window is {self.window} steps; it needs at least 1")
        if not 1 <= self.fewest_years <= self.years or not 1 <= self.silent_years <= self.years:
            raise ValueError("fewest_years and silent_years must lie between 1 and years")
        if self.least < 1 or self.most_cases <= 0:
            raise ValueError("least must be at least 1, most_cases above 0")
        if not 0 < self.alpha < 0.5:
            raise ValueError(f"alpha is {self.alpha}; it must lie between 0 and 0.5")
        if self.last is not None and self.last < 1:
            raise ValueError(f"last is {self.last} steps; evaluate at least 1")

    def __call__(self, series: CountSeries) -> Bounds:
        counts, year = series.observed, STEPS_PER_YEAR[series.frequency]
        steps, window = counts.shape[1], self.window or WINDOW[series.frequency]
        at = np.arange(0 if self.last is None else max(steps - self.last, 0), steps, dtype=np.int64)
        bad = (counts < 0) | (counts > LARGEST_COUNT)
        sums = _Sums.of(np.where(bad, np.nan, counts))
        recent, lost = sums.between(at - window + 1, at + 1)
        cases, unknown = sums.between(at - window + 1 - self.years * year, at - window + 1)
        spoilt, _ = _Sums.of(bad.astype(np.float64)).between(at - self.years * year, at + 1)
        length = np.minimum(at - window + 1, self.years * year).clip(0) - unknown
        limit = self._limit(cases, length, window)
        quiet, unseen = sums.between(at - self.silent_years * year, at)
        silent = (quiet == 0) & (unseen == 0) & (at >= self.silent_years * year)
        x = counts[:, at]
        upper = np.where(silent, 0.0, np.maximum(limit - (recent - np.nan_to_num(x)), 0))
        reason = np.full(x.shape, "", dtype="<U24")
        reason[cases * year > self.most_cases * np.maximum(length, 1)] = "not_rare"
        reason[(lost > 0) | (at < window - 1)] = "unknown_counts"
        reason[length < self.fewest_years * year] = "insufficient_history"
        reason[spoilt > 0] = "invalid_counts"
        mean = (cases + PRIOR) * window / np.maximum(length, 1)
        return _bounds(at, x, mean, upper, recent / np.maximum(limit, 1), reason)

    def _limit(self, cases: FloatArray, length: FloatArray, window: int) -> FloatArray:
        """The largest number of cases in a window that is still ordinary."""
        from scipy.stats import nbinom

        seen = np.maximum(length, 1)
        quantile = nbinom.ppf(1 - self.alpha, cases + PRIOR, seen / (seen + window))
        limit: FloatArray = np.maximum(quantile, self.least - 1)
        return limit


@dataclass(frozen=True, slots=True)
class _Sums:
    """Running totals of known counts and of unknown steps, (S, T + 1)."""

    total: FloatArray
    unknown: FloatArray

    @classmethod
    def of(cls, counts: FloatArray) -> _Sums:
        first = np.zeros((len(counts), 1))
        known = np.nan_to_num(counts)
        return cls(
            np.hstack([first, np.cumsum(known, axis=1)]),
            np.hstack([first, np.cumsum(np.isnan(counts), axis=1)]),
        )

    def between(self, begin: NDArray[np.int64], end: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Cases and unknown steps from `begin` to before `end`, (S, E); steps before the series are none."""
        low, high = np.maximum(begin, 0), np.maximum(end, 0)
        return self.total[:, high] - self.total[:, low], self.unknown[:, high] - self.unknown[:, low]


def _bounds(
    at: NDArray[np.int64],
    x: FloatArray,
    mean: FloatArray,
    upper: FloatArray,
    score: FloatArray,
    reason: NDArray[np.str_],
) -> Bounds:
    stands = reason == ""
    return Bounds(
        evaluated=at,
        expected=np.where(stands, mean, np.nan),
        upperbound=np.where(stands, upper, np.nan),
        alarm=stands & (x > upper) & (x > 0),
        score=np.where(stands, score, np.nan),
        reason=reason,
    )
