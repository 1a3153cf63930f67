"""A report being written: a job row with stage and percent that the page polls."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db import Base


class ReportJob(Base):
    """States: waiting, running, done, failed, cancelled. `files` are names under `settings.reports`/id."""

    __tablename__ = "report_job"
    __table_args__ = (
        Index("ix_report_job_open", "id", postgresql_where=text("state IN ('waiting','running')")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
    requested_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    state: Mapped[str]
    percent: Mapped[int] = mapped_column(default=0)
    stage: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    files: Mapped[list[str]] = mapped_column(JSONB, default=list)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
