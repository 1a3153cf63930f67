"""Which filters hold, in words, each with a way out of it; and what an empty view says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from dash import html
from sqlalchemy.orm import Session

from geodata.places import communes_today
from i18n import _
from surveillance.case_filter import Circle
from web.context import Moment
from web.formats import aria, count, day, icon, link
from web.pages.data import source_title
from web.selection import OLDEST_AGE, Selection
from web.workbench.case_words import DATED_BY, SEVERITIES, SEXES, STATUSES

NAMED_UNITS = 2
"""More communes than that are counted, not named."""


class Chip(NamedTuple):
    """`without` are the changes that take the filter away."""

    text: str
    without: Mapping[str, Any]


def chips(session: Session, selection: Selection, shown: Moment) -> html.Div | None:
    """A row of chips above the stage; None where nothing narrows what is shown."""
    held = list(held_filters(session, selection, shown))
    if not held:
        return None
    marks = [_chip(chip, selection) for chip in held]
    reset = link(_("Đặt lại"), reset_link(selection), className="chip-reset")
    return html.Div(
        [*marks, *([reset] if len(held) > 1 else [])],
        className="chips",
        role="group",
        **aria(label=_("Bộ lọc đang dùng")),
    )


def reset_link(selection: Selection) -> str:
    """The same view of the same disease without a filter."""
    return Selection(disease=selection.disease, view=selection.view).href()


def nothing_here(session: Session, selection: Selection, shown: Moment) -> html.Div:
    """Instead of an empty chart or list: what asks for it, and ways to see more."""
    held = list(held_filters(session, selection, shown))
    start, end = selection.period(shown)
    if not held:
        said = _("Không có ca nào từ {start} đến {end}.", start=start, end=end)
        return html.Div(html.P(said), className="empty-state")
    said = _("Không có ca nào khớp với: {filters}.", filters="; ".join(chip.text for chip in held))
    ways = [
        link(_("Bỏ “{filter}”", filter=chip.text), selection.href(**chip.without), className="button")
        for chip in held[:3]
    ]
    reset = link(_("Đặt lại"), reset_link(selection), className="button button-primary")
    return html.Div(
        [html.P(said), html.Div([*(ways if len(held) > 1 else []), reset], className="empty-ways")],
        className="empty-state",
    )


def held_filters(session: Session, selection: Selection, shown: Moment) -> Iterator[Chip]:
    """What narrows the cases, in the order of the panel; neither the disease nor the commune on show is a filter."""
    if selection.first or selection.last or selection.days:
        start, end = selection.period(shown)
        text = day(start) if start == end else _("{start} – {end}", start=start, end=end)
        yield Chip(text, {"first": None, "last": None, "days": None})
    if shown.as_of is not None:
        yield Chip(_("Như đã biết {day}", day=shown.today), {"on": None})
    if selection.dated_by != "event":
        yield Chip(_("Theo {what}", what=_lower(str(DATED_BY[selection.dated_by]))), {"dated_by": "event"})
    if selection.units:
        yield Chip(_units(session, selection.units), {"units": None})
    if selection.within is not None:
        yield Chip(_area(selection), {"within": None})
    if selection.ages is not None:
        yield Chip(age_text(selection.ages), {"ages": None})
    if selection.sex is not None:
        yield Chip(str(SEXES[selection.sex]), {"sex": None})
    if selection.severity is not None:
        yield Chip(str(SEVERITIES[selection.severity]), {"severity": None})
    if selection.status is not None:
        yield Chip(str(STATUSES[selection.status]), {"status": None})
    if selection.source is not None:
        yield Chip(_("Nguồn: {source}", source=source_title(selection.source)), {"source": None})


def age_text(ages: tuple[int, int]) -> str:
    """ "0–14 tuổi", "từ 60 tuổi"."""
    youngest, oldest = ages
    if oldest >= OLDEST_AGE:
        return _("từ {n} tuổi", n=youngest)
    if youngest == oldest:
        return _("{n} tuổi", n=youngest)
    return _("{low}–{high} tuổi", low=youngest, high=oldest)


def _chip(chip: Chip, selection: Selection) -> html.Span:
    off = link(
        icon("x"),
        replace(selection, **chip.without).href(),
        className="chip-off",
        title=_("Bỏ “{filter}”", filter=chip.text),
    )
    return html.Span([html.Span(chip.text), off], className="filter-chip")


def _units(session: Session, units: frozenset[int]) -> str:
    if len(units) > NAMED_UNITS:
        return _("{n} xã, phường", n=len(units))
    return ", ".join(place.name for place in communes_today(session, units))


def _area(selection: Selection) -> str:
    if isinstance(selection.within, Circle):
        metres = selection.within.radius_m
        size = f"{count(metres)} m" if metres < 1000 else f"{count(metres / 1000, 1)} km"
        return _("Trong bán kính {size}", size=size)
    return _("Trong vùng khoanh tay")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
