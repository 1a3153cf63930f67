"""The charts of what is selected, as cards. One that fails says so and leaves the others alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from dash import html
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from alerts.levels import UNKNOWN, Shown
from alerts.views import levels_at
from geodata.places import Place, communes_today
from i18n import _
from surveillance.columns import Columns
from surveillance.epiweek import week_start
from surveillance.slices import ages_and_sexes, by_unit, daily, median_delay, weekly_by_unit
from web.context import Moment, context, theme
from web.formats import failure, shown_level
from web.markup import light
from web.selection import Selection
from web.workbench.calendar import calendar
from web.workbench.chips import nothing_here
from web.workbench.curve import curve
from web.workbench.multiples import SmallCurve, multiples
from web.workbench.pyramid import BANDS, pyramid
from web.workbench.top_areas import ranked, top_areas
from web.workbench.triangle import WEEKS, delay_counts, triangle

YEAR_WEEKS = 53
Build = Callable[[Session, Columns, Selection, Moment], Any]


def charts_view(session: Session, selection: Selection, shown: Moment) -> html.Div:
    """All cards, or what empties them."""
    columns = context().columns.current(session)
    if not len(columns.rows(selection.filter(shown))):
        return nothing_here(session, selection, shown)

    def card(name: str, title: str, build: Build) -> html.Section:
        body = attempt(f"chart {name}", lambda: build(session, columns, selection, shown))
        return html.Section([html.H3(title, className="card-title"), body], className=f"card is-{name}")

    return html.Div(
        [
            card("curve", _("Đường cong dịch"), curve),
            card("calendar", _("Từng ngày"), calendar_card),
            html.Div(
                [
                    html.Div(
                        [
                            card("pyramid", _("Tuổi và giới"), pyramid_card),
                            card("delay", _("Báo cáo chậm"), delay_card),
                        ]
                    ),
                    html.Div(card("top", _("Nơi nhiều ca nhất"), top_card)),
                ],
                className="chart-columns",
            ),
        ],
        className="chart-cards",
    )


def attempt(where: str, build: Callable[[], Any]) -> Any:
    """What `build` makes, or its failure with a code and a way to try again. A lost database is for the whole page."""
    from web.server import log_failure, unexpected  # the server's pages import this module

    try:
        return build()
    except OperationalError:
        raise
    except Exception as error:
        return failure(unexpected(), log_failure(error, where))


def pyramid_card(session: Session, columns: Columns, selection: Selection, shown: Moment) -> Any:
    counts, without = ages_and_sexes(columns, columns.rows(selection.filter(shown)), BANDS)
    return light(pyramid(selection, counts, without))


def top_card(session: Session, columns: Columns, selection: Selection, shown: Moment) -> Any:
    now = selection.filter(shown)
    start, end = before(selection.period(shown))
    cases, unplaced = by_unit(columns, columns.rows(now))
    earlier, _unplaced = by_unit(columns, columns.rows(replace(now, start=start, end=end)))
    names = {place.id: place.name for place in communes_today(session)}
    areas = ranked(cases, earlier, names, levels_now(session, selection, shown))
    return light(top_areas(selection, areas, unplaced, (start, end)))


def delay_card(session: Session, columns: Columns, selection: Selection, shown: Moment) -> Any:
    """The newest weeks up to the end of the period: delays are read from the end."""
    last = week_start(selection.period(shown)[1])
    mondays = [last - timedelta(weeks=k) for k in reversed(range(WEEKS))]
    end = min(last + timedelta(days=6), shown.today)
    wanted = replace(selection.filter(shown), start=mondays[0], end=end, dated_by="event")
    rows = columns.rows(wanted)
    counts = delay_counts(columns, rows, mondays)
    return light(triangle(selection, mondays, counts, shown.today, median_delay(columns, rows), theme()))


def calendar_card(session: Session, columns: Columns, selection: Selection, shown: Moment) -> Any:
    """A year up to the end of the week on show, or of the period where that is over a year ago."""
    period = selection.period(shown)
    last = shown.today if (shown.today - period[0]).days < 7 * YEAR_WEEKS else period[1]
    start = week_start(last) - timedelta(weeks=YEAR_WEEKS - 1)
    rows = columns.rows(replace(selection.filter(shown), start=start, end=last))
    counts = daily(columns, rows, start, last, selection.dated_by)
    return light(calendar(selection, start, counts.tolist(), period, theme()))


def places_view(session: Session, selection: Selection, shown: Moment) -> Any:
    """A small curve of every commune of today."""
    columns = context().columns.current(session)
    last = week_start(shown.today)
    mondays = [last - timedelta(weeks=k) for k in reversed(range(52))]
    now, period = selection.filter(shown), selection.period(shown)
    start, end = before(period)
    weeks = weekly_by_unit(
        columns, columns.rows(replace(now, start=mondays[0], end=shown.today)), mondays, selection.dated_by
    )
    cases, _unplaced = by_unit(columns, columns.rows(now))
    earlier, _unplaced = by_unit(columns, columns.rows(replace(now, start=start, end=end)))
    levels = levels_now(session, selection, shown)
    places = [place for place in communes_today(session) if now.units is None or place.id in now.units]
    curves = [_small(place, levels, weeks, cases, earlier, len(mondays)) for place in places]
    inside = tuple((week_start(day) - mondays[0]).days // 7 for day in period)
    return multiples(selection, curves, (inside[0], inside[1]), theme())


def _small(place: Place, levels: Any, weeks: Any, cases: Any, earlier: Any, size: int) -> SmallCurve:
    return SmallCurve(
        place=place,
        level=levels.get(place.id, UNKNOWN),
        weeks=weeks[place.id].tolist() if place.id in weeks else [0] * size,
        cases=cases.get(place.id, 0),
        before=earlier.get(place.id, 0),
    )


def levels_now(session: Session, selection: Selection, shown: Moment) -> dict[int, Shown]:
    """The level of each commune as known then; communes never judged are absent."""
    views = levels_at(session, disease=selection.disease, as_of=shown.as_of)
    return {unit: shown_level(view.level, view.unknown) for unit, view in views.items()}


def before(period: tuple[date, date]) -> tuple[date, date]:
    """The period of the same length that ends the day before."""
    start, end = period
    return start - (end - start) - timedelta(days=1), start - timedelta(days=1)
