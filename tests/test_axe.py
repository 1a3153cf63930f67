"""Every page, read by axe-core in a real Chromium; and what holds on every page: no complaint, no other host, a strict
policy, the right language and no word of the other, one heading.

Each page twice, light on a desk in Vietnamese and dark on a phone in English: colours do not depend on the width, nor
the order of things on the theme. Between pages as a link goes, without a new load.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize
from sqlalchemy import Engine, select

from db import session_scope
from surveillance.outbreaks.models import OutbreakVersion
from surveillance.outbreaks.profiles import load_profiles
from surveillance.outbreaks.table import METRIC
from surveillance.outbreaks.watching import Outbreaks
from tests.test_cluster_list import clusters
from tests.test_dashboard import Site, browser_type_launch_args, sign_in, site, visitor
from tests.test_i18n import LETTERS
from tests.test_workbench_tasks import cases
from tests.web_city import NOW, Place, city, settings
from tests.web_outbreak import TODAY

__all__ = ["browser_type_launch_args", "cases", "city", "clusters", "settings", "site", "visitor"]
"""Fixtures."""

DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@dataclass(frozen=True)
class Look:
    """Who looks at the pages, and how."""

    name: str
    theme: str
    language: str
    size: ViewportSize


LOOKS = (Look("analyst", "light", "vi", DESK), Look("guest", "dark", "en", PHONE))
PAGES = (
    "/map", "/map?view=table", "/map?view=charts", "/map?view=places", "/map?view=cases&days=90",
    "/map?disease=dengue&metric=rate&compare=to:2026-10-20", "/map?disease=dengue&unit={unit}",
    "/map?disease=dengue&cluster=7", "/alerts", "/alerts/{alert}", "/duties", "/outbreaks", "/outbreaks/{outbreak}",
    "/review", "/data", "/reports", "/policy", "/lab", "/scorecard", "/messages", "/on-call", "/methods",
    "/methods/levels", "/help",
)  # fmt: skip
OF_AN_OFFICER = ("/my", "/my/outbreaks/{outbreak}", "/alerts/{alert}")
"""The first two are no Dash pages."""

AXE = """() => axe.run(document, { resultTypes: ["violations"] }).then((found) => found.violations
  .filter((fault) => fault.impact === "serious" || fault.impact === "critical")
  .flatMap((fault) => fault.nodes.map((node) => `${fault.id}: ${node.html.slice(0, 200)}`)))"""
DAYS_ARE_ALSO_CHOSEN_BY = 'target-size: <a href="/map?'
"""The calendar's days are small: the same day can be chosen in the filters (WCAG 2.2, 2.5.8, "Equivalent")."""

COUNT_QUESTIONS = """() => {
  const fetched = window.fetch;
  window.questions = { asked: 0, open: 0 };
  window.fetch = (address, ...more) => {
    if (String(address).includes("_dash-update-component")) questions.asked += 1;
    questions.open += 1;
    return fetched(address, ...more).finally(() => { questions.open -= 1; });
  };
}"""
GO = """(path) => {
  questions.asked = 0;
  history.pushState({}, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
}"""
"""As a link of the frame does."""
SETTLED = """() => new Promise((done, fail) => {
  let before = -1, quiet = 0, looks = 0;
  const timer = setInterval(() => {
    const parts = document.querySelectorAll("*").length;
    const drawn = document.querySelector("h1") && !document.querySelector(".skeleton");
    const waits = !questions.asked || questions.open || !drawn;
    quiet = parts === before && !waits ? quiet + 1 : 0;
    before = parts;
    if (quiet >= 4) { clearInterval(timer); done(); }
    if (++looks < 600) return;
    clearInterval(timer);
    fail(new Error(`never done: ${parts} parts, ${JSON.stringify(questions)}`));
  }, 50);
})"""
"""The page is there: the server was asked, has answered, and nothing was added for a fifth of a second."""

ENGLISH = re.compile(
    r"\b(the|of|and|with|for|from|select|search|loading|page|rows?|filter|close|clear|next|previous|today|january"
    r"|february|march|april|june|july|august|september|october|november|december|jan|feb|apr|jun|jul|aug|sep|oct"
    r"|nov|dec|monday|tuesday|wednesday|thursday|friday|saturday|sunday|zoom|reset|download|upload|drag|drop|cases?"
    r"|weeks?|month|year|days?|alerts?|none|all|show|hide|open|save|cancel|edit|delete|add|remove|copy|error|yes|not"
    r"|more|less|level|map|chart|table|help|column|menu|press|value|contains|equals|blank|autoscale|toggle)\b",
    re.IGNORECASE,
)
"""Of the libraries and of our own; without those that Vietnamese has too, as “may”, “mar” and “no”."""
NAMES = re.compile(
    r"(Phường )?Ô \d|Người Thử|(Thành phố )?Hồ Chí Minh|Canh Dịch|Tết|Từ đầu tháng có 40 ca|mau\.xlsx|“[^”]*”"
    r"|(Danh sách ca [\w ]+|Kết quả điều tra ca bệnh) \([A-Z_]+\)|app\.py replay --from … --to …"
)
"""Called so in every language: places and people of these tests, a reason stored there as plain text, forms, commands,
and the law's words in quotes."""
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

STRICT = {
    "default-src": "'self'",
    "script-src": r"'self'( 'sha256-[\w+/=]+')*",
    "worker-src": "'self'",
    "object-src": "'none'",
}


@pytest.fixture(scope="module")
def ids(engine: Engine, city: dict[str, Place], cases: None) -> dict[str, int | None]:
    """What the pages of one thing are about; the outbreak is one that the officer sees."""
    with session_scope(engine) as session:
        Outbreaks([load_profiles()["HCDC-2021"]], crs=METRIC).update(session, today=TODAY, now=NOW)
        mine = OutbreakVersion.units.contains([city["Ô 1"].id])
        outbreak = session.scalars(select(OutbreakVersion.outbreak_id).where(mine).limit(1)).one()
    return {"unit": city["Ô 0"].id, "alert": city["Ô 1"].alert_id, "outbreak": outbreak}


def start(page: Page, site: Site, look: Look) -> None:
    """Sign in and choose theme and language, without drawing a page for it."""
    page.set_viewport_size(look.size)
    sign_in(page, site, look.name)
    page.wait_for_url(lambda url: "/login" not in url)
    wish: dict[str, str | float | bool] = {"theme": look.theme, "language": look.language}
    assert page.context.request.get(f"{site.url}/preferences", params=wish, max_redirects=0).status == 302


def load(page: Page, address: str) -> None:
    page.goto(address, wait_until="networkidle")
    page.evaluate(Axe().axe_script)


def faults(page: Page, language: str) -> list[str]:
    """Everything wrong with the page on show."""
    found = [fault for fault in page.evaluate(AXE) if not fault.startswith(DAYS_ARE_ALSO_CHOSEN_BY)]
    said = page.evaluate(WORDS)
    assert said
    found += [f"other language: {text[:100]}" for text in said if is_stray(text, language)]
    if (headings := page.locator("h1").count()) != 1:
        found.append(f"{headings} first headings")
    if (lang := page.locator("html").get_attribute("lang")) != language:
        found.append(f"lang {lang}")
    return found


def is_stray(text: str, language: str) -> bool:
    """Whether it holds words of the other language."""
    ours = NAMES.sub("", text)
    return bool(ENGLISH.search(ours) if language == "vi" else LETTERS & set(ours.lower()))


def loose(policy: str) -> list[str]:
    """Directives of a Content-Security-Policy that allow more than they should."""
    given = dict(part.strip().split(" ", 1) for part in policy.split(";") if part.strip())
    return [
        f"{name} {given.get(name)}"
        for name, allowed in STRICT.items()
        if not re.fullmatch(allowed, given.get(name, ""))
    ]


# --- what the checks themselves see ----------------------------------------------------------------------------


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
    strict = "default-src 'self'; script-src 'self' 'sha256-Ab+/='; worker-src 'self'; object-src 'none'"
    assert loose(strict) == []
    assert loose(strict.replace("script-src 'self'", f"script-src 'self' {more}"))
    assert loose(strict.replace("worker-src 'self'", f"worker-src 'self' {more}"))


# --- the pages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look.language}-{look.theme}")
def test_no_page_has_a_fault(
    visitor: Page, site: Site, ids: dict[str, int | None], clusters: None, look: Look
) -> None:
    start(visitor, site, look)
    load(visitor, f"{site.url}/help")
    visitor.evaluate(COUNT_QUESTIONS)
    wrong = []
    for path in PAGES:
        visitor.evaluate(GO, path.format(**ids))
        visitor.evaluate(SETTLED)
        wrong += [f"{path} {fault}" for fault in faults(visitor, look.language)]
    assert not wrong, "\n".join(wrong)
    assert site.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_signing_in_and_an_officers_phone_have_no_fault(
    visitor: Page, site: Site, ids: dict[str, int | None], theme: str
) -> None:
    load(visitor, f"{site.url}/login")
    wrong = [f"/login {fault}" for fault in faults(visitor, "vi")]
    start(visitor, site, Look("officer", theme, "vi", PHONE))
    for path in OF_AN_OFFICER:
        load(visitor, site.url + path.format(**ids))
        wrong += [f"{path} {fault}" for fault in faults(visitor, "vi")]
    assert not wrong, "\n".join(wrong)
    assert site.complaints == []


def test_every_page_forbids_scripts_of_others_and_evaluated_ones(
    visitor: Page, site: Site, ids: dict[str, int | None]
) -> None:
    for look, paths in ((LOOKS[0], PAGES), (Look("officer", "light", "vi", PHONE), OF_AN_OFFICER)):
        start(visitor, site, look)
        for path in paths:
            answer = visitor.context.request.get(site.url + path.format(**ids))
            assert answer.status == 200, path
            assert loose(answer.headers["content-security-policy"]) == [], path
        visitor.context.clear_cookies()
