"""What the Data page shows of ingestion: runs, quarantined rows, files set aside. Reading only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from i18n import Message
from surveillance.models import IngestRun, RejectedRow, SourceFile
from surveillance.privacy import Vault


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """One reading of one file. `note`: warnings of a run that was done, or why it failed or was undone."""

    id: int
    file_name: str
    sha256: str
    source: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    known_at: datetime | None
    rows_total: int
    rows_new: int
    rows_updated: int
    rows_unchanged: int
    rows_rejected: int
    rows_unplaced: int
    note: Message | None


@dataclass(frozen=True, kw_only=True)
class QuarantinedRow:
    """A problem of a row, without what stood there (see `reveal_value`). `row` is the spreadsheet's number."""

    id: int
    row: int
    column: str | None
    reason: Message
    has_value: bool


@dataclass(frozen=True, kw_only=True)
class SetAsideFile:
    id: int
    name: str
    sha256: str
    size_bytes: int
    received_at: datetime
    reason: Message | None


@dataclass(frozen=True, kw_only=True)
class Revealed:
    """What stood in a rejected row: the cell, and the whole row by column name. Personal data."""

    value: str | None
    raw: dict[str, str]


def recent_runs(session: Session, limit: int) -> list[RunSummary]:
    """Newest first."""
    return [_summary(*row) for row in session.execute(_runs().order_by(IngestRun.id.desc()).limit(limit))]


def run_detail(session: Session, run_id: int) -> RunSummary | None:
    row = session.execute(_runs().where(IngestRun.id == run_id)).one_or_none()
    return _summary(*row) if row else None


def rejected_rows(session: Session, run_id: int, limit: int, offset: int) -> list[QuarantinedRow]:
    """In the order of the file."""
    query = (
        select(RejectedRow)
        .where(RejectedRow.run_id == run_id)
        .order_by(RejectedRow.row, RejectedRow.id)
        .limit(limit)
        .offset(offset)
    )
    return [
        QuarantinedRow(
            id=row.id,
            row=row.row,
            column=row.column,
            reason=Message.from_json(row.reason),
            has_value=row.value is not None,
        )
        for row in session.scalars(query)
    ]


def set_aside_files(session: Session) -> list[SetAsideFile]:
    """Files waiting to be mended and dropped again, newest first."""
    query = select(SourceFile).where(SourceFile.state == "set_aside").order_by(SourceFile.received_at.desc())
    return [
        SetAsideFile(
            id=file.id,
            name=file.name,
            sha256=file.sha256,
            size_bytes=file.size_bytes,
            received_at=file.received_at,
            reason=_message(file.reason),
        )
        for file in session.scalars(query)
    ]


def reveal_value(session: Session, rejected_id: int, vault: Vault) -> Revealed | None:
    """Personal data: the caller must have the right to it and write down that it was read. Raises PrivacyError."""
    row = session.get(RejectedRow, rejected_id)
    if row is None:
        return None
    value = vault.decrypt(row.value) if row.value is not None else None
    return Revealed(value=value, raw=vault.decrypt(row.raw))


def _runs() -> Select[IngestRun, SourceFile]:
    return select(IngestRun, SourceFile).join(SourceFile, SourceFile.id == IngestRun.source_file_id)


def _summary(run: IngestRun, file: SourceFile) -> RunSummary:
    return RunSummary(
        id=run.id,
        file_name=file.name,
        sha256=file.sha256,
        source=run.source,
        state=run.state,
        started_at=run.started_at,
        finished_at=run.finished_at,
        known_at=run.known_at,
        rows_total=run.rows_total,
        rows_new=run.rows_new,
        rows_updated=run.rows_updated,
        rows_unchanged=run.rows_unchanged,
        rows_rejected=run.rows_rejected,
        rows_unplaced=run.rows_unplaced,
        note=_message(run.reason),
    )


def _message(stored: dict[str, Any] | None) -> Message | None:
    return Message.from_json(stored) if stored else None
