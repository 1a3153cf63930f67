"""Who is on call now and in this week."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from dash import ALL, Dash, Input, Output, State, html
from sqlalchemy.orm import Session

from accounts.models import Role
from alerts.telling.rota import (
    RotaError,
    ShiftView,
    remove_shift,
    shifts_between,
)
from i18n import Message, _
from web.context import (
    for_roles,
    local,
    now,
    open_session,
    viewer,
)
from web.formats import aria, empty, icon, link, short_moment
from web.pages.on_call_parts import acting, done, midnight, pressed_row, refused

DAYS = (
    Message("Thứ hai"), Message("Thứ ba"), Message("Thứ tư"), Message("Thứ năm"),
    Message("Thứ sáu"), Message("Thứ bảy"), Message("Chủ nhật"),
)  # fmt: skip


def register(app: Dash) -> None:
    app.callback(
        Output("on-call-rota", "children"),
        Input("shift-added", "data"),
        Input({"shift-remove": ALL}, "n_clicks"),
        Input("version", "data"),
        State("on-call-week", "data"),
    )(draw_rota)


def draw_rota(_added: Any, _remove: list[int | None], _version: str | None, week: str) -> Any:
    who, monday = viewer(), date.fromisoformat(week)
    said: Any = None
    with open_session() as session:
        current = now(session)
        if (shift_id := pressed_row("shift-remove")) is not None:
            said = _remove_shift(session, shift_id, current)
        begins = midnight(monday)
        shifts = shifts_between(session, begins, begins + timedelta(days=7), who.area_ids)
        on_call = shifts_between(session, current, current + timedelta(microseconds=1), who.area_ids)
    return [said, *_now(on_call), *_week(monday, shifts, local(current).date())]


@for_roles(Role.ANALYST)
def _remove_shift(session: Session, shift_id: int, current: datetime) -> Any:
    try:
        remove_shift(session, shift_id, by=acting(session), now=current)
    except RotaError as error:
        return refused(error)
    return done(_("Đã bỏ ca trực."))


def _now(on_call: Sequence[ShiftView]) -> list[Any]:
    title = html.H2(_("Ai đang trực"), className="section-title")
    nobody = html.Div(
        [
            icon("alert-triangle"),
            _("Lúc này không có ai trực cho thành phố: cảnh báo không ai nhận sẽ báo cho mọi chuyên viên."),
        ],
        className="stale-note",
    )
    missing = [] if any(one.unit_id is None for one in on_call) else [nobody]
    return [title, *missing, html.Div([_on_call(one) for one in on_call], className="card-grid")]


def _on_call(one: ShiftView) -> html.Div:
    call = (
        html.A(
            [icon("phone"), _("Gọi {number}", number=_shown_number(one.phone))],
            href=f"tel:+{one.phone}",
            className="button button-primary call-button",
        )
        if one.phone
        else html.Span(_("Chưa ghi số điện thoại"), className="dim")
    )
    return html.Div(
        [
            html.Div(one.unit_name or _("Toàn thành phố"), className="dim"),
            html.Div(one.name, className="on-call-name"),
            html.Div(_("đến {at}", at=short_moment(one.ends_at)), className="dim num"),
            call,
        ],
        className="card on-call-card",
    )


def _week(monday: date, shifts: Sequence[ShiftView], today: date) -> list[Any]:
    """A column a day, a row an area; on a phone the same cells stand as a list."""
    areas = list(dict.fromkeys((one.unit_id, one.unit_name) for one in shifts))
    days = [monday + timedelta(days=n) for n in range(7)]
    head = html.Div(
        [
            html.H2(
                _("Tuần {first} – {last}", first=f"{days[0]:%d/%m}", last=f"{days[6]:%d/%m/%Y}"),
                className="section-title",
            ),
            html.Div(
                [
                    link(_("Tuần trước"), f"/on-call?week={monday - timedelta(days=7)}", className="button"),
                    link(_("Tuần sau"), f"/on-call?week={monday + timedelta(days=7)}", className="button"),
                ],
                className="page-actions",
            ),
        ],
        className="rota-head",
    )
    if not shifts:
        return [head, empty(_("Tuần này chưa xếp ai trực."))]
    header = [html.Div("", className="rota-corner")]
    header += [html.Div([str(DAYS[day.weekday()]), html.Span(f"{day:%d/%m}", className="dim num")],
                        className="rota-day is-today" if day == today else "rota-day") for day in days]  # fmt: skip
    cells: list[Any] = []
    for unit_id, name in areas:
        cells.append(html.Div(name or _("Toàn thành phố"), className="rota-area"))
        mine = [one for one in shifts if one.unit_id == unit_id]
        cells += [_cell(day, [one for one in mine if _touches(one, day)]) for day in days]
    return [
        head,
        html.Div([*header, *cells], className="card rota", role="group", **aria(label=_("Lịch trực"))),
    ]


def _cell(day: date, shifts: Sequence[ShiftView]) -> html.Div:
    label = f"{DAYS[day.weekday()]} {day:%d/%m}"
    return html.Div(
        [html.Div(label, className="rota-label only-phone"), *(_shift(one, day) for one in shifts)],
        className="rota-cell" if shifts else "rota-cell is-empty",
    )


def _shift(one: ShiftView, day: date) -> html.Div:
    begins, ends = midnight(day), midnight(day + timedelta(days=1))
    hours = f"{local(max(one.starts_at, begins)):%H:%M}–" + (
        "24:00" if one.ends_at >= ends else f"{local(one.ends_at):%H:%M}"
    )
    parts: list[Any] = [html.Span(hours, className="num dim"), html.Span(one.name, className="rota-name")]
    if viewer().role is Role.ANALYST:
        label = _("Bỏ ca trực của {name}, {day}", name=one.name, day=f"{day:%d/%m}")
        parts.append(
            html.Button(
                icon("x"),
                id={"shift-remove": f"{one.id}"},
                className="icon-button rota-remove",
                type="button",
                title=label,
                **aria(label=label),
            )
            if midnight(local(one.starts_at).date()) == begins
            else None
        )
    return html.Div(parts, className="rota-shift")


def _touches(one: ShiftView, day: date) -> bool:
    return one.starts_at < midnight(day + timedelta(days=1)) and one.ends_at > midnight(day)


def _shown_number(number: str) -> str:
    """As people here write it: 84901234567 is 0901 234 567."""
    text = f"0{number[2:]}" if number.startswith("84") else f"+{number}"
    return f"{text[:4]} {text[4:7]} {text[7:]}".strip()
