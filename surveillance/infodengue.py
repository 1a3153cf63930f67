"""InfoDengue's four-level rule, as a peer to compare with: weekly, per municipality. Pure; nothing else uses it.

AlertTools `R/alert_functions.R`, commit ecdaf95a, as read in domain.md §1.6. A colour comes on when its condition held
in as many weeks running as its delay says, and stays for as many weeks as its hold says; a higher colour hides a lower
one; where an input is missing the last answer is repeated. We follow the published rule: no level is lost while it is
held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surveillance.types import BoolArray, FloatArray

SURE = 0.95
"""P(Rt > 1) from which on a week counts as rising."""
LEAST_CASES = 10
"""Red needs more cases than that, whatever the incidence."""
PRESEASON_FLOOR, EPIDEMIC_FLOOR = 5.0, 10.0
"""Least cases that stand behind either threshold."""


class Delay(NamedTuple):
    """Weeks a condition must have held to turn a colour on, and weeks the colour stays after it."""

    on: int
    hold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    yellow: Delay
    orange: Delay
    red: Delay


AF = Scheme(yellow=Delay(3, 0), orange=Delay(2, 1), red=Delay(2, 1))
"""Where temperature decides; other climates (Aw, AsAw) hold nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weeks:
    """Inputs of municipalities, each (S, T), NaN where missing. `cases` are nowcast; `favourable` is the climate's part
    (1 or 0); thresholds in cases a week."""

    cases: FloatArray
    above_one: FloatArray
    favourable: FloatArray
    preseason: FloatArray
    epidemic: FloatArray


def four_levels(weeks: Weeks, scheme: Scheme = AF) -> NDArray[np.int64]:
    """Levels 1 to 4, (S, T).

    Population divides out of "incidence above a threshold", so both stand in cases here.
    """
    cases = weeks.cases
    levels = np.ones(cases.shape, dtype=np.int64)
    preseason = np.maximum(weeks.preseason, PRESEASON_FLOOR)
    epidemic = np.maximum(weeks.epidemic, EPIDEMIC_FLOOR)
    conditions = (
        (2, scheme.yellow, [weeks.favourable, cases], (weeks.favourable > 0) & (cases > 0)),
        (3, scheme.orange, [weeks.above_one, cases, weeks.preseason], (weeks.above_one > SURE) & (cases > preseason)),
        (4, scheme.red, [cases, weeks.epidemic], (cases > epidemic) & (cases > LEAST_CASES)),
    )  # fmt: skip
    for level, delay, inputs, met in conditions:
        levels[switched(last_known(met, inputs), delay)] = level
    return levels


def last_known(met: BoolArray, inputs: Sequence[FloatArray]) -> BoolArray:
    """`met` (S, T), the last known answer where one of `inputs` is missing; nothing before the first."""
    missing = np.isnan(np.stack(inputs)).any(axis=0)
    at = np.where(missing, -1, np.arange(met.shape[1]))
    last = np.maximum.accumulate(at, axis=1)
    return np.where(last < 0, False, np.take_along_axis(met, np.maximum(last, 0), axis=1))


def switched(met: BoolArray, delay: Delay) -> BoolArray:
    """On in the weeks (S, T) that close a run of at least `delay.on`, and for `delay.hold` weeks after each."""
    run = np.zeros(met.shape[0], dtype=np.int64)
    left = np.zeros(met.shape[0], dtype=np.int64)
    on = np.zeros(met.shape, dtype=bool)
    for week in range(met.shape[1]):
        run = np.where(met[:, week], run + 1, 0)
        closes = run >= delay.on
        on[:, week] = closes | (left > 0)
        left = np.where(closes, delay.hold, np.maximum(left - 1, 0))
    return on
