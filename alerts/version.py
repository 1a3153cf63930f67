"""Whether anything changed that a screen shows: cheap enough to ask every few seconds."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.models import AlertEvent, AreaLevel


def alerts_version(session: Session) -> tuple[int, int]:
    """Grows with every new level and every event of an alert."""
    levels, events = (session.scalar(select(func.max(table.id))) or 0 for table in (AreaLevel, AlertEvent))
    return levels, events
