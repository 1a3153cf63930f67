"""The ground the simulated epidemic stands on: neighbourhoods of today's communes, their people and streets.

A *place* is the part of one former ward that lies in one commune of today; people live in its settled box.
Streets run west–east through the box every `STREET_SPACING_M` metres and houses are numbered from the west,
so an address and a point say the same thing: `street_table` is the gazetteer of all simulated addresses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import cos, radians
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.coordinates import METRES_PER_DEGREE
from geodata.registry import load_registry, successor_shares
from geodata.types import Lineage, Unit, UnitKey, UnitLevel
from surveillance.simulation.settings import SimulationSettings

STREET_SPACING_M = 110.0
FRONTAGE_M = 6.0
ALLEY_M = 9.0
SETTLED_SHARE = 0.7
MAX_HALF_SIZE_M = 1500.0
UNKNOWN_HALF_SIZE_M = 700.0
NAME_STRIDE = 11
PEOPLE_OF_UNKNOWN_DISTRICT = 50_000.0

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Part of a former ward in a commune of today. `half_width_m`, `half_height_m`: of the settled box around
    (`lat`, `lon`); `people` live in it."""

    commune: Unit
    ward: Unit
    district: Unit
    lat: float
    lon: float
    half_width_m: float
    half_height_m: float
    people: float


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """Places sorted by commune. The arrays have one entry a place; `commune_of` indexes `communes`."""

    settings: SimulationSettings
    communes: tuple[Unit, ...]
    places: tuple[Place, ...]
    commune_of: IntArray
    people: FloatArray
    size_m: FloatArray

    def commune_index(self, code: str) -> int:
        """Raises KeyError for a code that is no commune of today."""
        for index, commune in enumerate(self.communes):
            if commune.key.code == code:
                return index
        raise KeyError(code)


def places_from_registry(province_code: str, settings: SimulationSettings) -> City:
    """The city of a province of today, with the former wards its communes came from."""
    registry = load_registry([province_code])
    return build_city(registry.units, registry.lineage, province_code, settings)


def build_city(
    units: Iterable[Unit], lineage: Iterable[Lineage], province_code: str, settings: SimulationSettings
) -> City:
    """The city of `province_code` from units and their lineage.

    A district's people (settings) are spread evenly over its wards unless the wards have a population of
    their own; a split ward's over its successors by `successor_shares`. Raises ValueError when no commune of
    today has a past.
    """
    known = {unit.key: unit for unit in units}
    wards_of = Counter(
        unit.parent for unit in known.values() if unit.valid_to == settings.reform and unit.parent
    )
    places = sorted(
        _places(known, lineage, province_code, settings, wards_of),
        key=lambda p: (p.commune.key.code, p.ward.key.code),
    )
    if not places:
        raise ValueError(f"no commune of province {province_code} has a lineage")
    communes = tuple({place.commune.key: place.commune for place in places}.values())
    index = {commune.key: i for i, commune in enumerate(communes)}
    return City(
        settings=settings,
        communes=communes,
        places=tuple(places),
        commune_of=np.array([index[place.commune.key] for place in places]),
        people=np.array([place.people for place in places]),
        size_m=np.array([(2 * place.half_width_m, 2 * place.half_height_m) for place in places]),
    )


def _places(
    known: dict[UnitKey, Unit],
    lineage: Iterable[Lineage],
    province_code: str,
    settings: SimulationSettings,
    wards_of: Counter[UnitKey],
) -> Iterable[Place]:
    for old, successors in successor_shares(lineage).items():
        ward = known[old]
        district = known[ward.parent] if ward.parent and ward.key.level is UnitLevel.COMMUNE else ward
        people = ward.population or (
            settings.population.get(district.key.code, PEOPLE_OF_UNKNOWN_DISTRICT)
            / max(1, wards_of[district.key])
        )
        for key, share in successors:
            commune = known[key]
            if commune.parent and commune.parent.code == province_code:
                yield _place(commune, ward, district, people * share, split=len(successors) > 1)


def _place(commune: Unit, ward: Unit, district: Unit, people: float, *, split: bool) -> Place:
    lat, lon = _centre(commune, ward, split)
    half_width, half_height = _half_size(ward.bounds, lat)
    shrink = 0.5 if split else 1.0
    return Place(
        commune=commune,
        ward=ward,
        district=district,
        lat=lat,
        lon=lon,
        half_width_m=half_width * shrink,
        half_height_m=half_height * shrink,
        people=people,
    )


def _centre(commune: Unit, ward: Unit, split: bool) -> tuple[float, float]:
    """The ward's centre; for a part of a split ward, half of the way to its commune but inside the ward."""
    if ward.lat is None or ward.lon is None:
        if commune.lat is None or commune.lon is None:
            raise ValueError(f"neither {ward.key} nor {commune.key} has a point")
        return commune.lat, commune.lon
    if not split or ward.bounds is None or commune.lat is None or commune.lon is None:
        return ward.lat, ward.lon
    west, south, east, north = ward.bounds
    lat, lon = (ward.lat + commune.lat) / 2, (ward.lon + commune.lon) / 2
    return (
        min(max(lat, 0.75 * south + 0.25 * north), 0.25 * south + 0.75 * north),
        min(max(lon, 0.75 * west + 0.25 * east), 0.25 * west + 0.75 * east),
    )


def _half_size(bounds: tuple[float, float, float, float] | None, lat: float) -> tuple[float, float]:
    if bounds is None:
        return UNKNOWN_HALF_SIZE_M, UNKNOWN_HALF_SIZE_M
    west, south, east, north = bounds
    width = (east - west) * METRES_PER_DEGREE * cos(radians(lat))
    height = (north - south) * METRES_PER_DEGREE
    return (
        min(SETTLED_SHARE * width / 2, MAX_HALF_SIZE_M),
        min(SETTLED_SHARE * height / 2, MAX_HALF_SIZE_M),
    )


def to_degrees(city: City, place: IntArray, xy: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(lat, lon) of points (N, 2) in metres from the south-west corner of each place's settled box."""
    lat0 = np.array([p.lat for p in city.places])[place]
    lon0 = np.array([p.lon for p in city.places])[place]
    north = xy[:, 1] - city.size_m[place, 1] / 2
    east = xy[:, 0] - city.size_m[place, 0] / 2
    return (
        lat0 + north / METRES_PER_DEGREE,
        lon0 + east / (METRES_PER_DEGREE * np.cos(np.radians(lat0))),
    )


def addresses(city: City, place: IntArray, xy: FloatArray) -> NDArray[Any]:
    """The house address of each point, "45 Lê Lợi" or "45/3 Lê Lợi" for a house in an alley."""
    street = (xy[:, 1] // STREET_SPACING_M).astype(int)
    number = (xy[:, 0] // FRONTAGE_M).astype(int) + 1
    alley = (xy[:, 1] % STREET_SPACING_M // ALLEY_M).astype(int)
    names = city.settings.words.streets
    rows = zip(place.tolist(), street.tolist(), number.tolist(), alley.tolist(), strict=True)
    texts = [
        f"{house}/{deep} {names[_name_index(p, k, len(names))]}"
        if deep
        else f"{house} {names[_name_index(p, k, len(names))]}"
        for p, k, house, deep in rows
    ]
    return np.array(texts, dtype=object)


def _name_index(place: int, street: int, names: int) -> int:
    """Neighbouring streets of a place never share a name (the stride and the number of names are coprime)."""
    return (7 * place + NAME_STRIDE * street) % names


def street_table(city: City) -> pd.DataFrame:
    """A gazetteer of all simulated streets.

    One row a street: its name, commune (today), ward and district (former), the two ends in degrees and the
    house numbers there. House n lies `(n - 0.5) * FRONTAGE_M` metres east of the west end.
    """
    names = city.settings.words.streets
    rows = []
    for index, place in enumerate(city.places):
        width, height = city.size_m[index]
        count = int(height // STREET_SPACING_M) + 1
        ends = np.array([(x, k * STREET_SPACING_M) for k in range(count) for x in (0.0, width)])
        lat, lon = to_degrees(city, np.full(2 * count, index), ends)
        for k in range(count):
            rows.append(
                {
                    "street": names[_name_index(index, k, len(names))],
                    "commune_code": place.commune.key.code,
                    "ward_code": place.ward.key.code,
                    "ward": place.ward.name,
                    "district": place.district.name,
                    "lat": lat[2 * k],
                    "lon_west": lon[2 * k],
                    "lon_east": lon[2 * k + 1],
                    "first_number": 1,
                    "last_number": int(width // FRONTAGE_M) + 1,
                }
            )
    return pd.DataFrame(rows)
