"""Cases of each commune for many questions at once: other periods, other moments of knowledge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from surveillance.case_filter import CaseFilter
from surveillance.counts import counts_by_unit
from surveillance.coverage import coverage, sources_of
from surveillance.types import FloatArray


def case_counts(session: Session, wanted: Sequence[CaseFilter], unit_ids: Sequence[int]) -> FloatArray:
    """Cases of each filter in each commune, (F, N); NaN where the sources tell of the commune only from a later day."""
    found = np.array([_counts(session, each, unit_ids) for each in wanted]).reshape(
        len(wanted), len(unit_ids)
    )
    since = {
        as_of: _since(session, wanted[0].disease, unit_ids, as_of) for as_of in {w.as_of for w in wanted}
    }
    for row, each in enumerate(wanted):
        found[row, ~(since[each.as_of] <= np.datetime64(each.start))] = np.nan
    return found


def _counts(session: Session, wanted: CaseFilter, unit_ids: Sequence[int]) -> list[float]:
    counts = counts_by_unit(
        session, disease=wanted.disease, start=wanted.start, end=wanted.end, as_of=wanted.as_of
    )
    return [float(counts.get(unit, 0)) for unit in unit_ids]


def _since(
    session: Session, disease: str | None, unit_ids: Sequence[int], as_of: datetime | None
) -> np.ndarray:
    """First day the sources tell of, (N,); NaT: of nothing yet."""
    diseases = [disease] if disease else sorted(sources_of(session, as_of=as_of))
    if not diseases:
        return np.full(len(unit_ids), np.datetime64("NaT"))
    since = coverage(session, diseases, unit_ids=unit_ids, as_of=as_of).since
    return np.nanmin(np.where(np.isnat(since), np.datetime64("9999-12-31"), since), axis=0)
