"""The seasonal daily method knows weekdays, the season and Tết, and says why where it cannot judge."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveillance.detection import DETECTORS, explain
from surveillance.detection.holidays import holiday_columns, moving_holidays
from surveillance.detection.seasonal import SeasonalDaily
from surveillance.types import CountSeries, Frequency
from tests.chart_series import weekly

START = date(2021, 1, 1)
WEEKDAY = np.array([1.4, 1.1, 1.0, 1.0, 1.0, 0.6, 0.4])


def daily(counts: Any, start: date = START) -> CountSeries:
    return weekly(counts, frequency=Frequency.DAY, start=start)


def expected(days: int, *, mean: float = 20.0, start: date = START) -> np.ndarray:
    steps = np.arange(days)
    season = np.exp(0.5 * np.sin(2 * np.pi * steps / 365.25))
    holidays, _ = holiday_columns(start, days)
    effect = np.array([-1.2, 0.4, -0.6])
    return mean * season * WEEKDAY[(start.weekday() + steps) % 7] * np.exp(holidays @ effect)


def simulated(seed: int, until: date, *, mean: float = 20.0) -> np.ndarray:
    days = (until - START).days + 1
    return np.random.default_rng(seed).poisson(expected(days, mean=mean)).astype(np.float64)


def test_it_judges_the_last_seven_days_and_finds_the_truth() -> None:
    until = date(2025, 9, 14)
    counts = simulated(1, until)
    bounds = SeasonalDaily()(daily(counts))
    assert bounds.evaluated.tolist() == list(range(counts.size - 7, counts.size))
    np.testing.assert_allclose(bounds.expected[0], expected(counts.size)[-7:], rtol=0.12)
    assert bounds.expected[0, 0] > 2 * bounds.expected[0, -1]  # Monday against Sunday
    assert not bounds.alarm.any()


def test_tet_is_expected_to_be_low_and_the_week_after_high() -> None:
    tet = moving_holidays()[2025].tet
    before, during, after = (
        SeasonalDaily(last=1)(daily(simulated(2, tet + timedelta(days=shift)))).expected[0, 0]
        for shift in (-7, 0, 7)
    )
    assert during < 0.5 * before and after > 1.1 * before


def test_an_ordinary_monday_count_on_the_second_day_of_tet_alarms() -> None:
    day = moving_holidays()[2025].tet + timedelta(days=1)
    counts = simulated(3, day)
    ordinary = expected(counts.size - 7)[-1]
    counts[-1] = round(ordinary * 1.2)
    bounds = SeasonalDaily(last=1)(daily(counts))
    assert bounds.alarm[0, 0] and bounds.reason[0, 0] == ""


def test_a_past_outbreak_hardly_lifts_the_limit() -> None:
    until = date(2025, 9, 14)
    clean, outbreak = simulated(4, until), simulated(4, until)
    outbreak[1000:1030] *= 6
    quiet, lifted = (SeasonalDaily(last=1)(daily(x)).upperbound[0, 0] for x in (clean, outbreak))
    assert lifted < 1.35 * quiet


def test_false_alarms_are_about_as_rare_as_alpha() -> None:
    counts = np.vstack([simulated(seed, date(2025, 9, 14), mean=8) for seed in range(100, 160)])
    bounds = SeasonalDaily(alpha=0.01, last=28)(daily(counts))
    assert bounds.alarm.mean() < 0.02


def test_reasons_instead_of_bounds() -> None:
    until = date(2025, 9, 14)
    counts = np.vstack([simulated(seed, until) for seed in range(5)])
    counts[0, -1] = np.nan
    counts[1, :-300] = np.nan
    counts[2, :] = 0
    counts[3, 900] = -4
    reason = SeasonalDaily()(daily(counts)).reason
    assert reason[:, -1].tolist() == [
        "unknown_counts", "insufficient_history", "too_few_cases", "invalid_counts", ""
    ]  # fmt: skip
    assert reason[0, 0] == ""


def test_years_without_a_known_tet_say_so() -> None:
    counts = np.full(800, 9.0)
    reason = SeasonalDaily()(daily(counts, start=date(2034, 1, 1))).reason
    assert set(reason[0]) == {"unknown_holidays"}
    assert str(explain("unknown_holidays"))


def test_the_table_of_tet() -> None:
    table = moving_holidays()
    assert sorted(table) == list(range(2015, 2036))
    assert table[2024].tet == date(2024, 2, 10) and table[2030].tet == date(2030, 2, 2)
    assert table[2023].hung_kings == date(2023, 4, 29)
    assert all(date(year, 1, 20) < row.tet < date(year, 2, 21) for year, row in table.items())


def test_it_is_in_the_registry_and_needs_days() -> None:
    assert DETECTORS["seasonal_daily"]().name == "seasonal_daily"
    with pytest.raises(ValueError, match="days"):
        SeasonalDaily()(weekly(np.ones(600)))


@pytest.mark.parametrize(
    "wrong", [{"years": 0}, {"guard": -1}, {"alpha": 0}, {"fewest_days": 5}, {"last": 0}, {"harmonics": -1}]
)
def test_settings_outside_the_method_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SeasonalDaily(**wrong)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 9999), holes=st.lists(st.integers(0, 1700), max_size=60), mean=st.floats(0.01, 50))
def test_no_alarm_without_cases_or_without_a_bound(seed: int, holes: list[int], mean: float) -> None:
    counts = simulated(seed, date(2025, 9, 14), mean=mean)
    counts[holes] = np.nan
    counts[-1] = 0
    bounds = SeasonalDaily()(daily(counts))
    assert not bounds.alarm[0, -1]
    assert ((bounds.reason != "") == np.isnan(bounds.upperbound)).all()
    np.testing.assert_array_equal(bounds.alarm[0], counts[-7:] > bounds.upperbound[0])
