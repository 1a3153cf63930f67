"""Addresses that wait, what a person's decision does to a case, and what is learnt from it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from geoalchemy2.shape import from_shape, to_shape
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, box
from sqlalchemy import delete, select, text

from accounts.models import Role
from db import session_scope
from geodata.aliases import BY_ALIAS, AreaWords
from geodata.areas import surveyed_areas
from geodata.geocoder import UNKNOWN_COMMUNE
from geodata.models import Boundary
from geodata.types import PlaceLevel
from surveillance.belief import Facts, StoredFacts, StoredFix, fold, follow
from surveillance.counts import counts_by_unit
from surveillance.models import CaseVersion
from surveillance.outbreaks.models import OutbreakVersion
from surveillance.outbreaks.profiles import load_profiles
from surveillance.outbreaks.table import METRIC
from surveillance.outbreaks.watching import Outbreaks
from surveillance.pipeline import undo_run
from surveillance.place import AT_SEA
from surveillance.review.fixes import Busy, FixError, NotAllowed, Overtaken
from surveillance.review.learnt import list_aliases
from surveillance.review.models import AddressFix, PlaceAlias
from surveillance.review.placing import BY_CHOICE, BY_PIN, BY_TEXT, BadChoice, Choice
from surveillance.review.queue import CHANGED, Surroundings, Tier, Waiting, entries, waiting_count
from surveillance.store import cursor_of, lock_ingest
from tests.ingest_files import NOW, Desk, csv_text, person
from tests.review_cases import DAY, LATER, Clerk, clerk, commune, forget, unknown
from tests.test_investigations import form, investigate
from tests.test_linkage import FACTS

TODAY = NOW.date()


@pytest.fixture
def office(desk: Desk) -> Iterator[Desk]:
    yield desk
    forget(desk)


@pytest.fixture
def hoa(office: Desk) -> Clerk:
    return clerk(office, "hoa")


def now_of(desk: Desk, row: int = 0) -> CaseVersion:
    return desk.versions()[row]


def place_of(version: CaseVersion) -> tuple[Any, ...]:
    point = to_shape(version.geom) if version.geom is not None else None
    return (
        version.unit_id, version.former_unit_id, version.place_level, version.place_rule, version.place_estimated,
        (point.x, point.y) if point else None, version.uncertainty_m,
    )  # fmt: skip


# --- what waits -------------------------------------------------------------------------------------------------


def test_unknown_ambiguous_and_estimated_places_wait_and_known_ones_do_not(office: Desk, hoa: Clerk) -> None:
    office.take(
        [
            person(1),
            unknown(2),
            person(3, PX="TAN PHU", QH="", **{"DIA CHI": "5 LE LOI"}),
            person(4, PX="PHUONG 14", QH="QUAN GO VAP"),
            person(5, PX="X", QH="QUAN CAU GIAY", TINH="HA NOI"),
        ]
    )
    rules = {case.case_id: case.rule for case in hoa.sees()}
    names = [v for v in office.versions() if v.case_id in rules]
    assert all(v.unit_id is None or v.place_estimated for v in names)
    assert UNKNOWN_COMMUNE in rules.values() or len(rules) >= 2
    assert office.versions()[0].case_id not in rules
    with session_scope(office.engine) as session:
        assert waiting_count(session, None) == len(rules)


def test_candidates_of_a_split_ward_are_its_successors(office: Desk, hoa: Clerk) -> None:
    split = _split_ward(office)
    office.take([person(1, PX=split[0], QH=split[1])])
    (case,) = hoa.sees()
    assert case.estimated
    assert len(case.candidates) > 1
    assert case.candidates[0] == case.unit_id


def _split_ward(desk: Desk) -> tuple[str, str]:
    """An old ward that went into several communes, as a source writes it."""
    gazetteer = desk.context.gazetteer
    assert gazetteer is not None
    for key, parts in gazetteer.shares.items():
        unit = gazetteer.units[key]
        if len(parts) > 1 and unit.parent and key.level == "commune":
            return unit.name.upper(), gazetteer.units[unit.parent].name.upper()
    raise AssertionError("no split ward")


def test_a_measured_point_at_sea_waits_although_the_commune_is_known(
    office: Desk, hoa: Clerk, tmp_path: Path
) -> None:
    sai_gon = commune(office, "Phường Sài Gòn")
    with session_scope(office.engine) as session:
        area = from_shape(MultiPolygon([box(106.69, 10.77, 106.71, 10.79)]), srid=4326)
        session.add(Boundary(unit_id=sai_gon, geom=area, source="test", synthetic=False, imported_at=NOW))
    try:
        with session_scope(office.engine) as session:
            surveyed = Desk(office.engine, replace(office.context, areas=surveyed_areas(session)))
        surveyed.take([person(1)])
        at_sea: dict[str, Any] = {"VĨ ĐỘ": 10.0, "KINH ĐỘ": 107.5, "SAI SỐ (M)": 20}
        investigate(surveyed, tmp_path, form(8, PX="PHUONG SAI GON", **at_sea))
        (case,) = Clerk(surveyed, hoa.actor).sees()
        assert case.rule == AT_SEA
        Clerk(surveyed, hoa.actor).place(case, sai_gon)
        (version,) = surveyed.versions()
        assert (version.place_level, version.place_rule) == ("commune", BY_CHOICE)
    finally:
        with session_scope(office.engine) as session:
            session.execute(delete(Boundary).where(Boundary.unit_id == sai_gon))


def test_the_list_puts_open_outbreaks_first_then_high_levels_then_the_newest() -> None:
    cases = [
        _waits(1, unit=10, ago=0),
        _waits(2, unit=20, ago=5),
        _waits(3, unit=30, ago=9),
        _waits(4, unit=40, ago=2),
    ]
    around = Surroundings(
        outbreaks={("dengue", 30): [(TODAY - 20 * DAY, TODAY - 10 * DAY, 7)]},
        members={},
        levels={("dengue", 20): 3, ("dengue", 10): 2},
    )
    ordered = entries(cases, around)
    assert [entry.first.case_id for entry in ordered] == [3, 2, 1, 4]
    assert [entry.tier for entry in ordered] == [Tier.OUTBREAK, Tier.HIGH_LEVEL, Tier.OTHER, Tier.OTHER]
    assert (ordered[0].outbreak_id, ordered[1].area_level) == (7, 3)


def test_cases_with_the_same_words_are_one_line_and_more_of_them_come_first() -> None:
    alone = _waits(1, ago=1)
    three = [replace(_waits(n, ago=1), group_key=b"same") for n in (5, 6, 7)]
    nowhere = Surroundings(outbreaks={}, members={}, levels={})
    assert [(e.first.case_id, e.cases) for e in entries([alone, *three], nowhere)] == [(5, 3), (1, 1)]


def test_an_outbreak_long_over_or_of_another_disease_gives_no_precedence() -> None:
    around = Surroundings(
        outbreaks={
            ("dengue", 10): [(TODAY - 200 * DAY, TODAY - 90 * DAY, 7)],
            ("measles", 10): [(TODAY - 5 * DAY, TODAY, 8)],
        },
        members={},
        levels={},
    )
    assert entries([_waits(1, unit=10, ago=0)], around)[0].tier is Tier.OTHER


def _waits(number: int, *, unit: int | None = None, ago: int = 0) -> Any:
    return Waiting(
        case_id=number, version_id=number, disease="dengue", event_date=TODAY - timedelta(days=ago), date_report=TODAY,
        unit_id=unit, rule="", estimated=False, level="commune", uncertainty_m=None, lon=None, lat=None, changed=False,
        words_id=number, group_key=str(number).encode(), by_area=False, has_address=True, candidates=(), columns="",
        facility=None,
    )  # fmt: skip


# --- a decision and what becomes of the case -----------------------------------------------------------------------


def counted(desk: Desk, unit: int, at: datetime) -> int:
    with session_scope(desk.engine) as session:
        found = counts_by_unit(
            session, disease="dengue", start=date(2025, 11, 1), end=date(2025, 12, 31), as_of=at
        )
    return int(found.get(unit, 0))


def test_an_accepted_commune_counts_from_now_on_and_the_past_still_shows_it_unresolved(
    office: Desk, hoa: Clerk
) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    sai_gon = commune(office, "Phường Sài Gòn")
    assert counted(office, sai_gon, LATER) == 0

    done = hoa.place(case, sai_gon)

    version = now_of(office)
    assert (version.unit_id, version.place_level, version.place_rule) == (sai_gon, "commune", BY_CHOICE)
    assert version.known_from == LATER
    assert counted(office, sai_gon, LATER) == 1
    assert counted(office, sai_gon, LATER - timedelta(seconds=1)) == 0
    assert hoa.sees() == []
    assert done.cases == (case.case_id,)


def test_every_decision_is_an_event_with_the_place_before_and_after(office: Desk, hoa: Clerk) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    sai_gon = commune(office, "Phường Sài Gòn")
    done = hoa.place(case, sai_gon)
    with session_scope(office.engine) as session:
        event = session.scalars(select(AddressFix)).one()
    assert (event.user_id, event.at, event.kind, event.act) == (hoa.actor.user_id, LATER, "choice", done.act)
    assert (event.before["unit_id"], event.before["place_level"]) == (None, "unknown")
    assert (event.after or {})["unit_id"] == sai_gon


def test_undo_restores_the_state_before_and_the_case_waits_again(office: Desk, hoa: Clerk) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    before = place_of(now_of(office))
    done = hoa.place(case, commune(office, "Phường Sài Gòn"), remember=True)

    hoa.undo(done.act)

    assert place_of(now_of(office)) == before
    assert [c.case_id for c in hoa.sees()] == [case.case_id]
    assert len(office.versions(current=False)) == 3
    with session_scope(office.engine) as session:
        assert list_aliases(session) == []
    with pytest.raises(Overtaken):
        hoa.undo(done.act)


def test_a_pin_has_its_level_and_an_honest_uncertainty(office: Desk, hoa: Clerk) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    sai_gon = commune(office, "Phường Sài Gòn")
    hoa.place(case, Choice(kind="pin", unit_id=sai_gon, lon=106.7, lat=10.78, level=PlaceLevel.HOUSE))
    assert place_of(now_of(office)) == (sai_gon, None, "house", BY_PIN, False, (106.7, 10.78), 30)


def test_a_corrected_text_is_kept_encrypted(office: Desk, hoa: Clerk) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    sai_gon = commune(office, "Phường Sài Gòn")
    typed = "12/5 Lê Lợi, Phường Bến Nghé, Quận 1"
    hoa.place(case, Choice(kind="text", unit_id=sai_gon, typed=typed))
    assert now_of(office).place_rule == BY_TEXT
    with session_scope(office.engine) as session:
        event = session.scalars(select(AddressFix)).one()
        assert office.context.vault.decrypt(event.typed or b"") == typed
        stored = str(session.execute(text("SELECT f::text FROM address_fix f")).scalar_one())
    assert "Lê Lợi" not in stored


@pytest.mark.parametrize(
    "choice",
    [
        Choice(kind="choice", unit_id=None),
        Choice(kind="choice", unit_id=-5),
        Choice(kind="pin", unit_id=None, lon=106.7, lat=10.7, level=PlaceLevel.HOUSE),
        Choice(kind="pin", unit_id=1, lon=None, lat=10.7, level=PlaceLevel.HOUSE),
        Choice(kind="pin", unit_id=1, lon=106.7, lat=10.7, level=PlaceLevel.COMMUNE),
        Choice(kind="text", unit_id=1, typed="  "),
        Choice(kind="text", unit_id=1, typed="x" * 10_000),
    ],
)
def test_a_choice_that_cannot_be_is_refused_and_changes_nothing(
    office: Desk, hoa: Clerk, choice: Choice
) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    with pytest.raises(BadChoice):
        hoa.place(case, choice)
    assert len(office.versions(current=False)) == 1


def test_what_cannot_be_told_waits_no_more_until_its_words_change(office: Desk, hoa: Clerk) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    with pytest.raises(FixError):
        hoa.unknown(case, "because")
    hoa.unknown(case, "too_little")
    assert hoa.sees() == []
    assert now_of(office).unit_id is None
    office.take([unknown(1, TUOI=31)], now=LATER + DAY)
    assert hoa.sees() == []
    office.take([unknown(1, **{"DIA CHI": "9 HAI BA TRUNG"})], now=LATER + 2 * DAY)
    assert [c.case_id for c in hoa.sees()] == [case.case_id]


# --- what comes later -----------------------------------------------------------------------------------------------


def test_a_fix_survives_the_same_file_again_and_later_lines_of_the_hospital(office: Desk, hoa: Clerk) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    sai_gon = commune(office, "Phường Sài Gòn")
    hoa.place(case, sai_gon)
    office.take([unknown(1), unknown(2)], now=LATER + DAY)
    office.take([unknown(1, TUOI=44)], now=LATER + 2 * DAY)
    version = next(v for v in office.versions() if v.case_id == case.case_id)
    assert (version.unit_id, version.age_years, version.place_rule) == (sai_gon, 44, BY_CHOICE)


def test_a_fix_stands_when_the_hospital_writes_another_address_but_a_person_is_asked(
    office: Desk, hoa: Clerk
) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    sai_gon = commune(office, "Phường Sài Gòn")
    hoa.place(case, sai_gon)
    office.take([person(1, PX="PHUONG TAN DINH", QH="QUAN 1")], now=LATER + DAY)
    assert now_of(office).unit_id == sai_gon
    (again,) = hoa.sees()
    assert (again.case_id, again.rule) == (case.case_id, CHANGED)
    hoa.place(again, commune(office, "Phường Tân Định"), now=LATER + 2 * DAY)
    assert now_of(office).unit_id == commune(office, "Phường Tân Định")
    assert hoa.sees() == []


def test_a_ward_that_looks_later_outranks_the_desk(office: Desk, hoa: Clerk, tmp_path: Path) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    hoa.place(case, commune(office, "Phường Sài Gòn"))
    investigate(office, tmp_path, form(4, PX="PHUONG TAN DINH", QH="QUAN 1"), days=3)
    assert now_of(office).unit_id == commune(office, "Phường Tân Định")
    office.take([unknown(1, TUOI=50)], now=NOW + 4 * DAY)
    assert now_of(office).unit_id == commune(office, "Phường Tân Định")


def test_a_ward_that_says_nothing_of_the_place_leaves_the_fix(
    office: Desk, hoa: Clerk, tmp_path: Path
) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    sai_gon = commune(office, "Phường Sài Gòn")
    hoa.place(case, sai_gon)
    investigate(office, tmp_path, form(8), days=3)
    assert (now_of(office).unit_id, now_of(office).verification) == (sai_gon, 8)


def test_the_desk_outranks_a_form_it_had_before_it(office: Desk, hoa: Clerk, tmp_path: Path) -> None:
    office.take([person(1)])
    investigate(office, tmp_path, form(4, PX="PHUONG LA HOAC", QH="QUAN 1"))
    (case,) = hoa.sees()
    assert case.unit_id is None
    tan_dinh = commune(office, "Phường Tân Định")
    hoa.place(case, tan_dinh, now=NOW + 2 * DAY)
    assert (now_of(office).unit_id, now_of(office).verification) == (tan_dinh, 4)
    assert hoa.sees() == []


def test_a_fix_is_found_again_after_the_file_was_taken_back_and_dropped_anew(
    office: Desk, hoa: Clerk
) -> None:
    run = office.take([unknown(1)])
    (case,) = hoa.sees()
    sai_gon = commune(office, "Phường Sài Gòn")
    hoa.place(case, sai_gon)
    with session_scope(office.engine) as session:
        undo_run(session, run.id, LATER + DAY)
    assert office.versions() == []
    office.take([unknown(1)], name="again.xlsx", now=LATER + 2 * DAY)
    assert [(v.case_id, v.unit_id) for v in office.versions()] == [(case.case_id, sai_gon)]


def test_a_second_hospital_that_names_the_right_commune_finds_the_corrected_case(
    office: Desk, hoa: Clerk
) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    hoa.place(case, commune(office, "Phường Sài Gòn"))
    office.take([person(1, BV="BV002", SHS="OTHER-9")], now=LATER + DAY)
    assert [v.case_id for v in office.versions()] == [case.case_id]


# --- together, and learning -----------------------------------------------------------------------------------------


def test_cases_with_the_same_area_are_placed_in_one_act_and_undone_in_one(office: Desk, hoa: Clerk) -> None:
    office.take([unknown(n) for n in range(1, 13)] + [unknown(20, PX="PHUONG KHAC")])
    waits = hoa.sees()
    case = next(c for c in waits if "LA HOAC" in c.columns)
    sai_gon = commune(office, "Phường Sài Gòn")
    done = hoa.place(case, sai_gon, together=True)
    assert len(done.cases) == 12
    assert [v.unit_id for v in office.versions()].count(sai_gon) == 12
    assert len(hoa.undo(done.act).cases) == 12
    assert [v.unit_id for v in office.versions()].count(None) == 13


def test_cases_without_an_address_are_never_the_same_address(office: Desk, hoa: Clerk) -> None:
    rows = [
        person(n, PX="", QH="QUAN 5", **{"DIA CHI": said}) for n, said in ((1, ""), (2, ""), (3, "KHONG RO"))
    ]
    same = [person(n, PX="", QH="QUAN 5", **{"DIA CHI": "9 TRAN HUNG DAO"}) for n in (4, 5)]
    office.take([*rows, *same])
    nowhere = Surroundings(outbreaks={}, members={}, levels={})
    assert sorted(entry.cases for entry in entries(hoa.sees(), nowhere)) == [1, 1, 1, 2]


def test_without_together_only_the_one_case_is_placed(office: Desk, hoa: Clerk) -> None:
    office.take([unknown(1), unknown(2)])
    hoa.place(hoa.sees()[0], commune(office, "Phường Sài Gòn"))
    assert len(hoa.sees()) == 1


def test_later_rows_with_the_same_area_follow_what_was_learnt(office: Desk, hoa: Clerk) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    sai_gon = commune(office, "Phường Sài Gòn")
    done = hoa.place(case, sai_gon, remember=True)
    assert done.learnt == AreaWords("la hoac", "5", "")
    office.take([unknown(2, **{"DIA CHI": "99 TRAN HUNG DAO"})], now=LATER + DAY)
    version = next(v for v in office.versions() if v.case_id != case.case_id)
    assert (version.unit_id, version.place_rule) == (sai_gon, BY_ALIAS)
    hoa.undo(done.act, now=LATER + 2 * DAY)
    office.take([unknown(3)], now=LATER + 3 * DAY)
    assert [v.unit_id for v in office.versions()] == [None, sai_gon, None]


def test_no_house_and_no_name_stands_in_the_alias_table(office: Desk, hoa: Clerk) -> None:
    named = unknown(1, PX="AP NHA NGUYEN MAU B", **{"HO TEN": "NGUYEN MAU B", "DIA CHI": "12/8E LE LOI"})
    office.take([named, unknown(2)])
    for case in hoa.sees():
        hoa.place(case, commune(office, "Phường Sài Gòn"), remember=True)
    with session_scope(office.engine) as session:
        kept = [(a.text, a.district, a.province) for a in session.scalars(select(PlaceAlias))]
    assert kept == [("la hoac", "5", "")]


def test_an_ambiguous_name_is_never_learnt(office: Desk, hoa: Clerk) -> None:
    split = _split_ward(office)
    office.take([person(1, PX=split[0], QH=split[1])])
    (case,) = hoa.sees()
    assert hoa.place(case, case.candidates[-1], remember=True).learnt is None


# --- several people --------------------------------------------------------------------------------------------------


def test_the_second_clerk_is_told_and_overwrites_nothing(office: Desk, hoa: Clerk) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    minh = clerk(office, "minh")
    hoa.place(case, commune(office, "Phường Sài Gòn"))
    with pytest.raises(Overtaken) as refusal:
        minh.place(case, commune(office, "Phường Tân Định"))
    assert (refusal.value.user_id, refusal.value.at) == (hoa.actor.user_id, LATER)
    assert now_of(office).unit_id == commune(office, "Phường Sài Gòn")


def test_two_clerks_in_the_same_instant_one_wins(office: Desk, hoa: Clerk) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    results: list[str] = []
    barrier = threading.Barrier(2)

    def press(who: Clerk, unit: int) -> None:
        barrier.wait()
        try:
            who.place(case, unit)
            results.append("done")
        except Overtaken:
            results.append("overtaken")

    people = [
        (hoa, commune(office, "Phường Sài Gòn")),
        (clerk(office, "minh"), commune(office, "Phường Tân Định")),
    ]
    threads = [threading.Thread(target=press, args=pair) for pair in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["done", "overtaken"]
    with session_scope(office.engine) as session:
        assert len(list(session.scalars(select(AddressFix)))) == 1


def test_new_data_since_the_page_was_drawn_is_told(office: Desk, hoa: Clerk) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    office.take([unknown(1, TUOI=77)], now=NOW + timedelta(hours=1))
    with pytest.raises(Overtaken):
        hoa.place(case, commune(office, "Phường Sài Gòn"))


def test_while_a_file_is_read_the_clerk_is_asked_to_wait(office: Desk, hoa: Clerk) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    with session_scope(office.engine) as reading:
        lock_ingest(cursor_of(reading))
        with pytest.raises(Busy):
            hoa.place(case, commune(office, "Phường Sài Gòn"))
    assert now_of(office).unit_id is None


def test_only_the_newest_decision_can_be_undone(office: Desk, hoa: Clerk) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    first = hoa.place(case, commune(office, "Phường Sài Gòn"))
    office.take([person(1, PX="PHUONG LA KHAC", QH="QUAN 1")], now=LATER + DAY)
    (again,) = hoa.sees()
    tan_dinh = commune(office, "Phường Tân Định")
    second = hoa.place(again, tan_dinh, now=LATER + 2 * DAY)
    with pytest.raises(Overtaken):
        hoa.undo(first.act)
    hoa.undo(second.act, now=LATER + 3 * DAY)
    assert now_of(office).unit_id == commune(office, "Phường Sài Gòn")


# --- rights ----------------------------------------------------------------------------------------------------------


def test_an_officer_sees_only_what_may_lie_in_their_area_and_takes_it_only_there(office: Desk) -> None:
    ward, district = _split_ward(office)
    office.take([person(1, PX=ward, QH=district), unknown(2)])
    (case,) = [c for c in clerk(office, "hoa").sees() if c.estimated]
    mine, other = case.candidates[1], case.candidates[0]
    officer = clerk(office, "can_bo", {mine}, Role.OFFICER)
    assert [c.case_id for c in officer.sees()] == [case.case_id]
    assert clerk(office, "xa_khac", {commune(office, "Xã Cần Giờ")}, Role.OFFICER).sees() == []
    with pytest.raises(NotAllowed):
        officer.place(case, other)
    with pytest.raises(NotAllowed):
        officer.unknown(case, "no_such")
    officer.place(case, mine, remember=True)
    assert now_of(office).unit_id == mine
    with session_scope(office.engine) as session:
        assert list_aliases(session) == []


def test_an_officer_takes_back_only_their_own_act(office: Desk, hoa: Clerk) -> None:
    office.take([unknown(1)])
    sai_gon = commune(office, "Phường Sài Gòn")
    done = hoa.place(hoa.sees()[0], sai_gon)
    with pytest.raises(NotAllowed):
        clerk(office, "can_bo", {sai_gon}, Role.OFFICER).undo(done.act)


def test_a_manager_changes_nothing(office: Desk, hoa: Clerk) -> None:
    office.take([unknown(1)])
    with pytest.raises(NotAllowed):
        clerk(office, "quan_ly", None, Role.MANAGER).place(hoa.sees()[0], commune(office, "Phường Sài Gòn"))


# --- what it wakes ---------------------------------------------------------------------------------------------------


def test_a_pinned_case_joins_the_outbreak_around_it_and_leaves_it_again(
    office: Desk, hoa: Clerk, tmp_path: Path
) -> None:
    """Two houses 40 m apart are an outbreak by HCDC's rule; the third case, unknown, is pinned between them."""
    rows = [person(1, PX="PHUONG SAI GON", QH=""), person(2, PX="PHUONG SAI GON", QH=""), unknown(3)]
    headers = [*rows[0], "Hình thức điều trị"]
    office.take(csv_text([{**row, "Hình thức điều trị": "Nội trú"} for row in rows], headers), name="f.csv")
    for number, east in ((1, 0.0), (2, 0.0004)):
        home = {"VĨ ĐỘ": 10.78, "KINH ĐỘ": 106.7 + east, "SAI SỐ (M)": 10}
        investigate(office, tmp_path, form(8, number=number, **home), days=number / 10)
    engine = Outbreaks([load_profiles()["HCDC-2021"]], crs=METRIC)
    (case,) = hoa.sees()
    members = [version.case_id for version in office.versions()]

    def outbreak(at: datetime) -> list[int]:
        with session_scope(office.engine) as session:
            engine.update(session, today=date(2025, 11, 10), now=at)
        with session_scope(office.engine) as session:
            query = select(OutbreakVersion.members).where(OutbreakVersion.known_to.is_(None))
            return sorted(session.scalars(query).one())

    try:
        assert outbreak(LATER) == [m for m in sorted(members) if m != case.case_id]
        pin = Choice(
            kind="pin",
            unit_id=commune(office, "Phường Sài Gòn"),
            lon=106.7002,
            lat=10.78,
            level=PlaceLevel.HOUSE,
        )
        done = hoa.place(case, pin, now=LATER + DAY)
        assert outbreak(LATER + DAY) == sorted(members)
        hoa.undo(done.act, now=LATER + 2 * DAY)
        assert outbreak(LATER + 2 * DAY) == [m for m in sorted(members) if m != case.case_id]
    finally:
        with session_scope(office.engine) as session:
            session.execute(text("TRUNCATE outbreak, outbreak_version, outbreak_event, signal CASCADE"))


def test_a_decision_wakes_what_a_file_wakes(office: Desk, hoa: Clerk, database_url: str) -> None:
    office.take([unknown(1)])
    (case,) = hoa.sees()
    with psycopg.connect(
        database_url.replace("postgresql+psycopg", "postgresql"), autocommit=True
    ) as listening:
        listening.execute("LISTEN canhdich_ingested")
        done = hoa.place(case, commune(office, "Phường Sài Gòn"))
        hoa.undo(done.act)
        heard = [note.channel for note in listening.notifies(timeout=20, stop_after=2)]
    assert heard == ["canhdich_ingested"] * 2


# --- the law ---------------------------------------------------------------------------------------------------------

A_PLACE: dict[str, Any] = {
    "unit_id": 77, "former_unit_id": None, "place_estimated": False, "place_level": "commune",
    "place_rule": BY_CHOICE, "lon": None, "lat": None, "uncertainty_m": None,
}  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[Facts]:
    """Reports of one case in any order: hospitals' rows with and without a place, and wards' forms."""
    made = []
    for number in range(draw(st.integers(1, 6))):
        day = date(2025, 11, 1) + timedelta(days=number)
        place: dict[str, Any] = {"unit_id": draw(st.sampled_from([None, 1, 2])), "date_report": day}
        outcome = draw(st.sampled_from([None, None, 3, 4, 8])) if number else None
        made.append(FACTS._replace(disease="" if outcome else "dengue", verification=outcome, **place))
    return made


@given(histories(), st.integers(1, 6))
def test_what_is_believed_step_by_step_is_what_all_reports_and_the_fix_say(
    reports: list[Facts], after: int
) -> None:
    """A fix made after any of the reports, and the rest of them following it."""
    stored = [StoredFacts(n, "file", facts) for n, facts in enumerate(reports, start=1)]
    seen = min(after, len(reports))
    fix = StoredFix(A_PLACE, seen)
    belief = fold(stored[:seen], fix).belief
    for report in reports[seen:]:
        belief = follow(belief, report, linked_by="file", late=False)
    folded = fold(stored, fix).belief
    assert belief == folded
    assert folded is not None
    later = [report for report in reports[seen:] if report.verification and report.unit_id]
    if folded.facts and not later and not any(r.verification == 4 for r in reports[seen:]):
        assert folded.facts.unit_id == 77
