"""Who is on call, this week and now; and which areas are kept quiet, until when, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.models import Role, User
from accounts.service import active_user
from alerts import levels
from alerts.telling.rota import (
    RotaError,
    ShiftView,
    add_shift,
    people_for_shifts,
    remove_shift,
    shifts_between,
)
from alerts.telling.rules import default_rules
from alerts.telling.silences import (
    LEVELS,
    Hush,
    SilenceError,
    end_silence,
    past_silences,
    silence,
    silences_at,
)
from geodata.models import AdminUnit
from geodata.units import units_for
from i18n import Message, MessageError, _
from web.auth import ROLE_NAMES
from web.context import (
    context,
    disease_name,
    for_roles,
    known_disease,
    local,
    now,
    open_session,
    parse_day,
    viewer,
)
from web.fields import disease_select
from web.formats import aria, count, empty, icon, link, moment, short_moment

ACTORS = (Role.ANALYST, Role.OFFICER)
DAYS = (
    Message("Thứ hai"), Message("Thứ ba"), Message("Thứ tư"), Message("Thứ năm"),
    Message("Thứ sáu"), Message("Thứ bảy"), Message("Chủ nhật"),
)  # fmt: skip
LENGTHS = {
    "4": Message("4 giờ"),
    "24": Message("24 giờ"),
    "72": Message("3 ngày"),
    "168": Message("7 ngày"),
    "336": Message("14 ngày"),
}
"""Hours a silence may be asked for; telling.toml bounds them."""
NIGHT = (time(17), time(7, 30))
CITY = "city"


def layout(rest: str = "", week: str = "", unit: str = "", disease: str = "", **_query: str) -> Any:
    """`week`: any day of it; `unit` and `disease` fill the form of a silence, for the link on an alert."""
    who = viewer()
    with open_session() as session:
        today = local(now(session)).date()
        units = _units(session, who.area_ids)
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
        _shift_form(people, units, today) if who.role is Role.ANALYST else None,
        html.Div(id="on-call-silences"),
        _silence_form(units, unit, disease) if who.role in ACTORS and units else None,
    ]
    return html.Div(parts, className="page")


def register(app: Dash) -> None:
    app.callback(
        Output("on-call-rota", "children"),
        Input("shift-added", "data"),
        Input({"shift-remove": ALL}, "n_clicks"),
        Input("version", "data"),
        State("on-call-week", "data"),
    )(draw_rota)
    app.callback(
        Output("on-call-silences", "children"),
        Input("silence-made", "data"),
        Input({"silence-end": ALL}, "n_clicks"),
        Input("version", "data"),
    )(draw_silences)
    app.callback(
        Output("shift-added", "data"),
        Output("shift-said", "children"),
        Input("shift-save", "n_clicks"),
        State("shift-person", "value"),
        State("shift-area", "value"),
        State("shift-from", "value"),
        State("shift-to", "value"),
        State("shift-phone", "value"),
        State("shift-sms", "checked"),
        prevent_initial_call=True,
    )(save_shift)
    app.callback(
        Output("silence-made", "data"),
        Output("silence-said", "children"),
        Output("silence-reason", "value"),
        Input("silence-save", "n_clicks"),
        State("silence-area", "value"),
        State("silence-disease", "value"),
        State("silence-level", "value"),
        State("silence-length", "value"),
        State("silence-reason", "value"),
        prevent_initial_call=True,
    )(save_silence)


# --- the rota --------------------------------------------------------------------------------------------


def draw_rota(_added: Any, _remove: list[int | None], _version: str | None, week: str) -> Any:
    who, monday = viewer(), date.fromisoformat(week)
    said: Any = None
    with open_session() as session:
        current = now(session)
        if (shift_id := _pressed("shift-remove")) is not None:
            said = _remove_shift(session, shift_id, current)
        begins = _midnight(monday)
        shifts = shifts_between(session, begins, begins + timedelta(days=7), who.area_ids)
        on_call = shifts_between(session, current, current + timedelta(microseconds=1), who.area_ids)
    return [said, *_now(on_call), *_week(monday, shifts, local(current).date())]


@for_roles(Role.ANALYST)
def _remove_shift(session: Session, shift_id: int, current: datetime) -> Any:
    try:
        remove_shift(session, shift_id, by=_user(session), now=current)
    except RotaError as error:
        return _refused(error)
    return _done(_("Đã bỏ ca trực."))


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
    begins, ends = _midnight(day), _midnight(day + timedelta(days=1))
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
            if _midnight(local(one.starts_at).date()) == begins
            else None
        )
    return html.Div(parts, className="rota-shift")


def _shift_form(
    people: Sequence[tuple[int, str, str]], units: Sequence[AdminUnit], today: date
) -> html.Details:
    starts = datetime.combine(today, NIGHT[0])
    ends = datetime.combine(today + timedelta(days=1), NIGHT[1])
    choices = [
        {"value": str(id_), "label": f"{name} · {ROLE_NAMES[Role(role)]}"} for id_, name, role in people
    ]
    return html.Details(
        [
            html.Summary(_("Xếp thêm ca trực")),
            html.Div(
                [
                    dmc.Select(id="shift-person", label=_("Người trực"), data=choices, searchable=True),
                    dmc.Select(
                        id="shift-area",
                        label=_("Trực cho"),
                        data=[{"value": CITY, "label": _("Toàn thành phố")}, *_unit_choices(units)],
                        value=CITY,
                        allowDeselect=False,
                        searchable=True,
                    ),
                    _moment_picker("shift-from", _("Từ"), starts),
                    _moment_picker("shift-to", _("Đến"), ends),
                    dmc.TextInput(
                        id="shift-phone",
                        label=_("Số điện thoại trực"),
                        value="",
                        inputProps={"inputMode": "tel", "maxLength": 20},
                    ),
                    dmc.Switch(id="shift-sms", label=_("Nhắn SMS tới số này"), checked=False, mt="lg"),
                ],
                className="form-row",
            ),
            html.Div(id="shift-said"),
            html.Button(_("Xếp ca trực"), id="shift-save", className="button button-primary", type="button"),
        ],
        className="card more on-call-form",
    )


@for_roles(Role.ANALYST)
def save_shift(
    clicks: int | None,
    person: str | None,
    area: str | None,
    starts: str | None,
    ends: str | None,
    phone: str | None,
    by_sms: bool | None,
) -> tuple[Any, Any]:
    if not clicks:
        return no_update, no_update
    try:
        with open_session() as session:
            add_shift(
                session,
                by=_user(session),
                user_id=int(person or 0),
                unit_id=None if area in (None, CITY) else int(area),
                starts_at=_local_moment(starts),
                ends_at=_local_moment(ends),
                phone=phone or "",
                by_sms=bool(by_sms),
                now=now(session),
            )
    except RotaError as error:
        return no_update, _refused(error)
    return clicks, _done(_("Đã xếp ca trực."))


# --- silences --------------------------------------------------------------------------------------------


def draw_silences(_made: Any, _end: list[int | None], _version: str | None) -> Any:
    who, said = viewer(), None
    with open_session() as session:
        current = now(session)
        if (silence_id := _pressed("silence-end")) is not None:
            said = _end_silence(session, silence_id, current)
        running = silences_at(session, current, who.area_ids)
        past = past_silences(session, current, who.area_ids)
    title = html.H2(_("Đang tạm im ({n})", n=count(len(running))), className="section-title")
    rows = [_silence(one) for one in running]
    parts = [html.Div(rows, className="card")] if rows else [empty(_("Không có địa bàn nào đang tạm im."))]
    return [title, said, *parts, *_past(past)]


@for_roles(*ACTORS)
def _end_silence(session: Session, silence_id: int, current: datetime) -> Any:
    try:
        end_silence(session, silence_id, user=_user(session), now=current)
    except SilenceError as error:
        return _refused(error)
    return _done(_("Đã kết thúc tạm im."))


def _silence(one: Hush) -> html.Div:
    button = (
        html.Button(
            _("Kết thúc ngay"),
            id={"silence-end": one.id},
            className="button",
            type="button",
            **aria(label=_("Kết thúc tạm im {unit}", unit=one.unit_name)),
        )
        if viewer().role in ACTORS
        else None
    )
    return html.Div([_silence_words(one), button], className="dead-letter")


def _silence_words(one: Hush) -> html.Div:
    what = _(
        "{disease}, đến mức {level}", disease=_disease(one.disease), level=str(levels.name(one.level_max))
    )
    return html.Div(
        [
            html.Div([html.Strong(one.unit_name), " · ", what]),
            html.Div(
                [_("đến {at}", at=moment(one.ends_at)), " · ", _("do {name}", name=one.by)], className="dim"
            ),
            html.Div(one.reason),
        ]
    )


def _past(past: Sequence[tuple[Hush, datetime, str | None]]) -> list[Any]:
    if not past:
        return []
    rows = []
    for one, ended_at, by in past:
        how = _("{name} kết thúc sớm lúc {at}", name=by, at=moment(ended_at)) if by else moment(ended_at)
        head: list[Any] = [html.Strong(one.unit_name), f" · {_disease(one.disease)} · ", how]
        rows.append(
            html.Div([html.Div(head), html.Div(one.reason, className="dim")], className="dead-letter")
        )
    return [
        html.Details(
            [html.Summary(_("Những lần tạm im gần đây ({n})", n=count(len(past)))), html.Div(rows)],
            className="more",
        )
    ]


def _silence_form(units: Sequence[AdminUnit], unit: str, disease: str) -> html.Details:
    """Open at once where a link from an alert filled it."""
    chosen = unit if any(str(one.id) == unit for one in units) else None
    if chosen is None and len(units) == 1:
        chosen = str(units[0].id)
    most = default_rules().longest_silence
    lengths = [hours for hours in LENGTHS if timedelta(hours=int(hours)) <= most]
    diseases = [{"value": "all", "label": _("Mọi bệnh")}]
    diseases += [{"value": code, "label": disease_name(code)} for code in context().diseases]
    return html.Details(
        [
            html.Summary(_("Tạm im một địa bàn")),
            html.P(
                _(
                    "Tin vẫn vào nhật ký và hộp cảnh báo, có ghi “đang tạm im”. Mức rất cao và nghĩa vụ theo luật vẫn "
                    "được báo ngay. Khi hết hạn, nếu mức đã cao hơn lúc bắt đầu thì mọi người được báo."
                ),
                className="dim",
            ),
            html.Div(
                [
                    dmc.Select(
                        id="silence-area",
                        label=_("Địa bàn"),
                        data=_unit_choices(units),
                        value=chosen,
                        searchable=True,
                    ),
                    disease_select("silence-disease", diseases, known_disease(disease), label=_("Bệnh")),
                    dmc.Select(
                        id="silence-level",
                        label=_("Đến hết mức"),
                        data=[{"value": str(int(one)), "label": str(levels.name(one))} for one in LEVELS],
                        value=str(int(LEVELS[0])),
                        allowDeselect=False,
                    ),
                    dmc.Select(
                        id="silence-length",
                        label=_("Trong"),
                        data=[{"value": hours, "label": str(LENGTHS[hours])} for hours in lengths],
                        value=lengths[min(1, len(lengths) - 1)],
                        allowDeselect=False,
                    ),
                ],
                className="form-row",
            ),
            dmc.Textarea(
                id="silence-reason",
                label=_("Lý do"),
                description=_("Không ghi tên, điện thoại hay địa chỉ người bệnh."),
                value="",
                autosize=True,
                minRows=2,
                mb="md",
            ),
            html.Div(id="silence-said"),
            html.Button(_("Tạm im"), id="silence-save", className="button button-primary", type="button"),
        ],
        className="card more on-call-form",
        open=bool(unit),
    )


@for_roles(*ACTORS)
def save_silence(
    clicks: int | None,
    area: str | None,
    disease: str | None,
    level: str | None,
    length: str | None,
    reason: str | None,
) -> tuple[Any, Any, Any]:
    """What was typed stays when it is refused."""
    if not clicks:
        return no_update, no_update, no_update
    if not area:
        said = html.P(_("Hãy chọn địa bàn."), className="form-error", role="alert")
        return no_update, said, no_update
    try:
        with open_session() as session:
            current = now(session)
            silence(
                session,
                user=_user(session),
                unit_id=int(area),
                disease=known_disease(disease),
                level_max=int(level or 0),
                ends_at=current + timedelta(hours=int(length or 0)),
                reason=reason or "",
                rules=default_rules(),
                now=current,
            )
    except SilenceError as error:
        return no_update, _refused(error), no_update
    return clicks, _done(_("Đã tạm im.")), ""


# --- small things ----------------------------------------------------------------------------------------


def _pressed(name: str) -> int | None:
    """The row whose button `name` started this callback. A new version of the data may start it as well."""
    for item in ctx.triggered:
        cause = ctx.triggered_prop_ids.get(item["prop_id"])
        if item["value"] and isinstance(cause, dict):
            return int(cause[name])
    return None


def _user(session: Session) -> User:
    user = active_user(session, viewer().id)
    assert user is not None
    return user


def _units(session: Session, area_ids: set[int] | None) -> Sequence[AdminUnit]:
    """The communes of today that the viewer answers for, by name."""
    province = context().settings.deployment.province_code
    found = units_for(session, province, local(now(session)).date())
    if not found:  # a city without a registry, as in tests of one's own squares
        query = select(AdminUnit).where(AdminUnit.level == "commune", AdminUnit.valid_to.is_(None))
        found = list(session.scalars(query))
    mine = [unit for unit in found if area_ids is None or unit.id in area_ids]
    return sorted(mine, key=lambda unit: unit.name)


def _unit_choices(units: Sequence[AdminUnit]) -> list[dict[str, str]]:
    return [{"value": str(unit.id), "label": unit.name} for unit in units]


def _moment_picker(name: str, label: str, value: datetime) -> dmc.DateTimePicker:
    return dmc.DateTimePicker(
        id=name,
        label=label,
        value=f"{value:%Y-%m-%d %H:%M:%S}",
        valueFormat="HH:mm DD/MM/YYYY",
    )


def _local_moment(text: str | None) -> datetime:
    try:
        naive = datetime.fromisoformat(text or "")
    except ValueError:
        raise RotaError(Message("Hãy chọn giờ bắt đầu và giờ kết thúc.")) from None
    return naive.replace(tzinfo=context().settings.deployment.timezone).astimezone(UTC)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=context().settings.deployment.timezone)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _touches(one: ShiftView, day: date) -> bool:
    return one.starts_at < _midnight(day + timedelta(days=1)) and one.ends_at > _midnight(day)


def _shown_number(number: str) -> str:
    """As people here write it: 84901234567 is 0901 234 567."""
    text = f"0{number[2:]}" if number.startswith("84") else f"+{number}"
    return f"{text[:4]} {text[4:7]} {text[7:]}".strip()


def _disease(code: str | None) -> str:
    return _("Mọi bệnh") if code is None else disease_name(code)


def _refused(error: MessageError) -> html.P:
    return html.P(str(error.message), className="form-error", role="alert")


def _done(text: str) -> html.P:
    return html.P(text, className="form-done", role="status")
