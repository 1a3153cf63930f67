"""The exact arithmetic of Circular 15/2026 arts. 16 and 22 (domain.md §2.1, test cases of §8)."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveillance.detection.history import DailySums
from surveillance.detection.statutory import Findings, Statutory, StatutoryRule, evaluate
from surveillance.detection.statutory_signals import to_signals
from surveillance.types import CountSeries, Frequency, SeriesKey, StatutoryStatus

ORACLE = Path(__file__).parent / "oracles" / "statutory.csv"
START = date(2021, 1, 1)
TODAY = date(2026, 9, 17)  # a Thursday; its week began on Monday the 14th
ENDEMIC = StatutoryRule(disease_group="B", endemic=True)
NON_ENDEMIC = StatutoryRule(disease_group="B", endemic=False)
GROUP_A = StatutoryRule(disease_group="A", endemic=False)
EPIDEMIC = StatutoryStatus.EPIDEMIC


def daily(*cases: Mapping[date, float], end: date = TODAY, start: date = START) -> CountSeries:
    """One series per dict of day → cases; other days have none."""
    observed = np.zeros((len(cases), (end - start).days + 1))
    for row, counts in enumerate(cases):
        for day, count in counts.items():
            observed[row, (day - start).days] = count
    return CountSeries(
        keys=tuple(SeriesKey("dengue", unit) for unit in range(len(cases))),
        frequency=Frequency.DAY,
        start=start,
        observed=observed,
        as_of=datetime(2026, 9, 17, 8, tzinfo=UTC),
    )


def same_weeks(totals: list[float]) -> dict[date, float]:
    """Cases on the Wednesday of ISO week 38 of 2021, 2022, …; all in September."""
    return {date.fromisocalendar(2021 + i, 38, 3): total for i, total in enumerate(totals)}


def oracle_rows() -> list[dict[str, str]]:
    lines = [line for line in ORACLE.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


@pytest.mark.parametrize("row", oracle_rows(), ids=lambda row: ",".join(row.values()))
def test_worked_examples(row: dict[str, str]) -> None:
    texts = [row[f"y{i}"] for i in range(1, 6)]
    left_out = frozenset(2021 + i for i, text in enumerate(texts) if not text)
    counts = same_weeks([float(text or 99) for text in texts]) | {TODAY: float(row["to_date"])}
    rule = StatutoryRule(disease_group="B", endemic=True, epidemic_years=left_out)

    result = evaluate(daily(counts), today=TODAY, rules=[rule])

    assert (result.week.status[0], result.month.status[0]) == (row["week"], row["month"])
    for part in (result.week, result.month):
        np.testing.assert_allclose(part.mean[0], float(row["mean"] or "nan"), rtol=1e-9)
        np.testing.assert_allclose(part.sd[0], float(row["sd"] or "nan"), rtol=1e-9)


def test_one_case_where_there_never_was_one_meets_the_statute() -> None:
    result = evaluate(daily({TODAY: 1}), today=TODAY, rules=[ENDEMIC])

    assert result.status[0] == EPIDEMIC


def test_no_case_is_never_a_warning_although_zero_equals_the_threshold() -> None:
    result = evaluate(daily({}), today=TODAY, rules=[ENDEMIC])

    assert result.status[0] == StatutoryStatus.NONE


def test_fewer_than_three_usable_years_is_not_enough_data() -> None:
    rule = StatutoryRule(disease_group="C", endemic=True, epidemic_years=frozenset({2021, 2022, 2023}))
    (week, month) = to_signals(evaluate(daily({TODAY: 30}), today=TODAY, rules=[rule]))

    assert week.status is month.status is StatutoryStatus.INSUFFICIENT
    assert week.detail["years"] == [2024, 2025]
    assert week.detail["excluded_years"] == [2021, 2022, 2023]
    assert str(week.reason).startswith("Trong 5 năm gần nhất chỉ có 2 năm dùng được")


def test_a_series_that_begins_too_late_has_not_enough_years() -> None:
    series = daily({TODAY: 30}, start=date(2024, 1, 1))

    assert evaluate(series, today=TODAY, rules=[ENDEMIC]).status[0] == StatutoryStatus.INSUFFICIENT


def test_the_running_week_counts_from_monday_and_days_to_come_do_not_count() -> None:
    sunday, monday, tomorrow = date(2026, 9, 13), date(2026, 9, 14), TODAY + timedelta(days=1)
    series = daily({sunday: 50, monday: 2, tomorrow: 70}, end=tomorrow)

    result = evaluate(series, today=TODAY, rules=[ENDEMIC])

    assert result.week.observed[0] == 2
    assert result.month.observed[0] == 52
    assert result.week.period_start == monday


def test_week_53_is_compared_with_week_52_in_years_that_end_there() -> None:
    today = date(2026, 12, 30)  # week 53 of 2026; 2021–2025 end with week 52
    weeks = {date.fromisocalendar(year, 52, 4): year - 2020 for year in range(2021, 2026)}

    result = evaluate(daily(weeks, end=today), today=today, rules=[ENDEMIC])

    assert result.week.totals[0].tolist() == [1, 2, 3, 4, 5]


def test_week_53_is_compared_with_week_53_where_there_was_one() -> None:
    today = date(2020, 12, 30)  # week 53; 2015 had one too
    series = daily({date.fromisocalendar(2015, 53, 5): 8}, start=date(2015, 1, 1), end=today)

    assert evaluate(series, today=today, rules=[ENDEMIC]).week.totals[0].tolist() == [8, 0, 0, 0, 0]


def test_the_29th_of_february_belongs_to_its_month() -> None:
    today = date(2026, 2, 20)
    series = daily({date(2024, 2, 29): 6}, end=today)

    assert evaluate(series, today=today, rules=[ENDEMIC]).month.totals[0, 3] == 6


def test_unknown_days_are_not_zeros() -> None:
    quiet = daily({date(2026, 9, 15): np.nan})
    week, _ = to_signals(evaluate(quiet, today=TODAY, rules=[ENDEMIC]))

    assert week.status is StatutoryStatus.INSUFFICIENT
    assert week.detail["unknown_days"] == 1


def test_known_days_alone_can_meet_the_criterion() -> None:
    series = daily({date(2026, 9, 15): np.nan, TODAY: 40})

    assert evaluate(series, today=TODAY, rules=[ENDEMIC]).status[0] == EPIDEMIC


def test_an_unknown_day_in_a_past_week_makes_that_year_unusable() -> None:
    day = date.fromisocalendar(2023, 38, 2)
    result = evaluate(daily({day: np.nan}), today=TODAY, rules=[ENDEMIC])

    assert np.isnan(result.week.totals[0]).tolist() == [False, False, True, False, False]


@pytest.mark.parametrize(
    ("in_week", "in_month", "status"),
    [
        (0, 0, "none"),
        (2, 2, "none"),
        (2, 4, "none"),
        (3, 3, "warning"),
        (3, 5, "epidemic"),
        (0, 5, "epidemic"),
    ],
)
def test_non_endemic_disease_counts_linked_cases(in_week: int, in_month: int, status: str) -> None:
    findings = Findings(linked_week=np.array([in_week]), linked_month=np.array([in_month]))
    result = evaluate(daily({TODAY: 90}), today=TODAY, rules=[NON_ENDEMIC], findings=findings)

    assert result.status[0] == status


def test_unknown_links_are_not_no_links() -> None:
    result = evaluate(daily({TODAY: 90}), today=TODAY, rules=[NON_ENDEMIC])

    assert result.status[0] == StatutoryStatus.INSUFFICIENT
    assert result.week.reason[0] == "unknown_findings"


@pytest.mark.parametrize(
    ("confirmed", "cases", "status"),
    [(0, 0, "none"), (0, 5, "none"), (1, 1, "warning"), (1, 2, "epidemic"), (2, 2, "epidemic")],
)
def test_group_a_warns_at_the_first_confirmed_case(confirmed: int, cases: int, status: str) -> None:
    findings = Findings(confirmed=np.array([confirmed]))
    series = daily({TODAY - timedelta(days=20): cases})

    assert evaluate(series, today=TODAY, rules=[GROUP_A], findings=findings).status[0] == status


def test_an_epidemic_ends_when_the_month_is_back_below_and_the_end_stays_until_noticed() -> None:
    first_day = date(2026, 10, 1)
    series = daily({TODAY: 40} | same_weeks([1, 1, 1, 1, 1]), end=first_day)
    september = evaluate(series, today=TODAY, rules=[ENDEMIC])
    assert september.month.status[0] == EPIDEMIC

    ended = evaluate(series, today=first_day, rules=[ENDEMIC], previous=[EPIDEMIC])
    again = evaluate(series, today=first_day, rules=[ENDEMIC], previous=[StatutoryStatus.ENDED])
    after = evaluate(series, today=first_day, rules=[ENDEMIC], previous=[StatutoryStatus.NONE])

    assert ended.month.status[0] == again.month.status[0] == StatutoryStatus.ENDED
    assert after.month.status[0] == StatutoryStatus.NONE


def test_an_epidemic_does_not_end_for_lack_of_figures() -> None:
    series = daily({TODAY: np.nan})
    result = evaluate(series, today=TODAY, rules=[ENDEMIC], previous=[EPIDEMIC])
    _, month = to_signals(result)

    assert month.status is EPIDEMIC
    assert "giữ nguyên" in str(month.reason)


def test_signals_say_in_plain_words_what_was_compared() -> None:
    counts = same_weeks([2, 4, 4, 4, 6]) | {TODAY: 6}
    week, month = to_signals(evaluate(daily(counts), today=TODAY, rules=[ENDEMIC]))

    assert str(week.reason) == (
        "Tuần này có 6 ca, đạt ngưỡng cảnh báo 5,41 (trung bình 5 năm cộng 1 độ lệch chuẩn)."
    )
    assert (week.method, week.alarm, week.expected) == ("statutory_week", True, 4)
    assert week.detail["upper"] == pytest.approx(6.828427)
    assert week.detail["years"] == [2021, 2022, 2023, 2024, 2025]
    assert month.period_start == date(2026, 9, 1)
    assert not month.alarm


def test_every_signal_can_be_stored_as_json() -> None:
    series = daily({TODAY: 6}, {TODAY: np.nan}, {}, {}, {TODAY: 2})
    rules = [ENDEMIC, ENDEMIC, NON_ENDEMIC, GROUP_A, GROUP_A]
    found = np.array([np.nan, np.nan, 3, 0, 1])
    findings = Findings(linked_week=found, linked_month=found, confirmed=found)

    for signal in to_signals(evaluate(series, today=TODAY, rules=rules, findings=findings)):
        json.dumps([signal.reason.to_json(), signal.detail, signal.expected], allow_nan=False)
        assert "{" not in signal.reason.render("en")


def test_as_a_detector_it_gives_bounds_like_every_other_method() -> None:
    counts = same_weeks([2, 4, 4, 4, 6]) | {TODAY: 6}
    week = Statutory(frequency=Frequency.WEEK, today=TODAY, rules=(ENDEMIC,))(daily(counts))
    month = Statutory(frequency=Frequency.MONTH, today=TODAY, rules=(ENDEMIC,))(daily(counts))

    assert week.evaluated.tolist() == [(TODAY - START).days]
    assert week.upperbound[0, 0] == pytest.approx(5.414214)
    assert (week.alarm[0, 0], month.alarm[0, 0]) == (True, False)


@pytest.mark.parametrize(
    "wrong",
    [{"rules": []}, {"today": TODAY + timedelta(days=1)}, {"previous": [EPIDEMIC, EPIDEMIC]}],
)
def test_a_question_that_cannot_be_answered_is_refused(wrong: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"today": TODAY, "rules": [ENDEMIC]} | wrong
    with pytest.raises(ValueError):
        evaluate(daily({}), **arguments)


@settings(max_examples=200)
@given(
    totals=st.lists(st.integers(0, 30), min_size=5, max_size=5),
    left_out=st.frozensets(st.sampled_from(range(2021, 2026))),
    to_date=st.integers(0, 80),
)
def test_equality_is_exact_for_whole_counts(
    totals: list[int], left_out: frozenset[int], to_date: int
) -> None:
    rule = StatutoryRule(disease_group="B", endemic=True, epidemic_years=left_out)
    counts = same_weeks([float(total) for total in totals]) | {TODAY: float(to_date)}
    result = evaluate(daily(counts), today=TODAY, rules=[rule])

    used = [Fraction(total) for i, total in enumerate(totals) if 2021 + i not in left_out]
    if len(used) < 3:
        assert result.status[0] == StatutoryStatus.INSUFFICIENT
        return
    mean = sum(used) / len(used)
    variance = sum((total - mean) ** 2 for total in used) / (len(used) - 1)
    above = to_date - mean
    warning = to_date > 0 and above >= 0 and above**2 >= variance
    epidemic = above > 0 and above**2 > 4 * variance
    assert result.week.status[0] == ("warning" if warning else "none")
    assert result.month.status[0] == ("epidemic" if epidemic else "none")


@given(counts=st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_series_are_judged_independently_and_sums_can_be_reused(counts: list[int]) -> None:
    series = daily(*[same_weeks([3, 1, 4, 1, 5]) | {TODAY: float(count)} for count in counts])
    together = evaluate(series, today=TODAY, rules=[ENDEMIC] * len(counts), sums=DailySums.of(series))

    alone = [
        evaluate(daily(same_weeks([3, 1, 4, 1, 5]) | {TODAY: float(count)}), today=TODAY, rules=[ENDEMIC])
        for count in counts
    ]
    assert together.status.tolist() == [result.status[0] for result in alone]
