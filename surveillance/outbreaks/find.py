"""All outbreaks of a table of cases, and what became of each case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from surveillance.outbreaks.eligibility import Area, screen
from surveillance.outbreaks.linking import find_pairs, link
from surveillance.outbreaks.outbreak import Outbreak, assemble
from surveillance.outbreaks.profiles import Profile
from surveillance.outbreaks.table import CaseTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outbreaks of `table` by `profile`, by first event and anchor; `why` (N,) is the outcome of each case
    (eligibility.Why)."""

    profile: Profile
    table: CaseTable
    why: NDArray[np.int8]
    outbreaks: tuple[Outbreak, ...]


def find_outbreaks(table: CaseTable, profile: Profile, *, today: date, area: Area | None = None) -> Finding:
    """Everything from scratch. `incremental.Watch` gives the same for less when few cases change."""
    screened = screen(table, profile, today=today, area=area)
    labels = link(screened.places, find_pairs(screened.places, profile), profile)
    return Finding(
        profile=profile,
        table=table,
        why=outcome(table, screened.why, screened.places.case_id, labels.why),
        outbreaks=assemble(screened.places, labels, profile),
    )


def outcome(
    table: CaseTable, screened: NDArray[np.int8], case_id: NDArray[np.int64], why: NDArray[np.int8]
) -> NDArray[np.int8]:
    """The outcome of each case, (N,): `screened` unless it took part; of those with places `case_id` (n,) the most
    favourable of their outcomes `why` (n,)."""
    order = np.argsort(table.case_id)
    row = order[np.searchsorted(table.case_id, case_id, sorter=order)]
    best = np.full(table.case_id.size, np.iinfo(np.int8).max, dtype=np.int8)
    np.minimum.at(best, row, why)
    return np.where(best == np.iinfo(np.int8).max, screened, best)
