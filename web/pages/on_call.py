"""Who is on call, this week and now; and which areas are kept quiet, until when, and why."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from dash import Dash, dcc, html

from accounts.models import Role
from alerts.telling.rota import (
    people_for_shifts,
)
from i18n import _
from web.context import (
    local,
    now,
    open_session,
    parse_day,
    viewer,
)
from web.pages import on_call_rota, on_call_shifts, on_call_silences
from web.pages.on_call_parts import units_of_viewer
from web.pages.on_call_shifts import shift_form
from web.pages.on_call_silences import ACTORS, silence_form


def layout(rest: str = "", week: str = "", unit: str = "", disease: str = "", **_query: str) -> Any:
    """`week`: any day of it; `unit` and `disease` fill the form of a silence, for the link on an alert."""
    who = viewer()
    with open_session() as session:
        today = local(now(session)).date()
        units = units_of_viewer(session, who.area_ids)
        people = people_for_shifts(session) if who.role is Role.ANALYST else []
    monday = _monday(parse_day(week) or today)
    parts = [
        dcc.Store(id="on-call-week", data=monday.isoformat()),
        dcc.Store(id="shift-added"),
        dcc.Store(id="silence-made"),
        html.Div(html.H1(_("Trực và tạm im"), className="page-title"), className="page-head"),
        html.P(
            _(
                "Cảnh báo không ai tiếp nhận được chuyển dần: cán bộ phường, xã → trung tâm y tế khu vực → "
                "người đang trực của HCDC. Mức rất cao và cảnh báo, có dịch theo Thông tư 15/2026/TT-BYT tính giờ "
                "cả đêm và ngày nghỉ, không bị giờ yên lặng hay tạm im giữ lại."
            ),
            className="lead-note",
        ),
        html.Div(id="on-call-rota"),
        shift_form(people, units, today) if who.role is Role.ANALYST else None,
        html.Div(id="on-call-silences"),
        silence_form(units, unit, disease) if who.role in ACTORS and units else None,
    ]
    return html.Div(parts, className="page")


def register(app: Dash) -> None:
    for part in (on_call_rota, on_call_shifts, on_call_silences):
        part.register(app)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
