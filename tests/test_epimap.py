"""The map component in a real Chromium, on a page as locked down as the product's."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import cos, pi, sin
from pathlib import Path
from typing import Any

import pytest
from dash import Dash, Input, Output, html
from flask import Response, send_from_directory
from PIL import Image
from playwright.sync_api import ConsoleMessage, Page, expect
from pyproj import Geod
from shapely import Point, Polygon
from werkzeug.serving import make_server

from web.epimap import ChoroplethLayer, EpiMap

COLOURS = {1: (220, 235, 243), 2: (246, 201, 69), 3: (228, 118, 27), 4: (142, 17, 22)}
NAMES = {1: "Bến Thành", 2: "Tân Định", 3: "Chợ Quán", 4: "Hạnh Thông"}
CENTRES = {unit: (106.5 + 0.1 * i, 10.75) for i, unit in enumerate(NAMES)}
SOURCE = Path(__file__).parent.parent / "web/epimap/src"
VIEW = {"lng": 106.65, "lat": 10.75, "zoom": 9.5}
HALF = 0.04


@dataclass
class Site:
    url: str
    tiles_served: int = 0
    broken: bool = False
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


# --- a vector tile of four squares, encoded by hand (MVT 2.1 has no encoder among our packages) -------


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def block(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def whole(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value)


def zigzag(value: int) -> int:
    return value << 1 ^ value >> 31


def path(points: list[tuple[int, int]], *, closed: bool) -> bytes:
    """Moves and lines as the deltas of MVT 2.1 §4.3."""
    words, (x, y) = [], (0, 0)
    for i, (px, py) in enumerate(points):
        words += [9] if i == 0 else [(len(points) - 1) << 3 | 2] if i == 1 else []
        words += [zigzag(px - x), zigzag(py - y)]
        x, y = px, py
    return b"".join(varint(word) for word in [*words, *([15] if closed else [])])


def to_tile(lng: float, lat: float, z: int, x: int, y: int) -> tuple[int, int]:
    from math import asinh, pi, radians, tan

    across = (lng + 180) / 360 * 2**z - x
    down = (1 - asinh(tan(radians(lat))) / pi) / 2 * 2**z - y
    return clip(across), clip(down)


def clip(part: float) -> int:
    """To the tile and a buffer of 1/8: exact for squares along the axes."""
    return round(min(1.125, max(-0.125, part)) * 4096)


def tile(z: int, x: int, y: int) -> bytes:
    areas, labels = b"", b""
    for i, (unit, (lng, lat)) in enumerate(CENTRES.items()):
        ring = [(-HALF, HALF), (HALF, HALF), (HALF, -HALF), (-HALF, -HALF)]
        corners = [to_tile(lng + dx, lat + dy, z, x, y) for dx, dy in ring]
        common = whole(1, unit) + block(2, varint(0) + varint(i))
        areas += block(2, common + whole(3, 3) + block(4, path(corners, closed=True)))
        point = path([to_tile(lng, lat, z, x, y)], closed=False)
        labels += block(2, common + whole(3, 1) + block(4, point))
    words = block(3, b"name") + b"".join(block(4, block(1, name.encode())) for name in NAMES.values())
    return b"".join(
        block(3, whole(15, 2) + block(1, layer) + features + words + whole(5, 4096))
        for layer, features in ((b"units", areas), (b"unit_labels", labels))
    )


# --- the page --------------------------------------------------------------------------------------


def units(values: dict[int | str, float | None], **more: Any) -> ChoroplethLayer:
    layer: ChoroplethLayer = {
        "id": "units",
        "kind": "choropleth",
        "tiles": "/t/units/{z}/{x}/{y}?v=1",
        "sourceLayer": "units",
        "labelLayer": "unit_labels",
        "values": values,
        "stops": [(level, "#{:02x}{:02x}{:02x}".format(*rgb)) for level, rgb in COLOURS.items()],
        "symbols": {2: "▲", 3: "◆", 4: "■"},
        "symbolMinzoom": 11,
        "labels": {"field": "name", "minzoom": 11},
        "tooltips": {2: "Tân Định\n▲ Trung bình · 7 ca"},
        "opacity": 1,
    }
    return layer | more  # type: ignore[return-value]


OUTBREAK = {
    "id": "outbreaks",
    "kind": "geojson",
    "tooltipField": "text",
    "data": {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": 77,
                "geometry": {"type": "Point", "coordinates": [106.65, 10.85]},
                "properties": {"code": "OD-2026-001", "text": "Ổ dịch OD-2026-001"},
            }
        ],
    },
    "styleLayers": [{"id": "outbreak-points", "type": "circle", "paint": {"circle-radius": 8}}],
}
BUTTONS = ("recolour", "darken", "select", "fly")


def make_app() -> Dash:
    app = Dash(__name__, assets_folder=str(Path(__file__).parent.parent / "assets"))
    start = units({1: 1, 2: 2, 3: 4, 4: None})
    app.layout = html.Div(
        [
            EpiMap(
                "map",
                layers=[start, OUTBREAK],  # type: ignore[list-item]
                viewState=VIEW,  # type: ignore[arg-type]
                ariaLabel="Bản đồ mức nguy cơ",
                attribution="Ranh giới: thử nghiệm",
                noWebglUrl="/still.png",
                style={"height": "420px", "width": "900px"},
            ),
            *(html.Button(name, id=name) for name in BUTTONS),
            html.Pre(id="clicked"),
            html.Pre(id="state"),
            html.Pre(id="drawn"),
        ]
    )
    app.clientside_callback(
        "function (c) { return JSON.stringify(c) }", Output("clicked", "children"), Input("map", "clickData")
    )
    app.clientside_callback(
        "function (r, w, v, b) { return JSON.stringify({ready: r, webgl: w, view: v, bounds: b}) }",
        Output("state", "children"),
        *(Input("map", prop) for prop in ("ready", "webgl", "viewState", "viewBounds")),
    )
    app.clientside_callback(
        "function (drawn, draw, swipe) { return JSON.stringify({drawn, draw, swipe}) }",
        Output("drawn", "children"),
        *(Input("map", prop) for prop in ("drawn", "draw", "swipe")),
    )
    wire(app)
    return app


def wire(app: Dash) -> None:
    @app.callback(Output("map", "layers"), Input("recolour", "n_clicks"), prevent_initial_call=True)
    def recolour(_: int) -> list[Any]:
        return [units({1: 3, 2: None, 4: 2}), OUTBREAK]

    @app.callback(Output("map", "dark"), Input("darken", "n_clicks"), prevent_initial_call=True)
    def darken(_: int) -> bool:
        return True

    @app.callback(Output("map", "selected"), Input("select", "n_clicks"), prevent_initial_call=True)
    def select(_: int) -> int:
        return 2

    @app.callback(Output("map", "flyTo"), Input("fly", "n_clicks"), prevent_initial_call=True)
    def fly(_: int) -> dict[str, float]:
        return {"lng": 106.6, "lat": 10.75, "zoom": 12}


def add_routes(app: Dash, site: Site) -> None:
    @app.server.get("/t/units/<int:z>/<int:x>/<int:y>")
    def serve_tile(z: int, x: int, y: int) -> Response:
        site.tiles_served += 1
        return Response(status=500) if site.broken else Response(tile(z, x, y))

    @app.server.get("/area.json")
    def serve_area() -> dict[str, Any]:
        lng, lat = CENTRES[2]
        ring = [
            [lng + dx, lat + dy] for dx, dy in ((-0.02, -0.02), (0.02, -0.02), (0.02, 0.02), (-0.02, 0.02))
        ]
        shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        facts = {"text": "OD-0001\n3 ca", "outbreak": 1}
        return {
            "type": "FeatureCollection",
            "features": [{"type": "Feature", "id": 1, "geometry": shape, "properties": facts}],
        }

    @app.server.get("/src/<name>")
    def source(name: str) -> Response:
        """The pure modules as they are written, for tests of their functions."""
        return send_from_directory(SOURCE, name)

    @app.server.get("/still.png")
    def still() -> Response:
        picture = io.BytesIO()
        Image.new("RGB", (90, 42), COLOURS[4]).save(picture, "png")
        return Response(picture.getvalue(), mimetype="image/png")

    @app.server.after_request
    def lock_down(response: Response) -> Response:
        scripts = " ".join(app.csp_hashes())
        response.headers["Content-Security-Policy"] = (
            f"default-src 'self'; script-src 'self' {scripts}; worker-src 'self'; "
            "img-src 'self'; connect-src 'self'; font-src 'self'; style-src 'self' 'unsafe-inline'"
        )
        return response


@pytest.fixture
def site() -> Iterator[Site]:
    app = make_app()
    server = make_server("127.0.0.1", 0, app.server, threaded=True)
    site = Site(f"http://127.0.0.1:{server.port}/")
    add_routes(app, site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield site
    server.shutdown()
    thread.join()


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    flags = "--no-sandbox --disable-quic --no-first-run --disable-background-networking"
    return {
        "executable_path": "/usr/bin/chromium",
        "args": [*flags.split(), "--disable-component-update", "--disable-sync"],
    }


@pytest.fixture
def watched(page: Page, site: Site) -> Page:
    """A page whose every complaint and every request to another host is remembered."""

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not harmless(message.text):
            site.complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: site.complaints.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith(site.url) else site.outside.append(r.url))
    page.set_viewport_size({"width": 920, "height": 700})
    return page


def harmless(text: str) -> bool:
    """Chromium remarks that drawing WebGL without a GPU is slow when a screenshot is taken."""
    return "GL Driver Message" in text or "swiftshader" in text.lower()


@pytest.fixture
def map_page(watched: Page, site: Site) -> Page:
    watched.goto(site.url)
    expect(watched.locator("#state")).to_contain_text('"ready":true')
    return watched


def settle(page: Page) -> None:
    """Wait until nothing is loading or moving, then until the next frame is drawn."""
    page.wait_for_function("() => window.__epimap.map.map.loaded() && !window.__epimap.map.map.isMoving()")
    page.evaluate(
        "() => new Promise(drawn => { const m = window.__epimap.map.map; m.once('render', drawn); m.triggerRepaint() })"
    )


def pixel_of(page: Page, lng: float, lat: float) -> dict[str, float]:
    at = page.evaluate("place => window.__epimap.map.map.project(place)", [lng, lat])
    box = page.locator("#map canvas").first.bounding_box()
    assert box
    return {"x": box["x"] + at["x"], "y": box["y"] + at["y"]}


def colours_at(page: Page, unit: int, reach: int = 0) -> set[tuple[int, ...]]:
    lng, lat = CENTRES[unit]
    at = pixel_of(page, lng - 0.02, lat + 0.02)
    side = 2 * reach + 1
    clip = {"x": round(at["x"]) - reach, "y": round(at["y"]) - reach, "width": side, "height": side}
    picture = Image.open(io.BytesIO(page.screenshot(clip=clip)))  # type: ignore[arg-type]
    return {colour for _, colour in picture.convert("RGB").getcolors() or []}  # type: ignore[misc]


def click_unit(page: Page, unit: int) -> dict[str, Any]:
    at = pixel_of(page, *CENTRES[unit])
    page.mouse.click(at["x"], at["y"])
    expect(page.locator("#clicked")).to_contain_text(f'"id":{unit}')
    return json.loads(page.locator("#clicked").inner_text())


def press_and_wait(page: Page, button: str) -> None:
    with page.expect_response("**/_dash-update-component**"):
        page.locator(f"#{button}").click()
    settle(page)


# --- specifications ----------------------------------------------------------------------------------


def test_it_draws_under_a_strict_policy_without_a_word_from_the_console_or_a_foreign_host(
    map_page: Page, site: Site
) -> None:
    assert site.tiles_served > 0
    assert site.outside == []
    assert site.complaints == []


def test_each_level_has_its_own_colour(map_page: Page) -> None:
    assert colours_at(map_page, 1) == {COLOURS[1]}
    assert colours_at(map_page, 2) == {COLOURS[2]}
    assert colours_at(map_page, 3) == {COLOURS[4]}


def test_an_unknown_unit_is_hatched_grey_and_never_level_one(map_page: Page) -> None:
    seen = colours_at(map_page, 4, reach=8)

    assert len(seen) > 1
    assert COLOURS[1] not in seen
    assert all(max(rgb) - min(rgb) < 30 for rgb in seen)


def test_new_values_recolour_without_asking_for_a_tile_again(map_page: Page, site: Site) -> None:
    before = site.tiles_served

    press_and_wait(map_page, "recolour")

    assert colours_at(map_page, 1) == {COLOURS[3]}
    assert colours_at(map_page, 4) == {COLOURS[2]}
    assert len(colours_at(map_page, 2, reach=8)) > 1, "null turns back to hatch"
    assert len(colours_at(map_page, 3, reach=8)) > 1, "a unit left out turns back to hatch"
    assert site.tiles_served == before


def test_dark_mode_changes_the_ground_and_keeps_tiles_and_values(map_page: Page, site: Site) -> None:
    before = site.tiles_served

    press_and_wait(map_page, "darken")

    assert colours_at(map_page, 2) == {COLOURS[2]}
    ground = map_page.evaluate("() => window.__epimap.map.map.getPaintProperty('ground', 'background-color')")
    assert ground == "#12171d"
    assert site.tiles_served == before


def test_a_click_tells_which_unit_and_its_name(map_page: Page) -> None:
    clicked = click_unit(map_page, 3)

    assert clicked["layer"] == "units"
    assert clicked["properties"] == {"name": "Chợ Quán"}
    assert clicked["lngLat"] == pytest.approx(CENTRES[3], abs=0.01)


def test_a_click_near_a_point_finds_it_and_empty_ground_is_nothing(map_page: Page) -> None:
    at = pixel_of(map_page, 106.65, 10.85)
    map_page.mouse.click(at["x"] + 10, at["y"])
    expect(map_page.locator("#clicked")).to_contain_text("OD-2026-001")

    map_page.mouse.click(at["x"] + 60, at["y"])
    expect(map_page.locator("#clicked")).to_contain_text('"layer":null')


def test_hover_shows_the_words_given_for_the_unit(map_page: Page) -> None:
    at = pixel_of(map_page, *CENTRES[2])
    map_page.mouse.move(at["x"], at["y"], steps=3)
    expect(map_page.locator(".epimap-tooltip")).to_have_text("Tân Định\n▲ Trung bình · 7 ca")

    map_page.mouse.move(at["x"], at["y"] + 150, steps=3)
    expect(map_page.locator(".epimap-tooltip")).to_be_hidden()


def test_the_selected_unit_is_outlined(map_page: Page) -> None:
    press_and_wait(map_page, "select")

    state = map_page.evaluate(
        "() => window.__epimap.map.map.getFeatureState({source: 'units', sourceLayer: 'units', id: 2})"
    )
    assert state["selected"] is True


def test_the_keyboard_reaches_moves_and_zooms_the_map(map_page: Page) -> None:
    canvas = map_page.get_by_role("region", name="Bản đồ mức nguy cơ")
    map_page.keyboard.press("Tab")
    expect(canvas).to_be_focused()

    map_page.keyboard.press("ArrowRight")
    map_page.wait_for_function("lng => window.__epimap.map.map.getCenter().lng > lng", arg=VIEW["lng"])
    map_page.keyboard.press("Equal")
    map_page.wait_for_function("zoom => window.__epimap.map.map.getZoom() > zoom", arg=VIEW["zoom"])


def test_flying_reports_the_new_view_and_draws_vietnamese_names_from_our_own_fonts(
    map_page: Page, site: Site
) -> None:
    fonts: list[str] = []
    map_page.on("response", lambda r: fonts.append(r.url) if ".woff2" in r.url and r.ok else None)

    press_and_wait(map_page, "fly")

    state = json.loads(map_page.locator("#state").inner_text())
    assert state["view"] == {"lng": 106.6, "lat": 10.75, "zoom": 12}
    assert state["bounds"][0] < 106.6 < state["bounds"][2]
    names = map_page.evaluate(
        "() => window.__epimap.map.map.queryRenderedFeatures({layers: ['units-label']})"
        ".map(f => f.properties.name)"
    )
    assert names == ["Tân Định"]
    assert {url.split("/")[-1].split(".")[0] for url in fonts} >= {"noto-sans-latin", "noto-sans-vietnamese"}
    assert site.outside == []
    assert site.complaints == []


AREA = {
    "id": "area",
    "kind": "geojson",
    "data": "/area.json?v=1",
    "tooltipField": "text",
    "styleLayers": [
        {"id": "area-line", "type": "line", "paint": {"line-color": "#0f2a43", "line-width": 3}},
        {"id": "area-dot", "type": "circle", "filter": ["==", ["geometry-type"], "Point"]},
    ],
}


def show_area(page: Page) -> None:
    """Over the units, an outline fetched by its address."""
    layers = json.dumps([units({1: 1, 2: 2}), AREA])
    with page.expect_response("**/area.json**"):
        page.evaluate(f"dash_clientside.set_props('map', {{layers: {layers}}})")
    page.wait_for_function("() => window.__epimap.map.map.isSourceLoaded('area')")
    settle(page)


def test_an_outline_is_hit_near_its_line_and_what_lies_inside_stays_in_reach(map_page: Page) -> None:
    show_area(map_page)
    lng, lat = CENTRES[2]
    line = pixel_of(map_page, lng + 0.02, lat)

    map_page.mouse.move(line["x"] + 4, line["y"], steps=3)
    expect(map_page.locator(".epimap-tooltip")).to_have_text("OD-0001\n3 ca")
    map_page.mouse.click(line["x"] + 4, line["y"])
    expect(map_page.locator("#clicked")).to_contain_text('"outbreak":1')
    assert click_unit(map_page, 2)["layer"] == "units"


def test_a_recolour_asks_for_no_outline_it_has_already(map_page: Page) -> None:
    show_area(map_page)
    asked: list[str] = []
    map_page.on("request", lambda request: asked.append(request.url) if "/area.json" in request.url else None)
    for values, version in (({1: 4, 2: 3}, 1), ({1: 4, 2: 3}, 2)):
        layers = json.dumps([units(values), {**AREA, "data": f"/area.json?v={version}"}])  # type: ignore[arg-type]
        map_page.evaluate(f"dash_clientside.set_props('map', {{layers: {layers}}})")
        map_page.wait_for_function("() => window.__epimap.map.map.isSourceLoaded('area')")
        settle(map_page)
    assert [url.partition("?")[2] for url in asked] == ["v=2"]
    assert map_page.evaluate("window.__epimap.map.map.querySourceFeatures('area').length") > 0


def test_a_map_shown_after_it_was_hidden_fits_what_it_is_given(map_page: Page) -> None:
    map_page.evaluate("document.getElementById('map').style.width = '300px'")
    map_page.evaluate("dash_clientside.set_props('map', {bounds: [106.5, 10.7, 106.8, 10.8]})")
    map_page.wait_for_function("() => !window.__epimap.map.map.isMoving()")

    bounds = map_page.evaluate("window.__epimap.map.map.getBounds().toArray().flat()")

    assert bounds[0] < 106.5 < 106.8 < bounds[2]
    assert (bounds[0] + bounds[2]) / 2 == pytest.approx(106.65, abs=0.002)


def test_made_up_boundaries_are_dashed(map_page: Page) -> None:
    dashes = "() => window.__epimap.map.map.getPaintProperty('units-border', 'line-dasharray')"
    assert map_page.evaluate(dashes) is None

    layers = [units({1: 1}, synthetic=True)]
    map_page.evaluate("layers => dash_clientside.set_props('map', {layers})", json.loads(json.dumps(layers)))
    map_page.wait_for_function(f"() => ({dashes})()?.length === 2")


def test_counts_are_coloured_by_class_and_an_absent_count_stays_unknown(map_page: Page) -> None:
    layers = [
        units({1: 0, 2: 9, 3: 10}, scale="step", stops=[[0, "#ffffff"], [5, "#f6c945"], [10, "#8e1116"]])
    ]
    map_page.evaluate("layers => dash_clientside.set_props('map', {layers})", json.loads(json.dumps(layers)))
    map_page.wait_for_function("() => !window.__epimap.map.map.getLayer('outbreak-points')")
    settle(map_page)

    assert colours_at(map_page, 1) == {(255, 255, 255)}
    assert colours_at(map_page, 2) == {COLOURS[2]}
    assert colours_at(map_page, 3) == {COLOURS[4]}
    assert len(colours_at(map_page, 4, reach=8)) > 1


def test_one_class_alone_colours_all_that_is_known(map_page: Page) -> None:
    layers = [units({1: 0, 2: 3}, scale="step", stops=[[0, "#f6c945"]])]
    map_page.evaluate("layers => dash_clientside.set_props('map', {layers})", json.loads(json.dumps(layers)))
    map_page.wait_for_function("() => !window.__epimap.map.map.getLayer('outbreak-points')")
    settle(map_page)

    assert colours_at(map_page, 1) == colours_at(map_page, 2) == {COLOURS[2]}
    assert len(colours_at(map_page, 4, reach=8)) > 1


def test_when_data_cannot_be_loaded_the_map_says_so_and_can_try_again(watched: Page, site: Site) -> None:
    site.broken = True
    watched.goto(site.url)
    expect(watched.locator(".epimap-failure")).to_contain_text("chưa tải được")

    site.broken = False
    watched.get_by_role("button", name="Thử lại").click()
    expect(watched.locator(".epimap-failure")).to_be_hidden()
    settle(watched)
    assert colours_at(watched, 2) == {COLOURS[2]}


def test_without_webgl_it_shows_the_drawn_picture_and_never_fetches_the_engine(
    watched: Page, site: Site
) -> None:
    fetched: list[str] = []
    watched.on("request", lambda r: fetched.append(r.url))
    watched.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")

    watched.goto(site.url)

    expect(watched.locator("#state")).to_contain_text('"webgl":false')
    expect(watched.get_by_role("img", name="Bản đồ mức nguy cơ")).to_be_visible()
    assert watched.locator("#map img").evaluate("img => img.complete && img.naturalWidth") == 90
    assert not any("engine" in url for url in fetched)


# --- layers of tiles, opacity, hatches ----------------------------------------------------------------


def give(page: Page, **props: Any) -> None:
    """Props as a callback of the page would set them."""
    page.evaluate("props => dash_clientside.set_props('map', props)", json.loads(json.dumps(props)))
    settle(page)


CELLS = {
    "id": "cells",
    "kind": "tiles",
    "tiles": "/t/units/{z}/{x}/{y}?v=2",
    "tooltipField": "name",
    "styleLayers": [
        {"id": "cell-fill", "type": "fill", "source-layer": "units",
         "paint": {"fill-color": "#000000", "fill-antialias": False,
                   "fill-opacity": ["interpolate", ["linear"], ["zoom"], 9, 0.5, 10, 0.7]}},
        {"id": "cell-point", "type": "circle", "source-layer": "unit_labels", "paint": {"circle-radius": 5}},
    ],
}  # fmt: skip


def test_tiles_are_drawn_over_the_areas_faded_hidden_and_hit(map_page: Page, site: Site) -> None:
    base = units({1: 1, 2: 2, 3: 4})
    give(map_page, layers=[base, CELLS | {"opacity": 0.5}])
    opacity = 0.5 * 0.6  # the style's 0.6 at zoom 9.5
    seen = colours_at(map_page, 2).pop()
    assert seen == pytest.approx([channel * (1 - opacity) for channel in COLOURS[2]], abs=2)

    at = pixel_of(map_page, *CENTRES[3])
    map_page.mouse.move(at["x"], at["y"], steps=2)
    expect(map_page.locator(".epimap-tooltip")).to_have_text("Chợ Quán")
    assert click_unit(map_page, 3)["layer"] == "cells"

    served = site.tiles_served
    give(map_page, layers=[base, CELLS | {"visible": False}])
    assert colours_at(map_page, 2) == {COLOURS[2]}
    assert click_unit(map_page, 3)["layer"] == "units"
    give(map_page, layers=[base, CELLS | {"opacity": 0}])
    assert site.tiles_served == served, "hiding keeps the tiles"

    give(map_page, layers=[base])
    assert map_page.evaluate("window.__epimap.map.map.getSource('cells') === undefined"), (
        "removing frees them"
    )
    assert site.complaints == []


def test_names_and_symbols_stay_above_every_fill_and_the_rest_keeps_its_order(map_page: Page) -> None:
    give(map_page, layers=[OUTBREAK, units({1: 1}), CELLS])

    order = map_page.evaluate("window.__epimap.map.map.getLayersOrder()")
    assert order == [
        "ground", "outbreak-points", "units", "units-unknown", "units-border", "cell-fill",
        "units-casing", "units-outline", "units-shape-2", "units-shape-3", "units-shape-4", "units-label",
        "cell-point",
    ]  # fmt: skip


def test_a_scale_may_run_through_its_stops_and_classes_may_be_hatched(map_page: Page) -> None:
    stops = [[-10, "#0000ff"], [0, "#ffffff"], [10, "#ff0000"]]
    give(map_page, layers=[units({1: -10, 2: 5, 3: 0}, scale="linear", stops=stops)])
    assert colours_at(map_page, 1) == {(0, 0, 255)}
    assert colours_at(map_page, 2).pop() == pytest.approx((255, 128, 128), abs=1)
    assert colours_at(map_page, 3) == {(255, 255, 255)}
    assert len(colours_at(map_page, 4, reach=8)) > 1, "unknown stays hatched"

    give(map_page, layers=[units({1: 2, 2: 3, 3: 4}, hatches={3: True, 4: "cross"})])
    assert colours_at(map_page, 1, reach=8) == {COLOURS[2]}
    assert len(colours_at(map_page, 2, reach=8)) > 1
    assert len(colours_at(map_page, 3, reach=8)) > 1


# --- choosing and drawing areas ---------------------------------------------------------------------


def selected_units(page: Page) -> list[int]:
    state = (
        "id => window.__epimap.map.map.getFeatureState({source: 'units', sourceLayer: 'units', id}).selected"
    )
    return [unit for unit in NAMES if page.evaluate(state, unit)]


def test_several_units_are_outlined_and_a_click_with_shift_or_ctrl_says_so(map_page: Page) -> None:
    give(map_page, selected=[1, 3])
    assert selected_units(map_page) == [1, 3]
    give(map_page, selected=[3])
    assert selected_units(map_page) == [3]

    assert click_unit(map_page, 2)["additive"] is False
    for key, unit in (("Shift", 3), ("Control", 1)):
        map_page.keyboard.down(key)
        assert click_unit(map_page, unit)["additive"] is True
        map_page.keyboard.up(key)
    map_page.locator("#map canvas").first.focus()
    expect(map_page.locator(".epimap-live")).to_have_text("")
    give(map_page, selected=2)
    expect(map_page.locator(".epimap-live")).to_have_text("Đang chọn: Tân Định, ▲ Trung bình · 7 ca")


def drawn(page: Page) -> Any:
    expect(page.locator("#drawn")).to_contain_text('"draw":null')
    return json.loads(page.locator("#drawn").inner_text()).get("drawn")


def begin(page: Page, kind: str) -> None:
    give(page, draw=kind)
    expect(page.locator(".epimap-drawing")).to_be_focused()
    assert page.locator(".epimap-drawing").evaluate("sheet => getComputedStyle(sheet).cursor") == "crosshair"


def test_a_lasso_drawn_by_mouse_or_finger_is_handed_back_simple_and_shown_as_an_area(map_page: Page) -> None:
    centre = pixel_of(map_page, *CENTRES[2])
    ring = [(centre["x"] + 60 * cos(i / 35 * pi), centre["y"] + 50 * sin(i / 35 * pi)) for i in range(70)]

    begin(map_page, "lasso")
    map_page.mouse.move(*ring[0])
    map_page.mouse.down()
    for point in ring:
        map_page.mouse.move(*point)
    assert map_page.locator(".epimap-drawing path").get_attribute("d").count("L") > 60  # type: ignore[union-attr]
    map_page.mouse.up()
    area = drawn(map_page)
    expect(map_page.locator(".epimap-drawing")).to_have_count(0)
    assert "layer" not in map_page.locator("#clicked").inner_text(), "letting go is no click on the map"

    assert area["kind"] == "lasso"
    assert 20 < len(area["points"]) <= 60
    shape = Polygon(area["points"])
    assert shape.contains(Point(CENTRES[2])) and not shape.contains(Point(CENTRES[1]))
    assert all(value == round(value, 5) for point in area["points"] for value in point)
    assert map_page.evaluate("window.__epimap.map.map.getCenter().lng") == pytest.approx(VIEW["lng"])

    give(map_page, area=area)
    at = map_page.evaluate("at => Object.values(window.__epimap.map.map.project(at))", list(CENTRES[2]))
    filled = map_page.evaluate(
        "at => window.__epimap.map.map.queryRenderedFeatures(at, {layers: ['epimap-area-fill']}).length", at
    )
    assert filled == 1
    assert click_unit(map_page, 2)["layer"] == "units", "what lies inside stays in reach"
    give(map_page, area=None)
    assert map_page.evaluate("window.__epimap.map.map.getSource('epimap-area') === undefined")

    begin(map_page, "lasso")
    touch = map_page.context.new_cdp_session(map_page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [finger(ring[0])]})
    for point in ring[:52:4]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [finger(point)]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert Polygon(drawn(map_page)["points"]).area == pytest.approx(shape.area * 0.82, rel=0.15)


def finger(point: tuple[float, float]) -> dict[str, float]:
    return {"x": point[0], "y": point[1]}


def test_a_circle_drawn_by_mouse_says_its_radius_in_metres(map_page: Page) -> None:
    start, end = pixel_of(map_page, *CENTRES[2]), pixel_of(map_page, CENTRES[2][0] + 0.05, CENTRES[2][1])

    begin(map_page, "circle")
    map_page.mouse.move(start["x"], start["y"])
    map_page.mouse.down()
    map_page.mouse.move(end["x"], end["y"], steps=4)
    shown = map_page.locator(".epimap-radius").inner_text()
    map_page.mouse.up()
    area = drawn(map_page)

    metres = Geod(ellps="WGS84").inv(*CENTRES[2], CENTRES[2][0] + 0.05, CENTRES[2][1])[2]
    assert area["kind"] == "circle"
    assert (area["lng"], area["lat"]) == pytest.approx(CENTRES[2], abs=0.001)
    assert area["radius_m"] == pytest.approx(metres, rel=0.02)
    assert shown.replace(".", "").replace(",", "") == f"{area['radius_m']} m"


def test_a_circle_is_drawn_by_keyboard_alone_and_escape_gives_up(map_page: Page) -> None:
    begin(map_page, "circle")
    map_page.keyboard.press("Escape")
    expect(map_page.locator(".epimap-drawing")).to_have_count(0)
    assert drawn(map_page) is None

    begin(map_page, "circle")
    map_page.keyboard.press("Enter")
    expect(map_page.locator(".epimap-live")).to_contain_text("Đã đặt tâm, bán kính")
    for key in ("ArrowUp", "ArrowUp", "ArrowDown"):
        map_page.keyboard.press(key)
    said = map_page.locator(".epimap-live").inner_text()
    map_page.keyboard.press("Enter")

    area = drawn(map_page)
    assert (area["lng"], area["lat"]) == (VIEW["lng"], VIEW["lat"])
    assert area["radius_m"] % 500 == 0
    assert f"{area['radius_m']:,} m" in said or f"{area['radius_m']:,} m".replace(",", ".") in said
    expect(map_page.locator(".epimap-live")).to_have_text("Đã vẽ xong vùng.")


def test_a_lasso_is_drawn_by_keyboard_alone_and_says_what_lies_under_its_mark(map_page: Page) -> None:
    begin(map_page, "lasso")
    said = map_page.locator(".epimap-live")
    map_page.keyboard.press("ArrowLeft")
    map_page.keyboard.press("ArrowLeft")
    expect(said).to_contain_text("Tân Định")
    for keys in (("Space",), ("Shift+ArrowRight", "Space"), ("Shift+ArrowDown", "Space"), ("Space",)):
        for key in keys:
            map_page.keyboard.press(key)
    expect(said).to_contain_text("Đã đặt 4 góc")
    map_page.keyboard.press("Backspace")
    expect(said).to_contain_text("Đã đặt 3 góc")
    map_page.keyboard.press("Enter")

    area = drawn(map_page)
    (west, north), (east, same), (also_east, south) = area["points"]
    assert (west < east, south < north) == (True, True)
    assert (same, also_east) == (pytest.approx(north), pytest.approx(east))
    assert east == pytest.approx(VIEW["lng"] + (72 - 24) * 360 / (512 * 2 ** VIEW["zoom"]), abs=1e-4)
    expect(said).to_have_text("Đã vẽ xong vùng.")


# --- two maps side by side, and the player -----------------------------------------------------------


def test_two_maps_are_compared_under_a_bar_moved_by_key_and_by_mouse(map_page: Page, site: Site) -> None:
    right = units({1: 4, 2: 4, 3: 4, 4: 4})
    give(map_page, compare={"layers": [right], "left": "Tuần 40", "right": "Tuần 46"}, swipe=0.5)
    map_page.wait_for_function("() => window.__epimap.map.engine.right.map.loaded()")
    handle = map_page.get_by_role("slider")
    expect(map_page.locator(".epimap-caption")).to_have_text(["Tuần 40", "Tuần 46"])
    assert (colours_at(map_page, 1), colours_at(map_page, 4)) == ({COLOURS[1]}, {COLOURS[4]})
    assert (click_unit(map_page, 1)["side"], click_unit(map_page, 4)["side"]) == ("left", "right")

    handle.focus()
    map_page.keyboard.press("ArrowLeft")
    expect(handle).to_have_attribute("aria-valuenow", "48")
    expect(map_page.locator("#drawn")).to_contain_text('"swipe":0.48')
    map_page.keyboard.press("Home")
    assert colours_at(map_page, 1) == {COLOURS[4]}
    captions = [map_page.locator(".epimap-caption").nth(i).bounding_box() for i in (0, 1)]
    assert captions[0] and captions[1]
    assert captions[0]["x"] >= 8 and captions[0]["x"] + captions[0]["width"] < captions[1]["x"]

    box = map_page.locator("#map").bounding_box()
    assert box
    map_page.mouse.move(box["x"], box["y"] + 100)
    map_page.mouse.down()
    map_page.mouse.move(box["x"] + 450, box["y"] + 100, steps=3)
    map_page.mouse.up()
    expect(map_page.locator("#drawn")).to_contain_text('"swipe":0.5')

    for side, to in (("left", 106.62), ("right", 106.66)):
        map_page.evaluate(f"window.__epimap.map.engine['{side}'].map.panTo([{to}, 10.75], {{duration: 60}})")
        expect(map_page.locator("#state")).to_contain_text(f'"lng":{to}')
        centres = map_page.evaluate(
            "['left', 'right'].map(side => window.__epimap.map.engine[side].map.getCenter().lng)"
        )
        assert centres == pytest.approx([to, to], abs=1e-9)

    map_page.evaluate("window.maps = ['left', 'right'].map(side => window.__epimap.map.engine[side].map)")
    give(map_page, compare=None)
    assert map_page.locator("#map canvas").count() == 1
    give(map_page, compare={"layers": [right]}, swipe=0.3)
    expect(handle).to_have_attribute("aria-valuenow", "30")
    map_page.evaluate(
        "window.maps.push(window.__epimap.map.engine.right.map); window.__epimap.map.engine.destroy()"
    )
    assert map_page.evaluate("window.maps.map(map => map._removed)") == [True, True, True]
    expect(map_page.locator(".epimap-ground > *")).to_have_count(0)
    assert site.complaints == [] and site.outside == []


def test_the_player_recolours_only_what_changed_without_a_new_style_or_tile(
    map_page: Page, site: Site
) -> None:
    frames = {"layer": "units", "ids": [1, 2, 3, 4], "values": [[1, 2, 3, None], [1, 4, None, None]],
              "valueText": {"2": "▲ Trung bình", "4": "■ Rất cao"}}  # fmt: skip
    give(map_page, frames=frames, frame=0)
    assert [colours_at(map_page, unit) for unit in (1, 2, 3)] == [{COLOURS[level]} for level in (1, 2, 3)]
    map_page.evaluate("""() => {
      const map = window.__epimap.map.map;
      window.called = [];
      for (const name of ['setStyle', 'setFeatureState']) {
        const real = map[name].bind(map);
        map[name] = (...told) => { window.called.push([name, told[0].id]); return real(...told); };
      }
    }""")
    served = site.tiles_served

    give(map_page, frame=1)
    assert colours_at(map_page, 2) == {COLOURS[4]}
    assert len(colours_at(map_page, 3, reach=8)) > 1
    called = map_page.evaluate("window.called")
    assert {(name, int(unit)) for name, unit in called} == {("setFeatureState", 2), ("setFeatureState", 3)}
    assert site.tiles_served == served
    at = pixel_of(map_page, *CENTRES[2])
    map_page.mouse.move(at["x"], at["y"], steps=2)
    expect(map_page.locator(".epimap-tooltip")).to_have_text("Tân Định\n■ Rất cao")

    give(map_page, frame=None)
    assert [colours_at(map_page, unit) for unit in (1, 2, 3)] == [{COLOURS[level]} for level in (1, 2, 4)]
    assert site.complaints == []


# --- states -----------------------------------------------------------------------------------------


def test_a_machine_that_stops_drawing_shows_the_picture_until_it_draws_again(map_page: Page) -> None:
    map_page.evaluate("""() => {
      window.gl = window.__epimap.map.map.painter.context.gl.getExtension('WEBGL_lose_context');
      window.gl.loseContext();
    }""")
    expect(map_page.locator(".epimap-still")).to_contain_text("tạm ngừng vẽ")
    expect(map_page.locator("#state")).to_contain_text('"webgl":false')

    map_page.evaluate("window.gl.restoreContext()")
    expect(map_page.locator(".epimap-still")).to_have_count(0)
    settle(map_page)
    assert colours_at(map_page, 2) == {COLOURS[2]}, "values are told anew"


def test_a_reader_who_asked_for_less_motion_is_taken_there_at_once(watched: Page, site: Site) -> None:
    watched.emulate_media(reduced_motion="reduce")
    watched.goto(site.url)
    expect(watched.locator("#state")).to_contain_text('"ready":true')
    expect(watched.locator(".epimap-loading")).to_have_count(0)

    watched.evaluate("dash_clientside.set_props('map', {flyTo: {lng: 106.6, lat: 10.75, zoom: 12}})")
    watched.wait_for_function("() => window.__epimap.map.map.getZoom() !== 9.5")
    assert watched.evaluate("window.__epimap.map.map.getZoom()") == 12


def test_geometry_and_opacity_are_pure_functions_that_keep_their_laws(watched: Page, site: Site) -> None:
    watched.goto(f"{site.url}still.png")
    found = watched.evaluate("""async () => {
      const {simplify, circleRing, metresBetween, nextRadius} = await import('/src/shapes.js');
      const {times} = await import('/src/opacity.js');
      const at = i => [106 + Math.cos(i / 79.6) * (i % 9 / 99 + 0.1), 10 + Math.sin(i / 79.6) * 0.1];
      const around = Array.from({length: 500}, (_, i) => at(i));
      const square = [[0, 0], [0.5, 0], [1, 0], [1, 1], [0, 1], [0, 0.5]];
      const radii = [100];
      while (radii.length < 12) radii.push(nextRadius(radii.at(-1), true));
      return {
        few: simplify(around).length, square: simplify(square),
        ring: circleRing([106.7, 10.8], 500).map(place => metresBetween([106.7, 10.8], place)),
        down: radii.slice(1).every((radius, i) => nextRadius(radius, false) === radii[i]), radii,
        faded: [times(undefined, 0.5), times(0.8, 0.5), times(['step', ['zoom'], 0.2, 9, ['get', 'o']], 0.5),
          times({stops: [[5, 1]]}, 0.5)],
      };
    }""")
    assert found["few"] == 60
    assert found["square"] == [[0, 0], [1, 0], [1, 1], [0, 1]], "points along a straight line add nothing"
    assert found["ring"] == pytest.approx([500] * 65, abs=0.2)
    assert found["down"] and found["radii"][:3] == [100, 150, 200]
    assert found["faded"] == [
        0.5, 0.4, ["step", ["zoom"], 0.1, 9, ["*", ["get", "o"], 0.5]], {"stops": [[5, 0.5]]},
    ]  # fmt: skip


def test_the_lock_file_names_no_download_host() -> None:
    lock = json.loads((Path(__file__).parent.parent / "web/epimap/package-lock.json").read_text())

    assert not any("resolved" in package for package in lock["packages"].values())
