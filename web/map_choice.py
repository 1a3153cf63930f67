"""What the map page shows, as its URL says it, and the figures of each unit on show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from sqlalchemy.orm import Session

from alerts.levels import UNKNOWN, Shown
from alerts.views import levels_at
from geodata.people import persons_about
from geodata.places import Place, communes_today, places_on
from geodata.releases import Release, drawn_units, releases
from i18n import _
from surveillance.case_filter import CaseFilter
from surveillance.release_counts import ReleaseCounts, counts_on_release
from surveillance.slices import by_unit
from surveillance.types import StatutoryStatus
from web.context import Moment, context
from web.formats import day, level_fields, shown_level
from web.release_levels import chosen_release, levels_on_release
from web.remember import state_of
from web.selection import Selection

Metric = Literal["level", "rate"]
RATE_DAYS = 28


@dataclass(frozen=True, kw_only=True)
class Choice:
    """`release` None: the units of today. `years` of the curve."""

    disease: str | None
    on: date | None
    release: date | None
    metric: Metric
    years: int


@dataclass(frozen=True, kw_only=True)
class UnitRow:
    """A unit in the table and on the map. `estimated` of its cases of 28 days were shared out; `rate` per 100,000
    people in 28 days, None where no people are known."""

    place: Place
    level: Shown
    status: StatutoryStatus | None
    cases_7: float
    cases_28: float
    estimated: float
    rate: float | None


def choice_of(session: Session, selection: Selection) -> Choice:
    return Choice(
        disease=selection.disease,
        on=selection.on,
        release=chosen_release(session, selection.release.isoformat() if selection.release else None),
        metric="rate" if selection.metric == "rate" else "level",
        years=3 if selection.years == 3 else 1,
    )


def release_name(release: Release) -> str:
    """ "Từ 01/07/2025 (168)": the name a deployment gave it, else its first day, and how many units."""
    return f"{release.name or _('Từ {day}', day=day(release.on))} ({release.units})"


def release_options(session: Session) -> list[dict[str, str]]:
    """Today's first."""
    found = releases(session)
    return [
        {"value": "today" if i == 0 else release.on.isoformat(), "label": release_name(release)}
        for i, release in enumerate(found)
    ]


def windows(shown: Moment) -> list[tuple[date, date]]:
    """7 and 28 days up to the day on show."""
    return [(shown.today - timedelta(days=length - 1), shown.today) for length in (7, RATE_DAYS)]


def unit_rows(session: Session, choice: Choice, shown: Moment) -> tuple[list[UnitRow], ReleaseCounts | None]:
    """The units on show, the highest level first; of an older release, which has no levels of its own, the most
    cases, and how these came onto them."""
    if choice.release is None:
        asked = ("unit rows", choice.disease, shown, state_of(session))
        return context().memory.ask(asked, lambda: _rows_today(session, choice, shown)), None
    counts = counts_on_release(
        session, choice.release, disease=choice.disease, periods=windows(shown), as_of=shown.as_of
    )
    rows = _rows_then(session, choice.release, counts, choice, shown)
    return sorted(rows, key=lambda row: -row.cases_28), counts


def _rows_today(session: Session, choice: Choice, shown: Moment) -> list[UnitRow]:
    places = communes_today(session)
    views = levels_at(session, disease=choice.disease, as_of=shown.as_of)
    columns = context().columns.current(session)
    asked = CaseFilter(disease=choice.disease, start=shown.today, end=shown.today, as_of=shown.as_of)
    cases_7, cases_28 = (
        by_unit(columns, columns.rows(replace(asked, start=first, end=last)))[0]
        for first, last in windows(shown)
    )
    persons = persons_about(session, [place.id for place in places], shown.today.year)
    rows = []
    for place in places:
        view, cases = views.get(place.id), cases_28.get(place.id, 0)
        rows.append(
            UnitRow(
                place=place,
                level=UNKNOWN if view is None else shown_level(view.level, view.unknown),
                status=StatutoryStatus.INSUFFICIENT if view is None else view.status,
                cases_7=cases_7.get(place.id, 0),
                cases_28=cases,
                estimated=0,
                rate=rate_of(cases, persons.get(place.id)),
            )
        )
    return sorted(rows, key=lambda row: (-level_fields(row.level)["level_order"], -row.cases_7))


def _rows_then(
    session: Session, release: date, counts: ReleaseCounts, choice: Choice, shown: Moment
) -> list[UnitRow]:
    """Of the units that the map shows; their level is that of what they went into."""
    drawn = drawn_units(session, release)
    views = levels_at(session, disease=choice.disease, as_of=shown.as_of)
    levels = levels_on_release(
        session, release, {unit: shown_level(x.level, x.unknown) for unit, x in views.items()}
    )
    persons = persons_about(session, sorted(drawn), shown.today.year)
    weeks, months, estimated = counts.by_unit(0), counts.by_unit(1), counts.estimated_by_unit(1)
    return [
        UnitRow(
            place=place,
            level=levels[place.id],
            status=None,
            cases_7=weeks.get(place.id, 0),
            cases_28=months.get(place.id, 0),
            estimated=estimated.get(place.id, 0),
            rate=rate_of(months.get(place.id, 0), persons.get(place.id)),
        )
        for place in places_on(session, release)
        if place.id in drawn
    ]


def rate_of(cases: float, persons: float | None) -> float | None:
    """Per 100,000 people."""
    return 100_000 * cases / persons if persons else None
