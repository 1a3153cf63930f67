"""The epidemic curve as a plotly figure: bars by day or week, in parts, with the period looked at marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.levels import Theme
from i18n import _, show_date, show_number
from surveillance.epiweek import week_of
from web.figures import BAR, INK, between, week_layout
from web.release_figures import RATES
from web.selection import Step

HEIGHT = 240
OTHERS = {"light": "#b8bec4", "dark": "#5c6772"}
PERIOD = {"light": "rgba(22,96,184,.09)", "dark": "rgba(111,177,245,.13)"}
PARTS = {
    "light": ("#332288", "#88ccee", "#117733", "#ddcc77", "#cc6677", "#44aa99", "#882255", "#999933"),
    "dark": ("#8f86e8", "#88ccee", "#5fbf7f", "#ddcc77", "#e08a99", "#44aa99", "#d470a8", "#b5b34a"),
}
"""Paul Tol's "muted", told apart with colour blindness; lighter where the ground is dark. None is a level's colour."""
SEXES = {"light": ("#3d7dbf", "#c2803a"), "dark": ("#6fa8e2", "#d9a066")}
"""Male and female, as the pyramid has them (assets/workbench-charts.css)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One colour of the bars. `query`: what narrows to it in the URL, empty for the rest or the unknown."""

    name: str
    counts: NDArray[np.int64]
    query: Mapping[str, str]
    other: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """T bars from `starts`, each `step` long; `parts` hold (T,) counts each. `stack`: what they are parts by."""

    starts: tuple[date, ...]
    step: Step
    parts: tuple[Part, ...]
    stack: str | None = None

    @property
    def totals(self) -> NDArray[np.int64]:
        return np.sum([part.counts for part in self.parts], axis=0, dtype=np.int64)


def bars_figure(
    bars: Bars, period: tuple[date, date], theme: Theme, whole: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """`whole`: the figure of all cases of the same weeks (web.figures.weekly_figure), whose expected and bounds, late
    reports and breaks are drawn over the bars; its own bars are taken where ours are not in parts."""
    layout = week_layout(theme, HEIGHT)
    if bars.step == "day":
        layout["xaxis"] = {**layout["xaxis"], "tickformat": "%d/%m", "nticks": 8}
    traces, marks = _traces(bars, theme), []
    if whole is not None:
        first = dict(whole["data"][0])
        first["meta"] = {**first["meta"], "part": {}}
        traces = [*(traces if len(traces) > 1 else [first]), *whole["data"][1:]]
        marks = whole["layout"].get("shapes", [])
        layout["annotations"] = whole["layout"].get("annotations", [])
    return {
        "data": traces,
        "layout": {
            **layout,
            "shapes": [period_mark(period, bars, theme), *marks],
            "dragmode": "select",
            "selections": [],
            "selectdirection": "h",
            "newselection": {"line": {"color": INK[theme], "width": 1}},
            "meta": {"days": 7 if bars.step == "week" else 1},
        },
    }


def period_mark(period: tuple[date, date], bars: Bars, theme: Theme) -> dict[str, Any]:
    """A band behind the bars; a bar's middle stands at its first day, so half a bar is taken off."""
    half = timedelta(days=7 if bars.step == "week" else 1) / 2
    zero = np.datetime64(period[0]) - np.timedelta64(half)
    end = np.datetime64(period[1]) + np.timedelta64(timedelta(days=1) - half)
    return {
        "type": "rect",
        "layer": "below",
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "x0": str(zero),
        "x1": str(end),
        "fillcolor": PERIOD[theme],
        "line": {"width": 0},
    }


def _traces(bars: Bars, theme: Theme) -> list[dict[str, Any]]:
    base = np.zeros(len(bars.starts), dtype=np.int64)
    colours = _colours(bars, theme)
    traces = []
    for part, colour in zip(bars.parts, colours, strict=True):
        traces.append(
            {
                "type": "bar",
                "x": list(bars.starts),
                "y": part.counts.tolist(),
                "base": base.tolist(),
                "name": part.name,
                "marker": {"color": colour},
                "meta": {"legend": colour, "part": dict(part.query)},
                "hovertext": _hover(bars, part),
                "hoverinfo": "text",
            }
        )
        base = base + part.counts
    return traces


def _colours(bars: Bars, theme: Theme) -> list[str]:
    if bars.stack is None:
        return [BAR[theme]]
    named = sum(not part.other for part in bars.parts)
    scales = {"age": _scale(named, theme), "sex": SEXES[theme]}
    colours = iter(scales.get(bars.stack, PARTS[theme]))
    return [OTHERS[theme] if part.other else next(colours) for part in bars.parts]


def _scale(steps: int, theme: Theme) -> list[str]:
    """`steps` colours of one hue: the five of a rate, and those halfway between them."""
    five = RATES[theme]
    places = [4 * i / max(1, steps - 1) for i in range(steps)]
    lows = [min(int(at), 3) for at in places]
    return [between(five[low], five[low + 1], at - low) for at, low in zip(places, lows, strict=True)]


def _hover(bars: Bars, part: Part) -> list[str]:
    alone = bars.stack is None
    texts = []
    for start, cases, whole in zip(bars.starts, part.counts, bars.totals, strict=True):
        lines = [bar_name(start, bars.step)]
        if not alone:
            lines.append(_("{part}: {n} ca", part=part.name, n=show_number(int(cases))))
        lines.append(_("Tất cả: {n} ca", n=show_number(int(whole))))
        texts.append("<br>".join(lines))
    return texts


def bar_name(start: date, step: Step) -> str:
    if step == "day":
        return show_date(start)
    end = start + timedelta(days=6)
    return _(
        "Tuần {week}, {start} – {end}",
        week=week_of(start).week,
        start=show_date(start),
        end=show_date(end),
    )
