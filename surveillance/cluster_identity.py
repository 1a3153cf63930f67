"""Which of today's scan clusters is which of yesterday's, and which of it is news. Pure.

Two windows are as much the same as the cases they share: communes in both, on days in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from i18n import Message
from surveillance.types import FloatArray

SHARED = 0.5
"""Share of the smaller one's cases that two windows have in common when they are one cluster."""
GROWTH = 0.2
"""Growth of the cases by less than this share, in the same communes, is no news."""


class Kind(StrEnum):
    NEW = "new"
    SAME = "same"
    GROWING = "growing"
    SHRINKING = "shrinking"
    MERGED = "merged"
    SPLIT = "split"
    ENDED = "ended"


WORDS: Mapping[Kind, str] = {
    Kind.NEW: "Cụm ca mới.",
    Kind.SAME: "Không thay đổi đáng kể.",
    Kind.GROWING: "Cụm ca lớn thêm.",
    Kind.SHRINKING: "Cụm ca nhỏ lại.",
    Kind.MERGED: "Đã nhập vào cụm khác.",
    Kind.SPLIT: "Tách ra từ cụm khác.",
    Kind.ENDED: "Cụm ca đã hết.",
}


def explain(kind: Kind) -> Message:
    """The words for a kind of this module."""
    return Message(WORDS[kind])


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Units (positions in the counts) over the days `first`..`last`, both included."""

    units: frozenset[int]
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A cluster as recorded: its lasting number, window and cases."""

    number: int
    window: Window
    cases: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What became of one cluster. `at` is its place among today's windows, None where it is no longer found.

    `parents` are the numbers it came from (split), `into` the one that took it in (merged).
    """

    kind: Kind
    number: int
    at: int | None = None
    parents: tuple[int, ...] = ()
    into: int | None = None

    @property
    def is_news(self) -> bool:
        return self.kind is not Kind.SAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Cases (U, T) of the units from `start` on: how much windows share is counted in cases."""

    start: date
    observed: FloatArray

    def inside(self, window: Window) -> float:
        return self._sum(window.units, window.first, window.last)

    def shared(self, one: Window, other: Window) -> float:
        first, last = max(one.first, other.first), min(one.last, other.last)
        return self._sum(one.units & other.units, first, last)

    def _sum(self, units: frozenset[int], first: date, last: date) -> float:
        begin, end = max((first - self.start).days, 0), (last - self.start).days + 1
        return float(np.nansum(self.observed[sorted(units), begin : max(end, begin)]))


def match(
    known: Sequence[Known], today: Sequence[Window], counts: Counts, *, next_number: int
) -> tuple[Step, ...]:
    """A step for each known and each new cluster, by number; new numbers count up from `next_number`.

    Of several candidates the one that shares most cases keeps the number; of equal ones the older.
    """
    shared = _overlaps(known, today, counts)
    heir = _heirs(known, today, shared)
    fresh = iter(range(next_number, next_number + len(today)))
    steps = [_step(at, window, known, heir.get(at), shared, counts, fresh) for at, window in enumerate(today)]
    numbers = [step.number for step in steps]
    carried = set(heir.values())
    steps += [_gone(k, known[k], shared, numbers) for k in range(len(known)) if k not in carried]
    return tuple(sorted(steps, key=lambda step: step.number))


def _overlaps(known: Sequence[Known], today: Sequence[Window], counts: Counts) -> NDArray[np.float64]:
    """Shared cases (K, T), 0 where they are too few for one cluster."""
    shared = np.zeros((len(known), len(today)))
    for k, old in enumerate(known):
        for t, window in enumerate(today):
            both = counts.shared(old.window, window)
            least = min(counts.inside(old.window), counts.inside(window))
            shared[k, t] = both if both > 0 and both >= SHARED * least else 0.0
    return shared


def _heirs(known: Sequence[Known], today: Sequence[Window], shared: NDArray[np.float64]) -> dict[int, int]:
    """Position of the known cluster that each of today's windows carries on."""
    pairs = [(int(k), int(t)) for k, t in zip(*np.nonzero(shared), strict=True)]
    pairs.sort(key=lambda pair: (-shared[pair], known[pair[0]].number, today[pair[1]].first, pair[1]))
    heirs: dict[int, int] = {}
    for k, t in pairs:
        if t not in heirs and k not in heirs.values():
            heirs[t] = k
    return heirs


def _step(
    at: int,
    window: Window,
    known: Sequence[Known],
    heir: int | None,
    shared: NDArray[np.float64],
    counts: Counts,
    fresh: Iterator[int],
) -> Step:
    if heir is None:
        parents = tuple(known[int(k)].number for k in np.flatnonzero(shared[:, at]))
        return Step(kind=Kind.SPLIT if parents else Kind.NEW, number=next(fresh), at=at, parents=parents)
    old, cases = known[heir], counts.inside(window)
    gained, lost = window.units - old.window.units, old.window.units - window.units
    if gained or cases >= (1 + GROWTH) * old.cases:
        kind = Kind.GROWING if cases >= old.cases else Kind.SHRINKING
    elif lost or cases <= (1 - GROWTH) * old.cases:
        kind = Kind.SHRINKING
    else:
        kind = Kind.SAME
    return Step(kind=kind, number=old.number, at=at)


def _gone(k: int, old: Known, shared: NDArray[np.float64], numbers: Sequence[int]) -> Step:
    if not shared[k].any():
        return Step(kind=Kind.ENDED, number=old.number)
    return Step(kind=Kind.MERGED, number=old.number, into=numbers[int(np.argmax(shared[k]))])
