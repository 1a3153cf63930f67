"""Time until the map of a running demo stands, in headless Chromium without a GPU: cold (new profile) and warm.

make demo && python -m bench.first_paint [http://localhost:8050]
"""

from __future__ import annotations

import statistics
import sys
import urllib.error
import urllib.request

from playwright.sync_api import Page, sync_playwright

FLAGS = "--no-sandbox --disable-quic --no-first-run --disable-background-networking --disable-sync"
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"
MAP_STANDS = """() => new Promise((done) => {
  const timer = setInterval(() => {
    const map = window.__epimap && window.__epimap.map && window.__epimap.map.map;
    if (map && map.getSource("communes") && map.loaded()) { clearInterval(timer); done(performance.now()); }
  }, 20);
})"""


def main(url: str, rounds: int = 5) -> None:
    try:
        urllib.request.urlopen(f"{url}/login", timeout=5)
    except (OSError, urllib.error.URLError):
        print(f"no demo answers at {url}: run `make demo` first")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS.split())
        cold, warm = [], []
        for _ in range(rounds):
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.goto(f"{url}/login")
            page.locator("form[action='/login/demo'] button").first.click(no_wait_after=True)
            page.wait_for_url("**/map", wait_until="commit")
            cold.append(milliseconds(page))
            page.goto(f"{url}/map", wait_until="commit")
            warm.append(milliseconds(page))
            page.context.close()
        browser.close()
    for name, figures in (("cold", cold), ("warm", warm)):
        paint, stands = (statistics.median(values) for values in zip(*figures, strict=True))
        print(f"{name}: first contentful paint {paint:5.0f} ms, map with its levels {stands:5.0f} ms")
    print(f"medians of {rounds}; software WebGL, client and server on the same two cores")


def milliseconds(page: Page) -> tuple[float, float]:
    """First contentful paint, and the map standing, since this navigation began."""
    stands = float(page.evaluate(MAP_STANDS))
    return float(page.evaluate(FIRST_PAINT)), stands


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8050")
