"""What other systems read: the CAP feed and its messages (docs/decisions/cap.md). Outside the sign-in gate, with a
check of their own, because machines come with a token and the public, where it may, with nothing."""

from __future__ import annotations

import hmac
from datetime import datetime

from flask import Blueprint, Response, abort, jsonify, request
from flask_login import current_user

from alerts.cap import MEDIA_TYPE
from alerts.cap_feed import FEED_TYPE, Reader, current_feed, find_message, to_atom
from i18n import _
from web.context import context, now, open_session, viewer

PUBLIC_CACHE_S = 60

blueprint = Blueprint("cap", __name__)


@blueprint.get("/cap/feed.atom")
def feed() -> Response:
    settings = context().settings
    with open_session() as session:
        found = current_feed(session, _reader(), now(session))
    title = f"CAP 1.2: {settings.deployment.title['vi']}"
    body = to_atom(found, public_url=settings.public_url, title=title, author=settings.cap_sender)
    return _answer(body, FEED_TYPE, found.updated)


@blueprint.get("/cap/<identifier>.xml")
def message(identifier: str) -> Response:
    with open_session() as session:
        found = find_message(session, identifier, _reader())
        if found is None:
            abort(404)
        return _answer(found.xml.encode(), MEDIA_TYPE, found.sent)


@blueprint.errorhandler(401)
def who_are_you(_error: Exception) -> tuple[Response, int, dict[str, str]]:
    text = _("Cần đăng nhập, hoặc gửi mã truy cập trong tiêu đề Authorization: Bearer.")
    return jsonify(error=text), 401, {"WWW-Authenticate": 'Bearer realm="CAP"'}


def _reader() -> Reader:
    """Who asks, or 404 when nothing is published, 401 when they must say who they are."""
    settings = context().settings
    if settings.cap == "off":
        abort(404)
    if settings.cap == "public":
        return Reader(public_only=True, unit_ids=None)
    if _has_token(settings.cap_token):
        return Reader(public_only=False, unit_ids=None)
    if not current_user.is_authenticated:
        abort(401)
    return Reader(public_only=False, unit_ids=viewer().area_ids)


def _has_token(token: str | None) -> bool:
    """In the header only: an address ends up in logs."""
    given = request.headers.get("Authorization", "")
    return token is not None and hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


def _answer(body: bytes, media_type: str, changed: datetime) -> Response:
    response = Response(body, mimetype=media_type)
    response.last_modified = changed
    response.add_etag()
    public = context().settings.cap == "public"
    response.headers["Cache-Control"] = f"public, max-age={PUBLIC_CACHE_S}" if public else "private, no-cache"
    if not public:
        response.vary.update(["Authorization", "Cookie"])
    return response.make_conditional(request)  # type: ignore[return-value]
