"""How surely a cluster stands: the scan again for places drawn where the source named only an old unit that was split.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
class Cases:
    """Cases (N,): the commune and day each counts for, and the old unit (0: none) that is all the source named."""

    unit: IntArray
    day: IntArray
    former: NDArray[np.int32]


def placements(
    cases: Cases, parts: Mapping[int, Part], number: int, rng: np.random.Generator
) -> Iterator[IntArray]:
    """Communes (N,) of the cases, drawn `number` times; none where all are sure."""
    split = {old: part for old, part in parts.items() if len(part.units) > 1}
    doubtful = np.flatnonzero(np.isin(cases.former, list(split)))
    if not doubtful.size:
        return
    olds, row = np.unique(cases.former[doubtful], return_inverse=True)
    most = max(len(split[old].units) for old in olds.tolist())
    units = np.array([_padded(split[old].units, most) for old in olds.tolist()], np.int64)
    upto = np.cumsum([_padded(split[old].shares, most, 0.0) for old in olds.tolist()], axis=1)
    for _ in range(number):
        chosen = (rng.random(doubtful.size)[:, None] >= upto[row, :-1]).sum(axis=1)
        unit = cases.unit.copy()
        unit[doubtful] = units[row, chosen]
        yield unit


def _padded(values: Sequence[float], size: int, filler: float | None = None) -> list[float]:
    """`values` and behind them fillers, by default the last of them again."""
    return [*values, *[values[-1] if filler is None else filler] * (size - len(values))]


def stands_in(
    clusters: Sequence[Cluster],
    cases: Cases,
    drawn: Iterator[IntArray],
    model: Callable[[IntArray], Null],
    growth: Growth,
    settings: Settings,
    critical: float,
) -> IntArray | None:
    """In how many of the placements `drawn` each cluster is found again; None where none were drawn.

    Found again is a window around one of its communes with a statistic above `critical` that has at least SHARED of
    the cases of either in common with it. `model` gives the null of communes (N,).
    """
    own = [_inside(c.members, c.first, c.last, cases.unit, cases.day) for c in clusters]
    around = _around(growth, np.concatenate([c.members for c in clusters]))
    stands: IntArray | None = None
    for unit in drawn:
        stands = np.zeros(len(clusters), np.int64) if stands is None else stands
        left = list(range(len(clusters)))
        for window in _strong(model(unit), around, settings, critical):
            inside = _inside(*window, unit, cases.day)
            again = [c for c in left if _one_cluster(own[c], inside)]
            stands[again] += 1
            left = [c for c in left if c not in again]
            if not left:
                break
    return stands


def _around(growth: Growth, communes: IntArray) -> Growth:
    """The sequences whose centre is one of `communes`."""
    chosen = np.flatnonzero(np.isin(growth.centre, communes))
    members = [growth.member[growth.start[s] : growth.start[s + 1]] for s in chosen]
    return replace(
        growth,
        centre=growth.centre[chosen],
        start=np.concatenate(([0], np.cumsum([part.size for part in members]))).astype(np.int64),
        member=np.concatenate(members),
        shape=growth.shape[chosen],
        angle=growth.angle[chosen],
        penalty=growth.penalty[chosen],
    )


def _strong(
    null: Null, growth: Growth, settings: Settings, critical: float
) -> Iterator[tuple[IntArray, int, int]]:
    """The best window of every centre where it is above `critical`, strongest first: places, first and last day."""
    plan = replicate_plan(null, growth, settings)
    statistic, length, lanes = observed(plan, null.cases)
    for sequence in np.argsort(-statistic, kind="stable").tolist():
        if statistic[sequence] <= critical * (1 + TIE):
            return
        first, last = plan.windows.span(*lanes[sequence].tolist())
        yield plan.growth.zone(sequence, length[sequence]), first, last


def _inside(members: IntArray, first: int, last: int, unit: IntArray, day: IntArray) -> BoolArray:
    """Which cases (N,) lie in a window."""
    member = np.zeros(max(int(members.max()), int(unit.max(initial=0))) + 1, dtype=bool)
    member[members] = True
    inside: BoolArray = member[unit] & (day >= first) & (day <= last)
    return inside


def _one_cluster(cases: BoolArray, window: BoolArray) -> bool:
    return bool((cases & window).sum() >= SHARED * max(cases.sum(), window.sum()))
