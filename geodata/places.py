"""Read queries about places for screens: names, parents, extents."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session, aliased

from geodata.models import AdminUnit, Boundary
from geodata.releases import units_on
from geodata.text import fold
from geodata.types import UnitLevel

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A unit as a screen shows it. `bounds` is (west, south, east, north) in degrees; `parent` the name of what
    it lies in; `synthetic` None when nobody brought a boundary; `valid_to` None for a unit of today."""

    id: int
    code: str
    name: str
    short_name: str
    kind: str
    parent: str | None
    bounds: Bounds | None
    synthetic: bool | None
    valid_from: date | None = None
    valid_to: date | None = None


def communes_today(session: Session, within: Collection[int] | None = None) -> list[Place]:
    """The communes of today in the order of their names; only those in `within` when it is given."""
    query = _places().where(AdminUnit.level == UnitLevel.COMMUNE.value, AdminUnit.valid_to.is_(None))
    if within is not None:
        query = query.where(AdminUnit.id.in_(within))
    places = [_place(row) for row in session.execute(query)]
    return sorted(places, key=lambda p: fold(p.short_name))


def places_on(session: Session, on: date) -> list[Place]:
    """The smallest units of a day, in the order of their names."""
    query = _places().where(AdminUnit.id.in_(units_on(session, on)))
    return sorted((_place(row) for row in session.execute(query)), key=lambda p: fold(p.short_name))


def find_place(session: Session, unit_id: int) -> Place | None:
    row = session.execute(_places().where(AdminUnit.id == unit_id)).one_or_none()
    return _place(row) if row else None


def extent(places: Collection[Place]) -> Bounds | None:
    """The box around all `places` that have bounds; None when none has."""
    boxes = [p.bounds for p in places if p.bounds is not None]
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return min(west), min(south), max(east), max(north)


def boundaries_version(session: Session) -> str:
    """Changes whenever boundaries are imported: the key of everything drawn from them."""
    newest, count = session.execute(select(func.max(Boundary.imported_at), func.count())).one()
    return f"{count}-{newest.timestamp():.0f}" if newest else "0"


def _places() -> Select[*tuple[Any, ...]]:
    parent = aliased(AdminUnit)
    return (
        select(
            AdminUnit,
            parent.name.label("parent"),
            Boundary.synthetic,
            func.coalesce(func.ST_XMin(Boundary.geom), AdminUnit.west).label("west"),
            func.coalesce(func.ST_YMin(Boundary.geom), AdminUnit.south).label("south"),
            func.coalesce(func.ST_XMax(Boundary.geom), AdminUnit.east).label("east"),
            func.coalesce(func.ST_YMax(Boundary.geom), AdminUnit.north).label("north"),
        )
        .outerjoin(parent, parent.id == AdminUnit.parent_id)
        .outerjoin(Boundary, Boundary.unit_id == AdminUnit.id)
    )


def _place(row: Row[Any]) -> Place:
    unit: AdminUnit = row.AdminUnit
    box = (row.west, row.south, row.east, row.north)
    return Place(
        id=unit.id,
        code=unit.code,
        name=unit.name,
        short_name=unit.short_name,
        kind=unit.kind,
        parent=row.parent,
        bounds=None if None in box else box,
        synthetic=row.synthetic,
        valid_from=unit.valid_from,
        valid_to=unit.valid_to,
    )
