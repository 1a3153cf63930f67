"""From a dropped file to versioned cases, again, corrected, late, killed half-way and taken back."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from db import make_engine, session_scope
from geodata.models import AdminUnit
from settings import ROOT
from surveillance import pipeline, runs
from surveillance.linkage import Incoming
from surveillance.models import CaseKey, CaseReportRow, CaseVersion, IngestRun, RejectedRow
from surveillance.pipeline import UndoError, collect, ingest_file, undo_run
from surveillance.spool import in_order
from tests.ingest_files import NOW, Desk, csv_text, person, write_xlsx
from tests.test_linkage import DAY_1, FACTS, incoming


def believed(desk: Desk, as_of: datetime) -> list[CaseVersion]:
    return [
        v
        for v in desk.versions(current=False)
        if v.known_from <= as_of and (v.known_to is None or as_of < v.known_to)
    ]


def local(day: str) -> datetime:
    """18:00 in Ho Chi Minh City, when reports of the past count as known."""
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(hours=11)


# --- one file ------------------------------------------------------------------------------------------------------


def test_a_dropped_file_becomes_cases_and_leaves_the_inbox(desk: Desk) -> None:
    path = desk.drop("SXH.xlsx", [person(1), person(2), person(3, PHAI="?")])
    content = path.read_bytes()

    (run,) = desk.collect()

    assert (run.source, run.state, run.known_at) == ("hcdc_dengue", "done", NOW)
    assert (run.rows_total, run.rows_new, run.rows_rejected) == (3, 2, 1)
    assert not path.exists()
    archived = desk.context.settings.archive / run.sha256[:2] / run.sha256
    assert archived.read_bytes() == content
    version = desk.versions()[0]
    assert (version.disease, version.sex, version.age_years, version.facility) == ("dengue", "M", 30, "BV001")
    assert (version.event_date, version.date_report) == (date(2025, 11, 3), date(2025, 11, 4))
    assert (version.known_from, version.known_to) == (NOW, None)


def test_case_13_an_old_ward_is_placed_in_its_successor_and_remembered(desk: Desk) -> None:
    desk.take([person(1)])

    (version,) = desk.versions()
    with session_scope(desk.engine) as session:
        today = session.get_one(AdminUnit, version.unit_id)
        former = session.get_one(AdminUnit, version.former_unit_id)
    assert (today.name, former.name) == ("Phường Sài Gòn", "Phường Bến Nghé")
    assert version.place_level == "commune"


def test_the_other_diseases_have_their_own_layout(desk: Desk, tmp_path: Path) -> None:
    headers = [*person(1), "Hình thức điều trị"]
    row = person(1, ICD="B05", T_BENH="SOI", **{"Hình thức điều trị": "Nội trú"})

    run = desk.take(write_xlsx(tmp_path / "d.xlsx", [row], headers).read_bytes())

    assert run.source == "hcdc_other"
    assert [(v.disease, v.treatment) for v in desk.versions()] == [("measles", "inpatient")]


def test_the_commit_wakes_whoever_listens(desk: Desk) -> None:
    with desk.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as listener:
        raw = listener.connection.driver_connection
        assert raw is not None
        raw.execute("LISTEN canhdich_ingested")
        desk.take([person(1)])
        assert [note.channel for note in raw.notifies(timeout=10, stop_after=1)] == ["canhdich_ingested"]


def test_files_in_the_making_are_left_alone(desk: Desk) -> None:
    for name in (".a.xlsx", "~$SXH.xlsx", "b.xlsx.part"):
        desk.drop(name, [person(1)])

    assert desk.collect() == []
    assert len(list(desk.inbox.iterdir())) == 3


def test_a_file_that_grows_while_we_look_waits_for_the_next_time(desk: Desk) -> None:
    path = desk.drop("a.csv", csv_text([person(1)]))
    os.utime(path)
    code = "import sys,time\nwith open(sys.argv[1],'a') as f:\n while True: f.write(' ');f.flush();time.sleep(.05)"
    writer = subprocess.Popen([sys.executable, "-c", code, str(path)])
    try:
        time.sleep(0.5)
        assert desk.collect() == []
    finally:
        writer.kill()
        writer.wait()
    assert path.exists()


def test_a_file_outside_the_inbox_is_read_and_stays(desk: Desk, tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "mine.xlsx", [person(1)])

    assert ingest_file(desk.engine, desk.context, path, NOW) is not None
    assert path.exists()


# --- again, and corrected ------------------------------------------------------------------------------------------


def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    content = csv_text([person(n) for n in range(30)])
    desk.take(content, name="a.csv")
    before = desk.census()

    desk.drop("b.csv", content)

    assert desk.collect(NOW + timedelta(days=1)) == []
    assert desk.census() == before
    assert list(desk.inbox.iterdir()) == []


def test_a_cumulative_list_counts_known_rows_and_stores_only_new_ones(desk: Desk) -> None:
    desk.take([person(n) for n in range(5)])

    run = desk.take([person(n) for n in range(8)], now=NOW + timedelta(days=1))

    assert (run.rows_new, run.rows_updated, run.rows_unchanged) == (3, 0, 5)
    assert count(desk, CaseReportRow) == 8


def test_a_correcting_file_makes_a_new_version_and_the_past_stays(desk: Desk) -> None:
    desk.take([person(1, TUOI=30), person(2)])
    later = NOW + timedelta(days=2)

    run = desk.take([person(1, TUOI=3, NG_NV="01/11/2025"), person(2)], now=later)

    assert (run.rows_updated, run.rows_unchanged) == (1, 1)
    corrected = desk.versions()[0]
    assert (corrected.age_years, corrected.event_date) == (3, date(2025, 11, 1))
    assert [v.age_years for v in believed(desk, NOW + timedelta(days=1))] == [30, 30]
    assert [v.age_years for v in believed(desk, later)] == [3, 30]


def test_two_hospitals_one_person_one_case(desk: Desk, tmp_path: Path) -> None:
    headers = [*person(1), "Hình thức điều trị"]
    first = person(1, BV="BV A", SHS="A-1", **{"Hình thức điều trị": "Ngoại trú"})
    second = first | {"BV": "BV B", "SHS": "B-9", "NG_NV": "06/11/2025", "NG_BC": "07/11/2025"}
    second["Hình thức điều trị"] = "Nội trú"
    desk.take(write_xlsx(tmp_path / "a.xlsx", [first], headers).read_bytes())

    run = desk.take(
        write_xlsx(tmp_path / "b.xlsx", [second], headers).read_bytes(), now=NOW + timedelta(days=1)
    )

    assert (run.rows_new, run.rows_updated) == (0, 1)
    (case,) = desk.versions()
    assert (case.treatment, case.facility, case.event_date) == ("inpatient", "BV B", date(2025, 11, 3))


# --- the disease is ruled out --------------------------------------------------------------------------------------

RULED_OUT = {"ICD": "B34.9", "T_BENH": "SOT SIEU VI", "NG_BC": "07/11/2025"}


def classes(desk: Desk) -> list[tuple[str, str]]:
    return [(v.disease, v.classification) for v in desk.versions()]


def test_a_hospital_that_rules_the_disease_out_discards_its_case_as_it_was(desk: Desk) -> None:
    desk.take([person(1), person(2)])
    (before, _) = desk.versions()

    run = desk.take([person(1, PX="P. KHONG RO", TUOI=99, **RULED_OUT)], now=NOW + timedelta(days=1))

    assert (run.rows_updated, run.rows_new, run.rows_rejected, run.rows_unplaced) == (1, 0, 0, 0)
    assert classes(desk) == [("dengue", "discarded"), ("dengue", "suspected")]
    after = desk.versions()[0]
    for column in (
        "icd10",
        "event_date",
        "date_report",
        "unit_id",
        "former_unit_id",
        "age_years",
        "facility",
    ):
        assert getattr(after, column) == getattr(before, column)
    assert [v.classification for v in believed(desk, NOW)] == ["suspected", "suspected"]


def test_first_report_and_ruling_out_may_come_in_one_file(desk: Desk) -> None:
    run = desk.clock("report").take([person(1, **RULED_OUT), person(1)])

    assert (run.rows_new, run.rows_updated, run.rows_rejected) == (1, 1, 0)
    assert [v.classification for v in desk.versions(current=False)] == ["suspected", "discarded"]


@pytest.mark.parametrize(
    "changes",
    [
        {"SHS": "SIM-9999"},
        {"BV": "BV999"},
        {"SHS": ""},
        {"ICD": ""},
        {"ICD": "B3X.9"},
        {"ICD": "", "T_BENH": ""},
        {"PHAI": "?"},
        {"NG_NV": "04/11/2026", "NG_BC": "05/11/2026"},
    ],
)
def test_only_an_exact_file_number_and_a_readable_diagnosis_rule_out(
    desk: Desk, changes: dict[str, str]
) -> None:
    desk.take([person(1)])
    desk.drop("b.csv", csv_text([person(1, **{**RULED_OUT, **changes}), person(2)]))

    (run,) = desk.collect(NOW + timedelta(days=400))

    assert (run.rows_new, run.rows_updated, run.rows_rejected) == (1, 0, 1)
    assert classes(desk) == [("dengue", "suspected")] * 2


def test_a_diagnosis_not_watched_of_nobody_we_hold_is_rejected_with_its_reason(desk: Desk) -> None:
    run = desk.take([person(1), person(2, **RULED_OUT)])

    (row,) = desk.rejected(run)
    assert (row.row, row.column, row.has_value) == (3, "T_BENH", True)
    assert "Không nhận ra bệnh “SOT SIEU VI”, mã ICD-10 “B34.9”" in row.reason.render("vi")
    with session_scope(desk.engine) as session:
        revealed = runs.reveal_value(session, row.id, desk.context.vault)
    assert revealed is not None and revealed.value == "SOT SIEU VI"
    assert (revealed.raw["SHS"], revealed.raw["ICD"]) == ("SIM-0002", "B34.9")


def test_the_list_that_ruled_out_changes_nothing_when_it_comes_again(desk: Desk) -> None:
    rows = [person(1), person(1, **RULED_OUT)]
    desk.take(csv_text(rows), name="a.csv")
    before = desk.census()

    run = desk.take(csv_text([*rows, person(2)]), name="b.csv", now=NOW + timedelta(days=1))

    assert (run.rows_new, run.rows_updated, run.rows_unchanged) == (1, 0, 2)
    assert [row for row in desk.census() if row in before] == before


def test_undoing_the_ruling_out_opens_the_case_again(desk: Desk) -> None:
    desk.take([person(1)])
    run = desk.take([person(1, **RULED_OUT)], now=NOW + timedelta(days=1))

    with session_scope(desk.engine) as session:
        undo_run(session, run.id, NOW + timedelta(days=2))

    assert classes(desk) == [("dengue", "suspected")]
    assert [v.classification for v in believed(desk, NOW + timedelta(days=1))] == ["discarded"]


def test_undoing_an_earlier_correction_leaves_the_case_ruled_out(desk: Desk) -> None:
    desk.take([person(1)])
    correction = desk.take([person(1, TUOI=31)], now=NOW + timedelta(days=1))
    desk.take([person(1, **RULED_OUT)], now=NOW + timedelta(days=2))

    with session_scope(desk.engine) as session:
        undo_run(session, correction.id, NOW + timedelta(days=3))
    assert [(v.classification, v.age_years) for v in desk.versions()] == [("discarded", 30)]

    desk.take([person(1, NG_BC="09/11/2025")], now=NOW + timedelta(days=4))
    assert classes(desk) == [("dengue", "suspected")]


def test_without_the_report_that_named_a_disease_there_is_no_case(desk: Desk) -> None:
    first = desk.take([person(1)])
    desk.take([person(1, **RULED_OUT)], now=NOW + timedelta(days=1))

    with session_scope(desk.engine) as session:
        undo_run(session, first.id, NOW + timedelta(days=2))
    assert desk.versions() == []

    desk.drop("c.csv", csv_text([person(1, **{**RULED_OUT, "NG_BC": "08/11/2025"}), person(2)]))
    (run,) = desk.collect(NOW + timedelta(days=3))
    assert (run.rows_new, run.rows_rejected) == (1, 1)


@pytest.mark.parametrize("elsewhere", [{}, {"BV": "BV002", "SHS": "X-7"}])
def test_a_later_report_that_names_the_disease_brings_the_case_back(
    desk: Desk, elsewhere: dict[str, str]
) -> None:
    desk.take([person(1)])
    desk.take([person(1, **RULED_OUT)], now=NOW + timedelta(days=1))

    run = desk.take([person(1, NG_BC="09/11/2025", **elsewhere)], now=NOW + timedelta(days=2))

    assert (run.rows_new, run.rows_updated) == (0, 1)
    assert classes(desk) == [("dengue", "suspected")]
    assert [v.classification for v in believed(desk, NOW + timedelta(days=1))] == ["discarded"]


def test_a_late_report_from_before_the_ruling_out_does_not_bring_the_case_back(desk: Desk) -> None:
    past = desk.clock("report")
    past.take([person(1), person(1, **RULED_OUT)])

    past.take([person(1, NG_BC="05/11/2025", TUOI=31)])

    assert [(v.classification, v.age_years) for v in desk.versions()] == [("discarded", 30)]


# --- when it became known ------------------------------------------------------------------------------------------


def test_data_of_the_past_is_known_from_its_report_day(desk: Desk) -> None:
    rows = [
        person(1, NG_NV="08/11/2025", NG_BC="10/11/2025", TUOI=31),
        person(1, NG_NV="03/11/2025", NG_BC="04/11/2025", TUOI=30),
        person(2, NG_NV="03/11/2025", NG_BC="05/11/2025"),
    ]

    run = desk.clock("report").take(rows)

    assert run.known_at == local("2025-11-10")
    assert [v.age_years for v in believed(desk, local("2025-11-04"))] == [30]
    assert [v.age_years for v in believed(desk, local("2025-11-05"))] == [30, 30]
    assert sorted(v.age_years or 0 for v in believed(desk, local("2025-11-10"))) == [30, 31]


def test_a_late_file_of_the_past_fills_gaps_without_rewriting_what_was_believed_later(desk: Desk) -> None:
    desk.clock("report").take([person(1, NG_BC="10/11/2025", TUOI=31, ICD="")])

    desk.clock("report").take([person(1, NG_BC="04/11/2025", TUOI=30, ICD="A97")])

    (version,) = desk.versions(current=False)
    assert (version.known_from, version.age_years, version.icd10) == (local("2025-11-10"), 31, "A97")


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(1, 7))
def test_rows_come_in_order_of_report_day_whatever_the_batch(days: list[int], size: int) -> None:
    rows = [
        incoming(n, DAY_1, FACTS._replace(date_report=date(2025, 1, 1 + day))) for n, day in enumerate(days)
    ]

    batches = list(in_order(iter(rows), size))

    def order(row: Incoming) -> tuple[date, int]:
        return row.facts.date_report, row.row

    assert [row for batch in batches for row in batch] == sorted(rows, key=order)
    assert all(len(batch) <= size for batch in batches)


def test_batches_do_not_change_the_result(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [person(n % 25, NG_BC=f"{4 + n % 9:02}/11/2025", TUOI=20 + n % 7) for n in range(150)]
    content = csv_text(rows)
    desk.clock("report").take(content, name="a.csv")
    whole = desk.census()
    desk.empty()

    monkeypatch.setattr(pipeline, "BATCH", 4)
    desk.clock("report").take(content, name="a.csv")

    assert desk.census() == whole


# --- undo ----------------------------------------------------------------------------------------------------------


def test_undoing_a_correction_brings_back_what_was_believed_and_keeps_history(desk: Desk) -> None:
    desk.take([person(1, TUOI=30)])
    wrong = desk.take([person(1, TUOI=99), person(2)], now=NOW + timedelta(days=1))

    with session_scope(desk.engine) as session:
        undo_run(session, wrong.id, NOW + timedelta(days=2))

    assert [v.age_years for v in desk.versions()] == [30]
    assert sorted(v.age_years or 0 for v in believed(desk, NOW + timedelta(days=1, hours=1))) == [30, 99]
    with session_scope(desk.engine) as session:
        undone = runs.run_detail(session, wrong.id)
    assert undone is not None and undone.state == "undone" and "hoàn tác" in str(undone.note)


def test_an_undone_file_may_be_dropped_again(desk: Desk) -> None:
    content = csv_text([person(1), person(2)])
    run = desk.take(content, name="a.csv")
    with session_scope(desk.engine) as session:
        undo_run(session, run.id, NOW + timedelta(hours=1))
    assert desk.versions() == []

    again = desk.take(content, name="a.csv", now=NOW + timedelta(days=1))

    assert again.rows_new == 2
    assert len(desk.versions()) == 2


def test_undoing_takes_only_its_own_part_of_a_case(desk: Desk) -> None:
    first = desk.take([person(1, TUOI=30, ICD="")])
    desk.take([person(1, TUOI=31, ICD="A97", NG_NV="02/11/2025")], now=NOW + timedelta(days=1))

    with session_scope(desk.engine) as session:
        undo_run(session, first.id, NOW + timedelta(days=2))

    (version,) = desk.versions()
    assert (version.age_years, version.icd10, version.event_date) == (31, "A97", date(2025, 11, 2))


def test_links_a_wrong_file_made_go_with_it(desk: Desk) -> None:
    desk.take([person(1, BV="BV A", SHS="1")])
    wrong = desk.take([person(1, BV="BV B", SHS="9")], now=NOW + timedelta(hours=1))
    with session_scope(desk.engine) as session:
        undo_run(session, wrong.id, NOW + timedelta(hours=2))

    right = desk.take([person(2, BV="BV B", SHS="9")], now=NOW + timedelta(hours=3))

    assert right.rows_new == 1


def test_a_run_is_undone_once(desk: Desk) -> None:
    run = desk.take([person(1)])
    with session_scope(desk.engine) as session:
        undo_run(session, run.id, NOW)
    with session_scope(desk.engine) as session, pytest.raises(UndoError, match="không có gì để làm"):
        undo_run(session, run.id, NOW)


# --- what can go wrong ---------------------------------------------------------------------------------------------


def test_a_lost_database_leaves_the_file_in_the_inbox(desk: Desk, tmp_path: Path) -> None:
    path = desk.drop("a.xlsx", [person(1)])
    nowhere = make_engine(f"postgresql+psycopg://nobody@/none?host={tmp_path}", pooled=False)

    with pytest.raises(OperationalError):
        collect(nowhere, desk.context, NOW)

    assert path.exists()
    assert [run.rows_new for run in desk.collect()] == [1]


def test_a_connection_lost_in_the_middle_leaves_nothing_half_done(desk: Desk) -> None:
    path = desk.drop("a.csv", csv_text([person(n) for n in range(3000)]))
    killing = subprocess.Popen(
        [sys.executable, "-c", TERMINATOR, desk.engine.url.render_as_string(False)], stdout=subprocess.PIPE
    )
    assert killing.stdout is not None
    killing.stdout.readline()
    try:
        with pytest.raises(Exception, match=r"terminat|closed|lost|SSL|server"):
            collect(desk.engine, desk.context, NOW)
    finally:
        killing.kill()
        killing.wait()
        killing.stdout.close()

    assert path.exists()
    assert count(desk, IngestRun) == 0
    assert [run.rows_new for run in desk.collect()] == [3000]


TERMINATOR = """
import sys
import psycopg
with psycopg.connect(sys.argv[1].replace("+psycopg", ""), autocommit=True) as db:
    print("ready", flush=True)
    while True:
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                   " AND pid <> pg_backend_pid() AND query LIKE 'COPY%' AND state = 'active'")
"""
COLLECTOR = """
import sys
from datetime import datetime
from db import make_engine, session_scope
from settings import Settings
from surveillance.pipeline import build_context, collect
engine = make_engine(sys.argv[1])
with session_scope(engine) as session:
    context = build_context(session, Settings.from_environment())
print("ready", flush=True)
collect(engine, context, datetime.fromisoformat(sys.argv[2]))
"""


def collector(desk: Desk) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", COLLECTOR, desk.engine.url.render_as_string(False), NOW.isoformat()],
        cwd=ROOT,
        env={**os.environ, "CANHDICH_HOME": str(desk.context.settings.home)},
        stdout=subprocess.PIPE,
    )


def drop_mixed(desk: Desk) -> None:
    rows = [person(n, NG_BC=f"{4 + n % 20:02}/11/2025") for n in range(1500)]
    desk.drop("1.csv", csv_text(rows))
    desk.drop(
        "2.csv",
        csv_text([row | {"TUOI": 31, "PHAI": "?" if n % 9 == 0 else "T"} for n, row in enumerate(rows)]),
    )
    desk.drop("3.csv", "hỏng")


def everything_stored(desk: Desk) -> dict[str, object]:
    totals = {
        table.__tablename__: count(desk, table)
        for table in (CaseReportRow, CaseVersion, CaseKey, RejectedRow)
    }
    return totals | {"states": sorted(desk.states()), "cases": desk.census()}


def test_kill_minus_9_at_any_moment_and_the_next_look_repairs_it(desk: Desk) -> None:
    drop_mixed(desk)
    desk.collect()
    undisturbed = everything_stored(desk)
    desk.empty()
    rng = random.Random(20251201)

    drop_mixed(desk)
    for _ in range(8):
        process = collector(desk)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0, 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    desk.collect()

    assert everything_stored(desk) == undisturbed
    assert list(desk.inbox.iterdir()) == []
    assert [path.name for path in desk.aside.iterdir()] == ["3.csv"]


def test_a_crash_after_the_commit_is_noticed_by_the_content(desk: Desk) -> None:
    path = desk.drop("a.csv", csv_text([person(1)]))
    sha256 = pipeline.archive.fingerprint(path)
    received = pipeline.receive(desk.engine, desk.context, path, sha256, NOW)
    pipeline.read_received(desk.engine, desk.context, received, NOW)
    before = desk.census()

    assert desk.collect() == []
    assert desk.census() == before and not path.exists()


def test_a_crash_after_archiving_is_resumed(desk: Desk) -> None:
    path = desk.drop("a.csv", csv_text([person(1)]))
    pipeline.receive(desk.engine, desk.context, path, pipeline.archive.fingerprint(path), NOW)
    assert desk.states() == ["archived"]

    assert [run.rows_new for run in desk.collect()] == [1]


def test_two_collectors_at_once_read_a_file_once(desk: Desk) -> None:
    drop_mixed(desk)

    both = [collector(desk), collector(desk)]
    for process in both:
        process.communicate()
    desk.collect()

    with session_scope(desk.engine) as session:
        assert (
            session.scalar(select(func.count()).where(IngestRun.state == "done").select_from(IngestRun)) == 2
        )
    assert len(desk.versions()) == 1500


def test_nobody_is_named_in_the_logs(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    desk.take([person(1), person(2, PHAI="?")])
    desk.drop("NGUYEN MAU.xlsx", b"PK")
    desk.collect()

    written = "".join(capfd.readouterr())
    assert "MAU" not in written and "SIM-" not in written


def count(desk: Desk, table: type) -> int:
    with session_scope(desk.engine) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0
