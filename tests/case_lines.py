"""Line lists as arrays, for tests of what is computed from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np

from surveillance.completed import Completed, complete
from surveillance.lines import FOREVER, Lines, day_number
from surveillance.types import FloatArray

TODAY = date(2026, 11, 20)
UNITS = (7, 8, 9, 10, 11, 12)

Case = tuple[int, date, date]
"""Position of the unit, day of the event, day of the report."""


def lines_of(cases: Iterable[Case], *, disease: str = "dengue", units: tuple[int, ...] = UNITS) -> Lines:
    rows = list(cases)
    unit = np.array([row[0] for row in rows], dtype=np.int32)
    day, reported = (np.array([day_number(row[k]) for row in rows], dtype=np.int32) for k in (1, 2))  # type: ignore[arg-type]
    return Lines(
        diseases=(disease,), unit_ids=units, disease=np.zeros(len(rows), dtype=np.int32), unit=unit, day=day,
        reported=reported, confirmed=np.zeros(len(rows), dtype=bool),
        setting=np.zeros(len(rows), dtype=np.int64), former=np.zeros(len(rows), dtype=np.int32),
        known_from=np.zeros(len(rows), dtype=np.int64),
        known_to=np.full(len(rows), FOREVER),
    )  # fmt: skip


def completed_from(lines: Lines, *, days: int = 400, today: date = TODAY) -> Completed:
    """What `complete` makes of `lines` when everything is known."""
    return complete(lines, 0, np.zeros((len(lines.unit_ids), days), dtype=bool), today)


def cases_with_delays(
    per_day: FloatArray, rng: np.random.Generator, *, mean_delay: float = 3.0, today: date = TODAY
) -> list[Case]:
    """The cases of `per_day` (U, T), expected a day, that are reported by `today`; delays are Poisson."""
    counts = rng.poisson(per_day)
    unit, step = np.nonzero(counts)
    unit, step = np.repeat(unit, counts[unit, step]), np.repeat(step, counts[unit, step])
    delay = rng.poisson(mean_delay, unit.size)
    start = today - timedelta(days=per_day.shape[1] - 1)
    found = zip(unit.tolist(), step.tolist(), delay.tolist(), strict=True)
    return [
        (u, start + timedelta(days=s), start + timedelta(days=s + d))
        for u, s, d in found
        if s + d < per_day.shape[1]
    ]
