"""The words of a message about an alert, the same in plain text and HTML. Pure.

Areas, counts and rules only: nothing about a patient enters a passport, so nothing can leave by a message.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from alerts import levels
from alerts.channels import OutgoingMessage
from alerts.duties import DutyKind
from alerts.duty_reminders import Reminder, compose_reminder
from alerts.levels import COLOURS, SYMBOLS, Level
from alerts.lifecycle import ALERT_LEVEL, Kind, severity, status_name
from alerts.message_layout import Words, as_chat, as_html, as_text
from alerts.passport import Evidence, Passport
from alerts.short_text import ShortFacts, digest_sms, sms_text, telex
from i18n import Message, show_datetime
from surveillance.types import StatutoryStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFacts:
    """What a message tells: an event's `sentence` and passport. Hours are shown in `timezone`, the city's. `mine`: name
    of the reader's own unit where the alert is another's."""

    alert_id: int
    kind: Kind
    at: datetime
    sentence: Message
    passport: Passport
    timezone: ZoneInfo
    mine: str | None = None
    duty: Mapping[str, Any] | None = None
    """Set in reminders of a legal deadline (duty_reminders.py)."""


def compose(facts: EventFacts, locale: str, public_url: str, twins: Collection[str] = ()) -> OutgoingMessage:
    """The message of one event in one language, with one link: the alert itself. `twins`: names of units that a text
    message without accents would confuse (short_text.twins)."""
    if facts.duty is not None:
        return compose_reminder(_reminder(facts, facts.duty, locale), locale, public_url, twins)
    link = (
        f"{public_url}/alerts" if facts.kind is Kind.NEIGHBOURS else f"{public_url}/alerts/{facts.alert_id}"
    )
    words = _words(facts, locale, link)
    colours = COLOURS["light"][Level(facts.passport.level)]
    return OutgoingMessage(
        subject=words.subject,
        text=as_text(words),
        html=as_html(words, locale, colours),
        chat=as_chat(words),
        sms=sms_text(_short_facts(facts, locale, words.link, twins)),
        link=words.link,
        level=facts.passport.level,
    )


def compose_digest(
    changes: Sequence[EventFacts], locale: str, public_url: str, twins: Collection[str] = ()
) -> OutgoingMessage:
    """Several events in one message: what became of each alert last, the highest level first. The link is the inbox,
    or the alert itself when it is only one."""
    last = list({facts.alert_id: facts for facts in sorted(changes, key=lambda facts: facts.at)}.values())
    if len(last) == 1:
        return compose(last[0], locale, public_url, twins)
    last.sort(key=lambda facts: (-facts.passport.level, facts.passport.unit_name, facts.alert_id))
    words = _digest_words(last, locale, f"{public_url}/alerts")
    colours = COLOURS["light"][Level(last[0].passport.level)]
    count = Message("cảnh báo có thay đổi")
    return OutgoingMessage(
        subject=words.subject,
        text=as_text(words),
        html=as_html(words, locale, colours),
        chat=as_chat(words),
        sms=digest_sms(len(last), f"{count.render(locale)}. {words.badge}", words.link),
        link=words.link,
        level=last[0].passport.level,
    )


def _reminder(facts: EventFacts, duty: Mapping[str, Any], locale: str) -> Reminder:
    return Reminder(
        duty_id=duty["id"],
        kind=DutyKind(duty["kind"]),
        due=deadline(datetime.fromisoformat(duty["due_at"]), facts.timezone),
        disease=facts.passport.disease_name(locale),
        unit_name=facts.passport.unit_name,
        words=facts.sentence.render(locale),
    )


def deadline(moment: datetime, timezone: ZoneInfo) -> str:
    """HH:MM DD/MM on the city's clocks: a duty is due in hours, so the year would only be in the way."""
    return f"{moment.astimezone(timezone):%H:%M %d/%m}"


def next_steps(passport: Passport, kind: Kind, timezone: ZoneInfo) -> list[Message]:
    """What the officer does now, the legal duty first (Circular 15/2026 art. 26, domain.md §2.1)."""
    if kind is Kind.NEIGHBOURS:
        return [Message("Rà soát ca mới ở vùng giáp ranh. Cảnh báo này do địa bàn bên đó xử lý.")]
    duties = [*_notice(passport, timezone), *_handling(passport, timezone)]
    if kind is Kind.ENDED or passport.level < ALERT_LEVEL:
        return [*duties, Message("Tiếp tục giám sát thường quy.")]
    if passport.level == ALERT_LEVEL:
        return [*duties, Message("Rà soát các ca mới của địa bàn và theo dõi hằng ngày.")]
    return [*duties, Message("Điều tra, xác minh các ca mới và tìm thêm ca trong địa bàn.")]


def _notice(passport: Passport, timezone: ZoneInfo) -> list[Message]:
    if passport.notice_due is None:
        return []
    due = deadline(passport.notice_due, timezone)
    if passport.status is StatutoryStatus.ENDED:
        return [
            Message(
                "Trạm y tế ra thông báo hết dịch (Mẫu 02, Điều 26 Thông tư 15/2026/TT-BYT), hạn chót {due}.",
                due=due,
            )
        ]
    return [
        Message(
            "Trạm y tế ra thông báo “{status}” (Mẫu 01, Điều 26 Thông tư 15/2026/TT-BYT), hạn chót {due}.",
            status=status_name(passport.status),
            due=due,
        )
    ]


def _handling(passport: Passport, timezone: ZoneInfo) -> list[Message]:
    if passport.handling_due is None:
        return []
    due = deadline(passport.handling_due, timezone)
    if passport.outbreak_since is not None:
        return [Message("Bắt đầu xử lý ổ dịch, hạn chót {due}.", due=due)]
    return [Message("Nếu xác định có ổ dịch: bắt đầu xử lý, hạn chót {due}.", due=due)]


def _words(facts: EventFacts, locale: str, link: str) -> Words:
    passport = facts.passport
    disease = passport.disease_name(locale)
    badge = _badge(passport.level, locale)
    steps = next_steps(passport, facts.kind, facts.timezone)
    return Words(
        subject=_headed(facts.kind, _subject(badge, disease, passport, locale), locale),
        badge=badge,
        heading=f"{disease} — {passport.unit_name}",
        sentence=_sentence(facts, locale),
        facts=_facts(facts, badge, locale),
        lists=[
            (Message("Vì sao").render(locale), [reason.render(locale) for reason in passport.reasons]),
            (Message("Việc cần làm").render(locale), [step.render(locale) for step in steps]),
        ],
        call=_call(facts.kind).render(locale),
        link=link,
        footer=Message(
            "Thư tự động của hệ thống Canh Dịch, gửi cho cán bộ phụ trách địa bàn này. Xin đừng trả lời thư."
        ).render(locale),
    )


def _call(kind: Kind) -> Message:
    if kind is Kind.NEIGHBOURS:
        return Message("Xem trong hộp cảnh báo")
    return Message("Xem chi tiết và bấm Tiếp nhận")


def _sentence(facts: EventFacts, locale: str) -> str:
    """What happened; to whom it comes from another's commune, whose it is and why they read it."""
    if facts.mine is None:
        return facts.sentence.render(locale)
    names = {"unit": facts.passport.unit_name, "mine": facts.mine}
    if facts.kind is Kind.NEIGHBOURS:
        level = levels.name(Level(facts.passport.level))
        return Message("{unit}, giáp {mine}, đang ở mức {level}.", **names, level=level).render(locale)
    shared = Message("Cảnh báo của {unit}; ổ dịch lan sang cả {mine}, nên bạn cùng được báo.", **names)
    return f"{facts.sentence.render(locale)} {shared.render(locale)}"


def _headed(kind: Kind, subject: str, locale: str) -> str:
    heads = {Kind.ESCALATED: Message("CHƯA AI NHẬN"), Kind.NEIGHBOURS: Message("Địa bàn bên cạnh")}
    return f"{heads[kind].render(locale)} · {subject}" if kind in heads else subject


def _digest_words(last: Sequence[EventFacts], locale: str, link: str) -> Words:
    """`badge` is the highest level among them."""
    lines = [_digest_line(facts, locale) for facts in last]
    return Words(
        subject=Message("Tin gộp: {n} cảnh báo có thay đổi", n=len(last)).render(locale),
        badge=Message("Cao nhất: {level}", level=_badge(last[0].passport.level, locale)).render(locale),
        heading=Message("Tin gộp trong ngày").render(locale),
        sentence=Message("{n} cảnh báo có thay đổi không cần báo ngay.", n=len(last)).render(locale),
        facts=[],
        lists=[(Message("Cảnh báo").render(locale), lines)],
        call=Message("Xem trong hộp cảnh báo").render(locale),
        link=link,
        footer=Message(
            "Thư tự động của hệ thống Canh Dịch, gửi mỗi sáng một lần vì bạn đã chọn nhận tin gộp. "
            "Xin đừng trả lời thư."
        ).render(locale),
    )


def _digest_line(facts: EventFacts, locale: str) -> str:
    passport = facts.passport
    head = f"{_badge(passport.level, locale)}: {passport.disease_name(locale)} — {passport.unit_name}"
    return _headed(facts.kind, f"{head}. {_sentence(facts, locale)}", locale)


def _badge(level: int, locale: str) -> str:
    return f"{SYMBOLS[Level(level)]} {levels.name(Level(level)).render(locale)}"


def _short_facts(facts: EventFacts, locale: str, link: str, twins: Collection[str]) -> ShortFacts:
    passport = facts.passport
    told = severity(passport.status) or passport.status is StatutoryStatus.ENDED
    due = passport.notice_due and deadline(passport.notice_due, facts.timezone)
    return ShortFacts(
        level=_headed(facts.kind, levels.name(Level(passport.level)).render(locale), locale).replace(
            " ·", ","
        ),
        disease=passport.disease_name(locale),
        area=telex(passport.unit_name) if passport.unit_name in twins else passport.unit_name,
        status=status_name(passport.status).render(locale) if told else "",
        duty=Message("Thông báo trước {due}", due=due).render(locale) if due else "",
        link=link,
    )


def _subject(badge: str, disease: str, passport: Passport, locale: str) -> str:
    """One line, the level first, because a phone shows some thirty characters of it."""
    subject = f"{badge}: {disease} — {passport.unit_name}"
    if severity(passport.status) or passport.status is StatutoryStatus.ENDED:
        subject += f" ({status_name(passport.status).render(locale)})"
    return " ".join(subject.split())


def _facts(facts: EventFacts, badge: str, locale: str) -> list[tuple[str, str]]:
    passport = facts.passport
    rows = [
        (Message("Địa bàn"), passport.unit_name),
        (Message("Bệnh"), passport.disease_name(locale)),
        (Message("Mức nguy cơ"), badge),
        (Message("Tình trạng theo Thông tư 15/2026/TT-BYT"), status_name(passport.status).render(locale)),
    ]
    found = _weightiest(passport.evidence)
    if found is not None:
        figures = Message("{observed} ca, ngưỡng {upper}", observed=found.observed, upper=found.upperbound)
        rows.append((Message("Số ca và ngưỡng"), figures.render(locale)))
    rows.append((Message("Thời điểm"), show_datetime(facts.at.astimezone(facts.timezone), locale)))
    return [(name.render(locale), value) for name, value in rows]


def _weightiest(evidence: Sequence[Evidence]) -> Evidence | None:
    """The alarming figure to put in one line: the statutory one before others, then the farthest above."""
    alarming = [(e, e.upperbound) for e in evidence if e.alarm and e.upperbound is not None]
    if not alarming:
        return None
    return max(alarming, key=lambda pair: (severity(pair[0].status), pair[0].observed - pair[1]))[0]
