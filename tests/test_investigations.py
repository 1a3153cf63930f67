"""What wards find of cases that hospitals reported (form SXH-PX 5; domain.md §1.2, §8 case 4), from file to belief."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alembic import command
from geoalchemy2.shape import from_shape, to_shape
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, box
from sqlalchemy import delete, inspect, select, text

from db import make_engine, session_scope
from geodata.areas import surveyed_areas
from geodata.models import AdminUnit, Boundary
from i18n import Message, catalogue
from migrate import alembic_config
from surveillance import hcdc_layout, investigation_layout
from surveillance.belief import FILE, PERSON, Facts, StoredFacts, fold
from surveillance.counts import counts_by_unit, weekly_curve
from surveillance.diseases import load_catalogue
from surveillance.lines import EPOCH
from surveillance.models import CaseReportRow, CaseVersion, IngestRun, RejectedRow
from surveillance.outbreaks.cases import load_cases
from surveillance.outbreaks.profiles import load_profiles
from surveillance.outbreaks.table import LEVELS
from surveillance.pipeline import ingest_file, undo_run
from surveillance.quality import silent_diseases
from surveillance.runs import RunSummary
from surveillance.simulate import load_settings, places_from_registry, simulate
from surveillance.types import Verification
from surveillance.verification import MEANINGS, MOVED
from tests.conftest import create_database
from tests.ingest_files import NOW, Desk, person, write_xlsx
from tests.test_linkage import FACTS

HEADERS = [
    "BV", "SHS", "NG_BC", "XACMINH", "NG_KP", "VĨ ĐỘ", "KINH ĐỘ", "SAI SỐ (M)", "QH", "PX",
    "Hình thức điều trị", "Kết luận chẩn đoán",
]  # fmt: skip
DAY = timedelta(days=1)
HOUSE: dict[str, Any] = {"VĨ ĐỘ": 10.7781, "KINH ĐỘ": 106.7012, "SAI SỐ (M)": 12}
SAI_GON: dict[str, Any] = {"PX": "PHUONG SAI GON"}
TAN_DINH: dict[str, Any] = {"PX": "PHUONG TAN DINH"}


@pytest.fixture
def reported(desk: Desk) -> CaseVersion:
    """One dengue case as a hospital reported it: Bến Nghé, now Sài Gòn, admitted on 3 November."""
    desk.take([person(1)])
    (version,) = desk.versions()
    return version


def form(outcome: object, number: int = 1, **cells: Any) -> dict[str, Any]:
    return {"BV": "BV001", "SHS": f"SIM-{number:04d}", "NG_BC": "06/11/2025", "XACMINH": outcome} | cells


def investigate(desk: Desk, tmp_path: Path, *forms: dict[str, Any], days: float = 1) -> RunSummary:
    """Drop the forms as one file, `days` after the hospital's list."""
    path = write_xlsx(tmp_path / "made.xlsx", forms, HEADERS)
    return desk.take(path.read_bytes(), name="DIEU_TRA_2025-11-06.xlsx", now=NOW + days * DAY)


def refused(desk: Desk, tmp_path: Path, row: dict[str, Any]) -> tuple[str | None, str]:
    """Column and reason of the one problem of `row`, dropped beside a good one."""
    run = investigate(desk, tmp_path, row, form(8, **SAI_GON))
    assert (run.rows_updated, run.rows_rejected) == (1, 1)
    (problem,) = desk.rejected(run)
    return problem.column, problem.reason.render("vi")


def unit_named(desk: Desk, name: str) -> int:
    with session_scope(desk.engine) as session:
        query = select(AdminUnit.id).where(AdminUnit.name == name, AdminUnit.valid_to.is_(None))
        return session.scalars(query).one()


def point(version: CaseVersion) -> tuple[float, float]:
    assert version.geom is not None
    shape = to_shape(version.geom)
    return shape.x, shape.y


def believed_at(desk: Desk, moment: datetime) -> list[CaseVersion]:
    everything = desk.versions(current=False)
    return [v for v in everything if v.known_from <= moment and (v.known_to is None or moment < v.known_to)]


# --- what an outcome means ---------------------------------------------------------------------------------------


def test_each_of_the_eight_outcomes_has_its_meaning_in_two_languages() -> None:
    assert [outcome.value for outcome in Verification] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert set(MEANINGS) == set(Verification)
    assert all(Message(text).render("en") == catalogue("en")[text] for text in MEANINGS.values())


def test_a_patient_found_at_home_has_a_house_an_onset_and_a_verified_case(
    desk: Desk, reported: CaseVersion, tmp_path: Path
) -> None:
    cells: dict[str, Any] = {
        "NG_KP": "31/10/2025",
        "Hình thức điều trị": "Nội trú",
        "Kết luận chẩn đoán": "Xác định",
    }

    run = investigate(desk, tmp_path, form(8, **HOUSE, **SAI_GON, **cells))

    assert (run.source, run.rows_updated, run.rows_new) == ("hcdc_investigation", 1, 0)
    (version,) = desk.versions()
    assert (version.verification, version.classification) == (8, "confirmed")
    assert version.date_onset == date(2025, 10, 31)
    assert version.treatment == "inpatient"
    assert point(version) == (106.7012, 10.7781)
    assert (version.place_level, version.uncertainty_m) == ("house", 12)
    assert version.unit_id == reported.unit_id


def test_an_onset_the_ward_learnt_moves_no_case_to_another_day_of_the_curve(
    desk: Desk, reported: CaseVersion, tmp_path: Path
) -> None:
    investigate(desk, tmp_path, form(8, NG_KP="20/10/2025"))

    assert [version.event_date for version in desk.versions()] == [reported.event_date]


def test_outbreaks_link_by_the_onset_and_the_house_the_ward_learnt(
    desk: Desk, reported: CaseVersion, tmp_path: Path
) -> None:
    investigate(desk, tmp_path, form(8, NG_KP="31/10/2025", **HOUSE))
    asked = {"since": date(2025, 10, 1), "crs": desk.context.settings.deployment.metric_crs}

    with session_scope(desk.engine) as session:
        before, after = (
            load_cases(session, load_profiles()["HCDC-2021"], as_of=moment, **asked)  # type: ignore[arg-type]
            for moment in (NOW, NOW + DAY)
        )

    assert [EPOCH + int(table.day[0]) * DAY for table in (before, after)] == [
        date(2025, 11, 3),
        date(2025, 10, 31),
    ]
    assert [LEVELS[table.level[0]] for table in (before, after)] == ["commune", "house"]
    assert [int(table.verification[0]) for table in (before, after)] == [0, 8]


def test_what_the_form_does_not_speak_of_stays_as_it_was(
    desk: Desk, reported: CaseVersion, tmp_path: Path
) -> None:
    investigate(desk, tmp_path, form(8))

    (version,) = desk.versions()
    kept = [c.key for c in CaseVersion.__table__.columns if c.key not in CHANGED_BY_ANY_FORM]
    assert {name: getattr(version, name) for name in kept} == {name: getattr(reported, name) for name in kept}
    assert point(version) == point(reported)
    assert (version.report_id, version.verification) == (reported.report_id, 8)


CHANGED_BY_ANY_FORM = {"id", "geom", "known_from", "verification", "investigation_id"}


def test_another_disease_discards_the_case_whatever_else_the_form_says(
    desk: Desk, reported: CaseVersion, tmp_path: Path
) -> None:
    investigate(desk, tmp_path, form(7, **HOUSE, **SAI_GON))

    (version,) = desk.versions()
    assert (version.verification, version.classification) == (7, "discarded")
    assert (version.age_years, version.unit_id) == (reported.age_years, reported.unit_id)


@pytest.mark.parametrize("outcome", sorted(MOVED))
def test_a_patient_who_lives_elsewhere_is_moved_to_the_commune_named(
    desk: Desk, reported: CaseVersion, tmp_path: Path, outcome: int
) -> None:
    investigate(desk, tmp_path, form(outcome, **TAN_DINH))

    (version,) = desk.versions()
    assert version.unit_id == unit_named(desk, "Phường Tân Định") != reported.unit_id
    assert (version.verification, version.classification) == (outcome, "suspected")
    assert (version.place_level, version.former_unit_id) == ("commune", None)


@pytest.mark.parametrize("outcome", sorted(MOVED))
def test_moved_without_a_commune_the_place_is_unknown_and_says_why(
    desk: Desk, reported: CaseVersion, tmp_path: Path, outcome: int
) -> None:
    run = investigate(desk, tmp_path, form(outcome))

    (version,) = desk.versions()
    assert (version.unit_id, version.geom, version.place_level) == (None, None, "unknown")
    assert "không ghi phường/xã nào" in version.place_rule
    assert run.rows_unplaced == 1


def test_moved_to_a_commune_nobody_knows_is_a_place_unknown(
    desk: Desk, reported: CaseVersion, tmp_path: Path
) -> None:
    investigate(desk, tmp_path, form(5, PX="PHUONG KHONG CO"))

    (version,) = desk.versions()
    assert (version.unit_id, version.place_rule) == (None, "Không nhận ra phường/xã đã ghi")


def test_a_patient_at_home_in_a_commune_nobody_knows_stays_where_reported_and_the_run_says_so(
    desk: Desk, reported: CaseVersion, tmp_path: Path
) -> None:
    run = investigate(desk, tmp_path, form(8, PX="PHUONG KHONG CO", **HOUSE))

    (version,) = desk.versions()
    assert (version.unit_id, point(version)) == (reported.unit_id, (106.7012, 10.7781))
    assert run.rows_unplaced == 0
    assert "1 phiếu điều tra ghi phường/xã không nhận ra" in str(run.note)


@pytest.mark.parametrize("outcome", [3, 6])
def test_a_patient_nobody_found_counts_as_reported_and_not_as_verified(
    desk: Desk, reported: CaseVersion, tmp_path: Path, outcome: int
) -> None:
    """domain.md §8 case 4."""
    investigate(desk, tmp_path, form(outcome))

    (version,) = desk.versions()
    assert (version.verification, version.unit_id) == (outcome, reported.unit_id)
    assert point(version) == point(reported)
    assert counted(desk) == {reported.unit_id: 1}
    assert counted(desk, verified=True) == {}


def counted(desk: Desk, *, verified: bool = False, as_of: datetime | None = None) -> dict[int, int]:
    with session_scope(desk.engine) as session:
        return counts_by_unit(
            session, disease="dengue", start=date(2025, 10, 1), end=date(2025, 11, 30),
            as_of=as_of, verified=verified,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (8, 8),
        ("8", 8),
        ("Có địa chỉ, có bệnh nhân, là SXH", 8),
        ("CO DIA CHI CO BENH NHAN KHONG PHAI SXH", 7),
    ],
)
def test_an_outcome_may_be_a_number_or_the_words(
    desk: Desk, reported: CaseVersion, tmp_path: Path, written: object, meant: int
) -> None:
    investigate(desk, tmp_path, form(written))

    assert [version.verification for version in desk.versions()] == [meant]


# --- points --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("metres", "level"), [(50, "house"), (51, "street"), (201, "neighbourhood")])
def test_a_point_is_no_finer_than_it_was_measured(
    desk: Desk, reported: CaseVersion, tmp_path: Path, metres: int, level: str
) -> None:
    investigate(desk, tmp_path, form(8, **HOUSE | {"SAI SỐ (M)": metres}))

    (version,) = desk.versions()
    assert (version.place_level, version.uncertainty_m) == (level, metres)


def test_a_point_without_a_commune_lies_in_the_commune_that_was_reported(
    desk: Desk, reported: CaseVersion, tmp_path: Path
) -> None:
    investigate(desk, tmp_path, form(8, **HOUSE | {"SAI SỐ (M)": ""}))

    (version,) = desk.versions()
    assert (version.unit_id, version.uncertainty_m) == (reported.unit_id, 30)
    assert point(version) == (106.7012, 10.7781)


@pytest.mark.parametrize(
    ("cells", "column", "reason"),
    [
        ({"VĨ ĐỘ": 106.7012, "KINH ĐỘ": 10.7781}, "VĨ ĐỘ", "đổi chỗ"),
        ({"VĨ ĐỘ": "10°46'", "KINH ĐỘ": 106.7012}, "VĨ ĐỘ", "độ thập phân"),
        ({"VĨ ĐỘ": 22.9, "KINH ĐỘ": 10.77}, "VĨ ĐỘ", "ngoài lãnh thổ"),
        ({"VĨ ĐỘ": 48.8, "KINH ĐỘ": 2.3}, "VĨ ĐỘ", "ngoài lãnh thổ"),
        ({"VĨ ĐỘ": 0, "KINH ĐỘ": 0}, "VĨ ĐỘ", "ngoài lãnh thổ"),
        ({"VĨ ĐỘ": 10.77}, "VĨ ĐỘ", "Chỉ có một trong hai tọa độ"),
        ({"KINH ĐỘ": 106.7}, "KINH ĐỘ", "Chỉ có một trong hai tọa độ"),
        ({**HOUSE, "SAI SỐ (M)": 0}, "SAI SỐ (M)", "số mét"),
        ({**HOUSE, "SAI SỐ (M)": 5000}, "SAI SỐ (M)", "số mét"),
        ({**HOUSE, "SAI SỐ (M)": "gần"}, "SAI SỐ (M)", "số mét"),
    ],
)
def test_a_point_that_cannot_be_one_rejects_the_row_and_says_why(
    desk: Desk, tmp_path: Path, cells: dict[str, Any], column: str, reason: str
) -> None:
    desk.take([person(1), person(2)])

    where, why = refused(desk, tmp_path, form(8, 2, **cells))

    assert where == column and reason in why


@pytest.fixture
def surveyed(desk: Desk) -> Iterator[Desk]:
    """The desk with two surveyed boundaries: squares of some 2 km, of Sài Gòn and, east of it, Tân Định."""
    names = {
        "Phường Sài Gòn": box(106.69, 10.77, 106.71, 10.79),
        "Phường Tân Định": box(106.71, 10.77, 106.73, 10.79),
    }
    with session_scope(desk.engine) as session:
        for name, area in names.items():
            session.add(
                Boundary(
                    unit_id=unit_named(desk, name),
                    geom=from_shape(MultiPolygon([area]), srid=4326),
                    source="test",
                    synthetic=False,
                    imported_at=NOW,
                )
            )
        session.flush()
        areas = surveyed_areas(session)
    yield Desk(desk.engine, replace(desk.context, areas=areas))
    with session_scope(desk.engine) as session:
        session.execute(delete(Boundary))


@pytest.mark.usefixtures("reported")
def test_a_point_outside_the_commune_named_is_kept_and_flagged(surveyed: Desk, tmp_path: Path) -> None:
    run = investigate(surveyed, tmp_path, form(8, **HOUSE, **TAN_DINH))

    (version,) = surveyed.versions()
    assert version.unit_id == unit_named(surveyed, "Phường Tân Định")
    assert point(version) == (106.7012, 10.7781)
    assert "nằm ngoài phường/xã đã ghi" in version.place_rule
    assert "1 phiếu điều tra có tọa độ nằm ngoài" in str(run.note)


@pytest.mark.usefixtures("reported")
@pytest.mark.parametrize(("east_m", "outside"), [(-20, False), (20, False), (40, True)])
def test_a_point_may_lie_outside_by_as_much_as_it_is_uncertain(
    surveyed: Desk, tmp_path: Path, east_m: float, outside: bool
) -> None:
    """0.001° of longitude are 109.2 m at 10.78° N."""
    cells: dict[str, Any] = {"VĨ ĐỘ": 10.78, "KINH ĐỘ": 106.71 + east_m / 109_200, "SAI SỐ (M)": 30}

    investigate(surveyed, tmp_path, form(8, **cells, **SAI_GON))

    (version,) = surveyed.versions()
    assert ("nằm ngoài" in version.place_rule) is outside


@pytest.mark.usefixtures("reported")
def test_a_point_alone_names_the_commune_where_boundaries_are_surveyed(
    surveyed: Desk, tmp_path: Path
) -> None:
    investigate(surveyed, tmp_path, form(4, **HOUSE | {"KINH ĐỘ": 106.72}))

    (version,) = surveyed.versions()
    assert version.unit_id == unit_named(surveyed, "Phường Tân Định")
    assert version.place_level == "house"


def test_a_generated_boundary_proves_nothing(desk: Desk, tmp_path: Path) -> None:
    with session_scope(desk.engine) as session:
        area = from_shape(MultiPolygon([box(0, 0, 1, 1)]), srid=4326)
        unit = unit_named(desk, "Phường Sài Gòn")
        session.add(Boundary(unit_id=unit, geom=area, source="test", synthetic=True, imported_at=NOW))
        session.flush()
        assert not surveyed_areas(session).far_outside(unit, 106.7, 10.77, 1)
        session.rollback()


# --- rows that contradict themselves, cases nobody reported ------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (form(9, 2), "XACMINH", "không có trong danh mục"),
        (form("", 2), "XACMINH", "bắt buộc"),
        (form(8, 2, SHS=""), "SHS", "bắt buộc"),
        (form(3, 2, **HOUSE), "VĨ ĐỘ", "Kết quả 3"),
        (form(6, 2, **SAI_GON), "PX", "Kết quả 6"),
        (
            form(8, 2, **{"Kết luận chẩn đoán": "Loại trừ"}),
            "Kết luận chẩn đoán",
            "trái với kết quả xác minh 8",
        ),
        (
            form(7, 2, **{"Kết luận chẩn đoán": "Xác định"}),
            "Kết luận chẩn đoán",
            "trái với kết quả xác minh 7",
        ),
        (form(8, 2, NG_KP="07/11/2025"), "NG_KP", "sau ngày báo cáo"),
        (form(8, 2, NG_BC="06/11/2099"), "NG_BC", "ở tương lai"),
    ],
)
def test_a_form_that_contradicts_itself_is_quarantined(
    desk: Desk, tmp_path: Path, row: dict[str, Any], column: str, reason: str
) -> None:
    desk.take([person(1), person(2)])

    where, why = refused(desk, tmp_path, row)

    assert where == column and reason in why


@pytest.mark.parametrize("changes", [{"SHS": "SIM-9999"}, {"BV": "BV999"}, {"NG_BC": "06/11/2024"}])
def test_a_case_nobody_reported_is_quarantined_until_it_is(
    desk: Desk, tmp_path: Path, changes: dict[str, Any]
) -> None:
    desk.take([person(1)])

    column, why = refused(desk, tmp_path, form(8, **changes))

    assert column is None and "Chưa có ca nào của bệnh viện và số hồ sơ này" in why
    assert len(desk.versions()) == 1


def test_the_form_is_taken_when_it_comes_again_after_the_hospitals_list(desk: Desk, tmp_path: Path) -> None:
    desk.take([person(1)])
    early = investigate(desk, tmp_path, form(8), form(8, 2))
    desk.take([person(2)], now=NOW + 2 * DAY)

    again = investigate(desk, tmp_path, form(8), form(8, 2), form(8, 3), days=3)

    assert (early.rows_rejected, again.rows_rejected) == (1, 1)
    assert (again.rows_unchanged, again.rows_updated) == (1, 1)
    assert [version.verification for version in desk.versions()] == [8, 8]


def test_after_a_stop_the_hospitals_list_is_read_before_the_forms(desk: Desk, tmp_path: Path) -> None:
    """By name DIEU_TRA comes before SXH."""
    forms = desk.drop(
        "DIEU_TRA_2025-11-06.xlsx", write_xlsx(tmp_path / "d.xlsx", [form(8)], HEADERS).read_bytes()
    )
    os.utime(forms, (1_700_086_400, 1_700_086_400))
    desk.drop("SXH_2025-11-05.xlsx", [person(1)])

    assert [run.source for run in desk.collect()] == ["hcdc_dengue", "hcdc_investigation"]
    assert [version.verification for version in desk.versions()] == [8]


# --- again, late, and what a hospital says afterwards --------------------------------------------------------------


def test_the_past_is_as_it_was_known(desk: Desk, reported: CaseVersion, tmp_path: Path) -> None:
    investigate(desk, tmp_path, form(4, **TAN_DINH))
    investigate(desk, tmp_path, form(8, NG_BC="08/11/2025", **HOUSE, **TAN_DINH), days=3)

    outcomes = [[v.verification for v in believed_at(desk, NOW + days * DAY)] for days in (0, 1, 2, 3)]
    assert outcomes == [[None], [4], [4], [8]]
    there = unit_named(desk, "Phường Tân Định")
    assert counted(desk, as_of=NOW) == {reported.unit_id: 1}
    assert counted(desk, as_of=NOW + DAY) == {there: 1}
    assert counted(desk, as_of=NOW + 2 * DAY, verified=True) == {}
    assert counted(desk, as_of=NOW + 3 * DAY, verified=True) == {there: 1}


def test_the_weekly_curve_can_be_that_of_verified_cases(
    desk: Desk, reported: CaseVersion, tmp_path: Path
) -> None:
    desk.take([person(2)])
    investigate(desk, tmp_path, form(8), form(3, 2))
    asked = {"disease": "dengue", "unit_id": None, "weeks": 1, "today": date(2025, 11, 9)}

    with session_scope(desk.engine) as session:
        curves = [
            weekly_curve(session, as_of=moment, verified=verified, **asked)  # type: ignore[arg-type]
            for moment in (NOW, NOW + DAY)
            for verified in (False, True)
        ]

    assert [curve.observed[-1] for curve in curves] == [2, 0, 2, 1]


@pytest.mark.usefixtures("reported")
def test_a_later_line_of_the_hospital_does_not_erase_what_the_ward_saw(desk: Desk, tmp_path: Path) -> None:
    investigate(desk, tmp_path, form(8, NG_KP="31/10/2025", **HOUSE, **TAN_DINH))
    (found,) = desk.versions()

    desk.take([person(1, TUOI=31, QH="QUAN 7", PX="PHUONG TAN PHU", NG_NV="02/11/2025")], now=NOW + 2 * DAY)

    (version,) = desk.versions()
    assert (version.age_years, version.date_admission) == (31, date(2025, 11, 2))
    assert (version.unit_id, version.date_onset) == (found.unit_id, date(2025, 10, 31))
    assert version.event_date == date(2025, 11, 2)
    assert point(version) == point(found) and version.verification == 8
    assert (version.investigation_id, version.report_id != found.report_id) == (found.investigation_id, True)


@pytest.mark.usefixtures("reported")
def test_an_older_form_that_comes_late_only_fills_gaps(desk: Desk, tmp_path: Path) -> None:
    investigate(desk, tmp_path, form(8, NG_BC="08/11/2025", **TAN_DINH))

    investigate(desk, tmp_path, form(3, NG_BC="05/11/2025", NG_KP="31/10/2025"), days=2)

    (version,) = desk.versions()
    assert (version.verification, version.date_onset) == (8, date(2025, 10, 31))
    assert version.unit_id == unit_named(desk, "Phường Tân Định")


@pytest.mark.usefixtures("reported")
def test_a_second_form_replaces_what_it_speaks_of(desk: Desk, tmp_path: Path) -> None:
    investigate(desk, tmp_path, form(7, NG_KP="31/10/2025", **HOUSE, **SAI_GON))

    investigate(desk, tmp_path, form(8, NG_BC="08/11/2025"), days=2)

    (version,) = desk.versions()
    assert (version.verification, version.classification) == (8, "suspected")
    assert (version.date_onset, version.place_level) == (date(2025, 10, 31), "house")


@pytest.mark.usefixtures("reported")
def test_the_same_forms_again_change_nothing(desk: Desk, tmp_path: Path) -> None:
    investigate(desk, tmp_path, form(8, **HOUSE))
    before = desk.census()

    run = investigate(desk, tmp_path, form(8, **HOUSE), form(8, 9), days=2)

    assert (run.rows_unchanged, run.rows_updated) == (1, 0)
    assert desk.census() == before


def test_forms_of_the_past_are_known_from_their_day(desk: Desk, tmp_path: Path) -> None:
    past = desk.clock("report")
    past.take([person(1)])

    investigate(past, tmp_path, form(8, **HOUSE))

    first, second = desk.versions(current=False)
    assert (first.known_to, second.known_from - first.known_from) == (second.known_from, 2 * DAY)


CONFIRMED: dict[str, Any] = {"Kết luận chẩn đoán": "Xác định"}
RULED_OUT = {"ICD": "B34.9", "T_BENH": "SOT SIEU VI", "NG_BC": "07/11/2025"}


@pytest.mark.usefixtures("reported")
def test_a_disease_the_hospital_rules_out_stays_out_after_the_ward_was_there(
    desk: Desk, tmp_path: Path
) -> None:
    desk.take([person(1, **RULED_OUT)], now=NOW + DAY)
    investigate(desk, tmp_path, form(8, **CONFIRMED), days=2)
    assert [(v.verification, v.classification) for v in desk.versions()] == [(8, "discarded")]

    desk.take([person(1, NG_BC="09/11/2025")], now=NOW + 3 * DAY)

    assert [(v.verification, v.classification) for v in desk.versions()] == [(8, "confirmed")]


@pytest.mark.usefixtures("reported")
def test_forms_do_not_hide_that_the_hospitals_went_silent(desk: Desk, tmp_path: Path) -> None:
    investigate(desk, tmp_path, form(8), days=5)

    with session_scope(desk.engine) as session:
        silent = silent_diseases(session, desk.context.catalogue, now=NOW + 5 * DAY)

    assert silent["dengue"] == NOW.date()


# --- undo ----------------------------------------------------------------------------------------------------------


def undo(desk: Desk, run: RunSummary, days: float) -> None:
    with session_scope(desk.engine) as session:
        undo_run(session, run.id, NOW + days * DAY)


def test_undoing_forms_brings_back_the_case_as_it_was_reported(
    desk: Desk, reported: CaseVersion, tmp_path: Path
) -> None:
    run = investigate(desk, tmp_path, form(7, NG_KP="31/10/2025", **HOUSE, **TAN_DINH))

    undo(desk, run, 2)

    (version,) = desk.versions()
    same = ("unit_id", "classification", "event_date", "verification", "investigation_id", "report_id")
    assert [getattr(version, name) for name in same] == [getattr(reported, name) for name in same]
    assert point(version) == point(reported)
    assert [v.verification for v in believed_at(desk, NOW + DAY)] == [7]


@pytest.mark.usefixtures("reported")
def test_undoing_the_second_form_leaves_the_first(desk: Desk, tmp_path: Path) -> None:
    first = investigate(desk, tmp_path, form(4, **TAN_DINH))
    (found,) = desk.versions()
    second = investigate(desk, tmp_path, form(8, NG_BC="08/11/2025", **SAI_GON, **HOUSE), days=2)

    undo(desk, second, 3)
    (version,) = desk.versions()
    assert (version.verification, version.unit_id) == (4, found.unit_id)
    assert version.investigation_id == found.investigation_id

    undo(desk, first, 4)
    assert [v.verification for v in desk.versions()] == [None]


def test_forms_outlive_a_hospitals_list_that_is_taken_back_and_dropped_again(
    desk: Desk, tmp_path: Path
) -> None:
    past = desk.clock("report")
    path = write_xlsx(tmp_path / "list.xlsx", [person(1), person(2)])
    hospital = past.take(path.read_bytes())
    investigate(past, tmp_path, form(8, **HOUSE))
    undo(desk, hospital, 2)
    assert desk.versions() == []

    past.take(path.read_bytes(), now=NOW + 3 * DAY)

    assert sorted(v.verification or 0 for v in desk.versions()) == [0, 8]
    with session_scope(desk.engine) as session:
        reports = session.scalars(select(CaseReportRow.case_id)).all()
    assert len(reports) == 5


# --- the two layers ------------------------------------------------------------------------------------------------

SAYS_NOTHING = FACTS._replace(
    disease="", icd10=None, treatment=None, date_admission=None, sex=None, age_years=None, facility=None,
    unit_id=None, place_level="unknown", place_rule="", date_report=date(2025, 11, 6),
)  # fmt: skip

outcomes = st.sampled_from(list(Verification))
forms = st.builds(
    lambda outcome, unit, onset: SAYS_NOTHING._replace(
        verification=outcome.value,
        unit_id=unit,
        place_level="commune" if unit else "unknown",
        date_onset=date(2025, 10, onset) if onset else None,
    ),
    outcomes,
    st.sampled_from([None, 2, 3]),
    st.sampled_from([None, 28, 31]),
)
lines = st.builds(
    lambda age, unit: FACTS._replace(age_years=age, unit_id=unit), st.integers(20, 23), st.integers(4, 6)
)


def belief(reports: list[tuple[Facts, str]]) -> Facts | None:
    folded = fold(StoredFacts(n, kind, facts) for n, (facts, kind) in enumerate(reports))
    return folded.belief.facts if folded.belief else None


@given(
    st.lists(forms, max_size=4),
    st.lists(st.tuples(lines, st.sampled_from([FILE, PERSON])), max_size=4),
    st.randoms(),
)
def test_hospitals_and_wards_may_come_in_any_order_among_each_other(
    found: list[Facts], said: list[tuple[Facts, str]], random: Any
) -> None:
    """Only the order within the hospitals' lines, and that of forms of one day, decides."""
    forms_first = [*((facts, FILE) for facts in found), *said]
    which = [True] * len(found) + [False] * len(said)
    random.shuffle(which)
    ward, hospital = iter((facts, FILE) for facts in found), iter(said)
    mixed = [next(ward) if is_form else next(hospital) for is_form in which]

    assert belief(mixed) == belief(forms_first)


@given(st.lists(forms, min_size=1, max_size=3, unique_by=lambda facts: facts.verification))
def test_forms_of_different_days_may_come_in_any_order(found: list[Facts]) -> None:
    dated = [f._replace(date_report=date(2025, 11, 6) + n * DAY) for n, f in enumerate(found)]

    answers = {belief([(FACTS, FILE), *((f, FILE) for f in order)]) for order in permutations(dated)}

    assert {(a.verification, a.classification) for a in answers if a} == {
        (dated[-1].verification, "discarded" if dated[-1].verification == 7 else "suspected")
    }


@given(st.lists(forms, min_size=1, max_size=3))
def test_a_form_never_touches_who_the_patient_is(found: list[Facts]) -> None:
    after = belief([(FACTS, FILE), *((f, FILE) for f in found)])

    assert after is not None
    for name in ("disease", "icd10", "sex", "age_years", "facility", "date_admission", "date_report"):
        assert getattr(after, name) == getattr(FACTS, name)


# --- a simulated city ----------------------------------------------------------------------------------------------


def test_the_city_believes_where_its_patients_really_live(desk: Desk, tmp_path: Path) -> None:
    """Two simulated months through the whole path, against the simulation's truth."""
    city = places_from_registry(
        "79", load_settings(desk.context.settings.deployment.folder / "simulation.toml")
    )
    epidemic = simulate(
        city,
        load_catalogue(),
        start=date(2025, 8, 15),
        end=date(2025, 9, 30),
        rng=np.random.default_rng(3),
        scale=0.03,
    )
    for month in (date(2025, 8, 1), date(2025, 9, 1)):
        hcdc_layout.write_month(epidemic, month, tmp_path)
        investigation_layout.write_month(epidemic, month, tmp_path)
    past = desk.clock("report")
    for path in sorted(tmp_path.iterdir(), key=investigation_layout.reading_order):
        ingest_file(past.engine, past.context, path, NOW)

    with session_scope(desk.engine) as session:
        rejected = session.scalars(
            select(RejectedRow.reason).join(IngestRun).where(IngestRun.source == "hcdc_investigation")
        ).all()
        believed = session.execute(BELIEVED).all()
    last = epidemic.investigations.drop_duplicates("case_id", keep="last").set_index("file_no")
    truth = epidemic.cases.set_index("case_id").loc[last["case_id"]].set_index(last.index)
    assert not rejected and len(believed) == len(last) > 300
    for row in believed:
        file_no = desk.context.vault.decrypt(row.identity)["facility_case_no"]
        form, case = last.loc[file_no], truth.loc[file_no]
        assert row.verification == form["outcome"]
        if form["outcome"] == 8:
            assert (row.code, row.date_onset) == (case["commune_code"], case["date_onset"].date())
            assert (row.lon, row.lat) == (form["lon"], form["lat"])
        elif form["outcome"] in MOVED:
            assert row.code == (case["commune_code"] if form["commune"] else None)


BELIEVED = text(
    """
    SELECT v.verification, v.date_onset, u.code, ST_X(v.geom) AS lon, ST_Y(v.geom) AS lat, form.identity
    FROM case_version v JOIN case_report form ON form.id = v.investigation_id
    LEFT JOIN admin_unit u ON u.id = v.unit_id WHERE v.known_to IS NULL
    """
)


# --- the schema ----------------------------------------------------------------------------------------------------


def test_the_migration_goes_down_and_up_again(server_url: str, template_database: str) -> None:
    url = create_database(server_url, template_database, "down_and_up")
    engine = make_engine(url, pooled=False)
    added = {"verification", "investigation_id"}

    command.downgrade(alembic_config(url), "0001")
    assert not added & {column["name"] for column in inspect(engine).get_columns("case_version")}
    command.upgrade(alembic_config(url), "head")

    assert added <= {column["name"] for column in inspect(engine).get_columns("case_version")}
    command.check(alembic_config(url))
