"""Where an SMS gateway reports what became of messages. No session: a long key in the query, which no log
of ours keeps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any

from flask import Blueprint, Response, abort, request

from alerts.channels import SMS
from alerts.channels.sms import parse_reports
from alerts.receipts import record_report
from web.context import context, open_session

blueprint = Blueprint("receipts", __name__)


@blueprint.route("/api/receipts/sms", methods=["GET", "POST"])
def sms_report() -> Response:
    """Fields come in the query, a form or JSON. 404 without the right key; a message nobody knows is not an error,
    since gateways would repeat it for days."""
    reports = parse_reports(context().settings.channels)
    key = request.args.get("key", "")
    if reports is None or not compare_digest(key.encode(), reports.key.encode()):
        abort(404)
    fields = _fields()
    for (name, values), arrived in ((reports.ok, True), (reports.failed, False)):
        said = str(fields.get(name, ""))
        if said in values:
            with open_session() as session:
                record_report(
                    session,
                    SMS,
                    str(fields.get(reports.id_field, "")),
                    arrived=arrived,
                    said=f"{name} = {said}",
                    now=datetime.now(UTC),
                )
            break
    return Response(status=204)


def _fields() -> Mapping[str, Any]:
    data = request.get_json(silent=True) if request.is_json else None
    return {**request.args, **request.form, **(data if isinstance(data, dict) else {})}
