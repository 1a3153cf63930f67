"""The web application as a browser meets it: who gets in, what is protected, the map, health."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dash import Dash
from flask.testing import FlaskClient
from sqlalchemy import Engine, delete

from db import make_engine, session_scope
from i18n import Message
from settings import Settings, SettingsError
from surveillance.detection import explain
from surveillance.estimates import HALVING, NOWCAST_NONE
from surveillance.models import JobSchedule, SignalRow
from surveillance.signals import store_signals
from surveillance.types import Frequency, Signal
from tests.web_city import (
    LEVELS,
    NOW,
    PASSWORD,
    Place,
    SignIn,
    app,
    city,
    client,
    csrf_token,
    post_login,
    run_callback,
    settings,
    sign_in,
    text_of,
)  # fmt: skip
from web.serve import check_port
from web.server import create_app

__all__ = ["app", "city", "client", "settings", "sign_in"]
"""Fixtures."""


# --- signing in ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/map", "/alerts/1", "/data", "/reports", "/map.sheet", "/reports/files/1/a.pdf"]
)
def test_pages_and_files_lead_a_stranger_to_sign_in(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.location.startswith("/login?next=")


@pytest.mark.parametrize(
    "path", ["/_dash-layout", "/_dash-dependencies", "/t/communes/8/203/120", "/api/version"]
)
def test_layout_tiles_and_data_are_refused_to_a_stranger(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 401


def test_a_stranger_cannot_run_a_callback(app: Dash, client: FlaskClient) -> None:
    assert run_callback(client, app, "map-panel.children", {}).status_code == 401


@pytest.mark.parametrize(("name", "page"), [("analyst", "/map"), ("officer", "/my"), ("manager", "/reports")])
def test_each_role_lands_on_its_own_page(client: FlaskClient, name: str, page: str) -> None:
    assert post_login(client, name, PASSWORD).location == page


def test_a_wrong_password_is_refused_in_words(client: FlaskClient) -> None:
    answer = post_login(client, "analyst", "sai mật khẩu")
    assert answer.status_code == 401
    assert "Tên đăng nhập hoặc mật khẩu không đúng." in answer.text


@pytest.mark.parametrize("elsewhere", ["//evil.example/x", "https://evil.example", "/\\evil.example"])
def test_signing_in_never_leads_to_another_site(client: FlaskClient, elsewhere: str) -> None:
    assert post_login(client, "analyst", PASSWORD, next=elsewhere).location == "/map"


def test_signing_in_leads_back_to_the_page_that_was_wanted(client: FlaskClient) -> None:
    assert post_login(client, "analyst", PASSWORD, next="/alerts/3").location == "/alerts/3"


def test_guessing_passwords_is_slowed_down(client: FlaskClient) -> None:
    answers = [post_login(client, "analyst", f"đoán lần {n}").status_code for n in range(11)]
    assert answers == [401] * 10 + [429]


def test_one_click_accounts_exist_in_a_demonstration_only(
    app: Dash, client: FlaskClient, settings: Settings, engine: Engine
) -> None:
    form = {"username": "analyst", "csrf_token": csrf_token(client)}
    assert client.post("/login/demo", data=form).status_code == 404
    demo = create_app(replace(settings, demo=True), engine).server.test_client()
    assert "Dùng thử với vai trò" in demo.get("/login").text
    form["csrf_token"] = csrf_token(demo)
    assert demo.post("/login/demo", data=form).location == "/map"


def test_signing_out_ends_the_session(sign_in: SignIn) -> None:
    client = sign_in("analyst")
    client.post("/logout", headers={"X-CSRFToken": csrf_token(client)})
    assert client.get("/map").status_code == 302


# --- protection ------------------------------------------------------------------------------------------


def test_forms_and_callbacks_need_the_anti_forgery_token(app: Dash, sign_in: SignIn) -> None:
    client = sign_in("analyst")
    assert client.post("/logout").status_code == 400
    assert run_callback(client, app, "map-panel.children", {}, token="wrong").status_code == 400


def test_scripts_come_from_this_site_only(client: FlaskClient) -> None:
    policy = client.get("/login").headers["Content-Security-Policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert re.fullmatch(r"script-src 'self'( 'sha256-[^']+')+", scripts)


def test_the_session_cookie_is_out_of_reach_of_scripts(client: FlaskClient) -> None:
    cookies = client.get("/login").headers.getlist("Set-Cookie")
    session = next(cookie for cookie in cookies if cookie.startswith("canhdich="))
    assert "HttpOnly" in session
    assert "SameSite=Lax" in session


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/assets/app.css?m=1", "immutable"),
        ("/assets/icons/map.svg", "max-age=3600"),
        ("/_dash-component-suites/web.epimap/dist/worker.v0m0.js", "max-age=31536000"),
    ],
)
def test_browsers_keep_the_programs_files_whoever_is_signed_in(sign_in: SignIn, path: str, kept: str) -> None:
    answer = sign_in("analyst").get(path)
    assert answer.status_code == 200
    assert kept in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")


# --- language and theme ----------------------------------------------------------------------------------


def test_the_page_says_its_language_and_theme_to_the_browser(client: FlaskClient) -> None:
    assert '<html lang="vi" data-mantine-color-scheme="light"' in client.get("/login").text
    client.get("/preferences?language=en&theme=dark")
    assert '<html lang="en" data-mantine-color-scheme="dark"' in client.get("/login").text


def test_changing_the_language_returns_to_the_same_page(sign_in: SignIn) -> None:
    client = sign_in("guest")
    before = {"Referer": "http://localhost/map?disease=dengue"}
    assert client.get("/preferences?language=en", headers=before).location == "/map?disease=dengue"
    elsewhere = {"Referer": "http://evil.example/map"}
    assert client.get("/preferences?language=en", headers=elsewhere).location == "/"


# --- map -------------------------------------------------------------------------------------------------


def test_the_map_shows_each_level_and_leaves_out_what_is_unknown(
    app: Dash, sign_in: SignIn, city: dict[str, Place]
) -> None:
    answer = run_callback(sign_in("analyst"), app, "map.layers", {"map-when": "disease=dengue"})
    layer = answer.get_json()["response"]["map"]["layers"][0]
    assert layer["values"] == {str(city[name].id): level for name, level in LEVELS.items()}
    assert layer["synthetic"] is True
    assert layer["tooltips"][str(city["Ô 3"].id)].startswith("Phường Ô 3\n? Chưa rõ")


def test_the_table_holds_what_the_map_shows(app: Dash, sign_in: SignIn, city: dict[str, Place]) -> None:
    answer = run_callback(sign_in("analyst"), app, "map.layers", {"map-when": "disease=dengue"})
    rows = answer.get_json()["response"]["map-grid"]["rowData"]
    assert {row["place"]: row["level_text"] for row in rows} == {
        "Phường Ô 0": "■ Rất cao",
        "Phường Ô 1": "▲ Trung bình",
        "Phường Ô 2": "● Thấp",
        "Phường Ô 3": "? Chưa rõ",
    }


def test_a_past_day_is_shown_as_it_was_known_then(app: Dash, sign_in: SignIn) -> None:
    answer = run_callback(sign_in("analyst"), app, "map.layers", {"map-when": "disease=dengue&on=2026-11-20"})
    response = answer.get_json()["response"]
    assert response["map"]["layers"][0]["values"] == {}
    assert "Như đã biết cuối ngày 20/11/2026" in json.dumps(response["map-note"], ensure_ascii=False)


def test_a_commune_says_why_it_has_its_level(app: Dash, sign_in: SignIn, city: dict[str, Place]) -> None:
    values = {"map-panel-query": f"disease=dengue&unit={city['Ô 0'].id}"}
    panel = text_of(run_callback(sign_in("analyst"), app, "map-panel.children", values))
    for words in ("Phường Ô 0", "■ Rất cao", "Có dịch", "Vì sao ở mức này", "Vì sao không cao hơn"):
        assert words in panel


@pytest.fixture
def estimates(engine: Engine, city: dict[str, Place]) -> Iterator[None]:
    """A nowcast, a growing epidemic and a method that could not judge, of the commune “Ô 2”."""
    unit, week = city["Ô 2"].id, {"frequency": Frequency.WEEK, "period_start": date(2026, 11, 16)}
    common: dict[str, Any] = {
        **week,
        "disease": "dengue",
        "unit_id": unit,
        "method_version": "1",
        "as_of": NOW,
    }
    common |= {"observed": 5.0, "expected": None, "upperbound": None}
    signals = [
        Signal(
            method="nowcast", alarm=False, reason=Message(NOWCAST_NONE, day=date(2026, 11, 22), reported=5.0, why=""),
            detail={"lacking": "", "weeks": [["2026-11-16", 8.0, 11.0, 15.0]]}, **common,
        ),
        Signal(method="rt", alarm=True, reason=Message(HALVING, found="", days=9), detail={"lacking": ""}, **common),
        Signal(
            method="farrington_flexible", alarm=False, reason=explain("insufficient_history"),
            detail={"lacking": "insufficient_history"}, **common,
        ),
    ]  # fmt: skip
    with session_scope(engine) as session:
        store_signals(session, signals, {}, now=NOW)
    yield
    with session_scope(engine) as session:
        session.execute(delete(SignalRow))


def test_the_panel_lists_what_every_method_says_alarms_first_and_what_could_not_be_judged_apart(
    app: Dash, sign_in: SignIn, city: dict[str, Place], estimates: None
) -> None:
    values = {"map-panel-query": f"disease=dengue&unit={city['Ô 2'].id}"}
    panel = text_of(run_callback(sign_in("analyst"), app, "map-panel.children", values))

    places = [
        panel.index(words)
        for words in ("một nửa sau khoảng 9 ngày", "đã báo cáo 5 ca", "(1)", "Chưa đủ số liệu")
    ]
    assert places == sorted(places)
    assert "Chưa kết luận được (1)" in panel


def test_the_curve_shows_what_is_still_to_be_reported(
    app: Dash, sign_in: SignIn, city: dict[str, Place], estimates: None
) -> None:
    values = {"map-panel-query": f"disease=dengue&unit={city['Ô 2'].id}"}
    panel = text_of(run_callback(sign_in("analyst"), app, "map-panel.children", values))

    assert "Ước tính khi đã báo cáo đủ: 11 (8–15)" in panel
    assert "Ước tính còn báo cáo chậm" in panel


def test_without_a_commune_the_panel_shows_the_city(
    app: Dash, sign_in: SignIn, city: dict[str, Place]
) -> None:
    panel = text_of(run_callback(sign_in("analyst"), app, "map-panel.children", {}))
    assert "Cảnh báo trong tuần (2)" in panel


def test_an_officers_week_holds_alerts_of_their_own_area_only(
    app: Dash, sign_in: SignIn, city: dict[str, Place]
) -> None:
    panel = text_of(run_callback(sign_in("officer"), app, "map-panel.children", {}))
    assert "Cảnh báo trong tuần (1)" in panel


def test_tiles_are_private_and_not_sent_twice(sign_in: SignIn) -> None:
    client = sign_in("officer")
    first = client.get("/t/communes/8/203/120")
    again = client.get("/t/communes/8/203/120", headers={"If-None-Match": first.headers["ETag"]})
    assert first.headers["Cache-Control"].startswith("private")
    assert len(first.data) > 0
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", ["/t/communes/99/0/0", "/t/communes/3/9/0"])
def test_there_is_no_tile_outside_the_pyramid(sign_in: SignIn, path: str) -> None:
    assert sign_in("analyst").get(path).status_code == 404


def test_machines_without_webgl_get_a_picture_of_the_same_map(app: Dash, sign_in: SignIn) -> None:
    client = sign_in("analyst")
    for when in ("disease=dengue&metric=rate", "disease=dengue&on=2026-11-20&sex=male"):
        answer = run_callback(client, app, "map.layers", {"map-when": when, "version": "7"}).get_json()
        picture = answer["response"]["map"]["noWebglUrl"]
        assert picture == f"/map.sheet?{when}&w={{w}}&h={{h}}&v=7"
        assert b"<svg" in client.get(picture.replace("{w}", "800").replace("{h}", "600")).data
    today, before = (client.get(f"/map.sheet?disease=dengue&on={on}").data for on in ("", "2026-11-20"))
    assert today != before


# --- health ----------------------------------------------------------------------------------------------


@pytest.fixture
def job(engine: Engine) -> Iterator[Callable[[timedelta], None]]:
    def succeeded(ago: timedelta) -> None:
        with session_scope(engine) as session:
            last = datetime.now(UTC) - ago
            session.add(JobSchedule(job="collect", late_after_s=120, last_success_at=last))

    yield succeeded
    with session_scope(engine) as session:
        session.execute(delete(JobSchedule))


def test_health_is_green_while_jobs_are_in_time(
    client: FlaskClient, job: Callable[[timedelta], None]
) -> None:
    job(timedelta(seconds=10))
    assert (client.get("/healthz").status_code, client.get("/healthz").get_json()["ok"]) == (200, True)


def test_health_is_red_when_a_job_is_late(client: FlaskClient, job: Callable[[timedelta], None]) -> None:
    job(timedelta(hours=1))
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.get_json()["jobs"]["collect"]["late"] is True


def test_metrics_are_for_this_machine_only(client: FlaskClient) -> None:
    assert b"canhdich_cases" in client.get("/metrics").data
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403


# --- when the database is gone ---------------------------------------------------------------------------


@pytest.fixture
def orphan(settings: Settings, tmp_path: Path, sign_in: SignIn) -> FlaskClient:
    """Somebody signed in, whose site lost its database."""
    known = sign_in("analyst").get_cookie("canhdich")
    assert known is not None
    engine = make_engine(f"postgresql://nobody@/nothing?host={tmp_path}", pooled=False)
    client: FlaskClient = create_app(settings, engine).server.test_client()
    client.set_cookie("canhdich", known.value)
    return client


@pytest.mark.parametrize("path", ["/map", "/alerts", "/"])
def test_without_a_database_a_page_says_so_with_a_code_and_tries_again(
    orphan: FlaskClient, path: str
) -> None:
    answer = orphan.get(path)
    assert answer.status_code == 503
    assert "Mất kết nối cơ sở dữ liệu, đang thử lại." in answer.text
    assert "DB-1" in answer.text
    assert 'http-equiv="refresh"' in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", ["/api/version", "/t/communes/8/203/120", "/healthz"])
def test_without_a_database_machines_get_a_503(orphan: FlaskClient, path: str) -> None:
    assert orphan.get(path).status_code == 503


def test_a_port_in_use_is_said_before_anything_starts(settings: Settings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = replace(settings, host="127.0.0.1", port=other.getsockname()[1])
        with pytest.raises(SettingsError, match="CANHDICH_PORT"):
            check_port(taken)
