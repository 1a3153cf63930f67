"""The feed as another system meets it: who may read, what is cached, where it leads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from lxml import etree
from sqlalchemy import Engine, delete, select

from alerts.cap_settings import city_of, publication_of
from alerts.models import Alert, CapMessage
from alerts.publishing import publish
from db import session_scope
from settings import Settings
from tests.cap_checks import checked, texts
from tests.web_city import NOW, PASSWORD, Place, app, city, client, post_login, settings, sign_in
from web.server import create_app

__all__ = ["app", "city", "client", "settings", "sign_in"]
"""Fixtures."""

ATOM = {"a": "http://www.w3.org/2005/Atom"}
TOKEN = "0123456789abcdef0123456789abcdef"
FEED = "/cap/feed.atom"


@pytest.fixture(autouse=True)
def clean(engine: Engine, city: dict[str, Place]) -> None:
    """No message, and alerts open."""
    with session_scope(engine) as session:
        session.execute(delete(CapMessage))
        for alert in session.scalars(select(Alert)):
            alert.state = "open"


def site(settings: Settings, engine: Engine, access: str, *, acknowledged: bool = False) -> FlaskClient:
    """The site of a deployment that has just published its alerts (levels 4 in “Ô 0” and 2 in “Ô 1”)."""
    chosen = replace(settings, cap=access, cap_sender="cdc@example.org", cap_min_level=2, cap_token=TOKEN)
    publication = publication_of(chosen)
    with session_scope(engine) as session:
        for alert in session.scalars(select(Alert)):
            alert.state = "acknowledged" if acknowledged else "open"
        if publication is not None:
            publish(session, publication, city_of(chosen), NOW)
    return create_app(chosen, engine).server.test_client()


def entries(client: FlaskClient, **headers: str) -> list[str]:
    """Links of the feed's entries."""
    answer = client.get(FEED, headers=headers)
    assert answer.status_code == 200
    assert answer.mimetype == "application/atom+xml"
    root = etree.fromstring(answer.data)
    assert root.find("a:link[@rel='self']", ATOM).get("href") == "http://localhost:8050" + FEED
    for node in (root, *root.findall("a:entry", ATOM)):
        assert all(node.find(f"a:{name}", ATOM).text for name in ("id", "title", "updated"))
    return [link.get("href") for link in root.findall("a:entry/a:link", ATOM)]


def test_off_there_is_no_feed(client: FlaskClient) -> None:
    assert client.get(FEED).status_code == 404


def test_signed_in_only_a_stranger_is_asked_who_they_are(settings: Settings, engine: Engine) -> None:
    stranger = site(settings, engine, "signed-in")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
        answer = stranger.get(FEED, headers=headers)
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert stranger.get(f"{FEED}?token={TOKEN}").status_code == 401


def test_a_machine_with_the_token_reads_all_and_its_messages_are_valid(
    settings: Settings, engine: Engine
) -> None:
    machine, key = site(settings, engine, "signed-in"), {"Authorization": f"Bearer {TOKEN}"}
    links = entries(machine, **key)

    assert len(links) == 2
    for link in links:
        answer = machine.get(link.removeprefix("http://localhost:8050"), headers=key)
        assert (
            answer.mimetype == "application/cap+xml"
            and answer.headers["Cache-Control"] == "private, no-cache"
        )
        assert texts(checked(answer.data), "status") == ["Test"], "this city lives in its data's past"


def test_an_officer_reads_their_own_area(settings: Settings, engine: Engine) -> None:
    officer = site(settings, engine, "signed-in")
    assert post_login(officer, "officer", PASSWORD).status_code == 302
    (link,) = entries(officer)
    root = checked(officer.get(link.removeprefix("http://localhost:8050")).data)
    assert texts(root, "info/cap:area/cap:areaDesc") == ["Phường Ô 1"] * 2


def test_the_public_reads_what_a_person_took_on_and_nothing_restricted(
    settings: Settings, engine: Engine
) -> None:
    site(settings, engine, "signed-in")
    with session_scope(engine) as session:
        restricted = list(session.scalars(select(CapMessage.identifier)))
    assert entries(site(settings, engine, "public")) == []

    public = site(settings, engine, "public", acknowledged=True)
    assert len(entries(public)) == 2
    assert all(public.get(f"/cap/{identifier}.xml").status_code == 404 for identifier in restricted)
    answer = public.get(FEED)
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert "Set-Cookie" not in answer.headers


def test_an_unchanged_feed_is_not_sent_again(settings: Settings, engine: Engine) -> None:
    public = site(settings, engine, "public", acknowledged=True)
    first = public.get(FEED)

    for headers in (
        {"If-None-Match": first.headers["ETag"]},
        {"If-Modified-Since": first.headers["Last-Modified"]},
    ):
        again = public.get(FEED, headers=headers)
        assert (again.status_code, again.data) == (304, b"")
    with session_scope(engine) as session:
        for alert in session.scalars(select(Alert)):
            alert.state, alert.outcome = "closed", "false"
        chosen = replace(settings, cap="public", cap_sender="cdc@example.org", cap_min_level=2)
        publication = publication_of(chosen)
        assert publication is not None
        assert publish(session, publication, city_of(chosen), NOW + timedelta(minutes=1)).cancels == 2
    for headers in (
        {"If-None-Match": first.headers["ETag"]},
        {"If-Modified-Since": first.headers["Last-Modified"]},
    ):
        assert public.get(FEED, headers=headers).status_code == 200


def test_what_is_not_there_is_said_in_json(settings: Settings, engine: Engine) -> None:
    public = site(settings, engine, "public")
    answer = public.get("/cap/no-such-message.xml")
    assert answer.status_code == 404 and answer.is_json
