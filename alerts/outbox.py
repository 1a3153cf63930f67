"""A row of the outbox, whatever it is about."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from alerts.channels import IN_APP
from alerts.routing import Told


def outbox_row(
    dedup_key: str,
    one: Told,
    now: datetime,
    *,
    alert_id: int | None = None,
    event_id: int | None = None,
    duty_id: int | None = None,
    agenda_on: date | None = None,
) -> dict[str, Any]:
    """One of: an alert's event, a duty, a day (models.Delivery). The inbox of the application needs no transport: its
    row is delivered when this transaction commits."""
    at_once = one.channel == IN_APP
    return {
        "dedup_key": dedup_key,
        "alert_id": alert_id,
        "event_id": event_id,
        "duty_id": duty_id,
        "agenda_on": agenda_on,
        "user_id": one.user_id,
        "channel": one.channel,
        "digest": one.digest,
        "urgent": one.urgent,
        "muted": one.muted,
        "for_unit_id": one.for_unit_id,
        "address": one.address,
        "state": "sent" if at_once else "due",
        "created_at": now,
        "next_attempt_at": now,
        "sent_at": now if at_once else None,
    }
