"""A map as a sheet to hand on: one or two panes, title in words, legend, scale, north, sources. Pure.

SVG with real text; PDF and PNG are made from the same SVG (reports/map_paper.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import shapely
from matplotlib.font_manager import get_font
from numpy.typing import NDArray

from i18n import _
from reports.drawing import FONTS
from reports.map_frame import Frame, scale_bar

Hatch = Literal["unknown", "high", "highest"]
Look = Literal["line", "fill", "solid", "ring", "point"]

INK, MUTED, LINE, PAPER, GROUND = "#1d2328", "#5a636b", "#c5ccd2", "#ffffff", "#f5f7f8"
UNKNOWN_FILL, UNKNOWN_EDGE = "#eef0f2", "#98a1a8"
MARGIN, GAP, LEGEND_WIDTH = 16.0, 12.0, 230.0
NARROWEST_WITH_SIDE = 560.0
NAMES_FROM_ZOOM, SYMBOLS_FROM_ZOOM = 11.0, 9.5
"""As the map on the screen has them."""
_HATCHES: Mapping[Hatch, tuple[str, str]] = {
    "unknown": (UNKNOWN_EDGE, "M0,6 L6,0"),
    "high": ("#ffffff", "M0,6 L6,0"),
    "highest": ("#ffffff", "M0,6 L6,0 M0,0 L6,6"),
}


@dataclass(frozen=True, kw_only=True)
class Areas:
    """The coloured areas, in EPSG:3857; one entry a unit. `fills` None: unknown, drawn hatched."""

    ids: Sequence[int]
    names: Sequence[str]
    shapes: NDArray[np.object_]
    points: NDArray[np.object_]
    fills: Sequence[str | None]
    symbols: Sequence[str | None]
    hatches: Sequence[Hatch | None]
    synthetic: bool = False


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Something over the areas, in EPSG:3857. A "ring" or "point" has the radius in pixels; `kind` is its class in the
    SVG; `words` stand in its middle in the colour `ink`."""

    kind: str
    shape: shapely.Geometry
    look: Look
    colour: str
    opacity: float = 1.0
    radius: float = 4.0
    words: str = ""
    ink: str = INK


@dataclass(frozen=True, kw_only=True)
class Pane:
    """`caption` says what this half of a split view shows."""

    areas: Areas
    marks: Sequence[Mark] = ()
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class LegendRow:
    """`fill` None: unknown. `look` of a mark, None of an area."""

    label: str
    fill: str | None
    symbol: str | None = None
    hatch: Hatch | None = None
    number: str = ""
    look: Look | None = None


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """`frame` of each pane. `legends`: a titled list a pane, or one for all. `foot`: lines of sources and dates."""

    title: str
    subtitles: Sequence[str]
    place: str
    frame: Frame
    panes: Sequence[Pane]
    legends: Sequence[tuple[str, Sequence[LegendRow]]]
    notes: Sequence[str] = ()
    foot: Sequence[str] = ()

    def on_paper(self, width: float) -> Sheet:
        """The same ground with all maps together `width` pixels wide, so that letters come out readable."""
        return replace(self, frame=self.frame.resized(width / len(self.panes)))


@dataclass(frozen=True, slots=True)
class Drawing:
    svg: str
    width: float
    height: float


def draw(sheet: Sheet) -> Drawing:
    frame = sheet.frame
    maps = len(sheet.panes) * frame.width + (len(sheet.panes) - 1) * GAP
    beside = maps >= NARROWEST_WITH_SIDE
    width = maps + 2 * MARGIN + (GAP + LEGEND_WIDTH if beside else 0)
    head, y = _head(sheet, width - 2 * MARGIN)
    parts, top = [*head], y
    for i, pane in enumerate(sheet.panes):
        x = MARGIN + i * (frame.width + GAP)
        parts += [_pane(pane, frame, x, top, number=i)]
    y = top + frame.height
    if beside:
        rows, below = _legends(sheet, width - MARGIN - LEGEND_WIDTH, top, LEGEND_WIDTH)
    else:
        rows, below = _legends(sheet, MARGIN, y + GAP, maps)
    foot, height = _foot(sheet, max(y, below) + GAP, width - 2 * MARGIN)
    body = "\n".join([*parts, *rows, *foot])
    return Drawing(_document(sheet, body, width, height), width, height)


def _document(sheet: Sheet, body: str, width: float, height: float) -> str:
    patterns = "".join(
        f'<pattern id="hatch-{name}" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<path d="{path}" stroke="{colour}" stroke-width="1" fill="none"/></pattern>'
        for name, (colour, path) in _HATCHES.items()
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" height="{_n(height)}"'
        f' viewBox="0 0 {_n(width)} {_n(height)}" font-family="Noto Sans, Inter, Arial, sans-serif">\n'
        f"<title>{escape(sheet.title)}</title>\n<defs>{patterns}</defs>\n"
        f'<rect width="{_n(width)}" height="{_n(height)}" fill="{PAPER}"/>\n{body}\n</svg>\n'
    )


# --- words around the map ----------------------------------------------------------------------------------


def _head(sheet: Sheet, width: float) -> tuple[list[str], float]:
    """The parts, and where the map may begin."""
    parts, y = [], MARGIN + 10
    parts.append(text(MARGIN, y, sheet.place.upper(), size=10.5, colour=MUTED))
    y += 8
    for line in wrapped(sheet.title, width, 19, bold=True):
        y += 22
        parts.append(text(MARGIN, y, line, size=19, bold=True))
    for said in sheet.subtitles:
        for line in wrapped(said, width, 12.5):
            y += 17
            parts.append(text(MARGIN, y, line, size=12.5))
    return parts, y + GAP + (18 if any(pane.caption for pane in sheet.panes) else 0)


def _foot(sheet: Sheet, y: float, width: float) -> tuple[list[str], float]:
    """The parts, and the height of the sheet."""
    parts = [f'<path d="M{_n(MARGIN)},{_n(y)} h{_n(width)}" stroke="{LINE}" fill="none"/>']
    y += 2
    for said in sheet.foot:
        for line in wrapped(said, width, 10):
            y += 14
            parts.append(text(MARGIN, y, line, size=10, colour=MUTED))
    return parts, y + MARGIN


def _legends(sheet: Sheet, x: float, y: float, width: float) -> tuple[list[str], float]:
    parts: list[str] = ['<g class="legend">']
    for title, rows in sheet.legends:
        y += 2
        for line in wrapped(title, width, 12, bold=True):
            y += 15
            parts.append(text(x, y, line, size=12, bold=True))
        y += 8
        for row in rows:
            drawn, y = _legend_row(row, x, y, width)
            parts += drawn
        y += GAP
    parts.append("</g>")
    for note in sheet.notes:
        for line in wrapped(note, width, 10.5):
            y += 14
            parts.append(text(x, y, line, size=10.5, colour=MUTED))
        y += 5
    return parts, y


def _legend_row(row: LegendRow, x: float, y: float, width: float) -> tuple[list[str], float]:
    parts, swatch = ['<g class="legend-row">'], (x, y + 1, 20.0, 14.0)
    if row.look is None:
        parts += _box(swatch, row.fill, row.hatch)
    else:
        parts.append(_sample(row.look, row.fill or INK, swatch))
    if row.symbol:
        parts.append(symbol(row.symbol, x + 33, y + 8, 4.6))
    room = width - 44 - measured(row.number, 11) - 6
    lines = wrapped(row.label, room, 11.5)
    for i, line in enumerate(lines):
        parts.append(text(x + (44 if row.symbol else 28), y + 12 + i * 14, line, size=11.5))
    if row.number:
        parts.append(text(x + width, y + 12, row.number, size=11, colour=MUTED, anchor="end"))
    parts.append("</g>")
    return parts, y + 6 + 14 * max(1, len(lines))


def _box(place: tuple[float, float, float, float], fill: str | None, hatch: Hatch | None) -> list[str]:
    x, y, width, height = map(_n, place)
    where = f'x="{x}" y="{y}" width="{width}" height="{height}"'
    boxes = [
        f'<rect class="swatch" {where} fill="{fill or UNKNOWN_FILL}" stroke="{UNKNOWN_EDGE}" stroke-width=".6"/>'
    ]
    if hatch:
        boxes.append(f'<rect {where} fill="url(#hatch-{hatch})" opacity="{_weight(hatch)}"/>')
    return boxes


def _sample(look: Look, colour: str, place: tuple[float, float, float, float]) -> str:
    x, y, width, height = place
    if look in ("ring", "point"):
        style = (
            f'fill="{colour}" stroke="#fff"'
            if look == "point"
            else f'fill="none" stroke="{colour}" stroke-width="1.6"'
        )
        return f'<circle cx="{_n(x + width / 2)}" cy="{_n(y + height / 2)}" r="5" {style}/>'
    fill = f'fill="{colour}" fill-opacity=".25"' if look == "fill" else 'fill="none"'
    return (
        f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="3" {fill}'
        f' stroke="{colour}" stroke-width="1.8"/>'
    )


# --- a pane ------------------------------------------------------------------------------------------------


def _pane(pane: Pane, frame: Frame, x: float, y: float, *, number: int) -> str:
    """A nested <svg> cuts what is drawn at the frame."""
    size = f'width="{_n(frame.width)}" height="{_n(frame.height)}"'
    caption = [text(x, y - 7, pane.caption, size=12, bold=True)] if pane.caption else []
    inside = [
        f'<svg class="pane" id="pane-{number}" x="{_n(x)}" y="{_n(y)}" {size}'
        f' viewBox="0 0 {_n(frame.width)} {_n(frame.height)}" overflow="hidden">',
        f'<rect {size} fill="{GROUND}"/>',
        *_areas(pane.areas, frame),
        *_marks(pane.marks, frame),
        *_names(pane.areas, frame),
        _scale(frame),
        _north(frame),
        "</svg>",
        f'<rect x="{_n(x)}" y="{_n(y)}" {size} fill="none" stroke="{UNKNOWN_EDGE}"/>',
    ]
    return "\n".join([*caption, *inside])


def _areas(areas: Areas, frame: Frame) -> Iterator[str]:
    shapes = frame.cut(areas.shapes)
    edge = f'stroke="{PAPER}" stroke-width=".8" stroke-linejoin="round"'
    if areas.synthetic:
        edge = f'stroke="{UNKNOWN_EDGE}" stroke-width=".8" stroke-dasharray="3 2"'
    yield '<g class="areas">'
    for i, shape in enumerate(shapes):
        if shapely.is_empty(shape):
            continue
        path, fill, hatch = path_of(shape), areas.fills[i], areas.hatches[i]
        if not path:
            continue
        yield f'<path class="area" data-unit="{areas.ids[i]}" d="{path}" fill="{fill or UNKNOWN_FILL}" {edge}/>'
        if hatch:
            yield f'<path class="hatch" d="{path}" fill="url(#hatch-{hatch})" opacity="{_weight(hatch)}"/>'
    yield "</g>"


def _marks(marks: Sequence[Mark], frame: Frame) -> Iterator[str]:
    if not marks:
        return
    shapes = frame.cut(np.array([mark.shape for mark in marks], dtype=object))
    for mark, shape in zip(marks, shapes, strict=True):
        if shapely.is_empty(shape):
            continue
        head = f'class={quoteattr(mark.kind)} opacity="{mark.opacity:.2g}"'
        if mark.look in ("ring", "point"):
            at = shape if shape.geom_type == "Point" else shape.representative_point()
            style = (
                f'fill="{mark.colour}" stroke="#fff" stroke-width="1"'
                if mark.look == "point"
                else f'fill="none" stroke="{mark.colour}" stroke-width="1.6"'
            )
            yield f'<circle {head} cx="{_n(at.x)}" cy="{_n(at.y)}" r="{_n(mark.radius)}" {style}/>'
        else:
            path = path_of(shape)
            if mark.look == "line":
                yield f'<path class="casing" d="{path}" fill="none" stroke="{PAPER}" stroke-width="3.4" opacity=".8"/>'
            yield f'<path {head} d="{path}" {_paint(mark)}/>'
        if mark.words:
            at = shapely.centroid(shape)
            yield text(
                at.x, at.y + 4, mark.words, size=10.5, colour=mark.ink, anchor="middle", halo=mark.ink == INK
            )


def _paint(mark: Mark) -> str:
    if mark.look == "solid":
        return f'fill="{mark.colour}" stroke="{PAPER}" stroke-width=".8"'
    fill = f'fill="{mark.colour}" fill-opacity=".2"' if mark.look == "fill" else 'fill="none"'
    return f'{fill} stroke="{mark.colour}" stroke-width="1.7"'


def _names(areas: Areas, frame: Frame) -> Iterator[str]:
    """Symbols, and under them names as far as they do not cover each other."""
    if frame.zoom < SYMBOLS_FROM_ZOOM:
        return
    places = frame.pixels(np.column_stack([shapely.get_x(areas.points), shapely.get_y(areas.points)]))
    taken: list[tuple[float, float, float, float]] = []
    for i, (x, y) in enumerate(places.tolist()):
        if not (0 <= x <= frame.width and 0 <= y <= frame.height):
            continue
        if mark := areas.symbols[i]:
            yield symbol(mark, x, y, 5, halo=True)
        if frame.zoom >= NAMES_FROM_ZOOM:
            half = measured(areas.names[i], 10.5) / 2
            box = (x - half, y + 6, x + half, y + 21)
            if not any(_overlap(box, other) for other in taken):
                taken.append(box)
                yield text(x, y + 17, areas.names[i], size=10.5, anchor="middle", halo=True)


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _scale(frame: Frame) -> str:
    bar, y = scale_bar(frame), frame.height - 16
    return (
        f'<g class="scale"><rect x="8" y="{_n(y - 20)}" width="{_n(bar.px + 20)}" height="30" rx="3" fill="{PAPER}"'
        f' opacity=".85"/><path class="scale-bar" d="M18,{_n(y - 4)} v4 h{bar.px:.2f} v-4" fill="none" stroke="{INK}"'
        f' stroke-width="1.6"/>{text(18, y - 8, bar.label, size=10.5)}</g>'
    )


def _north(frame: Frame) -> str:
    x = frame.width - 24
    return (
        f'<g class="north"><circle cx="{_n(x)}" cy="28" r="18" fill="{PAPER}" opacity=".85"/>'
        f'<path d="M{_n(x)},14 l6,17 l-6,-4 l-6,4 z" fill="{INK}"/>'
        f"{text(x, 43, _('B'), size=10.5, bold=True, anchor='middle')}</g>"
    )


# --- pieces ------------------------------------------------------------------------------------------------


def symbol(name: str, x: float, y: float, r: float, *, halo: bool = False) -> str:
    """One of ● ▲ ◆ ■ as a shape, so that no font need have it."""
    paths = {
        "●": f"M{_n(x - r)},{_n(y)} a{r},{r} 0 1,0 {_n(2 * r)},0 a{r},{r} 0 1,0 {_n(-2 * r)},0 z",
        "▲": f"M{_n(x)},{_n(y - r)} l{_n(r)},{_n(1.8 * r)} h{_n(-2 * r)} z",
        "◆": f"M{_n(x)},{_n(y - r * 1.15)} l{_n(r * 1.15)},{_n(r * 1.15)} l{_n(-r * 1.15)},{_n(r * 1.15)}"
        f" l{_n(-r * 1.15)},{_n(-r * 1.15)} z",
        "■": f"M{_n(x - 0.9 * r)},{_n(y - 0.9 * r)} h{_n(1.8 * r)} v{_n(1.8 * r)} h{_n(-1.8 * r)} z",
    }
    if name not in paths:
        return text(x, y + 4, name, size=11, bold=True, anchor="middle")
    around = f' stroke="{PAPER}" stroke-width="1.4" paint-order="stroke"' if halo else ""
    return f'<path class="symbol" d="{paths[name]}" fill="{INK}"{around}/>'


def text(
    x: float,
    y: float,
    said: str,
    *,
    size: float,
    bold: bool = False,
    colour: str = INK,
    anchor: str = "start",
    halo: bool = False,
) -> str:
    more = ' font-weight="700"' if bold else ""
    if anchor != "start":
        more += f' text-anchor="{anchor}"'
    if halo:
        more += f' stroke="{PAPER}" stroke-width="2.6" stroke-linejoin="round" paint-order="stroke"'
    return f'<text x="{_n(x)}" y="{_n(y)}" font-size="{size}" fill="{colour}"{more}>{escape(said)}</text>'


def path_of(shape: shapely.Geometry) -> str:
    """An SVG path; areas closed, points left out."""
    parts = []
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon":
            parts += [_ring(ring.coords[:-1]) + "Z" for ring in (part.exterior, *part.interiors)]
        elif part.geom_type in ("LineString", "LinearRing"):
            parts.append(_ring(part.coords))
    return "".join(parts)


def _ring(points: Sequence[tuple[float, ...]]) -> str:
    return "M" + "L".join(f"{_n(x)},{_n(y)}" for x, y, *_rest in points)


def wrapped(said: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """Lines no wider than `width` where words allow."""
    lines = [""]
    for word in said.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and measured(longer, size, bold) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return [line for line in lines if line]


@cache
def measured(said: str, size: float, bold: bool = False) -> float:
    """Width in pixels in the sheet's font."""
    font = get_font(str(FONTS / f"NotoSans-{'Bold' if bold else 'Regular'}.ttf"))
    font.set_size(size, 72)
    font.set_text(said, 0.0)
    return float(font.get_width_height()[0]) / 64


def _weight(hatch: Hatch) -> str:
    return "1" if hatch == "unknown" else ".45"


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
