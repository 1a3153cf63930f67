from __future__ import annotations

from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import MultiPolygon

from geodata.cells import CellsError, generate_cells, generate_point_cells
from geodata.registry import LEGACY_FROM, REFORM, Registry, load_registry
from geodata.types import UnitKey, UnitLevel

METRIC = 32648
Cells = dict[UnitKey, MultiPolygon]


@pytest.fixture(scope="module")
def city() -> Registry:
    return load_registry(["79"])


@pytest.fixture(scope="module")
def cells(city: Registry) -> Cells:
    return generate_cells(city, "79")


def series(cells: Cells, valid_from: date) -> gpd.GeoSeries:
    chosen = {key.code: area for key, area in cells.items() if key.valid_from == valid_from}
    return gpd.GeoSeries(chosen, crs=4326).to_crs(METRIC)


def test_every_commune_of_today_and_every_old_ward_has_one_valid_cell(cells: Cells) -> None:
    today = {key for key in cells if key.valid_from == REFORM}
    former = {key for key in cells if key.valid_from == LEGACY_FROM}
    assert len(today) == 168
    assert len(former) == 273 + 91 + 77 + 1
    assert all(area.is_valid and not area.is_empty for area in cells.values())


def test_cells_of_one_time_fit_together_without_overlap(cells: Cells) -> None:
    for valid_from in (REFORM, LEGACY_FROM):
        areas = [
            area
            for key, area in cells.items()
            if key.valid_from == valid_from and key.level is UnitLevel.COMMUNE
        ]
        assert shapely.coverage_is_valid(areas)


def test_the_land_is_about_as_large_as_the_city(city: Registry, cells: Cells) -> None:
    official = sum(unit.area_km2 or 0 for unit in city.units)
    assert series(cells, REFORM).area.sum() / 1e6 == pytest.approx(official, rel=0.15)


def test_con_dao_is_a_disc_of_its_official_area_far_at_sea(city: Registry, cells: Cells) -> None:
    con_dao = next(unit for unit in city.units if unit.name == "Đặc khu Côn Đảo")
    area = series(cells, REFORM)[con_dao.key.code]
    assert con_dao.area_km2
    assert area.area / 1e6 == pytest.approx(con_dao.area_km2, rel=0.02)
    assert cells[con_dao.key].centroid.y == pytest.approx(8.7, abs=0.1)


def test_an_unsplit_ward_lies_inside_its_successor(city: Registry, cells: Cells) -> None:
    for link in city.lineage:
        if not link.split and link.old.level is UnitLevel.COMMUNE:
            outside = cells[link.old].difference(cells[link.new].buffer(1e-9))
            assert outside.area < 1e-9


def test_most_of_the_land_is_in_the_right_commune(cells: Cells, shared: Path) -> None:
    real = gpd.read_parquet(shared / "data/boundaries/hcmc_wards_2025_168.parquet").to_crs(METRIC)
    real = real.set_index("code").geometry
    right = real.intersection(series(cells, REFORM).reindex(real.index)).area.sum()
    assert right / real.area.sum() >= 0.85


def test_cells_of_a_province_without_old_wards_are_refused(city: Registry) -> None:
    with pytest.raises(CellsError):
        generate_cells(Registry(units=city.units, lineage=()), "79")


def unit(code: str) -> UnitKey:
    return UnitKey(UnitLevel.COMMUNE, code, date(1998, 1, 1))


def cloud(lon: float, lat: float, number: int = 40) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.column_stack([rng.normal(lon, 0.01, number), rng.normal(lat, 0.01, number)])


def test_units_known_by_points_get_the_land_around_them() -> None:
    cells = generate_point_cells({unit("a"): cloud(120.20, 23.0), unit("b"): cloud(120.26, 23.0)})
    assert cells[unit("a")].contains(shapely.Point(120.20, 23.0))
    assert cells[unit("b")].contains(shapely.Point(120.26, 23.0))
    assert shapely.coverage_is_valid(list(cells.values()))
    assert all(area.bounds[0] > 120.1 and area.bounds[2] < 120.36 for area in cells.values())


def test_one_misplaced_point_draws_no_island() -> None:
    stray = np.vstack([cloud(120.20, 23.0), [[120.26, 23.0]]])
    cells = generate_point_cells({unit("a"): stray, unit("b"): cloud(120.26, 23.0)})
    assert cells[unit("b")].contains(shapely.Point(120.26, 23.0))


def test_a_unit_with_a_single_point_still_has_a_cell() -> None:
    cells = generate_point_cells({unit("a"): cloud(120.20, 23.0), unit("b"): np.array([[120.20, 23.0]])})
    assert not cells[unit("b")].is_empty


def test_no_points_are_refused() -> None:
    with pytest.raises(CellsError):
        generate_point_cells({})
