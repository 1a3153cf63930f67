"""The areas a statistic of spatial association can use, and why not the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveillance.adjacency import Weights
from surveillance.types import BoolArray, FloatArray

FEWEST_AREAS = 4
"""The variance of the global Moran's I divides by n − 3."""
LARGEST_VALUE, SMALLEST_RANGE = 1e50, 1e-50
"""Beyond these, fourth powers overflow or vanish."""
NOISE = 1e-12
"""Relative size below which a difference is a rounding error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """The n areas with a value, among N: `kept`, `unusable` are (N,), the rest (n,). `m2` is Σ deviation² / n."""

    kept: BoolArray
    unusable: NDArray[np.str_]
    values: FloatArray
    weights: Weights
    mean: float
    m2: float
    deviation: FloatArray
    row_sum: FloatArray
    row_squares: FloatArray

    @classmethod
    def of(cls, values: FloatArray, weights: Weights) -> Field:
        """Raises ValueError when there is not one value for each area."""
        x = np.asarray(values, dtype=np.float64)
        if x.shape != (weights.size,):
            raise ValueError(f"{weights.size} areas but values of shape {x.shape}")
        kept = np.abs(x) <= LARGEST_VALUE
        w = weights.among(kept)
        mean = float(x[kept].mean()) if kept.any() else 0.0
        deviation = x[kept] - mean
        return cls(
            kept=kept,
            unusable=np.where(kept, "", np.where(np.isnan(x), "unknown_value", "invalid_value")),
            values=x[kept],
            weights=w,
            mean=mean,
            m2=float(np.mean(deviation**2)) if kept.any() else 0.0,
            deviation=deviation,
            row_sum=w.sums(w.weight),
            row_squares=w.sums(w.weight**2),
        )

    @property
    def size(self) -> int:
        return self.values.size

    @property
    def slope(self) -> FloatArray:
        """By how much local Moran's I rises with the lag."""
        return self.deviation / self.m2

    @property
    def own_weight(self) -> FloatArray:
        """What an area weighs as its own neighbour: the mean of the others, 0 without any."""
        return self.row_sum / np.maximum(self.weights.degree, 1)

    def refusal(self) -> str:
        """Why nothing can be said of any area, or empty."""
        if self.size < FEWEST_AREAS:
            return "too_few_areas"
        if np.ptp(self.values) <= max(NOISE * np.abs(self.values).max(), SMALLEST_RANGE):
            return "no_variation"
        return "" if self.weights.weight.size else "no_neighbours"

    def flat_moran(self) -> BoolArray:
        """Areas whose statistic no permutation can change, (n,)."""
        share = self.deviation**2 / self.m2 / (self.size - 1)
        same_others = 1 - share <= NOISE
        all_others = self.row_squares - self.row_sum**2 / (self.size - 1) <= NOISE * self.row_squares
        return same_others | all_others | (share <= NOISE**2)

    def flat_g(self) -> BoolArray:
        own = self.own_weight
        total, squares = self.row_sum + own, self.row_squares + own**2
        return self.size * squares - total**2 <= NOISE * self.size * squares

    def reasons(self, flat: Callable[[], BoolArray]) -> NDArray[np.str_]:
        """A reason for each of the N areas, empty where its statistic stands."""
        reason = self.unusable.astype("U16")
        refusal = self.refusal()
        if refusal:
            reason[self.kept] = refusal
            return reason
        lone = self.weights.degree == 0
        reason[self.kept] = np.where(lone, "no_neighbours", np.where(flat(), "no_variation", ""))
        return reason

    def spread_words(self) -> NDArray[np.str_]:
        """Whether each of the N areas and its surroundings lie above the mean."""
        own = np.where(self.deviation > 0, "high-", "low-")
        around = np.where(self.weights.lag(self.deviation) > 0, "high", "low")
        words = np.full(self.kept.size, "", dtype="U9")
        words[self.kept] = np.char.add(own, around)
        return words
