"""The map's picture in three formats: the rights of the page, and kept by no shared cache."""

from __future__ import annotations

from typing import Literal, cast

from flask import Blueprint, Response, abort, request

from geodata.text import fold
from reports.map_paper import paper
from reports.map_sheet import Sheet, draw
from web.context import context, open_session, viewer
from web.selection import Selection
from web.workbench.export import PAPER_WIDTH, Reader, sheet_of, window

KINDS = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}

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
