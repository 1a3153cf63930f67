"""The line list as arrays: what was known of every case, ready to be counted in any way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import Session

from surveillance.models import CaseVersion
from surveillance.types import Classification, FloatArray

EPOCH = date(2000, 1, 1)
"""PostgreSQL counts days and microseconds from here; so do these arrays."""
COUNTED = frozenset(Classification) - {Classification.DISCARDED}
FOREVER = np.iinfo(np.int64).max
_ROW = np.dtype(
    [
        ("disease", ">i4"),
        ("unit", ">i4"),
        ("day", ">i4"),
        ("reported", ">i4"),
        ("confirmed", "?"),
        ("setting", ">i8"),
        ("former", ">i4"),
        ("known_from", ">i8"),
        ("known_to", ">i8"),
    ]
)
"""A case as the query below packs it: PostgreSQL's own binary values, one after the other."""

_KNOWN = {
    "current": "v.known_to IS NULL",
    "as_of": "v.known_from <= %(as_of)s AND (v.known_to IS NULL OR v.known_to > %(as_of)s)",
    "ever": "v.known_from <= %(as_of)s",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """N believed versions of cases, discarded ones left out.

    `disease` and `unit` (N,) are positions in `diseases` and `unit_ids`; `day` is the event date and `reported`
    the report date in days since EPOCH; `setting` is 0 where the source named none, else the same number for
    the same name; `former` is the id of the old unit that was split where the source named only that one, so that
    `unit` is an estimate, else 0; `known_from` and `known_to` are microseconds since EPOCH (UTC), FOREVER while
    still believed.
    """

    diseases: tuple[str, ...]
    unit_ids: tuple[int, ...]
    disease: NDArray[np.int32]
    unit: NDArray[np.int32]
    day: NDArray[np.int32]
    reported: NDArray[np.int32]
    confirmed: NDArray[np.bool_]
    setting: NDArray[np.int64]
    former: NDArray[np.int32]
    known_from: NDArray[np.int64]
    known_to: NDArray[np.int64]

    def take(self, chosen: NDArray[np.bool_]) -> Lines:
        """The lines where `chosen` (N,) holds."""
        arrays = {f.name: getattr(self, f.name)[chosen] for f in fields(self) if f.name not in _NAMES}
        return replace(self, **arrays)

    def known_at(self, moment: datetime) -> Lines:
        """What was believed at `moment`."""
        at = microseconds(moment)
        return self.take((self.known_from <= at) & (at < self.known_to))

    def between(self, first: date, last: date) -> Lines:
        """Lines whose event lies in `first`..`last`, both included."""
        return self.take((self.day >= day_number(first)) & (self.day <= day_number(last)))

    def totals(self) -> FloatArray:
        """Number of lines, shape (D, U)."""
        shape = len(self.diseases), len(self.unit_ids)
        cell = self.disease * shape[1] + self.unit
        return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)

    def daily(self, start: date, end: date) -> FloatArray:
        """Number of lines per day of `start`..`end`, both included, shape (D, U, T)."""
        shape = len(self.diseases), len(self.unit_ids), (end - start).days + 1
        offset = self.day.astype(np.int64) - day_number(start)
        inside = (offset >= 0) & (offset < shape[2])
        cell = (self.disease * np.int64(shape[1]) + self.unit) * shape[2] + offset
        counts = np.bincount(cell[inside], minlength=shape[0] * shape[1] * shape[2])
        return counts.reshape(shape).astype(np.float64)


_NAMES = ("diseases", "unit_ids")


def believed(as_of: datetime | None) -> ColumnElement[bool]:
    """Versions believed at `as_of`; None: believed now, by the partial index."""
    if as_of is None:
        return CaseVersion.known_to.is_(None)
    return and_(
        CaseVersion.known_from <= as_of,
        or_(CaseVersion.known_to.is_(None), CaseVersion.known_to > as_of),
    )


def day_number(day: date) -> int:
    """Days since EPOCH."""
    return (day - EPOCH).days


def microseconds(moment: datetime) -> int:
    """Microseconds since EPOCH in UTC. `moment` must have a time zone."""
    return (moment - datetime(EPOCH.year, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def load_lines(
    session: Session,
    diseases: Sequence[str],
    *,
    unit_ids: Sequence[int],
    start: date,
    end: date,
    as_of: datetime | None,
    every_version: bool = False,
    classification: Collection[Classification] | None = None,
) -> Lines:
    """Cases of `diseases` in `unit_ids` with an event in `start`..`end`, as believed at `as_of` (None: now).

    With `every_version` all versions known by `as_of`, so that `Lines.known_at` can go back in time.
    The server packs the lines into one value: 400,000 cases without 400,000 Python rows.
    """
    if every_version and as_of is None:
        raise ValueError("every_version needs as_of")
    known = "ever" if every_version else "current" if as_of is None else "as_of"
    query = f"""
        SELECT count(*), string_agg(
            int4send(array_position(%(diseases)s::text[], v.disease::text) - 1)
            || int4send(v.unit_id::int4) || date_send(v.event_date) || date_send(v.date_report)
            || boolsend(v.classification = 'confirmed')
            || int8send(CASE WHEN btrim(coalesce(v.setting, '')) = '' THEN 0
                        ELSE hashtextextended(lower(btrim(v.setting)), 0) END)
            || int4send(CASE WHEN v.place_estimated THEN coalesce(v.former_unit_id, 0)::int4 ELSE 0 END)
            || timestamptz_send(v.known_from) || timestamptz_send(coalesce(v.known_to, 'infinity')),
            ''::bytea)
        FROM case_version v
        WHERE v.disease = ANY(%(diseases)s::text[]) AND v.unit_id = ANY(%(units)s::int8[])
          AND v.event_date BETWEEN %(start)s::date AND %(end)s::date
          AND v.classification = ANY(%(wanted)s::text[]) AND {_KNOWN[known]}"""
    rows = _packed_rows(
        session,
        query,
        {
            "diseases": list(diseases),
            "units": [int(u) for u in unit_ids],
            "start": start,
            "end": end,
            "wanted": [str(c) for c in COUNTED if classification is None or c in classification],
            "as_of": as_of,
        },
    )
    position = {unit: i for i, unit in enumerate(unit_ids)}
    places, where = np.unique(rows["unit"].astype(np.int64), return_inverse=True)
    return Lines(
        diseases=tuple(diseases),
        unit_ids=tuple(unit_ids),
        disease=rows["disease"].astype(np.int32),
        unit=np.array([position[int(u)] for u in places], dtype=np.int32)[where],
        day=rows["day"].astype(np.int32),
        reported=rows["reported"].astype(np.int32),
        confirmed=rows["confirmed"].astype(bool),
        setting=rows["setting"].astype(np.int64),
        former=rows["former"].astype(np.int32),
        known_from=rows["known_from"].astype(np.int64),
        known_to=rows["known_to"].astype(np.int64),
    )


def _packed_rows(session: Session, query: str, values: dict[str, object]) -> NDArray[np.void]:
    """Rows of `query`, in binary. Raises ValueError when a row was lost because a part of it is NULL."""
    connection = session.connection().connection.driver_connection
    with cast(Connection[Any], connection).cursor(binary=True) as cursor:
        [(count, packed)] = cursor.execute(query, values).fetchall()
    rows = np.frombuffer(packed or b"", dtype=_ROW)
    if len(rows) != count:
        raise ValueError(f"{count} cases, but only {len(rows)} are complete")
    return rows
