"""Settings in R's words, in every form R's users write them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surveillance.detect_files import detect
from surveillance.detection.glr import Glr
from surveillance.detection.settings_files import SettingsFileError
from tests.chart_series import salmonella, weekly

Out = list[dict[str, str]]


def run(folder: Path, method: str, control: dict[str, Any]) -> Out:
    source, settings = folder / "in.csv", folder / "settings.json"
    lines = [f"agona,{t},52,{count:.0f}" for t, count in enumerate(salmonella(), start=1)]
    source.write_text("series,t,freq,observed\n" + "\n".join(lines))
    settings.write_text(json.dumps({"one": control}))
    detect(source, method, settings, folder / "out.csv")
    with (folder / "out.csv").open() as file:
        return list(csv.DictReader(file))


WATCHED = list(range(161, 313))


@pytest.mark.parametrize(
    ("method", "control", "same"),
    [
        ("farringtonFlexible", {"b": [4], "w": [2], "alpha": [0.1], "trend": [True]}, {"b": 4, "w": 2, "alpha": 0.1}),
        ("farringtonFlexible", {"pastWeeksNotIncluded": None, "limit54": None}, {}),
        ("farrington", {"verbose": False, "plot": False, "range": None}, {}),
        ("earsC", {"method": ["C2"], "minSigma": None, "range": [100, 101]}, {"method": "C2"}),
        ("cusum", {"range": WATCHED, "m": [3.0] * 152}, {"range": [161, 312], "m": 3}),
        ("cusum", {"range": WATCHED, "m": None, "alpha": None}, {"range": [161]}),
        ("glrpois", {"range": WATCHED, "mu0": [2.5] * 152}, {"range": 161, "mu0": 2.5}),
        ("glrpois", {"range": WATCHED, "mu0": {"S": [2]}}, {"range": 161, "mu0": {"S": 2}}),
        ("glrpois", {"range": WATCHED, "change": "epi", "theta": 0.4}, {"range": 161, "change": "epi"}),
        ("glrpois", {"range": WATCHED, "theta": 0.4, "dir": "dec", "S": 1, "beta": None}, {"range": 161, "theta": 0.4}),
        ("glrnb", {"range": WATCHED, "M": -1, "alpha": None}, {"range": 161}),
        ("outbreakP", {"k": [100], "ret": "value"}, {}),
        ("cdc", {"b": [5], "m": [1], "range": [300]}, {"b": 5}),
        ("bayes", {"b": 2, "w": 4, "actY": False}, {"b": [2], "w": [4], "actY": [False]}),
    ],
)  # fmt: skip
def test_two_ways_to_write_one_setting_give_one_result(
    tmp_path: Path, method: str, control: dict[str, Any], same: dict[str, Any]
) -> None:
    assert run(tmp_path, method, control) == run(tmp_path, method, same)


@pytest.mark.parametrize(
    ("name", "other", "control"),
    [
        ("bayes3", "bayes", {"b": 2, "w": 4, "actY": False}),
        ("rki1", "rki", {"b": 0, "w": 6, "actY": True}),
        ("rki2", "algo.rki", {"b": 1, "w": 6, "actY": True}),
        ("rki3", "rki", {}),
        ("bayes1", "algo.bayes", {}),
        ("algo.farrington", "farrington_classic", {}),
        ("algo.outbreakP", "outbreak_p", {}),
        ("algo.cdc", "historical_limits", {}),
    ],
)  # fmt: skip
def test_every_name_of_r_is_known(tmp_path: Path, name: str, other: str, control: dict[str, Any]) -> None:
    assert run(tmp_path, name, {}) == run(tmp_path, other, control)


@pytest.mark.parametrize(
    ("method", "control", "words"),
    [
        ("glrpois", {"alpha": 0.2}, "glrnb"),
        ("glrpois", {"range": WATCHED, "mu0": [1.0, 2.0]}, "152 steps"),
        ("cusum", {"range": WATCHED, "m": [1.0, 2.0]}, "152 steps"),
        ("cusum", {"m": "poisson"}, "m must be a number"),
        ("glrpois", {"theta": 0}, "theta"),
        ("outbreakP", {"ret": "limit"}, "value, cases"),
        ("outbreakP", {"kk": 3}, "kk"),
        ("cdc", {"m": 1.5}, "m"),
        ("rare", {"b": 5}, "b"),
    ],
)
def test_what_cannot_be_taken_is_named(
    tmp_path: Path, method: str, control: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsFileError, match=words):
        run(tmp_path, method, control)


def test_methods_r_has_not_take_their_own_settings(tmp_path: Path) -> None:
    assert {row["reason"] for row in run(tmp_path, "rare", {"most_cases": 1e6, "last": 2})} == {
        "not_judged",
        "",
    }
    assert {row["reason"] for row in run(tmp_path, "seasonal_daily", {})} == {"wrong_frequency"}
    assert run(tmp_path, "moving_epidemic", {"fewest": 3, "intensities": [0.4, 0.9, 0.975]})


def test_a_known_fall_is_looked_for_with_theta_below_zero() -> None:
    counts = np.r_[np.full(60, 9.0), np.full(10, 2.0)]
    falls = Glr(theta=-0.7, mean=9.0, training=20, limit=4, bound="cases")(weekly(counts))
    assert not falls.alarm[0, :60].any() and falls.alarm[0, 60:].any()
    assert not Glr(theta=0.7, mean=9.0, training=20, limit=4)(weekly(counts)).alarm.any()
