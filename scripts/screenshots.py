"""Take the documents' screenshots anew from a running `make demo`.

python scripts/screenshots.py BASE_URL UNIT ALERT OFFICERS_ALERT [NAME …]     as in /map?unit=… and /alerts/…
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

OUT = Path(__file__).parent.parent / "docs/screenshots"
DESKTOP, PHONE = (1440, 900), (390, 844)
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]
PASSWORD = "canhdich2026"
ANALYST, OFFICER, MANAGER = "phantich", "canbo", "quanly"


class Shot(NamedTuple):
    name: str
    user: str
    path: str
    size: tuple[int, int] = DESKTOP
    dark: bool = False


SHOTS = (
    Shot("map-desktop", ANALYST, "/map?unit={unit}"),
    Shot("map-desktop-dark", ANALYST, "/map?unit={unit}", dark=True),
    Shot("city-desktop", ANALYST, "/map"),
    Shot("map-phone", ANALYST, "/map", PHONE),
    Shot("alert-desktop", ANALYST, "/alerts/{alert}"),
    Shot("data-desktop", ANALYST, "/data"),
    Shot("reports-desktop", MANAGER, "/reports"),
    Shot("officer-inbox-phone", OFFICER, "/alerts", PHONE),
    Shot("officer-alert-phone", OFFICER, "/alerts/{officer}", PHONE),
    Shot("officer-area-phone", OFFICER, "/my", PHONE),
    Shot("duties-desktop", ANALYST, "/duties"),
    Shot("duties-phone", OFFICER, "/duties", PHONE),
    Shot("policy-desktop", ANALYST, "/policy"),
    Shot("on-call-desktop", ANALYST, "/on-call"),
    Shot("scorecard-desktop", MANAGER, "/scorecard"),
)


def sign_in(page: Page, base: str, user: str) -> None:
    page.goto(f"{base}/login")
    page.locator("summary").first.click()
    page.get_by_label("Tên đăng nhập").fill(user)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    page.wait_for_url(lambda url: "/login" not in url)


def take(browser: Browser, base: str, shot: Shot, numbers: dict[str, str]) -> None:
    width, height = shot.size
    context = browser.new_context(viewport={"width": width, "height": height}, locale="vi-VN")
    page = context.new_page()
    sign_in(page, base, shot.user)
    if shot.dark:
        page.goto(f"{base}/preferences?theme=dark")
    page.goto(base + shot.path.format(**numbers))
    page.wait_for_timeout(9000)
    page.screenshot(path=OUT / f"{shot.name}.png")
    print(shot.name)
    context.close()


def main() -> None:
    base, unit, alert, officer, *names = sys.argv[1:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for shot in SHOTS:
            if not names or shot.name in names:
                take(browser, base, shot, {"unit": unit, "alert": alert, "officer": officer})
        browser.close()


if __name__ == "__main__":
    main()
