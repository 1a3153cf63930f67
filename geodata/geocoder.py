"""Parsed names + gazetteer → the unit of today, or unresolved with candidates: never guessed.

Order of belief: columns before free text; a name with its district before a name alone; the old ward of that
district before a commune of today (domain.md §4, §8 case 13).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from geodata.address import Mention, Parsed, parse_address, parse_field
from geodata.gazetteer import Gazetteer
from geodata.text import accent_key, fold, name_key
from geodata.types import Candidate, Match, PlaceLevel, Unit, UnitKey, UnitLevel

OLD_IN_DISTRICT = "Tên phường/xã cũ trong quận/huyện đã ghi"
OLD_SPLIT = "Phường/xã cũ đã tách: lấy nơi nhận chính (ước tính)"
OLD_ALONE = "Tên phường/xã cũ, chỉ dẫn tới một đơn vị hiện nay"
TODAY = "Tên phường/xã hiện nay"
TODAY_IN_DISTRICT = "Tên phường/xã hiện nay, ghi kèm quận/huyện cũ"
WHOLE_DISTRICT = "Quận/huyện cũ nay là một đơn vị"
CHOSEN_BY_ADDRESS = "Địa chỉ cho biết đơn vị nào trong các khả năng"
AMBIGUOUS = "Tên này có ở nhiều phường/xã: cần người chọn"
NOT_IN_DISTRICT = "Quận/huyện đã ghi không có phường/xã này"
UNKNOWN_DISTRICT = "Không nhận ra quận/huyện đã ghi"
UNKNOWN_COMMUNE = "Không nhận ra phường/xã đã ghi"
NO_COMMUNE = "Không ghi phường/xã"
ELSEWHERE = "Ở ngoài địa bàn"
EMPTY = "Không ghi nơi ở"

Answer = TypeVar("Answer")
_CACHE_LIMIT = 200_000
_OLD_WARD_FILL = 0.52
"""Share of a ward's bounding box its area takes: median of the 273 wards of Ho Chi Minh City before July
2025."""


def geocode(
    gazetteer: Gazetteer,
    *,
    commune: str | None,
    district: str | None,
    province: str | None,
    address: str | None,
    on: date,
) -> Match:
    """The unit of today a case's place lies in. `on` is the day of the report: a name that was an old ward's
    and is a commune's of today means the latter from the day it exists.

    Columns win over the address; the address helps when they leave several possibilities. Repeats are
    answered from `gazetteer.cache`, which holds at most 200,000 texts, in memory only.
    """
    era = on >= gazetteer.since
    columns, match = _remembered(
        gazetteer.columns_cache,
        (commune, district, province, era),
        lambda: _by_columns(gazetteer, commune, district, province, on),
    )
    if (match.unit and not match.estimated) or not address:
        return match
    return _remembered(
        gazetteer.cache,
        (commune, district, province, address, era),
        lambda: _by_address(gazetteer, columns, match, address, on),
    )


def _remembered(cache: dict[Any, Answer], key: Any, answer: Callable[[], Answer]) -> Answer:
    found = cache.get(key)
    if found is None:
        if len(cache) >= _CACHE_LIMIT:
            cache.clear()
        found = cache[key] = answer()
    return found


def _by_columns(
    gazetteer: Gazetteer, commune: str | None, district: str | None, province: str | None, on: date
) -> tuple[Parsed, Match]:
    columns = _columns(gazetteer, commune, district, province)
    return columns, _placed(gazetteer, _resolve(gazetteer, columns, on))


def _by_address(gazetteer: Gazetteer, columns: Parsed, match: Match, address: str, on: date) -> Match:
    around = replace(columns, communes=())
    read = parse_address(address, gazetteer.vocabulary, around)
    if around.districts:
        read = replace(read, districts=around.districts)
    by_address = _placed(gazetteer, _resolve(gazetteer, read, on))
    if not match.candidates or not columns.communes:
        return by_address if by_address.rule != EMPTY else match
    if by_address.unit in {candidate.unit for candidate in match.candidates}:
        return replace(by_address, former=match.former, rule=CHOSEN_BY_ADDRESS)
    return match


def _columns(gazetteer: Gazetteer, commune: str | None, district: str | None, province: str | None) -> Parsed:
    parts = [
        parse_field(text, level, gazetteer.vocabulary)
        for text, level in (
            (commune, UnitLevel.COMMUNE),
            (district, UnitLevel.DISTRICT),
            (province, UnitLevel.PROVINCE),
        )
        if text and fold(text)
    ]
    return Parsed(
        communes=tuple(x for part in parts for x in part.communes),
        districts=tuple(x for part in parts for x in part.districts),
        provinces=tuple(x for part in parts for x in part.provinces),
        strangers=any(part.strangers for part in parts),
    )


def _resolve(gazetteer: Gazetteer, parsed: Parsed, on: date) -> Match:
    provinces = {u.key for name in parsed.provinces for u in gazetteer.provinces[name.key]}
    if provinces and not provinces & gazetteer.home:
        return Match(unit=None, rule=ELSEWHERE)
    districts = {u.key for name in parsed.districts for u in gazetteer.districts[name.key]}
    if parsed.communes:
        matches = [
            _resolve_commune(gazetteer, name, districts, provinces, parsed.strangers, on)
            for name in parsed.communes
        ]
        return next((match for match in matches if match.unit), matches[0])
    if districts:
        return _resolve_district(gazetteer, districts, parsed.strangers)
    if parsed.strangers:
        return Match(unit=None, rule=UNKNOWN_COMMUNE)
    return Match(unit=None, rule=NO_COMMUNE if provinces else EMPTY)


def _resolve_commune(
    gazetteer: Gazetteer,
    name: Mention,
    districts: set[UnitKey],
    provinces: set[UnitKey],
    strangers: bool,
    on: date,
) -> Match:
    around = districts or {key for key in provinces if _is_merged(gazetteer, key)}
    today = list(gazetteer.today.get(name.key, ()))
    former = list(gazetteer.former.get(name.key, ()))
    renamed = list(gazetteer.former_aliases.get(name.key, ()))
    if around:
        today = [x for x in today if gazetteer.origins.get(x.key, frozenset()) & around]
        former, renamed = _within(gazetteer, former, around), _within(gazetteer, renamed, around)
    today, former, renamed = _of_kind(name, today, former, renamed)
    today, former = _of_spelling(name, today, former)
    if districts:
        return _by_district(gazetteer, name, today, former or renamed)
    if strangers:
        return _unresolved(gazetteer, UNKNOWN_DISTRICT, [*today, *former, *renamed])
    one_spelling = bool(name.accented) or len({_spelling(x) for x in [*today, *former]}) == 1
    if len(today) == 1 and one_spelling and on >= gazetteer.since:
        return Match(unit=today[0].key, rule=TODAY)
    return _by_name_alone(gazetteer, today, [*former, *renamed])


def _by_district(gazetteer: Gazetteer, name: Mention, today: list[Unit], former: list[Unit]) -> Match:
    if former:
        return _agreed(gazetteer, former, OLD_IN_DISTRICT)
    if len(today) == 1:
        return Match(unit=today[0].key, rule=TODAY_IN_DISTRICT)
    named = [*gazetteer.today.get(name.key, ()), *gazetteer.former.get(name.key, ())]
    return _unresolved(gazetteer, AMBIGUOUS if today else NOT_IN_DISTRICT, named)


def _by_name_alone(gazetteer: Gazetteer, today: list[Unit], former: list[Unit]) -> Match:
    if not today:
        return _agreed(gazetteer, former, OLD_ALONE)
    if len(_successors(gazetteer, [*today, *former])) == 1:
        return Match(unit=today[0].key, rule=TODAY)
    return _unresolved(gazetteer, AMBIGUOUS, [*today, *former])


def _resolve_district(gazetteer: Gazetteer, districts: set[UnitKey], strangers: bool) -> Match:
    whole = [gazetteer.units[key] for key in districts if key in gazetteer.shares]
    if whole and len(districts) == 1:
        return _agreed(gazetteer, whole, WHOLE_DISTRICT)
    wards = [unit for units in gazetteer.former.values() for unit in units if unit.parent in districts]
    return _unresolved(gazetteer, UNKNOWN_COMMUNE if strangers else NO_COMMUNE, wards)


def _agreed(gazetteer: Gazetteer, former: list[Unit], rule: str) -> Match:
    """The one successor of all `former`; the default one when a single old ward was split."""
    successors = _successors(gazetteer, former)
    one = former[0].key if len(former) == 1 else None
    if len(successors) == 1:
        return Match(unit=successors[0].unit, former=one, rule=rule)
    if one:
        return Match(
            unit=gazetteer.shares[one][0].unit,
            former=one,
            rule=OLD_SPLIT,
            estimated=True,
            candidates=successors,
        )
    return Match(unit=None, rule=AMBIGUOUS, candidates=successors)


def _unresolved(gazetteer: Gazetteer, rule: str, units: list[Unit]) -> Match:
    return Match(unit=None, rule=rule, candidates=_successors(gazetteer, units))


def _successors(gazetteer: Gazetteer, units: Collection[Unit]) -> tuple[Candidate, ...]:
    """Units of today that `units` are or became, each of `units` held equally likely, most likely first."""
    total: dict[UnitKey, float] = defaultdict(float)
    for unit in units:
        for key, share in gazetteer.shares.get(unit.key, (Candidate(unit.key, 1.0),)):
            total[key] += share / len(units)
    return tuple(Candidate(*item) for item in sorted(total.items(), key=lambda x: (-x[1], x[0])))


def _of_kind(name: Mention, *groups: list[Unit]) -> tuple[list[Unit], ...]:
    """Units of the kind the text names; where none is, all."""
    kept = tuple([unit for unit in group if name_key(unit.kind) == name.kind] for group in groups)
    return kept if any(kept) else groups


def _of_spelling(name: Mention, *groups: list[Unit]) -> tuple[list[Unit], ...]:
    """Units with the accents of the text; where it has none, or no unit has its accents, all."""
    kept = tuple([unit for unit in group if _spelling(unit) == name.accented] for group in groups)
    return kept if any(kept) else groups


def _within(gazetteer: Gazetteer, wards: Iterable[Unit], around: set[UnitKey]) -> list[Unit]:
    return [
        ward
        for ward in wards
        if ward.parent in around or (ward.parent and gazetteer.units[ward.parent].parent in around)
    ]


def _is_merged(gazetteer: Gazetteer, province: UnitKey) -> bool:
    """A former province of the deployment whose name today's province does not bear ('Bình Dương')."""
    unit = gazetteer.units[province]
    bearers = gazetteer.provinces[name_key(unit.short_name)]
    return province in gazetteer.home and all(other.valid_to for other in bearers)


def _placed(gazetteer: Gazetteer, match: Match) -> Match:
    """With the centre of the unit the text named and, as uncertainty, the radius of a disc of its area. Of
    1,269 real addresses 7 in 10 lie within it of the centre, 93 % within 1.5 times it."""
    if match.unit is None:
        return match
    unit = gazetteer.units[match.former or match.unit]
    area = unit.area_km2 or _old_ward_area_km2(unit)
    return replace(
        match,
        level=PlaceLevel.COMMUNE,
        lat=unit.lat,
        lon=unit.lon,
        uncertainty_m=round(1000 * math.sqrt(area / math.pi)) if area else None,
    )


def _old_ward_area_km2(unit: Unit) -> float | None:
    if unit.bounds is None:
        return None
    west, south, east, north = unit.bounds
    km_per_degree = 111.32
    width = (east - west) * km_per_degree * math.cos(math.radians((south + north) / 2))
    return _OLD_WARD_FILL * width * (north - south) * km_per_degree


def _spelling(unit: Unit) -> str:
    return accent_key(unit.short_name)
