"""Where a browser says that it takes its owner's messages, and that it no longer does."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response, abort, jsonify, request

from accounts.service import active_user
from alerts.push_devices import DeviceError, add_device, remove_device, subscription_of
from alerts.push_settings import parse_push
from surveillance.privacy import Vault
from web.context import context, open_session, viewer

blueprint = Blueprint("push", __name__)


@blueprint.post("/api/my/push")
def subscribe() -> Response | tuple[Response, int]:
    push = parse_push(context().settings)
    if push is None:
        abort(404)
    try:
        subscription = subscription_of(request.get_json(silent=True), push)
    except DeviceError as wrong:
        return jsonify(text=str(wrong.message)), 400
    with open_session() as session:
        user = active_user(session, viewer().id)
        assert user is not None
        add_device(session, user, subscription, _vault(), datetime.now(UTC))
    return Response(status=204)


@blueprint.delete("/api/my/push")
def unsubscribe() -> Response:
    """Also for a browser that is not known: off is off."""
    data = request.get_json(silent=True)
    endpoint = data.get("endpoint") if isinstance(data, dict) else None
    if not isinstance(endpoint, str):
        abort(400)
    with open_session() as session:
        remove_device(session, viewer().id, endpoint, _vault())
    return Response(status=204)


def _vault() -> Vault:
    return Vault.of(context().settings.secret_key)
