"""Reports as jobs: asked for by a page, written by the worker, with progress, kept for the one who asked."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from accounts.models import User
from accounts.service import record_access
from db import notify, session_scope
from i18n import Message, MessageError, current_locale, use_locale
from reports.bulletin import write_bulletin
from reports.models import ReportJob
from reports.tables import write_counts, write_line_list
from settings import Settings
from surveillance.clock import current_time

log = structlog.get_logger()


class ReportError(MessageError, RuntimeError):
    """A report that may not or cannot be had; the text says why."""


class Cancelled(Exception):
    """The one who asked no longer wants it."""


@dataclass(frozen=True, kw_only=True)
class Period:
    """From `start` to `end`, both included."""

    start: date
    end: date


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a writer gets: where to write, for which period, as known when, and how to tell its progress. `release`: the
    first day of the boundary release to count on; None today's."""

    folder: Path
    settings: Settings
    period: Period
    disease: str | None
    as_of: datetime
    progress: Callable[[int, Message], None]
    release: date | None = None


Writer = Callable[[Session, Task], Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`write` returns the names of the files it made; `roles` may ask for it."""

    title: Message
    about: Message
    write: Writer
    roles: frozenset[str]


KINDS: Mapping[str, Kind] = {
    "bulletin": Kind(
        title=Message("Bản tin tuần (PDF)"),
        about=Message("Bản đồ mức nguy cơ, diễn biến từng bệnh, địa bàn nhiều ca nhất và cảnh báo đang mở."),
        write=write_bulletin,
        roles=frozenset({"manager", "analyst"}),
    ),
    "counts": Kind(
        title=Message("Số ca theo xã, phường (Excel và CSV)"),
        about=Message(
            "Mỗi dòng một xã, phường và một bệnh, theo ranh giới hiện nay hoặc ranh giới cũ: số ca trong kỳ, "
            "phần ước tính, mức nguy cơ, tình trạng theo Thông tư."
        ),
        write=write_counts,
        roles=frozenset({"manager", "analyst"}),
    ),
    "line_list": Kind(
        title=Message("Danh sách ca đã ẩn danh (Excel và CSV)"),
        about=Message(
            "Mỗi dòng một ca, không có họ tên, địa chỉ, điện thoại, số hồ sơ; tuổi theo nhóm 5 năm."
        ),
        write=write_line_list,
        roles=frozenset({"manager", "analyst"}),
    ),
}


@dataclass(frozen=True, kw_only=True)
class ReportView:
    """A job as its page shows it."""

    id: int
    kind: str
    title: Message
    period: Period
    disease: str | None
    requested_at: datetime
    state: str
    percent: int
    stage: Message | None
    files: tuple[str, ...]
    error: Message | None


def request_report(
    session: Session,
    kind: str,
    *,
    period: Period,
    disease: str | None,
    user: User,
    now: datetime,
    release: date | None = None,
) -> int:
    """Queue a report; returns its id. Raises ReportError when the role may not, or the period is empty."""
    if kind not in KINDS or user.role not in KINDS[kind].roles:
        raise ReportError(Message("Tài khoản này không được lập báo cáo này."))
    if period.end < period.start:
        raise ReportError(Message("Ngày cuối kỳ phải từ ngày đầu kỳ trở đi."))
    job = ReportJob(
        kind=kind,
        params={"start": period.start.isoformat(), "end": period.end.isoformat(), "disease": disease}
        | {"locale": current_locale(), "release": release.isoformat() if release else None},
        requested_by=user.id,
        requested_at=now,
        state="waiting",
    )
    session.add(job)
    session.flush()
    record_access(session, user_id=user.id, action=f"report.{kind}", detail=job.params, now=now)
    notify(session, "reports")
    return job.id


def report_jobs(session: Session, user: User, limit: int = 20) -> list[ReportView]:
    """This user's reports, newest first."""
    query = select(ReportJob).where(ReportJob.requested_by == user.id).order_by(ReportJob.id.desc())
    return [_view(job) for job in session.scalars(query.limit(limit))]


def cancel_report(session: Session, job_id: int, user: User) -> None:
    """Stop a waiting or running report of this user; a finished one stays."""
    session.execute(
        update(ReportJob)
        .where(ReportJob.id == job_id, ReportJob.requested_by == user.id)
        .where(ReportJob.state.in_(("waiting", "running")))
        .values(state="cancelled", finished_at=datetime.now(UTC))
    )


def report_file(session: Session, settings: Settings, job_id: int, name: str, user: User) -> Path:
    """Path of a finished file. Raises ReportError unless this user asked for it and it is there."""
    job = session.get(ReportJob, job_id)
    path = settings.reports / str(job_id) / name
    if job is None or job.requested_by != user.id or name not in job.files or not path.is_file():
        raise ReportError(Message("Không có tệp này, hoặc tệp không thuộc tài khoản này."))
    return path


def run_waiting(engine: Engine, settings: Settings) -> int:
    """Write every waiting report, and those a killed worker left half done; returns how many."""
    done = 0
    while (job_id := _claim(engine)) is not None:
        _write(engine, settings, job_id)
        done += 1
    return done


def _claim(engine: Engine) -> int | None:
    """The oldest open job. The caller holds the lock of the reports job, so a running one is an orphan."""
    query = select(ReportJob).where(ReportJob.state.in_(("waiting", "running"))).order_by(ReportJob.id)
    with session_scope(engine) as session:
        job = session.scalar(query.limit(1).with_for_update(skip_locked=True))
        if job is None:
            return None
        job.state, job.percent = "running", 0
        return job.id


def _write(engine: Engine, settings: Settings, job_id: int) -> None:
    folder = settings.reports / str(job_id)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        files = _write_files(engine, settings, job_id, folder)
    except Cancelled:
        shutil.rmtree(folder, ignore_errors=True)
    except Exception as error:
        log.error("report.failed", report=job_id, error=type(error).__name__)
        _finish(engine, job_id, state="failed", error=_why(error, job_id).to_json())
    else:
        _finish(engine, job_id, state="done", percent=100, files=list(files))


def _why(error: Exception, job_id: int) -> Message:
    if isinstance(error, MessageError):
        return error.message
    return Message(
        "Không lập được báo cáo ({error}). Hãy thử lại; nếu vẫn lỗi, báo người quản trị số {id}.",
        error=type(error).__name__,
        id=job_id,
    )


def _write_files(engine: Engine, settings: Settings, job_id: int, folder: Path) -> Sequence[str]:
    with session_scope(engine) as session:
        job = session.get_one(ReportJob, job_id)
        use_locale(job.params["locale"])
        task = Task(
            folder=folder,
            settings=settings,
            period=_period(job),
            disease=job.params["disease"],
            as_of=current_time(session, settings.clock),
            progress=lambda percent, stage: _progress(engine, job_id, percent, stage),
            release=date.fromisoformat(release) if (release := job.params.get("release")) else None,
        )
        return KINDS[job.kind].write(session, task)


def _progress(engine: Engine, job_id: int, percent: int, stage: Message) -> None:
    with session_scope(engine) as session:
        job = session.get_one(ReportJob, job_id)
        if job.state == "cancelled":
            raise Cancelled
        job.percent, job.stage = percent, stage.to_json()


def _finish(engine: Engine, job_id: int, **values: Any) -> None:
    with session_scope(engine) as session:
        session.execute(
            update(ReportJob)
            .where(ReportJob.id == job_id, ReportJob.state == "running")
            .values(finished_at=datetime.now(UTC), **values)
        )


def _period(job: ReportJob) -> Period:
    return Period(start=date.fromisoformat(job.params["start"]), end=date.fromisoformat(job.params["end"]))


def _view(job: ReportJob) -> ReportView:
    return ReportView(
        id=job.id,
        kind=job.kind,
        title=KINDS[job.kind].title,
        period=_period(job),
        disease=job.params["disease"],
        requested_at=job.requested_at,
        state=job.state,
        percent=job.percent,
        stage=Message.from_json(job.stage) if job.stage else None,
        files=tuple(job.files),
        error=Message.from_json(job.error) if job.error else None,
    )
