"""Single cases for a page of a list: everything a screen may show of them, no identifier among it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT
from sqlalchemy.orm import Session

from surveillance.lines import believed
from surveillance.models import Case, CaseReportRow, CaseVersion, IngestRun
from surveillance.outbreaks.models import OutbreakVersion
from surveillance.outbreaks.views import believed as outbreak_believed


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """A case as believed at one moment. `lon`, `lat` in degrees, None where it has no position; `outbreak_ids` those it
    is a member of."""

    case_id: int
    disease: str
    event_date: date
    date_onset: date | None
    date_admission: date | None
    date_report: date
    age_years: int | None
    sex: str | None
    unit_id: int | None
    place_level: str
    uncertainty_m: float | None
    classification: str
    verification: int | None
    treatment: str | None
    icd10: str | None
    outcome: str | None
    source: str
    first_known_at: datetime
    lon: float | None
    lat: float | None
    outbreak_ids: tuple[int, ...] = ()


_OWN = (
    "case_id", "disease", "event_date", "date_onset", "date_admission", "date_report", "age_years", "sex", "unit_id",
    "place_level", "uncertainty_m", "classification", "verification", "treatment", "icd10", "outcome",
)  # fmt: skip


def case_rows(session: Session, case_ids: Sequence[int], as_of: datetime | None) -> list[CaseRow]:
    """The cases in the order of `case_ids`, as believed at `as_of` (None: now); those then unknown are left out."""
    query = (
        select(
            *[getattr(CaseVersion, name) for name in _OWN],
            IngestRun.source,
            Case.first_known_at,
            func.ST_X(CaseVersion.geom).label("lon"),
            func.ST_Y(CaseVersion.geom).label("lat"),
        )
        .join(Case, Case.id == CaseVersion.case_id)
        .join(CaseReportRow, CaseReportRow.id == CaseVersion.report_id)
        .join(IngestRun, IngestRun.id == CaseReportRow.run_id)
        .where(CaseVersion.case_id.in_(case_ids), believed(as_of))
    )
    members = outbreaks_of(session, case_ids, as_of)
    found = {
        row["case_id"]: CaseRow(**row, outbreak_ids=members.get(row["case_id"], ()))
        for row in session.execute(query).mappings()
    }
    return [found[case_id] for case_id in case_ids if case_id in found]


def outbreaks_of(
    session: Session, case_ids: Collection[int], as_of: datetime | None
) -> dict[int, tuple[int, ...]]:
    """The outbreaks that each case is a member of; cases of none are absent."""
    wanted = set(case_ids)
    query = (
        select(OutbreakVersion.outbreak_id, OutbreakVersion.members)
        .where(outbreak_believed(as_of), OutbreakVersion.members.overlap(cast(sorted(wanted), ARRAY(BIGINT))))
        .order_by(OutbreakVersion.outbreak_id)
    )
    found: dict[int, tuple[int, ...]] = {}
    if not wanted:
        return found
    for outbreak_id, members in session.execute(query):
        for case_id in wanted.intersection(members):
            found[case_id] = (*found.get(case_id, ()), outbreak_id)
    return found
