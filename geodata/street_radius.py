"""Radii that hold the truth 9 times in 10, fitted on half of the streets of real addresses and checked on the others
(docs/methods/streets.md; `python -m bench.streets` fits and checks them anew).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from geodata.coordinates import METRES_PER_DEGREE
from geodata.types import Unit


class Method(StrEnum):
    """How a position was found; the words are for people."""

    SEEN = "Đúng nhà này đã được xác minh tại chỗ"
    KNOWN = "Số nhà đã biết trên đường này"
    BETWEEN = "Giữa hai số nhà đã biết trên đường này"
    BESIDE = "Gần số nhà đã biết trên đường này"
    IN_WARD = "Đoạn đường trong phường/xã đã ghi"
    NEAR_WARD = "Phần đường gần phường/xã đã ghi nhất"
    WHOLE = "Cả đường trong quận/huyện đã ghi"


class Evidence(NamedTuple):
    """What a radius depends on. `apart_m`: distance of the two numbers around the house, or how far the known points
    lie from the position (9 in 10). `numbers`: difference to the nearest number. `scatter_m`: by how much the
    street's own numbers miss the place their neighbours give them. `points`: known points it rests on."""

    method: Method
    apart_m: float
    numbers: int
    scatter_m: float
    points: int
    depth: int


FLOOR_M = 30.0
"""Two sources put one house 30 to 50 m apart (median); nothing finer can be claimed."""


def radius_m(evidence: Evidence, weights: Mapping[Method, tuple[float, ...]] | None = None) -> float:
    """Around a position found with `evidence`; `weights` (WEIGHTS) by feature."""
    terms = zip((weights or WEIGHTS)[evidence.method], features(evidence), strict=True)
    return FLOOR_M + sum(weight * value for weight, value in terms)


def features(evidence: Evidence) -> tuple[float, ...]:
    """(F,) what the radius is linear in, all ≥ 0."""
    return (
        1.0,
        evidence.apart_m,
        math.sqrt(evidence.numbers),
        evidence.scatter_m,
        1 / evidence.points,
        float(min(evidence.depth, 3)),
    )


WEIGHTS: Mapping[Method, tuple[float, ...]] = {
    Method.SEEN: (20.0, 0.0, 0.0, 0.0, 0.0, 0.0),  # [P]: no public row was measured at a door
    Method.KNOWN: (0.0, 0.0, 0.0, 0.73, 138.0, 40.0),
    Method.BETWEEN: (53.0, 0.09, 2.79, 0.78, 417.0, 180.0),
    Method.BESIDE: (0.0, 0.23, 62.7, 0.7, 301.0, 134.0),
    Method.IN_WARD: (0.0, 1.01, 0.0, 0.0, 1279.0, 0.0),
    Method.NEAR_WARD: (15.5, 0.94, 0.0, 0.0, 274.0, 0.0),
    Method.WHOLE: (0.0, 1.01, 0.0, 0.0, 1769.0, 0.0),
}


def unit_radius_m(unit: Unit) -> float | None:
    """Around the centre of a ward or commune, the radius that holds 9 in 10 of its addresses; None where neither its
    box nor its area is known."""
    if unit.bounds:
        west, south, east, north = unit.bounds
        width = (east - west) * math.cos(math.radians((south + north) / 2))
        return _OF_HALF_DIAGONAL * METRES_PER_DEGREE * math.hypot(width, north - south) / 2
    return ward_radius_m(unit.area_km2) if unit.area_km2 else None


def ward_radius_m(area_km2: float) -> float:
    """The same from the area alone; coarser (docs/methods/streets.md), so take `unit_radius_m` where there is a box."""
    return _OF_DISC * 1000 * math.sqrt(area_km2 / math.pi)


_OF_HALF_DIAGONAL = 0.72
"""Around the centres of `Gazetteer.centres`; steadier than the disc of an area guessed from the box."""
_OF_DISC = 1.2
