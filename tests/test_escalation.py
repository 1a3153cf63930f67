"""Whom to tell next of an alert that nobody takes on: the laws, and working hours against a minute-by-minute count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Role
from alerts.levels import Level
from alerts.routing import Person
from alerts.rules import PolicyError
from alerts.telling.escalation import Beat, NextStep, Shift, Step, Waiting, due_at, next_steps
from alerts.telling.hours import Calendar, Quiet, WorkingHours, quiet_until
from alerts.telling.rules import __file__ as rules_file
from alerts.telling.rules import default_rules, parse_rules

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
RULES = default_rules()
HOLIDAY = date(2026, 9, 2)
CALENDAR = Calendar(hours=RULES.hours, is_holiday=lambda day: day == HOLIDAY, zone=ZONE)
WARD, OTHER, CENTRE_AREA, CITY = 1, 2, 10, 100
LINE = frozenset({WARD, CITY})
MONDAY = datetime(2026, 8, 31, 9, 0, tzinfo=ZONE)


def person(id_: int, role: Role, *areas: int) -> Person:
    return Person(id=id_, role=role, has_email=True, area_ids=frozenset(areas))


STATION, CENTRE, ANALYST = (
    person(1, Role.OFFICER, WARD),
    person(2, Role.OFFICER, WARD, OTHER),
    person(3, Role.ANALYST),
)
PEOPLE = [STATION, CENTRE, ANALYST, person(4, Role.OFFICER, OTHER), person(5, Role.MANAGER)]
NAMES = {one.id: f"Người {one.id}" for one in PEOPLE}


def waiting(*beats: Beat, taken: Mapping[Step, Sequence[Beat]] | None = None) -> Waiting:
    return Waiting(alert_id=7, spell_id=70, unit_id=WARD, unit_line=LINE, beats=beats, taken=taken or {})


def beat(level: int, at: datetime = MONDAY, statutory: bool = False) -> Beat:
    return Beat(at=at, level=Level(level), statutory=statutory)


def must_be_due(alert: Waiting, step: Step) -> datetime:
    due = due_at(alert, step, RULES, CALENDAR)
    assert due is not None
    return due.at


def steps(
    alert: Waiting, now: datetime, rota: list[Shift] | None = None, people: list[Person] | None = None
) -> list[NextStep]:
    return next_steps(alert, PEOPLE if people is None else people, rota or [], NAMES, RULES, CALENDAR, now)


def called(step: NextStep) -> list[int]:
    return [one.person.id for one in step.called]


moments = st.datetimes(datetime(2026, 8, 1), datetime(2026, 10, 1)).map(lambda at: at.replace(tzinfo=UTC))
beats = st.lists(st.builds(beat, st.integers(2, 4), moments, st.booleans()), min_size=1, max_size=4).map(
    lambda some: sorted(some, key=lambda one: one.at)
)


# Who


def test_the_regional_centre_is_told_after_its_delay_and_then_who_is_on_call() -> None:
    alert = waiting(beat(4))
    shift = Shift(user_id=3, unit_id=None, starts_at=MONDAY, ends_at=MONDAY + timedelta(days=1))

    assert steps(alert, MONDAY + timedelta(minutes=29)) == []
    (centre,) = steps(alert, MONDAY + timedelta(minutes=30))
    assert (centre.step, called(centre)) == (Step.CENTRE, [CENTRE.id])
    assert str(centre.reason) == "Chưa ai tiếp nhận sau 30 phút. Đã báo trung tâm y tế khu vực: Người 2."
    (city,) = steps(waiting(beat(4), taken={Step.CENTRE: [beat(4)]}), MONDAY + timedelta(hours=1), [shift])
    assert (city.step, called(city)) == (Step.CITY, [ANALYST.id])
    assert "người đang trực: Người 3" in str(city.reason)


def test_where_the_centre_has_nobody_the_city_is_told_at_once_and_why_is_said() -> None:
    both = steps(waiting(beat(4)), MONDAY + timedelta(minutes=30), people=[STATION, ANALYST])

    assert [(one.step, called(one)) for one in both] == [(Step.CENTRE, []), (Step.CITY, [ANALYST.id])]
    assert "không có cán bộ trung tâm" in str(both[0].reason)
    assert "Lịch trực đang trống" in str(both[1].reason)


def test_a_shift_counts_only_while_it_lasts_and_where_it_holds() -> None:
    until = MONDAY + timedelta(hours=1)
    shifts = [
        Shift(user_id=5, unit_id=None, starts_at=MONDAY - timedelta(days=1), ends_at=until),
        Shift(user_id=4, unit_id=OTHER, starts_at=MONDAY, ends_at=until + timedelta(days=1)),
    ]
    taken = {Step.CENTRE: [beat(4)]}
    assert called(
        steps(waiting(beat(4), beat(4, MONDAY - timedelta(hours=1)), taken=taken), MONDAY, shifts)[0]
    ) == [5]
    assert called(steps(waiting(beat(4), taken=taken), until, shifts)[0]) == [ANALYST.id]


# When


def test_low_levels_wait_for_office_hours_and_red_does_not() -> None:
    friday_evening = datetime(2026, 9, 4, 16, 30, tzinfo=ZONE)
    assert must_be_due(waiting(beat(3, friday_evening)), Step.CENTRE) == datetime(
        2026, 9, 7, 9, 0, tzinfo=ZONE
    )
    assert must_be_due(waiting(beat(4, friday_evening)), Step.CENTRE) == friday_evening + timedelta(
        minutes=30
    )


def test_a_statutory_status_runs_on_its_own_clock_at_any_level() -> None:
    night = datetime(2026, 9, 5, 22, 0, tzinfo=ZONE)
    due = must_be_due(waiting(beat(2, night, statutory=True)), Step.CITY)
    assert due == night + timedelta(hours=8)


@given(beats, st.sampled_from(Step))
def test_the_city_is_never_due_before_the_centre(some: list[Beat], step: Step) -> None:
    alert = waiting(*some)
    assert must_be_due(alert, Step.CENTRE) < must_be_due(alert, Step.CITY)


@given(beats, moments, st.timedeltas(timedelta(), timedelta(days=30)))
def test_what_is_due_stays_due_as_time_passes(some: list[Beat], now: datetime, later: timedelta) -> None:
    alert = waiting(*some)
    before, after = steps(alert, now), steps(alert, now + later)
    assert {one.step for one in before} <= {one.step for one in after}


@given(beats, moments)
def test_a_step_that_was_taken_is_never_taken_again(some: list[Beat], now: datetime) -> None:
    first = steps(waiting(*some), now)
    again = steps(waiting(*some, taken={one.step: [one.stands] for one in first}), now)
    assert again == []


def test_who_was_told_of_a_low_level_is_told_again_when_it_turns_red() -> None:
    told = {step: [beat(2)] for step in Step}
    red = MONDAY + timedelta(days=9)
    alert = waiting(beat(2), beat(4, red), taken=told)

    assert steps(alert, red + timedelta(minutes=29)) == []
    assert [one.step for one in steps(alert, red + timedelta(minutes=30))] == [Step.CENTRE]
    assert steps(waiting(beat(2), beat(3, red), beat(2, red), taken=told), red + timedelta(days=9)) == []


@given(beats, moments, st.booleans(), st.sampled_from(Step))
def test_a_rise_never_puts_a_step_off(some: list[Beat], at: datetime, statutory: bool, step: Step) -> None:
    stands = some[-1]
    worse = Beat(at=max(at, stands.at), level=Level(4), statutory=stands.statutory or statutory)
    before = must_be_due(waiting(*some, worse), step)
    assert before <= must_be_due(waiting(*some), step)


@given(moments, st.integers(1, 3000))
def test_working_time_agrees_with_counting_minutes(start: datetime, minutes: int) -> None:
    start = start.replace(second=0, microsecond=0)
    at, left = start, minutes
    while left:
        local = at.astimezone(ZONE)
        open_day = local.isoweekday() in RULES.hours.days and local.date() != HOLIDAY
        left -= open_day and RULES.hours.starts <= local.time() < RULES.hours.ends
        at += timedelta(minutes=1)
    assert CALENDAR.after(start, timedelta(minutes=minutes)) == at


def test_an_office_that_never_opens_is_an_error_and_not_a_loop() -> None:
    closed = Calendar(hours=RULES.hours, is_holiday=lambda day: True, zone=ZONE)
    with pytest.raises(ValueError, match="no 0:01:00 of working time"):
        closed.after(MONDAY, timedelta(minutes=1))


# Quiet hours


NIGHT = Quiet(starts=time(21, 30), ends=time(6))


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (datetime(2026, 9, 1, 23, 0), datetime(2026, 9, 2, 6, 0)),
        (datetime(2026, 9, 2, 5, 59), datetime(2026, 9, 2, 6, 0)),
        (datetime(2026, 9, 2, 6, 0), None),
        (datetime(2026, 9, 2, 21, 29), None),
    ],
)
def test_messages_wait_until_the_morning(now: datetime, until: datetime | None) -> None:
    waits = until and until.replace(tzinfo=ZONE)
    assert quiet_until(NIGHT, False, now.replace(tzinfo=ZONE), ZONE) == waits


@given(st.times(), st.times(), moments)
def test_red_and_duties_never_wait(starts: time, ends: time, now: datetime) -> None:
    assert quiet_until(Quiet(starts=starts, ends=ends), True, now, ZONE) is None


@given(st.times(), st.times(), moments)
def test_a_wait_ends_within_a_day_and_outside_the_quiet_hours(
    starts: time, ends: time, now: datetime
) -> None:
    quiet = Quiet(starts=starts, ends=ends)
    until = quiet_until(quiet, False, now, ZONE)
    if until is not None:
        assert now < until <= now + timedelta(days=1)
        assert quiet_until(quiet, False, until, ZONE) is None


# The file

SHIPPED = (Path(rules_file).parent / "telling.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("centre_minutes = 30\n", "centre_minutes = 0\n", "số nguyên từ 1"),
        ("city_minutes = 60", "city_minutes = 30", "phải lớn hơn centre_minutes"),
        ('level = 4\nclock = "always"', 'level = 4\nclock = "working"', "cả đêm và ngày nghỉ"),
        ("level = 4", "level = 3", "chỉ một lần"),
        ("city_minutes = 285", "city_minutes = 1200", "mức 3 không được chờ lâu hơn"),
        ('starts = "07:30"', 'starts = "7h30"', "07:30"),
        ("days = [1, 2, 3, 4, 5]", "days = [0]", "thứ hai"),
        ("most_days = 14", "most_dayz = 14", "most_days"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(before: str, after: str, said: str) -> None:
    assert SHIPPED.count(before) == 1
    with pytest.raises(PolicyError) as error:
        parse_rules(SHIPPED.replace(before, after))
    assert said in str(error.value) and "dòng" in str(error.value)


def test_every_mistake_points_at_the_line_it_is_on() -> None:
    line = SHIPPED.splitlines().index("city_minutes = 60") + 1
    with pytest.raises(PolicyError, match=f"dòng {line},"):
        parse_rules(SHIPPED.replace("city_minutes = 60", "city_minutes = 30"))


def test_working_hours_are_a_value() -> None:
    assert RULES.hours == WorkingHours(days=frozenset({1, 2, 3, 4, 5}), starts=time(7, 30), ends=time(17))
