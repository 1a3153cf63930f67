"""The dashboard in a real Chromium: what a visitor does, with the database, the map and the strict policy."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from sqlalchemy import Engine
from werkzeug.serving import make_server

from reports.service import run_waiting
from settings import Settings
from tests.web_city import PASSWORD, Place, city, settings
from tests.web_outbreak import BORDER, FIRST_CLOSING, LATITUDE, outbreak
from web.server import create_app

__all__ = ["city", "outbreak", "settings"]
"""Fixtures: four squares with levels, and three users."""


@dataclass
class Site:
    url: str
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    flags = "--no-sandbox --disable-quic --no-first-run --disable-background-networking"
    return {
        "executable_path": "/usr/bin/chromium",
        "args": [*flags.split(), "--disable-component-update", "--disable-sync"],
    }


@pytest.fixture
def site(settings: Settings, engine: Engine, city: dict[str, Place]) -> Iterator[Site]:
    server = make_server("127.0.0.1", 0, create_app(settings, engine).server, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Site(f"http://127.0.0.1:{server.port}")
    server.shutdown()
    thread.join()


@pytest.fixture
def visitor(page: Page, site: Site) -> Page:
    """A page whose every complaint and every request to another host is remembered."""
    page.on("console", lambda m: site.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: site.complaints.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith(site.url) else site.complaints.append(r.url))
    page.set_viewport_size({"width": 1440, "height": 900})
    return page


def sign_in(page: Page, site: Site, name: str) -> None:
    page.goto(f"{site.url}/login")
    page.get_by_label("Tên đăng nhập").fill(name)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()


TILES_LOADED = """() => new Promise((done) => {
  const timer = setInterval(() => {
    const map = window.__epimap && window.__epimap.map && window.__epimap.map.map;
    if (map && map.getSource("communes") && map.loaded()) { clearInterval(timer); done(); }
  }, 50);
})"""
"""Run by the debugger, since the page's policy allows no `eval`, which `wait_for_function` needs."""


OUTLINES_DRAWN = """() => new Promise((done) => {
  const timer = setInterval(() => {
    const map = window.__epimap.map.map;
    const drawn = map.getLayer("outbreaks-line") && map.queryRenderedFeatures({layers: ["outbreaks-line"]}).length;
    if (drawn) { clearInterval(timer); done(); }
  }, 50);
})"""


def click_on_map(page: Page, lon: float, lat: float) -> None:
    page.evaluate(TILES_LOADED)
    spot = page.evaluate(f"window.__epimap.map.map.project([{lon}, {lat}])")
    page.locator(".maplibregl-canvas").click(position={"x": spot["x"], "y": spot["y"]})


def test_an_analyst_signs_in_clicks_a_commune_and_reads_why(
    visitor: Page, site: Site, city: dict[str, Place]
) -> None:
    sign_in(visitor, site, "analyst")
    expect(visitor.get_by_text("Ca trong 7 ngày")).to_be_visible()
    click_on_map(visitor, 106.625, 10.725)
    panel = visitor.locator("#map-panel")
    expect(panel.get_by_role("heading", name="Phường Ô 0")).to_be_visible()
    expect(panel.get_by_text("Vì sao ở mức này")).to_be_visible()
    expect(visitor).to_have_url(re.compile(rf"/map\?unit={city['Ô 0'].id}$"))
    assert site.complaints == []


def test_the_link_of_a_view_shows_the_same_view(visitor: Page, site: Site, city: dict[str, Place]) -> None:
    sign_in(visitor, site, "analyst")
    visitor.goto(f"{site.url}/map?disease=dengue&on=2026-11-20&unit={city['Ô 1'].id}")
    expect(visitor.get_by_role("heading", name="Phường Ô 1")).to_be_visible()
    expect(visitor.get_by_text("Như đã biết cuối ngày 20/11/2026")).to_be_visible()
    expect(visitor.locator("#map-disease")).to_have_value("Sốt xuất huyết Dengue")
    visitor.get_by_role("button", name="Đặt lại").click()
    expect(visitor).to_have_url(f"{site.url}/map")
    visitor.go_back()
    expect(visitor.get_by_role("heading", name="Phường Ô 1")).to_be_visible()


def test_the_table_says_what_the_map_shows(visitor: Page, site: Site) -> None:
    sign_in(visitor, site, "analyst")
    visitor.locator("#map-view").get_by_text("Bảng").click()
    expect(visitor.get_by_role("gridcell", name="■ Rất cao")).to_be_visible()
    expect(visitor.get_by_role("gridcell", name="? Chưa rõ")).to_be_visible()
    assert site.complaints == []


def test_an_officer_brings_an_alert_to_its_end_with_a_phone(
    visitor: Page, site: Site, tmp_path: Path
) -> None:
    visitor.set_viewport_size({"width": 390, "height": 844})
    sign_in(visitor, site, "officer")
    visitor.get_by_role("link", name="Cảnh báo", exact=True).click()
    visitor.locator(".alert-card").get_by_text("Phường Ô 1").click()
    expect(visitor.get_by_text("Hạn ra thông báo (Thông tư 15/2026, điều 26)")).to_be_visible()
    visitor.get_by_role("button", name="Tiếp nhận").click()
    expect(visitor.locator("#alert-head").get_by_text("Đã tiếp nhận")).to_be_visible()
    visitor.get_by_role("button", name="Bắt đầu kiểm tra").click()
    expect(visitor.locator("#alert-head").get_by_text("Đang kiểm tra")).to_be_visible()
    image = tmp_path / "ảnh nhà bà Nguyễn Thị A.jpg"
    Image.new("RGB", (3000, 2000), "green").save(image)
    visitor.locator("#alert-upload input[type=file]").set_input_files(image)
    expect(visitor.locator("#alert-upload-note").get_by_text("Đã lưu tệp.")).to_be_visible()
    photo = visitor.locator(".file-photo")
    expect(photo).to_be_visible()
    assert photo.evaluate("image => image.decode().then(() => image.naturalWidth)") == 2000
    visitor.get_by_role("button", name="Kết luận…").click()
    visitor.get_by_label("Đúng: có dịch bệnh thật").click()
    visitor.get_by_role("button", name="Lưu kết luận").click()
    expect(visitor.locator("#close-error").get_by_text("Hãy ghi lý do")).to_be_visible()
    visitor.get_by_label("Lý do").last.fill("Có lăng quăng ở 6 trong 15 nhà")
    visitor.get_by_role("button", name="Lưu kết luận").click()
    expect(visitor.locator("#alert-head").get_by_text("Đã xác minh: đúng")).to_be_visible()
    heights = "buttons => Math.min(...buttons.map((button) => button.offsetHeight))"
    assert visitor.locator("#alert-actions .button:visible").evaluate_all(heights) >= 44
    visitor.get_by_role("button", name="Đóng cảnh báo").click()
    expect(visitor.locator("#alert-head").get_by_text("Đã đóng lúc")).to_be_visible()
    assert visitor.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert site.complaints == []


def test_an_analyst_goes_through_the_inbox_by_keys_and_many_at_once(
    visitor: Page, site: Site, city: dict[str, Place]
) -> None:
    sign_in(visitor, site, "analyst")
    visitor.goto(f"{site.url}/alerts?tab=closed")
    visitor.get_by_role("gridcell", name="Phường Ô 1").click()
    visitor.get_by_role("button", name="Mở lại…").click()
    visitor.locator("#reason-text").fill("Bệnh viện báo thêm ca")
    visitor.get_by_role("button", name="Lưu", exact=True).click()
    expect(visitor.locator(".former").get_by_text("Đóng cảnh báo, kết luận")).to_be_visible()
    visitor.get_by_role("link", name="Mới (1)").click()
    expect(visitor.get_by_role("gridcell", name="Phường Ô 0")).to_be_visible()
    visitor.locator("body").press("j")
    expect(visitor.locator("#alert-head").get_by_text("Phường Ô 0")).to_be_visible()
    expect(visitor).to_have_url(re.compile(rf"alert={city['Ô 0'].alert_id}$"))
    visitor.locator(".ag-row .ag-checkbox-input").first.click()
    visitor.locator("#bulk-assign").click()
    visitor.locator("#bulk-assign-to").click()
    visitor.get_by_role("option", name="(tôi)").click()
    visitor.locator("#bulk-assign-save").click()
    expect(visitor.get_by_text("Đã xong 1 cảnh báo.")).to_be_visible()
    visitor.get_by_role("link", name="Của tôi (2)").click()
    expect(visitor.get_by_role("button", name="Bàn giao tất cả…")).to_be_visible()
    visitor.locator("body").press("?")
    expect(visitor.get_by_text("Cảnh báo kế tiếp")).to_be_visible()
    assert site.complaints == []


def test_an_officer_handles_an_outbreak_with_a_phone(visitor: Page, site: Site, outbreak: int) -> None:
    visitor.set_viewport_size({"width": 390, "height": 844})
    sign_in(visitor, site, "officer")
    visitor.get_by_role("link", name="Ổ dịch", exact=True).click()
    visitor.locator(".alert-card").get_by_text("Phường Ô 0 (+1)").click()
    visitor.get_by_role("button", name="Bắt đầu xử lý").click()
    expect(visitor.locator("#outbreak-head").get_by_text("Đang xử lý")).to_be_visible()

    visitor.get_by_role("button", name="Giám sát véc tơ…").click()
    visitor.get_by_label("Số nhà có lăng quăng").fill("6")
    visitor.get_by_label("Số vật chứa có lăng quăng").fill("9")
    expect(visitor.locator("#outbreak-survey-indices")).to_contain_text("BI 30,0 · HI 20,0 %")
    visitor.get_by_role("button", name="Lưu lần giám sát").click()
    expect(visitor.locator("#outbreak-feedback")).to_contain_text("BI 30,0")
    expect(visitor.locator(".entry-risk")).to_contain_text("Nguy cơ cao")

    visitor.get_by_role("button", name="Đóng…").click()
    expect(visitor.locator("#outbreak-feedback")).to_contain_text(f"Sớm nhất là ngày {FIRST_CLOSING}")
    sizes = [box.bounding_box() for box in visitor.locator("#outbreak-actions > :visible").all()]
    assert len(sizes) >= 4 and all(size and size["height"] >= 44 for size in sizes)
    assert visitor.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert site.complaints == []


def test_the_form_asks_for_a_product_only_where_one_is_used(visitor: Page, site: Site, outbreak: int) -> None:
    sign_in(visitor, site, "officer")
    visitor.goto(f"{site.url}/outbreaks?id={outbreak}")
    visitor.get_by_role("button", name="Ghi việc đã làm…").click()
    product = visitor.get_by_role("textbox", name="Sản phẩm đã dùng")
    litres = visitor.get_by_label("Số lít đã phun")
    product.fill("Malathion 96 %")
    litres.fill("12,5")
    visitor.get_by_role("button", name="Lưu", exact=True).click()
    said = "Phun hóa chất ngày 22/11/2026. Đã dùng Malathion 96 %, 12,5 lít."
    expect(visitor.locator("#outbreak-body .entry").get_by_text(said)).to_be_visible()

    visitor.reload()
    visitor.get_by_role("button", name="Ghi việc đã làm…").click()
    product.click()
    expect(visitor.get_by_role("option", name="Malathion 96 %")).to_be_visible()
    visitor.locator("#outbreak-measure-kind").click()
    visitor.get_by_role("option", name="Truyền thông").click()
    expect(product).to_be_hidden()
    expect(litres).to_be_hidden()
    assert site.complaints == []


def test_an_outline_on_the_map_leads_to_its_outbreak(visitor: Page, site: Site, outbreak: int) -> None:
    sign_in(visitor, site, "analyst")
    visitor.goto(f"{site.url}/map?disease=dengue")
    visitor.evaluate(TILES_LOADED)
    visitor.evaluate(f"window.__epimap.map.map.jumpTo({{center: [{BORDER}, {LATITUDE}], zoom: 14}})")
    visitor.evaluate(OUTLINES_DRAWN)
    edge = BORDER + 0.0003 + 200 / 109_300
    click_on_map(visitor, edge, LATITUDE)
    visitor.get_by_role("link", name="Mở ổ dịch").click()
    expect(visitor).to_have_url(f"{site.url}/outbreaks?id={outbreak}")
    expect(visitor.locator("#outbreak-head").get_by_text("OD-")).to_be_visible()
    assert site.complaints == []


@pytest.fixture
def reports_worker(settings: Settings, engine: Engine) -> Iterator[None]:
    """What the worker's reports job does, until the test is over."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.2):
            run_waiting(engine, settings)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.mark.usefixtures("reports_worker")
def test_a_manager_gets_the_bulletin_with_one_click(visitor: Page, site: Site) -> None:
    sign_in(visitor, site, "manager")
    expect(visitor).to_have_url(f"{site.url}/reports")
    visitor.get_by_role("button", name="Lập báo cáo").first.click()
    link = visitor.get_by_role("link", name=re.compile(r"ban-tin-.*\.pdf"))
    with visitor.expect_download(timeout=120_000) as download:
        link.click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
    assert site.complaints == []


def test_on_a_phone_the_rarer_pages_are_in_a_sheet(visitor: Page, site: Site) -> None:
    visitor.set_viewport_size({"width": 390, "height": 844})
    sign_in(visitor, site, "analyst")
    sheet = visitor.locator(".nav-sheet")
    expect(sheet).to_be_hidden()
    visitor.locator(".nav-more > summary").click()
    sheet.get_by_text("Dữ liệu").click()
    expect(visitor.locator("h1")).to_have_text("Dữ liệu")
    expect(sheet).to_be_hidden()
    assert site.complaints == []


def test_language_and_theme_change_on_the_same_page(visitor: Page, site: Site) -> None:
    sign_in(visitor, site, "guest")
    visitor.goto(f"{site.url}/map?disease=dengue")
    visitor.get_by_role("link", name="EN", exact=True).click()
    expect(visitor).to_have_url(f"{site.url}/map?disease=dengue")
    expect(visitor.locator("html")).to_have_attribute("lang", "en")
    visitor.locator('a[href="/preferences?theme=dark"]').click()
    expect(visitor.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    expect(visitor.locator("#map")).to_have_attribute("data-dark", "true")


@pytest.mark.parametrize("name", ["analyst", "manager"])
def test_no_page_complains(visitor: Page, site: Site, name: str) -> None:
    sign_in(visitor, site, name)
    for path, words in (
        ("/map", "Bộ lọc"),
        ("/alerts", "Mở lúc"),
        ("/outbreaks", "Ca đầu – cuối"),
        ("/data", "Tệp đã đọc"),
        ("/reports", "Kỳ báo cáo"),
    ):
        visitor.goto(site.url + path)
        expect(visitor.get_by_text(words).first).to_be_visible()
    assert site.complaints == []
