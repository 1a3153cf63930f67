"""What each method says of a commune or of the city: the part of the map's panel that explains the figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from dash import html
from sqlalchemy.orm import Session

from i18n import _
from surveillance.signals import current_signals
from surveillance.types import Signal, StatutoryStatus
from web.context import Moment
from web.figures import ComingWeek, LateReports
from web.formats import stored

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
    """Every method's sentence, the alarming ones first; those that could not judge are folded away."""
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
    word = _("Bất thường") if _alarms(signal) else _("Bình thường")
    return html.Li(
        [html.Span(f"{word}: ", className="visually-hidden"), stored(signal.reason)],
        className="evidence is-alarm" if _alarms(signal) else "evidence",
    )


def _folded(signals: Sequence[Signal]) -> html.Details:
    return html.Details(
        [
            html.Summary(_("Chưa kết luận được ({n})", n=len(signals))),
            html.Ul([_line(signal) for signal in signals], className="evidence-list is-dim"),
        ],
        className="more",
    )
