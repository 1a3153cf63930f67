"""Empirical-Bayes rates: a rate from few people is drawn towards the rate of all, or of its surroundings.

Marshall 1991, by moments; numbers as R's spdep `EBest` (Poisson) and `EBlocal`. docs/methods/association.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from i18n import Message
from surveillance.adjacency import Weights
from surveillance.types import FloatArray

LARGEST_COUNT = 1e9

REASONS: Mapping[str, str] = {
    "unknown_counts": "Khu vực chưa có số ca nên chưa tính được tỷ lệ.",
    "invalid_counts": "Số ca của khu vực âm hoặc lớn quá mức có thể; hãy kiểm tra lại số liệu nguồn.",
    "unknown_population": "Khu vực chưa có dân số hợp lệ (phải lớn hơn 0) nên chưa tính được tỷ lệ.",
    "no_neighbours": "Không có khu vực liền kề nào có số liệu để làm trơn tỷ lệ.",
}


def explain(code: str) -> Message:
    """The words for a reason code of this module. Raises KeyError for another."""
    return Message(REASONS[code])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Cases per person in N areas, (N,): `raw`, and `smoothed`; NaN where the (N,) `reason` says why.

    With reason "no_neighbours" the raw rate stands and only the smoothed one is missing.
    """

    raw: FloatArray
    smoothed: FloatArray
    reason: NDArray[np.str_]


def smooth_rates(cases: FloatArray, population: FloatArray) -> Rates:
    """Each area's rate drawn towards the rate of all areas, the more the fewer people it has; both (N,).

    Areas without a usable count or population are left out of the common rate. Raises ValueError when the
    shapes differ.
    """
    reason = _refusals(cases, population)
    known = reason == ""
    n, persons = cases[known], population[known]
    common = n.sum() / persons.sum() if known.any() else 0.0
    raw = np.full(cases.shape, np.nan)
    raw[known] = n / persons
    between = 0.0
    if known.any():
        between = (persons * (raw[known] - common) ** 2).sum() / persons.sum() - common / persons.mean()
    smoothed = np.full(cases.shape, np.nan)
    smoothed[known] = _shrunk(raw[known], persons, np.asarray(common), np.asarray(max(between, 0.0)))
    return Rates(raw=raw, smoothed=smoothed, reason=reason)


def smooth_rates_locally(cases: FloatArray, population: FloatArray, weights: Weights) -> Rates:
    """Each area's rate drawn towards the rate of itself and its neighbours together; arrays are (N,).

    Only who is whose neighbour matters, not the weights. Raises ValueError when the shapes differ.
    """
    reason = _refusals(cases, population)
    if cases.shape != (weights.size,):
        raise ValueError(f"{weights.size} areas but counts of shape {cases.shape}")
    known = reason == ""
    around = weights.among(known)
    n, persons = cases[known], population[known]
    rate = n / persons
    in_all, people = n + _around(around, n), persons + _around(around, persons)
    local = in_all / people
    squares = persons * (rate - local) ** 2
    # As spdep: each neighbour's distance is from the rate of its own surroundings.
    between = (squares + _around(around, squares)) / people - local * (1 + around.degree) / people
    shrunk = _shrunk(rate, persons, local, np.maximum(between, 0))
    raw, smoothed = np.full((2, cases.size), np.nan)
    raw[known] = rate
    smoothed[known] = np.where(around.degree > 0, shrunk, np.nan)
    reason[known] = np.where(around.degree > 0, "", "no_neighbours")
    return Rates(raw=raw, smoothed=smoothed, reason=reason)


def _around(weights: Weights, values: FloatArray) -> FloatArray:
    return weights.sums(values[weights.neighbour])


def _shrunk(raw: FloatArray, persons: FloatArray, common: FloatArray, between: FloatArray) -> FloatArray:
    """`between` is the variance of the true rates; within an area it is common / persons. No cases at all: 0."""
    spread = between + common / persons
    return common + (raw - common) * np.divide(between, spread, out=np.zeros_like(raw), where=spread > 0)


def _refusals(cases: FloatArray, population: FloatArray) -> NDArray[np.str_]:
    if cases.shape != population.shape:
        raise ValueError(f"counts of shape {cases.shape} but population of shape {population.shape}")
    people = (population > 0) & np.isfinite(population)
    counts = (cases >= 0) & (cases <= LARGEST_COUNT)
    wrong = np.where(np.isnan(cases), "unknown_counts", np.where(counts, "", "invalid_counts"))
    return np.where(wrong != "", wrong, np.where(people, "", "unknown_population")).astype("U18")
