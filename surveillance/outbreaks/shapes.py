"""Outbreaks on the map: outlines, and the places of their cases for those who may see them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geodata.places import Bounds
from surveillance.lines import believed as case_believed
from surveillance.models import CaseVersion
from surveillance.outbreaks.lifecycle import Status
from surveillance.outbreaks.models import OutbreakRow, OutbreakVersion
from surveillance.outbreaks.views import believed, those, within

SMOOTHED_DEGREES = 0.00001
"""About 1 m: the circles of an outline have more corners than a screen shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """An outbreak's area as GeoJSON geometry, a point inside it, its box in degrees, and what a map says of it."""

    id: int
    status: Status
    lead_unit: int | None
    cases: int
    last_event: date
    shape: dict[str, Any]
    point: dict[str, Any]
    bounds: Bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePoint:
    """Where a member lives, goes to school or works, as it was located: personal data."""

    case_id: int
    event_date: date
    place_level: str
    uncertainty_m: float | None
    lon: float
    lat: float


def outlines(
    session: Session, *, area_ids: Collection[int] | None, as_of: datetime | None = None,
    statuses: Collection[Status] | None = None, disease: str | None = None, text: str = "",
    outbreak_id: int | None = None,
) -> Iterator[Outline]:  # fmt: skip
    """Outlines of the outbreaks that have one, in the order of their numbers."""
    wanted = those(
        session,
        area_ids=area_ids,
        statuses=statuses,
        as_of=as_of,
        disease=disease,
        text=text,
        outbreak_id=outbreak_id,
    )
    shape = func.ST_SimplifyPreserveTopology(OutbreakVersion.geom, SMOOTHED_DEGREES)
    query = (
        select(
            OutbreakRow.id, OutbreakVersion.status, OutbreakVersion.units, OutbreakVersion.last_event,
            func.cardinality(OutbreakVersion.members).label("cases"),
            func.ST_AsGeoJSON(shape, 5).label("shape"),
            func.ST_AsGeoJSON(func.ST_PointOnSurface(OutbreakVersion.geom), 5).label("point"),
            func.ST_XMin(OutbreakVersion.geom).label("west"), func.ST_YMin(OutbreakVersion.geom).label("south"),
            func.ST_XMax(OutbreakVersion.geom).label("east"), func.ST_YMax(OutbreakVersion.geom).label("north"),
        )
        .join(OutbreakVersion, OutbreakVersion.outbreak_id == OutbreakRow.id)
        .where(OutbreakVersion.geom.is_not(None), *wanted)
        .order_by(OutbreakRow.id)
    )  # fmt: skip
    for row in session.execute(query):
        yield Outline(
            id=row.id, status=Status(row.status), lead_unit=row.units[0] if row.units else None, cases=row.cases,
            last_event=row.last_event, shape=json.loads(row.shape), point=json.loads(row.point),
            bounds=(row.west, row.south, row.east, row.north),
        )  # fmt: skip


def located(
    session: Session, *, area_ids: Collection[int] | None, as_of: datetime | None, statuses: Collection[Status],
    disease: str | None, text: str,
) -> tuple[int, Bounds | None]:  # fmt: skip
    """How many of these outbreaks have an outline, and the box around them all."""
    wanted = those(session, area_ids=area_ids, statuses=statuses, as_of=as_of, disease=disease, text=text)
    box = func.ST_Extent(OutbreakVersion.geom)
    sides = (func.ST_XMin(box), func.ST_YMin(box), func.ST_XMax(box), func.ST_YMax(box))
    query = select(func.count(OutbreakVersion.geom), *sides).join(
        OutbreakRow, OutbreakRow.id == OutbreakVersion.outbreak_id
    )
    n, west, south, east, north = session.execute(query.where(*wanted)).one()
    return n, (west, south, east, north) if n else None


def member_points(
    session: Session, outbreak_id: int, *, area_ids: Collection[int] | None, as_of: datetime | None = None
) -> list[CasePoint]:
    """Places of the members that live in these units (None: anywhere) and have a position, by date."""
    members = select(func.unnest(OutbreakVersion.members)).where(
        OutbreakVersion.outbreak_id == outbreak_id, believed(as_of), within(area_ids)
    )
    columns = (
        CaseVersion.case_id, CaseVersion.event_date, CaseVersion.place_level, CaseVersion.uncertainty_m,
        func.ST_X(CaseVersion.geom).label("lon"), func.ST_Y(CaseVersion.geom).label("lat"),
    )  # fmt: skip
    query = (
        select(*columns)
        .where(CaseVersion.case_id.in_(members), case_believed(as_of), CaseVersion.geom.is_not(None))
        .order_by(CaseVersion.event_date, CaseVersion.case_id)
    )
    if area_ids is not None:
        query = query.where(CaseVersion.unit_id.in_(area_ids))
    return [CasePoint(**row) for row in session.execute(query).mappings()]
