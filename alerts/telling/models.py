"""Tables of who is told and when: the rota, quiet hours, silences, escalations, and addresses that bounce."""

from __future__ import annotations

from datetime import datetime, time

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db import Base


class DutyShift(Base):
    """That a person answers for an area from `starts_at` until `ends_at`. `unit_id` None: the whole city. `phone` is
    what others call; `channel` (sms) also sends it what the shift is told, None only the person's own channels.
    A shift that was taken out again keeps its row."""

    __tablename__ = "duty_shift"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="span"),
        Index("ix_duty_shift_ends_at", "ends_at", postgresql_where=text("removed_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("admin_unit.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    phone: Mapped[str | None]
    channel: Mapped[str | None]
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    made_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))


class QuietHours(Base):
    """When this person's messages wait, on the city's clocks; `starts` after `ends` is over midnight."""

    __tablename__ = "quiet_hours"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    starts: Mapped[time]
    ends: Mapped[time]
    changed_at: Mapped[datetime]


class Silence(Base):
    """Of an area and all in it (and one disease, None: all) up to `level_max`, from `starts_at` until `ends_at`, or
    until somebody ended it. `settled_at`: people were told of what it had kept back."""

    __tablename__ = "silence"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="span"),
        CheckConstraint("level_max BETWEEN 2 AND 3", name="level"),
        Index("ix_silence_unsettled", "ends_at", postgresql_where=text("settled_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("admin_unit.id"))
    disease: Mapped[str | None]
    level_max: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    settled_at: Mapped[datetime | None]


class Escalation(Base):
    """That a step was taken for an alert in the spell that began with event `spell_id`, when it stood at `level` and
    was `statutory` or not; the constraint makes a second impossible, whoever runs when."""

    __tablename__ = "escalation"
    __table_args__ = (
        UniqueConstraint("alert_id", "spell_id", "step", "level", "statutory", name="uq_escalation_step"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"))
    spell_id: Mapped[int] = mapped_column(ForeignKey("alert_event.id"))
    step: Mapped[str]
    level: Mapped[int]
    statutory: Mapped[bool]
    event_id: Mapped[int] = mapped_column(ForeignKey("alert_event.id"))
    at: Mapped[datetime]


class AddressFault(Base):
    """An address that a mail server says nobody reads. It counts while the account still has it and nobody
    cleared it. `reason`: an i18n.Message in JSON."""

    __tablename__ = "address_fault"
    __table_args__ = (
        Index(
            "ix_address_fault_current",
            "user_id",
            "address",
            unique=True,
            postgresql_where=text("cleared_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    address: Mapped[str]
    reason: Mapped[str]
    since: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    cleared_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
