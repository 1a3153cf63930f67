"""The alert inbox: what is new, who has it, why, what the law asks by when, and what was done about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from sqlalchemy.orm import Session

from alerts.acts import RESTING, Act
from alerts.acts import State as AlertState
from alerts.inbox import mark_read
from alerts.levels import NAMES, Level
from alerts.life_views import Life, filter_holders, filter_units, life_of
from alerts.views import AlertPage, AlertSummary, alert_detail, alert_list
from i18n import Message, _
from web.context import context, disease_name, disease_short, known_disease, now, open_session, viewer
from web.fields import disease_select
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
from web.pages import alert_acts, alert_batch
from web.pages.alert_acts import ACTORS, acting_user
from web.pages.alert_detail import body, head, record
from web.pages.alert_life import state_text
from web.pages.telling_panels import inbox_panel

LIVE = tuple(state for state in AlertState if state is not AlertState.CLOSED)
TABS = {
    "new": (Message("Mới"), (AlertState.OPEN,)),
    "mine": (Message("Của tôi"), LIVE),
    "checking": (Message("Đang kiểm tra"), tuple(state for state in LIVE if state is not AlertState.OPEN)),
    "closed": (Message("Đã đóng"), (AlertState.CLOSED,)),
}
FILTERS = ("disease", "level", "unit", "holder")
LIMIT = 500
CARDS = 100
NOBODY = "0"
TICKS = {"mode": "multiRow", "checkboxes": True, "headerCheckbox": True, "enableClickSelection": False}


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
            html.Section(_list_parts(chosen), className="split-main"),
            html.Aside(_detail_parts(), className="split-detail", **aria(label=_("Chi tiết cảnh báo"))),
            *alert_acts.dialogs(),
            *alert_batch.dialogs(),
            _help(),
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


def draw_list(tab: str | None, filters: str | None, _acted: Any, _version: str | None) -> tuple[Any, ...]:
    tab, chosen = tab if tab in TABS else "new", _chosen(filters)
    with open_session() as session:
        totals = {name: _page(session, name, chosen, limit=0).total for name in TABS}
        page = _page(session, tab, chosen, limit=LIMIT, user_id=viewer().id)
        current = now(session)
    holds = any(item.holder_id == viewer().id for item in page.items)
    cards: list[Any] = [_card(alert, _href(tab, chosen, alert.id), current) for alert in page.items[:CARDS]]
    if page.total > CARDS:
        cards.append(html.P(_("Còn {n} cảnh báo nữa: hãy lọc bớt.", n=page.total - CARDS), className="dim"))
    return (
        [_tab(name, totals[name], name == tab, _href(name, chosen)) for name in TABS],
        [_grid_row(alert, current) for alert in page.items],
        cards or empty(_empty_text(tab, bool(chosen))),
        [str(alert.id) for alert in page.items],
        "button" if tab == "mine" and holds and viewer().role in ACTORS else "is-hidden",
    )


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


def _chosen(filters: str | None) -> dict[str, str]:
    """What is filtered by, of the text that alerts.js writes: `disease|level|unit|holder`."""
    values = ((filters or "") + "|||").split("|")
    return {name: value for name, value in zip(FILTERS, values, strict=False) if value}


def _page(session: Session, tab: str, chosen: Mapping[str, str], **more: Any) -> AlertPage:
    who = viewer()
    level, unit, holder = (_number(chosen.get(name)) for name in ("level", "unit", "holder"))
    return alert_list(
        session,
        area_ids=who.area_ids,
        states=TABS[tab][1],
        disease=known_disease(chosen.get("disease")),
        level_min=level,
        unit_id=unit,
        held_by=holder,
        followed_by=who.id if tab == "mine" else None,
        shared=True,
        order="newest" if tab == "closed" else "severe",
        **more,
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _href(tab: str, chosen: Mapping[str, str], alert_id: int | None = None) -> str:
    query = {"tab": tab, **chosen} | ({"alert": str(alert_id)} if alert_id else {})
    return "/alerts?" + urlencode(query)


# --- the list --------------------------------------------------------------------------------------------


def _list_parts(chosen: Mapping[str, str]) -> list[Any]:
    columns = [
        level_column(116),
        text_column("place", _("Xã, phường"), 140, filter=False),
        _fixed("disease", _("Bệnh"), 58),
        text_column("state", _("Tình trạng"), 130, filter=False),
        text_column("status", _("Theo luật"), 110, headerTooltip=LAW, filter=False),
        _fixed("opened", _("Mở lúc"), 106),
        _fixed("deadline", _("Hạn"), 90, headerTooltip=LAW),
    ]
    acts = viewer().role in ACTORS
    ticks = {"rowSelection": TICKS, "selectionColumnDef": {"width": 40, "pinned": "left"}} if acts else {}
    return [
        html.Div(
            [
                html.H1(_("Cảnh báo"), className="page-title"),
                html.Div(
                    id="alerts-tabs", className="segmented", role="group", **aria(label=_("Trạng thái"))
                ),
                alert_batch.hand_over_button(),
                html.Button(
                    icon("help"), id="alerts-help-open", className="icon-button only-desktop", type="button",
                    title=_("Phím tắt"), **aria(label=_("Phím tắt")),
                ),
            ],
            className="page-head",
        ),
        _filters(chosen),
        inbox_panel(),
        alert_batch.bar(),
        html.Div(id="bulk-note", **aria(live="polite")),
        html.Div(grid("alerts-grid", columns, [], **ticks), className="grid-fill only-desktop"),
        html.Div(
            html.Div(className="skeleton page-skeleton"), id="alerts-cards", className="card-list only-phone"
        ),
    ]  # fmt: skip


def _fixed(field: str, title: str, width: int, **props: Any) -> dict[str, Any]:
    return text_column(field, title, width, flex=None, width=width, filter=False, **props)


def _filters(chosen: Mapping[str, str]) -> html.Div:
    diseases = [{"value": "all", "label": _("Tất cả các bệnh")}]
    diseases += [{"value": code, "label": disease_name(code)} for code in context().diseases]
    levels = [
        {"value": str(int(level)), "label": _("Từ mức {level}", level=_(NAMES[level]))}
        for level in (Level.CAO, Level.RAT_CAO)
    ]
    with open_session() as session:
        units = [{"value": str(u.id), "label": u.name} for u in filter_units(session, viewer().area_ids)]
        people = [{"value": str(p.id), "label": p.name} for p in filter_holders(session)]
    holders = [{"value": NOBODY, "label": _("Chưa ai nhận")}, *people]
    return html.Div(
        [
            disease_select("alerts-disease", diseases, chosen["disease"], **aria(label=_("Bệnh"))),
            _select("level", _("Mọi mức"), levels, chosen),
            _select("unit", _("Mọi địa bàn"), units, chosen, className="only-desktop"),
            _select("holder", _("Mọi người giữ"), holders, chosen, className="only-desktop"),
        ],
        className="list-filters inbox-filters",
    )


def _select(
    name: str, all_of_them: str, data: list[dict[str, str]], chosen: Mapping[str, str], **more: Any
) -> dmc.Select:
    return dmc.Select(
        id=f"alerts-{name}",
        data=data,
        value=chosen[name] or None,
        placeholder=all_of_them,
        clearable=True,
        searchable=len(data) > 8,
        nothingFoundMessage=_("Không có"),
        **aria(label=all_of_them),
        **more,
    )


def _tab(name: str, total: int, active: bool, href: str) -> Any:
    return link(f"{TABS[name][0]} ({total})", href, className="is-active" if active else "")


def _grid_row(alert: AlertSummary, current: datetime) -> dict[str, Any]:
    return {
        "id": str(alert.id),
        "place": alert.unit_name,
        "disease": disease_short(alert.disease),
        "state": state_text(alert),
        "status": status_name(alert.status),
        "opened": short_moment(alert.opened_at),
        "deadline": deadline_text(alert.notice_due, current) if alert.state != "closed" else "",
        "unread": alert.unread,
        **level_fields(alert.level),
    }


def _card(alert: AlertSummary, href: str, current: datetime) -> html.Article:
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
                html.Div([icon("user"), state_text(alert)], className="alert-card-holder"),
                *([html.Div([icon("clock"), due], className="alert-card-due")] if due else []),
            ],
            href,
            className="alert-card-link",
        ),
        className="alert-card is-unread" if alert.unread else "alert-card",
    )


def _empty_text(tab: str, filtered: bool) -> str:
    if filtered:
        return _("Không có cảnh báo nào khớp với bộ lọc.")
    return {
        "new": _("Không có cảnh báo mới. Cảnh báo đã nhận ở thẻ bên cạnh."),
        "mine": _("Bạn chưa giữ hay theo dõi cảnh báo nào."),
        "checking": _("Chưa có cảnh báo nào đang kiểm tra."),
        "closed": _("Chưa có cảnh báo nào đã đóng."),
    }[tab]


def _help() -> dmc.Modal:
    keys = (
        ("j", _("Cảnh báo kế tiếp")),
        ("k", _("Cảnh báo trước đó")),
        ("a", _("Tiếp nhận cảnh báo đang xem")),
        ("?", _("Bảng phím tắt này")),
    )
    rows = [html.Div([html.Kbd(key), html.Span(words)], className="key-line") for key, words in keys]
    return dmc.Modal(id="alerts-help", title=_("Phím tắt"), centered=True, children=rows)


# --- the detail ------------------------------------------------------------------------------------------


def _detail_parts() -> list[Any]:
    """What people type into stands still while the figures around it are drawn anew."""
    return [
        link([icon("chevron-right"), _("Danh sách")], "/alerts", className="back-link only-phone"),
        html.Div(id="alert-head"),
        alert_acts.actions(),
        html.Div(id="alert-feedback", **aria(live="polite")),
        alert_acts.upload_form(),
        html.Div(id="alert-body"),
        alert_acts.comment_form(),
        html.Div(id="alert-record"),
    ]
