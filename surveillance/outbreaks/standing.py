"""Confirmed outbreaks as legal duties need them: when their clocks began, whether work began, whether they ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from surveillance.outbreaks.entries import begun_at, entries_of, work_done
from surveillance.outbreaks.lifecycle import OPEN, Status
from surveillance.outbreaks.models import OutbreakRow, OutbreakVersion
from surveillance.outbreaks.record import life_from_json
from surveillance.outbreaks.views import code_of

RUNNING = (*OPEN, Status.MONITORING, Status.PROPOSED)
OVER = (Status.CLOSED, Status.MERGED, Status.DISSOLVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`unit_id` is the lead commune. `status` says how it ended where `ended_at` is set."""

    id: int
    code: str
    disease: str
    unit_id: int
    begun_at: datetime
    handled_on: date | None
    status: Status
    ended_at: datetime | None


def standings(session: Session, *, zone: tzinfo, since: datetime) -> Sequence[Standing]:
    """Outbreaks that are confirmed now, and those that ended after `since`. A suspicion binds nobody."""
    version = OutbreakVersion
    rows = session.execute(
        select(OutbreakRow, version.status, version.life, version.units, version.known_from)
        .join(version, version.outbreak_id == OutbreakRow.id)
        .where(version.known_to.is_(None))
        .where(or_(version.status.in_(RUNNING), and_(version.status.in_(OVER), version.known_from >= since)))
        .order_by(OutbreakRow.id)
    ).all()
    confirmed = [row for row in rows if row.status in RUNNING or life_from_json(row.life).confirmed_on]
    entries = entries_of(session, [row.OutbreakRow.id for row in confirmed])
    found = []
    for row in confirmed:
        mine, outbreak = entries.get(row.OutbreakRow.id, ()), row.OutbreakRow
        found.append(
            Standing(
                id=outbreak.id,
                code=code_of(outbreak.id),
                disease=outbreak.disease,
                unit_id=row.units[0],
                begun_at=begun_at(mine, outbreak.first_known_at),
                handled_on=work_done(mine, zone).handling_started,
                status=Status(row.status),
                ended_at=row.known_from if row.status in OVER else None,
            )
        )
    return found
