"""What people decide about an address. Every decision is an event; rights are checked here, not only on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import Cursor
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from db import notify
from geodata.aliases import AreaWords
from geodata.models import AdminUnit
from i18n import Message, MessageError
from surveillance import store
from surveillance.belief import PLACE, Facts
from surveillance.linkage import Current
from surveillance.models import CaseKey, CaseReportRow
from surveillance.outbreaks.acts import Actor
from surveillance.place import Placer
from surveillance.privacy import Vault
from surveillance.review.learnt import learn, revoke_of_act
from surveillance.review.models import AddressFix
from surveillance.review.placing import Choice, checked_unit, place_columns
from surveillance.review.queue import Waiting, decided_at, undone, waiting
from surveillance.review.texts import address_key, index_texts, lesson, look_up, person_key, read_words
from surveillance.undo import refold

REASONS: Mapping[str, str] = {
    "no_such": "Không có địa chỉ như vậy",
    "too_little": "Thông tin quá ít, đã hỏi nơi báo cáo mà không rõ hơn",
    "several": "Nhiều địa chỉ trong một ô",
    "outside": "Người bệnh ở ngoài địa bàn",
}
LOCK_WAIT = "4s"


class FixError(MessageError):
    """A decision that was refused; nothing was changed. `message` says why and what to do."""


class NotAllowed(FixError):
    """The user may not do this, or may not know of this case."""


class Busy(FixError):
    """A file is being read."""


class Overtaken(FixError):
    """Somebody else was first: `user_id` when that was a person, at `at`."""

    def __init__(self, message: Message, user_id: int | None = None, at: datetime | None = None) -> None:
        super().__init__(message)
        self.user_id, self.at = user_id, at


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One person at work now."""

    session: Session
    actor: Actor
    placer: Placer
    vault: Vault
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a decision did: the act it is undone by, its cases, how many were left because somebody decided them since,
    and the words that were learnt."""

    act: int
    cases: tuple[int, ...]
    left: int = 0
    learnt: AreaWords | None = None


def place_case(
    desk: Desk, case_id: int, choice: Choice, *, seen: int, together: bool = False, remember: bool = False
) -> Done:
    """Place a waiting case, `together` with those that share its words, and `remember` what the words mean.

    `seen`: the version of the case (`case_version.id`) that was looked at. Raises FixError and BadChoice. A pin is the
    place of all only where they share the whole address.
    """
    cursor = _alone(desk)
    lead = _standing(desk, case_id, seen)
    unit_id = checked_unit(choice, desk.placer)
    _check_area(desk.actor, unit_id)
    cases = _cases(desk, lead, together and not (choice.kind == "pin" and lead.by_area))
    current = store.current_versions(cursor, [case.case_id for case in cases])
    after = {
        case.case_id: place_columns(choice, unit_id, case, _facts(current[case.case_id]), desk.placer)
        for case in cases
    }
    typed = desk.vault.encrypt(choice.typed) if choice.kind == "text" else None
    events = _record(desk, cursor, cases, choice.kind, current, after=after, typed=typed)
    _believe(desk, cursor, current)
    _link_people(desk, cases, unit_id)
    learnt = _teach(desk, lead, unit_id, events[0]) if remember else None
    return Done(act=events[0].act, cases=tuple(case.case_id for case in cases), learnt=learnt)


def leave_unknown(desk: Desk, case_id: int, reason: str, *, seen: int, together: bool = False) -> Done:
    """Say that the place of a case cannot be told: it waits no more, until its words change."""
    if reason not in REASONS:
        raise FixError(Message("Hãy chọn lý do vì sao không xác định được."))
    cursor = _alone(desk)
    lead = _standing(desk, case_id, seen)
    if desk.actor.areas is not None and lead.unit_id not in desk.actor.areas:
        raise NotAllowed(
            Message(
                "Ca này có thể ở nơi khác: hãy bỏ qua, trung tâm sẽ xem. Bạn chỉ nhận ca về địa bàn mình."
            )
        )
    cases = _cases(desk, lead, together)
    current = store.current_versions(cursor, [case.case_id for case in cases])
    events = _record(desk, cursor, cases, "unknown", current, reason=reason)
    return Done(act=events[0].act, cases=tuple(case.case_id for case in cases))


def unit_of(session: Session, act: int) -> str:
    """The name of the commune an act placed its cases in."""
    unit = AddressFix.after["unit_id"].as_integer()
    query = select(AdminUnit.name).join(AddressFix, AdminUnit.id == unit).where(AddressFix.id == act)
    return session.scalars(query).one()


def undo(desk: Desk, act: int) -> Done:
    """Take an act back: its cases are believed as if it had not been, and what it taught is forgotten.

    Cases decided anew since stay as they are. Raises FixError when nothing of the act stands.
    """
    cursor = _alone(desk)
    query = select(AddressFix).where(AddressFix.act == act, AddressFix.kind != "undo", ~undone(AddressFix.id))
    events = list(desk.session.scalars(query.order_by(AddressFix.id)))
    if not events:
        raise Overtaken(Message("Lần sửa này đã được hoàn tác hoặc không có; không có gì để làm."))
    if desk.actor.areas is not None and any(event.user_id != desk.actor.user_id for event in events):
        raise NotAllowed(Message("Bạn chỉ hoàn tác được lần sửa của chính mình."))
    last = _last_decisions(desk.session, [event.case_id for event in events])
    standing = [event for event in events if last[event.case_id] == event.id]
    if not standing:
        raise Overtaken(Message("Các ca này đã được sửa lần nữa: hãy hoàn tác lần sửa mới nhất trước."))
    current = store.current_versions(cursor, [event.case_id for event in standing])
    taken_back = _record_undo(desk, cursor, standing, current)
    _believe(desk, cursor, current)
    revoke_of_act(desk.session, act, user_id=desk.actor.user_id, now=desk.now)
    cases = tuple(event.case_id for event in standing)
    return Done(act=taken_back[0].act, cases=cases, left=len(events) - len(standing))


def _alone(desk: Desk) -> Cursor[Any]:
    """While this transaction lasts, no file is read and nobody else decides."""
    if not desk.actor.may_act:
        raise NotAllowed(Message("Người quản lý chỉ xem; việc sửa địa chỉ thuộc cán bộ phụ trách."))
    cursor = store.cursor_of(desk.session)
    cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
    try:
        store.lock_ingest(cursor)
    except psycopg.errors.LockNotAvailable:
        raise Busy(
            Message("Một tệp đang được đọc vào. Chưa có gì thay đổi; hãy thử lại sau ít giây.")
        ) from None
    cursor.execute("SET LOCAL lock_timeout = 0")
    return cursor


def _standing(desk: Desk, case_id: int, seen: int) -> Waiting:
    """The case as it waits now, which must be as it was looked at."""
    areas = desk.actor.areas
    found = waiting(desk.session, areas, case_id=case_id)
    if found and found[0].words_id is None:
        index_texts(desk.session, desk.placer, desk.vault)
        found = waiting(desk.session, areas, case_id=case_id)
    if found and found[0].version_id == seen:
        return found[0]
    if found:
        raise Overtaken(
            Message(
                "Ca này vừa có dữ liệu mới từ tệp hoặc người khác. Chưa ghi gì; hãy xem lại rồi quyết định."
            )
        )
    user_id, at = decided_at(desk.session, case_id)
    if areas is not None or user_id is None:
        raise Overtaken(Message("Ca này không còn chờ xem trong danh sách của bạn. Chưa ghi gì."))
    raise Overtaken(Message("Người khác đã xử lý địa chỉ này. Chưa ghi đè gì."), user_id, at)


def _check_area(actor: Actor, unit_id: int) -> None:
    if actor.areas is not None and unit_id not in actor.areas:
        raise NotAllowed(
            Message("Bạn chỉ nhận ca về địa bàn mình; ca ở nơi khác hãy bỏ qua, trung tâm sẽ xem.")
        )


def _cases(desk: Desk, lead: Waiting, together: bool) -> list[Waiting]:
    """The case first, then the others that share its words and that this person may see."""
    if not together or lead.group_key is None:
        return [lead]
    same = waiting(desk.session, desk.actor.areas, group_key=lead.group_key)
    return [lead, *(case for case in same if case.case_id != lead.case_id)]


def _record(
    desk: Desk,
    cursor: Cursor[Any],
    cases: Sequence[Waiting],
    kind: str,
    current: Mapping[int, Current],
    *,
    after: Mapping[int, dict[str, Any]] | None = None,
    typed: bytes | None = None,
    reason: str | None = None,
) -> list[AddressFix]:
    """One event for each case."""
    ids = [case.case_id for case in cases]
    newest = select(CaseReportRow.case_id, func.max(CaseReportRow.id)).group_by(CaseReportRow.case_id)
    newest_of = _pairs(desk.session, newest.where(CaseReportRow.case_id.in_(ids)))
    return _keep(desk, cursor, [
        {
            "case_id": case.case_id, "kind": kind, "before": _place_of(current[case.case_id]),
            "after": after[case.case_id] if after else None, "report_id": case.words_id,
            "address_key": _key_of(desk, case), "after_report": newest_of[case.case_id], "typed": typed,
            "reason": reason,
        }
        for case in cases
    ])  # fmt: skip


def _record_undo(
    desk: Desk, cursor: Cursor[Any], events: Sequence[AddressFix], current: Mapping[int, Current]
) -> list[AddressFix]:
    return _keep(desk, cursor, [
        {
            "case_id": event.case_id, "kind": "undo", "before": _place_of(current[event.case_id]),
            "after": event.before, "report_id": event.report_id, "address_key": event.address_key,
            "after_report": event.after_report, "undoes": event.id,
        }
        for event in events
    ])  # fmt: skip


def _keep(desk: Desk, cursor: Cursor[Any], rows: Sequence[dict[str, Any]]) -> list[AddressFix]:
    """One act: all its events carry the number of the first."""
    ids = list(store.new_ids(cursor, "address_fix", len(rows)))
    common = {"act": ids[0], "at": desk.now, "user_id": desk.actor.user_id}
    events = [AddressFix(id=id_, **common, **row) for id_, row in zip(ids, rows, strict=True)]
    desk.session.add_all(events)
    desk.session.flush()
    return events


def _believe(desk: Desk, cursor: Cursor[Any], current: dict[int, Current]) -> None:
    """Write what the reports and the decisions that stand say of these cases now, and wake what counts them."""
    reports = store.surviving_reports(cursor, current)
    fixes = store.place_fixes(cursor, current)
    store.write(cursor, 0, refold(reports, fixes, current, desk.now))
    notify(desk.session, "ingested")


def _link_people(desk: Desk, cases: Sequence[Waiting], unit_id: int) -> None:
    """A second hospital that names the right commune finds the case: its key held the words nobody understood."""
    for case in cases:
        report = desk.session.get(CaseReportRow, case.words_id)
        if report is None or not report.facts.get("disease"):
            continue
        key = person_key(report, unit_id, desk.vault)
        if key is not None:
            desk.session.add(
                CaseKey(
                    key=key.digest, kind=key.kind, day=key.day, case_id=case.case_id, run_id=report.run_id
                )
            )
    desk.session.flush()


def _teach(desk: Desk, lead: Waiting, unit_id: int, event: AddressFix) -> AreaWords | None:
    """What the words of the case will mean from now on; only people who answer for the whole city teach."""
    if desk.actor.areas is not None or lead.words_id is None:
        return None
    words = read_words(desk.session, lead.words_id, desk.vault)
    found = lesson(words, look_up(words, desk.placer))
    if found is not None:
        learn(desk.session, found, unit_id, event.id, desk.now)
    return found


def _key_of(desk: Desk, case: Waiting) -> bytes | None:
    if case.words_id is None:
        return None
    return address_key(read_words(desk.session, case.words_id, desk.vault), desk.vault)


def _facts(current: Current) -> Facts:
    facts = current.belief.facts
    assert facts is not None  # a case that waits has a version
    return facts


def _place_of(current: Current) -> dict[str, Any]:
    return {name: getattr(_facts(current), name) for name in PLACE}


def _last_decisions(session: Session, cases: Sequence[int]) -> dict[int, int]:
    """The last decision of each case that was not undone."""
    query = (
        select(AddressFix.case_id, func.max(AddressFix.id))
        .where(AddressFix.case_id.in_(cases), AddressFix.kind != "undo", ~undone(AddressFix.id))
        .group_by(AddressFix.case_id)
    )
    return _pairs(session, query)


def _pairs(session: Session, query: Select[int, int]) -> dict[int, int]:
    return {row[0]: row[1] for row in session.execute(query)}
