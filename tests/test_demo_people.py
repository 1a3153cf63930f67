"""The demo's people: a replayed past in which somebody works, by the same acts as real people (real PostGIS)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from mailbox import Maildir
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

import demo_plan as plan
from accounts.models import User
from accounts.service import areas_of, first_user_of_each_role
from alerts.acts import Act, State
from alerts.duties import DutyKind, DutyState
from alerts.duty_models import Duty, DutyEvent
from alerts.duty_reminders import pass_over, remind
from alerts.duty_views import shares, whole
from alerts.lifecycle import Kind
from alerts.models import Alert, AlertEvent, Delivery
from alerts.telling.rota import shifts_between
from db import session_scope
from demo import TRUTH, _create_accounts, evenings, make_folders, unit_with_work
from geodata.models import AdminUnit
from geodata.registry import load_registry
from geodata.units import load_units
from settings import Settings
from surveillance.outbreaks.models import OutbreakEvent
from surveillance.outbreaks.profiles import load_profiles
from surveillance.simulation.truth import OutbreakTruth, SimulatedTruth, write_truth
from tests.line_list import CITY, Sick, add_cases, add_file, evening
from worker import Chain

LAST = date(2026, 11, 20)
DAYS = [LAST - timedelta(days=n) for n in range(11, -1, -1)]
NOW = evening(LAST)
COMMUNES = 14
HOUSE = {"place_level": "house", "uncertainty_m": 15.0, "verification": 8, "sex": "F", "age_years": 30}


class City(NamedTuple):
    engine: Engine
    units: Sequence[int]
    sick: int


@pytest.fixture(scope="module")
def city(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> City:
    return lived_city(engine, tmp_path_factory.mktemp("home"))


def lived_city(engine: Engine, home: Path) -> City:
    """Fourteen communes with an outbreak of dengue each, more of them true than not, and twelve days relived:
    outbreaks, levels, duties, people."""
    settings = Settings.from_environment({"CANHDICH_HOME": str(home)})
    settings = replace(settings, deployment=replace(settings.deployment, diseases=("dengue",)))
    with session_scope(engine) as session:
        load_units(session, load_registry(["79"]))
    chain = Chain(engine, settings)
    chain.unit_ids = chain.unit_ids[:COMMUNES]
    rng = np.random.default_rng(4)
    sick = [one for n, unit in enumerate(chain.unit_ids) for one in outbreak_in(unit, n, rng)]
    with session_scope(engine) as session:
        for day in sorted({one.day for one in sick}):
            run = add_file(session, "hcdc", evening(day))
            add_cases(session, run, [one for one in sick if one.day == day])
    with session_scope(engine) as session:
        codes = [session.get_one(AdminUnit, unit).code for unit in chain.unit_ids]
    write_truth(truth_in(codes[: COMMUNES * 2 // 3]), home / TRUTH)
    _create_accounts(engine)
    then = evenings(chain, NOW, home / TRUTH)
    for day in DAYS:
        with session_scope(engine) as session:
            chain.outbreaks_at(session, evening(day))
            chain.reconcile_at(session, evening(day), notify=False)
            then(session, evening(day))
    with session_scope(engine) as session:
        pass_over(session, NOW)
    return City(engine, chain.unit_ids, len(sick))


def outbreak_in(unit: int, number: int, rng: np.random.Generator) -> list[Sick]:
    """Verified cases some metres apart, from a day of its own until today."""
    begins = int(rng.integers(2, 20))
    return [
        Sick(
            day=LAST - timedelta(days=int(days)),
            unit_id=unit,
            classification="confirmed",
            facts=HOUSE
            | {
                "geom": f"SRID=4326;POINT({106.6 + 0.02 * number} {10.7 + float(rng.random()) / 2000})",
                "place_level": "house",
                "uncertainty_m": 15.0,
                "verification": 8,
                "sex": "F",
                "age_years": 30,
            },
        )
        for days in rng.integers(0, begins + 1, 9)
    ]


def truth_in(codes: Sequence[str]) -> SimulatedTruth:
    first = LAST - timedelta(days=40)
    planted = [
        OutbreakTruth(n, "dengue", code, first, first, LAST, 9, LAST) for n, code in enumerate(codes, 1)
    ]
    return SimulatedTruth(outbreaks=tuple(planted), excess=(), chains=())


@pytest.fixture
def session(city: City) -> Any:
    with Session(city.engine) as session:
        yield session


def test_alerts_are_taken_on_by_people_who_answer_for_the_place(session: Session) -> None:
    alerts = list(session.scalars(select(Alert)))
    taken = [alert for alert in alerts if alert.assignee_id is not None]
    assert len(alerts) >= 10
    assert 0.5 < len(taken) / len(alerts) < 1
    for alert in taken:
        areas = areas_of(session, session.get_one(User, alert.assignee_id))
        assert areas is None or alert.unit_id in areas


def test_every_act_is_one_of_the_past_and_in_order(session: Session) -> None:
    tables: tuple[Any, ...] = (AlertEvent, DutyEvent, OutbreakEvent)
    for table in tables:
        events = list(session.scalars(select(table).where(table.user_id.is_not(None))))
        assert events
        assert all(evening(DAYS[0]) < event.at <= NOW for event in events)
    acts = list(session.scalars(select(AlertEvent).order_by(AlertEvent.alert_id, AlertEvent.id)))
    for before, after in pairwise(acts):
        assert before.alert_id != after.alert_id or before.at <= after.at


def test_conclusions_follow_the_truth(session: Session) -> None:
    judged = Counter(session.scalars(select(Alert.outcome).where(Alert.outcome.is_not(None))))
    assert judged["true"] > judged["false"]
    kinds = set(session.scalars(select(AlertEvent.kind)))
    assert {Kind.ACKNOWLEDGED, Kind.ASSIGNED, Kind.VERIFYING, Kind.VERIFIED} <= kinds


def test_most_duties_are_done_in_time_and_some_late(session: Session) -> None:
    done = whole(shares(session, area_ids=None, start=evening(DAYS[0]), end=NOW, now=NOW))
    assert done.counted > 50
    assert 0.8 < done.in_time / done.counted < 0.97
    documents = session.scalars(select(Duty.document).where(Duty.settled_by.is_not(None))).all()
    assert documents and all(number and number.endswith("-TYT") for number in documents)


def test_outbreaks_are_handled_and_surveyed(session: Session) -> None:
    kinds = Counter(session.scalars(select(OutbreakEvent.kind).where(OutbreakEvent.user_id.is_not(None))))
    assert min(kinds[kind] for kind in ("status", "survey", "larvicide", "spraying", "households")) >= 5
    handled = session.execute(
        select(Duty.state, func.count()).where(Duty.kind == DutyKind.HANDLING).group_by(Duty.state)
    )
    assert dict(handled.all())[DutyState.DONE] >= 5


def test_nobody_is_sent_anything_of_the_past(session: Session) -> None:
    assert session.scalar(select(func.count()).select_from(Delivery)) == 0
    assert remind(session, NOW) == 0


def test_the_documented_accounts_come_first_and_find_work(session: Session) -> None:
    assert [user.username for user in first_user_of_each_role(session)] == ["phantich", "canbo", "quanly"]
    unit = unit_with_work(session, NOW)
    assert session.scalars(select(Alert.id).where(Alert.unit_id == unit, Alert.state == State.OPEN)).all()
    due = session.scalars(select(Duty.due_at).where(Duty.unit_id == unit, Duty.state == DutyState.OPEN)).all()
    assert max(due) > NOW
    assert min(due) > NOW - timedelta(days=1)


def test_this_week_and_the_next_have_a_rota(session: Session) -> None:
    monday = datetime(2026, 11, 16, 7, tzinfo=CITY)
    city = [s for s in shifts_between(session, monday, monday + timedelta(days=14)) if s.unit_id is None]
    assert [shift.starts_at for shift in city] == [monday + timedelta(days=n) for n in range(14)]


def test_the_same_seed_gives_the_same_deeds() -> None:
    def drawn(seed: int) -> Any:
        rng = plan.rng_of(seed, "outbreak", 7)
        vector = load_profiles()["HCDC-2021"].response.vector
        return plan.outbreak_deeds(NOW, suspected=False, whole=True, vector=vector, rng=rng)

    assert [drawn(seed) for seed in range(20)] == [drawn(seed) for seed in range(20)]
    assert drawn(1) != drawn(2)


@pytest.mark.parametrize("seed", range(30))
def test_deeds_on_an_alert_come_in_their_order(seed: int) -> None:
    opened, ends = NOW - timedelta(days=9), NOW
    deeds = plan.alert_deeds(opened, grave=bool(seed % 2), past_ends=ends, rng=plan.rng_of(seed))
    assert [deed.act for deed in deeds if deed.act is not Act.COMMENT] == [
        Act.ACKNOWLEDGE, Act.ASSIGN, Act.VERIFY, Act.CONFIRM, Act.CLOSE,
    ]  # fmt: skip
    assert [deed.at for deed in deeds] == sorted(deed.at for deed in deeds)
    assert deeds[0].at > opened


def test_letters_of_the_demo_find_their_folder(tmp_path: Path) -> None:
    make_folders(tmp_path)
    Maildir(tmp_path / "mail").add(b"Subject: x\n\n")
    assert len(list((tmp_path / "mail/new").iterdir())) == 1
