"""Take a run back: cases are believed again as if its file had never come, from now on; the past stays as it was."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from db import notify
from i18n import Message, MessageError
from surveillance import store
from surveillance.linkage import FILE, Belief, Current, Facts, Plan, Version, follow
from surveillance.models import IngestRun, SourceFile


class UndoError(MessageError, ValueError):
    """The text says why."""


def undo_run(session: Session, run_id: int, now: datetime) -> None:
    """Mark the run undone, end the versions it shaped and believe what the other reports of those cases say.

    Reports, rejected rows and ended versions are kept; its link keys go. The file may be dropped again and is then
    read anew. Raises UndoError when the run does not exist or is not done.
    """
    run = session.get(IngestRun, run_id, with_for_update=True)
    if run is None or run.state != "done":
        raise UndoError(
            Message(
                "Lần nhận số {run} không tồn tại hoặc đã được hoàn tác; không có gì để làm.", run=str(run_id)
            )
        )
    cursor = store.cursor_of(session)
    store.lock_ingest(cursor)
    reports = store.surviving_reports(cursor, run_id)
    store.write(cursor, run_id, _plan(reports, store.current_versions(cursor, reports), now))
    store.drop_keys(cursor, run_id)
    run.state = "undone"
    run.reason = Message("Đã hoàn tác lúc {when}.", when=now).to_json()
    file = session.get_one(SourceFile, run.source_file_id)
    file.state = "archived"
    session.flush()
    notify(session, "ingested")


def _plan(reports: dict[int, list[store.StoredFacts]], current: dict[int, Current], now: datetime) -> Plan:
    plan = Plan()
    for case_id, survivors in reports.items():
        believed = _believed(survivors)
        before = current.get(case_id)
        if before is not None:
            if before.facts == believed:
                continue
            if before.known_from >= now:
                plan.replaced.add(case_id)
            else:
                plan.closed[case_id] = now
        if believed is not None:
            known_from = now if before is None else max(now, before.known_from)
            plan.versions.append(Version(case_id, survivors[-1].id, known_from, None, believed))
    return plan


def _believed(survivors: list[store.StoredFacts]) -> Facts | None:
    belief: Belief | None = None
    for report in survivors:
        belief = follow(belief, report.facts, linked_by=report.linked_by or FILE, late=False)
    return belief.facts if belief else None
