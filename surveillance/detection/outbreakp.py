"""OutbreakP: have the counts begun to rise from a level, by however much and in whatever shape?

Frisén, Andersson, Schiöler 2009 (Stat Med 28:1085–1109) and 2010 (J Appl Stat 37:1679–1697). Numbers equal R
`surveillance::outbreakP` 1.20.3, checked in tests/test_outbreakp.py. Uses, misuses and the reference's faults:
docs/methods/outbreakp.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.watch import LARGEST_COUNT
from surveillance.types import Bounds, CountSeries, FloatArray

Bound = Literal["limit", "cases", "statistic"]


@dataclass(frozen=True, kw_only=True)
class OutbreakP:
    """OutbreakP as a Detector over days, weeks or months.

    The statistic is the largest Poisson likelihood ratio of means that never fall against one mean, over all
    steps of the series so far; above `limit` (R's k) it alarms. The series must begin in a quiet time; at least
    `fewest` of its steps must be known. `last` limits what is
    reported.

    `score` is the statistic's logarithm, `expected` the mean so far. `upperbound` is the largest count that would
    not alarm ("limit"; at most `most_cases`), R's least count that would ("cases"), or R's statistic. Steps not
    known are left out. `as_r` keeps R's product, which large counts drive to 0 or to no number (docs), and its
    alarm without a case.

    Reasons: "insufficient_history", "unknown_counts", "invalid_counts" (here or earlier), "no_convergence"
    (`as_r`: no number). Raises ValueError when a setting is impossible.
    """

    limit: float = 100.0
    bound: Bound = "limit"
    fewest: int = 8
    most_cases: float = 1e5
    as_r: bool = False
    last: int | None = None
    version: str = "1"
    name: str = "outbreak_p"

    def __post_init__(self) -> None:
        if not 0 < self.limit < np.inf:
            raise ValueError(f"limit is {self.limit}; it must be above 0 and finite")
        if self.bound not in ("limit", "cases", "statistic"):
            raise ValueError(f"bound is {self.bound!r}; use limit, cases or statistic")
        if self.fewest < 1 or self.most_cases < 1:
            raise ValueError("fewest and most_cases must be at least 1")
        if self.last is not None and self.last < 1:
            raise ValueError(f"last is {self.last} steps; evaluate at least 1")

    def __call__(self, series: CountSeries) -> Bounds:
        counts = series.observed
        begin = 0 if self.last is None else max(counts.shape[1] - self.last, 0)
        bad = (counts < 0) | (counts > LARGEST_COUNT)
        usable = np.where(bad, np.nan, counts)
        ratio, cases = (np.full(counts.shape, np.nan) for _ in range(2))
        for row in range(len(counts)):
            self._follow(usable[row], begin, ratio[row], cases[row])
        known = np.cumsum(np.isfinite(usable), axis=1)
        mean = np.cumsum(np.nan_to_num(usable), axis=1) / np.maximum(known, 1)
        reason = self._reason(counts, ratio, known, np.logical_or.accumulate(bad, axis=1))
        at, new = np.arange(begin, counts.shape[1], dtype=np.int64), slice(begin, None)
        return self._bounds(at, usable[:, new], ratio[:, new], cases[:, new], mean[:, new], reason[:, new])

    def _follow(self, x: FloatArray, begin: int, ratio: FloatArray, cases: FloatArray) -> None:
        from surveillance.detection.outbreakp_kernel import follow

        at = np.flatnonzero(np.isfinite(x))
        found = np.full((2, at.size), np.nan)
        limit = self.limit if self.as_r else log(self.limit)
        first = int(np.searchsorted(at, begin))
        follow(x[at], limit, self.most_cases, self.as_r, first, self.bound != "statistic", *found)
        ratio[at], cases[at] = found

    def _reason(
        self, counts: FloatArray, ratio: FloatArray, known: NDArray[np.int64], bad: NDArray[np.bool_]
    ) -> NDArray[np.str_]:
        reason = np.full(counts.shape, "", dtype="<U24")
        reason[np.isnan(ratio)] = "no_convergence"
        reason[known < max(self.fewest, 1 if self.bound == "statistic" else 2)] = "insufficient_history"
        reason[np.isnan(counts)] = "unknown_counts"
        reason[bad] = "invalid_counts"
        return reason

    def _bounds(
        self,
        evaluated: NDArray[np.int64],
        x: FloatArray,
        ratio: FloatArray,
        cases: FloatArray,
        mean: FloatArray,
        reason: NDArray[np.str_],
    ) -> Bounds:
        with np.errstate(divide="ignore", over="ignore"):
            score = np.log(ratio) if self.as_r else ratio
            value = ratio if self.as_r else np.exp(ratio)
        upper = {
            "limit": np.where(np.isinf(cases), np.maximum(self.most_cases, x), np.maximum(cases - 1, 0)),
            "cases": np.where(np.isinf(cases) | (cases < 0), np.nan, cases),
            "statistic": value,
        }
        stands = reason == ""
        over = ratio > (self.limit if self.as_r else log(self.limit))
        return Bounds(
            evaluated=evaluated,
            expected=np.where(stands, mean, np.nan),
            upperbound=np.where(stands, upper[self.bound], np.nan),
            alarm=stands & over & (self.as_r | (x > 0)),
            score=np.where(stands, score, np.nan),
            reason=reason,
        )
