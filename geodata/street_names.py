"""Street names and house numbers as people write them, reduced to what can be compared.

'Đ. Nguyễn Thị Minh Khai' and 'NGUYEN THI MINH KHAI' are one key; so are '3/2', '3 Tháng 2' and 'Ba Tháng Hai',
or 'QL1A' and 'Quốc lộ 1'. What only a list of streets can tell (initials, typing errors) is `street_lookup`'s matter.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import OSA

from geodata.text import strip_accents

_NUMBER_WORDS = {
    **{"khong": 0, "mot": 1, "hai": 2, "ba": 3, "bon": 4, "tu": 4, "nam": 5, "lam": 5, "sau": 6, "bay": 7},
    **{"bai": 7, "tam": 8, "chin": 9, "muoi": 10, "gieng": 1, "chap": 12},
}
_NUMBER = "(?:" + "|".join([*_NUMBER_WORDS, r"\d{1,2}", "moi"]) + ")"
_SPELT = re.compile(rf"\b((?:{_NUMBER} )*{_NUMBER}) thang ({_NUMBER}(?: {_NUMBER})?)\b")
_MONTH = re.compile(rf"\bthang ({_NUMBER}(?: {_NUMBER})?)\b")
_DATE = re.compile(r"\b0*(\d{1,2})\s*[/.-]\s*0*(\d{1,2})\b(?!\s*[/.-]\s*\d)")
_TOKEN = re.compile(r"\d+/\d+|[a-z0-9]+")
_BEFORE = re.compile(
    r"^(?:ds[\s.]*(?=\d)|(?:duong|pho|street|st|road|dai lo|dl|so|no|d)\b[\s.:]*(?=[a-z]{0,2}\d)"
    r"|(?:duong|street|road|dai lo|dl|pho(?! quang))\b[\s.:]+|d\.\s*)"
)
_AFTER = re.compile(r"\s(?:street|st|road|noi dai)\.?$")
_STROKE = re.compile(r"^\s*\u0111[.:\s]+")
_ROADS = (
    (re.compile(r"^(?:quoc lo|ql|national (?:road|highway)|highway)[\s.]*(?=\d)"), "ql"),
    (re.compile(r"^(?:lien tinh lo|ltl)[\s.]*(?=\d)"), "ltl"),
    (re.compile(r"^(?:tinh lo|duong tinh|tinh|tl|dt)[\s.]*(?=\d)"), "tl"),
    (re.compile(r"^(?:huong lo|hl)[\s.]*(?=\d)"), "hl"),
    (re.compile(r"^xl[\s.]+"), "xa lo "),
    (re.compile(r"^c(?:ach)?\s?m(?:ang)?\.?\s?t(?:hang)?\s?(?:8|tam|t)$"), "cach mang thang 8"),
)
_ALLEY = re.compile(
    r"^\s*(?:hem|ngo|ngach|kiet|alley)\s*(?:so\s*)?(\d+[a-z]?(?:\s*/\s*\w+)*)[\s,-]+(?:duong\b\s*)?(.*\S)"
)
_HOUSE = re.compile(r"^\W*(?:(?:so nha|so|nha|no)\b[\s.:]*)?0*(\d{1,5})(?!\d)\s?(bis|ter|[a-z](?![a-z]))?")
_UNSAID = re.compile(r"^\W*(?:so nha|so|nha|no)\b|[^a-z0-9/-]")
_FURTHER = re.compile(r"/\s*\w")


class HouseNumber(NamedTuple):
    """`main`: the number at the street front ('505/56/8E' → 505, '27-29/A66' → 27); None where the writing has none
    ('B12' is a block or a plot). `depth`: alleys behind it."""

    main: int | None
    depth: int = 0
    suffix: str = ""


@lru_cache(maxsize=100_000)
def street_words(text: str) -> str:
    """Canonical words of a street's name: 'Đường Quý Đức' → 'qui duc', 'Đ. số 07' → '7', 'Ba Tháng Hai' → '3/2',
    'Quốc lộ 1A' → 'ql1'; empty when nothing is left. Applying it again changes nothing."""
    words = _words(_STROKE.sub("", unicodedata.normalize("NFC", text).lower()))
    while (again := _words(words)) != words:
        words = again
    return words


def _words(text: str) -> str:
    plain = re.sub(r"\([^)]*\)", " ", strip_accents(text).replace("y", "i"))
    plain = next((part for part in re.split(r"[,;]", plain) if part.strip()), "")
    words = _without_kind(" ".join(_without_alley(plain.strip()).split()))
    words = _SPELT.sub(lambda found: f"{_value(found[1])}/{_value(found[2])}", words)
    words = _MONTH.sub(lambda found: f"thang {_value(found[1])}", words)
    words = _DATE.sub(lambda found: f"{found[1]}/{found[2]}", words)
    for pattern, short in _ROADS:
        words = pattern.sub(short, words)
    tokens = " ".join(_TOKEN.findall(words))
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"^ql1a$", "ql1", tokens))


def street_key(text: str) -> str:
    """`street_words` without spaces: two writings of one name have one key."""
    return street_words(text).replace(" ", "")


@lru_cache(maxsize=100_000)
def alley_of(street: str) -> tuple[str, str] | None:
    """('319', 'le duc tho') of 'Hẻm 319 đường Lê Đức Thọ': the alley's number stands at the front of its street."""
    found = _ALLEY.match(strip_accents(street))
    return (found[1], found[2]) if found else None


def door(street: str, house: str | None) -> str | None:
    """The whole number on the street, with the alley that stands before the street's name: 'Hẻm 36 Lê Lợi' and '7' →
    '36/7'; 'x' for a house of the alley that is not named."""
    found = alley_of(street)
    if found is None:
        return house
    alley, own = house_key(found[0]), house_key(house or "x")
    return own if own == alley or own.startswith(f"{alley}/") else f"{alley}/{own}"


@lru_cache(maxsize=100_000)
def house_number(text: str) -> HouseNumber:
    plain = strip_accents(text)
    found = _HOUSE.match(plain)
    if found is None:
        return HouseNumber(None)
    return HouseNumber(int(found[1]), len(_FURTHER.findall(plain, found.end())), found[2] or "")


def house_key(text: str) -> str:
    """The whole house number for comparing: 'Số 505/56/8E' → '505/56/8e'."""
    return _UNSAID.sub("", strip_accents(text))


def initials_of(words: str) -> str:
    """'xo viet nghe tinh' → 'xvnt', 'cach mang thang 8' → 'cmt8'; empty for a single word."""
    parts = words.split()
    return "".join(part if part[0].isdigit() else part[0] for part in parts) if len(parts) > 1 else ""


def within_edits(a: str, b: str, most: int) -> bool:
    """Whether at most `most` letters inserted, dropped, changed or swapped with their neighbour turn `a` into `b`
    (optimal string alignment)."""
    return OSA.distance(a, b, score_cutoff=most) <= most


def _without_alley(plain: str) -> str:
    found = _ALLEY.match(plain)
    return found[2] if found else plain


def _without_kind(words: str) -> str:
    """Without 'đường', 'phố', 'đại lộ', 'số' before a number, 'street' after the name; never down to nothing."""
    while (bare := _AFTER.sub("", _BEFORE.sub("", words, count=1))) != words and bare.strip():
        words = bare
    return words


def _value(words: str) -> int:
    """'ba muoi' → 30, 'muoi chin' → 19, '08' → 8."""
    total = 0
    for word in words.split():
        if word in ("muoi", "moi"):
            total = (total or 1) * 10
        else:
            total += int(word) if word.isdigit() else _NUMBER_WORDS[word]
    return total
