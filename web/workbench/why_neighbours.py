"""The areas that touch one: their level and their cases, and the way to each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from dash import html
from sqlalchemy.orm import Session

from alerts.views import levels_at
from geodata.places import Place
from geodata.units import neighbours
from i18n import _
from surveillance.counts import counts_by_unit
from web.context import Moment
from web.formats import count, level_badge, link, shown_level, table

Href = Callable[[int | None, str | None, Moment], str]


def neighbour_table(
    session: Session, place: Place, disease: str | None, shown: Moment, href: Href
) -> list[Any]:
    """Heading and rows, the highest level and most cases first; nothing where no neighbours are known."""
    near = neighbours(session, place.id)
    if not near:
        return []
    levels = levels_at(session, disease=disease, as_of=shown.as_of)
    first = shown.today - timedelta(days=27)
    cases = counts_by_unit(session, disease=disease, start=first, end=shown.today, as_of=shown.as_of)
    rows = []
    for unit in near:
        view, n = levels.get(unit.id), cases.get(unit.id, 0)
        level = shown_level(view.level, view.unknown) if view else "unknown"
        order = view.level if view and not view.unknown else 0
        cells = (link(unit.name, href(unit.id, disease, shown)), level_badge(level), count(n))
        rows.append((-order, -n, unit.name, cells))
    rows.sort(key=lambda row: row[:3])
    return [
        html.H3(_("Xã, phường giáp ranh"), className="section-title"),
        table([_("Xã, phường"), _("Mức"), _("Ca 28 ngày")], [row[3] for row in rows], numeric=(2,)),
    ]
