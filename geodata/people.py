"""People of the units of every release, carried over from those in which they were counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date

import numpy as np
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from geodata.models import AdminUnit, Population
from geodata.releases import crosswalk_between, first_days

CARRIED = "carried over from the units of {day}"
_ALL = 0.999


def renew_population(session: Session) -> None:
    """For each year in which the communes of a release were counted, write what the units of the other releases had,
    marked estimated.

    Only units that lie wholly in counted ones get a figure; it takes the place of an older estimate, never of a count.
    """
    by_detail = sorted(_counts(session).items(), key=lambda x: len(x[1]))  # the finest has the last word
    for (day, year), counted in by_detail:
        for other in first_days(session):
            if other != day:
                _carry(session, counted, day, year, other)


def store_counts(session: Session, counts: Mapping[int, Mapping[int, int]], source: str) -> None:
    """Replace people counted (not estimated) by year and unit id."""
    for year, persons in counts.items():
        replaced = Population.unit_id.in_(persons) & (Population.year == year)
        session.execute(delete(Population).where(replaced))
        rows = [
            {"unit_id": unit, "year": year, "persons": n, "source": source, "estimated": False}
            for unit, n in persons.items()
        ]
        if rows:
            session.execute(insert(Population), rows)


def _counts(session: Session) -> dict[tuple[date, int], dict[int, int]]:
    query = select(AdminUnit.valid_from, Population.year, AdminUnit.id, Population.persons).join(
        Population, Population.unit_id == AdminUnit.id
    )
    found: dict[tuple[date, int], dict[int, int]] = defaultdict(dict)
    for day, year, unit, persons in session.execute(
        query.where(Population.estimated.is_(False), AdminUnit.level == "commune")
    ):
        found[day, year][unit] = persons
    return found


def _carry(session: Session, counted: Mapping[int, int], day: date, year: int, other: date) -> None:
    there, back = crosswalk_between(session, day, other), crosswalk_between(session, other, day)
    known = np.array([unit in counted for unit in there.sources])
    persons = there.shares.T @ np.array([counted.get(unit, 0) for unit in there.sources], dtype=float)
    whole = back.shares @ np.append(known, False) >= _ALL
    estimates = {
        unit: round(float(persons[i])) for i, unit in enumerate(there.targets) if whole[i] and persons[i] > 0
    }
    brought = _brought(session, estimates, year)
    kept = {unit: n for unit, n in estimates.items() if unit not in brought}
    if kept:
        replaced = Population.unit_id.in_(kept) & (Population.year == year)
        session.execute(delete(Population).where(replaced))
        source = CARRIED.format(day=day.isoformat())
        rows = [
            {"unit_id": unit, "year": year, "persons": n, "source": source, "estimated": True}
            for unit, n in kept.items()
        ]
        session.execute(insert(Population), rows)


def _brought(session: Session, unit_ids: Collection[int], year: int) -> set[int]:
    """Units counted themselves that year."""
    query = select(Population.unit_id).where(
        Population.unit_id.in_(unit_ids), Population.year == year, Population.estimated.is_(False)
    )
    return set(session.scalars(query))


def persons_about(session: Session, unit_ids: Collection[int], year: int) -> dict[int, float]:
    """People of each unit in a year: between two known years in proportion, outside of them the nearest; units of
    which none is known are absent."""
    query = (
        select(Population.unit_id, Population.year, Population.persons)
        .where(Population.unit_id.in_(unit_ids))
        .order_by(Population.unit_id, Population.year)
    )
    known: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for unit, at, persons in session.execute(query):
        known[unit][0].append(at)
        known[unit][1].append(persons)
    return {unit: float(np.interp(year, years, counts)) for unit, (years, counts) in known.items()}
