"""Days on which a series stops being comparable: a unit's land changed, or the city took in others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.releases import crosswalk_between, first_days


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """`former`: the part of a unit that each earlier unit gave; `changed`: whether it is more, or less, than one of
    them was."""

    on: date
    former: dict[int, float]
    changed: bool


def origin(session: Session, unit_id: int, valid_from: date) -> Origin | None:
    """What a unit was made of on its first day; None for a unit of the oldest release."""
    days = first_days(session)
    earlier = [day for day in days if day < valid_from]
    if valid_from not in days or not earlier:
        return None
    former = crosswalk_between(session, valid_from, earlier[-1]).row(unit_id)
    forward = crosswalk_between(session, earlier[-1], valid_from)
    same = len(former) == 1 and list(forward.row(next(iter(former)))) == [unit_id]
    return Origin(on=valid_from, former=former, changed=not same)


def city_grew(session: Session) -> dict[date, int]:
    """First days of releases whose provinces were made of several: how many they were before."""
    query = text(
        """
        WITH unit AS (
            SELECT u.valid_from, u.valid_to,
                CASE WHEN parent.level = 'province' THEN parent.id ELSE above.id END AS province
            FROM admin_unit u
            JOIN admin_unit parent ON parent.id = u.parent_id
            LEFT JOIN admin_unit above ON above.id = parent.parent_id
            WHERE u.level = 'commune'
        )
        SELECT count(DISTINCT province) FROM unit
        WHERE province IS NOT NULL AND valid_from <= :on AND (valid_to IS NULL OR valid_to > :on)
        """
    )
    days = first_days(session)
    provinces = {day: session.scalar(query, {"on": day}) or 0 for day in days}
    before = {day: session.scalar(query, {"on": day - timedelta(days=1)}) or 0 for day in days}
    return {day: before[day] for day in days if provinces[day] and before[day] > provinces[day]}
