"""The arithmetic of both Farrington methods, compiled: quasi-Poisson fits, reweighting, bounds.

The only covariates are a season and one trend, so the weighted least squares inside IRLS is a regression
within groups: sums, no matrices. Everything else (start values, stopping rule, which iteration's weights enter
the standard error, which dispersion) is as in R's `glm.fit` and `surveillance` 1.20.3.

One file on purpose: numba's cache does not notice a change in a compiled function of another file.
"""

from __future__ import annotations

from math import exp, floor, isfinite, log, nan, sqrt

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.compiled import compiled
from surveillance.detection.farrington_rules import Model, Rules, Work
from surveillance.types import FloatArray

IntArray = NDArray[np.int64]

OK, TOO_SHORT, TOO_MANY_PERIODS, UNKNOWN, INVALID, NO_POPULATION, NO_FIT, ALL_ZERO, TOO_FEW, HUGE = range(10)
LARGEST_COUNT = 1e9
DELTA, PLUG_IN = 0, 1
EPSILON, ITERATIONS = 1e-8, 25
MACHINE_EPSILON = SMALLEST_MEAN = 2.220446049250313e-16
NOISE = 1e-20
"""Below this the residuals are rounding errors, and so is a slope's significance."""
WIDEST = 2e4
"""Standard deviation up to which a negative-binomial quantile is found here by summing; above it by the caller."""


@compiled
def _solve(work: Work, groups: int, trend: bool) -> tuple[float, float]:
    """Weighted least squares of the working response on group and time: the slope and its sum of squares."""
    sxx = sxz = 0.0
    for g in range(groups):
        sw = st = sz = stt = stz = 0.0
        for i in range(work.first[g], work.first[g + 1]):
            w = work.omega[i] * work.mu[i]
            wz = w * (work.eta[i] - work.offset[i]) + work.omega[i] * (work.y[i] - work.mu[i])
            work.weight[i] = w
            sw += w
            sz += wz
            if trend:
                st += w * work.time[i]
                stt += w * work.time[i] * work.time[i]
                stz += wz * work.time[i]
        work.total[g], work.centre[g], work.alpha[g] = sw, st / sw, sz / sw
        sxx += stt - st * st / sw
        sxz += stz - st * sz / sw
    beta = sxz / sxx if trend and sxx > 0 else 0.0
    for g in range(groups):
        work.alpha[g] -= beta * work.centre[g]
    return beta, sxx


@compiled
def _predict(work: Work, groups: int, beta: float, offset: bool) -> float:
    """Set eta and mu from the coefficients; returns the deviance. A step further multiplies the mean by exp(beta)."""
    deviance, growth = 0.0, exp(beta)
    for g in range(groups):
        time, raw = nan, 0.0
        for i in range(work.first[g], work.first[g + 1]):
            eta = work.alpha[g] + beta * work.time[i] + work.offset[i]
            raw = raw * growth if work.time[i] == time + 1 and not offset else exp(eta)
            mu, time = max(raw, SMALLEST_MEAN), work.time[i]
            work.eta[i], work.mu[i] = eta, mu
            deviance += work.omega[i] * (work.y_log_y[i] - work.y[i] * eta - work.y[i] + mu)
    return 2 * deviance


@compiled
def _fit(work: Work, groups: int, trend: bool, offset: bool) -> tuple[int, float, float]:
    """IRLS as R's `glm.fit`: (1 converged, 0 not, -1 broken; slope; sum of squares of time)."""
    before = 0.0
    for i in range(work.first[groups]):
        work.eta[i], work.mu[i] = work.start[i], work.y[i] + 0.1
        before += work.omega[i] * (work.y_log_y[i] - work.y[i] * work.eta[i] + 0.1)
    before *= 2
    beta = spread = 0.0
    for iteration in range(ITERATIONS):
        beta_before = beta
        work.alpha_before[:groups] = work.alpha[:groups]
        beta, spread = _solve(work, groups, trend)
        deviance = _predict(work, groups, beta, offset)
        halvings = 0
        while not isfinite(deviance):
            if iteration == 0 or halvings == ITERATIONS:
                return -1, beta, spread
            beta = (beta + beta_before) / 2
            for g in range(groups):
                work.alpha[g] = (work.alpha[g] + work.alpha_before[g]) / 2
            deviance = _predict(work, groups, beta, offset)
            halvings += 1
        if abs(deviance - before) / (abs(deviance) + 0.1) < EPSILON:
            return 1, beta, spread
        before = deviance
    return 0, beta, spread


@compiled
def _fit_means(work: Work, groups: int) -> int:
    """`_fit` without trend or offset: after the first step all rows of a group share one mean."""
    before = constant = 0.0
    for i in range(work.first[groups]):
        work.eta[i], work.mu[i] = work.start[i], work.y[i] + 0.1
        before += work.omega[i] * (work.y_log_y[i] - work.y[i] * work.eta[i] + 0.1)
        constant += work.omega[i] * (work.y_log_y[i] - work.y[i])
    before *= 2
    _solve(work, groups, False)
    state = 0
    for iteration in range(ITERATIONS):
        deviance = constant
        for g in range(groups):
            omega, cases = work.centre[g], work.alpha_before[g]
            if iteration == 0:
                omega = cases = 0.0
                for i in range(work.first[g], work.first[g + 1]):
                    omega += work.omega[i]
                    cases += work.omega[i] * work.y[i]
                work.centre[g], work.alpha_before[g] = omega, cases
            else:
                mean = max(exp(work.alpha[g]), SMALLEST_MEAN)
                work.total[g] = omega * mean
                work.alpha[g] += cases / work.total[g] - 1
            deviance += omega * max(exp(work.alpha[g]), SMALLEST_MEAN) - cases * work.alpha[g]
        deviance *= 2
        if not isfinite(deviance):
            return -1
        state = 1 if abs(deviance - before) / (abs(deviance) + 0.1) < EPSILON else 0
        before = deviance
        if state == 1:
            break
    for g in range(groups):
        mean = work.total[g] / work.centre[g]
        for i in range(work.first[g], work.first[g + 1]):
            work.eta[i] = work.alpha[g]
            work.mu[i] = max(exp(work.alpha[g]), SMALLEST_MEAN)
            if iteration > 0:
                work.weight[i] = work.omega[i] * mean
        work.centre[g] = 0.0
    return state


@compiled
def _fit_any(work: Work, groups: int, trend: bool, offset: bool) -> tuple[int, float, float]:
    if trend or offset:
        return _fit(work, groups, trend, offset)
    return _fit_means(work, groups), 0.0, 0.0


@compiled
def _pearson(work: Work, n: int, by_prior: bool) -> float:
    """Sum of squared working residuals, weighted by the last iteration's weights or by the prior ones."""
    total = 0.0
    for i in range(n):
        residual = (work.y[i] - work.mu[i]) / work.mu[i]
        total += (work.omega[i] if by_prior else work.weight[i]) * residual * residual
    return total


@compiled
def _reweigh(
    work: Work, groups: int, trend: bool, spread: float, dispersion: float, threshold: float
) -> None:
    """Weights from Anscombe residuals, standardised by dispersion and leverage; they average near one."""
    total = 0.0
    for g in range(groups):
        for i in range(work.first[g], work.first[g + 1]):
            away = work.time[i] - work.centre[g]
            leverage = 1 / work.total[g] + (away * away / spread if trend else 0.0)
            free = 1 - work.weight[i] * leverage
            eta = work.eta[i]
            residual = 1.5 * (work.y[i] ** (2 / 3) * exp(-eta / 6) - exp(eta / 2))
            s = residual / sqrt(dispersion * free) if free > 10 * MACHINE_EPSILON else 0.0
            work.omega[i] = 1 / (s * s) if s > threshold else 1.0
            total += work.omega[i]
    scale = work.first[groups] / total
    for i in range(work.first[groups]):
        work.omega[i] *= scale


@compiled
def _robust(work: Work, groups: int, trend: bool, rules: Rules) -> Model:
    """Fit; if asked, down-weigh past outbreaks and fit again. Tries without trend when the trend does not converge."""
    n = work.first[groups]
    broken = Model(False, False, 0.0, 0.0, 0.0, 1.0, 0)
    work.omega[:n] = 1.0
    state, beta, spread = _fit_any(work, groups, trend, rules.offset)
    if state == 0 and trend:
        trend = False
        state, beta, spread = _fit_any(work, groups, trend, rules.offset)
    df = n - groups - (1 if trend else 0)
    if state == -1 or (state == 0 and not rules.classic) or df < 1 or (trend and not spread > 0):
        return broken
    scale = _pearson(work, n, False) / df
    if rules.reweight:
        _reweigh(work, groups, trend, spread, max(scale, 1.0), rules.threshold)
        state, beta, spread = _fit_any(work, groups, trend, rules.offset)
        if state == -1 or (trend and not spread > 0):
            return broken
        scale = _pearson(work, n, False) / df
    dispersion = max(scale, 1.0)
    if rules.reweight and not rules.classic:
        # As R does: the flexible method hands prior weights to the variance where working weights belong.
        scale = _pearson(work, n, True) / df
    return Model(True, trend, beta, spread, scale, dispersion, df)


@compiled
def _keeps_trend(work: Work, groups: int, model: Model, rules: Rules, now: float, offset: float) -> bool:
    """A significant slope, and no extrapolation above the largest baseline count."""
    t = abs(model.beta) / sqrt(model.scale / model.spread) if model.scale > NOISE else 0.0
    mean = max(exp(work.alpha[groups - 1] + model.beta * now + offset), SMALLEST_MEAN)
    return t > rules.critical[model.df] and mean <= work.y[: work.first[groups]].max()


@compiled
def _quantile(mean: float, dispersion: float, probability: float) -> float:
    """Smallest k with P(Y <= k) >= probability, Y negative binomial (Poisson when dispersion is 1).

    Sums terms outward from the mode and divides by their total, so nothing underflows.
    """
    extra = dispersion - 1
    mode = max(floor(mean - extra), 0.0)
    below, term, k = 0.0, 1.0, mode
    while k > 0 and term > 1e-19:
        term *= k * dispersion / ((k - 1) * extra + mean)
        below += term
        k -= 1
    above, term, k = 0.0, 1.0, mode
    while term > 1e-19 * (1 + above):
        term *= (k * extra + mean) / (dispersion * (k + 1))
        above += term
        k += 1
    target = probability * (1 - 64 * MACHINE_EPSILON) * (below + 1 + above)
    total, term, last, k = below + 1, 1.0, k, mode
    while total < target and k < last:
        term *= (k * extra + mean) / (dispersion * (k + 1))
        total += term
        k += 1
    return k


@compiled
def _bound(eta: float, variance: float, dispersion: float, rules: Rules) -> tuple[float, float, float]:
    """(expected, mean whose quantile is the bound, bound); the bound is NaN where the mean is too large."""
    mean = exp(eta)
    if rules.method == DELTA:
        mean = max(mean, SMALLEST_MEAN)
        tau = dispersion + variance * mean
        p = rules.exponent
        sd = p * sqrt(tau) * mean ** (p - 0.5)
        return mean, mean, (mean**p + rules.z * sd) ** (1 / p)
    centre = mean if rules.method == PLUG_IN else exp(eta + rules.z * sqrt(variance))
    if not sqrt(centre * dispersion) <= WIDEST:
        return mean, centre, nan
    return mean, centre, _quantile(centre, dispersion, rules.probability)


@compiled
def _recent(y: FloatArray, step: int, rules: Rules) -> tuple[int, float]:
    """(reason, cases) of the last `min_steps` steps."""
    cases = 0.0
    for i in range(max(step - rules.min_steps + 1, 0), step + 1):
        if y[i] != y[i]:
            return UNKNOWN, cases
        if not 0 <= y[i] <= LARGEST_COUNT:
            return INVALID, cases
        cases += y[i]
    return OK, cases


@compiled
def _gather(
    work: Work, lines: FloatArray, rows: IntArray, level: IntArray, year: IntArray, rules: Rules
) -> tuple[int, int]:
    """Fill `work` with the known rows of a baseline; (reason, number of groups)."""
    n = groups = years = before = 0
    seen = np.uint64(0)
    for j in range(rows.size):
        row = rows[j]
        y, population = lines[0, row], lines[3, row]
        if y != y:
            continue
        if not 0 <= y <= LARGEST_COUNT:
            return INVALID, 0
        if rules.offset and not isfinite(population):
            return NO_POPULATION, 0
        if level[j] != before:
            work.first[groups] = n
            groups += 1
            before = level[j]
        if year[j] > 0 and not (seen >> np.uint64(year[j])) & np.uint64(1):
            seen |= np.uint64(1) << np.uint64(year[j])
            years += 1
        work.y[n], work.y_log_y[n], work.start[n] = y, lines[1, row], lines[2, row]
        work.offset[n] = population if rules.offset else 0.0
        work.time[n] = lines[4, row]
        n += 1
    work.first[groups] = n
    own_season = n > 0 and before == level[rows.size - 1]
    return OK if own_season and years >= min(rules.years, 3) else TOO_SHORT, groups


@compiled
def _judge(
    work: Work, groups: int, now: float, offset: float, rules: Rules
) -> tuple[int, float, float, float, float]:
    """(reason, expected, centre, dispersion, bound) of one step from its gathered baseline."""
    model = _robust(work, groups, rules.trend and rules.years >= 3, rules)
    if model.usable and model.trend and not _keeps_trend(work, groups, model, rules, now, offset):
        model = _robust(work, groups, False, rules)
    if not model.usable:
        none_ever = work.y[: work.first[groups]].max() == 0
        return ALL_ZERO if none_ever else NO_FIT, nan, nan, nan, nan
    own = groups - 1
    away = now - work.centre[own]
    leverage = 1 / work.total[own] + (away * away / model.spread if model.trend else 0.0)
    scale = model.dispersion if rules.classic else model.scale
    eta = work.alpha[own] + model.beta * now + offset
    expected, centre, bound = _bound(eta, scale * leverage, model.dispersion, rules)
    reason = OK if bound == bound else HUGE if isfinite(centre) else NO_FIT
    return reason, expected, centre, model.dispersion, bound


@compiled
def evaluate(
    observed: FloatArray,
    log_population: FloatArray,
    time: FloatArray,
    evaluated: IntArray,
    rows: IntArray,
    begin: IntArray,
    level: IntArray,
    year: IntArray,
    state: IntArray,
    rules: Rules,
    work: Work,
    reason: IntArray,
    found: FloatArray,
) -> None:
    """Fill `reason` (S, E) and `found` (S, E, 4): expected, centre, dispersion, upper bound.

    `observed` and `log_population` are (S, T); `time` to `state` are a `Plan`.
    """
    lines = np.empty((5, observed.shape[1]))
    lines[4] = time
    for s in range(observed.shape[0]):
        for t in range(observed.shape[1]):
            y = observed[s, t]
            lines[0, t], lines[3, t] = y, log_population[s, t]
            lines[1, t] = y * log(y) if y > 0 else 0.0
            lines[2, t] = log(y + 0.1) if y >= 0 else nan
        for e in range(evaluated.size):
            step, part = evaluated[e], slice(begin[e], begin[e + 1])
            if state[e] != OK:
                reason[s, e] = state[e]
                continue
            reason[s, e], cases = _recent(lines[0], step, rules)
            if reason[s, e] != OK:
                continue
            reason[s, e], groups = _gather(work, lines, rows[part], level[part], year[part], rules)
            offset = lines[3, step] if rules.offset else 0.0
            if reason[s, e] == OK and not isfinite(offset):
                reason[s, e] = NO_POPULATION
            if reason[s, e] != OK:
                continue
            values = found[s, e]
            code, values[0], values[1], values[2], values[3] = _judge(work, groups, time[step], offset, rules)
            reason[s, e] = TOO_FEW if cases < rules.min_cases else code
