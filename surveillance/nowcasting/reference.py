"""The nowcasts of R `surveillance::nowcast`, one series: kept to be checked against and to compare with.

Lawless (1994); Höhle & an der Heiden (2014). What runs every night is `surveillance/nowcast.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr

from surveillance.nowcasting.hazard import (
    Cut,
    DelayCounts,
    bayes_cdf,
    bayes_parameters,
    delay_cdf,
    draw_cdf,
    lawless_hazard,
)
from surveillance.nowcasting.triangle import due_cells
from surveillance.types import FloatArray

Method = Literal["lawless", "bayes.notrunc", "bayes.notrunc.bnb", "bayes.trunc", "unif"]
METHODS: tuple[Method, ...] = ("lawless", "bayes.notrunc", "bayes.notrunc.bnb", "bayes.trunc", "unif")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSettings:
    """As R's `control`: `window` is m, `largest` N.tInf.max, `kappa` gd.prior.kappa, `draws` nSamples.

    `prior_mean` and `prior_variance` are of the final count of a day ("poisgamma"; "bayes.notrunc" and
    "bayes.trunc" only).
    """

    method: Method = "lawless"
    window: int | None = None
    cut: Cut = "event"
    alpha: float = 0.05
    largest: int = 1000
    kappa: float = 0.1
    prior_mean: float = 50.0
    prior_variance: float = 3000.0
    draws: int = 1000

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method is {self.method!r}; use one of {', '.join(METHODS)}")
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha is {self.alpha}; it must lie between 0 and 1")
        if not self.prior_variance > self.prior_mean > 0:
            raise ValueError("the prior variance of a day's count must exceed its mean, and that 0")
        if self.window is not None and self.window < 1:
            raise ValueError(f"a moving window of {self.window} steps; use at least 1")
        if self.kappa <= 0 or self.draws < 1 or self.largest < 1:
            raise ValueError("kappa, draws and largest must be above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceNowcast:
    """`reported`, `median`, `lower`, `upper`, `reason` (T,) and the delay CDF (D+1,).

    Reasons: "beyond_largest" (the quantile lies above `largest`; R then prints 0), "unknown_counts",
    "insufficient_history" (fewer steps than the longest delay).
    """

    reported: FloatArray
    median: FloatArray
    lower: FloatArray
    upper: FloatArray
    cdf: FloatArray
    reason: NDArray[np.str_] = field(repr=False)


def reference_nowcast(
    counts: FloatArray, settings: ReferenceSettings, rng: np.random.Generator
) -> ReferenceNowcast:
    """Final counts expected for each event step of one triangle (T, D+1)."""
    steps, width = counts.shape
    due = due_cells(steps, width - 1)
    reported = np.where(due, counts, 0.0).sum(axis=1)
    if width > steps or not (counts[due] >= 0).all():
        code = "insufficient_history" if width > steps else "unknown_counts"
        return _refused(reported, width, code)
    delays = DelayCounts.of(counts, settings.window, settings.cut)
    pmf, cdf = _predictive(reported.astype(np.int64), delays, settings, rng)
    running = np.cumsum(pmf, axis=1)
    points = (0.5, settings.alpha / 2, 1 - settings.alpha / 2)
    median, lower, upper = (_first_above(running, p) for p in points)
    beyond = np.isnan(median) | np.isnan(lower) | np.isnan(upper)
    return ReferenceNowcast(
        reported=reported,
        median=median,
        lower=lower,
        upper=upper,
        cdf=cdf,
        reason=np.where(beyond, "beyond_largest", ""),
    )


def _refused(reported: FloatArray, width: int, code: str) -> ReferenceNowcast:
    nothing = np.full(reported.size, np.nan)
    return ReferenceNowcast(
        reported=reported, median=nothing, lower=nothing, upper=nothing, cdf=np.full(width, np.nan),
        reason=np.full(reported.size, code),
    )  # fmt: skip


def _first_above(running: FloatArray, probability: float) -> FloatArray:
    # A uniform distribution reaches one half exactly: rounding must not decide whether it is above.
    above = running > probability + 1e-12
    return np.where(above.any(axis=1), above.argmax(axis=1).astype(float), np.nan)


def _predictive(
    reported: NDArray[np.int64], delays: DelayCounts, settings: ReferenceSettings, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Predictive distribution of the final count on 0..largest, (T, largest+1), and the delay CDF."""
    support = np.arange(settings.largest + 1)
    match settings.method:
        case "unif":
            return _uniform(reported, support), np.full(delays.n.size, np.nan)
        case "lawless":
            cdf = delay_cdf(lawless_hazard(delays))
            return _lawless(reported, cdf, support), cdf
        case "bayes.notrunc.bnb":
            return _beta_negative_binomial(reported, delays, settings.kappa, support), bayes_cdf(
                delays, "notrunc", settings.kappa
            )
    truncation: Literal["trunc", "notrunc"] = "trunc" if settings.method == "bayes.trunc" else "notrunc"
    shares = draw_cdf(*bayes_parameters(delays, truncation, settings.kappa), settings.draws, rng)
    return _poisson_gamma(reported, shares, settings, support), bayes_cdf(delays, truncation, settings.kappa)


def _uniform(reported: NDArray[np.int64], support: NDArray[np.int64]) -> FloatArray:
    possible = (support >= reported[:, None]).astype(float)
    return possible / np.maximum(possible.sum(axis=1, keepdims=True), 1)


def _age(steps: int, width: int) -> NDArray[np.int64]:
    """The longest delay each event step can have shown by now, at most D; (T,)."""
    return np.minimum(np.arange(steps)[::-1], width - 1)


def _lawless(reported: NDArray[np.int64], cdf: FloatArray, support: NDArray[np.int64]) -> FloatArray:
    """Normal approximation as R has it: without the variance of F, and its own way of truncating at n."""
    share = cdf[_age(reported.size, cdf.size)]
    pmf = np.zeros((reported.size, support.size))
    for t, (n, f) in enumerate(zip(reported, share, strict=True)):
        if f <= 0 or n * (1 - f) <= 0:
            pmf[t, n : n + 1] = float(f > 0 or n == 0)
            continue
        mean, sd = n / f, np.sqrt(n * (1 - f)) / f
        truncated = ndtr((support - mean) / sd) / (1 - ndtr((n - mean) / sd))
        pmf[t] = np.diff(np.where(support < n, 0.0, truncated), prepend=0.0)
    return pmf


def _beta_negative_binomial(
    reported: NDArray[np.int64], delays: DelayCounts, kappa: float, support: NDArray[np.int64]
) -> FloatArray:
    weight = delays.n + kappa
    age = _age(reported.size, weight.size)
    a = np.cumsum(weight)[age][:, None]
    b = weight.sum() - a
    n = (reported + 1.0)[:, None]
    more = support - reported[:, None].astype(float)
    k, rest = np.maximum(more, 0.0), np.maximum(b, 1e-300)
    log_pmf = (
        gammaln(n + a) + gammaln(k + rest) + gammaln(n + k) + gammaln(a + rest)
        - gammaln(n + k + a + rest) - gammaln(n) - gammaln(k + 1) - gammaln(a) - gammaln(rest)
    )  # fmt: skip
    complete = (age == weight.size - 1)[:, None]
    return np.where(complete, more == 0, np.where(more < 0, 0.0, np.exp(log_pmf)))


def _poisson_gamma(
    reported: NDArray[np.int64], shares: FloatArray, settings: ReferenceSettings, support: NDArray[np.int64]
) -> FloatArray:
    """Negative-binomial prior of the final count; given F the unreported are negative binomial too."""
    size = settings.prior_mean**2 / (settings.prior_variance - settings.prior_mean)
    failure = settings.prior_mean / (size + settings.prior_mean)
    age = _age(reported.size, shares.shape[1])
    pmf = (support == reported[:, None]).astype(float)
    for t in np.flatnonzero(age < shares.shape[1] - 1):
        more = support[support >= reported[t]] - reported[t]
        missed = np.log(np.maximum(failure * (1 - shares[:, age[t], None]), 1e-300))
        log_pmf = gammaln(more + size + reported[t]) - gammaln(more + 1.0) + more * missed
        each = np.exp(log_pmf - log_pmf.max(axis=1, keepdims=True))
        pmf[t, reported[t] :] = (each / each.sum(axis=1, keepdims=True)).mean(axis=0)
    return pmf
