"""Which areas stand out together with their neighbours: categories of Gi* and of the local Moran's I. Pure.

Of rates smoothed by empirical Bayes, so that an area of few people is no hot spot by chance; at most
`FALSE_DISCOVERIES` of those named are expected to be false (docs/methods/association.md).
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from surveillance.adjacency import Weights
from surveillance.association import local_g, local_moran, permute_local_g, permute_local_moran
from surveillance.false_discovery import adjust_fdr
from surveillance.hot_spots import FALSE_DISCOVERIES, FEWEST_CASES
from surveillance.smoothing import smooth_rates
from surveillance.types import FloatArray

PERMUTATIONS = 9_999


class Spot(IntEnum):
    """Category of Gi*."""

    NONE = 0
    HOT = 1
    COLD = 2


class Quadrant(IntEnum):
    """Category of the local Moran's I: the area, and its neighbours."""

    NONE = 0
    HIGH_HIGH = 1
    LOW_LOW = 2
    HIGH_LOW = 3
    LOW_HIGH = 4


_QUADRANTS = {
    "high-high": Quadrant.HIGH_HIGH,
    "low-low": Quadrant.LOW_LOW,
    "high-low": Quadrant.HIGH_LOW,
    "low-high": Quadrant.LOW_HIGH,
}


def hot_and_cold(
    cases: FloatArray, persons: FloatArray, weights: Weights, seed: tuple[int, ...]
) -> FloatArray:
    """Spot of each area, (N,), NaN where it could not be judged. `cases`, `persons` (N,)."""
    if not np.nansum(cases) >= FEWEST_CASES:
        return np.full(cases.shape, np.nan)
    smoothed = smooth_rates(cases, persons).smoothed
    z = local_g(smoothed, weights).z
    rng = np.random.default_rng(seed)
    q = adjust_fdr(permute_local_g(smoothed, weights, rng=rng, permutations=PERMUTATIONS).p)
    found = np.where(q <= FALSE_DISCOVERIES, np.where(z > 0, Spot.HOT, Spot.COLD), Spot.NONE)
    return np.where(np.isnan(q) | np.isnan(z), np.nan, found.astype(np.float64))


def quadrants(cases: FloatArray, persons: FloatArray, weights: Weights, seed: tuple[int, ...]) -> FloatArray:
    """Quadrant of each area, (N,), NaN where it could not be judged. `cases`, `persons` (N,)."""
    if not np.nansum(cases) >= FEWEST_CASES:
        return np.full(cases.shape, np.nan)
    smoothed = smooth_rates(cases, persons).smoothed
    words = local_moran(smoothed, weights).quadrant
    rng = np.random.default_rng(seed)
    q = adjust_fdr(permute_local_moran(smoothed, weights, rng=rng, permutations=PERMUTATIONS).p)
    found = np.array([_QUADRANTS.get(str(word), Quadrant.NONE) for word in words], dtype=np.float64)
    return np.where(
        np.isnan(q) | (words == ""), np.nan, np.where(q <= FALSE_DISCOVERIES, found, Quadrant.NONE)
    )
