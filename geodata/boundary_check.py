"""What is wrong with areas: invalid shapes (repaired), overlaps, and sizes against the official ones. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import shapely
from pyproj import Geod
from shapely import MultiPolygon

from geodata.types import Unit, UnitKey

_OVERLAP_KM2 = 0.01
_AREA_RATIO = (0.9, 1.1)
_GEOD = Geod(ellps="WGS84")


class Overlap(NamedTuple):
    first: UnitKey
    second: UnitKey
    km2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryCheck:
    """`areas` are valid now; `repaired` of them were not, those `vanished` had no area left. `ratios`: area over
    official area, where it is odd."""

    areas: Mapping[UnitKey, MultiPolygon]
    repaired: int
    vanished: tuple[UnitKey, ...]
    overlaps: tuple[Overlap, ...]
    ratios: Mapping[UnitKey, float]


def as_multi(area: shapely.Geometry) -> MultiPolygon:
    """The polygons of any geometry; repairing one may leave loose lines beside them."""
    if isinstance(area, MultiPolygon):
        return area
    polygons = [part for part in shapely.get_parts(area) if part.geom_type in ("Polygon", "MultiPolygon")]
    return MultiPolygon([p for part in polygons for p in shapely.get_parts(part)])


def check_boundaries(areas: Mapping[UnitKey, MultiPolygon], units: Iterable[Unit]) -> BoundaryCheck:
    """Repair what is invalid, then measure overlaps (over 0.01 km²) and areas against the official ones."""
    invalid = [key for key, area in areas.items() if not area.is_valid]
    mended = {**areas, **{key: as_multi(shapely.make_valid(areas[key])) for key in invalid}}
    areas = {key: area for key, area in mended.items() if area.area > 0}
    official = {unit.key: unit.area_km2 for unit in units}
    ratios = {key: _km2(area) / km2 for key, area in areas.items() if (km2 := official.get(key))}
    low, high = _AREA_RATIO
    return BoundaryCheck(
        areas=areas,
        repaired=sum(key in areas for key in invalid),
        vanished=tuple(key for key in mended if key not in areas),
        overlaps=tuple(sorted(_overlaps(areas), key=lambda overlap: -overlap.km2)),
        ratios={key: ratio for key, ratio in ratios.items() if not low <= ratio <= high},
    )


def _overlaps(areas: Mapping[UnitKey, MultiPolygon]) -> Iterator[Overlap]:
    keys, shapes = list(areas), list(areas.values())
    for first, second in zip(*shapely.STRtree(shapes).query(shapes, predicate="intersects"), strict=True):
        if first < second and (km2 := _km2(shapes[first].intersection(shapes[second]))) > _OVERLAP_KM2:
            yield Overlap(keys[first], keys[second], km2)


def _km2(area: shapely.Geometry) -> float:
    return abs(float(_GEOD.geometry_area_perimeter(as_multi(area))[0])) / 1e6
