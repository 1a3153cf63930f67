"""Alembic environment: our tables only (PostGIS's own are left alone by geoalchemy2's helpers)."""

from __future__ import annotations

from importlib import import_module

from alembic import context
from geoalchemy2 import alembic_helpers

from db import Base, make_engine

PACKAGES = (
    "geodata", "accounts", "surveillance", "surveillance.outbreaks", "surveillance.clustering",
    "surveillance.review", "alerts", "reports",
)  # fmt: skip
for package in PACKAGES:
    import_module(f"{package}.models")

import_module("alerts.policy_models")

url = context.config.get_main_option("sqlalchemy.url")
assert url, "run migrations through `app.py migrate`"
with make_engine(url, pooled=False).connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=alembic_helpers.include_object,
        process_revision_directives=alembic_helpers.writer,
        render_item=alembic_helpers.render_item,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
