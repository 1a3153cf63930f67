"""The outbox against a real mail server: each message once, nothing lost, failures visible."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from accounts.models import Role, User, UserArea
from alerts.channels import EMAIL, Channel, Envelope, OutgoingMessage, TransportError
from alerts.channels.email import EmailChannel, as_email, parse_smtp_url
from alerts.delivery import (
    MAX_ATTEMPTS,
    CannotResend,
    DeliveryReport,
    Letterhead,
    deliver_due,
    resend,
    stored_error,
    wait_minutes,
)  # fmt: skip
from alerts.models import Alert, Delivery
from db import session_scope
from geodata.models import AdminUnit
from settings import SettingsError
from tests.alerting import NOW, add_unit, add_user, epidemic, run
from tests.mail import Mailbox, MailServer

LETTERHEAD = Letterhead(public_url="https://canhdich.example.org", timezone=ZoneInfo("Asia/Ho_Chi_Minh"))
MAIL_FROM = "canh-dich@example.org"


@pytest.fixture
def server() -> Iterator[MailServer]:
    server = MailServer(Mailbox())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def unit_id(engine: Engine) -> Iterator[int]:
    """A committed ward with a station officer, an analyst and a manager, and an officer of the next ward."""
    with session_scope(engine) as session:
        city = add_unit(session, "79", "Thành phố Hồ Chí Minh")
        ward = add_unit(session, "26740", "Phường Sài Gòn", city)
        add_user(session, "station", Role.OFFICER, ward)
        add_user(session, "neighbour", Role.OFFICER, add_unit(session, "26737", "Phường Tân Định", city))
        add_user(session, "analyst", Role.ANALYST)
        add_user(session, "manager", Role.MANAGER)
        unit_id = ward.id
    yield unit_id
    with session_scope(engine) as session:
        session.execute(
            text("TRUNCATE delivery, alert_event, alert, area_level, user_area, app_user, admin_unit CASCADE")
        )


@pytest.fixture
def alerted(engine: Engine, unit_id: int) -> int:
    """The ward, with an epidemic just found and its messages in the outbox."""
    with session_scope(engine) as session:
        run(session, epidemic(unit_id))
    return unit_id


def deliver(engine: Engine, channel: Channel, *, minutes: float = 0) -> DeliveryReport:
    return deliver_due(engine, {EMAIL: channel}, NOW + timedelta(minutes=minutes), letterhead=LETTERHEAD)


def email_row(engine: Engine) -> Delivery:
    with Session(engine, expire_on_commit=False) as session:
        return session.scalars(select(Delivery).where(Delivery.channel == EMAIL)).one()


# Once


def test_the_officer_of_the_area_and_nobody_else_gets_one_mail(
    engine: Engine, alerted: int, server: MailServer
) -> None:
    report = deliver(engine, EmailChannel(server.url, MAIL_FROM))

    assert report == DeliveryReport(sent=1, retry=0, dead=0, waiting=0)
    assert [mail["To"] for mail in server.mailbox.taken] == ["station@example.org"]
    assert email_row(engine).state == "sent"


def test_reconciling_and_delivering_again_sends_nothing(
    engine: Engine, alerted: int, server: MailServer
) -> None:
    channel = EmailChannel(server.url, MAIL_FROM)
    deliver(engine, channel)
    with session_scope(engine) as session:
        run(session, epidemic(alerted), days=0.1)
    report = deliver(engine, channel, minutes=300)

    assert report.sent == 0
    assert len(server.mailbox.taken) == 1


def test_in_the_application_it_is_there_as_soon_as_the_alert_is(engine: Engine, alerted: int) -> None:
    with Session(engine) as session:
        rows = session.execute(
            select(User.username, Delivery.state)
            .join(User, User.id == Delivery.user_id)
            .where(Delivery.channel == "in_app")
            .order_by(User.username)
        ).all()

    assert [tuple(row) for row in rows] == [("analyst", "sent"), ("station", "sent")]


class Killed(BaseException):
    """The process dies here."""


class DiesAfterSending:
    """The mail is out, and the process ends before it can write that down."""

    def __init__(self, channel: EmailChannel) -> None:
        self.channel = channel

    def unavailable(self) -> None:
        return None

    def send(self, envelope: Envelope) -> None:
        self.channel.send(envelope)
        raise Killed


def test_a_crash_between_sending_and_marking_sends_again_under_the_same_message_id(
    engine: Engine, alerted: int, server: MailServer
) -> None:
    channel = EmailChannel(server.url, MAIL_FROM)
    with pytest.raises(Killed):
        deliver(engine, DiesAfterSending(channel))
    assert email_row(engine).state == "due"

    deliver(engine, channel, minutes=1)
    first, second = server.mailbox.taken
    assert first["Message-ID"] == second["Message-ID"]
    assert email_row(engine).state == "sent"


def test_two_processes_at_once_send_each_message_once(
    engine: Engine, unit_id: int, server: MailServer
) -> None:
    with session_scope(engine) as session:
        for n in range(20):
            user = add_user(session, f"officer{n}", Role.OFFICER)
            session.add(UserArea(user_id=user.id, unit_id=unit_id))
        run(session, epidemic(unit_id))
    ready = threading.Barrier(2)
    reports: list[DeliveryReport] = []

    def work() -> None:
        ready.wait()
        reports.append(deliver(engine, EmailChannel(server.url, MAIL_FROM)))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    recipients = sorted(mail["To"] for mail in server.mailbox.taken)
    assert len(recipients) == len(set(recipients)) == 21
    assert sum(report.sent for report in reports) == 21


# Failures


def test_a_temporary_refusal_is_tried_again_later(engine: Engine, alerted: int, server: MailServer) -> None:
    channel = EmailChannel(server.url, MAIL_FROM)
    server.mailbox.refusals = ["451 try later"]

    assert deliver(engine, channel).retry == 1
    assert deliver(engine, channel, minutes=0.5).retry == 0
    assert "451" in str(stored_error(email_row(engine)))
    assert deliver(engine, channel, minutes=1).sent == 1
    row = email_row(engine)
    assert (row.state, row.attempts, row.error) == ("sent", 2, None)


def test_a_permanent_refusal_is_given_up_at_once_and_can_be_sent_again(
    engine: Engine, alerted: int, server: MailServer
) -> None:
    channel = EmailChannel(server.url, MAIL_FROM)
    server.mailbox.refusals = ["550 no such user"]

    assert deliver(engine, channel).dead == 1
    assert "no such user" in str(stored_error(email_row(engine)))
    with session_scope(engine) as session:
        resend(session, email_row(engine).id, NOW + timedelta(hours=1))
    assert deliver(engine, channel, minutes=60).sent == 1


def test_what_was_sent_is_not_sent_again(engine: Engine, alerted: int, server: MailServer) -> None:
    deliver(engine, EmailChannel(server.url, MAIL_FROM))

    with pytest.raises(CannotResend), session_scope(engine) as session:
        resend(session, email_row(engine).id, NOW)


def test_waits_double_up_to_an_hour_and_cover_a_night() -> None:
    waits = [wait_minutes(n) for n in range(1, MAX_ATTEMPTS)]

    assert waits[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert sum(waits) > 12 * 60


def test_after_the_last_attempt_it_is_given_up_visibly(engine: Engine, alerted: int) -> None:
    with session_scope(engine) as session:
        session.scalars(select(Delivery).where(Delivery.channel == EMAIL)).one().attempts = MAX_ATTEMPTS - 1

    assert deliver(engine, EmailChannel("smtp://127.0.0.1:9", MAIL_FROM)).dead == 1
    assert stored_error(email_row(engine)) is not None


def test_a_server_that_is_down_is_asked_once_a_round(engine: Engine, unit_id: int) -> None:
    with session_scope(engine) as session:
        second = add_user(session, "second", Role.OFFICER)
        session.add(UserArea(user_id=second.id, unit_id=unit_id))
        run(session, epidemic(unit_id))

    assert deliver(engine, EmailChannel("smtp://127.0.0.1:9", MAIL_FROM)).retry == 1


def test_without_a_mail_server_messages_wait_and_say_why(
    engine: Engine, alerted: int, server: MailServer
) -> None:
    report = deliver(engine, EmailChannel(None, MAIL_FROM))

    row = email_row(engine)
    assert report == DeliveryReport(sent=0, retry=0, dead=0, waiting=1)
    assert (row.state, row.attempts) == ("due", 0)
    assert "CANHDICH_SMTP_URL" in str(stored_error(row))
    assert deliver(engine, EmailChannel(server.url, MAIL_FROM), minutes=600).sent == 1


def test_who_lost_the_area_before_the_mail_went_out_is_not_told(
    engine: Engine, alerted: int, server: MailServer
) -> None:
    with session_scope(engine) as session:
        session.execute(text("DELETE FROM user_area"))

    assert deliver(engine, EmailChannel(server.url, MAIL_FROM)).dead == 1
    assert server.mailbox.taken == []


def test_one_broken_message_does_not_hold_up_the_others(
    engine: Engine, alerted: int, server: MailServer
) -> None:
    with session_scope(engine) as session:
        session.execute(text('UPDATE alert_event SET message = \'{"msgid": "x", "values": {}}\''))
        next_ward = session.scalars(select(AdminUnit.id).where(AdminUnit.code == "26737")).one()
        run(session, [*epidemic(alerted), *epidemic(next_ward)], days=0.1)

    report = deliver(engine, EmailChannel(server.url, MAIL_FROM), minutes=300)
    assert (report.retry, report.sent) == (1, 1)
    assert [mail["To"] for mail in server.mailbox.taken] == ["neighbour@example.org"]


# The mail itself


def test_the_mail_says_where_what_and_why_in_both_forms(
    engine: Engine, alerted: int, server: MailServer
) -> None:
    deliver(engine, EmailChannel(server.url, "Canh Dịch <canh-dich@example.org>"))

    (mail,) = server.mailbox.taken
    with Session(engine) as session:
        alert_id = session.scalars(select(Alert.id)).one()
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None and html is not None
    assert mail["Subject"] == "■ Rất cao: Sốt xuất huyết Dengue — Phường Sài Gòn (có dịch)"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@example.org>")
    assert "hạn chót 08:00 16/07" in plain.get_content()
    for body in (plain.get_content(), html.get_content()):
        assert f"https://canhdich.example.org/alerts/{alert_id}" in body
        assert "40 ca, ngưỡng 25" in body


def test_each_person_reads_their_own_language(engine: Engine, unit_id: int, server: MailServer) -> None:
    with session_scope(engine) as session:
        user = add_user(session, "english", Role.OFFICER, locale="en")
        session.add(UserArea(user_id=user.id, unit_id=unit_id))
        run(session, epidemic(unit_id))
    deliver(engine, EmailChannel(server.url, MAIL_FROM))

    by = {mail["To"]: mail for mail in server.mailbox.taken}
    assert by["english@example.org"]["Content-Language"] == "en"
    assert "Dengue — Phường Sài Gòn" in by["english@example.org"]["Subject"]
    assert "Sốt xuất huyết" in by["station@example.org"]["Subject"]


ENVELOPE = Envelope(
    recipient="station@example.org",
    message_id="1.2.email.3",
    locale="vi",
    message=OutgoingMessage(subject="Tiêu đề", text="Nội dung", html="<p>Nội dung</p>"),
)


def test_a_password_is_used_and_a_wrong_one_is_the_channels_fault() -> None:
    def check(*args: object) -> AuthResult:
        given = args[-1]
        assert isinstance(given, LoginPassword)
        return AuthResult(success=given == LoginPassword(b"ann", b"p@ss"))

    server = MailServer(Mailbox(), authenticator=check, auth_required=True, auth_require_tls=False)
    server.start()
    try:
        EmailChannel(f"smtp://ann:p%40ss@127.0.0.1:{server.port}", MAIL_FROM).send(ENVELOPE)
        with pytest.raises(TransportError) as error:
            EmailChannel(f"smtp://ann:wrong@127.0.0.1:{server.port}", MAIL_FROM).send(ENVELOPE)
    finally:
        server.stop()

    assert len(server.mailbox.taken) == 1
    assert (error.value.permanent, error.value.channel_down) == (False, True)
    assert "wrong" not in str(error.value)


def test_starttls_is_never_silently_skipped(server: MailServer) -> None:
    with pytest.raises(TransportError) as error:
        EmailChannel(f"{server.url}?starttls=1", MAIL_FROM).send(ENVELOPE)

    assert error.value.channel_down
    assert server.mailbox.taken == []


@pytest.mark.parametrize("address", ["", "no-at-sign", "a@b\r\nBcc: c@d.org", "trạm@example.org"])
def test_an_address_that_is_none_is_refused_for_good(address: str) -> None:
    envelope = Envelope(recipient=address, message_id="1", locale="vi", message=ENVELOPE.message)
    with pytest.raises(TransportError) as error:
        as_email(envelope, MAIL_FROM, datetime(2026, 7, 15, tzinfo=UTC))

    assert error.value.permanent


@pytest.mark.parametrize(
    ("url", "host", "port", "security"),
    [
        ("smtp://mail.example.org", "mail.example.org", 25, "plain"),
        ("smtp://mail.example.org?starttls=1", "mail.example.org", 587, "starttls"),
        ("smtps://u:p@mail.example.org", "mail.example.org", 465, "tls"),
        ("smtp://localhost:1025", "localhost", 1025, "plain"),
    ],
)
def test_the_address_of_the_mail_server(url: str, host: str, port: int, security: str) -> None:
    server = parse_smtp_url(url)

    assert (server.host, server.port, server.security) == (host, port, security)


@pytest.mark.parametrize(
    "url", ["mail.example.org:25", "http://x", "smtp://", "smtp://u:secret@h:port", "smtp://h?tls=1"]
)
def test_a_wrong_address_says_how_to_write_it_and_keeps_the_password(url: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse_smtp_url(url)

    assert "smtp://" in str(error.value)
    assert "secret" not in str(error.value)
