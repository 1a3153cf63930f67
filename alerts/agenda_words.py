"""The day's list of legal duties in words: what is overdue, what has how many hours left. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.channels import OutgoingMessage
from alerts.duties import DutyKind
from alerts.duty_views import NAMES
from alerts.message_layout import Words, as_chat, as_html, as_text
from alerts.short_text import digest_sms
from i18n import Message, show_datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaLine:
    """One open duty; `disease` in the reader's language."""

    kind: DutyKind
    disease: str
    unit_name: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """What one person must do, as counted at `at`: `open` duties, `late` of them overdue. `lines`: the most pressing
    first, not always all."""

    at: datetime
    open: int
    late: int
    lines: Sequence[AgendaLine]
    timezone: ZoneInfo


def compose_agenda(agenda: Agenda, locale: str, public_url: str) -> OutgoingMessage:
    """One link: the list, with the forms. A text message tells the counts only."""
    words = _words(agenda, locale, f"{public_url}/duties")
    short = Message("việc theo luật chưa làm")
    if agenda.late:
        short = Message("việc theo luật chưa làm, {late} quá hạn", late=agenda.late)
    return OutgoingMessage(
        subject=words.subject,
        text=as_text(words),
        html=as_html(words, locale),
        chat=as_chat(words),
        sms=digest_sms(agenda.open, short.render(locale), words.link),
        link=words.link,
    )


def _words(agenda: Agenda, locale: str, link: str) -> Words:
    lines = [_line(line, agenda).render(locale) for line in agenda.lines]
    if (more := agenda.open - len(lines)) > 0 and lines:
        lines.append(Message("… và {n} việc nữa.", n=more).render(locale))
    return Words(
        subject=f"{Message('Việc theo luật hôm nay').render(locale)}: {_counts(agenda).render(locale)}",
        badge="",
        heading=Message("Việc theo luật hôm nay").render(locale),
        sentence=_sentence(agenda, locale),
        facts=[],
        lists=[(Message("Việc phải làm, gấp nhất trước").render(locale), lines)] if lines else [],
        call=Message("Mở danh sách, in mẫu đã điền, ghi nhận khi đã làm").render(locale),
        link=link,
        footer=Message(
            "Thư tự động của hệ thống Canh Dịch, mỗi ngày nhiều nhất một lần, gửi cho cán bộ phụ trách địa bàn còn "
            "việc theo luật. Xin đừng trả lời thư."
        ).render(locale),
    )


def _sentence(agenda: Agenda, locale: str) -> str:
    if not agenda.open:
        return Message("Đến lúc gửi tin này, không còn việc nào phải làm.").render(locale)
    at = show_datetime(agenda.at.astimezone(agenda.timezone), locale)
    return Message("Địa bàn của bạn có {counts}, tính đến {at}.", counts=_counts(agenda), at=at).render(
        locale
    )


def _counts(agenda: Agenda) -> Message:
    left = agenda.open - agenda.late
    if agenda.late and left:
        return Message("{late} việc quá hạn, {left} việc còn hạn", late=agenda.late, left=left)
    if agenda.late:
        return Message("{late} việc quá hạn", late=agenda.late)
    return Message("{left} việc còn hạn", left=left)


def _line(line: AgendaLine, agenda: Agenda) -> Message:
    values = {
        "time": _span(abs(line.due_at - agenda.at)),
        "what": NAMES[line.kind],
        "disease": line.disease,
        "unit": line.unit_name,
        "due": f"{line.due_at.astimezone(agenda.timezone):%H:%M %d/%m}",
    }
    if line.due_at < agenda.at:
        return Message("Quá hạn {time}: {what}, {disease}, {unit} (hạn chót {due}).", **values)
    return Message("Còn {time}: {what}, {disease}, {unit} (hạn chót {due}).", **values)


def _span(length: timedelta) -> Message:
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:
        return Message("{n} phút", n=minutes)
    if minutes < 48 * 60:
        return Message("{n} giờ", n=minutes // 60)
    return Message("{n} ngày", n=minutes // (24 * 60))
