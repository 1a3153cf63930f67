"""Confirmed cases that must be reported within 24 hours (Decision 97/QĐ-PB, domain.md §2.2), by commune and day."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Date, cast, func, select
from sqlalchemy.orm import Session, aliased

from surveillance.models import CaseVersion
from surveillance.types import Classification


@dataclass(frozen=True, slots=True, kw_only=True)
class UrgentCases:
    """`known_at`: when the first of them was known as confirmed, on `day` in the city."""

    disease: str
    unit_id: int
    day: date
    known_at: datetime
    count: int


def urgent_cases(
    session: Session, diseases: Collection[str], *, since: datetime, zone: ZoneInfo
) -> Sequence[UrgentCases]:
    """Cases that are confirmed now and were first confirmed after `since`."""
    if not diseases:
        return []
    now, once = aliased(CaseVersion), aliased(CaseVersion)
    first = (
        select(func.min(once.known_from))
        .where(once.case_id == now.case_id, once.classification == Classification.CONFIRMED)
        .scalar_subquery()
    )
    cases = (
        select(now.disease, now.unit_id, first.label("known_at"))
        .where(now.known_to.is_(None), now.disease.in_(diseases), now.unit_id.is_not(None))
        .where(now.classification == Classification.CONFIRMED, now.event_date >= since.date())
        .subquery()
    )
    day = cast(func.timezone(zone.key, cases.c.known_at), Date)
    rows = session.execute(
        select(cases.c.disease, cases.c.unit_id, day.label("day"), func.min(cases.c.known_at).label("known_at"),
               func.count().label("count"))
        .where(cases.c.known_at >= since)
        .group_by(cases.c.disease, cases.c.unit_id, day)
        .order_by(cases.c.disease, cases.c.unit_id, day)
    )  # fmt: skip
    return [UrgentCases(**row._mapping) for row in rows]
