"""Outbreaks as they are kept: what is known of them when, after every file, and what the levels hear of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geodata.models import Boundary
from surveillance.outbreaks import linking
from surveillance.outbreaks.cases import load_area
from surveillance.outbreaks.eligibility import Why
from surveillance.outbreaks.lifecycle import Status
from surveillance.outbreaks.models import OutbreakEvent, OutbreakRow, OutbreakVersion
from surveillance.outbreaks.overlooked import overlooked
from surveillance.outbreaks.profiles import Profile, load_profiles
from surveillance.outbreaks.table import METRIC
from surveillance.outbreaks.watching import METHOD, Outbreaks
from surveillance.signals import current_signals
from tests.line_list import Sick, add_cases, add_file, add_unit, evening, supersede

TODAY = date(2026, 11, 20)
HOME = (106.70, 10.78)
METRE = 1 / 111_200
"""Of latitude, in degrees, near enough."""


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profiles()["HCDC-2021"]


@pytest.fixture
def units(session: Session) -> list[int]:
    return [add_unit(session, code) for code in ("26740", "26743")]


@pytest.fixture
def run(session: Session) -> int:
    return add_file(session, "hcdc", evening(TODAY))


@pytest.fixture
def outbreaks(profile: Profile) -> Outbreaks:
    return Outbreaks([profile], crs=METRIC)


@pytest.fixture
def land(session: Session, units: list[int]) -> None:
    """Surveyed boundaries: four kilometres around HOME."""
    for unit, east in zip(units, (-0.04, 0.0), strict=True):
        west = HOME[0] + east
        shape = shapely.MultiPolygon([shapely.box(west, HOME[1] - 0.04, west + 0.04, HOME[1] + 0.04)])
        session.add(
            Boundary(
                unit_id=unit, geom=from_shape(shape, srid=4326), source="test", synthetic=False,
                imported_at=evening(TODAY),
            )
        )  # fmt: skip
    session.flush()


def sick(unit: int, *, days_ago: int, north_m: float = 0, **facts: Any) -> Sick:
    """A case the ward found at home, so many metres north of HOME."""
    lon, lat = HOME[0], HOME[1] + north_m * METRE
    found = {
        "geom": f"SRID=4326;POINT({lon} {lat})",
        "place_level": "house",
        "uncertainty_m": 15.0,
        "verification": 8,
    }
    day = TODAY - timedelta(days=days_ago)
    return Sick(day=day, unit_id=unit, known_from=evening(day), facts=found | facts)


def update(outbreaks: Outbreaks, session: Session, day: date = TODAY) -> int:
    return outbreaks.update(session, today=day, now=evening(day))


def now_kept(session: Session) -> list[OutbreakVersion]:
    query = select(OutbreakVersion).where(OutbreakVersion.known_to.is_(None))
    return list(
        session.scalars(query.order_by(OutbreakVersion.outbreak_id).execution_options(populate_existing=True))
    )


def events(session: Session) -> list[str]:
    return list(session.scalars(select(OutbreakEvent.kind).order_by(OutbreakEvent.id)))


def test_two_cases_near_in_place_and_time_are_recorded_with_dates_outline_and_reasons(
    session: Session, units: list[int], run: int, outbreaks: Outbreaks
) -> None:
    ids = add_cases(session, run, [sick(units[0], days_ago=9), sick(units[0], days_ago=4, north_m=150)])

    update(outbreaks, session)

    [kept] = now_kept(session)
    assert (kept.status, kept.members, kept.units) == (Status.CONFIRMED, ids, [units[0]])
    assert kept.criteria_met_on == TODAY - timedelta(days=4)
    assert kept.closing_from == TODAY - timedelta(days=4) + timedelta(days=28)
    area = session.scalars(select(func.ST_Area(func.geography(OutbreakVersion.geom)))).one()
    assert 2 * np.pi * 200**2 > area > np.pi * 200**2
    assert [entry["case"] for entry in kept.why] == ids and kept.near == []
    assert events(session) == ["new", "status"]
    assert session.scalars(select(OutbreakRow.profile)).one() == "HCDC-2021"


def test_case_3_an_outbreak_across_a_border_is_evidence_in_both_communes(
    session: Session, units: list[int], run: int, outbreaks: Outbreaks
) -> None:
    add_cases(
        session, run,
        [sick(units[0], days_ago=6), sick(units[0], days_ago=5, north_m=20), sick(units[1], days_ago=4, north_m=90)],
    )  # fmt: skip

    update(outbreaks, session)

    [kept] = now_kept(session)
    assert kept.units == units and kept.kind == 3
    signals = current_signals(session, unit_ids=units)
    assert [(s.method, s.unit_id, s.observed, s.alarm) for s in signals] == [
        (METHOD, unit, 3.0, True) for unit in units
    ]
    assert [s.detail["shared"] for s in signals] == [[units], [units]]


def test_what_was_believed_of_an_outbreak_on_a_day_stays_readable(
    session: Session, units: list[int], run: int, outbreaks: Outbreaks
) -> None:
    add_cases(session, run, [sick(units[0], days_ago=9), sick(units[0], days_ago=8)])
    update(outbreaks, session, TODAY - timedelta(days=1))
    add_cases(session, run, [sick(units[0], days_ago=0, north_m=60)])
    update(outbreaks, session)

    rows = session.scalars(select(OutbreakVersion).order_by(OutbreakVersion.known_from)).all()
    assert [len(row.members) for row in rows] == [2, 3]
    assert rows[0].known_to == rows[1].known_from == evening(TODAY)
    assert {row.outbreak_id for row in rows} == {1}
    assert events(session) == ["new", "status", "growing"]


def test_nothing_new_writes_nothing_also_after_a_restart(
    session: Session, units: list[int], run: int, outbreaks: Outbreaks, profile: Profile
) -> None:
    add_cases(session, run, [sick(units[0], days_ago=9), sick(units[0], days_ago=8)])
    update(outbreaks, session)
    before = events(session)

    assert update(outbreaks, session) == 0
    assert update(Outbreaks([profile], crs=METRIC), session) == 0
    assert events(session) == before


def test_a_case_that_was_not_dengue_dissolves_the_outbreak_and_its_evidence(
    session: Session, units: list[int], run: int, outbreaks: Outbreaks
) -> None:
    ids = add_cases(session, run, [sick(units[0], days_ago=9), sick(units[0], days_ago=8)])
    update(outbreaks, session, TODAY - timedelta(days=1))
    supersede(
        session, ids[1], evening(TODAY) - timedelta(hours=1), verification=7, classification="discarded"
    )

    update(outbreaks, session)

    assert [kept.status for kept in now_kept(session)] == [Status.DISSOLVED]
    assert current_signals(session, unit_ids=units) == []
    assert events(session)[-2:] == ["dissolved", "status"]


def test_cases_that_were_not_verified_or_are_known_by_commune_only_make_no_outbreak(
    session: Session, units: list[int], run: int, outbreaks: Outbreaks
) -> None:
    """domain.md §8 case 4."""
    unfound = [sick(units[0], days_ago=k, verification=3) for k in (9, 8)]
    centre = [sick(units[1], days_ago=k, place_level="commune", uncertainty_m=1500.0) for k in (9, 8)]
    add_cases(session, run, [*unfound, *centre])

    assert update(outbreaks, session) == 0


def test_an_outbreak_that_was_over_before_it_was_seen_is_recorded_as_closed(
    session: Session, units: list[int], run: int, outbreaks: Outbreaks
) -> None:
    add_cases(session, run, [sick(units[0], days_ago=60), sick(units[0], days_ago=58)])

    update(outbreaks, session)

    [kept] = now_kept(session)
    assert kept.status == Status.CLOSED
    assert current_signals(session, unit_ids=units) == []


def test_an_outbreak_goes_quiet_by_itself_and_is_proposed_for_closing_never_closed(
    session: Session, units: list[int], run: int, outbreaks: Outbreaks
) -> None:
    add_cases(session, run, [sick(units[0], days_ago=9), sick(units[0], days_ago=8)])
    seen = []
    for after in (0, 10, 20, 30, 60):
        update(outbreaks, session, TODAY + timedelta(days=after))
        seen.append(now_kept(session)[0].status)

    assert seen[0] == Status.CONFIRMED and seen[-1] == Status.PROPOSED
    assert Status.CLOSED not in seen


def test_two_children_of_one_school_are_linked_and_namesakes_in_another_commune_are_not(
    session: Session, units: list[int], run: int
) -> None:
    school = Outbreaks([load_profiles()["MEASLES"]], crs=METRIC)
    for unit in units:
        pupil = Sick(day=TODAY, unit_id=unit, disease="measles", setting="Trường Mầm non Hoa Sen")
        pupils = [replace(pupil, day=TODAY - timedelta(days=k), classification="confirmed") for k in (9, 5)]
        add_cases(session, run, pupils)

    update(school, session)

    assert [len(kept.members) for kept in now_kept(session)] == [2, 2]
    assert [kept.geom for kept in now_kept(session)] == [None, None]


def test_kept_day_by_day_is_what_all_cases_together_give(
    session: Session, units: list[int], run: int, outbreaks: Outbreaks
) -> None:
    """Forty days in which cases come, are verified late, and are taken back."""
    rng = np.random.default_rng(4)
    waiting: list[int] = []
    for day in (TODAY + timedelta(days=k) for k in range(40)):
        new = [
            replace(
                sick(units[int(rng.integers(2))], days_ago=0, north_m=float(rng.integers(0, 4000)),
                     verification=int(rng.choice([8, 8, 3]))),
                day=day - timedelta(days=int(rng.integers(0, 9))), known_from=evening(day),
            )
            for _ in range(int(rng.integers(0, 4)))
        ]  # fmt: skip
        waiting += add_cases(session, run, new)
        if waiting and rng.random() < 0.3:
            case = waiting.pop(int(rng.integers(len(waiting))))
            supersede(
                session, case, evening(day) + timedelta(minutes=1), verification=int(rng.choice([7, 8]))
            )
        outbreaks.update(session, today=day, now=evening(day) + timedelta(hours=1))
        if day.day % 7 == 0:
            assert outbreaks.check(session, today=day, now=evening(day) + timedelta(hours=1)) == ()

    alive = [kept for kept in now_kept(session) if kept.status not in (Status.MERGED, Status.DISSOLVED)]
    members = [case for kept in alive for case in kept.members]
    assert len(alive) >= 2 and len(members) == len(set(members))
    assert max(kept.diameter_m for kept in alive) <= 600


def test_what_was_not_committed_is_forgotten(
    session: Session, units: list[int], run: int, outbreaks: Outbreaks
) -> None:
    kept = session.begin_nested()
    add_cases(session, run, [sick(units[0], days_ago=9), sick(units[0], days_ago=8)])
    update(outbreaks, session)
    kept.rollback()
    outbreaks.forget()

    assert update(outbreaks, session) == 0
    assert now_kept(session) == []


@pytest.mark.usefixtures("land")
def test_cases_on_the_sea_make_no_outbreak_and_people_can_read_why(
    session: Session, units: list[int], run: int, outbreaks: Outbreaks, profile: Profile
) -> None:
    """8 km off the shore of the surveyed communes; 4.6 km north is still within a kilometre of land."""
    at_sea = [sick(units[0], days_ago=d, north_m=12_000) for d in (3, 4, 5)]
    near_shore = [sick(units[0], days_ago=d, north_m=4_600) for d in (3, 4)]
    add_cases(session, run, [*at_sea, *near_shore])

    update(outbreaks, session)

    assert [len(kept.members) for kept in now_kept(session)] == [2]
    assert told(session, profile) == {Why.OUTSIDE: 3}
    assert told(session, profile, area_ids={units[1]}) == {}
    assert outbreaks.check(session, today=TODAY, now=evening(TODAY)) == ()


def told(session: Session, profile: Profile, area_ids: set[int] | None = None) -> dict[Why, int]:
    return overlooked(
        session, [profile], today=TODAY, area_ids=area_ids, area=load_area(session, METRIC), as_of=None,
        crs=METRIC,
    )  # fmt: skip


def test_cases_that_cannot_be_considered_are_counted_by_reason(
    session: Session, units: list[int], run: int, profile: Profile
) -> None:
    add_cases(
        session, run,
        [
            sick(units[0], days_ago=3),
            sick(units[0], days_ago=3, place_level="commune", uncertainty_m=1_500.0),
            sick(units[0], days_ago=4, verification=None),
            sick(units[0], days_ago=5, verification=None),
            sick(units[0], days_ago=5, verification=4),
            sick(units[0], days_ago=-2),
            sick(units[0], days_ago=60, verification=None),
            sick(units[0], days_ago=3, classification="discarded"),
        ],
    )  # fmt: skip

    assert told(session, profile) == {
        Why.NOT_EXACT: 1, Why.UNVERIFIED: 2, Why.ADDRESS_REFUTED: 1, Why.FUTURE: 1,
    }  # fmt: skip


def test_ten_thousand_at_one_point_stop_their_own_disease_only_and_it_is_said(
    session: Session, units: list[int], run: int, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit stands for the real one, which some 6,000 cases at one point reach."""
    hand_foot_mouth = load_profiles()["HFMD"]
    outbreaks = Outbreaks([profile, hand_foot_mouth], crs=METRIC)
    add_cases(session, run, [sick(units[0], days_ago=3)] * 40)
    add_cases(session, run, [replace(sick(units[0], days_ago=d), disease="hfmd") for d in (3, 4)])
    monkeypatch.setattr(linking, "MOST_PAIRS", 100)

    update(outbreaks, session)

    assert session.scalars(select(OutbreakRow.disease)).all() == ["hfmd"]
    assert "40 ca cùng một tọa độ: hãy kiểm tra cách định vị" in str(outbreaks.refused["dengue"])
    monkeypatch.undo()
    update(outbreaks, session)
    assert set(session.scalars(select(OutbreakRow.disease))) == {"dengue", "hfmd"} and not outbreaks.refused
