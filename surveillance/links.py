"""Epidemiologically linked cases ("có liên quan dịch tễ") of a commune, for Circular 15/2026 arts. 16 and 22.

A first cut from the line list alone: investigation knows better, the law leaves the evidence open
(domain.md §3). Two cases of one disease in one commune are linked when both name the same setting (school,
household, source), or when one of them names none and their events lie within the disease's link window.
Different settings do not link. Links chain: what counts is the largest group.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from surveillance.lines import Lines
from surveillance.types import FloatArray


def linked_cases(lines: Lines, *, window_days: Sequence[int]) -> FloatArray:
    """Size of the largest linked group of each disease in each commune, (D, U); 0 where no two are linked.

    `lines` holds the cases of one week or month to date; `window_days` has one value per disease.
    """
    size = np.zeros((len(lines.diseases), len(lines.unit_ids)))
    if not lines.day.size:
        return size
    cell = lines.disease.astype(np.int64) * len(lines.unit_ids) + lines.unit
    group = _groups(cell, lines.day, lines.setting, np.asarray(window_days)[lines.disease])
    _, first, members = np.unique(group, return_index=True, return_counts=True)
    np.maximum.at(size.reshape(-1), cell[first], np.where(members >= 2, members, 0))
    return size


def _groups(
    cell: NDArray[np.int64], day: NDArray[np.int32], setting: NDArray[np.int64], window: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Label of each case's chain, (N,). Compares each case with the next, the one after, … of its cell."""
    order = np.lexsort((setting, day, cell))
    pairs: list[NDArray[np.int64]] = []
    for step in range(1, len(order)):
        left, right = order[:-step], order[step:]
        same_cell = cell[left] == cell[right]
        if not same_cell.any():
            break
        near = day[right] - day[left] <= window[left]
        open_ended = (setting[left] == 0) | (setting[right] == 0)
        linked = same_cell & np.where(open_ended, near, setting[left] == setting[right])
        pairs.append(np.stack([left[linked], right[linked]]))
    joined = np.concatenate(pairs, axis=1) if pairs else np.empty((2, 0), dtype=np.int64)
    graph = coo_array((np.ones(joined.shape[1]), (joined[0], joined[1])), shape=(len(order), len(order)))
    return connected_components(graph, directed=False)[1]
