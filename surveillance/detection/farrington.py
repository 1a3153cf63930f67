"""Farrington (1996) and Farrington flexible (Noufaily 2013): this week against the same weeks of past years.

Farrington, Andrews, Beale, Catchpole 1996 (J R Stat Soc A 159:547–563); Noufaily et al. 2013 (Stat Med
32:1206–1222). Numbers equal R `surveillance` 1.20.3 (`farrington`, `farringtonFlexible`), checked in
tests/test_farrington.py. Uses, misuses and the reference's quirks: docs/methods/farrington.md.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.farrington_plan import Calendar, Plan, classic_plan, flexible_plan
from surveillance.detection.farrington_rules import Rules, workspace
from surveillance.types import Bounds, CountSeries, FloatArray

Power = Literal["2/3", "1/2", "none"]
Threshold = Literal["delta", "nbPlugin", "muan"]

EXPONENT: dict[Power, float] = {"2/3": 2 / 3, "1/2": 1 / 2, "none": 1.0}
THRESHOLDS: tuple[Threshold, ...] = ("delta", "nbPlugin", "muan")
CLASSIC_TREND_P, CLASSIC_WEIGHTS_THRESHOLD = 0.05, 1.0
CODES = (
    "",
    "insufficient_history",
    "too_many_periods",
    "unknown_counts",
    "invalid_counts",
    "unknown_population",
    "no_convergence",
    "no_past_cases",
    "too_few_cases",
)
"""Reason codes by the kernel's numbers, OK to TOO_FEW."""
SERIES_PER_THREAD = 16


@dataclass(frozen=True, kw_only=True)
class FarringtonFlexible:
    """Farrington flexible as a Detector over days, weeks or months.

    The baseline is `half_window` steps either side of the same step in each of `years` years before; with
    `periods` > 1 also all steps between, as a seasonal factor, less the newest `guard` (None: `half_window`).
    `trend` adds a log-linear trend, kept if its p-value is below `trend_p`, there are three years, and it does
    not extrapolate above the largest baseline count. `reweight` down-weighs baseline steps whose Anscombe
    residual exceeds `weights_threshold`. `alpha` is one-sided. `power` is used by the "delta" threshold only.
    Fewer than `min_cases` in the last `min_cases_steps` steps: no alarm. `population_offset` models rates.
    `calendar` finds reference steps by date, or by counting 52 weeks (365 days, 12 months) to a year.
    `last` limits the work to the newest steps.

    `score` is (observed-expected)/(upperbound-expected), for the negative-binomial thresholds with
    log(expected) as in R; above 1 is an alarm.

    Reasons: see CODES. Raises ValueError when a setting is outside what the method allows.
    """

    years: int = 5
    half_window: int = 3
    periods: int = 1
    guard: int | None = None
    trend: bool = True
    trend_p: float = 0.05
    reweight: bool = True
    weights_threshold: float = 2.58
    alpha: float = 0.05
    threshold: Threshold = "delta"
    power: Power = "2/3"
    min_cases: float = 5
    min_cases_steps: int = 4
    population_offset: bool = False
    calendar: Calendar = "dates"
    last: int | None = None
    version: str = "1"
    name: str = "farrington_flexible"

    def __post_init__(self) -> None:
        _check_common(self)
        if self.periods < 1:
            raise ValueError(f"periods is {self.periods}; a year has at least 1")
        if self.guard is not None and self.guard < 0:
            raise ValueError(f"guard is {self.guard} steps; it cannot be negative")
        if self.threshold not in THRESHOLDS:
            raise ValueError(f"threshold is {self.threshold!r}; use one of {', '.join(THRESHOLDS)}")

    def __call__(self, series: CountSeries) -> Bounds:
        plan = flexible_plan(
            series,
            _evaluated(series, self.last),
            years=self.years,
            half_window=self.half_window,
            periods=self.periods,
            guard=self.half_window if self.guard is None else self.guard,
            calendar=self.calendar,
        )
        return _bounds(series, plan, self._rules(plan), self.population_offset)

    def _rules(self, plan: Plan) -> Rules:
        return Rules(
            classic=False,
            years=self.years,
            trend=self.trend,
            reweight=self.reweight,
            offset=self.population_offset,
            threshold=float(self.weights_threshold),
            critical=_critical(plan, self.trend_p),
            method=THRESHOLDS.index(self.threshold),
            exponent=EXPONENT[self.power],
            probability=1 - self.alpha,
            z=NormalDist().inv_cdf(1 - self.alpha),
            min_cases=float(self.min_cases),
            min_steps=self.min_cases_steps,
        )


@dataclass(frozen=True, kw_only=True)
class Farrington:
    """The classic method as a Detector: R's `farrington`. Fields as in FarringtonFlexible.

    `alpha` is two-sided, a trend needs p < 0.05, residuals above 1 are down-weighed, and the steps just before
    the one judged are never baseline. A baseline that begins before the series does is used in part.
    """

    years: int = 5
    half_window: int = 3
    trend: bool = True
    reweight: bool = True
    alpha: float = 0.05
    power: Power = "2/3"
    min_cases: float = 5
    min_cases_steps: int = 4
    population_offset: bool = False
    calendar: Calendar = "dates"
    last: int | None = None
    version: str = "1"
    name: str = "farrington_classic"

    def __post_init__(self) -> None:
        _check_common(self)

    def __call__(self, series: CountSeries) -> Bounds:
        plan = classic_plan(
            series,
            _evaluated(series, self.last),
            years=self.years,
            half_window=self.half_window,
            calendar=self.calendar,
        )
        return _bounds(series, plan, self._rules(plan), self.population_offset)

    def _rules(self, plan: Plan) -> Rules:
        return Rules(
            classic=True,
            years=self.years,
            trend=self.trend,
            reweight=self.reweight,
            offset=self.population_offset,
            threshold=CLASSIC_WEIGHTS_THRESHOLD,
            critical=_critical(plan, CLASSIC_TREND_P),
            method=THRESHOLDS.index("delta"),
            exponent=EXPONENT[self.power],
            probability=1 - self.alpha / 2,
            z=NormalDist().inv_cdf(1 - self.alpha / 2),
            min_cases=float(self.min_cases),
            min_steps=self.min_cases_steps,
        )


def _check_common(settings: Farrington | FarringtonFlexible) -> None:
    if not 1 <= settings.years <= 60:
        raise ValueError(f"years is {settings.years}; it must lie between 1 and 60")
    if settings.half_window < 0:
        raise ValueError(f"half_window is {settings.half_window} steps; it cannot be negative")
    if not 0 < settings.alpha < 0.5:
        raise ValueError(f"alpha is {settings.alpha}; it must lie between 0 and 0.5")
    if settings.power not in EXPONENT:
        raise ValueError(f"power is {settings.power!r}; use one of {', '.join(EXPONENT)}")
    if settings.min_cases < 0 or settings.min_cases_steps < 1:
        raise ValueError("min_cases must be at least 0 and min_cases_steps at least 1")
    if settings.last is not None and settings.last < 1:
        raise ValueError(f"last is {settings.last} steps; evaluate at least 1")


def _evaluated(series: CountSeries, last: int | None) -> NDArray[np.int64]:
    steps = series.observed.shape[1]
    return np.arange(0 if last is None else max(steps - last, 0), steps, dtype=np.int64)


def _critical(plan: Plan, p: float) -> FloatArray:
    """Least |t| whose two-sided p-value is below `p`, by degrees of freedom 0, 1, …"""
    from scipy.special import stdtrit

    df = np.arange(1, int(np.diff(plan.begin).max(initial=0)) + 1, dtype=np.float64)
    if p > 1:
        return np.full(df.size + 1, -1.0)
    return np.concatenate([[np.inf], -stdtrit(df, p / 2)])


def _bounds(series: CountSeries, plan: Plan, rules: Rules, offset: bool) -> Bounds:
    from surveillance.detection.farrington_kernel import HUGE, TOO_FEW

    log_population = _log_population(series, offset)
    code, found = _run(np.ascontiguousarray(series.observed, dtype=np.float64), log_population, plan, rules)
    expected, centre, dispersion, upper = found
    huge = (code == HUGE) | ((code == TOO_FEW) & np.isnan(upper) & np.isfinite(centre))
    upper[huge] = _large_quantile(centre[huge], dispersion[huge], rules)
    code[code == HUGE] = 0
    observed = series.observed[:, plan.evaluated]
    with np.errstate(divide="ignore", invalid="ignore"):
        base = np.log(expected) if rules.method else expected
        score = (observed - base) / (upper - base)
    stands = code == 0
    return Bounds(
        evaluated=plan.evaluated,
        expected=np.where(stands, expected, np.nan),
        upperbound=np.where(stands, upper, np.nan),
        alarm=stands & (score > 1) & (observed > 0),
        score=score,
        reason=np.array(CODES)[code],
    )


def _log_population(series: CountSeries, offset: bool) -> FloatArray:
    """log persons, NaN where the population is unknown or not positive."""
    if series.population is None or not offset:
        return np.full(series.observed.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.asarray(series.population, dtype=np.float64))
    return np.where(np.isfinite(logs), logs, np.nan)


def _run(
    observed: FloatArray, log_population: FloatArray, plan: Plan, rules: Rules
) -> tuple[NDArray[np.int64], FloatArray]:
    """The kernel over blocks of series, one block a thread."""
    from surveillance.detection.farrington_kernel import evaluate

    shape = (observed.shape[0], plan.evaluated.size)
    code, found = np.zeros(shape, dtype=np.int64), np.full((*shape, 4), np.nan)
    threads = max(1, min(os.cpu_count() or 1, shape[0] // SERIES_PER_THREAD))
    edges = np.linspace(0, shape[0], 4 * threads + 1 if threads > 1 else 2).astype(int).tolist()

    def work(first: int, end: int) -> None:
        evaluate(
            observed[first:end], log_population[first:end], plan.time, plan.evaluated, plan.rows, plan.begin,
            plan.level, plan.year, plan.state, rules, workspace(plan), code[first:end], found[first:end],
        )  # fmt: skip

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))
    return code, np.moveaxis(found, -1, 0)


def _large_quantile(mean: FloatArray, dispersion: FloatArray, rules: Rules) -> FloatArray:
    """Negative-binomial quantiles of means too large for the kernel's sums, by the shifted gamma distribution with
    the same first three moments; its kurtosis differs by half of 1/variance, here below 1e-8.
    """
    from scipy.special import gammaincinv

    deviation = np.sqrt(mean) * np.sqrt(dispersion)
    skewness = (2 * dispersion - 1) / deviation
    shape = 4 / skewness**2
    by_gamma = (gammaincinv(np.minimum(shape, 1e12), rules.probability) - shape) / np.sqrt(shape)
    by_normal = rules.z + skewness * (rules.z**2 - 1) / 6
    standard = np.where(shape > 1e12, by_normal, by_gamma)
    return np.maximum(np.ceil(mean + deviation * standard - 0.5), 0)
