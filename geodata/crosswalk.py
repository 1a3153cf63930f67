"""Counts of one set of units on another: sparse tables of shares, from lineage, overlap or people. Pure.

A case whose unit went into one target is counted there, whole. A case whose unit was split is counted in parts:
its expected number in each target. Parts are kept as fractions, since they then add up over days, diseases and
units (rounding each day would give every single case of a 60 : 40 split to the larger side); `apportion` rounds
once, at the end, without losing a case (docs/decisions/boundary-releases.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.sparse import coo_array, csr_array, diags_array, hstack, vstack

Shapes = NDArray[np.object_]
Floats = NDArray[np.float64]
Links = Iterable[tuple[int, int, float]]

STEPS = 10
"""Published figures are whole tenths of a case."""


@dataclass(frozen=True, slots=True, eq=False)
class Crosswalk:
    """`shares` (S, T + 1): the part of each source that lies in each target; its rows sum to 1.

    The last column is what lies in no target: a release may show only a part of the city.
    """

    sources: tuple[int, ...]
    targets: tuple[int, ...]
    shares: csr_array

    def row(self, source: int) -> dict[int, float]:
        """The targets of a source with its shares, the largest first; what lies outside is not listed."""
        parts = {self.targets[j]: x for j, x in self.columns(source).items() if j < len(self.targets)}
        return dict(sorted(parts.items(), key=lambda x: (-x[1], x[0])))

    def columns(self, source: int) -> dict[int, float]:
        """The shares of a source by column, the last one for what lies outside."""
        i = self.sources.index(source)
        part = slice(self.shares.indptr[i], self.shares.indptr[i + 1])
        return {
            int(j): float(x) for j, x in zip(self.shares.indices[part], self.shares.data[part], strict=True)
        }

    def sources_of(self, target: int) -> list[int]:
        """The sources of which a part lies in a target."""
        return [
            self.sources[int(i)] for i in np.unique(self.shares[:, [self.targets.index(target)]].nonzero()[0])
        ]

    def only(self, sources: Collection[int]) -> Crosswalk:
        """The rows of these sources."""
        rows = [i for i, source in enumerate(self.sources) if source in sources]
        return Crosswalk(tuple(self.sources[i] for i in rows), self.targets, csr_array(self.shares[rows]))

    def undecided(self) -> list[int]:
        """The sources that lie in more than one target, or partly outside."""
        return [
            source
            for source, n in zip(self.sources, np.diff(self.shares.indptr), strict=True)
            if n > 1
        ]  # fmt: skip


def identity(units: Sequence[int]) -> Crosswalk:
    return from_links(units, units, ((unit, unit, 1.0) for unit in units))


def from_links(sources: Sequence[int], targets: Sequence[int], links: Links) -> Crosswalk:
    """From (source, target, weight): each source's weights are scaled to sum to 1; a source without any is outside.

    Links of other units are left out. Raises ValueError for a negative or infinite weight.
    """
    row_of = {unit: i for i, unit in enumerate(sources)}
    column_of = {unit: i for i, unit in enumerate(targets)}
    kept = [(row_of[s], column_of[t], w) for s, t, w in links if s in row_of and t in column_of and w != 0]
    rows, columns, weights = (np.array(x) for x in zip(*kept, strict=True)) if kept else ([], [], [])
    table = coo_array((weights, (rows, columns)), shape=(len(sources), len(targets) + 1), dtype=np.float64)
    return Crosswalk(tuple(sources), tuple(targets), _with_outside(table.tocsr()))


def _with_outside(table: csr_array) -> csr_array:
    """Rows scaled to 1, empty ones put into the last column."""
    if (table.data < 0).any() or not np.isfinite(table.data).all():
        raise ValueError("a weight is negative or not finite")
    totals = np.asarray(table.sum(axis=1)).ravel()
    empty = np.flatnonzero(totals <= 0)
    last = coo_array((np.ones(len(empty)), (empty, np.full(len(empty), table.shape[1] - 1))), table.shape)
    scale = np.where(totals > 0, totals, 1.0)
    scaled = csr_array(diags_array(1 / scale) @ table + last)
    scaled.eliminate_zeros()
    scaled.sort_indices()
    return scaled


def stacked(crosswalks: Sequence[Crosswalk], targets: Sequence[int]) -> Crosswalk:
    """Crosswalks to the same targets, one below the other."""
    sources = tuple(source for crosswalk in crosswalks for source in crosswalk.sources)
    empty = csr_array((0, len(targets) + 1))
    return Crosswalk(sources, tuple(targets), csr_array(vstack([empty, *(x.shares for x in crosswalks)])))


def compose(first: Crosswalk, second: Crosswalk) -> Crosswalk:
    """`first`, then `second`; what is outside stays outside. Raises ValueError when they do not meet."""
    if first.targets != second.sources:
        raise ValueError("the targets of the first crosswalk are not the sources of the second")
    outside = coo_array(([1.0], ([0], [len(second.targets)])), shape=(1, len(second.targets) + 1))
    shares = csr_array(first.shares @ vstack([second.shares, outside]))
    return Crosswalk(first.sources, second.targets, _with_outside(shares))


def reverse(forward: Crosswalk, weights: Sequence[float]) -> Crosswalk:
    """The way back by Bayes: the part of a target that came from a source is in proportion to the source's weight
    (people, else area) times its share. `weights` (S,) must not be negative; where all of a target are 0, its
    sources count alike."""
    parts = csr_array(forward.shares[:, : len(forward.targets)])
    joint = csr_array((diags_array(np.asarray(weights, dtype=np.float64)) @ parts).T)
    lost = np.asarray(joint.sum(axis=1)).ravel() <= 0
    joint = csr_array(joint + diags_array(lost.astype(np.float64)) @ parts.T)
    outside = csr_array((joint.shape[0], 1))
    return Crosswalk(forward.targets, forward.sources, _with_outside(csr_array(hstack([joint, outside]))))


def spread(crosswalk: Crosswalk, values: Floats) -> Floats:
    """`values` (S, …) of the sources on the targets, (T + 1, …), outside last; the sum stays the same."""
    flat = np.asarray(values, dtype=np.float64).reshape(len(crosswalk.sources), -1)
    moved = np.asarray(crosswalk.shares.T @ flat)
    return moved.reshape(len(crosswalk.targets) + 1, *np.shape(values)[1:])


def apportion(values: Floats, steps: int = STEPS) -> Floats:
    """`values` (N,) in whole 1/`steps`, with their sum rounded once (largest remainders; the first of equals).

    Where the sum is a whole number of cases it stays exactly that, and whole values stay as they are.
    """
    scaled = np.asarray(values, dtype=np.float64) * steps
    floor = np.floor(scaled + 1e-7)
    missing = round(float(scaled.sum())) - int(floor.sum())
    if missing > 0:
        floor[np.argsort(-(scaled - floor), kind="stable")[:missing]] += 1
    return floor / steps


def overlap_km2(first: Shapes, second: Shapes) -> list[tuple[int, int, float]]:
    """Positions in `first` and `second` (degrees) whose areas overlap, with km² in an equal-area projection."""
    if not len(first) or not len(second) or shapely.is_empty(first).all():
        return []
    west, south, east, north = shapely.total_bounds(first)
    a, b = (equal_area(shapes, (west + east) / 2, (south + north) / 2) for shapes in (first, second))
    left, right = shapely.STRtree(b).query(a, predicate="intersects")
    areas = shapely.area(shapely.intersection(a[left], b[right])) / 1e6
    return [(int(i), int(j), float(km2)) for i, j, km2 in zip(left, right, areas, strict=True) if km2 > 0]


def equal_area(shapes: Shapes, lon: float, lat: float) -> Shapes:
    """Degrees (WGS 84) to metres of Lambert's equal-area projection around a point."""
    project = Transformer.from_crs(4326, f"+proj=laea +lat_0={lat} +lon_0={lon} +datum=WGS84", always_xy=True)
    return np.asarray(shapely.transform(shapes, project.transform, interleaved=False))


def area_km2(shapes: Shapes) -> Floats:
    """Areas of shapes in degrees."""
    if not len(shapes) or shapely.is_empty(shapes).all():
        return np.zeros(len(shapes))
    west, south, east, north = shapely.total_bounds(shapes)
    return np.asarray(shapely.area(equal_area(shapes, (west + east) / 2, (south + north) / 2)) / 1e6)


def people_in(shapes: Shapes, counted: Shapes, persons: Floats) -> Floats:
    """People of each shape when those `counted` in each of some areas live evenly in it; NaN for a shape of which
    more than a tenth lies in no counted area."""
    own, inside, people = area_km2(counted), np.zeros(len(shapes)), np.zeros(len(shapes))
    for i, j, km2 in overlap_km2(shapes, counted):
        inside[i] += km2
        people[i] += persons[j] * km2 / own[j]
    return np.where(inside >= 0.9 * area_km2(shapes), people, np.nan)
