"""Cases on other boundaries: none lost, points before shares, and what was shared out is said."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from surveillance.counts import counts_by_unit
from surveillance.release_counts import ReleaseCounts, counts_on_release, weeks_on_release
from tests.line_list import Sick, add_cases, add_file, evening
from tests.release_city import MIDDLE, OLD, TODAY, ReleaseCity, make_city, point_in

SUNDAY = date(2026, 11, 22)
MONDAY = date(2026, 11, 16)


@pytest.fixture
def city(session: Session) -> ReleaseCity:
    return make_city(session)


def sick(city: ReleaseCity, name: str | None, *, day: date = MONDAY, **facts: Any) -> Sick:
    return Sick(day=day, unit_id=city[name] if name else None, facts=facts)


def at(column: float, level: str = "house") -> dict[str, Any]:
    return {"geom": point_in(column), "place_level": level}


def count(session: Session, release: date, cases: list[Sick]) -> ReleaseCounts:
    add_cases(session, add_file(session, "hcdc_dengue", evening(SUNDAY)), cases)
    return counts_on_release(session, release, disease="dengue", periods=[(MONDAY, SUNDAY)], as_of=None)


def test_a_case_with_an_exact_point_is_counted_where_it_lies(session: Session, city: ReleaseCity) -> None:
    counts = count(session, OLD, [sick(city, "X", **at(0.5)), sick(city, "X", **at(2.2, "street"))])
    assert city.names(counts.by_unit(0)) == {"A": 1, "C": 1}
    assert counts.estimated.sum() == 0


def test_a_centre_of_a_ward_is_no_point(session: Session, city: ReleaseCity) -> None:
    counts = count(session, OLD, [sick(city, "X", **at(0.5, "commune"))] * 10)
    assert city.names(counts.by_unit(0)) == pytest.approx({"A": 2, "B": 6, "C": 2})
    assert counts.estimated_share(0) == pytest.approx(1)


def test_a_point_in_another_part_of_the_city_does_not_overrule_the_named_ward(
    session: Session, city: ReleaseCity
) -> None:
    counts = count(session, MIDDLE, [sick(city, "X", **at(3.5))])
    assert set(city.names(counts.by_unit(0))) == {"E", "F"}


def test_the_former_ward_that_the_source_named_decides(session: Session, city: ReleaseCity) -> None:
    named = sick(city, "X", former_unit_id=city["F"], place_estimated=True)
    there = count(session, MIDDLE, [named])
    assert city.names(there.by_unit(0)) == {"F": 1}
    assert there.estimated.sum() == 0
    today = counts_on_release(session, TODAY, disease="dengue", periods=[(MONDAY, SUNDAY)], as_of=None)
    assert city.names(today.by_unit(0)) == {"X": 0.5, "Y": 0.5}
    assert today.estimated_share(0) == 1


def test_a_ward_that_went_whole_into_another_needs_no_estimate(session: Session, city: ReleaseCity) -> None:
    counts = count(session, TODAY, [sick(city, "X", former_unit_id=city["E"])] * 3)
    assert city.names(counts.by_unit(0)) == {"X": 3}
    assert counts.estimated_share(0) == 0


def test_what_the_release_does_not_show_is_outside_and_what_has_no_place_unplaced(
    session: Session, city: ReleaseCity
) -> None:
    counts = count(session, OLD, [sick(city, "Z"), sick(city, "Z", **at(4.5)), sick(city, None)])
    assert counts.cases.sum() == 0
    assert (counts.outside[0], counts.unplaced[0]) == (2, 1)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["X", "Y", "Z", None]),
            st.sampled_from([None, "E", "F", "G", "C"]),
            st.none() | st.floats(0.01, 4.99),
            st.sampled_from(["house", "commune"]),
        ),
        max_size=15,
    ),
    st.sampled_from([OLD, MIDDLE, TODAY]),
)
def test_totals_stay_exactly(
    session: Session, city: ReleaseCity, drawn: list[tuple[Any, ...]], release: date
) -> None:
    with session.begin_nested() as nested:
        cases = [
            sick(city, unit, former_unit_id=city[former] if former else None, place_level=level,
                 geom=point_in(column) if column is not None else None)
            for unit, former, column, level in drawn
        ]  # fmt: skip
        counts = count(session, release, cases)
        tenths = np.rint(10 * np.array([*counts.cases[:, 0], counts.outside[0], counts.unplaced[0]])).astype(
            int
        )
        assert tenths.sum() == 10 * len(cases)
        assert (counts.estimated <= counts.cases + 1e-9).all()
        nested.rollback()


def test_on_todays_boundaries_whole_units_count_as_everywhere_else(
    session: Session, city: ReleaseCity
) -> None:
    counts = count(session, TODAY, [sick(city, name) for name in "XXYZ"])
    everywhere = counts_by_unit(session, disease="dengue", start=MONDAY, end=SUNDAY, as_of=None)
    assert counts.by_unit(0) == everywhere


def test_a_units_weeks_are_its_part_of_all_weeks(session: Session, city: ReleaseCity) -> None:
    days = [MONDAY - timedelta(days=k) for k in range(0, 60, 3)]
    cases = [sick(city, name, day=day) for name, day in zip("XY" * 10, days, strict=True)]
    add_cases(session, add_file(session, "hcdc_dengue", evening(SUNDAY)), cases)
    chosen: dict[str, Any] = {"disease": "dengue", "weeks": 10, "today": SUNDAY, "as_of": None}
    whole = weeks_on_release(session, OLD, unit_id=None, **chosen)
    one = weeks_on_release(session, OLD, unit_id=city["C"], **chosen)
    assert whole.cases.sum(axis=0) + whole.outside == pytest.approx(
        [sum(first <= case.day <= last for case in cases) for first, last in whole.periods]
    )
    row = whole.cases[whole.unit_ids.index(city["C"])]
    assert one.cases[0] == pytest.approx(row, abs=0.11)
    assert one.outside.sum() == one.unplaced.sum() == 0


def test_counts_are_as_of_a_moment(session: Session, city: ReleaseCity) -> None:
    late = Sick(day=MONDAY, unit_id=city["X"], known_from=evening(SUNDAY))
    add_cases(session, add_file(session, "hcdc_dengue", evening(SUNDAY)), [late])
    before = counts_on_release(
        session, OLD, disease="dengue", periods=[(MONDAY, SUNDAY)], as_of=evening(MONDAY)
    )
    assert before.cases.sum() == 0
