"""The real files of four releases, imported one after the other into one city."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from db import session_scope
from geodata.boundaries import BoundaryError, BoundaryReport, Wanted, import_boundaries
from geodata.boundary_match import match_boundaries
from geodata.gazetteer import Gazetteer
from geodata.geocoder import geocode
from geodata.lineage import LineageError, read_pairs, store_lineage
from geodata.models import AdminUnit, Population, UnitLineage
from geodata.registry import load_registry
from geodata.releases import crosswalk_between, releases
from geodata.text import strip_accents
from geodata.units import gazetteer_for, load_units, persons_in, units_for

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
CENSUS, MERGED, BEFORE, SINCE = date(2019, 4, 1), date(2021, 1, 1), date(2025, 1, 1), date(2025, 7, 1)
FILES = {
    SINCE: "hcmc_wards_2025_168.parquet",
    CENSUS: "hcmc_wards_2019_322_simplified10m.geojson",
    BEFORE: "hcmc_wards_2025-01_273_derived.geojson",
    MERGED: "hcmc_wards_2021_312_derived.geojson",
}
Reports = dict[date, BoundaryReport]


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "data/boundaries"


@pytest.fixture(scope="module")
def reports(engine: Engine, folder: Path) -> Reports:
    with session_scope(engine) as session:
        load_units(session, load_registry(["79"]))
    with session_scope(engine) as session:
        done = {
            day: import_boundaries(
                session, folder / file, province_code="79", now=NOW, wanted=Wanted(release=str(day))
            )
            for day, file in FILES.items()
        }
    return done


def by_code(session: Session, source: date, target: date) -> dict[str, dict[str, float]]:
    walk = crosswalk_between(session, source, target)
    query = select(AdminUnit.id, AdminUnit.code).where(AdminUnit.id.in_([*walk.sources, *walk.targets]))
    codes = {row.id: row.code for row in session.execute(query)}
    return {codes[unit]: {codes[x]: share for x, share in walk.row(unit).items()} for unit in walk.sources}


@pytest.fixture
def session(reports: Reports, engine: Engine) -> Iterator[Session]:
    """Sees what the imports left; its own changes are undone."""
    with engine.connect() as connection:
        transaction = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        transaction.rollback()


def test_every_ward_of_every_release_is_matched(reports: Reports) -> None:
    assert {day: len(report.match.areas) for day, report in reports.items()} == {
        SINCE: 168, CENSUS: 322, BEFORE: 273, MERGED: 312,
    }  # fmt: skip
    for report in reports.values():
        assert not report.match.left_over
        assert not report.check.overlaps and not report.check.vanished
    lacking = {x.unit.parent.code for x in reports[BEFORE].match.lacking if x.unit.parent}
    assert not lacking & {str(code) for code in range(760, 788)}, (
        "only wards of the two other provinces lack one"
    )


def test_the_releases_are_known_by_their_days(session: Session) -> None:
    found = {x.on: (x.until, x.units, x.drawn) for x in releases(session)}
    assert found == {
        SINCE: (None, 168, 168),
        BEFORE: (SINCE, 442, 273),
        MERGED: (BEFORE, 312, 312),
        CENSUS: (MERGED, 322, 322),
    }


def test_wards_of_older_releases_are_units_with_their_district(session: Session) -> None:
    assert len(units_for(session, "79", date(2020, 1, 1))) == 322
    districts = session.scalars(
        select(AdminUnit.name).where(AdminUnit.level == "district", AdminUnit.valid_from == CENSUS)
    )
    names = set(districts)
    assert len(names) == 24
    assert {"Quận 2", "Quận 9", "Quận Thủ Đức"} <= names
    an_khanh = session.scalars(
        select(AdminUnit).where(AdminUnit.name == "Phường An Khánh", AdminUnit.valid_from == CENSUS)
    ).one()
    assert an_khanh.valid_to == MERGED
    numbered = session.scalars(
        select(AdminUnit.name).where(AdminUnit.valid_from == CENSUS, AdminUnit.name.like("Phường 0%"))
    )
    assert not numbered.all()


def test_ten_wards_of_2019_were_merged_by_2021(session: Session) -> None:
    into = {code: set(parts) for code, parts in by_code(session, CENSUS, MERGED).items()}
    assert all(len(targets) == 1 for targets in into.values())
    assert len({next(iter(targets)) for targets in into.values()}) == 312


def test_the_files_own_columns_agree_with_the_crosswalk(session: Session, folder: Path) -> None:
    table = gpd.read_file(folder / FILES[CENSUS])
    for column, day in (("ward_code_2021", MERGED), ("ward_code_2025_01", BEFORE)):
        walked = by_code(session, CENSUS, day)
        for old, new in zip(table["ward_code_2019"], table[column], strict=True):
            assert walked[old] == pytest.approx({new: 1.0}), (old, day)


def test_the_registers_pairs_are_the_official_ones(session: Session, folder: Path) -> None:
    table = pd.read_csv(folder / "hcmc_ward_crosswalk_2025.csv", dtype=str)
    official = table[table["official"] == "True"]
    walked = by_code(session, BEFORE, SINCE)
    ours = {(old, new) for old in set(official["old_code"]) for new in walked[old]}
    assert ours == set(zip(official["old_code"], official["new_code"], strict=True))


def test_shares_of_split_wards_are_near_the_areas_measured_elsewhere(session: Session, folder: Path) -> None:
    """By people, so not the same: but a ward cut in half is not given whole to one side."""
    table = pd.read_csv(folder / "hcmc_ward_crosswalk_2025.csv", dtype={"old_code": str, "new_code": str})
    walked = by_code(session, BEFORE, SINCE)
    split = table[table["old_is_split"] & table["official"] & (table["area_share"] > 0)]
    gaps = [abs(walked[x.old_code][x.new_code] - x.area_share) for x in split.itertuples()]
    assert len(gaps) > 60
    assert sorted(gaps)[len(gaps) // 2] < 0.02
    assert sum(gap > 0.05 for gap in gaps) <= 1, (
        "one ward of which the map draws a third in no official successor"
    )


def test_points_lie_in_the_ward_the_crosswalk_says(session: Session, shared: Path) -> None:
    points = pd.read_csv(shared / "data/addresses/hcmc_addresses_public.csv", dtype=str)
    points = points.dropna(subset=["ward322_code", "ward273_code", "new_ward_code"])
    for column, source in (("ward322_code", CENSUS), ("ward273_code", BEFORE)):
        walked = by_code(session, source, SINCE)
        given = [walked[code] for code in points[column]]
        right = [next(iter(x)) == truth for x, truth in zip(given, points["new_ward_code"], strict=True)]
        whole = [ok for ok, x in zip(right, given, strict=True) if len(x) == 1]
        assert sum(whole) / len(whole) > 0.99
        assert sum(right) / len(right) > 0.96


def test_the_census_of_the_wards_is_todays_denominator(session: Session, folder: Path) -> None:
    counted = session.scalar(
        select(func.sum(Population.persons)).where(Population.year == 2019, Population.estimated.is_(False))
        .join(AdminUnit, AdminUnit.id == Population.unit_id)
        .where(AdminUnit.valid_from == CENSUS, AdminUnit.level == "commune")
    )  # fmt: skip
    assert counted == gpd.read_file(folder / FILES[CENSUS])["Pop_2019"].sum()
    today = persons_in(session, [x.id for x in units_for(session, "79", date(2026, 1, 1))])
    assert len(today) == 102, "the wards of the former city; nobody brought people of the other two provinces"
    assert sum(today.values()) == pytest.approx(counted, abs=len(today))


def test_old_names_are_geocoded_as_before(session: Session) -> None:
    now, register = gazetteer_for(session, ["79"]), load_registry(["79"])
    alone = Gazetteer.build(register.units, register.lineage, province_codes=["79"])
    for commune, district in (
        ("Phường 2", "Quận 5"),
        ("P.13", "Gò Vấp"),
        ("An Khánh", "Quận 2"),
        ("Tân Định", "Quận 1"),
    ):
        said: dict[str, Any] = {"commune": commune, "district": district, "province": None, "address": None}
        said["on"] = date(2024, 5, 1)
        found = geocode(now, **said)
        expected = geocode(alone, **said)
        assert (found.unit, found.former, found.level) == (expected.unit, expected.former, expected.level)


def test_importing_again_changes_nothing(session: Session, folder: Path) -> None:
    before = by_code(session, CENSUS, SINCE)
    report = import_boundaries(
        session, folder / FILES[CENSUS], province_code="79", now=NOW, wanted=Wanted(release="2019-04-01")
    )
    assert report.created == 0
    after = by_code(session, CENSUS, SINCE)
    assert {code: pytest.approx(parts, abs=1e-6) for code, parts in before.items()} == after


def test_a_file_of_another_time_names_the_release_to_add(session: Session, folder: Path) -> None:
    with pytest.raises(BoundaryError, match="--release 2019-04-01"):
        import_boundaries(session, folder / FILES[CENSUS], province_code="79", now=NOW)
    with pytest.raises(BoundaryError, match=r"Không có đợt ranh giới “hôm qua”.*2025-07-01"):
        import_boundaries(
            session, folder / FILES[CENSUS], province_code="79", now=NOW, wanted=Wanted(release="hôm qua")
        )


def test_districts_bring_their_people(session: Session, folder: Path) -> None:
    file = folder / "hcmc_districts_24_simplified10m.geojson"
    report = import_boundaries(
        session, file, province_code="79", now=NOW, wanted=Wanted(release="2019-04-01")
    )
    assert len(report.match.areas) == 24 and not report.match.left_over
    assert report.counted[2015] == 24
    first = session.scalars(
        select(AdminUnit).where(AdminUnit.name == "Quận 1", AdminUnit.valid_from == CENSUS)
    ).one()
    assert session.get_one(Population, (first.id, 2015)).persons == 193_632


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_lineage_file_replaces_what_became_of_its_wards(session: Session, tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.csv", "old_code,new_code,share\n26737,26737,0.25\n26737,26740,0.75\n99999,26740,1\n"
    )
    report = store_lineage(session, read_pairs(file), old=BEFORE, new=SINCE)
    assert (report.pairs, report.units, report.split) == (2, 1, 1)
    assert report.unknown == ("99999 (dòng 4)",)
    assert by_code(session, BEFORE, SINCE)["26737"] == {"26740": 0.75, "26737": 0.25}
    assert (
        session.scalar(select(func.count()).select_from(UnitLineage).where(UnitLineage.basis == "shares"))
        == 2
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("old,new\n1,2\n", "thiếu cột old_code, new_code"),
        ("old_code,new_code\n1,\n", "dòng 2: thiếu mã"),
        ("old_code,new_code,share\n1,2,nửa\n", "“nửa” phải là số từ 0 đến 1"),
        ("old_code,new_code,share\n1,2,0.7\n1,3,0.7\n", "đơn vị 1 phải đủ và cộng lại không quá 1"),
        ("old_code,new_code,share\n1,2,0.7\n1,3,\n", "đơn vị 1 phải đủ"),
    ],
)
def test_a_bad_lineage_file_says_where_and_why(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LineageError, match=said):
        read_pairs(write(tmp_path / "a.csv", text))


def test_a_lineage_file_of_other_codes_is_refused(session: Session, tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "old_code,new_code\n1,2\n")
    with pytest.raises(LineageError, match="Không cặp mã nào"):
        store_lineage(session, read_pairs(file), old=BEFORE, new=SINCE)


def test_gadm_makes_a_release_of_wards_without_codes(session: Session, tmp_path: Path) -> None:
    """GADM draws the wards of about 2010 by name; their codes are its own."""
    square = shapely.box(106.70, 10.77, 106.71, 10.78)
    columns = {
        "GID_3": ["VNM.25.1.1_1", "VNM.1.1.1_1"],
        "NAME_1": ["Hồ Chí Minh", "An Giang"],
        "NAME_2": ["Quận 1", "An Phú"],
        "NAME_3": ["Bến Nghé", "An Phú"],
        "TYPE_3": ["Phường", "Thị trấn"],
    }
    gpd.GeoDataFrame(columns, geometry=[square, square], crs=4326).to_file(tmp_path / "gadm.geojson")
    report = import_boundaries(
        session, tmp_path / "gadm.geojson", province_code="79", now=NOW,
        wanted=Wanted(release="2010-01-01", name="GADM"),
    )  # fmt: skip
    assert (report.created, report.match.elsewhere) == (1, 1)
    with pytest.raises(BoundaryError, match="khác tên “GADM”"):
        import_boundaries(
            session, tmp_path / "gadm.geojson", province_code="79", now=NOW,
            wanted=Wanted(release="2009-01-01", name="GADM"),
        )  # fmt: skip
    [ward] = units_for(session, "79", date(2012, 1, 1))
    assert (ward.name, ward.code, ward.valid_to) == ("Phường Bến Nghé", "VNM.25.1.1_1", CENSUS)
    assert max(by_code(session, date(2010, 1, 1), CENSUS)["VNM.25.1.1_1"].values()) > 0.5


@pytest.mark.parametrize("accents", [True, False])
def test_without_codes_real_wards_are_matched_by_name_and_place_and_none_wrongly(
    folder: Path, accents: bool
) -> None:
    """As geoBoundaries has them: 273 wards of 22 districts, 120 of them numbered, and no district named."""
    table = gpd.read_file(folder / FILES[BEFORE])
    names = table["ward_name"] if accents else table["ward_name"].map(strip_accents)
    frame = gpd.GeoDataFrame({"shapeName": names, "shapeID": "x"}, geometry=table.geometry)
    match = match_boundaries(frame, load_registry(["79"]).units, BEFORE)
    codes = list(table["ward_code_2025_01"])
    assert all(codes[rows[0]] == key.code for key, rows in match.rows.items())
    assert len(match.areas) >= 270
    assert all("nhiều đơn vị cùng tên" in str(x.reason) for x in match.left_over)


def test_with_districts_or_today_names_alone_match_every_real_ward(folder: Path) -> None:
    units = load_registry(["79"]).units
    old = gpd.read_file(folder / FILES[BEFORE])
    named = {"NAME_3": old["ward_name"], "NAME_2": old["district_name"], "GID_3": "x"}
    match = match_boundaries(gpd.GeoDataFrame(named, geometry=old.geometry), units, BEFORE)
    assert {key.code for key in match.areas} == set(old["ward_code_2025_01"])
    now = gpd.read_parquet(folder / FILES[SINCE])
    bare = gpd.GeoDataFrame(
        {"shapeName": now["name"].map(strip_accents), "shapeID": "x"}, geometry=now.geometry
    )
    match = match_boundaries(bare, units, SINCE)
    assert all(now["code"].iloc[rows[0]] == key.code for key, rows in match.rows.items())
    assert len(match.areas) == 168
