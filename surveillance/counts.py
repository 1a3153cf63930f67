"""From the line list to counts by disease, place and time, as believed at any moment.

Every count is by event date (onset, else admission, else report, as hospitals reported it) on today's units, without
discarded cases.
`as_of` None means what is believed now. `classification` narrows to those classes; `verified` to cases whose ward found
the patient ill of the disease (outcome 8): the reported and the verified series are two (domain.md §1.2 item 7).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from surveillance.case_filter import CaseFilter
from surveillance.columns import Columns
from surveillance.coverage import communes, coverage, sources_of
from surveillance.detection.history import Baseline, DailySums
from surveillance.epiweek import same_week_in, week_of, week_start
from surveillance.lines import believed, day_number, load_lines
from surveillance.models import CaseVersion, DiseaseArea
from surveillance.slices import daily
from surveillance.types import Classification, CountSeries, FloatArray, Frequency, SeriesKey, Verification

BASELINE_YEARS = 5
BREAK_DAYS = 60
"""Areas whose first known days lie further apart were not watched together: the city's series breaks."""

Classes = Collection[Classification] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CitySummary:
    """Key figures up to and with `today`.

    `change_percent` compares the last 7 days with the mean of the four 7-day blocks before (domain.md §6);
    None when that mean is 0. `unplaced_28` are cases of the last 28 days that lie in no commune yet.
    """

    today: date
    cases_7: int
    cases_28: int
    previous_mean: float
    change_percent: float | None
    year_to_date: int
    unplaced_28: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyCurve:
    """W ISO weeks and what the same weeks of 5 earlier years let expect; arrays (W,).

    `expected` is their mean, `warning` mean+1SD, `threshold` mean+2SD, NaN with fewer than 3 usable years.
    `observed` is NaN in weeks not fully known. `partial`: the last week is still running. `break_on`: from
    this day the series covers more communes than before; later weeks are not compared with weeks before it.
    """

    weeks: tuple[date, ...]
    observed: FloatArray
    expected: FloatArray
    warning: FloatArray
    threshold: FloatArray
    partial: bool
    break_on: date | None


def daily_counts(
    session: Session,
    disease: str,
    *,
    unit_ids: Sequence[int],
    start: date,
    end: date,
    as_of: datetime,
    classification: Classes = None,
) -> CountSeries:
    """Cases per day of `start`..`end`, (S, T) in the order of `unit_ids`; NaN before the sources begin."""
    return all_daily_counts(
        session,
        [disease],
        unit_ids=unit_ids,
        start=start,
        end=end,
        as_of=as_of,
        classification=classification,
    )[disease]


def all_daily_counts(
    session: Session,
    diseases: Sequence[str],
    *,
    unit_ids: Sequence[int],
    start: date,
    end: date,
    as_of: datetime,
    classification: Classes = None,
) -> dict[str, CountSeries]:
    """`daily_counts` of several diseases from one reading of the line list."""
    lines = load_lines(
        session, diseases, unit_ids=unit_ids, start=start, end=end, as_of=as_of, classification=classification
    )
    observed = lines.daily(start, end)
    known = coverage(session, diseases, unit_ids=unit_ids, as_of=as_of)
    observed[known.unknown(start, end)] = np.nan
    return {
        disease: CountSeries(
            keys=tuple(SeriesKey(disease, unit) for unit in unit_ids),
            frequency=Frequency.DAY,
            start=start,
            observed=observed[i],
            as_of=as_of,
        )
        for i, disease in enumerate(diseases)
    }


def counts_by_unit(
    session: Session,
    *,
    disease: str | None,
    start: date,
    end: date,
    as_of: datetime | None,
    classification: Classes = None,
    verified: bool = False,
    estimated: bool = False,
) -> dict[int, int]:
    """Cases per commune with an event in `start`..`end`; communes without a case are absent. `estimated`: only
    those whose source named a former unit that was split."""
    query = (
        select(CaseVersion.unit_id, func.count())
        .where(
            CaseVersion.event_date.between(start, end),
            counted(disease, as_of, classification, verified),
        )
        .group_by(CaseVersion.unit_id)
    )
    if estimated:
        query = query.where(CaseVersion.place_estimated)
    return {unit: count for unit, count in session.execute(query) if unit is not None}


def city_summary(
    session: Session,
    *,
    disease: str | None,
    today: date,
    as_of: datetime | None,
    unit_ids: Sequence[int] | None = None,
    classification: Classes = None,
    columns: Columns | None = None,
) -> CitySummary:
    """Key figures of the whole city, or of `unit_ids` (then without the cases that lie in no commune).

    Of the whole city they come from `columns` where these are given: over a million cases SQL takes a second.
    """
    if columns is not None and unit_ids is None and classification is None:
        return _summary_of(columns, disease, today, as_of)
    new_year = today.replace(month=1, day=1)
    day = CaseVersion.event_date
    query = select(
        _count(day > today - timedelta(days=7)),
        _count(day > today - timedelta(days=28)),
        _count(day.between(today - timedelta(days=34), today - timedelta(days=7))),
        _count(day >= new_year),
        _count(and_(CaseVersion.unit_id.is_(None), day > today - timedelta(days=28))),
    ).where(
        day.between(min(new_year, today - timedelta(days=34)), today),
        counted(disease, as_of, classification),
    )
    if unit_ids is not None:
        query = query.where(CaseVersion.unit_id.in_(unit_ids))
    last_7, last_28, before, year_to_date, unplaced = session.execute(query).one()
    mean = before / 4
    return CitySummary(
        today=today,
        cases_7=last_7,
        cases_28=last_28,
        previous_mean=mean,
        change_percent=100 * (last_7 - mean) / mean if mean else None,
        year_to_date=year_to_date,
        unplaced_28=unplaced,
    )


def _summary_of(columns: Columns, disease: str | None, today: date, as_of: datetime | None) -> CitySummary:
    start = min(today.replace(month=1, day=1), today - timedelta(days=34))
    rows = columns.rows(CaseFilter(start=start, end=today, disease=disease, as_of=as_of))
    days = daily(columns, rows, start, today, "event")
    unplaced = (columns.unit[rows] == 0) & (columns.event[rows] > day_number(today) - 28)
    last_7, mean = int(days[-7:].sum()), days[-35:-7].sum() / 4
    return CitySummary(
        today=today,
        cases_7=last_7,
        cases_28=int(days[-28:].sum()),
        previous_mean=mean,
        change_percent=100 * (last_7 - mean) / mean if mean else None,
        year_to_date=int(days[(today.replace(month=1, day=1) - start).days :].sum()),
        unplaced_28=int(unplaced.sum()),
    )


def weekly_curve(
    session: Session,
    *,
    disease: str | None,
    unit_id: int | None,
    weeks: int,
    today: date,
    as_of: datetime | None,
    excluded_years: Collection[int] | None = None,
    classification: Classes = None,
    verified: bool = False,
    columns: Columns | None = None,
) -> WeeklyCurve:
    """The last `weeks` weeks of a commune, or of the whole city with `unit_id` None; cases from `columns` where given.

    `excluded_years` are ISO years left out of the comparison; None: the epidemic years decided for this disease,
    city-wide and here (`disease_area`).
    """
    mondays = [week_start(today) - timedelta(weeks=k) for k in reversed(range(weeks))]
    if excluded_years is None:
        excluded_years = epidemic_years(session, disease, unit_id)
    iso = week_of(mondays[0])
    start = same_week_in(iso.year - BASELINE_YEARS, iso.week)
    since, break_on = _known_since(session, disease, unit_id, as_of)
    if columns is not None and classification is None:
        counts = _days_of(columns, disease, unit_id, start, today, as_of, verified)
    else:
        counts = _days(session, disease, unit_id, start, today, as_of, classification, verified)
    counts[: max((since - start).days, 0) if since else None] = np.nan
    sums = DailySums.of(
        CountSeries(
            keys=(SeriesKey(disease or "", unit_id or 0),),
            frequency=Frequency.DAY, start=start, observed=counts[None, :], as_of=as_of or datetime.max,
        )
    )  # fmt: skip
    bands = np.array([_band(sums, monday, break_on, frozenset(excluded_years)) for monday in mondays])
    return WeeklyCurve(
        weeks=tuple(mondays),
        observed=np.array([_observed(sums, monday, today) for monday in mondays]),
        expected=bands[:, 0],
        warning=bands[:, 0] + bands[:, 1],
        threshold=bands[:, 0] + 2 * bands[:, 1],
        partial=today.weekday() != 6,
        break_on=break_on,
    )


def epidemic_years(session: Session, disease: str | None, unit_id: int | None) -> frozenset[int]:
    """Years an epidemiologist flagged, for the whole city and for this commune."""
    here = or_(DiseaseArea.unit_id.is_(None), DiseaseArea.unit_id == unit_id)
    query = select(DiseaseArea.epidemic_years).where(DiseaseArea.disease == disease, here)
    return frozenset(year for years in session.scalars(query) for year in years)


def epidemic_years_of(session: Session, disease: str | None) -> dict[int | None, frozenset[int]]:
    """Years an epidemiologist flagged, by commune; None: for the whole city."""
    query = select(DiseaseArea.unit_id, DiseaseArea.epidemic_years).where(DiseaseArea.disease == disease)
    return {unit: frozenset(years) for unit, years in session.execute(query)}


def _observed(sums: DailySums, monday: date, today: date) -> float:
    cases, unknown = sums.between(monday, min(monday + timedelta(days=6), today))
    return float("nan") if unknown[0] else float(cases[0])


def _band(
    sums: DailySums, monday: date, break_on: date | None, excluded: frozenset[int]
) -> tuple[float, float]:
    """Mean and SD of the same ISO week in the years before."""
    iso = week_of(monday)
    years = range(iso.year - BASELINE_YEARS, iso.year)
    starts = [same_week_in(year, iso.week) for year in years]
    if break_on is not None and monday >= break_on:
        excluded |= {year for year, first in zip(years, starts, strict=True) if first < break_on}
    periods = [(first, first + timedelta(days=6)) for first in starts]
    baseline = Baseline.of(sums, years, periods, [excluded])
    return float(baseline.mean[0]), float(baseline.sd[0])


def _days(
    session: Session,
    disease: str | None,
    unit_id: int | None,
    start: date,
    end: date,
    as_of: datetime | None,
    classification: Classes,
    verified: bool,
) -> FloatArray:
    """Cases per day of `start`..`end`, (T,); unplaced ones count for the city."""
    query = (
        select(CaseVersion.event_date, func.count())
        .where(CaseVersion.event_date.between(start, end), counted(disease, as_of, classification, verified))
        .group_by(CaseVersion.event_date)
    )
    if unit_id is not None:
        query = query.where(CaseVersion.unit_id == unit_id)
    counts = np.zeros((end - start).days + 1)
    for day, count in session.execute(query):
        counts[(day - start).days] = count
    return counts


def _days_of(
    columns: Columns,
    disease: str | None,
    unit_id: int | None,
    start: date,
    end: date,
    as_of: datetime | None,
    verified: bool,
) -> FloatArray:
    wanted = CaseFilter(
        start=start,
        end=end,
        as_of=as_of,
        disease=disease,
        units=None if unit_id is None else frozenset({unit_id}),
        status="verified" if verified else None,
    )
    return daily(columns, columns.rows(wanted), start, end, "event").astype(np.float64)


def _known_since(
    session: Session, disease: str | None, unit_id: int | None, as_of: datetime | None
) -> tuple[date | None, date | None]:
    """First known day, and the day on which the last part of the city joined when that is much later."""
    diseases = [disease] if disease else sorted(sources_of(session, as_of=as_of))
    units = [unit_id] if unit_id is not None else communes(session)
    if not diseases or not units:
        return None, None
    since = coverage(session, diseases, unit_ids=units, as_of=as_of).since
    since = since[~np.isnat(since)]
    if not since.size:
        return None, None
    first, last = since.min().item(), since.max().item()
    return first, last if unit_id is None and (last - first).days > BREAK_DAYS else None


def counted(
    disease: str | None, as_of: datetime | None, classification: Classes, verified: bool = False
) -> ColumnElement[bool]:
    """Versions that are counted: as believed at `as_of`, of a disease (None: all), of these classes."""
    chosen = believed(as_of)
    if disease is not None:
        chosen = and_(chosen, CaseVersion.disease == disease)
    if verified:
        chosen = and_(chosen, CaseVersion.verification == Verification.VERIFIED.value)
    if classification is None:
        return and_(chosen, CaseVersion.classification != Classification.DISCARDED)
    return and_(chosen, CaseVersion.classification.in_([str(c) for c in classification]))


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)
