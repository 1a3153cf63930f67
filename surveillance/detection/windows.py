"""Two simple limits from a few reference windows: Bayes and that of the Robert Koch Institute (RKI).

Riebler 2004; Höhle 2007 (Comput Stat 22:571–582). Numbers equal R `surveillance` 1.20.3 (`bayes`, `rki`), checked in
tests/test_windows.py. Uses and misuses: docs/methods/windows.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.harmonics import STEPS_PER_YEAR
from surveillance.detection.watch import LARGEST_COUNT
from surveillance.types import Bounds, CountSeries, FloatArray

POISSON_UPPER = np.array(
    [3.285, 5.323, 6.686, 8.102, 9.598, 11.177, 12.817, 13.765, 14.921, 16.768, 17.633, 19.050, 20.335, 21.364,
     22.945, 23.762, 25.400, 26.306, 27.735, 28.966, 30.017]
)  # fmt: skip
"""Upper 95 % confidence limit of a Poisson mean for 0 to 20 cases, as in R's `surveillance:::CIdata`."""


@dataclass(frozen=True, kw_only=True)
class ReferenceWindows:
    """Bayes or RKI as a Detector over days, weeks or months.

    Reference steps: with `this_year` the `half_window` steps just before the one judged, and `half_window` steps
    either side of it in each of `years` years before. "bayes": the 1-`alpha` predictive quantile of a Poisson
    count given theirs. "rki": their mean + 2 SD, or up to a mean of 20 the upper Poisson confidence limit.
    `last` limits the work to the newest steps.

    `expected` is the reference mean, `score` (observed-expected)/(upperbound-expected). Reasons:
    "insufficient_history" (also one known step alone, where rki needs an SD), "unknown_counts" (the step, or all
    its reference steps), "invalid_counts". Raises ValueError when a setting is impossible.
    """

    method: Literal["bayes", "rki"] = "bayes"
    years: int = 0
    half_window: int = 6
    this_year: bool = True
    alpha: float = 0.05
    last: int | None = None
    version: str = "1"

    def __post_init__(self) -> None:
        if self.method not in ("bayes", "rki"):
            raise ValueError(f"method is {self.method!r}; use bayes or rki")
        if self.years < 0 or self.half_window < 1 or not (self.years or self.this_year):
            raise ValueError("years must be at least 0 (1 without this_year), half_window at least 1")
        if not 0 < self.alpha < 0.5:
            raise ValueError(f"alpha is {self.alpha}; it must lie between 0 and 0.5")
        if self.last is not None and self.last < 1:
            raise ValueError(f"last is {self.last} steps; evaluate at least 1")

    @property
    def name(self) -> str:
        return self.method

    def __call__(self, series: CountSeries) -> Bounds:
        steps = series.observed.shape[1]
        at = np.arange(0 if self.last is None else max(steps - self.last, 0), steps, dtype=np.int64)
        back = self._back(STEPS_PER_YEAR[series.frequency])
        bad = (series.observed < 0) | (series.observed > LARGEST_COUNT)
        spoilt, known, mean, sd = _moments(series.observed, bad, at, back)
        upper = self._upper(known, mean, sd)
        x = series.observed[:, at]
        reason = np.full(x.shape, "", dtype="<U24")
        reason[np.isnan(upper)] = "insufficient_history"
        reason[np.isnan(x) | (known == 0)] = "unknown_counts"
        reason[spoilt | bad[:, at]] = "invalid_counts"
        reason[:, at < back.max()] = "insufficient_history"
        stands = reason == ""
        with np.errstate(divide="ignore", invalid="ignore"):
            score = (x - mean) / (upper - mean)
        return Bounds(
            evaluated=at,
            expected=np.where(stands, mean, np.nan),
            upperbound=np.where(stands, upper, np.nan),
            alarm=stands & (x > upper) & (x > 0),
            score=np.where(stands, score, np.nan),
            reason=reason,
        )

    def _back(self, year: int) -> NDArray[np.int64]:
        """How many steps back the reference steps lie."""
        width = self.half_window
        near = [np.arange(1, width + 1)] if self.this_year else []
        far = [np.arange(k * year - width, k * year + width + 1) for k in range(1, self.years + 1)]
        return np.concatenate([*near, *far]).astype(np.int64)

    def _upper(self, known: FloatArray, mean: FloatArray, sd: FloatArray) -> FloatArray:
        from scipy.stats import nbinom

        if self.method == "bayes":
            size = np.maximum(known, 1)
            quantile: FloatArray = nbinom.ppf(1 - self.alpha, mean * known + 0.5, size / (size + 1))
            return quantile
        few = np.clip(np.nan_to_num(mean), 0, POISSON_UPPER.size - 1).astype(np.int64)
        wide = np.where(known < 2, np.nan, mean + 2 * sd)
        return np.where(mean > POISSON_UPPER.size - 1, wide, POISSON_UPPER[few])


def _moments(
    counts: FloatArray, bad: NDArray[np.bool_], at: NDArray[np.int64], back: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], FloatArray, FloatArray, FloatArray]:
    """Of the reference steps, each (S, E): whether one is impossible, how many are known, their mean and SD."""
    usable = np.where(bad, np.nan, counts)
    shape = (len(counts), at.size)
    spoilt, known, total, squares = (
        np.zeros(shape, np.bool_),
        np.zeros(shape),
        np.zeros(shape),
        np.zeros(shape),
    )
    for steps in back:
        index = np.maximum(at - steps, 0)
        spoilt |= bad[:, index]
        known += ~np.isnan(usable[:, index])
        total += np.nan_to_num(usable[:, index])
    mean = total / np.maximum(known, 1)
    for steps in back:
        squares += np.nan_to_num(usable[:, np.maximum(at - steps, 0)] - mean) ** 2
    return spoilt, known, mean, np.sqrt(squares / np.maximum(known - 1, 1))
