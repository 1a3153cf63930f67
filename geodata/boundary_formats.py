"""Which kind of boundary file this is, told by its columns. A format is data: one TOML in `geodata/formats/`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from geodata.text import name_key

FOLDER = Path(__file__).parent / "formats"
_FIELDS = frozenset(
    ("code", "identifier", "name", "alternative", "kind", "level", "tags")
    + ("district", "district_code", "province", "province_code")
)


@dataclass(frozen=True, kw_only=True)
class Format:
    """A file's columns by what they hold: for each field the headers, the first there is wins.

    `required`: headers without which it is another format ("A|B": either). `code_on`: columns of codes by the
    first day of the release they belong to. `code_prefix` stands before each code. `persons`: a pattern of headers
    of people counted, its group the year. `level`: what kind of units it draws.
    """

    name: str
    title: str
    required: Sequence[str]
    columns: Mapping[str, Sequence[str]]
    code_on: Mapping[str, date] = field(default_factory=dict)
    code_prefix: str = ""
    persons: str | None = None
    level: Literal["commune", "district"] = "commune"

    def __post_init__(self) -> None:
        if unknown := set(self.columns) - _FIELDS:
            raise ValueError(f"{self.name}.toml: unknown fields {sorted(unknown)}")

    def fits(self, headers: Collection[str]) -> bool:
        there = {name_key(header) for header in headers}
        return all(any(name_key(x) in there for x in group.split("|")) for group in self.required)


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns of one file: `by_field` the header of each field that is there, alternatives all of them;
    `later` the headers of codes in later releases, by day; `persons` headers by year."""

    format: Format
    by_field: Mapping[str, str]
    alternatives: Sequence[str]
    later: Mapping[date, str]
    persons: Mapping[int, str]


@cache
def formats() -> tuple[Format, ...]:
    """The most demanding first, so that the plain one comes last."""
    read = [
        Format(name=path.stem, **tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted(FOLDER.glob("*.toml"))
    ]
    return tuple(sorted(read, key=lambda x: -len(x.required)))


def recognise(headers: Sequence[str], release: date) -> Columns:
    """The format and its columns, for units of the release that begins on `release`."""
    fitting = next(x for x in formats() if x.fits(headers))
    there = {name_key(header): header for header in reversed(headers)}
    by_field = {
        name: there[name_key(wanted[0])]
        for name, listed in fitting.columns.items()
        if (wanted := [x for x in listed if name_key(x) in there])
    }
    dated = {day: there[name_key(x)] for x, day in fitting.code_on.items() if name_key(x) in there}
    if release in dated:
        by_field["code"] = dated[release]
    elif dated:
        by_field["code"] = dated[min(dated, key=lambda day: abs(day - release))]
    return Columns(
        format=fitting,
        by_field=by_field,
        alternatives=[
            there[name_key(x)] for x in fitting.columns.get("alternative", ()) if name_key(x) in there
        ],
        later={day: header for day, header in dated.items() if day > release},
        persons=_years(fitting.persons, headers),
    )


def release_in(headers: Sequence[str]) -> date | None:
    """The oldest release whose codes the file holds: those are the units it draws; None when it does not say."""
    fitting = next(x for x in formats() if x.fits(headers))
    there = {name_key(header) for header in headers}
    return min((day for x, day in fitting.code_on.items() if name_key(x) in there), default=None)


def _years(pattern: str | None, headers: Sequence[str]) -> dict[int, str]:
    if pattern is None:
        return {}
    found = ((re.fullmatch(pattern, header, re.IGNORECASE), header) for header in headers)
    return {int(match[1]): header for match, header in found if match}
