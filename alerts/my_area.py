"""The levels of one person's area by commune and disease, and what changed since a moment. The comparison is pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from alerts.lifecycle import Kind
from alerts.models import AlertEvent, AreaLevel
from geodata.models import AdminUnit

Move = Literal["up", "down", "silent", "known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitLevel:
    """The level of one disease in one commune."""

    unit_id: int
    unit_name: str
    disease: str
    level: int
    unknown: bool
    status: str

    @property
    def key(self) -> tuple[int, str]:
        return self.unit_id, self.disease


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelMove:
    """How a level moved; "silent": its sources fell silent, "known": they speak again."""

    move: Move
    after: UnitLevel


def area_levels(
    session: Session, area_ids: Collection[int] | None, as_of: datetime | None = None
) -> tuple[UnitLevel, ...]:
    """As believed at `as_of` (None: now) in these units (None: all); the highest first, then by name and disease."""
    level = AreaLevel
    if as_of is None:
        standing: ColumnElement[bool] = level.known_to.is_(None)
    else:
        standing = and_(level.known_from <= as_of, or_(level.known_to.is_(None), level.known_to > as_of))
    query = (
        select(level.unit_id, AdminUnit.name, level.disease, level.level, level.unknown, level.status)
        .join(AdminUnit, AdminUnit.id == level.unit_id)
        .where(standing)
        .order_by(level.level.desc(), AdminUnit.name, level.disease)
    )
    if area_ids is not None:
        query = query.where(level.unit_id.in_(area_ids))
    return tuple(
        UnitLevel(
            unit_id=row.unit_id, unit_name=row.name, disease=row.disease, level=row.level,
            unknown=row.unknown, status=row.status,
        )
        for row in session.execute(query)
    )  # fmt: skip


def moves(before: Sequence[UnitLevel], after: Sequence[UnitLevel]) -> tuple[LevelMove, ...]:
    """What is different in `after`, rises first. An area judged for the first time counts from level 1."""
    old = {level.key: level for level in before}
    found = [LevelMove(move=move, after=now) for now in after if (move := _move(old.get(now.key), now))]
    order: tuple[Move, ...] = ("up", "silent", "known", "down")
    return tuple(sorted(found, key=lambda moved: (order.index(moved.move), -moved.after.level)))


def _move(old: UnitLevel | None, now: UnitLevel) -> Move | None:
    level, unknown = (old.level, old.unknown) if old else (1, False)
    if now.level != level:
        return "up" if now.level > level else "down"
    if now.unknown != unknown:
        return "silent" if now.unknown else "known"
    return None


def acknowledged(session: Session, alert_id: int) -> tuple[int | None, datetime] | None:
    """Who took the alert on last, and when."""
    row = session.execute(
        select(AlertEvent.user_id, AlertEvent.at)
        .where(AlertEvent.alert_id == alert_id, AlertEvent.kind == Kind.ACKNOWLEDGED.value)
        .order_by(AlertEvent.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.user_id, row.at)
