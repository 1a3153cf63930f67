"""The life of an outbreak, its tasks, and insect surveys (domain.md §1.3, §2.4, §8 case 5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from i18n import Message
from surveillance.outbreaks.lifecycle import Act, Facts, Life, Refusal, Status, act, advance, end
from surveillance.outbreaks.lineage import Kind, explain
from surveillance.outbreaks.profiles import Profile, VectorControl
from surveillance.outbreaks.tasks import State, Task, TaskKind, Work, plan
from surveillance.outbreaks.vectors import Survey, SurveyError, high_risk, indices, third_round, vector_found
from tests.outbreak_cases import HCDC, JUNE, MOH, NEA, PROFILES, case, find

SINCE = datetime(2026, 6, 4, 9, 0, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))


def facts(**more: object) -> Facts:
    given: dict[str, object] = {"confirmed": 0, "criteria_met_on": day(3), "last_event": day(0)}
    return Facts(**given | more)  # type: ignore[arg-type]


def day(n: int) -> date:
    return JUNE + timedelta(days=n)


def after(life: Life, wanted: Act, profile: Profile, on: int, known: Facts | None = None) -> Life:
    found = act(life, wanted, known or facts(), profile, today=day(on), by="an")
    assert isinstance(found, Life), found.reason.render()
    return found


def refused(life: Life, wanted: Act, profile: Profile, on: int, known: Facts | None = None) -> Refusal:
    found = act(life, wanted, known or facts(), profile, today=day(on), by="an")
    assert isinstance(found, Refusal)
    return found


VECTORS = facts(vector_found=True)
HANDLED = after(Life(), Act.START_HANDLING, HCDC, 4)


# --- states ---------------------------------------------------------------------------------------------------


def test_hcdc_confirms_on_the_report_of_the_second_case() -> None:
    life = advance(Life(), facts(), HCDC, today=day(5))
    assert (life.status, life.confirmed_on) == (Status.CONFIRMED, day(3))


def test_the_ministry_asks_for_larvae_or_mosquitoes_first() -> None:
    assert advance(Life(), facts(), MOH, today=day(5)).status is Status.SUSPECTED
    refusal = refused(Life(), Act.CONFIRM, MOH, 5)
    assert "chưa tìm thấy lăng quăng" in refusal.reason.render()
    life = advance(Life(), VECTORS, MOH, today=day(5))
    assert (life.status, life.confirmed_on) == (Status.CONFIRMED, day(5))


def test_pertussis_is_suspected_until_one_case_is_confirmed() -> None:
    pertussis = PROFILES["PERTUSSIS"]
    assert advance(Life(), facts(), pertussis, today=day(5)).status is Status.SUSPECTED
    assert "mới có 0" in refused(Life(), Act.CONFIRM, pertussis, 5).reason.render()
    assert advance(Life(), facts(confirmed=1), pertussis, today=day(6)).status is Status.CONFIRMED


def test_a_doubtful_address_is_confirmed_by_a_person_only() -> None:
    (outbreak,) = find([case(i, 0, 0) for i in range(25)]).outbreaks
    doubtful = Facts.of(outbreak)
    assert advance(Life(), doubtful, HCDC, today=day(5)).status is Status.SUSPECTED
    life = after(Life(), Act.CONFIRM, HCDC, 5, doubtful)
    assert (life.status, life.history[-1].by) == (Status.CONFIRMED, "an")


def test_case_5_closing_on_day_27_is_refused_by_hcdc_with_the_day() -> None:
    refusal = refused(HANDLED, Act.CLOSE, HCDC, 27)
    assert refusal.until == day(28)
    assert refusal.reason.render("vi") == (
        "Chưa đóng được ổ dịch: ca cuối ngày 01/06/2026, tiêu chuẩn HCDC-2021 yêu cầu 28 ngày không có ca mới. "
        "Sớm nhất là ngày 29/06/2026."
    )
    assert after(HANDLED, Act.CLOSE, HCDC, 28).status is Status.CLOSED


def test_case_5_closing_on_day_14_is_allowed_by_the_ministry() -> None:
    confirmed = advance(Life(), VECTORS, MOH, today=day(1))
    assert refused(confirmed, Act.CLOSE, MOH, 13, VECTORS).until == day(14)
    assert after(confirmed, Act.CLOSE, MOH, 14, VECTORS).status is Status.CLOSED


def test_singapore_monitors_for_21_days_after_14_quiet_ones() -> None:
    life = advance(Life(), facts(), NEA, today=day(14))
    assert life.status is Status.MONITORING
    assert refused(life, Act.CLOSE, NEA, 34).until == day(35)
    assert after(life, Act.CLOSE, NEA, 35).status is Status.CLOSED


def test_the_whole_life() -> None:
    life = HANDLED
    seen = [life.status]
    for on, known in [(14, facts()), (20, facts(last_event=day(19))), (40, facts(last_event=day(19)))]:
        life = advance(life, known, HCDC, today=day(on))
        seen.append(life.status)
    late = facts(last_event=day(19))
    life = advance(life, late, HCDC, today=day(47))
    life = after(life, Act.CLOSE, HCDC, 48, late)
    seen += [life.history[-2].after, life.status]
    life = advance(life, facts(last_event=day(46)), HCDC, today=day(49))
    assert [*seen, life.status] == [
        Status.ACTIVE, Status.MONITORING, Status.ACTIVE, Status.MONITORING, Status.PROPOSED, Status.CLOSED,
        Status.REOPENED,
    ]  # fmt: skip
    assert [change.before for change in life.history[1:]] == [change.after for change in life.history[:-1]]


def test_a_case_after_the_time_to_re_open_leaves_it_closed() -> None:
    closed = after(HANDLED, Act.CLOSE, HCDC, 28)
    assert advance(closed, facts(last_event=day(28)), HCDC, today=day(30)).status is Status.REOPENED
    assert advance(closed, facts(last_event=day(29)), HCDC, today=day(30)).status is Status.CLOSED


def test_a_person_re_opens_in_time_only() -> None:
    closed = after(HANDLED, Act.CLOSE, HCDC, 28)
    assert after(closed, Act.REOPEN, HCDC, 28).history[-1].after is Status.REOPENED
    assert "hạn 29/06/2026" in refused(closed, Act.REOPEN, HCDC, 29).reason.render()


def test_what_was_kept_open_is_not_proposed_again_the_same_night() -> None:
    proposed = advance(HANDLED, facts(), HCDC, today=day(28))
    kept = after(proposed, Act.KEEP_OPEN, HCDC, 28)
    assert advance(kept, facts(), HCDC, today=day(29)).status is Status.MONITORING
    assert advance(kept, facts(), HCDC, today=day(42)).status is Status.PROPOSED


def test_an_act_out_of_place_is_refused_in_words() -> None:
    assert refused(HANDLED, Act.REOPEN, HCDC, 5).reason.render() == (
        "Việc này không làm được khi ổ dịch ở trạng thái “Đang xử lý”."
    )


def test_an_outbreak_that_went_into_another_says_so_and_stays_there() -> None:
    merged = end(HANDLED, Status.MERGED, explain(Kind.MERGED), today=day(9))
    assert merged.history[-1].reason.render() == "Đã nhập vào ổ dịch khác."
    assert advance(merged, facts(), HCDC, today=day(90)) is merged


@pytest.mark.parametrize("profile", [HCDC, MOH, NEA, PROFILES["MEASLES"]], ids=lambda p: p.code)
def test_every_night_again_changes_nothing(profile: Profile) -> None:
    life = Life()
    for on in range(80):
        life = advance(life, VECTORS, profile, today=day(on))
        assert advance(life, VECTORS, profile, today=day(on)) is life
    assert life.status is Status.PROPOSED


# --- insect surveys -------------------------------------------------------------------------------------------

CONTROL = HCDC.response.vector or pytest.fail("HCDC controls vectors")
ROUND = Survey(
    on=day(6), houses=30, houses_with_larvae=6, containers=90, containers_with_larvae=9,
    houses_with_mosquitoes=3, female_aedes=12,
)  # fmt: skip


def test_indices_are_those_of_the_definition() -> None:
    found = indices(ROUND)
    assert (found.bi, found.ci, found.hi, found.di, found.hi_mosquitoes) == (30, 10, 20, 0.4, 10)


def test_what_was_not_counted_is_unknown_not_zero() -> None:
    found = indices(Survey(on=day(6), houses=30, containers_with_larvae=0))
    assert (found.bi, found.ci, found.di) == (0, None, None)
    assert indices(Survey(on=day(6), houses=0, female_aedes=0)).di is None
    assert not vector_found(Survey(on=day(6), houses=30, containers_with_larvae=0)) and vector_found(ROUND)


@pytest.mark.parametrize(
    ("aedes", "containers", "says"),
    [(15, 0, "DI 0,5 con/nhà, từ 0,5 trở lên."), (14, 9, "BI 30, từ 30 trở lên."), (14, 8, None)],
)
def test_risk_is_high_from_di_half_or_bi_30(aedes: int, containers: int, says: str | None) -> None:
    found = high_risk(indices(replace(ROUND, female_aedes=aedes, containers_with_larvae=containers)), CONTROL)
    assert (found.render("vi") if found else None) == says


@pytest.mark.parametrize(("aedes", "containers", "again"), [(6, 0, True), (5, 5, False), (5, 6, True)])
def test_a_third_round_is_due_from_di_0_2_or_bi_20(aedes: int, containers: int, again: bool) -> None:
    found = indices(replace(ROUND, female_aedes=aedes, containers_with_larvae=containers))
    assert (third_round(found, CONTROL) is not None) == again


def test_counts_that_contradict_one_another_are_refused() -> None:
    with pytest.raises(SurveyError, match=r"vật chứa có lăng quăng \(91\)"):
        replace(ROUND, containers_with_larvae=91)
    with pytest.raises(SurveyError, match="âm"):
        replace(ROUND, houses=-1)


# --- tasks ----------------------------------------------------------------------------------------------------

ACTIVE = replace(HANDLED, status=Status.ACTIVE)


def tasks(kind: TaskKind, work: Work, *, life: Life = ACTIVE, known: Facts | None = None) -> list[Task]:
    found = plan(life, known or facts(), work, HCDC, since=SINCE)
    return [task for task in found if task.kind is kind]


def test_handling_begins_within_48_hours() -> None:
    (task,) = tasks(TaskKind.HANDLE, Work())
    assert task.hour == SINCE + timedelta(hours=48)
    assert task.state(SINCE + timedelta(hours=48)) is State.DUE
    assert task.state(SINCE + timedelta(hours=48, minutes=1)) is State.OVERDUE
    (done,) = tasks(TaskKind.HANDLE, Work(handling_started=day(4)))
    assert done.state(SINCE + timedelta(days=9)) is State.DONE


def test_there_are_three_surveys_a_week_apart_counted_from_the_day_they_were_done() -> None:
    assert [task.due for task in tasks(TaskKind.SURVEY, Work())] == [day(5), day(12), day(19)]
    first, second, third = tasks(TaskKind.SURVEY, Work(surveys=[replace(ROUND, on=day(8))]))
    assert (first.done_on, second.due, third.due) == (day(8), day(15), day(22))


def test_the_second_spraying_is_7_to_10_days_after_the_first() -> None:
    second = tasks(TaskKind.SPRAY, Work(sprayings=[day(4)]))[1]
    assert (second.not_before, second.due) == (day(11), day(14))
    assert second.state(SINCE) is State.LATER


@pytest.mark.parametrize(
    ("surveys", "last_event", "says"),
    [
        ([], 12, "có ca mới sau lần phun trước."),
        ([replace(ROUND, on=day(14))], 0, "DI 0,4 con/nhà, từ 0,2 trở lên."),
        ([replace(ROUND, on=day(9))], 0, None),
    ],
)
def test_a_third_spraying_needs_a_reason_after_the_second(
    surveys: list[Survey], last_event: int, says: str | None
) -> None:
    work = Work(sprayings=[day(4), day(11)], surveys=surveys)
    found = tasks(TaskKind.SPRAY, work, known=facts(last_event=day(last_event)))
    assert len(found) == (2 if says is None else 3)
    if says:
        assert found[2].words.render() == f"Phun hóa chất thêm lần 3: {says}"
        assert (found[2].not_before, found[2].due) == (day(18), day(21))


def test_larvae_are_killed_every_week_and_closing_is_checked_from_day_28() -> None:
    (larvicide,) = tasks(TaskKind.LARVICIDE, Work(larvicide=[day(4), day(11)]))
    assert (larvicide.number, larvicide.due) == (3, day(18))
    (closing,) = tasks(TaskKind.CLOSING, Work())
    assert (closing.not_before, closing.due) == (day(28), day(30))


def test_a_suspected_outbreak_asks_to_be_verified_and_surveyed() -> None:
    found = plan(Life(), facts(doubt=Message("Kiểm tra.")), Work(), HCDC, since=SINCE)
    assert [task.kind for task in found] == [TaskKind.CHECK, TaskKind.SURVEY, TaskKind.CLOSING]


def test_without_vectors_there_is_neither_survey_nor_spraying() -> None:
    found = plan(ACTIVE, facts(), Work(), PROFILES["MEASLES"], since=SINCE)
    assert {task.kind for task in found} == {TaskKind.HANDLE, TaskKind.CLOSING}


def test_a_closed_outbreak_asks_for_nothing() -> None:
    assert plan(after(HANDLED, Act.CLOSE, HCDC, 28), facts(), Work(), HCDC, since=SINCE) == ()


def test_the_vector_control_of_the_profile_is_data() -> None:
    assert isinstance(CONTROL, VectorControl) and CONTROL.spray_gap_days == (7, 10)
