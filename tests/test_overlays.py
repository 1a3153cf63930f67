"""Layers that people bring: what is read, mended, refused; who sees them; how they are drawn."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import geopandas as gpd
import pytest
import shapely
from dash import Dash
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from werkzeug.test import TestResponse

from accounts.models import UserOverlay
from db import session_scope
from tests.web_city import Place, SignIn, app, city, csrf_token, settings, sign_in
from web.workbench import overlay_files
from web.workbench.overlay_files import OverlayError, OverlayFile, read_overlay
from web.workbench.overlays import overlay_id, overlay_layer

__all__ = ["app", "city", "settings", "sign_in"]
"""Fixtures."""

SQUARE = shapely.box(106.6, 10.7, 106.65, 10.74)
BOW_TIE = shapely.Polygon([(106.6, 10.7), (106.7, 10.8), (106.7, 10.7), (106.6, 10.8)])


def collection(*shapes: shapely.Geometry | None, **properties: Any) -> bytes:
    features = [
        {
            "type": "Feature",
            "geometry": None if shape is None else json.loads(shapely.to_geojson(shape)),
            "properties": properties,
        }
        for shape in shapes
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def written(folder: Path, name: str, crs: str | None = "EPSG:4326", **layer: Any) -> bytes:
    frame = gpd.GeoDataFrame({"ten": ["Trường học"]}, geometry=[SQUARE], crs="EPSG:4326")
    if crs:
        frame = frame.to_crs(crs)
    frame.to_file(folder / name, **layer)
    if not name.endswith(".shp"):
        return (folder / name).read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for part in folder.glob(f"{Path(name).stem}.*"):
            archive.write(part, f"lop/{part.name}")
    return packed.getvalue()


def shape_of(file: OverlayFile, i: int = 0) -> shapely.Geometry:
    return shapely.from_geojson(json.dumps(file.content["features"][i]["geometry"]))


def test_a_geojson_is_drawn_as_it_is() -> None:
    file = read_overlay("truong.geojson", collection(SQUARE, ten="Trường Hoa Sen", so=3))
    assert file.features == 1
    assert file.columns == ("ten", "so")
    assert shape_of(file).equals(SQUARE)
    assert file.content["features"][0]["properties"] == {"ten": "Trường Hoa Sen", "so": "3"}
    assert file.notes == ()


@pytest.mark.parametrize(
    ("name", "crs"), [("a.gpkg", "EPSG:4326"), ("a.gpkg", "EPSG:3405"), ("a.shp", "EPSG:32648")]
)
def test_other_formats_and_coordinates_come_to_the_same_place(tmp_path: Path, name: str, crs: str) -> None:
    """Oracle: the square itself, to half a metre."""
    file = read_overlay(name.replace(".shp", ".zip"), written(tmp_path, name, crs))
    assert shapely.hausdorff_distance(shape_of(file), SQUARE) < 0.000005
    assert bool(file.notes) == (crs != "EPSG:4326")
    assert file.content["features"][0]["properties"] == {"ten": "Trường học"}


def test_wrong_shapes_are_mended_and_rows_without_one_are_counted() -> None:
    file = read_overlay("a.geojson", collection(BOW_TIE, None, SQUARE))
    assert file.features == 2
    assert shape_of(file).is_valid
    assert [str(note) for note in file.notes] == [
        "1 dòng không có hình, không vẽ được.",
        "Đã sửa 1 hình tự cắt.",
    ]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.exe", b"MZ", "cần GeoJSON, GeoPackage"),
        ("a.geojson", b"{", "không phải JSON đúng cách (dòng 1)"),
        ("a.geojson", b"<OGRVRTDataSource/>", "không phải JSON"),
        ("a.geojson", b"\xff\xfe", "UTF-8"),
        ("a.json", b'{"type": "gdal_streamed_alg", "command_line": "read /etc/passwd"}', "không phải GeoJSON"),
        ("a.gpkg", b"<OGRVRTDataSource/>", "không phải GeoPackage"),
        ("a.zip", b"PK", "không phải tệp zip"),
        ("a.geojson", collection(), "không có hình nào"),
        ("a.geojson", collection(None), "không có hình nào"),
        ("a.geojson", collection(shapely.Point(600_000, 1_200_000)), "ngoài Trái Đất"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_reason(name: str, content: bytes, why: str) -> None:
    with pytest.raises(OverlayError) as refused:
        read_overlay(name, content)
    assert why in str(refused.value.message)


def test_metres_without_a_coordinate_system_are_refused(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.box(600_000, 1_190_000, 600_100, 1_190_100)])
    frame.to_file(tmp_path / "a.gpkg")
    with pytest.raises(OverlayError) as refused:
        read_overlay("a.gpkg", (tmp_path / "a.gpkg").read_bytes())
    assert "VN-2000" in str(refused.value.message)


def test_a_zip_needs_exactly_one_shapefile_and_may_not_swell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../etc/a.shp", b"\x00\x00\x27\x0a" + bytes(96))
        archive.writestr("b.shp", b"")
    with pytest.raises(OverlayError, match="2"):
        read_overlay("a.zip", packed.getvalue())
    good = written(tmp_path, "a.shp")
    monkeypatch.setattr(overlay_files, "MOST_UNPACKED", 100)
    with pytest.raises(OverlayError) as refused:
        read_overlay("a.zip", good)
    assert "quá lớn" in str(refused.value.message)


def test_two_layers_in_one_file_are_not_guessed_between(tmp_path: Path) -> None:
    written(tmp_path, "a.gpkg", layer="mot")
    both = written(tmp_path, "a.gpkg", layer="hai")
    with pytest.raises(OverlayError) as refused:
        read_overlay("a.gpkg", both)
    assert "2 lớp" in str(refused.value.message)


def test_too_many_shapes_are_refused() -> None:
    with pytest.raises(OverlayError) as refused:
        read_overlay("a.geojson", collection(*[shapely.Point(106, 10)] * 5_001))
    assert "5.001" in str(refused.value.message)


# --- on the map --------------------------------------------------------------------------------------------


def send(client: FlaskClient, name: str, content: bytes) -> TestResponse:
    return client.post(
        "/api/overlays",
        data={"file": (io.BytesIO(content), name)},
        headers={"X-CSRFToken": csrf_token(client)},
    )


@pytest.fixture
def added(sign_in: SignIn, app: Dash, city: dict[str, Place]) -> int:
    answer = send(
        sign_in("analyst"), "truong.geojson", collection(SQUARE, ten="<b>Hoa Sen</b>", dien_thoai="0909")
    )
    assert answer.status_code == 201, answer.text
    return int(answer.get_json()["id"])


def test_a_large_file_goes_through_and_a_larger_one_does_not(sign_in: SignIn, city: dict[str, Place]) -> None:
    """The site's limit of 2 MB does not hold here."""
    client = sign_in("analyst")
    large = collection(SQUARE, mo_ta="x" * 3_000_000)
    assert send(client, "a.geojson", large).status_code == 201
    assert send(client, "a.geojson", bytes(8 * 1024 * 1024 + 1)).status_code == 422
    assert send(client, "a.geojson", bytes(10 * 1024 * 1024)).status_code == 413


def test_a_refusal_says_why(sign_in: SignIn, city: dict[str, Place]) -> None:
    answer = send(sign_in("analyst"), "a.geojson", b"{")
    assert answer.status_code == 422
    assert "a.geojson không phải JSON đúng cách" in answer.get_json()["error"]


def test_only_its_owner_sees_it_until_it_is_shared(sign_in: SignIn, engine: Engine, added: int) -> None:
    other = sign_in("manager")
    assert other.get(f"/api/overlays/{added}").status_code == 404
    with session_scope(engine) as session:
        session.get_one(UserOverlay, added).shared = True
    assert other.get(f"/api/overlays/{added}").status_code == 200


def test_the_browser_gets_the_chosen_property_as_plain_words_and_no_other(
    sign_in: SignIn, added: int
) -> None:
    answer = sign_in("analyst").get(f"/api/overlays/{added}")
    assert "private" in answer.headers["Cache-Control"]
    (feature,) = answer.get_json()["features"]
    assert feature["properties"] == {"text": "truong\n<b>Hoa Sen</b>"}


def test_the_layer_asks_for_its_data_by_url(engine: Engine, added: int) -> None:
    with session_scope(engine) as session:
        layer = overlay_layer(
            "dark", session.scalars(select(UserOverlay).where(UserOverlay.id == added)).one()
        )
    assert layer["id"] == f"overlay-{added}"
    assert str(layer["data"]).startswith(f"/api/overlays/{added}?")
    assert layer["tooltipField"] == "text"
    assert (overlay_id(layer["id"]), overlay_id("outbreaks"), overlay_id("overlay-x")) == (added, None, None)


def test_the_picture_draws_it_for_who_may_see_it(sign_in: SignIn, added: int) -> None:
    query = f"/map.sheet?layers=overlay-{added}:60&at=106.7,10.725,11&w=600&h=400"
    mine = ElementTree.fromstring(sign_in("analyst").get(query).data)
    assert [e.get("opacity") for e in mine.iter() if e.get("class") == "brought"] == ["0.6"]
    assert "truong" in {e.text for e in mine.iter()}
    others = ElementTree.fromstring(sign_in("manager").get(query).data)
    assert not [e for e in others.iter() if e.get("class") == "brought"]
