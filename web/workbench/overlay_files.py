"""A map file that somebody brings → GeoJSON in degrees to draw, and what was mended. Nothing in it is run.

GDAL guesses a format from what is in a file, and some formats name other files to open: only what proves to be
GeoJSON, GeoPackage or a Shapefile is handed to it.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import shapely

from i18n import Message, MessageError

MOST_BYTES = 8 * 1024 * 1024
MOST_UNPACKED = 64 * 1024 * 1024
MOST_FEATURES = 5_000
MOST_DRAWN_BYTES = 6 * 1024 * 1024
MOST_COLUMNS, LONGEST_VALUE = 20, 200
SIMPLIFIED_DEGREES = 0.00001
"""About 1 m."""
PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_GEOJSON = ("FeatureCollection", "Feature", "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon",
            "MultiPolygon", "GeometryCollection")  # fmt: skip


class OverlayError(MessageError, ValueError):
    """A file that cannot be drawn; the text says what is wrong, where, and how to mend it."""


@dataclass(frozen=True, kw_only=True)
class OverlayFile:
    """`content` is a FeatureCollection in WGS 84; `columns` the properties it has; `notes` what was mended."""

    content: Mapping[str, Any]
    features: int
    columns: tuple[str, ...]
    notes: tuple[Message, ...] = ()


def read_overlay(name: str, content: bytes) -> OverlayFile:
    """From a GeoJSON or GeoPackage file, or a zipped Shapefile. Raises OverlayError."""
    if len(content) > MOST_BYTES:
        raise OverlayError(
            Message("Tệp lớn hơn {n} MB: hãy đơn giản hóa hình hoặc tách bớt.", n=MOST_BYTES >> 20)
        )
    with tempfile.TemporaryDirectory(prefix="canhdich-overlay-") as folder:
        frame = _read(_unpacked(name, content, Path(folder)), name)
    return _drawable(frame, name)


def _unpacked(name: str, content: bytes, folder: Path) -> Path:
    """The file to read, after proof that it is what its name says."""
    kind = Path(name).suffix.lower()
    if kind in (".geojson", ".json"):
        _check_geojson(content, name)
        path = folder / "overlay.geojson"
    elif kind == ".gpkg":
        if not content.startswith(b"SQLite format 3\x00"):
            raise OverlayError(Message("{file} không phải GeoPackage.", file=name))
        path = folder / "overlay.gpkg"
    elif kind == ".zip":
        return _shapefile(content, name, folder)
    else:
        raise OverlayError(
            Message(
                "Không đọc được {file}: cần GeoJSON, GeoPackage (.gpkg) hoặc Shapefile nén .zip.", file=name
            )
        )
    path.write_bytes(content)
    return path


def _check_geojson(content: bytes, name: str) -> None:
    try:
        parsed = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise OverlayError(Message("{file} không phải văn bản UTF-8.", file=name)) from error
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        raise OverlayError(
            Message("{file} không phải JSON đúng cách (dòng {line}).", file=name, line=line or "?")
        ) from error
    if not isinstance(parsed, dict) or parsed.get("type") not in _GEOJSON:
        raise OverlayError(Message("{file} là JSON nhưng không phải GeoJSON.", file=name))


def _shapefile(content: bytes, name: str, folder: Path) -> Path:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as error:
        raise OverlayError(Message("{file} không phải tệp zip.", file=name)) from error
    parts = [x for x in archive.infolist() if Path(x.filename).suffix.lower() in PARTS]
    found = [x for x in parts if x.filename.lower().endswith(".shp")]
    if len(found) != 1:
        raise OverlayError(
            Message("{file} phải có đúng một tệp .shp, nhưng có {n}.", file=name, n=len(found))
        )
    if sum(x.file_size for x in parts) > MOST_UNPACKED:
        raise OverlayError(Message("{file} giải nén ra quá lớn.", file=name))
    stem = Path(found[0].filename).with_suffix("")
    for part in parts:
        if Path(part.filename).with_suffix("") == stem:
            (folder / f"overlay{Path(part.filename).suffix.lower()}").write_bytes(archive.read(part))
    if (folder / "overlay.shp").read_bytes()[:4] != b"\x00\x00\x27\x0a":
        raise OverlayError(Message("Tệp .shp trong {file} không phải Shapefile.", file=name))
    return folder / "overlay.shp"


def _read(path: Path, name: str) -> gpd.GeoDataFrame:
    try:
        layers = [str(layer) for layer, geometry in pyogrio.list_layers(path) if geometry is not None]
        if len(layers) != 1:
            raise OverlayError(
                Message("{file} có {n} lớp bản đồ: hãy xuất riêng một lớp.", file=name, n=len(layers))
            )
        found = pyogrio.read_info(path, layer=layers[0], force_feature_count=True)["features"]
        if found > MOST_FEATURES:
            raise OverlayError(
                Message("{file} có {n} hình, nhiều nhất được {most}.", file=name, n=found, most=MOST_FEATURES)
            )
        frame = gpd.read_file(path, layer=layers[0], engine="pyogrio")
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, UnicodeDecodeError) as error:
        raise OverlayError(Message("Không đọc được {file}: tệp hỏng hoặc thiếu phần.", file=name)) from error
    if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
        raise OverlayError(Message("{file} không có hình nào.", file=name))
    return frame


def _drawable(frame: gpd.GeoDataFrame, name: str) -> OverlayFile:
    notes: list[Message] = []
    frame = _in_degrees(frame, name, notes)
    shapes = shapely.force_2d(frame.geometry.to_numpy())
    nothing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if nothing.all():
        raise OverlayError(Message("{file} không có hình nào.", file=name))
    if nothing.any():
        notes.append(Message("{n} dòng không có hình, không vẽ được.", n=int(nothing.sum())))
    frame, shapes = frame[~nothing], shapes[~nothing]
    if wrong := int((~shapely.is_valid(shapes)).sum()):
        shapes = shapely.make_valid(shapes)
        notes.append(Message("Đã sửa {n} hình tự cắt.", n=wrong))
    shapes = shapely.simplify(shapes, SIMPLIFIED_DEGREES, preserve_topology=True)
    columns = [str(column) for column in frame.columns if column != frame.geometry.name][:MOST_COLUMNS]
    rows = frame[columns].to_dict("records") if columns else [{}] * len(frame)
    features = [
        {
            "type": "Feature",
            "geometry": json.loads(shapely.to_geojson(shapely.set_precision(shape, 1e-7, mode="pointwise"))),
            "properties": {key: str(value)[:LONGEST_VALUE] for key, value in row.items() if _told(value)},
        }
        for shape, row in zip(shapes, rows, strict=True)
    ]
    content = {"type": "FeatureCollection", "features": features}
    if len(json.dumps(content)) > MOST_DRAWN_BYTES:
        raise OverlayError(Message("Hình trong {file} quá nhiều đỉnh: hãy đơn giản hóa trước.", file=name))
    return OverlayFile(content=content, features=len(features), columns=tuple(columns), notes=tuple(notes))


def _in_degrees(frame: gpd.GeoDataFrame, name: str, notes: list[Message]) -> gpd.GeoDataFrame:
    if frame.crs is None:
        if not _on_earth(frame):
            raise OverlayError(
                Message(
                    "{file} không ghi hệ tọa độ mà tọa độ tính bằng mét (VN-2000?): hãy xuất lại theo EPSG:4326 hoặc"
                    " kèm tệp .prj.",
                    file=name,
                )
            )
        notes.append(Message("Tệp không ghi hệ tọa độ: đã hiểu là WGS 84."))
        frame = frame.set_crs(4326)
    elif frame.crs.to_epsg() != 4326:
        notes.append(Message("Đã đổi từ hệ tọa độ {crs} sang WGS 84.", crs=frame.crs.name))
        frame = frame.to_crs(4326)
    if not _on_earth(frame):
        raise OverlayError(
            Message("{file} có tọa độ ngoài Trái Đất: hệ tọa độ ghi trong tệp có đúng không?", file=name)
        )
    return frame


def _on_earth(frame: gpd.GeoDataFrame) -> bool:
    """True too for a frame without any shape, whose bounds are not numbers."""
    west, south, east, north = frame.total_bounds
    return not (west < -180 or south < -90 or east > 180 or north > 90) and abs(east) != float("inf")


def _told(value: Any) -> bool:
    return value is not None and value == value and not isinstance(value, dict | list)
