"""Permutations of values over areas, compiled.

Random numbers are SplitMix64 (Steele, Lea & Flood 2014), one stream per key, so that a result depends on the
keys alone. A number below `bound` is taken from 32 bits: its bias is below bound / 2³².

One file on purpose: numba's cache does not notice a change in a compiled function of another file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.compiled import compiled
from surveillance.types import FloatArray

IntArray = NDArray[np.int64]
Keys = NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1, MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SHIFT_30, SHIFT_27, SHIFT_31, SHIFT_32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
NOISE = 1e-12
"""Two sums nearer than this, relative to their terms, are a tie: they differ by the order of addition."""


@compiled
def _below(state: np.uint64, bound: int) -> np.int64:
    bits = (state ^ (state >> SHIFT_30)) * MIX_1
    bits = (bits ^ (bits >> SHIFT_27)) * MIX_2
    bits = bits ^ (bits >> SHIFT_31)
    return np.int64(((bits >> SHIFT_32) * np.uint64(bound)) >> SHIFT_32)


@compiled
def permuted_lags(
    x: FloatArray,
    start: IntArray,
    neighbour: IntArray,
    weight: FloatArray,
    keys: Keys,
    permutations: int,
    replacement: bool,
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Each area's lag when the *other* areas' values are dealt out anew: conditional randomisation (Anselin 1995).

    Returns, each (N,), how many of the permuted lags are at least and at most the observed one, and their mean
    and variance. The partial Fisher–Yates shuffle needs no fresh start: any order is as good as another.
    """
    n = x.size
    at_least, at_most = np.zeros(n, np.int64), np.zeros(n, np.int64)
    mean, variance = np.full(n, np.nan), np.full(n, np.nan)
    pool = np.empty(n)
    largest = np.abs(x).max()
    for i in range(n):
        first, degree, others, state = start[i], start[i + 1] - start[i], n - 1, keys[i]
        if degree == 0:
            continue
        pool[:] = x
        pool[i] = x[n - 1]
        observed = total = 0.0
        for k in range(degree):
            observed += weight[first + k] * x[neighbour[first + k]]
            total += weight[first + k]
        tie = NOISE * total * largest
        gap_sum = gap_squares = 0.0
        for _ in range(permutations):
            lag = 0.0
            for k in range(degree):
                state += GOLDEN
                if replacement:
                    lag += weight[first + k] * pool[_below(state, others)]
                else:
                    j = k + _below(state, others - k)
                    taken = pool[j]
                    pool[j] = pool[k]
                    pool[k] = taken
                    lag += weight[first + k] * taken
            gap = lag - observed
            at_least[i] += gap >= -tie
            at_most[i] += gap <= tie
            gap_sum += gap
            gap_squares += gap * gap
        mean[i] = observed + gap_sum / permutations
        spread = gap_squares - gap_sum * gap_sum / permutations
        variance[i] = max(spread, 0.0) / max(permutations - 1, 1)
    return at_least, at_most, mean, variance


@compiled
def permuted_products(
    z: FloatArray, start: IntArray, neighbour: IntArray, weight: FloatArray, keys: Keys
) -> FloatArray:
    """Σ_ij w_ij z_i z_j with the values dealt out anew over all areas, once for each key."""
    products = np.empty(keys.size)
    pool = z.copy()
    for b in range(keys.size):
        state = keys[b]
        pool[:] = z
        for i in range(z.size - 1, 0, -1):
            state += GOLDEN
            j = _below(state, i + 1)
            taken = pool[j]
            pool[j] = pool[i]
            pool[i] = taken
        product = 0.0
        for i in range(z.size):
            lag = 0.0
            for e in range(start[i], start[i + 1]):
                lag += weight[e] * pool[neighbour[e]]
            product += pool[i] * lag
        products[b] = product
    return products
