"""Clusters on committed data: the worker's job, and past days scanned into a file."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from db import session_scope
from surveillance.clustering.models import ClusterVersion
from surveillance.clustering.runs import write_history
from surveillance.clustering.watching import Clusters
from surveillance.spread import Here
from tests.case_lines import TODAY
from tests.cluster_cities import GROWING, WARD, build_city, plant, watch
from tests.line_list import evening

DAYS = [TODAY + timedelta(days=k) for k in range(-1, 3)]


@pytest.fixture(scope="module")
def clusters(engine: Engine) -> Clusters:
    """A city in which a cluster is planted up to TODAY, by two cases a day, and after it by four."""
    with session_scope(engine) as session:
        units = build_city(session)
        for back in (2, 1):
            plant(session, units, {}, TODAY - timedelta(days=back))
        plant(session, units, GROWING)
        plant(session, units, {}, TODAY + timedelta(days=1))
        plant(session, units, {WARD: (4, 4)}, TODAY + timedelta(days=2))
        return watch(units)


def test_the_job_scans_a_day_once_and_wakes_the_levels(engine: Engine, clusters: Clusters) -> None:
    with engine.connect() as listening:
        connection: Any = listening.connection.driver_connection
        connection.autocommit = True
        connection.execute("LISTEN canhdich_signals")
        done = clusters.find(engine, now=evening(TODAY))
        heard = [note.channel for note in connection.notifies(timeout=5, stop_after=1)]

    assert done > 0 and heard == ["canhdich_signals"]
    assert clusters.find(engine, now=evening(TODAY)) == 0
    with session_scope(engine) as session:
        assert session.scalar(select(func.count()).select_from(ClusterVersion)) == 1


def test_past_days_are_scanned_as_they_were_known_into_a_file_and_nothing_recorded_changes(
    engine: Engine, clusters: Clusters, tmp_path: Path
) -> None:
    out = tmp_path / "clusters.csv"
    with session_scope(engine) as session:
        before = session.scalar(select(func.count()).select_from(ClusterVersion))

    rows = write_history(out, clusters, engine, DAYS, spread=Here(), say=lambda _: None)

    with out.open() as file:
        told = list(csv.DictReader(file))
    assert len(told) == rows
    newest = [(TODAY + timedelta(days=k)).isoformat() for k in range(3)]
    assert [row["day"] for row in told[-3:]] == newest and told[0]["step"] == "new"
    assert [row["step"] for row in told[-3:]] == ["growing"] * 3
    assert {row["cluster"] for row in told} == {"1"} and told[0]["communes"].split()[0] == f"26{WARD:03d}"
    assert [float(row["observed"]) for row in told[-3:]] == [10, 14, 18]
    with session_scope(engine) as session:
        assert session.scalar(select(func.count()).select_from(ClusterVersion)) == before
