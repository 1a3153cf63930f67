"""One alert in full: level and duty, why, the curve, what was done, who was told."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from dash import html
from sqlalchemy.orm import Session

from alerts.acts import State, state_name
from alerts.channels import IN_APP, WEBHOOK
from alerts.channels.outlets import NAMES
from alerts.inbox import OUTCOMES, Outcome, outcome_name
from alerts.life_views import Life
from alerts.views import AlertDetail, AlertSummary, DeliveryView, EventView
from i18n import _
from surveillance.counts import weekly_curve
from web.context import day_on_show, disease_name, local, theme
from web.figures import chart, weekly_figure
from web.formats import facts, icon, level_badge, link, moment, status_chip, stored, table
from web.pages import passport_panel
from web.pages.alert_life import files_panel, former, holder_line, repeats, shared_areas
from web.pages.duty_panel import alert_duties
from web.pages.outbreak_lines import open_outbreaks
from web.pages.telling_panels import alert_silence
from web.pages.unknown_note import unknown_note

CURVE_WEEKS = 52


def head(session: Session, detail: AlertDetail, current: datetime) -> list[Any]:
    alert = detail.summary
    return [
        html.Div(
            [
                level_badge(alert.level),
                status_chip(alert.status),
                html.Span(str(state_name(State(alert.state))), className="status-chip"),
                html.Span(_("Số {n}", n=str(alert.id)), className="dim num"),
            ],
            className="badge-row",
        ),
        html.H2(alert.unit_name, className="detail-title"),
        html.P(disease_name(alert.disease), className="detail-subtitle"),
        *holder_line(alert),
        *_ended(alert),
        *alert_duties(session, alert, current),
    ]


def body(session: Session, detail: AlertDetail, life: Life, current: datetime) -> list[Any]:
    """The panels, from what must be known first to what is looked up."""
    return [
        *alert_silence(session, detail.summary),
        *former(life),
        *unknown_note(session, detail.summary.disease, detail.summary.unit_id, detail.passport.reasons),
        *_why(detail),
        *shared_areas(life),
        *repeats(life),
        *_curve(session, detail.summary, current),
        *open_outbreaks(
            session, [detail.summary.unit_id], detail.summary.disease, day_on_show(session, None)
        ),
        *files_panel(life),
    ]


def record(detail: AlertDetail) -> list[Any]:
    """What was done, who was told, and what the decision rests on."""
    return [*_log(detail), *_told(detail), _passport(detail)]


def _curve(session: Session, alert: AlertSummary, current: datetime) -> list[Any]:
    curve = weekly_curve(
        session,
        disease=alert.disease,
        unit_id=alert.unit_id,
        weeks=CURVE_WEEKS,
        today=local(current).date(),
        as_of=None,
    )
    return [
        html.H3(_("Số ca theo tuần"), className="section-title"),
        chart(weekly_figure(curve, theme()), _("Biểu đồ số ca theo tuần, {place}", place=alert.unit_name)),
        link(
            [icon("map"), _("Xem trên bản đồ")],
            f"/map?unit={alert.unit_id}&disease={alert.disease}",
            className="button",
        ),
    ]


def _log(detail: AlertDetail) -> list[Any]:
    return [
        html.H3(_("Nhật ký"), className="section-title"),
        html.Ol([_event(event) for event in reversed(detail.events)], className="timeline-log"),
    ]


def _ended(alert: AlertSummary) -> list[Any]:
    """What it was found to be."""
    outcome = outcome_name(cast(Outcome, alert.outcome)) if alert.outcome in OUTCOMES else None
    if alert.state == State.CLOSED:
        words = str(outcome or _("hệ thống kết thúc vì tình hình đã yên"))
        return [
            html.P(
                _("Đã đóng lúc {at}: {outcome}.", at=moment(alert.closed_at), outcome=words), className="dim"
            )
        ]
    if alert.state == State.DISMISSED:
        return [html.P(_("Đã loại: {outcome}.", outcome=str(outcome)), className="dim")]
    return []


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
                *passport_panel.parts(detail.summary.id),
            ]
        ),
    )


def _more(title: str, content: Any) -> html.Details:
    return html.Details([html.Summary(title), content], className="more")
