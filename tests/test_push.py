"""Web Push (RFC 8030, 8291, 8292): encrypted for one browser, signed, sent where it may, forgotten when it ended."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from dash import Dash
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from accounts.choices import choices_of
from accounts.models import MessageChoice, PushDevice, User
from alerts.channels import PUSH, Envelope, OutgoingMessage, TransportError
from alerts.channels.push import NO_DEVICE, PushChannel, encrypt
from alerts.delivery import Letterhead, deliver_due
from alerts.models import AlertEvent, Delivery, DeliveryReceipt
from alerts.push_devices import DeviceError, Subscription, subscription_of
from alerts.push_settings import parse_push
from db import session_scope
from settings import Settings, SettingsError
from surveillance.privacy import Vault
from tests.providers import serving
from tests.push_service import BrowserKeys, PushService, b64, decrypt, unb64
from tests.web_city import NOW, Place, SignIn, app, city, client, csrf_token, sign_in

__all__ = ["app", "city", "client", "sign_in"]
"""Fixtures."""

CONTACT = "mailto:truc@hcdc.example"


@pytest.fixture(scope="module")
def service() -> Iterator[PushService]:
    with serving(PushService()) as service:
        assert isinstance(service, PushService)
        yield service


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, service: PushService) -> Settings:
    settings = Settings.from_environment(
        {
            "CANHDICH_HOME": str(tmp_path_factory.mktemp("home")),
            "CANHDICH_CLOCK": "data",
            "CANHDICH_PUSH_CONTACT": CONTACT,
            "CANHDICH_PUSH_HOSTS": service.url.removeprefix("http://"),
        }
    )
    push = parse_push(settings)
    assert push is not None
    service.public_key = push.public_key
    return settings


@pytest.fixture(autouse=True)
def nobody_listens(engine: Engine, service: PushService) -> Iterator[None]:
    service.gone = service.broken = frozenset()
    service.taken.clear()
    yield
    with session_scope(engine) as session:
        for table in (DeliveryReceipt, MessageChoice, PushDevice):
            session.execute(delete(table))
        session.execute(delete(Delivery).where(Delivery.channel == PUSH))


def subscribe(client: FlaskClient, data: Any) -> Any:
    return client.post("/api/my/push", json=data, headers={"X-CSRFToken": csrf_token(client)})


def channel(settings: Settings, engine: Engine) -> PushChannel:
    return PushChannel(parse_push(settings), engine, Vault.of(settings.secret_key))


def officer_id(engine: Engine) -> int:
    with session_scope(engine) as session:
        return session.scalars(select(User.id).where(User.username == "officer")).one()


def envelope(user_id: int, level: int = 4, id: str = "m1") -> Envelope:
    link = "https://canhdich.example/alerts/7"
    message = OutgoingMessage(
        subject="■ Rất cao: Sốt xuất huyết, Phường 1", text="", html="", link=link, level=level,
        chat=f"Sốt xuất huyết — Phường 1\nMức tăng.\nXem chi tiết: {link}",
    )  # fmt: skip
    return Envelope(recipient=str(user_id), message_id=id, locale="vi", message=message)


# --- the encryption, by the RFC's own example and by any text ------------------------------------------------


def rfc_8291() -> tuple[ec.EllipticCurvePrivateKey, ec.EllipticCurvePrivateKey, Subscription]:
    """Appendix A: the application server's key, the browser's, and its subscription."""

    def key(text: str) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(int.from_bytes(unb64(text), "big"), ec.SECP256R1())

    point = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    to = Subscription(endpoint="https://x", p256dh=unb64(point), auth=unb64("BTBZMqHH6r4Tts7J_aSIgg"))
    return (
        key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), key("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), to,
    )  # fmt: skip


RFC_TEXT = b"When I grow up, I want to be a watermelon"
RFC_BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_rfcs_example_comes_out_byte_by_byte() -> None:
    sender, browser, to = rfc_8291()
    assert b64(encrypt(RFC_TEXT, to, key=sender, salt=unb64("DGv6ra1nlYgDCS1FRnbzlw"))) == RFC_BODY
    assert decrypt(unb64(RFC_BODY), browser, to.auth) == RFC_TEXT


@given(st.binary(min_size=1, max_size=2500))
def test_whatever_is_encrypted_is_read_by_that_browser_and_never_twice_the_same(text: bytes) -> None:
    _, browser, to = rfc_8291()
    one, other = encrypt(text, to), encrypt(text, to)
    assert decrypt(one, browser, to.auth) == text == decrypt(other, browser, to.auth)
    assert one != other and (len(text) < 8 or text not in one)


# --- settings -------------------------------------------------------------------------------------------------


def test_it_is_off_until_an_administrator_names_a_contact(tmp_path: Path) -> None:
    assert parse_push(Settings.from_environment({"CANHDICH_HOME": str(tmp_path)})) is None
    assert list(tmp_path.iterdir()) == []


def test_the_keys_are_made_once_for_the_owners_eyes_only(tmp_path: Path) -> None:
    settings = Settings.from_environment({"CANHDICH_HOME": str(tmp_path), "CANHDICH_PUSH_CONTACT": CONTACT})
    first, again = parse_push(settings), parse_push(settings)
    assert first is not None and again is not None and first.public_key == again.public_key
    assert stat.S_IMODE((tmp_path / "vapid.pem").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["vapid.pem"]


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"CANHDICH_PUSH_CONTACT": "ai đó"}, "mailto:"),
        ({"CANHDICH_PUSH_CONTACT": CONTACT, "CANHDICH_PUSH_HOSTS": "https://x"}, "CANHDICH_PUSH_HOSTS"),
        ({"CANHDICH_PUSH_CONTACT": CONTACT, "CANHDICH_PUSH_KEY": "x"}, "CANHDICH_PUSH_KEY"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, env: dict[str, str], why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        parse_push(Settings.from_environment({"CANHDICH_HOME": str(tmp_path), **env}))


# --- which addresses are taken ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.example/x", "https://fcm.googleapis.com.evil.example/x", "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com@evil.example/x", "https://127.0.0.1/x", "http://127.0.0.1:1/x", "https://[::1]/x",
        "https://fcm.googleapis.com:8443/x", "file:///etc/passwd", "https://evilpush.apple.com.x/y", "", "//x",
    ],
)  # fmt: skip
def test_no_browser_can_make_us_post_elsewhere(settings: Settings, endpoint: str) -> None:
    push = parse_push(settings)
    assert push is not None
    with pytest.raises(DeviceError):
        subscription_of(BrowserKeys("").subscription("") | {"endpoint": endpoint}, push)


@pytest.mark.parametrize(
    "endpoint",
    ["https://fcm.googleapis.com/fcm/send/x", "https://updates.push.services.mozilla.com/wpush/v2/x",
     "https://web.push.apple.com/x", "https://wns2-pn1p.notify.windows.com/w/?token=x"],
)  # fmt: skip
def test_the_services_of_browsers_are_known(settings: Settings, endpoint: str) -> None:
    push = parse_push(settings)
    assert push is not None
    assert (
        subscription_of(BrowserKeys("").subscription("") | {"endpoint": endpoint}, push).endpoint == endpoint
    )


@pytest.mark.parametrize(
    "keys",
    [
        {},
        "x",
        {"p256dh": "AAAA", "auth": "AAAA"},
        {"p256dh": b64(b"\4" * 65), "auth": b64(b"x" * 16)},
    ],
)
def test_keys_that_are_none_are_refused(settings: Settings, service: PushService, keys: Any) -> None:
    push = parse_push(settings)
    assert push is not None
    with pytest.raises(DeviceError):
        subscription_of({"endpoint": service.url + "/p", "keys": keys}, push)


# --- from the button to the phone ------------------------------------------------------------------------------------


def test_a_browser_that_subscribed_gets_the_message_it_alone_can_read(
    sign_in: SignIn, engine: Engine, settings: Settings, service: PushService, city: dict[str, Place]
) -> None:
    phone = BrowserKeys("/send/secret-path")
    assert subscribe(sign_in("officer"), phone.subscription(service.url)).status_code == 204
    channel(settings, engine).send(envelope(officer_id(engine)))
    [taken] = service.taken
    told = json.loads(decrypt(taken["body"], phone.private, phone.auth))
    assert told == {
        "id": "m1", "title": "■ Rất cao: Sốt xuất huyết, Phường 1", "body": "Mức tăng.", "url": "/alerts/7",
        "tag": taken["headers"]["topic"], "lang": "vi", "urgent": True, "unread": 1,
    }  # fmt: skip
    assert taken["headers"]["urgency"] == "high" and int(taken["headers"]["ttl"]) == 72 * 3600
    assert "Phường".encode() not in taken["body"]


def test_a_delivery_goes_through_the_outbox_like_any_other(
    sign_in: SignIn, engine: Engine, settings: Settings, service: PushService, city: dict[str, Place]
) -> None:
    phone, alert_id = BrowserKeys("/send/1"), city["Ô 1"].alert_id
    subscribe(sign_in("officer"), phone.subscription(service.url))
    with session_scope(engine) as session:
        first = (AlertEvent.alert_id == alert_id, AlertEvent.user_id.is_(None))
        event_id = session.scalars(select(AlertEvent.id).where(*first)).one()
        session.add(
            Delivery(
                dedup_key="push:1", alert_id=alert_id, event_id=event_id, user_id=officer_id(engine), channel=PUSH,
                state="due", created_at=NOW, next_attempt_at=NOW,
            )
        )  # fmt: skip
    letterhead = Letterhead(
        public_url="https://canhdich.example", timezone=settings.deployment.timezone
    )  # fmt: skip
    done = deliver_due(engine, {PUSH: channel(settings, engine)}, NOW, letterhead=letterhead)
    assert (done.sent, done.dead) == (1, 0)
    told = json.loads(decrypt(service.taken[0]["body"], phone.private, phone.auth))
    assert (
        told["url"] == f"/alerts/{alert_id}"
        and "Phường Ô 1" in told["title"]
        and "https://" not in told["body"]
    )


def test_a_newer_message_about_the_same_alert_takes_the_place_of_the_older(
    sign_in: SignIn, engine: Engine, settings: Settings, service: PushService
) -> None:
    subscribe(sign_in("officer"), BrowserKeys("/send/1").subscription(service.url))
    for id, level in (("m1", 2), ("m2", 3)):
        channel(settings, engine).send(envelope(officer_id(engine), level=level, id=id))
    first, second = (taken["headers"] for taken in service.taken)
    assert first["topic"] == second["topic"] and (first["urgency"], second["urgency"]) == ("normal", "high")


def test_a_subscription_that_ended_is_forgotten_and_the_others_are_told(
    sign_in: SignIn, engine: Engine, settings: Settings, service: PushService
) -> None:
    client = sign_in("officer")
    for path in ("/old", "/new"):
        subscribe(client, BrowserKeys(path).subscription(service.url))
    service.gone = frozenset({"/old"})
    channel(settings, engine).send(envelope(officer_id(engine)))
    assert [taken["path"] for taken in service.taken] == ["/new"]
    with session_scope(engine) as session:
        assert len(session.scalars(select(PushDevice.id)).all()) == 1
    service.gone = frozenset({"/new"})
    with pytest.raises(TransportError) as failure:
        channel(settings, engine).send(envelope(officer_id(engine)))
    assert failure.value.permanent and failure.value.message == NO_DEVICE


def test_a_service_that_is_down_is_tried_again_and_holds_up_nobody_else(
    sign_in: SignIn, engine: Engine, settings: Settings, service: PushService
) -> None:
    subscribe(sign_in("officer"), BrowserKeys("/down").subscription(service.url))
    service.broken = frozenset({"/down"})
    with pytest.raises(TransportError) as failure:
        channel(settings, engine).send(envelope(officer_id(engine)))
    assert not failure.value.permanent and not failure.value.channel_down
    assert "/down" not in str(failure.value)


def test_addresses_are_kept_encrypted_and_belong_to_who_turned_it_on_last(
    sign_in: SignIn, engine: Engine, service: PushService
) -> None:
    shared = BrowserKeys("/send/shared").subscription(service.url)
    subscribe(sign_in("analyst"), shared)
    subscribe(sign_in("officer"), shared)
    with session_scope(engine) as session:
        [device] = session.scalars(select(PushDevice)).all()
        assert device.user_id == officer_id(engine) and b"shared" not in device.content


def test_on_by_one_tap_and_off_with_the_last_browser(
    sign_in: SignIn, engine: Engine, service: PushService
) -> None:
    client, subscription = sign_in("officer"), BrowserKeys("/send/1").subscription(service.url)
    subscribe(client, subscription)
    with session_scope(engine) as session:
        assert choices_of(session, officer_id(engine))[PUSH].at_once_from == 3
    headers = {"X-CSRFToken": csrf_token(client)}
    answer = client.delete("/api/my/push", json={"endpoint": subscription["endpoint"]}, headers=headers)
    assert answer.status_code == 204
    with session_scope(engine) as session:
        assert (
            choices_of(session, officer_id(engine)) == {} and session.scalars(select(PushDevice)).all() == []
        )


def test_a_refused_address_says_so_in_words(sign_in: SignIn, city: dict[str, Place]) -> None:
    answer = subscribe(sign_in("officer"), BrowserKeys("/x").subscription("https://evil.example"))
    assert answer.status_code == 400 and "evil.example" in answer.get_json()["text"]


def test_where_it_is_off_nobody_can_turn_it_on_and_messages_wait(
    engine: Engine, settings: Settings, service: PushService, city: dict[str, Place], app: Dash
) -> None:
    off = replace(settings, channels={})
    said = PushChannel(parse_push(off), engine, Vault.of(off.secret_key)).unavailable()
    assert said is not None and "CANHDICH_PUSH_CONTACT" in str(said)
