"""The names of one deployment's units, of today and before July 2025, ready for look-up."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from geodata.registry import communes_of, successor_shares
from geodata.text import fold, name_key
from geodata.types import Candidate, Lineage, Match, Unit, UnitKey, UnitLevel
from geodata.vocabulary import Vocabulary

Names = Mapping[str, tuple[Unit, ...]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gazetteer:
    """Units by name key (`text.name_key`), and what became of the old ones.

    `wards`: the old wards of each old district. `origins`: old districts and provinces each commune of today has
    land of. `home`: the deployment's provinces, of today and merged. `since`: first day of the units of today.
    `centres`: (lat, lon) near which most of a unit's addresses are. `cache` and `columns_cache` belong to
    `geocoder.geocode`.
    """

    today: Names
    former: Names
    former_aliases: Names
    districts: Names
    provinces: Names
    units: Mapping[UnitKey, Unit]
    shares: Mapping[UnitKey, tuple[Candidate, ...]]
    wards: Mapping[UnitKey, tuple[Unit, ...]]
    centres: Mapping[UnitKey, tuple[float, float]]
    origins: Mapping[UnitKey, frozenset[UnitKey]]
    home: frozenset[UnitKey]
    since: date
    vocabulary: Vocabulary
    cache: dict[Any, Match] = field(default_factory=dict, repr=False)
    columns_cache: dict[Any, Any] = field(default_factory=dict, repr=False)
    _candidates: dict[frozenset[UnitKey], tuple[Candidate, ...]] = field(default_factory=dict, repr=False)

    def remembered(
        self, districts: frozenset[UnitKey], candidates: Callable[[], tuple[Candidate, ...]]
    ) -> tuple[Candidate, ...]:
        """The candidates of these districts, worked out once: an address that names no ward has them all."""
        if districts not in self._candidates:
            self._candidates[districts] = candidates()
        return self._candidates[districts]

    @classmethod
    def build(
        cls, units: Iterable[Unit], lineage: Iterable[Lineage], *, province_codes: Collection[str]
    ) -> Gazetteer:
        """Of the deployment's provinces of today; what was merged into them is found by `lineage`. Provinces
        of others among `units` let an address elsewhere be known as such. Raises ValueError for an empty
        area."""
        by_key = {unit.key: unit for unit in units}
        today = communes_of(by_key.values(), province_codes)
        if not today:
            raise ValueError(f"no commune of today in provinces {sorted(province_codes)}")
        new_keys = {unit.key for unit in today}
        links = [link for link in lineage if link.new in new_keys]
        old = [by_key[key] for key in dict.fromkeys(link.old for link in links)]
        districts = [by_key[key] for key in dict.fromkeys(_district_of(unit) for unit in old)]
        district_names = _joined(_by_name(districts), _by_alias(districts), _by_initials(districts))
        provinces = [unit for unit in by_key.values() if unit.key.level is UnitLevel.PROVINCE]
        province_names = _joined(
            _by_name(provinces), _by_alias(provinces, unless=district_names), _by_nickname(provinces)
        )
        home = frozenset(x.parent for x in (*today, *districts) if x.parent)
        wards = [unit for unit in old if unit.key.level is UnitLevel.COMMUNE]
        today_names, former, aliases = _by_name(today), _by_name(wards), _by_alias(wards)
        return cls(
            today=today_names,
            former=former,
            former_aliases=aliases,
            districts=district_names,
            provinces=province_names,
            units=by_key,
            shares=successor_shares(links),
            wards=_by_district(wards),
            centres=_centres(old, today, links),
            origins=_origins(links, by_key),
            home=home,
            since=max(unit.key.valid_from for unit in today),
            vocabulary=Vocabulary(
                communes=_in_words(today_names, former, aliases),
                districts=_in_words(district_names),
                provinces=_in_words(province_names),
                within=_keys_within(district_names, former, aliases),
                home=frozenset(
                    key for key, units in province_names.items() if home & {unit.key for unit in units}
                ),
                streets=frozenset(name_key(name) for name in _written_names()["streets"]["names"]),
            ),
        )


def _in_words(*tables: Names) -> dict[str, str]:
    """Name key → the name as folded words; an alias, which is known as a key only, as the key."""
    names: dict[str, str] = {}
    for table in tables:
        for key, units in table.items():
            spaced = fold(units[0].short_name).replace("y", "i")
            names.setdefault(key, spaced if spaced.replace(" ", "") == key else key)
    return names


def _keys_within(districts: Names, *wards: Names) -> dict[str, frozenset[str]]:
    """For each district's name key, the name keys its wards have or had."""
    by_district: dict[UnitKey, set[str]] = defaultdict(set)
    for names in wards:
        for key, units in names.items():
            for unit in units:
                if unit.parent:
                    by_district[unit.parent].add(key)
    return {
        key: frozenset(name for unit in units for name in by_district[unit.key])
        for key, units in districts.items()
    }


@cache
def _written_names() -> dict[str, Any]:
    return tomllib.loads(files("geodata").joinpath("names.toml").read_text("utf-8"))


def _by_nickname(provinces: Iterable[Unit]) -> dict[str, tuple[Unit, ...]]:
    names = _written_names()["provinces"]
    table: dict[str, tuple[Unit, ...]] = defaultdict(tuple)
    for unit in provinces:
        for name in names.get(unit.key.code, ()):
            table[name_key(name)] += (unit,)
    return dict(table)


def _origins(links: Iterable[Lineage], by_key: Mapping[UnitKey, Unit]) -> dict[UnitKey, frozenset[UnitKey]]:
    origins: dict[UnitKey, set[UnitKey]] = defaultdict(set)
    for link in links:
        district = by_key[_district_of(by_key[link.old])]
        origins[link.new] |= {key for key in (district.key, district.parent) if key}
    return {key: frozenset(value) for key, value in origins.items()}


def _district_of(ward: Unit) -> UnitKey:
    return ward.parent if ward.key.level is UnitLevel.COMMUNE and ward.parent else ward.key


def _centres(
    old: Iterable[Unit], today: Iterable[Unit], links: Iterable[Lineage]
) -> dict[UnitKey, tuple[float, float]]:
    """An old unit's: half-way between its listed centre and that of its bounding box (of 1,100 real addresses half lie
    within 553 m; 579 and 572 m from either alone). A commune of today's: the mean of the old ones it has land of."""
    centres = {unit.key: centre for unit in old if (centre := _middle(unit))}
    parts: dict[UnitKey, list[tuple[float, float]]] = defaultdict(list)
    for link in links:
        if centre := centres.get(link.old):
            parts[link.new].append(centre)
    for unit in today:
        near = parts[unit.key] or [centre for centre in (_middle(unit),) if centre]
        if near:
            lats, lons = zip(*near, strict=True)
            centres[unit.key] = (sum(lats) / len(near), sum(lons) / len(near))
    return centres


def _middle(unit: Unit) -> tuple[float, float] | None:
    if unit.lat is None or unit.lon is None:
        return None
    if unit.bounds is None:
        return unit.lat, unit.lon
    west, south, east, north = unit.bounds
    return (unit.lat + (south + north) / 2) / 2, (unit.lon + (west + east) / 2) / 2


def _by_district(wards: Iterable[Unit]) -> dict[UnitKey, tuple[Unit, ...]]:
    table: dict[UnitKey, tuple[Unit, ...]] = defaultdict(tuple)
    for ward in wards:
        if ward.parent:
            table[ward.parent] += (ward,)
    return dict(table)


def _by_name(units: Iterable[Unit]) -> dict[str, tuple[Unit, ...]]:
    table: dict[str, tuple[Unit, ...]] = defaultdict(tuple)
    for unit in units:
        table[_bare_key(unit)] += (unit,)
    return dict(table)


def _bare_key(unit: Unit) -> str:
    """'Phường 2' and 'Quận 5' keep their kind in the short name; as keys they are '2' and '5'."""
    return name_key(unit.short_name).removeprefix(name_key(unit.kind))


def _by_alias(units: Iterable[Unit], unless: Collection[str] = ()) -> dict[str, tuple[Unit, ...]]:
    table: dict[str, tuple[Unit, ...]] = defaultdict(tuple)
    for unit in units:
        for alias in unit.aliases:
            if name_key(alias) not in unless:
                table[name_key(alias)] += (unit,)
    return dict(table)


def _by_initials(districts: Iterable[Unit]) -> dict[str, tuple[Unit, ...]]:
    """'Q. GV', 'Q. BT': several districts may share them; the commune then has to tell them apart."""
    table: dict[str, tuple[Unit, ...]] = defaultdict(tuple)
    for unit in districts:
        words = fold(unit.short_name).split()
        initials = "".join(word[0] for word in words)
        if len(words) > 1 and words[-1].isalpha() and initials not in ("tp", "tt", "tx"):
            table[initials] += (unit,)
    return dict(table)


def _joined(*tables: Mapping[str, tuple[Unit, ...]]) -> dict[str, tuple[Unit, ...]]:
    keys = dict.fromkeys(key for table in tables for key in table)
    return {
        key: tuple(dict.fromkeys(unit for table in tables for unit in table.get(key, ()))) for key in keys
    }
