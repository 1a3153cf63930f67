"""Random replicates, compiled. One counter-based stream (SplitMix64, Steele et al. 2014) per replicate, so that it
does not matter who draws it, when, and beside which others.

One file on purpose: numba's cache does not notice a change in a compiled function of another file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.compiled import compiled
from surveillance.types import FloatArray

IntArray = NDArray[np.int64]
Keys = NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1, MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SHIFT_30, SHIFT_27, SHIFT_31, SHIFT_32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
SHIFT_11 = np.uint64(11)
PERMUTE, SCATTER, CHOOSE = 0, 1, 2
GROUP = 16
"""As in scan_kernel.py."""


@compiled
def mixed(bits: Any) -> Any:
    bits = (bits ^ (bits >> SHIFT_30)) * MIX_1
    bits = (bits ^ (bits >> SHIFT_27)) * MIX_2
    return bits ^ (bits >> SHIFT_31)


@compiled
def stream_keys(seed: int, first: int, last: int) -> Keys:
    """The stream of each replicate `first` … `last` - 1."""
    keys = np.empty(last - first, np.uint64)
    start = mixed(np.uint64(seed) + GOLDEN)
    for i in range(keys.size):
        keys[i] = mixed(start ^ mixed(np.uint64(first + i) * GOLDEN + MIX_1))
    return keys


@compiled
def below(bits: Any, most: int) -> Any:
    """0 … most - 1 from 64 random bits; `most` below 2³², uneven by at most most / 2³²."""
    return np.int64(((bits >> SHIFT_32) * np.uint64(most)) >> SHIFT_32)


@compiled
def alias_table(weight: FloatArray) -> tuple[FloatArray, IntArray]:
    """Vose's alias table of `weight` (M,): cell i is kept with probability `keep[i]`, else it is `other[i]`."""
    size = weight.size
    keep, other = np.ones(size), np.arange(size)
    scaled = weight * (size / weight.sum()) if size else weight
    small, large = np.empty(size, np.int64), np.empty(size, np.int64)
    smalls = larges = 0
    for i in range(size):
        if scaled[i] < 1:
            small[smalls] = i
            smalls += 1
        else:
            large[larges] = i
            larges += 1
    while smalls and larges:
        smalls -= 1
        less, more = small[smalls], large[larges - 1]
        keep[less], other[less] = scaled[less], more
        scaled[more] -= 1 - scaled[less]
        if scaled[more] < 1:
            larges -= 1
            small[smalls] = more
            smalls += 1
    return keep, other


@compiled
def permute(counts: Any, r: int, key: Any, place: IntArray, lane: IntArray, stop: IntArray) -> None:
    """Deal the lanes of the cases out anew within each stratum (Fisher–Yates); one case to a place and lane."""
    dealt = lane.copy()
    first = 0
    for last in stop:
        for i in range(last - 1, first - 1, -1):
            key += GOLDEN
            j = first + below(mixed(key), i - first + 1)
            dealt[i], dealt[j] = dealt[j], dealt[i]
            if dealt[i] >= 0:
                counts[place[i], dealt[i] * GROUP + r] += 1
        first = last


@compiled
def scatter(
    counts: Any,
    r: int,
    key: Any,
    place: IntArray,
    lane: IntArray,
    keep: FloatArray,
    other: IntArray,
    cases: int,
) -> None:
    """Let each case fall in a cell with the chances of the alias table."""
    for _ in range(cases):
        key += GOLDEN
        bits = mixed(key)
        cell = below(bits, place.size)
        key += GOLDEN
        if np.float64(mixed(key) >> SHIFT_11) * 2.0**-53 >= keep[cell]:
            cell = other[cell]
        if lane[cell] >= 0:
            counts[place[cell], lane[cell] * GROUP + r] += 1


@compiled
def choose(counts: Any, r: int, key: Any, place: IntArray, lane: IntArray, cases: int) -> None:
    """Make `cases` of the people cases, each with equal chance."""
    person = np.arange(place.size)
    for i in range(cases):
        key += GOLDEN
        j = i + below(mixed(key), place.size - i)
        person[i], person[j] = person[j], person[i]
        if lane[person[i]] >= 0:
            counts[place[person[i]], lane[person[i]] * GROUP + r] += 1


@compiled
def draw_counts(
    counts: Any,
    kind: int,
    keys: Keys,
    place: IntArray,
    lane: IntArray,
    stop: IntArray,
    keep: FloatArray,
    other: IntArray,
    cases: int,
) -> None:
    """Fill `counts` (n, lanes × GROUP) with one replicate per key, then add up along the lanes.

    `lane` (M,) is the lane of each case, cell or person; -1 where no window reaches.
    """
    counts[:] = 0
    for r in range(keys.size):
        if kind == PERMUTE:
            permute(counts, r, keys[r], place, lane, stop)
        elif kind == SCATTER:
            scatter(counts, r, keys[r], place, lane, keep, other, cases)
        else:
            choose(counts, r, keys[r], place, lane, cases)
    for i in range(counts.shape[0]):
        for k in range(GROUP, counts.shape[1]):
            counts[i, k] += counts[i, k - GROUP]
