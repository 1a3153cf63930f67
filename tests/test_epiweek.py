"""Weeks as the circular and HCDC's old files count them (domain.md §4, §8 case 12)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveillance.epiweek import (
    WeekLabelError,
    hcdc_week_number,
    local_day,
    month_start,
    parse_hcdc_week,
    same_week_in,
    week_label,
    week_of,
    week_start,
    weeks_between,
)

CITY = ZoneInfo("Asia/Ho_Chi_Minh")
DAYS = st.dates(min_value=date(2000, 1, 1), max_value=date(2050, 12, 31))


def test_a_week_begins_on_monday_and_ends_on_sunday() -> None:
    assert week_start(date(2026, 11, 16)) == date(2026, 11, 16)
    assert week_start(date(2026, 11, 22)) == date(2026, 11, 16)
    assert week_start(date(2026, 11, 23)) == date(2026, 11, 23)


def test_the_week_of_a_published_bulletin_is_the_iso_week() -> None:
    """W15/2025 = 7–13 April (domain.md §4)."""
    assert week_of(date(2025, 4, 7)) == (2025, 15)
    assert week_of(date(2025, 4, 13)) == (2025, 15)


def test_new_year_days_may_belong_to_the_other_year() -> None:
    assert week_of(date(2027, 1, 1)) == (2026, 53)
    assert week_of(date(2024, 12, 31)) == (2025, 1)


def test_the_day_is_the_citys_day() -> None:
    """23:30 in London on Sunday is already Monday in the city: another week."""
    moment = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)

    assert local_day(moment, CITY) == date(2026, 11, 23)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        local_day(datetime(2026, 11, 22, 23, 30), CITY)


def test_the_same_week_of_another_year() -> None:
    assert same_week_in(2022, 47) == date(2022, 11, 21)
    assert same_week_in(2021, 1) == date(2021, 1, 4)


def test_week_53_is_compared_with_week_52_of_a_year_that_has_no_53rd() -> None:
    assert same_week_in(2020, 53) == date(2020, 12, 28)
    assert same_week_in(2021, 53) == same_week_in(2021, 52) == date(2021, 12, 27)


def test_weeks_between_counts_mondays_crossed() -> None:
    assert weeks_between(date(2026, 11, 16), date(2026, 11, 22)) == 0
    assert weeks_between(date(2026, 11, 22), date(2026, 11, 23)) == 1
    assert weeks_between(date(2026, 11, 23), date(2026, 11, 22)) == -1


def test_month_start() -> None:
    assert month_start(date(2024, 2, 29)) == date(2024, 2, 1)


def test_the_label_is_written_without_a_thousands_mark() -> None:
    assert week_label(date(2026, 11, 12)).render("vi") == "Tuần 46/2026"


@pytest.mark.parametrize("text", ["W40/2022", "Tuần 40/2022", "2022-W40", "tuan 40 nam 2022", " w40-2022 "])
def test_case_12_labels_of_2022_are_one_ahead_of_iso(text: str) -> None:
    assert parse_hcdc_week(text) == (date(2022, 9, 26), date(2022, 10, 2))


def test_weeks_of_june_2022_ran_friday_to_thursday() -> None:
    assert parse_hcdc_week("W23/2022") == (date(2022, 6, 3), date(2022, 6, 9))


def test_labels_of_other_years_are_iso() -> None:
    assert parse_hcdc_week("W15/2025") == (date(2025, 4, 7), date(2025, 4, 13))


def test_the_last_week_of_2022_is_label_53() -> None:
    assert parse_hcdc_week("W53/2022") == (date(2022, 12, 26), date(2023, 1, 1))


@pytest.mark.parametrize("text", ["", "40", "W54/2026", "W0/2025", "W53/2025", "Tháng 10/2022", "W40/22"])
def test_a_text_that_names_no_week_is_refused(text: str) -> None:
    with pytest.raises(WeekLabelError):
        parse_hcdc_week(text)


@given(DAYS)
def test_every_day_is_in_the_span_its_own_label_names(day: date) -> None:
    year = week_of(day).year
    label = f"W{hcdc_week_number(day)}/{year}"
    june_2022 = year == 2022 and hcdc_week_number(day) in range(22, 27)

    first, last = parse_hcdc_week(label)

    assert june_2022 or first <= day <= last


@given(DAYS)
def test_a_day_is_in_the_week_that_starts_at_its_week_start(day: date) -> None:
    assert same_week_in(*week_of(day)) == week_start(day)
    assert 0 <= (day - week_start(day)).days <= 6
