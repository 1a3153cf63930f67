"""An outbreak in the small city of `web_city`: three cases on both sides of the border of “Ô 0” and “Ô 1”."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, select

from db import session_scope
from surveillance.models import IngestRun
from surveillance.outbreaks.models import OutbreakVersion
from surveillance.outbreaks.profiles import load_profiles
from surveillance.outbreaks.table import METRIC
from surveillance.outbreaks.watching import Outbreaks
from tests.emptying import truncate
from tests.line_list import Sick, add_cases, evening
from tests.web_city import NOW, Place

TODAY = date(2026, 11, 22)
BORDER, LATITUDE = 106.65, 10.72
FIRST_CLOSING = "14/12/2026"
"""28 days after the last case, by HCDC's rule."""


@pytest.fixture
def outbreak(engine: Engine, city: dict[str, Place]) -> Iterator[int]:
    """Its number. Two cases live in “Ô 0”, one, the newest, in “Ô 1”, six days ago."""
    homes = [("Ô 0", 12, -0.0006), ("Ô 0", 9, -0.0003), ("Ô 1", 6, 0.0003)]
    with session_scope(engine) as session:
        run = session.scalars(select(IngestRun.id)).one()
        add_cases(session, run, [_sick(city[name].id, ago, east) for name, ago, east in homes])
        Outbreaks([load_profiles()["HCDC-2021"]], crs=METRIC).update(session, today=TODAY, now=NOW)
        number = session.scalars(select(OutbreakVersion.outbreak_id)).one()
    yield number
    truncate(engine, "outbreak, outbreak_version, outbreak_event, epi_case, access_log")


def _sick(unit_id: int, days_ago: int, east: float) -> Sick:
    day = TODAY - timedelta(days=days_ago)
    facts = {
        "geom": f"SRID=4326;POINT({BORDER + east} {LATITUDE})", "place_level": "house", "uncertainty_m": 15.0,
        "verification": 8, "sex": "F", "age_years": 31,
    }  # fmt: skip
    return Sick(day=day, unit_id=unit_id, known_from=evening(day), facts=facts)
