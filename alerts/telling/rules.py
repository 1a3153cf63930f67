"""The rules of telling as data: reading and checking telling.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from functools import cache
from pathlib import Path
from typing import Literal, cast

from alerts.levels import Level
from alerts.lifecycle import ALERT_LEVEL
from alerts.policy_text import Table, top_table
from alerts.telling.hours import WorkingHours
from i18n import Message

Clock = Literal["working", "always"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """How long nobody may take an alert on before the regional centre, and then the city, is told."""

    clock: Clock
    centre: timedelta
    city: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class TellingRules:
    """`levels` has every level that has alerts; `statutory` applies beside it under cảnh báo and có dịch."""

    version: str
    hours: WorkingHours
    levels: Mapping[Level, Delays]
    statutory: Delays
    longest_silence: timedelta


@cache
def default_rules() -> TellingRules:
    """The rules that ship with the program."""
    return parse_rules((Path(__file__).parent / "telling.toml").read_text(encoding="utf-8"))


def parse_rules(text: str) -> TellingRules:
    """The rules written in `text` (TOML). Raises PolicyError, which names the line."""
    top = top_table(text)
    version = top.take("version", str)
    hours, statutory, silence = (top.table(key) for key in ("working_hours", "statutory", "silence"))
    rules = TellingRules(
        version=version,
        hours=_hours(hours),
        levels=_levels(top),
        statutory=_delays(statutory),
        longest_silence=timedelta(days=silence.whole("most_days", 1)),
    )
    for table in (top, hours, statutory, silence):
        table.finish()
    if rules.statutory.clock != "always":
        statutory.fail("clock", Message("hạn 24 giờ chạy cả đêm và ngày nghỉ: phải là “always”"))
    return rules


def _hours(table: Table) -> WorkingHours:
    days = table.take("days", list)
    if not days or not all(type(day) is int and 1 <= day <= 7 for day in days):
        table.fail("days", Message("phải là các ngày từ 1 (thứ hai) đến 7 (chủ nhật)"))
    starts, ends = _clock_time(table, "starts"), _clock_time(table, "ends")
    if starts >= ends:
        table.fail("ends", Message("phải sau giờ bắt đầu"))
    return WorkingHours(days=frozenset(days), starts=starts, ends=ends)


def _clock_time(table: Table, key: str) -> time:
    text = table.take(key, str)
    try:
        return time.fromisoformat(text)
    except ValueError:
        table.fail(key, Message("phải là giờ dạng 07:30"))


def _levels(top: Table) -> Mapping[Level, Delays]:
    """By level, in the file's order; each no slower than the one below."""
    found: dict[Level, Delays] = {}
    tables: dict[Level, Table] = {}
    for table in top.tables("escalation"):
        level = table.level("level")
        if level in found or level < ALERT_LEVEL:
            table.fail("level", Message("mỗi mức từ 2 đến 4 chỉ một lần"))
        found[level], tables[level] = _delays(table), table
        table.finish()
        if level is Level.RAT_CAO and found[level].clock != "always":
            table.fail("clock", Message("mức rất cao phải tính cả đêm và ngày nghỉ: “always”"))
    missing = [level for level in Level if level >= ALERT_LEVEL and level not in found]
    if missing:
        top.fail(
            "escalation", Message("còn thiếu mức {levels}", levels=", ".join(str(int(m)) for m in missing))
        )
    for lower, higher in ((Level.TRUNG_BINH, Level.CAO), (Level.CAO, Level.RAT_CAO)):
        if _slower(found[higher], found[lower]):
            tables[higher].fail(
                "city_minutes", Message("mức {level} không được chờ lâu hơn mức dưới", level=str(int(higher)))
            )
    return found


def _slower(one: Delays, other: Delays) -> bool:
    return (
        one.centre > other.centre
        or one.city > other.city
        or (one.clock, other.clock) == ("working", "always")
    )


def _delays(table: Table) -> Delays:
    clock = table.take("clock", str)
    if clock not in ("working", "always"):
        table.fail("clock", Message("hãy dùng một trong: {choices}", choices="working, always"))
    centre, city = table.whole("centre_minutes", 1), table.whole("city_minutes", 1)
    if centre >= city:
        table.fail("city_minutes", Message("phải lớn hơn centre_minutes"))
    return Delays(clock=cast(Clock, clock), centre=timedelta(minutes=centre), city=timedelta(minutes=city))
