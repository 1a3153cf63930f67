"""Bayes and RKI limits equal R surveillance's, and say why where they cannot judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveillance.detect_files import detect
from surveillance.detection import DETECTORS
from surveillance.detection.windows import ReferenceWindows
from tests.chart_series import assert_equals_r, newest, read, recorded, wave, weekly

PAST_YEARS: dict[str, Any] = {"years": 2, "half_window": 4, "this_year": False}
RECORDED: dict[str, dict[str, Any]] = {
    "bayes1": {},
    "bayes3": PAST_YEARS,
    "rki1": {"method": "rki", **PAST_YEARS},
    "rki3": {"method": "rki", **PAST_YEARS},
}


@pytest.mark.parametrize("setting", RECORDED)
def test_every_recorded_series_equals_r(setting: str) -> None:
    for name, (counts, history, rows) in recorded(setting).items():
        assert_equals_r(ReferenceWindows(**RECORDED[setting])(weekly(counts)), rows, history, name)


def test_bayes_of_six_weeks_without_cases_and_of_six_with_two_each() -> None:
    """R: qnbinom(0.95, 0.5, 6/7) is 1 and qnbinom(0.95, 12.5, 6/7) is 5."""
    assert ReferenceWindows()(weekly(np.zeros(7))).upperbound[0, -1] == 1
    assert ReferenceWindows()(weekly(np.full(7, 2.0))).upperbound[0, -1] == 5


def test_rki_takes_the_poisson_limit_up_to_a_mean_of_twenty() -> None:
    for level, limit in ((0.0, 3.285), (2.9, 6.686), (20.0, 30.017), (21.0, 21.0)):
        assert DETECTORS["rki"](last=1)(weekly(np.full(120, level))).upperbound[0, 0] == pytest.approx(limit)


def test_a_settings_file_of_r_is_taken(tmp_path: Path) -> None:
    source, control = tmp_path / "in.csv", tmp_path / "settings.json"
    source.write_text("series,t,freq,observed\n" + "\n".join(f"a,{t},52,{t % 3}" for t in range(1, 121)))
    control.write_text(json.dumps({"bayes3": {"b": 2, "w": 4, "actY": False, "alpha": 0.05}}))
    detect(source, "bayes", control, tmp_path / "out.csv")
    rows = read(tmp_path / "out.csv")
    assert rows[0]["reason"] == "insufficient_history" and rows[-1]["reason"] == ""


def test_reasons_instead_of_bounds() -> None:
    assert newest(ReferenceWindows(), [3.0] * 6)[0] == "insufficient_history"
    assert newest(ReferenceWindows(), [*[np.nan] * 6, 3.0])[0] == "unknown_counts"
    assert newest(ReferenceWindows(), [*[3.0] * 6, np.nan])[0] == "unknown_counts"
    assert newest(ReferenceWindows(), [*[3.0] * 5, -1.0, 2.0])[0] == "invalid_counts"


@pytest.mark.parametrize(
    "wrong", [{"method": "cdc"}, {"years": -1}, {"half_window": 0}, {"alpha": 0.5}, {"last": 0}]
)
def test_settings_outside_the_method_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ReferenceWindows(**wrong)


@settings(max_examples=40, deadline=None)
@given(setting=st.sampled_from(list(RECORDED)), seed=st.integers(0, 9999), last=st.integers(1, 60))
def test_the_newest_steps_alone_say_the_same(setting: str, seed: int, last: int) -> None:
    counts = wave(seed, mean=3)
    whole, short = (ReferenceWindows(**RECORDED[setting], last=k)(weekly(counts)) for k in (None, last))
    np.testing.assert_array_equal(short.upperbound, whole.upperbound[:, -last:])
    np.testing.assert_array_equal(whole.alarm[0], counts > whole.upperbound[0])
