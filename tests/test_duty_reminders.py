"""Reminders of legal deadlines: at their hours, once, to those who must act, without anything of a patient."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.models import MessageChoice, Role, User
from alerts.channels import OutgoingMessage
from alerts.delivery import event_facts
from alerts.duties import DutyKind
from alerts.duty_acts import mark_done
from alerts.duty_models import Duty
from alerts.duty_reminders import STEPS, Reminder, compose_reminder, first_step, remind, steps_behind
from alerts.messages import compose
from alerts.models import AlertEvent, Delivery
from geodata.models import AdminUnit
from tests.alerting import NOW, add_unit, add_user, epidemic, run
from tests.test_duty_register import at, settle

URL = "https://canhdich.example.org"


@pytest.fixture
def officer(session: Session) -> User:
    city = add_unit(session, "79", "Thành phố Hồ Chí Minh")
    ward = add_unit(session, "26740", "Phường Sài Gòn", city)
    add_user(session, "analyst", Role.ANALYST)
    add_user(session, "manager", Role.MANAGER)
    return add_user(session, "officer", Role.OFFICER, ward)


@pytest.fixture
def ward(officer: User) -> AdminUnit:
    return officer.areas[0]


@pytest.fixture
def duty(session: Session, ward: AdminUnit) -> Duty:
    run(session, epidemic(ward), notify=False)
    settle(session)
    return session.scalars(select(Duty)).one()


def told(session: Session) -> list[tuple[int | None, str]]:
    rows = session.execute(select(Delivery.user_id, Delivery.channel).order_by(Delivery.id))
    return [(row.user_id, row.channel) for row in rows]


def last_message(session: Session, locale: str = "vi") -> OutgoingMessage:
    event = session.scalars(select(AlertEvent).order_by(AlertEvent.id.desc()).limit(1)).one()
    return compose(event_facts(event, ZoneInfo("Asia/Ho_Chi_Minh")), locale, URL)


def test_reminders_come_six_hours_and_one_before_at_the_deadline_and_daily_after(
    session: Session, duty: Duty
) -> None:
    came = [hours for hours in range(0, 24 * 10) if remind(session, at(hours))]
    assert came == [18, 23, 24, 48, 72, 96, 120, 144, 168, 192]


def test_a_reminder_reaches_the_officer_by_every_way_and_the_analyst_in_the_application(
    session: Session, duty: Duty, officer: User
) -> None:
    session.add(MessageChoice(user_id=officer.id, channel="sms", address="+84900000000", at_once_from=4,
        digest=True, diseases=["measles"], changed_at=NOW))  # fmt: skip
    remind(session, at(18))
    analyst = session.scalars(select(User.id).where(User.username == "analyst")).one()
    assert set(told(session)) == {
        (officer.id, "in_app"), (officer.id, "email"), (officer.id, "sms"), (analyst, "in_app"),
    }  # fmt: skip


def test_a_second_run_says_nothing_and_a_worker_that_was_down_tells_only_the_newest(
    session: Session, duty: Duty
) -> None:
    remind(session, at(50))
    written = told(session)
    assert remind(session, at(50)) == remind(session, at(51)) == 0
    assert told(session) == written and len(written) == len(set(written))
    assert "Quá hạn 26 giờ" in last_message(session).text


def test_no_quiet_hours_hold_the_reminder_of_a_notice(session: Session, duty: Duty) -> None:
    assert remind(session, duty.due_at) > 0
    assert all(session.scalars(select(Delivery.urgent)))


def test_a_duty_that_is_done_is_not_reminded_of(session: Session, duty: Duty, officer: User) -> None:
    mark_done(session, duty.id, user=officer, now=at(5), done_at=at(5), document="1/TB-TYT", note="")
    assert remind(session, at(30)) == 0


def test_the_message_names_duty_place_and_hour_with_one_link_to_it(session: Session, duty: Duty) -> None:
    remind(session, at(18))
    message = last_message(session)
    assert message.subject == (
        "Ra thông báo có dịch (Mẫu 01): Sốt xuất huyết Dengue — Phường Sài Gòn (08:00 16/07)"
    )
    assert "Còn 6 giờ, hạn chót" in message.text
    for words in (message.text, message.html, message.chat, message.sms):
        assert words and f"{URL}/duties/{duty.id}" in words
    assert message.sms == (
        "Canh Dich: THONG BAO CO DICH, Sot xuat huyet Dengue, P. Sai Gon. Han chot 08:00 16/07. "
        f"{URL}/duties/{duty.id}"
    )
    assert "Epidemic notice" in last_message(session, "en").subject


names = st.text("ăâđêôơưÁẠ bcdghklmnpqrstvxyz", min_size=1, max_size=60)


@given(st.sampled_from(list(DutyKind)), names, names)
def test_a_text_message_is_one_part_of_plain_letters(kind: DutyKind, disease: str, unit: str) -> None:
    told = Reminder(
        duty_id=123456, kind=kind, due="08:00 16/07", disease=disease, unit_name=f"Xã {unit}", words=""
    )
    sms = compose_reminder(told, "vi", URL).sms
    assert sms is not None and len(sms) <= 160 and sms.isascii()


@pytest.mark.parametrize("kind", DutyKind)
def test_steps_are_in_order_and_none_lies_before_the_duty(kind: DutyKind) -> None:
    assert list(STEPS[kind]) == sorted(set(STEPS[kind]))
    due = NOW + timedelta(hours=1.5)
    assert steps_behind(kind, due, NOW) == first_step(kind, NOW, due)
