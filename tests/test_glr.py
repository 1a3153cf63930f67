"""The GLR charts equal R surveillance's glrpois and glrnb, and say why where they cannot judge."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveillance.detect_files import detect
from surveillance.detection import DETECTORS, explain
from surveillance.detection.glr import Glr
from tests.chart_series import (
    HISTORY,
    ORACLES,
    assert_equals_r,
    newest,
    read,
    recorded,
    salmonella,
    wave,
    weekly,
)

R: dict[str, Any] = {"bound": "statistic", "as_r": True}
SETTINGS: dict[str, dict[str, Any]] = {
    "glr_dec": {**R, "limit": 3, "direction": "dec"},
    "glr_cases": {**R, "limit": 4, "bound": "cases", "harmonics": 2},
    "glr_refit": {**R, "limit": 3, "shortest": 2, "trend": True, "refit": True},
    "glr_known": {**R, "limit": 4, "mean": 3, "bound": "cases", "theta": 0.7},
    "glr_epi_M": {**R, "limit": 3, "change": "epi", "longest": 20, "shortest": 2},
    "glr_window3": {**R, "limit": 3, "longest": 30, "shortest": 3, "bound": "cases"},
    "nb_dec": {**R, "limit": 2, "alpha": 0.3, "direction": "dec"},
    "nb_theta": {**R, "limit": 3, "alpha": 0.1, "theta": 0.5, "bound": "cases"},
    "nb_epi": {**R, "limit": 3, "alpha": 0.2, "change": "epi", "longest": 30},
    "nb_refit": {**R, "limit": 3, "alpha": None, "refit": True},
    "nb_Mtilde": {**R, "limit": 3, "alpha": 0.2, "longest": 20, "shortest": 3},
}
RECORDED: dict[str, dict[str, Any]] = {
    "glrpois": {**R, "trend": True},
    "glrpois_cases_M26": {**R, "longest": 26, "bound": "cases"},
    "lrpois_theta": {**R, "theta": float(np.log(1.5)), "limit": 4},
    "glrepi": {**R, "change": "epi"},
    "glrnb": {**R, "alpha": None, "trend": True},
    "glrnb_a02": {**R, "alpha": 0.2, "limit": 4, "longest": 52},
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_bounds_and_alarms_equal_r(setting: str) -> None:
    rows = [row for row in read(ORACLES / "glr.csv") if row["setting"] == setting]
    bounds = Glr(training=HISTORY, **SETTINGS[setting])(weekly(salmonella()))
    assert_equals_r(bounds, rows, HISTORY, setting)


@pytest.mark.parametrize("setting", RECORDED)
def test_every_recorded_series_equals_r(setting: str) -> None:
    for name, (counts, history, rows) in recorded(setting).items():
        bounds = Glr(training=history, **RECORDED[setting])(weekly(counts))
        assert_equals_r(bounds, rows, history, name)
        np.testing.assert_allclose(
            bounds.expected[0, history:], [float(row["mu0"]) for row in rows], rtol=1e-6
        )


def test_where_r_raised_an_error_there_is_a_reason() -> None:
    recorded("glrnb")
    counts = [float(row["observed"]) for row in read_inputs("m1")]
    assert newest(Glr(training=148, **RECORDED["glrnb"]), counts) == ("no_convergence", False)


def read_inputs(name: str) -> list[dict[str, str]]:
    from tests.chart_series import REFERENCE

    return [row for row in read(REFERENCE / "inputs.csv.gz") if row["series"] == name]


def test_a_settings_file_of_r_is_taken(tmp_path: Path) -> None:
    source, control = tmp_path / "in.csv", tmp_path / "settings.json"
    lines = [f"agona,{t},52,{count:.0f}" for t, count in enumerate(salmonella(), start=1)]
    source.write_text("series,t,freq,observed\n" + "\n".join(lines))
    control.write_text(
        json.dumps({"nb_Mtilde": {"c.ARL": 3, "alpha": 0.2, "M": 20, "Mtilde": 3, "range": [161]}})
    )
    detect(source, "glrnb", control, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open() as file:
        out = list(csv.DictReader(file))[HISTORY:]
    rows = [row for row in read(ORACLES / "glr.csv") if row["setting"] == "nb_Mtilde"]
    assert [row["alarm"] for row in out] == [row["alarm"] for row in rows]
    np.testing.assert_allclose(
        [float(row["upperbound"]) for row in out], [float(row["upperbound"]) for row in rows], atol=1e-6
    )


def test_a_very_large_jump_is_seen_though_r_calls_it_nothing() -> None:
    counts = np.r_[np.ones(208), np.ones(20), 400.0]
    chart: dict[str, Any] = {"alpha": 0.01, "mean": 1, "limit": 50.0, "training": 208}
    assert newest(Glr(**chart), counts) == ("", True)
    assert newest(Glr(as_r=True, **chart), counts) == ("", False)


def test_a_fall_to_nothing_is_seen_though_r_does_not_look_at_it() -> None:
    counts = np.r_[np.full(208, 8.0), np.zeros(6)]
    falls = Glr(direction="dec", training=208)(weekly(counts))
    assert falls.alarm[0, 208:].any()


def test_after_an_alarm_a_chart_that_needs_more_steps_says_so() -> None:
    counts = np.r_[wave(3), 60.0, 5.0]
    bounds = Glr(longest=26, training=208)(weekly(counts))
    assert bounds.alarm[0, -2] and bounds.reason[0, -1] == "starts_anew"


def test_an_unknown_week_is_left_out() -> None:
    counts = wave(1)
    counts[250] = np.nan
    bounds = Glr(mean=6)(weekly(counts))
    assert bounds.reason[0, 250] == "unknown_counts" and not bounds.alarm[0, 250]
    without = Glr(mean=6, training=208)(weekly(np.delete(counts, 250)))
    assert bounds.score[0, -1] == without.score[0, -1]


def test_reasons_instead_of_bounds() -> None:
    assert newest(Glr(), wave(1, weeks=52)) == ("insufficient_history", False)
    assert newest(Glr(), np.zeros(260)) == ("no_past_cases", False)
    for bad in (-1.0, np.inf, 2e9):
        assert newest(Glr(), np.r_[bad, wave(1)])[0] == "invalid_counts"
        assert newest(Glr(), np.r_[wave(1), bad])[0] == "invalid_counts"


@pytest.mark.parametrize("name", ["glr_poisson", "glr_negative_binomial"])
def test_methods_are_in_the_registry(name: str) -> None:
    assert DETECTORS[name]().name == name
    assert str(explain("starts_anew"))


@pytest.mark.parametrize(
    "wrong",
    [{"alpha": -1}, {"change": "trend"}, {"limit": 0}, {"shortest": 0}, {"shortest": 3, "longest": 2},
     {"theta": 0}, {"mean": 0}, {"harmonics": -1}, {"direction": "both"}, {"training": 0}],
)  # fmt: skip
def test_settings_outside_the_method_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Glr(**wrong)


@settings(max_examples=30, deadline=None)
@given(
    change=st.sampled_from(["intercept", "epi"]),
    alpha=st.sampled_from([0.0, 0.15]),
    theta=st.sampled_from([None, 0.4]),
    seed=st.integers(0, 9999),
)
def test_it_alarms_exactly_above_the_limit_it_shows(
    change: Any, alpha: float, theta: float | None, seed: int
) -> None:
    chart = Glr(change=change, alpha=alpha, theta=theta if change == "intercept" else None)
    counts = wave(seed, mean=3)
    counts[-20:-15] += 9
    bounds = chart(weekly(counts))
    stands = bounds.reason[0] == ""
    np.testing.assert_array_equal(bounds.alarm[0, stands], (counts > bounds.upperbound[0])[stands])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 9999), last=st.integers(1, 60), refit=st.booleans())
def test_the_newest_steps_alone_say_the_same(seed: int, last: int, refit: bool) -> None:
    series = weekly(np.vstack([wave(seed), wave(seed + 1, mean=0.5)]))
    whole, short = Glr(refit=refit)(series), Glr(refit=refit, last=last)(series)
    np.testing.assert_array_equal(short.upperbound, whole.upperbound[:, -last:])
    np.testing.assert_array_equal(short.alarm, whole.alarm[:, -last:])
