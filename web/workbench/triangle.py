"""How late cases are told of: weeks of illness down, days of delay across, as known on the day on show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from dash import html
from numpy.typing import NDArray

from alerts.levels import Theme
from i18n import _
from surveillance.columns import Columns
from surveillance.lines import day_number
from web.formats import count
from web.selection import Selection
from web.workbench.heat import heat_class, heat_colours, heat_stops
from web.workbench.rows import rows_number

WEEKS = 12
DELAYS: tuple[tuple[int, int], ...] = ((0, 0), (1, 1), (2, 2), (3, 4), (5, 6), (7, 13), (14, 27))
"""Days from illness to report, both included; the last holds whatever came later, too."""


def triangle(
    selection: Selection,
    mondays: Sequence[date],
    counts: NDArray[np.int64],
    today: date,
    median_days: float | None,
    theme: Theme,
) -> html.Div:
    """`counts` (weeks, delays) of cases; cells that `today` cannot know yet are hatched."""
    waiting = still_open(mondays, today)
    stops = heat_stops(counts[~waiting].ravel().tolist())
    rows = [
        html.Tr(
            [
                html.Th(monday.strftime("%d/%m"), scope="row"),
                *[_cell(int(counts[i, k]), bool(waiting[i, k]), stops) for k in range(len(DELAYS))],
                html.Td(_total(selection, monday, int(counts[i].sum())), className="num"),
            ]
        )
        for i, monday in enumerate(mondays)
    ]
    caption = html.Caption(
        _("Số ca theo tuần mắc bệnh và số ngày từ lúc mắc đến lúc báo cáo"), className="visually-hidden"
    )
    body = html.Table([caption, html.Thead(_head()), html.Tbody(rows)], className="triangle")
    return html.Div(
        [_median(median_days), html.Div(body, className="table-wrap", tabIndex=0), _key()],
        style=heat_colours(theme),
    )


def delay_counts(columns: Columns, rows: NDArray[np.int64], mondays: Sequence[date]) -> NDArray[np.int64]:
    """(weeks, delays): cases by the week of their event and the days until their report; `mondays` are consecutive."""
    event = columns.event[rows].astype(np.int64)
    week = (event - day_number(mondays[0])) // 7
    days = np.maximum(columns.report[rows] - event, 0)
    delay = np.searchsorted([first for first, _longest in DELAYS], days, side="right") - 1
    inside = (week >= 0) & (week < len(mondays))
    cells = np.bincount((week * len(DELAYS) + delay)[inside], minlength=len(mondays) * len(DELAYS))
    return cells.reshape(len(mondays), len(DELAYS))


def still_open(mondays: Sequence[date], today: date) -> NDArray[np.bool_]:
    """(weeks, delays): whether reports of a case of that week with that delay may still come after `today`."""
    cells = [
        [monday + timedelta(days=6 + longest) > today for _first, longest in DELAYS] for monday in mondays
    ]
    return np.array(cells, dtype=np.bool_).reshape(len(mondays), len(DELAYS))


def delay_text(delay: tuple[int, int]) -> str:
    first, longest = delay
    if delay == DELAYS[-1]:
        return f"≥{first}"
    return str(first) if first == longest else f"{first}–{longest}"


def _head() -> html.Tr:
    return html.Tr(
        [
            html.Th(_("Tuần từ"), scope="col"),
            *[html.Th(delay_text(delay), scope="col", className="num") for delay in DELAYS],
            html.Th(_("Cộng"), scope="col", className="num"),
        ]
    )


def _cell(cases: int, still: bool, stops: Sequence[float]) -> html.Td:
    name = "heat-0 is-open" if still else heat_class(cases, stops)
    props: dict[str, Any] = {"title": _("Chưa đủ: còn báo cáo chậm")} if still else {}
    return html.Td(count(cases) if cases or not still else "", className=f"num {name}", **props)


def _total(selection: Selection, monday: date, cases: int) -> Any:
    end = monday + timedelta(days=6)
    return rows_number(selection, cases, first=monday, last=end, days=None, dated_by="event")


def _median(median_days: float | None) -> html.P:
    if median_days is None:
        return html.P(_("Chưa có ca để tính báo cáo chậm bao lâu."), className="card-lead")
    said = _("Một nửa số ca được báo cáo trong {n} ngày kể từ ngày mắc.", n=count(median_days))
    return html.P(said, className="card-lead")


def _key() -> html.P:
    said = _("Cột: số ngày từ lúc mắc đến lúc báo cáo.")
    return html.P([said, html.Span(className="heat-key is-open"), _("chưa đủ")], className="dim card-note")
