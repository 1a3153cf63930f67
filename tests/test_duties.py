"""Which legal duties follow from what is known (domain.md §2.1, §8 cases 7, 10, 11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from alerts.duties import (
    AGAIN,
    GONE,
    SUPERSEDED,
    Asked,
    CaseFact,
    DutyKind,
    DutyState,
    Hours,
    Known,
    OutbreakFact,
    Run,
    Step,
    case_reports,
    daily_reports,
    handling,
    key_of,
    notices,
    settle,
    tally,
)
from surveillance.types import StatutoryStatus as Status

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 7, 15, 1, 0, tzinfo=UTC)
"""08:00 on Wednesday 15 July 2026 in the city."""
HOURS = Hours()


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def runs(*steps: tuple[Status, float]) -> list[Run]:
    """Statuses one after another, each from its hour; the last one lasts."""
    starts = [at(hour) for _, hour in steps]
    return [
        Run(status=status, since=since, until=until)
        for (status, _), since, until in zip(steps, starts, [*starts[1:], None], strict=True)
    ]


def ask(steps: Sequence[Run], *done: tuple[DutyKind, float]) -> list[Asked]:
    issued = frozenset((kind.value, key_of(at(hour))) for kind, hour in done)
    return notices("dengue", 1, steps, issued, HOURS, ZONE)


def asks(asked: Sequence[Asked]) -> list[tuple[DutyKind, datetime, bool]]:
    """Kind, moment met, and whether it is still asked."""
    return [(duty.kind, duty.met_at, duty.ended_at is None) for duty in asked]


# --- notices -----------------------------------------------------------------------------------------------


def test_a_warning_and_an_epidemic_are_announced_within_24_hours() -> None:
    for status, kind in ((Status.WARNING, DutyKind.WARNING), (Status.EPIDEMIC, DutyKind.EPIDEMIC)):
        [duty] = ask(runs((Status.NONE, -5), (status, 0)))
        assert (duty.kind, duty.met_at, duty.due_at) == (kind, at(0), at(24))


def test_three_linked_pertussis_cases_warn_and_the_fifth_makes_an_epidemic_notice_with_its_own_24_hours() -> (
    None
):
    """domain.md §8 case 10: the warning that was not issued yet gives way, with its reason."""
    warning, epidemic = ask(runs((Status.WARNING, 0), (Status.EPIDEMIC, 10)))
    assert (warning.kind, warning.ended_at, warning.why) == (DutyKind.WARNING, at(10), SUPERSEDED)
    assert (epidemic.kind, epidemic.met_at, epidemic.due_at) == (DutyKind.EPIDEMIC, at(10), at(34))


def test_a_calm_commune_and_one_without_figures_owe_nothing() -> None:
    assert ask(runs((Status.NONE, 0))) == []
    assert ask(runs((Status.INSUFFICIENT, 0))) == []


def test_lack_of_figures_ends_no_duty_and_begins_no_new_one() -> None:
    blind = runs((Status.EPIDEMIC, 0), (Status.INSUFFICIENT, 5), (Status.EPIDEMIC, 9))
    assert asks(ask(blind)) == [(DutyKind.EPIDEMIC, at(0), True)]


def test_the_end_of_an_announced_epidemic_is_announced_within_24_hours() -> None:
    ended = ask(runs((Status.EPIDEMIC, 0), (Status.ENDED, 100)), (DutyKind.EPIDEMIC, 0))[-1]
    assert (ended.kind, ended.met_at, ended.due_at) == (DutyKind.END, at(100), at(124))


def test_an_epidemic_that_falls_back_to_a_warning_owes_both() -> None:
    asked = ask(runs((Status.EPIDEMIC, 0), (Status.WARNING, 100)), (DutyKind.EPIDEMIC, 0))
    assert [(kind, since) for kind, since, open_ in asks(asked) if open_] == [
        (DutyKind.END, at(100)),
        (DutyKind.WARNING, at(100)),
    ]


def test_an_epidemic_withdrawn_by_better_data_before_its_notice_owes_no_end_notice() -> None:
    """domain.md §8 case 7: what was known later decides, and the reason stays."""
    [notice] = ask(runs((Status.EPIDEMIC, 0), (Status.NONE, 6)))
    assert (notice.ended_at, notice.due_at) == (at(6), at(24))
    assert "dưới mức có dịch" in str(notice.why)


def test_an_end_is_owed_after_an_epidemic_whose_notice_was_missed() -> None:
    notice, end = ask(runs((Status.EPIDEMIC, 0), (Status.NONE, 60)))
    assert [step.state for step in settle([notice, end], [], at(61))] == [DutyState.MISSED, DutyState.OPEN]


def test_a_count_that_falls_and_returns_asks_for_no_second_notice_of_the_same_epidemic() -> None:
    flicker = runs((Status.EPIDEMIC, 0), (Status.ENDED, 30), (Status.EPIDEMIC, 50))
    notice, end = ask(flicker, (DutyKind.EPIDEMIC, 0))
    assert notice.met_at == at(0)
    assert (end.kind, end.ended_at, end.why) == (DutyKind.END, at(50), AGAIN)


def test_after_an_end_notice_a_new_epidemic_is_announced_anew() -> None:
    again = runs((Status.EPIDEMIC, 0), (Status.ENDED, 30), (Status.EPIDEMIC, 400))
    asked = ask(again, (DutyKind.EPIDEMIC, 0), (DutyKind.END, 30))
    assert asks(asked)[-1] == (DutyKind.EPIDEMIC, at(400), True)


def test_one_warning_notice_stands_for_its_week() -> None:
    flicker = ((Status.WARNING, 0), (Status.NONE, 5), (Status.WARNING, 9))
    assert len(ask(runs(*flicker), (DutyKind.WARNING, 0))) == 1
    assert len(ask(runs(*flicker[:2], (Status.WARNING, 7 * 24)), (DutyKind.WARNING, 0))) == 2


STATUSES = st.lists(st.sampled_from(list(Status)), min_size=1, max_size=12)


@given(STATUSES, st.sets(st.tuples(st.sampled_from(list(DutyKind)), st.integers(0, 12))))
def test_laws_of_notices(statuses: list[Status], issued: set[tuple[DutyKind, int]]) -> None:
    """Never twice for one criterion; an epidemic that lasts is announced or asked for; a calm past owes nothing."""
    history = runs(*((status, 30.0 * n) for n, status in enumerate(statuses)))
    asked = ask(history, *((kind, 30.0 * n) for kind, n in issued))
    assert len({duty.key for duty in asked}) == len(asked)
    assert all(duty.due_at - duty.met_at == timedelta(hours=24) for duty in asked)
    if not {Status.WARNING, Status.EPIDEMIC, Status.ENDED} & set(statuses):
        assert asked == []
    if statuses[-1] is Status.EPIDEMIC:
        notice = [duty for duty in asked if duty.kind is DutyKind.EPIDEMIC][-1]
        announced = (DutyKind.EPIDEMIC.value, notice.criterion) in {
            (k.value, key_of(at(30.0 * n))) for k, n in issued
        }
        assert announced or notice.ended_at is None


# --- outbreaks and cases -----------------------------------------------------------------------------------

OUTBREAK = OutbreakFact(id=7, code="OD-0007", disease="dengue", unit_id=1, begun_at=NOW)


def test_an_outbreak_is_handled_within_48_hours_and_its_record_shows_that_it_was() -> None:
    [duty] = handling([OUTBREAK], HOURS, ZONE)
    assert (duty.due_at, duty.done_at) == (at(48), None)
    [done] = handling([replace(OUTBREAK, handled_on=date(2026, 7, 16))], HOURS, ZONE)
    assert done.done_at == datetime(2026, 7, 16, tzinfo=ZONE)


def test_every_day_of_an_outbreak_has_one_report_for_all_outbreaks_of_the_commune() -> None:
    two = [OUTBREAK, replace(OUTBREAK, id=9, code="OD-0009", begun_at=at(1))]
    yesterday, today = daily_reports(two, at(25), ZONE, at(-99))
    assert (yesterday.criterion, yesterday.met_at) == ("2026-07-15", at(0))
    assert yesterday.due_at == datetime(2026, 7, 16, tzinfo=ZONE)
    assert today.detail["outbreaks"] == [[7, "OD-0007"], [9, "OD-0009"]]


def test_the_last_report_is_that_of_the_day_of_closing() -> None:
    closed = replace(OUTBREAK, begun_at=at(-100), ended_at=at(2))
    days = [[duty.criterion for duty in daily_reports([closed], at(h), ZONE, at(-99))] for h in (3, 27, 51)]
    assert days == [["2026-07-14", "2026-07-15"], ["2026-07-15"], []]


def test_a_confirmed_measles_case_has_a_24_hour_report_though_measles_is_group_b() -> None:
    """domain.md §8 case 11."""
    case = CaseFact(
        kind=DutyKind.CASES, disease="measles", unit_id=1, day=date(2026, 7, 15), known_at=NOW, count=1
    )
    [duty] = case_reports([case], HOURS)
    assert (duty.kind, duty.due_at, duty.detail["count"]) == (DutyKind.CASES, at(24), 1)


# --- the register ------------------------------------------------------------------------------------------


def known(asked: Asked, state: DutyState = DutyState.OPEN, *, by_data: bool = True) -> Known:
    return Known(id=1, key=asked.key, state=state, due_at=asked.due_at, by_data=by_data)


def states(steps: Sequence[Step]) -> list[tuple[int | None, DutyState]]:
    return [(step.id, step.state) for step in steps]


WARNING = ask(runs((Status.WARNING, 0)))[0]


def test_what_is_asked_is_opened_once() -> None:
    assert states(list(settle([WARNING], [], NOW))) == [(None, DutyState.OPEN)]
    assert list(settle([WARNING], [known(WARNING)], NOW)) == []


def test_a_person_has_the_last_word() -> None:
    withdrawn = replace(WARNING, ended_at=at(2), why=GONE)
    for state in (DutyState.DONE, DutyState.NOT_NEEDED):
        assert list(settle([withdrawn], [known(WARNING, state, by_data=False)], NOW)) == []
        assert list(settle([WARNING], [known(WARNING, state, by_data=False)], NOW)) == []


def test_a_withdrawn_criterion_closes_its_duty_with_the_reason() -> None:
    [in_time] = settle([replace(WARNING, ended_at=at(2), why=GONE)], [known(WARNING)], at(3))
    assert (in_time.state, in_time.at, in_time.why) == (DutyState.NOT_NEEDED, at(2), GONE)
    [late] = settle([replace(WARNING, ended_at=at(30), why=GONE)], [known(WARNING)], at(31))
    assert late.state is DutyState.MISSED
    [absent] = settle([], [known(WARNING)], at(3))
    assert (absent.state, absent.why) == (DutyState.NOT_NEEDED, GONE)


def test_a_duty_whose_cause_returns_is_open_again() -> None:
    assert states(list(settle([WARNING], [known(WARNING, DutyState.NOT_NEEDED)], NOW))) == [
        (1, DutyState.OPEN)
    ]


def test_the_share_in_time_counts_done_missed_and_overdue() -> None:
    due = at(-1)
    duties = [
        ("done", due, at(-2)), ("done", due, at(0)), ("missed", due, None), ("open", due, None),
        ("open", at(5), None), ("not_needed", due, None),
    ]  # fmt: skip
    share = tally(duties, NOW)
    assert (share.in_time, share.counted) == (1, 4)
