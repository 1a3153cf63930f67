"""A city of three times, for tests of units through time: wards of 2019, 2025 and of today, as squares.

2019: A B C D (a row of squares 0.01° wide) and people 100, 300, 200, 400. 2025: A+B = E; C = F; D = G.
Today: E and the west half of F = X; the east half of F and G = Y; Z was not of the city before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy.orm import Session

from geodata.models import AdminUnit, Boundary, BoundaryRelease, Population, UnitLineage
from geodata.people import renew_population
from geodata.shares import renew_shares

OLD, MIDDLE, TODAY = date(2019, 4, 1), date(2025, 1, 1), date(2025, 7, 1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
WIDE = 0.01
WEST, SOUTH = 106.60, 10.70
PEOPLE = {"A": 100, "B": 300, "C": 200, "D": 400}
SPANS: dict[date, dict[str, tuple[float, float]]] = {
    OLD: {"A": (0, 1), "B": (1, 2), "C": (2, 3), "D": (3, 4)},
    MIDDLE: {"E": (0, 2), "F": (2, 3), "G": (3, 4)},
    TODAY: {"X": (0, 2.5), "Y": (2.5, 4), "Z": (4, 5)},
}
LINKS = (("E", "X"), ("F", "X"), ("F", "Y"), ("G", "Y"))


@dataclass(frozen=True)
class ReleaseCity:
    """Ids of the wards by their name."""

    ids: dict[str, int]

    def __getitem__(self, name: str) -> int:
        return self.ids[name]

    def names(self, counts: dict[int, float]) -> dict[str, float]:
        by_id = {unit: name for name, unit in self.ids.items()}
        return {by_id[unit]: n for unit, n in counts.items()}


def point_in(column: float) -> str:
    return f"SRID=4326;POINT({WEST + column * WIDE} {SOUTH + WIDE / 2})"


def make_city(session: Session, *, drawn: bool = True, people: bool = True) -> ReleaseCity:
    """`drawn`: with real boundaries; `people`: with those of 2019 counted. Shares are measured."""
    ids: dict[str, int] = {}
    ends = {OLD: MIDDLE, MIDDLE: TODAY, TODAY: None}
    for day, spans in SPANS.items():
        for name, (first, last) in spans.items():
            ids[name] = _ward(session, name, day, ends[day])
            if drawn:
                _draw(session, ids[name], first, last)
    session.add(BoundaryRelease(on_date=OLD, name="2019", source="test", imported_at=NOW))
    for old, new in LINKS:
        split = old == "F"
        session.add(
            UnitLineage(old_id=ids[old], new_id=ids[new], split=split, is_default=new == "X" or not split)
        )
    if people:
        session.add_all(
            Population(unit_id=ids[name], year=2019, persons=n, source="census", estimated=False)
            for name, n in PEOPLE.items()
        )
    session.flush()
    renew_shares(session)
    renew_population(session)
    return ReleaseCity(ids)


def _ward(session: Session, name: str, day: date, until: date | None) -> int:
    unit = AdminUnit(
        level="commune", code=name, valid_from=day, valid_to=until, name=f"Phường {name}", short_name=name,
        kind="Phường", aliases=[],
    )  # fmt: skip
    session.add(unit)
    session.flush()
    return unit.id


def _draw(session: Session, unit_id: int, first: float, last: float) -> None:
    box = shapely.box(WEST + first * WIDE, SOUTH, WEST + last * WIDE, SOUTH + WIDE)
    area = from_shape(shapely.MultiPolygon([box]), srid=4326)
    session.add(Boundary(unit_id=unit_id, geom=area, source="test", synthetic=False, imported_at=NOW))
    session.flush()
