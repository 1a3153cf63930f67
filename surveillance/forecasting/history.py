"""What of a history a forecast can learn from, and why not where it cannot."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.watch import LARGEST_COUNT
from surveillance.forecasting.settings import SEASON, ForecastSettings
from surveillance.types import FloatArray, Frequency


def history_reason(
    observed: FloatArray, frequency: Frequency, settings: ForecastSettings
) -> NDArray[np.str_]:
    """Why the history (S, T) carries no forecast, (S,): a code, or empty where it does. Raises ValueError for days."""
    if frequency not in SEASON:
        raise ValueError(f"a forecast needs weeks or months, not {frequency.value}s")
    season, steps = SEASON[frequency], observed.shape[1]
    _, start = start_and_bridge(observed, settings.longest_gap)
    known = np.isfinite(observed)
    first = np.where(known.any(axis=1), known.argmax(axis=1), steps)
    needed = settings.min_seasons * season
    return np.select(
        [
            ((observed < 0) | (observed > LARGEST_COUNT)).any(axis=1),
            steps - first < needed,
            np.isnan(start) | (steps - start < needed),
            np.nansum(observed[:, -2 * season :], axis=1) < settings.min_cases,
        ],
        ["invalid_counts", "insufficient_history", "unknown_counts", "too_few_cases"],
        default="",
    ).astype("<U24")


def start_and_bridge(observed: FloatArray, longest_gap: int) -> tuple[FloatArray, FloatArray]:
    """Log counts (S, T) and the step (S,) from which they have no gap longer than `longest_gap`.

    Shorter gaps are bridged in a straight line. NaN start: the newest step is unknown.
    """
    log_counts = np.log1p(np.where(observed >= 0, observed, np.nan))
    start = np.full(len(observed), np.nan)
    for row, own in enumerate(log_counts):
        known = np.flatnonzero(np.isfinite(own))
        if not known.size or known[-1] != own.size - 1:
            continue
        after_gap = np.flatnonzero(np.diff(known) > longest_gap + 1)
        known = known[after_gap[-1] + 1 :] if after_gap.size else known
        start[row] = known[0]
        between = np.arange(known[0], own.size)
        own[between] = np.interp(between, known, own[known])
        own[: known[0]] = np.nan
    return log_counts, start


class Told(NamedTuple):
    """What is known of S series at an origin after T steps, on the log scale: `centre` (S, T), usable from the step
    `start` (S,) on (NaN: not usable), and `newest` (K, S, W), draws of the last W steps."""

    centre: FloatArray
    start: FloatArray
    newest: FloatArray


def as_told(observed: FloatArray, draws: FloatArray | None, settings: ForecastSettings) -> Told:
    """`draws` (K, S, W) stand in for the newest W counts of `observed` (S, T)."""
    if draws is None:
        draws = np.empty((1, len(observed), 0))
    centre, start = start_and_bridge(with_median(observed, draws), settings.longest_gap)
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = np.where(draws >= 0, np.log1p(draws), centre[:, observed.shape[1] - draws.shape[2] :])
    return Told(centre, start, drawn)


def with_median(observed: FloatArray, draws: FloatArray | None) -> FloatArray:
    """`observed` (S, T) with the median of the draws (K, S, W) as its newest counts."""
    if draws is None or draws.shape[2] == 0:
        return observed
    return np.hstack([observed[:, : observed.shape[1] - draws.shape[2]], np.median(draws, axis=0)])
