"""The other half of a split view: another period, another day of knowledge or another disease, in the same classes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from i18n import _
from web.context import Moment, day_on_show, disease_name, theme
from web.epimap import Compare
from web.formats import day
from web.map_choice import choice_of, unit_rows
from web.selection import Selection
from web.workbench import layers
from web.workbench.choropleth import Coloured, choropleth, coloured


def other_half(session: Session, selection: Selection, areas: Coloured, version: str) -> Compare | None:
    """`compare` of the map; None without a split. `areas` are those of the left half."""
    other = selection.other_side()
    if other is None or selection.compare is None:
        return None
    if areas.classes is not None:
        other = replace(other, classes="breaks:" + ",".join(f"{low:g}" for low in areas.classes.lows[1:]))
    choice = choice_of(session, other)
    here, there = day_on_show(session, selection.on), day_on_show(session, other.on)
    rows, _counts = unit_rows(session, choice, there)
    drawn: Any = choropleth(
        coloured(session, other, there, rows, theme(), choice.release),
        rows,
        version=version,
        release=choice.release,
    )
    return {
        "layers": [drawn, *layers.build(session, other, there)],
        "left": caption(selection, here, selection.compare.by),
        "right": caption(other, there, selection.compare.by),
    }


def caption(selection: Selection, shown: Moment, by: str) -> str:
    """What this half has of its own."""
    if by == "disease":
        return disease_name(selection.disease) if selection.disease else _("Tất cả các bệnh")
    if by == "on":
        return _("Đã biết đến {day}", day=day(shown.today))
    first, last = selection.period(shown)
    return _("Mắc bệnh {first} – {last}", first=_short(first, last), last=day(last))


def _short(first: date, last: date) -> str:
    return f"{first:%d/%m}" if first.year == last.year else day(first)
