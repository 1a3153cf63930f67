"""From a number on a chart to its rows: every count is a link to the cases it counts."""

from __future__ import annotations

from typing import Any

from dash import html

from i18n import _, show_number
from web.formats import link
from web.selection import Selection


def rows_link(selection: Selection, **changes: Any) -> str:
    """The URL of the cases of this selection, narrowed by `changes` (fields of Selection)."""
    return selection.href(view="cases", **changes)


def rows_number(selection: Selection, cases: int, **changes: Any) -> Any:
    """`cases` as a link to their rows; a bare 0 where there are none."""
    if not cases:
        return html.Span("0", className="dim num")
    text = show_number(cases)
    said = _("{n} ca, xem danh sách", n=text)
    return link(text, rows_link(selection, **changes), className="rows-number num", title=said)
