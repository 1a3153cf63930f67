"""Working hours, holidays and quiet hours on a city's clocks. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
MOST_DAYS = 366
"""No deadline is looked for beyond: an office that never opens is a mistake in the file, not a wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """`days`: ISO weekdays, 1 is Monday. The lunch break counts as work: somebody is at the desk."""

    days: frozenset[int]
    starts: time
    ends: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When the offices of a city are open."""

    hours: WorkingHours
    is_holiday: Callable[[date], bool]
    zone: ZoneInfo

    def open_on(self, day: date) -> tuple[datetime, datetime] | None:
        """From when until when, in UTC-aware moments; None on a day off."""
        if day.isoweekday() not in self.hours.days or self.is_holiday(day):
            return None
        at = (datetime.combine(day, hour, tzinfo=self.zone) for hour in (self.hours.starts, self.hours.ends))
        return next(at), next(at)

    def after(self, start: datetime, length: timedelta) -> datetime:
        """When `length` of working time has passed since `start`. ValueError: none within a year."""
        left, day = length, start.astimezone(self.zone).date()
        for _ in range(MOST_DAYS):
            span = self.open_on(day)
            if span is not None:
                begins, ends = max(start, span[0]), span[1]
                if begins < ends and left <= ends - begins:
                    return begins + left
                left -= max(ends - begins, timedelta())
            day += DAY
        raise ValueError(f"no {length} of working time in the {MOST_DAYS} days after {start:%Y-%m-%d}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """A person's quiet hours; over midnight when `starts` is after `ends`."""

    starts: time
    ends: time


def quiet_until(quiet: Quiet | None, urgent: bool, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When a message may go out that comes up `now`; None: at once. What is urgent never waits."""
    if quiet is None or urgent or quiet.starts == quiet.ends:
        return None
    local = now.astimezone(zone)
    if quiet.starts < quiet.ends:
        waits, last_day = quiet.starts <= local.time() < quiet.ends, local.date()
    else:
        waits = local.time() >= quiet.starts or local.time() < quiet.ends
        last_day = local.date() + (DAY if local.time() >= quiet.starts else timedelta())
    return datetime.combine(last_day, quiet.ends, tzinfo=zone) if waits else None
