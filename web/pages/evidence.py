"""What each method says of a commune or of the city: the part of the map's panel that explains the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from dash import html
from sqlalchemy.orm import Session

from i18n import Message, _
from surveillance.signals import current_signals
from surveillance.types import Signal, StatutoryStatus
from web.context import Moment
from web.figures import ComingWeek, LateReports
from web.formats import count, link, stored
from web.workbench.legend import METHODS_AT

CONCERNED = frozenset({StatutoryStatus.WARNING, StatutoryStatus.EPIDEMIC})
FIRST = (
    "statutory_month",
    "statutory_week",
    "nowcast",
    "forecast",
    "rt",
    "hot_spot",
    "scan",
    "farrington_flexible",
)
"""The order in which people ask; other methods follow by name."""
METHODS: Mapping[str, tuple[Message, str]] = {
    "statutory_month": (Message("Ngưỡng tháng"), "statutory"),
    "statutory_week": (Message("Ngưỡng tuần"), "statutory"),
    "nowcast": (Message("Kể cả báo chậm"), "nowcast"),
    "forecast": (Message("Dự báo 7 ngày tới"), "forecast"),
    "rt": (Message("Hệ số lây Rt"), "reproduction"),
    "hot_spot": (Message("Điểm nóng"), "association"),
    "scan": (Message("Cụm ca"), "clusters"),
    "outbreak": (Message("Ổ dịch ở đây"), "outbreaks"),
    "severity": (Message("Ca nặng, 28 ngày"), "evidence"),
    "vector": (Message("Véc tơ"), "evidence"),
    "climate": (Message("Khí hậu"), "evidence"),
    "silence": (Message("Im lặng"), "evidence"),
    "farrington_flexible": (Message("Farrington"), "farrington"),
    "farrington_classic": (Message("Farrington gốc"), "farrington"),
    "ears_c1": (Message("EARS C1"), "ears"),
    "ears_c2": (Message("EARS C2"), "ears"),
    "ears_c3": (Message("EARS C3"), "ears"),
    "moving_epidemic": (Message("Mùa dịch (MEM)"), "mem"),
    "rare": (Message("Bệnh hiếm"), "rare"),
    "seasonal_daily": (Message("Theo mùa, từng ngày"), "seasonal"),
    "bayes": (Message("Bayes"), "windows"),
    "rki": (Message("RKI"), "windows"),
    "historical_limits": (Message("Giới hạn lịch sử (CDC)"), "cdc"),
    "cusum": (Message("CUSUM"), "cusum"),
    "glr_poisson": (Message("GLR Poisson"), "glr"),
    "glr_negative_binomial": (Message("GLR nhị thức âm"), "glr"),
    "outbreak_p": (Message("OutbreakP"), "outbreakp"),
}
"""Plain name of each method, and its page of docs/methods."""


def signals_of(session: Session, disease: str | None, unit_id: int | None, shown: Moment) -> list[Signal]:
    """What was believed then of one disease in one unit; nothing without both, and no forecast of a past week."""
    if disease is None or unit_id is None:
        return []
    found = current_signals(session, as_of=shown.as_of, disease=disease, unit_ids=[unit_id])
    first = shown.today - timedelta(days=6)
    return [signal for signal in found if signal.method != "forecast" or signal.period_start >= first]


def late_reports(signals: Sequence[Signal]) -> LateReports | None:
    """What the nowcast expects of the weeks still open."""
    for signal in signals:
        if signal.method == "nowcast" and signal.detail["weeks"]:
            return LateReports.of(signal.detail["weeks"])
    return None


def coming_weeks(signals: Sequence[Signal]) -> list[ComingWeek]:
    """The weeks that a forecast is given for."""
    weeks = [week for signal in signals if signal.method == "forecast" for week in signal.detail["weeks"]]
    return [
        ComingWeek(date.fromisoformat(week["start"]), week["median"], *week["intervals"]["80"])
        for week in weeks
    ]


def evidence(signals: Sequence[Signal]) -> list[Any]:
    """Every method in a row, the alarming ones first; those that could not judge are folded away."""
    if not signals:
        return []
    ordered = sorted(signals, key=_rank)
    judged = [signal for signal in ordered if not _lacks(signal)]
    silent = [signal for signal in ordered if _lacks(signal)]
    return [
        html.H3(_("Các phương pháp nói gì"), className="section-title"),
        html.Ul([_line(signal) for signal in judged], className="evidence-list"),
        *([_folded(silent)] if silent else []),
    ]


def _rank(signal: Signal) -> tuple[bool, int, str]:
    place = FIRST.index(signal.method) if signal.method in FIRST else len(FIRST)
    return not _alarms(signal), place, signal.method


def _alarms(signal: Signal) -> bool:
    return signal.alarm or signal.status in CONCERNED


def _lacks(signal: Signal) -> bool:
    return bool(signal.detail.get("lacking")) and not _alarms(signal) and signal.method != "nowcast"


def _line(signal: Signal) -> html.Li:
    """Name, value, limit and a mark when it is over; opened, the sentence and the way to the method."""
    over = _alarms(signal)
    value, limit = reading(signal)
    word = _("Bình thường") if not over else _("Vượt") if limit else _("Chú ý")
    mark = html.Span(word, className="evidence-mark" if over else "visually-hidden")
    shown = [
        html.Span(str(name_of(signal.method))),
        html.Span([html.Strong(value), *([html.Span(_("ngưỡng {limit}", limit=limit))] if limit else [])]),
        html.Span(mark),
    ]
    return html.Li(
        html.Details(
            [
                html.Summary(shown, className="evidence-row"),
                html.P([stored(signal.reason), " ", *_way(signal.method)]),
            ]
        ),
        className="evidence is-alarm" if over else "evidence",
    )


def _way(method: str) -> list[Any]:
    named = METHODS.get(method)
    return [link(_("Cách tính"), f"{METHODS_AT}#{named[1]}")] if named else []


def _folded(signals: Sequence[Signal]) -> html.Details:
    rows = [
        html.Li([html.Strong(f"{name_of(signal.method)}: "), stored(signal.reason)], className="evidence")
        for signal in signals
    ]
    return html.Details(
        [
            html.Summary(_("Chưa kết luận được ({n})", n=len(signals))),
            html.Ul(rows, className="evidence-list is-dim"),
        ],
        className="more",
    )


def name_of(method: str) -> Message:
    """As people call it; its own name for a method that has none here."""
    named = METHODS.get(method)
    return named[0] if named else Message("{method}", method=method)


def reading(signal: Signal) -> tuple[str, str]:
    """What a method found and what it is held against, as short texts; the second may be empty."""
    told = signal.detail
    match signal.method:
        case "rt":
            return _figure(told.get("rt")), "1"
        case "nowcast" | "forecast":
            weeks = told.get("weeks") or []
            coming = weeks[0].get("median") if signal.method == "forecast" and weeks else signal.expected
            return _cases(coming), ""
        case "outbreak":
            return _("{n} ổ dịch", n=count(told.get("open"))), ""
        case "severity":
            return _("{n} ca nặng", n=count(told.get("severe_28"))), ""
        case "vector":
            return f"DI {_figure(told.get('di'))} · BI {_figure(told.get('bi'))}", ""
        case "climate":
            share = told.get("suitability")
            return _("{n} % thuận lợi", n=count(None if share is None else 100 * share)), ""
        case "hot_spot":
            return _("điểm z {z}", z=_figure(told.get("z"))), ""
        case "scan":
            return _cases(told.get("cluster_cases", signal.observed)), ""
        case "silence":
            return _("{n} ngày", n=count(told.get("days"))), ""
    limit = told.get("threshold") or signal.upperbound
    return _cases(signal.observed), "" if limit is None else _figure(limit)


def _cases(cases: float | None) -> str:
    return _("{n} ca", n="–" if cases is None else _figure(cases))


def _figure(number: float | None) -> str:
    """At most two decimals, and none that say nothing."""
    if number is None:
        return "–"
    near = round(number, 2)
    return count(near, 0 if near.is_integer() else 1 if round(near, 1) == near else 2)
