"""Delay distributions from a reporting triangle by the reverse-time hazard g(x) = P(delay = x | delay ≤ x).

Lawless JF (1994), Can J Stat 22:15–31; Höhle M, an der Heiden M (2014), Biometrics 70:993–1002. Numbers equal
R `surveillance::nowcast` 1.20.3, checked in tests/test_nowcast.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from surveillance.nowcasting.triangle import due_cells
from surveillance.types import FloatArray

Cut = Literal["event", "report"]
Truncation = Literal["notrunc", "trunc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayCounts:
    """`n` (D+1,): cases with exactly that delay; `at_most` (D+1,): those with no longer delay, same days."""

    n: FloatArray
    at_most: FloatArray

    @classmethod
    def of(cls, counts: FloatArray, window: int | None = None, cut: Cut = "event") -> DelayCounts:
        """From one triangle (T, D+1), or from its last `window` + 1 steps only.

        `cut` "event" leaves out older events (Höhle & an der Heiden), "report" older reports (Lawless).
        """
        steps, width = counts.shape
        due = due_cells(steps, width - 1)
        oldest = 0 if window is None else steps - 1 - window
        first = oldest - (
            np.arange(width) if cut == "report" and window is not None else np.zeros(width, int)
        )
        used = due & (np.arange(steps)[:, None] >= first)
        known = np.where(due, counts, 0.0)
        upto = np.cumsum(known, axis=1)
        return cls(n=(known * used).sum(axis=0), at_most=(upto * used).sum(axis=0))


def lawless_hazard(delays: DelayCounts) -> FloatArray:
    """g (D+1,): 0 where nobody was at risk, 1 at delay 0."""
    hazard = np.divide(delays.n, delays.at_most, out=np.zeros_like(delays.n), where=delays.at_most > 0)
    hazard[0] = 1.0
    return hazard


def delay_cdf(hazard: FloatArray) -> FloatArray:
    """F(x) = Π_{y > x} (1 - g(y)) along the last axis, (…, D+1); F(D) = 1."""
    survive = np.flip(np.cumprod(np.flip(1 - hazard[..., 1:], axis=-1), axis=-1), axis=-1)
    return np.concatenate([survive, np.ones((*hazard.shape[:-1], 1))], axis=-1)


def bayes_parameters(
    delays: DelayCounts, truncation: Truncation, kappa: float = 0.1
) -> tuple[FloatArray, FloatArray]:
    """Beta posteriors (a, b) of g(1), …, g(D) under a symmetric Dirichlet(κ) prior of the delays, (D,) each.

    "trunc" knows that late delays of recent days cannot have been seen; "notrunc" takes the counts as they
    are and is biased towards short delays. Both are kept because the reference has both.
    """
    lag = np.arange(1, delays.n.size)
    below = np.cumsum(delays.n)[:-1] if truncation == "notrunc" else (delays.at_most - delays.n)[1:]
    return delays.n[1:] + kappa, below + kappa * lag


def bayes_cdf(delays: DelayCounts, truncation: Truncation, kappa: float = 0.1) -> FloatArray:
    """Posterior mean of F, (D+1,)."""
    a, b = bayes_parameters(delays, truncation, kappa)
    return delay_cdf(np.concatenate([[1.0], a / (a + b)]))


def draw_cdf(a: FloatArray, b: FloatArray, number: int, rng: np.random.Generator) -> FloatArray:
    """`number` draws of F from the Beta posteriors of its hazards, (number, D+1)."""
    hazard = rng.beta(a, b, size=(number, a.size))
    return delay_cdf(np.concatenate([np.ones((number, 1)), hazard], axis=1))
