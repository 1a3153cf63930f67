"""The rota: who is on call where and when, and each person's quiet hours."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from accounts.choices import ADDRESSES
from accounts.models import Role, User
from accounts.service import areas_of
from alerts.channels import SMS
from alerts.telling.hours import Quiet
from alerts.telling.models import DutyShift, QuietHours
from geodata.models import AdminUnit
from i18n import Message, MessageError

LONGEST_SHIFT = timedelta(days=14)


class RotaError(MessageError, ValueError):
    """A shift or quiet hours that cannot be kept; the text says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftView:
    """A shift as people read it. `unit_name` None: the whole city. `by_sms`: what it is told goes to `phone` too."""

    id: int
    user_id: int
    name: str
    role: str
    unit_id: int | None
    unit_name: str | None
    starts_at: datetime
    ends_at: datetime
    phone: str | None
    by_sms: bool


def shifts_between(
    session: Session, start: datetime, end: datetime, area_ids: Collection[int] | None = None
) -> Sequence[ShiftView]:
    """Shifts that touch [start, end), by area (the city first) and start. `area_ids`: those of these units and the
    city's (None: all)."""
    query = (
        select(DutyShift, User.full_name, User.role, AdminUnit.name)
        .join(User, User.id == DutyShift.user_id)
        .outerjoin(AdminUnit, AdminUnit.id == DutyShift.unit_id)
        .where(DutyShift.starts_at < end, DutyShift.ends_at > start, DutyShift.removed_at.is_(None))
        .where(User.active)
        .order_by(AdminUnit.name.nulls_first(), DutyShift.starts_at, DutyShift.id)
    )
    if area_ids is not None:
        query = query.where(DutyShift.unit_id.is_(None) | DutyShift.unit_id.in_(area_ids))
    return [
        ShiftView(
            id=row.id,
            user_id=row.user_id,
            name=name,
            role=role,
            unit_id=row.unit_id,
            unit_name=unit_name,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            phone=row.phone,
            by_sms=row.channel == SMS,
        )
        for row, name, role, unit_name in session.execute(query)
    ]


def add_shift(
    session: Session,
    *,
    by: User,
    user_id: int,
    unit_id: int | None,
    starts_at: datetime,
    ends_at: datetime,
    phone: str,
    by_sms: bool,
    now: datetime,
) -> DutyShift:
    """Put somebody on call. Raises RotaError: no right, a wrong span or number, a person who may not see the area."""
    if by.role != Role.ANALYST:
        raise RotaError(Message("Chỉ chuyên viên phân tích được xếp lịch trực."))
    person = session.get(User, user_id)
    if person is None or not person.active:
        raise RotaError(Message("Hãy chọn người trực."))
    if not _answers_for(session, person, unit_id):
        raise RotaError(
            Message(
                "{name} không phụ trách địa bàn này nên không mở được cảnh báo ở đó.", name=person.full_name
            )
        )
    if not starts_at < ends_at <= starts_at + LONGEST_SHIFT:
        raise RotaError(
            Message("Ca trực phải kết thúc sau khi bắt đầu, và dài nhất {n} ngày.", n=LONGEST_SHIFT.days)
        )
    if ends_at <= now:
        raise RotaError(Message("Ca trực này đã qua."))
    number = _number(phone)
    if by_sms and number is None:
        raise RotaError(Message("Muốn nhắn SMS thì cần số di động của ca trực."))
    row = DutyShift(
        user_id=user_id, unit_id=unit_id, starts_at=starts_at, ends_at=ends_at, phone=number,
        channel=SMS if by_sms else None, made_by=by.id, made_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def remove_shift(session: Session, shift_id: int, *, by: User, now: datetime) -> None:
    """Take a shift out of the rota; its row stays. Twice is no error."""
    if by.role != Role.ANALYST:
        raise RotaError(Message("Chỉ chuyên viên phân tích được xếp lịch trực."))
    row = session.get(DutyShift, shift_id, with_for_update=True)
    if row is not None and row.removed_at is None:
        row.removed_at, row.removed_by = now, by.id


def people_for_shifts(session: Session) -> Sequence[tuple[int, str, str]]:
    """Id, name and role of everybody who can be put on call."""
    rows = session.execute(
        select(User.id, User.full_name, User.role).where(User.active).order_by(User.full_name, User.id)
    )
    return [(row.id, row.full_name, row.role) for row in rows]


def quiet_of(session: Session, user_id: int) -> Quiet | None:
    row = session.get(QuietHours, user_id)
    return Quiet(starts=row.starts, ends=row.ends) if row is not None else None


def set_quiet(session: Session, user_id: int, starts: str | None, ends: str | None, now: datetime) -> None:
    """From and until as HH:MM; both empty: none. Raises RotaError."""
    if not starts and not ends:
        session.execute(delete(QuietHours).where(QuietHours.user_id == user_id))
        return
    values: Mapping[str, object] = {"starts": _hour(starts), "ends": _hour(ends), "changed_at": now}
    if values["starts"] == values["ends"]:
        raise RotaError(Message("Giờ bắt đầu và giờ kết thúc trùng nhau."))
    row = insert(QuietHours).values(user_id=user_id, **values)
    session.execute(row.on_conflict_do_update(index_elements=["user_id"], set_=dict(values)))


def _answers_for(session: Session, person: User, unit_id: int | None) -> bool:
    areas = areas_of(session, person)
    return areas is None or (unit_id is not None and unit_id in areas)


def _number(phone: str) -> str | None:
    """As accounts.choices keeps it: 84901234567; a landline as well, since people call it."""
    text = re.sub(r"[\s.()+-]", "", phone)
    if not text:
        return None
    text = re.sub(r"^0(?=\d{9,10}$)", "84", text)
    pattern, wrong = ADDRESSES[SMS]
    if not pattern.fullmatch(text):
        raise RotaError(wrong)
    return text


def _hour(text: str | None) -> time:
    try:
        return time.fromisoformat(text or "")
    except ValueError:
        raise RotaError(Message("Hãy ghi giờ dạng 21:30, cả giờ bắt đầu và giờ kết thúc.")) from None
