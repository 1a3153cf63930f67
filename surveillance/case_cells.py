"""Chosen cases on the ground: hexagons of a zoom, single positions and communes' points. Pure: `rows` are positions in
`Columns`; world coordinates are Web Mercator as int32, the whole world being 2**31 wide (2 cm), y to the south."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveillance.columns import PRECISE, Columns
from surveillance.types import BoolArray, Verification

WORLD = 2**31
HEX_PX = 24
"""Radius of a hexagon in pixels of a tile (512 wide): 3.7 km at zoom 9, 0.9 km at zoom 11."""
FINEST_CELLS, COARSE_BELOW = 11, 9
"""No hexagons are smaller than those of the first zoom; below the second a cell is wider than a commune, so that it
also holds the cases known only to their commune."""
FEWEST = 5
"""A cell with fewer cases than this is not shown to a reader who may not see these cases singly."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """C hexagons that hold cases: centres in world coordinates (C,), `n` cases, `radius` of all. `most` is the largest
    `n`."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    n: Ints
    radius: float

    @property
    def most(self) -> int:
        return int(self.n.max(initial=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spots:
    """P places at which cases stand, in world coordinates; cases at one position are one spot, `n` of them.

    `first`, `last` are event days since EPOCH; `disease` -1 where there are several; `level` is the least precise of
    PLACE_LEVELS, `uncertainty` the largest in metres (NaN: unknown); `verified` how many of `n` a ward found ill.
    """

    x: Ints
    y: Ints
    n: Ints
    first: Ints
    last: Ints
    disease: Ints
    level: Ints
    uncertainty: NDArray[np.float64]
    verified: Ints


@dataclass(slots=True, kw_only=True)
class PlacedCases:
    """The cases of one selection that have a place, and who of them the reader may see singly.

    `rows` (N,) with their world coordinates and `single` (may be seen); those known only to their commune are
    counted at its point: `communes` (x, y, n as shown). Hexagons are kept by zoom.
    """

    columns: Columns
    rows: Ints
    x: NDArray[np.int32]
    y: NDArray[np.int32]
    single: BoolArray
    rough: Ints
    rough_single: BoolArray
    _cells: dict[tuple[int, bool], Cells] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Columns, rows: Ints, readable: Collection[int] | None) -> PlacedCases:
        """`readable`: communes whose cases the reader may see singly; None: all."""
        precise = _PRECISE[columns.place_level[rows]] & np.isfinite(columns.lon[rows])
        at, rough = rows[precise], rows[~precise & (columns.unit[rows] > 0)]
        x, y = to_world(columns.lon[at], columns.lat[at])
        return cls(
            columns=columns, rows=at, x=x, y=y, single=_readable(columns, at, readable),
            rough=rough, rough_single=_readable(columns, rough, readable),
        )  # fmt: skip

    def cells(self, z: int, *, others_only: bool = False) -> Cells:
        """Hexagons of zoom `z`, cells that say too much left out. `others_only`: of cases that are not shown singly."""
        z = min(z, FINEST_CELLS)
        if (z, others_only) not in self._cells:
            self._cells[z, others_only] = self._counted(z, others_only)
        return self._cells[z, others_only]

    def _counted(self, z: int, others_only: bool) -> Cells:
        x, y, single = self.x, self.y, self.single
        if z < COARSE_BELOW:
            unit_x, unit_y, known = self._unit_points()
            own = known[self.columns.unit[self.rough]]
            units = self.columns.unit[self.rough][own]
            x, y = np.concatenate([x, unit_x[units]]), np.concatenate([y, unit_y[units]])
            single = np.concatenate([single, self.rough_single[own]])
        if others_only:
            x, y, single = x[~single], y[~single], single[~single]
        return hexagons(x, y, single, HEX_PX / 512 * WORLD / 2**z)

    def communes(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Cases known only to their commune: unit ids, world coordinates of its point, and how many."""
        x, y, known = self._unit_points()
        units = self.columns.unit[self.rough]
        n = shown(np.bincount(units, self.rough_single, len(x)), np.bincount(units, minlength=len(x)))
        found = np.flatnonzero((n > 0) & known)
        return found, x[found].astype(np.int64), y[found].astype(np.int64), n[found]

    def _unit_points(self) -> tuple[NDArray[np.int32], NDArray[np.int32], BoolArray]:
        """By unit id: world coordinates of the point inside it, and whether there is one."""
        points = self.columns.points
        size = 1 + max([0, *points, int(self.columns.unit.max(initial=0))])
        lon, lat = np.zeros(size), np.zeros(size)
        known = np.zeros(size, bool)
        for unit, (east, north) in points.items():
            lon[unit], lat[unit], known[unit] = east, north, True
        x, y = to_world(lon, lat)
        return x, y, known

    def spots(self, west: int, north: int, size: int) -> Spots:
        """Cases the reader may see singly, in the square of the world from its north-west corner."""
        inside = self.single & (self.x >= west) & (self.x < west + size)
        inside &= (self.y >= north) & (self.y < north + size)
        return spots_of(self.columns, self.rows[inside], self.x[inside], self.y[inside])


def to_world(lon: NDArray[Any], lat: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Degrees (WGS84) to world coordinates."""
    north = np.log(np.tan(math.pi / 4 + np.radians(np.clip(lat, -85, 85).astype(np.float64)) / 2))
    x, y = (lon.astype(np.float64) + 180) / 360, 0.5 - north / (2 * math.pi)
    return (x * WORLD).astype(np.int32), (y * WORLD).astype(np.int32)


def hexagons(x: NDArray[np.int32], y: NDArray[np.int32], single: BoolArray, radius: float) -> Cells:
    """Pointed-top hexagons of `radius` (centre to corner) over the whole world, those that hold points.

    A point lies in the nearest centre of two interleaved rectangular lattices (d3-hexbin does the same).
    """
    width, height = math.sqrt(3) * radius, 1.5 * radius
    row = y / height
    near = np.rint(row).astype(np.int32)
    column = x / width - (near & 1) / 2
    nearest = np.rint(column).astype(np.int32)
    off_y, off_x = row - near, column - nearest
    doubtful = np.flatnonzero(np.abs(off_y) * 3 > 1)
    dx, dy = off_x[doubtful], off_y[doubtful]
    other = near[doubtful] + np.where(dy < 0, -1, 1).astype(np.int32)
    beside = x[doubtful] / width - (other & 1) / 2
    beside_at = np.rint(beside).astype(np.int32)
    far = (dx * width) ** 2 + (dy * height) ** 2
    closer = ((beside - beside_at) * width) ** 2 + ((row[doubtful] - other) * height) ** 2 < far
    near[doubtful[closer]], nearest[doubtful[closer]] = other[closer], beside_at[closer]
    return _tally(near, nearest, single, radius)


def _tally(row: NDArray[np.int32], column: NDArray[np.int32], single: BoolArray, radius: float) -> Cells:
    if not row.size:
        nothing = np.zeros(0)
        return Cells(x=nothing, y=nothing, n=nothing.astype(np.int64), radius=radius)
    top, left = int(row.min()), int(column.min())
    across = int(column.max()) - left + 1
    code = (row - top).astype(np.int64) * across + (column - left)
    n = shown(np.bincount(code, single), np.bincount(code))
    cells = np.flatnonzero(n)
    rows, columns = cells // across + top, cells % across + left
    return Cells(
        x=(columns + (rows & 1) / 2) * (math.sqrt(3) * radius),
        y=rows.astype(np.float64) * 1.5 * radius,
        n=n[cells],
        radius=radius,
    )


def shown(single: NDArray[Any], n: NDArray[Any]) -> Ints:
    """What may be said of `n` cases in a place, of which `single` may be seen one by one: fewer than FEWEST others are
    left out."""
    others = n.astype(np.int64) - single.astype(np.int64)
    return np.where(others >= FEWEST, n, single).astype(np.int64)


def spots_of(columns: Columns, rows: Ints, x: NDArray[np.int32], y: NDArray[np.int32]) -> Spots:
    """Cases that stand at one position, together: a street's midpoint may hold fifty."""
    places, where = np.unique(x.astype(np.int64) << 32 | y, return_inverse=True)
    order = np.argsort(where, kind="stable")
    rows, starts = rows[order], np.searchsorted(where[order], np.arange(len(places)))
    if not len(places):
        starts = np.zeros(0, np.int64)

    def least(values: NDArray[np.generic]) -> Ints:
        return np.minimum.reduceat(values.astype(np.int64), starts) if starts.size else starts

    def most(values: NDArray[np.generic]) -> Ints:
        return -least(-values.astype(np.int64))

    day, disease = columns.event[rows], columns.disease[rows]
    single = least(disease) == most(disease)
    spread = np.where(np.isnan(columns.uncertainty[rows]), -1.0, columns.uncertainty[rows])
    largest = np.maximum.reduceat(spread, starts) if starts.size else spread
    verified = (columns.verification[rows] == Verification.VERIFIED).astype(np.int64)
    return Spots(
        x=places >> 32, y=places & (2**32 - 1), n=np.diff(np.append(starts, len(rows))),
        first=least(day), last=most(day), disease=np.where(single, least(disease), -1),
        level=least(columns.place_level[rows]), uncertainty=np.where(largest < 0, np.nan, largest),
        verified=np.add.reduceat(verified, starts) if starts.size else verified,
    )  # fmt: skip


def _readable(columns: Columns, rows: Ints, readable: Collection[int] | None) -> BoolArray:
    if readable is None:
        return np.ones(len(rows), bool)
    units = columns.unit[rows]
    return np.isin(np.arange(int(units.max(initial=0)) + 1), sorted(readable))[units]


_PRECISE = np.isin(np.arange(256), PRECISE)
"""By place level; a look-up is seven times as fast as `isin` over a million rows."""
