"""Tables of what is happening. Reports are append-only; versions carry when they were known."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db import Base
from surveillance.place import MISPLACED

UNCERTAIN_M = 1000
"""A point of house, street or neighbourhood that may be this far off is no such point. [P]"""
DOUBTFUL = (
    "known_to IS NULL AND (unit_id IS NULL OR place_estimated OR place_level = 'unknown'"
    f" OR (uncertainty_m > {UNCERTAIN_M} AND place_level <> 'commune')"
    f" OR place_rule IN ({', '.join(repr(rule) for rule in MISPLACED)}))"
)
"""Versions whose place a person should look at, written as the index has it, so that the planner uses that."""


class SourceFile(Base):
    """A file as it arrived, archived under its sha256. States: archived, ingested, set_aside."""

    __tablename__ = "source_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    size_bytes: Mapped[int]
    received_at: Mapped[datetime]
    state: Mapped[str]
    reason: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class IngestRun(Base):
    """One reading of one file. `reason` says why a run failed or was undone."""

    __tablename__ = "ingest_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    source_file_id: Mapped[int] = mapped_column(ForeignKey("source_file.id"), index=True)
    source: Mapped[str]
    mapping_hash: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    known_at: Mapped[datetime | None]
    state: Mapped[str]
    rows_total: Mapped[int] = mapped_column(default=0)
    rows_new: Mapped[int] = mapped_column(default=0)
    rows_updated: Mapped[int] = mapped_column(default=0)
    rows_unchanged: Mapped[int] = mapped_column(default=0)
    rows_rejected: Mapped[int] = mapped_column(default=0)
    rows_unplaced: Mapped[int] = mapped_column(default=0)
    reason: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class RejectedRow(Base):
    """A quarantined row. `raw` (the whole row) and `value` are encrypted: they may name a person."""

    __tablename__ = "rejected_row"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("ingest_run.id"), index=True)
    row: Mapped[int]
    column: Mapped[str | None]
    value: Mapped[bytes | None] = mapped_column(LargeBinary)
    reason: Mapped[dict[str, Any]] = mapped_column(JSONB)
    raw: Mapped[bytes] = mapped_column(LargeBinary)


class Case(Base):
    """A sick person's one illness, under which reports are linked. Its facts are in `CaseVersion`."""

    __tablename__ = "epi_case"

    id: Mapped[int] = mapped_column(primary_key=True)
    first_known_at: Mapped[datetime]


class CaseKey(Base):
    """Exact link keys (keyed hashes, not readable): hospital + file number, or person + place + disease.

    `day` is the admission (else report) day, which bounds keys in time. `run_id` is the run that brought the key,
    so that undoing the run takes it away again.
    """

    __tablename__ = "case_key"
    __table_args__ = (Index("ix_case_key_key_day", "key", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary)
    kind: Mapped[str]
    day: Mapped[date]
    case_id: Mapped[int] = mapped_column(ForeignKey("epi_case.id"), index=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("ingest_run.id"))


class CaseReportRow(Base):
    """What arrived: one row of one file, append-only. `identity` is encrypted JSON."""

    __tablename__ = "case_report"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("ingest_run.id"), index=True)
    row: Mapped[int]
    case_id: Mapped[int] = mapped_column(ForeignKey("epi_case.id"), index=True)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    known_at: Mapped[datetime]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    identity: Mapped[bytes | None] = mapped_column(LargeBinary)


class CaseVersion(Base):
    """What we believed about a case from `known_from` until `known_to` (NULL: still believed).

    `unit_id` is the commune of today, `former_unit_id` the one the source named if it no longer exists. `report_id` is
    the hospital's report that shaped it; `verification` (`types.Verification`) the outcome of the ward's investigation
    `investigation_id`, both NULL until there is one. `event_date` is the day the case is counted on, by its hospitals'
    reports alone; when it began is `date_onset`, else `date_admission`, else `date_report`.
    """

    __tablename__ = "case_version"
    __table_args__ = (
        UniqueConstraint("case_id", "known_from"),
        Index("ix_case_version_series", "disease", "event_date", "unit_id"),
        Index("ix_case_version_current", "case_id", unique=True, postgresql_where=text("known_to IS NULL")),
        Index("ix_case_version_geom", "geom", postgresql_using="gist"),
        Index("ix_case_version_doubtful", "id", postgresql_where=text(DOUBTFUL)),
        Index("ix_case_version_died", "disease", "date_report", postgresql_where=text("outcome = 'died'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("epi_case.id"))
    report_id: Mapped[int] = mapped_column(ForeignKey("case_report.id"), index=True)
    investigation_id: Mapped[int | None] = mapped_column(ForeignKey("case_report.id"))
    known_from: Mapped[datetime]
    known_to: Mapped[datetime | None]
    disease: Mapped[str]
    icd10: Mapped[str | None]
    classification: Mapped[str]
    treatment: Mapped[str | None]
    event_date: Mapped[date]
    date_onset: Mapped[date | None]
    date_admission: Mapped[date | None]
    date_report: Mapped[date]
    sex: Mapped[str | None]
    age_years: Mapped[int | None]
    facility: Mapped[str | None]
    setting: Mapped[str | None]
    outcome: Mapped[str | None]
    date_outcome: Mapped[date | None]
    verification: Mapped[int | None]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("admin_unit.id"))
    former_unit_id: Mapped[int | None] = mapped_column(ForeignKey("admin_unit.id"))
    place_level: Mapped[str]
    place_rule: Mapped[str]
    place_estimated: Mapped[bool]
    geom: Mapped[Any | None] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    uncertainty_m: Mapped[float | None]


class DiseaseArea(Base):
    """What an epidemiologist decides of a disease in a commune: endemic or not, which years were epidemic.

    `unit_id` NULL speaks for the whole city. Absent rows mean the catalogue's default, no epidemic year.
    """

    __tablename__ = "disease_area"
    __table_args__ = (UniqueConstraint("disease", "unit_id", postgresql_nulls_not_distinct=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    disease: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("admin_unit.id"))
    endemic: Mapped[bool | None]
    epidemic_years: Mapped[list[int]] = mapped_column(ARRAY(INTEGER), default=list)


class SignalRow(Base):
    """A method's finding, believed from `known_from` until `known_to`; a new row only when it changes."""

    __tablename__ = "signal"
    __table_args__ = (
        Index(
            "ix_signal_current",
            "disease",
            "unit_id",
            "method",
            "frequency",
            unique=True,
            postgresql_where=text("known_to IS NULL"),
        ),
        Index("ix_signal_known_from", "known_from"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    disease: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("admin_unit.id"))
    method: Mapped[str]
    method_version: Mapped[str]
    frequency: Mapped[str]
    period_start: Mapped[date]
    known_from: Mapped[datetime]
    known_to: Mapped[datetime | None]
    observed: Mapped[float]
    expected: Mapped[float | None]
    upperbound: Mapped[float | None]
    alarm: Mapped[bool]
    status: Mapped[str | None]
    reason: Mapped[dict[str, Any]] = mapped_column(JSONB)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)


class JobRun(Base):
    """One run of one worker job. `detail` is counts for people, never rows."""

    __tablename__ = "job_run"
    __table_args__ = (Index("ix_job_run_job_started_at", "job", "started_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    state: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    error: Mapped[str | None]


class JobSchedule(Base):
    """How often a job must have succeeded; `/healthz` is red when `last_success_at` is older."""

    __tablename__ = "job_schedule"

    job: Mapped[str] = mapped_column(primary_key=True)
    late_after_s: Mapped[int]
    last_success_at: Mapped[datetime | None]
