"""How right crosswalks between boundary releases are, against the official pairs and real points, and how fast counts
on another release are.

    python -m bench.crosswalk [SHARED]

Imports the real boundary files of SHARED/data (default ../shared) into a private PostGIS and prints, for each pair of
releases, how often a point's ward by crosswalk (the likeliest; and the mean share given to the true one) is its ward by
polygon, and the part of all points that the crosswalk's counts by ward put into a wrong ward. Splits are measured by
people (census of 2019) and, for comparison, by area and by the register's defaults. Then 300,000 made-up cases of three
years, two in three at a house, are counted on the release of 2019.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from db import make_engine, session_scope
from embedded import DURABLE, FOR_TESTS, EmbeddedPostGIS
from geodata.boundaries import Wanted, import_boundaries
from geodata.models import AdminUnit, Population, UnitLineage
from geodata.registry import load_registry
from geodata.releases import crosswalk_between, units_on
from geodata.shares import renew_shares
from geodata.units import load_units
from migrate import migrate
from surveillance.release_counts import counts_on_release, weeks_on_release

FILES = (
    ("hcmc_wards_2025_168.parquet", "2025-07-01"),
    ("hcmc_wards_2025-01_273_derived.geojson", "2025-01-01"),
    ("hcmc_wards_2019_322_simplified10m.geojson", "2019-04-01"),
    ("hcmc_wards_2021_312_derived.geojson", "2021-01-01"),
)
COLUMN = {
    date(2019, 4, 1): "ward322_code",
    date(2021, 1, 1): "ward312_code",
    date(2025, 1, 1): "ward273_code",
    date(2025, 7, 1): "new_ward_code",
}


def main(shared: Path) -> None:
    points = pd.read_csv(shared / "data/addresses/hcmc_addresses_public.csv", dtype=str)
    points = points.dropna(subset=list(COLUMN.values()))
    official = pd.read_csv(shared / "data/boundaries/hcmc_ward_crosswalk_2025.csv", dtype=str)
    with city() as session:
        started = time.perf_counter()
        for file, day in FILES:
            path = shared / "data/boundaries" / file
            wanted = Wanted(release=day)
            report = import_boundaries(
                session, path, province_code="79", now=datetime.now(UTC), wanted=wanted
            )
            print(f"{day}: {len(report.match.areas)} wards, {len(report.match.left_over)} left over")
        print(f"import of four releases: {time.perf_counter() - started:.1f} s")
        against_official(session, official)
        speed(session)
        for name, prepare in (("people", by_people), ("area", by_area), ("defaults", by_default)):
            prepare(session)
            print(f"\nsplits by {name}: {len(points)} points")
            against_points(session, points)


@contextmanager
def city() -> Iterator[Session]:
    with tempfile.TemporaryDirectory(prefix="canhdich-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostGIS(Path(folder) / "pg", tuple({**DURABLE, **FOR_TESTS}.items()))
        try:
            url = server.start()
            migrate(url)
            engine = make_engine(url)
            with session_scope(engine) as session:
                load_units(session, load_registry(["79"]))
                yield session
            engine.dispose()
        finally:
            server.stop()


def by_people(session: Session) -> None:
    renew_shares(session)


def by_area(session: Session) -> None:
    session.execute(delete(Population).where(Population.estimated.is_(False)))
    session.execute(update(UnitLineage).values(share=None, back_share=None))
    session.expire_all()
    renew_shares(session)


def by_default(session: Session) -> None:
    session.execute(update(UnitLineage).values(share=None, back_share=None))
    session.expire_all()


def against_official(session: Session, official: pd.DataFrame) -> None:
    """The pairs of the NSO's table (data/boundaries) against the register's, and area shares measured elsewhere."""
    old, new = date(2025, 1, 1), date(2025, 7, 1)
    walk = crosswalk_between(session, old, new)
    names = codes(session, [*walk.sources, *walk.targets])
    rows = {names[unit]: {names[t]: s for t, s in walk.row(unit).items()} for unit in walk.sources}
    listed = official[official["official"] == "True"]
    ours = {(a, b) for a in set(listed["old_code"]) for b in rows.get(a, {})}
    theirs = set(zip(listed["old_code"], listed["new_code"], strict=True))
    print(f"official pairs {len(theirs)}: {len(ours & theirs)} known, {len(ours - theirs)} more, "
          f"{len(theirs - ours)} lacking")  # fmt: skip


def against_points(session: Session, points: pd.DataFrame) -> None:
    days = list(COLUMN)
    for source in days:
        for target in days:
            if source == target:
                continue
            walk = crosswalk_between(session, source, target)
            names = codes(session, [*walk.sources, *walk.targets])
            rows = {names[unit]: {names[t]: s for t, s in walk.row(unit).items()} for unit in walk.sources}
            given = [rows.get(code, {}) for code in points[COLUMN[source]]]
            truth = list(points[COLUMN[target]])
            print_row(f"{source} to {target}", given, truth)


def print_row(name: str, given: Sequence[Mapping[str, float]], truth: Sequence[str]) -> None:
    likeliest = [next(iter(parts), None) == code for parts, code in zip(given, truth, strict=True)]
    share = [parts.get(code, 0.0) for parts, code in zip(given, truth, strict=True)]
    split = np.array([len(parts) > 1 for parts in given])
    whole = np.mean(np.array(likeliest)[~split]) if (~split).any() else float("nan")
    counted: Counter[str] = Counter()
    for parts in given:
        counted.update(parts)
    real = Counter(truth)
    wrong = sum(abs(counted[code] - real[code]) for code in {*counted, *real}) / 2 / len(truth)
    print(
        f"  {name}: likeliest right {np.mean(likeliest):6.1%} · mean share {np.mean(share):6.1%} · counts misplaced "
        f"{wrong:5.1%} · whole {np.mean(~split):6.1%} (right {whole:6.1%})"
    )


def speed(session: Session) -> None:
    """Medians of three."""
    add_cases(session)
    today, old = date(2026, 11, 22), date(2019, 4, 1)
    ward = units_on(session, old)[100]
    windows = [(today - timedelta(days=n - 1), today) for n in (7, 28)]
    chosen: dict[str, Any] = {"disease": "dengue", "as_of": None}
    for name, count in (
        ("7 and 28 days, all wards", lambda: counts_on_release(session, old, periods=windows, **chosen)),
        (
            "52 weeks, one ward",
            lambda: weeks_on_release(session, old, unit_id=ward, weeks=52, today=today, **chosen),
        ),
        (
            "156 weeks, one ward",
            lambda: weeks_on_release(session, old, unit_id=ward, weeks=156, today=today, **chosen),
        ),
        (
            "52 weeks, all wards",
            lambda: weeks_on_release(session, old, unit_id=None, weeks=52, today=today, **chosen),
        ),
    ):
        print(f"counts on 2019, {name}: {median(timed(count) for _ in range(3)):.2f} s")


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def add_cases(session: Session) -> None:
    session.execute(
        text(
            """
            WITH file AS (
                INSERT INTO source_file (sha256, name, size_bytes, received_at, state)
                VALUES ('bench', 'bench', 1, now(), 'ingested') RETURNING id
            ), run AS (
                INSERT INTO ingest_run (source_file_id, source, mapping_hash, started_at, state, rows_total, rows_new,
                    rows_updated, rows_unchanged, rows_rejected, rows_unplaced)
                SELECT id, 'bench', '-', now(), 'done', 0, 0, 0, 0, 0, 0 FROM file RETURNING id
            ), sick AS (
                INSERT INTO epi_case (first_known_at) SELECT now() FROM generate_series(1, 300000) RETURNING id
            ), report AS (
                INSERT INTO case_report (run_id, row, case_id, content_hash, known_at, facts)
                SELECT run.id, sick.id, sick.id, '-', now(), '{}' FROM sick, run RETURNING id, case_id
            ), ward AS (
                SELECT b.unit_id, b.geom, row_number() OVER () - 1 AS i
                FROM boundary b JOIN admin_unit u ON u.id = b.unit_id WHERE u.valid_to IS NULL
            ), point AS (
                SELECT unit_id, i, (ST_Dump(ST_GeneratePoints(geom, 100, 1))).geom AS geom FROM ward
            ), numbered AS (
                SELECT *, row_number() OVER (PARTITION BY i) - 1 AS k FROM point
            )
            INSERT INTO case_version (case_id, report_id, known_from, disease, classification, event_date, date_report,
                unit_id, place_level, place_rule, place_estimated, geom)
            SELECT r.case_id, r.id, now(), 'dengue', 'suspected', DATE '2026-11-22' - (r.id % 1100)::int,
                DATE '2026-11-22', p.unit_id, CASE WHEN r.id % 3 = 0 THEN 'commune' ELSE 'house' END, '', false, p.geom
            FROM report r JOIN numbered p ON p.i = r.id % 168 AND p.k = (r.id / 168) % 100
            """
        )
    )
    session.execute(text("ANALYZE case_version"))


def codes(session: Session, units: Sequence[int]) -> dict[int, str]:
    query = select(AdminUnit.id, AdminUnit.code).where(AdminUnit.id.in_(units))
    return {row.id: row.code for row in session.execute(query)}


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent.parent / "shared")
