"""How many cases a day holds: the city's curve, and each area's part of it, from what has been reported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surveillance.types import FloatArray

ROUNDS = 8
SMOOTHNESS = (0.003, 0.01, 0.02, 0.04, 0.08, 0.15)
"""Candidate SDs of the daily change in the growth rate of the city's curve."""
WEEKDAY_SD = 0.5
FORGETTING = 0.92
"""Weight of a day against the day after it when an area's part of the city is learnt (12 days in effect)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CityCurve:
    """Draws (K, T) of the log of expected cases a day in the whole city; `overdispersion` of the daily counts."""

    log_level: FloatArray
    overdispersion: float


def fit_curve(
    reported: FloatArray, share: FloatArray, weekday: FloatArray, rng: np.random.Generator
) -> CityCurve:
    """Cases reported (T,), share of each day's cases reported by now (K, T) draws, `weekday` (T, 7) indicators.

    A Poisson regression on a smooth curve (second-order random walk) plus weekday effects, with variance
    inflated by what complete days show; one fit per draw of `share`, so that its spread is carried through.
    """
    steps = reported.size
    x = np.hstack([np.eye(steps), weekday])
    mean_share = np.log(share).mean(axis=0)[None, :]
    phi, best = 1.0, SMOOTHNESS[2]
    for _ in range(2):
        fits = [(_marginal(reported, mean_share, x, sd, phi), sd) for sd in SMOOTHNESS]
        best = max(fits)[1]
        mode, _ = _newton(reported, mean_share, x, best, phi)
        phi = _overdispersion(reported, np.exp(mean_share + mode @ x.T)[0], np.exp(mean_share[0]))
    mode, hessian = _newton(reported, np.log(share), x, best, phi)
    root = np.linalg.cholesky(hessian)
    noise = rng.standard_normal((len(share), x.shape[1], 1))
    beta = mode + np.linalg.solve(np.swapaxes(root, 1, 2), noise)[:, :, 0]
    return CityCurve(log_level=beta @ x.T, overdispersion=phi)


def area_parts(
    reported: FloatArray, exposure: FloatArray, number: int, rng: np.random.Generator
) -> FloatArray:
    """Draws (K, S) of each area's part of the city's level: gamma posteriors shrunk towards the common part.

    `reported` (S, T); `exposure` (S, T) is the city's level times the area's share reported by now.
    """
    weight = FORGETTING ** np.arange(reported.shape[1])[::-1]
    cases, expected = reported @ weight, exposure @ weight
    common = cases.sum() / expected.sum()
    excess = ((cases - common * expected) ** 2 - common * expected).sum() / (common * expected**2).sum()
    strength = min(max(common / max(excess, 1e-9), 1e-3), 1e6)
    shape, rate = cases + strength * common, expected + strength
    return rng.standard_gamma(shape, size=(number, cases.size)) / rate


def day_dispersion(reported: FloatArray, expected: FloatArray) -> float:
    """Size r of the negative binomial of an area's daily count, by moments over complete days, all areas."""
    excess = ((reported - expected) ** 2 - expected).sum()
    return float(np.clip((expected**2).sum() / max(excess, 1e-9), 0.3, 1e6))


def _penalty(steps: int, sd: float, weekdays: int) -> FloatArray:
    second = np.diff(np.eye(steps), n=2, axis=0)
    matrix = np.zeros((steps + weekdays, steps + weekdays))
    # The tiny ridge keeps level and slope proper where nothing at all was reported.
    matrix[:steps, :steps] = second.T @ second / sd**2 + 1e-4 * np.eye(steps)
    matrix[steps:, steps:] = np.eye(weekdays) / WEEKDAY_SD**2
    return matrix


def _newton(
    reported: FloatArray, log_share: FloatArray, x: FloatArray, sd: float, phi: float
) -> tuple[FloatArray, FloatArray]:
    """Posterior modes (K, P) and Hessians (K, P, P) for K offsets (K, T)."""
    penalty = _penalty(reported.size, sd, x.shape[1] - reported.size)
    start = np.log((reported.sum() + 0.5) / np.exp(log_share).sum(axis=1))
    beta = np.zeros((len(log_share), x.shape[1]))
    beta[:, : reported.size] = start[:, None]
    for _ in range(ROUNDS):
        expected = np.exp(np.clip(log_share + beta @ x.T, -30, 30)) / phi
        hessian = np.einsum("tp,kt,tq->kpq", x, expected, x, optimize=True) + penalty
        gradient = (reported / phi - expected) @ x - beta @ penalty
        beta = beta + np.clip(np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0], -1.5, 1.5)
    return beta, hessian


def _marginal(reported: FloatArray, log_share: FloatArray, x: FloatArray, sd: float, phi: float) -> float:
    """Laplace approximation of the log marginal likelihood of one smoothness, up to a constant."""
    mode, hessian = _newton(reported, log_share, x, sd, phi)
    penalty = _penalty(reported.size, sd, x.shape[1] - reported.size)
    linear = (log_share + mode @ x.T)[0]
    fit = (reported * linear - np.exp(linear)).sum() / phi
    determinants = np.linalg.slogdet(penalty)[1] - np.linalg.slogdet(hessian[0])[1]
    return float(fit - 0.5 * mode[0] @ penalty @ mode[0] + 0.5 * determinants)


def _overdispersion(reported: FloatArray, expected: FloatArray, share: FloatArray) -> float:
    """Pearson's statistic per day over days at least half reported, never below 1."""
    known = share > 0.5
    residual = (reported - expected)[known] ** 2 / np.maximum(expected[known], 0.1)
    free = max(int(known.sum()) - 8, 1)
    return float(np.clip(residual.sum() / free, 1.0, 50.0))
