"""The study period cut into intervals, the units of time that a window is made of."""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

DAY = timedelta(days=1)


class Unit(StrEnum):
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Interval t runs from `starts[t]` to the day before `starts[t + 1]`; the last to `last`."""

    starts: tuple[date, ...]
    last: date

    @property
    def size(self) -> int:
        return len(self.starts)

    def end(self, interval: int) -> date:
        """The last day of an interval."""
        return self.last if interval + 1 == self.size else self.starts[interval + 1] - DAY

    def holding(self, day: date) -> int | None:
        """The interval that holds `day`; None outside the period."""
        return bisect_right(self.starts, day) - 1 if self.starts[0] <= day <= self.last else None

    def weekdays(self) -> tuple[int, ...]:
        """Monday 0 … Sunday 6 of each interval. Meaningful where intervals are days."""
        return tuple(start.weekday() for start in self.starts)

    @property
    def days(self) -> float:
        """Days of an interval, on average over the period."""
        return ((self.last - self.starts[0]).days + 1) / self.size


def cut(first: date, last: date, unit: Unit = Unit.DAY, length: int = 1) -> Intervals:
    """`first` … `last` in intervals of `length` units, counted back from `last`: as in SaTScan, the first may be
    shorter and the last never is. Raises ValueError where `last` is before `first` or `length` is below 1."""
    if last < first or length < 1:
        raise ValueError(f"no intervals of {length} from {first} to {last}")
    starts = [first]
    for start in _back_from(last + DAY, unit, length):
        if start <= first:
            break
        starts.append(start)
    return Intervals(starts=tuple(sorted(starts)), last=last)


def _back_from(stop: date, unit: Unit, length: int) -> Iterator[date]:
    back = length
    while True:
        yield (
            stop - back * DAY
            if unit is Unit.DAY
            else _months_before(stop, back * (12 if unit is Unit.YEAR else 1))
        )
        back += length


def _months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or that month's last where it is shorter; January of year 1 at the earliest."""
    year, month = divmod(max(day.year * 12 + day.month - 1 - months, 12), 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
