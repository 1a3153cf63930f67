"""CUSUM equals R surveillance's cusum, and says why where it cannot judge."""

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
from surveillance.detection.cusum import TRANSFORMS, Cusum
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

SETTINGS: dict[str, dict[str, Any]] = {
    "standard": {},
    "rossi": {"transform": "rossi", "mean": 3},
    "rossi_glm": {"transform": "rossi", "mean": "seasonal"},
    "anscombe": {"transform": "anscombe", "mean": "seasonal", "reference": 0.5, "limit": 4},
    "anscombe2nd": {"transform": "anscombe2nd", "mean": "seasonal"},
    "pearsonNegBin": {"transform": "pearsonNegBin", "mean": "seasonal", "dispersion": 0.3},
    "none": {"transform": "none", "mean": 3, "reference": 5, "limit": 9},
}
RECORDED = {"cusum_std": "standard", "cusum_rossi_glm": "rossi_glm", "cusum_ansc_glm": "anscombe"}


@pytest.mark.parametrize("setting", SETTINGS)
def test_bounds_sums_and_alarms_equal_r(setting: str) -> None:
    rows = [row for row in read(ORACLES / "cusum.csv") if row["setting"] == setting]
    bounds = Cusum(training=HISTORY, **SETTINGS[setting])(weekly(salmonella()))
    assert_equals_r(bounds, rows, HISTORY, setting)
    np.testing.assert_allclose(bounds.score[0, HISTORY:], [float(row["stat"]) for row in rows], atol=1e-6)


@pytest.mark.parametrize("setting", RECORDED)
def test_every_recorded_series_equals_r(setting: str) -> None:
    for name, (counts, history, rows) in recorded(setting).items():
        bounds = Cusum(training=history, **SETTINGS[RECORDED[setting]])(weekly(counts))
        assert_equals_r(bounds, rows, history, name)
        np.testing.assert_allclose(bounds.expected[0, history:], [float(row["m"]) for row in rows], rtol=1e-6)


def test_a_settings_file_of_r_is_taken(tmp_path: Path) -> None:
    source, control = tmp_path / "in.csv", tmp_path / "settings.json"
    lines = [f"agona,{t},52,{count:.0f}" for t, count in enumerate(salmonella(), start=1)]
    source.write_text("series,t,freq,observed\n" + "\n".join(lines))
    control.write_text(
        json.dumps({"rossi_glm": {"trans": "rossi", "m": "glm", "k": 1.04, "range": [161, 312]}})
    )
    detect(source, "cusum", control, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open() as file:
        out = list(csv.DictReader(file))
    rows = [row for row in read(ORACLES / "cusum.csv") if row["setting"] == "rossi_glm"]
    assert [row["reason"] for row in out[:HISTORY]] == ["insufficient_history"] * HISTORY
    assert [row["alarm"] for row in out[HISTORY:]] == [row["alarm"] for row in rows]


def test_many_small_excesses_alarm_where_no_single_week_would() -> None:
    counts = np.concatenate([np.full(208, 9.0), np.full(8, 13.0)])
    bounds = Cusum(reference=0.5, limit=5, training=208)(weekly(counts))
    alarms = bounds.alarm[0, 208:]
    assert not alarms[:5].any() and alarms[-1]


def test_an_unknown_week_leaves_the_sum_as_it_was() -> None:
    counts = wave(1)
    counts[250] = np.nan
    bounds = Cusum()(weekly(counts))
    assert bounds.reason[0, 250] == "unknown_counts" and not bounds.alarm[0, 250]
    without = Cusum(training=208)(weekly(np.delete(counts, 250)))
    assert bounds.score[0, -1] == without.score[0, -1]


def test_reasons_instead_of_bounds() -> None:
    assert newest(Cusum(), wave(1, weeks=52)) == ("insufficient_history", False)
    assert newest(Cusum(), np.zeros(260)) == ("no_past_cases", False)
    assert newest(Cusum(mean="seasonal"), np.r_[np.full(206, np.nan), 1, 2, wave(1, weeks=52)])[0] == (
        "insufficient_history"
    )
    for bad in (-1.0, np.inf, 2e9):
        assert newest(Cusum(), np.r_[bad, wave(1)])[0] == "invalid_counts"
        assert newest(Cusum(), np.r_[wave(1), bad])[0] == "invalid_counts"


def test_it_is_in_the_registry_with_words_for_its_reasons() -> None:
    assert DETECTORS["cusum"]().name == "cusum"
    for code in (
        "insufficient_history",
        "invalid_counts",
        "unknown_counts",
        "no_past_cases",
        "no_convergence",
    ):
        assert str(explain(code))


@pytest.mark.parametrize(
    "wrong",
    [{"transform": "log"}, {"mean": 0}, {"mean": "glm"}, {"reference": -1}, {"limit": 0}, {"dispersion": 0},
     {"training": 0}, {"last": 0}],
)  # fmt: skip
def test_settings_outside_the_method_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Cusum(**wrong)


@settings(max_examples=40, deadline=None)
@given(
    transform=st.sampled_from(TRANSFORMS),
    mean=st.sampled_from(["constant", "seasonal"]),
    seed=st.integers(0, 9999),
    last=st.integers(1, 60),
)
def test_the_newest_steps_alone_say_the_same(transform: Any, mean: Any, seed: int, last: int) -> None:
    series = weekly(np.vstack([wave(seed), wave(seed + 1, mean=0.5)]))
    whole = Cusum(transform=transform, mean=mean)(series)
    short = Cusum(transform=transform, mean=mean, last=last)(series)
    np.testing.assert_array_equal(short.upperbound, whole.upperbound[:, -last:])
    np.testing.assert_array_equal(short.alarm, whole.alarm[:, -last:])
    assert not (whole.alarm & (whole.reason != "")).any()
