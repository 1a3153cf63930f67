"""The serial interval: days from a case's onset to that of those it infected; exact, or known only roughly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc

from surveillance.types import FloatArray

SUPPORT_MASS = 0.99
"""Share of the interval that must lie on known days."""
GROWTH_RANGE = (-1.0, 1.5, 1251)
"""Growth rates per step between which Rt is tabulated: e-fold fall to a 4.5-fold rise each step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialInterval:
    """A gamma-distributed serial interval shifted by one step, by mean and SD in steps (domain.md §2.5)."""

    mean: float
    sd: float

    def __post_init__(self) -> None:
        if not self.mean > 1:
            raise ValueError(f"the serial interval has mean {self.mean}; it must be above 1 step")
        if not self.sd > 0:
            raise ValueError(f"the serial interval has SD {self.sd}; it must be above 0")

    @property
    def horizon(self) -> int:
        """Steps beyond which nobody is infected any more (mean + 10 SD)."""
        return int(np.ceil(self.mean + 10 * self.sd)) + 1

    def weights(self, steps: int) -> FloatArray:
        """Probability of 0, 1, …, steps-1 steps, (steps,)."""
        return discretised_gamma(steps, np.array([self.mean]), np.array([self.sd]))[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class UncertainInterval:
    """Mean and SD of the serial interval, each a normal distribution cut to a range (steps)."""

    mean: float
    mean_sd: float
    mean_min: float
    mean_max: float
    sd: float
    sd_sd: float
    sd_min: float
    sd_max: float

    def __post_init__(self) -> None:
        if not (1 <= self.mean_min <= self.mean <= self.mean_max and self.mean_sd > 0):
            raise ValueError("the mean serial interval lies in a range of 1 step or more, with an SD above 0")
        if not (0 < self.sd_min <= self.sd <= self.sd_max and self.sd_sd > 0):
            raise ValueError("the SD of the serial interval lies in a range above 0, with an SD above 0")

    @property
    def horizon(self) -> int:
        return int(np.ceil(self.mean_max + 10 * self.sd_max)) + 1

    def draw(self, number: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """`number` means and SDs, each (number,)."""
        means = _truncated_normal(self.mean, self.mean_sd, self.mean_min, self.mean_max, number, rng)
        return means, _truncated_normal(self.sd, self.sd_sd, self.sd_min, self.sd_max, number, rng)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthTable:
    """Growth rate per step for a given Rt by Euler–Lotka, 1/R = Σ w_k exp(-r k) (Wallinga & Lipsitch 2007)."""

    log_r: FloatArray
    rate: FloatArray

    @classmethod
    def of(cls, weights: FloatArray) -> GrowthTable:
        rate = np.linspace(*GROWTH_RANGE)
        lags = np.arange(weights.size)
        used = np.arange(weights.size) <= 4 * support_of(weights)
        terms = weights[used] * np.exp(-np.outer(rate, lags[used]))
        return cls(log_r=-np.log(terms.sum(axis=1)), rate=rate)

    def __call__(self, reproduction: FloatArray) -> FloatArray:
        """Any shape. Beyond the tabulated rates the nearest of them."""
        flat = np.log(np.maximum(reproduction, np.finfo(float).tiny)).ravel()
        return np.interp(flat, self.log_r, self.rate).reshape(reproduction.shape)


def discretised_gamma(steps: int, mean: FloatArray, sd: FloatArray) -> FloatArray:
    """Weights of K intervals at 0..steps-1, (K, steps), as EpiEstim's `discr_si`.

    The continuous interval is 1 + Gamma with the given mean and SD; each case falls anywhere in its step, so
    the weight of lag k is the gamma CDF's second difference integrated over two steps (Cori 2013, web
    appendix 11): J(k) - 2 J(k-1) + J(k-2) with J(x) = ∫_0^x F.
    """
    shape, scale = ((mean - 1) / sd) ** 2, sd**2 / (mean - 1)
    knots = np.arange(-2.0, steps)
    x = np.maximum(knots, 0.0) / scale[:, None]
    integral = knots * gammainc(shape[:, None], x) - (shape * scale)[:, None] * gammainc(
        shape[:, None] + 1, x
    )
    return np.maximum(integral[:, 2:] - 2 * integral[:, 1:-1] + integral[:, :-2], 0.0)


def mean_of(weights: FloatArray) -> float:
    return float(np.arange(weights.size) @ weights)


def support_of(weights: FloatArray) -> int:
    """Lags that hold SUPPORT_MASS of the interval."""
    return int(np.searchsorted(np.cumsum(weights), SUPPORT_MASS * weights.sum()))


def _truncated_normal(
    mean: float, sd: float, low: float, high: float, number: int, rng: np.random.Generator
) -> FloatArray:
    values = np.full(number, np.nan)
    while (todo := np.flatnonzero(~((values >= low) & (values <= high)))).size:
        values[todo] = rng.normal(mean, sd, todo.size)
    return values
