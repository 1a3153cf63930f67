"""Every day of the period as a square: weeks across, weekdays down. A table, so that it can be read aloud."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from dash import html

from alerts.levels import Theme
from i18n import _
from web.formats import count, link, table
from web.selection import Selection
from web.workbench.heat import heat_class, heat_colours, heat_stops
from web.workbench.rows import rows_number


def calendar(
    selection: Selection, start: date, counts: Sequence[int], period: tuple[date, date], theme: Theme
) -> html.Div:
    """`counts` per day from `start`, a Monday; days outside of `period` are paler."""
    stops = heat_stops(counts)
    days = [start + timedelta(days=i) for i in range(len(counts))]
    rows = [
        html.Tr(
            [
                html.Th(name if weekday % 2 == 0 else "", scope="row", title=name),
                *[
                    html.Td(_square(selection, day, n, stops, period), className="calendar-day")
                    for day, n in list(zip(days, counts, strict=True))[weekday::7]
                ],
            ]
        )
        for weekday, name in enumerate(weekdays())
    ]
    caption = html.Caption(_("Số ca từng ngày"), className="visually-hidden")
    body = html.Table([caption, html.Thead(_months(days)), html.Tbody(rows)], className="calendar")
    return html.Div(
        [html.Div(body, className="calendar-scroll"), heat_legend(), _numbers(selection, days, counts)],
        style=heat_colours(theme),
    )


def weekdays() -> list[str]:
    return [_("T2"), _("T3"), _("T4"), _("T5"), _("T6"), _("T7"), _("CN")]


def heat_legend() -> html.Div:
    squares = [html.Span(className=f"heat-key heat-{i}") for i in range(6)]
    return html.Div([_("ít"), *squares, _("nhiều")], className="heat-legend dim")


def _square(
    selection: Selection, day: date, cases: int, stops: Sequence[float], period: tuple[date, date]
) -> Any:
    inside = period[0] <= day <= period[1]
    name = f"heat-cell {heat_class(cases, stops)}" + ("" if inside else " is-outside")
    said = _("{day}: {n} ca", day=day, n=count(cases))
    one_day = selection.href(first=day, last=day, days=None)
    return link(html.Span(said, className="visually-hidden"), one_day, className=name, title=said)


def _months(days: Sequence[date]) -> html.Tr:
    """The month over its first week; a month of a single week at the edge has no room for its name."""
    cells = []
    for (_year, month), weeks in groupby(days[::7], key=lambda monday: (monday.year, monday.month)):
        width = len(list(weeks))
        cells.append(html.Th(f"{month}" if width > 1 else "", colSpan=width, scope="colgroup"))
    return html.Tr([html.Td(), *cells])


def _numbers(selection: Selection, days: Sequence[date], counts: Sequence[int]) -> html.Details:
    rows = list(_weeks(selection, days, counts))
    head = [_("Tuần từ"), *weekdays(), _("Cả tuần")]
    body = table(head, rows, numeric=range(1, 9), caption=_("Số ca từng ngày"))
    return html.Details([html.Summary(_("Xem bảng số")), body], className="more")


def _weeks(selection: Selection, days: Sequence[date], counts: Sequence[int]) -> Iterator[Sequence[Any]]:
    """Newest first; a day by day number leads to its rows."""
    for monday in reversed(days[::7]):
        at = days.index(monday)
        week = counts[at : at + 7]
        cells: list[Any] = [
            rows_number(selection, n, first=days[at + i], last=days[at + i], days=None)
            for i, n in enumerate(week)
        ]
        cells += [""] * (7 - len(week))
        end = monday + timedelta(days=6)
        yield (
            monday.strftime("%d/%m/%Y"),
            *cells,
            rows_number(selection, sum(week), first=monday, last=end, days=None),
        )
