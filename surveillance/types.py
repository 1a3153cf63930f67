"""The published language of surveillance: the values that cross package boundaries.

`alerts` and `reports` know surveillance through this module only. Everything here is a plain value: no
database, clock or framework. A *signal* is statistical, an *alert* is what policy made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from i18n import Message

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class Frequency(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Classification(StrEnum):
    """Diagnosis class, open list of domain.md §2.2 (suspected and confirmed are on Form 01)."""

    SUSPECTED = "suspected"
    PROBABLE = "probable"
    CONFIRMED = "confirmed"
    DISCARDED = "discarded"


class Treatment(StrEnum):
    INPATIENT = "inpatient"
    OUTPATIENT = "outpatient"


class Outcome(StrEnum):
    """How a stay in hospital ended (Form 01 of 97/QĐ-PB, domain.md §2.2)."""

    DISCHARGED = "discharged"
    TRANSFERRED = "transferred"
    DIED = "died"
    OTHER = "other"


class Verification(IntEnum):
    """What the ward found at the address it was given: HCDC's list `dm_xacminh_cb` (domain.md §1.2 item 4)."""

    ADDRESS_IN_OTHER_WARD = 1
    ADDRESS_IN_OTHER_DISTRICT = 2
    ADDRESS_NOT_FOUND = 3
    PATIENT_IN_OTHER_WARD = 4
    PATIENT_IN_OTHER_DISTRICT = 5
    PATIENT_ELSEWHERE = 6
    OTHER_DISEASE = 7
    VERIFIED = 8


class StatutoryStatus(StrEnum):
    """Status of a disease in a commune by Circular 15/2026 arts. 16 and 22 (domain.md §2.1)."""

    NONE = "none"
    WARNING = "warning"
    EPIDEMIC = "epidemic"
    ENDED = "ended"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What names a person. Never printed: kept out of repr, logs and errors; stored encrypted."""

    name: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    guardian: str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)
    occupation: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReport:
    """One row a source sent, validated, before it is linked to a case.

    `commune`, `district`, `province` are the source's words; `unit_code` is given where the source has codes.
    `lon`/`lat` only when the source itself measured them. With a `verification` it is a ward's investigation of a
    case a hospital reported: `disease` is "" and `date_report` is the day of the investigation.
    """

    row: int
    disease: str
    date_report: date
    date_onset: date | None = None
    date_admission: date | None = None
    icd10: str | None = None
    facility: str | None = None
    facility_case_no: str | None = field(default=None, repr=False)
    sex: str | None = None
    age_years: int | None = None
    classification: Classification = Classification.SUSPECTED
    treatment: Treatment | None = None
    commune: str | None = None
    district: str | None = None
    province: str | None = None
    unit_code: str | None = None
    lon: float | None = None
    lat: float | None = None
    uncertainty_m: float | None = None
    setting: str | None = None
    outcome: Outcome | None = None
    date_outcome: date | None = None
    verification: Verification | None = None
    identity: Identity = field(default_factory=Identity, repr=False)

    @property
    def event_date(self) -> date:
        """Onset; if missing, admission (HCDC's `ngaymacbenh_nv`, domain.md §1.3); if missing, report."""
        return self.date_onset or self.date_admission or self.date_report


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A row that could not be taken: where, what stood there, why and how to mend it."""

    row: int
    column: str | None
    value: str | None = field(repr=False)
    reason: Message


class SeriesKey(NamedTuple):
    disease: str
    unit_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CountSeries:
    """Counts of S series over T equal steps, as known at `as_of`.

    `observed` has shape (S, T), NaN where unknown (unknown is not zero). `start` is the first day of the first
    step; steps are days, ISO weeks (Monday) or calendar months. `population` is (S, T) persons or None.
    """

    keys: tuple[SeriesKey, ...]
    frequency: Frequency
    start: date
    observed: FloatArray
    as_of: datetime
    population: FloatArray | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a detector says of E evaluated steps (indices into T) of S series; arrays are (S, E).

    `alarm` needs observed > upperbound and observed > 0. `reason` holds a short code, empty where the bound
    stands on its own, such as "insufficient_history"; there `expected` and `upperbound` are NaN.
    """

    evaluated: NDArray[np.int64]
    expected: FloatArray
    upperbound: FloatArray
    alarm: BoolArray
    score: FloatArray
    reason: NDArray[np.str_]


class Detector(Protocol):
    """One signature for every method: counts in, bounds out. Pure."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def __call__(self, series: CountSeries) -> Bounds: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One method's finding for one disease in one unit in the period that holds `as_of`.

    `status` is set by the statutory method only. `detail` holds further numbers the reasons and the screens
    use (mean, sd, years used, …), JSON-serialisable.
    """

    disease: str
    unit_id: int
    method: str
    method_version: str
    frequency: Frequency
    period_start: date
    as_of: datetime
    observed: float
    expected: float | None
    upperbound: float | None
    alarm: bool
    reason: Message
    status: StatutoryStatus | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """A signal and when it was believed: from `known_from` until before `known_to` (None: still)."""

    signal: Signal
    known_from: datetime
    known_to: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Every source of `disease` was silent from `known_from` until before `known_to` (None: still)."""

    disease: str
    known_from: datetime
    known_to: datetime | None
