"""The scorecard against small truths worked out by hand, both right and wrong alerts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.levels import Level
from alerts.lifecycle import Change, Kind
from alerts.scorecard import (
    Call,
    Handled,
    Planted,
    Recorded,
    Share,
    Spell,
    Step,
    Truth,
    Where,
    calls,
    handling,
    rows_of,
    score,
    wilson,
)
from surveillance.types import StatutoryStatus

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 11)
"""Seventy days: ten weeks."""
HERE, NEXT, FAR = Where("dengue", 1), Where("dengue", 2), Where("dengue", 9)


def day(n: int) -> date:
    return FIRST + timedelta(days=n)


def step(n: int, where: Where = HERE, kind: Kind = Kind.OPENED, level: int = 2, *, calls: Call = "") -> Step:
    return Step(day=day(n), where=where, kind=kind, level=level, calls=calls)


def planted(
    number: int = 1, *, begin: int, second: int, end: int, cases: int = 6, units: tuple[int, ...] = (1,)
) -> Planted:
    return Planted(
        id=1, disease="dengue", unit_ids=frozenset(units), first_onset=day(begin), second_known=day(second),
        last_onset=day(end), last_known=day(end), cases=cases,
    )  # fmt: skip


def card(steps: list[Step], truth: Truth, recorded: list[Recorded] | None = None, **options: object):  # type: ignore[no-untyped-def]
    return score(steps, truth, recorded or [], first=FIRST, last=LAST, units=10, **options)  # type: ignore[arg-type]


# What is caught, and when


def test_an_alert_within_the_window_catches_and_the_delay_counts_from_the_second_known_case() -> None:
    made = card([step(18)], Truth(planted=[planted(begin=8, second=14, end=30)]))

    assert (made.caught.share, made.caught.median_delay_days) == (Share(k=1, n=1), 4)
    assert made.caught_by["opened"].share.k == 1 and made.caught_by["called"].share.k == 0


@pytest.mark.parametrize("n", [13, 31])
def test_an_alert_before_the_second_known_case_or_after_the_end_catches_nothing(n: int) -> None:
    made = card(
        [step(n), step(n, kind=Kind.ENDED, level=1)], Truth(planted=[planted(begin=8, second=14, end=30)])
    )
    assert made.caught.share == Share(k=0, n=1)


def test_a_short_outbreak_may_be_caught_for_a_week() -> None:
    truth = Truth(planted=[planted(begin=8, second=14, end=12)])
    assert card([step(21)], truth).caught.share.k == 1
    assert card([step(22)], truth).caught.share.k == 0


def test_neither_another_commune_nor_another_disease_catches_but_a_commune_that_shares_it_does() -> None:
    truth = Truth(planted=[planted(begin=8, second=14, end=30, units=(1, 2))])
    assert card([step(18, FAR), step(18, Where("hfmd", 1))], truth).caught.share.k == 0
    assert card([step(18, NEXT)], truth).caught.share.k == 1


def test_an_alert_that_was_open_already_brings_no_news_until_it_rises() -> None:
    truth = Truth(planted=[planted(begin=8, second=14, end=30)])
    quiet = card([step(2)], truth)
    assert (quiet.caught.share.k, quiet.standing) == (0, 1)

    raised = card([step(2), step(20, kind=Kind.RAISED, level=3, calls="level")], truth)
    assert (raised.caught_by["called"].share.k, raised.caught.median_delay_days, raised.standing) == (1, 6, 0)


def test_a_recorded_outbreak_catches_unless_it_began_before() -> None:
    truth = Truth(planted=[planted(begin=8, second=14, end=30)])
    new = Recorded(day=day(15), disease="dengue", unit_ids=frozenset({1}), first_event=day(9))
    old = Recorded(day=day(15), disease="dengue", unit_ids=frozenset({1}), first_event=day(7))
    assert card([], truth, [new]).caught.median_delay_days == 1
    assert card([], truth, [old]).caught.share.k == 0


def test_small_outbreaks_and_those_not_wholly_in_the_period_are_not_asked_for() -> None:
    few = planted(begin=8, second=14, end=30, cases=4)
    before, after = planted(begin=-9, second=-1, end=20), planted(begin=50, second=60, end=70)
    assert card([], Truth(planted=[few, before, after])).caught.share == Share(k=0, n=0)


def test_the_earliest_way_counts_and_the_rows_show_all_of_them() -> None:
    truth = Truth(planted=[planted(begin=8, second=14, end=30)])
    steps = [step(20), step(25, kind=Kind.RAISED, level=3, calls="level")]
    recorded = [Recorded(day=day(17), disease="dengue", unit_ids=frozenset({1}), first_event=day(9))]

    [row] = rows_of(steps, truth, recorded, first=FIRST, last=LAST)

    assert (row.opened, row.called, row.recorded, row.caught) == (day(20), day(25), day(17), day(17))


# What is true, and what it costs


def test_an_alert_is_true_from_the_first_onset_to_two_weeks_after_the_last() -> None:
    truth = Truth(planted=[planted(begin=8, second=14, end=30)])
    for n, right in ((7, 0), (8, 1), (44, 1), (45, 0)):
        assert card([step(n)], truth).opened.true == Share(k=right, n=1)


def test_an_excess_or_a_chain_makes_an_alert_true_and_the_strict_figure_leaves_chains_out() -> None:
    excess, chain = (
        Spell(where=HERE, first=day(10), last=day(20)),
        Spell(where=NEXT, first=day(10), last=day(20)),
    )
    made = card([step(12), step(12, NEXT), step(12, FAR)], Truth(planted=[], excess=[excess], foci=[chain]))

    assert made.opened.true == Share(k=2, n=3)
    assert made.opened.strict == Share(k=1, n=3)
    assert made.opened.false_per_unit_year == pytest.approx(1 / 10 / (70 / 365.25))


def test_the_inbox_and_what_is_sent_are_weighed_apart() -> None:
    steps = [
        step(1),
        step(3, kind=Kind.RAISED, level=3, calls="level"),
        step(5, kind=Kind.RAISED, level=4, calls="level"),
        step(6, NEXT),
        step(9, kind=Kind.ENDED, level=1),
        step(30, calls="level", level=3),
        step(33, FAR),
    ]
    made = card(steps, Truth(planted=[]), officers=2)

    assert (made.opened.alerts, made.opened.per_week, made.opened.per_officer_week) == (4, 0.4, 0.2)
    assert (made.called.alerts, made.called.per_week) == (2, 0.2)
    assert made.calls_per_week == pytest.approx(0.3)


def test_the_end_of_a_status_is_sent_but_is_no_alarm() -> None:
    made = card([step(1), step(9, kind=Kind.ENDED, level=1, calls="duty")], Truth(planted=[]))
    assert (made.called.alerts, made.calls_per_week) == (0, pytest.approx(0.1))


def test_what_happened_outside_the_period_is_not_weighed() -> None:
    assert card([step(-1), step(70, NEXT)], Truth(planted=[])).opened.alerts == 0


def change(kind: Kind, level: int, before: StatutoryStatus, after: StatutoryStatus) -> Change:
    return Change(
        kind=kind, level_before=1, level=level, status_before=before, status=after,
        status_since=datetime(2026, 1, 1, tzinfo=UTC), methods=frozenset(), new_methods=frozenset(),
    )  # fmt: skip


def test_a_change_calls_as_the_routing_rules_send_it() -> None:
    none, warning, ended = StatutoryStatus.NONE, StatutoryStatus.WARNING, StatutoryStatus.ENDED
    assert calls(change(Kind.OPENED, 2, none, none), Level.CAO) == ""
    assert calls(change(Kind.OPENED, 2, none, none), Level.TRUNG_BINH) == "level"
    assert calls(change(Kind.RAISED, 3, none, warning), Level.CAO) == "level"
    assert calls(change(Kind.OPENED, 2, none, warning), Level.CAO) == "duty"
    assert calls(change(Kind.EVIDENCE, 2, none, warning), Level.CAO) == "duty"
    assert calls(change(Kind.LOWERED, 3, warning, warning), Level.CAO) == ""
    assert calls(change(Kind.LOWERED, 2, warning, ended), Level.CAO) == "duty"


def test_an_alarm_by_level_is_counted_apart_from_a_duty() -> None:
    steps = [
        step(14, calls="duty"),
        step(20, kind=Kind.RAISED, level=3, calls="level"),
        step(15, FAR, calls="duty"),
    ]
    made = card(sorted(steps, key=lambda s: s.day), Truth(planted=[planted(begin=8, second=14, end=30)]))

    assert (made.called.alerts, made.alarmed.alerts) == (2, 1)
    assert (made.called.true, made.alarmed.true) == (Share(k=1, n=2), Share(k=1, n=1))
    delays = {way: caught.median_delay_days for way, caught in made.caught_by.items()}
    assert delays == {"called": 0, "alarmed": 6, "opened": 0, "recorded": None}


# Intervals


def test_wilson_is_that_of_the_books() -> None:
    low, high = wilson(81, 263)  # Newcombe 1998, table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    low, high = wilson(0, 20)
    assert (low, round(high, 4)) == (0.0, 0.1611)


@given(st.integers(0, 50), st.integers(1, 50))
def test_an_interval_holds_its_share_and_is_symmetric(k: int, n: int) -> None:
    k = min(k, n)
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1
    mirror = wilson(n - k, n)
    assert mirror == pytest.approx((1 - high, 1 - low))


# What officers recorded


def test_handling_of_real_alerts() -> None:
    begin = datetime(2026, 1, 5, 1, tzinfo=UTC)

    def handled(hours: float | None, outcome: str | None) -> Handled:
        seen = None if hours is None else begin + timedelta(hours=hours)
        return Handled(opened_at=begin, acknowledged_at=seen, outcome=outcome)

    alerts = [
        handled(1, "true"), handled(2, "true"), handled(30, "false"), handled(3, "duplicate"), handled(None, None),
    ]  # fmt: skip
    made = handling(
        alerts, first=FIRST, last=LAST, officers=2, now=begin + timedelta(hours=25), within_hours=24
    )

    assert made.right == Share(k=2, n=3)
    assert made.acknowledged == Share(k=4, n=5)
    assert made.median_hours == 2.5
    assert made.p90_hours == pytest.approx(21.9)
    assert made.in_time == Share(k=3, n=5)  # one too late, one still waiting after a day
    assert (made.per_week, made.per_officer_week) == (0.5, 0.25)
