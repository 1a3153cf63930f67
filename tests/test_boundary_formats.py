"""Boundary files as people have them: each written here, small, and read whole."""

from __future__ import annotations

import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from pyproj import Transformer

from geodata.boundary_files import BoundaryError, read_boundaries, right_way_round
from geodata.boundary_formats import formats, recognise, release_in
from geodata.boundary_match import BoundaryMatch, match_boundaries
from geodata.types import Unit, UnitKey, UnitLevel

BEFORE, SINCE = date(2025, 1, 1), date(2025, 7, 1)
WEST, SOUTH = 106.70, 10.70
WARDS = (("27301", "Phường 1", "5"), ("27304", "Phường 2", "5"), ("27190", "Phường 1", "10"))
"""Two districts, each with its own Phường 1."""


def box(column: int, width: float = 0.01) -> shapely.Polygon:
    return shapely.box(WEST + column * 0.01, SOUTH, WEST + column * 0.01 + width, SOUTH + 0.01)


PROVINCE = Unit(
    key=UnitKey(UnitLevel.PROVINCE, "79", BEFORE), name="Thành phố Hồ Chí Minh", short_name="Hồ Chí Minh",
    kind="Thành phố", valid_to=SINCE,
)  # fmt: skip


def district(code: str, name: str) -> Unit:
    return Unit(
        key=UnitKey(UnitLevel.DISTRICT, code, BEFORE), name=name, short_name=name, kind="Quận", valid_to=SINCE,
        parent=PROVINCE.key,
    )  # fmt: skip


def ward(code: str, name: str, parent: Unit, column: int) -> Unit:
    return Unit(
        key=UnitKey(UnitLevel.COMMUNE, code, BEFORE), name=name, short_name=name, kind="Phường", valid_to=SINCE,
        parent=parent.key, lon=WEST + column * 0.01 + 0.005, lat=SOUTH + 0.005,
    )  # fmt: skip


Q5, Q10 = district("774", "Quận 5"), district("771", "Quận 10")
UNITS = [
    PROVINCE,
    Q5,
    Q10,
    *(ward(code, name, Q5 if q == "5" else Q10, i) for i, (code, name, q) in enumerate(WARDS)),
]


def frame(crs: int | None = 4326, **columns: Any) -> gpd.GeoDataFrame:
    count = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=[box(i) for i in range(count)], crs=crs)


def matched(path: Path, **options: Any) -> BoundaryMatch:
    file = read_boundaries(path, **options)
    return match_boundaries(file.frame, UNITS, BEFORE)


def codes(match: BoundaryMatch) -> list[str]:
    return sorted(key.code for key in match.areas)


ALL = sorted(code for code, _, _ in WARDS)

GADM: dict[str, Any] = {
    "GID_3": ["VNM.25.1.1_1", "VNM.25.1.2_1", "VNM.25.2.1_1"],
    "GID_0": ["VNM"] * 3,
    "NAME_1": ["HồChíMinh"] * 3,
    "NAME_2": ["Quận 5", "Quận 5", "Quận 10"],
    "NAME_3": ["Phường 01", "Phường 02", "Phường 01"],
    "VARNAME_3": ["Phuong 1", "Phuong 2", "NA"],
    "TYPE_3": ["Phường"] * 3,
    "CC_3": ["NA"] * 3,
}
HDX: dict[str, Any] = {
    "ADM3_VI": ["Phường 01", "Phường 02", "Phường 01"],
    "ADM3_EN": ["Ward 01", "Ward 02", "Ward 01"],
    "ADM3_PCODE": [f"VN{code}" for code, _, _ in WARDS],
    "ADM2_VI": ["Quận 5", "Quận 5", "Quận 10"],
    "ADM2_PCODE": ["VN774", "VN774", "VN771"],
    "ADM1_VI": ["Hồ Chí Minh"] * 3,
    "validOn": ["2020-01-01"] * 3,
}
GEOBOUNDARIES: dict[str, Any] = {
    "shapeName": ["Phuong 1", "Phuong 2", "Phuong 1"],
    "shapeISO": [""] * 3,
    "shapeID": ["a", "b", "c"],
    "shapeGroup": ["VNM"] * 3,
    "shapeType": ["ADM3"] * 3,
}


def test_every_format_is_data_that_loads() -> None:
    assert {x.name for x in formats()} >= {"gadm", "geoboundaries", "hdx", "osm", "merged_2025", "plain"}
    assert formats()[-1].name == "plain"


def test_gadm_names_and_districts_tell_wards_apart(tmp_path: Path) -> None:
    path = tmp_path / "gadm41_VNM.gpkg"
    frame(GID_0=["VNM"]).to_file(path, layer="ADM_ADM_0")
    frame(GID_2=["x"], NAME_2=["Quận 5"]).to_file(path, layer="ADM_ADM_2")
    frame(**GADM).to_file(path, layer="ADM_ADM_3")
    match = matched(path)
    assert codes(match) == ALL
    assert (match.by_code, match.by_name, match.by_place) == (0, 3, 0)


def test_gadm_of_another_level_is_refused(tmp_path: Path) -> None:
    frame(GID_2=["x", "y"], NAME_2=["Quận 5", "Quận 10"], NAME_1=["HồChíMinh"] * 2).to_file(
        tmp_path / "a.json"
    )
    with pytest.raises(BoundaryError, match="Không có cột mã"):
        matched(tmp_path / "a.json")


def test_a_file_of_districts_is_refused_as_such(tmp_path: Path) -> None:
    frame(name=["Quận 5", "Quận 10"]).to_file(tmp_path / "a.geojson")
    with pytest.raises(BoundaryError, match="vẽ quận, huyện"):
        matched(tmp_path / "a.geojson")


def test_hdx_pcodes_are_gso_codes_with_a_prefix(tmp_path: Path) -> None:
    frame(**HDX).to_file(tmp_path / "vnm_admbnda_adm3.shp")
    match = matched(tmp_path / "vnm_admbnda_adm3.shp")
    assert codes(match) == ALL
    assert match.by_code == 3


def test_geoboundaries_twins_are_told_apart_by_where_they_lie(tmp_path: Path) -> None:
    frame(**GEOBOUNDARIES).to_file(tmp_path / "geoBoundaries-VNM-ADM3.geojson")
    match = matched(tmp_path / "geoBoundaries-VNM-ADM3.geojson")
    assert codes(match) == ALL
    assert (match.by_name, match.by_place) == (1, 2)
    for i, (code, _, _) in enumerate(WARDS):
        area = match.areas[UnitKey(UnitLevel.COMMUNE, code, BEFORE)]
        assert area.bounds == pytest.approx(box(i).bounds)


def test_a_namesake_elsewhere_in_the_country_is_not_taken_for_ours() -> None:
    """A national file without provinces has many wards of one name; the first is not ours."""
    table = gpd.GeoDataFrame({"name": ["Phường 2", "Phường 2"]}, geometry=[box(-300), box(1)], crs=4326)
    match = match_boundaries(table, UNITS, BEFORE)
    assert {key.code: rows for key, rows in match.rows.items()} == {"27304": (1,)}
    assert [x.row for x in match.left_over] == [1]


def test_twins_that_lie_in_neither_are_left_over_with_the_reason(tmp_path: Path) -> None:
    table = gpd.GeoDataFrame({"name": ["Phường 1", "Phường 2"]}, geometry=[box(4), box(1)], crs=4326)
    match = match_boundaries(table, UNITS, BEFORE)
    assert codes(match) == ["27304"]
    [left] = match.left_over
    assert str(left.reason) == "nhiều đơn vị cùng tên: Phường 1 (Quận 5), Phường 1 (Quận 10)"
    assert all("không rõ" in str(x.reason) for x in match.lacking)


OSM_PROPERTIES = [
    {
        "@id": "relation/1",
        "admin_level": "8",
        "boundary": "administrative",
        "name": "Phường 1",
        "ref": "27301",
    },
    {"@id": "relation/2", "admin_level": "8", "boundary": "administrative", "name": "Phường 2"},
    {"@id": "relation/3", "admin_level": "6", "boundary": "administrative", "name": "Quận 5"},
    {"@id": "node/9", "name": "Phường 1"},
]


def test_osm_relations_as_geojson_with_their_levels_and_label_nodes(tmp_path: Path) -> None:
    shapes = [box(0), box(1), shapely.union(box(0), box(1)), shapely.Point(WEST, SOUTH)]
    features = [
        {"type": "Feature", "properties": properties, "geometry": shapely.geometry.mapping(shape)}
        for properties, shape in zip(OSM_PROPERTIES, shapes, strict=True)
    ]
    path = tmp_path / "export.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    file = read_boundaries(path)
    match = match_boundaries(file.frame, UNITS, BEFORE)
    assert codes(match) == ["27301", "27304"]
    assert "Bỏ qua 1 điểm" in str(file.notes[0])
    assert [(x.row, str(x.reason)) for x in match.left_over] == [(3, "cấp khác (6)")]


def osm_xml() -> str:
    """Two relations of a square each, as the OSM editor saves them."""
    nodes, ways, relations = [], [], []
    for i, tags in enumerate((("Phường 1", "27301"), ("Phường 2", "27304"))):
        for k, (x, y) in enumerate(list(box(i).exterior.coords)[:4]):
            nodes.append(f'<node id="{10 * i + k + 1}" lat="{y}" lon="{x}" version="1"/>')
        refs = "".join(f'<nd ref="{10 * i + k + 1}"/>' for k in (0, 1, 2, 3, 0))
        ways.append(f'<way id="{i + 1}" version="1">{refs}</way>')
        named = {
            "type": "boundary",
            "boundary": "administrative",
            "admin_level": "8",
            "name": tags[0],
            "ref": tags[1],
        }
        lines = "".join(f'<tag k="{k}" v="{v}"/>' for k, v in named.items())
        relations.append(
            f'<relation id="{i + 1}" version="1"><member type="way" ref="{i + 1}" role="outer"/>{lines}</relation>'
        )
    return f'<?xml version="1.0"?><osm version="0.6">{"".join([*nodes, *ways, *relations])}</osm>'


def test_osm_files_are_read_with_their_codes(tmp_path: Path) -> None:
    path = tmp_path / "extract.osm"
    path.write_text(osm_xml(), encoding="utf-8")
    match = matched(path)
    assert codes(match) == ["27301", "27304"]
    assert match.by_code == 2


def test_osm_pbf_files_are_read(tmp_path: Path) -> None:
    osmium = pytest.importorskip("osmium", reason="pyosmium, which writes the test's PBF, is not installed")
    (tmp_path / "extract.osm").write_text(osm_xml(), encoding="utf-8")
    with osmium.SimpleWriter(str(tmp_path / "extract.osm.pbf")) as writer:
        for thing in osmium.FileProcessor(str(tmp_path / "extract.osm")):
            writer.add(thing)
    assert codes(matched(tmp_path / "extract.osm.pbf")) == ["27301", "27304"]


def test_raw_overpass_json_says_how_to_turn_it(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"version": 0.6, "elements": []}), encoding="utf-8")
    with pytest.raises(BoundaryError, match="osmtogeojson"):
        read_boundaries(tmp_path / "a.json")


def test_national_files_come_one_geojson_per_commune(tmp_path: Path) -> None:
    folder = tmp_path / "79_ho_chi_minh" / "wards"
    folder.mkdir(parents=True)
    for i, (code, name, _) in enumerate(WARDS):
        one = gpd.GeoDataFrame(
            {"code": [code], "name": [name], "fullName": [name], "gisServerId": [f"x.{i}"]}, geometry=[box(i)], crs=4326
        )  # fmt: skip
        one.to_file(folder / f"{code}.geojson")
    assert codes(matched(tmp_path / "79_ho_chi_minh")) == ALL
    with zipfile.ZipFile(tmp_path / "wards.zip", "w") as archive:
        for part in folder.glob("*.geojson"):
            archive.write(part, f"wards/{part.name}")
    assert codes(matched(tmp_path / "wards.zip")) == ALL


def test_a_shapefile_in_a_folder_of_a_zip(tmp_path: Path) -> None:
    frame(**HDX).to_file(tmp_path / "adm3.shp")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for part in tmp_path.glob("adm3.*"):
            archive.write(part, f"VNM_adm/{part.name}")
        archive.writestr("__MACOSX/._adm3.shp", b"")
    assert codes(matched(tmp_path / "a.zip")) == ALL


def test_a_zip_of_several_maps_asks_for_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.shp", b"")
        archive.writestr("b.shp", b"")
    with pytest.raises(BoundaryError, match="nhiều tệp bản đồ"):
        read_boundaries(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(BoundaryError, match="không chứa tệp bản đồ"):
        read_boundaries(tmp_path / "b.zip")
    (tmp_path / "c.zip").write_bytes(b"not a zip")
    with pytest.raises(BoundaryError, match="Không đọc được"):
        read_boundaries(tmp_path / "c.zip")


def test_kml_with_heights(tmp_path: Path) -> None:
    table = frame(ten_xa=["Phường 2"])
    table = table.set_geometry(shapely.force_3d(table.geometry.to_numpy(), 5.0), crs=4326)
    table.to_file(tmp_path / "a.kml", driver="LIBKML")
    file = read_boundaries(tmp_path / "a.kml")
    assert not file.frame.geometry.has_z.any()
    assert codes(match_boundaries(file.frame, UNITS, BEFORE)) == ["27304"]


def test_topojson(tmp_path: Path) -> None:
    arcs = [
        [
            [WEST + 0.01 * i + dx, SOUTH + dy]
            for dx, dy in ((0, 0), (0.01, 0), (0.01, 0.01), (0, 0.01), (0, 0))
        ]
        for i in range(3)
    ]
    geometries = [
        {"type": "Polygon", "arcs": [[i]], "properties": {"ma_xa": code, "ten_xa": name}}
        for i, (code, name, _) in enumerate(WARDS)
    ]
    topology = {
        "type": "Topology",
        "objects": {"wards": {"type": "GeometryCollection", "geometries": geometries}},
        "arcs": arcs,
    }
    (tmp_path / "a.topojson").write_text(json.dumps(topology), encoding="utf-8")
    assert codes(matched(tmp_path / "a.topojson")) == ALL


@pytest.mark.parametrize("epsg", [3405, 9210, 4756])
def test_vn_2000_is_moved_to_wgs_84_by_its_official_way(tmp_path: Path, epsg: int) -> None:
    """The datums lie about 190 m apart; the oracle is EPSG:6960, the Vietnamese standard's seven parameters."""
    table = frame(ma_xa=["27304"], ten_xa=["Phường 2"]).set_geometry([box(1)], crs=4326)
    table.to_crs(epsg).to_file(tmp_path / "a.gpkg")
    file = read_boundaries(tmp_path / "a.gpkg")
    assert file.frame.total_bounds == pytest.approx(box(1).bounds, abs=1e-6)
    assert "VN-2000" in str(file.notes[-1])
    oracle = Transformer.from_pipeline("urn:ogc:def:coordinateOperation:EPSG::6960")
    lat, lon = oracle.transform(10.0, 106.0)
    degrees = gpd.GeoDataFrame({"ma_xa": ["x"]}, geometry=[shapely.box(106, 10, 106.1, 10.1)], crs=4756)
    degrees.to_file(tmp_path / "b.gpkg")
    west, south, _, _ = read_boundaries(tmp_path / "b.gpkg").frame.total_bounds
    assert (west, south) == pytest.approx((lon, lat), abs=2e-5)
    assert abs(west - 106) > 0.0015


def test_metres_without_a_system_name_vn_2000_and_the_option(tmp_path: Path) -> None:
    frame(ma_xa=["27304"]).to_crs(9210).set_crs(None, allow_override=True).to_file(tmp_path / "a.shp")
    with pytest.raises(BoundaryError, match=r"VN-2000.*--crs EPSG"):
        read_boundaries(tmp_path / "a.shp")
    file = read_boundaries(tmp_path / "a.shp", crs="EPSG:9210")
    assert file.frame.total_bounds == pytest.approx(box(0).bounds, abs=1e-6)
    with pytest.raises(BoundaryError, match="Không có hệ tọa độ"):
        read_boundaries(tmp_path / "a.shp", crs="EPSG:999999")


def test_degrees_that_claim_to_be_metres_are_refused(tmp_path: Path) -> None:
    frame(ma_xa=["27304"]).set_crs(3405, allow_override=True).to_file(tmp_path / "a.gpkg")
    with pytest.raises(BoundaryError, match="tọa độ là độ"):
        read_boundaries(tmp_path / "a.gpkg")


def test_exchanged_axes_are_turned_and_told(tmp_path: Path) -> None:
    table = frame(ma_xa=["27301", "27304"])
    turned = table.set_geometry(
        shapely.transform(table.geometry.to_numpy(), lambda xy: xy[:, ::-1]), crs=4326
    )
    turned.to_file(tmp_path / "a.geojson")
    file = right_way_round(read_boundaries(tmp_path / "a.geojson"), (106, 10, 107, 11))
    assert file.frame.total_bounds == pytest.approx(table.total_bounds)
    assert "đổi chỗ" in str(file.notes[-1])


def test_a_map_of_elsewhere_is_refused(tmp_path: Path) -> None:
    gpd.GeoDataFrame({"ma": ["1"]}, geometry=[shapely.box(2, 48, 3, 49)], crs=4326).to_file(
        tmp_path / "a.geojson"
    )
    with pytest.raises(BoundaryError, match="ngoài địa bàn"):
        right_way_round(read_boundaries(tmp_path / "a.geojson"), (106, 10, 107, 11))


def test_empty_shapes_are_left_out_by_their_row(tmp_path: Path) -> None:
    table = frame(ma_xa=["27301", "27304", "27190"])
    table.geometry = [box(0), shapely.Polygon(), box(2)]
    table.to_parquet(tmp_path / "a.parquet")
    file = read_boundaries(tmp_path / "a.parquet")
    match = match_boundaries(file.frame, UNITS, BEFORE)
    assert codes(match) == ["27190", "27301"]
    assert str(file.notes[0]) == "Bỏ qua 1 hình rỗng (dòng 2)."


def test_a_ward_drawn_twice_is_taken_once(tmp_path: Path) -> None:
    table = gpd.GeoDataFrame(
        {"ma_xa": ["27301", "27301", "27301"]}, geometry=[box(0), box(0, 0.009), box(5)], crs=4326
    )
    match = match_boundaries(table, UNITS, BEFORE)
    assert [(x.row, str(x.reason)) for x in match.left_over] == [(2, "trùng với dòng 1")]
    [area] = match.areas.values()
    assert area.equals(shapely.union(box(0), box(5)))


def test_units_of_other_provinces_are_counted_not_listed() -> None:
    table = frame(
        ma_xa=["27301", "00001"], ten_xa=["Phường 1", "Phúc Xá"], ten_tinh=["TP Hồ Chí Minh", "Hà Nội"]
    )
    match = match_boundaries(table, UNITS, BEFORE)
    assert (codes(match), match.elsewhere, match.left_over) == (["27301"], 1, ())


def test_a_name_in_another_district_is_not_taken() -> None:
    table = frame(ten_xa=["Phường 2", "Phường 1"], ten_huyen=["Quận 10", "Quận 10"])
    match = match_boundaries(table, UNITS, BEFORE)
    assert codes(match) == ["27190"]
    assert [str(x.reason) for x in match.left_over] == ["không có đơn vị mang mã hay tên này ở Quận 10"]


def test_utf_8_read_as_latin_1_is_mended(tmp_path: Path) -> None:
    garbled = "Phường 2".encode().decode("latin-1")
    frame(ten_xa=[garbled, "Phuong"]).to_file(tmp_path / "a.geojson")
    file = read_boundaries(tmp_path / "a.geojson")
    assert list(file.frame["ten_xa"]) == ["Phường 2", "Phuong"]
    assert codes(match_boundaries(file.frame, UNITS, BEFORE)) == ["27304"]


def test_codes_of_several_releases_are_told_apart_by_their_columns() -> None:
    headers = [
        "ward_code_2019",
        "ward_name",
        "district_name",
        "ward_code_2021",
        "ward_code_2025_01",
        "Pop_2019",
    ]
    assert release_in(headers) == date(2019, 4, 1)
    columns = recognise(headers, date(2019, 4, 1))
    assert columns.by_field["code"] == "ward_code_2019"
    assert columns.later == {date(2021, 1, 1): "ward_code_2021", date(2025, 1, 1): "ward_code_2025_01"}
    assert columns.persons == {2019: "Pop_2019"}
    assert recognise(headers, date(2021, 1, 1)).by_field["code"] == "ward_code_2021"
    assert release_in(["code", "name"]) is None
