"""Old wards and communes of today as areas: which ones a point lies in, and where they cut a street."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import shapely
from geoalchemy2.shape import to_shape
from shapely import Geometry, LineString, Point, STRtree
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from geodata.boundaries import read_boundaries
from geodata.boundary_match import BoundaryError
from geodata.models import AdminUnit, Boundary
from geodata.registry import Registry
from geodata.street_points import StreetPoint, StreetSegment
from geodata.text import name_key
from geodata.types import Unit, UnitKey, UnitLevel
from geodata.units import unit_key
from i18n import Message

_AGREE = 0.7
"""A column holds codes of one time when so many of its rows, matched by code, bear the unit's name too."""


@dataclass(frozen=True, eq=False)
class Layer:
    """Areas of units of one time, degrees."""

    areas: Mapping[UnitKey, Geometry]

    def at(self, lat: float, lon: float) -> UnitKey | None:
        found = self._tree.query(Point(lon, lat), predicate="within")
        return self._keys[found[0]] if len(found) else None

    def pieces(self, line: LineString) -> Iterator[tuple[UnitKey | None, LineString]]:
        """The line cut at the borders; pieces outside of all areas last."""
        touched = self._tree.query(line, predicate="intersects")
        if len(touched) == 1 and self._shapes[touched[0]].covers(line):
            yield self._keys[touched[0]], line
            return
        left: Geometry = line
        for row in touched:
            for piece in _lines(shapely.intersection(left, self._shapes[row])):
                yield self._keys[row], piece
            left = shapely.difference(left, self._shapes[row])
        for piece in _lines(left):
            yield None, piece

    @cached_property
    def _keys(self) -> list[UnitKey]:
        return list(self.areas)

    @cached_property
    def _shapes(self) -> list[Geometry]:
        shapes = list(self.areas.values())
        shapely.prepare(shapes)
        return shapes

    @cached_property
    def _tree(self) -> STRtree:
        return STRtree(self._shapes)


@dataclass(frozen=True, eq=False, kw_only=True)
class WardAreas:
    """`district_of`: the old district of each old ward, and of each commune of today that has land of one only."""

    former: Layer
    today: Layer
    district_of: Mapping[UnitKey, UnitKey]

    def placed(self, point: StreetPoint) -> StreetPoint | None:
        """The point with its units; None outside of all areas."""
        if point.lat is None or point.lon is None:
            return point
        former, today = self.former.at(point.lat, point.lon), self.today.at(point.lat, point.lon)
        if former is None and today is None:
            return None
        return point._replace(former=former, today=today, district=self._district(former, today))

    def cut(self, segment: StreetSegment) -> Iterator[StreetSegment]:
        """The segment cut at every border; without what lies outside of all areas. Numbers of its ends stay with the
        pieces that hold the ends."""
        whole = LineString([(lon, lat) for lat, lon in segment.line])
        for former, part in self.former.pieces(whole):
            for today, piece in self.today.pieces(part):
                if former is None and today is None:
                    continue
                line = [(lat, lon) for lon, lat in piece.coords]
                yield segment._replace(
                    line=line,
                    former=former,
                    today=today,
                    district=self._district(former, today),
                    first=segment.first if line == list(segment.line) else None,
                    last=segment.last if line == list(segment.line) else None,
                )

    def _district(self, former: UnitKey | None, today: UnitKey | None) -> UnitKey | None:
        unit = former or today
        return self.district_of.get(unit) if unit else None


def areas_from_files(paths: Iterable[Path], registry: Registry) -> WardAreas:
    """From boundary files of old wards, of communes of today, or one of each. Raises BoundaryError."""
    former: dict[UnitKey, Geometry] = {}
    today: dict[UnitKey, Geometry] = {}
    for path in paths:
        found = _match(path, registry)
        for key, area in found.items():
            (former if key.valid_from < _newest(registry) else today)[key] = area
    return WardAreas(former=Layer(former), today=Layer(today), district_of=districts_of(registry))


def surveyed_wards(session: Session, registry: Registry) -> WardAreas | None:
    """From the database, without generated boundaries; None where there are no others."""
    query = (
        select(AdminUnit, Boundary.geom)
        .join(Boundary, Boundary.unit_id == AdminUnit.id)
        .where(
            AdminUnit.level == UnitLevel.COMMUNE.value,
            Boundary.synthetic.is_(False),
            or_(AdminUnit.valid_to.is_(None), AdminUnit.valid_to == _newest(registry)),
        )
    )
    rows = [(unit, to_shape(geom)) for unit, geom in session.execute(query)]
    if not rows:
        return None
    former = {unit_key(unit): area for unit, area in rows if unit.valid_to}
    today = {unit_key(unit): area for unit, area in rows if not unit.valid_to}
    return WardAreas(former=Layer(former), today=Layer(today), district_of=districts_of(registry))


def districts_of(registry: Registry) -> dict[UnitKey, UnitKey]:
    parents = {
        unit.key: unit.parent
        for unit in registry.units
        if unit.key.level is UnitLevel.COMMUNE and unit.valid_to and unit.parent
    }
    origins: dict[UnitKey, set[UnitKey]] = defaultdict(set)
    for link in registry.lineage:
        origins[link.new].add(parents.get(link.old, link.old))
    return parents | {key: next(iter(found)) for key, found in origins.items() if len(found) == 1}


def _newest(registry: Registry) -> Any:
    return max(unit.key.valid_from for unit in registry.units)


def _match(path: Path, registry: Registry) -> dict[UnitKey, Geometry]:
    """By the column whose codes and the unit's name agree best; codes of both times are tried."""
    frame = read_boundaries(path).frame
    communes = [unit for unit in registry.units if unit.key.level is UnitLevel.COMMUNE]
    columns = [name for name in frame.columns if name != frame.geometry.name]
    words = [{name_key(str(row[name])) for name in columns} for _, row in frame.iterrows()]
    best: dict[UnitKey, list[int]] = {}
    for first_day in {unit.key.valid_from for unit in communes}:
        by_code = {unit.key.code: unit for unit in communes if unit.key.valid_from == first_day}
        for name in columns:
            rows = _agreeing([by_code.get(str(code)) for code in frame[name]], words)
            if sum(map(len, rows.values())) > sum(map(len, best.values())):
                best = rows
    if not best:
        raise BoundaryError(
            Message("{file}: không cột nào có mã của phường, xã cũ hay hiện nay.", file=path.name)
        )
    return {
        key: shapely.union_all(shapely.make_valid(frame.geometry.iloc[rows].values))
        for key, rows in best.items()
    }


def _agreeing(units: Sequence[Unit | None], words: Sequence[Collection[str]]) -> dict[UnitKey, list[int]]:
    found: dict[UnitKey, list[int]] = defaultdict(list)
    named = [
        (row, unit.key, bool({name_key(unit.name), name_key(unit.short_name)} & set(words[row])))
        for row, unit in enumerate(units)
        if unit
    ]
    if sum(agrees for *_, agrees in named) >= _AGREE * max(1, len(named)):
        for row, key, _ in named:
            found[key].append(row)
    return found


def _lines(shape: Geometry) -> Iterator[LineString]:
    """Lines of any geometry; cutting leaves single points too."""
    for part in shapely.get_parts(shape):
        if part.geom_type == "LineString" and not part.is_empty:
            yield part
