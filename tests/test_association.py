"""Spatial association equals spdep, keeps its laws, and says why where nothing can be said."""

from __future__ import annotations

import csv
from itertools import permutations as orders
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from surveillance import association, smoothing
from surveillance.adjacency import Weights, adjacency_weights, given_weights
from surveillance.association import (
    global_moran,
    local_g,
    local_moran,
    permute_global_moran,
    permute_local_g,
    permute_local_moran,
)
from surveillance.false_discovery import adjust_fdr, fdr_cutoff
from surveillance.smoothing import smooth_rates, smooth_rates_locally

ORACLES = Path(__file__).parent / "oracles"
REFERENCE = Path(__file__).parents[2] / "shared" / "reference" / "spdep"
MAPS = [("columbus", "W"), ("columbus", "B"), ("columbusKNN6", "W")]
EXACT: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-12}
COUNTS = arrays(np.float64, 12, elements=st.integers(0, 6).map(float))


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(line for line in path.read_text().splitlines() if not line.startswith("#")))


def column(rows: list[dict[str, str]], name: str) -> Any:
    return np.array([float(row[name]) for row in rows])


def rows_of(name: str, map_name: str, style: str) -> list[dict[str, str]]:
    return [row for row in read(ORACLES / name) if (row["map"], row["style"]) == (map_name, style)]


def columbus(map_name: str = "columbus", style: str = "W") -> Weights:
    pairs = [
        (int(row["id"]), int(neighbour))
        for row in read(ORACLES / "association_neighbours.csv")
        if row["map"] == map_name
        for neighbour in row["neighbours"].split()
    ]
    return adjacency_weights(range(1, 50), pairs, row_standardised=style == "W")


def grid(width: int, height: int, *, row_standardised: bool = True) -> Weights:
    cells = list(product(range(width), range(height)))
    pairs = [(a, b) for a in cells for b in cells if abs(a[0] - b[0]) + abs(a[1] - b[1]) == 1]
    return adjacency_weights(cells, pairs, row_standardised=row_standardised)


def rng() -> np.random.Generator:
    return np.random.default_rng(20261122)


@pytest.mark.parametrize(("map_name", "style"), MAPS)
def test_local_moran_equals_spdep(map_name: str, style: str) -> None:
    rows = rows_of("association_local.csv", map_name, style)
    weights = columbus(map_name, style)
    given_own = local_moran(column(rows, "x"), weights)
    total = local_moran(column(rows, "x"), weights, conditional=False)
    for found, name in [
        (given_own.statistic, "Ii"), (given_own.expected, "EIi"), (given_own.variance, "VarIi"),
        (given_own.z, "ZIi"), (given_own.p, "p"),
        (total.expected, "EIi_tot"), (total.variance, "VarIi_tot"), (total.z, "ZIi_tot"),
    ]:  # fmt: skip
        np.testing.assert_allclose(found, column(rows, name), **EXACT)
    assert list(given_own.quadrant) == [row["quadr_pysal"].lower() for row in rows]


@pytest.mark.parametrize(("map_name", "style"), MAPS)
def test_getis_ord_equals_spdep(map_name: str, style: str) -> None:
    rows = rows_of("association_local.csv", map_name, style)
    found = local_g(column(rows, "x"), columbus(map_name, style))
    np.testing.assert_allclose(found.z, column(rows, "GiStar"), **EXACT)


@pytest.mark.parametrize(("map_name", "style"), MAPS)
def test_global_moran_equals_spdep(map_name: str, style: str) -> None:
    values = column(rows_of("association_local.csv", map_name, style), "x")
    (row,) = rows_of("association_global.csv", map_name, style)
    random = global_moran(values, columbus(map_name, style))
    normal = global_moran(values, columbus(map_name, style), randomisation=False)
    found = [
        random.statistic,
        random.expected,
        random.variance,
        random.z,
        random.p,
        normal.variance,
        normal.z,
    ]
    names = ["I", "EI", "VI_rand", "z_rand", "p_rand", "VI_norm", "z_norm"]
    np.testing.assert_allclose(found, [float(row[name]) for name in names], **EXACT)


def test_every_recorded_map_equals_spdep() -> None:
    if not REFERENCE.exists():
        pytest.skip("../shared/reference is not here")
    for path in sorted(REFERENCE.glob("*_local.csv")):
        rows, style = read(path), path.stem.split("_")[-2]
        edges = read(path.with_name(path.name.replace("_local", "_weights")))
        pairs = [(int(edge["i"]), int(edge["j"])) for edge in edges]
        weights = adjacency_weights(range(1, 50), pairs, row_standardised=style == "W")
        np.testing.assert_allclose(local_moran(column(rows, "x"), weights).z, column(rows, "ZIi"), **EXACT)
        np.testing.assert_allclose(local_g(column(rows, "x"), weights).z, column(rows, "GiStar"), **EXACT)


def test_empirical_bayes_rates_equal_spdep() -> None:
    rows = read(ORACLES / "association_rates.csv")
    cases, population = column(rows, "n"), column(rows, "pop")
    overall, local = smooth_rates(cases, population), smooth_rates_locally(cases, population, columbus())
    np.testing.assert_allclose(overall.raw, column(rows, "raw"), **EXACT)
    np.testing.assert_allclose(overall.smoothed, column(rows, "ebest"), **EXACT)
    np.testing.assert_allclose(local.smoothed, column(rows, "eblocal"), **EXACT)


def test_adjusted_p_equals_r() -> None:
    rows = rows_of("association_local.csv", "columbus", "W")
    adjusted = adjust_fdr(column(rows, "p"))
    np.testing.assert_allclose(adjusted, column(rows, "bh"), **EXACT)
    cutoff = fdr_cutoff(column(rows, "p"), alpha=0.1)
    assert np.array_equal(column(rows, "p") <= cutoff, adjusted <= 0.1)


def test_permutations_with_replacement_equal_spdep_within_their_error() -> None:
    rows = rows_of("association_local.csv", "columbus", "W")
    found = permute_local_moran(
        column(rows, "x"), columbus(), rng=rng(), permutations=99_999, replacement=True
    )
    np.testing.assert_allclose(found.variance, column(rows, "perm_VarIi"), rtol=0.1)
    np.testing.assert_allclose(found.p, column(rows, "perm_p_sim_two"), atol=0.04)


@pytest.mark.parametrize(("map_name", "style"), MAPS)
def test_permutations_have_the_moments_of_theory(map_name: str, style: str) -> None:
    values = column(rows_of("association_local.csv", map_name, style), "x")
    weights = columbus(map_name, style)
    found = permute_local_moran(values, weights, rng=rng(), permutations=99_999)
    theory = local_moran(values, weights)
    np.testing.assert_allclose(found.variance, theory.variance, rtol=0.04)
    error = 5 * np.sqrt(theory.variance / 99_999)
    assert np.all(np.abs(found.expected - theory.expected) < error)


def test_moments_and_p_are_those_of_all_permutations() -> None:
    values, weights = np.array([0.0, 1, 5, 2, 9, 2]), grid(2, 3)
    everywhere = [
        (local_moran(np.array(order), weights).statistic, global_moran(np.array(order), weights).statistic)
        for order in orders(values)
    ]
    local, whole = (np.array(part) for part in zip(*everywhere, strict=True))
    total, theory = local_moran(values, weights, conditional=False), global_moran(values, weights)
    np.testing.assert_allclose(local.mean(axis=0), total.expected, **EXACT)
    np.testing.assert_allclose(local.var(axis=0), total.variance, **EXACT)
    np.testing.assert_allclose([whole.mean(), whole.var()], [theory.expected, theory.variance], **EXACT)
    share = np.mean(whole >= theory.statistic - 1e-12)
    assert permute_global_moran(values, weights, rng=rng(), permutations=99_999) == pytest.approx(
        share, abs=0.01
    )


def test_conditional_p_counts_all_ways_to_deal_out_the_others() -> None:
    values, weights = np.array([0.0, 1, 5, 2, 9, 2]), grid(2, 3)
    observed, greater = local_moran(values, weights), []
    for area in range(6):
        ways = [np.insert(np.array(order), area, values[area]) for order in orders(np.delete(values, area))]
        found = [local_moran(way, weights).statistic[area] for way in ways]
        greater.append(np.mean(np.array(found) >= observed.statistic[area] - 1e-12))
    p = permute_local_moran(values, weights, rng=rng(), permutations=99_999).p_greater
    np.testing.assert_allclose(p, greater, atol=0.01)


def test_a_hot_corner_is_found_and_the_rest_is_not() -> None:
    values = rng().poisson(3, (10, 10)).astype(float)
    values[:3, :3] += 12
    found = permute_local_g(values.ravel(), grid(10, 10), rng=rng())
    hot = (adjust_fdr(found.p) <= 0.05) & (found.p_greater < found.p_less)
    assert hot.reshape(10, 10)[1, 1]
    assert not hot.reshape(10, 10)[5:, 5:].any()


def test_many_equal_counts_are_ties_that_count_as_extreme() -> None:
    values = np.zeros(100)
    values[[12, 57, 80]] = 1
    found = permute_local_moran(values, grid(10, 10), rng=rng(), permutations=999)
    alone = found.reason == ""
    assert np.all(found.p[alone & (local_g(values, grid(10, 10)).z < 0)] > 0.5)


def test_the_same_seed_gives_the_same_p() -> None:
    values = rng().normal(size=100)
    first, second = (permute_local_moran(values, grid(10, 10), rng=rng(), permutations=99) for _ in range(2))
    assert np.array_equal(first.p, second.p)


def test_an_island_is_told_apart_and_stays_in_the_mean() -> None:
    """spdep 1.2-7 with area 1 of Columbus cut off, zero.policy = TRUE, adjust.n = FALSE."""
    rows = rows_of("association_local.csv", "columbus", "W")
    values, whole = column(rows, "x"), columbus()
    pairs = [(a, b) for a, b in zip(whole.row, whole.neighbour, strict=True) if 0 not in (a, b)]
    cut = adjacency_weights(range(49), pairs)
    local, overall = local_moran(values, cut), global_moran(values, cut)
    assert local.reason[0] == "no_neighbours" and np.isnan(local.p[0]) and local.quadrant[0] == ""
    np.testing.assert_allclose(
        local.z[1:4], [0.341947030736210633, 0.132229954248603315, 0.066662323448672137], **EXACT
    )
    found = [overall.statistic, overall.variance, overall.z]
    np.testing.assert_allclose(
        found, [0.4871741703666018, 0.0088251841727562171, 5.4076458107596874], **EXACT
    )
    assert permute_local_moran(values, cut, rng=rng(), permutations=9).reason[0] == "no_neighbours"
    assert local_g(values, cut).reason[0] == "no_neighbours"


def test_an_unknown_area_leaves_the_map_and_its_neighbours_are_weighed_anew() -> None:
    values = rng().normal(size=12)
    values[5] = np.nan
    found = local_moran(values, grid(3, 4))
    cells = list(product(range(3), range(4)))
    there = [cell for number, cell in enumerate(cells) if number != 5]
    pairs = [(a, b) for a in there for b in there if abs(a[0] - b[0]) + abs(a[1] - b[1]) == 1]
    without = local_moran(np.delete(values, 5), adjacency_weights(there, pairs))
    assert found.reason[5] == "unknown_value"
    np.testing.assert_allclose(np.delete(found.z, 5), without.z, **EXACT)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.full(12, 3.0), "no_variation"),
        (np.full(12, 0.1) * np.repeat([3, 1], 6) / np.repeat([3, 1], 6), "no_variation"),
        (np.full(12, np.nan), "unknown_value"),
        (np.full(12, np.inf), "invalid_value"),
        (np.where(np.arange(12) < 3, np.arange(12.0), np.nan), "too_few_areas"),
    ],
)
def test_a_map_that_cannot_be_judged_says_why(values: Any, reason: str) -> None:
    weights = grid(3, 4)
    results: list[Any] = [
        local_moran(values, weights),
        local_g(values, weights),
        permute_local_moran(values, weights, rng=rng(), permutations=9),
        permute_local_g(values, weights, rng=rng(), permutations=9),
    ]
    for result in results:
        assert result.reason[0] == reason and np.all(np.isnan(result.p)) and np.all(result.reason != "")
    assert global_moran(values, weights).reason != ""
    assert np.isnan(permute_global_moran(values, weights, rng=rng(), permutations=9))


def test_one_ward_with_cases_cannot_be_compared_with_its_equal_surroundings() -> None:
    values = np.zeros(12)
    values[5] = 7
    assert local_moran(values, grid(3, 4)).reason[5] == "no_variation"
    assert permute_local_moran(values, grid(3, 4), rng=rng(), permutations=9).reason[5] == "no_variation"


def test_no_neighbours_at_all_is_a_reason() -> None:
    alone = adjacency_weights(range(6), [])
    assert set(local_moran(np.arange(6.0), alone).reason) == {"no_neighbours"}
    assert global_moran(np.arange(6.0), alone).reason == "no_neighbours"


def test_rates_say_what_is_missing() -> None:
    cases = np.array([3.0, np.nan, -1, 4, 5, 2, 1e12])
    population = np.array([100.0, 100, 100, 0, np.nan, 200, 100])
    expected = ["", "unknown_counts", "invalid_counts", "unknown_population", "unknown_population", "",
                "invalid_counts"]  # fmt: skip
    rates = smooth_rates(cases, population)
    assert list(rates.reason) == expected
    assert np.array_equal(np.isnan(rates.smoothed), rates.reason != "")
    local = smooth_rates_locally(cases, population, adjacency_weights(range(7), [(0, 1), (5, 6)]))
    assert local.reason[0] == "no_neighbours" and local.raw[0] == 0.03 and np.isnan(local.smoothed[0])


def test_no_cases_anywhere_is_a_rate_of_zero() -> None:
    rates = smooth_rates(np.zeros(12), np.full(12, 1000.0))
    local = smooth_rates_locally(np.zeros(12), np.full(12, 1000.0), grid(3, 4))
    assert np.all(rates.smoothed == 0) and np.all(local.smoothed == 0)


@pytest.mark.parametrize("code", [*association.REASONS, *smoothing.REASONS])
def test_every_reason_has_words(code: str) -> None:
    module = association if code in association.REASONS else smoothing
    assert module.explain(code)


def test_wrong_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        local_moran(np.zeros(3), grid(3, 4))
    with pytest.raises(ValueError, match="shape"):
        smooth_rates(np.zeros(3), np.ones(4))
    with pytest.raises(ValueError, match="permutation"):
        permute_local_moran(np.arange(12.0), grid(3, 4), rng=rng(), permutations=0)
    with pytest.raises(ValueError, match="twice"):
        adjacency_weights(["a", "a"], [])
    with pytest.raises(ValueError, match="positive"):
        given_weights(2, np.array([0]), np.array([1]), np.array([-1.0]))
    with pytest.raises(ValueError, match="range"):
        given_weights(2, np.array([0]), np.array([2]), np.array([1.0]))


def test_pairs_with_strangers_repeats_and_oneself_are_left_out() -> None:
    weights = adjacency_weights([7, 9], [(7, 9), (7, 9), (9, 7), (9, 9), (7, 4)])
    assert list(weights.neighbour) == [1, 0] and list(weights.weight) == [1, 1]


def test_given_weights_are_used_as_they_stand() -> None:
    even = grid(3, 4, row_standardised=False)
    twice = given_weights(12, even.row[::-1], even.neighbour[::-1], np.full(even.row.size, 2.0))
    values = np.arange(12.0) ** 2
    np.testing.assert_allclose(global_moran(values, twice).z, global_moran(values, even).z, **EXACT)


@given(values=COUNTS, scale=st.floats(0.01, 100), shift=st.floats(-50, 50))
@settings(deadline=None)
def test_scale_and_origin_do_not_matter(values: Any, scale: float, shift: float) -> None:
    first, moved = (local_moran(x, grid(3, 4)) for x in (values, scale * values + shift))
    same = (first.reason == "") & (moved.reason == "")
    np.testing.assert_allclose(first.z[same], moved.z[same], rtol=1e-6, atol=1e-6)
    g, g_moved = (local_g(x, grid(3, 4)) for x in (values, scale * values + shift))
    np.testing.assert_allclose(g.z, g_moved.z, rtol=1e-6, atol=1e-6)


@given(values=COUNTS)
@settings(deadline=None)
def test_local_moran_adds_up_to_global(values: Any) -> None:
    whole, local = global_moran(values, grid(3, 4)), local_moran(values, grid(3, 4))
    if not whole.reason and np.all(local.reason == ""):
        assert np.mean(local.statistic) == pytest.approx(whole.statistic)


@given(values=arrays(np.float64, 12, elements=st.floats(allow_nan=True, allow_infinity=True)))
@settings(deadline=None)
def test_whatever_the_values_a_p_or_a_reason(values: Any) -> None:
    for found in (
        local_moran(values, grid(3, 4)),
        local_g(values, grid(3, 4)),
        permute_local_moran(values, grid(3, 4), rng=rng(), permutations=9),
    ):
        assert np.array_equal(np.isnan(found.p), found.reason != "")
        assert np.all((found.p >= 0) & (found.p <= 1) | np.isnan(found.p))


@given(
    cases=arrays(np.float64, 12, elements=st.integers(0, 40).map(float)),
    population=arrays(np.float64, 12, elements=st.integers(50, 9_000).map(float)),
)
@settings(deadline=None)
def test_a_smoothed_rate_lies_between_its_own_and_the_common(cases: Any, population: Any) -> None:
    rates, common = smooth_rates(cases, population), cases.sum() / population.sum()
    low, high = np.minimum(rates.raw, common), np.maximum(rates.raw, common)
    assert np.all((rates.smoothed >= low - 1e-12) & (rates.smoothed <= high + 1e-12))


@given(p=arrays(np.float64, 20, elements=st.floats(0, 1)))
def test_adjusted_p_keep_the_order_and_are_never_smaller(p: Any) -> None:
    adjusted = adjust_fdr(p)
    assert np.all(adjusted >= p - 1e-15) and np.all(adjusted <= 1)
    assert np.all(np.diff(adjusted[np.argsort(p)]) >= -1e-15)


def test_unjudged_areas_are_not_counted_as_tests() -> None:
    assert list(adjust_fdr(np.array([0.01, np.nan, 0.04]))) == pytest.approx(
        [0.02, np.nan, 0.04], nan_ok=True
    )
    assert fdr_cutoff(np.array([np.nan, 0.9])) == -1
