"""Figures of other boundary releases: a unit's weeks with what was estimated, and the classes of a rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

from alerts.levels import Theme
from i18n import _, show_date, show_number
from surveillance.types import FloatArray
from web.figures import BAR, Break, break_marks, week_layout, without_nan

RATES = {
    "light": ("#e0e5f4", "#b8c4e4", "#8798cf", "#5a6cb3", "#303a82"),
    "dark": ("#262b45", "#3a4378", "#5a68ad", "#8d9adb", "#d3daff"),
}
"""Five steps of a rate, low to high: one hue, so that no step is taken for a level."""


PART = {"light": "#cdd7e0", "dark": "#46535f"}


def shared_figure(
    weeks: Sequence[date], cases: FloatArray, estimated: FloatArray, breaks: Sequence[Break], theme: Theme
) -> dict[str, Any]:
    """Weekly cases of a unit of another time, (W,): what lies there for certain, and on top, paler, what was shared
    out."""
    bar = {"type": "bar", "x": list(weeks), "hoverinfo": "text"}
    bar["hovertext"] = [_hover(*week) for week in zip(weeks, cases, estimated, strict=True)]
    traces = [
        {
            **bar,
            "y": without_nan(cases - estimated),
            "name": _("Số ca"),
            "marker": {"color": BAR[theme]},
            "meta": {"legend": BAR[theme]},
        }
    ]
    if estimated.any():
        traces.append(
            {
                **bar,
                "y": without_nan(estimated),
                "base": without_nan(cases - estimated),
                "name": _("Ước tính"),
                "marker": {"color": PART[theme]},
                "meta": {"legend": PART[theme]},
            }
        )
    layout = week_layout(theme, 200)
    layout["yaxis"] = {**layout["yaxis"], "tickformat": ",.1~f"}
    return {"data": traces, "layout": {**layout, **break_marks(breaks, weeks, theme)}}


def _hover(week: date, cases: float, estimated: float) -> str:
    return _(
        "7 ngày từ {day}: {n} ca, trong đó ước tính {part}",
        day=show_date(week),
        n=show_number(cases, 1),
        part=show_number(estimated, 1),
    )


def rate_stops(rates: Sequence[float | None]) -> list[float]:
    """Lower ends of at most five classes: 0, and round numbers near the fifths of the rates above 0."""
    known = sorted(rate for rate in rates if rate)
    if not known:
        return [0.0]
    fifths = (known[len(known) * k // 5] for k in range(1, 5))
    return sorted({0.0, *(_rounded(x) for x in fifths)})


def _rounded(value: float) -> float:
    """To whole numbers below 20, to fives below 100, then to two digits; never 0."""
    step = 1 if value < 20 else 5 if value < 100 else 10 ** (math.floor(math.log10(value)) - 1)
    return max(1.0, float(step * round(value / step)))
