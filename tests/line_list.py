"""Simulated line lists put straight into the tables, for tests of what comes after ingestion."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from geodata.models import AdminUnit
from surveillance.models import Case, CaseReportRow, CaseVersion, IngestRun, SourceFile

CITY = ZoneInfo("Asia/Ho_Chi_Minh")


def evening(day: date) -> datetime:
    """18:00 in the city, when the day's file has come."""
    return datetime(day.year, day.month, day.day, 18, tzinfo=CITY)


@dataclass(frozen=True, kw_only=True)
class Sick:
    """One case as a source told of it. Known since `known_from`, by default the evening of its event."""

    day: date
    unit_id: int | None
    disease: str = "dengue"
    known_from: datetime | None = None
    known_to: datetime | None = None
    classification: str = "suspected"
    setting: str | None = None
    facts: dict[str, Any] | None = None


def add_unit(session: Session, code: str, *, parent_id: int | None = None, level: str = "commune") -> int:
    unit = AdminUnit(
        level=level, code=code, valid_from=date(2025, 7, 1), name=f"Phường {code}", short_name=code,
        kind="phường", parent_id=parent_id, aliases=[],
    )  # fmt: skip
    session.add(unit)
    session.flush()
    return unit.id


def add_file(session: Session, source: str, known_at: datetime, *, rejected: int = 0) -> int:
    """A file of `source`, read and done at `known_at`; returns its run."""
    file = SourceFile(
        sha256=hashlib.sha256(f"{source}{known_at}".encode()).hexdigest(), name=f"{source}.xlsx",
        size_bytes=1, received_at=known_at, state="ingested",
    )  # fmt: skip
    session.add(file)
    session.flush()
    run = IngestRun(
        source_file_id=file.id, source=source, mapping_hash="-", started_at=known_at, finished_at=known_at,
        known_at=known_at, state="done", rows_rejected=rejected,
    )  # fmt: skip
    session.add(run)
    session.flush()
    return run.id


def add_cases(session: Session, run_id: int, cases: Iterable[Sick]) -> list[int]:
    """Put `cases` in as rows of the file that `run_id` read; returns the case ids."""
    sick = list(cases)
    if not sick:
        return []
    known = [case.known_from or evening(case.day) for case in sick]
    ids = list(
        session.scalars(
            insert(Case).returning(Case.id, sort_by_parameter_order=True),
            [{"first_known_at": moment} for moment in known],
        )
    )
    reports = [
        {
            "run_id": run_id, "row": row, "case_id": case_id, "content_hash": b"-",
            "known_at": moment, "facts": {},
        }
        for row, (case_id, moment) in enumerate(zip(ids, known, strict=True))
    ]  # fmt: skip
    returning = insert(CaseReportRow).returning(CaseReportRow.id, sort_by_parameter_order=True)
    report_ids = list(session.scalars(returning, reports))
    versions = [
        _version(case, case_id, report_id, moment)
        for case, case_id, report_id, moment in zip(sick, ids, report_ids, known, strict=True)
    ]
    session.execute(insert(CaseVersion), versions)
    return ids


def _version(case: Sick, case_id: int, report_id: int, known_from: datetime) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "report_id": report_id,
        "known_from": known_from,
        "known_to": case.known_to,
        "disease": case.disease,
        "classification": case.classification,
        "event_date": case.day,
        "date_report": case.day,
        "setting": case.setting,
        "unit_id": case.unit_id,
        "place_level": "commune" if case.unit_id else "unknown",
        "place_rule": "",
        "place_estimated": False,
        **{"sex": None, "age_years": None, "date_onset": None, "date_admission": None, **(case.facts or {})},
    }


def supersede(session: Session, case_id: int, at: datetime, **facts: Any) -> None:
    """From `at` on, believe `facts` of a case instead of what was believed before."""
    old = session.scalars(
        select(CaseVersion).where(CaseVersion.case_id == case_id, CaseVersion.known_to.is_(None))
    ).one()
    old.known_to = at
    session.flush()
    kept = {c.key: getattr(old, c.key) for c in CaseVersion.__table__.columns if c.key != "id"}
    session.add(CaseVersion(**{**kept, "known_from": at, "known_to": None, **facts}))
    session.flush()
