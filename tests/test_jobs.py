"""Jobs: once across processes, woken at once, late when they fail, alive after a lost database."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from db import notify, session_scope
from i18n import Message, MessageError
from surveillance.jobs import Job, Worker, failures, forget_old_runs, health, metrics_text, run_once
from surveillance.models import JobRun, JobSchedule


def job(run: Any, **changes: Any) -> Job:
    return Job(**{"name": "count", "run": run, "every_s": 3600, "late_after_s": 60, **changes})


@pytest.fixture(autouse=True)
def _clean(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE job_run, job_schedule"))


def runs(engine: Engine) -> list[JobRun]:
    with session_scope(engine) as session:
        return list(session.scalars(select(JobRun).order_by(JobRun.id)))


def test_a_job_runs_in_one_process_at_a_time(engine: Engine) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slow() -> dict[str, Any]:
        inside.set()
        leave.wait(30)
        return {"files": 1}

    first = threading.Thread(target=run_once, args=(engine, job(slow)))
    first.start()
    assert inside.wait(30)
    assert run_once(engine, job(lambda: {"files": 1})) is False
    leave.set()
    first.join()
    assert [run.state for run in runs(engine)] == ["done"]


def test_a_run_that_did_nothing_leaves_no_row_but_counts_as_success(engine: Engine) -> None:
    run_once(engine, job(dict))
    assert runs(engine) == []
    assert health(engine, datetime.now(UTC))["ok"]


def test_a_failure_is_written_down_without_its_data(engine: Engine) -> None:
    def fails() -> dict[str, Any]:
        raise ValueError("NGUYEN VAN A, 0000 000 001")

    with pytest.raises(ValueError):
        run_once(engine, job(fails))
    (run,) = runs(engine)
    assert (run.state, run.error) == ("failed", "ValueError")


def test_health_is_red_when_a_job_is_late_or_none_ever_ran(engine: Engine) -> None:
    now = datetime.now(UTC)
    assert health(engine, now)["ok"] is False
    run_once(engine, job(dict))
    assert health(engine, now + timedelta(seconds=30))["ok"]
    late = health(engine, now + timedelta(seconds=90))
    assert late["ok"] is False and late["jobs"]["count"]["late"]
    assert b'canhdich_job_late{job="count"} 1.0' in metrics_text(engine, now + timedelta(seconds=90))


def test_a_notification_wakes_its_job_at_once(engine: Engine) -> None:
    woken = threading.Event()
    seen: list[int] = []

    def count() -> dict[str, Any]:
        seen.append(1)
        if len(seen) >= 3:
            woken.set()
        return {}

    worker = Worker(engine, [job(count, wakes_on=("ingested",))], revive=lambda: None)
    worker.start()
    try:
        for _ in range(60):  # the first run and the listener's own wake come by themselves
            with session_scope(engine) as session:
                notify(session, "ingested")
            if woken.wait(0.5):
                break
        assert woken.is_set()
    finally:
        worker.stop()


def test_a_notification_wakes_every_job_that_waits_for_it(engine: Engine) -> None:
    woken = {"first": threading.Event(), "second": threading.Event()}
    runs: dict[str, int] = {"first": 0, "second": 0}

    def counting(name: str) -> Job:
        def run() -> dict[str, Any]:
            runs[name] += 1
            if runs[name] >= 3:
                woken[name].set()
            return {}

        return Job(name=name, run=run, every_s=3600, late_after_s=60, wakes_on=("ingested",))

    worker = Worker(engine, [counting("first"), counting("second")], revive=lambda: None)
    worker.start()
    try:
        for _ in range(60):
            with session_scope(engine) as session:
                notify(session, "ingested")
            if woken["first"].wait(0.5) and woken["second"].wait(0.5):
                break
        assert woken["first"].is_set() and woken["second"].is_set()
    finally:
        worker.stop()


def test_work_that_nobody_waits_for_begins_later(engine: Engine) -> None:
    ran = threading.Event()

    def run() -> dict[str, Any]:
        ran.set()
        return {}

    late = Job(name="late", run=run, every_s=3600, late_after_s=60, first_after_s=3600)
    worker = Worker(engine, [late], revive=lambda: None)
    worker.start()
    worker.stop()
    assert not ran.is_set()


def test_the_worker_goes_on_after_its_connections_are_cut(engine: Engine) -> None:
    ran, again = threading.Event(), threading.Event()

    def run() -> dict[str, Any]:
        (again if ran.is_set() else ran).set()
        return {}

    worker = Worker(engine, [job(run, every_s=0.2)], revive=lambda: None)
    worker.start()
    try:
        assert ran.wait(30)
        again.clear()
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            connection.execute(text(cut + " AND datname = current_database()"))
        assert again.wait(30)
    finally:
        worker.stop()


def test_old_history_is_dropped(engine: Engine) -> None:
    with session_scope(engine) as session:
        then = datetime.now(UTC) - timedelta(days=100)
        session.add(JobRun(job="count", started_at=then, finished_at=then, state="done", detail={"n": 1}))
        session.add(JobSchedule(job="count", late_after_s=60))
    assert forget_old_runs(engine, datetime.now(UTC) - timedelta(days=90)) == 1
    assert runs(engine) == []


def test_only_an_error_of_ours_is_quoted(engine: Engine) -> None:
    class Foreign(Exception):
        message = "NGUYEN VAN A, 0000 000 001"

    def foreign() -> dict[str, Any]:
        raise Foreign

    def ours() -> dict[str, Any]:
        raise MessageError(Message("Không đọc được tệp {file}.", file="SXH.xlsx"))

    for run in (foreign, ours):
        with pytest.raises((Foreign, MessageError)):
            run_once(engine, job(run))
    assert [run.error for run in runs(engine)] == ["Foreign", "MessageError: Không đọc được tệp SXH.xlsx."]


def test_what_a_failed_job_says_is_told_until_it_succeeds(engine: Engine) -> None:
    def refuses() -> dict[str, Any]:
        raise MessageError(Message("Số đếm không được âm."))

    assert failures(engine) == {}
    for _ in range(2):
        with pytest.raises(MessageError):
            run_once(engine, job(refuses))
    assert failures(engine) == {"count": "Số đếm không được âm."}
    run_once(engine, job(dict))
    assert failures(engine) == {}
