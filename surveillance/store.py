"""Reports, keys and versions to and from PostgreSQL, a batch at a time: one query to read, one COPY to write.

Everything goes through the psycopg cursor of the transaction it is given.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import orjson
import psycopg
from psycopg import Cursor, sql
from sqlalchemy.orm import Session

from surveillance.belief import PLACE, Belief, Facts, StoredFacts, StoredFix, fold
from surveillance.linkage import Current, Incoming, Plan, Problem, StoredReport, Version

_VERSION_COLUMNS = (
    "case_id",
    "report_id",
    "investigation_id",
    "known_from",
    "known_to",
    *Facts._fields[:-3],
    "geom",
    "uncertainty_m",
)
_LOCK = zlib.crc32(b"canhdich:ingest")
STANDING_FIX = (
    "f.kind IN ('choice', 'pin', 'text') AND NOT EXISTS (SELECT FROM address_fix u WHERE u.undoes = f.id)"
)
"""Events `f` of `address_fix` that place a case and were not undone."""
_ALWAYS = datetime.min.replace(tzinfo=UTC)
_DATES = ("event_date", "date_onset", "date_admission", "date_report", "date_outcome")


def cursor_of(session: Session) -> Cursor[Any]:
    """The psycopg cursor of the session's transaction."""
    connection: psycopg.Connection[Any] = session.connection().connection.driver_connection  # type: ignore[assignment]
    return connection.cursor()


def new_ids(cursor: Cursor[Any], table: str, count: int) -> Iterator[int]:
    cursor.execute(
        "SELECT nextval(s.name) FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS name OFFSET 0) s,"
        " generate_series(1, %s)",
        (table, count),
    )
    return iter([row[0] for row in cursor.fetchall()])


def known_keys(cursor: Cursor[Any], batch: Sequence[Incoming]) -> list[tuple[bytes, date, int]]:
    """(digest, day, case) of every stored key that `batch` has too."""
    digests = list({key.digest for incoming in batch for key in incoming.keys})
    _execute(cursor, "SELECT key, day, case_id FROM case_key WHERE key = ANY(%s)", digests)
    return cursor.fetchall()


def known_contents(cursor: Cursor[Any], cases: Collection[int]) -> set[tuple[int, bytes]]:
    """(case, content hash) of the reports of `cases`, without those of undone runs."""
    _execute(
        cursor,
        "SELECT case_id, content_hash FROM case_report JOIN ingest_run r ON r.id = run_id"
        " WHERE case_id = ANY(%s) AND r.state <> 'undone'",
        list(cases),
    )
    return set(cursor.fetchall())


def current_versions(cursor: Cursor[Any], cases: Collection[int]) -> dict[int, Current]:
    """What is believed now. Of cases that were investigated or corrected, and of those without any version (their runs
    were taken back), the reports say what lies under it. A version is excluded when its report named no disease."""
    fields = ", ".join(f"v.{name}" for name in Facts._fields[:-3])
    _execute(
        cursor,
        "SELECT v.case_id, v.report_id, v.investigation_id, v.known_from, r.facts->'believed'->>'disease' = '',"
        f" {fields}, ST_X(v.geom), ST_Y(v.geom), v.uncertainty_m"
        " FROM case_version v JOIN case_report r ON r.id = v.report_id"
        " WHERE v.case_id = ANY(%s) AND v.known_to IS NULL",
        list(cases),
    )
    current = {
        row[0]: Current(Belief(Facts(*row[5:]), row[4]), row[3], row[1], True, row[2]) for row in cursor
    }
    lost = [case_id for case_id in cases if case_id not in current]
    current |= _taken_back(cursor, lost)
    investigated = [case_id for case_id, now in current.items() if now.investigation_id is not None]
    fixes = place_fixes(cursor, cases)
    for case_id, reports in surviving_reports(cursor, {*lost, *investigated, *fixes}).items():
        folded = fold(reports, fixes.get(case_id))
        if folded.belief is not None:
            current[case_id] = current[case_id]._replace(
                belief=folded.belief, investigation_id=folded.investigation_id
            )
    return current


def _taken_back(cursor: Cursor[Any], cases: Collection[int]) -> dict[int, Current]:
    """Cases without a version that is believed, from the end of their last one."""
    nothing = Belief(None, False)
    found = {case_id: Current(nothing, _ALWAYS, None, False) for case_id in cases}
    if cases:
        _execute(
            cursor,
            "SELECT case_id, max(known_to) FROM case_version WHERE case_id = ANY(%s) GROUP BY case_id",
            list(cases),
        )
        found |= {case_id: Current(nothing, ended, None, False) for case_id, ended in cursor}
    return found


def cases_of(cursor: Cursor[Any], run_id: int) -> list[int]:
    """The cases a run reported."""
    cursor.execute("SELECT DISTINCT case_id FROM case_report WHERE run_id = %s", (run_id,))
    return [row[0] for row in cursor]


def surviving_reports(
    cursor: Cursor[Any], cases: Collection[int], *, without_run: int | None = None
) -> dict[int, list[StoredFacts]]:
    """Of each of `cases`: its reports that still count, in the order they became known, without those of one run."""
    found: dict[int, list[StoredFacts]] = {case_id: [] for case_id in cases}
    if not cases:
        return found
    cursor.execute(
        "SELECT p.case_id, p.id, p.facts FROM case_report p JOIN ingest_run r ON r.id = p.run_id"
        " WHERE p.case_id = ANY(%s) AND r.state <> 'undone' AND r.id IS DISTINCT FROM %s"
        " ORDER BY p.known_at, p.id",
        (list(cases), without_run),
        prepare=False,
    )
    for case_id, report_id, facts in cursor:
        found[case_id].append(StoredFacts(report_id, facts.get("linked_by"), _facts_from_json(facts)))
    return found


def place_fixes(cursor: Cursor[Any], cases: Collection[int]) -> dict[int, StoredFix]:
    """The last correction of the place of each of `cases` that was corrected and not undone."""
    _execute(
        cursor,
        f"SELECT DISTINCT ON (f.case_id) f.case_id, f.after, f.after_report FROM address_fix f"
        f" WHERE f.case_id = ANY(%s) AND {STANDING_FIX} ORDER BY f.case_id, f.id DESC",
        list(cases),
    )
    return {
        case_id: StoredFix({name: place[name] for name in PLACE}, after_report)
        for case_id, place, after_report in cursor
    }


def lock_ingest(cursor: Cursor[Any]) -> None:
    """One transaction at a time links reports to cases; held until it ends."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))


def drop_keys(cursor: Cursor[Any], run_id: int) -> None:
    """File numbers of cases whose place a person corrected stay: the correction is found again by them."""
    cursor.execute(
        "DELETE FROM case_key k WHERE run_id = %s AND NOT (kind = 'file' AND EXISTS ("
        f" SELECT FROM address_fix f WHERE f.case_id = k.case_id AND {STANDING_FIX}))",
        (run_id,),
    )


def write(cursor: Cursor[Any], run_id: int, plan: Plan) -> None:
    """Old versions end first: a case may have one open version only."""
    if plan.replaced:
        _execute(
            cursor,
            "DELETE FROM case_version WHERE case_id = ANY(%s) AND known_to IS NULL",
            list(plan.replaced),
        )
    if plan.closed:
        _execute(
            cursor,
            "UPDATE case_version v SET known_to = ended.at FROM unnest(%s::bigint[], %s::timestamptz[])"
            " AS ended(id, at) WHERE v.case_id = ended.id AND v.known_to IS NULL",
            list(plan.closed),
            list(plan.closed.values()),
        )
    _copy(cursor, "epi_case", ("id", "first_known_at"), plan.new_cases)
    _copy(
        cursor,
        "case_report",
        ("id", "run_id", "row", "case_id", "content_hash", "known_at", "facts", "identity"),
        (_report_row(run_id, report) for report in plan.reports),
    )
    _copy(
        cursor,
        "case_key",
        ("key", "kind", "day", "case_id", "run_id"),
        ((key.digest, key.kind, key.day, case_id, run_id) for key, case_id in plan.keys),
    )
    _copy(cursor, "case_version", _VERSION_COLUMNS, map(_version_row, plan.versions))


def write_rejected(cursor: Cursor[Any], run_id: int, problems: Iterable[Problem]) -> None:
    """One quarantined row for each problem."""
    _copy(cursor, "rejected_row", ("run_id", *Problem._fields), ((run_id, *problem) for problem in problems))


def _report_row(run_id: int, report: StoredReport) -> tuple[Any, ...]:
    incoming = report.incoming
    facts = {**incoming.source, "believed": incoming.facts._asdict()}
    if report.linked_by:
        facts["linked_by"] = report.linked_by
    return (
        report.id,
        run_id,
        incoming.row,
        report.case_id,
        incoming.content_hash,
        incoming.known_at,
        orjson.dumps(facts).decode(),
        incoming.identity,
    )


def _facts_from_json(stored: dict[str, Any]) -> Facts:
    values = dict.fromkeys(Facts._fields) | stored["believed"]
    for name in _DATES:
        values[name] = date.fromisoformat(values[name]) if values[name] else None
    return Facts(**values)


def _version_row(version: Version) -> tuple[Any, ...]:
    *plain, lon, lat, uncertainty_m = version.facts
    return (*version[:5], *plain, _point(lon, lat), uncertainty_m)


def _point(lon: float | None, lat: float | None) -> str | None:
    """EWKB in hexadecimal: little-endian, point with SRID 4326."""
    if lon is None or lat is None:
        return None
    return struct.pack("<BIIdd", 1, 0x20000001, 4326, lon, lat).hex()


def _execute(cursor: Cursor[Any], query: str, *arrays: list[Any]) -> None:
    """Planned anew each time: a plan kept from when the tables were small would read them whole for each file."""
    cursor.execute(query, arrays, prepare=False)


def _copy(cursor: Cursor[Any], table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
