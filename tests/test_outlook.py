"""The city's forecast from the line list: what it may look at, what it says, and when it is made."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db import session_scope
from surveillance.analysis import analyse
from surveillance.diseases import load_catalogue
from surveillance.lines import Lines, day_number
from surveillance.outlook import METHOD, as_known, as_one_area, city_outlook
from surveillance.outlooks import forecast_city
from surveillance.signals import current_signals
from surveillance.types import FloatArray, Signal
from tests.case_lines import TODAY, UNITS, cases_with_delays, lines_of
from tests.line_list import CITY, Sick, add_cases, add_file, add_unit, evening

NOW = datetime(2026, 11, 20, 11, tzinfo=UTC)
DAYS = 5 * 365
CITY_ID = 99


def rising_and_falling(rng: np.random.Generator) -> FloatArray:
    """Cases a day (U, T): a yearly wave whose height wanders, so that last year's count is a poor guide."""
    season = 1 + 0.8 * np.sin(2 * np.pi * np.arange(DAYS) / 365)
    wander = np.exp(np.repeat(np.cumsum(rng.normal(0, 0.12, DAYS // 7 + 1)), 7)[:DAYS])
    return np.tile(season * wander, (len(UNITS), 1))


@pytest.fixture(scope="module")
def lines() -> Lines:
    rng = np.random.default_rng(11)
    return lines_of(cases_with_delays(rising_and_falling(rng), rng))


def outlook(lines: Lines, last: date = TODAY) -> Signal:
    unknown = np.zeros((len(UNITS), DAYS - (TODAY - last).days), dtype=bool)
    return city_outlook(lines, 0, unknown, last, city_id=CITY_ID, as_of=NOW)


@pytest.fixture(scope="module")
def forecast(lines: Lines) -> Signal:
    return outlook(lines)


def test_the_next_four_weeks_are_told_with_their_intervals_and_how_far_to_trust_them(
    forecast: Signal,
) -> None:
    weeks = forecast.detail["weeks"]

    assert forecast.unit_id == CITY_ID and not forecast.alarm
    assert [week["start"] for week in weeks[:2]] == ["2026-11-21", "2026-11-28"]
    for week in weeks:
        (low95, high95), (low80, high80) = week["intervals"]["95"], week["intervals"]["80"]
        assert 0 <= low95 <= low80 <= week["median"] <= high80 <= high95
        assert 0 < week["skill"] < 1
    assert "Dự báo 7 ngày tới" in forecast.reason.render("vi")
    assert "last year's count" in forecast.reason.render("en")


def test_late_reports_are_expected_before_anything_is_forecast(lines: Lines, forecast: Signal) -> None:
    reported = lines.between(TODAY - timedelta(days=6), TODAY).totals().sum()

    assert forecast.observed > 1.2 * reported


def test_a_past_forecast_is_tried_on_what_was_reported_by_its_day(lines: Lines) -> None:
    past, lost = TODAY - timedelta(days=100), np.zeros((1, DAYS), dtype=bool)
    by_then = lines.take(lines.reported <= day_number(past))
    everywhere = as_one_area(lines, 0)

    seen = as_known(everywhere, lost, past, TODAY)

    assert seen.today == past
    assert seen.reported.sum() == by_then.day.size < lines.between(date(2000, 1, 1), past).day.size
    assert (seen.draws == as_known(as_one_area(by_then, 0), lost, past, TODAY).draws).all()


def test_a_city_part_of_which_has_no_history_says_that_it_has_none(lines: Lines) -> None:
    unknown = np.zeros((len(UNITS), DAYS), dtype=bool)
    unknown[0, :-60] = True

    found = city_outlook(lines, 0, unknown, TODAY, city_id=CITY_ID, as_of=NOW)

    assert found.detail["lacking"] == "insufficient_history" and found.expected is None
    assert "hai năm rưỡi" in found.reason.render("vi")


def test_it_is_kept_once_a_day_and_no_analysis_takes_it_away(engine: Engine, session: Session) -> None:
    what = {"diseases": ["dengue"], "now": evening(TODAY), "timezone": CITY}
    with session_scope(engine) as shared:
        city = add_unit(shared, "79", level="province")
        units = [add_unit(shared, "26740", parent_id=city)]
        run = add_file(shared, "hcdc", evening(TODAY))
        add_cases(shared, run, [Sick(day=TODAY - timedelta(days=k), unit_id=units[0]) for k in range(30)])

    made = [forecast_city(engine, load_catalogue(), unit_ids=units, **what) for _ in range(2)]  # type: ignore[arg-type]
    with session_scope(engine) as shared:
        analyse(shared, load_catalogue(), unit_ids=units, **what)  # type: ignore[arg-type]
        kept = [s for s in current_signals(shared, unit_ids=[city]) if s.method == METHOD]

    assert made == [1, 0]
    assert [(s.period_start, s.detail["lacking"]) for s in kept] == [
        (TODAY + timedelta(days=1), "insufficient_history")
    ]
