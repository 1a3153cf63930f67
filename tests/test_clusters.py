"""Clusters on a grid city: what is planted is found, what lateness, rivers and doubtful places would feign is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveillance.clustering.placements import Part
from surveillance.clustering.settings import DEFAULT_PATH, load_settings
from surveillance.clusters import City, Found, Reported, find_clusters
from surveillance.lines import Lines
from surveillance.scanning.null import Model
from surveillance.strict_toml import ConfigError
from tests.case_lines import TODAY, lines_of
from tests.cluster_cities import (
    DAYS,
    SETTINGS,
    SIDE,
    UNITS,
    Planted,
    city_lines,
    grid_city,
    neighbours_of,
    reported,
    with_settings,
)

PAIR: Planted = {14: (1, 1, 1, 1, 2, 2), 15: (1, 1, 2, 2)}
"""Two neighbours with 14 cases in six days, where three are ordinary."""
OLD = 900
FAR = 33


def clusters(known: Reported, city: City | None = None, **changes: object) -> tuple[Found, ...]:
    found = find_clusters(known, city or grid_city(), with_settings(**changes))
    assert found is not None
    return found


def test_a_planted_cluster_is_found_with_its_communes_days_and_numbers() -> None:
    [found] = clusters(reported(city_lines(PAIR)))

    assert set(found.units) == {14, 15} and found.last == TODAY
    assert TODAY - timedelta(days=7) <= found.first <= TODAY - timedelta(days=2)
    assert found.observed == sum(found.cases) >= 12 and found.expected < 5
    assert found.recurrence_days == pytest.approx(400) and found.p == pytest.approx(1 / 400)
    assert (found.stable, found.alarm, found.relative_risk) == (True, True, None)


def test_an_even_city_has_a_cluster_as_seldom_as_promised() -> None:
    found = [len(clusters(reported(city_lines(seed=seed)))) for seed in range(20)]

    assert sum(found) <= 1  # once in a hundred days; two or more of twenty: P < 0.02


def test_a_cluster_does_not_cross_a_river() -> None:
    bank = [(row * SIDE + 2, row * SIDE + 3) for row in range(SIDE)]
    found = clusters(reported(city_lines(PAIR)), grid_city(without=bank))

    sides = [{unit % SIDE >= 3 for unit in cluster.units} for cluster in found]
    assert found and all(len(side) == 1 for side in sides)


def test_without_known_borders_zones_are_circles_around_the_centres() -> None:
    city = grid_city()
    [found] = clusters(reported(city_lines(PAIR)), replace(city, neighbours=neighbours_of([])))

    assert {14, 15} <= set(found.units)


def test_without_centres_zones_grow_by_the_number_of_borders() -> None:
    nowhere = replace(grid_city(), points=np.full((len(UNITS), 2), np.nan))
    [found] = clusters(reported(city_lines(PAIR)), nowhere)

    assert {14, 15} <= set(found.units) <= {14, 15, 8, 9, 13, 16, 20, 21}


def test_a_district_that_reports_at_once_is_no_hot_spot_beside_one_that_reports_late() -> None:
    """On the last days most cases known come from the west, and chance alone does not do that; lateness does."""
    west = np.arange(SIDE * SIDE) % SIDE < 3
    known = reported(city_lines(seed=3, per_day=0.5, delay=np.where(west, 0.0, 6.0)))

    assert clusters(known, delays=1) != ()
    assert clusters(known) == ()


def test_a_cluster_in_the_district_that_reports_late_is_found_from_the_reports_there_are() -> None:
    west = np.arange(SIDE * SIDE) % SIDE < 3
    delay = np.where(west, 0.0, 6.0)
    known = reported(city_lines({16: (2, 2, 3, 3, 3, 2)}, seed=3, per_day=0.3, delay=delay))

    [found] = clusters(known)
    assert found.units[0] == 16


def test_the_same_cases_give_the_same_clusters_in_any_order_and_with_any_threads() -> None:
    lines = city_lines(PAIR)
    turned = lines.take(np.random.default_rng(2).permutation(lines.day.size))  # type: ignore[arg-type]
    once = find_clusters(reported(lines), grid_city(), SETTINGS, threads=1)

    assert find_clusters(reported(turned), grid_city(), SETTINGS, threads=2) == once


def test_cases_before_the_period_do_not_count() -> None:
    long_ago = city_lines(days=DAYS).between(TODAY - timedelta(days=400), TODAY)
    assert clusters(reported(long_ago)) == clusters(reported(city_lines()))


# --- days and communes of which nothing is known ---------------------------------------------------------------------


def test_nothing_is_said_when_the_newest_day_is_unknown_or_too_few_are_known() -> None:
    lost = np.zeros((len(UNITS), DAYS), dtype=bool)
    newest, early = lost.copy(), lost.copy()
    newest[:, -1] = True
    early[:, :-20] = True

    for unknown in (newest, early):
        assert find_clusters(reported(city_lines(PAIR), unknown=unknown), grid_city(), SETTINGS) is None


def test_a_commune_with_an_unknown_day_is_left_out_and_a_source_that_began_late_shortens_the_period() -> None:
    one, all_before = np.zeros((2, len(UNITS), DAYS), dtype=bool)
    one[14, -30] = True
    all_before[:, :30] = True

    assert 14 not in {unit for c in clusters(reported(city_lines(PAIR), unknown=one)) for unit in c.units}
    [found] = clusters(reported(city_lines(PAIR), unknown=all_before))
    assert set(found.units) == {14, 15}


@pytest.mark.parametrize("cases", [0, 1])
def test_no_case_and_one_case_are_no_cluster(cases: int) -> None:
    lines = city_lines({14: (cases,)}, per_day=0.0)

    assert clusters(reported(lines)) == ()


def test_ten_thousand_cases_on_one_day_are_a_cluster() -> None:
    [found] = clusters(reported(city_lines({14: (10_000,)}, per_day=0.05)), share=1.0)

    assert found.units == (14,) and found.observed >= 10_000


@given(st.lists(st.tuples(st.integers(0, 35), st.integers(-5, 120), st.integers(-3, 40)), max_size=60))
@settings(max_examples=25)
def test_whatever_the_cases_are_there_is_an_answer_that_adds_up(rows: list[tuple[int, int, int]]) -> None:
    """Cases in the future, before the period, reported before they happened or after the last day."""
    cases = [
        (unit, TODAY - timedelta(days=back), TODAY - timedelta(days=back - late)) for unit, back, late in rows
    ]
    known = reported(lines_of(cases, units=UNITS))

    for found in clusters(known, replications=99, keep_days=5, alarm_days=20, least_cases=2):
        inside = [
            unit for unit, back, _ in rows if unit in found.units and 0 <= back <= (TODAY - found.first).days
        ]
        assert found.last == TODAY and found.observed == len(inside) >= 2
        assert found.observed > found.expected > 0 and 5 <= found.recurrence_days <= 100


# --- places that are not surely known -------------------------------------------------------------------------------


def doubtful(lines: Lines, unit: int, share: float, rng: np.random.Generator) -> Lines:
    """So much of the cases of a commune are there only because the source named the old unit OLD."""
    unsure = (lines.unit == unit) & (rng.random(lines.unit.size) < share)
    return replace(lines, former=np.where(unsure, OLD, 0).astype(np.int32))


@pytest.mark.parametrize(("share", "stable"), [(1.0, False), (0.1, True)])
def test_a_cluster_of_cases_that_may_live_elsewhere_is_not_stable_and_does_not_alarm(
    share: float, stable: bool
) -> None:
    lines = doubtful(city_lines({14: (1, 1, 2, 2, 3, 3)}), 14, share, np.random.default_rng(5))
    city = grid_city(parts={OLD: Part((14, 0, 5, 30, FAR), (0.4, 0.15, 0.15, 0.15, 0.15))})

    [found] = clusters(reported(lines), city)

    assert (found.stable, found.alarm) == (stable, stable)
    assert (found.stands_in >= 80) is stable and found.placements == 100


def test_an_unstable_cluster_ranks_below_a_stable_one() -> None:
    planted = {14: (2, 3, 4, 4, 4, 5), FAR: (2, 2, 3, 3, 3, 3)}
    lines = doubtful(city_lines(planted), 14, 1.0, np.random.default_rng(5))
    city = grid_city(parts={OLD: Part((14, 0, 5, 25, 30, 10), (0.25, 0.15, 0.15, 0.15, 0.15, 0.15))})

    found = clusters(reported(lines), city)

    assert [(c.units[0], c.stable) for c in found] == [(FAR, True), (14, False)]


def test_cases_of_an_old_unit_that_went_into_one_commune_are_sure() -> None:
    lines = doubtful(city_lines(PAIR), 14, 1.0, np.random.default_rng(5))
    [found] = clusters(reported(lines), grid_city(parts={OLD: Part((14,), (1.0,))}))

    assert found.stands_in == 100


# --- by people --------------------------------------------------------------------------------------------------------


def test_by_people_a_commune_that_always_has_more_cases_than_its_people_is_a_cluster_too() -> None:
    always = city_lines({14: (1, 0, 1, 1) * 20})
    by_people = clusters(reported(always), model=Model.POISSON)

    assert clusters(reported(always)) == ()
    assert by_people[0].units[0] == 14 and by_people[0].relative_risk is not None
    assert by_people[0].relative_risk > 3


def test_by_people_a_commune_without_people_is_left_out() -> None:
    city = grid_city()
    nobody = np.where(np.arange(len(UNITS)) == 14, np.nan, city.population)
    found = clusters(
        reported(city_lines({14: (5, 5, 5)})), replace(city, population=nobody), model=Model.POISSON
    )

    assert found == ()


# --- settings ---------------------------------------------------------------------------------------------------------


def test_a_disease_may_have_numbers_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "clusters.toml"
    file.write_text(DEFAULT_PATH.read_text() + '[cholera]\nmodel = "poisson"\nlongest = 14\n')

    found = load_settings(file)

    assert (found["cholera"].model, found["cholera"].longest) == (Model.POISSON, 14)
    assert found["dengue"] == found.default


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("longset = 3", "longset"), ("longest = 60", "longest"), ("share = 1.5", "share"), ("stable = 101", "stable"),
        ("replications = 99", "replications"), ("keep_days = 500", "keep_days"), ('model = "bernoulli"', "model"),
    ],
)  # fmt: skip
def test_a_misspelt_or_impossible_number_is_refused_by_name(tmp_path: Path, line: str, key: str) -> None:
    file = tmp_path / "clusters.toml"
    file.write_text(DEFAULT_PATH.read_text() + f"[cholera]\n{line}\n")

    with pytest.raises(ConfigError, match=f"cholera.{key}"):
        load_settings(file)
