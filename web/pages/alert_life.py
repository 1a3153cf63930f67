"""Panels of an alert's life: who holds it, what was concluded before, what it repeats, who shares it, its files."""

from __future__ import annotations

from typing import Any

from dash import html

from alerts.acts import Act, State, state_name
from alerts.areas import AreaRole
from alerts.attachments import AttachmentView
from alerts.file_checks import PHOTO
from alerts.life_views import AreaView, Life
from alerts.views import AlertSummary
from i18n import _, show_number
from web.formats import icon, level_badge, link, moment, stored

SHOWN_SIBLINGS = 8


def state_text(alert: AlertSummary) -> str:
    """State, and who has it in hand: "Đang kiểm tra · Trần Văn An"."""
    state = State(alert.state)
    words = str(state_name(state))
    return f"{words} · {alert.holder}" if alert.holder and state not in (State.OPEN, State.CLOSED) else words


def holder_line(alert: AlertSummary) -> list[Any]:
    """Who has it in hand, or that nobody has."""
    state = State(alert.state)
    if state is State.OPEN:
        return [html.P([icon("user"), _("Chưa ai nhận")], className="holder is-nobody")]
    if alert.holder is None:
        return []
    words = (
        _("Người giữ: {name}", name=alert.holder)
        if state is not State.CLOSED
        else _("Người giữ sau cùng: {name}", name=alert.holder)
    )
    return [html.P([icon("user"), words], className="holder")]


def former(life: Life) -> list[Any]:
    """What was concluded before the alert came back: the first thing to know of it."""
    event = life.former
    if event is None:
        return []
    who = _("{name} · {at}", name=event.user_name or _("Hệ thống"), at=moment(event.at))
    return [
        html.Div(
            [
                html.H3(_("Lần trước đã kết luận"), className="card-title"),
                html.P(stored(event.sentence), className="log-what"),
                *([html.Blockquote(event.comment, className="log-comment")] if event.comment else []),
                html.P(who, className="log-when"),
            ],
            className="card former",
        )
    ]


def repeats(life: Life) -> list[Any]:
    """Links between an alert and those found to repeat it, both ways."""
    lines = []
    if life.duplicate_of is not None:
        text = _("Trùng với cảnh báo số {n}", n=str(life.duplicate_of))
        lines.append(link(text, f"/alerts?alert={life.duplicate_of}", className="more-link"))
    for id_ in life.duplicates:
        text = _("Cảnh báo số {n} trùng với cảnh báo này", n=str(id_))
        lines.append(link(text, f"/alerts?alert={id_}", className="more-link"))
    return [html.Div(lines, className="repeats")] if lines else []


def shared_areas(life: Life) -> list[Any]:
    """Whose areas share the outbreak, who leads, and their own alerts."""
    if not life.areas:
        return []
    alone = all(area.own for area in life.areas)
    if alone:
        return []
    return [
        html.H3(_("Ổ dịch, cụm ca liên xã ({n} địa bàn)", n=len(life.areas)), className="section-title"),
        html.Ul([_area(area) for area in life.areas], className="area-list"),
        *([html.Ul([_sibling(s) for s in life.siblings[:SHOWN_SIBLINGS]], className="alert-lines")]
          if life.siblings else []),
    ]  # fmt: skip


def _area(area: AreaView) -> html.Li:
    leads = area.role is AreaRole.LEAD
    chip = html.Span(
        _("chủ trì") if leads else _("phối hợp"), className="status-chip is-ok" if leads else "status-chip"
    )
    return html.Li([html.Strong(area.name) if area.own else area.name, chip])


def _sibling(alert: AlertSummary) -> html.Li:
    about = [html.Strong(alert.unit_name), html.Span(str(state_name(State(alert.state))), className="dim")]
    number = html.Span(_("Số {n}", n=str(alert.id)), className="dim num")
    return html.Li(
        link(
            [level_badge(alert.level), html.Span(about), number],
            f"/alerts?alert={alert.id}",
            className="alert-line",
        )
    )


def files_panel(life: Life) -> list[Any]:
    kept = [file for file in life.files if not file.removed]
    if not kept:
        return []
    may_remove = Act.DETACH in life.acts
    return [
        html.H3(_("Ảnh và tệp ({n})", n=len(kept)), className="section-title"),
        html.Ul([_file(file, may_remove) for file in kept], className="file-list"),
    ]


def _file(file: AttachmentView, may_remove: bool) -> html.Li:
    href, said = f"/alerts/files/{file.id}", _("{name}, {at}", name=file.user_name, at=moment(file.at))
    if file.media_type == PHOTO:
        shown: Any = html.Img(src=href, alt=_("Ảnh của {who}", who=said), className="file-photo")
    else:
        shown = html.Span([icon("file-report"), "PDF"], className="file-pdf")
    remove = html.Button(
        _("Gỡ"),
        id={"detach": file.id},
        className="link-button",
        type="button",
        title=_("Gỡ tệp này, có ghi lý do"),
    )
    size = f"{show_number(max(1, file.size_bytes // 1024))} kB"
    return html.Li(
        [
            html.A(shown, href=href, target="_blank", rel="noopener"),
            html.Div([html.Span(said), html.Span(size, className="num")], className="log-when"),
            *([remove] if may_remove else []),
        ]
    )
