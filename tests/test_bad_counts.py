"""Whatever counts hold, every detector, the nowcast, Rt and spatial association answer with a number or a reason."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from surveillance.adjacency import adjacency_weights
from surveillance.association import global_moran, local_g, local_moran, permute_local_moran
from surveillance.detect_files import detect
from surveillance.detection import DETECTORS, explain, to_signals
from surveillance.detection.settings_files import BUILDERS
from surveillance.detection.statutory import StatutoryRule
from surveillance.detection.watch import LARGEST_COUNT
from surveillance.nowcast import nowcast
from surveillance.nowcasting.triangle import Triangle, due_cells
from surveillance.reproduction import Windows, estimate_rt
from surveillance.reproduction_draws import estimate_rt_from_draws
from surveillance.serial_interval import SerialInterval
from surveillance.smoothing import smooth_rates, smooth_rates_locally
from surveillance.types import Bounds, CountSeries, Detector, FloatArray, Frequency, SeriesKey

START = date(2018, 1, 1)  # a Monday; week 53 of 2020 lies in the middle
STEPS = {Frequency.DAY: 2400, Frequency.WEEK: 360}
FREQUENCY = {"moving_epidemic": Frequency.WEEK, "historical_limits": Frequency.WEEK}
MAY_ALARM_WITHOUT_CASES = ("cusum", "statutory_week", "statutory_month")
"""As R, and as the law, have it (docs/methods): a sum that goes on, a total of more days than the last."""


def ordinary(steps: int, year: int) -> FloatArray:
    mean = 5 + 3 * np.cos(2 * np.pi * np.arange(steps) / year)
    return np.random.default_rng(1).poisson(mean, (3, steps)).astype(np.float64)


def with_value(value: float, where: slice) -> Callable[[FloatArray], FloatArray]:
    def change(counts: FloatArray) -> FloatArray:
        counts[0, where] = value
        return counts

    return change


def boundaries_changed(counts: FloatArray) -> FloatArray:
    """Three times the area lately, and of the second series' unit nothing is known before."""
    counts[0, -35:] *= 3
    counts[1, :-35] = np.nan
    return counts


CHANGES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "ordinary": lambda counts: counts,
    "zeros for years": lambda counts: np.zeros_like(counts),
    "zeros for years, then cases": lambda counts: np.hstack([np.zeros_like(counts[:, 9:]), counts[:, :9]]),
    "all unknown": lambda counts: np.full_like(counts, np.nan),
    "newest unknown": with_value(np.nan, slice(-1, None)),
    "weeks unknown in between": with_value(np.nan, slice(-40, -35)),
    "every other one unknown": lambda counts: np.where(np.arange(counts.shape[1]) % 2, counts, np.nan),
    "newest negative": with_value(-3, slice(-1, None)),
    "past negative": with_value(-3, slice(-300, -200)),
    "newest infinite": with_value(np.inf, slice(-1, None)),
    "past infinite": with_value(np.inf, slice(-60, -59)),
    "past minus infinite": with_value(-np.inf, slice(-60, -59)),
    "newest huge": with_value(1e12, slice(-1, None)),
    "past huge": with_value(1e12, slice(-60, -59)),
    "all huge": lambda counts: np.full_like(counts, 1e300),
    "constant": lambda counts: np.full_like(counts, 4.0),
    "fractions": lambda counts: counts * 0.37,
    "boundaries changed": boundaries_changed,
    "one year of history": lambda counts: counts[:, -400 if counts.shape[1] > 1000 else -53 :],
    "two weeks of history": lambda counts: counts[:, -14:],
    "a single step": lambda counts: counts[:, -1:],
    "a single unknown step": lambda counts: np.full_like(counts[:, -1:], np.nan),
    "no steps": lambda counts: counts[:, :0],
    "no series": lambda counts: counts[:0],
}
NOTHING_KNOWN = ("all unknown", "a single unknown step")
POPULATIONS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "zero": lambda counts: np.zeros_like(counts),
    "negative": lambda counts: np.full_like(counts, -5.0),
    "unknown": lambda counts: np.full_like(counts, np.nan),
    "infinite": lambda counts: np.full_like(counts, np.inf),
    "grown with the boundaries": lambda counts: (
        np.where(np.arange(counts.shape[1]) < counts.shape[1] - 35, 1e4, 3e4) * np.ones((len(counts), 1))
    ),
}


def series_of(counts: FloatArray, frequency: Frequency, population: FloatArray | None = None) -> CountSeries:
    return CountSeries(
        keys=tuple(SeriesKey("dengue", unit) for unit in range(len(counts))),
        frequency=frequency,
        start=START,
        observed=counts,
        as_of=datetime(2026, 1, 1, tzinfo=UTC),
        population=population,
    )


def frequencies(name: str) -> tuple[Frequency, ...]:
    if name.startswith("statutory") or name == "seasonal_daily":
        return (Frequency.DAY,)
    return (Frequency.WEEK,) if name in FREQUENCY else (Frequency.WEEK, Frequency.DAY)


def made(name: str, series: CountSeries) -> Detector:
    """The detector; the newest 30 steps where it lets us say so."""
    if name.startswith("statutory"):
        today = series.start + timedelta(days=max(series.observed.shape[1], 1) - 1)
        rule = StatutoryRule(disease_group="B", endemic=True)
        return DETECTORS[name](today=today, rules=(rule,) * len(series.keys))
    return DETECTORS[name](last=30)


def changed(name: str, frequency: Frequency) -> CountSeries:
    counts = ordinary(STEPS[frequency], 365 if frequency is Frequency.DAY else 52)
    return series_of(CHANGES[name](counts), frequency)


def check(name: str, series: CountSeries, bounds: Bounds) -> None:
    stands, observed = bounds.reason == "", series.observed[:, bounds.evaluated]
    shape = (len(series.keys), bounds.evaluated.size)
    for part in (bounds.expected, bounds.upperbound, bounds.alarm, bounds.score, bounds.reason):
        assert part.shape == shape
    assert np.isfinite(bounds.upperbound[stands & np.isfinite(observed)]).all()
    assert not bounds.alarm[~stands].any()
    for code in np.unique(bounds.reason[~stands]):
        assert str(explain(str(code)))
    garbage = ~np.isfinite(observed) | (observed < 0) | (observed > LARGEST_COUNT)
    if name not in MAY_ALARM_WITHOUT_CASES:
        assert not (bounds.alarm & ~(observed > 0)).any()
    if not name.startswith("statutory"):  # they judge the week or month so far, not the day alone
        assert not bounds.alarm[garbage].any() and not stands[garbage].any()


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", DETECTORS)
def test_a_bound_or_a_reason_whatever_the_counts_hold(name: str, change: str) -> None:
    for frequency in frequencies(name):
        series = changed(change, frequency)
        bounds = made(name, series)(series)
        check(name, series, bounds)
        signals = to_signals(series, bounds, made(name, series))
        assert len(signals) == (len(series.keys) if bounds.evaluated.size else 0)
        if change in NOTHING_KNOWN:
            assert (bounds.reason != "").all()


@pytest.mark.parametrize("name", [n for n in DETECTORS if n not in ("rare", "outbreak_p")])
def test_the_first_step_of_all_is_never_quietly_no_alarm(name: str) -> None:
    for frequency in frequencies(name):
        series = changed("a single step", frequency)
        assert (made(name, series)(series).reason != "").all()


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("change", ["newest negative", "newest infinite", "newest huge"])
def test_an_impossible_newest_count_is_named_and_spoils_no_other_series(name: str, change: str) -> None:
    for frequency in frequencies(name):
        spoilt, sound = changed(change, frequency), changed("ordinary", frequency)
        found, wanted = made(name, spoilt)(spoilt), made(name, sound)(sound)
        assert found.reason[0, -1] in ("invalid_counts", "unknown_counts", "insufficient_history")
        np.testing.assert_array_equal(found.reason[1:], wanted.reason[1:])
        np.testing.assert_allclose(found.upperbound[1:], wanted.upperbound[1:], rtol=1e-12)


@pytest.mark.parametrize("population", POPULATIONS)
@pytest.mark.parametrize("name", ["farrington_classic", "farrington_flexible"])
def test_a_population_that_is_none_is_a_reason(name: str, population: str) -> None:
    counts = boundaries_changed(ordinary(360, 52))
    series = series_of(counts, Frequency.WEEK, POPULATIONS[population](counts))
    bounds = DETECTORS[name](last=30, population_offset=True)(series)
    check(name, series, bounds)
    if population.startswith("grown"):
        grown = DETECTORS[name](last=30)(replace(series, population=None))
        assert bounds.alarm[0].sum() < grown.alarm[0].sum() and bounds.reason[0, -1] == ""
        assert bounds.reason[1, -1] == "insufficient_history"
    else:
        assert (bounds.reason != "").all()


GARBAGE = {
    "empty": "",
    "unknown": "NA",
    "negative": "-4",
    "infinite": "inf",
    "minus infinite": "-inf",
    "huge": "1e300",
}


@pytest.mark.parametrize("word", GARBAGE)
@pytest.mark.parametrize("method", BUILDERS)
def test_a_file_with_garbage_gives_rows_with_reasons(tmp_path: Path, method: str, word: str) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    lines = ["series,t,date,freq,observed,population"]
    for week in range(320):
        day = date(2018, 1, 1) + timedelta(weeks=week)
        lines.append(f"a,{week + 1},{day},52,{GARBAGE[word] if week == 319 else 5 + week % 3},0")
    lines += [
        f"short,1,2024-01-01,52,{GARBAGE[word]},0",
        "month,1,2024-01-01,12,3,",
        "day,1,2024-01-01,365,3,",
    ]
    source.write_text("\n".join(lines))
    detect(source, method, None, out)
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 323
    newest = rows[319]
    assert newest["reason"] not in ("", "too_few_cases") and newest["alarm"] == "NA"
    for row in rows:
        assert row["reason"] or row["upperbound"] not in ("NA", "nan", "inf")
        assert (row["alarm"] == "NA") == (row["reason"] not in ("", "too_few_cases"))


def triangle_with(value: float) -> Triangle:
    rng = np.random.default_rng(2)
    counts = rng.poisson(np.array([4.0, 2.0, 1.0]), (3, 40, 3)).astype(np.float64)
    counts[0, 20, 1] = value
    return Triangle(start=START, counts=np.where(due_cells(40, 2), counts, np.nan))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1.0, 1e300])
def test_nowcast_says_which_area_it_cannot_complete(value: float) -> None:
    result = nowcast(triangle_with(value), rng=np.random.default_rng(1))
    assert (result.reason[0] != "").all() and np.isnan(result.draws[:, 0]).all()
    sound = result.reason[1:] == ""
    assert sound.any() and np.isfinite(result.draws[:, 1:][:, sound]).all()


@pytest.mark.parametrize("shape", [(0, 40, 3), (3, 0, 3), (3, 1, 3), (3, 40, 1), (1, 400, 3)])
def test_nowcast_of_empty_short_or_silent_triangles_raises_nothing(shape: tuple[int, int, int]) -> None:
    counts = np.where(due_cells(shape[1], shape[2] - 1), np.zeros(shape), np.nan)
    result = nowcast(Triangle(start=START, counts=counts), rng=np.random.default_rng(1))
    assert (result.reason != "").all()


@pytest.mark.parametrize("change", CHANGES)
def test_rt_is_a_number_or_a_reason(change: str) -> None:
    cases = changed(change, Frequency.DAY).observed[:, -500:]
    interval = SerialInterval(mean=4, sd=2)
    windows = Windows.sliding(cases.shape[1], 7, newest=20)
    draws = np.repeat(cases[None], 10, axis=0)
    found = (
        estimate_rt(cases, interval, windows=windows),
        estimate_rt_from_draws(draws, interval, windows=windows, rng=np.random.default_rng(1)),
    )
    for result in found:
        np.testing.assert_array_equal(np.isfinite(result.mean), result.reason == "")
        if change in NOTHING_KNOWN:
            assert (result.reason != "").all()
    if change.startswith("newest") and change != "newest unknown":
        assert all(result.reason[0, -1] not in ("", "too_few_cases") for result in found)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, 0.0])
@pytest.mark.parametrize("areas", [0, 1, 3, 12])
def test_association_and_rates_are_numbers_or_reasons(areas: int, value: float) -> None:
    units = range(areas)
    weights = adjacency_weights(units, [(i, j) for i in units for j in units if abs(i - j) == 1])
    values = np.random.default_rng(3).poisson(5, areas).astype(np.float64)
    values[: min(areas, 1)] = value
    everything = global_moran(values, weights)
    assert np.isfinite(everything.statistic) == (everything.reason == "")
    for local in (
        local_moran(values, weights),
        permute_local_moran(values, weights, rng=np.random.default_rng(1), permutations=19),
    ):
        np.testing.assert_array_equal(np.isfinite(local.expected), local.reason == "")
    hot = local_g(values, weights)
    np.testing.assert_array_equal(np.isfinite(hot.z), hot.reason == "")
    for people in (0.0, -1.0, np.nan, np.inf, 1000.0):
        population = np.full(areas, people)
        for rates in (smooth_rates(values, population), smooth_rates_locally(values, population, weights)):
            np.testing.assert_array_equal(np.isfinite(rates.smoothed), rates.reason == "")
