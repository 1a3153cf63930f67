"""Small cities for the tests of the scan, and a scan in plain numpy to compare with."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

from surveillance.scanning.growth import Growth, Limits, circles
from surveillance.scanning.null import Null, bernoulli, permutation, poisson
from surveillance.scanning.places import Places, place


def city(
    places: int = 25, days: int = 12, cases: int = 120, seed: int = 1, outbreak: int = 0
) -> tuple[Places, Any]:
    """Places in a square and cases (n, T) that fall anywhere, `outbreak` more at place 3 on the last two days."""
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(cases, np.full(places * days, 1 / (places * days))).reshape(places, days)
    counts[3, -2:] += outbreak
    names = [f"P{i:03d}" for i in range(places)]
    return place(names, rng.random((places, 2)).round(4)), counts


def nulls(counts: Any, seed: int = 1) -> dict[str, Null]:
    """The three models on the same cases; the second Poisson's expectations are no product of place and time."""
    rng = np.random.default_rng(seed)
    return {
        "permutation": permutation(counts),
        "poisson": poisson(counts, np.outer(rng.random(len(counts)) + 0.2, np.ones(counts.shape[1]))),
        "poisson_uneven": poisson(counts, rng.random(counts.shape) + 0.1),
        "bernoulli": bernoulli(counts, rng.integers(0, 4, counts.shape)),
    }


def growth_of(places: Places, null: Null, share: float = 0.5) -> Growth:
    return circles(places, null.size, Limits(share=share))


def log_ratio(count: float, expected: float, total: float, people: float) -> float:
    """Kulldorff 1997, from the likelihoods themselves."""
    if count <= expected:
        return 0.0
    if not people:
        rest = (total - count) * log((total - count) / (total - expected)) if total > count else 0.0
        return count * log(count / expected) + rest
    inside = expected * people / total

    def likelihood(cases: float, persons: float) -> float:
        shares = (cases, persons - cases)
        return sum(k * log(k / persons) for k in shares if k > 1e-9)

    whole = likelihood(total, people)
    return likelihood(count, inside) + likelihood(total - count, people - inside) - whole


def plain_maximum(null: Null, counts: Any, growth: Growth, shortest: int, longest: int, ends: Any) -> float:
    """The largest statistic of `counts` (n, T) over every zone and window, one after another."""
    best = 0.0
    for s in range(growth.size):
        members = growth.member[growth.start[s] : growth.start[s + 1]].astype(int)
        seen, awaited = np.cumsum(counts[members], axis=0), np.cumsum(null.expected[members], axis=0)
        for end in ends:
            for duration in range(shortest, min(longest, end + 1) + 1):
                window = slice(end + 1 - duration, end + 1)
                cases, expected = seen[:, window].sum(1), awaited[:, window].sum(1)
                for count, awaits in zip(cases, expected, strict=True):
                    if count >= 2:
                        ratio = log_ratio(count, awaits, null.total, null.people)
                        best = max(best, growth.penalty[s] * ratio)
    return best
