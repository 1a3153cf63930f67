"""The level policy as data: reading, checking and fingerprinting policy.toml (domain.md §1.5)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from alerts.levels import Level
from alerts.policy_text import PolicyError, Table, top_table
from alerts.rule_checks import check_meaning, refuse_shadows
from alerts.vocabulary import values_of
from i18n import Message
from surveillance.types import Signal, StatutoryStatus

__all__ = ["Fall", "Policy", "PolicyError", "Rule", "default_policy", "parse_policy"]

Regime = Literal["endemic", "non_endemic", "group_a", "any"]
REGIMES = ("endemic", "non_endemic", "group_a", "any")
TEXTS = ("id", "regime", "method", "needs")
OPTIONAL: Mapping[str, type] = {
    "status": str, "alarm": bool, "min_observed": int, "flag": str, "threshold": str, "display_floor": bool,
    "floor_cases": int,
}  # fmt: skip
LONGEST_DAYS = 366
"""A hold beyond a year is a slip of the pen: a level would outlive the season it speaks of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the table; alerts/policy.toml explains each entry."""

    id: str
    regime: Regime
    method: str
    level: Level
    needs: str
    diseases: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()
    status: StatutoryStatus | None = None
    alarm: bool | None = None
    min_observed: int | None = None
    flag: str | None = None
    at_least: Mapping[str, float] = field(default_factory=dict)
    at_most: Mapping[str, float] = field(default_factory=dict)
    threshold: str | None = None
    display_floor: bool = False
    few_level: Level | None = None
    floor_cases: int | None = None

    def few(self, least: int) -> int:
        """Below how many cases the display floor holds this rule; `least`: the disease's own."""
        return max(least, self.floor_cases or 0) if self.display_floor else 0

    def covers(self, disease: str | None) -> bool:
        """Whether the rule is one for `disease`; None: for any at all."""
        if disease is None:
            return True
        return disease not in self.excluded and (self.diseases is None or disease in self.diseases)

    def reads(self, signal: Signal) -> bool:
        return signal.method == self.method and self.covers(signal.disease)

    def fires(self, signal: Signal) -> bool:
        return (
            self.reads(signal)
            and (self.status is None or signal.status == self.status)
            and (self.alarm is None or signal.alarm == self.alarm)
            and (self.min_observed is None or signal.observed >= self.min_observed)
            and (self.flag is None or bool(signal.detail.get(self.flag)))
            and self.unmet(signal) is None
        )

    def unmet(self, signal: Signal) -> str | None:
        """The first number that keeps the rule from firing; a number the signal does not have is never enough."""
        for name, limit in self.at_least.items():
            values = values_of(signal, name)
            if not values or min(values) < limit:
                return name
        for name, limit in self.at_most.items():
            values = values_of(signal, name)
            if not values or max(values) > limit:
                return name
        return None

    def needed(self) -> Message:
        """`needs` with the rule's own numbers in it, so that a number changed is a sentence changed."""
        return Message(self.needs, **needs_values(self.min_observed, self.at_least, self.at_most))


def needs_values(
    min_observed: int | None, at_least: Mapping[str, float], at_most: Mapping[str, float]
) -> dict[str, float]:
    """What the sentence `needs` may name in braces: {min_observed}, {recurrence_days}, {age_days_most}, …"""
    found: dict[str, float] = {} if min_observed is None else {"min_observed": min_observed}
    return found | dict(at_least) | {f"{name}_most": limit for name, limit in at_most.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Who is told how. E-mail for the level alone goes out from `email_min_level` up."""

    email_min_level: Level = Level.CAO


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """Hours from the moment a criterion is met: `notice` by art. 26 (domain.md §2.1), `handling` of an
    outbreak by the city's practice (§1.1)."""

    notice_hours: int = 24
    handling_hours: int = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """How slowly a level falls: days it is held, by level above THAP, and days between two steps."""

    period_days: int
    hold_days: Mapping[Level, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """When a commune counts as silent: so many days without any report, and that so seldom by chance."""

    least_days: int
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`period_days`, `hold_days` and `floor_min_cases` are everybody's, `falls` and `floors` those of diseases with
    their own. `silence` None: only silent sources make an area unknown. `hash` is the sha256 of the content, blind to
    comments and layout."""

    version: str
    hash: str
    floor_min_cases: int
    floor_level: Level
    period_days: int
    hold_days: Mapping[Level, int]
    rules: tuple[Rule, ...]
    routing: Routing = Routing()
    duties: Duties = Duties()
    falls: Mapping[str, Fall] = field(default_factory=dict)
    floors: Mapping[str, int] = field(default_factory=dict)
    silence: Silence | None = None

    def rules_for(self, regime: Regime, disease: str | None = None) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.regime in (regime, "any") and rule.covers(disease))

    def least_cases(self, disease: str | None, display_floor: int | None) -> int:
        """Cases below which a rule with a display floor does not lift the colour: the catalogue's number for the
        disease (`display_floor`; None: the policy's for all), or the policy's for it where that is higher."""
        given = self.floor_min_cases if display_floor is None else display_floor
        return given if disease is None else max(self.floors.get(disease, given), given)

    def fall_of(self, disease: str | None) -> Fall:
        own = self.falls.get(disease) if disease is not None else None
        return own or Fall(period_days=self.period_days, hold_days=self.hold_days)

    def is_silent(self, signal: Signal) -> bool:
        """Whether a signal says that nothing was heard from the commune for too long."""
        if self.silence is None or signal.method != SILENCE:
            return False
        days, chance = values_of(signal, "days"), values_of(signal, "chance")
        return (
            bool(days and chance) and days[0] >= self.silence.least_days and chance[0] <= self.silence.chance
        )


SILENCE: Final = "silence"


@cache
def default_policy() -> Policy:
    """The policy that ships with the program."""
    return parse_policy(shipped_text())


def shipped_text() -> str:
    """The rules that came with this program."""
    return (Path(__file__).parent / "policy.toml").read_text(encoding="utf-8")


def parse_policy(text: str, *, diseases: Collection[str] | None = None) -> Policy:
    """The policy written in `text` (TOML). Raises PolicyError.

    `diseases`: codes of the catalogue, to find misspelt ones; None where there is no catalogue to ask.
    """
    top = top_table(text)
    canonical = json.dumps(top.data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    version = top.take("version", str)
    floor, fall, tables = top.table("floor"), top.table("fall"), top.tables("rule")
    rules = tuple(_rule(table, diseases) for table in tables)
    routing, duties, silence = _routing(top), _duties(top), _silence(top)
    falls, floors = _falls(fall, diseases), _floors(floor, diseases)
    whole = _fall(fall)
    top.finish()
    policy = Policy(
        version=version,
        hash=hashlib.sha256(canonical.encode()).hexdigest(),
        floor_min_cases=floor.whole("min_cases", 0),
        floor_level=floor.level("level"),
        period_days=whole.period_days,
        hold_days=whole.hold_days,
        rules=rules,
        routing=routing,
        duties=duties,
        falls=falls,
        floors=floors,
        silence=silence,
    )
    floor.finish()
    _refuse_twins(top, rules)
    refuse_shadows(rules, tables)
    return policy


def _rule(table: Table, diseases: Collection[str] | None) -> Rule:
    texts: dict[str, Any] = {key: table.take(key, str) for key in TEXTS}
    table.one_of("regime", texts["regime"], REGIMES)
    level = table.level("level")
    given = {key: table.take(key, kind) for key, kind in OPTIONAL.items() if key in table.data}
    if "status" in given:
        table.one_of("status", given["status"], list(StatutoryStatus))
        given["status"] = StatutoryStatus(given["status"])
    for key in ("at_least", "at_most"):
        if key in table.data:
            given[key] = _limits(table, key)
    if "few_level" in table.data:
        given["few_level"] = table.level("few_level")
    given |= _diseases(table, diseases)
    table.finish()
    rule = Rule(level=level, **texts, **given)
    check_meaning(rule, table)
    return rule


def _limits(table: Table, key: str) -> dict[str, float]:
    limits = table.table(key)
    found = {name: limits.number(name) for name in list(limits.data)}
    if not found:
        table.fail(key, Message("cần ít nhất một số"))
    return found


def _diseases(table: Table, known: Collection[str] | None) -> dict[str, frozenset[str]]:
    """`diseases` names those a rule is for, `except` those it is not for."""
    named = {key: table.texts(key) for key in ("diseases", "except") if key in table.data}
    if len(named) == 2:
        table.fail("except", Message("chỉ dùng một trong hai: diseases, except"))
    for key, codes in named.items():
        for code in codes:
            _known(table, key, code, known)
        if key == "except" and known is not None and set(codes) >= set(known):
            table.fail(key, Message("loại trừ mọi bệnh nên quy tắc không bao giờ có tác dụng"))
    fields = {"diseases": "diseases", "except": "excluded"}
    return {fields[key]: frozenset(codes) for key, codes in named.items()}


def _known(table: Table, key: str, code: str, known: Collection[str] | None) -> None:
    if known is not None and code not in known:
        table.fail(
            key, Message("không có bệnh “{code}”; có: {known}", code=code, known=", ".join(sorted(known)))
        )


def _fall(table: Table) -> Fall:
    period = table.whole("period_days", 1, LONGEST_DAYS)
    days = table.table("hold_days")
    held: dict[Level, int] = {}
    for level in list(Level)[1:]:
        held[level] = days.whole(str(int(level)), 0, LONGEST_DAYS)
        lower = held.get(Level(level - 1), 0)
        if held[level] < lower:
            table.fail(
                "hold_days",
                Message(
                    "mức {level} không được giữ ngắn hơn mức {lower} ngay dưới nó ({days} ngày)",
                    level=int(level), lower=int(level) - 1, days=lower,
                ),
            )  # fmt: skip
    days.finish()
    table.finish()
    return Fall(period_days=period, hold_days=held)


def _falls(fall: Table, known: Collection[str] | None) -> dict[str, Fall]:
    """[fall.diseases.measles]: a disease's own numbers."""
    if "diseases" not in fall.data:
        return {}
    own = fall.table("diseases")
    for code in own.data:
        _known(own, code, code, known)
    return {code: _fall(own.table(code)) for code in list(own.data)}


def _floors(floor: Table, known: Collection[str] | None) -> dict[str, int]:
    """[floor.diseases]: a disease's own least number of cases."""
    if "diseases" not in floor.data:
        return {}
    own = floor.table("diseases")
    for code in own.data:
        _known(own, code, code, known)
    return {code: own.whole(code, 1) for code in list(own.data)}


def _routing(top: Table) -> Routing:
    """A file without the table takes the defaults."""
    if "routing" not in top.data:
        return Routing()
    table = top.table("routing")
    routing = Routing(email_min_level=table.level("email_min_level"))
    table.finish()
    return routing


def _duties(top: Table) -> Duties:
    if "duties" not in top.data:
        return Duties()
    table = top.table("duties")
    duties = Duties(
        notice_hours=table.whole("notice_hours", 1), handling_hours=table.whole("handling_hours", 1)
    )
    table.finish()
    return duties


def _silence(top: Table) -> Silence | None:
    if "silence" not in top.data:
        return None
    table = top.table("silence")
    least, chance = table.whole("least_days", 1, LONGEST_DAYS), table.number("chance")
    if not 0 < chance < 1:
        table.fail("chance", Message("phải lớn hơn 0 và nhỏ hơn 1"))
    table.finish()
    return Silence(least_days=least, chance=chance)


def _refuse_twins(top: Table, rules: tuple[Rule, ...]) -> None:
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            top.fail("rule", Message("có hai quy tắc cùng tên “{name}”", name=rule.id))
        seen.add(rule.id)
