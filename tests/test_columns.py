"""Cases in memory say what SQL says of the same cases, at any moment, and follow what is new."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from db import session_scope
from surveillance.case_cells import PlacedCases
from surveillance.case_filter import CaseFilter, Circle, Lasso
from surveillance.columns import FOREVER, Columns, ColumnStore, contains, load_columns
from surveillance.counts import city_summary, counts_by_unit, weekly_curve
from surveillance.diseases import load_catalogue
from surveillance.measures.counting import case_counts
from surveillance.slices import (
    AGES,
    by_unit,
    daily,
    parts_by_day,
    sorted_rows,
    weekly_by_unit,
)
from surveillance.world import NOWHERE, WORLD, to_degrees
from web.workbench.triangle import delay_counts

CATALOGUE = {disease.code: disease for disease in load_catalogue()}
BEGAN, TODAY = date(2026, 1, 1), date(2026, 6, 30)
DISEASES = ("dengue", "measles", "typhoid")
UNITS = 6
FILL = """
SELECT setseed(0.25);
INSERT INTO admin_unit (level, code, valid_from, name, short_name, kind, aliases, lon, lat)
SELECT 'commune', k::text, '2025-07-01', 'Phường ' || k, k::text, 'phường', '{}', 106 + k * 0.1, 10.5
FROM generate_series(1, 6) k;
INSERT INTO source_file (sha256, name, size_bytes, received_at, state) VALUES
    ('a', 'a', 1, '2026-01-01Z', 'ingested'), ('b', 'b', 1, '2026-01-01Z', 'ingested');
INSERT INTO ingest_run (source_file_id, source, mapping_hash, started_at, known_at, state, rows_total, rows_new,
    rows_updated, rows_unchanged, rows_rejected, rows_unplaced)
SELECT id, CASE sha256 WHEN 'a' THEN 'hcdc' ELSE 'ward' END, '-', received_at, received_at, 'done', 0, 0, 0, 0, 0, 0
FROM source_file;
INSERT INTO epi_case (first_known_at) SELECT '2026-01-01Z' FROM generate_series(1, 2000);
INSERT INTO case_report (run_id, row, case_id, content_hash, known_at, facts)
SELECT (SELECT min(id) FROM ingest_run) + id % 2, id, id, '-', '2026-01-01Z', '{}' FROM epi_case;
"""
VERSIONS = """
INSERT INTO case_version (case_id, report_id, known_from, disease, icd10, classification, treatment, event_date,
    date_onset, date_report, sex, age_years, outcome, verification, unit_id, place_level, place_rule, place_estimated,
    geom, uncertainty_m)
SELECT c.id, p.id, (m.day + m.delay + time '10:00') AT TIME ZONE 'UTC',
    (ARRAY['dengue', 'measles', 'typhoid'])[1 + floor(3 * m.a)::int], CASE WHEN m.b < 0.1 THEN 'A97.2' END,
    (ARRAY['suspected', 'probable', 'confirmed', 'discarded'])[1 + floor(4 * m.b)::int],
    (ARRAY['inpatient', 'outpatient', NULL])[1 + floor(3 * m.c)::int], m.day, CASE WHEN m.c < 0.7 THEN m.day END,
    m.day + m.delay, (ARRAY['M', 'F', NULL])[1 + floor(3 * m.b)::int],
    CASE WHEN m.a < 0.9 THEN floor(90 * m.c)::int END,
    CASE WHEN m.c < 0.05 THEN 'died' END, CASE WHEN m.a < 0.4 THEN 8 END,
    CASE WHEN m.c < 0.95 THEN (SELECT min(id) FROM admin_unit) + floor(6 * m.b)::int END,
    CASE WHEN m.a < 0.5 THEN 'house' ELSE 'commune' END, '', false,
    CASE WHEN m.a < 0.5 THEN ST_SetSRID(ST_MakePoint(106 + m.c, 10 + m.b), 4326) END, 30
FROM epi_case c JOIN case_report p ON p.case_id = c.id CROSS JOIN LATERAL (
    SELECT date '2026-01-01' + floor(181 * random())::int AS day, floor(9 * random())::int AS delay, random() AS a,
           random() AS b, random() AS c, c.id) m WHERE c.id > :after
"""
UPDATED = """
UPDATE case_version SET known_to = known_from + interval '5 days' WHERE case_id % 4 = 0 AND known_to IS NULL;
INSERT INTO case_version (case_id, report_id, known_from, disease, icd10, classification, treatment, event_date,
    date_onset, date_report, sex, age_years, outcome, verification, unit_id, place_level, place_rule, place_estimated)
SELECT case_id, report_id, known_to, disease, icd10, 'confirmed', treatment, event_date - 1, date_onset, date_report,
    sex, age_years, outcome, 8, unit_id, 'commune', '', false
FROM case_version WHERE known_to IS NOT NULL AND case_id % 4 = 0
"""


@pytest.fixture(scope="module")
def filled(engine: Engine) -> Engine:
    with session_scope(engine) as session:
        for statement in FILL.split(";\n"):
            if statement.strip():
                session.execute(text(statement.replace(":", "\\:")))
        session.execute(text(VERSIONS.replace(":00'", "\\:00'")), {"after": 0})
        for statement in UPDATED.split(";\n"):
            session.execute(text(statement))
    return engine


@pytest.fixture
def session(filled: Engine) -> Iterator[Session]:
    with session_scope(filled) as session:
        yield session


@pytest.fixture
def columns(session: Session) -> Columns:
    return ColumnStore(CATALOGUE).current(session)


def any_period(dice: Random) -> tuple[date, date]:
    start = BEGAN + timedelta(days=dice.randrange(150))
    return start, start + timedelta(days=dice.randrange(60))


@pytest.mark.parametrize("seed", range(40))
def test_counts_by_commune_equal_those_of_sql(session: Session, columns: Columns, seed: int) -> None:
    dice = Random(seed)
    start, end = any_period(dice)
    disease = dice.choice([None, *DISEASES])
    as_of = dice.choice(
        [
            None,
            datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=dice.randrange(170), hours=dice.randrange(24)),
        ]
    )
    verified = dice.random() < 0.3
    wanted = CaseFilter(
        start=start, end=end, disease=disease, as_of=as_of, status="verified" if verified else None
    )
    counted, _unplaced = by_unit(columns, columns.rows(wanted))
    assert counted == counts_by_unit(
        session, disease=disease, start=start, end=end, as_of=as_of, verified=verified
    )


CONDITIONS = {
    "sex": ("sex = 'F'", {"sex": "female"}),
    "ages": ("age_years BETWEEN 5 AND 14", {"ages": (5, 14)}),
    "died": ("outcome = 'died'", {"severity": "died"}),
    "inpatient": ("treatment = 'inpatient'", {"severity": "inpatient"}),
    "severe": ("disease = 'dengue' AND icd10 = 'A97.2'", {"severity": "severe"}),
    "confirmed": ("classification = 'confirmed'", {"status": "confirmed"}),
    "unverified": ("verification IS NULL", {"status": "unverified"}),
    "source": (
        "report_id IN (SELECT p.id FROM case_report p JOIN ingest_run r ON r.id = p.run_id WHERE source = 'ward')",
        {"source": "ward"},
    ),
    "report day": ("true", {"dated_by": "report"}),
    "onset day": ("date_onset IS NOT NULL", {"dated_by": "onset"}),
    "disease": ("disease = 'measles'", {"disease": "measles"}),
    "disease, report day": ("disease = 'measles'", {"disease": "measles", "dated_by": "report"}),
}  # fmt: skip
DAYS = {"report day": "date_report", "disease, report day": "date_report", "onset day": "date_onset"}


@pytest.mark.parametrize("name", CONDITIONS)
def test_each_filter_takes_the_cases_sql_takes(session: Session, columns: Columns, name: str) -> None:
    condition, changes = CONDITIONS[name]
    wanted = CaseFilter(start=date(2026, 2, 1), end=date(2026, 4, 30), **changes)  # type: ignore[arg-type]
    day = DAYS.get(name, "event_date")
    query = f"""SELECT case_id FROM case_version WHERE known_to IS NULL AND {condition}
        AND {day} BETWEEN '2026-02-01' AND '2026-04-30' AND classification <> 'discarded'"""
    expected = sorted(session.scalars(text(query)))
    assert expected
    assert sorted(columns.case[columns.rows(wanted)].tolist()) == expected


@pytest.mark.parametrize(
    "start, days", [(BEGAN - timedelta(days=400), 100), (TODAY + timedelta(days=9), 9), (TODAY, -3)]
)
@pytest.mark.parametrize("disease", [None, "dengue", "unheard-of"])
def test_a_period_without_cases_has_none(
    columns: Columns, disease: str | None, start: date, days: int
) -> None:
    wanted = CaseFilter(start=start, end=start + timedelta(days=days), disease=disease)
    assert columns.rows(wanted).size == 0


def test_places_are_where_they_were_to_a_decimetre(session: Session, columns: Columns) -> None:
    rows = np.flatnonzero(columns.x != NOWHERE)
    lon, lat = to_degrees(columns.x[rows], columns.y[rows])
    query = "SELECT id, ST_X(geom), ST_Y(geom) FROM case_version WHERE place_level = 'house' ORDER BY id"
    known = np.array(session.execute(text(query)).all(), dtype=np.float64)
    order = np.argsort(columns.version[rows])
    assert columns.version[rows][order].tolist() == known[:, 0].tolist()
    assert np.allclose(np.column_stack([lon, lat])[order], known[:, 1:], rtol=0, atol=1e-6)


def test_many_places_are_not_told_apart_and_few_are(columns: Columns) -> None:
    placed = PlacedCases.of(columns, columns.rows(CaseFilter(start=BEGAN, end=TODAY)), None)
    spots = placed.spots(0, 0, WORLD)
    few = placed.few_spots(0, 0, WORLD, len(spots.n))
    assert few is not None and few.n.tolist() == spots.n.tolist()
    for most in (1, len(spots.n) // 9, len(spots.n) - 1):
        assert placed.few_spots(0, 0, WORLD, most) is None


def test_an_area_takes_precise_cases_by_point_and_others_by_commune(
    session: Session, columns: Columns
) -> None:
    circle = Circle(106.35, 10.5, 12_000)
    rows = columns.rows(CaseFilter(start=BEGAN, end=TODAY, within=circle))
    query = """
        SELECT v.case_id FROM case_version v LEFT JOIN admin_unit u ON u.id = v.unit_id
        WHERE v.known_to IS NULL AND classification <> 'discarded' AND event_date BETWEEN '2026-01-01' AND '2026-06-30'
          AND ST_DistanceSphere(CASE WHEN v.geom IS NULL THEN ST_SetSRID(ST_MakePoint(u.lon, u.lat), 4326)
                                ELSE v.geom END, ST_SetSRID(ST_MakePoint(106.35, 10.5), 4326)) <= 12000"""
    assert sorted(columns.case[rows].tolist()) == sorted(session.scalars(text(query)))
    assert 0 < columns.placed_by_commune(rows) < len(rows)


def test_a_lasso_is_its_polygon_and_a_circle_its_metres() -> None:
    square = Lasso(((106.0, 10.0), (107.0, 10.0), (107.0, 11.0), (106.0, 11.0)))
    assert contains(square, np.array([106.5, 107.5]), np.array([10.5, 10.5])).tolist() == [True, False]
    degree = 6_371_008.8 * np.pi / 180
    assert contains(Circle(0, 0, degree * 1.001), 0.0, 1.0) and not contains(
        Circle(0, 0, degree * 0.999), 0.0, 1.0
    )


def test_a_reader_counts_rows_of_the_communes_he_may_read(columns: Columns) -> None:
    unit = int(columns.unit.max())
    rows = columns.rows(CaseFilter(start=BEGAN, end=TODAY, readable=frozenset({unit})))
    assert set(columns.unit[rows].tolist()) == {unit}
    assert columns.rows(CaseFilter(start=BEGAN, end=TODAY, readable=frozenset())).size == 0


def test_parts_of_a_stack_sum_to_the_whole(columns: Columns) -> None:
    rows = columns.rows(CaseFilter(start=BEGAN, end=TODAY))
    whole = daily(columns, rows, BEGAN, TODAY, "event")
    assert whole.sum() == len(rows)
    for stack in ("sex", "age", "severity", "status", "source", "disease", "unit"):
        parts = parts_by_day(columns, rows, BEGAN, TODAY, "event", stack)
        assert np.array_equal(sum(counts for _part, counts in parts), whole), stack


def test_age_bands_hold_the_ages_they_name(columns: Columns) -> None:
    rows = columns.rows(CaseFilter(start=BEGAN, end=TODAY))
    parts = dict(parts_by_day(columns, rows, BEGAN, TODAY, "event", "age"))
    for low, high in AGES:
        narrow = columns.rows(CaseFilter(start=BEGAN, end=TODAY, ages=(low, high)))
        assert parts[low, high].sum() == len(narrow)


def test_the_triangle_and_the_weeks_hold_every_case_once(columns: Columns) -> None:
    mondays = [date(2026, 1, 5) + timedelta(weeks=k) for k in range(20)]
    rows = columns.rows(CaseFilter(start=mondays[0], end=mondays[-1] + timedelta(days=6)))
    triangle = delay_counts(columns, rows, mondays)
    weeks = weekly_by_unit(columns, rows, mondays, "event")
    unplaced = by_unit(columns, rows)[1]
    assert triangle.sum() == len(rows)
    assert sum(counts.sum() for counts in weeks.values()) == len(rows) - unplaced
    assert triangle[:, 1:].sum() > 0


def test_counts_at_several_days_equal_each_day_alone(columns: Columns) -> None:
    ends = [date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 17)]
    units = sorted({int(unit) for unit in columns.unit if unit})
    wanted = [CaseFilter(start=end - timedelta(days=27), end=end, disease="dengue") for end in ends]
    counts = case_counts(columns, wanted, units)
    for alone, found in zip(wanted, counts.tolist(), strict=True):
        assert {u: n for u, n in zip(units, found, strict=True) if n} == by_unit(
            columns, columns.rows(alone)
        )[0]


def test_a_list_is_sorted_stably_with_missing_days_last(columns: Columns) -> None:
    rows = columns.rows(CaseFilter(start=BEGAN, end=TODAY))
    ordered = sorted_rows(columns, rows, [("onset", False), ("age", True)])
    assert sorted(ordered.tolist()) == rows.tolist()
    onset, age = columns.onset[ordered].astype(int), columns.age[ordered].astype(int)
    known = onset[onset > -32768]
    assert (onset[len(known) :] == -32768).all() and (np.diff(known) >= 0).all()
    assert all(a >= b for a, b, x, y in zip(age, age[1:], onset, onset[1:], strict=False) if x == y)


def test_what_is_new_is_taken_over_and_equals_reading_all_anew(filled: Engine) -> None:
    store = ColumnStore(CATALOGUE)
    with session_scope(filled) as session:
        before = store.current(session)
        assert store.current(session) is before
        session.execute(
            text("INSERT INTO epi_case (first_known_at) SELECT '2026-06-01Z' FROM generate_series(1, 50)")
        )
        session.execute(
            text(
                "INSERT INTO case_report (run_id, row, case_id, content_hash, known_at, facts)"
                " SELECT (SELECT min(id) FROM ingest_run), id, id, '-', '2026-06-01Z', '{}' FROM epi_case"
                " WHERE id > 2000"
            )
        )
        session.execute(text(VERSIONS.replace(":00'", "\\:00'")), {"after": 2000})
        for statement in UPDATED.split(";\n"):
            session.execute(text(statement.replace("% 4 = 0", "% 50 = 7")))
        after = store.current(session)
        anew = load_columns(session, CATALOGUE, 10**9)
        order, other = (np.lexsort((c.version,)) for c in (after, anew))
        for name in (
            "version",
            "case",
            "unit",
            "event",
            "known_from",
            "known_to",
            "severe",
            "disease",
            "source",
        ):
            assert np.array_equal(getattr(after, name)[order], getattr(anew, name)[other]), name
        assert len(after.case) > len(before.case) and (np.diff(after.event) >= 0).all()
        assert (after.known_to == FOREVER).sum() == len(set(after.case.tolist()))
        session.rollback()


def test_an_undone_run_makes_them_be_read_anew(filled: Engine) -> None:
    store = ColumnStore(CATALOGUE)
    with session_scope(filled) as session:
        store.current(session)
        session.execute(text("DELETE FROM case_version WHERE case_id = 5"))
        session.execute(text("UPDATE ingest_run SET state = 'undone' WHERE source = 'ward'"))
        assert 5 not in store.current(session).case
        session.rollback()


@pytest.mark.parametrize("disease", [None, "dengue"])
@pytest.mark.parametrize("as_of", [None, datetime(2026, 5, 20, tzinfo=UTC)])
def test_key_figures_and_curves_are_the_same_from_memory(
    session: Session, columns: Columns, disease: str | None, as_of: datetime | None
) -> None:
    today = date(2026, 5, 19) if as_of else TODAY
    asked: Any = {"disease": disease, "today": today, "as_of": as_of}
    assert city_summary(session, **asked, columns=columns) == city_summary(session, **asked)
    for unit in (None, int(columns.unit.max())):
        curves = [
            weekly_curve(session, **asked, unit_id=unit, weeks=12, verified=verified, columns=given)
            for verified in (False, True)
            for given in (columns, None)
        ]
        for memory, sql in (curves[:2], curves[2:]):
            assert np.array_equal(memory.observed, sql.observed, equal_nan=True)
            assert np.array_equal(memory.threshold, sql.threshold, equal_nan=True)
