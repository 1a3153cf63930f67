"""The placer of a process that only looks: built once, anew when units or boundaries change."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geodata.areas import surveyed_areas
from geodata.models import AdminUnit
from geodata.places import boundaries_version
from geodata.street_store import StreetShelf
from geodata.units import gazetteer_for, unit_ids
from settings import Deployment
from surveillance.place import Placer
from surveillance.review.learnt import load_aliases


@dataclass
class Placers:
    """Not shared between processes; two threads that build it at once build the same."""

    _kept: tuple[Any, Placer] | None = field(default=None, repr=False)
    _shelf: StreetShelf = field(default_factory=StreetShelf, repr=False)

    def of(self, session: Session, deployment: Deployment) -> Placer:
        """With what was learnt until now, of names and of streets."""
        units = session.execute(select(func.count(), func.max(AdminUnit.id))).one()
        version = (tuple(units), boundaries_version(session))
        if self._kept is None or self._kept[0] != version:
            self._kept = (version, _build(session, deployment))
        streets = self._shelf.book(session)
        return replace(
            self._kept[1],
            aliases=load_aliases(session),
            streets=streets if streets.streets else None,
        )


def _build(session: Session, deployment: Deployment) -> Placer:
    by_name = deployment.units == "vietnam"
    return Placer(
        unit_ids=unit_ids(session),
        gazetteer=gazetteer_for(session, [deployment.province_code]) if by_name else None,
        areas=surveyed_areas(session),
    )
