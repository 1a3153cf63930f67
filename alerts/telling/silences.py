"""Silences: an area and disease kept quiet until a moment, by somebody, for a reason. Never red, never a legal duty.

What a silence hides stays in the alert's log and in the inbox, marked. It ends by itself; then people are told of
alerts that stand higher than when it began (alerts/telling/steps.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from accounts.models import Role, User
from accounts.service import areas_of, full_names
from alerts.levels import Level
from alerts.lifecycle import ALERT_LEVEL, Change, Kind
from alerts.models import Alert, AlertEvent
from alerts.routing import is_urgent
from alerts.telling.models import Silence
from alerts.telling.rules import TellingRules
from geodata.models import AdminUnit
from i18n import Message, MessageError

MOST_REASON = 300
SHORTEST = timedelta(minutes=10)
LEVELS = (Level.TRUNG_BINH, Level.CAO)


class SilenceError(MessageError, ValueError):
    """A silence that cannot be made or ended; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hush:
    """A silence as it stands, with the names of its area and of who made it."""

    id: int
    unit_id: int
    unit_name: str
    disease: str | None
    level_max: Level
    starts_at: datetime
    ends_at: datetime
    reason: str
    by: str

    def covers(self, unit_line: Collection[int], disease: str) -> bool:
        return self.unit_id in unit_line and self.disease in (None, disease)

    def words(self) -> Message:
        return Message(
            "Đang tạm im đến {until}, vì: {reason} (do {name}).",
            until=self.ends_at,
            reason=self.reason,
            name=self.by,
        )


def hides(silence: Hush, change: Change) -> bool:
    return change.level <= silence.level_max and not is_urgent(change)


def hiding(silences: Iterable[Hush], unit_line: Collection[int], disease: str, change: Change) -> Hush | None:
    """The silence that hides `change` longest; None: people are told."""
    found = [one for one in silences if one.covers(unit_line, disease) and hides(one, change)]
    return max(found, key=lambda one: one.ends_at, default=None)


def silences_at(session: Session, now: datetime, area_ids: Collection[int] | None = None) -> Sequence[Hush]:
    """Those in force `now`, the first to end before the others. `area_ids`: only of these units (None: all)."""
    return _read(session, in_force(now), area_ids)


def in_force(now: datetime) -> ColumnElement[bool]:
    """`ended_at` may be later than `now` where the clock of the data is behind: it is over all the same."""
    return and_(Silence.starts_at <= now, Silence.ends_at > now, Silence.ended_at.is_(None))


def _read(session: Session, wanted: ColumnElement[bool], area_ids: Collection[int] | None) -> Sequence[Hush]:
    query = select(Silence, AdminUnit.name, User.full_name).where(wanted)
    query = query.join(AdminUnit, AdminUnit.id == Silence.unit_id).join(User, User.id == Silence.user_id)
    if area_ids is not None:
        query = query.where(Silence.unit_id.in_(area_ids))
    rows = session.execute(query.order_by(Silence.ends_at, Silence.id))
    return [
        Hush(
            id=silence.id,
            unit_id=silence.unit_id,
            unit_name=unit_name,
            disease=silence.disease,
            level_max=Level(silence.level_max),
            starts_at=silence.starts_at,
            ends_at=silence.ends_at,
            reason=silence.reason,
            by=by,
        )
        for silence, unit_name, by in rows
    ]


def silence(
    session: Session,
    *,
    user: User,
    unit_id: int,
    disease: str | None,
    level_max: int,
    ends_at: datetime,
    reason: str,
    rules: TellingRules,
    now: datetime,
) -> Silence:
    """Begin a silence, and write it into the log of every open alert under it. Raises SilenceError."""
    _check_right(session, user, unit_id)
    reason = " ".join(reason.split())
    if not 5 <= len(reason) <= MOST_REASON:
        raise SilenceError(Message("Hãy ghi lý do, từ 5 đến {most} ký tự.", most=MOST_REASON))
    if level_max not in LEVELS:
        raise SilenceError(Message("Chỉ tạm im được đến mức cao; mức rất cao luôn được báo."))
    if not now + SHORTEST <= ends_at <= now + rules.longest_silence:
        raise SilenceError(
            Message(
                "Giờ kết thúc phải sau bây giờ ít nhất 10 phút và không quá {days} ngày.",
                days=rules.longest_silence.days,
            )
        )
    row = Silence(
        unit_id=unit_id, disease=disease, level_max=level_max, starts_at=now, ends_at=ends_at,
        reason=reason, user_id=user.id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    sentence = Message("Tạm im đến {until}, vì: {reason}", until=ends_at, reason=reason)
    _note(session, row, Kind.SILENCED, user.id, sentence, now)
    return row


def end_silence(session: Session, silence_id: int, *, user: User, now: datetime) -> Silence:
    """End it now. Raises SilenceError when it is over already, or another's area."""
    row = session.get(Silence, silence_id, with_for_update=True)
    if row is None:
        raise SilenceError(Message("Không có lần tạm im này trong địa bàn bạn phụ trách."))
    _check_right(session, user, row.unit_id)
    if row.ended_at is not None or row.ends_at <= now:
        raise SilenceError(Message("Lần tạm im này đã kết thúc. Hãy tải lại trang."))
    row.ended_at, row.ended_by = now, user.id
    _note(session, row, Kind.SILENCE_ENDED, user.id, Message("Kết thúc tạm im sớm."), now)
    return row


def may_silence(session: Session, user: User, unit_id: int) -> bool:
    """Analysts, and officers in their own areas; managers decide on people, not on single alerts."""
    if not user.active or user.role == Role.MANAGER:
        return False
    area_ids = areas_of(session, user)
    return area_ids is None or unit_id in area_ids


def past_silences(
    session: Session, now: datetime, area_ids: Collection[int] | None, limit: int = 10
) -> Sequence[tuple[Hush, datetime, str | None]]:
    """Those that are over, the last first: with when, and who ended it before its time."""
    over = or_(Silence.ends_at <= now, Silence.ended_at.is_not(None))
    wanted = over if area_ids is None else and_(over, Silence.unit_id.in_(area_ids))
    ended = func.coalesce(Silence.ended_at, Silence.ends_at)
    rows = session.execute(
        select(Silence.id, ended, Silence.ended_by)
        .where(wanted)
        .order_by(ended.desc(), Silence.id.desc())
        .limit(limit)
    ).all()
    found = {one.id: one for one in _read(session, Silence.id.in_([row.id for row in rows]), None)}
    names = full_names(session, [row.ended_by for row in rows if row.ended_by])
    return [(found[id_], at, names.get(by) if by else None) for id_, at, by in rows]


def _check_right(session: Session, user: User, unit_id: int) -> None:
    if not may_silence(session, user, unit_id):
        raise SilenceError(
            Message(
                "Chỉ chuyên viên phân tích và cán bộ phụ trách địa bàn này được tạm im hay kết thúc tạm im."
            )
        )


def alerts_under(row: Silence) -> list[ColumnElement[bool]]:
    """Conditions on open alerts of the silence's area and disease."""
    inside = select(AdminUnit.id).where(AdminUnit.id == row.unit_id).cte("silenced_units", recursive=True)
    inside = inside.union(select(AdminUnit.id).join(inside, AdminUnit.parent_id == inside.c.id))
    wanted = [Alert.state != "closed", Alert.level >= ALERT_LEVEL, Alert.unit_id.in_(select(inside.c.id))]
    return wanted if row.disease is None else [*wanted, Alert.disease == row.disease]


def _note(session: Session, row: Silence, kind: Kind, user_id: int, sentence: Message, now: datetime) -> None:
    alerts = session.execute(select(Alert.id, Alert.level).where(*alerts_under(row)).order_by(Alert.id))
    session.add_all(
        AlertEvent(
            alert_id=alert.id,
            at=now,
            kind=kind.value,
            user_id=user_id,
            level=alert.level,
            message=sentence.to_json(),
        )
        for alert in alerts
    )
    session.flush()
