"""Points of streets into sorted blocks, and blocks into the arrays of a file and back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

import numpy as np

from geodata.street_block import NO_NUMBER, Array, Block, Street
from geodata.street_names import HouseNumber, door, house_key, house_number
from geodata.street_points import StreetPoint

_COLUMNS = ("number", "lat", "lon", "former", "today", "depth", "source", "house")
_TYPES = ("<i4", "<i4", "<f8", "<f8", "<i2", "<i2", "u1", "u1", "<u4")
"""Of the street's position, then of _COLUMNS."""
_E7 = 1e7
Streets = Mapping[str, tuple[Street, ...]]
Row = tuple[Any, ...]


def row_of(point: StreetPoint, former: int, today: int) -> Row:
    """A point as _COLUMNS; 1e-7 degrees (a centimetre) is how fine places are kept."""
    written = door(point.street, point.house)
    house = house_number(written) if written else HouseNumber(None)
    exact = crc32(house_key(written).encode()) if written else 0
    main = NO_NUMBER if house.main is None else house.main
    lat, lon = round(point.lat or 0.0, 7), round(point.lon or 0.0, 7)
    return (main, lat, lon, former, today, min(house.depth, 255), point.source, exact)


def merged(old: Streets, rows: Mapping[tuple[str, int], list[Row]]) -> dict[str, tuple[Street, ...]]:
    """`old` with the rows by (key, district) added; only the streets they touch are built anew, in one block."""
    before = {(key, item.district): item for key in {key for key, _ in rows} for item in old.get(key, ())}
    parts = []
    for at, (place, new) in enumerate(rows.items()):
        if item := before.get(place):
            kept = [getattr(item.block, name)[item.start : item.stop] for name in _COLUMNS]
            new = [*zip(*(column.tolist() for column in kept), strict=True), *new]
        parts += [(at, *row) for row in new]
    block, bounds = _block(parts, len(rows))
    touched: dict[str, dict[int, Street]] = defaultdict(dict)
    for at, (key, district) in enumerate(rows):
        touched[key][district] = Street(district, block, *bounds[at])
    streets = dict(old)
    for key, items in touched.items():
        streets[key] = tuple(({item.district: item for item in old.get(key, ())} | items).values())
    return streets


def _block(rows: list[Row], streets: int) -> tuple[Block, list[tuple[int, int, int]]]:
    """The block of (position of the street, *row), and (start, numbered, stop) of each street."""
    table = list(zip(*rows, strict=True)) if rows else [()] * len(_TYPES)
    columns = [np.array(column, dtype=kind) for column, kind in zip(table, _TYPES, strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    block = Block(*(column[order] for column in columns))
    starts = np.searchsorted(block.street, np.arange(streets + 1))
    bare = np.searchsorted(block.street * 2.0 + (block.number >= 0), np.arange(streets) * 2.0 + 1)
    bounds = zip(starts[:-1].tolist(), bare.tolist(), starts[1:].tolist(), strict=True)
    return block, list(bounds)


def streets_from(arrays: Mapping[str, Array], keys: Sequence[str]) -> dict[str, tuple[Street, ...]]:
    sizes = arrays["size"]
    stops = np.cumsum(sizes)
    columns = [arrays[name] / _E7 if name in ("lat", "lon") else arrays[name] for name in _COLUMNS]
    block = Block(np.repeat(np.arange(len(sizes), dtype="<i4"), sizes), *columns)
    streets: dict[str, list[Street]] = defaultdict(list)
    lists = (arrays["of"], arrays["district"], stops - sizes, stops - sizes + arrays["bare"], stops)
    for of, district, start, numbered, stop in zip(*(x.tolist() for x in lists), strict=True):
        streets[keys[of]].append(Street(district, block, start, numbered, stop))
    return {key: tuple(items) for key, items in streets.items()}


def arrays_of(streets: Streets) -> dict[str, Array]:
    """For `streets_from`: the columns of all points one street after the other, degrees in units of 1e-7, and of each
    street the position of its key, its district and its numbers of points."""
    items = [(at, item) for at, found in enumerate(streets.values()) for item in found]
    arrays: dict[str, Array] = {}
    for name, kind in zip(_COLUMNS, _TYPES[1:], strict=True):
        parts = [getattr(item.block, name)[item.start : item.stop] for _, item in items]
        column = np.concatenate(parts) if parts else np.zeros(0, dtype=kind)
        arrays[name] = np.round(column * _E7).astype("<i4") if name in ("lat", "lon") else column
    arrays["of"] = np.array([at for at, _ in items], dtype="<i4")
    arrays["district"] = np.array([item.district for _, item in items], dtype="<i2")
    arrays["size"] = np.array([item.stop - item.start for _, item in items], dtype="<i4")
    arrays["bare"] = np.array([item.numbered - item.start for _, item in items], dtype="<i4")
    return arrays
