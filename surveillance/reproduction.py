"""Instantaneous reproduction number over sliding windows, many series at once.

Cori A, Ferguson NM, Fraser C, Cauchemez S (2013), Am J Epidemiol 178:1505–1512; numbers equal EpiEstim 2.2-4,
checked in tests/test_reproduction.py. When not to use it: docs/methods/reproduction.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc, gammaincinv

from i18n import Message
from surveillance.detection.watch import LARGEST_COUNT
from surveillance.serial_interval import GrowthTable, SerialInterval, mean_of, support_of
from surveillance.types import BoolArray, FloatArray

QUANTILES = (0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975)
MIN_CASES = 11
"""Cases a window needs for a posterior coefficient of variation of 0.3 under the default prior (Cori 2013)."""

REASONS: Mapping[str, str] = {
    "insufficient_history": "Chưa đủ ngày có số liệu để ước tính hệ số lây nhiễm.",
    "unknown_counts": "Có ngày chưa có số liệu nên chưa ước tính được hệ số lây nhiễm.",
    "negative_counts": "Có ngày ghi số ca không hợp lệ nên không ước tính được hệ số lây nhiễm.",
    "too_few_cases": "Quá ít ca để ước tính hệ số lây nhiễm.",
    "no_infectors": "Trước đó không có ca nào trong khu vực nên không ước tính được hệ số lây nhiễm.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """Gamma prior of Rt by its mean and SD. EpiEstim's default is wide and above 1, so that Rt < 1 is earned."""

    mean: float = 5.0
    sd: float = 5.0

    def __post_init__(self) -> None:
        if not (self.mean > 0 and self.sd > 0):
            raise ValueError(f"the prior of Rt has mean {self.mean} and SD {self.sd}; both must be above 0")

    @property
    def shape(self) -> float:
        return (self.mean / self.sd) ** 2

    @property
    def scale(self) -> float:
        return self.sd**2 / self.mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """First and last step (indices into T, both included) of W windows. Step 0 has nobody to be infected by."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.first.shape != self.last.shape or self.first.ndim != 1:
            raise ValueError("windows need as many first as last steps")
        if (self.first < 1).any() or (self.last < self.first).any():
            raise ValueError("a window starts at step 1 or later and does not end before it starts")

    @classmethod
    def sliding(cls, steps: int, length: int = 7, newest: int | None = None) -> Windows:
        """Every window of `length` steps, or the `newest` of them. None when the series is too short."""
        if length < 1:
            raise ValueError(f"windows of {length} steps; use at least 1")
        last = np.arange(length, steps, dtype=np.int64)
        if newest is not None:
            last = last[max(last.size - newest, 0) :]
        return cls(first=last - length + 1, last=last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """Rt of S series in W windows. `mean`, `sd`, `above_one` = P(Rt > 1) are (S, W).

    `quantiles` and `growth` (per step, the same probabilities) are (Q, S, W). All are NaN where `reason`
    (S, W) holds a code of REASONS; it is empty where the numbers stand.
    """

    windows: Windows
    probabilities: tuple[float, ...]
    mean: FloatArray
    sd: FloatArray
    quantiles: FloatArray
    above_one: FloatArray
    growth: FloatArray
    reason: NDArray[np.str_]

    @property
    def doubling_time(self) -> FloatArray:
        """Steps in which cases double, (Q, S, W); negative: halve; infinite: no growth."""
        with np.errstate(divide="ignore"):
            return np.log(2) / self.growth


def explain(code: str) -> Message:
    """The words for a reason code. Raises KeyError for a code that no estimate gives."""
    return Message(REASONS[code])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is estimated and when it is refused. `min_cases` 0 refuses nothing but what EpiEstim leaves NA."""

    prior: Prior = field(default_factory=Prior)
    probabilities: Sequence[float] = QUANTILES
    min_cases: int = MIN_CASES

    def __post_init__(self) -> None:
        if any(not 0 < p < 1 for p in self.probabilities):
            raise ValueError("probabilities lie between 0 and 1")


def infectivity(cases: FloatArray, weights: FloatArray, start: int = 0) -> FloatArray:
    """Σ_k w_k · cases[t-k] for t = start..T-1, (…, T-start): earlier cases by how infectious they are now.

    NaN at step 0. An unknown count enters as 0: judge it apart, as `estimate_rt` does.
    """
    steps = cases.shape[-1]
    padded = np.zeros(steps)
    padded[: min(weights.size, steps)] = weights[:steps]
    lag = np.subtract.outer(np.arange(start, steps), np.arange(steps))
    pressure = np.nan_to_num(cases) @ np.where(lag >= 0, padded[np.abs(lag)], 0.0).T
    if start == 0:
        pressure[..., :1] = np.nan
    return pressure


def estimate_rt(
    cases: FloatArray,
    interval: SerialInterval | FloatArray,
    *,
    windows: Windows,
    imported: FloatArray | None = None,
    rules: Rules | None = None,
) -> Reproduction:
    """Closed-form posterior of Rt. `cases` (S, T) per step, all of them; `imported` (S, T) of these.

    `interval`: a discretised gamma, or weights w_0, w_1, … of one's own. Imported cases infect, but were not
    infected here. Raises ValueError for impossible settings, never for what the counts hold.
    """
    rules = rules or Rules()
    steps = cases.shape[1]
    weights = interval_weights(interval, steps)
    local, pressure = sufficient(cases, imported, weights, windows)
    long_enough = windows.last + 1 > mean_of(weights[:steps])
    reason = refusals(cases, windows, weights, local, pressure, rules, long_enough)
    shape = np.where(reason == "", rules.prior.shape + local, np.nan)
    scale = 1 / (1 / rules.prior.scale + pressure)
    quantiles = _gamma_quantiles(shape, rules.probabilities) * scale
    return Reproduction(
        windows=windows,
        probabilities=tuple(rules.probabilities),
        mean=shape * scale,
        sd=np.sqrt(shape) * scale,
        quantiles=quantiles,
        above_one=gammaincc(shape, 1 / scale),
        growth=GrowthTable.of(weights)(quantiles),
        reason=reason,
    )


def interval_weights(interval: SerialInterval | FloatArray, steps: int) -> FloatArray:
    """w_0, w_1, … over at least `steps` steps. Raises ValueError for weights that are no serial interval."""
    if isinstance(interval, SerialInterval):
        return interval.weights(max(steps, interval.horizon))
    if interval.ndim != 1 or interval.size < 2 or interval[0] != 0 or not (interval >= 0).all():
        raise ValueError("serial interval weights are w_0 = 0, w_1, w_2, …, none of them negative")
    if not abs(interval.sum() - 1) < 0.01:
        raise ValueError(f"serial interval weights sum to {interval.sum():.3f}; they must sum to 1")
    return interval


def sufficient(
    cases: FloatArray, imported: FloatArray | None, weights: FloatArray, windows: Windows
) -> tuple[FloatArray, FloatArray]:
    """Local cases and infectious pressure in each window, (S, W): all that the posterior needs.

    What cannot be a count (NaN, negative, infinite) enters as 0; `refusals` refuses the windows it touches.
    """
    counted = np.where(np.isfinite(cases) & (cases > 0), cases, 0.0)
    local = counted if imported is None else np.maximum(counted - np.nan_to_num(imported), 0.0)
    start = int(windows.first.min(initial=cases.shape[1] - 1)) if windows.first.size else 0
    pressure = np.nan_to_num(infectivity(counted, weights, start))
    moved = Windows(first=windows.first - start + 1, last=windows.last - start + 1)
    return _window_sums(local, windows), _window_sums(np.pad(pressure, ((0, 0), (1, 0))), moved)


def refusals(
    cases: FloatArray,
    windows: Windows,
    weights: FloatArray,
    local: FloatArray,
    pressure: FloatArray,
    rules: Rules,
    long_enough: BoolArray,
) -> NDArray[np.str_]:
    """Why each window (S, W) has no estimate; empty where it has. `long_enough` (W,): it ends after the mean SI."""
    reach = Windows(first=np.maximum(windows.first - support_of(weights), 0) + 1, last=windows.last + 1)
    touched = [
        _window_sums(np.pad(wrong, ((0, 0), (1, 0))).astype(float), reach) > 0
        for wrong in ((cases < 0) | (cases > LARGEST_COUNT), np.isnan(cases))
    ]
    few, nobody = local < rules.min_cases, (pressure <= 0) & (rules.min_cases > 0)
    short = np.broadcast_to(~long_enough, local.shape)
    codes = ["insufficient_history", "negative_counts", "unknown_counts", "too_few_cases", "no_infectors"]
    return np.select([short, *touched, few, nobody], codes, default="").astype(np.str_)


def _window_sums(values: FloatArray, windows: Windows) -> FloatArray:
    running = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=running[:, 1:])
    return running[:, windows.last + 1] - running[:, windows.first]


def _gamma_quantiles(shape: FloatArray, probabilities: Sequence[float]) -> FloatArray:
    """Unit-scale gamma quantiles (Q, …). Shapes are prior + whole counts, so few of them differ."""
    different, where = np.unique(shape, return_inverse=True)
    table = np.stack([gammaincinv(different, p) for p in probabilities])
    return table[:, where.reshape(shape.shape)]
