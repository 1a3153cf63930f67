"""Duties in a few lines, for the pages that lead to them: those of an alert, and the share done in time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from dash import html
from sqlalchemy.orm import Session

from alerts.duties import DutyState, Tally
from alerts.duty_views import NAMES, STATES, DutyView, duties_of_alert, late_count, shares, whole
from alerts.views import AlertSummary
from i18n import _
from web.context import Moment, now, viewer
from web.formats import count, deadline_text, icon, link, moment

SHARE_DAYS = 30
OVER_SHOWN = 3


def alert_duties(session: Session, alert: AlertSummary, current: datetime) -> list[Any]:
    """What the law asks because of this alert: what is open with its clock, then the last that are settled."""
    found = duties_of_alert(session, alert.id, viewer().area_ids)
    if not found and alert.notice_due is not None and alert.state != "closed":
        return [_foreseen(alert.notice_due, current)]
    open_ = [duty for duty in found if duty.state is DutyState.OPEN]
    over = [duty for duty in found if duty.state is not DutyState.OPEN][:OVER_SHOWN]
    return [*(_clock(duty, current) for duty in open_), *(_settled(duty, current) for duty in over)]


def _foreseen(due: datetime, current: datetime) -> html.Div:
    """The alert's own deadline, for the minute until the register has read it."""
    label = _("Hạn ra thông báo (Thông tư 15/2026, điều 26)")
    time = html.Div([html.Strong(deadline_text(due, current)), f" · {moment(due)}"])
    return html.Div(
        [icon("clock"), html.Div([html.Div(label, className="duty-label"), time])],
        className="duty is-late" if due < current else "duty",
    )


def _clock(duty: DutyView, current: datetime) -> Any:
    time = html.Div([html.Strong(deadline_text(duty.due_at, current)), f" · {moment(duty.due_at)}"])
    return link(
        [icon("clock"), html.Div([html.Div(str(NAMES[duty.kind]), className="duty-label"), time])],
        f"/duties/{duty.id}",
        className="duty is-late" if duty.late(current) else "duty",
    )


def _settled(duty: DutyView, current: datetime) -> Any:
    words = f"{settled_words(duty, current)} · {moment(duty.settled_at)}"
    return link(
        [icon("check"), html.Div([html.Div(str(NAMES[duty.kind]), className="duty-label"), words])],
        f"/duties/{duty.id}",
        className="duty",
    )


def settled_words(duty: DutyView, current: datetime) -> str:
    """How it went, in two or three words."""
    if duty.state is DutyState.DONE:
        return _("Đã làm, trễ hạn") if duty.late(current) else _("Đã làm đúng hạn")
    return str(STATES[duty.state])


def share_box(session: Session, shown: Moment | None = None) -> list[Any]:
    """The share of the last days done in time, with the way to its rows; nothing on a past day."""
    if shown is not None and shown.as_of is not None:
        return []
    current, who = now(session), viewer()
    start = current - timedelta(days=SHARE_DAYS)
    share = whole(shares(session, area_ids=who.area_ids, start=start, end=current, now=current))
    late = late_count(session, who.area_ids, current)
    if not share.counted and not late:
        return []
    return [
        link(
            [
                html.Div(
                    [
                        html.Div(
                            _("Việc theo luật đúng hạn, {n} ngày qua", n=SHARE_DAYS), className="kpi-label"
                        ),
                        html.Div(share_text(share), className="kpi-value"),
                        html.Div(late_text(late), className="kpi-note is-bad" if late else "kpi-note"),
                    ]
                ),
                icon("chevron-right"),
            ],
            f"/duties?tab=past&days={SHARE_DAYS}",
            className="kpi duty-share",
        )
    ]


def late_text(late: int) -> str:
    return _("{n} việc đang quá hạn", n=late) if late else _("không có việc quá hạn")


def share_text(share: Tally) -> str:
    """ "12/15 (80 %)"; a dash when nothing was due."""
    if not share.counted:
        return "–"
    percent = round(100 * share.in_time / share.counted)
    return f"{count(share.in_time)}/{count(share.counted)} ({percent} %)"
