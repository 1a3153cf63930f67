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
SHIFT_56, LOW = np.uint64(56), np.uint64(0xFFFFFFFF)
EACH_BYTE = np.uint64(0x0101010101010101)
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
def permute(
    counts: Any, held: Any, column: int, key: Any, place: Any, stop: IntArray, lane: Any, lane_stop: IntArray
) -> None:
    """Deal the lanes of each stratum out to as many of its cases, chosen as they come (Fisher–Yates)."""
    dealt = place.copy()
    first = low = 0
    for g in range(stop.size):
        for i in range(lane_stop[g] - low):
            key += GOLDEN
            j = first + i + below(mixed(key), stop[g] - first - i)
            chosen = dealt[j]
            dealt[j] = dealt[first + i]
            counts[chosen, column + lane[low + i]] += 1
            held[chosen] += 1
        first, low = stop[g], lane_stop[g]


@compiled
def scatter(
    counts: Any,
    held: Any,
    column: int,
    key: Any,
    keep: Keys,
    other: Keys,
    lane_keep: Keys,
    lane_other: Keys,
    cases: int,
) -> None:
    """Let each case fall in a place, by the alias table `keep` (n + 1,) and `other` (2, n + 1: kept and not), then in a
    lane, by tables (1 or n + 1, lanes). Without branches, as no processor foretells them."""
    shared = np.uint64(0) if lane_keep.shape[0] == 1 else ~np.uint64(0)
    first = np.uint64(column)
    for _ in range(cases):
        key += GOLDEN
        bits = mixed(key)
        split = (bits >> SHIFT_32) * np.uint64(keep.size)
        cell = split >> SHIFT_32
        place = other[np.uint64((split & LOW) >= keep[cell]), cell]
        split = (bits & LOW) * np.uint64(lane_keep.shape[1])
        cell = split >> SHIFT_32
        row = place & shared
        lane = lane_other[row, np.uint64((split & LOW) >= lane_keep[row, cell]), cell]
        counts[place, first + lane] += 1
        held[place] += 1


@compiled
def choose(counts: Any, held: Any, column: int, key: Any, place: Any, lane: Any, cases: int) -> None:
    """Make `cases` of the people cases, each with equal chance."""
    person = np.arange(place.size)
    for i in range(cases):
        key += GOLDEN
        j = i + below(mixed(key), place.size - i)
        person[i], person[j] = person[j], person[i]
        if lane[person[i]] >= 0:
            counts[place[person[i]], column + lane[person[i]]] += 1
            held[place[person[i]]] += 1


@compiled
def add_up(counts: Any, size: int) -> None:
    """Cumulate each replicate's `size` lanes; bytes eight at a time, the sums of which must fit in a byte."""
    if counts.itemsize == 1:
        words = counts.view(np.uint64)
        for i in range(words.shape[0]):
            for first in range(0, words.shape[1], size // 8):
                carried = np.uint64(0)
                for w in range(first, first + size // 8):
                    words[i, w] = (words[i, w] + carried) * EACH_BYTE
                    carried = words[i, w] >> SHIFT_56
    else:
        for i in range(counts.shape[0]):
            for k in range(counts.shape[1]):
                if k % size:
                    counts[i, k] += counts[i, k - 1]


@compiled
def draw_counts(
    counts: Any,
    kind: int,
    keys: Keys,
    place: Any,
    stop: IntArray,
    lane: Any,
    lane_stop: IntArray,
    keep: Keys,
    other: Keys,
    lane_keep: Keys,
    lane_other: Keys,
    cases: int,
) -> int:
    """Fill `counts` (n + 1, GROUP × size) with one replicate per key, cumulated along its lanes; the last row is of the
    cases that no window reaches. Returns the most cases of a place: when they do not fit, `counts` is of no use."""
    counts[:] = 0
    held = np.empty(counts.shape[0], np.int64)
    size, most = counts.shape[1] // GROUP, 0
    for r in range(keys.size):
        held[:] = 0
        key, column = keys[r], r * size
        if kind == PERMUTE:
            permute(counts, held, column, key, place, stop, lane, lane_stop)
        elif kind == SCATTER:
            scatter(counts, held, column, key, keep, other, lane_keep, lane_other, cases)
        else:
            choose(counts, held, column, key, place, lane, cases)
        most = max(most, held[:-1].max())
    add_up(counts, size)
    return most
