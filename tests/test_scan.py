"""The scan finds what SaTScan finds, its replicates' maxima are exact, and nothing that should not matters does."""

from __future__ import annotations

import csv
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import ks_2samp
from scipy.stats import poisson as poisson_law

from surveillance.adjacency import adjacency_weights
from surveillance.scan import Overlap, Scan, Settings, replicate_plan, scan
from surveillance.scanning import block_kernel, dealing, draw_kernel, monte_carlo, scan_kernel
from surveillance.scanning import null as nulls_module
from surveillance.scanning.dealing import counts_of
from surveillance.scanning.draw_kernel import stream_keys
from surveillance.scanning.growth import Compactness, Ellipses, Growth, Limits, circles, ellipses, networks
from surveillance.scanning.intervals import Unit, cut
from surveillance.scanning.monte_carlo import Plan, maxima
from surveillance.scanning.null import Null, bernoulli, permutation, poisson
from surveillance.scanning.places import place
from surveillance.scanning.scan_kernel import largest_expected
from surveillance.scanning.significance import Gumbel, monte_carlo_p, stopped_after
from tests.scan_cities import city, growth_of, log_ratio, nulls, plain_maximum

ORACLES = Path(__file__).parent / "oracles"
MODELS = ("permutation", "poisson", "poisson_uneven", "bernoulli")


def rows(name: str) -> list[dict[str, str]]:
    lines = (ORACLES / name).read_text().splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def replicate(plan: Plan, seed: int, number: int) -> Any:
    """The counts (n, T) of one replicate, from the same stream; none where no window reaches."""
    lanes = plan.windows.lanes
    keys = stream_keys(seed, number, number + 1)
    counts = counts_of(plan.deal, keys, len(plan.weight), lanes, np.int32)[0].astype(np.int64)
    by_lane = np.diff(counts[:-1, :lanes], axis=1, prepend=0)
    lane = plan.windows.lane
    return np.where(lane >= 0, by_lane[:, lane], 0)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("prospective", [True, False], ids=["prospective", "retrospective"])
def test_maxima_of_replicates_equal_a_plain_scan_of_every_window(model: str, prospective: bool) -> None:
    places, counts = city()
    null = nulls(counts)[model]
    growth = growth_of(places, null)
    plan = replicate_plan(null, growth, Settings(prospective=prospective, shortest=2, longest=5))
    ends = [11] if prospective else range(12)
    found = maxima(plan, 5, 0, 6)
    expected = [plain_maximum(null, replicate(plan, 5, r), growth, 2, 5, ends) for r in range(6)]
    assert found == pytest.approx(expected, rel=1e-9)


def test_the_best_window_of_the_data_equals_a_plain_scan() -> None:
    places, counts = city(outbreak=3)
    for null in nulls(counts).values():
        growth = growth_of(places, null)
        result = scan(null, growth, Settings(longest=5, replications=0), seed=1)
        assert result.clusters[0].statistic == pytest.approx(plain_maximum(null, counts, growth, 1, 5, [11]))
        assert result.clusters[0].p is None and result.maxima[0].size == 0


def test_ellipses_include_circles_and_pay_for_their_length() -> None:
    places, counts = city(places=12)
    null = permutation(counts)
    shapes = Ellipses(shapes=(2.0, 4.0), angles=(3, 4), compactness=Compactness.STRONG)
    growth = ellipses(places, null.size, Limits(), shapes)
    plan = replicate_plan(null, growth, Settings(longest=4))
    expected = [plain_maximum(null, replicate(plan, 1, r), growth, 1, 4, [11]) for r in range(4)]
    assert growth.size == 12 * (1 + 3 + 4)
    assert maxima(plan, 1, 0, 4) == pytest.approx(expected, rel=1e-9)
    round_ones = circles(places, null.size, Limits())
    assert growth.zone(0, 4).tolist() == round_ones.zone(0, 4).tolist()


def test_an_ellipse_along_a_line_holds_its_points_before_nearer_ones_beside_it() -> None:
    places = place(["a", "b", "c"], np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 2.0]]))
    growth = ellipses(places, np.ones(3), Limits(share=1), Ellipses(shapes=(4.0,), angles=(2,)))
    assert growth.zone(0, 3).tolist() == [0, 2, 1]
    assert growth.zone(1, 3).tolist() == [0, 1, 2]
    assert growth.reach(1, np.array([0, 1]), places) == pytest.approx(3)


def test_an_ellipse_reaches_its_places_in_the_order_of_its_quadratic_form() -> None:
    places, _ = city(places=15, seed=4)
    size = np.ones(15)
    shapes = Ellipses(shapes=(1.5, 3.0), angles=(2, 5))
    growth = ellipses(places, size, Limits(), shapes)
    for s in range(growth.size):
        turn = growth.angle[s]
        axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        form = axes.T @ np.diag([1.0, growth.shape[s] ** 2]) @ axes
        offset = places.points - places.points[growth.centre[s]]
        reach = np.einsum("ni,ij,nj->n", offset, form, offset)
        assert growth.zone(s, 7).tolist() == np.argsort(reach)[:7].tolist()
        longer = growth.shape[s]
        assert growth.penalty[s] == pytest.approx(np.sqrt(4 * longer) / (longer + 1))
    assert {(round(a, 6), b) for a, b in zip(growth.angle, growth.shape, strict=True)} == {
        (0, 1.0), *((round(np.pi * k / 2, 6), 1.5) for k in range(2)),
        *((round(np.pi * k / 5, 6), 3.0) for k in range(5)),
    }  # fmt: skip


def _excess(log_expected: float, count: int, total: int, goal: float) -> float:
    return log_ratio(count, float(np.exp(log_expected)), total, 0) - goal


@given(st.one_of(st.sampled_from([0.0, 1e-300, 1e-17, 1e-9]), st.floats(2e-3, 60.0)), st.integers(2, 400))
@settings(max_examples=40, deadline=None)
def test_the_largest_expectation_is_the_root_of_the_ratio_and_never_below_it(
    floor: float, total: int
) -> None:
    found = largest_expected(floor, 2, total, 0.0)
    assert np.all(np.diff(found) >= 0) and np.all(found[:2] == 0)
    for count in {2, total // 2, total} - {0, 1}:
        if floor < 2e-3:
            assert found[count] == count
            continue
        root = np.exp(brentq(_excess, -80, np.log(count), args=(count, total, floor * (1 - 1e-9))))
        assert found[count] == pytest.approx(root, rel=1e-8)


def test_earlier_analyses_widen_what_replicates_are_searched_in_only() -> None:
    places, counts = city(outbreak=2)
    null = permutation(counts)
    growth = growth_of(places, null)
    once = scan(null, growth, Settings(longest=4, replications=50), seed=1)
    adjusted = scan(null, growth, Settings(longest=4, replications=50, earlier_from=8), seed=1)
    plan = replicate_plan(null, growth, Settings(longest=4, earlier_from=8))
    expected = plain_maximum(null, replicate(plan, 1, 0), growth, 1, 4, range(8, 12))
    assert adjusted.clusters[0].statistic == once.clusters[0].statistic
    assert np.all(adjusted.maxima[0] >= once.maxima[0]) and np.any(adjusted.maxima[0] > once.maxima[0])
    assert adjusted.maxima[0][0] == pytest.approx(expected)


@pytest.mark.parametrize("model", ["permutation", "poisson"])
def test_the_maxima_are_distributed_as_satscans(model: str) -> None:
    null, growth = city_of_300(model)
    plan = replicate_plan(null, growth, Settings(longest=30))
    recorded = [float(row[model]) for row in rows("scan_maxima.csv")]
    assert ks_2samp(np.round(maxima(plan, 1, 0, 999, threads=2), 6), recorded).pvalue > 0.01


def city_of_300(model: str) -> tuple[Null, Growth]:
    named = [line.split() for line in (ORACLES / "scan_s300.geo").read_text().splitlines()]
    places = place([row[0] for row in named], np.array([row[1:] for row in named], float))
    counts = np.zeros((300, 60), np.int64)
    for line in (ORACLES / "scan_s300.cas").read_text().splitlines():
        name, count, day = line.split()
        days = (date(*map(int, day.split("/"))) - date(2024, 1, 1)).days
        counts[places.index()[name], days] += int(count)
    people = np.zeros(300)
    for line in (ORACLES / "scan_s300.pop").read_text().splitlines():
        people[places.index()[line.split()[0]]] = float(line.split()[2])
    null = permutation(counts) if model == "permutation" else poisson(counts, np.outer(people, np.ones(60)))
    return null, growth_of(places, null)


def test_rows_are_whole_vectors_and_the_kernels_agree_on_their_lengths() -> None:
    assert {dealing.GROUP, draw_kernel.GROUP, scan_kernel.GROUP} == {scan_kernel.GROUP}
    assert {monte_carlo.PAD, block_kernel.PAD, scan_kernel.PAD} == {scan_kernel.PAD}
    assert scan_kernel.GROUP * 8 % (scan_kernel.BYTES * scan_kernel.TILES[-1]) == 0
    assert block_kernel.SLACK == scan_kernel.SLACK
    for intervals in range(1, 40):
        assert monte_carlo.windows(intervals, 1, 7, 3).columns % scan_kernel.PAD == 0


def test_any_worker_may_take_any_replicates() -> None:
    places, counts = city()
    null = permutation(counts)
    plan = replicate_plan(null, growth_of(places, null), Settings(longest=5))
    whole = maxima(plan, 3, 0, 70)
    parts = [maxima(plan, 3, a, b, threads=t) for a, b, t in ((0, 1, 1), (1, 40, 2), (40, 70, 2))]
    assert np.array_equal(whole, np.concatenate(parts))
    assert not np.array_equal(whole, maxima(plan, 4, 0, 70))


def test_counts_too_large_for_sixteen_bits_are_scanned_all_the_same() -> None:
    places, counts = city(places=8, days=4, cases=200_000)
    null = poisson(counts, np.outer(np.arange(1.0, 9), np.ones(4)))
    growth = growth_of(places, null)
    plan = replicate_plan(null, growth, Settings(longest=3))
    expected = [plain_maximum(null, replicate(plan, 1, r), growth, 1, 3, [3]) for r in range(3)]
    assert plan.most_expected > 25_000
    assert maxima(plan, 1, 0, 3) == pytest.approx(expected, rel=1e-6)


def test_small_places_of_a_large_study_are_counted_beyond_sixteen_bits() -> None:
    places, counts = city(places=250, days=2, cases=80_000)
    null = poisson(counts, np.ones((250, 2)))
    growth = growth_of(places, null, share=1.0)
    plan = replicate_plan(null, growth, Settings(longest=2))
    drawn = replicate(plan, 1, 0)
    assert plan.most_expected > 2**15 and drawn.sum(1).max() > 255
    assert maxima(plan, 1, 0, 1)[0] == pytest.approx(plain_maximum(null, drawn, growth, 1, 2, [1]), rel=1e-6)
    small = poisson(counts // 2, np.ones((250, 2)))
    plan = replicate_plan(small, growth, Settings(longest=2))
    drawn = replicate(plan, 1, 0)
    assert plan.most_expected > 25_000 and drawn.sum(1).max() < 256
    assert maxima(plan, 1, 0, 1)[0] == pytest.approx(plain_maximum(small, drawn, growth, 1, 2, [1]), rel=1e-6)


@pytest.mark.parametrize("model", ["permutation", "poisson"])
@pytest.mark.parametrize("prospective", [True, False], ids=["prospective", "retrospective"])
def test_one_place_that_alone_holds_more_than_sixteen_bits_is_scanned_all_the_same(
    model: str, prospective: bool
) -> None:
    """Half of 150,000 cases at one place: a window's count is above 2¹⁵ in the first zone already."""
    people = np.array([8, 7.9, 0.05, 0.05, 0.05])
    counts = np.random.default_rng(1).multinomial(150_000, np.repeat(people / 16.05 / 4, 4)).reshape(5, 4)
    places = place([f"P{i}" for i in range(5)], np.array([[0, 0], [10, 0], [20, 1], [20, 2], [20, 3]]))
    null = permutation(counts) if model == "permutation" else poisson(counts, np.outer(people, np.ones(4)))
    growth = growth_of(places, null, share=0.6)
    plan = replicate_plan(null, growth, Settings(longest=3, prospective=prospective))
    ends = [3] if prospective else range(4)
    expected = [plain_maximum(null, replicate(plan, 1, r), growth, 1, 3, ends) for r in range(4)]
    assert maxima(plan, 1, 0, 4) == pytest.approx(expected, rel=1e-6)


def test_sequential_stopping_gives_the_exact_replicate_at_which_enough_was_reached() -> None:
    places, counts = city()
    null = permutation(counts)
    growth = growth_of(places, null)
    whole = scan(null, growth, Settings(longest=5, replications=999), seed=1)
    stopped = scan(null, growth, Settings(longest=5, replications=999, enough=20), seed=1)
    number = stopped_after(whole.clusters[0].statistic, whole.maxima[0], 20)
    assert number is not None and number < 999
    assert np.array_equal(stopped.maxima[0], whole.maxima[0][:number])
    assert stopped.clusters[0].p == pytest.approx(20 / number)


def test_ties_count_against_the_cluster() -> None:
    drawn = np.array([1.0, 2.0, 2.0 + 1e-12, 3.0])
    assert monte_carlo_p(2.0 + 1e-12, drawn, stopped=False) == 4 / 5
    assert monte_carlo_p(3.5, drawn, stopped=False) == 1 / 5
    assert monte_carlo_p(3.5, np.empty(0), stopped=False) is None


def test_the_gumbel_p_follows_the_maxima_and_is_none_without_spread() -> None:
    drawn = np.random.default_rng(1).gumbel(5, 0.7, 20_000)
    fitted = Gumbel.fitted(drawn)
    assert fitted is not None
    assert fitted.p(7.0) == pytest.approx(np.mean(drawn >= 7.0), rel=0.1)
    assert 0 < fitted.p(40.0) < 1e-18
    assert Gumbel.fitted(np.ones(5)) is None
    alike = Gumbel.fitted(np.array([9.0, 9.0, 9.001]))
    assert alike is not None and alike.p(1.0) == 1.0


@pytest.mark.parametrize("overlap", list(Overlap))
def test_secondary_clusters_obey_their_rule_of_overlap(overlap: Overlap) -> None:
    places, counts = city(outbreak=2)
    null = permutation(counts)
    growth = growth_of(places, null)
    told = scan(null, growth, Settings(longest=5, replications=9, overlap=overlap, told=99), seed=1).clusters
    assert len(told) > 1 and all(a.statistic >= b.statistic for a, b in pairwise(told))
    for i, weak in enumerate(told):
        for strong in told[:i]:
            inside = growth.centre[weak.sequence] in strong.members
            around = growth.centre[strong.sequence] in weak.members
            broken = {
                Overlap.NO_SHARED_PLACE: bool(set(weak.members) & set(strong.members)),
                Overlap.NO_CENTRE_IN_ANOTHER: inside or around,
                Overlap.NO_CENTRE_IN_STRONGER: inside,
                Overlap.NO_CENTRE_IN_WEAKER: around,
                Overlap.NOT_BOTH_CENTRES: inside and around,
                Overlap.ANY: False,
            }
            assert not broken[overlap]


def test_an_iterative_scan_finds_the_second_outbreak_as_if_the_first_had_not_been() -> None:
    places, counts = city(outbreak=15)
    counts[20, -1] += 8
    null = poisson(counts, np.ones(counts.shape))
    growth = growth_of(places, null, share=0.2)
    found = scan(null, growth, Settings(longest=4, replications=99, iterations=5), seed=1)
    assert [3 in found.clusters[0].members, 20 in found.clusters[1].members] == [True, True]
    assert 2 <= len(found.maxima) < 5 and found.clusters[-1].p is not None
    assert not set(found.clusters[1].members) & {3} or found.clusters[1].first > found.clusters[0].last
    with pytest.raises(ValueError):
        nulls_module.without(permutation(counts), np.array([3]), 0, 1)


def test_a_network_window_does_not_cross_the_river() -> None:
    """Two banks a kilometre apart; the only bridge is at the far end."""
    banks = np.array([[x, y] for y in (0.0, 1.0) for x in range(6)])
    places = place([f"{i:02d}" for i in range(12)], banks)
    along = [(i, i + 1) for i in (*range(5), *range(6, 11))] + [(5, 11)]
    edges = adjacency_weights(range(12), [pair for a, b in along for pair in ((a, b), (b, a))])
    growth = networks(places, np.ones(12), Limits(share=0.5), edges)
    assert growth.zone(0, 6).tolist() == [0, 1, 2, 3, 4, 5]
    assert 6 in circles(places, np.ones(12), Limits()).zone(0, 3)
    assert 11 in networks(places, np.ones(12), Limits(share=0.6), edges).zone(0, 7)


def test_places_at_equal_coordinates_are_one_place() -> None:
    places = place(["b", "a", "c"], np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]))
    assert places.ids == (("a", "b"), ("c",)) and places.index() == {"a": 0, "b": 0, "c": 1}


def test_of_places_equally_far_the_one_with_the_smaller_coordinate_joins_first() -> None:
    places = place(["m", "a", "z"], np.array([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]))
    centre = places.index()["m"]
    growth = circles(places, np.ones(3), Limits(share=1))
    assert [places.ids[i][0] for i in growth.zone(centre, 3)] == ["m", "z", "a"]


def test_a_zone_holds_at_most_its_share_and_reaches_at_most_its_radius() -> None:
    places = place(list("abcd"), np.array([[0.0, 0], [1, 0], [2, 0], [3, 0]]))
    size = np.array([1.0, 2, 3, 4])
    assert np.diff(circles(places, size, Limits(share=0.5)).start).tolist() == [2, 2, 2, 1]
    assert np.diff(circles(places, size, Limits(share=1, radius=1)).start).tolist() == [2, 3, 3, 2]


def test_latitude_and_longitude_are_kilometres_apart() -> None:
    places = place(["hcmc", "hanoi"], np.array([[10.776, 106.701], [21.028, 105.854]]), on_sphere=True)
    growth = circles(places, np.ones(2), Limits(share=1))
    assert growth.reach(0, np.array([0, 1]), places) == pytest.approx(1_143, rel=0.005)


def test_intervals_are_counted_back_from_the_last_day() -> None:
    weeks = cut(date(2024, 1, 1), date(2024, 1, 31), Unit.DAY, 7)
    assert weeks.starts[:2] == (date(2024, 1, 1), date(2024, 1, 4)) and weeks.size == 5
    months = cut(date(2023, 11, 15), date(2024, 2, 29), Unit.MONTH)
    assert months.starts == (date(2023, 11, 15), date(2023, 12, 1), date(2024, 1, 1), date(2024, 2, 1))
    assert months.end(1) == date(2023, 12, 31) and months.end(3) == date(2024, 2, 29)
    assert months.holding(date(2024, 2, 29)) == 3 and months.holding(date(2024, 3, 1)) is None


def test_people_change_in_a_straight_line_between_two_dates() -> None:
    days = cut(date(2024, 1, 1), date(2024, 1, 10))
    counted = {(0, 0): {date(2024, 1, 1): 100.0, date(2024, 1, 11): 200.0}}
    person_days = nulls_module.person_time(counted, days, 1, 1)
    assert person_days[0, :, 0] == pytest.approx(100 + 10 * (np.arange(10) + 0.5))


def test_indirect_standardisation_expects_each_age_where_it_lives() -> None:
    person_days = np.zeros((2, 1, 2))
    person_days[:, 0, 0], person_days[:, 0, 1] = (300, 100), (50, 50)
    expected = nulls_module.standardised(np.array([8.0, 10.0]), person_days)
    assert expected[:, 0] == pytest.approx([8 * 0.75 + 10 * 0.5, 8 * 0.25 + 10 * 0.5])
    with pytest.raises(ValueError):
        nulls_module.standardised(np.array([1.0, 0.0]), np.zeros((2, 1, 2)))


def test_a_weekly_rhythm_of_a_place_is_no_cluster_once_weekdays_are_strata() -> None:
    """A clinic that reports on Mondays only; the last day is a Monday."""
    places, counts = city(places=20, days=29, cases=900)
    weekdays = np.arange(29) % 7
    counts[5] = np.where(weekdays == 0, 14, 0)
    settings_ = Settings(longest=1, replications=99)
    plain, weekly = permutation(counts), permutation(nulls_module.by_weekday(counts, weekdays))
    assert 5 in scan(plain, growth_of(places, plain), settings_, seed=1).clusters[0].members
    adjusted = scan(weekly, growth_of(places, weekly), settings_, seed=1).clusters
    assert not adjusted or 5 not in adjusted[0].members or (adjusted[0].p or 0) > 0.2
    assert weekly.expected.sum() == pytest.approx(counts.sum())


def test_weekday_strata_keep_every_place_weekday_and_day_and_are_scanned_like_a_plain_scan() -> None:
    places, counts = city(places=10, days=15, cases=200)
    weekdays = (np.arange(15) + 3) % 7
    null = permutation(nulls_module.by_weekday(counts, weekdays))
    expected = np.zeros((10, 15))
    for i, t in np.ndindex(10, 15):
        alike = counts[:, weekdays == weekdays[t]]
        expected[i, t] = alike[i].sum() * counts[:, t].sum() / alike.sum()
    assert null.expected == pytest.approx(expected, rel=1e-12)
    growth = growth_of(places, null)
    plan = replicate_plan(null, growth, Settings(prospective=False, longest=4))
    drawn = [replicate(plan, 2, r) for r in range(3)]
    for one in drawn:
        assert np.array_equal(one.sum(0), counts.sum(0)) and not np.array_equal(one, counts)
        for day in range(7):
            assert np.array_equal(one[:, weekdays == day].sum(1), counts[:, weekdays == day].sum(1))
    largest = [plain_maximum(null, one, growth, 1, 4, range(15)) for one in drawn]
    assert maxima(plan, 2, 0, 3) == pytest.approx(largest, rel=1e-9)


def test_replicates_have_the_expectations_of_their_model() -> None:
    places, counts = city(places=6, days=8, cases=300)
    for name, null in nulls(counts).items():
        plan = replicate_plan(null, growth_of(places, null), Settings(longest=3))
        drawn = np.mean([replicate(plan, 4, r) for r in range(1000)], axis=0)[:, -3:]
        error = np.sqrt(null.expected[:, -3:] / 1000)
        assert np.all(np.abs(drawn - null.expected[:, -3:]) < 5 * error), name


def test_poisson_expectations_take_the_rhythm_of_the_week() -> None:
    counts = np.array([[0, 6, 2], [0, 2, 0]])
    expected = nulls_module.weekly_rhythm(counts, np.ones((2, 3)), np.array([6, 0, 1]))
    assert expected.sum(0) == pytest.approx([0, 8, 2])


def late_city(seed: int) -> tuple[Any, Any, Any, Any]:
    """Steady cases; the west reports 5 days later than the east, day 39 is today: places, event and report days of
    each case with its place, and the share of each place and day known today."""
    rng = np.random.default_rng(seed)
    places, _ = city(places=40, seed=seed)
    west = places.written[:, 0] < 0.5
    where, event = (index.ravel() for index in np.indices((40, 40)))
    where, event = np.repeat(where, 2), np.repeat(event, 2)
    reported = event + rng.poisson(np.where(west[where], 5.0, 0.2))
    shares = np.array([[poisson_law.cdf(39 - day, 5.0 if w else 0.2) for day in range(40)] for w in west])
    known = reported <= 39
    return places, where[known], np.array([event[known], reported[known]]), shares


def counted(where: Any, days: Any) -> Any:
    counts = np.zeros((40, 40), np.int64)
    np.add.at(counts, (where, days), 1)
    return counts


def most_likely_p(null: Null, growth: Growth) -> float:
    clusters = scan(null, growth, Settings(longest=5, replications=99), seed=1).clusters
    return (clusters[0].p if clusters else 1.0) or 0.0


def test_late_reports_hide_no_outbreak_and_make_none_once_their_share_is_told() -> None:
    """Four neighbours in the west have three times the cases on the last five days, of which half are known."""
    for seed in range(3):
        places, where, (event, _), shares = late_city(seed)
        quiet = counted(where, event)
        centre = int(np.argmin(places.written[:, 0]))
        outbreak = quiet.copy()
        outbreak[growth_of(places, permutation(quiet)).zone(centre, 4), -5:] *= 3
        flat, aware = np.ones((40, 40)), nulls_module.known_so_far(np.ones((40, 40)), shares)
        growth = growth_of(places, poisson(quiet, aware))
        assert most_likely_p(poisson(outbreak, flat), growth) > 0.05
        assert most_likely_p(poisson(outbreak, aware), growth) <= 0.05
        assert most_likely_p(poisson(quiet, aware), growth) > 0.05


def test_the_permutation_model_needs_days_known_to_the_same_delay() -> None:
    for seed in range(3):
        places, where, (event, reported), _ = late_city(seed)
        plain = permutation(counted(where, event))
        kept = nulls_module.known_equally(event, reported, 39, 3)
        alike = permutation(counted(where[kept], event[kept])[:, :37])
        assert most_likely_p(plain, growth_of(places, plain)) <= 0.05
        assert most_likely_p(alike, growth_of(places, alike)) > 0.05
        assert event[kept].max() == 36


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_the_same_seed_gives_the_same_result_whatever_the_threads(seed: int) -> None:
    places, counts = city(seed=seed)
    null = permutation(counts)
    growth = growth_of(places, null)
    one, two = (scan(null, growth, Settings(longest=4, replications=40), seed=7, threads=t) for t in (1, 2))
    assert summary(one) == summary(two) and np.array_equal(one.maxima[0], two.maxima[0])


def summary(result: Scan) -> list[Any]:
    return [(c.members.tolist(), c.first, c.last, c.observed, c.statistic, c.p) for c in result.clusters]


@given(st.integers(0, 10_000), st.floats(0, 6.28), st.floats(-1e4, 1e4))
@settings(max_examples=15, deadline=None)
def test_moving_and_turning_the_map_changes_no_cluster(seed: int, angle: float, shift: float) -> None:
    places, counts = city(seed=seed)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = place([names[0] for names in places.ids], places.written @ turn + shift)
    null = poisson(counts, np.ones(counts.shape))
    quick = Settings(longest=4, replications=0)
    here, there = (scan(null, growth_of(p, null), quick, seed=1).clusters for p in (places, moved))
    assert here[0].statistic == pytest.approx(there[0].statistic)
    assert sorted(here[0].members) == sorted(there[0].members)


@given(st.integers(0, 10_000), st.floats(0.05, 0.6), st.integers(1, 3), st.integers(3, 6))
@example(75, 0.125, 1, 4)
@settings(max_examples=25, deadline=None)
def test_clusters_keep_within_population_and_duration(
    seed: int, share: float, shortest: int, longest: int
) -> None:
    places, counts = city(seed=seed, outbreak=seed % 5)
    for null in nulls(counts).values():
        asked = Settings(shortest=shortest, longest=longest, replications=0, prospective=bool(seed % 2))
        for cluster in scan(null, growth_of(places, null, share), asked, seed=1).clusters:
            assert null.size[cluster.members].sum() <= share * null.size.sum() * (1 + 1e-9)
            assert shortest <= cluster.last - cluster.first + 1 <= longest
            assert cluster.observed >= 2 and cluster.observed > cluster.expected
            assert cluster.observed == counts[cluster.members, cluster.first : cluster.last + 1].sum()


def test_nothing_to_find_is_no_error() -> None:
    places, counts = city(cases=0)
    one = counts.copy()
    one[4, -1] = 1
    together = counts.copy()
    together[4] = 5
    for data in (counts, one, together):
        for null in (permutation(data), bernoulli(data, np.ones_like(data))):
            result = scan(null, growth_of(places, null), Settings(longest=4, replications=19), seed=1)
            assert all(cluster.observed >= 2 for cluster in result.clusters)
    assert not scan(permutation(one), growth_of(places, permutation(one)), Settings(), seed=1).clusters
    assert not scan(
        permutation(together), growth_of(places, permutation(together)), Settings(), seed=1
    ).clusters


@pytest.mark.parametrize(
    "wrong", [{"shortest": 0}, {"shortest": 5, "longest": 4}, {"enough": 0}, {"replications": -1}]
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Settings(**wrong)


def test_cases_where_none_are_expected_are_refused() -> None:
    with pytest.raises(ValueError):
        poisson(np.array([[1]]), np.zeros((1, 1)))
    with pytest.raises(ValueError):
        nulls_module.known_so_far(np.ones((1, 2)), np.array([0.5, 1.5]))
