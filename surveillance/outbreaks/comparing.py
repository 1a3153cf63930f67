"""Before and after the measures of one outbreak, against communes without one: reads, then `effect`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from surveillance.case_filter import CaseFilter
from surveillance.columns import Columns
from surveillance.outbreaks.effect import Counts, Effect, Unknown, measure_effect
from surveillance.outbreaks.entries import COMMUNICATION, LARVICIDE, SPRAYING, Entry
from surveillance.outbreaks.models import OutbreakEvent, OutbreakRow, OutbreakVersion
from surveillance.outbreaks.record import WITHDRAWN_EVENT
from surveillance.outbreaks.views import believed
from surveillance.slices import by_unit

WINDOW_DAYS = 28
LAG_DAYS = 7
"""Who was infected before the measure still falls ill: these days count neither as before nor as after."""
COMPARED = (SPRAYING, LARVICIDE, COMMUNICATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A measure's first round on `on`; `products` were named in this one or those after it. `found` None: the days
    after are over only on `ready_on`."""

    kind: str
    on: date
    ready_on: date
    found: Effect | Unknown | None
    products: tuple[str, ...] = ()


def comparisons(
    session: Session, columns: Columns, *, disease: str, units: Collection[int], measures: Sequence[Entry],
    today: date, as_of: datetime | None = None,
) -> list[Comparison]:  # fmt: skip
    """One for each kind of measure that was done, by its first round."""
    first = {
        kind: min((m.on for m in measures if m.kind == kind and m.on), default=None) for kind in COMPARED
    }
    return [
        replace(
            _compare(session, columns, kind, on, disease, frozenset(units), today, as_of),
            products=tuple(dict.fromkeys(m.product for m in measures if m.kind == kind and m.product)),
        )
        for kind, on in first.items()
        if on is not None
    ]


def _compare(
    session: Session, columns: Columns, kind: str, on: date, disease: str, units: frozenset[int], today: date,
    as_of: datetime | None,
) -> Comparison:  # fmt: skip
    end = on + timedelta(days=LAG_DAYS + WINDOW_DAYS - 1)
    ready = end + timedelta(days=1)
    if today < ready:
        return Comparison(kind=kind, on=on, ready_on=ready, found=None)

    def counted(start: date, last: date) -> dict[int, int]:
        wanted = CaseFilter(start=start, end=last, disease=disease, as_of=as_of)
        return by_unit(columns, columns.rows(wanted))[0]

    before = counted(on - timedelta(days=WINDOW_DAYS), on - timedelta(days=1))
    after = counted(on + timedelta(days=LAG_DAYS), end)
    busy = units | _with_measure(session, kind, disease, on - timedelta(days=WINDOW_DAYS), end, as_of)
    others = {u: Counts(n, after.get(u, 0)) for u, n in before.items() if u not in busy}
    treated = Counts(sum(before.get(u, 0) for u in units), sum(after.get(u, 0) for u in units))
    return Comparison(kind=kind, on=on, ready_on=ready, found=measure_effect(treated, others))


def _with_measure(
    session: Session, kind: str, disease: str, start: date, end: date, as_of: datetime | None
) -> frozenset[int]:
    """Communes of the disease's outbreaks in which such a measure was done in these days."""
    done = OutbreakEvent.detail["on"].as_string()
    gone = select(OutbreakEvent.detail["entry"].as_integer()).where(OutbreakEvent.kind == WITHDRAWN_EVENT)
    query = (
        select(OutbreakVersion.units)
        .join(OutbreakRow, OutbreakRow.id == OutbreakVersion.outbreak_id)
        .join(OutbreakEvent, OutbreakEvent.outbreak_id == OutbreakRow.id)
        .where(OutbreakRow.disease == disease, believed(as_of), OutbreakEvent.kind == kind)
        .where(done.between(start.isoformat(), end.isoformat()))
    )
    if as_of is not None:
        query, gone = query.where(OutbreakEvent.at <= as_of), gone.where(OutbreakEvent.at <= as_of)
    return frozenset(
        u for units in session.scalars(query.where(OutbreakEvent.id.not_in(gone))) for u in units
    )
