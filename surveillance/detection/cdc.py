"""The historical-limits method of the US Centers for Disease Control: four weeks against the same months of past years.

Stroup, Williamson, Herndon, Karon 1989 (Stat Med 8:323–329); Farrington, Andrews 2003 (in Brookmeyer, Stroup, eds).
Numbers equal R `surveillance::algo.cdc` 1.20.3, checked in tests/test_cdc.py. Uses, misuses: docs/methods/cdc.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from surveillance.detection.harmonics import STEPS_PER_YEAR
from surveillance.detection.watch import LARGEST_COUNT
from surveillance.types import BoolArray, Bounds, CountSeries, FloatArray, Frequency

MONTH, YEAR = 4, STEPS_PER_YEAR[Frequency.WEEK]


@dataclass(frozen=True, kw_only=True)
class HistoricalLimits:
    """The historical-limits method as a Detector over weeks.

    The four weeks that end with the week judged are compared with the same four and the `months` (R's m) before
    and after, of each of `years` years: mean + z·SD·√(1 + 1/n), z the two-sided normal quantile of `alpha`.

    `upperbound` is what the week may hold without alarm after the three before it ("week"), or R's limit of the
    four weeks ("total"; then, as in R, a week without cases may alarm). `expected` is the mean of four weeks less
    the three before, or that mean; `score` (total-mean)/(limit-mean).

    Reasons: "insufficient_history"; "unknown_counts" (in the four weeks, or in half of the months compared; a
    month with an unknown week is left out); "invalid_counts". Raises ValueError when a setting is impossible or
    the series is not weekly.
    """

    years: int = 5
    months: int = 1
    alpha: float = 0.025
    bound: Literal["week", "total"] = "week"
    last: int | None = None
    version: str = "1"
    name: str = "historical_limits"

    def __post_init__(self) -> None:
        if not 1 <= self.years <= 60 or not 0 <= self.months <= 12:
            raise ValueError("years must lie between 1 and 60, months between 0 and 12")
        if self.years * (2 * self.months + 1) < 2:
            raise ValueError(
                "years and months leave one month to compare with; a standard deviation needs two"
            )
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha is {self.alpha}; it must lie between 0 and 1")
        if self.bound not in ("week", "total"):
            raise ValueError(f"bound is {self.bound!r}; use week or total")
        if self.last is not None and self.last < 1:
            raise ValueError(f"last is {self.last} steps; evaluate at least 1")

    def __call__(self, series: CountSeries) -> Bounds:
        if series.frequency is not Frequency.WEEK:
            raise ValueError(f"{self.name} needs weeks, not {series.frequency.value}s")
        counts = series.observed
        steps = counts.shape[1]
        at = np.arange(0 if self.last is None else max(steps - self.last, 0), steps, dtype=np.int64)
        back = self._back()
        bad = (counts < 0) | (counts > LARGEST_COUNT)
        usable = np.where(bad, np.nan, counts)
        mean, limit, lacking = self._limit(usable, at, back)
        total = _four_weeks(usable)[:, at]
        reason = np.full(total.shape, "", dtype="<U24")
        reason[np.isnan(total) | lacking] = "unknown_counts"
        reason[_touched(bad, at, np.concatenate([np.arange(MONTH), back.ravel()]))] = "invalid_counts"
        reason[:, at < back.max(initial=0)] = "insufficient_history"
        return self._bounds(at, usable[:, at], total, mean, limit, reason)

    def _back(self) -> NDArray[np.int64]:
        """How many weeks before the week judged each month's four lie, (months, 4). As in R the weeks are sorted
        before they are cut into months, which matters where the years' windows overlap (six months and more)."""
        half = self.months * MONTH
        window = np.arange(-half, half + MONTH)
        weeks = np.add.outer(np.arange(1, self.years + 1) * YEAR, window).ravel()
        return np.sort(weeks).reshape(-1, MONTH).astype(np.int64)

    def _limit(
        self, counts: FloatArray, at: NDArray[np.int64], back: NDArray[np.int64]
    ) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Mean and limit of the months compared, (S, E), and whether too many of them are unknown."""
        past = np.stack([counts[:, np.maximum(at[:, None] - month, 0)].sum(axis=2) for month in back])
        known = np.isfinite(past)
        number = known.sum(axis=0)
        mean = np.where(known, past, 0.0).sum(axis=0) / np.maximum(number, 1)
        squares = np.where(known, (past - mean) ** 2, 0.0).sum(axis=0)
        sd = np.sqrt(squares / np.maximum(number - 1, 1))
        z = NormalDist().inv_cdf(1 - self.alpha / 2)
        limit = mean + z * sd * np.sqrt(1 + 1 / np.maximum(number, 1))
        return mean, limit, number < max(2, (len(back) + 1) // 2)

    def _bounds(
        self,
        at: NDArray[np.int64],
        x: FloatArray,
        total: FloatArray,
        mean: FloatArray,
        limit: FloatArray,
        reason: NDArray[np.str_],
    ) -> Bounds:
        stands, whole = reason == "", self.bound == "total"
        before = np.zeros_like(x) if whole else total - x
        upper = np.maximum(limit - before, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            score = (total - mean) / (limit - mean)
        return Bounds(
            evaluated=at,
            expected=np.where(stands, np.maximum(mean - before, 0), np.nan),
            upperbound=np.where(stands, upper, np.nan),
            alarm=stands & ((total if whole else x) > upper),
            score=np.where(stands, score, np.nan),
            reason=reason,
        )


def _four_weeks(counts: FloatArray) -> FloatArray:
    """Cases of the four weeks that end with each, (S, T); NaN where one is unknown or lies before the series."""
    lead = np.full((len(counts), MONTH), np.nan)
    total: FloatArray = sliding_window_view(np.hstack([lead, counts]), MONTH, axis=1).sum(axis=2)
    return total[:, 1:]


def _touched(marked: BoolArray, at: NDArray[np.int64], back: NDArray[np.int64]) -> BoolArray:
    """Whether one of the steps `back` before each of `at` is marked, (S, E)."""
    index = at[:, None] - back
    return np.asarray((marked[:, np.maximum(index, 0)] & (index >= 0)).any(axis=2))
