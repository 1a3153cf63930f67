"""Weeks and months in the city's time zone.

A week runs Monday 00:00 to Sunday 24:00 (Circular 15/2026, domain.md §4) and carries its ISO 8601 number:
Sunday 22 November 2026 belongs to week 47/2026, which began on Monday the 16th. Dates are stored and weeks
derived; a week number in a file is never taken as truth.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from geodata.text import fold
from i18n import Message, MessageError

_LABEL = re.compile(r"(?:tuan|w) ?(\d{1,2}) (?:nam )?(\d{4})|(\d{4}) w(\d{1,2})")
_SHIFTED_YEAR = 2022
"""The year whose HCDC labels are the ISO number + 1: W40 was 26 September–2 October (domain.md §4)."""
_FRIDAY_WEEKS = range(22, 27)
"""HCDC's labels of June 2022, whose weeks ran Friday–Thursday: W23 was 3–9 June (domain.md §4). When the city
went over to Monday is not published; labels after June are read as Monday–Sunday."""


class WeekLabelError(MessageError, ValueError):
    """A text that names no week; `message` says what stood there and what is expected."""


class EpiWeek(NamedTuple):
    """An ISO week. `year` is the ISO year: 1 January 2027 is in week 53 of 2026."""

    year: int
    week: int


class WeekSpan(NamedTuple):
    """First and last day of a reporting week, both included."""

    first: date
    last: date


def local_day(moment: datetime, timezone: ZoneInfo) -> date:
    """The calendar day of `moment` in the city. Raises ValueError when `moment` has no time zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone has no day in the city")
    return moment.astimezone(timezone).date()


def week_start(day: date) -> date:
    """The Monday of the week that holds `day`."""
    return day - timedelta(days=day.weekday())


def week_of(day: date) -> EpiWeek:
    iso = day.isocalendar()
    return EpiWeek(iso.year, iso.week)


def month_start(day: date) -> date:
    return day.replace(day=1)


def weeks_between(first: date, last: date) -> int:
    """How many weeks the week of `last` lies after the week of `first`; 0 in the same week."""
    return (week_start(last) - week_start(first)).days // 7


def same_week_in(year: int, week: int) -> date:
    """The Monday of ISO week `week` in `year`, the "same week" of Circular 15/2026 arts. 16 and 22.

    Week 53 exists in some years only; in the others its counterpart is week 52, the last of the year.
    """
    return date.fromisocalendar(year, min(week, _last_week(year)), 1)


def week_label(day: date) -> Message:
    year, week = week_of(day)
    return Message("Tuần {week}/{year}", week=str(week), year=str(year))


def hcdc_week_number(day: date) -> int:
    """The number HCDC's files carry for `day`: ISO, and ISO + 1 in 2022 (domain.md §4)."""
    year, week = week_of(day)
    return week + 1 if year == _SHIFTED_YEAR else week


def parse_hcdc_week(text: str) -> WeekSpan:
    """The days an old HCDC label speaks of: "W40/2022", "Tuần 40/2022", "2022-W40" → 26 Sep–2 Oct 2022.

    Labels of 2022 are ISO + 1 (domain.md §8 case 12), those of other years ISO. Raises WeekLabelError.
    """
    found = _LABEL.fullmatch(fold(text))
    if found is None:
        raise WeekLabelError(
            Message(
                "“{text}” không phải là tên tuần. Hãy viết như “Tuần 40/2022” hoặc “W40/2022”.", text=text
            )
        )
    week, year = int(found[1] or found[4]), int(found[2] or found[3])
    shift = int(year == _SHIFTED_YEAR)
    if not 1 <= week <= _last_week(year) + shift:
        raise WeekLabelError(Message("Năm {year} không có tuần {week}.", year=str(year), week=str(week)))
    monday = date.fromisocalendar(year, 1, 1) + timedelta(weeks=week - 1 - shift)
    first = monday + timedelta(days=4) if shift and week in _FRIDAY_WEEKS else monday
    return WeekSpan(first, first + timedelta(days=6))


def _last_week(year: int) -> int:
    return date(year, 12, 28).isocalendar().week
