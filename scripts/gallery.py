"""Every screen of a running `make demo` in both languages, both themes and both sizes, a sheet of eight pictures each.

python scripts/gallery.py BASE_URL [NAME …]     writes docs/screenshots/gallery/NAME.webp
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from screenshots import ANALYST, DESKTOP, FLAGS, MANAGER, OFFICER, PHONE, sign_in

OUT = Path(__file__).parent.parent / "docs/screenshots/gallery"
HEIGHT = 560
"""Of each picture on a sheet, in pixels."""
GAP = 12
SETTLE_MS = 3500


class Screen(NamedTuple):
    name: str
    user: str
    path: str


SCREENS = (
    Screen("map", ANALYST, "/map?disease=dengue"),
    Screen("map-cases", ANALYST, "/map?disease=dengue&metric=rate&layers=cases:80&at=106.68,10.78,11.3"),
    Screen("map-split", ANALYST, "/map?disease=dengue&metric=rate&compare=to:2026-08-30"),
    Screen("map-charts", ANALYST, "/map?disease=dengue&view=charts"),
    Screen("map-places", ANALYST, "/map?disease=dengue&view=places"),
    Screen("map-case-list", ANALYST, "/map?disease=dengue&view=cases"),
    Screen("alerts", ANALYST, "/alerts"),
    Screen("duties", ANALYST, "/duties"),
    Screen("outbreaks", ANALYST, "/outbreaks"),
    Screen("help", ANALYST, "/help"),
    Screen("lab", ANALYST, "/lab?disease=dengue"),
    Screen("review", ANALYST, "/review"),
    Screen("data", ANALYST, "/data"),
    Screen("policy", ANALYST, "/policy"),
    Screen("scorecard", MANAGER, "/scorecard"),
    Screen("reports", MANAGER, "/reports"),
    Screen("on-call", ANALYST, "/on-call"),
    Screen("officer", OFFICER, "/my"),
)


def shots(browser: Browser, base: str, screens: Sequence[Screen]) -> dict[str, list[Image.Image]]:
    """Eight pictures of each screen: Vietnamese light and dark, English light and dark, wide before narrow."""
    found: dict[str, list[Image.Image]] = {screen.name: [] for screen in screens}
    for user in dict.fromkeys(screen.user for screen in screens):
        for size in (DESKTOP, PHONE):
            context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="vi-VN")
            page = context.new_page()
            sign_in(page, base, user)
            for language in ("vi", "en"):
                for theme in ("light", "dark"):
                    page.goto(f"{base}/preferences?language={language}")
                    page.goto(f"{base}/preferences?theme={theme}")
                    for screen in screens:
                        if screen.user == user:
                            found[screen.name].append(picture(page, base + screen.path))
            page.goto(f"{base}/preferences?language=vi")
            context.close()
    return found


def picture(page: Page, url: str) -> Image.Image:
    page.goto(url)
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


def main() -> None:
    base, *names = sys.argv[1:]
    screens = [screen for screen in SCREENS if not names or screen.name in names]
    OUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for name, pictures in shots(browser, base, screens).items():
            sheet(pictures).save(OUT / f"{name}.webp", quality=70)
            print(name)
        browser.close()


if __name__ == "__main__":
    main()
