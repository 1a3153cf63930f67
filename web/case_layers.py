"""The chosen cases on the map component: hexagons from afar, single cases with their uncertainty near by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from accounts.models import Role
from alerts.levels import Theme
from i18n import Message
from surveillance.case_cells import FEWEST
from web.case_tiles import LAST_ZOOM, SINGLE_FROM, case_selection
from web.context import Moment, context, theme, viewer
from web.epimap import TilesLayer
from web.outbreak_layers import HALO
from web.outbreak_routes import PLACE_READERS
from web.selection import Selection
from web.workbench.legend import OverlayLegend

FONT = "Noto Sans"


@dataclass(frozen=True, slots=True)
class Ink:
    """`few` and `many` colour cells, `mark` single cases, `on_mark` what is written on them and on full cells."""

    few: str
    many: str
    mark: str
    on_mark: str


CASES: Mapping[Theme, Ink] = {
    "light": Ink(few="#d5e3f5", many="#123f7a", mark="#1660b8", on_mark="#ffffff"),
    "dark": Ink(few="#1f3a5a", many="#a9cff8", mark="#6fb1f5", on_mark="#0b1722"),
}
VERIFIED: Mapping[Theme, Ink] = {
    "light": Ink(few="#d3ece4", many="#075043", mark="#0b7a66", on_mark="#ffffff"),
    "dark": Ink(few="#173f38", many="#93e6cf", mark="#43c7a8", on_mark="#06201a"),
}
"""Hues that no level has."""

TEXT: Mapping[Theme, str] = {"light": "#0f2a43", "dark": "#ffffff"}
CASES_LEGEND = (
    OverlayLegend(label=Message("Số ca trong ô: ít → nhiều"), mark="is-cells"),
    OverlayLegend(label=Message("Ca bệnh; số: ca cùng một điểm"), mark="is-case"),
    OverlayLegend(label=Message("Vùng ca có thể ở (sai số vị trí)"), mark="is-halo"),
    OverlayLegend(label=Message("Ca chỉ biết xã, phường"), mark="is-commune"),
)
VERIFIED_LEGEND = (
    OverlayLegend(label=Message("Ca đã xác minh trong ô: ít → nhiều"), mark="is-cells is-verified"),
    OverlayLegend(label=Message("Ca phường, xã đã xác minh đúng bệnh"), mark="is-case is-verified"),
)
CASES_HINT = Message(
    "Nhìn từ xa là số ca trong ô lục giác; phóng to thấy từng ca. Ở nơi bạn không được xem từng ca, ô dưới {n} ca"
    " không hiện.",
    n=str(FEWEST),
)
VERIFIED_HINT = Message("Chỉ những ca phường, xã đã tìm gặp và đúng bệnh (kết quả xác minh số 8).")


def cases_overlay(session: Session, selection: Selection, _shown: Moment) -> list[TilesLayer]:
    return [_overlay(session, selection, verified=False)]


def verified_overlay(session: Session, selection: Selection, _shown: Moment) -> list[TilesLayer]:
    return [_overlay(session, replace(selection, status="verified"), verified=True)]


def _overlay(session: Session, selection: Selection, *, verified: bool) -> TilesLayer:
    version = context().columns.version(session)
    return case_layer(theme(), selection.query(), version, viewer().role, verified=verified)


def case_layer(
    theme: Theme, selection_query: str, version: str, role: Role, *, verified: bool = False
) -> TilesLayer:
    """Tiles of the cases that `selection_query` chooses, as `version` of the data has them."""
    name, ink = ("verified", VERIFIED[theme]) if verified else ("cases", CASES[theme])
    query = case_selection(selection_query).query()
    parts = [*_cells(name, ink, theme), _communes(name, ink, theme)]
    if role in PLACE_READERS:
        parts += _single(name, ink, theme)
    return {
        "id": name,
        "kind": "tiles",
        "tiles": f"/t/cases/{{z}}/{{x}}/{{y}}?{query}{'&' if query else ''}v={version}",
        "minzoom": 5,
        "maxzoom": LAST_ZOOM,
        "tooltipField": "text",
        "styleLayers": parts,
    }


def _cells(name: str, ink: Ink, theme: Theme) -> list[dict[str, Any]]:
    root = ["sqrt", ["get", "share"]]
    cells = {"source-layer": "cells"}
    return [
        {**cells, "id": f"{name}-cells", "type": "fill",
         "paint": {"fill-color": ["interpolate", ["linear"], root, 0, ink.few, 1, ink.many], "fill-opacity": 0.85,
                   "fill-antialias": False}},
        {**cells, "id": f"{name}-cell-edges", "type": "line",
         "paint": {"line-color": HALO[theme], "line-width": 0.8, "line-opacity": 0.7}},
        {"source-layer": "cell_labels", "id": f"{name}-cell-labels", "type": "symbol",
         "layout": {"text-field": ["to-string", ["get", "n"]], "text-font": [FONT], "text-size": 11.5},
         "paint": {"text-color": TEXT[theme], "text-halo-color": HALO[theme], "text-halo-width": 1.3}},
    ]  # fmt: skip


def _communes(name: str, ink: Ink, theme: Theme) -> dict[str, Any]:
    """A square with their number: no house, wherever its point may lie."""
    return {
        "source-layer": "communes", "id": f"{name}-communes", "type": "symbol", "minzoom": 11,
        "layout": {"icon-image": "shape-square", "icon-size": 0.8, "icon-allow-overlap": True,
                   "text-field": ["to-string", ["get", "n"]], "text-font": [FONT], "text-size": 10.5,
                   "text-allow-overlap": True},
        "paint": {"icon-color": HALO[theme], "icon-halo-color": ink.mark, "icon-halo-width": 2,
                  "text-color": TEXT[theme]},
    }  # fmt: skip


def _single(name: str, ink: Ink, theme: Theme) -> list[dict[str, Any]]:
    """Halos grow with the ground, cases do not."""
    cases = {"source-layer": "cases", "minzoom": SINGLE_FROM}
    ground = [
        "interpolate",
        ["exponential", 2],
        ["zoom"],
        SINGLE_FROM,
        ["get", "r"],
        22,
        ["*", 1024, ["get", "r"]],
    ]
    size = ["min", 12, ["+", 3, ["*", 1.4, ["sqrt", ["get", "n"]]]]]
    return [
        {**cases, "id": f"{name}-halos", "type": "circle", "filter": [">", ["get", "r"], 0],
         "paint": {"circle-radius": ground, "circle-color": ink.mark, "circle-opacity": 0.08,
                   "circle-stroke-color": ink.mark, "circle-stroke-width": 0.7, "circle-stroke-opacity": 0.35}},
        {**cases, "id": f"{name}-points", "type": "circle",
         "paint": {"circle-radius": ["interpolate", ["linear"], ["zoom"], 12, size, 16, ["*", 1.6, size]],
                   "circle-color": ink.mark, "circle-opacity": 0.9, "circle-stroke-color": HALO[theme],
                   "circle-stroke-width": 1.2}},
        {**cases, "id": f"{name}-point-labels", "type": "symbol", "minzoom": 13, "filter": [">", ["get", "n"], 1],
         "layout": {"text-field": ["to-string", ["get", "n"]], "text-font": [FONT], "text-size": 10.5},
         "paint": {"text-color": ink.on_mark}},
    ]  # fmt: skip
