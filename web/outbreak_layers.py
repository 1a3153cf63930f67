"""Outbreaks on the map component: outlines, and places of cases. Data come by URL, under the rights of the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from alerts.levels import Theme
from i18n import Message, _
from surveillance.outbreaks.lifecycle import NAMES
from surveillance.outbreaks.links import Link, Links, NearPlace
from surveillance.outbreaks.shapes import CasePoint, Outline
from surveillance.outbreaks.views import code_of, unit_names
from web.epimap import GeoJsonLayer
from web.formats import day, stored

INK: Mapping[Theme, str] = {"light": "#0f2a43", "dark": "#ffffff"}
HALO: Mapping[Theme, str] = {"light": "#ffffff", "dark": "#10151a"}
CASE: Mapping[Theme, str] = {"light": "#1660b8", "dark": "#6fb1f5"}
NEAR: Mapping[Theme, str] = {"light": "#6b7682", "dark": "#a6b0ba"}
LINK: Mapping[Theme, str] = {"light": "#a0410d", "dark": "#f0a36b"}
DETAILED_ZOOM = 11.5
"""Below it an outline of some 200 m is smaller than its line: a ring marks it."""
RINGS_ZOOM = 8.5
"""Below it the rings of a season would cover the levels."""
PLACE_LEVELS = {
    "house": Message("đúng số nhà"),
    "street": Message("đến tên đường"),
    "neighbourhood": Message("đến khu phố, ấp"),
    "commune": Message("chỉ biết xã, phường"),
    "unknown": Message("chưa rõ"),
}


def outline_layer(theme: Theme, version: str, **query: Any) -> GeoJsonLayer:
    """All open outbreaks of the map's disease and day, as outlines; rings where they would be too small."""
    return {
        "id": "outbreaks",
        "kind": "geojson",
        "data": data_url("/api/outbreaks", version, **query),
        "tooltipField": "text",
        "styleLayers": [
            _line("outbreaks-casing", HALO[theme], 3.2, minzoom=DETAILED_ZOOM),
            _line("outbreaks-line", INK[theme], 1.6, minzoom=DETAILED_ZOOM),
            _rings(theme),
        ],
    }


def case_layers(theme: Theme, outbreak_id: int, version: str, on: str) -> list[GeoJsonLayer]:
    """One outbreak: its area, and the places of its cases for those who may see them."""
    url = data_url(f"/api/outbreaks/{outbreak_id}", version, on=on)
    area: GeoJsonLayer = {
        "id": "outbreak",
        "kind": "geojson",
        "data": url,
        "interactive": False,
        "styleLayers": [
            {"id": "outbreak-fill", "type": "fill", "filter": _is("area"),
             "paint": {"fill-color": CASE[theme], "fill-opacity": 0.16}},
            _line("outbreak-line", INK[theme], 2, filter=_is("area")),
        ],
    }  # fmt: skip
    cases: GeoJsonLayer = {
        "id": "outbreak-cases",
        "kind": "geojson",
        "data": url,
        "tooltipField": "text",
        "styleLayers": [
            {"id": "outbreak-links", "type": "line", "filter": _is("link"),
             "paint": {"line-color": LINK[theme],
                       "line-width": ["interpolate", ["linear"], ["get", "share"], 0.05, 0.8, 1, 3],
                       "line-opacity": ["interpolate", ["linear"], ["get", "share"], 0.05, 0.35, 1, 0.9]}},
            {"id": "outbreak-near", "type": "circle", "filter": _is("near"),
             "paint": {"circle-radius": 5, "circle-color": HALO[theme], "circle-opacity": 0.7,
                       "circle-stroke-color": NEAR[theme], "circle-stroke-width": 1.8}},
            {"id": "outbreak-points", "type": "circle", "filter": _is("case"),
             "paint": {"circle-radius": 6, "circle-color": CASE[theme], "circle-stroke-color": HALO[theme],
                       "circle-stroke-width": 1.5}},
        ],
    }  # fmt: skip
    return [area, cases]


def outline_features(session: Session, found: Iterable[Outline]) -> dict[str, Any]:
    """GeoJSON of `outlines`: each outbreak as an area and as a point, with its state and the words of its tooltip."""
    features, outlined = [], list(found)
    places = unit_names(session, (outline.lead_unit for outline in outlined if outline.lead_unit))
    for outline in outlined:
        name = " · ".join(filter(None, (code_of(outline.id), places.get(outline.lead_unit or 0))))
        text = f"{name}\n" + _("{n} ca · {status}", n=outline.cases, status=_(NAMES[outline.status]))
        facts = {
            "outbreak": outline.id,
            "unit": outline.lead_unit,
            "status": outline.status.value,
            "text": text,
        }
        features += [_feature(shape, outline.id, facts) for shape in (outline.shape, outline.point)]
    return {"type": "FeatureCollection", "features": features}


def outbreak_features(
    outline: Outline | None,
    points: Sequence[CasePoint],
    near: Iterable[NearPlace] = (),
    links: Links | None = None,
) -> dict[str, Any]:
    """GeoJSON of one outbreak, of the cases in it and near it that may be shown, and the links of those shown."""
    features = [] if outline is None else [_feature(outline.shape, outline.id, {"kind": "area"})]
    for point in points:
        where = {"type": "Point", "coordinates": [round(point.lon, 6), round(point.lat, 6)]}
        text = _("Ca {id}", id=str(point.case_id)) + "\n" + _case_text(point)
        features.append(_feature(where, point.case_id, {"kind": "case", "text": text}))
    for other in near:
        where = {"type": "Point", "coordinates": [round(other.lon, 6), round(other.lat, 6)]}
        text = _("Ca {id}: không thuộc ổ", id=str(other.case_id)) + "\n" + stored(other.why)
        features.append(_feature(where, other.case_id, {"kind": "near", "text": text}))
    features += _links(points, links) if links else []
    return {"type": "FeatureCollection", "features": features}


def data_url(path: str, version: str, **query: Any) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode({**given, 'v': version})}"


def _case_text(point: CasePoint) -> str:
    level = str(PLACE_LEVELS[point.place_level])
    if point.uncertainty_m is None:
        return _("mắc bệnh {day} · vị trí {level}", day=day(point.event_date), level=level)
    return _(
        "mắc bệnh {day} · vị trí {level} (±{metres} m)",
        day=day(point.event_date), level=level, metres=round(point.uncertainty_m),
    )  # fmt: skip


def _links(points: Sequence[CasePoint], links: Links) -> list[dict[str, Any]]:
    """A line for each link of which both ends are shown."""
    ends = {p.case_id: [round(p.lon, 6), round(p.lat, 6)] for p in points}
    return [
        _feature(
            {"type": "LineString", "coordinates": [ends[link.source], ends[link.case]]},
            number,
            {"kind": "link", "share": round(link.share, 3), "text": link_text(link)},
        )
        for number, link in enumerate(links.links)
        if link.source in ends and link.case in ends
    ]


def link_text(link: Link) -> str:
    return _(
        "Ca {source} → ca {case}: có thể, {share} % khả năng trong ổ · cách {days} ngày",
        source=str(link.source), case=str(link.case), share=round(100 * link.share), days=link.days,
    )  # fmt: skip


def _rings(theme: Theme) -> dict[str, Any]:
    return {
        "id": "outbreaks-ring", "type": "circle", "minzoom": RINGS_ZOOM, "maxzoom": DETAILED_ZOOM,
        "filter": ["==", ["geometry-type"], "Point"],
        "paint": {"circle-radius": ["interpolate", ["linear"], ["zoom"], 8, 2.5, 11, 5],
                  "circle-opacity": 0, "circle-stroke-color": INK[theme], "circle-stroke-width": 1.5},
    }  # fmt: skip


def _line(name: str, colour: str, width: float, **more: Any) -> dict[str, Any]:
    paint = {"line-color": colour, "line-width": width}
    return {"id": name, "type": "line", "layout": {"line-join": "round"}, "paint": paint, **more}


def _is(kind: str) -> list[Any]:
    return ["==", ["get", "kind"], kind]


def _feature(geometry: Mapping[str, Any], id: int, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "id": id, "geometry": geometry, "properties": properties}
