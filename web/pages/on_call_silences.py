"""Which areas are kept quiet, until when, why; and the form that asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, html, no_update
from sqlalchemy.orm import Session

from accounts.models import Role
from alerts import levels
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
from i18n import Message, _
from web.context import (
    context,
    disease_name,
    for_roles,
    known_disease,
    now,
    open_session,
    viewer,
)
from web.fields import disease_select
from web.formats import aria, count, empty, moment
from web.pages.on_call_parts import acting, done, pressed_row, refused, unit_choices

ACTORS = (Role.ANALYST, Role.OFFICER)
LENGTHS = {
    "4": Message("4 giờ"),
    "24": Message("24 giờ"),
    "72": Message("3 ngày"),
    "168": Message("7 ngày"),
    "336": Message("14 ngày"),
}
"""Hours a silence may be asked for; telling.toml bounds them."""


def register(app: Dash) -> None:
    app.callback(
        Output("on-call-silences", "children"),
        Input("silence-made", "data"),
        Input({"silence-end": ALL}, "n_clicks"),
        Input("version", "data"),
    )(draw_silences)
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


def draw_silences(_made: Any, _end: list[int | None], _version: str | None) -> Any:
    who, said = viewer(), None
    with open_session() as session:
        current = now(session)
        if (silence_id := pressed_row("silence-end")) is not None:
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
        end_silence(session, silence_id, user=acting(session), now=current)
    except SilenceError as error:
        return refused(error)
    return done(_("Đã kết thúc tạm im."))


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


def silence_form(units: Sequence[AdminUnit], unit: str, disease: str) -> html.Details:
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
                        data=unit_choices(units),
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
                user=acting(session),
                unit_id=int(area),
                disease=known_disease(disease),
                level_max=int(level or 0),
                ends_at=current + timedelta(hours=int(length or 0)),
                reason=reason or "",
                rules=default_rules(),
                now=current,
            )
    except SilenceError as error:
        return no_update, refused(error), no_update
    return clicks, done(_("Đã tạm im.")), ""


def _disease(code: str | None) -> str:
    return _("Mọi bệnh") if code is None else disease_name(code)
