"""A database of Ho Chi Minh City's communes with N made-up cases over ten years, kept in a folder for the next run."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from accounts.models import Role
from accounts.service import create_user
from city import prepare
from db import make_engine, session_scope
from embedded import FOR_TESTS, EmbeddedPostGIS
from migrate import migrate
from settings import Settings
from surveillance.models import CaseVersion

TODAY = date(2026, 11, 20)
BEGAN = date(2017, 1, 1)
PASSWORD = "canh dịch 2026"
USER = "bench"
INDEXES = """
SELECT indexdef || ';' AS made, format('DROP INDEX %I', indexname) AS dropped FROM pg_indexes
WHERE tablename IN ('case_version', 'case_report', 'epi_case', 'case_key') AND indexname LIKE 'ix%'
"""
FILL = """
SELECT setseed(0.5);
INSERT INTO source_file (sha256, name, size_bytes, received_at, state)
SELECT 'sha' || d, 'hcdc.xlsx', 1, d + interval '10 hours', 'ingested'
FROM generate_series(timestamptz '{began}Z', timestamptz '{today}Z', '1 day') d;
INSERT INTO ingest_run (source_file_id, source, mapping_hash, started_at, known_at, state,
    rows_total, rows_new, rows_updated, rows_unchanged, rows_rejected, rows_unplaced)
SELECT id, 'hcdc', '-', received_at, received_at, 'done', 0, 0, 0, 0, 0, 0 FROM source_file;
INSERT INTO epi_case (first_known_at) SELECT '{began}' FROM generate_series(1, {cases});
INSERT INTO case_report (run_id, row, case_id, content_hash, known_at, facts)
SELECT 1 + id % (SELECT count(*) FROM ingest_run), id, id, '-', '{began}', '{{}}' FROM epi_case;
CREATE TEMP TABLE place AS
SELECT row_number() OVER (ORDER BY u.id) AS k, u.id, u.lon, u.lat
FROM admin_unit u WHERE u.level = 'commune' AND u.valid_to IS NULL AND u.lon IS NOT NULL;
INSERT INTO case_version (case_id, report_id, known_from, disease, icd10, classification, treatment, event_date,
    date_onset, date_admission, date_report, sex, age_years, outcome, verification, unit_id, place_level, place_rule,
    place_estimated, geom, uncertainty_m)
SELECT made.id, made.id, (LEAST(day + delay, date '{today}') + time '10:00') AT TIME ZONE 'UTC', disease,
       CASE WHEN disease = 'dengue' AND a < 0.02 THEN 'A97.2' END,
       CASE WHEN b < 0.3 THEN 'confirmed' ELSE 'suspected' END,
       CASE WHEN a < 0.6 THEN 'inpatient' ELSE 'outpatient' END,
       day, day, day + delay / 2, day + delay, CASE WHEN b < 0.52 THEN 'M' ELSE 'F' END, floor(80 * a ^ 1.6)::int,
       CASE WHEN c < 0.001 THEN 'died' END, CASE WHEN c < 0.5 THEN 8 END, place.id,
       CASE WHEN c < 0.7 THEN 'house' ELSE 'commune' END, '', false,
       CASE WHEN c < 0.7 THEN ST_SetSRID(ST_MakePoint(lon + (a - 0.5) * 0.03, lat + (b - 0.5) * 0.03), 4326) END,
       CASE WHEN c < 0.7 THEN 20 + 180 * b END
FROM (
    SELECT c.id, date '{began}' + floor(random() ^ 0.8 * {span})::int AS day, floor(random() * 8)::int AS delay,
           1 + floor(random() ^ 1.4 * (SELECT count(*) FROM place))::int AS k,
           random() AS a, random() AS b, random() AS c,
           (ARRAY['dengue', 'dengue', 'dengue', 'dengue', 'dengue', 'diarrhoea', 'diarrhoea', 'hfmd', 'pertussis',
                  'typhoid'])[1 + floor(random() * 10)::int] AS disease
    FROM epi_case c
) made JOIN place USING (k);
UPDATE case_version SET known_to = known_from + interval '3 days'
WHERE case_id % 10 = 0 AND known_from < timestamptz '{today}' - interval '4 days';
INSERT INTO case_version (case_id, report_id, known_from, disease, icd10, classification, treatment, event_date,
    date_onset, date_admission, date_report, sex, age_years, outcome, verification, unit_id, place_level, place_rule,
    place_estimated, geom, uncertainty_m)
SELECT case_id, report_id, known_to, disease, icd10, 'confirmed', treatment, event_date, date_onset, date_admission,
    date_report, sex, age_years, outcome, verification, unit_id, place_level, place_rule, place_estimated, geom,
    uncertainty_m
FROM case_version WHERE known_to IS NOT NULL;
INSERT INTO area_level (disease, unit_id, known_from, level, raw_level, unknown, status, since, reasons,
    why_not_higher, why_not_lower, policy_hash)
SELECT d, place.id, timestamptz '{today}' - interval '9 days', 1 + floor(random() ^ 2 * 4)::int, 1, false, 'none',
    timestamptz '{today}' - interval '9 days', '[]', '{{}}', '{{}}', '-'
FROM place, unnest(ARRAY['dengue', 'diarrhoea', 'hfmd', 'pertussis', 'typhoid']) d
"""


def settings_in(folder: Path, url: str, port: int = 0, workers: int = 2) -> Settings:
    return Settings.from_environment(environment(folder, url, port, workers))


def environment(folder: Path, url: str, port: int, workers: int) -> dict[str, str]:
    return {
        "CANHDICH_HOME": str(folder / "home"),
        "CANHDICH_CLOCK": "data",
        "CANHDICH_PORT": str(port),
        "CANHDICH_WEB_WORKERS": str(workers),
        "DATABASE_URL": url,
    }


def city_of(cases: int, folder: Path) -> tuple[EmbeddedPostGIS, Engine, str]:
    """The running server, an engine and the URL. Filled once; the folder may be used again."""
    folder.mkdir(parents=True, exist_ok=True)
    os.chmod(folder, 0o755)
    server = EmbeddedPostGIS(folder / "pg", tuple({**FOR_TESTS, "max_wal_size": "8GB"}.items()))
    url = server.start()
    migrate(url)
    engine = make_engine(url)
    prepare(engine, settings_in(folder, url), lambda words: print(words))
    with session_scope(engine) as session:
        filled = session.scalar(select(func.count()).select_from(CaseVersion)) or 0
        if not filled:
            fill(session, cases)
            create_user(session, username=USER, password=PASSWORD, full_name="Người Đo", role=Role.ANALYST)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return server, engine, url


def fill(session: Session, cases: int) -> None:
    """Indexes are made anew afterwards: ten million rows would take hours through them."""
    indexes = session.execute(text(INDEXES)).all()
    for _made, dropped in indexes:
        session.execute(text(dropped))
    values = {"began": BEGAN, "today": TODAY, "span": (TODAY - BEGAN).days, "cases": cases}
    for statement in FILL.format(**values).split(";\n"):
        session.execute(text(statement))
    for made, _dropped in indexes:
        session.execute(text(made))
