"""Every screen of a running `make demo` in both languages, both themes and both sizes, a sheet of eight pictures each.

python scripts/gallery.py BASE_URL [NAME …]     writes docs/screenshots/gallery/NAME.webp
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, TimeoutError, sync_playwright
from screenshots import ANALYST, DESKTOP, FLAGS, MANAGER, OFFICER, PHONE, sign_in

OUT = Path(__file__).parent.parent / "docs/screenshots/gallery"
HEIGHT = 560
"""Of each picture on a sheet, in pixels."""
GAP = 12
SETTLE_MS = 1500
LONGEST_MS = 20_000
STANDS = """() => document.querySelector("h1") && ![
  ...document.querySelectorAll(".epimap-loading, .skeleton, .ag-overlay-loading-center, [data-dash-is-loading=true]"),
].some((part) => part.offsetParent)"""


class Screen(NamedTuple):
    name: str
    user: str
    path: str


SCREENS = (
    Screen("map", ANALYST, "/map?disease=dengue"),
    Screen("map-cases", ANALYST, "/map?disease=dengue&layers=cases:80&at=106.68,10.78,11.3"),
    Screen("map-split", ANALYST, "/map?disease=dengue&metric=rate&compare=to:2026-08-30"),
    Screen("map-charts", ANALYST, "/map?disease=dengue&view=charts"),
    Screen("map-places", ANALYST, "/map?disease=dengue&view=places"),
    Screen("map-case-list", ANALYST, "/map?disease=dengue&view=cases"),
    Screen("map-area", ANALYST, "/map?disease=dengue&unit={unit}"),
    Screen("alerts", ANALYST, "/alerts"),
    Screen("alert", ANALYST, "/alerts/{alert}"),
    Screen("duties", ANALYST, "/duties"),
    Screen("outbreaks", ANALYST, "/outbreaks"),
    Screen("outbreak", ANALYST, "/outbreaks?id={outbreak}"),
    Screen("help", ANALYST, "/help"),
    Screen("lab", ANALYST, "/lab?disease=dengue"),
    Screen("review", ANALYST, "/review"),
    Screen("data", ANALYST, "/data"),
    Screen("policy", ANALYST, "/policy"),
    Screen("scorecard", MANAGER, "/scorecard"),
    Screen("reports", MANAGER, "/reports"),
    Screen("on-call", ANALYST, "/on-call"),
    Screen("messages", ANALYST, "/messages"),
    Screen("methods", ANALYST, "/methods/scan"),
    Screen("officer", OFFICER, "/my"),
)


def pictures(contexts: Sequence[BrowserContext], base: str, path: str) -> list[Image.Image]:
    """Eight of one screen: wide before narrow, of each Vietnamese light and dark, English light and dark."""
    found: list[list[Image.Image]] = [[] for _context in contexts]
    for language in ("vi", "en"):
        for theme in ("light", "dark"):
            for context, taken in zip(contexts, found, strict=True):
                context.request.get(f"{base}/preferences?language={language}&theme={theme}", max_redirects=0)
                taken.append(picture(context.pages[0], base + path))
    return [one for taken in found for one in taken]


def picture(page: Page, url: str) -> Image.Image:
    page.goto(url)
    with suppress(TimeoutError):
        page.wait_for_function(STANDS, timeout=LONGEST_MS)
    page.wait_for_timeout(SETTLE_MS)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return image.resize((round(image.width * HEIGHT / image.height), HEIGHT), Image.Resampling.LANCZOS)


def sheet(pictures: Sequence[Image.Image]) -> Image.Image:
    """Wide ones two by two, the narrow ones beside them."""
    wide, narrow = pictures[:4], pictures[4:]
    width = 2 * wide[0].width + 4 * narrow[0].width + 5 * GAP
    made = Image.new("RGB", (width, 2 * HEIGHT + GAP), "#808890")
    for i, one in enumerate(wide):
        made.paste(one, ((i % 2) * (one.width + GAP), (i // 2) * (HEIGHT + GAP)))
    left = 2 * (wide[0].width + GAP)
    for i, one in enumerate(narrow):
        made.paste(one, (left + (i % 2) * (one.width + GAP), (i // 2) * (HEIGHT + GAP)))
    return made.crop((0, 0, left + 2 * (narrow[0].width + GAP) - GAP, made.height))


def first_of_lists(page: Page, base: str) -> dict[str, str]:
    """What stands on top of the lists of areas, alerts and outbreaks."""
    found = {}
    for name, path in (
        ("unit", "/map?disease=dengue&view=table"),
        ("alert", "/alerts"),
        ("outbreak", "/outbreaks"),
    ):
        page.goto(base + path)
        found[name] = page.locator(".ag-row").first.get_attribute("row-id") or ""
    return found


@contextmanager
def signed_in(browser: Browser, base: str, user: str) -> Iterator[list[BrowserContext]]:
    """One context wide and one narrow; afterwards the account speaks Vietnamese again."""
    contexts = []
    for width, height in (DESKTOP, PHONE):
        context = browser.new_context(viewport={"width": width, "height": height}, locale="vi-VN")
        sign_in(context.new_page(), base, user)
        contexts.append(context)
    try:
        yield contexts
    finally:
        for context in contexts:
            context.request.get(f"{base}/preferences?language=vi&theme=light", max_redirects=0)
            context.close()


def main() -> None:
    base, *names = sys.argv[1:]
    screens = [screen for screen in SCREENS if not names or screen.name in names]
    OUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        with signed_in(browser, base, ANALYST) as (wide, _narrow):
            ids = first_of_lists(wide.pages[0], base)
        for user in dict.fromkeys(screen.user for screen in screens):
            with signed_in(browser, base, user) as contexts:
                for screen in (screen for screen in screens if screen.user == user):
                    sheet(pictures(contexts, base, screen.path.format(**ids))).save(
                        OUT / f"{screen.name}.webp", quality=70
                    )
                    print(screen.name, flush=True)
        browser.close()


if __name__ == "__main__":
    main()
