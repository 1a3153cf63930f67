"""The history of levels and alerts another policy would have made of the same signals. Pure.

At each moment every area is decided as alerts/engine.py decides it, but only those are decided again for which
it can make a difference: something a rule looks at changed, or a hold ended. Between two decisions the earlier
one holds, its sentences may name older numbers. Nobody closes an alert here: it ends with its level.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from alerts.lifecycle import AlertState, Change, ClosedState, Finding, Kind, next_change
from alerts.passport import DiseaseFacts
from alerts.policy import AreaState, Decision, decide
from alerts.rules import Policy, Rule
from surveillance.types import Belief, SeriesKey, Signal, Silence

SILENCE = "silence"
"""Method of signals that a commune has not been heard of for too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redecided:
    """What would have been decided at `at`; it holds until the area's next one. `methods` alarmed then."""

    at: datetime
    area: SeriesKey
    decision: Decision
    methods: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStep:
    """A step in the life of the alert that would have been open."""

    at: datetime
    area: SeriesKey
    change: Change


def redecide(
    beliefs: Iterable[Belief],
    silences: Sequence[Silence],
    policy: Policy,
    diseases: Mapping[str, DiseaseFacts],
    moments: Iterable[datetime],
    *,
    start: Mapping[SeriesKey, AreaState] | None = None,
) -> Iterator[Redecided]:
    """In the order of `moments` (ascending), and in each by area.

    `beliefs` ordered by `known_from`: they are read as time goes on, only what is believed is kept. `start`: what
    was remembered of areas before the first moment. Raises ValueError for beliefs or moments out of order,
    KeyError for a disease outside `diseases`.
    """
    areas = _Areas(policy, diseases, dict(start or {}))
    arriving = _Arriving(beliefs)
    silent: frozenset[str] = frozenset()
    before: datetime | None = None
    for now in moments:
        if before is not None and now < before:
            raise ValueError(f"moments out of order: {now} after {before}")
        before = now
        for belief in arriving.until(now):
            areas.believe(belief)
        areas.forget(now)
        was, silent = silent, _silent(silences, now)
        areas.heed_silence(was ^ silent)
        yield from areas.decide_at(now, silent)


def alert_steps(history: Iterable[Redecided]) -> Iterator[AlertStep]:
    """What would have become of alerts, by the rules of alerts/lifecycle.py."""
    alerts: dict[SeriesKey, AlertState] = {}
    closed: dict[SeriesKey, ClosedState] = {}
    for made in history:
        found = Finding(level=int(made.decision.level), status=made.decision.statutory, methods=made.methods)
        change = next_change(alerts.get(made.area), closed.get(made.area), found, made.at)
        if change is None:
            continue
        if change.kind is Kind.ENDED:
            del alerts[made.area]
            closed[made.area] = ClosedState(
                level=change.level,
                status=change.status,
                status_since=change.status_since,
                calm_since=True,
                closed_at=made.at,
            )
        else:
            alerts[made.area] = AlertState(
                level=change.level,
                status=change.status,
                status_since=change.status_since,
                methods=change.methods,
            )
        yield AlertStep(at=made.at, area=made.area, change=change)


class _Arriving:
    """Beliefs in the order they came, as far as they still hold at a moment."""

    def __init__(self, beliefs: Iterable[Belief]) -> None:
        self._rest = iter(beliefs)
        self._next = next(self._rest, None)

    def until(self, now: datetime) -> Iterator[Belief]:
        while self._next is not None and self._next.known_from <= now:
            belief, self._next = self._next, next(self._rest, None)
            if self._next is not None and self._next.known_from < belief.known_from:
                raise ValueError(f"beliefs out of order: {self._next.known_from} after {belief.known_from}")
            if belief.known_to is None or belief.known_to > now:
                yield belief


def _silent(silences: Sequence[Silence], now: datetime) -> frozenset[str]:
    return frozenset(
        silence.disease
        for silence in silences
        if silence.known_from <= now and (silence.known_to is None or now < silence.known_to)
    )


class _Print(NamedTuple):
    """All of a signal that can make a difference to a level: `said` is its status, its regime, whether it has a bound,
    and its method if it alarms; `met` are the rules it meets, with what the display floor weighs."""

    said: tuple[str | None, Any, bool, str | None, str | None]
    met: tuple[tuple[str, float | None, bool], ...]


Seen = tuple[Hashable, ...]


@dataclass(slots=True)
class _Area:
    """What is believed of an area (signal and its print, by number), and what was last decided of it."""

    believed: dict[int, tuple[Signal, _Print]] = field(default_factory=dict)
    state: AreaState | None = None
    seen: Seen = ()


class _Areas:
    def __init__(
        self,
        policy: Policy,
        diseases: Mapping[str, DiseaseFacts],
        start: Mapping[SeriesKey, AreaState],
    ) -> None:
        self._policy, self._diseases = policy, diseases
        self._areas: defaultdict[SeriesKey, _Area] = defaultdict(_Area)
        for key, state in start.items():
            self._areas[key].state = state
        self._touched: set[SeriesKey] = set(start)
        self._leaving: defaultdict[datetime, list[tuple[SeriesKey, int]]] = defaultdict(list)
        self._last: dict[Hashable, tuple[Signal, _Print]] = {}
        self._held: list[tuple[datetime, SeriesKey]] = []
        self._count = 0
        self._reading: defaultdict[str, list[Rule]] = defaultdict(list)
        for rule in policy.rules:
            self._reading[rule.method].append(rule)

    def believe(self, belief: Belief) -> None:
        signal = belief.signal
        key = SeriesKey(signal.disease, signal.unit_id)
        self._count += 1
        self._areas[key].believed[self._count] = signal, self._print(signal)
        self._touched.add(key)
        if belief.known_to is not None:
            self._leaving[belief.known_to].append((key, self._count))

    def forget(self, now: datetime) -> None:
        for moment in [moment for moment in self._leaving if moment <= now]:
            for key, number in self._leaving.pop(moment):
                del self._areas[key].believed[number]
                self._touched.add(key)

    def heed_silence(self, diseases: frozenset[str]) -> None:
        if diseases:
            self._touched |= {key for key in self._areas if key.disease in diseases}

    def decide_at(self, now: datetime, silent: frozenset[str]) -> Iterator[Redecided]:
        ended = set()
        while self._held and self._held[0][0] <= now:
            ended.add(heapq.heappop(self._held)[1])
        for key in sorted(self._touched | ended):
            area = self._areas[key]
            if area.state is None and not area.believed:
                continue
            seen = key.disease in silent, *_together(print for _, print in area.believed.values())
            if key in ended or seen != area.seen:
                area.seen = seen
                yield self._decide(key, area, now, silent=key.disease in silent)
        self._touched.clear()

    def _decide(self, key: SeriesKey, area: _Area, now: datetime, *, silent: bool) -> Redecided:
        disease = self._diseases[key.disease]
        signals = [signal for signal, _ in area.believed.values()]
        decision = decide(
            area.state,
            signals,
            self._policy,
            now,
            disease_group=disease.group,
            endemic=disease.endemic,
            silent=silent,
            display_floor=disease.display_floor,
            disease=key.disease,
        )
        area.state = decision.state
        if decision.held_until is not None:
            heapq.heappush(self._held, (decision.held_until, key))
        methods = frozenset(signal.method for signal in signals if signal.alarm)
        return Redecided(at=now, area=key, decision=decision, methods=methods)

    def _print(self, signal: Signal) -> _Print:
        """Most days a method says again what it said the day before: then its print is the same."""
        key = signal.disease, signal.unit_id, signal.method
        last = self._last.get(key)
        if last is None or not _same(last[0], signal):
            self._last[key] = last = signal, self._print_anew(signal)
        return last[1]

    def _print_anew(self, signal: Signal) -> _Print:
        """The number of cases is part of it where the display floor looks at it, the detail of a silence always."""
        return _Print(
            said=(
                signal.status and str(signal.status),  # an enum's member takes long to hash
                signal.detail.get("regime"),
                signal.upperbound is None,
                signal.method if signal.alarm else None,
                repr(signal.detail) if signal.method == SILENCE else None,
            ),
            met=tuple(
                (rule.id, signal.observed if rule.display_floor else None, bool(signal.detail.get("lacking")))
                for rule in self._reading[signal.method]
                if rule.fires(signal)
            ),
        )


def _same(one: Signal, other: Signal) -> bool:
    """In all that a rule can read."""
    return (
        one.observed == other.observed
        and one.alarm is other.alarm
        and one.status is other.status
        and one.upperbound == other.upperbound
        and one.detail == other.detail
    )


def _together(prints: Iterable[_Print]) -> Seen:
    """All of an area's evidence that can make a difference to its level: as long as it stays, so does the decision."""
    found = list(prints)
    return frozenset(print.said for print in found), frozenset(rule for print in found for rule in print.met)
