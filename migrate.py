"""Bring a database to the newest schema, once, whoever asks first."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from db import make_engine
from settings import ROOT


def alembic_config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def migrate(url: str) -> None:
    """Create PostGIS and every table that is missing; concurrent callers wait for one another."""
    with make_engine(url, pooled=False).connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(741852)"))
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis"))
        connection.commit()
        command.upgrade(alembic_config(url), "head")
        connection.execute(text("SELECT pg_advisory_unlock(741852)"))
