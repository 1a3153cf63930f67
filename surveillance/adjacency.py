"""Who is next to whom, and with what weight: the input of every statistic of spatial association."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveillance.types import BoolArray, FloatArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Sparse weights of N areas, by row: area i's neighbours are `neighbour[start[i]:start[i + 1]]`, rising.

    `start` is (N + 1,), `neighbour` and `weight` are (E,). An area is never its own neighbour, and may have none.
    `row_standardised` says that the weights of each area add up to 1, and must again when areas are left out.
    """

    start: IntArray
    neighbour: IntArray
    weight: FloatArray
    row_standardised: bool

    @property
    def size(self) -> int:
        return self.start.size - 1

    @property
    def degree(self) -> IntArray:
        """Neighbours of each area, (N,)."""
        return np.diff(self.start)

    @property
    def row(self) -> IntArray:
        """The area each of the E weights belongs to."""
        return np.repeat(np.arange(self.size), self.degree)

    def sums(self, values: FloatArray) -> FloatArray:
        """Σ_j of the (E,) `values` of each area's pairs, (N,); 0 without neighbours."""
        return np.bincount(self.row, weights=values, minlength=self.size).astype(np.float64)

    def lag(self, values: FloatArray) -> FloatArray:
        """Σ_j w_ij x_j of the (N,) `values`."""
        return self.sums(self.weight * values[self.neighbour])

    def among(self, kept: BoolArray) -> Weights:
        """The weights between the areas where `kept` (N,) holds; rows that added up to 1 do so again."""
        number = np.cumsum(kept) - 1
        stays = kept[self.row] & kept[self.neighbour]
        return _weights(
            int(kept.sum()),
            number[self.row[stays]],
            number[self.neighbour[stays]],
            self.weight[stays],
            self.row_standardised,
        )


def adjacency_weights(
    units: Sequence[Hashable], pairs: Iterable[tuple[Hashable, Hashable]], *, row_standardised: bool = True
) -> Weights:
    """Weights of `units`, in their order, from (unit, neighbour) pairs such as geodata's `unit_neighbour`.

    1 for each neighbour, or 1 / number of neighbours. A pair counts in the direction given and once; pairs that
    name a unit not in `units` (a neighbour outside the city) or a unit twice are left out. Raises ValueError
    when `units` repeats one.
    """
    place = {unit: number for number, unit in enumerate(units)}
    if len(place) != len(units):
        raise ValueError("a unit is named twice")
    known = {(place[a], place[b]) for a, b in pairs if a in place and b in place and a != b}
    edges = np.array(sorted(known), dtype=np.int64).reshape(-1, 2)
    return _weights(len(units), edges[:, 0], edges[:, 1], np.ones(len(edges)), row_standardised)


def given_weights(size: int, row: IntArray, neighbour: IntArray, weight: FloatArray) -> Weights:
    """Weights as they stand, such as inverse distances: (E,) triples of areas 0 … `size` − 1.

    Raises ValueError for an area out of range, its own neighbour or paired twice, and for a weight not positive.
    """
    edges = row * size + neighbour
    if edges.size and (min(row.min(), neighbour.min()) < 0 or max(row.max(), neighbour.max()) >= size):
        raise ValueError("an area is out of range")
    if np.any(row == neighbour) or np.unique(edges).size < edges.size:
        raise ValueError("an area is its own neighbour or a pair is given twice")
    if not np.all((weight > 0) & np.isfinite(weight)):
        raise ValueError("weights must be positive numbers")
    order = np.argsort(edges)
    return _weights(size, row[order], neighbour[order], weight[order], False)


def _weights(size: int, row: IntArray, neighbour: IntArray, weight: FloatArray, standardise: bool) -> Weights:
    """From triples in the order of rows."""
    if standardise:
        weight = weight / np.bincount(row, weights=weight, minlength=size)[row]
    return Weights(
        start=np.searchsorted(row, np.arange(size + 1)).astype(np.int64),
        neighbour=neighbour.astype(np.int64),
        weight=weight.astype(np.float64),
        row_standardised=standardise,
    )
