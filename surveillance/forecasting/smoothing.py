"""The forecasting model: yearly waves and a level that follows the epidemic, on log(1 + count).

The level is simple exponential smoothing (the innovations state space model ETS(A,N,N); Hyndman et al. 2008,
Forecasting with Exponential Smoothing, ch. 2), its parameter estimated by statsmodels. With the two yardsticks
it has to beat. Evaluation: docs/methods/forecast.md.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from surveillance.detection.harmonics import seasonal_design
from surveillance.forecasting.history import Told
from surveillance.forecasting.settings import PROBABILITIES, SEASON, YEAR, ForecastSettings
from surveillance.types import FloatArray, Frequency

FIRST_LEVEL = 10
"""Steps whose mean is the level before the first."""
HALVINGS = 20
"""Of the range of the draws until a quantile of their mixture is found: a millionth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Learnt from `steps` steps of S series. `season` (S, steps + H) and `start` (S,) the first used step;
    `first_level`, `weight` (S,) of the smoothing; `spread` (S, H) of the log by horizon. NaN: not learnt."""

    season: FloatArray
    start: FloatArray
    first_level: FloatArray
    weight: FloatArray
    spread: FloatArray


def learn(
    log_counts: FloatArray, start: FloatArray, frequency: Frequency, settings: ForecastSettings, ahead: int
) -> Model:
    """`log_counts` (S, T), complete from `start` (S,) on (NaN: do not learn). `ahead`: steps after T for which
    the season is wanted."""
    count, steps = log_counts.shape
    waves = seasonal_design(
        np.arange(steps + ahead), period=YEAR[frequency], harmonics=settings.harmonics, trend=False
    )
    season = np.full((count, steps + ahead), np.nan)
    first_level, weight = np.full(count, np.nan), np.full(count, np.nan)
    for row in np.flatnonzero(np.isfinite(start)):
        used = slice(int(start[row]), steps)
        season[row] = waves @ np.linalg.lstsq(waves[used], log_counts[row, used], rcond=None)[0]
        rest = log_counts[row, used] - season[row, used]
        first_level[row] = rest[:FIRST_LEVEL].mean()
        weight[row] = _smoothing_weight(rest, first_level[row])
    model = Model(
        season=season, start=start, first_level=first_level, weight=weight,
        spread=np.full((count, settings.horizon), np.nan),
    )  # fmt: skip
    model.spread[:] = _spread(model, log_counts, settings, frequency)
    return model


def _smoothing_weight(rest: FloatArray, first_level: float) -> float:
    """Maximum-likelihood α of simple exponential smoothing; 0 for a series that never moves."""
    from statsmodels.tsa.holtwinters import SimpleExpSmoothing

    if np.ptp(rest) < 1e-9:
        return 0.0
    with warnings.catch_warnings():
        # An α that is not quite the best still forecasts, and the back-test judges it.
        warnings.simplefilter("ignore")
        smoothing = SimpleExpSmoothing(rest, initialization_method="known", initial_level=first_level)
        return float(smoothing.fit().params["smoothing_level"])


def levels(model: Model, log_counts: FloatArray) -> FloatArray:
    """Level before each step and after the last, (S, T + 1), of `log_counts` (S, T); NaN before `start`."""
    steps = log_counts.shape[1]
    found = np.full((len(log_counts), steps + 1), np.nan)
    found[:, 0] = np.where(model.start == 0, model.first_level, np.nan)
    for step in range(steps):
        before = found[:, step]
        moved = before + model.weight * (log_counts[:, step] - model.season[:, step] - before)
        found[:, step + 1] = np.where(model.start == step + 1, model.first_level, moved)
    return found


def _spread(
    model: Model, log_counts: FloatArray, settings: ForecastSettings, frequency: Frequency
) -> FloatArray:
    """Root mean square error (S, H) of the model's own past forecasts in the newest `spread_seasons`."""
    steps = log_counts.shape[1]
    level, rest = levels(model, log_counts), log_counts - model.season[:, :steps]
    newest = settings.spread_seasons * SEASON[frequency]
    return np.column_stack(
        [_root_mean_square(rest[:, h:] - level[:, : steps - h], newest) for h in range(settings.horizon)]
    )


def _root_mean_square(errors: FloatArray, newest: int) -> FloatArray:
    squares = errors[:, -newest:] ** 2
    known = np.isfinite(squares)
    with np.errstate(invalid="ignore"):
        mean: FloatArray = np.sqrt(np.where(known, squares, 0.0).sum(axis=1) / known.sum(axis=1))
    return mean


def predict(model: Model, told: Told, horizon: int) -> FloatArray:
    """Quantiles (Q, S, H) of the counts after the T steps of `told`."""
    steps, drawn = told.centre.shape[1], told.newest.shape[2]
    level = np.broadcast_to(levels(model, told.centre)[:, steps - drawn], told.newest.shape[:2])
    for step in range(drawn):
        rest = told.newest[:, :, step] - model.season[:, steps - drawn + step]
        level = level + model.weight * (rest - level)
    centre = level[:, :, None] + model.season[:, steps : steps + horizon]
    return counts_at(_mixture(centre, model.spread[:, :horizon]))


def _mixture(centre: FloatArray, spread: FloatArray) -> FloatArray:
    """Quantiles (Q, S, H) of the equal mixture of normals with mean `centre` (K, S, H) and SD `spread` (S, H)."""
    from scipy.special import ndtr, ndtri

    probability = np.array(PROBABILITIES)[:, None, None]
    normal = spread * ndtri(probability)
    if len(centre) == 1:
        return centre + normal
    low, high = centre.min(axis=0) + normal, centre.max(axis=0) + normal
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            below = ndtr((middle - centre[:, None]) / spread).mean(axis=0) < probability
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    found: FloatArray = (low + high) / 2
    return found


def counts_at(log_quantiles: FloatArray) -> FloatArray:
    """Whole counts, never negative."""
    return np.maximum(np.rint(np.expm1(np.minimum(log_quantiles, 30.0))), 0.0)


def seasonal_naive(log_counts: FloatArray, frequency: Frequency, settings: ForecastSettings) -> FloatArray:
    """Quantiles (Q, S, H): the step of a season before, as unsure as that was in the newest `spread_seasons`."""
    season, steps = SEASON[frequency], log_counts.shape[1]
    spread = _root_mean_square(
        log_counts[:, season:] - log_counts[:, :-season], settings.spread_seasons * season
    )
    centre = log_counts[None, :, steps - season : steps - season + settings.horizon]
    return counts_at(_mixture(centre, np.broadcast_to(spread[:, None], centre.shape[1:])))


def last_value(log_counts: FloatArray, frequency: Frequency, settings: ForecastSettings) -> FloatArray:
    """Quantiles (Q, S, H): the newest step of `log_counts` (S, T), as unsure as it was so far ahead."""
    newest = settings.spread_seasons * SEASON[frequency]
    spread = [
        _root_mean_square(log_counts[:, h:] - log_counts[:, :-h], newest)
        for h in range(1, settings.horizon + 1)
    ]
    centre = np.repeat(log_counts[None, :, -1:], settings.horizon, axis=2)
    return counts_at(_mixture(centre, np.column_stack(spread)))
