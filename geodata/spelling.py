"""Units whose kind or name is misspelt: looked for only where reading word for word did not settle the unit.

A name is compared with those that could stand there: the wards of the district named, else all; its misspelling
must lead to one name only. Numbers are never corrected: of 'Phường 13' nobody can say that 12 was meant.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from geodata.address import Found, Mention, stands_free
from geodata.types import UnitLevel
from geodata.vocabulary import KINDS
from geodata.words import Word

COMMUNE, DISTRICT, PROVINCE = UnitLevel.COMMUNE, UnitLevel.DISTRICT, UnitLevel.PROVINCE

_LONG_KINDS = ("phuong", "quan", "huien", "thanhpho", "thixa", "thitran", "district", "ward")
_SHORT_KINDS = {level: tuple(kind for kind in kinds if len(kind) < 3) for level, kinds in KINDS.items()}
_GLUED_NUMBER = re.compile(r"([a-z]+)(\d{1,2}[a-z]?)")
_SHORT_WITH_NOISE = re.compile(r"(?![akst]p)[a-z]?([pq])[a-z]?")
_NOT_A_WARD = frozenset({"d", "o", "t", "k", "h", "q"})
_NUMBER = re.compile(r"\d{1,2}")
_STREETS = frozenset({"duong", "hem"})
_SYLLABLE = re.compile(
    r"(?:b|ch?|d|gh?|gi|h|kh?|l|m|nh?|ngh?|ph?|qu|r|s|th?|tr|v|x)?"
    r"(?:[aeiou]|ai|ao|au|a[cmnpt]|ach|ang|anh|ei|eo|eu|e[cmnpt]|ech|eng|enh|ia|ieu|ie[cmnpt]|ieng|iu|i[cmnpt]|ich|inh"
    r"|oa|oai|oao|oa[cmnpt]|oach|oang|oanh|oe|oeo|oen|oet|oi|o[cmnpt]|ong|oong|ua|uai|ua[nt]|uang|ue|uech|uenh|ui|uo"
    r"|uoi|uou|uo[cmnpt]|uong|u[cmnpt]|ung|uia|uie[nt]|uit|uinh|uu)"
)
"""A syllable without accents, y written i."""
_WIDEST = 6


class _Try(NamedTuple):
    """How much must be changed to read words as a unit: letters of the key, then letters and spaces."""

    edits: int
    spaced_edits: int
    found: Found


def with_kinds_mended(words: Sequence[Word]) -> list[Word]:
    """Words that are a misspelt kind ('phườg', 'qaận', 'Ph ường') as the kind itself; 'phườg12' stays one word."""
    mended = list(_joined(words))
    for at, word in enumerate(mended):
        number = at + 1 < len(mended) and _NUMBER.fullmatch(mended[at + 1].plain)
        if key := _kind_meant(word.key, bool(number)):
            mended[at] = word._replace(plain=key, key=key)
        elif (glued := _GLUED_NUMBER.fullmatch(word.key)) and (key := _kind_meant(glued[1], True)):
            mended[at] = word._replace(plain=key + glued[2], key=key + glued[2])
        elif number and at > 0 and (short := _SHORT_WITH_NOISE.fullmatch(word.key)):
            mended[at] = word._replace(plain=short[1], key=short[1])
        elif number and at > 1 and len(word.key) == 1 and word.key.isalpha() and word.key not in _NOT_A_WARD:
            mended[at] = word._replace(plain="p", key="p")
    return mended


def _joined(words: Sequence[Word]) -> Iterator[Word]:
    """'ph', 'uong' → 'phuong'."""
    at = 0
    while at < len(words):
        pair = words[at].key + words[at + 1].key if at + 1 < len(words) else ""
        kind, number = (m[1], m[2]) if (m := _GLUED_NUMBER.fullmatch(pair)) else (pair, "")
        if kind in ("phuong", "quan", "huien", "ward") and words[at].key != kind:
            yield words[at]._replace(plain=kind + number, key=kind + number, end=words[at + 1].end)
            at += 1
        else:
            yield words[at]
        at += 1


@lru_cache(maxsize=50_000)
def _kind_meant(key: str, before_number: bool) -> str | None:
    """The long kind a word is a misspelling of: by one edit, or two in those of six letters and more. A word that may
    be Vietnamese ('hương', 'phước') is one only before a number, and by one edit."""
    if key in _LONG_KINDS or key in _STREETS or len(key) < 3 or not key.isalpha():
        return None
    syllable = bool(_SYLLABLE.fullmatch(key))
    if syllable and not before_number:
        return None
    for kind in _LONG_KINDS:
        most = 2 if len(kind) > 5 and not syllable else 1
        if abs(len(key) - len(kind)) <= most and OSA.distance(key, kind) <= most:
            return kind
    return None


def misspelt(
    words: Sequence[Word],
    found: Sequence[Found],
    level: UnitLevel,
    names: Mapping[str, str],
    *,
    bare: bool,
    streets: Collection[str] = (),
) -> list[Found]:
    """Units of `level` that the free words name but for their spelling: the likeliest, or all that are as likely.

    `names`: name key → the name in plain words; `bare`: whether a name may stand without its kind, but not
    at the end of one of the `streets`.
    """
    taken = {at for item in found for at in range(item.first, item.last)}
    tried = list(_with_kind(words, taken, level, names))
    if bare:
        tried += _by_name(words, taken, found, level, names, streets)
    if not tried:
        return []
    least = min(item[:2] for item in tried)
    best = [item.found for item in tried if item[:2] == least]
    longest = max(item.last - item.first for item in best)
    return list({x.mention: x for x in best if x.last - x.first == longest}.values())


def _with_kind(
    words: Sequence[Word], taken: Collection[int], level: UnitLevel, names: Mapping[str, str]
) -> Iterator[_Try]:
    for at in range(len(words)):
        key = words[at].key
        if at in taken:
            continue
        if key in KINDS[level]:
            yield from _names_from(words, at, at + 1, "", taken, level, names)
        elif kind := _glued_kind(key, level):
            yield from _names_from(words, at, at + 1, key[len(kind) :], taken, level, names)
        for kind in _SHORT_KINDS[level]:
            if key.startswith(kind) and len(key) > len(kind) + 1:
                for item in _names_from(words, at, at + 1, key[len(kind) :], taken, level, names):
                    if item.edits == 0 and len(item.found.mention.key) > 4:
                        yield item._replace(edits=1)


def _glued_kind(key: str, level: UnitLevel) -> str | None:
    """'phuongben' 'nghe': a long kind run together with its name."""
    return next(
        (
            k
            for k in KINDS[level]
            if len(k) > 3 and len(key) > len(k) + 1 and OSA.distance(key[: len(k)], k) < 2
        ),
        None,
    )


def _names_from(
    words: Sequence[Word],
    at: int,
    first: int,
    glued: str,
    taken: Collection[int],
    level: UnitLevel,
    names: Mapping[str, str],
) -> Iterator[_Try]:
    """With two more edits where the word behind belongs to nothing: it is more likely a misspelt part of the name."""
    key = spaced = glued
    if glued:
        yield from _tries(key, spaced, at, first, level, names)
    for last in range(first, min(first + _WIDEST, len(words))):
        if last in taken:
            return
        key += words[last].key
        spaced = f"{spaced} {words[last].key}".strip()
        left_over = 2 * (last + 1 < len(words) and last + 1 not in taken)
        for item in _tries(key, spaced, at, last + 1, level, names):
            yield item._replace(edits=item.edits + left_over)


def _by_name(
    words: Sequence[Word],
    taken: Collection[int],
    found: Sequence[Found],
    level: UnitLevel,
    names: Mapping[str, str],
    streets: Collection[str],
) -> Iterator[_Try]:
    """Bare names, right before a unit or at the end of the text; with one edit at most."""
    units = {item.last for item in found}
    ends = {len(words), *(item.first for item in found)}
    spans = {(first, last) for last in ends for first in range(last - 1, max(-1, last - _WIDEST), -1)}
    if level is DISTRICT:
        spans |= {
            (first, last) for first in units for last in range(first + 1, min(first + 4, len(words)) + 1)
        }
    in_streets = {last for first, last in spans if "".join(word.key for word in words[first:last]) in streets}
    for first, last in sorted(spans):
        if last in in_streets:
            continue
        key = "".join(word.key for word in words[first:last])
        if len(key) < 4 or key.isdigit() or any(at in taken for at in range(first, last)):
            continue
        if not (first in units or stands_free(words, first, level)):
            continue
        spaced = " ".join(word.key for word in words[first:last])
        for item in _tries(key, spaced, first, last, level, names):
            if item.edits <= 1 and len(item.found.mention.key) > 4:
                yield item


def _tries(
    key: str, spaced: str, first: int, last: int, level: UnitLevel, names: Mapping[str, str]
) -> Iterator[_Try]:
    """The names nearest to `key`; a misspelt name's accents prove nothing and are left out."""
    if key in names:
        yield _Try(0, 0, Found(first, last, level, Mention(key)))
        return
    most = _edits_allowed(key)
    if not most:
        return
    for name, edits, _ in process.extract(key, names.keys(), scorer=OSA.distance, score_cutoff=most, limit=5):
        if _numbers(name) == _numbers(key) and edits <= _edits_allowed(name):
            rank = OSA.distance(spaced, names[name])
            yield _Try(int(edits), int(rank), Found(first, last, level, Mention(name)))


def _edits_allowed(key: str) -> int:
    letters = sum(c.isalpha() for c in key)
    return 0 if letters < 4 else 1 if letters < 7 else 2


def _numbers(key: str) -> str:
    return "".join(c for c in key if c.isdigit())
