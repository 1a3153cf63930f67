"""The unit of a point somebody typed: by boundaries where there are any, else the old wards whose box it lies in."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable

from geodata.coordinates import Coordinates
from geodata.gazetteer import Gazetteer
from geodata.types import Candidate, Match, PlaceLevel, Unit, UnitKey, level_within

COORDINATES = "Tọa độ ghi trong ô địa chỉ"
SWAPPED = "Tọa độ ghi kinh độ trước vĩ độ: đã đổi lại"
OUTSIDE = "Tọa độ ở ngoài địa bàn hoặc trên biển: cần kiểm tra"

_MOST_CANDIDATES = 5

UnitAt = Callable[[float, float], UnitKey | None]
"""(lat, lon) → the commune of today there; None outside of all."""


def at_point(gazetteer: Gazetteer, point: Coordinates, areas: UnitAt | None) -> Match:
    """Without `areas` the unit stays open: of real points 83 in 100 lie in the likeliest candidate."""
    candidates = _by_boxes(gazetteer, point)
    unit = areas(point.lat, point.lon) if areas else None
    outside = unit is None and (areas is not None or not candidates)
    return Match(
        unit=unit,
        level=PlaceLevel.UNKNOWN if outside else level_within(point.precision_m),
        lat=point.lat,
        lon=point.lon,
        uncertainty_m=round(point.precision_m),
        rule=OUTSIDE if outside else SWAPPED if point.swapped else COORDINATES,
        candidates=() if unit or outside else candidates,
    )


def _by_boxes(gazetteer: Gazetteer, point: Coordinates) -> tuple[Candidate, ...]:
    """Communes of today that the old wards around the point became, nearer centres weighing more."""
    weights: dict[UnitKey, float] = defaultdict(float)
    for wards in gazetteer.wards.values():
        for ward in wards:
            if weight := _nearness(ward, point):
                for unit, share in gazetteer.shares[ward.key]:
                    weights[unit] += weight * share
    best = sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:_MOST_CANDIDATES]
    total = sum(weight for _, weight in best)
    return tuple(Candidate(unit, weight / total) for unit, weight in best)


def _nearness(ward: Unit, point: Coordinates) -> float:
    """0 outside the ward's box; inside, the inverse square of the distance to its centre in widths of the box."""
    if ward.bounds is None or ward.lat is None or ward.lon is None:
        return 0.0
    west, south, east, north = ward.bounds
    if not (west <= point.lon <= east and south <= point.lat <= north):
        return 0.0
    away = math.hypot((point.lon - ward.lon) / (east - west), (point.lat - ward.lat) / (north - south))
    return 1 / max(away, 0.05) ** 2
