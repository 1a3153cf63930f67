"""Outbreaks: the arithmetic of domain.md §1.3, the cases of §8, the bounds, and what becomes of odd input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from math import cos, dist, sin

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from geodata.types import PlaceLevel
from surveillance.lines import day_number
from surveillance.outbreaks import linking
from surveillance.outbreaks.eligibility import Why
from surveillance.outbreaks.explain import explain_members, near_misses
from surveillance.outbreaks.find import Finding, find_outbreaks
from surveillance.outbreaks.outbreak import NO_POSITION, ONE_POINT, OutbreakKind, outline
from surveillance.outbreaks.table import CasePlace, OutbreakCase, project, tabulate
from surveillance.types import Classification, Treatment
from tests.outbreak_cases import (
    EAST,
    HCDC,
    JUNE,
    MOH,
    NEA,
    NORTH,
    PROFILES,
    TODAY,
    UNBOUNDED,
    at_school,
    case,
    find,
    groups,
    house,
    table_of,
)


def by_hand(cases: Sequence[OutbreakCase]) -> set[frozenset[int]]:
    """Domain.md §1.3 as it stands there, word by word: seed pair, growth after the seed's first case, two cases."""

    def linked(a: OutbreakCase, b: OutbreakCase, days: int) -> bool:
        one, other = a.places[0], b.places[0]
        assert None not in (one.x, one.y, other.x, other.y)
        near = round(dist((one.x or 0, one.y or 0), (other.x or 0, other.y or 0)), 3) <= 200
        return near and abs((a.event_date - b.event_date).days) <= days

    left = sorted(cases, key=lambda c: c.event_date)
    found: set[frozenset[int]] = set()
    seeds = sorted(
        ((a, b) for a, b in combinations(left, 2) if linked(a, b, 14)), key=lambda pair: pair[0].event_date
    )
    for first, second in seeds:
        if first not in left or second not in left:
            continue
        members = [first, second]
        for member in members:
            for other in left:
                late_enough = other.event_date >= first.event_date
                if other not in members and late_enough and linked(member, other, 30):
                    members.append(other)
        found.add(frozenset(c.case_id for c in members))
        left = [c for c in left if c not in members]
    return found


def why(finding: Finding, case_id: int) -> Why:
    return Why(finding.why[finding.table.case_id.tolist().index(case_id)])


def said(finding: Finding, case_id: int) -> str:
    """What is said of a case near the first outbreak."""
    misses = {e.case_id: e for e in near_misses(finding, finding.outbreaks[0])}
    return misses[case_id].message.render("vi")


# --- domain.md §8 -------------------------------------------------------------------------------------------


def test_case_1_two_inpatients_180_m_and_14_days_apart_are_an_outbreak() -> None:
    assert groups([case(1, 0, 0), case(2, 180, 14)]) == {frozenset({1, 2})}
    assert groups([case(1, 0, 0), case(2, 180, 15)]) == set()


def test_case_1_fifteen_days_apart_they_join_by_a_third_case() -> None:
    bridge = [case(1, 0, 0), case(2, 180, 15), case(3, 90, 7)]
    assert groups(bridge) == {frozenset({1, 2, 3})}
    before = [case(1, 0, 0), case(2, 180, 15), case(3, 90, -5)]
    assert groups(before) == {frozenset({1, 2, 3})}


def test_a_case_before_the_seed_stays_out_and_is_told_why() -> None:
    finding = find([case(1, 0, 0), case(2, 180, 15), case(3, 90, 29)])
    assert [outbreak.members for outbreak in finding.outbreaks] == [(2, 3)]
    assert why(finding, 1) is Why.NO_SEED
    assert "15 ngày trước ca đầu" in said(finding, 1)


def test_case_2_at_205_m_they_are_not_linked_and_it_is_said() -> None:
    assert groups([case(1, 0, 0), case(2, 200, 1)]) == {frozenset({1, 2})}
    assert groups([case(1, 0, 0), case(2, 205, 1)]) == set()
    finding = find([case(1, 0, 0), case(2, 100, 1), case(3, 305, 1)])
    assert why(finding, 3) is Why.ALONE
    assert said(finding, 3) == "Cách ca gần nhất của ổ dịch (2) 205 m, quá 200 m."


def test_case_2_distances_are_metres_not_degrees() -> None:
    """0.0018° is 199 m to the north and 195 m to the east at Ho Chi Minh City."""
    from pyproj import Geod

    lon, lat = np.array([106.7, 106.7, 106.7018]), np.array([10.77, 10.7718, 10.77])
    x, y = project(lon, lat)
    for other in (1, 2):
        true = Geod(ellps="WGS84").inv(lon[0], lat[0], lon[other], lat[other])[2]
        assert np.hypot(x[other] - x[0], y[other] - y[0]) == pytest.approx(true, rel=1e-3)


def test_case_3_across_a_border_there_is_one_inter_commune_outbreak_with_a_lead() -> None:
    cases = [case(1, 0, 0, unit=7), case(2, 100, 3, unit=8), case(3, 150, 5, unit=8)]
    (outbreak,) = find(cases).outbreaks
    assert outbreak.kind is OutbreakKind.INTER_COMMUNE
    assert outbreak.units == (8, 7) and outbreak.lead_unit == 8
    (even,) = find(cases[:2]).outbreaks
    assert even.lead_unit == 7, "with as many cases the earlier unit leads"


@pytest.mark.parametrize(
    ("verification", "outcome"),
    [(None, Why.UNVERIFIED), (3, Why.ADDRESS_REFUTED), (7, Why.NOT_THIS_DISEASE), (8, Why.MEMBER)],
)
def test_case_4_an_outpatient_is_linked_only_when_verified_to_be_one(
    verification: int | None, outcome: Why
) -> None:
    outpatient = case(2, 50, 3, treatment=Treatment.OUTPATIENT, verification=verification)
    assert why(find([case(1, 0, 0), outpatient, case(3, 9, 1)]), 2) is outcome


def test_the_rule_of_the_old_program_can_be_set() -> None:
    old = replace(HCDC.eligibility, verified_outcomes=(7, 8), not_this_disease=(), address_refuted=())
    cases = [case(1, 0, 0, verification=4), case(2, 50, 3, treatment=Treatment.OUTPATIENT, verification=7)]
    assert groups(cases, replace(HCDC, eligibility=old)) == {frozenset({1, 2})}
    assert groups(cases) == set()


def test_case_13_a_ward_known_by_its_old_code_only_is_listed_as_near() -> None:
    place = CasePlace(x=EAST, y=NORTH, level=PlaceLevel.COMMUNE, uncertainty_m=1_500, unit_id=1)
    finding = find([case(1, 0, 0), case(2, 50, 1), case(3, 0, 2, places=(place,))])
    assert finding.outbreaks[0].members == (1, 2)
    assert why(finding, 3) is Why.NOT_EXACT
    assert "Vị trí chưa đủ chính xác" in said(finding, 3)


def test_case_15_a_patient_who_is_admitted_later_becomes_eligible() -> None:
    first, outpatient = case(1, 0, 0), case(2, 50, 1, treatment=Treatment.OUTPATIENT)
    assert groups([first, outpatient]) == set()
    assert groups([first, replace(outpatient, treatment=Treatment.INPATIENT)]) == {frozenset({1, 2})}


# --- the arithmetic of §1.3 -----------------------------------------------------------------------------------


def test_dates_of_an_outbreak() -> None:
    """Confirmed when the second case is reported, expected to end 30 days after the last onset, closing from 28."""
    late = replace(case(1, 0, 0), date_report=JUNE + timedelta(days=20))
    (outbreak,) = find([late, case(2, 10, 5), case(3, 20, 9)]).outbreaks
    assert (outbreak.first_event, outbreak.last_event) == (JUNE, JUNE + timedelta(days=9))
    assert outbreak.criteria_met_on == JUNE + timedelta(days=11)
    assert outbreak.expected_end == JUNE + timedelta(days=39)
    assert outbreak.closing_from == JUNE + timedelta(days=37)


def test_the_polygon_is_the_union_of_the_buffers() -> None:
    from pyproj import Geod

    (outbreak,) = find([case(1, 0, 0), case(2, 100, 1)]).outbreaks
    area = abs(Geod(ellps="WGS84").geometry_area_perimeter(outline(outbreak, 200))[0])
    lens = 2 * 200**2 * np.arccos(50 / 200) - 50 * np.sqrt(4 * 200**2 - 100**2)
    assert area == pytest.approx(2 * np.pi * 200**2 - lens, rel=0.01)


few_cases = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 80)), min_size=0, max_size=25
).map(lambda rows: [case(i, x * 40, day, y=y * 40) for i, (x, y, day) in enumerate(rows)])


@st.composite
def dense_cases(draw: st.DrawFn) -> list[OutbreakCase]:
    """40–120 cases of a season in some 60 hectares: chains wider and longer than the bounds, and many ties."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, wide, long = draw(st.integers(40, 120)), draw(st.integers(10, 35)), draw(st.integers(5, 200))
    places = rng.integers(0, [wide, 20, long], (n, 3)).tolist()
    return [case(i, x * 40, day, y=y * 40) for i, (x, y, day) in enumerate(places)]


random_cases = st.one_of(few_cases, dense_cases())


def test_the_dense_cases_of_these_laws_are_split_by_the_bounds() -> None:
    """Else the laws below would say little."""
    rng = np.random.default_rng(1)
    places = rng.integers(0, [25, 20, 120], (100, 3)).tolist()
    finding = find([case(i, x * 40, day, y=y * 40) for i, (x, y, day) in enumerate(places)])
    assert sum(outbreak.shares_zone for outbreak in finding.outbreaks) > 3
    assert Why.ZONE in finding.why


@settings(max_examples=150, deadline=None)
@given(random_cases)
def test_without_bounds_the_outbreaks_are_those_of_the_written_rule(cases: list[OutbreakCase]) -> None:
    assert groups(cases, UNBOUNDED) == by_hand(cases)


@settings(max_examples=100, deadline=None)
@given(random_cases)
def test_an_outbreak_within_the_bounds_is_the_one_without_bounds(cases: list[OutbreakCase]) -> None:
    bounded = groups(cases)
    for members in by_hand(cases):
        spots = [(c.places[0].x or 0, c.places[0].y or 0) for c in cases if c.case_id in members]
        days = [c.event_date for c in cases if c.case_id in members]
        wide = max(dist(a, b) for a in spots for b in spots)
        if wide <= 600 and (max(days) - min(days)).days <= 90:
            assert members in bounded


# --- laws -----------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(random_cases, st.randoms())
def test_the_order_of_the_cases_does_not_matter(cases: list[OutbreakCase], shuffler: object) -> None:
    mixed = list(cases)
    shuffler.shuffle(mixed)  # type: ignore[attr-defined]
    assert find(mixed).outbreaks == find(cases).outbreaks


@settings(max_examples=60, deadline=None)
@given(random_cases)
def test_no_outbreak_exceeds_its_bounds_and_every_case_has_an_outcome(cases: list[OutbreakCase]) -> None:
    finding = find(cases)
    members = {case_id for outbreak in finding.outbreaks for case_id in outbreak.members}
    for outbreak in finding.outbreaks:
        assert outbreak.diameter_m <= 600
        assert (outbreak.last_event - outbreak.first_event).days <= 90
        assert len(outbreak.members) >= 2
    assert members == {c.case_id for c in cases if why(finding, c.case_id) is Why.MEMBER}
    assert sum(len(outbreak.members) for outbreak in finding.outbreaks) == len(members)


@settings(max_examples=60, deadline=None)
@given(dense_cases(), st.integers(0, 20), st.integers(0, 20))
def test_a_case_of_today_only_joins_what_stood_and_reshuffles_nothing_elsewhere(
    cases: list[OutbreakCase], x: int, y: int
) -> None:
    """Unless it makes an earlier lone case part of a zone, all others stay together as they were."""
    last = max((c.event_date - JUNE).days for c in cases)
    before, after = find(cases), find([*cases, case(9_999, x * 40 + 7, last + 1, y=y * 40)])
    assume((before.why == after.why[:-1]).all())
    were, are = ({frozenset(o.members) for o in found.outbreaks} for found in (before, after))
    joined = frozenset().union(*(members for members in are if 9_999 in members))
    assert {members for members in are if 9_999 not in members} <= were
    assert all(members <= joined for members in were - are)


@settings(max_examples=60, deadline=None)
@given(random_cases)
def test_a_far_case_changes_nothing(cases: list[OutbreakCase]) -> None:
    assert find([*cases, case(9_999, 50_000, 40)]).outbreaks == find(cases).outbreaks


@settings(max_examples=60, deadline=None)
@given(random_cases, st.floats(0, 6.28), st.integers(-9, 9))
def test_turning_and_moving_the_map_changes_no_outbreak(
    cases: list[OutbreakCase], angle: float, kilometres: int
) -> None:
    def moved(c: OutbreakCase) -> OutbreakCase:
        x, y = (c.places[0].x or 0) - EAST, (c.places[0].y or 0) - NORTH
        turned = x * cos(angle) - y * sin(angle), x * sin(angle) + y * cos(angle)
        return replace(c, places=(house(turned[0] + 1_000 * kilometres, turned[1]),))

    assert groups([moved(c) for c in cases]) == groups(cases)


@settings(max_examples=60, deadline=None)
@given(random_cases, st.integers(-400, 400))
def test_moving_all_dates_changes_no_outbreak(cases: list[OutbreakCase], days: int) -> None:
    shift = timedelta(days=days)
    later = [replace(c, event_date=c.event_date + shift, date_onset=c.event_date + shift) for c in cases]
    assert {frozenset(o.members) for o in find(later, today=date(2100, 1, 1)).outbreaks} == groups(cases)


# --- bounds ---------------------------------------------------------------------------------------------------


def chain(length: int, step: float = 100.0, days: float = 1.0) -> list[OutbreakCase]:
    """A street of cases, `step` metres and `days` days apart."""
    return [case(i, i * step, int(i * days)) for i in range(length)]


def test_a_long_street_of_cases_is_split_into_outbreaks_of_one_zone() -> None:
    found = find(chain(30)).outbreaks
    assert len(found) > 1
    assert {outbreak.zone for outbreak in found} == {0}
    assert all(outbreak.shares_zone and outbreak.kind is OutbreakKind.WIDE_AREA for outbreak in found)
    assert groups(chain(30), UNBOUNDED) == {frozenset(range(30))}


def test_what_a_later_case_adds_leaves_earlier_outbreaks_as_they_were() -> None:
    before = find(chain(30)).outbreaks
    after = find([*chain(30), case(30, 3_000, 30)]).outbreaks
    assert before[:-1] == after[:-1]
    assert set(before[-1].members) <= set(after[-1].members)


def test_an_outbreak_that_never_ends_is_followed_by_another_of_the_same_zone() -> None:
    found = find([case(i, 0, i * 10) for i in range(20)]).outbreaks
    assert len(found) == 2 and found[0].zone == found[1].zone
    assert (found[0].last_event - found[0].first_event).days == 90


def test_a_case_beyond_the_diameter_is_told_so() -> None:
    finding = find([*chain(7), case(7, 700, 30)])
    assert finding.outbreaks[0].members == tuple(range(7))
    assert why(finding, 7) is Why.ZONE
    assert said(finding, 7) == (
        "Thêm ca này thì ổ dịch rộng 700 m, quá giới hạn 600 m; ca thuộc phần khác của vùng dịch."
    )


def test_a_case_goes_where_it_has_most_links() -> None:
    """Between a lonely pair and a dense corner, 500 m apart, neither of which it can join to the other."""
    pair, corner = [case(1, 0, 0), case(2, 10, 0)], [case(10 + i, 350 + i, 1) for i in range(5)]
    wide = replace(HCDC, max_diameter_m=260.0)
    assert frozenset({10, 11, 12, 13, 14, 99}) in groups([*pair, *corner, case(99, 180, 2)], wide)


# --- settings, sources and other places -----------------------------------------------------------------------


def test_pupils_of_one_school_are_linked_without_any_position() -> None:
    cases = [
        at_school(1, 0, "THCS Nguyễn Du"),
        at_school(2, 20, "thcs nguyen du"),
        at_school(3, 5, "THCS Lê Lợi"),
    ]
    (outbreak,) = find(cases, PROFILES["PERTUSSIS"]).outbreaks
    assert outbreak.members == (1, 2)
    assert [note.msgid for note in outbreak.notes] == [NO_POSITION]
    assert outline(outbreak, 200) is None


def test_the_same_school_after_the_window_is_another_matter() -> None:
    assert groups([at_school(1, 0, "A"), at_school(2, 22, "A")], PROFILES["PERTUSSIS"]) == set()


def test_distance_links_nobody_where_the_profile_has_no_radius() -> None:
    assert groups([case(1, 0, 0), case(2, 1, 1)], PROFILES["PERTUSSIS"]) == set()


def test_hand_foot_and_mouth_links_by_school_or_by_place() -> None:
    pupil = OutbreakCase(
        case_id=2,
        event_date=JUNE,
        date_report=JUNE,
        places=(house(100), CasePlace(kind="school", setting="A")),
    )
    cases = [case(1, 0, 0), pupil, at_school(3, 2, "A")]
    assert groups(cases, PROFILES["HFMD"]) == {frozenset({1, 2}), frozenset({2, 3})}


def test_one_confirmed_case_of_measles_is_an_outbreak_and_an_imported_one_is_not() -> None:
    confirmed = at_school(1, 0, "A", classification=Classification.CONFIRMED)
    measles = PROFILES["MEASLES"]
    (outbreak,) = find([confirmed], measles).outbreaks
    assert outbreak.kind is OutbreakKind.POSITIVE_CASE
    assert explain_members(find([confirmed], measles), outbreak)[0].message.render() == (
        "Một ca xác định đã đủ thành ổ dịch theo tiêu chuẩn này."
    )
    assert groups([replace(confirmed, imported=True)], measles) == set()
    assert groups([at_school(1, 0, "A")], measles) == set()


def test_a_confirmed_case_is_no_outbreak_at_home_beside_the_one_at_school() -> None:
    home, school = CasePlace(setting="hộ 1", unit_id=1), CasePlace(kind="school", setting="A", unit_id=1)
    first = case(1, 0, 0, classification=Classification.CONFIRMED, places=(home, school))
    assert groups([first, at_school(2, 3, "A")], PROFILES["MEASLES"]) == {frozenset({1, 2})}


def test_a_workplace_links_where_the_profile_says_so() -> None:
    """Two who live 5 km apart and work in the same street: an outbreak for NEA, none for HCDC."""
    cases = [
        case(
            i,
            0,
            i,
            places=(house(5_000 * i), house(2_000, 30 * i, kind="work")),
            treatment=Treatment.INPATIENT,
        )
        for i in (1, 2)
    ]
    assert groups(cases, NEA) == {frozenset({1, 2})}
    assert groups(cases, HCDC) == set()


def test_the_two_places_of_one_case_are_not_two_cases() -> None:
    assert groups([case(1, 0, 0, places=(house(0), house(50, kind="work")))], NEA) == set()


def test_each_member_says_by_which_link_it_belongs() -> None:
    finding = find([case(1, 0, 0), case(2, 180, 14)])
    first, second = explain_members(finding, finding.outbreaks[0])
    assert second.message.render("vi") == "Cách ca 1: 180 m và 14 ngày (tiêu chuẩn cho phép 200 m, 30 ngày)."
    assert first.message.render("en") == "From case 2: 180 m and 14 days (the profile allows 200 m, 30 days)."


# --- bad input ------------------------------------------------------------------------------------------------


def test_many_cases_at_one_house_are_an_outbreak_that_a_person_must_look_at() -> None:
    """It may be a dormitory: leaving it out would hide it. It may be the hospital: nothing confirms it by itself."""
    (outbreak,) = find([case(i, 0, i % 9) for i in range(25)]).outbreaks
    assert [note.msgid for note in outbreak.doubts] == [ONE_POINT]
    (few,) = find([case(i, 0, i % 9) for i in range(19)]).outbreaks
    assert few.doubts == ()


def test_the_centre_of_an_area_shared_by_many_is_no_doubtful_address() -> None:
    table = table_of(range(25), [EAST] * 25, [NORTH] * 25, [9_000] * 25, level=PlaceLevel.NEIGHBOURHOOD)
    (outbreak,) = find_outbreaks(table, HCDC, today=TODAY).outbreaks
    assert outbreak.doubts == ()


@pytest.mark.parametrize("x", [None, float("nan"), float("inf")])
def test_a_position_that_is_none_is_said_and_links_nothing(x: float | None) -> None:
    nowhere = CasePlace(x=x, y=NORTH, level=PlaceLevel.HOUSE)
    finding = find([case(1, 0, 0), case(2, 10, 1), case(3, 0, 1, places=(nowhere,))])
    assert finding.outbreaks[0].members == (1, 2)
    assert why(finding, 3) is Why.NO_PLACE


def test_positions_in_the_sea_beyond_the_area_are_said_to_be_outside() -> None:
    area = shapely.box(EAST - 10_000, NORTH - 10_000, EAST + 10_000, NORTH + 10_000)
    finding = find([case(1, 400_000, 0), case(2, 400_000, 1)], area=area)
    assert finding.outbreaks == () and why(finding, 1) is Why.OUTSIDE


def test_a_case_without_any_place_is_said_to_have_none() -> None:
    assert why(find([case(1, 0, 0, places=())]), 1) is Why.NO_PLACE


def test_ward_centroids_make_no_outbreak_however_many_there_are() -> None:
    centre = CasePlace(x=EAST, y=NORTH, level=PlaceLevel.COMMUNE, uncertainty_m=100, unit_id=1)
    finding = find([case(i, 0, 0, places=(centre,)) for i in range(50)])
    assert finding.outbreaks == () and set(finding.why) == {Why.NOT_EXACT}


def test_a_street_known_to_500_m_does_not_link() -> None:
    street = CasePlace(x=EAST, y=NORTH, level=PlaceLevel.STREET, uncertainty_m=500, unit_id=1)
    assert groups([case(1, 0, 0, places=(street,)), case(2, 0, 1)]) == set()


def test_a_refuted_address_links_nothing() -> None:
    finding = find([case(1, 0, 0), case(2, 10, 1), case(3, 5, 1, verification=4)])
    assert why(finding, 3) is Why.ADDRESS_REFUTED and finding.outbreaks[0].members == (1, 2)
    assert "bệnh nhân không ở đó" in said(finding, 3)


def test_a_case_in_the_future_waits_and_is_told_so() -> None:
    finding = find([case(1, 0, 0), case(2, 10, 2)], today=JUNE + timedelta(days=1))
    assert finding.outbreaks == () and why(finding, 2) is Why.FUTURE


def test_without_onset_the_next_date_counts_and_it_is_said() -> None:
    finding = find([case(1, 0, 0), case(2, 10, 2, date_onset=None)])
    (_, second) = explain_members(finding, finding.outbreaks[0])
    assert second.message.render().endswith(
        "Chưa có ngày khởi phát nên tính theo ngày nhập viện hoặc ngày báo cáo."
    )


def test_ten_thousand_cases_in_a_day_are_bounded_outbreaks() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0, 8_000, (2, 10_000))
    found = find_outbreaks(
        table_of(range(10_000), EAST + x, NORTH + y, [day_number(JUNE)] * 10_000), HCDC, today=TODAY
    )
    assert len(found.outbreaks) > 100
    assert max(outbreak.diameter_m for outbreak in found.outbreaks) <= 600


def test_too_many_cases_at_one_point_are_refused_with_the_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the real limit it is 6,000 in a month: a mistake in the positions that would fill the memory."""
    monkeypatch.setattr(linking, "MOST_PAIRS", 1_000)
    with pytest.raises(linking.TooManyLinks, match=r"x = 680\.000.*60 ca"):
        find([case(i, 0, 0) for i in range(60)])


def test_one_case_in_a_year_is_alone() -> None:
    finding = find([case(1, 0, 0)])
    assert finding.outbreaks == () and why(finding, 1) is Why.ALONE


def test_no_case_at_all_is_no_outbreak() -> None:
    assert find([]).outbreaks == ()


def test_a_case_id_that_occurs_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        tabulate([case(1, 0, 0), case(1, 5, 0)])


def test_discarded_cases_are_no_cases() -> None:
    discarded = case(2, 10, 1, classification=Classification.DISCARDED)
    assert groups([case(1, 0, 0), discarded], MOH) == set()
