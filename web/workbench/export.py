"""The exact view of the map as a sheet to hand on: the same measure, classes, colours and layers as on the screen."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.models import UserOverlay
from accounts.service import record_access
from alerts.levels import HATCHED_IN_PRINT, Level
from geodata.mercator import mercator
from geodata.models import Boundary
from i18n import _, current_locale
from reports.map_frame import Frame
from reports.map_sheet import Areas, Hatch, LegendRow, Mark, Pane, Sheet
from surveillance.case_cells import FEWEST
from surveillance.clock import data_until
from surveillance.outbreaks.shapes import outlines
from surveillance.outbreaks.views import LIVING
from web.context import Moment, Viewer, context, day_on_show, disease_name, local, now
from web.formats import count, moment
from web.map_choice import UnitRow, choice_of, unit_rows
from web.outbreak_layers import DETAILED_ZOOM, INK, RINGS_ZOOM
from web.outbreak_routes import PLACE_READERS
from web.selection import Layer, Selection, on_show
from web.workbench import layers, overlays
from web.workbench.case_marks import case_marks
from web.workbench.chips import held_filters
from web.workbench.choropleth import Coloured, Swatch, coloured
from web.workbench.controls import read_camera
from web.workbench.legend import title as measure_title
from web.workbench.measures import values
from web.workbench.opening import opening_box

SMALLEST, LARGEST = 240, 2400
USUAL = (1000, 700)
PAPER_WIDTH = 960.0
"""Of the maps on A4, in pixels of the sheet: letters come out at about 9 points."""
LICENCES: Mapping[str, str] = {
    "osm": "© OpenStreetMap contributors, ODbL 1.0",
    "openstreetmap": "© OpenStreetMap contributors, ODbL 1.0",
    "geofabrik": "© OpenStreetMap contributors, ODbL 1.0",
    "geoboundaries": "geoBoundaries, CC BY 4.0",
    "gadm": "GADM, gadm.org/license",
    "cod-ab": "HDX COD-AB, CC BY-IGO",
}
"""By a word in the name of a boundary file (docs/sources.md)."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Whose rights count. `areas` None: the whole city; `singly`: those whose cases they may see one by one; `public`:
    an embedded picture, which anybody may see."""

    areas: frozenset[int] | None
    singly: frozenset[int] | None = frozenset()
    public: bool = False
    id: int | None = None

    @classmethod
    def of(cls, who: Viewer) -> Reader:
        singly = who.areas if who.role in PLACE_READERS else frozenset()
        return cls(areas=who.areas, singly=singly, id=who.id)


@dataclass(frozen=True, kw_only=True)
class Half:
    """One pane and what it was drawn from."""

    selection: Selection
    shown: Moment
    rows: Sequence[UnitRow]
    areas: Coloured


def sheet_of(
    session: Session, selection: Selection, reader: Reader, camera: str | None, size: tuple[float, float]
) -> Sheet:
    """`size` is the window in pixels of the map (of both halves together in a split view)."""
    other = selection.other_side()
    asked = [selection] if other is None else [selection, other]
    halves = [_half(session, each) for each in asked]
    hidden = [_hidden(session, half) if reader.public else set() for half in halves]
    frame = _frame(halves[0], camera, (size[0] / len(asked), size[1]))
    drawn_over = [_Overlays(session, half, reader, frame) for half in halves]
    panes = [
        Pane(
            areas=_areas(session, half, frame, few),
            marks=drawn.marks,
            caption=_caption(session, half) if other else "",
        )
        for half, drawn, few in zip(halves, drawn_over, hidden, strict=True)
    ]
    return Sheet(
        title=_title(halves[0], split=other is not None),
        subtitles=_subtitles(session, halves[0]) if other is None else [],
        place=_city(),
        frame=frame,
        panes=panes,
        legends=_legends(
            halves, drawn_over[0].legend, few=any(hidden), numbers=other is None and not reader.public
        ),
        notes=[
            *dict.fromkeys(str(note) for half in halves for note in half.areas.found.notes),
            *drawn_over[0].notes,
        ],
        foot=_foot(session, halves[0]),
    )


def _half(session: Session, selection: Selection) -> Half:
    choice, shown = choice_of(session, selection), day_on_show(session, selection.on)
    rows, _counts = unit_rows(session, choice, shown)
    areas = coloured(session, selection, shown, rows, "light", choice.release)
    return Half(selection=selection, shown=shown, rows=rows, areas=areas)


def _frame(half: Half, camera: str | None, size: tuple[float, float]) -> Frame:
    view = read_camera(camera)
    if view is not None:
        return Frame(**view, width=size[0], height=size[1])
    box = opening_box([row.place for row in half.rows])
    return Frame.around(box or (-180.0, -60.0, 180.0, 75.0), *size)


def _hidden(session: Session, half: Half) -> set[int]:
    """Areas with so few cases that their figure may tell of a person; levels are published as they are."""
    if half.areas.measure.scale == "levels":
        return set()
    counted = values(session, replace(half.selection, metric="cases"), half.shown).values
    return {unit for unit, cases in counted.items() if 0 < cases < FEWEST}


def _areas(session: Session, half: Half, frame: Frame, hidden: Set[int]) -> Areas:
    release = choice_of(session, half.selection).release
    coverage = context().tiles.coverage(session, min(12, max(4, round(frame.zoom) + 1)), release)
    shown = [row.place.id for row in half.rows]
    kept = np.isin(coverage.ids, shown)
    ids = coverage.ids[kept].tolist()
    figures = [None if unit in hidden else half.areas.found.values.get(unit) for unit in ids]
    return Areas(
        ids=ids,
        names=coverage.names[kept].tolist(),
        shapes=coverage.shapes[kept],
        points=coverage.points[kept],
        fills=[_fill(half.areas, value) for value in figures],
        symbols=[None if value is None else half.areas.symbols.get(int(value)) for value in figures],
        hatches=[_hatch(half.areas, value) for value in figures],
        synthetic=any(row.place.synthetic for row in half.rows),
    )


def _fill(areas: Coloured, value: float | None) -> str | None:
    """As the map component reads `stops`: equal values, or the last lower end not above the value."""
    if value is None:
        return None
    if areas.scale == "match":
        return next((str(colour) for stop, colour in areas.stops if stop == value), None)
    return next(
        (str(colour) for low, colour in reversed(areas.stops) if value >= low), str(areas.stops[0][1])
    )


def _hatch(areas: Coloured, value: float | None) -> Hatch | None:
    if value is None:
        return "unknown"
    if areas.measure.scale != "levels" or Level(int(value)) not in HATCHED_IN_PRINT:
        return None
    return "highest" if value == Level.RAT_CAO else "high"


# --- words -------------------------------------------------------------------------------------------------


def _title(half: Half, *, split: bool) -> str:
    measure = measure_title(half.areas, half.selection, half.shown, former=half.selection.release is not None)
    if split and half.selection.compare and half.selection.compare.by == "disease":
        return measure
    return f"{_disease(half.selection)} · {measure}"


def _city() -> str:
    return context().settings.deployment.title[current_locale()]


def _disease(selection: Selection) -> str:
    return disease_name(selection.disease) if selection.disease else _("Tất cả các bệnh")


def _subtitles(session: Session, half: Half) -> list[str]:
    plain = {"first", "last", "days", "on"}
    filters = [
        chip.text
        for chip in held_filters(session, half.selection, half.shown)
        if not plain & set(chip.without)
    ]
    return [
        f"{_period(half)}; {_known(session, half)}",
        *([_("Bộ lọc: {filters}", filters="; ".join(filters))] if filters else []),
    ]


def _period(half: Half) -> str:
    first, last = half.selection.period(half.shown)
    if half.areas.measure.days == "last":
        return _("Ngày {day}", day=last)
    return _("Từ {first} đến {last}", first=first, last=last)


def _known(session: Session, half: Half) -> str:
    if half.shown.as_of is not None:
        return _("như đã biết cuối ngày {day}", day=half.shown.today)
    until = data_until(session)
    return _("như đã biết lúc {moment}", moment=moment(until)) if until else _("chưa có số liệu")


def _caption(session: Session, half: Half) -> str:
    return f"{_disease(half.selection)} · {_period(half)}; {_known(session, half)}"


def _legends(
    halves: Sequence[Half], marks: Sequence[LegendRow], *, few: bool, numbers: bool
) -> list[tuple[str, list[LegendRow]]]:
    """One list for all panes where their classes are the same."""
    titles = [
        measure_title(half.areas, half.selection, half.shown, former=half.selection.release is not None)
        for half in halves
    ]
    unknown = any(half.areas.unknown for half in halves)
    lists = [_legend_rows(half.areas, numbers=numbers, few=few, unknown=unknown) for half in halves]
    if len(halves) == 1 or (titles[0] == titles[1] and lists[0] == lists[1]):
        found = [(titles[0], lists[0])]
    else:
        found = [(f"{_('Trái')}: {titles[0]}", lists[0]), (f"{_('Phải')}: {titles[1]}", lists[1])]
    return [*found, *([(_("Lớp phủ"), list(marks))] if marks else [])]


def _legend_rows(areas: Coloured, *, numbers: bool, few: bool, unknown: bool) -> list[LegendRow]:
    """High to low; `numbers`: of areas in each."""
    rows = [
        LegendRow(
            label=_words(swatch),
            fill=swatch.colour,
            symbol=swatch.symbol,
            hatch=_hatch(areas, float(stop[0])) if areas.measure.scale == "levels" else None,
            number=count(swatch.areas) if numbers else "",
        )
        for swatch, stop in zip(reversed(areas.swatches), reversed(areas.stops), strict=True)
    ]
    if unknown or few:
        number = count(areas.unknown) if numbers else ""
        label = _("Chưa rõ, hoặc dưới {n} ca", n=FEWEST) if few else _("Chưa rõ")
        rows.append(LegendRow(label=label, fill=None, hatch="unknown", number=number))
    return rows


def _words(swatch: Swatch) -> str:
    """Without the symbol, which the sheet draws."""
    return swatch.label.removeprefix(swatch.symbol or "").strip()


def _foot(session: Session, half: Half) -> list[str]:
    synthetic = any(row.place.synthetic for row in half.rows)
    lines = [f"{_('Số liệu: {place}.', place=_city())} {_boundaries(session)}".strip()]
    if synthetic:
        lines.append(_("Ranh giới mô phỏng: hình các xã, phường là hình dựng, vị trí gần đúng."))
    at = half.areas.found.as_at
    lines.append(
        _(
            "Tính đến {as_at}; số liệu đến {until}; vẽ lúc {drawn} bằng Canh Dịch.",
            as_at=moment(at), until=moment(data_until(session)), drawn=moment(local(now(session))),
        )
    )  # fmt: skip
    return lines


def _boundaries(session: Session) -> str:
    """Where the boundaries are from, and the licences their names tell of."""
    real = session.scalars(select(Boundary.source).where(Boundary.synthetic.is_(False)).distinct()).all()
    if not real:
        return ""
    names = sorted(set(real))[:3]
    known = sorted({licence for name in real for word, licence in LICENCES.items() if word in name.lower()})
    said = _("Ranh giới: {files}.", files=", ".join(names))
    return " ".join([said, *(f"{licence}." for licence in known)])


# --- what lies over the areas ------------------------------------------------------------------------------


class _Overlays:
    """Marks, legend rows and notes of the layers on show, bottom to top."""

    def __init__(self, session: Session, half: Half, reader: Reader, frame: Frame) -> None:
        self.marks: list[Mark] = []
        self.legend: list[LegendRow] = []
        self.notes: list[str] = []
        for layer in () if reader.public else on_show(half.selection):
            marks, rows = self._drawn(session, half, reader, frame, layer)
            self.marks += marks
            self.legend += rows

    def _drawn(self, session: Session, half: Half, reader: Reader, frame: Frame, layer: Layer) -> Drawn:
        own = overlays.overlay_id(layer.id)
        if own is not None and reader.id is not None:
            return _brought(overlays.readable(session, own, reader.id), layer.opacity / 100)
        if layer.id in PICTURES:
            return PICTURES[layer.id](session, half, reader, frame, layer.opacity / 100)
        if layer.id in layers.OVERLAYS:
            self.notes.append(_("Ảnh này không vẽ lớp “{layer}”.", layer=str(layers.OVERLAYS[layer.id].name)))
        return [], []


Drawn = tuple[list[Mark], list[LegendRow]]
Draw = Callable[[Session, Half, Reader, Frame, float], Drawn]


def _outbreaks(session: Session, half: Half, reader: Reader, frame: Frame, opacity: float) -> Drawn:
    """Outlines, or from afar rings, as the screen has them."""
    row = LegendRow(label=_("Ổ dịch chưa đóng"), fill=INK["light"], look="line")
    if frame.zoom < RINGS_ZOOM:
        return [], []
    near = frame.zoom >= DETAILED_ZOOM
    found = outlines(
        session,
        area_ids=reader.areas,
        as_of=half.shown.as_of,
        statuses=LIVING,
        disease=half.selection.disease,
    )
    radius = float(np.interp(frame.zoom, [8, 11], [2.5, 5]))
    marks = [
        Mark(
            kind="outbreak",
            shape=projected(outline.shape if near else outline.point),
            look="line" if near else "ring",
            colour=INK["light"],
            opacity=opacity,
            radius=radius,
        )
        for outline in found
    ]
    return marks, [row if near else LegendRow(label=row.label, fill=row.fill, look="ring")]


def _brought(overlay: UserOverlay | None, opacity: float) -> Drawn:
    """A layer of the reader's own, or one a colleague shares."""
    if overlay is None:
        return [], []
    shapes = [each["geometry"] for each in overlay.content["features"]]
    marks = [
        Mark(
            kind="brought",
            shape=projected(shape),
            look=overlays.look_of(shape),
            colour=overlay.colour,
            opacity=opacity,
        )
        for shape in shapes
    ]
    return marks, [LegendRow(label=overlay.name, fill=overlay.colour, look=overlays.look_of(shapes[0]))]


def projected(geometry: Mapping[str, Any]) -> shapely.Geometry:
    """GeoJSON in degrees → EPSG:3857."""
    return shapely.transform(shapely.from_geojson(json.dumps(geometry)), mercator)


def _cases(
    session: Session, half: Half, reader: Reader, frame: Frame, opacity: float, *, verified: bool = False
) -> Drawn:
    marks, rows, places = case_marks(
        session, half.selection, half.shown, reader.singly, frame, opacity, verified=verified
    )
    if places:
        record_access(session, reader.id, "map.picture", {"places": places}, now(session))
    return marks, rows


PICTURES: dict[str, Draw] = {
    "outbreaks": _outbreaks,
    "cases": _cases,
    "verified": partial(_cases, verified=True),
}
"""How a layer is drawn on a sheet, by its id."""


def window(width: int | None, height: int | None) -> tuple[float, float]:
    """A window's size as a URL gives it, within what is drawn."""

    def within(number: int | None, usual: int) -> float:
        return float(min(LARGEST, max(SMALLEST, number or usual)))

    return within(width, USUAL[0]), within(height, USUAL[1])
