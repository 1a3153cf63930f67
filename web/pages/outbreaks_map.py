"""The map beside the list of outbreaks: what the list shows, and nothing of single cases."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from dash import html
from sqlalchemy.orm import Session

from geodata.places import communes_today
from i18n import _
from surveillance.outbreaks.lifecycle import Status
from surveillance.outbreaks.views import outbreaks_version
from web.context import open_session, theme
from web.epimap import EpiMap
from web.epimap.texts import map_words
from web.formats import aria, count
from web.listed_outbreaks import listed_layer, states_legend
from web.review_layers import ground_layer
from web.workbench.legend import overlay_row
from web.workbench.opening import opening_box


def beside() -> html.Section:
    """Where the screen is narrow a button opens it."""
    with open_session() as session:
        box = opening_box(communes_today(session))
    return html.Section(
        [
            EpiMap(
                id="outbreaks-map",
                layers=[],
                bounds=box,
                padding=52,
                dark=theme() == "dark",
                ariaLabel=_("Bản đồ các ổ dịch trong danh sách. Danh sách bên cạnh có cùng nội dung."),
                className="map-canvas",
                noWebglText=_("Máy này không vẽ được bản đồ. Danh sách có đủ các ổ dịch."),
                **map_words(),
            ),
            html.Div(id="outbreaks-map-note", className="map-notes", **aria(live="polite")),
            html.Div(id="outbreaks-legend", className="map-legend"),
        ],
        id="outbreaks-beside",
        className="outbreaks-beside",
        **aria(label=_("Bản đồ ổ dịch")),
    )


def map_layers(session: Session, **query: Any) -> list[Any]:
    """The communes, and over them the outbreaks of the list with this query."""
    ground = ground_layer(session, theme(), interactive=False)
    return [ground, listed_layer(theme(), outbreaks_version(session), **query)]


def map_note(drawn: int, listed: int, nothing: str) -> html.Span | None:
    """What the map does not show; `nothing` says why the list is empty."""
    if not listed:
        return html.Span(nothing, className="map-badge")
    if drawn < listed:
        words = _("{n} ổ dịch chưa có vị trí trên bản đồ", n=count(listed - drawn))
        return html.Span(words, className="map-badge")
    return None


def legend(states: Collection[Status]) -> list[html.Div]:
    return [overlay_row(row) for row in states_legend(theme(), states)]
