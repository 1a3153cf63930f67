"""What became of messages, for whoever looks after them: those given up, and those that wait for a channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session

from accounts.models import User, UserArea
from alerts.delivery import stored_error
from alerts.models import Alert, Delivery
from geodata.models import AdminUnit
from i18n import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that was given up. `alert_id` is where it would have led; without one it was a day's list of legal
    duties (agenda.py), and so without disease and unit."""

    id: int
    alert_id: int | None
    user_name: str
    channel: str
    disease: str | None
    unit_name: str | None
    created_at: datetime
    attempts: int
    error: Message | None


def dead_letters(
    session: Session, area_ids: set[int] | None, limit: int = 100
) -> tuple[tuple[DeadLetter, ...], int]:
    """The newest of these areas (None: the city), and how many there are in all."""
    wanted = [Delivery.state == "dead"]
    if area_ids is not None:
        theirs = exists().where(UserArea.user_id == Delivery.user_id, UserArea.unit_id.in_(area_ids))
        wanted.append(or_(Alert.unit_id.in_(area_ids), and_(Delivery.alert_id.is_(None), theirs)))
    rows = session.execute(
        select(Delivery, User.full_name, Alert.disease, AdminUnit.name)
        .outerjoin(Alert, Alert.id == Delivery.alert_id)
        .join(User, User.id == Delivery.user_id)
        .outerjoin(AdminUnit, AdminUnit.id == Alert.unit_id)
        .where(*wanted)
        .order_by(Delivery.id.desc())
        .limit(limit)
    ).all()
    total = session.scalar(
        select(func.count(Delivery.id)).outerjoin(Alert, Alert.id == Delivery.alert_id).where(*wanted)
    )
    letters = tuple(
        DeadLetter(
            id=delivery.id,
            alert_id=delivery.alert_id,
            user_name=name,
            channel=delivery.channel,
            disease=disease,
            unit_name=unit,
            created_at=delivery.created_at,
            attempts=delivery.attempts,
            error=stored_error(delivery),
        )
        for delivery, name, disease, unit in rows
    )
    return letters, total or 0


def waiting_by_channel(session: Session) -> Mapping[str, int]:
    """Messages that are due, by channel, without those that wait for the next digest."""
    rows = session.execute(
        select(Delivery.channel, func.count().label("waiting"))
        .where(Delivery.state == "due", Delivery.digest.is_(False))
        .group_by(Delivery.channel)
    )
    return {row.channel: row.waiting for row in rows}
