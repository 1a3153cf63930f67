"""Publish: make the CAP messages in the database agree with the alerts.

Level-triggered like reconcile, and apart from it: a fault here must never hold up an alert. Killed before the commit it
leaves nothing; run twice it writes nothing twice. What is written is what was said, so it is never changed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import uuid4

from sqlalchemy import exists, func, or_, select, text
from sqlalchemy.orm import Session, aliased

from alerts.cap import CapAlert, Ring, clean, to_xml
from alerts.cap_plan import AlertNow, Plan, Publication, Published, next_message
from alerts.cap_words import CapPlace, City, Facts, compose
from alerts.channels import WEBHOOK
from alerts.delivery import event_facts
from alerts.inbox import Outcome, outcome_name
from alerts.lifecycle import CHANGES
from alerts.models import Alert, AlertEvent, AreaLevel, CapMessage, Delivery
from alerts.records import WAKES_DELIVERY
from db import notify
from geodata.models import AdminUnit, Boundary

SIMPLIFY_DEGREES = 0.0001
"""About 11 m, well below what a commune's boundary is known to; it keeps messages small."""
DECIMALS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishReport:
    """Counts of what was written."""

    alerts: int
    updates: int
    cancels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """An alert with the newest event of the system, and whether its sources are silent."""

    alert: Alert
    event_id: int
    unknown: bool


def publish(session: Session, publication: Publication, city: City, now: datetime) -> PublishReport:
    """Write the messages that are due now, and put them into the outbox. The caller commits, once.

    Moments are whole seconds, as CAP writes them: what is stored is what was sent.
    """
    now = now.replace(microsecond=0)
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('canhdich:publish'))"))
    due = list(_due(session, publication, now))
    events = _events(session, {standing.event_id for standing, _ in due})
    places = _places(session, {standing.alert.unit_id for standing, _ in due})
    messages = []
    for standing, plan in due:
        facts = _facts(standing, events[standing.event_id], places[standing.alert.unit_id], city)
        messages.append(_record(compose(str(uuid4()), facts, plan, publication, city, now), standing, plan))
    session.add_all(messages)
    session.flush()
    if publication.webhook and messages:
        session.add_all(_delivery(message, now) for message in messages)
        notify(session, WAKES_DELIVERY)
    kinds = [message.msg_type for message in messages]
    return PublishReport(
        alerts=kinds.count("Alert"), updates=kinds.count("Update"), cancels=kinds.count("Cancel")
    )


def _due(session: Session, publication: Publication, now: datetime) -> Iterator[tuple[_Standing, Plan]]:
    standing = _candidates(session, publication, now)
    published = _published(session, [one.alert.id for one in standing])
    for one in standing:
        alert = AlertNow(
            state=one.alert.state,
            outcome=one.alert.outcome,
            level=one.alert.level,
            event_id=one.event_id,
            unknown=one.unknown,
        )
        plan = next_message(alert, published.get(one.alert.id, ()), publication, now)
        if plan is not None:
            yield one, plan


def _candidates(session: Session, publication: Publication, now: datetime) -> list[_Standing]:
    """Alerts that may need a message: those high enough, and those whose messages still count."""
    newest = (
        select(func.max(AlertEvent.id))
        .where(AlertEvent.alert_id == Alert.id, AlertEvent.kind.in_(CHANGES), AlertEvent.user_id.is_(None))
        .scalar_subquery()
    )
    running = exists().where(CapMessage.alert_id == Alert.id, CapMessage.expires > now)
    same_area = (AreaLevel.disease == Alert.disease) & (AreaLevel.unit_id == Alert.unit_id)
    rows = session.execute(
        select(Alert, newest, func.coalesce(AreaLevel.unknown, False))
        .outerjoin(AreaLevel, same_area & AreaLevel.known_to.is_(None))
        .where(or_((Alert.state != "closed") & (Alert.level >= publication.min_level), running))
        .order_by(Alert.id)
    )
    return [_Standing(alert=alert, event_id=event_id, unknown=unknown) for alert, event_id, unknown in rows]


def _events(session: Session, ids: Collection[int]) -> dict[int, AlertEvent]:
    return {event.id: event for event in session.scalars(select(AlertEvent).where(AlertEvent.id.in_(ids)))}


def _published(session: Session, alert_ids: Collection[int]) -> dict[int, list[Published]]:
    """Messages by alert, oldest first."""
    fields = tuple(Published.__dataclass_fields__)
    columns = [getattr(CapMessage, name) for name in fields]
    rows = session.execute(
        select(CapMessage.alert_id, *columns)
        .where(CapMessage.alert_id.in_(alert_ids))
        .order_by(CapMessage.id)
    )
    found: dict[int, list[Published]] = {}
    for alert_id, *values in rows:
        found.setdefault(alert_id, []).append(Published(**dict(zip(fields, values, strict=True))))
    return found


def _facts(standing: _Standing, event: AlertEvent, place: CapPlace, city: City) -> Facts:
    outcome = cast("Outcome | None", standing.alert.outcome)
    return Facts(
        event=event_facts(event, city.timezone),
        place=place,
        opened_at=standing.alert.opened_at,
        unknown=standing.unknown,
        outcome=outcome_name(outcome) if outcome else None,
    )


def _record(composed: CapAlert, standing: _Standing, plan: Plan) -> CapMessage:
    return CapMessage(
        identifier=composed.identifier,
        alert_id=standing.alert.id,
        event_id=standing.event_id,
        sender=composed.sender,
        status=composed.status,
        scope=composed.scope,
        msg_type=composed.msg_type,
        final=plan.final,
        unknown=standing.unknown,
        sent=composed.sent,
        expires=composed.infos[0].expires,
        headline=clean(composed.infos[0].headline),
        xml=to_xml(composed).decode(),
    )


def _delivery(message: CapMessage, now: datetime) -> Delivery:
    return Delivery(
        dedup_key=f"cap:{message.identifier}:{WEBHOOK}",
        alert_id=message.alert_id,
        event_id=message.event_id,
        cap_message_id=message.id,
        channel=WEBHOOK,
        state="due",
        created_at=now,
        next_attempt_at=now,
    )


def _places(session: Session, unit_ids: Collection[int]) -> Mapping[int, CapPlace]:
    parent = aliased(AdminUnit)
    simple = func.ST_SimplifyPreserveTopology(Boundary.geom, SIMPLIFY_DEGREES)
    shape = func.ST_AsGeoJSON(func.ST_Multi(simple), DECIMALS)  # it turns one part into a plain polygon
    rows = session.execute(
        select(AdminUnit, parent.name.label("parent"), shape.label("shape"))
        .outerjoin(parent, parent.id == AdminUnit.parent_id)
        .outerjoin(Boundary, (Boundary.unit_id == AdminUnit.id) & Boundary.synthetic.is_(False))
        .where(AdminUnit.id.in_(unit_ids))
    )
    return {
        row.AdminUnit.id: CapPlace(
            name=row.AdminUnit.name,
            parent=row.parent,
            code=row.AdminUnit.code,
            valid_from=row.AdminUnit.valid_from,
            rings=_outer_rings(row.shape),
        )
        for row in rows
    }


def _outer_rings(shape: str | None) -> list[Ring]:
    """Outer rings only: CAP knows no holes. A ring that rounding leaves fewer than four points is not one."""
    if shape is None:
        return []
    rings = [[(lat, lon) for lon, lat in polygon[0]] for polygon in json.loads(shape)["coordinates"]]
    return [ring for ring in rings if len(ring) >= 4]
