"""Maximum-likelihood overdispersion of negative-binomial counts given their means, compiled.

Newton's method with the start, the steps and the stopping rule of `MASS::theta.ml`. The sums of digamma and
trigamma differences are sums of 1/(theta + j) over the counts above j, so that most series need no such function.
"""

from __future__ import annotations

from math import log

import numpy as np

from surveillance.detection.compiled import compiled
from surveillance.types import FloatArray

ITERATIONS = 24
NEAR = 2.220446049250313e-16**0.25
TABLE = 1000
"""Counts above it are taken one by one."""
ASYMPTOTIC = 10.0


@compiled
def _digamma(x: float) -> float:
    below = 0.0
    while x < ASYMPTOTIC:
        below -= 1 / x
        x += 1
    square = 1 / (x * x)
    tail = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square / 132))))
    return below + log(x) - 0.5 / x - tail


@compiled
def _trigamma(x: float) -> float:
    below = 0.0
    while x < ASYMPTOTIC:
        below += 1 / (x * x)
        x += 1
    square = 1 / (x * x)
    tail = square * (1 / 6 - square * (1 / 30 - square * (1 / 42 - square * (1 / 30 - square * 5 / 66))))
    return below + (1 + 0.5 / x + tail) / x


@compiled
def _counts_above(y: FloatArray, known: FloatArray, above: FloatArray) -> int:
    """Fill `above[j]` with the number of known counts above j, of those up to TABLE; returns the largest."""
    above[:] = 0
    largest = 0
    for i in range(y.size):
        if known[i] > 0 and 0 < y[i] <= TABLE:
            above[int(y[i]) - 1] += 1
            largest = max(largest, int(y[i]))
    for j in range(largest - 2, -1, -1):
        above[j] += above[j + 1]
    return largest


@compiled
def _newton_step(y: FloatArray, mu: FloatArray, known: FloatArray, above: FloatArray, t: float) -> float:
    score = information = 0.0
    for j in range(above.size):
        score += above[j] / (t + j)
        information += above[j] / ((t + j) * (t + j))
    constant = log(t) + 1
    for i in range(y.size):
        if known[i] > 0:
            both, ratio = mu[i] + t, (y[i] + t) / (mu[i] + t)
            score += constant - log(both) - ratio
            information += (2 - ratio) / both - 1 / t
            if y[i] > TABLE:
                score += _digamma(t + y[i]) - _digamma(t)
                information += _trigamma(t) - _trigamma(t + y[i])
    return score / information if information != 0 else np.nan


@compiled
def best_theta(y: FloatArray, mu: FloatArray, known: FloatArray, theta: FloatArray) -> None:
    """Improve `theta` (S,) from its start for whole counts `y` with means `mu`, where `known` (all (S, T))."""
    table = np.zeros(TABLE)
    for row in range(len(y)):
        largest = _counts_above(y[row], known[row], table)
        for _ in range(ITERATIONS):
            theta[row] = abs(theta[row])
            if not theta[row] > 0:
                theta[row] = np.nan
                break
            step = _newton_step(y[row], mu[row], known[row], table[:largest], theta[row])
            theta[row] += step
            if not abs(step) > NEAR:
                break
