"""Real PostGIS for every test that needs one: a private cluster per run, a fresh database per test module."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import expect
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from db import make_engine, session_scope
from embedded import DURABLE, FOR_TESTS, EmbeddedPostGIS
from geodata.registry import load_registry
from geodata.units import load_units
from migrate import migrate
from settings import Settings
from surveillance.pipeline import build_context
from tests.ingest_files import Desk

expect.set_options(
    timeout=60_000
)  # these machines are noisy: wait long, since a wait ends when it is satisfied
hypothesis_settings.register_profile("noisy machine", deadline=None)
hypothesis_settings.load_profile("noisy machine")

SHARED = Path(__file__).parent.parent.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The workplace's ../shared with reference data, which a bare clone does not have."""
    if not SHARED.is_dir():
        pytest.skip("../shared (reference data) is not beside this clone")
    return SHARED


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A private PostGIS server for this test process; stopped and removed at the end."""
    with tempfile.TemporaryDirectory(prefix="canhdich-test-") as folder:
        os.chmod(folder, 0o755)
        server = EmbeddedPostGIS(Path(folder) / "pg", tuple({**DURABLE, **FOR_TESTS}.items()))
        try:
            yield server.start()
        finally:
            server.stop()


@pytest.fixture(scope="session")
def template_database(server_url: str) -> str:
    """A migrated database that every test database is copied from."""
    migrate(server_url)
    return str(make_url(server_url).database)


def create_database(server_url: str, template: str, name: str) -> str:
    url = make_url(server_url)
    admin = make_engine(url.set(database="postgres").render_as_string(False), pooled=False)
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    return url.set(database=name).render_as_string(False)


@pytest.fixture(scope="module")
def database_url(request: pytest.FixtureRequest, server_url: str, template_database: str) -> str:
    """An empty migrated database for one test module."""
    return create_database(server_url, template_database, request.module.__name__.replace(".", "_"))


@pytest.fixture(scope="module")
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session whose changes are undone after the test."""
    with engine.connect() as connection:
        transaction = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        transaction.rollback()


@pytest.fixture(scope="module")
def shared_desk(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The city's units and an inbox, for one test module; tests take `desk`."""
    settings = Settings.from_environment({"CANHDICH_HOME": str(tmp_path_factory.mktemp("home"))})
    with session_scope(engine) as session:
        load_units(session, load_registry(["79"]))
    with session_scope(engine) as session:
        return Desk(engine, build_context(session, settings))


@pytest.fixture
def desk(shared_desk: Desk) -> Iterator[Desk]:
    """An inbox and a database that hold nothing but the units."""
    yield shared_desk
    shared_desk.empty()
