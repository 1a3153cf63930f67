"""What becomes of an alert when its area is decided anew. Pure: the engine reads before and writes after.

none       --level 2+-->  open      --level rises/falls-->  raised / lowered
open       --level 1--->  ended     (closed by the system; a person's conclusion stays)
dismissed, or closed by a person    rests until it grew worse (`_worse`): then the same alert re-opens
closed, calm since                  a flare within FLARE_DAYS re-opens the same alert, a later one opens another

What people do to it is in acts.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts import levels
from alerts.levels import Level
from i18n import Message
from surveillance.types import StatutoryStatus

ALERT_LEVEL = 2
"""The inbox starts at level 2, trung bình; level 1 needs no alert (ui.md §0)."""
FLARE_DAYS = 28
"""A cause that returns within this time is the same event, as for outbreaks (domain.md §8.6)."""


class Kind(StrEnum):
    """Kinds of alert events: CHANGES are the system's, the last four are about who is told (alerts/telling/), the
    others people's; both the system and people re-open."""

    OPENED = "opened"
    REOPENED = "reopened"
    RAISED = "raised"
    LOWERED = "lowered"
    EVIDENCE = "evidence"
    ENDED = "ended"
    ACKNOWLEDGED = "acknowledged"
    COMMENT = "comment"
    CLOSED = "closed"
    RESENT = "resent"
    ASSIGNED = "assigned"
    HANDED_OVER = "handed_over"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    DISMISSED = "dismissed"
    ATTACHED = "attached"
    DETACHED = "detached"
    ESCALATED = "escalated"
    SILENCED = "silenced"
    SILENCE_ENDED = "silence_ended"
    NEIGHBOURS = "neighbours"
    REMINDED = "reminded"
    """The system's, of a legal deadline (duty_reminders.py)."""


CHANGES = frozenset({Kind.OPENED, Kind.REOPENED, Kind.RAISED, Kind.LOWERED, Kind.EVIDENCE, Kind.ENDED})
"""Kinds that say how things stand."""


STATUS_NAMES = {
    StatutoryStatus.NONE: "không",
    StatutoryStatus.WARNING: "cảnh báo",
    StatutoryStatus.EPIDEMIC: "có dịch",
    StatutoryStatus.ENDED: "hết dịch",
    StatutoryStatus.INSUFFICIENT: "không đủ dữ liệu",
}
SEVERITY = {StatutoryStatus.WARNING: 1, StatutoryStatus.EPIDEMIC: 2}
"""Statuses that set legal clocks running; all others are 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    """An alert as it stands. `methods`: every method that has alarmed since it opened. `dismissed`: a person found that
    there is nothing; then level and status are those of that moment."""

    level: int
    status: StatutoryStatus
    status_since: datetime
    methods: frozenset[str]
    dismissed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedState:
    """The newest alert of an area, closed. `calm_since`: level 1 was reached, by which the system closes too."""

    level: int
    status: StatutoryStatus
    status_since: datetime
    calm_since: bool
    closed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was decided now of one disease in one unit."""

    level: int
    status: StatutoryStatus
    methods: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A step in an alert's life, worth an event. `level_before` is 1 and `status_before` NONE at opening."""

    kind: Kind
    level_before: int
    level: int
    status_before: StatutoryStatus
    status: StatutoryStatus
    status_since: datetime
    methods: frozenset[str]
    new_methods: frozenset[str]

    @property
    def status_rose(self) -> bool:
        """A statutory criterion is newly met: the clock of art. 26 starts (domain.md §2.1)."""
        return severity(self.status) > severity(self.status_before)

    @property
    def status_ended(self) -> bool:
        """Art. 16(3): the end notice, Form 02, is due."""
        return self.status is StatutoryStatus.ENDED and self.status_before is not StatutoryStatus.ENDED


def status_name(status: StatutoryStatus) -> Message:
    return Message(STATUS_NAMES[status])


def severity(status: StatutoryStatus | None) -> int:
    return SEVERITY.get(status, 0) if status else 0


def next_change(
    alert: AlertState | None, closed: ClosedState | None, found: Finding, now: datetime
) -> Change | None:
    """The step from what stands (`alert` open, or the last one `closed`, or neither) to what was found."""
    if alert is None:
        return _open(closed, found, now)
    if found.level < ALERT_LEVEL:
        kind = Kind.ENDED
    elif alert.dismissed:
        if not _worse(alert, found):
            return None
        kind = Kind.REOPENED
    elif found.level > alert.level:
        kind = Kind.RAISED
    elif found.level < alert.level:
        kind = Kind.LOWERED
    elif _status_matters(alert.status, found.status) or found.methods - alert.methods:
        kind = Kind.EVIDENCE
    else:
        return None
    return Change(
        kind=kind,
        level_before=alert.level,
        level=found.level,
        status_before=alert.status,
        status=found.status,
        status_since=alert.status_since if alert.status == found.status else now,
        methods=alert.methods | found.methods,
        new_methods=found.methods - alert.methods,
    )


def _open(closed: ClosedState | None, found: Finding, now: datetime) -> Change | None:
    if found.level < ALERT_LEVEL:
        return None
    if closed is None or closed.calm_since:
        flares = closed is not None and now - closed.closed_at <= timedelta(days=FLARE_DAYS)
        kind = Kind.REOPENED if flares else Kind.OPENED
        level_before, status_before, since = ALERT_LEVEL - 1, StatutoryStatus.NONE, now
    elif _worse(closed, found):
        kind, level_before, status_before = Kind.REOPENED, closed.level, closed.status
        since = closed.status_since if closed.status == found.status else now
    else:
        return None
    return Change(
        kind=kind,
        level_before=level_before,
        level=found.level,
        status_before=status_before,
        status=found.status,
        status_since=since,
        methods=found.methods,
        new_methods=found.methods,
    )


def _worse(closed: AlertState | ClosedState, found: Finding) -> bool:
    """What a person dismissed or closed returns only above the level it had then, or under a graver statutory status:
    their judgement stands against the same evidence, never against a new legal duty."""
    return found.level > closed.level or severity(found.status) > severity(closed.status)


def _status_matters(before: StatutoryStatus, after: StatutoryStatus) -> bool:
    """Not every change of words: "none" and "insufficient" are the same to an officer."""
    return severity(before) != severity(after) or (
        after is StatutoryStatus.ENDED and before is not StatutoryStatus.ENDED
    )


def describe(change: Change) -> Message:
    """One sentence for the log and the first line of a message."""
    before, after = levels.name(Level(change.level_before)), levels.name(Level(change.level))
    sentences = {
        Kind.OPENED: Message("Mở cảnh báo ở mức {level}.", level=after),
        Kind.REOPENED: Message("Mở lại cảnh báo ở mức {level}: địa bàn đã yên, nay lại tăng.", level=after)
        if change.level_before < ALERT_LEVEL
        else Message("Mở lại cảnh báo ở mức {level} vì tình hình nặng hơn khi đóng.", level=after),
        Kind.RAISED: Message("Nâng từ mức {before} lên mức {level}.", before=before, level=after),
        Kind.LOWERED: Message("Hạ từ mức {before} xuống mức {level}.", before=before, level=after),
        Kind.EVIDENCE: Message("Có thêm bằng chứng, vẫn ở mức {level}.", level=after),
        Kind.ENDED: Message("Kết thúc: địa bàn đã trở về mức {level}.", level=after),
    }
    sentence = sentences[change.kind]
    if not _status_matters(change.status_before, change.status):
        return sentence
    return Message(
        "{sentence} Tình trạng theo Thông tư 15/2026/TT-BYT: {status}.",
        sentence=sentence,
        status=status_name(change.status),
    )
