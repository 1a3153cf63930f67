"""Close pairs and their counts under permuted times, compiled.

One file on purpose: numba's cache does not notice a change in a compiled function of another file.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.compiled import compiled
from surveillance.types import FloatArray

IntArray = NDArray[np.int64]
ShortArray = NDArray[np.int32]
Keys = NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1, MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SHIFT_30, SHIFT_27, SHIFT_31, SHIFT_32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
LANES = 32
"""Permutations side by side: a cache line or two of times."""


@compiled
def close_in_time(times: FloatArray, span: float) -> int:
    """Pairs at most `span` apart; `times` rising."""
    pairs = last = 0
    for first in range(times.size):
        last = max(last, first)
        while last + 1 < times.size and times[last + 1] - times[first] <= span:
            last += 1
        pairs += last - first
    return pairs


@compiled
def count_close_in_space(x: FloatArray, y: FloatArray, radius: float) -> IntArray:
    """How many later points lie at most `radius` from each; `x` rising."""
    counts = np.zeros(x.size, np.int64)
    for i in range(x.size):
        for j in range(i + 1, x.size):
            dx, dy = x[j] - x[i], y[j] - y[i]
            if dx > radius:
                break
            counts[i] += sqrt(dx * dx + dy * dy) <= radius
    return counts


@compiled
def list_close_in_space(x: FloatArray, y: FloatArray, radius: float, start: IntArray) -> ShortArray:
    """Those points, for i in `[start[i]:start[i + 1]]`."""
    found = np.empty(start[-1], np.int32)
    at = 0
    for i in range(x.size):
        for j in range(i + 1, x.size):
            dx, dy = x[j] - x[i], y[j] - y[i]
            if dx > radius:
                break
            if sqrt(dx * dx + dy * dy) <= radius:
                found[at] = j
                at += 1
    return found


@compiled
def close_in_both(times: FloatArray, start: IntArray, partner: ShortArray, span: float) -> int:
    """How many of the pairs close in space are at most `span` apart in time."""
    pairs = 0
    for i in range(times.size):
        own = times[i]
        for e in range(start[i], start[i + 1]):
            pairs += abs(times[partner[e]] - own) <= span
    return pairs


@compiled
def _deal(dealt: FloatArray, lane: int, times: FloatArray, key: np.uint64) -> None:
    """The times in another order (Fisher–Yates, SplitMix64) into column `lane` of `dealt`."""
    state = key
    for i in range(times.size):
        dealt[i, lane] = times[i]
    for i in range(times.size - 1, 0, -1):
        state += GOLDEN
        bits = (state ^ (state >> SHIFT_30)) * MIX_1
        bits = (bits ^ (bits >> SHIFT_27)) * MIX_2
        bits = bits ^ (bits >> SHIFT_31)
        j = np.int64(((bits >> SHIFT_32) * np.uint64(i + 1)) >> SHIFT_32)
        taken = dealt[j, lane]
        dealt[j, lane] = dealt[i, lane]
        dealt[i, lane] = taken


@compiled
def permuted_counts(
    times: FloatArray, span: float, start: IntArray, partner: ShortArray, keys: Keys
) -> IntArray:
    """`close_in_both` with the times dealt out anew among the points, once for each key.

    LANES permutations lie side by side, so that one pair is looked up once and compared for all by SIMD.
    """
    counts = np.zeros(keys.size, np.int64)
    dealt = np.zeros((times.size, LANES), times.dtype)
    block = np.empty(LANES, np.int32)
    for begin in range(0, keys.size, LANES):
        lanes = min(LANES, keys.size - begin)
        for lane in range(lanes):
            _deal(dealt, lane, times, keys[begin + lane])
        for i in range(times.size):
            own = dealt[i]
            block[:] = 0
            for e in range(start[i], start[i + 1]):
                other = dealt[partner[e]]
                for lane in range(LANES):
                    block[lane] += abs(other[lane] - own[lane]) <= span
            for lane in range(lanes):
                counts[begin + lane] += block[lane]
    return counts
