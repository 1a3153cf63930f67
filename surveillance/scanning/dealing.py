"""How the cases of a replicate are dealt out over places and lanes (monte_carlo.py), worked out once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from surveillance.scanning.null import Draw, Model
from surveillance.types import FloatArray

IntArray = NDArray[np.int64]
Keys = NDArray[np.uint64]

GROUP = 16
"""As in scan_kernel.py."""
BYTE_MOST = 255
KINDS = {Model.PERMUTATION: 0, Model.POISSON: 1, Model.BERNOULLI: 2}


class Deal(NamedTuple):
    """Arguments of `draw_kernel.draw_counts`."""

    kind: int
    place: NDArray[np.int32]
    stop: IntArray
    lane: NDArray[np.int32]
    lane_stop: IntArray
    keep: Keys
    other: Keys
    lane_keep: Keys
    lane_other: Keys
    cases: int


def deal(model: Model, draw: Draw, lane: IntArray, weight: FloatArray, profile: FloatArray) -> Deal:
    """`lane` (T,) is where a case of each interval counts, -1 where no window reaches; `weight` (n, K) and `profile`
    (L,) are the expectations, cumulated along the lanes."""
    lanes, lane_stop = lane[draw.time], np.zeros(0, np.int64)
    if model is Model.PERMUTATION:  # last times first: they are dealt the same, wherever windows begin
        stratum = np.searchsorted(draw.stop, np.arange(draw.time.size), side="right")
        lanes = lanes[np.lexsort((-draw.time, stratum))]
        used = lanes >= 0
        lane_stop = np.append(0, np.cumsum(used))[draw.stop]
        lanes = lanes[used]
    tables = (
        _tables(weight, profile, draw.cases) if model is Model.POISSON else _tables(weight[:0], profile, 0)
    )
    return Deal(
        KINDS[model],
        draw.place.astype(np.int32),
        draw.stop,
        lanes.astype(np.int32),
        lane_stop,
        *tables,
        draw.cases,
    )


def _tables(weight: FloatArray, profile: FloatArray, cases: int) -> tuple[Keys, Keys, Keys, Keys]:
    """Alias tables of the place, the last cell standing for where no window reaches, and of the lane."""
    by_place = weight[:, -1] * profile[-1]
    keep, other = _alias(np.append(by_place, max(cases - by_place.sum(), 0.0)))
    cumulated = profile[None, :] if weight.shape[1] == 1 else np.vstack((weight, profile * 0))
    lanes = [_alias(row) for row in np.diff(cumulated, axis=1, prepend=0.0)]
    return keep, other, np.array([row[0] for row in lanes]), np.array([row[1] for row in lanes])


def _alias(weight: FloatArray) -> tuple[Keys, Keys]:
    """As the kernel looks it up: the chance (m,) to keep a cell in 2⁻³², and the cell itself and the other (2, m)."""
    from surveillance.scanning.draw_kernel import alias_table

    weight = np.maximum(weight, 0.0)
    keep, other = alias_table(weight if weight.sum() > 0 else np.ones(weight.size))
    return (keep * 2.0**32).astype(np.uint64), np.array([np.arange(weight.size), other], np.uint64)


def counts_of(
    given: Deal, keys: NDArray[np.uint64], places: int, lanes: int, wide: type
) -> tuple[NDArray[Any], int]:
    """The cases of one replicate per key (at most GROUP), cumulated along the lanes, (places + 1, GROUP × lanes,
    filled up to eights): in bytes, and how many of them surely add up in one; where they do not fit, `wide`."""
    from surveillance.scanning.draw_kernel import draw_counts

    columns = GROUP * -(-lanes // 8) * 8
    counts: NDArray[Any] = np.empty((places + 1, columns), np.uint8)
    most = draw_counts(counts, given.kind, keys, *given[1:])
    if most > BYTE_MOST:
        counts = np.empty((places + 1, columns), wide)
        draw_counts(counts, given.kind, keys, *given[1:])
    return counts, max(BYTE_MOST // max(most, 1), 1)
