"""The schema and the private server that carry everything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DataError

from db import Base, advisory_lock
from embedded import EmbeddedPostGIS
from migrate import alembic_config, migrate


def test_migrations_make_exactly_the_tables_of_the_models(database_url: str) -> None:
    command.check(alembic_config(database_url))


def test_migrating_again_changes_nothing(database_url: str, engine: Engine) -> None:
    before = sorted(inspect(engine).get_table_names())
    migrate(database_url)
    assert sorted(inspect(engine).get_table_names()) == before
    assert set(Base.metadata.tables) <= set(before)


def test_a_lock_is_held_by_one_connection_at_a_time(engine: Engine) -> None:
    with engine.connect() as one, engine.connect() as other:
        with advisory_lock(one, "collect") as first, advisory_lock(other, "collect") as second:
            assert first and not second
        with advisory_lock(other, "collect") as again:
            assert again


def test_starting_a_running_server_again_changes_nothing(tmp_path_factory: object, server_url: str) -> None:
    folder = Path(server_url.split("host=")[1]).parent
    assert EmbeddedPostGIS(folder).start() == server_url


def test_postgis_measures_metres(engine: Engine) -> None:
    query = "SELECT ST_Distance('POINT(106.7 10.77)'::geography, 'POINT(106.7 10.78)'::geography)"
    with engine.connect() as connection:
        assert 1105 < connection.scalar(text(query)) < 1107


def test_an_error_does_not_list_the_values_it_was_given(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(DataError) as failure:
        connection.execute(text("SELECT CAST(:value AS integer)"), {"value": "NGUYEN VAN A"})
    assert "SQL parameters hidden" in str(failure.value)
