"""Same person, same illness? Exact keys decide; what a later report changes is decided here. Pure.

Two kinds of key link a report to a case (domain.md §1.4 has no national id; §8 case 15):
* "file": source system | hospital | hospital file number, within 180 days: hospitals start their numbers anew.
* "person": name | sex | birth year | commune | disease, within 14 days of admission (else report).
Sources without persons use "row": the whole row, and which of several identical rows it is.

A report without a disease ("" in its facts) says that the hospital now diagnoses something not under surveillance:
it discards the case of its exact file number, and opens none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from geodata.text import fold
from surveillance.privacy import Vault
from surveillance.types import CaseReport, Classification, Treatment

FILE, PERSON, ROW = "file", "person", "row"
WINDOW_DAYS: Mapping[str, int] = {FILE: 180, PERSON: 14, ROW: 366_000}
"""Days between two reports under one key that may still be one illness. [P]"""


class Key(NamedTuple):
    digest: bytes
    kind: str
    day: date


class Facts(NamedTuple):
    """What we believe of a case: the columns of `case_version`, in its order; a point as lon, lat."""

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
    unit_id: int | None
    former_unit_id: int | None
    place_level: str
    place_rule: str
    place_estimated: bool
    lon: float | None
    lat: float | None
    uncertainty_m: float | None


PLACE = (
    "unit_id",
    "former_unit_id",
    "place_level",
    "place_rule",
    "place_estimated",
    "lon",
    "lat",
    "uncertainty_m",
)


class Problem(NamedTuple):
    """Why a row is rejected, as it is stored: `reason` as JSON, the cell and the whole row encrypted."""

    row: int
    column: str | None
    value: bytes | None
    reason: str
    raw: bytes


class Incoming(NamedTuple):
    """A placed report on its way in. `source` is what the row said, without identifiers; `identity` is encrypted.

    `problems`: of a report without a disease, why its row is rejected when no case is found.
    """

    row: int
    known_at: datetime
    keys: tuple[Key, ...]
    facts: Facts
    source: Mapping[str, Any]
    identity: bytes | None
    content_hash: bytes
    problems: tuple[Problem, ...] = ()


class Belief(NamedTuple):
    """What is believed of a case. `excluded`: discarded because its hospital changed the diagnosis."""

    facts: Facts
    excluded: bool


class Current(NamedTuple):
    """The version of a case believed now. `stored`: it is a row of `case_version` already."""

    facts: Facts
    known_from: datetime
    report_id: int
    stored: bool
    excluded: bool = False


class Version(NamedTuple):
    case_id: int
    report_id: int
    known_from: datetime
    known_to: datetime | None
    facts: Facts


class StoredReport(NamedTuple):
    id: int
    case_id: int
    linked_by: str | None
    incoming: Incoming


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a batch changes. `closed`: stored current versions that end then; `replaced`: cases whose stored current
    version gives way to another one of the same instant; `rejected`: rows that named no disease and found no case."""

    new_cases: list[tuple[int, datetime]] = field(default_factory=list)
    keys: list[tuple[Key, int]] = field(default_factory=list)
    reports: list[StoredReport] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    closed: dict[int, datetime] = field(default_factory=dict)
    replaced: set[int] = field(default_factory=set)
    rejected: list[tuple[Problem, ...]] = field(default_factory=list)
    updated: int = 0
    unchanged: int = 0


class Links:
    """Cases by key, those of the database and those of this batch."""

    def __init__(self, known: Iterable[tuple[bytes, date, int]] = ()) -> None:
        self._cases: dict[bytes, list[tuple[date, int]]] = defaultdict(list)
        for digest, day, case_id in known:
            self._cases[digest].append((day, case_id))

    def find(self, keys: Sequence[Key]) -> tuple[int, str] | None:
        """The case and the kind of key it is found by: file before person, the nearest day first."""
        for key in keys:
            if key.digest in self._cases:
                distance, case_id = min(
                    (abs((day - key.day).days), case) for day, case in self._cases[key.digest]
                )
                if distance <= WINDOW_DAYS[key.kind]:
                    return case_id, key.kind
        return None

    def add(self, key: Key, case_id: int) -> None:
        self._cases[key.digest].append((key.day, case_id))


def person_keys(report: CaseReport, *, system: str, place: str, vault: Vault) -> tuple[Key, ...]:
    """File key, then person key, as far as the report has what they need. `place` names the commune.

    A report without a disease has the file key only: a person has other illnesses too.
    """
    day = report.date_admission or report.date_report
    keys = []
    if report.facility and report.facility_case_no:
        parts = (FILE, system, fold(report.facility), fold(report.facility_case_no))
        keys.append(Key(vault.digest(*parts), FILE, day))
    name = fold(report.identity.name or "")
    if name and report.sex and report.age_years is not None and place and report.disease:
        born = str(report.date_report.year - report.age_years)
        keys.append(Key(vault.digest(PERSON, name, report.sex, born, place, report.disease), PERSON, day))
    return tuple(keys)


def follow(now: Belief | None, report: Facts, *, linked_by: str, late: bool) -> Belief | None:
    """What is believed after `report` (see `merge`); `now` itself when it changes nothing.

    An excluded case comes back with the next report that names a disease, in that report's class: the earlier
    one was of a diagnosis its hospital had withdrawn.
    """
    if not report.disease:
        return now if now is None or late else Belief(_discarded(now.facts), True)
    if now is None:
        return Belief(report, False)
    if not now.excluded:
        return Belief(merge(now.facts, report, linked_by=linked_by, late=late), False)
    if late:
        return now
    open_again = now.facts._replace(classification=Classification.SUSPECTED.value)
    return Belief(merge(open_again, report, linked_by=linked_by, late=False), False)


def _discarded(facts: Facts) -> Facts:
    return facts._replace(classification=Classification.DISCARDED.value)


def merge(current: Facts, report: Facts, *, linked_by: str, late: bool) -> Facts:
    """What we believe after `report`. Empty cells, and "suspected" (what sources say who know no more), never
    erase what is known.

    By file number: the hospital corrects its own line, so the report's values replace ours.
    By person: a second hospital, so the earliest dates stay and inpatient outranks outpatient (domain.md §8 case 15).
    `late`: it was known before what we believe already, so it only fills gaps.
    """
    base, over = (report, current) if late else (current, report)
    values: dict[str, Any] = {
        name: new if new is not None else old
        for name, old, new in zip(Facts._fields, base, over, strict=True)
    }
    if over.classification == Classification.SUSPECTED:
        values["classification"] = base.classification
    if over.unit_id is None and base.unit_id is not None:
        values |= {name: getattr(base, name) for name in PLACE}
    else:
        values |= {name: getattr(over, name) for name in PLACE}
    if linked_by == PERSON:
        values |= _of_two_hospitals(current, report)
    else:
        values["event_date"] = values["date_onset"] or values["date_admission"] or values["date_report"]
    return Facts(**values)


def _of_two_hospitals(current: Facts, report: Facts) -> dict[str, Any]:
    inpatient = Treatment.INPATIENT in (current.treatment, report.treatment)
    admitted_there = report.treatment == Treatment.INPATIENT and current.treatment != Treatment.INPATIENT
    return {
        "date_onset": _earliest(current.date_onset, report.date_onset),
        "date_admission": _earliest(current.date_admission, report.date_admission),
        "date_report": min(current.date_report, report.date_report),
        "event_date": min(current.event_date, report.event_date),
        "treatment": Treatment.INPATIENT.value if inpatient else current.treatment or report.treatment,
        "facility": report.facility if admitted_there else current.facility,
    }


def _earliest(one: date | None, other: date | None) -> date | None:
    return min(filter(None, (one, other)), default=None)


def plan(
    batch: Iterable[Incoming],
    *,
    links: Links,
    contents: set[tuple[int, bytes]],
    current: dict[int, Current],
    case_ids: Iterator[int],
    report_ids: Iterator[int],
) -> Plan:
    """What `batch`, in its order, changes. `contents` holds (case, content hash) of the reports already kept;
    `current` the versions believed now of all cases `links` can find. Both are brought up to date."""
    made = Plan()
    unchanged = updated = 0
    open_versions: dict[int, Version] = {}
    for incoming in batch:
        found = links.find(incoming.keys)
        if found and (found[0], incoming.content_hash) in contents:
            unchanged += 1
            continue
        if incoming.problems and (found is None or found[0] not in current):
            made.rejected.append(incoming.problems)
            continue
        case_id = found[0] if found else next(case_ids)
        report_id = next(report_ids)
        if found is None:
            made.new_cases.append((case_id, incoming.known_at))
        else:
            updated += 1
        contents.add((case_id, incoming.content_hash))
        made.reports.append(StoredReport(report_id, case_id, found[1] if found else None, incoming))
        for key in incoming.keys:
            links.add(key, case_id)
            made.keys.append((key, case_id))
        believed = _believe(current.get(case_id), incoming, found[1] if found else "", report_id)
        if believed is not None:
            _supersede(made, open_versions, case_id, current.get(case_id), believed)
            current[case_id] = believed
    made.versions.extend(open_versions.values())
    return Plan(**{**vars(made), "updated": updated, "unchanged": unchanged})


def _believe(now: Current | None, incoming: Incoming, linked_by: str, report_id: int) -> Current | None:
    """The version that follows `now`, or None when the report changes nothing we believe.

    It never begins before the one it follows: what was believed earlier is not rewritten by a late file.
    """
    if now is None:
        return Current(incoming.facts, incoming.known_at, report_id, False)
    late = incoming.known_at < now.known_from
    after = follow(Belief(now.facts, now.excluded), incoming.facts, linked_by=linked_by, late=late)
    if after is None or after.facts == now.facts:
        return None
    return Current(after.facts, max(incoming.known_at, now.known_from), report_id, False, after.excluded)


def _supersede(
    made: Plan, open_versions: dict[int, Version], case_id: int, before: Current | None, after: Current
) -> None:
    if before is not None and before.stored:
        if after.known_from == before.known_from:
            made.replaced.add(case_id)
        else:
            made.closed[case_id] = after.known_from
    elif before is not None and after.known_from > before.known_from:
        made.versions.append(open_versions[case_id]._replace(known_to=after.known_from))
    open_versions[case_id] = Version(case_id, after.report_id, after.known_from, None, after.facts)
