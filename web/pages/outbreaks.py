"""Outbreaks (ổ dịch): which there are, what is due by when, and one of them with everything known and done."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from sqlalchemy.orm import Session

from accounts.service import full_names
from alerts.levels import Theme
from i18n import Message, _, current_locale
from surveillance.outbreaks.acts import GONE
from surveillance.outbreaks.comparing import comparisons
from surveillance.outbreaks.detail import OutbreakDetail, outbreak_detail
from surveillance.outbreaks.eligibility import REASONS
from surveillance.outbreaks.lifecycle import ALLOWED, NAMES
from surveillance.outbreaks.links import Links, links_of, member_places
from surveillance.outbreaks.overlooked import DAYS, overlooked
from surveillance.outbreaks.shapes import located, outlines
from surveillance.outbreaks.views import (
    GROUPS,
    OutbreakSummary,
    outbreak_counts,
    outbreak_list,
    outbreaks_version,
)
from web.context import (
    Moment,
    context,
    day_on_show,
    disease_name,
    disease_short,
    known_disease,
    land,
    local,
    now,
    open_session,
    parse_day,
    theme,
    viewer,
)
from web.epimap import EpiMap
from web.epimap.texts import map_words
from web.fields import disease_select
from web.formats import aria, count, day, deadline_text, empty, icon, link, table
from web.grids import ONE_ROW, disease_column, fixed_column, grid, number_column, text_column
from web.listed_outbreaks import MARKS
from web.outbreak_layers import case_layers
from web.pages import outbreak_acts, outbreaks_map
from web.pages.outbreak_acts import ACTORS, BUTTONS
from web.pages.outbreak_detail import body, head, status_of, todo, vector_of

TABS = {
    "open": Message("Đang mở"),
    "monitoring": Message("Theo dõi"),
    "proposed": Message("Chờ đóng"),
    "closed": Message("Đã đóng"),
}
LIMIT = 1000
CARDS = 60
"""More than a thumb wants to scroll through; the filters find the others."""


def layout(
    rest: str = "", disease: str = "", text: str = "", id: str = "", on: str = "", **_query: str
) -> Any:
    """List and detail; the outbreak is chosen by /outbreaks/{id} or by ?id=."""
    return html.Div(
        [
            dcc.Location(id="outbreaks-url", refresh="callback-nav"),
            dcc.Store(id="outbreaks-linked", data=rest),
            dcc.Store(id="outbreaks-when"),
            dcc.Store(id="outbreak-id"),
            dcc.Store(id="outbreak-acted"),
            html.Section(_list_parts(disease, text), className="split-main"),
            outbreaks_map.beside(),
            html.Aside(
                _detail_parts(), className="split-detail", tabIndex=0, **aria(label=_("Chi tiết ổ dịch"))
            ),
            *outbreak_acts.dialogs(),
        ],
        id="outbreaks-page",
        className="split is-mapped has-detail" if rest or id else "split is-mapped",
    )


def register(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("outbreaks", "sync"),
        Output("outbreaks-url", "search"),
        Output("outbreaks-disease", "value"),
        Output("outbreaks-when", "data"),
        Output("outbreak-id", "data"),
        Output("outbreaks-page", "className"),
        Output("outbreaks-map", "selected"),
        Input("outbreaks-url", "search"),
        Input("outbreaks-disease", "value"),
        Input("outbreaks-text", "value"),
        Input("outbreaks-grid", "cellClicked"),
        Input("outbreaks-map", "clickData"),
        State("outbreaks-linked", "data"),
    )
    app.clientside_callback(
        ClientsideFunction("outbreaks", "mark"),
        Output("outbreaks-grid", "selectedRows"),
        Output("outbreaks-grid", "scrollTo"),
        Input("outbreak-id", "data"),
        Input("outbreaks-grid", "rowData"),
    )
    app.clientside_callback(
        ClientsideFunction("outbreaks", "fit"),
        Output("outbreaks-map", "flyTo"),
        Input("outbreaks-page", "className"),
        State("outbreaks-map", "bounds"),
    )
    app.clientside_callback(
        ClientsideFunction("outbreaks", "fold"),
        Output("outbreaks-beside", "className"),
        Output("outbreaks-map-toggle", "aria-expanded"),
        Input("outbreaks-map-toggle", "n_clicks"),
        prevent_initial_call=True,
    )
    app.callback(
        Output("outbreaks-tabs", "children"),
        Output("outbreaks-note", "children"),
        Output("outbreaks-grid", "rowData"),
        Output("outbreaks-cards", "children"),
        Output("outbreaks-map", "layers"),
        Output("outbreaks-map", "bounds"),
        Output("outbreaks-map-note", "children"),
        Output("outbreaks-legend", "children"),
        Input("outbreaks-when", "data"),
        Input("outbreak-acted", "data"),
        Input("version", "data"),
    )(draw_list)
    app.callback(
        Output("outbreak-head", "children"),
        Output("outbreak-todo", "children"),
        Output("outbreak-body", "children"),
        Output("outbreak-actions", "className"),
        Output("outbreak-dossier", "href"),
        Output("outbreak-back", "href"),
        Output("outbreak-leave", "href"),
        *(Output(name, "className") for name in BUTTONS),
        Input("outbreak-id", "data"),
        Input("outbreaks-when", "data"),
        Input("outbreak-acted", "data"),
        Input("version", "data"),
    )(draw_detail)
    app.callback(
        Output("outbreaks-overlooked", "children"), Input("outbreaks-when", "data"), Input("version", "data")
    )(draw_overlooked)
    app.callback(
        Output("outbreak-map", "layers"),
        Output("outbreak-map", "bounds"),
        Output("outbreak-map-box", "className"),
        Input("outbreak-id", "data"),
        Input("outbreaks-when", "data"),
        Input("outbreak-acted", "data"),
        Input("version", "data"),
    )(draw_map)
    outbreak_acts.register(app)


def draw_list(when: str | None, _acted: Any, _version: str | None) -> tuple[Any, ...]:
    disease, status, text, on = _chosen(when)
    who = viewer()
    with open_session() as session:
        shown, current = _moment(session, on)
        totals = outbreak_counts(session, area_ids=who.area_ids, disease=disease, as_of=shown.as_of)
        which: dict[str, Any] = {
            "area_ids": who.area_ids, "statuses": GROUPS[status], "as_of": shown.as_of, "disease": disease,
            "text": text,
        }  # fmt: skip
        page = outbreak_list(session, profiles=context().profiles, now=current, limit=LIMIT, **which)
        drawn, box = located(session, **which)
        layers = outbreaks_map.map_layers(session, disease=disease, status=status, text=text, on=on)

    href = partial(_href, disease=disease, status=status, text=text, on=on)
    tabs = [_tab(name, totals[name], name == status, href(status=name)) for name in TABS]
    cards: list[Any] = [_card(item, href(id=item.id), current) for item in page.items[:CARDS]]
    nothing = _empty_text(status, bool(disease or text))
    if page.total > CARDS:
        more = _("Còn {n} ổ dịch nữa: lọc theo bệnh hoặc tên xã, phường.", n=page.total - CARDS)
        cards.append(html.P(more, className="dim"))
    return (
        tabs,
        _note(shown, href(on=None)),
        [_grid_row(item, current) for item in page.items],
        cards or empty(nothing),
        layers,
        box,
        outbreaks_map.map_note(drawn, page.total, nothing),
        outbreaks_map.legend({item.status for item in page.items}),
    )


def draw_overlooked(when: str | None, _version: str | None) -> Any:
    """Which cases could not be taken into any outbreak, and what can be done about it."""
    disease, _status, _text, on = _chosen(when)
    profiles = [p for code, p in context().profiles.items() if disease in (None, code)]
    with open_session() as session:
        shown, _current = _moment(session, on)
        found = overlooked(
            session,
            profiles,
            today=shown.today,
            area_ids=viewer().area_ids,
            area=land(session),
            as_of=shown.as_of,
            crs=context().settings.deployment.metric_crs,
        )
    if not found:
        return None
    words = _("{n} ca trong {days} ngày qua không xét được vào ổ nào, vì sao", n=found.total(), days=DAYS)
    rows = [(count(n), _(REASONS[why])) for why, n in found.most_common()]
    return html.Details(
        [html.Summary(words), table([_("Ca"), _("Vì sao")], rows, numeric=(0,))], className="more"
    )


def draw_detail(
    outbreak_id: str | None, when: str | None, _acted: Any, _version: str | None
) -> tuple[Any, ...]:
    disease, status, text, on = _chosen(when)
    back = [_href(disease=disease, status=status, text=text, on=on)] * 2
    nothing = (None, None, "outbreak-actions is-hidden", "", *back, *["is-hidden"] * len(BUTTONS))
    if not outbreak_id or not outbreak_id.isdigit():
        return empty(_("Chọn một ổ dịch để xem ca bệnh, việc cần làm và việc đã làm.")), *nothing
    with open_session() as session:
        shown, current = _moment(session, on)
        detail = _detail(session, int(outbreak_id), shown, current)
        if detail is None:
            return empty(_("Không có ổ dịch này trong địa bàn bạn phụ trách.")), *nothing
        names = full_names(session, [e.user_id for e in detail.log if e.user_id is not None])
        links = _links(session, detail, shown)
        compared = comparisons(
            session,
            context().columns.current(session),
            disease=detail.summary.disease,
            units=detail.summary.units,
            measures=detail.measures,
            today=shown.today,
            as_of=shown.as_of,
        )
    acting = viewer().role in ACTORS and shown.as_of is None
    return (
        head(detail),
        todo(detail, current),
        body(detail, current, names, acting, links, compared),
        "outbreak-actions",
        f"/outbreaks/{outbreak_id}/dossier.pdf",
        *back,
        *_button_classes(detail, acting),
    )


def draw_map(outbreak_id: str | None, when: str | None, _acted: Any, _version: str | None) -> tuple[Any, ...]:
    """The layers fetch their data by URL; its version makes them fetch it anew when something changed."""
    hidden: tuple[Any, ...] = ([], None, "outbreak-map-box is-empty")
    if not outbreak_id or not outbreak_id.isdigit():
        return hidden
    on = _chosen(when)[3]
    with open_session() as session:
        shown, _current = _moment(session, on)
        area = next(
            outlines(session, area_ids=viewer().area_ids, as_of=shown.as_of, outbreak_id=int(outbreak_id)),
            None,
        )
        version = outbreaks_version(session)
    if area is None:
        return hidden
    return case_layers(theme(), area.id, version, on), area.bounds, "outbreak-map-box"


def _chosen(when: str | None) -> tuple[str | None, str, str, str]:
    """Disease, group of statuses, text and day of the store that the browser keeps as "dengue|open|2026-11-15|text"."""
    disease, status, on, text = ((when or "") + "|||").split("|", 3)
    return (
        known_disease(disease),
        status if status in TABS else "open",
        text.rstrip("|"),
        on if parse_day(on) else "",
    )


def _href(**given: Any) -> str:
    return "/outbreaks?" + urlencode({k: v for k, v in given.items() if v})


def _moment(session: Session, on: str) -> tuple[Moment, datetime]:
    """The day on show, and the moment it stands for, on the clocks of the city."""
    shown = day_on_show(session, parse_day(on))
    return shown, shown.as_of or local(now(session))


def _detail(session: Session, outbreak_id: int, shown: Moment, current: datetime) -> OutbreakDetail | None:
    return outbreak_detail(
        session,
        outbreak_id,
        area_ids=viewer().area_ids,
        profiles=context().profiles,
        now=current,
        as_of=shown.as_of,
    )


def _links(session: Session, detail: OutbreakDetail, shown: Moment) -> Links | None:
    """For those who may see single cases; None for the others."""
    disease = context().diseases.get(detail.summary.disease)
    profile = context().profiles.get(detail.summary.disease)
    if disease is None or profile is None or viewer().role not in ACTORS:
        return None
    places = member_places(session, detail.summary.id, area_ids=viewer().area_ids, as_of=shown.as_of)
    return links_of(places, disease, profile)


def _button_classes(detail: OutbreakDetail, acting: bool) -> list[str]:
    """Only what the state allows is offered; the first of them is the one most likely next."""
    status, classes, first = detail.summary.status, [], True
    for name, wanted in BUTTONS.items():
        offered = acting and (status not in GONE if wanted is None else status in ALLOWED[wanted])
        if name == "outbreak-survey":
            offered = offered and vector_of(detail.summary.disease) is not None
        classes.append("button is-hidden" if not offered else "button button-primary" if first else "button")
        first = first and not offered
    return classes


# --- the list --------------------------------------------------------------------------------------------


def _list_parts(disease: str, text: str) -> list[Any]:
    diseases = [{"value": "all", "label": _("Tất cả các bệnh")}]
    diseases += [{"value": code, "label": disease_name(code)} for code in context().profiles]
    numbers = 54 if current_locale() == "vi" else 68
    columns = [
        fixed_column("code", _("Mã"), 94),
        text_column("place", _("Xã, phường"), 132, filter=False),
        *([disease_column(68)] if len(context().profiles) > 1 else []),
        fixed_column("status", _("Trạng thái"), 108),
        number_column("cases", _("Ca"), numbers, filter=False),
        fixed_column("dates", _("Ca đầu – cuối"), 122, sortable=False),
        fixed_column(
            "deadline", _("Hạn"), 108, sortable=False, headerTooltip=_("Hạn gần nhất của các việc cần làm")
        ),
        number_column(
            "due",
            _("Việc"),
            numbers,
            filter=False,
            headerTooltip=_("Số việc đang đến hạn"),
        ),
    ]
    return [
        html.Div(
            [
                html.H1(_("Ổ dịch"), className="page-title"),
                html.Button(
                    [icon("map"), _("Bản đồ")],
                    id="outbreaks-map-toggle",
                    className="button map-toggle",
                    type="button",
                    **aria(expanded="false", controls="outbreaks-beside"),
                ),
                html.Div(
                    id="outbreaks-tabs", className="segmented", role="group", **aria(label=_("Trạng thái"))
                ),
            ],
            className="page-head",
        ),
        html.Div(
            [
                disease_select("outbreaks-disease", diseases, disease, **aria(label=_("Bệnh"))),
                dmc.TextInput(
                    id="outbreaks-text",
                    value=text,
                    placeholder=_("Tìm theo xã, phường hoặc mã ổ"),
                    debounce=400,
                    **aria(label=_("Tìm ổ dịch")),
                ),
            ],
            className="list-filters",
        ),
        html.Div(id="outbreaks-note"),
        html.Div(grid("outbreaks-grid", columns, rowSelection=ONE_ROW), className="grid-fill only-desktop"),
        html.Div(
            html.Div(className="skeleton page-skeleton"),
            id="outbreaks-cards",
            className="card-list only-phone",
        ),
        html.Div(id="outbreaks-overlooked"),
    ]


def _tab(name: str, total: int, active: bool, href: str) -> Any:
    return link(f"{TABS[name]} ({count(total)})", href, className="is-active" if active else "")


def _note(shown: Moment, back: str) -> list[Any]:
    if shown.as_of is None:
        return []
    return [
        html.P(
            [
                html.Span(_("Như đã biết cuối ngày {day}", day=shown.today), className="map-badge is-past"),
                " ",
                link(_("Xem hiện tại"), back),
            ],
            className="list-note",
        )
    ]


def _grid_row(item: OutbreakSummary, current: datetime) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "code": item.code,
        "place": place_text(item),
        "disease": disease_short(item.disease),
        "status": f"{MARKS[item.status]} {_(NAMES[item.status])}",
        "cases": item.cases,
        "dates": f"{item.first_event:%d/%m} – {item.last_event:%d/%m}",
        "deadline": deadline_text(item.next_due, current),
        "due": item.due,
    }


def place_text(item: OutbreakSummary) -> str:
    """The lead commune, and how many share the outbreak."""
    if not item.unit_names:
        return _("chưa rõ")
    others = len(item.unit_names) - 1
    return item.unit_names[0] + (f" (+{others})" if others else "")


def _card(item: OutbreakSummary, href: str, current: datetime) -> html.Article:
    dates = f"{day(item.first_event)} – {day(item.last_event)}"
    due = []
    if item.next_due is not None:
        words = _("{n} việc đến hạn, {time}", n=item.due, time=deadline_text(item.next_due, current))
        late = " is-late" if item.late else ""
        due = [html.Div([icon("clock"), words], className=f"alert-card-due{late}")]
    return html.Article(
        link(
            [
                html.Div(
                    [status_of(item), html.Span(item.code, className="dim num")], className="alert-card-head"
                ),
                html.Div(place_text(item), className="alert-card-place"),
                html.Div(
                    _("{disease} · {n} ca", disease=disease_name(item.disease), n=item.cases),
                    className="alert-card-meta",
                ),
                html.Div(dates, className="alert-card-meta num"),
                *due,
            ],
            href,
            className="alert-card-link",
        ),
        className="alert-card",
    )


def _empty_text(status: str, filtered: bool) -> str:
    if filtered:
        return _("Không có ổ dịch nào khớp với bộ lọc.")
    return {
        "open": _("Không có ổ dịch nào đang mở."),
        "monitoring": _("Không có ổ dịch nào đang theo dõi."),
        "proposed": _("Không có ổ dịch nào được đề nghị đóng."),
        "closed": _("Chưa có ổ dịch nào đã đóng."),
    }[status]


# --- the detail ------------------------------------------------------------------------------------------


def _detail_parts() -> list[Any]:
    """What people press and the map stand still while the figures around them are drawn anew."""
    return [
        link(
            [icon("chevron-right"), _("Danh sách")],
            "/outbreaks",
            id="outbreak-back",
            className="back-link only-phone",
        ),
        link(
            icon("x"),
            "/outbreaks",
            id="outbreak-leave",
            className="icon-button detail-leave only-desktop",
            title=_("Về danh sách"),
        ),
        html.Div(id="outbreak-head"),
        outbreak_acts.actions(),
        html.Div(id="outbreak-feedback", **aria(live="polite")),
        html.Div(id="outbreak-todo"),
        html.Div(
            [
                html.H3(_("Vùng ổ dịch"), className="section-title"),
                _map(theme()),
                html.P(
                    _(
                        "Chấm đặc: ca của ổ · chấm rỗng: ca gần nhưng không thuộc ổ · "
                        "đường: có thể lây, không phải bằng chứng."
                    ),
                    className="dim",
                ),
            ],
            id="outbreak-map-box",
            className="outbreak-map-box is-empty",
        ),
        html.Div(id="outbreak-body"),
    ]


def _map(colours: Theme) -> EpiMap:
    return EpiMap(
        id="outbreak-map",
        layers=[],
        dark=colours == "dark",
        ariaLabel=_("Bản đồ vùng ổ dịch và nơi ở của các ca"),
        className="outbreak-map",
        noWebglText=_("Máy này không vẽ được bản đồ. Xem danh sách ca bên dưới."),
        padding=28,
        **map_words(),
    )
