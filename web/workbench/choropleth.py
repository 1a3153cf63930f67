"""The coloured areas: a measure's values cut into classes, as a layer of the map and as rows of its legend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from alerts.levels import COLOURS, SYMBOLS, Level, Theme
from geodata.tiles import MAX_ZOOM
from i18n import _, show_number
from surveillance.types import FloatArray
from web.context import Moment
from web.formats import case_count, count, level_text, percent
from web.map_choice import UnitRow
from web.selection import Selection
from web.workbench.classes import Classes, classify
from web.workbench.measures import measure_of, values, values_on_release
from web.workbench.palettes import CATEGORIES, diverging, sequential
from web.workbench.reading import Measure, MeasureValues


@dataclass(frozen=True, kw_only=True)
class Swatch:
    """One colour of the map: what it stands for, and how many areas have it. `slug` of a level."""

    label: str
    colour: str
    areas: int
    symbol: str | None = None


@dataclass(frozen=True, kw_only=True)
class Coloured:
    """The areas of the map. `swatches` from low to high; `stops` and `scale` as the map component has them; `unknown`
    areas have no value. `classes` None: the scale has none."""

    measure: Measure
    found: MeasureValues
    classes: Classes | None
    swatches: tuple[Swatch, ...]
    unknown: int
    scale: str
    stops: list[list[Any]]
    symbols: Mapping[int, str]


def coloured(
    session: Session,
    selection: Selection,
    shown: Moment,
    rows: Sequence[UnitRow],
    theme: Theme,
    release: date | None = None,
) -> Coloured:
    """The chosen measure of the units in `rows`, which the map draws; `release` None: today's."""
    measure = measure_of(selection.metric)
    if release is None:
        found = values(session, selection, shown)
    else:
        levels = {row.place.id: float(row.level) for row in rows if isinstance(row.level, Level)}
        found = values_on_release(session, selection, shown, release, levels)
    known = np.array([found.values[row.place.id] for row in rows if row.place.id in found.values])
    unknown = len(rows) - known.size
    if measure.scale in ("sequential", "diverging"):
        return _in_classes(measure, found, known, unknown, selection.classes, theme)
    return _by_value(measure, found, known, unknown, theme)


def _in_classes(
    measure: Measure, found: MeasureValues, known: FloatArray, unknown: int, asked: str | None, theme: Theme
) -> Coloured:
    classes = classify(known, asked, measure.usual, zero_apart=measure.zero_apart)
    lows = classes.lows
    colours = (
        diverging(lows, measure.centre, theme)
        if measure.scale == "diverging"
        else sequential(len(lows), theme, with_nothing=classes.nothing)
    )
    rows = zip(class_labels(classes, measure), colours, classes.counts, strict=True)
    return Coloured(
        measure=measure,
        found=found,
        classes=classes,
        swatches=tuple(Swatch(label=label, colour=colour, areas=areas) for label, colour, areas in rows),
        unknown=unknown,
        scale="step",
        stops=[[low, colour] for low, colour in zip(lows, colours, strict=True)],
        symbols={},
    )


def _by_value(
    measure: Measure, found: MeasureValues, known: FloatArray, unknown: int, theme: Theme
) -> Coloured:
    areas = Counter(known.astype(int).tolist())
    categories = measure.scale == "categories"
    kinds = [
        (c.value, str(c.name), CATEGORIES[theme][c.colour], c.symbol) for c in reversed(measure.categories)
    ] or [(int(level), level_text(level), COLOURS[theme][level].fill, SYMBOLS[level]) for level in Level]
    return Coloured(
        measure=measure,
        found=found,
        classes=None,
        swatches=tuple(
            Swatch(label=label, colour=colour, areas=areas[value], symbol=symbol)
            for value, label, colour, symbol in kinds
        ),
        unknown=unknown,
        scale="match",
        stops=sorted([value, colour] for value, _label, colour, _symbol in kinds),
        symbols={
            value: symbol for value, _label, _colour, symbol in kinds if symbol and (categories or value > 1)
        },
    )


def class_labels(classes: Classes, measure: Measure) -> list[str]:
    """ "0", "1–4", "từ 20" of whole numbers; "dưới 0,5", "0,5–0,8", "từ 2" of others."""
    lows, whole = classes.lows, measure.decimals == 0
    found = []
    for i, low in enumerate(lows):
        first = i == (1 if classes.nothing else 0)
        if classes.nothing and i == 0:
            found.append("0")
        elif i + 1 == len(lows):
            found.append(
                _("từ {n}", n=short_number(low))
                if not first
                else _("trên 0")
                if low > 0
                else short_number(low)
            )
        elif first and not whole:
            found.append(_("dưới {n}", n=short_number(lows[i + 1])))
        elif whole and float(low).is_integer() and float(lows[i + 1]).is_integer():
            last = lows[i + 1] - 1
            found.append(short_number(low) if last <= low else f"{short_number(low)}–{short_number(last)}")
        else:
            found.append(f"{short_number(low)}–{short_number(lows[i + 1])}")
    return found


def short_number(number: float) -> str:
    """As many digits as it has, at most three after the point."""
    text = f"{number:.3f}".rstrip("0").rstrip(".")
    return show_number(number, len(text.partition(".")[2]))


def choropleth(
    areas: Coloured, rows: Sequence[UnitRow], *, version: str, release: date | None = None
) -> dict[str, Any]:
    """The layer "communes" of the map component."""
    kept = f"&release={release}" if release else ""
    return {
        "id": "communes",
        "kind": "choropleth",
        "tiles": f"/t/communes/{{z}}/{{x}}/{{y}}?v={version}{kept}",
        "minzoom": 4,
        "maxzoom": MAX_ZOOM,
        "sourceLayer": "units",
        "labelLayer": "unit_labels",
        "borderLayer": "unit_borders",
        "scale": areas.scale,
        "stops": areas.stops,
        "values": {unit: round(value, 4) for unit, value in areas.found.values.items()},
        "symbols": dict(areas.symbols),
        "symbolMinzoom": 9.5,
        "labels": {"field": "name", "minzoom": 11},
        "tooltips": {row.place.id: tooltip(row, areas) for row in rows},
        "synthetic": any(row.place.synthetic for row in rows),
        "interactive": True,
    }


def tooltip(row: UnitRow, areas: Coloured) -> str:
    measure, unit = areas.measure, row.place.id
    lines = [row.place.name]
    if measure.scale != "levels":
        lines.append(f"{measure.name}: {value_text(areas, unit)}")
    lines.append(f"{level_text(row.level)} · {_('{n} ca trong 7 ngày', n=case_count(row.cases_7))}")
    if measure.scale == "levels" and row.rate is not None:
        lines.append(_("{n} ca trên 100.000 dân trong 28 ngày", n=count(row.rate, 1)))
    if row.estimated:
        lines.append(_("{percent} % số ca 28 ngày là ước tính", percent=percent(row.estimated, row.cases_28)))
    return "\n".join(lines)


def value_text(areas: Coloured, unit: int) -> str:
    """The value of a unit in words, with what more there is to say of it."""
    measure, value = areas.measure, areas.found.values.get(unit)
    if value is None:
        return _("chưa rõ")
    if measure.scale == "levels":
        return level_text(Level(int(value)))
    if measure.scale == "categories":
        return next(str(c.name) for c in measure.categories if c.value == value)
    said = [f"{count(value, measure.decimals)} {measure.unit}"]
    if unit in areas.found.words:
        said.append(str(areas.found.words[unit]))
    return ", ".join(said)
