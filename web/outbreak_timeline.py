"""The life of one outbreak on one axis of time: cases, reports, surveys, measures, states. Data in, figure out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from alerts.levels import COLOURS, Level, Theme
from i18n import Message, _, show_date
from surveillance.outbreaks.detail import OutbreakDetail
from surveillance.outbreaks.entries import COMMUNICATION, HOUSEHOLDS, LARVICIDE, SPRAYING
from surveillance.outbreaks.lifecycle import NAMES, Status
from surveillance.outbreaks.record import STATUS_EVENT
from web.figures import BAR, EXPECTED, GRID, INK, base_layout
from web.formats import count, stored

BEYOND_DAYS = 3
"""Room on either side of what happened."""
LANE_PX, CASES_PX, FOOT_PX = 26, 110, 44
LANES = {
    "report": Message("Báo cáo"),
    "status": Message("Trạng thái"),
    HOUSEHOLDS: Message("Điều tra nhà"),
    SPRAYING: Message("Phun"),
    LARVICIDE: Message("Diệt lăng quăng"),
    COMMUNICATION: Message("Truyền thông"),
    "survey": Message("Véc tơ (BI)"),
}
"""From top to bottom; only those in which something happened are drawn."""
SYMBOLS = {
    "report": "line-ns-open",
    "status": "square",
    HOUSEHOLDS: "cross",
    SPRAYING: "diamond",
    LARVICIDE: "triangle-up",
    COMMUNICATION: "star",
    "survey": "circle",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened on a day, in a lane; `label` stands beside it, `bad` colours it."""

    lane: str
    on: date
    text: str
    label: str = ""
    bad: bool = False


def marks_of(detail: OutbreakDetail, zone: tzinfo | None) -> list[Mark]:
    """All that the timeline shows beside the cases, by day."""
    reports = Counter(case.date_report for case in detail.members)
    marks = [
        Mark(lane="report", on=on, text=_("{day}: báo cáo {n} ca", day=on, n=n)) for on, n in reports.items()
    ]
    for entry in detail.log:
        if entry.kind == STATUS_EVENT and "after" in entry.detail:
            name, on = _(NAMES[Status(entry.detail["after"])]), entry.at.astimezone(zone).date()
            marks.append(Mark(lane="status", on=on, text=f"{show_date(on)}: {name}"))
    marks += [Mark(lane=m.kind, on=m.on, text=stored(m.message)) for m in detail.measures if m.on]
    for view in detail.surveys:
        bi = "" if view.indices.bi is None else count(view.indices.bi, 0)
        words = _("{day}: giám sát {n} nhà", day=view.survey.on, n=view.survey.houses)
        text = words + (f", BI {bi}" if bi else "")
        marks.append(Mark(lane="survey", on=view.survey.on, text=text, label=bi, bad=view.risk is not None))
    return sorted(marks, key=lambda mark: (mark.on, list(LANES).index(mark.lane)))


def timeline_figure(detail: OutbreakDetail, current: datetime, theme: Theme) -> dict[str, Any]:
    """Cases by onset day above, a lane for each kind of thing below, closing's first day as a line."""
    today, marks = current.date(), marks_of(detail, current.tzinfo)
    lanes = [lane for lane in LANES if any(mark.lane == lane for mark in marks)]
    cases = Counter(case.event_date for case in detail.members)
    start = min([detail.summary.first_event, *(m.on for m in marks)]) - timedelta(days=BEYOND_DAYS)
    end = max([min(today, detail.summary.closing_from), *(m.on for m in marks), *cases])
    traces = [
        _bars(cases, theme),
        *(_lane(lane, [m for m in marks if m.lane == lane], theme) for lane in lanes),
    ]
    return {
        "data": traces,
        "layout": _layout(
            theme, lanes, start, end + timedelta(days=BEYOND_DAYS), today, max(cases.values(), default=1)
        ),
    }


def _bars(cases: Counter[date], theme: Theme) -> dict[str, Any]:
    days = sorted(cases)
    return {
        "type": "bar",
        "x": days,
        "y": [cases[day] for day in days],
        "width": 0.9 * 86_400_000,
        "name": _("Số ca"),
        "marker": {"color": BAR[theme]},
        "hovertext": [_("{day}: {n} ca", day=day, n=cases[day]) for day in days],
        "hoverinfo": "text",
    }


def _lane(lane: str, marks: Sequence[Mark], theme: Theme) -> dict[str, Any]:
    bad = COLOURS[theme][Level.CAO].fill
    plain = INK[theme] if lane in ("report", "status") else EXPECTED[theme]
    colours = [bad if mark.bad else plain for mark in marks]
    return {
        "type": "scatter",
        "mode": "markers+text" if lane == "survey" else "markers",
        "x": [mark.on for mark in marks],
        "y": [str(LANES[lane])] * len(marks),
        "yaxis": "y2",
        "name": str(LANES[lane]),
        "marker": {"symbol": SYMBOLS[lane], "size": 10, "color": colours, "line": {"width": 1.5, "color": colours}},
        "text": [mark.label for mark in marks],
        "textposition": "middle right",
        "textfont": {"size": 11},
        "hovertext": [mark.text for mark in marks],
        "hoverinfo": "text",
        "cliponaxis": False,
    }  # fmt: skip


def _layout(
    theme: Theme, lanes: Sequence[str], start: date, end: date, today: date, top: int
) -> dict[str, Any]:
    below = LANE_PX * max(len(lanes), 1)
    height = CASES_PX + below + FOOT_PX
    split = below / (below + CASES_PX)
    base = base_layout(theme, height, left=104)
    single = {"dtick": 1} if top < 5 else {}
    names = [str(LANES[lane]) for lane in reversed(lanes)]
    shapes = []
    if start <= today <= end:
        line = {"color": GRID[theme], "width": 2, "dash": "dot"}
        at = today.isoformat()
        shapes = [{"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper", "line": line}]
    return {
        **base,
        "shapes": shapes,
        "xaxis": {**base["xaxis"], "tickformat": "%d/%m", "nticks": 6, "anchor": "y2",
                  "range": [start.isoformat(), end.isoformat()]},
        "yaxis": {**base["yaxis"], "domain": [split + 0.04, 1], "nticks": 4, "range": [0, top * 1.1], **single},
        "yaxis2": {"domain": [0, split], "type": "category", "categoryorder": "array", "categoryarray": names,
                   "range": [-0.5, max(len(lanes), 1) - 0.5], "fixedrange": True, "gridcolor": GRID[theme]},
    }  # fmt: skip
