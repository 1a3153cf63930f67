"""Seconds of a day's cluster run of all ten diseases, on the line list of bench/analysis.py.

    python -m bench.clusters [cases]

Twice, everything from reading the cases to the recorded clusters: as the list is, and, the dearest day, with a cluster
planted in every disease and a fifth of the cases placed by an old ward only. By the clock and of the processor, which
other work on the machine lengthens less. Asserts nothing.
"""

from __future__ import annotations

import sys
import time

from sqlalchemy import Engine, text

from bench.analysis import DISEASES, TODAY, UNITS, filled_database
from db import session_scope
from surveillance.clustering.settings import load_settings
from surveillance.clustering.watching import Clusters
from surveillance.diseases import load_catalogue
from tests.line_list import CITY, evening

PLANT = """
INSERT INTO admin_unit (level, code, valid_from, valid_to, name, short_name, kind, aliases)
SELECT 'commune', (1000 + k)::text, '2004-01-01', '2025-07-01', 'Phường cũ ' || k, k::text, 'phường', '{{}}'
FROM generate_series(1, {units}) k;
INSERT INTO unit_lineage SELECT o.id, n.id, true, n.code = (25000 + o.code::int)::text
FROM admin_unit o, admin_unit n
WHERE o.valid_to IS NOT NULL AND n.id <= {units} AND n.code::int - 25000 - o.code::int IN (0, 1, 12);
UPDATE case_version v SET place_estimated = true, former_unit_id = o.id FROM admin_unit o
WHERE v.case_id % 5 = 0 AND o.valid_to IS NOT NULL AND o.code::int = 1000 + v.unit_id;
INSERT INTO epi_case (first_known_at) SELECT '{today}' FROM generate_series(1, 300);
INSERT INTO case_version (case_id, report_id, known_from, disease, classification, event_date, date_report,
    unit_id, place_level, place_rule, place_estimated)
SELECT id, 1, (date '{today}' + time '09:00') AT TIME ZONE 'UTC', ('{diseases}'::text[])[1 + id % 10], 'suspected',
    date '{today}' - (id % 7)::int, date '{today}' - (id % 7)::int, 90 + 12 * (id % 3), 'commune', '', false
FROM epi_case ORDER BY id DESC LIMIT 300
"""


def run(engine: Engine, name: str, threads: int) -> None:
    units = list(range(1, UNITS + 1))
    clusters = Clusters(
        catalogue=load_catalogue(), settings=load_settings(), diseases=DISEASES, unit_ids=units, timezone=CITY
    )
    with session_scope(engine) as session:
        session.execute(text("TRUNCATE cluster, cluster_version, cluster_scan, signal"))
    began, busy = time.perf_counter(), time.process_time()
    clusters.find(engine, now=evening(TODAY), threads=threads)
    took, worked = time.perf_counter() - began, time.process_time() - busy
    with session_scope(engine) as session:
        query = text("SELECT count(*), count(*) FILTER (WHERE stable) FROM cluster_version")
        kept, stable = session.execute(query).one()
    print(
        f"{name:44s} {threads} thread(s) {took:7.2f} s, {worked:7.2f} s processor   {kept} clusters, {stable} stable"
    )


def main(cases: int = 400_000) -> None:
    with filled_database(cases) as engine:
        run(engine, "first, compiling (not counted)", 1)
        for threads in (1, 2):
            run(engine, "ten diseases, a day", threads)
        values = {"units": UNITS, "today": TODAY, "diseases": "{" + ",".join(DISEASES) + "}"}
        with session_scope(engine) as session:
            for statement in PLANT.format(**values).split(";\n"):
                session.execute(text(statement))
        for threads in (1, 2):
            run(engine, "the dearest day", threads)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
