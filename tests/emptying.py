"""Empty tables between tests, while a page just closed may still be asking."""

from __future__ import annotations

from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from db import session_scope

TRIES = 10


def truncate(engine: Engine, tables: str) -> None:
    """`TRUNCATE … CASCADE`, again when a running request was locked against it: PostgreSQL ends one of the two."""
    for left in reversed(range(TRIES)):
        try:
            with session_scope(engine) as session:
                session.execute(text(f"TRUNCATE {tables} CASCADE"))
            return
        except OperationalError:
            if not left:
                raise
