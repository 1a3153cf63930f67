"""What we believe of a case: what its hospitals reported and, over it, what its ward found. Pure.

The two are kept apart. A later line of a hospital changes what was reported and never erases what was seen at the door;
an investigation replaces what it speaks of (place, onset, diagnosis) and leaves the rest (age, sex, ICD-10, …).
A person who corrects an address (`PlaceFix`) overrules both as far as they were known then, in the place alone; what a
ward finds later overrules the person.

A report without a disease ("" in its facts) says that the hospital now diagnoses something not under surveillance:
it discards the case, and opens none. An investigation has a `verification` and no disease either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from geodata.types import PlaceLevel
from surveillance.types import Classification, Outcome, Treatment, Verification
from surveillance.verification import MOVED

FILE, PERSON, ROW = "file", "person", "row"
"""Kinds of key that link a report to a case (`linkage`)."""


class Facts(NamedTuple):
    """The columns of `case_version`, in its order; a point as lon, lat.

    Of an investigation: what it says. `date_report` is its day; nothing is said of the place where `unit_id` and `lon`
    are None, unless its outcome is that the patient lives elsewhere.
    """

    disease: str
    icd10: str | None
    classification: str
    treatment: str | None
    event_date: date
    date_onset: date | None
    date_admission: date | None
    date_report: date
    sex: str | None
    age_years: int | None
    facility: str | None
    setting: str | None
    outcome: str | None
    date_outcome: date | None
    verification: int | None
    unit_id: int | None
    former_unit_id: int | None
    place_level: str
    place_rule: str
    place_estimated: bool
    lon: float | None
    lat: float | None
    uncertainty_m: float | None


POINT = ("place_level", "place_rule", "lon", "lat", "uncertainty_m")
PLACE = ("unit_id", "former_unit_id", "place_estimated", *POINT)


class StoredFacts(NamedTuple):
    """A kept report: what it said, and by which kind of key it was linked (None: it opened the case)."""

    id: int
    linked_by: str | None
    facts: Facts


class StoredFix(NamedTuple):
    """A kept correction: the place columns it gives, and the last report of the case that was known then."""

    place: Mapping[str, Any]
    after_report: int


class PlaceFix(NamedTuple):
    """Where a person placed the case, and what its investigations said since."""

    place: Mapping[str, Any]
    later: Facts | None = None

    def over(self, facts: Facts) -> Facts:
        placed = facts._replace(**self.place)
        return placed._replace(**_place_over(placed, self.later)) if self.later else placed


class Belief(NamedTuple):
    """`reported` None: no hospital's report counts (any more). `excluded`: discarded because its hospital changed the
    diagnosis. `found`: what its investigations say together. `fix`: where a person placed it."""

    reported: Facts | None
    excluded: bool
    found: Facts | None = None
    fix: PlaceFix | None = None

    @property
    def facts(self) -> Facts | None:
        if self.reported is None:
            return None
        facts = _found_over(self.reported, self.found) if self.found else self.reported
        if self.fix:
            facts = self.fix.over(facts)
        return _discarded(facts) if self.excluded else facts


class Folded(NamedTuple):
    """The belief a case's reports lead to, with the last report and the newest investigation among them."""

    belief: Belief | None
    report_id: int | None
    investigation_id: int | None


def fold(reports: Iterable[StoredFacts], fix: StoredFix | None = None) -> Folded:
    """What `reports`, in the order they became known, and the last correction of the place make us believe."""
    belief: Belief | None = None
    later: Facts | None = None
    last: dict[bool, int] = {}
    for report in reports:
        belief = follow(belief, report.facts, linked_by=report.linked_by or FILE, late=False)
        investigated = report.facts.verification is not None
        last[investigated] = report.id
        if fix and investigated and report.id > fix.after_report:
            later = _together(later, report.facts)
    if fix:
        belief = (belief or Belief(None, False))._replace(fix=PlaceFix(fix.place, later))
    return Folded(belief, last.get(False), last.get(True))


def follow(now: Belief | None, report: Facts, *, linked_by: str, late: bool) -> Belief | None:
    """What is believed after `report` (see `merge`); `now` itself when it changes nothing. `late`: the report was known
    before what we believe already. Investigations go by their own day, whichever comes first.

    An excluded case comes back with the next report that names a disease, in that report's class: the earlier
    one was of a diagnosis its hospital had withdrawn.
    """
    if report.verification is not None:
        before = now or Belief(None, False)
        fix = before.fix and before.fix._replace(later=_together(before.fix.later, report))
        return before._replace(found=_together(before.found, report), fix=fix)
    if now is None or now.reported is None:
        return (
            (now or Belief(None, False))._replace(reported=report, excluded=False) if report.disease else now
        )
    if not report.disease:
        return now if late else now._replace(reported=_discarded(now.reported), excluded=True)
    if not now.excluded:
        return now._replace(reported=merge(now.reported, report, linked_by=linked_by, late=late))
    if late:
        return now
    open_again = now.reported._replace(classification=Classification.SUSPECTED.value)
    return now._replace(reported=merge(open_again, report, linked_by=linked_by, late=False), excluded=False)


def _discarded(facts: Facts) -> Facts:
    return facts._replace(classification=Classification.DISCARDED.value)


def merge(current: Facts, report: Facts, *, linked_by: str, late: bool) -> Facts:
    """What hospitals reported after `report`. Empty cells, and "suspected" (what sources say who know no more), never
    erase what is known.

    By file number: the hospital corrects its own line, so the report's values replace ours.
    By person: a second hospital, so the earliest dates stay and inpatient outranks outpatient (domain.md §8 case 15).
    `late`: it was known before what we believe already, so it only fills gaps.
    """
    base, over = (report, current) if late else (current, report)
    values = _filled(base, over)
    if over.unit_id is None and base.unit_id is not None:
        values |= {name: getattr(base, name) for name in PLACE}
    else:
        values |= {name: getattr(over, name) for name in PLACE}
    if linked_by == PERSON:
        values |= _of_two_hospitals(current, report)
    else:
        values["event_date"] = values["date_onset"] or values["date_admission"] or values["date_report"]
    return Facts(**values)


def _filled(base: Facts, over: Facts) -> dict[str, Any]:
    """`over`'s values, `base`'s where it has none."""
    values: dict[str, Any] = {
        name: new if new is not None else old
        for name, old, new in zip(Facts._fields, base, over, strict=True)
    }
    if over.classification == Classification.SUSPECTED:
        values["classification"] = base.classification
    return values


def _of_two_hospitals(current: Facts, report: Facts) -> dict[str, Any]:
    admitted_there = report.treatment == Treatment.INPATIENT and current.treatment != Treatment.INPATIENT
    return {
        "date_onset": _earliest(current.date_onset, report.date_onset),
        "date_admission": _earliest(current.date_admission, report.date_admission),
        "date_report": min(current.date_report, report.date_report),
        "event_date": min(current.event_date, report.event_date),
        "treatment": _higher(current.treatment, report.treatment),
        "facility": report.facility if admitted_there else current.facility,
        **_outcome(current, report),
    }


def _earliest(one: date | None, other: date | None) -> date | None:
    return min(filter(None, (one, other)), default=None)


def _higher(one: str | None, other: str | None) -> str | None:
    """Inpatient outranks outpatient."""
    return Treatment.INPATIENT.value if Treatment.INPATIENT in (one, other) else one or other


_FINAL = (Outcome.DIED, Outcome.DISCHARGED, Outcome.OTHER, Outcome.TRANSFERRED)
"""A patient transferred by one hospital is discharged, or dies, in the next; a death stays what it is."""


def _outcome(one: Facts, other: Facts) -> dict[str, Any]:
    """The more final outcome of two reports, with its day."""
    known = [facts for facts in (one, other) if facts.outcome is not None]
    if not known:
        return {"outcome": None, "date_outcome": one.date_outcome or other.date_outcome}
    final = min(known, key=lambda facts: _FINAL.index(Outcome(str(facts.outcome))))
    return {"outcome": final.outcome, "date_outcome": final.date_outcome}


def _together(found: Facts | None, report: Facts) -> Facts:
    """Two investigations as one: the newer outcome, and what only the older one says of the rest."""
    if found is None:
        return report
    base, over = (report, found) if report.date_report < found.date_report else (found, report)
    return Facts(**{**_filled(base, over), **_place_over(base, over)})


def _found_over(reported: Facts, found: Facts) -> Facts:
    """The case as its ward found it; what the investigation does not speak of is as it was reported.

    `event_date`, the day it is counted on, stays that of its hospitals: see docs/decisions/verification.md.
    """
    values: dict[str, Any] = {
        "verification": found.verification,
        "classification": _class_found(found) or reported.classification,
        "treatment": _higher(reported.treatment, found.treatment),
        "date_onset": found.date_onset or reported.date_onset,
        **_outcome(reported, found),
    }
    return reported._replace(**values, **_place_over(reported, found))


def _class_found(found: Facts) -> str | None:
    """None where the investigation leaves it to the hospital; an older "discarded" is gone once the ward says yes."""
    if found.verification == Verification.OTHER_DISEASE:
        return Classification.DISCARDED.value
    outdated = (
        found.verification == Verification.VERIFIED and found.classification == Classification.DISCARDED
    )
    return None if outdated or found.classification == Classification.SUSPECTED else found.classification


def _place_over(base: Facts, over: Facts) -> dict[str, Any]:
    """The place columns: `over`'s as far as it names one. Its point alone is a point in the commune of `base`; its
    commune alone keeps the finer place that `base` knows there. Moved to nobody knows where is a place unknown."""
    if over.unit_id is None and over.verification not in MOVED:
        place = {name: getattr(base, name) for name in PLACE}
        if over.lon is None:
            return place
        level = over.place_level if base.unit_id is not None else PlaceLevel.UNKNOWN.value
        return place | {name: getattr(over, name) for name in POINT} | {"place_level": level}
    coarser = over.place_level == PlaceLevel.COMMUNE and base.place_level in _FINER
    kept = base if coarser and over.unit_id == base.unit_id else over
    return {name: getattr(kept, name) for name in PLACE}


_FINER = (PlaceLevel.HOUSE, PlaceLevel.STREET, PlaceLevel.NEIGHBOURHOOD)
