"""The officer's phone in a real Chromium: loaded, without a network, back again; and what the phone then holds."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import Engine, select
from werkzeug.serving import BaseWSGIServer, make_server

from alerts.models import AlertEvent
from db import session_scope
from settings import Settings
from surveillance.outbreaks.models import OutbreakEvent, OutbreakPhoto
from tests.phone_site import ADDRESS, NAME, named, nothing_done, picture
from tests.test_dashboard import browser_type_launch_args
from tests.web_city import PASSWORD, Place, city, settings
from tests.web_outbreak import outbreak
from web.server import create_app

__all__ = ["browser_type_launch_args", "city", "named", "nothing_done", "outbreak", "settings"]
"""Fixtures."""

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, summary, input, select, textarea, label.button")]
  .filter((e) => !e.closest(".visually-hidden, .skip-link, [hidden]") && e.type !== "hidden" && e.checkVisibility())
  .map((e) => [e.getBoundingClientRect(), e])
  .filter(([box]) => box.width && (box.width < 44 || box.height < 44))
  .map(([box, e]) => `${e.outerHTML.slice(0, 90)} ${Math.round(box.width)}x${Math.round(box.height)}`)"""
NAMELESS = """() => [...document.querySelectorAll("a, button, summary, input:not([type=hidden]), textarea")]
  .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || (e.labels && e.labels.length)))
  .map((e) => e.outerHTML.slice(0, 120))"""
KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const key of await cache.keys()) found.push(new URL(key.url).pathname, await (await cache.match(key)).text());
  }
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise((done) => {
      const r = indexedDB.open(name); r.onsuccess = () => done(r.result);
    });
    for (const store of database.objectStoreNames) {
      const rows = await new Promise((done) => {
        const r = database.transaction(store).objectStore(store).getAll(); r.onsuccess = () => done(r.result);
      });
      found.push(JSON.stringify(rows));
    }
    database.close();
  }
  for (const storage of [localStorage, sessionStorage]) found.push(JSON.stringify(storage));
  return found;
}"""


NOTIFICATIONS = """async (title) => {
  const worker = await navigator.serviceWorker.ready;
  for (;;) {
    const shown = await worker.getNotifications();
    if (shown.some((n) => n.title === title)) {
      return shown.map((n) => ({ title: n.title, body: n.body, tag: n.tag, url: n.data.url }));
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}"""
FIRST_PAGE_KEPT = """async () => {
  while (!(await (await caches.open("pages")).match("/my"))) await new Promise((done) => setTimeout(done, 50));
}"""


@dataclass
class Site:
    """A server that can be away: then every request fails, as without a network."""

    app: Any
    port: int = 0
    server: BaseWSGIServer | None = None
    thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.server = make_server("127.0.0.1", self.port, self.app, threaded=True)
        self.port = self.server.port
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self) -> None:
        assert self.server and self.thread
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.server = None


@pytest.fixture
def site(settings: Settings, engine: Engine, city: dict[str, Place]) -> Iterator[Site]:
    site = Site(create_app(settings, engine).server)
    site.start()
    yield site
    if site.server:
        site.stop()


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(**PHONE)
    yield context
    context.close()


def sign_in(context: BrowserContext, site: Site, name: str = "officer") -> Page:
    page = context.new_page()
    page.goto(f"{site.url}/login")
    page.get_by_label("Tên đăng nhập").fill(name)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    page.wait_for_url("**/my")
    page.evaluate(FIRST_PAGE_KEPT)
    return page


def lose_network(context: BrowserContext, site: Site) -> None:
    site.stop()
    context.set_offline(True)


def find_network(context: BrowserContext, site: Site) -> None:
    site.start()
    context.set_offline(False)


def acts_on(engine: Engine, alert_id: int | None) -> list[str]:
    with session_scope(engine) as session:
        own = (AlertEvent.alert_id == alert_id, AlertEvent.user_id.is_not(None))
        return list(session.scalars(select(AlertEvent.kind).where(*own)))


def test_what_was_loaded_is_there_without_a_network_and_what_is_done_is_sent_once(
    phone: BrowserContext, site: Site, engine: Engine, city: dict[str, Place], named: int
) -> None:
    page = sign_in(phone, site)
    page.goto(f"{site.url}/my/outbreaks/{named}")
    lose_network(phone, site)

    page.goto(f"{site.url}/my")
    expect(page.get_by_text("Số liệu lúc 13:00 22/11, đang ngoại tuyến")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Tiếp nhận: Sốt xuất huyết")).click()
    expect(page.get_by_text("Bạn đã bấm Tiếp nhận; sẽ gửi khi có mạng.")).to_be_visible()
    page.goto(f"{site.url}/my/outbreaks/{named}")
    item = page.locator(".my-item[data-record='households']")
    item.locator("summary").click()
    item.get_by_label("Số nhà").fill("14")
    item.locator("input[type='file']").set_input_files(
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture(1400, 900)}
    )
    item.get_by_role("button", name="Đã làm, ghi lại").click()
    expect(page.get_by_text("3 việc chờ gửi")).to_be_visible()
    assert acts_on(engine, city["Ô 1"].alert_id) == []

    find_network(phone, site)
    expect(page.get_by_text("chờ gửi")).to_be_hidden()
    page.goto(f"{site.url}/my")
    expect(page.get_by_text("Bạn đã tiếp nhận lúc")).to_be_visible()
    assert acts_on(engine, city["Ô 1"].alert_id) == ["acknowledged"]
    with session_scope(engine) as session:
        own = OutbreakEvent.user_id.is_not(None)
        assert session.scalars(select(OutbreakEvent.kind).where(own).order_by(OutbreakEvent.id)).all() == [
            "households",
            "note",
        ]
        assert len(session.scalars(select(OutbreakPhoto.id)).all()) == 1


def test_a_colleague_who_was_faster_is_named_when_the_network_is_back(
    phone: BrowserContext, browser: Browser, site: Site, engine: Engine, city: dict[str, Place], named: int
) -> None:
    page = sign_in(phone, site)
    phone.set_offline(True)
    page.get_by_role("button", name=re.compile("^Tiếp nhận: ")).click()
    expect(page.get_by_text("1 việc chờ gửi")).to_be_visible()
    colleague = browser.new_context(**PHONE)
    theirs = colleague.new_page()
    theirs.goto(f"{site.url}/login?next=/my")
    theirs.get_by_label("Tên đăng nhập").fill("analyst")
    theirs.get_by_label("Mật khẩu").fill(PASSWORD)
    theirs.get_by_role("button", name="Đăng nhập").click()
    card = theirs.locator(f"#alert-{city['Ô 1'].alert_id}")
    card.get_by_role("button", name=re.compile("^Tiếp nhận")).click()
    expect(card.get_by_text("Đã tiếp nhận.")).to_be_visible()
    colleague.close()

    phone.set_offline(False)
    expect(page.locator("#notices").get_by_text("Đồng nghiệp Người Thử đã tiếp nhận lúc")).to_be_visible()
    assert acts_on(engine, city["Ô 1"].alert_id) == ["acknowledged"]


def test_nothing_that_names_or_places_a_patient_stays_on_the_phone(
    phone: BrowserContext, site: Site, named: int
) -> None:
    page = sign_in(phone, site)
    page.goto(f"{site.url}/my/outbreaks/{named}")
    page.get_by_role("button", name="Hiện địa chỉ các ca").click()
    expect(page.get_by_text(ADDRESS)).to_be_visible()
    page.get_by_role("button", name=re.compile("Mở bản đồ")).click()
    expect(page.locator("#map[data-ready='1']")).to_be_visible()
    page.goto(f"{site.url}/my")
    kept = page.evaluate(KEPT)
    assert {"/my", f"/my/outbreaks/{named}", "/my/shell/"} <= {
        re.sub("(?<=^/my/shell/).*", "", text) for text in kept
    }
    for secret in (NAME, "Bí Mật", "Không Ai Biết", "Phường Kín", "106.65", "10.72"):
        assert not any(secret in text for text in kept), secret

    page.locator(".my-menu summary").click()
    page.get_by_role("button", name="Đăng xuất").click()
    page.wait_for_url("**/login")
    kept = page.evaluate(KEPT)
    assert "/my" not in kept and kept[-4:-2] == ["[]", "[]"]
    lose_network(phone, site)
    page.goto(f"{site.url}/my")
    expect(page.get_by_text("Trang này chưa được tải trên máy")).to_be_visible()


def test_a_kept_page_ends_with_its_session(phone: BrowserContext, site: Site, named: int) -> None:
    page = sign_in(phone, site)
    page.evaluate("""async () => {
      const cache = await caches.open("pages");
      const old = await cache.match("/my");
      const headers = new Headers(old.headers);
      headers.set("X-Phone-Until", String(Date.now() - 1));
      await cache.put("/my", new Response(await old.text(), { headers }));
    }""")
    lose_network(phone, site)
    page.reload()
    expect(page.get_by_text("Trang này chưa được tải trên máy")).to_be_visible()
    assert "/my" not in page.evaluate(KEPT)


def test_every_control_has_a_name_and_room_for_a_thumb(phone: BrowserContext, site: Site, named: int) -> None:
    page = sign_in(phone, site)
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("request", lambda r: None if r.url.startswith((site.url, "blob:")) else complaints.append(r.url))
    for path in ("/my", f"/my/outbreaks/{named}"):
        page.goto(site.url + path)
        page.evaluate("for (const fold of document.querySelectorAll('main details')) fold.open = true")
        assert page.evaluate(SMALL_TARGETS) == []
        assert page.evaluate(NAMELESS) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert complaints == []


def test_a_push_message_is_shown_once_and_leads_to_its_view(
    phone: BrowserContext, site: Site, named: int
) -> None:
    phone.grant_permissions(["notifications"], origin=site.url)
    page = sign_in(phone, site)
    worker = phone.new_cdp_session(page)
    registrations: list[str] = []
    worker.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(r["registrationId"] for r in event["registrations"]),
    )
    worker.send("ServiceWorker.enable")
    page.wait_for_timeout(500)
    message = {
        "id": "m1", "title": "■ Rất cao: Sốt xuất huyết, Phường 1", "body": "Mức tăng.", "url": "/alerts/7",
        "tag": "t1", "lang": "vi", "urgent": True, "unread": 2,
    }  # fmt: skip
    for id in ("m1", "m1", "m2"):
        worker.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": site.url + "/",
                "registrationId": registrations[0],
                "data": json.dumps(message | {"id": id, "title": f"Tin {id}"}),
            },
        )
    shown = page.evaluate(NOTIFICATIONS, "Tin m2")
    assert shown == [{"title": "Tin m2", "body": "Mức tăng.", "tag": "t1", "url": "/alerts/7"}]
