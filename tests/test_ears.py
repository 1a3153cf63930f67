"""EARS equals R surveillance's earsC, and never alarms on what it does not know."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveillance.detection.ears import Ears
from surveillance.types import Bounds, CountSeries, Frequency, SeriesKey

ORACLE = Path(__file__).parent / "oracles" / "ears.csv"
REFERENCE = Path(__file__).parents[2] / "shared" / "reference"
SETTINGS: dict[str, dict[str, Any]] = {
    "C1": {"method": "C1"},
    "C2": {"method": "C2"},
    "C3": {"method": "C3"},
    "C1_b14_a01": {"method": "C1", "baseline": 14, "alpha": 0.01},
    "C2_b28_minSigma1": {"method": "C2", "baseline": 28, "min_sigma": 1, "alpha": 0.005},
    "C3_b10_minSigma0.5": {"method": "C3", "baseline": 10, "min_sigma": 0.5, "alpha": 0.05},
}


def daily(counts: Iterable[Iterable[float]]) -> CountSeries:
    observed = np.asarray(list(counts), dtype=np.float64)
    return CountSeries(
        keys=tuple(SeriesKey("dengue", i) for i in range(len(observed))),
        frequency=Frequency.DAY,
        start=date(2026, 1, 1),
        observed=observed,
        as_of=datetime(2026, 8, 1, tzinfo=UTC),
    )


def read_oracle() -> dict[str, list[dict[str, str]]]:
    lines = [line for line in ORACLE.read_text().splitlines() if not line.startswith("#")]
    series: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(lines):
        series.setdefault(row["series"], []).append(row)
    return series


def number(text: str) -> float:
    return float(text) if text.strip() not in ("", "NA") else np.nan


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", ["m1", "salmonella.agona", "campyDE"])
def test_bounds_and_alarms_equal_r(name: str, setting: str) -> None:
    rows = read_oracle()[name]
    bounds = Ears(**SETTINGS[setting])(daily([[float(row["observed"]) for row in rows]]))

    expected = np.array([number(row[setting]) for row in rows])
    np.testing.assert_allclose(bounds.upperbound[0], expected, rtol=1e-6, atol=1e-6)
    assert bounds.alarm[0].tolist() == [row[f"{setting}_alarm"] == "1" for row in rows]


def read_gzip(name: str) -> Iterable[dict[str, str]]:
    with gzip.open(REFERENCE / "temporal" / name, "rt") as file:
        yield from csv.DictReader(file, skipinitialspace=True)


def test_every_series_and_setting_of_the_full_reference_equals_r() -> None:
    if not (REFERENCE / "temporal" / "earsC.csv.gz").exists():
        pytest.skip("../shared/reference/temporal is not here; tests/oracles/ears.csv was checked instead")
    names = {"minSigma": "min_sigma"}
    settings = json.loads((REFERENCE / "earsC_settings.json").read_text())
    counts: dict[str, list[float]] = {}
    for row in read_gzip("inputs.csv.gz"):
        counts.setdefault(row["series"], []).append(float(row["observed"]))
    results: dict[tuple[str, str], Bounds] = {}
    for setting, arguments in settings.items():
        ears = Ears(**{names.get(key, key): value for key, value in arguments.items()})
        results.update({(name, setting): ears(daily([values])) for name, values in counts.items()})

    ours, theirs, alarms, alarms_r = [], [], [], []
    for row in read_gzip("earsC.csv.gz"):
        bounds, step = results[row["series"], row["setting"]], int(row["t"]) - 1
        ours.append(bounds.upperbound[0, step])
        theirs.append(number(row["upperbound"]))
        alarms.append(bool(bounds.alarm[0, step]))
        alarms_r.append(row["alarm"] == "1")
    assert len(theirs) > 60_000
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
    assert alarms == alarms_r


def test_a_day_without_cases_never_alarms() -> None:
    flat = daily([[0.0] * 30])
    for method in ("C1", "C2", "C3"):
        assert not Ears(method=method)(flat).alarm.any()


def test_a_count_equal_to_the_bound_does_not_alarm() -> None:
    bounds = Ears(method="C1")(daily([[4.0] * 8]))

    assert bounds.upperbound[0, 7] == 4.0
    assert not bounds.alarm[0, 7]


def test_an_unknown_day_is_a_reason_and_not_a_zero() -> None:
    counts = [1.0, 0, 2, 1, 0, 1, 2, 1, 0, 3, 1, 9]
    counts[4] = np.nan
    bounds = Ears(method="C1")(daily([counts]))

    assert bounds.reason[0].tolist() == ["insufficient_history"] * 7 + ["unknown_counts"] * 5
    assert np.isnan(bounds.upperbound[0]).all()
    assert not bounds.alarm.any()


def test_c3_without_any_variation_says_so() -> None:
    bounds = Ears(method="C3")(daily([[0.0] * 20]))

    assert set(bounds.reason[0, 11:]) == {"no_variation"}


def test_too_short_a_history_is_a_reason() -> None:
    bounds = Ears(method="C2")(daily([[5.0] * 6]))

    assert set(bounds.reason[0]) == {"insufficient_history"}


@pytest.mark.parametrize(
    "setting", [{"alpha": 0.0}, {"baseline": 2}, {"min_sigma": -1}, {"last": 0}, {"method": "C4"}]
)
def test_an_impossible_setting_is_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Ears(**setting)


histories = st.lists(
    st.lists(st.one_of(st.integers(0, 60).map(float), st.just(np.nan)), min_size=40, max_size=40),
    min_size=1,
    max_size=4,
)


@given(counts=histories, method=st.sampled_from(["C1", "C2", "C3"]), last=st.integers(1, 45))
def test_the_newest_steps_alone_give_the_same_answer_as_the_whole_history(
    counts: list[list[float]], method: Any, last: int
) -> None:
    whole = Ears(method=method)(daily(counts))
    newest = Ears(method=method, last=last)(daily(counts))

    steps = newest.evaluated
    np.testing.assert_array_equal(newest.reason, whole.reason[:, steps])
    np.testing.assert_allclose(newest.upperbound, whole.upperbound[:, steps])
    np.testing.assert_array_equal(newest.alarm, whole.alarm[:, steps])


@given(counts=histories, method=st.sampled_from(["C1", "C2", "C3"]))
def test_an_alarm_always_has_cases_above_a_known_bound(counts: list[list[float]], method: Any) -> None:
    series = daily(counts)
    bounds = Ears(method=method)(series)

    alarms = bounds.alarm
    assert (series.observed[alarms] > bounds.upperbound[alarms]).all()
    assert (series.observed[alarms] > 0).all()
    assert not (alarms & (bounds.reason != "")).any()
