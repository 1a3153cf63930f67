"""Every page, read by axe-core (WCAG 2 A and AA) in a real Chromium; and what holds on every page: no complaint, no
other host, a strict policy, the right language, one heading. Light and wide all, dark and narrow every second."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.test_dashboard import Site, browser_type_launch_args, sign_in, site, visitor
from tests.test_workbench_tasks import cases
from tests.web_city import city, settings

__all__ = ["browser_type_launch_args", "cases", "city", "settings", "site", "visitor"]

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
PAGES = (
    "/map", "/map?view=table", "/map?view=charts", "/map?view=places", "/map?view=cases&days=90",
    "/map?disease=dengue&metric=rate&compare=to:2026-10-20", "/alerts", "/duties", "/outbreaks", "/review", "/data",
    "/policy", "/lab", "/messages", "/on-call", "/methods/levels",
)  # fmt: skip
SERIOUS = {"serious", "critical"}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


def faults(page: Page) -> list[str]:
    """Serious and critical ones: rule, impact, and where."""
    found: list[dict[str, Any]] = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:160]}"
        for each in found
        if each["impact"] in SERIOUS
    ]


def check(page: Page, site: Site, path: str, language: str = "vi") -> list[str]:
    """What is wrong with the page of `path`."""
    answer = page.goto(site.url + path)
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    expect(page.locator("h1")).to_have_count(1)
    page.wait_for_timeout(1500)
    wrong = [f"{path}: {fault}" for fault in faults(page)]
    if "unsafe-eval" in policy or "script-src 'self'" not in policy or "worker-src 'self'" not in policy:
        wrong.append(f"{path}: {policy}")
    if page.locator("html").get_attribute("lang") != language:
        wrong.append(f"{path}: lang is not {language}")
    return wrong


@pytest.mark.parametrize(("dark", "narrow"), [(False, False), (True, True)])
def test_an_analysts_pages_have_no_serious_fault(visitor: Page, site: Site, dark: bool, narrow: bool) -> None:
    visitor.set_viewport_size(NARROW if narrow else WIDE)  # type: ignore[arg-type]
    sign_in(visitor, site, "analyst")
    visitor.goto(f"{site.url}/preferences?theme={'dark' if dark else 'light'}")
    mine = PAGES if not dark else PAGES[::2]
    wrong = [fault for path in mine for fault in check(visitor, site, path)]
    assert not wrong, "\n".join(wrong)
    assert site.complaints == []


def test_other_peoples_pages_have_no_serious_fault(visitor: Page, site: Site) -> None:
    wrong = check(visitor, site, "/login")
    sign_in(visitor, site, "manager")
    visitor.wait_for_url("**/reports")
    wrong += [fault for path in ("/reports", "/scorecard") for fault in check(visitor, site, path)]
    visitor.goto(f"{site.url}/preferences?language=en")
    wrong += check(visitor, site, "/map", "en")
    visitor.goto(f"{site.url}/preferences?language=vi")
    assert not wrong, "\n".join(wrong)
    assert site.complaints == []
