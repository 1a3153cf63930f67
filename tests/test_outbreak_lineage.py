"""Identity of outbreaks from day to day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from surveillance.outbreaks.lineage import Kind, Known, Step, match
from surveillance.outbreaks.outbreak import Outbreak
from surveillance.outbreaks.table import OutbreakCase
from tests.outbreak_cases import HCDC, JUNE, case, find

NEXT = 100


def street(ids: Sequence[int], x: float, day: int = 0) -> list[OutbreakCase]:
    return [case(i, x + 10 * at, day + at) for at, i in enumerate(ids)]


def known(outbreak_id: int, cases: Sequence[OutbreakCase], *, closed: bool = False) -> Known:
    days = [c.event_date for c in cases]
    return Known(
        outbreak_id=outbreak_id,
        members=frozenset(c.case_id for c in cases),
        first_event=min(days),
        last_event=max(days),
        closed=closed,
    )


def steps(old: Sequence[Known], cases: Sequence[OutbreakCase]) -> dict[int, Step]:
    dates = {c.case_id: c.event_date for c in cases}
    found = match(old, find(cases).outbreaks, profile=HCDC, event_dates=dates, next_id=NEXT)
    return {step.outbreak_id: step for step in found}


def test_a_new_outbreak_gets_the_next_number() -> None:
    found = steps([], [*street([1, 2], 0), *street([3, 4], 5_000)])
    assert {i: step.kind for i, step in found.items()} == {100: Kind.NEW, 101: Kind.NEW}


def test_a_case_more_or_less_keeps_the_number() -> None:
    cases = street([1, 2, 3], 0)
    assert steps([known(5, cases)], cases)[5].kind is Kind.SAME
    grown = steps([known(5, cases[:2])], cases)[5]
    assert (grown.kind, grown.gained) == (Kind.GROWING, (3,))
    shrunk = steps([known(5, cases)], cases[:2])[5]
    assert (shrunk.kind, shrunk.lost) == (Kind.SHRINKING, (3,))


def test_of_two_that_merge_the_larger_keeps_its_number_and_the_other_says_into_which() -> None:
    small, large = street([1, 2], 0), street([3, 4, 5], 250, day=3)
    bridge = case(9, 130, 6)
    found = steps([known(5, small), known(6, large)], [*small, *large, bridge])
    assert found[6].kind is Kind.GROWING and found[6].parents == (5,)
    assert (found[5].kind, found[5].into) == (Kind.MERGED, 6)


def test_of_two_equal_ones_the_older_keeps_its_number() -> None:
    old, young = street([1, 2], 0), street([3, 4], 250, day=3)
    found = steps([known(6, young), known(9, old)], [*old, *young, case(7, 130, 6)])
    assert found[9].kind is Kind.GROWING and found[6].into == 9


def test_a_split_leaves_the_number_with_the_larger_part() -> None:
    left, right = street([1, 2], 0), street([3, 4, 5], 250, day=3)
    found = steps([known(5, [*left, *right, case(9, 130, 2)])], [*left, *right])
    assert (found[5].kind, found[5].outbreak and found[5].outbreak.members) == (Kind.SHRINKING, (3, 4, 5))
    assert (found[100].kind, found[100].parents) == (Kind.SPLIT, (5,))


def test_an_outbreak_whose_cases_are_gone_is_dissolved() -> None:
    cases = street([1, 2], 0)
    assert steps([known(5, cases)], cases[:1])[5].kind is Kind.DISSOLVED


def test_case_6_a_case_within_28_days_re_opens_a_closed_outbreak() -> None:
    cases = street([1, 2], 0)
    found = steps([known(5, cases, closed=True)], [*cases, case(3, 20, 29)])
    assert found[5].kind is Kind.REOPENED and found[5].gained == (3,)


def test_case_6_later_ones_are_a_new_outbreak_as_soon_as_they_make_one() -> None:
    cases = street([1, 2], 0)
    late = [*cases, case(3, 20, 30)]
    assert steps([known(5, cases, closed=True)], late)[5].kind is Kind.AFTER_CLOSING
    found = steps([known(5, cases, closed=True)], [*late, case(4, 30, 31)])
    assert (found[100].kind, found[100].parents) == (Kind.NEW, (5,)) and 5 not in found
    assert found[100].members == (3, 4), "the cases of the closed one stay with it"


def test_the_day_after_the_closed_one_is_still_closed_and_the_new_one_the_same() -> None:
    closed, late = street([1, 2], 0), [case(3, 20, 30), case(4, 30, 31)]
    old = [known(5, closed, closed=True), known(100, late)]
    found = steps(old, [*closed, *late])
    assert {number: step.kind for number, step in found.items()} == {100: Kind.SAME}
    grown = steps(old, [*closed, *late, case(6, 40, 33)])[100]
    assert (grown.kind, grown.gained, grown.members) == (Kind.GROWING, (6,), (3, 4, 6))


rows = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 50)), max_size=24)


@settings(max_examples=60, deadline=None)
@given(rows, rows)
def test_every_number_and_every_outbreak_has_one_step(
    before: list[tuple[int, int]], after: list[tuple[int, int]]
) -> None:
    earlier = find([case(i, x * 40, day) for i, (x, day) in enumerate(before)]).outbreaks
    later = find([case(i, x * 40, day) for i, (x, day) in enumerate(after)]).outbreaks
    old = [_recorded(n, outbreak) for n, outbreak in enumerate(earlier)]
    found = match(old, later, profile=HCDC, event_dates={}, next_id=NEXT)
    assert len({step.outbreak_id for step in found}) == len(found)
    assert {step.outbreak_id for step in found} >= {k.outbreak_id for k in old}
    assert [o for o in later if o not in [step.outbreak for step in found]] == []


@settings(max_examples=30, deadline=None)
@given(rows)
def test_nothing_new_is_no_news(cases: list[tuple[int, int]]) -> None:
    outbreaks = find([case(i, x * 40, day) for i, (x, day) in enumerate(cases)]).outbreaks
    old = [_recorded(n, outbreak) for n, outbreak in enumerate(outbreaks)]
    found = match(old, outbreaks, profile=HCDC, event_dates={}, next_id=NEXT)
    assert {step.kind for step in found} <= {Kind.SAME}


def _recorded(number: int, outbreak: Outbreak) -> Known:
    return Known(
        outbreak_id=number,
        members=frozenset(outbreak.members),
        first_event=outbreak.first_event,
        last_event=outbreak.last_event,
    )


def test_the_moment_of_re_opening_counts_from_the_last_case_before() -> None:
    cases = street([1, 2], 0)
    dates = {3: JUNE + timedelta(days=29)}
    old = Known(
        outbreak_id=5, members=frozenset({1, 2}), first_event=JUNE, last_event=date(2026, 6, 2), closed=True
    )
    found = match(
        [old], find([*cases, case(3, 20, 29)]).outbreaks, profile=HCDC, event_dates=dates, next_id=NEXT
    )
    assert found[0].kind is Kind.REOPENED
