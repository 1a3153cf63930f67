"""Which CAP message an alert needs next, if any. Pure: publishing.py reads before and writes after.

nothing live  --wanted------------------------> Alert
live          --new event, silence, expiring--> Update
live          --level 1 again-----------------> Update, all clear   (final)
live          --closed as true by a person----> Update, handed over (final)
live          --dismissed as anything else----> Cancel              (final)

Once published, an alert is followed to its end, also below the least level (docs/decisions/cap.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from alerts.acts import RESTING, State
from alerts.cap import MsgType, Scope, Status
from alerts.levels import Level
from alerts.lifecycle import ALERT_LEVEL

VALID_FOR = timedelta(days=7)
"""How long a message counts. Levels rest on weeks, and fall a step a week at most (policy.toml)."""
RENEW_BEFORE = timedelta(days=1)
FINAL_FOR = timedelta(hours=48)
"""A last message expires soon, but stays in the feed long enough to be fetched (Google's guidelines: 24–48 hours)."""


class Purpose(StrEnum):
    """What a message tells."""

    ISSUE = "issue"
    CHANGE = "change"
    RENEW = "renew"
    ALL_CLEAR = "all_clear"
    HAND_OVER = "hand_over"
    WITHDRAW = "withdraw"


FINAL = frozenset({Purpose.ALL_CLEAR, Purpose.HAND_OVER, Purpose.WITHDRAW})


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """Who publishes what for whom. `min_level`: alerts below it are not begun. `webhook`: also pushed."""

    access: Literal["signed-in", "public"]
    sender: str
    status: Status
    min_level: Level
    webhook: bool

    @property
    def scope(self) -> Scope:
        return "Public" if self.access == "public" else "Restricted"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNow:
    """An alert as it stands. `event_id`: the newest event of the system; `unknown`: its sources are silent."""

    state: str
    outcome: str | None
    level: int
    event_id: int
    unknown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A message as it went out; `final`: the chain ended with it."""

    identifier: str
    sender: str
    status: str
    scope: str
    msg_type: str
    final: bool
    event_id: int
    unknown: bool
    sent: datetime
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    purpose: Purpose
    msg_type: MsgType
    references: tuple[Published, ...]
    expires: datetime

    @property
    def final(self) -> bool:
        return self.purpose in FINAL


def next_message(
    alert: AlertNow, published: Sequence[Published], publication: Publication, now: datetime
) -> Plan | None:
    """The message that is due, or None. `published`: all messages of this alert, oldest first."""
    chain = live_chain(published, publication, now)
    purpose = _purpose(alert, chain, publication, now)
    if purpose is None:
        return None
    return Plan(
        purpose=purpose,
        msg_type=_msg_type(purpose),
        references=chain,
        expires=now + (FINAL_FOR if purpose in FINAL else VALID_FOR),
    )


def live_chain(
    published: Sequence[Published], publication: Publication, now: datetime
) -> tuple[Published, ...]:
    """The messages a new one updates: those of the running chain that have not expired; () when none runs.

    A chain in another voice (sender, Test instead of Actual, another scope) is left to expire: its readers are not
    the same.
    """
    if not published or published[-1].final or published[-1].expires <= now:
        return ()
    if _voice(published[-1]) != (publication.sender, publication.status, publication.scope):
        return ()
    begins = max(index for index, message in enumerate(published) if message.msg_type == "Alert")
    return tuple(message for message in published[begins:] if message.expires > now)


def _purpose(
    alert: AlertNow, chain: tuple[Published, ...], publication: Publication, now: datetime
) -> Purpose | None:
    if alert.state in RESTING:
        return _ending(alert) if chain else None
    if not chain:
        return Purpose.ISSUE if _wanted(alert, publication) else None
    last = chain[-1]
    if alert.event_id != last.event_id:
        return Purpose.CHANGE
    expiring = last.expires - now <= RENEW_BEFORE
    return Purpose.RENEW if expiring or alert.unknown != last.unknown else None


def _wanted(alert: AlertNow, publication: Publication) -> bool:
    """To the public only what a person has taken on: the system issues no public notice by itself."""
    confirmed = publication.access != "public" or alert.state != State.OPEN
    return alert.level >= publication.min_level and confirmed


def _ending(alert: AlertNow) -> Purpose:
    """At level 1 the system closed it (lifecycle.py), whatever people had concluded."""
    if alert.outcome is None or alert.level < ALERT_LEVEL:
        return Purpose.ALL_CLEAR
    return Purpose.HAND_OVER if alert.outcome == "true" else Purpose.WITHDRAW


def _msg_type(purpose: Purpose) -> MsgType:
    if purpose is Purpose.ISSUE:
        return "Alert"
    return "Cancel" if purpose is Purpose.WITHDRAW else "Update"


def _voice(message: Published) -> tuple[str, str, str]:
    return message.sender, message.status, message.scope
