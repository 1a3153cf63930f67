from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geodata.boundaries import BoundaryError, import_boundaries, store_cells
from geodata.boundary_check import check_boundaries
from geodata.boundary_files import read_boundaries
from geodata.boundary_match import match_boundaries
from geodata.cells import generate_cells
from geodata.models import AdminUnit, Boundary
from geodata.registry import load_registry
from geodata.types import Unit, UnitKey, UnitLevel
from geodata.units import load_units, neighbours

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
FROM = date(2025, 7, 1)
HOME = UnitKey(UnitLevel.PROVINCE, "79", FROM)


def commune(code: str, name: str, kind: str = "Phường", area_km2: float | None = None) -> Unit:
    return Unit(
        key=UnitKey(UnitLevel.COMMUNE, code, FROM),
        name=f"{kind} {name}",
        short_name=name,
        kind=kind,
        parent=HOME,
        area_km2=area_km2,
    )


PROVINCE = Unit(key=HOME, name="Thành phố Hồ Chí Minh", short_name="Hồ Chí Minh", kind="Thành phố")
UNITS = [
    commune("00001", "Tân Định"),
    commune("00004", "Sài Gòn"),
    commune("00007", "Thanh An", "Xã"),
    commune("00010", "Thạnh An", "Xã"),
    PROVINCE,
]


def square(column: int, width: float = 0.01) -> shapely.Polygon:
    west = 106.7 + column * 0.01
    return shapely.box(west, 10.7, west + width, 10.71)


def frame(crs: int | None = 4326, **columns: Any) -> gpd.GeoDataFrame:
    count = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=[square(i) for i in range(count)], crs=crs)


def names_matched(table: gpd.GeoDataFrame) -> set[str]:
    matched = match_boundaries(table, UNITS).areas
    return {unit.short_name for unit in UNITS if unit.key in matched}


@pytest.mark.parametrize("file", ["a.geojson", "a.gpkg", "a.parquet", "a.shp"])
def test_every_common_format_is_read_into_degrees(tmp_path: Path, file: str) -> None:
    table = frame(ma_xa=["00001", "00004"]).to_crs(32648)
    path = tmp_path / file
    if path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_file(path)
    read = read_boundaries(path).frame
    assert read.crs.to_epsg() == 4326
    assert read.total_bounds == pytest.approx([106.7, 10.7, 106.72, 10.71], abs=1e-6)


def test_a_zipped_shapefile_is_read(tmp_path: Path) -> None:
    frame(ma_xa=["00001"]).to_file(tmp_path / "a.shp")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for part in tmp_path.glob("a.*"):
            if part.suffix != ".zip":
                archive.write(part, part.name)
    assert len(read_boundaries(tmp_path / "a.zip").frame) == 1


def test_degrees_without_a_coordinate_system_are_taken_as_such(tmp_path: Path) -> None:
    frame(crs=None, ma_xa=["00001"]).to_file(tmp_path / "a.shp")
    assert read_boundaries(tmp_path / "a.shp").frame.crs.to_epsg() == 4326


def test_metres_without_a_coordinate_system_are_refused(tmp_path: Path) -> None:
    metres = frame(ma_xa=["00001"]).to_crs(32648).set_crs(None, allow_override=True)
    metres.to_file(tmp_path / "a.shp")
    with pytest.raises(BoundaryError, match="hệ tọa độ"):
        read_boundaries(tmp_path / "a.shp")


def test_files_that_cannot_be_used_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(BoundaryError, match="Không thấy tệp"):
        read_boundaries(tmp_path / "none.geojson")
    (tmp_path / "bad.geojson").write_text("{not json", encoding="utf-8")
    with pytest.raises(BoundaryError, match="Không đọc được"):
        read_boundaries(tmp_path / "bad.geojson")
    points = gpd.GeoDataFrame({"ma": ["1"]}, geometry=[shapely.Point(106, 10)], crs=4326)
    points.to_file(tmp_path / "points.geojson")
    with pytest.raises(BoundaryError, match="đa giác"):
        read_boundaries(tmp_path / "points.geojson")


def test_a_file_of_several_layers_asks_for_one(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    frame(ma=["00001"]).to_file(path, layer="xa")
    frame(ma=["79"]).to_file(path, layer="tinh")
    with pytest.raises(BoundaryError, match="xa, tinh"):
        read_boundaries(path)
    assert len(read_boundaries(path, layer="xa").frame) == 1


@pytest.mark.parametrize("column", ["code", "MA_XA", "Mã xã", "gso_code", "new_ward_code"])
def test_codes_are_found_under_their_usual_names(column: str) -> None:
    table = frame(code=["00001", "00004"]).rename(columns={"code": column})
    assert names_matched(table) == {"Tân Định", "Sài Gòn"}


def test_codes_that_became_numbers_are_found() -> None:
    assert names_matched(frame(code=[1, 4])) == {"Tân Định", "Sài Gòn"}
    assert names_matched(frame(code=[1.0, 4.0])) == {"Tân Định", "Sài Gòn"}


@pytest.mark.parametrize("name", ["Phường Sài Gòn", "SÀI GÒN", "sai gon"])
def test_without_codes_names_are_matched(name: str) -> None:
    assert names_matched(frame(ten_xa=[name])) == {"Sài Gòn"}


def test_names_that_differ_in_accents_only_need_their_accents() -> None:
    assert names_matched(frame(name=["Xã Thạnh An"])) == {"Thạnh An"}
    match = match_boundaries(frame(name=["Tân Định", "Xa Thanh An"]), UNITS)
    assert {unit.short_name for unit in match.missing} >= {"Thạnh An"}


def test_a_row_of_another_province_is_not_taken_for_ours() -> None:
    table = frame(name=["Tân Định", "Sài Gòn"], tinh=["TP Hồ Chí Minh", "Tỉnh Cà Mau"])
    assert names_matched(table) == {"Tân Định"}


def test_codes_of_another_time_are_recognised_by_their_names() -> None:
    table = frame(code=["00001", "00004"], name=["Bến Nghé", "Đa Kao"])
    with pytest.raises(BoundaryError, match="thời kỳ khác"):
        match_boundaries(table, UNITS)


def test_parts_of_one_unit_are_joined() -> None:
    match = match_boundaries(frame(code=["00001", "00001"]), UNITS)
    area = match.areas[UNITS[0].key]
    assert area.equals(shapely.union_all([square(0), square(1)]))


def test_what_did_not_match_is_listed() -> None:
    match = match_boundaries(frame(code=["00001", "99999"], name=["Tân Định", "Lạ"]), UNITS)
    assert match.unmatched == ("Lạ (2)",)
    assert len(match.missing) == 3


def test_nothing_to_match_by_is_an_error() -> None:
    with pytest.raises(BoundaryError, match="dien_tich"):
        match_boundaries(frame(dien_tich=[1.0]), UNITS)
    with pytest.raises(BoundaryError, match="Không vùng nào"):
        match_boundaries(frame(code=["99999"]), UNITS)


def test_invalid_shapes_are_repaired_and_counted() -> None:
    bow_tie = shapely.Polygon([(106.7, 10.7), (106.71, 10.71), (106.71, 10.7), (106.7, 10.71)])
    table = gpd.GeoDataFrame({"code": ["00001"]}, geometry=[bow_tie], crs=4326)
    check = check_boundaries(match_boundaries(table, UNITS).areas, UNITS)
    assert check.repaired == 1
    assert check.areas[UNITS[0].key].is_valid


def test_overlaps_and_odd_areas_are_measured() -> None:
    table = gpd.GeoDataFrame({"code": ["00001", "00004"]}, geometry=[square(0, 0.012), square(1)], crs=4326)
    units = [commune("00001", "Tân Định", area_km2=1.45), commune("00004", "Sài Gòn", area_km2=1.21)]
    check = check_boundaries(match_boundaries(table, units).areas, units)
    [overlap] = check.overlaps
    assert overlap.km2 == pytest.approx(0.242, abs=0.005)
    assert check.ratios == {}
    doubled = [commune("00001", "Tân Định", area_km2=2.9), units[1]]
    [ratio] = check_boundaries(match_boundaries(table, doubled).areas, doubled).ratios.values()
    assert ratio == pytest.approx(0.5, abs=0.01)


@pytest.fixture
def city(session: Session) -> Session:
    load_units(session, load_registry(["79"]))
    return session


def number_of_boundaries(session: Session, *, synthetic: bool) -> int:
    query = select(func.count()).select_from(Boundary).where(Boundary.synthetic.is_(synthetic))
    return session.scalar(query) or 0


def test_generated_cells_are_stored_as_synthetic_with_their_neighbours(city: Session) -> None:
    store_cells(city, generate_cells(load_registry(["79"]), "79"), now=NOW)
    assert number_of_boundaries(city, synthetic=True) == 168 + 442
    ben_thanh = city.scalars(
        select(AdminUnit).where(AdminUnit.name == "Phường Bến Thành", AdminUnit.valid_to.is_(None))
    ).one()
    names = {unit.name for unit in neighbours(city, ben_thanh.id)}
    assert {"Phường Sài Gòn", "Phường Cầu Ông Lãnh"} <= names
    assert len(names) < 12


def test_real_boundaries_replace_generated_ones_and_are_not_overwritten(city: Session, shared: Path) -> None:
    cells = generate_cells(load_registry(["79"]), "79")
    store_cells(city, cells, now=NOW)
    file = shared / "data/boundaries/hcmc_wards_2025_168.parquet"
    report = import_boundaries(city, file, province_code="79", now=NOW)
    store_cells(city, cells, now=NOW)
    assert report.match.by_code == 168
    assert not report.match.unmatched and not report.match.missing
    assert not report.check.overlaps and not report.check.repaired
    assert number_of_boundaries(city, synthetic=False) == 168
    assert number_of_boundaries(city, synthetic=True) == 442


def test_the_report_lists_the_known_faults_of_a_real_file(city: Session, shared: Path) -> None:
    file = shared / "data/boundaries/hcmc_wards_2025_168.parquet"
    report = import_boundaries(city, file, province_code="79", now=NOW)
    text = "\n".join(map(str, report.messages()))
    assert "168 đơn vị" in text
    assert "Phường Rạch Dừa (61%)" in text
    odd = {report.names[key] for key in report.check.ratios}
    assert {"Phường Tân Sơn Nhất", "Phường Tân Sơn", "Xã Thạnh An"} <= odd
    assert len(odd) <= 9


def test_a_file_of_old_wards_is_refused(city: Session, shared: Path) -> None:
    file = shared / "data/boundaries/hcmc_wards_2025-01_273_derived.geojson"
    table = gpd.read_file(file).rename(columns={"ward_code_2025_01": "code"})
    with pytest.raises(BoundaryError, match="thời kỳ khác"):
        match_boundaries(table, load_registry(["79"]).units)
