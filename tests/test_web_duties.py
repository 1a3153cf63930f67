"""The page of duties, its papers and its acts: what each role sees and may do. The papers are really opened."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO, StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dash import Dash
from docx import Document
from flask.testing import FlaskClient
from openpyxl import load_workbook
from playwright.sync_api import Page, expect
from pypdf import PdfReader
from sqlalchemy import Engine, select, text
from werkzeug.serving import make_server

from alerts.agenda import tell_duties
from alerts.duty_models import Duty, DutyEvent
from db import session_scope
from settings import Settings
from surveillance.signals import replace_signals
from tests.alerting import epidemic
from tests.web_city import (
    NOW,
    PASSWORD,
    Place,
    SignIn,
    app,
    city,
    client,
    run_callback,
    settings,
    sign_in,
    text_of,
)  # fmt: skip
from tests.web_outbreak import outbreak
from worker import Chain

__all__ = ["app", "city", "client", "outbreak", "settings", "sign_in"]
"""Fixtures."""


@pytest.fixture
def duties(
    engine: Engine, settings: Settings, city: dict[str, Place], outbreak: int
) -> Iterator[dict[str, int]]:
    """Ids by kind, as the worker's own job opens them; the figures that the epidemic of “Ô 0” rests on."""
    figures = replace(epidemic(city["Ô 0"].id)[0], observed=40.0, detail={"threshold": 20.37})
    with session_scope(engine) as session:
        replace_signals(session, [figures], ["dengue"], None, method="statutory_month", now=NOW)
    Chain(engine, settings).duties()
    with session_scope(engine) as session:
        found = {row.kind: row.id for row in session.execute(select(Duty.kind, Duty.id))}
    yield found
    with session_scope(engine) as session:
        session.execute(
            text("DELETE FROM delivery WHERE event_id IS NULL; DELETE FROM duty_event; DELETE FROM duty")
        )


def listed(app: Dash, client: FlaskClient, tab: str = "open", **chosen: str) -> str:
    values: dict[str, Any] = {
        "duties-tab": tab,
        "duties-kind": "all",
        "duties-unit": "all",
        "duties-days": "30",
    }
    return text_of(run_callback(client, app, "duties-list.children", values | chosen))


def press(app: Dash, client: FlaskClient, button: str, duty: int, **typed: str) -> dict[str, Any]:
    values = {"duty-id": str(duty), button: 1} | typed
    answer = run_callback(client, app, "duty-acted.data", values, trigger=f"{button}.n_clicks")
    found: dict[str, Any] = answer.get_json()["response"]
    return found


ISSUED = {"duty-at": "2026-11-22 12:30:00", "duty-document": "12/TB-TYT", "duty-note": "Niêm yết tại UBND"}


def test_the_job_opens_what_the_city_owes(duties: dict[str, int]) -> None:
    assert set(duties) == {"epidemic", "warning", "handling", "daily"}


def test_the_list_shows_hours_left_place_and_the_way_to_the_form(
    app: Dash, sign_in: SignIn, duties: dict[str, int]
) -> None:
    seen = listed(app, sign_in("analyst"))
    for words in ("còn 24 giờ", "Ra thông báo có dịch (Mẫu 01)", "Phường Ô 0", "còn 2 ngày", "Ổ dịch: OD-"):
        assert words in seen
    assert f"/duties/{duties['epidemic']}/form.pdf" in seen


def test_filters_choose_a_kind_and_a_commune(
    app: Dash, sign_in: SignIn, city: dict[str, Place], duties: Any
) -> None:
    client = sign_in("analyst")
    only = listed(app, client, **{"duties-kind": "warning"})
    assert "cảnh báo dịch" in only and "Mẫu 01" not in only
    assert "Phường Ô 0" not in listed(app, client, **{"duties-unit": str(city["Ô 1"].id)})


def test_an_officer_sees_and_does_what_is_theirs_alone(
    app: Dash, sign_in: SignIn, duties: dict[str, int]
) -> None:
    client = sign_in("officer")
    assert "Phường Ô 0" not in listed(app, client)
    assert "Ra thông báo cảnh báo dịch" in listed(app, client)
    assert client.get(f"/duties/{duties['epidemic']}/form.pdf").status_code == 404
    refused = press(app, client, "duty-save", duties["epidemic"], **ISSUED)
    assert "địa bàn" in json.dumps(refused["duty-feedback"], ensure_ascii=False)


def test_a_manager_looks_and_may_not_record(app: Dash, sign_in: SignIn, duties: dict[str, int]) -> None:
    client = sign_in("manager")
    assert "duty-done" not in listed(app, client)
    values = {"duty-id": str(duties["epidemic"]), "duty-save": 1} | ISSUED
    answer = run_callback(client, app, "duty-acted.data", values, trigger="duty-save.n_clicks")
    assert answer.status_code == 403


def test_an_issued_notice_is_recorded_with_its_number_and_taken_back(
    app: Dash, sign_in: SignIn, engine: Engine, duties: dict[str, int]
) -> None:
    client, duty = sign_in("analyst"), duties["epidemic"]
    without = press(app, client, "duty-save", duty, **ISSUED | {"duty-document": ""})
    assert "số văn bản" in json.dumps(without["duty-feedback"], ensure_ascii=False)
    press(app, client, "duty-save", duty, **ISSUED)
    record = text_of(run_callback(client, app, "duty-head.children", {"duty-id": str(duty)}))
    for words in ("12/TB-TYT", "Đã làm đúng hạn · 12:30 22/11/2026", "Niêm yết tại UBND"):
        assert words in record
    press(app, client, "duty-undo", duty, **{"duty-why": "Nhầm phường"})
    with session_scope(engine) as session:
        assert session.get_one(Duty, duty).state == "open"
        kinds = session.scalars(
            select(DutyEvent.kind).where(DutyEvent.duty_id == duty).order_by(DutyEvent.id)
        ).all()
    assert kinds == ["opened", "done", "undone"]


def words_of_pdf(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages).split())


def words_of_docx(content: bytes) -> str:
    document = Document(BytesIO(content))
    cells = [c.text for table in document.tables for row in table.rows for c in row.cells]
    footers = [p.text for section in document.sections for p in section.footer.paragraphs]
    return " ".join(" ".join([*(p.text for p in document.paragraphs), *cells, *footers]).split())


def test_form_01_as_pdf_and_docx_holds_what_article_25_asks_and_nothing_of_a_patient(
    sign_in: SignIn, duties: dict[str, int]
) -> None:
    client = sign_in("analyst")
    paper = {x: client.get(f"/duties/{duties['epidemic']}/form.{x}").data for x in ("pdf", "docx")}
    for words in (words_of_pdf(paper["pdf"]), words_of_docx(paper["docx"])):
        for asked in (
            "UBND PHƯỜNG Ô 0", "TRẠM Y TẾ", "Về việc có dịch Sốt xuất huyết Dengue", "1. Tên bệnh",
            "2. Thời gian", "Đủ tiêu chí có dịch lúc 13:00 22/11/2026",
            "40 ca từ đầu tháng (13/07/2026), ngưỡng 20,4 (biết từ 13:00 22/11/2026)", "3. Địa điểm xảy ra", "OD-0001",
            "4. Khuyến cáo", "Chủ tịch UBND Phường Ô 0", "Sở Y tế", "Trung tâm Kiểm soát bệnh tật",
            "Các lực lượng trên địa bàn", "Người dân", "Mẫu 01 Phụ lục II", "bộ quy tắc 2026.",
        ):  # fmt: skip
            assert asked in words, asked
        for secret in ("tuổi", "nữ", "31", "Người Thử"):
            assert secret not in words


def test_the_daily_report_has_a_part_for_each_outbreak_with_its_days(
    sign_in: SignIn, duties: dict[str, int]
) -> None:
    words = words_of_docx(sign_in("analyst").get(f"/duties/{duties['daily']}/form.docx").data)
    for asked in (
        "1. Ổ dịch OD-0001",
        "Số mắc",
        "Số dương tính",
        "16/11/2026",
        "Tổng số ca đến hết ngày báo cáo: 3.",
    ):
        assert asked in words


def test_a_duty_without_a_form_has_none(sign_in: SignIn, duties: dict[str, int]) -> None:
    assert sign_in("analyst").get(f"/duties/{duties['handling']}/form.pdf").status_code == 404


def test_the_register_is_a_file_with_all_times(app: Dash, sign_in: SignIn, duties: dict[str, int]) -> None:
    client = sign_in("manager")
    rows = list(csv.DictReader(StringIO(client.get("/duties/register.csv").data.decode("utf-8-sig"))))
    notice = next(row for row in rows if row["Số"] == str(duties["epidemic"]))
    assert (notice["Đủ tiêu chí lúc"], notice["Hạn chót"]) == ("13:00 22/11/2026", "13:00 23/11/2026")
    sheet = load_workbook(BytesIO(client.get("/duties/register.xlsx").data)).worksheets[0]
    assert [sheet.max_row, sheet.cell(1, 2).value] == [len(rows) + 1, "Việc"]


def test_the_alert_shows_its_duties(app: Dash, sign_in: SignIn, city: dict[str, Place], duties: Any) -> None:
    alert = {"alerts-id": str(city["Ô 0"].alert_id)}
    seen = text_of(run_callback(sign_in("analyst"), app, "alert-head.children", alert))
    assert "Ra thông báo có dịch (Mẫu 01)" in seen and f"/duties/{duties['epidemic']}" in seen


def test_the_share_in_time_is_where_managers_and_analysts_land(
    app: Dash, sign_in: SignIn, engine: Engine, duties: dict[str, int]
) -> None:
    with session_scope(engine) as session:
        late, in_time = (session.get_one(Duty, duties[kind]) for kind in ("warning", "epidemic"))
        for duty in (late, in_time):
            duty.due_at = duty.met_at
            duty.met_at = duty.due_at.replace(day=20)
        in_time.state, in_time.settled_at = "done", in_time.met_at
        late.due_at = late.due_at.replace(hour=2)
        in_time.due_at = in_time.due_at.replace(hour=2)
    reports = text_of(run_callback(sign_in("manager"), app, "page.children", {"url": "/reports"}))
    panel = text_of(run_callback(sign_in("analyst"), app, "map-panel.children", {}))
    for seen in (reports, panel):
        assert "1/2 (50 %)" in seen and "1 việc đang quá hạn" in seen


@pytest.fixture
def site(settings: Settings, app: Dash) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app.server, threaded=True)
    import threading

    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {
        "executable_path": "/usr/bin/chromium",
        "args": ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"],
    }


def test_a_duty_without_an_alert_calls_from_the_menu_the_inbox_and_the_phone_until_it_was_looked_at(
    page: Page, site: str, engine: Engine, duties: dict[str, int]
) -> None:
    with session_scope(engine) as session:
        session.get_one(Duty, duties["warning"]).alert_id = None
        assert tell_duties(session, NOW, ZoneInfo("Asia/Ho_Chi_Minh")) > 0
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}/login?next=/my")
    page.get_by_label("Tên đăng nhập").fill("officer")
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("link", name="1 việc theo luật phải làm")).to_be_visible()
    look(page, "agenda-my")
    page.goto(f"{site}/alerts")
    notice = page.get_by_role("link", name="Ra thông báo cảnh báo dịch: Sốt xuất huyết Dengue")
    expect(notice).to_be_visible()
    look(page, "agenda-inbox-390")
    page.set_viewport_size({"width": 1440, "height": 900})
    look(page, "agenda-inbox-1440")
    notice.click()
    expect(page.get_by_text("Đã báo trong ứng dụng cho").first).to_be_visible()
    page.goto(f"{site}/alerts")
    listed = page.get_by_role("link", name="Xem tất cả việc theo luật hôm nay")
    expect(listed).to_be_visible()
    expect(notice).to_have_count(0)
    listed.click()
    expect(page.locator(".duty-card").first).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}/alerts")
    expect(page.locator(".alert-card").first).to_be_visible()
    expect(listed).to_have_count(0)


def look(page: Page, name: str) -> None:
    if folder := os.environ.get("CANHDICH_LOOK"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_an_officer_opens_a_duty_on_the_phone_and_records_the_notice(
    page: Page, site: str, duties: dict[str, int]
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}/login?next=/duties")
    page.get_by_label("Tên đăng nhập").fill("officer")
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    notice = page.get_by_role("link", name="Đã ra thông báo…")
    expect(notice).to_be_visible()
    box = notice.bounding_box()
    assert box is not None and box["height"] >= 44
    notice.click()
    page.get_by_label("Số văn bản").fill("7/TB-TYT")
    page.get_by_role("button", name="Đã làm").click()
    expect(page.get_by_text("7/TB-TYT").first).to_be_visible()
    expect(page.get_by_text("Đã làm đúng hạn").first).to_be_visible()
