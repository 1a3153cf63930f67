"""How surely a cluster stands: the scan again for places drawn where the source named only an old unit that was split.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surveillance.scan import Cluster, Settings, replicate_plan
from surveillance.scanning.growth import Growth
from surveillance.scanning.monte_carlo import observed
from surveillance.scanning.null import Null
from surveillance.scanning.significance import TIE
from surveillance.types import BoolArray

IntArray = NDArray[np.int64]

SHARED = 0.5
"""Two windows are one cluster when they have this share of the cases of either in common."""


class Part(NamedTuple):
    """Positions of the communes that an old unit went into, and the share of it each took (sums to 1)."""

    units: tuple[int, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """Cases (N,): the commune and day each counts for, and the old unit (0: none) that is all the source named."""

    unit: IntArray
    day: IntArray
    former: NDArray[np.int32]
    parts: Mapping[int, Part]

    @property
    def doubtful(self) -> BoolArray:
        return np.isin(self.former, [old for old, part in self.parts.items() if len(part.units) > 1])

    def drawn(self, rng: np.random.Generator) -> IntArray:
        """A commune (N,) for each case."""
        unit = self.unit.copy()
        for old in np.unique(self.former[self.doubtful]).tolist():
            cases = np.flatnonzero(self.former == old)
            unit[cases] = rng.choice(self.parts[old].units, size=cases.size, p=self.parts[old].shares)
        return unit


def stands_in(
    clusters: Sequence[Cluster],
    placing: Placing,
    model: Callable[[IntArray], Null],
    growth: Growth,
    settings: Settings,
    critical: float,
    *,
    number: int,
    rng: np.random.Generator,
) -> list[int]:
    """In how many of `number` placements each cluster is found again: a window with a statistic above `critical`
    that has at least SHARED of the cases of either in common with it. `model` gives the null of communes (N,)."""
    if not placing.doubtful.any():
        return [number] * len(clusters)
    own = [_inside(c.members, c.first, c.last, placing.unit, placing.day) for c in clusters]
    stands = np.zeros(len(clusters), np.int64)
    for _ in range(number):
        unit = placing.drawn(rng)
        windows = [
            _inside(*window, unit, placing.day) for window in _strong(model(unit), growth, settings, critical)
        ]
        stands += [any(_one_cluster(cases, window) for window in windows) for cases in own]
    return stands.tolist()


def _strong(
    null: Null, growth: Growth, settings: Settings, critical: float
) -> Iterator[tuple[IntArray, int, int]]:
    """The best window of every centre where it is above `critical`: places, first and last day."""
    plan = replicate_plan(null, growth, settings)
    statistic, length, lanes = observed(plan, null.cases)
    for sequence in np.flatnonzero(statistic > critical * (1 + TIE)).tolist():
        first, last = plan.windows.span(*lanes[sequence].tolist())
        yield plan.growth.zone(sequence, length[sequence]), first, last


def _inside(members: IntArray, first: int, last: int, unit: IntArray, day: IntArray) -> BoolArray:
    """Which cases (N,) lie in a window."""
    return np.isin(unit, members) & (day >= first) & (day <= last)


def _one_cluster(cases: BoolArray, window: BoolArray) -> bool:
    return bool((cases & window).sum() >= SHARED * max(cases.sum(), window.sum()))
