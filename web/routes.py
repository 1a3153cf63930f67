"""Answers that are not Dash pages: tiles, the data's version, pictures, files, health."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address

from flask import Blueprint, Flask, Response, abort, jsonify, request, send_file
from sqlalchemy.exc import OperationalError

from accounts.service import active_user
from geodata.places import boundaries_version
from geodata.tiles import TileError
from reports.service import ReportError, report_file
from surveillance import jobs
from web import (
    alert_routes,
    cap_routes,
    case_tiles,
    duty_routes,
    outbreak_routes,
    phone_routes,
    push_routes,
    receipt_routes,
    view_routes,
)
from web.context import context, open_session, viewer
from web.newest import newest
from web.private import private
from web.release_levels import chosen_release
from web.workbench import cluster_layer, frames

blueprint = Blueprint("routes", __name__)


def configure(server: Flask) -> None:
    server.register_blueprint(blueprint)
    server.register_blueprint(outbreak_routes.blueprint)
    server.register_blueprint(case_tiles.blueprint)
    server.register_blueprint(alert_routes.blueprint)
    server.register_blueprint(duty_routes.blueprint)
    server.register_blueprint(cap_routes.blueprint)
    server.register_blueprint(receipt_routes.blueprint)
    server.register_blueprint(phone_routes.blueprint)
    server.register_blueprint(push_routes.blueprint)
    server.register_blueprint(frames.blueprint)
    server.register_blueprint(cluster_layer.blueprint)
    server.register_blueprint(view_routes.blueprint)
    server.extensions["csrf"].exempt(receipt_routes.blueprint)


@blueprint.get("/t/communes/<int:z>/<int:x>/<int:y>")
def commune_tile(z: int, x: int, y: int) -> Response:
    """A vector tile of a release (?release=YYYY-MM-DD, today's without). Private: the same rights as pages; kept by
    the browser until the boundaries change."""
    with open_session() as session:
        release = chosen_release(session, request.args.get("release"))
        etag = f"{boundaries_version(session)}-{release or ''}-{z}-{x}-{y}"
        if etag in request.if_none_match:
            return private(Response(status=304), etag)
        try:
            tile = context().tiles.commune_tile(session, z, x, y, release)
        except TileError:
            abort(404)
    return private(Response(tile, mimetype="application/vnd.mapbox-vector-tile"), etag)


@blueprint.get("/api/version")
def version() -> Response:
    with open_session() as session:
        latest = newest(session)
    if latest.version in request.if_none_match:
        return private(Response(status=304), latest.version)
    return private(jsonify(latest._asdict()), latest.version)


@blueprint.get("/reports/files/<int:job_id>/<name>")
def download(job_id: int, name: str) -> Response:
    with open_session() as session:
        user = active_user(session, viewer().id)
        assert user is not None
        try:
            path = report_file(session, context().settings, job_id, name, user)
        except ReportError:
            abort(404)
    response = send_file(path, as_attachment=True, download_name=name)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.get("/healthz")
def healthz() -> tuple[Response, int]:
    """200 when the database answers and no job is late, else 503. Names jobs only, no data."""
    try:
        health = jobs.health(context().engine, datetime.now(UTC))
    except OperationalError:
        return jsonify(ok=False, database="lost"), 503
    return jsonify(database="ok", **health), 200 if health["ok"] else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus text, for this machine only."""
    if not ip_address(request.remote_addr or "0.0.0.0").is_loopback or "X-Forwarded-For" in request.headers:
        abort(403)
    return Response(jobs.metrics_text(context().engine, datetime.now(UTC)), mimetype="text/plain")
