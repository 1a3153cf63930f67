"""Who may have infected whom within an outbreak: Wallinga & Teunis' formula, and what no data may change."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pyproj import Geod

from surveillance.outbreaks.transmission import distance_kernel, metres_between, transmission
from surveillance.serial_interval import SerialInterval

DENGUE = SerialInterval(mean=17, sd=6).weights(60)
days = arrays.arrays(np.int64, st.integers(1, 12), elements=st.integers(0, 60))


def test_three_cases_by_hand() -> None:
    """Days 0, 1, 3 and w = (0, .5, .3, .2): case 2 came from 0 with .2/(.2 + .3), from 1 with .3/(.2 + .3)."""
    found = transmission(np.array([0, 1, 3]), np.array([0, 0.5, 0.3, 0.2]))
    assert found.probability == pytest.approx(np.array([[0, 0, 0], [1, 0, 0], [0.4, 0.6, 0]]))
    assert found.infected == pytest.approx([1.4, 0.6, 0])
    assert found.without_source.tolist() == [True, False, False]


def test_distance_by_hand() -> None:
    """Equal lags: 0 m counts e² times as much as 200 m with a radius of 200 m; 201 m does not count."""
    apart = np.array([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 200, 201, 0]], float)
    found = transmission(
        np.array([0, 0, 0, 2]), np.array([0, 0.5, 0.5]), metres=apart, radius_m=200
    ).probability
    near = 1 / (1 + math.exp(-2))
    assert found[3] == pytest.approx([near, 1 - near, 0, 0])


def test_a_case_without_a_position_is_linked_by_time_only_where_distance_does_not_matter() -> None:
    when, unknown = np.array([0, 17]), np.full((2, 2), np.nan)
    assert transmission(when, DENGUE, metres=unknown, radius_m=200).probability.sum() == 0
    assert transmission(when, DENGUE, metres=unknown).probability[1, 0] == 1
    assert distance_kernel(unknown, 200).sum() == 0


def test_distances_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="for 2 cases"):
        transmission(np.array([0, 1]), DENGUE, metres=np.zeros((3, 3)), radius_m=200)


@given(days)
@settings(max_examples=60, deadline=None)
def test_without_distance_it_is_the_formula_of_wallinga_and_teunis(day: np.ndarray) -> None:
    weights = np.array([0, 0.1, 0.4, 0.3, 0.2])
    found = transmission(day, weights).probability
    for i in range(day.size):
        w = [weights[lag] if 0 < (lag := int(day[i] - t)) < 5 else 0.0 for t in day]
        expected = [x / sum(w) for x in w] if sum(w) else [0.0] * day.size
        assert found[i] == pytest.approx(expected)


@given(days, st.data())
@settings(max_examples=60, deadline=None)
def test_rows_are_shares_and_no_link_runs_against_time(day: np.ndarray, data: st.DataObject) -> None:
    place = data.draw(arrays.arrays(np.float64, (2, day.size), elements=st.floats(0, 400)))
    apart = np.hypot(place[0][:, None] - place[0], place[1][:, None] - place[1])
    found = transmission(day, DENGUE, metres=apart, radius_m=200).probability
    sums = found.sum(axis=1)
    assert np.all(np.isclose(sums, 1) | (sums == 0))
    assert np.all(found[day[:, None] <= day] == 0)
    assert np.all(found[apart > 200] == 0)
    order = data.draw(st.permutations(range(day.size)))
    moved = transmission(day[order] + 1000, DENGUE, metres=apart[np.ix_(order, order)], radius_m=200)
    assert moved.probability == pytest.approx(found[np.ix_(order, order)])


def test_distances_agree_with_the_ellipsoid_within_half_a_percent() -> None:
    lon, lat = np.array([106.65, 106.6503, 106.66]), np.array([10.72, 10.721, 10.72])
    apart = metres_between(lon, lat)
    for i, j in [(0, 1), (0, 2), (1, 2)]:
        exact = Geod(ellps="WGS84").inv(lon[i], lat[i], lon[j], lat[j])[2]
        assert apart[i, j] == pytest.approx(exact, rel=0.007)
