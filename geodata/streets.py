"""Where streets run and where their numbers stand: the look-up that turns street and house number into a point with
an honest radius, and into the old wards and communes of today it may lie in (docs/methods/streets.md).
"""

from __future__ import annotations

import io
import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zlib import crc32

import numpy as np

from geodata.coordinates import METRES_PER_DEGREE
from geodata.street_block import (
    Array,
    Circle,
    Placed,
    Street,
    Wanted,
    place,
    ward_circle,
)
from geodata.street_build import arrays_of, merged, row_of, streets_from
from geodata.street_lookup import Names
from geodata.street_names import HouseNumber, door, house_key, house_number, street_key, street_words
from geodata.street_points import Source, StreetPoint, StreetSegment, distance_m, points_of
from geodata.street_radius import Method, radius_m, unit_radius_m, ward_radius_m
from geodata.types import Candidate, PlaceLevel, UnitKey, UnitLevel
from i18n import Message, MessageError

__all__ = [
    "Circle",
    "HouseNumber",
    "Source",
    "StreetBook",
    "StreetFileError",
    "StreetHit",
    "StreetPoint",
    "StreetSegment",
    "house_number",
    "street_key",
    "street_words",
    "unit_radius_m",
    "ward_circle",
    "ward_radius_m",
]

FORMAT = "canhdich-streets-1"


class StreetFileError(MessageError, ValueError):
    """Not a file of streets, or one of another version of this program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetHit:
    """Where an address lies by its street. The truth is within `uncertainty_m` of the point 9 times in 10. `former`:
    old wards, `today`: communes of today, each with its share, from where the street's points lie; what is missing to 1
    is for units no known point lies in; empty where the points do not say. Without a point when the street is one of
    several."""

    lat: float | None
    lon: float | None
    level: PlaceLevel
    uncertainty_m: float | None
    former: tuple[Candidate, ...]
    today: tuple[Candidate, ...]
    rule: str
    street: str
    respelt: bool = False


@dataclass(frozen=True, eq=False)
class StreetBook:
    """Streets by key. Built once, never changed: `taught` gives another one."""

    units: tuple[UnitKey, ...] = ()
    streets: Mapping[str, tuple[Street, ...]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    _position: dict[UnitKey, int] = field(init=False, repr=False)
    _names: dict[frozenset[int], Names] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_position", {unit: at for at, unit in enumerate(self.units)})

    @classmethod
    def build(cls, known: Iterable[StreetPoint | StreetSegment]) -> StreetBook:
        return cls().taught(known)

    def taught(self, known: Iterable[StreetPoint | StreetSegment]) -> StreetBook:
        """This book and what `known` adds; streets it does not touch are shared with this one."""
        units = dict(self._position)
        words = dict(self.words)
        rows: dict[tuple[str, int], list[tuple[Any, ...]]] = defaultdict(list)
        for point in points_of(known):
            spelt = street_words(point.street)
            if not spelt:
                continue
            key = spelt.replace(" ", "")
            words.setdefault(key, spelt)
            former, today, district = (
                units.setdefault(unit, len(units)) if unit else -1
                for unit in (point.former, point.today, point.district)
            )
            street_rows = rows[key, district]
            if point.lat is not None and point.lon is not None:
                street_rows.append(row_of(point, former, today))
        return StreetBook(tuple(units), merged(self.streets, rows), words)

    def locate(
        self,
        street: str,
        house: str | None = None,
        *,
        wards: Collection[UnitKey] = (),
        districts: Collection[UnitKey] = (),
        around: Circle | None = None,
    ) -> StreetHit | None:
        """`wards`: old wards and communes of today the text may mean (where it has both, a point must lie in one of
        each); `around`: the circle of the ward it names (`ward_circle`), which no answer leaves far. None when the
        street is not known there."""
        house = door(street, house)
        number = house_number(house) if house else HouseNumber(None)
        key, respelt = self._resolve(street, districts)
        wanted = self._wanted(wards, around)
        exact = crc32(house_key(house).encode()) if house else 0
        found = [
            (item, placed)
            for item in self._of(key, districts)
            if (placed := place(item, number, wanted, exact)) is not None
        ]
        if not found:
            return None
        spelt = self.words[key]
        if len(found) > 1:
            return self._several(found, wanted, spelt, respelt)
        item, placed = found[0]
        return self._hit(item, placed, wanted, spelt, respelt)

    def districts_of(self, street: str) -> tuple[UnitKey, ...]:
        """Old districts that are known to have such a street."""
        found = self.streets.get(street_key(street), ())
        return tuple(self.units[item.district] for item in found if item.district >= 0)

    def _hit(self, item: Street, placed: Placed, wanted: Wanted, spelt: str, respelt: bool) -> StreetHit:
        radius = radius_m(placed.evidence)
        if wanted.circle:  # the ward's own radius holds 9 in 10 as well
            radius = min(radius, distance_m(placed[:2], wanted.circle[:2]) + wanted.circle.radius_m)
        weights = _weights(item, placed, radius, wanted).tolist()
        former, today = (column[item.start : item.stop] for column in (item.block.former, item.block.today))
        seen = placed.evidence.method is Method.SEEN
        return StreetHit(
            lat=round(placed.lat, 7),
            lon=round(placed.lon, 7),
            level=PlaceLevel.HOUSE if seen else PlaceLevel.STREET,
            uncertainty_m=round(radius),
            former=self._shares(_tally(former, weights), 0.0 if seen or wanted.formers else _UNSEEN),
            today=self._shares(_tally(today, weights), 0.0 if seen or wanted.todays else _UNSEEN),
            rule=placed.evidence.method.value,
            street=spelt,
            respelt=respelt,
        )

    def _several(
        self, found: Sequence[tuple[Street, Placed]], wanted: Wanted, spelt: str, respelt: bool
    ) -> StreetHit:
        """The same name in several districts: the units they may be, each street as likely as its points are many."""
        hits = [self._hit(item, placed, wanted, spelt, respelt) for item, placed in found]
        sizes = [item.stop - item.start for item, _ in found]
        former, today = (
            _pooled([(share, size) for hit, size in zip(hits, sizes, strict=True) for share in shares(hit)])
            for shares in (lambda hit: hit.former, lambda hit: hit.today)
        )
        return StreetHit(
            lat=None,
            lon=None,
            level=PlaceLevel.UNKNOWN,
            uncertainty_m=None,
            former=former,
            today=today,
            rule="Tên đường có ở nhiều quận/huyện",
            street=spelt,
            respelt=respelt,
        )

    def _shares(self, weights: Mapping[int, float], unseen: float) -> tuple[Candidate, ...]:
        total = sum(weights.values()) + unseen
        shares = [Candidate(self.units[unit], weight / total) for unit, weight in weights.items()]
        return tuple(sorted(shares, key=lambda x: (-x.share, x.unit)))

    def _wanted(self, wards: Collection[UnitKey], around: Circle | None) -> Wanted:
        """Units nobody knows are kept as -2: the text names a ward in which no street is known."""
        formers: set[int] = set()
        todays: set[int] = set()
        for ward in wards:
            position = self._position.get(ward, -2)
            (todays if position in self._of_today else formers).add(position)
        return Wanted(frozenset(formers), frozenset(todays), around)

    @cached_property
    def _of_today(self) -> frozenset[int]:
        """Positions of the units that points lie in today; the others are former ones."""
        blocks = {id(item.block): item.block for items in self.streets.values() for item in items}
        return frozenset(unit for block in blocks.values() for unit in np.unique(block.today).tolist())

    def _of(self, key: str, districts: Collection[UnitKey]) -> Iterable[Street]:
        found = self.streets.get(key, ())
        if not districts:
            return found
        positions = {self._position.get(district, -2) for district in districts}
        inside = [item for item in found if item.district in positions]
        return inside or [item for item in found if item.district < 0]

    def _resolve(self, street: str, districts: Collection[UnitKey]) -> tuple[str, bool]:
        """The key of a known street, and whether it was read out of initials or a typing error."""
        key = street_key(street)
        if key in self.streets or not key:
            return key, False
        positions = frozenset(self._position.get(district, -2) for district in districts)
        names = self._names.get(positions)
        if names is None:
            names = self._names[positions] = Names.of(
                (key, self.words[key])
                for key, items in self.streets.items()
                if not positions or any(item.district in positions for item in items)
            )
        other = names.meant(key, typing_errors=bool(positions))
        return (other, True) if other else (key, False)

    def save(self, path: Path) -> None:
        path.write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: Path) -> StreetBook:
        """Raises StreetFileError; OSError where there is no such file."""
        try:
            return cls.from_bytes(path.read_bytes())
        except StreetFileError as error:
            raise StreetFileError(
                Message("{file} không phải tệp đường phố (.npz).", file=path.name)
            ) from error

    def to_bytes(self) -> bytes:
        """One compressed .npz, without pickled objects: reading it runs no code of the file."""
        arrays = arrays_of(self.streets)
        text = {
            "format": FORMAT,
            "units": [(unit.level.value, unit.code, unit.valid_from.isoformat()) for unit in self.units],
            "words": [self.words[key] for key in self.streets],
        }
        arrays["text"] = np.frombuffer(json.dumps(text).encode(), dtype="u1")
        file = io.BytesIO()
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> StreetBook:
        """Raises StreetFileError."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                arrays = dict(stored)
            text = json.loads(arrays["text"].tobytes())
            if text["format"] != FORMAT:
                raise ValueError(text["format"])
        except (ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
            raise StreetFileError(Message("Không phải dữ liệu đường phố.")) from error
        units = tuple(UnitKey(UnitLevel(x), code, date.fromisoformat(day)) for x, code, day in text["units"])
        words = {spelt.replace(" ", ""): spelt for spelt in text["words"]}
        return cls(units, streets_from(arrays, list(words)), words)


def _weights(item: Street, placed: Placed, radius: float, wanted: Wanted) -> Array:
    """(n,) how much each point of the street says about the place: less the further it lies from it."""
    part = slice(item.start, item.stop)
    north = item.block.lat[part] - placed.lat
    east = (item.block.lon[part] - placed.lon) * math.cos(math.radians(placed.lat))
    square = (north * north + east * east) * (METRES_PER_DEGREE / (_KERNEL * radius)) ** 2
    weights: Array = 1 / (1 + square * square)
    if wanted and (inside := wanted.rows(item)).any():
        weights *= inside
    return weights


_KERNEL = 0.8
_LEAST_SHARE = 0.01
_UNSEEN = 0.15
"""Weight of the units no known point lies in, beside 1 for a point at the very place. With both, the first share is
right about as often as it says (docs/methods/streets.md)."""


def _tally(units: Array, weights: list[float]) -> dict[int, float]:
    """Weight by unit, without those of next to none."""
    totals: dict[int, float] = {}
    for unit, weight in zip(units.tolist(), weights, strict=True):
        totals[unit] = totals.get(unit, 0.0) + weight
    totals.pop(-1, None)
    least = _LEAST_SHARE * sum(totals.values())
    return {unit: total for unit, total in totals.items() if total > least}


def _pooled(shares: Iterable[tuple[Candidate, int]]) -> tuple[Candidate, ...]:
    total: dict[UnitKey, float] = defaultdict(float)
    for candidate, size in shares:
        total[candidate.unit] += candidate.share * size
    whole = sum(total.values())
    return tuple(
        Candidate(unit, weight / whole) for unit, weight in sorted(total.items(), key=lambda x: (-x[1], x[0]))
    )
