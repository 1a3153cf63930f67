"""Counts: by event date, on today's units, as believed at any moment; unknown is not zero."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from sqlalchemy.orm import Session

from geodata.models import AdminUnit, UnitLineage
from surveillance.counts import (
    all_daily_counts,
    city_summary,
    counts_by_unit,
    daily_counts,
    weekly_curve,
)
from surveillance.coverage import first_event_day
from surveillance.types import Classification, Frequency, SeriesKey
from tests.line_list import Sick, add_cases, add_file, add_unit, evening, supersede

SUNDAY = date(2026, 11, 22)
MONDAY = date(2026, 11, 16)


@pytest.fixture
def units(session: Session) -> list[int]:
    return [add_unit(session, "26740"), add_unit(session, "26743")]


@pytest.fixture
def run(session: Session) -> int:
    return add_file(session, "hcdc_dengue", evening(SUNDAY))


def test_daily_counts_are_by_event_date_and_unit(session: Session, units: list[int], run: int) -> None:
    here, there = units
    long_ago = Sick(day=date(2026, 11, 1), unit_id=here)
    cases = [Sick(day=MONDAY, unit_id=here), Sick(day=MONDAY, unit_id=here), Sick(day=SUNDAY, unit_id=there)]
    add_cases(session, run, [long_ago, *cases])

    series = daily_counts(
        session, "dengue", unit_ids=[there, here], start=MONDAY, end=SUNDAY, as_of=evening(SUNDAY)
    )

    assert series.keys == (SeriesKey("dengue", there), SeriesKey("dengue", here))
    assert (series.frequency, series.start) == (Frequency.DAY, MONDAY)
    assert series.observed.tolist() == [[0, 0, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 0, 0]]


def test_a_count_is_what_was_known_then(session: Session, units: list[int], run: int) -> None:
    here, there = units
    _late, moved, discarded = add_cases(
        session,
        run,
        [
            Sick(day=MONDAY, unit_id=here, known_from=evening(SUNDAY)),
            Sick(day=MONDAY, unit_id=here),
            Sick(day=MONDAY, unit_id=here),
        ],
    )
    supersede(session, moved, evening(MONDAY + timedelta(days=2)), unit_id=there)
    supersede(session, discarded, evening(MONDAY + timedelta(days=3)), classification="discarded")

    def known_on(days: int) -> list[int]:
        found = counts_by_unit(
            session, disease="dengue", start=MONDAY, end=SUNDAY, as_of=evening(MONDAY + timedelta(days=days))
        )
        return [found.get(here, 0), found.get(there, 0)]

    assert [known_on(day) for day in (-1, 0, 2, 3, 6)] == [[0, 0], [2, 0], [1, 1], [0, 1], [1, 1]]
    now = counts_by_unit(session, disease=None, start=MONDAY, end=SUNDAY, as_of=None)
    assert now == {here: 1, there: 1}


def test_the_daily_series_agrees_with_the_counts_by_unit(
    session: Session, units: list[int], run: int
) -> None:
    rng = np.random.default_rng(3)
    start = date(2026, 10, 1)
    sick = [
        Sick(
            day=start + timedelta(days=int(rng.integers(0, 50))),
            unit_id=units[int(rng.integers(0, 2))],
            disease=str(rng.choice(["dengue", "hfmd"])),
            known_from=evening(date(2026, 11, 1) + timedelta(days=int(rng.integers(0, 20)))),
        )
        for _ in range(300)
    ]
    ids = add_cases(session, run, sick)
    for case_id in ids[:40]:
        supersede(session, case_id, evening(date(2026, 11, 21)), unit_id=units[0])

    for as_of in (evening(date(2026, 11, 10)), evening(SUNDAY)):
        series = all_daily_counts(
            session, ["hfmd", "dengue"], unit_ids=units, start=start, end=SUNDAY, as_of=as_of
        )
        for disease in ("dengue", "hfmd"):
            found = counts_by_unit(session, disease=disease, start=start, end=SUNDAY, as_of=as_of)
            total = np.nansum(series[disease].observed, axis=1)
            assert total.tolist() == [found.get(unit, 0) for unit in units]


def test_days_before_the_source_began_are_unknown(session: Session, units: list[int], run: int) -> None:
    add_cases(session, run, [Sick(day=MONDAY + timedelta(days=2), unit_id=units[0])])

    series = daily_counts(session, "dengue", unit_ids=units, start=MONDAY, end=SUNDAY, as_of=evening(SUNDAY))

    assert np.isnan(series.observed).tolist() == [[True, True] + [False] * 5] * 2
    assert first_event_day(session, "dengue") == MONDAY + timedelta(days=2)
    assert first_event_day(session, "cholera") is None


def test_a_rare_disease_is_known_since_its_source_began(session: Session, units: list[int]) -> None:
    other = add_file(session, "hcdc_other", evening(SUNDAY))
    dengue = add_file(session, "hcdc_dengue", evening(SUNDAY))
    add_cases(session, dengue, [Sick(day=date(2020, 1, 1), unit_id=units[0])])
    add_cases(
        session,
        other,
        [
            Sick(day=MONDAY, unit_id=units[0], disease="hfmd"),
            Sick(day=SUNDAY, unit_id=units[1], disease="pertussis"),
        ],
    )

    series = daily_counts(
        session,
        "pertussis",
        unit_ids=units,
        start=MONDAY - timedelta(days=1),
        end=SUNDAY,
        as_of=evening(SUNDAY),
    )

    assert series.observed[1, 1:].tolist() == [0, 0, 0, 0, 0, 0, 1]
    assert np.isnan(series.observed[:, 0]).all()


def test_a_province_that_joined_later_is_unknown_before(session: Session, run: int) -> None:
    units = _two_former_provinces(session)
    add_cases(
        session,
        run,
        [Sick(day=date(2025, 1, 1), unit_id=units[0]), Sick(day=date(2025, 7, 1), unit_id=units[1])],
    )

    series = daily_counts(
        session,
        "dengue",
        unit_ids=units,
        start=date(2025, 6, 29),
        end=date(2025, 7, 2),
        as_of=evening(SUNDAY),
    )

    assert series.observed[0].tolist() == [0, 0, 0, 0]
    assert np.isnan(series.observed[1]).tolist() == [True, True, False, False]


def _two_former_provinces(session: Session) -> list[int]:
    """Communes of today, each made of one commune of another former province."""
    new = [add_unit(session, code) for code in ("25760", "26740")]
    for unit in new:
        province = add_unit(session, f"P{unit}", level="province")
        district = add_unit(session, f"D{unit}", level="district", parent_id=province)
        old = add_unit(session, f"C{unit}", parent_id=district)
        session.get_one(AdminUnit, old).valid_to = date(2025, 7, 1)
        session.add(UnitLineage(old_id=old, new_id=unit, split=False, is_default=True))
    session.flush()
    return new[::-1]


def test_city_summary_compares_with_the_mean_of_the_four_weeks_before(
    session: Session, units: list[int], run: int
) -> None:
    weeks = {0: 6, 1: 2, 2: 4, 3: 4, 4: 6}  # weeks ago -> cases; the mean of 1..4 is 4
    cases = [
        Sick(day=SUNDAY - timedelta(weeks=w), unit_id=units[0]) for w, n in weeks.items() for _ in range(n)
    ]
    unplaced = [Sick(day=SUNDAY, unit_id=None)] * 2
    earlier = [Sick(day=date(2026, 1, 1), unit_id=units[0]), Sick(day=date(2025, 12, 31), unit_id=units[0])]
    add_cases(session, run, [*cases, *unplaced, *earlier])

    found = city_summary(session, disease="dengue", today=SUNDAY, as_of=None)

    assert (found.cases_7, found.cases_28, found.previous_mean) == (8, 18, 4)
    assert found.change_percent == 100
    assert (found.year_to_date, found.unplaced_28) == (25, 2)
    assert city_summary(session, disease=None, today=SUNDAY, as_of=None, unit_ids=units).cases_7 == 6
    assert city_summary(session, disease="zika", today=SUNDAY, as_of=None).change_percent is None


def test_reported_and_verified_are_two_series(session: Session, units: list[int], run: int) -> None:
    kinds = ["suspected", "suspected", "confirmed", "discarded"]
    add_cases(session, run, [Sick(day=SUNDAY, unit_id=units[0], classification=kind) for kind in kinds])

    def count(classification: set[Classification] | None) -> float:
        series = daily_counts(
            session, "dengue", unit_ids=units[:1], start=SUNDAY, end=SUNDAY, as_of=evening(SUNDAY),
            classification=classification,
        )  # fmt: skip
        return float(series.observed[0, 0])

    assert (count(None), count({Classification.CONFIRMED})) == (3, 1)


def test_weekly_curve_expects_the_mean_of_the_same_week_of_five_years(
    session: Session, units: list[int], run: int
) -> None:
    by_year = {2021: 2, 2022: 4, 2023: 6, 2024: 8, 2025: 10}  # mean 6, sample SD sqrt(10)
    history = [
        Sick(day=date.fromisocalendar(year, 46, 3), unit_id=units[0])
        for year, n in by_year.items()
        for _ in range(n)
    ]
    began = Sick(day=date(2020, 1, 1), unit_id=units[0])
    this_week = [Sick(day=date(2026, 11, 9), unit_id=units[0])] * 5 + [Sick(day=MONDAY, unit_id=None)]
    add_cases(session, run, [began, *history, *this_week])

    curve = weekly_curve(
        session, disease="dengue", unit_id=None, weeks=2, today=MONDAY + timedelta(days=1), as_of=None
    )

    assert curve.weeks == (date(2026, 11, 9), MONDAY)
    assert curve.observed.tolist() == [5, 1]
    assert curve.expected.tolist() == [6, 0]
    assert curve.warning[0] == pytest.approx(6 + np.sqrt(10))
    assert curve.threshold[0] == pytest.approx(6 + 2 * np.sqrt(10))
    assert curve.partial and curve.break_on is None
    in_unit = weekly_curve(session, disease="dengue", unit_id=units[1], weeks=2, today=SUNDAY, as_of=None)
    assert in_unit.observed.tolist() == [0, 0] and not in_unit.partial


def test_weekly_curve_has_no_band_without_three_usable_years(
    session: Session, units: list[int], run: int
) -> None:
    add_cases(session, run, [Sick(day=date(2023, 1, 1), unit_id=units[0])])

    def band(excluded: set[int]) -> float:
        curve = weekly_curve(
            session,
            disease=None,
            unit_id=units[0],
            weeks=1,
            today=SUNDAY,
            as_of=None,
            excluded_years=excluded,
        )
        return float(curve.threshold[0])

    assert band(set()) == 0
    assert np.isnan(band({2024}))


def test_weekly_curve_marks_the_day_the_city_grew(session: Session, run: int) -> None:
    old_city, joined = _two_former_provinces(session)
    daily = [Sick(day=date(2019, 1, 1) + timedelta(days=7 * k), unit_id=old_city) for k in range(400)]
    add_cases(session, run, [*daily, Sick(day=date(2025, 7, 1), unit_id=joined)])

    curve = weekly_curve(session, disease="dengue", unit_id=None, weeks=104, today=SUNDAY, as_of=None)

    assert curve.break_on == date(2025, 7, 1)
    before = np.array([week < date(2025, 7, 1) for week in curve.weeks])
    assert np.isfinite(curve.expected[before]).all()
    assert np.isnan(curve.expected[~before]).all()
