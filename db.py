"""The database: one MetaData, engines, sessions, and locks that hold across processes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

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


def make_engine(url: str, *, pooled: bool = True) -> Engine:
    """An engine that notices a lost connection before using it; not `pooled`: closed after each use."""
    if url.startswith(("postgresql://", "postgres://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    # hide_parameters: an error must not quote the row it failed on
    if not pooled:
        return create_engine(url, poolclass=NullPool, hide_parameters=True)
    return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=10, hide_parameters=True)


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


def notify(session: Session, channel: str) -> None:
    """Tell listeners of `channel`, when this transaction commits."""
    session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": f"canhdich_{channel}"})
