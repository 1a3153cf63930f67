"""The page of addresses in a real Chromium: by keys, by mouse, by thumb, and where no map can be drawn."""

from __future__ import annotations

import re

from geoalchemy2.shape import to_shape
from playwright.sync_api import Page, expect
from sqlalchemy import select

from accounts.models import AccessLog
from db import session_scope
from surveillance.models import CaseVersion
from tests.test_dashboard import Site, browser_type_launch_args, sign_in, site, visitor
from tests.test_web_review import person_with
from tests.web_city import settings
from tests.web_review import HOUSE, Town, city, waits

__all__ = ["browser_type_launch_args", "city", "settings", "site", "visitor", "waits"]
"""Fixtures."""

MAP_DRAWN = """() => new Promise((done) => {
  const timer = setInterval(() => {
    const map = window.__epimap && window.__epimap["review-map"] && window.__epimap["review-map"].map;
    const drawn = map && map.loaded() && map.getLayer("candidates-fill");
    if (drawn && map.queryRenderedFeatures({layers: ["candidates-fill"]}).length) { clearInterval(timer); done(); }
  }, 50);
})"""


def open_page(page: Page, site: Site, name: str = "analyst") -> None:
    sign_in(page, site, name)
    page.goto(f"{site.url}/review")
    expect(page.locator("#review-tabs")).to_contain_text("Đang chờ (")


def split_case(waits: Town) -> CaseVersion:
    """The case of Đa Kao: its row has the newest day, so it was read last."""
    return waits.versions()[-1]


def test_keys_accept_a_candidate_go_on_and_take_back(waits: Town, visitor: Page, site: Site) -> None:
    open_page(visitor, site)
    visitor.keyboard.press("j")
    expect(visitor.locator("#review-address")).to_have_text("••••, PHUONG DA KAO, QUAN 1")
    visitor.keyboard.press("j")
    expect(visitor.locator("#review-address")).to_have_text("••••, PHUONG LA HOAC, QUAN 5")
    visitor.keyboard.press("k")
    expect(visitor.locator(".candidate")).to_have_count(2)
    visitor.keyboard.press("2")
    expect(visitor.locator("#review-feedback")).to_contain_text("Đã đặt 1 ca vào Phường Tân Định.")
    expect(visitor.locator("#review-address")).to_have_text("••••, PHUONG LA HOAC, QUAN 5")
    assert split_case(waits).unit_id == waits.units["Phường Tân Định"]
    assert not split_case(waits).place_estimated

    visitor.keyboard.press("u")
    expect(visitor.locator("#review-feedback")).to_contain_text("Đã hoàn tác cho 1 ca")
    expect(visitor.locator("#review-tabs")).to_contain_text("Đang chờ (13)")
    assert split_case(waits).place_estimated
    assert site.complaints == []


def test_enter_accepts_the_first_candidate_and_typing_presses_nothing(
    waits: Town, visitor: Page, site: Site
) -> None:
    open_page(visitor, site)
    visitor.keyboard.press("j")
    expect(visitor.locator(".candidate")).to_have_count(2)
    visitor.keyboard.press("e")
    field = visitor.get_by_label("Địa chỉ đúng")
    expect(field).to_have_value(re.compile(HOUSE))
    field.press("End")
    field.press_sequentially(" 2jux")
    assert split_case(waits).place_estimated
    field.blur()
    visitor.keyboard.press("Enter")
    expect(visitor.locator("#review-feedback")).to_contain_text("Đã đặt 1 ca vào Phường Sài Gòn.")


def test_the_list_of_keys_opens_with_a_question_mark(waits: Town, visitor: Page, site: Site) -> None:
    open_page(visitor, site)
    visitor.keyboard.press("?")
    expect(visitor.get_by_role("dialog")).to_contain_text("Nhận khả năng đầu tiên")
    visitor.keyboard.press("1")
    visitor.keyboard.press("Escape")
    expect(visitor.get_by_role("dialog")).to_be_hidden()


def test_the_address_is_shown_on_demand_and_stands_in_no_url(waits: Town, visitor: Page, site: Site) -> None:
    asked: list[str] = []
    visitor.on("request", lambda request: asked.append(request.url))
    open_page(visitor, site)
    visitor.keyboard.press("j")
    expect(visitor.locator(".candidate")).to_have_count(2)
    assert HOUSE not in visitor.content()
    visitor.keyboard.press("v")
    expect(visitor.locator("#review-address")).to_contain_text(HOUSE)
    assert all("PHAN" not in url for url in [visitor.url, *asked])
    with session_scope(waits.desk.engine) as session:
        assert [entry.action for entry in session.scalars(select(AccessLog))] == ["address.reveal"]
    assert site.complaints == []


def test_a_pin_is_dragged_and_becomes_a_house(waits: Town, visitor: Page, site: Site) -> None:
    open_page(visitor, site)
    visitor.keyboard.press("j")
    visitor.evaluate(MAP_DRAWN)
    visitor.keyboard.press("p")
    pin = visitor.locator(".epimap-pin")
    expect(pin).to_be_visible()
    pin.scroll_into_view_if_needed()
    goal = visitor.evaluate("window.__epimap['review-map'].map.project([106.685, 10.78])")
    box = visitor.locator(".review-map .maplibregl-canvas").bounding_box()
    start = pin.bounding_box()
    assert box and start
    foot = (start["x"] + start["width"] / 2, start["y"] + start["height"] - 8)
    visitor.mouse.move(*foot)
    visitor.mouse.down()
    visitor.mouse.move(box["x"] + goal["x"], box["y"] + goal["y"] - 8, steps=8)
    visitor.mouse.up()
    expect(visitor.locator("#review-pin-where")).to_contain_text("Phường Tân Định")
    put = pin.bounding_box()
    pin.focus()
    visitor.keyboard.press("ArrowUp")
    moved = pin.bounding_box()
    assert put and moved and moved["y"] < put["y"]
    visitor.get_by_role("button", name="Lưu vị trí ghim").click()
    expect(visitor.locator("#review-feedback")).to_contain_text("Đã đặt 1 ca vào Phường Tân Định.")

    version = split_case(waits)
    assert version.geom is not None
    point = to_shape(version.geom)
    assert (version.unit_id, version.place_level) == (waits.units["Phường Tân Định"], "house")
    assert abs(point.x - 106.685) < 0.001 and abs(point.y - 10.78) < 0.001
    assert site.complaints == []


def test_a_pin_at_sea_is_refused_with_words(waits: Town, visitor: Page, site: Site) -> None:
    open_page(visitor, site)
    visitor.keyboard.press("j")
    visitor.evaluate(MAP_DRAWN)
    visitor.evaluate("window.__epimap['review-map'].map.jumpTo({center: [107.6, 10.1], zoom: 12})")
    visitor.keyboard.press("p")
    expect(visitor.locator("#review-pin-where")).to_contain_text("ngoài biển hoặc ngoài địa bàn")
    visitor.get_by_role("button", name="Lưu vị trí ghim").click()
    expect(visitor.locator("#review-feedback")).to_contain_text("Ghim nằm ngoài mọi xã, phường")
    assert split_case(waits).place_estimated


def test_a_corrected_text_is_read_before_it_is_accepted(waits: Town, visitor: Page, site: Site) -> None:
    open_page(visitor, site)
    visitor.locator(".ag-row").nth(1).locator(".ag-cell").nth(1).click()
    expect(visitor.locator("#review-address")).to_have_text("••••, PHUONG LA HOAC, QUAN 5")
    visitor.keyboard.press("e")
    visitor.get_by_label("Địa chỉ đúng").fill("8 Lê Lợi, phường không có, quận 99")
    visitor.get_by_role("button", name="Đọc thử").click()
    expect(visitor.locator("#review-text-result")).to_contain_text("Vẫn chưa đọc ra xã, phường")
    visitor.get_by_label("Địa chỉ đúng").fill("8 Lê Lợi, P. Bến Nghé, Q.1")
    visitor.get_by_role("button", name="Đọc thử").click()
    read = visitor.locator("#review-text-result .candidate")
    expect(read).to_contain_text("Phường Sài Gòn")
    assert waits.versions()[0].unit_id is None
    read.click()
    expect(visitor.locator("#review-feedback")).to_contain_text("Đã đặt 12 ca vào Phường Sài Gòn.")
    assert waits.versions()[0].unit_id == waits.units["Phường Sài Gòn"]
    assert site.complaints == []


def test_what_cannot_be_told_is_left_with_a_reason(waits: Town, visitor: Page, site: Site) -> None:
    open_page(visitor, site)
    visitor.keyboard.press("j")
    expect(visitor.locator(".candidate")).to_have_count(2)
    visitor.keyboard.press("x")
    visitor.get_by_role("button", name="Lưu", exact=True).click()
    expect(visitor.locator("#review-unknown-error")).to_contain_text("Hãy chọn lý do")
    visitor.get_by_label("Không có địa chỉ như vậy").check()
    visitor.get_by_role("button", name="Lưu", exact=True).click()
    expect(visitor.locator("#review-tabs")).to_contain_text("Đang chờ (12)")


def test_an_officer_takes_a_case_with_a_thumb(waits: Town, visitor: Page, site: Site) -> None:
    visitor.set_viewport_size({"width": 390, "height": 844})
    sign_in(visitor, site, "officer")
    visitor.get_by_role("link", name="Địa chỉ", exact=False).click()
    visitor.locator(".alert-card").get_by_text("PHUONG DA KAO").click()
    taps = visitor.locator(".candidate, #review-take, #review-text-open, #review-pin-open, #review-reveal")
    expect(taps.first).to_be_visible()
    sizes = [box.bounding_box() for box in taps.all()]
    assert len(sizes) == 6 and all(size and size["height"] >= 44 for size in sizes)
    assert visitor.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    visitor.locator(".candidate", has_text="Phường Tân Định").click()
    expect(visitor.locator("#review-feedback")).to_contain_text("Đã đặt 1 ca vào Phường Tân Định.")
    assert split_case(waits).unit_id == waits.units["Phường Tân Định"]
    assert site.complaints == []


def test_without_webgl_the_list_does_all_the_work(waits: Town, visitor: Page, site: Site) -> None:
    visitor.add_init_script(
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...more) {"
        " return kind === 'webgl2' ? null : get.call(this, kind, ...more); };"
    )
    open_page(visitor, site)
    visitor.keyboard.press("j")
    expect(visitor.get_by_text("Máy này không vẽ được bản đồ.")).to_be_visible()
    visitor.keyboard.press("1")
    expect(visitor.locator("#review-feedback")).to_contain_text("Đã đặt 1 ca vào Phường Sài Gòn.")


def test_what_people_typed_into_cells_is_never_run(waits: Town, visitor: Page, site: Site) -> None:
    waits.collect(
        [
            person_with("<img src=x onerror=document.title='HACKED'>", 30),
            person_with("12 LE LOI Q1 / 99 AU CO Q TAN BINH", 31),
            person_with("DUONG DAI " * 1000, 32),
        ],
        name="bad.xlsx",
    )
    open_page(visitor, site)
    head = visitor.locator("#review-head")
    expect(head).to_contain_text("Chọn một địa chỉ")
    for _ in range(5):
        before = head.inner_text()
        visitor.keyboard.press("j")
        expect(head).not_to_have_text(before, use_inner_text=True)
        expect(visitor.locator("#review-address")).to_contain_text("••••")
        visitor.keyboard.press("v")
        expect(visitor.locator("#review-address .review-revealed").first).to_be_visible()
    assert "HACKED" not in visitor.title()
    assert visitor.locator("#review-address img").count() == 0
    assert visitor.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert site.complaints == []
