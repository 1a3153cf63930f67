"""Links that time and distance allow between the cases of one outbreak, and the cases beside it, as of any moment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from i18n import Message
from surveillance.diseases import Disease
from surveillance.lines import believed as case_believed
from surveillance.models import CaseVersion
from surveillance.outbreaks.models import OutbreakRow, OutbreakVersion
from surveillance.outbreaks.profiles import Profile
from surveillance.outbreaks.transmission import metres_between, transmission
from surveillance.outbreaks.views import believed, within
from surveillance.serial_interval import SerialInterval

LEAST = 0.05
"""Links with a smaller share are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A case with its point (degrees), where it has one: personal data."""

    case_id: int
    event_date: date
    lon: float | None
    lat: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """`source` may have infected `case`. `share` of all likelihood of that case's sources within the outbreak."""

    source: int
    case: int
    days: int
    metres: float | None
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """`links` from the most to the least likely; `first` cases that no other of the outbreak can have infected;
    `infected` by case id, how many of the others each is expected to have; `unplaced` cases that distance left out."""

    links: tuple[Link, ...]
    first: tuple[int, ...]
    infected: dict[int, float]
    unplaced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NearPlace:
    """A case beside the outbreak, its point (degrees), and why it is not in it."""

    case_id: int
    event_date: date
    lon: float
    lat: float
    why: Message


def links_of(places: Collection[Place], disease: Disease, profile: Profile) -> Links:
    """By the disease's generation time and, where the profile links by distance, its radius."""
    known = sorted(places, key=lambda p: (p.event_date, p.case_id))
    day = np.array([p.event_date.toordinal() for p in known], dtype=np.int64)
    lon, lat = (np.array([getattr(p, axis) for p in known], dtype=float) for axis in ("lon", "lat"))
    interval = SerialInterval(mean=disease.generation_time_days.mean, sd=disease.generation_time_days.sd)
    metres, radius = metres_between(lon, lat), profile.radius_m
    found = transmission(day, interval.weights(interval.horizon), metres=metres, radius_m=radius)
    located = np.isfinite(lon) | (radius is None)
    links = [
        Link(
            source=known[j].case_id, case=known[i].case_id, days=int(day[i] - day[j]),
            metres=None if np.isnan(metres[i, j]) else float(metres[i, j]), share=float(found.probability[i, j]),
        )
        for i, j in np.argwhere(found.probability >= LEAST)
    ]  # fmt: skip
    return Links(
        links=tuple(sorted(links, key=lambda link: (-link.share, link.case, link.source))),
        first=tuple(known[i].case_id for i in np.flatnonzero(found.without_source & located)),
        infected={p.case_id: float(n) for p, n in zip(known, found.infected, strict=True)},
        unplaced=int((~located).sum()),
    )


def disease_of(session: Session, outbreak_id: int) -> str | None:
    return session.scalar(select(OutbreakRow.disease).where(OutbreakRow.id == outbreak_id))


def member_places(
    session: Session, outbreak_id: int, *, area_ids: Collection[int] | None, as_of: datetime | None = None
) -> list[Place]:
    """All members of an outbreak these areas may see, wherever they live: to reckon with, not to show."""
    members = select(func.unnest(OutbreakVersion.members)).where(
        OutbreakVersion.outbreak_id == outbreak_id, believed(as_of), within(area_ids)
    )
    query = select(
        CaseVersion.case_id, CaseVersion.event_date,
        func.ST_X(CaseVersion.geom).label("lon"), func.ST_Y(CaseVersion.geom).label("lat"),
    ).where(CaseVersion.case_id.in_(members), case_believed(as_of))  # fmt: skip
    return [Place(**row) for row in session.execute(query).mappings()]


def near_places(
    session: Session, outbreak_id: int, *, area_ids: Collection[int] | None, as_of: datetime | None = None
) -> list[NearPlace]:
    """Cases beside the outbreak that live in these units (None: anywhere) and have a position, by date."""
    near = session.scalar(
        select(OutbreakVersion.near).where(
            OutbreakVersion.outbreak_id == outbreak_id, believed(as_of), within(area_ids)
        )
    )
    why = {entry["case"]: Message.from_json(entry["message"]) for entry in near or ()}
    query = (
        select(
            CaseVersion.case_id, CaseVersion.event_date,
            func.ST_X(CaseVersion.geom).label("lon"), func.ST_Y(CaseVersion.geom).label("lat"),
        )
        .where(CaseVersion.case_id.in_(why), case_believed(as_of), CaseVersion.geom.is_not(None))
        .order_by(CaseVersion.event_date, CaseVersion.case_id)
    )  # fmt: skip
    if area_ids is not None:
        query = query.where(CaseVersion.unit_id.in_(area_ids))
    return [NearPlace(**row, why=why[row["case_id"]]) for row in session.execute(query).mappings()]
