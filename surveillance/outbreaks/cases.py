"""Reads the cases that outbreaks are made of, as believed at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from geodata.areas import surveyed_land
from geodata.types import PlaceLevel
from surveillance.lines import believed, day_number
from surveillance.models import CaseVersion
from surveillance.outbreaks.eligibility import Area
from surveillance.outbreaks.profiles import PlaceKind, Profile
from surveillance.outbreaks.table import KINDS, LEVELS, CaseTable, project, setting_number
from surveillance.types import Classification, Treatment

FELL_ILL = func.coalesce(CaseVersion.date_onset, CaseVersion.event_date)
"""The onset a ward learnt does not move the day a case is counted on (docs/decisions/verification.md)."""

SHORE_M = 1_000.0
"""Boats, new land and the coarseness of a border: nearer than that to the land is no mistake."""

COLUMNS = (
    CaseVersion.case_id, FELL_ILL, CaseVersion.date_report, CaseVersion.date_onset,
    CaseVersion.classification, CaseVersion.treatment, CaseVersion.verification, CaseVersion.setting,
    CaseVersion.unit_id, CaseVersion.place_level, CaseVersion.uncertainty_m,
    func.ST_X(CaseVersion.geom), func.ST_Y(CaseVersion.geom),
)  # fmt: skip


def load_cases(
    session: Session, profile: Profile, *, since: date, as_of: datetime | None, crs: str
) -> CaseTable:
    """Cases of the profile's disease that fell ill from `since` on; positions in metres of `crs`."""
    query = (
        select(*COLUMNS)
        .where(CaseVersion.disease == profile.disease, CaseVersion.event_date >= since, believed(as_of))
        .where(since <= FELL_ILL)
        .order_by(CaseVersion.case_id)
    )
    return _table([tuple(row) for row in session.execute(query)], profile, crs)


def load_versions(
    session: Session, profile: Profile, *, since: date, start: datetime, end: datetime, crs: str
) -> tuple[CaseTable, NDArray[np.int64], list[tuple[datetime, datetime | None]]]:
    """The versions of those cases that were believed at some time of `start`..`end`, in the order in which they came
    to be: the table numbers versions instead of cases; beside it the case of each, (N,), and when it was believed."""
    query = (
        select(*COLUMNS, CaseVersion.known_from, CaseVersion.known_to)
        .where(CaseVersion.disease == profile.disease, CaseVersion.event_date >= since)
        .where(since <= FELL_ILL, CaseVersion.known_from <= end)
        .where(or_(CaseVersion.known_to.is_(None), CaseVersion.known_to > start))
        .order_by(CaseVersion.known_from, CaseVersion.case_id)
    )
    rows = [tuple(row) for row in session.execute(query)]
    table = _table([(number, *row[1:-2]) for number, row in enumerate(rows)], profile, crs)
    return table, _ints([row[0] for row in rows]), [row[-2:] for row in rows]


def load_area(session: Session, crs: str) -> Area | None:
    """Where positions may lie, in metres of `crs`; None where boundaries do not tell."""
    land = surveyed_land(session, beyond_m=SHORE_M)
    if land is None:
        return None
    area = shapely.transform(land, lambda xy: np.column_stack(project(xy[:, 0], xy[:, 1], crs)))
    shapely.prepare(area)
    return area


def _table(rows: Sequence[tuple[Any, ...]], profile: Profile, crs: str) -> CaseTable:
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
    (case, event, report, onset, status, treatment, verification, setting, unit, level, sigma, lon, lat) = (
        columns
    )
    x, y = project(_floats(lon), _floats(lat), crs)
    named = _ints([_shared_number(name, where) for name, where in zip(setting, unit, strict=True)])
    owner = np.flatnonzero(named != 0)
    homes = len(case)
    shared = np.full(owner.size, np.nan)
    units = _ints([-1 if u is None else u for u in unit])
    return CaseTable(
        case_id=_ints(case),
        day=_ints([day_number(d) for d in event]),
        report_day=_ints([day_number(d) for d in report]),
        by_onset=np.array([d is not None for d in onset], dtype=np.bool_),
        confirmed=np.array([s == Classification.CONFIRMED for s in status], dtype=np.bool_),
        discarded=np.array([s == Classification.DISCARDED for s in status], dtype=np.bool_),
        inpatient=np.array([_inpatient(t) for t in treatment], dtype=np.int8),
        verification=np.array([v or 0 for v in verification], dtype=np.int8),
        imported=np.zeros(homes, dtype=np.bool_),
        place_case=np.concatenate([np.arange(homes), owner]),
        kind=np.concatenate([np.zeros(homes, np.int8), np.full(owner.size, _shared_kind(profile), np.int8)]),
        x=np.concatenate([x, shared]),
        y=np.concatenate([y, shared]),
        level=np.concatenate(
            [np.array([LEVELS.index(PlaceLevel(v)) for v in level], np.int8), np.full(owner.size, UNPLACED)]
        ).astype(np.int8),
        uncertainty_m=np.concatenate([_floats(sigma), shared]),
        unit=np.concatenate([units, units[owner]]),
        setting=np.concatenate([np.zeros(homes, np.int64), named[owner]]),
    )


def _shared_number(name: str | None, unit_id: int | None) -> int:
    """The same name in two communes is not taken for the same school (domain.md §3)."""
    return setting_number(f"{name} @{unit_id}") if name and name.strip() else 0


UNPLACED = LEVELS.index(PlaceLevel.UNKNOWN)


def _shared_kind(profile: Profile) -> int:
    """A source names one place where people meet; which kind it is matters only for whether it takes part."""
    order: tuple[PlaceKind, ...] = ("school", "source", "work", "other", "home")
    return KINDS.index(next(kind for kind in order if kind in profile.places))


def _inpatient(treatment: str | None) -> int:
    return -1 if treatment is None else int(treatment == Treatment.INPATIENT)


def _ints(values: Sequence[int]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def _floats(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
