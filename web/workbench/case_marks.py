"""The chosen cases on a sheet: hexagons from afar, single cases near by for those who may see them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import shapely
from sqlalchemy.orm import Session

from geodata.mercator import HALF_WORLD_M
from i18n import _
from reports.map_frame import Frame
from reports.map_sheet import LegendRow, Mark
from surveillance.case_cells import Cells
from surveillance.world import WORLD
from web.case_layers import CASES, VERIFIED, Ink
from web.case_tiles import LAST_ZOOM, MOST_SPOTS, SINGLE_FROM
from web.context import Moment, context
from web.figures import between
from web.selection import Selection


def case_marks(
    session: Session, selection: Selection, shown: Moment, singly: Collection[int] | None, frame: Frame,
    opacity: float, *, verified: bool,
) -> tuple[list[Mark], list[LegendRow], int]:  # fmt: skip
    """`singly`: the areas whose cases the reader may see one by one (None: all). The last number: how many places
    of single cases were drawn."""
    kept = context()
    asked = replace(selection, status="verified") if verified else selection
    placed = kept.placed.placed(kept.columns.current(session), asked.filter(shown, singly))
    ink = VERIFIED["light"] if verified else CASES["light"]
    zoom = min(LAST_ZOOM, int(frame.zoom))
    points = []
    if zoom >= SINGLE_FROM:
        west, south, east, north = frame.box
        corner = _world(west, -north)
        spots = placed.spots(
            *corner, max(_world(east, -south)[0] - corner[0], _world(east, -south)[1] - corner[1])
        )
        if len(spots.n) <= MOST_SPOTS:
            points = list(zip(spots.x.tolist(), spots.y.tolist(), spots.n.tolist(), strict=True))
    cells = placed.cells(zoom, others_only=bool(points))
    marks = [
        *_hexagons(cells, frame, ink, opacity),
        *(_point(x, y, n, ink, opacity) for x, y, n in points),
    ]
    rows = (
        [LegendRow(label=_("Số ca trong ô: ít → nhiều"), fill=ink.many, look="fill")] if len(cells.n) else []
    )
    if points:
        rows.append(LegendRow(label=_("Ca bệnh; số: ca cùng một điểm"), fill=ink.mark, look="point"))
    return marks, rows, len(points)


def _world(x: float, south: float) -> tuple[int, int]:
    """EPSG:3857 (y to the south) to world coordinates."""
    scale = WORLD / (2 * HALF_WORLD_M)
    return int((x + HALF_WORLD_M) * scale), int((south + HALF_WORLD_M) * scale)


def _metres(x: float, y: float) -> tuple[float, float]:
    scale = 2 * HALF_WORLD_M / WORLD
    return x * scale - HALF_WORLD_M, HALF_WORLD_M - y * scale


def _point(x: int, y: int, n: int, ink: Ink, opacity: float) -> Mark:
    return Mark(
        kind="case", shape=shapely.Point(_metres(x, y)), look="point", colour=ink.mark, opacity=opacity,
        radius=float(min(12, 3 + 1.4 * n**0.5)), words=str(n) if n > 1 else "", ink=ink.on_mark,
    )  # fmt: skip


def _hexagons(cells: Cells, frame: Frame, ink: Ink, opacity: float) -> list[Mark]:
    west, south, east, north = frame.box
    corners = np.radians(30 + 60 * np.arange(6))
    around = cells.radius * 2 * HALF_WORLD_M / WORLD
    ring = around * np.column_stack([np.cos(corners), np.sin(corners)])
    marks = []
    for x, y, n in zip(cells.x.tolist(), cells.y.tolist(), cells.n.tolist(), strict=True):
        at = np.array(_metres(x, y))
        if not (west - around < at[0] < east + around and south - around < at[1] < north + around):
            continue
        share = (n / max(cells.most, 1)) ** 0.5
        marks.append(
            Mark(
                kind="cell", shape=shapely.Polygon(ring + at), look="solid", colour=between(ink.few, ink.many, share),
                opacity=0.78 * opacity, words=str(n),
            )
        )  # fmt: skip
    return marks
