"""The form that puts somebody on call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html, no_update

from accounts.models import Role
from alerts.telling.rota import (
    RotaError,
    add_shift,
)
from geodata.models import AdminUnit
from i18n import Message, _
from web.auth import ROLE_NAMES
from web.context import (
    context,
    for_roles,
    now,
    open_session,
)
from web.pages.on_call_parts import acting, done, refused, unit_choices

NIGHT = (time(17), time(7, 30))
CITY = "city"


def register(app: Dash) -> None:
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


def shift_form(
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
                        data=[{"value": CITY, "label": _("Toàn thành phố")}, *unit_choices(units)],
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
                by=acting(session),
                user_id=int(person or 0),
                unit_id=None if area in (None, CITY) else int(area),
                starts_at=_local_moment(starts),
                ends_at=_local_moment(ends),
                phone=phone or "",
                by_sms=bool(by_sms),
                now=now(session),
            )
    except RotaError as error:
        return no_update, refused(error)
    return clicks, done(_("Đã xếp ca trực."))


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
