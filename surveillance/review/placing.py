"""From what a person chose to the place columns of a case. Reads no table; refuses what cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from geodata.aliases import unit_match
from geodata.types import Match, PlaceLevel
from i18n import Message, MessageError
from surveillance.belief import PLACE, Facts
from surveillance.place import MISPLACED, OUTSIDE, Placer
from surveillance.review.queue import Waiting

BY_CHOICE = "Người xem địa chỉ đã chọn xã/phường"
BY_PIN = "Người xem địa chỉ đã ghim vị trí trên bản đồ"
BY_TEXT = "Người xem địa chỉ đã sửa lại chữ"
PIN_UNCERTAINTY_M: Mapping[PlaceLevel, float] = {
    PlaceLevel.HOUSE: 30,
    PlaceLevel.STREET: 150,
    PlaceLevel.NEIGHBOURHOOD: 500,
}
"""How far off a pin may be that a person set by hand, by what they say it marks. [P]"""
MAX_TYPED = 500


class BadChoice(MessageError):
    """A commune, point or text that is missing or cannot be; `message` says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Where a case is: a commune alone; a pin with its level; or the commune a corrected text (`typed`) led to."""

    kind: Literal["choice", "pin", "text"]
    unit_id: int | None
    lon: float | None = None
    lat: float | None = None
    level: PlaceLevel = PlaceLevel.COMMUNE
    typed: str = ""


def checked_unit(choice: Choice, placer: Placer) -> int:
    """The commune chosen, or the one the pin lies in. Raises BadChoice."""
    unit_id = _pinned_unit(choice, placer) if choice.kind == "pin" else choice.unit_id
    if choice.kind == "text" and not 0 < len(choice.typed.strip()) <= MAX_TYPED:
        raise BadChoice(Message("Hãy ghi lại địa chỉ, dài nhất {most} ký tự.", most=MAX_TYPED))
    if unit_id is None or unit_id not in placer.unit_ids.values():
        raise BadChoice(Message("Hãy chọn một xã, phường."))
    return unit_id


def place_columns(
    choice: Choice, unit_id: int, case: Waiting, before: Facts, placer: Placer
) -> dict[str, Any]:
    """`belief.PLACE` after the decision. A point measured in the field stays in the commune it lies in."""
    former = before.former_unit_id if before.place_estimated else None
    if choice.kind == "pin":
        metres = PIN_UNCERTAINTY_M[choice.level]
        point: tuple[Any, ...] = (choice.level.value, BY_PIN, choice.lon, choice.lat, metres)
    elif choice.kind == "choice" and _point_stays(case, unit_id, placer):
        point = (before.place_level, BY_CHOICE, before.lon, before.lat, before.uncertainty_m)
    else:
        match = _match(choice, unit_id, case, placer)
        point = (match.level.value, match.rule, match.lon, match.lat, match.uncertainty_m)
    return dict(zip(PLACE, (unit_id, former, False, *point), strict=True))


def read_text(typed: str, case: Waiting, placer: Placer) -> Match:
    """Where a corrected text lies, on the day of the report."""
    return placer.look_up(commune=None, district=None, province=None, address=typed, on=case.date_report)


def _pinned_unit(choice: Choice, placer: Placer) -> int | None:
    lon, lat = choice.lon, choice.lat
    if lon is None or lat is None or choice.level not in PIN_UNCERTAINTY_M:
        raise BadChoice(Message("Hãy đặt ghim lên bản đồ và chọn ghim chỉ đến đâu: nhà, đường hay khu phố."))
    metres = PIN_UNCERTAINTY_M[choice.level]
    if placer.areas.nowhere(lon, lat, metres):
        raise BadChoice(Message("Ghim nằm ngoài mọi xã, phường của địa bàn. Hãy kéo lại."))
    if choice.unit_id is None:
        return placer.areas.unit_at(lon, lat)
    if placer.areas.far_outside(choice.unit_id, lon, lat, metres):
        raise BadChoice(Message("Ghim nằm ngoài xã, phường đã chọn. Hãy kéo lại hoặc chọn xã, phường khác."))
    return choice.unit_id


def _match(choice: Choice, unit_id: int, case: Waiting, placer: Placer) -> Match:
    """The commune; as finely as the corrected text was read, when it led there."""
    key = next(key for key, known in placer.unit_ids.items() if known == unit_id)
    if choice.kind == "text":
        read = read_text(choice.typed, case, placer)
        if read.unit == key and not read.estimated:
            return Match(
                unit=key, level=read.level, lat=read.lat, lon=read.lon, uncertainty_m=read.uncertainty_m,
                rule=BY_TEXT,
            )  # fmt: skip
    return unit_match(placer.gazetteer, key, BY_TEXT if choice.kind == "text" else BY_CHOICE)


def _point_stays(case: Waiting, unit_id: int, placer: Placer) -> bool:
    if case.rule not in MISPLACED or case.lon is None or case.lat is None:
        return False
    return placer.doubt(unit_id, case.lon, case.lat, case.uncertainty_m, OUTSIDE) is None
