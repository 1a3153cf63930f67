"""`app.py geocode`: a file of addresses in, the same rows with units and places out."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from geodata import by_point, geocode_files, resolve
from geodata.coordinates import read_coordinates
from geodata.geocode_files import ADDED, Columns, GeocodeFileError, Geocoder, geocode_file
from geodata.street_parts import hamlet_name
from geodata.streets import StreetBook, StreetPoint
from geodata.types import PlaceLevel, UnitKey, UnitLevel

ROOT = Path(__file__).parent.parent
GEOCODER = Geocoder.of_provinces(["79"])


def geocoded(folder: Path, content: str | bytes, **columns: str) -> list[dict[str, str]]:
    source, target = folder / "in.csv", folder / "out.csv"
    source.write_bytes(content.encode() if isinstance(content, str) else content)
    geocode_file(source, target, Columns(**{"address": "address", **columns}), GEOCODER)
    with target.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def one(folder: Path, address: str) -> dict[str, str]:
    return geocoded(folder, f'address\n"{address.replace(chr(34), chr(34) * 2)}"\n')[0]


def test_units_and_place_stand_beside_the_columns(tmp_path: Path) -> None:
    [row] = geocoded(tmp_path, 'id,address,note\n7,"123/4 Nguyễn Trãi, P.2, Q.5",x\n')
    assert list(row) == ["id", "address", "note", *ADDED]
    assert (row["id"], row["note"]) == ("7", "x")
    assert (row["old_ward_code"], row["ward_code"], row["district_code"], row["province_code"]) == (
        "27307", "27301", "774", "79",
    )  # fmt: skip
    assert row["level"] == "commune"
    assert 10.7 < float(row["lat"]) < 10.8
    assert 100 < float(row["uncertainty_m"]) < 1000
    assert row["rule"] == resolve.OLD_IN_DISTRICT


def test_the_command_needs_no_database_and_takes_paths_from_where_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("diachi\n12 Lê Lợi P2 Q5\n", encoding="utf-8")
    command = [
        sys.executable,
        str(ROOT / "app.py"),
        "geocode",
        "in.csv",
        "--column",
        "diachi",
        "--out",
        "out.csv",
    ]
    environment = {**os.environ, "DATABASE_URL": "postgresql://nowhere.invalid/none"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "27307" in (tmp_path / "out.csv").read_text(encoding="utf-8")


def test_a_split_ward_is_not_guessed(tmp_path: Path) -> None:
    row = one(tmp_path, "12 X, Phường Đa Kao, Quận 1")
    assert row["ward_code"] == ""
    assert row["old_ward_code"] == "26737"
    listed = json.loads(row["candidates"])
    assert {x["ward"] for x in listed} == {"Phường Sài Gòn", "Phường Tân Định"}
    assert sum(x["share"] for x in listed) == pytest.approx(1, abs=0.002)


def test_the_street_tells_the_part_of_a_split_ward_and_the_place() -> None:
    old, today = (
        UnitKey(UnitLevel.COMMUNE, "26737", date(2025, 1, 1)),
        UnitKey(UnitLevel.COMMUNE, "26740", date(2025, 7, 1)),
    )
    district = UnitKey(UnitLevel.DISTRICT, "760", date(2025, 1, 1))
    houses = [
        StreetPoint("Phùng Khắc Khoan", 10.7853 + n / 1e5, 106.6985, str(n), old, today, district)
        for n in range(10, 40, 2)
    ]
    book = StreetBook.build(houses)
    finder = Geocoder(gazetteer=GEOCODER.gazetteer, streets=book)
    match = finder.match("25 Phùng Khắc Khoan, P. Đa Kao, Q.1")
    assert match.unit == today
    assert not match.estimated
    assert match.level in (PlaceLevel.HOUSE, PlaceLevel.STREET)
    assert match.uncertainty_m is not None and match.uncertainty_m < 500
    assert finder.match("20 Phùng Khắc Khoan, Quận 1").unit == today


def test_a_hamlet_is_found_by_the_doors_learnt_in_it() -> None:
    ward = next(u.key for u in GEOCODER.gazetteer.former["binhhung"] if u.kind == "Xã")
    parent = GEOCODER.gazetteer.units[ward].parent
    lat, lon = GEOCODER.gazetteer.centres[ward]
    doors = [StreetPoint("ấp 3", lat + n / 1e4, lon + 0.004, None, ward, None, parent) for n in range(8)]
    finder = Geocoder(gazetteer=GEOCODER.gazetteer, streets=StreetBook.build(doors))
    match = finder.match("A1/27A, Ấp 3, Xã Bình Hưng, Huyện Bình Chánh")
    assert match.former == ward
    assert match.level is PlaceLevel.NEIGHBOURHOOD
    assert match.lon == pytest.approx(lon + 0.004, abs=1e-6)
    whole = finder.match("Xã Bình Hưng, Huyện Bình Chánh").uncertainty_m
    assert match.uncertainty_m and whole and match.uncertainty_m < whole
    assert finder.match("A1/27A, Ấp 4, Xã Bình Hưng, Huyện Bình Chánh").level is PlaceLevel.COMMUNE


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("KP.3", "kp 3"),
        ("Khu phố 3", "kp 3"),
        ("K.P 3", "kp 3"),
        ("kp3", "kp 3"),
        ("Ấp Đông Lân", "ap dong lan"),
    ],
)
def test_a_hamlet_is_written_one_way(text: str, name: str) -> None:
    assert hamlet_name(text) == name
    assert hamlet_name("Chung cư 3") is None


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("", resolve.EMPTY),
        ("Sài", resolve.EMPTY),
        ("🏠🎉", resolve.EMPTY),
        ("'; DROP TABLE x; --", resolve.EMPTY),
        ("<b>12 Lê Lợi</b>, Q.5", resolve.NO_COMMUNE),
        ("5 Rue de Rivoli, Paris", resolve.EMPTY),
        ("12 Trần Phú, P. 2, TP. Tân An, Long An", resolve.ELSEWHERE),
        ("12 Lê Lợi, P. Bến Thành, Q.1; 5 Nguyễn Trãi, P.2, Q.5", resolve.TWO_ADDRESSES),
        ("106.7009, 10.7769", by_point.SWAPPED),
        ("10.7769, 106.7009", by_point.COORDINATES),
        ("9.5, 109.9", by_point.OUTSIDE),
        ("x" * 10_000, resolve.EMPTY),
    ],
)
def test_what_cannot_be_known_says_why(tmp_path: Path, address: str, rule: str) -> None:
    row = one(tmp_path, address)
    assert row["address"] == address
    assert row["ward_code"] == ""
    assert row["rule"] == rule


def test_a_telephone_number_does_not_disturb(tmp_path: Path) -> None:
    assert one(tmp_path, "12 Lê Lợi, P.2, Q.5, ĐT 0909 123 456")["old_ward_code"] == "27307"


def test_typed_coordinates_are_the_place_and_name_what_may_be_there(tmp_path: Path) -> None:
    row = one(tmp_path, "10.77690, 106.70090")
    assert (row["lat"], row["lon"], row["level"]) == ("10.776900", "106.700900", "house")
    assert "Phường Sài Gòn" in row["candidates"]


def test_typed_coordinates_are_as_fine_as_they_are_written() -> None:
    fine, coarse = read_coordinates("10.77690, 106.70090"), read_coordinates("10.77, 106.70")
    assert fine and coarse
    assert fine.precision_m == 20
    assert 500 < coarse.precision_m < 600


def test_with_boundaries_typed_coordinates_have_their_commune(shared: Path) -> None:
    areas = shared / "data/boundaries/hcmc_wards_2025_168_simplified15m.geojson"
    finder = geocode_files.geocoder_for(["79"], streets=None, boundaries=areas, on=date(2026, 5, 1))
    unit = finder.match("10.7769, 106.7009").unit
    assert unit and finder.gazetteer.units[unit].name == "Phường Sài Gòn"
    assert finder.match("9.9, 107.5").rule == by_point.OUTSIDE


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_csvs_people_have(tmp_path: Path, encoding: str, delimiter: str) -> None:
    content = f'id{delimiter}address\r\n1{delimiter}"12 Lê Lợi, Phường 2, Quận 5"\r\n'
    [row] = geocoded(tmp_path, content.encode(encoding))
    assert row["old_ward_code"] == "27307"


def test_columns_of_the_same_name_are_kept(tmp_path: Path) -> None:
    [row] = geocoded(tmp_path, 'address,lat\n"P.2, Q.5",10.5\n')
    assert row["lat_in"] == "10.5"
    assert row["lat"] != "10.5"


def test_units_may_stand_in_columns_of_their_own(tmp_path: Path) -> None:
    [row] = geocoded(tmp_path, "address,px,qh\n12 Lê Lợi,PHUONG 02,QUAN 05\n", commune="px", district="qh")
    assert row["old_ward_code"] == "27307"


def test_the_day_of_writing_decides_what_a_name_meant(tmp_path: Path) -> None:
    rows = geocoded(
        tmp_path,
        'address,day\n"5 X, P. An Phú, TP.HCM",2026-03-01\n"5 X, P. An Phú, TP.HCM",01/03/2024\n',
        date="day",
    )
    assert rows[0]["ward_code"] != ""
    assert rows[1]["ward_code"] == ""


def test_a_ragged_row_stops_no_other_and_loses_nothing(tmp_path: Path) -> None:
    rows = geocoded(tmp_path, 'id,address\n1,"P.2, Q.5"\n2,12 Lê Lợi, P.2, Q.5\n3\n4,"P.4, Q.5"\n')
    assert [row["id"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[1]["rule"] == geocode_files.TOO_MANY_CELLS
    assert rows[1]["address"] == "12 Lê Lợi, P.2, Q.5"
    assert rows[3]["district_code"] == "774"


@pytest.mark.parametrize(("content", "says"), [("", "tệp trống"), ("id,dia_chi\n1,x\n", "dia_chi")])
def test_a_file_that_cannot_be_read_says_how_to_mend_it(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(GeocodeFileError, match=says):
        geocoded(tmp_path, content)
    assert not (tmp_path / "out.csv").exists()


def test_the_readme_s_example_of_the_library_works() -> None:
    match = GEOCODER.match("123/4 Nguyễn Trãi, P.2, Q.5")
    assert match.former and match.former.code == "27307"
    assert match.unit and GEOCODER.gazetteer.units[match.unit].name == "Phường Chợ Quán"
