"""Every commune's curve at once, small. The browser draws, sorts and searches them (assets/workbench-charts.js)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from alerts.levels import Shown, Theme, slug
from geodata.places import Place
from geodata.text import fold
from i18n import _, current_locale
from web.figures import BAR, EXPECTED
from web.formats import aria, level_text
from web.markup import Markup
from web.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallCurve:
    """A commune's weeks, oldest first, and its cases in the period and in the one before."""

    place: Place
    level: Shown
    weeks: Sequence[int]
    cases: int
    before: int


def multiples(
    selection: Selection, curves: Sequence[SmallCurve], inside: tuple[int, int], theme: Theme
) -> html.Div:
    """`inside`: the first and the last position of the weeks that the period touches."""
    return html.Div(
        [
            dcc.Store(id="places-data", data=_data(selection, curves, inside, theme)),
            _controls(),
            html.Div(id="places-count", className="dim places-count", **aria(live="polite")),
            Markup(id="places-grid", className="places-grid"),
        ],
        className="places-view",
    )


def register(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("charts", "places"),
        Output("places-grid", "tree"),
        Output("places-count", "children"),
        Input("places-data", "data"),
        Input("places-sort", "value"),
        Input("places-scale", "value"),
        Input("places-search", "value"),
    )


def _controls() -> html.Div:
    sorts = (
        ("level", _("Mức")),
        ("cases", _("Số ca")),
        ("growth", _("Mức tăng")),
        ("name", _("Tên")),
    )
    scales = (("own", _("Thang riêng từng nơi")), ("same", _("Cùng một thang")))
    return html.Div(
        [
            dmc.TextInput(
                id="places-search",
                placeholder=_("Tìm theo tên"),
                className="places-search",
                **aria(label=_("Tìm xã, phường")),
            ),
            dmc.Select(
                id="places-sort",
                data=[{"value": value, "label": _("Xếp theo: {what}", what=text)} for value, text in sorts],
                value="level",
                allowDeselect=False,
                **aria(label=_("Xếp theo")),
            ),
            dmc.SegmentedControl(
                id="places-scale",
                data=[{"value": value, "label": text} for value, text in scales],
                value="own",
            ),
        ],
        className="places-controls",
    )


def _data(
    selection: Selection, curves: Sequence[SmallCurve], inside: tuple[int, int], theme: Theme
) -> dict[str, Any]:
    """Rows are [id, name, name without accents, level's place in the order, its class and text, cases, cases before,
    weeks]."""
    return {
        "rows": [
            [
                curve.place.id,
                curve.place.name,
                fold(curve.place.name),
                0 if isinstance(curve.level, str) else int(curve.level),
                slug(curve.level),
                level_text(curve.level),
                curve.cases,
                curve.before,
                list(curve.weeks),
            ]
            for curve in curves
        ],
        "inside": list(inside),
        "bar": BAR[theme],
        "period": EXPECTED[theme],
        "href": selection.href(view="map", unit=None),
        "locale": current_locale(),
        "words": {
            "cases": _("{n} ca", n="{n}"),
            "most": _("tuần cao nhất {n}", n="{n}"),
            "count": _("{n} xã, phường", n="{n}"),
            "none": _("Không có xã, phường này"),
            "alt": _(
                "{place}, mức {level}: {n} ca trong kỳ, tuần cao nhất {most} ca",
                place="{place}",
                level="{level}",
                n="{n}",
                most="{most}",
            ),
        },
    }
