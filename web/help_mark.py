"""The "?" beside a figure: what it means in a sentence or two, and the way to its place on the help page."""

from __future__ import annotations

from dash import html

from i18n import _
from web.formats import aria, link
from web.pages.help_topics import TOPICS


def help_mark(key: str) -> html.Details:
    """`key` of a topic of the help page."""
    topic = TOPICS[key]
    title = str(topic.title)
    box = [html.Strong(title), html.P(str(topic.means)), link(_("Xem thêm"), f"/help#{key}")]
    return html.Details(
        [
            html.Summary("?", **aria(label=_("Giải thích: {name}", name=title))),
            html.Div(box, className="help-box"),
        ],
        className="menu help-mark",
    )


def explained(title: str, key: str) -> html.Div:
    """The heading of a part of a panel, with its "?"."""
    return html.Div([html.H3(title, className="section-title"), help_mark(key)], className="help-head")
