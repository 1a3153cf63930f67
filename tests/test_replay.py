"""Replay: the past analysed day by day, as it was known then, gives what analysing each day gave."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import numpy as np
import psycopg
import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from db import session_scope
from surveillance.analysis import ReplayError, analyse, replay
from surveillance.diseases import Catalogue, load_catalogue
from surveillance.models import SignalRow
from surveillance.signals import current_signals
from tests.line_list import CITY, Sick, add_cases, add_file, add_unit, evening, supersede

FIRST = date(2026, 10, 26)
DAYS = [FIRST + timedelta(days=k) for k in range(10)]
DISEASES = ["dengue", "pertussis", "hfmd"]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def units(engine: Engine) -> list[int]:
    """Three communes with seven years of cases, late reports and corrections, and a file every day."""
    rng = np.random.default_rng(11)
    with session_scope(engine) as session:
        units = [add_unit(session, code) for code in ("26740", "26743", "26746")]
        runs = [add_file(session, "hcdc", evening(day) - timedelta(hours=1)) for day in DAYS]
        began = date(2019, 10, 1)
        sick = []
        for _ in range(3000):
            day = began + timedelta(days=int(rng.integers(0, (DAYS[-1] - began).days)))
            told = evening(day) + timedelta(days=int(rng.integers(0, 9)), hours=-2)
            school = str(rng.choice(["", "Trường A", "Trường B"])) or None
            disease = str(rng.choice(DISEASES, p=[0.6, 0.1, 0.3]))
            unit = units[int(rng.integers(0, 3))]
            sick.append(Sick(day=day, unit_id=unit, disease=disease, setting=school, known_from=told))
        ids = add_cases(session, runs[0], sick)
        recent = [i for i, case in zip(ids, sick, strict=True) if case.day > FIRST - timedelta(days=20)]
        for case_id in recent[::3]:
            supersede(session, case_id, evening(DAYS[7]) - timedelta(hours=1), classification="discarded")
    return units


@pytest.fixture
def clean(engine: Engine) -> Iterator[None]:
    yield
    with session_scope(engine) as session:
        session.execute(text("TRUNCATE signal"))


def kept(session: Session) -> list[tuple[object, ...]]:
    columns = [c for c in SignalRow.__table__.columns if c.name != "id"]
    return [tuple(row) for row in session.execute(select(*columns).order_by(*columns[:7]))]


def test_replay_keeps_what_analysing_day_by_day_kept(
    engine: Engine, catalogue: Catalogue, units: list[int], clean: None
) -> None:
    one_by_one = 0
    for day in DAYS:
        with session_scope(engine) as session:
            what = {"diseases": DISEASES, "unit_ids": units, "now": evening(day), "timezone": CITY}
            one_by_one += analyse(session, catalogue, **what).changed  # type: ignore[arg-type]
    with session_scope(engine) as session:
        expected = kept(session)
        session.execute(text("TRUNCATE signal"))

    changed = replay(engine, catalogue, diseases=DISEASES, unit_ids=units, timezone=CITY, days=DAYS)

    with session_scope(engine) as session:
        assert kept(session) == expected
    assert changed == one_by_one
    assert any(row[11] for row in expected)  # some alarm


def test_replay_lets_the_caller_act_after_each_day_in_its_transaction(
    engine: Engine, catalogue: Catalogue, units: list[int], clean: None
) -> None:
    seen: list[tuple[datetime, int]] = []

    def reconcile(session: Session, now: datetime) -> None:
        statutory = [s for s in current_signals(session) if s.method.startswith("statutory")]
        seen.append((now, len(statutory)))

    replay(
        engine, catalogue, diseases=DISEASES, unit_ids=units, timezone=CITY, days=DAYS[1::-1], hour=7,
        after_day=reconcile,
    )  # fmt: skip

    judged = 2 * len(units) * len(DISEASES)
    assert seen == [(datetime(2026, 10, day, 7, tzinfo=CITY), judged) for day in (26, 27)]


def test_replay_refuses_to_rewrite_what_was_already_known(
    engine: Engine, catalogue: Catalogue, units: list[int], clean: None
) -> None:
    def run(day: date) -> int:
        return replay(engine, catalogue, diseases=DISEASES, unit_ids=units, timezone=CITY, days=[day])

    run(DAYS[3])
    with pytest.raises(ReplayError, match="29/10/2026"):
        run(DAYS[3])
    assert run(DAYS[4]) > 0


def test_listeners_hear_of_changes_only(
    engine: Engine, database_url: str, catalogue: Catalogue, units: list[int], clean: None
) -> None:
    plain = database_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as listener:
        listener.execute("LISTEN canhdich_signals")
        for expected in (1, 0):
            with session_scope(engine) as session:
                analyse(
                    session, catalogue, diseases=DISEASES, unit_ids=units, now=evening(DAYS[0]), timezone=CITY
                )
            heard = list(listener.notifies(timeout=0.2, stop_after=expected or None))
            assert len(heard) == expected
