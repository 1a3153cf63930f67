"""From evidence to a level, with its reasons. Pure: what is stored, and `now`, are arguments.

A level is the maximum over its evidence. It rises at once; it falls one step at a time, each step after a
hold; it never falls for lack of figures. The statutory status is carried beside it (domain.md §1.5, §2.1).
The rules are data, alerts/policy.toml; the explanation for people is docs/methods/levels.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import reduce
from typing import Literal, cast

from alerts.levels import Level, name
from alerts.rules import REGIMES, Fall, Policy, Regime, Rule
from alerts.vocabulary import numbers_of, values_of
from i18n import Message
from surveillance.types import Signal, StatutoryStatus

SERIOUSNESS = (
    StatutoryStatus.EPIDEMIC,
    StatutoryStatus.WARNING,
    StatutoryStatus.ENDED,
    StatutoryStatus.INSUFFICIENT,
    StatutoryStatus.NONE,
)


FEW_WAYS = 3
"""Ways up that are named where nothing they read is at hand; a sentence of ten is read by nobody."""


class Change(StrEnum):
    NONE = "none"
    RAISE = "raise"
    LOWER = "lower"


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaState:
    """What is remembered of a disease in a unit between two decisions.

    `below_since`: since when the evidence asks for less than `level`; None while it supports it, and it must
    be stored, or no hold ever ends. `last_lowered`: the last step down since the last rise.
    """

    level: Level
    since: datetime
    statutory: StatutoryStatus = StatutoryStatus.NONE
    last_lowered: datetime | None = None
    below_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The level to show, why, and `state` to remember.

    `raw_level` is what the evidence alone asks for. `unknown`: silent sources or nothing conclusive, to be
    shown hatched. `held_until`: the earliest moment of the next step down, None when the evidence supports
    the level or nothing is known. `fired` are the ids of the rules met.
    """

    state: AreaState
    raw_level: Level
    unknown: bool
    reasons: tuple[Message, ...]
    why_not_higher: Message
    why_not_lower: Message
    held_until: datetime | None
    changed: Change
    fired: tuple[str, ...]

    @property
    def level(self) -> Level:
        return self.state.level

    @property
    def since(self) -> datetime:
        return self.state.since

    @property
    def statutory(self) -> StatutoryStatus:
        return self.state.statutory


def decide(
    state: AreaState | None,
    evidence: Sequence[Signal],
    policy: Policy,
    now: datetime,
    *,
    disease_group: Literal["A", "B", "C"],
    endemic: bool,
    silent: bool = False,
    display_floor: int | None = None,
    disease: str | None = None,
) -> Decision:
    """`evidence` is every current signal of one disease in one unit, in any order; `silent`: its sources are.
    `display_floor`: the catalogue's least number of cases for a colour above the floor, None the policy's; the
    policy's own for the disease goes before it where that is higher.
    `disease`: its code, for rules and holds of single diseases; None: the one the evidence is of.

    Calling again at the same `now` with `decision.state` changes nothing more.
    """
    disease = disease or next((signal.disease for signal in evidence), None)
    rules = policy.rules_for(_regime(evidence, disease_group, endemic), disease)
    fall = policy.fall_of(disease)
    silent = silent or any(policy.is_silent(signal) for signal in evidence)
    least = policy.least_cases(disease, display_floor)
    hits = _hits(evidence, rules, policy.floor_level, least)
    raw = max((hit.level for hit in hits), default=Level.THAP)
    unknown = silent or not any(_conclusive(signal) for signal in evidence)
    statutory = _statutory(state, evidence, silent)
    after, changed = _move(state, raw, unknown, fall, now, statutory)
    held_until = None if raw >= after.level or unknown else _next_step(after, fall, now)
    return Decision(
        state=after,
        raw_level=raw,
        unknown=unknown,
        reasons=_reasons(hits, unknown, _silences(evidence, policy)),
        why_not_higher=_why_not_higher(after.level, hits, evidence, rules, unknown, least),
        why_not_lower=_why_not_lower(after.level, raw, hits, held_until),
        held_until=held_until,
        changed=changed,
        fired=tuple(dict.fromkeys(hit.rule.id for hit in hits)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hit:
    """A rule met by a signal. `level` is the rule's, or the floor's when fewer than `least` cases stand
    behind it: few cases never lift the colour (domain.md §8 case 8)."""

    rule: Rule
    signal: Signal
    level: Level
    least: int

    @property
    def floor_note(self) -> Message | None:
        if self.level == self.rule.level:
            return None
        return Message(
            "Đã chạm ngưỡng của mức {level} nhưng mới có {observed} ca; cần ít nhất {least} ca để lên mức"
            " này. Tình trạng theo luật vẫn được ghi nhận.",
            level=name(self.rule.level),
            observed=self.signal.observed,
            least=self.least,
        )


def _regime(evidence: Sequence[Signal], disease_group: Literal["A", "B", "C"], endemic: bool) -> Regime:
    """The commune's own regime, which the statutory signals carry, goes before the disease's."""
    said = {signal.detail.get("regime") for signal in evidence} - {None}
    if len(said) == 1 and (regime := said.pop()) in REGIMES:
        return cast(Regime, regime)
    if disease_group == "A":
        return "group_a"
    return "endemic" if endemic else "non_endemic"


def _hits(evidence: Sequence[Signal], rules: Sequence[Rule], floor: Level, least: int) -> list[_Hit]:
    """Rules met, the weightiest first; the order of `evidence` leaves no trace."""
    hits = []
    for rule in rules:
        for signal in sorted((signal for signal in evidence if rule.fires(signal)), key=_rank):
            held = bool(
                signal.detail.get("lacking")
            )  # a status kept for lack of figures has no count to weigh
            few = signal.observed < rule.few(least) and not held
            level = min(rule.level, rule.few_level or floor) if few else rule.level
            hits.append(_Hit(rule=rule, signal=signal, level=level, least=rule.few(least)))
    return sorted(hits, key=lambda hit: -hit.level)


def _rank(signal: Signal) -> tuple[object, ...]:
    content = repr((signal.reason.to_json(), sorted(signal.detail.items())))
    return (signal.method, signal.frequency, signal.period_start, -signal.observed, signal.as_of, content)


def _conclusive(signal: Signal) -> bool:
    if signal.status is None:
        return signal.alarm or signal.upperbound is not None
    return signal.status is not StatutoryStatus.INSUFFICIENT


def _statutory(state: AreaState | None, evidence: Sequence[Signal], silent: bool) -> StatutoryStatus:
    """The most serious status among the signals; silence, or no statutory signal, takes nothing back."""
    found = [signal.status for signal in evidence if signal.status is not None]
    if state is not None and (silent or not found):
        found.append(state.statutory)
    return min(found, key=SERIOUSNESS.index, default=StatutoryStatus.NONE)


def _move(
    state: AreaState | None,
    raw: Level,
    unknown: bool,
    fall: Fall,
    now: datetime,
    statutory: StatutoryStatus,
) -> tuple[AreaState, Change]:
    """The state after this decision, and which way the level went."""
    if state is None or raw > state.level:
        changed = Change.NONE if raw is Level.THAP else Change.RAISE
        return AreaState(level=raw, since=now, statutory=statutory), changed
    level, since, lowered = state.level, state.since, state.last_lowered
    if raw == level:
        return AreaState(level=level, since=since, statutory=statutory, last_lowered=lowered), Change.NONE
    below, changed = state.below_since if unknown else state.below_since or now, Change.NONE
    held = AreaState(level=level, since=since, statutory=statutory, last_lowered=lowered, below_since=below)
    if not unknown and now >= _next_step(held, fall, now):
        level, since, lowered, changed = Level(level - 1), now, now, Change.LOWER
    below = None if raw == level else below
    after = AreaState(level=level, since=since, statutory=statutory, last_lowered=lowered, below_since=below)
    return after, changed


def _next_step(state: AreaState, fall: Fall, now: datetime) -> datetime:
    hold = (state.below_since or now) + timedelta(days=fall.hold_days[state.level])
    if state.last_lowered is None:
        return hold
    return max(hold, state.last_lowered + timedelta(days=fall.period_days))


def _silences(evidence: Sequence[Signal], policy: Policy) -> list[Message]:
    return [signal.reason for signal in sorted(evidence, key=_rank) if policy.is_silent(signal)]


def _reasons(hits: Sequence[_Hit], unknown: bool, silences: Sequence[Message]) -> tuple[Message, ...]:
    """Each reason once, the weightiest first, then what limits the picture."""
    found: list[Message] = []
    for hit in hits:
        for reason in (hit.signal.reason, hit.floor_note):
            if reason is not None and reason not in found:
                found.append(reason)
    if unknown:
        blind = Message("Nguồn báo cáo đang im lặng hoặc chưa đủ số liệu để kết luận.")
        found += silences or [blind]
    elif not found:
        found.append(Message("Không có dấu hiệu nào vượt ngưỡng."))
    return tuple(found)


def _why_not_higher(
    level: Level,
    hits: Sequence[_Hit],
    evidence: Sequence[Signal],
    rules: Sequence[Rule],
    unknown: bool,
    least: int,
) -> Message:
    higher = [rule for rule in rules if rule.level > level]
    if not higher:
        return Message("Đây là mức cao nhất.")
    for hit in hits:
        if hit.floor_note is not None and hit.rule.level > level:
            return hit.floor_note
    if unknown:
        return Message("Chưa đủ số liệu để biết có phải nâng mức hay không.")
    nearest = min(rule.level for rule in higher)
    ways = [rule for rule in higher if rule.level == nearest]
    at_hand = [rule for rule in ways if any(rule.reads(signal) for signal in evidence)] or ways[:FEW_WAYS]
    needs = [_need(rule, evidence, least) for rule in at_hand]
    if len(at_hand) < len(ways):
        needs.append(Message("có dấu hiệu khác mà chính sách nêu"))
    either = reduce(lambda one, other: Message("{one}; hoặc {other}", one=one, other=other), needs)
    return Message("Lên mức {level} khi: {needs}.", level=name(nearest), needs=either)


def _need(rule: Rule, evidence: Sequence[Signal], least: int) -> Message:
    """What the rule takes, with the number to reach and the number there is when its signal is at hand."""
    read = sorted((signal for signal in evidence if rule.reads(signal)), key=_rank)
    if not read:
        return rule.needed()
    signal, short = read[0], rule.unmet(read[0])
    threshold = signal.detail.get(rule.threshold) if rule.threshold else None
    if threshold is not None:
        values = {"needs": rule.needed(), "threshold": threshold, "observed": signal.observed}
        if (least := rule.few(least)) > threshold:
            return Message(
                "{needs} (ngưỡng {threshold}, hiện có {observed} ca) và có từ {least} ca trở lên",
                least=least,
                **values,
            )
        return Message("{needs} (ngưỡng {threshold}, hiện có {observed} ca)", **values)
    found = values_of(signal, short) if short else ()
    if short is None or not found:
        return rule.needed()
    now = min(found) if short in rule.at_least else max(found)
    words = Message(numbers_of(rule.method)[short])
    return Message("{needs} (hiện nay {words}: {now})", needs=rule.needed(), words=words, now=now)


def _why_not_lower(level: Level, raw: Level, hits: Sequence[_Hit], held_until: datetime | None) -> Message:
    if level is Level.THAP:
        return Message("Đây là mức thấp nhất.")
    if raw == level:
        return hits[0].signal.reason
    if held_until is None:
        return Message("Chưa đủ số liệu để hạ mức nên giữ mức {level}.", level=name(level))
    return Message(
        "Số liệu đã xuống mức {raw}; mức {level} được giữ đến {until}, sau đó mỗi lần hạ một bậc.",
        raw=name(raw),
        level=name(level),
        until=held_until,
    )
