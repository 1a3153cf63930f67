"""Places of cases sorted into cells of the link radius, so that a case is compared with its surroundings only."""

from __future__ import annotations

from itertools import product

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
    near, cell_of_placed = _cells(x[placed], y[placed], radius_m)
    cell = np.full(x.size, len(near), dtype=np.int64)
    cell[placed] = cell_of_placed
    order = np.lexsort((owner, day, cell))
    cell = cell[order]
    start = np.searchsorted(cell, np.arange(len(near) + 1))
    key, by_key, key_start = _settings(setting[order], day[order])
    nodes = Nodes(
        x=np.ascontiguousarray(x[order], dtype=np.float64),
        y=np.ascontiguousarray(y[order], dtype=np.float64),
        day=day[order].astype(np.int64),
        owner=owner[order].astype(np.int64),
        cell=np.where(cell == len(near), -1, cell),
        near=near,
        start=start,
        key=key,
        by_key=by_key,
        key_start=key_start,
    )
    return nodes, order


def _cells(x: FloatArray, y: FloatArray, radius_m: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each occupied cell the numbers of the occupied ones of the nine around it, (c, 9), -1 for none; and the cell
    of each place, (n,)."""
    if not x.size:
        return np.empty((0, 9), dtype=np.int64), np.empty(0, dtype=np.int64)
    column, row = (cells_of(x, y, radius_m) - cells_of(x.min(), y.min(), radius_m) + 1).T
    height = row.max() + 2
    code, number = np.unique(column * height + row, return_inverse=True)
    near = np.empty((code.size, 9), dtype=np.int64)
    for at, (right, up) in enumerate(product((-1, 0, 1), repeat=2)):
        wanted = code + right * height + up
        found = np.minimum(np.searchsorted(code, wanted), code.size - 1)
        near[:, at] = np.where(code[found] == wanted, found, -1)
    return near, number


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
