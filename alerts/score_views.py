"""What the scorecard's page reads: real alerts of a period with what people did, and finished replays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.models import Role, User
from alerts.lifecycle import Kind
from alerts.models import Alert, AlertEvent, ReplayRun
from alerts.scorecard import Handled


@dataclass(frozen=True, slots=True, kw_only=True)
class HandledAlert:
    """One row behind the figures."""

    id: int
    disease: str
    unit_id: int
    peak_level: int
    handled: Handled


def handled_alerts(
    session: Session, start: datetime, end: datetime, unit_ids: Collection[int] | None
) -> list[HandledAlert]:
    """Alerts that opened from `start` until before `end` in `unit_ids` (None: everywhere), newest first. A person's
    first act on one counts as acknowledging it."""
    first_act = (
        select(func.min(AlertEvent.at))
        .where(AlertEvent.alert_id == Alert.id, AlertEvent.user_id.is_not(None))
        .where(AlertEvent.kind.in_([Kind.ACKNOWLEDGED, Kind.CLOSED]))
        .scalar_subquery()
    )
    query = (
        select(
            Alert.id, Alert.disease, Alert.unit_id, Alert.peak_level, Alert.opened_at, Alert.outcome,
            first_act.label("acknowledged_at"),
        )
        .where(Alert.opened_at >= start, Alert.opened_at < end)
        .order_by(Alert.opened_at.desc(), Alert.id.desc())
    )  # fmt: skip
    if unit_ids is not None:
        query = query.where(Alert.unit_id.in_(unit_ids))
    return [
        HandledAlert(
            id=row.id, disease=row.disease, unit_id=row.unit_id, peak_level=row.peak_level,
            handled=Handled(opened_at=row.opened_at, acknowledged_at=row.acknowledged_at, outcome=row.outcome),
        )
        for row in session.execute(query)
    ]  # fmt: skip


def officer_count(session: Session) -> int:
    """Active officers: among them the alerts are shared."""
    query = select(func.count()).select_from(User).where(User.role == Role.OFFICER.value, User.active)
    return session.scalar(query) or 0


def finished_replays(session: Session) -> list[ReplayRun]:
    """With a scorecard, newest first."""
    query = select(ReplayRun).where(ReplayRun.scorecard.is_not(None))
    return list(session.scalars(query.order_by(ReplayRun.finished_at.desc().nulls_last(), ReplayRun.schema)))
