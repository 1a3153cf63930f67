"""What a measure is, and what it may read: several questions at once (a period, and a moment of knowledge).

The map asks one question, the time player one for each step, and both get the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Literal
from zlib import crc32

import numpy as np
from sqlalchemy.orm import Session

from geodata.people import persons_about
from geodata.places import boundaries_version
from geodata.units import neighbour_pairs
from i18n import Message
from surveillance.adjacency import Weights, adjacency_weights
from surveillance.case_filter import CaseFilter
from surveillance.clock import data_until
from surveillance.columns import Columns
from surveillance.coverage import DayArray
from surveillance.measures.counting import case_counts, first_days
from surveillance.types import FloatArray
from web.context import Moment, context, end_of
from web.selection import Selection
from web.workbench.classes import Cut

Scale = Literal["levels", "sequential", "diverging", "categories"]


@dataclass(frozen=True, kw_only=True)
class Look:
    """One question: the day on show with what was known, and the cases it asks for (of all areas)."""

    moment: Moment
    wanted: CaseFilter

    @classmethod
    def of(cls, selection: Selection, moment: Moment) -> Look:
        wanted = replace(selection, units=None, within=None).filter(moment)
        return cls(moment=moment, wanted=wanted)

    @property
    def judged_at(self) -> datetime | None:
        """For what is judged day by day: the end of the period's last day, or what is known when that is today."""
        if self.wanted.end < self.moment.today:
            return end_of(self.wanted.end)
        return self.moment.as_of


@dataclass(frozen=True, kw_only=True)
class Answers:
    """`values` (L, N) of L looks in N areas, NaN unknown. `words` of the areas at the last look, for the pointer."""

    values: FloatArray
    words: Mapping[int, Message] = field(default_factory=dict)
    notes: tuple[Message, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a measure may read: L `looks` at the communes `units` (N,)."""

    session: Session
    selection: Selection
    looks: Sequence[Look]
    units: tuple[int, ...]

    @cached_property
    def columns(self) -> Columns:
        return context().columns.current(self.session)

    @cached_property
    def cases(self) -> FloatArray:
        """(L, N)."""
        return self.count([look.wanted for look in self.looks])

    def count(self, wanted: Sequence[CaseFilter]) -> FloatArray:
        """Cases of L filters, one for each look, (L, N); NaN where the sources tell of less than the whole period."""
        found = case_counts(self.columns, wanted, self.units)
        starts = np.array([each.start for each in wanted], dtype="datetime64[D]")
        return np.where(self.since <= starts[:, None], found, np.nan)

    @cached_property
    def since(self) -> DayArray:
        """From when on the sources tell of each commune, as known at each look, (L, N)."""
        moments = tuple(look.moment.as_of for look in self.looks)
        disease, units = self.selection.disease, self.units
        asked = ("first days", disease, units, moments, data_until(self.session))
        return context().memory.ask(asked, lambda: first_days(self.session, disease, units, moments))

    @cached_property
    def persons(self) -> FloatArray:
        """People in the year of each look's last day, (L, N)."""
        years = [look.wanted.end.year for look in self.looks]
        found = {year: self._people(year) for year in set(years)}
        return np.array([[found[year].get(unit, np.nan) for unit in self.units] for year in years])

    def _people(self, year: int) -> dict[int, float]:
        asked = ("people", self.units, year, boundaries_version(self.session))
        return context().memory.ask(asked, lambda: persons_about(self.session, self.units, year))

    @cached_property
    def weights(self) -> Weights:
        return adjacency_weights(self.units, neighbour_pairs(self.session, self.units))

    @property
    def judged_at(self) -> list[datetime | None]:
        return [look.judged_at for look in self.looks]

    def seed(self, look: Look) -> tuple[int, int]:
        """The same permutations again for the same question."""
        return crc32((look.wanted.disease or "").encode()), look.wanted.end.toordinal()

    def table(self, found: Mapping[tuple[int, int], float]) -> FloatArray:
        """(L, N) from values by look and unit."""
        return np.array(
            [[found.get((i, unit), np.nan) for unit in self.units] for i in range(len(self.looks))]
        ).reshape(len(self.looks), len(self.units))


@dataclass(frozen=True, kw_only=True)
class Category:
    value: int
    name: Message
    colour: str
    symbol: str | None = None


@dataclass(frozen=True, kw_only=True)
class Measure:
    """`says` in one sentence, with its limits. `page` of docs/methods. `ignores` fields of the selection.
    `days` "period": of the chosen period; "last": of its last day. `centre` of a diverging scale."""

    key: str
    name: Message
    unit: Message
    says: Message
    page: str
    scale: Scale
    read: Callable[[Reading], Answers]
    usual: Cut = field(default=Cut("quantiles"))
    centre: float = 1.0
    decimals: int = 0
    zero_apart: bool = False
    categories: tuple[Category, ...] = ()
    one_disease: bool = False
    days: Literal["period", "last"] = "period"
    ignores: frozenset[str] = frozenset()
    releases: bool = False


@dataclass(frozen=True, kw_only=True)
class MeasureValues:
    """`values` by unit; unknown ones are absent. `as_at`: the moment whose knowledge they are of, None before any data.
    `notes` must be read with the map; `words` by unit say more than the number."""

    values: Mapping[int, float]
    as_at: datetime | None
    notes: tuple[Message, ...]
    words: Mapping[int, Message]
