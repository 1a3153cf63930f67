"""Scan clusters from day to day: the same number for the same cases, and only news is news."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from surveillance.cluster_identity import Counts, Kind, Known, Step, Window, explain, match

START = date(2026, 10, 1)
UNITS, DAYS = 8, 40
COUNTS = Counts(start=START, observed=np.ones((UNITS, DAYS)))


def window(units: str, first: int, last: int) -> Window:
    """Units by their digits, days of the counts."""
    return Window(
        units=frozenset(map(int, units)),
        first=START + timedelta(days=first),
        last=START + timedelta(days=last),
    )


def known(number: int, units: str, first: int, last: int) -> Known:
    where = window(units, first, last)
    return Known(number=number, window=where, cases=COUNTS.inside(where))


def steps(before: list[Known], today: list[Window]) -> dict[int, Step]:
    return {step.number: step for step in match(before, today, COUNTS, next_number=50)}


def test_a_first_cluster_is_new() -> None:
    found = steps([], [window("12", 30, 35)])

    assert found[50].kind is Kind.NEW and found[50].is_news


def test_a_day_more_is_no_news_and_keeps_the_number() -> None:
    found = steps([known(7, "123", 20, 30)], [window("123", 20, 31)])

    assert found == {7: Step(kind=Kind.SAME, number=7, at=0)}
    assert not found[7].is_news


def test_growth_by_a_fifth_or_into_another_commune_is_news() -> None:
    assert steps([known(7, "12", 20, 29)], [window("12", 20, 31)])[7].kind is Kind.GROWING
    assert steps([known(7, "123", 20, 29)], [window("1234", 20, 29)])[7].kind is Kind.GROWING


def test_fewer_communes_or_days_is_shrinking() -> None:
    assert steps([known(7, "1234", 20, 29)], [window("123", 20, 29)])[7].kind is Kind.SHRINKING
    assert steps([known(7, "12", 20, 29)], [window("12", 24, 29)])[7].kind is Kind.SHRINKING


def test_a_cluster_no_window_of_today_shares_cases_with_has_ended() -> None:
    found = steps([known(7, "12", 1, 5)], [window("67", 30, 35)])

    assert (found[7].kind, found[50].kind) == (Kind.ENDED, Kind.NEW)


def test_two_that_became_one_are_merged_into_the_one_that_shares_most() -> None:
    found = steps([known(3, "12", 25, 30), known(4, "345", 25, 30)], [window("12345", 25, 31)])

    assert found[4].kind is Kind.GROWING
    assert (found[3].kind, found[3].into) == (Kind.MERGED, 4)


def test_one_that_fell_apart_keeps_its_number_in_the_larger_part() -> None:
    found = steps([known(3, "12345", 25, 30)], [window("12", 25, 30), window("345", 25, 30)])

    assert (found[3].kind, found[3].at) == (Kind.SHRINKING, 1)
    assert (found[50].kind, found[50].parents) == (Kind.SPLIT, (3,))


def test_every_kind_has_words_in_both_languages() -> None:
    for kind in Kind:
        assert explain(kind).render("vi") != explain(kind).render("en")


windows = st.builds(
    lambda units, first, length: window("".join(map(str, units)), first, min(first + length, DAYS - 1)),
    st.sets(st.integers(0, UNITS - 1), min_size=1),
    st.integers(0, DAYS - 1),
    st.integers(0, 20),
)


@given(st.lists(windows, max_size=5), st.lists(windows, max_size=5))
def test_every_cluster_has_one_step_and_no_number_is_given_twice(
    before: list[Window], today: list[Window]
) -> None:
    old = [Known(number=n, window=w, cases=COUNTS.inside(w)) for n, w in enumerate(before)]
    found = match(old, today, COUNTS, next_number=50)

    numbers = [step.number for step in found]
    assert len(numbers) == len(set(numbers)) and set(range(len(before))) <= set(numbers)
    assert sorted(step.at for step in found if step.at is not None) == list(range(len(today)))
    assert all(step.into in numbers for step in found if step.kind is Kind.MERGED)


@given(st.lists(windows, min_size=1, max_size=4))
def test_the_same_windows_again_are_the_same_clusters(today: list[Window]) -> None:
    first = list(match([], today, COUNTS, next_number=1))
    old = [
        Known(number=s.number, window=today[s.at], cases=COUNTS.inside(today[s.at]))
        for s in first
        if s.at is not None
    ]

    again = match(old, today, COUNTS, next_number=99)

    assert {s.number for s in again if s.at is not None} == {s.number for s in first}
    assert all(s.kind is Kind.SAME for s in again)
