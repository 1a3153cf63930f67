"""Server-drawn figures: the level map and the epidemic curve, from the one source of colour. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Patch
from matplotlib.path import Path as Outline
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from alerts.levels import COLOURS, HATCHED_IN_PRINT, SYMBOLS, UNKNOWN, Level, Shown, name
from geodata.tiles import Coverage
from i18n import _, show_number
from settings import ROOT

FONTS = ROOT / "assets" / "fonts" / "pdf"
INK, MUTED, BAR = "#1d2328", "#6a737b", "#7b93a8"
METRES_PER_DEGREE = 111_200
"""Of latitude, near enough for a picture."""
STRIP_IN = 0.78
"""Height of the strip below the map that holds the legend and far islands."""
INSET = 0.42
"""Width and height of the inset of the core, as fractions of the map."""
SHOWN: tuple[Shown, ...] = (*Level, UNKNOWN)


@cache
def _font(size: float, bold: bool = False) -> FontProperties:
    file = FONTS / f"NotoSans-{'Bold' if bold else 'Regular'}.ttf"
    return FontProperties(fname=str(file), size=size)


def level_map(
    coverage: Coverage,
    levels: Mapping[int, Shown],
    *,
    width_in: float = 7.2,
    note: str = "",
) -> bytes:
    """Communes by level. `levels` by unit id; a unit without one is drawn as unknown.

    Units far from the rest (an island 230 km off) go into an inset, so that the city stays readable.
    """
    near, far = _split_far(coverage)
    height_in = width_in * _aspect(coverage.shapes[near])
    strip = STRIP_IN / (height_in + STRIP_IN)
    figure = Figure(figsize=(width_in, height_in + STRIP_IN))
    axes = figure.add_axes((0, strip, 1, 1 - strip))
    _draw_areas(axes, coverage, near, levels)
    if far.any():
        inset = figure.add_axes((0.8, 0.02, 0.19, strip * 0.75))
        inset.set_title(", ".join(coverage.names[far]), fontproperties=_font(7), color=INK, pad=2)
        _draw_areas(inset, coverage, far, levels)
    if _has_dense_core(coverage, near):
        inset = _inset(axes, _emptiest_corner(coverage.shapes[near]), _("Khu trung tâm"))
        _draw_areas(inset, coverage, _core(coverage, near), levels)
    axes.set_axis_off()
    _legend(figure, note)
    return _render(figure)


def curve_chart(
    weeks: Sequence[date],
    observed: NDArray[np.float64],
    expected: NDArray[np.float64],
    threshold: NDArray[np.float64],
    *,
    width_in: float = 3.5,
    height_in: float = 1.25,
) -> bytes:
    """Weekly counts as bars, mean and threshold of earlier years as lines. Arrays are (T,), NaN where unknown."""
    figure = Figure(figsize=(width_in, height_in))
    axes = figure.add_axes((0.1, 0.2, 0.88, 0.72))
    x = np.arange(len(weeks))
    above = observed > threshold
    axes.bar(
        x, np.nan_to_num(observed), width=0.86, color=np.where(above, COLOURS["light"][Level.CAO].fill, BAR)
    )
    axes.plot(x, expected, color=MUTED, linewidth=0.9)
    axes.plot(x, threshold, color=COLOURS["light"][Level.RAT_CAO].fill, linewidth=1, linestyle=(0, (4, 2)))
    _quiet(axes)
    months = [
        i for i in range(1, len(weeks)) if weeks[i].month != weeks[i - 1].month and weeks[i].month % 3 == 1
    ]
    axes.set_xticks(months, [f"{weeks[i]:%m/%y}" for i in months])
    axes.set_xlim(-0.6, len(weeks) - 0.4)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda value, _position: show_number(value))
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_fontproperties(_font(6.5))
    return _render(figure)


def onset_chart(
    days: Sequence[date], *, first: date, last: date, width_in: float = 4.2, height_in: float = 1.5
) -> bytes:
    """Cases by the day of `days` (one entry a case) from `first` to `last`, both included, as SVG."""
    figure = Figure(figsize=(width_in, height_in))
    axes = figure.add_axes((0.08, 0.18, 0.9, 0.76))
    length = (last - first).days + 1
    counts = np.bincount([(day - first).days for day in days], minlength=length)
    axes.bar(np.arange(length), counts, width=0.9, color=BAR)
    _quiet(axes)
    step = max(1, length // 6)
    ticks = np.arange(0, length, step)
    axes.set_xticks(ticks, [f"{first + timedelta(days=int(k)):%d/%m}" for k in ticks])
    axes.set_xlim(-0.6, length - 0.4)
    axes.set_ylim(bottom=0)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_fontproperties(_font(6.5))
    return _render(figure)


def area_picture(shape: Mapping[str, Any], *, width_in: float = 2.4) -> bytes:
    """An outbreak's area (GeoJSON in degrees) with a scale, as SVG; north is up."""
    area = shapely.from_geojson(json.dumps(shape))
    parts = shapely.MultiPolygon([area]) if area.geom_type == "Polygon" else area
    across = METRES_PER_DEGREE * math.cos(math.radians(area.centroid.y))
    metric = shapely.transform(parts, lambda xy: xy * (across, METRES_PER_DEGREE))
    west, south, east, north = metric.bounds
    side = 1.15 * max(east - west, north - south)
    figure = Figure(figsize=(width_in, width_in))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.add_collection(
        PathCollection([_outline(metric)], facecolor="#e6f0fb", edgecolor="#0f2a43", linewidth=1.2)
    )
    middle = (west + east) / 2, (south + north) / 2
    left, low = middle[0] - side / 2, middle[1] - side / 2
    axes.set(xlim=(left, left + side), ylim=(low, low + side), aspect="equal")
    axes.plot([left + side * 0.04, left + side * 0.04 + 100], [low + side * 0.04] * 2, color=INK, linewidth=2)
    axes.text(left + side * 0.04, low + side * 0.06, "100 m", fontproperties=_font(7), color=INK)
    axes.set_axis_off()
    return _render(figure)


def _split_far(coverage: Coverage) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks of units near the city's middle and of those over 100 km (of the map) from it."""
    x, y = shapely.get_x(coverage.points), shapely.get_y(coverage.points)
    far = np.hypot(x - np.median(x), y - np.median(y)) > 150_000
    return ~far, far


def _core(coverage: Coverage, near: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The half of the units that lies closest to the city's middle."""
    x, y = shapely.get_x(coverage.points), shapely.get_y(coverage.points)
    distance = np.hypot(x - np.median(x[near]), y - np.median(y[near]))
    return near & (distance <= np.median(distance[near]))


def _has_dense_core(coverage: Coverage, near: NDArray[np.bool_]) -> bool:
    """Whether half of the units share less than a tenth of the area: too small to see without an inset."""
    core = _core(coverage, near)
    return bool(shapely.area(coverage.shapes[core]).sum() < 0.1 * shapely.area(coverage.shapes[near]).sum())


def _emptiest_corner(shapes: NDArray[np.object_]) -> tuple[float, float, float, float]:
    """Where an inset hides least: an upper corner or the lower right one, as fractions of the axes."""
    west, south, east, north = shapely.total_bounds(shapes)
    corners = ((0.57, 0.54), (0.0, 0.54), (0.57, 0.0))

    def hidden(corner: tuple[float, float]) -> float:
        x, y = west + corner[0] * (east - west), south + corner[1] * (north - south)
        box = shapely.box(x, y, x + INSET * (east - west), y + INSET * (north - south))
        return float(shapely.area(shapely.intersection(shapes, box)).sum())

    return (*min(corners, key=hidden), INSET, INSET)


def _inset(axes: Axes, place: tuple[float, float, float, float], title: str) -> Axes:
    inset: Axes = axes.inset_axes(place)
    inset.patch.set(facecolor="#ffffff", alpha=0.9)
    inset.set_title(title, fontproperties=_font(7), color=INK, pad=2)
    return inset


def _aspect(shapes: NDArray[np.object_]) -> float:
    west, south, east, north = shapely.total_bounds(shapes)
    return float((north - south) / (east - west))


def _draw_areas(axes: Axes, coverage: Coverage, mask: NDArray[np.bool_], levels: Mapping[int, Shown]) -> None:
    shown = np.array([levels.get(int(unit), UNKNOWN) for unit in coverage.ids], dtype=object)
    for level in SHOWN:
        chosen = mask & np.array([value == level for value in shown])
        if chosen.any():
            axes.add_collection(_areas(coverage.shapes[chosen], level))
    west, south, east, north = shapely.total_bounds(coverage.shapes[mask])
    pad = 0.02 * (east - west)
    axes.set(xlim=(west - pad, east + pad), ylim=(south - pad, north + pad), aspect="equal")
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_color("#c5ccd2")


def _areas(shapes: NDArray[np.object_], level: Shown) -> PathCollection:
    hatch = "///" if level == UNKNOWN else "...." if level in HATCHED_IN_PRINT else None
    return PathCollection(
        [_outline(shape) for shape in shapes],
        facecolor="#eef0f2" if level == UNKNOWN else COLOURS["light"][level].fill,
        edgecolor="#98a1a8" if level == UNKNOWN else "#ffffff",
        linewidth=0.4,
        hatch=hatch,
    )


def _outline(shape: shapely.MultiPolygon) -> Outline:
    rings = [np.asarray(ring.coords) for part in shape.geoms for ring in (part.exterior, *part.interiors)]
    codes = [
        np.r_[Outline.MOVETO, np.full(len(ring) - 2, Outline.LINETO), Outline.CLOSEPOLY] for ring in rings
    ]
    return Outline(np.concatenate(rings)[:, :2], np.concatenate(codes))


def _legend(figure: Figure, note: str) -> None:
    patches = [
        Patch(
            facecolor="#eef0f2" if level == UNKNOWN else COLOURS["light"][level].fill,
            edgecolor="#98a1a8",
            hatch="///" if level == UNKNOWN else "...." if level in HATCHED_IN_PRINT else None,
            label=f"{SYMBOLS[level]} {name(level)}",
        )
        for level in SHOWN
    ]
    figure.legend(
        handles=patches,
        loc="lower left",
        ncols=3,
        prop=_symbol_font(),
        title=f"{_('Mức nguy cơ')} · {note}" if note else _("Mức nguy cơ"),
        title_fontproperties=_font(8.5, bold=True),
        alignment="left",
        frameon=False,
        borderaxespad=0,
    )


@cache
def _symbol_font() -> FontProperties:
    """DejaVu (shipped with matplotlib) has both the level symbols and Vietnamese; Noto Sans has no symbols."""
    return FontProperties(family="DejaVu Sans", size=8)


def _quiet(axes: Axes) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#c5ccd2")
    axes.grid(axis="y", color="#e6eaed", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=MUTED, pad=2)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))


def _render(figure: Figure) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
