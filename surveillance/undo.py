"""Take a run back: cases are believed again as if its file had never come, from now on; the past stays as it was."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from db import notify
from geodata.street_store import forget_streets
from i18n import Message, MessageError
from surveillance import store
from surveillance.belief import StoredFacts, StoredFix, fold
from surveillance.linkage import Current, Plan, version_of
from surveillance.models import IngestRun, SourceFile


class UndoError(MessageError, ValueError):
    """The text says why."""


def undo_run(session: Session, run_id: int, now: datetime) -> None:
    """Mark the run undone, end the versions it shaped and believe what the other reports of those cases say.

    Reports, rejected rows and ended versions are kept; its link keys go, and what it taught of streets ends. The file
    may be dropped again and is then read anew. Raises UndoError when the run does not exist or is not done.
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
    cases = store.cases_of(cursor, run_id)
    reports = store.surviving_reports(cursor, cases, without_run=run_id)
    fixes = store.place_fixes(cursor, cases)
    store.write(cursor, run_id, refold(reports, fixes, store.current_versions(cursor, cases), now))
    store.drop_keys(cursor, run_id)
    forget_streets(session, run_id, now)
    run.state = "undone"
    run.reason = Message("Đã hoàn tác lúc {when}.", when=now).to_json()
    file = session.get_one(SourceFile, run.source_file_id)
    file.state = "archived"
    session.flush()
    notify(session, "ingested")


def refold(
    reports: dict[int, list[StoredFacts]],
    fixes: dict[int, StoredFix],
    current: dict[int, Current],
    now: datetime,
) -> Plan:
    """What to write so that each case is believed from `now` on as its reports and the fix of its place say."""
    plan = Plan()
    for case_id, survivors in reports.items():
        left = fold(survivors, fixes.get(case_id))
        believed = left.belief.facts if left.belief else None
        before = current[case_id]
        if before.belief.facts == believed:
            continue
        if before.stored and before.known_from >= now:
            plan.replaced.add(case_id)
        elif before.stored:
            plan.closed[case_id] = now
        if left.belief is not None and believed is not None:
            known_from = max(now, before.known_from)
            after = Current(left.belief, known_from, left.report_id, False, left.investigation_id)
            plan.versions.append(version_of(case_id, after))
    return plan
