"""Vietnamese text of before Unicode: TCVN3 (ABC) and VNI-Windows, recognised by whether it spells Vietnamese.

Both put Vietnamese letters at the places of Western European ones, so read as Windows-1252 a name looks like
'NguyÔn V¨n' (TCVN3) or 'Nguyeãn Vaên' (VNI). A column is converted only when its words are Vietnamese syllables
afterwards and were not before. TCVN 5712:1993 table VN3; VNI-Windows code page by VNI Software.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

_TCVN3_UPPER = dict(zip("¡¢£¤¥¦§", "ĂÂÊÔƠƯĐ", strict=True))
_TCVN3_LOWER = dict(
    zip(
        "¨©ª«¬\xad®µ¶·¸¹»¼½¾ÆÇÈÉÊËÌÎÏÐÑÒÓÔÕÖ×ØÜÝÞßáâãäåæçèéêëìíîïñòóôõö÷øùúûüýþ",
        "ăâêôơưđàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ",
        strict=True,
    )
)
_TCVN3 = str.maketrans(_TCVN3_UPPER | _TCVN3_LOWER)
_VNI_MARKS = {
    "ù": "\u0301", "ø": "\u0300", "û": "\u0309", "õ": "\u0303", "ï": "\u0323",
    "â": "\u0302", "á": "\u0302\u0301", "à": "\u0302\u0300", "å": "\u0302\u0309", "ã": "\u0302\u0303",
    "ä": "\u0302\u0323", "ê": "\u0306", "é": "\u0306\u0301", "è": "\u0306\u0300", "ú": "\u0306\u0309",
    "ü": "\u0306\u0303", "ë": "\u0306\u0323",
}  # fmt: skip
_VNI_SINGLE = {"ô": "ơ", "ö": "ư", "ñ": "đ", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ", "í": "í", "ì": "ì"}
_VNI_LETTER = re.compile(f"([aeouyôö])([{''.join(_VNI_MARKS)}])|[{''.join(_VNI_SINGLE)}]", re.IGNORECASE)

_ODD = re.compile(r"[a-zA-Z][\xa1-\xbf×÷]|[\xa1-\xbf][a-zA-Z]|[a-z][À-Þ]")
_TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")
_SYLLABLE = re.compile(
    r"(?:ngh|ng|nh|th|tr|ch|kh|ph|gh|gi|qu|[bcdđghklmnpqrstvx])?(?:"
    r"(?:uyê|iê|yê|uô|ươ|oa|oă|oe|oo|uâ|uê|uơ|uy|[aăâeêioôơuưy])(?:ch|nh|ng|[cmnpt])?|"
    r"iêu|yêu|uôi|ươi|ươu|oai|oay|oao|oeo|uây|uya|uyu|"
    r"ia|ya|ua|ưa|ai|ao|au|ay|âu|ây|eo|êu|iu|oi|ôi|ơi|ui|ưi|ưu)"
)


class Verdict(NamedTuple):
    """How to read a text: `convert` None means as it stands. `certain` False: old letters, but which is unclear."""

    name: str
    convert: Callable[[str], str] | None
    certain: bool


def from_tcvn3(text: str) -> str:
    """Lower-case marks serve capitals too (the .VnTimeH fonts), so a word in capitals is raised as a whole."""
    return _raise_capitals(text, text.translate(_TCVN3))


def from_vni(text: str) -> str:
    return _VNI_LETTER.sub(_vni_letter, text)


def judge(texts: Iterable[str], likely: str = "") -> Verdict:
    """Which table, if any, makes Vietnamese of these texts (a column's cells, read as Windows-1252 or Unicode).

    `likely` names the table of the rest of the file: it decides where two tables would do.
    """
    words = _marked_words(texts)
    if not words:
        return Verdict("unicode", None, True)
    plain = _share_vietnamese(words)
    scores = {name: _share_vietnamese(words, convert) for name, convert in TABLES.items()}
    best = max(scores, key=lambda name: (scores[name], name == likely))
    clear = best == likely or _runner_up(scores, best) <= scores[best] - 0.2
    if scores[best] >= 0.9 and scores[best] - plain >= 0.3 and clear:
        return Verdict(best, TABLES[best], True)
    return Verdict("unicode", None, plain >= 0.5 or not _looks_legacy(words))


TABLES: dict[str, Callable[[str], str]] = {"TCVN3 (ABC)": from_tcvn3, "VNI-Windows": from_vni}


def share_vietnamese(texts: Iterable[str]) -> float:
    """Share of the words with marks that are Vietnamese syllables; 1 when there is none with marks."""
    words = _marked_words(texts)
    return _share_vietnamese(words) if words else 1.0


def _marked_words(texts: Iterable[str]) -> Counter[str]:
    return Counter(
        word for text in texts if not text.isascii() for word in text.split() if not word.isascii()
    )


def _share_vietnamese(words: Counter[str], convert: Callable[[str], str] = str) -> float:
    return sum(n for word, n in words.items() if _is_vietnamese(convert(word))) / words.total()


def _is_vietnamese(word: str) -> bool:
    letters = unicodedata.normalize("NFC", word).strip(".,;:()-–/\"'“”").lower()
    marks = 0
    plain = []
    for c in unicodedata.normalize("NFD", letters):
        if c in _TONES:
            marks += 1
        else:
            plain.append(c)
    toneless = unicodedata.normalize("NFC", "".join(plain))
    parts = [part for part in re.split(r"[\d.,;:()/'\"-]+", toneless) if part]
    return marks <= max(1, len(parts)) and all(_SYLLABLE.fullmatch(part) for part in parts)


def _looks_legacy(words: Counter[str]) -> bool:
    """Signs and Western capitals inside words, which no living spelling has."""
    odd = sum(n for word, n in words.items() if _ODD.search(word))
    return odd / words.total() >= 0.2


def _runner_up(scores: dict[str, float], best: str) -> float:
    return max(score for name, score in scores.items() if name != best)


def _raise_capitals(before: str, after: str) -> str:
    if before.isascii():
        return after
    pairs = zip(before.split(" "), after.split(" "), strict=True)
    return " ".join(new.upper() if _in_capitals(old) else new for old, new in pairs)


def _in_capitals(word: str) -> bool:
    letters = [c for c in word if c.isascii() and c.isalpha()]
    return len(letters) > 1 and all(c.isupper() for c in letters)


def _vni_letter(match: re.Match[str]) -> str:
    base, mark = match[1] or match[0], match[2]
    letter = _VNI_SINGLE.get(base.lower(), base.lower())
    joined = unicodedata.normalize("NFC", letter + _VNI_MARKS[mark.lower()]) if mark else letter
    return joined.upper() if base.isupper() else joined
