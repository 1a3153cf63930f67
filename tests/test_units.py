from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from geodata.geocoder import geocode
from geodata.models import AdminUnit, Population, UnitLineage, UnitNeighbour
from geodata.population import PopulationError, read_totals, spread
from geodata.registry import Registry, load_registry
from geodata.units import (
    gazetteer_for,
    load_population,
    load_units,
    neighbour_pairs,
    persons_in,
    province_of,
    stored_registry,
    successors,
    unit_ids,
    units_for,
)

CENSUS = Path(__file__).parent.parent / "deploy" / "hcmc" / "population_2019.csv"


@pytest.fixture(scope="module")
def city() -> Registry:
    return load_registry(["79"])


def number_of(session: Session, table: type) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def unit(session: Session, name: str) -> AdminUnit:
    return session.scalars(select(AdminUnit).where(AdminUnit.name == name)).one()


def test_loading_twice_changes_nothing(session: Session, city: Registry) -> None:
    first = load_units(session, city)
    second = load_units(session, city)
    assert first == second == unit_ids(session)
    assert number_of(session, AdminUnit) == len(city.units)
    assert number_of(session, UnitLineage) == len(city.lineage)


def test_what_was_loaded_can_be_read_back(session: Session, city: Registry) -> None:
    load_units(session, city)
    stored = stored_registry(session)
    assert set(stored.units) == set(city.units)
    assert set(stored.lineage) == set(city.lineage)


def test_units_of_a_province_depend_on_the_day(session: Session, city: Registry) -> None:
    load_units(session, city)
    assert len(units_for(session, "79", date(2026, 5, 1))) == 168
    assert len(units_for(session, "79", date(2025, 7, 1))) == 168
    assert len(units_for(session, "79", date(2025, 6, 30))) == 273
    assert len(units_for(session, "74", date(2025, 6, 30))) == 91
    assert units_for(session, "74", date(2026, 5, 1)) == []


def test_communes_of_one_city_have_one_province(session: Session, city: Registry) -> None:
    load_units(session, city)
    today = [commune.id for commune in units_for(session, "79", date(2026, 5, 1))]
    before = [commune.id for commune in units_for(session, "74", date(2025, 6, 30))]
    city_id = session.scalar(select(AdminUnit.parent_id).where(AdminUnit.id == today[0]))
    assert province_of(session, today) == city_id is not None
    assert province_of(session, before) not in (None, city_id)
    assert province_of(session, [today[0], before[0]]) is None


def test_neighbours_are_pairs_of_the_units_asked_for(session: Session, city: Registry) -> None:
    load_units(session, city)
    a, b, c = (commune.id for commune in units_for(session, "79", date(2026, 5, 1))[:3])
    pairs = [(a, b), (b, a), (b, c), (c, b)]
    session.execute(insert(UnitNeighbour), [{"unit_id": one, "neighbour_id": other} for one, other in pairs])
    assert sorted(neighbour_pairs(session, [a, b])) == sorted([(a, b), (b, a)])


def test_successors_of_a_split_ward_start_with_the_default(session: Session, city: Registry) -> None:
    load_units(session, city)
    names = [after.name for after in successors(session, unit(session, "Phường Đa Kao").id)]
    assert names == ["Phường Sài Gòn", "Phường Tân Định"]
    assert successors(session, unit(session, "Phường Sài Gòn").id) == []


def test_the_stored_gazetteer_answers_like_the_registry(session: Session, city: Registry) -> None:
    load_units(session, city)
    gazetteer = gazetteer_for(session, ["79"])
    match = geocode(
        gazetteer,
        commune="PHUONG 2",
        district="QUAN 5",
        province=None,
        address=None,
        on=date(2026, 5, 1),
    )
    assert match.unit is not None
    assert unit_ids(session)[match.unit] == unit(session, "Phường Chợ Quán").id


def test_people_of_the_census_are_spread_over_the_communes_of_today(session: Session, city: Registry) -> None:
    load_units(session, city)
    load_population(session, city, CENSUS)
    load_population(session, city, CENSUS)
    rows = session.scalars(select(Population)).all()
    assert len(rows) == 168
    assert all(row.estimated and row.year == 2019 and row.persons > 0 for row in rows)
    assert sum(row.persons for row in rows) == pytest.approx(12_567_956, abs=168)
    assert persons_in(session, [rows[0].unit_id]) == {rows[0].unit_id: rows[0].persons}


def test_a_district_s_people_stay_within_what_it_became(city: Registry) -> None:
    names = {unit.key: unit.name for unit in city.units}
    totals = [total for total in read_totals(CENSUS) if total.code == "774"]
    people = {names[key]: round(persons) for key, persons in spread(totals, city).items()}
    assert set(people) == {"Phường Chợ Quán", "Phường An Đông", "Phường Chợ Lớn"}
    assert sum(people.values()) == pytest.approx(159_073, abs=2)


def test_a_population_file_without_a_column_says_which(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("level,code\ndistrict,760\n", encoding="utf-8")
    with pytest.raises(PopulationError, match=r"people\.csv.*population"):
        read_totals(file)


def test_a_population_that_is_no_number_says_the_row(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    header = "level,code,name,year,population,source\n"
    file.write_text(header + "district,760,Quận 1,2019,many,x\n", encoding="utf-8")
    with pytest.raises(PopulationError, match="2"):
        read_totals(file)


def test_people_of_an_unknown_unit_are_refused(city: Registry, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    header = "level,code,name,year,population,source\n"
    file.write_text(header + "district,999,Quận 99,2019,10,x\n", encoding="utf-8")
    with pytest.raises(PopulationError, match="999"):
        spread(read_totals(file), city)
