"""The alert inbox: what is new, why, what the law asks by when, and what was done about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from sqlalchemy.orm import Session

from accounts.models import Role, User
from accounts.service import active_user
from alerts.inbox import OUTCOMES, InboxError, acknowledge, close, comment, mark_read, outcome_name
from alerts.views import AlertSummary, alert_detail, alert_list
from i18n import Message, _
from web.context import disease_name, for_roles, now, open_session, viewer
from web.formats import (
    aria,
    deadline_text,
    empty,
    icon,
    level_badge,
    level_fields,
    link,
    short_moment,
    status_name,
    stored,
)
from web.grids import LAW, grid, level_column, text_column
from web.pages.alert_detail import body, head
from web.pressed import pressed

TABS = {
    "new": (Message("Mới"), ("open",)),
    "acknowledged": (Message("Đã nhận"), ("acknowledged",)),
    "closed": (Message("Đã đóng"), ("closed",)),
}
ACTORS = (Role.ANALYST, Role.OFFICER)
LIMIT = 500


def layout(rest: str = "", alert: str = "", tab: str = "", **_query: str) -> Any:
    """List and detail; the alert is chosen by /alerts/{id} or by ?alert=."""
    return html.Div(
        [
            dcc.Location(id="alerts-url", refresh="callback-nav"),
            dcc.Store(id="alerts-linked", data=rest),
            dcc.Store(id="alerts-id"),
            dcc.Store(id="alerts-tab"),
            dcc.Store(id="alerts-acted"),
            html.Section(_list_parts(), className="split-main"),
            html.Aside(_detail_parts(), className="split-detail", **aria(label=_("Chi tiết cảnh báo"))),
            _close_dialog(),
        ],
        id="alerts-page",
        className="split has-detail" if rest or alert else "split",
    )


def register(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("alerts", "sync"),
        Output("alerts-url", "search"),
        Output("alerts-id", "data"),
        Output("alerts-tab", "data"),
        Output("alerts-page", "className"),
        Input("alerts-url", "search"),
        Input("alerts-grid", "cellClicked"),
        State("alerts-linked", "data"),
    )
    app.callback(
        Output("alerts-tabs", "children"),
        Output("alerts-grid", "rowData"),
        Output("alerts-cards", "children"),
        Input("alerts-tab", "data"),
        Input("alerts-acted", "data"),
        Input("version", "data"),
    )(draw_list)
    app.callback(
        Output("alert-head", "children"),
        Output("alert-body", "children"),
        Output("alert-actions", "className"),
        Output("alert-comment-form", "className"),
        Output("alert-acknowledge", "className"),
        Input("alerts-id", "data"),
        Input("alerts-acted", "data"),
        Input("version", "data"),
    )(draw_detail)
    app.callback(
        Output("alerts-acted", "data"),
        Output("alert-feedback", "children"),
        Output("alert-comment", "value"),
        Output("close-dialog", "opened"),
        Output("close-error", "children"),
        Output("close-reason", "value"),
        Input("alert-acknowledge", "n_clicks"),
        Input("alert-comment-send", "n_clicks"),
        Input("close-confirm", "n_clicks"),
        State("alerts-id", "data"),
        State("alert-comment", "value"),
        State("close-outcome", "value"),
        State("close-reason", "value"),
        prevent_initial_call=True,
    )(act)
    app.clientside_callback(
        ClientsideFunction("alerts", "openDialog"),
        Output("close-dialog", "opened", allow_duplicate=True),
        Input("alert-close", "n_clicks"),
        Input("close-cancel", "n_clicks"),
        prevent_initial_call=True,
    )


def draw_list(tab: str | None, _acted: Any, _version: str | None) -> tuple[Any, Any, Any]:
    tab = tab if tab in TABS else "new"
    who = viewer()
    with open_session() as session:
        totals = {
            name: alert_list(session, area_ids=who.area_ids, states=states, limit=0).total
            for name, (_title, states) in TABS.items()
        }
        found = alert_list(
            session,
            area_ids=who.area_ids,
            states=TABS[tab][1],
            user_id=who.id,
            limit=LIMIT,
            order="newest" if tab == "closed" else "severe",
        ).items
        current = now(session)
    return (
        [_tab(name, totals[name], name == tab) for name in TABS],
        [_grid_row(alert, current) for alert in found],
        [_card(alert, tab, current) for alert in found] or empty(_empty_text(tab)),
    )


def draw_detail(alert_id: str | None, _acted: Any, _version: str | None) -> tuple[Any, ...]:
    if not alert_id or not alert_id.isdigit():
        return empty(_("Chọn một cảnh báo để xem vì sao có và cần làm gì.")), None, *_hidden(3)
    who = viewer()
    with open_session() as session:
        detail = alert_detail(session, int(alert_id), who.area_ids, user_id=who.id)
        if detail is None:
            return empty(_("Không có cảnh báo này trong địa bàn bạn phụ trách.")), None, *_hidden(3)
        current = now(session)
        user = _user(session)
        mark_read(session, detail.summary.id, user=user, now=current)
        parts = head(session, detail, current), body(session, detail, current)
    open_to_act = detail.summary.state != "closed" and who.role in ACTORS
    fresh = open_to_act and detail.summary.state == "open"
    return (
        *parts,
        "alert-actions" if open_to_act else "alert-actions is-hidden",
        "card comment-form" if open_to_act else "card comment-form is-hidden",
        "button button-primary" if fresh else "button is-hidden",
    )


@for_roles(*ACTORS)
def act(
    _take: int | None,
    _send: int | None,
    _confirm: int | None,
    alert_id: str | None,
    text: str | None,
    outcome: Any,
    reason: str | None,
) -> tuple[Any, ...]:
    """Take on, remark or close. A refusal is shown where the visitor looks; nothing typed is lost."""
    keep = (no_update,) * 6
    press = pressed()
    if not alert_id or press is None:
        return keep
    closing = press.cause == "close-confirm"
    try:
        with open_session() as session:
            user, current = _user(session), now(session)
            if press.cause == "alert-acknowledge":
                acknowledge(session, int(alert_id), user=user, now=current)
            elif closing:
                close(
                    session,
                    int(alert_id),
                    user=user,
                    outcome=outcome,
                    comment=reason or "",
                    now=current,
                )
            else:
                comment(session, int(alert_id), user=user, text=text or "", now=current)
    except InboxError as error:
        shown = html.P(str(error.message), className="form-error", role="alert")
        return (
            (no_update, no_update, no_update, True, shown, no_update)
            if closing
            else (no_update, shown, *keep[2:])
        )
    return (
        press.clicks,
        None,
        "" if not closing else no_update,
        False,
        None,
        "" if closing else no_update,
    )


def _user(session: Session) -> User:
    user = active_user(session, viewer().id)
    assert user is not None
    return user


def _hidden(count: int) -> tuple[str, ...]:
    return ("is-hidden",) * count


# --- the list --------------------------------------------------------------------------------------------


def _list_parts() -> list[Any]:
    columns = [
        level_column(122),
        text_column("place", _("Xã, phường"), 150),
        text_column("disease", _("Bệnh"), 172),
        text_column("status", _("Theo luật"), 128, headerTooltip=LAW),
        text_column("opened", _("Mở lúc"), 106, filter=False),
        text_column(
            "deadline",
            _("Hạn"),
            116,
            filter=False,
            headerTooltip=LAW,
        ),
    ]
    return [
        html.Div(
            [
                html.H1(_("Cảnh báo"), className="page-title"),
                html.Div(
                    id="alerts-tabs", className="segmented", role="group", **aria(label=_("Trạng thái"))
                ),
            ],
            className="page-head",
        ),
        html.Div(grid("alerts-grid", columns, []), className="grid-fill only-desktop"),
        html.Div(
            html.Div(className="skeleton page-skeleton"), id="alerts-cards", className="card-list only-phone"
        ),
    ]


def _tab(name: str, total: int, active: bool) -> Any:
    return link(f"{TABS[name][0]} ({total})", f"/alerts?tab={name}", className="is-active" if active else "")


def _grid_row(alert: AlertSummary, current: datetime) -> dict[str, Any]:
    return {
        "id": str(alert.id),
        "place": alert.unit_name,
        "disease": disease_name(alert.disease),
        "status": status_name(alert.status),
        "opened": short_moment(alert.opened_at),
        "deadline": deadline_text(alert.notice_due, current) if alert.state != "closed" else "",
        "unread": alert.unread,
        **level_fields(alert.level),
    }


def _card(alert: AlertSummary, tab: str, current: datetime) -> html.Article:
    time = deadline_text(alert.notice_due, current) if alert.state != "closed" else ""
    due = _("Hạn ra thông báo: {time}", time=time) if time else ""
    return html.Article(
        link(
            [
                html.Div(
                    [level_badge(alert.level), html.Span(short_moment(alert.opened_at), className="dim num")],
                    className="alert-card-head",
                ),
                html.Div(alert.unit_name, className="alert-card-place"),
                html.Div(
                    f"{disease_name(alert.disease)} · {status_name(alert.status)}",
                    className="alert-card-meta",
                ),
                html.Div(stored(alert.reason), className="alert-card-meta"),
                *([html.Div([icon("clock"), due], className="alert-card-due")] if due else []),
            ],
            f"/alerts?alert={alert.id}&tab={tab}",
            className="alert-card-link",
        ),
        className="alert-card is-unread" if alert.unread else "alert-card",
    )


def _empty_text(tab: str) -> str:
    return {
        "new": _("Không có cảnh báo mới. Cảnh báo đã nhận ở thẻ bên cạnh."),
        "acknowledged": _("Chưa có cảnh báo nào được tiếp nhận."),
        "closed": _("Chưa có cảnh báo nào đã đóng."),
    }[tab]


# --- the detail ------------------------------------------------------------------------------------------


def _detail_parts() -> list[Any]:
    """What people type into stands still while the figures around it are drawn anew."""
    return [
        link([icon("chevron-right"), _("Danh sách")], "/alerts", className="back-link only-phone"),
        html.Div(id="alert-head"),
        html.Div(
            [
                html.Button(
                    [icon("check"), _("Tiếp nhận")],
                    id="alert-acknowledge",
                    className="button button-primary",
                    type="button",
                ),
                html.Button(_("Đóng…"), id="alert-close", className="button", type="button"),
            ],
            id="alert-actions",
            className="alert-actions is-hidden",
        ),
        html.Div(id="alert-feedback"),
        html.Div(id="alert-body"),
        html.Div(
            [
                dmc.Textarea(
                    id="alert-comment",
                    label=_("Ghi chú"),
                    description=_("Không ghi tên, điện thoại hay địa chỉ người bệnh."),
                    autosize=True,
                    minRows=2,
                ),
                html.Button(_("Lưu ghi chú"), id="alert-comment-send", className="button", type="button"),
            ],
            id="alert-comment-form",
            className="card comment-form is-hidden",
        ),
    ]


def _close_dialog() -> dmc.Modal:
    choices = [dmc.Radio(label=str(outcome_name(code)).capitalize(), value=code) for code in OUTCOMES]
    return dmc.Modal(
        id="close-dialog",
        title=_("Đóng cảnh báo"),
        centered=True,
        children=[
            dmc.RadioGroup(dmc.Stack(choices, gap="xs"), id="close-outcome", label=_("Kết luận")),
            dmc.Textarea(
                id="close-reason",
                label=_("Lý do"),
                description=_("Không ghi tên, điện thoại hay địa chỉ người bệnh."),
                autosize=True,
                minRows=3,
                mt="md",
            ),
            html.Div(id="close-error"),
            html.Div(
                [
                    html.Button(_("Thôi"), id="close-cancel", className="button", type="button"),
                    html.Button(
                        _("Đóng cảnh báo"),
                        id="close-confirm",
                        className="button button-danger",
                        type="button",
                    ),
                ],
                className="dialog-actions",
            ),
        ],
    )
