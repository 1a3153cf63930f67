"""What the Farrington kernel is given: settings as numbers, and room to work in. Knows nothing of numba."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.farrington_plan import Plan
from surveillance.types import FloatArray


class Rules(NamedTuple):
    """A method's settings as numbers. `critical[df]` is the least |t| at which a trend is significant;
    `method` is 0 delta, 1 nbPlugin, 2 muan; the bound is the quantile `probability`, or `z` in the normal's terms.
    """

    classic: bool
    years: int
    trend: bool
    reweight: bool
    offset: bool
    threshold: float
    critical: FloatArray
    method: int
    exponent: float
    probability: float
    z: float
    min_cases: float
    min_steps: int


class Work(NamedTuple):
    """One baseline of n rows, and the state of its fit; group g is rows first[g] to first[g + 1].

    `omega` are prior weights, `weight` those of the last iteration; a group's `total` is the sum of `weight`,
    `centre` its mean time, `alpha` its intercept.
    """

    y: FloatArray
    y_log_y: FloatArray
    start: FloatArray
    time: FloatArray
    offset: FloatArray
    omega: FloatArray
    eta: FloatArray
    mu: FloatArray
    weight: FloatArray
    first: NDArray[np.int64]
    alpha: FloatArray
    alpha_before: FloatArray
    total: FloatArray
    centre: FloatArray


class Model(NamedTuple):
    """A fit: `scale` multiplies the coefficients' variance, `dispersion` is floored at 1, `spread` is the sum of
    squares of time."""

    usable: bool
    trend: bool
    beta: float
    spread: float
    scale: float
    dispersion: float
    df: int


def workspace(plan: Plan) -> Work:
    """Room for the largest baseline of `plan`; one thread's own."""
    rows = int(np.diff(plan.begin).max(initial=0))
    groups = int(plan.level.max(initial=1))
    line, group = (lambda: np.zeros(rows)), (lambda: np.zeros(groups))
    return Work(
        y=line(), y_log_y=line(), start=line(), time=line(), offset=line(), omega=line(), eta=line(), mu=line(),
        weight=line(), first=np.zeros(groups + 1, dtype=np.int64), alpha=group(), alpha_before=group(),
        total=group(), centre=group(),
    )  # fmt: skip
