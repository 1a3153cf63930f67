"""Names of the streets of an area, for what only they can tell: initials and typing errors."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from geodata.street_block import Array
from geodata.street_names import initials_of, within_edits

_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_NOT_DIGIT = re.compile(r"\D+")
_LEAST_LETTERS = (5, 9)
"""Letters a name needs for one typing error, and for two: shorter ones turn into other streets."""
_CACHE_LIMIT = 20_000


@dataclass(frozen=True, eq=False)
class Names:
    """n names; `letters` (n, 26) counts their letters, so that most others are ruled out without comparing."""

    keys: tuple[str, ...]
    letters: Array
    initials: Mapping[str, str | None]
    _answers: dict[tuple[str, bool], str | None] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, names: Iterable[tuple[str, str]]) -> Names:
        """From (key, words) of each street."""
        keys, initials = [], defaultdict(set)
        for key, words in names:
            keys.append(key)
            initials[initials_of(words)].add(key)
        unique = {short: next(iter(found)) if len(found) == 1 else None for short, found in initials.items()}
        letters = np.array([_letters(key) for key in keys], dtype=np.int16).reshape(-1, 26)
        return cls(tuple(keys), letters, unique)

    def meant(self, key: str, *, typing_errors: bool) -> str | None:
        """The one street `key` can mean; None when there is none or more than one."""
        asked = (key, typing_errors)
        if asked not in self._answers:
            if len(self._answers) >= _CACHE_LIMIT:
                self._answers.clear()
            found = self.initials.get(key) if len(key) > 1 else None
            self._answers[asked] = found or (self._misspelt(key) if typing_errors else None)
        return self._answers[asked]

    def _misspelt(self, key: str) -> str | None:
        count = sum(letter.isalpha() for letter in key)
        digits = _NOT_DIGIT.sub(" ", key)
        for edits, least in enumerate(_LEAST_LETTERS, 1):
            if count < least:
                return None
            apart = np.abs(self.letters - np.array(_letters(key), dtype=np.int16)).sum(axis=1)
            close = [self.keys[row] for row in np.flatnonzero(apart <= 2 * edits)]
            found = [x for x in close if _NOT_DIGIT.sub(" ", x) == digits and within_edits(key, x, edits)]
            if found:
                return found[0] if len(found) == 1 else None
        return None


def _letters(key: str) -> list[int]:
    return [key.count(letter) for letter in _ALPHABET]
