"""Named jobs, each run by one process at a time, with their history and lateness. APScheduler lives here only."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import Engine, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from db import advisory_lock, session_scope
from i18n import MessageError
from surveillance.models import CaseVersion, IngestRun, JobRun, JobSchedule, RejectedRow, SourceFile

log = structlog.get_logger()
LISTEN_TIMEOUT_S = 5.0
RECONNECT_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """`run` returns counts for people (empty: nothing happened, no row is kept).

    It is run every `every_s` seconds, first `first_after_s` after the start, and at once when a NOTIFY on one of
    `wakes_on` arrives; it is late when it has not succeeded for `late_after_s` seconds.
    """

    name: str
    run: Callable[[], dict[str, Any]]
    every_s: float
    late_after_s: int
    wakes_on: tuple[str, ...] = ()
    first_after_s: float = 0


def run_once(engine: Engine, job: Job) -> bool:
    """Run `job` unless another process is running it. False when it was left to that one.

    A failure is written down with its time and kind (never its data) and raised.
    """
    with engine.connect() as connection, advisory_lock(connection, job.name) as ours:
        if not ours:
            return False
        started = datetime.now(UTC)
        try:
            detail = job.run()
        except Exception as error:
            _record(engine, job, started, state="failed", error=_describe(error))
            raise
        _record(engine, job, started, state="done", detail=detail)
        return True


def _describe(error: Exception) -> str:
    """The error's kind; its text only when it is ours, since a database error quotes the row it failed on."""
    kind = type(error).__name__
    return f"{kind}: {error}" if isinstance(error, MessageError) else kind


def _record(
    engine: Engine,
    job: Job,
    started: datetime,
    *,
    state: str,
    detail: dict[str, Any] | None = None,
    error: str | None = None,
) -> None:
    now = datetime.now(UTC)
    with session_scope(engine) as session:
        if detail or error:
            session.add(
                JobRun(
                    job=job.name,
                    started_at=started,
                    finished_at=now,
                    state=state,
                    detail=detail or {},
                    error=error,
                )
            )
        if state == "done":
            _schedule(session, job, last_success_at=now)


def _schedule(session: Any, job: Job, **values: Any) -> None:
    row = {"job": job.name, "late_after_s": job.late_after_s, **values}
    session.execute(insert(JobSchedule).values(row).on_conflict_do_update(index_elements=["job"], set_=row))


class Worker:
    """Runs `jobs` until stopped; survives a lost database by trying again."""

    def __init__(self, engine: Engine, jobs: Sequence[Job], revive: Callable[[], object]) -> None:
        self.engine = engine
        self.jobs = {job.name: job for job in jobs}
        self._revive = revive
        self._lock = threading.Lock()
        self._woken: set[str] = set()
        self._busy: set[str] = set()
        self._stopping = threading.Event()
        self._scheduler = BackgroundScheduler(timezone=UTC)

    def start(self) -> None:
        with session_scope(self.engine) as session:
            for job in self.jobs.values():
                _schedule(session, job)
        for job in self.jobs.values():
            self._scheduler.add_job(
                self._tick,
                "interval",
                args=[job],
                id=job.name,
                seconds=job.every_s,
                next_run_time=datetime.now(UTC) + timedelta(seconds=job.first_after_s),
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
        self._scheduler.start()
        self._listener = threading.Thread(target=self._listen, name="listen", daemon=True)
        self._listener.start()

    def request_stop(self) -> None:
        """Let `wait` return; safe in a signal handler."""
        self._stopping.set()

    def stop(self) -> None:
        """Let running jobs end, then stop."""
        self.request_stop()
        self._scheduler.shutdown(wait=True)
        self._listener.join(timeout=2 * LISTEN_TIMEOUT_S)

    def wait(self) -> None:
        self._stopping.wait()

    def wake(self, name: str) -> None:
        """Run `name` now; when it is running, run it once more: what woke it may have come too late for it."""
        with self._lock:
            self._woken.add(name)
            busy = name in self._busy
        if not busy:
            self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def _tick(self, job: Job) -> None:
        with self._lock:
            self._busy.add(job.name)
        while True:
            with self._lock:
                self._woken.discard(job.name)
            try:
                run_once(self.engine, job)
            except Exception as error:
                log.error("job.failed", job=job.name, error=_describe(error))
                if isinstance(error, SQLAlchemyError):
                    self._try_to_revive()
            with self._lock:
                if self._stopping.is_set() or job.name not in self._woken:
                    self._busy.discard(job.name)
                    return

    def _try_to_revive(self) -> None:
        try:
            self._revive()
        except Exception as error:
            log.error("database.lost", error=_describe(error))

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen_until_lost()
            except psycopg.Error:
                log.warning("listen.lost", retry_s=RECONNECT_S)
                self._stopping.wait(RECONNECT_S)

    def _listen_until_lost(self) -> None:
        url = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        wakes: defaultdict[str, list[str]] = defaultdict(list)
        for job in self.jobs.values():
            for channel in job.wakes_on:
                wakes[channel].append(job.name)
        with psycopg.connect(url, autocommit=True) as connection:
            for channel in wakes:
                connection.execute(f'LISTEN "canhdich_{channel}"')
            for channel in wakes:  # what was said while nobody listened
                self._wake_all(wakes[channel])
            while not self._stopping.is_set():
                for notice in connection.notifies(timeout=LISTEN_TIMEOUT_S, stop_after=1):
                    self._wake_all(wakes[notice.channel.removeprefix("canhdich_")])

    def _wake_all(self, names: Sequence[str]) -> None:
        for name in names:
            self.wake(name)


def wait_for_database(engine: Engine, revive: Callable[[], object], attempts: int = 60) -> None:
    """Block until the database answers, saying so; raises the last error after `attempts` seconds."""
    for attempt in range(attempts):
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
                return
        except SQLAlchemyError:
            log.warning("database.waiting", attempt=attempt + 1)
            if attempt == attempts - 1:
                raise
            time.sleep(1)
            revive()


def health(engine: Engine, now: datetime) -> dict[str, Any]:
    """`ok` is False when any job is late; per job its last success and whether it is late."""
    with engine.connect() as connection:
        rows = connection.execute(
            select(JobSchedule.job, JobSchedule.late_after_s, JobSchedule.last_success_at)
        )
        jobs = {
            job: {
                "last_success_at": last.isoformat() if last else None,
                "late": last is None or now - last > timedelta(seconds=late_after_s),
            }
            for job, late_after_s, last in rows
        }
    return {"ok": bool(jobs) and not any(job["late"] for job in jobs.values()), "jobs": jobs}


def failures(engine: Engine) -> dict[str, str]:
    """Of each job that has failed since it last succeeded, what its newest failure says to people; "" where nothing."""
    query = (
        select(JobRun.job, JobRun.error)
        .outerjoin(JobSchedule, JobSchedule.job == JobRun.job)
        .where(JobRun.state == "failed")
        .where(func.coalesce(JobRun.finished_at > JobSchedule.last_success_at, True))
        .order_by(JobRun.started_at)
    )
    with engine.connect() as connection:
        return {job: (error or "").partition(": ")[2] for job, error in connection.execute(query)}


def forget_old_runs(engine: Engine, before: datetime) -> int:
    """Housekeeping: drop job history older than `before`; returns how many rows went."""
    with session_scope(engine) as session:
        gone = session.execute(delete(JobRun).where(JobRun.started_at < before).returning(JobRun.id))
        return len(gone.all())


def metrics_text(engine: Engine, now: datetime) -> bytes:
    """Prometheus text, read from the database at each scrape so that every process tells the same."""
    registry = CollectorRegistry()
    late = Gauge("canhdich_job_late", "1 when the job is late", ["job"], registry=registry)
    age = Gauge("canhdich_job_last_success_seconds", "Age of the last success", ["job"], registry=registry)
    for name, job in health(engine, now)["jobs"].items():
        late.labels(name).set(job["late"])
        if job["last_success_at"]:
            age.labels(name).set((now - datetime.fromisoformat(job["last_success_at"])).total_seconds())
    with engine.connect() as connection:
        for name, help_text, query in _COUNTS:
            Gauge(name, help_text, registry=registry).set(connection.scalar(query) or 0)
    return generate_latest(registry)


_COUNTS = (
    (
        "canhdich_cases",
        "Cases believed now",
        select(func.count()).select_from(CaseVersion).where(CaseVersion.known_to.is_(None)),
    ),
    ("canhdich_ingest_runs", "Ingest runs so far", select(func.count()).select_from(IngestRun)),
    ("canhdich_rows_rejected", "Rows in quarantine", select(func.count()).select_from(RejectedRow)),
    (
        "canhdich_files_set_aside",
        "Files set aside",
        select(func.count()).select_from(SourceFile).where(SourceFile.state == "set_aside"),
    ),
)
