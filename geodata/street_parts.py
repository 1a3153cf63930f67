"""House number, street and neighbourhood: what is left of an address when its units are taken away.

Commas and dashes help here, unlike with units: 'A01-05, tầng 1, CC The Golden Star, 72 Nguyễn Thị Thập, p. Bình Thuận'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from geodata.text import fold
from geodata.words import Word

_NEIGHBOURHOODS: dict[str, bool] = {
    "khu pho": False,
    "kp": False,
    "k p": False,
    "khu": False,
    "to": False,
    "to dan pho": False,
    "tdp": False,
    "ap": False,
    "thon": False,
    "khom": False,
    "xom": False,
    "buon": False,
    "lang": False,
    "doi": False,
    "khu dan cu": True,
    "kdc": True,
    "khu do thi": True,
    "kdt": True,
    "khu cong nghiep": True,
    "kcn": True,
    "khu can ho": True,
    "chung cu": True,
    "cc": True,
    "cu xa": True,
    "cao oc": True,
    "toa nha": True,
    "can ho": True,
    "ch": True,
    "block": True,
    "khoi": True,
    "lo": True,
    "lau": True,
    "tang": True,
    "kiosk": True,
    "kiot": True,
    "ki ot": True,
    "sap": True,
    "cho": True,
    "gian": True,
    "phong": True,
    "thap": True,
    "o": True,
    "thua": True,
}
"""Words that begin a neighbourhood → whether it is a building or a project rather than a place of the register."""
_LONGEST_MARK = 3
_FIRST_WORDS = frozenset(mark.split()[0] for mark in _NEIGHBOURHOODS)
_CODE = re.compile(r"[a-z]{0,2}\d{1,3}[a-z]?|[a-eg-oru-z]|i{1,3}|iv|vi{0,3}")
"""A number or letter; F, P, Q and T alone are more often a ward's, a district's or a province's."""
_GLUED = re.compile(r"(?:kp|khupho|khu|to|tdp|ap|thon|khom)\d{1,3}[a-z]?")
_HOUSE = re.compile(r"[a-z]{0,3}\d+[a-z]{0,3}(?:/[a-z]{0,2}\d+[a-z]{0,3})*(?:bis|ter)?")
_HOUSE_WORDS = frozenset({"so", "nha", "sn", "dc", "tai", "dia", "chi"})
_STREET_WORDS = frozenset({"duong", "d", "dg", "pho"})
_ENGLISH_STREET = frozenset({"street", "st", "str", "road", "rd"})
_DATE = re.compile(r"\d{1,2}/\d{1,2}")
_NOT_A_STREET = frozenset({"sdt", "dt", "tel", "phone", "dien", "khong", "kxd", "gan", "doi", "sau", "truoc"})
_PHONE = re.compile(r"(?:\+?84|0)\d{8,10}|\d{8,}")
_LONGEST_STREET = 8


_SPELT = {"khu pho": "kp", "k p": "kp", "to dan pho": "to", "tdp": "to"}


class Piece(NamedTuple):
    kind: str
    first: int
    last: int


def neighbourhood_at(words: Sequence[Word], at: int) -> int:
    """How many words from `at` on are a numbered neighbourhood ('KP.3', 'tổ 10', 'K P 3'), which must not be read as a
    ward; 0 where there is none. A name ('ấp Đông Lân') is not looked for."""
    plain = words[at].plain
    if plain not in _FIRST_WORDS:
        return int(_GLUED.fullmatch(plain) is not None)
    width = _mark_width(words, at, len(words))
    if width and at + width < len(words) and _CODE.fullmatch(words[at + width].plain):
        return width + 1
    return 0


def hamlet_name(text: str) -> str | None:
    """A place of the register, written one way: 'KP.3', 'Khu phố 3' → 'kp 3'; None for a building or a part of one."""
    plain = re.sub(r"(?<=[a-z])(?=\d)", " ", fold(text))
    marks = [
        mark for mark, building in _NEIGHBOURHOODS.items() if not building and plain.startswith(f"{mark} ")
    ]
    if not marks:
        return None
    mark = max(marks, key=len)
    return f"{_SPELT.get(mark, mark)} {plain.removeprefix(mark).strip()}"


def find(words: Sequence[Word], free: range) -> Iterator[Piece]:
    """Parts among the `free` words: one house number and street, and all neighbourhoods."""
    pieces = list(_pieces(words, free))
    neighbourhoods = [piece for piece in pieces if piece.kind == "neighbourhood"]
    yield from neighbourhoods
    yield from _house_and_street(words, [piece for piece in pieces if piece.kind == "text"])


def _pieces(words: Sequence[Word], free: range) -> Iterator[Piece]:
    """Stretches of free words between separators, each a neighbourhood or text."""
    at = free.start
    while at < free.stop:
        last = at + 1
        while last < free.stop and not _begins_piece(words, at, last):
            last += 1
        yield from _piece(words, at, last)
        at = last


def _begins_piece(words: Sequence[Word], first: int, at: int) -> bool:
    if words[at].apart:
        return True
    if words[at - 1].plain in _STREET_WORDS or _of_road(words, at):
        return False
    return bool(neighbourhood_at(words, at)) or words[at].plain == "ap"


def _of_road(words: Sequence[Word], at: int) -> bool:
    """The 'lộ' of 'tỉnh lộ 10'."""
    return (
        words[at].plain == "lo" and at > 0 and words[at - 1].plain in ("tinh", "quoc", "huong", "dai", "xa")
    )


def _piece(words: Sequence[Word], first: int, last: int) -> Iterator[Piece]:
    numbered = neighbourhood_at(words, first)
    width = _mark_width(words, first, last)
    building = bool(width) and _NEIGHBOURHOODS[_joined(words, first, first + width)]
    if numbered and not building and first + numbered < last:
        yield Piece("neighbourhood", first, first + numbered)
        yield from _piece(words, first + numbered, last)
    elif numbered or width:
        house = _house_inside(words, first + max(numbered, width), last) if building else None
        yield Piece("neighbourhood", first, house or last)
        if house:
            yield Piece("text", house, last)
    else:
        yield Piece("text", first, last)


def _house_inside(words: Sequence[Word], first: int, last: int) -> int | None:
    """Where a house number with a street behind it begins within a building's words: 'CC ABC số 12 Lê Lợi'."""
    for at in range(first, last - 1):
        house = at + (words[at].plain == "so")
        if _HOUSE.fullmatch(words[house].plain) and last - house > (1 if house > at else 2):
            return at
    return None


def _mark_width(words: Sequence[Word], at: int, last: int) -> int:
    if at >= last or words[at].plain not in _FIRST_WORDS:
        return 0
    for width in range(min(_LONGEST_MARK, last - at), 0, -1):
        if _joined(words, at, at + width) in _NEIGHBOURHOODS:
            return width
    return 0


def _joined(words: Sequence[Word], first: int, last: int) -> str:
    return " ".join(word.plain for word in words[first:last])


def _house_and_street(words: Sequence[Word], pieces: Sequence[Piece]) -> Iterator[Piece]:
    """From the piece nearest to the units that has both; else a number and the words of the piece behind it; else the
    last words there are."""
    read = [_read(words, piece) for piece in pieces]
    for house, street in reversed(read):
        if house and street:
            yield from (house, street)
            return
    streets = [at for at, (_, street) in enumerate(read) if street]
    if not streets:
        yield from (house for house, _ in read[-1:] if house)
        return
    numbered = [at for at in streets if at > 0 and read[at - 1][0] and not read[at - 1][1]]
    marked = [at for at in streets if words[pieces[at].first].plain in _STREET_WORDS]
    at = (numbered or marked or streets)[-1]
    if at > 0 and (house := read[at - 1][0]):
        yield house
    street = read[at][1]
    if street:
        yield street


def _read(words: Sequence[Word], piece: Piece) -> tuple[Piece | None, Piece | None]:
    """The house number a piece begins with, and the street behind it."""
    at, last = piece.first, piece.last
    if last - at > 1 and words[last - 1].plain in _ENGLISH_STREET:
        last -= 1
    if words[at].plain in _NOT_A_STREET:
        return None, None
    while at + 1 < last and words[at].plain in _HOUSE_WORDS and _leads_to_number(words, at, last):
        at += 1
    house_from = at
    english = last < piece.last
    while at < last - english and _is_house(words, at, last, house_from):
        at += 1
    house = Piece("house", house_from, at) if at > house_from else None
    first = _street_from(words, at, last)
    last = min(last, first + _LONGEST_STREET)
    if first >= last:
        return house, None
    marked = first > at
    if not marked and house is None and not any(len(word.plain) > 1 for word in words[first:last]):
        return house, None
    return house, Piece("street", first, last)


def _leads_to_number(words: Sequence[Word], at: int, last: int) -> bool:
    """'số 12', 'tại số 12', 'địa chỉ số 83'."""
    while at < last and words[at].plain in _HOUSE_WORDS:
        at += 1
    return at < last and words[at].numbered


def _is_house(words: Sequence[Word], at: int, last: int, first: int) -> bool:
    plain = words[at].plain
    if not _HOUSE.fullmatch(plain) or _PHONE.fullmatch(plain):
        return False
    return not (at > first and _DATE.fullmatch(plain) and at + 1 == last)


def _street_from(words: Sequence[Word], at: int, last: int) -> int:
    """Past 'đường'; 'số' stays, where it is the street's name, and 'hẻm 63', which says where on the street."""
    while at + 1 < last and words[at].plain in _STREET_WORDS:
        at += 1
    return at
