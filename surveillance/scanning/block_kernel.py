"""Zones of a sequence in blocks, and the thresholds of blocks, compiled (scan_kernel.py says what they are).

One file on purpose: numba's cache does not notice a change in a compiled function of another file.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.compiled import compiled
from surveillance.types import FloatArray

IntArray = NDArray[np.int64]

SLACK = 1e-9
PAD = 16
"""As in scan_kernel.py."""
NEVER = 2**15 - 1
"""A threshold that no 16-bit count reaches."""


@compiled
def blocks_of(member: Any, start: IntArray, whole: FloatArray, spread: float) -> tuple[IntArray, IntArray]:
    """Cut each sequence (`start` (S + 1,)) into blocks: `stop` (B,) and the first block of each sequence (S + 1,).

    A block goes on while the expectation that its further places add, of the `whole` (n,) longest window, is at most
    `spread` standard deviations of its first zone; long ones are of eights, as `add_rows` takes them.
    """
    first = np.zeros(start.size, np.int64)
    stop = np.empty(start[-1], np.int64)
    used = 0
    for s in range(start.size - 1):
        at = start[s]
        total = 0.0
        while at < start[s + 1]:
            total += whole[member[at]]
            room = spread * sqrt(total)
            end = at + 1
            while end < start[s + 1] and whole[member[end]] <= room:
                room -= whole[member[end]]
                end += 1
            if end - at > 8 and end < start[s + 1]:
                end -= (end - at) % 8
            for j in range(at + 1, end):
                total += whole[member[j]]
            at = end
            stop[used] = at
            used += 1
        first[s + 1] = used
    return stop[:used].copy(), first


@compiled
def weights_before(
    member: Any, start: IntArray, stop: IntArray, block: IntArray, weight: FloatArray
) -> FloatArray:
    """The summed `weight` (n, K) of what a sequence holds before each block, (B, K)."""
    result = np.zeros((stop.size, weight.shape[1]))
    total = np.zeros(weight.shape[1])
    for s in range(start.size - 1):
        total[:] = 0
        at = start[s]
        for b in range(block[s], block[s + 1]):
            result[b] = total
            for j in range(at, stop[b]):
                for k in range(total.size):
                    total[k] += weight[member[j], k]
            at = stop[b]
    return result


@compiled
def fill_row(
    row: Any,
    before: FloatArray,
    joining: FloatArray,
    profile: FloatArray,
    runs: IntArray,
    largest: FloatArray,
    start: NDArray[np.int32],
    per_case: int,
) -> None:
    """The thresholds of one block, for every window: the smallest counts that can reach the floor with the expectation
    of its first zone, made of what is `before` it (K,) and of the first place `joining` (K,)."""
    one_weight = before.size == 1
    whole = (before[0] + joining[0]) * (1 - SLACK)
    for n in range(runs.shape[0]):
        upper, lower, w = runs[n, 0], runs[n, 1], runs[n, 3]
        for i in range(runs[n, 2]):
            if one_weight:
                share = profile[upper + i] - (profile[lower + i] if lower >= 0 else 0.0)
                expected = whole * share
            else:
                expected = before[upper + i] + joining[upper + i]
                if lower >= 0:
                    expected -= before[lower + i] + joining[lower + i]
                expected *= 1 - SLACK
            count = start[min(int(expected * per_case), start.size - 1)]
            while count < largest.size and largest[count] < expected:
                count += 1
            row[w + i] = min(count, NEVER) if row.itemsize == 2 else count
        for i in range(runs[n, 2], (runs[n, 2] + PAD - 1) // PAD * PAD):
            row[w + i] = NEVER if row.itemsize == 2 else largest.size


@compiled
def fill_table(
    table: Any,
    chosen: IntArray,
    row_start: IntArray,
    member: Any,
    start: IntArray,
    stop: IntArray,
    block: IntArray,
    before: FloatArray,
    weight: FloatArray,
    profile: FloatArray,
    runs: IntArray,
    kind: IntArray,
    largest: FloatArray,
    first: NDArray[np.int32],
    per_case: int,
) -> None:
    """Thresholds of all blocks of the `chosen` sequences, one row a block from `row_start` on."""
    for q in range(chosen.size):
        s = chosen[q]
        at = start[s]
        most, counts = largest[kind[s]], first[kind[s]]
        for b in range(block[s], block[s + 1]):
            row = table[row_start[q] + b - block[s]]
            fill_row(row, before[b], weight[member[at]], profile, runs, most, counts, per_case)
            at = stop[b]
