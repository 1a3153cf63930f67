"""Which case may have infected which: a table beside the thin lines of the map, with what it does not say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from i18n import _
from surveillance.outbreaks.links import Link, Links
from web.formats import count, table

SHOWN = 12
MOST = 60


def links_panel(links: Links) -> list[Any]:
    """Likely first cases, the likeliest links, and the limits in plain words."""
    title = html.H3(_("Có thể lây từ ai"), className="section-title")
    limits = html.P(
        _(
            "Có thể, không phải bằng chứng: chỉ tính theo khoảng cách ngày mắc và khoảng cách nơi ở giữa các ca "
            "của ổ. Ca chưa báo cáo, nhiễm nơi khác và nơi làm việc, trường học không được tính."
        ),
        className="dim",
    )
    if not links.links:
        return [title, html.P(_("Không có cặp ca nào hợp thời gian và khoảng cách để lây cho nhau.")), limits]
    sources = sorted(links.infected.items(), key=lambda item: (-item[1], item[0]))
    busiest = [(case, n) for case, n in sources[:3] if n >= 1]
    parts: list[Any] = [title, *_firsts(links)]
    if busiest:
        said = ", ".join(_("ca {id} ({n} ca)", id=str(case), n=count(n, 1)) for case, n in busiest)
        parts.append(html.P(_("Có thể đã lây nhiều nhất: {cases}.", cases=said)))
    parts.append(_table(links.links[:SHOWN]))
    rest = links.links[SHOWN:MOST]
    if rest:
        more = [html.Summary(_("{n} cặp ít khả năng hơn", n=len(rest))), _table(rest)]
        parts.append(html.Details(more, className="more"))
    return [*parts, limits]


def _firsts(links: Links) -> list[Any]:
    found = []
    if links.first:
        names = ", ".join(str(case) for case in links.first[:8]) + (" …" if len(links.first) > 8 else "")
        found.append(
            html.P(
                _(
                    "Không ca nào trong ổ có thể lây cho: {cases}. Đó có thể là ca đầu, hoặc nhiễm từ ngoài.",
                    cases=names,
                )
            )
        )
    if links.unplaced:
        found.append(html.P(_("{n} ca chưa có vị trí nên không xét.", n=links.unplaced), className="dim"))
    return found


def _table(links: Sequence[Link]) -> html.Div:
    rows = [
        (
            html.Span(str(link.source), className="num"),
            html.Span(str(link.case), className="num"),
            count(link.days),
            "–" if link.metres is None else count(link.metres),
            f"{count(100 * link.share)} %",
        )
        for link in links
    ]
    heads = [_("Từ ca"), _("Sang ca"), _("Cách ngày"), _("Cách m"), _("Khả năng trong ổ")]
    return table(heads, rows, numeric=(2, 3, 4))
