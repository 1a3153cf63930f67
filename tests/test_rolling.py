"""Every method of the catalogue on the last seven days, late reports included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from surveillance.completed import Completed
from surveillance.detection import DETECTORS, ROLLING
from surveillance.rolling import CERTAINTY, TITLES, rolling_signals
from surveillance.types import CountSeries, Frequency, SeriesKey, Signal
from tests.case_lines import TODAY, UNITS, cases_with_delays, completed_from, lines_of

NOW = datetime(2026, 11, 20, 11, tzinfo=UTC)
NOUFAILY: dict[str, Any] = {
    "periods": 10,
    "guard": 26,
    "alpha": 0.01,
    "trend_p": 1.0,
    "threshold": "nbPlugin",
}
DAYS = 6 * 366


def a_city(last_week: float) -> Completed:
    """Six communes with two cases a day for six years; `last_week` a day in the newest week of the first."""
    per_day = np.full((len(UNITS), DAYS), 2.0)
    per_day[0, -7:] = last_week
    cases = cases_with_delays(per_day, np.random.default_rng(5), mean_delay=5.0)
    return completed_from(lines_of(cases), days=DAYS)


def judged(completed: Completed, method: str, **settings: Any) -> list[Signal]:
    return rolling_signals(completed, UNITS, "dengue", method, settings, NOW)


@pytest.mark.parametrize("method", sorted(ROLLING))
def test_every_method_of_the_registry_says_something_of_every_commune(method: str) -> None:
    signals = judged(a_city(2.0), method)

    assert [signal.unit_id for signal in signals] == list(UNITS)
    assert {signal.method for signal in signals} == {DETECTORS[method]().name}
    for signal in signals:
        assert signal.period_start > TODAY - timedelta(days=7)
        assert signal.reason.render("vi") and signal.reason.render("en")
        assert (signal.upperbound is None) == bool(signal.detail["lacking"])
    assert method in TITLES


def test_an_outbreak_most_of_which_is_not_reported_yet_is_already_seen() -> None:
    """Eight cases a day where two are usual, reported five days later on average."""
    found, *others = judged(a_city(8.0), "farrington_flexible", **NOUFAILY)

    assert found.upperbound is not None
    assert found.detail["reported"] < found.upperbound < found.observed
    assert found.alarm and found.detail["probability"] >= CERTAINTY
    assert not any(other.alarm for other in others)
    assert "mới báo cáo" in found.reason.render("vi")


def test_where_the_final_count_is_not_certain_enough_it_says_so_and_does_not_alarm() -> None:
    found, *_ = judged(a_city(6.0), "farrington_flexible", **NOUFAILY)

    assert 1 - CERTAINTY <= found.detail["probability"] < CERTAINTY
    assert not found.alarm
    assert "chưa chắc chắn" in found.reason.render("vi")


def test_without_a_nowcast_it_is_the_plain_method_on_weeks_that_end_today() -> None:
    rng = np.random.default_rng(2)
    counts = rng.poisson(0.01, (len(UNITS), DAYS))
    cases = [
        (int(u), TODAY - timedelta(days=DAYS - 1 - int(s)), TODAY - timedelta(days=DAYS - 1 - int(s)))
        for u, s in zip(*np.nonzero(counts), strict=True)
    ]
    completed = completed_from(lines_of(cases), days=DAYS)
    assert not completed.estimated.any()
    start, weeks = completed.weeks()
    series = CountSeries(
        keys=tuple(SeriesKey("dengue", unit) for unit in UNITS), frequency=Frequency.WEEK, start=start,
        observed=weeks, as_of=NOW,
    )  # fmt: skip

    plain = DETECTORS["rare"](last=1)(series)

    assert [signal.alarm for signal in judged(completed, "rare")] == plain.alarm[:, -1].tolist()


def test_unknown_days_are_a_reason_never_a_calm_week() -> None:
    completed = a_city(2.0)
    completed.reported[0, -2:] = np.nan
    completed.draws[:, 0, -2:] = np.nan

    found, *_ = judged(completed, "farrington_flexible", **NOUFAILY)

    assert found.detail["lacking"] == "unknown_counts"
    assert not found.alarm and found.upperbound is None


def test_the_statutory_test_is_not_a_rolling_method() -> None:
    with pytest.raises(KeyError):
        judged(a_city(2.0), "statutory_week")
