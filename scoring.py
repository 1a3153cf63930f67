"""What a replay is worth: its kept signals decided by a policy, against what is known to have been."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, select

from alerts.budget import LINE, Point, with_strictness
from alerts.levels import Level
from alerts.lifecycle import Change, Kind
from alerts.models import Alert, AlertEvent, ReplayRun
from alerts.passport import DiseaseFacts
from alerts.redecide import alert_steps, redecide
from alerts.rules import Policy, parse_policy, shipped_text
from alerts.scorecard import (
    Recorded,
    Row,
    Scorecard,
    Share,
    Step,
    Truth,
    Where,
    calls,
    rows_of,
    score,
)
from db import session_scope
from i18n import Message
from settings import Settings
from surveillance.beliefs import believed_between, silences_between
from surveillance.diseases import load_catalogue
from surveillance.outbreaks.models import OutbreakRow, OutbreakVersion
from surveillance.types import Belief, SeriesKey, Silence, StatutoryStatus
from worker import disease_facts

HOUR = 18
"""When each day is decided, as `surveillance.analysis.replay` does."""
WARM_UP_DAYS = 21
"""Days at the beginning of a replay that are not scored: all that goes on already opens then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a replay kept of the days `first` to `last`: enough to decide all of them again by any policy."""

    beliefs: Sequence[Belief]
    silences: Sequence[Silence]
    moments: Sequence[datetime]
    facts: Mapping[str, DiseaseFacts]
    timezone: ZoneInfo
    recorded: Sequence[Recorded]


def load_kept(
    inside: Engine,
    settings: Settings,
    diseases: Sequence[str],
    first: date,
    last: date,
    unit_ids: Sequence[int],
) -> Kept:
    """`inside`: an engine of the replay's schema (`replay.engine_of`), or of `public` for what was really believed.

    The signals of the city as a whole take part in no decision.
    """
    catalogue, timezone = load_catalogue(), settings.deployment.timezone
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    moments = [datetime.combine(day, time(HOUR), timezone) for day in days]
    with session_scope(inside) as session:
        found = believed_between(session, moments[0], moments[-1], unit_ids=unit_ids, diseases=diseases)
        beliefs = list(found)
        chosen = [catalogue[code] for code in diseases]
        silences = silences_between(session, chosen, moments[0], moments[-1])
    return Kept(
        beliefs=beliefs,
        silences=silences,
        moments=moments,
        facts={code: disease_facts(catalogue, code) for code in diseases},
        timezone=timezone,
        recorded=recorded(inside, timezone),
    )


def recorded(inside: Engine, timezone: ZoneInfo) -> list[Recorded]:
    """Every outbreak as it was first written down."""
    newest = select(func.min(OutbreakVersion.id)).group_by(OutbreakVersion.outbreak_id)
    query = (
        select(
            OutbreakRow.disease,
            OutbreakVersion.known_from,
            OutbreakVersion.units,
            OutbreakVersion.first_event,
        )
        .join(OutbreakRow, OutbreakRow.id == OutbreakVersion.outbreak_id)
        .where(OutbreakVersion.id.in_(newest))
    )
    with session_scope(inside) as session:
        return [
            Recorded(
                day=known.astimezone(timezone).date(), disease=disease, unit_ids=frozenset(units), first_event=began
            )
            for disease, known, units, began in session.execute(query)
        ]  # fmt: skip


def steps_of(kept: Kept, policy: Policy) -> list[Step]:
    """What `policy` would have made of what was kept, in the order of days."""
    history = redecide(kept.beliefs, kept.silences, policy, kept.facts, kept.moments)
    return [
        Step(
            day=made.at.astimezone(kept.timezone).date(),
            where=where_of(made.area),
            kind=made.change.kind,
            level=made.change.level,
            calls=calls(made.change, policy.routing.email_min_level),
        )
        for made in alert_steps(history)
    ]


def where_of(area: SeriesKey) -> Where:
    return Where(area.disease, area.unit_id)


def score_replay(
    engine: Engine,
    inside: Engine,
    settings: Settings,
    run: ReplayRun,
    policy: Policy,
    truth: Truth | None,
    unit_ids: Sequence[int],
) -> Scorecard:
    """Score a finished replay and the line of stricter policies on it, and keep both with it.

    Without `truth` nothing is right or wrong: only burdens are known.
    """
    assert run.done_to is not None
    kept = load_kept(inside, settings, run.diseases, run.first_day, run.done_to, unit_ids)
    known = truth or Truth(planted=())
    since = min(run.first_day + timedelta(days=WARM_UP_DAYS), run.done_to)
    period: dict[str, Any] = {"first": since, "last": run.done_to, "units": len(unit_ids)}

    def scored(steps: Sequence[Step]) -> Scorecard:
        return score(steps, known, kept.recorded, **period)

    own = own_steps(inside, kept.timezone, policy.routing.email_min_level)
    card = scored(own)
    source = shipped_text()
    curve = [
        Point.of(step, scored(steps_of(kept, parse_policy(with_strictness(source, step))))) for step in LINE
    ]
    rows = [] if truth is None else rows_of(own, known, kept.recorded, first=since, last=run.done_to)
    with session_scope(engine) as session:
        stored = session.get_one(ReplayRun, run.schema)
        stored.scorecard = card.to_json() | {
            "truth": truth is not None,
            "rows": [row_json(row) for row in rows],
        }
        stored.curve = {"points": [point.to_json() for point in curve]}
    return card


def own_steps(inside: Engine, timezone: ZoneInfo, level: Level) -> list[Step]:
    """The steps the replay itself wrote down, as they would have been sent."""
    query = (
        select(
            AlertEvent.at, AlertEvent.kind, AlertEvent.level, AlertEvent.message, Alert.disease, Alert.unit_id
        )
        .join(Alert, Alert.id == AlertEvent.alert_id)
        .order_by(AlertEvent.id)
    )
    with session_scope(inside) as session:
        return [
            Step(
                day=at.astimezone(timezone).date(),
                where=Where(disease, unit_id),
                kind=Kind(kind),
                level=step_level,
                calls=calls(_change(kind, step_level, message["passport"]), level),
            )
            for at, kind, step_level, message, disease, unit_id in session.execute(query)
            if message and "passport" in message
        ]


def _change(kind: str, level: int, passport: Mapping[str, Any]) -> Change:
    """What of a change decides whether it is sent."""
    return Change(
        kind=Kind(kind),
        level_before=passport["level_before"],
        level=level,
        status_before=StatutoryStatus(passport["status_before"]),
        status=StatutoryStatus(passport["status"]),
        status_since=datetime.fromisoformat(passport["status_since"]),
        methods=frozenset(),
        new_methods=frozenset(),
    )


def row_json(row: Row) -> dict[str, Any]:
    days = {name: getattr(row, name) for name in ("opened", "called", "alarmed", "recorded", "caught")}
    return {
        "id": row.planted.id,
        "disease": row.planted.disease,
        "unit_id": min(row.planted.unit_ids),
        "second_known": row.planted.second_known.isoformat(),
        "cases": row.planted.cases,
        "standing": row.standing,
        **{name: day.isoformat() if day else None for name, day in days.items()},
    }


def lines_of(card: Scorecard, *, known: bool) -> Iterator[Message]:
    """The scorecard for the command line."""
    for name, burden in (("inbox", card.opened), ("sent", card.called), ("by level", card.alarmed)):
        yield Message(
            "{name}: {alerts} cảnh báo, {per_week} mỗi tuần, báo nhầm {false} mỗi xã mỗi năm, đúng {right}",
            name=name,
            alerts=burden.alerts,
            per_week=round(burden.per_week, 1),
            false=round(burden.false_per_unit_year, 2) if known else "–",
            right=share_text(burden.true) if known else "–",
        )
    for name, caught in {"caught": card.caught, **card.caught_by}.items() if known else ():
        yield Message(
            "{name}: {share} ổ dịch, trung vị {days} ngày từ ca thứ hai",
            name=name,
            share=share_text(caught.share),
            days="–" if caught.median_delay_days is None else round(caught.median_delay_days, 1),
        )


def share_text(share: Share) -> str:
    if share.interval is None or share.value is None:
        return "0/0"
    low, high = share.interval
    return f"{100 * share.value:.0f} % ({share.k}/{share.n}; {100 * low:.0f}–{100 * high:.0f})"
