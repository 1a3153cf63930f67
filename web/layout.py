"""The frame around every page: header, navigation, notices; and which page a path shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy.orm import Session

from accounts.models import Role
from alerts.agenda import calling_count
from alerts.policy_store import KEEPERS
from alerts.views import unread_count
from i18n import LOCALES, Message, _, current_locale
from reports.service import KINDS
from surveillance.review.queue import fixes_version, waiting_count
from web.auth import ROLE_NAMES
from web.context import Viewer, context, now, open_session, theme, viewer
from web.formats import aria, empty, icon, link
from web.markup import Markup, light, lightened
from web.newest import newest
from web.pages import (
    alerts,
    data,
    duties,
    help,
    lab,
    map,
    messages,
    methods,
    on_call,
    outbreaks,
    passport_panel,
    policy,
    reports,
    review,
    scorecard,
    telling_panels,
)  # fmt: skip
from web.pages.review_detail import REVIEWERS

POLL_MS = 5000


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page answers its path and everything below it; `layout` gets the rest of the path and the query."""

    path: str
    title: Message
    icon: str
    roles: frozenset[Role]
    layout: Callable[..., Any]
    short: Message | None = None
    """On a phone, where the title is too long."""
    in_nav: bool = True
    bar: frozenset[Role] = frozenset(Role)
    """Who has it in the bar at the foot of a phone; the others find it there under “Thêm”."""

    def shows(self, path: str) -> bool:
        return path == self.path or path.startswith(self.path + "/")


EVERYONE = frozenset(Role)
REPORTERS = frozenset(Role(role) for kind in KINDS.values() for role in kind.roles)
PAGES = (
    Page(
        path="/map",
        title=Message("Bản đồ"),
        icon="map",
        roles=EVERYONE,
        layout=map.layout,
        bar=frozenset({Role.ANALYST, Role.MANAGER}),
    ),
    Page(path="/alerts", title=Message("Cảnh báo"), icon="bell", roles=EVERYONE, layout=alerts.layout),
    Page(
        path="/duties",
        title=Message("Việc theo luật"),
        short=Message("Việc"),
        icon="clock",
        roles=EVERYONE,
        layout=duties.layout,
        bar=frozenset({Role.OFFICER, Role.MANAGER}),
    ),
    Page(
        path="/outbreaks",
        title=Message("Ổ dịch"),
        icon="virus",
        roles=EVERYONE,
        layout=outbreaks.layout,
        bar=frozenset({Role.OFFICER, Role.ANALYST}),
    ),
    Page(
        path="/review",
        title=Message("Địa chỉ cần xem"),
        short=Message("Địa chỉ"),
        icon="map-pin",
        roles=frozenset(REVIEWERS),
        layout=review.layout,
        bar=frozenset({Role.ANALYST}),
    ),
    Page(
        path="/data",
        title=Message("Dữ liệu"),
        icon="database",
        roles=frozenset({Role.ANALYST, Role.MANAGER}),
        layout=data.layout,
        bar=frozenset(),
    ),
    Page(
        path="/reports",
        title=Message("Báo cáo"),
        icon="file-report",
        roles=REPORTERS,
        layout=reports.layout,
        bar=frozenset({Role.MANAGER}),
    ),
    Page(
        path="/policy",
        title=Message("Quy tắc mức nguy cơ"),
        icon="settings",
        roles=frozenset(KEEPERS),
        layout=policy.layout,
        bar=frozenset(),
    ),
    Page(
        path="/lab",
        title=Message("Phòng thử quy tắc"),
        icon="flask",
        roles=frozenset(lab.READERS),
        layout=lab.layout,
        bar=frozenset(),
    ),
    Page(
        path="/scorecard",
        title=Message("Độ tin cậy"),
        icon="check",
        roles=frozenset(scorecard.READERS),
        layout=scorecard.layout,
        bar=frozenset(),
    ),
    Page(
        path="/messages",
        title=Message("Tin báo"),
        icon="bell",
        roles=EVERYONE,
        layout=messages.layout,
        in_nav=False,
    ),
    Page(
        path="/on-call",
        title=Message("Trực và tạm im"),
        icon="phone",
        roles=EVERYONE,
        layout=on_call.layout,
        bar=frozenset(),
    ),
    Page(
        path="/methods",
        title=Message("Cách tính"),
        icon="list",
        roles=EVERYONE,
        layout=methods.layout,
        in_nav=False,
    ),
    Page(
        path="/help",
        title=Message("Trợ giúp"),
        icon="help",
        roles=EVERYONE,
        layout=help.layout,
        bar=frozenset(),
    ),
)


def shell() -> Any:
    """The frame, in the language and theme of this request; empty when Dash looks at it before anyone has."""
    if not current_user.is_authenticated:
        return html.Div()
    return dmc.MantineProvider(
        dmc.DatesProvider(
            lightened(_frame(viewer())), settings={"locale": current_locale(), "firstDayOfWeek": 1}
        ),
        forceColorScheme=theme(),
        theme={"fontFamily": "Inter, system-ui, sans-serif", "primaryColor": "blue", "defaultRadius": "md"},
    )


def register(app: Dash) -> None:
    app.callback(
        Output("page", "children"),
        Output("nav", "children"),
        Output("page-title", "data"),
        Input("url", "pathname"),
        State("url", "search"),
    )(show_page)
    app.callback(
        Output("nav", "children", allow_duplicate=True),
        Input("version", "data"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )(show_nav)
    app.clientside_callback(
        ClientsideFunction("shell", "poll"),
        Output("version", "data"),
        Output("data-chip", "children"),
        Output("data-chip", "className"),
        Output("lost", "className"),
        Output("lost-text", "children"),
        Output("notice", "children"),
        Input("poll", "n_intervals"),
        State("version", "data"),
    )
    app.clientside_callback(
        ClientsideFunction("shell", "title"), Output("page-title", "id"), Input("page-title", "data")
    )
    parts = (on_call, telling_panels, policy, passport_panel, scorecard)
    for page in (map, alerts, duties, outbreaks, review, data, reports, messages, lab, help, *parts):
        page.register(app)


def show_page(path: str, search: str) -> tuple[Any, Any, str]:
    """The page of `path`, or words why not."""
    page = next((p for p in PAGES if p.shows(path)), None)
    if page is None:
        return (
            empty(_("Không có trang này."), link(_("Về trang đầu"), "/", refresh=True)),
            navigation(path),
            "Canh Dịch",
        )
    if viewer().role not in page.roles:
        return empty(_("Tài khoản này không có quyền xem mục này.")), navigation(path), "Canh Dịch"
    query = dict(parse_qsl((search or "").lstrip("?")))
    content = page.layout(rest=path.removeprefix(page.path).strip("/"), **_only_known(query))
    return lightened(content), navigation(path), f"{page.title} · Canh Dịch"


def show_nav(_version: str | None, path: str) -> Any:
    return navigation(path)


def navigation(path: str) -> Markup:
    """Links to the pages this visitor may open, with the number of alerts and addresses not yet looked at."""
    who = viewer()
    with open_session() as session:
        alerts_waiting = unread_count(session, who.id)
        duties = calling_count(session, who.area_ids, who.id, now(session))
        addresses = addresses_waiting(session, who) if who.role in REVIEWERS else 0
    waiting = {
        "/alerts": (alerts_waiting, _("{n} cảnh báo chưa xem", n=alerts_waiting)),
        "/duties": (duties, _("{n} việc quá hạn hoặc mới", n=duties)),
        "/review": (addresses, _("{n} ca có địa chỉ cần xem", n=addresses)),
    }
    mine = [page for page in PAGES if page.in_nav and who.role in page.roles]
    rare = [page for page in mine if who.role not in page.bar]
    items = {page.path: _nav_item(page, path, *waiting.get(page.path, (0, ""))) for page in mine}
    bar = [items[page.path] for page in mine if who.role in page.bar]
    field = [_field_link()] if who.role is Role.OFFICER else []
    return light([*field, *bar, *(_rare(rare, items, path) if rare else [])])


def addresses_waiting(session: Session, who: Viewer) -> int:
    """A second of SQL in a large city, on every page: counted once as long as no case and no fix is new."""
    asked = ("addresses", who.areas, context().columns.version(session), fixes_version(session))
    return context().memory.ask(asked, lambda: waiting_count(session, who.area_ids))


def _rare(pages: Sequence[Page], items: Mapping[str, Any], path: str) -> list[Any]:
    """On a wide screen below a line; on a phone, where five is the most a thumb can tell apart, in a sheet."""
    here = any(page.shows(path) for page in pages)
    summary = html.Summary(
        [icon("menu-2"), html.Span(_("Thêm"), className="nav-label")],
        className="nav-item is-active" if here else "nav-item",
    )
    listed = [items[page.path] for page in pages]
    return [
        html.Div(listed, className="nav-rare only-desktop"),
        html.Details(
            [summary, html.Div(listed, className="nav-sheet")], className="nav-more only-phone", key=path
        ),
    ]


def _field_link() -> html.Div:
    """The officer's own pages are no Dash pages (web/phone_routes.py): a link that leaves this one."""
    names = [
        html.Span(_("Địa bàn của tôi"), className="nav-label only-desktop"),
        html.Span(_("Địa bàn"), className="nav-label only-phone"),
    ]
    return html.Div(html.A([icon("user"), *names], href="/my", className="nav-item"))


def _nav_item(page: Page, path: str, waiting: int, said: str) -> Any:
    active = page.shows(path)
    counter = (
        [html.Span(str(waiting) if waiting < 100 else "99+", className="nav-count", title=said)]
        if waiting
        else []
    )
    current = aria(current="page") if active else {}
    return html.Div(
        dcc.Link(
            [icon(page.icon), *_labels(page), *counter],
            href=page.path,
            className="nav-item is-active" if active else "nav-item",
        ),
        **current,
    )


def _labels(page: Page) -> list[Any]:
    if page.short is None:
        return [html.Span(str(page.title), className="nav-label")]
    return [
        html.Span(str(page.title), className="nav-label only-desktop"),
        html.Span(str(page.short), className="nav-label only-phone"),
    ]


def _frame(who: Viewer) -> html.Div:
    with open_session() as session:
        version = newest(session).version
    return html.Div(
        [
            dcc.Location(id="url", refresh="callback-nav"),
            dcc.Interval(id="poll", interval=POLL_MS),
            dcc.Store(id="version", data=version),
            dcc.Store(id="page-title"),
            html.A(_("Bỏ qua đến nội dung"), href="#main", className="skip-link"),
            _header(who),
            html.Nav(id="nav", className="app-nav", **aria(label=_("Các trang"))),
            html.Main(
                [
                    html.Div(
                        [
                            icon("alert-triangle"),
                            html.Span(
                                _("Mất kết nối máy chủ, đang thử lại. Số liệu đang hiện là số liệu cũ."),
                                id="lost-text",
                            ),
                        ],
                        id="lost",
                        className="stale-note is-hidden",
                        role="status",
                    ),
                    html.Div(id="notice"),
                    html.Div(
                        html.Div(className="skeleton page-skeleton"),
                        id="page",
                        className="page-slot",
                        tabIndex=0,
                    ),
                ],
                id="main",
                className="app-main",
                tabIndex=-1,
            ),
        ],
        className="app-shell",
    )


def _header(who: Viewer) -> html.Header:
    settings = context().settings
    demo = [
        html.Span(
            _("Bản dùng thử"),
            className="demo-chip only-desktop",
            title=_("Người bệnh và người dùng đều là giả định."),
        )
    ]
    return html.Header(
        [
            html.A(
                [
                    html.Img(src="/assets/logo.svg", alt="", className="app-logo"),
                    html.Span("Canh Dịch", className="app-name"),
                ],
                href="/",
                className="app-brand",
                **aria(label="Canh Dịch"),
            ),
            html.Span(settings.deployment.title[current_locale()], className="app-place only-desktop"),
            html.Span(id="data-chip", className="data-chip"),
            *(demo if settings.demo else []),
            html.Div([_language_switch(), _theme_switch(), _user_menu(who)], className="app-header-actions"),
        ],
        className="app-header",
    )


def _language_switch(className: str = "segmented only-desktop") -> html.Div:
    return html.Div(
        [
            html.A(
                code.upper(),
                href=f"/preferences?language={code}",
                lang=code,
                className="is-active" if code == current_locale() else "",
                **(aria(current="true") if code == current_locale() else {}),
            )
            for code in LOCALES
        ],
        className=className,
        role="group",
        **aria(label=_("Ngôn ngữ")),
    )


def _theme_switch() -> html.A:
    dark = theme() == "dark"
    label = _("Chuyển sang nền sáng") if dark else _("Chuyển sang nền tối")
    return html.A(
        icon("sun" if dark else "moon"),
        href=f"/preferences?theme={'light' if dark else 'dark'}",
        className="icon-button",
        title=label,
        **aria(label=label),
    )


def _user_menu(who: Viewer) -> html.Details:
    sign_out = html.Form(
        [
            dcc.Input(type="hidden", name="csrf_token", value=generate_csrf()),
            html.Button([icon("logout"), _("Đăng xuất")], type="submit", className="button menu-sign-out"),
        ],
        action="/logout",
        method="POST",
    )
    label = _("{initials}: tài khoản của {name}", initials=who.initials, name=who.full_name)
    return html.Details(
        [
            html.Summary(
                html.Span(who.initials, className="avatar"), className="icon-button", **aria(label=label)
            ),
            html.Div(
                [
                    html.Div(who.full_name, className="menu-name"),
                    html.Div(str(ROLE_NAMES[who.role]), className="dim"),
                    dcc.Link(
                        [icon("bell"), _("Tôi nhận tin thế nào")],
                        href="/messages",
                        className="button menu-link",
                    ),
                    _language_switch("segmented only-phone"),
                    sign_out,
                ],
                className="user-menu",
            ),
        ],
        className="menu",
    )


def _only_known(query: Mapping[str, str]) -> dict[str, str]:
    """Query names are passed as keyword arguments: "rest" is ours."""
    return {name: value for name, value in query.items() if name.isidentifier() and name != "rest"}
