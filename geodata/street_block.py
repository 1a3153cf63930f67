"""Points of streets in sorted arrays, and where on a street a house number lies."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geodata.coordinates import METRES_PER_DEGREE
from geodata.street_names import HouseNumber
from geodata.street_points import Source, distance_m
from geodata.street_radius import Evidence, Method, unit_radius_m
from geodata.types import Unit

NO_NUMBER = -1
_STRAY = (400.0, 3.0)
_SAME_SIDE = 10
_BRANCH = (500.0, 15.0)
_WALK = 60
_WINDOW = 4
_LINE = int(Source.LINE)
_ONE_DOOR_M = 50.0

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """n points, those of one street in one district together, unnumbered ones (NO_NUMBER) first, then by number.

    `street` (n,) is the position of the street in its list; `lat`, `lon` degrees; `former`, `today` positions in
    the book's units, -1 unknown; `house` a checksum of the whole house number. `stray` numbers stand far from where
    both their neighbours agree to be; `scatter` (metres): mean distance of the numbers around from the line between
    their neighbours."""

    street: Array
    number: Array
    lat: Array
    lon: Array
    former: Array
    today: Array
    depth: Array
    source: Array
    house: Array
    stray: Array = field(init=False)
    scatter: Array = field(init=False)

    def __post_init__(self) -> None:
        stray, scatter = _roughness(self)
        object.__setattr__(self, "stray", stray)
        object.__setattr__(self, "scatter", scatter)


class Street(NamedTuple):
    """Rows [start, stop) of a block; those from `numbered` on have numbers."""

    district: int
    block: Block
    start: int
    numbered: int
    stop: int


class Circle(NamedTuple):
    """Centre of the ward a text names, and the radius that holds 9 in 10 of its addresses (`unit_radius_m`)."""

    lat: float
    lon: float
    radius_m: float


def ward_circle(unit: Unit) -> Circle | None:
    """None where the unit's centre or size is not known."""
    radius = unit_radius_m(unit)
    if radius is None or unit.lat is None or unit.lon is None:
        return None
    return Circle(unit.lat, unit.lon, radius)


class Wanted(NamedTuple):
    """Units a text names, as positions in the book's units; empty: not named. Both must hold where both are."""

    formers: frozenset[int]
    todays: frozenset[int]
    circle: Circle | None = None

    def __bool__(self) -> bool:
        return bool(self.formers or self.todays)

    def holds(self, block: Block, row: int) -> bool:
        return (not self.formers or block.former[row] in self.formers) and (
            not self.todays or block.today[row] in self.todays
        )

    def rows(self, street: Street) -> Array:
        """(m,) which rows of the street lie in the units named."""
        block, part = street.block, slice(street.start, street.stop)
        if self.formers and self.todays:
            return _among(block.former[part], self.formers) & _among(block.today[part], self.todays)
        if self:
            return _among(block.former[part], self.formers) | _among(block.today[part], self.todays)
        return np.ones(street.stop - street.start, dtype=bool)


class Placed(NamedTuple):
    lat: float
    lon: float
    evidence: Evidence


def place(street: Street, house: HouseNumber, wanted: Wanted, exact: int = 0) -> Placed | None:
    """Where the house lies, else the street itself within the ward named, else within its district. None when the
    street is known by name only, or lies too far from the ward named. `exact`: checksum of the whole house number."""
    found = None
    if house.main is not None and street.numbered < street.stop:
        found = _by_number(street, house, wanted, exact)
    if found is None or (wanted.circle and _beyond(found, wanted.circle)):
        found = _by_extent(street, wanted)
    return found


def _by_number(street: Street, house: HouseNumber, wanted: Wanted, exact: int) -> Placed | None:
    block, number = street.block, house.main or 0
    at = bisect_left(block.number, number, street.numbered, street.stop)
    below, here, above = _around(street, at, number, lambda row: not block.stray[row])
    if wanted and not any(wanted.holds(block, row) for row in (*here, *below, *above)):
        below, here, above = _around(street, at, number, lambda row: wanted.holds(block, row))
    elif wanted and here:
        here = [row for row in here if wanted.holds(block, row)] or here
    if here:
        return _known(street, here, house, exact)
    if below and above:
        return _between(street, below[0], above[0], house, wanted)
    return _beside(street, (below or above)[0], house) if below or above else None


def _around(
    street: Street, at: int, number: int, fits: Callable[[int], bool]
) -> tuple[list[int], list[int], list[int]]:
    """Rows of the nearest fitting number below (one or none), of the number itself, of the nearest above."""
    block = street.block
    after = at
    while after < street.stop and block.number[after] == number:
        after += 1
    here = [row for row in range(at, after) if fits(row)]
    below = _nearest(block, range(at - 1, max(street.numbered, at - _WALK) - 1, -1), number, fits)
    above = _nearest(block, range(after, min(street.stop, after + _WALK)), number, fits)
    return below, here, above


def _nearest(block: Block, rows: range, number: int, fits: Callable[[int], bool]) -> list[int]:
    """The nearest fitting row; one of the house's own side where it is not much further."""
    first = None
    for row in rows:
        if first is not None and abs(block.number[row] - block.number[first]) > _SAME_SIDE:
            break
        if fits(row):
            if (block.number[row] - number) % 2 == 0:
                return [row]
            first = row if first is None else first
    return [] if first is None else [first]


def _known(street: Street, rows: list[int], house: HouseNumber, exact: int) -> Placed:
    """The very house before others of its number, verified points before others, the front before its alleys."""
    block = street.block

    def order(row: int) -> tuple[bool, int, bool]:
        same = block.house[row] == exact
        return not same, block.source[row], bool(block.depth[row]) and not house.depth

    best = min(map(order, rows))
    rows = [row for row in rows if order(row) == best]
    lat, lon = median(block.lat[rows].tolist()), median(block.lon[rows].tolist())
    apart = max(distance_m((lat, lon), (block.lat[row], block.lon[row])) for row in rows)
    other, source, _ = best
    seen = not other and source == Source.VERIFIED and apart <= _ONE_DOOR_M
    method, depth = (Method.SEEN if seen else Method.KNOWN), (house.depth if other else 0)
    return Placed(lat, lon, Evidence(method, apart, 0, float(block.scatter[rows[0]]), len(rows), depth))


def _between(street: Street, a: int, b: int, house: HouseNumber, wanted: Wanted) -> Placed:
    block, number = street.block, house.main or 0
    low, high = int(block.number[a]), int(block.number[b])
    apart = distance_m((block.lat[a], block.lon[a]), (block.lat[b], block.lon[b]))
    if apart > _BRANCH[0] + _BRANCH[1] * (high - low):
        inside = [row for row in (a, b) if wanted and wanted.holds(block, row)]
        nearer = a if number - low <= high - number else b
        return _beside(street, inside[0] if len(inside) == 1 else nearer, house)
    share = (number - low) / (high - low)
    lat = float(block.lat[a] + share * (block.lat[b] - block.lat[a]))
    lon = float(block.lon[a] + share * (block.lon[b] - block.lon[a]))
    scatter = float(max(block.scatter[a], block.scatter[b]))
    numbers = min(number - low, high - number)
    evidence = Evidence(Method.BETWEEN, apart, numbers, scatter, street.stop - street.numbered, house.depth)
    return Placed(*_on_line(street, lat, lon, apart / 2), evidence)


def _beside(street: Street, row: int, house: HouseNumber) -> Placed:
    block = street.block
    lat, lon = float(block.lat[row]), float(block.lon[row])
    numbers = abs(int(block.number[row]) - (house.main or 0))
    scatter, points = float(block.scatter[row]), street.stop - street.numbered
    _, apart = _centre(block.lat[street.start : street.stop], block.lon[street.start : street.stop])
    return Placed(lat, lon, Evidence(Method.BESIDE, apart, numbers, scatter, points, house.depth))


def _on_line(street: Street, lat: float, lon: float, most_m: float) -> tuple[float, float]:
    """The nearest point of the street's line where one is within `most_m`: streets bend between two numbers."""
    part = slice(street.start, street.numbered)
    lines = (street.block.source[part] == _LINE).nonzero()[0]
    if not len(lines):
        return lat, lon
    lats, lons = street.block.lat[part][lines], street.block.lon[part][lines]
    distances = _distances(lats, lons, lat, lon)
    nearest = int(distances.argmin())
    if distances[nearest] > most_m:
        return lat, lon
    return float(lats[nearest]), float(lons[nearest])


def _by_extent(street: Street, wanted: Wanted) -> Placed | None:
    if street.start == street.stop:
        return None
    block, part = street.block, slice(street.start, street.stop)
    lats, lons, lines = block.lat[part], block.lon[part], block.source[part] == _LINE
    inside = wanted.rows(street)
    if wanted and not inside.any():
        return _near(lats, lons, wanted.circle) if wanted.circle else None
    if (inside & lines).any():
        inside &= lines
    (lat, lon), apart = _centre(lats[inside], lons[inside])
    method = Method.IN_WARD if wanted else Method.WHOLE
    placed = Placed(lat, lon, Evidence(method, apart, 0, 0.0, int(inside.sum()), 0))
    return None if wanted.circle and _beyond(placed, wanted.circle) else placed


def _near(lats: Array, lons: Array, circle: Circle) -> Placed | None:
    """The street's point nearest to the ward named, unless that is outside of it beyond doubt."""
    distances = _distances(lats, lons, circle.lat, circle.lon)
    nearest = int(distances.argmin())
    evidence = Evidence(Method.NEAR_WARD, circle.radius_m, 0, 0.0, len(lats), 0)
    placed = Placed(float(lats[nearest]), float(lons[nearest]), evidence)
    return None if _beyond(placed, circle) else placed


def _beyond(placed: Placed, circle: Circle) -> bool:
    return distance_m(placed[:2], circle[:2]) > 1.5 * circle.radius_m


def _centre(lats: Array, lons: Array) -> tuple[tuple[float, float], float]:
    """Median (lat, lon), and the radius around it that holds 9 in 10 of the points."""
    low, high = (len(lats) - 1) // 2, len(lats) // 2
    sorted_lats, sorted_lons = np.sort(lats), np.sort(lons)
    lat = float(sorted_lats[low] + sorted_lats[high]) / 2
    lon = float(sorted_lons[low] + sorted_lons[high]) / 2
    distances = np.sort(_distances(lats, lons, lat, lon))
    return (lat, lon), float(distances[math.ceil(0.9 * len(distances)) - 1])


def _distances(lats: Array, lons: Array, lat: float, lon: float) -> Array:
    east = (lons - lon) * math.cos(math.radians(lat))
    return METRES_PER_DEGREE * np.hypot(lats - lat, east)


def _among(column: Array, named: frozenset[int]) -> Array:
    found: Array = np.zeros(len(column), dtype=bool)
    for unit in named:
        found |= column == unit
    return found


def _roughness(block: Block) -> tuple[Array, Array]:
    """`stray` and `scatter` of every row, from the rows before and after it on the same street."""
    n = len(block.number)
    stray, misses = np.zeros(n, dtype=bool), np.full(n, np.nan)
    if n >= 3:
        numbered = block.number >= 0
        inner = np.flatnonzero(
            (block.street[:-2] == block.street[2:]) & numbered[:-2] & numbered[1:-1] & numbered[2:]
        )
        before, row, after = inner, inner + 1, inner + 2
        x, y = block.lon * np.cos(np.radians(block.lat)) * METRES_PER_DEGREE, block.lat * METRES_PER_DEGREE
        width = np.maximum(block.number[after] - block.number[before], 1)
        share = (block.number[row] - block.number[before]) / width
        off_x = x[row] - x[before] - share * (x[after] - x[before])
        off_y = y[row] - y[before] - share * (y[after] - y[before])
        misses[row] = np.hypot(off_x, off_y)
        apart = np.hypot(x[after] - x[before], y[after] - y[before])
        stray[row] = misses[row] > _STRAY[0] + _STRAY[1] * apart
    return stray, _windowed(block.street, misses)


def _windowed(street: Array, values: Array) -> Array:
    """Mean of the known values of up to _WINDOW rows either side on the same street; 0 where none is known."""
    n = len(values)
    known = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    low = np.maximum(np.arange(n) - _WINDOW, np.searchsorted(street, street, "left"))
    high = np.minimum(np.arange(n) + _WINDOW + 1, np.searchsorted(street, street, "right"))
    total, count = sums[high] - sums[low], counts[high] - counts[low]
    return np.where(count > 0, total / np.maximum(count, 1), 0.0).astype(np.float32)
