"""How late reports come, and how long none has come, by commune."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from surveillance.case_filter import CaseFilter
from surveillance.counts import counted
from surveillance.lines import believed
from surveillance.models import CaseVersion
from surveillance.types import FloatArray

LEAST_CASES = 5
"""Fewer have no median worth a colour."""
LOOK_BACK_DAYS = 365


def median_delay(session: Session, wanted: CaseFilter, unit_ids: Sequence[int]) -> FloatArray:
    """Median days from event to report, (N,); NaN with fewer than LEAST_CASES cases."""
    delay = CaseVersion.date_report - CaseVersion.event_date
    query = (
        select(CaseVersion.unit_id, func.percentile_cont(0.5).within_group(delay))
        .where(
            CaseVersion.event_date.between(wanted.start, wanted.end),
            counted(wanted.disease, wanted.as_of, None),
        )
        .group_by(CaseVersion.unit_id)
        .having(func.count() >= LEAST_CASES)
    )
    found = {unit: float(days) for unit, days in session.execute(query)}
    return np.array([found.get(unit, np.nan) for unit in unit_ids])


def last_reports(
    session: Session, unit_ids: Sequence[int], *, today: date, as_of: datetime | None
) -> dict[int, date]:
    """Day of the newest report of any disease from each commune, at most LOOK_BACK_DAYS ago."""
    first = date.fromordinal(today.toordinal() - LOOK_BACK_DAYS)
    query = (
        select(CaseVersion.unit_id, func.max(CaseVersion.date_report))
        .where(
            CaseVersion.event_date.between(first, today),
            CaseVersion.date_report <= today,
            believed(as_of),
            CaseVersion.unit_id.in_(unit_ids),
        )
        .group_by(CaseVersion.unit_id)
    )
    return {unit: day for unit, day in session.execute(query) if unit is not None}
