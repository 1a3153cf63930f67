"""Synthetic areas for units whose boundaries nobody brought: good enough to draw, never to place a case by.

Wards of before July 2025 come with a centre and a bounding box; those of today are their mergers. A raster
cell goes to the ward it is nearest to, as a share of the way from the ward's centre to the side of its box;
the raster is then cut into polygons. Against the 168 real communes of Ho Chi Minh City 0.86 of the area is
right, 0.80 with the Voronoi cells of the same wards (bench/cells.py).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.features import shapes, sieve
from scipy.ndimage import distance_transform_edt, label
from scipy.spatial import cKDTree
from shapely import MultiPolygon
from shapely.geometry import shape

from geodata.registry import Registry, communes_of
from geodata.types import Lineage, Unit, UnitKey, UnitLevel

Floats = NDArray[np.float64]
Labels = NDArray[np.int32]

NOBODY = -1
_RIM = 0.95
"""Beyond this share of the way to the side of the box a cell at the outer edge belongs to nobody: the sea, or
a neighbouring province. On Ho Chi Minh City it costs 0.8 % of the land and saves a third of what lies
outside."""
_CORNER = 3.0
"""Exponent of the norm that joins the shares in x and y; wards fill the corners of their boxes more than an
ellipse."""
_SPECK_CELLS = 5
_DOT_KM2 = 0.1
_KM_PER_DEGREE = 111.32
_RASTER_LIMIT = 25_000_000


class CellsError(Exception):
    """Cells cannot be made: no unit with a box or centre, a raster too large, or a unit left without area."""


class _Grid(NamedTuple):
    west: float
    north: float
    rows: int
    columns: int
    cell_m: float

    def window(self, box: Floats) -> tuple[slice, slice]:
        """Rows and columns whose cells touch `box` (west, south, east, north)."""
        left, right = np.clip(((box[0::2] - self.west) // self.cell_m).astype(int), 0, self.columns - 1)
        low, high = np.clip(((self.north - box[1::2]) // self.cell_m).astype(int), 0, self.rows - 1)
        return slice(high, low + 1), slice(left, right + 1)

    def x(self, columns: slice | NDArray[np.int64]) -> Floats:
        return np.asarray(self.west + (np.arange(self.columns)[columns] + 0.5) * self.cell_m)

    def y(self, rows: slice | NDArray[np.int64]) -> Floats:
        return np.asarray(self.north - (np.arange(self.rows)[rows] + 0.5) * self.cell_m)


def generate_cells(
    registry: Registry, province_code: str, *, cell_m: float = 120.0, crs: str | None = None
) -> dict[UnitKey, MultiPolygon]:
    """Cells (EPSG:4326) of the communes of today of a province and of the old units they came from.

    `crs` is the metric system the raster lives in (default: the UTM zone of the middle). A split ward goes to
    the successor whose centre is nearest in radii of its official area; a unit without old wards (Côn Đảo) is
    a disc of its official area around its centre. Raises CellsError when a unit would be left without area.
    """
    by_key = {unit.key: unit for unit in registry.units}
    today = communes_of(registry.units, [province_code])
    successors = _successors(registry.lineage, {unit.key for unit in today})
    wards = [by_key[old] for old in successors if old.level is UnitLevel.COMMUNE]
    wards = [ward for ward in wards if ward.bounds and ward.lat and ward.lon]
    if not wards:
        raise CellsError("no old ward has a bounding box and a centre")
    to_metric = _metric(crs or _utm(wards))
    parts = _ward_parts(wards, [[by_key[new] for new in successors[x.key]] for x in wards], to_metric, cell_m)
    from_wards = {new for _, new in parts}
    discs = {x.key: _disc(x, to_metric) for x in today if x.key not in from_wards}
    former_discs = {old: discs[news[0]] for old, news in successors.items() if news[0] in discs}
    cells = _to_degrees({**_joined(parts, 0), **_joined(parts, 1), **discs, **former_discs}, to_metric)
    _check(cells, {unit.key for unit in today} | successors.keys())
    return cells


def _successors(lineage: Iterable[Lineage], today: Collection[UnitKey]) -> dict[UnitKey, list[UnitKey]]:
    successors: dict[UnitKey, list[UnitKey]] = {}
    for link in lineage:
        if link.new in today:
            successors.setdefault(link.old, []).append(link.new)
    return successors


def generate_point_cells(
    points: Mapping[UnitKey, Floats],
    *,
    cell_m: float = 500.0,
    reach_m: float = 2000.0,
    crs: str | None = None,
) -> dict[UnitKey, MultiPolygon]:
    """Cells of units known only by points that lie in them, such as the places of their cases.

    `points[unit]` is (n, 2), longitude and latitude. A raster cell within `reach_m` of any point goes to the
    unit with most of the five nearest points, so that one misplaced point draws no island of its own.
    """
    keys = list(points)
    if not keys:
        raise CellsError("no points")
    degrees = np.concatenate([points[key] for key in keys])
    to_metric = _metric(crs or _utm_at(*np.median(degrees, axis=0)))
    places = np.column_stack(to_metric.transform(degrees[:, 0], degrees[:, 1]))
    owner = np.repeat(np.arange(len(keys)), [len(points[key]) for key in keys])
    grid = _grid(np.column_stack([places - reach_m, places + reach_m]), cell_m)
    labels = _nearest_owner(grid, places, owner, reach_m)
    for index in np.setdiff1d(np.arange(len(keys)), labels):
        rows, columns = _cells_of(grid, places[owner == index])
        labels[rows, columns] = index
    cells = {keys[index]: area for index, area in _polygons(grid, labels).items()}
    result = _to_degrees(cells, to_metric)
    _check(result, keys)
    return result


def _ward_parts(
    wards: Sequence[Unit], successors: Sequence[Sequence[Unit]], to_metric: Transformer, cell_m: float
) -> dict[tuple[UnitKey, UnitKey], MultiPolygon]:
    """The area of each old ward that went to each of its successors."""
    wards = [
        _with_own_box(ward, news, _misplaced(wards)) for ward, news in zip(wards, successors, strict=True)
    ]
    boxes, centres = _metric_boxes(wards, to_metric), _metric_centres(wards, to_metric)
    grid = _grid(boxes, cell_m)
    owner = _trimmed(*_nearest_ward(grid, boxes, centres))
    owner = np.asarray(sieve(owner, size=_SPECK_CELLS), dtype=np.int32)
    for index, (row, column) in enumerate(_own_cells(grid, centres)):
        owner[row, column] = index
    pairs: list[tuple[UnitKey, UnitKey]] = []
    labels = np.full_like(owner, NOBODY)
    for index, news in enumerate(successors):
        rows, columns = np.nonzero(owner == index) if len(news) > 1 else (None, None)
        if rows is None or columns is None:
            labels[owner == index] = len(pairs)
        else:
            labels[rows, columns] = len(pairs) + _nearest_unit(grid, rows, columns, news, to_metric)
        pairs += ((wards[index].key, new.key) for new in news)
    return {pairs[index]: area for index, area in _polygons(grid, labels).items()}


def _misplaced(wards: Iterable[Unit]) -> set[UnitKey]:
    """Wards the dataset did not find and gave another place's box: shared by several, or a mere dot."""
    by_box: dict[object, list[Unit]] = {}
    for ward in wards:
        by_box.setdefault(ward.bounds, []).append(ward)
    return {
        ward.key
        for box, sharers in by_box.items()
        for ward in sharers
        if len(sharers) > 1 or _box_km2(ward) < _DOT_KM2
    }


def _with_own_box(ward: Unit, successors: Sequence[Unit], misplaced: Collection[UnitKey]) -> Unit:
    """A misplaced ward stands in the middle of what it became, as large as that."""
    new = successors[0]
    if ward.key not in misplaced or not (new.area_km2 and new.lat and new.lon):
        return ward
    half = math.sqrt(new.area_km2) / 2 / _KM_PER_DEGREE
    wide = half / math.cos(math.radians(new.lat))
    return replace(
        ward,
        lat=new.lat,
        lon=new.lon,
        bounds=(new.lon - wide, new.lat - half, new.lon + wide, new.lat + half),
    )


def _box_km2(unit: Unit) -> float:
    west, south, east, north = unit.bounds or (0.0, 0.0, 0.0, 0.0)
    wide = (east - west) * math.cos(math.radians(south))
    return wide * (north - south) * _KM_PER_DEGREE**2


def _own_cells(grid: _Grid, centres: Floats) -> Iterator[tuple[int, int]]:
    """A cell for each centre, the next one free where two centres fall in one."""
    taken: set[tuple[int, int]] = set()
    for row, column in zip(*_cells_of(grid, centres), strict=True):
        around = ((row + i, column + j) for i, j in sorted(product(range(-2, 3), repeat=2), key=_ring))
        cell = next(place for place in around if place not in taken)
        taken.add(cell)
        yield cell


def _ring(step: tuple[int, ...]) -> int:
    return max(abs(part) for part in step)


def _nearest_ward(grid: _Grid, boxes: Floats, centres: Floats) -> tuple[Labels, Floats]:
    """For each raster cell the ward whose box holds it and whose centre is nearest, and how far that is."""
    owner = np.full((grid.rows, grid.columns), NOBODY, dtype=np.int32)
    nearest = np.full(owner.shape, np.inf)
    for index, (box, centre) in enumerate(zip(boxes, centres, strict=True)):
        rows, columns = grid.window(box)
        across = _share_of_way(grid.x(columns), centre[0], box[0], box[2])
        down = _share_of_way(grid.y(rows), centre[1], box[1], box[3])
        far = (across[None, :] ** _CORNER + down[:, None] ** _CORNER) ** (1 / _CORNER)
        closer = far < nearest[rows, columns]
        nearest[rows, columns][closer] = far[closer]
        owner[rows, columns][closer] = index
    return owner, nearest


def _share_of_way(position: Floats, centre: float, low: float, high: float) -> Floats:
    """0 at the centre, 1 at either side of the box."""
    to_side = np.where(position > centre, max(high - centre, 1.0), max(centre - low, 1.0))
    return np.asarray(np.abs(position - centre) / to_side)


def _trimmed(owner: Labels, nearest: Floats) -> Labels:
    """Far cells are dropped where they reach the outside; inside the city they are somebody's corner, and a
    hole between all boxes goes to the cell next to it."""
    pieces, _ = label(nearest > _RIM)
    border = np.unique(np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]))
    outside = np.isin(pieces, border[border > 0])
    beside = distance_transform_edt(owner == NOBODY, return_distances=False, return_indices=True)
    return np.where(outside, np.int32(NOBODY), owner[tuple(beside)])


def _nearest_unit(
    grid: _Grid,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    units: Sequence[Unit],
    to_metric: Transformer,
) -> NDArray[np.int64]:
    """Index into `units`, of the nearest centre in radii of the official area."""
    x, y = grid.x(columns), grid.y(rows)
    centres = _metric_centres(units, to_metric)
    radii = [math.sqrt(unit.area_km2 or 1.0) for unit in units]
    far = [np.hypot(x - cx, y - cy) / r for (cx, cy), r in zip(centres, radii, strict=True)]
    return np.argmin(far, axis=0)


def _nearest_owner(grid: _Grid, places: Floats, owner: NDArray[np.int64], reach_m: float) -> Labels:
    x, y = np.meshgrid(grid.x(slice(None)), grid.y(slice(None)))
    neighbours = min(5, len(places))
    far, index = cKDTree(places).query(
        np.column_stack([x.ravel(), y.ravel()]),
        k=list(range(1, neighbours + 1)),
        distance_upper_bound=reach_m,
    )
    votes_for = np.append(owner, NOBODY)[np.minimum(index, len(places))]
    votes = (votes_for[:, :, None] == votes_for[:, None, :]).sum(axis=2)
    votes[votes_for == NOBODY] = -1
    chosen = votes_for[np.arange(len(votes)), votes.argmax(axis=1)]
    return np.where(np.isfinite(far[:, 0]), chosen, NOBODY).reshape(grid.rows, grid.columns).astype(np.int32)


def _polygons(grid: _Grid, labels: Labels) -> dict[int, MultiPolygon]:
    """One area for each label, edges smoothed together so that neighbours still share them."""
    found: dict[int, list[shapely.Geometry]] = {}
    for outline, value in shapes(labels, mask=labels != NOBODY):
        found.setdefault(int(value), []).append(shape(outline))
    # A corner on every cell: outlines skip corners where only neighbours meet, which would open cracks there.
    areas = shapely.segmentize([shapely.multipolygons(outlines) for outlines in found.values()], 1.0)
    smooth = shapely.coverage_simplify(shapely.transform(areas, np.round), 1.0)
    corner, step = np.array([grid.west, grid.north]), np.array([grid.cell_m, -grid.cell_m])
    metric = shapely.transform(smooth, lambda cells: corner + cells * step)
    return {index: _multi(area) for index, area in zip(found, metric, strict=True)}


def _joined(parts: Mapping[tuple[UnitKey, UnitKey], MultiPolygon], side: int) -> dict[UnitKey, MultiPolygon]:
    """Parts dissolved by old ward (`side` 0) or by commune of today (1)."""
    grouped: dict[UnitKey, list[MultiPolygon]] = {}
    for pair, area in parts.items():
        grouped.setdefault(pair[side], []).append(area)
    return {key: _multi(shapely.union_all(areas)) for key, areas in grouped.items()}


def _grid(boxes: Floats, cell_m: float) -> _Grid:
    west, south = boxes[:, :2].min(axis=0) - 2 * cell_m
    east, north = boxes[:, 2:].max(axis=0) + 2 * cell_m
    rows, columns = math.ceil((north - south) / cell_m), math.ceil((east - west) / cell_m)
    if rows * columns > _RASTER_LIMIT:
        raise CellsError(f"{rows} × {columns} cells of {cell_m} m: take fewer provinces or larger cells")
    return _Grid(float(west), float(north), rows, columns, cell_m)


def _cells_of(grid: _Grid, places: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows = ((grid.north - places[:, 1]) // grid.cell_m).astype(np.int64)
    columns = ((places[:, 0] - grid.west) // grid.cell_m).astype(np.int64)
    return rows, columns


def _metric_boxes(units: Sequence[Unit], to_metric: Transformer) -> Floats:
    bounds = np.array([unit.bounds for unit in units], dtype=float)
    low, high = to_metric.transform(*bounds[:, :2].T), to_metric.transform(*bounds[:, 2:].T)
    return np.column_stack([*low, *high])


def _metric_centres(units: Sequence[Unit], to_metric: Transformer) -> Floats:
    return np.column_stack(to_metric.transform([x.lon for x in units], [x.lat for x in units]))


def _disc(unit: Unit, to_metric: Transformer) -> MultiPolygon:
    if not (unit.area_km2 and unit.lat and unit.lon):
        raise CellsError(f"{unit.name} has neither old wards nor a centre and an area")
    centre = shapely.Point(*_metric_centres([unit], to_metric)[0])
    return _multi(centre.buffer(math.sqrt(unit.area_km2 / math.pi) * 1000))


def _multi(area: shapely.Geometry) -> MultiPolygon:
    return area if isinstance(area, MultiPolygon) else MultiPolygon([area])


def _to_degrees(areas: Mapping[UnitKey, MultiPolygon], to_metric: Transformer) -> dict[UnitKey, MultiPolygon]:
    def back(points: Floats) -> Floats:
        return np.column_stack(to_metric.transform(points[:, 0], points[:, 1], direction="INVERSE"))

    return {key: shapely.transform(area, back) for key, area in areas.items()}


def _check(areas: Mapping[UnitKey, MultiPolygon], expected: Collection[UnitKey]) -> None:
    good = {key for key, area in areas.items() if area.is_valid and not area.is_empty}
    if good != set(expected):
        raise CellsError(f"units without a valid area: {sorted(set(expected) ^ good)}")


def _metric(crs: str) -> Transformer:
    return Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def _utm(units: Sequence[Unit]) -> str:
    return _utm_at(float(np.median([u.lon for u in units])), float(np.median([u.lat for u in units])))


def _utm_at(lon: float, lat: float) -> str:
    return f"EPSG:{(32600 if lat >= 0 else 32700) + int((lon + 180) // 6) + 1}"
