"""The outbox: claim one message, send it, mark it, commit. At least once, and recognisably the same message
when a crash sends it twice (docs/decisions/delivery.md)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from accounts.models import User
from accounts.service import areas_of
from alerts.channels import EMAIL, Channel, Envelope, OutgoingMessage, TransportError
from alerts.lifecycle import Kind
from alerts.messages import EventFacts, compose
from alerts.models import Alert, AlertEvent, CapMessage, Delivery
from alerts.passport import Passport
from db import session_scope
from i18n import Message, MessageError

log = structlog.get_logger()

MAX_ATTEMPTS = 24
MAX_WAIT_MINUTES = 60
"""With both, a message is tried for some 18 hours: a mail server that is down overnight loses nothing."""


class CannotResend(MessageError, ValueError):
    """A delivery that must not go out again; `message` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What every message carries: where its link leads, and the city's time zone."""

    public_url: str
    timezone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """Counts of one round. `retry`: failed for now; `dead`: given up; `waiting`: channel not available."""

    sent: int
    retry: int
    dead: int
    waiting: int


def deliver_due(
    engine: Engine,
    channels: Mapping[str, Channel],
    now: datetime,
    *,
    letterhead: Letterhead,
    batch: int = 50,
) -> DeliveryReport:
    """Send up to `batch` messages that are due. `now` is the real time, also where data lives in the past.

    Any number of processes may do this at once: each message is claimed by one. A channel that is down is
    left alone until the next round.
    """
    usable = dict(channels)
    waiting = sum(_hold(engine, name, usable) for name in channels)
    outcomes: Counter[str] = Counter()
    while usable and outcomes.total() < batch:
        outcome = _deliver_one(engine, usable, now, letterhead)
        if outcome is None:
            break
        outcomes[outcome] += 1
    return DeliveryReport(
        sent=outcomes["sent"], retry=outcomes["due"], dead=outcomes["dead"], waiting=waiting
    )


def resend(session: Session, delivery_id: int, now: datetime) -> Delivery:
    """Put a given-up delivery back into the outbox. Raises CannotResend unless it is dead."""
    delivery = session.get(Delivery, delivery_id, with_for_update=True)
    if delivery is None or delivery.state != "dead":
        raise CannotResend(Message("Chỉ gửi lại được thư đã ngừng gửi; thư này đã gửi hoặc đang chờ gửi."))
    delivery.state, delivery.attempts, delivery.next_attempt_at, delivery.error = "due", 0, now, None
    return delivery


def stored_error(delivery: Delivery) -> Message | None:
    """Why the last attempt failed, to be rendered in the reader's language."""
    return Message.from_json(json.loads(delivery.error)) if delivery.error else None


def wait_minutes(attempts: int) -> int:
    """1, 2, 4, … up to an hour, after the first, second, third … failure."""
    return min(2 ** (attempts - 1), MAX_WAIT_MINUTES)


def _hold(engine: Engine, name: str, usable: dict[str, Channel]) -> int:
    """Take an unavailable channel out of `usable`, tell its messages why; how many wait."""
    reason = usable[name].unavailable()
    if reason is None:
        return 0
    del usable[name]
    with session_scope(engine) as session:
        waiting = (Delivery.state == "due", Delivery.channel == name)
        unexplained = Delivery.error.is_distinct_from(_stored(reason))
        session.execute(update(Delivery).where(*waiting, unexplained).values(error=_stored(reason)))
        return session.scalar(select(func.count()).where(*waiting)) or 0


def _deliver_one(
    engine: Engine, usable: dict[str, Channel], now: datetime, letterhead: Letterhead
) -> str | None:
    """Outcome of one message: its new state; None when none is due. Its row is locked while it is sent."""
    with session_scope(engine) as session:
        delivery = _claim(session, usable.keys(), now)
        if delivery is None:
            return None
        delivery.attempts += 1
        try:
            _send(session, delivery, usable[delivery.channel], letterhead)
        except TransportError as error:
            _failed(delivery, error.message, error.permanent, now)
            if error.channel_down:
                del usable[delivery.channel]
        except Exception as error:
            log.error("delivery_failed", delivery_id=delivery.id, kind=type(error).__name__)
            reason = Message("Lỗi của chương trình khi soạn hoặc gửi ({kind}).", kind=type(error).__name__)
            _failed(delivery, reason, False, now)
        else:
            delivery.state, delivery.sent_at, delivery.error = "sent", now, None
        return delivery.state


def _claim(session: Session, channels: Collection[str], now: datetime) -> Delivery | None:
    return session.scalar(
        select(Delivery)
        .where(Delivery.state == "due", Delivery.next_attempt_at <= now, Delivery.channel.in_(channels))
        .order_by(Delivery.next_attempt_at, Delivery.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _send(session: Session, delivery: Delivery, channel: Channel, letterhead: Letterhead) -> None:
    if delivery.cap_message_id is not None:
        channel.send(_for_machine(session.get_one(CapMessage, delivery.cap_message_id), delivery))
        return
    alert = session.get_one(Alert, delivery.alert_id)
    user = session.get_one(User, delivery.user_id)
    recipient = _recipient(session, user, alert, delivery.channel)
    facts = event_facts(session.get_one(AlertEvent, delivery.event_id), letterhead.timezone)
    channel.send(
        Envelope(
            recipient=recipient,
            message_id=message_id(delivery),
            locale=user.locale,
            message=compose(facts, user.locale, letterhead.public_url),
        )
    )


def _for_machine(cap: CapMessage, delivery: Delivery) -> Envelope:
    """A published CAP message as it is: the channel knows where to."""
    content = OutgoingMessage(subject=cap.headline, text=cap.xml, html="")
    return Envelope(recipient="", message_id=message_id(delivery), locale="vi", message=content)


def _recipient(session: Session, user: User, alert: Alert, channel: str) -> str:
    """The address, provided that the person may still be told: accounts change between event and sending."""
    area_ids = areas_of(session, user)
    if not user.active:
        raise TransportError(Message("Tài khoản của người nhận đã bị khóa."), permanent=True)
    if area_ids is not None and alert.unit_id not in area_ids:
        raise TransportError(Message("Người nhận không còn phụ trách địa bàn này."), permanent=True)
    if channel != EMAIL or not user.email:
        raise TransportError(Message("Người nhận chưa có địa chỉ để gửi."), permanent=True)
    return user.email


def event_facts(event: AlertEvent, timezone: ZoneInfo) -> EventFacts:
    """What there is to tell of one of the system's events (a person's act has no passport: ValueError)."""
    if event.message is None or "passport" not in event.message:
        raise ValueError(f"event {event.id} ({event.kind}) has no passport")
    return EventFacts(
        alert_id=event.alert_id,
        kind=Kind(event.kind),
        at=event.at,
        sentence=Message.from_json(event.message),
        passport=Passport.from_json(event.message["passport"]),
        timezone=timezone,
    )


def message_id(delivery: Delivery) -> str:
    """The same at every attempt. The moment it was written keeps databases apart: event 1 of a new demo must
    not look like a copy of event 1 of the last one, which mail servers would drop."""
    return f"{delivery.dedup_key.replace(':', '.')}.{int(delivery.created_at.timestamp())}"


def _failed(delivery: Delivery, reason: Message, permanent: bool, now: datetime) -> None:
    delivery.error = _stored(reason)
    if permanent or delivery.attempts >= MAX_ATTEMPTS:
        delivery.state = "dead"
    else:
        delivery.next_attempt_at = now + timedelta(minutes=wait_minutes(delivery.attempts))


def _stored(reason: Message) -> str:
    return json.dumps(reason.to_json(), ensure_ascii=False)
