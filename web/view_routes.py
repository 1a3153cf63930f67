"""The map handed on: its picture in three formats, embedded pages, and layers that people bring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

from flask import Blueprint, Flask, Response, abort, jsonify, redirect, render_template, request
from flask_login import current_user
from sqlalchemy.orm import Session

from accounts.views import default_view, living_embed
from geodata.text import fold
from i18n import _, use_locale
from reports.map_paper import paper
from reports.map_sheet import Sheet, draw
from surveillance.clock import data_until
from web.context import context, now, open_session, viewer
from web.formats import moment
from web.remember import state_of
from web.selection import Selection
from web.workbench import overlays
from web.workbench.export import PAPER_WIDTH, Reader, sheet_of, window
from web.workbench.overlay_files import OverlayError, read_overlay
from web.workbench.views import camera_of

KINDS = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}

EMBED_SIZE = (1000.0, 620.0)
EMBED_REFRESH_S = 300

blueprint = Blueprint("views", __name__)


@blueprint.get("/map.sheet")
def map_sheet() -> Response:
    """The map a query describes, with its camera (`at`) and the size of its window in pixels (`w`, `h`)."""
    kind = request.args.get("format", "svg")
    if kind not in KINDS:
        abort(404)
    who, selection = viewer(), Selection.parse(request.query_string.decode(), context().diseases)
    size = window(request.args.get("w", type=int), request.args.get("h", type=int))
    with open_session() as session:
        sheet = sheet_of(session, selection, Reader.of(who), request.args.get("at"), size)
    response = Response(rendered(sheet, cast(Literal["svg", "png", "pdf"], kind)), mimetype=KINDS[kind])
    name = f"ban-do-{'-'.join(fold(sheet.title).split('·')[0].split())}.{kind}"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def rendered(sheet: Sheet, kind: Literal["svg", "png", "pdf"]) -> bytes:
    if kind == "svg":
        return draw(sheet).svg.encode()
    drawing = draw(sheet.on_paper(PAPER_WIDTH) if kind == "pdf" else sheet)
    return paper(drawing, sheet.title, kind)


@blueprint.before_app_request
def open_with_own_view() -> Any:
    """/map without a query opens with the view its reader chose."""
    if request.path == "/map" and not request.query_string and current_user.is_authenticated:
        with open_session() as session:
            view = default_view(session, viewer().id)
        if view is not None:
            return redirect(f"/map?{view.query}")
    return None


# --- embedded pages: no sign-in, the secret in the address is the right ------------------------------------


@blueprint.get("/embed/<token>")
def embed_page(token: str) -> Response:
    with open_session() as session:
        embed = living_embed(session, token, now(session))
        until = data_until(session)
    if embed is None:
        abort(404)
    use_locale(embed.locale)
    page = render_template(
        "embed.html", _=_, language=embed.locale, name=embed.name, picture=f"/embed/{token}/map.svg",
        until=_("Số liệu đến {moment}", moment=moment(until)), refresh_s=EMBED_REFRESH_S,
    )  # fmt: skip
    return _for_embed(Response(page, mimetype="text/html"))


@blueprint.get("/embed/<token>/map.svg")
def embed_picture(token: str) -> Response:
    with open_session() as session:
        embed = living_embed(session, token, now(session))
        if embed is None:
            abort(404)
        use_locale(embed.locale)
        query = embed.query
        asked = "embedded picture", query, embed.locale, state_of(session)
        picture = context().memory.ask(asked, lambda: _public_picture(session, query))
    return _for_embed(Response(picture, mimetype="image/svg+xml"))


def _public_picture(session: Session, query: str) -> bytes:
    selection = Selection.parse(query, context().diseases)
    everybody = Reader(areas=None, public=True)
    return draw(sheet_of(session, selection, everybody, camera_of(query), EMBED_SIZE)).svg.encode()


def _for_embed(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def allow_frames(server: Flask, origins: Sequence[str]) -> None:
    """Let the pages of `origins`, and nobody else's, show embedded pages. Call it before `security.protect`, whose
    headers it then changes."""

    @server.after_request
    def name_framers(response: Response) -> Response:
        if request.path.startswith("/embed/") and origins:
            policy = response.headers.get("Content-Security-Policy", "")
            framers = f"frame-ancestors {' '.join(origins)}"
            response.headers["Content-Security-Policy"] = policy.replace("frame-ancestors 'none'", framers)
            response.headers.pop("X-Frame-Options", None)
        return response


# --- layers that people bring ------------------------------------------------------------------------------


@blueprint.post("/api/overlays")
def add_overlay() -> tuple[Response, int]:
    """A file (multipart field "file"); the answer says what was mended, or why it cannot be used."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return jsonify(error=_("Hãy chọn một tệp.")), 400
    try:
        read = read_overlay(file.filename, file.read())
        with open_session() as session:
            overlay = overlays.keep(session, viewer().id, file.filename, read, now(session))
    except OverlayError as error:
        return jsonify(error=str(error)), 422
    said = [_("Đã thêm lớp “{name}”: {n} hình.", name=overlay.name, n=read.features), *map(str, read.notes)]
    return jsonify(id=overlay.id, text="\n".join(said)), 201


@blueprint.get("/api/overlays/<int:overlay_id>")
def overlay_data(overlay_id: int) -> Response:
    with open_session() as session:
        overlay = overlays.readable(session, overlay_id, viewer().id)
        if overlay is None:
            abort(404)
        response = jsonify(overlays.drawn_data(overlay))
    response.headers["Cache-Control"] = "private, no-cache"
    return response
