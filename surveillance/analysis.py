"""One analysis: gather what is known, let the detectors judge it, keep what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from db import notify, session_scope
from geodata.units import neighbour_pairs, persons_in, province_of
from i18n import Message, MessageError
from surveillance import clusters, outlook
from surveillance.adjacency import adjacency_weights
from surveillance.coverage import coverage
from surveillance.detection.statutory import StatutoryRule
from surveillance.diseases import Catalogue, Disease
from surveillance.epiweek import local_day, month_start
from surveillance.evidence import METHODS as EVIDENCE
from surveillance.judgement import Places, judge
from surveillance.lines import Lines, load_lines
from surveillance.models import DiseaseArea, SignalRow
from surveillance.outbreaks import watching
from surveillance.quality import silent_diseases
from surveillance.signals import SignalKey, Stored, store_signals, stored_signals
from surveillance.types import BoolArray, SeriesKey, Signal, StatutoryStatus

HISTORY_YEARS = 6
"""Five years of comparison, and the week of the fifth that may begin in the year before."""

KEPT_APART = (outlook.METHOD, watching.METHOD, clusters.METHOD, *EVIDENCE)
"""Methods whose signals are made and kept by jobs of their own."""

Decisions = Mapping[tuple[str, int | None], tuple[bool | None, frozenset[int]]]
_UNDECIDED: tuple[bool | None, frozenset[int]] = (None, frozenset())


class ReplayError(MessageError, ValueError):
    """A replay that would rewrite what was already known; `message` says from when on it may run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisReport:
    """`signals`: everything believed after this analysis; `changed`: how many are new, different or gone."""

    signals: tuple[Signal, ...]
    changed: int


def analyse(
    session: Session,
    catalogue: Catalogue,
    *,
    diseases: Sequence[str],
    unit_ids: Sequence[int],
    now: datetime,
    timezone: ZoneInfo,
) -> AnalysisReport:
    """Judge `diseases` (catalogue codes) in the communes `unit_ids` by what is known at `now`, and keep it.

    Doing it again at the same `now` changes nothing. Listeners of `signals` hear when something changed.
    Raises ValueError for a disease the catalogue does not have.
    """
    today = local_day(now, timezone)
    lines = load_history(session, diseases, unit_ids, today, now)
    report = _judge_and_keep(session, catalogue, lines, now=now, today=today)
    if report.changed:
        notify(session, "signals")
    return report


def assess(
    session: Session,
    catalogue: Catalogue,
    *,
    diseases: Sequence[str],
    unit_ids: Sequence[int],
    day: date,
    as_of: datetime,
) -> list[Signal]:
    """What the methods say of `day` by what is known at `as_of`; nothing is kept (domain.md §8 case 7).

    Statutory statuses are those of the counts alone: without a memory there is no ENDED.
    """
    lines = load_history(session, diseases, unit_ids, day, as_of)
    places = places_of(session, unit_ids)
    return _judge(session, catalogue, lines, places=places, previous={}, now=as_of, today=day)


def replay(
    engine: Engine,
    catalogue: Catalogue,
    *,
    diseases: Sequence[str],
    unit_ids: Sequence[int],
    timezone: ZoneInfo,
    days: Iterable[date],
    hour: int = 18,
    after_day: Callable[[Session, datetime], object] = lambda session, now: None,
) -> int:
    """Analyse each of `days` at `hour` as it was known then, and commit it; returns how many signals changed.

    `after_day(session, now)` runs in the day's transaction; nobody else is told. Decisions in `disease_area` are
    those of today.
    Raises ReplayError when signals of these days or later ones are already kept.
    """
    moments = [datetime.combine(day, time(hour), timezone) for day in sorted(days)]
    if not moments:
        return 0
    with session_scope(engine) as session:
        _refuse_to_rewrite(session, moments[0])
        ever = load_lines(
            session, diseases, unit_ids=unit_ids, start=_history_start(moments[0].date()),
            end=moments[-1].date(), as_of=moments[-1], every_version=True,
        )  # fmt: skip
    changed = 0
    for now in moments:
        with session_scope(engine) as session:
            lines = ever.known_at(now)
            changed += _judge_and_keep(session, catalogue, lines, now=now, today=now.date()).changed
            after_day(session, now)
    return changed


def _judge_and_keep(
    session: Session, catalogue: Catalogue, lines: Lines, *, now: datetime, today: date
) -> AnalysisReport:
    places = places_of(session, lines.unit_ids)
    city = () if places.city_id is None else (places.city_id,)
    before = stored_signals(session, lines.diseases, (*lines.unit_ids, *city), without=KEPT_APART)
    previous = _previous(before, today)
    signals = _judge(session, catalogue, lines, places=places, previous=previous, now=now, today=today)
    changed = store_signals(session, signals, before, now=now)
    return AnalysisReport(signals=tuple(signals), changed=changed)


def _judge(
    session: Session,
    catalogue: Catalogue,
    lines: Lines,
    *,
    places: Places,
    previous: Mapping[SeriesKey, StatutoryStatus],
    now: datetime,
    today: date,
) -> list[Signal]:
    diseases = chosen_diseases(catalogue, lines.diseases)
    return judge(
        lines,
        diseases,
        places=places,
        unknown=unknown_days(session, diseases, lines.unit_ids, today, now),
        rules=_rules(_decisions(session, lines.diseases), diseases, lines.unit_ids),
        previous=previous,
        now=now,
        today=today,
    )


def load_history(
    session: Session, diseases: Sequence[str], unit_ids: Sequence[int], today: date, now: datetime
) -> Lines:
    """The cases known at `now` that any method may look at on `today`."""
    return load_lines(session, diseases, unit_ids=unit_ids, start=_history_start(today), end=today, as_of=now)


def places_of(session: Session, unit_ids: Sequence[int]) -> Places:
    """People, neighbours and city of the communes `unit_ids`."""
    persons = persons_in(session, unit_ids)
    return Places(
        population=np.array([persons.get(unit, np.nan) for unit in unit_ids], dtype=np.float64),
        weights=adjacency_weights(unit_ids, neighbour_pairs(session, unit_ids)),
        city_id=province_of(session, unit_ids),
    )


def chosen_diseases(catalogue: Catalogue, codes: Sequence[str]) -> list[Disease]:
    """Raises ValueError for a code the catalogue does not have."""
    found = {code: catalogue.by_code(code) for code in codes}
    if unknown := [code for code, disease in found.items() if disease is None]:
        raise ValueError(f"the catalogue does not have {', '.join(unknown)}")
    return [disease for disease in found.values() if disease is not None]


def _history_start(today: date) -> date:
    """Early enough for the week of five ISO years ago, which may begin in the December before."""
    return date(today.year - HISTORY_YEARS, 12, 1)


def unknown_days(
    session: Session,
    diseases: Sequence[Disease],
    unit_ids: Sequence[int],
    today: date,
    now: datetime,
) -> BoolArray:
    """Days (D, U, T) of which nothing can be known: before the sources began, and after they fell silent."""
    start, codes = _history_start(today), [disease.code for disease in diseases]
    unknown = coverage(session, codes, unit_ids=unit_ids, as_of=now).unknown(start, today)
    for code, last in silent_diseases(session, diseases, now=now).items():
        if last is not None:
            unknown[codes.index(code), :, max((last - start).days + 1, 0) :] = True
    return unknown


def _decisions(session: Session, diseases: Sequence[str]) -> Decisions:
    rows = session.scalars(select(DiseaseArea).where(DiseaseArea.disease.in_(diseases)))
    return {(row.disease, row.unit_id): (row.endemic, frozenset(row.epidemic_years)) for row in rows}


def _rules(
    decisions: Decisions, diseases: Sequence[Disease], unit_ids: Sequence[int]
) -> list[list[StatutoryRule]]:
    """The commune's word on endemicity before the city's before the catalogue's; epidemic years add up."""
    return [[_rule(decisions, disease, unit) for unit in unit_ids] for disease in diseases]


def _rule(decisions: Decisions, disease: Disease, unit_id: int) -> StatutoryRule:
    here, here_years = decisions.get((disease.code, unit_id), _UNDECIDED)
    city, city_years = decisions.get((disease.code, None), _UNDECIDED)
    endemic = next((word for word in (here, city) if word is not None), disease.endemic)
    return StatutoryRule(disease_group=disease.group, endemic=endemic, epidemic_years=here_years | city_years)


def _previous(before: Mapping[SignalKey, Stored], today: date) -> dict[SeriesKey, StatutoryStatus]:
    """The month's last status. That an epidemic ended is said until its month is over."""
    return {
        SeriesKey(key.disease, key.unit_id): StatutoryStatus(stored.content.status)
        for key, stored in before.items()
        if key.method == "statutory_month"
        and stored.content.status is not None
        and not (
            stored.content.status == StatutoryStatus.ENDED
            and stored.content.period_start < month_start(today)
        )
    }


def _refuse_to_rewrite(session: Session, first: datetime) -> None:
    newest = session.scalar(select(func.max(SignalRow.known_from)))
    if newest is not None and newest >= first:
        raise ReplayError(
            Message("Đã có kết quả phân tích đến {newest}; chỉ chạy lại được từ sau lúc đó.", newest=newest)
        )
