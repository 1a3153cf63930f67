"""Communes that with their neighbours stand out from the city: Getis–Ord Gi* of smoothed rates, as Signals. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from i18n import Message
from surveillance.adjacency import Weights
from surveillance.association import local_g, permute_local_g
from surveillance.completed import Completed, whole_median
from surveillance.false_discovery import adjust_fdr
from surveillance.smoothing import smooth_rates
from surveillance.types import FloatArray, Frequency, Signal

DAYS = 28
FEWEST_CASES = 20
"""Cases in the whole city below which a map of rates shows chance."""
FALSE_DISCOVERIES = 0.05
PERMUTATIONS = 9_999
VERSION = "1"

FOUND = (
    "Điểm nóng: trong {days} ngày, tỷ lệ ca ở đây ({rate} ca trên 100.000 dân) và các xã, phường liền kề cao hơn"
    " hẳn phần còn lại của thành phố."
)


def hot_spot_signals(
    completed: Completed, units: Sequence[int], disease: str, population: FloatArray, weights: Weights,
    as_of: datetime,
) -> list[Signal]:  # fmt: skip
    """One Signal per hot spot; communes that are none are left out (docs/methods/association.md).

    `population` (S,) persons, NaN unknown; `weights` has one area per row of `completed`. At most
    FALSE_DISCOVERIES of the hot spots are expected to be false (Benjamini–Hochberg).
    """
    cases = whole_median(completed.newest(min(DAYS, completed.reported.shape[1])).sum(axis=2))
    if not np.nansum(cases) >= FEWEST_CASES:
        return []
    rates = smooth_rates(cases, population)
    z = local_g(rates.smoothed, weights).z
    rng = np.random.default_rng(completed.seed)
    q = adjust_fdr(permute_local_g(rates.smoothed, weights, rng=rng, permutations=PERMUTATIONS).p_greater)
    return [
        Signal(
            disease=disease,
            unit_id=units[row],
            method="hot_spot",
            method_version=VERSION,
            frequency=Frequency.DAY,
            period_start=completed.today - timedelta(days=DAYS - 1),
            as_of=as_of,
            observed=float(cases[row]),
            expected=None,
            upperbound=None,
            alarm=True,
            reason=Message(FOUND, days=DAYS, rate=round(1e5 * float(rates.smoothed[row]), 1)),
            detail={"z": round(float(z[row]), 2), "q": round(float(q[row]), 4), "seed": list(completed.seed)},
        )
        for row in np.flatnonzero(q <= FALSE_DISCOVERIES).tolist()
    ]
