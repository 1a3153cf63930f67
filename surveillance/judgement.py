"""The line list put before the detectors: which numbers each of them gets, and what they find. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from surveillance.adjacency import Weights
from surveillance.completed import Completed, complete
from surveillance.detection import ROLLING
from surveillance.detection.statutory import (
    LINKED_WARNING,
    Findings,
    Regime,
    StatutoryRule,
    evaluate,
)
from surveillance.detection.statutory_signals import to_signals
from surveillance.diseases import Disease
from surveillance.epiweek import month_start, week_start
from surveillance.estimates import nowcast_signals, rt_signals
from surveillance.hot_spots import hot_spot_signals
from surveillance.lines import EPOCH, Lines
from surveillance.links import linked_cases
from surveillance.rolling import rolling_signals
from surveillance.types import (
    BoolArray,
    CountSeries,
    FloatArray,
    Frequency,
    SeriesKey,
    Signal,
    StatutoryStatus,
)

REPORTS_LATE = 3
"""Days without a report after which a day without cases is no longer put down to a file that is still to come."""

Rules = Sequence[Sequence[StatutoryRule]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What the methods must know of the U communes: persons (U,), NaN unknown, and who is next to whom.

    `city_id` is the unit that stands for all of them together; None: nothing is said of the city.
    """

    population: FloatArray
    weights: Weights
    city_id: int | None


def judge(
    lines: Lines,
    diseases: Sequence[Disease],
    *,
    places: Places,
    unknown: BoolArray,
    rules: Rules,
    previous: Mapping[SeriesKey, StatutoryStatus],
    now: datetime,
    today: date,
) -> list[Signal]:
    """Signals of every disease in every commune, and in the city as a whole.

    `lines` are the cases known at `now`, in the order of `diseases`; `unknown` (D, U, T) marks days up to and
    with `today` of which nothing is known; `rules` is D × U; `previous` the month's last statutory status.
    The law is applied to what is reported, every other method to what is expected to be reported in the end.
    """
    signals = _statutory(lines, diseases, unknown, rules, previous, now, today)
    last, to_last = to_last_report(lines, unknown, today)
    for i, disease in enumerate(diseases):
        completed = complete(lines, i, to_last[i], last)
        signals += _estimated(completed, lines.unit_ids, disease, places, now)
    return signals


def _statutory(
    lines: Lines,
    diseases: Sequence[Disease],
    unknown: BoolArray,
    rules: Rules,
    previous: Mapping[SeriesKey, StatutoryStatus],
    now: datetime,
    today: date,
) -> list[Signal]:
    start = today - timedelta(days=unknown.shape[2] - 1)
    counts = lines.daily(start, today)
    counts[unknown] = np.nan
    week, month, confirmed = _findings(lines, diseases, unknown, rules, today)
    signals: list[Signal] = []
    for i, disease in enumerate(diseases):
        keys = tuple(SeriesKey(disease.code, unit) for unit in lines.unit_ids)
        series = CountSeries(keys=keys, frequency=Frequency.DAY, start=start, observed=counts[i], as_of=now)
        findings = Findings(linked_week=week[i], linked_month=month[i], confirmed=confirmed[i])
        before = [previous.get(key) for key in keys]
        signals += to_signals(
            evaluate(series, today=today, rules=rules[i], findings=findings, previous=before)
        )
    return signals


def _estimated(
    completed: Completed, unit_ids: Sequence[int], disease: Disease, places: Places, now: datetime
) -> list[Signal]:
    """Everything that rests on completed counts."""
    found = hot_spot_signals(completed, unit_ids, disease.code, places.population, places.weights, as_of=now)
    units = list(unit_ids)
    if places.city_id is not None:
        completed, units = completed.with_total(), [*units, places.city_id]
    found += nowcast_signals(completed, units, disease.code, now)
    found += rt_signals(completed, units, disease, now)
    for method, settings in disease.detectors.items():
        if method in ROLLING:
            found += rolling_signals(completed, units, disease.code, method, settings, now)
    return found


def to_last_report(lines: Lines, unknown: BoolArray, today: date) -> tuple[date, BoolArray]:
    """The newest day of which the reports have come, and `unknown` (D, U, T) up to and with it.

    Today's file may still be on its way; reporting within a day is what the nowcast takes for granted
    (docs/methods/nowcast.md).
    """
    newest = EPOCH + timedelta(days=int(lines.reported.max(initial=0)))
    last = max(min(newest, today), today - timedelta(days=REPORTS_LATE))
    return last, unknown[:, :, : unknown.shape[2] - (today - last).days]


def _findings(
    lines: Lines, diseases: Sequence[Disease], unknown: BoolArray, rules: Rules, today: date
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Linked cases of the week and of the month, confirmed cases of group A, each (D, U)."""
    linking = lines.take(_under(rules, Regime.NON_ENDEMIC)[lines.disease, lines.unit])
    windows = [disease.link.window_days for disease in diseases]
    week, month = (
        _honest(
            linked_cases(linking.between(first, today), window_days=windows),
            unknown, first, today, enough=LINKED_WARNING,
        )
        for first in (week_start(today), month_start(today))
    )  # fmt: skip
    return week, month, _confirmed(lines, unknown, rules, today)


def _confirmed(lines: Lines, unknown: BoolArray, rules: Rules, today: date) -> FloatArray:
    confirmed = lines.take(_under(rules, Regime.GROUP_A)[lines.disease, lines.unit] & lines.confirmed)
    found = np.zeros(unknown.shape[:2])
    for i, row in enumerate(rules):
        first = today - timedelta(days=max((rule.case_days for rule in row), default=1) - 1)
        found[i] = _honest(confirmed.between(first, today).totals(), unknown, first, today, enough=1)[i]
    return found


def _under(rules: Rules, regime: Regime) -> BoolArray:
    return np.array([[rule.regime is regime for rule in row] for row in rules], dtype=bool)


def _honest(found: FloatArray, unknown: BoolArray, first: date, today: date, *, enough: int) -> FloatArray:
    """NaN where days of the period are unknown and what is known is not enough on its own."""
    blind = unknown[:, :, -((today - first).days + 1) :].any(axis=2)
    return np.where(blind & (found < enough), np.nan, found)
