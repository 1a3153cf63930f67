"""What a provider says later of a message it took: that it arrived, or that it never will. Told twice, kept once."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from alerts.models import Delivery, DeliveryReceipt
from i18n import Message


def record_report(
    session: Session,
    channel: str,
    provider_id: str,
    *,
    arrived: bool,
    said: str,
    now: datetime,
    note: Message | None = None,
) -> int:
    """Keep the report of the message with the provider's `provider_id`; how many deliveries it was news for (a digest
    is several). One that did not arrive is given up: visible, and can be sent again; a mail that was sent again has
    the same id, so a report is news once after each acceptance. `note`: why, in words for people."""
    kind = "delivered" if arrived else "bounced"
    accepted_last = aliased(DeliveryReceipt)
    told = exists().where(
        DeliveryReceipt.delivery_id == Delivery.id,
        DeliveryReceipt.kind == kind,
        DeliveryReceipt.provider_id == provider_id,
        DeliveryReceipt.id
        > select(func.max(accepted_last.id))
        .where(accepted_last.delivery_id == Delivery.id, accepted_last.kind == "accepted")
        .correlate(Delivery)
        .scalar_subquery(),
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
        why = None if arrived else as_note(note or _bounce(said))
        session.add(
            DeliveryReceipt(delivery_id=delivery.id, at=now, kind=kind, provider_id=provider_id, note=why)
        )
        if not arrived and delivery.state == "sent":
            delivery.state, delivery.error = "dead", why
    return len(deliveries)


def as_note(reason: Message) -> str:
    return json.dumps(reason.to_json(), ensure_ascii=False)


def _bounce(said: str) -> Message:
    return Message("Nhà mạng báo không tới được máy người nhận ({reply}).", reply=said[:100])
