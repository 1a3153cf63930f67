"""How many alerts a week can you handle? One line of ever stricter policies, and what each of them loses. Pure.

Each step asks for more cases before statistics or an outbreak lift a level; the law's own rules never change. A step is
the policy's text with other numbers, so it can be handed over as a draft. docs/methods/scorecard.md shows the curve.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from alerts.scorecard import Scorecard

HEAD = re.compile(r"^\s*\[")
RULE_ID = re.compile(r'^\s*id\s*=\s*"([^"]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Strictness:
    """Least cases by rule; `level`: an alert is sent at once from it on."""

    name: str
    least_cases: Mapping[str, int]
    level: int = 3


def _step(name: str, growing: int, large: int, counts: int, above: int, level: int = 3) -> Strictness:
    least = {
        "outbreak-growing": growing, "outbreak-large": large, "ears-c2": counts, "farrington": counts,
        "endemic-week-above-2sd": above, "endemic-rt-above-1": above,
    }  # fmt: skip
    return Strictness(name=name, least_cases=least, level=level)


LINE: Final = (
    _step("1", 2, 3, 3, 3, level=2),
    _step("2", 3, 4, 5, 3),
    _step("3", 3, 5, 5, 3),
    _step("4", 4, 6, 5, 8),
    _step("5", 5, 8, 6, 12),
    _step("6", 6, 10, 8, 16),
    _step("7", 8, 14, 12, 25),
    _step("8", 10, 20, 16, 40),
)
"""From the loosest to the strictest; the third is near the policy that ships."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One step of the line on the past: alarms a week, and what they are worth."""

    name: str
    per_week: float
    caught: float | None
    alarmed: float | None
    median_delay_days: float | None
    precision: float | None

    @classmethod
    def of(cls, step: Strictness, card: Scorecard) -> Point:
        alarmed = card.caught_by["alarmed"]
        return cls(
            name=step.name,
            per_week=card.alarmed.per_week,
            caught=card.caught.share.value,
            alarmed=alarmed.share.value,
            median_delay_days=alarmed.median_delay_days,
            precision=card.alarmed.true.value,
        )

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def with_strictness(policy_text: str, step: Strictness) -> str:
    """The policy's text with the numbers of `step`; rules it does not have are not invented, comments stay."""
    lines: list[str] = []
    rule, done = "", False
    wanted = dict(step.least_cases)
    for line in [*policy_text.splitlines(), "["]:
        if HEAD.match(line):
            if rule in wanted and not done:
                _insert(lines, f"min_observed = {wanted[rule]}")
            rule, done = "", False
        if match := RULE_ID.match(line):
            rule = match[1]
        if rule in wanted and re.match(r"^\s*min_observed\s*=", line):
            line, done = f"min_observed = {wanted[rule]}", True
        if re.match(r"^\s*email_min_level\s*=", line):
            line = f"email_min_level = {step.level}"
        lines.append(line)
    return "\n".join(lines[:-1]) + "\n"


def _insert(lines: list[str], line: str) -> None:
    """After the last line of the rule, before blank lines and what is said of the next one."""
    at = len(lines)
    while at and (not lines[at - 1].strip() or lines[at - 1].lstrip().startswith("#")):
        at -= 1
    lines.insert(at, line)


def proposed(points: Sequence[Point], alerts_per_week: float) -> Point | None:
    """The loosest step whose alarms fit the budget; None when none does."""
    return next((point for point in points if point.per_week <= alerts_per_week), None)
