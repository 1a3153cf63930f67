"""Tables of people who use the system: who, which role, which area; and what personal data they read."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db import Base
from geodata.models import AdminUnit


class Role(StrEnum):
    ANALYST = "analyst"
    OFFICER = "officer"
    MANAGER = "manager"


class User(Base):
    __tablename__ = "app_user"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    full_name: Mapped[str]
    role: Mapped[str]
    email: Mapped[str | None]
    locale: Mapped[str] = mapped_column(default="vi")
    active: Mapped[bool] = mapped_column(default=True)
    areas: Mapped[list[AdminUnit]] = relationship(secondary="user_area", lazy="selectin")


class UserArea(Base):
    """Area of responsibility: an officer sees and is told of these units only (domain.md §4)."""

    __tablename__ = "user_area"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("admin_unit.id"), primary_key=True)


class MessageChoice(Base):
    """That this person wants messages by `channel`, and which. No row: the channel is off, but e-mail follows the
    policy (alerts/routing.py).

    `address` is None for e-mail, which goes to the account's. `at_once_from`: level 2–4; what is below comes once a
    day when `digest`, else not at all. `diseases`: codes, None for all.
    """

    __tablename__ = "message_choice"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str | None]
    at_once_from: Mapped[int]
    digest: Mapped[bool]
    diseases: Mapped[list[str] | None] = mapped_column(ARRAY(String))
    changed_at: Mapped[datetime]


class AccessLog(Base):
    """Who read or exported personal data, when and what (domain.md §7 "logs"). Append-only."""

    __tablename__ = "access_log"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    action: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
