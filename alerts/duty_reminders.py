"""Reminders of legal deadlines: when, to whom, in which words. They leave by the outbox, as every message does.

A reminder is an event of the commune's alert, so that the alert's log tells who was reminded of what; a duty without an
alert (an outbreak too small for one) is shown on the page and counted in the menu only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from accounts.models import Role
from alerts.audience import load_people, load_places
from alerts.channels import EMAIL, IN_APP, OutgoingMessage
from alerts.duties import NOTICES, DutyKind, DutyState
from alerts.duty_models import Duty, DutyEvent
from alerts.duty_views import NAMES
from alerts.lifecycle import Kind
from alerts.models import Alert, AlertEvent, Delivery
from alerts.outbox import outbox_row
from alerts.routing import NO_EMAIL, Muted, Person, Told
from alerts.short_text import ShortFacts, sms_text, telex
from db import hold_lock
from db import notify as wake
from i18n import Message

WAKES_DELIVERY = "deliveries"
DAYS_AFTER = tuple(range(24, 24 * 8, 24))
STEPS: Mapping[DutyKind, tuple[int, ...]] = {
    DutyKind.DAILY: (-6, 8),
    DutyKind.CASES: (-6, 0, 24, 48),
    DutyKind.DEATH: (-6, -1, 0, *DAYS_AFTER),
} | dict.fromkeys(
    (DutyKind.WARNING, DutyKind.EPIDEMIC, DutyKind.END, DutyKind.HANDLING), (-6, -1, 0, *DAYS_AFTER)
)
"""Hours from the deadline: before it, at it, then daily for a week. A report that is due at midnight: at 18:00, and at
08:00 of the next morning."""
SHORT: Mapping[DutyKind, Message] = {
    DutyKind.WARNING: Message("Thông báo cảnh báo dịch"),
    DutyKind.EPIDEMIC: Message("Thông báo có dịch"),
    DutyKind.END: Message("Thông báo hết dịch"),
    DutyKind.HANDLING: Message("Xử lý ổ dịch"),
    DutyKind.DAILY: Message("Báo cáo ổ dịch"),
    DutyKind.DEATH: Message("Báo cáo ca tử vong"),
    DutyKind.CASES: Message("Báo cáo ca bệnh 24 giờ"),
}


def steps_behind(kind: DutyKind, due_at: datetime, now: datetime) -> int:
    """How many steps have come by `now`."""
    moments = [due_at + timedelta(hours=hours) for hours in STEPS[kind]]
    return sum(moment <= now for moment in moments)


def first_step(kind: DutyKind, met_at: datetime, due_at: datetime) -> int:
    """How many lie before the duty itself: nobody is reminded of what has only begun."""
    return steps_behind(kind, due_at, met_at)


def told_of(people: Sequence[Person], *, urgent: bool = False) -> tuple[list[Told], list[Muted]]:
    """Officers by every way they can be reached, since no filter hides a legal clock; analysts in the application and
    by the channels they chose; managers read the share. `urgent`: no quiet hours hold it."""
    told: list[Told] = []
    muted: list[Muted] = []
    for person in people:
        if person.role == Role.MANAGER:
            continue
        channels = [IN_APP, *sorted(person.choices)]
        if person.role == Role.OFFICER and EMAIL not in channels:
            channels.append(EMAIL)
        for channel in channels:
            if channel == EMAIL and not person.has_email:
                muted.append(Muted(user_id=person.id, channel=channel, reason=NO_EMAIL))
            else:
                told.append(Told(user_id=person.id, channel=channel, urgent=urgent))
    return told, muted


def sentence(kind: DutyKind, due_at: datetime, now: datetime) -> Message:
    what = NAMES[kind]
    hours = int(abs((due_at - now).total_seconds()) // 3600)
    if now < due_at:
        return Message(
            "Nhắc việc: {what}. Còn {n} giờ, hạn chót {due}.", what=what, n=max(hours, 1), due=due_at
        )
    if hours < 1:
        return Message("Đã đến hạn: {what}, hạn chót {due}.", what=what, due=due_at)
    return Message("Quá hạn {n} giờ: {what}, hạn chót {due}.", n=hours, what=what, due=due_at)


def remind(session: Session, now: datetime) -> int:
    """Write the reminders that have come due and were not written yet; how many deliveries. The caller commits, once.

    Of several missed steps (the worker was down) only the newest is told.
    """
    hold_lock(session, "duties")
    longest = timedelta(hours=max(abs(hours) for steps in STEPS.values() for hours in steps))
    open_ = session.scalars(
        select(Duty)
        .where(Duty.state == DutyState.OPEN, Duty.due_at < now + longest)
        .order_by(Duty.id)
        .with_for_update()
    ).all()
    due = [duty for duty in open_ if _has_come(duty, now)]
    written = [duty for duty in due if duty.alert_id is not None]
    deliveries = _write(session, written, now)
    for duty in due:
        duty.reminded = _behind(duty, now)
    if deliveries:
        session.execute(insert(Delivery), deliveries)
        wake(session, WAKES_DELIVERY)
    return len(deliveries)


def pass_over(session: Session, now: datetime) -> None:
    """Count as behind us what a past would have reminded of, and tell nobody: for a replay into the live tables."""
    hold_lock(session, "duties")
    for duty in session.scalars(select(Duty).where(Duty.state == DutyState.OPEN)):
        duty.reminded = _behind(duty, now)


def _behind(duty: Duty, now: datetime) -> int:
    return steps_behind(DutyKind(duty.kind), duty.due_at, now)


def _has_come(duty: Duty, now: datetime) -> bool:
    never = first_step(DutyKind(duty.kind), duty.met_at, duty.due_at)
    return _behind(duty, now) > max(duty.reminded, never)


def _write(session: Session, duties: Sequence[Duty], now: datetime) -> list[dict[str, Any]]:
    """Events of alerts and of duties; the deliveries to be inserted."""
    if not duties:
        return []
    people, places = load_people(session), load_places(session, {duty.unit_id for duty in duties})
    alerts = {
        alert.id: alert
        for alert in session.scalars(select(Alert).where(Alert.id.in_({duty.alert_id for duty in duties})))
    }
    deliveries: list[dict[str, Any]] = []
    for duty in duties:
        line = places[duty.unit_id].line
        told, muted = told_of(
            [person for person in people if person.covers(line)], urgent=duty.kind in NOTICES
        )
        assert duty.alert_id is not None
        event = _event(duty, alerts[duty.alert_id], muted, now)
        session.add(event)
        session.flush()
        words = sentence(DutyKind(duty.kind), duty.due_at, now)
        session.add(DutyEvent(duty_id=duty.id, at=now, kind="reminded", message=words.to_json()))
        deliveries += [_delivery(duty, event, one, _behind(duty, now), now) for one in told]
    return deliveries


def _event(duty: Duty, alert: Alert, muted: Sequence[Muted], now: datetime) -> AlertEvent:
    kind = DutyKind(duty.kind)
    about = {"id": duty.id, "kind": duty.kind, "due_at": duty.due_at.isoformat()}
    not_told = [
        {"channel": one.channel, "reason": one.reason.to_json(), "user_ids": [one.user_id]} for one in muted
    ]
    return AlertEvent(
        alert_id=alert.id,
        at=now,
        kind=Kind.REMINDED.value,
        level=alert.level,
        message=sentence(kind, duty.due_at, now).to_json()
        | {"passport": alert.passport, "muted": not_told, "duty": about},
    )


def _delivery(duty: Duty, event: AlertEvent, one: Told, step: int, now: datetime) -> dict[str, Any]:
    key = f"duty:{duty.id}:{step}:{one.user_id}:{one.channel}"
    return outbox_row(key, one, now, alert_id=event.alert_id, event_id=event.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """What a reminder tells, in one language: places, diseases and hours, nothing of a patient."""

    duty_id: int
    kind: DutyKind
    due: str
    disease: str
    unit_name: str
    words: str


def compose_reminder(
    told: Reminder, locale: str, public_url: str, twins: Collection[str] = ()
) -> OutgoingMessage:
    """One link: the duty itself, with its form. The text message keeps the hour longest."""
    link = f"{public_url}/duties/{told.duty_id}"
    call = Message("Mở việc này, in mẫu đã điền, ghi nhận khi đã làm").render(locale)
    name = NAMES[told.kind].render(locale)
    body = [f"{told.disease} — {told.unit_name}", "", told.words]
    plain = "\n".join([*body, "", f"{call}:", link])
    area = telex(told.unit_name) if told.unit_name in twins else told.unit_name
    return OutgoingMessage(
        subject=f"{name}: {told.disease} — {told.unit_name} ({told.due})",
        text=plain + "\n",
        html=_as_html(locale, name, body, call, link),
        chat=plain,
        sms=sms_text(
            ShortFacts(
                level=SHORT[told.kind].render(locale),
                disease=told.disease,
                area=area,
                status=Message("Hạn chót {due}", due=told.due).render(locale),
                duty="",
                link=link,
            )
        ),
    )


def _as_html(locale: str, title: str, body: Sequence[str], call: str, link: str) -> str:
    lines = "".join(f"<p>{escape(line)}</p>" for line in body if line)
    return (
        f'<!doctype html><html lang="{locale}"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        '<body style="font-family:sans-serif;font-size:16px;line-height:1.5;color:#1d2328;max-width:40em">'
        f'<h2>{escape(title)}</h2>{lines}<p>{escape(call)}:<br><a href="{escape(link)}">{escape(link)}</a></p>'
        "</body></html>"
    )
