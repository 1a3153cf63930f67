"""The papers of duties: forms to sign, and the register as a file. The rights of the page; kept by no cache."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, abort, request

from accounts.service import record_access
from alerts.duty_views import duty_detail, duty_list
from reports.duty_forms import HAVE_FORM, NAMES, as_docx, as_pdf, fill
from reports.duty_table import register_file
from web.context import context, local, now, open_session, viewer

blueprint = Blueprint("duties", __name__)
TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}


@blueprint.get("/duties/<int:duty_id>/form.<any(pdf, docx):extension>")
def form(duty_id: int, extension: str) -> Response:
    """The form of a duty, filled with what is known now."""
    who = viewer()
    with open_session() as session:
        found = duty_detail(session, duty_id, who.area_ids)
        if found is None or found[0].kind not in HAVE_FORM:
            abort(404)
        duty, current = found[0], now(session)
        filled = fill(
            session, duty, settings=context().settings, profiles=context().profiles, now=local(current)
        )
        record_access(session, who.id, "duty.form", {"duty": duty_id, "file": extension}, current)
    content = as_pdf(filled) if extension == "pdf" else as_docx(filled)
    shown = "inline" if extension == "pdf" else "attachment"
    return _file(content, extension, shown, f"{NAMES[duty.kind]}-{duty_id}")


@blueprint.get("/duties/register.<any(xlsx, csv):extension>")
def register(extension: str) -> Response:
    """The duties of the reader's area with their times: those due in the last ?days=, and all that are open."""
    who, days = viewer(), request.args.get("days", 30, type=int)
    with open_session() as session:
        current = now(session)
        start = current - timedelta(days=max(1, min(days, 3660)))
        duties = duty_list(session, area_ids=who.area_ids, due_from=start, limit=None)
        record_access(session, who.id, "duty.register", {"rows": len(duties), "file": extension}, current)
    content = register_file(duties, extension, now=local(current))
    return _file(content, extension, "attachment", f"viec-theo-luat-{local(current):%Y-%m-%d}")


def _file(content: bytes, extension: str, shown: str, stem: str) -> Response:
    response = Response(content, content_type=TYPES[extension])
    response.headers["Content-Disposition"] = f'{shown}; filename="{stem}.{extension}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
