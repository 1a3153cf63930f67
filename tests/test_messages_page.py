"""The page of messages in a real Chromium, by thumb and by mouse."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from tests.test_dashboard import Site, browser_type_launch_args, sign_in, site, visitor
from tests.test_web_messages import chosen, dead, no_choices, settings
from tests.web_city import Place, city

__all__ = ["browser_type_launch_args", "city", "dead", "no_choices", "settings", "site", "visitor"]
"""Fixtures."""


def test_an_officer_turns_text_messages_on_with_the_thumb(
    visitor: Page, site: Site, city: dict[str, Place], engine: Engine
) -> None:
    visitor.set_viewport_size({"width": 390, "height": 844})
    sign_in(visitor, site, "officer")
    visitor.locator(".menu > summary").click()
    visitor.get_by_role("link", name="Tôi nhận tin thế nào").click()
    card = visitor.locator(".told-card", has_text="Tin nhắn SMS")
    card.get_by_label("Số di động").fill("12")
    card.get_by_role("button", name="Bật").click()
    expect(card.get_by_role("alert")).to_contain_text("0901234567")
    card.get_by_label("Số di động").fill("090 123 4567")
    card.get_by_text("Rất cao", exact=True).click()
    card.get_by_role("button", name="Bật").click()
    expect(card.get_by_role("status")).to_have_text("Đã lưu.")
    assert chosen(engine, "officer")["sms"].at_once_from == 4
    assert visitor.evaluate("document.documentElement.scrollWidth") <= 390
    card.get_by_role("button", name="Tắt").click()
    expect(card.get_by_role("status")).to_have_text("Đã tắt.")
    assert chosen(engine, "officer") == {}
    assert site.complaints == []


def test_an_analyst_sees_what_did_not_arrive_and_sends_it_again(
    visitor: Page, site: Site, dead: dict[str, int]
) -> None:
    visitor.set_viewport_size({"width": 1440, "height": 900})
    sign_in(visitor, site, "analyst")
    visitor.goto(f"{site.url}/messages")
    expect(visitor.locator("#messages-rest")).to_contain_text("Tin không gửi được (2)")
    visitor.get_by_role("button", name="Gửi lại cho").first.click()
    expect(visitor.locator("#messages-rest")).to_contain_text("Tin không gửi được (1)")
    expect(visitor.get_by_role("status").filter(has_text="hàng chờ")).to_be_visible()
    assert site.complaints == []
