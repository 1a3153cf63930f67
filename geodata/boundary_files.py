"""Boundary files as people have them → polygons in degrees (WGS 84), and what was mended on the way."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError
from pyproj.transformer import TransformerGroup

from geodata.boundary_formats import formats
from i18n import Message, MessageError

READABLE = (
    ".geojson",
    ".json",
    ".topojson",
    ".gpkg",
    ".shp",
    ".kml",
    ".kmz",
    ".gml",
    ".fgb",
    ".tab",
    ".osm",
    ".pbf",
)
PARQUET = (".parquet", ".geoparquet")
_OSM_AREAS = "multipolygons"
SIDES = ("west", "south", "east", "north")
_POLYGONS = ("Polygon", "MultiPolygon")
_TAG = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')
_MOJIBAKE = re.compile(r"[\u00c2-\u00f4][\u0080-\u00bf]")


class BoundaryError(MessageError, ValueError):
    """A boundary file that cannot be used; the text says what is wrong and how to mend it."""


@dataclass(frozen=True, kw_only=True)
class BoundaryFile:
    """Polygons in EPSG:4326; column "row" numbers the file's features from 1. `notes`: what was mended or left out."""

    frame: gpd.GeoDataFrame
    notes: tuple[Message, ...] = ()

    def noting(self, *notes: Message) -> BoundaryFile:
        return replace(self, notes=(*self.notes, *notes))


def read_boundaries(path: Path, layer: str | None = None, crs: str | None = None) -> BoundaryFile:
    """A GeoJSON, TopoJSON, GeoPackage, GeoParquet, Shapefile, KML or OSM file, plain, zipped, or a folder of them.

    `crs` names the coordinate system of a file that does not (EPSG:…). Raises BoundaryError.
    """
    if not path.exists():
        raise BoundaryError(Message("Không thấy tệp {file}.", file=path.name))
    try:
        frames = [_read(source, layer, path.name) for source in _sources(path)]
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        OSError,
        zipfile.BadZipFile,
    ) as error:
        raise _unreadable(path) from error
    except ValueError as error:
        if isinstance(error, BoundaryError):
            raise
        raise _unreadable(path) from error
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        raise BoundaryError(Message("{file} không có lớp bản đồ nào.", file=path.name))
    frame = _with_tags(frame if frame.geometry.name == "geometry" else frame.rename_geometry("geometry"))
    empty = [name for name in frame.columns if name != "geometry" and frame[name].isna().all()]
    frame = frame.drop(columns=empty)  # KML's own "Name" must not hide the column that holds the names
    frame["row"] = np.arange(1, len(frame) + 1)
    return _mended_text(_in_degrees(_polygons(frame, path.name), path.name, crs))


def _unreadable(path: Path) -> BoundaryError:
    if path.suffix.lower() == ".json" and _is_overpass(path):
        return BoundaryError(
            Message(
                "{file} là JSON gốc của Overpass: hãy đổi sang GeoJSON (osmtogeojson) hoặc tải dạng .osm.",
                file=path.name,
            )
        )
    return BoundaryError(
        Message(
            "Không đọc được {file}: cần GeoJSON, TopoJSON, GeoPackage, GeoParquet, Shapefile, KML hoặc OSM "
            "(có thể nén zip).",
            file=path.name,
        )
    )


def _is_overpass(path: Path) -> bool:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(raw, dict) and "elements" in raw


# --- where the features are ----------------------------------------------------------------------------------


def _sources(path: Path) -> list[str]:
    """What GDAL opens: the file, the one data set in a zip, or all the GeoJSON of a zip or folder."""
    if path.is_dir():
        names = sorted(p for p in path.rglob("*") if p.suffix.lower() in (*READABLE, *PARQUET))
        return [str(p) for p in _one_or_pieces(path.name, names)]
    if path.suffix.lower() != ".zip":
        return [str(path)]
    with zipfile.ZipFile(path) as archive:
        inside = [Path(name) for name in archive.namelist() if not Path(name).name.startswith((".", "__"))]
    names = sorted(p for p in inside if p.suffix.lower() in READABLE and "__MACOSX" not in p.parts)
    return [f"/vsizip/{path.resolve()}/{p}" for p in _one_or_pieces(path.name, names)]


def _one_or_pieces(file: str, names: Sequence[Path]) -> Sequence[Path]:
    """One file, or pieces of one map: GeoJSON per commune. Raises BoundaryError for anything else."""
    if len(names) > 1 and not all(p.suffix.lower() in (".geojson", ".json") for p in names):
        raise BoundaryError(
            Message(
                "{file} chứa nhiều tệp bản đồ ({files}): hãy chỉ giữ tệp xã, phường.",
                file=file,
                files=", ".join(p.name for p in names[:6]),
            )
        )
    if not names:
        raise BoundaryError(
            Message(
                "{file} không chứa tệp bản đồ nào đọc được (.shp, .gpkg, .geojson, .kml, .osm).", file=file
            )
        )
    return names


def _read(source: str, layer: str | None, file: str) -> gpd.GeoDataFrame:
    suffix = Path(source).suffix.lower()
    if suffix in PARQUET:
        return gpd.read_parquet(source)
    if suffix in (".osm", ".pbf"):
        return gpd.read_file(source, layer=_OSM_AREAS, where="boundary = 'administrative'")
    return gpd.read_file(source, layer=layer or _chosen_layer(source, file))


def _chosen_layer(source: str, file: str) -> str:
    """The only layer with shapes, or the only one that a known format takes for its wards."""
    layers = [str(name) for name, kind in pyogrio.list_layers(source) if kind is not None]
    if not layers:
        raise BoundaryError(Message("{file} không có lớp bản đồ nào.", file=file))
    if len(layers) == 1:
        return layers[0]
    headers = {name: list(pyogrio.read_info(source, layer=name)["fields"]) for name in layers}
    for known in formats():
        fitting = [name for name in layers if known.required and known.fits(headers[name])]
        if len(fitting) == 1:
            return fitting[0]
    raise BoundaryError(
        Message(
            "{file} có nhiều lớp ({layers}): hãy chọn lớp xã, phường bằng --layer.",
            file=file,
            layers=", ".join(layers),
        )
    )


# --- what is mended ------------------------------------------------------------------------------------------


def _with_tags(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """OSM's further tags, which GDAL packs into one text ("ref"=>"26740"), as columns of their own."""
    packed = next((name for name in ("other_tags", "all_tags") if name in frame.columns), None)
    if packed is None:
        return frame
    tags = [dict(_TAG.findall(text)) if isinstance(text, str) else {} for text in frame[packed]]
    wanted = {key for row in tags for key in row} - set(frame.columns)
    return frame.assign(**{key: [row.get(key) for row in tags] for key in sorted(wanted)})


def _polygons(frame: gpd.GeoDataFrame, file: str) -> BoundaryFile:
    shapes = frame.geometry
    empty = (shapes.isna() | shapes.is_empty).to_numpy()
    area = shapes.geom_type.isin(_POLYGONS).to_numpy() & ~empty
    if not area.any():
        raise BoundaryError(
            Message("{file} không có vùng nào: cần hình đa giác, không phải điểm hay đường.", file=file)
        )
    kept = frame[area].reset_index(drop=True)
    flat = kept.set_geometry(gpd.GeoSeries(shapely.force_2d(kept.geometry.to_numpy()), crs=kept.crs))
    notes = []
    if empty.any():
        rows = ", ".join(map(str, frame["row"][empty][:8]))
        notes.append(Message("Bỏ qua {count} hình rỗng (dòng {rows}).", count=int(empty.sum()), rows=rows))
    if other := int((~area & ~empty).sum()):
        notes.append(Message("Bỏ qua {count} điểm hoặc đường.", count=other))
    return BoundaryFile(frame=flat, notes=tuple(notes))


def _in_degrees(file: BoundaryFile, name: str, crs: str | None) -> BoundaryFile:
    frame = file.frame
    if crs is not None:
        try:
            frame = frame.set_crs(CRS.from_user_input(crs), allow_override=True)
        except CRSError as error:
            raise BoundaryError(Message("Không có hệ tọa độ nào tên {crs}.", crs=crs)) from error
    if frame.crs is None and not _are_degrees(frame):
        raise BoundaryError(
            Message(
                "{file} không ghi hệ tọa độ, mà tọa độ tính bằng mét (VN-2000?): hãy xuất lại kèm tệp .prj hoặc theo "
                "EPSG:4326, hoặc chỉ rõ bằng --crs, ví dụ --crs EPSG:3405 (VN-2000 / UTM 48N) hay "
                "--crs EPSG:9210 (VN-2000, kinh tuyến trục 105°45', múi 3°).",
                file=name,
            )
        )
    if frame.crs is not None and frame.crs.is_projected and _are_degrees(frame):
        raise BoundaryError(
            Message(
                "{file} ghi hệ tọa độ {crs} tính bằng mét, mà tọa độ là độ: hãy thêm --crs EPSG:4326.",
                file=name,
                crs=frame.crs.name,
            )
        )
    frame = frame.set_crs(4326) if frame.crs is None else frame
    notes = [*_of_transformation(frame.crs)]
    return replace(file, frame=frame.to_crs(4326)).noting(*notes)


def _are_degrees(frame: gpd.GeoDataFrame) -> bool:
    west, south, east, north = frame.total_bounds
    return bool(min(west, south) >= -180 and max(east, north) <= 180)


def _of_transformation(crs: Any) -> Iterator[Message]:
    if crs.to_epsg() in (4326, 3857, 4979) or crs.geodetic_crs.equals(CRS.from_epsg(4326).geodetic_crs):
        return
    ways = TransformerGroup(crs, 4326, always_xy=True).transformers
    if not ways or "ballpark" in ways[0].description.lower():
        yield Message(
            "Hệ tọa độ {crs} không cho biết cách đổi sang WGS 84: hình có thể lệch đến 200 m.", crs=crs.name
        )
    else:
        yield Message("Đã đổi từ hệ tọa độ {crs} sang WGS 84.", crs=crs.name)


def _mended_text(file: BoundaryFile) -> BoundaryFile:
    """Vietnamese that was written as UTF-8 and read as Latin-1: a Shapefile without its .cpg."""
    frame, mended = file.frame.copy(), False
    for name in frame.columns:
        if name == "geometry" or not any(isinstance(x, str) and _MOJIBAKE.search(x) for x in frame[name]):
            continue
        try:
            frame[name] = [
                x.encode("latin-1").decode("utf-8") if isinstance(x, str) else x for x in frame[name]
            ]
            mended = True
        except UnicodeError:
            continue
    note = [Message("Đã sửa bảng mã chữ (UTF-8) của tệp.")] if mended else []
    return replace(file, frame=frame).noting(*note)


def right_way_round(file: BoundaryFile, expected: tuple[float, float, float, float] | None) -> BoundaryFile:
    """With latitude and longitude exchanged where only so the file touches `expected` (west, south, east, north).
    Raises BoundaryError where it lies elsewhere either way."""
    if expected is None:
        return file
    box = shapely.box(*expected)
    if shapely.box(*file.frame.total_bounds).intersects(box):
        return file
    turned = shapely.transform(file.frame.geometry.to_numpy(), lambda xy: xy[:, ::-1])
    if shapely.box(*shapely.total_bounds(turned)).intersects(box):
        note = Message("Kinh độ và vĩ độ bị đổi chỗ: đã đổi lại.")
        return replace(file, frame=file.frame.set_geometry(gpd.GeoSeries(turned, crs=4326))).noting(note)
    raise BoundaryError(
        Message(
            "Tệp nằm ở kinh độ {west}–{east}, vĩ độ {south}–{north}, ngoài địa bàn: sai hệ tọa độ hoặc là bản đồ "
            "nơi khác.",
            **{side: round(float(x), 2) for side, x in zip(SIDES, file.frame.total_bounds, strict=True)},
        )
    )
