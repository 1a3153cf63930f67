"""The outbox: claim one message, send it, mark it, commit. At least once, and recognisably the same message
when a crash sends it twice (docs/decisions/delivery.md)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import ColumnElement, Engine, and_, exists, func, not_, or_, select, update
from sqlalchemy.orm import Session, aliased

from accounts.models import MessageChoice, User
from accounts.service import areas_of
from alerts.agenda import read_agenda
from alerts.agenda_words import compose_agenda
from alerts.channels import EMAIL, Channel, Envelope, OutgoingMessage, TransportError
from alerts.lifecycle import Kind
from alerts.messages import EventFacts, compose, compose_digest
from alerts.models import Alert, AlertEvent, CapMessage, Delivery, DeliveryReceipt
from alerts.passport import DiseaseFacts, Passport
from alerts.telling.hours import Quiet, quiet_until
from alerts.telling.models import QuietHours
from db import session_scope
from geodata.models import AdminUnit
from i18n import Message, MessageError

log = structlog.get_logger()

MAX_ATTEMPTS = 24
MAX_WAIT_MINUTES = 60
"""With both, a message is tried for some 18 hours: a mail server that is down overnight loses nothing."""
DIGEST_AT = time(7)
"""On the city's clocks: before the morning's work, when what came in the night is still together."""


class CannotResend(MessageError, ValueError):
    """A delivery that must not go out again; `message` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What every message carries: where its link leads, and the city's time zone. `twins`: see messages.compose.
    `diseases`: names by code, for messages about no alert."""

    public_url: str
    timezone: ZoneInfo
    twins: frozenset[str] = frozenset()
    diseases: Mapping[str, DiseaseFacts] = field(default_factory=dict)


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
    """Outcome of one message: its new state; None when none is due. Its rows are locked while it is sent."""
    rest_s = 0.0
    with session_scope(engine) as session:
        deliveries = _claim(session, usable.keys(), now, letterhead.timezone)
        if not deliveries:
            return None
        until = _quiet_until(session, deliveries[0], now, letterhead.timezone)
        if until is not None:
            return _wait(deliveries, until)
        for delivery in deliveries:
            delivery.attempts += 1
        channel = deliveries[0].channel
        try:
            _send(session, deliveries, usable[channel], letterhead, now)
        except TransportError as error:
            _failed_all(session, deliveries, error.message, error.permanent, now)
            if error.channel_down:
                del usable[channel]
                rest_s = error.retry_after_s
        except Exception as error:
            log.error("delivery_failed", delivery_id=deliveries[0].id, kind=type(error).__name__)
            reason = Message("Lỗi của chương trình khi soạn hoặc gửi ({kind}).", kind=type(error).__name__)
            _failed_all(session, deliveries, reason, False, now)
        outcome = deliveries[0].state
    if rest_s:
        _rest(engine, channel, now + timedelta(seconds=rest_s))
    return outcome


def _quiet_until(session: Session, delivery: Delivery, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Decided when it would go out, not when it was written: what was retried into the night waits too."""
    row = session.get(QuietHours, delivery.user_id) if delivery.user_id is not None else None
    quiet = Quiet(starts=row.starts, ends=row.ends) if row is not None else None
    return quiet_until(quiet, delivery.urgent, now, zone)


def _wait(deliveries: Sequence[Delivery], until: datetime) -> str:
    reason = _stored(Message("Người nhận đang trong giờ yên lặng; sẽ gửi lúc {at}.", at=until))
    for delivery in deliveries:
        delivery.next_attempt_at, delivery.error = until, reason
    return "quiet"


def _claim(
    session: Session, channels: Collection[str], now: datetime, timezone: ZoneInfo
) -> Sequence[Delivery]:
    """One message and all its rows: a single delivery, or a digest, whose first row stands for the rest, so that of
    two processes one gets it whole."""
    digests = _in_digest(Delivery, now, timezone)
    earlier = aliased(Delivery)
    same = and_(
        earlier.user_id == Delivery.user_id,
        earlier.channel == Delivery.channel,
        earlier.id < Delivery.id,
        _in_digest(earlier, now, timezone),
    )
    first = session.scalar(
        select(Delivery)
        .where(Delivery.state == "due", Delivery.next_attempt_at <= now, Delivery.channel.in_(channels))
        .where(or_(not_(Delivery.digest), and_(digests, not_(exists().where(same)))))
        .order_by(Delivery.digest, Delivery.next_attempt_at, Delivery.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Delivery)
    )
    if first is None or not first.digest:
        return [first] if first else []
    whole = (Delivery.user_id == first.user_id, Delivery.channel == first.channel, digests)
    return session.scalars(select(Delivery).where(*whole).order_by(Delivery.id).with_for_update()).all()


def _in_digest(row: type[Delivery], now: datetime, timezone: ZoneInfo) -> ColumnElement[bool]:
    """Collected until the last DIGEST_AT."""
    return and_(
        row.digest,
        row.state == "due",
        row.next_attempt_at <= now,
        row.created_at <= last_digest_time(now, timezone),
    )


def last_digest_time(now: datetime, timezone: ZoneInfo) -> datetime:
    local = now.astimezone(timezone)
    today = datetime.combine(local.date(), DIGEST_AT, tzinfo=timezone)
    return today if today <= local else today - timedelta(days=1)


def _send(
    session: Session, deliveries: Sequence[Delivery], channel: Channel, letterhead: Letterhead, now: datetime
) -> None:
    """Those of a digest that may no longer be told are given up one by one; the others go out."""
    if (cap_message_id := deliveries[0].cap_message_id) is not None:
        cap = session.get_one(CapMessage, cap_message_id)
        _sent(session, deliveries, now, channel.send(_for_machine(cap, deliveries)))
        return
    user = session.get_one(User, deliveries[0].user_id)
    if deliveries[0].agenda_on is not None:
        _send_agenda(session, deliveries[0], user, channel, letterhead, now)
        return
    alive: list[Delivery] = []
    for delivery in deliveries:
        try:
            recipient = _recipient(session, user, delivery)
            alive.append(delivery)
        except TransportError as error:
            _failed_all(session, [delivery], error.message, error.permanent, now)
    if not alive:
        return
    events = [session.get_one(AlertEvent, delivery.event_id) for delivery in alive]
    facts = [
        event_facts(event, letterhead.timezone, mine=_unit_name(session, delivery))
        for event, delivery in zip(events, alive, strict=True)
    ]
    style = (user.locale, letterhead.public_url, letterhead.twins)
    provider_id = channel.send(
        Envelope(
            recipient=recipient,
            message_id=message_id(alive),
            locale=user.locale,
            message=compose_digest(facts, *style) if alive[0].digest else compose(facts[0], *style),
        )
    )
    _sent(session, alive, now, provider_id)


def _send_agenda(
    session: Session, delivery: Delivery, user: User, channel: Channel, letterhead: Letterhead, now: datetime
) -> None:
    """Made of what is open now in the areas they have now; a list with nothing left says so."""
    recipient = _address(session, user, delivery)
    agenda = read_agenda(
        session,
        areas_of(session, user),
        delivery.created_at,
        timezone=letterhead.timezone,
        diseases=letterhead.diseases,
        locale=user.locale,
    )
    envelope = Envelope(
        recipient=recipient,
        message_id=message_id([delivery]),
        locale=user.locale,
        message=compose_agenda(agenda, user.locale, letterhead.public_url),
    )
    _sent(session, [delivery], now, channel.send(envelope))


def _unit_name(session: Session, delivery: Delivery) -> str | None:
    if delivery.for_unit_id is None:
        return None
    return session.get_one(AdminUnit, delivery.for_unit_id).name


def _sent(session: Session, deliveries: Sequence[Delivery], now: datetime, provider_id: str | None) -> None:
    for delivery in deliveries:
        delivery.state, delivery.sent_at, delivery.error = "sent", now, None
        session.add(
            DeliveryReceipt(delivery_id=delivery.id, at=now, kind="accepted", provider_id=provider_id)
        )


def _for_machine(cap: CapMessage, deliveries: Sequence[Delivery]) -> Envelope:
    """A published CAP message as it is: the channel knows where to."""
    content = OutgoingMessage(subject=cap.headline, text=cap.xml, html="")
    return Envelope(recipient="", message_id=message_id(deliveries), locale="vi", message=content)


def _recipient(session: Session, user: User, delivery: Delivery) -> str:
    """The address, provided that the person may still be told: accounts change between event and sending."""
    area_ids = areas_of(session, user)
    alert = session.get_one(Alert, delivery.alert_id)
    if area_ids is not None and (delivery.for_unit_id or alert.unit_id) not in area_ids:
        raise TransportError(Message("Người nhận không còn phụ trách địa bàn này."), permanent=True)
    return _address(session, user, delivery)


def _address(session: Session, user: User, delivery: Delivery) -> str:
    if not user.active:
        raise TransportError(Message("Tài khoản của người nhận đã bị khóa."), permanent=True)
    if delivery.address:
        return delivery.address
    if delivery.channel == EMAIL:
        address = user.email
    else:
        choice = session.get(MessageChoice, (user.id, delivery.channel))
        address = choice.address if choice else None
    if not address:
        raise TransportError(
            Message("Người nhận chưa có địa chỉ để gửi, hoặc đã tắt kênh này."), permanent=True
        )
    return address


def event_facts(event: AlertEvent, timezone: ZoneInfo, mine: str | None = None) -> EventFacts:
    """What there is to tell of one of the system's events (a person's act has no passport: ValueError). `mine`: see
    EventFacts."""
    if event.message is None or "passport" not in event.message:
        raise ValueError(f"event {event.id} ({event.kind}) has no passport")
    return EventFacts(
        alert_id=event.alert_id,
        kind=Kind(event.kind),
        at=event.at,
        sentence=Message.from_json(event.message),
        passport=Passport.from_json(event.message["passport"]),
        timezone=timezone,
        mine=mine,
        duty=event.message.get("duty"),
    )


def message_id(deliveries: Sequence[Delivery]) -> str:
    """The same at every attempt. The moment it was written keeps databases apart: event 1 of a new demo must
    not look like a copy of event 1 of the last one, which mail servers would drop. A digest with one row more is
    another message."""
    first, last = deliveries[0], deliveries[-1]
    rest = f".{len(deliveries)}-{last.event_id}" if last is not first else ""
    return f"{first.dedup_key.replace(':', '.')}{rest}.{int(first.created_at.timestamp())}"


def _failed_all(
    session: Session, deliveries: Sequence[Delivery], reason: Message, permanent: bool, now: datetime
) -> None:
    """Those that were given up one by one stay so."""
    for delivery in deliveries:
        if delivery.state == "due":
            _failed(delivery, reason, permanent, now)
            if permanent:
                session.add(
                    DeliveryReceipt(delivery_id=delivery.id, at=now, kind="refused", note=delivery.error)
                )


def _failed(delivery: Delivery, reason: Message, permanent: bool, now: datetime) -> None:
    delivery.error = _stored(reason)
    if permanent or delivery.attempts >= MAX_ATTEMPTS:
        delivery.state = "dead"
    else:
        delivery.next_attempt_at = now + timedelta(minutes=wait_minutes(delivery.attempts))


def _rest(engine: Engine, channel: str, until: datetime) -> None:
    """The other side asked for a pause: nothing of this channel before `until`, in whatever process. Rows that one of
    them holds are left to it."""
    with session_scope(engine) as session:
        waiting = select(Delivery.id).where(
            Delivery.state == "due", Delivery.channel == channel, Delivery.next_attempt_at < until
        )
        ids = session.scalars(waiting.with_for_update(skip_locked=True)).all()
        session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(next_attempt_at=until))


def _stored(reason: Message) -> str:
    return json.dumps(reason.to_json(), ensure_ascii=False)
