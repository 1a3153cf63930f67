"""How late reports come, learnt for a whole city with its weekdays and holidays, and shrunk for each area.

A binomial regression of the reverse-time hazard g(d, t) = P(delay = d | delay ≤ d, event on t):
logit g = a_d + weekday of the report + holiday or day after + shock of the report day + shift of the area. Shocks and
shifts are random effects; their spread is estimated (empirical Bayes), so an area with few reports gets the
city's delays and one with many its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from surveillance.types import FloatArray

IntArray = NDArray[np.int64]
EFFECTS = 2 * (7 + 2)
"""Seven weekdays, a holiday and the day after one; for reports of the next day apart, since they hold none of
an earlier backlog."""
EFFECT_SD = 1.5
"""Prior SD of weekday and holiday effects, logits: a silent Sunday is allowed, an infinite effect is not."""
LEVEL_MEAN, LEVEL_SD, LEVEL_STEP = -3.0, 3.0, 1.0
"""Prior of a_d: where it lies, and the SD of its change from one delay to the next, so that few reports of
each delay add up."""
BLOCKS = (1, 3, 7)
"""First delay of each stretch in which an area may differ from the city: first days, rest of the week, later."""
HALF_LIFE = 28.0
"""Days after which a report counts half for what is special about its area: that changes too."""
ROUNDS = 12
LARGEST_LOGIT = 30.0
"""A hazard this near 1 is 1; the product of odds over all delays stays a number."""
MIN_AREAS = 5
"""Fewer areas cannot tell how much areas differ; they keep the common delays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """`weekday` (T+D,) 0..6 and `holiday` (T+D,) of every report day, those still to come included."""

    weekday: IntArray
    holiday: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayModel:
    """`coefficient` (P,), the newest week's drift last, with `covariance` (P, P); SDs of a report day's shock and
    of a week's change in drift; area `shift` and `shift_sd` (S, B)."""

    max_delay: int
    coefficient: FloatArray
    covariance: FloatArray
    shock_sd: float
    drift_sd: float
    shift: FloatArray
    shift_sd: FloatArray


def design(delay: IntArray, day: IntArray, calendar: Calendar, max_delay: int) -> FloatArray:
    """Regressors (cells, D + EFFECTS) of delays 1..D reported on `day`."""
    x = np.zeros((delay.size, max_delay + EFFECTS))
    cell = np.arange(delay.size)
    x[cell, delay - 1] = 1.0
    first = max_delay + np.where(delay == 1, 0, EFFECTS // 2)
    x[cell, first + calendar.weekday[day]] = 1.0
    x[cell, first + 7] = calendar.holiday[day]
    x[cell, first + 8] = calendar.holiday[day - 1] & ~calendar.holiday[day]
    return x


def fit_delays(counts: FloatArray, calendar: Calendar, history: int) -> DelayModel:
    """`counts` (S, T, D+1), NaN where not due yet; learns from the last `history` event steps."""
    _, steps, width = counts.shape
    step, delay = np.nonzero(np.add.outer(np.arange(steps), np.arange(width)) < steps)
    used = (delay > 0) & (step >= steps - history)
    step, delay = step[used], delay[used]
    upto = np.cumsum(np.nan_to_num(counts), axis=2)
    n, at_most = np.nan_to_num(counts)[:, step, delay], upto[:, step, delay]
    x = design(delay, step + delay, calendar, width - 1)
    city = _city(x, n.sum(axis=0), at_most.sum(axis=0), step + delay)
    block = np.searchsorted(BLOCKS, delay, side="right") - 1
    weight = 0.5 ** ((steps - 1 - step - delay) / HALF_LIFE)
    shift, shift_sd = _areas(n * weight, at_most * weight, city.logit, block)
    return DelayModel(
        max_delay=width - 1,
        coefficient=city.coefficient,
        covariance=city.covariance,
        shock_sd=city.shock_sd,
        drift_sd=city.drift_sd,
        shift=shift,
        shift_sd=shift_sd,
    )


def draw_shares(
    model: DelayModel, calendar: Calendar, *, steps: int, number: int, rng: np.random.Generator
) -> FloatArray:
    """Share already reported of the newest D event steps, draws (number, S, D), oldest step first."""
    width = model.max_delay
    beta = rng.multivariate_normal(model.coefficient, model.covariance, size=number, method="cholesky")
    shift = model.shift + model.shift_sd * rng.standard_normal((number, *model.shift.shape))
    shock = model.shock_sd * rng.standard_normal((number, width))
    weeks_ahead = np.arange(1, width + 1) / 7
    shock = shock + model.drift_sd * rng.standard_normal((number, 1)) * np.sqrt(weeks_ahead)
    share = np.empty((number, model.shift.shape[0], width))
    for age in range(width):
        delay = np.arange(age + 1, width + 1)
        day = steps - 1 - age + delay
        x = np.column_stack([design(delay, day, calendar, width), np.ones(delay.size)])
        common = beta @ x.T + shock[:, day - steps]
        block = np.searchsorted(BLOCKS, delay, side="right") - 1
        odds = np.exp(np.minimum(common[:, None, :] + shift[:, :, block], LARGEST_LOGIT))
        share[:, :, width - 1 - age] = 1 / np.prod(1 + odds, axis=2)
    return share


@dataclass(frozen=True, slots=True, kw_only=True)
class _City:
    """As in DelayModel; `logit` (cells,) is the fitted hazard of each cell."""

    coefficient: FloatArray
    covariance: FloatArray
    logit: FloatArray
    shock_sd: float
    drift_sd: float


def _city(x: FloatArray, n: FloatArray, at_most: FloatArray, day: IntArray) -> _City:
    """One penalised regression of n out of at_most; the spreads of drift and shocks by EM."""
    fixed, days = x.shape[1], int(day.max(initial=0)) + 1
    week = (days - 1 - day) // 7
    weeks = int(week.max(initial=0)) + 1
    common = np.hstack([x, np.eye(weeks)[week]])
    mean = np.zeros(common.shape[1])
    mean[: fixed - EFFECTS] = LEVEL_MEAN
    beta, shock, shock_sd, drift_sd = mean.copy(), np.zeros(days), 0.3, 0.2
    seen = np.bincount(day, at_most, minlength=days) > 0
    change = np.diff(np.eye(weeks), axis=0)
    for _ in range(ROUNDS):
        share = expit(common @ beta + shock[day])
        weight, residual = at_most * share * (1 - share), n - at_most * share
        prior, prior_shock = _precision(fixed - EFFECTS, weeks, drift_sd), max(shock_sd, 1e-3) ** -2
        information = _Information.of(common, weight, day, prior, np.full(days, prior_shock))
        step, step_shock = information.solve(
            common.T @ residual - prior @ (beta - mean),
            np.bincount(day, residual, minlength=days) - prior_shock * shock,
        )
        beta, shock = beta + np.clip(step, -2.0, 2.0), shock + np.clip(step_shock, -2.0, 2.0)
        shock_sd = _root_mean(shock**2 + information.variance_by_day, seen)
        spread = np.diag(change @ information.covariance[fixed:, fixed:] @ change.T)
        drift_sd = _root_mean((change @ beta[fixed:]) ** 2 + spread, np.ones(weeks - 1, dtype=np.bool_))
    return _City(
        coefficient=beta[: fixed + 1],
        covariance=information.covariance[: fixed + 1, : fixed + 1],
        logit=common @ beta + shock[day],
        shock_sd=shock_sd,
        drift_sd=drift_sd,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Information:
    """Fisher information of P common coefficients and one shock a day. A cell has one day's shock only, so that
    block is diagonal, `own` (days,), and is eliminated; `ratio` (P, days) is what is shared over `own`, and
    `covariance` (P, P) that of the common coefficients."""

    own: FloatArray
    ratio: FloatArray
    covariance: FloatArray

    @classmethod
    def of(
        cls,
        common: FloatArray,
        weight: FloatArray,
        day: IntArray,
        prior: FloatArray,
        prior_by_day: FloatArray,
    ) -> _Information:
        weighted = common * weight[:, None]
        own = np.bincount(day, weight, minlength=prior_by_day.size) + prior_by_day
        shared = np.zeros((own.size, common.shape[1]))
        np.add.at(shared, day, weighted)
        ratio = shared.T / own
        covariance = np.asarray(np.linalg.inv(weighted.T @ common + prior - ratio @ shared), np.float64)
        return cls(own=own, ratio=ratio, covariance=covariance)

    def solve(self, gradient: FloatArray, by_day: FloatArray) -> tuple[FloatArray, FloatArray]:
        step = self.covariance @ (gradient - self.ratio @ by_day)
        return step, by_day / self.own - self.ratio.T @ step

    @property
    def variance_by_day(self) -> FloatArray:
        return 1 / self.own + np.einsum("pd,pd->d", self.ratio, self.covariance @ self.ratio)


def _root_mean(squares: FloatArray, used: NDArray[np.bool_]) -> float:
    return float(np.sqrt(squares[used].mean())) if used.any() else 0.0


def _precision(levels: int, weeks: int, drift_sd: float) -> FloatArray:
    """Prior precision of delay levels, calendar effects and weekly drift, in this order."""
    step, change = np.diff(np.eye(levels), axis=0), np.diff(np.eye(weeks), axis=0)
    fixed = levels + EFFECTS
    precision = np.diag(np.r_[np.zeros(levels), np.full(EFFECTS, EFFECT_SD**-2), np.zeros(weeks)])
    precision[:levels, :levels] = step.T @ step / LEVEL_STEP**2 + np.eye(levels) / (levels * LEVEL_SD**2)
    drift = change.T @ change / max(drift_sd, 1e-3) ** 2 + np.eye(weeks) / (weeks * LEVEL_SD**2)
    precision[fixed:, fixed:] = drift
    return precision


def _areas(
    n: FloatArray, at_most: FloatArray, offset: FloatArray, block: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Each area's shifts (S, B) and their SDs, with the spread between areas estimated for each block."""
    areas = n.shape[0]
    shift, spread = np.zeros((areas, len(BLOCKS))), np.zeros((areas, len(BLOCKS)))
    if areas < MIN_AREAS:
        return shift, spread
    row, cell = np.nonzero(at_most)
    group = row * len(BLOCKS) + block[cell]
    y, m, common = n[row, cell], at_most[row, cell], offset[cell]
    flat, between = np.zeros(areas * len(BLOCKS)), np.full(len(BLOCKS), 0.3)
    for _ in range(ROUNDS):
        sd = np.tile(np.maximum(between, 1e-3), areas)
        share = expit(common + flat[group])
        information = np.bincount(group, m * share * (1 - share), minlength=flat.size) + sd**-2
        score = np.bincount(group, y - m * share, minlength=flat.size) - flat * sd**-2
        flat = flat + np.clip(score / information, -1.0, 1.0)
        between = np.sqrt((flat**2 + 1 / information).reshape(areas, -1).mean(axis=0))
    return flat.reshape(areas, -1), np.sqrt(1 / information).reshape(areas, -1)
