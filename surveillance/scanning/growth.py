"""Candidate zones: around each centre, places join one after another until a limit is reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveillance.adjacency import Weights
from surveillance.scanning.places import Places, distances, on_the_sphere
from surveillance.types import BoolArray, FloatArray

IntArray = NDArray[np.int64]


class Compactness(StrEnum):
    """How much an elongated ellipse pays (Kulldorff et al. 2006): its statistic × (4s / (s + 1)²)^power."""

    FREE = "none"
    MEDIUM = "medium"
    STRONG = "strong"


POWER = {Compactness.FREE: 0.0, Compactness.MEDIUM: 0.5, Compactness.STRONG: 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A zone holds at most `share` of the total size, and reaches at most `radius` from its centre (km on a
    sphere; along an ellipse's long axis; along a network's edges)."""

    share: float = 0.5
    radius: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, not {self.share}")
        if self.radius is not None and not self.radius > 0:
            raise ValueError(f"radius must be above 0, not {self.radius}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ellipses:
    """`shapes` (long ÷ short axis, above 1), each at `angles` evenly spread directions; circles besides.
    The defaults are SaTScan's."""

    shapes: tuple[float, ...] = (1.5, 2.0, 3.0, 4.0, 5.0)
    angles: tuple[int, ...] = (4, 6, 9, 12, 15)
    compactness: Compactness = Compactness.MEDIUM


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """S sequences of growing zones: zone k of sequence s is `member[start[s]:start[s] + k + 1]`.

    `centre` (S,) is the number of the centre, whose coordinates are `centres` (m, d); several sequences share it
    when there are ellipses, of `shape` and `angle` (S,), and `penalty` (S,) multiplies the statistic.
    """

    centres: FloatArray
    centre: IntArray
    start: IntArray
    member: NDArray[Any]
    shape: FloatArray
    angle: FloatArray
    penalty: FloatArray

    @property
    def size(self) -> int:
        return self.centre.size

    def zone(self, sequence: int, length: int) -> IntArray:
        """The places of a zone, in the order in which they joined."""
        first = self.start[sequence]
        return self.member[first : first + length].astype(np.int64)

    def reach(self, sequence: int, members: IntArray, places: Places) -> float:
        """From the centre to the farthest of `members`; of an ellipse, half its long axis."""
        centre, points = self.centres[self.centre[sequence]], places.points[members]
        if self.shape[sequence] == 1:
            return float(distances(centre, points).max())
        return float(_elliptic_distances(centre, points, self.shape[sequence], self.angle[sequence]).max())

    def among(self, kept: BoolArray) -> Growth:
        """The same sequences without the places where `kept` (n,) does not hold."""
        stays = kept[self.member]
        sizes = [np.count_nonzero(stays[first:last]) for first, last in pairwise(self.start)]
        start = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
        return replace(self, start=start, member=self.member[stays])


def circles(places: Places, size: FloatArray, limits: Limits, *, grid: FloatArray | None = None) -> Growth:
    """Circles around each place, or each point of `grid` (m, d, coordinates as the places were written).

    `size` (n,) is what `limits.share` counts. Of places equally far the one with the smaller first coordinate (then
    second …) joins first, as in SaTScan.
    """
    centres = places.points if grid is None else (on_the_sphere(grid) if places.on_sphere else grid)
    rank = _coordinate_rank(places.points)
    orders = (_nearest(distances(point, places.points), rank, size, limits) for point in centres)
    count = len(centres)
    return _growth(
        centres, np.arange(count), orders, np.ones(count), np.zeros(count), np.ones(count), len(size)
    )


def ellipses(places: Places, size: FloatArray, limits: Limits, settings: Ellipses) -> Growth:
    """Circles and ellipses around each place. Raises ValueError on a sphere: project the coordinates first."""
    if places.on_sphere or places.points.shape[1] != 2:
        raise ValueError("ellipses need projected coordinates")
    forms = [(1.0, 0.0)]
    for shape, number in zip(settings.shapes, settings.angles, strict=True):
        forms += [(shape, np.pi * k / number) for k in range(number)]

    rank = _coordinate_rank(places.points)

    def orders() -> Iterator[IntArray]:
        for point in places.points:
            for shape, angle in forms:
                reach = _elliptic_distances(point, places.points, shape, angle)
                yield _nearest(reach, rank, size, limits)

    shapes, angles = (np.tile(column, places.size) for column in np.array(forms).T)
    penalty = (4 * shapes / (shapes + 1) ** 2) ** POWER[settings.compactness]
    centre = np.repeat(np.arange(places.size), len(forms))
    return _growth(places.points, centre, orders(), shapes, angles, penalty, len(size))


def networks(places: Places, size: FloatArray, limits: Limits, edges: Weights) -> Growth:
    """Zones that grow along `edges` between neighbours, nearest first by the length of the way: connected, and
    never across a river or border without an edge. `edges.weight` are lengths, in the units of `limits.radius`.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    lengths = np.maximum(edges.weight, np.finfo(np.float64).tiny * 2**60)  # csgraph takes 0 for no edge
    graph = csr_array((lengths, edges.neighbour, edges.start), shape=(places.size, places.size))

    rank = _coordinate_rank(places.points)

    def orders() -> Iterator[IntArray]:
        for centre in range(places.size):
            yield _nearest(dijkstra(graph, indices=centre), rank, size, limits)

    count = places.size
    ones = np.ones(count)
    return _growth(places.points, np.arange(count), orders(), ones, np.zeros(count), ones, len(size))


def listed(places: Places, size: FloatArray, limits: Limits, lists: Sequence[IntArray]) -> Growth:
    """Zones that grow as each of `lists` says: its first place, then the others in their order, up to the share."""
    allowed = limits.share * size.sum() * (1 + 1e-12)
    orders = [order[np.cumsum(size[order]) <= allowed] for order in lists]
    count = len(lists)
    centre = np.array([order[0] for order in lists], np.int64)
    return _growth(places.points, centre, orders, np.ones(count), np.zeros(count), np.ones(count), len(size))


def _elliptic_distances(point: FloatArray, points: FloatArray, shape: float, angle: float) -> FloatArray:
    """Half the long axis of the ellipse around `point` that just reaches each of `points`."""
    x, y = (points - point).T
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return np.sqrt(along**2 + (shape * across) ** 2)


def _coordinate_rank(points: FloatArray) -> IntArray:
    """Places by coordinates, the first counting most: what settles equal distances."""
    rank = np.empty(len(points), np.int64)
    rank[np.lexsort(points.T[::-1])] = np.arange(len(points))
    return rank


def _nearest(distance: FloatArray, rank: IntArray, size: FloatArray, limits: Limits) -> IntArray:
    """Places in the order in which they join, up to the limits."""
    order = np.argsort(distance)
    near = distance[order]
    if np.any(near[1:] == near[:-1]):
        order = np.lexsort((rank, distance))
        near = distance[order]
    most = np.inf if limits.radius is None else limits.radius
    allowed = limits.share * size.sum() * (1 + 1e-12)
    fits = (np.cumsum(size[order]) <= allowed) & (near <= most) & np.isfinite(near)
    return order[: int(np.argmin(fits))] if not fits.all() else order


def _growth(
    centres: FloatArray,
    centre: IntArray,
    orders: Iterator[IntArray] | Sequence[IntArray],
    shape: FloatArray,
    angle: FloatArray,
    penalty: FloatArray,
    places: int,
) -> Growth:
    kind = np.uint16 if places <= 2**16 else np.int32
    parts = [order.astype(kind) for order in orders]
    return Growth(
        centres=centres,
        centre=centre.astype(np.int64),
        start=np.concatenate(([0], np.cumsum([part.size for part in parts]))).astype(np.int64),
        member=np.concatenate(parts) if parts else np.empty(0, kind),
        shape=shape,
        angle=angle,
        penalty=penalty,
    )
