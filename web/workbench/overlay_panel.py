"""The list of layers that people bring: add, show, colour, name for the pointer, share, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update

from accounts.models import UserOverlay
from i18n import Message, _
from web.context import context, open_session, viewer
from web.formats import count
from web.selection import Layer, Selection
from web.workbench import layers, overlays
from web.workbench.overlay_files import MOST_BYTES, MOST_FEATURES, OverlayError


def layout() -> list[Any]:
    return [
        html.P(
            _(
                "GeoJSON, GeoPackage hoặc Shapefile nén .zip; tối đa {mb} MB, {n} hình.",
                mb=MOST_BYTES >> 20,
                n=count(MOST_FEATURES),
            ),
            className="dim tools-hint",
        ),
        dcc.Upload(
            html.Button(_("Chọn tệp…"), className="button tools-wide", type="button"),
            id="tools-overlay-file",
            max_size=MOST_BYTES,
            accept=".geojson,.json,.gpkg,.zip",
        ),
        html.Div(id="tools-overlay-said", className="tools-answer", role="status"),
        html.Ul(id="tools-overlay-list", className="tools-list"),
        dcc.Store(id="tools-overlay-added"),
    ]


def register(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("tools", "upload"),
        Output("tools-overlay-said", "children"),
        Output("tools-overlay-added", "data"),
        Input("tools-overlay-file", "contents"),
        State("tools-overlay-file", "filename"),
        prevent_initial_call=True,
    )
    app.callback(
        Output("tools-overlay-list", "children"),
        Output("tools-overlay-said", "children", allow_duplicate=True),
        Input("tools-overlay-added", "data"),
        Input("map-ground", "data"),
        Input({"type": "tools-overlay", "do": ALL, "id": ALL}, "n_clicks"),
        Input({"type": "tools-overlay-label", "id": ALL}, "value"),
        Input({"type": "tools-overlay-colour", "id": ALL}, "value"),
        prevent_initial_call="initial_duplicate",
    )(change_overlays)


def change_overlays(
    _added: Any, ground: str | None, _acts: Any, _labels: Any, _colours: Any
) -> tuple[Any, Any]:
    """Does what was pressed, then lists the layers anew."""
    who, said = viewer().id, no_update
    cause, value = ctx.triggered_id, ctx.triggered[0]["value"] if ctx.triggered else None
    shown = {layer.id: layer for layer in Selection.parse(ground, context().diseases).layers or ()}
    with open_session() as session:
        if isinstance(cause, dict):
            if not value or not _changes(overlays.readable(session, cause["id"], who), cause["type"], value):
                return no_update, no_update
            try:
                said = _act(overlays.own(session, cause["id"], who), cause, value)
                session.flush()
            except OverlayError as error:
                return no_update, str(error)
        listed = [_row(each, name, who, shown) for each, name in overlays.overlays_for(session, who)]
    return listed or [html.Li(_("Chưa có lớp nào."), className="dim")], said


def _changes(overlay: UserOverlay | None, kind: str, value: Any) -> bool:
    """False for a field that only came onto the page."""
    kept = {"tools-overlay-label": "label", "tools-overlay-colour": "colour"}
    return kind not in kept or overlay is None or getattr(overlay, kept[kind]) != value


def _act(overlay: UserOverlay, cause: dict[str, Any], value: Any) -> Any:
    kind = cause["type"]
    if kind == "tools-overlay-label":
        overlay.label = value
        return no_update
    if kind == "tools-overlay-colour":
        if value in overlays.COLOURS:
            overlay.colour = value
        return no_update
    if cause["do"] == "share":
        overlay.shared = not overlay.shared
        return _("Đồng nghiệp đã thấy lớp này.") if overlay.shared else _("Chỉ bạn thấy lớp này.")
    overlays.delete(overlay)
    return _("Đã xóa lớp “{name}”.", name=overlay.name)


def _row(overlay: UserOverlay, owner: str, who: int, shown: dict[str, Layer]) -> html.Li:
    name, mine = f"{overlays.PREFIX}{overlay.id}", overlay.owner_id == who
    layer = shown.get(name)
    whose = _("của {name}", name=owner) if not mine else _("chia sẻ") if overlay.shared else _("chỉ bạn thấy")
    return html.Li(
        [
            layers.switch(name, overlay.name, layer is not None),
            html.Span(className="tools-swatch", style={"--swatch": overlay.colour}),
            html.Span(_("{n} hình · {whose}", n=count(overlay.features), whose=whose), className="dim"),
            *([layers.opacity(layer, _("Độ đậm của lớp"))] if layer else []),
            *(_owner_acts(overlay) if mine else []),
        ]
    )


def _owner_acts(overlay: UserOverlay) -> Sequence[Any]:
    columns = overlays.columns_of(overlay)
    share = _("Thôi chia sẻ") if overlay.shared else _("Chia sẻ")
    notes = [html.Div(str(Message.from_json(note)), className="dim") for note in overlay.notes]
    label = dmc.Select(
        id={"type": "tools-overlay-label", "id": overlay.id},
        data=columns,
        value=overlay.label,
        size="xs",
        label=_("Chữ khi trỏ vào"),
        comboboxProps={"withinPortal": False},
    )
    colour = dmc.ColorInput(
        id={"type": "tools-overlay-colour", "id": overlay.id},
        value=overlay.colour,
        size="xs",
        label=_("Màu"),
        swatches=list(overlays.COLOURS),
        withPicker=False,
        disallowInput=True,
        popoverProps={"withinPortal": False},
    )
    acts = [
        html.Button(
            text,
            id={"type": "tools-overlay", "do": do, "id": overlay.id},
            className="link-button",
            type="button",
        )
        for do, text in (("share", share), ("delete", _("Xóa")))
    ]
    fields = [*notes, *([label] if columns else []), colour, *acts]
    return [html.Details([html.Summary(_("Sửa")), html.Div(fields, className="tools-acts")])]
