"""How well the forecasts would have done: rolling origins, each with what was known then, against two yardsticks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surveillance.forecasting.history import as_told, history_reason
from surveillance.forecasting.scores import interval_score, skill_of
from surveillance.forecasting.settings import PROBABILITIES, SEASON, ForecastSettings
from surveillance.forecasting.smoothing import last_value, learn, predict, seasonal_naive
from surveillance.types import CountSeries, FloatArray, Frequency, SeriesKey

Known = Callable[[int], FloatArray]
"""Of the first N steps: how the newest W of them were known when the N-th ended, draws (K, S, W)."""
METHODS = ("model", "seasonal_naive", "last_value")
NORMAL_975 = 1.959964


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """Back-test of S series at H horizons. `wis` and `mae` (M, S, H) are means by METHODS, in cases; `coverage`
    (3, S, H) is how often the model's 50, 80 and 95 % intervals held the count; `scored` (S, H) counts origins.

    `skill` (S, H) is 1 − WIS / WIS of the seasonal-naive, `error` its standard error, `skill_last` the same
    against the last value. NaN where nothing was scored; `reason` (S,) holds a code where too little was.
    """

    keys: tuple[SeriesKey, ...]
    frequency: Frequency
    wis: FloatArray
    mae: FloatArray
    coverage: FloatArray
    skill: FloatArray
    error: FloatArray
    skill_last: FloatArray
    scored: NDArray[np.int64]
    reason: NDArray[np.str_]

    @property
    def lower(self) -> FloatArray:
        """Lower 95 % confidence limit of `skill`."""
        return self.skill - NORMAL_975 * self.error

    @property
    def upper(self) -> FloatArray:
        return self.skill + NORMAL_975 * self.error


class _Scores(NamedTuple):
    """`wis`, `error` (M, O, S, H) and `hit` (3, O, S, H), all NaN where one of the methods or the truth is."""

    wis: FloatArray
    error: FloatArray
    hit: FloatArray


def backtest(
    series: CountSeries, *, settings: ForecastSettings | None = None, known: Known | None = None
) -> Skill:
    """Forecast from each of the newest origins with what was known then, and score against `series`.

    `known`: the nowcasts of those days. Without it counts are taken to have been complete at once, which flatters
    any forecast of counts by onset. Leave steps that are still filling off the end of `series`. Raises ValueError
    for daily series, never for what counts hold.
    """
    settings = settings or ForecastSettings()
    reason = history_reason(series.observed, series.frequency, settings)
    rows = np.flatnonzero(reason == "")
    steps = series.observed.shape[1]
    earliest = settings.min_seasons * SEASON[series.frequency]
    origins = range(max(steps - settings.origins, earliest), steps)
    quantiles = rolling_quantiles(series, rows, origins, settings, known)
    scores = _score(quantiles, _truth(series.observed[rows], origins, settings.horizon))
    return _summary(series, reason, rows, scores, settings)


def rolling_quantiles(
    series: CountSeries,
    rows: NDArray[np.intp],
    origins: range,
    settings: ForecastSettings,
    known: Known | None,
) -> FloatArray:
    """Quantiles (Q, M, O, R, H) of the `rows` of `series` from `origins`; an origin sees the steps before it only."""
    horizon, earliest = settings.horizon, settings.min_seasons * SEASON[series.frequency]
    found = np.full(
        (len(PROBABILITIES), len(METHODS), len(origins), rows.size, horizon), np.nan, dtype=np.float64
    )
    for number, origin in enumerate(origins if rows.size else ()):
        draws = None if known is None else known(origin)[:, rows]
        told = as_told(series.observed[rows, :origin], draws, settings)
        if number % settings.refit == 0:
            long_enough = np.where(origin - told.start >= earliest, told.start, np.nan)
            ahead = settings.refit + horizon
            model = learn(told.centre, long_enough, series.frequency, settings, ahead=ahead)
        found[:, 0, number] = predict(model, told, horizon)
        found[:, 1, number] = seasonal_naive(told.centre, series.frequency, settings)
        found[:, 2, number] = last_value(told.centre, series.frequency, settings)
    return found


def _truth(observed: FloatArray, origins: range, horizon: int) -> FloatArray:
    """Counts (O, R, H) that each origin looks forward to; NaN after the end."""
    padded = np.pad(observed, ((0, 0), (0, horizon)), constant_values=np.nan)
    ahead = np.asarray(origins, dtype=np.int64)[:, None] + np.arange(horizon)
    return np.moveaxis(padded[:, ahead], 0, 1)


def _score(quantiles: FloatArray, truth: FloatArray) -> _Scores:
    both = np.isfinite(quantiles).all(axis=(0, 1)) & np.isfinite(truth)
    middle = len(PROBABILITIES) // 2
    truths = np.broadcast_to(truth, quantiles.shape[1:])
    model = quantiles[:, 0]
    hit = np.stack(
        [(truth >= model[middle - pair]) & (truth <= model[middle + pair]) for pair in range(1, middle + 1)]
    )
    return _Scores(
        wis=np.where(both, interval_score(quantiles, PROBABILITIES, truths), np.nan),
        error=np.where(both, np.abs(truths - quantiles[middle]), np.nan),
        hit=np.where(both, hit, np.nan),
    )


def _summary(
    series: CountSeries,
    reason: NDArray[np.str_],
    rows: NDArray[np.intp],
    scores: _Scores,
    settings: ForecastSettings,
) -> Skill:
    count = len(series.observed)

    def placed(values: FloatArray) -> FloatArray:
        """Of the rows judged (…, R, H), all series (…, S, H)."""
        whole = np.full((*values.shape[:-2], count, values.shape[-1]), np.nan)
        whole[..., rows, :] = values
        return whole

    number = np.isfinite(scores.wis[0]).sum(axis=0)
    skill, error = skill_of(scores.wis[0], scores.wis[1], settings.lags)
    skill_last, _ = skill_of(scores.wis[0], scores.wis[2], settings.lags)
    reason = reason.copy()
    reason[rows[number.max(axis=1, initial=0) < settings.min_origins]] = "insufficient_history"
    return Skill(
        keys=series.keys, frequency=series.frequency,
        wis=placed(_mean(scores.wis)), mae=placed(_mean(scores.error)), coverage=placed(_mean(scores.hit)),
        skill=placed(skill), error=placed(error), skill_last=placed(skill_last),
        scored=np.nan_to_num(placed(number.astype(np.float64))).astype(np.int64), reason=reason,
    )  # fmt: skip


def _mean(values: FloatArray) -> FloatArray:
    """Over the origins that were scored, (M, R, H); NaN where none was."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean: FloatArray = np.where(known, values, 0.0).sum(axis=1) / known.sum(axis=1)
    return mean
