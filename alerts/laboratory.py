"""What alerts other thresholds and other outbreaks would have made of the evidence that was kept. Pure.

An area is decided by what is believed of it alone, so that only areas are decided again of which something is believed
differently, unless the thresholds themselves changed (alerts/redecide.py).
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

from alerts.levels import Level
from alerts.lifecycle import Kind
from alerts.passport import DiseaseFacts
from alerts.policy_edit import Field, Number, Path, numbers
from alerts.redecide import Redecided, alert_steps, redecide
from alerts.rules import Policy, Rule
from surveillance.types import Belief, Signal, Silence

METHOD = "outbreak"
"""Of the evidence that is computed anew (surveillance/outbreaks/watching.py)."""
WARM_UP_DAYS = 7
"""An alert that opens in the first days may have stood before: nothing is remembered of the day before the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The evidence on one disease but for its outbreaks, ordered by `known_from`; `moments` one a day."""

    facts: DiseaseFacts
    beliefs: Sequence[Belief]
    silences: Sequence[Silence]
    moments: Sequence[datetime]
    zone: tzinfo

    @property
    def counted_from(self) -> date:
        return self.moments[0].astimezone(self.zone).date() + timedelta(days=WARM_UP_DAYS)

    @property
    def counted_days(self) -> int:
        return len(self.moments) - WARM_UP_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class LabAlert:
    """An alert that would have been: `opened` None: it stood before the days counted; `ended` None: it still stands."""

    unit_id: int
    opened: date | None
    ended: date | None
    peak: int


Pair = tuple[LabAlert | None, LabAlert | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """The alerts `policy` would have made, by area. `told`: what the evidence of outbreaks asked for there."""

    policy: Policy
    by_area: Mapping[int, Sequence[LabAlert]]
    told: Mapping[int, Said]

    @property
    def alerts(self) -> list[LabAlert]:
        return [alert for unit_id in sorted(self.by_area) for alert in self.by_area[unit_id]]


def decide_anew(
    kept: Kept, outbreaks: Iterable[Belief], policy: Policy, *, like: Alerts | None = None
) -> Alerts:
    """The alerts `policy` would have made of what was kept and of the evidence of `outbreaks`. `like`: what the same
    evidence came to by another policy or other outbreaks; areas where that makes no difference are taken from there."""
    by_area: defaultdict[int, list[Belief]] = defaultdict(list)
    for belief in outbreaks:
        by_area[belief.signal.unit_id].append(belief)
    told = {unit_id: _said(beliefs, policy) for unit_id, beliefs in by_area.items()}
    known = {} if like is None else _untouched(kept, told, policy, like)
    beliefs = [belief for belief in kept.beliefs if belief.signal.unit_id not in known]
    beliefs += [belief for unit_id, some in by_area.items() if unit_id not in known for belief in some]
    beliefs.sort(key=lambda belief: belief.known_from)
    history = redecide(beliefs, kept.silences, policy, {kept.facts.code: kept.facts}, kept.moments)
    return Alerts(policy=policy, by_area={**_lives(history, kept), **known}, told=told)


Said = Sequence[tuple[datetime, tuple[str, ...]]]
"""From when on which rules were met."""


def _said(beliefs: Iterable[Belief], policy: Policy) -> Said:
    reading = [rule for rule in policy.rules if rule.method == METHOD]
    return [
        (belief.known_from, tuple(rule.id for rule in reading if rule.fires(belief.signal)))
        for belief in beliefs
    ]


def _untouched(
    kept: Kept, told: Mapping[int, Said], policy: Policy, like: Alerts
) -> dict[int, Sequence[LabAlert]]:
    """The areas that are decided as they were: the same rules met at the same times, and nothing else changed."""
    if replace(policy, rules=(), version="", hash="") != replace(like.policy, rules=(), version="", hash=""):
        return {}
    before = {rule.id: rule for rule in like.policy.rules}
    changed = [(before[rule.id], rule) for rule in policy.rules if rule != before[rule.id]]
    differ = {unit_id for unit_id in {*told, *like.told} if told.get(unit_id) != like.told.get(unit_id)}
    for belief in kept.beliefs:
        differ |= {belief.signal.unit_id for old, new in changed if _differs(belief.signal, old, new)}
    if any(old.method == METHOD and _weighs(old) != _weighs(new) for old, new in changed):
        differ |= set(told)
    areas = {belief.signal.unit_id for belief in kept.beliefs} | {*told, *like.told}
    return {unit_id: like.by_area.get(unit_id, ()) for unit_id in areas - differ}


def _differs(signal: Signal, old: Rule, new: Rule) -> bool:
    if signal.method != old.method:
        return False
    was, would = old.fires(signal), new.fires(signal)
    return was != would or (was and _weighs(old) != _weighs(new))


def _weighs(rule: Rule) -> tuple[object, ...]:
    """What a rule asks for once it is met."""
    return rule.level, rule.few_level, rule.floor_cases, rule.display_floor


def _lives(history: Iterable[Redecided], kept: Kept) -> dict[int, list[LabAlert]]:
    """Alerts from opening to end, those that ended before the days counted left out."""
    found: defaultdict[int, list[LabAlert]] = defaultdict(list)
    for step in alert_steps(history):
        alerts, day = found[step.area.unit_id], step.at.astimezone(kept.zone).date()
        if not alerts or alerts[-1].ended is not None:
            opened = None if day < kept.counted_from else day
            alerts.append(LabAlert(unit_id=step.area.unit_id, opened=opened, ended=None, peak=0))
        if step.change.kind is Kind.ENDED:
            alerts[-1] = replace(alerts[-1], ended=day)
        else:
            alerts[-1] = replace(alerts[-1], peak=max(alerts[-1].peak, step.change.level))
    return {
        unit_id: [one for one in alerts if one.ended is None or one.ended >= kept.counted_from]
        for unit_id, alerts in found.items()
    }


def pair(old: Sequence[LabAlert], new: Sequence[LabAlert]) -> list[Pair]:
    """Which alert is which: of one area, those that stood together longest first, each once."""
    mine: defaultdict[int, list[int]] = defaultdict(list)
    for at, alert in enumerate(new):
        mine[alert.unit_id].append(at)
    days = Counter(
        {
            (a, b): n
            for a, one in enumerate(old)
            for b in mine[one.unit_id]
            if (n := _together(one, new[b])) > 0
        }
    )
    heirs: dict[int, int] = {}
    taken: set[int] = set()
    for a, b in sorted(days, key=lambda both: (-days[both], both)):
        if a not in heirs and b not in taken:
            heirs[a] = b
            taken.add(b)
    pairs: list[Pair] = [(one, new[heirs[a]] if a in heirs else None) for a, one in enumerate(old)]
    return pairs + [(None, one) for b, one in enumerate(new) if b not in taken]


def _together(one: LabAlert, other: LabAlert) -> int:
    begin = max(one.opened or date.min, other.opened or date.min)
    end = min(one.ended or date.max, other.ended or date.max)
    return (end - begin).days


def opened_weeks(alerts: Iterable[LabAlert]) -> Counter[date]:
    """Alerts opened, by the Monday of their week."""
    return Counter(a.opened - timedelta(days=a.opened.weekday()) for a in alerts if a.opened is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A number of the policy that a rule for the disease uses, with a name that lasts: the rule's id, not its place."""

    name: str
    path: Path
    value: Number


def thresholds(source: str, policy: Policy, facts: DiseaseFacts) -> list[Threshold]:
    """The numbers of the rules that can speak of this disease, and how long its levels are held."""
    regime = "group_a" if facts.group == "A" else "endemic" if facts.endemic else "non_endemic"
    ids = {rule.id for rule in policy.rules_for(regime, facts.code)}  # type: ignore[arg-type]
    data = tomllib.loads(source)
    found = [_named(field, data) for field in numbers(source)]
    own = "diseases" in data["fall"] and facts.code in data["fall"]["diseases"]
    held = f"hold.{facts.code}." if own else "hold."
    return [
        one
        for one in found
        if one is not None
        and (
            (one.name.startswith("rule.") and one.name.split(".")[1] in ids)
            or one.name in {f"{held}{int(level)}" for level in Level}
        )
    ]


def _named(field: Field, data: Mapping[str, object]) -> Threshold | None:
    path = field.path
    match path:
        case ("rule", int(at), *rest) if rest[-1] != "few_level":
            name = ".".join(("rule", data["rule"][at]["id"], *map(str, rest)))  # type: ignore[index]
        case ("fall", "hold_days", level):
            name = f"hold.{level}"
        case ("fall", "diseases", disease, "hold_days", level):
            name = f"hold.{disease}.{level}"
        case _:
            return None
    return Threshold(name=name, path=path, value=field.value)
