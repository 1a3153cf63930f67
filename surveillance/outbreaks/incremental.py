"""Outbreaks kept up to date case by case: only what a change can touch is linked anew.

The answer is that of `find_outbreaks` on all cases: what is linked anew are whole components of links, and nothing
outside a component has any influence in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import product

import numpy as np
from numpy.typing import NDArray

from surveillance.lines import day_number
from surveillance.outbreaks.eligibility import Area, Places, screen
from surveillance.outbreaks.find import Finding, outcome
from surveillance.outbreaks.grid import cells_of
from surveillance.outbreaks.linking import Labels, Pairs, find_pairs, link
from surveillance.outbreaks.outbreak import Outbreak, assemble_keyed
from surveillance.outbreaks.profiles import Profile
from surveillance.outbreaks.table import CaseTable

Bucket = tuple[int, ...]
"""Column, row and period of a position (3), or setting and period (2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an update did: outbreaks that are no longer as they were, and those that stand in their place, by first
    event and anchor. `relinked` counts the places that were looked at anew."""

    before: tuple[Outbreak, ...]
    after: tuple[Outbreak, ...]
    relinked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Component:
    """Places linked by any chain, their links, what became of each, and the outbreaks among them by packed places."""

    places: Places
    pairs: Pairs
    why: NDArray[np.int8]
    outbreaks: dict[bytes, Outbreak] = field(default_factory=dict)


class Watch:
    """The outbreaks of one disease and profile while cases come, change and go.

    Starts empty; `update` is the only way to change it. Not for two threads at once.
    """

    def __init__(self, profile: Profile, *, area: Area | None = None) -> None:
        self.profile = profile
        self._area = area
        self._today = date.min
        self._later: CaseTable | None = None
        self._components: dict[int, _Component] = {}
        self._component_of: dict[int, int] = {}
        self._made = 0
        self._in_bucket: defaultdict[Bucket, set[int]] = defaultdict(set)

    def outbreaks(self) -> tuple[Outbreak, ...]:
        """All outbreaks, by first event and anchor: those of `find_outbreaks`."""
        return _sorted(o for part in self._components.values() for o in part.outbreaks.values())

    def finding(self, table: CaseTable) -> Finding:
        """The finding of all cases taken in, given once more as `table`: for `explain`."""
        parts = list(self._components.values())
        case_id = np.concatenate([np.empty(0, np.int64), *(part.places.case_id for part in parts)])
        why = np.concatenate([np.empty(0, np.int8), *(part.why for part in parts)])
        screened = screen(table, self.profile, today=self._today, area=self._area).why
        return Finding(
            profile=self.profile,
            table=table,
            why=outcome(table, screened, case_id, why),
            outbreaks=self.outbreaks(),
        )

    def update(self, changed: CaseTable, *, removed: Collection[int] = (), today: date) -> Change:
        """Take in new cases and new versions of known ones, and out those `removed`; unknown ids are no error.

        Cases dated after `today` wait until it comes. Raises ValueError when `today` goes back, and TooManyLinks;
        then nothing is changed.
        """
        if today < self._today:
            raise ValueError(f"today went back from {self._today} to {today}")
        arriving, later = self._due(changed, removed, today)
        going = {*changed.case_id.tolist(), *arriving.case_id.tolist(), *removed}
        new = screen(arriving, self.profile, today=today, area=self._area).places
        changing = {self._component_of[case_id] for case_id in going if case_id in self._component_of}
        touched = sorted(changing | self._touched(new))
        merged = _merged([self._components[number] for number in touched], going, new, self.profile)
        self._today, self._later = today, later
        self._forget([self._components[number].places for number in changing], going)
        self._enter(new)
        old = [self._components.pop(number) for number in touched]
        after = self._relink(old, going, *merged)
        before = [o for part in old for o in part.outbreaks.values()]
        return Change(
            before=_without(before, after),
            after=_without(after, before),
            relinked=new.case_id.size + sum(part.places.case_id.size for part in old),
        )

    def _due(
        self, changed: CaseTable, removed: Collection[int], today: date
    ) -> tuple[CaseTable, CaseTable | None]:
        """The changed cases, and those that waited, whose day has come; and those that wait on."""
        pool = changed
        if self._later is not None:
            gone = np.isin(self._later.case_id, [*changed.case_id.tolist(), *removed])
            pool = CaseTable.joined([changed, self._later.cases(~gone)])
        future = pool.day > day_number(today)
        return pool.cases(~future), pool.cases(future) if future.any() else None

    def _touched(self, new: Places) -> set[int]:
        """Components with a place so near one of the new ones that they might be linked."""
        around = {near for bucket, _ in _buckets(new, self.profile) for near in _neighbours(bucket)}
        near = set().union(*(self._in_bucket[bucket] for bucket in around if bucket in self._in_bucket))
        return {self._component_of[case_id] for case_id in near}

    def _enter(self, new: Places) -> None:
        for bucket, case_id in _buckets(new, self.profile):
            self._in_bucket[bucket].add(case_id)

    def _forget(self, parts: Sequence[Places], going: Collection[int]) -> None:
        for places in parts:
            gone = places.take(np.isin(places.case_id, list(going)))
            for bucket, case_id in _buckets(gone, self.profile):
                self._in_bucket[bucket].discard(case_id)
            for case_id in gone.case_id.tolist():
                self._component_of.pop(case_id, None)

    def _relink(
        self, old: Sequence[_Component], going: Collection[int], places: Places, pairs: Pairs
    ) -> list[Outbreak]:
        """Link the places of whole components anew; their outbreaks, the `old` ones again where none of them goes."""
        if not places.case_id.size:
            return []
        labels = link(places, pairs, self.profile)
        gone = frozenset(going)
        known = {k: o for part in old for k, o in part.outbreaks.items() if gone.isdisjoint(o.members)}
        outbreaks = assemble_keyed(places, labels, self.profile, known)
        number_of = self._keep(places, pairs, labels)
        for key, outbreak in outbreaks.items():
            self._components[number_of[outbreak.anchor]].outbreaks[key] = outbreak
        return list(outbreaks.values())

    def _keep(self, places: Places, pairs: Pairs, labels: Labels) -> dict[int, int]:
        """Keep each component by itself; the number of the component of each case."""
        from surveillance.outbreaks.kernel import sorted_by_group

        order = np.argsort(labels.reach, kind="stable")
        size = np.bincount(labels.reach)
        first = np.cumsum(size) - size
        within = np.empty(order.size, dtype=np.int32)
        within[order] = np.arange(order.size) - np.repeat(first, size)
        *columns, begin = sorted_by_group(labels.reach, size.size, *pairs, within)
        number_of: dict[int, int] = {}
        for number, rows in enumerate(np.split(order, first[1:])):
            edges = slice(begin[number], begin[number + 1])
            self._made += 1
            self._components[self._made] = _Component(
                places=places.take(rows),
                pairs=Pairs(*(column[edges].copy() for column in columns)),
                why=labels.why[rows],
            )
            number_of |= dict.fromkeys(places.case_id[rows].tolist(), self._made)
        self._component_of |= number_of
        return number_of


def _merged(
    old: Sequence[_Component], going: Collection[int], new: Places, profile: Profile
) -> tuple[Places, Pairs]:
    """The places that stay and the new ones in their order, with all their links: only those of new ones are sought."""
    places = Places.joined([*(part.places for part in old), new])
    shift = np.cumsum([0, *(part.places.case_id.size for part in old)])
    keep = ~np.isin(places.case_id, list(going))
    keep[shift[-1] :] = True
    rows = np.flatnonzero(keep)
    rows = rows[np.argsort(places.case_id[rows], kind="stable")]
    position = np.full(keep.size, -1, dtype=np.int32)
    position[rows] = np.arange(rows.size)
    merged = places.take(rows)
    found = [_new_pairs(merged, rows >= shift[-1], profile)]
    found += [
        part.pairs.renumbered(position[begin:end])
        for part, begin, end in zip(old, shift, shift[1:], strict=False)
    ]
    return merged, Pairs(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def _new_pairs(places: Places, fresh: NDArray[np.bool_], profile: Profile) -> Pairs:
    """The links of `fresh` places, sought only among days near theirs."""
    if not fresh.any():
        return Pairs(*np.empty((3, 0), dtype=np.int32))
    day, chain = places.day, profile.chain_days
    window = (day >= day[fresh].min() - chain) & (day <= day[fresh].max() + chain)
    rows = np.flatnonzero(window).astype(np.int32)
    first, second, apart = find_pairs(places.take(rows), profile, fresh[rows])
    return Pairs(rows[first], rows[second], apart)


def _buckets(places: Places, profile: Profile) -> Iterator[tuple[Bucket, int]]:
    """Where to find each place again: by its position, and by its setting."""
    period = places.day // max(profile.chain_days, 1)
    placed = np.isfinite(places.x)
    cells = cells_of(places.x[placed], places.y[placed], profile.radius_m or 1.0)
    by_place = np.column_stack([cells, period[placed]])
    yield from zip(map(tuple, by_place.tolist()), places.case_id[placed].tolist(), strict=True)
    named = places.setting != 0
    by_setting = np.column_stack([places.setting[named], period[named]])
    yield from zip(map(tuple, by_setting.tolist()), places.case_id[named].tolist(), strict=True)


def _neighbours(bucket: Bucket) -> Iterator[Bucket]:
    """The buckets in which a link of something in `bucket` can lie."""
    if len(bucket) == 2:
        return ((bucket[0], bucket[1] + step) for step in (-1, 0, 1))
    return product(*((n - 1, n, n + 1) for n in bucket))


def _sorted(outbreaks: Iterable[Outbreak]) -> tuple[Outbreak, ...]:
    return tuple(sorted(outbreaks, key=Outbreak.sort_key))


def _without(outbreaks: Sequence[Outbreak], same: Sequence[Outbreak]) -> tuple[Outbreak, ...]:
    """Those of `outbreaks` that are not, exactly, among `same`."""
    kept = {id(outbreak) for outbreak in outbreaks} & {id(outbreak) for outbreak in same}
    known = {outbreak.packed: outbreak for outbreak in same if id(outbreak) not in kept}
    return _sorted(o for o in outbreaks if id(o) not in kept and known.get(o.packed) != o)
