"""Knox test: are cases near one another in place also near in time, more than by chance (docs/methods/knox.md)?

Knox 1964; permutation of the times among the points: Mantel 1967. Statistic, expectation and table as R's
`surveillance::knox` 1.20.3; R deals out anew the closeness of *pairs*, whose limit is `p_pairs` here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, gammaln

from i18n import Message
from surveillance.types import FloatArray

MOST_PAIRS = 50_000_000
"""Pairs close in space held in memory at once (4 bytes each)."""

REASONS: Mapping[str, str] = {
    "too_few_points": "Có quá ít ca đủ cả ngày và vị trí (cần ít nhất 3) nên không tính được.",
    "no_close_pairs": "Không có cặp ca nào gần nhau ở khoảng cách và số ngày đã chọn; hãy chọn lớn hơn.",
    "all_pairs_close": "Mọi cặp ca đều gần nhau ở khoảng cách hoặc số ngày đã chọn; hãy chọn nhỏ hơn.",
    "too_many_pairs": "Có quá nhiều cặp ca gần nhau để tính; hãy chọn khoảng cách nhỏ hơn hoặc ít ca hơn.",
}


def explain(code: str) -> Message:
    """The words for a reason code of this module. Raises KeyError for another."""
    return Message(REASONS[code])


class PairTable(NamedTuple):
    """All pairs of points, by what they are close in."""

    both: int
    space_only: int
    time_only: int
    neither: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Knox:
    """`table.both` is the statistic. All p are one-sided: more close pairs than by chance; NaN with a `reason`.

    `p` is (1 + permutations with at least as many) / (1 + permutations). `p_pairs` is exact for pairs drawn
    independently (hypergeometric), `p_poisson` is P(X > statistic), strictly, as R has it: both are too small
    where pairs share points, so judge by `p`. `simulated` is (permutations,), `left_out` counts points without
    a known time or place.
    """

    table: PairTable
    expected: float
    p: float
    p_pairs: float
    p_poisson: float
    simulated: NDArray[np.int64]
    left_out: int
    reason: str


def knox(
    times: FloatArray,
    x: FloatArray,
    y: FloatArray,
    *,
    days: float,
    metres: float,
    rng: np.random.Generator,
    permutations: int = 999,
) -> Knox:
    """Knox test of points with `times` (N,) in days and projected places `x`, `y` (N,) in metres.

    Close is at most `days` and at most `metres` apart. NaN or infinite means unknown. Raises ValueError for
    unequal shapes, fewer than one permutation, and limits that are negative or not numbers.
    """
    from surveillance.knox_kernel import permuted_counts

    _check(times, x, y, days, metres, permutations)
    known = np.isfinite(times) & np.isfinite(x) & np.isfinite(y)
    order = np.flatnonzero(known)[np.argsort(x[known], kind="stable")]
    left_out = int(times.size - order.size)
    if order.size < 3:
        return _refused("too_few_points", left_out, PairTable(0, 0, 0, 0))
    placed = _Points(*(part[order].astype(np.float64) for part in (times, x, y)))
    table, start, partner = _counted(placed, days, metres)
    reason = _refusal(table) if start[-1] <= MOST_PAIRS else "too_many_pairs"
    if reason:
        return _refused(reason, left_out, table)
    keys = rng.integers(0, 2**64, permutations, dtype=np.uint64)
    simulated = permuted_counts(*_narrowed(placed.times, days), start, partner, keys)
    expected = expected_pairs(table)
    return Knox(
        table=table,
        expected=expected,
        p=float((1 + np.sum(simulated >= table.both)) / (1 + permutations)),
        p_pairs=_hypergeometric_tail(table),
        p_poisson=float(gammainc(table.both + 1, expected)),
        simulated=simulated,
        left_out=left_out,
        reason="",
    )


class _Points(NamedTuple):
    """Known points with rising `x`; arrays are (n,)."""

    times: FloatArray
    x: FloatArray
    y: FloatArray


def _counted(
    points: _Points, days: float, metres: float
) -> tuple[PairTable, NDArray[np.int64], NDArray[np.int32]]:
    """The table, and for point i those close in space, later in `x`: `partner[start[i]:start[i + 1]]`.

    With more than MOST_PAIRS pairs close in space, neither the table nor the partners are counted.
    """
    from surveillance import knox_kernel as kernel

    times, x, y = points
    start = np.concatenate(([0], np.cumsum(kernel.count_close_in_space(x, y, metres))))
    if start[-1] > MOST_PAIRS:
        return PairTable(0, 0, 0, 0), start, np.empty(0, np.int32)
    partner = kernel.list_close_in_space(x, y, metres, start)
    both = int(kernel.close_in_both(times, start, partner, days))
    in_time = int(kernel.close_in_time(np.sort(times), days))
    return _table(both, int(start[-1]), in_time, times.size), start, partner


def _narrowed(times: FloatArray, span: float) -> tuple[NDArray[np.floating], np.floating]:
    """Whole days, as they nearly always are, in half the bytes: exact below 2²⁴, and twice as fast."""
    since = times - times.min()
    if np.all(since == np.floor(since)) and since.max() < 2**24:
        return since.astype(np.float32), np.float32(min(np.floor(span), 2**24))
    return times, np.float64(span)


def expected_pairs(table: PairTable) -> float:
    """Pairs close in both, were place and time unrelated: exact for both ways to permute. NaN without pairs."""
    pairs = sum(table)
    if not pairs:
        return float("nan")
    return (table.both + table.space_only) / pairs * (table.both + table.time_only)


def _check(
    times: FloatArray, x: FloatArray, y: FloatArray, days: float, metres: float, permutations: int
) -> None:
    if times.ndim != 1 or not times.shape == x.shape == y.shape:
        raise ValueError(f"times, x and y have shapes {times.shape}, {x.shape}, {y.shape}")
    if not (0 <= days < np.inf and 0 <= metres < np.inf):
        raise ValueError(f"days and metres must be numbers from 0 on, not {days} and {metres}")
    if permutations < 1:
        raise ValueError("at least one permutation is needed")


def _table(both: int, in_space: int, in_time: int, points: int) -> PairTable:
    neither = points * (points - 1) // 2 - in_space - in_time + both
    return PairTable(both=both, space_only=in_space - both, time_only=in_time - both, neither=neither)


def _refusal(table: PairTable) -> str:
    in_space, in_time = table.both + table.space_only, table.both + table.time_only
    if not in_space or not in_time:
        return "no_close_pairs"
    return "all_pairs_close" if sum(table) in (in_space, in_time) else ""


def _refused(reason: str, left_out: int, table: PairTable) -> Knox:
    nan = float("nan")
    return Knox(
        table=table,
        expected=expected_pairs(table),
        p=nan,
        p_pairs=nan,
        p_poisson=nan,
        simulated=np.empty(0, np.int64),
        left_out=left_out,
        reason=reason,
    )


def _hypergeometric_tail(table: PairTable) -> float:
    """P(X ≥ both) when the pairs close in time are drawn from all pairs without regard to place."""
    pairs, in_space, in_time = sum(table), table.both + table.space_only, table.both + table.time_only
    both = np.arange(table.both, min(in_space, in_time) + 1, dtype=np.float64)
    both = both[pairs - in_space - in_time + both >= 0]
    logs = _log_choose(in_space, both) + _log_choose(pairs - in_space, in_time - both)
    return float(min(np.exp(logs - _log_choose(pairs, np.asarray(float(in_time)))).sum(), 1.0))


def _log_choose(total: int, taken: FloatArray) -> FloatArray:
    return gammaln(total + 1.0) - gammaln(taken + 1) - gammaln(total - taken + 1)
