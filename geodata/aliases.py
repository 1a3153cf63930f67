"""What people taught: words of a place that no register knows → the unit they mean.

Only the part of a text that names an area is kept: a commune or neighbourhood with its kind before it ('P. 12',
'ấp 3'), and the columns of commune, district and province. House numbers, streets and everything else never get here
(docs/decisions/review.md). Pure.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

from geodata.gazetteer import Gazetteer
from geodata.text import fold
from geodata.types import Match, PlaceLevel, UnitKey

BY_ALIAS = "Theo lần sửa trước"

_SEPARATORS = re.compile(r"[,;()\n\t|]|(?<=\s)[-–—]+(?=\s)|[–—]")
_GLUED = re.compile(r"(khu pho|kp|ap|phuong|quan|xa|huyen|p|q|f|tx|tp)(\d{1,2})")
_NUMBER = re.compile(r"\d{1,2}[a-z]?")
_LONGEST_NAME = 4
_LONGEST_COLUMN = 6
_NOTHING = frozenset(
    {
        "",
        "khong ro",
        "khong",
        "kr",
        "k ro",
        "ko ro",
        "chua ro",
        "khong biet",
        "unknown",
        "n a",
        "na",
        "0",
        "x",
    }
)

NEIGHBOURHOOD, COMMUNE, DISTRICT, PROVINCE = "neighbourhood", "commune", "district", "province"
_KINDS: Mapping[str, tuple[str, str]] = {
    "khu pho": (NEIGHBOURHOOD, "kp "), "kp": (NEIGHBOURHOOD, "kp "), "ap": (NEIGHBOURHOOD, "ap "),
    "thon": (NEIGHBOURHOOD, "thon "), "khom": (NEIGHBOURHOOD, "khom "), "buon": (NEIGHBOURHOOD, "buon "),
    "khu dan cu": (NEIGHBOURHOOD, "kdc "), "kdc": (NEIGHBOURHOOD, "kdc "),
    "phuong": (COMMUNE, ""), "phg": (COMMUNE, ""), "p": (COMMUNE, ""), "f": (COMMUNE, ""), "ward": (COMMUNE, ""),
    "xa": (COMMUNE, ""), "x": (COMMUNE, ""), "commune": (COMMUNE, ""), "thi tran": (COMMUNE, ""),
    "tt": (COMMUNE, ""), "dac khu": (COMMUNE, ""),
    "quan": (DISTRICT, ""), "q": (DISTRICT, ""), "huyen": (DISTRICT, ""), "h": (DISTRICT, ""),
    "district": (DISTRICT, ""), "thi xa": (DISTRICT, ""), "tx": (DISTRICT, ""), "thanh pho": (DISTRICT, ""),
    "tp": (DISTRICT, ""),
    "tinh": (PROVINCE, ""), "province": (PROVINCE, ""),
}  # fmt: skip
"""Kind before a name → what it names, and how the kind is kept in the key."""


class AreaWords(NamedTuple):
    """The area part of a place text, folded (`text.fold`), without kinds: 'P.12, Q. GV' → ('12', 'gv', '').

    `text` names a commune, with a neighbourhood where the key is fine ('12 kp 3'); `district` and `province` are empty
    where the text names none, and then match only texts that name none either.
    """

    text: str
    district: str
    province: str


def area_words(place: Mapping[str, str | None], *, fine: bool = False) -> AreaWords | None:
    """The area part of `place` (commune, district, province, address: a source's words); None when it names no commune
    or neighbourhood.

    `fine`: with the neighbourhood, which must be there: of a commune that was split, the name alone decides nothing.
    """
    said = _phrases(place.get("address") or "")
    commune = _column(place.get(COMMUNE), COMMUNE) or said.get(COMMUNE, "")
    near = said.get(NEIGHBOURHOOD, "")
    if fine and not (commune and near):
        return None
    text = f"{commune} {near}" if fine else commune or near
    if not text:
        return None
    return AreaWords(
        text,
        _column(place.get(DISTRICT), DISTRICT) or said.get(DISTRICT, ""),
        _column(place.get(PROVINCE), PROVINCE) or said.get(PROVINCE, ""),
    )


def says_nothing(text: str | None) -> bool:
    """Whether a cell is empty or only says that nothing is known."""
    return fold(text or "") in _NOTHING


def names_person(words: AreaWords, names: Iterable[str]) -> bool:
    """Whether `words` hold two neighbouring words of one of `names`, or the whole of a name of one word."""
    fields = [f" {part} " for part in words]
    for name in names:
        parts = fold(name).split()
        pairs = [" ".join(pair) for pair in pairwise(parts)] or parts
        if any(f" {pair} " in field for pair in pairs for field in fields):
            return True
    return False


@dataclass(frozen=True, slots=True)
class Aliases:
    """What was learnt and not taken back."""

    known: Mapping[AreaWords, UnitKey] = field(default_factory=dict)

    def find(self, place: Mapping[str, str | None], *, fine_only: bool = False) -> UnitKey | None:
        """The unit that `place` (as in `area_words`) was said to mean. `fine_only`: by a neighbourhood alone."""
        if not self.known:
            return None
        for fine in (True,) if fine_only else (True, False):
            words = area_words(place, fine=fine)
            if words is not None and words in self.known:
                return self.known[words]
        return None


def unit_match(gazetteer: Gazetteer | None, unit: UnitKey, rule: str, before: Match | None = None) -> Match:
    """A commune that somebody chose: its centre, and the radius of a disc of its area as uncertainty."""
    known = gazetteer.units.get(unit) if gazetteer else None
    match = replace(
        before or Match(unit=None), unit=unit, rule=rule, level=PlaceLevel.COMMUNE, estimated=False
    )
    if known is None:
        return replace(match, lat=None, lon=None, uncertainty_m=None)
    metres = round(1000 * math.sqrt(known.area_km2 / math.pi)) if known.area_km2 else None
    return replace(match, lat=known.lat, lon=known.lon, uncertainty_m=metres)


def _column(value: str | None, level: str) -> str:
    """What a column of its own says; a column that holds a whole address is read as one."""
    words = _words(value or "")
    if len(words) > _LONGEST_COLUMN or sum(map(_has_digit, words)) > 1 or any(map(_long_number, words)):
        return _phrases(value or "").get(level, "")
    width = _kind_width(words, 0)
    if width and width < len(words) and _KINDS[" ".join(words[:width])][0] == level:
        words = words[width:]
    text = " ".join(words)
    return "" if text in _NOTHING else text


def _phrases(text: str) -> dict[str, str]:
    """The last area of each sort named with its kind; of districts the first: the province's city stands after it."""
    found: dict[str, str] = {}
    for segment in _SEPARATORS.split(unicodedata.normalize("NFKC", text)):
        for level, name in _named(_words(segment)):
            if level != DISTRICT or DISTRICT not in found:
                found[level] = name
    return found


def _named(words: list[str]) -> Iterator[tuple[str, str]]:
    """A name counts at the start of its segment or after another area, a number after its kind anywhere: what stands
    before 'p' in '12 le loi p2' is a street, and no name may begin in it."""
    at, open_here = 0, True
    while at < len(words):
        width = _kind_width(words, at)
        name = _name(words, at + width) if width else []
        if name and (open_here or _NUMBER.fullmatch(name[0])):
            level, kept = _KINDS[" ".join(words[at : at + width])]
            yield level, kept + " ".join(name)
            at, open_here = at + width + len(name), True
        else:
            at, open_here = at + 1, False


def _name(words: list[str], start: int) -> list[str]:
    if start < len(words) and _NUMBER.fullmatch(words[start]):
        return [words[start]]
    name: list[str] = []
    for at in range(start, min(start + _LONGEST_NAME, len(words))):
        if _has_digit(words[at]) or _starts_area(words, at):
            break
        name.append(words[at])
    return name


def _starts_area(words: list[str], at: int) -> bool:
    """Not one of the letters and short words that also stand in names ('Ấp Bắc Xã', 'Tân Quán')."""
    width = _kind_width(words, at)
    return bool(width) and (width > 1 or at + 1 < len(words))


def _kind_width(words: list[str], at: int) -> int:
    for width in (3, 2, 1):
        if at + width <= len(words) and " ".join(words[at : at + width]) in _KINDS:
            return width
    return 0


def _words(text: str) -> list[str]:
    """Folded words; glued ones come apart, numbers lose their zeros: 'P02' → p, 2."""
    words: list[str] = []
    for word in fold(text).split():
        glued = _GLUED.fullmatch(word)
        words.extend(glued.groups() if glued else (word,))
    return [word.lstrip("0") or "0" if word.isdigit() else word for word in words]


def _has_digit(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


def _long_number(word: str) -> bool:
    return sum(letter.isdigit() for letter in word) > 2
