"""The areas that touch one: their level and their cases, and the way to each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dash import html
from sqlalchemy.orm import Session

from geodata.places import Place
from geodata.units import neighbours
from i18n import _
from web.context import Moment
from web.formats import count, level_badge, level_fields, link, table
from web.map_choice import UnitRow

Href = Callable[[int | None, str | None, Moment], str]


def neighbour_table(
    session: Session, place: Place, rows: Sequence[UnitRow], disease: str | None, shown: Moment, href: Href
) -> list[Any]:
    """Heading and those of `rows` that touch, the highest level and most cases first; nothing where none are known."""
    near = {unit.id for unit in neighbours(session, place.id)}
    found = [row for row in rows if row.place.id in near]
    if not found:
        return []
    found.sort(key=lambda row: (-level_fields(row.level)["level_order"], -row.cases_28, row.place.name))
    cells = [
        (
            link(row.place.name, href(row.place.id, disease, shown)),
            level_badge(row.level),
            count(row.cases_28),
        )
        for row in found
    ]
    return [
        html.H3(_("Xã, phường giáp ranh"), className="section-title"),
        table([_("Xã, phường"), _("Mức"), _("Ca 28 ngày")], cells, numeric=(2,)),
    ]
