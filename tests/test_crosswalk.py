from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from geodata.crosswalk import (
    Crosswalk,
    apportion,
    compose,
    from_links,
    identity,
    overlap_km2,
    reverse,
    spread,
)

weights = st.floats(0.01, 100)


@st.composite
def crosswalks(draw: st.DrawFn, sources: int = 4, targets: int = 3, first: int = 0) -> Crosswalk:
    """Units of `first`.. to units of `first` + 100..; some sources have no target."""
    cells = st.tuples(st.integers(0, sources - 1), st.integers(0, targets - 1), weights)
    links = draw(st.lists(cells, max_size=10))
    return from_links(
        range(first, first + sources),
        range(first + 100, first + 100 + targets),
        [(first + s, first + 100 + t, w) for s, t, w in links],
    )


@given(crosswalks())
def test_every_row_sums_to_one(crosswalk: Crosswalk) -> None:
    assert crosswalk.shares.sum(axis=1) == pytest.approx(np.ones(4))


@given(crosswalks(), st.lists(st.integers(0, 10_000), min_size=4, max_size=4))
def test_no_case_is_lost_or_made(crosswalk: Crosswalk, cases: list[int]) -> None:
    moved = spread(crosswalk, np.array(cases, dtype=float))
    assert moved.sum() == pytest.approx(sum(cases), abs=1e-9 * (1 + sum(cases)))
    assert apportion(moved).sum() * 10 == pytest.approx(10 * sum(cases), abs=1e-6)
    assert (moved >= 0).all()


@given(crosswalks())
def test_identity_changes_nothing(crosswalk: Crosswalk) -> None:
    before = compose(identity(crosswalk.sources), crosswalk)
    after = compose(crosswalk, identity(crosswalk.targets))
    for composed in (before, after):
        assert composed.shares.toarray() == pytest.approx(crosswalk.shares.toarray())


@given(crosswalks(), crosswalks(3, 5, first=100))
def test_going_through_a_release_between_is_the_product_of_the_tables(a: Crosswalk, b: Crosswalk) -> None:
    whole = compose(a, b)
    square = np.vstack([b.shares.toarray(), np.eye(6)[5]])
    assert whole.shares.toarray() == pytest.approx(a.shares.toarray() @ square)
    cases = np.array([3.0, 0, 7, 1])
    assert spread(whole, cases)[:-1] == pytest.approx(spread(b, spread(a, cases)[:-1])[:-1])


@given(crosswalks(), st.lists(weights, min_size=4, max_size=4))
def test_the_way_back_is_bayes(crosswalk: Crosswalk, people: list[float]) -> None:
    back = reverse(crosswalk, people)
    for target in crosswalk.targets:
        parts = {
            s: p * crosswalk.row(s).get(target, 0) for s, p in zip(crosswalk.sources, people, strict=True)
        }
        total = sum(parts.values())
        expected = {s: part / total for s, part in parts.items() if part} if total else {}
        assert back.row(target) == pytest.approx(expected)


def test_people_carried_forward_and_back_with_their_own_weights_return() -> None:
    people = [100.0, 300.0, 50.0]
    forward = from_links([1, 2, 3], [8, 9], [(1, 8, 1), (2, 8, 0.25), (2, 9, 0.75), (3, 9, 1)])
    there = spread(forward, np.array(people))
    assert there.tolist() == [175.0, 275.0, 0.0]
    assert spread(reverse(forward, people), there[:-1]) == pytest.approx([*people, 0.0])


def test_a_unit_that_the_other_release_does_not_show_is_outside() -> None:
    crosswalk = from_links([1, 2], [9], [(1, 9, 1)])
    assert crosswalk.row(2) == {}
    assert spread(crosswalk, np.array([5.0, 7.0])).tolist() == [5.0, 7.0]


def test_only_split_units_are_undecided() -> None:
    crosswalk = from_links([1, 2], [8, 9], [(1, 8, 1), (2, 8, 3), (2, 9, 1)])
    assert crosswalk.undecided() == [2]
    assert crosswalk.row(2) == {8: 0.75, 9: 0.25}


def test_tables_that_do_not_meet_are_refused() -> None:
    with pytest.raises(ValueError, match="sources of the second"):
        compose(identity([1, 2]), identity([2, 1]))
    with pytest.raises(ValueError, match="negative"):
        from_links([1], [2], [(1, 2, -1.0)])


def test_a_series_is_moved_day_by_day() -> None:
    crosswalk = from_links([1], [8, 9], [(1, 8, 3), (1, 9, 1)])
    days = np.array([[4.0, 0.0, 2.0]])
    assert spread(crosswalk, days).tolist() == [[3, 0, 1.5], [1, 0, 0.5], [0, 0, 0]]


def hamilton(values: list[Fraction], seats: int) -> list[int]:
    """Largest remainders in exact arithmetic, as an oracle."""
    floors = [int(v) for v in values]
    order = sorted(range(len(values)), key=lambda i: (floors[i] - values[i], i))
    for i in order[: seats - sum(floors)]:
        floors[i] += 1
    return floors


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.integers(0, 500))
def test_rounding_is_hamiltons_and_keeps_the_total(parts: list[int], total: int) -> None:
    exact = [Fraction(part * total, sum(parts)) for part in parts]
    rounded = apportion(np.array([float(x) for x in exact]))
    assert round(rounded.sum() * 10) == 10 * total
    if len({(10 * x) % 1 for x in exact}) == len(exact):  # no ties, which floats may break otherwise
        assert (rounded * 10).round().astype(int).tolist() == hamilton([10 * x for x in exact], 10 * total)


def test_whole_cases_are_left_whole() -> None:
    assert apportion(np.array([3.0, 0.333, 0.667, 12.0])).tolist() == [3.0, 0.3, 0.7, 12.0]


def test_overlaps_are_measured_in_real_square_kilometres() -> None:
    old = np.array([shapely.box(106.6, 10.7, 106.7, 10.8)], dtype=object)
    new = np.array(
        [shapely.box(106.6, 10.7, 106.63, 10.8), shapely.box(106.63, 10.7, 106.9, 10.8)], dtype=object
    )
    found = {j: km2 for _i, j, km2 in overlap_km2(old, new)}
    for j, west, east in ((0, 106.6, 106.63), (1, 106.63, 106.7)):
        oracle = (
            abs(Geod(ellps="WGS84").geometry_area_perimeter(shapely.box(west, 10.7, east, 10.8))[0]) / 1e6
        )
        assert found[j] == pytest.approx(oracle, rel=1e-4)
    assert overlap_km2(old, np.array([], dtype=object)) == []
