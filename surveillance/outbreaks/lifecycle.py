"""The life of an outbreak: suspected, confirmed, active, monitoring, proposed for closing, closed, re-opened.

Pure: the state, what is known of the outbreak and the day go in, the next state or a refusal comes out. Data move an
outbreak on by themselves (`advance`); people act (`act`). Each change is kept, with its day, its author and its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from i18n import Message
from surveillance.outbreaks.outbreak import Outbreak
from surveillance.outbreaks.profiles import Profile


class Status(StrEnum):
    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"
    ACTIVE = "active"
    MONITORING = "monitoring"
    PROPOSED = "proposed"
    CLOSED = "closed"
    REOPENED = "reopened"
    MERGED = "merged"
    DISSOLVED = "dissolved"


class Act(StrEnum):
    CONFIRM = "confirm"
    START_HANDLING = "start_handling"
    PROPOSE_CLOSING = "propose_closing"
    KEEP_OPEN = "keep_open"
    CLOSE = "close"
    REOPEN = "reopen"


NAMES: Mapping[Status, str] = {
    Status.SUSPECTED: "Nghi ngờ",
    Status.CONFIRMED: "Xác định",
    Status.ACTIVE: "Đang xử lý",
    Status.MONITORING: "Đang theo dõi",
    Status.PROPOSED: "Đề nghị đóng",
    Status.CLOSED: "Đã đóng",
    Status.REOPENED: "Mở lại",
    Status.MERGED: "Đã nhập vào ổ khác",
    Status.DISSOLVED: "Không còn là ổ dịch",
}
OPEN = (Status.CONFIRMED, Status.ACTIVE, Status.REOPENED)
ALLOWED: Mapping[Act, tuple[Status, ...]] = {
    Act.CONFIRM: (Status.SUSPECTED,),
    Act.START_HANDLING: (Status.SUSPECTED, Status.CONFIRMED, Status.REOPENED),
    Act.PROPOSE_CLOSING: (Status.SUSPECTED, *OPEN, Status.MONITORING),
    Act.KEEP_OPEN: (Status.PROPOSED,),
    Act.CLOSE: (Status.SUSPECTED, *OPEN, Status.MONITORING, Status.PROPOSED),
    Act.REOPEN: (Status.CLOSED,),
}
NOT_NOW = "Việc này không làm được khi ổ dịch ở trạng thái “{status}”."
TOO_EARLY = (
    "Chưa đóng được ổ dịch: ca cuối ngày {last}, tiêu chuẩn {profile} yêu cầu {days} ngày không có ca mới. "
    "Sớm nhất là ngày {day}."
)
TOO_LATE = "Không mở lại được: đã quá {days} ngày kể từ ca cuối (hạn {day}). Hãy lập ổ dịch mới."
NEEDS_CONFIRMED = "Chưa xác định được ổ dịch: cần ít nhất {n} ca xác định, mới có {found}."
NEEDS_VECTOR = (
    "Chưa xác định được ổ dịch: chưa tìm thấy lăng quăng hoặc muỗi truyền bệnh (tiêu chuẩn {profile})."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of an outbreak today. `doubt` is the note a person must look at before it is confirmed."""

    confirmed: int
    criteria_met_on: date
    last_event: date
    vector_found: bool = False
    doubt: Message | None = None

    @classmethod
    def of(cls, outbreak: Outbreak, *, vector_found: bool = False) -> Facts:
        return cls(
            confirmed=outbreak.confirmed,
            criteria_met_on=outbreak.criteria_met_on,
            last_event=outbreak.last_event,
            vector_found=vector_found,
            doubt=next(iter(outbreak.doubts), None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of the history. `by` is None where the data did it."""

    on: date
    before: Status
    after: Status
    reason: Message
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Where an outbreak stands. `last_event` is the one it was closed with, None while it never was."""

    status: Status = Status.SUSPECTED
    confirmed_on: date | None = None
    closed_on: date | None = None
    last_event: date | None = None
    kept_open_until: date | None = None
    history: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an act is refused, and the first day it will not be; None where no day helps."""

    reason: Message
    until: date | None = None


def advance(life: Life, facts: Facts, profile: Profile, *, today: date) -> Life:
    """The state the data lead to by `today`; the same state when nothing is due. Safe to call every night."""
    for _ in range(len(Status)):
        following = _next(life, facts, profile, today)
        if following is life:
            return life
        life = following
    return life


def act(life: Life, wanted: Act, facts: Facts, profile: Profile, *, today: date, by: str) -> Life | Refusal:
    """The state after a person's act on `today`, or why it is refused."""
    life = advance(life, facts, profile, today=today)
    refusal = _refusal(life, wanted, facts, profile, today)
    return refusal or _done(life, wanted, facts, profile, today, by)


def missing_to_confirm(facts: Facts, profile: Profile) -> Message | None:
    """What keeps the outbreak suspected; None when nothing does. A person may overrule a doubt, nothing else."""
    if facts.confirmed < profile.min_confirmed:
        return Message(NEEDS_CONFIRMED, n=profile.min_confirmed, found=facts.confirmed)
    if profile.vector_needed and not facts.vector_found:
        return Message(NEEDS_VECTOR, profile=profile.code)
    return None


def closing_from(facts: Facts, profile: Profile) -> date:
    return facts.last_event + timedelta(days=profile.quiet_days)


def end(life: Life, status: Status, reason: Message, *, today: date) -> Life:
    """An outbreak the data took away: MERGED or DISSOLVED."""
    return _changed(life, status, reason, today)


def _next(life: Life, facts: Facts, profile: Profile, today: date) -> Life:
    quiet = today >= facts.last_event + timedelta(days=profile.monitor_after_days)
    over = today >= closing_from(facts, profile)
    held = life.kept_open_until is not None and today < life.kept_open_until
    match life.status:
        case Status.SUSPECTED if not (missing_to_confirm(facts, profile) or facts.doubt):
            return _confirmed(life, facts, profile, today, None)
        case Status.SUSPECTED | Status.MONITORING if over and not held:
            return _changed(life, Status.PROPOSED, Message("Đã đủ số ngày không có ca mới."), today)
        case Status.CONFIRMED | Status.ACTIVE | Status.REOPENED if quiet:
            return _changed(life, Status.MONITORING, Message("Không có ca mới gần đây."), today)
        case Status.MONITORING | Status.PROPOSED if not quiet:
            return _changed(life, Status.ACTIVE, Message("Có ca mới."), today)
        case Status.PROPOSED if not over:
            return _changed(life, Status.MONITORING, Message("Có ca mới."), today)
        case Status.CLOSED if _has_new_case(life, facts, profile):
            return _changed(life, Status.REOPENED, Message("Có ca mới trong thời hạn mở lại."), today)
    return life


def _has_new_case(life: Life, facts: Facts, profile: Profile) -> bool:
    if life.last_event is None:
        return False
    return 0 < (facts.last_event - life.last_event).days <= profile.reopen_days


def _refusal(life: Life, wanted: Act, facts: Facts, profile: Profile, today: date) -> Refusal | None:
    if life.status not in ALLOWED[wanted]:
        return Refusal(reason=Message(NOT_NOW, status=Message(NAMES[life.status])))
    if wanted is Act.CONFIRM and (missing := missing_to_confirm(facts, profile)):
        return Refusal(reason=missing)
    if wanted in (Act.CLOSE, Act.PROPOSE_CLOSING) and today < (first := closing_from(facts, profile)):
        reason = Message(
            TOO_EARLY, last=facts.last_event, profile=profile.code, days=profile.quiet_days, day=first
        )
        return Refusal(reason=reason, until=first)
    last_day = facts.last_event + timedelta(days=profile.reopen_days)
    if wanted is Act.REOPEN and today > last_day:
        return Refusal(reason=Message(TOO_LATE, days=profile.reopen_days, day=last_day))
    return None


def _done(life: Life, wanted: Act, facts: Facts, profile: Profile, today: date, by: str) -> Life:
    match wanted:
        case Act.CONFIRM:
            return _confirmed(life, facts, profile, today, by)
        case Act.START_HANDLING:
            return _changed(life, Status.ACTIVE, Message("Bắt đầu xử lý."), today, by)
        case Act.PROPOSE_CLOSING:
            return _changed(life, Status.PROPOSED, Message("Đề nghị đóng ổ dịch."), today, by)
        case Act.KEEP_OPEN:
            held = replace(life, kept_open_until=today + timedelta(days=profile.monitor_after_days or 1))
            return _changed(held, Status.MONITORING, Message("Tiếp tục theo dõi."), today, by)
        case Act.CLOSE:
            closed = replace(life, closed_on=today, last_event=facts.last_event)
            return _changed(closed, Status.CLOSED, Message("Đóng ổ dịch."), today, by)
        case Act.REOPEN:
            return _changed(life, Status.REOPENED, Message("Mở lại ổ dịch."), today, by)


def _confirmed(life: Life, facts: Facts, profile: Profile, today: date, by: str | None) -> Life:
    """HCDC's date of confirmation is the report date that met the criteria; where more was awaited, today."""
    waited = (
        by is not None or profile.vector_needed or (profile.min_confirmed and not profile.alone_confirmed)
    )
    on = today if waited else facts.criteria_met_on
    return _changed(
        replace(life, confirmed_on=on), Status.CONFIRMED, Message("Đủ tiêu chuẩn ổ dịch."), today, by
    )


def _changed(life: Life, after: Status, reason: Message, today: date, by: str | None = None) -> Life:
    change = Change(on=today, before=life.status, after=after, reason=reason, by=by)
    return replace(life, status=after, history=(*life.history, change))
