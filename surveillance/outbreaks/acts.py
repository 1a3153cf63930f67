"""What people do with an outbreak. Every act is an event; rights are checked here, not only on the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import notify
from i18n import Message, MessageError
from surveillance.outbreaks.entries import COMMUNICATION, ENTRIES, HOUSEHOLDS, LARVICIDE, NOTE, SPRAYING
from surveillance.outbreaks.lifecycle import OPEN, Act, Facts, Life, Refusal, Status, act, advance
from surveillance.outbreaks.models import OutbreakEvent, OutbreakRow, OutbreakVersion
from surveillance.outbreaks.products import used_in, with_used
from surveillance.outbreaks.profiles import Profile
from surveillance.outbreaks.record import (
    SURVEY_EVENT,
    WITHDRAWN_EVENT,
    facts_of,
    life_from_json,
    life_to_json,
    one_at_a_time,
    status_events,
    surveyed_with_vector,
    withdrawn,
    write_version,
)
from surveillance.outbreaks.vectors import Survey
from surveillance.outbreaks.watching import tell_levels

MAX_COMMENT = 2000
NEEDS_REASON = (Act.KEEP_OPEN, Act.CLOSE, Act.REOPEN)
GONE = (Status.MERGED, Status.DISSOLVED)
MEASURE_WORDS: Mapping[str, str] = {
    HOUSEHOLDS: "Điều tra nhà ca bệnh và các nhà xung quanh ngày {day}.",
    SPRAYING: "Phun hóa chất ngày {day}.",
    LARVICIDE: "Diệt lăng quăng ngày {day}.",
    COMMUNICATION: "Truyền thông ngày {day}.",
}


class ActError(MessageError):
    """An act that was refused; `message` says why and what to do."""


class NotAllowed(ActError):
    """The user may not do this, or may not know of this outbreak."""


class BadEntry(ActError):
    """A day, comment or count that is missing or not usable."""


class Refused(ActError):
    """The outbreak's state does not allow it; `until`: the first day it will, None where no day helps."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.until = refusal.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts. `areas`: ids of the units they answer for, None for the whole city; `may_act` False: only looks."""

    user_id: int
    name: str
    areas: frozenset[int] | None
    may_act: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """An outbreak locked for an act: its open version and what its life depends on."""

    version: OutbreakVersion
    disease: str
    profile: Profile
    facts: Facts
    actor: Actor

    @property
    def life(self) -> Life:
        return life_from_json(self.version.life)


def change_status(
    session: Session, outbreak_id: int, wanted: Act, *, actor: Actor, profiles: Mapping[str, Profile],
    today: date, now: datetime, comment: str = "",
) -> Status:  # fmt: skip
    """Confirm, start handling, propose closing, keep open, close or re-open; the status after it.

    `profiles` by disease. Raises Refused with the reason and its day; BadEntry where a reason is asked for.
    """
    standing = _standing(session, outbreak_id, actor, profiles)
    result = act(standing.life, wanted, standing.facts, standing.profile, today=today, by=actor.name)
    if isinstance(result, Refusal):
        raise Refused(result)
    why = _checked(comment) if comment.strip() or wanted in NEEDS_REASON else None
    _keep(session, standing, result, today=today, now=now, comment=why)
    return result.status


def check_act(
    session: Session, outbreak_id: int, wanted: Act, *, actor: Actor, profiles: Mapping[str, Profile],
    today: date,
) -> None:  # fmt: skip
    """Raise what `change_status` would, so that nobody writes a reason in vain."""
    standing = _standing(session, outbreak_id, actor, profiles)
    result = act(standing.life, wanted, standing.facts, standing.profile, today=today, by=actor.name)
    if isinstance(result, Refusal):
        raise Refused(result)


def record_survey(
    session: Session, outbreak_id: int, survey: Survey, *, actor: Actor, profiles: Mapping[str, Profile],
    today: date, now: datetime,
) -> OutbreakEvent:  # fmt: skip
    """Write down an insect survey; an outbreak that waited for larvae or mosquitoes moves on at once."""
    standing = _standing(session, outbreak_id, actor, profiles)
    _check_day(standing, survey.on, today)
    detail = {**asdict(survey), "on": survey.on.isoformat()}
    message = Message("Giám sát véc tơ ngày {day}: {houses} nhà.", day=survey.on, houses=survey.houses)
    event = _write(session, standing, SURVEY_EVENT, message, detail, now)
    found = _facts(session, standing.version, standing.disease)
    after = advance(standing.life, found, standing.profile, today=today)
    _keep(session, standing, after, today=today, now=now)
    return event


def record_measure(
    session: Session, outbreak_id: int, kind: str, *, on: date, actor: Actor, profiles: Mapping[str, Profile],
    today: date, now: datetime, houses: int | None = None, product: str = "", litres: float | None = None,
    comment: str = "",
) -> OutbreakEvent:  # fmt: skip
    """Write down a spraying or larvicide round or a communication activity, with the houses reached where counted
    and what the round used where it is known."""
    if kind not in MEASURE_WORDS:
        raise BadEntry(Message("Hãy chọn việc đã làm: phun hóa chất, diệt lăng quăng hoặc truyền thông."))
    if houses is not None and houses < 0:
        raise BadEntry(Message("Số đếm không được âm."))
    used = used_in(kind, product, litres)
    standing = _standing(session, outbreak_id, actor, profiles)
    _check_day(standing, on, today)
    detail: dict[str, Any] = {"on": on.isoformat(), "houses": houses, **used}
    if comment.strip():
        detail["comment"] = _checked(comment)
    message = with_used(Message(MEASURE_WORDS[kind], day=on), used)
    return _write(session, standing, kind, message, detail, now)


def add_note(
    session: Session, outbreak_id: int, comment: str, *, actor: Actor, profiles: Mapping[str, Profile],
    now: datetime,
) -> OutbreakEvent:  # fmt: skip
    standing = _standing(session, outbreak_id, actor, profiles)
    return _write(session, standing, NOTE, Message("Ghi chú."), {"comment": _checked(comment)}, now)


def withdraw(
    session: Session, entry_id: int, comment: str, *, actor: Actor, profiles: Mapping[str, Profile],
    now: datetime,
) -> OutbreakEvent:  # fmt: skip
    """Take an entry back, with the reason: it stays in the log and no longer counts."""
    entry = session.get(OutbreakEvent, entry_id)
    standing = _standing(session, entry.outbreak_id if entry else -1, actor, profiles)
    assert entry is not None
    if entry.kind not in ENTRIES:
        raise BadEntry(Message("Chỉ rút lại được số liệu và ghi chú do người nhập."))
    if session.scalar(
        select(OutbreakEvent.id).where(OutbreakEvent.id == entry_id).where(OutbreakEvent.id.in_(withdrawn()))
    ):
        raise BadEntry(Message("Mục này đã được rút lại."))
    what = Message.from_json(entry.message)
    detail = {"entry": entry_id, "comment": _checked(comment)}
    return _write(session, standing, WITHDRAWN_EVENT, Message("Rút lại: {what}", what=what), detail, now)


def may_act(actor: Actor, units: list[int]) -> bool:
    """Whether the outbreak lies, wholly or partly, where this person answers for it."""
    return actor.may_act and (actor.areas is None or not actor.areas.isdisjoint(units))


def _standing(session: Session, outbreak_id: int, actor: Actor, profiles: Mapping[str, Profile]) -> _Standing:
    """The outbreak, locked against the worker and other people. Somebody else's and none look the same from outside."""
    if not actor.may_act:
        raise NotAllowed(Message("Người quản lý chỉ xem; việc xử lý thuộc cán bộ phụ trách địa bàn."))
    one_at_a_time(session)
    row = session.execute(
        select(OutbreakVersion, OutbreakRow.disease)
        .join(OutbreakRow, OutbreakRow.id == OutbreakVersion.outbreak_id)
        .where(OutbreakVersion.outbreak_id == outbreak_id, OutbreakVersion.known_to.is_(None))
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None or not may_act(actor, row.OutbreakVersion.units):
        raise NotAllowed(Message("Không có ổ dịch này trong địa bàn bạn phụ trách."))
    if row.OutbreakVersion.status in GONE:
        raise ActError(Message("Ổ dịch này không còn: xem ổ dịch đã nhận các ca của nó."))
    if row.disease not in profiles:
        raise ActError(Message("Bệnh này không còn tiêu chuẩn ổ dịch; hãy báo người quản trị."))
    return _Standing(
        version=row.OutbreakVersion,
        disease=row.disease,
        profile=profiles[row.disease],
        facts=_facts(session, row.OutbreakVersion, row.disease),
        actor=actor,
    )


def _facts(session: Session, version: OutbreakVersion, disease: str) -> Facts:
    found = version.outbreak_id in surveyed_with_vector(session, disease)
    return facts_of(_columns(version), vector=found)


def _columns(version: OutbreakVersion) -> dict[str, Any]:
    """All that a version says, without who and when."""
    own = {"id", "outbreak_id", "known_from", "known_to"}
    return {c.key: getattr(version, c.key) for c in OutbreakVersion.__table__.columns if c.key not in own}


def _keep(
    session: Session,
    standing: _Standing,
    life: Life,
    *,
    today: date,
    now: datetime,
    comment: str | None = None,
) -> None:
    """Write the state after an act as a new version, what led to it as events, and tell the levels."""
    version, before = standing.version, standing.version.status
    if life == standing.life:
        return
    now = max(now, version.known_from)
    columns = {**_columns(version), "status": life.status.value, "life": life_to_json(life)}
    write_version(session, version.outbreak_id, columns, now=now)
    for change in life.history:
        user_id = standing.actor.user_id if change.by is not None else None
        [event] = status_events(version.outbreak_id, [change], now=now, user_id=user_id)
        if comment is not None and change.by is not None:
            event["detail"]["comment"] = comment
        session.add(OutbreakEvent(**event))
    session.flush()
    if (before in OPEN) != (life.status in OPEN):
        tell_levels(session, [standing.disease], today=today, now=now)
        notify(session, "signals")


def _write(
    session: Session, standing: _Standing, kind: str, message: Message, detail: dict[str, Any], now: datetime
) -> OutbreakEvent:
    event = OutbreakEvent(
        outbreak_id=standing.version.outbreak_id, at=now, kind=kind, user_id=standing.actor.user_id,
        message=message.to_json(), detail=detail,
    )  # fmt: skip
    session.add(event)
    session.flush()
    if kind in (SURVEY_EVENT, WITHDRAWN_EVENT):
        notify(session, "surveys")
    return event


def _check_day(standing: _Standing, on: date, today: date) -> None:
    if on > today:
        raise BadEntry(Message("Ngày {day} chưa đến: chỉ ghi việc đã làm.", day=on))
    first = standing.version.first_event
    if on < first:
        raise BadEntry(Message("Ngày {day} trước ca đầu tiên của ổ dịch ({first}).", day=on, first=first))


def _checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise BadEntry(Message("Hãy ghi lý do hoặc nhận xét, không để trống."))
    if len(text) > MAX_COMMENT:
        raise BadEntry(Message("Nội dung dài quá {most} ký tự; hãy viết ngắn lại.", most=MAX_COMMENT))
    return text
