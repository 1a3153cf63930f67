"""What chance alone would do: the expected counts under each model, and how replicates are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surveillance.scanning.intervals import DAY, Intervals
from surveillance.types import BoolArray, FloatArray

IntArray = NDArray[np.int64]


class Model(StrEnum):
    PERMUTATION = "permutation"
    POISSON = "poisson"
    BERNOULLI = "bernoulli"


class Draw(NamedTuple):
    """What a replicate deals out anew. `place` and `time` (M,) are: permutation: of each case, by stratum, whose ends
    are `stop`; Bernoulli: of each person; Poisson: nothing. `cases` are drawn."""

    place: IntArray
    time: IntArray
    stop: IntArray
    cases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Null:
    """`cases` (n, T) observed, `expected` (n, T) under the model, with the same total; `size` (n,) is what the
    largest share of a zone counts; `people` is the number of cases and controls (Bernoulli; else 0)."""

    model: Model
    cases: IntArray
    expected: FloatArray
    size: FloatArray
    people: float
    draw: Draw

    @property
    def total(self) -> int:
        return int(self.cases.sum())


def permutation(cases: IntArray) -> Null:
    """Space-time permutation (Kulldorff et al. 2005): places and times of the cases are unrelated, given how many
    each place and each time has.

    `cases` is (n, T), or (strata, n, T): then times are exchanged within a stratum only, such as an age group or a
    day of the week, and every place may have a mix, or a weekly rhythm, of its own.
    """
    strata = cases if cases.ndim == 3 else cases[None]
    totals = np.maximum(strata.sum((1, 2)), 1)[:, None, None]
    expected = (strata.sum(2)[:, :, None] * strata.sum(1)[:, None, :] / totals).sum(0)
    _, place, time = (np.repeat(index, strata[strata > 0]) for index in np.nonzero(strata))
    pooled = strata.sum(0)
    return Null(
        model=Model.PERMUTATION,
        cases=pooled,
        expected=expected,
        size=pooled.sum(1).astype(np.float64),
        people=0.0,
        draw=_draw(place, time, pooled, stop=np.cumsum(strata.sum((1, 2)))),
    )


def by_weekday(cases: IntArray, weekdays: IntArray) -> IntArray:
    """Strata (7 × strata, n, T) of the days of the week, of `cases` (n, T) or (strata, n, T)."""
    strata = cases if cases.ndim == 3 else cases[None]
    return np.concatenate([strata * (weekdays == day) for day in range(7)])


def poisson(cases: IntArray, expected: FloatArray) -> Null:
    """Discrete Poisson (Kulldorff 1997): each case falls anywhere in proportion to `expected` (n, T), which is
    scaled to the number of cases. Raises ValueError where cases are expected nowhere, or are where none can be."""
    if np.any(expected < 0) or not np.all(np.isfinite(expected)):
        raise ValueError("expected counts must be numbers from 0 on")
    if np.any((cases > 0) & (expected == 0)):
        raise ValueError("there are cases where none are expected")
    total = expected.sum()
    scaled = expected * (cases.sum() / total) if total else expected
    nobody = np.zeros(0, np.int64)
    return Null(
        model=Model.POISSON,
        cases=cases,
        expected=scaled,
        size=scaled.sum(1),
        people=0.0,
        draw=_draw(nobody, nobody, cases),
    )


def bernoulli(cases: IntArray, controls: IntArray) -> Null:
    """Bernoulli (Kulldorff 1997): each person counted, case or control (n, T), is a case with equal chance."""
    people = cases + controls
    total = people.sum()
    place, time = (np.repeat(index, people[people > 0]) for index in np.nonzero(people))
    return Null(
        model=Model.BERNOULLI,
        cases=cases,
        expected=people * (cases.sum() / total if total else 0.0),
        size=people.sum(1).astype(np.float64),
        people=float(total),
        draw=_draw(place, time, cases),
    )


def _draw(place: IntArray, time: IntArray, cases: IntArray, *, stop: IntArray | None = None) -> Draw:
    return Draw(
        place=place.astype(np.int64),
        time=time.astype(np.int64),
        stop=np.zeros(0, np.int64) if stop is None else stop.astype(np.int64),
        cases=int(cases.sum()),
    )


def without(null: Null, members: IntArray, first: int, last: int) -> Null:
    """The null model when what happened at `members` in intervals `first` … `last` is taken away: for iterative
    scans. Not for permutation (ValueError): permuting around a hole is another model."""
    if null.model is Model.PERMUTATION:
        raise ValueError("a permutation model cannot have a cluster taken away")
    cases, expected = null.cases.copy(), null.expected.copy()
    cases[members, first : last + 1] = 0
    expected[members, first : last + 1] = 0
    if null.model is Model.POISSON:
        return poisson(cases, expected)
    people = np.rint(expected * (null.people / null.total)).astype(np.int64)
    return bernoulli(cases, people - cases)


def person_time(
    people: Mapping[tuple[int, int], Mapping[date, float]], intervals: Intervals, places: int, strata: int
) -> FloatArray:
    """Person-days (n, T, strata) from `people` of each (place, stratum) at census dates.

    Between two dates the number changes in a straight line, before the first and after the last it stays; a pair
    not counted at a date that others were is 0 there, as in SaTScan.
    """
    dates = sorted({day for counted in people.values() for day in counted})
    share = _census_days(dates, intervals)
    result = np.zeros((places, intervals.size, strata))
    for (place, stratum), counted in people.items():
        result[place, :, stratum] += np.array([counted.get(day, 0.0) for day in dates]) @ share
    return result


def _census_days(dates: list[date], intervals: Intervals) -> FloatArray:
    """How many days of each interval each census stands for, (dates, T)."""
    bounds = [*intervals.starts, intervals.last + DAY]
    days = np.arange(bounds[0].toordinal(), bounds[-1].toordinal()) + 0.5
    census = np.array([day.toordinal() for day in dates], np.float64)
    starts = np.array([bound.toordinal() for bound in bounds[:-1]]) - bounds[0].toordinal()
    weights = [np.interp(days, census, unit) for unit in np.eye(len(dates))]
    return np.add.reduceat(np.array(weights), starts, axis=1)


def standardised(cases: FloatArray, person_days: FloatArray) -> FloatArray:
    """Expected counts (n, T) by indirect standardisation: `cases` (strata,) spread over the `person_days`
    (n, T, strata) of their stratum. Raises ValueError for a stratum with cases and no person."""
    people = person_days.sum((0, 1))
    if np.any((cases > 0) & (people <= 0)):
        raise ValueError("there are cases in a stratum without people")
    return person_days @ np.divide(cases, people, out=np.zeros(people.shape), where=people > 0)


def weekly_rhythm(cases: IntArray, expected: FloatArray, weekdays: IntArray) -> FloatArray:
    """`expected` (n, T) with each weekday's total brought to its observed one, nonparametrically."""
    seen = np.bincount(weekdays, weights=cases.sum(0), minlength=7)
    awaited = np.bincount(weekdays, weights=expected.sum(0), minlength=7)
    factor = np.divide(seen, awaited, out=np.zeros(7), where=awaited > 0)
    return expected * factor[weekdays]


def known_so_far(expected: FloatArray, share: FloatArray) -> FloatArray:
    """`expected` (n, T) of which only `share` (T,) or (n, T) is reported by now. Raises ValueError for shares
    outside 0 to 1: then the last days are compared with what is known of them, not with what will be."""
    if np.any(~((share >= 0) & (share <= 1))):
        raise ValueError("shares must lie between 0 and 1")
    return expected * share


def known_equally(event: IntArray, reported: IntArray, now: int, within: int) -> BoolArray:
    """Cases (K,) to keep so that every day up to `now` - `within` is known to the same delay: those that happened by
    then and were reported at most `within` days after. End the period there. For the permutation model, whose margins
    take care of a delay that all places share, and not of one that differs from place to place."""
    return (event <= now - within) & (reported - event <= within)
