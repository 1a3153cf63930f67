"""How long an analysis takes at the size of domain.md §5.4: 400,000 cases, 168 communes, 10 diseases.

    python -m bench.analysis [cases] [days to replay]

Prints seconds. The peer of reading the line list is fetching the same rows as Python objects.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from db import make_engine, session_scope
from embedded import DURABLE, EmbeddedPostGIS
from migrate import migrate
from surveillance.analysis import analyse, replay
from surveillance.counts import city_summary, counts_by_unit, weekly_curve
from surveillance.coverage import coverage
from surveillance.diseases import load_catalogue
from surveillance.lines import load_lines
from surveillance.quality import silent_diseases, source_quality
from tests.line_list import CITY, evening

UNITS = 168
BEGAN, HISTORY, TODAY = date(2020, 1, 1), date(2020, 12, 1), date(2026, 11, 20)
DISEASES = [
    "dengue", "hfmd", "measles", "diarrhoea", "pertussis",
    "zika", "chikungunya", "typhoid", "diphtheria", "cholera",
]  # fmt: skip

FILL = """
SELECT setseed(0.5);
INSERT INTO admin_unit (level, code, valid_from, name, short_name, kind, aliases)
SELECT 'commune', (26000 + k)::text, '2025-07-01', 'Phường ' || k, k::text, 'phường', '{{}}'
FROM generate_series(1, {units}) k;
INSERT INTO admin_unit (level, code, valid_from, name, short_name, kind, aliases)
VALUES ('province', '79', '2025-07-01', 'Thành phố', 'Thành phố', 'thành phố', '{{}}');
UPDATE admin_unit SET parent_id = {units} + 1 WHERE id <= {units};
INSERT INTO population SELECT id, 2019, 20000 + 700 * id, 'bench', true FROM admin_unit WHERE id <= {units};
INSERT INTO unit_neighbour SELECT a.id, b.id FROM admin_unit a, admin_unit b
WHERE a.id <= {units} AND b.id <= {units} AND abs(a.id - b.id) IN (1, 12, 13);
INSERT INTO source_file (sha256, name, size_bytes, received_at, state)
SELECT 'sha' || d, 'hcdc.xlsx', 1, d + interval '10 hours', 'ingested'
FROM generate_series(timestamptz '{began}Z', timestamptz '{today}Z', '1 day') d;
INSERT INTO ingest_run (source_file_id, source, mapping_hash, started_at, known_at, state,
    rows_total, rows_new, rows_updated, rows_unchanged, rows_rejected, rows_unplaced)
SELECT id, 'hcdc', '-', received_at, received_at, 'done', 0, 0, 0, 0, 0, 0 FROM source_file;
INSERT INTO epi_case (first_known_at) SELECT '{began}' FROM generate_series(1, {cases});
INSERT INTO case_report (run_id, row, case_id, content_hash, known_at, facts, identity)
SELECT 1 + id % (SELECT count(*) FROM ingest_run), id, id, '-', '{began}',
       jsonb_build_object('filler', repeat('x', 300)), convert_to(repeat('y', 200), 'UTF8')
FROM epi_case;
INSERT INTO case_version (case_id, report_id, known_from, disease, classification, event_date, date_report,
    date_admission, unit_id, place_level, place_rule, place_estimated)
SELECT id, id, (LEAST(day + delay, date '{today}') + time '10:00') AT TIME ZONE 'UTC', disease, 'suspected',
       day, day + delay, day, unit, 'commune', '', false
FROM (
    SELECT c.id, date '{began}' + floor(random() ^ 0.8 * {span})::int AS day,
           floor(random() * 8)::int AS delay,
           1 + floor(random() ^ 1.5 * {units})::int AS unit,
           (ARRAY['dengue', 'dengue', 'dengue', 'dengue', 'hfmd', 'hfmd', 'hfmd', 'diarrhoea', 'measles',
                  CASE WHEN random() < 0.1 THEN 'pertussis' ELSE 'dengue' END]
           )[1 + floor(random() * 10)::int] AS disease
    FROM epi_case c
) made;
UPDATE case_version SET known_to = known_from + interval '3 days' WHERE case_id % 10 = 0
    AND known_from < timestamptz '{today}' - interval '4 days';
INSERT INTO case_version (case_id, report_id, known_from, disease, classification, event_date, date_report,
    unit_id, place_level, place_rule, place_estimated)
SELECT case_id, report_id, known_to, disease, 'confirmed', event_date, date_report,
    unit_id, 'house', '', false
FROM case_version WHERE known_to IS NOT NULL;
"""


@contextmanager
def filled_database(cases: int) -> Iterator[Engine]:
    with tempfile.TemporaryDirectory(prefix="canhdich-bench-") as folder:
        os.chmod(folder, 0o755)
        server = EmbeddedPostGIS(Path(folder) / "pg", tuple(DURABLE.items()))
        try:
            url = server.start()
            migrate(url)
            engine = make_engine(url)
            span = (TODAY - BEGAN).days
            values = {"units": UNITS, "began": BEGAN, "today": TODAY, "span": span, "cases": cases}
            with session_scope(engine) as session:
                for statement in FILL.format(**values).split(";\n"):
                    session.execute(text(statement))
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))
            yield engine
            engine.dispose()
        finally:
            server.stop()


def timed(name: str, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - began
    print(f"{name:40s} {seconds:8.3f} s   {result}")
    return seconds


def measure_reading(session: Session, units: list[int]) -> None:
    now = evening(TODAY)
    where: dict[str, Any] = {"unit_ids": units, "start": HISTORY, "end": TODAY, "as_of": now}
    fast = timed("line list, packed", lambda: load_lines(session, DISEASES, **where).day.size)
    query = text(
        "SELECT disease, unit_id, event_date, classification, setting, known_from, known_to"
        " FROM case_version WHERE event_date >= :start"
    )
    rows = {"start": HISTORY}
    slow = timed("line list, as Python rows (peer)", lambda: len(session.execute(query, rows).all()))
    print(f"{'peer / ours':40s} {slow / fast:8.1f} ×")
    timed("coverage", lambda: coverage(session, DISEASES, unit_ids=units, as_of=now).since.shape)


def measure_pages(session: Session) -> None:
    now, month = evening(TODAY), TODAY - timedelta(days=28)
    catalogue = load_catalogue()
    timed("silent_diseases", lambda: silent_diseases(session, catalogue, now=now))
    timed("source_quality, 28 days", lambda: len(source_quality(session, since=month, now=now)))
    for name, unit_id in (("city", None), ("commune", 9)):
        curve = partial(weekly_curve, session, disease="dengue", weeks=104, today=TODAY, as_of=None)
        timed(f"weekly_curve, {name}", lambda: len(curve(unit_id=unit_id).weeks))  # noqa: B023
    timed("city_summary", lambda: city_summary(session, disease="dengue", today=TODAY, as_of=None).cases_28)
    by_unit = partial(counts_by_unit, session, disease="dengue", start=month, end=TODAY, as_of=now)
    timed("counts_by_unit, 28 days, as of", lambda: len(by_unit()))


def measure_analysis(engine: Engine, units: list[int], days: int) -> None:
    what: dict[str, Any] = {"diseases": DISEASES, "unit_ids": units, "timezone": CITY}
    catalogue = load_catalogue()

    def analysis() -> int:
        with session_scope(engine) as session:
            return analyse(session, catalogue, now=evening(TODAY), **what).changed

    timed("analyse, first", analysis)
    timed("analyse, again", analysis)
    with session_scope(engine) as session:
        session.execute(text("TRUNCATE signal"))
    past = [TODAY - timedelta(days=k) for k in range(days)]
    seconds = timed(f"replay, {days} days", lambda: replay(engine, catalogue, days=past, **what))
    print(f"{'replay, per day':40s} {seconds / days:8.3f} s")


def main(cases: int = 400_000, days: int = 30) -> None:
    units = list(range(1, UNITS + 1))
    with filled_database(cases) as engine:
        with session_scope(engine) as session:
            measure_reading(session, units)
            measure_pages(session)
        measure_analysis(engine, units, days)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
