"""Zalo OA against a server that checks what Zalo documents: tokens that renew once, errors inside a 200."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from accounts.choices import WantedMessages, choose
from accounts.models import User
from alerts.channels import ZALO, Envelope, OutgoingMessage, TransportError
from alerts.channels.zalo import ACCOUNT, NEVER, ZaloAccount, ZaloChannel, parse_zalo
from alerts.delivery import deliver_due, stored_error
from alerts.models import ChannelSecret, Delivery, DeliveryReceipt
from db import session_scope
from settings import SettingsError
from surveillance.privacy import Vault
from tests.alerting import NOW, epidemic, run
from tests.providers import Zalo, serving
from tests.test_delivery import LETTERHEAD, unit_id

__all__ = ["unit_id"]
"""Fixtures."""

VAULT = Vault.of(b"\x07" * 32)
USER = "2512523625412515"


@pytest.fixture
def zalo(engine: Engine) -> Iterator[Zalo]:
    with serving(Zalo()) as server:
        assert isinstance(server, Zalo)
        yield server
    with session_scope(engine) as session:
        session.execute(text("DELETE FROM channel_secret"))


def channel(
    engine: Engine, server: Zalo, refresh_token: str = "refresh-0", vault: Vault = VAULT
) -> ZaloChannel:
    account = ZaloAccount(
        url=server.url,
        oauth_url=server.url,
        app_id=server.app_id,
        secret=server.secret,
        refresh_token=refresh_token,
    )
    return ZaloChannel(account, engine, vault)


def envelope(recipient: str = USER, chat: str = "■ Rất cao: Sởi — Phường A") -> Envelope:
    message = OutgoingMessage(subject="", text="", html="", chat=chat)
    return Envelope(recipient=recipient, message_id="1", locale="vi", message=message)


def refused(channel: ZaloChannel) -> TransportError:
    with pytest.raises(TransportError) as error:
        channel.send(envelope())
    return error.value


# The message


def test_the_officer_reads_level_place_and_one_link(engine: Engine, unit_id: int, zalo: Zalo) -> None:
    with session_scope(engine) as session:
        user = session.scalars(select(User).where(User.username == "station")).one()
        wanted = WantedMessages(channel=ZALO, address=USER, at_once_from=4, digest=False)
        choose(session, user, wanted, NOW)
        run(session, epidemic(unit_id))
    deliver_due(engine, {ZALO: channel(engine, zalo)}, NOW, letterhead=LETTERHEAD)

    (message,) = zalo.taken
    with Session(engine) as session:
        receipt = session.scalars(select(DeliveryReceipt)).one()
    assert message["user_id"] == USER
    assert message["text"].startswith("■ Rất cao: Sốt xuất huyết Dengue — Phường Sài Gòn")
    assert message["text"].count("https://") == 1
    assert receipt.provider_id == "m1"


# Tokens


def test_one_access_token_serves_many_messages_and_many_processes(engine: Engine, zalo: Zalo) -> None:
    for _ in range(3):
        channel(engine, zalo).send(envelope())

    assert (len(zalo.taken), zalo.renewals) == (3, 1)


def test_a_token_that_zalo_forgot_is_renewed_with_the_newest_refresh_token(
    engine: Engine, zalo: Zalo
) -> None:
    sending = channel(engine, zalo)
    sending.send(envelope())
    zalo.access_token = "revoked by Zalo"
    sending.send(envelope())

    assert (len(zalo.taken), zalo.renewals, zalo.refresh_token) == (2, 2, "refresh-2")


def test_many_at_once_renew_once_since_a_refresh_token_works_once(engine: Engine, zalo: Zalo) -> None:
    ready = threading.Barrier(4)
    errors: list[BaseException] = []

    def work() -> None:
        ready.wait()
        try:
            channel(engine, zalo).send(envelope())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert (len(zalo.taken), zalo.renewals) == (4, 1)


def test_a_new_token_in_the_settings_begins_anew(engine: Engine, zalo: Zalo) -> None:
    channel(engine, zalo).send(envelope())
    zalo.refresh_token, zalo.access_token = "authorised again", "other"

    assert refused(channel(engine, zalo)).channel_down
    channel(engine, zalo, "authorised again").send(envelope())
    assert len(zalo.taken) == 2


def test_with_another_key_the_setting_counts_again(engine: Engine, zalo: Zalo) -> None:
    channel(engine, zalo).send(envelope())
    zalo.refresh_token = "refresh-0"
    channel(engine, zalo, vault=Vault.of(b"\x08" * 32)).send(envelope())

    assert len(zalo.taken) == 2


def test_a_refused_renewal_says_what_to_do_and_kills_no_message(engine: Engine, zalo: Zalo) -> None:
    error = refused(channel(engine, zalo, "used-up-token"))

    assert (error.permanent, error.channel_down) == (False, True)
    assert "-14014" in str(error) and "CANHDICH_ZALO_REFRESH_TOKEN" in str(error)
    assert "used-up-token" not in str(error)


def test_tokens_are_kept_encrypted(engine: Engine, zalo: Zalo) -> None:
    channel(engine, zalo).send(envelope())

    with Session(engine) as session:
        content = session.scalars(select(ChannelSecret.content)).one()
    assert b"access-1" not in content and b"refresh-1" not in content
    assert VAULT.decrypt(content)["access_token"] == "access-1"


# Errors inside a 200


@pytest.mark.parametrize("error", sorted(NEVER))
def test_what_concerns_this_person_is_given_up(engine: Engine, zalo: Zalo, error: int) -> None:
    zalo.errors[USER] = (error, "because")
    failure = refused(channel(engine, zalo))

    assert (failure.permanent, failure.channel_down) == (True, False)
    assert str(error) in str(failure) and "because" in str(failure)


@pytest.mark.parametrize("error", sorted(ACCOUNT))
def test_what_concerns_the_account_stops_the_round_and_kills_nothing(
    engine: Engine, zalo: Zalo, error: int
) -> None:
    zalo.errors[USER] = (error, "because")
    failure = refused(channel(engine, zalo))

    assert (failure.permanent, failure.channel_down) == (False, True)


@pytest.mark.parametrize("error", [-200, -218, -234, -999])
def test_anything_else_is_tried_again(engine: Engine, zalo: Zalo, error: int) -> None:
    zalo.errors[USER] = (error, "because")
    failure = refused(channel(engine, zalo))

    assert (failure.permanent, failure.channel_down) == (False, False)


def test_who_did_not_write_for_a_week_is_visible_among_the_given_up(
    engine: Engine, unit_id: int, zalo: Zalo
) -> None:
    zalo.errors[USER] = (-230, "User has not interacted with the OA in the past 7 days")
    with session_scope(engine) as session:
        user = session.scalars(select(User).where(User.username == "station")).one()
        wanted = WantedMessages(channel=ZALO, address=USER, at_once_from=2, digest=False)
        choose(session, user, wanted, NOW)
        run(session, epidemic(unit_id))
    report = deliver_due(engine, {ZALO: channel(engine, zalo)}, NOW, letterhead=LETTERHEAD)

    with Session(engine) as session:
        delivery = session.scalars(select(Delivery).where(Delivery.channel == ZALO)).one()
        assert (report.dead, delivery.state) == (1, "dead")
        assert "-230" in str(stored_error(delivery))


@pytest.mark.parametrize("reply", [(500, {}), (200, {}), (200, {"error": "no"})])
def test_an_answer_that_is_none_is_the_channels_fault(
    engine: Engine, zalo: Zalo, reply: tuple[int, dict[str, object]]
) -> None:
    channel(engine, zalo).send(envelope())
    zalo.next_replies = [reply]

    assert refused(channel(engine, zalo)).channel_down


# Settings

GOOD = {
    "CANHDICH_ZALO_APP_ID": "1234567890",
    "CANHDICH_ZALO_SECRET": "s3cret",
    "CANHDICH_ZALO_REFRESH_TOKEN": "r3fresh",
}


def test_the_account_and_its_hosts() -> None:
    account = parse_zalo(GOOD)

    assert account
    assert (account.url, account.oauth_url) == ("https://openapi.zalo.me", "https://oauth.zaloapp.com")
    assert "s3cret" not in repr(account) and "r3fresh" not in repr(account)
    assert parse_zalo({}) is None


@pytest.mark.parametrize(
    "change",
    [
        {"CANHDICH_ZALO_URL": "https://zalo.example.org"},
        {"CANHDICH_ZALO_OAUTH_URL": "https://openapi.zalo.me.example.org"},
        {"CANHDICH_ZALO_APP_ID": "my app"},
        {"CANHDICH_ZALO_TOKEN": "x"},
    ],
)
def test_what_cannot_be_is_refused_at_start(change: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as error:
        parse_zalo({**GOOD, **change})

    assert "s3cret" not in str(error.value) and "r3fresh" not in str(error.value)
