"""What a provider says later of a message it took: that it arrived, or that it never will. Told twice, kept once."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from alerts.models import Delivery, DeliveryReceipt
from i18n import Message


def record_report(
    session: Session, channel: str, provider_id: str, *, arrived: bool, said: str, now: datetime
) -> int:
    """Keep the report of the message with the provider's `provider_id`; how many deliveries it was news for (a digest
    is several). One that did not arrive is given up: visible, and can be sent again."""
    kind = "delivered" if arrived else "bounced"
    told = exists().where(
        DeliveryReceipt.delivery_id == Delivery.id,
        DeliveryReceipt.kind == kind,
        DeliveryReceipt.provider_id == provider_id,
    )
    accepted = select(DeliveryReceipt.delivery_id).where(
        DeliveryReceipt.kind == "accepted", DeliveryReceipt.provider_id == provider_id
    )
    deliveries = session.scalars(
        select(Delivery)
        .where(Delivery.id.in_(accepted), Delivery.channel == channel, ~told)
        .order_by(Delivery.id)
        .with_for_update()
    ).all()
    for delivery in deliveries:
        note = None if arrived else _bounce(said)
        session.add(
            DeliveryReceipt(delivery_id=delivery.id, at=now, kind=kind, provider_id=provider_id, note=note)
        )
        if not arrived and delivery.state == "sent":
            delivery.state, delivery.error = "dead", note
    return len(deliveries)


def _bounce(said: str) -> str:
    reason = Message("Nhà mạng báo không tới được máy người nhận ({reply}).", reply=said[:100])
    return json.dumps(reason.to_json(), ensure_ascii=False)
