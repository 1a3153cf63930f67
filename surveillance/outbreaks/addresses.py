"""Where the members of an outbreak live, in words: for the officer who goes there. Personal data; the caller writes
down that they were read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from surveillance.lines import believed as case_believed
from surveillance.models import CaseReportRow, CaseVersion
from surveillance.outbreaks.models import OutbreakVersion
from surveillance.outbreaks.views import believed, within
from surveillance.privacy import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAddress:
    """`address` as the report has it, None where it has none. Never a name."""

    case_id: int
    event_date: date
    place_level: str
    address: str | None = field(repr=False)


def member_addresses(
    session: Session, outbreak_id: int, *, area_ids: Collection[int] | None, vault: Vault
) -> list[MemberAddress]:
    """Of the members that live in these units (None: anywhere), the newest first."""
    members = select(func.unnest(OutbreakVersion.members)).where(
        OutbreakVersion.outbreak_id == outbreak_id, believed(None), within(area_ids)
    )
    query = (
        select(
            CaseVersion.case_id, CaseVersion.event_date, CaseVersion.place_level, CaseReportRow.identity,
            CaseReportRow.facts["commune"].astext.label("commune"),
        )
        .join(CaseReportRow, CaseReportRow.id == CaseVersion.report_id)
        .where(CaseVersion.case_id.in_(members), case_believed(None))
        .order_by(CaseVersion.event_date.desc(), CaseVersion.case_id)
    )  # fmt: skip
    if area_ids is not None:
        query = query.where(CaseVersion.unit_id.in_(area_ids))
    return [
        MemberAddress(
            case_id=row.case_id, event_date=row.event_date, place_level=row.place_level,
            address=_words(vault.decrypt(row.identity).get("address") if row.identity else None, row.commune),
        )
        for row in session.execute(query)
    ]  # fmt: skip


def _words(address: str | None, commune: str | None) -> str | None:
    return ", ".join(filter(None, (address, commune))) or None
