"""How late cases are told of: weeks of illness down, weeks of delay across, as known on the day on show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from dash import html
from numpy.typing import NDArray

from alerts.levels import Theme
from i18n import _
from web.formats import count
from web.selection import Selection
from web.workbench.heat import heat_class, heat_colours, heat_stops
from web.workbench.rows import rows_number

WEEKS = 12
DELAYS = 6
"""Columns: told in the week of illness (0), one week later (1) …; the last holds all that came later."""


def triangle(
    selection: Selection,
    mondays: Sequence[date],
    counts: NDArray[np.int64],
    today: date,
    median_days: float | None,
    theme: Theme,
) -> html.Div:
    """`counts` (weeks, DELAYS) of cases by weeks from illness to report; cells that `today` cannot know yet are
    hatched."""
    open_cells = still_open(mondays, counts.shape[1], today)
    stops = heat_stops(counts[~open_cells].ravel().tolist())
    rows = [
        html.Tr(
            [
                html.Th(monday.strftime("%d/%m"), scope="row"),
                *[_cell(counts[i, k], open_cells[i, k], stops) for k in range(counts.shape[1])],
                html.Td(_total(selection, monday, int(counts[i].sum())), className="num"),
            ]
        )
        for i, monday in enumerate(mondays)
    ]
    caption = html.Caption(
        _("Số ca theo tuần mắc bệnh và số tuần từ lúc mắc đến lúc báo cáo"), className="visually-hidden"
    )
    body = html.Table([caption, html.Thead(_head(counts.shape[1])), html.Tbody(rows)], className="triangle")
    return html.Div(
        [_median(median_days), html.Div(body, className="table-wrap"), _key()], style=heat_colours(theme)
    )


def still_open(mondays: Sequence[date], delays: int, today: date) -> NDArray[np.bool_]:
    """(weeks, delays): whether reports with that delay may still come after `today`."""
    cells = [[monday + timedelta(weeks=k, days=6) > today for k in range(delays)] for monday in mondays]
    return np.array(cells, dtype=np.bool_).reshape(len(mondays), delays)


def _head(delays: int) -> html.Tr:
    names = [str(k) if k < delays - 1 else f"≥ {k}" for k in range(delays)]
    return html.Tr(
        [
            html.Th(_("Tuần từ"), scope="col"),
            *[html.Th(name, scope="col", className="num") for name in names],
            html.Th(_("Cộng"), scope="col", className="num"),
        ]
    )


def _cell(cases: int, still: bool, stops: Sequence[float]) -> html.Td:
    name = "heat-0 is-open" if still else heat_class(int(cases), stops)
    props: dict[str, Any] = {"title": _("Chưa đủ: còn báo cáo chậm")} if still else {}
    return html.Td(count(int(cases)) if cases or not still else "", className=f"num {name}", **props)


def _total(selection: Selection, monday: date, cases: int) -> Any:
    end = monday + timedelta(days=6)
    return rows_number(selection, cases, first=monday, last=end, days=None)


def _median(median_days: float | None) -> html.P:
    if median_days is None:
        return html.P(_("Chưa đủ ca để tính báo cáo chậm bao lâu."), className="card-lead")
    said = _("Một nửa số ca được báo cáo trong {n} ngày kể từ ngày mắc.", n=count(median_days))
    return html.P(said, className="card-lead")


def _key() -> html.P:
    said = _("Cột: số tuần từ lúc mắc đến lúc báo cáo.")
    open_mark = html.Span(className="heat-key is-open")
    return html.P([said, " ", open_mark, _("chưa đủ")], className="dim card-note")
