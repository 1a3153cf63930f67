"""Counts completed by the nowcast: what every method but the law looks at."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from surveillance.completed import MAX_DELAY, WEEK, Completed
from tests.case_lines import TODAY, UNITS, cases_with_delays, completed_from, lines_of


@pytest.fixture(scope="module")
def completed() -> Completed:
    """Six communes, four cases a day each, reported three days later on average."""
    cases = cases_with_delays(np.full((len(UNITS), 400), 4.0), np.random.default_rng(1))
    return completed_from(lines_of(cases))


def test_the_newest_days_are_expected_to_grow_and_never_to_shrink(completed: Completed) -> None:
    reported = completed.reported[:, -MAX_DELAY:]

    assert (completed.draws >= reported).all()
    week = completed.newest(WEEK).sum(axis=(1, 2))
    assert reported[:, -WEEK:].sum() < 0.8 * np.median(week)
    assert np.median(week) == pytest.approx(4 * WEEK * len(UNITS), rel=0.15)


def test_days_older_than_the_longest_delay_stand_as_reported(completed: Completed) -> None:
    older = completed.newest(60)[:, :, : 60 - MAX_DELAY]

    assert (older == completed.reported[:, -60:-MAX_DELAY]).all()
    assert (completed.median[:, :-MAX_DELAY] == completed.reported[:, :-MAX_DELAY]).all()


def test_weeks_are_counted_back_from_today(completed: Completed) -> None:
    first, weeks = completed.weeks()

    assert first + timedelta(days=7 * weeks.shape[1] - 1) == completed.today == TODAY
    assert weeks[0, 0] == completed.reported[0, 400 - 7 * weeks.shape[1] :][:7].sum()
    draws = np.sort(completed.newest(WEEK)[:, 2].sum(axis=1))
    assert weeks[2, -1] == draws[(draws.size - 1) // 2]


def test_the_city_is_the_sum_of_its_communes(completed: Completed) -> None:
    city = completed.with_total()

    assert (city.reported[-1] == completed.reported.sum(axis=0)).all()
    assert np.allclose(city.draws[:, -1], completed.draws.sum(axis=1))


def test_a_commune_of_which_nothing_is_known_is_left_out_of_the_city_one_partly_known_is_not(
    completed: Completed,
) -> None:
    reported = completed.reported.copy()
    reported[0] = np.nan
    reported[1, :100] = np.nan
    city = Completed(
        start=completed.start, reported=reported, draws=completed.draws, reason=completed.reason, seed=(1, 1)
    ).with_total()

    assert np.isnan(city.reported[-1, :100]).all()
    assert (city.reported[-1, 100:] == reported[1:, 100:].sum(axis=0)).all()


def test_the_same_figures_give_the_same_draws_whatever_was_asked_before(completed: Completed) -> None:
    cases = cases_with_delays(np.full((len(UNITS), 400), 4.0), np.random.default_rng(1))
    completed_from(lines_of(cases[: len(cases) // 2]))

    again = completed_from(lines_of(reversed(cases)))

    assert (again.draws == completed.draws).all()


def test_too_few_reports_leave_the_counts_as_reported() -> None:
    cases = [(0, TODAY - timedelta(days=k), TODAY - timedelta(days=k)) for k in range(0, 300, 30)]

    completed = completed_from(lines_of(cases))

    assert (completed.reason == "too_few_reports").all() and not completed.estimated.any()
    assert (completed.median == completed.reported).all()


def test_a_report_dated_after_today_or_before_its_event_still_counts() -> None:
    odd = [(0, TODAY - timedelta(days=2), TODAY + timedelta(days=40)), (0, TODAY, TODAY - timedelta(days=9))]
    cases = cases_with_delays(np.full((len(UNITS), 400), 4.0), np.random.default_rng(1))

    completed = completed_from(lines_of([*cases, *odd]))
    without = completed_from(lines_of(cases))

    assert completed.reported.sum() == without.reported.sum() + 2
    assert (completed.draws >= completed.reported[:, -MAX_DELAY:]).all()
