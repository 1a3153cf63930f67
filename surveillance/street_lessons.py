"""What wards' investigations teach of the city's streets: the address a hospital wrote and the point a ward measured at
that door are one place. Only the place goes on, to `geodata.street_store`: who, when and why stay behind
(docs/decisions/streets.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from psycopg import Cursor

from geodata.address import parse
from geodata.gazetteer import Gazetteer
from geodata.street_store import Lesson
from geodata.types import FINEST, UnitKey, UnitLevel
from surveillance.belief import Facts
from surveillance.linkage import StoredReport
from surveillance.place import MEASURED
from surveillance.privacy import Vault
from surveillance.types import Verification

FOUND = frozenset({Verification.VERIFIED, Verification.OTHER_DISEASE})
"""Address and patient were there, whatever the disease: the measured home is the address that was written."""
_MOST_UNCERTAIN_M = FINEST[0][0]


class _Told(NamedTuple):
    """What a hospital last said of a case's place."""

    run_id: int
    identity: bytes
    unit_id: int | None
    former_unit_id: int | None


def lessons_of(
    cursor: Cursor[Any],
    run_id: int,
    reports: Sequence[StoredReport],
    *,
    gazetteer: Gazetteer,
    unit_keys: Mapping[int, UnitKey],
    vault: Vault,
) -> Iterator[Lesson]:
    """Of the investigations among `reports`; none where the address names no street or hamlet."""
    found = {report.case_id: report for report in reports if _teaches(report.incoming.facts)}
    for case_id, told in _addresses(cursor, list(found)).items():
        report = found[case_id]
        address = parse(vault.decrypt(told.identity).get("address") or "", gazetteer.vocabulary)
        facts = report.incoming.facts
        name = address.street or address.hamlet
        if not name or facts.lat is None or facts.lon is None:
            continue
        former, today = _units(facts, told, unit_keys)
        yield Lesson(
            street=name,
            house=address.house,
            lat=facts.lat,
            lon=facts.lon,
            former=former,
            today=today,
            district=_district(gazetteer, former, today),
            known_from=report.incoming.known_at,
            taught_by=(run_id, told.run_id),
        )


def _teaches(facts: Facts) -> bool:
    """A door that was found, measured as finely as a house, in the commune the form names."""
    return (
        facts.verification in FOUND
        and facts.uncertainty_m is not None
        and facts.uncertainty_m <= _MOST_UNCERTAIN_M
        and facts.place_rule == MEASURED
    )


def _addresses(cursor: Cursor[Any], cases: list[int]) -> dict[int, _Told]:
    if not cases:
        return {}
    cursor.execute(
        "SELECT DISTINCT ON (p.case_id) p.case_id, p.run_id, p.identity,"
        " (p.facts->'believed'->>'unit_id')::bigint, (p.facts->'believed'->>'former_unit_id')::bigint"
        " FROM case_report p JOIN ingest_run r ON r.id = p.run_id"
        " WHERE p.case_id = ANY(%s) AND r.state <> 'undone' AND p.identity IS NOT NULL"
        " AND p.facts->'believed'->>'verification' IS NULL"
        " ORDER BY p.case_id, p.known_at DESC, p.id DESC",
        (cases,),
        prepare=False,
    )
    return {case_id: _Told(*rest) for case_id, *rest in cursor}


def _units(
    facts: Facts, told: _Told, unit_keys: Mapping[int, UnitKey]
) -> tuple[UnitKey | None, UnitKey | None]:
    """(old ward, commune of today): the form's; the hospital's old ward where it agrees with the form's commune."""
    unit_id = facts.unit_id or told.unit_id
    former_id = facts.former_unit_id or (told.former_unit_id if told.unit_id == unit_id else None)
    former = unit_keys.get(former_id) if former_id else None
    return former, unit_keys.get(unit_id) if unit_id else None


def _district(gazetteer: Gazetteer, former: UnitKey | None, today: UnitKey | None) -> UnitKey | None:
    if former:
        return gazetteer.units[former].parent
    origins = gazetteer.origins.get(today, frozenset()) if today else frozenset()
    districts = [key for key in origins if key.level is UnitLevel.DISTRICT]
    return districts[0] if len(districts) == 1 else None
