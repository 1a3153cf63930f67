"""Cases that have happened but not been reported yet, per area and day, with their uncertainty.

Reporting-triangle nowcast with delays pooled across areas (`nowcasting/delays.py`) and a level pooled across
the city (`nowcasting/level.py`). Model, limits and evaluation: docs/methods/nowcast.md.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from i18n import Message
from surveillance.detection.watch import LARGEST_COUNT
from surveillance.nowcasting.delays import Calendar, draw_shares, fit_delays
from surveillance.nowcasting.level import area_parts, day_dispersion, fit_curve
from surveillance.nowcasting.triangle import Triangle, due_cells
from surveillance.types import FloatArray

LEVEL_STEPS = 49
"""Days of the city's curve that are fitted; older ones say nothing about today."""

REASONS: Mapping[str, str] = {
    "insufficient_history": "Không đủ dữ liệu để ước tính ca chưa báo cáo: cần thêm ngày có số liệu.",
    "too_few_reports": "Không đủ dữ liệu để ước tính ca chưa báo cáo: có quá ít ca để biết báo cáo chậm bao lâu.",
    "unknown_counts": "Không đủ dữ liệu để ước tính ca chưa báo cáo: có ngày chưa có số liệu.",
    "negative_counts": "Không ước tính được ca chưa báo cáo: có ngày ghi số ca âm.",
    "invalid_counts": "Không ước tính được ca chưa báo cáo: có ngày ghi số ca lớn quá mức có thể.",
    "uncertain_delays": "Không đủ dữ liệu để ước tính ca chưa báo cáo: chưa biết rõ báo cáo chậm bao lâu.",
    "too_early": "Chưa ước tính được cho ngày này: đến nay mới có quá ít ca được báo cáo.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NowcastSettings:
    """`history` days of events teach the delays; at least `min_history` of them and `min_reports` reports.

    A day of which less than `min_share` is expected to be reported by now, or of whose share the logarithm
    has a posterior SD above `max_log_sd`, is not estimated.
    """

    draws: int = 200
    history: int = 120
    min_history: int = 14
    min_reports: int = 50
    min_share: float = 0.02
    max_log_sd: float = 0.75

    def __post_init__(self) -> None:
        if self.draws < 10 or self.history < 1 or self.min_history < 1:
            raise ValueError("a nowcast needs at least 10 draws and some history")
        if not 0 < self.min_share < 1:
            raise ValueError(f"min_share is {self.min_share}; it must lie between 0 and 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nowcast:
    """The newest W = min(D, T) event days of S areas, the last being today.

    `draws` (K, S, W) of the final counts, `reported` (S, W), `share` (S, W) expected to be reported by now,
    `reason` (S, W): a code of REASONS where there is no estimate (draws NaN), else empty.
    """

    start: date
    reported: FloatArray
    draws: FloatArray
    share: FloatArray
    reason: NDArray[np.str_] = field(repr=False)

    def quantile(self, probability: float) -> FloatArray:
        """(S, W), whole cases; NaN where there is no estimate."""
        return np.asarray(np.quantile(self.draws, probability, axis=0, method="inverted_cdf"))

    def completed(self, observed: FloatArray) -> FloatArray:
        """Draws (K, S, T) of whole series that end on the same day: older days stand as they are."""
        whole = np.broadcast_to(observed, (len(self.draws), *observed.shape)).copy()
        whole[:, :, observed.shape[1] - self.draws.shape[2] :] = self.draws
        return whole


def explain(code: str) -> Message:
    """The words for a reason code. Raises KeyError for a code that no nowcast gives."""
    return Message(REASONS[code])


def nowcast(
    triangle: Triangle,
    *,
    rng: np.random.Generator,
    holidays: Collection[date] = (),
    settings: NowcastSettings | None = None,
) -> Nowcast:
    """Final counts of the days still open, all areas of one disease together. Never raises on what counts hold.

    `holidays` are days on which offices are closed, those within the longest delay after today included.
    """
    settings = settings or NowcastSettings()
    width = min(triangle.max_delay, triangle.steps)
    bad = _bad_areas(triangle)
    counts = np.where(bad[:, None, None] != "", 0.0, triangle.counts)
    code = _refusal(counts, triangle, settings)
    reported = triangle.reported[:, triangle.steps - width :]
    if code or width == 0:
        share = np.full(reported.shape, np.nan)
        draws = np.full((settings.draws, *reported.shape), np.nan)
        reason = np.broadcast_to(np.where(bad == "", code, bad)[:, None], reported.shape)
    else:
        draws, share, log_sd = _estimate(counts, _calendar(triangle, holidays), settings, rng)
        open_day = np.select(
            [share < settings.min_share, log_sd > settings.max_log_sd], ["too_early", "uncertain_delays"], ""
        )
        reason = np.where(bad[:, None] == "", open_day, bad[:, None])
        draws[:, reason != ""] = np.nan
    return Nowcast(
        start=triangle.start + timedelta(days=triangle.steps - width),
        reported=reported, draws=draws, share=share, reason=reason.astype(np.str_),
    )  # fmt: skip


def _bad_areas(triangle: Triangle) -> NDArray[np.str_]:
    due = due_cells(triangle.steps, triangle.max_delay)
    known = triangle.counts[:, due]
    negative, unknown = (known < 0).any(axis=1), ~np.isfinite(known).all(axis=1)
    huge = ((known > LARGEST_COUNT) & (known < np.inf)).any(axis=1)
    codes = ["negative_counts", "invalid_counts", "unknown_counts"]
    return np.select([negative, huge, unknown], codes, "").astype("<U24")


def _refusal(counts: FloatArray, triangle: Triangle, settings: NowcastSettings) -> str:
    if triangle.steps < triangle.max_delay + settings.min_history:
        return "insufficient_history"
    recent = np.nan_to_num(counts[:, max(triangle.steps - settings.history, 0) :])
    return "too_few_reports" if recent.sum() < settings.min_reports else ""


def _calendar(triangle: Triangle, holidays: Collection[date]) -> Calendar:
    number = triangle.steps + triangle.max_delay
    days = [triangle.start + timedelta(days=i) for i in range(number)]
    return Calendar(
        weekday=np.array([day.weekday() for day in days]),
        holiday=np.array([day in holidays for day in days], dtype=np.bool_),
    )


def _estimate(
    counts: FloatArray, calendar: Calendar, settings: NowcastSettings, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Draws (K, S, D) of the final counts; the mean share reported by now and the SD of its logarithm, (S, D)."""
    areas, steps, _ = counts.shape
    delays = fit_delays(counts, calendar, settings.history)
    share = draw_shares(delays, calendar, steps=steps, number=settings.draws, rng=rng)
    kept = min(LEVEL_STEPS, steps)
    reported = np.nan_to_num(counts[:, steps - kept :]).sum(axis=2)
    by_now = np.ones((settings.draws, areas, kept))
    by_now[:, :, kept - share.shape[2] :] = share
    level = _levels(reported, by_now, calendar.weekday[steps - kept : steps], rng)
    complete = kept - share.shape[2]
    size = day_dispersion(reported[:, :complete], level[:, :, :complete].mean(axis=0))
    recent, due = reported[:, complete:], level[:, :, complete:]
    surprise = rng.standard_gamma(size + recent, size=due.shape) / (size + due * share)
    missing = rng.poisson(np.minimum(due * surprise * (1 - share), 1e9))
    return recent + missing, share.mean(axis=0), np.log(np.maximum(share, 1e-12)).std(axis=0)


def _levels(
    reported: FloatArray, by_now: FloatArray, weekday: NDArray[np.int64], rng: np.random.Generator
) -> FloatArray:
    """Expected final cases per area and day, draws (K, S, T)."""
    parts = reported.sum(axis=1) + 0.5
    city_share = np.einsum("kst,s->kt", by_now, parts / parts.sum())
    curve = fit_curve(reported.sum(axis=0), city_share, np.eye(7)[weekday], rng)
    city = np.exp(np.clip(curve.log_level, -30, 30))
    exposure = by_now.mean(axis=0) * city.mean(axis=0)
    part = area_parts(reported, exposure, len(by_now), rng)
    return part[:, :, None] * city[:, None, :]
