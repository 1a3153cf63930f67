"""The exact arithmetic of Circular 15/2026/TT-BYT arts. 16 and 22 (domain.md §2.1), many communes at once.

What the law leaves open and how it is settled here is written in docs/methods/statutory.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from surveillance.detection.history import Baseline, DailySums
from surveillance.epiweek import month_start, same_week_in, week_of, week_start
from surveillance.types import (
    BoolArray,
    Bounds,
    CountSeries,
    FloatArray,
    Frequency,
    SeriesKey,
    StatutoryStatus,
)

VERSION = "TT15-2026.1"
BASELINE_YEARS = 5
LINKED_WARNING = 3
LINKED_EPIDEMIC = 5

PRECEDENCE = (
    StatutoryStatus.EPIDEMIC,
    StatutoryStatus.WARNING,
    StatutoryStatus.ENDED,
    StatutoryStatus.INSUFFICIENT,
)

StatusArray = NDArray[np.str_]


class Regime(StrEnum):
    """Which paragraph of arts. 16 and 22 applies to a disease in a commune."""

    ENDEMIC = "endemic"
    NON_ENDEMIC = "non_endemic"
    GROUP_A = "group_a"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatutoryRule:
    """What the law asks to know of one series.

    `epidemic_years` leave the baseline (calendar years for months, ISO years for weeks). `case_days`: a
    group A case counts for this many days, today included; the law refers to the disease guide, 28 is ours.
    """

    disease_group: Literal["A", "B", "C"]
    endemic: bool
    epidemic_years: frozenset[int] = frozenset()
    case_days: int = 28

    @property
    def regime(self) -> Regime:
        if self.disease_group == "A":
            return Regime.GROUP_A
        return Regime.ENDEMIC if self.endemic else Regime.NON_ENDEMIC


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What investigation found, arrays (S,), NaN or None where unknown.

    `linked_week`, `linked_month`: epidemiologically linked cases, week and month to date (non-endemic B/C).
    `confirmed`: laboratory-confirmed cases within `case_days` (group A).
    """

    linked_week: FloatArray | None = None
    linked_month: FloatArray | None = None
    confirmed: FloatArray | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One period (week or month to date) against its criterion; arrays (S,) unless said.

    `observed` counts cases (endemic), linked cases (non-endemic) or, in group A, confirmed cases for the week
    and all cases for the month. `totals` (S, 5) are the full periods of `years`, NaN where not usable.
    `threshold` is the criterion: mean+1SD, mean+2SD, 3, 5, 1 or 2. `reason` is empty when it could be judged.
    """

    frequency: Frequency
    period_start: date
    years: tuple[int, ...]
    totals: FloatArray
    observed: FloatArray
    unknown_days: NDArray[np.int32]
    mean: FloatArray
    sd: FloatArray
    threshold: FloatArray
    above_2sd: BoolArray
    status: StatusArray
    reason: NDArray[np.str_]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatutoryResult:
    """Both comparisons and the status (S,) they amount to: epidemic, warning, insufficient, ended or none."""

    keys: tuple[SeriesKey, ...]
    rules: tuple[StatutoryRule, ...]
    today: date
    as_of: datetime
    week: Comparison
    month: Comparison
    status: StatusArray


def evaluate(
    series: CountSeries,
    *,
    today: date,
    rules: Sequence[StatutoryRule],
    findings: Findings | None = None,
    previous: Sequence[StatutoryStatus | None] | None = None,
    sums: DailySums | None = None,
) -> StatutoryResult:
    """Judge every series on `today`; days after `today` are not looked at.

    `series` is daily, by event date, as known at its `as_of`. `rules` has one rule per series. `previous` is
    the month's status at the last evaluation: an epidemic ends only by evidence, and ENDED stays until the
    caller passes NONE, the end notice (Form 02) being issued. For many days pass `sums=DailySums.of(series)`.

    Raises ValueError when lengths differ, `series` is not daily, or `today` is outside it.
    """
    count = len(series.keys)
    if len(rules) != count or (previous is not None and len(previous) != count):
        raise ValueError(f"{count} series need as many rules and previous statuses")
    sums = sums or DailySums.of(series)
    if not 0 <= (today - series.start).days < series.observed.shape[1]:
        raise ValueError(f"{today} lies outside the counts, which start on {series.start}")
    findings = findings or Findings()
    week = _judge_week(sums, today, rules, findings)
    month = _judge_month(sums, today, rules, findings, previous)
    return StatutoryResult(
        keys=series.keys, rules=tuple(rules), today=today, as_of=series.as_of,
        week=week, month=month, status=_overall(week.status, month.status),
    )  # fmt: skip


def _judge_week(
    sums: DailySums, today: date, rules: Sequence[StatutoryRule], findings: Findings
) -> Comparison:
    """Art. 22(1). Above +2 SD is a warning too, which the law's text leaves out (domain.md §2.1, gaps)."""
    iso = week_of(today)
    years = tuple(range(iso.year - BASELINE_YEARS, iso.year))
    mondays = [same_week_in(year, iso.week) for year in years]
    periods = [(monday, monday + timedelta(days=6)) for monday in mondays]
    base = Baseline.of(sums, years, periods, [r.epidemic_years for r in rules])
    observed, unknown = sums.between(week_start(today), today)
    regime = _regimes(rules)
    endemic = regime == Regime.ENDEMIC
    linked, confirmed = _given(findings.linked_week, observed), _given(findings.confirmed, observed)
    value = np.select([endemic, regime == Regime.NON_ENDEMIC], [observed, linked], confirmed)
    fixed = np.where(regime == Regime.GROUP_A, 1.0, LINKED_WARNING)
    met = np.where(endemic, base.reached(observed, 1) & (observed > 0), value >= fixed)
    reason = _reasons(
        met,
        findings=np.isnan(value),
        history=endemic & ~base.enough,
        days=endemic & (unknown > 0),
    )
    return Comparison(
        frequency=Frequency.WEEK, period_start=week_start(today), years=years, totals=base.totals,
        observed=value, unknown_days=unknown, mean=base.mean, sd=base.sd,
        threshold=np.where(endemic, base.mean + base.sd, fixed),
        above_2sd=endemic & base.exceeded(observed, 2) & (reason == ""),
        status=_status(met, reason, StatutoryStatus.WARNING), reason=reason,
    )  # fmt: skip


def _judge_month(
    sums: DailySums,
    today: date,
    rules: Sequence[StatutoryRule],
    findings: Findings,
    previous: Sequence[StatutoryStatus | None] | None,
) -> Comparison:
    """Art. 16(1), and the end by art. 16(3)."""
    first = month_start(today)
    years = tuple(range(today.year - BASELINE_YEARS, today.year))
    periods = [_whole_month(year, today.month) for year in years]
    base = Baseline.of(sums, years, periods, [r.epidemic_years for r in rules])
    observed, unknown = sums.between(first, today)
    regime = _regimes(rules)
    endemic = regime == Regime.ENDEMIC
    linked, confirmed = _given(findings.linked_month, observed), _given(findings.confirmed, observed)
    cases = np.where(np.isnan(confirmed), np.nan, _recent_cases(sums, today, rules))
    value = np.select([endemic, regime == Regime.NON_ENDEMIC], [observed, linked], cases)
    fixed = np.where(regime == Regime.GROUP_A, 2.0, LINKED_EPIDEMIC)
    by_count = (value >= fixed) & ((regime != Regime.GROUP_A) | (confirmed >= 1))
    met = np.where(endemic, base.exceeded(observed, 2), by_count)
    reason = _reasons(
        met,
        findings=np.isnan(value),
        history=endemic & ~base.enough,
        days=(regime != Regime.NON_ENDEMIC) & (unknown > 0),
    )
    status = _status(met, reason, StatutoryStatus.EPIDEMIC)
    return Comparison(
        frequency=Frequency.MONTH, period_start=first, years=years, totals=base.totals,
        observed=value, unknown_days=unknown, mean=base.mean, sd=base.sd,
        threshold=np.where(endemic, base.mean + 2 * base.sd, fixed),
        above_2sd=endemic & met & (reason == ""), status=_after(previous, status), reason=reason,
    )  # fmt: skip


def _regimes(rules: Sequence[StatutoryRule]) -> NDArray[np.str_]:
    return np.array([rule.regime for rule in rules], dtype=np.str_)


def _given(values: FloatArray | None, like: FloatArray) -> FloatArray:
    return np.full_like(like, np.nan) if values is None else np.asarray(values, dtype=np.float64)


def _recent_cases(sums: DailySums, today: date, rules: Sequence[StatutoryRule]) -> FloatArray:
    days = np.array([rule.case_days for rule in rules], dtype=np.int64)
    cases = np.zeros(len(rules))
    for length in np.unique(days):
        recent, _ = sums.between(today - timedelta(days=int(length) - 1), today)
        cases = np.where(days == length, recent, cases)
    return cases


def _whole_month(year: int, month: int) -> tuple[date, date]:
    after = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, 1), after - timedelta(days=1)


def _reasons(met: BoolArray, *, findings: BoolArray, history: BoolArray, days: BoolArray) -> NDArray[np.str_]:
    """Why it could not be judged: what is lacking. A criterion met by the known days alone is met."""
    return np.select(
        [findings, history, days & ~met],
        ["unknown_findings", "insufficient_history", "unknown_counts"],
        default="",
    ).astype(np.str_)


def _status(met: BoolArray, reason: NDArray[np.str_], when_met: StatutoryStatus) -> StatusArray:
    judged = np.where(met, when_met.value, StatutoryStatus.NONE.value)
    return np.where(reason == "", judged, StatutoryStatus.INSUFFICIENT.value).astype(np.str_)


def _after(previous: Sequence[StatutoryStatus | None] | None, status: StatusArray) -> StatusArray:
    if previous is None:
        return status
    before = np.array([p or "" for p in previous], dtype=np.str_)
    was = (before == StatutoryStatus.EPIDEMIC) | (before == StatutoryStatus.ENDED)
    ended = was & (status == StatutoryStatus.NONE)
    blind = was & (status == StatutoryStatus.INSUFFICIENT)
    return np.select([ended, blind], [StatutoryStatus.ENDED.value, before], status).astype(np.str_)


def _overall(week: StatusArray, month: StatusArray) -> StatusArray:
    order = [s.value for s in PRECEDENCE]
    hits = [(week == s) | (month == s) for s in order]
    return np.select(hits, order, StatutoryStatus.NONE.value).astype(np.str_)


@dataclass(frozen=True, kw_only=True)
class Statutory:
    """The week's or the month's criterion as a Detector: one evaluated step, `today`.

    `upperbound` is the criterion. As the law words it, a week equal to mean+1SD, or a count equal to 3, 5, 1
    or 2, already alarms; only the endemic month must exceed its criterion. `score` is (observed-mean)/SD.
    """

    frequency: Literal[Frequency.WEEK, Frequency.MONTH]
    today: date
    rules: tuple[StatutoryRule, ...]
    findings: Findings = Findings()
    version: str = VERSION

    @property
    def name(self) -> str:
        return f"statutory_{self.frequency.value}"

    def __call__(self, series: CountSeries) -> Bounds:
        if not series.observed.shape[1]:
            return _no_bounds(len(series.keys))
        result = evaluate(series, today=self.today, rules=self.rules, findings=self.findings)
        part = result.week if self.frequency is Frequency.WEEK else result.month
        judged = part.reason == ""
        with np.errstate(divide="ignore", invalid="ignore"):
            score = (part.observed - part.mean) / part.sd
        endemic = _regimes(self.rules) == Regime.ENDEMIC
        alarm = (part.status == StatutoryStatus.WARNING) | (part.status == StatutoryStatus.EPIDEMIC)
        return Bounds(
            evaluated=np.array([(self.today - series.start).days], dtype=np.int64),
            expected=np.where(judged & endemic, part.mean, np.nan)[:, None],
            upperbound=np.where(judged, part.threshold, np.nan)[:, None],
            alarm=alarm[:, None],
            score=np.where(judged & endemic, score, np.nan)[:, None],
            reason=part.reason[:, None],
        )


def _no_bounds(count: int) -> Bounds:
    nothing = np.zeros((count, 0))
    return Bounds(
        evaluated=np.zeros(0, dtype=np.int64), expected=nothing, upperbound=nothing,
        alarm=nothing.astype(np.bool_), score=nothing, reason=nothing.astype(np.str_),
    )  # fmt: skip
