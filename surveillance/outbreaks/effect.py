"""Cases before and after a measure, against matched areas that had none: a ratio of ratios, with its interval.

A difference in differences of log counts (docs/methods/measures-effect.md). It describes; it does not prove.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

MIN_BEFORE = 5
MIN_CONTROLS = 5
MAX_CONTROLS = 20
SIMILAR = 1.5
"""A matched area had, before, at most this many times as many cases, or this many times fewer."""


class Counts(NamedTuple):
    """Cases in the days before and in as many days after."""

    before: int
    after: int


class Lacking(StrEnum):
    """Why nothing can be said."""

    FEW_CASES = "few_cases"
    FEW_CONTROLS = "few_controls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """`ratio` below 1: fewer cases than matched areas let expect; `lower` and `upper` of the 95 % interval."""

    treated: Counts
    controls: tuple[int, ...]
    control_total: Counts
    ratio: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Too little to compare, and what was there."""

    why: Lacking
    treated: Counts
    controls: tuple[int, ...]


def measure_effect(treated: Counts, others: Mapping[int, Counts]) -> Effect | Unknown:
    """Compare an area with those of `others` (by id) that had similarly many cases before.

    The interval is one of prediction: how far the change of *one more* matched area may lie from the mean change of the
    matched ones, by Student's t. It holds what makes areas differ (overdispersion), not counting noise alone.
    """
    chosen = matched(treated, others)
    if treated.before < MIN_BEFORE:
        return Unknown(why=Lacking.FEW_CASES, treated=treated, controls=chosen)
    if len(chosen) < MIN_CONTROLS:
        return Unknown(why=Lacking.FEW_CONTROLS, treated=treated, controls=chosen)
    counts = [others[area] for area in chosen]
    changes = np.array([_log_change(c) for c in counts])
    noise = _noise(treated) - float(np.mean([_noise(c) for c in counts]))
    k = len(chosen)
    spread = float(changes.var(ddof=1)) * (1 + 1 / k) + max(noise, 0.0)
    middle = _log_change(treated) - float(changes.mean())
    half = float(student.ppf(0.975, k - 1)) * np.sqrt(spread)
    return Effect(
        treated=treated,
        controls=chosen,
        control_total=Counts(sum(c.before for c in counts), sum(c.after for c in counts)),
        ratio=float(np.exp(middle)),
        lower=float(np.exp(middle - half)),
        upper=float(np.exp(middle + half)),
    )


def matched(treated: Counts, others: Mapping[int, Counts]) -> tuple[int, ...]:
    """The areas most alike in their cases before, nearest first; what came after plays no part."""

    def apart(area: int) -> float:
        return abs(np.log((others[area].before + 0.5) / (treated.before + 0.5)))

    alike: Sequence[int] = [area for area in others if apart(area) <= np.log(SIMILAR)]
    return tuple(sorted(alike, key=lambda area: (apart(area), area))[:MAX_CONTROLS])


def _log_change(counts: Counts) -> float:
    """With half a case added to both (Haldane 1956), so that none afterwards has a logarithm."""
    return float(np.log((counts.after + 0.5) / (counts.before + 0.5)))


def _noise(counts: Counts) -> float:
    """Variance of `_log_change` by counting alone (Poisson)."""
    return 1 / (counts.after + 0.5) + 1 / (counts.before + 0.5)
