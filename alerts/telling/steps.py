"""Telling: make who was told agree with the alerts as they stand. Run each minute.

Level-triggered like reconcile: every part asks what is missing now, so a run that was killed is repaired by the next,
and a second run writes nothing. The rules are in escalation.py, silences.py and neighbours.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, insert, select
from sqlalchemy.orm import Session

from accounts.service import full_names
from alerts import levels
from alerts.audience import load_people, load_places
from alerts.channels import EMAIL, IN_APP
from alerts.levels import Level
from alerts.lifecycle import CHANGES, SEVERITY, Change, Kind, severity
from alerts.models import Alert, AlertEvent, Delivery
from alerts.records import deliveries, insert_returning_ids, muted_groups, send
from alerts.routing import LOUD, Muted, Person, Told, recipients
from alerts.rules import Policy
from alerts.telling.escalation import Beat, NextStep, Shift, Step, Waiting, next_steps
from alerts.telling.hours import Calendar
from alerts.telling.models import DutyShift, Escalation, Silence
from alerts.telling.neighbours import neighbour_words, spread
from alerts.telling.rules import TellingRules
from alerts.telling.silences import Hush, alerts_under, silences_at
from db import hold_lock
from i18n import Message
from surveillance.types import StatutoryStatus

STARTS = (Kind.OPENED, Kind.REOPENED)


@dataclass(frozen=True, slots=True, kw_only=True)
class TellReport:
    """Counts of events written; all zero when everybody who should know was told."""

    escalated: int
    silences_ended: int
    neighbours: int
    deliveries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """An event to write on an alert, and whom it tells."""

    alert_id: int
    kind: Kind
    sentence: Message
    told: Sequence[Told] = ()
    muted: Sequence[Muted] = ()


def tell(
    session: Session, *, rules: TellingRules, calendar: Calendar, policy: Policy, now: datetime
) -> TellReport:
    """Escalate, settle silences that are over, tell neighbours. The caller commits, once."""
    hold_lock(session, "telling")
    people = load_people(session)
    ended, told_again = _settle_silences(session, people, policy, now)
    escalated, told_next = _escalate(session, people, rules, calendar, now)
    neighbours, told_beside = _tell_neighbours(session, people, now)
    return TellReport(
        escalated=escalated,
        silences_ended=ended,
        neighbours=neighbours,
        deliveries=told_again + told_next + told_beside,
    )


# --- escalation ------------------------------------------------------------------------------------------


def _escalate(
    session: Session, people: Sequence[Person], rules: TellingRules, calendar: Calendar, now: datetime
) -> tuple[int, int]:
    waiting = waiting_alerts(session, now)
    if not waiting:
        return 0, 0
    rota = shifts_at(session, now)
    names = full_names(session, [person.id for person in people])
    due = [step for alert in waiting for step in next_steps(alert, people, rota, names, rules, calendar, now)]
    due = _still_open(session, due)
    news = [_escalated(step, _is_grave(step.stands)) for step in due]
    event_ids, count = write_news(session, news, now)
    if due:
        session.execute(
            insert(Escalation),
            [
                {
                    "alert_id": s.alert_id, "spell_id": s.spell_id, "step": s.step.value, "level": s.stands.level,
                    "statutory": s.stands.statutory, "event_id": id_, "at": now,
                }
                for s, id_ in zip(due, event_ids, strict=True)
            ],
        )  # fmt: skip
    return len(due), count


def waiting_alerts(session: Session, now: datetime) -> list[Waiting]:
    """Alerts that nobody has taken on, without those that a silence keeps quiet now, and those of a replay of the past,
    of which nobody was told."""
    rows = session.execute(
        select(Alert.id, Alert.disease, Alert.unit_id, Alert.level, Alert.status)
        .where(Alert.state == "open", exists().where(Delivery.alert_id == Alert.id))
        .order_by(Alert.id)
    ).all()
    places = load_places(session, {row.unit_id for row in rows})
    silences = silences_at(session, now)
    beats = _beats(session, [row.id for row in rows])
    taken = _taken(session, [row.id for row in rows])
    waiting = []
    for row in rows:
        spell_id, told = beats[row.id]
        stands = Beat(
            at=told[-1].at, level=Level(row.level), statutory=severity(StatutoryStatus(row.status)) > 0
        )
        line = places[row.unit_id].line
        if not _kept_quiet(silences, line, row.disease, stands):
            waiting.append(
                Waiting(
                    alert_id=row.id,
                    spell_id=spell_id,
                    unit_id=row.unit_id,
                    unit_line=line,
                    beats=[*told, stands],
                    taken=taken.get((row.id, spell_id), {}),
                )
            )
    return waiting


def _is_grave(beat: Beat) -> bool:
    return beat.level == Level.RAT_CAO or beat.statutory


def _kept_quiet(silences: Sequence[Hush], line: Collection[int], disease: str, stands: Beat) -> bool:
    return not _is_grave(stands) and any(
        one.covers(line, disease) and stands.level <= one.level_max for one in silences
    )


def _beats(session: Session, alert_ids: Sequence[int]) -> Mapping[int, tuple[int, list[Beat]]]:
    """By alert: the event its spell began with, and how it stood since, from the system's own events."""
    rows = session.execute(
        select(
            AlertEvent.id, AlertEvent.alert_id, AlertEvent.at, AlertEvent.kind, AlertEvent.level,
            AlertEvent.message["passport"]["status"].as_string().label("status"),
        )
        .where(AlertEvent.alert_id.in_(alert_ids), AlertEvent.kind.in_(CHANGES))
        .order_by(AlertEvent.id)
    )  # fmt: skip
    spells: dict[int, tuple[int, list[Beat]]] = {}
    for row in rows:
        if row.kind in STARTS or row.alert_id not in spells:
            spells[row.alert_id] = (row.id, [])
        beat = Beat(at=row.at, level=Level(row.level), statutory=row.status in SEVERITY)
        spells[row.alert_id][1].append(beat)
    return spells


def _taken(
    session: Session, alert_ids: Sequence[int]
) -> Mapping[tuple[int, int], Mapping[Step, Sequence[Beat]]]:
    """By alert and spell: the steps, and how it stood at each."""
    taken: dict[tuple[int, int], dict[Step, list[Beat]]] = {}
    for row in session.scalars(select(Escalation).where(Escalation.alert_id.in_(alert_ids))):
        stood = Beat(at=row.at, level=Level(row.level), statutory=row.statutory)
        taken.setdefault((row.alert_id, row.spell_id), {}).setdefault(Step(row.step), []).append(stood)
    return taken


def _still_open(session: Session, due: Sequence[NextStep]) -> list[NextStep]:
    """Those whose alert nobody took on meanwhile: locked, so that an act waits until this has been committed."""
    ids = {step.alert_id for step in due}
    query = select(Alert.id).where(Alert.id.in_(ids), Alert.state == "open").order_by(Alert.id)
    still = set(session.scalars(query.with_for_update(key_share=True))) if ids else set()
    return [step for step in due if step.alert_id in still]


def _escalated(step: NextStep, urgent: bool) -> News:
    """A duty: by every way the person has, whatever levels or diseases they chose for it."""
    told = []
    for called in step.called:
        person, shift = called.person, called.shift
        ways: dict[str, str | None] = {IN_APP: None, **dict.fromkeys(sorted(person.choices))}
        if person.has_email:
            ways[EMAIL] = None
        if shift is not None and shift.channel and shift.address:
            ways[shift.channel] = shift.address
        told += [
            Told(user_id=person.id, channel=channel, urgent=urgent or shift is not None, address=address)
            for channel, address in ways.items()
        ]
    return News(alert_id=step.alert_id, kind=Kind.ESCALATED, sentence=step.reason, told=told)


def shifts_at(session: Session, now: datetime) -> list[Shift]:
    rows = session.scalars(
        select(DutyShift)
        .where(DutyShift.starts_at <= now, DutyShift.ends_at > now, DutyShift.removed_at.is_(None))
        .order_by(DutyShift.id)
    )
    return [
        Shift(
            user_id=row.user_id,
            unit_id=row.unit_id,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            channel=row.channel,
            address=row.phone,
        )
        for row in rows
    ]


# --- silences that are over ------------------------------------------------------------------------------


def _settle_silences(
    session: Session, people: Sequence[Person], policy: Policy, now: datetime
) -> tuple[int, int]:
    over = session.scalars(
        select(Silence)
        .where(Silence.settled_at.is_(None), (Silence.ends_at <= now) | Silence.ended_at.is_not(None))
        .order_by(Silence.id)
        .with_for_update()
    ).all()
    count = 0
    still = silences_at(session, now) if over else ()
    for row in over:
        row.settled_at = now
        news = [
            one for alert in session.scalars(select(Alert).where(*alerts_under(row)).order_by(Alert.id))
            if (one := _after_silence(session, row, alert, people, policy, still)) is not None
        ]  # fmt: skip
        count += write_news(session, news, now)[1]
    return len(over), count


def _after_silence(
    session: Session,
    row: Silence,
    alert: Alert,
    people: Sequence[Person],
    policy: Policy,
    still: Sequence[Hush],
) -> News | None:
    """What to say of an alert under a silence that is over; None: nothing, since another one goes on."""
    line = load_places(session, {alert.unit_id})[alert.unit_id].line
    if any(one.covers(line, alert.disease) and alert.level <= one.level_max for one in still):
        return None
    before = _level_at(session, alert.id, row.starts_at)
    if alert.level <= before or not _was_hidden(session, alert.id, row):
        sentence = Message("Hết hạn tạm im.")
        by_itself = row.ended_at is None
        return News(alert_id=alert.id, kind=Kind.SILENCE_ENDED, sentence=sentence) if by_itself else None
    status = StatutoryStatus(alert.status)
    change = Change(
        kind=Kind.RAISED,
        level_before=before,
        level=alert.level,
        status_before=status,
        status=status,
        status_since=alert.changed_at,
        methods=frozenset(),
        new_methods=frozenset(),
    )
    local = [person for person in people if person.covers(line)]
    told, muted = recipients(change, local, policy.routing, alert.disease)
    sentence = Message(
        "Hết tạm im. Trong lúc tạm im, mức đã lên {level}.", level=levels.name(Level(alert.level))
    )
    return News(alert_id=alert.id, kind=Kind.SILENCE_ENDED, sentence=sentence, told=told, muted=muted)


def _level_at(session: Session, alert_id: int, moment: datetime) -> int:
    """1 when the alert was not there yet."""
    query = select(AlertEvent.level).where(
        AlertEvent.alert_id == alert_id, AlertEvent.at <= moment, AlertEvent.kind.in_(CHANGES)
    )
    return session.scalar(query.order_by(AlertEvent.id.desc()).limit(1)) or 1


def _was_hidden(session: Session, alert_id: int, row: Silence) -> bool:
    """The last rise under the silence told nobody."""
    query = select(AlertEvent.message["silence_id"].as_integer()).where(
        AlertEvent.alert_id == alert_id, AlertEvent.at >= row.starts_at, AlertEvent.kind.in_(LOUD)
    )
    return session.scalar(query.order_by(AlertEvent.id.desc()).limit(1)) == row.id


# --- neighbours ------------------------------------------------------------------------------------------


def _tell_neighbours(session: Session, people: Sequence[Person], now: datetime) -> tuple[int, int]:
    spreads = spread(session, people)
    news = [
        News(alert_id=one.alert_id, kind=Kind.NEIGHBOURS, sentence=neighbour_words(one), told=one.told)
        for one in spreads
    ]
    return len(news), write_news(session, news, now)[1]


# --- writing ---------------------------------------------------------------------------------------------


def write_news(session: Session, news: Sequence[News], now: datetime) -> tuple[list[int], int]:
    """Ids of the events in the order of `news`, and how many deliveries."""
    if not news:
        return [], 0
    facts = {
        row.id: row
        for row in session.execute(
            select(Alert.id, Alert.level, Alert.passport).where(Alert.id.in_({one.alert_id for one in news}))
        )
    }
    events: list[dict[str, Any]] = [
        {
            "alert_id": one.alert_id,
            "at": now,
            "kind": one.kind,
            "level": facts[one.alert_id].level,
            "message": one.sentence.to_json()
            | {"passport": facts[one.alert_id].passport, "muted": muted_groups(one.muted)},
        }
        for one in news
    ]
    ids = insert_returning_ids(session, AlertEvent, events)
    rows = [
        row
        for one, event_id in zip(news, ids, strict=True)
        for row in deliveries(one.alert_id, event_id, one.told, now)
    ]
    return ids, send(session, rows)
