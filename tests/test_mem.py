"""The moving epidemic method: when the season's epidemic begins, and how strong it is beside past ones."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveillance.detection import DETECTORS
from surveillance.detection.mem import MovingEpidemic, epidemic_levels, epidemic_weeks, season_starts
from tests.chart_series import newest, weekly

START = date(2018, 4, 2)  # ISO week 14
SHAPE = np.array([2, 3, 2, 4, 3, 5, 4, 6, 20, 45, 80, 95, 70, 40, 18, 6, 5, 3] + [2] * 34, dtype=np.float64)
DEFAULTS: dict[str, Any] = {"slope": 2.8, "level": 0.95, "intensities": (0.4, 0.9, 0.975), "least": 0.0}


def seasons(count: int, *, extra: int = 0) -> np.ndarray:
    """Whole seasons of equal shape, one a little higher than the next, then `extra` weeks of another."""
    parts, begin = [], START
    for number in range(count):
        weeks = (date.fromisocalendar(begin.year + 1, 14, 1) - begin).days // 7
        parts.append(np.resize(SHAPE, weeks) * (1 + 0.1 * number))
        parts[-1][52:] = 2
        begin += timedelta(weeks=weeks)
    return np.concatenate([*parts, SHAPE[:extra]])


def test_the_epidemic_is_the_weeks_that_each_add_enough() -> None:
    begin, end = epidemic_weeks(SHAPE, 2.8)
    assert SHAPE[begin:end].tolist() == [20, 45, 80, 95, 70, 40, 18]


def test_levels_follow_the_published_formulas() -> None:
    past = [SHAPE, SHAPE * 2, SHAPE * 1.5]
    found = epidemic_levels(past, **DEFAULTS)
    assert found is not None
    before = np.concatenate([SHAPE[:8] * k for k in (1, 2, 1.5)])
    peak = np.log(np.concatenate([SHAPE[8:15] * k for k in (1, 2, 1.5)]))
    assert found.before == pytest.approx(before.mean())
    assert found.epidemic == pytest.approx(before.mean() + 1.644854 * before.std(ddof=1), rel=1e-6)
    assert found.high == pytest.approx(np.exp(peak.mean() + 1.281552 * peak.std(ddof=1)), rel=1e-6)
    assert found.epidemic < found.medium < found.high < found.very_high


def test_seasons_start_with_the_same_week_also_after_a_year_of_53() -> None:
    starts = season_starts(date(2019, 4, 1), 160, 14)
    mondays = [date(2019, 4, 1) + timedelta(weeks=index) for index in starts]
    assert [day.isocalendar()[:2] for day in mondays] == [(2019, 14), (2020, 14), (2021, 14), (2022, 14)]


def test_it_alarms_when_the_epidemic_begins_and_grades_it() -> None:
    bounds = MovingEpidemic(last=14)(weekly(seasons(5, extra=14), start=START))
    assert bounds.alarm[0].tolist() == [False] * 8 + [True] * 6
    assert bounds.score[0, 0] == 0 and bounds.score[0, 11] == 2


def test_a_season_is_not_judged_by_itself() -> None:
    counts = seasons(5, extra=14)
    higher = counts.copy()
    higher[-6:] *= 10
    one, other = (MovingEpidemic(last=14)(weekly(x, start=START)).upperbound for x in (counts, higher))
    np.testing.assert_array_equal(one, other)


def test_the_threshold_has_a_floor() -> None:
    counts = seasons(5, extra=4) / 20
    assert MovingEpidemic(last=1)(weekly(counts, start=START)).upperbound[0, 0] == 5


def test_reasons_instead_of_bounds() -> None:
    series = np.vstack([seasons(5, extra=4)] * 4)
    series[0, -1] = np.nan
    series[1, -1] = -1
    series[2, :150] = np.nan
    series[3] = 0
    reason = MovingEpidemic(last=2)(weekly(series, start=START)).reason[:, -1]
    assert reason.tolist() == ["unknown_counts", "invalid_counts", "insufficient_history", "no_past_cases"]
    assert newest(MovingEpidemic(), [3.0] * 10)[0] == "insufficient_history"


def test_it_is_in_the_registry_and_needs_weeks() -> None:
    from surveillance.types import Frequency

    assert DETECTORS["moving_epidemic"]().name == "moving_epidemic"
    with pytest.raises(ValueError, match="weeks"):
        MovingEpidemic()(weekly(np.ones(600), frequency=Frequency.DAY))


@pytest.mark.parametrize(
    "wrong",
    [
        {"season_week": 53},
        {"fewest": 1},
        {"slope": 0},
        {"level": 1},
        {"intensities": (0.9, 0.4, 0.5)},
        {"last": 0},
    ],
)
def test_settings_outside_the_method_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MovingEpidemic(**wrong)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 9999), mean=st.floats(0.01, 60), last=st.integers(1, 80))
def test_bounds_hold_together(seed: int, mean: float, last: int) -> None:
    counts = np.random.default_rng(seed).poisson(seasons(5, extra=30) / SHAPE.mean() * mean).astype(float)
    whole, short = (MovingEpidemic(last=k)(weekly(counts, start=START)) for k in (None, last))
    np.testing.assert_array_equal(short.upperbound, whole.upperbound[:, -last:])
    np.testing.assert_array_equal(whole.alarm[0], counts > whole.upperbound[0])
    assert ((whole.reason != "") == np.isnan(whole.upperbound)).all()
    assert ((whole.score > 0) == whole.alarm).all()
