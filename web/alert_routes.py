"""Files of alerts, coming and going: the rights of the page, kept by no cache, never run by a browser."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from accounts.models import Role
from alerts.attachments import attach, read
from alerts.file_checks import MAX_BYTES, PHOTO
from alerts.inbox import InboxError
from web.context import for_roles, now, open_session
from web.pages.alert_acts import acting_user, file_store

ROOM = 2 * MAX_BYTES
"""Read at all; what is above MAX_BYTES is refused in words."""
ACTORS = (Role.ANALYST, Role.OFFICER)

blueprint = Blueprint("alert_files", __name__)


@blueprint.url_value_preprocessor
def allow_files(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Larger requests than elsewhere; before the anti-forgery check, which looks into the request."""
    request.max_content_length = ROOM


@blueprint.post("/api/alerts/<int:alert_id>/files")
@for_roles(*ACTORS)
def receive(alert_id: int) -> Any:
    """The body is the file itself. What it is called is not asked."""
    content = request.get_data(cache=False)
    try:
        with open_session() as session:
            row = attach(
                session,
                alert_id,
                content,
                user=acting_user(session),
                store=file_store(),
                now=now(session),
            )
            return jsonify(id=row.id), 201
    except InboxError as error:
        return jsonify(error=str(error.message)), 400


@blueprint.get("/alerts/files/<int:attachment_id>")
def give(attachment_id: int) -> Response:
    """Photos, which we drew ourselves, are shown; PDFs only downloaded."""
    try:
        with open_session() as session:
            media_type, content = read(
                session, attachment_id, user=acting_user(session), store=file_store(), now=now(session)
            )
    except InboxError:
        abort(404)
    photo = media_type == PHOTO
    name = f"{'anh' if photo else 'tep'}-{attachment_id}.{'jpg' if photo else 'pdf'}"
    response = Response(content, mimetype=media_type)
    response.headers["Content-Disposition"] = f'{"inline" if photo else "attachment"}; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
