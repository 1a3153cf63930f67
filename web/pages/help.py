"""What each figure means, how it is made and what it cannot say; every link to a method lands on its anchor here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from i18n import Message, _
from web.formats import aria, link, table
from web.pages import alert_list, review_detail
from web.pages.help_topics import GROUPS, Topic
from web.workbench.measures import MEASURES
from web.workbench.reading import Measure

TIME_KEYS = (
    ("p", Message("Chạy hoặc dừng thời gian")),
    (",", Message("Lùi một bước")),
    (".", Message("Tiến một bước")),
)
"""Of assets/time.js."""
SHORTCUTS = (
    ("keys-map", Message("Bản đồ"), TIME_KEYS),
    ("keys-alerts", Message("Cảnh báo"), alert_list.KEYS),
    ("keys-review", Message("Địa chỉ cần xem"), review_detail.KEYS),
)


def layout(rest: str = "", **_query: str) -> html.Div:
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
            _contents(),
            _group("measures", Message("Chỉ số của bản đồ"), [_measure(each) for each in MEASURES.values()]),
            *[_group(group.key, group.title, [_topic(topic) for topic in group.topics]) for group in GROUPS],
            _group("keys", Message("Phím tắt"), [_keys(*each) for each in SHORTCUTS]),
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


def _contents() -> html.Nav:
    titles = [
        ("measures", _("Chỉ số của bản đồ")),
        *((group.key, str(group.title)) for group in GROUPS),
        ("keys", _("Phím tắt")),
    ]
    links = [html.Li(html.A(title, href=f"#{key}")) for key, title in titles]
    return html.Nav(html.Ul(links), className="help-contents", **aria(label=_("Mục lục")))


def _group(key: str, title: Message, items: Iterable[Any]) -> html.Section:
    return html.Section([html.H2(str(title), id=key), *items], className="help-group")


def _topic(topic: Topic) -> html.Article:
    more = _("Chi tiết cho người làm phương pháp (tiếng Anh)")
    return html.Article(
        [
            html.H3(str(topic.title)),
            html.P(str(topic.means)),
            html.P([html.Strong(_("Cách tính:")), " ", str(topic.how)]),
            html.P([html.Strong(_("Giới hạn:")), " ", str(topic.limits)]),
            *([html.P(link(more, f"/methods/{topic.page}"))] if topic.page else []),
        ],
        id=topic.key,
        className="help-topic",
    )


def _measure(measure: Measure) -> html.Article:
    head: list[Any] = [str(measure.name), " ", html.Span(str(measure.unit), className="dim help-unit")]
    return html.Article(
        [
            html.H3(head),
            html.P(str(measure.says)),
            html.P(html.A(_("Cách tính"), href=f"#{measure.page}")),
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
