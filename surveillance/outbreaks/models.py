"""Outbreaks as they are kept: who they are, what was believed of them when, and all that happened to them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import BIGINT, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db import Base


class OutbreakRow(Base):
    """An outbreak's lasting identity. `profile` is the one it was found by; `first_known_at` starts its clocks."""

    __tablename__ = "outbreak"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    disease: Mapped[str]
    profile: Mapped[str]
    first_known_at: Mapped[datetime]


class OutbreakVersion(Base):
    """What was believed of an outbreak from `known_from` until `known_to` (NULL: still believed).

    `status` and `life` are those of `lifecycle`, `kind` HCDC's type, `units` the lead commune and then the co-owners.
    `members` are case ids by date; `why` says of each of them why it is in, `near` of others why not.
    """

    __tablename__ = "outbreak_version"
    __table_args__ = (
        Index(
            "ix_outbreak_version_current", "outbreak_id", unique=True, postgresql_where=text("known_to IS NULL")
        ),
        Index("ix_outbreak_version_known_from", "known_from"),
        Index("ix_outbreak_version_units", "units", postgresql_using="gin"),
        Index("ix_outbreak_version_members", "members", postgresql_using="gin"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    outbreak_id: Mapped[int] = mapped_column(ForeignKey("outbreak.id"))
    known_from: Mapped[datetime]
    known_to: Mapped[datetime | None]
    status: Mapped[str]
    life: Mapped[dict[str, Any]] = mapped_column(JSONB)
    kind: Mapped[int]
    units: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
    members: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
    why: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    near: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    confirmed: Mapped[int]
    first_event: Mapped[date]
    last_event: Mapped[date]
    criteria_met_on: Mapped[date]
    expected_end: Mapped[date]
    closing_from: Mapped[date]
    diameter_m: Mapped[float]
    zone: Mapped[int]
    shares_zone: Mapped[bool]
    notes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    geom: Mapped[Any | None] = mapped_column(Geometry("MULTIPOLYGON", srid=4326, spatial_index=False))


class OutbreakEvent(Base):
    """Something that happened to an outbreak; never changed. `user_id` NULL: the data did it.

    `kind`: a `lineage.Kind`, "status", "survey", "spraying", "larvicide", "communication", "note", "withdrawn".
    `detail` holds what the kind needs: parents, gained and lost cases, raw counts of a survey, a day, a product.
    """

    __tablename__ = "outbreak_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    outbreak_id: Mapped[int] = mapped_column(ForeignKey("outbreak.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    message: Mapped[dict[str, Any]] = mapped_column(JSONB)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)


class OutbreakPhoto(Base):
    """A photo of the work on the spot, encrypted: it may show somebody's home. `event_id`: the entry of the log it
    belongs to; taken back with it."""

    __tablename__ = "outbreak_photo"

    id: Mapped[int] = mapped_column(primary_key=True)
    outbreak_id: Mapped[int] = mapped_column(ForeignKey("outbreak.id"), index=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("outbreak_event.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    at: Mapped[datetime]
    content: Mapped[bytes] = mapped_column(LargeBinary)
