"""What a forecast and its back-test are made with."""

from __future__ import annotations

from dataclasses import dataclass

from surveillance.types import Frequency

PROBABILITIES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
"""Limits of the 95, 80 and 50 % intervals and the median."""
SEASON = {Frequency.WEEK: 52, Frequency.MONTH: 12}
YEAR = {Frequency.WEEK: 365.25 / 7, Frequency.MONTH: 12.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastSettings:
    """Steps are weeks (or months); why these values: docs/methods/forecast.md.

    `horizon` steps ahead. The model has `harmonics` yearly waves and learns its spread from the newest
    `spread_seasons`; it needs `min_seasons` before each origin, `min_cases` cases in the newest two seasons, and
    bridges at most `longest_gap` unknown steps in a row. The back-test has the newest `origins` origins, at
    least `min_origins` of them scored, learns anew every `refit` of them, and takes `lags` for its uncertainty.
    """

    horizon: int = 4
    harmonics: int = 2
    spread_seasons: int = 3
    min_seasons: int = 2
    min_cases: int = 100
    longest_gap: int = 2
    origins: int = 104
    min_origins: int = 26
    refit: int = 13
    lags: int = 12

    def __post_init__(self) -> None:
        if not 1 <= self.horizon <= 12:
            raise ValueError(f"horizon is {self.horizon}; it must lie between 1 and 12")
        if self.min_seasons < 2 or self.spread_seasons < 1 or not 0 <= self.harmonics <= 6:
            raise ValueError("min_seasons must be at least 2, spread_seasons 1, harmonics 0 to 6")
        if not 1 <= self.min_origins <= self.origins or self.refit < 1 or self.lags < 0:
            raise ValueError("origins must be at least min_origins, refit at least 1, lags at least 0")
        if self.longest_gap < 0 or self.min_cases < 1:
            raise ValueError("longest_gap must be at least 0, min_cases at least 1")
