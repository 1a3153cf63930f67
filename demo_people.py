"""The people of the demo city at work in its replayed past, through the functions that the pages use.

demo_plan.py says what each would do; here the deeds of a span of hours are found, put in order and done at their hour.
What the state of things no longer allows is left out, as a person would. Nothing is kept but what the acts themselves
write, and nobody is sent anything.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

import demo_plan as plan
from accounts.models import Role, User
from accounts.service import areas_of, create_user
from alerts import duty_acts, inbox
from alerts.acts import Act, Standing, State, allowed
from alerts.duties import DutyKind, DutyState
from alerts.duty_models import Duty
from alerts.judging import Outcome
from alerts.levels import Level
from alerts.lifecycle import Kind, severity
from alerts.models import Alert, AlertEvent
from alerts.scorecard import Step, Truth, Where, is_true
from alerts.telling.rota import add_shift
from surveillance.outbreaks import acts as outbreak_acts
from surveillance.outbreaks.entries import begun_at, entries_of
from surveillance.outbreaks.lifecycle import Act as OutbreakAct
from surveillance.outbreaks.lifecycle import Status
from surveillance.outbreaks.models import OutbreakRow, OutbreakVersion
from surveillance.outbreaks.profiles import Profile
from surveillance.types import StatutoryStatus

ANALYSTS = 4
CENTRE_OVER, STATION_EVERY = 14, 6
"""A regional centre answers for so many communes; every sixth commune has an account of its own."""
WEEKS = 2
WHOLE_STORY = 5
"""Of outbreaks of so many cases all work is written down, of smaller ones that it began."""
CLOSED_SOON = 0.3
"""Share of the outbreaks proposed for closing that somebody closes the next day; the others wait."""
WORKED_ON = (Status.SUSPECTED, Status.CONFIRMED, Status.ACTIVE, Status.REOPENED, Status.PROPOSED)
SURNAMES = ("Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương")
GIVEN = (
    "Thị Hạnh", "Minh Tâm", "Văn Phúc", "Ngọc Lan", "Quốc Bảo", "Thị Mai", "Hữu Nghĩa", "Thanh Thảo", "Đức Huy",
    "Thị Kim Oanh", "Anh Tuấn", "Mỹ Dung", "Hoàng Nam",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Ids of accounts. `station_of` and `centre_of` by unit: who answers for it first, and who stands behind them.
    `areas`: units by account."""

    areas: Mapping[int, frozenset[int]]
    analysts: Sequence[int]
    station_of: Mapping[int, int]
    centre_of: Mapping[int, int]


class Deed(NamedTuple):
    at: datetime
    of: str
    do: Callable[[], object]


def hire(session: Session, unit_ids: Sequence[int]) -> Staff:
    """Regional centres over neighbouring communes (`unit_ids` in the order of their codes), health stations in every
    sixth, analysts. Nobody knows their passwords: they are there to be seen."""
    total = len(unit_ids)
    centres = max(1, total // CENTRE_OVER)
    shares = [unit_ids[total * n // centres : total * (n + 1) // centres] for n in range(centres)]
    analysts = [_account(session, f"dichte{n + 1:02}", Role.ANALYST, n) for n in range(ANALYSTS)]
    centre_of: dict[int, int] = {}
    areas: dict[int, frozenset[int]] = {}
    for n, share in enumerate(shares):
        centre = _account(session, f"khuvuc{n + 1:02}", Role.OFFICER, n + 5, share)
        centre_of |= dict.fromkeys(share, centre)
        areas[centre] = frozenset(share)
    station_of = dict(centre_of)
    for n, unit_id in enumerate(unit_ids[::STATION_EVERY]):
        station = _account(session, f"tram{n + 1:02}", Role.OFFICER, n + 19, [unit_id])
        station_of[unit_id] = station
        areas[station] = frozenset({unit_id})
    return Staff(areas=areas, analysts=analysts, station_of=station_of, centre_of=centre_of)


def _account(session: Session, name: str, role: Role, n: int, areas: Sequence[int] = ()) -> int:
    person = f"{SURNAMES[n % len(SURNAMES)]} {GIVEN[(n * 5 + n // 13) % len(GIVEN)]} (mô phỏng)"
    user = create_user(
        session, username=name, password=secrets.token_urlsafe(), full_name=person, role=role,
        email=f"{name}@canhdich.example", area_ids=areas,
    )  # fmt: skip
    return user.id


def fill_rota(session: Session, staff: Staff, now: datetime) -> None:
    """This week and the next, drawn up on Monday morning: an analyst a day for the city; where a commune has a station
    of its own, the station one week and its centre the other. `now` on the clocks of the city."""
    monday = datetime.combine(now.date() - timedelta(days=now.weekday()), time(7), now.tzinfo)
    by = session.get_one(User, staff.analysts[0])
    stations = [unit for unit, user in staff.station_of.items() if user != staff.centre_of[unit]]

    def put(user_id: int, unit_id: int | None, starts: datetime, days: int) -> None:
        add_shift(
            session, by=by, user_id=user_id, unit_id=unit_id, starts_at=starts,
            ends_at=starts + timedelta(days=days), phone="", by_sms=False, now=monday,
        )  # fmt: skip

    for day in range(7 * WEEKS):
        put(staff.analysts[day % len(staff.analysts)], None, monday + timedelta(days=day), 1)
    for week in range(WEEKS):
        people = staff.centre_of if week % 2 else staff.station_of
        for unit_id in sorted(stations):
            put(people[unit_id], unit_id, monday + timedelta(days=7 * week), 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """`truth`: what really is, None where nobody knows. `past_ends`: the last replayed moment. `profiles` by
    disease."""

    staff: Staff
    truth: Truth | None
    profiles: Mapping[str, Profile]
    zone: tzinfo
    past_ends: datetime
    seed: int

    def act(self, session: Session, since: datetime, until: datetime) -> int:
        """Do what falls after `since` and by `until`; how many deeds were tried."""
        if since >= until:
            return 0
        held = session.scalars(
            select(User)
        ).all()  # in the session's memory, which is weak: each acts many times
        deeds = [*self._of_alerts(session), *self._of_duties(session), *self._of_outbreaks(session)]
        due = sorted((deed for deed in deeds if since < deed.at <= until), key=lambda deed: deed[:2])
        for deed in due:
            deed.do()
        del held
        return len(due)

    def _of_alerts(self, session: Session) -> list[Deed]:
        began = func.max(AlertEvent.at)
        rows = session.execute(
            select(Alert.id, Alert.disease, Alert.unit_id, Alert.level, Alert.status, began.label("began"))
            .join(AlertEvent, AlertEvent.alert_id == Alert.id)
            .where(Alert.state != State.CLOSED, AlertEvent.kind.in_((Kind.OPENED, Kind.REOPENED)))
            .group_by(Alert.id)
            .order_by(Alert.id)
        ).all()
        found = []
        for row in rows:
            rng = plan.rng_of(self.seed, "alert", row.disease, row.unit_id, row.began.timestamp())
            grave = row.level >= Level.RAT_CAO or severity(StatutoryStatus(row.status)) > 0
            began_at = row.began.astimezone(self.zone)
            for deed in plan.alert_deeds(began_at, grave=grave, past_ends=self.past_ends, rng=rng):
                do = partial(self._do_to_alert, session, row.id, deed, row.began)
                found.append(Deed(deed.at, f"alert {row.id}", do))
        return found

    def _do_to_alert(self, session: Session, alert_id: int, deed: plan.AlertDeed, began: datetime) -> None:
        alert = session.get_one(Alert, alert_id)
        user = session.get_one(User, self._officer(alert.unit_id, alert.assignee_id))
        may = allowed(State(alert.state), Standing.LEAD)
        match deed.act:
            case Act.ACKNOWLEDGE if alert.state == State.OPEN:
                inbox.acknowledge(session, alert_id, user=user, now=deed.at)
            case Act.ASSIGN if alert.state == State.ACKNOWLEDGED:
                to = self.staff.centre_of.get(alert.unit_id, user.id) if deed.by_colleague else user.id
                words = deed.words if to != user.id else ""
                inbox.assign(session, alert_id, user=user, to=to, now=deed.at, note=words)
            case Act.VERIFY if Act.VERIFY in may:
                inbox.verify(session, alert_id, user=user, now=deed.at)
            case Act.COMMENT if alert.state == State.VERIFYING:
                inbox.comment(session, alert_id, user=user, text=deed.words, now=deed.at)
            case Act.CONFIRM if alert.state == State.VERIFYING:
                self._conclude(session, alert, user, deed.at, began)
            case Act.CLOSE if alert.state in (State.VERIFIED, State.DISMISSED):
                inbox.close(session, alert_id, user=user, now=deed.at)

    def _conclude(self, session: Session, alert: Alert, user: User, now: datetime, began: datetime) -> None:
        rng = plan.rng_of(self.seed, "outcome", alert.disease, alert.unit_id, began.timestamp())
        outcome: Outcome = plan.outcome_of(self._really(alert, began), rng)
        original = _older_alert(session, alert, user) if outcome == "duplicate" else None
        if outcome == "duplicate" and original is None:
            outcome = "false"
        words = plan.reason_for(outcome, rng)
        inbox.conclude(
            session, alert.id, user=user, outcome=outcome, comment=words, now=now, duplicate_of=original
        )

    def _really(self, alert: Alert, began: datetime) -> plan.Really:
        if self.truth is None:
            return "unknown"
        step = Step(
            day=began.astimezone(self.zone).date(), where=Where(alert.disease, alert.unit_id),
            kind=Kind.OPENED, level=alert.level,
        )  # fmt: skip
        if is_true(step, self.truth):
            return "event"
        return "chain" if is_true(step, Truth(planted=(), excess=self.truth.foci)) else "nothing"

    def _of_duties(self, session: Session) -> list[Deed]:
        """Handling is not among them: it is done by what the outbreak's record shows."""
        rows = session.scalars(
            select(Duty).where(Duty.state == DutyState.OPEN, Duty.kind != DutyKind.HANDLING).order_by(Duty.id)
        ).all()
        found = []
        for duty in rows:
            rng = plan.rng_of(self.seed, "duty", duty.kind, duty.disease, duty.unit_id, duty.criterion)
            opened, due = duty.opened_at.astimezone(self.zone), duty.due_at.astimezone(self.zone)
            deed = plan.duty_deed(DutyKind(duty.kind), opened, due, rng)
            if deed is not None:
                found.append(Deed(deed.at, f"duty {duty.id}", partial(self._do_duty, session, duty, deed)))
        return found

    def _do_duty(self, session: Session, duty: Duty, deed: plan.DutyDeed) -> None:
        """An outbreak's handling is done by what its record shows, and needless once nothing is left to begin."""
        user = session.get_one(User, self._officer(duty.unit_id))
        if duty.kind == DutyKind.HANDLING:
            if _only_watched(session, [outbreak_id for outbreak_id, _ in duty.detail["outbreaks"]]):
                duty_acts.mark_not_needed(session, duty.id, user=user, now=deed.at, reason=plan.ONLY_WATCHED)
            return
        duty_acts.mark_done(
            session, duty.id, user=user, now=deed.at, done_at=deed.at, document=deed.document, note=""
        )

    def _of_outbreaks(self, session: Session) -> list[Deed]:
        version, cases = OutbreakVersion, func.cardinality(OutbreakVersion.members)
        rows = session.execute(
            select(OutbreakRow, version.status, version.units, version.known_from, cases.label("cases"))
            .join(version, version.outbreak_id == OutbreakRow.id)
            .where(version.known_to.is_(None), OutbreakRow.disease.in_(self.profiles))
            .where(version.status.in_(WORKED_ON))
            .order_by(OutbreakRow.id)
        ).all()
        entries = entries_of(session, [row.OutbreakRow.id for row in rows])
        found = []
        for row in rows:
            outbreak, label = row.OutbreakRow, f"outbreak {row.OutbreakRow.id}"
            began = begun_at(entries.get(outbreak.id, ()), outbreak.first_known_at).astimezone(self.zone)
            rng = plan.rng_of(self.seed, "outbreak", outbreak.id, began.timestamp())
            if row.status == Status.PROPOSED:
                if rng.random() > CLOSED_SOON:
                    continue
                at = plan.in_office(row.known_from.astimezone(self.zone) + timedelta(hours=20), rng.random())
                found.append(
                    Deed(at, label, partial(self._close, session, outbreak.id, row.units[0], at, rng))
                )
                continue
            vector = self.profiles[outbreak.disease].response.vector
            suspected = row.status == Status.SUSPECTED
            whole = row.cases >= WHOLE_STORY
            for deed in plan.outbreak_deeds(began, suspected=suspected, whole=whole, vector=vector, rng=rng):
                if deed.what == "start" and row.status == Status.ACTIVE:
                    continue
                do = partial(self._do_to_outbreak, session, outbreak.id, row.units[0], deed)
                found.append(Deed(deed.at, label, do))
        return found

    def _do_to_outbreak(
        self, session: Session, outbreak_id: int, unit_id: int, deed: plan.OutbreakDeed
    ) -> None:
        when = self._when(session, unit_id, deed.at)
        match deed.what:
            case "confirm":
                self._change(session, outbreak_id, OutbreakAct.CONFIRM, when)
            case "start":
                self._change(session, outbreak_id, OutbreakAct.START_HANDLING, when)
            case "survey" if deed.survey is not None:
                outbreak_acts.record_survey(session, outbreak_id, deed.survey, profiles=self.profiles, **when)
            case _:
                outbreak_acts.record_measure(
                    session, outbreak_id, deed.what, on=deed.at.date(), houses=deed.houses,
                    product=plan.PRODUCTS.get(deed.what, ""), profiles=self.profiles, **when,
                )  # fmt: skip

    def _close(self, session: Session, outbreak_id: int, unit_id: int, at: datetime, rng: plan.Rng) -> None:
        words = plan.CLOSING[int(rng.integers(len(plan.CLOSING)))]
        self._change(session, outbreak_id, OutbreakAct.CLOSE, self._when(session, unit_id, at), words)

    def _change(
        self,
        session: Session,
        outbreak_id: int,
        wanted: OutbreakAct,
        when: Mapping[str, Any],
        words: str = "",
    ) -> None:
        """What its state refuses is left undone."""
        with suppress(outbreak_acts.Refused):
            outbreak_acts.change_status(
                session, outbreak_id, wanted, profiles=self.profiles, comment=words, **when
            )

    def _when(self, session: Session, unit_id: int, at: datetime) -> dict[str, Any]:
        """Who answers for the outbreak, and when."""
        user = session.get_one(User, self._officer(unit_id))
        actor = outbreak_acts.Actor(
            user_id=user.id, name=user.full_name, may_act=True, areas=self.staff.areas.get(user.id)
        )
        return {"actor": actor, "today": at.date(), "now": at}

    def _officer(self, unit_id: int, holder: int | None = None) -> int:
        return holder or self.staff.station_of.get(unit_id) or self.staff.analysts[0]


def _only_watched(session: Session, outbreak_ids: Sequence[int]) -> bool:
    version = OutbreakVersion
    found = session.scalars(
        select(version.status).where(version.outbreak_id.in_(outbreak_ids), version.known_to.is_(None))
    )
    return all(status in (Status.MONITORING, Status.PROPOSED, Status.CLOSED) for status in found)


def _older_alert(session: Session, alert: Alert, user: User) -> int | None:
    """One that this alert may be said to repeat: of the same disease, where this person may look."""
    areas = areas_of(session, user)
    if session.scalar(select(exists().where(Alert.duplicate_of == alert.id))):
        return None
    query = select(Alert.id).where(
        Alert.disease == alert.disease, Alert.id < alert.id, Alert.duplicate_of.is_(None)
    )
    if areas is not None:
        query = query.where(Alert.unit_id.in_(areas))
    return session.scalar(query.order_by(Alert.id.desc()).limit(1))
