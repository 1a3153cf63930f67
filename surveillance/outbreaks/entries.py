"""What people and the data wrote down of an outbreak, read back: what still stands, and the work it amounts to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from i18n import Message
from surveillance.outbreaks.lifecycle import Status
from surveillance.outbreaks.models import OutbreakEvent
from surveillance.outbreaks.record import STATUS_EVENT, SURVEY_EVENT, WITHDRAWN_EVENT, survey_of
from surveillance.outbreaks.tasks import Work

SPRAYING, LARVICIDE, COMMUNICATION, NOTE = "spraying", "larvicide", "communication", "note"
HOUSEHOLDS = "households"
"""The house of a case and those around it were visited."""
MEASURES = (HOUSEHOLDS, SPRAYING, LARVICIDE, COMMUNICATION)
ENTRIES = (SURVEY_EVENT, *MEASURES, NOTE)
"""What people enter and may take back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of an outbreak; `detail` as `OutbreakEvent` explains it. `withdrawn`: somebody took it back."""

    id: int
    at: datetime
    kind: str
    user_id: int | None
    message: Message
    detail: Mapping[str, Any]
    withdrawn: bool = False

    @property
    def on(self) -> date | None:
        """The day it was done, where the entry names one."""
        return date.fromisoformat(self.detail["on"]) if "on" in self.detail else None

    @property
    def comment(self) -> str | None:
        return self.detail.get("comment")

    @property
    def product(self) -> str | None:
        return self.detail.get("product")


def entries_of(
    session: Session, outbreak_ids: Collection[int], *, as_of: datetime | None = None
) -> dict[int, tuple[Entry, ...]]:
    """By outbreak, in the order they were written; those written by `as_of` (None: all)."""
    query = select(OutbreakEvent).where(OutbreakEvent.outbreak_id.in_(outbreak_ids))
    if as_of is not None:
        query = query.where(OutbreakEvent.at <= as_of)
    events = session.scalars(query.order_by(OutbreakEvent.id)).all()
    gone = {event.detail["entry"] for event in events if event.kind == WITHDRAWN_EVENT}
    found: defaultdict[int, list[Entry]] = defaultdict(list)
    for event in events:
        found[event.outbreak_id].append(_entry(event, event.id in gone))
    return {outbreak_id: tuple(entries) for outbreak_id, entries in found.items()}


def begun_at(entries: Iterable[Entry], first_known_at: datetime) -> datetime:
    """When the clocks of the tasks began: as it was confirmed or re-opened for the last time, else as it was found."""
    after = (Status.CONFIRMED, Status.REOPENED)
    return max(
        [first_known_at, *(e.at for e in entries if e.kind == STATUS_EVENT and e.detail["after"] in after)]
    )


def work_done(entries: Sequence[Entry], zone: tzinfo) -> Work:
    """The work that stands; after a re-opening only what was done since, for then it begins anew."""
    again = [e for e in entries if e.kind == STATUS_EVENT and e.detail["after"] == Status.REOPENED]
    first = again[-1].at.astimezone(zone).date() if again else date.min
    done = [e for e in entries if not e.withdrawn and e.on is not None and e.on >= first]
    return Work(
        handling_started=min((e.on for e in done if _begins_handling(e) and e.on), default=None),
        surveys=[survey_of(e.detail) for e in done if e.kind == SURVEY_EVENT],
        sprayings=[e.on for e in done if e.kind == SPRAYING and e.on],
        larvicide=[e.on for e in done if e.kind == LARVICIDE and e.on],
    )


def _begins_handling(entry: Entry) -> bool:
    """A person set it to be handled; new cases, too, make an outbreak active again, but nobody came."""
    return entry.kind == STATUS_EVENT and entry.user_id is not None and entry.detail["after"] == Status.ACTIVE


def _entry(event: OutbreakEvent, withdrawn: bool) -> Entry:
    return Entry(
        id=event.id, at=event.at, kind=event.kind, user_id=event.user_id,
        message=Message.from_json(event.message), detail=event.detail, withdrawn=withdrawn,
    )  # fmt: skip
