"""The path table of docs/architecture.md as a test: a file at one end, one e-mail to the right officer at the other.

The worker is the real program in its own process, the mail server a real one, the files real XLSX in HCDC's layout.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, func, select

from alerts.models import Alert, AreaLevel, Delivery
from db import make_engine, session_scope
from surveillance.models import CaseVersion, IngestRun, SourceFile
from surveillance.simulation.city import City
from tests.conftest import create_database
from tests.mail import Mailbox, MailServer
from tests.whole_chain import Worker, drop, outbreak_file, settle, simulated_city, unit_id

OUTBREAK_AT, QUIET = "26740", "27664"  # Sài Gòn ward, Cần Giờ commune (domain.md §4)


@pytest.fixture
def mail() -> Iterator[MailServer]:
    server = MailServer(Mailbox())
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def city() -> City:
    return simulated_city()


@pytest.fixture(scope="module")
def settled(
    server_url: str, template_database: str, city: City, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A database with six calm years of a small city, levels decided, and two officers."""
    url = create_database(server_url, template_database, "settled_city")
    officers = {"officer_there": OUTBREAK_AT, "officer_elsewhere": QUIET}
    settle(url, tmp_path_factory.mktemp("settled"), city, officers)
    return url


@pytest.fixture
def database(settled: str, server_url: str, request: pytest.FixtureRequest) -> str:
    """A copy of the settled city for one test."""
    return create_database(server_url, "settled_city", f"city_{abs(hash(request.node.name)) % 10**8}")


@pytest.fixture
def todays_file(city: City, tmp_path: Path) -> Path:
    return outbreak_file(city, OUTBREAK_AT, tmp_path / "today")


def eventually(condition: Callable[[], bool], what: str, tries: int = 600) -> None:
    for _ in range(tries):
        if condition():
            return
        time.sleep(0.2)
    pytest.fail(f"never happened: {what}")


def state(engine: Engine) -> dict[str, Any]:
    """What must not depend on when a worker was killed."""
    with session_scope(engine) as session:
        there = unit_id(session, OUTBREAK_AT)
        level = session.execute(
            select(AreaLevel.level, AreaLevel.status).where(
                AreaLevel.unit_id == there, AreaLevel.disease == "dengue", AreaLevel.known_to.is_(None)
            )
        ).one()
        alerts = session.execute(
            select(Alert.disease, Alert.state, Alert.level, Alert.status).where(Alert.unit_id == there)
        ).all()
        deliveries = session.execute(select(Delivery.channel, Delivery.state).order_by(Delivery.id)).all()
        cases = session.scalar(select(func.count()).select_from(CaseVersion))
        files = session.execute(select(SourceFile.name, SourceFile.state).order_by(SourceFile.name)).all()
        runs = session.scalar(select(func.count()).select_from(IngestRun))
    return {
        "level": tuple(level),
        "alerts": sorted(map(tuple, alerts)),
        "deliveries": sorted(map(tuple, deliveries)),
        "cases": cases,
        "files": sorted(map(tuple, files)),
        "runs": runs,
    }


def finished(engine: Engine, home: Path) -> bool:
    """The inbox is empty and every message has gone."""
    if any(p for p in (home / "inbox").iterdir() if not p.name.startswith(".")):
        return False
    with session_scope(engine) as session:
        emails = session.scalars(select(Delivery.state).where(Delivery.channel == "email")).all()
    return bool(emails) and set(emails) == {"sent"}


def test_a_dropped_file_becomes_one_email_to_the_officer_of_that_area(
    database: str, todays_file: Path, tmp_path: Path, mail: MailServer
) -> None:
    engine = make_engine(database)
    before = state_level(engine)
    drop(todays_file, tmp_path)
    worker = Worker(database, tmp_path, mail.url)
    try:
        eventually(lambda: finished(engine, tmp_path), "the e-mail was sent")
        after = state(engine)
        assert before < 4 and after["level"] == (4, "epidemic")
        (letter,) = mail.mailbox.taken
        assert letter["To"] == "officer_there@canhdich.example"
        assert "Rất cao" in letter["Subject"] and "Sài Gòn" in letter["Subject"]

        drop(todays_file, tmp_path)
        eventually(lambda: not list((tmp_path / "inbox").glob("*.xlsx")), "the file was recognised")
        time.sleep(3)
    finally:
        worker.stop()
    assert state(engine) == after
    assert len(mail.mailbox.taken) == 1
    engine.dispose()


def state_level(engine: Engine) -> int:
    with session_scope(engine) as session:
        there = unit_id(session, OUTBREAK_AT)
        query = select(AreaLevel.level).where(AreaLevel.unit_id == there, AreaLevel.disease == "dengue")
        return session.scalars(query.where(AreaLevel.known_to.is_(None))).one_or_none() or 1


def test_a_worker_killed_at_any_step_ends_in_the_same_state(
    database: str, todays_file: Path, tmp_path: Path, mail: MailServer, server_url: str
) -> None:
    undisturbed = create_database(server_url, "settled_city", "city_undisturbed")
    calm_home, rough_home = tmp_path / "calm", tmp_path / "rough"
    calm, rough = make_engine(undisturbed), make_engine(database)
    for home in (calm_home, rough_home):
        home.mkdir()
        drop(todays_file, home)

    worker = Worker(undisturbed, calm_home, mail.url)
    eventually(lambda: finished(calm, calm_home), "the undisturbed run ended")
    worker.stop()
    mail.mailbox.taken.clear()

    for delay in np.random.default_rng(3).uniform(1.5, 6.0, 8):
        worker = Worker(database, rough_home, mail.url)
        time.sleep(delay)
        worker.stop(signal.SIGKILL)
    worker = Worker(database, rough_home, mail.url)
    eventually(lambda: finished(rough, rough_home), "the run ended after the kills")
    worker.stop()

    assert state(rough) == state(calm)
    assert {letter["To"] for letter in mail.mailbox.taken} == {"officer_there@canhdich.example"}
    assert len({letter["Message-ID"] for letter in mail.mailbox.taken}) == 1
    calm.dispose()
    rough.dispose()
