"""OutbreakP equals R surveillance's outbreakP, and says why where it cannot judge."""

from __future__ import annotations

import json
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from surveillance.detect_files import detect
from surveillance.detection import DETECTORS
from surveillance.detection.outbreakp import OutbreakP
from tests.chart_series import ORACLES, Rows, newest, read, recorded, salmonella, wave, weekly

AS_R: dict[str, Any] = {"as_r": True, "fewest": 1}


def groups() -> dict[tuple[str, str, str], Rows]:
    found: dict[tuple[str, str, str], Rows] = {}
    for row in read(ORACLES / "outbreakp.csv"):
        found.setdefault((row["begin"], row["ret"], row["k"]), []).append(row)
    return found


def number(text: str) -> float:
    return float("nan") if text == "NA" else float(text)


@pytest.mark.parametrize("ret", ["value", "cases"])
def test_statistic_least_counts_and_alarms_equal_r(ret: str) -> None:
    for (begin, returned, k), rows in groups().items():
        if returned != ret:
            continue
        bound = "statistic" if ret == "value" else "cases"
        counts = salmonella()[int(begin) - 1 :][: len(rows)]
        bounds = OutbreakP(limit=float(k), bound=bound, most_cases=1000, **AS_R)(weekly(counts))  # type: ignore[arg-type]
        np.testing.assert_allclose(
            bounds.upperbound[0], [number(row["upperbound"]) for row in rows], rtol=1e-6
        )
        np.testing.assert_array_equal(bounds.alarm[0], [row["alarm"] == "1" for row in rows])


def test_every_recorded_series_equals_r() -> None:
    for name, (counts, history, rows) in recorded("outbreakP").items():
        bounds = OutbreakP(bound="statistic", **AS_R)(weekly(counts))
        upper = [number(row["upperbound"]) for row in rows]
        np.testing.assert_allclose(bounds.upperbound[0, history:], upper, rtol=1e-6, err_msg=name)
        known = bounds.reason[0, history:] == ""
        found = np.where(known, bounds.alarm[0, history:].astype(int).astype(str), "NA")
        np.testing.assert_array_equal(found, [row["alarm"] for row in rows], err_msg=name)


def test_a_settings_file_of_r_is_taken(tmp_path: Path) -> None:
    source, control = tmp_path / "in.csv", tmp_path / "settings.json"
    counts = salmonella()[199:259]
    source.write_text(
        "series,t,freq,observed\n" + "\n".join(f"a,{t},52,{c:.0f}" for t, c in enumerate(counts, start=1))
    )
    control.write_text(json.dumps({"k100": {"k": [100], "ret": "cases", "maxUpperboundCases": 1000}}))
    detect(source, "outbreakP", control, tmp_path / "out.csv")
    rows, out = groups()["200", "cases", "100"], read(tmp_path / "out.csv")
    found, theirs = ([number(row["upperbound"]) for row in each[1:]] for each in (out, rows))
    np.testing.assert_array_equal(found, theirs)
    assert [row["alarm"] for row in out[1:]] == [row["alarm"] for row in rows[1:]]
    assert out[0]["reason"] == "insufficient_history"


def test_a_slow_rise_from_a_level_alarms() -> None:
    counts = np.r_[np.full(20, 4.0), 5, 6, 8, 9, 12, 14]
    alarm = OutbreakP()(weekly(counts)).alarm[0]
    assert not alarm[:22].any() and alarm[-1]


def test_large_counts_alarm_where_r_says_zero_or_nothing() -> None:
    counts = np.r_[np.full(60, 500.0), np.full(60, 1000.0)]
    assert newest(OutbreakP(), counts) == ("", True)
    as_r = OutbreakP(bound="statistic", **AS_R)(weekly(counts))
    assert not as_r.alarm[0, -1] and not as_r.upperbound[0, -1] > 0


def test_an_unknown_week_is_left_out() -> None:
    counts = wave(1)
    with_gap = np.insert(counts, 250, np.nan)
    bounds = OutbreakP()(weekly(with_gap))
    assert bounds.reason[0, 250] == "unknown_counts" and not bounds.alarm[0, 250]
    assert bounds.score[0, -1] == OutbreakP()(weekly(counts)).score[0, -1]


def test_reasons_instead_of_bounds() -> None:
    assert newest(OutbreakP(), [3.0] * 7)[0] == "insufficient_history"
    for bad in (-1.0, np.inf, 2e9):
        assert newest(OutbreakP(), np.r_[bad, wave(1)])[0] == "invalid_counts"
        assert newest(OutbreakP(), np.r_[wave(1), bad])[0] == "invalid_counts"
    assert DETECTORS["outbreak_p"]().name == "outbreak_p"


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"bound": "upper"}, {"fewest": 0}, {"most_cases": 0}, {"last": 0}]
)
def test_settings_outside_the_method_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        OutbreakP(**wrong)


@settings(max_examples=40, deadline=None)
@given(counts=st.lists(st.integers(0, 30), min_size=8, max_size=40), last=st.integers(1, 8))
def test_the_bound_is_where_the_alarm_begins_and_the_statistic_is_that_of_isotonic_means(
    counts: list[int], last: int
) -> None:
    x = np.array(counts, dtype=np.float64)
    whole, short = (OutbreakP(last=k)(weekly(x)) for k in (None, last))
    np.testing.assert_array_equal(short.upperbound, whole.upperbound[:, -last:])
    upper = whole.upperbound[0, -1]
    np.testing.assert_array_equal(whole.alarm[0, 7:], x[7:] > whole.upperbound[0, 7:])
    at, over = (newest(OutbreakP(), np.r_[x[:-1], c]) for c in (upper, upper + 1))
    assert not (at[1] and upper > 0) and over[1]
    rising = isotonic_regression(x).x
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(x > 0, x * np.log(rising / x.mean()), 0.0).sum()
    assert whole.score[0, -1] == pytest.approx(ratio, abs=1e-8)
    assert whole.alarm[0, -1] == (ratio > log(100) and x[-1] > 0) or abs(ratio - log(100)) < 1e-8
