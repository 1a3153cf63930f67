"""Tables of people who use the system: who, which role, which area; and what personal data they read."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
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


class FieldAct(Base):
    """One act sent from a phone, by the id the phone gave it: sent twice, done once. `result` is what the phone was
    answered (web/phone_acts.py); `made_at` the phone's own clock."""

    __tablename__ = "field_act"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    kind: Mapped[str]
    made_at: Mapped[datetime]
    at: Mapped[datetime]
    result: Mapped[dict[str, Any]] = mapped_column(JSONB)


class PushDevice(Base):
    """A browser that takes this person's messages by Web Push. `digest`: keyed hash of its address, so that it is
    there once; `content`: address and keys, encrypted (alerts/push_devices.py); `host`: whose push service it is."""

    __tablename__ = "push_device"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    host: Mapped[str]
    created_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]


class SavedView(Base):
    """A view of the map under a name: its query string, with the camera (web/workbench/views.py). `shared`: colleagues
    see it in their lists."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("owner_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    name: Mapped[str]
    query: Mapped[str]
    shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class DefaultView(Base):
    """The view that the map opens with for this person."""

    __tablename__ = "default_view"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    view_id: Mapped[int] = mapped_column(ForeignKey("saved_view.id", ondelete="CASCADE"), index=True)


class Embed(Base):
    """A picture of the map that is shown without signing in: only the SHA-256 of its secret address is kept. It has a
    copy of the view's name and query, so that a view changed later is not suddenly on a wall."""

    __tablename__ = "embed"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    name: Mapped[str]
    query: Mapped[str]
    locale: Mapped[str]
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))


class UserOverlay(Base):
    """A map layer that somebody brought: GeoJSON in degrees, simplified. `label`: the property that the pointer shows;
    `notes`: what was mended (messages as JSON)."""

    __tablename__ = "user_overlay"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    name: Mapped[str]
    file_name: Mapped[str]
    colour: Mapped[str]
    label: Mapped[str | None]
    shared: Mapped[bool] = mapped_column(default=False)
    features: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    notes: Mapped[list[Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
