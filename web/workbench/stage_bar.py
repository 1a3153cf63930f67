"""The bar over the map: which view, area by hand, and the other half of a split view."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from i18n import _
from web.context import context, disease_name
from web.formats import aria, icon
from web.markup import Later
from web.selection import Selection
from web.workbench.tools import map_tools


def layout(selection: Selection) -> html.Div:
    return html.Div(
        [
            html.Button(
                [icon("filter"), _("Bộ lọc")],
                id="map-filters-toggle",
                className="button is-compact only-narrow",
                type="button",
                **aria(expanded="false"),
            ),
            dmc.SegmentedControl(
                id="map-view",
                data=[
                    {"value": "map", "label": _("Bản đồ")},
                    {"value": "table", "label": _("Bảng")},
                    {"value": "charts", "label": _("Biểu đồ")},
                    {"value": "places", "label": _("Từng nơi")},
                    {"value": "cases", "label": _("Ca bệnh")},
                ],
                value=selection.view,
                size="xs",
                className="stage-views",
            ),
            html.Div(
                [
                    _tool("draw-lasso", "lasso", _("Khoanh vùng bằng tay")),
                    _tool("draw-circle", "circle-dashed", _("Chọn vùng theo bán kính")),
                    _compare(selection),
                    map_tools(selection),
                ],
                className="stage-tools",
                role="group",
                **aria(label=_("Công cụ bản đồ")),
            ),
            dcc.Store(id="map-area"),
        ],
        className="stage-bar",
    )


def register(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("map", "draw"),
        Output("map", "draw"),
        Input("draw-lasso", "n_clicks"),
        Input("draw-circle", "n_clicks"),
        State("map", "draw"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("map", "drawn"),
        Output("map-area", "data", allow_duplicate=True),
        Input("map", "drawn"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("map", "area"), Output("map", "area"), Input("map-area", "data")
    )


def _tool(name: str, picture: str, text: str) -> html.Button:
    return html.Button(
        icon(picture), id=name, className="icon-button", type="button", title=text, **aria(label=text)
    )


def _compare(selection: Selection) -> dmc.Popover:
    by = selection.compare.by if selection.compare else "none"
    value = selection.compare.value if selection.compare else None
    diseases = [{"value": code, "label": disease_name(code)} for code in context().diseases]
    text = _("So sánh hai nửa bản đồ")
    body: list[Any] = [
        html.Div(text, className="popover-title"),
        dmc.RadioGroup(
            dmc.Stack(
                [
                    dmc.Radio(label=label, value=name)
                    for name, label in (
                        ("none", _("Không so sánh")),
                        ("to", _("Với một kỳ khác")),
                        ("on", _("Với điều đã biết một ngày khác")),
                        ("disease", _("Với một bệnh khác")),
                    )
                ],
                gap="xs",
            ),
            id="map-compare-by",
            value=by,
        ),
        dmc.DatePickerInput(
            id="map-compare-day",
            label=_("Ngày cuối kỳ, hoặc ngày đã biết"),
            valueFormat="DD/MM/YYYY",
            value=value if by in ("on", "to") else None,
            clearable=True,
            popoverProps={"withinPortal": False},
        ),
        dmc.Select(
            id="map-compare-disease",
            label=_("Bệnh kia"),
            data=diseases,
            value=value if by == "disease" else None,
            comboboxProps={"withinPortal": False},
        ),
    ]
    return dmc.Popover(
        [
            dmc.PopoverTarget(_tool("map-compare", "columns-2", text)),
            dmc.PopoverDropdown(Later(html.Div(body, className="popover-fields"))),
        ],
        position="bottom-end",
        width=300,
        keepMounted=True,
        withRoles=False,
        trapFocus=True,
        shadow="md",
    )
