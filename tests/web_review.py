"""A town of two surveyed communes that an old ward was split into, cases whose address waits, and who looks at them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from geoalchemy2.shape import from_shape
from shapely import MultiPolygon, box
from sqlalchemy import Engine, select

from accounts.models import Role
from accounts.service import create_user
from db import session_scope
from geodata.models import AdminUnit, Boundary
from geodata.registry import load_registry
from geodata.units import load_units
from settings import Settings
from surveillance.models import CaseVersion
from surveillance.pipeline import build_context
from surveillance.review.texts import index_texts
from tests.emptying import truncate
from tests.ingest_files import NOW, Desk, person
from tests.review_cases import unknown
from tests.web_city import PASSWORD

HOUSE = "278/5 PHAN KE BINH"
"""The house of the first case, as its hospital wrote it."""
SQUARES = {"Phường Sài Gòn": 106.70, "Phường Tân Định": 106.68}
"""Western edge of each; both lie 0.02 degrees wide from 10.77 to 10.79 north."""


@dataclass(frozen=True)
class Town:
    desk: Desk
    units: dict[str, int]

    def collect(self, rows: list[dict[str, Any]], name: str = "f.xlsx") -> None:
        """Read a file, and the words of what waits, as the worker does."""
        self.desk.take(rows, name=name)
        with session_scope(self.desk.engine) as session:
            index_texts(session, self.desk.context.placer(session), self.desk.context.vault)

    def versions(self) -> list[CaseVersion]:
        return self.desk.versions()


@pytest.fixture(scope="module")
def city(engine: Engine, settings: Settings) -> Town:
    """The registry with two boundaries; an analyst, a manager, an officer of Tân Định and one of somewhere else."""
    with session_scope(engine) as session:
        load_units(session, load_registry(["79"]))
        query = select(AdminUnit).where(AdminUnit.valid_to.is_(None), AdminUnit.level == "commune")
        units = {unit.name: unit.id for unit in session.scalars(query)}
        for name, west in SQUARES.items():
            shape = from_shape(MultiPolygon([box(west, 10.77, west + 0.02, 10.79)]), srid=4326)
            session.add(
                Boundary(unit_id=units[name], geom=shape, source="test", synthetic=False, imported_at=NOW)
            )
        for name, role, area in (
            ("analyst", Role.ANALYST, None),
            ("second", Role.ANALYST, None),
            ("manager", Role.MANAGER, None),
            ("officer", Role.OFFICER, "Phường Tân Định"),
            ("stranger", Role.OFFICER, "Xã Cần Giờ"),
        ):
            areas = [units[area]] if area else []
            create_user(
                session,
                username=name,
                password=PASSWORD,
                full_name=f"Người {name}",
                role=role,
                area_ids=areas,
            )
        session.flush()
        return Town(Desk(engine, build_context(session, settings)), units)


@pytest.fixture
def waits(city: Town) -> Iterator[Town]:
    """Đa Kao of District 1 was split between Sài Gòn (60 %) and Tân Định; twelve cases name a ward nobody knows.
    A test in a browser asks for it before the site, which must be gone when the tables are emptied."""
    split = person(
        1, PX="PHUONG DA KAO", QH="QUAN 1", NG_BC="05/11/2025", NG_NV="05/11/2025", **{"DIA CHI": HOUSE}
    )
    city.collect([split, *(unknown(n) for n in range(2, 14))])
    yield city
    truncate(city.desk.engine, "place_alias, address_fix, place_text, access_log")
    city.desk.empty()
