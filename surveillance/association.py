"""Spatial association: do high values lie beside high values, and where (docs/methods/association.md).

Global and local Moran's I (Anselin 1995; conditional moments: Sokal, Oden & Thomson 1998), Getis–Ord Gi* (Ord &
Getis 1995), conditional permutations. Numbers as R's spdep. An area that cannot be judged has NaN and a reason.
Over many areas, follow with `false_discovery`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from i18n import Message
from surveillance.adjacency import Weights
from surveillance.association_field import NOISE, Field
from surveillance.types import BoolArray, FloatArray

REASONS: Mapping[str, str] = {
    "unknown_value": "Khu vực chưa có số liệu nên chưa thể so sánh với xung quanh.",
    "invalid_value": "Giá trị của khu vực không hợp lệ hoặc lớn quá mức có thể; hãy kiểm tra lại số liệu nguồn.",
    "no_neighbours": "Không có khu vực liền kề nào có số liệu để so sánh.",
    "no_variation": "Giá trị các khu vực không khác nhau nên không so sánh được.",
    "too_few_areas": "Có quá ít khu vực có số liệu (cần ít nhất 4) nên không so sánh được.",
}


def explain(code: str) -> Message:
    """The words for a reason code of this module. Raises KeyError for another."""
    return Message(REASONS[code])


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalMoran:
    """Moran's I of the whole map. `p` is one-sided: like values lie together. NaN with a `reason`."""

    statistic: float
    expected: float
    variance: float
    z: float
    p: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalMoran:
    """Local Moran's I of N areas; arrays are (N,). `p` is two-sided, by the normal approximation.

    `quadrant` is "high-high", "low-low", "high-low" (high among low) or "low-high"; empty with a `reason`.
    """

    statistic: FloatArray
    expected: FloatArray
    variance: FloatArray
    z: FloatArray
    p: FloatArray
    quadrant: NDArray[np.str_]
    reason: NDArray[np.str_]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalG:
    """Getis–Ord Gi* of N areas as standard deviates, (N,): above 0 a hot spot, below 0 a cold spot; `p` two-sided."""

    z: FloatArray
    p: FloatArray
    reason: NDArray[np.str_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Permutations:
    """What conditional permutations say of N local statistics; arrays are (N,).

    `expected` and `variance` of the statistic over the permutations. `p_greater` and `p_less` are
    (1 + as extreme) / (1 + permutations), ties counting as extreme; `p` is two-sided, at most 1.
    """

    expected: FloatArray
    variance: FloatArray
    p_greater: FloatArray
    p_less: FloatArray
    p: FloatArray
    reason: NDArray[np.str_]


def global_moran(values: FloatArray, weights: Weights, *, randomisation: bool = True) -> GlobalMoran:
    """Moran's I of `values` (N,) with its moments under randomisation, or under normality (Cliff & Ord 1981).

    Areas without neighbours stay in the map's mean and number (spdep: `adjust.n = FALSE`).
    """
    field = Field.of(values, weights)
    reason = field.refusal()
    if reason:
        return _no_moran(reason)
    expected = -1 / (field.size - 1)
    second = _second_moment(field, randomisation)
    variance = second - expected**2
    if variance <= NOISE * second:
        return _no_moran("no_variation")
    statistic = _products(field) / (field.weights.weight.sum() * field.m2)
    z = float((statistic - expected) / np.sqrt(variance))
    return GlobalMoran(
        statistic=statistic, expected=expected, variance=variance, z=z, p=float(ndtr(-z)), reason=""
    )


def permute_global_moran(
    values: FloatArray, weights: Weights, *, rng: np.random.Generator, permutations: int = 9_999
) -> float:
    """One-sided p of the global Moran's I from permutations of the values over all areas; NaN where it has none."""
    from surveillance.association_kernel import permuted_products

    field = Field.of(values, weights)
    if field.refusal():
        return float("nan")
    w, keys = field.weights, _keys(rng, _at_least_one(permutations))
    found = permuted_products(field.deviation, w.start, w.neighbour, w.weight, keys)
    tie = NOISE * w.weight.sum() * np.max(field.deviation**2)
    return float((1 + np.sum(found >= _products(field) - tie)) / (1 + permutations))


def local_moran(values: FloatArray, weights: Weights, *, conditional: bool = True) -> LocalMoran:
    """Local Moran's I of `values` (N,): I_i = z_i / m2 · Σ_j w_ij z_j with m2 = Σ z² / n.

    Moments given the area's own value (`conditional`, spdep's default), or with all values dealt out anew
    (Anselin 1995, with Sokal et al.'s variance).
    """
    field = Field.of(values, weights)
    numbers = np.full((3, field.kept.size), np.nan)
    if not field.refusal():
        moments = _conditional_moments(field) if conditional else _total_moments(field)
        numbers[:, field.kept] = field.slope * field.weights.lag(field.deviation), *moments
    reason = field.reasons(field.flat_moran)
    numbers[:, reason != ""] = np.nan
    statistic, expected, variance = numbers
    z = (statistic - expected) / np.sqrt(variance)
    return LocalMoran(
        statistic=statistic,
        expected=expected,
        variance=variance,
        z=z,
        p=2 * ndtr(-np.abs(z)),
        quadrant=np.where(reason == "", field.spread_words(), ""),
        reason=reason,
    )


def local_g(values: FloatArray, weights: Weights) -> LocalG:
    """Getis–Ord Gi* of `values` (N,): the area counts as its own neighbour, with the mean weight of the others."""
    field = Field.of(values, weights)
    z = np.full(field.kept.size, np.nan)
    if not field.refusal():
        own, scale = _g_scale(field)
        z[field.kept] = (field.weights.lag(field.deviation) + own * field.deviation) * scale
    reason = field.reasons(field.flat_g)
    z[reason != ""] = np.nan
    return LocalG(z=z, p=2 * ndtr(-np.abs(z)), reason=reason)


def permute_local_moran(
    values: FloatArray,
    weights: Weights,
    *,
    rng: np.random.Generator,
    permutations: int = 9_999,
    replacement: bool = False,
) -> Permutations:
    """Local Moran's I against the other areas' values dealt out anew around each area.

    `replacement` draws each neighbour from all others anew, as `localmoran_perm` of spdep 1.2-7 does; the
    conditional moments are those without.
    """
    field = Field.of(values, weights)
    if field.refusal():
        return _unpermuted(field)
    start = -field.slope * field.row_sum * field.mean
    return _permuted(field, start, field.slope, field.flat_moran, rng, permutations, replacement)


def permute_local_g(
    values: FloatArray, weights: Weights, *, rng: np.random.Generator, permutations: int = 9_999
) -> Permutations:
    """Gi* against the other areas' values dealt out anew around each area, whose own value stays."""
    field = Field.of(values, weights)
    if field.refusal():
        return _unpermuted(field)
    own, scale = _g_scale(field)
    start = scale * (own * field.deviation - field.row_sum * field.mean)
    return _permuted(field, start, scale, field.flat_g, rng, permutations, False)


def _no_moran(reason: str) -> GlobalMoran:
    nan = float("nan")
    return GlobalMoran(statistic=nan, expected=nan, variance=nan, z=nan, p=nan, reason=reason)


def _products(field: Field) -> float:
    return float((field.deviation * field.weights.lag(field.deviation)).sum())


def _second_moment(field: Field, randomisation: bool) -> float:
    """E(I²), Cliff & Ord 1981, eqs. 1.38 and 1.45."""
    n, w = field.size, field.weights
    edges, mirrored = w.row * n + w.neighbour, w.neighbour * n + w.row
    _, here, there = np.intersect1d(edges, mirrored, return_indices=True)
    s0 = w.weight.sum()
    s1 = (w.weight**2).sum() + (w.weight[here] * w.weight[there]).sum()
    s2 = ((field.row_sum + np.bincount(w.neighbour, weights=w.weight, minlength=n)) ** 2).sum()
    if not randomisation:
        return float((n**2 * s1 - n * s2 + 3 * s0**2) / (s0**2 * (n**2 - 1)))
    kurtosis = np.mean(field.deviation**4) / field.m2**2
    straight = n * ((n**2 - 3 * n + 3) * s1 - n * s2 + 3 * s0**2)
    tails = kurtosis * ((n**2 - n) * s1 - 2 * n * s2 + 6 * s0**2)
    return float((straight - tails) / ((n - 1) * (n - 2) * (n - 3) * s0**2))


def _conditional_moments(field: Field) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of I_i given z_i (Sokal, Oden & Thomson 1998)."""
    n, m2, z_squared = field.size, field.m2, field.deviation**2
    expected = -z_squared * field.row_sum / ((n - 1) * m2)
    weighing = field.row_squares - field.row_sum**2 / (n - 1)
    variance = z_squared / m2**2 * n / (n - 2) * weighing * (m2 - z_squared / (n - 1))
    return expected, variance


def _total_moments(field: Field) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of I_i over all ways to deal out the values (Anselin 1995)."""
    n = field.size
    kurtosis = np.mean(field.deviation**4) / field.m2**2
    expected = -field.row_sum / (n - 1)
    variance = (n - kurtosis) / (n - 1) * field.row_squares - expected**2
    variance += (2 * kurtosis - n) / ((n - 1) * (n - 2)) * (field.row_sum**2 - field.row_squares)
    return expected, variance


def _g_scale(field: Field) -> tuple[FloatArray, FloatArray]:
    """An area's weight for itself, and what turns its lag into a standard deviate; 0 where it has none."""
    own, n = field.own_weight, field.size
    spread = n * (field.row_squares + own**2) - (field.row_sum + own) ** 2
    spread = np.where(field.flat_g() | (own == 0), np.inf, spread)
    return own, 1 / np.sqrt(field.m2 * spread / (n - 1))


def _keys(rng: np.random.Generator, number: int) -> NDArray[np.uint64]:
    return rng.integers(0, 2**64, number, dtype=np.uint64)


def _at_least_one(permutations: int) -> int:
    if permutations < 1:
        raise ValueError("at least one permutation is needed")
    return permutations


def _permuted(
    field: Field,
    intercept: FloatArray,
    slope: FloatArray,
    flat: Callable[[], BoolArray],
    rng: np.random.Generator,
    permutations: int,
    replacement: bool,
) -> Permutations:
    """For a statistic that is intercept + slope · lag of the values."""
    from surveillance.association_kernel import permuted_lags

    w, keys = field.weights, _keys(rng, field.size)
    at_least, at_most, mean, variance = permuted_lags(
        field.values, w.start, w.neighbour, w.weight, keys, _at_least_one(permutations), replacement
    )
    more, less = np.where(slope > 0, (at_least, at_most), (at_most, at_least))
    numbers = np.full((4, field.kept.size), np.nan)
    numbers[:, field.kept] = (
        intercept + slope * mean,
        slope**2 * variance,
        (1 + more) / (1 + permutations),
        (1 + less) / (1 + permutations),
    )
    reason = field.reasons(flat)
    numbers[:, reason != ""] = np.nan
    return _as_permutations(numbers, reason)


def _unpermuted(field: Field) -> Permutations:
    return _as_permutations(np.full((4, field.kept.size), np.nan), field.reasons(field.flat_moran))


def _as_permutations(numbers: FloatArray, reason: NDArray[np.str_]) -> Permutations:
    expected, variance, greater, less = numbers
    return Permutations(
        expected=expected,
        variance=variance,
        p_greater=greater,
        p_less=less,
        p=np.minimum(2 * np.minimum(greater, less), 1),
        reason=reason,
    )
