"""Boundary releases: the units of one day with their areas, and how counts go from one release to another.

A release is named by the first day of its units. Those of the register (in Viet Nam 1 January and 1 July 2025) are
there from the start; older ones come with a boundary file (`boundaries.import_boundaries`).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, any_, cast, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from geodata.crosswalk import Crosswalk, compose, from_links, identity, stacked
from geodata.models import AdminUnit, Boundary, BoundaryRelease, UnitLineage
from geodata.registry import DEFAULT_WEIGHT
from geodata.types import Candidate, UnitKey, UnitLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """`on` is its first day, `until` the first day it no longer holds (None: today's). `units` of it `drawn` have
    a surveyed boundary."""

    on: date
    until: date | None
    name: str | None
    units: int
    drawn: int


Link = tuple[int, int, float]

_LEAVES = """
    SELECT u.id, u.valid_from, u.valid_to FROM admin_unit u
    WHERE u.level = 'commune' OR (u.level = 'district' AND NOT EXISTS (
        SELECT 1 FROM admin_unit ward WHERE ward.parent_id = u.id AND ward.level = 'commune'))
"""
"""The smallest units of their time: an island district has no communes."""


def releases(session: Session) -> list[Release]:
    """All releases, today's first."""
    query = text(
        f"""
        WITH leaf AS ({_LEAVES}),
        day AS (SELECT DISTINCT valid_from AS first FROM admin_unit WHERE level = 'commune')
        SELECT day.first, r.name, count(*) AS units, count(b.unit_id) AS drawn
        FROM day
        JOIN leaf ON leaf.valid_from <= day.first AND (leaf.valid_to IS NULL OR leaf.valid_to > day.first)
        LEFT JOIN boundary b ON b.unit_id = leaf.id AND NOT b.synthetic
        LEFT JOIN boundary_release r ON r.on_date = day.first
        GROUP BY day.first, r.name ORDER BY day.first DESC
        """
    )
    found: list[Release] = []
    for row in session.execute(query):
        until = found[-1].on if found else None
        found.append(Release(on=row.first, until=until, name=row.name, units=row.units, drawn=row.drawn))
    return found


def find_release(session: Session, chosen: str | date | None) -> Release | None:
    """The release of this name or first day (ISO), or else the one that held on that day; None for anything else,
    today's for None."""
    known = releases(session)
    if chosen is None:
        return known[0] if known else None
    if named := next((release for release in known if chosen == release.name), None):
        return named
    try:
        on = chosen if isinstance(chosen, date) else date.fromisoformat(chosen)
    except ValueError:
        return None
    return next((release for release in known if release.on <= on), None)


def release_before(session: Session, release: Release | None) -> Release | None:
    """The release that ended when this one began."""
    return next((x for x in releases(session) if release and x.until == release.on), None)


def units_on(session: Session, on: date) -> tuple[int, ...]:
    """The smallest units of a day, by id."""
    query = text(
        f"SELECT id FROM ({_LEAVES}) leaf WHERE valid_from <= :on AND (valid_to IS NULL OR valid_to > :on) ORDER BY id"
    )
    return tuple(session.scalars(query, {"on": on}))


def drawn_units(session: Session, on: date) -> set[int]:
    """The smallest units of a day that a map shows: those with a real boundary, or with a generated one where nobody
    brought any."""
    query = select(Boundary.unit_id, Boundary.synthetic).where(Boundary.unit_id.in_(units_on(session, on)))
    found = {row.unit_id: row.synthetic for row in session.execute(query)}
    real = {unit for unit, synthetic in found.items() if not synthetic}
    return real or set(found)


def all_leaves(session: Session) -> list[int]:
    """The smallest units of all times."""
    return list(session.scalars(text(f"SELECT id FROM ({_LEAVES}) leaf ORDER BY id")))


def first_days(session: Session) -> list[date]:
    """The first days of all releases, the oldest first."""
    return list(
        session.scalars(text("SELECT DISTINCT valid_from FROM admin_unit WHERE level = 'commune' ORDER BY 1"))
    )


def crosswalk_between(session: Session, source: date, target: date) -> Crosswalk:
    """From the units of one release to those of another, step by step through those between."""
    days = [day for day in first_days(session) if min(source, target) <= day <= max(source, target)]
    units = {day: units_on(session, day) for day in days}
    if source == target:
        return identity(units[source])
    if source < target:
        steps = [_forward(session, units[a], units[b]) for a, b in itertools.pairwise(days)]
    else:
        back = list(reversed(days))
        steps = [_backward(session, units[a], units[b]) for a, b in itertools.pairwise(back)]
    return reduce(compose, steps)


def crosswalk_to(session: Session, unit_ids: Collection[int], target: date) -> Crosswalk:
    """From any units, each of its own time, to those of a release."""
    query = select(AdminUnit.id, AdminUnit.valid_from).where(AdminUnit.id.in_(unit_ids))
    by_day: dict[date, set[int]] = defaultdict(set)
    for unit, day in session.execute(query):
        by_day[day].add(unit)
    walks = [(crosswalk_between(session, day, target), units) for day, units in sorted(by_day.items())]
    return stacked([walk.only(units) for walk, units in walks], units_on(session, target))


def older_successors(session: Session) -> dict[UnitKey, tuple[Candidate, ...]]:
    """Units of today, with shares, that the units of releases brought by files went into; none for one that lies
    elsewhere."""
    days = first_days(session)
    brought = session.scalars(select(BoundaryRelease.on_date))
    walks = [crosswalk_between(session, day, days[-1]) for day in brought]
    query = select(AdminUnit.id, AdminUnit.level, AdminUnit.code, AdminUnit.valid_from)
    keys = {row.id: UnitKey(UnitLevel(row.level), row.code, row.valid_from) for row in session.execute(query)}
    return {
        keys[unit]: tuple(Candidate(keys[target], share) for target, share in walk.row(unit).items())
        for walk in walks
        for unit in walk.sources
    }


def links_between(session: Session, olds: Sequence[int], news: Sequence[int]) -> list[UnitLineage]:
    """What is known of how units of one release went into those of the next."""
    query = select(UnitLineage).where(_among(UnitLineage.old_id, olds), _among(UnitLineage.new_id, news))
    return list(session.scalars(query.order_by(UnitLineage.old_id, UnitLineage.new_id)))


def _among(column: Any, units: Sequence[int]) -> ColumnElement[bool]:
    return column == any_(cast(list(units), ARRAY(BigInteger)))


def _forward(session: Session, olds: Sequence[int], news: Sequence[int]) -> Crosswalk:
    links = _forward_links(links_between(session, olds, news))
    stayed = [(unit, unit, 1.0) for unit in set(olds) & set(news)]
    return from_links(olds, news, [*links, *stayed])


def _forward_links(links: Collection[UnitLineage]) -> Iterator[Link]:
    """Measured shares where all of a unit are; else the default successor weighs more (`registry.DEFAULT_WEIGHT`)."""
    measured = _complete((x.old_id, x.share) for x in links)
    weights = [
        (x.share or 0.0) if x.old_id in measured else DEFAULT_WEIGHT if x.is_default else 1.0 for x in links
    ]
    totals: dict[int, float] = defaultdict(float)
    for x, weight in zip(links, weights, strict=True):
        totals[x.old_id] += weight
    for x, weight in zip(links, weights, strict=True):
        yield x.old_id, x.new_id, weight / (totals[x.old_id] or 1.0)


def _backward(session: Session, news: Sequence[int], olds: Sequence[int]) -> Crosswalk:
    links = links_between(session, olds, news)
    measured = _complete((x.new_id, x.back_share) for x in links)
    forward = {(old, new): share for old, new, share in _forward_links(links)}
    back = [
        (x.new_id, x.old_id, (x.back_share if x.new_id in measured else forward[x.old_id, x.new_id]) or 0.0)
        for x in links
    ]
    stayed = [(unit, unit, 1.0) for unit in set(olds) & set(news)]
    return from_links(news, olds, [*back, *stayed])


def _complete(shares: Iterable[tuple[int, float | None]]) -> set[int]:
    """The units of which every share is known."""
    known: dict[int, bool] = {}
    for unit, share in shares:
        known[unit] = known.get(unit, True) and share is not None
    return {unit for unit, all_known in known.items() if all_known}
