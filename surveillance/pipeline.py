"""Drop folder → archive → parse → validate → place → link → versions → run report.

A file is read in one transaction, so a crash at any point leaves nothing half done; it leaves the inbox only after
that transaction, so a crash after it is repaired by the next look: the same sha256 changes nothing.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import psycopg
import structlog
from psycopg import Cursor
from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from db import notify, session_scope
from geodata.areas import Areas, surveyed_areas
from geodata.endpoint import OUTSIDE_WORDS, Endpoint
from geodata.gazetteer import Gazetteer
from geodata.releases import older_successors
from geodata.street_store import StreetShelf, teach_streets
from geodata.types import Candidate, UnitKey
from geodata.units import gazetteer_for, unit_ids
from i18n import Message
from settings import Settings
from surveillance import archive, linkage, store
from surveillance.archive import ArchiveError
from surveillance.diseases import Catalogue, load_catalogue
from surveillance.intake import Intake
from surveillance.models import IngestRun, SourceFile
from surveillance.place import Placer
from surveillance.privacy import Vault
from surveillance.review.learnt import load_aliases
from surveillance.sources.mapping import SourceMapping, load_mappings
from surveillance.sources.reader import Unreadable, check_size, open_file
from surveillance.sources.recognise import Recognised, recognise
from surveillance.sources.rows import RowParser
from surveillance.spool import in_order
from surveillance.street_lessons import lessons_of
from surveillance.undo import UndoError, undo_run
from surveillance.verification import MOVED

__all__ = ["Context", "UndoError", "build_context", "collect", "ingest_file", "undo_run"]

BATCH = 20_000
SETTLED_S = 1.0
"""A file that changed within this time is looked at twice: someone may still be writing it."""
_LOST_DATABASE = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Context:
    """What reading files needs. `known`: rows become known "now", or at their "report" day (data of the past)."""

    settings: Settings
    catalogue: Catalogue
    gazetteer: Gazetteer | None
    mappings: Sequence[SourceMapping]
    unit_ids: Mapping[UnitKey, int]
    areas: Areas
    known: Literal["now", "report"]
    shelf: StreetShelf = field(default_factory=StreetShelf, repr=False)
    older: Mapping[UnitKey, tuple[Candidate, ...]] = field(default_factory=dict)

    @cached_property
    def vault(self) -> Vault:
        return Vault.of(self.settings.secret_key)

    def placer(self, session: Session) -> Placer:
        """With the streets the database knows now; what the geocoder remembers of those before is forgotten."""
        before, streets = self.shelf.current, self.shelf.book(session)
        if streets is not before and self.gazetteer:
            self.gazetteer.cache.clear()
        return Placer(
            unit_ids=self.unit_ids,
            gazetteer=self.gazetteer,
            areas=self.areas,
            older=self.older,
            streets=streets if streets.streets else None,
            endpoint=self.endpoint,
        )

    @cached_property
    def endpoint(self) -> Endpoint | None:
        """Raises EndpointError for a setting that would send addresses out of the network."""
        if self.settings.geocoder_url is None:
            return None
        return Endpoint(
            url=self.settings.geocoder_url,
            timeout_s=self.settings.geocoder_timeout_s,
            outside=self.settings.geocoder_outside == OUTSIDE_WORDS,
        )

    @cached_property
    def unit_keys(self) -> Mapping[int, UnitKey]:
        return {unit_id: key for key, unit_id in self.unit_ids.items()}

    @property
    def max_bytes(self) -> int:
        return self.settings.max_file_mb * 1_000_000


@dataclass(frozen=True, kw_only=True)
class Received:
    """A file of the archive and its row in `source_file`."""

    id: int
    name: str
    content: Path
    state: str


def build_context(session: Session, settings: Settings) -> Context:
    """With the deployment's sources and the units in the database. Raises ConfigError for a broken mapping,
    EndpointError for a geocoder that addresses must not be sent to."""
    deployment = settings.deployment
    by_name = deployment.units == "vietnam"
    context = Context(
        settings=settings,
        catalogue=load_catalogue(),
        gazetteer=gazetteer_for(session, [deployment.province_code]) if by_name else None,
        mappings=load_mappings(deployment.sources),
        unit_ids=unit_ids(session),
        areas=surveyed_areas(session),
        known="report" if settings.clock == "data" else "now",
        older=older_successors(session),
    )
    _ = context.endpoint
    return context


def collect(engine: Engine, context: Context, now: datetime) -> list[int]:
    """Read every finished file of the inbox, the oldest first; ids of the runs that were done.

    A bad file is set aside and the others go on. Raises ArchiveError (disk) and database errors: the file stays.
    """
    runs = []
    for path in finished_files(context.settings.inbox):
        try:
            run_id = ingest_file(engine, context, path, now)
        except FileNotFoundError:
            log.info("ingest.taken_by_another_process")
            continue
        if run_id is not None:
            runs.append(run_id)
    return runs


def finished_files(inbox: Path) -> list[Path]:
    """Files nobody is writing any more, the oldest first (then by name): after a stop, the hospitals' lists come before
    what wards found of their cases. Hidden ones, `.part` and Office's lock files (`~$`) are not looked at."""
    if not inbox.is_dir():
        return []
    names = [path for path in inbox.iterdir() if path.is_file() and not _is_passing(path.name)]
    looks = {path: look for path in names if (look := _look(path))}
    if any(time.time() - modified < SETTLED_S for _, modified in looks.values()):
        time.sleep(SETTLED_S)
    finished = [path for path, look in looks.items() if _look(path) == look]
    return sorted(finished, key=lambda path: (looks[path][1], path.name))


def _is_passing(name: str) -> bool:
    return name.startswith((".", "~$")) or name.endswith((".part", ".tmp", ".crdownload"))


def _look(path: Path) -> tuple[int, float] | None:
    """Size and time of change; None when another process took the file away."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime


def ingest_file(engine: Engine, context: Context, path: Path, now: datetime) -> int | None:
    """The run that read `path`; None when it was set aside, or received before.

    `now` is the real time, whatever clock the deployment shows. A file of the inbox leaves it, others stay in place.
    """
    sha256 = archive.fingerprint(path)
    try:
        check_size(path.stat().st_size, context.max_bytes)
        received = receive(engine, context, path, sha256, now)
        if received.state == "ingested":
            log.info("ingest.received_before", sha256=sha256[:12])
            leave_inbox(context, path)
            return None
        run_id = read_received(engine, context, received, now)
    except Unreadable as error:
        put_aside(engine, context, path, sha256, error.message, now)
        return None
    except (ArchiveError, FileNotFoundError, *_LOST_DATABASE):
        raise
    except Exception as error:
        log.error("ingest.unexpected", sha256=sha256[:12], kind=type(error).__name__)
        put_aside(engine, context, path, sha256, _unexpected(error), now)
        return None
    if run_id is None:
        move_aside(context, path)
        return None
    leave_inbox(context, path)
    return run_id


def receive(engine: Engine, context: Context, path: Path, sha256: str, now: datetime) -> Received:
    """Archive the content and write down that it came. Doing it again changes nothing. Raises ArchiveError."""
    content = archive.keep(path, context.settings.archive, sha256)
    with session_scope(engine) as session:
        file = _source_file(session, path, sha256, now)
        return Received(id=file.id, name=path.name, content=content, state=file.state)


def _source_file(session: Session, path: Path, sha256: str, now: datetime) -> SourceFile:
    values = {
        "sha256": sha256,
        "name": path.name,
        "size_bytes": path.stat().st_size,
        "received_at": now,
        "state": "archived",
    }
    session.execute(insert(SourceFile).values(values).on_conflict_do_nothing(index_elements=["sha256"]))
    return session.scalars(select(SourceFile).where(SourceFile.sha256 == sha256)).one()


def read_received(engine: Engine, context: Context, received: Received, now: datetime) -> int | None:
    """Read an archived file in one transaction: its run, or None when no row of it could be taken.

    Raises Unreadable when the file as a whole cannot be read; then nothing is written.
    """
    opened = open_file(received.content, name=received.name, max_bytes=context.max_bytes)
    source = recognise(opened, context.mappings)
    with session_scope(engine) as session:
        store.lock_ingest(store.cursor_of(session))
        file = session.get_one(SourceFile, received.id, with_for_update=True)
        if file.state == "ingested":
            return session.scalars(select(IngestRun.id).where(IngestRun.source_file_id == file.id)).first()
        run = IngestRun(
            source_file_id=file.id,
            source=source.mapping.name,
            mapping_hash=source.mapping.hash,
            started_at=now,
            state="running",
        )
        session.add(run)
        session.flush()
        with _no_garbage_collection():
            notes = _read_rows(session, context, source, run, now)
        if run.rows_total == 0:
            raise Unreadable(Message("Tệp chỉ có dòng tiêu đề, không có ca nào. Hãy kiểm tra rồi gửi lại."))
        taken = run.rows_rejected < run.rows_total
        _finish(run, file, [*source.notes, *notes], taken)
        run.finished_at = now
        notify(session, "ingested")
        return run.id if taken else None


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Rows make no reference cycles, and walking a million small tuples again and again takes a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _read_rows(
    session: Session, context: Context, source: Recognised, run: IngestRun, now: datetime
) -> list[Message]:
    """What people should be told of the rows that were taken."""
    cursor = store.cursor_of(session)
    quarantine = Quarantine(cursor=cursor, run_id=run.id)
    timezone = context.settings.deployment.timezone
    parser = RowParser(source=source, diseases=context.catalogue, today=now.astimezone(timezone).date())
    intake = Intake(
        parser=parser,
        placer=replace(context.placer(session), aliases=load_aliases(session)),
        vault=context.vault,
        timezone=timezone,
        known_at=now if context.known == "now" else None,
        reject=quarantine.add,
    )
    run.known_at = now if context.known == "now" else None
    for batch in in_order(intake.reports(), BATCH):
        changes = write_batch(cursor, run.id, batch)
        for problems in changes.rejected:
            quarantine.add(problems)
        _teach(session, context, run.id, changes.reports)
        run.rows_new += len(changes.new_cases)
        run.rows_updated += changes.updated
        run.rows_unchanged += changes.unchanged
        run.rows_unplaced += sum(_unplaced(report.incoming.facts) for report in changes.reports)
        run.known_at = max(run.known_at or batch[-1].known_at, batch[-1].known_at)
    quarantine.flush()
    run.rows_rejected = quarantine.count
    run.rows_total = intake.total["rows"]
    return list(intake.notes())


def _teach(session: Session, context: Context, run_id: int, reports: Sequence[linkage.StoredReport]) -> None:
    """What investigations found, as points of streets."""
    if context.gazetteer is None:
        return
    lessons = lessons_of(
        store.cursor_of(session),
        run_id,
        reports,
        gazetteer=context.gazetteer,
        unit_keys=context.unit_keys,
        vault=context.vault,
    )
    teach_streets(session, lessons)


def _unplaced(facts: linkage.Facts) -> bool:
    return facts.unit_id is None and (bool(facts.disease) or facts.verification in MOVED)


def write_batch(cursor: Cursor[Any], run_id: int, batch: Sequence[linkage.Incoming]) -> linkage.Plan:
    """Link a batch with what is known, and write what it changes."""
    known = store.known_keys(cursor, batch)
    cases = {case_id for _, _, case_id in known}
    plan = linkage.plan(
        batch,
        links=linkage.Links(known),
        contents=store.known_contents(cursor, cases),
        current=store.current_versions(cursor, cases),
        case_ids=store.new_ids(cursor, "epi_case", len(batch)),
        report_ids=store.new_ids(cursor, "case_report", len(batch)),
    )
    store.write(cursor, run_id, plan)
    return plan


class Quarantine:
    """Rejected rows on their way to the database, in batches."""

    def __init__(self, *, cursor: Cursor[Any], run_id: int) -> None:
        self.count = 0
        self._waiting: list[linkage.Problem] = []
        self._write = lambda problems: store.write_rejected(cursor, run_id, problems)

    def add(self, problems: Iterable[linkage.Problem]) -> None:
        """All problems of one row."""
        self.count += 1
        self._waiting.extend(problems)
        if len(self._waiting) >= BATCH:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            self._write(self._waiting)
        self._waiting = []


def _finish(run: IngestRun, file: SourceFile, notes: Iterable[Message], taken: bool) -> None:
    if taken:
        run.state, file.state, file.reason = "done", "ingested", None
        note = _joined(notes)
    else:
        note = Message(
            "Không dòng nào trong {rows} dòng dùng được; xem lý do của từng dòng. Hãy sửa tệp rồi gửi lại.",
            rows=run.rows_total,
        )
        run.state, file.state, file.reason = "failed", "set_aside", note.to_json()
    run.reason = note.to_json() if note else None


def _joined(notes: Iterable[Message]) -> Message | None:
    joined: Message | None = None
    for note in notes:
        joined = Message("{first} {second}", first=joined, second=note) if joined else note
    return joined


def put_aside(
    engine: Engine, context: Context, path: Path, sha256: str, reason: Message, now: datetime
) -> None:
    """Write down why `path` cannot be read, then move it out of the inbox. It is read again when it comes again."""
    with session_scope(engine) as session:
        file = _source_file(session, path, sha256, now)
        file.state, file.reason, file.received_at, file.name = "set_aside", reason.to_json(), now, path.name
    move_aside(context, path)


def move_aside(context: Context, path: Path) -> None:
    if _in_inbox(context, path):
        archive.set_aside(path, context.settings.set_aside)


def leave_inbox(context: Context, path: Path) -> None:
    if _in_inbox(context, path):
        path.unlink(missing_ok=True)


def _in_inbox(context: Context, path: Path) -> bool:
    return path.resolve().parent == context.settings.inbox.resolve()


def _unexpected(error: Exception) -> Message:
    return Message(
        "Chương trình gặp lỗi không lường trước khi đọc tệp ({kind}). Tệp được giữ nguyên; hãy báo cho người phụ "
        "trách phần mềm, rồi thả lại tệp sau khi sửa.",
        kind=type(error).__name__,
    )
