"""A city on a grid with planted clusters, for the tests of what is scanned in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geodata.models import AdminUnit, UnitNeighbour
from surveillance.adjacency import Weights, adjacency_weights
from surveillance.clustering.placements import Part
from surveillance.clustering.settings import AllSettings, ClusterSettings, load_settings
from surveillance.clustering.watching import Clusters
from surveillance.clusters import City, Reported, reported_of
from surveillance.diseases import load_catalogue
from surveillance.lines import Lines
from surveillance.models import SourceFile
from surveillance.types import BoolArray, FloatArray
from tests.case_lines import TODAY, lines_of
from tests.line_list import CITY, Sick, add_cases, add_file, add_unit, evening

SIDE = 6
UNITS = tuple(range(101, 101 + SIDE * SIDE))
DAYS = 90
SETTINGS = replace(load_settings().default, replications=399, alarm_days=365)

Planted = Mapping[int, Sequence[int]]
"""Cases a day, up to today, of positions of communes, beside the ordinary ones."""


def grid_pairs() -> list[tuple[int, int]]:
    """Each commune with those left, right, above and below it."""
    sides = [(a, a + 1) for a in range(SIDE * SIDE) if a % SIDE < SIDE - 1]
    both = sides + [(a, a + SIDE) for a in range(SIDE * (SIDE - 1))]
    return both + [(b, a) for a, b in both]


def grid_city(*, without: Sequence[tuple[int, int]] = (), parts: Mapping[int, Part] | None = None) -> City:
    """Communes of a kilometre on a grid, 10,000 people each; `without` are borders that a river closes."""
    number = np.arange(SIDE * SIDE)
    closed = {*without, *((b, a) for a, b in without)}
    open_pairs = [pair for pair in grid_pairs() if pair not in closed]
    return City(
        points=np.column_stack((10.7 + 0.009 * (number // SIDE), 106.6 + 0.009 * (number % SIDE))),
        neighbours=neighbours_of(open_pairs),
        population=np.full(number.size, 10_000.0),
        parts=parts or {},
    )


def neighbours_of(pairs: Sequence[tuple[int, int]]) -> Weights:
    return adjacency_weights(range(SIDE * SIDE), pairs, row_standardised=False)


def city_lines(
    planted: Planted | None = None,
    *,
    seed: int = 1,
    per_day: float = 0.1,
    delay: FloatArray | float = 0.0,
    today: date = TODAY,
    days: int = DAYS,
) -> Lines:
    """Ordinary cases anywhere, any day, reported `delay` days later on average (Poisson), one mean a commune; of these
    only what is reported by `today`. Those `planted` are reported at once."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(per_day, (SIDE * SIDE, days))
    unit, day = np.nonzero(counts)
    unit, day = np.repeat(unit, counts[unit, day]), np.repeat(day, counts[unit, day])
    late = rng.poisson(np.broadcast_to(delay, (SIDE * SIDE,))[unit])
    seen = day + late < days
    first = today - timedelta(days=days - 1)
    rows = [
        (int(u), first + timedelta(days=int(d)), first + timedelta(days=int(d + k)))
        for u, d, k in zip(unit[seen], day[seen], late[seen], strict=True)
    ]
    for place, cases in (planted or {}).items():
        for back, number in enumerate(reversed(cases)):
            rows += [(place, today - timedelta(days=back), today - timedelta(days=back))] * number
    return lines_of(rows, units=UNITS)


def reported(lines: Lines, *, unknown: BoolArray | None = None, last: date = TODAY) -> Reported:
    """What is known of `lines` on the evening of `last`."""
    lost = np.zeros((len(UNITS), DAYS), dtype=bool) if unknown is None else unknown
    return reported_of(lines, 0, lost, last)


def with_settings(**changes: object) -> ClusterSettings:
    return replace(SETTINGS, **changes)  # type: ignore[arg-type]


# --- the same city in the database ----------------------------------------------------------------------------------

WARD = 14
"""The commune in whose middle clusters are planted, as a position."""
GROWING: Planted = {WARD: (2, 2, 2, 2, 2)}


def build_city(session: Session) -> list[int]:
    """A city whose source has told of dengue for a hundred days, a case or so a day in all."""
    city = add_unit(session, "79", level="province")
    ids = [add_unit(session, f"26{n:03d}", parent_id=city) for n in range(SIDE * SIDE)]
    session.add_all([UnitNeighbour(unit_id=ids[a], neighbour_id=ids[b]) for a, b in grid_pairs()])
    for unit, code in zip(
        session.scalars(select(AdminUnit).where(AdminUnit.id.in_(ids))), range(99), strict=False
    ):
        unit.lat, unit.lon = 10.7 + 0.009 * (code // SIDE), 106.6 + 0.009 * (code % SIDE)
    run = add_file(session, "hcdc", evening(TODAY - timedelta(days=100)))
    rng = np.random.default_rng(7)
    days = np.repeat(np.arange(-15, 100), 2)
    where = rng.integers(0, len(ids), days.size)
    ordinary = [
        Sick(day=TODAY - timedelta(days=int(back)), unit_id=ids[unit])
        for back, unit in zip(days, where, strict=True)
    ]
    add_cases(session, run, sorted(ordinary, key=lambda sick: sick.day))
    return ids


def watch(units: Sequence[int]) -> Clusters:
    return Clusters(
        catalogue=load_catalogue(), settings=AllSettings(default=SETTINGS, by_disease={}),
        diseases=["dengue"], unit_ids=units, timezone=CITY,
    )  # fmt: skip


def plant(
    session: Session, units: Sequence[int], planted: Planted, day: date = TODAY, **facts: Any
) -> list[int]:
    """Cases a day, up to `day`, in communes by position; returns their ids."""
    number = session.scalar(select(func.count()).select_from(SourceFile)) or 0
    run = add_file(session, "hcdc", evening(day) - timedelta(seconds=number))
    sick = [
        Sick(day=day - timedelta(days=back), unit_id=units[place], facts=facts or None)
        for place, numbers in planted.items()
        for back, number in enumerate(reversed(numbers))
        for _ in range(number)
    ]
    return add_cases(session, run, sick)
