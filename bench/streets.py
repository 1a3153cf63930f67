"""How well streets learnt from half of the real addresses place the other half; fits and checks the radii.

    python -m bench.streets [--fit]

Needs ../shared/data/addresses. Streets are halved by name: radii are fitted on one half (`--fit` prints the weights of
`geodata/street_radius.py`) and checked on the other. Within a street, rows of one parity of position are learnt, the
others asked.
"""

from __future__ import annotations

import csv
import math
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np
from scipy.optimize import linprog

from geodata.registry import LEGACY_FROM, REFORM, Registry, load_registry
from geodata.street_block import place
from geodata.street_names import alley_of, house_key
from geodata.street_radius import WEIGHTS, Evidence, Method, features, radius_m
from geodata.streets import Circle, StreetBook, StreetHit, StreetPoint, street_key, ward_radius_m
from geodata.streets import _number as number_of
from geodata.types import Unit, UnitKey, UnitLevel

ADDRESSES = Path("../shared/data/addresses/hcmc_addresses_public.csv")
_BOX_FILL = 0.52


class Row(NamedTuple):
    point: StreetPoint
    key: str
    split: bool


class Case(NamedTuple):
    row: Row
    asks: str
    hit: StreetHit | None
    evidence: Evidence | None
    error_m: float


@dataclass(frozen=True)
class City:
    units: dict[UnitKey, Unit]
    district_of_old: dict[UnitKey, UnitKey]
    district_of_new: dict[UnitKey, UnitKey]
    split: frozenset[UnitKey]

    @classmethod
    def of(cls, registry: Registry) -> City:
        units = {unit.key: unit for unit in registry.units}
        districts: dict[UnitKey, set[UnitKey]] = defaultdict(set)
        parents = {
            key: unit.parent
            for key, unit in units.items()
            if key.level is UnitLevel.COMMUNE and unit.valid_to
        }
        for link in registry.lineage:
            if parent := parents.get(link.old):
                districts[link.new].add(parent)
        return cls(
            units,
            {key: parent for key, parent in parents.items() if parent},
            {key: next(iter(found)) for key, found in districts.items() if len(found) == 1},
            frozenset(link.old for link in registry.lineage if link.split),
        )

    def circle(self, key: UnitKey) -> Circle | None:
        unit = self.units.get(key)
        if unit is None or unit.lat is None or unit.lon is None:
            return None
        area = unit.area_km2 or _box_km2(unit)
        return Circle(unit.lat, unit.lon, ward_radius_m(area)) if area else None


def _box_km2(unit: Unit) -> float | None:
    if unit.bounds is None:
        return None
    west, south, east, north = unit.bounds
    return _BOX_FILL * (east - west) * (north - south) * 111.32**2 * math.cos(math.radians(south))


def read_rows(city: City) -> list[Row]:
    rows = []
    with ADDRESSES.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            street = line["street"] or line["street_key"]
            if not street_key(street):
                continue
            new = UnitKey(UnitLevel.COMMUNE, line["new_ward_code"], REFORM)
            old = (
                UnitKey(UnitLevel.COMMUNE, line["ward273_code"], LEGACY_FROM)
                if line["ward273_code"]
                else None
            )
            district = city.district_of_old.get(old) if old else city.district_of_new.get(new)
            if district is None:
                continue
            house = line["housenumber"] or line["address"].split(",")[0]
            point = StreetPoint(street, float(line["lat"]), float(line["lon"]), house, old, new, district)
            rows.append(Row(point, street_key(street), old in city.split))
    return rows


def halves(rows: Sequence[Row], parts: int = 2) -> Iterator[tuple[list[Row], list[Row]]]:
    """(learnt, asked) rows: every `parts`-th row of a street is learnt, then the next ones."""
    streets: dict[tuple[str, UnitKey | None], list[Row]] = defaultdict(list)
    for row in rows:
        streets[row.key, row.point.district].append(row)
    for turn in range(parts):
        learnt, asked = [], []
        for found in streets.values():
            learnt += found[turn::parts]
            asked += [row for at, row in enumerate(found) if at % parts != turn]
        yield learnt, asked


def ask(city: City, book: StreetBook, row: Row, asks: str) -> Case:
    """`asks`: what the text names beside street and number: 'ward' (old), 'commune' (of today), 'district'; '-' after
    it: the number is not asked."""
    point = row.point
    ward = {"ward": point.former, "commune": point.today}.get(asks.rstrip("-"))
    house = None if asks.endswith("-") else point.house
    assert point.district and point.lat and point.lon
    around = city.circle(ward) if ward else None
    wards = (ward,) if ward else ()
    hit = book.locate(point.street, house, wards=wards, districts=(point.district,), around=around)
    if hit is None or hit.lat is None or hit.lon is None:
        return Case(row, asks, hit, None, math.nan)
    key, _ = book._resolve(point.street, (point.district,))
    wanted = book._wanted(wards, around)
    exact = crc32(house_key(house).encode()) if house else 0
    street = next(iter(book._of(key, (point.district,))))
    placed = place(street, number_of(point.street, house), wanted, exact)
    assert placed
    error = _metres(point.lat, point.lon, hit.lat, hit.lon)
    return Case(row, asks, hit, placed.evidence, error)


def _metres(lat: float, lon: float, lat2: float, lon2: float) -> float:
    return 111_195 * math.hypot(lat2 - lat, (lon2 - lon) * math.cos(math.radians(lat)))


ASKS = ("ward", "commune", "district", "ward-", "district-")


def cases(city: City, rows: Sequence[Row], parts: Iterable[int] = (2,)) -> list[Case]:
    done = []
    for count in parts:
        for learnt, asked in halves(rows, count):
            book = StreetBook.build(row.point for row in learnt)
            for row in asked:
                done += [
                    ask(city, book, row, asks)
                    for asks in ASKS
                    if not (asks[:4] == "ward" and not row.point.former)
                ]
    return done


def fit(done: Sequence[Case]) -> None:
    """Non-negative weights of least pinball loss at 0.9."""
    for method in Method:
        chosen = [case for case in done if case.evidence and case.evidence.method is method]
        if len(chosen) < 20:
            print(method.name, len(chosen), "too few")
            continue
        x = np.array([features(case.evidence) for case in chosen if case.evidence])
        y = np.array([case.error_m for case in chosen]) - 30
        n, k = x.shape
        cost = np.concatenate([np.zeros(k), np.full(n, 0.9), np.full(n, 0.1)])
        equal = np.hstack([x, np.eye(n), -np.eye(n)])
        found = linprog(cost, A_eq=equal, b_eq=y, bounds=(0, None), method="highs")
        print(f"Method.{method.name}: ({', '.join(f'{w:.2f}' for w in found.x[:k])}),  # {n}")


def report(title: str, done: Sequence[Case]) -> None:
    print(title)
    print(
        "| asked with | rows | placed | median m | p90 m | in radius | median radius | ward | commune | split ward's commune |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for asks in ASKS:
        chosen = [case for case in done if case.asks == asks]
        placed = [case for case in chosen if case.evidence and case.hit]
        errors = np.array([case.error_m for case in placed])
        radii = np.array([case.hit.uncertainty_m for case in placed if case.hit])
        former = [
            _right(case.hit.former, case.row.point.former)
            for case in placed
            if case.hit and case.row.point.former
        ]
        today = [_right(case.hit.today, case.row.point.today) for case in placed if case.hit]
        split = [
            _right(case.hit.today, case.row.point.today) for case in placed if case.hit and case.row.split
        ]
        print(
            f"| {asks} | {len(chosen)} | {len(placed) / len(chosen):.0%} | {np.median(errors):.0f} | "
            f"{np.quantile(errors, 0.9):.0f} | {np.mean(errors <= radii):.1%} | {np.median(radii):.0f} | "
            f"{np.mean(former):.1%} | {np.mean(today):.1%} | {np.mean(split):.1%} ({len(split)}) |"
        )
    for method in Method:
        placed = [case for case in done if case.evidence and case.evidence.method is method]
        if placed:
            errors = np.array([case.error_m for case in placed])
            radii = np.array([radius_m(case.evidence) for case in placed if case.evidence])
            print(
                f"    {method.name}: {len(placed)}, median {np.median(errors):.0f} m, in radius {np.mean(errors <= radii):.1%}, "
                f"median radius {np.median(radii):.0f} m"
            )


def _right(shares: Sequence[tuple[UnitKey, float]], truth: UnitKey | None) -> bool:
    return bool(shares) and shares[0][0] == truth


def main() -> None:
    city = City.of(load_registry(["79"]))
    rows = read_rows(city)
    first = [row for row in rows if crc32(row.key.encode()) % 2]
    second = [row for row in rows if not crc32(row.key.encode()) % 2]
    print(f"{len(rows)} rows; {len(first)} on streets fitted on, {len(second)} on the others")
    if "--fit" in sys.argv:
        fit(cases(city, first, (2, 3, 5)))
    report("Streets fitted on", cases(city, first))
    report("Other streets", cases(city, second))
    report("Other streets, one row in five learnt", cases(city, second, (5,)))


if __name__ == "__main__":
    main()
