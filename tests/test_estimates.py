"""Nowcast and Rt as signals: what people read beside the levels."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from surveillance.completed import Completed
from surveillance.diseases import Disease, load_catalogue
from surveillance.estimates import RISING, nowcast_signals, rt_signals
from surveillance.types import Signal
from tests.case_lines import TODAY, UNITS, cases_with_delays, completed_from, lines_of

NOW = datetime(2026, 11, 20, 11, tzinfo=UTC)
CITY = 99
DAYS = 200


@pytest.fixture(scope="module")
def dengue() -> Disease:
    return load_catalogue()["dengue"]


def a_city(growth_per_day: float, *, quiet: int | None = None) -> Completed:
    """Six communes with six cases a day until sixty days ago, then growing; `quiet` has none at all."""
    since = np.maximum(np.arange(DAYS) - (DAYS - 60), 0)
    per_day = np.tile(6 * np.exp(growth_per_day * since), (len(UNITS), 1))
    if quiet is not None:
        per_day[quiet] = 0
    cases = cases_with_delays(per_day, np.random.default_rng(3))
    return completed_from(lines_of(cases), days=DAYS).with_total()


def by_unit(signals: list[Signal]) -> dict[int, Signal]:
    return {signal.unit_id: signal for signal in signals}


def test_the_nowcast_says_how_many_are_reported_and_how_many_will_be() -> None:
    completed = a_city(0.0)

    city = by_unit(nowcast_signals(completed, (*UNITS, CITY), "dengue", NOW))[CITY]

    assert city.observed == completed.reported[-1, -7:].sum()
    assert city.expected is not None
    assert city.observed < city.detail["lower"] <= city.expected <= city.detail["upper"]
    assert city.expected == pytest.approx(6 * 7 * len(UNITS), rel=0.15)
    assert not city.alarm and city.upperbound is None
    assert "20/11/2026" in city.reason.render("vi")


def test_a_commune_without_a_case_needs_no_sentence() -> None:
    signals = by_unit(nowcast_signals(a_city(0.0, quiet=2), (*UNITS, CITY), "dengue", NOW))

    assert UNITS[2] not in signals and {UNITS[0], CITY} <= set(signals)


def test_the_open_weeks_of_the_curve_are_calendar_weeks() -> None:
    """Friday 20 November: the weeks of 26 October (its last days) to 16 November are still open."""
    completed = a_city(0.0)
    city = by_unit(nowcast_signals(completed, (*UNITS, CITY), "dengue", NOW))[CITY]

    mondays = [date.fromisoformat(week[0]) for week in city.detail["weeks"]]
    assert mondays == [date(2026, 10, 26) + timedelta(weeks=k) for k in range(4)]
    _monday, lower, median, upper = city.detail["weeks"][1]
    reported = completed.reported[-1, -19:-12].sum()  # 2 to 8 November
    assert reported <= lower <= median <= upper


def test_without_enough_reports_the_nowcast_says_why() -> None:
    cases = [(0, TODAY - timedelta(days=k), TODAY) for k in (1, 2)]
    signals = nowcast_signals(completed_from(lines_of(cases)), UNITS, "dengue", NOW)

    assert [(signal.unit_id, signal.observed, signal.expected) for signal in signals] == [(UNITS[0], 2, None)]
    assert signals[0].detail["lacking"] == "too_few_reports"
    assert "Không đủ dữ liệu" in signals[0].reason.render("vi")


def test_growth_for_two_weeks_alarms_and_says_how_fast_it_doubles(dengue: Disease) -> None:
    """5 % a day doubles in 14 days."""
    city = by_unit(rt_signals(a_city(0.05), (*UNITS, CITY), dengue, NOW))[CITY]

    assert city.alarm
    assert city.detail["lower"] > 1 and min(city.detail["above_one"]) >= RISING
    assert city.detail["doubling_days"] == pytest.approx(np.log(2) / 0.05, rel=0.2)
    assert "gấp đôi" in city.reason.render("vi") and "double" in city.reason.render("en")


def test_a_falling_epidemic_does_not_alarm(dengue: Disease) -> None:
    city = by_unit(rt_signals(a_city(-0.04), (*UNITS, CITY), dengue, NOW))[CITY]

    assert not city.alarm and city.detail["upper"] < 1
    assert "một nửa" in city.reason.render("vi")


def test_rt_is_silent_where_cases_are_too_few(dengue: Disease) -> None:
    cases = cases_with_delays(np.full((len(UNITS), DAYS), 0.5), np.random.default_rng(4))

    signals = rt_signals(completed_from(lines_of(cases), days=DAYS), UNITS, dengue, NOW)

    assert signals == []


def test_the_same_figures_give_the_same_signals(dengue: Disease) -> None:
    first, again = (rt_signals(a_city(0.02), (*UNITS, CITY), dengue, NOW) for _ in range(2))

    assert first == again
