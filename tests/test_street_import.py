"""Files of streets, written here in every format, and what becomes of each of their rows."""

from __future__ import annotations

import csv
from pathlib import Path

import geopandas as gpd
import osmium
import pytest
from osmium.osm.mutable import Node, Way
from shapely import LineString, MultiLineString, MultiPolygon, Point, Polygon, box
from sqlalchemy import delete

from app import main
from db import session_scope
from geodata.boundaries import store_boundaries
from geodata.boundary_match import BoundaryError
from geodata.models import Boundary, StreetFile
from geodata.registry import LEGACY_FROM, REFORM, Registry, load_registry
from geodata.street_areas import Layer, WardAreas, areas_from_files
from geodata.street_files import StreetImportError
from geodata.street_import import UnitNames, import_streets
from geodata.street_store import StreetShelf
from geodata.streets import StreetBook
from geodata.types import UnitKey, UnitLevel
from tests.ingest_files import NOW, Desk

LAT, LON = 10.77, 106.70
MIDDLE = LON + 0.005
TAN_DINH, DA_KAO = (UnitKey(UnitLevel.COMMUNE, code, LEGACY_FROM) for code in ("26734", "26737"))
SAI_GON = UnitKey(UnitLevel.COMMUNE, "26740", REFORM)
ONE, THU_DUC, BINH_CHANH = (UnitKey(UnitLevel.DISTRICT, code, LEGACY_FROM) for code in ("760", "769", "785"))


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry(["79"])


@pytest.fixture(scope="module")
def areas() -> WardAreas:
    """Two old wards of District 1 that meet at MIDDLE, one commune of today over both."""
    west, east = box(LON, LAT - 0.01, MIDDLE, LAT + 0.01), box(MIDDLE, LAT - 0.01, LON + 0.01, LAT + 0.01)
    return WardAreas(
        former=Layer({TAN_DINH: west, DA_KAO: east}),
        today=Layer({SAI_GON: west.union(east)}),
        district_of={TAN_DINH: ONE, DA_KAO: ONE},
    )


def write_pbf(path: Path) -> Path:
    """A street across both wards and beyond them, with an old name; a house, a building, and things to leave out."""
    with osmium.SimpleWriter(str(path)) as writer:
        places = {
            1: LON + 0.001,
            2: LON + 0.009,
            3: LON + 0.02,
            4: LON + 0.002,
            5: LON + 0.0021,
            6: LON + 0.0021,
        }
        for number, lon in places.items():
            writer.add_node(Node(id=number, location=(lon, LAT + (0.0001 if number == 6 else 0))))
        house = {"addr:housenumber": "12/3", "addr:street": "Lê Lợi"}
        writer.add_node(Node(id=10, location=(LON + 0.003, LAT), tags=house))
        writer.add_node(Node(id=11, location=(LON + 0.003, LAT), tags={"addr:housenumber": "14"}))
        writer.add_node(Node(id=12, location=(LON + 0.003, LAT), tags={"highway": "bus_stop", "name": "Chợ"}))
        street = {"highway": "primary", "name": "Lê Lợi", "old_name": "Bonard;Boulevard Bonard"}
        writer.add_way(Way(id=20, nodes=[1, 2, 3], tags=street))
        writer.add_way(Way(id=21, nodes=[1, 2], tags={"highway": "service"}))
        writer.add_way(Way(id=22, nodes=[1, 2], tags={"building": "yes", "name": "Chợ"}))
        building = {"building": "yes", "addr:housenumber": "20", "addr:street": "Lê Lợi"}
        writer.add_way(Way(id=23, nodes=[4, 5, 6, 4], tags=building))
    return path


def points(book: StreetBook, street: str) -> list[tuple[float, float, int, str | None]]:
    """(lat, lon, number, code of the old ward) of every point the book holds of a street."""
    found = []
    for item in book.streets.get(street, ()):
        for row in range(item.start, item.stop):
            former = int(item.block.former[row])
            found.append(
                (
                    float(item.block.lat[row]),
                    float(item.block.lon[row]),
                    int(item.block.number[row]),
                    book.units[former].code if former >= 0 else None,
                )
            )
    return found


def test_an_extract_of_openstreetmap_gives_streets_cut_at_wards_and_houses(
    tmp_path: Path, registry: Registry, areas: WardAreas
) -> None:
    book, report = import_streets([write_pbf(tmp_path / "city.osm.pbf")], registry, areas)

    streets = points(book, "leloi")
    assert {number for *_, number, _ in streets} == {-1, 12, 20}
    assert all((ward == TAN_DINH.code) == (lon < MIDDLE) for _, lon, number, ward in streets if lon != MIDDLE)
    assert max(lon for _, lon, *_ in streets) == pytest.approx(LON + 0.01)
    assert book.districts_of("Boulevard Bonard") == (ONE,)
    assert (report.houses, report.lines, report.without_ward) == (2, 6, 0)
    assert report.refused == {"không có tên đường": 2}


def test_without_boundaries_streets_have_no_ward_and_the_report_says_so(
    tmp_path: Path, registry: Registry
) -> None:
    book, report = import_streets([write_pbf(tmp_path / "city.osm.pbf")], registry, None)

    assert {ward for *_, ward in points(book, "leloi")} == {None}
    assert report.without_ward == report.houses + report.lines == 5
    assert any("--boundaries" in str(message) for message in report.messages())


@pytest.mark.parametrize(
    ("name", "driver"),
    [("a.geojson", "GeoJSON"), ("a.gpkg", "GPKG"), ("a.shp", "ESRI Shapefile"), ("a.fgb", None)],
)
def test_map_layers_give_lines_and_houses(
    tmp_path: Path, registry: Registry, areas: WardAreas, name: str, driver: str | None
) -> None:
    """In metres (UTM 48N) where the format can say so."""
    line = LineString([(LON + 0.001, LAT), (LON + 0.009, LAT)])
    outside = Polygon([(LON, 11), (LON, 11.1), (LON + 0.1, 11)])
    frame = gpd.GeoDataFrame({"name": ["Lê Lợi", None]}, geometry=[line, line], crs=4326)
    if name != "a.geojson":
        frame = frame.to_crs(32648)
    frame.to_file(tmp_path / name, driver=driver)
    houses = gpd.GeoDataFrame(
        {"ten_duong": ["Lê Lợi", "Hàm Nghi"], "so_nha": [36, 5]},
        geometry=[Point(LON + 0.002, LAT), Point(LON, 11) if name == "a.shp" else outside],
        crs=4326,
    )
    houses.to_file(tmp_path / f"houses-{name}", driver=driver)

    book, report = import_streets([tmp_path / name, tmp_path / f"houses-{name}"], registry, areas)

    found = points(book, "leloi")
    assert {ward for *_, ward in found} == {TAN_DINH.code, DA_KAO.code}
    assert [(round(lon, 4), ward) for _, lon, number, ward in found if number == 36] == [
        (round(LON + 0.002, 4), TAN_DINH.code)
    ]
    assert report.refused == {"không có tên đường": 1, "nằm ngoài ranh giới các phường, xã": 1}
    assert max(abs(lat - LAT) for lat, *_ in found) < 0.0001


def test_several_lines_of_one_row_are_one_street(
    tmp_path: Path, registry: Registry, areas: WardAreas
) -> None:
    parts = MultiLineString(
        [[(LON + 0.001, LAT), (LON + 0.002, LAT)], [(LON + 0.006, LAT), (LON + 0.007, LAT)]]
    )
    gpd.GeoDataFrame({"name": ["Lê Lợi"]}, geometry=[parts], crs=4326).to_file(tmp_path / "a.gpkg")
    book, report = import_streets([tmp_path / "a.gpkg"], registry, areas)
    assert report.lines == 2 and len(book.streets) == 1


def test_a_table_gives_places_or_names(tmp_path: Path, registry: Registry, areas: WardAreas) -> None:
    table = tmp_path / "streets.csv"
    table.write_text(
        "Tên đường;Số nhà;Quận;Phường;Vĩ độ;Kinh độ\n"
        f"Lê Lợi;36;1;Đa Kao;{LAT};{str(LON + 0.002).replace('.', ',')}\n"
        "Hàm Nghi;;Quận 9;;;\n"
        "Lê Lai;7;Quận 99;;;\n"
        ";7;Quận 1;;;\n"
        "Lê Lai;7;;;;\n"
        "Lê Lai;7;Quận 1;;106.7;10.77\n"
        "Lê Lai;7;Quận 1;;x;10.77\n",
        "utf-8-sig",
    )

    book, report = import_streets([table], registry, areas)

    assert points(book, "leloi") == [(LAT, round(LON + 0.002, 7), 36, TAN_DINH.code)]
    assert book.districts_of("Hàm Nghi") == (THU_DUC,)
    assert (report.houses, report.names, report.streets) == (1, 1, 2)
    assert report.refused == {
        "không nhận ra quận/huyện hoặc phường/xã đã ghi": 1,
        "không có tên đường": 1,
        "không có tọa độ, cũng không có quận/huyện": 1,
        "tọa độ không đọc được hoặc ngoài Việt Nam": 2,
    }


def test_without_boundaries_the_table_says_which_ward(tmp_path: Path, registry: Registry) -> None:
    table = tmp_path / "streets.csv"
    table.write_text(f"street,house,ward,district,lat,lon\nLê Lợi,36,P. Đa Kao,Q.1,{LAT},{LON}\n")
    book, _ = import_streets([table], registry, None)
    assert [ward for *_, ward in points(book, "leloi")] == [DA_KAO.code]
    assert book.districts_of("Lê Lợi") == (ONE,)


@pytest.mark.parametrize(
    ("ward", "district", "found"),
    [
        (None, "QUAN 1", (None, None, ONE)),
        (None, "Huyện Bình Chánh", (None, None, BINH_CHANH)),
        (None, "Quận 2", (None, None, THU_DUC)),
        (None, "TP. Thủ Đức", (None, None, THU_DUC)),
        ("Phường Tân Định", "Quận 1", (TAN_DINH, None, ONE)),
        ("Sài Gòn", None, (None, SAI_GON, ONE)),
        ("Tân Định", "Quận 5", None),
        ("14", None, None),
        (None, "Hà Nội", None),
    ],
)
def test_units_are_known_by_their_names(
    registry: Registry, ward: str | None, district: str | None, found: tuple[UnitKey | None, ...] | None
) -> None:
    assert UnitNames(registry).find(ward, district) == found


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("none.csv", None),
        ("a.docx", b"x"),
        ("a.csv", "đường,quận\n".encode("utf-16")),
        ("a.csv", b"colour,size\nred,2\n"),
        ("a.csv", b""),
        ("a.csv", "street,district\nLê Lợi,Mars\n".encode()),
        ("a.geojson", b"{"),
        ("a.osm.pbf", b"not a pbf"),
        ("a.gpkg", b"SQLite format 3\x00"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_name(
    tmp_path: Path, registry: Registry, name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(StreetImportError) as refused:
        import_streets([tmp_path / name], registry, None)
    assert name in str(refused.value) or "không nhận ra quận/huyện" in str(refused.value)


def test_an_extract_cut_short_is_refused(tmp_path: Path, registry: Registry) -> None:
    whole = write_pbf(tmp_path / "city.osm.pbf").read_bytes()
    (tmp_path / "half.osm.pbf").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StreetImportError):
        import_streets([tmp_path / "half.osm.pbf"], registry, None)


def test_old_wards_and_communes_of_today_come_from_their_files(shared: Path, registry: Registry) -> None:
    folder = shared / "data" / "boundaries"
    found = areas_from_files(
        [
            folder / "hcmc_wards_2025-01_273_derived.geojson",
            folder / "hcmc_wards_2025_168_simplified15m.geojson",
        ],
        registry,
    )
    assert (len(found.former.areas), len(found.today.areas)) == (273, 168)
    with (shared / "data" / "addresses" / "hcmc_addresses_public.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["ward273_code"]]
    placed = [
        (found.former.at(lat, lon), found.today.at(lat, lon))
        for lat, lon in ((float(row["lat"]), float(row["lon"])) for row in rows)
    ]
    right = [
        bool(old and new) and (old.code, new.code) == (row["ward273_code"], row["new_ward_code"])
        for row, (old, new) in zip(rows, placed, strict=True)
        if old and new
    ]
    assert len(right) > 0.99 * len(rows) and sum(right) > 0.98 * len(rows)


def test_a_boundary_file_without_codes_is_refused(tmp_path: Path, registry: Registry) -> None:
    gpd.GeoDataFrame({"x": ["a"]}, geometry=[box(0, 0, 1, 1)], crs=4326).to_file(tmp_path / "b.geojson")
    with pytest.raises(BoundaryError):
        areas_from_files([tmp_path / "b.geojson"], registry)


def test_pieces_of_a_street_are_as_long_as_the_street(areas: WardAreas) -> None:
    line = LineString([(LON + 0.001, LAT), (LON + 0.008, LAT + 0.004), (LON + 0.002, LAT + 0.005)])
    pieces = [piece for _, piece in areas.former.pieces(line)]
    assert sum(piece.length for piece in pieces) == pytest.approx(line.length)
    assert len(pieces) == 3


def test_names_by_district_are_taken_as_they_are_published(shared: Path, registry: Registry) -> None:
    book, report = import_streets(
        [shared / "data" / "addresses" / "street_names_by_district_2019.csv"], registry, None
    )
    assert report.names == 8345 - sum(report.refused.values())
    assert sum(report.refused.values()) < 5
    assert BINH_CHANH in book.districts_of("Nguyễn Văn Linh")


# --- the command -----------------------------------------------------------------------------------------------------


def command(*arguments: str | Path) -> str | int | None:
    """Exit code of `app.py streets import …`."""
    with pytest.raises(SystemExit) as ended:
        main(["streets", "import", *map(str, arguments)])
    return ended.value.code


def test_the_command_writes_a_file_and_needs_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    out = tmp_path / "streets.npz"

    code = command(write_pbf(tmp_path / "city.osm.pbf"), "--out", out)

    assert code == 0
    assert "Đã nhận 3 đường: 3 đoạn, 2 điểm" in capsys.readouterr().out
    assert "leloi" in StreetBook.load(out).streets


def test_the_command_names_the_file_it_cannot_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path / "none.pbf", "--out", tmp_path / "x.npz") == 1
    assert "Không thấy tệp none.pbf." in capsys.readouterr().out


def test_the_command_cuts_at_the_real_boundaries_of_the_database(
    tmp_path: Path, desk: Desk, database_url: str, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("CANHDICH_HOME", str(tmp_path))
    with session_scope(desk.engine) as session:
        inside = MultiPolygon([box(LON, LAT - 0.01, LON + 0.01, LAT + 0.01)])
        store_boundaries(session, {SAI_GON: inside}, source="test", synthetic=False, now=NOW)

    assert command(write_pbf(tmp_path / "city.osm.pbf"), "--database") == 0

    with session_scope(desk.engine) as session:
        book = StreetShelf().book(session)
        session.execute(delete(StreetFile))
        session.execute(delete(Boundary))
    hit = book.locate("Lê Lợi", "12", wards=[SAI_GON])
    assert hit and hit.today == ((SAI_GON, 1.0),)
    assert max(lon for _, lon, *_ in points(book, "leloi")) <= LON + 0.01
