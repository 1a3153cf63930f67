"""What must be reported within 24 hours, by commune and day: confirmed cases of the 24-hour list (Decision 97/QĐ-PB,
domain.md §2.2) and deaths (Circular 15/2026 art. 10(2))."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, and_, cast, func, select
from sqlalchemy.orm import Session, aliased

from surveillance.models import CaseVersion
from surveillance.types import Classification

DIED = "died"


@dataclass(frozen=True, slots=True, kw_only=True)
class UrgentCases:
    """`known_at`: when the first of them was known, on `day` in the city."""

    disease: str
    unit_id: int
    day: date
    known_at: datetime
    count: int


def urgent_cases(
    session: Session, diseases: Collection[str], *, since: datetime, zone: ZoneInfo
) -> Sequence[UrgentCases]:
    """Cases that are confirmed now and were first known as such after `since`."""
    return _first_known(session, diseases, _confirmed, since, zone)


def confirmed_deaths(
    session: Session, diseases: Collection[str], *, since: datetime, zone: ZoneInfo
) -> Sequence[UrgentCases]:
    """Confirmed cases that died, first known as such after `since`; none where the data hold no outcomes."""
    if not hasattr(CaseVersion, "outcome"):
        return []
    return _first_known(session, diseases, _confirmed_death, since, zone)


def _confirmed(version: Any) -> ColumnElement[bool]:
    return version.classification == Classification.CONFIRMED


def _confirmed_death(version: Any) -> ColumnElement[bool]:
    return and_(_confirmed(version), version.outcome == DIED)


def _first_known(
    session: Session,
    diseases: Collection[str],
    holds: Callable[[Any], ColumnElement[bool]],
    since: datetime,
    zone: ZoneInfo,
) -> Sequence[UrgentCases]:
    """Only versions of cases that changed after `since` are looked at."""
    now, once = aliased(CaseVersion), aliased(CaseVersion)
    first = select(func.min(once.known_from)).where(once.case_id == now.case_id, holds(once))
    cases = (
        select(now.disease, now.unit_id, first.scalar_subquery().label("known_at"))
        .where(now.known_to.is_(None), now.known_from >= since, now.disease.in_(diseases))
        .where(now.unit_id.is_not(None), holds(now))
        .subquery()
    )
    day = cast(func.timezone(zone.key, cases.c.known_at), Date)
    rows = session.execute(
        select(
            cases.c.disease,
            cases.c.unit_id,
            day.label("day"),
            func.min(cases.c.known_at).label("known_at"),
            func.count().label("count"),
        )
        .where(cases.c.known_at >= since)
        .group_by(cases.c.disease, cases.c.unit_id, day)
        .order_by(cases.c.disease, cases.c.unit_id, day)
    )
    return [UrgentCases(**row._mapping) for row in rows]
