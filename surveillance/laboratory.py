"""What outbreaks another profile would have found, lived through day by day as the cases came to be known.

Pure but for `load_history`. Nobody acts here: no outbreak is confirmed, kept open or closed by hand
(docs/methods/laboratory.md).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from statistics import median

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from surveillance.beliefs import UNSAID
from surveillance.lines import day_number
from surveillance.outbreaks.cases import load_versions
from surveillance.outbreaks.eligibility import Area
from surveillance.outbreaks.incremental import Watch
from surveillance.outbreaks.lifecycle import Facts, missing_to_confirm
from surveillance.outbreaks.lineage import Known, Step, match
from surveillance.outbreaks.outbreak import Outbreak
from surveillance.outbreaks.profiles import Profile
from surveillance.outbreaks.table import CaseTable
from surveillance.outbreaks.watching import METHOD, RECENT_DAYS, VERSION, first_day
from surveillance.types import Belief, Frequency, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a day brought: cases new or known differently at its end, and ids of those no longer believed."""

    on: date
    changed: CaseTable
    removed: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The cases of one disease as they came to be known: `start` what was known before the first of `days`, `fell_ill`
    the day of illness (lines.EPOCH) of every case, `counted` the cases of the period that stand at its end."""

    disease: str
    start: CaseTable
    days: Sequence[Day]
    fell_ill: Mapping[int, int]
    counted: frozenset[int]

    @property
    def first(self) -> date:
        return self.days[0].on

    @property
    def last(self) -> date:
        return self.days[-1].on


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

    def watched(self, day: date) -> Outbreak | None:
        """As `at`, until the first day on which it may be closed."""
        state = self.at(day)
        return state if state is not None and day < state.closing_from else None

    @property
    def largest(self) -> Outbreak:
        return max(self.states, key=lambda state: len(state.members))

    @property
    def members(self) -> frozenset[int]:
        """Every case that was ever in it."""
        return frozenset().union(*(state.members for state in self.states))


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """All outbreaks a profile would have found in a history."""

    profile: Profile
    found: Sequence[Found]

    def watched(self, day: date) -> Iterator[tuple[Found, Outbreak]]:
        for one in self.found:
            state = one.watched(day)
            if state is not None:
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
    if area is None:
        return table
    import shapely

    inside = np.asarray(shapely.contains_xy(area, table.x, table.y))
    return replace(table, x=np.where(inside, table.x, np.nan), y=np.where(inside, table.y, np.nan))


def _history(
    disease: str,
    versions: CaseTable,
    case_id: NDArray[np.int64],
    believed: Sequence[tuple[datetime, datetime | None]],
    ends: Sequence[datetime],
) -> History:
    """`ends`: the last moments of the day before the first, and of each day."""
    moments = [moment.timestamp() for moment in ends]
    begin = np.searchsorted(moments, [a.timestamp() for a, _ in believed])
    stop = np.searchsorted(moments, [np.inf if b is None else b.timestamp() for _, b in believed])

    def taken(chosen: NDArray[np.bool_]) -> CaseTable:
        return replace(versions.cases(chosen), case_id=case_id[chosen])

    days = []
    for number, end in enumerate(ends[1:], start=1):
        changed = (begin == number) & (stop > number)
        gone = (stop == number) & (begin < number)
        removed = np.setdiff1d(case_id[gone], case_id[changed])
        days.append(Day(on=end.date(), changed=taken(changed), removed=tuple(removed.tolist())))
    standing = (stop == len(ends)) & ~versions.discarded & (versions.day >= day_number(ends[1].date()))
    return History(
        disease=disease,
        start=taken((begin == 0) & (stop > 0)),
        days=days,
        fell_ill=dict(zip(case_id.tolist(), versions.day.tolist(), strict=True)),
        counted=frozenset(case_id[standing].tolist()),
    )


def relive(history: History, profile: Profile) -> Course:
    """The outbreaks `profile` would have found, each from the day on which it was known to be one.

    Raises TooManyLinks.
    """
    watch = Watch(profile)
    change = watch.update(history.start, today=history.first - timedelta(days=1))
    found: dict[int, Found] = {}
    standing: dict[bytes, int] = {}

    def take(steps: Iterable[Step], day: date, born: date | None) -> None:
        for step in steps:
            if step.outbreak is None:
                found[step.outbreak_id].ended = day
                continue
            one = found.setdefault(step.outbreak_id, Found(number=step.outbreak_id, born=born))
            one.since.append(day)
            one.states.append(step.outbreak)
            standing[step.outbreak.packed] = step.outbreak_id

    take(_steps([], change.after, profile, 1), history.first - timedelta(days=1), None)
    for day in history.days:
        change = watch.update(day.changed, removed=day.removed, today=day.on)
        known = [_known(standing.pop(outbreak.packed), outbreak) for outbreak in change.before]
        take(_steps(known, change.after, profile, len(found) + 1), day.on, day.on)
    return Course(profile=profile, found=tuple(found.values()))


def _steps(
    known: Sequence[Known], after: Sequence[Outbreak], profile: Profile, next_id: int
) -> Sequence[Step]:
    return match(known, after, profile=profile, event_dates={}, next_id=next_id) if known or after else ()


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
    for a, b in sorted(shared, key=lambda both: (-shared[both], both)):
        if a not in heirs and b not in heirs.values():
            heirs[a] = b
    taken = set(heirs.values())
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
    weeks = Counter(monday(one.born) for one in course.found if one.born is not None)
    standing = [state for one in course.found if (state := one.at(history.last)) is not None]
    inside = history.counted.intersection(*[set().union(*(state.members for state in standing))])
    days = [(one.born - one.states[0].criteria_met_on).days for one in course.found if one.born is not None]
    return Burden(
        born=weeks.total(),
        weeks=weeks,
        covered=len(inside),
        cases=len(history.counted),
        largest=max((len(one.largest.members) for one in course.found), default=0),
        watched=median(sum(1 for _ in course.watched(day.on)) for day in history.days[::7]),
        delay_days=median(days) if days else None,
    )


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def evidence(course: Course, history: History, moments: Sequence[datetime], zone: tzinfo) -> list[Belief]:
    """What `watching.outbreak_signals` would have told the levels at each of `moments` (ascending, one a day), in
    their order. No survey is known here: a profile that waits for the vector tells nothing."""
    found: list[Belief] = []
    days_of = {id(state): _days(state, history) for one in course.found for state in one.states}
    for now, until in zip(moments, [*moments[1:], None], strict=True):
        today = now.astimezone(zone).date()
        by_unit: defaultdict[int, list[_Open]] = defaultdict(list)
        for one in course.found:
            state = one.at(today)
            if state is not None and _is_open(state, course.profile, today):
                recent = int((days_of[id(state)] > day_number(today) - RECENT_DAYS).sum())
                for unit in state.units:
                    by_unit[unit].append(_Open(-recent, one.number, state))
        for unit, here in sorted(by_unit.items()):
            found.append(Belief(signal=_signal(unit, here, now, today), known_from=now, known_to=until))
    return found


@dataclass(frozen=True, slots=True, order=True)
class _Open:
    fewer: int
    number: int
    state: Outbreak = field(compare=False)


def _days(state: Outbreak, history: History) -> NDArray[np.int64]:
    return np.array([history.fell_ill[case_id] for case_id in state.members])


def _is_open(state: Outbreak, profile: Profile, today: date) -> bool:
    """As lifecycle.advance leaves it while nobody acts: confirmed, and not yet quiet."""
    facts = Facts.of(state)
    if facts.doubt is not None or missing_to_confirm(facts, profile) is not None:
        return False
    return today < state.last_event + timedelta(days=profile.monitor_after_days)


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
