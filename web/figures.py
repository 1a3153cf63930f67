"""Charts as plain plotly figures. Data in, figure out; colours from `alerts.levels` only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
from dash import dcc, html

from alerts.levels import COLOURS, Level, Theme
from i18n import _, current_locale, show_date, show_number
from surveillance.counts import WeeklyCurve
from surveillance.epiweek import week_of
from web.formats import aria
from web.markup import Later

INK = {"light": "#3d4752", "dark": "#c6ced6"}
GRID = {"light": "#e6eaee", "dark": "#313a44"}
LABEL = {"light": "rgba(255,255,255,.85)", "dark": "rgba(27,33,41,.85)"}
BAR = {"light": "#7b93a8", "dark": "#7f97ab"}
EXPECTED = {"light": "#2f6db5", "dark": "#7fb2ee"}

VIETNAMESE = {
    "dictionary": {},
    "format": {
        "days": ["Chủ nhật", "Thứ hai", "Thứ ba", "Thứ tư", "Thứ năm", "Thứ sáu", "Thứ bảy"],
        "shortDays": ["CN", "T2", "T3", "T4", "T5", "T6", "T7"],
        "months": [f"Tháng {n}" for n in range(1, 13)],
        "shortMonths": [f"Th{n}" for n in range(1, 13)],
        "date": "%d/%m/%Y",
        "decimal": ",",
        "thousands": ".",
    },
}


def between(low: str, high: str, share: float) -> str:
    """The colour so far (0 to 1) on the way from `low` to `high`."""
    pairs = ((int(low[i : i + 2], 16), int(high[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def chart(figure: dict[str, Any], label: str, *, legend: bool = True, **props: Any) -> html.Div:
    """A figure in the reader's language with its legend above. `label` is its accessible name."""
    config: Any = {
        "displayModeBar": False,
        "responsive": True,
        "locale": current_locale(),
        "locales": {"vi": VIETNAMESE},
    }
    graph = dcc.Graph(figure=figure, config=config, className="chart", **props)
    above = [_legend(figure["data"])] if legend else []
    place = {"minHeight": figure["layout"].get("height", 0)}
    drawn = html.Div(Later(graph, until="map"), style=place, role="img", **aria(label=label))
    return html.Div([*above, drawn])


def _legend(traces: Sequence[dict[str, Any]]) -> html.Div:
    """plotly's own legend breaks into a column where the panel is narrow."""
    items = [_legend_item(trace) for trace in traces]
    above = next((trace["meta"]["above"] for trace in traces if trace.get("meta", {}).get("above")), None)
    if above:
        mark = html.Span(className="chart-mark is-bar", style={"background": above})
        items.insert(1, html.Span([mark, _("Vượt ngưỡng")], className="chart-legend-item"))
    return html.Div(items, className="chart-legend", **aria(hidden="true"))


def _legend_item(trace: dict[str, Any]) -> html.Span:
    if trace["type"] == "bar":
        outline = trace["marker"].get("line", {}).get("color", "transparent")
        style = {"background": trace["meta"]["legend"], "boxShadow": f"inset 0 0 0 1px {outline}"}
        mark = html.Span(className="chart-mark is-bar", style=style)
    else:
        line = trace["line"]
        mark = html.Span(className=f"chart-mark is-{line['dash']}", style={"borderColor": line["color"]})
    return html.Span([mark, trace["name"]], className="chart-legend-item")


@dataclass(frozen=True, slots=True, kw_only=True)
class LateReports:
    """By the Monday of each week still open: the final count expected, and the 90 % interval around it."""

    weeks: Mapping[date, tuple[float, float, float]]

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]]) -> LateReports:
        """From rows of ISO Monday, lower, median and upper, as the nowcast's signal holds them."""
        return cls(weeks={date.fromisoformat(day): (low, mid, high) for day, low, mid, high in rows})


class ComingWeek(NamedTuple):
    """A forecast week: its first day, the median and the 80 % interval."""

    start: date
    median: float
    lower: float
    upper: float


class Break(NamedTuple):
    """A day on which what the curve counts changed."""

    on: date
    text: str


def weekly_figure(
    curve: WeeklyCurve,
    theme: Theme,
    late: LateReports | None = None,
    coming: Sequence[ComingWeek] = (),
    breaks: Sequence[Break] = (),
    height: int = 200,
) -> dict[str, Any]:
    """Cases per week as bars; what the same weeks of earlier years let expect, and the threshold, as lines.

    Weeks above the threshold take the colour of level Cao; a week still running is drawn paler. `late` adds
    to the newest weeks, hollow, what is still to be reported; `coming` weeks are dots with their interval.
    """
    above = curve.observed > curve.threshold
    colours = np.where(above, COLOURS[theme][Level.CAO].fill, BAR[theme]).tolist()
    opacity = [1.0] * len(curve.weeks)
    if curve.partial and opacity:
        opacity[-1] = 0.55
    traces = [
        {
            "type": "bar",
            "x": list(curve.weeks),
            "y": without_nan(curve.observed),
            "name": _("Số ca"),
            "marker": {"color": colours, "opacity": opacity},
            "meta": {"legend": BAR[theme], "above": COLOURS[theme][Level.CAO].fill if above.any() else None},
            "hovertext": [_hover(curve, i, late) for i in range(len(curve.weeks))],
            "hoverinfo": "text",
        }
    ]
    if late is not None:
        traces.append(_late_bars(curve, late, theme))
    if coming:
        traces.append(_coming_dots(coming, theme))
    if np.isfinite(curve.expected).any():
        traces += [
            _line(curve.weeks, curve.expected, _("Trung bình 5 năm"), EXPECTED[theme], "solid"),
            _line(curve.weeks, curve.threshold, _("Ngưỡng"), COLOURS[theme][Level.RAT_CAO].fill, "dash"),
        ]
    return {
        "data": traces,
        "layout": {**week_layout(theme, height), **break_marks(breaks, curve.weeks, theme)},
    }


def break_marks(breaks: Sequence[Break], weeks: Sequence[date], theme: Theme) -> dict[str, Any]:
    """A vertical line with a word at each break within the weeks shown."""
    inside = [x for x in breaks if weeks and weeks[0] <= x.on <= weeks[-1] + timedelta(days=6)]
    line = {"type": "line", "yref": "paper", "y0": 0, "y1": 1}
    line["line"] = {"color": INK[theme], "width": 1.2, "dash": "dot"}
    return {
        "shapes": [{**line, "x0": x.on, "x1": x.on} for x in inside],
        "annotations": [_break_word(x, weeks, theme) for x in inside],
    }


def _break_word(mark: Break, weeks: Sequence[date], theme: Theme) -> dict[str, Any]:
    """Placed by its part of the width: a word placed by its day would widen the axis."""
    part = (mark.on - weeks[0]) / (weeks[-1] - weeks[0] + timedelta(days=7))
    place = {"xref": "paper", "x": part, "xanchor": "left" if part < 0.5 else "right"}
    word = {"yref": "paper", "y": 1, "yanchor": "top", "showarrow": False, "font": {"size": 11}}
    return {**place, **word, "text": mark.text, "bgcolor": LABEL[theme]}


def _line(weeks: Sequence[date], values: Any, name: str, colour: str, dash: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(weeks),
        "y": without_nan(values),
        "name": name,
        "line": {"color": colour, "width": 1.8, "dash": dash},
        "hoverinfo": "skip",
    }


def _late_bars(curve: WeeklyCurve, late: LateReports, theme: Theme) -> dict[str, Any]:
    """What is missing on top of each open week's bar, with the interval of the whole."""
    at = [
        i for i, monday in enumerate(curve.weeks) if monday in late.weeks and math.isfinite(curve.observed[i])
    ]
    bands = [late.weeks[curve.weeks[i]] for i in at]
    reported = [float(curve.observed[i]) for i in at]
    tops = [max(mid, seen) for (_low, mid, _high), seen in zip(bands, reported, strict=True)]
    return {
        "type": "bar",
        "x": [curve.weeks[i] for i in at],
        "y": [top - seen for top, seen in zip(tops, reported, strict=True)],
        "base": reported,
        "name": _("Ước tính còn báo cáo chậm"),
        "marker": {"color": "rgba(0,0,0,0)", "line": {"color": INK[theme], "width": 1}},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [max(high - top, 0) for (_low, _mid, high), top in zip(bands, tops, strict=True)],
            "arrayminus": [max(top - low, 0) for (low, _mid, _high), top in zip(bands, tops, strict=True)],
            "color": INK[theme],
            "thickness": 1,
            "width": 2,
        },
        "meta": {"legend": "transparent"},
        "hoverinfo": "skip",
    }


def _coming_dots(coming: Sequence[ComingWeek], theme: Theme) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [week.start for week in coming],
        "y": [week.median for week in coming],
        "name": _("Dự báo, 80 % khả năng"),
        "marker": {"color": EXPECTED[theme], "size": 5},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [week.upper - week.median for week in coming],
            "arrayminus": [week.median - week.lower for week in coming],
            "color": EXPECTED[theme],
            "thickness": 1.2,
            "width": 2,
        },
        "line": {"color": EXPECTED[theme], "dash": "dot"},
        "hovertext": [
            _(
                "7 ngày từ {day}: dự báo {n} ca ({low}–{high})",
                day=show_date(week.start),
                n=show_number(week.median),
                low=show_number(week.lower),
                high=show_number(week.upper),
            )
            for week in coming
        ],
        "hoverinfo": "text",
    }


def _hover(curve: WeeklyCurve, i: int, late: LateReports | None) -> str:
    monday = curve.weeks[i]
    observed, expected, threshold = (
        series[i] for series in (curve.observed, curve.expected, curve.threshold)
    )
    cases = show_number(observed) if math.isfinite(observed) else _("chưa rõ")
    lines = [
        _(
            "Tuần {week}, {start} – {end}",
            week=week_of(monday).week,
            start=show_date(monday),
            end=show_date(monday + timedelta(days=6)),
        ),
        _("Số ca: {cases}", cases=cases),
    ]
    if math.isfinite(expected):
        lines.append(_("Trung bình 5 năm: {n}", n=show_number(expected, 1)))
        lines.append(_("Ngưỡng: {n}", n=show_number(threshold, 1)))
    if late is not None and monday in late.weeks:
        low, mid, high = late.weeks[monday]
        lines.append(
            _(
                "Ước tính khi đã báo cáo đủ: {n} ({low}–{high})",
                n=show_number(mid),
                low=show_number(low),
                high=show_number(high),
            )
        )
    if curve.partial and i == len(curve.weeks) - 1:
        lines.append(_("Tuần chưa hết, số ca còn tăng"))
    return "<br>".join(lines)


def base_layout(theme: Theme, height: int, *, left: int) -> dict[str, Any]:
    """What every chart's layout has; `left` px for the labels of the y axis."""
    axis = {"gridcolor": GRID[theme], "linecolor": GRID[theme], "zeroline": False, "fixedrange": True}
    return {
        "height": height,
        "margin": {"l": left, "r": 4, "t": 6, "b": 24},
        "showlegend": False,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "Inter, system-ui, sans-serif", "size": 12, "color": INK[theme]},
        "separators": ",." if current_locale() == "vi" else ".,",
        "hoverlabel": {"align": "left"},
        "xaxis": {**axis, "tickangle": 0, "showgrid": False},
        "yaxis": {**axis, "rangemode": "tozero", "tickformat": ",d"},
    }


def week_layout(theme: Theme, height: int) -> dict[str, Any]:
    base = base_layout(theme, height, left=40)
    return {
        **base,
        "bargap": 0.15,
        "barmode": "overlay",
        "xaxis": {**base["xaxis"], "tickformat": "%m/%Y", "nticks": 5},
        "yaxis": {**base["yaxis"], "nticks": 5},
    }


def without_nan(values: Any) -> list[float | None]:
    """JSON has no NaN."""
    return [float(v) if math.isfinite(v) else None for v in values]
