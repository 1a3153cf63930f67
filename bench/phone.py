"""Bytes and seconds of the officer's pages on a slow network (400 kbit/s each way, 400 ms there and back), in headless
Chromium as a phone: the first load after signing in, the second, and the Dash pages beside them.

make demo && python -m bench.phone [http://localhost:8050 [USER PASSWORD]]
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from typing import NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from bench.slow_network import SlowNetwork, slow_network

FLAGS = "--no-sandbox --disable-quic --no-first-run --disable-background-networking --disable-sync"
RATE, ROUND_TRIP_S = 400_000 / 8, 0.4
QUIET_MS = 2500
"""Without a byte for so long, a load is over."""
PAGES = (("/my", ".my-main"), ("/alerts", "#alerts-cards > *"), ("/outbreaks", "#outbreaks-cards > *"))
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"


class Load(NamedTuple):
    """`total`: all bytes, both ways, until the line is quiet; `content_s`: until what was asked for stands."""

    total: int
    painted_s: float
    content_s: float


def main(url: str, user: str, password: str) -> None:
    try:
        urllib.request.urlopen(f"{url}/login", timeout=5)
    except (OSError, urllib.error.URLError):
        print(f"no demo answers at {url}: run `make demo` first")
        return
    server = urlsplit(url)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS.split())
        for path, ready in PAGES:
            with slow_network(
                server.hostname or "", server.port or 80, rate=RATE, round_trip_s=ROUND_TRIP_S
            ) as network:
                first, second = loads(browser, network, user, password, path, ready)
            for name, load in (("first", first), ("second", second)):
                print(
                    f"{path:11} {name:6} {load.total / 1000:8.1f} kB   first paint {load.painted_s:5.1f} s   "
                    f"content {load.content_s:5.1f} s"
                )
        browser.close()


def loads(
    browser: Browser, network: SlowNetwork, user: str, password: str, path: str, ready: str
) -> tuple[Load, Load]:
    """By a browser that has seen the sign-in page only; what the service worker fetches counts as well."""
    url = f"http://127.0.0.1:{network.port}"
    context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = context.new_page()
    page.goto(f"{url}/login")
    quiet(page, network)
    cookie = next(c for c in context.cookies() if c.get("name") == "_csrf_token")
    form: dict[str, str | float | bool] = {
        "username": user, "password": password, "csrf_token": str(cookie.get("value")),
    }  # fmt: skip
    context.request.post(f"{url}/login", form=form, max_redirects=0)
    found = measure(page, network, f"{url}{path}", ready), measure(page, network, f"{url}{path}", ready)
    context.close()
    return found


def measure(page: Page, network: SlowNetwork, url: str, ready: str) -> Load:
    before = network.up + network.down
    page.goto(url, wait_until="commit", timeout=180_000)
    page.locator(ready).first.wait_for(state="visible", timeout=180_000)
    content = float(page.evaluate("performance.now()"))
    quiet(page, network)
    painted = float(page.evaluate(PAINTED))
    return Load(network.up + network.down - before, painted / 1000, content / 1000)


def quiet(page: Page, network: SlowNetwork) -> None:
    """The Dash pages poll every 5 s: their first silence ends the load."""
    seen = -1
    while seen != network.up + network.down:
        seen = network.up + network.down
        page.wait_for_timeout(QUIET_MS)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(*(given + ["http://localhost:8050", "canbo", "canhdich2026"][len(given) :]))
