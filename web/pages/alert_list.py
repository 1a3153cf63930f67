"""The inbox's list: tabs, filters, what can be ticked, and the cards of a telephone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import html
from sqlalchemy.orm import Session

from alerts.acts import LIVE
from alerts.acts import State as AlertState
from alerts.levels import NAMES, Level
from alerts.life_views import filter_holders, filter_units
from alerts.views import AlertPage, AlertSummary, alert_list
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
from web.grids import LAW, disease_column, fixed_column, grid, level_column, text_column
from web.pages import alert_batch
from web.pages.alert_acts import ACTORS
from web.pages.alert_life import state_text
from web.pages.telling_panels import inbox_panel

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
KEYS = (
    ("j", Message("Cảnh báo kế tiếp")),
    ("k", Message("Cảnh báo trước đó")),
    ("a", Message("Tiếp nhận cảnh báo đang xem")),
    ("?", Message("Mở bảng phím tắt")),
)
TICKS = {"mode": "multiRow", "checkboxes": True, "headerCheckbox": True, "enableClickSelection": False}


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


# --- what is on the page ---------------------------------------------------------------------------------


def list_parts(chosen: Mapping[str, str]) -> list[Any]:
    columns = [
        level_column(116),
        text_column("place", _("Xã, phường"), 140, filter=False),
        disease_column(58),
        text_column("state", _("Tình trạng"), 130, filter=False),
        text_column("status", _("Theo luật"), 110, headerTooltip=LAW, filter=False),
        fixed_column("opened", _("Mở lúc"), 106),
        fixed_column("deadline", _("Hạn"), 112, headerTooltip=LAW),
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
        html.Div(grid("alerts-grid", columns, **ticks), className="grid-fill only-desktop"),
        html.Div(
            html.Div(className="skeleton page-skeleton"), id="alerts-cards", className="card-list only-phone"
        ),
    ]  # fmt: skip


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


def help_dialog() -> dmc.Modal:
    rows = [html.Div([html.Kbd(key), html.Span(str(words))], className="key-line") for key, words in KEYS]
    return dmc.Modal(id="alerts-help", title=_("Phím tắt"), centered=True, children=rows)
