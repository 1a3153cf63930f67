"""What the colours, symbols and lines of the map mean, from when they are, and where the method is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dash import html

from alerts.levels import UNKNOWN, Level, slug
from i18n import Message, _
from web.context import Moment
from web.formats import count, moment
from web.pages.help_topics import TOPICS
from web.selection import Selection
from web.workbench.choropleth import Coloured, Swatch
from web.workbench.reading import Measure

METHODS_AT = "/help"


@dataclass(frozen=True, kw_only=True)
class OverlayLegend:
    """What an overlay layer adds to the legend: a mark (a CSS class of `.legend-swatch`, or a colour) and its words."""

    label: Message
    mark: str = "is-outline"
    colour: str | None = None
    symbol: str | None = None


def legend(
    areas: Coloured,
    selection: Selection,
    shown: Moment,
    overlays: Sequence[OverlayLegend] = (),
    *,
    former: bool = False,
) -> list[Any]:
    """Rows of `#map-legend`, high to low as the eye reads a column. `former`: units of an older release."""
    measure = areas.measure
    rows = [_row(swatch, areas) for swatch in reversed(areas.swatches)]
    return [
        html.Details(
            [
                html.Summary(
                    [html.Span(title(areas, selection, shown, former=former), className="legend-title")],
                    className="legend-head",
                ),
                html.Div(
                    [
                        *rows,
                        *_unknown_row(areas),
                        *[overlay_row(each) for each in overlays],
                        html.Div(
                            [
                                html.Span(_("Tính đến {moment}", moment=moment(areas.found.as_at))),
                                method_link(measure),
                            ],
                            className="legend-foot dim",
                        ),
                        *[
                            html.Div(str(said), className="legend-note", role="status")
                            for said in _notes(areas)
                        ],
                    ],
                    className="legend-body",
                ),
            ],
            open=True,
            className="legend",
        )
    ]


def title(areas: Coloured, selection: Selection, shown: Moment, *, former: bool = False) -> str:
    """ "Ca trên 100.000 dân, 28 ngày"; units stand in the title where the name does not say them."""
    measure = areas.measure
    if measure.scale == "levels":
        return _("Mức nguy cơ hiện nay của nơi đã nhận") if former else str(measure.name)
    said = str(measure.name)
    if measure.scale != "categories" and measure.key not in ("cases", "rate", "rt"):
        said += f" ({measure.unit})"
    if measure.days == "last":
        return said
    first, last = selection.period(shown)
    return _("{measure}, {days} ngày", measure=said, days=(last - first).days + 1)


def _notes(areas: Coloured) -> list[Message]:
    problem = areas.classes.problem if areas.classes else None
    return [*([problem] if problem else []), *areas.found.notes]


def _row(swatch: Swatch, areas: Coloured) -> html.Div:
    style = {"--swatch": swatch.colour}
    level = (
        Level(int(areas.stops[areas.swatches.index(swatch)][0])) if areas.measure.scale == "levels" else None
    )
    words = swatch.label
    if swatch.symbol and level is None:
        words = f"{swatch.symbol} {words}"
    mark = (
        html.Span(className=f"legend-swatch level-{slug(level)}")
        if level is not None
        else html.Span(className="legend-swatch", style=style)
    )
    return _line(mark, words, swatch.areas)


def _unknown_row(areas: Coloured) -> list[html.Div]:
    mark = html.Span(className=f"legend-swatch level-{UNKNOWN}")
    return [_line(mark, _("? Chưa rõ"), areas.unknown)] if areas.unknown else []


def _line(mark: Any, words: str, areas: int) -> html.Div:
    number = html.Span(
        count(areas), className="legend-count num dim", title=_("{n} xã, phường", n=count(areas))
    )
    return html.Div([mark, html.Span(words, className="legend-words"), number], className="legend-row")


def overlay_row(overlay: OverlayLegend) -> html.Div:
    style = {"--swatch": overlay.colour} if overlay.colour else {}
    mark = html.Span(overlay.symbol or "", className=f"legend-swatch {overlay.mark}", style=style)
    return html.Div([mark, str(overlay.label)], className="legend-row is-overlay")


def method_link(measure: Measure) -> html.A:
    """To the method's topic; to the measure's own words where it has none."""
    anchor = measure.page if measure.page in TOPICS else f"measure-{measure.key}"
    return html.A(_("Cách tính"), href=f"{METHODS_AT}#{anchor}", title=str(measure.says), className="link")
