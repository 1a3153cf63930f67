"""The register of duties agrees with what is known, whatever happened before (real PostGIS)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from accounts.models import Role, User
from alerts.duties import CaseFact, DutyKind, DutyState, OutbreakFact
from alerts.duty_acts import DutyError, mark_done, mark_not_needed, undo
from alerts.duty_models import Duty, DutyEvent
from alerts.duty_register import DutyReport, reconcile_duties
from alerts.duty_views import duty_detail, duty_list, late_count, shares, whole
from alerts.models import Alert
from alerts.passport import Passport
from alerts.views import alert_list
from geodata.models import AdminUnit
from surveillance.types import StatutoryStatus
from surveillance.urgent_cases import UrgentCases, urgent_cases
from tests.alerting import NOW, POLICY, add_unit, add_user, calm, city, epidemic, run, signal, ward, warning
from tests.line_list import Sick, add_cases, add_file

__all__ = ["city", "ward"]
"""Fixtures."""

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.fixture
def officer(session: Session, ward: AdminUnit) -> User:
    return add_user(session, "officer", Role.OFFICER, ward)


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def settle(session: Session, hours: float = 0, **facts: Any) -> DutyReport:
    """The worker's job, `hours` after NOW."""
    given: dict[str, Any] = {"outbreaks": (), "cases": (), **facts}
    return reconcile_duties(session, policy=POLICY, now=at(hours), timezone=ZONE, **given)


def duties(session: Session) -> list[tuple[str, str]]:
    return [(row.kind, row.state) for row in session.execute(select(Duty.kind, Duty.state).order_by(Duty.id))]


def the_duty(session: Session) -> Duty:
    return session.scalars(select(Duty).order_by(Duty.id.desc()).limit(1)).one()


def done(session: Session, user: User, hours: float, document: str = "12/TB-TYT") -> None:
    duty = the_duty(session)
    mark_done(session, duty.id, user=user, now=at(hours), done_at=at(hours), document=document, note="")


def test_a_statutory_status_opens_a_duty_with_the_deadline_of_the_alert(
    session: Session, ward: AdminUnit
) -> None:
    run(session, epidemic(ward))
    assert settle(session).opened == 1
    duty = the_duty(session)
    passport = Passport.from_json(session.scalars(select(Alert.passport)).one())
    assert (duty.met_at, duty.due_at) == (NOW, at(24))
    assert duty.due_at == passport.notice_due
    assert (duty.policy_hash, duty.policy_version) == (POLICY.hash, POLICY.version)
    assert "Mẫu 01" in duty.law


def test_running_again_writes_nothing(session: Session, ward: AdminUnit) -> None:
    run(session, epidemic(ward))
    settle(session)
    assert not any(getattr(settle(session, 1), name) for name in DutyReport.__dataclass_fields__)
    assert session.scalar(select(func.count()).select_from(DutyEvent)) == 1


def test_what_was_decided_again_at_the_same_moment_is_one_criterion(
    session: Session, ward: AdminUnit
) -> None:
    """As on the clock of the data, which stands still between two files."""
    for evidence in (warning(ward), calm(ward), warning(ward)):
        run(session, evidence)
    assert settle(session).opened == 1
    assert not any(getattr(settle(session, 1), name) for name in DutyReport.__dataclass_fields__)


def test_a_killed_run_leaves_nothing_and_the_next_one_dates_the_duty_as_if_it_had_not_been_killed(
    engine: Engine,
) -> None:
    """The process dies before its commit; the worker is back three hours later."""
    with engine.connect() as killed, Session(killed) as dying:
        ward = add_unit(dying, "1", "Xã Một")
        run(dying, epidemic(ward))
        dying.flush()
        settle(dying)
        assert duties(dying) == [("epidemic", "open")]
        dying.rollback()
    with engine.connect() as connection, Session(connection) as session:
        assert duties(session) == []
        ward = add_unit(session, "1", "Xã Một")
        run(session, epidemic(ward))
        settle(session, 3)
        assert (the_duty(session).met_at, the_duty(session).due_at) == (NOW, at(24))
        session.rollback()


def test_a_status_that_came_and_went_while_the_job_was_down_is_in_the_register_with_its_reason(
    session: Session, ward: AdminUnit
) -> None:
    other = add_unit(session, "2", "Xã Hai")
    run(session, [*epidemic(other), *calm(ward)])
    settle(session)
    run(session, [*epidemic(other), *warning(ward)], days=0.1)
    run(session, [*epidemic(other), *calm(ward)], days=0.2)
    assert settle(session, 6).not_needed == 1
    assert (the_duty(session).unit_id, the_duty(session).state) == (ward.id, "not_needed")
    assert "dưới mức cảnh báo" in str(the_duty(session).why)


def test_what_was_over_before_the_register_began_is_not_held_against_anybody(
    session: Session, ward: AdminUnit
) -> None:
    run(session, warning(ward))
    run(session, calm(ward), days=2)
    settle(session, 72)
    assert duties(session) == []


def test_better_data_close_a_duty_openly(session: Session, ward: AdminUnit) -> None:
    run(session, epidemic(ward))
    settle(session)
    run(session, calm(ward), days=0.5)
    assert settle(session, 13).not_needed == 1
    found = duty_detail(session, the_duty(session).id, None)
    assert found is not None
    view, log = found
    assert (view.state, view.settled_at, view.settled_by) == (DutyState.NOT_NEEDED, at(12), None)
    assert [event.kind for event in log] == ["opened", "not_needed"]
    assert "Không còn cần." in str(log[1].sentence) and "dưới mức có dịch" in str(log[1].sentence)


def test_a_warning_that_grows_into_an_epidemic_gives_way_to_its_notice(
    session: Session, ward: AdminUnit
) -> None:
    """domain.md §8 case 10."""
    run(session, warning(ward))
    settle(session)
    run(session, epidemic(ward), days=0.25)
    settle(session, 7)
    assert duties(session) == [("warning", "not_needed"), ("epidemic", "open")]
    assert the_duty(session).due_at == at(30)


def ended(ward: AdminUnit) -> list[Any]:
    return [signal(ward, "statutory_month", observed=2, alarm=False, status=StatutoryStatus.ENDED)]


def test_an_announced_epidemic_asks_for_its_end_notice_and_an_end_notice_closes_the_case(
    session: Session, ward: AdminUnit, officer: User
) -> None:
    run(session, epidemic(ward))
    settle(session)
    done(session, officer, 20)
    run(session, ended(ward), days=10)
    settle(session, 241)
    assert duties(session) == [("epidemic", "done"), ("end", "open")]
    done(session, officer, 250, "30/TB-TYT")
    run(session, epidemic(ward), days=20)
    settle(session, 481)
    assert duties(session) == [("epidemic", "done"), ("end", "done"), ("epidemic", "open")]


def test_a_status_older_than_the_look_back_keeps_its_criterion(
    session: Session, ward: AdminUnit, officer: User
) -> None:
    run(session, epidemic(ward))
    settle(session)
    done(session, officer, 20)
    for days in (10, 30, 60):
        run(session, [signal(ward, "statutory_month", observed=40 + days, upper=25, status=StatutoryStatus.EPIDEMIC)],
            days=days)  # fmt: skip
    settle(session, 24 * 61)
    assert duties(session) == [("epidemic", "done")]


def test_an_outbreak_opens_handling_and_a_report_a_day_and_its_record_closes_them(
    session: Session, ward: AdminUnit
) -> None:
    fact = OutbreakFact(id=7, code="OD-0007", disease="dengue", unit_id=ward.id, begun_at=NOW)
    settle(session, 1, outbreaks=[fact])
    assert duties(session) == [("handling", "open"), ("daily", "open")]
    worked = OutbreakFact(**_facts(fact) | {"handled_on": at(24).astimezone(ZONE).date()})
    report = settle(session, 49, outbreaks=[worked])
    assert (report.done, report.missed, report.opened) == (1, 1, 2)
    handling = duty_list(session, area_ids=None, kinds=[DutyKind.HANDLING])[0]
    assert (handling.state, handling.late(at(49))) == (DutyState.DONE, False)
    taken_back = settle(session, 49.5, outbreaks=[fact])
    assert taken_back.reopened == 1


def _facts(fact: OutbreakFact) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in OutbreakFact.__slots__}


def test_confirmed_cases_of_the_24_hour_list_are_counted_by_commune_and_day_of_first_knowledge(
    session: Session, ward: AdminUnit
) -> None:
    """domain.md §8 case 11. A case that was confirmed before and changed since is not news."""
    day, run_id = date(2026, 7, 15), add_file(session, "hcdc", at(-30))

    def measles(classification: str, known: float, until: float | None = None) -> Sick:
        return Sick(
            day=day, unit_id=ward.id, disease="measles", classification=classification,
            known_from=at(known), known_to=None if until is None else at(until),
        )  # fmt: skip

    add_cases(session, run_id, [measles("confirmed", 1), measles("confirmed", 2), measles("suspected", 3)])
    add_cases(session, run_id, [measles("confirmed", -30)])
    [found] = urgent_cases(session, ["measles"], since=at(-24), zone=ZONE)
    assert (found.day, found.known_at, found.count) == (day, at(1), 2)
    fact = CaseFact(kind=DutyKind.CASES, **{name: getattr(found, name) for name in UrgentCases.__slots__})
    assert settle(session, 4, cases=[fact]).opened == 1
    assert (the_duty(session).due_at, the_duty(session).detail["count"]) == (at(25), 2)
    settle(session, 5, cases=[replace(fact, count=3)])
    session.expire_all()
    assert the_duty(session).detail["count"] == 3
    assert settle(session, 6).not_needed == 1


def test_a_death_is_reported_within_24_hours(session: Session, ward: AdminUnit) -> None:
    death = CaseFact(
        kind=DutyKind.DEATH, disease="dengue", unit_id=ward.id, day=date(2026, 7, 15), known_at=NOW, count=1
    )
    settle(session, 1, cases=[death])
    assert (duties(session), the_duty(session).due_at) == ([("death", "open")], at(24))


# --- people ------------------------------------------------------------------------------------------------


def test_a_notice_is_a_persons_act_with_number_and_hour_and_can_be_taken_back(
    session: Session, ward: AdminUnit, officer: User
) -> None:
    run(session, epidemic(ward))
    settle(session)
    duty = the_duty(session)
    with pytest.raises(DutyError, match="số văn bản"):
        done(session, officer, 5, "  ")
    done(session, officer, 5)
    assert (duty.state, duty.document, duty.settled_by, duty.settled_at) == (
        "done", "12/TB-TYT", officer.id, at(5),
    )  # fmt: skip
    settle(session, 6)
    assert duty.state == "done"
    with pytest.raises(DutyError, match="lý do"):
        undo(session, duty.id, user=officer, now=at(7), reason=" ")
    undo(session, duty.id, user=officer, now=at(7), reason="Nhầm phường")
    assert (duty.state, duty.document, duty.settled_by) == ("open", None, None)
    found = duty_detail(session, duty.id, None)
    assert found is not None
    assert [(e.kind, e.comment) for e in found[1]] == [
        ("opened", None), ("done", None), ("undone", "Nhầm phường"),
    ]  # fmt: skip


def test_times_that_cannot_be_are_refused(session: Session, ward: AdminUnit, officer: User) -> None:
    run(session, epidemic(ward))
    settle(session)
    duty = the_duty(session)
    for done_at, words in ((at(3), "tương lai"), (at(-30), "bắt đầu tính giờ")):
        with pytest.raises(DutyError, match=words):
            mark_done(session, duty.id, user=officer, now=at(1), done_at=done_at, document="1/TB", note="")


def test_only_those_of_the_area_may_act_and_managers_only_look(
    session: Session, ward: AdminUnit, officer: User
) -> None:
    run(session, epidemic(ward))
    settle(session)
    other = add_unit(session, "3", "Xã Ba")
    for stranger in (add_user(session, "x", Role.OFFICER, other), add_user(session, "m", Role.MANAGER)):
        with pytest.raises(DutyError, match="địa bàn"):
            done(session, stranger, 5)
    assert duty_list(session, area_ids={other.id}) == []


def test_what_a_person_found_not_to_be_needed_stays_so(
    session: Session, ward: AdminUnit, officer: User
) -> None:
    run(session, epidemic(ward))
    settle(session)
    mark_not_needed(session, the_duty(session).id, user=officer, now=at(2), reason="Trùng hồ sơ")
    settle(session, 3)
    assert duties(session) == [("epidemic", "not_needed")]


def test_the_share_in_time_has_its_numbers(session: Session, ward: AdminUnit, officer: User) -> None:
    others = [add_unit(session, str(n), f"Xã {n}") for n in range(4, 6)]
    run(session, [one for unit in (ward, *others) for one in epidemic(unit)])
    settle(session)
    first, second, _third = duty_list(session, area_ids=None)
    analyst = add_user(session, "analyst", Role.ANALYST)
    for duty, hours in ((first, 20), (second, 26)):
        mark_done(session, duty.id, user=analyst, now=at(hours), done_at=at(hours), document="1/TB", note="")
    share = whole(shares(session, area_ids=None, start=at(0), end=at(48), now=at(30)))
    assert (share.in_time, share.counted) == (1, 3)
    assert late_count(session, None, at(30)) == 1


def test_the_inbox_shows_the_clock_of_the_register(session: Session, ward: AdminUnit, officer: User) -> None:
    run(session, epidemic(ward))
    settle(session)
    assert alert_list(session, area_ids=None, states=["open"]).items[0].notice_due == at(24)
    done(session, officer, 5)
    assert alert_list(session, area_ids=None, states=["open"]).items[0].notice_due is None
