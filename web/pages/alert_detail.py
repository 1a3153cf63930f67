"""One alert in full: level and duty, why, the curve, what was done, who was told."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from dash import html
from sqlalchemy.orm import Session

from alerts.channels import IN_APP, WEBHOOK
from alerts.channels.outlets import NAMES
from alerts.inbox import OUTCOMES, Outcome, outcome_name
from alerts.views import AlertDetail, AlertSummary, DeliveryView, EventView
from i18n import Message, _
from surveillance.counts import weekly_curve
from web.context import day_on_show, disease_name, local, theme
from web.figures import chart, weekly_figure
from web.formats import deadline_text, facts, icon, level_badge, link, moment, status_chip, stored, table
from web.pages.outbreak_lines import open_outbreaks
from web.pages.unknown_note import unknown_note

CURVE_WEEKS = 52
STATES = {
    "open": Message("Chưa nhận"),
    "acknowledged": Message("Đã tiếp nhận"),
    "closed": Message("Đã đóng"),
}


def head(detail: AlertDetail, current: datetime) -> list[Any]:
    alert = detail.summary
    return [
        html.Div(
            [
                level_badge(alert.level),
                status_chip(alert.status),
                html.Span(str(STATES[alert.state]), className="status-chip"),
                html.Span(_("Số {n}", n=str(alert.id)), className="dim num"),
            ],
            className="badge-row",
        ),
        html.H2(alert.unit_name, className="detail-title"),
        html.P(disease_name(alert.disease), className="detail-subtitle"),
        *_duty(alert, current),
    ]


def body(session: Session, detail: AlertDetail, current: datetime) -> list[Any]:
    alert = detail.summary
    curve = weekly_curve(
        session,
        disease=alert.disease,
        unit_id=alert.unit_id,
        weeks=CURVE_WEEKS,
        today=local(current).date(),
        as_of=None,
    )
    return [
        *unknown_note(session, alert.disease, alert.unit_id, detail.passport.reasons),
        *_why(detail),
        html.H3(_("Số ca theo tuần"), className="section-title"),
        chart(weekly_figure(curve, theme()), _("Biểu đồ số ca theo tuần, {place}", place=alert.unit_name)),
        link(
            [icon("map"), _("Xem trên bản đồ")],
            f"/map?unit={alert.unit_id}&disease={alert.disease}",
            className="button",
        ),
        *open_outbreaks(session, [alert.unit_id], alert.disease, day_on_show(session, None)),
        html.H3(_("Nhật ký"), className="section-title"),
        html.Ol([_event(event) for event in reversed(detail.events)], className="timeline-log"),
        *_told(detail),
        _passport(detail),
    ]


def _duty(alert: AlertSummary, current: datetime) -> list[Any]:
    """The legal clocks that run while the alert is open."""
    if alert.state == "closed":
        outcome = (
            outcome_name(cast(Outcome, alert.outcome))
            if alert.outcome in OUTCOMES
            else _("hệ thống kết thúc vì tình hình đã yên")
        )
        return [
            html.P(
                _("Đã đóng lúc {at}: {outcome}.", at=moment(alert.closed_at), outcome=str(outcome)),
                className="dim",
            )
        ]
    clocks = (
        (_("Hạn ra thông báo (Thông tư 15/2026, điều 26)"), alert.notice_due),
        (_("Hạn xử lý ổ dịch (48 giờ)"), alert.handling_due),
    )
    return [
        html.Div(
            [
                icon("clock"),
                html.Div(
                    [
                        html.Div(label, className="duty-label"),
                        html.Div([html.Strong(deadline_text(due, current)), f" · {moment(due)}"]),
                    ]
                ),
            ],
            className="duty is-late" if due < current else "duty",
        )
        for label, due in clocks
        if due is not None
    ]


def _why(detail: AlertDetail) -> list[Any]:
    passport = detail.passport
    return [
        html.Div(
            [
                html.H3(_("Vì sao có cảnh báo"), className="card-title"),
                html.Ul([html.Li(stored(reason)) for reason in passport.reasons], className="reason-list"),
                facts(
                    [
                        (_("Vì sao không cao hơn"), stored(passport.why_not_higher)),
                        (_("Vì sao không thấp hơn"), stored(passport.why_not_lower)),
                    ]
                ),
            ],
            className="card",
        )
    ]


def _event(event: EventView) -> html.Li:
    who = event.user_name or _("Hệ thống")
    parts: list[Any] = [html.Div(stored(event.sentence), className="log-what")]
    if event.comment:
        parts.append(html.Blockquote(event.comment, className="log-comment"))
    parts.append(html.Div(f"{moment(event.at)} · {who}", className="log-when"))
    return html.Li(parts)


def _told(detail: AlertDetail) -> list[Any]:
    told = [
        (d.user_name or _("Hệ thống nhận"), channel_name(d.channel), _delivery_state(d))
        for d in detail.deliveries
    ]
    muted = [(n.user_name, channel_name(n.channel), stored(n.reason)) for n in detail.not_told]
    if not told and not muted:
        return []
    return [
        html.H3(_("Đã báo cho ai"), className="section-title"),
        table([_("Người"), _("Cách báo"), _("Kết quả")], told)
        if told
        else html.P(_("Chưa báo cho ai."), className="dim"),
        *(
            [
                _more(
                    _("Ai không được báo, vì sao ({n})", n=len(muted)),
                    table([_("Người"), _("Cách báo"), _("Vì sao")], muted),
                )
            ]
            if muted
            else []
        ),
    ]


def channel_name(channel: str) -> str:
    ours = {IN_APP: _("Trong hệ thống"), WEBHOOK: _("Webhook (CAP)")}
    return ours.get(channel) or str(NAMES.get(channel, channel))


def _delivery_state(delivery: DeliveryView) -> Any:
    if delivery.read_at:
        return _("đã xem {at}", at=moment(delivery.read_at))
    if delivery.arrived_at and delivery.state == "sent":
        return _("đã tới máy {at}", at=moment(delivery.arrived_at))
    if delivery.state == "sent":
        return _("đã gửi {at}", at=moment(delivery.sent_at))
    if delivery.state == "dead":
        why = _("không gửi được: {why}", why=stored(delivery.error))
        return [why, " ", link(_("Gửi lại"), "/messages")]
    if delivery.digest:
        return _("chờ tin gộp buổi sáng")
    return _("đang chờ gửi, lần {n}", n=delivery.attempts + 1)


def _passport(detail: AlertDetail) -> html.Details:
    """What the decision rested on, for whoever must trace it."""
    passport = detail.passport
    rows = [(stored(e.reason), moment(e.as_of)) for e in passport.evidence]
    return _more(
        _("Căn cứ của quyết định"),
        html.Div(
            [
                table([_("Kết quả từng phép tính"), _("Có từ")], rows),
                facts(
                    [
                        (_("Quyết định lúc"), moment(passport.as_of)),
                        (_("Bộ quy tắc"), f"{passport.policy_version} ({passport.policy_hash[:12]})"),
                        (_("Phiên bản chương trình"), passport.code_version),
                    ]
                ),
            ]
        ),
    )


def _more(title: str, content: Any) -> html.Details:
    return html.Details([html.Summary(title), content], className="more")
