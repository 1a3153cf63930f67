"""Alerts, their events and deliveries as rows: read in bulk, written in bulk, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import exists, insert, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from alerts.acts import State
from alerts.audience import Place, load_people, load_places
from alerts.lifecycle import ALERT_LEVEL, AlertState, Change, ClosedState, Kind, describe, severity
from alerts.models import Alert, AlertEvent, AreaLevel, Delivery
from alerts.outbox import outbox_row
from alerts.passport import OUTBREAK, DiseaseFacts, Evidence, Passport
from alerts.policy import Decision
from alerts.routing import Muted, Person, Told, hush, recipients
from alerts.rules import Policy
from alerts.telling.silences import hiding, silences_at
from db import notify as wake
from surveillance.types import Signal, StatutoryStatus

WAKES_DELIVERY = "deliveries"
"""NOTIFY channel that wakes the delivery job when a message was put into the outbox."""

Standing = TypeVar("Standing", AlertState, ClosedState)


class Area(NamedTuple):
    disease: str
    unit_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known(Generic[Standing]):
    """An alert in the database, with what its lifecycle must know of it."""

    id: int
    peak_level: int
    outbreak_since: datetime | None
    state: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change to write down. `alert` is None when it opens one; `state_before`: see Passport."""

    area: Area
    alert: Known[AlertState] | Known[ClosedState] | None
    change: Change
    decision: Decision
    evidence: Sequence[Signal]
    state_before: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every step of one run shares."""

    policy: Policy
    diseases: Mapping[str, DiseaseFacts]
    code_version: str
    now: datetime
    notify: bool
    co_owners: Mapping[Area, Collection[int]] = field(default_factory=dict)
    """Units beside the alert's own that an outbreak lies in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who is told of one step, and who is not; `silence_id`: the silence that hides it."""

    told: Sequence[Told] = ()
    muted: Sequence[Muted] = ()
    silence_id: int | None = None


def open_alerts(session: Session) -> dict[Area, Known[AlertState]]:
    """All alerts not closed, locked until the end of the transaction so that nobody closes one meanwhile."""
    rows = session.execute(
        select(
            Alert.id, Alert.disease, Alert.unit_id, Alert.level, Alert.peak_level, Alert.status,
            Alert.passport["status_since"].as_string().label("status_since"),
            Alert.passport["outbreak_since"].as_string().label("outbreak_since"),
            Alert.passport["methods"].label("methods"), Alert.state,
        )
        .where(Alert.state != "closed")
        .order_by(Alert.id)
        .with_for_update(key_share=True)  # what writes an event of an alert need not wait
    )  # fmt: skip
    return {
        Area(row.disease, row.unit_id): Known(
            id=row.id,
            peak_level=row.peak_level,
            outbreak_since=_moment(row.outbreak_since),
            state=AlertState(
                level=row.level,
                status=StatutoryStatus(row.status),
                status_since=datetime.fromisoformat(row.status_since),
                methods=frozenset(row.methods),
                dismissed=row.state == State.DISMISSED,
            ),
        )
        for row in rows
    }


def closed_alerts(session: Session, areas: Collection[Area]) -> dict[Area, Known[ClosedState]]:
    """The newest alert of each of `areas`. None of `areas` may have an open one."""
    if not areas:
        return {}
    calm = exists().where(
        AreaLevel.disease == Alert.disease,
        AreaLevel.unit_id == Alert.unit_id,
        AreaLevel.level == 1,
        AreaLevel.known_from > Alert.closed_at,
    )
    rows = session.execute(
        select(
            Alert.id, Alert.disease, Alert.unit_id, Alert.level, Alert.peak_level, Alert.status,
            Alert.closed_at,
            Alert.passport["status_since"].as_string().label("status_since"),
            Alert.passport["outbreak_since"].as_string().label("outbreak_since"),
            or_(calm, Alert.level < ALERT_LEVEL).label("calm"),
        )
        .ext(distinct_on(Alert.disease, Alert.unit_id))
        .where(tuple_(Alert.disease, Alert.unit_id).in_(areas))
        .order_by(Alert.disease, Alert.unit_id, Alert.id.desc())
    )  # fmt: skip
    return {
        Area(row.disease, row.unit_id): Known(
            id=row.id,
            peak_level=row.peak_level,
            outbreak_since=None if row.calm else _moment(row.outbreak_since),
            state=ClosedState(
                level=row.level,
                status=StatutoryStatus(row.status),
                status_since=datetime.fromisoformat(row.status_since),
                calm_since=row.calm,
                closed_at=row.closed_at,
            ),
        )
        for row in rows
    }


def settle_statuses(session: Session, statuses: Mapping[int, StatutoryStatus]) -> None:
    """Keep the status of alerts true where its change is no event (by alert id)."""
    if statuses:
        session.execute(update(Alert), [{"id": id_, "status": status} for id_, status in statuses.items()])


def write_steps(session: Session, steps: Sequence[Step], context: Context) -> int:
    """Alerts, events and deliveries for `steps`, in that order; how many deliveries."""
    if not steps:
        return 0
    co_owned = {unit_id for step in steps for unit_id in context.co_owners.get(step.area, ())}
    places = load_places(session, {step.area.unit_id for step in steps} | co_owned)
    passports = [_passport(step, places[step.area.unit_id].name, context) for step in steps]
    alert_ids = _write_alerts(session, steps, passports, context.now)
    routes = _route(session, steps, places, context)
    events = [
        _event(step, alert_id, passport, route, context.now)
        for step, alert_id, passport, route in zip(steps, alert_ids, passports, routes, strict=True)
    ]
    event_ids = insert_returning_ids(session, AlertEvent, events)
    rows = [
        row
        for alert_id, event_id, route in zip(alert_ids, event_ids, routes, strict=True)
        for row in deliveries(alert_id, event_id, route.told, context.now)
    ]
    return send(session, rows)


def send(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Put `rows` into the outbox and wake the postman; how many."""
    if (
        rows
    ):  # render_nulls: else every change between rows with and without sent_at begins a statement of its own
        session.execute(insert(Delivery).execution_options(render_nulls=True), rows)
        wake(session, WAKES_DELIVERY)
    return len(rows)


def _passport(step: Step, unit_name: str, context: Context) -> Passport:
    disease, change, decision = context.diseases[step.area.disease], step.change, step.decision
    outbreak_since = _outbreak_since(step, context.now)
    duties = context.policy.duties
    notice_from = change.status_since if _notice_is_due(change) else None
    handling_from = outbreak_since or (change.status_since if severity(change.status) else None)
    return Passport(
        as_of=context.now,
        policy_version=context.policy.version,
        policy_hash=context.policy.hash,
        code_version=context.code_version,
        disease=disease.code,
        disease_names={"vi": disease.name_vi, "en": disease.name_en},
        unit_id=step.area.unit_id,
        unit_name=unit_name,
        level_before=change.level_before,
        level=change.level,
        status_before=change.status_before,
        status=change.status,
        status_since=change.status_since,
        outbreak_since=outbreak_since,
        notice_due=notice_from and notice_from + timedelta(hours=duties.notice_hours),
        handling_due=handling_from and handling_from + timedelta(hours=duties.handling_hours),
        methods=tuple(sorted(change.methods)),
        reasons=decision.reasons,
        why_not_higher=decision.why_not_higher,
        why_not_lower=decision.why_not_lower,
        evidence=tuple(Evidence.of(signal) for signal in step.evidence),
        state_before=step.state_before,
        display_floor=disease.display_floor,
    )


def _outbreak_since(step: Step, now: datetime) -> datetime | None:
    """When the outbreak that is still open was first seen; None when there is none (any more)."""
    if not any(signal.method == OUTBREAK and signal.alarm for signal in step.evidence):
        return None
    return step.alert.outbreak_since or now if step.alert else now


def _notice_is_due(change: Change) -> bool:
    """Form 01 under cảnh báo or có dịch, Form 02 when an epidemic ended (art. 26)."""
    return severity(change.status) > 0 or change.status is StatutoryStatus.ENDED


def _write_alerts(
    session: Session, steps: Sequence[Step], passports: Sequence[Passport], now: datetime
) -> list[int]:
    """Ids in the order of `steps`."""
    pairs = list(zip(steps, passports, strict=True))
    opened = [_opened(step, passport, now) for step, passport in pairs if step.alert is None]
    changed = [_changed(step, passport, now) for step, passport in pairs if step.alert is not None]
    if changed:
        session.execute(update(Alert), changed)
    fresh: Iterator[int] = iter(insert_returning_ids(session, Alert, opened) if opened else [])
    return [step.alert.id if step.alert else next(fresh) for step in steps]


def _opened(step: Step, passport: Passport, now: datetime) -> dict[str, Any]:
    return {
        "disease": step.area.disease,
        "unit_id": step.area.unit_id,
        "state": "open",
        "level": step.change.level,
        "peak_level": step.change.level,
        "status": step.change.status,
        "opened_at": now,
        "changed_at": now,
        "passport": passport.to_json(),
    }


def _changed(step: Step, passport: Passport, now: datetime) -> dict[str, Any]:
    assert step.alert is not None
    row = {
        "id": step.alert.id,
        "level": step.change.level,
        "peak_level": max(step.alert.peak_level, step.change.level),
        "status": step.change.status,
        "changed_at": now,
        "passport": passport.to_json(),
    }
    if step.change.kind is Kind.ENDED:
        row |= {"state": "closed", "closed_at": now}
    if step.change.kind is Kind.REOPENED:
        row |= {
            "state": "open",
            "closed_at": None,
            "outcome": None,
            "duplicate_of": None,
            "assignee_id": None,
        }
    return row


def _route(
    session: Session, steps: Sequence[Step], places: Mapping[int, Place], context: Context
) -> list[Route]:
    """Per step, who is told and who is not. Each unit's people are looked up once."""
    if not context.notify:
        return [Route() for _ in steps]
    people = load_people(session)
    local: dict[int, list[Person]] = {
        unit_id: [person for person in people if person.covers(place.line)]
        for unit_id, place in places.items()
    }
    silences = silences_at(session, context.now)
    alerts = _areas_with_alerts(session) if context.co_owners else frozenset()
    routes = []
    for step in steps:
        told, muted = _route_step(step, local, alerts, context)
        silence = hiding(silences, places[step.area.unit_id].line, step.area.disease, step.change)
        if silence is not None:
            told, muted = hush(told, muted, silence.words())
        routes.append(Route(told=told, muted=muted, silence_id=silence.id if silence else None))
    return routes


def _route_step(
    step: Step, local: Mapping[int, Sequence[Person]], alerts: Collection[Area], context: Context
) -> tuple[list[Told], list[Muted]]:
    """The alert's own people, then those of its co-owners, unless an alert of their own tells them already."""
    area, routing = step.area, context.policy.routing
    told, muted = recipients(step.change, local[area.unit_id], routing, area.disease)
    seen = {person.id for person in local[area.unit_id]}
    for unit_id in sorted(context.co_owners.get(area, ())):
        if Area(area.disease, unit_id) in alerts:
            continue
        others = [person for person in local[unit_id] if person.id not in seen]
        seen |= {person.id for person in others}
        more, not_told = recipients(step.change, others, routing, area.disease)
        told += [replace(one, for_unit_id=unit_id) for one in more]
        muted += not_told
    return told, muted


def _areas_with_alerts(session: Session) -> frozenset[Area]:
    rows = session.execute(select(Alert.disease, Alert.unit_id).where(Alert.state != "closed"))
    return frozenset(Area(disease, unit_id) for disease, unit_id in rows)


def _event(step: Step, alert_id: int, passport: Passport, route: Route, now: datetime) -> dict[str, Any]:
    """`message` is the sentence for the log; beside it stand the facts it rests on and who was not told."""
    beside: dict[str, Any] = {"passport": passport.to_json(), "muted": muted_groups(route.muted)}
    if route.silence_id is not None:
        beside["silence_id"] = route.silence_id
    return {
        "alert_id": alert_id,
        "at": now,
        "kind": step.change.kind,
        "level": step.change.level,
        "message": describe(step.change).to_json() | beside,
    }


def muted_groups(muted: Sequence[Muted]) -> list[dict[str, Any]]:
    """Who was not told, by channel and reason."""
    reasons: dict[tuple[str, str], dict[str, Any]] = {}
    for one in muted:
        group = reasons.setdefault(
            (one.channel, one.reason.msgid),
            {"channel": one.channel, "reason": one.reason.to_json(), "user_ids": []},
        )
        group["user_ids"].append(one.user_id)
    return list(reasons.values())


def deliveries(alert_id: int, event_id: int, told: Sequence[Told], now: datetime) -> Iterator[dict[str, Any]]:
    for one in told:
        key = f"{event_id}:{one.user_id}:{one.channel}"
        yield outbox_row(key, one, now, alert_id=alert_id, event_id=event_id)


def insert_returning_ids(session: Session, table: type[Any], rows: Sequence[dict[str, Any]]) -> list[int]:
    statement = insert(table).returning(table.id, sort_by_parameter_order=True)
    return list(session.scalars(statement, rows))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
