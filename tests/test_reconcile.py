"""Levels and alerts follow the evidence: one alert while it lasts, each step told once, nothing twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from accounts.models import Role, User
from alerts import inbox
from alerts.lifecycle import FLARE_DAYS, Kind
from alerts.models import Alert, AlertEvent, AreaLevel, Delivery
from alerts.passport import Passport
from db import session_scope
from geodata.models import AdminUnit
from surveillance.types import StatutoryStatus
from tests.alerting import (
    DISEASES,
    NOW,
    POLICY,
    add_unit,
    add_user,
    analyst,
    calm,
    city,
    ears,
    epidemic,
    outbreak,
    run,
    signal,
    ward,
    warning,
)

__all__ = ["analyst", "city", "ward"]
"""Fixtures."""


def the_alert(session: Session) -> Alert:
    session.expire_all()
    return session.scalars(select(Alert)).one()


def kinds(session: Session) -> list[str]:
    return list(session.scalars(select(AlertEvent.kind).order_by(AlertEvent.id)))


def count(session: Session, table: type) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


# One alert while it lasts


def test_an_area_at_level_1_has_a_level_and_no_alert(session: Session, ward: AdminUnit) -> None:
    report = run(session, calm(ward))

    assert (report.levels, report.opened) == (1, 0)
    assert count(session, Alert) == 0


def test_level_2_opens_an_alert(session: Session, ward: AdminUnit) -> None:
    report = run(session, warning(ward))

    alert = the_alert(session)
    assert report.opened == 1
    assert (alert.disease, alert.unit_id, alert.state, alert.level) == ("dengue", ward.id, "open", 2)
    assert (alert.status, alert.opened_at) == ("warning", NOW)


def test_running_again_writes_nothing(session: Session, ward: AdminUnit, analyst: User) -> None:
    run(session, warning(ward))
    again = run(session, warning(ward))
    later = run(session, warning(ward), days=0.1)

    assert {*vars_of(again), *vars_of(later)} == {0}
    assert (count(session, Alert), count(session, AlertEvent), count(session, Delivery)) == (1, 1, 2 - 1)


def vars_of(report: object) -> list[int]:
    return [getattr(report, name) for name in report.__slots__]  # type: ignore[attr-defined]


def test_a_rise_is_one_event_on_the_same_alert(session: Session, ward: AdminUnit) -> None:
    run(session, warning(ward))
    report = run(session, epidemic(ward), days=1)

    alert = the_alert(session)
    assert (report.opened, report.raised) == (0, 1)
    assert (alert.level, alert.peak_level, alert.status) == (4, 4, "epidemic")
    assert kinds(session) == ["opened", "raised"]


def test_more_cases_at_the_same_level_change_the_reasons_but_are_no_event(
    session: Session, ward: AdminUnit
) -> None:
    run(session, warning(ward, observed=10))
    report = run(session, warning(ward, observed=11), days=1)

    assert (report.levels, report.evidence) == (1, 0)
    assert kinds(session) == ["opened"]


def test_another_method_joining_is_an_event_once(session: Session, ward: AdminUnit) -> None:
    run(session, warning(ward))
    joined = run(session, [*warning(ward), signal(ward, "ears_c2")], days=1)
    run(session, warning(ward), days=2)
    back = run(session, [*warning(ward), signal(ward, "ears_c2")], days=3)

    assert (joined.evidence, back.evidence) == (1, 0)


def test_a_new_statutory_status_at_the_same_level_is_an_event(session: Session, ward: AdminUnit) -> None:
    run(session, ears(ward))
    report = run(session, [*warning(ward), signal(ward, "ears_c2")], days=1)

    assert report.evidence == 1
    assert the_alert(session).status == "warning"


def test_figures_running_out_is_no_event_but_the_status_stays_true(session: Session, ward: AdminUnit) -> None:
    run(session, ears(ward))
    lacking = signal(ward, "statutory_week", alarm=False, upper=None, status=StatutoryStatus.INSUFFICIENT)
    report = run(session, [lacking, signal(ward, "ears_c2")], days=1)

    assert report.evidence == 0
    assert the_alert(session).status == "insufficient"


def test_it_falls_step_by_step_and_ends_at_level_1(session: Session, ward: AdminUnit) -> None:
    run(session, outbreak(ward))
    steps = [run(session, calm(ward), days=day) for day in range(1, 30)]

    assert [s.lowered for s in steps].count(1) == 1
    assert [s.ended for s in steps].count(1) == 1
    alert = the_alert(session)
    assert (alert.state, alert.level, alert.peak_level, alert.outcome) == ("closed", 1, 3, None)
    assert kinds(session) == ["opened", "lowered", "ended"]


def test_a_flare_soon_after_the_end_reopens_the_same_alert_with_its_history(
    session: Session, ward: AdminUnit
) -> None:
    run(session, warning(ward))
    for day in range(1, 20):
        run(session, calm(ward), days=day)
    first = the_alert(session).id
    report = run(session, warning(ward), days=20)

    alert = the_alert(session)
    assert (report.opened, report.reopened) == (0, 1)
    assert (alert.id, alert.state, alert.level, alert.opened_at) == (first, "open", 2, NOW)
    assert (kinds(session)[0], *kinds(session)[-2:]) == ("opened", "ended", "reopened")


def test_a_flare_long_after_the_end_is_a_new_alert(session: Session, ward: AdminUnit) -> None:
    run(session, warning(ward))
    for day in range(1, 20):
        run(session, calm(ward), days=day)
    report = run(session, warning(ward), days=20 + FLARE_DAYS)

    assert (report.opened, report.reopened) == (1, 0)
    assert count(session, Alert) == 2


def test_a_flare_starts_the_legal_clock_anew(session: Session, ward: AdminUnit) -> None:
    run(session, warning(ward))
    for day in range(1, 20):
        run(session, calm(ward), days=day)
    run(session, warning(ward), days=20)

    assert the_alert(session).passport["notice_due"] == (NOW + timedelta(days=21)).isoformat()


def test_silence_never_lowers_nor_ends(session: Session, ward: AdminUnit) -> None:
    run(session, warning(ward))
    reports = [run(session, [], days=day, silent={"dengue"}) for day in (1, 10, 100)]

    assert all(r.lowered == r.ended == 0 for r in reports)
    level = session.scalars(select(AreaLevel).where(AreaLevel.known_to.is_(None))).one()
    assert (level.level, level.unknown) == (2, True)


# Closed by a person


def close(session: Session, user: User, days: float) -> None:
    inbox.close(
        session, the_alert(session).id, user=user, outcome="false", comment="Đã xác minh",
        now=NOW + timedelta(days=days),
    )  # fmt: skip


def test_what_a_person_closed_stays_closed_on_the_same_evidence(
    session: Session, ward: AdminUnit, analyst: User
) -> None:
    run(session, warning(ward))
    close(session, analyst, days=1)
    report = run(session, warning(ward, observed=12), days=2)

    assert (report.opened, report.reopened) == (0, 0)
    assert the_alert(session).state == "closed"


def test_it_comes_back_when_the_level_rises_above_the_one_it_was_closed_at(
    session: Session, ward: AdminUnit, analyst: User
) -> None:
    run(session, warning(ward))
    close(session, analyst, days=1)
    report = run(session, epidemic(ward), days=2)

    alert = the_alert(session)
    assert (report.opened, report.reopened) == (0, 1)
    assert (alert.state, alert.level, alert.outcome, alert.closed_at) == ("open", 4, None, None)
    assert kinds(session) == ["opened", "closed", "reopened"]


def test_it_comes_back_under_a_new_legal_duty_at_the_same_level(
    session: Session, ward: AdminUnit, analyst: User
) -> None:
    run(session, ears(ward))
    close(session, analyst, days=1)
    report = run(session, warning(ward), days=2)

    assert report.reopened == 1


def test_after_calm_a_flare_at_the_same_level_reopens_what_a_person_closed(
    session: Session, ward: AdminUnit, analyst: User
) -> None:
    run(session, warning(ward))
    close(session, analyst, days=1)
    for day in range(2, 20):
        run(session, calm(ward), days=day)
    report = run(session, warning(ward), days=20)

    assert (report.opened, report.reopened) == (0, 1)
    assert (the_alert(session).state, the_alert(session).outcome) == ("open", None)


@pytest.mark.parametrize("outcome", ["false", "data_error"])
def test_a_dismissal_stands_against_more_of_the_same(
    session: Session, ward: AdminUnit, analyst: User, outcome: inbox.Outcome
) -> None:
    dismiss(session, ward, analyst, outcome)
    report = run(session, [*warning(ward, observed=12), signal(ward, "ears_c2")], days=2)

    assert (report.evidence, report.raised, report.reopened) == (0, 0, 0)
    assert the_alert(session).state == "dismissed"


def test_a_dismissed_alert_that_grows_worse_is_new_again(
    session: Session, ward: AdminUnit, analyst: User
) -> None:
    dismiss(session, ward, analyst, "false")
    report = run(session, epidemic(ward), days=2)

    alert = the_alert(session)
    assert report.reopened == 1
    assert (alert.state, alert.outcome, alert.assignee_id, alert.level) == ("open", None, None, 4)
    assert kinds(session) == ["opened", "acknowledged", "dismissed", "reopened"]


def test_a_dismissed_alert_ends_with_its_conclusion_when_the_area_is_calm(
    session: Session, ward: AdminUnit, analyst: User
) -> None:
    dismiss(session, ward, analyst, "false")
    for day in range(2, 20):
        run(session, calm(ward), days=day)

    assert (the_alert(session).state, the_alert(session).outcome) == ("closed", "false")


def dismiss(session: Session, ward: AdminUnit, user: User, outcome: inbox.Outcome) -> None:
    run(session, warning(ward))
    inbox.acknowledge(session, the_alert(session).id, user=user, now=NOW)
    inbox.conclude(
        session, the_alert(session).id, user=user, outcome=outcome, comment="Đã gọi bệnh viện", now=NOW
    )


# The record


def test_the_level_is_kept_with_the_time_it_was_believed(session: Session, ward: AdminUnit) -> None:
    run(session, calm(ward))
    run(session, epidemic(ward), days=1)

    rows = session.execute(
        select(AreaLevel.level, AreaLevel.known_from, AreaLevel.known_to).order_by(AreaLevel.id)
    ).all()
    tomorrow = NOW + timedelta(days=1)
    assert [tuple(row) for row in rows] == [(1, NOW, tomorrow), (4, tomorrow, None)]


def test_time_never_goes_back_in_the_record(session: Session, ward: AdminUnit) -> None:
    run(session, calm(ward), days=2)
    run(session, epidemic(ward), days=1)

    newest = session.scalars(select(AreaLevel).where(AreaLevel.known_to.is_(None))).one()
    assert newest.known_from == NOW + timedelta(days=2)


def test_an_alert_carries_what_it_was_decided_on(session: Session, ward: AdminUnit) -> None:
    run(session, calm(ward))
    run(session, epidemic(ward), days=1)

    passport = Passport.from_json(the_alert(session).passport)
    assert passport.as_of == NOW + timedelta(days=1)
    assert (passport.policy_version, passport.policy_hash) == (POLICY.version, POLICY.hash)
    assert passport.code_version == "test"
    assert [(e.method, e.observed, e.upperbound) for e in passport.evidence] == [("statutory_month", 40, 25)]
    assert passport.state_before is not None and passport.state_before["level"] == 1
    assert passport.notice_due == NOW + timedelta(days=2)
    assert passport.handling_due == NOW + timedelta(days=3)


def test_case_10_the_notice_of_an_epidemic_is_due_in_24_hours(session: Session, ward: AdminUnit) -> None:
    run(session, epidemic(ward))
    assert Passport.from_json(the_alert(session).passport).notice_due == NOW + timedelta(hours=24)


def test_a_rise_does_not_restart_a_clock_that_runs(session: Session, ward: AdminUnit) -> None:
    run(session, warning(ward))
    above = signal(ward, "statutory_week", status=StatutoryStatus.WARNING, detail={"above_2sd": True})
    report = run(session, [above], days=0.5)

    passport = Passport.from_json(the_alert(session).passport)
    assert report.raised == 1
    assert passport.notice_due == NOW + timedelta(days=1)


def test_each_event_keeps_its_own_passport(session: Session, ward: AdminUnit) -> None:
    run(session, warning(ward))
    run(session, epidemic(ward), days=1)

    messages = session.scalars(select(AlertEvent.message).order_by(AlertEvent.id)).all()
    levels = [Passport.from_json(message["passport"]).level for message in messages if message]
    assert levels == [2, 4]


# Who is told


def told(session: Session) -> set[tuple[str, str, str]]:
    rows = session.execute(
        select(AlertEvent.kind, User.username, Delivery.channel)
        .join(Delivery, Delivery.event_id == AlertEvent.id)
        .join(User, User.id == Delivery.user_id)
    )
    return {(kind, username, channel) for kind, username, channel in rows}


def test_only_the_officers_of_the_area_and_the_analysts_are_told(
    session: Session, city: AdminUnit, ward: AdminUnit, analyst: User
) -> None:
    elsewhere = add_unit(session, "26737", "Phường Tân Định", city)
    add_user(session, "station", Role.OFFICER, ward)
    add_user(session, "centre", Role.OFFICER, city)
    add_user(session, "neighbour", Role.OFFICER, elsewhere)
    add_user(session, "nowhere", Role.OFFICER)
    add_user(session, "manager", Role.MANAGER)
    add_user(session, "left", Role.OFFICER, ward).active = False
    run(session, epidemic(ward))

    assert told(session) == {
        ("opened", "station", "in_app"),
        ("opened", "station", "email"),
        ("opened", "centre", "in_app"),
        ("opened", "centre", "email"),
        ("opened", "analyst", "in_app"),
    }


def test_level_2_without_a_legal_status_is_told_in_the_application_only(
    session: Session, ward: AdminUnit
) -> None:
    add_user(session, "station", Role.OFFICER, ward)
    run(session, ears(ward))

    assert told(session) == {("opened", "station", "in_app")}
    muted = session.scalars(select(AlertEvent.message)).one()["muted"]
    assert [group["channel"] for group in muted] == ["email"]
    assert "mức" in muted[0]["reason"]["msgid"]


def test_level_2_with_a_statutory_warning_is_sent(session: Session, ward: AdminUnit) -> None:
    add_user(session, "station", Role.OFFICER, ward)
    run(session, warning(ward))

    assert ("opened", "station", "email") in told(session)


def test_a_fall_is_not_sent_by_email(session: Session, ward: AdminUnit) -> None:
    add_user(session, "station", Role.OFFICER, ward)
    run(session, outbreak(ward))
    for day in range(1, 30):
        run(session, calm(ward), days=day)

    channels = {kind: {c for k, _, c in told(session) if k == kind} for kind, _, _ in told(session)}
    assert channels == {"opened": {"in_app", "email"}, "lowered": {"in_app"}, "ended": {"in_app"}}


def test_the_end_of_an_epidemic_is_sent_because_its_notice_is_due(session: Session, ward: AdminUnit) -> None:
    add_user(session, "station", Role.OFFICER, ward)
    run(session, epidemic(ward))
    over = signal(ward, "statutory_month", observed=5, upper=25, alarm=False, status=StatutoryStatus.ENDED)
    run(session, [over], days=1)

    assert ("evidence", "station", "email") in told(session)
    assert Passport.from_json(the_alert(session).passport).notice_due == NOW + timedelta(days=2)


def test_replaying_the_past_tells_nobody(session: Session, ward: AdminUnit) -> None:
    add_user(session, "station", Role.OFFICER, ward)
    report = run(session, epidemic(ward), notify=False)

    assert (report.opened, report.deliveries) == (1, 0)
    assert count(session, Delivery) == 0


# Crashes and races (on committed data: these use the engine)


@pytest.fixture
def committed(engine: Engine) -> Iterator[int]:
    """A committed ward with one officer; everything is removed afterwards."""
    with session_scope(engine) as session:
        ward = add_unit(session, "26740", "Phường Sài Gòn", add_unit(session, "79", "TP. Hồ Chí Minh"))
        add_user(session, "station", Role.OFFICER, ward)
        unit_id = ward.id
    yield unit_id
    with session_scope(engine) as session:
        session.execute(
            text("TRUNCATE delivery, alert_event, alert, area_level, user_area, app_user, admin_unit CASCADE")
        )


def state_of(engine: Engine) -> tuple[int, ...]:
    with session_scope(engine) as session:
        return tuple(count(session, table) for table in (AreaLevel, Alert, AlertEvent, Delivery))


class Killed(BaseException):
    """The process dies here."""


def test_a_crash_before_the_commit_leaves_nothing_and_the_next_run_repairs_it(
    engine: Engine, committed: int
) -> None:
    with pytest.raises(Killed), session_scope(engine) as session:
        run(session, epidemic(committed))
        raise Killed
    assert state_of(engine) == (0, 0, 0, 0)

    with session_scope(engine) as session:
        run(session, epidemic(committed))
    assert state_of(engine) == (1, 1, 1, 2)


def test_two_processes_at_once_open_one_alert(engine: Engine, committed: int) -> None:
    ready = threading.Barrier(2)
    reports = []

    def work() -> None:
        with session_scope(engine) as session:
            ready.wait()
            reports.append(run(session, epidemic(committed)))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(report.opened for report in reports) == [0, 1]
    assert state_of(engine) == (1, 1, 1, 2)


def test_the_database_refuses_a_second_open_alert(session: Session, ward: AdminUnit) -> None:
    run(session, warning(ward))
    alert = the_alert(session)
    twin = Alert(
        disease=alert.disease, unit_id=ward.id, state="open", level=2, peak_level=2, status="none",
        opened_at=NOW, changed_at=NOW, passport={},
    )  # fmt: skip
    session.add(twin)
    with pytest.raises(IntegrityError):
        session.flush()


# Size


def test_1680_areas_are_reconciled_and_a_second_run_writes_nothing(session: Session, city: AdminUnit) -> None:
    units = [add_unit(session, f"2{n:04}", f"Phường {n}", city) for n in range(168)]
    for n, unit in enumerate(units):
        add_user(session, f"officer{n}", Role.OFFICER, unit)
    for n in range(60):
        add_user(session, f"analyst{n}", Role.ANALYST)
    diseases = {f"d{n}": replace(DISEASES["dengue"], code=f"d{n}") for n in range(10)}
    evidence = [
        replace(item, disease=code)
        for code in diseases
        for n, unit in enumerate(units)
        for item in (epidemic(unit) if n % 10 == 0 else [*calm(unit), signal(unit, "ears_c2", alarm=False)])
    ]
    started = time.perf_counter()
    first = run(session, evidence, diseases=diseases)
    between = time.perf_counter()
    second = run(session, evidence, diseases=diseases)
    print(f"1,680 areas: first {between - started:.2f} s, again {time.perf_counter() - between:.2f} s")

    assert (first.levels, first.opened, first.deliveries) == (1680, 170, 170 * 62)
    assert set(vars_of(second)) == {0}


def test_every_kind_of_event_has_a_name() -> None:
    assert {Kind.OPENED, Kind.REOPENED, Kind.RAISED, Kind.LOWERED, Kind.EVIDENCE, Kind.ENDED} < set(Kind)


def test_a_diseases_own_display_floor_decides_and_stands_in_the_passport(
    session: Session, ward: AdminUnit
) -> None:
    few = [signal(ward, "statutory_month", observed=40, upper=25, status=StatutoryStatus.EPIDEMIC)]
    run(session, few, diseases={"dengue": replace(DISEASES["dengue"], display_floor=50)})
    level, alert = session.scalars(select(AreaLevel)).one(), session.scalars(select(Alert)).one()
    assert (level.level, level.status) == (2, "epidemic")
    assert alert.passport["display_floor"] == 50
