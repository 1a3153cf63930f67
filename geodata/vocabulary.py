"""How the units of a deployment may be written: every kind before (or, in English, after) every name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from geodata.types import UnitLevel

COMMUNE, DISTRICT, PROVINCE = UnitLevel.COMMUNE, UnitLevel.DISTRICT, UnitLevel.PROVINCE

KINDS: Mapping[UnitLevel, Mapping[str, str | None]] = {
    COMMUNE: {
        "phuong": "phuong",
        "phg": "phuong",
        "p": "phuong",
        "f": "phuong",
        "phuongp": "phuong",
        "xa": "xa",
        "x": "xa",
        "thitran": "thitran",
        "tt": "thitran",
        "dackhu": "dackhu",
        "ward": None,
        "commune": None,
    },
    DISTRICT: {
        "quan": "quan",
        "q": "quan",
        "quanq": "quan",
        "huien": "huien",
        "h": "huien",
        "thixa": None,
        "tx": None,
        "thanhpho": None,
        "tp": None,
        "district": None,
        "dist": None,
    },
    PROVINCE: {"thanhpho": None, "tp": None, "tinh": None, "t": None, "province": None},
}
"""Keys (`text.name_key`) of words before a name → the kind of unit they say, None where they do not fix one."""

ENGLISH_AFTER: Mapping[UnitLevel, Collection[str]] = {
    COMMUNE: ("ward", "commune", "town"),
    DISTRICT: ("district", "distric", "dist", "citi", "town"),
    PROVINCE: ("citi", "province"),
}


class Reading(NamedTuple):
    """What a form may mean: a unit of `level` whose name key is `key`, of `kind` where the words say one."""

    level: UnitLevel
    key: str
    kind: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """`communes`, `districts`, `provinces`: name keys known at each level, with the name in plain words. `within`: for
    a district's key, the keys of its communes. `home`: keys of the deployment's provinces. `streets`: those that end
    like a commune's name.

    `forms` are a kind and a name run together ('phuong12', 'benngheward'), `starts` all their beginnings.
    """

    communes: Mapping[str, str]
    districts: Mapping[str, str]
    provinces: Mapping[str, str]
    within: Mapping[str, frozenset[str]]
    home: frozenset[str]
    streets: frozenset[str]
    forms: Mapping[str, tuple[Reading, ...]] = field(init=False)
    starts: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        forms = _forms({COMMUNE: self.communes, DISTRICT: self.districts, PROVINCE: self.provinces})
        object.__setattr__(self, "forms", forms)
        object.__setattr__(self, "starts", frozenset(f[:i] for f in forms for i in range(1, len(f) + 1)))

    def names(self, level: UnitLevel) -> Mapping[str, str]:
        return {COMMUNE: self.communes, DISTRICT: self.districts, PROVINCE: self.provinces}[level]


def _forms(names: Mapping[UnitLevel, Iterable[str]]) -> dict[str, tuple[Reading, ...]]:
    """Of two levels with one form ('Thành phố Thủ Đức'), the larger unit's reading first."""
    forms: dict[str, list[Reading]] = defaultdict(list)
    for level in (PROVINCE, DISTRICT, COMMUNE):
        for name in names[level]:
            for word, kind in KINDS[level].items():
                if _may_go_together(level, word, name):
                    forms[word + name].append(Reading(level, name, kind))
            for word in ENGLISH_AFTER[level]:
                forms[name + word].append(Reading(level, name, None))
    return {form: tuple(readings) for form, readings in forms.items()}


def _may_go_together(level: UnitLevel, word: str, name: str) -> bool:
    """Only 'phường' and 'quận' have numbers; 'T HN' is no province."""
    if name[0].isdigit():
        return word[0] in "pfwqd" and word != "dackhu"
    return level is not PROVINCE or len(word) > 1 or len(name) > 3
