"""What alerts other thresholds and other outbreaks would have made of the evidence that was kept. Pure.

An area is decided by what is believed of it alone, so that only areas are decided again of which something is believed
differently, unless the thresholds themselves changed (alerts/redecide.py).
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from alerts.levels import Level
from alerts.lifecycle import Kind
from alerts.passport import DiseaseFacts
from alerts.policy_edit import Field, Number, Path, numbers
from alerts.redecide import alert_steps, redecide
from alerts.rules import Policy
from alerts.scorecard import Step, Where, calls
from surveillance.types import Belief, Silence


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The evidence on one disease but for its outbreaks, ordered by `known_from`; `moments` one a day."""

    facts: DiseaseFacts
    beliefs: Sequence[Belief]
    silences: Sequence[Silence]
    moments: Sequence[datetime]
    zone: tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class LabAlert:
    """An alert that would have been: `opened` None: it stood before the first day; `ended` None: it still stands."""

    unit_id: int
    opened: date | None
    ended: date | None
    peak: int


Pair = tuple[LabAlert | None, LabAlert | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """The alerts of a course, and the steps of their lives by area."""

    alerts: Sequence[LabAlert]
    steps: Mapping[int, Sequence[Step]]
    outbreaks: Mapping[int, Sequence[Belief]]

    @property
    def ordered(self) -> list[Step]:
        return sorted((step for steps in self.steps.values() for step in steps), key=lambda step: step.day)


def decide_anew(
    kept: Kept, outbreaks: Iterable[Belief], policy: Policy, *, like: Alerts | None = None
) -> Alerts:
    """The alerts `policy` would have made of what was kept and of the evidence of `outbreaks`. `like`: what the same
    policy made of other outbreaks; areas whose outbreaks are the same are taken from there."""
    told: defaultdict[int, list[Belief]] = defaultdict(list)
    for belief in outbreaks:
        told[belief.signal.unit_id].append(belief)
    known: Mapping[int, Sequence[Step]] = {} if like is None else like.steps
    same = (
        set()
        if like is None
        else {
            unit
            for unit in {*like.outbreaks, *told, *known}
            if _said(like.outbreaks.get(unit, ())) == _said(told.get(unit, ()))
        }
    )
    skip = same | ({b.signal.unit_id for b in kept.beliefs} - {*told, *like.outbreaks} if like else set())
    beliefs = [b for b in kept.beliefs if b.signal.unit_id not in skip]
    beliefs += [b for unit, here in told.items() if unit not in skip for b in here]
    beliefs.sort(key=lambda belief: belief.known_from)
    history = redecide(beliefs, kept.silences, policy, {kept.facts.code: kept.facts}, kept.moments)
    fresh: defaultdict[int, list[Step]] = defaultdict(list)
    for made in alert_steps(history):
        step = Step(
            day=made.at.astimezone(kept.zone).date(),
            where=Where(made.area.disease, made.area.unit_id),
            kind=made.change.kind,
            level=made.change.level,
            calls=calls(made.change, policy.routing.email_min_level),
        )
        fresh[made.area.unit_id].append(step)
    steps = {**fresh, **{unit: known[unit] for unit in skip if unit in known}}
    first = kept.moments[0].astimezone(kept.zone).date()
    alerts = [alert for unit in sorted(steps) for alert in _lives(steps[unit], first)]
    return Alerts(alerts=alerts, steps=steps, outbreaks=dict(told))


def _said(beliefs: Iterable[Belief]) -> list[tuple[object, ...]]:
    """All of the evidence of outbreaks that a rule can read."""
    return [
        (
            b.known_from,
            b.signal.observed,
            *(b.signal.detail[name] for name in ("size", "confirmed", "age_days")),
        )
        for b in beliefs
    ]


def _lives(steps: Sequence[Step], first: date) -> list[LabAlert]:
    """One alert from its opening to its end; one opened on the first day would have stood before."""
    found: list[LabAlert] = []
    opened: date | None = None
    peak = 0
    for step in steps:
        if step.kind is Kind.ENDED:
            found.append(LabAlert(unit_id=step.where.unit_id, opened=opened, ended=step.day, peak=peak))
            peak = 0
            continue
        if not peak:
            opened = None if step.day == first else step.day
        peak = max(peak, step.level)
    if peak:
        found.append(LabAlert(unit_id=steps[-1].where.unit_id, opened=opened, ended=None, peak=peak))
    return found


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
