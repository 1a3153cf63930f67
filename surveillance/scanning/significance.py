"""How surprising a statistic is beside the maxima of replicates."""

from __future__ import annotations

from math import exp, expm1, pi, sqrt
from typing import NamedTuple

import numpy as np

from surveillance.types import FloatArray

TIE = 1e-9
"""Statistics that differ by less, relatively, are equal: rounding must not decide a rank."""


CERTAIN = 700.0
"""Beyond, exp overflows, and P is 1 to the last digit long before: for statistics far below maxima all much alike."""


class Gumbel(NamedTuple):
    """The Gumbel distribution with the mean and variance of the maxima (Abrams, Kulldorff & Kleinman 2010)."""

    location: float
    scale: float

    @classmethod
    def fitted(cls, maxima: FloatArray) -> Gumbel | None:
        """None with fewer than two maxima or when all are equal."""
        if maxima.size < 2 or not np.ptp(maxima):
            return None
        scale = float(np.std(maxima, ddof=1)) * sqrt(6) / pi
        return cls(float(np.mean(maxima)) - np.euler_gamma * scale, scale)

    def p(self, statistic: float) -> float:
        """P(maximum ≥ statistic)."""
        return -expm1(-exp(min((self.location - statistic) / self.scale, CERTAIN)))


def exceeding(statistic: float, maxima: FloatArray) -> int:
    """Replicates that reach the statistic; ties count."""
    return int(np.sum(maxima >= statistic * (1 - TIE)))


def stopped_after(statistic: float, maxima: FloatArray, enough: int) -> int | None:
    """After how many replicates `enough` had reached the statistic; None where they did not."""
    reached = np.flatnonzero(maxima >= statistic * (1 - TIE))
    return int(reached[enough - 1]) + 1 if reached.size >= enough else None


def monte_carlo_p(statistic: float, maxima: FloatArray, *, stopped: bool) -> float | None:
    """(1 + exceeding) ÷ (1 + replicates); exceeding ÷ replicates when they were `stopped` (Besag & Clifford 1991).
    None without replicates."""
    if not maxima.size:
        return None
    more = exceeding(statistic, maxima)
    return more / maxima.size if stopped else (more + 1) / (maxima.size + 1)
