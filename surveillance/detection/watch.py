"""What the monitoring charts (CUSUM, GLR) share: history to learn from first, then steps under watch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.harmonics import STEPS_PER_YEAR
from surveillance.types import BoolArray, CountSeries, FloatArray

LARGEST_COUNT = 1e9
MOST_SERIES = 2000
"""Series regressed at once; more only cost memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A series' steps before `begin` are history, those from `begin` on are watched; `evaluated` are reported.

    `history` (S, begin) and `watched` (S, T - begin) hold NaN where unknown or impossible. `reason`
    (S, evaluated) says what the counts themselves lack; history that cannot be used spoils all its series' steps.
    """

    begin: int
    evaluated: NDArray[np.int64]
    history: FloatArray
    watched: FloatArray
    reason: NDArray[np.str_]

    @property
    def outside(self) -> int:
        """How many of the evaluated steps are still history."""
        return int(np.count_nonzero(self.evaluated < self.begin))

    def report(self, values: FloatArray) -> FloatArray:
        """`values` (S, watched) at the evaluated steps, NaN in the history."""
        before = np.full((len(values), self.outside), np.nan)
        return np.hstack([before, values[:, self.evaluated[self.outside :] - self.begin]])


def watch(series: CountSeries, *, training: int | None, last: int | None, fewest: int) -> Watch:
    """Split `series`: `training` steps of history (None: all but the newest year); at least `fewest` known."""
    counts = series.observed
    steps = counts.shape[1]
    begin = max(steps - STEPS_PER_YEAR[series.frequency], 0) if training is None else min(training, steps)
    evaluated = np.arange(0 if last is None else max(steps - last, 0), steps, dtype=np.int64)
    impossible: BoolArray = (counts < 0) | (counts > LARGEST_COUNT)
    usable = np.where(impossible, np.nan, counts)
    history = usable[:, :begin]
    shape = (len(counts), evaluated.size)
    everywhere = np.ones(shape, dtype=np.bool_)
    short = (~np.isnan(history)).sum(axis=1, keepdims=True) < fewest
    spoilt = impossible[:, :begin].sum(axis=1, keepdims=True) > 0
    empty = np.nansum(history, axis=1, keepdims=True) == 0
    reason = np.full(shape, "", dtype="<U24")
    reason[everywhere & empty] = "no_past_cases"
    reason[np.isnan(counts[:, evaluated])] = "unknown_counts"
    reason[everywhere & (spoilt | impossible[:, evaluated])] = "invalid_counts"
    reason[everywhere & (short | (evaluated < begin))] = "insufficient_history"
    return Watch(begin=begin, evaluated=evaluated, history=history, watched=usable[:, begin:], reason=reason)


def check_watch(training: int | None, last: int | None) -> None:
    """Raises ValueError for numbers of steps no series can have."""
    if training is not None and training < 1:
        raise ValueError(f"training is {training} steps; there must be at least 1")
    if last is not None and last < 1:
        raise ValueError(f"last is {last} steps; evaluate at least 1")


def check_levels(mean: object, or_else: str = "") -> None:
    """Raises ValueError for a mean that is no number above 0, nor numbers above 0."""
    each = mean if isinstance(mean, tuple) else (mean,)
    if not each or not all(isinstance(level, int | float) and 0 < level < np.inf for level in each):
        raise ValueError(f"mean is {mean!r}; use {or_else}a number above 0 (or one for each step watched)")


def levels(mean: float | tuple[float, ...], shape: tuple[int, ...]) -> FloatArray:
    """Given means of watched steps, `shape` (S, watched). Raises ValueError when there are too many or too few."""
    if isinstance(mean, tuple) and len(mean) != shape[1]:
        raise ValueError(f"mean has {len(mean)} numbers for {shape[1]} steps watched")
    return np.broadcast_to(np.asarray(mean, dtype=np.float64), shape).copy()
