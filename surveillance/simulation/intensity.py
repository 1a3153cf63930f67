"""How many cases are expected: the city's curve by day, and each commune's share of it by week.

The curve follows published yearly totals and monthly shares (domain.md §5). Shares follow people, lasting
differences between communes, a slow drift and local flare-ups, so that most commune-weeks are ordinary and a
plausible minority stands out (the statutory bounds of Circular 15/2026 arts. 16 and 22 are per commune).
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from surveillance.simulation.city import City, FloatArray
from surveillance.simulation.settings import DiseaseProfile

CITY_NOISE_SD = 0.06
DRIFT_MEMORY = 0.95
"""Week-to-week correlation of the drift: it forgets half in about 13 weeks."""
FITTING_ROUNDS = 6


def daily_curve(profile: DiseaseProfile, first: date, days: int) -> FloatArray:
    """Expected cases of the city on `days` days from `first`, without chance. Shape (days,).

    Linear between knots at mid-month and at the published peak weeks, the monthly knots adjusted until each
    month has its total.
    """
    months = _months(first, first + timedelta(days=days))
    start = months[0]
    length = np.array([_days_in(month) for month in months])
    target = np.array([profile.month_cases(m.year, m.month) for m in months])
    month_of = np.repeat(np.arange(len(months)), length)
    peaks = [(day, cases / 7) for day, cases in profile.peaks.items() if start <= day < months[-1]]
    knots = np.array([(m - start).days + 14.5 for m in months] + [(d - start).days for d, _ in peaks])
    order = np.argsort(knots)
    rates = target / length
    for _ in range(FITTING_ROUNDS):
        values = np.concatenate([rates, [rate for _, rate in peaks]])[order]
        curve = np.interp(np.arange(month_of.size), knots[order], values)
        total = np.bincount(month_of, curve, minlength=len(months))
        rates = rates * np.divide(target, total, out=np.zeros_like(target), where=total > 0)
    offset = (first - start).days
    return curve[offset : offset + days]


def _months(first: date, last: date) -> list[date]:
    """First days of the months from the one before `first` to the one after `last`."""
    index = range(first.year * 12 + first.month - 2, last.year * 12 + last.month + 1)
    return [date(i // 12, i % 12 + 1, 1) for i in index]


def _days_in(month: date) -> int:
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return (following - month).days


def expected_by_commune(
    city: City, profile: DiseaseProfile, weekly: FloatArray, present_weeks: int, rng: np.random.Generator
) -> FloatArray:
    """Expected cases, shape (communes, weeks), of a city total `weekly` (weeks,), chance included.

    No flare-up begins in the last `present_weeks`; the present has its own.
    """
    communes, weeks = len(city.communes), weekly.size
    log_share = (
        np.log(_people_at_risk(city, profile))[:, None]
        + rng.normal(0, profile.commune_sd, (communes, 1))
        + profile.drift_sd * _wandering(rng, communes, weeks)
    )
    share = np.exp(log_share)
    share /= share.sum(axis=0)
    surges = _surges(rng, profile.surges, communes, weeks, weeks - present_weeks)
    noise = np.exp(CITY_NOISE_SD * rng.normal(size=weeks) - CITY_NOISE_SD**2 / 2)
    chance = rng.gamma(profile.weekly_shape, 1 / profile.weekly_shape, (communes, weeks))
    raised = share * surges * chance
    return raised / raised.sum(axis=0).mean() * weekly * noise


def _people_at_risk(city: City, profile: DiseaseProfile) -> FloatArray:
    factor = np.array([profile.district_factor.get(p.district.key.code, 1.0) for p in city.places])
    return np.bincount(city.commune_of, city.people * factor, len(city.communes)).astype(np.float64)


def _wandering(rng: np.random.Generator, communes: int, weeks: int) -> FloatArray:
    """Stationary AR(1) of unit variance for each commune, shape (communes, weeks)."""
    steps = rng.normal(size=(communes, weeks))
    steps[:, 1:] *= np.sqrt(1 - DRIFT_MEMORY**2)
    for week in range(1, weeks):
        steps[:, week] += DRIFT_MEMORY * steps[:, week - 1]
    return steps


def _surges(
    rng: np.random.Generator, per_year: float, communes: int, weeks: int, last_start: int
) -> FloatArray:
    """Factors of local flare-ups, shape (communes, weeks): bumps of 3–9 weeks, two- to five-fold."""
    count = rng.poisson(per_year * communes * max(0, last_start) / 52)
    factor = np.ones((communes, weeks))
    for _ in range(count):
        commune, centre = rng.integers(communes), float(rng.integers(last_start))
        factor[commune] += bump(weeks, centre, rng.uniform(0.8, 2.2)) * rng.uniform(1, 4)
    return factor


def bump(weeks: int, centre: float, width: float) -> FloatArray:
    """A bell of height 1 around week `centre`; `width` is its standard deviation in weeks."""
    return np.exp(-0.5 * ((np.arange(weeks) - centre) / width) ** 2)
