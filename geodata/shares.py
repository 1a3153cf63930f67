"""Measures from imported areas and people which part of each unit went where, and writes it beside its lineage."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from geodata.crosswalk import Floats, Shapes, area_km2, overlap_km2, people_in
from geodata.lineage import WITH_SHARES
from geodata.models import AdminUnit, Boundary, Population, UnitLineage
from geodata.releases import first_days, links_between, units_on
from geodata.text import accent_key

OVERLAP = "overlap"
LEAST_SHARE = 0.02
"""Less of a unit than this in another is how two files draw one border, not a split
(docs/methods/units-through-time.md)."""
_MOSTLY = 0.5
_COVERED = 0.8

Areas = Mapping[int, shapely.Geometry]
Parts = dict[int, dict[int, float]]


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Areas in which people were counted, (N,) each."""

    shapes: Shapes
    persons: Floats


def renew_shares(session: Session) -> None:
    """Link and measure anew what lies between neighbouring releases. Links of the register and of lineage files stay,
    only their shares change.

    Units without any link are linked by overlap, or, where a boundary lacks, to the unit of the same code and name.
    """
    days = first_days(session)
    counted = _counted(session)
    for first, second in itertools.pairwise(days):
        olds, news = units_on(session, first), units_on(session, second)
        areas = surveyed(session, {*olds, *news})
        _renew_links(session, olds, news, areas)
        session.flush()
        _measure(links_between(session, olds, news), areas, counted)
    session.flush()


def surveyed(session: Session, unit_ids: Collection[int]) -> dict[int, shapely.Geometry]:
    """The areas (degrees) of those units that have a real boundary."""
    query = select(Boundary.unit_id, Boundary.geom).where(
        Boundary.synthetic.is_(False), Boundary.unit_id.in_(unit_ids)
    )
    return {unit: to_shape(geom) for unit, geom in session.execute(query)}


def _counted(session: Session) -> Counted:
    """Of the census with most units on the map: finer ones say better where people live inside a unit."""
    query = select(AdminUnit.valid_from, Population.year, AdminUnit.id, Population.persons).join(
        Population, Population.unit_id == AdminUnit.id
    )
    by_census: dict[object, dict[int, int]] = defaultdict(dict)
    for day, year, unit, persons in session.execute(
        query.where(Population.estimated.is_(False), AdminUnit.level == "commune")
    ):
        by_census[year, day][unit] = persons
    best = max(by_census.values(), key=len, default={})
    areas = surveyed(session, best)
    return Counted(
        shapes=_array(areas.values()), persons=np.array([best[unit] for unit in areas], dtype=float)
    )


def _renew_links(session: Session, olds: Sequence[int], news: Sequence[int], areas: Areas) -> None:
    between = UnitLineage.old_id.in_(olds) & UnitLineage.new_id.in_(news)
    session.execute(delete(UnitLineage).where(between, UnitLineage.basis == OVERLAP))
    linked = {link.old_id for link in links_between(session, olds, news)} | (set(olds) & set(news))
    free = [unit for unit in olds if unit not in linked]
    found = _by_overlap(_some(areas, free), _some(areas, news))
    by_name = _by_code_and_name(session, [unit for unit in free if unit not in found], news)
    session.add_all(
        UnitLineage(
            old_id=old,
            new_id=new,
            split=len(parts) > 1,
            is_default=part == max(parts.values()),
            basis=OVERLAP,
        )
        for old, parts in {**found, **by_name}.items()
        for new, part in parts.items()
    )


def _by_overlap(olds: Areas, news: Areas) -> Parts:
    """The parts of each old area that lie in new ones, slivers left out; an area mostly outside of them has none."""
    whole = dict(zip(olds, area_km2(_array(olds.values())), strict=True))
    found = {}
    for old, parts in _overlaps(olds, news).items():
        kept = {new: km2 / whole[old] for new, km2 in parts.items() if km2 >= LEAST_SHARE * whole[old]}
        if sum(kept.values()) >= _MOSTLY:
            found[old] = kept
    return found


def _by_code_and_name(session: Session, olds: Collection[int], news: Collection[int]) -> Parts:
    query = select(AdminUnit.id, AdminUnit.code, AdminUnit.name)
    there = {(x.code, accent_key(x.name)): x.id for x in session.execute(query.where(AdminUnit.id.in_(news)))}
    here = [
        (x.id, (x.code, accent_key(x.name))) for x in session.execute(query.where(AdminUnit.id.in_(olds)))
    ]
    return {unit: {there[key]: 1.0} for unit, key in here if key in there}


def _measure(links: Sequence[UnitLineage], areas: Areas, counted: Counted) -> None:
    """Shares by people where they were counted, else by area; shares that a file brought are kept."""
    by_old, by_new = _grouped(links)
    for group in by_old.values():
        if any(link.basis != WITH_SHARES for link in group):
            for link, share in zip(group, _shares(group, areas, counted), strict=True):
                link.share = share
    drawn = [unit for unit in by_old if unit in areas]
    shapes = _array(areas[unit] for unit in drawn)
    people = people_in(shapes, counted.shapes, counted.persons)
    persons = {unit: n for unit, n in zip(drawn, people, strict=True) if np.isfinite(n)}
    km2 = dict(zip(drawn, area_km2(shapes), strict=True))
    for group in by_new.values():
        for link, share in zip(group, _back_shares(group, persons, km2), strict=True):
            link.back_share = share


def _grouped(
    links: Iterable[UnitLineage],
) -> tuple[dict[int, list[UnitLineage]], dict[int, list[UnitLineage]]]:
    by_old: dict[int, list[UnitLineage]] = defaultdict(list)
    by_new: dict[int, list[UnitLineage]] = defaultdict(list)
    for link in links:
        by_old[link.old_id].append(link)
        by_new[link.new_id].append(link)
    return by_old, by_new


def _shares(group: Sequence[UnitLineage], areas: Areas, counted: Counted) -> Sequence[float | None]:
    """Of one old unit among its successors; None where the map draws much of it elsewhere and so contradicts them."""
    if len(group) == 1:
        return [1.0]
    if not all(unit in areas for link in group for unit in (link.old_id, link.new_id)):
        return [None] * len(group)
    old = areas[group[0].old_id]
    pieces = _array(shapely.intersection(old, areas[link.new_id]) for link in group)
    if area_km2(pieces).sum() < _COVERED * area_km2(_array([old]))[0]:
        return [None] * len(group)
    people = people_in(pieces, counted.shapes, counted.persons)
    weights = people if people.sum() > 0 else area_km2(pieces)  # NaN, not counted everywhere, is not above 0
    return list(weights / weights.sum()) if weights.sum() > 0 else [None] * len(group)


def _back_shares(
    group: Sequence[UnitLineage], persons: Mapping[int, float], km2: Mapping[int, float]
) -> Sequence[float | None]:
    """Of one new unit among those it came from, by their people, else their area, times the part that went there."""
    if len(group) == 1:
        return [1.0]
    for size in (persons, km2):
        if all(link.old_id in size and link.share is not None for link in group):
            weights = np.array([size[link.old_id] * (link.share or 0.0) for link in group])
            return list(weights / weights.sum()) if weights.sum() > 0 else [None] * len(group)
    return [None] * len(group)


def _overlaps(first: Areas, second: Areas) -> Parts:
    """km² by unit of `first` and unit of `second`."""
    a, b = list(first), list(second)
    found: Parts = defaultdict(dict)
    for i, j, km2 in overlap_km2(_array(first.values()), _array(second.values())):
        found[a[i]][b[j]] = km2
    return found


def _some(areas: Areas, units: Iterable[int]) -> Areas:
    return {unit: areas[unit] for unit in units if unit in areas}


def _array(shapes: Iterable[shapely.Geometry]) -> Shapes:
    listed = list(shapes)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array
