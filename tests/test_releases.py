"""Releases, what lies between them, and people carried over."""

from __future__ import annotations

from datetime import date

import pytest
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import select
from sqlalchemy.orm import Session

from geodata.areas import surveyed_areas
from geodata.models import Boundary, Population, UnitLineage
from geodata.people import persons_about
from geodata.releases import (
    crosswalk_between,
    find_release,
    older_successors,
    release_before,
    releases,
    units_on,
)
from geodata.shares import renew_shares
from tests.release_city import MIDDLE, OLD, SOUTH, TODAY, WEST, WIDE, ReleaseCity, make_city


@pytest.fixture
def city(session: Session) -> ReleaseCity:
    return make_city(session)


def walked(session: Session, city: ReleaseCity, name: str, source: date, target: date) -> dict[str, float]:
    return city.names(crosswalk_between(session, source, target).row(city[name]))


def test_a_release_is_the_units_of_one_day(session: Session, city: ReleaseCity) -> None:
    assert [(x.on, x.until, x.units, x.drawn) for x in releases(session)] == [
        (TODAY, None, 3, 3),
        (MIDDLE, TODAY, 3, 3),
        (OLD, MIDDLE, 4, 4),
    ]
    assert units_on(session, date(2020, 6, 1)) == units_on(session, OLD)


def test_a_release_is_found_by_its_day_its_name_or_a_day_within(session: Session, city: ReleaseCity) -> None:
    for chosen in ("2019-04-01", "2019", date(2022, 1, 1), "2022-01-01"):
        found = find_release(session, chosen)
        assert found is not None and found.on == OLD
    today = find_release(session, None)
    assert today is not None and today.on == TODAY
    assert find_release(session, "không có") is None
    assert find_release(session, "1999-01-01") is None
    before = release_before(session, today)
    assert before is not None and before.on == MIDDLE


def test_without_a_link_areas_tell_what_became_of_a_ward(session: Session, city: ReleaseCity) -> None:
    for old, new in (("A", "E"), ("B", "E"), ("C", "F"), ("D", "G")):
        assert walked(session, city, old, OLD, MIDDLE) == {new: pytest.approx(1)}


def test_a_split_ward_goes_by_the_people_of_its_parts(session: Session, city: ReleaseCity) -> None:
    assert walked(session, city, "F", MIDDLE, TODAY) == pytest.approx({"X": 0.5, "Y": 0.5}, abs=0.001)
    assert walked(session, city, "C", OLD, TODAY) == pytest.approx({"X": 0.5, "Y": 0.5}, abs=0.001)


def test_the_way_back_goes_by_people(session: Session, city: ReleaseCity) -> None:
    back = walked(session, city, "X", TODAY, OLD)
    assert back == pytest.approx({"A": 100 / 500, "B": 300 / 500, "C": 100 / 500}, abs=0.001)
    assert walked(session, city, "Y", TODAY, OLD) == pytest.approx({"C": 0.2, "D": 0.8}, abs=0.001)


def test_what_joined_the_city_later_lies_in_no_earlier_ward(session: Session, city: ReleaseCity) -> None:
    assert walked(session, city, "Z", TODAY, OLD) == {}


def test_without_people_areas_decide(session: Session) -> None:
    city = make_city(session, people=False)
    assert walked(session, city, "X", TODAY, OLD) == pytest.approx({"A": 0.4, "B": 0.4, "C": 0.2}, abs=0.001)


def test_without_boundaries_the_registers_default_weighs_more(session: Session) -> None:
    city = make_city(session, drawn=False, people=False)
    assert walked(session, city, "F", MIDDLE, TODAY) == pytest.approx({"X": 0.6, "Y": 0.4})
    assert walked(session, city, "X", TODAY, MIDDLE) == pytest.approx({"E": 1 / 1.6, "F": 0.6 / 1.6})


def test_a_map_that_contradicts_the_links_does_not_measure_them(session: Session, city: ReleaseCity) -> None:
    area = from_shape(
        shapely.MultiPolygon([shapely.box(WEST + 0.029, SOUTH, WEST + 0.04, SOUTH + WIDE)]), srid=4326
    )
    session.get_one(Boundary, city["Y"]).geom = area
    session.flush()
    renew_shares(session)
    assert walked(session, city, "F", MIDDLE, TODAY) == pytest.approx({"X": 0.6, "Y": 0.4})


def test_shares_a_file_brought_are_kept(session: Session, city: ReleaseCity) -> None:
    links = session.scalars(select(UnitLineage).where(UnitLineage.old_id == city["F"])).all()
    for link in links:
        link.share, link.basis = (0.9 if link.new_id == city["X"] else 0.1), "shares"
    renew_shares(session)
    assert walked(session, city, "F", MIDDLE, TODAY) == pytest.approx({"X": 0.9, "Y": 0.1})
    back = walked(session, city, "X", TODAY, MIDDLE)
    assert back == pytest.approx({"E": 400 / 580, "F": 180 / 580}, abs=0.001)


def test_people_counted_once_are_known_in_every_release(session: Session, city: ReleaseCity) -> None:
    rows = session.execute(select(Population.unit_id, Population.persons, Population.estimated))
    found = {row.unit_id: (row.persons, row.estimated) for row in rows}
    names = city.names({unit: persons for unit, (persons, _) in found.items()})
    assert names == {"A": 100, "B": 300, "C": 200, "D": 400, "E": 400, "F": 200, "G": 400, "X": 500, "Y": 500}
    assert {unit for unit, (_, estimated) in found.items() if not estimated} == {city[x] for x in "ABCD"}


def test_between_two_counts_people_change_evenly(session: Session, city: ReleaseCity) -> None:
    session.add(Population(unit_id=city["A"], year=2009, persons=50, source="census", estimated=False))
    session.flush()
    at = {year: persons_about(session, [city["A"]], year)[city["A"]] for year in (2000, 2009, 2014, 2025)}
    assert at == {2000: 50, 2009: 50, 2014: 75, 2025: 100}
    assert persons_about(session, [city["Z"]], 2014) == {}


def test_codes_of_older_releases_lead_to_units_of_today(session: Session, city: ReleaseCity) -> None:
    found = {
        key.code: [(x.unit.code, round(x.share, 3)) for x in parts]
        for key, parts in older_successors(session).items()
    }
    assert found["A"] == [("X", 1.0)]
    assert sorted(found["C"]) == [("X", 0.5), ("Y", 0.5)]


def test_a_measured_point_is_looked_up_among_todays_areas_only(session: Session, city: ReleaseCity) -> None:
    areas = surveyed_areas(session)
    assert set(areas.by_unit) == {city[x] for x in "XYZ"}
    assert areas.unit_at(106.6005, 10.705) == city["X"]
