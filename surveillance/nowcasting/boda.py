"""Outbreak detection that allows for reports still to come: Salmon M et al. (2015), Biom J 57:1051–1067.

The asymptotic variant of R `surveillance::bodaDelay` 1.20.3 with its mixture quantile: a negative binomial
regression on the same weeks of past years, by delay when `delay` is set; checked in tests/test_nowcast.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, ndtri, polygamma
from scipy.stats import nbinom

from surveillance.detection.farrington_plan import flexible_plan
from surveillance.types import Bounds, CountSeries, FloatArray

IntArray = NDArray[np.int64]
ROUNDS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class BodaDelay:
    """Settings, as R's `control`: years b, half_window w, periods noPeriods, guard pastWeeksNotIncluded,
    draws mc.munu, `least` cases in `of_steps` steps limit54."""

    delay: bool = True
    years: int = 5
    half_window: int = 3
    periods: int = 1
    guard: int | None = None
    alpha: float = 0.05
    trend: bool = True
    least: int = 5
    of_steps: int = 4
    draws: int = 100

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha is {self.alpha}; it must lie between 0 and 1")
        if min(self.years, self.half_window, self.periods, self.draws, self.of_steps) < 1:
            raise ValueError("years, half_window, periods, draws and of_steps must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """Negative binomial regression: coefficients, covariance, size and the size's standard error."""

    beta: FloatArray
    covariance: FloatArray
    size: float
    size_se: float


def boda_delay(
    series: CountSeries, triangle: FloatArray | None, evaluated: IntArray, settings: BodaDelay
) -> Bounds:
    """Bounds of one weekly series (1, T) at the `evaluated` steps.

    `triangle` (T, D+1), NaN where not reported yet, is needed with `delay`. Reasons: "insufficient_history",
    "unknown_counts", "no_fit", "limit54".
    """
    if settings.delay and triangle is None:
        raise ValueError("with delay, the reporting triangle is needed")
    guard = settings.half_window if settings.guard is None else settings.guard
    plan = flexible_plan(
        series, evaluated, years=settings.years, half_window=settings.half_window,
        periods=settings.periods, guard=0, calendar="dates",
    )  # fmt: skip
    observed = series.observed[0]
    upper = np.full(evaluated.size, np.nan)
    reason = np.full(evaluated.size, "", dtype="<U24")
    for e, step in enumerate(evaluated.tolist()):
        rows = plan.rows[plan.begin[e] : plan.begin[e + 1]]
        level = plan.level[plan.begin[e] : plan.begin[e + 1]]
        order = np.argsort(rows)
        recent = observed[max(step - settings.of_steps + 1, 0) : step + 1]
        reason[e] = _refusal(observed, rows, step, plan.state[e] != 0)
        if not reason[e]:
            bound = _bound(observed, triangle, step, rows[order], level[order], guard, settings)
            reason[e] = "no_fit" if np.isnan(bound) else "limit54" if recent.sum() < settings.least else ""
            upper[e] = bound if not reason[e] else np.nan
    counts = observed[evaluated]
    with np.errstate(invalid="ignore"):
        alarm = (counts > upper) & (counts > 0)
    nothing = np.full((1, evaluated.size), np.nan)
    return Bounds(
        evaluated=evaluated, expected=nothing, upperbound=upper[None, :], alarm=alarm[None, :],
        score=nothing.copy(), reason=reason[None, :].astype(np.str_),
    )  # fmt: skip


def _refusal(observed: FloatArray, rows: IntArray, step: int, unplanned: bool) -> str:
    if unplanned:
        return "insufficient_history"
    used = observed[np.append(rows, step)]
    return "" if (np.isfinite(used) & (used >= 0)).all() else "unknown_counts"


def _bound(
    observed: FloatArray,
    triangle: FloatArray | None,
    step: int,
    rows: IntArray,
    level: IntArray,
    guard: int,
    settings: BodaDelay,
) -> float:
    """The smallest count whose predictive probability of not being exceeded reaches 1 - alpha."""
    rows, level = np.append(rows, step), np.append(level, settings.periods)
    x = _design(rows, level, settings)
    known = max(rows.size - guard - 1, 0)
    if not settings.delay or triangle is None:
        fit = _fit(x[:known], observed[rows[:known]])
        if fit is None:
            return float("nan")
        normals = _r_normals(settings.draws, 1)
        size = fit.size + fit.size_se * normals
        # R seeds anew before it draws the mean, so size and mean move together.
        mu = np.exp(x[-1] @ fit.beta + _spread(x[-1], fit) * normals)
        return _mixture_quantile(mu[size > 0], size[size > 0], 1 - settings.alpha)
    return _bound_by_delay(triangle, step, rows, x, known, settings)


def _bound_by_delay(
    triangle: FloatArray, step: int, rows: IntArray, x: FloatArray, known: int, settings: BodaDelay
) -> float:
    width = triangle.shape[1]
    delay = np.tile(np.arange(width), rows.size)
    by_delay = np.hstack([np.repeat(x, width, axis=0), np.eye(width)[delay][:, 1:]])
    cases = triangle[rows].ravel()
    # R blanks guard * D + 1 cells counted from the end: one delay of the week before is lost with them.
    used = (np.arange(cases.size) < (known + 1) * width - 1) & ~np.isnan(cases)
    fit = _fit(by_delay[used], cases[used])
    if fit is None:
        return float("nan")
    reported = np.isnan(triangle[step])
    last = int(reported.argmax()) if reported.any() else width
    now = by_delay[-width:]
    normals = _r_normals(settings.draws * (1 + width), 1).reshape(1 + width, settings.draws)
    size, mu, used_normals = fit.size + fit.size_se * normals[0], np.zeros(settings.draws), 1
    for d in range(1, last + 1):
        # As R has it: the delay d-1 counts when delay d has any case, so the longest never does.
        if cases[used & (delay == d)].sum() != 0:
            mu = mu + np.exp(now[d - 1] @ fit.beta + _spread(now[d - 1], fit) * normals[used_normals])
            used_normals += 1
    return _mixture_quantile(mu[size > 0], size[size > 0], 1 - settings.alpha)


def _design(rows: IntArray, level: IntArray, settings: BodaDelay) -> FloatArray:
    columns = [np.ones(rows.size)]
    if settings.trend:
        columns.append((rows - rows[0]).astype(np.float64))
    columns += [(level == k).astype(np.float64) for k in range(2, settings.periods + 1)]
    return np.column_stack(columns)


def _spread(row: FloatArray, fit: _Fit) -> float:
    return float(np.sqrt(row @ fit.covariance @ row))


def _fit(x: FloatArray, y: FloatArray) -> _Fit | None:
    """Maximum likelihood of mean and size in turns; None where it does not settle."""
    if y.size <= x.shape[1] or y.sum() == 0 or np.linalg.matrix_rank(x) < x.shape[1]:
        return None
    scale = np.maximum(np.abs(x).max(axis=0), 1e-300)
    z, beta, size = x / scale, np.zeros(x.shape[1]), 1e8
    beta[0] = np.log(y.mean())
    for _ in range(ROUNDS):
        before = np.append(beta, np.log(size))
        beta = _regress(z, y, beta, size)
        mu = np.exp(np.clip(z @ beta, -30, 30))
        size = _size(y, mu, y.size / ((y / mu - 1) ** 2).sum() if size == 1e8 else size)
        if not np.isfinite(size) or size <= 0:
            return None
        if np.abs(np.append(beta, np.log(size)) - before).max() < 1e-10:
            break
    mu = np.exp(z @ beta)
    information = (z.T * (mu / (1 + mu / size))) @ z
    return _Fit(
        beta=beta / scale,
        covariance=np.linalg.inv(information) / np.outer(scale, scale),
        size=size,
        size_se=float(1 / np.sqrt(_size_derivatives(y, mu, size)[1])),
    )


def _regress(x: FloatArray, y: FloatArray, beta: FloatArray, size: float) -> FloatArray:
    for _ in range(ROUNDS):
        mu = np.exp(np.clip(x @ beta, -30, 30))
        weight = mu / (1 + mu / size)
        step = np.linalg.solve((x.T * weight) @ x, x.T @ (weight * (y - mu) / mu))
        beta = beta + np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-11:
            break
    return beta


def _size_derivatives(y: FloatArray, mu: FloatArray, size: float) -> tuple[float, float]:
    """Score and observed information of the size."""
    score = (
        digamma(size + y) - digamma(size) + np.log(size) + 1 - np.log(size + mu) - (y + size) / (mu + size)
    )
    information = (
        -polygamma(1, size + y) + polygamma(1, size) - 1 / size + 2 / (mu + size)
        - (y + size) / (mu + size) ** 2
    )  # fmt: skip
    return float(score.sum()), float(information.sum())


def _size(y: FloatArray, mu: FloatArray, size: float) -> float:
    for _ in range(ROUNDS):
        score, information = _size_derivatives(y, mu, size)
        change = score / information
        size = abs(size + change)
        if abs(change) < 1e-10 * size:
            break
    return size


def _mixture_quantile(mu: FloatArray, size: FloatArray, probability: float) -> float:
    """Smallest count with P(N ≤ count) ≥ `probability` under the equal mixture of negative binomials."""
    if mu.size == 0 or not np.isfinite(mu).all():
        return float("nan")
    chance = size / (size + mu)
    low, high = -1, int(nbinom.ppf(probability, size, chance).max())
    while high - low > 1:
        middle = (low + high) // 2
        if nbinom.cdf(middle, size, chance).mean() >= probability:
            high = middle
        else:
            low = middle
    return float(high)


def _r_normals(number: int, seed: int) -> FloatArray:
    """R's `set.seed(seed); rnorm(number)`, so that bounds equal those R gives and never change between runs.

    Mersenne Twister started by a linear congruential generator; each normal inverts 27 + 32 random bits.
    """
    state, word = np.empty(625, dtype=np.uint32), seed
    for _ in range(50):
        word = (69069 * word + 1) % 2**32
    for i in range(625):
        word = (69069 * word + 1) % 2**32
        state[i] = word
    twister = np.random.MT19937()
    twister.state = {"bit_generator": "MT19937", "state": {"key": state[1:], "pos": 624}}
    uniform = twister.random_raw(2 * number).astype(np.float64) * 2.3283064365386963e-10
    return np.asarray(ndtri((np.floor(2**27 * uniform[::2]) + uniform[1::2]) / 2**27))
