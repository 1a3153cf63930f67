"""Every page, read by axe-core (WCAG 2 A and AA) in a real Chromium; and what holds on every page: no complaint, no
other host, a strict policy, the right language and none of another, one heading. Each page once: light and wide, or
dark and narrow."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.test_dashboard import Site, browser_type_launch_args, sign_in, site, visitor
from tests.test_i18n import LETTERS
from tests.test_workbench_tasks import cases
from tests.web_city import city, settings

__all__ = ["browser_type_launch_args", "cases", "city", "settings", "site", "visitor"]

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
LIGHT_AND_WIDE = (
    "/map", "/map?view=charts", "/map?view=cases&days=90", "/alerts", "/outbreaks", "/data", "/lab", "/on-call",
    "/methods/levels",
)  # fmt: skip
DARK_AND_NARROW = (
    "/map?view=table", "/map?view=places", "/map?disease=dengue&metric=rate&compare=to:2026-10-20", "/duties",
    "/review", "/policy", "/messages", "/help",
)  # fmt: skip
IN_ENGLISH = ("/map?view=charts", "/map?view=cases&days=90", "/alerts", "/data", "/lab", "/help")
"""Grids, date pickers and charts, which bring words of their own; and the longest text."""
SERIOUS = {"serious", "critical"}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
STRICT = {"script-src": r"'self'( 'sha256-[\w+/=]+')*", "worker-src": "'self'", "object-src": "'none'"}

ENGLISH = re.compile(
    r"\b(Page Size|No Rows|Rows?|Select( all)?|Search|Filter|Loading|Reset|Clear|Close|Next|Previous|Today|of \d+"
    r"|Contains|Equals|Blank|Download plot|Autoscale|Zoom (in|out)|Toggle|Show|Hide"
    r"|January|February|March|April|June|July|August|September|October|November|December"
    r"|Jan|Feb|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b"
)
"""Words that the libraries bring; “May” and “Mar” are left out, which Vietnamese has too."""
DATA = re.compile(
    r"(Phường )?Ô \d|Người Thử|(Thành phố )?Hồ Chí Minh|Canh Dịch|Tết|Từ đầu tháng có 40 ca"
    r"|(Danh sách ca [\w ]+|Kết quả điều tra ca bệnh) \([A-Z_]+\)"
)
"""Names in the city of these tests, a reason stored there as plain text, and names of forms."""
WORDS = """() => {
  const said = [], names = ["aria-label", "title", "placeholder", "alt"];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT);
  for (let each = walk.currentNode; each; each = walk.nextNode()) {
    if (each.closest("script, style, [lang]") !== document.documentElement) continue;
    for (const name of names) if (each.getAttribute(name)) said.push(each.getAttribute(name));
    const texts = [...each.childNodes].filter(child => child.nodeType === Node.TEXT_NODE);
    said.push(...texts.map(text => text.data.trim()).filter(Boolean));
  }
  return said;
}"""
"""Every text and name of the page, hidden ones too, but those marked as of a language of their own."""


def faults(page: Page) -> list[str]:
    """Serious and critical ones: rule, impact, and where."""
    found: list[dict[str, Any]] = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:160]}"
        for each in found
        if each["impact"] in SERIOUS
    ]


def stray(page: Page, language: str) -> list[str]:
    """Texts that hold words of the other language."""
    said: list[str] = page.evaluate(WORDS)
    assert said
    return [text[:100] for text in said if is_stray(text, language)]


def is_stray(text: str, language: str) -> bool:
    if language == "vi":
        return ENGLISH.search(text) is not None
    return bool(LETTERS & set(DATA.sub("", text).lower()))


def loose(policy: str) -> list[str]:
    """Directives of a Content-Security-Policy that allow more than they should."""
    given = dict(part.strip().split(" ", 1) for part in policy.split(";") if part.strip())
    return [
        f"{name} {given.get(name)}"
        for name, allowed in STRICT.items()
        if not re.fullmatch(allowed, given.get(name, ""))
    ]


def check(page: Page, site: Site, path: str, language: str = "vi") -> list[str]:
    """What is wrong with the page of `path`, but for what axe finds."""
    answer = page.goto(site.url + path)
    assert answer is not None
    expect(page.locator("h1")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    expect(page.locator(".skeleton")).to_have_count(0)
    wrong = loose(answer.headers["content-security-policy"]) + stray(page, language)
    if page.locator("html").get_attribute("lang") != language:
        wrong.append(f"lang is not {language}")
    return [f"{path}: {each}" for each in wrong]


def check_all(page: Page, site: Site, *paths: str) -> None:
    """Every page is free of serious faults and whatever else is asked of a page."""
    wrong = []
    for path in paths:
        wrong += check(page, site, path)
        wrong += [f"{path}: {fault}" for fault in faults(page)]
    assert not wrong, "\n".join(wrong)
    assert site.complaints == []


def prefer(page: Page, site: Site, **wish: str) -> None:
    """Choose a theme or a language without drawing a page for it."""
    answer = page.context.request.get(f"{site.url}/preferences", params=dict(wish), max_redirects=0)
    assert answer.status == 302


@pytest.mark.parametrize(
    ("text", "language", "wrong"),
    [
        ("Page Size:", "vi", True),
        ("November 2026", "vi", True),
        ("Máy ở May Mar", "vi", False),
        ("Phường Ô 1", "en", False),
        ("Phường Ô 1: Rất cao", "en", True),
    ],
)
def test_a_word_of_the_other_language_is_seen(text: str, language: str, wrong: bool) -> None:
    assert is_stray(text, language) is wrong


@pytest.mark.parametrize("more", ["'unsafe-eval'", "blob:", "https://cdn.example"])
def test_a_loose_policy_is_seen(more: str) -> None:
    strict = "script-src 'self' 'sha256-Ab+/='; worker-src 'self'; object-src 'none'"
    assert loose(strict) == []
    assert loose(strict.replace("script-src 'self'", f"script-src 'self' {more}"))
    assert loose(strict.replace("worker-src 'self'", f"worker-src 'self' {more}"))


def test_a_wide_light_page_has_no_fault(visitor: Page, site: Site) -> None:
    sign_in(visitor, site, "analyst")
    check_all(visitor, site, *LIGHT_AND_WIDE)


def test_a_narrow_dark_page_has_no_fault(visitor: Page, site: Site) -> None:
    visitor.set_viewport_size(NARROW)  # type: ignore[arg-type]
    sign_in(visitor, site, "analyst")
    prefer(visitor, site, theme="dark")
    check_all(visitor, site, *DARK_AND_NARROW)


@pytest.mark.parametrize(
    ("name", "paths", "narrow"),
    [("manager", ("/reports", "/scorecard"), False), ("officer", ("/my", "/outbreaks"), True)],
)
def test_other_peoples_pages_have_no_fault(
    visitor: Page, site: Site, name: str, paths: tuple[str, ...], narrow: bool
) -> None:
    visitor.set_viewport_size(NARROW if narrow else WIDE)  # type: ignore[arg-type]
    check_all(visitor, site, "/login")
    sign_in(visitor, site, name)
    visitor.wait_for_url(lambda url: "/login" not in url)
    check_all(visitor, site, *paths)


def test_an_english_page_has_no_vietnamese_but_names(visitor: Page, site: Site) -> None:
    sign_in(visitor, site, "guest")
    visitor.wait_for_url(lambda url: "/login" not in url)
    prefer(visitor, site, language="en")
    wrong = [each for path in IN_ENGLISH for each in check(visitor, site, path, "en")]
    assert not wrong, "\n".join(wrong)
    assert site.complaints == []
