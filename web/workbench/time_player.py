"""The two clocks: when people fell ill, and until when we look at what was known. assets/time.js plays them."""

from __future__ import annotations

from datetime import date
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, html

from i18n import _, show_date
from web.formats import aria, icon
from web.selection import Selection

DAYS_BACK = 730
"""How far the clocks reach back; a farther day is chosen by its date."""


def layout(selection: Selection, today: date) -> html.Div:
    return html.Div(
        [
            html.Div(
                [
                    html.Span(_("Mắc bệnh đến"), className="clock-name"),
                    _button("time-back", "player-track-prev", _("Lùi một bước (phím phẩy)")),
                    _button("time-play", "player-play", _("Chạy theo thời gian (phím P)")),
                    _button("time-forward", "player-track-next", _("Tiến một bước (phím chấm)")),
                    _slider("time-last", _back(selection.last, today), _("Ngày cuối của kỳ mắc bệnh")),
                    html.Output(
                        show_date(selection.last or today), id="time-last-text", className="clock-day num"
                    ),
                    dmc.Select(
                        id="time-speed",
                        data=[{"value": str(n), "label": f"{n}×"} for n in (1, 2, 4, 8)],
                        value="2",
                        allowDeselect=False,
                        size="xs",
                        w=64,
                        className="only-desktop",
                        **aria(label=_("Tốc độ chạy")),
                    ),
                ],
                className="clock",
            ),
            html.Div(
                [
                    html.Span(_("Đã biết đến"), className="clock-name"),
                    _button("time-known-play", "player-play", _("Chạy theo ngày đã biết")),
                    _slider("time-on", _back(selection.on, today), _("Xem những gì đã biết đến cuối ngày")),
                    html.Output(id="time-known-text", className="clock-day num"),
                    dmc.DatePickerInput(
                        id="time-on-day",
                        value=selection.on.isoformat() if selection.on else None,
                        placeholder=_("hôm nay"),
                        valueFormat="DD/MM/YYYY",
                        maxDate=today.isoformat(),
                        clearable=True,
                        size="xs",
                        w=128,
                        **aria(label=_("Ngày đã biết")),
                    ),
                ],
                className="clock is-known",
            ),
            html.Div(id="time-status", className="visually-hidden", role="status"),
        ],
        id="time-player",
        className="time-player",
        role="group",
        **_data(today),
        **aria(label=_("Hai đồng hồ: ngày mắc bệnh và ngày đã biết")),
    )


def register(app: Dash) -> None:
    for clock, button in (("event", "time-play"), ("known", "time-known-play")):
        app.clientside_callback(
            ClientsideFunction("time", f"play_{clock}"),
            Output(button, "id"),
            Input(button, "n_clicks"),
            State("map-query", "data"),
            State("map-today", "data"),
            State("time-speed", "value"),
            prevent_initial_call=True,
        )
    app.clientside_callback(
        ClientsideFunction("time", "move"),
        Output("time-last", "value", allow_duplicate=True),
        Input("time-back", "n_clicks"),
        Input("time-forward", "n_clicks"),
        State("time-last", "value"),
        State("map-query", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("time", "labels"),
        Output("time-last-text", "children"),
        Input("time-last", "value"),
        Input("time-on", "value"),
        State("map-today", "data"),
    )


def _data(today: date) -> dict[str, Any]:
    return {"data-today": today.isoformat()}


def _back(day: date | None, today: date) -> int:
    """Days from `today`, as the clock shows them."""
    return 0 if day is None else max(-DAYS_BACK, min(0, (day - today).days))


def _slider(name: str, value: int, text: str) -> dmc.Slider:
    return dmc.Slider(
        id=name,
        value=value,
        min=-DAYS_BACK,
        max=0,
        step=1,
        size="sm",
        updatemode="mouseup",
        label={"function": "dayBack"},
        className="clock-slider",
        thumbLabel=text,
    )


def _button(name: str, picture: str, text: str) -> Any:
    return html.Button(
        icon(picture),
        id=name,
        className="icon-button is-small",
        type="button",
        title=text,
        **aria(label=text),
    )
