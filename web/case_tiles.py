"""Vector tiles of the chosen cases, drawn from the columns in memory: hexagons from afar, single cases from zoom 12 on.

Layers of a tile: `cells` (polygons; `n`, `share` of the fullest cell of this zoom), `cell_labels`, `communes` (cases
known only to their commune, at its point) and `cases` (`n` at one position, `r` how far off they may be in pixels at
zoom 12). `text` is the tooltip; nothing names a person (docs/decisions/columns.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from typing import Any

import numpy as np
import shapely
from flask import Blueprint, Response, abort, request
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from accounts.service import record_access
from geodata.mercator import METRES_PER_PIXEL
from i18n import _, current_locale
from surveillance.case_cells import COARSE_BELOW, Cells, PlacedCases, Spots
from surveillance.columns import PLACE_LEVELS, Columns
from surveillance.lines import EPOCH
from surveillance.world import WORLD, to_degrees
from web.context import context, day_on_show, disease_name, now, open_session, viewer
from web.formats import count, day
from web.outbreak_layers import PLACE_LEVELS as PLACE_WORDS
from web.outbreak_routes import PLACE_READERS
from web.private import etag_of, private, rights
from web.selection import Selection

EXTENT = 4096
SINGLE_FROM, LAST_ZOOM = 12, 14
"""Single cases from this zoom on; the map enlarges tiles of the last."""
MOST_SPOTS = 2000
"""A tile with more places than these is drawn in hexagons: a browser without a graphics card would stall."""
GROUND_PX = METRES_PER_PIXEL / 2**SINGLE_FROM
"""Metres of a pixel at that zoom on the equator."""

_SQL = text(
    """
    WITH cells AS (SELECT n, share, text, ST_Translate(CAST(:hexagon AS geometry), x, y) AS geom FROM unnest(
        CAST(:cell_x AS int[]), CAST(:cell_y AS int[]), CAST(:cell_n AS int[]), CAST(:cell_share AS real[]),
        CAST(:cell_text AS text[])) AS c(x, y, n, share, text)),
    labels AS (SELECT n, ST_MakePoint(x, y) AS geom FROM unnest(
        CAST(:label_x AS int[]), CAST(:label_y AS int[]), CAST(:label_n AS int[])) AS c(x, y, n)),
    communes AS (SELECT n, text, ST_MakePoint(x, y) AS geom FROM unnest(CAST(:commune_x AS int[]),
        CAST(:commune_y AS int[]), CAST(:commune_n AS int[]), CAST(:commune_text AS text[])) AS c(x, y, n, text)),
    cases AS (SELECT n, r, text, ST_MakePoint(x, y) AS geom FROM unnest(
        CAST(:spot_x AS int[]), CAST(:spot_y AS int[]), CAST(:spot_n AS int[]), CAST(:spot_r AS real[]),
        CAST(:spot_text AS text[])) AS c(x, y, n, r, text))
    SELECT (SELECT ST_AsMVT(cells, 'cells', 4096, 'geom') FROM cells)
        || (SELECT ST_AsMVT(labels, 'cell_labels', 4096, 'geom') FROM labels)
        || (SELECT ST_AsMVT(communes, 'communes', 4096, 'geom') FROM communes)
        || (SELECT ST_AsMVT(cases, 'cases', 4096, 'geom') FROM cases)
    """
)

blueprint = Blueprint("case_tiles", __name__)


@blueprint.get("/t/cases/<int:z>/<int:x>/<int:y>")
def case_tile(z: int, x: int, y: int) -> Response:
    """A tile of the cases that the map's query chooses, by the reader's rights. Reading single ones is written down."""
    if not (z <= LAST_ZOOM and x < 2**z and y < 2**z):
        abort(404)
    selection = case_selection(request.query_string.decode())
    kept = context()
    with open_session() as session:
        wanted = selection.filter(day_on_show(session, selection.on), _single_cases_of())
        version, columns = kept.columns.dated(session)
        etag = etag_of(
            version, selection.query(), wanted.start, wanted.end, wanted.as_of,
            rights(), current_locale(), z, x, y,
        )  # fmt: skip
        if etag in request.if_none_match:
            return private(Response(status=304), etag)
        placed = kept.placed.placed(columns, wanted)
        tile, single = drawn(session, placed, z, x, y)
        if single:
            _write_down(session, selection.query())
    return private(Response(tile, mimetype="application/vnd.mapbox-vector-tile"), etag)


def case_selection(query: str) -> Selection:
    """What of the map's query chooses cases; the rest of it would only make the same tile be asked for twice."""
    asked, plain = Selection.parse(query, context().diseases), Selection()
    return replace(asked, **{name: getattr(plain, name) for name in _NOT_ABOUT_CASES})


def _single_cases_of() -> frozenset[int] | None:
    who = viewer()
    return who.areas if who.role in PLACE_READERS else frozenset()


def _write_down(session: Session, query: str) -> None:
    """Once an hour for a reader and a selection: a glance at the map asks for many tiles."""
    who, moment = viewer(), now(session)
    if context().placed.first_reading(who.id, query, moment):
        record_access(session, who.id, "map.cases", {"query": query}, moment)


def drawn(session: Session, placed: PlacedCases, z: int, x: int, y: int) -> tuple[bytes, bool]:
    """The tile, empty where there is nothing, and whether single cases are in it."""
    size = WORLD >> z
    west, north = x * size, y * size
    spots = placed.few_spots(west, north, size, MOST_SPOTS) if z >= SINGLE_FROM else None
    cells = placed.cells(z, others_only=spots is not None)
    values = {
        **_cells(cells, west, north, size),
        **_communes(placed, west, north, size, shown=z >= COARSE_BELOW),
        **_spots(placed.columns, spots, west, north, size),
    }
    if not any(values[name] for name in ("cell_x", "commune_x", "spot_x")):
        return b"", False
    tile = session.execute(_SQL, values).scalar_one()
    return bytes(tile or b""), bool(values["spot_x"])


def _cells(cells: Cells, west: int, north: int, size: int) -> dict[str, Any]:
    """Hexagons that touch the tile; their labels where the middle lies in it, so that none is written twice."""
    scale = EXTENT / size
    x, y = (cells.x - west) * scale, (cells.y - north) * scale
    radius = cells.radius * scale
    near = (x > -radius) & (x < EXTENT + radius) & (y > -radius) & (y < EXTENT + radius)
    x, y, n = np.rint(x[near]).astype(int), np.rint(y[near]).astype(int), cells.n[near]
    label = (x >= 0) & (x < EXTENT) & (y >= 0) & (y < EXTENT)
    return {
        "hexagon": _hexagon(radius),
        "cell_x": x.tolist(), "cell_y": y.tolist(), "cell_n": n.tolist(),
        "cell_share": (n / max(cells.most, 1)).tolist(),
        "cell_text": [_("{n} ca trong ô này", n=count(each)) for each in n.tolist()],
        "label_x": x[label].tolist(), "label_y": y[label].tolist(), "label_n": n[label].tolist(),
    }  # fmt: skip


def _hexagon(radius: float) -> str:
    """Around 0, clockwise with y to the south, as tiles want outer rings."""
    angles = np.radians(np.arange(-90, 271, 60))
    corners = np.column_stack([np.rint(radius * np.cos(angles)), np.rint(radius * np.sin(angles))])
    return str(shapely.to_wkt(shapely.Polygon(corners), rounding_precision=0))


def _communes(placed: PlacedCases, west: int, north: int, size: int, *, shown: bool) -> dict[str, Any]:
    _units, x, y, n = placed.communes()
    inside = (x >= west) & (x < west + size) & (y >= north) & (y < north + size) & shown
    return {
        "commune_x": _within(x[inside], west, size), "commune_y": _within(y[inside], north, size),
        "commune_n": n[inside].tolist(),
        "commune_text": [_("{n} ca chỉ biết xã, phường", n=count(each)) for each in n[inside].tolist()],
    }  # fmt: skip


def _spots(columns: Columns, spots: Spots | None, west: int, north: int, size: int) -> dict[str, Any]:
    names = ("spot_x", "spot_y", "spot_n", "spot_r", "spot_text")
    if spots is None:
        return {name: [] for name in names}
    _lon, lat = to_degrees(spots.x, spots.y)
    pixels = np.nan_to_num(spots.uncertainty) / (GROUND_PX * np.cos(np.radians(lat)))
    values = (
        _within(spots.x, west, size), _within(spots.y, north, size), spots.n.tolist(), pixels.tolist(),
        spot_texts(columns, spots),
    )  # fmt: skip
    return dict(zip(names, values, strict=True))


def _within(world: NDArray[np.int64], edge: int, size: int) -> list[int]:
    found: list[int] = ((world - edge) * EXTENT // size).tolist()
    return found


def spot_texts(columns: Columns, spots: Spots) -> list[str]:
    """What each spot says when the pointer is on it. Spots share most lines, so that each is written once."""
    names = {i: disease_name(code) for i, code in enumerate(columns.diseases)} | {-1: _("Nhiều bệnh")}
    who, when, where, found = cache(partial(_who, names)), cache(_when), cache(_where), cache(_found)
    metres = np.where(np.isnan(spots.uncertainty), -1, np.rint(spots.uncertainty)).astype(int)
    lines = (
        zip(spots.disease.tolist(), spots.n.tolist(), strict=True),
        zip(spots.first.tolist(), spots.last.tolist(), strict=True),
        zip(spots.level.tolist(), metres.tolist(), strict=True),
        zip(spots.verified.tolist(), spots.n.tolist(), strict=True),
    )
    return [f"{who(*a)}\n{when(*b)}\n{where(*c)}{found(*d)}" for a, b, c, d in zip(*lines, strict=True)]


def _who(names: Mapping[int, str], disease: int, n: int) -> str:
    return names[disease] if n == 1 else f"{names[disease]}: {_('{n} ca cùng một điểm', n=count(n))}"


def _when(first: int, last: int) -> str:
    begin, end = (day(EPOCH + timedelta(days=number)) for number in (first, last))
    if first == last:
        return _("mắc bệnh {day}", day=begin)
    return _("mắc bệnh từ {first} đến {last}", first=begin, last=end)


def _where(level: int, metres: int) -> str:
    words = str(PLACE_WORDS[PLACE_LEVELS[level]])
    if metres < 0:
        return _("vị trí {level}", level=words)
    return _("vị trí {level} (±{metres} m)", level=words, metres=metres)


def _found(verified: int, n: int) -> str:
    if not verified:
        return ""
    return "\n" + (_("đã xác minh") if n == 1 else _("{n} ca đã xác minh", n=count(verified)))


_NOT_ABOUT_CASES = (
    "unit", "metric", "classes", "layers", "compare", "release", "view", "stack", "step", "years",
    "outbreak", "cluster",
)  # fmt: skip
