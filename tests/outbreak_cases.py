"""Cases for outbreak tests: metres and days from a corner of the city and the first of June."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from geodata.types import PlaceLevel
from surveillance.outbreaks.find import Finding, find_outbreaks
from surveillance.outbreaks.profiles import Profile, load_profiles
from surveillance.outbreaks.table import CasePlace, CaseTable, OutbreakCase, tabulate
from surveillance.types import Classification, Treatment

JUNE = date(2026, 6, 1)
TODAY = date(2026, 12, 31)
EAST, NORTH = 680_000.0, 1_190_000.0
PROFILES = load_profiles()
HCDC, MOH, NEA = PROFILES["HCDC-2021"], PROFILES["MOH-3711"], PROFILES["NEA-150m-14d"]
UNBOUNDED = replace(HCDC, max_diameter_m=None, max_age_days=100_000)


def house(x: float, y: float = 0.0, *, unit: int = 1, **more: Any) -> CasePlace:
    return CasePlace(x=EAST + x, y=NORTH + y, level=PlaceLevel.HOUSE, unit_id=unit, **more)


def case(case_id: int, x: float, day: int, *, y: float = 0.0, unit: int = 1, **more: Any) -> OutbreakCase:
    """An inpatient with onset on that day of June, reported two days later, unless said otherwise."""
    onset = JUNE + timedelta(days=day)
    given: dict[str, Any] = {
        "case_id": case_id,
        "event_date": onset,
        "date_onset": onset,
        "date_report": onset + timedelta(days=2),
        "places": (house(x, y, unit=unit),),
        "treatment": Treatment.INPATIENT,
        "classification": Classification.SUSPECTED,
    }
    return OutbreakCase(**given | more)


def at_school(case_id: int, day: int, school: str, **more: Any) -> OutbreakCase:
    return case(case_id, 0, day, places=(CasePlace(kind="school", setting=school, unit_id=1),), **more)


def find(cases: Sequence[OutbreakCase], profile: Profile = HCDC, **more: Any) -> Finding:
    return find_outbreaks(tabulate(cases), profile, **{"today": TODAY} | more)


def groups(cases: Sequence[OutbreakCase], profile: Profile = HCDC) -> set[frozenset[int]]:
    """The members of each outbreak."""
    return {frozenset(outbreak.members) for outbreak in find(cases, profile).outbreaks}


def table_of(
    case_id: Iterable[int], x: Any, y: Any, day: Any, *, delay: Any = 2, level: PlaceLevel = PlaceLevel.HOUSE
) -> CaseTable:
    """Inpatients with one place each, as arrays; `day` counts from lines.EPOCH."""
    ids, day = np.array(list(case_id), dtype=np.int64), np.asarray(day, dtype=np.int64)
    n = ids.size
    return CaseTable(
        case_id=ids,
        day=day,
        report_day=day + delay,
        by_onset=np.ones(n, dtype=bool),
        confirmed=np.zeros(n, dtype=bool),
        discarded=np.zeros(n, dtype=bool),
        inpatient=np.ones(n, dtype=np.int8),
        verification=np.zeros(n, dtype=np.int8),
        imported=np.zeros(n, dtype=bool),
        place_case=np.arange(n),
        kind=np.zeros(n, dtype=np.int8),
        x=np.asarray(x, dtype=float),
        y=np.asarray(y, dtype=float),
        level=np.full(n, list(PlaceLevel).index(level), dtype=np.int8),
        uncertainty_m=np.full(n, 10.0),
        unit=np.ones(n, dtype=np.int64),
        setting=np.zeros(n, dtype=np.int64),
    )
