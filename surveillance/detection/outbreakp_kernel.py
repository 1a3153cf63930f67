"""The likelihood ratio of OutbreakP, compiled. One file: see compiled.py.

`mean` and `weight` are a stack of blocks: the best-fitting means that never fall, by pooling adjacent violators.
"""

from __future__ import annotations

from math import ceil, inf, isnan, log, nan

import numpy as np

from surveillance.detection.compiled import compiled
from surveillance.types import FloatArray


@compiled
def _push(total: FloatArray, weight: FloatArray, mean: FloatArray, blocks: int, count: float) -> int:
    """Add a step to the stack of `blocks`; returns how many blocks there are now."""
    total[blocks], weight[blocks], mean[blocks] = count, 1.0, count
    while blocks > 0 and mean[blocks] <= mean[blocks - 1]:
        total[blocks - 1] += total[blocks]
        weight[blocks - 1] += weight[blocks]
        blocks -= 1
        mean[blocks] = total[blocks] / weight[blocks]
    return blocks + 1


@compiled
def _log_ratio(total: FloatArray, mean: FloatArray, blocks: int, average: float) -> float:
    ratio = 0.0
    for block in range(blocks):
        if total[block] > 0:
            ratio += total[block] * log(mean[block] / average)
    return ratio


@compiled
def _ratio_as_r(x: FloatArray, weight: FloatArray, mean: FloatArray, blocks: int, average: float) -> float:
    """The product step by step, as R takes it: it runs to 0, to infinity or to no number where counts are large."""
    ratio, step = 1.0, 0
    for block in range(blocks):
        factor = mean[block] / average if average > 0 else 1.0
        for _ in range(int(weight[block])):
            ratio *= factor ** x[step]
            step += 1
    return ratio


@compiled
def _statistic(
    x: FloatArray, n: int, average: float, stack: FloatArray, blocks: int, count: float, as_r: bool
) -> float:
    """The ratio (its logarithm unless `as_r`) if step n had `count` cases; `stack` and `average` are of the steps
    before it, and stay as they are."""
    total, weight, mean = (
        stack[0, : blocks + 1].copy(),
        stack[1, : blocks + 1].copy(),
        stack[2, : blocks + 1].copy(),
    )
    kept, x[n] = x[n], count
    blocks = _push(total, weight, mean, blocks, count)
    average += (count - average) / (n + 1)
    ratio = (
        _ratio_as_r(x, weight, mean, blocks, average) if as_r else _log_ratio(total, mean, blocks, average)
    )
    x[n] = kept
    return ratio


@compiled
def _least_cases(
    x: FloatArray,
    n: int,
    average: float,
    stack: FloatArray,
    blocks: int,
    limit: float,
    most: float,
    as_r: bool,
) -> float:
    """The least count of step n that alarms, by halving: the ratio never falls with it. Infinite above `most`; -1
    where even no case alarms."""
    low, high = -1.0, max(ceil(x[n]), 1.0)
    while not _statistic(x, n, average, stack, blocks, high, as_r) > limit:
        if high >= most:
            return inf
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        if _statistic(x, n, average, stack, blocks, middle, as_r) > limit:
            high = middle
        else:
            low = middle
    return high if high > 0 else -1.0


@compiled
def follow(
    x: FloatArray,
    limit: float,
    most: float,
    as_r: bool,
    first: int,
    search: bool,
    ratio: FloatArray,
    cases: FloatArray,
) -> None:
    """Fill `ratio` (its logarithm unless `as_r`) and, if `search`, `cases` for the steps from `first` on of one
    series of known steps; `limit` is on the scale of `ratio`."""
    stack = np.zeros((3, x.size + 1))
    blocks, average = 0, 0.0
    for n in range(x.size):
        if n >= first:
            ratio[n] = _statistic(x, n, average, stack, blocks, x[n], as_r)
            if search:
                lost = isnan(ratio[n]) or n == 0
                cases[n] = nan if lost else _least_cases(x, n, average, stack, blocks, limit, most, as_r)
        blocks = _push(stack[0], stack[1], stack[2], blocks, x[n])
        average += (x[n] - average) / (n + 1)
