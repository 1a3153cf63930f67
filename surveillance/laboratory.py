"""What outbreaks another profile would have found, lived through day by day as the cases came to be known.

Pure but for `load_history`. Nobody acts here: no outbreak is confirmed, kept open or closed by hand
(docs/methods/laboratory.md).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from statistics import median

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from surveillance.beliefs import UNSAID
from surveillance.epiweek import week_start
from surveillance.lines import day_number
from surveillance.outbreaks.cases import load_versions
from surveillance.outbreaks.eligibility import Area, Places, inside, screen
from surveillance.outbreaks.lifecycle import Facts, missing_to_confirm
from surveillance.outbreaks.lineage import Known, match
from surveillance.outbreaks.linking import Pairs, find_pairs, link
from surveillance.outbreaks.outbreak import Outbreak, assemble_keyed
from surveillance.outbreaks.profiles import Profile
from surveillance.outbreaks.table import CaseTable
from surveillance.outbreaks.watching import METHOD, RECENT_DAYS, VERSION, first_day
from surveillance.types import Belief, Frequency, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The cases of one disease as they came to be known from `first` on, day by day.

    `versions` are the N versions of its cases, numbered; `case_id` (N,) is the case of each. A version was believed at
    the end of the days `begin`..`stop` - 1, counted from 0, the day before the first.
    """

    disease: str
    first: date
    length: int
    versions: CaseTable
    case_id: NDArray[np.int64]
    begin: NDArray[np.int64]
    stop: NDArray[np.int64]

    @property
    def last(self) -> date:
        return self.first + timedelta(days=self.length - 1)

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range(self.length)]

    def known(self, day: date) -> CaseTable:
        """The cases as believed at the end of `day`."""
        number = (day - self.first).days + 1
        chosen = (self.begin <= number) & (number < self.stop)
        return replace(self.versions.cases(chosen), case_id=self.case_id[chosen])


@dataclass(slots=True, kw_only=True)
class Found:
    """An outbreak's life: its states by the day from which on they held. `born` None: it stood before the first day.
    `ended`: its cases no longer made an outbreak, or another one took it in."""

    number: int
    born: date | None
    since: list[date] = field(default_factory=list)
    states: list[Outbreak] = field(default_factory=list)
    ended: date | None = None

    def at(self, day: date) -> Outbreak | None:
        """As it was known at the end of `day`; None before and after its life."""
        if self.ended is not None and day >= self.ended:
            return None
        place = bisect_right(self.since, day)
        return self.states[place - 1] if place else None

    @property
    def largest(self) -> Outbreak:
        return max(self.states, key=lambda state: len(state.members))

    @property
    def members(self) -> frozenset[int]:
        """Every case that was ever in it."""
        return frozenset().union(*(state.members for state in self.states))


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """All outbreaks a profile would have found in a history. How long they are watched is that of `profile`, whatever
    the states say of closing: another length needs no other states."""

    profile: Profile
    found: Sequence[Found]

    def watched(self, day: date) -> Iterator[tuple[Found, Outbreak]]:
        """The outbreaks of the day that may not be closed yet, as they were known."""
        for one in self.found:
            state = one.at(day)
            if state is not None and (day - state.last_event).days < self.profile.quiet_days:
                yield one, state


Pair = tuple[Found | None, Found | None]
"""An outbreak by the one profile and by the other; None where it would not be."""


def load_history(
    session: Session,
    profile: Profile,
    first: date,
    last: date,
    *,
    crs: str,
    zone: tzinfo,
    area: Area | None = None,
) -> History:
    """What was known at the end of each day from `first` to `last`. Cases before the first day are looked at as far
    back as the outbreaks job does."""
    ends = [
        datetime.combine(first + timedelta(days=n), time.max, zone)
        for n in range(-1, (last - first).days + 1)
    ]
    versions, case_id, believed = load_versions(
        session, profile, since=first_day(profile, first), start=ends[0], end=ends[-1], crs=crs
    )  # fmt: skip
    return _history(profile.disease, _on_land(versions, area), case_id, believed, ends)


def _on_land(table: CaseTable, area: Area | None) -> CaseTable:
    """Without positions outside the deployment: no profile links them."""
    here = inside(table, area)
    return replace(table, x=np.where(here, table.x, np.nan), y=np.where(here, table.y, np.nan))


def _history(
    disease: str,
    versions: CaseTable,
    case_id: NDArray[np.int64],
    believed: Sequence[tuple[datetime, datetime | None]],
    ends: Sequence[datetime],
) -> History:
    """`ends`: the last moments of the day before the first, and of each day."""
    moments = [moment.timestamp() for moment in ends]
    return History(
        disease=disease,
        first=ends[1].date(),
        length=len(ends) - 1,
        versions=versions,
        case_id=case_id,
        begin=np.searchsorted(moments, [begin.timestamp() for begin, _ in believed]),
        stop=np.searchsorted(moments, [np.inf if end is None else end.timestamp() for _, end in believed]),
    )


def relive(history: History, profile: Profile) -> Course:
    """The outbreaks `profile` would have found, each from the day on which it was known to be one.

    Raises TooManyLinks.
    """
    found: dict[int, Found] = {}
    number_of: dict[bytes, int] = {}
    for day, before, after in _changes(history, profile):
        known = [_known(number_of.pop(outbreak.packed), outbreak) for outbreak in before]
        for step in match(known, after, profile=profile, event_dates={}, next_id=len(found) + 1):
            if step.outbreak is None:
                found[step.outbreak_id].ended = day
                continue
            born = day if day >= history.first else None
            one = found.setdefault(step.outbreak_id, Found(number=step.outbreak_id, born=born))
            one.since.append(day)
            one.states.append(step.outbreak)
            number_of[step.outbreak.packed] = step.outbreak_id
    return Course(profile=profile, found=tuple(found.values()))


Changes = tuple[date, list[Outbreak], list[Outbreak]]
"""A day, the outbreaks that are no longer as they were, and those that stand in their place."""


def _changes(history: History, profile: Profile) -> Iterator[Changes]:
    """Day by day what `incremental.Watch` would say. The whole past is at hand, so that links and the groups they can
    ever make are found once; each day only groups in which something changed are linked anew."""
    from surveillance.outbreaks.kernel import components

    places, row = _places(history, profile)
    begin, stop = _known_days(history)
    begin, stop = begin[row], stop[row]
    pairs = find_pairs(places, profile)
    same = np.flatnonzero(np.diff(places.case_id) == 0).astype(np.int32)
    group = components(row.size, np.append(pairs.first, same), np.append(pairs.second, same + 1))
    standing: defaultdict[int, dict[bytes, Outbreak]] = defaultdict(dict)
    for number in range(history.length + 1):
        moved = ((begin == number) & (stop > number)) | ((stop == number) & (begin < number))
        if not moved.any():
            continue
        touched = np.unique(group[moved])
        here = np.zeros(int(group.max()) + 1, dtype=np.bool_)
        here[touched] = True
        rows = np.flatnonzero(here[group] & (begin <= number) & (number < stop))
        going = frozenset(places.case_id[moved].tolist())
        old = {key: o for one in touched.tolist() for key, o in standing.pop(one, {}).items()}
        known = {key: o for key, o in old.items() if going.isdisjoint(o.members)}
        new = _linked(places, pairs, rows, profile, known)
        group_of = dict(zip(places.case_id[rows].tolist(), group[rows].tolist(), strict=True))
        for key, outbreak in new.items():
            standing[group_of[outbreak.anchor]][key] = outbreak
        before, after = _unlike(old, new), _unlike(new, old)
        if before or after:
            yield history.first + timedelta(days=number - 1), before, after


def _unlike(some: Mapping[bytes, Outbreak], others: Mapping[bytes, Outbreak]) -> list[Outbreak]:
    """Those of `some` that are not, exactly, among `others`."""
    return [o for key, o in some.items() if (other := others.get(key)) is not o and other != o]


def _places(history: History, profile: Profile) -> tuple[Places, NDArray[np.int64]]:
    """The places of all versions that may take part, and the version of each, in the order that decides ties."""
    found = screen(history.versions, profile, today=history.last).places
    row = found.case_id
    named = replace(found, case_id=history.case_id[row])
    order = named.order()
    return named.take(order), row[order]


def _known_days(history: History) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`begin` and `stop`; a case dated after a day waits until its day comes."""
    due = history.versions.day - day_number(history.first) + 1
    return np.maximum(history.begin, due), history.stop


def _linked(
    places: Places, pairs: Pairs, rows: NDArray[np.int64], profile: Profile, known: Mapping[bytes, Outbreak]
) -> dict[bytes, Outbreak]:
    """The outbreaks among these places of whole groups; those `known` are taken as they are."""
    if not rows.size:
        return {}
    number = np.full(places.case_id.size, -1, dtype=np.int32)
    number[rows] = np.arange(rows.size, dtype=np.int32)
    own = places.take(rows)
    return assemble_keyed(own, link(own, pairs.renumbered(number), profile), profile, known)


def _known(number: int, outbreak: Outbreak) -> Known:
    return Known(
        outbreak_id=number,
        members=frozenset(outbreak.members),
        first_event=outbreak.first_event,
        last_event=outbreak.last_event,
    )


def pair(old: Course, new: Course) -> list[Pair]:
    """Which outbreak of the one course is which of the other: those that shared most cases first, each once."""
    theirs = [one.members for one in new.found]
    owners: defaultdict[int, list[int]] = defaultdict(list)
    for at, members in enumerate(theirs):
        for case_id in members:
            owners[case_id].append(at)
    mine = [one.members for one in old.found]
    shared = Counter(
        (a, b) for a, members in enumerate(mine) for case in members for b in owners.get(case, ())
    )
    heirs: dict[int, int] = {}
    taken: set[int] = set()
    for a, b in sorted(shared, key=lambda both: (-shared[both], both)):
        if a not in heirs and b not in taken:
            heirs[a] = b
            taken.add(b)
    pairs: list[Pair] = [
        (one, new.found[heirs[a]] if a in heirs else None) for a, one in enumerate(old.found)
    ]
    return pairs + [(None, one) for b, one in enumerate(new.found) if b not in taken]


@dataclass(frozen=True, slots=True, kw_only=True)
class Burden:
    """Outbreaks of a course in its period: `born` in it, by the Monday of their week in `weeks`; `covered` of `cases`
    that fell ill in it are in an outbreak at its end; `watched`: how many were not over, on a middling day;
    `delay_days` from the report of the case that made it one to the day it was found."""

    born: int
    weeks: Mapping[date, int]
    covered: int
    cases: int
    largest: int
    watched: float
    delay_days: float | None


def burden(course: Course, history: History) -> Burden:
    weeks = Counter(week_start(one.born) for one in course.found if one.born is not None)
    cases = history.known(history.last)
    counted = set(cases.case_id[~cases.discarded & (cases.day >= day_number(history.first))].tolist())
    standing = [state for one in course.found if (state := one.at(history.last)) is not None]
    inside = counted.intersection(case_id for state in standing for case_id in state.members)
    days = [(one.born - one.states[0].criteria_met_on).days for one in course.found if one.born is not None]
    return Burden(
        born=weeks.total(),
        weeks=weeks,
        covered=len(inside),
        cases=len(counted),
        largest=max((len(one.largest.members) for one in course.found), default=0),
        watched=median(sum(1 for _ in course.watched(day)) for day in history.days[::7]),
        delay_days=median(days) if days else None,
    )


def evidence(course: Course, history: History, moments: Sequence[datetime], zone: tzinfo) -> list[Belief]:
    """What `watching.outbreak_signals` would have told the levels at each of `moments` (ascending, one a day), in
    their order. No survey is known here: a profile that waits for the vector tells nothing."""
    days = [now.astimezone(zone).date() for now in moments]
    fell_ill = dict(zip(history.case_id.tolist(), history.versions.day.tolist(), strict=True))
    here: list[defaultdict[int, list[_Open]]] = [defaultdict(list) for _ in days]
    for number, state, since, until in _open_spells(course):
        ill = np.sort([fell_ill[case_id] for case_id in state.members])
        for at in range(bisect_left(days, since), bisect_left(days, until)):
            old = int(np.searchsorted(ill, day_number(days[at]) - RECENT_DAYS, side="right"))
            for unit in state.units:
                here[at][unit].append(_Open(old - ill.size, number, state))
    return [
        Belief(signal=_signal(unit, among, now, day), known_from=now, known_to=until)
        for day, now, until, units in zip(days, moments, [*moments[1:], None], here, strict=True)
        for unit, among in sorted(units.items())
    ]


def _open_spells(course: Course) -> Iterator[tuple[int, Outbreak, date, date]]:
    """The number and state of each outbreak, from which day until before which it was open, as lifecycle.advance
    leaves it while nobody acts: confirmed, and not yet quiet."""
    quiet = timedelta(days=course.profile.monitor_after_days)
    for one in course.found:
        for state, since, until in zip(
            one.states, one.since, [*one.since[1:], one.ended or date.max], strict=True
        ):
            facts = Facts.of(state)
            if facts.doubt is None and missing_to_confirm(facts, course.profile) is None:
                yield one.number, state, since, min(until, state.last_event + quiet)


@dataclass(frozen=True, slots=True, order=True)
class _Open:
    fewer: int
    number: int
    state: Outbreak = field(compare=False)


def _signal(unit_id: int, here: Sequence[_Open], now: datetime, today: date) -> Signal:
    top = min(here)
    return Signal(
        disease=top.state.disease,
        unit_id=unit_id,
        method=METHOD,
        method_version=VERSION,
        frequency=Frequency.DAY,
        period_start=min(one.state.first_event for one in here),
        as_of=now,
        observed=float(-top.fewer),
        expected=None,
        upperbound=None,
        alarm=True,
        reason=UNSAID,
        detail={
            "outbreaks": sorted(one.number for one in here),
            "open": len(here),
            "size": len(top.state.members),
            "confirmed": top.state.confirmed,
            "age_days": (today - top.state.first_event).days,
        },
    )
