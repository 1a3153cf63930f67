"""GLR charts: has the mean risen at some unknown time since the last alarm, by an unknown factor?

Höhle, Paul 2008 (Comput Stat Data Anal 52:4357–4368); Höhle 2006 (SFB 386 paper 500) for the epidemic chart.
Numbers equal R `surveillance` 1.20.3 (`glrpois`, `glrnb`), checked in tests/test_glr.py. Uses, misuses and the
reference's quirks: docs/methods/glr.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.harmonics import STEPS_PER_YEAR, fit_counts, seasonal_design
from surveillance.detection.watch import MOST_SERIES, Watch, check_levels, check_watch, levels, watch
from surveillance.types import Bounds, CountSeries, FloatArray

Change = Literal["intercept", "epi"]
Bound = Literal["limit", "cases", "statistic"]
LEAST_MEAN = 1e-100


@dataclass(frozen=True, kw_only=True)
class Glr:
    """A GLR chart as a Detector over days, weeks or months.

    The mean in quiet times is `mean` (a number, or one for each step after the history), or a regression of the
    history on `harmonics` yearly waves and, if `trend`, a log-linear trend; `refit` repeats it after every alarm.
    `alpha` is the overdispersion (variance = mean + alpha·mean²): 0 Poisson, None estimated. `change` "intercept"
    looks for a mean multiplied by some factor (known if log factor `theta` is given), "epi" for spread from the
    step before. The change lies at least `shortest` and at most `longest` (None: any) steps back. A statistic of
    `limit` (R's c.ARL) alarms and the chart starts anew. `direction` "dec" looks for falls.

    The first `training` steps are history (None: all but the newest year). `last` limits what is reported.
    `score` is the statistic. `upperbound` is the largest count that would not alarm ("limit"), R's least count
    that would ("cases"), or R's statistic. Steps not known are left out of the chart. `as_r` keeps two faults of
    R's: its negative-binomial search can run away from a very large jump and call it nothing, and its Poisson
    chart for falls does not see steps wholly without cases (docs).

    Reasons: "insufficient_history", "invalid_counts", "unknown_counts", "no_past_cases", "no_convergence",
    "starts_anew" (bound "limit" only: too few steps since the alarm). Raises ValueError for impossible settings.
    """

    alpha: float | None = 0.0
    limit: float = 5.0
    change: Change = "intercept"
    theta: float | None = None
    direction: Literal["inc", "dec"] = "inc"
    shortest: int = 1
    longest: int | None = None
    mean: float | tuple[float, ...] | None = None
    harmonics: int = 1
    trend: bool = False
    refit: bool = False
    bound: Bound = "limit"
    as_r: bool = False
    training: int | None = None
    last: int | None = None
    version: str = "1"

    def __post_init__(self) -> None:
        check_watch(self.training, self.last)
        if self.alpha is not None and self.alpha < 0:
            raise ValueError(f"alpha is {self.alpha}; it cannot be negative")
        if self.change not in ("intercept", "epi") or self.direction not in ("inc", "dec"):
            raise ValueError("change must be intercept or epi, direction inc or dec")
        if self.limit <= 0 or self.shortest < 1 or self.harmonics < 0:
            raise ValueError("limit must be above 0, shortest at least 1, harmonics at least 0")
        if self.longest is not None and self.longest < self.shortest:
            raise ValueError(f"longest is {self.longest} steps; it cannot be below shortest")
        if self.theta is not None and (self.theta == 0 or self.change == "epi" or self.direction == "dec"):
            raise ValueError(
                f"theta is {self.theta}; it must not be 0 (below 0: a fall), and alone says the direction"
            )
        if self.mean is not None:
            check_levels(self.mean)
            if self.alpha is None:
                raise ValueError("mean is given; alpha must be given with it")

    @property
    def name(self) -> str:
        return "glr_poisson" if self.alpha == 0 else "glr_negative_binomial"

    def __call__(self, series: CountSeries) -> Bounds:
        columns = 1 + self.trend + 2 * self.harmonics
        year = STEPS_PER_YEAR[series.frequency] if self.harmonics else 0
        fewest = 1 if self.mean is not None else max(columns + 1, year)
        found = watch(series, training=self.training, last=self.last, fewest=fewest)
        design = self._design(series)
        mean, alpha = self._mean(found.history, design, found.begin)
        shape = mean.shape
        value, cases, alarm = np.zeros(shape), np.full(shape, np.nan), np.zeros(shape)
        fitted = np.isfinite(mean).all(axis=1) & (found.evaluated.size > 0)
        for row in np.flatnonzero(fitted):
            self._run(found, design, int(row), float(alpha[row]), mean, (value, cases, alarm))
        return self._bounds(found, mean, value, cases, alarm)

    def _design(self, series: CountSeries) -> FloatArray:
        steps = np.arange(series.observed.shape[1], dtype=np.int64)
        period = STEPS_PER_YEAR[series.frequency]
        return seasonal_design(steps, period=period, harmonics=self.harmonics, trend=self.trend)

    def _mean(self, history: FloatArray, design: FloatArray, begin: int) -> tuple[FloatArray, FloatArray]:
        """Means (S, T - begin) in quiet times and overdispersions (S,), NaN where the fit did not settle."""
        count, watched = len(history), design[begin:]
        if self.mean is not None:
            return levels(self.mean, (count, len(watched))), np.full(count, self.alpha)
        mean, alpha = np.full((count, len(watched)), np.nan), np.zeros(count)
        for first in range(0, count, MOST_SERIES):
            part = slice(first, first + MOST_SERIES)
            fit = fit_counts(design[:begin], history[part], self.alpha)
            with np.errstate(over="ignore", invalid="ignore"):
                forecast = np.maximum(np.exp(fit.coefficients @ watched.T), LEAST_MEAN)
            mean[part] = np.where(fit.converged[:, None], forecast, np.nan)
            alpha[part] = fit.alpha
        return mean, alpha

    def _run(
        self,
        found: Watch,
        design: FloatArray,
        row: int,
        alpha: float,
        mean: FloatArray,
        out: tuple[FloatArray, FloatArray, FloatArray],
    ) -> None:
        """Fill `out` (and, when refitting, `mean`) for one series, alarm by alarm if the mean is fitted again."""
        from surveillance.detection.glr_kernel import follow

        at = np.flatnonzero(np.isfinite(found.watched[row]))
        x, carried, begin = found.watched[row, at], 0.0, 0
        wanted = found.begin if found.outside else found.evaluated[0]
        while begin < x.size:
            steps = at[begin:]
            parts = [np.zeros(steps.size) for _ in out]
            late = self.bound == "statistic"
            first = steps.size if late else int(np.searchsorted(steps + found.begin, wanted))
            follow(x[begin:].copy(), mean[row, steps], alpha, self._chart(), carried, first, *parts)
            length = self._length(parts[2])
            for whole, part in zip(out, parts, strict=True):
                whole[row, steps[:length]] = part[:length]
            begin += length
            carried = float(x[begin - 1])
            if begin < x.size:
                self._refit(found, design, row, alpha, mean, int(steps[length - 1]) + 1)

    def _length(self, alarm: FloatArray) -> int:
        """Steps that stand: up to the first alarm when the mean is then fitted again."""
        again = self.refit and self.mean is None and alarm.any()
        return int(np.argmax(alarm)) + 1 if again else alarm.size

    def _refit(
        self, found: Watch, design: FloatArray, row: int, alpha: float, mean: FloatArray, step: int
    ) -> None:
        begin = found.begin + step
        history = np.concatenate([found.history[row], found.watched[row, :step]])[None]
        fresh, _ = replace(self, alpha=alpha)._mean(history, design, begin)
        if np.isfinite(fresh).all():
            mean[row, step:] = fresh[0]

    def _chart(self) -> tuple[object, ...]:
        from surveillance.detection.glr_kernel import EPIDEMIC, FIXED, SHIFT, Chart

        kind = EPIDEMIC if self.change == "epi" else SHIFT if self.theta is None else FIXED
        return Chart(
            kind=kind,
            direction=1.0 if self.direction == "inc" else -1.0,
            shortest=self.shortest,
            longest=-1 if self.longest is None else self.longest,
            limit=float(self.limit),
            theta=float(self.theta or 0.0),
            retry=not self.as_r,
        )

    def _bounds(
        self, found: Watch, mean: FloatArray, value: FloatArray, cases: FloatArray, alarm: FloatArray
    ) -> Bounds:
        upper = {"limit": self._largest_quiet(cases), "cases": np.nan_to_num(cases), "statistic": value}
        mean, value, bound, alarm = (found.report(part) for part in (mean, value, upper[self.bound], alarm))
        reason = self._reason(found, mean, bound)
        stands = reason == ""
        return Bounds(
            evaluated=found.evaluated,
            expected=np.where(stands, mean, np.nan),
            upperbound=np.where(stands, bound, np.nan),
            alarm=stands & (alarm == 1),
            score=np.where(stands, value, np.nan),
            reason=reason,
        )

    def _largest_quiet(self, cases: FloatArray) -> FloatArray:
        """From a known shift the sum must exceed the limit, so the count that reaches it is still quiet."""
        return cases if self.theta is not None else cases - 1

    def _reason(self, found: Watch, mean: FloatArray, bound: FloatArray) -> NDArray[np.str_]:
        reason = np.where(np.isnan(mean) & (found.reason == ""), "no_convergence", found.reason)
        return np.where(np.isnan(bound) & (reason == ""), "starts_anew", reason)
