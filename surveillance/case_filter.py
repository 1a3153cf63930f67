"""Which cases are looked at: one value that map, charts, tables and pictures share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args

DatedBy = Literal["event", "onset", "admission", "report"]
Sex = Literal["male", "female"]
Severity = Literal["inpatient", "outpatient", "severe", "died"]
Status = Literal["suspected", "probable", "confirmed", "verified", "unverified", "discarded"]

DATED_BY: tuple[DatedBy, ...] = get_args(DatedBy)
SEXES: tuple[Sex, ...] = get_args(Sex)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True)
class Circle:
    """Degrees (WGS84) and metres."""

    lon: float
    lat: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Lasso:
    """A closed line drawn by hand: (longitude, latitude) in degrees, at least three."""

    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """Cases with `start` <= day <= `end`, their day being `dated_by`, as believed at `as_of` (None: now).

    None means any. `disease` None: every watched one. `ages` in whole years, both included. `status` None counts all
    but discarded cases; "verified" are those whose ward found the patient ill, "unverified" the other counted ones.
    `readable` are the communes whose single cases the reader may see (None: all).
    """

    start: date
    end: date
    as_of: datetime | None = None
    dated_by: DatedBy = "event"
    disease: str | None = None
    units: frozenset[int] | None = None
    within: Circle | Lasso | None = None
    ages: tuple[int, int] | None = None
    sex: Sex | None = None
    severity: Severity | None = None
    status: Status | None = None
    source: str | None = None
    readable: frozenset[int] | None = None

    @property
    def narrowed(self) -> bool:
        """Whether it asks for less than all counted cases of the disease in its period."""
        parts = (
            self.units,
            self.within,
            self.ages,
            self.sex,
            self.severity,
            self.status,
            self.source,
        )
        return self.dated_by != "event" or any(part is not None for part in parts)
