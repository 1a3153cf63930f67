"""What is different between two policies, in words. Pure; entries it does not know are named as the file names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from alerts.levels import Level, name
from alerts.rules import Fall, Policy, Rule
from i18n import Message

LABELS: Mapping[str, str] = {
    "floor_min_cases": "Số ca tối thiểu để lên trên mức sàn",
    "floor_level": "Mức cao nhất khi còn ít ca",
    "period_days": "Số ngày ít nhất giữa hai lần hạ mức",
    "email_min_level": "Gửi thư cho cán bộ từ mức",
    "notice_hours": "Số giờ để trạm y tế ra thông báo",
    "handling_hours": "Số giờ để xử lý ổ dịch",
    "level": "mức",
    "needs": "điều kiện bằng lời",
    "min_observed": "số ca ít nhất",
    "method": "phép tính",
    "regime": "nhóm bệnh",
    "status": "tình trạng theo Thông tư",
    "alarm": "phép tính báo động",
    "flag": "dấu hiệu",
    "threshold": "ngưỡng nêu trong câu giải thích",
    "display_floor": "giữ dưới mức sàn khi ít ca",
    "at_least": "ngưỡng",
    "at_most": "không quá",
    "few_level": "mức khi ít ca",
    "floor_cases": "sàn số ca của riêng quy tắc",
    "diseases": "chỉ cho bệnh",
    "excluded": "trừ các bệnh",
    "silence": "khi nào coi là im lặng",
    "least_days": "số ngày không có báo cáo",
}
UNTOLD = ("version", "hash", "rules", "id", "hold_days", "falls", "floors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`old` None: added; `new` None: taken away."""

    what: Message
    old: Message | None
    new: Message | None


def differences(old: Policy, new: Policy) -> list[Difference]:
    """In the order of the file; empty when only the version, comments or layout differ."""
    found = [*_fields(old, new, None), *_holds(old, new)]
    before = {rule.id: rule for rule in old.rules}
    after = {rule.id: rule for rule in new.rules}
    for rule in new.rules:
        if rule.id not in before:
            found.append(Difference(what=_rule(rule), old=None, new=_sentence(rule)))
        else:
            found += _fields(before[rule.id], rule, rule.needed())
    found += [
        Difference(what=_rule(rule), old=_sentence(rule), new=None)
        for rule in old.rules
        if rule.id not in after
    ]
    return found


def label(key: str) -> Message:
    return Message(LABELS.get(key, key))


def _fields(old: Any, new: Any, within: Message | None) -> Iterator[Difference]:
    """Entries of two dataclasses of one kind that differ; tables inside are looked into."""
    for entry in fields(old):
        before, after = getattr(old, entry.name), getattr(new, entry.name)
        if entry.name in UNTOLD or before == after:
            continue
        if hasattr(before, "__dataclass_fields__"):
            yield from _fields(before, after, within)
        else:
            what = label(entry.name)
            if within is not None:
                what = Message("Quy tắc “{rule}”: {what}", rule=within, what=what)
            most = entry.name == "at_most"
            yield Difference(what=what, old=_said(before, most=most), new=_said(after, most=most))


def _holds(old: Policy, new: Policy) -> Iterator[Difference]:
    yield from _fall(old.fall_of(None), new.fall_of(None), None)
    for disease in sorted({*old.falls, *new.falls}):
        yield from _fall(old.fall_of(disease), new.fall_of(disease), disease)
    for disease in sorted({*old.floors, *new.floors}):
        before, after = old.floors.get(disease), new.floors.get(disease)
        if before != after:
            what = _of(disease, label("floor_min_cases"))
            yield Difference(what=what, old=_said(before), new=_said(after))


def _fall(old: Fall, new: Fall, disease: str | None) -> Iterator[Difference]:
    """How long levels are held; `disease` None: for all without holds of their own."""
    for level, days in new.hold_days.items():
        if old.hold_days[level] != days:
            what = _of(disease, Message("Số ngày giữ mức {level} sau bằng chứng cuối", level=name(level)))
            yield Difference(what=what, old=_said(old.hold_days[level]), new=_said(days))
    if disease is not None and old.period_days != new.period_days:
        yield Difference(
            what=_of(disease, label("period_days")), old=_said(old.period_days), new=_said(new.period_days)
        )


def _of(disease: str | None, what: Message) -> Message:
    return what if disease is None else Message("{disease}: {what}", disease=disease, what=what)


def _rule(rule: Rule) -> Message:
    return Message("Quy tắc {id}", id=rule.id)


def _sentence(rule: Rule) -> Message:
    return Message("Lên mức {level} khi {needs}", level=name(rule.level), needs=rule.needed())


def _said(value: Any, *, most: bool = False) -> Message:
    if isinstance(value, Level):
        return name(value)
    if value is None or value == ():
        return Message("không có")
    if isinstance(value, bool):
        return Message("có") if value else Message("không")
    if isinstance(value, Enum):
        return Message("{value}", value=str(value.value))
    if isinstance(value, Mapping):
        return Message(
            "{value}", value=", ".join(f"{key} {'≤' if most else '≥'} {n}" for key, n in value.items())
        )
    if isinstance(value, list | tuple | frozenset | set):
        return Message("{value}", value=", ".join(sorted(map(str, value))))
    return Message("{value}", value=value)
