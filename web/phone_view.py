"""What the phone pages show, as plain values. Nothing here names or places a patient: these pages are kept on the phone
for when there is no network (docs/decisions/phone.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.service import full_names
from alerts.acts import LIVE
from alerts.duty_views import open_counts
from alerts.levels import Shown, slug
from alerts.my_area import LevelMove, UnitLevel, acknowledged, area_levels, moves
from alerts.views import AlertSummary, alert_list, unread_count
from geodata.models import AdminUnit
from i18n import _, current_locale
from surveillance.outbreaks.checklist import Item, checklist
from surveillance.outbreaks.detail import OutbreakDetail, outbreak_detail
from surveillance.outbreaks.photos import photos_of
from surveillance.outbreaks.products import products_used
from surveillance.outbreaks.tasks import State
from surveillance.outbreaks.views import LIVING, OutbreakSummary, outbreak_list
from surveillance.review.queue import waiting_count
from surveillance.types import StatutoryStatus
from web.contacts import contacts_for, load_contacts
from web.context import context, disease_name, disease_short, local, now, viewer
from web.formats import day, deadline_text, level_text, short_moment, shown_level, status_name, stored

MOST_ALERTS, MOST_OUTBREAKS, MOST_MOVES = 30, 20, 3
SERIOUS = (StatutoryStatus.WARNING, StatutoryStatus.EPIDEMIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A level in symbol and word, with the class that colours it."""

    text: str
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCard:
    """`due`: the legal deadline in words, `late` when it has passed. `taken`: who took it on and when."""

    id: int
    title: str
    badge: Badge
    status: str
    reason: str
    duty: str
    due: str
    late: bool
    open: bool
    taken: str
    unread: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OutbreakCard:
    id: int
    code: str
    title: str
    cases: str
    todo: str
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRow:
    """A commune with its diseases above level 1, or silent."""

    place: str
    levels: tuple[tuple[str, Badge], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    name: str
    tel: str
    hours: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MyArea:
    """The whole page. `calm`: communes where nothing stands above level 1. `addresses`: how many cases wait for
    somebody to say where they live. `duties`: how many legal duties are open, in words; empty when none."""

    at: str
    today: str
    changed: str
    alerts: tuple[AlertCard, ...]
    more_alerts: int
    outbreaks: tuple[OutbreakCard, ...]
    levels: tuple[LevelRow, ...]
    calm: int
    places: int
    calls: tuple[Call, ...]
    unread: int
    addresses: int
    duties: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListItem:
    """A line of the checklist in words."""

    item: Item
    when: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutbreakPage:
    """`products` by kind of work that uses one: those named in two outbreaks or more, for the phone keeps this page."""

    at: str
    today: str
    card: OutbreakCard
    status: str
    items: tuple[ListItem, ...]
    products: Mapping[str, Sequence[str]]
    photos: tuple[int, ...]
    located: bool
    calls: tuple[Call, ...]


def my_area(session: Session) -> MyArea:
    who, current = viewer(), now(session)
    midnight = datetime.combine(local(current).date(), time.min, tzinfo=local(current).tzinfo)
    levels = area_levels(session, who.areas)
    found = alert_list(
        session, area_ids=who.area_ids, states=LIVE, user_id=who.id, limit=MOST_ALERTS
    )  # fmt: skip
    outbreaks = outbreak_list(
        session, area_ids=who.area_ids, statuses=LIVING, profiles=context().profiles, now=local(current),
        limit=MOST_OUTBREAKS,
    )  # fmt: skip
    rows, calm = level_rows(levels)
    return MyArea(
        at=short_moment(current),
        today=local(current).date().isoformat(),
        changed=changed(moves(area_levels(session, who.areas, midnight), levels)),
        alerts=tuple(_alert_card(session, alert, current) for alert in found.items),
        more_alerts=found.total - len(found.items),
        outbreaks=tuple(outbreak_card(outbreak, current) for outbreak in outbreaks.items),
        levels=rows,
        calm=calm,
        places=len({level.unit_id for level in levels}),
        calls=calls(session),
        unread=unread_count(session, who.id),
        addresses=waiting_count(session, who.area_ids),
        duties=duty_words(*open_counts(session, who.area_ids, current)),
    )


def duty_words(late: int, whole: int) -> str:
    """Also those that no alert speaks of."""
    if late:
        return _("{n} việc theo luật phải làm, {late} việc quá hạn", n=whole, late=late)
    return _("{n} việc theo luật phải làm", n=whole) if whole else ""


def outbreak_page(session: Session, outbreak_id: int) -> OutbreakPage | None:
    """None when there is no such outbreak in the viewer's area."""
    who, current = viewer(), local(now(session))
    profiles = context().profiles
    detail = outbreak_detail(session, outbreak_id, area_ids=who.area_ids, profiles=profiles, now=current)
    if detail is None:
        return None
    return OutbreakPage(
        at=short_moment(current),
        today=current.date().isoformat(),
        card=outbreak_card(detail.summary, current),
        status=detail.summary.status.value,
        items=tuple(_list_item(item, current) for item in _items(detail)),
        products=products_used(session, outbreaks=2),
        photos=tuple(photos_of(session, outbreak_id)),
        located=detail.located,
        calls=calls(session),
    )


def changed(found: Sequence[LevelMove]) -> str:
    """One line: what moved since midnight, the rises first."""
    if not found:
        return _("Từ hôm qua đến giờ không có thay đổi mức.")
    parts = [_moved(move) for move in found[:MOST_MOVES]]
    if len(found) > MOST_MOVES:
        parts.append(_("và {n} thay đổi khác", n=len(found) - MOST_MOVES))
    return _("Từ hôm qua: {changes}.", changes="; ".join(parts))


def _moved(moved: LevelMove) -> str:
    after = moved.after
    level = level_text(shown_level(after.level, after.unknown))
    place, disease = after.unit_name, disease_short(after.disease)
    if moved.move == "up":
        return _("{place}, {disease} tăng lên {level}", place=place, disease=disease, level=level)
    if moved.move == "down":
        return _("{place}, {disease} giảm còn {level}", place=place, disease=disease, level=level)
    if moved.move == "silent":
        return _("{place}, {disease} mất số liệu", place=place, disease=disease)
    return _("{place}, {disease} có số liệu trở lại", place=place, disease=disease)


def level_rows(levels: Sequence[UnitLevel]) -> tuple[tuple[LevelRow, ...], int]:
    """Communes with anything above level 1 or silent, the highest first; and how many others there are."""
    by_place: dict[int, list[UnitLevel]] = {}
    for level in levels:
        by_place.setdefault(level.unit_id, []).append(level)
    rows = []
    for found in by_place.values():
        shown = [level for level in found if level.level > 1 or level.unknown]
        if shown:
            marks = tuple((disease_name(s.disease), badge(shown_level(s.level, s.unknown))) for s in shown)
            rows.append(LevelRow(place=found[0].unit_name, levels=marks))
    return tuple(rows), len(by_place) - len(rows)


def badge(level: Shown) -> Badge:
    return Badge(text=level_text(level), slug=slug(level))


def _alert_card(session: Session, alert: AlertSummary, current: datetime) -> AlertCard:
    """The nearer of the two legal clocks; none once the alert needs no act."""
    clocks = [(_("ra thông báo"), alert.notice_due), (_("xử lý ổ dịch"), alert.handling_due)]
    running = sorted(((due, duty) for duty, due in clocks if due is not None), key=lambda clock: clock[0])
    due, duty = running[0] if running else (None, "")
    return AlertCard(
        id=alert.id,
        title=f"{disease_name(alert.disease)}, {alert.unit_name}",
        badge=badge(shown_level(alert.level, False)),
        status=status_name(alert.status) if alert.status in SERIOUS else "",
        reason=stored(alert.reason),
        duty=duty,
        due=deadline_text(due, current),
        late=due is not None and due < current,
        open=alert.state == "open",
        taken="" if alert.state == "open" else _taken(session, alert.id),
        unread=alert.unread,
    )


def _taken(session: Session, alert_id: int) -> str:
    found = acknowledged(session, alert_id)
    if found is None:
        return _("Đã có người tiếp nhận.")
    user_id, at = found
    if user_id is None or user_id == viewer().id:
        return _("Bạn đã tiếp nhận lúc {at}.", at=short_moment(at))
    name = full_names(session, [user_id])[user_id]
    return _("Đồng nghiệp {name} đã tiếp nhận lúc {at}.", name=name, at=short_moment(at))


def outbreak_card(outbreak: OutbreakSummary, current: datetime) -> OutbreakCard:
    todo = _("chưa có việc đến hạn")
    if outbreak.due:
        time = deadline_text(outbreak.next_due, current)
        todo = _("{n} việc cần làm, {time}", n=outbreak.due, time=time)
    return OutbreakCard(
        id=outbreak.id,
        code=outbreak.code,
        title=f"{disease_name(outbreak.disease)}, {', '.join(outbreak.unit_names)}",
        cases=_("{n} ca, mới nhất mắc bệnh {day}", n=outbreak.cases, day=day(outbreak.last_event)),
        todo=todo,
        late=outbreak.late > 0,
    )


def calls(session: Session) -> tuple[Call, ...]:
    areas = viewer().areas
    codes = None
    if areas is not None:
        codes = session.scalars(select(AdminUnit.code).where(AdminUnit.id.in_(areas))).all()
    english = current_locale() == "en"
    return tuple(
        Call(
            name=contact.name_en if english else contact.name_vi,
            tel=contact.tel,
            hours=contact.hours_en if english else contact.hours_vi,
        )
        for contact in contacts_for(load_contacts(context().settings), codes)
    )


def _items(detail: OutbreakDetail) -> tuple[Item, ...]:
    profile = context().profiles.get(detail.summary.disease)
    return checklist(detail.tasks, detail.measures, profile.response.vector if profile else None)


def _list_item(item: Item, current: datetime) -> ListItem:
    tones = {State.DONE: "is-done", State.OVERDUE: "is-late", State.DUE: "is-due", State.LATER: "is-later"}
    when = deadline_text(item.due, current)
    if item.state is State.DONE:
        when = _("đã làm {day}", day=item.done_on)
    elif item.state is State.LATER:
        when = _("từ {day}", day=item.not_before)
    return ListItem(item=item, when=when, tone=tones[item.state])
