"""CAP messages from real alerts in PostGIS, and their way to another system over real HTTP."""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

from accounts.models import Role, User
from alerts import inbox
from alerts.cap_feed import Reader, current_feed, find_message, to_atom
from alerts.cap_plan import VALID_FOR, Publication
from alerts.cap_settings import publication_of, receiver_of
from alerts.cap_words import City
from alerts.channels import WEBHOOK
from alerts.channels.webhook import WebhookChannel, parse_receiver
from alerts.delivery import DeliveryReport, Letterhead, deliver_due, resend, stored_error
from alerts.duty_reminders import remind
from alerts.levels import Level
from alerts.models import Alert, CapMessage, Delivery
from alerts.publishing import PublishReport, publish
from alerts.views import alert_detail
from db import session_scope
from geodata.models import Boundary
from settings import Settings, SettingsError
from tests.alerting import NOW, add_unit, add_user, calm, epidemic, outbreak, run
from tests.cap_checks import checked, one, texts
from tests.test_duty_register import settle
from tests.webhook_receiver import Taken, WebhookReceiver, hmac_by_rfc_2104, self_signed
from worker import Chain

CITY = City(
    title={"vi": "Thành phố Hồ Chí Minh", "en": "Ho Chi Minh City"},
    code_list="VN:19/2025/QĐ-TTg",
    public_url="https://canhdich.example.org",
    timezone=ZoneInfo("Asia/Ho_Chi_Minh"),
)
PUBLICATION = Publication(
    access="signed-in", sender="cdc@example.org", status="Actual", min_level=Level.CAO, webhook=True
)
EVERYONE = Reader(public_only=False, unit_ids=None)
SECRET = "0123456789abcdef0123456789abcdef"
LETTERHEAD = Letterhead(public_url=CITY.public_url, timezone=CITY.timezone)
ISLAND_AND_LAKE = shapely.MultiPolygon(
    [
        shapely.Polygon(
            [(106.7, 10.77), (106.72, 10.77), (106.72, 10.79), (106.7, 10.79)],
            [[(106.705, 10.775), (106.71, 10.775), (106.71, 10.78)]],
        ),
        shapely.box(106.8, 10.7, 106.81, 10.71),
    ]
)


@pytest.fixture
def ward(engine: Engine) -> Iterator[int]:
    """A committed ward of two parts, one with a lake, surveyed; and an analyst."""
    with session_scope(engine) as session:
        city = add_unit(session, "79", "Thành phố Hồ Chí Minh")
        unit = add_unit(session, "26740", "Phường Sài Gòn", city)
        add_user(session, "analyst", Role.ANALYST)
        shape = from_shape(ISLAND_AND_LAKE, srid=4326)
        session.add(
            Boundary(unit_id=unit.id, geom=shape, source="khảo sát", synthetic=False, imported_at=NOW)
        )
        unit_id = unit.id
    yield unit_id
    with session_scope(engine) as session:
        session.execute(
            text(
                "TRUNCATE delivery, cap_message, alert_event, alert, area_level, boundary, user_area, app_user,"
                " admin_unit CASCADE"
            )
        )


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    server = WebhookReceiver()
    yield server
    server.stop()


def alert(engine: Engine, evidence: list[Any], *, days: float = 0) -> None:
    with session_scope(engine) as session:
        run(session, evidence, days=days)


def say(engine: Engine, *, days: float = 0, **changes: Any) -> PublishReport:
    """Publish, `days` after NOW."""
    with session_scope(engine) as session:
        return publish(session, replace(PUBLICATION, **changes), CITY, NOW + timedelta(days=days))


def close(engine: Engine, outcome: inbox.Outcome, *, days: float = 0) -> None:
    with session_scope(engine) as session:
        user = session.scalars(select(User).where(User.username == "analyst")).one()
        alert_id = session.scalars(select(Alert.id)).one()
        inbox.close(session, alert_id, user=user, outcome=outcome, comment="Bé gái 9 tuổi ở hẻm 12", now=NOW)


def messages(engine: Engine) -> list[CapMessage]:
    with Session(engine, expire_on_commit=False) as session:
        return list(session.scalars(select(CapMessage).order_by(CapMessage.id)))


# --- what is published -------------------------------------------------------------------------------------


def test_an_alert_is_published_once_with_its_surveyed_outline_and_code(engine: Engine, ward: int) -> None:
    alert(engine, epidemic(ward))

    assert say(engine) == PublishReport(alerts=1, updates=0, cancels=0)
    assert say(engine, days=0.01) == PublishReport(alerts=0, updates=0, cancels=0)
    root = checked(messages(engine)[0].xml)
    assert texts(root, "info/cap:severity") == ["Extreme"] * 2
    assert texts(root, "info/cap:certainty") == ["Observed"] * 2
    assert (
        texts(root, "info/cap:area/cap:geocode/cap:valueName")[0] == "VN:19/2025/QĐ-TTg;valid-from=2025-07-01"
    )
    rings = texts(root, "info/cap:area/cap:polygon")[:2]
    outlines = [
        shapely.Polygon([tuple(map(float, p.split(",")))[::-1] for p in ring.split()]) for ring in rings
    ]
    surveyed = [shapely.Polygon(part.exterior) for part in ISLAND_AND_LAKE.geoms]
    assert all(a.equals(b) for a, b in zip(outlines, surveyed, strict=True))


def test_a_ward_of_one_part_has_one_outline(engine: Engine, ward: int) -> None:
    with session_scope(engine) as session:
        shape = shapely.MultiPolygon([ISLAND_AND_LAKE.geoms[1]])
        session.execute(update(Boundary).values(geom=from_shape(shape, srid=4326)))
    alert(engine, epidemic(ward))
    say(engine)

    assert len(texts(checked(messages(engine)[0].xml), "info/cap:area/cap:polygon")) == 2, (
        "one in each language"
    )


def test_a_generated_boundary_is_never_published(engine: Engine, ward: int) -> None:
    with session_scope(engine) as session:
        session.execute(update(Boundary).values(synthetic=True))
    alert(engine, epidemic(ward))
    say(engine)

    root = checked(messages(engine)[0].xml)
    assert texts(root, "info/cap:area/cap:polygon") == []
    assert texts(root, "info/cap:area/cap:geocode/cap:value") == ["26740"] * 2


def test_a_rise_is_an_update_that_refers_to_the_alert(engine: Engine, ward: int) -> None:
    alert(engine, outbreak(ward))
    say(engine)
    alert(engine, epidemic(ward), days=1)
    say(engine, days=1)

    first, second = messages(engine)
    root = checked(second.xml)
    assert one(root, "msgType") == "Update"
    assert one(root, "references") == f"cdc@example.org,{first.identifier},2026-07-15T08:00:00+07:00"
    assert (texts(checked(first.xml), "info/cap:severity")[0], texts(root, "info/cap:severity")[0]) == (
        "Severe",
        "Extreme",
    )


def test_back_at_level_1_the_all_clear_is_given(engine: Engine, ward: int) -> None:
    alert(engine, epidemic(ward))
    say(engine)
    day = 0
    while not messages(engine)[-1].final:
        day += 1
        assert day < 90
        alert(engine, calm(ward), days=day)
        say(engine, days=day)

    sent = [checked(message.xml) for message in messages(engine)]
    assert {one(root, "msgType") for root in sent[1:]} == {"Update"}
    severities = [texts(root, "info/cap:severity")[0] for root in sent]
    assert list(dict.fromkeys(severities)) == ["Extreme", "Severe", "Moderate", "Minor"]
    assert texts(sent[-1], "info/cap:responseType") == ["AllClear"] * 2
    gaps = [b.sent - a.sent for a, b in zip(messages(engine), messages(engine)[1:], strict=False)]
    assert max(gaps) < VALID_FOR


@pytest.mark.parametrize(
    ("outcome", "msg_type"), [("true", "Update"), ("false", "Cancel"), ("data_error", "Cancel")]
)
def test_what_a_person_closes_is_handed_over_or_withdrawn(
    engine: Engine, ward: int, outcome: inbox.Outcome, msg_type: str
) -> None:
    alert(engine, epidemic(ward))
    say(engine)
    close(engine, outcome)
    say(engine, days=0.1)

    last = messages(engine)[-1]
    assert one(checked(last.xml), "msgType") == msg_type and last.final
    assert say(engine, days=1) == PublishReport(alerts=0, updates=0, cancels=0)


def test_killed_before_the_commit_nothing_is_said_and_the_next_run_says_it(engine: Engine, ward: int) -> None:
    alert(engine, epidemic(ward))
    with Session(engine) as session:
        publish(session, PUBLICATION, CITY, NOW)
    assert messages(engine) == []
    assert say(engine).alerts == 1


def test_a_reminder_to_officers_is_no_news_to_the_public(engine: Engine, ward: int) -> None:
    alert(engine, epidemic(ward))
    say(engine)
    with session_scope(engine) as session:
        settle(session)
        assert remind(session, NOW + timedelta(hours=18)) > 0
        session.execute(text("DELETE FROM duty_event; DELETE FROM duty"))
    assert say(engine) == PublishReport(alerts=0, updates=0, cancels=0)


def test_two_processes_at_once_say_it_once(engine: Engine, ward: int) -> None:
    alert(engine, epidemic(ward))
    threads = [threading.Thread(target=say, args=(engine,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(messages(engine)) == 1


def test_nothing_of_a_person_is_in_any_message_or_in_the_feed(engine: Engine, ward: int) -> None:
    """Neither what officers write nor who they are; and to the public no count at all."""
    alert(engine, epidemic(ward))
    say(engine)
    with session_scope(engine) as session:
        user = session.scalars(select(User)).one()
        alert_id = session.scalars(select(Alert.id)).one()
        inbox.comment(session, alert_id, user=user, text="Bà Trần Thị Hoa, 12/3 Lê Lợi", now=NOW)
    close(engine, "false")
    say(engine, days=0.1)
    with session_scope(engine) as session:
        feed = to_atom(
            current_feed(session, EVERYONE, NOW), public_url="https://x", title="t", author="a"
        ).decode()

    for said in [*(message.xml for message in messages(engine)), feed]:
        assert not re.search("Hoa|Lê Lợi|hẻm|Bé gái|Người thử|analyst", said)


def test_to_the_public_no_count_is_told(engine: Engine, ward: int) -> None:
    alert(engine, epidemic(ward))
    with session_scope(engine) as session:
        session.execute(update(Alert).values(state="acknowledged"))
    say(engine, access="public")

    root = checked(messages(engine)[0].xml)
    told = " ".join(texts(root, "info/cap:description") + texts(root, "info/cap:instruction"))
    assert not re.search(r"\b40\b|\b25\b|\d+ ca\b", told)


# --- the feed ----------------------------------------------------------------------------------------------


def test_the_feed_holds_the_newest_message_of_an_alert_while_it_counts(engine: Engine, ward: int) -> None:
    alert(engine, outbreak(ward))
    say(engine)
    alert(engine, epidemic(ward), days=1)
    say(engine, days=1)
    first, second = messages(engine)
    with session_scope(engine) as session:
        now = current_feed(session, EVERYONE, NOW + timedelta(days=2))
        later = current_feed(session, EVERYONE, NOW + timedelta(days=20))
        old = find_message(session, first.identifier, EVERYONE)

    assert [entry.identifier for entry in now.entries] == [second.identifier]
    assert now.updated == second.sent
    assert (later.entries, later.updated) == ([], second.expires)
    assert old is not None and old.xml == first.xml


def test_a_reader_sees_what_is_for_them(engine: Engine, ward: int) -> None:
    alert(engine, epidemic(ward))
    say(engine)
    (message,) = messages(engine)
    with session_scope(engine) as session:
        for reader, sees in [
            (EVERYONE, True),
            (Reader(public_only=True, unit_ids=None), False),
            (Reader(public_only=False, unit_ids={ward}), True),
            (Reader(public_only=False, unit_ids={ward + 1000}), False),
            (Reader(public_only=False, unit_ids=set()), False),
        ]:
            assert bool(current_feed(session, reader, NOW).entries) == sees
            assert (find_message(session, message.identifier, reader) is not None) == sees


# --- the webhook -------------------------------------------------------------------------------------------


@pytest.fixture
def due(engine: Engine, ward: int) -> CapMessage:
    """A message in the outbox."""
    alert(engine, epidemic(ward))
    say(engine)
    return messages(engine)[0]


def channel(receiver: WebhookReceiver) -> WebhookChannel:
    url = f"http://127.0.0.1:{receiver.port}/cap?from=canhdich"
    return WebhookChannel(parse_receiver(url, SECRET, ["127.0.0.1"]))


def deliver(engine: Engine, hook: WebhookChannel, *, minutes: float = 0) -> DeliveryReport:
    return deliver_due(engine, {WEBHOOK: hook}, NOW + timedelta(minutes=minutes), letterhead=LETTERHEAD)


def row(engine: Engine) -> Delivery:
    with Session(engine, expire_on_commit=False) as session:
        return session.scalars(select(Delivery).where(Delivery.channel == WEBHOOK)).one()


def signed(taken: Taken) -> bool:
    """What docs/decisions/cap.md tells receivers to check."""
    timestamp = taken.headers["X-CanhDich-Timestamp"]
    expected = "v1=" + hmac_by_rfc_2104(SECRET.encode(), timestamp.encode() + b"." + taken.body)
    return taken.headers["X-CanhDich-Signature"] == expected and abs(time.time() - int(timestamp)) < 300


def test_the_receiver_gets_the_very_message_of_the_feed_signed(
    engine: Engine, due: CapMessage, receiver: WebhookReceiver
) -> None:
    assert deliver(engine, channel(receiver)).sent == 1
    assert deliver(engine, channel(receiver), minutes=9).sent == 0

    (taken,) = receiver.taken
    assert taken.path == "/cap?from=canhdich"
    assert taken.body == due.xml.encode() and signed(taken)
    assert taken.headers["Content-Type"] == "application/cap+xml; charset=utf-8"
    checked(taken.body)


def test_a_changed_body_or_moment_breaks_the_signature(
    engine: Engine, due: CapMessage, receiver: WebhookReceiver
) -> None:
    deliver(engine, channel(receiver))
    (taken,) = receiver.taken
    assert not signed(replace(taken, body=taken.body.replace(b"Extreme", b"Minor")))
    taken.headers.replace_header("X-CanhDich-Timestamp", str(int(taken.headers["X-CanhDich-Timestamp"]) - 1))
    assert not signed(taken)


def test_a_failed_message_comes_again_under_the_same_delivery(
    engine: Engine, due: CapMessage, receiver: WebhookReceiver
) -> None:
    receiver.answers = [500, 503]
    assert deliver(engine, channel(receiver)).retry == 1
    assert deliver(engine, channel(receiver), minutes=0.5) == DeliveryReport(
        sent=0, retry=0, dead=0, waiting=0
    )
    assert deliver(engine, channel(receiver), minutes=1).retry == 1
    assert deliver(engine, channel(receiver), minutes=3).sent == 1

    assert len({taken.headers["X-CanhDich-Delivery"] for taken in receiver.taken}) == 1
    assert all(signed(taken) for taken in receiver.taken)


@pytest.mark.parametrize("answer", [400, 410, 422])
def test_a_refusal_for_good_is_given_up_seen_and_can_be_sent_again(
    engine: Engine, due: CapMessage, receiver: WebhookReceiver, answer: int
) -> None:
    receiver.answers = [answer]
    assert deliver(engine, channel(receiver)).dead == 1
    with session_scope(engine) as session:
        detail = alert_detail(session, due.alert_id, area_ids=None)
        assert detail is not None
        (shown,) = [d for d in detail.deliveries if d.channel == WEBHOOK]
        assert shown.user_name is None and str(answer) in str(shown.error)
        resend(session, shown.id, NOW)
    assert deliver(engine, channel(receiver)).sent == 1


@pytest.mark.parametrize("answer", [301, 307, 401, 404, 429])
def test_an_answer_about_the_address_or_the_key_is_tried_again_and_never_followed(
    engine: Engine, due: CapMessage, receiver: WebhookReceiver, answer: int
) -> None:
    receiver.answers = [answer]
    assert deliver(engine, channel(receiver)).retry == 1
    assert [taken.path for taken in receiver.taken] == ["/cap?from=canhdich"]
    assert "127.0.0.1" not in str(stored_error(row(engine)))


def test_a_receiver_that_is_away_loses_nothing(
    engine: Engine, due: CapMessage, receiver: WebhookReceiver
) -> None:
    hook = channel(receiver)
    receiver.stop()
    assert deliver(engine, hook).retry == 1
    assert row(engine).state == "due"


def test_without_a_receiver_messages_wait_and_say_why(engine: Engine, due: CapMessage) -> None:
    assert deliver(engine, WebhookChannel(None)).waiting == 1
    assert "CANHDICH_WEBHOOK_URL" in str(stored_error(row(engine)))


def test_a_certificate_nobody_vouches_for_gets_nothing(
    engine: Engine, due: CapMessage, tmp_path: Path
) -> None:
    pem = self_signed(tmp_path)
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(pem)
    server = WebhookReceiver(own)
    try:
        to = parse_receiver(f"https://localhost:{server.port}/", SECRET, [])
        assert deliver(engine, WebhookChannel(to)).retry == 1
        assert server.taken == []
        trusting = ssl.create_default_context(cafile=str(pem))
        assert deliver(engine, WebhookChannel(to, tls=trusting), minutes=1).sent == 1
        assert signed(server.taken[0])
    finally:
        server.stop()


def test_without_a_webhook_nothing_is_put_into_the_outbox(engine: Engine, ward: int) -> None:
    alert(engine, epidemic(ward))
    say(engine, webhook=False)
    with Session(engine) as session:
        assert session.scalars(select(Delivery).where(Delivery.channel == WEBHOOK)).all() == []


def test_the_worker_publishes_and_pushes(engine: Engine, ward: int, receiver: WebhookReceiver) -> None:
    """Both jobs as the worker runs them, from settings as the environment gives them."""
    alert(engine, epidemic(ward))
    chain = Chain(
        engine,
        settings(
            CANHDICH_CAP="signed-in",
            CANHDICH_WEBHOOK_URL=f"http://127.0.0.1:{receiver.port}/",
            CANHDICH_WEBHOOK_SECRET=SECRET,
            CANHDICH_WEBHOOK_HTTP_HOSTS="other.example.org, 127.0.0.1",
        ),
    )
    assert chain.publish() == {"alerts": 1}
    assert chain.deliver()["sent"] == 1

    (taken,) = receiver.taken
    assert signed(taken) and one(checked(taken.body), "status") == "Actual"
    assert chain.publish() == {}


# --- settings ----------------------------------------------------------------------------------------------


def settings(**env: str) -> Settings:
    return Settings.from_environment({"CANHDICH_CAP_SENDER": "cdc@example.org", **env})


def test_by_default_nothing_is_published() -> None:
    assert publication_of(settings()) is None and receiver_of(settings()) is None


def test_a_demo_and_a_city_in_the_past_never_say_actual() -> None:
    for env in ({"CANHDICH_DEMO": "1"}, {"CANHDICH_CLOCK": "data"}, {"CANHDICH_CAP_STATUS": "Test"}):
        published = publication_of(settings(CANHDICH_CAP="signed-in", **env))
        assert published is not None and published.status == "Test"


@pytest.mark.parametrize(
    "env",
    [
        {"CANHDICH_CAP": "everyone"},
        {"CANHDICH_CAP": "public", "CANHDICH_CAP_SENDER": "two words"},
        {"CANHDICH_CAP": "public", "CANHDICH_CAP_SENDER": ""},
        {"CANHDICH_CAP": "public", "CANHDICH_CAP_MIN_LEVEL": "1"},
        {"CANHDICH_CAP": "public", "CANHDICH_CAP_STATUS": "Draft"},
        {"CANHDICH_CAP": "public", "CANHDICH_CAP_TOKEN": "short-token"},
        {"CANHDICH_WEBHOOK_URL": "https://hooks.example.org/hidden-part"},
    ],
)
def test_a_wrong_setting_is_refused_by_name(env: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as refused:
        publication_of(settings(**env))
    assert list(env)[-1] in str(refused.value)
    assert not re.search("short-token|hidden-part", str(refused.value))


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/hidden-part",
        "http://listed.example.org.evil.example/hidden-part",
        "ftp://listed.example.org/hidden-part",
        "https://user:hidden-part@listed.example.org/",
        "https://:hidden-part@listed.example.org/",
        "https:///hidden-part",
        "https://listed.example.org:port/hidden-part",
        "https://listed.example.org/hidden-part\r\nX: y",
    ],
)
def test_a_receiver_is_https_or_a_listed_host_and_never_quoted(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_receiver(url, SECRET, ["listed.example.org"])
    assert "hidden-part" not in str(refused.value) and "CANHDICH_WEBHOOK" in str(refused.value)


def test_a_short_secret_is_refused_and_a_receiver_does_not_print_its_own() -> None:
    with pytest.raises(SettingsError, match="CANHDICH_WEBHOOK_SECRET"):
        parse_receiver("https://hooks.example.org/", "short", [])
    assert SECRET not in repr(parse_receiver("https://hooks.example.org/", SECRET, []))
