"""The trial of the rule laboratory beside what is in force, kept in this process while somebody tries things."""

from __future__ import annotations

import time as clock
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts import laboratory as decided
from alerts.known_truth import truth_of
from alerts.laboratory import WARM_UP_DAYS, Alerts, Kept, LabAlert, Threshold, decide_anew, thresholds
from alerts.lifecycle import Kind
from alerts.models import Alert
from alerts.passport import DiseaseFacts
from alerts.policy_edit import with_numbers
from alerts.policy_models import PolicyVersion
from alerts.policy_store import read, version_in_force
from alerts.rules import Policy, shipped_text
from alerts.scorecard import Recorded, Scorecard, Share, Step, Truth, Where, score
from geodata.models import AdminUnit
from geodata.places import communes_today
from surveillance import laboratory as relived
from surveillance.beliefs import believed_between, first_belief, silences_between
from surveillance.laboratory import Burden, Course, History, evidence, load_history, relive
from surveillance.models import CaseVersion
from surveillance.outbreaks.models import OutbreakRow, OutbreakVersion
from surveillance.outbreaks.profiles import Profile
from surveillance.outbreaks.watching import METHOD
from surveillance.simulation.truth import read_truth
from web.context import context, land, viewer
from web.workbench.lab_trial import PARAMETERS, Trial, tried

ALERT_DAYS = 62
"""Alerts are decided again over so many of the newest days of the period: more would take seconds."""
T = TypeVar("T")


class Shelf(Generic[T]):
    """The newest few of what was computed; one computes at a time, so that nothing is computed twice."""

    def __init__(self, size: int) -> None:
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._size, self._lock = size, Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
                if len(self._kept) > self._size:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]


@dataclass(frozen=True, kw_only=True)
class Past:
    """What a disease's period offers: its cases as they came, the evidence kept (None: none), what is known to have
    been, and the real outbreak of each case."""

    history: History
    kept: Kept | None
    truth: Truth | None
    outcomes: Sequence[Outcome]
    outbreak_of: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What officers found a real alert to be."""

    unit_id: int
    opened: date
    closed: date | None
    right: bool


@dataclass(frozen=True, kw_only=True)
class Side:
    """What one set of numbers makes of the past. `card`: its outbreaks against the truth; `right` of its alerts."""

    course: Course
    burden: Burden
    alerts: Alerts | None
    card: Scorecard | None
    right: Share | None


@dataclass(frozen=True, kw_only=True)
class Result:
    trial: Trial
    past: Past
    old: Side
    new: Side
    outbreaks: Sequence[relived.Pair]
    alerts: Sequence[decided.Pair]
    seconds: float

    @property
    def alert_days(self) -> int:
        """Days on which alerts that open are counted."""
        return 0 if self.past.kept is None else self.past.kept.counted_days


PASTS: Shelf[Past] = Shelf(3)
COURSES: Shelf[Course] = Shelf(6)
ALERTS: Shelf[Alerts] = Shelf(6)


def facts_of(code: str) -> DiseaseFacts:
    disease = context().diseases[code]
    return DiseaseFacts(
        code=code, name_vi=disease.name_vi, name_en=disease.name_en, group=disease.group,
        endemic=disease.endemic, display_floor=disease.display_floor,
    )  # fmt: skip


def rules_in_force(session: Session) -> tuple[str, PolicyVersion | None]:
    """The text to try numbers in, and its version; the shipped text before the worker ran for the first time."""
    version = version_in_force(session)
    return (shipped_text() if version is None else version.text), version


def thresholds_of(source: str, disease: str) -> list[Threshold]:
    """Those on show: a level is no threshold."""
    found = thresholds(source, read(source), facts_of(disease))
    return [one for one in found if not one.name.endswith(".level")]


def trial_text(source: str, trial: Trial) -> str:
    """The rules with the numbers tried. Raises PolicyError."""
    known = {one.name: one for one in thresholds_of(source, trial.disease)}
    wanted = {
        known[name].path: type(known[name].value)(value)
        for name, value in trial.rules.items()
        if name in known
    }
    return with_numbers(source, wanted)


def run(session: Session, trial: Trial) -> Result:
    """Both sides of the trial; its profile must make sense (`lab_trial.refusal`). Raises PolicyError for rules that
    make none, TooManyLinks."""
    begin = clock.monotonic()
    base, area = context().profiles[trial.disease], viewer().areas
    wanted = tried(base, trial.profile)
    source, _version = rules_in_force(session)
    rules, policy = read(source), read(trial_text(source, trial))
    stamp = (
        session.execute(select(func.max(CaseVersion.id))).scalar(),
        session.scalar(select(func.max(Alert.id))),
    )
    key = (trial.disease, trial.first, trial.last, stamp)
    past = PASTS.get(key, lambda: _past(session, trial, base))
    old = _side(key, past, base, rules, None, area)
    new = _side(key, past, wanted, policy, old, area)
    return Result(
        trial=trial,
        past=past,
        old=old,
        new=new,
        outbreaks=relived.pair(old.course, new.course),
        alerts=[]
        if old.alerts is None or new.alerts is None
        else decided.pair(of_area(old.alerts, area), of_area(new.alerts, area)),
        seconds=clock.monotonic() - begin,
    )


def _past(session: Session, trial: Trial, base: Profile) -> Past:
    deployment = context().settings.deployment
    history = load_history(
        session, base, trial.first, trial.last,
        crs=deployment.metric_crs, zone=deployment.timezone, area=land(session),
    )  # fmt: skip
    return Past(
        history=history,
        kept=_kept(session, trial),
        truth=_truth(session),
        outcomes=_outcomes(session, trial),
        outbreak_of=_real_outbreaks(session, trial.disease),
    )


def _kept(session: Session, trial: Trial) -> Kept | None:
    """The evidence of the newest ALERT_DAYS of the period, as far as it was kept."""
    zone, units = context().settings.deployment.timezone, [place.id for place in communes_today(session)]
    first = first_belief(session, [trial.disease], units)
    if first is None:
        return None
    begin = max(trial.first, trial.last - timedelta(days=ALERT_DAYS - 1), first.astimezone(zone).date())
    days = [begin + timedelta(days=n) for n in range((trial.last - begin).days + 1)]
    if len(days) < 2 * WARM_UP_DAYS:
        return None
    moments = [datetime.combine(day, time.max, zone) for day in days]
    beliefs = believed_between(session, moments[0], moments[-1], unit_ids=units, diseases=[trial.disease])
    return Kept(
        facts=facts_of(trial.disease),
        beliefs=[belief for belief in beliefs if belief.signal.method != METHOD],
        silences=silences_between(session, [context().diseases[trial.disease]], moments[0], moments[-1]),
        moments=moments,
        zone=zone,
    )


def truth_file() -> Path | None:
    """A simulated city knows what was planted in it."""
    settings = context().settings
    path = settings.home / "demo" / "truth.csv"
    return path if settings.demo and path.exists() else None


def _truth(session: Session) -> Truth | None:
    path = truth_file()
    if path is None:
        return None
    today = [place.id for place in communes_today(session)]
    query = select(AdminUnit.code, AdminUnit.id).where(AdminUnit.id.in_(today))
    units = dict(session.execute(query).tuples().all())
    return truth_of(read_truth(path), units)


def _outcomes(session: Session, trial: Trial) -> list[Outcome]:
    zone = context().settings.deployment.timezone
    query = select(Alert.unit_id, Alert.opened_at, Alert.closed_at, Alert.outcome).where(
        Alert.disease == trial.disease, Alert.outcome.in_(("true", "false"))
    )
    return [
        Outcome(
            unit_id=unit_id,
            opened=opened.astimezone(zone).date(),
            closed=closed.astimezone(zone).date() if closed else None,
            right=outcome == "true",
        )
        for unit_id, opened, closed, outcome in session.execute(query)
    ]


def _real_outbreaks(session: Session, disease: str) -> dict[int, int]:
    query = (
        select(OutbreakVersion.outbreak_id, OutbreakVersion.members)
        .join(OutbreakRow, OutbreakRow.id == OutbreakVersion.outbreak_id)
        .where(OutbreakRow.disease == disease, OutbreakVersion.known_to.is_(None))
    )
    return {case: number for number, members in session.execute(query) for case in members}


def _side(
    key: Hashable,
    past: Past,
    profile: Profile,
    policy: Policy,
    like: Side | None,
    area: frozenset[int] | None,
) -> Side:
    """`like`: another side, whose alerts are taken where nothing that decides them is different."""
    by = linking_key(profile)
    course = replace(COURSES.get((key, by), lambda: relive(past.history, profile)), profile=profile)
    alerts = None
    if past.kept is not None:
        alerts = ALERTS.get((key, by, policy.hash), lambda: _decided(past, course, policy, like))
    mine = within(course, area)
    return Side(
        course=mine,
        burden=relived.burden(mine, past.history),
        alerts=alerts,
        card=None if past.truth is None else outbreak_card(past, mine),
        right=None if alerts is None else alerts_right(past, of_area(alerts, area)),
    )


def _decided(past: Past, course: Course, policy: Policy, like: Side | None) -> Alerts:
    assert past.kept is not None
    told = evidence(course, past.history, past.kept.moments, past.kept.zone)
    return decide_anew(past.kept, told, policy, like=None if like is None else like.alerts)


def linking_key(profile: Profile) -> Hashable:
    """When outbreaks are closed decides neither which there are nor what they tell the levels."""
    return profile.code, *(getattr(profile, name) for name in PARAMETERS if name != "close_days")


def within(course: Course, area: frozenset[int] | None) -> Course:
    """The outbreaks that lie in `area` (None: everywhere) at some time."""
    if area is None:
        return course
    return replace(
        course, found=[one for one in course.found if any(area & {*state.units} for state in one.states)]
    )


def of_area(alerts: Alerts, area: frozenset[int] | None) -> Sequence[LabAlert]:
    return [alert for alert in alerts.alerts if area is None or alert.unit_id in area]


def outbreak_card(past: Past, course: Course) -> Scorecard:
    """Each outbreak found, as if it were an alert in its leading commune, against the truth."""
    assert past.truth is not None
    born = [(one, one.states[0], one.born) for one in course.found if one.born is not None]
    disease = past.history.disease
    truth = replace(
        past.truth, planted=[planted for planted in past.truth.planted if planted.disease == disease]
    )
    return score(
        sorted(
            (
                Step(day=day, where=Where(disease, state.units[0]), kind=Kind.OPENED, level=2)
                for _, state, day in born
                if state.units
            ),
            key=lambda step: step.day,
        ),
        truth,
        [
            Recorded(day=day, disease=disease, unit_ids=frozenset(state.units), first_event=state.first_event)
            for _, state, day in born
        ],
        first=past.history.first,
        last=past.history.last,
        units=1,
    )


def alerts_right(past: Past, alerts: Sequence[LabAlert]) -> Share:
    """Of the alerts that would have opened: those about something that was, as the simulated truth knows or, of those
    that stood together with a real alert an officer judged, as the officer found."""
    opened = [alert for alert in alerts if alert.opened is not None]
    if past.truth is None:
        found = [outcome for alert in opened if (outcome := _judged(alert, past.outcomes)) is not None]
        return Share(k=sum(found), n=len(found))
    card = score(
        [
            Step(day=a.opened, where=Where(past.history.disease, a.unit_id), kind=Kind.OPENED, level=a.peak)
            for a in sorted(opened, key=lambda a: a.opened or date.min)
            if a.opened is not None
        ],
        past.truth,
        first=past.history.first,
        last=past.history.last,
        units=1,
    )
    return card.opened.true


def _judged(alert: LabAlert, outcomes: Sequence[Outcome]) -> bool | None:
    """The verdict on the first real alert there that stood at the same time; None without one."""
    for real in outcomes:
        if (
            real.unit_id == alert.unit_id
            and real.opened <= (alert.ended or date.max)
            and (alert.opened or date.min) <= (real.closed or date.max)
        ):
            return real.right
    return None
