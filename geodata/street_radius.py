"""Radii that hold the truth 9 times in 10, fitted on half of the streets of real addresses and checked on the others
(docs/methods/streets.md; `python -m bench.streets` fits and checks them anew).
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NamedTuple


class Method(StrEnum):
    """How a position was found; the words are for people."""

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


_FLOOR_M = 30.0


def radius_m(evidence: Evidence) -> float:
    return _FLOOR_M + sum(
        weight * value for weight, value in zip(WEIGHTS[evidence.method], features(evidence), strict=True)
    )


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


WEIGHTS: dict[Method, tuple[float, ...]] = {
    Method.KNOWN: (0.0, 0.0, 0.0, 0.43, 223.0, 400.0),
    Method.BETWEEN: (0.0, 0.02, 5.8, 0.94, 909.0, 191.0),
    Method.BESIDE: (0.0, 0.14, 66.0, 0.95, 467.0, 989.0),
    Method.IN_WARD: (0.0, 1.01, 0.0, 0.0, 1491.0, 0.0),
    Method.NEAR_WARD: (0.0, 1.03, 0.0, 0.0, 208.0, 0.0),
    Method.WHOLE: (0.0, 0.97, 0.0, 0.0, 2373.0, 0.0),
}


def ward_radius_m(area_km2: float) -> float:
    """Around the centre of a ward of this area, the radius that holds 9 in 10 of its addresses."""
    return 1000 * WARD_FACTOR * math.sqrt(area_km2 / math.pi)


WARD_FACTOR = 1.3
