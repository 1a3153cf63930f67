"""The outbreaks of a list on the map beside it: each a disc with the colour and mark of its state, near its outline."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from alerts.levels import Theme
from i18n import Message
from surveillance.outbreaks.lifecycle import NAMES, Status
from web.epimap import GeoJsonLayer
from web.outbreak_layers import DETAILED_ZOOM, HALO, INK, data_url
from web.workbench.legend import OverlayLegend

LAYER = "outbreaks"
MARKS: Mapping[Status, str] = {
    Status.SUSPECTED: "?",
    Status.CONFIRMED: "!",
    Status.ACTIVE: "»",
    Status.REOPENED: "+",
    Status.MONITORING: "=",
    Status.PROPOSED: "–",
    Status.CLOSED: "×",
}
"""Letters of the map's own font, none of which stands for a level."""
COLOURS: Mapping[Theme, Mapping[Status, str]] = {
    "light": {
        Status.SUSPECTED: "#6b7682", Status.CONFIRMED: "#0f4f9c", Status.ACTIVE: "#c2185b",
        Status.REOPENED: "#3b0a45", Status.MONITORING: "#0b7a75", Status.PROPOSED: "#4d5b00",
        Status.CLOSED: "#6b7682",
    },
    "dark": {
        Status.SUSPECTED: "#c3ccd5", Status.CONFIRMED: "#5aa2f0", Status.ACTIVE: "#f06fa8",
        Status.REOPENED: "#d8c2fb", Status.MONITORING: "#4fd0c0", Status.PROPOSED: "#cfc26a",
        Status.CLOSED: "#c3ccd5",
    },
}  # fmt: skip
"""States that one list shows together are told apart by every eye (tests/test_outbreaks_map.py)."""
_CHOSEN = ["boolean", ["feature-state", "selected"], False]
_POINTS = ["==", ["geometry-type"], "Point"]


def listed_layer(theme: Theme, version: str, **query: Any) -> GeoJsonLayer:
    """`query` as the list has it. What is chosen, or pointed at in the list, has a ring around it."""
    colour = _by_state(COLOURS[theme])
    line = {"type": "line", "minzoom": DETAILED_ZOOM, "layout": {"line-join": "round"}}
    return {
        "id": LAYER,
        "kind": "geojson",
        "data": data_url("/api/outbreaks", version, **query),
        "tooltipField": "text",
        "styleLayers": [
            {"id": "listed-fill", "type": "fill", "minzoom": DETAILED_ZOOM,
             "paint": {"fill-color": colour, "fill-opacity": ["case", _CHOSEN, 0.35, 0.15]}},
            {"id": "listed-casing", **line, "paint": {"line-color": HALO[theme], "line-width": 4}},
            {"id": "listed-line", **line, "paint": {"line-color": colour, "line-width": ["case", _CHOSEN, 3.5, 2]}},
            {"id": "listed-disc", "type": "circle", "filter": _POINTS,
             "paint": {"circle-radius": _by_zoom(6, 9), "circle-color": colour,
                       "circle-stroke-color": HALO[theme], "circle-stroke-width": 1}},
            {"id": "listed-mark", "type": "symbol", "filter": _POINTS,
             "layout": {"text-field": _by_state(MARKS), "text-font": ["Noto Sans"], "text-size": _by_zoom(10, 14),
                        "text-allow-overlap": True, "text-ignore-placement": True},
             "paint": {"text-color": HALO[theme]}},
            {"id": "listed-ring-casing", **_ring(HALO[theme], 6)},
            {"id": "listed-ring", **_ring(INK[theme], 3)},
        ],
    }  # fmt: skip


def states_legend(theme: Theme, states: Collection[Status]) -> list[OverlayLegend]:
    """Those of the states on the list, in the order of an outbreak's life."""
    return [
        OverlayLegend(
            label=Message(NAMES[state]), mark="is-state", colour=COLOURS[theme][state], symbol=MARKS[state]
        )
        for state in MARKS
        if state in states
    ]


def _by_state(values: Mapping[Status, str]) -> list[Any]:
    pairs = [part for state, value in values.items() for part in (state.value, value)]
    return ["match", ["get", "status"], *pairs, values[Status.CLOSED]]


def _by_zoom(far: float, near: float) -> list[Any]:
    return ["interpolate", ["linear"], ["zoom"], 8, far, 11, near]


def _ring(colour: str, width: float) -> dict[str, Any]:
    """Above all discs, for one may lie under its neighbours."""
    paint = {"circle-radius": _by_zoom(8, 12), "circle-opacity": 0, "circle-stroke-color": colour,
             "circle-stroke-width": ["case", _CHOSEN, width, 0]}  # fmt: skip
    return {"type": "circle", "filter": _POINTS, "paint": paint}
