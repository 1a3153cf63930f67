"""A daily limit that knows the season, the day of the week, Tết and the public holidays.

Quasi-Poisson regression and the negative-binomial limit of Noufaily et al. 2013 (Stat Med 32:1206–1222), with
calendar effects in place of reference weeks. Uses and misuses: docs/methods/seasonal.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.harmonics import fit_counts, seasonal_design
from surveillance.detection.holidays import holiday_columns
from surveillance.detection.watch import LARGEST_COUNT, MOST_SERIES
from surveillance.types import Bounds, CountSeries, FloatArray, Frequency

YEAR = 365.25
SUSPICIOUS = 2.58
"""Standardised residual from which a past day counts less, as in Farrington flexible."""


@dataclass(frozen=True, kw_only=True)
class SeasonalDaily:
    """The seasonal daily method as a Detector over days.

    The newest `last` days are judged against at most `years` years before them, less the newest `guard` days.
    The model: `harmonics` yearly waves, day of the week, Tết, the week after it, other holidays. Past days far
    above it weigh less and it is fitted again. `alpha` is one-sided, for each day. A history of less than
    `fewest_days` known days or `fewest_cases` cases is not judged.

    `score` is (observed-expected)/(upperbound-expected). Reasons: "insufficient_history", "too_few_cases",
    "unknown_counts", "invalid_counts", "unknown_holidays", "no_convergence". Raises ValueError when a setting
    is impossible or the series is not daily.
    """

    years: int = 5
    guard: int = 14
    harmonics: int = 2
    alpha: float = 0.005
    fewest_days: int = 365
    fewest_cases: float = 50
    last: int = 7
    version: str = "1"
    name: str = "seasonal_daily"

    def __post_init__(self) -> None:
        if not 1 <= self.years <= 20:
            raise ValueError(f"years is {self.years}; it must lie between 1 and 20")
        if self.guard < 0 or self.harmonics < 0 or self.last < 1:
            raise ValueError("guard and harmonics must be at least 0, last at least 1")
        if not 0 < self.alpha < 0.5:
            raise ValueError(f"alpha is {self.alpha}; it must lie between 0 and 0.5")
        if self.fewest_days < 60 or self.fewest_cases < 1:
            raise ValueError("fewest_days must be at least 60, fewest_cases at least 1")

    def __call__(self, series: CountSeries) -> Bounds:
        if series.frequency is not Frequency.DAY:
            raise ValueError(f"seasonal_daily needs days, not {series.frequency.value}s")
        steps = series.observed.shape[1]
        begin = max(steps - self.last, 0)
        design, known = self._design(series)
        end = max(begin - self.guard, 0)
        past = slice(max(end - round(self.years * YEAR), 0), end)
        bad = (series.observed < 0) | (series.observed > LARGEST_COUNT)
        usable = np.where(bad | ~known, np.nan, series.observed)
        days, cases = (~np.isnan(usable[:, past])).sum(axis=1), np.nansum(usable[:, past], axis=1)
        enough = (days >= self.fewest_days) & (cases >= self.fewest_cases)
        mean, dispersion = self._fit(design, usable, past, begin, np.flatnonzero(enough))
        upper = _limit(mean, dispersion, 1 - self.alpha)
        reason = np.full(mean.shape, "", dtype="<U24")
        reason[np.isnan(mean)] = "no_convergence"
        reason[cases < self.fewest_cases] = "too_few_cases"
        reason[days < self.fewest_days] = "insufficient_history"
        reason[:, ~known[begin:]] = "unknown_holidays"
        reason[np.isnan(series.observed[:, begin:])] = "unknown_counts"
        reason[bad[:, begin:] | (bad[:, past].sum(axis=1, keepdims=True) > 0)] = "invalid_counts"
        return _bounds(series, begin, mean, upper, reason)

    def _design(self, series: CountSeries) -> tuple[FloatArray, NDArray[np.bool_]]:
        """(T, p), and whether the calendar of each day is known."""
        steps = np.arange(series.observed.shape[1], dtype=np.int64)
        wave = seasonal_design(steps, period=YEAR, harmonics=self.harmonics, trend=False)
        weekday = (series.start.weekday() + steps) % 7
        weekdays = (weekday[:, None] == np.arange(1, 7)).astype(np.float64)
        holidays, known = holiday_columns(series.start, steps.size)
        return np.hstack([wave, weekdays, holidays]), known

    def _fit(
        self, design: FloatArray, counts: FloatArray, past: slice, begin: int, rows: NDArray[np.intp]
    ) -> tuple[FloatArray, FloatArray]:
        """Means (S, T - begin) and dispersions (S, 1), NaN where not fitted."""
        mean = np.full((len(counts), len(design) - begin), np.nan)
        dispersion = np.full((len(counts), 1), np.nan)
        learnt = design[past]
        used = np.any(learnt != 0, axis=0)
        for first in range(0, rows.size, MOST_SERIES):
            part = rows[first : first + MOST_SERIES]
            y = counts[part, past]
            fit = fit_counts(learnt[:, used], y, 0.0)
            doubt = _weights(y, learnt[:, used], fit.coefficients)
            fit = fit_counts(learnt[:, used], y, 0.0, weights=doubt)
            with np.errstate(over="ignore", invalid="ignore"):
                forecast = np.exp(fit.coefficients @ design[begin:, used].T)
            mean[part] = np.where(fit.converged[:, None], forecast, np.nan)
            dispersion[part] = _dispersion(y, learnt[:, used], fit.coefficients, doubt)
        return mean, dispersion


def _pearson(y: FloatArray, design: FloatArray, coefficients: FloatArray) -> FloatArray:
    with np.errstate(over="ignore", invalid="ignore"):
        mu = np.exp(coefficients @ design.T)
        residual: FloatArray = (y - mu) / np.sqrt(mu)
    return residual


def _dispersion(
    y: FloatArray, design: FloatArray, coefficients: FloatArray, weights: FloatArray
) -> FloatArray:
    """Variance over mean (S, 1), at least 1."""
    squares = np.nansum(weights * _pearson(y, design, coefficients) ** 2, axis=1, keepdims=True)
    freedom = np.maximum((~np.isnan(y)).sum(axis=1, keepdims=True) - design.shape[1], 1)
    return np.maximum(squares / freedom, 1.0)


def _weights(y: FloatArray, design: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Of each past day (S, T): 1, or less with the square of a suspicious residual; they add up to T."""
    ones = np.ones_like(y)
    scale = np.sqrt(_dispersion(y, design, coefficients, ones))
    residual = np.nan_to_num(_pearson(y, design, coefficients) / scale, posinf=0.0)
    weight = np.where(residual > SUSPICIOUS, 1 / np.maximum(residual, SUSPICIOUS) ** 2, 1.0)
    return weight * weight.shape[1] / weight.sum(axis=1, keepdims=True)


def _limit(mean: FloatArray, dispersion: FloatArray, probability: float) -> FloatArray:
    """Quantile of the negative binomial with this mean and variance dispersion·mean; Poisson when that is 1."""
    from scipy.stats import nbinom, poisson

    spread = np.broadcast_to(dispersion, mean.shape)
    upper = np.full_like(mean, np.nan)
    plain = np.isfinite(mean) & (spread <= 1)
    wide = np.isfinite(mean) & (spread > 1)
    upper[plain] = poisson.ppf(probability, mean[plain])
    upper[wide] = nbinom.ppf(probability, mean[wide] / (spread[wide] - 1), 1 / spread[wide])
    return upper


def _bounds(
    series: CountSeries, begin: int, mean: FloatArray, upper: FloatArray, reason: NDArray[np.str_]
) -> Bounds:
    stands, observed = reason == "", series.observed[:, begin:]
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (observed - mean) / (upper - mean)
    return Bounds(
        evaluated=np.arange(begin, series.observed.shape[1], dtype=np.int64),
        expected=np.where(stands, mean, np.nan),
        upperbound=np.where(stands, upper, np.nan),
        alarm=stands & (observed > upper) & (observed > 0),
        score=np.where(stands, score, np.nan),
        reason=reason,
    )
