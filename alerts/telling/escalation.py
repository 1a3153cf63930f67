"""Whom to tell next of an alert that nobody takes on, and why. Pure.

commune's officers  --nobody for `centre`-->  the regional centre's officers  --nobody for `city`-->  on call at the CDC

The first are told when the alert comes (alerts/routing.py). A step with nobody in it hands on at once, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from accounts.models import Role
from alerts.levels import Level
from alerts.routing import Person
from alerts.telling.hours import Calendar
from alerts.telling.rules import Delays, TellingRules
from i18n import Message

MOST_NAMES = 3


class Step(StrEnum):
    CENTRE = "centre"
    CITY = "city"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """That the alert stood at `level` from `at`; `statutory`: under cảnh báo or có dịch."""

    at: datetime
    level: Level
    statutory: bool

    def no_graver_than(self, other: Beat) -> bool:
        return self.level <= other.level and self.statutory <= other.statutory


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An alert that nobody has taken on since the event `spell_id`, which opened it or opened it again. `beats`: how it
    stood since, the opening first; the last is how it stands. `taken`: steps already taken in this spell, each with
    how the alert stood then: it is taken again only for something graver."""

    alert_id: int
    spell_id: int
    unit_id: int
    unit_line: frozenset[int]
    beats: Sequence[Beat]
    taken: Mapping[Step, Sequence[Beat]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A person's turn on call; `unit_id` None: for the city. `address`: where `channel` reaches them on duty."""

    user_id: int
    unit_id: int | None
    starts_at: datetime
    ends_at: datetime
    channel: str | None = None
    address: str | None = None

    def on_call(self, unit_line: frozenset[int], now: datetime) -> bool:
        return self.starts_at <= now < self.ends_at and (self.unit_id is None or self.unit_id in unit_line)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueAt:
    """When a step is due, and by which rule: `delay` on `clock` since the alert was as in `beat`."""

    at: datetime
    delay: timedelta
    delays: Delays
    beat: Beat


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """Somebody a step tells. `shift`: on call now, so no quiet hours."""

    person: Person
    shift: Shift | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    alert_id: int
    spell_id: int
    step: Step
    stands: Beat
    called: Sequence[Called]
    reason: Message


def due_at(alert: Waiting, step: Step, rules: TellingRules, calendar: Calendar) -> DueAt | None:
    """The earliest over all it was and still is: a rise never puts a step off, and what was lowered counts as low.
    None: the step was taken for all of it."""
    stands, answered = alert.beats[-1], alert.taken.get(step, ())
    found = []
    for beat in alert.beats:
        kept = Beat(
            at=beat.at,
            level=min(beat.level, stands.level),
            statutory=beat.statutory and stands.statutory,
        )
        if any(kept.no_graver_than(one) for one in answered):
            continue
        for delays in _rules_for(kept, rules):
            delay = delays.centre if step is Step.CENTRE else delays.city
            at = beat.at + delay if delays.clock == "always" else calendar.after(beat.at, delay)
            found.append(DueAt(at=at, delay=delay, delays=delays, beat=kept))
    return min(found, key=lambda due: (due.at, -due.beat.level), default=None)


def next_steps(
    alert: Waiting,
    people: Sequence[Person],
    rota: Sequence[Shift],
    names: Mapping[int, str],
    rules: TellingRules,
    calendar: Calendar,
    now: datetime,
) -> list[NextStep]:
    """Steps due `now` and not yet taken, in order; after a stop of the worker maybe both. `people`: all active."""
    steps: list[NextStep] = []
    handed_on = False
    for step in Step:
        due = due_at(alert, step, rules, calendar)
        if due is None or not (due.at <= now or handed_on):
            continue
        called = (
            _at_centre(alert, people, rota, now)
            if step is Step.CENTRE
            else _on_call(alert, people, rota, now)
        )
        handed_on = step is Step.CENTRE and not called
        steps.append(
            NextStep(
                alert_id=alert.alert_id,
                spell_id=alert.spell_id,
                step=step,
                stands=alert.beats[-1],
                called=called,
                reason=_reason(step, called, due, names, now),
            )
        )
    return steps


def _rules_for(beat: Beat, rules: TellingRules) -> Iterable[Delays]:
    if beat.level in rules.levels:
        yield rules.levels[beat.level]
    if beat.statutory:
        yield rules.statutory


def _at_centre(
    alert: Waiting, people: Sequence[Person], rota: Sequence[Shift], now: datetime
) -> list[Called]:
    """Officers whose areas are more than this one commune, and who has a shift for a part of the city that holds it."""
    shifts = {s.user_id: s for s in rota if s.unit_id is not None and s.on_call(alert.unit_line, now)}
    return [
        Called(person=person, shift=shifts.get(person.id))
        for person in people
        if person.id in shifts or (_is_of_a_centre(person, alert.unit_id) and person.covers(alert.unit_line))
    ]


def _is_of_a_centre(person: Person, unit_id: int) -> bool:
    return person.role == Role.OFFICER and person.area_ids != frozenset({unit_id})


def _on_call(alert: Waiting, people: Sequence[Person], rota: Sequence[Shift], now: datetime) -> list[Called]:
    """By the rota of the city; where nobody is on it, every analyst of the area, so that it reaches somebody."""
    shifts = {s.user_id: s for s in rota if s.unit_id is None and s.on_call(alert.unit_line, now)}
    on_duty = [Called(person=person, shift=shifts[person.id]) for person in people if person.id in shifts]
    return on_duty or [
        Called(person=person)
        for person in people
        if person.role == Role.ANALYST and person.covers(alert.unit_line)
    ]


def _reason(
    step: Step, called: Sequence[Called], due: DueAt, names: Mapping[int, str], now: datetime
) -> Message:
    since = _since(due, now)
    if not called:
        nobody = {
            Step.CENTRE: "{since} Địa bàn này không có cán bộ trung tâm y tế khu vực: chuyển thẳng cho người trực.",
            Step.CITY: "{since} Không có người trực, cũng không có chuyên viên nào của địa bàn: chưa báo được cho ai.",
        }
        return Message(nobody[step], since=since)
    who = _names([names[one.person.id] for one in called])
    if step is Step.CENTRE:
        return Message("{since} Đã báo trung tâm y tế khu vực: {names}.", since=since, names=who)
    if called[0].shift is not None:
        return Message("{since} Đã báo người đang trực: {names}.", since=since, names=who)
    return Message("{since} Lịch trực đang trống: đã báo các chuyên viên {names}.", since=since, names=who)


def _since(due: DueAt, now: datetime) -> Message:
    if due.at > now:
        return Message("Chưa ai tiếp nhận.")
    minutes = int(due.delay.total_seconds() // 60)
    hours = minutes // 60 if minutes % 60 == 0 else round(minutes / 60, 1)
    if minutes < 60:
        return Message("Chưa ai tiếp nhận sau {n} phút.", n=minutes)
    if due.delays.clock == "working":
        return Message("Chưa ai tiếp nhận sau {n} giờ làm việc.", n=hours)
    return Message("Chưa ai tiếp nhận sau {n} giờ.", n=hours)


def _names(names: Sequence[str]) -> Message | str:
    if len(names) <= MOST_NAMES:
        return ", ".join(names)
    return Message(
        "{names} và {n} người khác", names=", ".join(names[:MOST_NAMES]), n=len(names) - MOST_NAMES
    )
