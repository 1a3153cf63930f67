"""Names → the unit of today and the old one they mean, or candidates: never guessed.

Order of belief: a name with its district before a name alone; the old ward of that district before a commune of
today (domain.md §4, §8 case 13).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date

from geodata.address import Mention, Named
from geodata.gazetteer import Gazetteer
from geodata.text import accent_key, name_key
from geodata.types import Candidate, Match, Unit, UnitKey, UnitLevel

OLD_IN_DISTRICT = "Tên phường/xã cũ trong quận/huyện đã ghi"
OLD_SPLIT = "Phường/xã cũ đã tách: lấy nơi nhận chính (ước tính)"
OLD_ALONE = "Tên phường/xã cũ, chỉ dẫn tới một đơn vị hiện nay"
TODAY = "Tên phường/xã hiện nay"
TODAY_IN_DISTRICT = "Tên phường/xã hiện nay, ghi kèm quận/huyện cũ"
WHOLE_DISTRICT = "Quận/huyện cũ nay là một đơn vị"
AMBIGUOUS = "Tên này có ở nhiều phường/xã: cần người chọn"
TWO_ADDRESSES = "Một ô ghi hai địa chỉ khác nhau: cần người chọn"
NOT_IN_DISTRICT = "Quận/huyện đã ghi không có phường/xã này"
UNKNOWN_DISTRICT = "Không nhận ra quận/huyện đã ghi"
UNKNOWN_COMMUNE = "Không nhận ra phường/xã đã ghi"
NO_COMMUNE = "Không ghi phường/xã"
ELSEWHERE = "Ở ngoài địa bàn"
EMPTY = "Không ghi nơi ở"


def resolve(gazetteer: Gazetteer, named: Named, on: date) -> Match:
    """`on` is the day of the report: a name that was an old ward's and is a commune's of today means the latter from
    the day it exists."""
    match = _resolve(gazetteer, named, on)
    district = _district(gazetteer, named, match)
    return replace(match, district=district) if district else match


def _resolve(gazetteer: Gazetteer, named: Named, on: date) -> Match:
    provinces = {u.key for name in named.provinces for u in gazetteer.provinces[name.key]}
    if provinces and not provinces & gazetteer.home:
        today = [key for key in provinces if gazetteer.units[key].valid_to is None]
        return Match(unit=None, province=today[0] if len(today) == 1 else None, rule=ELSEWHERE)
    districts = districts_of(gazetteer, named)
    if several := _several_addresses(gazetteer, named):
        return several
    if named.communes:
        matches = [
            _resolve_commune(gazetteer, name, districts, provinces, named.strangers, on)
            for name in named.communes
        ]
        return next((match for match in matches if match.unit), matches[0])
    if districts:
        return _resolve_district(gazetteer, districts, named.strangers)
    if named.strangers:
        return Match(unit=None, rule=UNKNOWN_COMMUNE)
    return Match(unit=None, rule=NO_COMMUNE if provinces else EMPTY)


def districts_of(gazetteer: Gazetteer, named: Named) -> set[UnitKey]:
    return {u.key for name in named.districts for u in gazetteer.districts[name.key]}


def _district(gazetteer: Gazetteer, named: Named, match: Match) -> UnitKey | None:
    """The old district of the match: the old ward's, else the one named, else the only one the commune has land of."""
    if match.former:
        return (
            match.former if match.former.level is UnitLevel.DISTRICT else gazetteer.units[match.former].parent
        )
    if match.unit is None and match.rule in (ELSEWHERE, TWO_ADDRESSES):
        return None
    if len(districts := districts_of(gazetteer, named)) == 1:
        return next(iter(districts))
    origins = gazetteer.origins.get(match.unit, frozenset()) if match.unit else frozenset()
    former = [key for key in origins if key.level is UnitLevel.DISTRICT]
    return former[0] if len(former) == 1 else None


def _several_addresses(gazetteer: Gazetteer, named: Named) -> Match | None:
    """Two wards, each with a district of its own behind it, that became different communes."""
    if len(named.pairs) < 2:
        return None
    wards: dict[UnitKey, Unit] = {}
    for commune, district in named.pairs:
        around = {u.key for u in gazetteer.districts[district.key]}
        named_wards = (*gazetteer.former.get(commune.key, ()), *gazetteer.former_aliases.get(commune.key, ()))
        wards |= {unit.key: unit for unit in _within(gazetteer, named_wards, around)}
    if len({ward.parent for ward in wards.values()}) < 2:
        return None
    if len(_successors(gazetteer, wards.values())) == 1:
        return None
    return _unresolved(gazetteer, TWO_ADDRESSES, wards.values())


def _resolve_commune(
    gazetteer: Gazetteer,
    name: Mention,
    districts: set[UnitKey],
    provinces: set[UnitKey],
    strangers: bool,
    on: date,
) -> Match:
    around = districts or _around_by_province(gazetteer, provinces, on)
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
    if former and on < gazetteer.since:
        return _agreed(gazetteer, former, OLD_ALONE)
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
    return Match(
        unit=None,
        rule=UNKNOWN_COMMUNE if strangers else NO_COMMUNE,
        candidates=gazetteer.remembered(frozenset(districts), lambda: _of_districts(gazetteer, districts)),
    )


def _of_districts(gazetteer: Gazetteer, districts: Iterable[UnitKey]) -> tuple[Candidate, ...]:
    return _successors(gazetteer, [ward for key in districts for ward in gazetteer.wards.get(key, ())])


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


def _unresolved(gazetteer: Gazetteer, rule: str, units: Collection[Unit]) -> Match:
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


def _around_by_province(gazetteer: Gazetteer, provinces: set[UnitKey], on: date) -> set[UnitKey]:
    """Before the reform a province meant its own wards alone; since, only the name of one that was merged does."""
    if on < gazetteer.since:
        return {key for key in provinces if gazetteer.units[key].valid_to}
    return {key for key in provinces if _is_merged(gazetteer, key)}


def _is_merged(gazetteer: Gazetteer, province: UnitKey) -> bool:
    """A former province of the deployment whose name today's province does not bear ('Bình Dương')."""
    unit = gazetteer.units[province]
    bearers = gazetteer.provinces[name_key(unit.short_name)]
    return province in gazetteer.home and all(other.valid_to for other in bearers)


def _spelling(unit: Unit) -> str:
    return accent_key(unit.short_name)
