"""A city's epidemics, simulated with the truth attached: for demonstrations, tests and benchmarks.

People, hospitals and outbreaks are invented; magnitudes, delays and faults follow domain.md §5 through the
deployment's `simulation.toml`. The same generator state gives the same epidemic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd

from surveillance.diseases import Catalogue
from surveillance.simulation.cases import (
    PlantedOutbreak,
    background,
    case_table,
    draw_outbreak,
    draw_size,
    planned_outbreaks,
)
from surveillance.simulation.city import City, FloatArray, places_from_registry
from surveillance.simulation.investigations import all_investigations, as_stated, first_outcomes
from surveillance.simulation.outcomes import NO_DAY, died_on
from surveillance.simulation.patients import with_care
from surveillance.simulation.reports import all_reports, first_reports
from surveillance.simulation.settings import load_settings
from surveillance.types import Verification

__all__ = ["Epidemic", "load_settings", "places_from_registry", "plant_outbreak", "simulate"]

WARM_UP_DAYS = 30
"""Cases begin this long before the first report, so that the first days are not thinner than the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Epidemic:
    """`reports`: one row per report received from `start` to `end`, duplicates and corrections included
    (columns in `surveillance.simulation.reports`). `cases`: the truth, also of cases not reported yet or
    before `start` (columns in `case_table` and `with_care`; `date_report` is when the first report comes).
    `investigations`: one row per form of a ward, over the same days (columns in
    `surveillance.simulation.investigations`); `cases.outcome` is what the first one of a case finds.
    `outbreaks`: what was planted; `cases.outbreak_id` names it, -1 none, and `cases.focus_id` the block of at least
    two cases, planted or not. `cases.died` is the day of death, NaT for all who live. `expected`: by disease the number
    of unplanted cases (communes of the city, weeks from WARM_UP_DAYS before `start`) that chance began from; empty
    where nothing but an outbreak was drawn.
    """

    start: date
    end: date
    reports: pd.DataFrame
    investigations: pd.DataFrame
    cases: pd.DataFrame
    outbreaks: tuple[PlantedOutbreak, ...]
    expected: Mapping[str, FloatArray] = field(default_factory=dict)


def simulate(
    city: City,
    catalogue: Catalogue,
    *,
    start: date,
    end: date,
    rng: np.random.Generator,
    scale: float = 1.0,
) -> Epidemic:
    """Everything reported to the city's CDC from `start` to `end`.

    `scale` multiplies the cases of all diseases and the number of outbreaks of past years, not the planted
    present. `end` is the present: the last weeks are calm with a few planted outbreaks (domain.md §5).
    Raises ValueError when `end` lies before `start` or a simulated disease is not in the catalogue.
    """
    if end < start:
        raise ValueError(f"the end {end} lies before the start {start}")
    first = start - timedelta(days=WARM_UP_DAYS)
    onsets = [
        background(city, disease, first=first, last=end, scale=scale, rng=rng)
        for disease in city.settings.diseases
    ]
    expected = {ill.disease: ill.expected for ill in onsets if ill.expected is not None}
    truths = []
    plans = list(planned_outbreaks(city, first=first, last=end, scale=scale, rng=rng))
    for number, (disease, sizes, began) in enumerate(plans, start=1):
        size = draw_size(sizes, rng)
        truth, ill = draw_outbreak(city, disease, id=number, start=began, size=size, rng=rng)
        truths.append(truth)
        onsets.append(ill)
    cases = with_care(case_table(city, onsets), city.settings, rng)
    cases = cases.assign(
        outcome=first_outcomes(cases, city.settings.investigations, rng),
        died=died_on(cases, city.settings, rng.spawn(1)[0]),
    )
    reports = all_reports(city, catalogue, as_stated(city, cases, rng), start=start, end=end, rng=rng)
    return Epidemic(
        start=start,
        end=end,
        reports=reports,
        investigations=all_investigations(city, cases, reports, start=start, end=end, rng=rng),
        cases=cases,
        outbreaks=tuple(truths),
        expected=expected,
    )


def plant_outbreak(
    city: City,
    catalogue: Catalogue,
    commune_code: str,
    disease: str,
    *,
    start: date,
    size: int,
    rng: np.random.Generator,
    days: int = 14,
    reported_on: date | None = None,
) -> Epidemic:
    """An outbreak of `size` faultless reports in one commune of today, ready for `hcdc_layout`; its wards verify all.

    Onsets fall within `days` of `start`. With `reported_on` every report comes that day (and admission not
    after it), as when a test drops one file; otherwise with the usual delays. Case numbers begin at 9,000,000
    so they do not meet those of `simulate`. Raises KeyError for a code that is no commune of today.
    """
    places = np.flatnonzero(city.commune_of == city.commune_index(commune_code))
    place = int(places[np.argmax(city.people[places])])
    number = int(rng.integers(1, 90_000))
    truth, ill = draw_outbreak(
        city, disease, id=number, start=start, size=size, rng=rng, place=place, days=days
    )
    cases = with_care(case_table(city, [ill]), city.settings, rng)
    cases["case_id"] += 9_000_000 + 10 * number
    if reported_on is not None:
        moment = pd.Timestamp(reported_on)
        cases = cases.assign(date_report=moment, date_admission=cases["date_admission"].clip(upper=moment))
    reports = first_reports(city, catalogue, cases, rng)
    looked_for = disease in city.settings.investigations.diseases
    cases = cases.assign(outcome=Verification.VERIFIED.value if looked_for else 0, died=NO_DAY)
    investigations = all_investigations(city, cases, reports, start=start, end=date.max, rng=rng)
    return Epidemic(
        start=start,
        end=reports["date_report"].max().date(),
        reports=reports.assign(report_id=np.arange(1, len(reports) + 1)),
        investigations=investigations,
        cases=cases,
        outbreaks=(truth,),
    )
