"""Tables of places. A unit is (level, code, valid_from): codes are re-used (domain.md §4)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT
from sqlalchemy.orm import Mapped, mapped_column

from db import Base


class AdminUnit(Base):
    __tablename__ = "admin_unit"
    __table_args__ = (UniqueConstraint("level", "code", "valid_from"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    level: Mapped[str]
    code: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    name: Mapped[str]
    short_name: Mapped[str]
    kind: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("admin_unit.id"), index=True)
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    west: Mapped[float | None]
    south: Mapped[float | None]
    east: Mapped[float | None]
    north: Mapped[float | None]
    area_km2: Mapped[float | None]
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)


class UnitLineage(Base):
    """`old` went into `new`; `split` when it also went elsewhere.

    `share` is the part of `old` that went into `new`, `back_share` the part of `new` that came from `old`; NULL where
    nothing measured them. `basis` tells where the link is from: official (register), lineage (a file), shares (a
    file that also gave the shares), overlap (of imported boundaries; made anew by every import).
    """

    __tablename__ = "unit_lineage"

    old_id: Mapped[int] = mapped_column(ForeignKey("admin_unit.id"), primary_key=True)
    new_id: Mapped[int] = mapped_column(ForeignKey("admin_unit.id"), primary_key=True, index=True)
    split: Mapped[bool]
    is_default: Mapped[bool]
    share: Mapped[float | None]
    back_share: Mapped[float | None]
    basis: Mapped[str] = mapped_column(server_default="official")


class BoundaryRelease(Base):
    """A day before the register begins, brought by a boundary file: its units begin on `on_date`."""

    __tablename__ = "boundary_release"

    on_date: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(unique=True)
    source: Mapped[str]
    imported_at: Mapped[datetime]


class Boundary(Base):
    """The area of a unit; `synthetic` ones were generated and must say so on every map."""

    __tablename__ = "boundary"
    __table_args__ = (Index("ix_boundary_geom", "geom", postgresql_using="gist"),)

    unit_id: Mapped[int] = mapped_column(ForeignKey("admin_unit.id"), primary_key=True)
    geom: Mapped[Any] = mapped_column(Geometry("MULTIPOLYGON", srid=4326, spatial_index=False))
    source: Mapped[str]
    synthetic: Mapped[bool]
    imported_at: Mapped[datetime]


class Population(Base):
    __tablename__ = "population"

    unit_id: Mapped[int] = mapped_column(ForeignKey("admin_unit.id"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    persons: Mapped[int]
    source: Mapped[str]
    estimated: Mapped[bool]


class UnitNeighbour(Base):
    __tablename__ = "unit_neighbour"

    unit_id: Mapped[int] = mapped_column(ForeignKey("admin_unit.id"), primary_key=True)
    neighbour_id: Mapped[int] = mapped_column(ForeignKey("admin_unit.id"), primary_key=True)


class StreetFile(Base):
    """Streets brought by an import, whole (`streets.StreetBook.save`); the newest counts."""

    __tablename__ = "street_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    imported_at: Mapped[datetime]
    streets: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary)


class StreetLesson(Base):
    """A house that was seen: where a number of a street stands. Nothing here says who, when or why.

    `street` in canonical words, `taught_by` the runs it rests on: undoing any of them ends it (`known_to`). It is
    somebody's door: never exported, never drawn (docs/decisions/streets.md).
    """

    __tablename__ = "street_lesson"
    __table_args__ = (
        Index("ix_street_lesson_current", "id", postgresql_where=text("known_to IS NULL")),
        Index("ix_street_lesson_taught_by", "taught_by", postgresql_using="gin"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    street: Mapped[str]
    house: Mapped[str | None]
    geom: Mapped[Any] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    former_unit_id: Mapped[int | None] = mapped_column(ForeignKey("admin_unit.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("admin_unit.id"))
    district_id: Mapped[int | None] = mapped_column(ForeignKey("admin_unit.id"))
    known_from: Mapped[datetime]
    known_to: Mapped[datetime | None]
    taught_by: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
