"""Tables of what to do about it: levels through time, alerts, their events, and messages to send."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import TEXT, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db import Base


class AreaLevel(Base):
    """Level of a disease in a unit, believed from `known_from` until `known_to`.

    `level` 1–4 (Circular 15/2026 art. 21(2)); `unknown` when its sources are silent: hatched, never green.
    """

    __tablename__ = "area_level"
    __table_args__ = (
        Index(
            "ix_area_level_current",
            "disease",
            "unit_id",
            unique=True,
            postgresql_where=text("known_to IS NULL"),
        ),
        Index("ix_area_level_known_from", "known_from"),
        Index("ix_area_level_area", "disease", "unit_id", "known_from"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    disease: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("admin_unit.id"))
    known_from: Mapped[datetime]
    known_to: Mapped[datetime | None]
    level: Mapped[int]
    raw_level: Mapped[int]
    unknown: Mapped[bool]
    status: Mapped[str]
    since: Mapped[datetime]
    last_lowered: Mapped[datetime | None]
    below_since: Mapped[datetime | None]
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    why_not_higher: Mapped[dict[str, Any]] = mapped_column(JSONB)
    why_not_lower: Mapped[dict[str, Any]] = mapped_column(JSONB)
    policy_hash: Mapped[str]


class Alert(Base):
    """One per disease and unit while it lasts. States: acts.State.

    `assignee_id`: who holds it, or held it last. `duplicate_of`: the alert it was found to repeat.
    `passport`: as-of time, policy version and hash, code version, evidence values it was decided on.
    """

    __tablename__ = "alert"
    __table_args__ = (
        Index(
            "ix_alert_open",
            "disease",
            "unit_id",
            unique=True,
            postgresql_where=text("state <> 'closed'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    disease: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("admin_unit.id"), index=True)
    state: Mapped[str]
    level: Mapped[int]
    peak_level: Mapped[int]
    status: Mapped[str]
    outcome: Mapped[str | None]
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    duplicate_of: Mapped[int | None] = mapped_column(ForeignKey("alert.id"), index=True)
    opened_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    passport: Mapped[dict[str, Any]] = mapped_column(JSONB)
    events: Mapped[list[AlertEvent]] = relationship(order_by="AlertEvent.id")


class AlertEvent(Base):
    """What happened to an alert; kinds in lifecycle.Kind. `message` is a sentence (i18n.Message); in the
    system's events `passport` and `muted` (who was not told, and why) stand beside it."""

    __tablename__ = "alert_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    level: Mapped[int]
    message: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    comment: Mapped[str | None]


class AlertArea(Base):
    """A unit that shares an outbreak or cluster with the alert's own; none where the alert stands alone.

    `role`: lead, of the unit that leads the outbreak, or co_owner. Written by areas.py, with the evidence.
    """

    __tablename__ = "alert_area"

    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("admin_unit.id"), primary_key=True, index=True)
    role: Mapped[str]


class AlertAttachment(Base):
    """A photo or PDF put to an alert; its bytes lie beside the database (attachments.Store) under `sha256`, that of
    what the reader gets. The name it came under is not kept: it may name a person."""

    __tablename__ = "alert_attachment"
    __table_args__ = (UniqueConstraint("alert_id", "sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    at: Mapped[datetime]
    media_type: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[str]
    removed_at: Mapped[datetime | None]


class AlertWatch(Base):
    """That this person follows an alert which is not theirs to do."""

    __tablename__ = "alert_watch"

    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    since: Mapped[datetime]


class Delivery(Base):
    """The outbox: one message to one person by one channel, or one CAP message to a machine (no `user_id`).
    States: due, sent, dead.

    Written in the transaction of its event, claimed with SKIP LOCKED, sent, then marked. `dedup_key` makes a
    second one impossible; it is also the Message-ID, so a resend after a crash is recognisable. A `digest` waits
    for the next morning and leaves in one message with the others of its person and channel. `urgent`: quiet hours do
    not hold it. `muted`: written under a silence, so it is in the inbox and raises no count. `for_unit_id`: the area
    that makes it this person's business where it is not the alert's own. `address`: that of a shift, not the person's.

    It is about an event of an alert; or about a legal duty that has no alert (`duty_id`, in the application only); or
    it is a day's list of a person's duties (`agenda_on`), whose words are made when it is sent (agenda.py).
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_due", "next_attempt_at", postgresql_where=text("state = 'due'")),
        Index("ix_delivery_agenda_on", "agenda_on", postgresql_where=text("agenda_on IS NOT NULL")),
        Index("ix_delivery_duty_id", "duty_id", postgresql_where=text("duty_id IS NOT NULL")),
        CheckConstraint("num_nonnulls(event_id, duty_id, agenda_on) = 1", name="subject"),
        CheckConstraint("(alert_id IS NULL) = (event_id IS NULL)", name="event_of_alert"),
        CheckConstraint("(user_id IS NULL) = (cap_message_id IS NOT NULL)", name="recipient"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    dedup_key: Mapped[str] = mapped_column(unique=True)
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alert.id"), index=True)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("alert_event.id"))
    duty_id: Mapped[int | None] = mapped_column(ForeignKey("duty.id"))
    agenda_on: Mapped[date | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    cap_message_id: Mapped[int | None] = mapped_column(ForeignKey("cap_message.id"))
    channel: Mapped[str]
    digest: Mapped[bool] = mapped_column(default=False)
    urgent: Mapped[bool] = mapped_column(default=False)
    muted: Mapped[bool] = mapped_column(default=False)
    for_unit_id: Mapped[int | None] = mapped_column(ForeignKey("admin_unit.id"))
    address: Mapped[str | None]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    error: Mapped[str | None]


class CapMessage(Base):
    """A CAP message as it was published, never changed. `event_id`: the newest event it speaks of; `final`: the last of
    its chain; `xml`: the very bytes that were sent, since what they were made of (boundaries, names) changes."""

    __tablename__ = "cap_message"

    id: Mapped[int] = mapped_column(primary_key=True)
    identifier: Mapped[str] = mapped_column(unique=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), index=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("alert_event.id"))
    sender: Mapped[str]
    status: Mapped[str]
    scope: Mapped[str]
    msg_type: Mapped[str]
    final: Mapped[bool]
    unknown: Mapped[bool]
    sent: Mapped[datetime]
    expires: Mapped[datetime]
    headline: Mapped[str]
    xml: Mapped[str]


class DeliveryReceipt(Base):
    """What the other side said of a delivery, append-only. Kinds: accepted (with the provider's id of the message),
    refused, delivered, bounced. `note`: its words as an i18n.Message in JSON."""

    __tablename__ = "delivery_receipt"
    __table_args__ = (Index("ix_delivery_receipt_provider_id", "provider_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    provider_id: Mapped[str | None]
    note: Mapped[str | None]


class ChannelSecret(Base):
    """What a channel must remember between messages, encrypted (surveillance.privacy.Vault): Zalo's tokens, of which
    each works once."""

    __tablename__ = "channel_secret"

    channel: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes]
    changed_at: Mapped[datetime]


class ReplayRun(Base):
    """A past run through the whole chain again, in a schema of its own that bears this name.

    `done_to`: the last day that is complete; `every` 1: each day was run. `without`: parts left out ("scan").
    `scorecard` and `curve` are made when it is finished (`scoring.py`).
    """

    __tablename__ = "replay_run"

    schema: Mapped[str] = mapped_column(primary_key=True)
    first_day: Mapped[date]
    last_day: Mapped[date]
    every: Mapped[int] = mapped_column(default=1)
    diseases: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    policy_version: Mapped[str]
    policy_hash: Mapped[str]
    without: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    started_at: Mapped[datetime]
    done_to: Mapped[date | None]
    finished_at: Mapped[datetime | None]
    scorecard: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    curve: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
