"""The communes with most cases in the period, beside the period before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from dash import html

from alerts.levels import SYMBOLS, Shown, slug
from i18n import _
from web.formats import aria, count, level_text, link, table
from web.selection import Selection
from web.workbench.rows import rows_number

MOST = 14
FEW = 5
"""A change in percent of fewer cases than that says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaCases:
    """A commune's cases in the period and in the one before, which is as long."""

    unit_id: int
    name: str
    level: Shown
    cases: int
    before: int


def top_areas(
    selection: Selection, areas: Sequence[AreaCases], unplaced: int, before: tuple[date, date]
) -> html.Div:
    """`areas` with most cases first; `unplaced` cases lie in no known commune."""
    most = max((area.cases for area in areas), default=0)
    rows = [
        (
            _name(selection, area, most),
            rows_number(selection, area.cases, units=frozenset({area.unit_id})),
            change_text(area.cases, area.before),
        )
        for area in areas[:MOST]
    ]
    head = [_("Xã, phường"), _("Số ca"), _("Thay đổi")]
    notes = [_("Kỳ trước: {start} – {end}.", start=before[0], end=before[1])]
    if unplaced:
        notes.append(_("{n} ca chưa rõ xã, phường.", n=count(unplaced)))
    return html.Div(
        [
            table(head, rows, numeric=(1, 2), caption=_("Xã, phường nhiều ca nhất trong kỳ")),
            html.P(" ".join(notes), className="dim card-note"),
        ],
        className="top-areas",
    )


def ranked(
    cases: Mapping[int, int],
    before: Mapping[int, int],
    names: Mapping[int, str],
    levels: Mapping[int, Shown],
) -> list[AreaCases]:
    """Communes of today with a case in the period; most cases first, then by name."""
    found = [
        AreaCases(
            unit_id=unit,
            name=names[unit],
            level=levels.get(unit, "unknown"),
            cases=n,
            before=before.get(unit, 0),
        )
        for unit, n in cases.items()
        if n and unit in names
    ]
    return sorted(found, key=lambda area: (-area.cases, area.name))


def change_text(cases: int, before: int) -> str:
    """ "▲ 25 %", or in cases where a percentage would shout: "+3 ca"."""
    difference = cases - before
    if not difference:
        return _("bằng")
    arrow = "▲" if difference > 0 else "▼"
    if before < FEW:
        return _("{arrow} {n} ca", arrow=arrow, n=count(abs(difference)))
    return _("{arrow} {n} %", arrow=arrow, n=count(abs(100 * difference / before)))


def _name(selection: Selection, area: AreaCases, most: int) -> html.Div:
    """With the level's symbol alone, since the card is narrow: the word is its title. The bar lies below."""
    words = level_text(area.level)
    badge = html.Span(
        [
            html.Span(SYMBOLS[area.level], **aria(hidden="true")),
            html.Span(words, className="visually-hidden"),
        ],
        className=f"level-badge is-symbol level-{slug(area.level)}",
        title=words,
    )
    name = link(area.name, selection.href(view="map", unit=area.unit_id))
    bar = html.Span(className="bar-fill", style={"width": f"{100 * area.cases / most:.1f}%"})
    return html.Div([badge, html.Div([name, bar], className="area-text")], className="area-name")
