"""What the nowcast and Rt say of each commune and of the whole city, as Signals. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from i18n import Message
from surveillance import nowcast, reproduction
from surveillance.completed import WEEK, Completed, whole_median
from surveillance.diseases import Disease
from surveillance.epiweek import week_start
from surveillance.reproduction import MIN_CASES, Reproduction, Rules, Windows
from surveillance.reproduction_draws import estimate_rt_from_draws
from surveillance.serial_interval import SerialInterval
from surveillance.types import FloatArray, Frequency, Signal

INTERVAL = (0.05, 0.5, 0.95)
RISING, RISING_WEEKS = 0.95, 2
"""P(Rt > 1) of each of so many weeks that counts as growth (domain.md §1.5; InfoDengue's p1, §1.6)."""
RT_DAYS = 120
VERSION = "1"

NOWCAST_FOUND = (
    "7 ngày đến {day} mới báo cáo {reported} ca; ước tính sẽ là {median} ca (từ {lower} đến {upper})."
)
NOWCAST_NONE = "7 ngày đến {day} đã báo cáo {reported} ca. {why}"
RT_FOUND = (
    "Hệ số lây nhiễm Rt là {rt} (từ {lower} đến {upper}); {percent} % khả năng lớn hơn 1, tức dịch đang lan."
)
RT_RISING = (
    "Hệ số lây nhiễm Rt đã trên 1 ít nhất {weeks} tuần: nay là {rt} (từ {lower} đến {upper}), dịch đang lan."
)
DOUBLING = "{found} Số ca tăng gấp đôi sau khoảng {days} ngày."
HALVING = "{found} Số ca giảm một nửa sau khoảng {days} ngày."
FAR = 180
"""Days beyond which neither is worth saying."""


def nowcast_signals(
    completed: Completed, units: Sequence[int], disease: str, as_of: datetime
) -> list[Signal]:
    """Cases of the last seven days, reported and expected in the end; areas without a case are left out."""
    week = completed.newest(WEEK).sum(axis=2)
    lower, median, upper = _quantiles(week)
    reported = completed.reported[:, -WEEK:].sum(axis=1)
    rows = np.flatnonzero((median > 0) | (reported > 0))
    curve = _curve(completed)
    return [
        _nowcast_signal(
            completed, row, units[row], disease, as_of, (reported[row], lower[row], median[row], upper[row]), curve
        )
        for row in rows.tolist()
    ]  # fmt: skip


def rt_signals(completed: Completed, units: Sequence[int], disease: Disease, as_of: datetime) -> list[Signal]:
    """Rt of the newest weeks on the nowcast's draws; areas with too few cases for any estimate are left out."""
    days = min(RT_DAYS, completed.reported.shape[1])
    if days < WEEK * (RISING_WEEKS + 1):
        return []
    enough = completed.newest(WEEK).sum(axis=2).mean(axis=0) >= MIN_CASES
    if not enough.any():
        return []
    chosen = completed.take(enough)
    generation = disease.generation_time_days
    found = estimate_rt_from_draws(
        chosen.newest(days),
        SerialInterval(mean=generation.mean, sd=generation.sd),
        windows=_weeks_back(days),
        rng=np.random.default_rng(completed.seed),
        rules=Rules(probabilities=INTERVAL),
    )
    ids = [unit for unit, kept in zip(units, enough, strict=True) if kept]
    return [_rt_signal(found, row, unit, disease.code, chosen, as_of) for row, unit in enumerate(ids)]


def _weeks_back(days: int) -> Windows:
    """RISING_WEEKS windows of seven days, the last one ending today."""
    last = np.array([days - 1 - WEEK * k for k in reversed(range(RISING_WEEKS))], dtype=np.int64)
    return Windows(first=last - WEEK + 1, last=last)


def _quantiles(draws: FloatArray) -> FloatArray:
    """(3, S): INTERVAL of draws (K, S), whole cases."""
    return np.asarray(np.quantile(draws, INTERVAL, axis=0, method="inverted_cdf"))


def _curve(completed: Completed) -> list[tuple[date, FloatArray]]:
    """Mondays of the calendar weeks that hold days still open, with INTERVAL (3, S) of the week's cases to date."""
    open_days = completed.draws.shape[2]
    first = week_start(completed.today - timedelta(days=open_days - 1)) if open_days else completed.today
    found = []
    for k in range((completed.today - first).days // WEEK + 1 if open_days else 0):
        monday = first + timedelta(days=WEEK * k)
        age = (completed.today - monday).days + 1
        draws = completed.newest(age)[:, :, : min(age, WEEK)].sum(axis=2)
        found.append((monday, _quantiles(draws)))
    return found


def _nowcast_signal(
    completed: Completed,
    row: int,
    unit: int,
    disease: str,
    as_of: datetime,
    numbers: tuple[float, float, float, float],
    curve: list[tuple[date, FloatArray]],
) -> Signal:
    reported, lower, median, upper = (float(number) for number in numbers)
    today, lacking = completed.today, _lacking(completed, row)
    values: dict[str, Any] = {"day": today, "reported": reported}
    if lacking:
        reason = Message(NOWCAST_NONE, why=nowcast.explain(lacking), **values)
    else:
        reason = Message(NOWCAST_FOUND, median=median, lower=lower, upper=upper, **values)
    weeks = [] if lacking else [[day.isoformat(), *band[:, row].tolist()] for day, band in curve]
    return Signal(
        disease=disease,
        unit_id=unit,
        method="nowcast",
        method_version=VERSION,
        frequency=Frequency.WEEK,
        period_start=today - timedelta(days=WEEK - 1),
        as_of=as_of,
        observed=reported,
        expected=None if lacking else median,
        upperbound=None,
        alarm=False,
        reason=reason,
        detail={
            "lower": None if lacking else lower,
            "upper": None if lacking else upper,
            "weeks": weeks,
            "seed": list(completed.seed),
            "lacking": lacking,
        },
    )


def _lacking(completed: Completed, row: int) -> str:
    """The code of the newest day when most of the last seven have no estimate."""
    reasons = completed.reason[row, -WEEK:]
    return str(reasons[-1]) if reasons.size and np.count_nonzero(reasons == "") < WEEK / 2 else ""


def _rt_signal(
    found: Reproduction, row: int, unit: int, disease: str, chosen: Completed, as_of: datetime
) -> Signal:
    lacking = str(found.reason[row, -1])
    above = found.above_one[row]
    rising = not lacking and bool((above >= RISING).all())
    lower, median, upper = found.quantiles[:, row, -1].tolist()
    values = (
        {"rt": round(median, 2), "lower": round(lower, 2), "upper": round(upper, 2)} if not lacking else {}
    )
    if lacking:
        reason = reproduction.explain(lacking)
    elif rising:
        reason = Message(RT_RISING, weeks=RISING_WEEKS, **values)
    else:
        reason = Message(RT_FOUND, percent=round(100 * float(above[-1])), **values)
    growth = {} if lacking else _growth(found, row)
    if (days := growth.get("doubling_days")) is not None:
        reason = Message(DOUBLING if days > 0 else HALVING, found=reason, days=round(abs(days)))
    return Signal(
        disease=disease,
        unit_id=unit,
        method="rt",
        method_version=VERSION,
        frequency=Frequency.WEEK,
        period_start=chosen.today - timedelta(days=WEEK - 1),
        as_of=as_of,
        observed=float(whole_median(chosen.newest(WEEK)[:, row].sum(axis=1))),
        expected=None,
        upperbound=None,
        alarm=rising,
        reason=reason,
        detail={**values, **growth, "seed": list(chosen.seed), "lacking": lacking},
    )


def _growth(found: Reproduction, row: int) -> dict[str, Any]:
    """P(Rt > 1) of each week, the daily growth rate, and in how many days cases double (negative: halve)."""
    doubling = float(found.doubling_time[1, row, -1])
    return {
        "above_one": [round(float(p), 3) if np.isfinite(p) else None for p in found.above_one[row]],
        "growth_per_day": round(float(found.growth[1, row, -1]), 4),
        "doubling_days": round(doubling, 1) if abs(doubling) <= FAR else None,
    }
