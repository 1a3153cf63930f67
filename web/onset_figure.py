"""Cases of one outbreak by day, with what was done. Data in, figure out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from alerts.levels import Theme
from i18n import _, show_date
from surveillance.outbreaks.detail import OutbreakDetail
from surveillance.outbreaks.entries import LARVICIDE, SPRAYING
from web.figures import BAR, EXPECTED, base_layout

BEYOND_DAYS = 3
"""Room on either side of what happened."""


def onset_figure(detail: OutbreakDetail, today: date, theme: Theme, height: int = 170) -> dict[str, Any]:
    """A bar for each day with members; marks above them for surveys, sprayings and larvicide rounds."""
    cases = Counter(case.event_date for case in detail.members)
    days = sorted(cases)
    done = {
        _("Giám sát"): ("circle", [view.survey.on for view in detail.surveys]),
        _("Phun"): ("diamond", [m.on for m in detail.measures if m.kind == SPRAYING and m.on]),
        _("Diệt lăng quăng"): (
            "triangle-up",
            [m.on for m in detail.measures if m.kind == LARVICIDE and m.on],
        ),
    }
    top = max(cases.values(), default=1)
    last = min(today, max([detail.summary.closing_from, *days]))
    bars = {
        "type": "bar",
        "x": days,
        "y": [cases[day] for day in days],
        "width": 0.9 * 86_400_000,
        "name": _("Số ca"),
        "marker": {"color": BAR[theme]},
        "meta": {"legend": BAR[theme]},
        "hovertext": [_("{day}: {n} ca", day=day, n=cases[day]) for day in days],
        "hoverinfo": "text",
    }
    marks = [
        _marks(name, symbol, on, top * (1.12 + 0.16 * k), theme)
        for k, (name, (symbol, on)) in enumerate(done.items())
        if on
    ]
    first = (days[0] if days else detail.summary.first_event) - timedelta(days=BEYOND_DAYS)
    return {
        "data": [bars, *marks],
        "layout": _layout(theme, height, first, last + timedelta(days=BEYOND_DAYS), top),
    }


def _marks(name: str, symbol: str, days: Sequence[date], at: float, theme: Theme) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": list(days),
        "y": [at] * len(days),
        "name": name,
        "marker": {"symbol": symbol, "size": 9, "color": EXPECTED[theme]},
        "line": {"color": EXPECTED[theme], "dash": f"mark-{symbol}"},
        "hovertext": [f"{name}: {show_date(day)}" for day in days],
        "hoverinfo": "text",
    }


def _layout(theme: Theme, height: int, first: date, last: date, top: int) -> dict[str, Any]:
    base = base_layout(theme, height, left=30)
    single = {"dtick": 1} if top < 5 else {}
    days = [first.isoformat(), last.isoformat()]
    return {
        **base,
        "xaxis": {**base["xaxis"], "tickformat": "%d/%m", "nticks": 6, "range": days},
        "yaxis": {**base["yaxis"], "nticks": 4, "range": [0, top * 1.6], **single},
    }
