"""The map workbench as its users meet it: time until the map answers, a changed filter, the second clock, memory, and
fifty analysts at once; beside plotly's own map of the same communes and cases.

python -m bench.workbench [CASES …]     10000 100000 1000000 when none is named; their databases are kept
"""

from __future__ import annotations

import http.server
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import plotly
import requests
import shapely
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright
from sqlalchemy import Engine, text

from bench.first_paint import FLAGS, MAP_STANDS
from bench.workbench_city import PASSWORD, TODAY, USER, city_of, environment
from db import session_scope
from geodata.tiles import load_coverage
from settings import ROOT

KEPT = Path("/var/tmp/canhdich-bench")
ROUNDS = 5
USERS, THINK_S, TURNS = 50, 2.0, 6
PERIOD = "disease=dengue&metric=cases&days=90"
CHART = ".side-panel .js-plotly-plot .main-svg"
NOTE_ACT = """() => {
  const shown = window.__epimap.map.engine.left.layers();
  for (const kind of ["click", "keydown"])
    document.addEventListener(kind, (act) => { window.acted = act.timeStamp; }, { capture: true, once: true });
  window.settled = new Promise((done) => {
    const rests = () => done(performance.now() - window.acted);
    const look = setInterval(() => {
      const { engine, map } = window.__epimap.map;
      if (engine.left.layers() === shown) return;
      clearInterval(look);
      if (map.loaded() && !map.isMoving()) rests(); else map.once("idle", rests);
    }, 5);
  });
}"""


def main(sizes: list[int]) -> None:
    for cases in sizes:
        server, engine, url = city_of(cases, KEPT / str(cases))
        try:
            with web_process(KEPT / str(cases), url) as base:
                print(f"\n{cases:,} cases")
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(
                        executable_path="/usr/bin/chromium", args=FLAGS.split()
                    )
                    ours(browser, base)
                    plotlys(browser, engine)
                    browser.close()
                many(base)
        finally:
            engine.dispose()
            server.stop()


@contextmanager
def web_process(folder: Path, url: str) -> Iterator[str]:
    """`app.py web` on this database, once it has its cases in memory."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, **environment(folder, url, port, 2)}
    process = subprocess.Popen(
        [sys.executable, "app.py", "web"], cwd=ROOT, env=env, stderr=subprocess.DEVNULL
    )
    base = f"http://127.0.0.1:{port}"
    try:
        while not answers(base):
            time.sleep(0.5)
        began = time.perf_counter()
        session = signed_in(base)
        for _worker in range(8):
            ask(session, base, PERIOD)
        print(
            f"ready {time.perf_counter() - began:.1f} s after the port answers; {memory(process.pid):.0f} MB resident"
        )
        yield base
    finally:
        process.terminate()
        process.wait()


def answers(base: str) -> bool:
    try:
        return requests.get(f"{base}/login", timeout=5).ok
    except requests.ConnectionError:
        return False


def memory(pid: int) -> float:
    """MB of the process and its workers, what they share counted once."""
    found = subprocess.run(
        ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    total = 0
    for one in (str(pid), *found):
        rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+)", rollup, re.M)[1])  # type: ignore[index]
    return total / 1024


def signed_in(base: str) -> requests.Session:
    session = requests.Session()
    session.get(f"{base}/login")
    form: dict[str, Any] = {
        "username": USER,
        "password": PASSWORD,
        "csrf_token": session.cookies.get("_csrf_token") or "",
    }
    assert session.post(f"{base}/login", data=form, allow_redirects=False).status_code == 302
    session.get(f"{base}/map")
    return session


def with_cookies(session: requests.Session) -> requests.Session:
    other = requests.Session()
    other.cookies.update(session.cookies)
    return other


def ask(session: requests.Session, base: str, query: str) -> float:
    """Seconds for what the page asks after a change: the map's callback and the panel's."""
    began = time.perf_counter()
    for body in bodies(session, base, query):
        answer = session.post(
            f"{base}/_dash-update-component",
            json=body,
            headers={"X-CSRFToken": session.cookies.get("_csrf_token") or ""},
        )
        assert answer.status_code == 200, answer.status_code
    return time.perf_counter() - began


def bodies(session: requests.Session, base: str, query: str) -> list[dict[str, Any]]:
    """As the browser writes them, from the callbacks the server names."""
    specs = _SPECS.setdefault(base, session.get(f"{base}/_dash-dependencies").json())
    found = []
    for wanted in ("map.layers", "map-panel.children"):
        spec = next(s for s in specs if wanted in re.split(r"\.{2,}", s["output"].strip(".")))
        outputs = [
            {"id": one.rsplit(".", 1)[0], "property": one.rsplit(".", 1)[1].partition("@")[0]}
            for one in re.split(r"\.{3}", spec["output"].strip("."))
        ]
        inputs = [
            {**part, "value": query if part["id"] in ("map-when", "map-query") else None}
            for part in spec["inputs"]
        ]
        many_ = spec["output"].startswith("..")
        found.append({"output": spec["output"], "outputs": outputs if many_ else outputs[0], "inputs": inputs,
                      "state": [], "changedPropIds": ["map-when.data"]})  # fmt: skip
    return found


_SPECS: dict[str, Any] = {}


def ours(browser: Browser, base: str) -> None:
    cold, warm, whole, filters, clocks = [], [], [], [], []
    for _round in range(ROUNDS):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        enter(page, base)
        page.goto(f"{base}/map?{PERIOD}", wait_until="commit")
        cold.append(float(page.evaluate(MAP_STANDS)))
        page.wait_for_selector(CHART, state="attached")
        page.goto(f"{base}/map?{PERIOD}", wait_until="commit")
        warm.append(float(page.evaluate(MAP_STANDS)))
        page.wait_for_selector(CHART, state="attached")
        whole.append(float(page.evaluate("performance.now()")))
        page.wait_for_timeout(1500)
        sexes = page.locator("#f-sex")
        filters += [changed(page, sexes.get_by_text(words).click) for words in ("Nam", "Nữ")]
        thumb = page.get_by_role("slider", name="Xem những gì đã biết đến cuối ngày")
        thumb.focus()
        clocks += [changed(page, partial(thumb.press, "ArrowLeft")) for _step in range(2)]
        heap = js_heap(context.new_cdp_session(page))
        context.close()
    tell("interactive, empty cache", cold)
    tell("interactive, again", warm)
    tell("again, with the panel's chart", whole)
    tell("filter changed, map settled", filters)
    tell("known-on day changed, map settled", clocks)
    print(f"  page's JavaScript heap {heap:.0f} MB")


def enter(page: Page, base: str) -> None:
    page.goto(f"{base}/login")
    page.get_by_label("Tên đăng nhập").fill(USER)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click(no_wait_after=True)
    page.wait_for_url("**/map", wait_until="commit")


def changed(page: Page, act: Any) -> float:
    """Milliseconds from the click or key until the map has its new layers and rests."""
    page.evaluate(NOTE_ACT)
    act()
    return float(page.evaluate("window.settled"))


def js_heap(devtools: CDPSession) -> float:
    devtools.send("Performance.enable")
    figures = {m["name"]: m["value"] for m in devtools.send("Performance.getMetrics")["metrics"]}
    return float(figures["JSHeapUsedSize"]) / 1e6


def tell(name: str, figures: list[float]) -> None:
    ordered = sorted(figures)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    print(
        f"  {name:36} median {statistics.median(ordered):6.0f} ms   p95 {p95:6.0f} ms   (n = {len(ordered)})"
    )


def plotlys(browser: Browser, engine: Engine) -> None:
    """plotly.js drawing the same communes and the same cases of 90 days as points, then recoloured."""
    with TemporaryDirectory() as folder, session_scope(engine) as session:
        coverage = load_coverage(session)
        degrees = session.execute(
            text(
                "SELECT u.id, ST_AsGeoJSON(b.geom) FROM boundary b JOIN admin_unit u ON u.id = b.unit_id"
                " WHERE u.level = 'commune' AND u.valid_to IS NULL ORDER BY u.id"
            )
        ).all()
        points = session.execute(
            text("SELECT ST_X(geom), ST_Y(geom) FROM case_version WHERE known_to IS NULL AND disease = 'dengue'"
                 " AND event_date > :since AND geom IS NOT NULL"),
            {"since": TODAY.fromordinal(TODAY.toordinal() - 90)},
        ).all()  # fmt: skip
        assert len(coverage.ids) == len(degrees) and shapely.is_valid(coverage.shapes).all()
        page_of(Path(folder), degrees, points)
        with served(Path(folder)) as base:
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.goto(f"{base}/index.html", wait_until="commit")
            page.wait_for_function("window.drawn > 0", timeout=120_000)
            drawn, again = page.evaluate("[window.drawn, window.again]")
            heap = js_heap(page.context.new_cdp_session(page))
            page.context.close()
    print(
        f"  plotly: {len(points):,} points and the communes drawn {drawn:.0f} ms, recoloured {again:.0f} ms,"
        f" heap {heap:.0f} MB"
    )


def page_of(folder: Path, degrees: Any, points: Any) -> None:
    features = [
        {"type": "Feature", "id": unit, "geometry": json.loads(shape), "properties": {}}
        for unit, shape in degrees
    ]
    areas = {
        "type": "choroplethmap", "geojson": {"type": "FeatureCollection", "features": features},
        "locations": [unit for unit, _shape in degrees], "z": [unit % 7 for unit, _shape in degrees],
    }  # fmt: skip
    cases = {
        "type": "scattermap",
        "mode": "markers",
        "lon": [x for x, _y in points],
        "lat": [y for _x, y in points],
    }
    style = {"version": 8, "sources": {}, "layers": []}
    layout = {"map": {"style": style, "center": {"lon": 106.7, "lat": 10.8}, "zoom": 9}, "height": 880}
    script = f"""
      Plotly.newPlot("map", {json.dumps([areas, cases])}, {json.dumps(layout)}).then(async (plot) => {{
        const drawn = performance.now();
        const began = performance.now();
        await Plotly.restyle(plot, {{z: [{json.dumps([unit % 5 for unit, _shape in degrees])}]}}, [0]);
        window.again = performance.now() - began;
        window.drawn = drawn;
      }});"""
    library = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    (folder / "plotly.js").write_bytes(library.read_bytes())
    (folder / "index.html").write_text(
        f'<!doctype html><div id="map"></div><script src="plotly.js"></script><script>{script}</script>'
    )


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def many(base: str) -> None:
    """USERS at once, each changing the filter TURNS times with THINK_S between."""
    first = signed_in(base)  # the site limits sign-ins: all have its cookie, each a connection of its own
    sessions = [with_cookies(first) for _user in range(USERS)]
    times: list[float] = []

    def work(session: requests.Session, seed: int) -> None:
        dice = random.Random(seed)
        time.sleep(dice.random() * THINK_S)
        for _turn in range(TURNS):
            sex, days = dice.choice(["", "&sex=male", "&sex=female"]), dice.choice([7, 14, 28, 90, 180, 365])
            age = dice.choice(["", "&age=0-14", "&age=15-59"])
            times.append(1000 * ask(session, base, f"disease=dengue&metric=rate&days={days}{sex}{age}"))
            time.sleep(THINK_S)

    threads = [threading.Thread(target=work, args=(one, i)) for i, one in enumerate(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tell(f"{USERS} users, {THINK_S:g} s between changes", times)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [10_000, 100_000, 1_000_000])
