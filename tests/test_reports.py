"""Reports: asked for by those who may, written by the worker, without identifiers, kept for the one who asked."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import shapely
from sqlalchemy import Engine, select, text, update

from accounts.models import AccessLog, Role, User
from accounts.service import create_user
from alerts.levels import UNKNOWN, Level
from db import session_scope
from geodata.boundaries import store_cells
from geodata.models import AdminUnit, UnitLineage
from geodata.tiles import Coverage
from geodata.units import unit_key
from i18n import use_locale
from reports.drawing import curve_chart, level_map
from reports.models import ReportJob
from reports.service import (
    Period,
    ReportError,
    cancel_report,
    report_file,
    report_jobs,
    request_report,
    run_waiting,
)
from settings import Settings
from surveillance.models import CaseVersion
from tests.line_list import Sick, add_cases, add_file, add_unit, evening

WEEK = Period(start=date(2026, 11, 16), end=date(2026, 11, 22))
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings.from_environment({"DATABASE_URL": database_url, "CANHDICH_HOME": str(tmp_path)})


@pytest.fixture
def manager(engine: Engine) -> Iterator[User]:
    """Two square communes, five dengue cases in the week, and a manager who asks for reports."""
    with session_scope(engine) as session:
        ids = [add_unit(session, code) for code in ("26740", "26737")]
        boxes = [shapely.box(west, 10.7, west + 0.1, 10.8) for west in (106.6, 106.7)]
        squares = {
            unit_key(session.get_one(AdminUnit, unit_id)): shapely.MultiPolygon([box])
            for unit_id, box in zip(ids, boxes, strict=True)
        }
        store_cells(session, squares, now=NOW)
        run = add_file(session, "hcdc_dengue", evening(date(2026, 11, 22)))
        sick = [Sick(unit_id=ids[0], day=date(2026, 11, 17 + k)) for k in range(5)]
        add_cases(session, run, sick)
        session.execute(update(CaseVersion).values(age_years=37))
        user = create_user(
            session, username="manager", password="a long password", full_name="M", role=Role.MANAGER
        )
    yield user
    use_locale("vi")
    with session_scope(engine) as session:
        session.execute(
            text("TRUNCATE report_job, access_log, app_user, epi_case, source_file, admin_unit CASCADE")
        )


def ask(engine: Engine, user: User, kind: str, period: Period = WEEK) -> int:
    with session_scope(engine) as session:
        return request_report(session, kind, period=period, disease="dengue", user=user, now=NOW)


def written(engine: Engine, settings: Settings, user: User) -> list[Path]:
    assert run_waiting(engine, settings) == 1
    with session_scope(engine) as session:
        (report,) = report_jobs(session, user)
        assert (report.state, report.percent, report.error) == ("done", 100, None)
        return [report_file(session, settings, report.id, name, user) for name in report.files]


def test_the_bulletin_is_a_searchable_pdf_in_vietnamese(
    engine: Engine, settings: Settings, manager: User
) -> None:
    ask(engine, manager, "bulletin")
    (path,) = written(engine, settings, manager)
    assert path.name == "ban-tin-2026-11-16.pdf" and path.read_bytes().startswith(b"%PDF-")
    assert path.stat().st_size > 20_000
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_counts_say_the_same_in_excel_and_csv(engine: Engine, settings: Settings, manager: User) -> None:
    ask(engine, manager, "counts")
    workbook, table = written(engine, settings, manager)
    sheet = openpyxl.load_workbook(workbook).worksheets[0]
    in_excel = [[str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    with table.open(encoding="utf-8-sig", newline="") as file:
        in_csv = list(csv.reader(file))
    assert [row[:4] for row in in_csv] == [row[:4] for row in in_excel]
    assert in_csv[1][0] == "26740" and in_csv[1][3] == "5"


def test_counts_on_an_older_release_carry_it_and_what_was_estimated(
    engine: Engine, settings: Settings, manager: User
) -> None:
    """Ward "1" of 2019 and "2" became 26740 together, by 300 and 100 people; 26737 was not of the city then."""
    old = date(2019, 4, 1)
    with session_scope(engine) as session:
        ids = {code: add_unit(session, code) for code in ("1", "2")}
        now_id = session.scalars(select(AdminUnit.id).where(AdminUnit.code == "26740")).one()
        for (code, unit_id), persons in zip(ids.items(), (300, 100), strict=True):
            unit = session.get_one(AdminUnit, unit_id)
            unit.valid_from, unit.valid_to, unit.name = old, date(2025, 7, 1), f"Phường {code}"
            share = persons / 400
            session.add(
                UnitLineage(
                    old_id=unit_id, new_id=now_id, split=False, is_default=True, share=1, back_share=share
                )
            )
        there = session.scalars(select(AdminUnit.id).where(AdminUnit.code == "26737")).one()
        add_cases(session, add_file(session, "x", evening(WEEK.start)), [Sick(unit_id=there, day=WEEK.start)])
    with session_scope(engine) as session:
        request_report(session, "counts", period=WEEK, disease="dengue", user=manager, now=NOW, release=old)
    workbook, table = written(engine, settings, manager)
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {(row["Xã, phường"], row["Số ca"], row["Trong đó ước tính"]) for row in rows}
    assert found == {
        ("Phường 1", "3.8", "3.8"),
        ("Phường 2", "1.2", "1.2"),
        ("Ngoài ranh giới này", "1.0", "0"),
    }
    assert {row["Ranh giới từ"] for row in rows} == {"2019-04-01"}
    notes = [cell.value for [cell] in openpyxl.load_workbook(workbook).worksheets[1].iter_rows(max_col=1)]
    assert "Đếm theo ranh giới có từ 01/04/2019." in notes


def test_a_line_list_names_no_one_and_groups_ages(engine: Engine, settings: Settings, manager: User) -> None:
    ask(engine, manager, "line_list")
    _workbook, table = written(engine, settings, manager)
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5 and {row["Nhóm tuổi"] for row in rows} == {"35–39"}
    assert set(rows[0]).isdisjoint({"Họ tên", "Địa chỉ", "Điện thoại", "Số hồ sơ"})


def test_every_request_is_written_down(engine: Engine, settings: Settings, manager: User) -> None:
    ask(engine, manager, "line_list")
    with session_scope(engine) as session:
        (entry,) = session.scalars(select(AccessLog)).all()
        assert (entry.user_id, entry.action) == (manager.id, "report.line_list")
        assert entry.detail["start"] == "2026-11-16"


def test_an_officer_may_not_ask(engine: Engine, manager: User) -> None:
    with session_scope(engine) as session, pytest.raises(ReportError, match="không được lập"):
        officer = User(
            id=manager.id, username="x", role="officer", password_hash="", full_name="X", locale="vi"
        )
        request_report(session, "line_list", period=WEEK, disease=None, user=officer, now=NOW)


def test_an_empty_period_is_refused(engine: Engine, manager: User) -> None:
    with pytest.raises(ReportError, match="Ngày cuối"):
        ask(engine, manager, "counts", Period(start=WEEK.end, end=WEEK.start))


def test_a_file_is_for_the_one_who_asked(engine: Engine, settings: Settings, manager: User) -> None:
    ask(engine, manager, "counts")
    (path, _table) = written(engine, settings, manager)
    with session_scope(engine) as session:
        other = create_user(
            session, username="other", password="a long password", full_name="O", role=Role.MANAGER
        )
        job_id = int(path.parent.name)
        for user, name in ((other, path.name), (manager, "../../secret.key")):
            with pytest.raises(ReportError):
                report_file(session, settings, job_id, name, user)


def test_a_cancelled_report_is_not_written(engine: Engine, settings: Settings, manager: User) -> None:
    job_id = ask(engine, manager, "bulletin")
    with session_scope(engine) as session:
        cancel_report(session, job_id, manager)
    assert run_waiting(engine, settings) == 0
    assert state_of(engine, job_id) == "cancelled"


def test_a_report_left_half_done_by_a_killed_worker_is_written_again(
    engine: Engine, settings: Settings, manager: User
) -> None:
    job_id = ask(engine, manager, "counts")
    with session_scope(engine) as session:
        session.get_one(ReportJob, job_id).state = "running"
    (settings.reports / str(job_id)).mkdir(parents=True)
    (settings.reports / str(job_id) / "half.csv").write_text("x")
    assert run_waiting(engine, settings) == 1
    assert state_of(engine, job_id) == "done"
    assert not (settings.reports / str(job_id) / "half.csv").exists()


def test_a_failure_says_so_and_does_not_stop_the_next(
    engine: Engine, settings: Settings, manager: User
) -> None:
    settings.reports.mkdir(parents=True)
    first = ask(engine, manager, "counts")
    (settings.reports / str(first)).symlink_to("/proc/self")  # a folder nothing can be written in
    second = ask(engine, manager, "counts")
    assert run_waiting(engine, settings) == 2
    assert (state_of(engine, first), state_of(engine, second)) == ("failed", "done")


def state_of(engine: Engine, job_id: int) -> str:
    with session_scope(engine) as session:
        return session.get_one(ReportJob, job_id).state


def squares(count: int) -> Coverage:
    boxes = [shapely.box(k * 1000, 0, k * 1000 + 1000, 1000) for k in range(count)]
    shapes = np.array([shapely.MultiPolygon([box]) for box in boxes])
    names = np.array([f"Xã {k}" for k in range(count)], dtype=object)
    return Coverage(np.arange(count), names, shapes, shapely.centroid(shapes), np.array([], dtype=object))


def test_a_map_shows_each_level_in_its_colour_and_the_unknown_hatched() -> None:
    svg = level_map(squares(3), {0: Level.RAT_CAO, 1: UNKNOWN}).decode()
    assert "#8e1116" in svg and "#eef0f2" in svg and "url(#" in svg


def test_a_chart_colours_only_weeks_above_the_threshold() -> None:
    weeks = [date(2026, 1, 5), date(2026, 1, 12)]
    high, none = np.array([1.0, 9.0]), np.array([np.nan, np.nan])
    assert "#e4761b" in curve_chart(weeks, high, none, np.array([5.0, 5.0])).decode()
    assert "#e4761b" not in curve_chart(weeks, high, none, none).decode()
