"""Communes from which nothing is heard any more although files come, as Signals. Pure.

Reports of all diseases are taken together: that one is missing says little, that all are says that names of the commune
are misspelt, a hospital's list is cut, or nobody reports. With λ reports a day before, a pause of d days has the
probability exp(−λ·d) if reports come independently; they come in bursts, so the policy asks for far less than 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from i18n import Message
from surveillance.evidence import SILENCE
from surveillance.types import Frequency, Signal

VERSION = "1"
BASE_DAYS = 56
"""Days before the pause by which it is judged."""
LEAST_DAYS, MOST_CHANCE = 7, 0.001
"""Shorter or likelier pauses are not even told to the policy."""

FOUND = (
    "Đã {days} ngày không có báo cáo ca bệnh nào từ đây, trong khi {weeks} tuần trước đó có {reports} báo cáo: có thể"
    " báo cáo bị tắc hoặc ghi sai nơi ở, nên chưa biết tình hình."
)


class Pause(NamedTuple):
    """The last report, and how many there were in the BASE_DAYS before it."""

    last: date
    before: int

    def chance(self, newest: date) -> float:
        return math.exp(-self.before / BASE_DAYS * (newest - self.last).days)


def silence_signals(
    reports: Mapping[int, Mapping[date, int]],
    diseases: Sequence[str],
    *,
    newest: date,
    now: datetime,
    known: Mapping[int, Pause] | None = None,
) -> list[Signal]:
    """Signals of every disease in each silent commune. `reports` by commune and report day, as far back as one looks;
    `newest` is the day of the newest file of all. `known`: communes that were silent when last looked at, so that a
    pause longer than one looks back goes on."""
    pauses = {**(known or {}), **{unit: _pause(days, newest) for unit, days in reports.items() if days}}
    return [
        _signal(disease, unit, pause, newest=newest, now=now)
        for unit, pause in sorted(pauses.items())
        if (newest - pause.last).days >= LEAST_DAYS and pause.chance(newest) <= MOST_CHANCE
        for disease in diseases
    ]


def _pause(days: Mapping[date, int], newest: date) -> Pause:
    last = max((day for day in days if day <= newest), default=newest)
    return Pause(last, sum(n for day, n in days.items() if 0 < (last - day).days <= BASE_DAYS))


def pause_of(signal_period_start: date, detail: Mapping[str, object]) -> Pause:
    """What a signal told of a pause."""
    return Pause(signal_period_start, int(str(detail["reports_before"])))


def _signal(disease: str, unit: int, pause: Pause, *, newest: date, now: datetime) -> Signal:
    last, before = pause
    days = (newest - last).days
    return Signal(
        disease=disease,
        unit_id=unit,
        method=SILENCE,
        method_version=VERSION,
        frequency=Frequency.DAY,
        period_start=last,
        as_of=now,
        observed=0.0,
        expected=round(before / BASE_DAYS * days, 1),
        upperbound=None,
        alarm=False,
        reason=Message(FOUND, days=days, weeks=BASE_DAYS // 7, reports=before),
        detail={"days": days, "chance": float(f"{pause.chance(newest):.2g}"), "reports_before": before},
    )
