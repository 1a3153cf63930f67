"""Historical limits equal R surveillance's algo.cdc, and say why where they cannot judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveillance.detect_files import detect
from surveillance.detection import DETECTORS, explain
from surveillance.detection.cdc import HistoricalLimits
from surveillance.types import Frequency
from tests.chart_series import (
    ORACLES,
    Rows,
    assert_equals_r,
    newest,
    read,
    recorded,
    salmonella,
    wave,
    weekly,
)


def groups() -> dict[tuple[str, str, str], Rows]:
    found: dict[tuple[str, str, str], Rows] = {}
    for row in read(ORACLES / "cdc.csv"):
        found.setdefault((row["b"], row["m"], row["alpha"]), []).append(row)
    return found


@pytest.mark.parametrize("setting", groups())
def test_limits_and_alarms_equal_r(setting: tuple[str, str, str]) -> None:
    b, m, alpha = setting
    rows = groups()[setting]
    detector = HistoricalLimits(years=int(b), months=int(m), alpha=float(alpha), bound="total")
    bounds = detector(weekly(salmonella()))
    history = int(rows[0]["t"]) - 1
    assert_equals_r(bounds, rows, history, str(setting))
    assert set(bounds.reason[0, :history]) == {"insufficient_history"}


def test_every_recorded_series_equals_r() -> None:
    for name, (counts, history, rows) in recorded("cdc").items():
        assert_equals_r(HistoricalLimits(bound="total")(weekly(counts)), rows, history, name)


def test_a_settings_file_of_r_is_taken(tmp_path: Path) -> None:
    source, control = tmp_path / "in.csv", tmp_path / "settings.json"
    lines = [f"agona,{t},52,{count:.0f}" for t, count in enumerate(salmonella(), start=1)]
    source.write_text("series,t,freq,observed\n" + "\n".join([*lines, "months,1,12,5"]))
    control.write_text(json.dumps({"cdc": {"b": 5, "m": 1, "alpha": 0.025, "range": [268, 312]}}))
    detect(source, "cdc", control, tmp_path / "out.csv")
    rows, out = groups()["5", "1", "0.025"], read(tmp_path / "out.csv")
    assert [row["alarm"] for row in out[267:312]] == [row["alarm"] for row in rows]
    assert (out[0]["reason"], out[0]["alarm"]) == ("insufficient_history", "NA")
    assert (out[312]["reason"], out[312]["alarm"]) == ("wrong_frequency", "NA") and str(
        explain("wrong_frequency")
    )


def test_a_week_is_judged_with_the_three_before_it() -> None:
    calm = wave(3, weeks=312)
    for count, alarm in ((40.0, True), (6.0, False)):
        assert newest(HistoricalLimits(), np.r_[calm, count]) == ("", alarm)


def test_reasons_instead_of_bounds() -> None:
    counts = wave(1, weeks=312)
    assert newest(HistoricalLimits(), counts[:267])[0] == "insufficient_history"
    assert newest(HistoricalLimits(), np.r_[counts, np.nan, 3])[0] == "unknown_counts"
    assert newest(HistoricalLimits(), np.r_[np.full(300, np.nan), counts[:12]])[0] == "unknown_counts"
    gap = counts.copy()
    gap[52:60] = np.nan
    assert newest(HistoricalLimits(), gap)[0] == ""
    for bad in (-1.0, np.inf, 2e9):
        assert newest(HistoricalLimits(), np.r_[counts, bad])[0] == "invalid_counts"
    with pytest.raises(ValueError, match="weeks"):
        HistoricalLimits()(weekly(counts, frequency=Frequency.DAY))
    assert DETECTORS["historical_limits"]().name == "historical_limits"


@pytest.mark.parametrize(
    "wrong",
    [{"years": 0}, {"months": 13}, {"years": 1, "months": 0}, {"alpha": 1}, {"bound": "limit"}, {"last": 0}],
)
def test_settings_outside_the_method_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        HistoricalLimits(**wrong)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 9999), last=st.integers(1, 40), months=st.integers(0, 9))
def test_the_newest_weeks_alone_say_the_same_and_the_bound_is_where_the_alarm_begins(
    seed: int, last: int, months: int
) -> None:
    counts = wave(seed, mean=2, weeks=330)
    whole, short = (HistoricalLimits(months=months, last=k)(weekly(counts)) for k in (None, last))
    np.testing.assert_allclose(short.upperbound, whole.upperbound[:, -last:], rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(whole.alarm[0], counts > whole.upperbound[0])
