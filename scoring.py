"""What a replay is worth: its kept signals decided by a policy, against what is known to have been."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, select

from alerts.passport import DiseaseFacts
from alerts.redecide import alert_steps, redecide
from alerts.rules import Policy
from alerts.scorecard import Planted, Recorded, Spell, Step, Truth, Where, calls
from db import session_scope
from settings import Settings
from surveillance.beliefs import believed_between, silences_between
from surveillance.diseases import load_catalogue
from surveillance.outbreaks.models import OutbreakRow, OutbreakVersion
from surveillance.simulation.truth import SimulatedTruth, SpellTruth
from surveillance.types import Belief, SeriesKey, Silence
from worker import disease_facts

HOUR = 18
"""When each day is decided, as `surveillance.analysis.replay` does."""


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


def truth_of(simulated: SimulatedTruth, unit_of: Mapping[str, int]) -> Truth:
    """With ids for codes; what lies in none of them is left out."""
    return Truth(
        planted=[
            Planted(
                id=o.id,
                disease=o.disease,
                unit_ids=frozenset({unit_of[o.commune_code]}),
                first_onset=o.first_onset,
                second_known=o.second_known,
                last_onset=o.last_onset,
                cases=o.cases,
            )
            for o in simulated.outbreaks
            if o.commune_code in unit_of
        ],
        excess=_spells(simulated.excess, unit_of),
        foci=_spells(simulated.chains, unit_of),
    )


def _spells(found: Iterable[SpellTruth], unit_of: Mapping[str, int]) -> list[Spell]:
    return [
        Spell(where=Where(one.disease, unit_of[one.commune_code]), first=one.first, last=one.last)
        for one in found
        if one.commune_code in unit_of
    ]
