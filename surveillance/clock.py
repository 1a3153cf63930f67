"""What time it is. In production: now. With `CANHDICH_CLOCK=data` (demo, replay of old data): the moment of
the newest data, so that levels, deadlines and "this week" belong to the data that is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from surveillance.models import IngestRun


def data_until(session: Session) -> datetime | None:
    """When the newest data became known; None before the first file."""
    return session.scalar(select(func.max(IngestRun.known_at)).where(IngestRun.state == "done"))


def current_time(session: Session, mode: Literal["real", "data"]) -> datetime:
    """Now, in UTC, as this deployment counts it."""
    real = datetime.now(UTC)
    if mode == "real":
        return real
    return data_until(session) or real
