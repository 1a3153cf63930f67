"""CUSUM: sums up the small excesses of many steps over an expected mean.

Rossi, Lampugnani, Marchi 1999 (Stat Med 18:2111–2122). Numbers equal R `surveillance::cusum` 1.20.3, checked
in tests/test_cusum.py. Uses, misuses and the reference's quirks: docs/methods/cusum.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from surveillance.detection.harmonics import STEPS_PER_YEAR, fit_counts, seasonal_design
from surveillance.detection.watch import MOST_SERIES, Watch, check_levels, check_watch, levels, watch
from surveillance.types import Bounds, CountSeries, FloatArray

Transform = Literal["standard", "rossi", "anscombe", "anscombe2nd", "pearsonNegBin", "anscombeNegBin", "none"]
TRANSFORMS: tuple[Transform, ...] = (
    "standard", "rossi", "anscombe", "anscombe2nd", "pearsonNegBin", "anscombeNegBin", "none"
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Cusum:
    """CUSUM as a Detector over days, weeks or months.

    Counts are made standard normal by `transform` around a `mean`: a number, one for each step after the
    history, the mean of the history ("constant"), or its Poisson regression on one yearly wave ("seasonal"). What
    exceeds `reference` (R's k) adds up; a sum of `limit` (R's h) or more alarms. `dispersion` (variance = mean +
    dispersion·mean²) is for the two NegBin transforms. The first `training` steps are history (None: all but the
    newest year). `last` limits what is reported, not what is summed.

    `score` is the sum, `expected` the mean, `upperbound` R's: the count from which the sum alarms (for
    "anscombeNegBin" and "none", as R has it, what is left of the limit after this step). As in R the sum goes
    on after an alarm, so a step without cases may still alarm. A step not known leaves the sum as it was.

    Reasons: "insufficient_history", "invalid_counts", "unknown_counts", "no_past_cases", "no_convergence".
    Raises ValueError when a setting is outside what the method allows.
    """

    reference: float = 1.04
    limit: float = 2.26
    transform: Transform = "standard"
    mean: float | tuple[float, ...] | Literal["constant", "seasonal"] = "constant"
    dispersion: float = 0.1
    training: int | None = None
    last: int | None = None
    version: str = "1"
    name: str = "cusum"

    def __post_init__(self) -> None:
        if self.transform not in TRANSFORMS:
            raise ValueError(f"transform is {self.transform!r}; use one of {', '.join(TRANSFORMS)}")
        if self.mean not in ("constant", "seasonal"):
            check_levels(self.mean, "constant, seasonal or ")
        if self.reference < 0 or self.limit <= 0 or self.dispersion <= 0:
            raise ValueError("reference must be at least 0, limit and dispersion above 0")
        check_watch(self.training, self.last)

    def __call__(self, series: CountSeries) -> Bounds:
        fewest = STEPS_PER_YEAR[series.frequency] if self.mean == "seasonal" else 1
        found = watch(series, training=self.training, last=self.last, fewest=fewest)
        mean = self._mean(series, found)
        total, before = self._sums(found.watched, mean)
        upper = self._upper(mean, total, before)
        mean, total, upper = (found.report(part) for part in (mean, total, upper))
        lost = np.isnan(mean) & (found.reason == "")
        reason = np.where(lost, "no_convergence", found.reason)
        stands = reason == ""
        return Bounds(
            evaluated=found.evaluated,
            expected=np.where(stands, mean, np.nan),
            upperbound=np.where(stands, upper, np.nan),
            alarm=stands & (total >= self.limit),
            score=np.where(stands, total, np.nan),
            reason=reason,
        )

    def _mean(self, series: CountSeries, found: Watch) -> FloatArray:
        """Expected counts (S, watched); NaN where the regression did not settle."""
        if self.mean == "constant":
            known = np.isfinite(found.history)
            total = np.where(known, found.history, 0.0).sum(axis=1)
            centre = total / np.maximum(known.sum(axis=1), 1)
        elif self.mean == "seasonal":
            return _seasonal_mean(series, found)
        else:
            return levels(self.mean, found.watched.shape)
        return np.repeat(centre[:, None], found.watched.shape[1], axis=1)

    def _sums(self, x: FloatArray, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The sum after and before each step."""
        with np.errstate(divide="ignore", invalid="ignore"):
            excess = self._standard(x, mean) - self.reference
        excess = np.where(np.isfinite(excess), excess, 0.0)
        running = np.zeros((len(x), x.shape[1] + 1))
        for step in range(x.shape[1]):
            np.maximum(running[:, step] + excess[:, step], 0, out=running[:, step + 1])
        return running[:, 1:], running[:, :-1]

    def _standard(self, x: FloatArray, m: FloatArray) -> FloatArray:
        variance = m + self.dispersion * m**2
        match self.transform:
            case "standard":
                return (x - m) / np.sqrt(m)
            case "rossi":
                return (x - 3 * m + 2 * np.sqrt(x * m)) / (2 * np.sqrt(m))
            case "anscombe":
                return 1.5 * (x ** (2 / 3) - m ** (2 / 3)) / m ** (1 / 6)
            case "anscombe2nd":
                return (x ** (2 / 3) - (m ** (2 / 3) - m ** (-1 / 3) / 9)) / (2 / 3 * m ** (1 / 6))
            case "pearsonNegBin":
                return (x - m) / np.sqrt(variance)
            case "anscombeNegBin":
                return (self._stable(x) - self._stable(m)) / variance ** (1 / 6)
            case "none":
                return x

    def _stable(self, x: FloatArray) -> FloatArray:
        from scipy.special import hyp2f1

        scaled: FloatArray = 1.5 * x ** (2 / 3) * hyp2f1(1 / 3, 2 / 3, 5 / 3, -self.dispersion * x)
        return scaled

    def _upper(self, m: FloatArray, total: FloatArray, before: FloatArray) -> FloatArray:
        room = self.limit + self.reference - before
        with np.errstate(divide="ignore", invalid="ignore"):
            bound = self._count_at(m, room, total)
        return np.maximum(np.where(np.isnan(m), np.nan, np.nan_to_num(bound)), 0)

    def _count_at(self, m: FloatArray, room: FloatArray, total: FloatArray) -> FloatArray:
        """The count whose standardised value is `room`."""
        root = np.sqrt(m)
        match self.transform:
            case "standard":
                return np.ceil(root * room + m)
            case "rossi":
                return 2 * root * room + 5 * m - 2 * np.sqrt(4 * m**2 + 2 * m**1.5 * room)
            case "anscombe":
                return np.maximum(2 / 3 * m ** (1 / 6) * room + m ** (2 / 3), 0) ** 1.5
            case "anscombe2nd":
                # As R has it: m^(1/3) here, m^(-1/3) in the transform.
                return np.maximum(2 / 3 * m ** (1 / 6) * room + m ** (2 / 3) - m ** (1 / 3) / 9, 0) ** 1.5
            case "pearsonNegBin":
                return np.sqrt(m + self.dispersion * m**2) * room + m
            case "anscombeNegBin" | "none":
                return self.limit - total


def _seasonal_mean(series: CountSeries, found: Watch) -> FloatArray:
    steps = np.arange(series.observed.shape[1], dtype=np.int64)
    period = STEPS_PER_YEAR[series.frequency]
    design = seasonal_design(steps, period=period, harmonics=1, trend=False)
    mean = np.full_like(found.watched, np.nan)
    for first in range(0, len(mean), MOST_SERIES):
        part = slice(first, first + MOST_SERIES)
        fit = fit_counts(design[: found.begin], found.history[part], 0.0)
        with np.errstate(over="ignore"):
            forecast = np.exp(fit.coefficients @ design[found.begin :].T)
        mean[part] = np.where(fit.converged[:, None], forecast, np.nan)
    return mean
