"""The coming four weeks of the whole city as a Signal, proved on the nowcasts of the past two years. Pure.

Every forecast of the back-test sees only what had been reported by its day (docs/methods/forecast.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from i18n import Message
from surveillance.completed import MAX_DELAY, WEEK, Completed, complete
from surveillance.forecast import Forecast, ForecastSettings, backtest, explain, forecast
from surveillance.lines import Lines, day_number
from surveillance.types import BoolArray, CountSeries, FloatArray, Frequency, SeriesKey, Signal

METHOD = "forecast"
VERSION = "1"
OPEN_WEEKS = MAX_DELAY // WEEK
EXPECTED = "Dự báo 7 ngày tới: {median} ca (80 % khả năng từ {lower} đến {upper})."
LATER = "{next} Tuần thứ {week}: {median} ca (từ {lower} đến {upper})."
PROVED = "{found} Thử trên hai năm qua, sai ít hơn lấy số ca cùng kỳ năm trước {percent} %."


def city_outlook(
    lines: Lines, disease: int, unknown: BoolArray, last: date, *, city_id: int, as_of: datetime
) -> Signal:
    """Forecast of one disease (a position in `lines.diseases`) for all communes together.

    `unknown` (U, T) marks days up to `last`, the newest day of reports, of which nothing is known.
    """
    whole = as_one_area(lines, disease)
    lost = _lost(unknown)
    completed = complete(whole, 0, lost, last)
    series = _weekly(completed, lines.diseases[disease], city_id, as_of)
    settled = series.observed.shape[1] - OPEN_WEEKS
    past = CountSeries(
        keys=series.keys, frequency=Frequency.WEEK, start=series.start,
        observed=series.observed[:, :settled], as_of=as_of,
    )  # fmt: skip

    def known(weeks: int) -> FloatArray:
        """How the newest of the first `weeks` weeks were seen when the last of them ended."""
        return _week_draws(as_known(whole, lost, series.start + timedelta(weeks=weeks, days=-1), last))

    settings = ForecastSettings()
    found = forecast(series, backtest(past, settings=settings, known=known), draws=_week_draws(completed))
    return _signal(found, series, lines.diseases[disease], city_id, completed, as_of)


def as_one_area(lines: Lines, disease: int) -> Lines:
    """The cases of one disease as if the city were one commune."""
    own = lines.take(lines.disease == disease)
    return Lines(
        diseases=(lines.diseases[disease],), unit_ids=(0,), disease=np.zeros_like(own.disease),
        unit=np.zeros_like(own.unit), day=own.day, reported=own.reported, confirmed=own.confirmed,
        setting=own.setting, former=own.former, known_from=own.known_from, known_to=own.known_to,
    )  # fmt: skip


def _lost(unknown: BoolArray) -> BoolArray:
    """Days (1, T) on which a commune is unknown of which anything is known at all."""
    ever = ~unknown.all(axis=1)
    return np.atleast_2d(unknown[ever].any(axis=0) if ever.any() else unknown.all(axis=0))


def as_known(whole: Lines, lost: BoolArray, day: date, last: date) -> Completed:
    """What the nowcast of `day` made of the reports that had come by then; `lost` (1, T) ends on `last`."""
    reported = whole.take(whole.reported <= day_number(day))
    return complete(reported, 0, lost[:, : lost.shape[1] - (last - day).days], day)


def _weekly(completed: Completed, disease: str, city_id: int, as_of: datetime) -> CountSeries:
    start, weeks = completed.weeks()
    key = SeriesKey(disease, city_id)
    return CountSeries(keys=(key,), frequency=Frequency.WEEK, start=start, observed=weeks, as_of=as_of)


def _week_draws(completed: Completed) -> FloatArray:
    """(K, S, OPEN_WEEKS) of the newest weeks."""
    days = completed.newest(OPEN_WEEKS * WEEK)
    return days.reshape(*days.shape[:2], OPEN_WEEKS, WEEK).sum(axis=3)


def _signal(
    found: Forecast, series: CountSeries, disease: str, city_id: int, completed: Completed, as_of: datetime
) -> Signal:
    given = found.reason[0] == ""
    lacking = "" if given[0] else str(found.reason[0, 0])
    weeks = [_week(found, h) for h in range(len(found.dates)) if given[h]]
    return Signal(
        disease=disease,
        unit_id=city_id,
        method=METHOD,
        method_version=VERSION,
        frequency=Frequency.WEEK,
        period_start=found.dates[0],
        as_of=as_of,
        observed=float(np.nan_to_num(series.observed[0, -1])),
        expected=None if lacking else weeks[0]["median"],
        upperbound=None,
        alarm=False,
        reason=explain(lacking) if lacking else _sentence(weeks),
        detail={"weeks": weeks, "lacking": lacking, "seed": list(completed.seed)},
    )


def _week(found: Forecast, h: int) -> dict[str, Any]:
    low95, low80, low50, median, high50, high80, high95 = found.quantiles[:, 0, h].tolist()
    return {
        "start": found.dates[h].isoformat(),
        "median": median,
        "intervals": {"50": [low50, high50], "80": [low80, high80], "95": [low95, high95]},
        "skill": round(float(found.skill[0, h]), 3),
    }


def _sentence(weeks: Sequence[dict[str, Any]]) -> Message:
    first, last = weeks[0], weeks[-1]
    lower, upper = first["intervals"]["80"]
    found = Message(EXPECTED, median=first["median"], lower=lower, upper=upper)
    if len(weeks) > 1:
        lower, upper = last["intervals"]["80"]
        values = {"median": last["median"], "lower": lower, "upper": upper}
        found = Message(LATER, next=found, week=len(weeks), **values)
    return Message(PROVED, found=found, percent=round(100 * first["skill"]))
