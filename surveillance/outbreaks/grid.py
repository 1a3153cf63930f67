"""Places of cases sorted into cells of the link radius, so that a case is compared with its surroundings only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surveillance.outbreaks.kernel import Nodes
from surveillance.types import FloatArray

SLACK_M = 0.001
"""Cells are this much larger than the radius: two places that round to the radius are still neighbours."""


def cells_of(x: FloatArray, y: FloatArray, radius_m: float) -> NDArray[np.int64]:
    """Column and row of the cell of each known place, (n, 2)."""
    size = radius_m + SLACK_M
    return np.column_stack([np.floor(x / size), np.floor(y / size)]).astype(np.int64)


def build_nodes(
    *,
    x: FloatArray,
    y: FloatArray,
    day: NDArray[np.int64],
    owner: NDArray[np.int64],
    setting: NDArray[np.int64],
    radius_m: float,
) -> tuple[Nodes, NDArray[np.int64]]:
    """The nodes of n places (NaN: no position; setting 0: none), and which place each node is, (n,)."""
    placed = np.isfinite(x) & np.isfinite(y)
    name, cell_of_placed = _cells(x[placed], y[placed], radius_m)
    cell = np.full(x.size, len(name), dtype=np.int64)
    cell[placed] = cell_of_placed
    order = np.lexsort((owner, day, cell))
    cell = cell[order]
    start = np.searchsorted(cell, np.arange(len(name) + 1))
    key, by_key, key_start = _settings(setting[order], day[order])
    nodes = Nodes(
        x=np.ascontiguousarray(x[order], dtype=np.float64),
        y=np.ascontiguousarray(y[order], dtype=np.float64),
        day=day[order].astype(np.int64),
        owner=owner[order].astype(np.int64),
        cell=np.where(cell == len(name), -1, cell),
        near=_neighbours(name),
        start=start,
        key=key,
        by_key=by_key,
        key_start=key_start,
    )
    return nodes, order


def _cells(x: FloatArray, y: FloatArray, radius_m: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The occupied cells (c, 2), and the one of each place (n,)."""
    if not x.size:
        return np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.int64)
    named, number = np.unique(cells_of(x, y, radius_m), axis=0, return_inverse=True)
    return named, number.reshape(-1)


def _neighbours(name: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each cell of `name` (c, 2) the numbers of the occupied ones of the nine around it, (c, 9); -1 for none."""
    if not len(name):
        return np.empty((0, 9), dtype=np.int64)
    low = name.min(axis=0) - 1
    height = np.int64(name[:, 1].max() + 2 - low[1])
    code = (name[:, 0] - low[0]) * height + name[:, 1] - low[1]
    near = np.empty((len(name), 9), dtype=np.int64)
    for column, step in enumerate(np.ndindex(3, 3)):
        wanted = code + (step[0] - 1) * height + step[1] - 1
        at = np.minimum(np.searchsorted(code, wanted), len(code) - 1)
        near[:, column] = np.where(code[at] == wanted, at, -1)
    return near


def _settings(
    setting: NDArray[np.int64], day: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """`key`, `by_key` and `key_start` of Nodes."""
    key = np.full(setting.size, -1, dtype=np.int64)
    known = np.flatnonzero(setting)
    names, number = np.unique(setting[known], return_inverse=True)
    key[known] = number
    by_key = known[np.lexsort((day[known], number))]
    return key, by_key, np.searchsorted(key[by_key], np.arange(len(names) + 1))
