"""Both Farrington methods equal R surveillance, and say why where they cannot judge."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from surveillance.detection import DETECTORS, explain
from surveillance.detection.farrington import CODES, Farrington, FarringtonFlexible
from surveillance.detection.farrington_plan import flexible_plan
from surveillance.types import Bounds, CountSeries, Frequency, SeriesKey

ORACLES = Path(__file__).parent / "oracles"
REFERENCE = Path(__file__).parents[2] / "shared" / "reference"
FREQUENCIES = {"52": Frequency.WEEK, "12": Frequency.MONTH}
NOUFAILY: dict[str, Any] = {"periods": 10, "guard": 26, "alpha": 0.01, "trend_p": 1.0}
FLEXIBLE: dict[str, dict[str, Any]] = {
    "default": {},
    "default_a01": {"alpha": 0.01},
    "orig_like": {"weights_threshold": 1.0, "guard": 3},
    "nouf_delta": NOUFAILY,
    "nouf_nbPlugin": {**NOUFAILY, "threshold": "nbPlugin"},
    "nouf_muan": {**NOUFAILY, "threshold": "muan"},
    "nouf_nbPlugin_p05": {**NOUFAILY, "threshold": "nbPlugin", "alpha": 0.005, "trend_p": 0.05},
    "noreweight_sqrt": {"reweight": False, "trend": False, "power": "1/2"},
    "none_limit0": {"periods": 5, "guard": 10, "min_cases": 0, "power": "none"},
    "default_pop": {"population_offset": True},
    "nouf_nbPlugin_pop": {**NOUFAILY, "threshold": "nbPlugin", "population_offset": True},
}
CLASSIC: dict[str, dict[str, Any]] = {
    "classic_a05": {},
    "classic_a01": {"alpha": 0.01},
    "classic_noreweight": {"reweight": False},
    "classic_sqrt_notrend": {"trend": False, "power": "1/2"},
}
Rows = list[dict[str, str]]


def weekly(counts: Any, *, start: date = date(2015, 1, 5), population: Any = None) -> CountSeries:
    observed = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    return CountSeries(
        keys=tuple(SeriesKey("dengue", i) for i in range(len(observed))),
        frequency=Frequency.WEEK,
        start=start,
        observed=observed,
        as_of=datetime(2026, 8, 1, tzinfo=UTC),
        population=None if population is None else np.broadcast_to(population, observed.shape).astype(float),
    )


def seasonal(seed: int, *, mean: float = 8.0, weeks: int = 330) -> np.ndarray:
    wave = mean * np.exp(0.4 * np.cos(2 * np.pi * np.arange(weeks) / 52))
    return np.random.default_rng(seed).poisson(wave).astype(np.float64)


def read(path: Path) -> Rows:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        lines = [line for line in file if not line.startswith("#")]
    return list(csv.DictReader(lines, skipinitialspace=True))


def grouped(rows: Rows, *keys: str) -> dict[tuple[str, ...], Rows]:
    groups: dict[tuple[str, ...], Rows] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return groups


def number(text: str) -> float:
    return float(text) if text.strip() not in ("", "NA") else np.nan


def series_of(rows: Rows) -> tuple[CountSeries, str]:
    dated = rows[0]["date"] != "NA"
    counts = weekly(
        [number(row["observed"]) for row in rows], population=[number(row["population"]) for row in rows]
    )
    start = date.fromisoformat(rows[0]["date"]) if dated else counts.start
    return replace(counts, frequency=FREQUENCIES[rows[0]["freq"]], start=start), "dates" if dated else "steps"


def assert_equals_r(bounds: Bounds, rows: Rows) -> None:
    at = np.array([int(row["t"]) - 1 for row in rows])
    found = {name: getattr(bounds, name)[0, at] for name in ("expected", "upperbound", "score", "alarm")}
    np.testing.assert_array_equal(found.pop("alarm"), [row["alarm"].strip() == "1" for row in rows])
    known = bounds.reason[0, at] != "unknown_counts"  # R still scores these, though it gives no bound
    for name, values in found.items():
        if name in rows[0]:
            recorded = np.array([number(row[name]) for row in rows])
            np.testing.assert_allclose(values[known], recorded[known], rtol=1e-6, atol=1e-9)


def flexible_as_recorded(rows: Rows, setting: str, calendar: str) -> FarringtonFlexible:
    given = {"years": "b", "half_window": "w", "periods": "noPeriods", "guard": "pastWeeksNotIncluded"}
    recorded = {name: int(float(rows[0][key])) for name, key in given.items()}
    return FarringtonFlexible(**{**FLEXIBLE[setting], **recorded}, calendar=calendar)  # type: ignore[arg-type]


def classic_as_recorded(rows: Rows, setting: str, calendar: str) -> Farrington:
    b, w = int(float(rows[0]["b"])), int(float(rows[0]["w"]))
    return Farrington(years=b, half_window=w, calendar=calendar, **CLASSIC[setting])  # type: ignore[arg-type]


def zero_as_unknown(rows: Rows) -> Rows:
    """R's classic method writes a bound of 0 where there are too few cases."""
    return [
        {**row, "upperbound": "NA" if number(row["upperbound"]) == 0 else row["upperbound"]} for row in rows
    ]


def test_flexible_equals_r() -> None:
    inputs = grouped(read(ORACLES / "farrington_series.csv"), "series")
    for (name, setting), rows in grouped(
        read(ORACLES / "farrington_flexible.csv"), "series", "setting"
    ).items():
        counts, calendar = series_of(inputs[(name,)])
        assert_equals_r(flexible_as_recorded(rows, setting, calendar)(counts), rows)


def test_classic_equals_r() -> None:
    inputs = grouped(read(ORACLES / "farrington_series.csv"), "series")
    for (name, setting), rows in grouped(
        read(ORACLES / "farrington_classic.csv"), "series", "setting"
    ).items():
        counts, calendar = series_of(inputs[(name,)])
        assert_equals_r(classic_as_recorded(rows, setting, calendar)(counts), zero_as_unknown(rows))


@pytest.mark.parametrize("method", ["farringtonFlexible", "farrington_classic"])
def test_every_recorded_series_and_setting_equals_r(method: str) -> None:
    folder = REFERENCE / "temporal"
    if not folder.exists():
        pytest.skip(f"the recorded reference {folder} is not on this machine")
    inputs = grouped(read(folder / "inputs.csv.gz"), "series")
    for (name, setting), rows in grouped(read(folder / f"{method}.csv.gz"), "series", "setting").items():
        counts, calendar = series_of(inputs[(name,)])
        if method == "farrington_classic":
            assert_equals_r(classic_as_recorded(rows, setting, calendar)(counts), zero_as_unknown(rows))
        else:
            assert_equals_r(flexible_as_recorded(rows, setting, calendar)(counts), rows)


def test_the_settings_here_are_those_of_the_reference() -> None:
    path = REFERENCE / "farringtonFlexible_settings.json"
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    assert set(json.loads(path.read_text())) == set(FLEXIBLE)


def test_reference_weeks_are_found_by_date_across_week_53_and_leap_years() -> None:
    counts = weekly(np.zeros(330), start=date(2018, 1, 1))
    step = (date(2021, 1, 4) - counts.start).days // 7
    plan = flexible_plan(
        counts, np.array([step]), years=3, half_window=0, periods=1, guard=0, calendar="dates"
    )
    mondays = [counts.start + timedelta(weeks=int(row)) for row in plan.rows]
    assert mondays == [date(2018, 1, 1), date(2019, 1, 7), date(2020, 1, 6)]


def test_a_daily_series_compares_29_february_with_1_march() -> None:
    counts = replace(weekly(np.zeros(1600)), frequency=Frequency.DAY, start=date(2016, 1, 1))
    step = (date(2020, 2, 29) - counts.start).days
    plan = flexible_plan(
        counts, np.array([step]), years=4, half_window=0, periods=1, guard=0, calendar="dates"
    )
    days = [counts.start + timedelta(days=int(row)) for row in plan.rows]
    assert days == [date(2016, 2, 29), date(2017, 3, 1), date(2018, 3, 1), date(2019, 3, 1)]


@pytest.mark.parametrize("probability", [0.95, 0.99, 0.999])
def test_negative_binomial_bounds_are_exact_quantiles(probability: float) -> None:
    from surveillance.detection.farrington_kernel import _quantile

    for mean, dispersion in [(0.2, 40.0), (10, 30.0), (300, 1.5), (5e3, 3.0), (1e5, 1e3), (900, 1.0000001)]:
        exact = nbinom.ppf(probability, mean / (dispersion - 1), 1 / dispersion)
        assert _quantile(mean, dispersion, probability) == exact


def newest(bounds: Bounds) -> tuple[str, bool, bool]:
    unknown = bool(np.isnan(bounds.upperbound[0, -1]) and np.isnan(bounds.expected[0, -1]))
    return str(bounds.reason[0, -1]), bool(bounds.alarm[0, -1]), unknown


@pytest.mark.parametrize("method", [FarringtonFlexible, Farrington])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda y: y[-52:], "insufficient_history"),
        (lambda y: np.concatenate([np.full(270, np.nan), y[270:]]), "insufficient_history"),
        (lambda y: np.concatenate([y[:-1], [np.nan]]), "unknown_counts"),
        (lambda y: np.concatenate([y[:-3], [np.nan], y[-2:]]), "unknown_counts"),
        (lambda y: np.where(np.arange(y.size) == y.size - 52, -3, y), "invalid_counts"),
        (lambda y: np.where(np.arange(y.size) == y.size - 52, 1e12, y), "invalid_counts"),
        (lambda y: np.concatenate([y[:-1], [np.inf]]), "invalid_counts"),
        (lambda y: np.zeros_like(y), "too_few_cases"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_says_why(method: Any, change: Any, code: str) -> None:
    bounds = method(calendar="steps", last=3)(weekly(change(seasonal(1))))
    assert newest(bounds) == (code, False, True)


def test_zeros_for_years_and_then_cases_are_not_silently_green() -> None:
    counts = np.zeros(330)
    counts[-4:] = 6
    assert newest(FarringtonFlexible(**NOUFAILY)(weekly(counts)))[0] == "no_past_cases"
    assert newest(FarringtonFlexible()(weekly(counts)))[:2] == ("", True)


@pytest.mark.parametrize("persons", [0, -5, np.nan, np.inf])
def test_a_population_that_cannot_be_is_a_reason(persons: float) -> None:
    population = np.full(330, 5e4)
    population[-1] = persons
    detector = FarringtonFlexible(population_offset=True, last=2)
    reasons = detector(weekly(seasonal(2), population=population)).reason[0]
    assert reasons.tolist() == ["", "unknown_population"]
    assert newest(detector(weekly(seasonal(2))))[0] == "unknown_population"


def test_more_seasons_than_weeks_is_a_reason() -> None:
    assert newest(FarringtonFlexible(periods=60)(weekly(seasonal(3))))[0] == "too_many_periods"


def test_missing_weeks_are_left_out_not_counted_as_zero() -> None:
    known, holes = seasonal(4), seasonal(4)
    holes[[20, 60, 61, 120, 170]] = np.nan
    detector = FarringtonFlexible(**NOUFAILY, last=1)
    missing = detector(weekly(holes)).expected[0, 0]
    zero = detector(weekly(np.nan_to_num(holes))).expected[0, 0]
    full = detector(weekly(known)).expected[0, 0]
    assert abs(missing - full) < abs(zero - full)


def test_a_late_start_of_the_figures_does_not_move_the_forecast() -> None:
    """R 1.20.3 shifts a dated forecast when the first baseline weeks are unknown; we do not (docs)."""
    late = seasonal(5) * np.linspace(1, 3, 330)
    late[:75] = np.nan
    by_date, by_step = (
        FarringtonFlexible(**NOUFAILY, calendar=calendar, last=1)(weekly(late, start=date(2017, 1, 2)))
        for calendar in ("dates", "steps")
    )
    assert by_date.expected[0, 0] == pytest.approx(by_step.expected[0, 0], rel=0.05)


def test_every_reason_has_words() -> None:
    for code in CODES[1:]:
        assert str(explain(code))


@pytest.mark.parametrize("name", ["farrington_classic", "farrington_flexible"])
def test_methods_are_in_the_registry(name: str) -> None:
    assert DETECTORS[name]().name == name


@pytest.mark.parametrize(
    "wrong",
    [{"alpha": 0.5}, {"years": 0}, {"half_window": -1}, {"power": "1/3"}, {"periods": 0}, {"threshold": "x"},
     {"min_cases_steps": 0}, {"guard": -1}, {"last": 0}],
)  # fmt: skip
def test_settings_outside_the_method_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        FarringtonFlexible(**wrong)


DETECTOR = st.sampled_from(
    [FarringtonFlexible(), FarringtonFlexible(**NOUFAILY, threshold="nbPlugin"), Farrington()]
)
COUNTS = st.builds(seasonal, st.integers(0, 10_000), mean=st.sampled_from([0.3, 2.0, 15.0, 300.0]))


@settings(max_examples=30, deadline=None)
@given(detector=DETECTOR, counts=COUNTS, holes=st.lists(st.integers(0, 329), max_size=40))
def test_no_alarm_without_cases_or_without_a_bound(
    detector: Any, counts: np.ndarray, holes: list[int]
) -> None:
    counts[holes] = np.nan
    counts[-1] = 0
    bounds = detector(weekly(counts))
    above = counts > bounds.upperbound[0]
    assert not bounds.alarm[0, -1]
    assert not (bounds.alarm & np.isnan(bounds.upperbound)).any()
    assert ((bounds.reason != "") == np.isnan(bounds.upperbound)).all()
    np.testing.assert_array_equal(bounds.alarm[0], above & (counts > 0))


@settings(max_examples=20, deadline=None)
@given(detector=DETECTOR, counts=COUNTS, factor=st.floats(1e-3, 1e3))
def test_rescaling_the_population_leaves_the_bound(detector: Any, counts: np.ndarray, factor: float) -> None:
    with_rate = replace(detector, population_offset=True, last=8)
    persons = 3e4 * np.exp(np.arange(330) / 900)
    small = with_rate(weekly(counts, population=persons))
    large = with_rate(weekly(counts, population=persons * factor))
    np.testing.assert_allclose(small.upperbound, large.upperbound, rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(detector=DETECTOR, counts=COUNTS)
def test_the_same_calendar_28_years_later_gives_the_same(detector: Any, counts: np.ndarray) -> None:
    early, late = (detector(weekly(counts, start=date(year, 1, 5))) for year in (1987, 2015))
    np.testing.assert_array_equal(early.upperbound, late.upperbound)


@settings(max_examples=10, deadline=None)
@given(detector=DETECTOR, seed=st.integers(0, 10_000), order=st.permutations(range(40)))
def test_order_and_company_of_series_do_not_matter(detector: Any, seed: int, order: list[int]) -> None:
    counts = np.vstack([seasonal(seed + i, mean=1.0 + i) for i in range(40)])
    short = replace(detector, last=2)
    together = short(weekly(counts))
    np.testing.assert_array_equal(short(weekly(counts[order])).upperbound, together.upperbound[order])
    np.testing.assert_array_equal(short(weekly(counts[7])).upperbound[0], together.upperbound[7])


def run_python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, env={**os.environ, **environment},
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    return done.stdout.strip()


def test_the_registry_does_not_load_the_compiler() -> None:
    code = "import sys, surveillance.detection, surveillance.detect_files; print('numba' in sys.modules)"
    assert run_python(code) == "False"
