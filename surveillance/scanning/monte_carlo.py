"""Maxima of replicates: a pure function of a plan, a seed and a range of replicates, so that any worker may take
any range and the whole is the same."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from surveillance.scanning.dealing import GROUP, Deal, counts_of, deal
from surveillance.scanning.growth import Growth
from surveillance.scanning.null import Null
from surveillance.types import FloatArray

IntArray = NDArray[np.int64]

SPREAD = 0.5
"""How much a block may grow, in standard deviations: long ones are fewer to compare, short ones pass less often."""
PASSES = (1 / 256, 1 / 24)
"""The share of sequences in each pass before the whole one: what a replicate reaches is the floor of the next."""
FLOOR_GROUPS = (0.05, 0.25, 0.6)
"""Where replicates, weakest first, are parted into groups with a floor of their own, in one pass."""
FIRST_FLOOR = 3.5
"""The lowest floor tried first: replicates whose maximum stays below are scanned once more."""
TABLE_BYTES = 64_000_000
"""Thresholds held at once; beyond, sequences are worked off in parts."""
PER_CASE = 4
SHORT_ENOUGH = 25_000
"""Up to this expectation, a count and its threshold are never 2¹⁵ apart, and 16 bits are enough."""
PAD = 16
"""As in scan_kernel.py."""


class Windows(NamedTuple):
    """Spans of intervals to look at. `lane` (T,) is where a case of interval t is counted first (-1: nowhere);
    after adding up, `runs` (m, 4) say which lanes make which windows (scan_kernel.py)."""

    lane: IntArray
    lanes: int
    runs: IntArray
    longest: int

    def span(self, upper: int, lower: int) -> tuple[int, int]:
        """First and last interval of the window between two lanes."""
        if lower < 0:
            last = self.lane.size - 1
            return last - upper, last
        return lower, upper - 1

    @property
    def columns(self) -> int:
        """Of a row of thresholds: those of each run are filled up to whole registers."""
        return int(_filled_up(self.runs[:, 2]).sum())


def windows(intervals: int, shortest: int, longest: int, first_end: int) -> Windows:
    """Windows of `shortest` … `longest` intervals that end at interval `first_end` or later.

    When only the last interval ends them (prospective), a lane is a duration; else a lane is a point of time.
    """
    longest = min(longest, intervals)
    if first_end >= intervals - 1:
        lane = intervals - 1 - np.arange(intervals)
        runs = [(shortest - 1, -1, longest - shortest + 1, 0)]
        return Windows(
            np.where(lane < longest, lane, -1), longest, np.array(runs, np.int64).reshape(-1, 4), longest
        )
    runs, used = [], 0
    for duration in range(shortest, longest + 1):
        stop = max(duration, first_end + 1)
        number = intervals + 1 - stop
        if number > 0:
            runs.append((stop, stop - duration, number, used))
            used += _filled_up(number)
    return Windows(np.arange(intervals) + 1, intervals + 1, np.array(runs, np.int64).reshape(-1, 4), longest)


def _filled_up(length: Any) -> Any:
    return -(-length // PAD) * PAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that a replicate needs, worked out once. Arrays as in scan_kernel.py; `tour` (S,) is the order of work."""

    deal: Deal
    windows: Windows
    growth: Growth
    stop: IntArray
    block: IntArray
    before: FloatArray
    weight: FloatArray
    profile: FloatArray
    kind: IntArray
    penalties: FloatArray
    tour: IntArray
    least: int
    people: float

    @property
    def most_expected(self) -> float:
        """The largest expectation of a window up to the first place of its zone's last block; the others of a block
        add half a standard deviation (`SPREAD`)."""
        opening = np.append(0, self.stop[:-1])[: self.stop.size]
        with_first = self.before + self.weight[self.growth.member[opening]]
        return float(with_first.max(initial=0.0) * max(self.profile.max(initial=0.0), 0.0))


def plan(null: Null, growth: Growth, spans: Windows, *, least: int = 2) -> Plan:
    """`least` is the smallest number of cases that makes a cluster."""
    from surveillance.scanning.block_kernel import blocks_of, weights_before

    weight, profile = _weights(null.expected, spans)
    longest = spans.longest
    whole = null.expected.sum(1) * (longest / null.expected.shape[1])
    stop, block = blocks_of(growth.member, growth.start, whole, SPREAD)
    penalties, kind = np.unique(growth.penalty, return_inverse=True)
    return Plan(
        deal=deal(null.model, null.draw, spans.lane, weight, profile),
        windows=spans,
        growth=growth,
        stop=stop,
        block=block,
        before=weights_before(growth.member, growth.start, stop, block, weight),
        weight=weight,
        profile=profile,
        kind=kind.astype(np.int64),
        penalties=penalties,
        tour=_tour(growth.centres[growth.centre]),
        least=least,
        people=null.people,
    )


def _tour(points: FloatArray) -> IntArray:
    """An order of points (S, d) in which the next is near, up and down in stripes: sequences that follow one another
    then have most of their places in common, and find their counts in the cache."""
    stripe = np.argsort(np.argsort(points[:, 0], kind="stable"), kind="stable")
    stripe //= max(int(np.sqrt(len(points))), 1)
    return np.lexsort((np.where(stripe % 2, -1, 1) * points[:, 1], stripe))


def _weights(expected: FloatArray, spans: Windows) -> tuple[FloatArray, FloatArray]:
    """Expectations by lane: (n, 1) and a profile (L,) where place and time are independent, else (n, L) and ones."""
    rows, columns, total = expected.sum(1), expected.sum(0), expected.sum()
    product = np.outer(rows, columns) / total if total else expected
    if np.allclose(expected, product, rtol=1e-12, atol=0):
        return rows[:, None].copy(), _by_lane(columns[None, :] / (total or 1.0), spans)[0]
    return _by_lane(expected, spans), np.ones(spans.lanes)


def _by_lane(values: NDArray[Any], spans: Windows) -> NDArray[Any]:
    """(n, T) added up along the lanes, (n, L)."""
    lanes = np.zeros((len(values), spans.lanes), values.dtype)
    used = spans.lane >= 0
    lanes[:, spans.lane[used]] = values[:, used]
    return np.cumsum(lanes, axis=1)


def observed(plan: Plan, cases: IntArray, *, threads: int = 1) -> tuple[FloatArray, IntArray, IntArray]:
    """The best window of each sequence: statistic (S,), zone length (S,) and lanes (S, 2)."""
    from surveillance.scanning.scan_kernel import best_windows

    size = plan.growth.size
    best, length, lanes = np.zeros(size), np.zeros(size, np.int64), np.full((size, 2), -1)
    counts = _by_lane(cases.astype(np.int32), plan.windows)

    def work(piece: slice) -> None:
        best_windows(
            counts, plan.growth.member, plan.growth.start, plan.stop, plan.block, plan.before, plan.weight,
            plan.profile, plan.windows.runs, plan.least, plan.deal.cases, plan.people,
            piece.start, piece.stop, best, length, lanes,
        )  # fmt: skip

    _shared_out(work, _pieces(size, 8 * threads), threads)
    return best * plan.growth.penalty, length, lanes


def maxima(plan: Plan, seed: int, first: int, last: int, *, threads: int = 1) -> FloatArray:
    """The largest statistic of each replicate `first` … `last` - 1, (last - first,); 0 where no window has `least`
    cases and more than expected. Depends on nothing but the plan, the seed and the replicate's number."""
    from surveillance.scanning.draw_kernel import stream_keys

    best = np.zeros(last - first)
    if not (plan.windows.columns and plan.growth.size and plan.deal.cases):
        return best
    keys = stream_keys(seed, first, last)
    for share in PASSES:
        chosen = plan.tour[:: max(1, min(round(1 / share), plan.growth.size // 4))]
        _raise_all(plan, chosen, keys, best, np.arange(best.size), FIRST_FLOOR, threads)
    left = np.arange(best.size)
    highest = FIRST_FLOOR
    while left.size:
        floors = _raise_all(plan, plan.tour, keys, best, left, highest, threads)
        left = left[best[left] < floors]
        highest = highest / 4 if highest > 0.1 else 0.0
    return best


def _raise_all(
    plan: Plan,
    chosen: IntArray,
    keys: NDArray[np.uint64],
    best: FloatArray,
    which: IntArray,
    lowest: float,
    threads: int,
) -> FloatArray:
    """One pass over the `chosen` sequences for replicates `which`, weak and strong ones apart. The floors (which.size,)
    above which nothing was passed over: what the weakest beside it had reached, or `lowest` if that is more."""
    order = np.argsort(best[which], kind="stable")
    floors = np.empty(which.size)
    for group in np.split(order, [round(part * order.size) for part in FLOOR_GROUPS]):
        if group.size:
            floors[group] = max(float(best[which[group]].min()), lowest)
            _raise(plan, chosen, keys, best, which[group], float(floors[group[0]]), threads)
    return floors


def _raise(
    plan: Plan,
    chosen: IntArray,
    keys: NDArray[np.uint64],
    best: FloatArray,
    group: IntArray,
    floor: float,
    threads: int,
) -> None:
    """One pass over the `chosen` sequences for the replicates of `group`, for statistics from `floor` on."""
    from surveillance.scanning.scan_kernel import largest_expected, raise_maxima

    spans, growth = plan.windows, plan.growth
    counter = np.int16 if plan.most_expected < SHORT_ENOUGH else np.int32
    largest = np.array(
        [largest_expected(floor / p, plan.least, plan.deal.cases, plan.people) for p in plan.penalties]
    )
    for part in _parts(plan, chosen, np.dtype(counter).itemsize):
        row_start, table = _thresholds(plan, part, largest, counter, threads)

        def work(
            piece: IntArray, part: IntArray = part, row_start: IntArray = row_start, table: Any = table
        ) -> None:
            counts, fold = counts_of(plan.deal, keys[piece], len(plan.weight), spans.lanes, counter)
            reached = best[piece]
            raise_maxima(
                reached, counts, fold, part, row_start, table, growth.member, growth.start, plan.stop, plan.block,
                plan.before, plan.weight, plan.profile, spans.runs, growth.penalty, plan.least,
                plan.deal.cases, plan.people,
            )  # fmt: skip
            best[piece] = reached

        _shared_out(work, (group[i : i + GROUP] for i in range(0, group.size, GROUP)), threads)


def _parts(plan: Plan, chosen: IntArray, itemsize: int) -> list[IntArray]:
    """The `chosen` sequences in parts whose thresholds may be held at once."""
    used = np.cumsum(np.diff(plan.block)[chosen]) * (plan.windows.columns * itemsize)
    return np.split(chosen, np.flatnonzero(np.diff(used // TABLE_BYTES)) + 1)


def _thresholds(
    plan: Plan, chosen: IntArray, largest: FloatArray, counter: type, threads: int
) -> tuple[IntArray, NDArray[Any]]:
    """Where the rows of each of the `chosen` sequences begin, and a row of thresholds for each of its blocks."""
    from surveillance.scanning.block_kernel import fill_table

    steps = np.arange(plan.deal.cases * PER_CASE + 2) / PER_CASE
    first = np.array([np.searchsorted(row, steps) for row in largest]).astype(np.int32)
    rows = np.diff(plan.block)[chosen]
    row_start = np.cumsum(rows) - rows
    table: NDArray[Any] = np.empty((int(rows.sum()), plan.windows.columns), counter)
    growth = plan.growth

    def work(piece: slice) -> None:
        fill_table(
            table, chosen[piece], row_start[piece], growth.member, growth.start, plan.stop, plan.block, plan.before,
            plan.weight, plan.profile, plan.windows.runs, plan.kind, largest, first, PER_CASE,
        )  # fmt: skip

    _shared_out(work, _pieces(chosen.size, 4 * threads), threads)
    return row_start, table


def _pieces(size: int, number: int) -> list[slice]:
    edges = np.linspace(0, size, number + 1).astype(int)
    return [slice(first, last) for first, last in pairwise(edges)]


def _shared_out(work: Callable[[Any], None], pieces: Any, threads: int) -> None:
    if threads == 1:
        for piece in pieces:
            work(piece)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, pieces))
