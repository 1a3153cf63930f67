"""Age and sex of the cases: a pyramid that is a table. Counts only: no source tells people by age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from i18n import _
from surveillance.case_filter import Sex
from web.formats import count, link
from web.selection import OLDEST_AGE, Selection
from web.workbench.case_words import SEXES
from web.workbench.rows import rows_link

STEP = 5
LAST = 85
"""The oldest group has no upper end."""
BANDS: tuple[tuple[int, int], ...] = (
    *((age, age + STEP - 1) for age in range(0, LAST, STEP)),
    (LAST, OLDEST_AGE),
)


def pyramid(selection: Selection, counts: Mapping[str, Sequence[int]], without: int) -> html.Div:
    """`counts` of each sex by the groups of BANDS; `without` are cases of unknown age or sex."""
    widest = max((n for side in counts.values() for n in side), default=0)
    low, high = selection.ages or (0, OLDEST_AGE)
    bands = [(i, band) for i, band in enumerate(BANDS) if band[0] <= high and band[1] >= low]
    rows = [
        html.Tr(
            [
                html.Td(_bar(selection, "male", band, counts["male"][i], widest), className="pyramid-left"),
                html.Th(link(band_text(band), selection.href(ages=band)), scope="row"),
                html.Td(_bar(selection, "female", band, counts["female"][i], widest)),
            ]
        )
        for i, band in reversed(bands)
    ]
    return html.Div([_table(selection, counts, rows), *_unknown(without)])


def band_text(band: tuple[int, int]) -> str:
    """ "5–9", "85+"."""
    return f"{band[0]}+" if band[1] >= OLDEST_AGE else f"{band[0]}–{band[1]}"


def _table(selection: Selection, counts: Mapping[str, Sequence[int]], rows: Sequence[html.Tr]) -> html.Table:
    def head(sex: Sex) -> html.Th:
        text = [html.Strong(str(SEXES[sex])), " ", html.Span(count(sum(counts[sex])), className="num dim")]
        return html.Th(link(text, selection.href(sex=sex)), scope="col", className=f"pyramid-{sex}")

    caption = html.Caption(_("Số ca theo nhóm tuổi và giới"), className="visually-hidden")
    header = html.Thead(html.Tr([head("male"), html.Th(_("Tuổi"), scope="col"), head("female")]))
    return html.Table([caption, header, html.Tbody(rows)], className="pyramid")


def _bar(selection: Selection, sex: Sex, band: tuple[int, int], cases: int, widest: int) -> Any:
    """The whole half row leads to the rows, since a short bar is hard to hit."""
    share = 100 * cases / widest if widest else 0
    bar = html.Span(className=f"pyramid-bar is-{sex}", style={"width": f"{share:.1f}%"})
    number = html.Span(count(cases), className="num")
    if not cases:
        return html.Span([bar, number], className="pyramid-half dim")
    said = _("{sex}, {ages} tuổi: {n} ca", sex=str(SEXES[sex]), ages=band_text(band), n=count(cases))
    return link([bar, number], rows_link(selection, ages=band, sex=sex), className="pyramid-half", title=said)


def _unknown(without: int) -> list[Any]:
    if not without:
        return []
    return [html.P(_("Không kể {n} ca chưa rõ tuổi hoặc giới.", n=count(without)), className="dim card-note")]
