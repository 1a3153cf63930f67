"""Days on which fewer people are seen and reported in Viet Nam: Tết and the public holidays."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np

from surveillance.types import BoolArray, FloatArray

TABLE = Path(__file__).with_name("vietnam_holidays.csv")
FIXED = ((1, 1), (4, 30), (5, 1), (9, 2))
TET_CLOSED = range(-2, 5)
"""Days around the first of Tết on which most offices and clinics are closed."""
TET_AFTER = range(5, 12)
"""The week after, in which the cases kept back come in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingHolidays:
    tet: date
    hung_kings: date


@cache
def moving_holidays() -> Mapping[int, MovingHolidays]:
    """By year, 2015–2035."""
    with TABLE.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {
            int(row["year"]): MovingHolidays(
                tet=date.fromisoformat(row["tet"]), hung_kings=date.fromisoformat(row["hung_kings"])
            )
            for row in rows
        }


def holiday_columns(start: date, days: int) -> tuple[FloatArray, BoolArray]:
    """(days, 3) of 0 and 1 for Tết, the week after it, and the other public holidays; and (days,) whether the
    year's calendar is known here."""
    table, columns, known = moving_holidays(), np.zeros((days, 3)), np.zeros(days, dtype=np.bool_)
    for index in range(days):
        day = start + timedelta(days=index)
        moving = table.get(day.year)
        if moving is None:
            continue
        known[index] = True
        from_tet = (day - moving.tet).days
        columns[index, 0] = from_tet in TET_CLOSED
        columns[index, 1] = from_tet in TET_AFTER
        columns[index, 2] = (day.month, day.day) in FIXED or day == moving.hung_kings
    columns[columns[:, 0] == 1, 2] = 0
    return columns, known


def is_day_off(day: date) -> bool:
    """Whether offices are closed for Tết or a public holiday. Outside the table's years only the fixed are known."""
    moving = moving_holidays().get(day.year)
    if (day.month, day.day) in FIXED:
        return True
    return moving is not None and (day == moving.hung_kings or (day - moving.tet).days in TET_CLOSED)
