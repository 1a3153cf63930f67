"""SMS by a gateway like those of the country: its fields are settings, 200 says little, a second copy is dropped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from accounts.choices import WantedMessages, choose
from accounts.models import User
from alerts.channels import SMS, Envelope, OutgoingMessage, TransportError
from alerts.channels.outlets import connected
from alerts.channels.sms import SmsChannel, filled, parse_reports, parse_sms
from alerts.delivery import deliver_due, stored_error
from alerts.models import Delivery, DeliveryReceipt
from db import session_scope
from settings import Settings, SettingsError
from tests.alerting import NOW, epidemic, run
from tests.providers import Gateway, serving
from tests.test_delivery import LETTERHEAD, Killed, unit_id

__all__ = ["unit_id"]
"""Fixtures."""

BODY = '{"ApiKey": "s3cret", "Phone": "{to}", "Content": "{text}", "RequestId": "{id}"}'
ENVELOPE = Envelope(
    recipient="84901234567",
    message_id="1.2.sms.3",
    locale="vi",
    message=OutgoingMessage(subject="", text="", html="", sms='Canh Dich: "CAO" & {to}'),
)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with serving(Gateway()) as server:
        assert isinstance(server, Gateway)
        yield server


def channel(server: Gateway, **more: str) -> SmsChannel:
    env = {"URL": f"{server.url}/send", "BODY": BODY, "OK": "CodeResult=100", "ID": "SMSID", **more}
    return SmsChannel(parse_sms({f"CANHDICH_SMS_{name}": value for name, value in env.items()}))


@pytest.fixture
def alerted(engine: Engine, unit_id: int) -> int:
    """The ward's officer wants text messages; an epidemic was just found."""
    with session_scope(engine) as session:
        user = session.scalars(select(User).where(User.username == "station")).one()
        wanted = WantedMessages(channel=SMS, address="090 123 4567", at_once_from=3, digest=False)
        choose(session, user, wanted, NOW)
        run(session, epidemic(unit_id))
    return unit_id


def row(engine: Engine) -> Delivery:
    with Session(engine, expire_on_commit=False) as session:
        return session.scalars(select(Delivery).where(Delivery.channel == SMS)).one()


# The message


def test_the_officer_gets_one_short_message(engine: Engine, alerted: int, gateway: Gateway) -> None:
    deliver_due(engine, {SMS: channel(gateway)}, NOW, letterhead=LETTERHEAD)

    (sms,) = gateway.taken
    with Session(engine) as session:
        receipt = session.scalars(select(DeliveryReceipt)).one()
    assert sms["Phone"] == "84901234567"
    assert sms["Content"].startswith(
        "Canh Dich: RAT CAO, Sot xuat huyet Dengue, P. Sai Gon. co dich. Thong bao truoc 08:00 16/07. https://"
    )
    assert len(sms["Content"]) <= 160
    assert (receipt.kind, receipt.provider_id) == ("accepted", "sms-1")


class DiesAfterSending(SmsChannel):
    def send(self, envelope: Envelope) -> str | None:
        super().send(envelope)
        raise Killed


def test_a_crash_after_sending_sends_again_under_the_same_id_which_the_gateway_drops(
    engine: Engine, alerted: int, gateway: Gateway
) -> None:
    dying = DiesAfterSending(channel(gateway)._gateway)
    with pytest.raises(Killed):
        deliver_due(engine, {SMS: dying}, NOW, letterhead=LETTERHEAD)
    later = NOW + timedelta(minutes=1)
    assert deliver_due(engine, {SMS: channel(gateway)}, later, letterhead=LETTERHEAD).sent == 1

    assert len(gateway.requests) == 2
    assert len(gateway.taken) == 1


def test_a_form_serves_as_well_as_json(gateway: Gateway) -> None:
    channel(gateway, BODY="Phone={to}&Content={text}&RequestId={id}").send(ENVELOPE)

    assert gateway.taken == [
        {"Phone": "84901234567", "Content": 'Canh Dich: "CAO" & {to}', "RequestId": "1.2.sms.3"}
    ]


@given(st.text(), st.text(min_size=1))
def test_no_text_breaks_the_body(text: str, number: str) -> None:
    blanks = {"{to}": number, "{text}": text, "{id}": "1"}
    as_json, _ = filled(BODY, blanks)
    assert json.loads(as_json) == {"ApiKey": "s3cret", "Phone": number, "Content": text, "RequestId": "1"}
    if not any("\ud800" <= letter <= "\udfff" for letter in text + number):
        as_form, _ = filled("to={to}&text={text}", blanks)
        assert parse_qs(as_form.decode(), keep_blank_values=True) == {"to": [number], "text": [text]}


def test_headers_are_sent(gateway: Gateway) -> None:
    channel(gateway, HEADERS="Authorization: Bearer s3cret; X-Brand: HCDC").send(ENVELOPE)

    headers = gateway.requests[0].headers
    assert (headers["authorization"], headers["x-brand"]) == ("Bearer s3cret", "HCDC")


# Failures


def test_a_200_that_means_no_is_tried_again_and_says_what_the_gateway_said(
    engine: Engine, alerted: int, gateway: Gateway
) -> None:
    gateway.code = "103"
    report = deliver_due(engine, {SMS: channel(gateway)}, NOW, letterhead=LETTERHEAD)

    assert (report.retry, report.dead) == (1, 0)
    assert "CodeResult = 103" in str(stored_error(row(engine)))


def test_words_that_mean_never_give_it_up(engine: Engine, alerted: int, gateway: Gateway) -> None:
    gateway.code = "99"
    sending = channel(gateway, NEVER="CodeResult=99,108")

    assert deliver_due(engine, {SMS: sending}, NOW, letterhead=LETTERHEAD).dead == 1


@pytest.mark.parametrize("status", [301, 401, 403, 429, 500])
def test_a_refusing_server_kills_no_message_and_no_redirect_is_followed(
    gateway: Gateway, status: int
) -> None:
    gateway.next_replies = [(status, {"ApiKey": "s3cret"})]
    with pytest.raises(TransportError) as error:
        channel(gateway).send(ENVELOPE)

    assert not error.value.permanent
    assert "s3cret" not in str(error.value) and "84901234567" not in str(error.value)
    assert len(gateway.requests) == 1


# Settings


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"URL": "http://gateway.example.org/send"}, "CANHDICH_SMS_URL"),
        ({"URL": "https://s3cret@gateway.example.org"}, "CANHDICH_SMS_URL"),
        ({"BODY": '{"Phone": "{to}", "s3cret": 1}'}, "CANHDICH_SMS_BODY"),
        ({"BODY": '{"Phone": "{to}", "Content": "{text}", s3cret'}, "CANHDICH_SMS_BODY"),
        ({"OK": "100"}, "CANHDICH_SMS_OK"),
        ({"HEADERS": "s3cret"}, "CANHDICH_SMS_HEADERS"),
        ({"TOKEN": "s3cret"}, "CANHDICH_SMS_TOKEN"),
    ],
)
def test_what_cannot_be_is_refused_at_start(change: dict[str, str], told: str) -> None:
    env = {"URL": "https://gateway.example.org/send", "BODY": BODY, **change}
    with pytest.raises(SettingsError, match=told) as error:
        parse_sms({f"CANHDICH_SMS_{name}": value for name, value in env.items()})

    assert "s3cret" not in str(error.value)


def test_a_public_address_too_long_for_a_text_message_is_refused_at_start() -> None:
    env = {
        "CANHDICH_SMS_URL": "https://gateway.example.org/send",
        "CANHDICH_SMS_BODY": BODY,
        "CANHDICH_PUBLIC_URL": "https://" + "x" * 60 + ".vn",
    }
    with pytest.raises(SettingsError, match="CANHDICH_PUBLIC_URL"):
        connected(Settings.from_environment(env))
    env["CANHDICH_PUBLIC_URL"] = "https://canhdich.hcdc.gov.vn"
    assert connected(Settings.from_environment(env)) == {SMS}


def test_reports_need_a_key_that_cannot_be_guessed() -> None:
    good = {
        "CANHDICH_SMS_REPORT_KEY": "k" * 20,
        "CANHDICH_SMS_REPORT_ID": "SMSID",
        "CANHDICH_SMS_REPORT_OK": "Status=5",
        "CANHDICH_SMS_REPORT_FAILED": "Status=3,4",
    }
    reports = parse_reports(good)

    assert reports and reports.failed == ("Status", frozenset({"3", "4"}))
    with pytest.raises(SettingsError):
        parse_reports({**good, "CANHDICH_SMS_REPORT_KEY": "short"})
    assert parse_reports({}) is None
