"""What lies over the coloured areas: which layers there are, in which order and how opaque."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
from dash import html
from sqlalchemy.orm import Session

from i18n import Message, _
from surveillance.outbreaks.views import outbreaks_version
from web import case_layers
from web.context import Moment, theme, viewer
from web.formats import aria, icon
from web.outbreak_layers import outline_layer
from web.selection import Layer, Selection, on_show
from web.workbench import cluster_layer, overlays
from web.workbench.legend import OverlayLegend

Build = Callable[[Session, Selection, Moment], list[Any]]


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """`build` makes the map's layers, bottom to top; `hint` says in one line what is drawn; `legend` its marks."""

    name: Message
    hint: Message
    build: Build
    legend: tuple[OverlayLegend, ...] = ()


def _outbreaks(session: Session, selection: Selection, shown: Moment) -> list[Any]:
    on = shown.today.isoformat() if shown.as_of is not None else None
    return [outline_layer(theme(), outbreaks_version(session), disease=selection.disease, on=on)]


OVERLAYS: Mapping[str, Overlay] = {
    "outbreaks": Overlay(
        name=Message("Ổ dịch"),
        hint=Message("Ổ dịch chưa đóng; nhìn từ xa là vòng tròn."),
        build=_outbreaks,
        legend=(OverlayLegend(label=Message("Ổ dịch chưa đóng")),),
    ),
    "clusters": Overlay(
        name=Message("Cụm ca"),
        hint=cluster_layer.HINT,
        build=cluster_layer.clusters_overlay,
        legend=cluster_layer.LEGEND,
    ),
    "cases": Overlay(
        name=Message("Ca bệnh"),
        hint=case_layers.CASES_HINT,
        build=case_layers.cases_overlay,
        legend=case_layers.CASES_LEGEND,
    ),
    "verified": Overlay(
        name=Message("Ca đã xác minh"),
        hint=case_layers.VERIFIED_HINT,
        build=case_layers.verified_overlay,
        legend=case_layers.VERIFIED_LEGEND,
    ),
}


def chosen(selection: Selection) -> tuple[Layer, ...]:
    """Those of the layers on show that are ours, not brought by people; unknown ones are left out."""
    return tuple(layer for layer in on_show(selection) if layer.id in OVERLAYS)


def legends(selection: Selection) -> list[OverlayLegend]:
    """What the layers on show add to the legend, top to bottom."""
    return [mark for layer in reversed(chosen(selection)) for mark in OVERLAYS[layer.id].legend]


def brought(selection: Selection) -> bool:
    """Whether layers on show are people's own."""
    return any(overlays.overlay_id(layer.id) is not None for layer in on_show(selection))


def build(session: Session, selection: Selection, shown: Moment) -> list[Any]:
    """The map's layers over the areas, bottom to top, with those people brought."""
    return [
        {**drawn, "opacity": layer.opacity / 100}
        for layer in on_show(selection)
        for drawn in _drawn(session, layer.id, selection, shown)
    ]


def _drawn(session: Session, name: str, selection: Selection, shown: Moment) -> list[Any]:
    if name in OVERLAYS:
        return OVERLAYS[name].build(session, selection, shown)
    own = overlays.overlay_id(name)
    found = overlays.readable(session, own, viewer().id) if own is not None else None
    return [] if found is None else [overlays.overlay_layer(theme(), found)]


def panel(selection: Selection) -> list[Any]:
    """The list of layers: those on show first, top to bottom, with opacity and order; then the others."""
    on = chosen(selection)[::-1]
    off = [name for name in OVERLAYS if all(layer.id != name for layer in on)]
    return [
        html.H3(_("Lớp phủ"), className="section-title"),
        html.Ul(
            [*[_shown(layer, i, on) for i, layer in enumerate(on)], *[_hidden(name) for name in off]],
            className="layer-list",
        ),
    ]


def _shown(layer: Layer, i: int, on: Sequence[Layer]) -> html.Li:
    name = str(OVERLAYS[layer.id].name)
    return html.Li(
        [
            html.Div(
                [
                    switch(layer.id, name, True),
                    _order("up", layer.id, i > 0),
                    _order("down", layer.id, i < len(on) - 1),
                ],
                className="layer-row",
            ),
            html.Div(str(OVERLAYS[layer.id].hint), className="layer-hint dim"),
            opacity(layer, _("Độ đậm của lớp {name}", name=name)),
        ],
        className="layer-item is-on",
    )


def _hidden(name: str) -> html.Li:
    return html.Li(
        [
            html.Div([switch(name, str(OVERLAYS[name].name), False)], className="layer-row"),
            html.Div(str(OVERLAYS[name].hint), className="layer-hint dim"),
        ],
        className="layer-item",
    )


def switch(layer: str, name: str, on: bool) -> html.Button:
    """Puts a layer on the map or takes it off (assets/map.js)."""
    return html.Button(
        [html.Span(className="layer-switch"), name],
        id={"type": "layer", "do": "toggle", "id": layer},
        className="layer-toggle",
        type="button",
        role="switch",
        **aria(checked="true" if on else "false"),
    )


def opacity(layer: Layer, text: str) -> dmc.Slider:
    return dmc.Slider(
        id={"type": "layer-opacity", "id": layer.id},
        value=layer.opacity,
        min=10,
        max=100,
        step=10,
        size="xs",
        updatemode="mouseup",
        label=None,
        thumbLabel=text,
        className="layer-opacity",
    )


def _order(way: str, name: str, possible: bool) -> html.Button:
    text = _("Đưa lớp lên trên") if way == "up" else _("Đưa lớp xuống dưới")
    return html.Button(
        icon(f"chevron-{way}"),
        id={"type": "layer", "do": way, "id": name},
        className="icon-button is-small",
        type="button",
        title=text,
        disabled=not possible,
        **aria(label=text),
    )
