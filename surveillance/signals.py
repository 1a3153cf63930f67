"""Signals as they are kept: what each method found, and from when until when we believed it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb
from sqlalchemy import RowMapping, and_, or_, select, true, update
from sqlalchemy.orm import Session

from i18n import Message
from surveillance.models import SignalRow
from surveillance.types import Frequency, Signal, StatutoryStatus


class SignalKey(NamedTuple):
    disease: str
    unit_id: int
    method: str
    frequency: str


class Content(NamedTuple):
    """What makes a signal another one when it changes. `reason` is a Message as JSON."""

    method_version: str
    period_start: date
    observed: float
    expected: float | None
    upperbound: float | None
    alarm: bool
    status: str | None
    reason: dict[str, Any]
    detail: dict[str, Any]


class Stored(NamedTuple):
    """A signal believed now: its row, since when, and its content."""

    id: int
    known_from: datetime
    content: Content


COLUMNS = (*SignalKey._fields, *Content._fields, "known_from")


def current_signals(
    session: Session,
    *,
    as_of: datetime | None = None,
    disease: str | None = None,
    unit_ids: Collection[int] | None = None,
) -> list[Signal]:
    """Signals believed at `as_of` (None: now). Their `as_of` is the moment from which they were believed."""
    rows = select(SignalRow).order_by(SignalRow.disease, SignalRow.unit_id, SignalRow.method)
    if as_of is None:
        rows = rows.where(SignalRow.known_to.is_(None))
    else:
        rows = rows.where(
            SignalRow.known_from <= as_of, or_(SignalRow.known_to.is_(None), SignalRow.known_to > as_of)
        )
    if disease is not None:
        rows = rows.where(SignalRow.disease == disease)
    if unit_ids is not None:
        rows = rows.where(SignalRow.unit_id.in_(unit_ids))
    columns = [getattr(SignalRow, name) for name in COLUMNS]
    return [to_signal(row) for row in session.execute(rows.with_only_columns(*columns)).mappings()]


def stored_signals(
    session: Session,
    diseases: Sequence[str],
    unit_ids: Sequence[int] | None,
    *,
    methods: Collection[str] | None = None,
    without: Collection[str] = (),
) -> dict[SignalKey, Stored]:
    """What is believed now of these diseases in these units (None: everywhere) by `methods` (None: any), but not
    by those `without`."""
    names = ("id", "known_from", *SignalKey._fields, *Content._fields)
    columns = [getattr(SignalRow, name) for name in names]
    query = select(*columns).where(
        and_(
            SignalRow.known_to.is_(None),
            SignalRow.disease.in_(diseases),
            true() if unit_ids is None else SignalRow.unit_id.in_([int(u) for u in unit_ids]),
            SignalRow.method.not_in(without),
            true() if methods is None else SignalRow.method.in_(methods),
        )
    )
    return {SignalKey(*row[2:6]): Stored(row[0], row[1], Content(*row[6:])) for row in session.execute(query)}


def store_signals(
    session: Session, signals: Iterable[Signal], before: dict[SignalKey, Stored], *, now: datetime
) -> int:
    """Close what is no longer believed and write what is new; returns how many signals changed.

    A clock that went back (a data clock after a file was undone) never reorders what was known: then changes
    are dated with the newest belief they replace.
    """
    fresh = {_key(signal): signal for signal in signals}
    changed = {
        key: signal
        for key, signal in fresh.items()
        if key not in before or before[key].content != _content(signal)
    }
    closing = [stored for key, stored in before.items() if key in changed or key not in fresh]
    moment = max([now, *(stored.known_from for stored in closing)])
    if closing:
        session.execute(
            update(SignalRow)
            .where(SignalRow.id.in_([stored.id for stored in closing]))
            .values(known_to=moment)
            .execution_options(synchronize_session=False)
        )
    _insert(session, changed, moment)
    return len(changed) + sum(key not in fresh for key in before)


def replace_signals(
    session: Session,
    signals: Iterable[Signal],
    diseases: Sequence[str],
    unit_ids: Sequence[int] | None,
    *,
    method: str,
    now: datetime,
) -> int:
    """Make `signals` all that `method` says of these diseases in these units (None: everywhere); returns how many
    changed."""
    before = stored_signals(session, diseases, unit_ids, methods=[method])
    return store_signals(session, signals, before, now=now)


def _insert(session: Session, signals: dict[SignalKey, Signal], moment: datetime) -> None:
    if not signals:
        return
    cursor = session.connection().connection.cursor()
    try:
        with cursor.copy(f"COPY signal ({', '.join(COLUMNS)}) FROM STDIN") as copy:
            for key, signal in signals.items():
                *plain, reason, detail = _content(signal)
                copy.write_row((*key, *plain, Jsonb(reason), Jsonb(detail), moment))
    finally:
        cursor.close()


def _key(signal: Signal) -> SignalKey:
    return SignalKey(signal.disease, signal.unit_id, signal.method, signal.frequency.value)


def _content(signal: Signal) -> Content:
    return Content(
        method_version=signal.method_version,
        period_start=signal.period_start,
        observed=signal.observed,
        expected=signal.expected,
        upperbound=signal.upperbound,
        alarm=signal.alarm,
        status=signal.status.value if signal.status else None,
        reason=signal.reason.to_json(),
        detail=dict(signal.detail),
    )


def to_signal(row: RowMapping) -> Signal:
    """Of a row with COLUMNS."""
    return Signal(
        disease=row["disease"],
        unit_id=row["unit_id"],
        method=row["method"],
        method_version=row["method_version"],
        frequency=Frequency(row["frequency"]),
        period_start=row["period_start"],
        as_of=row["known_from"],
        observed=row["observed"],
        expected=row["expected"],
        upperbound=row["upperbound"],
        alarm=row["alarm"],
        reason=Message.from_json(row["reason"]),
        status=StatutoryStatus(row["status"]) if row["status"] else None,
        detail=row["detail"],
    )
