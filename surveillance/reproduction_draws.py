"""Rt by draws, where a closed form ends: an uncertain serial interval, uncertain (nowcast) counts, or both.

Draws for an uncertain interval follow EpiEstim's "uncertain_si" (Cori et al. 2013, web appendix).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from surveillance.reproduction import Reproduction, Rules, Windows, interval_weights, refusals, sufficient
from surveillance.serial_interval import (
    GrowthTable,
    SerialInterval,
    UncertainInterval,
    discretised_gamma,
    mean_of,
)
from surveillance.types import BoolArray, FloatArray

SAMPLE_LIMIT = 10_000_000
"""Posterior draws held in memory at once."""


def estimate_rt_uncertain(
    cases: FloatArray,
    interval: UncertainInterval,
    *,
    windows: Windows,
    rng: np.random.Generator,
    intervals: int = 500,
    draws: int = 50,
    imported: FloatArray | None = None,
    rules: Rules | None = None,
) -> Reproduction:
    """Rt with a serial interval known only roughly: `draws` posterior draws for each of `intervals` intervals.

    `cases` and `imported` are (S, T). A window counts for an interval only when it ends after that
    interval's mean, as EpiEstim has it.
    """
    rules = rules or Rules()
    weights = discretised_gamma(max(cases.shape[1], interval.horizon), *interval.draw(intervals, rng))
    chunk = max(SAMPLE_LIMIT // max(intervals * draws * windows.last.size, 1), 1)
    parts = []
    for begin in range(0, max(len(cases), 1), chunk):
        rows = slice(begin, begin + chunk)
        repeated = np.broadcast_to(cases[rows], (intervals, *cases[rows].shape))
        some = None if imported is None else imported[rows]
        parts.append(_sampled(repeated, cases[rows], some, weights, draws, windows, rules, rng))
    return _joined(parts)


def estimate_rt_from_draws(
    draws: FloatArray,
    interval: SerialInterval | UncertainInterval | FloatArray,
    *,
    windows: Windows,
    rng: np.random.Generator,
    per_draw: int = 1,
    rules: Rules | None = None,
) -> Reproduction:
    """Rt on counts that are themselves uncertain: `draws` (D, S, T) of a nowcast, their spread carried through.

    Each draw of the counts meets its own draw of an uncertain interval, and gives `per_draw` draws of Rt.
    Whether a window has enough cases is judged by the mean over the draws.
    """
    rules = rules or Rules()
    number, _, steps = draws.shape
    if isinstance(interval, UncertainInterval):
        weights = discretised_gamma(max(steps, interval.horizon), *interval.draw(number, rng))
    else:
        weights = interval_weights(interval, steps)[None, :]
    return _sampled(draws, draws.mean(axis=0), None, weights, per_draw, windows, rules, rng)


def _sampled(
    draws: FloatArray,
    judged: FloatArray,
    imported: FloatArray | None,
    weights: FloatArray,
    per_draw: int,
    windows: Windows,
    rules: Rules,
    rng: np.random.Generator,
) -> Reproduction:
    """Rt drawn for each pair of counts (D) and serial interval (1 or D); refused by what `judged` holds."""
    sample = np.empty((len(draws), per_draw, judged.shape[0], windows.last.size))
    tables = [GrowthTable.of(row) for row in weights]
    means = np.array([mean_of(row) for row in weights])
    long_enough = np.empty((len(draws), windows.last.size), dtype=np.bool_)
    growth = np.empty_like(sample) if len(tables) > 1 else None
    long_enough[:] = windows.last + 1 > means[:, None]
    for d, counts in enumerate(draws):
        row = d % len(weights)
        local, pressure = sufficient(counts, imported, weights[row], windows)
        scale = 1 / (1 / rules.prior.scale + pressure)
        sample[d] = rng.standard_gamma(rules.prior.shape + local, size=sample.shape[1:]) * scale
        if growth is not None:
            growth[d] = tables[row](sample[d])
    average = weights.mean(axis=0)
    local, pressure = sufficient(judged, imported, average, windows)
    reason = refusals(
        judged, windows, average, local, pressure, rules, np.logical_or.reduce(long_enough, axis=0)
    )
    return _summary(sample, tables[0] if growth is None else growth, long_enough, reason, windows, rules)


def _summary(
    sample: FloatArray,
    growth: FloatArray | GrowthTable,
    valid: BoolArray,
    reason: NDArray[np.str_],
    windows: Windows,
    rules: Rules,
) -> Reproduction:
    """Moments and quantiles of draws (D, n, S, W), window by window over the draws valid there.

    With one serial interval growth rises with Rt, so its quantiles follow from those of Rt.
    """
    probabilities = tuple(rules.probabilities)
    mean, sd, above = (np.full(reason.shape, np.nan) for _ in range(3))
    quantiles, rates = (np.full((len(probabilities), *reason.shape), np.nan) for _ in range(2))
    for w in np.flatnonzero(valid.any(axis=0)) if reason.size else ():
        values = sample[valid[:, w], :, :, w].reshape(-1, reason.shape[0])
        mean[:, w], sd[:, w] = values.mean(axis=0), values.std(axis=0)
        above[:, w] = (values > 1).mean(axis=0)
        quantiles[:, :, w] = np.quantile(values, probabilities, axis=0)
        if isinstance(growth, GrowthTable):
            rates[:, :, w] = growth(quantiles[:, :, w])
        else:
            rising = growth[valid[:, w], :, :, w].reshape(-1, reason.shape[0])
            rates[:, :, w] = np.quantile(rising, probabilities, axis=0)
    for array in (mean, sd, above, quantiles, rates):
        array[..., reason != ""] = np.nan
    return Reproduction(
        windows=windows, probabilities=probabilities, mean=mean, sd=sd, quantiles=quantiles,
        above_one=above, growth=rates, reason=reason,
    )  # fmt: skip


def _joined(parts: Sequence[Reproduction]) -> Reproduction:
    return Reproduction(
        windows=parts[0].windows,
        probabilities=parts[0].probabilities,
        mean=np.concatenate([p.mean for p in parts]),
        sd=np.concatenate([p.sd for p in parts]),
        quantiles=np.concatenate([p.quantiles for p in parts], axis=1),
        above_one=np.concatenate([p.above_one for p in parts]),
        growth=np.concatenate([p.growth for p in parts], axis=1),
        reason=np.concatenate([p.reason for p in parts]),
    )
