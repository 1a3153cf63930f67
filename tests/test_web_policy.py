"""The page of the rules: read, change, see what it would have changed, and decide as a second person."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, select

from alerts.policy_models import PolicyVersion
from alerts.policy_preview import Past, run_previews
from alerts.policy_store import policy_in_force, record_shipped
from alerts.rules import parse_policy, shipped_text
from db import session_scope
from settings import Settings
from surveillance.beliefs import believed_between, day_ends
from surveillance.signals import store_signals
from tests.alerting import DISEASES, calm, ears
from tests.test_dashboard import Site, browser_type_launch_args, sign_in, site
from tests.web_city import NOW, Place, city, settings  # fmt: skip

__all__ = ["browser_type_launch_args", "city", "settings", "site"]
"""Fixtures."""

DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
FIRST = NOW - timedelta(days=120)


@pytest.fixture(scope="module")
def ruled(engine: Engine, city: dict[str, Place]) -> None:
    """The shipped rules in force, and half a year of a ward that was at level 2 for some days each month."""
    with session_scope(engine) as session:
        record_shipped(session, shipped_text(), FIRST)
        unit = city["Ô 2"].id
        store_signals(session, calm(unit), {}, now=FIRST)
        for month in range(4):
            began = FIRST + timedelta(days=30 * month + 5)
            signals = ears(unit)[1:]
            store_signals(session, signals, {}, now=began)
            session.connection().exec_driver_sql(
                "UPDATE signal SET known_to = %s WHERE method = 'ears_c2' AND known_to IS NULL",
                (began + timedelta(days=3),),
            )


@pytest.fixture
def visit(site: Site, browser: Browser, ruled: None) -> Iterator[Callable[..., Page]]:
    contexts = []

    def open_page(user: str, path: str, size: dict[str, int] = DESKTOP) -> Page:
        contexts.append(browser.new_context(viewport=size))  # type: ignore[arg-type]
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: site.complaints.append(str(error)))
        sign_in(page, site, user)
        page.wait_for_url(lambda url: "/login" not in url)
        page.goto(site.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert site.complaints == []


def shot(page: Page, name: str) -> None:
    """Kept only where somebody asked to look at it."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def preview(engine: Engine) -> int:
    """What the worker does when it is woken."""

    def past(session: object) -> Past:
        moments = day_ends(FIRST.date(), NOW, Settings.from_environment({}).deployment.timezone)
        return Past(
            moments=moments,
            beliefs=lambda: believed_between(session, moments[0], moments[-1]),  # type: ignore[arg-type]
            silences=[],
        )

    return run_previews(engine, past, DISEASES)


def test_one_person_changes_a_hold_and_another_approves_it(
    engine: Engine, visit: Callable[..., Page]
) -> None:
    page = visit("analyst", "/policy")
    expect(page.get_by_role("heading", name="Quy tắc mức nguy cơ")).to_be_visible()
    expect(page.locator(".policy-card").first).to_contain_text("Sốt xuất huyết")
    shot(page, "policy-desktop")
    page.get_by_role("link", name="Sửa", exact=True).click()
    held = [page.get_by_label(name).first for name in ("mức ▲ Trung bình", "mức ◆ Cao")]
    for hold in held:
        expect(hold).to_have_value("7")
        hold.fill("14")
    page.get_by_label("Vì sao cần đổi").fill("Bốn lần mở lại trong bốn tháng")
    shot(page, "policy-edit-desktop")
    page.get_by_role("button", name="Lưu thành bản chờ duyệt").first.click()
    expect(page.get_by_text("Số ngày giữ mức Trung bình sau bằng chứng cuối")).to_be_visible()
    expect(page.get_by_role("button", name="Duyệt, dùng ngay")).to_have_count(0)
    expect(page.get_by_text("Đang tính trên dữ liệu đã có…")).to_be_visible()

    assert preview(engine) == 1
    expect(page.get_by_text("Nơi khác nhiều nhất")).to_be_visible()
    expect(page.get_by_role("cell", name="Phường Ô 2, Sốt xuất huyết Dengue")).to_be_visible()

    with session_scope(engine) as session:
        made = session.scalars(select(PolicyVersion).where(PolicyVersion.state == "draft")).one()
    boss = visit("manager", f"/policy/{made.id}")
    expect(boss.get_by_text("Nơi khác nhiều nhất")).to_be_visible()
    if os.environ.get("SHOTS"):
        boss.wait_for_timeout(3000)
    shot(boss, "policy-draft-desktop")
    boss.get_by_role("button", name="Từ chối").click()
    expect(boss.get_by_role("alert")).to_contain_text("Hãy ghi lý do từ chối")
    boss.get_by_role("button", name="Duyệt, dùng ngay").click()
    kept = boss.locator(".fact", has_text="Giữ mức ▲ Trung bình")
    expect(kept).to_contain_text("14 ngày sau bằng chứng cuối")
    with session_scope(engine) as session:
        assert policy_in_force(session).hash == made.hash != parse_policy(shipped_text()).hash


def test_a_wrong_text_is_named_by_its_line_and_stays(visit: Callable[..., Page]) -> None:
    page = visit("analyst", "/policy/edit", PHONE)
    page.get_by_text("Sửa toàn văn (TOML)").click()
    text = page.get_by_label("Toàn văn bộ quy tắc")
    wrong = text.input_value().replace("period_days = 7", "period_days = 0", 1)
    text.fill(wrong)
    page.get_by_role("button", name="Lưu toàn văn thành bản chờ duyệt").click()
    line = wrong[: wrong.index("period_days = 0")].count("\n") + 1
    expect(page.get_by_role("alert")).to_contain_text(f"dòng {line}")
    assert text.input_value() == wrong
    shot(page, "policy-edit-phone")
    if os.environ.get("SHOTS"):
        for path, name in (("/policy", "policy-phone"), ("/policy/2", "policy-draft-phone")):
            page.goto(page.url.partition("/policy")[0] + path)
            page.wait_for_timeout(3000)
            shot(page, name)


def test_an_alert_is_decided_again_from_what_it_was_decided_on(
    visit: Callable[..., Page], city: dict[str, Place]
) -> None:
    page = visit("manager", f"/alerts/{city['Ô 0'].alert_id}")
    page.get_by_text("Căn cứ của quyết định").click()
    page.get_by_role("button", name="Tính lại").click()
    expect(page.get_by_text("kết quả giống hệt")).to_be_visible()
    shot(page, "recompute-desktop")


def test_officers_do_not_see_the_rules(visit: Callable[..., Page]) -> None:
    page = visit("officer", "/policy")
    expect(page.get_by_text("Tài khoản này không có quyền xem mục này.")).to_be_visible()
