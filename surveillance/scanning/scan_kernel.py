"""The scan itself, compiled: the largest statistic over all windows, of replicates and of the data.

Zones of a sequence are taken in blocks. A block's last zone holds at least the cases of each of its zones and its
first zone at most their expectation, so a block can only hold a statistic of `floor` where the last zone's count
reaches the smallest count that would give it with the first zone's expectation. These whole-number thresholds are
compared for all lanes and replicates at once; only what passes is looked at zone by zone.

A *lane* is a cumulated count of a place. A *run* (b, a, length, w) says: windows w … w + length - 1 count lanes
b, b + 1, … less lanes a, a + 1, … (a = -1: less nothing).

One file on purpose: numba's cache does not notice a change in a compiled function of another file.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.compiled import compiled
from surveillance.types import FloatArray

IntArray = NDArray[np.int64]

EACH = np.int64(0x0001000100010001)
"""One in each 16-bit part of a word."""
HALF = np.int64(2**15)
SLACK = 1e-9
GROUP = 16
"""Replicates side by side: the innermost axis of all counts, so that one register holds a window of them all."""


@compiled
def ratio(count: float, expected: float, total: float, people: float) -> float:
    """Log likelihood ratio of `count` cases in a window where `expected`; 0 where not above it.

    Poisson and permutation (Kulldorff 1997, 2005) when `people` is 0, else Bernoulli with
    expected × people ÷ total of the `people` in the window.
    """
    if count <= expected:
        return 0.0
    outside = total - count
    if people == 0:
        value = count * log(count / expected)
        return value + outside * log(outside / (total - expected)) if outside > 0 else value
    inside = expected * people / total
    rest = people - inside
    value = count * log(count / inside) - total * log(total / people)
    if inside - count > 1e-9:
        value += (inside - count) * log(1 - count / inside)
    if outside > 0:
        value += outside * log(outside / rest)
    if rest - outside > 1e-9:
        value += (rest - outside) * log((rest - outside) / rest)
    if people > total:
        value -= (people - total) * log((people - total) / people)
    return value


@compiled
def largest_expected(floor: float, least: int, total: int, people: float) -> FloatArray:
    """For every count 0 … total: the largest expectation with which its ratio is at least `floor`; 0 where no
    expectation does it. Rises with the count."""
    result = np.zeros(total + 1)
    target = floor * (1 - SLACK)
    for count in range(least, total + 1):
        low = max(result[count - 1], count * (total / people) if people else 0.0)
        high = float(count)
        if low > 0 and ratio(count, low, total, people) < target:
            continue
        for _ in range(45):
            middle = 0.5 * (low + high)
            if middle > 0 and ratio(count, middle, total, people) >= target:
                low = middle
            else:
                high = middle
        result[count] = high
    return result


@compiled
def first_count(largest: FloatArray, per_case: int) -> NDArray[np.int32]:
    """A start for `least_count`: for expectation i ÷ per_case, the smallest count whose `largest` reaches it."""
    total = largest.size - 1
    start = np.empty(total * per_case + 2, np.int32)
    count = 0
    for i in range(start.size):
        while count <= total and largest[count] * per_case < i:
            count += 1
        start[i] = count
    return start


@compiled
def window_expected(weight: FloatArray, i: int, profile: FloatArray, upper: int, lower: int) -> float:
    """Expectation of a window of row i, `weight` (…, K): a number (K = 1) times the `profile` (L,) of the lanes, or
    an expectation for each lane (K = L)."""
    if weight.shape[1] == 1:
        return weight[i, 0] * (profile[upper] - (profile[lower] if lower >= 0 else 0.0))
    return weight[i, upper] - (weight[i, lower] if lower >= 0 else 0.0)


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
            row[w + i] = count


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


@compiled
def add_rows(counts: Any, member: Any, first: int, last: int, acc: Any) -> None:
    """Add the counts of the joining places to `acc`, eight at a time; two must fit in their type."""
    narrow = counts.dtype.type
    j = first
    while j + 8 <= last:
        a, b, c, d = counts[member[j]], counts[member[j + 1]], counts[member[j + 2]], counts[member[j + 3]]
        e, f, g, h = (
            counts[member[j + 4]],
            counts[member[j + 5]],
            counts[member[j + 6]],
            counts[member[j + 7]],
        )
        for k in range(acc.size):
            acc[k] += narrow(a[k] + b[k]) + narrow(c[k] + d[k]) + narrow(e[k] + f[k]) + narrow(g[k] + h[k])
        j += 8
    while j < last:
        a = counts[member[j]]
        for k in range(acc.size):
            acc[k] += a[k]
        j += 1


@compiled
def reached_short(above: IntArray, less: IntArray, limits: Any, flag: IntArray) -> bool:
    """Whether a window of a run reaches its threshold in any replicate; then the sign of its number in `flag` is set.

    Four 16-bit counts lie in each 64-bit word of `above` and `less` (lanes × 4,): adding 2¹⁵ less the threshold to
    each sets its sign where it is reached, and carries nothing to the next.
    """
    a = b = c = d = np.int64(0)
    if less.size == 0:
        for k in range(limits.size):
            bias = (HALF - np.int64(limits[k])) * EACH
            a |= above[4 * k] + bias
            b |= above[4 * k + 1] + bias
            c |= above[4 * k + 2] + bias
            d |= above[4 * k + 3] + bias
    else:
        for k in range(limits.size):
            bias = (HALF - np.int64(limits[k])) * EACH
            a |= above[4 * k] - less[4 * k] + bias
            b |= above[4 * k + 1] - less[4 * k + 1] + bias
            c |= above[4 * k + 2] - less[4 * k + 2] + bias
            d |= above[4 * k + 3] - less[4 * k + 3] + bias
    flag[0], flag[1], flag[2], flag[3] = a, b, c, d
    return ((a | b | c | d) & (HALF * EACH)) != 0


@compiled
def reached_long(acc: Any, upper: int, lower: int, limits: Any, flag: Any) -> bool:
    """As `reached_short` for 32-bit counts, one by one; `flag` (GROUP,)."""
    found = False
    for r in range(GROUP):
        flag[r] = 0
        for k in range(limits.size):
            less = acc[(lower + k) * GROUP + r] if lower >= 0 else 0
            if acc[(upper + k) * GROUP + r] - less >= limits[k]:
                flag[r], found = -1, True
    return found


@compiled
def cannot_exceed(count: float, expected: float, total: float, best: float) -> bool:
    """Whether the ratio surely stays at or below `best`: x ln x - x + 1 ≤ (x - 1)² / 2 for x ≥ 1, and with it
    (1 - y) ln (1 - y) + y ≤ y² / 2 (1 - y)."""
    if count <= expected:
        return True
    if count >= total or expected <= 0:
        return False
    more = count - expected
    return 0.5 * more * more * (1 / expected + 1 / (total - count)) < best * (1 - SLACK)


@compiled
def search_block(
    counts: Any,
    r: int,
    member: Any,
    first: int,
    last: int,
    reached: Any,
    upper: int,
    lower: int,
    before: FloatArray,
    b: int,
    weight: FloatArray,
    profile: FloatArray,
    largest: FloatArray,
    p: int,
    penalty: float,
    total: int,
    people: float,
    best: float,
) -> float:
    """The largest statistic above `best` of one window over the zones of a block whose last zone counts `reached`."""
    expected = window_expected(before, b, profile, upper, lower)
    if people == 0:
        joined = expected + window_expected(weight, member[first], profile, upper, lower)
        if cannot_exceed(reached, joined, total, best / penalty):
            return best
    count = reached
    for j in range(first, last):
        count -= counts[member[j], upper * GROUP + r]
        if lower >= 0:
            count += counts[member[j], lower * GROUP + r]
    for j in range(first, last):
        more = np.int64(counts[member[j], upper * GROUP + r])
        if lower >= 0:
            more -= counts[member[j], lower * GROUP + r]
        expected += window_expected(weight, member[j], profile, upper, lower)
        count += more
        if more > 0 and largest[p, count] > 0 and expected <= largest[p, count]:
            best = max(best, penalty * ratio(count, expected, total, people))
    return best


@compiled
def raise_maxima(
    best: FloatArray,
    counts: Any,
    chosen: IntArray,
    row_start: IntArray,
    table: Any,
    member: Any,
    start: IntArray,
    stop: IntArray,
    block: IntArray,
    before: FloatArray,
    weight: FloatArray,
    profile: FloatArray,
    runs: IntArray,
    kind: IntArray,
    penalty: FloatArray,
    largest: FloatArray,
    first_counts: NDArray[np.int32],
    per_case: int,
    total: int,
    people: float,
) -> None:
    """Raise `best` (R,) to each replicate's largest statistic over the `chosen` sequences.

    `counts` is (n, lanes × GROUP), R at most GROUP; sums of them are kept in the type of `table`. Statistics below the
    floor of `largest` may be overlooked, none above it. Counts may wrap around: a window's count must be less than half
    the range of its type away from its threshold. Without `row_start` the thresholds are worked out as they are needed,
    in `table`'s only row.
    """
    acc = np.zeros(counts.shape[1], table.dtype)
    flag = np.zeros(GROUP, table.dtype)
    words, flag_words = acc.view(np.int64), flag.view(np.int64)
    short = table.itemsize == 2
    window_mask = 0xFFFF if short else 0xFFFFFFFF
    for q in range(chosen.size):
        s = chosen[q]
        p = kind[s]
        acc[:] = 0
        at = start[s]
        row = row_start[q] if row_start.size else 0
        for b in range(block[s], block[s + 1]):
            add_rows(counts, member, at, stop[b], acc)
            if not row_start.size:
                joining = weight[member[at]]
                fill_row(table[0], before[b], joining, profile, runs, largest[p], first_counts[p], per_case)
            for n in range(runs.shape[0]):
                upper, lower, length, w = runs[n, 0], runs[n, 1], runs[n, 2], runs[n, 3]
                limits = table[row, w : w + length]
                if short:
                    above = words[upper * 4 : (upper + length) * 4]
                    less = words[lower * 4 : (lower + length) * 4] if lower >= 0 else words[:0]
                    reaches = reached_short(above, less, limits, flag_words)
                else:
                    reaches = reached_long(acc, upper, lower, limits, flag)
                if not reaches:
                    continue
                for r in range(best.size):
                    if flag[r] >= 0:
                        continue
                    for k in range(length):
                        low = lower + k if lower >= 0 else -1
                        reached = np.int64(acc[(upper + k) * GROUP + r])
                        if low >= 0:
                            reached -= acc[low * GROUP + r]
                        reached &= window_mask
                        if reached >= limits[k]:
                            best[r] = search_block(
                                counts, r, member, at, stop[b], reached, upper + k, low,
                                before, b, weight, profile, largest, p, penalty[s], total, people, best[r],
                            )  # fmt: skip
            at = stop[b]
            if row_start.size:
                row += 1


@compiled
def best_windows(
    counts: Any,
    member: Any,
    start: IntArray,
    stop: IntArray,
    block: IntArray,
    before: FloatArray,
    weight: FloatArray,
    profile: FloatArray,
    runs: IntArray,
    least: int,
    total: int,
    people: float,
    first: int,
    last: int,
    best: FloatArray,
    length: IntArray,
    window: IntArray,
) -> None:
    """The best window of each sequence `first` … `last` - 1 of the data, `counts` (n, lanes): its ratio, without
    penalty, in `best` (S,), the `length` (S,) of its zone and its lanes in `window` (S, 2).

    Of equals, the smaller zone, then the run and window named first.
    """
    acc = np.zeros(counts.shape[1], counts.dtype)
    for s in range(first, last):
        acc[:] = 0
        at = start[s]
        for b in range(block[s], block[s + 1]):
            add_rows(counts, member, at, stop[b], acc)
            for n in range(runs.shape[0]):
                for i in range(runs[n, 2]):
                    upper, lower = runs[n, 0] + i, runs[n, 1] + i if runs[n, 1] >= 0 else -1
                    reached = acc[upper] - (acc[lower] if lower >= 0 else 0)
                    if reached < least:
                        continue
                    expected = window_expected(before, b, profile, upper, lower)
                    if people == 0:
                        joined = expected + window_expected(weight, member[at], profile, upper, lower)
                        if cannot_exceed(reached, joined, total, best[s]):
                            continue
                    count = reached
                    for j in range(at, stop[b]):
                        count -= counts[member[j], upper] - (counts[member[j], lower] if lower >= 0 else 0)
                    for j in range(at, stop[b]):
                        more = counts[member[j], upper] - (counts[member[j], lower] if lower >= 0 else 0)
                        expected += window_expected(weight, member[j], profile, upper, lower)
                        count += more
                        if more == 0 or count < least:
                            continue
                        value = ratio(count, expected, total, people)
                        same = abs(value - best[s]) <= 1e-12 * value
                        if (value > best[s] and not same) or (same and j + 1 - start[s] < length[s]):
                            best[s], length[s] = value, j + 1 - start[s]
                            window[s, 0], window[s, 1] = upper, lower
            at = stop[b]
