"""Identity of outbreaks from day to day: which of today's is which of yesterday's, and what is news."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from i18n import Message
from surveillance.outbreaks.outbreak import Outbreak
from surveillance.outbreaks.profiles import Profile


class Kind(StrEnum):
    NEW = "new"
    SAME = "same"
    GROWING = "growing"
    SHRINKING = "shrinking"
    EXCHANGED = "exchanged"
    SPLIT = "split"
    MERGED = "merged"
    DISSOLVED = "dissolved"
    REOPENED = "reopened"
    AFTER_CLOSING = "after_closing"


WORDS: Mapping[Kind, str] = {
    Kind.NEW: "Ổ dịch mới.",
    Kind.SAME: "Không thay đổi.",
    Kind.GROWING: "Thêm ca mới.",
    Kind.SHRINKING: "Bớt ca: ca bị loại, chuyển đi hoặc không còn liên quan.",
    Kind.EXCHANGED: "Có ca thêm vào và ca rút ra.",
    Kind.SPLIT: "Tách ra từ ổ dịch khác.",
    Kind.MERGED: "Đã nhập vào ổ dịch khác.",
    Kind.DISSOLVED: "Các ca không còn tạo thành ổ dịch.",
    Kind.REOPENED: "Ổ dịch đã đóng có ca mới trong thời hạn nên mở lại.",
    Kind.AFTER_CLOSING: "Có ca mới gần ổ dịch đã đóng, quá hạn mở lại và chưa đủ ca để thành ổ mới.",
}


def explain(kind: Kind) -> Message:
    """The words for a kind of this module."""
    return Message(WORDS[kind])


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An outbreak as recorded: its lasting id, the cases and dates it had."""

    outbreak_id: int
    members: frozenset[int]
    first_event: date
    last_event: date
    closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What became of one outbreak. `outbreak` is as it is today, None where it no longer is; `members` are those of
    its cases to record under its number: the cases of a closed outbreak stay with that.

    `parents` are the ids it came from (split, or new after a closed one), `into` the one that took it in (merged).
    """

    kind: Kind
    outbreak_id: int
    outbreak: Outbreak | None = None
    members: tuple[int, ...] = ()
    parents: tuple[int, ...] = ()
    into: int | None = None
    gained: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()


def match(
    known: Sequence[Known],
    today: Sequence[Outbreak],
    *,
    profile: Profile,
    event_dates: Mapping[int, date],
    next_id: int,
) -> tuple[Step, ...]:
    """A step for each known and each new outbreak, by id. New ids count up from `next_id`.

    The largest overlap in cases keeps the id; of equal ones the older. A closed outbreak carries on only where no open
    one does, and has no step while nothing happens to it. `event_dates` holds the date of each case that
    came to a closed outbreak. Give the outbreaks a change touched (incremental.Change), or all.
    """
    ordered = sorted(today, key=Outbreak.sort_key)
    overlaps = _overlaps(known, ordered)
    heir = _heirs(known, ordered, overlaps)
    shut = {case_id: old.outbreak_id for old in known if old.closed for case_id in old.members}
    steps: list[Step] = []
    fresh = iter(range(next_id, next_id + len(ordered)))
    for at, outbreak in enumerate(ordered):
        parents = _parents(at, known, overlaps)
        own = tuple(c for c in outbreak.members if shut.get(c) in (None, _number(heir.get(at))))
        steps.append(_step(outbreak, own, heir.get(at), parents, profile, event_dates, fresh))
    ids = [step.outbreak_id for step in steps]
    kept = {old.outbreak_id for old in heir.values()}
    gone = [at for at, old in enumerate(known) if old.outbreak_id not in kept]
    steps += [_gone(known[at], at, overlaps, ids) for at in gone if not known[at].closed]
    return tuple(sorted(steps, key=lambda step: step.outbreak_id))


def _number(old: Known | None) -> int | None:
    return None if old is None else old.outbreak_id


Overlaps = Mapping[tuple[int, int], int]
"""Shared cases by position among the known and among today's outbreaks."""


def _overlaps(known: Sequence[Known], today: Sequence[Outbreak]) -> Overlaps:
    owners: defaultdict[int, list[int]] = defaultdict(list)
    for at, outbreak in enumerate(today):
        for case_id in outbreak.members:
            owners[case_id].append(at)
    return Counter(
        (k, t) for k, old in enumerate(known) for case in old.members for t in owners.get(case, ())
    )


def _heirs(known: Sequence[Known], today: Sequence[Outbreak], overlaps: Overlaps) -> dict[int, Known]:
    """Which known outbreak each of today's carries on."""

    def strength(pair: tuple[int, int]) -> tuple[object, ...]:
        old, new = known[pair[0]], today[pair[1]]
        return old.closed, -overlaps[pair], old.first_event, old.outbreak_id, new.first_event, new.members

    heirs: dict[int, Known] = {}
    taken: set[int] = set()
    for k, t in sorted(overlaps, key=strength):
        if k not in taken and t not in heirs:
            taken.add(k)
            heirs[t] = known[k]
    return heirs


def _parents(at: int, known: Sequence[Known], overlaps: Overlaps) -> tuple[int, ...]:
    """Ids of the known outbreaks some of whose cases are in today's, the one with most first."""
    found = [(-n, known[k].outbreak_id) for (k, t), n in overlaps.items() if t == at]
    return tuple(outbreak_id for _, outbreak_id in sorted(found))


def _step(
    outbreak: Outbreak,
    own: tuple[int, ...],
    old: Known | None,
    parents: tuple[int, ...],
    profile: Profile,
    event_dates: Mapping[int, date],
    fresh: Iterator[int],
) -> Step:
    if old is None:
        kind = Kind.SPLIT if parents else Kind.NEW
        return Step(kind=kind, outbreak_id=next(fresh), outbreak=outbreak, members=own, parents=parents)
    gained = tuple(case_id for case_id in own if case_id not in old.members)
    lost = tuple(sorted(old.members.difference(outbreak.members)))
    kind = _change(gained, lost)
    if old.closed and gained:
        kind = _after_closing(old, gained, profile, event_dates)
    if kind is Kind.NEW:
        return Step(
            kind=kind,
            outbreak_id=next(fresh),
            outbreak=outbreak,
            members=gained,
            parents=parents,
            gained=gained,
        )
    others = tuple(number for number in parents if number != old.outbreak_id)
    members = own if kind is not Kind.AFTER_CLOSING else tuple(c for c in own if c in old.members)
    return Step(
        kind=kind,
        outbreak_id=old.outbreak_id,
        outbreak=outbreak,
        members=members,
        parents=others,
        gained=gained,
        lost=lost,
    )


def _change(gained: tuple[int, ...], lost: tuple[int, ...]) -> Kind:
    if gained:
        return Kind.EXCHANGED if lost else Kind.GROWING
    return Kind.SHRINKING if lost else Kind.SAME


def _after_closing(
    old: Known, gained: tuple[int, ...], profile: Profile, event_dates: Mapping[int, date]
) -> Kind:
    """A case at most `reopen_days` after the last one re-opens (domain.md §8 case 6); later ones are a new outbreak."""
    soonest = min((event_dates[case_id] - old.last_event).days for case_id in gained)
    if soonest <= profile.reopen_days:
        return Kind.REOPENED
    return Kind.NEW if len(gained) >= profile.min_cases else Kind.AFTER_CLOSING


def _gone(old: Known, at: int, overlaps: Overlaps, ids: Sequence[int]) -> Step:
    takers = sorted((-n, ids[t]) for (k, t), n in overlaps.items() if k == at)
    if not takers:
        return Step(kind=Kind.DISSOLVED, outbreak_id=old.outbreak_id, lost=tuple(sorted(old.members)))
    return Step(kind=Kind.MERGED, outbreak_id=old.outbreak_id, into=takers[0][1])
