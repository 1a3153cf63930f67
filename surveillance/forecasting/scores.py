"""Scores of quantile forecasts and how much better one is than another, with the uncertainty of that."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surveillance.types import FloatArray


def interval_score(quantiles: FloatArray, probabilities: Sequence[float], observed: FloatArray) -> FloatArray:
    """Weighted interval score (…), of `quantiles` (Q, …) at `probabilities` (Q,), median and pairs of tails.

    Bracher J et al. (2021), PLoS Comput Biol 17:e1008618, eq. 1 with w_0 = 1/2, w_k = α_k/2, in its equal form
    as twice the mean pinball loss. In cases; 0 is perfect.
    """
    p = np.asarray(probabilities).reshape(-1, *[1] * observed.ndim)
    error = observed - quantiles
    loss: FloatArray = 2 * np.maximum(p * error, (p - 1) * error).mean(axis=0)
    return loss


def skill_of(score: FloatArray, yardstick: FloatArray, lags: int) -> tuple[FloatArray, FloatArray]:
    """1 − Σ score / Σ yardstick over origins, and its standard error; (O, …) each, NaN where not scored.

    Delta method for the ratio; neighbouring origins forecast the same weeks, so the variance is that of Newey &
    West (1987) with `lags` lags, as Diebold & Mariano (1995) test a difference. NaN with nothing to compare.
    """
    both = np.isfinite(score) & np.isfinite(yardstick)
    a, b = np.where(both, score, 0.0), np.where(both, yardstick, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = a.sum(axis=0) / b.sum(axis=0)
        influence = np.where(both, a - ratio * b, 0.0)
        variance = (influence**2).sum(axis=0)
        for lag in range(1, min(lags, len(a) - 1) + 1):
            products = (influence[lag:] * influence[:-lag]).sum(axis=0)
            variance = variance + 2 * (1 - lag / (lags + 1)) * products
        error = np.sqrt(np.maximum(variance, 0.0)) / b.sum(axis=0)
    return np.where(np.isfinite(ratio), 1 - ratio, np.nan), np.where(np.isfinite(ratio), error, np.nan)
