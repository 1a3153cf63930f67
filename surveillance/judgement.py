"""The line list put before the detectors: which numbers each of them gets, and what they find. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import numpy as np

from i18n import Message
from surveillance.detection.ears import Ears
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
from surveillance.lines import Lines
from surveillance.links import linked_cases
from surveillance.types import (
    BoolArray,
    Bounds,
    CountSeries,
    FloatArray,
    Frequency,
    SeriesKey,
    Signal,
    StatutoryStatus,
)

JUDGED_DAYS = 7
"""EARS judges this many days: reports come days after onset (domain.md §5.3), today alone says nothing."""

EARS_ALARM = "Ngày {day} có {observed} ca, vượt giới hạn {upper} tính từ {baseline} ngày trước đó."
EARS_CALM = "Trong {days} ngày qua không có ngày nào vượt giới hạn hằng ngày."
EARS_LACK = {
    "insufficient_history": "Chưa đủ số liệu những ngày trước để so sánh theo ngày.",
    "unknown_counts": "Có ngày chưa có số liệu nên chưa so sánh được theo ngày.",
    "no_variation": "Số ca các ngày trước không thay đổi nên chưa so sánh được theo ngày.",
}

Rules = Sequence[Sequence[StatutoryRule]]


def judge(
    lines: Lines,
    diseases: Sequence[Disease],
    *,
    unknown: BoolArray,
    rules: Rules,
    previous: Mapping[SeriesKey, StatutoryStatus],
    now: datetime,
    today: date,
) -> list[Signal]:
    """Signals of every disease in every commune.

    `lines` are the cases known at `now`, in the order of `diseases`; `unknown` (D, U, T) marks days up to and
    with `today` of which nothing is known; `rules` is D × U; `previous` the month's last statutory status.
    """
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
        if "ears" in disease.detectors:
            signals += ears_signals(series, Ears(last=JUDGED_DAYS, **disease.detectors["ears"]))
    return signals


def ears_signals(series: CountSeries, detector: Ears) -> list[Signal]:
    """One signal per series: the newest of the judged days that alarmed, else the newest day."""
    bounds = detector(series)
    newest = bounds.alarm.shape[1] - 1
    alarmed = newest - np.argmax(bounds.alarm[:, ::-1], axis=1)
    columns = np.where(bounds.alarm.any(axis=1), alarmed, newest)
    return [_ears_signal(series, detector, bounds, i, int(column)) for i, column in enumerate(columns)]


def _ears_signal(series: CountSeries, detector: Ears, bounds: Bounds, i: int, column: int) -> Signal:
    step = int(bounds.evaluated[column])
    day = series.start + timedelta(days=step)
    lacking = str(bounds.reason[i, column])
    alarm = bool(bounds.alarm[i, column])
    observed = float(np.nan_to_num(series.observed[i, step]))
    upper = None if lacking else float(bounds.upperbound[i, column])
    if alarm:
        reason = Message(EARS_ALARM, day=day, observed=observed, upper=upper, baseline=detector.baseline)
    else:
        reason = Message(EARS_LACK[lacking]) if lacking else Message(EARS_CALM, days=JUDGED_DAYS)
    return Signal(
        disease=series.keys[i].disease,
        unit_id=series.keys[i].unit_id,
        method=detector.name,
        method_version=detector.version,
        frequency=Frequency.DAY,
        period_start=day,
        as_of=series.as_of,
        observed=observed,
        expected=None if lacking else float(bounds.expected[i, column]),
        upperbound=upper,
        alarm=alarm,
        reason=reason,
        detail={"threshold": upper, "baseline_days": detector.baseline, "lacking": lacking},
    )


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
