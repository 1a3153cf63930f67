"""Daily counts as they will be once late reports are in: what detectors, Rt and forecasts look at. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from hashlib import sha256
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.holidays import holiday_columns
from surveillance.lines import Lines, day_number
from surveillance.nowcast import Nowcast, nowcast
from surveillance.nowcasting.triangle import Triangle, triangle_of
from surveillance.types import BoolArray, FloatArray

MAX_DELAY = 21
"""Days after which a day's count stands (domain.md §5.3; docs/methods/nowcast.md)."""
HISTORY = 120 + MAX_DELAY
WEEK = 7


@dataclass(frozen=True, kw_only=True)
class Completed:
    """Daily counts of S areas over T days, the newest W of them with draws of what they will come to.

    `reported` (S, T), NaN unknown. `draws` (K, S, W) of the final counts; where there is no estimate, for the
    `reason` (S, W), they repeat what is reported. `seed` makes the same draws again.
    """

    start: date
    reported: FloatArray
    draws: FloatArray
    reason: NDArray[np.str_]
    seed: tuple[int, int]

    @property
    def today(self) -> date:
        return self.start + timedelta(days=self.reported.shape[1] - 1)

    @property
    def estimated(self) -> BoolArray:
        """(S, W): whether a day's draws are an estimate."""
        return self.reason == ""

    @cached_property
    def median(self) -> FloatArray:
        """(S, T), the newest W days by the median of their draws."""
        whole = self.reported.copy()
        whole[:, whole.shape[1] - self.draws.shape[2] :] = whole_median(self.draws)
        return whole

    def newest(self, days: int) -> FloatArray:
        """Draws (K, S, days) of the newest `days` days; those older than W stand as reported."""
        width = self.draws.shape[2]
        if days <= width:
            return self.draws[:, :, width - days :]
        older = self.reported[:, self.reported.shape[1] - days : self.reported.shape[1] - width]
        repeated = np.broadcast_to(older, (len(self.draws), *older.shape))
        return np.concatenate([repeated, self.draws], axis=2)

    def weeks(self) -> tuple[date, FloatArray]:
        """Weeks of seven days that end today (not calendar weeks): the first day, and medians (S, T // 7)."""
        number = self.reported.shape[1] // WEEK
        days = self.reported[:, self.reported.shape[1] - number * WEEK :]
        whole = days.reshape(len(days), number, WEEK).sum(axis=2)
        recent = min(self.draws.shape[2] // WEEK, number)
        if recent:
            draws = self.newest(recent * WEEK).reshape(*self.draws.shape[:2], recent, WEEK).sum(axis=3)
            whole[:, number - recent :] = whole_median(draws)
        return self.today - timedelta(days=number * WEEK - 1), whole

    def take(self, rows: BoolArray) -> Completed:
        """The areas where `rows` (S,) holds."""
        return replace(
            self, reported=self.reported[rows], draws=self.draws[:, rows], reason=self.reason[rows]
        )

    def with_total(self) -> Completed:
        """One row more: all areas of which anything is known, together; unknown on a day on which one of them is.

        A day counts as estimated when it is in most areas.
        """
        known = ~np.isnan(self.reported).all(axis=1)
        total = self.reported[known].sum(axis=0) if known.any() else np.full(self.reported.shape[1], np.nan)
        draws = self.draws[:, known].sum(axis=1, keepdims=True)
        reason = np.array([_most_common(column) for column in self.reason[known].T], dtype=np.str_)
        return replace(
            self,
            reported=np.vstack([self.reported, total]),
            draws=np.concatenate([self.draws, draws], axis=1),
            reason=np.vstack([self.reason, reason.reshape(1, -1)]),
        )


def whole_median(draws: FloatArray) -> FloatArray:
    """The lower median over the first axis: whole cases where the draws are."""
    middle = (len(draws) - 1) // 2
    return np.asarray(np.partition(draws, middle, axis=0)[middle])


def complete(lines: Lines, disease: int, unknown: BoolArray, today: date) -> Completed:
    """Nowcast the newest days of one disease (a position in `lines.diseases`) in all communes together.

    `unknown` (U, T) marks days up to and with `today` of which nothing is known. A report dated after `today`
    counts as of today, one before its own event as of that day: the case is known either way.
    """
    start = today - timedelta(days=unknown.shape[1] - 1)
    own = lines.take(lines.disease == disease)
    reported = own.daily(start, today)[disease]
    reported[unknown] = np.nan
    seed = _seed(lines.diseases[disease], today)
    return _filled(start, reported, _nowcast(_triangle(own, unknown, today), today, seed), seed)


def shares_by_now(own: Lines, unknown: BoolArray, today: date) -> FloatArray:
    """Share (U, W) of the cases of the newest W days that is expected to be reported by now, NaN where the nowcast
    says nothing. `own` are cases of one disease; else as `complete`."""
    seed = _seed(own.diseases[int(own.disease[0])] if own.day.size else "", today)
    found = _nowcast(_triangle(own, unknown, today), today, seed)
    return np.where(found.reason == "", found.share, np.nan)


def _seed(disease: str, today: date) -> tuple[int, int]:
    """Draws are the same again for the same disease and day."""
    return crc32(disease.encode()), today.toordinal()


_recent: OrderedDict[tuple[tuple[int, int], bytes], Nowcast] = OrderedDict()
RECENT = 16
"""Nowcasts remembered: a new file of one disease does not make the others be estimated again."""


def _nowcast(triangle: Triangle, today: date, seed: tuple[int, int]) -> Nowcast:
    key = seed, sha256(triangle.counts.tobytes()).digest()
    if key not in _recent:
        rng = np.random.default_rng(seed)
        _recent[key] = nowcast(triangle, rng=rng, holidays=closed_days(today))
        while len(_recent) > RECENT:
            _recent.popitem(last=False)
    return _recent[key]


def closed_days(today: date) -> set[date]:
    """Days around `today` on which offices are closed and reports wait."""
    first = today - timedelta(days=HISTORY)
    columns, _ = holiday_columns(first, HISTORY + MAX_DELAY + 1)
    closed = np.flatnonzero(columns[:, 0] + columns[:, 2])
    return {first + timedelta(days=int(day)) for day in closed}


def _triangle(own: Lines, unknown: BoolArray, today: date) -> Triangle:
    steps = min(HISTORY, unknown.shape[1])
    first = today - timedelta(days=steps - 1)
    event = own.day.astype(np.int64) - day_number(first)
    reported = np.maximum(np.minimum(own.reported.astype(np.int64) - day_number(first), steps - 1), event)
    triangle = triangle_of(
        own.unit.astype(np.int64), event, reported,
        areas=len(own.unit_ids), steps=steps, max_delay=MAX_DELAY, start=first,
    )  # fmt: skip
    triangle.counts[unknown[:, unknown.shape[1] - steps :]] = np.nan
    return triangle


def _filled(start: date, reported: FloatArray, found: Nowcast, seed: tuple[int, int]) -> Completed:
    width = found.draws.shape[2]
    as_reported = reported[:, reported.shape[1] - width :]
    draws = np.where(np.isnan(found.draws), as_reported, found.draws)
    return Completed(start=start, reported=reported, draws=draws, reason=found.reason, seed=seed)


def _most_common(reasons: NDArray[np.str_]) -> str:
    values, counts = np.unique(reasons, return_counts=True)
    return str(values[np.argmax(counts)]) if counts.size else "unknown_counts"
