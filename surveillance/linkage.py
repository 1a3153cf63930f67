"""Same person, same illness? Exact keys decide. Pure; what a linked report changes is said in `belief`.

Two kinds of key link a report to a case (domain.md §1.4 has no national id; §8 case 15):
* "file": source system | hospital | hospital file number, within 180 days: hospitals start their numbers anew.
* "person": name | sex | birth year | commune | disease, within 14 days of admission (else report).
Sources without persons use "row": the whole row, and which of several identical rows it is.

Reports that open no case (of a disease not under surveillance; of a ward's investigation) have the file key only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from geodata.text import fold
from surveillance.belief import FILE, PERSON, ROW, Belief, Facts, follow
from surveillance.privacy import Vault
from surveillance.types import CaseReport

WINDOW_DAYS: Mapping[str, int] = {FILE: 180, PERSON: 14, ROW: 366_000}
"""Days between two reports under one key that may still be one illness. [P]"""


class Key(NamedTuple):
    digest: bytes
    kind: str
    day: date


class Problem(NamedTuple):
    """Why a row is rejected, as it is stored: `reason` as JSON, the cell and the whole row encrypted."""

    row: int
    column: str | None
    value: bytes | None
    reason: str
    raw: bytes


class Incoming(NamedTuple):
    """A placed report on its way in. `source` is what the row said, without identifiers; `identity` is encrypted.

    `problems`: of a report that opens no case, why its row is rejected when none is found.
    """

    row: int
    known_at: datetime
    keys: tuple[Key, ...]
    facts: Facts
    source: Mapping[str, Any]
    identity: bytes | None
    content_hash: bytes
    problems: tuple[Problem, ...] = ()


class Current(NamedTuple):
    """What is believed of a case now. `stored`: as a row of `case_version`. A case whose reports were all taken back
    has a belief without facts, and the moment until which something was believed as `known_from`."""

    belief: Belief
    known_from: datetime
    report_id: int | None
    stored: bool
    investigation_id: int | None = None


class Version(NamedTuple):
    case_id: int
    report_id: int
    investigation_id: int | None
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
    version gives way to another one of the same instant; `rejected`: rows that open no case and found none."""

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
        before = current.get(found[0]) if found else None
        if incoming.problems and (before is None or before.belief.facts is None):
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
        after = _believe(before, incoming, found[1] if found else "", report_id)
        if after is not None:
            current[case_id] = after
            if before is None or after.belief.facts != before.belief.facts:
                _supersede(made, open_versions, case_id, before, after)
    made.versions.extend(open_versions.values())
    return Plan(**{**vars(made), "updated": updated, "unchanged": unchanged})


def _believe(now: Current | None, incoming: Incoming, linked_by: str, report_id: int) -> Current | None:
    """What is believed after `incoming`, or None when it changes nothing.

    A version never begins before the one it follows: what was believed earlier is not rewritten by a late file.
    """
    if now is None:
        return Current(Belief(incoming.facts, False), incoming.known_at, report_id, False)
    late = incoming.known_at < now.known_from
    after = follow(now.belief, incoming.facts, linked_by=linked_by, late=late)
    if after is None or after == now.belief:
        return None
    if after.facts == now.belief.facts:
        return now._replace(belief=after) if after.found or after.fix else None
    shaped_by = "report_id" if incoming.facts.verification is None else "investigation_id"
    known_from = max(incoming.known_at, now.known_from)
    return now._replace(belief=after, known_from=known_from, stored=False, **{shaped_by: report_id})


def _supersede(
    made: Plan, open_versions: dict[int, Version], case_id: int, before: Current | None, after: Current
) -> None:
    if before is not None and before.stored:
        if after.known_from == before.known_from:
            made.replaced.add(case_id)
        else:
            made.closed[case_id] = after.known_from
    elif case_id in open_versions and after.known_from > open_versions[case_id].known_from:
        made.versions.append(open_versions[case_id]._replace(known_to=after.known_from))
    open_versions[case_id] = version_of(case_id, after)


def version_of(case_id: int, now: Current) -> Version:
    """Raises ValueError when nothing is believed of the case."""
    facts = now.belief.facts
    if facts is None or now.report_id is None:
        raise ValueError(f"no report of case {case_id} counts")
    return Version(case_id, now.report_id, now.investigation_id, now.known_from, None, facts)
