"""The small map of an address: communes to choose from, the candidates by number, and where the case stands now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from alerts.levels import Theme
from geodata.places import boundaries_version, communes_today
from geodata.tiles import MAX_ZOOM
from surveillance.review.detail import CandidateView
from surveillance.review.queue import Waiting
from web.epimap import ChoroplethLayer, GeoJsonLayer
from web.outbreak_layers import CASE, HALO, INK

GROUND: dict[Theme, str] = {"light": "#f6f8fa", "dark": "#1a2128"}
SHADES: dict[Theme, tuple[str, str]] = {"light": ("#1660b8", "#8fb8e6"), "dark": ("#6fb1f5", "#35608f")}
"""The likeliest candidate and the others."""


def ground_layer(session: Session, colours: Theme, *, interactive: bool = True) -> ChoroplethLayer:
    """Every commune, to be clicked unless it only lies under something else."""
    places = communes_today(session)
    return {
        "id": "communes",
        "kind": "choropleth",
        "tiles": f"/t/communes/{{z}}/{{x}}/{{y}}?v={boundaries_version(session)}",
        "minzoom": 4,
        "maxzoom": MAX_ZOOM,
        "sourceLayer": "units",
        "labelLayer": "unit_labels",
        "borderLayer": "unit_borders",
        "scale": "match",
        "stops": [(0, GROUND[colours])],
        "values": {place.id: 0 for place in places},
        "labels": {"field": "name", "minzoom": 10.5},
        "synthetic": any(place.synthetic for place in places),
        "interactive": interactive,
    }


def candidate_layer(found: Sequence[CandidateView], case: Waiting, colours: Theme) -> GeoJsonLayer:
    first, other = SHADES[colours]
    features = [
        feature for number, candidate in enumerate(found, start=1) for feature in _features(candidate, number)
    ]
    if case.lon is not None and case.lat is not None and case.level != "commune":
        features.append(_feature({"type": "Point", "coordinates": [case.lon, case.lat]}, 0, "case", ""))
    return {
        "id": "candidates",
        "kind": "geojson",
        "interactive": False,
        "data": {"type": "FeatureCollection", "features": features},
        "styleLayers": [
            {"id": "candidates-fill", "type": "fill", "filter": _is("area"),
             "paint": {"fill-color": ["case", ["==", ["get", "number"], 1], first, other], "fill-opacity": 0.32}},
            {"id": "candidates-line", "type": "line", "filter": _is("area"),
             "paint": {"line-color": INK[colours], "line-width": ["case", ["==", ["get", "number"], 1], 2.4, 1.2]}},
            {"id": "candidates-mark", "type": "circle", "filter": _is("mark"),
             "paint": {"circle-radius": 12, "circle-color": INK[colours], "circle-stroke-color": HALO[colours],
                       "circle-stroke-width": 1.5}},
            {"id": "candidates-number", "type": "symbol", "filter": _is("mark"),
             "layout": {"text-field": ["get", "text"], "text-font": ["Noto Sans"], "text-size": 13,
                        "text-allow-overlap": True, "text-ignore-placement": True},
             "paint": {"text-color": HALO[colours]}},
            {"id": "candidates-case", "type": "circle", "filter": _is("case"),
             "paint": {"circle-radius": 7, "circle-color": CASE[colours], "circle-stroke-color": HALO[colours],
                       "circle-stroke-width": 2}},
        ],
    }  # fmt: skip


def box_of(found: Sequence[CandidateView], case: Waiting) -> tuple[float, float, float, float] | None:
    """Around the candidates and the case; None when nothing is known of either."""
    boxes = [candidate.bounds for candidate in found if candidate.bounds]
    if case.lon is not None and case.lat is not None:
        boxes.append((case.lon - 0.01, case.lat - 0.01, case.lon + 0.01, case.lat + 0.01))
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return min(west), min(south), max(east), max(north)


def _features(candidate: CandidateView, number: int) -> list[dict[str, Any]]:
    if candidate.shape is None or candidate.point is None:
        return []
    point = {"type": "Point", "coordinates": [round(part, 5) for part in candidate.point]}
    return [
        _feature(candidate.shape, number, "area", candidate.name),
        _feature(point, number, "mark", str(number)),
    ]


def _feature(geometry: dict[str, Any], number: int, kind: str, words: str) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": geometry,
        "properties": {"kind": kind, "number": number, "text": words},
    }


def _is(kind: str) -> list[Any]:
    return ["==", ["get", "kind"], kind]
