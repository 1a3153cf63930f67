"""The map beside the list of outbreaks: it shows what the list shows, and leads to it and from it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from dash import Dash
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, update

from alerts.levels import Theme
from db import session_scope
from surveillance.outbreaks.lifecycle import Status
from surveillance.outbreaks.models import OutbreakVersion
from surveillance.outbreaks.views import GROUPS
from tests.colour_sight import SIGHTS, least_difference
from tests.test_dashboard import Site, browser_type_launch_args, site, visitor
from tests.test_dashboard import sign_in as enter
from tests.web_city import SignIn, app, city, client, run_callback, settings, sign_in
from tests.web_outbreak import BORDER, LATITUDE, outbreak
from web.listed_outbreaks import COLOURS, MARKS

__all__ = [
    "app",
    "browser_type_launch_args",
    "city",
    "client",
    "outbreak",
    "settings",
    "sign_in",
    "site",
    "visitor",
]
"""Fixtures."""

NO_WEBGL = """const usual = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind === "webgl2" ? null : usual.call(this, kind, ...rest);
};"""
DRAWN = """() => new Promise((done) => {
  const timer = setInterval(() => {
    const { map } = (window.__epimap || {})["outbreaks-map"] || {};
    const there = map && map.getLayer("listed-disc") && !map.isMoving();
    if (there && map.queryRenderedFeatures({ layers: ["listed-disc"] }).length) { clearInterval(timer); done(); }
  }, 50);
})"""
RINGED = """(id) => {
  const { map } = window.__epimap["outbreaks-map"];
  return map.getFeatureState({ source: "outbreaks", id }).selected === true;
}"""


def drawn(app: Dash, client: FlaskClient, when: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = run_callback(
        client, app, "outbreaks-map.layers", {"outbreaks-when": when}
    ).get_json()["response"]
    return answer


def shapes(app: Dash, client: FlaskClient, when: str = "") -> list[dict[str, Any]]:
    """Of the map's own URL."""
    _ground, layer = drawn(app, client, when)["outbreaks-map"]["layers"]
    features: list[dict[str, Any]] = client.get(layer["data"]).get_json()["features"]
    return features


def test_the_map_shows_what_the_list_shows_and_fits_it(app: Dash, sign_in: SignIn, outbreak: int) -> None:
    client = sign_in("analyst")
    for when, there in {
        "": True, "dengue|open||": True, "|open||ô 1": True, f"|open||{outbreak}": True,
        "|closed||": False, "measles|open||": False, "|open||ô 3": False, "|open|2026-11-20|": False,
    }.items():  # fmt: skip
        seen = drawn(app, client, when)
        assert bool(seen["outbreaks-grid"]["rowData"]) is bool(shapes(app, client, when)) is there, when
        assert (seen["outbreaks-map"]["bounds"] is not None) is there
    west, south, east, north = drawn(app, client)["outbreaks-map"]["bounds"]
    assert west < BORDER < east and south < LATITUDE < north
    assert 400 < (east - west) * 109_300 < 700, "200 m around cases that live 100 m apart"


def test_it_names_place_cases_and_state_and_places_no_patient(
    app: Dash, sign_in: SignIn, outbreak: int
) -> None:
    for name in ("analyst", "manager"):
        found = shapes(app, sign_in(name))
        assert [each["geometry"]["type"] for each in found] == ["Polygon", "Point"]
        assert {each["properties"]["text"] for each in found} == {
            f"OD-{outbreak:04d} · Phường Ô 0\n3 ca · Xác định"
        }
        assert {each["properties"]["status"] for each in found} == {"confirmed"}


def test_list_and_legend_have_the_mark_of_the_state(app: Dash, sign_in: SignIn, outbreak: int) -> None:
    seen = drawn(app, sign_in("analyst"))
    assert [row["status"] for row in seen["outbreaks-grid"]["rowData"]] == ["! Xác định"]
    legend = str(seen["outbreaks-legend"]["children"])
    assert (
        "Xác định" in legend and COLOURS["light"][Status.CONFIRMED] in legend and "Đang xử lý" not in legend
    )


def test_an_empty_map_and_an_outbreak_without_a_place_say_so(
    app: Dash, sign_in: SignIn, outbreak: int, engine: Engine
) -> None:
    client = sign_in("analyst")
    nothing = drawn(app, client, "measles|open||")
    assert "Không có ổ dịch nào khớp với bộ lọc." in str(nothing["outbreaks-map-note"])
    assert drawn(app, client)["outbreaks-map-note"]["children"] is None
    with session_scope(engine) as session:
        session.execute(update(OutbreakVersion).values(geom=None))
    assert "1 ổ dịch chưa có vị trí trên bản đồ" in str(drawn(app, client)["outbreaks-map-note"])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_states_that_stand_on_one_list_differ_in_mark_and_to_every_eye(theme: Theme) -> None:
    for together in GROUPS.values():
        assert len({MARKS[state] for state in together}) == len(together)
        colours = [COLOURS[theme][state] for state in together]
        if len(colours) > 1:
            assert min(least_difference(colours, sight) for sight in SIGHTS) > 10


# --- in a real Chromium ---------------------------------------------------------------------------------------


def test_list_and_map_lead_to_one_another(visitor: Page, site: Site, outbreak: int) -> None:
    enter(visitor, site, "analyst")
    visitor.goto(f"{site.url}/outbreaks?disease=dengue")
    visitor.evaluate(DRAWN)
    row = visitor.locator("#outbreaks-grid .ag-row")
    assert not visitor.evaluate(RINGED, outbreak)
    row.hover()
    assert visitor.evaluate(RINGED, outbreak)
    visitor.locator("h1").hover()
    assert not visitor.evaluate(RINGED, outbreak)
    row.locator(".ag-cell").first.focus()
    assert visitor.evaluate(RINGED, outbreak), "keys do as much as a pointer"

    spot = visitor.evaluate(f"window.__epimap['outbreaks-map'].map.project([{BORDER}, {LATITUDE}])")
    canvas = visitor.locator("#outbreaks-map .maplibregl-canvas")
    canvas.hover(position={"x": spot["x"], "y": spot["y"]})
    expect(visitor.locator("#outbreaks-map .epimap-tooltip")).to_contain_text("Phường Ô 0")
    canvas.click(position={"x": spot["x"], "y": spot["y"]})
    expect(visitor).to_have_url(f"{site.url}/outbreaks?disease=dengue&id={outbreak}")
    expect(row).to_have_class(re.compile("ag-row-selected"))
    expect(visitor.locator("#outbreak-head").get_by_text("OD-")).to_be_visible()
    visitor.locator("#outbreak-leave").click()
    expect(visitor).to_have_url(f"{site.url}/outbreaks?disease=dengue&status=open")
    expect(visitor.locator("#outbreak-head")).to_be_hidden()
    assert site.complaints == []


def test_what_the_map_shows_fits_again_when_an_outbreak_opens_under_it(
    visitor: Page, site: Site, outbreak: int
) -> None:
    enter(visitor, site, "analyst")
    visitor.goto(f"{site.url}/outbreaks")
    visitor.evaluate(DRAWN)
    zoom = "window.__epimap['outbreaks-map'].map.getZoom()"
    before = visitor.evaluate(zoom)
    visitor.locator("#outbreaks-grid .ag-row").click()
    expect(visitor.locator("#outbreak-head").get_by_text("OD-")).to_be_visible()
    visitor.evaluate(DRAWN)
    assert visitor.evaluate(zoom) < before


def test_on_a_phone_a_button_opens_the_map(visitor: Page, site: Site, outbreak: int) -> None:
    visitor.set_viewport_size({"width": 390, "height": 844})
    enter(visitor, site, "analyst")
    visitor.goto(f"{site.url}/outbreaks")
    expect(visitor.locator(".alert-card")).to_be_visible()
    canvas = visitor.locator("#outbreaks-map")
    expect(canvas).to_be_hidden()
    visitor.get_by_role("button", name="Bản đồ").click()
    expect(canvas).to_be_visible()
    visitor.evaluate(DRAWN)
    assert visitor.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    spot = visitor.evaluate(f"window.__epimap['outbreaks-map'].map.project([{BORDER}, {LATITUDE}])")
    canvas.locator(".maplibregl-canvas").click(position={"x": spot["x"], "y": spot["y"]})
    expect(visitor.locator("#outbreak-head").get_by_text("OD-")).to_be_visible()
    visitor.locator("#outbreak-back").click()
    expect(visitor.locator(".alert-card")).to_be_visible()
    assert site.complaints == []


def test_without_webgl_the_list_is_what_one_is_told_to_read(visitor: Page, site: Site, outbreak: int) -> None:
    visitor.add_init_script(NO_WEBGL)
    enter(visitor, site, "analyst")
    visitor.goto(f"{site.url}/outbreaks")
    expect(visitor.locator("#outbreaks-map").get_by_text("Danh sách có đủ các ổ dịch.")).to_be_visible()
    expect(visitor.get_by_role("gridcell", name="! Xác định")).to_be_visible()
