"""Levels on the units of another boundary release: those of the communes of today that each went into."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy.orm import Session

from alerts.levels import UNKNOWN, Level, Shown
from geodata.releases import crosswalk_between, find_release


def chosen_release(session: Session, text: str | None) -> date | None:
    """The first day of the release that a URL names; None for today's, and for anything that is none."""
    if not text:
        return None
    today = find_release(session, None)
    found = find_release(session, text)
    return None if found is None or found == today else found.on


def levels_on_release(session: Session, release: date, levels: Mapping[int, Shown]) -> dict[int, Shown]:
    """The highest level of a unit's successors; unknown where none of them has one."""
    today = find_release(session, None)
    assert today is not None
    walk = crosswalk_between(session, release, today.on)
    return {unit: _highest([levels.get(x, UNKNOWN) for x in walk.row(unit)]) for unit in walk.sources}


def _highest(levels: list[Shown]) -> Shown:
    known = [level for level in levels if isinstance(level, Level)]
    return max(known, default=UNKNOWN)
