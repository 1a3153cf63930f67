"""Which case may have passed the disease to which: relative likelihoods over time and distance, never a proof.

Wallinga & Teunis (Am J Epidemiol 2004;160:509-516), eq. 1: p_ij = w(t_i - t_j) / Σ_k w(t_i - t_k), here with each w
multiplied by a kernel of the distance. What it takes for granted is in docs/methods/transmission.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveillance.serial_interval import support_of
from surveillance.types import FloatArray
from surveillance.world import metres_apart

DISTANCE_SCALE = 0.5
"""The kernel falls e-fold over this share of the profile's radius: a default, not estimated (see the method page)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmission:
    """Of n cases. `probability[i, j]`, (n, n): the share of all likelihood that j infected i; a row sums to 1, or to
    0 where nobody of the outbreak can have: a first case, or one from outside. `metres` as it was given."""

    probability: FloatArray
    metres: FloatArray | None

    @property
    def without_source(self) -> NDArray[np.bool_]:
        """Cases that none of the others can have infected, (n,)."""
        return self.probability.sum(axis=1) == 0

    @property
    def infected(self) -> FloatArray:
        """Cases each is expected to have infected *within the outbreak*, (n,): Wallinga & Teunis' R_j."""
        return self.probability.sum(axis=0)


def transmission(
    day: NDArray[np.int64],
    weights: FloatArray,
    *,
    metres: FloatArray | None = None,
    radius_m: float | None = None,
) -> Transmission:
    """`day` of falling ill, (n,); `weights` of lags 0, 1, … days; `metres` apart, (n, n), NaN without two positions.

    With `radius_m`, pairs farther apart, or not both located, are left out; without it distance is ignored. Lags beyond
    those that hold 99 % of the interval are left out. Raises ValueError when there are distances of another shape.
    """
    if metres is not None and metres.shape != (day.size, day.size):
        raise ValueError(f"distances of {metres.shape} for {day.size} cases")
    lag = day[:, None] - day
    window = weights[: support_of(weights) + 1]
    possible = (lag > 0) & (lag < window.size)
    likelihood = np.where(possible, window[np.clip(lag, 0, window.size - 1)], 0.0)
    if metres is not None and radius_m is not None:
        likelihood = likelihood * distance_kernel(metres, radius_m)
    total = likelihood.sum(axis=1, keepdims=True)
    share = np.divide(likelihood, total, out=np.zeros_like(likelihood), where=total > 0)
    return Transmission(probability=share, metres=metres)


def distance_kernel(metres: FloatArray, radius_m: float) -> FloatArray:
    """Relative likelihood by distance: 1 at the same place, e-fold less each half radius, 0 beyond it or unknown."""
    near = np.nan_to_num(metres, nan=np.inf) <= radius_m
    return np.where(near, np.exp(-np.where(near, metres, 0.0) / (DISTANCE_SCALE * radius_m)), 0.0)


def metres_between(lon: FloatArray, lat: FloatArray) -> FloatArray:
    """Distances of points in degrees, (n,), to each other, (n, n); NaN without a position."""
    return np.asarray(metres_apart(lon[:, None], lat[:, None], lon, lat))
