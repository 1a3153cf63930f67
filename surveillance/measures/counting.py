"""Cases of each commune for many questions at once: other periods, other moments of knowledge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from surveillance.case_filter import CaseFilter
from surveillance.counts import counts_by_unit
from surveillance.coverage import DayArray, coverage, sources_of
from surveillance.types import FloatArray


def case_counts(session: Session, wanted: Sequence[CaseFilter], unit_ids: Sequence[int]) -> FloatArray:
    """Cases of each filter in each commune, (F, N)."""
    found = np.zeros((len(wanted), len(unit_ids)))
    for row, each in enumerate(wanted):
        counts = counts_by_unit(
            session, disease=each.disease, start=each.start, end=each.end, as_of=each.as_of
        )
        found[row] = [counts.get(unit, 0) for unit in unit_ids]
    return found


def first_days(
    session: Session, disease: str | None, unit_ids: Sequence[int], moments: Sequence[datetime | None]
) -> DayArray:
    """First day the sources tell of, as known at each of `moments` (None: now), rising in time, (L, N); NaT: of nothing
    yet. Between two moments at which it is the same it did not change: few moments are looked at."""
    found = np.full((len(moments), len(unit_ids)), np.datetime64("NaT"), dtype="datetime64[D]")

    def fill(low: int, high: int) -> None:
        if high - low > 1:
            middle = (low + high) // 2
            if np.array_equal(found[low], found[high], equal_nan=True):
                found[low + 1 : high] = found[low]
                return
            found[middle] = _since(session, disease, unit_ids, moments[middle])
            fill(low, middle)
            fill(middle, high)

    for end in {0, len(moments) - 1}:
        found[end] = _since(session, disease, unit_ids, moments[end])
    fill(0, len(moments) - 1)
    return found


def _since(
    session: Session, disease: str | None, unit_ids: Sequence[int], as_of: datetime | None
) -> DayArray:
    diseases = [disease] if disease else sorted(sources_of(session, as_of=as_of))
    if not diseases:
        return np.full(len(unit_ids), np.datetime64("NaT"))
    since = coverage(session, diseases, unit_ids=unit_ids, as_of=as_of).since
    return np.fmin.reduce(since, axis=0)
