"""Streets and house numbers out of the files people have: OpenStreetMap extracts, map layers, tables.

Every reader gives points and lines as they stand, or a `Refused` for each row it cannot take.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from geodata.street_points import Source, StreetPoint, StreetSegment
from geodata.text import name_key
from i18n import Message, MessageError

OSM = (".pbf", ".osm", ".osm.gz", ".osm.bz2")
LAYERS = (".geojson", ".json", ".gpkg", ".shp", ".zip", ".fgb")
_NAMES = ("name", "alt_name", "old_name", "official_name", "loc_name", "ref")
_NOT_STREETS = frozenset(
    {"bus_stop", "platform", "proposed", "construction", "rest_area", "services", "street_lamp"}
)
_STREET = ("addrstreet", "street", "duong", "tenduong", "streetname", "tenpho", "name", "ten", "fullname")
_LINE_NAME = ("name", "tenduong", "ten", "street", "duong", "streetname", "fullname", "addrstreet")
_HOUSE = ("addrhousenumber", "housenumber", "house", "sonha", "number", "so")
_DISTRICT = ("district", "quan", "huien", "quanhuien", "addrdistrict")
_WARD = ("ward", "commune", "phuong", "xa", "phuongxa", "addrsubdistrict")
_KIND = ("type", "loai", "kind")
_LAT = ("lat", "latitude", "vido", "i")
_LON = ("lon", "lng", "long", "longitude", "kinhdo", "x")


class StreetImportError(MessageError, ValueError):
    """A file of streets that cannot be used; the text says what is wrong and how to mend it."""


class Named(NamedTuple):
    """A street, with the ward and district as the file names them."""

    item: StreetPoint | StreetSegment
    ward: str | None = None
    district: str | None = None


class Refused(NamedTuple):
    """Why a row was not taken; the template counts as the reason, its values are the row's own."""

    reason: Message


Read = Named | Refused

NO_STREET = Message("không có tên đường")
NO_PLACE = Message("không có tọa độ, cũng không có quận/huyện")
BAD_POINT = Message("tọa độ không đọc được hoặc ngoài Việt Nam")
BAD_SHAPE = Message("hình rỗng hoặc không phải điểm, đường, vùng")


def read_streets(path: Path) -> Iterator[Read]:
    """Raises StreetImportError when the file as a whole cannot be read."""
    name = path.name.lower()
    if not path.exists():
        raise StreetImportError(Message("Không thấy tệp {file}.", file=path.name))
    if name.endswith(OSM):
        return _from_osm(path)
    if name.endswith(LAYERS):
        return _from_layers(path)
    if name.endswith((".csv", ".txt", ".tsv")):
        return _from_table(path)
    raise StreetImportError(
        Message(
            "{file}: cần tệp OpenStreetMap (.osm.pbf), GeoJSON, GeoPackage, Shapefile hoặc CSV.",
            file=path.name,
        )
    )


def _from_osm(path: Path) -> Iterator[Read]:
    import osmium

    keys = osmium.filter.KeyFilter("highway", "addr:housenumber")
    try:
        thing: Any
        for thing in osmium.FileProcessor(str(path)).with_locations().with_filter(keys):
            tags = dict(thing.tags)
            if thing.is_way():
                points = [(node.lat, node.lon) for node in thing.nodes if node.location.valid()]
            elif thing.is_node():
                points = [(thing.lat, thing.lon)]
            else:
                continue
            yield from _from_tags(tags, points)
    except (RuntimeError, OSError) as error:
        raise StreetImportError(
            Message("{file} không đọc được trọn vẹn: có thể tải về chưa xong.", file=path.name)
        ) from error


def _from_tags(tags: Mapping[str, str], points: Sequence[tuple[float, float]]) -> Iterator[Read]:
    """A street under each of its names; a house at its middle."""
    if not points:
        yield Refused(BAD_SHAPE)
    elif "addr:housenumber" in tags:
        if street := tags.get("addr:street"):
            lat, lon = (sum(axis) / len(points) for axis in zip(*points, strict=True))
            yield Named(StreetPoint(street, lat, lon, tags["addr:housenumber"]))
        else:
            yield Refused(NO_STREET)
    elif tags["highway"] not in _NOT_STREETS and len(points) > 1:
        names = {part.strip() for key in _NAMES for part in tags.get(key, "").split(";")} - {""}
        for name in sorted(names):
            yield Named(StreetSegment(name, points))
        if not names:
            yield Refused(NO_STREET)


def _from_layers(path: Path) -> Iterator[Read]:
    import geopandas as gpd
    import pyogrio

    try:
        layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        frames = [gpd.read_file(path, layer=layer) for layer in layers]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError, OSError) as error:
        raise StreetImportError(
            Message("Không đọc được {file}: cần GeoJSON, GeoPackage hoặc Shapefile.", file=path.name)
        ) from error
    for frame in frames:
        frame = frame if frame.crs is None else frame.to_crs(4326)
        columns = _columns(map(str, frame.columns))
        if not _first(columns, _STREET):
            raise StreetImportError(
                Message("{file}: không thấy cột tên đường (name, street, ten_duong…).", file=path.name)
            )
        for row, shape in zip(frame.to_dict("records"), frame.geometry, strict=True):
            yield from _from_shape(row, columns, shape)


def _from_shape(row: Mapping[str, Any], columns: Mapping[str, str], shape: Any) -> Iterator[Read]:
    def cell(wanted: Sequence[str]) -> str | None:
        return _text(row.get(_first(columns, wanted) or ""))

    if shape is None or shape.is_empty:
        yield Refused(BAD_SHAPE)
        return
    lines = [part for part in getattr(shape, "geoms", [shape]) if part.geom_type == "LineString"]
    street = cell(_LINE_NAME if lines else _STREET)
    if street is None:
        yield Refused(NO_STREET)
        return
    if not _in_country(shape.representative_point().y, shape.representative_point().x):
        yield Refused(BAD_POINT)
        return
    ward, district = cell(_WARD), cell(_DISTRICT)
    for line in lines:
        yield Named(StreetSegment(street, [(lat, lon) for lon, lat, *_ in line.coords]), ward, district)
    if not lines:
        middle = shape.representative_point()
        yield Named(StreetPoint(street, middle.y, middle.x, cell(_HOUSE)), ward, district)


def _from_table(path: Path) -> Iterator[Read]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StreetImportError(
            Message("{file}: hãy lưu lại theo mã UTF-8 (CSV UTF-8).", file=path.name)
        ) from error
    head = text.split("\n", 1)[0]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
    columns = _columns(rows.fieldnames or ())
    if not _first(columns, _STREET):
        raise StreetImportError(
            Message("{file}: không thấy cột tên đường (name, street, ten_duong…).", file=path.name)
        )
    for row in rows:
        yield _from_row(row, columns)


def _from_row(row: Mapping[str, Any], columns: Mapping[str, str]) -> Read:
    def cell(wanted: Sequence[str]) -> str | None:
        return _text(row.get(_first(columns, wanted) or ""))

    street, ward, district = cell(_STREET), cell(_WARD), cell(_DISTRICT)
    if street is None:
        return Refused(NO_STREET)
    if district and (kind := cell(_KIND)):
        district = f"{kind} {district}"
    lat_text, lon_text = cell(_LAT), cell(_LON)
    if not lat_text and not lon_text:
        if not district:
            return Refused(NO_PLACE)
        return Named(StreetPoint(street, house=cell(_HOUSE), source=Source.NAME), ward, district)
    try:
        lat, lon = float((lat_text or "").replace(",", ".")), float((lon_text or "").replace(",", "."))
    except ValueError:
        return Refused(BAD_POINT)
    if not _in_country(lat, lon):
        return Refused(BAD_POINT)
    return Named(StreetPoint(street, lat, lon, cell(_HOUSE)), ward, district)


def _columns(names: Iterable[str]) -> dict[str, str]:
    """However a column is spelt ('addr:street', 'Tên đường') → its name."""
    return {name_key(name): name for name in reversed(list(names))}


def _first(columns: Mapping[str, str], wanted: Sequence[str]) -> str | None:
    return next((columns[name] for name in wanted if name in columns), None)


def _text(value: Any) -> str | None:
    """None for an empty cell; whole numbers without '.0' as map layers keep them."""
    if value is None or value != value:
        return None
    return str(value).strip().removesuffix(".0") or None


def _in_country(lat: float, lon: float) -> bool:
    return 6.0 < lat < 24.0 and 100.0 < lon < 118.0
