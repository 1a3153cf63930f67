"""The database: one MetaData, engines, sessions, and locks that hold across processes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, DateTime, Engine, MetaData, NullPool, create_engine, text
from sqlalchemy.orm import DeclarativeBase, Session


class Base(DeclarativeBase):
    """Names every constraint, so that migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: DateTime(timezone=True), int: BigInteger}


def make_engine(url: str, *, pooled: bool = True, schema: str | None = None) -> Engine:
    """An engine that notices a lost connection before using it; not `pooled`: closed after each use.

    With `schema` its tables hide those of `public` of the same name, for reading and for writing.
    """
    options: dict[str, Any] = {"hide_parameters": True}  # an error must not quote the row it failed on
    if schema is not None:
        options["connect_args"] = {"options": f"-c search_path={schema},public"}
    if url.startswith(("postgresql://", "postgres://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    if not pooled:
        return create_engine(url, poolclass=NullPool, **options)
    return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=10, **options)


@contextmanager
def session_scope(engine: Engine) -> Iterator[Session]:
    """A session that commits at the end, or rolls back when the block raises."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def advisory_lock(connection: Connection, name: str) -> Iterator[bool]:
    """Hold the lock `name` across all processes; yields False at once when another one holds it.

    The lock belongs to the connection, so it is gone with a killed process.
    """
    key = {"key": zlib.crc32(f"canhdich:{name}".encode())}
    taken = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), key))
    connection.commit()
    try:
        yield taken
    finally:
        if taken:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)
            connection.commit()


def hold_lock(session: Session, name: str) -> None:
    """Wait for the lock `name` and hold it to the end of the transaction; a replay's schema has its own."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtext('canhdich:' || :name || ':' || current_schema()))"),
        {"name": name},
    )


def notify(session: Session, channel: str) -> None:
    """Tell listeners of `channel`, when this transaction commits."""
    session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": f"canhdich_{channel}"})
