"""What the inbox and an alert say of silences and of other communes; and a person's quiet hours."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html, no_update
from sqlalchemy.orm import Session

from accounts.models import Role
from alerts.agenda import unread_duties
from alerts.audience import load_places
from alerts.duty_views import NAMES, DutyView
from alerts.lifecycle import Kind
from alerts.telling.neighbours import News, mark_news_read, news_for
from alerts.telling.rota import RotaError, quiet_of, set_quiet
from alerts.telling.silences import Hush, silences_at
from alerts.views import AlertSummary
from i18n import _
from web.context import disease_name, now, open_session, viewer
from web.formats import icon, level_badge, link, short_moment

MOST_DUTIES = 5


def inbox_panel() -> html.Div:
    """Stands above the list, drawn by `draw_inbox_panel`; empty when there is nothing to say."""
    return html.Div(id="inbox-telling")


def alert_silence(session: Session, alert: AlertSummary) -> list[Any]:
    """On an alert: that it is kept quiet, until when, why, by whom; else the way to ask for it."""
    if alert.state == "closed":
        return []
    line = load_places(session, {alert.unit_id})[alert.unit_id].line
    running = [one for one in silences_at(session, now(session)) if one.covers(line, alert.disease)]
    if running:
        return [
            html.Div([icon("bell-off"), html.Span(str(one.words()))], className="silence-note")
            for one in running
        ]
    if viewer().role not in (Role.ANALYST, Role.OFFICER):
        return []
    href = f"/on-call?unit={alert.unit_id}&disease={alert.disease}"
    return [link([icon("bell-off"), _("Tạm im…")], href, className="button")]


def register(app: Dash) -> None:
    app.callback(Output("inbox-telling", "children"), Input("version", "data"))(draw_inbox_panel)
    app.callback(
        Output("quiet-said", "children"),
        Input("quiet-save", "n_clicks"),
        State("quiet-starts", "value"),
        State("quiet-ends", "value"),
        prevent_initial_call=True,
    )(save_quiet)


def draw_inbox_panel(_version: str | None) -> Any:
    """Drawing it is reading it; but news of duties stays until the duties are looked at."""
    who = viewer()
    with open_session() as session:
        new, listed = unread_duties(session, who.area_ids, who.id)
        running = silences_at(session, now(session), who.area_ids)
        news = news_for(session, who.id)
        mark_news_read(session, who.id, now(session))
    return [*_duties(new, listed), *_silences(running), *_news(news)]


def _duties(new: list[DutyView], listed: bool) -> list[Any]:
    """What the law asks where no alert is open: one line for each new duty, one for the day's list."""
    lines = [
        link(
            _(
                "{what}: {disease}, {unit}. Hạn chót {at}.",
                what=str(NAMES[duty.kind]),
                disease=disease_name(duty.disease),
                unit=duty.unit_name,
                at=short_moment(duty.due_at),
            ),
            f"/duties/{duty.id}",
        )
        for duty in new[:MOST_DUTIES]
    ]
    if listed or len(new) > MOST_DUTIES:
        lines.append(link(_("Xem tất cả việc theo luật hôm nay"), "/duties"))
    if not lines:
        return []
    title = html.Strong(_("Việc theo luật không kèm cảnh báo"))
    return [html.Div([icon("clock"), html.Div([title, *map(html.Div, lines)])], className="stale-note")]


def _silences(running: Any) -> list[Any]:
    if not running:
        return []
    first: Hush = running[0]
    words = (
        _("{unit}: {words}", unit=first.unit_name, words=str(first.words()))
        if len(running) == 1
        else _(
            "{n} địa bàn đang tạm im; sớm nhất hết lúc {at}.", n=len(running), at=short_moment(first.ends_at)
        )
    )
    return [
        html.Div([icon("bell-off"), html.Span(words), link(_("Xem"), "/on-call")], className="silence-note")
    ]


def _news(news: list[News]) -> list[Any]:
    if not news:
        return []
    unread = sum(not one.read for one in news)
    title = _("Tin từ địa bàn bên cạnh ({n})", n=len(news))
    return [
        html.Details(
            [html.Summary(title), html.Ul([_news_line(one) for one in news], className="news-list")],
            className="more card news-beside",
            open=bool(unread),
        )
    ]


def _news_line(one: News) -> html.Li:
    why = (
        _("giáp {mine}", mine=one.mine)
        if one.kind == Kind.NEIGHBOURS
        else _("ổ dịch lan sang {mine}", mine=one.mine)
    )
    text = f"{one.unit_name}, {why}: {disease_name(one.disease)}"
    return html.Li(
        [
            level_badge(one.level),
            html.Span(text, className="" if one.read else "is-unread"),
            html.Span(short_moment(one.at), className="dim num"),
        ]
    )


def quiet_form(session: Session) -> html.Div:
    """On the page of one's own messages."""
    quiet = quiet_of(session, viewer().id)
    return html.Div(
        [
            html.H2(_("Giờ yên lặng của tôi"), className="section-title"),
            html.Div(
                [
                    html.P(
                        _(
                            "Trong giờ này tin chờ đến sáng, trừ mức rất cao, nghĩa vụ theo luật và khi bạn đang "
                            "trực. Để trống cả hai ô là không đặt."
                        ),
                        className="dim",
                    ),
                    html.Div(
                        [
                            dmc.TextInput(
                                id="quiet-starts",
                                label=_("Từ"),
                                value=f"{quiet.starts:%H:%M}" if quiet else "",
                                placeholder="21:30",
                                w=90,
                            ),
                            dmc.TextInput(
                                id="quiet-ends",
                                label=_("Đến"),
                                value=f"{quiet.ends:%H:%M}" if quiet else "",
                                placeholder="06:00",
                                w=90,
                            ),
                            html.Button(
                                _("Lưu giờ yên lặng"), id="quiet-save", className="button", type="button"
                            ),
                        ],
                        className="quiet-row",
                    ),
                    html.Div(id="quiet-said"),
                ],
                className="card",
            ),
        ]
    )


def save_quiet(clicks: int | None, starts: str | None, ends: str | None) -> Any:
    if not clicks:
        return no_update
    with open_session() as session:
        try:
            set_quiet(session, viewer().id, starts, ends, now(session))
        except RotaError as error:
            return html.P(str(error.message), className="form-error", role="alert")
        quiet = quiet_of(session, viewer().id)
    if quiet is None:
        return html.P(_("Không còn giờ yên lặng: tin được gửi ngay."), className="form-done", role="status")
    hours = _(
        "Đã lưu: tin chờ từ {starts} đến {ends}.", starts=f"{quiet.starts:%H:%M}", ends=f"{quiet.ends:%H:%M}"
    )
    return html.P(hours, className="form-done", role="status")
