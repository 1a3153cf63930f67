"""The map's picture: what stands in the SVG, in the PDF, and how large the PNG is."""

from __future__ import annotations

import io
import math
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pypdf
import pytest
import shapely
from dash import Dash
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pyproj import Geod

from alerts.levels import COLOURS, Level
from reports.map_frame import Frame, degrees, mercator, scale_bar
from reports.map_sheet import UNKNOWN_FILL, measured, path_of, wrapped
from tests.web_city import Place, SignIn, app, city, client, settings, sign_in

__all__ = ["app", "city", "client", "settings", "sign_in"]
"""Fixtures."""

SVG = "{http://www.w3.org/2000/svg}"
WHOLE = "at=106.7,10.725,11&w=800&h=500"
"""All four squares of the city."""


def picture(client: FlaskClient, query: str = WHOLE) -> ElementTree.Element:
    answer = client.get(f"/map.sheet?format=svg&{query}")
    assert answer.status_code == 200, answer.text
    return ElementTree.fromstring(answer.data)


def classed(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [each for each in root.iter() if each.get("class") == name]


def words(root: ElementTree.Element) -> str:
    return " ".join(each.text or "" for each in root.iter(f"{SVG}text"))


@pytest.fixture
def analyst(sign_in: SignIn, app: Dash) -> FlaskClient:
    return sign_in("analyst")


def test_each_area_has_the_colour_of_its_level_and_the_legend_has_the_same(
    analyst: FlaskClient, city: dict[str, Place]
) -> None:
    root = picture(analyst)

    fills = {int(area.get("data-unit", "0")): area.get("fill") for area in classed(root, "area")}
    light = COLOURS["light"]
    assert fills == {
        city["Ô 0"].id: light[Level.RAT_CAO].fill,
        city["Ô 1"].id: light[Level.TRUNG_BINH].fill,
        city["Ô 2"].id: light[Level.THAP].fill,
        city["Ô 3"].id: UNKNOWN_FILL,
    }
    swatches = [swatch.get("fill") for swatch in classed(root, "swatch")]
    assert swatches == [*(light[level].fill for level in reversed(Level)), UNKNOWN_FILL]


def test_what_is_unknown_or_high_is_hatched(analyst: FlaskClient) -> None:
    hatches = [hatch.get("fill") for hatch in classed(picture(analyst), "hatch")]
    assert sorted(map(str, hatches)) == ["url(#hatch-highest)", "url(#hatch-unknown)"]


def test_it_says_what_where_when_from_where_and_that_boundaries_are_made_up(analyst: FlaskClient) -> None:
    said = words(picture(analyst, f"{WHOLE}&disease=dengue&on=2026-11-21"))
    for part in (
        "Sốt xuất huyết", "Mức nguy cơ", "THÀNH PHỐ HỒ CHÍ MINH", "như đã biết cuối ngày 21/11/2026",
        "Rất cao", "Chưa rõ", "Ranh giới mô phỏng", "Số liệu", "Canh Dịch", "km",
    ):  # fmt: skip
        assert part in said, part


def test_areas_outside_the_camera_are_not_drawn(analyst: FlaskClient, city: dict[str, Place]) -> None:
    near = picture(analyst, "at=106.625,10.725,15&w=400&h=300")
    assert [area.get("data-unit") for area in classed(near, "area")] == [str(city["Ô 0"].id)]


def test_a_split_view_has_two_panes_of_one_scale(analyst: FlaskClient) -> None:
    root = picture(analyst, f"{WHOLE}&compare=on:2026-11-20")
    panes = classed(root, "pane")
    assert len(panes) == 2
    assert {pane.get("viewBox") for pane in panes} == {"0 0 400 500"}
    assert len({bar.get("d") for bar in classed(root, "scale-bar")}) == 1
    assert "như đã biết cuối ngày 20/11/2026" in words(root)


def test_the_scale_bar_is_as_long_as_it_says_at_its_latitude(analyst: FlaskClient) -> None:
    """Oracle: the geodesic between the ends of the bar, on the WGS 84 ellipsoid."""
    (bar,) = classed(picture(analyst), "scale-bar")
    px = float(re.search(r"h([\d.]+)", str(bar.get("d")))[1])  # type: ignore[index]
    label = next(t.text for g in classed(picture(analyst), "scale") for t in g.iter(f"{SVG}text"))
    frame = Frame(lng=106.7, lat=10.725, zoom=11, width=800, height=500)
    assert label is not None and label.endswith(" km")
    assert ground_metres(frame, px) == pytest.approx(float(label.split()[0]) * 1000, rel=0.01)


@given(st.floats(-60, 60), st.floats(4, 17))
def test_scale_bars_are_round_and_true_anywhere(lat: float, zoom: float) -> None:
    frame = Frame(lng=20, lat=lat, zoom=zoom, width=600, height=400)
    bar = scale_bar(frame)
    assert str(bar.metres).strip("0") in ("1", "2", "5")
    assert bar.px <= 130.0001
    assert ground_metres(frame, min(bar.px, 20) if zoom < 8 else bar.px) == pytest.approx(
        bar.metres * (min(bar.px, 20) / bar.px if zoom < 8 else 1), rel=0.01
    )


def ground_metres(frame: Frame, px: float) -> float:
    west, south, east, north = frame.box
    x, y = (west + east) / 2, (south + north) / 2
    one, other = degrees(x, y), degrees(x + px * frame.mercator_per_px, y)
    return Geod(ellps="WGS84").inv(*one, *other)[2]


@given(st.floats(-170, 170), st.floats(-80, 80))
def test_degrees_undo_the_projection(lng: float, lat: float) -> None:
    ((x, y),) = mercator(np.array([[lng, lat]])).tolist()
    assert degrees(x, y) == pytest.approx((lng, lat), abs=1e-9)


def test_a_box_is_shown_whole_with_its_margin() -> None:
    frame = Frame.around((106.6, 10.7, 106.8, 10.75), 800, 500)
    corners = frame.pixels(mercator(np.array([[106.6, 10.75], [106.8, 10.7]])))
    assert corners[0][0] == pytest.approx(24)
    assert corners[1][0] == pytest.approx(776)
    assert 24 <= corners[0][1] <= corners[1][1] <= 476


def test_a_picture_on_paper_shows_the_same_ground() -> None:
    frame = Frame(lng=106.7, lat=10.7, zoom=11.3, width=1200, height=640)
    assert frame.resized(960).box == pytest.approx(frame.box)


def test_paths_close_areas_and_leave_points_out() -> None:
    shape = shapely.GeometryCollection([shapely.box(0, 0, 2, 1), shapely.Point(5, 5)])
    assert path_of(shape) == "M2,0L2,1L0,1L0,0Z"


def test_words_are_wrapped_where_they_fit() -> None:
    lines = wrapped("Ca trên 100.000 dân, 28 ngày đến ngày 22 tháng 11", 120, 12)
    assert len(lines) > 1
    assert all(measured(line, 12) <= 120 for line in lines)
    assert " ".join(lines) == "Ca trên 100.000 dân, 28 ngày đến ngày 22 tháng 11"


def test_the_pdf_is_one_a4_page_lying_with_real_words(analyst: FlaskClient) -> None:
    answer = analyst.get(f"/map.sheet?format=pdf&{WHOLE}&disease=dengue")
    assert answer.mimetype == "application/pdf"
    (page,) = pypdf.PdfReader(io.BytesIO(answer.data)).pages
    assert (round(page.mediabox.width), round(page.mediabox.height)) == (842, 595)
    said = page.extract_text()
    for part in ("Sốt xuất huyết", "Mức nguy cơ", "Rất cao", "Ranh giới mô phỏng", "như đã biết"):
        assert part in said, part


def test_the_png_has_two_dots_to_a_pixel_and_the_colours(analyst: FlaskClient) -> None:
    root = picture(analyst)
    image = Image.open(io.BytesIO(analyst.get(f"/map.sheet?format=png&{WHOLE}").data)).convert("RGB")
    assert image.width == pytest.approx(2 * float(str(root.get("width"))), abs=2)
    assert image.height == pytest.approx(2 * float(str(root.get("height"))), abs=2)
    seen: set[Any] = {colour for _n, colour in image.getcolors(1 << 24) or []}
    yellow = COLOURS["light"][Level.TRUNG_BINH].fill
    assert tuple(int(yellow[i : i + 2], 16) for i in (1, 3, 5)) in seen


def test_no_sign_in_no_picture_and_no_shared_cache(client: FlaskClient, analyst: FlaskClient) -> None:
    assert client.get("/map.sheet?format=svg").status_code == 302
    assert "private" in analyst.get(f"/map.sheet?{WHOLE}").headers["Cache-Control"]
    assert analyst.get("/map.sheet?format=exe").status_code == 404


def test_a_window_of_any_size_is_drawn_within_limits(analyst: FlaskClient) -> None:
    root = picture(analyst, "w=999999&h=1")
    assert classed(root, "pane")[0].get("viewBox") == "0 0 2400 240"
    assert not math.isnan(float(str(root.get("height"))))
