"""Vietnamese address text → the units it names, as words; which units they are is `geocoder`'s matter.

The text is cut into words and segments (commas, brackets, dashes). A unit is named either by its kind before
it ('P.2', 'phường Tân Định', 'Q5') or, at the end of the address, by a segment that is nothing but its name
('…, Bến Thành, Quận 1, Việt Nam').
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from geodata.text import accent_key, fold, name_key
from geodata.types import UnitLevel

COMMUNE, DISTRICT, PROVINCE = UnitLevel.COMMUNE, UnitLevel.DISTRICT, UnitLevel.PROVINCE

_KINDS: dict[str, tuple[str | None, tuple[UnitLevel, ...]]] = {
    "phuong": ("phuong", (COMMUNE,)),
    "phg": ("phuong", (COMMUNE,)),
    "p": ("phuong", (COMMUNE,)),
    "f": ("phuong", (COMMUNE,)),
    "ward": (None, (COMMUNE,)),
    "xa": ("xa", (COMMUNE,)),
    "x": ("xa", (COMMUNE,)),
    "commune": (None, (COMMUNE,)),
    "thi tran": ("thitran", (COMMUNE,)),
    "tt": ("thitran", (COMMUNE,)),
    "dac khu": ("dackhu", (COMMUNE,)),
    "quan": ("quan", (DISTRICT,)),
    "q": ("quan", (DISTRICT,)),
    "huyen": ("huyen", (DISTRICT,)),
    "h": ("huyen", (DISTRICT,)),
    "district": (None, (DISTRICT,)),
    "dist": (None, (DISTRICT,)),
    "thi xa": (None, (DISTRICT,)),
    "tx": (None, (DISTRICT,)),
    "thanh pho": (None, (PROVINCE, DISTRICT)),
    "tp": (None, (PROVINCE, DISTRICT)),
    "city": (None, (PROVINCE, DISTRICT)),
    "tinh": (None, (PROVINCE,)),
    "t": (None, (PROVINCE,)),
    "province": (None, (PROVINCE,)),
}
"""Word before a name → kind (None: the word does not fix one) and the levels it may stand for."""

_WORD = re.compile(r"[^\W_]*\d[^\W_]*(?:/\d[^\W_]*)+|[^\W_]+|[,;()\n]|(?<=\s)[-–—]+(?=\s)|[–—]")
_SEPARATORS = frozenset(",;()\n-–—")
_GLUED = re.compile(r"(phuong|quan|xa|huyen|p|q|f|tp|tx)(\d{1,2}|hcm|hochiminh)")
_ENGLISH_ORDER = re.compile(r"(.+) (ward|commune|district|city|province)")
_SKIPPED_AT_END = re.compile(r"viet ?nam|vn|\d{5,6}")
_LONGEST_NAME = 6


class Vocabulary(NamedTuple):
    """Name keys (`text.name_key`) known at each level."""

    communes: Container[str]
    districts: Container[str]
    provinces: Container[str]

    def knows(self, level: UnitLevel, key: str) -> bool:
        match level:
            case UnitLevel.COMMUNE:
                return key in self.communes
            case UnitLevel.DISTRICT:
                return key in self.districts
            case UnitLevel.PROVINCE:
                return key in self.provinces


class Mention(NamedTuple):
    """A unit named in a text. `accented` is None when the whole text was written without accents."""

    key: str
    kind: str | None = None
    accented: str | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """Units a text names. Communes rightmost first: what stands before is more often a house or a block.

    `strangers`: it names a district (in its usual place, after the commune) that the vocabulary does not
    know.
    """

    communes: tuple[Mention, ...] = ()
    districts: tuple[Mention, ...] = ()
    provinces: tuple[Mention, ...] = ()
    strangers: bool = False


_NOTHING = Parsed()


class _Word(NamedTuple):
    """`written` is the word's `accent_key`, empty in a text without accents."""

    plain: str
    written: str


class _Found(NamedTuple):
    level: UnitLevel
    mention: Mention


def parse_address(text: str, vocabulary: Vocabulary, within: Parsed = _NOTHING) -> Parsed:
    """The units named in a free-text address, beside the ones already known from columns (`within`)."""
    segments = _segments(text)
    parsed = within
    named = []
    for segment in segments:
        found = list(_prefixed(segment, vocabulary))
        named.append(bool(found) or _names_stranger(segment, parsed))
        parsed = replace(parsed, strangers=parsed.strangers or (named[-1] and not found))
        for item in found:
            parsed = _with(parsed, item)
    return _with_tail(parsed, segments, named, vocabulary)


def parse_field(text: str, level: UnitLevel, vocabulary: Vocabulary) -> Parsed:
    """The unit named in a column of its own: 'QUAN 5', 'Q5', '5', 'TAN DINH'. A column that holds more than
    one name ('Phường 2, Quận 5') is read as an address; one that names nothing known is a stranger."""
    words = _without_kind([word for segment in _segments(text) for word in segment])
    mention = _mention(words[1], words[0])
    if vocabulary.knows(level, mention.key):
        return _with(_NOTHING, _Found(level, mention))
    if level is DISTRICT and vocabulary.knows(PROVINCE, mention.key):
        return _with(_NOTHING, _Found(PROVINCE, mention))
    parsed = parse_address(text, vocabulary)
    return replace(parsed, strangers=True) if parsed == _NOTHING else parsed


def _segments(text: str) -> list[list[_Word]]:
    segments: list[list[_Word]] = [[]]
    for token in _WORD.findall(unicodedata.normalize("NFKC", text)):
        if token[0] in _SEPARATORS:
            segments.append([])
        else:
            segments[-1].extend(_words(token))
    if all(word.written.isascii() for segment in segments for word in segment):
        segments = [[_Word(word.plain, "") for word in segment] for segment in segments]
    return [_kind_first(segment) for segment in segments if segment]


@lru_cache(maxsize=50_000)
def _words(token: str) -> tuple[_Word, ...]:
    """One token as words; glued abbreviations come apart: 'Q5' → q, 5; 'TPHCM' → tp, hcm."""
    plain = fold(token)
    if glued := _GLUED.fullmatch(plain):
        return (_Word(glued[1], glued[1]), _Word(glued[2], glued[2]))
    return (_Word(plain, accent_key(token)),) if plain else ()


def _kind_first(segment: list[_Word]) -> list[_Word]:
    """'An Loi Dong Ward' → 'Ward An Loi Dong'."""
    if len(segment) > 1 and _ENGLISH_ORDER.fullmatch(" ".join(word.plain for word in segment)):
        return [segment[-1], *segment[:-1]]
    return segment


def _prefixed(segment: list[_Word], vocabulary: Vocabulary) -> Iterator[_Found]:
    """Units named with their kind before them."""
    at = 0
    while at < len(segment):
        width, kind, levels = _kind_at(segment, at)
        length, found = _longest(segment, at + width, kind, levels, vocabulary) if width else (0, None)
        if found:
            yield found
        at += width + length if found else 1


def _kind_at(segment: list[_Word], at: int) -> tuple[int, str | None, tuple[UnitLevel, ...]]:
    """Width in words of the kind that starts at `at` (0: none), the kind and its levels."""
    for width in (2, 1):
        word = " ".join(word.plain for word in segment[at : at + width])
        if word in _KINDS and at + width <= len(segment):
            return width, *_KINDS[word]
    return 0, None, ()


def _longest(
    segment: list[_Word],
    start: int,
    kind: str | None,
    levels: tuple[UnitLevel, ...],
    vocabulary: Vocabulary,
) -> tuple[int, _Found | None]:
    """The longest known name that starts at `start`; a number is always a whole name."""
    words = segment[start : start + _LONGEST_NAME]
    for length in range(1 if words and words[0].plain.isdigit() else len(words), 0, -1):
        mention = _mention(words[:length], kind)
        for level in levels:
            if vocabulary.knows(level, mention.key):
                return length, _Found(level, mention)
    return 0, None


def _mention(words: list[_Word], kind: str | None = None) -> Mention:
    key = name_key(" ".join(word.plain for word in words))
    return Mention(key, kind, "".join(word.written for word in words) or None)


def _without_kind(words: list[_Word]) -> tuple[str | None, list[_Word]]:
    width, kind, _ = _kind_at(words, 0)
    return (kind, words[width:]) if width < len(words) else (None, words)


def _names_stranger(segment: list[_Word], parsed: Parsed) -> bool:
    """A segment like 'Q. GV' after the commune: a district nobody here knows."""
    if not parsed.communes:
        return False
    width, _, levels = _kind_at(segment, 0)
    return 0 < width < len(segment) and DISTRICT in levels


def _with(parsed: Parsed, found: _Found) -> Parsed:
    match found.level:
        case UnitLevel.COMMUNE:
            return replace(parsed, communes=(found.mention, *parsed.communes))
        case UnitLevel.DISTRICT:
            return replace(parsed, districts=(*parsed.districts, found.mention))
        case UnitLevel.PROVINCE:
            return replace(parsed, provinces=(*parsed.provinces, found.mention))


def _with_tail(
    parsed: Parsed, segments: list[list[_Word]], named: list[bool], vocabulary: Vocabulary
) -> Parsed:
    """Names without their kind, from the end of the address for as long as every segment is one."""
    for at in range(len(segments) - 1, -1, -1):
        if named[at] or _SKIPPED_AT_END.fullmatch(" ".join(w.plain for w in segments[at])):
            continue
        mention = _mention(segments[at])
        level = _bare_level(parsed, mention.key, vocabulary)
        if level is None or (level is COMMUNE and not _has_street(segments[:at])):
            break
        parsed = _with(parsed, _Found(level, mention))
        if level is COMMUNE:
            break
    return parsed


def _bare_level(parsed: Parsed, key: str, vocabulary: Vocabulary) -> UnitLevel | None:
    """A bare name is read as the largest unit that bears it; as a commune only below a larger one. Numbers
    and initials need their kind."""
    if len(key) < 4 and key != "hcm":
        return None
    for level in (PROVINCE, DISTRICT):
        if vocabulary.knows(level, key):
            return level
    below = bool(parsed.districts or parsed.provinces) and not parsed.communes
    return COMMUNE if below and vocabulary.knows(COMMUNE, key) else None


def _has_street(segments: list[list[_Word]]) -> bool:
    """Otherwise a bare name could itself be the street ('Cô Giang, Quận 1')."""
    return any(len(list(islice((w for w in segment if w.plain.isalpha()), 2))) == 2 for segment in segments)
