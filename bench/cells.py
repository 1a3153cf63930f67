"""Share of the land of the 168 real communes of Ho Chi Minh City that generated cells put in the right one,
beside two plain Voronoi diagrams made from the same input. Run: python -m bench.cells [folder of the real
boundaries]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geodata.cells import generate_cells
from geodata.registry import REFORM, Registry, communes_of, load_registry, successor_shares
from geodata.types import Unit, UnitLevel

PROVINCE, METRIC, STEP_M = "79", 32648, 150.0
FOLDER = Path(__file__).parents[2] / "shared" / "data" / "boundaries"
Points = NDArray[np.float64]
Codes = NDArray[np.str_]


def main(folder: Path) -> None:
    real = gpd.read_parquet(folder / "hcmc_wards_2025_168.parquet").to_crs(METRIC)
    points = lattice(real.total_bounds)
    truth = inside(real.geometry, real.code, points)
    points, truth = points[truth != ""], truth[truth != ""]
    registry = load_registry([PROVINCE])
    started = time.perf_counter()
    cells = {key.code: x for key, x in generate_cells(registry, PROVINCE).items() if key.valid_from == REFORM}
    seconds = time.perf_counter() - started
    areas = gpd.GeoSeries(cells, crs=4326).to_crs(METRIC)
    for name, answer in (
        (f"cells from the boxes of the old wards ({seconds:.1f} s)", inside(areas, areas.index, points)),
        ("Voronoi of the old wards, merged", nearest_ward(registry, points)),
        ("Voronoi of the communes of today", nearest(communes_of(registry.units, [PROVINCE]), points)),
    ):
        print(f"{(answer == truth).mean():.3f}  {name}")


def lattice(bounds: Sequence[float]) -> Points:
    west, south, east, north = bounds
    x, y = np.meshgrid(np.arange(west, east, STEP_M), np.arange(south, north, STEP_M))
    return np.column_stack([x.ravel(), y.ravel()])


def inside(areas: gpd.GeoSeries, codes: Sequence[str], points: Points) -> Codes:
    """The code of the area each point lies in, empty for none."""
    answer = np.full(len(points), "", dtype="U5")
    at, area = shapely.STRtree(list(areas)).query(shapely.points(points), predicate="within")
    answer[at] = np.asarray(codes, dtype="U5")[area]
    return answer


def centres(units: Sequence[Unit]) -> Points:
    series = gpd.GeoSeries.from_xy([u.lon for u in units], [u.lat for u in units], crs=4326).to_crs(METRIC)
    return np.column_stack([series.x, series.y])


def nearest(units: Sequence[Unit], points: Points) -> Codes:
    index = cKDTree(centres(units)).query(points)[1]
    return np.array([unit.key.code for unit in units])[index]


def nearest_ward(registry: Registry, points: Points) -> Codes:
    """Nearest old ward, then the nearest of its successors."""
    by_key = {unit.key: unit for unit in registry.units}
    shares = successor_shares(registry.lineage)
    wards = [by_key[key] for key in shares if key.level is UnitLevel.COMMUNE]
    index = cKDTree(centres(wards)).query(points)[1]
    answer = np.full(len(points), "", dtype="U5")
    for number, ward in enumerate(wards):
        here = index == number
        if here.any():
            answer[here] = nearest([by_key[new] for new, _ in shares[ward.key]], points[here])
    return answer


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
