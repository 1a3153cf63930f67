from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from geodata.registry import (
    LEGACY_FROM,
    REFORM,
    Registry,
    communes_of,
    load_registry,
    successor_shares,
)
from geodata.types import UnitKey, UnitLevel


@pytest.fixture(scope="module")
def country() -> Registry:
    return load_registry()


@pytest.fixture(scope="module")
def city() -> Registry:
    return load_registry(["79"])


def count(registry: Registry, level: UnitLevel, valid_from: date, province: str | None = None) -> int:
    parents = {unit.key: unit.parent for unit in registry.units}

    def lies_in(key: UnitKey) -> bool:
        above = parents[key]
        return key.code == province if above is None else lies_in(above)

    return sum(
        unit.key.level is level
        and unit.key.valid_from == valid_from
        and (province is None or lies_in(unit.key))
        for unit in registry.units
    )


def test_the_country_has_the_published_numbers_of_units(country: Registry) -> None:
    assert count(country, UnitLevel.PROVINCE, REFORM) == 34
    assert count(country, UnitLevel.COMMUNE, REFORM) == 3321
    assert count(country, UnitLevel.PROVINCE, LEGACY_FROM) == 63
    assert count(country, UnitLevel.DISTRICT, LEGACY_FROM) == 696
    assert count(country, UnitLevel.COMMUNE, LEGACY_FROM) == 10035


def test_ho_chi_minh_city_is_168_communes_out_of_441_wards(city: Registry) -> None:
    today = communes_of(city.units, ["79"])
    assert Counter(unit.kind for unit in today) == {"Phường": 113, "Xã": 54, "Đặc khu": 1}
    wards = {p: count(city, UnitLevel.COMMUNE, LEGACY_FROM, p) for p in ("79", "74", "77")}
    assert wards == {"79": 273, "74": 91, "77": 77}
    assert count(city, UnitLevel.DISTRICT, LEGACY_FROM) == 22 + 9 + 7


def test_a_key_names_one_unit_although_codes_are_used_again(city: Registry) -> None:
    assert len({unit.key for unit in city.units}) == len(city.units)
    names = {u.key.valid_from: u.name for u in city.units if u.key.code == "25760"}
    assert names == {LEGACY_FROM: "Phường Hòa Phú", REFORM: "Phường Bình Dương"}


def test_every_old_unit_has_a_successor_and_every_new_one_a_predecessor(country: Registry) -> None:
    old = {u.key for u in country.units if u.key.level is UnitLevel.COMMUNE and u.valid_to}
    new = {u.key for u in country.units if u.key.level is UnitLevel.COMMUNE and not u.valid_to}
    assert old <= {link.old for link in country.lineage}
    assert new == {link.new for link in country.lineage}


def test_the_five_islands_without_wards_hand_over_from_their_district(country: Registry) -> None:
    names = {unit.key: unit.name for unit in country.units}
    islands = [link for link in country.lineage if link.old.level is UnitLevel.DISTRICT]
    assert {names[link.old]: names[link.new] for link in islands} == {
        "Huyện Côn Đảo": "Đặc khu Côn Đảo",
        "Huyện Bạch Long Vĩ": "Đặc khu Bạch Long Vĩ",
        "Huyện Cồn Cỏ": "Đặc khu Cồn Cỏ",
        "Huyện Hoàng Sa": "Đặc khu Hoàng Sa",
        "Huyện Lý Sơn": "Đặc khu Lý Sơn",
    }


def test_a_split_ward_has_one_default_successor(country: Registry) -> None:
    defaults = Counter(link.old for link in country.lineage if link.is_default)
    assert set(defaults.values()) == {1}
    successors = Counter(link.old for link in country.lineage)
    assert all(link.split == (successors[link.old] > 1) for link in country.lineage)
    assert sum(number > 1 for number in successors.values()) == 471


def test_shares_of_an_old_ward_add_up_to_one_default_first(city: Registry) -> None:
    shares = successor_shares(city.lineage)
    assert all(abs(sum(share for _, share in parts) - 1) < 1e-12 for parts in shares.values())
    assert all(parts[0].share >= parts[-1].share for parts in shares.values())


def test_bounds_are_west_south_east_north_around_the_centre(city: Registry) -> None:
    ward = next(u for u in city.units if u.name == "Phường Bến Nghé")
    assert ward.bounds and ward.lon and ward.lat
    west, south, east, north = ward.bounds
    assert 106 < west < ward.lon < east < 107
    assert 10 < south < ward.lat < north < 11


def test_the_kind_of_a_unit_is_what_its_name_says(country: Registry) -> None:
    assert all(unit.name.lower().startswith(unit.kind.lower()) for unit in country.units)


def test_former_names_are_kept_as_keys(city: Registry) -> None:
    thu_duc = next(u for u in city.units if u.name == "Thành phố Thủ Đức")
    assert {"2", "9"} <= set(thu_duc.aliases)


def test_an_unknown_province_is_refused() -> None:
    with pytest.raises(ValueError, match="99"):
        load_registry(["79", "99"])


def test_lineage_agrees_with_the_official_table(city: Registry, shared: Path) -> None:
    path = shared / "data/boundaries/hcmc_ward_crosswalk_2025.csv"
    with path.open(encoding="utf-8") as file:
        official = {
            (row["old_code"], row["new_code"]) for row in csv.DictReader(file) if row["official"] == "True"
        }
    old_codes = {old for old, _ in official}
    ours = {(x.old.code, x.new.code) for x in city.lineage if x.old.code in old_codes}
    assert ours == official
