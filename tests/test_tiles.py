from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy.orm import Session

from geodata.models import AdminUnit, Boundary
from geodata.places import boundaries_version, communes_today, extent
from geodata.tiles import Coverage, TileCache, TileError, simplified

CENTRE = (106.70, 10.78)
SIDE = 0.04


def add_square(session: Session, name: str, column: int, row: int) -> AdminUnit:
    west, south = CENTRE[0] + column * SIDE, CENTRE[1] + row * SIDE
    unit = AdminUnit(
        level="commune",
        code=name,
        valid_from=date(2025, 7, 1),
        name=f"Phường {name}",
        short_name=name,
        kind="phường",
    )
    session.add(unit)
    session.flush()
    square = shapely.MultiPolygon([shapely.box(west, south, west + SIDE, south + SIDE)])
    session.add(
        Boundary(
            unit_id=unit.id,
            geom=from_shape(square, srid=4326),
            source="test",
            synthetic=True,
            imported_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
    )
    session.flush()
    return unit


@pytest.fixture
def squares(session: Session) -> list[AdminUnit]:
    return [add_square(session, f"Ô {i}", i % 2, i // 2) for i in range(4)]


def tile_of(lon: float, lat: float, z: int) -> tuple[int, int, int]:
    x = (lon + 180) / 360 * 2**z
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z
    return z, int(x), int(y)


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """(field number, value) pairs of one protobuf message."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = number()
        value: Any = number()
        if key & 7 == 2:
            value, at = data[at : at + value], at + value
        yield key >> 3, value


def read_tile(data: bytes) -> dict[str, list[int]]:
    """Feature ids per layer (Mapbox Vector Tile 2.1: layers are field 3; name 1, features 2; id 1)."""
    layers = {}
    for tag, layer in fields(data):
        assert tag == 3
        entries = list(fields(layer))
        name = next(value for tag, value in entries if tag == 1).decode()
        layers[name] = [dict(fields(f)).get(1, 0) for tag, f in entries if tag == 2]
    return layers


def test_a_tile_holds_each_unit_once_with_its_id_and_one_label(
    session: Session, squares: list[AdminUnit]
) -> None:
    tile = read_tile(TileCache().commune_tile(session, *tile_of(*CENTRE, 8)))
    ids = [unit.id for unit in squares]
    assert sorted(tile["units"]) == ids
    assert sorted(tile["unit_labels"]) == ids
    assert tile["unit_borders"]


def test_every_unit_is_labelled_in_exactly_one_tile_of_a_zoom(
    session: Session, squares: list[AdminUnit]
) -> None:
    cache = TileCache()
    z, x, y = tile_of(*CENTRE, 12)
    labels = [
        unit_id
        for i in range(-1, 3)
        for j in range(-3, 3)
        for unit_id in read_tile(cache.commune_tile(session, z, x + i, y + j)).get("unit_labels", [])
    ]
    assert sorted(labels) == [unit.id for unit in squares]


def test_a_tile_without_units_is_empty(session: Session, squares: list[AdminUnit]) -> None:
    assert TileCache().commune_tile(session, *tile_of(-60, -30, 8)) == b""


@pytest.mark.parametrize("position", [(13, 0, 0), (-1, 0, 0), (2, 4, 0), (2, 0, -1)])
def test_positions_outside_the_pyramid_are_refused(session: Session, position: tuple[int, int, int]) -> None:
    with pytest.raises(TileError):
        TileCache().commune_tile(session, *position)


def test_new_boundaries_replace_cached_tiles(session: Session, squares: list[AdminUnit]) -> None:
    cache, position = TileCache(), tile_of(*CENTRE, 8)
    before, version = cache.commune_tile(session, *position), boundaries_version(session)
    added = add_square(session, "Ô 9", 2, 0)
    assert boundaries_version(session) != version
    after = cache.commune_tile(session, *position)
    assert added.id not in read_tile(before)["units"]
    assert added.id in read_tile(after)["units"]


def honeycomb(count: int) -> Coverage:
    """`count`² cells of about 1 km that share every border, with a cell of 20 m among them."""
    rng = np.random.default_rng(1)
    points = shapely.MultiPoint(rng.uniform(0, count * 1000, (count * count, 2)))
    cells = np.array(shapely.get_parts(shapely.voronoi_polygons(points)), dtype=object)
    tiny = shapely.Point(cells[0].representative_point()).buffer(10)
    cells[0] = cells[0].difference(tiny)
    shapes = np.append(cells, np.array([tiny], dtype=object))
    ids = np.arange(len(shapes))
    return Coverage(
        ids, ids.astype(object), shapes, shapely.point_on_surface(shapes), np.array([], dtype=object)
    )


@pytest.mark.parametrize("tolerance_m", [50, 500, 5000])
def test_simplifying_leaves_no_gap_and_loses_no_unit(tolerance_m: float) -> None:
    coverage = honeycomb(8)
    result = simplified(coverage, tolerance_m)
    assert len(result.shapes) == len(coverage.shapes)
    assert not shapely.is_empty(result.shapes).any()
    assert shapely.coverage_is_valid(result.shapes)
    assert shapely.area(result.shapes).sum() == pytest.approx(
        shapely.area(shapely.union_all(result.shapes)), rel=1e-9
    )


def test_the_extent_is_the_box_around_all_units(session: Session, squares: list[AdminUnit]) -> None:
    box = extent(communes_today(session))
    assert box == pytest.approx((CENTRE[0], CENTRE[1], CENTRE[0] + 2 * SIDE, CENTRE[1] + 2 * SIDE))


def test_communes_can_be_limited_to_an_area(session: Session, squares: list[AdminUnit]) -> None:
    assert [p.id for p in communes_today(session, {squares[2].id})] == [squares[2].id]
