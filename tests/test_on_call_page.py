"""The page of the rota and of silences in a real Chromium, by thumb and by mouse."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, delete, select

from accounts.models import User
from alerts.models import AlertEvent
from alerts.telling.models import DutyShift, QuietHours, Silence
from alerts.telling.rota import add_shift
from db import session_scope
from tests.test_dashboard import Site, browser_type_launch_args, sign_in, site, visitor
from tests.web_city import NOW, Place, city, settings

__all__ = ["browser_type_launch_args", "city", "settings", "site", "visitor"]
"""Fixtures."""


@pytest.fixture(autouse=True)
def empty(engine: Engine, city: dict[str, Place]) -> Iterator[None]:
    yield
    with session_scope(engine) as session:
        for table in (DutyShift, QuietHours, Silence):
            session.execute(delete(table))


def look(page: Page, name: str) -> None:
    if folder := os.environ.get("CANHDICH_LOOK"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_an_officer_keeps_an_alert_quiet_from_the_phone_and_ends_it(
    visitor: Page, site: Site, city: dict[str, Place], engine: Engine
) -> None:
    visitor.set_viewport_size({"width": 390, "height": 844})
    sign_in(visitor, site, "officer")
    visitor.goto(f"{site.url}/alerts/{city['Ô 1'].alert_id}")
    visitor.get_by_role("link", name="Tạm im…").click()
    visitor.get_by_role("button", name="Tạm im", exact=True).click()
    expect(visitor.get_by_role("alert")).to_contain_text("Hãy ghi lý do")
    visitor.get_by_label("Lý do").fill("Đang phun hoá chất đợt hai")
    visitor.get_by_role("button", name="Tạm im", exact=True).click()
    expect(visitor.locator("#on-call-silences")).to_contain_text("Đang tạm im (1)")
    expect(visitor.locator("#on-call-silences")).to_contain_text("Đang phun hoá chất đợt hai")
    look(visitor, "on-call-phone")
    assert visitor.evaluate("document.documentElement.scrollWidth") <= 390
    visitor.goto(f"{site.url}/alerts/{city['Ô 1'].alert_id}")
    expect(visitor.locator("#alert-body .silence-note")).to_contain_text(
        "vì: Đang phun hoá chất đợt hai (do Người Thử)"
    )
    look(visitor, "alert-silence-phone")
    visitor.goto(f"{site.url}/alerts")
    expect(visitor.locator("#inbox-telling")).to_contain_text("Đang tạm im đến")
    look(visitor, "inbox-silence-phone")
    visitor.locator("#inbox-telling").get_by_role("link", name="Xem").click()
    visitor.get_by_role("button", name="Kết thúc tạm im").click()
    expect(visitor.locator("#on-call-silences")).to_contain_text("Đang tạm im (0)")
    with session_scope(engine) as session:
        kinds = session.scalars(
            select(AlertEvent.kind).where(AlertEvent.alert_id == city["Ô 1"].alert_id).order_by(AlertEvent.id)
        ).all()
    assert kinds[-2:] == ["silenced", "silence_ended"]
    assert site.complaints == []


def test_an_analyst_sees_who_is_on_call_and_puts_somebody_on(
    visitor: Page, site: Site, city: dict[str, Place], engine: Engine
) -> None:
    with session_scope(engine) as session:
        analyst = session.scalars(select(User).where(User.username == "analyst")).one()
        officer = session.scalars(select(User).where(User.username == "officer")).one()
        for user, unit_id in ((analyst, None), (officer, city["Ô 1"].id)):
            add_shift(
                session, by=analyst, user_id=user.id, unit_id=unit_id, starts_at=NOW - timedelta(hours=2),
                ends_at=NOW + timedelta(hours=20), phone="0901234567", by_sms=False, now=NOW,
            )  # fmt: skip
    sign_in(visitor, site, "analyst")
    visitor.goto(f"{site.url}/on-call")
    call = visitor.get_by_role("link", name="Gọi 0901 234 567").first
    expect(call).to_have_attribute("href", "tel:+84901234567")
    expect(visitor.locator(".rota")).to_contain_text("Phường Ô 1")
    visitor.get_by_text("Xếp thêm ca trực").click()
    visitor.get_by_role("textbox", name="Người trực").click()
    visitor.get_by_role("option").first.click()
    visitor.get_by_label("Số điện thoại trực").fill("0912345678")
    look(visitor, "on-call-desktop")
    visitor.get_by_role("button", name="Xếp ca trực").click()
    expect(visitor.locator("#shift-said")).to_contain_text("Đã xếp ca trực.")
    with session_scope(engine) as session:
        assert session.scalars(select(DutyShift.phone).order_by(DutyShift.id.desc())).first() == "84912345678"
    expect(visitor.locator(".rota-remove")).to_have_count(3)
    visitor.locator(".rota-remove").first.click()
    expect(visitor.locator(".rota-remove")).to_have_count(2)
    visitor.goto(f"{site.url}/messages")
    visitor.get_by_label("Từ", exact=True).fill("21:30")
    visitor.get_by_label("Đến", exact=True).fill("06:00")
    visitor.get_by_role("button", name="Lưu giờ yên lặng").click()
    expect(visitor.locator("#quiet-said")).to_contain_text("từ 21:30 đến 06:00")
    look(visitor, "messages-quiet-desktop")
    assert site.complaints == []
