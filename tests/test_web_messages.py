"""The page of messages: choosing, seeing who is told, sending again; and the address where a gateway reports."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from dash import Dash
from flask.testing import FlaskClient
from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from accounts.choices import WantedMessages, choices_of, choose
from accounts.models import MessageChoice, User
from alerts.channels import SMS
from alerts.models import AlertEvent, Delivery, DeliveryReceipt
from db import session_scope
from i18n import Message
from settings import Settings
from tests.web_city import NOW, Place, SignIn, app, city, client, csrf_token, sign_in, text_of  # fmt: skip

__all__ = ["app", "city", "client", "settings", "sign_in"]
"""Fixtures."""

KEY = "k" * 24


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """With an SMS gateway, no other channel."""
    return Settings.from_environment(
        {
            "CANHDICH_HOME": str(tmp_path_factory.mktemp("home")),
            "CANHDICH_CLOCK": "data",
            "CANHDICH_SMS_URL": "https://gateway.example.org/send",
            "CANHDICH_SMS_BODY": "to={to}&text={text}",
            "CANHDICH_SMS_REPORT_KEY": KEY,
            "CANHDICH_SMS_REPORT_ID": "SMSID",
            "CANHDICH_SMS_REPORT_OK": "Status=5",
            "CANHDICH_SMS_REPORT_FAILED": "Status=3,4",
        }
    )


@pytest.fixture(autouse=True)
def no_choices(engine: Engine) -> Iterator[None]:
    yield
    with session_scope(engine) as session:
        for table in (MessageChoice, DeliveryReceipt):
            session.execute(delete(table))


def call(
    app: Dash, client: FlaskClient, output: str, inputs: list[object], state: list[object], trigger: str
) -> TestResponse:
    """A callback with patterns in its ids, as the browser sends it."""
    with app.server.test_request_context():
        app._setup_server()
    key = next(key for key in app.callback_map if key.startswith(output))
    target = {"id": {"told": SMS} if key.startswith("{") else key.rpartition(".")[0], "property": "children"}
    body = {"output": key, "outputs": target, "inputs": inputs, "state": state, "changedPropIds": [trigger]}
    return client.post("/_dash-update-component", json=body, headers={"X-CSRFToken": csrf_token(client)})


def save(app: Dash, client: FlaskClient, act: str, **values: object) -> TestResponse:
    def given(name: str, prop: str, value: object) -> object:
        return {"id": {name: SMS}, "property": prop, "value": value}

    inputs = [given(name, "n_clicks", 1 if name == act else None) for name in ("told-save", "told-off")]
    props = {"address": "value", "level": "value", "digest": "checked", "diseases": "value"}
    state = [given(f"told-{name}", prop, values[name]) for name, prop in props.items()]
    trigger = json.dumps({act: SMS}, separators=(",", ":")) + ".n_clicks"
    return call(app, client, '{"told":', inputs, state, trigger)


def chosen(engine: Engine, username: str) -> dict[str, WantedMessages]:
    with session_scope(engine) as session:
        return choices_of(session, session.scalars(select(User.id).where(User.username == username)).one())


def test_an_officer_turns_text_messages_on_and_off(
    app: Dash, sign_in: SignIn, engine: Engine, city: dict[str, Place]
) -> None:
    client = sign_in("officer")
    answer = save(app, client, "told-save", address="0901234567", level="4", digest=True, diseases=["dengue"])
    assert "Đã lưu." in text_of(answer)
    assert chosen(engine, "officer") == {
        SMS: WantedMessages(
            channel=SMS, address="84901234567", at_once_from=4, digest=True, diseases=frozenset({"dengue"})
        )
    }
    answer = save(app, client, "told-off", address="", level="4", digest=True, diseases=[])
    assert "Đã tắt." in text_of(answer)
    assert chosen(engine, "officer") == {}


def test_a_refused_number_says_how_to_write_it_and_stays_in_the_box(
    app: Dash, sign_in: SignIn, engine: Engine, city: dict[str, Place]
) -> None:
    answer = save(app, sign_in("officer"), "told-save", address="12", level="3", digest=False, diseases=[])

    assert "0901234567" in text_of(answer) and '"12"' in text_of(answer)
    assert chosen(engine, "officer") == {}


@pytest.fixture
def dead(engine: Engine, city: dict[str, Place]) -> Iterator[dict[str, int]]:
    """A given-up text message about each of two communes; the officer has “Ô 1” only."""
    ids = {}
    with session_scope(engine) as session:
        officer = session.scalars(select(User).where(User.username == "officer")).one()
        wanted = WantedMessages(channel=SMS, address="0901234567", at_once_from=3, digest=False)
        choose(session, officer, wanted, NOW)
        for name in ("Ô 0", "Ô 1"):
            ids[name] = _dead(session, city[name].alert_id, officer.id)
    yield ids
    with session_scope(engine) as session:
        session.execute(delete(DeliveryReceipt))
        session.execute(delete(Delivery).where(Delivery.id.in_(ids.values())))


def _dead(session: Session, alert_id: int | None, user_id: int) -> int:
    event_id = session.scalars(select(AlertEvent.id).where(AlertEvent.alert_id == alert_id).limit(1)).one()
    reason = Message("Cổng SMS trả lời {code}, {field} = {reply}", code="200", field="x", reply="99")
    delivery = Delivery(
        dedup_key=f"test:{alert_id}",
        alert_id=alert_id,
        event_id=event_id,
        user_id=user_id,
        channel=SMS,
        state="dead",
        attempts=1,
        created_at=NOW,
        next_attempt_at=NOW,
        error=json.dumps(reason.to_json()),
    )
    session.add(delivery)
    session.flush()
    return delivery.id


def rest(app: Dash, client: FlaskClient, resend: int | None = None) -> TestResponse:
    buttons = [{"id": {"resend": resend}, "property": "n_clicks", "value": 1}] if resend else []
    inputs: list[object] = [buttons, {"id": "version", "property": "data", "value": "1"}]
    trigger = (
        json.dumps({"resend": resend}, separators=(",", ":")) + ".n_clicks" if resend else "version.data"
    )
    return call(app, client, "messages-rest.children", inputs, [], trigger)


def test_dead_letters_are_seen_within_ones_area_with_the_reason(
    app: Dash, sign_in: SignIn, dead: dict[str, int]
) -> None:
    analyst, officer = text_of(rest(app, sign_in("analyst"))), text_of(rest(app, sign_in("officer")))

    assert "Tin không gửi được (2)" in analyst and "x = 99" in analyst and "Ô 0" in analyst
    assert "Tin không gửi được (1)" in officer and "Ô 0" not in officer
    assert "Ai nhận tin gì" in analyst and "Ai nhận tin gì" not in officer
    assert "84901234567" not in analyst


def test_one_click_sends_again_and_the_log_of_the_alert_says_so(
    app: Dash, sign_in: SignIn, engine: Engine, dead: dict[str, int]
) -> None:
    answer = text_of(rest(app, sign_in("officer"), resend=dead["Ô 1"]))

    assert "Đã đưa vào hàng chờ gửi." in answer and "Tin không gửi được (0)" in answer
    with session_scope(engine) as session:
        delivery = session.get_one(Delivery, dead["Ô 1"])
        assert (delivery.state, delivery.attempts) == ("due", 0)
        kinds = session.scalars(select(AlertEvent.kind).where(AlertEvent.alert_id == delivery.alert_id)).all()
    assert "resent" in kinds


def test_nobody_sends_again_in_an_area_of_others_and_managers_not_at_all(
    app: Dash, sign_in: SignIn, engine: Engine, dead: dict[str, int]
) -> None:
    assert "Không có cảnh báo này trong địa bàn" in text_of(rest(app, sign_in("officer"), resend=dead["Ô 0"]))
    assert rest(app, sign_in("manager"), resend=dead["Ô 0"]).status_code == 403
    with session_scope(engine) as session:
        assert session.get_one(Delivery, dead["Ô 0"]).state == "dead"


# What the gateway reports


@pytest.fixture
def sent(engine: Engine, dead: dict[str, int]) -> int:
    """A text message that the gateway took as sms-7."""
    with session_scope(engine) as session:
        delivery = session.get_one(Delivery, dead["Ô 1"])
        delivery.state, delivery.sent_at, delivery.error = "sent", NOW, None
        session.add(DeliveryReceipt(delivery_id=delivery.id, at=NOW, kind="accepted", provider_id="sms-7"))
        return delivery.id


def report(client: FlaskClient, status: str, key: str = KEY, id_: str = "sms-7") -> TestResponse:
    return client.post(f"/api/receipts/sms?key={key}", data={"SMSID": id_, "Status": status})


def kinds(engine: Engine) -> list[str]:
    with session_scope(engine) as session:
        return list(session.scalars(select(DeliveryReceipt.kind).order_by(DeliveryReceipt.id)))


def test_arrived_is_kept_once(client: FlaskClient, engine: Engine, sent: int) -> None:
    assert [report(client, "5").status_code for _ in range(2)] == [204, 204]

    assert kinds(engine) == ["accepted", "delivered"]


def test_a_bounce_is_a_dead_letter_with_its_reason(
    client: FlaskClient, app: Dash, sign_in: SignIn, engine: Engine, sent: int
) -> None:
    assert client.get(f"/api/receipts/sms?key={KEY}&SMSID=sms-7&Status=4").status_code == 204

    assert kinds(engine) == ["accepted", "bounced"]
    assert "Nhà mạng báo không tới được máy người nhận (Status = 4)" in text_of(rest(app, sign_in("officer")))


def test_without_the_key_there_is_no_such_address(client: FlaskClient, engine: Engine, sent: int) -> None:
    assert report(client, "4", key="x" * 24).status_code == 404
    assert kinds(engine) == ["accepted"]


@pytest.mark.parametrize(("status", "id_"), [("1", "sms-7"), ("4", "unknown"), ("4", "")])
def test_what_says_nothing_new_changes_nothing(
    client: FlaskClient, engine: Engine, sent: int, status: str, id_: str
) -> None:
    assert report(client, status, id_=id_).status_code == 204
    assert kinds(engine) == ["accepted"]
