"""A city on a grid with planted clusters, for the tests of what is scanned in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from surveillance.adjacency import Weights, adjacency_weights
from surveillance.clustering.placements import Part
from surveillance.clustering.settings import ClusterSettings, load_settings
from surveillance.clusters import City, Reported, reported_of
from surveillance.lines import Lines
from surveillance.types import BoolArray, FloatArray
from tests.case_lines import TODAY, lines_of

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
