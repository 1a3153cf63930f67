"""The past run through the whole chain again, into a schema of its own; what was really believed is only read.

The schema holds every table that the chain derives, and its own list of files; cases, places and people's decisions are
read from `public` through the search path. docs/methods/scorecard.md says what a replay can and cannot know.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal, cast

from sqlalchemy import Engine, Table, text, update
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateIndex, CreateTable

from alerts.known_truth import truth_of
from alerts.models import ReplayRun
from alerts.rules import Policy, default_policy, parse_policy
from alerts.scorecard import Truth
from db import Base, make_engine, session_scope
from geodata.units import units_for
from i18n import Message, MessageError
from scoring import lines_of, score_replay
from settings import Settings
from surveillance import analysis
from surveillance.simulation.truth import read_truth
from worker import Chain

Say = Callable[[Message | str], None]
Part = Literal["scan"]
DERIVED = ("alerts.", "reports.", "surveillance.outbreaks.", "surveillance.clustering.")
"""Packages whose tables are made anew in the schema; beside them only `signal`."""
PARTS = ("scan",)
TOLD_EVERY_S = 10.0


class ReplayError(MessageError, ValueError):
    """A replay that cannot be begun or gone on with; the text says how to mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Run days `first` to `last` of `diseases`, decided by `policy`, in `schema`; `without` leaves parts out."""

    schema: str
    first: date
    last: date
    diseases: tuple[str, ...]
    policy: Policy
    without: tuple[Part, ...] = ()
    every: int = 1
    """1: each day; 7: one day a week, for a quick look that knows each thing later than it was."""
    unit_ids: tuple[int, ...] | None = None
    """Communes to judge; None: all of the deployment."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"replay[a-z0-9_]{0,50}", self.schema):
            raise ReplayError(
                Message(
                    "Tên lược đồ “{name}” không dùng được: cần bắt đầu bằng “replay”, rồi chữ thường không dấu, chữ số"
                    " hoặc gạch dưới.",
                    name=self.schema,
                )
            )
        if self.last < self.first:
            raise ReplayError(
                Message("Ngày cuối {last} trước ngày đầu {first}.", first=self.first, last=self.last)
            )


def run(engine: Engine, settings: Settings, plan: Plan, say: Say) -> None:
    """Make the schema, or go on where an earlier run of the same plan stopped, day by day to the end."""
    begin = _begin(engine, plan)
    days = [begin + timedelta(days=n) for n in range(0, (plan.last - begin).days + 1, plan.every)]
    if not days:
        say(Message("Đã chạy xong đến {day} từ trước.", day=plan.last))
        return
    inside = engine_of(engine, plan.schema)
    try:
        _run_days(inside, settings, plan, days, say)
    finally:
        inside.dispose()
    with session_scope(engine) as session:
        session.execute(
            update(ReplayRun).where(ReplayRun.schema == plan.schema).values(finished_at=datetime.now(UTC))
        )


def engine_of(engine: Engine, schema: str) -> Engine:
    """Reads and writes the derived tables of `schema`, and reads all others of `public`."""
    return make_engine(engine.url.render_as_string(hide_password=False), schema=schema)


def drop(engine: Engine, schema: str) -> None:
    """Forget a replay. Raises ReplayError for a schema that is none."""
    with session_scope(engine) as session:
        known = session.get(ReplayRun, schema)
        if known is None:
            raise ReplayError(Message("Không có lần chạy lại nào tên {name}.", name=schema))
        session.execute(text(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE'))
        session.delete(known)


def derived_tables() -> list[Table]:
    """Everything the chain writes, in the order in which it can be created."""
    import reports.models  # noqa: F401  its tables must be known

    ours = {
        str(mapper.local_table)
        for mapper in Base.registry.mappers
        if mapper.class_.__module__.startswith(DERIVED)
    }
    wanted = (ours | {"signal"}) - {"replay_run"}
    return [table for table in Base.metadata.sorted_tables if table.name in wanted]


def _begin(engine: Engine, plan: Plan) -> date:
    """The first day still to do."""
    with session_scope(engine) as session:
        known = session.get(ReplayRun, plan.schema)
        if known is None:
            _create(session, plan)
            return plan.first
        if _facts(known) != _facts(_row(plan)):
            raise ReplayError(
                Message(
                    "Lược đồ {name} đã có một lần chạy lại khác (từ {first}, chính sách {version}). Hãy xoá nó"
                    " (--drop) hoặc chọn tên khác (--schema).",
                    name=plan.schema, first=known.first_day, version=known.policy_version,
                )
            )  # fmt: skip
        known.last_day = plan.last
        return plan.first if known.done_to is None else known.done_to + timedelta(days=plan.every)


def _row(plan: Plan) -> ReplayRun:
    return ReplayRun(
        schema=plan.schema, first_day=plan.first, last_day=plan.last, every=plan.every, diseases=list(plan.diseases),
        policy_version=plan.policy.version, policy_hash=plan.policy.hash, without=list(plan.without),
        started_at=datetime.now(UTC),
    )  # fmt: skip


def _facts(row: ReplayRun) -> tuple[object, ...]:
    """What may not change between two parts of one replay; the last day may."""
    return row.first_day, row.every, tuple(row.diseases), row.policy_hash, tuple(row.without)


def _create(session: Session, plan: Plan) -> None:
    """Without foreign keys: a lock or a refusal in `public` would be felt there."""
    session.execute(text(f'CREATE SCHEMA "{plan.schema}"'))
    session.execute(text(f'SET LOCAL search_path TO "{plan.schema}", public'))
    for table in derived_tables():
        session.execute(CreateTable(table, include_foreign_key_constraints=[]))
        for index in table.indexes:
            session.execute(CreateIndex(index))
    session.execute(text(_FILES))
    session.add(_row(plan))


_FILES = """
CREATE TABLE ingest_run AS SELECT * FROM public.ingest_run;
INSERT INTO ingest_run (id, source_file_id, source, mapping_hash, started_at, finished_at, known_at, state,
                        rows_total, rows_new, rows_updated, rows_unchanged, rows_rejected, rows_unplaced)
SELECT -row_number() OVER (), 0, source, '', known_at, known_at, known_at, 'done', 0, 0, 0, 0, 0, 0
FROM (
    SELECT DISTINCT r.source, p.known_at
    FROM public.case_report p JOIN public.ingest_run r ON r.id = p.run_id
    WHERE r.state = 'done' AND p.known_at <> r.known_at
) told;
CREATE INDEX ON ingest_run (source, known_at);
CREATE UNIQUE INDEX ON ingest_run (id);
ANALYZE ingest_run;
"""
"""A past that was loaded from a few files had reports every day: each day of reports stands for a file, or the sources
would count as silent between two of those files."""


def _run_days(inside: Engine, settings: Settings, plan: Plan, days: Sequence[date], say: Say) -> None:
    chain = Chain(inside, replace(settings, deployment=replace(settings.deployment, diseases=plan.diseases)))
    chain.outbreaks.reasons = False
    if plan.unit_ids is not None:
        chain.unit_ids = list(plan.unit_ids)
    began = told = time.monotonic()

    def after_day(session: Session, now: datetime) -> None:
        nonlocal told
        chain.rest_of_day(session, now, scan="scan" not in plan.without, policy=plan.policy)
        session.execute(
            update(ReplayRun)
            .where(ReplayRun.schema == plan.schema)
            .values(done_to=now.date(), finished_at=None)
        )
        if time.monotonic() - told >= TOLD_EVERY_S or now.date() == days[-1]:
            told = time.monotonic()
            say(_progress(now.date(), days, told - began))

    analysis.replay(
        inside, chain.catalogue, diseases=plan.diseases, unit_ids=chain.unit_ids,
        timezone=settings.deployment.timezone, days=days, after_day=after_day,
    )  # fmt: skip


def _progress(day: date, days: Sequence[date], seconds: float) -> Message:
    done = days.index(day) + 1
    rate = done / max(seconds, 1e-9)
    return Message(
        "{day}: {done}/{total} ngày, {rate} ngày mỗi giây, còn khoảng {left} phút.",
        day=day, done=done, total=len(days), rate=round(rate, 2), left=round((len(days) - done) / rate / 60),
    )  # fmt: skip


def plan_of(
    settings: Settings,
    *,
    schema: str,
    first: str | None,
    last: str | None,
    policy: Path | None,
    diseases: str | None,
    without: str | None,
) -> Plan:
    """From what the command line was given. Raises ReplayError and PolicyError."""
    if first is None or last is None:
        raise ReplayError(Message("Cần ngày đầu và ngày cuối: --from YYYY-MM-DD --to YYYY-MM-DD."))
    return Plan(
        schema=schema,
        first=_day(first),
        last=_day(last),
        diseases=_chosen(diseases, settings.deployment.diseases) or settings.deployment.diseases,
        policy=parse_policy(policy.read_text(encoding="utf-8")) if policy else default_policy(),
        without=cast(tuple[Part, ...], _chosen(without, PARTS)),
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ReplayError(
            Message("“{text}” không phải là ngày; hãy viết như 2026-11-30.", text=text)
        ) from None


def _chosen(text: str | None, allowed: Sequence[str]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (text or "").split(",") if name.strip())
    for name in names:
        if name not in allowed:
            raise ReplayError(
                Message(
                    "Không có “{name}”; hãy chọn trong: {choices}.", name=name, choices=", ".join(allowed)
                )
            )
    return names


def report(engine: Engine, settings: Settings, plan: Plan, truth_file: Path | None) -> list[Message]:
    """Score the replay, keep the scorecard with it, and tell it."""
    inside = engine_of(engine, plan.schema)
    try:
        with session_scope(engine) as session:
            stored = session.get_one(ReplayRun, plan.schema)
            units = units_for(session, settings.deployment.province_code, plan.last)
        truth = _truth(truth_file, {unit.code: unit.id for unit in units}) if truth_file else None
        unit_ids = plan.unit_ids or [unit.id for unit in units]
        card = score_replay(engine, inside, settings, stored, plan.policy, truth, unit_ids)
    finally:
        inside.dispose()
    return list(lines_of(card, known=truth is not None))


def _truth(file: Path, unit_of: dict[str, int]) -> Truth:
    try:
        return truth_of(read_truth(file), unit_of)
    except (OSError, ValueError) as error:
        raise ReplayError(Message("Không đọc được tệp sự thật: {error}.", error=str(error))) from error
