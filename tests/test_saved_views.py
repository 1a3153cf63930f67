"""Saved views, the one a map opens with, and pictures embedded elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest
from dash import Dash
from flask.testing import FlaskClient
from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from accounts.models import AccessLog, DefaultView, Embed, SavedView, User
from accounts.views import (
    ViewError,
    default_view,
    delete_view,
    digest_of,
    make_embed,
    open_with,
    own_view,
    rename_view,
    revoke_embed,
    save_view,
    views_for,
)  # fmt: skip
from db import session_scope
from settings import Settings, SettingsError
from surveillance.models import IngestRun
from tests.line_list import Sick, add_cases
from tests.web_city import NOW, Place, SignIn, app, city, csrf_token, settings, sign_in, text_of
from web.context import Moment
from web.selection import Selection
from web.server import create_app
from web.workbench.views import follows, kept_query

__all__ = ["app", "city", "settings", "sign_in"]
"""Fixtures."""

TODAY = Moment(today=date(2026, 11, 22), as_of=None)
DISEASES = ("dengue",)
LIST, EMBEDS = "tools-view-list.children", "tools-embed-list.children"


@pytest.fixture(autouse=True)
def nothing_kept(engine: Engine) -> Iterator[None]:
    yield
    with session_scope(engine) as session:
        for table in (DefaultView, SavedView, Embed):
            session.execute(delete(table))


def user_id(session: Session, name: str) -> int:
    return session.scalars(select(User.id).where(User.username == name)).one()


def kept(query: str, *, follow: bool, on: Moment = TODAY) -> str:
    return kept_query(Selection.parse(query, DISEASES), "106.7,10.8,11", on, follow=follow)


# --- what of a URL is kept ---------------------------------------------------------------------------------


def test_seven_days_to_today_become_the_last_seven_days() -> None:
    query = kept("disease=dengue&from=2026-11-16&to=2026-11-22", follow=True)
    assert query == "disease=dengue&days=7&at=106.7,10.8,11"
    later = Moment(today=date(2027, 3, 1), as_of=None)
    assert Selection.parse(query, DISEASES).period(later) == (date(2027, 2, 23), date(2027, 3, 1))
    assert follows(query)


def test_a_view_with_fixed_days_shows_the_same_for_ever() -> None:
    query = kept("days=7", follow=False)
    chosen = Selection.parse(query, DISEASES)
    assert chosen.on == date(2026, 11, 22)
    assert chosen.period(TODAY) == (date(2026, 11, 16), date(2026, 11, 22))
    assert not follows(query)


# --- names, owners, sharing --------------------------------------------------------------------------------


def test_own_views_come_first_and_colleagues_see_only_shared_ones(
    session: Session, city: dict[str, Place]
) -> None:
    one, other = user_id(session, "analyst"), user_id(session, "manager")
    save_view(session, one, "Riêng", "days=7", shared=False, now=NOW)
    save_view(session, one, "Chung", "days=14", shared=True, now=NOW)
    save_view(session, other, "Của tôi", "", shared=False, now=NOW)
    assert [view.name for view, _owner in views_for(session, other)] == ["Của tôi", "Chung"]


def test_saving_under_the_same_name_renews_the_view(session: Session, city: dict[str, Place]) -> None:
    who = user_id(session, "analyst")
    first = save_view(session, who, "Giao ban", "days=7", shared=False, now=NOW)
    again = save_view(session, who, "  Giao   ban ", "days=14", shared=True, now=NOW)
    assert (again.id, again.query, again.shared) == (first.id, "days=14", True)


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_a_view_needs_a_name_of_some_letters(session: Session, city: dict[str, Place], name: str) -> None:
    with pytest.raises(ViewError):
        save_view(session, user_id(session, "analyst"), name, "", shared=False, now=NOW)


def test_only_the_owner_changes_a_view_and_names_stay_different(
    session: Session, city: dict[str, Place]
) -> None:
    one, other = user_id(session, "analyst"), user_id(session, "manager")
    view = save_view(session, one, "Một", "", shared=True, now=NOW)
    save_view(session, one, "Hai", "", shared=False, now=NOW)
    with pytest.raises(ViewError, match="Chỉ người lưu"):
        own_view(session, view.id, other)
    with pytest.raises(ViewError, match="Đã có khung nhìn tên “Hai”"):
        rename_view(session, view, "Hai")


def test_a_default_that_is_no_longer_shared_or_gone_opens_nothing(
    session: Session, city: dict[str, Place]
) -> None:
    one, other = user_id(session, "analyst"), user_id(session, "manager")
    view = save_view(session, one, "Chung", "days=7", shared=True, now=NOW)
    open_with(session, other, view.id)
    session.flush()
    found = default_view(session, other)
    assert found is not None and found.id == view.id
    view.shared = False
    session.flush()
    assert default_view(session, other) is None
    delete_view(session, view)
    session.flush()
    session.expire_all()
    assert session.get(DefaultView, other) is None


# --- on the page -------------------------------------------------------------------------------------------


def test_the_page_saves_lists_and_opens_with_a_view(app: Dash, sign_in: SignIn, engine: Engine) -> None:
    client = sign_in("analyst")
    given = {
        "tools-view-save": 1, "tools-view-name": "Giao ban sáng", "tools-view-shared": True, "tools-view-follow": True,
        "map-url": "?disease=dengue&from=2026-11-16&at=106.7,10.8,11",
    }  # fmt: skip
    answer = text_of(wild(app, client, LIST, given, "tools-view-save.n_clicks"))
    assert "Giao ban sáng" in answer
    assert "/map?disease=dengue&days=7&at=106.7,10.8,11" in answer
    with session_scope(engine) as session:
        view = session.scalars(select(SavedView)).one()
        open_with(session, user_id(session, "analyst"), view.id)
    assert client.get("/map").headers["Location"] == "/map?disease=dengue&days=7&at=106.7,10.8,11"
    assert client.get("/map?disease=dengue").status_code == 200


def wild(app: Dash, client: FlaskClient, output: str, given: dict[str, object], trigger: str) -> TestResponse:
    """As `run_callback`, but rows of the list, of which there is none yet, are sent as nothing."""
    with app.server.test_request_context():
        app._setup_server()
    key = next(key for key in app.callback_map if output in re.split(r"\.{2,}", key.strip(".")))
    spec = app.callback_map[key]

    def sent(part: dict[str, str]) -> object:
        if part["id"].startswith("{"):
            return []
        return {"id": part["id"], "property": part["property"], "value": given.get(part["id"])}

    outputs = [
        {"id": id, "property": name.partition("@")[0]}
        for id, name in (p.rsplit(".", 1) for p in key.strip(".").split("..."))
    ]
    body = {
        "output": key, "outputs": outputs, "inputs": [sent(part) for part in spec["inputs"]],
        "state": [sent(part) for part in spec["state"]], "changedPropIds": [trigger],
    }  # fmt: skip
    return client.post("/_dash-update-component", json=body, headers={"X-CSRFToken": csrf_token(client)})


# --- embedded pages ----------------------------------------------------------------------------------------


@pytest.fixture
def token(engine: Engine, city: dict[str, Place]) -> str:
    with session_scope(engine) as session:
        user = session.get(User, user_id(session, "analyst"))
        assert user is not None
        _embed, secret = make_embed(
            session, user, "Màn hình", "layers=outbreaks:100,cases:100", days=7, now=NOW
        )
    return secret


@pytest.fixture
def stranger(app: Dash) -> FlaskClient:
    client: FlaskClient = app.server.test_client()
    return client


def test_anybody_with_the_address_sees_the_picture(stranger: FlaskClient, token: str) -> None:
    page = stranger.get(f"/embed/{token}")
    assert page.status_code == 200
    assert "Màn hình" in page.text and f"/embed/{token}/map.svg" in page.text
    root = ElementTree.fromstring(stranger.get(f"/embed/{token}/map.svg").data)
    classes = {each.get("class") for each in root.iter()}
    assert "area" in classes
    assert not classes & {"case", "cell", "outbreak", "brought"}


def test_a_wrong_an_ended_and_a_revoked_address_show_nothing(
    stranger: FlaskClient, token: str, engine: Engine
) -> None:
    assert stranger.get("/embed/wrong").status_code == 404
    with session_scope(engine) as session:
        embed = session.scalars(select(Embed)).one()
        embed.expires_at = NOW - timedelta(days=1)
    assert stranger.get(f"/embed/{token}/map.svg").status_code == 404
    with session_scope(engine) as session:
        embed = session.scalars(select(Embed)).one()
        embed.expires_at = NOW + timedelta(days=1)
        revoke_embed(session, embed.id, embed.made_by, NOW)
    assert stranger.get(f"/embed/{token}").status_code == 404


def test_the_secret_is_kept_nowhere_and_making_and_ending_are_written_down(
    engine: Engine, token: str
) -> None:
    with session_scope(engine) as session:
        embed = session.scalars(select(Embed)).one()
        assert embed.digest == digest_of(token)
        revoke_embed(session, embed.id, embed.made_by, NOW)
        session.flush()
        logged = session.scalars(select(AccessLog).where(AccessLog.action.like("embed.%"))).all()
        assert {row.action for row in logged} == {"embed.made", "embed.revoked"}
        assert all(token not in str(row.detail) for row in logged)


def test_areas_with_few_cases_are_not_told_in_public(
    stranger: FlaskClient, sign_in: SignIn, engine: Engine, city: dict[str, Place]
) -> None:
    """Six cases in one commune, two in another: the second is hatched outside, and coloured for those signed in. Data
    begin on the first of the three days."""
    many, few = city["Ô 0"].id, city["Ô 1"].id
    sick = [
        Sick(day=date(2026, 11, 20), unit_id=unit) for unit, n in ((many, 6), (few, 2)) for _i in range(n)
    ]
    with session_scope(engine) as session:
        add_cases(session, session.scalars(select(IngestRun.id)).one(), sick)
        user = session.get(User, user_id(session, "analyst"))
        assert user is not None
        _embed, secret = make_embed(session, user, "Số ca", "metric=cases&days=3", days=7, now=NOW)
    outside = fills(stranger.get(f"/embed/{secret}/map.svg").data)
    inside = fills(sign_in("analyst").get("/map.sheet?metric=cases&days=3").data)
    assert inside[few] != inside[city["Ô 3"].id]
    assert outside[many] == inside[many]
    assert outside[few] == "#eef0f2"


def fills(svg: bytes) -> dict[int, str]:
    root = ElementTree.fromstring(svg)
    return {int(e.get("data-unit", 0)): str(e.get("fill")) for e in root.iter() if e.get("class") == "area"}


def test_nobody_frames_it_unless_the_setting_says_who(
    stranger: FlaskClient, token: str, settings: Settings, engine: Engine
) -> None:
    assert "frame-ancestors 'none'" in stranger.get(f"/embed/{token}").headers["Content-Security-Policy"]
    open_to = replace(settings, embed_origins=("https://noibo.hcdc.vn",))
    answer = create_app(open_to, engine).server.test_client().get(f"/embed/{token}")
    assert "frame-ancestors https://noibo.hcdc.vn" in answer.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer.headers
    login = create_app(open_to, engine).server.test_client().get("/login")
    assert "frame-ancestors 'none'" in login.headers["Content-Security-Policy"]


def test_the_setting_takes_origins_only() -> None:
    read = Settings.from_environment({"CANHDICH_EMBED_ORIGINS": "https://a.vn, http://b.local:8080"})
    assert read.embed_origins == ("https://a.vn", "http://b.local:8080")
    for wrong in ("*", "https://a.vn/page", "a.vn", "'self'; script-src *"):
        with pytest.raises(SettingsError):
            Settings.from_environment({"CANHDICH_EMBED_ORIGINS": wrong})


def test_an_officer_makes_no_embedded_page(app: Dash, sign_in: SignIn, city: dict[str, Place]) -> None:
    assert wild(app, sign_in("officer"), EMBEDS, {}, "tools-changed.data").status_code == 403
