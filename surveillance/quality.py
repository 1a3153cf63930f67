"""Which sources went silent, and how complete and timely the others are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from surveillance.coverage import sources_of
from surveillance.diseases import Disease
from surveillance.models import IngestRun


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceQuality:
    """One source over the cases reported in a period. Shares are 0…1, None without a case.

    `rows` are cases believed at the time of asking, `rejected` rows of the period's files that were set
    aside. `median_delay_days` runs from admission to report.
    """

    source: str
    files: int
    last_file_at: datetime | None
    rows: int
    rejected: int
    with_sex: float | None
    with_age: float | None
    with_commune: float | None
    with_onset: float | None
    median_delay_days: float | None


def silent_diseases(
    session: Session, catalogue: Iterable[Disease], *, now: datetime, after_days: int = 3
) -> dict[str, date | None]:
    """Diseases whose sources sent no file for more than `after_days`, with the day (UTC) of the last one.

    None: never a file. A disease no source ever told of is fed by all of them, so a rare disease without a
    case is not silent while files come. Of several sources of one disease the newest file counts.
    """
    last = last_files(session, now=now)
    fed_by = sources_of(session, as_of=now)
    silent: dict[str, date | None] = {}
    for disease in catalogue:
        sources = fed_by.get(disease.code, frozenset(last))
        newest = max((last[source] for source in sources if source in last), default=None)
        if newest is None or now - newest > timedelta(days=after_days):
            silent[disease.code] = newest.date() if newest else None
    return silent


def last_files(session: Session, *, now: datetime) -> dict[str, datetime]:
    """When the newest file of each source became known, by `now`."""
    query = (
        select(IngestRun.source, func.max(IngestRun.known_at))
        .where(IngestRun.state == "done", IngestRun.known_at <= now)
        .group_by(IngestRun.source)
    )
    return {source: known_at for source, known_at in session.execute(query) if known_at is not None}


def source_quality(session: Session, *, since: date, now: datetime) -> list[SourceQuality]:
    """Each source that ever sent a file, by name, over the cases reported from `since` on, as of `now`."""
    query = text(
        """
        WITH runs AS (
            SELECT source, max(known_at) AS last_file_at,
                   count(*) FILTER (WHERE known_at >= :since) AS files,
                   coalesce(sum(rows_rejected) FILTER (WHERE known_at >= :since), 0) AS rejected
            FROM ingest_run WHERE state = 'done' AND known_at <= :now GROUP BY source
        ), cases AS (
            SELECT r.source, count(*) AS rows, count(v.sex) AS sex, count(v.age_years) AS age,
                   count(v.unit_id) AS commune, count(v.date_onset) AS onset,
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY v.date_report - v.date_admission) AS delay
            FROM case_version v
            JOIN case_report c ON c.id = v.report_id
            JOIN ingest_run r ON r.id = c.run_id
            WHERE v.date_report >= :since AND v.known_from <= :now
              AND (v.known_to IS NULL OR v.known_to > :now)
            GROUP BY r.source
        )
        SELECT runs.*, cases.rows, cases.sex, cases.age, cases.commune, cases.onset, cases.delay
        FROM runs LEFT JOIN cases USING (source) ORDER BY source
        """
    )
    return [
        SourceQuality(
            source=row.source,
            files=row.files,
            last_file_at=row.last_file_at,
            rows=row.rows or 0,
            rejected=int(row.rejected),
            with_sex=_share(row.sex, row.rows),
            with_age=_share(row.age, row.rows),
            with_commune=_share(row.commune, row.rows),
            with_onset=_share(row.onset, row.rows),
            median_delay_days=row.delay,
        )
        for row in session.execute(query, {"since": since, "now": now})
    ]


def _share(part: int | None, whole: int | None) -> float | None:
    return part / whole if part is not None and whole else None
