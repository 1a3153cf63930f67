"""Address text as words that remember where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from geodata.text import accent_key, fold, name_key

_MARKS = "\u0300-\u036f\u200b-\u200d\ufe00-\ufe0f"
_LETTER = rf"(?:[^\W_][{_MARKS}]*)"
_TOKEN = re.compile(rf"{_LETTER}+(?:/(?![pqPQ]\d)[^\W\d_]{{0,2}}\d{_LETTER}*)*")
_APART = re.compile(r"[,;()\[\]|\n\r\t]|\s[-–—.]|[-–—]\s|[–—]")
_RUN = re.compile(r"\d+|\D+")
_GLUED_UNITS = re.compile(r"(?:phuong|p|f)\d{1,2}(?:quan|q)(?:\d{1,2})?")
_WARD_BEFORE = frozenset({"p", "phuong", "f"})
_NUMBER_AND_KIND = re.compile(r"\d{1,2}(?:quan|q)")


class Word(NamedTuple):
    """A word of a text: `plain` folded, `key` as in `text.name_key`, `written` its `accent_key` (empty in a text
    without accents), text[start:end] as it stands there; `apart` where a comma, dash or bracket stands before it."""

    plain: str
    key: str
    written: str
    start: int
    end: int
    apart: bool

    @property
    def numbered(self) -> bool:
        return any(c.isdigit() for c in self.plain)


def split_words(text: str) -> list[Word]:
    """The words of an address; 'P2Q5' and '…P. 22Q. Bình Thạnh' come apart, '505/56/8E' stays one."""
    words: list[Word] = []
    before = 0
    for start, end in _spans(text):
        plain, key, written = _reduced(text[start:end])
        if plain:
            words.append(Word(plain, key, written, start, end, bool(_APART.search(text, before, start))))
        before = end
    if all(word.written.isascii() for word in words):
        words = [word._replace(written="") for word in words]
    return words


def _spans(text: str) -> Iterator[tuple[int, int]]:
    kind = ""
    for token in _TOKEN.finditer(text):
        plain = _reduced(token[0])[0]
        if plain.isalpha() or not _glued(plain, kind):
            yield token.span()
        else:
            yield from _parted(token[0], token.start(), whole=plain[0].isdigit())
        kind = plain


def _glued(plain: str, before: str) -> bool:
    number_first = before in _WARD_BEFORE and _NUMBER_AND_KIND.fullmatch(plain)
    return bool(number_first or _GLUED_UNITS.fullmatch(plain))


def _parted(token: str, at: int, *, whole: bool) -> Iterator[tuple[int, int]]:
    """'P2Q5' → P2, Q5; '22Q' (`whole`) → 22, Q."""
    cuts = [run.start() for run in _RUN.finditer(token)]
    cuts = cuts if whole else cuts[::2]
    for first, last in zip(cuts, [*cuts[1:], len(token)], strict=True):
        yield at + first, at + last


@lru_cache(maxsize=100_000)
def _reduced(token: str) -> tuple[str, str, str]:
    plain = fold(token) if "/" not in token else "/".join(fold(part) for part in token.split("/"))
    return plain, name_key(token), accent_key(token)
