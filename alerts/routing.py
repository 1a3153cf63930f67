"""Who is told of a change, by which channel; and for everyone else in that area, why not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from accounts.models import Role
from alerts.channels import EMAIL, IN_APP
from alerts.lifecycle import Change, Kind, severity
from alerts.rules import Routing
from i18n import Message

LOUD = frozenset({Kind.OPENED, Kind.REOPENED, Kind.RAISED})
"""Changes that may be sent by e-mail for their level alone; a new statutory status always may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An active user. `area_ids`: units as assigned, not expanded; empty means the whole city for an
    analyst or manager and nothing for an officer (accounts.service.areas_of)."""

    id: int
    role: Role
    has_email: bool
    area_ids: frozenset[int]

    def covers(self, unit_line: Iterable[int]) -> bool:
        """`unit_line`: the unit and all it lies in, so that who is assigned the parent covers the whole."""
        if not self.area_ids:
            return self.role != Role.OFFICER
        return not self.area_ids.isdisjoint(unit_line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    user_id: int
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Muted:
    """Why a person of the area gets nothing by `channel`."""

    user_id: int
    channel: str
    reason: Message


def recipients(change: Change, people: Sequence[Person], routing: Routing) -> tuple[list[Told], list[Muted]]:
    """`people`: those whose area holds the unit, nobody else. Order follows theirs, in-app before e-mail."""
    told: list[Told] = []
    muted: list[Muted] = []
    for person in people:
        for channel in (IN_APP, EMAIL):
            reason = _why_not(change, person, channel, routing)
            if reason is None:
                told.append(Told(user_id=person.id, channel=channel))
            else:
                muted.append(Muted(user_id=person.id, channel=channel, reason=reason))
    return told, muted


def _why_not(change: Change, person: Person, channel: str, routing: Routing) -> Message | None:
    if person.role == Role.MANAGER:
        return Message("Người quản lý xem bản tin và bảng điều hành, không nhận từng cảnh báo.")
    if channel == IN_APP:
        return _why_not_in_app(change)
    if person.role == Role.ANALYST:
        return Message("Chuyên viên phân tích theo dõi trong hộp cảnh báo, không nhận thư.")
    return _why_no_email(change, routing) or (
        None if person.has_email else Message("Tài khoản chưa có địa chỉ thư điện tử.")
    )


def _why_not_in_app(change: Change) -> Message | None:
    if change.kind is Kind.EVIDENCE and not (change.status_rose or change.status_ended):
        return Message("Chỉ thêm bằng chứng, mức không đổi: ghi vào nhật ký, không báo lại.")
    return None


def _why_no_email(change: Change, routing: Routing) -> Message | None:
    """Statutory duties first: a status newly met, or ended, is always sent (art. 26, 24 hours)."""
    if change.status_rose or change.status_ended:
        return None
    if change.kind not in LOUD:
        return Message("Mức không tăng và không có nghĩa vụ mới: chỉ báo trong hộp cảnh báo.")
    if change.level >= routing.email_min_level or severity(change.status):
        return None
    return Message(
        "Thư chỉ gửi từ mức {level} trở lên, hoặc khi có tình trạng cảnh báo, có dịch.",
        level=str(int(routing.email_min_level)),
    )
