"""The alert inbox: what is new, who has it, why, what the law asks by when, and what was done about it."""

from __future__ import annotations

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from alerts.acts import RESTING, Act
from alerts.inbox import mark_read
from alerts.life_views import Life, life_of
from alerts.views import alert_detail
from i18n import _
from web.context import now, open_session, viewer
from web.formats import aria, empty, icon, link
from web.pages import alert_acts, alert_batch, alert_forms
from web.pages.alert_acts import ACTORS, acting_user
from web.pages.alert_detail import body, head, record
from web.pages.alert_list import FILTERS, draw_list, help_dialog, list_parts


def layout(
    rest: str = "", alert: str = "", disease: str = "", level: str = "", unit: str = "", holder: str = "",
    **_query: str,
) -> Any:  # fmt: skip
    """List and detail; the alert is chosen by /alerts/{id} or by ?alert=."""
    chosen = {"disease": disease, "level": level, "unit": unit, "holder": holder}
    return html.Div(
        [
            dcc.Location(id="alerts-url", refresh="callback-nav"),
            dcc.Store(id="alerts-linked", data=rest),
            dcc.Store(id="alerts-id"),
            dcc.Store(id="alerts-tab"),
            dcc.Store(id="alerts-filters"),
            dcc.Store(id="alerts-order"),
            dcc.Store(id="alerts-acted"),
            dcc.Store(id="alert-seen"),
            html.Section(list_parts(chosen), className="split-main"),
            html.Aside(
                _detail_parts(), className="split-detail", tabIndex=0, **aria(label=_("Chi tiết cảnh báo"))
            ),
            *alert_forms.dialogs(),
            *alert_batch.dialogs(),
            help_dialog(),
        ],
        id="alerts-page",
        className="split is-inbox has-detail" if rest or alert else "split is-inbox",
    )


def register(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("alerts", "sync"),
        Output("alerts-url", "search"),
        Output("alerts-id", "data"),
        Output("alerts-tab", "data"),
        Output("alerts-page", "className"),
        Output("alerts-filters", "data"),
        Output("alert-feedback", "children", allow_duplicate=True),
        Input("alerts-url", "search"),
        Input("alerts-grid", "cellClicked"),
        *(Input(f"alerts-{name}", "value") for name in FILTERS),
        State("alerts-linked", "data"),
        prevent_initial_call="initial_duplicate",
    )
    app.callback(
        Output("alerts-tabs", "children"),
        Output("alerts-grid", "rowData"),
        Output("alerts-cards", "children"),
        Output("alerts-order", "data"),
        Output("handover-open", "className"),
        Input("alerts-tab", "data"),
        Input("alerts-filters", "data"),
        Input("alerts-acted", "data"),
        Input("version", "data"),
    )(draw_list)
    app.callback(
        Output("alert-head", "children"),
        Output("alert-body", "children"),
        Output("alert-record", "children"),
        Output("alert-actions", "className"),
        Output("alert-comment-form", "className"),
        Output("alert-upload-form", "className"),
        Output("alert-watch", "children"),
        Output("alert-watch", "className"),
        Output("conclude-confirm", "className"),
        Output("assign-to", "data"),
        Output("close-original", "data"),
        Output("alert-seen", "data"),
        *(Output(name, "className") for name in alert_acts.WORDS),
        Input("alerts-id", "data"),
        Input("alerts-acted", "data"),
        Input("version", "data"),
        *(State(f"{name}-dialog", "opened") for name in ("close", "assign", "reason")),
    )(draw_detail)
    app.clientside_callback(
        ClientsideFunction("alerts", "remember"),
        Output("alerts-order", "id"),
        Input("alerts-order", "data"),
    )
    app.clientside_callback(
        ClientsideFunction("shell", "toggle"),
        Output("alerts-help", "opened"),
        Input("alerts-help-open", "n_clicks"),
        prevent_initial_call=True,
    )
    alert_acts.register(app)
    alert_batch.register(app)


def draw_detail(
    alert_id: str | None, _acted: Any, _version: str | None, *dialogs: bool | None
) -> tuple[Any, ...]:
    """While a dialog hides the page, what is new behind it does not count as seen."""
    if not alert_id or not alert_id.isdigit():
        return _nothing(_("Chọn một cảnh báo để xem vì sao có và cần làm gì."))
    who = viewer()
    with open_session() as session:
        user = acting_user(session)
        detail = alert_detail(session, int(alert_id), who.area_ids, user_id=who.id)
        life = life_of(session, int(alert_id), detail.events, user=user) if detail else None
        if detail is None or life is None:
            return _nothing(_("Không có cảnh báo này trong địa bàn bạn phụ trách."))
        current = now(session)
        mark_read(session, detail.summary.id, user=user, now=current)
        may_assign = Act.ASSIGN in life.acts
        return (
            head(session, detail, current),
            body(session, detail, life, current),
            record(detail),
            "alert-actions",
            _shown(life, Act.COMMENT, "card comment-form"),
            _shown(life, Act.ATTACH, "upload-form"),
            [icon("eye"), _("Thôi theo dõi") if life.watching else _("Theo dõi")],
            "button" if who.role in ACTORS and detail.summary.state not in RESTING else "is-hidden",
            "button button-primary" if {Act.CONFIRM, Act.DISMISS} & set(life.acts) else "is-hidden",
            alert_acts.people(session, [detail.summary.unit_id]) if may_assign else [],
            alert_acts.original_choices(session, detail) if may_assign else [],
            no_update if any(dialogs) else life.seen,
            *alert_acts.offered(life, detail.summary.state),
        )


def _nothing(words: str) -> tuple[Any, ...]:
    hidden = ("is-hidden",) * len(alert_acts.WORDS)
    return (
        empty(words),
        None,
        None,
        *("is-hidden",) * 3,
        None,
        "is-hidden",
        "is-hidden",
        [],
        [],
        None,
        *hidden,
    )


def _shown(life: Life, act: Act, names: str) -> str:
    return names if act in life.acts else f"{names} is-hidden"


def _detail_parts() -> list[Any]:
    """What people type into stands still while the figures around it are drawn anew."""
    return [
        link([icon("chevron-right"), _("Danh sách")], "/alerts", className="back-link only-phone"),
        html.Div(id="alert-head"),
        alert_forms.actions(),
        html.Div(id="alert-feedback", **aria(live="polite")),
        alert_forms.upload_form(),
        html.Div(id="alert-body"),
        alert_forms.comment_form(),
        html.Div(id="alert-record"),
    ]
