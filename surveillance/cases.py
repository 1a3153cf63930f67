"""The line list without identifiers: what screens and exports may show of single cases."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from surveillance.lines import believed
from surveillance.models import CaseVersion
from surveillance.types import Classification


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """A case as believed at one moment. `unit_id` None: it lies in no known commune yet."""

    case_id: int
    disease: str
    icd10: str | None
    classification: str
    treatment: str | None
    sex: str | None
    age_years: int | None
    event_date: date
    date_admission: date | None
    date_report: date
    unit_id: int | None
    place_level: str


def line_list(
    session: Session,
    *,
    disease: str | None,
    start: date,
    end: date,
    as_of: datetime | None,
    unit_ids: Collection[int] | None = None,
) -> list[CaseLine]:
    """Cases with an event in `start`..`end`, discarded ones left out, in the order of event date and case."""
    columns = [getattr(CaseVersion, name) for name in CaseLine.__dataclass_fields__]
    query = (
        select(*columns)
        .where(CaseVersion.event_date.between(start, end), believed(as_of))
        .where(CaseVersion.classification != Classification.DISCARDED)
        .order_by(CaseVersion.event_date, CaseVersion.case_id)
    )
    if disease is not None:
        query = query.where(CaseVersion.disease == disease)
    if unit_ids is not None:
        query = query.where(CaseVersion.unit_id.in_(unit_ids))
    return [CaseLine(**row) for row in session.execute(query).mappings()]
