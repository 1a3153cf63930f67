"""Columns and address text of a report → `Match`: columns before free text, what is written before what is misspelt."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from geodata.address import LONGEST_READ, Found, Mention, Named, assemble, find_more, find_units, named
from geodata.by_point import UnitAt, at_point
from geodata.by_street import by_street, in_hamlet
from geodata.coordinates import read_coordinates
from geodata.gazetteer import Gazetteer
from geodata.resolve import (
    AMBIGUOUS,
    EMPTY,
    NO_COMMUNE,
    NOT_IN_DISTRICT,
    TODAY,
    TODAY_IN_DISTRICT,
    UNKNOWN_COMMUNE,
    UNKNOWN_DISTRICT,
    resolve,
)
from geodata.street_radius import unit_radius_m
from geodata.streets import Circle, StreetBook
from geodata.text import fold
from geodata.types import Match, PlaceLevel, UnitLevel
from geodata.vocabulary import KINDS, Vocabulary
from geodata.words import Word, split_words

COMMUNE, DISTRICT, PROVINCE = UnitLevel.COMMUNE, UnitLevel.DISTRICT, UnitLevel.PROVINCE

CHOSEN_BY_ADDRESS = "Địa chỉ cho biết đơn vị nào trong các khả năng"
MISSPELT = "Tên viết sai chính tả, chỉ gần với một đơn vị"
UNSETTLED = frozenset({AMBIGUOUS, EMPTY, NO_COMMUNE, NOT_IN_DISTRICT, UNKNOWN_COMMUNE, UNKNOWN_DISTRICT})
BY_TODAY = frozenset({TODAY, TODAY_IN_DISTRICT})

Answer = TypeVar("Answer")
_CACHE_LIMIT = 200_000


def geocode(
    gazetteer: Gazetteer,
    *,
    commune: str | None = None,
    district: str | None = None,
    province: str | None = None,
    address: str | None,
    on: date,
    streets: StreetBook | None = None,
    areas: UnitAt | None = None,
) -> Match:
    """The unit of today a case's place lies in. `on` is the day of the report: a name that was an old ward's
    and is a commune's of today means the latter from the day it exists.

    Columns win over the address; the address helps when they leave several possibilities. `streets` find the place on
    the street, and the unit where names alone leave it open; `areas` the unit of coordinates typed as an address.
    Repeats are answered from `gazetteer.cache`, which holds at most 200,000 texts, in memory only.
    """
    era = on >= gazetteer.since
    columns, match = _remembered(
        gazetteer.columns_cache,
        (commune, district, province, era),
        lambda: _by_columns(gazetteer, commune, district, province, on),
    )
    if not address or (match.unit and not match.estimated and streets is None):
        return match
    return _remembered(
        gazetteer.cache,
        (commune, district, province, address, era, streets, areas),
        lambda: _by_address(gazetteer, columns, match, address, on, streets, areas),
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
) -> tuple[Named, Match]:
    columns = _columns(gazetteer, commune, district, province)
    return columns, _placed(gazetteer, resolve(gazetteer, columns, on))


def _by_address(
    gazetteer: Gazetteer,
    columns: Named,
    match: Match,
    address: str,
    on: date,
    streets: StreetBook | None,
    areas: UnitAt | None,
) -> Match:
    if match.unit is None and (typed := read_coordinates(address)):
        return at_point(gazetteer, typed, areas)
    text = address[:LONGEST_READ]
    words = split_words(text)
    found = find_units(words, gazetteer.vocabulary)
    if match.unit is None or match.estimated:
        read = _read_address(gazetteer, columns, words, found, on)
        match = _better(columns, match, _placed(gazetteer, read))
    if streets is None:
        return match
    parts = assemble(text, words, found)
    circle = _circle(gazetteer, match)
    if parts.street:
        match = by_street(gazetteer, streets, match, parts.street, parts.house, circle)
    if parts.hamlet and match.unit and match.level is PlaceLevel.COMMUNE:
        match = in_hamlet(streets, match, parts.hamlet, circle)
    return match


def _better(columns: Named, match: Match, by_address: Match) -> Match:
    if not match.candidates or not columns.communes:
        return by_address if by_address.rule != EMPTY else match
    if by_address.unit in {candidate.unit for candidate in match.candidates}:
        return replace(by_address, former=match.former, rule=CHOSEN_BY_ADDRESS)
    return match


def _read_address(
    gazetteer: Gazetteer, columns: Named, words: Sequence[Word], found: Sequence[Found], on: date
) -> Match:
    """The units the text names, within the district and province that the `columns` name."""
    match = resolve(gazetteer, _within_columns(columns, named(words, found)), on)
    if match.rule in UNSETTLED or (match.rule in BY_TODAY and _says_more(words, found)):
        respelt = _respelt(gazetteer, columns, words, on)
        return respelt if respelt and (respelt.unit or not match.district) else match
    return match


def _says_more(words: Sequence[Word], found: Sequence[Found]) -> bool:
    """Words behind the commune that name nothing: a misspelt district, perhaps."""
    after = max((item.last for item in found if item.level is COMMUNE), default=len(words))
    taken = {at for item in found for at in range(item.first, item.last)}
    return any(at not in taken and len(words[at].key) > 2 for at in range(after, len(words)))


def _within_columns(columns: Named, read: Named) -> Named:
    provinces = (*columns.provinces, *read.provinces)
    strangers = columns.strangers or read.strangers
    return replace(
        read, districts=columns.districts or read.districts, provinces=provinces, strangers=strangers
    )


def _respelt(gazetteer: Gazetteer, columns: Named, given: Sequence[Word], on: date) -> Match | None:
    """The match when a misspelt district, commune or both are read as the nearest name; None without a unit, or where
    several names are as near and lead to several units."""
    from geodata.spelling import misspelt, with_kinds_mended

    vocabulary = gazetteer.vocabulary
    words = with_kinds_mended(given)
    found = find_units(words, vocabulary)
    known = bool(columns.districts) or any(item.level is DISTRICT for item in found)
    districts = [] if known else misspelt(words, found, DISTRICT, vocabulary.districts, bare=True)
    readings = [find_more(words, sorted([*found, district]), vocabulary) for district in districts] or [found]
    names = [
        named(words, with_commune)
        for with_district in readings
        for with_commune in _communes_respelt(vocabulary, columns, words, with_district)
    ]
    read = [replace(_within_columns(columns, each), strangers=False) for each in names]
    return _one_of([resolve(gazetteer, each, on) for each in read])


def _communes_respelt(
    vocabulary: Vocabulary, columns: Named, words: Sequence[Word], found: Sequence[Found]
) -> list[list[Found]]:
    """`found` with each commune that is as near as any to what stands where none could be read."""
    from geodata.spelling import misspelt

    around = _within_columns(columns, named(words, found)).districts
    nearby = {key for name in around for key in vocabulary.within.get(name.key, ())}
    kept = [x for x in found if x.level is not COMMUNE or _fits(x, words, found, nearby)]
    if any(item.level is COMMUNE for item in kept):
        return [kept]
    names = {key: vocabulary.communes[key] for key in sorted(nearby or vocabulary.communes)}
    communes = misspelt(words, kept, COMMUNE, names, bare=bool(nearby), streets=vocabulary.streets)
    return [sorted([*kept, commune]) for commune in communes] or [kept]


def _fits(commune: Found, words: Sequence[Word], found: Sequence[Found], nearby: Collection[str]) -> bool:
    """Whether a commune as read lies in the district, and no word behind it is left that may be of its name."""
    free = commune.last < len(words) and all(item.first != commune.last for item in found)
    return (not nearby or commune.mention.key in nearby) and (commune.mention.key.isdigit() or not free)


def _one_of(matches: Sequence[Match]) -> Match | None:
    found = [match for match in matches if match.unit]
    if found:
        one = len({(match.unit, match.former) for match in found}) == 1
        return replace(found[0], rule=MISSPELT) if one else None
    district = matches[0].district if len(matches) == 1 else None
    return matches[0] if district and matches[0].rule == NO_COMMUNE else None


def _columns(gazetteer: Gazetteer, commune: str | None, district: str | None, province: str | None) -> Named:
    parts = [
        _field(gazetteer, text, level)
        for text, level in ((commune, COMMUNE), (district, DISTRICT), (province, PROVINCE))
        if text and fold(text)
    ]
    return Named(
        communes=tuple(x for part in parts for x in part.communes),
        districts=tuple(x for part in parts for x in part.districts),
        provinces=tuple(x for part in parts for x in part.provinces),
        strangers=any(part.strangers for part in parts),
    )


def _field(gazetteer: Gazetteer, text: str, level: UnitLevel) -> Named:
    """The unit named in a column of its own: 'QUAN 5', 'Q5', '5', 'TAN DINH'. A column that holds more than
    one name ('Phường 2, Quận 5') is read as an address; one that names nothing known is a stranger."""
    vocabulary = gazetteer.vocabulary
    words = split_words(text)
    key = "".join(word.key for word in words)
    written = "".join(word.written for word in words) or None
    if key in vocabulary.names(level):
        return _named(level, Mention(key, None, written))
    for reading in vocabulary.forms.get(key, ()):
        if reading.level is level:
            name_words = [word for word in words if word.key not in KINDS[level]]
            return _named(
                level,
                Mention(reading.key, reading.kind, "".join(word.written for word in name_words) or None),
            )
    if level is DISTRICT and key in vocabulary.provinces:
        return _named(PROVINCE, Mention(key))
    read = named(words, find_units(words, vocabulary))
    return replace(read, strangers=True) if read.nothing else read


def _named(level: UnitLevel, mention: Mention) -> Named:
    match level:
        case UnitLevel.COMMUNE:
            return Named(communes=(mention,))
        case UnitLevel.DISTRICT:
            return Named(districts=(mention,))
        case UnitLevel.PROVINCE:
            return Named(provinces=(mention,))


def _placed(gazetteer: Gazetteer, match: Match) -> Match:
    """With the centre of the unit the text named and the radius around it that holds 9 in 10 of its addresses."""
    circle = _circle(gazetteer, match)
    if match.unit is None or circle is None:
        return match
    return replace(
        match,
        level=PlaceLevel.COMMUNE,
        lat=circle.lat,
        lon=circle.lon,
        uncertainty_m=round(circle.radius_m),
    )


def _circle(gazetteer: Gazetteer, match: Match) -> Circle | None:
    key = match.former or match.unit
    if key is None:
        return None
    centre, radius = gazetteer.centres.get(key), unit_radius_m(gazetteer.units[key])
    return Circle(*centre, radius) if centre and radius else None
