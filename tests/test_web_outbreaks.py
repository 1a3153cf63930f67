"""The outbreaks page and its data: what each role sees and may do."""

from __future__ import annotations

import json
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from dash import Dash
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import Engine, select, text
from werkzeug.test import TestResponse

from accounts.models import AccessLog
from db import session_scope
from surveillance.models import IngestRun
from surveillance.outbreaks.models import OutbreakEvent, OutbreakVersion
from tests.line_list import Sick, add_cases, evening
from tests.web_city import (
    Place,
    SignIn,
    app,
    city,
    client,
    csrf_token,
    run_callback,
    settings,
    sign_in,
    text_of,
)  # fmt: skip
from tests.web_outbreak import FIRST_CLOSING, outbreak

__all__ = ["app", "city", "client", "outbreak", "settings", "sign_in"]
"""Fixtures."""

HEAD, GRID = "outbreak-head.children", "outbreaks-grid.rowData"


def rows(app: Dash, client: FlaskClient, when: str = "") -> list[dict[str, Any]]:
    answer = run_callback(client, app, GRID, {"outbreaks-when": when})
    found: list[dict[str, Any]] = answer.get_json()["response"]["outbreaks-grid"]["rowData"]
    return found


def detail(app: Dash, client: FlaskClient, outbreak: int, when: str = "") -> dict[str, Any]:
    given = {"outbreak-id": str(outbreak), "outbreaks-when": when}
    answer: dict[str, Any] = run_callback(client, app, HEAD, given).get_json()["response"]
    return answer


def words(part: Any) -> str:
    return json.dumps(part, ensure_ascii=False)


def press(app: Dash, client: FlaskClient, button: str, outbreak: int, **typed: Any) -> TestResponse:
    """Press `button` with what was typed; the wildcard of the “take back” buttons is empty."""
    with app.server.test_request_context():
        app._setup_server()
    key = next(key for key in app.callback_map if "outbreak-acted.data" in key)
    spec = app.callback_map[key]
    values = {"outbreak-id": str(outbreak), button: 1} | typed

    def given(part: dict[str, str]) -> Any:
        if part["id"].startswith("{"):
            return []
        return {"id": part["id"], "property": part["property"], "value": values.get(part["id"])}

    body = {
        "output": key,
        "outputs": [
            {"id": id, "property": name.partition("@")[0]}
            for id, name in (p.rsplit(".", 1) for p in key.strip(".").split("..."))
        ],
        "inputs": [given(part) for part in spec["inputs"]],
        "state": [given(part) for part in spec["state"]],
        "changedPropIds": [f"{button}.n_clicks"],
    }
    return client.post("/_dash-update-component", json=body, headers={"X-CSRFToken": csrf_token(client)})


def survey(**counts: int) -> dict[str, Any]:
    return {"outbreak-survey-on": "2026-11-22"} | {f"outbreak-survey-{k}": v for k, v in counts.items()}


def of_measure(**typed: Any) -> dict[str, Any]:
    return {f"outbreak-measure-{name}": value for name, value in typed.items()}


def status(engine: Engine) -> str:
    with session_scope(engine) as session:
        return session.scalars(select(OutbreakVersion.status).where(OutbreakVersion.known_to.is_(None))).one()


# --- seeing ------------------------------------------------------------------------------------------------


def test_the_list_names_place_cases_and_deadline(app: Dash, sign_in: SignIn, outbreak: int) -> None:
    [row] = rows(app, sign_in("analyst"))
    assert (row["id"], row["place"], row["cases"]) == (str(outbreak), "Phường Ô 0 (+1)", 3)
    assert (row["status"], row["deadline"], row["dates"]) == ("! Xác định", "còn 2 ngày", "10/11 – 16/11")


def test_an_officer_sees_an_outbreak_that_only_partly_lies_in_their_area(
    app: Dash, sign_in: SignIn, outbreak: int
) -> None:
    client = sign_in("officer")
    assert [row["id"] for row in rows(app, client)] == [str(outbreak)]
    assert "Phường Ô 0" in words(detail(app, client, outbreak))


def test_filters_come_from_the_url(app: Dash, sign_in: SignIn, outbreak: int) -> None:
    client = sign_in("analyst")
    assert rows(app, client, "dengue|open||ô 1") != []
    assert rows(app, client, "dengue|closed||") == []
    assert rows(app, client, "measles|open||") == []
    assert rows(app, client, "dengue|open|2026-11-20|") == []
    assert len(rows(app, client, "nonsense|nonsense|nonsense|")) == 1


def test_the_detail_says_why_what_is_due_and_names_nobody(app: Dash, sign_in: SignIn, outbreak: int) -> None:
    seen = detail(app, sign_in("analyst"), outbreak)
    assert "tiêu chuẩn cho phép 200 m" in words(seen["outbreak-body"])
    assert "Bắt đầu xử lý ổ dịch trong 48 giờ." in words(seen["outbreak-todo"])
    assert FIRST_CLOSING in words(seen["outbreak-head"])
    assert seen["outbreak-start"]["className"] == "button button-primary"
    assert seen["outbreak-reopen"]["className"] == "button is-hidden"


def test_a_past_day_is_only_looked_at(app: Dash, sign_in: SignIn, outbreak: int) -> None:
    seen = detail(app, sign_in("analyst"), outbreak, "||2026-11-21|")
    assert "Không có ổ dịch này" in words(seen["outbreak-head"])
    assert "is-hidden" in seen["outbreak-start"]["className"]


def test_a_number_that_is_none_is_answered_in_words(app: Dash, sign_in: SignIn, outbreak: int) -> None:
    assert "Không có ổ dịch này" in words(detail(app, sign_in("analyst"), outbreak + 99))
    answer = run_callback(sign_in("analyst"), app, HEAD, {"outbreak-id": "1; DROP TABLE"})
    assert "Chọn một ổ dịch" in text_of(answer)


def test_alerts_and_communes_lead_to_their_outbreaks(
    app: Dash, sign_in: SignIn, city: dict[str, Place], outbreak: int
) -> None:
    client = sign_in("analyst")
    alert = run_callback(client, app, "alert-head.children", {"alerts-id": str(city["Ô 1"].alert_id)})
    given = {"map-panel-query": f"disease=dengue&unit={city['Ô 1'].id}"}
    panel = run_callback(client, app, "map-panel.children", given)
    clicked = run_callback(client, app, "map-panel.children", {"map-panel-query": f"outbreak={outbreak}"})
    for page in (alert, panel, clicked):
        assert f"/outbreaks?id={outbreak}" in text_of(page)


def test_the_list_says_how_many_cases_could_not_be_considered_and_why(
    app: Dash, sign_in: SignIn, city: dict[str, Place], outbreak: int, engine: Engine
) -> None:
    with session_scope(engine) as session:
        run = session.scalars(select(IngestRun.id)).one()
        far = [Sick(day=date(2026, 11, 18), unit_id=city["Ô 0"].id, known_from=evening(date(2026, 11, 18)))]
        add_cases(session, run, far * 2)

    def said(name: str, when: str = "") -> str:
        return text_of(
            run_callback(sign_in(name), app, "outbreaks-overlooked.children", {"outbreaks-when": when})
        )

    assert "2 ca trong 28 ngày qua không xét được" in said("analyst")
    assert "chưa được xác minh" in said("analyst")
    assert "không xét được" not in said("officer"), "they live in the other commune"
    assert "không xét được" not in said("analyst", "measles|open||")


def test_the_detail_says_who_may_have_infected_whom_to_those_who_see_cases(
    app: Dash, sign_in: SignIn, outbreak: int
) -> None:
    seen = words(detail(app, sign_in("analyst"), outbreak)["outbreak-body"])
    assert "Có thể, không phải bằng chứng" in seen and "Dòng thời gian" in seen
    assert "Có thể lây từ ai" not in words(detail(app, sign_in("manager"), outbreak)["outbreak-body"])


def test_the_detail_says_what_closing_still_needs_and_when_a_measure_can_be_compared(
    app: Dash, sign_in: SignIn, outbreak: int
) -> None:
    client = sign_in("officer")
    press(app, client, "outbreak-measure-save", outbreak, **of_measure(kind="spraying", on="2026-11-20"))
    seen = words(detail(app, client, outbreak)["outbreak-body"])
    assert "6 ngày không có ca mới (cần 28 ngày)" in seen
    assert "Chưa: chưa đủ số ngày theo tiêu chuẩn." in seen
    assert "đủ ngày để so sánh từ 25/12/2026" in seen, "7 days of lag and 28 to count after the 20th"


def test_what_a_round_used_stands_in_the_list_the_comparison_the_timeline_and_the_dossier(
    app: Dash, sign_in: SignIn, outbreak: int
) -> None:
    client = sign_in("officer")
    typed = {"kind": "spraying", "on": "2026-11-20", "product": "Malathion 96 %", "litres": 12.5}
    press(app, client, "outbreak-measure-save", outbreak, **of_measure(**typed))
    seen = words(detail(app, client, outbreak)["outbreak-body"])
    said = "Phun hóa chất ngày 20/11/2026. Đã dùng Malathion 96 %, 12,5 lít."
    assert seen.count(said) == 4, "list, timeline, timeline in words, log"
    assert "Phun hóa chất (Malathion 96 %)" in seen
    pdf = PdfReader(BytesIO(client.get(f"/outbreaks/{outbreak}/dossier.pdf").data))
    assert "Malathion 96 %" in "".join(page.extract_text() for page in pdf.pages)


def test_what_the_form_hides_for_this_kind_of_work_is_not_kept(
    app: Dash, sign_in: SignIn, outbreak: int, engine: Engine
) -> None:
    typed = {"kind": "communication", "on": "2026-11-20", "product": "Malathion", "litres": 12.5}
    press(app, sign_in("officer"), "outbreak-measure-save", outbreak, **of_measure(**typed))
    with session_scope(engine) as session:
        [entry] = session.scalars(select(OutbreakEvent).where(OutbreakEvent.kind == "communication"))
    assert "product" not in entry.detail and "litres" not in entry.detail


# --- acting ------------------------------------------------------------------------------------------------


def test_handling_begins_with_one_press(app: Dash, sign_in: SignIn, outbreak: int, engine: Engine) -> None:
    client = sign_in("officer")
    answer = press(app, client, "outbreak-start", outbreak)
    assert "“Đang xử lý”" in text_of(answer)
    assert status(engine) == "active"
    assert "Người Thử" in words(detail(app, client, outbreak)["outbreak-body"])


def test_people_do_not_wait_while_the_worker_finds_reasons(
    app: Dash, sign_in: SignIn, outbreak: int, engine: Engine
) -> None:
    with engine.begin() as worker:
        worker.execute(text("SELECT pg_advisory_xact_lock(hashtext('canhdich:outbreaks:worker:public'))"))
        assert "“Đang xử lý”" in text_of(press(app, sign_in("officer"), "outbreak-start", outbreak))


def test_closing_too_early_is_refused_before_a_reason_is_asked_for(
    app: Dash, sign_in: SignIn, outbreak: int, engine: Engine
) -> None:
    answer = press(app, sign_in("officer"), "outbreak-close", outbreak).get_json()["response"]
    assert f"Sớm nhất là ngày {FIRST_CLOSING}" in words(answer["outbreak-feedback"])
    assert "outbreak-reason" not in answer
    assert status(engine) == "confirmed"


def test_a_survey_is_shown_with_its_indices_and_can_be_taken_back(
    app: Dash, sign_in: SignIn, outbreak: int, engine: Engine
) -> None:
    client = sign_in("officer")
    counts = survey(houses=30, houses_with_larvae=6, containers_with_larvae=9)
    answer = press(app, client, "outbreak-survey-save", outbreak, **counts)
    assert "BI 30,0 · HI 20,0 %" in text_of(answer)
    assert "Nguy cơ cao: BI 30, từ 30 trở lên." in words(detail(app, client, outbreak))
    with session_scope(engine) as session:
        entry = session.scalars(select(OutbreakEvent.id).where(OutbreakEvent.kind == "survey")).one()
    typed = {"outbreak-reason-for": f"withdraw {entry}", "outbreak-reason-text": "Nhầm ổ."}
    assert "Đã rút lại." in text_of(press(app, client, "outbreak-reason-save", outbreak, **typed))
    assert "Chưa có lần giám sát nào." in words(detail(app, client, outbreak))


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ({"houses": 3, "houses_with_larvae": 6}, "lớn hơn tổng số"),
        ({"houses_with_larvae": 6}, "số nhà đã kiểm tra"),
        ({"houses": -1}, "không được âm"),
    ],
)
def test_counts_that_cannot_be_are_refused_where_they_were_typed(
    app: Dash, sign_in: SignIn, outbreak: int, counts: dict[str, int], why: str
) -> None:
    answer = press(app, sign_in("officer"), "outbreak-survey-save", outbreak, **survey(**counts))
    assert why in words(answer.get_json()["response"]["outbreak-survey-error"])
    preview = run_callback(sign_in("officer"), app, "outbreak-survey-indices.children", survey(**counts))
    assert why in text_of(preview)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [({"on": None}, "Hãy chọn ngày."), ({"litres": -3}, "lớn hơn 0"), ({"litres": "-"}, "phải là một số")],
)
def test_a_measure_that_cannot_be_is_refused_where_it_was_typed(
    app: Dash, sign_in: SignIn, outbreak: int, wrong: dict[str, Any], why: str
) -> None:
    typed = of_measure(**{"kind": "spraying", "on": "2026-11-20"} | wrong)
    answer = press(app, sign_in("officer"), "outbreak-measure-save", outbreak, **typed)
    assert why in words(answer.get_json()["response"]["outbreak-measure-error"])


def test_a_manager_only_looks(app: Dash, sign_in: SignIn, outbreak: int, engine: Engine) -> None:
    client = sign_in("manager")
    assert press(app, client, "outbreak-start", outbreak).status_code == 403
    assert "is-hidden" in detail(app, client, outbreak)["outbreak-start"]["className"]
    assert status(engine) == "confirmed"


# --- the map's data and the dossier ---------------------------------------------------------------------------


def kinds(client: FlaskClient, outbreak: int) -> list[str]:
    answer = client.get(f"/api/outbreaks/{outbreak}")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    return [feature["properties"]["kind"] for feature in answer.get_json()["features"]]


def test_homes_are_shown_to_those_who_work_there_and_reading_them_is_written_down(
    sign_in: SignIn, outbreak: int, engine: Engine
) -> None:
    assert kinds(sign_in("manager"), outbreak) == ["area"]
    assert kinds(sign_in("officer"), outbreak) == ["area", "case"]
    assert kinds(sign_in("analyst"), outbreak) == ["area", "case", "case", "case", "link", "link"]
    with session_scope(engine) as session:
        read = [(entry.action, entry.detail["cases"]) for entry in session.scalars(select(AccessLog))]
    assert read == [("outbreak.places", 1), ("outbreak.places", 3)]


@pytest.mark.parametrize("path", ["/api/outbreaks", "/api/outbreaks/1"])
def test_a_stranger_gets_no_place(client: FlaskClient, outbreak: int, path: str) -> None:
    assert client.get(path).status_code == 401


def test_outlines_are_those_of_the_day_and_the_disease(sign_in: SignIn, outbreak: int) -> None:
    client = sign_in("analyst")
    first = client.get("/api/outbreaks?disease=dengue")
    assert {f["properties"]["outbreak"] for f in first.get_json()["features"]} == {outbreak}
    assert "3 ca" in first.get_json()["features"][0]["properties"]["text"]
    again = client.get("/api/outbreaks?disease=dengue", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    for other in ("disease=measles", "disease=dengue&on=2026-11-20"):
        assert client.get(f"/api/outbreaks?{other}").get_json()["features"] == []


def test_the_dossier_is_a_pdf_for_those_who_see_the_outbreak(sign_in: SignIn, outbreak: int) -> None:
    answer = sign_in("officer").get(f"/outbreaks/{outbreak}/dossier.pdf")
    assert answer.data.startswith(b"%PDF-")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert sign_in("officer").get(f"/outbreaks/{outbreak + 99}/dossier.pdf").status_code == 404
