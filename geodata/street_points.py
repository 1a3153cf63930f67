"""What is known of streets, one point at a time: houses with their numbers, points of streets' lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from itertools import pairwise
from typing import NamedTuple

from geodata.coordinates import METRES_PER_DEGREE
from geodata.types import UnitKey

STEP_M = 40.0
"""Lines are kept as points this far apart: nearer than houses of neighbours are told apart by their numbers."""


class Source(IntEnum):
    """Where a point comes from, best first."""

    VERIFIED = 0
    HOUSE = 1
    LINE = 2
    NAME = 3


class StreetPoint(NamedTuple):
    """A point of a street (degrees, WGS 84) and the units it lies in, as far as they are known. `street` in any
    writing; `house` as written. Without a position it says only that the district has such a street."""

    street: str
    lat: float | None = None
    lon: float | None = None
    house: str | None = None
    former: UnitKey | None = None
    today: UnitKey | None = None
    district: UnitKey | None = None
    source: Source = Source.HOUSE


class StreetSegment(NamedTuple):
    """A piece of a street's line, (lat, lon) of each vertex, within one ward. `first` and `last` are the house numbers
    at its ends where they are known."""

    street: str
    line: Sequence[tuple[float, float]]
    former: UnitKey | None = None
    today: UnitKey | None = None
    district: UnitKey | None = None
    first: int | None = None
    last: int | None = None


def distance_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Between two (lat, lon) less than some 100 km apart."""
    east = (b[1] - a[1]) * math.cos(math.radians((a[0] + b[0]) / 2))
    return METRES_PER_DEGREE * math.hypot(b[0] - a[0], east)


def points_along(segment: StreetSegment) -> Iterator[StreetPoint]:
    """The segment as points at most STEP_M apart; with numbers at its two ends where it has a range."""
    place = (segment.former, segment.today, segment.district)
    for lat, lon in _densified(segment.line):
        yield StreetPoint(segment.street, lat, lon, None, *place, Source.LINE)
    if segment.line and segment.first is not None and segment.last is not None:
        for number, (lat, lon) in ((segment.first, segment.line[0]), (segment.last, segment.line[-1])):
            yield StreetPoint(segment.street, lat, lon, str(number), *place, Source.LINE)


def points_of(known: Iterable[StreetPoint | StreetSegment]) -> Iterator[StreetPoint]:
    for item in known:
        if isinstance(item, StreetSegment):
            yield from points_along(item)
        else:
            yield item


def _densified(line: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    yield from line[:1]
    for a, b in pairwise(line):
        steps = max(1, math.ceil(distance_m(a, b) / STEP_M))
        for i in range(1, steps + 1):
            yield a[0] + (b[0] - a[0]) * i / steps, a[1] + (b[1] - a[1]) * i / steps
