"""The Knox test equals R's in table, expectation and p of pairs, and permutes the times of points rightly."""

from __future__ import annotations

import csv
from itertools import permutations as orders
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from surveillance.knox import REASONS, Knox, PairTable, explain, knox

ORACLES = Path(__file__).parent / "oracles"
REFERENCE = Path(__file__).parents[2] / "shared" / "reference" / "knox"
PLACES = arrays(np.float64, 15, elements=st.integers(0, 6).map(float))


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(line for line in path.read_text().splitlines() if not line.startswith("#")))


def points(path: Path) -> Any:
    """Times, x and y."""
    return np.array([[float(row[name]) for name in ("t", "x", "y")] for row in read(path)]).T


def knox_of(where: Any, days: float, metres: float, permutations: int = 999, seed: int = 1) -> Knox:
    times, x, y = where
    rng = np.random.default_rng(seed)
    return knox(times, x, y, days=days, metres=metres, rng=rng, permutations=permutations)


@pytest.mark.parametrize(
    "row", read(ORACLES / "knox_tables.csv"), ids=lambda row: f"{row['days']}-{row['metres']}"
)
def test_table_and_pair_p_equal_r(row: dict[str, str]) -> None:
    found = knox_of(points(ORACLES / "knox_points.csv"), float(row["days"]), float(row["metres"]))
    assert found.table == tuple(int(row[name]) for name in PairTable._fields)
    assert found.expected == pytest.approx(float(row["expected"]), rel=1e-12)
    assert found.p_poisson == pytest.approx(float(row["p_poisson"]), rel=1e-9)
    assert found.p_pairs == pytest.approx(float(row["p_pairs"]), abs=0.007)


def test_every_recorded_table_equals_r() -> None:
    if not REFERENCE.exists():
        pytest.skip("../shared/reference is not here")
    where = points(REFERENCE / "simpts_points.csv")
    for row in read(REFERENCE / "simpts_knox.csv"):
        found = knox_of(where, float(row["eps_t"]), float(row["eps_s"]))
        table = [int(part) for part in row["table"].split("|")]
        assert found.table == (table[0], table[1], table[2], table[3])
        assert found.table.both == int(row["knox"])
        assert found.expected == pytest.approx(float(row["expected"]), rel=1e-12)
        assert found.p == pytest.approx(float(row["p_mc"]))
        assert found.p_poisson == pytest.approx(float(row["p_pois"]), rel=1e-9)


def test_p_is_the_share_of_all_orders_of_the_times() -> None:
    where = np.array([[1.0, 2, 3, 9, 10, 30], [0, 1, 5, 5, 9, 9], [0, 0, 0, 1, 0, 1]])
    found = knox_of(where, 2, 1.5, permutations=99_999)
    counts = [
        knox_of((np.array(order), where[1], where[2]), 2, 1.5, permutations=1).table.both
        for order in orders(where[0])
    ]
    assert found.p == pytest.approx(np.mean(np.array(counts) >= found.table.both), abs=0.01)
    assert np.mean(counts) == pytest.approx(found.expected)


def test_permuted_counts_are_those_of_plain_counting() -> None:
    rng = np.random.default_rng(5)
    times, x, y = rng.integers(0, 90, 200).astype(float), rng.random(200), rng.random(200)
    found = knox_of((times, x, y), 7, 0.2, permutations=4_000)
    first, second = np.triu_indices(200, 1)
    near = np.hypot(x[first] - x[second], y[first] - y[second]) <= 0.2
    plain = []
    for _ in range(4_000):
        dealt = rng.permutation(times)
        plain.append(np.sum(near & (np.abs(dealt[first] - dealt[second]) <= 7)))
    assert found.simulated.mean() == pytest.approx(found.expected, rel=0.01)
    assert found.simulated.std() == pytest.approx(np.std(plain), rel=0.06)


def test_parts_of_days_give_what_whole_days_give() -> None:
    times, x, y = points(ORACLES / "knox_points.csv")
    whole, parts = knox_of((times, x, y), 28, 20), knox_of((times / 4 + 0.125, x, y), 7, 20)
    halves = knox_of((times / 4, x, y), 7, 20)
    assert np.array_equal(whole.simulated, parts.simulated) and np.array_equal(
        whole.simulated, halves.simulated
    )


def test_an_outbreak_in_one_street_is_seen() -> None:
    rng = np.random.default_rng(2)
    times, x, y = rng.integers(0, 365, 300).astype(float), rng.random(300) * 9_000, rng.random(300) * 9_000
    assert knox_of((times, x, y), 14, 200).p > 0.01
    x[:12], y[:12], times[:12] = 500 + rng.random(12) * 100, 500, 100 + np.arange(12)
    assert knox_of((times, x, y), 14, 200).p == 0.001


def test_points_without_time_or_place_are_left_out_and_counted() -> None:
    where = points(ORACLES / "knox_points.csv")
    holed = where.copy()
    holed[0, 3], holed[1, 9], holed[2, 20] = np.nan, np.nan, np.inf
    found = knox_of(holed, 28, 20)
    assert found.left_out == 3
    assert found.table == knox_of(np.delete(where, [3, 9, 20], axis=1), 28, 20).table


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        (np.zeros((3, 0)), "too_few_points"),
        (np.full((3, 9), np.nan), "too_few_points"),
        (np.arange(27.0).reshape(3, 9) * 100, "no_close_pairs"),
        (np.zeros((3, 9)), "all_pairs_close"),
        (np.array([[1.0, 2, 3, 4], [0, 500, 1000, 1500], [0, 0, 0, 0]]), "no_close_pairs"),
        (np.array([[1.0, 2, 40, 80], [0, 1, 2, 3], [0, 0, 0, 0]]), "all_pairs_close"),
    ],
)
def test_points_that_cannot_be_judged_say_why(where: Any, reason: str) -> None:
    found = knox_of(where, 7, 100)
    assert found.reason == reason and np.isnan(found.p) and found.simulated.size == 0
    assert explain(found.reason)


def test_more_pairs_than_fit_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surveillance.knox.MOST_PAIRS", 10)
    assert knox_of(points(ORACLES / "knox_points.csv"), 28, 20).reason == "too_many_pairs"
    assert "too_many_pairs" in REASONS


@pytest.mark.parametrize(
    ("days", "metres", "permutations"), [(-1, 5, 9), (5, np.nan, 9), (5, np.inf, 9), (5, 5, 0)]
)
def test_wrong_calls_are_refused(days: float, metres: float, permutations: int) -> None:
    with pytest.raises(ValueError):
        knox_of(np.zeros((3, 9)), days, metres, permutations)


@given(times=PLACES, x=PLACES, y=PLACES, turn=st.permutations(range(15)))
@settings(deadline=None)
def test_table_is_that_of_all_pairs_in_any_order(times: Any, x: Any, y: Any, turn: list[int]) -> None:
    found = knox_of((times, x, y), 1, 2, permutations=9)
    first, second = np.triu_indices(15, 1)
    soon = np.abs(times[first] - times[second]) <= 1
    near = (x[first] - x[second]) ** 2 + (y[first] - y[second]) ** 2 <= 4
    assert found.table == (sum(soon & near), sum(near & ~soon), sum(soon & ~near), sum(~soon & ~near))
    assert knox_of((times[turn], x[turn], y[turn]), 1, 2, permutations=9).table == found.table
    assert bool(found.reason) == bool(np.isnan(found.p))
    assert found.reason or (0 < found.p <= 1 and 0 <= found.p_pairs <= 1)


@given(times=PLACES, x=PLACES, shift=st.integers(-1000, 1000))
@settings(deadline=None)
def test_another_origin_of_time_changes_nothing(times: Any, x: Any, shift: int) -> None:
    here, there = (knox_of((t, x, np.zeros(15)), 1, 1, permutations=19) for t in (times, times + shift))
    assert here.table == there.table and np.array_equal(here.simulated, there.simulated)
