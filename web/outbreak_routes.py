"""Outbreaks as data for the map, and the dossier: the rights of the page, and kept by no shared cache."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from accounts.models import Role
from accounts.service import record_access
from i18n import current_locale
from reports.dossier import dossier
from surveillance.outbreaks.detail import outbreak_detail
from surveillance.outbreaks.links import disease_of, links_of, member_places, near_places
from surveillance.outbreaks.shapes import member_points, outlines
from surveillance.outbreaks.views import GROUPS, LIVING, code_of, outbreaks_version
from web.context import context, day_on_show, known_disease, local, now, open_session, parse_day, viewer
from web.outbreak_layers import outbreak_features, outline_features
from web.private import etag_of, private, rights

PLACE_READERS = (Role.ANALYST, Role.OFFICER)
"""Who may see where single cases live, in their own area."""

blueprint = Blueprint("outbreak_data", __name__)


@blueprint.get("/api/outbreaks")
def outbreak_outlines() -> Response:
    """Outbreaks of the reader's area as GeoJSON, as known on the day: those not closed, or those that the list of
    outbreaks shows under `status` and `text`."""
    disease, who = known_disease(request.args.get("disease")), viewer()
    group, text = request.args.get("status", ""), request.args.get("text", "")
    with open_session() as session:
        shown = day_on_show(session, parse_day(request.args.get("on")))
        etag = etag_of(outbreaks_version(session), rights(), disease, group, text, shown, current_locale())
        if etag in request.if_none_match:
            return private(Response(status=304), etag)
        found = outlines(
            session, area_ids=who.area_ids, as_of=shown.as_of, statuses=GROUPS.get(group, LIVING), disease=disease,
            text=text,
        )  # fmt: skip
        return private(jsonify(outline_features(session, found)), etag)


@blueprint.get("/api/outbreaks/<int:outbreak_id>")
def outbreak_shape(outbreak_id: int) -> Response:
    """One outbreak's area, with the places of its cases for those who may see them; reading these is written down."""
    who = viewer()
    with open_session() as session:
        shown = day_on_show(session, parse_day(request.args.get("on")))
        etag = etag_of(outbreaks_version(session), rights(), outbreak_id, shown, current_locale())
        if etag in request.if_none_match:
            return private(Response(status=304), etag)
        area = next(
            outlines(session, area_ids=who.area_ids, as_of=shown.as_of, outbreak_id=outbreak_id), None
        )
        if who.role not in PLACE_READERS:
            return private(jsonify(outbreak_features(area, [])), etag)
        mine: Any = {"area_ids": who.area_ids, "as_of": shown.as_of}
        points = member_points(session, outbreak_id, **mine)
        near = near_places(session, outbreak_id, **mine)
        disease = disease_of(session, outbreak_id)
        links = None
        if disease and disease in context().diseases and disease in context().profiles:
            members = member_places(session, outbreak_id, **mine)
            links = links_of(members, context().diseases[disease], context().profiles[disease])
        if points or near:
            detail = {"outbreak": outbreak_id, "cases": len(points) + len(near)}
            record_access(session, who.id, "outbreak.places", detail, now(session))
        return private(jsonify(outbreak_features(area, points, near, links)), etag)


@blueprint.get("/outbreaks/<int:outbreak_id>/dossier.pdf")
def outbreak_dossier(outbreak_id: int) -> Response:
    """The outbreak on paper."""
    who = viewer()
    with open_session() as session:
        moment = local(now(session))
        detail = outbreak_detail(
            session, outbreak_id, area_ids=who.area_ids, profiles=context().profiles, now=moment
        )
        if detail is None:
            abort(404)
        area = next(outlines(session, area_ids=who.area_ids, outbreak_id=outbreak_id), None)
        record_access(session, who.id, "outbreak.dossier", {"outbreak": outbreak_id}, now(session))
        file = dossier(detail, area, settings=context().settings, at=moment)
    response = Response(file, mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="ho-so-{code_of(outbreak_id)}.pdf"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
