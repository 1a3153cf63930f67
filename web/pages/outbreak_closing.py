"""Whether an outbreak can be closed: what is met, and what is still missing."""

from __future__ import annotations

from datetime import date
from typing import Any

from dash import html

from i18n import _
from surveillance.outbreaks.closing import Condition, closing_conditions
from surveillance.outbreaks.detail import OutbreakDetail
from surveillance.outbreaks.lifecycle import ALLOWED, Act
from web.formats import icon, stored


def closing_panel(detail: OutbreakDetail, today: date) -> list[Any]:
    """Nothing for an outbreak that is closed, merged or dissolved."""
    if detail.summary.status not in ALLOWED[Act.CLOSE]:
        return []
    found = closing_conditions(detail.summary, detail.tasks, detail.surveys, today=today)
    return [
        html.H3(_("Đóng được chưa"), className="section-title"),
        html.P(_verdict(found), className="closing-verdict"),
        html.Ul([_condition(condition) for condition in found], className="closing-list"),
    ]


def _verdict(found: tuple[Condition, ...]) -> str:
    if not all(c.met for c in found if c.binding):
        return _("Chưa: chưa đủ số ngày theo tiêu chuẩn.")
    if not all(c.met for c in found):
        return _("Đủ số ngày; nên xem các mục còn thiếu trước khi đóng.")
    return _("Đủ điều kiện. Người phụ trách quyết định và ghi lý do.")


def _condition(condition: Condition) -> html.Li:
    word = _("đạt") if condition.met else _("chưa đạt")
    return html.Li(
        [
            icon("check" if condition.met else "clock"),
            html.Span([stored(condition.words), html.Span(f" ({word})", className="visually-hidden")]),
        ],
        className="is-met" if condition.met else "is-unmet",
    )
