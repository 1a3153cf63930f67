"""Cases as outbreaks need them: one row for a case, and rows for the places where it lived, worked or studied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from geodata.text import fold
from geodata.types import PlaceLevel
from surveillance.lines import EPOCH, day_number
from surveillance.outbreaks.profiles import PlaceKind
from surveillance.types import BoolArray, Classification, FloatArray, Treatment

KINDS: tuple[PlaceKind, ...] = get_args(PlaceKind)
LEVELS = tuple(PlaceLevel)
METRIC = "EPSG:32648"
"""UTM zone 48 north: metres for southern Viet Nam. Another deployment names its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePlace:
    """A place of a case in projected metres (`project`). `setting` names the household, school, workplace or source;
    it links cases where the profile says so, also without a position."""

    kind: PlaceKind = "home"
    x: float | None = None
    y: float | None = None
    level: PlaceLevel = PlaceLevel.UNKNOWN
    uncertainty_m: float | None = None
    unit_id: int | None = None
    setting: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutbreakCase:
    """A case as believed now. `event_date` is onset; if missing, admission; if missing, report (domain.md §1.3).
    `verification` is the address verification outcome 1–8 of domain.md §1.2, None before it."""

    case_id: int
    event_date: date
    date_report: date
    places: tuple[CasePlace, ...]
    date_onset: date | None = None
    classification: Classification = Classification.SUSPECTED
    treatment: Treatment | None = None
    verification: int | None = None
    imported: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTable:
    """N cases of one disease, and their P places.

    `day`, `report_day` are days since lines.EPOCH; `inpatient` is 1, 0 or -1 (unknown); `verification` 0 before it.
    `place_case` (P,) is the row of the case; `kind` and `level` are positions in KINDS and LEVELS; `uncertainty_m`,
    `x`, `y` are NaN where unknown; `unit` is -1 and `setting` 0 where there is none.
    """

    case_id: NDArray[np.int64]
    day: NDArray[np.int64]
    report_day: NDArray[np.int64]
    by_onset: BoolArray
    confirmed: BoolArray
    discarded: BoolArray
    inpatient: NDArray[np.int8]
    verification: NDArray[np.int8]
    imported: BoolArray
    place_case: NDArray[np.int64]
    kind: NDArray[np.int8]
    x: FloatArray
    y: FloatArray
    level: NDArray[np.int8]
    uncertainty_m: FloatArray
    unit: NDArray[np.int64]
    setting: NDArray[np.int64]

    def __post_init__(self) -> None:
        if np.unique(self.case_id).size != self.case_id.size:
            raise ValueError("a case id occurs twice")

    def cases(self, chosen: BoolArray) -> CaseTable:
        """The cases where `chosen` (N,) holds, with their places."""
        number = np.cumsum(chosen) - 1
        here = chosen[self.place_case]
        columns = {name: getattr(self, name)[chosen] for name in CASE_COLUMNS}
        columns |= {name: getattr(self, name)[here] for name in PLACE_COLUMNS}
        return CaseTable(**columns | {"place_case": number[self.place_case[here]]})

    @classmethod
    def joined(cls, parts: Sequence[CaseTable]) -> CaseTable:
        """All cases of `parts` (at least one). Raises ValueError when an id occurs twice."""
        columns = {name: np.concatenate([getattr(p, name) for p in parts]) for name in cls.__slots__}
        shift = np.cumsum([0, *(p.case_id.size for p in parts[:-1])])
        owner = np.concatenate([p.place_case + by for p, by in zip(parts, shift, strict=True)])
        return cls(**columns | {"place_case": owner})

    def fingerprints(self) -> NDArray[np.uint64]:
        """A number for all that is known of each case, (N,): another one when anything changes."""
        cases = _mixed([getattr(self, name) for name in CASE_COLUMNS])
        places = _mixed([getattr(self, name) for name in PLACE_COLUMNS if name != "place_case"])
        np.add.at(cases, self.place_case, places)
        return cases


_CASES = CaseTable.__slots__.index("place_case")
CASE_COLUMNS, PLACE_COLUMNS = CaseTable.__slots__[:_CASES], CaseTable.__slots__[_CASES:]


def _mixed(columns: Sequence[NDArray[Any]]) -> NDArray[np.uint64]:
    """One number per row of equally long columns; sums of them stay apart (splitmix64's finaliser)."""
    mixed = np.zeros(columns[0].size, dtype=np.uint64)
    for column in columns:
        mixed += np.ascontiguousarray(column.astype(np.float64)).view(np.uint64) + np.uint64(
            0x9E3779B97F4A7C15
        )
        if column.dtype.itemsize == 8 and column.dtype.kind == "i":
            mixed += column.view(np.uint64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed


def tabulate(cases: Sequence[OutbreakCase]) -> CaseTable:
    """The cases as arrays. Raises ValueError when an id occurs twice."""
    places = [(row, place) for row, case in enumerate(cases) for place in case.places]
    return CaseTable(
        case_id=_ints(case.case_id for case in cases),
        day=_ints(day_number(case.event_date) for case in cases),
        report_day=_ints(day_number(case.date_report) for case in cases),
        by_onset=_flags(case.date_onset is not None for case in cases),
        confirmed=_flags(case.classification is Classification.CONFIRMED for case in cases),
        discarded=_flags(case.classification is Classification.DISCARDED for case in cases),
        inpatient=_ints(_inpatient(case.treatment) for case in cases).astype(np.int8),
        verification=_ints(case.verification or 0 for case in cases).astype(np.int8),
        imported=_flags(case.imported for case in cases),
        place_case=_ints(row for row, _ in places),
        kind=_ints(KINDS.index(place.kind) for _, place in places).astype(np.int8),
        x=_floats(place.x for _, place in places),
        y=_floats(place.y for _, place in places),
        level=_ints(LEVELS.index(place.level) for _, place in places).astype(np.int8),
        uncertainty_m=_floats(place.uncertainty_m for _, place in places),
        unit=_ints(-1 if place.unit_id is None else place.unit_id for _, place in places),
        setting=_ints(setting_number(place.setting) for _, place in places),
    )


def setting_number(name: str | None) -> int:
    """The same number for the same name, whatever its accents, case and spaces; 0 for none."""
    key = fold(name or "")
    if not key:
        return 0
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big", signed=True) or 1


def project(lon: FloatArray, lat: FloatArray, crs: str = METRIC) -> tuple[FloatArray, FloatArray]:
    """Longitudes and latitudes in metres of `crs`. What cannot be projected becomes NaN."""
    from pyproj import Transformer

    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    known = np.isfinite(x) & np.isfinite(y)
    return np.where(known, x, np.nan), np.where(known, y, np.nan)


def day_of(number: int) -> date:
    """The date of a day since lines.EPOCH."""
    return EPOCH + timedelta(days=int(number))


def _inpatient(treatment: Treatment | None) -> int:
    return -1 if treatment is None else int(treatment is Treatment.INPATIENT)


def _ints(values: Iterable[int]) -> NDArray[np.int64]:
    return np.fromiter(values, dtype=np.int64)


def _flags(values: Iterable[bool]) -> BoolArray:
    return np.fromiter(values, dtype=np.bool_)


def _floats(values: Iterable[float | None]) -> FloatArray:
    return np.fromiter((np.nan if v is None else v for v in values), dtype=np.float64)
