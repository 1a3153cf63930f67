"""One duty: its clock, its paper, what was done and by whom; where a person records that it was done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from sqlalchemy.orm import Session

from accounts.models import Role, User
from accounts.service import active_user
from alerts.agenda import mark_duties_read
from alerts.duties import DutyState
from alerts.duty_acts import DutyError, mark_done, mark_not_needed, undo
from alerts.duty_views import NAMES, STATES, DutyEventView, DutyView, duty_detail
from alerts.inbox import mark_read, may_act
from i18n import Message, _
from reports.duty_forms import HAVE_FORM
from web.context import context, disease_name, for_roles, local, now, open_session, viewer
from web.formats import deadline_text, empty, facts, icon, link, moment, stored
from web.pages.duty_panel import settled_words
from web.pressed import pressed

ACTORS = (Role.ANALYST, Role.OFFICER)
TONES = {DutyState.OPEN: "is-warn", DutyState.DONE: "is-ok", DutyState.MISSED: "is-bad"}
NO_SUCH = Message("Không có việc này trong địa bàn bạn phụ trách.")


def layout(rest: str) -> Any:
    """What people type into stands still while the record above it is drawn anew."""
    return html.Div(
        [
            dcc.Store(id="duty-id", data=rest),
            dcc.Store(id="duty-acted"),
            link([icon("chevron-right"), _("Việc theo luật")], "/duties", className="back-link"),
            html.Div(html.Div(className="skeleton page-skeleton"), id="duty-head"),
            html.Div(id="duty-feedback"),
            html.Div(_done_form(), id="duty-done-form", className="card comment-form is-hidden"),
            html.Div(id="duty-body"),
            html.Div(_undo_form(), id="duty-undo-form", className="card comment-form is-hidden"),
        ],
        className="page page-narrow",
    )


def _done_form() -> list[Any]:
    return [
        html.H2(_("Ghi nhận đã làm"), className="card-title"),
        html.P(
            _("Trạm y tế ra thông báo; hệ thống chỉ ghi lại. Không ghi tên hay địa chỉ người bệnh."),
            className="dim",
        ),
        html.Div(
            [
                dmc.DateTimePicker(id="duty-at", label=_("Làm xong lúc"), valueFormat="HH:mm DD/MM/YYYY"),
                dmc.TextInput(id="duty-document", label=_("Số văn bản"), placeholder="12/TB-TYT"),
            ],
            className="form-row",
        ),
        dmc.Textarea(id="duty-note", label=_("Ghi chú, hoặc lý do không phải làm"), autosize=True, minRows=2),
        html.Div(
            [
                html.Button(
                    [icon("check"), _("Đã làm")],
                    id="duty-save",
                    className="button button-primary",
                    type="button",
                ),
                html.Button(_("Không phải làm"), id="duty-waive", className="button", type="button"),
            ],
            className="badge-row",
        ),
    ]


def _undo_form() -> list[Any]:
    return [
        html.H2(_("Hoàn tác"), className="card-title"),
        dmc.Textarea(id="duty-why", label=_("Lý do"), autosize=True, minRows=2),
        html.Button(
            [icon("arrow-back-up"), _("Hoàn tác")], id="duty-undo", className="button", type="button"
        ),
    ]


def register(app: Dash) -> None:
    app.callback(
        Output("duty-head", "children"),
        Output("duty-body", "children"),
        Output("duty-done-form", "className"),
        Output("duty-undo-form", "className"),
        Output("duty-at", "value"),
        Input("duty-id", "data"),
        Input("duty-acted", "data"),
        State("duty-at", "value"),
    )(draw)
    app.callback(
        Output("duty-acted", "data"),
        Output("duty-feedback", "children"),
        Output("duty-note", "value"),
        Output("duty-why", "value"),
        Input("duty-save", "n_clicks"),
        Input("duty-waive", "n_clicks"),
        Input("duty-undo", "n_clicks"),
        State("duty-id", "data"),
        State("duty-at", "value"),
        State("duty-document", "value"),
        State("duty-note", "value"),
        State("duty-why", "value"),
        prevent_initial_call=True,
    )(act)


def draw(duty_id: str | None, _acted: Any, typed: str | None) -> tuple[Any, ...]:
    hidden = "card comment-form is-hidden"
    with open_session() as session:
        found = (
            duty_detail(session, int(duty_id), viewer().area_ids) if duty_id and duty_id.isdigit() else None
        )
        if found is None:
            return empty(str(NO_SUCH), link(_("Xem danh sách"), "/duties")), None, hidden, hidden, None
        duty, log = found
        current, user = now(session), acting_user(session)
        may = may_act(session, user, duty.unit_id)
        mark_duties_read(session, user.id, current, duty.id)
        if duty.alert_id is not None:
            mark_read(session, duty.alert_id, user=user, now=current)
    shown = "card comment-form"
    return (
        _head(duty, current),
        _body(duty, log),
        shown if may and duty.state is DutyState.OPEN else hidden,
        shown if may and duty.by_person else hidden,
        typed or f"{local(current):%Y-%m-%d %H:%M:%S}",
    )


@for_roles(*ACTORS)
def act(
    _save: Any, _waive: Any, _undo: Any, duty_id: str | None, at: str | None, document: str | None,
    note: str | None, why: str | None,
) -> tuple[Any, ...]:  # fmt: skip
    """Record what was pressed. A refusal is shown where the visitor looks; nothing typed is lost."""
    press = pressed()
    if press is None or not duty_id or not duty_id.isdigit():
        return (no_update,) * 4
    try:
        with open_session() as session:
            by: dict[str, Any] = {"user": acting_user(session), "now": now(session)}
            if press.cause == "duty-save":
                mark_done(
                    session, int(duty_id), done_at=_moment(at), document=document or "", note=note or "", **by
                )
            elif press.cause == "duty-waive":
                mark_not_needed(session, int(duty_id), reason=note or "", **by)
            else:
                undo(session, int(duty_id), reason=why or "", **by)
    except DutyError as error:
        return (
            no_update,
            html.P(str(error.message), className="form-error", role="alert"),
            no_update,
            no_update,
        )
    done = html.P(_("Đã ghi nhận."), className="form-done", role="status")
    return f"{press.cause}:{press.clicks}", done, "", ""


def _moment(text: str | None) -> datetime:
    """What the picker holds, on the city's clocks. Raises DutyError."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        raise DutyError(Message("Hãy chọn ngày và giờ làm xong.")) from None
    return at.replace(tzinfo=context().settings.deployment.timezone)


def acting_user(session: Session) -> User:
    user = active_user(session, viewer().id)
    assert user is not None
    return user


def _head(duty: DutyView, current: datetime) -> list[Any]:
    late = duty.late(current)
    clock = deadline_text(duty.due_at, current)
    if duty.state is not DutyState.OPEN:
        clock = f"{settled_words(duty, current)} · {moment(duty.settled_at)}"
    return [
        html.Div(
            [
                html.Span(
                    str(STATES[duty.state]), className=f"status-chip {TONES.get(duty.state, '')}".strip()
                ),
                *([html.Span(_("quá hạn"), className="status-chip is-bad")] if late else []),
                html.Span(_("Số {n}", n=str(duty.id)), className="dim num"),
            ],
            className="badge-row",
        ),
        html.H1(str(NAMES[duty.kind]), className="detail-title"),
        html.P(f"{duty.unit_name} · {disease_name(duty.disease)}", className="detail-subtitle"),
        html.Div(
            [
                icon("clock"),
                html.Div(
                    [
                        html.Div(_("Hạn chót {at}", at=moment(duty.due_at)), className="duty-label"),
                        html.Strong(clock, className="duty-left"),
                    ]
                ),
            ],
            className="duty is-late" if late else "duty",
        ),
        html.Div(_papers(duty), className="badge-row duty-papers"),
    ]


def _papers(duty: DutyView) -> list[Any]:
    papers: list[Any] = []
    if duty.kind in HAVE_FORM:
        papers = [
            html.A(
                [icon("file-report"), _("Mở mẫu đã điền (PDF)")],
                href=f"/duties/{duty.id}/form.pdf",
                target="_blank",
                className="button",
            ),
            html.A(
                [icon("download"), _("Tải bản Word để sửa")],
                href=f"/duties/{duty.id}/form.docx",
                className="button",
            ),
        ]
    if duty.alert_id is not None:
        papers.append(link([icon("bell"), _("Xem cảnh báo")], f"/alerts/{duty.alert_id}", className="button"))
    outbreaks = [
        link([icon("virus"), code], f"/outbreaks/{id_}", className="button")
        for id_, code in duty.detail.get("outbreaks", [])
    ]
    return papers + outbreaks


def _body(duty: DutyView, log: tuple[DutyEventView, ...]) -> list[Any]:
    pairs: list[tuple[str, Any]] = [
        (_("Đủ tiêu chí lúc"), moment(duty.met_at)),
        (_("Hạn chót"), moment(duty.due_at)),
        (_("Căn cứ"), _(duty.law)),
        (_("Bộ quy tắc"), f"{duty.policy_version} ({duty.policy_hash[:12]})"),
    ]
    if duty.state is not DutyState.OPEN:
        who = duty.settled_by or _("Hệ thống, theo số liệu")
        pairs += [(str(STATES[duty.state]), moment(duty.settled_at)), (_("Người ghi"), who)]
        pairs += [(_("Ghi vào lúc"), moment(duty.recorded_at))]
    pairs += [(_("Số văn bản"), duty.document)] if duty.document else []
    pairs += [(_("Ghi chú"), duty.note)] if duty.note else []
    pairs += [(_("Lý do"), stored(duty.why))] if duty.why else []
    return [
        html.H2(_("Hồ sơ"), className="section-title"),
        facts(pairs),
        html.H2(_("Nhật ký"), className="section-title"),
        html.Ol([_event(event) for event in reversed(log)], className="timeline-log"),
    ]


def _event(event: DutyEventView) -> html.Li:
    comment = [html.Blockquote(event.comment, className="log-comment")] if event.comment else []
    who = event.user_name or _("Hệ thống")
    return html.Li(
        [
            html.Div(stored(event.sentence), className="log-what"),
            *comment,
            html.Div(f"{moment(event.at)} · {who}", className="log-when"),
        ]
    )
