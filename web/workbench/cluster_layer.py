"""Scan clusters on the map: the outline of each one's communes, and the panel of the one chosen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from flask import Blueprint, Response, jsonify, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.levels import Theme
from geodata.models import Boundary
from geodata.places import communes_today
from i18n import Message, _, current_locale
from surveillance.clustering.views import ClusterView, cluster_known, clusters_known, clusters_version
from web.context import (
    Moment,
    context,
    day_on_show,
    disease_name,
    known_disease,
    now,
    open_session,
    parse_day,
    theme,
)
from web.epimap import GeoJsonLayer
from web.formats import count, day, facts, icon, link, table
from web.outbreak_layers import HALO, data_url
from web.pages.cluster_list import FALLS, STANDS, what_is_new, with_clusters
from web.private import etag_of, private, rights
from web.selection import Selection
from web.workbench.legend import METHODS_AT, OverlayLegend

INK: Mapping[Theme, str] = {"light": "#7a3db8", "dark": "#cda6f5"}
"""A hue that no level has."""
SMOOTH_DEGREES = 0.0003
"""Some 30 m: less than the line is wide where a whole cluster is in view."""
HINT = Message("Xã, phường nhiều ca hơn hẳn bình thường cùng một lúc.")
LEGEND = (OverlayLegend(label=Message("Cụm ca; nét đứt: đã hết"), mark="is-cluster"),)

blueprint = Blueprint("cluster_data", __name__)


def clusters_overlay(session: Session, selection: Selection, shown: Moment) -> list[GeoJsonLayer]:
    """Of the map's disease and day."""
    on = shown.today.isoformat() if shown.as_of is not None else None
    return [cluster_layer(theme(), clusters_version(session), disease=selection.disease, on=on)]


def cluster_layer(theme: Theme, version: str, **query: Any) -> GeoJsonLayer:
    over = {"type": "line", "layout": {"line-join": "round"}}
    lasts, ended = ["get", "lasts"], ["!", ["get", "lasts"]]
    line = {"line-color": INK[theme], "line-width": 2.2}
    return {
        "id": "clusters",
        "kind": "geojson",
        "data": data_url("/api/clusters", version, **query),
        "tooltipField": "text",
        "styleLayers": [
            {"id": "clusters-fill", "type": "fill", "paint": {"fill-color": INK[theme], "fill-opacity": 0.1}},
            {"id": "clusters-casing", **over, "paint": {"line-color": HALO[theme], "line-width": 4.4}},
            {"id": "clusters-line", **over, "filter": lasts, "paint": line},
            {"id": "clusters-ended", **over, "filter": ended, "paint": {**line, "line-dasharray": [2, 1.5]}},
        ],
    }  # fmt: skip


@blueprint.get("/api/clusters")
def cluster_outlines() -> Response:
    """Clusters known on the day as GeoJSON; counts of communes, which every reader may see."""
    disease = known_disease(request.args.get("disease"))
    with open_session() as session:
        shown = day_on_show(session, parse_day(request.args.get("on")))
        etag = etag_of(clusters_version(session), rights(), disease, shown, current_locale())
        if etag in request.if_none_match:
            return private(Response(status=304), etag)
        codes = list(context().diseases)
        found = clusters_known(session, disease=disease, diseases=codes, as_of=shown.as_of, now=now(session))
        return private(jsonify(cluster_features(session, found)), etag)


def cluster_features(session: Session, found: Sequence[ClusterView]) -> dict[str, Any]:
    """One outline for each cluster, the surest drawn last; a cluster of communes without a boundary is left out."""
    shapes = ((view, _outline(session, view.units)) for view in reversed(found))
    return {
        "type": "FeatureCollection",
        "features": [_feature(view, shape) for view, shape in shapes if shape is not None],
    }


def cluster_panel(session: Session, selection: Selection, shown: Moment) -> list[Any]:
    """The cluster chosen on the map; nothing when none is, or it was not known then."""
    view = cluster_known(session, selection.cluster, as_of=shown.as_of) if selection.cluster else None
    if view is None:
        return []
    names = {place.id: place.name for place in communes_today(session, view.units)}
    return [
        html.Div(
            [
                html.Div(
                    [
                        html.H2(_("Cụm số {number}", number=view.number), className="panel-title"),
                        html.Div(disease_name(view.disease), className="dim"),
                    ]
                ),
                link(icon("x"), _way(selection), className="icon-button", title=_("Đóng")),
            ],
            className="panel-head",
        ),
        html.Div([_chip(view), html.Span(what_is_new(view), className="dim")], className="badge-row"),
        facts(_facts(view)),
        html.H3(_("Các nơi trong cụm ({n})", n=len(view.units)), className="section-title"),
        table(
            [_("Xã, phường"), _("Số ca"), _("Bình thường")],
            [
                (link(names.get(unit, str(unit)), _way(selection, unit)), count(n), count(usual, 1))
                for unit, n, usual in zip(view.units, view.unit_cases, view.unit_expected, strict=True)
            ],
            numeric=(1, 2),
        ),
        link(_("Cách tính"), f"{METHODS_AT}#clusters", className="more-link"),
    ]  # fmt: skip


def _way(selection: Selection, unit: int | None = None) -> str:
    """Out of the cluster; its outline stays."""
    return selection.href(cluster=None, unit=unit, layers=with_clusters(selection))


def _chip(view: ClusterView) -> html.Span:
    if not view.lasts:
        return html.Span(_("Đã hết"), className="status-chip is-ok")
    if not view.stable:
        return html.Span(_("Chưa vững"), className="status-chip")
    return html.Span(_("Đang có"), className="status-chip is-warn")


def _facts(view: ClusterView) -> list[tuple[str, str]]:
    days = (view.last - view.first).days + 1
    stands = _(STANDS if view.stable else FALLS, k=view.stands_in, n=view.placements)
    return [
        (_("Thời gian"), _("{first}–{last} ({n} ngày)", first=day(view.first), last=day(view.last), n=days)),
        (_("Số ca"), _("{n} ca; bình thường {usual} ca", n=view.observed, usual=count(view.expected, 1))),
        (
            _("Có phải ngẫu nhiên"),
            _(
                "Ngẫu nhiên thì {days} ngày mới có một lần (p = {p}).",
                days=count(view.recurrence_days), p=count(view.p, 3),
            ),
        ),
        (_("Độ vững"), stands),
    ]  # fmt: skip


def _feature(view: ClusterView, shape: Mapping[str, Any]) -> dict[str, Any]:
    numbers = _("{n} ca; bình thường {usual} ca", n=view.observed, usual=count(view.expected, 1))
    lines = (
        f"{_('Cụm số {number}', number=view.number)} · {disease_name(view.disease)}",
        f"{day(view.first)}–{day(view.last)}", numbers,
    )  # fmt: skip
    told = {"cluster": view.number, "lasts": view.lasts, "text": "\n".join(lines)}
    return {"type": "Feature", "id": view.number, "geometry": shape, "properties": told}


def _outline(session: Session, unit_ids: Sequence[int]) -> dict[str, Any] | None:
    """The communes as one shape, to a metre."""
    whole = func.ST_SimplifyPreserveTopology(func.ST_Union(Boundary.geom), SMOOTH_DEGREES)
    found = session.scalar(select(func.ST_AsGeoJSON(whole, 5)).where(Boundary.unit_id.in_(unit_ids)))
    return None if found is None else json.loads(found)
