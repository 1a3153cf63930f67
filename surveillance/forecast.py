"""Cases of the coming one to four weeks, with intervals, only where that has proved better than last year's count.

Model: `forecasting/smoothing.py`; its proof: `forecasting/backtest.py`, whose Skill may be kept for a week.
Uses, limits and evaluation: docs/methods/forecast.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from i18n import Message
from surveillance.forecasting.backtest import Skill, backtest
from surveillance.forecasting.history import as_told, history_reason, with_median
from surveillance.forecasting.settings import PROBABILITIES, ForecastSettings
from surveillance.forecasting.smoothing import learn, predict
from surveillance.types import CountSeries, FloatArray, Frequency, SeriesKey

__all__ = ["Forecast", "ForecastSettings", "Skill", "backtest", "explain", "forecast"]

REASONS: Mapping[str, str] = {
    "insufficient_history": "Không đủ dữ liệu để dự báo: cần ít nhất hai năm rưỡi có số liệu liên tục.",
    "unknown_counts": "Không đủ dữ liệu để dự báo: kỳ mới nhất hoặc một quãng gần đây chưa có số liệu.",
    "invalid_counts": "Không dự báo được: có kỳ ghi số ca âm hoặc lớn vô lý.",
    "too_few_cases": "Không dự báo: hai năm qua có quá ít ca.",
    "not_better_than_naive": "Không dự báo: thử với số liệu đã qua, chưa chắc tốt hơn lấy số ca cùng kỳ năm trước.",
    "not_better_than_last": "Không dự báo: thử với số liệu đã qua, không tốt hơn lấy luôn số ca kỳ mới nhất.",
    "no_backtest": "Chưa dự báo: chưa thử dự báo cho nơi này trên số liệu đã qua.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """S series at the H steps after their last. `quantiles` (Q, S, H) at `probabilities` (Q,): whole cases.

    `skill` (S, H) of the back-test with its 95 % limits is given also where it is the reason for no forecast.
    `reason` (S, H): a code of REASONS where there is no forecast (quantiles NaN), else empty. `dates` (H,): first
    days of the steps.
    """

    keys: tuple[SeriesKey, ...]
    dates: tuple[date, ...]
    probabilities: tuple[float, ...]
    quantiles: FloatArray
    skill: FloatArray
    skill_lower: FloatArray
    skill_upper: FloatArray
    reason: NDArray[np.str_]

    @property
    def median(self) -> FloatArray:
        """(S, H)."""
        return np.asarray(self.quantiles[len(self.probabilities) // 2])


def explain(code: str) -> Message:
    """The words for a reason code. Raises KeyError for a code that no forecast gives."""
    return Message(REASONS[code])


def forecast(
    series: CountSeries,
    skill: Skill,
    *,
    draws: FloatArray | None = None,
    settings: ForecastSettings | None = None,
) -> Forecast:
    """Forecast each series and horizon at which `skill` (of these series, in any order) beats the seasonal-naive
    beyond chance and is not worse than the last value.

    `draws` (K, S, W) of a nowcast stand in for the newest W ≤ T counts of `series`, and their uncertainty enters
    the intervals. Raises ValueError for daily series and a skill of another frequency, never for what counts hold.
    """
    settings = settings or ForecastSettings()
    if skill.frequency is not series.frequency or skill.skill.shape[1] < settings.horizon:
        raise ValueError("the back-test is of another frequency or a shorter horizon")
    told = as_told(series.observed, draws, settings)
    history = history_reason(with_median(series.observed, draws), series.frequency, settings)
    tested, (value, lower, upper, against_last) = _of(series.keys, skill, settings.horizon)
    whole = np.where(history != "", history, tested)
    verdict = np.select(
        [~(lower > 0), ~(against_last > 0)], ["not_better_than_naive", "not_better_than_last"], default=""
    )
    reason = np.where(whole[:, None] != "", whole[:, None], verdict).astype(np.str_)
    wanted = np.where((reason == "").any(axis=1), told.start, np.nan)
    model = learn(told.centre, wanted, series.frequency, settings, ahead=settings.horizon)
    quantiles = predict(model, told, settings.horizon)
    return Forecast(
        keys=series.keys,
        dates=tuple(_step_date(series, series.observed.shape[1] + h) for h in range(settings.horizon)),
        probabilities=PROBABILITIES,
        quantiles=np.where(reason == "", quantiles, np.nan),
        skill=value, skill_lower=lower, skill_upper=upper,
        reason=reason,
    )  # fmt: skip


def _of(keys: tuple[SeriesKey, ...], skill: Skill, horizon: int) -> tuple[NDArray[np.str_], list[FloatArray]]:
    """Reason (S,), and skill, its limits and the skill against the last value (S, H) of each key."""
    row = {key: number for number, key in enumerate(skill.keys)}
    at = np.array([row.get(key, len(row)) for key in keys], dtype=np.intp)
    reason = np.append(skill.reason, "no_backtest")[at]
    values = (skill.skill, skill.lower, skill.upper, skill.skill_last)
    return reason, [np.pad(v, ((0, 1), (0, 0)), constant_values=np.nan)[at, :horizon] for v in values]


def _step_date(series: CountSeries, step: int) -> date:
    if series.frequency is Frequency.WEEK:
        return series.start + timedelta(weeks=step)
    months = series.start.month - 1 + step
    return date(series.start.year + months // 12, months % 12 + 1, min(series.start.day, 28))
