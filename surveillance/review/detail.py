"""One waiting case as a person looks at it, and what was decided lately. Reading only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geodata.aliases import AreaWords
from geodata.models import AdminUnit, Boundary
from geodata.places import Bounds
from geodata.types import Match
from surveillance.place import Placer
from surveillance.privacy import Vault
from surveillance.review.models import AddressFix
from surveillance.review.queue import Waiting, undone, waiting, waiting_count
from surveillance.review.texts import lesson, look_up, read_words

SMOOTHED_DEGREES = 0.0003
"""About 30 m: a commune on a map as wide as a hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateView:
    """A commune the case may lie in. `share` of one; `shape` (GeoJSON), `point` (lon, lat) and `bounds` in degrees
    where it has a boundary."""

    unit_id: int
    name: str
    share: float | None = None
    shape: dict[str, Any] | None = None
    point: tuple[float, float] | None = None
    bounds: Bounds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDetail:
    """`together`: how many waiting cases share its words, itself among them. `former`: the old unit its words name.
    `lesson`: what a decision teaches; None where nothing may be learnt."""

    case: Waiting
    together: int
    candidates: tuple[CandidateView, ...]
    former: str | None
    lesson: AreaWords | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActView:
    """One press of a button: who, when, what, for how many cases. `stands`: how many of them it still decides."""

    act: int
    at: datetime
    user_id: int
    kind: str
    reason: str | None
    unit_name: str | None
    case_id: int
    cases: int
    stands: int


def case_detail(
    session: Session, case_id: int, area_ids: Sequence[int] | set[int] | None, *, placer: Placer, vault: Vault
) -> CaseDetail | None:
    """None when no such case waits for a reader with these areas."""
    found = waiting(session, area_ids, case_id=case_id)
    if not found:
        return None
    case = found[0]
    together = waiting_count(session, area_ids, group_key=case.group_key) if case.group_key else 1
    match, learnt = Match(unit=None), None
    if case.words_id is not None:
        words = read_words(session, case.words_id, vault)
        match = look_up(words, placer)
        learnt = lesson(words, match) if area_ids is None else None
    return CaseDetail(
        case=case,
        together=together,
        candidates=tuple(candidates(session, case.candidates, shares_of(match, placer))),
        former=_former_name(match, placer),
        lesson=learnt,
    )


def _former_name(match: Match, placer: Placer) -> str | None:
    """The old unit the words name, with its district."""
    if placer.gazetteer is None or match.former is None:
        return None
    units = placer.gazetteer.units
    unit = units[match.former]
    return f"{unit.name}, {units[unit.parent].name}" if unit.parent else unit.name


def shares_of(match: Match, placer: Placer) -> dict[int, float]:
    return {placer.unit_ids[c.unit]: c.share for c in match.candidates if c.unit in placer.unit_ids}


def candidates(
    session: Session, unit_ids: Sequence[int], shares: dict[int, float] | None = None
) -> list[CandidateView]:
    """In the order given; units that are gone are left out."""
    shape = func.ST_SimplifyPreserveTopology(Boundary.geom, SMOOTHED_DEGREES)
    inside = func.ST_PointOnSurface(Boundary.geom)
    query = (
        select(
            AdminUnit.id, AdminUnit.name, func.ST_AsGeoJSON(shape, 5).label("shape"),
            func.ST_X(inside).label("lon"), func.ST_Y(inside).label("lat"),
            func.ST_XMin(Boundary.geom).label("west"), func.ST_YMin(Boundary.geom).label("south"),
            func.ST_XMax(Boundary.geom).label("east"), func.ST_YMax(Boundary.geom).label("north"),
        )
        .outerjoin(Boundary, Boundary.unit_id == AdminUnit.id)
        .where(AdminUnit.id.in_(unit_ids))
    )  # fmt: skip
    found = {row.id: row for row in session.execute(query)}
    return [_candidate(found[unit], shares or {}) for unit in unit_ids if unit in found]


def _candidate(row: Any, shares: dict[int, float]) -> CandidateView:
    known = row.shape is not None
    return CandidateView(
        unit_id=row.id,
        name=row.name,
        share=shares.get(row.id),
        shape=json.loads(row.shape) if known else None,
        point=(row.lon, row.lat) if known else None,
        bounds=(row.west, row.south, row.east, row.north) if known else None,
    )


def unit_covering(session: Session, lon: float, lat: float) -> int | None:
    """The commune drawn around a point, also where its boundary is generated: a suggestion for a person, no answer."""
    query = text(
        "SELECT b.unit_id FROM boundary b JOIN admin_unit u ON u.id = b.unit_id"
        " WHERE u.level = 'commune' AND u.valid_to IS NULL"
        " AND ST_Covers(b.geom, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)) ORDER BY b.synthetic, b.unit_id LIMIT 1"
    )
    return session.scalar(query, {"lon": lon, "lat": lat})


def recent_acts(session: Session, *, user_id: int | None, limit: int = 50) -> list[ActView]:
    """Newest first; of one person when `user_id` is given. Takings back are acts too."""
    query = select(
        AddressFix.act, func.min(AddressFix.at).label("at"), func.min(AddressFix.user_id).label("user_id"),
        func.min(AddressFix.kind).label("kind"), func.min(AddressFix.reason).label("reason"),
        func.min(AddressFix.case_id).label("case_id"), func.count().label("cases"),
        func.min(AddressFix.after["unit_id"].astext).label("unit"),
        func.count().filter(AddressFix.kind != "undo", ~undone(AddressFix.id)).label("stands"),
    ).group_by(AddressFix.act)  # fmt: skip
    if user_id is not None:
        query = query.where(AddressFix.user_id == user_id)
    rows = session.execute(query.order_by(AddressFix.act.desc()).limit(limit)).all()
    units = {int(row.unit) for row in rows if row.unit}
    names = {
        row.id: row.name
        for row in session.execute(select(AdminUnit.id, AdminUnit.name).where(AdminUnit.id.in_(units)))
    }
    return [
        ActView(
            act=row.act, at=row.at, user_id=row.user_id, kind=row.kind, reason=row.reason,
            unit_name=names.get(int(row.unit)) if row.unit else None, case_id=row.case_id, cases=row.cases,
            stands=row.stands,
        )
        for row in rows
    ]  # fmt: skip
