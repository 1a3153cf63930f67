"""Vietnamese address text → its parts: house number, street, neighbourhood and the units it names.

Units are found wherever their kind stands before them ('P.2', 'phường Tân Định', 'Q5'), in English after them
('Thao Dien Ward'), and at the end of the text by name alone ('… Bến Thành, Quận 1, Việt Nam'). Commas never decide
a unit: people leave them out or put them anywhere. Which units the words mean is `geocoder`'s matter.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from geodata import street_parts
from geodata.street_parts import neighbourhood_at
from geodata.types import UnitLevel
from geodata.vocabulary import Reading, Vocabulary
from geodata.words import Word, split_words

COMMUNE, DISTRICT, PROVINCE = UnitLevel.COMMUNE, UnitLevel.DISTRICT, UnitLevel.PROVINCE

LONGEST_READ = 2_000
"""Characters of a text that are read; no address is longer, and a pasted page must not stop the others."""
_LONGEST_NAME = 8
_DISTRICT_WORDS = frozenset({"quan", "q", "huyen", "h", "district"})
_COUNTRY = frozenset({"vietnam", "vn", "vietnamvn"})
_NOT_PART_OF_NAME = frozenset({"cu", "moi", "nay", "la", "thuoc"})
_STREET_BEFORE = frozenset(
    {"duong", "d", "dg", "hem", "ngo", "ngach", "so", "pho", "street", "khu", "cc", "kdc", "kdt", "kp", "ap"}
    | {"cho", "cau", "ubnd", "ben", "kenh", "rach"}
)
_BUILDING_BEFORE = frozenset(
    {"chung cu", "cu xa", "cao oc", "toa nha", "cong vien", "benh vien", "du an"}
    | {"dai lo", "xa lo", "quoc lo", "tinh lo", "huong lo"}
)
"""Words after which a name is a street's or a building's, not a unit's."""


class PartKind(StrEnum):
    HOUSE = "house"
    STREET = "street"
    NEIGHBOURHOOD = "neighbourhood"
    COMMUNE = "commune"
    DISTRICT = "district"
    PROVINCE = "province"


class Mention(NamedTuple):
    """A unit named in a text: its name key, the kind its words say, and its spelling (`accent_key`), which is None when
    the whole text was written without accents."""

    key: str
    kind: str | None = None
    accented: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """text[start:end] of the address, word for word. `mention`: how a unit is named."""

    kind: PartKind
    text: str
    start: int
    end: int
    mention: Mention | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """The units a text names. Communes rightmost first: what stands before is more often a house or a block.
    `strangers`: it names a district, after its commune, that the vocabulary does not know. `pairs`: a commune with the
    district right behind it."""

    communes: tuple[Mention, ...] = ()
    districts: tuple[Mention, ...] = ()
    provinces: tuple[Mention, ...] = ()
    strangers: bool = False
    pairs: tuple[tuple[Mention, Mention], ...] = ()

    @property
    def nothing(self) -> bool:
        return not (self.communes or self.districts or self.provinces or self.strangers)


class Found(NamedTuple):
    """Words first … last - 1 name a unit."""

    first: int
    last: int
    level: UnitLevel
    mention: Mention


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of `text` in their order, and what they name."""

    text: str
    parts: tuple[Part, ...]
    named: Named

    def _first(self, kind: PartKind) -> str | None:
        return next((part.text for part in self.parts if part.kind is kind), None)

    @property
    def house(self) -> str | None:
        return self._first(PartKind.HOUSE)

    @property
    def street(self) -> str | None:
        return self._first(PartKind.STREET)

    @property
    def neighbourhood(self) -> str | None:
        return self._first(PartKind.NEIGHBOURHOOD)

    @property
    def hamlet(self) -> str | None:
        """The first khu phố, ấp, tổ … named, written one way (`street_parts.hamlet_name`)."""
        texts = (part.text for part in self.parts if part.kind is PartKind.NEIGHBOURHOOD)
        return next((name for text in texts if (name := street_parts.hamlet_name(text))), None)


def parse(text: str, vocabulary: Vocabulary) -> Address:
    """All parts. Every part is a piece of the text; what the text does not say is not there."""
    text = text[:LONGEST_READ]
    words = split_words(text)
    return assemble(text, words, find_units(words, vocabulary))


def assemble(text: str, words: Sequence[Word], found: Sequence[Found]) -> Address:
    """The address of `text`, whose `words` and units are already known."""
    parts = [
        _part(text, words, item.first, item.last, PartKind(item.level.value), item.mention) for item in found
    ]
    free = _free(words, found)
    parts += [
        _part(text, words, first, last, PartKind(kind))
        for kind, first, last in street_parts.find(words, free)
    ]
    parts.sort(key=lambda part: part.start)
    return Address(text, tuple(parts), named(words, found))


def find_units(words: Sequence[Word], vocabulary: Vocabulary) -> list[Found]:
    """The units named, in the order of the text."""
    found = list(_with_kind(words, vocabulary))
    found += _head(words, found, vocabulary)
    return sorted([*found, *_tail(words, found, vocabulary)])


def find_more(words: Sequence[Word], found: Sequence[Found], vocabulary: Vocabulary) -> list[Found]:
    """`found` with what can be read at the end of the text, now that these are known."""
    return sorted([*found, *_tail(words, found, vocabulary)])


def named(words: Sequence[Word], found: Sequence[Found]) -> Named:
    def of(level: UnitLevel) -> tuple[Mention, ...]:
        return tuple(dict.fromkeys(item.mention for item in found if item.level is level))

    communes = tuple(reversed(of(COMMUNE)))
    pairs = tuple(
        (a.mention, b.mention) for a, b in pairwise(found) if (a.level, b.level) == (COMMUNE, DISTRICT)
    )
    strangers = bool(communes) and _names_stranger(words, found)
    return Named(communes, of(DISTRICT), of(PROVINCE), strangers, pairs)


def _part(
    text: str, words: Sequence[Word], first: int, last: int, kind: PartKind, mention: Mention | None = None
) -> Part:
    start, end = words[first].start, words[last - 1].end
    return Part(kind, text[start:end], start, end, mention)


def _with_kind(words: Sequence[Word], vocabulary: Vocabulary) -> Iterator[Found]:
    at = 0
    while at < len(words):
        if skipped := neighbourhood_at(words, at):
            at += skipped
            continue
        in_estate = words[at].plain == "xa" and at > 0 and words[at - 1].plain == "cu"
        found = None if in_estate else longest_form(words, at, vocabulary)
        if found:
            yield found
        at = found.last if found else at + 1


def longest_form(words: Sequence[Word], at: int, vocabulary: Vocabulary) -> Found | None:
    """The longest 'kind and name' that begins at word `at`; an F at the start of a text is a flat, not a ward."""
    key, best = "", None
    for last in range(at, min(at + _LONGEST_NAME, len(words))):
        key += words[last].key
        if key not in vocabulary.starts:
            break
        if readings := vocabulary.forms.get(key):
            best = (last + 1, readings)
    if best is None or (at == 0 and words[0].key[0] == "f"):
        return None
    last, readings = best
    mention = _mention(words, at, last, readings[0])
    run_together = mention.key not in vocabulary.home and _run_together(words, at, last, mention.key)
    if run_together or _initials_with_accents(mention):
        return None
    return Found(at, last, readings[0].level, mention)


def _run_together(words: Sequence[Word], at: int, last: int, name: str) -> bool:
    """'pcu chi': a kind of one or two letters, but 'xã', may be run together with numbers and initials only."""
    kind = sum(len(word.key) for word in words[at:last]) - len(name)
    first = words[at]
    short = kind in (1, 2) and len(first.key) > kind and not first.plain.startswith("xa")
    return short and len(name) > 3 and not first.numbered


def _initials_with_accents(mention: Mention) -> bool:
    """'Quận Tâ' is not Quận TA."""
    return len(mention.key) < 4 and mention.key.isalpha() and not (mention.accented or "").isascii()


def _mention(words: Sequence[Word], first: int, last: int, reading: Reading) -> Mention:
    """The spelling is that of the name: of as many last words as have its key."""
    key, written = "", ""
    for word in reversed(words[first:last]):
        if len(key) >= len(reading.key):
            break
        key, written = word.key + key, word.written + written
    return Mention(reading.key, reading.kind, written if key == reading.key and written else None)


def _head(words: Sequence[Word], given: Sequence[Found], vocabulary: Vocabulary) -> list[Found]:
    """A larger unit's bare name at the start, right before a unit: 'HCM, Q.5, P.2, 12 Lê Lợi'."""
    first = given[0].first if given else 0
    if not 0 < first <= 6 or words[0].numbered:
        return []
    key = "".join(word.key for word in words[:first])
    levels = {item.level for item in given}
    for level, names in ((PROVINCE, vocabulary.home), (DISTRICT, vocabulary.districts)):
        if level not in levels and key in names and given[0].level is not PROVINCE:
            written = "".join(word.written for word in words[:first]) or None
            return [Found(0, first, level, Mention(key, None, written))]
    return []


def _tail(words: Sequence[Word], given: Sequence[Found], vocabulary: Vocabulary) -> Iterator[Found]:
    """Names without their kind, from the end of the text for as long as there are units there."""
    ends = {item.last: item for item in given}
    levels = {item.level for item in given}
    districts = [item.mention.key for item in given if item.level is DISTRICT]
    at, last_unit = len(words), True
    while at > 0:
        if at in ends:
            item = ends[at]
            at = item.first
            if item.level is COMMUNE:
                return
            last_unit = False
        elif width := _passed_over(words, at):
            at -= width
        else:
            found = _bare(words, at, levels, districts, last_unit, vocabulary, ends)
            if found is None:
                return
            yield found
            at, last_unit = found.first, False
            levels.add(found.level)
            if found.level is DISTRICT:
                districts.append(found.mention.key)
            if found.level is COMMUNE:
                return


def _passed_over(words: Sequence[Word], at: int) -> int:
    """How many words before `at` are the country, a post code or telephone number, or say 'old'."""
    if at > 1 and words[at - 2].key + words[at - 1].key in _COUNTRY:
        return 2
    word = words[at - 1]
    number = word.plain.isdigit() and len(word.plain) >= 3 and at > 2 and not words[at - 2].numbered
    return int(word.key in _COUNTRY or word.plain in _NOT_PART_OF_NAME or number)


def _bare(
    words: Sequence[Word],
    at: int,
    levels: set[UnitLevel],
    districts: Sequence[str],
    is_last: bool,
    vocabulary: Vocabulary,
    after_unit: Container[int],
) -> Found | None:
    """The longest name that ends before word `at`, read as the largest unit it may be."""
    for first in range(max(0, at - 6), at):
        key = "".join(word.key for word in words[first:at])
        if key in vocabulary.streets:
            return None
        if key.isdigit() or (len(key) < 4 and key not in vocabulary.home):
            continue
        level = _bare_level(key, levels, districts, is_last, vocabulary)
        if level is not None and (first in after_unit or stands_free(words, first, level)):
            written = "".join(word.written for word in words[first:at]) or None
            return Found(first, at, level, Mention(key, None, written))
    return None


def _bare_level(
    key: str, levels: set[UnitLevel], districts: Sequence[str], is_last: bool, vocabulary: Vocabulary
) -> UnitLevel | None:
    if PROVINCE not in levels and key in vocabulary.provinces and (is_last or key in vocabulary.home):
        return PROVINCE
    if DISTRICT not in levels and key in vocabulary.districts:
        return DISTRICT
    if COMMUNE in levels or not (DISTRICT in levels or PROVINCE in levels) or key not in vocabulary.communes:
        return None
    inside = not districts or any(key in vocabulary.within.get(name, ()) for name in districts)
    return COMMUNE if inside else None


def stands_free(words: Sequence[Word], first: int, level: UnitLevel) -> bool:
    """Otherwise a name is a street's: after a house number ('12 Cô Giang, Quận 1'), after a word like 'đường', and a
    commune's at the start of the text, where no street is before it."""
    if first == 0:
        return level is not COMMUNE
    before = words[first - 1]
    pair = f"{words[first - 2].plain} {before.plain}" if first > 1 else ""
    return not before.numbered and before.plain not in _STREET_BEFORE and pair not in _BUILDING_BEFORE


def _names_stranger(words: Sequence[Word], found: Sequence[Found]) -> bool:
    """'Phường 5, Q. XY': a district, after the commune, that nobody here knows."""
    taken = {at for item in found for at in range(item.first, item.last)}
    after = max(item.last for item in found if item.level is COMMUNE)
    return any(
        words[at].plain in _DISTRICT_WORDS and at not in taken and at + 1 not in taken
        for at in range(after, len(words) - 1)
    )


def _free(words: Sequence[Word], found: Sequence[Found]) -> range:
    """The words before the units; where they stand first ('Quận 5, phường 2, 12 Lê Lợi'), those behind them."""
    if not found:
        return range(len(words))
    if found[0].first > 0:
        return range(found[0].first)
    return range(found[-1].last, len(words))
