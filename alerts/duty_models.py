"""The register of legal duties: what was asked, by when, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db import Base


class Duty(Base):
    """One legal duty of one commune. Kinds, states and what `criterion` means are in duties.py.

    `settled_at`: when it was done or ceased to be needed, by `settled_by` (None: the data). `document`: number of what
    was issued; `note`: a person's words; `why`: the reason of the data as an i18n.Message in JSON. `detail` holds the
    outbreaks or the number of cases it is about. `reminded`: how many steps of reminding are behind it.
    """

    __tablename__ = "duty"
    __table_args__ = (
        UniqueConstraint("kind", "disease", "unit_id", "criterion"),
        Index("ix_duty_open", "due_at", postgresql_where=text("state = 'open'")),
        Index("ix_duty_due_at", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    disease: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("admin_unit.id"), index=True)
    criterion: Mapped[str]
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alert.id"), index=True)
    met_at: Mapped[datetime]
    due_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    state: Mapped[str]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    recorded_at: Mapped[datetime | None]
    document: Mapped[str | None]
    note: Mapped[str | None]
    why: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    law: Mapped[str]
    policy_version: Mapped[str]
    policy_hash: Mapped[str]
    reminded: Mapped[int] = mapped_column(default=0)


class DutyEvent(Base):
    """What happened to a duty; never changed. `user_id` None: the data did it. Kinds: opened, reopened, done,
    not_needed, missed, undone, reminded."""

    __tablename__ = "duty_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    duty_id: Mapped[int] = mapped_column(ForeignKey("duty.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    message: Mapped[dict[str, Any]] = mapped_column(JSONB)
    comment: Mapped[str | None]
