"""Polygons of a file → units of one release: by code, then by name and parent, then by name and place. Pure.

Nothing is guessed: what fits no unit, or several, is left over with its reason, and so is each unit without a shape.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import geopandas as gpd
import shapely
from shapely import MultiPolygon

from geodata.boundary_check import as_multi
from geodata.boundary_files import BoundaryError
from geodata.boundary_formats import Columns, recognise
from geodata.text import accent_key, name_key
from geodata.types import Unit, UnitKey, UnitLevel
from i18n import Message

_OTHER_NAMES_LIMIT = 0.3
_DUPLICATE = 0.5
"""A later shape of a unit that lies by more than this in an earlier one is the same drawn twice, not another part."""
_ENGLISH_KIND = re.compile(
    r"^(?:ward|district|commune|town(?:ship)?)\s+|\s+(?:ward|district|commune|town(?:ship)?|city)$",
    re.IGNORECASE,
)
_NEAR_DEGREES = 0.05
"""The registered point of a unit lies in its shape, or within about 5 km of it where the two sources differ."""
_NAMELESS = ("", "nan", "none", "null")


class LeftOver(NamedTuple):
    """A feature that was not used: its row in the file, what it calls itself, and why."""

    row: int
    name: str
    reason: Message


class Lacking(NamedTuple):
    """A unit without a shape, and why."""

    unit: Unit
    reason: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One row of the file. `names` are tried in their order; `district` and `province` None where it has no such
    column."""

    index: int
    row: int
    code: str
    identifier: str
    names: tuple[str, ...]
    kind: str
    district: str | None
    district_code: str
    province: str | None
    level: str
    shape: shapely.Geometry

    @property
    def label(self) -> str:
        return next(iter(self.names), "") or self.code or "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryMatch:
    """Areas by unit and how many of them were found by code, by name and by name and place; `rows` the features of
    each unit (positions in the frame). `elsewhere`: features of other provinces."""

    areas: Mapping[UnitKey, MultiPolygon]
    rows: Mapping[UnitKey, tuple[int, ...]]
    by_code: int
    by_name: int
    by_place: int
    left_over: tuple[LeftOver, ...]
    lacking: tuple[Lacking, ...]
    elsewhere: int

    @property
    def unmatched(self) -> tuple[str, ...]:
        return tuple(f"{x.name} ({x.row})" for x in self.left_over)

    @property
    def missing(self) -> tuple[Unit, ...]:
        return tuple(x.unit for x in self.lacking)


def match_boundaries(
    frame: gpd.GeoDataFrame, units: Iterable[Unit], on: date | None = None, columns: Columns | None = None
) -> BoundaryMatch:
    """Features to the smallest units among `units` that stood on `on` (None: today's).

    Codes count where the feature's name agrees (they are re-used, domain.md §4). `units` may hold larger units too:
    parents settle names that several units have. Raises BoundaryError when nothing matches, when the codes match but
    the names do not (units of another time), and when the file draws districts.
    """
    everyone = {unit.key: unit for unit in units}
    columns = columns or recognise([str(x) for x in frame.columns], on or date.max)
    known = leaves(everyone.values(), on)
    if columns.format.level == "district":
        known = [x for x in everyone.values() if stands(x, on) and x.key.level is UnitLevel.DISTRICT]
    if "code" not in columns.by_field and "name" not in columns.by_field:
        listed = ", ".join(str(x) for x in frame.columns if x not in ("geometry", "row"))
        raise BoundaryError(Message("Không có cột mã hay tên đơn vị; các cột có: {columns}.", columns=listed))
    features = features_of(frame, columns)
    tries = [_match(group, known, everyone) for group in by_level(features).values()]
    best = max(tries, key=lambda x: len(x.found))
    if not best.found:
        raise _nothing_matched(features, everyone.values(), on)
    other_level = [
        LeftOver(x.row, x.label, Message("cấp khác ({level})", level=x.level))
        for x in features
        if x.level != best.level
    ]
    return _result(best, features, known, other_level)


def leaves(units: Iterable[Unit], on: date | None) -> list[Unit]:
    """The communes that stood on that day, and the districts that had none."""
    standing = [unit for unit in units if stands(unit, on) and unit.key.level is not UnitLevel.PROVINCE]
    parents = {unit.parent for unit in standing if unit.key.level is UnitLevel.COMMUNE}
    return [unit for unit in standing if unit.key.level is UnitLevel.COMMUNE or unit.key not in parents]


def stands(unit: Unit, on: date | None) -> bool:
    if on is None:
        return unit.valid_to is None
    return unit.key.valid_from <= on and (unit.valid_to is None or on < unit.valid_to)


def by_level(features: Iterable[Feature]) -> dict[str, list[Feature]]:
    """In a file of several levels (OSM's admin_level) one of them is the communes."""
    found: dict[str, list[Feature]] = defaultdict(list)
    for feature in features:
        found[feature.level].append(feature)
    return dict(sorted(found.items()))


def features_of(frame: gpd.GeoDataFrame, columns: Columns) -> list[Feature]:
    rows = frame["row"] if "row" in frame.columns else range(1, len(frame) + 1)
    cells = {name: frame[header] for name, header in columns.by_field.items()}
    others = [frame[header] for header in columns.alternatives]

    def cell(name: str, i: int) -> str | None:
        return _text(cells[name].iloc[i]) if name in cells else None

    def feature(i: int, row: int, shape: shapely.Geometry) -> Feature:
        names = [cell("name", i) or "", *(_text(column.iloc[i]) for column in others)]
        code = (cell("code", i) or "").removeprefix(columns.format.code_prefix)
        return Feature(
            index=i,
            row=row,
            code=code,
            identifier=cell("identifier", i) or "",
            names=tuple(dict.fromkeys(x for x in names if x)),
            kind=cell("kind", i) or "",
            district=cell("district", i),
            district_code=(cell("district_code", i) or "").removeprefix(columns.format.code_prefix),
            province=cell("province", i),
            level=cell("level", i) or "",
            shape=shape,
        )

    return [
        feature(i, int(row), shape) for i, (row, shape) in enumerate(zip(rows, frame.geometry, strict=True))
    ]


def _text(value: Any) -> str:
    text = str(value).strip()
    return "" if text.lower() in _NAMELESS else text.removesuffix(".0")


# --- matching ----------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Try:
    """The matching of the features of one level."""

    level: str
    found: dict[int, UnitKey]
    by_code: set[int]
    by_place: set[int]
    reasons: dict[int, Message]
    elsewhere: int


def _match(features: Sequence[Feature], known: Sequence[Unit], everyone: Mapping[UnitKey, Unit]) -> _Try:
    provinces = province_names(known, everyone)
    ours = [x for x in features if is_here(x, provinces)]
    result = _Try(
        level=features[0].level,
        found=_by_code(ours, known),
        by_code=set(),
        by_place=set(),
        reasons={},
        elsewhere=len(features) - len(ours),
    )
    result.by_code = set(result.found)
    candidates: dict[int, list[Unit]] = {}
    for spelling in (accent_key, name_key):
        table = _names_table(known, spelling)
        for feature in (x for x in ours if x.index not in result.found):
            fitting = _named(feature, table, spelling, everyone)
            free = [unit for unit in fitting if unit.key not in result.found.values()]
            if len(free) == 1 and len(fitting) == 1:
                result.found[feature.index] = free[0].key
            elif fitting:
                candidates[feature.index] = fitting
    _by_place(ours, candidates, result)
    for feature in (x for x in ours if x.index not in result.found):
        result.reasons[feature.index] = _why(feature, candidates.get(feature.index, []), result, everyone)
    return result


def is_here(feature: Feature, provinces: Collection[str]) -> bool:
    """Whether the feature's province, where the file names one, is one of ours."""
    if not feature.province or not provinces:
        return True
    said = name_key(feature.province)
    return any(name_key(name) in said for name in provinces)


def province_names(known: Iterable[Unit], everyone: Mapping[UnitKey, Unit]) -> set[str]:
    """Short names of the provinces these units lie in."""
    found = set()
    for unit in known:
        above = everyone.get(unit.parent) if unit.parent else None
        while above is not None:
            if above.key.level is UnitLevel.PROVINCE:
                found.add(above.short_name)
            above = everyone.get(above.parent) if above.parent else None
    return found


def _by_code(features: Sequence[Feature], known: Sequence[Unit]) -> dict[int, UnitKey]:
    """Feature → unit of its code; those whose name says otherwise are left to the names."""
    by_code = {unit.key.code: unit for unit in known}
    if not by_code:
        return {}
    width = Counter(len(code) for code in by_code).most_common(1)[0][0]
    found = {x.index: (x, by_code[code]) for x in features if (code := _code(x.code, width)) in by_code}
    agreeing = {i: unit.key for i, (x, unit) in found.items() if not x.names or _agree(x, unit)}
    if len(found) - len(agreeing) > _OTHER_NAMES_LIMIT * len(found):
        raise BoundaryError(
            Message(
                "{count} trong {total} mã khớp nhưng tên khác: tệp này vẽ đơn vị của thời kỳ khác "
                "(trước 01/07/2025?). Hãy thêm --release NGÀY.",
                count=len(found) - len(agreeing),
                total=len(found),
            )
        )
    return agreeing


def _code(text: str, width: int) -> str:
    """Codes as numbers lose their leading zeros."""
    return text.zfill(width) if text.isdigit() else text


def _agree(feature: Feature, unit: Unit) -> bool:
    mine = {name_key(x) for x in _spellings(feature)}
    return bool(mine & {name_key(x) for x in _unit_names(unit)})


def _spellings(feature: Feature) -> Iterator[str]:
    """'Phường 1' may be written '1' with its kind in a column of its own, or 'Ward 1'."""
    for name in feature.names:
        if feature.kind:
            yield f"{feature.kind} {name}"
        yield name
        if bare := _ENGLISH_KIND.sub("", name).strip():
            yield bare


def _unit_names(unit: Unit) -> Iterator[str]:
    """Full, short, and without the kind."""
    yield unit.name
    yield unit.short_name
    bare = unit.name[len(unit.kind) :].strip() if unit.name.lower().startswith(unit.kind.lower()) else ""
    if bare:
        yield bare


def _names_table(known: Sequence[Unit], spelling: Callable[[str], str]) -> Mapping[str, list[Unit]]:
    table: dict[str, list[Unit]] = defaultdict(list)
    for unit in known:
        for key in {spelling(name) for name in _unit_names(unit)}:
            table[key].append(unit)
    return table


def _named(
    feature: Feature,
    table: Mapping[str, list[Unit]],
    spelling: Callable[[str], str],
    everyone: Mapping[UnitKey, Unit],
) -> list[Unit]:
    """The units of this name in this district, near enough: of the first spelling that any has."""
    for name in _spellings(feature):
        fitting = [
            unit
            for unit in table.get(spelling(name), ())
            if _in_district(unit, feature, everyone) and _is_near(unit, feature)
        ]
        if fitting:
            return fitting
    return []


def _is_near(unit: Unit, feature: Feature) -> bool:
    """A file of the whole country has namesakes elsewhere, and may not say in which province."""
    if unit.lat is None or unit.lon is None:
        return True
    return bool(shapely.dwithin(feature.shape, shapely.Point(unit.lon, unit.lat), _NEAR_DEGREES))


def _in_district(unit: Unit, feature: Feature, everyone: Mapping[UnitKey, Unit]) -> bool:
    parent = everyone.get(unit.parent) if unit.parent else None
    if not feature.district or parent is None or parent.key.level is not UnitLevel.DISTRICT:
        return True
    return name_key(feature.district) in {name_key(x) for x in _unit_names(parent)}


def _by_place(features: Sequence[Feature], candidates: Mapping[int, list[Unit]], result: _Try) -> None:
    """Of several units of one name, the only one whose registered point lies in the shape."""
    chosen: dict[int, UnitKey] = {}
    for feature in features:
        if feature.index in result.found or len(candidates.get(feature.index, ())) < 2:
            continue
        taken = set(result.found.values())
        inside = [
            unit
            for unit in candidates[feature.index]
            if unit.key not in taken and unit.lat is not None and unit.lon is not None
            and shapely.intersects_xy(feature.shape, unit.lon, unit.lat)
        ]  # fmt: skip
        if len(inside) == 1:
            chosen[feature.index] = inside[0].key
    once = Counter(chosen.values())
    result.by_place = {i for i, key in chosen.items() if once[key] == 1}
    result.found |= {i: chosen[i] for i in result.by_place}


def _why(
    feature: Feature, fitting: Sequence[Unit], result: _Try, everyone: Mapping[UnitKey, Unit]
) -> Message:
    if not feature.names and not feature.code:
        return Message("không có tên, không có mã")
    if len(fitting) > 1:
        return Message(
            "nhiều đơn vị cùng tên: {units}", units=", ".join(_with_parent(x, everyone) for x in fitting)
        )
    if fitting:
        return Message("{unit} đã có hình khác", unit=_with_parent(fitting[0], everyone))
    if feature.district:
        return Message("không có đơn vị mang mã hay tên này ở {district}", district=feature.district)
    return Message("không có đơn vị mang mã hay tên này")


def _with_parent(unit: Unit, everyone: Mapping[UnitKey, Unit]) -> str:
    parent = everyone.get(unit.parent) if unit.parent else None
    return f"{unit.name} ({parent.name})" if parent else unit.name


def _nothing_matched(features: Sequence[Feature], units: Iterable[Unit], on: date | None) -> BoundaryError:
    larger = [x for x in units if stands(x, on) and x.key.level is not UnitLevel.COMMUNE]
    names = {name_key(name) for unit in larger for name in _unit_names(unit)}
    if sum(any(name_key(name) in names for name in _spellings(x)) for x in features) > len(features) / 2:
        return BoundaryError(
            Message("Tệp này vẽ quận, huyện hoặc tỉnh, không phải xã, phường: hãy dùng tệp cấp xã.")
        )
    return BoundaryError(
        Message("Không vùng nào trong tệp khớp mã hay tên của xã, phường, đặc khu của đợt ranh giới này.")
    )


# --- the result --------------------------------------------------------------------------------------------------


def _result(
    best: _Try, features: Sequence[Feature], known: Sequence[Unit], others: Sequence[LeftOver]
) -> BoundaryMatch:
    by_index = {feature.index: feature for feature in features}
    parts: dict[UnitKey, list[Feature]] = defaultdict(list)
    twice: list[LeftOver] = []
    for index, key in sorted(best.found.items()):
        feature = by_index[index]
        if earlier := next((x for x in parts[key] if _same(x, feature)), None):
            twice.append(
                LeftOver(feature.row, feature.label, Message("trùng với dòng {row}", row=earlier.row))
            )
        else:
            parts[key].append(feature)
    left = [LeftOver(by_index[i].row, by_index[i].label, reason) for i, reason in best.reasons.items()]
    ambiguous = {name_key(x.name) for x in left}
    by_code = {best.found[i] for i in best.by_code}
    by_place = {best.found[i] for i in best.by_place} - by_code
    return BoundaryMatch(
        areas={key: _joined([x.shape for x in pieces]) for key, pieces in parts.items()},
        rows={key: tuple(x.index for x in pieces) for key, pieces in parts.items()},
        by_code=len(by_code),
        by_name=len(parts) - len(by_code) - len(by_place),
        by_place=len(by_place),
        left_over=tuple(sorted([*left, *twice, *others])),
        lacking=tuple(Lacking(x, _why_lacking(x, ambiguous)) for x in known if x.key not in parts),
        elsewhere=best.elsewhere,
    )


def _why_lacking(unit: Unit, left_names: set[str]) -> Message:
    if any(name_key(name) in left_names for name in _unit_names(unit)):
        return Message("tệp có hình mang tên này nhưng không rõ là của đơn vị nào")
    return Message("tệp không có mã hay tên này")


def _same(first: Feature, second: Feature) -> bool:
    a, b = (shapely.make_valid(x.shape) for x in (first, second))
    return bool(a.intersection(b).area > _DUPLICATE * min(a.area, b.area))


def _joined(pieces: Sequence[shapely.Geometry]) -> MultiPolygon:
    whole = pieces[0] if len(pieces) == 1 else shapely.union_all(shapely.make_valid(list(pieces)))
    return as_multi(whole)
