"""Boundary files of any common format → checked areas of the units of today, and into the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import shapely
from geoalchemy2.shape import from_shape, to_shape
from shapely import MultiPolygon
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from geodata.boundary_match import (
    BoundaryCheck,
    BoundaryError,
    BoundaryMatch,
    Overlap,
    check_boundaries,
    match_boundaries,
)
from geodata.models import AdminUnit, Boundary, UnitNeighbour
from geodata.registry import communes_of
from geodata.types import UnitKey, UnitLevel
from geodata.units import stored_registry, unit_ids
from i18n import Message

__all__ = [
    "BoundaryCheck",
    "BoundaryError",
    "BoundaryMatch",
    "BoundaryReport",
    "check_boundaries",
    "import_boundaries",
    "match_boundaries",
    "read_boundaries",
    "store_boundaries",
    "store_cells",
]

GENERATED = "Ranh giới mô phỏng"
_TOUCHING_DEGREES = 0.0005
"""Units nearer than about 50 m are neighbours: real files leave gaps along rivers and between sheets."""
_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryReport:
    """What an import did, for people."""

    source: str
    match: BoundaryMatch
    check: BoundaryCheck
    names: Mapping[UnitKey, str]

    def messages(self) -> list[Message]:
        match, check = self.match, self.check
        lines = [
            Message(
                "{source}: đã nhận ranh giới của {count} đơn vị ({by_code} theo mã, {by_name} theo tên).",
                source=self.source,
                count=len(match.areas),
                by_code=match.by_code,
                by_name=match.by_name,
            )
        ]
        listed: tuple[tuple[Message, Sequence[str]], ...] = (
            (Message("Không khớp đơn vị nào, đã bỏ qua"), match.unmatched),
            (Message("Chưa có ranh giới"), [unit.name for unit in match.missing]),
            (Message("Chồng lấn nhau"), [self._overlap(overlap) for overlap in check.overlaps]),
            (Message("Diện tích khác diện tích chính thức hơn 10%"), [*self._ratios()]),
        )
        if check.repaired:
            lines.append(Message("Đã sửa {count} hình không hợp lệ.", count=check.repaired))
        return lines + [_listing(title, items) for title, items in listed if items]

    def _overlap(self, overlap: Overlap) -> str:
        return f"{self.names[overlap.first]} – {self.names[overlap.second]} ({overlap.km2:.2f} km²)"

    def _ratios(self) -> Iterator[str]:
        for key, ratio in self.check.ratios.items():
            yield f"{self.names[key]} ({ratio:.0%})"


def _listing(title: Message, items: Sequence[str]) -> Message:
    shown = "; ".join(items[:_SHOWN])
    if len(items) > _SHOWN:
        return Message("{title}: {count}, gồm {items}; …", title=title, count=len(items), items=shown)
    return Message("{title}: {count}, gồm {items}.", title=title, count=len(items), items=shown)


def read_boundaries(path: Path, layer: str | None = None) -> gpd.GeoDataFrame:
    """The polygons of a GeoJSON, GeoPackage, GeoParquet or Shapefile (plain or zipped) in EPSG:4326.

    A file without a coordinate system is taken as degrees when all its coordinates can be. Raises
    BoundaryError.
    """
    if not path.exists():
        raise BoundaryError(Message("Không thấy tệp {file}.", file=path.name))
    try:
        if path.suffix.lower() in (".parquet", ".geoparquet"):
            frame = gpd.read_parquet(path)
        else:
            frame = gpd.read_file(path, layer=layer or _only_layer(path))
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError, OSError) as error:
        if isinstance(error, BoundaryError):
            raise
        raise BoundaryError(
            Message(
                "Không đọc được {file}: cần GeoJSON, GeoPackage, GeoParquet hoặc Shapefile (có thể nén zip).",
                file=path.name,
            )
        ) from error
    return _polygons_in_degrees(frame, path.name)


def _only_layer(path: Path) -> str:
    layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    if len(layers) > 1:
        raise BoundaryError(
            Message(
                "{file} có nhiều lớp ({layers}): hãy xuất riêng lớp xã, phường.",
                file=path.name,
                layers=", ".join(layers),
            )
        )
    if not layers:
        raise BoundaryError(Message("{file} không có lớp bản đồ nào.", file=path.name))
    return layers[0]


def _polygons_in_degrees(frame: Any, file: str) -> gpd.GeoDataFrame:
    if not isinstance(frame, gpd.GeoDataFrame):
        raise BoundaryError(Message("{file} không có lớp bản đồ nào.", file=file))
    polygons = frame[frame.geometry.geom_type.isin(["Polygon", "MultiPolygon"])].reset_index(drop=True)
    if polygons.empty:
        raise BoundaryError(
            Message("{file} không có vùng nào: cần hình đa giác, không phải điểm.", file=file)
        )
    if polygons.crs is None:
        west, south, east, north = polygons.total_bounds
        if min(west, south) < -180 or max(east, north) > 180:
            raise BoundaryError(
                Message(
                    "{file} không ghi hệ tọa độ: hãy xuất lại kèm tệp .prj hoặc theo EPSG:4326.", file=file
                )
            )
        polygons = polygons.set_crs(4326)
    return polygons.to_crs(4326)


def import_boundaries(
    session: Session, path: Path, *, province_code: str, now: datetime, layer: str | None = None
) -> BoundaryReport:
    """Read a file, match it to the communes of today of a province, check it and replace their boundaries.

    Units the file does not hold keep what they have. Raises BoundaryError and changes nothing when the file
    cannot be used.
    """
    frame = read_boundaries(path, layer)
    registry = stored_registry(session)
    communes = communes_of(registry.units, [province_code])
    if not communes:
        raise BoundaryError(
            Message("Chưa có đơn vị hành chính nào của tỉnh, thành phố {code}.", code=province_code)
        )
    provinces = [unit for unit in registry.units if unit.key.level is UnitLevel.PROVINCE]
    match = match_boundaries(frame, [*communes, *provinces])
    check = check_boundaries(match, communes)
    store_boundaries(session, check.areas, source=path.name, synthetic=False, now=now)
    names = {unit.key: unit.name for unit in communes}
    return BoundaryReport(source=path.name, match=match, check=check, names=names)


def store_cells(session: Session, cells: Mapping[UnitKey, MultiPolygon], *, now: datetime) -> None:
    """Store generated cells for the units that have no real boundary."""
    real = select(Boundary.unit_id).where(Boundary.synthetic.is_(False))
    having = set(session.scalars(real))
    ids = unit_ids(session)
    lacking = {key: area for key, area in cells.items() if ids[key] not in having}
    store_boundaries(session, lacking, source=GENERATED, synthetic=True, now=now)


def store_boundaries(
    session: Session,
    areas: Mapping[UnitKey, MultiPolygon],
    *,
    source: str,
    synthetic: bool,
    now: datetime,
) -> None:
    """Replace the boundaries of these units (EPSG:4326) and work out anew who is whose neighbour."""
    if not areas:
        return
    ids = unit_ids(session)
    session.execute(delete(Boundary).where(Boundary.unit_id.in_([ids[key] for key in areas])))
    rows = [
        {
            "unit_id": ids[key],
            "geom": from_shape(area, srid=4326),
            "source": source,
            "synthetic": synthetic,
            "imported_at": now,
        }
        for key, area in areas.items()
    ]
    session.execute(insert(Boundary), rows)
    _renew_neighbours(session)


def _renew_neighbours(session: Session) -> None:
    """Neighbours are units of one level and one time whose boundaries touch, or nearly."""
    query = select(AdminUnit.level, AdminUnit.valid_from, Boundary.unit_id, Boundary.geom).join(
        Boundary, Boundary.unit_id == AdminUnit.id
    )
    groups: dict[tuple[str, object], list[tuple[int, MultiPolygon]]] = {}
    for level, valid_from, unit_id, geom in session.execute(query):
        groups.setdefault((level, valid_from), []).append((unit_id, to_shape(geom)))
    pairs = [pair for group in groups.values() for pair in _touching(group)]
    session.execute(delete(UnitNeighbour))
    if pairs:
        session.execute(insert(UnitNeighbour), [{"unit_id": a, "neighbour_id": b} for a, b in pairs])


def _touching(group: Sequence[tuple[int, MultiPolygon]]) -> Iterator[tuple[int, int]]:
    ids, shapes = zip(*group, strict=True)
    tree = shapely.STRtree(shapes)
    for a, b in zip(*tree.query(shapes, predicate="dwithin", distance=_TOUCHING_DEGREES), strict=True):
        if a != b:
            yield ids[a], ids[b]
