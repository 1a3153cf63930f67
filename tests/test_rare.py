"""The rare-disease rule: the first case after silence, and cases closer together than chance brings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from surveillance.detection import DETECTORS, explain
from surveillance.detection.rare import Rare
from surveillance.types import Frequency
from tests.chart_series import newest, weekly

WEEKS = 6 * 52


def with_cases(*at: int, weeks: int = WEEKS) -> np.ndarray:
    counts = np.zeros(weeks)
    np.add.at(counts, list(at), 1)
    return counts


def test_the_first_case_after_two_silent_years_alarms() -> None:
    assert newest(Rare(), with_cases(-1)) == ("", True)
    assert newest(Rare(), with_cases(-110, -1)) == ("", True)
    assert newest(Rare(), with_cases(-90, -1)) == ("", False)


def test_a_second_case_close_to_the_first_alarms_where_two_are_unusual() -> None:
    assert newest(Rare(), with_cases(-90, -3, -1)) == ("", True)
    usual = range(0, 300, 6)
    assert newest(Rare(), with_cases(*usual, -3, -1)) == ("", False)


def test_the_limit_is_the_predictive_quantile() -> None:
    counts = with_cases(*range(60, 300, 8))
    bounds = Rare(alpha=0.05)(weekly(counts))
    history = counts[-264:-4].sum()
    limit = nbinom.ppf(0.95, history + 0.5, 260 / 264)
    assert bounds.upperbound[0, -1] == limit - counts[-4:-1].sum()
    assert bounds.expected[0, -1] == pytest.approx((history + 0.5) * 4 / 260)


def test_a_week_without_cases_never_alarms() -> None:
    assert newest(Rare(), with_cases(-2, -2, -2)) == ("", False)


def test_reasons_instead_of_bounds() -> None:
    gap = with_cases(-90)
    gap[-2] = np.nan
    assert newest(Rare(), gap)[0] == "unknown_counts"
    assert newest(Rare(), np.zeros(100))[0] == "insufficient_history"
    assert newest(Rare(), np.full(WEEKS, 5.0))[0] == "not_rare"
    assert newest(Rare(), np.r_[np.zeros(WEEKS), -1.0])[0] == "invalid_counts"
    unknown_years = np.r_[np.full(220, np.nan), np.zeros(92)]
    assert newest(Rare(), unknown_years)[0] == "insufficient_history"
    assert str(explain("not_rare"))


@pytest.mark.parametrize(("frequency", "steps"), [(Frequency.DAY, 1200), (Frequency.MONTH, 40)])
def test_days_and_months_have_their_own_window(frequency: Frequency, steps: int) -> None:
    bounds = DETECTORS["rare"]()(weekly(with_cases(-1, weeks=steps), frequency=frequency))
    assert bounds.alarm[0, -1] and bounds.reason[0, -1] == ""


@pytest.mark.parametrize(
    "wrong",
    [{"window": 0}, {"fewest_years": 6}, {"least": 0}, {"alpha": 0.5}, {"last": 0}, {"silent_years": 0}],
)
def test_settings_outside_the_method_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Rare(**wrong)


@settings(max_examples=50, deadline=None)
@given(cases=st.lists(st.integers(0, WEEKS - 1), max_size=40), last=st.integers(1, 60))
def test_alarms_are_above_the_bound_and_the_newest_steps_alone_say_the_same(
    cases: list[int], last: int
) -> None:
    series = weekly(with_cases(*cases))
    whole, short = Rare()(series), Rare(last=last)(series)
    stands = whole.reason == ""
    above = (series.observed > whole.upperbound) & (series.observed > 0)
    np.testing.assert_array_equal(whole.alarm, stands & above)
    np.testing.assert_array_equal(short.upperbound, whole.upperbound[:, -last:])
