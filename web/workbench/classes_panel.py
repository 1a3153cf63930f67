"""Below the choice of the measure: what it says, how its values lie, and how they are cut into classes."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
import numpy as np
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html

from i18n import _
from web.formats import aria, count
from web.selection import Selection
from web.workbench.choropleth import Coloured, short_number
from web.workbench.classes import FEWEST, METHODS, MOST
from web.workbench.legend import method_link

BARS = 28


def layout() -> html.Div:
    return html.Div([dcc.Store(id="map-classes"), html.Div(id="map-measure")], className="measure-panel")


def register(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("classes", "cut"),
        Output("map-classes", "data", allow_duplicate=True),
        Input({"type": "cut", "part": ALL}, "value"),
        State("map-classes", "data"),
        prevent_initial_call=True,
    )


def panel(areas: Coloured, selection: Selection) -> list[Any]:
    """Children of `#map-measure`."""
    says = html.P([str(areas.measure.says), " ", method_link(areas.measure)], className="measure-says dim")
    if areas.classes is None:
        return [says]
    return [says, histogram(areas), *_cut(areas, selection)]


def histogram(areas: Coloured) -> html.Div:
    """How many areas have which value, each bar in the colour of its class, the breaks below."""
    assert areas.classes is not None
    values = np.array(list(areas.found.values.values()))
    lows = areas.classes.lows
    if not values.size:
        return html.Div(_("Chưa có số liệu để vẽ."), className="histogram-empty dim")
    low, high = min(0.0, float(values.min())), float(values.max()) or 1.0
    edges = np.linspace(low, high, BARS + 1)
    heights, _edges = np.histogram(values, edges)
    inside, decimals = [x for x in lows[1:] if low < x <= high], areas.measure.decimals
    text = _("Phân bố: {n} xã, phường, từ {low} đến {high}; các mốc {breaks}",
             n=values.size, low=count(values.min(), decimals), high=count(high, decimals),
             breaks="; ".join(map(short_number, lows[1:])) or "–")  # fmt: skip
    return html.Div(
        [
            html.Div([_bar(areas, *bar) for bar in zip(edges[:-1], edges[1:], heights, strict=True)],
                     className="histogram-bars"),
            html.Div([_mark(x, (x - low) / (high - low)) for x in inside], className="histogram-breaks"),
            html.Div([html.Span(count(x, decimals)) for x in (low, high)], className="histogram-ends num dim"),
        ],
        className="histogram",
        role="img",
        **aria(label=text),
    )  # fmt: skip


def _bar(areas: Coloured, low: float, high: float, height: int) -> html.Span:
    assert areas.classes is not None
    place = max(0, int(np.searchsorted(areas.classes.lows, (low + high) / 2, side="right")) - 1)
    most = max(1, len(areas.found.values))
    share = 100 * (height / most) ** 0.5
    return html.Span(
        style={"height": f"{max(share, 3 if height else 0):.1f}%", "--swatch": areas.stops[place][1]},
        className="histogram-bar",
        title=_(
            "{low}–{high}: {n} xã, phường",
            low=count(low, areas.measure.decimals or 1),
            high=count(high, areas.measure.decimals or 1),
            n=count(height),
        ),
    )


def _mark(value: float, share: float) -> html.Span:
    return html.Span(
        className="histogram-break", style={"left": f"{100 * share:.2f}%"}, title=short_number(value)
    )


def _cut(areas: Coloured, selection: Selection) -> list[Any]:
    classes = areas.classes
    assert classes is not None
    own = classes.cut.method == "breaks"
    options = [{"value": key, "label": str(name)} for key, name in METHODS.items()]
    options.append({"value": "breaks", "label": _("Mốc tự chọn")})
    number = min(max(classes.cut.classes, FEWEST), MOST)
    typed = classes.problem and selection.classes
    ends = classes.cut.breaks or classes.lows[2 if classes.nothing else 1 :]
    breaks = typed.partition(":")[2].replace(",", "; ") if typed else "; ".join(map(short_number, ends))
    return [
        html.Div(
            [
                dmc.Select(
                    id={"type": "cut", "part": "method"},
                    label=_("Cách chia nhóm"),
                    data=options,
                    value=classes.cut.method,
                    allowDeselect=False,
                    size="sm",
                ),
                dmc.Select(
                    id={"type": "cut", "part": "classes"},
                    label=_("Số nhóm"),
                    data=[str(n) for n in range(FEWEST, MOST + 1)],
                    value=str(number),
                    allowDeselect=False,
                    disabled=own,
                    size="sm",
                    w=72,
                ),
            ],
            className="cut-row",
        ),
        dmc.TextInput(
            id={"type": "cut", "part": "breaks"},
            label=_("Các mốc"),
            value=breaks,
            placeholder=_("ví dụ 1; 5; 20"),
            debounce=True,
            size="sm",
            error=str(classes.problem) if classes.problem else None,
            inputWrapperOrder=["label", "input", "error"],
        ),
    ]
