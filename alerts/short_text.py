"""An alert in one text message: at most 160 characters of the GSM 7-bit alphabet, without accents. Pure.

Vietnamese letters would make it UCS-2, 70 characters a part, two or three parts to pay and to lose (3GPP TS 23.038
§6.2.1). What does not fit is shortened by rule, in this order, until it does: the duty's hour, the status, the
disease, the area's name. The level, the area and the link always stay.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote

MOST = 160
MOST_LINK = 80
"""A longer link would not leave room for the rest; settings refuse a public address that makes one."""
SENDER = "Canh Dich"

_GSM7 = frozenset("@$_ !\"#%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
"""What the alphabet shares with ASCII, one septet each; its extension table ({[~]}|^\\) costs two and is avoided."""
_TYPOGRAPHY = str.maketrans(
    {
        "đ": "d",
        "Đ": "D",
        "ð": "d",
        "Ð": "D",
        "–": "-",
        "—": "-",
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
        "…": ".",
    }
)
_TONES = {"\u0301": "s", "\u0300": "f", "\u0309": "r", "\u0303": "x", "\u0323": "j"}
_CIRCUMFLEX = "\u0302"
_WITH_W = {"\u0306": "w", "\u031b": "w"}
_KINDS = (
    (re.compile(r"^Phuong (?=\S)"), "P. "),
    (re.compile(r"^Xa (?=\S)"), "X. "),
    (re.compile(r"^Thi tran (?=\S)"), "TT. "),
    (re.compile(r"^Dac khu (?=\S)"), "DK. "),
    (re.compile(r"^Quan (?=\S)"), "Q. "),
    (re.compile(r"^Huyen (?=\S)"), "H. "),
    (re.compile(r"^Thanh pho (?=\S)"), "TP. "),
    (re.compile(r"^Thi xa (?=\S)"), "TX. "),
)
_DISEASE_HEADS = re.compile(r"^(Benh do vi rut|Benh do|Benh|Disease caused by) ", re.IGNORECASE)


class ShortFacts(NamedTuple):
    """What a text message may tell, in words of one language. `duty`: the hour of a legal duty."""

    level: str
    disease: str
    area: str
    status: str
    duty: str
    link: str


def gsm7(text: str) -> str:
    """`text` in one line, without accents, in characters of one septet each; what has no likeness becomes "?"."""
    plain = unicodedata.normalize("NFKD", " ".join(text.split()).translate(_TYPOGRAPHY))
    kept = (letter for letter in plain if not unicodedata.combining(letter))
    return "".join(letter if letter in _GSM7 else "?" for letter in kept)


def twins(names: Iterable[str]) -> frozenset[str]:
    """Those of `names` that lose their difference with their accents: Xã Thanh An and Xã Thạnh An are at
    opposite ends of the city."""
    by_text: dict[str, set[str]] = {}
    for name in names:
        by_text.setdefault(gsm7(name), set()).add(name)
    return frozenset(name for same in by_text.values() if len(same) > 1 for name in same)


def telex(name: str) -> str:
    """`name` as typed on a Vietnamese keyboard, which everyone here can read: Thạnh An is Thanhj An."""
    return " ".join(map(_telex_word, name.split()))


def _telex_word(word: str) -> str:
    typed, tone = "", ""
    for letter in unicodedata.normalize("NFD", word.replace("đ", "dd").replace("Đ", "DD")):
        if letter in _TONES:
            tone = _TONES[letter]
        else:
            typed += typed[-1].lower() if letter == _CIRCUMFLEX and typed else _WITH_W.get(letter, letter)
    return typed + tone


def sms_link(link: str) -> str:
    """The link in the same alphabet: what it lacks is percent-encoded, which browsers undo."""
    return quote(link, safe="".join(_GSM7 - {" ", '"', "<", ">"})).replace("~", "%7E")


def sms_text(facts: ShortFacts) -> str:
    """The fullest form that fits. Raises ValueError when the link alone is longer than MOST_LINK."""
    link = sms_link(facts.link)
    if len(link) > MOST_LINK:
        raise ValueError(f"a link of {len(link)} characters leaves no room in a text message")
    for words in _forms(facts):
        text = f"{words} {link}"
        if len(text) <= MOST:
            return text
    raise ValueError("level and area alone do not fit into a text message")


def digest_sms(count: int, words: str, link: str) -> str:
    """`words` say what the count is of."""
    return f"{SENDER}: {count} {gsm7(words)[:60]}. {sms_link(link)}"


def _forms(facts: ShortFacts) -> Iterator[str]:
    """From the fullest to the shortest."""
    level, disease, area = gsm7(facts.level).upper(), gsm7(facts.disease), _short_kind(gsm7(facts.area))
    extras = [gsm7(extra) for extra in (facts.status, facts.duty) if extra]
    brief = _DISEASE_HEADS.sub("", disease)
    for kept in range(len(extras), -1, -1):
        yield _sentence(level, disease, area, extras[:kept])
    yield _sentence(level, brief, area, [])
    for letters in range(min(len(brief), 24), 2, -3):
        yield _sentence(level, brief[:letters].rstrip() + ".", area, [])
    for name in _shorter_names(area):
        yield _sentence(level, brief[:3] + ".", name, [])


def _sentence(level: str, disease: str, area: str, extras: Sequence[str]) -> str:
    return ". ".join([f"{SENDER}: {level}, {disease}, {area}".rstrip("."), *extras]) + "."


def _short_kind(area: str) -> str:
    """Phuong Sai Gon → P. Sai Gon, but Phuong 2 and Quan 5 lose nothing by it either: P. 2, Q. 5."""
    for pattern, short in _KINDS:
        area, found = pattern.subn(short, area)
        if found:
            return area
    return area


def _shorter_names(area: str) -> Iterator[str]:
    """Words become initials from the left (P. N.T.M. Khai), the last one stays; at the very last it is cut."""
    head, dot, name = area.partition(". ") if ". " in area[:5] else ("", "", area)
    words = name.split()
    for initials in range(1, len(words)):
        shortened = "".join(f"{word[0]}." for word in words[:initials])
        yield f"{head}{dot}{shortened} {' '.join(words[initials:])}"
    yield f"{head}{dot}{words[-1][:20]}"
