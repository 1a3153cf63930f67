"""What makes a rule of the policy useless: it could never fire, or another always speaks first. Pure."""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from alerts.levels import Level
from alerts.policy_text import Table
from alerts.vocabulary import METHODS, numbers_of
from i18n import Message

if TYPE_CHECKING:
    from alerts.rules import Rule

CONDITIONS = ("status", "alarm", "min_observed", "flag", "at_least", "at_most")


def check_meaning(rule: Rule, table: Table) -> None:
    """Raises PolicyError naming the line of what can never be met."""
    if not any(getattr(rule, key) not in (None, {}) for key in CONDITIONS):
        table.fail("id", Message("cần ít nhất một điều kiện: {choices}", choices=", ".join(CONDITIONS)))
    table.one_of("method", rule.method, sorted(METHODS))
    if rule.level is Level.THAP:
        table.fail("level", Message("mức 1 là mức thấp nhất nên quy tắc này không bao giờ nâng được mức"))
    if rule.few_level is not None and not (rule.display_floor and rule.few_level < rule.level):
        table.fail("few_level", Message("cần display_floor = true và một mức thấp hơn level"))
    if rule.floor_cases is not None and not (rule.display_floor and rule.floor_cases > 0):
        table.fail("floor_cases", Message("cần display_floor = true và một số ca lớn hơn 0"))
    _check_words(rule, table)
    _check_numbers(rule, table)
    _check_needs(rule, table)


def _check_words(rule: Rule, table: Table) -> None:
    words = METHODS[rule.method]
    if rule.status is not None and rule.status not in words.statuses:
        _never(table, "status", rule, ", ".join(sorted(words.statuses)))
    if rule.flag is not None and rule.flag not in words.flags:
        _never(table, "flag", rule, ", ".join(sorted(words.flags)))
    if rule.alarm and not words.alarms:
        _never(table, "alarm", rule, "")
    for key, names in (
        ("at_least", rule.at_least),
        ("at_most", rule.at_most),
        ("threshold", [rule.threshold]),
    ):
        for name in names:
            if name is not None and name not in numbers_of(rule.method):
                _never(table, key, rule, ", ".join(numbers_of(rule.method)), name)


def _never(table: Table, key: str, rule: Rule, choices: str, name: str = "") -> None:
    """The signals of the method never say this, so the rule would never fire."""
    value = name or str(getattr(rule, key))
    if not choices:
        problem = Message("phương pháp {method} không bao giờ cho “{value}”", method=rule.method, value=value)
    else:
        problem = Message(
            "phương pháp {method} không bao giờ cho “{value}”; có: {choices}",
            method=rule.method, value=value, choices=choices,
        )  # fmt: skip
    table.fail(key, problem)


def _check_numbers(rule: Rule, table: Table) -> None:
    least = _lower_bounds(rule)
    for name, most in rule.at_most.items():
        if name in least and least[name] > most:
            table.fail(
                "at_most",
                Message(
                    "{name} không thể vừa từ {least} trở lên vừa từ {most} trở xuống",
                    name=name, least=least[name], most=most,
                ),
            )  # fmt: skip
    if rule.min_observed is not None and rule.min_observed < 0:
        table.fail("min_observed", Message("phải là số nguyên từ {least} trở lên", least=0))


def _check_needs(rule: Rule, table: Table) -> None:
    try:
        named = {name for _, name, _, _ in string.Formatter().parse(rule.needs) if name is not None}
    except ValueError:
        named = {"{"}
    known = {
        *([] if rule.min_observed is None else ["min_observed"]),
        *rule.at_least,
        *(f"{name}_most" for name in rule.at_most),
    }
    if named - known:
        problem = Message(
            "trong ngoặc nhọn chỉ được ghi tên một con số của chính quy tắc này: {choices}",
            choices=", ".join(sorted(known)) or "–",
        )
        table.fail("needs", problem)


def refuse_shadows(rules: Sequence[Rule], tables: Sequence[Table]) -> None:
    """A rule that only fires when another asks for as much or more says nothing: one of the two is wrong."""
    for at, rule in enumerate(rules):
        for other_at, other in enumerate(rules):
            if at == other_at or not shadows(other, rule):
                continue
            if shadows(rule, other) and at < other_at:
                continue  # twins: the later one is told
            tables[at].fail(
                "id",
                Message(
                    "quy tắc không bao giờ có tác dụng: “{other}” luôn đúng trước và cho mức bằng hoặc cao hơn",
                    other=other.id,
                ),
            )


def shadows(over: Rule, rule: Rule) -> bool:
    """Whether, whenever `rule` fires, `over` fires too and asks for at least as much."""
    return (
        over.method == rule.method
        and over.level >= rule.level
        and over.regime in (rule.regime, "any")
        and (not over.display_floor or (rule.display_floor and over.few_level in (None, rule.few_level)))
        and over.few(0) <= rule.few(0)
        and _wider(over, rule)
        and all(getattr(over, key) in (None, getattr(rule, key)) for key in ("status", "alarm", "flag"))
        and _looser(_lower_bounds(over), _lower_bounds(rule), sign=1)
        and _looser(over.at_most, rule.at_most, sign=-1)
    )


def _wider(over: Rule, rule: Rule) -> bool:
    """Whether `over` is for every disease that `rule` is for."""
    if rule.diseases is not None:
        return all(over.covers(code) for code in rule.diseases)
    return over.diseases is None and over.excluded <= rule.excluded


def _lower_bounds(rule: Rule) -> Mapping[str, float]:
    floor = -math.inf if rule.min_observed is None else float(rule.min_observed)
    observed = max(floor, rule.at_least.get("observed", -math.inf))
    return rule.at_least if observed == -math.inf else {**rule.at_least, "observed": observed}


def _looser(over: Mapping[str, float], rule: Mapping[str, float], *, sign: int) -> bool:
    return all(name in rule and sign * limit <= sign * rule[name] for name, limit in over.items())
