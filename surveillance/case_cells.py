"""Chosen cases on the ground: hexagons of a zoom, single positions and communes' points. Pure: `rows` are positions in
`Columns`; coordinates are those of `surveillance.world`."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveillance.columns import Columns
from surveillance.types import BoolArray, Verification
from surveillance.world import NOWHERE, WORLD, to_world

HEX_PX = 24
"""Radius of a hexagon in pixels of a tile (512 wide): 3.7 km at zoom 9, 0.9 km at zoom 11."""
FINEST_CELLS, COARSE_BELOW = 11, 9
"""No hexagons are smaller than those of the first zoom; below the second a cell is wider than a commune, so that it
also holds the cases known only to their commune."""
FEWEST = 5
"""A cell with fewer cases than this is not shown to a reader who may not see these cases singly."""

_AT_ONCE = 1 << 16
"""Points put into hexagons at once: what is worked on stays in the processor's cache."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Communes:
    """Cases known only to their commune, at its point: unit ids with their position, and how many of `n` are `single`
    (may be seen one by one)."""

    unit: Ints
    x: NDArray[np.int32]
    y: NDArray[np.int32]
    single: Ints
    n: Ints


@dataclass(slots=True, kw_only=True)
class PlacedCases:
    """The cases of one selection that have a place, and who of them the reader may see singly.

    `rows` (N,) with their world coordinates and `single` (may be seen); None: all. Hexagons are kept by zoom.
    """

    columns: Columns
    rows: Ints
    x: NDArray[np.int32]
    y: NDArray[np.int32]
    single: BoolArray | None
    rough: Communes
    _cells: dict[tuple[int, bool], Cells] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Columns, rows: Ints, readable: Collection[int] | None) -> PlacedCases:
        """`readable`: communes whose cases the reader may see singly; None: all."""
        x = columns.x[rows]
        precise = x != NOWHERE
        at = rows[precise]
        return cls(
            columns=columns, rows=at, x=x[precise], y=columns.y[at],
            single=None if readable is None else _among(columns, readable)[columns.unit[at]],
            rough=_communes(columns, columns.unit[rows[~precise]], readable),
        )  # fmt: skip

    def cells(self, z: int, *, others_only: bool = False) -> Cells:
        """Hexagons of zoom `z`, cells that say too much left out. `others_only`: of cases that are not shown singly."""
        z = min(z, FINEST_CELLS)
        if (z, others_only) not in self._cells:
            self._cells[z, others_only] = self._counted(z, others_only)
        return self._cells[z, others_only]

    def _counted(self, z: int, others_only: bool) -> Cells:
        x, y, single = self.x, self.y, self.single
        rough = self.rough if z < COARSE_BELOW else None
        if others_only:
            others = np.zeros(0, np.int64) if single is None else np.flatnonzero(~single)
            x, y, single = x[others], y[others], np.zeros(len(others), bool)
        return hexagons(x, y, single, HEX_PX / 512 * WORLD / 2**z, rough)

    def communes(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Cases known only to their commune: unit ids, world coordinates of its point, and how many."""
        n = shown(self.rough.single, self.rough.n)
        told = n > 0
        return (
            self.rough.unit[told],
            self.rough.x[told].astype(np.int64),
            self.rough.y[told].astype(np.int64),
            n[told],
        )

    def spots(self, west: int, north: int, size: int) -> Spots:
        """Cases the reader may see singly, in the square of the world from its north-west corner."""
        return self._spots(self._inside(west, north, size))

    def few_spots(self, west: int, north: int, size: int, most: int) -> Spots | None:
        """`spots`; None where there are more than `most`, often without telling all of them apart."""
        inside = self._inside(west, north, size)
        some = inside[: 8 * most]
        if len(some) > most and len(np.unique(_position(self.x[some], self.y[some]))) > most:
            return None
        spots = self._spots(inside)
        return spots if len(spots.n) <= most else None

    def _inside(self, west: int, north: int, size: int) -> Ints:
        found = np.flatnonzero((self.x >= west) & (self.x < west + size))
        found = found[(self.y[found] >= north) & (self.y[found] < north + size)]
        return found if self.single is None else found[self.single[found]]

    def _spots(self, inside: Ints) -> Spots:
        return spots_of(self.columns, self.rows[inside], self.x[inside], self.y[inside])


def _among(columns: Columns, units: Collection[int]) -> BoolArray:
    """By unit id: whether it is one of `units`."""
    return np.isin(np.arange(1 + int(columns.unit.max(initial=0))), sorted(units))


def _communes(columns: Columns, units: NDArray[np.int32], readable: Collection[int] | None) -> Communes:
    """Of cases in `units`; those of a commune without a point, or of none (0), have no place."""
    n = np.bincount(units, minlength=1)
    found = np.array(
        [unit for unit in np.flatnonzero(n).tolist() if unit and unit in columns.points], np.int64
    )
    x, y = to_world(*np.array([columns.points[unit] for unit in found.tolist()]).reshape(-1, 2).T)
    seen = np.ones(len(found), bool) if readable is None else np.isin(found, sorted(readable))
    return Communes(unit=found, x=x, y=y, single=np.where(seen, n[found], 0), n=n[found])


def hexagons(
    x: NDArray[np.int32],
    y: NDArray[np.int32],
    single: BoolArray | None,
    radius: float,
    also: Communes | None = None,
) -> Cells:
    """Pointed-top hexagons of `radius` (centre to corner) over the whole world, those that hold points.

    `single`: which of the points may be seen one by one (None: all); `also`: more cases at points.
    """
    if also is not None and also.unit.size:
        frame = _Frame.around(np.append(x, also.x), np.append(y, also.y), radius)
    elif x.size:
        frame = _Frame.around(x, y, radius)
    else:
        return Cells(x=np.zeros(0), y=np.zeros(0), n=np.zeros(0, np.int64), radius=radius)
    codes = frame.codes(x, y)
    n = np.bincount(codes, minlength=frame.size)
    alone = n.copy() if single is None else np.bincount(codes[single], minlength=frame.size)
    if also is not None:
        at = frame.codes(also.x, also.y)
        np.add.at(n, at, also.n)
        np.add.at(alone, at, also.single)
    return frame.cells(shown(alone, n))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """The part of the lattice of hexagons from row `top` and column `left` on, `size` hexagons, `across` in a row.

    A point lies in the nearest centre of two interleaved rectangular lattices (d3-hexbin does the same).
    """

    radius: float
    top: int
    left: int
    across: int
    size: int

    @classmethod
    def around(cls, x: NDArray[np.int32], y: NDArray[np.int32], radius: float) -> _Frame:
        width, height = math.sqrt(3) * radius, 1.5 * radius
        left, right = int(x.min() / width) - 1, int(x.max() / width) + 1
        top, bottom = int(y.min() / height), int(y.max() / height) + 1
        across = right - left + 1
        return cls(radius=radius, top=top, left=left, across=across, size=across * (bottom - top + 1))

    def codes(self, x: NDArray[np.int32], y: NDArray[np.int32]) -> NDArray[np.int32]:
        """The number of the hexagon of each point."""
        found = np.empty(len(x), np.int32)
        for begin in range(0, len(x), _AT_ONCE):
            part = slice(begin, begin + _AT_ONCE)
            found[part] = self._codes(x[part], y[part])
        return found

    def _codes(self, x: NDArray[np.int32], y: NDArray[np.int32]) -> NDArray[np.int32]:
        width, height = math.sqrt(3) * self.radius, 1.5 * self.radius
        row, across = y / height, x / width
        near = np.rint(row).astype(np.int32)
        column = across - (near & 1) / 2
        nearest = np.rint(column).astype(np.int32)
        off_y, off_x = row - near, column - nearest
        doubtful = np.flatnonzero(np.abs(off_y) * 3 > 1)
        dx, dy = off_x[doubtful], off_y[doubtful]
        other = near[doubtful] + np.where(dy < 0, -1, 1).astype(np.int32)
        beside = across[doubtful] - (other & 1) / 2
        beside_at = np.rint(beside).astype(np.int32)
        far = (dx * width) ** 2 + (dy * height) ** 2
        closer = ((beside - beside_at) * width) ** 2 + ((row[doubtful] - other) * height) ** 2 < far
        near[doubtful[closer]], nearest[doubtful[closer]] = other[closer], beside_at[closer]
        return (near - self.top) * self.across + (nearest - self.left)

    def cells(self, n: Ints) -> Cells:
        """Of what is to be shown in each hexagon (size,)."""
        found = np.flatnonzero(n)
        rows, columns = found // self.across + self.top, found % self.across + self.left
        return Cells(
            x=(columns + (rows & 1) / 2) * (math.sqrt(3) * self.radius),
            y=rows.astype(np.float64) * 1.5 * self.radius,
            n=n[found],
            radius=self.radius,
        )


def shown(single: NDArray[Any], n: NDArray[Any]) -> Ints:
    """What may be said of `n` cases in a place, of which `single` may be seen one by one: fewer than FEWEST others are
    left out."""
    others = n.astype(np.int64) - single.astype(np.int64)
    return np.where(others >= FEWEST, n, single).astype(np.int64)


def spots_of(columns: Columns, rows: Ints, x: NDArray[np.int32], y: NDArray[np.int32]) -> Spots:
    """Cases that stand at one position, together: a street's midpoint may hold fifty."""
    places, where = np.unique(_position(x, y), return_inverse=True)
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


def _position(x: NDArray[np.int32], y: NDArray[np.int32]) -> Ints:
    return x.astype(np.int64) << 32 | y
