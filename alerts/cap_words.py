"""What a CAP message says of an alert, in Vietnamese and English. Pure.

Units, levels and statuses only. Counts of a commune are told to signed-in readers alone: a public message could
otherwise say that there is one case of a rare disease in a small place (domain.md §7: k ≥ 5).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from alerts import levels
from alerts.cap import CapAlert, CapArea, CapInfo, Pair, Reference, Ring
from alerts.cap_plan import FINAL, Plan, Publication, Purpose
from alerts.levels import CAP_SEVERITY, CAP_URGENCY, UNKNOWN, Level, Shown
from alerts.lifecycle import severity, status_name
from alerts.messages import EventFacts, next_steps
from alerts.passport import OUTBREAK
from i18n import LOCALES, Message

LANGUAGES = {"vi": "vi-VN", "en": "en-US"}
OVER = frozenset({Purpose.ALL_CLEAR, Purpose.WITHDRAW})
"""What ends a danger, or says that there was none."""
CODES = "urn:canhdich"
"""Domain of the names of codes and parameters that are our own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapPlace:
    """A unit as CAP tells it. The list of codes is named with its day: codes are re-used (domain.md §4), so
    only code and day together say which unit. `rings`: surveyed boundaries, none where there is no survey."""

    name: str
    parent: str | None
    code: str
    valid_from: date
    rings: Sequence[Ring]


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """What every message of a deployment shares."""

    title: dict[str, str]
    code_list: str
    public_url: str
    timezone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """An alert's newest event, where it is, since when the alert is open, and how it was closed."""

    event: EventFacts
    place: CapPlace
    opened_at: datetime
    unknown: bool
    outcome: Message | None


def compose(
    identifier: str, facts: Facts, plan: Plan, publication: Publication, city: City, now: datetime
) -> CapAlert:
    """The message `plan` asks for."""
    cancelled = plan.purpose is Purpose.WITHDRAW
    return CapAlert(
        identifier=identifier,
        sender=publication.sender,
        sent=now.astimezone(city.timezone),
        status=publication.status,
        msg_type=plan.msg_type,
        scope=publication.scope,
        restriction=None if publication.scope == "Public" else _restriction().render(),
        note=headline(facts, plan.purpose, "vi") if cancelled else None,
        references=[
            Reference(sender=m.sender, identifier=m.identifier, sent=m.sent.astimezone(city.timezone))
            for m in plan.references
        ],
        infos=[_info(facts, plan, publication, city, locale) for locale in LOCALES],
    )


def headline(facts: Facts, purpose: Purpose, locale: str) -> str:
    """One line: disease, place, and what is said of them."""
    passport = facts.event.passport
    level = levels.name(Level(passport.level))
    said = {
        Purpose.ALL_CLEAR: Message("đã hết cảnh báo, mức {level}", level=level),
        Purpose.HAND_OVER: Message("đã xác minh và đóng cảnh báo"),
        Purpose.WITHDRAW: Message("hủy cảnh báo đã phát ({outcome})", outcome=facts.outcome),
    }.get(purpose, Message("mức nguy cơ {level}", level=level))
    return f"{passport.disease_name(locale)}, {passport.unit_name}: {said.render(locale)}"


def certainty(facts: Facts, purpose: Purpose) -> str:
    """Observed when reported cases meet a statutory criterion or an outbreak is open; Likely when only a
    statistical method alarmed; Unknown when sources are silent."""
    if purpose in OVER:
        return "Unlikely"
    if facts.unknown:
        return "Unknown"
    passport = facts.event.passport
    outbreak = any(e.method == OUTBREAK and e.alarm for e in passport.evidence)
    return "Observed" if severity(passport.status) or outbreak else "Likely"


def _info(facts: Facts, plan: Plan, publication: Publication, city: City, locale: str) -> CapInfo:
    level, restricted = _shown(facts, plan.purpose), publication.scope == "Restricted"
    return CapInfo(
        language=LANGUAGES[locale],
        event=facts.event.passport.disease_name(locale),
        response_type=_response_type(level, plan.purpose, restricted),
        urgency="Past" if plan.purpose in OVER else CAP_URGENCY[level],
        severity=CAP_SEVERITY[level],
        certainty=certainty(facts, plan.purpose),
        event_codes=[(f"{CODES}:disease", facts.event.passport.disease)],
        effective=facts.event.at.astimezone(city.timezone),
        onset=facts.opened_at.astimezone(city.timezone),
        expires=plan.expires.astimezone(city.timezone),
        sender_name=_sender_name(city, locale).render(locale),
        headline=headline(facts, plan.purpose, locale),
        description="\n".join(m.render(locale) for m in _description(facts, plan.purpose, restricted)),
        instruction="\n".join(m.render(locale) for m in _instruction(facts, plan.purpose, restricted)),
        web=_web(facts, city),
        parameters=_parameters(facts, level),
        area=_area(facts.place, city),
    )


def _shown(facts: Facts, purpose: Purpose) -> Shown:
    """The level a message stands for: none when it takes back what was said."""
    withdrawn = purpose is Purpose.WITHDRAW
    return UNKNOWN if withdrawn or facts.unknown else Level(facts.event.passport.level)


def _response_type(level: Shown, purpose: Purpose, restricted: bool) -> str:
    """Execute, "a pre-planned activity": the duties of the law, which are not the public's."""
    if purpose is Purpose.ALL_CLEAR:
        return "AllClear"
    if purpose is Purpose.WITHDRAW:
        return "None"
    high = level in (Level.CAO, Level.RAT_CAO) and purpose is not Purpose.HAND_OVER
    return "Execute" if restricted and high else "Monitor"


def _description(facts: Facts, purpose: Purpose, restricted: bool) -> Iterator[Message]:
    passport = facts.event.passport
    if purpose is Purpose.WITHDRAW:
        yield Message("Cảnh báo đã phát được hủy. Kết luận khi xác minh: {outcome}.", outcome=facts.outcome)
        return
    yield _what_happened(facts, purpose)
    yield Message("Tình trạng theo Thông tư 15/2026/TT-BYT: {status}.", status=status_name(passport.status))
    if facts.unknown:
        yield Message("Nguồn số liệu của bệnh này đang im lặng: mức chưa chắc chắn.")
    if restricted and purpose not in FINAL:
        yield from passport.reasons
    yield Message(
        "Thông tin hỗ trợ của hệ thống giám sát, không thay cho thông báo dịch của cơ quan có thẩm quyền."
    )


def _what_happened(facts: Facts, purpose: Purpose) -> Message:
    """Where things stand, never "from … to …": a message may speak of several events at once."""
    sentence = {
        Purpose.ISSUE: "Địa bàn đang ở mức nguy cơ {level}.",
        Purpose.CHANGE: "Cập nhật: mức nguy cơ hiện nay là {level}.",
        Purpose.RENEW: "Gia hạn cảnh báo: mức nguy cơ vẫn là {level}.",
        Purpose.ALL_CLEAR: "Hết cảnh báo: địa bàn đã trở về mức {level}.",
        Purpose.HAND_OVER: "Cán bộ đã xác minh cảnh báo là đúng và chuyển sang xử lý; mức khi đóng là {level}.",
    }[purpose]
    return Message(sentence, level=levels.name(Level(facts.event.passport.level)))


def _instruction(facts: Facts, purpose: Purpose, restricted: bool) -> Sequence[Message]:
    if purpose is Purpose.WITHDRAW:
        return [Message("Bỏ qua các bản tin trước của cảnh báo này.")]
    if purpose is Purpose.ALL_CLEAR:
        return [Message("Tiếp tục các biện pháp phòng bệnh thường ngày.")]
    if restricted and purpose is not Purpose.HAND_OVER:
        steps = next_steps(facts.event.passport, facts.event.kind, facts.event.timezone)
        return steps[-1:] if purpose is Purpose.RENEW else steps  # its deadlines are long over
    return [
        Message(
            "Theo dõi và làm theo hướng dẫn của cơ quan y tế địa phương. Khi có dấu hiệu mắc bệnh, hãy đến cơ sở y tế."
        )
    ]


def _parameters(facts: Facts, level: Shown) -> list[Pair]:
    """The level and the legal status side by side, as numbers and codes; and the policy that decided."""
    passport = facts.event.passport
    return [
        (f"{CODES}:level", levels.slug(level)),
        (f"{CODES}:statutory-status", passport.status.value),
        (f"{CODES}:policy", f"{passport.policy_version} {passport.policy_hash[:12]}"),
    ]


def _area(place: CapPlace, city: City) -> CapArea:
    """No code of the province beside the commune's: geocodes are added up, it would mean all of it."""
    code_list = f"{city.code_list};valid-from={place.valid_from.isoformat()}"
    name = f"{place.name}, {place.parent}" if place.parent else place.name
    return CapArea(description=name, polygons=place.rings, geocodes=[(code_list, place.code)])


def _web(facts: Facts, city: City) -> str:
    """The place and the disease on the map: no number of an alert, let alone of a person."""
    passport = facts.event.passport
    return f"{city.public_url}/map?{urlencode({'disease': passport.disease, 'unit': passport.unit_id})}"


def _sender_name(city: City, locale: str) -> Message:
    return Message("Giám sát dịch bệnh {place}", place=city.title.get(locale, city.title["vi"]))


def _restriction() -> Message:
    return Message("Dành cho cơ quan y tế và đơn vị phối hợp phòng, chống dịch.")
