"""Telegram against a server that checks what the Bot API documents: once, escaped, and failures sorted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from accounts.choices import WantedMessages, choose
from accounts.models import User
from alerts.channels import TELEGRAM, Envelope, OutgoingMessage, TransportError
from alerts.channels.telegram import TelegramBot, TelegramChannel, as_html, parse_telegram
from alerts.delivery import DeliveryReport, deliver_due, resend, stored_error
from alerts.models import Alert, Delivery, DeliveryReceipt
from db import session_scope
from settings import SettingsError
from tests.alerting import NOW, epidemic, run
from tests.providers import TELEGRAM_TOKEN, Telegram, serving, shown_by_telegram, too_many_requests
from tests.test_delivery import LETTERHEAD, unit_id

__all__ = ["unit_id"]
"""Fixtures."""

CHAT = "987654321"


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    with serving(Telegram()) as server:
        assert isinstance(server, Telegram)
        yield server


@pytest.fixture
def alerted(engine: Engine, unit_id: int) -> int:
    """The ward's officer wants Telegram; an epidemic was just found."""
    want(engine, "station")
    with session_scope(engine) as session:
        run(session, epidemic(unit_id))
    return unit_id


def want(engine: Engine, username: str, address: str = CHAT) -> None:
    with session_scope(engine) as session:
        user = session.scalars(select(User).where(User.username == username)).one()
        choose(
            session,
            user,
            WantedMessages(channel=TELEGRAM, address=address, at_once_from=2, digest=False),
            NOW,
        )


def channel(server: Telegram) -> TelegramChannel:
    return TelegramChannel(TelegramBot(url=server.url, token=TELEGRAM_TOKEN))


def deliver(engine: Engine, server: Telegram, *, seconds: float = 0) -> DeliveryReport:
    return deliver_due(
        engine, {TELEGRAM: channel(server)}, NOW + timedelta(seconds=seconds), letterhead=LETTERHEAD
    )


def row(engine: Engine) -> Delivery:
    with Session(engine, expire_on_commit=False) as session:
        return session.scalars(select(Delivery).where(Delivery.channel == TELEGRAM)).one()


def envelope(text: str, recipient: str = CHAT) -> Envelope:
    message = OutgoingMessage(subject="", text="", html="", chat=text)
    return Envelope(recipient=recipient, message_id="1", locale="vi", message=message)


# The message


def test_the_officer_reads_level_place_duty_and_one_link(
    engine: Engine, alerted: int, telegram: Telegram
) -> None:
    assert deliver(engine, telegram) == DeliveryReport(sent=1, retry=0, dead=0, waiting=0)

    (message,) = telegram.taken
    with Session(engine) as session:
        alert_id = session.scalars(select(Alert.id)).one()
    assert message["chat_id"] == int(CHAT)
    assert message["shown"].startswith("■ Rất cao: Sốt xuất huyết Dengue — Phường Sài Gòn (có dịch)\n")
    assert "hạn chót 08:00 16/07" in message["shown"]
    assert message["shown"].count("https://") == 1
    assert message["shown"].endswith(f"https://canhdich.example.org/alerts/{alert_id}")
    assert message["link_preview_options"] == {"is_disabled": True}


def test_the_id_that_telegram_gave_is_kept(engine: Engine, alerted: int, telegram: Telegram) -> None:
    deliver(engine, telegram)

    with Session(engine) as session:
        receipt = session.scalars(select(DeliveryReceipt)).one()
    assert (receipt.delivery_id, receipt.kind, receipt.provider_id) == (row(engine).id, "accepted", "1")


@given(st.text(max_size=9000))
def test_any_text_arrives_readable_and_within_the_bound(text: str) -> None:
    shown = shown_by_telegram(as_html(text))

    assert shown is not None
    assert len(as_html(text)) <= 4096
    assert text.startswith(shown) or f"{text}\n".startswith(shown)


@given(st.text(alphabet="<>&;abé\n", max_size=300))
def test_nothing_short_is_lost_to_escaping(text: str) -> None:
    head, _, rest = text.partition("\n")

    assert shown_by_telegram(as_html(text)) == f"{head}\n{rest}".rstrip("\n")


# Failures


def test_who_blocked_the_bot_is_given_up_at_once_and_can_be_told_again(
    engine: Engine, alerted: int, telegram: Telegram
) -> None:
    telegram.blocked = frozenset({int(CHAT)})

    assert deliver(engine, telegram).dead == 1
    assert "bot was blocked by the user" in str(stored_error(row(engine)))
    telegram.blocked = frozenset()
    with session_scope(engine) as session:
        resend(session, row(engine).id, NOW)
    assert deliver(engine, telegram).sent == 1


def test_a_chat_that_is_none_is_given_up(engine: Engine, alerted: int, telegram: Telegram) -> None:
    telegram.strangers = frozenset({int(CHAT)})

    assert deliver(engine, telegram).dead == 1


def test_too_many_requests_leave_the_whole_channel_alone_for_as_long_as_asked(
    engine: Engine, unit_id: int, telegram: Telegram
) -> None:
    want(engine, "station")
    want(engine, "analyst", "555555")
    with session_scope(engine) as session:
        run(session, epidemic(unit_id))
    telegram.next_replies = [too_many_requests(34)]

    assert deliver(engine, telegram).retry == 1
    assert deliver(engine, telegram, seconds=33).sent == 0
    assert len(telegram.requests) == 1
    assert deliver(engine, telegram, seconds=34).sent == 1
    assert deliver(engine, telegram, seconds=61).sent == 1
    assert sorted(message["chat_id"] for message in telegram.taken) == [555555, int(CHAT)]


@pytest.mark.parametrize("status", [500, 502])
def test_a_server_in_trouble_is_the_channels_fault(status: int, telegram: Telegram) -> None:
    telegram.next_replies = [(status, {})]
    with pytest.raises(TransportError) as error:
        channel(telegram).send(envelope("a"))

    assert (error.value.permanent, error.value.channel_down) == (False, True)


def test_a_wrong_token_kills_no_message_and_is_never_shown(
    telegram: Telegram, caplog: pytest.LogCaptureFixture
) -> None:
    bot = TelegramBot(url=telegram.url, token="999999999:" + "B" * 35)
    with caplog.at_level(logging.DEBUG), pytest.raises(TransportError) as error:
        TelegramChannel(bot).send(envelope("a"))

    assert (error.value.permanent, error.value.channel_down) == (False, True)
    assert "BBB" not in f"{error.value} {error.value.message.to_json()} {bot!r} {caplog.text}"


def test_nobody_answers() -> None:
    with pytest.raises(TransportError) as error:
        TelegramChannel(TelegramBot(url="http://127.0.0.1:9", token=TELEGRAM_TOKEN)).send(envelope("a"))

    assert error.value.channel_down
    assert TELEGRAM_TOKEN not in str(error.value)


# Settings


def test_without_a_token_messages_wait_and_say_so(engine: Engine, alerted: int) -> None:
    report = deliver_due(engine, {TELEGRAM: TelegramChannel(None)}, NOW, letterhead=LETTERHEAD)

    assert report == DeliveryReport(sent=0, retry=0, dead=0, waiting=1)
    assert "CANHDICH_TELEGRAM_TOKEN" in str(stored_error(row(engine)))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.telegram.org.evil.example",
        "https://evil.example",
        "http://api.telegram.org",
        "https://user@api.telegram.org",
        "ftp://127.0.0.1",
        "https://",
        "https://[::1",
    ],
)
def test_another_host_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="CANHDICH_TELEGRAM_URL"):
        parse_telegram({"CANHDICH_TELEGRAM_TOKEN": TELEGRAM_TOKEN, "CANHDICH_TELEGRAM_URL": url})


def test_the_official_host_and_this_machine_are_taken() -> None:
    official = parse_telegram({"CANHDICH_TELEGRAM_TOKEN": TELEGRAM_TOKEN})
    local = parse_telegram(
        {"CANHDICH_TELEGRAM_TOKEN": TELEGRAM_TOKEN, "CANHDICH_TELEGRAM_URL": "http://127.0.0.1:8081/"}
    )

    assert official and official.url == "https://api.telegram.org"
    assert local and local.url == "http://127.0.0.1:8081"
    assert parse_telegram({}) is None


def test_a_wrong_token_or_name_is_told_without_the_secret() -> None:
    with pytest.raises(SettingsError) as error:
        parse_telegram({"CANHDICH_TELEGRAM_TOKEN": "my-secret"})
    with pytest.raises(SettingsError, match="CANHDICH_TELEGRAM_TOKE"):
        parse_telegram({"CANHDICH_TELEGRAM_TOKE": TELEGRAM_TOKEN})

    assert "my-secret" not in str(error.value)
