"""What each figure means, how it is made and what it cannot say; every link to a method lands on its anchor here."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import starmap

from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from i18n import Message, _
from web.formats import aria, link, table
from web.pages import alert_list, review_detail
from web.pages.help_topics import GROUPS, TOPICS, Topic
from web.workbench.measures import MEASURES
from web.workbench.reading import Measure

EVERYWHERE_KEYS = (
    ("?", Message("Mở trợ giúp về phím tắt")),
    ("Esc", Message("Đóng hộp đang mở")),
)
"""Of assets/help.js and shell.js."""
TIME_KEYS = (
    ("p", Message("Chạy hoặc dừng thời gian")),
    (",", Message("Lùi một bước")),
    (".", Message("Tiến một bước")),
)
"""Of assets/time.js."""
SHORTCUTS = (
    ("keys-everywhere", Message("Mọi trang"), EVERYWHERE_KEYS),
    ("keys-map", Message("Bản đồ"), TIME_KEYS),
    ("keys-alerts", Message("Cảnh báo"), alert_list.KEYS),
    ("keys-review", Message("Địa chỉ cần xem"), review_detail.KEYS),
)


def layout(rest: str = "", **_query: str) -> html.Div:
    sections = [
        *((group.key, str(group.title), map(_topic, group.topics)) for group in GROUPS),
        ("measures", _("Chỉ số của bản đồ"), map(_measure, MEASURES.values())),
        ("keys", _("Phím tắt"), starmap(_keys, SHORTCUTS)),
    ]
    return html.Div(
        [
            html.Div(html.H1(_("Trợ giúp"), className="page-title"), className="page-head"),
            html.P(
                _("Mỗi con số nghĩa là gì, được tính thế nào, và không nói được điều gì."), className="dim"
            ),
            html.Label(_("Tìm trong trợ giúp"), htmlFor="help-search", className="visually-hidden"),
            dcc.Input(
                id="help-search",
                type="search",
                placeholder=_("Tìm trong trợ giúp"),
                className="text-input",
            ),
            html.P(
                _("Không có mục nào khớp. Hãy thử từ khác."),
                id="help-none",
                className="is-hidden",
                role="status",
            ),
            _contents((key, title) for key, title, _items in sections),
            *starmap(_section, sections),
        ],
        className="page help-page",
        id="help-page",
    )


def register(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("help", "show"),
        Output("help-none", "className"),
        Input("help-search", "value"),
        Input("url", "hash"),
    )


def _contents(titles: Iterable[tuple[str, str]]) -> html.Nav:
    links = [html.Li(html.A(title, href=f"#{key}")) for key, title in titles]
    return html.Nav(html.Ul(links), className="help-contents", **aria(label=_("Mục lục")))


def _section(key: str, title: str, items: Iterable[html.Article]) -> html.Section:
    return html.Section([html.H2(title, id=key), *items], className="help-group")


def _topic(topic: Topic) -> html.Article:
    return html.Article(
        [
            html.H3(str(topic.title)),
            html.P(str(topic.means)),
            html.P([html.Strong(_("Cách tính:")), " ", str(topic.how)]),
            html.P([html.Strong(_("Giới hạn:")), " ", str(topic.limits)]),
            *([html.P(_for_methodologists(topic.page))] if topic.page else []),
        ],
        id=topic.key,
        className="help-topic",
    )


def _for_methodologists(page: str) -> dcc.Link:
    return link(_("Chi tiết cho người làm phương pháp (tiếng Anh)"), f"/methods/{page}")


def _measure(measure: Measure) -> html.Article:
    return html.Article(
        [
            html.H3(str(measure.name)),
            html.P(str(measure.says)),
            html.P(
                html.A(_("Cách tính"), href=f"#{measure.page}")
                if measure.page in TOPICS
                else _for_methodologists(measure.page)
            ),
        ],
        id=f"measure-{measure.key}",
        className="help-topic",
    )


def _keys(key: str, title: Message, keys: Iterable[tuple[str, Message]]) -> html.Article:
    rows = [(html.Kbd(name), str(does)) for name, does in keys]
    return html.Article(
        [html.H3(str(title)), table([_("Phím"), _("Việc")], rows, caption=str(title))],
        id=key,
        className="help-topic",
    )
