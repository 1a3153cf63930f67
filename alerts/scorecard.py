"""Do the alerts deserve trust? Precision, sensitivity, delay and burden of a run against what really was. Pure.

Every figure is defined in docs/methods/scorecard.md; the definitions were written before the figures were known. Days
are those of the city. An alert *opens* in the inbox; it *calls* when a change of it is sent to an officer at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import sqrt
from statistics import median
from typing import Any, Final, Literal, NamedTuple

from alerts.levels import Level
from alerts.lifecycle import Change, Kind, severity
from alerts.routing import LOUD, QUIET

LEAST_CASES: Final = 5
"""Outbreaks of fewer cases are not asked for (issue 6)."""
LATE_DAYS: Final = 14
"""An alert that opens so many days after an event is still about it: cases are reported late."""
CHANCE_DAYS: Final = 7
"""At least so many days from its second known case an outbreak may be caught in, however short it is."""


WARNED_EARLY_DAYS: Final = 28
"""An alarm so long before an epidemic is still about it."""
Call = Literal["", "level", "duty"]


class Where(NamedTuple):
    disease: str
    unit_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change of an alert. `calls`: it was sent to an officer at once, for its "level", or only because the law starts
    or ends a "duty"."""

    day: date
    where: Where
    kind: Kind
    level: int
    calls: Call = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """An outbreak that is known to have been. `unit_ids`: its commune and those that share it. `second_known` and
    `last_known`: the days its second and its last case were reported."""

    id: int
    disease: str
    unit_ids: frozenset[int]
    first_onset: date
    second_known: date
    last_onset: date
    last_known: date
    cases: int

    @property
    def window(self) -> tuple[date, date]:
        """The days in which it can be caught: while its cases come to be known."""
        return self.second_known, max(self.last_known, self.second_known + timedelta(days=CHANCE_DAYS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """Days in which a commune had more of a disease than usual."""

    where: Where
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An outbreak the system wrote down on `day`."""

    day: date
    disease: str
    unit_ids: frozenset[int]
    first_event: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What really was. `excess`: the expected number of cases itself was too high; `foci`: outbreaks of at least
    LEAST_CASES that nobody planted."""

    planted: Sequence[Planted]
    excess: Sequence[Spell] = ()
    foci: Sequence[Spell] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`k` of `n`, with Wilson's 95 % interval; None of nothing."""

    k: int
    n: int

    @property
    def value(self) -> float | None:
        return self.k / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.k, self.n) if self.n else None

    def to_json(self) -> dict[str, Any]:
        return {"k": self.k, "n": self.n, "value": self.value, "interval": self.interval}


@dataclass(frozen=True, slots=True, kw_only=True)
class Burden:
    """Alerts of one kind (all that opened, or those that called) over the period, and how many were right.

    `true`: about an outbreak of LEAST_CASES, planted or grown by itself, or an excess; `strict`: grown ones left out.
    """

    alerts: int
    per_week: float
    per_officer_week: float
    true: Share
    strict: Share
    false_per_unit_year: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """How many of the known outbreaks were noticed one way, and the days from the second known case to it."""

    share: Share
    median_delay_days: float | None
    p90_delay_days: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """`opened`, `called` and `alarmed` (called for its level, whatever the law says) weigh people's attention. `caught`
    is by any news of an alert or a recorded outbreak, `caught_by` by each alone; `standing`: outbreaks whose alert was
    open already and brought no news."""

    first: date
    last: date
    units: int
    opened: Burden
    called: Burden
    alarmed: Burden
    calls_per_week: float
    caught: Caught
    caught_by: Mapping[str, Caught]
    standing: int

    def to_json(self) -> dict[str, Any]:
        return {name: _json(getattr(self, name)) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One known outbreak and when each way noticed it; None: not."""

    planted: Planted
    opened: date | None
    called: date | None
    alarmed: date | None
    recorded: date | None
    standing: bool

    @property
    def caught(self) -> date | None:
        return min(filter(None, (self.opened, self.called, self.recorded)), default=None)


def calls(change: Change, email_min_level: Level) -> Call:
    """Whether, and why, the change is sent to the officers of the area at once (`routing.recipients`)."""
    if change.kind in LOUD and change.level >= email_min_level:
        return "level"
    if change.status_rose or change.status_ended or (change.kind in LOUD and severity(change.status) > 0):
        return "duty"
    return ""


def wilson(k: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927), honest for few."""
    p, spread = k / n, z * sqrt(k / n * (1 - k / n) / n + z * z / (4 * n * n))
    middle, scale = p + z * z / (2 * n), 1 + z * z / n
    return max(0.0, min(p, (middle - spread) / scale)), min(1.0, max(p, (middle + spread) / scale))


def score(
    steps: Iterable[Step],
    truth: Truth,
    recorded: Iterable[Recorded] = (),
    *,
    first: date,
    last: date,
    units: int,
    officers: int | None = None,
) -> Scorecard:
    """Steps in the order of their days, from the beginning of the run; figures are of `first` to `last`.

    Outbreaks count that have LEAST_CASES and whose days to be caught in lie in the period. `officers`: among how many
    the alerts are shared; one for each of the `units` where nobody says.
    """
    ordered = list(steps)
    rows = [_row(planted, ordered, list(recorded)) for planted in _asked_for(truth, first, last)]
    judge = _judge(truth)
    days, staff = (last - first).days + 1, officers or units
    inside = [step for step in ordered if first <= step.day <= last]
    called, alarmed = (
        [step for step in _first_calls(ordered, wanted) if first <= step.day <= last]
        for wanted in (("level", "duty"), ("level",))
    )
    openings = [step for step in inside if step.kind in (Kind.OPENED, Kind.REOPENED)]
    return Scorecard(
        first=first,
        last=last,
        units=units,
        opened=_burden(openings, judge, days, units, staff),
        called=_burden(called, judge, days, units, staff),
        alarmed=_burden(alarmed, judge, days, units, staff),
        calls_per_week=sum(bool(step.calls) for step in inside) * 7 / days,
        caught=_caught(rows, lambda row: row.caught),
        caught_by={
            "alarmed": _caught(rows, lambda row: row.alarmed),
            "called": _caught(rows, lambda row: row.called),
            "opened": _caught(rows, lambda row: row.opened),
            "recorded": _caught(rows, lambda row: row.recorded),
        },
        standing=sum(row.standing and row.caught is None for row in rows),
    )


def rows_of(
    steps: Iterable[Step], truth: Truth, recorded: Iterable[Recorded], *, first: date, last: date
) -> list[Row]:
    """Outbreak by outbreak, what `score` counts."""
    ordered, known = list(steps), list(recorded)
    return [_row(planted, ordered, known) for planted in _asked_for(truth, first, last)]


def is_true(step: Step, truth: Truth) -> bool:
    """Whether an alert that opened or called with this step was about something that really was."""
    return _judge(truth)(step)[0]


def _asked_for(truth: Truth, first: date, last: date) -> list[Planted]:
    return [
        planted
        for planted in truth.planted
        if planted.cases >= LEAST_CASES and planted.window[0] >= first and planted.window[1] <= last
    ]


def _row(planted: Planted, steps: Sequence[Step], recorded: Sequence[Recorded]) -> Row:
    begin, end = planted.window
    here = {Where(planted.disease, unit_id) for unit_id in planted.unit_ids}
    news = [step for step in steps if step.where in here and begin <= step.day <= end]
    return Row(
        planted=planted,
        opened=min((step.day for step in news if step.kind in LOUD), default=None),
        called=min((step.day for step in news if step.calls and step.kind not in QUIET), default=None),
        alarmed=min((step.day for step in news if step.calls == "level"), default=None),
        recorded=min(
            (
                one.day
                for one in recorded
                if one.disease == planted.disease
                and begin <= one.day <= end
                and one.first_event >= planted.first_onset
                and one.unit_ids & planted.unit_ids
            ),
            default=None,
        ),
        standing=any(_open_before(step_list, begin) for step_list in _by_area(steps, here).values()),
    )


def _by_area(steps: Iterable[Step], here: set[Where]) -> dict[Where, list[Step]]:
    found: defaultdict[Where, list[Step]] = defaultdict(list)
    for step in steps:
        if step.where in here:
            found[step.where].append(step)
    return found


def _open_before(steps: Sequence[Step], day: date) -> bool:
    before = [step for step in steps if step.day < day]
    return bool(before) and before[-1].kind not in (Kind.ENDED, Kind.CLOSED)


def _first_calls(steps: Iterable[Step], wanted: Sequence[Call]) -> list[Step]:
    """Of each alert's life the first step that called for one of the `wanted` reasons."""
    called: set[Where] = set()
    found = []
    for step in steps:
        if step.kind in (Kind.ENDED, Kind.CLOSED, Kind.OPENED, Kind.REOPENED):
            called.discard(step.where)
        if step.calls in wanted and step.kind not in QUIET and step.where not in called:
            called.add(step.where)
            found.append(step)
    return found


def _judge(truth: Truth) -> Callable[[Step], tuple[bool, bool]]:
    """Of a step: about something planted, an excess or a focus; the same without foci."""
    events: defaultdict[Where, list[tuple[date, date]]] = defaultdict(list)
    chains: defaultdict[Where, list[tuple[date, date]]] = defaultdict(list)
    for planted in truth.planted:
        for unit_id in planted.unit_ids:
            events[Where(planted.disease, unit_id)].append((planted.first_onset, planted.last_onset))
    for spells, kept in ((truth.excess, events), (truth.foci, chains)):
        for spell in spells:
            kept[spell.where].append((spell.first, spell.last))

    def lies_in(step: Step, kept: Mapping[Where, Sequence[tuple[date, date]]]) -> bool:
        late = timedelta(days=LATE_DAYS)
        return any(begin <= step.day <= end + late for begin, end in kept.get(step.where, ()))

    def judged(step: Step) -> tuple[bool, bool]:
        strictly = lies_in(step, events)
        return strictly or lies_in(step, chains), strictly

    return judged


def _burden(
    alerts: Sequence[Step],
    judge: Callable[[Step], tuple[bool, bool]],
    days: int,
    units: int,
    officers: int,
) -> Burden:
    judged = [judge(step) for step in alerts]
    n, right = len(judged), sum(either for either, _ in judged)
    return Burden(
        alerts=n,
        per_week=n * 7 / days,
        per_officer_week=n * 7 / days / officers,
        true=Share(k=right, n=n),
        strict=Share(k=sum(strictly for _, strictly in judged), n=n),
        false_per_unit_year=(n - right) / units / (days / 365.25),
    )


def _caught(rows: Sequence[Row], when: Callable[[Row], date | None]) -> Caught:
    found = [(day - row.planted.second_known).days for row in rows if (day := when(row)) is not None]
    return Caught(
        share=Share(k=len(found), n=len(rows)),
        median_delay_days=median(found) if found else None,
        p90_delay_days=quantile(found, 0.9) if found else None,
    )


def quantile(values: Iterable[float], share: float) -> float:
    """Linear between the ordered values, as numpy's default. Raises ValueError for none."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no value")
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


# What officers recorded of real alerts


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """A real alert: when it opened, when a person first acted on it, what it turned out to be."""

    opened_at: datetime
    acknowledged_at: datetime | None
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """Of real alerts. `right`: true of true and false; the other outcomes say nothing of the alarm."""

    alerts: int
    per_week: float
    per_officer_week: float
    outcomes: Mapping[str, int]
    right: Share
    acknowledged: Share
    median_hours: float | None
    p90_hours: float | None
    in_time: Share


def handling(
    alerts: Sequence[Handled], *, first: date, last: date, officers: int, now: datetime, within_hours: float
) -> Handling:
    """`in_time`: acknowledged within `within_hours`, of those that were or whose time is over at `now`."""
    outcomes: defaultdict[str, int] = defaultdict(int)
    for alert in alerts:
        outcomes[alert.outcome or ""] += 1
    hours = [_hours(a.opened_at, a.acknowledged_at) for a in alerts if a.acknowledged_at is not None]
    over = sum(a.acknowledged_at is None and _hours(a.opened_at, now) > within_hours for a in alerts)
    weeks = ((last - first).days + 1) / 7
    return Handling(
        alerts=len(alerts),
        per_week=len(alerts) / weeks,
        per_officer_week=len(alerts) / weeks / max(officers, 1),
        outcomes=dict(outcomes),
        right=Share(k=outcomes["true"], n=outcomes["true"] + outcomes["false"]),
        acknowledged=Share(k=len(hours), n=len(alerts)),
        median_hours=median(hours) if hours else None,
        p90_hours=quantile(hours, 0.9) if hours else None,
        in_time=Share(k=sum(h <= within_hours for h in hours), n=len(hours) + over),
    )


def _hours(begin: datetime, end: datetime) -> float:
    return (end - begin).total_seconds() / 3600


def _json(value: Any) -> Any:
    if isinstance(value, Share):
        return value.to_json()
    if hasattr(value, "__dataclass_fields__"):
        return {name: _json(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {key: _json(one) for key, one in value.items()}
    return value.isoformat() if isinstance(value, date) else value


# Epidemics: were people warned before the peak?


@dataclass(frozen=True, slots=True, kw_only=True)
class Epidemic:
    """A long excess of one commune; `peak` is the first day of its worst week."""

    where: Where
    first: date
    peak: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """`before_peak`: epidemics with an alarm by level before their worst week began; days from it to that week."""

    before_peak: Share
    median_days: float | None


def lead(steps: Iterable[Step], epidemics: Sequence[Epidemic]) -> Lead:
    """An alarm counts from WARNED_EARLY_DAYS before the first day; one that stood longer counts as of then."""
    alarmed: defaultdict[Where, list[tuple[date, date]]] = defaultdict(list)
    open_since: dict[Where, date] = {}
    for step in steps:
        if step.calls == "level":
            open_since.setdefault(step.where, step.day)
        elif step.kind in (Kind.ENDED, Kind.CLOSED) and step.where in open_since:
            alarmed[step.where].append((open_since.pop(step.where), step.day))
    for where, since in open_since.items():
        alarmed[where].append((since, date.max))
    days = [found for epidemic in epidemics if (found := _days_before(epidemic, alarmed)) is not None]
    return Lead(before_peak=Share(k=len(days), n=len(epidemics)), median_days=median(days) if days else None)


def _days_before(epidemic: Epidemic, alarmed: Mapping[Where, Sequence[tuple[date, date]]]) -> int | None:
    early = epidemic.first - timedelta(days=WARNED_EARLY_DAYS)
    starts = [max(since, early) for since, until in alarmed.get(epidemic.where, ()) if until >= early]
    days = [(epidemic.peak - start).days for start in starts if start < epidemic.peak]
    return max(days, default=None)
