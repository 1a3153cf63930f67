"""The level policy as data: reading, checking and fingerprinting policy.toml (domain.md §1.5)."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NoReturn, cast

from alerts.levels import Level
from i18n import Message, MessageError
from surveillance.types import Signal, StatutoryStatus

Regime = Literal["endemic", "non_endemic", "group_a", "any"]
REGIMES = ("endemic", "non_endemic", "group_a", "any")
TEXTS = ("id", "regime", "method", "needs")
OPTIONAL: Mapping[str, type] = {
    "status": str, "alarm": bool, "min_observed": int, "flag": str, "threshold": str, "display_floor": bool,
}  # fmt: skip
CONDITIONS = ("status", "alarm", "min_observed", "flag")


class PolicyError(MessageError, ValueError):
    """A policy file that cannot be used; `message` names the key and its line and says how to mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the table; alerts/policy.toml explains each entry."""

    id: str
    regime: Regime
    method: str
    level: Level
    needs: str
    status: StatutoryStatus | None = None
    alarm: bool | None = None
    min_observed: int | None = None
    flag: str | None = None
    threshold: str | None = None
    display_floor: bool = False

    def reads(self, signal: Signal) -> bool:
        return signal.method == self.method

    def fires(self, signal: Signal) -> bool:
        return (
            self.reads(signal)
            and (self.status is None or signal.status == self.status)
            and (self.alarm is None or signal.alarm == self.alarm)
            and (self.min_observed is None or signal.observed >= self.min_observed)
            and (self.flag is None or bool(signal.detail.get(self.flag)))
        )


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
class Policy:
    """`hold_days` by level above THAP; `hash` is the sha256 of the content, blind to comments and layout."""

    version: str
    hash: str
    floor_min_cases: int
    floor_level: Level
    period_days: int
    hold_days: Mapping[Level, int]
    rules: tuple[Rule, ...]
    routing: Routing = Routing()
    duties: Duties = Duties()

    def rules_for(self, regime: Regime) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.regime in (regime, "any"))


@cache
def default_policy() -> Policy:
    """The policy that ships with the program."""
    return parse_policy((Path(__file__).parent / "policy.toml").read_text(encoding="utf-8"))


def parse_policy(text: str) -> Policy:
    """The policy written in `text` (TOML). Raises PolicyError."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(Message("Không đọc được tệp chính sách: {error}.", error=str(error))) from error
    top = _Table(text=text, data=data, start=0, within="")
    canonical = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    version = top.take("version", str)
    floor, fall = top.table("floor"), top.table("fall")
    rules = tuple(_rule(table) for table in top.tables("rule"))
    routing, duties = _routing(top), _duties(top)
    top.finish()
    policy = Policy(
        version=version,
        hash=hashlib.sha256(canonical.encode()).hexdigest(),
        floor_min_cases=floor.whole("min_cases", 0),
        floor_level=floor.level("level"),
        period_days=fall.whole("period_days", 1),
        hold_days=_hold_days(fall),
        rules=rules,
        routing=routing,
        duties=duties,
    )
    floor.finish()
    fall.finish()
    _refuse_twins(top, rules)
    return policy


def _rule(table: _Table) -> Rule:
    texts = {key: table.take(key, str) for key in TEXTS}
    if texts["regime"] not in REGIMES:
        table.fail("regime", Message("hãy dùng một trong: {choices}", choices=", ".join(REGIMES)))
    level = table.level("level")
    given = {key: table.take(key, kind) for key, kind in OPTIONAL.items() if key in table.data}
    if "status" in given and given["status"] not in list(StatutoryStatus):
        table.fail("status", Message("hãy dùng một trong: {choices}", choices=", ".join(StatutoryStatus)))
    if not any(key in given for key in CONDITIONS):
        table.fail("id", Message("cần ít nhất một điều kiện: {choices}", choices=", ".join(CONDITIONS)))
    table.finish()
    if "status" in given:
        given["status"] = StatutoryStatus(given["status"])
    regime = cast(Regime, texts.pop("regime"))
    return Rule(regime=regime, level=level, **texts, **given)


def _hold_days(fall: _Table) -> Mapping[Level, int]:
    days = fall.table("hold_days")
    held: dict[Level, int] = {
        level: days.whole(str(int(level)), 0) for level in Level if level is not Level.THAP
    }
    days.finish()
    return held


def _routing(top: _Table) -> Routing:
    """A file without the table takes the defaults."""
    if "routing" not in top.data:
        return Routing()
    table = top.table("routing")
    routing = Routing(email_min_level=table.level("email_min_level"))
    table.finish()
    return routing


def _duties(top: _Table) -> Duties:
    if "duties" not in top.data:
        return Duties()
    table = top.table("duties")
    duties = Duties(
        notice_hours=table.whole("notice_hours", 1), handling_hours=table.whole("handling_hours", 1)
    )
    table.finish()
    return duties


def _refuse_twins(top: _Table, rules: tuple[Rule, ...]) -> None:
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            top.fail("rule", Message("có hai quy tắc cùng tên “{name}”", name=rule.id))
        seen.add(rule.id)


class _Table:
    """One TOML table: entries are taken out one by one, what is left over at the end is an error."""

    def __init__(self, *, text: str, data: Mapping[str, Any], start: int, within: str) -> None:
        self.text, self.data, self.start, self.within = text, dict(data), start, within

    def take(self, key: str, kind: type) -> Any:
        if key not in self.data:
            self.fail(key, Message("còn thiếu"))
        value = self.data.pop(key)
        if type(value) is not kind or value == "":
            expected = {
                str: "chữ",
                int: "số nguyên",
                bool: "true hoặc false",
                dict: "bảng",
                list: "danh sách",
            }
            self.fail(key, Message("phải là {kind}", kind=Message(expected[kind])))
        return value

    def whole(self, key: str, least: int) -> int:
        value = int(self.take(key, int))
        if value < least:
            self.fail(key, Message("phải là số nguyên từ {least} trở lên", least=least))
        return value

    def level(self, key: str) -> Level:
        value = self.take(key, int)
        if value not in list(Level):
            self.fail(key, Message("phải là một mức từ 1 đến 4"))
        return Level(value)

    def table(self, key: str) -> _Table:
        return _Table(text=self.text, data=self.take(key, dict), start=self._line(key), within=f"{key}.")

    def tables(self, key: str) -> list[_Table]:
        heads = [n for n, line in enumerate(self.text.splitlines()) if line.strip() == f"[[{key}]]"]
        entries = self.take(key, list)
        if len(heads) != len(entries):
            self.fail(key, Message("hãy viết mỗi quy tắc dưới một dòng [[rule]]"))
        return [
            _Table(text=self.text, data=entry, start=head, within=f"{key} {number}: ")
            for number, (entry, head) in enumerate(zip(entries, heads, strict=True), 1)
        ]

    def finish(self) -> None:
        for key in self.data:
            self.fail(key, Message("không phải là mục của tệp này; hãy xoá hoặc sửa tên"))

    def fail(self, key: str, problem: Message) -> NoReturn:
        line = str(self._line(key) + 1)
        name = f"{self.within}{key}"
        raise PolicyError(
            Message(
                "Tệp chính sách, dòng {line}, mục “{name}”: {problem}.", line=line, name=name, problem=problem
            )
        )

    def _line(self, key: str) -> int:
        """Index of the line that holds `key` in this table, or of the table's head."""
        lines = self.text.splitlines()
        for number in range(self.start, len(lines)):
            head = lines[number].split("=")[0].strip().strip("[]\"' ")
            if head == key:
                return number
            if number > self.start and lines[number].startswith("[") and self.within:
                break
        return self.start
