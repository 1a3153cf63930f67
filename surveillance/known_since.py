"""What became known after a moment: cases of a period then and now, and the last word of each method on its period."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from surveillance.lines import believed
from surveillance.models import CaseVersion, SignalRow
from surveillance.signals import COLUMNS, to_signal
from surveillance.types import Classification, Signal


def cases_in(
    session: Session, *, disease: str, unit_id: int, first: date, last: date, as_of: datetime | None
) -> int:
    """Cases of `first`..`last` in the unit, as believed at `as_of` (None: now); discarded ones are none."""
    query = select(func.count()).where(
        CaseVersion.disease == disease,
        CaseVersion.unit_id == unit_id,
        CaseVersion.event_date.between(first, last),
        CaseVersion.classification != Classification.DISCARDED,
        believed(as_of),
    )
    return session.scalar(query) or 0


def last_words(
    session: Session, *, disease: str, unit_id: int, periods: Collection[date]
) -> dict[tuple[str, str, date], Signal]:
    """The newest signal that was ever kept of each method, frequency and first day of period."""
    key = (SignalRow.method, SignalRow.frequency, SignalRow.period_start)
    columns = [getattr(SignalRow, name) for name in COLUMNS]
    query = (
        select(*columns)
        .ext(distinct_on(*key))
        .where(
            SignalRow.disease == disease,
            SignalRow.unit_id == unit_id,
            SignalRow.period_start.in_(periods),
        )
        .order_by(*key, SignalRow.known_from.desc())
    )
    found = [to_signal(row) for row in session.execute(query).mappings()]
    return {(s.method, s.frequency.value, s.period_start): s for s in found}
