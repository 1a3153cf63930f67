"""The scan itself, compiled: the largest statistic over all windows, of replicates and of the data.

Zones of a sequence are taken in blocks. A block's last zone holds at least the cases of each of its zones and its
first zone at most their expectation, so a block can only hold a statistic of `floor` where the last zone's count
reaches the smallest count that would give it with the first zone's expectation. These whole-number thresholds are
compared for all lanes and replicates at once; only what passes is looked at zone by zone.

A *lane* is a cumulated count of a place. A *run* (b, a, length, w) says: windows w … w + length - 1 count lanes
b, b + 1, … less lanes a, a + 1, … (a = -1: less nothing).

`add_bytes` and `any_reaches` are LLVM's own vectors, of fixed length and no alignment: LLVM splits them over whatever
registers a processor has, so the sums are the same on any. `monte_carlo` and `dealing` give rows of whole vectors.

One file on purpose: numba's cache does not notice a change in a compiled function of another file.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from surveillance.detection.compiled import compiled
from surveillance.types import FloatArray

IntArray = NDArray[np.int64]

SLACK = 1e-9
GROUP = 16
"""Replicates side by side, each with all its lanes."""
PAD = 16
"""Windows of a run compared at once; its thresholds are filled up to as many with such as no count reaches."""
BYTES = 32
"""Bytes added at once."""
TILES = (16, 4)
"""Vectors kept in registers: as many as there are, then fewer; any row is a whole number of the last."""


def _vector(builder: Any, address: Any, kind: Any) -> Any:
    return builder.load(builder.bitcast(address, kind.as_pointer()), align=1)


def _add_bytes(
    typing: Any, counts: Any, member: Any, first: Any, last: Any, fold: Any, acc: Any
) -> tuple[Any, Any]:
    """add_bytes(counts, member, first, last, fold, acc): add the rows of `counts`, bytes, of the joining places to the
    wider `acc`; `fold` rows surely add up in a byte.

    In LLVM's words, as no loop in Python keeps the sums of a row in registers: half the time, for short blocks.
    """
    signature = types.void(counts, member, first, last, fold, acc)

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kinds = signature.args
        rows, order, sums = (context.make_array(kinds[i])(context, builder, given[i]) for i in (0, 1, 5))
        first, last, fold = given[2:5]
        index = first.type
        stride = cgutils.unpack_tuple(builder, rows.strides, 2)[0]
        columns = cgutils.unpack_tuple(builder, rows.shape, 2)[1]
        byte, wide = ir.VectorType(ir.IntType(8), BYTES), ir.VectorType(sums.data.type.pointee, BYTES)

        def tile(column: Any, width: int) -> None:
            """Add columns `column` … + width × BYTES - 1."""
            many = [cgutils.alloca_once(builder, byte) for _ in range(width)]
            with cgutils.for_range_slice(builder, first, last, fold, index) as (begin, _):
                end = builder.add(begin, fold)
                end = builder.select(builder.icmp_signed("<", end, last), end, last)
                for one in many:
                    builder.store(ir.Constant(byte, None), one)
                with cgutils.for_range_slice(builder, begin, end, ir.Constant(index, 1), index) as (j, _):
                    place = builder.zext(builder.load(builder.gep(order.data, [j])), index)
                    row = builder.gep(rows.data, [builder.add(builder.mul(place, stride), column)])
                    for v, one in enumerate(many):
                        part = _vector(builder, builder.gep(row, [ir.Constant(index, v * BYTES)]), byte)
                        builder.store(builder.add(builder.load(one), part), one)
                for v, one in enumerate(many):
                    at = builder.gep(sums.data, [builder.add(column, ir.Constant(index, v * BYTES))])
                    at = builder.bitcast(at, wide.as_pointer())
                    total = builder.add(builder.load(at, align=1), builder.zext(builder.load(one), wide))
                    builder.store(total, at, align=1)

        begun = ir.Constant(index, 0)
        for vectors in TILES:
            step = ir.Constant(index, vectors * BYTES)
            whole = builder.mul(builder.sdiv(columns, step), step)
            with cgutils.for_range_slice(builder, begun, whole, step, index) as (column, _):
                tile(column, vectors)
            begun = whole
        return context.get_dummy_value()

    return signature, emit


def _any_reaches(
    typing: Any, acc: Any, at: Any, less: Any, size: Any, many: Any, limits: Any
) -> tuple[Any, Any]:
    """any_reaches(acc, at, less, size, many, limits): whether a window of a run reaches its threshold in any of `many`
    replicates. The first one's windows count `acc` from `at` on, less those from `at + less` on (0: none); the next
    one's lie `size` further. In LLVM's words as `add_bytes`: a sixth of the time."""
    signature = types.boolean(acc, at, less, size, many, limits)

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kinds = signature.args
        sums, least = (context.make_array(kinds[i])(context, builder, given[i]) for i in (0, 5))
        at, less, size, many = given[1:5]
        index = at.type
        item = sums.data.type.pointee
        vector, mask = ir.VectorType(item, PAD), ir.VectorType(ir.IntType(1), PAD)
        length = cgutils.unpack_tuple(builder, least.shape, 1)[0]
        zero, one = ir.Constant(index, 0), ir.Constant(index, 1)
        lowest = ir.Constant(vector, [-(2 ** (item.width - 1))] * PAD)
        found, most = cgutils.alloca_once(builder, mask), cgutils.alloca_once(builder, vector)
        builder.store(ir.Constant(mask, None), found)

        def highest(k: Any, subtract: bool) -> None:
            with cgutils.for_range_slice(builder, zero, many, one, index) as (r, _):
                lane = builder.add(builder.add(at, k), builder.mul(r, size))
                value = _vector(builder, builder.gep(sums.data, [lane]), vector)
                if subtract:
                    other = builder.gep(sums.data, [builder.add(lane, less)])
                    value = builder.sub(value, _vector(builder, other, vector))
                known = builder.load(most)
                builder.store(builder.select(builder.icmp_signed(">", value, known), value, known), most)

        with cgutils.for_range_slice(builder, zero, length, ir.Constant(index, PAD), index) as (k, _):
            builder.store(lowest, most)
            with builder.if_else(builder.icmp_signed("==", less, zero)) as (plain, apart):
                with plain:
                    highest(k, False)
                with apart:
                    highest(k, True)
            limit = _vector(builder, builder.gep(least.data, [k]), vector)
            reached = builder.icmp_signed(">=", builder.load(most), limit)
            builder.store(builder.or_(builder.load(found), reached), found)
        bits = builder.bitcast(builder.load(found), ir.IntType(PAD))
        return builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))

    return signature, emit


add_bytes: Any = intrinsic(_add_bytes)
any_reaches: Any = intrinsic(_any_reaches)


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
def poisson_root(count: int, target: float, total: int) -> float:
    """The expectation with which the Poisson ratio of `count` is `target`, or just above it; `count`, which overlooks
    nothing, where the target is so small that the slope vanishes.

    By Newton's method in ln μ, in which the ratio is convex and falls: from the left it never passes the root.
    """
    if target < 1e-3:
        return float(count)
    share = target / count
    at = log(count) - sqrt(2 * share) - share
    outside = total - count
    for _ in range(30):
        expected = exp(at)
        slope = outside * expected / (total - expected) - count
        step = (ratio(count, expected, total, 0.0) - target) / slope
        at -= step
        if -step < 1e-13:
            break
    return min(exp(at) * (1 + 1e-10), float(count))


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
        if people == 0:
            result[count] = poisson_root(count, target, total)
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
def window_expected(weight: FloatArray, i: int, profile: FloatArray, upper: int, lower: int) -> float:
    """Expectation of a window of row i, `weight` (…, K): a number (K = 1) times the `profile` (L,) of the lanes, or
    an expectation for each lane (K = L)."""
    if weight.shape[1] == 1:
        return weight[i, 0] * (profile[upper] - (profile[lower] if lower >= 0 else 0.0))
    return weight[i, upper] - (weight[i, lower] if lower >= 0 else 0.0)


@compiled
def add_rows(counts: Any, member: Any, first: int, last: int, acc: Any) -> None:
    """Add the counts of the joining places to `acc`, two at a time."""
    j = first
    while j + 2 <= last:
        a, b = counts[member[j]], counts[member[j + 1]]
        for k in range(a.size):
            acc[k] += a[k] + b[k]
        j += 2
    if j < last:
        a = counts[member[j]]
        for k in range(a.size):
            acc[k] += a[k]


@compiled
def cannot_exceed(count: float, expected: float, total: float, people: float, best: float) -> bool:
    """Whether the ratio surely stays below `best`, without a logarithm where it can be had: ln (1 + u) is at most
    u (6 + u) / (6 + 4 u) (Topsøe 2007), and (1 - y) ln (1 - y) + y ≤ y² / 2 (1 - y)."""
    if count <= expected:
        return True
    if expected <= 0:
        return False
    if people > 0 or count >= total:
        return ratio(count, expected, total, people) < best * (1 - SLACK)
    more = count - expected
    inside = (3 * expected + more) / (expected * (6 * expected + 4 * more))
    return more * more * (inside + 0.5 / (total - count)) < best * (1 - SLACK)


@compiled
def search_block(
    counts: Any,
    lane: int,
    less: int,
    member: Any,
    first: int,
    last: int,
    reached: int,
    expected: float,
    weight: FloatArray,
    profile: FloatArray,
    upper: int,
    lower: int,
    least: int,
    penalty: float,
    total: int,
    people: float,
    best: float,
) -> float:
    """The largest statistic above `best` of one window over the zones of a block whose last zone counts `reached`;
    `lane` and `lane + less` (0: none) are its columns of `counts`, `expected` is without the block."""
    goal = best / penalty
    joined = expected + window_expected(weight, member[first], profile, upper, lower)
    if cannot_exceed(reached, joined, total, people, goal):
        return best
    count = np.int64(reached)
    for j in range(first, last):
        count -= np.int64(counts[member[j], lane])
        if less:
            count += np.int64(counts[member[j], lane + less])
    for j in range(first, last):
        more = np.int64(counts[member[j], lane])
        if less:
            more -= np.int64(counts[member[j], lane + less])
        expected += window_expected(weight, member[j], profile, upper, lower)
        count += more
        if more > 0 and count >= least and not cannot_exceed(count, expected, total, people, goal):
            goal = max(goal, ratio(count, expected, total, people))
    return max(best, goal * penalty)


@compiled
def raise_maxima(
    best: FloatArray,
    counts: Any,
    fold: int,
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
    penalty: FloatArray,
    least: int,
    total: int,
    people: float,
) -> None:
    """Raise `best` (R,) to each replicate's largest statistic over the `chosen` sequences.

    `counts` is (n, GROUP × size), R at most GROUP, in bytes of which `fold` add up in one; sums of them are kept in the
    type of `table`. Statistics below the floor of `table` may be overlooked, none above it. Cumulated counts may wrap
    around, a window's count must not.
    """
    acc = np.zeros(counts.shape[1] + PAD, table.dtype)
    size = counts.shape[1] // GROUP
    for q in range(chosen.size):
        s = chosen[q]
        acc[:] = 0
        at = start[s]
        for b in range(block[s], block[s + 1]):
            if counts.itemsize == 1:
                add_bytes(counts, member, at, stop[b], fold, acc)
            else:
                add_rows(counts, member, at, stop[b], acc)
            row = table[row_start[q] + b - block[s]]
            for n in range(runs.shape[0]):
                upper, lower, length, w = runs[n, 0], runs[n, 1], runs[n, 2], runs[n, 3]
                less = lower - upper if lower >= 0 else 0
                limits = row[w : w + (length + PAD - 1) // PAD * PAD]
                if not any_reaches(acc, upper, less, size, best.size, limits):
                    continue
                for r in range(best.size):
                    lane = r * size + upper
                    if not any_reaches(acc, lane, less, size, 1, limits):
                        continue
                    for k in range(length):
                        reached = np.int64(acc[lane + k])
                        if less:
                            reached = np.int64(acc.dtype.type(reached - acc[lane + less + k]))
                        if reached >= limits[k]:
                            low = lower + k if less else -1
                            expected = window_expected(before, b, profile, upper + k, low)
                            best[r] = search_block(
                                counts, lane + k, less, member, at, stop[b], reached, expected, weight, profile,
                                upper + k, low, least, penalty[s], total, people, best[r],
                            )  # fmt: skip
            at = stop[b]


@compiled
def fill_expected(out: Any, whole: FloatArray, profile: FloatArray, runs: IntArray) -> None:
    """The expectation of every window of a zone whose expectation is `whole` (K,)."""
    for n in range(runs.shape[0]):
        length, row = runs[n, 2], out[runs[n, 3] :]
        lanes = whole if whole.size > 1 else profile
        factor = whole[0] if whole.size == 1 else 1.0
        above = lanes[runs[n, 0] :]
        if runs[n, 1] < 0:
            for k in range(length):
                row[k] = factor * above[k]
        else:
            less = lanes[runs[n, 1] :]
            for k in range(length):
                row[k] = factor * (above[k] - less[k])


@compiled
def mark_promising(
    marked: Any,
    acc: Any,
    expected: FloatArray,
    runs: IntArray,
    least: int,
    total: int,
    people: float,
    goal: float,
) -> bool:
    """Mark the windows whose count `cannot_exceed` does not show to stay below `goal`: the same bound, many at once."""
    found = False
    target = 2 * goal * (1 - SLACK)
    for n in range(runs.shape[0]):
        length, mark, awaited = runs[n, 2], marked[runs[n, 3] :], expected[runs[n, 3] :]
        above = acc[runs[n, 0] :]
        less = acc[runs[n, 1] :] if runs[n, 1] >= 0 else acc[acc.size // 2 :]
        for k in range(length):
            count = float(above[k] - less[k])
            mean = awaited[k] * (1 - SLACK)
            more, outside = count - mean, total - count
            scale = mean * (6 * mean + 4 * more)
            high = more * more * (2 * outside * (3 * mean + more) + scale) >= target * outside * scale
            mark[k] = (count >= least) & (more > 0) & (high | (people > 0))
            found |= mark[k]
    return found


@compiled
def reached_by_blocks(
    counts: Any,
    acc: Any,
    member: Any,
    at: int,
    stop: IntArray,
    first: int,
    last: int,
    before: FloatArray,
    profile: FloatArray,
    runs: IntArray,
    least: int,
    total: int,
    people: float,
    expected: FloatArray,
    marked: Any,
) -> float:
    """The largest ratio of a sequence's zones that end a block `first` … `last` - 1 with another behind it."""
    goal = 0.0
    acc[:] = 0
    for b in range(first, last - 1):
        add_rows(counts, member, at, stop[b], acc)
        at = stop[b]
        fill_expected(expected, before[b + 1], profile, runs)
        if not mark_promising(marked, acc, expected, runs, least, total, people, goal):
            continue
        for n in range(runs.shape[0]):
            for i in range(runs[n, 2]):
                if marked[runs[n, 3] + i]:
                    count = acc[runs[n, 0] + i] - (acc[runs[n, 1] + i] if runs[n, 1] >= 0 else 0)
                    goal = max(goal, ratio(count, expected[runs[n, 3] + i], total, people))
    return goal


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
    acc = np.zeros(2 * counts.shape[1], counts.dtype)  # the other half stays 0: for windows less nothing
    joined = np.empty(weight.shape[1])
    columns = 0
    for n in range(runs.shape[0]):
        columns = max(columns, runs[n, 3] + runs[n, 2])
    awaited, marked = np.empty(columns), np.empty(columns, np.bool_)
    for s in range(first, last):
        goal = reached_by_blocks(
            counts, acc, member, start[s], stop, block[s], block[s + 1], before, profile, runs, least, total, people,
            awaited, marked,
        )  # fmt: skip
        acc[:] = 0
        at = start[s]
        for b in range(block[s], block[s + 1]):
            add_rows(counts, member, at, stop[b], acc)
            for k in range(joined.size):
                joined[k] = before[b, k] + weight[member[at], k]
            fill_expected(awaited, joined, profile, runs)
            if not mark_promising(marked, acc, awaited, runs, least, total, people, goal):
                at = stop[b]
                continue
            for n in range(runs.shape[0]):
                for i in range(runs[n, 2]):
                    if not marked[runs[n, 3] + i]:
                        continue
                    upper, lower = runs[n, 0] + i, runs[n, 1] + i if runs[n, 1] >= 0 else -1
                    expected = window_expected(before, b, profile, upper, lower)
                    count = acc[upper] - (acc[lower] if lower >= 0 else 0)
                    for j in range(at, stop[b]):
                        count -= counts[member[j], upper] - (counts[member[j], lower] if lower >= 0 else 0)
                    for j in range(at, stop[b]):
                        more = counts[member[j], upper] - (counts[member[j], lower] if lower >= 0 else 0)
                        expected += window_expected(weight, member[j], profile, upper, lower)
                        count += more
                        if more == 0 or count < least or cannot_exceed(count, expected, total, people, goal):
                            continue
                        value = ratio(count, expected, total, people)
                        same = abs(value - best[s]) <= 1e-12 * value
                        if (value > best[s] and not same) or (same and j + 1 - start[s] < length[s]):
                            best[s], length[s] = value, j + 1 - start[s]
                            window[s, 0], window[s, 1] = upper, lower
                            goal = max(goal, value)
            at = stop[b]
