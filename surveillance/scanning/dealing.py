"""How the cases of a replicate are dealt out over places and lanes (monte_carlo.py), worked out once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from surveillance.scanning.null import Draw, Model
from surveillance.types import FloatArray

IntArray = NDArray[np.int64]

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
    keep: FloatArray
    other: IntArray
    lane_keep: FloatArray
    lane_other: IntArray
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
    tables = _tables(weight, profile, draw.cases) if model is Model.POISSON else _tables(weight[:0], profile, 0)
    return Deal(
        KINDS[model], draw.place.astype(np.int32), draw.stop, lanes.astype(np.int32), lane_stop, *tables, draw.cases
    )


def _tables(
    weight: FloatArray, profile: FloatArray, cases: int
) -> tuple[FloatArray, IntArray, FloatArray, IntArray]:
    """Alias tables of the place, the last cell standing for where no window reaches, and of the lane."""
    by_place = weight[:, -1] * profile[-1]
    keep, other = _alias(np.append(by_place, max(cases - by_place.sum(), 0.0)))
    cumulated = profile[None, :] if weight.shape[1] == 1 else weight
    lanes = [_alias(row) for row in np.diff(cumulated, axis=1, prepend=0.0)]
    shape = (len(lanes), profile.size)
    lane_keep, lane_other = (np.array([row[i] for row in lanes]).reshape(shape) for i in (0, 1))
    return keep, other, lane_keep, lane_other.astype(np.int64)


def _alias(weight: FloatArray) -> tuple[FloatArray, IntArray]:
    """As the kernel compares it: with 32 random bits."""
    from surveillance.scanning.draw_kernel import alias_table

    weight = np.maximum(weight, 0.0)
    keep, other = alias_table(weight if weight.sum() > 0 else np.ones(weight.size))
    return keep * 2.0**32, other


def counts_of(
    given: Deal, keys: NDArray[np.uint64], places: int, lanes: int, wide: type
) -> tuple[NDArray[Any], int]:
    """The cases of one replicate per key (at most GROUP), cumulated along the lanes, (places, GROUP × lanes, filled up
    to eights): in bytes, and how many of them surely add up in one; where they do not fit, `wide`."""
    from surveillance.scanning.draw_kernel import draw_counts

    columns = GROUP * -(-lanes // 8) * 8
    counts: NDArray[Any] = np.empty((places, columns), np.uint8)
    most = draw_counts(counts, given.kind, keys, *given[1:])
    if most > BYTE_MOST:
        counts = np.empty((places, columns), wide)
        draw_counts(counts, given.kind, keys, *given[1:])
    return counts, max(BYTE_MOST // max(most, 1), 1)
