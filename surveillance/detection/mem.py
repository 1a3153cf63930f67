"""The moving epidemic method: has the season's epidemic begun, and how strong is it beside past ones?

Vega et al. 2013 (Influenza Other Respir Viruses 7:546–558) for timing and threshold, Vega et al. 2015 (9:234–246)
for intensity. Uses, misuses and where we differ from the R package `mem`: docs/methods/mem.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.watch import LARGEST_COUNT
from surveillance.epiweek import same_week_in, week_of
from surveillance.types import Bounds, CountSeries, FloatArray, Frequency

POOLED = 30
"""Highest weeks taken from all seasons together, before and in their epidemics."""
WEEKS_KNOWN = 48
"""Known weeks a past season needs."""


class Levels(NamedTuple):
    """Weekly counts: mean before epidemics, and from where on a week is epidemic, then medium, high, very high."""

    before: float
    epidemic: float
    medium: float
    high: float
    very_high: float


@dataclass(frozen=True, kw_only=True)
class MovingEpidemic:
    """The moving epidemic method as a Detector over weeks.

    A season starts with ISO week `season_week`. Its weeks are judged by at most `seasons` whole seasons before
    it, at least `fewest`. `slope`: an epidemic lasts as long as one more week adds this share (%) of the season's
    cases. `level` is the one-sided confidence of the epidemic threshold, `intensities` those of medium, high
    and very high. The threshold is never below `least_cases`.

    `score` is the intensity: 0 below the threshold, 1 low, 2 medium, 3 high, 4 very high. `expected` is the mean
    before epidemics. Reasons: "insufficient_history", "no_past_cases", "unknown_counts", "invalid_counts".
    Raises ValueError when a setting is impossible or the series is not weekly.
    """

    season_week: int = 14
    seasons: int = 10
    fewest: int = 3
    slope: float = 2.8
    level: float = 0.95
    intensities: tuple[float, float, float] = (0.40, 0.90, 0.975)
    least_cases: float = 5
    last: int | None = None
    version: str = "1"
    name: str = "moving_epidemic"

    def __post_init__(self) -> None:
        if not 1 <= self.season_week <= 52:
            raise ValueError(f"season_week is {self.season_week}; it must lie between 1 and 52")
        if not 2 <= self.fewest <= self.seasons:
            raise ValueError("fewest must be at least 2, and seasons not below it")
        if not 0 < self.slope < 100 or self.least_cases < 0:
            raise ValueError("slope must lie between 0 and 100, least_cases be at least 0")
        if not all(0 < p < 1 for p in (self.level, *self.intensities)):
            raise ValueError("level and intensities must lie between 0 and 1")
        if sorted(self.intensities) != list(self.intensities):
            raise ValueError("intensities must rise")
        if self.last is not None and self.last < 1:
            raise ValueError(f"last is {self.last} steps; evaluate at least 1")

    def __call__(self, series: CountSeries) -> Bounds:
        if series.frequency is not Frequency.WEEK:
            raise ValueError(f"moving_epidemic needs weeks, not {series.frequency.value}s")
        steps = series.observed.shape[1]
        first = 0 if self.last is None else max(steps - self.last, 0)
        starts = season_starts(series.start, steps, self.season_week)
        shape = (len(series.keys), steps - first)
        levels = np.full((*shape, len(Levels._fields)), np.nan)
        reason = np.full(shape, "", dtype="<U24")
        bad = (series.observed < 0) | (series.observed > LARGEST_COUNT)
        counts = np.where(bad, np.nan, series.observed)
        for number, begin in enumerate(starts):
            end = starts[number + 1] if number + 1 < len(starts) else steps
            if end <= first:
                continue
            judged = slice(max(begin - first, 0), end - first)
            for row in range(shape[0]):
                past = self._past(counts[row], starts[: number + 1])
                found = self._levels(past)
                if found is None:
                    reason[row, judged] = (
                        "no_past_cases" if len(past) >= self.fewest else "insufficient_history"
                    )
                else:
                    levels[row, judged] = found
        reason[:, : max(starts[0] - first, 0) if starts else None] = "insufficient_history"
        reason[np.isnan(series.observed[:, first:])] = "unknown_counts"
        reason[bad[:, first:]] = "invalid_counts"
        return _bounds(series.observed[:, first:], first, levels, reason)

    def _past(self, counts: FloatArray, starts: list[int]) -> list[FloatArray]:
        """The newest whole seasons that are known well enough."""
        whole = [counts[begin:end] for begin, end in pairwise(starts)]
        return [season for season in whole if np.isfinite(season).sum() >= WEEKS_KNOWN][-self.seasons :]

    def _levels(self, past: list[FloatArray]) -> Levels | None:
        if len(past) < self.fewest:
            return None
        return epidemic_levels(
            past, slope=self.slope, level=self.level, intensities=self.intensities, least=self.least_cases
        )


def season_starts(start: date, steps: int, season_week: int) -> list[int]:
    """The weeks (indices) with which seasons start."""
    first, last = week_of(start).year, week_of(start + timedelta(weeks=steps)).year
    mondays = [same_week_in(year, season_week) for year in range(first, last + 1)]
    monday = start - timedelta(days=start.weekday())
    found = [(day - monday).days // 7 for day in mondays]
    return [index for index in found if 0 <= index < steps]


def epidemic_weeks(season: FloatArray, slope: float) -> tuple[int, int]:
    """First and one past the last week of a season's epidemic: the consecutive weeks with the largest share of
    its cases, just so many that one more would add less than `slope` per cent."""
    cases = np.nan_to_num(season)
    running = np.concatenate([[0.0], np.cumsum(cases)])
    share, best = 0.0, (0, 0)
    for length in range(1, cases.size + 1):
        sums = running[length:] - running[:-length]
        begin = int(np.argmax(sums))
        grown = 100 * float(sums[begin]) / float(running[-1])
        if length > 1 and grown - share < slope:
            break
        share, best = grown, (begin, begin + length)
    return best


def epidemic_levels(
    past: list[FloatArray],
    *,
    slope: float,
    level: float,
    intensities: tuple[float, float, float],
    least: float,
) -> Levels | None:
    """Threshold and intensities from past seasons (weekly counts, NaN unknown); None where none had cases."""
    with_cases = [season for season in past if np.nansum(season) > 0]
    if not with_cases:
        return None
    each = max(round(POOLED / len(with_cases)), 1)
    before, within = [], []
    for season in with_cases:
        begin, end = epidemic_weeks(season, slope)
        before.append(_highest(season[:begin], each))
        epidemic_part = season[begin:end]
        within.append(_highest(epidemic_part[epidemic_part > 0], each))
    quiet, busy = np.concatenate(before), np.log(np.concatenate(within))
    mean, spread = (float(quiet.mean()), _sd(quiet)) if quiet.size else (0.0, 0.0)
    epidemic = max(mean + NormalDist().inv_cdf(level) * spread, least)
    steps = (float(np.exp(busy.mean() + NormalDist().inv_cdf(p) * _sd(busy))) for p in intensities)
    medium, high, very_high = (max(step, epidemic) for step in steps)
    return Levels(mean, epidemic, medium, high, very_high)


def _highest(weeks: FloatArray, count: int) -> FloatArray:
    return np.sort(weeks[np.isfinite(weeks)])[::-1][:count]


def _sd(values: FloatArray) -> float:
    return float(values.std(ddof=1)) if values.size > 1 else 0.0


def _bounds(observed: FloatArray, first: int, levels: FloatArray, reason: NDArray[np.str_]) -> Bounds:
    stands, upper = reason == "", levels[:, :, 1]
    intensity = (observed[:, :, None] > levels[:, :, 1:]).sum(axis=2).astype(np.float64)
    return Bounds(
        evaluated=np.arange(first, first + observed.shape[1], dtype=np.int64),
        expected=np.where(stands, levels[:, :, 0], np.nan),
        upperbound=np.where(stands, upper, np.nan),
        alarm=stands & (observed > upper) & (observed > 0),
        score=np.where(stands, intensity, np.nan),
        reason=reason,
    )
