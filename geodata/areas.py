"""Surveyed boundaries in memory: is a measured point where it is said to be? Generated ones prove nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import cos, radians

import shapely
from geoalchemy2.shape import to_shape
from shapely import Geometry, STRtree
from sqlalchemy import select
from sqlalchemy.orm import Session

from geodata.coordinates import METRES_PER_DEGREE
from geodata.models import AdminUnit, Boundary


@dataclass(frozen=True, kw_only=True)
class Areas:
    """Areas of units (degrees, WGS 84) by their id; empty where nobody brought boundaries."""

    by_unit: Mapping[int, Geometry]

    def far_outside(self, unit_id: int, lon: float, lat: float, metres: float) -> bool:
        """Whether the point lies more than `metres` outside the unit; False where its boundary is not known."""
        area = self.by_unit.get(unit_id)
        if area is None:
            return False
        degrees = metres / (METRES_PER_DEGREE * cos(radians(lat)))
        return not shapely.dwithin(area, shapely.Point(lon, lat), degrees)

    def nowhere(self, lon: float, lat: float, metres: float) -> bool:
        """Whether boundaries are known and none of them lies within `metres`: at sea, or in another province."""
        if not self.by_unit:
            return False
        degrees = metres / (METRES_PER_DEGREE * cos(radians(lat)))
        found = self._tree.query(shapely.Point(lon, lat), predicate="dwithin", distance=degrees)
        return len(found) == 0

    def unit_at(self, lon: float, lat: float) -> int | None:
        """The one unit the point lies in; None outside of all, and where two overlap."""
        found = self._tree.query(shapely.Point(lon, lat), predicate="within")
        return list(self.by_unit)[found[0]] if len(found) == 1 else None

    @cached_property
    def _tree(self) -> STRtree:
        return STRtree(list(self.by_unit.values()))


def surveyed_land(session: Session, *, beyond_m: float) -> Geometry | None:
    """All areas together (degrees, WGS 84) and `beyond_m` around them; None unless every boundary is surveyed."""
    if session.scalar(select(Boundary.unit_id).where(Boundary.synthetic).limit(1)) is not None:
        return None
    areas = list(surveyed_areas(session).by_unit.values())
    if not areas:
        return None
    margin = beyond_m / METRES_PER_DEGREE
    coarse = shapely.simplify(areas, margin / 10)
    return shapely.union_all(shapely.buffer(coarse, margin, quad_segs=4)).simplify(margin / 10)


def surveyed_areas(session: Session) -> Areas:
    """Of the units of today: areas of other times overlap them."""
    query = (
        select(Boundary.unit_id, Boundary.geom)
        .join(AdminUnit, AdminUnit.id == Boundary.unit_id)
        .where(Boundary.synthetic.is_(False), AdminUnit.valid_to.is_(None))
    )
    areas = {unit_id: to_shape(geom) for unit_id, geom in session.execute(query)}
    shapely.prepare(list(areas.values()))
    return Areas(by_unit=areas)
