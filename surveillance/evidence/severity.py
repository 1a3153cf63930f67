"""Severe cases and deaths of a disease in a commune, as Signals. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from i18n import Message
from surveillance.diseases import Disease, icd_key
from surveillance.evidence import SEVERITY
from surveillance.types import Frequency, Outcome, Signal

VERSION = "1"
SHORT, LONG = 14, 28
"""Days looked back on: one and two windows of HCDC's outbreak seed (domain.md §1.3)."""

SEVERE_ONLY = "Trong {days} ngày qua có {severe} ca nặng trên {cases} ca."
DIED = "Trong {days} ngày qua có {deaths} ca tử vong và {severe} ca nặng trên {cases} ca."


class Grave(NamedTuple):
    """A case that may be severe or ended in death; `day` is its event date, `ended` the day of the outcome (that of the
    report where none is named)."""

    disease: str
    unit_id: int
    icd10: str | None
    day: date
    outcome: str | None
    ended: date


def grade(icd10: str | None, disease: Disease) -> str | None:
    """ "severe", "warning_signs" or None by the code alone; the longest entry of the catalogue wins."""
    key = icd_key(icd10 or "")
    found = [
        (len(icd_key(code)), name)
        for name, codes in disease.severity.items()
        for code in codes
        if key.startswith(icd_key(code))
    ]
    return max(found)[1] if found else None


def severity_signals(
    graves: Iterable[Grave],
    cases: Mapping[tuple[str, int], int],
    diseases: Mapping[str, Disease],
    *,
    today: date,
    now: datetime,
) -> list[Signal]:
    """One Signal for each commune with a severe case or a death in the last LONG days; `cases` are all of those days.

    `observed` counts sick people: one who was severe and died is one.
    """
    counts: defaultdict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for grave in graves:
        counts[grave.disease, grave.unit_id].update(_tally(grave, diseases[grave.disease], today))
    return [
        _signal(disease, unit, found, cases.get((disease, unit), 0), today, now)
        for (disease, unit), found in sorted(counts.items())
        if found["grave"]
    ]


def _tally(grave: Grave, disease: Disease, today: date) -> list[str]:
    found = []
    graded, age = grade(grave.icd10, disease), (today - grave.day).days
    for days in (SHORT, LONG):
        if graded is not None and 0 <= age < days:
            found.append(f"{graded}_{days}")
        if grave.outcome == Outcome.DIED and 0 <= (today - grave.ended).days < days:
            found.append(f"deaths_{days}")
    return [*found, "grave"] if {f"severe_{LONG}", f"deaths_{LONG}"} & {*found} else found


def _signal(disease: str, unit: int, found: Counter[str], cases: int, today: date, now: datetime) -> Signal:
    severe, deaths = found[f"severe_{LONG}"], found[f"deaths_{LONG}"]
    whole = max(cases, severe)
    words = {"days": LONG, "severe": severe, "cases": whole}
    return Signal(
        disease=disease,
        unit_id=unit,
        method=SEVERITY,
        method_version=VERSION,
        frequency=Frequency.DAY,
        period_start=today - timedelta(days=LONG - 1),
        as_of=now,
        observed=float(found["grave"]),
        expected=None,
        upperbound=None,
        alarm=True,
        reason=Message(DIED, deaths=deaths, **words) if deaths else Message(SEVERE_ONLY, **words),
        detail={
            "severe_14": found[f"severe_{SHORT}"],
            "severe_28": severe,
            "warning_28": found[f"warning_signs_{LONG}"],
            "deaths_14": found[f"deaths_{SHORT}"],
            "deaths_28": deaths,
            "cases_28": cases,
            "severe_percent": round(100 * severe / whole, 1) if whole else None,
        },
    )
