"""What pages and reports read about levels and alerts: plain values, no rows. `area_ids` limits to what the
reader may see (accounts.service.areas_of); None is the whole city."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Literal

from sqlalchemy import ColumnElement, DateTime, Row, Select, and_, case, exists, false, func, or_, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session

from accounts.models import User
from alerts.channels import IN_APP
from alerts.delivery import stored_error
from alerts.duties import NOTICES, DutyKind, DutyState
from alerts.duty_models import Duty
from alerts.lifecycle import CHANGES, Kind
from alerts.models import Alert, AlertArea, AlertEvent, AlertWatch, AreaLevel, Delivery, DeliveryReceipt
from alerts.passport import Passport
from alerts.policy import SERIOUSNESS
from geodata.models import AdminUnit
from i18n import Message
from surveillance.types import StatutoryStatus

Order = Literal["severe", "newest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelView:
    """The level of a unit for one disease, or for `disease`, the one that is highest there."""

    disease: str
    level: int
    raw_level: int
    unknown: bool
    status: StatutoryStatus
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelDetail:
    """A level with its reasons. `alert_id`: the alert that is open there now."""

    view: LevelView
    known_from: datetime
    reasons: tuple[Message, ...]
    why_not_higher: Message
    why_not_lower: Message
    policy_hash: str
    alert_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSummary:
    """One line of the inbox. `reason` is the weightiest of the last decision; `holder` who holds it or held it last."""

    id: int
    disease: str
    disease_names: Mapping[str, str]
    unit_id: int
    unit_name: str
    state: str
    level: int
    peak_level: int
    status: StatutoryStatus
    outcome: str | None
    holder_id: int | None
    holder: str | None
    opened_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    notice_due: datetime | None
    handling_due: datetime | None
    reason: Message | None
    unread: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPage:
    """`total` counts all that match, not only those on this page."""

    items: tuple[AlertSummary, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """A line of the log. `user_name` is None for the system."""

    id: int
    at: datetime
    kind: Kind
    user_name: str | None
    level: int
    sentence: Message | None
    comment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """Who was told of which event, by which channel, and what became of it. `user_name` is None for a machine."""

    id: int
    event_id: int | None
    user_name: str | None
    channel: str
    digest: bool
    state: str
    attempts: int
    created_at: datetime
    next_attempt_at: datetime
    sent_at: datetime | None
    arrived_at: datetime | None
    read_at: datetime | None
    error: Message | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTold:
    """Who was not told of the last change by this channel, and why."""

    user_name: str
    channel: str
    reason: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDetail:
    """An alert with all that stands behind it. `passport` is that of the last decision."""

    summary: AlertSummary
    passport: Passport
    events: tuple[EventView, ...]
    deliveries: tuple[DeliveryView, ...]
    not_told: tuple[NotTold, ...]


def alert_list(
    session: Session,
    *,
    area_ids: set[int] | None,
    states: Collection[str],
    disease: str | None = None,
    level_min: int | None = None,
    user_id: int | None = None,
    limit: int = 50,
    offset: int = 0,
    order: Order = "severe",
    shared: bool = False,
    unit_id: int | None = None,
    held_by: int | None = None,
    followed_by: int | None = None,
) -> AlertPage:
    """Alerts in any of `states`. `user_id`: whose unread marks to show. `shared`: also those of other areas with which
    `area_ids` share an outbreak. `held_by`: who holds them, 0 for nobody; `followed_by`: holds or watches them."""
    wanted = [Alert.state.in_(states), _visible(area_ids) if shared else _within(area_ids)]
    if unit_id is not None:
        wanted.append(Alert.unit_id == unit_id)
    if held_by is not None:
        wanted.append(Alert.assignee_id == held_by if held_by else Alert.assignee_id.is_(None))
    if followed_by is not None:
        watched = exists().where(AlertWatch.alert_id == Alert.id, AlertWatch.user_id == followed_by)
        wanted.append(or_(Alert.assignee_id == followed_by, watched))
    if disease is not None:
        wanted.append(Alert.disease == disease)
    if level_min is not None:
        wanted.append(Alert.level >= level_min)
    newest = (Alert.changed_at.desc(), Alert.id.desc())
    by = newest if order == "newest" else (Alert.level.desc(), *newest)
    rows = session.execute(_summaries(user_id).where(*wanted).order_by(*by).limit(limit).offset(offset))
    total = session.scalar(select(func.count()).select_from(Alert).where(*wanted)) or 0
    return AlertPage(items=tuple(map(_summary, rows)), total=total)


def alerts_this_week(session: Session, now: datetime, area_ids: set[int] | None) -> tuple[AlertSummary, ...]:
    """Opened, or re-opened by the evidence, since Monday 00:00 on the clock of `now`, which must be the city's; the
    most severe first."""
    monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    news = exists().where(
        AlertEvent.alert_id == Alert.id, AlertEvent.kind.in_((Kind.OPENED, Kind.REOPENED)),
        AlertEvent.user_id.is_(None), AlertEvent.at >= monday, AlertEvent.at <= now,
    )  # fmt: skip
    wanted = (news, _within(area_ids))
    by = (Alert.peak_level.desc(), Alert.opened_at.desc(), Alert.id.desc())
    return tuple(map(_summary, session.execute(_summaries(None).where(*wanted).order_by(*by))))


def alert_detail(
    session: Session, alert_id: int, area_ids: set[int] | None, *, user_id: int | None = None
) -> AlertDetail | None:
    """None when there is no such alert in these areas."""
    row = session.execute(_summaries(user_id).where(Alert.id == alert_id, _visible(area_ids))).one_or_none()
    if row is None:
        return None
    passport = session.scalar(select(Alert.passport).where(Alert.id == alert_id))
    assert passport is not None
    return AlertDetail(
        summary=_summary(row),
        passport=Passport.from_json(passport),
        events=_events(session, alert_id),
        deliveries=_deliveries(session, alert_id),
        not_told=_not_told(session, alert_id),
    )


def unread_count(session: Session, user_id: int) -> int:
    """Alerts this user was told of in the application and has not opened."""
    return (
        session.scalar(
            select(func.count(Delivery.alert_id.distinct())).where(
                Delivery.user_id == user_id,
                Delivery.channel == IN_APP,
                Delivery.read_at.is_(None),
                ~Delivery.muted,
            )
        )
        or 0
    )


def levels_at(
    session: Session, *, disease: str | None, as_of: datetime | None = None
) -> dict[int, LevelView]:
    """Level by unit as believed at `as_of` (None: now). Units that were never decided are absent: draw them
    as unknown. `disease` None: the highest over all diseases (`highest`)."""
    columns = (
        AreaLevel.unit_id, AreaLevel.disease, AreaLevel.level, AreaLevel.raw_level,
        AreaLevel.unknown, AreaLevel.status, AreaLevel.since,
    )  # fmt: skip
    query = select(*columns).where(_believed(as_of)).order_by(AreaLevel.unit_id, AreaLevel.disease)
    if disease is not None:
        query = query.where(AreaLevel.disease == disease)
    rows = session.execute(query)
    return {
        unit_id: highest([level_view(row) for row in group])
        for unit_id, group in groupby(rows, key=lambda row: int(row.unit_id))
    }


def levels_of_unit(session: Session, unit_id: int, *, as_of: datetime | None = None) -> dict[str, LevelView]:
    """Level by disease in one unit as believed at `as_of` (None: now); diseases never decided are absent."""
    columns = (
        AreaLevel.disease, AreaLevel.level, AreaLevel.raw_level, AreaLevel.unknown, AreaLevel.status, AreaLevel.since,
    )  # fmt: skip
    rows = session.execute(select(*columns).where(AreaLevel.unit_id == unit_id, _believed(as_of)))
    return {row.disease: level_view(row) for row in rows}


def highest(views: Sequence[LevelView]) -> LevelView:
    """The diseases of one unit as one: the highest level and the most serious status. Unknown when nothing
    certain stands behind that level; at level 1 one silent disease is enough, since calm is not proven."""
    top = max(view.level for view in views)
    leading = [view for view in views if view.level == top]
    sure = [view for view in leading if not view.unknown]
    chosen = (sure or leading)[0]
    return LevelView(
        disease=chosen.disease,
        level=top,
        raw_level=max(view.raw_level for view in views),
        unknown=any(view.unknown for view in views) if top == 1 else not sure,
        status=min((view.status for view in views), key=SERIOUSNESS.index),
        since=chosen.since,
    )


def level_detail(
    session: Session, disease: str, unit_id: int, as_of: datetime | None = None
) -> LevelDetail | None:
    """None when this area was not decided yet at `as_of`."""
    row = session.scalar(
        select(AreaLevel).where(AreaLevel.disease == disease, AreaLevel.unit_id == unit_id, _believed(as_of))
    )
    if row is None:
        return None
    alert_id = session.scalar(
        select(Alert.id).where(Alert.disease == disease, Alert.unit_id == unit_id, Alert.state != "closed")
    )
    return LevelDetail(
        view=level_view(row),
        known_from=row.known_from,
        reasons=tuple(Message.from_json(reason) for reason in row.reasons),
        why_not_higher=Message.from_json(row.why_not_higher),
        why_not_lower=Message.from_json(row.why_not_lower),
        policy_hash=row.policy_hash,
        alert_id=alert_id,
    )


def _believed(as_of: datetime | None) -> ColumnElement[bool]:
    if as_of is None:
        return AreaLevel.known_to.is_(None)
    return and_(AreaLevel.known_from <= as_of, or_(AreaLevel.known_to.is_(None), AreaLevel.known_to > as_of))


def _within(area_ids: set[int] | None) -> ColumnElement[bool]:
    return Alert.unit_id.is_not(None) if area_ids is None else Alert.unit_id.in_(area_ids)


def _visible(area_ids: set[int] | None) -> ColumnElement[bool]:
    """Those of these areas, and those that share an outbreak with them (areas.py)."""
    if area_ids is None:
        return _within(None)
    shared = exists().where(AlertArea.alert_id == Alert.id, AlertArea.unit_id.in_(area_ids))
    return or_(_within(area_ids), shared)


def level_view(row: Any) -> LevelView:
    return LevelView(
        disease=row.disease,
        level=row.level,
        raw_level=row.raw_level,
        unknown=row.unknown,
        status=StatutoryStatus(row.status),
        since=row.since,
    )


def _summaries(user_id: int | None) -> Select[*tuple[Any, ...]]:
    unread = exists().where(
        Delivery.alert_id == Alert.id,
        Delivery.user_id == user_id,
        Delivery.channel == IN_APP,
        Delivery.read_at.is_(None),
        ~Delivery.muted,
    )
    return select(
        Alert.id, Alert.disease, Alert.unit_id, AdminUnit.name.label("unit_name"), Alert.state, Alert.level,
        Alert.peak_level, Alert.status, Alert.outcome, Alert.opened_at, Alert.changed_at, Alert.closed_at,
        Alert.assignee_id.label("holder_id"), User.full_name.label("holder"),
        Alert.passport["disease_names"].label("disease_names"),
        _due(NOTICES, "notice_due"),
        _due((DutyKind.HANDLING,), "handling_due"),
        Alert.passport["reasons"][0].label("reason"),
        (unread if user_id is not None else false()).label("unread"),
    ).join(AdminUnit, AdminUnit.id == Alert.unit_id).outerjoin(User, User.id == Alert.assignee_id)  # fmt: skip


def _due(kinds: Collection[DutyKind], name: str) -> ColumnElement[Any]:
    """The nearest deadline in the register; what the alert was opened with until the register has read it."""
    mine = Duty.alert_id == Alert.id
    nearest = select(func.min(Duty.due_at)).where(mine, Duty.kind.in_(kinds), Duty.state == DutyState.OPEN)
    foreseen = sql_cast(Alert.passport[name].as_string(), DateTime(timezone=True))
    return case((exists().where(mine), nearest.scalar_subquery()), else_=foreseen).label(name)


def _summary(row: Row[Any]) -> AlertSummary:
    values = dict(row._mapping)
    values["status"] = StatutoryStatus(values["status"])
    values["reason"] = Message.from_json(values["reason"]) if values["reason"] else None
    return AlertSummary(**values)


def _events(session: Session, alert_id: int) -> tuple[EventView, ...]:
    rows = session.execute(
        select(AlertEvent, User.full_name)
        .outerjoin(User, User.id == AlertEvent.user_id)
        .where(AlertEvent.alert_id == alert_id)
        .order_by(AlertEvent.id)
    )
    return tuple(
        EventView(
            id=event.id,
            at=event.at,
            kind=Kind(event.kind),
            user_name=name,
            level=event.level,
            sentence=Message.from_json(event.message) if event.message else None,
            comment=event.comment,
        )
        for event, name in rows
    )


def _deliveries(session: Session, alert_id: int) -> tuple[DeliveryView, ...]:
    arrived = (
        select(func.max(DeliveryReceipt.at))
        .where(DeliveryReceipt.delivery_id == Delivery.id, DeliveryReceipt.kind == "delivered")
        .scalar_subquery()
    )
    rows = session.execute(
        select(Delivery, User.full_name, arrived)
        .outerjoin(User, User.id == Delivery.user_id)
        .where(Delivery.alert_id == alert_id)
        .order_by(Delivery.event_id, Delivery.channel, User.full_name, Delivery.id)
    )
    return tuple(
        DeliveryView(
            id=delivery.id,
            event_id=delivery.event_id,
            user_name=name,
            channel=delivery.channel,
            digest=delivery.digest,
            state=delivery.state,
            attempts=delivery.attempts,
            created_at=delivery.created_at,
            next_attempt_at=delivery.next_attempt_at,
            sent_at=delivery.sent_at,
            arrived_at=arrived_at,
            read_at=delivery.read_at,
            error=stored_error(delivery),
        )
        for delivery, name, arrived_at in rows
    )


def _not_told(session: Session, alert_id: int) -> tuple[NotTold, ...]:
    """From the last event of the system; people's acts tell nobody."""
    message = session.scalar(
        select(AlertEvent.message)
        .where(AlertEvent.alert_id == alert_id, AlertEvent.kind.in_(CHANGES), AlertEvent.user_id.is_(None))
        .order_by(AlertEvent.id.desc())
        .limit(1)
    )
    groups = message["muted"] if message else []
    ids = {user_id for group in groups for user_id in group["user_ids"]}
    rows = session.execute(select(User.id, User.full_name).where(User.id.in_(ids)))
    names = {row.id: row.full_name for row in rows}
    return tuple(
        NotTold(user_name=names[user_id], channel=group["channel"], reason=Message.from_json(group["reason"]))
        for group in groups
        for user_id in group["user_ids"]
        if user_id in names
    )
