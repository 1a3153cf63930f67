"""The epidemic curve of what is selected: which bars, in which parts, and what may be drawn over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from dash import ClientsideFunction, Dash, Input, Output, State, html
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from geodata.places import communes_today
from geodata.units import province_of
from i18n import _
from surveillance.columns import Columns
from surveillance.counts import weekly_curve
from surveillance.coverage import communes
from surveillance.epiweek import week_start
from surveillance.slices import REST, parts_by_day
from web.context import Moment, disease_name, theme
from web.figures import chart, weekly_figure
from web.formats import aria, count, day, link, table
from web.markup import light
from web.pages.breaks import city_breaks
from web.pages.data import source_title
from web.pages.evidence import coming_weeks, late_reports, signals_of
from web.selection import Selection
from web.workbench.case_words import DATED_BY, SEVERITIES, SEXES, STACKS, STATUSES
from web.workbench.chips import age_text
from web.workbench.curve_figure import HEIGHT, Bars, Part, bars_figure
from web.workbench.rows import rows_number

LENGTH = {"week": 52 * 7, "day": 120}
"""Days shown at least: a curve is read against what came before."""
LONGEST = {"week": 522 * 7, "day": 731}
URL_NAMES = {
    "sex": "sex",
    "age": "age",
    "severity": "sev",
    "status": "status",
    "source": "source",
    "disease": "disease",
    "unit": "units",
}


def curve(session: Session, columns: Columns, selection: Selection, shown: Moment) -> html.Div:
    """The chart with its switches above and its numbers below."""
    bars = bars_of(session, columns, selection, shown)
    whole = _all_cases(session, columns, selection, shown, bars) if may_compare(selection, shown) else None
    figure = bars_figure(bars, selection.period(shown), theme(), whole)
    name = disease_name(selection.disease) if selection.disease else _("Tất cả các bệnh")
    label = _("Đường cong dịch, {disease}: bảng số ở dưới", disease=name)
    return html.Div(
        [
            light(_switches(selection)),
            html.Div(chart(figure, label, id="case-curve"), className="curve-chart"),
            html.P(_note(selection, whole is not None), className="dim card-note"),
            light(_numbers(selection, bars)),
        ]
    )


def register(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("charts", "curve"),
        Output("map-url", "search", allow_duplicate=True),
        Input("case-curve", "clickData"),
        Input("case-curve", "selectedData"),
        State("case-curve", "figure"),
        prevent_initial_call=True,
    )


def curve_span(selection: Selection, shown: Moment) -> tuple[date, date]:
    """First and last day drawn: the period with what came before it, in whole weeks where bars are weeks."""
    start, end = selection.period(shown)
    length = LENGTH[selection.step] * selection.years
    last = shown.today if (shown.today - start).days < length else end
    first = max(
        min(start, last - timedelta(days=length - 1)), last - timedelta(days=LONGEST[selection.step] - 1)
    )
    if selection.step == "day":
        return first, last
    return week_start(first), week_start(last) + timedelta(days=6)


def bars_of(session: Session, columns: Columns, selection: Selection, shown: Moment) -> Bars:
    first, last = curve_span(selection, shown)
    rows = columns.rows(replace(selection.filter(shown), start=first, end=min(last, shown.today)))
    found = parts_by_day(columns, rows, first, last, selection.dated_by, selection.stack)
    names = {place.id: place.name for place in communes_today(session)} if selection.stack == "unit" else {}
    size = 7 if selection.step == "week" else 1
    starts = tuple(first + timedelta(days=i) for i in range(0, (last - first).days + 1, size))
    parts = tuple(_part(selection.stack, code, in_steps(counts, size), names) for code, counts in found)
    return Bars(starts=starts, step=selection.step, parts=parts, stack=selection.stack)


def may_compare(selection: Selection, shown: Moment) -> bool:
    """Expected and bounds are known of all counted cases by week of event, and of nothing narrower."""
    return selection.step == "week" and not selection.filter(shown).narrowed


def in_steps(daily: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Days (T,) summed to bars of `size` days; T is a multiple of it."""
    return daily.reshape(-1, size).sum(axis=1)


def _all_cases(
    session: Session, columns: Columns, selection: Selection, shown: Moment, bars: Bars
) -> dict[str, Any]:
    """Bars, bounds and alarms of all cases; late reports and coming weeks only where the curve reaches today."""
    last = min(bars.starts[-1] + timedelta(days=6), shown.today)
    found = weekly_curve(
        session,
        disease=selection.disease,
        unit_id=None,
        weeks=len(bars.starts),
        today=last,
        as_of=shown.as_of,
        columns=columns,
    )
    breaks = city_breaks(session, found)
    if last < shown.today:
        return weekly_figure(found, theme(), breaks=breaks, height=HEIGHT)
    signals = signals_of(session, selection.disease, province_of(session, communes(session)), shown)
    late, coming = late_reports(signals), coming_weeks(signals)
    return weekly_figure(found, theme(), late, coming, breaks, HEIGHT)


def _part(stack: str | None, code: Any, counts: NDArray[np.int64], names: Mapping[int, str]) -> Part:
    """What a code of `parts_by_day` is called, and what narrows to it in the URL."""
    if stack is None:
        return Part(name=_("Số ca"), counts=counts, query={})
    if code is None or code == REST:
        text = _("Chưa rõ") if code is None else _("Các nơi khác")
        return Part(name=text, counts=counts, query={}, other=True)
    known = {
        "sex": lambda: str(SEXES[code]),
        "age": lambda: age_text(code),
        "severity": lambda: str(SEVERITIES[code]),
        "status": lambda: str(STATUSES[code]),
        "source": lambda: source_title(code),
        "disease": lambda: disease_name(code),
        "unit": lambda: names.get(code, str(code)),
    }
    value = f"{code[0]}-{code[1]}" if stack == "age" else str(code)
    return Part(name=known[stack](), counts=counts, query={URL_NAMES[stack]: value})


def _note(selection: Selection, compared: bool) -> str:
    said = [_("Nền xanh là kỳ đang xem. Bấm một cột để xem các ca, kéo ngang để chọn kỳ khác.")]
    if not compared and selection.step == "week":
        said.append(_("Số dự kiến và ngưỡng chỉ tính cho mọi ca theo tuần, nên không vẽ khi đang lọc."))
    elif not compared:
        said.append(_("Số dự kiến và ngưỡng chỉ tính theo tuần."))
    if selection.step == "week" and selection.dated_by != "event":
        said.append(_("Cột theo {what}.", what=str(DATED_BY[selection.dated_by]).lower()))
    return " ".join(said)


def _switches(selection: Selection) -> html.Div:
    """Links, so that each choice is in the URL and in the browser's history."""
    steps = (("week", _("Tuần")), ("day", _("Ngày")))
    step_links = [
        link(text, selection.href(step=value), className="is-active" if selection.step == value else "")
        for value, text in steps
    ]
    options = [(None, _("Không chia"))] + [(code, str(text)) for code, text in STACKS.items()]
    stack_links = [
        link(text, selection.href(stack=code), className="is-active" if selection.stack == code else "")
        for code, text in options
    ]
    chosen = str(STACKS[selection.stack]) if selection.stack else _("Không chia")
    stack = html.Details(
        [
            html.Summary([_("Chia theo: {what}", what=chosen)], className="button is-small"),
            html.Div(stack_links, className="stack-choices"),
        ],
        className="menu stack-menu",
        key=selection.query(),
    )
    return html.Div(
        [html.Div(step_links, className="segmented", role="group", **aria(label=_("Bước thời gian"))), stack],
        className="curve-switches",
    )


def _numbers(selection: Selection, bars: Bars) -> html.Details:
    """Newest first; with parts, a column each."""
    many = bars.stack is not None
    head = [
        _("Tuần từ") if bars.step == "week" else _("Ngày"),
        *([part.name for part in bars.parts] if many else []),
        _("Tất cả"),
    ]
    size = timedelta(days=6 if bars.step == "week" else 0)
    rows = [
        (
            day(start),
            *([count(int(part.counts[i])) for part in bars.parts] if many else []),
            rows_number(selection, int(bars.totals[i]), first=start, last=start + size, days=None),
        )
        for i, start in reversed(list(enumerate(bars.starts)))
    ]
    body = table(head, rows, numeric=range(1, len(head)), caption=_("Số ca của từng cột"))
    return html.Details([html.Summary(_("Xem bảng số")), body], className="more")
