"""Every legal duty reaches those who answer for its commune, also where no alert speaks of it (real PostGIS)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from accounts.models import MessageChoice, Role, User
from alerts.agenda import calling_count, mark_duties_read, tell_duties, unread_duties
from alerts.agenda_words import Agenda, AgendaLine, compose_agenda
from alerts.channels import EMAIL, IN_APP, SMS, TransportError
from alerts.channels.email import EmailChannel
from alerts.delivery import Letterhead, deliver_due
from alerts.duties import DutyKind, OutbreakFact
from alerts.duty_acts import mark_done
from alerts.duty_models import Duty, DutyEvent
from alerts.inbox import NotAllowed, resend
from alerts.models import Alert, Delivery, DeliveryReceipt
from alerts.outbox_views import dead_letters
from db import session_scope
from geodata.models import AdminUnit
from i18n import Message
from tests.alerting import DISEASES, NOW, add_unit, add_user, epidemic, run, warning
from tests.mail import MailServer
from tests.test_delivery import server
from tests.test_duty_register import ZONE, at, settle

__all__ = ["server"]
"""Fixtures."""

URL = "https://canhdich.example.org"
LETTERHEAD = Letterhead(public_url=URL, timezone=ZoneInfo("Asia/Ho_Chi_Minh"), diseases=DISEASES)
MAIL_FROM = "canh-dich@example.org"
TABLES = "delivery_receipt, delivery, duty_event, duty, alert_event, alert, area_level, user_area, app_user, admin_unit"


@pytest.fixture
def ward(session: Session) -> AdminUnit:
    city = add_unit(session, "79", "Thành phố Hồ Chí Minh")
    ward = add_unit(session, "26740", "Phường Sài Gòn", city)
    add_user(session, "neighbour", Role.OFFICER, add_unit(session, "26737", "Phường Tân Định", city))
    add_user(session, "manager", Role.MANAGER)
    add_user(session, "officer", Role.OFFICER, ward)
    return ward


@pytest.fixture
def officer(session: Session, ward: AdminUnit) -> User:
    return session.scalars(select(User).where(User.username == "officer")).one()


def few_cases(session: Session, ward: AdminUnit, hours: float = 0) -> Duty:
    """A statutory *cảnh báo* of so few cases that the policy leaves the level at 1: a duty, and no alert."""
    run(session, warning(ward, observed=3), now=at(hours))
    settle(session, hours)
    assert session.scalar(select(Alert.id)) is None
    return session.scalars(select(Duty)).one()


def outbreak(ward: AdminUnit, hours: float = 0) -> OutbreakFact:
    return OutbreakFact(id=1, code="OD-0001", disease="dengue", unit_id=ward.id, begun_at=at(hours))


def tell(session: Session, hours: float = 0) -> int:
    return tell_duties(session, at(hours), ZONE)


def told(session: Session) -> list[tuple[str, str, bool]]:
    rows = session.execute(
        select(User.username, Delivery.channel, Delivery.duty_id.is_not(None).label("new"))
        .join(User, User.id == Delivery.user_id)
        .order_by(Delivery.id)
    )
    return [(row.username, row.channel, row.new) for row in rows]


def test_a_notice_without_an_alert_is_told_at_once_and_in_the_day_s_message(
    session: Session, ward: AdminUnit
) -> None:
    few_cases(session, ward)
    tell(session)
    assert told(session) == [("officer", IN_APP, True), ("officer", IN_APP, False), ("officer", EMAIL, False)]


def test_running_again_says_nothing_until_the_next_morning(session: Session, ward: AdminUnit) -> None:
    few_cases(session, ward)
    tell(session)
    assert [hours for hours in range(1, 49) if tell(session, hours)] == [23, 47]
    keys = session.scalars(select(Delivery.dedup_key)).all()
    assert len(keys) == len(set(keys))


def test_at_night_only_the_application_tells_and_the_morning_tells_the_rest(
    session: Session, ward: AdminUnit
) -> None:
    few_cases(session, ward, hours=14)
    tell(session, 14)
    assert told(session) == [("officer", IN_APP, True)]
    assert tell(session, 22.9) == 0
    assert tell(session, 23) == 2


def test_the_handling_of_a_small_outbreak_waits_for_nobody(session: Session, ward: AdminUnit) -> None:
    settle(session, outbreaks=[outbreak(ward)])
    assert {duty.kind for duty in session.scalars(select(Duty))} == {"handling", "daily"}
    tell(session)
    by_kind = Counter(told(session))
    assert by_kind[("officer", IN_APP, True)] == 1, "the daily report is due before the next morning"
    assert by_kind[("officer", EMAIL, False)] == 1


def test_what_an_open_alert_tells_asks_for_no_message_of_its_own(session: Session, ward: AdminUnit) -> None:
    run(session, epidemic(ward), notify=False)
    settle(session)
    assert tell(session) == 0
    alert = session.scalars(select(Alert)).one()
    alert.state = "closed"
    assert tell(session) > 0, "nobody reads a closed alert"


def test_a_duty_that_is_done_is_told_no_more(session: Session, ward: AdminUnit, officer: User) -> None:
    duty = few_cases(session, ward)
    tell(session)
    mark_done(session, duty.id, user=officer, now=at(2), done_at=at(2), document="1/TB-TYT", note="")
    assert tell(session, 23) == 0


def test_channels_people_chose_are_used_and_no_filter_hides_a_legal_clock(
    session: Session, ward: AdminUnit, officer: User
) -> None:
    analyst = add_user(session, "analyst", Role.ANALYST)
    for user in (officer, analyst):
        session.add(MessageChoice(user_id=user.id, channel=SMS, address="+84900000000", at_once_from=4,
            digest=True, diseases=["measles"], changed_at=NOW))  # fmt: skip
    few_cases(session, ward)
    tell(session)
    lists = {(name, channel) for name, channel, new in told(session) if not new}
    assert lists == {
        ("officer", IN_APP), ("officer", EMAIL), ("officer", SMS), ("analyst", IN_APP), ("analyst", SMS),
    }  # fmt: skip


def test_that_nobody_answers_for_a_commune_is_written_down(session: Session, officer: User) -> None:
    officer.areas.clear()
    session.flush()
    ward = session.scalars(select(AdminUnit).where(AdminUnit.code == "26740")).one()
    duty = few_cases(session, ward)
    assert tell(session) == 0
    said = session.scalars(select(DutyEvent).where(DutyEvent.duty_id == duty.id, DutyEvent.kind == "told"))
    assert "chưa có người phụ trách" in str(said.one().message)


def test_the_menu_counts_what_is_new_until_it_was_looked_at(
    session: Session, ward: AdminUnit, officer: User
) -> None:
    duty = few_cases(session, ward)
    tell(session)
    assert calling_count(session, {ward.id}, officer.id, at(1)) == 1
    new, listed = unread_duties(session, {ward.id}, officer.id)
    assert ([one.id for one in new], listed) == ([duty.id], True)
    mark_duties_read(session, officer.id, at(1), duty.id)
    assert unread_duties(session, {ward.id}, officer.id) == ([], True)
    mark_duties_read(session, officer.id, at(1))
    assert unread_duties(session, {ward.id}, officer.id) == ([], False)
    assert calling_count(session, {ward.id}, officer.id, at(1)) == 0
    assert calling_count(session, {ward.id}, officer.id, at(25)) == 1


# --- the outbox ------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(engine: Engine) -> Iterator[int]:
    """A committed ward whose officer owes a notice without an alert; the duty's id."""
    with session_scope(engine) as session:
        ward = add_unit(session, "26740", "Phường Sài Gòn", add_unit(session, "79", "Thành phố Hồ Chí Minh"))
        add_user(session, "officer", Role.OFFICER, ward)
        duty = few_cases(session, ward).id
    yield duty
    with session_scope(engine) as session:
        session.execute(text(f"TRUNCATE {TABLES} CASCADE"))


def write(engine: Engine, hours: float = 0) -> int:
    with session_scope(engine) as session:
        return tell(session, hours)


def send(engine: Engine, channel: Any, hours: float = 0) -> Any:
    return deliver_due(engine, {EMAIL: channel}, at(hours), letterhead=LETTERHEAD)


def words_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_a_run_killed_before_its_commit_says_nothing_and_the_next_says_all(
    engine: Engine, waiting: int
) -> None:
    with Session(engine) as session:
        assert tell(session) == 3
    with Session(engine) as session:
        assert told(session) == []
    assert (write(engine), write(engine)) == (3, 0)


def test_the_mail_arrives_once_with_the_list_and_a_receipt(
    engine: Engine, waiting: int, server: MailServer
) -> None:
    write(engine)
    channel = EmailChannel(server.url, MAIL_FROM)
    assert send(engine, channel).sent == 1
    assert send(engine, channel).sent == 0
    (mail,) = server.mailbox.taken
    plain = words_of(mail)
    assert mail["Subject"] == "Việc theo luật hôm nay: 1 việc còn hạn"
    assert "Còn 24 giờ: Ra thông báo cảnh báo dịch, Sốt xuất huyết Dengue, Phường Sài Gòn" in plain
    assert f"{URL}/duties" in plain
    with Session(engine) as session:
        assert session.scalars(select(DeliveryReceipt.kind)).all() == ["accepted"]


def test_what_was_done_before_the_mail_left_is_not_asked_for(
    engine: Engine, waiting: int, server: MailServer
) -> None:
    write(engine)
    with session_scope(engine) as session:
        user = session.scalars(select(User)).one()
        mark_done(session, waiting, user=user, now=at(1), done_at=at(1), document="1/TB", note="")
    send(engine, EmailChannel(server.url, MAIL_FROM), hours=2)
    assert "không còn việc nào phải làm" in words_of(server.mailbox.taken[0])


class Refusing:
    def unavailable(self) -> None:
        return None

    def send(self, envelope: Any) -> None:
        raise TransportError(Message("Không có hộp thư này."), permanent=True)


def test_a_list_that_was_refused_is_visible_and_can_be_sent_again_by_who_looks_after_its_reader(
    engine: Engine, waiting: int
) -> None:
    write(engine)
    assert send(engine, Refusing()).dead == 1
    with session_scope(engine) as session:
        ward = session.scalars(select(AdminUnit).where(AdminUnit.code == "26740")).one()
        (letter,), total = dead_letters(session, {ward.id})
        assert (letter.alert_id, letter.disease, total) == (None, None, 1)
        assert dead_letters(session, {ward.id + 999})[1] == 0
        elsewhere = add_user(session, "elsewhere", Role.OFFICER, add_unit(session, "2", "Xã Hai"))
        with pytest.raises(NotAllowed):
            resend(session, letter.id, user=elsewhere, now=at(1))
        assert resend(session, letter.id, user=add_user(session, "a", Role.ANALYST), now=at(1)) is None
        again = session.get_one(Delivery, letter.id)
        assert (again.state, again.created_at) == ("due", at(1))


# --- the words -------------------------------------------------------------------------------------------


def agenda(lines: list[tuple[float, str]], open_: int | None = None) -> Agenda:
    """`lines`: hours left and the unit's name."""
    return Agenda(
        at=NOW,
        open=len(lines) if open_ is None else open_,
        late=sum(hours < 0 for hours, _unit in lines),
        lines=[
            AgendaLine(
                kind=DutyKind.DAILY, disease="Sởi", unit_name=unit, due_at=NOW + timedelta(hours=hours)
            )
            for hours, unit in lines
        ],
        timezone=ZoneInfo("Asia/Ho_Chi_Minh"),
    )


def test_the_message_counts_lists_the_most_pressing_and_says_how_many_more() -> None:
    found = compose_agenda(agenda([(-8, "Xã A"), (5, "Xã B")], open_=9), "vi", URL)
    assert found.subject == "Việc theo luật hôm nay: 1 việc quá hạn, 8 việc còn hạn"
    assert "Quá hạn 8 giờ: Báo cáo ổ dịch trong ngày, Sởi, Xã A (hạn chót 00:00 15/07)." in found.text
    assert "Còn 5 giờ" in found.text and "… và 7 việc nữa." in found.text
    assert found.sms == f"Canh Dich: 9 viec theo luat chua lam, 1 qua han. {URL}/duties"
    english = compose_agenda(agenda([(-8, "Xã A")]), "en", URL)
    assert english.subject == "Legal duties today: 1 overdue"


@given(
    st.lists(
        st.tuples(st.floats(-9999, 9999), st.text("ăâđêôơưÁẠ bcd", min_size=1, max_size=60)), max_size=12
    ),
    st.integers(12, 99_999),
    st.sampled_from(["vi", "en"]),
)
def test_a_text_message_is_one_part_and_a_chat_message_within_bounds(
    lines: list[tuple[float, str]], open_: int, locale: str
) -> None:
    found = compose_agenda(agenda(lines, open_=open_), locale, URL)
    assert len(found.sms) <= 160 and found.sms.isascii()
    assert len(found.chat) <= 2000
