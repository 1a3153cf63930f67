"""Open outbreaks of a place in a few lines, for the pages that lead to them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from dash import html
from sqlalchemy.orm import Session

from i18n import _
from surveillance.outbreaks.lifecycle import Status
from surveillance.outbreaks.views import LIVING, OutbreakSummary, outbreak_list
from web.context import Moment, context, disease_name, local, now, viewer
from web.formats import day, icon, link
from web.help_mark import explained
from web.pages.outbreak_detail import status_of

SHOWN = 8


def open_outbreaks(
    session: Session, unit_ids: Collection[int], disease: str | None, shown: Moment
) -> list[Any]:
    """A title and a line for each, of what the visitor may see; nothing where there is none."""
    page = outbreak_list(
        session,
        area_ids=viewer().area_ids,
        statuses=LIVING,
        profiles=context().profiles,
        now=shown.as_of or local(now(session)),
        as_of=shown.as_of,
        disease=disease,
        unit_ids=unit_ids,
        limit=SHOWN,
    )
    if not page.items:
        return []
    return [
        explained(_("Ổ dịch chưa đóng ở đây ({n})", n=page.total), "outbreaks"),
        html.Ul([outbreak_line(item, shown) for item in page.items], className="alert-lines"),
    ]


def chosen_outbreak(session: Session, outbreak_id: str | None, shown: Moment) -> list[Any]:
    """The outbreak that was clicked on the map, with the way to its page."""
    if not outbreak_id or not outbreak_id.isdigit():
        return []
    page = outbreak_list(
        session,
        area_ids=viewer().area_ids,
        statuses=tuple(Status),
        profiles=context().profiles,
        now=shown.as_of or local(now(session)),
        as_of=shown.as_of,
        outbreak_id=int(outbreak_id),
    )
    return [_card(item, shown) for item in page.items]


def _card(item: OutbreakSummary, shown: Moment) -> html.Div:
    dates = f"{day(item.first_event)} – {day(item.last_event)}"
    return html.Div(
        [
            html.Div(
                [status_of(item), html.Span(item.code, className="dim num")], className="alert-card-head"
            ),
            html.Strong(_("Ổ dịch {disease}: {n} ca", disease=disease_name(item.disease), n=item.cases)),
            html.Div(f"{', '.join(item.unit_names)} · {dates}", className="dim"),
            link([icon("virus"), _("Mở ổ dịch")], outbreak_href(item.id, shown), className="button"),
        ],
        className="outbreak-card",
    )


def outbreak_line(item: OutbreakSummary, shown: Moment) -> html.Li:
    about = _("{n} ca, mới nhất {day}", n=item.cases, day=day(item.last_event))
    name = disease_name(item.disease)
    return html.Li(
        link(
            [
                status_of(item),
                html.Span([html.Strong(about), html.Span(name, className="dim")]),
                html.Span(item.code, className="dim num"),
            ],
            outbreak_href(item.id, shown),
            className="alert-line",
        )
    )


def outbreak_href(outbreak_id: int, shown: Moment) -> str:
    """The outbreak's page, as known on the day on show."""
    on = f"&on={shown.today.isoformat()}" if shown.as_of is not None else ""
    return f"/outbreaks?id={outbreak_id}{on}"
