"""Poisson and negative-binomial regression of many series on one design, as R's `glm` and `MASS::glm.nb`.

Start values and stopping rules are R's (R 4.2.2, MASS 7.3-58), so that the means agree also where the fit
stops early. All series of a batch share the design; a count not known has no weight.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surveillance.types import BoolArray, FloatArray, Frequency

STEPS_PER_YEAR = {Frequency.DAY: 365, Frequency.WEEK: 52, Frequency.MONTH: 12}
EPSILON, ITERATIONS = 1e-8, 25


class Fit(NamedTuple):
    """`coefficients` (S, p) of the log mean; `alpha` (S,): variance is mean + alpha·mean²; `converged` (S,)."""

    coefficients: FloatArray
    alpha: FloatArray
    converged: BoolArray


def seasonal_design(steps: NDArray[np.int64], *, period: float, harmonics: int, trend: bool) -> FloatArray:
    """(T, p): a constant, the step itself (in periods) if `trend`, and `harmonics` pairs of cosine and sine."""
    columns = [np.ones(steps.size)]
    if trend:
        columns.append(steps / period)
    for order in range(1, harmonics + 1):
        angle = 2 * np.pi * order / period * steps
        columns += [np.cos(angle), np.sin(angle)]
    return np.column_stack(columns)


def fit_counts(
    design: FloatArray, counts: FloatArray, alpha: float | None, weights: FloatArray | None = None
) -> Fit:
    """Regress `counts` (S, T) on `design` (T, p); `alpha` 0 is Poisson, None is estimated from each series (then
    there are no `weights`)."""
    finite = np.isfinite(counts)
    y, known = np.where(finite, counts, 0.0), finite.astype(np.float64)
    if weights is not None:
        known = known * weights
    if alpha is None:
        return _fit_negative_binomial(design, y, known)
    start = np.log(y + 0.1 if alpha == 0 else np.where(y == 0, 1 / 6, y))
    dispersion = np.full(len(y), float(alpha))
    coefficients, _, converged = _irls(design, y, known, dispersion, start)
    return Fit(coefficients, dispersion, converged)


def _irls(
    design: FloatArray, y: FloatArray, known: FloatArray, alpha: FloatArray, eta: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Coefficients (S, p), log means (S, T) and whether the deviance settled; a series that has settled rests."""
    count, width = len(y), design.shape[1]
    cross = (design[:, :, None] * design[:, None, :]).reshape(-1, width**2)
    coefficients, eta = np.full((count, width), np.nan), eta.copy()
    converged, at = np.zeros(count, dtype=np.bool_), np.arange(count)
    with np.errstate(all="ignore"):
        before = _deviance(y, np.exp(eta), known, alpha)
        for _ in range(ITERATIONS):
            mu = np.exp(eta[at])
            weight = known[at] * mu / (1 + alpha[at, None] * mu)
            response = weight * (eta[at] + (y[at] - mu) / mu)
            coefficients[at] = _solve((weight @ cross).reshape(-1, width, width), response @ design)
            eta[at] = coefficients[at] @ design.T
            after = _deviance(y[at], np.exp(eta[at]), known[at], alpha[at])
            settled = np.abs(after - before) / (np.abs(after) + 0.1) < EPSILON
            converged[at[settled]] = True
            go = ~settled & np.isfinite(after)
            at, before = at[go], after[go]
            if not at.size:
                break
    return coefficients, eta, converged


def _solve(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Solutions of each series' normal equations; NaN where they have none."""
    sound: BoolArray = np.isfinite(matrix.sum(axis=(1, 2)) + right.sum(axis=1))
    safe = np.where(sound[:, None, None], matrix, np.eye(matrix.shape[1]))
    try:
        found = np.linalg.solve(safe, right[..., None])[..., 0]
    except np.linalg.LinAlgError:
        found = (np.linalg.pinv(safe) @ right[..., None])[..., 0]
    return np.where(sound[:, None], found, np.nan)


def _deviance(y: FloatArray, mu: FloatArray, known: FloatArray, alpha: FloatArray) -> FloatArray:
    log_ratio = np.log(np.where(y > 0, y, 1.0) / mu)
    if not alpha.any():
        part = y * np.where(y > 0, log_ratio, 0.0) - (y - mu)
    else:
        theta = 1 / alpha[:, None]
        part = y * np.log(np.maximum(y, 1) / mu) - (y + theta) * np.log((y + theta) / (mu + theta))
    total: FloatArray = 2 * (known * part).sum(axis=1)
    return total


def _fit_negative_binomial(design: FloatArray, y: FloatArray, known: FloatArray) -> Fit:
    """Alternate between the means given theta = 1/alpha and theta given the means, as `glm.nb`: without
    overdispersion theta grows without end, and where the alternation then stops is as good as Poisson."""
    zero = np.zeros(len(y))
    coefficients, eta, converged = _irls(design, y, known, zero, np.log(y + 0.1))
    with np.errstate(all="ignore"):
        theta = _theta(y, np.exp(eta), known)
        scale = np.sqrt(2 * np.maximum(1, known.sum(axis=1) - design.shape[1]))
        likelihood = _log_likelihood(y, np.exp(eta), known, theta)
        at = np.flatnonzero(np.isfinite(likelihood) & (theta > 0))
        for _ in range(ITERATIONS):
            if not at.size:
                break
            mu_before, before = np.exp(eta[at]), (theta[at], likelihood[at])
            coefficients[at], eta[at], converged[at] = _irls(
                design, y[at], known[at], 1 / theta[at], np.log(mu_before)
            )
            # As glm.nb has it: theta is estimated from the means of the round before.
            theta[at] = _theta(y[at], mu_before, known[at])
            likelihood[at] = _log_likelihood(y[at], np.exp(eta[at]), known[at], theta[at])
            moved = np.abs(before[1] - likelihood[at]) / scale[at] + np.abs(before[0] - theta[at])
            at = at[(moved > EPSILON) & np.isfinite(moved) & (theta[at] > 0)]
        return Fit(coefficients, 1 / theta, converged & np.isfinite(theta) & (theta > 0))


def _theta(y: FloatArray, mu: FloatArray, known: FloatArray) -> FloatArray:
    """Maximum-likelihood theta (S,) given the means, as `MASS::theta.ml`; NaN or negative where it has none."""
    from surveillance.detection.dispersion_kernel import best_theta

    theta: FloatArray = known.sum(axis=1) / (known * (y / mu - 1) ** 2).sum(axis=1)
    best_theta(y, mu, known, theta)
    return theta


def _log_likelihood(y: FloatArray, mu: FloatArray, known: FloatArray, theta: FloatArray) -> FloatArray:
    from scipy.special import gammaln

    t = theta[:, None]
    part = (
        gammaln(t + y) - gammaln(t) - gammaln(y + 1) + t * np.log(t)
        + y * np.log(mu + (y == 0)) - (t + y) * np.log(t + mu)
    )  # fmt: skip
    total: FloatArray = (known * part).sum(axis=1)
    return total
