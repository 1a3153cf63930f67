"""The likelihood-ratio statistics of the GLR charts, compiled.

Search order, start values and stopping rules of the one-dimensional maximisation are those of R `surveillance`
1.20.3, so that the statistic agrees also where that search ends early. One file: numba's cache does not notice
a change in a compiled function of another file.
"""

from __future__ import annotations

from math import ceil, exp, inf, isfinite, isnan, log, nan
from typing import NamedTuple

from surveillance.detection.compiled import compiled
from surveillance.types import FloatArray

SHIFT, EPIDEMIC, FIXED = range(3)
NOTHING = -1e99
LOWEST, NEAR, ITERATIONS = -18.0, 1e-6, 1000
MOST_CASES = 1e9


class Chart(NamedTuple):
    """A chart's settings as numbers: `kind` SHIFT, EPIDEMIC or FIXED (shift `theta` known); `direction` 1 or -1;
    at least `shortest` and at most `longest` steps (-1: all) since the change; alarm at `limit`; `retry` a search
    that ran away."""

    kind: int
    direction: float
    shortest: int
    longest: int
    limit: float
    theta: float
    retry: bool


@compiled
def _poisson_shift(x: FloatArray, mu: FloatArray, n: int, chart: Chart) -> float:
    """Largest ratio over the time of change, for a Poisson mean multiplied by an unknown factor."""
    best, cases, expected, low, up = NOTHING, 0.0, 0.0, 0, n
    if chart.longest > 0:
        low, up = max(0, n - chart.longest), n - chart.shortest
        for i in range(up + 1, n + 1):
            cases += x[i]
            expected += mu[i]
    for k in range(up, low - 1, -1):
        cases += x[k]
        expected += mu[k]
        kappa = log(cases / expected) if cases > 0 else -inf
        if chart.direction > 0:
            kappa = max(kappa, 0.0)
            ratio = kappa * cases + (1 - exp(kappa)) * expected
        elif cases > 0 or chart.retry:
            kappa = min(kappa, 0.0)
            ratio = (kappa * cases if cases > 0 else 0.0) + (1 - exp(kappa)) * expected
        else:  # R's search does not take steps wholly without cases for a fall
            continue
        best = max(best, ratio)
    return best


@compiled
def _negative_binomial_factor(
    x: FloatArray, mu: FloatArray, alpha: float, k: int, n: int, start: float, stride: float
) -> float:
    """The log factor on the means of steps k to n that fits best, moving at most `stride` at a time."""
    before, kappa, iteration = 0.4, start, 0
    while kappa > LOWEST and abs(kappa - before) > NEAR and iteration < ITERATIONS:
        iteration += 1
        before, factor = kappa, exp(kappa)
        score = information = 0.0
        for i in range(k, n + 1):
            below = 1 + alpha * factor * mu[i]
            score += (x[i] - factor * mu[i]) / below
            information += mu[i] * (alpha * x[i] + 1) / (below * below)
        information *= factor
        if not information > 0 or not isfinite(information):
            return nan
        kappa = before + max(-stride, min(stride, score / information))
    return kappa


@compiled
def _negative_binomial_shift(x: FloatArray, mu: FloatArray, alpha: float, n: int, chart: Chart) -> float:
    """R's search can run away from a large jump and then says 0; with `retry` it is done again, in short strides."""
    best, start = NOTHING, 0.5
    low = 0 if chart.longest == -1 else max(0, n - chart.longest)
    score = 0.0
    for i in range(low, n + 1):
        score += (x[i] - mu[i]) / (1 + alpha * mu[i])
    for k in range(low, n - chart.shortest + 2):
        kappa = 0.0
        if chart.direction * score > 0:
            kappa = _negative_binomial_factor(x, mu, alpha, k, n, start, inf)
            if chart.retry and (isnan(kappa) or chart.direction * kappa < 0):
                kappa = _negative_binomial_factor(x, mu, alpha, k, n, 0.0, 1.0)
            if isnan(kappa) or chart.direction * kappa < 0:
                kappa = 0.0
        start, ratio, factor = kappa, 0.0, exp(kappa)
        if kappa != 0:
            for i in range(k, n + 1):
                gain = log((1 + alpha * mu[i]) / (1 + alpha * mu[i] * factor))
                ratio += kappa * x[i] + (x[i] + 1 / alpha) * gain
        best = max(best, ratio)
        score -= (x[k] - mu[k]) / (1 + alpha * mu[k])
    return best


@compiled
def _poisson_spread(x: FloatArray, past: FloatArray, mu: FloatArray, k: int, n: int, start: float) -> float:
    """The autoregression lambda of steps k to n that fits best: mean = mu + lambda·(count before)."""
    before, phi, iteration = 2.0, log(start) if start > 0 else -inf, 0
    while phi > LOWEST and abs(exp(phi) - exp(before)) > NEAR and iteration < ITERATIONS:
        iteration += 1
        before, rate = phi, exp(phi)
        score = information = 0.0
        for i in range(k, n + 1):
            below = rate * past[i] + mu[i]
            score += x[i] * past[i] / below - past[i]
            information += x[i] * past[i] * past[i] / (below * below)
        score *= rate
        information = rate * rate * information - score
        if information == 0 or isnan(information):
            return nan
        phi = before + score / information
    return exp(phi)


@compiled
def _poisson_epidemic(x: FloatArray, past: FloatArray, mu: FloatArray, n: int, chart: Chart) -> float:
    best, rate = NOTHING, 0.5
    low = 0 if chart.longest == -1 else max(0, n - chart.longest)
    for k in range(low, n - chart.shortest + 2):
        if isnan(rate):
            break
        rate = _poisson_spread(x, past, mu, k, n, rate)
        ratio = 0.0
        for i in range(k, n + 1):
            ratio += x[i] * log(rate * past[i] / mu[i] + 1) - rate * past[i]
        if ratio > best:
            best = ratio
    return best


@compiled
def _negative_binomial_epidemic(
    x: FloatArray, past: FloatArray, mu: FloatArray, alpha: float, n: int, chart: Chart
) -> float:
    """As R has it: lambda is the factor that fits best, not the autoregression that does."""
    best, start = NOTHING, 0.5
    low = 0 if chart.longest == -1 else max(0, n - chart.longest)
    for k in range(low, n - chart.shortest + 2):
        start = _negative_binomial_factor(x, mu, alpha, k, n, start, inf)
        rate, ratio = exp(start), 0.0
        for i in range(k, n + 1):
            mean = mu[i] + rate * past[i]
            gain = log((1 + alpha * mu[i]) / (1 + alpha * mean))
            ratio += x[i] * (log(mean / mu[i]) + gain) + gain / alpha
        if ratio > best:
            best = ratio
    return best


@compiled
def _fixed_gain(x: float, mu: float, alpha: float, theta: float) -> float:
    if alpha == 0:
        return theta * x + (1 - exp(theta)) * mu
    return theta * x + (x + 1 / alpha) * log((1 + alpha * mu) / (1 + alpha * mu * exp(theta)))


@compiled
def _fixed_cases(before: float, mu: float, alpha: float, chart: Chart) -> float:
    """The count (not whole) at which the known shift's sum reaches the limit."""
    if alpha == 0:
        return (chart.limit - before + mu * (exp(chart.theta) - 1)) / chart.theta
    gain = log((1 + alpha * mu) / (1 + alpha * mu * exp(chart.theta)))
    return (chart.limit - before - gain / alpha) / (chart.theta + gain)


@compiled
def _statistic(x: FloatArray, past: FloatArray, mu: FloatArray, alpha: float, n: int, chart: Chart) -> float:
    if chart.kind == EPIDEMIC:
        if alpha == 0:
            return _poisson_epidemic(x, past, mu, n, chart)
        return _negative_binomial_epidemic(x, past, mu, alpha, n, chart)
    if alpha == 0:
        return _poisson_shift(x, mu, n, chart)
    return _negative_binomial_shift(x, mu, alpha, n, chart)


@compiled
def _least_cases(
    x: FloatArray, past: FloatArray, mu: FloatArray, alpha: float, n: int, chart: Chart
) -> float:
    """The least count of step n that alarms; for decreases the least that does not. By halving intervals."""
    kept, up = x[n], chart.direction > 0
    if not up:  # without `retry` no case at all may be no fall (see _poisson_shift)
        x[n] = 0
        if _statistic(x, past, mu, alpha, n, chart) < chart.limit:
            x[n] = kept
            return 0.0
    low, high = -1.0, max(ceil(kept), 1.0)
    x[n] = high
    while (_statistic(x, past, mu, alpha, n, chart) >= chart.limit) != up and high < MOST_CASES:
        low, high = high, 2 * high
        x[n] = high
    while high - low > 1:
        middle = (low + high) // 2
        x[n] = middle
        if (_statistic(x, past, mu, alpha, n, chart) >= chart.limit) == up:
            high = middle
        else:
            low = middle
    x[n] = kept
    return high if high < MOST_CASES else inf


@compiled
def follow(
    x: FloatArray, mu: FloatArray, alpha: float, chart: Chart, carried: float, cases_from: int,
    value: FloatArray, cases: FloatArray, alarm: FloatArray,
) -> None:  # fmt: skip
    """Run a chart over one series of known steps, starting anew after each alarm; fills the last three.

    `carried` is the count before the first step. `cases` is worked out from step `cases_from` on, NaN before and
    where a chart just started says nothing yet.
    """
    begin, total = 0, 0.0
    past = x.copy()
    for i in range(x.size):
        if i == begin:
            past[i] = carried
        else:
            past[i] = x[i - 1]
        value[i], cases[i], alarm[i] = 0.0, nan, 0.0
        n = i - begin
        if chart.kind == FIXED:
            if i >= cases_from:
                cases[i] = _fixed_cases(total, mu[i], alpha, chart)
            total = max(0.0, total + _fixed_gain(x[i], mu[i], alpha, chart.theta))
            value[i] = total
            over = total > chart.limit
        else:
            windowed = chart.kind == SHIFT and alpha == 0 and chart.longest > 0
            if n < (chart.shortest if windowed else chart.shortest - 1):
                continue
            own, own_past, own_mu = x[begin : i + 1], past[begin : i + 1], mu[begin : i + 1]
            value[i] = _statistic(own, own_past, own_mu, alpha, n, chart)
            if i >= cases_from:
                cases[i] = _least_cases(own, own_past, own_mu, alpha, n, chart)
            strict = chart.kind == EPIDEMIC and alpha == 0
            over = value[i] > chart.limit if strict else value[i] >= chart.limit
        if over:
            alarm[i], begin, carried, total = 1.0, i + 1, x[i], 0.0
        value[i] = max(value[i], 0.0)
