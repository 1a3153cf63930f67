"""Units, their past, their people and their neighbours in the database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import case, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from geodata.gazetteer import Gazetteer
from geodata.models import AdminUnit, Boundary, Population, UnitLineage, UnitNeighbour
from geodata.population import read_totals, spread
from geodata.registry import Registry, successor_shares
from geodata.types import Lineage, Unit, UnitKey, UnitLevel

_LEVELS = (UnitLevel.PROVINCE, UnitLevel.DISTRICT, UnitLevel.COMMUNE)


def load_units(session: Session, registry: Registry) -> dict[UnitKey, int]:
    """Bring units and lineage of `registry` into the database and return the ids; ids of units already there
    stay.

    Running it again changes nothing. Units the registry does not hold are left alone.
    """
    ids: dict[UnitKey, int] = {}
    for level in _LEVELS:
        rows = [_row(unit, ids) for unit in registry.units if unit.key.level is level]
        if rows:
            ids |= _upsert(session, rows)
    _renew_lineage(session, [_lineage_row(link, ids) for link in registry.lineage])
    session.expire_all()
    return ids


def _upsert(session: Session, rows: list[dict[str, Any]]) -> dict[UnitKey, int]:
    statement = insert(AdminUnit)
    identity = ("level", "code", "valid_from")
    changed = {name: statement.excluded[name] for name in rows[0] if name not in identity}
    result = session.execute(
        statement.on_conflict_do_update(index_elements=identity, set_=changed).returning(
            AdminUnit.level, AdminUnit.code, AdminUnit.valid_from, AdminUnit.id
        ),
        rows,
    )
    return {UnitKey(UnitLevel(row.level), row.code, row.valid_from): row.id for row in result}


def _renew_lineage(session: Session, rows: list[dict[str, Any]]) -> None:
    """The links of these old units, with the shares that were measured for those that stay."""
    if not rows:
        return
    pairs = [(row["old_id"], row["new_id"]) for row in rows]
    gone = UnitLineage.old_id.in_({old for old, _new in pairs})
    session.execute(
        delete(UnitLineage).where(gone, tuple_(UnitLineage.old_id, UnitLineage.new_id).not_in(pairs))
    )
    statement = insert(UnitLineage)
    changed = {name: statement.excluded[name] for name in ("split", "is_default")}
    session.execute(statement.on_conflict_do_update(index_elements=["old_id", "new_id"], set_=changed), rows)


def load_population(session: Session, registry: Registry, path: Path) -> None:
    """Replace the people per commune of today by estimates from the totals in `path` (`population.spread`).
    Raises PopulationError."""
    totals = read_totals(path)
    ids = unit_ids(session)
    year = max(total.year for total in totals)
    source = "; ".join(dict.fromkeys(total.source for total in totals))
    rows = [
        {"unit_id": ids[key], "year": year, "persons": round(persons), "source": source, "estimated": True}
        for key, persons in spread(totals, registry).items()
    ]
    session.execute(delete(Population).where(Population.unit_id.in_([row["unit_id"] for row in rows])))
    session.execute(insert(Population), rows)


def unit_ids(session: Session) -> dict[UnitKey, int]:
    """The id of every unit, to turn a `Match` into rows."""
    return {unit_key(unit): unit.id for unit in session.scalars(select(AdminUnit))}


def unit_key(unit: AdminUnit) -> UnitKey:
    return UnitKey(UnitLevel(unit.level), unit.code, unit.valid_from)


def units_for(session: Session, province_code: str, on: date) -> list[AdminUnit]:
    """The communes of a province as they stood on a day, by code. Before the registry's first day: none."""
    parent, grandparent = aliased(AdminUnit), aliased(AdminUnit)
    query = (
        select(AdminUnit)
        .join(parent, parent.id == AdminUnit.parent_id)
        .outerjoin(grandparent, grandparent.id == parent.parent_id)
        .where(
            AdminUnit.level == UnitLevel.COMMUNE.value,
            AdminUnit.valid_from <= on,
            AdminUnit.valid_to.is_(None) | (AdminUnit.valid_to > on),
            ((parent.level == UnitLevel.PROVINCE.value) & (parent.code == province_code))
            | ((grandparent.level == UnitLevel.PROVINCE.value) & (grandparent.code == province_code)),
        )
        .order_by(AdminUnit.code)
    )
    return list(session.scalars(query))


def successors(session: Session, unit_id: int) -> list[AdminUnit]:
    """What a former unit became, the default successor first; empty for a unit of today."""
    query = (
        select(AdminUnit)
        .join(UnitLineage, UnitLineage.new_id == AdminUnit.id)
        .where(UnitLineage.old_id == unit_id)
        .order_by(UnitLineage.is_default.desc(), AdminUnit.code)
    )
    return list(session.scalars(query))


def neighbours(session: Session, unit_id: int) -> list[AdminUnit]:
    """Units of the same time whose boundary touches this one's, by code."""
    query = (
        select(AdminUnit)
        .join(UnitNeighbour, UnitNeighbour.neighbour_id == AdminUnit.id)
        .where(UnitNeighbour.unit_id == unit_id)
        .order_by(AdminUnit.code)
    )
    return list(session.scalars(query))


def neighbour_pairs(session: Session, unit_ids: Collection[int]) -> list[tuple[int, int]]:
    """(unit, neighbour) of those whose boundaries touch, both of `unit_ids`."""
    inside = UnitNeighbour.unit_id.in_(unit_ids) & UnitNeighbour.neighbour_id.in_(unit_ids)
    query = select(UnitNeighbour.unit_id, UnitNeighbour.neighbour_id).where(inside)
    return [(unit, neighbour) for unit, neighbour in session.execute(query)]


def codes_of(session: Session, unit_ids: Collection[int]) -> dict[int, str]:
    """The official code of each unit."""
    query = select(AdminUnit.id, AdminUnit.code).where(AdminUnit.id.in_(unit_ids))
    return {row.id: row.code for row in session.execute(query)}


def centres_of(session: Session, unit_ids: Collection[int]) -> dict[int, tuple[float, float]]:
    """Latitude and longitude of a point inside each unit's boundary, else of the register's point; units with neither
    are absent."""
    inside = func.ST_PointOnSurface(Boundary.geom)
    query = (
        select(
            AdminUnit.id,
            func.coalesce(func.ST_Y(inside), AdminUnit.lat).label("lat"),
            func.coalesce(func.ST_X(inside), AdminUnit.lon).label("lon"),
        )
        .outerjoin(Boundary, Boundary.unit_id == AdminUnit.id)
        .where(AdminUnit.id.in_(unit_ids))
    )
    found = session.execute(query)
    return {row.id: (row.lat, row.lon) for row in found if None not in (row.lat, row.lon)}


def split_units(session: Session, unit_ids: Collection[int]) -> dict[int, list[tuple[int, float]]]:
    """Old units that were split among several of `unit_ids`: these, with the share that each took of what they took
    together (`registry.successor_shares`)."""
    new, old = aliased(AdminUnit), aliased(AdminUnit)
    query = (
        select(UnitLineage, new, old)
        .join(new, new.id == UnitLineage.new_id)
        .join(old, old.id == UnitLineage.old_id)
        .where(UnitLineage.split, UnitLineage.new_id.in_(unit_ids))
        .order_by(new.code)
    )
    ids: dict[UnitKey, int] = {}
    links = []
    for link, successor, former in session.execute(query):
        keys = unit_key(former), unit_key(successor)
        ids |= dict(zip(keys, (former.id, successor.id), strict=True))
        links.append(Lineage(old=keys[0], new=keys[1], split=True, is_default=link.is_default))
    return {
        ids[key]: [(ids[part.unit], part.share) for part in parts]
        for key, parts in successor_shares(links).items()
        if len(parts) > 1
    }


def persons_in(session: Session, unit_ids: Collection[int]) -> dict[int, int]:
    """People of each unit in the newest year known; units of which none is known are absent."""
    query = (
        select(Population.unit_id, Population.persons)
        .where(Population.unit_id.in_(unit_ids))
        .order_by(Population.unit_id, Population.year)
    )
    return {row.unit_id: row.persons for row in session.execute(query)}


def province_of(session: Session, unit_ids: Collection[int]) -> int | None:
    """The province that holds all of these communes; None when there is none, or more than one."""
    parent, grandparent = aliased(AdminUnit), aliased(AdminUnit)
    above = case((parent.level == UnitLevel.PROVINCE.value, parent.id), else_=grandparent.id)
    query = (
        select(above)
        .select_from(AdminUnit)
        .outerjoin(parent, parent.id == AdminUnit.parent_id)
        .outerjoin(grandparent, grandparent.id == parent.parent_id)
        .where(AdminUnit.id.in_(unit_ids))
        .distinct()
    )
    found = list(session.scalars(query))
    return found[0] if len(found) == 1 else None


def stored_registry(session: Session) -> Registry:
    """Units and lineage as they are in the database."""
    rows = list(session.scalars(select(AdminUnit)))
    keys = {row.id: unit_key(row) for row in rows}
    links = session.scalars(select(UnitLineage))
    return Registry(
        units=tuple(_unit(row, keys) for row in rows),
        lineage=tuple(
            Lineage(old=keys[x.old_id], new=keys[x.new_id], split=x.split, is_default=x.is_default)
            for x in links
        ),
    )


def gazetteer_for(session: Session, province_codes: Collection[str]) -> Gazetteer:
    """The names of a deployment's units, from the database. Build it once per run, not per case."""
    registry = stored_registry(session)
    return Gazetteer.build(registry.units, registry.lineage, province_codes=province_codes)


def _row(unit: Unit, ids: dict[UnitKey, int]) -> dict[str, Any]:
    west, south, east, north = unit.bounds or (None, None, None, None)
    return {
        "level": unit.key.level.value,
        "code": unit.key.code,
        "valid_from": unit.key.valid_from,
        "valid_to": unit.valid_to,
        "name": unit.name,
        "short_name": unit.short_name,
        "kind": unit.kind,
        "parent_id": ids[unit.parent] if unit.parent else None,
        "lat": unit.lat,
        "lon": unit.lon,
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "area_km2": unit.area_km2,
        "aliases": list(unit.aliases),
    }


def _lineage_row(link: Lineage, ids: dict[UnitKey, int]) -> dict[str, Any]:
    return {
        "old_id": ids[link.old],
        "new_id": ids[link.new],
        "split": link.split,
        "is_default": link.is_default,
    }


def _unit(row: AdminUnit, keys: dict[int, UnitKey]) -> Unit:
    bounds = None
    if row.west is not None and row.south is not None and row.east is not None and row.north is not None:
        bounds = (row.west, row.south, row.east, row.north)
    return Unit(
        key=keys[row.id],
        name=row.name,
        short_name=row.short_name,
        kind=row.kind,
        valid_to=row.valid_to,
        parent=keys[row.parent_id] if row.parent_id else None,
        lat=row.lat,
        lon=row.lon,
        bounds=bounds,
        area_km2=row.area_km2,
        aliases=tuple(row.aliases),
    )
