"""A replay in a schema of its own, on a small city in real PostGIS: what it gives, and that `public` never feels it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace as with_
from datetime import date, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine, select, text

import replay
from alerts.models import Alert, AlertEvent, AreaLevel, ReplayRun
from alerts.rules import default_policy
from db import Base, session_scope
from scoring import load_kept, steps_of
from settings import Settings
from surveillance.models import SignalRow
from surveillance.outbreaks.models import OutbreakVersion
from tests.line_list import CITY, Sick, add_cases, add_file, add_unit, evening
from worker import Chain

FIRST = date(2026, 10, 26)
DAYS = [FIRST + timedelta(days=k) for k in range(8)]
DISEASES = ("dengue", "pertussis")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    whole = Settings.from_environment({"CANHDICH_HOME": str(home), "CANHDICH_SECRET_KEY": "5a" * 32})
    return with_(whole, deployment=with_(whole.deployment, diseases=DISEASES))


@pytest.fixture(scope="module")
def units(engine: Engine) -> list[int]:
    """Two communes: seven quiet years in one file, then a school's pertussis and a rise of dengue in the last week."""
    rng = np.random.default_rng(3)
    began = date(2019, 10, 1)
    with session_scope(engine) as session:
        units = [add_unit(session, code) for code in ("26740", "26743")]
        run = add_file(session, "hcdc", evening(DAYS[-1]))
        sick = []
        for _ in range(500):
            day = began + timedelta(days=int(rng.integers(0, (FIRST - began).days)))
            told = evening(day) + timedelta(days=int(rng.integers(0, 5)), hours=-2)
            sick.append(Sick(day=day, unit_id=units[int(rng.integers(0, 2))], known_from=told))
        for n in range(24):
            day = FIRST + timedelta(days=n // 4)
            sick.append(Sick(day=day, unit_id=units[0], known_from=evening(day) - timedelta(hours=1)))
        for n in range(4):
            day = FIRST + timedelta(days=n)
            sick.append(
                Sick(
                    day=day, unit_id=units[1], disease="pertussis", setting="Trường A", classification="confirmed",
                    known_from=evening(day) - timedelta(hours=1),
                )
            )  # fmt: skip
        add_cases(session, run, sick)
        session.execute(
            text(
                "UPDATE case_report SET known_at = v.known_from FROM case_version v WHERE v.report_id = case_report.id"
            )
        )
    return units


def plan(units: list[int], schema: str, last: date = DAYS[-1]) -> replay.Plan:
    return replay.Plan(
        schema=schema, first=FIRST, last=last, diseases=DISEASES, policy=default_policy(), without=("scan",),
        unit_ids=tuple(units),
    )  # fmt: skip


@pytest.fixture(scope="module")
def replayed(engine: Engine, settings: Settings, units: list[int]) -> Iterator[Engine]:
    replay.run(engine, settings, plan(units, "replay_whole"), lambda _message: None)
    inside = replay.engine_of(engine, "replay_whole")
    yield inside
    inside.dispose()


def prints(engine: Engine) -> dict[str, str | None]:
    """Of every table of `public` its content, as one hash."""
    with engine.connect() as connection:
        return {
            table.name: connection.scalar(
                text(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM public.{table.name} t")
            )
            for table in Base.metadata.sorted_tables
            if table.name != "replay_run"
        }


def kept(engine: Engine, table: type, without: tuple[str, ...] = ("id",)) -> list[str]:
    columns = [column for column in table.__table__.columns if column.name not in without]  # type: ignore[attr-defined]
    with session_scope(engine) as session:
        return sorted(repr(tuple(row)) for row in session.execute(select(*columns)))


def test_public_is_the_same_before_and_after(engine: Engine, settings: Settings, units: list[int]) -> None:
    before = prints(engine)

    replay.run(engine, settings, plan(units, "replay_apart", DAYS[1]), lambda _message: None)
    assert prints(engine) == before
    replay.drop(engine, "replay_apart")

    assert prints(engine) == before
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT to_regnamespace('replay_apart')")) is None


def test_it_gives_the_levels_the_live_chain_gave_on_the_same_days(
    engine: Engine, settings: Settings, units: list[int], replayed: Engine
) -> None:
    """The live chain had a file each evening; the replay knows the days of reports only."""
    with session_scope(engine) as session:
        for day in DAYS:
            add_file(session, "hcdc", evening(day) - timedelta(minutes=1))
    live = Chain(engine, settings)
    live.unit_ids = units
    for day in DAYS:
        with session_scope(engine) as session:
            live.analyse_at(session, evening(day))
            live.rest_of_day(session, evening(day), scan=False)

    assert kept(replayed, SignalRow) == kept(engine, SignalRow)
    assert kept(replayed, AreaLevel) == kept(engine, AreaLevel)
    assert kept(replayed, AlertEvent, ("id", "alert_id")) == kept(engine, AlertEvent, ("id", "alert_id"))
    assert len(kept(replayed, Alert)) == 2
    assert len(kept(replayed, OutbreakVersion)) > 0


def test_a_replay_that_was_stopped_goes_on_to_the_same_end(
    engine: Engine, settings: Settings, units: list[int], replayed: Engine
) -> None:
    class Stopped(Exception):
        pass

    def stop(_message: object) -> None:
        raise Stopped

    replay.run(engine, settings, plan(units, "replay_parts", DAYS[2]), lambda _message: None)
    with pytest.raises(Stopped):  # in the last day's transaction, which is then undone
        replay.run(engine, settings, plan(units, "replay_parts"), stop)
    with session_scope(engine) as session:
        run = session.get_one(ReplayRun, "replay_parts")
        assert (run.done_to, run.finished_at) == (DAYS[-2], None)
    replay.run(engine, settings, plan(units, "replay_parts"), lambda _message: None)

    inside = replay.engine_of(engine, "replay_parts")
    assert kept(inside, AreaLevel) == kept(replayed, AreaLevel)
    assert kept(inside, SignalRow) == kept(replayed, SignalRow)
    inside.dispose()


def test_deciding_what_it_kept_again_gives_its_own_alerts(
    settings: Settings, units: list[int], replayed: Engine
) -> None:
    steps = steps_of(load_kept(replayed, settings, DISEASES, FIRST, DAYS[-1], units), default_policy())

    with session_scope(replayed) as session:
        rows = session.execute(
            select(AlertEvent.at, Alert.disease, Alert.unit_id, AlertEvent.kind, AlertEvent.level).join(
                Alert, Alert.id == AlertEvent.alert_id
            )
        ).all()
    told = Counter(
        (at.astimezone(CITY).date(), disease, unit, kind, level) for at, disease, unit, kind, level in rows
    )
    assert Counter((s.day, *s.where, s.kind.value, s.level) for s in steps) == told


def test_another_plan_in_the_same_schema_is_refused(
    engine: Engine, settings: Settings, units: list[int], replayed: Engine
) -> None:
    other = with_(plan(units, "replay_whole"), first=DAYS[1])
    with pytest.raises(replay.ReplayError, match="--drop"):
        replay.run(engine, settings, other, lambda _message: None)


@pytest.mark.parametrize("name", ["public", "replay-1", 'replay"; DROP', "Replay", ""])
def test_a_schema_that_is_no_replays_name_is_refused(units: list[int], name: str) -> None:
    with pytest.raises(replay.ReplayError, match="replay"):
        plan(units, name)
