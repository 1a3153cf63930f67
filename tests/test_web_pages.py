"""Alerts, data and reports on the web: what each role sees and may do."""

from __future__ import annotations

import io
import json

import pytest
from dash import Dash
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import Engine, delete, select, text
from werkzeug.test import TestResponse

from accounts.models import AccessLog
from alerts.models import Alert
from db import session_scope
from reports.models import ReportJob
from settings import Settings
from surveillance.models import RejectedRow
from tests.web_city import (
    NOW,
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

__all__ = ["app", "city", "client", "settings", "sign_in"]
"""Fixtures."""


# --- following new data ----------------------------------------------------------------------------------


def test_the_version_changes_when_there_is_something_new(
    app: Dash, sign_in: SignIn, city: dict[str, Place]
) -> None:
    client = sign_in("analyst")
    before = client.get("/api/version")
    unchanged = client.get("/api/version", headers={"If-None-Match": before.headers["ETag"]})
    comment(app, client, city["Ô 0"], "Đã gọi trạm y tế.")
    after = client.get("/api/version")
    assert unchanged.status_code == 304
    assert after.get_json()["version"] != before.get_json()["version"]
    assert before.get_json()["label"] == "Dữ liệu đến 13:00 22/11"


# --- alerts ----------------------------------------------------------------------------------------------


def comment(app: Dash, client: FlaskClient, place: Place, words: str) -> TestResponse:
    values = {"alerts-id": str(place.alert_id), "alert-comment": words, "alert-comment-send": 1}
    return run_callback(client, app, "alerts-acted.data", values, trigger="alert-comment-send.n_clicks")


def acknowledge(app: Dash, client: FlaskClient, place: Place) -> TestResponse:
    values = {"alerts-id": str(place.alert_id), "alert-acknowledge": 1}
    return run_callback(client, app, "alerts-acted.data", values, trigger="alert-acknowledge.n_clicks")


def test_an_officers_inbox_holds_their_own_area_only(
    app: Dash, sign_in: SignIn, city: dict[str, Place]
) -> None:
    answer = run_callback(sign_in("officer"), app, "alerts-grid.rowData", {"alerts-tab": "new"})
    assert [row["place"] for row in answer.get_json()["response"]["alerts-grid"]["rowData"]] == ["Phường Ô 1"]


def test_another_areas_alert_does_not_exist_for_an_officer(
    app: Dash, sign_in: SignIn, city: dict[str, Place]
) -> None:
    answer = run_callback(
        sign_in("officer"), app, "alert-head.children", {"alerts-id": str(city["Ô 0"].alert_id)}
    )
    assert "Không có cảnh báo này trong địa bàn bạn phụ trách." in text_of(answer)
    assert "Phường Ô 0" not in text_of(answer)


def test_an_officer_cannot_act_outside_their_area(
    app: Dash, sign_in: SignIn, city: dict[str, Place], engine: Engine
) -> None:
    answer = acknowledge(app, sign_in("officer"), city["Ô 0"])
    assert "Không có cảnh báo này trong địa bàn bạn phụ trách." in text_of(answer)
    assert state_of(engine, city["Ô 0"]) == "open"


def test_a_manager_only_looks(app: Dash, sign_in: SignIn, city: dict[str, Place], engine: Engine) -> None:
    assert acknowledge(app, sign_in("manager"), city["Ô 0"]).status_code == 403
    assert state_of(engine, city["Ô 0"]) == "open"


def test_closing_needs_a_conclusion_and_a_reason(
    app: Dash, sign_in: SignIn, city: dict[str, Place], engine: Engine
) -> None:
    values = {"alerts-id": str(city["Ô 0"].alert_id), "close-confirm": 1, "close-outcome": "false"}
    answer = run_callback(
        sign_in("analyst"), app, "alerts-acted.data", values, trigger="close-confirm.n_clicks"
    )
    assert "Hãy ghi lý do" in text_of(answer)
    assert answer.get_json()["response"]["close-dialog"]["opened"] is True
    assert state_of(engine, city["Ô 0"]) == "open"


def test_an_officer_takes_an_alert_on(
    app: Dash, sign_in: SignIn, city: dict[str, Place], engine: Engine
) -> None:
    client = sign_in("officer")
    acknowledge(app, client, city["Ô 1"])
    detail = text_of(
        run_callback(client, app, "alert-head.children", {"alerts-id": str(city["Ô 1"].alert_id)})
    )
    assert state_of(engine, city["Ô 1"]) == "acknowledged"
    assert "Đã tiếp nhận" in detail
    assert "Hạn ra thông báo (Thông tư 15/2026, điều 26)" in detail


def test_a_co_owned_or_foreign_alert_is_never_in_another_officers_bulk_act(
    app: Dash, sign_in: SignIn, city: dict[str, Place], engine: Engine
) -> None:
    rows = [{"id": str(city[name].alert_id)} for name in ("Ô 0", "Ô 1")]
    values = {"alerts-grid": rows, "bulk-acknowledge": 1}
    answer = run_callback(
        sign_in("officer"), app, "bulk-note.children", values, trigger="bulk-acknowledge.n_clicks"
    )
    assert f"Số {city['Ô 0'].alert_id}: Không có cảnh báo này" in text_of(answer)
    assert state_of(engine, city["Ô 0"]) == "open"


def test_what_another_did_meanwhile_is_told_and_the_page_drawn_anew(
    app: Dash, sign_in: SignIn, city: dict[str, Place], engine: Engine
) -> None:
    values = {"alerts-id": str(city["Ô 1"].alert_id), "alert-seen": 0, "alert-verify": 1}
    answer = run_callback(
        sign_in("analyst"), app, "alerts-acted.data", values, trigger="alert-verify.n_clicks"
    )
    assert "vừa xử lý cảnh báo này trước bạn: Đã tiếp nhận." in text_of(answer)
    assert answer.get_json()["response"]["alerts-acted"]["data"]
    assert state_of(engine, city["Ô 1"]) == "acknowledged"


def upload(client: FlaskClient, place: Place, content: bytes) -> TestResponse:
    headers = {"X-CSRFToken": csrf_token(client), "Content-Type": "application/octet-stream"}
    return client.post(f"/api/alerts/{place.alert_id}/files", data=content, headers=headers)


def photo(side: int = 64, **options: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((side, side), 60).save(out, "PNG", **options)
    return out.getvalue()


def test_a_photo_is_given_out_as_a_picture_that_no_cache_keeps(
    sign_in: SignIn, city: dict[str, Place], engine: Engine
) -> None:
    officer = sign_in("officer")
    file_id = upload(officer, city["Ô 1"], photo()).get_json()["id"]
    answer = officer.get(f"/alerts/files/{file_id}")
    assert answer.data.startswith(b"\xff\xd8\xff")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Disposition"] == f'inline; filename="anh-{file_id}.jpg"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    with session_scope(engine) as session:
        assert session.scalar(select(AccessLog).where(AccessLog.action == "alert.attachment")) is not None


def test_a_pdf_is_only_downloaded(sign_in: SignIn, city: dict[str, Place]) -> None:
    officer = sign_in("officer")
    file_id = upload(officer, city["Ô 1"], b"%PDF-1.4 x %%EOF").get_json()["id"]
    answer = officer.get(f"/alerts/files/{file_id}")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="tep-{file_id}.pdf"'
    assert answer.headers["Content-Type"] == "application/pdf"


def test_a_file_above_what_other_requests_may_be_is_taken(sign_in: SignIn, city: dict[str, Place]) -> None:
    large = photo(2200)
    assert len(large) > 2 * 1024 * 1024
    assert upload(sign_in("officer"), city["Ô 1"], large).status_code == 201


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<script>alert(1)</script>", "Chỉ nhận ảnh"),
        (bytes(11 * 1024 * 1024), "lớn quá 10 MB"),
        (bytes(21 * 1024 * 1024), "Tệp quá lớn"),
    ],
)
def test_a_file_that_is_not_taken_is_refused_in_words(
    sign_in: SignIn, city: dict[str, Place], content: bytes, words: str
) -> None:
    answer = upload(sign_in("officer"), city["Ô 1"], content)
    assert answer.status_code in (400, 413)
    assert words in answer.get_json()["error"]


def test_files_of_another_area_do_not_exist_for_an_officer(
    app: Dash, sign_in: SignIn, city: dict[str, Place]
) -> None:
    file_id = upload(sign_in("analyst"), city["Ô 0"], photo()).get_json()["id"]
    officer = sign_in("officer")
    assert officer.get(f"/alerts/files/{file_id}").status_code == 404
    assert officer.get("/alerts/files/999999").status_code == 404
    assert upload(officer, city["Ô 0"], photo()).status_code == 400
    assert upload(sign_in("manager"), city["Ô 0"], photo()).status_code == 403
    assert app.server.test_client().get(f"/alerts/files/{file_id}").status_code == 302


def test_a_file_needs_the_anti_forgery_token(sign_in: SignIn, city: dict[str, Place]) -> None:
    client = sign_in("officer")
    assert client.post(f"/api/alerts/{city['Ô 1'].alert_id}/files", data=photo()).status_code == 400


def state_of(engine: Engine, place: Place) -> str:
    with session_scope(engine) as session:
        return session.get_one(Alert, place.alert_id).state


# --- data ------------------------------------------------------------------------------------------------


def rejected_id(engine: Engine) -> int:
    with session_scope(engine) as session:
        return session.scalars(select(RejectedRow.id)).one()


def reveal(app: Dash, client: FlaskClient, row: int) -> TestResponse:
    part = {"part": "reveal", "row": row}
    name = json.dumps(part, separators=(",", ":"), sort_keys=True)
    output = '{"part":"value","row":["MATCH"]}'
    body = {
        "output": f"{output}.children",
        "outputs": {"id": {"part": "value", "row": row}, "property": "children"},
        "inputs": [{"id": part, "property": "n_clicks", "value": 1}],
        "changedPropIds": [f"{name}.n_clicks"],
    }
    return client.post("/_dash-update-component", json=body, headers={"X-CSRFToken": csrf_token(client)})


def test_a_rejected_row_says_where_and_why_but_not_what_stood_there(
    app: Dash, sign_in: SignIn, engine: Engine
) -> None:
    page = text_of(run_callback(sign_in("analyst"), app, "data-content.children", {"data-url": "?run=1"}))
    assert "Tuổi phải là số." in page
    assert '"17"' in page
    assert "1o5" not in page


def test_an_analyst_may_look_and_it_is_written_down(app: Dash, sign_in: SignIn, engine: Engine) -> None:
    with session_scope(engine) as session:
        session.execute(delete(AccessLog))
    row = rejected_id(engine)
    assert "1o5" in text_of(reveal(app, sign_in("analyst"), row))
    with session_scope(engine) as session:
        entry = session.scalars(select(AccessLog)).one()
    assert (entry.action, entry.detail) == ("rejected_row.reveal", {"rejected_row": row})


@pytest.mark.parametrize("name", ["manager", "officer"])
def test_nobody_else_may_look(app: Dash, sign_in: SignIn, engine: Engine, name: str) -> None:
    assert reveal(app, sign_in(name), rejected_id(engine)).status_code == 403


def test_an_officer_has_no_data_page(app: Dash, sign_in: SignIn) -> None:
    client = sign_in("officer")
    page = text_of(run_callback(client, app, "page.children", {"url": "/data"}))
    assert "Tài khoản này không có quyền xem mục này." in page
    assert run_callback(client, app, "data-content.children", {}).status_code == 403


# --- reports ---------------------------------------------------------------------------------------------


def test_a_report_is_for_the_one_who_asked(
    app: Dash, sign_in: SignIn, engine: Engine, settings: Settings
) -> None:
    with session_scope(engine) as session:
        manager = session.execute(text("SELECT id FROM app_user WHERE username = 'manager'")).scalar_one()
        job = ReportJob(
            kind="counts",
            params={"start": "2026-11-16", "end": "2026-11-22", "disease": None, "locale": "vi"},
            requested_by=manager,
            requested_at=NOW,
            state="done",
            files=["so-ca.csv"],
        )
        session.add(job)
        session.flush()
        path = f"/reports/files/{job.id}/so-ca.csv"
        folder = settings.reports / str(job.id)
    folder.mkdir(parents=True)
    (folder / "so-ca.csv").write_text("mã;số ca")
    mine = sign_in("manager").get(path)
    assert mine.status_code == 200
    assert mine.headers["Cache-Control"] == "private, no-store"
    assert sign_in("analyst").get(path).status_code == 404
