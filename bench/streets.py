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
from geodata.street_names import HouseNumber, door, house_key, house_number
from geodata.street_radius import FLOOR_M, Evidence, Method, features, radius_m
from geodata.streets import StreetBook, StreetHit, StreetPoint, street_key, ward_circle
from geodata.types import Unit, UnitKey, UnitLevel

ADDRESSES = Path("../shared/data/addresses/hcmc_addresses_public.csv")


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


def read_rows(city: City, path: Path = ADDRESSES) -> list[Row]:
    rows = []
    with path.open(encoding="utf-8", newline="") as file:
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
    around = ward_circle(city.units[ward]) if ward in city.units else None
    wards = (ward,) if ward else ()
    hit = book.locate(point.street, house, wards=wards, districts=(point.district,), around=around)
    if hit is None or hit.lat is None or hit.lon is None:
        return Case(row, asks, hit, None, math.nan)
    key, _ = book._resolve(point.street, (point.district,))
    wanted = book._wanted(wards, around)
    written = door(point.street, house)
    number = house_number(written) if written else HouseNumber(None)
    exact = crc32(house_key(written).encode()) if written else 0
    street = next(iter(book._of(key, (point.district,))))
    placed = place(street, number, wanted, exact)
    assert placed
    error = _metres(point.lat, point.lon, hit.lat, hit.lon)
    return Case(row, asks, hit, placed.evidence, error)


def _metres(lat: float, lon: float, lat2: float, lon2: float) -> float:
    return 111_195 * math.hypot(lat2 - lat, (lon2 - lon) * math.cos(math.radians(lat)))


FITTED = tuple(method for method in Method if method is not Method.SEEN)
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


def fitted(done: Sequence[Case]) -> dict[Method, tuple[float, ...]]:
    """Non-negative weights of least pinball loss at 0.9, by linear programming."""
    found: dict[Method, tuple[float, ...]] = {}
    for method in FITTED:
        chosen = [case for case in done if case.evidence and case.evidence.method is method]
        x = np.array([features(case.evidence) for case in chosen if case.evidence])
        y = np.array([case.error_m for case in chosen]) - FLOOR_M
        n, k = x.shape
        cost = np.concatenate([np.zeros(k), np.full(n, 0.9), np.full(n, 0.1)])
        equal = np.hstack([x, np.eye(n), -np.eye(n)])
        result = linprog(cost, A_eq=equal, b_eq=y, bounds=(0, None), method="highs")
        found[method] = tuple(float(round(w, 2)) for w in result.x[:k])
    return found


def sample(done: Sequence[Case], most: int = 3000) -> list[Case]:
    """At most so many cases of each method, drawn evenly."""
    found = []
    for method in Method:
        chosen = [case for case in done if case.evidence and case.evidence.method is method]
        found += chosen[:: max(1, math.ceil(len(chosen) / most))]
    return found


def crossed(done: Sequence[Case], folds: int = 5) -> None:
    """Radii fitted on four fifths of the streets, checked on the last fifth, in turn."""
    print(
        "| method | cases | in radius, streets not fitted on | by fifth | median radius m | median error m |"
    )
    print("|---|---|---|---|---|---|")
    inside: dict[Method, list[list[bool]]] = {method: [] for method in FITTED}
    radii: dict[Method, list[float]] = defaultdict(list)
    errors: dict[Method, list[float]] = defaultdict(list)
    for fold in range(folds):
        weights = fitted(sample([case for case in done if crc32(case.row.key.encode()) % folds != fold]))
        for items in inside.values():
            items.append([])
        for case in done:
            if case.evidence and crc32(case.row.key.encode()) % folds == fold:
                method = case.evidence.method
                radius = radius_m(case.evidence, weights)
                inside[method][-1].append(case.error_m <= radius)
                radii[method].append(radius)
                errors[method].append(case.error_m)
    for method, parts in inside.items():
        every = [x for part in parts for x in part]
        by_fold = " ".join(f"{np.mean(part):.2f}" for part in parts if part)
        print(
            f"| {method.name} | {len(every)} | {np.mean(every):.1%} | {by_fold} | "
            f"{np.median(radii[method]):.0f} | {np.median(errors[method]):.0f} |"
        )


def report(title: str, done: Sequence[Case]) -> None:
    print(title)
    print(
        "| asked with | rows | placed | median m | p90 m | in radius | median radius m "
        "| ward | commune | commune of split wards |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for asks in ASKS:
        chosen = [case for case in done if case.asks == asks]
        placed = [case for case in chosen if case.evidence and case.hit]
        errors = np.array([case.error_m for case in placed])
        radii = np.array([case.hit.uncertainty_m for case in placed if case.hit])
        hits = [(case.row, case.hit) for case in placed if case.hit]
        former = [_right(hit.former, row.point.former) for row, hit in hits if row.point.former]
        today = [_right(hit.today, row.point.today) for row, hit in hits]
        split = [_right(hit.today, row.point.today) for row, hit in hits if row.split]
        print(
            f"| {asks} | {len(chosen)} | {len(placed) / len(chosen):.0%} | {np.median(errors):.0f} | "
            f"{np.quantile(errors, 0.9):.0f} | {np.mean(errors <= radii):.1%} | {np.median(radii):.0f} | "
            f"{np.mean(former):.1%} | {np.mean(today):.1%} | {np.mean(split):.1%} ({len(split)}) |"
        )


def _right(shares: Sequence[tuple[UnitKey, float]], truth: UnitKey | None) -> bool:
    return bool(shares) and shares[0][0] == truth


def main() -> None:
    city = City.of(load_registry(["79"]))
    rows = read_rows(city)
    done = cases(city, rows, (2, 3, 5))
    if "--fit" in sys.argv:
        for method, weights in fitted(sample(done)).items():
            print(f"    Method.{method.name}: {weights},")
    print(f"{len(rows)} rows, {len({row.key for row in rows})} names of streets")
    crossed(done)
    report("Half of each street learnt", cases(city, rows))
    report("A fifth of each street learnt", cases(city, rows, (5,)))


if __name__ == "__main__":
    main()
