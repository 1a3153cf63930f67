"""What pages and reports read of the register of duties: plain values, no rows. `area_ids` as in views.py."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from accounts.models import User
from alerts.duties import DutyKind, DutyState, Tally, counts, tally
from alerts.duty_models import Duty, DutyEvent
from geodata.models import AdminUnit
from i18n import Message

NAMES: Mapping[DutyKind, Message] = {
    DutyKind.WARNING: Message("Ra thông báo cảnh báo dịch"),
    DutyKind.EPIDEMIC: Message("Ra thông báo có dịch (Mẫu 01)"),
    DutyKind.END: Message("Ra thông báo hết dịch (Mẫu 02)"),
    DutyKind.HANDLING: Message("Bắt đầu xử lý ổ dịch"),
    DutyKind.DAILY: Message("Báo cáo ổ dịch trong ngày"),
    DutyKind.DEATH: Message("Báo cáo ca tử vong"),
    DutyKind.CASES: Message("Báo cáo ca bệnh thuộc nhóm 24 giờ"),
}
STATES: Mapping[DutyState, Message] = {
    DutyState.OPEN: Message("Phải làm"),
    DutyState.DONE: Message("Đã làm"),
    DutyState.NOT_NEEDED: Message("Không còn cần"),
    DutyState.MISSED: Message("Lỡ hạn"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyView:
    """One duty. `settled_by` is None where the data did it."""

    id: int
    kind: DutyKind
    disease: str
    unit_id: int
    unit_name: str
    alert_id: int | None
    met_at: datetime
    due_at: datetime
    state: DutyState
    settled_at: datetime | None
    settled_by: str | None
    recorded_at: datetime | None
    document: str | None
    note: str | None
    why: Message | None
    detail: Mapping[str, Any]
    law: str
    policy_version: str
    policy_hash: str

    @property
    def by_person(self) -> bool:
        return self.settled_by is not None

    def late(self, now: datetime) -> bool:
        """Past its deadline, or done after it."""
        if self.state is DutyState.DONE:
            return self.settled_at is not None and self.settled_at > self.due_at
        return self.state is DutyState.MISSED or (self.state is DutyState.OPEN and self.due_at < now)

    def counted(self, now: datetime) -> bool:
        return counts(self.state, self.due_at, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyEventView:
    """A line of the duty's log. `user_name` None: the data did it."""

    at: datetime
    kind: str
    user_name: str | None
    sentence: Message
    comment: str | None


def duty_list(
    session: Session,
    *,
    area_ids: set[int] | None,
    states: Collection[DutyState] = tuple(DutyState),
    kinds: Collection[DutyKind] | None = None,
    disease: str | None = None,
    unit_ids: Collection[int] | None = None,
    due_from: datetime | None = None,
    due_before: datetime | None = None,
    limit: int | None = 500,
    ids: Collection[int] | None = None,
) -> list[DutyView]:
    """By deadline, the earliest first."""
    wanted = [_within(area_ids), Duty.state.in_(states)]
    wanted += [] if kinds is None else [Duty.kind.in_(kinds)]
    wanted += [] if disease is None else [Duty.disease == disease]
    wanted += [] if unit_ids is None else [Duty.unit_id.in_(unit_ids)]
    wanted += [] if due_from is None else [Duty.due_at >= due_from]
    wanted += [] if due_before is None else [Duty.due_at < due_before]
    wanted += [] if ids is None else [Duty.id.in_(ids)]
    query = _query().where(*wanted).order_by(Duty.due_at, Duty.id).limit(limit)
    return [_view(*row) for row in session.execute(query)]


def duty_detail(
    session: Session, duty_id: int, area_ids: set[int] | None
) -> tuple[DutyView, tuple[DutyEventView, ...]] | None:
    """A duty and its log; None when there is none in these areas."""
    row = session.execute(_query().where(Duty.id == duty_id, _within(area_ids))).one_or_none()
    if row is None:
        return None
    events = session.execute(
        select(DutyEvent, User.full_name)
        .outerjoin(User, User.id == DutyEvent.user_id)
        .where(DutyEvent.duty_id == duty_id)
        .order_by(DutyEvent.id)
    )
    return _view(*row), tuple(
        DutyEventView(
            at=event.at,
            kind=event.kind,
            user_name=name,
            sentence=Message.from_json(event.message),
            comment=event.comment,
        )
        for event, name in events
    )


def duties_of_alert(session: Session, alert_id: int, area_ids: set[int] | None) -> list[DutyView]:
    """Open ones by deadline, then the others, the newest first."""
    rows = session.execute(_query().where(Duty.alert_id == alert_id, _within(area_ids)))
    found = [_view(*row) for row in rows]
    open_ = sorted((d for d in found if d.state is DutyState.OPEN), key=lambda d: (d.due_at, d.id))
    over = sorted((d for d in found if d.state is not DutyState.OPEN), key=lambda d: (d.met_at, d.id))
    return [*open_, *reversed(over)]


def late_count(session: Session, area_ids: set[int] | None, now: datetime) -> int:
    """Open duties past their deadline."""
    wanted = (Duty.state == DutyState.OPEN, Duty.due_at < now, _within(area_ids))
    return session.scalar(select(func.count()).select_from(Duty).where(*wanted)) or 0


def open_counts(session: Session, area_ids: set[int] | None, now: datetime) -> tuple[int, int]:
    """Open duties past their deadline, and open duties in all."""
    wanted = (Duty.state == DutyState.OPEN, _within(area_ids))
    whole_ = session.scalar(select(func.count()).select_from(Duty).where(*wanted)) or 0
    return late_count(session, area_ids, now), whole_


def shares(
    session: Session, *, area_ids: set[int] | None, start: datetime, end: datetime, now: datetime
) -> dict[DutyKind, Tally]:
    """By kind, how many of those due from `start` and before `end` were done in time; kinds with none are absent."""
    rows = session.execute(
        select(Duty.kind, Duty.state, Duty.due_at, Duty.settled_at).where(
            _within(area_ids), Duty.due_at >= start, Duty.due_at < end
        )
    ).all()
    found = {}
    for kind in DutyKind:
        share = tally(((row.state, row.due_at, row.settled_at) for row in rows if row.kind == kind), now)
        if share.counted:
            found[kind] = share
    return found


def whole(found: Mapping[DutyKind, Tally]) -> Tally:
    """All kinds as one."""
    return Tally(
        in_time=sum(share.in_time for share in found.values()),
        counted=sum(share.counted for share in found.values()),
    )


def _query() -> Any:
    return (
        select(Duty, AdminUnit.name, User.full_name)
        .join(AdminUnit, AdminUnit.id == Duty.unit_id)
        .outerjoin(User, User.id == Duty.settled_by)
    )


def _within(area_ids: set[int] | None) -> ColumnElement[bool]:
    return true() if area_ids is None else Duty.unit_id.in_(area_ids)


def _view(duty: Duty, unit_name: str, person: str | None) -> DutyView:
    return DutyView(
        id=duty.id, kind=DutyKind(duty.kind), disease=duty.disease, unit_id=duty.unit_id, unit_name=unit_name,
        alert_id=duty.alert_id, met_at=duty.met_at, due_at=duty.due_at, state=DutyState(duty.state),
        settled_at=duty.settled_at, settled_by=person, recorded_at=duty.recorded_at, document=duty.document,
        note=duty.note, why=Message.from_json(duty.why) if duty.why else None, detail=duty.detail, law=duty.law,
        policy_version=duty.policy_version, policy_hash=duty.policy_hash,
    )  # fmt: skip
