"""The reporting triangle: cases by day of event and by how many days later they were reported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from surveillance.types import FloatArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Triangle:
    """`counts` (S, T, D+1): cases of area s, event step t, reported d steps later; the last step is `now`.

    NaN where t + d lies after the last step (not reported yet) or where the figure is unknown. Delays above
    D are counted at D, as soon as they are reported. `start` is the first event day; steps are days.
    """

    start: date
    counts: FloatArray

    @property
    def max_delay(self) -> int:
        return self.counts.shape[2] - 1

    @property
    def steps(self) -> int:
        return self.counts.shape[1]

    @property
    def reported(self) -> FloatArray:
        """Cases reported so far, (S, T); NaN where a figure that should be known is not."""
        due = due_cells(self.steps, self.max_delay)
        return np.where(due, self.counts, 0.0).sum(axis=2)


def due_cells(steps: int, max_delay: int) -> NDArray[np.bool_]:
    """Which cells (T, D+1) should be known by the last step."""
    return np.asarray(np.add.outer(np.arange(steps), np.arange(max_delay + 1)) < steps)


def triangle_of(
    area: IntArray,
    event: IntArray,
    reported: IntArray,
    *,
    areas: int,
    steps: int,
    max_delay: int,
    start: date,
) -> Triangle:
    """Count cases given as arrays: area 0..areas-1, event and report as days since `start`.

    Cases reported before their event or after step `steps`-1 (not known yet) and events outside the steps are
    left out: the first are for the data-quality page, not for guessing.
    """
    known = (reported < steps) & (event >= 0) & (event < steps) & (reported >= event)
    delay = np.minimum(reported - event, max_delay)
    shape = (areas, steps, max_delay + 1)
    cell = np.ravel_multi_index((area[known], event[known], delay[known]), shape)
    counts = np.bincount(cell, minlength=areas * steps * (max_delay + 1)).reshape(shape).astype(np.float64)
    return Triangle(start=start, counts=np.where(due_cells(steps, max_delay), counts, np.nan))
