"""Vietnamese text reduced to what survives any keyboard: no accents, no case, one way to write a number."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_D_WITH_STROKE = str.maketrans({"đ": "d", "ð": "d"})
_ETH = str.maketrans({"ð": "đ"})
_TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
_NOT_WORD = re.compile(r"[^0-9a-z]+")
_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")


def strip_accents(text: str) -> str:
    """Lower case without accents; punctuation and spacing stay. Same result for NFC and NFD, for 'hoà' and
    'hòa', and for the letter eth (Ð) that some keyboards give instead of Đ."""
    lowered = unicodedata.normalize("NFKD", text).lower().translate(_D_WITH_STROKE)
    if lowered.isascii():
        return lowered
    kept = (c for c in lowered if unicodedata.category(c) not in ("Mn", "Cf"))
    return unicodedata.normalize("NFKC", "".join(kept))


@lru_cache(maxsize=100_000)
def fold(text: str) -> str:
    """`strip_accents`, with every run of punctuation or space as one space: 'P.02, Q.Tân  Bình' → 'p 02 q tan
    binh'."""
    return _NOT_WORD.sub(" ", strip_accents(text)).strip()


def name_key(text: str) -> str:
    """A name as a dictionary key: folded, no spaces, numbers without leading zeros, y written i
    ('Mỹ' and 'Mĩ' are one name): 'Phú Mỹ Hưng' → 'phumihung', '02' → '2'."""
    words = _LEADING_ZEROS.sub("", fold(text))
    return words.replace(" ", "").replace("y", "i")


def accent_key(text: str) -> str:
    """Like `name_key` but with accents, each word's tone moved to its end, so that 'hoà' equals 'hòa' while
    'Thanh An' and 'Thạnh An' stay two names."""
    words = unicodedata.normalize("NFKD", text).lower().translate(_ETH).split()
    return "".join(_tone_last(word) for word in words).replace("y", "i")


def _tone_last(word: str) -> str:
    letters = [c for c in word if c not in _TONES and (c.isalnum() or unicodedata.combining(c))]
    return "".join(letters) + "".join(c for c in word if c in _TONES)
