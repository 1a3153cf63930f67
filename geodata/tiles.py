"""Vector tiles of the communes (Mapbox Vector Tile by ST_AsMVT), simplified per zoom without gaps.

Neighbours are simplified together (`shapely.coverage_simplify`), else slivers open between them. A tile has
three layers: `units` (polygons), `unit_borders` (each border once) and `unit_labels` (one point per unit, so
that no label repeats at a tile's edge). Feature ids are unit ids.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import date
from threading import Lock

import numpy as np
import shapely
from geoalchemy2.functions import ST_AsBinary
from numpy.typing import NDArray
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geodata.mercator import HALF_WORLD_M, METRES_PER_PIXEL, mercator
from geodata.models import AdminUnit, Boundary
from geodata.places import boundaries_version
from geodata.releases import drawn_units
from geodata.types import UnitLevel

MAX_ZOOM = 12
"""The map enlarges tiles of this zoom for anything nearer."""

_KEPT_TILES = 2000
_KEPT_RELEASES = 4

_SQL = text(
    """
    WITH env AS (SELECT ST_TileEnvelope(:z, :x, :y) AS box),
    units AS (
      SELECT u.id, u.name, ST_AsMVTGeom(ST_GeomFromWKB(u.shape, 3857), env.box, 4096, 64, true) AS geom
      FROM env,
        unnest(CAST(:ids AS bigint[]), CAST(:names AS text[]), CAST(:shapes AS bytea[])) AS u(id, name, shape)
    ),
    labels AS (
      SELECT u.id, u.name, ST_AsMVTGeom(ST_GeomFromWKB(u.point, 3857), env.box, 4096, 0, true) AS geom
      FROM env,
        unnest(CAST(:ids AS bigint[]), CAST(:names AS text[]), CAST(:points AS bytea[])) AS u(id, name, point)
    ),
    borders AS (
      SELECT ST_AsMVTGeom(ST_GeomFromWKB(b.line, 3857), env.box, 4096, 64, true) AS geom
      FROM env, unnest(CAST(:borders AS bytea[])) AS b(line)
    )
    SELECT (SELECT ST_AsMVT(units, 'units', 4096, 'geom', 'id') FROM units WHERE geom IS NOT NULL)
        || (SELECT ST_AsMVT(borders, 'unit_borders', 4096, 'geom') FROM borders WHERE geom IS NOT NULL)
        || (SELECT ST_AsMVT(labels, 'unit_labels', 4096, 'geom', 'id') FROM labels WHERE geom IS NOT NULL)
    """
)


class TileError(LookupError):
    """No such tile: zoom or position outside the pyramid."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """All communes at one precision, in EPSG:3857. Arrays have one entry per unit, `borders` one per line."""

    ids: NDArray[np.int64]
    names: NDArray[np.object_]
    shapes: NDArray[np.object_]
    points: NDArray[np.object_]
    borders: NDArray[np.object_]


@dataclass(slots=True)
class _Shown:
    """Shapes and finished tiles of one boundary release."""

    full: Coverage
    by_zoom: dict[int, Coverage] = field(default_factory=dict)
    tiles: OrderedDict[tuple[int, int, int], bytes] = field(default_factory=OrderedDict)

    def at(self, z: int) -> Coverage:
        if z not in self.by_zoom:
            self.by_zoom[z] = simplified(self.full, METRES_PER_PIXEL / 2**z)
        return self.by_zoom[z]


@dataclass(slots=True)
class TileCache:
    """What this process has drawn, for one version of the boundaries at a time, by the first day of the release (None:
    the units of today)."""

    version: str = ""
    shown: OrderedDict[date | None, _Shown] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def commune_tile(self, session: Session, z: int, x: int, y: int, release: date | None = None) -> bytes:
        """One tile; empty bytes where there is nothing. Raises TileError outside the pyramid."""
        check_position(z, x, y)
        with self.lock:
            shown = self._follow(session, release)
            tile = shown.tiles.get((z, x, y))
            if tile is None:
                tile = encode(session, shown.at(z), z, x, y)
                shown.tiles[z, x, y] = tile
                if len(shown.tiles) > _KEPT_TILES:
                    shown.tiles.popitem(last=False)
        return tile

    def coverage(self, session: Session, z: int, release: date | None = None) -> Coverage:
        """The communes as precise as tiles of zoom `z` show them."""
        with self.lock:
            return self._follow(session, release).at(z)

    def _follow(self, session: Session, release: date | None) -> _Shown:
        version = boundaries_version(session)
        if version != self.version:
            self.shown.clear()
            self.version = version
        if release not in self.shown:
            self.shown[release] = _Shown(load_coverage(session, release))
            if len(self.shown) > _KEPT_RELEASES:
                self.shown.popitem(last=False)
        return self.shown[release]


def check_position(z: int, x: int, y: int) -> None:
    """Raises TileError when there is no tile z/x/y."""
    if not (0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
        raise TileError(f"{z}/{x}/{y}")


def load_coverage(session: Session, release: date | None = None) -> Coverage:
    """The communes of today, or the smallest units of a release, as imported, with a label point inside each.

    Where a release is only partly drawn, its real boundaries are shown without the generated ones around them.
    """
    today = (AdminUnit.level == UnitLevel.COMMUNE.value) & AdminUnit.valid_to.is_(None)
    units = today if release is None else AdminUnit.id.in_(drawn_units(session, release))
    query = (
        select(AdminUnit.id, AdminUnit.short_name, ST_AsBinary(Boundary.geom))
        .join(Boundary, Boundary.unit_id == AdminUnit.id)
        .where(units)
        .order_by(AdminUnit.id)
    )
    rows = session.execute(query).all()
    degrees = shapely.from_wkb([bytes(row[2].data if hasattr(row[2], "data") else row[2]) for row in rows])
    shapes = shapely.transform(degrees, mercator)
    return Coverage(
        ids=np.array([row[0] for row in rows], dtype=np.int64),
        names=np.array([row[1] for row in rows], dtype=object),
        shapes=shapes,
        points=shapely.point_on_surface(_largest_parts(shapes)),
        borders=_borders(shapes),
    )


def simplified(coverage: Coverage, tolerance_m: float) -> Coverage:
    """`coverage` with neighbours simplified together to about `tolerance_m`.

    No unit may vanish: strong simplification turned two real wards into empty shapes, so the tolerance is
    halved until every unit keeps an area.
    """
    if len(coverage.shapes) == 0:
        return coverage
    shapes = shapely.coverage_simplify(coverage.shapes, tolerance_m)
    while not _all_there(shapes, len(coverage.ids)):
        tolerance_m /= 2
        if tolerance_m < 0.01:
            return coverage
        shapes = shapely.coverage_simplify(coverage.shapes, tolerance_m)
    return Coverage(coverage.ids, coverage.names, shapes, coverage.points, _borders(shapes))


def encode(session: Session, coverage: Coverage, z: int, x: int, y: int) -> bytes:
    """The tile's bytes, made by PostGIS from what touches it."""
    box = shapely.box(*_tile_box(z, x, y))
    near = shapely.intersects(box, coverage.shapes)
    lines = coverage.borders[shapely.intersects(box, coverage.borders)]
    if not near.any():
        return b""
    values = {
        "ids": coverage.ids[near].tolist(),
        "names": coverage.names[near].tolist(),
        "shapes": [shapely.to_wkb(shape) for shape in coverage.shapes[near]],
        "points": [shapely.to_wkb(point) for point in coverage.points[near]],
        "borders": [shapely.to_wkb(line) for line in lines],
    }
    return bytes(session.execute(_SQL, {"z": z, "x": x, "y": y, **values}).scalar_one() or b"")


def _all_there(shapes: NDArray[np.object_], count: int) -> bool:
    return (
        len(shapes) == count and not shapely.is_empty(shapes).any() and bool((shapely.area(shapes) > 0).all())
    )


def _borders(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Each border once, as lines between the points where three areas meet."""
    if len(shapes) == 0:
        return np.array([], dtype=object)
    lines = shapely.line_merge(shapely.union_all(shapely.boundary(shapes)))
    return np.asarray(shapely.get_parts(lines), dtype=object)


def _largest_parts(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    return np.array([max(shapely.get_parts(s), key=lambda part: part.area) for s in shapes], dtype=object)


def _tile_box(z: int, x: int, y: int) -> tuple[float, float, float, float]:
    """West, south, east, north in metres, with the 1/64 margin that hides cut edges."""
    size = 2 * HALF_WORLD_M / 2**z
    west, north = -HALF_WORLD_M + x * size, HALF_WORLD_M - y * size
    margin = size / 64
    return west - margin, north - size - margin, west + size + margin, north + margin
