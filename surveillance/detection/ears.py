"""EARS C1, C2 and C3: moving-window limits for short daily histories.

Hutwagner et al. 2003 (J Urban Health 80, suppl. 1); Fricker, Hegler, Dunfee 2008 (Stat Med 27). Numbers
equal R `surveillance::earsC` 1.20.3, checked in tests/test_ears.py. Uses and misuses: docs/methods/ears.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.watch import LARGEST_COUNT
from surveillance.types import Bounds, CountSeries, FloatArray

Method = Literal["C1", "C2", "C3"]
DEFAULT_ALPHA: dict[Method, float] = {"C1": 0.001, "C2": 0.001, "C3": 0.025}
GUARD_STEPS: dict[Method, int] = {"C1": 0, "C2": 2, "C3": 2}


@dataclass(frozen=True, kw_only=True)
class Ears:
    """EARS as a Detector over counts of any frequency.

    `baseline` steps end `GUARD_STEPS` before the step judged. `alpha` None takes the method's own default.
    `min_sigma` is a floor for the standard deviation. `last` limits the work to the newest steps.

    Reasons: "insufficient_history"; "invalid_counts" (the step's own); "unknown_counts" (in the window or the step
    itself; a count that cannot be, such as -1, is not known); "no_variation" (C3 only: a score of the two steps
    before is 0/0).

    Raises ValueError when a setting is outside what the method allows.
    """

    method: Method = "C2"
    alpha: float | None = None
    baseline: int = 7
    min_sigma: float = 0.0
    last: int | None = None
    version: str = "1"

    def __post_init__(self) -> None:
        if self.method not in DEFAULT_ALPHA:
            raise ValueError(f"method is {self.method!r}; use one of {', '.join(DEFAULT_ALPHA)}")
        if self.alpha is not None and not 0 < self.alpha < 1:
            raise ValueError(f"alpha is {self.alpha}; it must lie between 0 and 1")
        if self.baseline < 3:
            raise ValueError(f"baseline is {self.baseline} steps; a standard deviation needs at least 3")
        if self.min_sigma < 0:
            raise ValueError(f"min_sigma is {self.min_sigma}; it cannot be negative")
        if self.last is not None and self.last < 1:
            raise ValueError(f"last is {self.last} steps; evaluate at least 1")

    @property
    def name(self) -> str:
        return f"ears_{self.method.lower()}"

    @property
    def first(self) -> int:
        """Index of the first step with enough history."""
        return self.baseline + GUARD_STEPS[self.method] + (2 if self.method == "C3" else 0)

    def __call__(self, series: CountSeries) -> Bounds:
        steps = series.observed.shape[1]
        begin = 0 if self.last is None else max(steps - self.last, 0)
        pad = max(begin - self.first, 0)
        counts = series.observed[:, pad:]
        x = np.where((counts < 0) | (counts > LARGEST_COUNT), np.nan, counts)
        mean, sd = self._window(x)
        upper, score = self._limit(x, mean, sd)
        reason = self._reason(x, mean, upper)
        reason[np.isnan(x) & ~np.isnan(counts)] = "invalid_counts"
        stands = reason == ""
        cut = begin - pad
        return Bounds(
            evaluated=np.arange(begin, steps, dtype=np.int64),
            expected=np.where(stands, mean, np.nan)[:, cut:],
            upperbound=np.where(stands, upper, np.nan)[:, cut:],
            alarm=(stands & (x > upper) & (x > 0))[:, cut:],
            score=np.where(stands, score, np.nan)[:, cut:],
            reason=reason[:, cut:],
        )

    def _window(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and floored sample SD of the baseline before each step; NaN where there is no such window."""
        mean, sd = np.full_like(x, np.nan), np.full_like(x, np.nan)
        offset = self.baseline + GUARD_STEPS[self.method]
        length = x.shape[1] - offset
        if length <= 0:
            return mean, sd
        lagged = [x[:, k : k + length] for k in range(self.baseline)]
        centre = sum(lagged) / self.baseline
        variance = sum((part - centre) ** 2 for part in lagged) / (self.baseline - 1)
        mean[:, offset:] = centre
        sd[:, offset:] = np.maximum(np.sqrt(variance), self.min_sigma)
        return mean, sd

    def _limit(self, x: FloatArray, mean: FloatArray, sd: FloatArray) -> tuple[FloatArray, FloatArray]:
        alpha = DEFAULT_ALPHA[self.method] if self.alpha is None else self.alpha
        z = NormalDist().inv_cdf(1 - alpha)
        with np.errstate(divide="ignore", invalid="ignore"):
            score = (x - mean) / sd
            if self.method != "C3":
                return mean + z * sd, score
            excess = np.maximum(score - 1, 0)
            past = np.full_like(x, np.nan)
            past[:, 2:] = excess[:, 1:-1] + excess[:, :-2]
            # As R has it: the limit starts from the step's own count, so only the two steps before decide.
            return np.maximum(x + sd * (z - past), 0), past

    def _reason(self, x: FloatArray, mean: FloatArray, upper: FloatArray) -> NDArray[np.str_]:
        blind = np.isnan(x) | np.isnan(mean)
        unknown = blind.copy()
        if self.method == "C3":
            unknown[:, 1:] |= blind[:, :-1]
            unknown[:, 2:] |= blind[:, :-2]
        early = np.broadcast_to(np.arange(x.shape[1]) < self.first, x.shape)
        return np.select(
            [early, unknown, np.isnan(upper)],
            ["insufficient_history", "unknown_counts", "no_variation"],
            default="",
        ).astype("<U24")
