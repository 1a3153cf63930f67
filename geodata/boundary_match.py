"""Polygons of a file → units of today, and what is wrong with them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import shapely
from pyproj import Geod
from shapely import MultiPolygon

from geodata.text import accent_key, name_key
from geodata.types import Unit, UnitKey, UnitLevel
from i18n import Message, MessageError

_CODE_COLUMNS = (
    *("code", "ma", "maxa", "maphuongxa", "mahc", "madvhc", "gsocode", "gso", "wardcode", "newwardcode"),
    *("communecode", "unitcode", "pcode", "adm3pcode", "towncode", "id"),
)
_NAME_COLUMNS = (
    *("fullname", "name", "ten", "tenxa", "tenphuongxa", "tendvhc", "wardname", "ward", "newward"),
    *("communename", "unitname", "adm3vi", "adm3en"),
)
_PARENT_COLUMNS = (
    "province",
    "provincename",
    "tinh",
    "tentinh",
    "tinhthanh",
    "parent",
    "parentname",
    "adm1vi",
)
_OVERLAP_KM2 = 0.01
_AREA_RATIO = (0.9, 1.1)
_OTHER_NAMES_LIMIT = 0.3
_GEOD = Geod(ellps="WGS84")


class BoundaryError(MessageError, ValueError):
    """A boundary file that cannot be used; the text says what is wrong and how to mend it."""


class Overlap(NamedTuple):
    first: UnitKey
    second: UnitKey
    km2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryMatch:
    """Areas by unit; `unmatched` are rows of the file (their name, code or number), `missing` units without
    one."""

    areas: Mapping[UnitKey, MultiPolygon]
    by_code: int
    by_name: int
    unmatched: tuple[str, ...]
    missing: tuple[Unit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryCheck:
    """`areas` are valid now; `repaired` of them were not. `ratios`: area over official area, where it is
    odd."""

    areas: Mapping[UnitKey, MultiPolygon]
    repaired: int
    overlaps: tuple[Overlap, ...]
    ratios: Mapping[UnitKey, float]


def match_boundaries(frame: gpd.GeoDataFrame, units: Iterable[Unit]) -> BoundaryMatch:
    """Rows to units, by code where the file's name agrees (codes are re-used, domain.md §4), else by name.

    `units` may hold larger units too: their names settle rows of a file that says where its units lie.
    Several rows of one unit are its parts. Raises BoundaryError when nothing matches, and when the codes
    match but the names do not: then the file shows units of another time.
    """
    everyone = list(units)
    known = [unit for unit in everyone if unit.key.level is UnitLevel.COMMUNE and unit.valid_to is None]
    codes = _column(frame, _CODE_COLUMNS)
    names = _column(frame, _NAME_COLUMNS)
    if codes is None and names is None:
        raise BoundaryError(
            Message(
                "Không có cột mã hay tên đơn vị; các cột có: {columns}.",
                columns=", ".join(map(str, frame.columns)),
            )
        )
    by_code = _codes(frame, codes, names, known)
    by_name = _names(frame, names, known, taken=by_code, parents=_parents(known, everyone))
    parts: dict[UnitKey, list[shapely.Geometry]] = defaultdict(list)
    for row, key in {**by_code, **by_name}.items():
        parts[key].append(frame.geometry.iloc[row])
    if not parts:
        raise BoundaryError(
            Message("Không vùng nào trong tệp khớp mã hay tên của xã, phường, đặc khu hiện nay.")
        )
    label = names or codes
    return BoundaryMatch(
        areas={key: _joined(pieces) for key, pieces in parts.items()},
        by_code=len(set(by_code.values())),
        by_name=len(set(by_name.values()) - set(by_code.values())),
        unmatched=tuple(
            f"{frame[label].iloc[row]} ({row + 1})"
            for row in range(len(frame))
            if row not in by_code and row not in by_name
        ),
        missing=tuple(unit for unit in known if unit.key not in parts),
    )


def _column(frame: gpd.GeoDataFrame, wanted: Sequence[str]) -> str | None:
    """The first wanted column there is, however it is spelt."""
    there = {name_key(str(name)): name for name in frame.columns if name != frame.geometry.name}
    return next((there[name] for name in (name_key(w) for w in wanted) if name in there), None)


def _codes(
    frame: gpd.GeoDataFrame, codes: str | None, names: str | None, units: Collection[Unit]
) -> dict[int, UnitKey]:
    """Row → unit of its code; rows whose name says otherwise are left to the names."""
    if codes is None:
        return {}
    by_code = {unit.key.code: unit for unit in units}
    width = Counter(len(code) for code in by_code).most_common(1)[0][0]
    found: dict[int, Unit] = {}
    for row, value in enumerate(frame[codes]):
        if unit := by_code.get(_code(value, width)):
            found[row] = unit
    if names is None:
        return {row: unit.key for row, unit in found.items()}
    agreeing = {
        row: unit.key
        for row, unit in found.items()
        if _name(frame[names].iloc[row]) in _names_of(unit, name_key)
    }
    if len(found) - len(agreeing) > _OTHER_NAMES_LIMIT * len(found):
        raise BoundaryError(
            Message(
                "{count} trong {total} mã khớp nhưng tên khác: "
                "tệp này vẽ đơn vị của thời kỳ khác (trước 01/07/2025?).",
                count=len(found) - len(agreeing),
                total=len(found),
            )
        )
    return agreeing


def _code(value: object, width: int) -> str:
    """Codes as numbers lose their leading zeros or gain '.0'."""
    text = str(value).strip().removesuffix(".0")
    return text.zfill(width) if text.isdigit() else text


def _name(value: object) -> str:
    return name_key(str(value))


def _names_of(unit: Unit, spelling: Callable[[str], str]) -> set[str]:
    return {spelling(unit.name), spelling(unit.short_name)}


def _names(
    frame: gpd.GeoDataFrame,
    names: str | None,
    units: Collection[Unit],
    taken: Mapping[int, UnitKey],
    parents: Collection[str],
) -> dict[int, UnitKey]:
    """Row → the only unit so named, with accents first, without them second; rows of other parents are left
    out."""
    if names is None:
        return {}
    found: dict[int, UnitKey] = {}
    column = _column(frame, _PARENT_COLUMNS)
    for spelling in (accent_key, name_key):
        table: dict[str, list[Unit]] = defaultdict(list)
        for unit in units:
            for name in _names_of(unit, spelling):
                table[name].append(unit)
        for row in sorted(set(range(len(frame))) - set(taken) - set(found)):
            if column and parents and not any(name in _name(frame[column].iloc[row]) for name in parents):
                continue
            fitting = table[spelling(str(frame[names].iloc[row]))]
            if len(fitting) == 1 and fitting[0].key not in taken.values():
                found[row] = fitting[0].key
    return found


def _parents(units: Iterable[Unit], everyone: Iterable[Unit]) -> set[str]:
    keys = {unit.parent for unit in units}
    return {_name(unit.short_name) for unit in everyone if unit.key in keys}


def _joined(pieces: Sequence[shapely.Geometry]) -> MultiPolygon:
    whole = pieces[0] if len(pieces) == 1 else shapely.union_all(shapely.make_valid(list(pieces)))
    return as_multi(whole)


def as_multi(area: shapely.Geometry) -> MultiPolygon:
    """The polygons of any geometry; repairing one may leave loose lines beside them."""
    if isinstance(area, MultiPolygon):
        return area
    polygons = [part for part in shapely.get_parts(area) if part.geom_type in ("Polygon", "MultiPolygon")]
    return MultiPolygon([p for part in polygons for p in shapely.get_parts(part)])


def check_boundaries(match: BoundaryMatch, units: Iterable[Unit]) -> BoundaryCheck:
    """Repair what is invalid, then measure overlaps (over 0.01 km²) and areas against the official ones."""
    invalid = [key for key, area in match.areas.items() if not area.is_valid]
    areas = {**match.areas, **{key: as_multi(shapely.make_valid(match.areas[key])) for key in invalid}}
    official = {unit.key: unit.area_km2 for unit in units}
    ratios = {key: _km2(area) / km2 for key, area in areas.items() if (km2 := official.get(key))}
    low, high = _AREA_RATIO
    return BoundaryCheck(
        areas=areas,
        repaired=len(invalid),
        overlaps=tuple(sorted(_overlaps(areas), key=lambda overlap: -overlap.km2)),
        ratios={key: ratio for key, ratio in ratios.items() if not low <= ratio <= high},
    )


def _overlaps(areas: Mapping[UnitKey, MultiPolygon]) -> Iterator[Overlap]:
    keys, shapes = list(areas), list(areas.values())
    for first, second in zip(*shapely.STRtree(shapes).query(shapes, predicate="intersects"), strict=True):
        if first < second and (km2 := _km2(shapes[first].intersection(shapes[second]))) > _OVERLAP_KM2:
            yield Overlap(keys[first], keys[second], km2)


def _km2(area: shapely.Geometry) -> float:
    return abs(float(_GEOD.geometry_area_perimeter(as_multi(area))[0])) / 1e6
