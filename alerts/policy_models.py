"""Tables of the level rules: every version there ever was, and what drafts would have changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db import Base


class PolicyVersion(Base):
    """One text of the rules, never changed or deleted: alerts name it by `hash` for ever.

    States: draft, approved, refused, withdrawn; offered: came with the program, but the city has rules of its own.
    In force is the approved one with the newest `in_force_from`. `base_id`: the version in force that a draft was made
    from. `proposed_by` None: the program. `reason`: why it was refused.
    """

    __tablename__ = "policy_version"
    __table_args__ = (
        CheckConstraint("(state = 'approved') = (in_force_from IS NOT NULL)", name="in_force"),
        CheckConstraint(
            "proposed_by IS NULL OR decided_by IS NULL OR state <> 'approved' OR proposed_by <> decided_by",
            name="two_people",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(unique=True)
    version: Mapped[str]
    text: Mapped[str]
    state: Mapped[str]
    base_id: Mapped[int | None] = mapped_column(ForeignKey("policy_version.id"))
    note: Mapped[str] = mapped_column(default="")
    proposed_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    proposed_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    in_force_from: Mapped[datetime | None]


class PolicyPreview(Base):
    """What `version_id` would have made of the past, beside `against_id`. States: waiting, running, done, failed."""

    __tablename__ = "policy_preview"

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id"), index=True)
    against_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id"))
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    state: Mapped[str]
    percent: Mapped[int] = mapped_column(default=0)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
