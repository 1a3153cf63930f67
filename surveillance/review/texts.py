"""The words of a waiting case, out of the vault once: what they may mean, and which cases they are shared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geodata.aliases import AreaWords, area_words, names_person, says_nothing
from geodata.resolve import ELSEWHERE, NOT_IN_DISTRICT, UNKNOWN_COMMUNE, UNKNOWN_DISTRICT
from geodata.text import fold
from geodata.types import Match
from surveillance.linkage import Key, person_keys
from surveillance.models import DOUBTFUL, CaseReportRow
from surveillance.place import MISPLACED, Placer
from surveillance.privacy import Vault
from surveillance.review.models import PlaceText
from surveillance.store import STANDING_FIX
from surveillance.types import CaseReport, Identity

BATCH = 5000
UNKNOWN_WORDS = frozenset({UNKNOWN_COMMUNE, UNKNOWN_DISTRICT, NOT_IN_DISTRICT})
"""Words that no register has: they mean one thing to whoever writes them, and can be learnt. An ambiguous name cannot:
it means another commune in the next row."""

_WANTED = f"""
    WITH wanted AS (
        SELECT id FROM case_version WHERE {DOUBTFUL}
        UNION
        SELECT v.id FROM address_fix f JOIN case_version v ON v.case_id = f.case_id AND v.known_to IS NULL
        WHERE {STANDING_FIX}
    )
    SELECT v.case_id, v.unit_id, v.place_rule, ST_X(v.geom) AS lon, ST_Y(v.geom) AS lat,
           r.id AS report_id, r.facts, r.identity, fixed.address_key AS fixed_key
    FROM wanted w JOIN case_version v ON v.id = w.id
    LEFT JOIN LATERAL (
        SELECT f.address_key, f.report_id, f.after_report FROM address_fix f
        WHERE f.case_id = v.case_id AND {STANDING_FIX} ORDER BY f.id DESC LIMIT 1
    ) fixed ON true
    LEFT JOIN LATERAL (
        SELECT max(i.id) FILTER (WHERE i.facts ? 'verification' AND i.facts->'believed'->>'place_rule' = v.place_rule)
               AS found,
               max(i.id) FILTER (WHERE NOT i.facts ? 'verification') AS reported
        FROM case_report i JOIN ingest_run n ON n.id = i.run_id
        WHERE i.case_id = v.case_id AND n.state <> 'undone' AND i.id > coalesce(fixed.after_report, 0)
    ) newest ON true
    JOIN case_report r ON r.id = coalesce(newest.found, newest.reported, fixed.report_id, v.report_id)
    LEFT JOIN place_text t ON t.case_id = v.case_id
    WHERE (t.report_id IS DISTINCT FROM r.id OR t.changed AND fixed.address_key IS NOT DISTINCT FROM t.address_key)
      AND v.place_rule <> :elsewhere AND v.classification <> 'discarded'
    ORDER BY v.id DESC LIMIT {BATCH}
"""
"""Whose words are to be read: those of its ward's form where that spoke of the place, else those of its hospital's
newest row; of a case that was corrected, those that came after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceWords:
    """What a report says of the place, and the names that must never be learnt with it. Personal data."""

    commune: str | None
    district: str | None
    province: str | None
    address: str | None = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    on: date

    @property
    def said(self) -> dict[str, str | None]:
        return {
            "commune": self.commune,
            "district": self.district,
            "province": self.province,
            "address": self.address,
        }

    @property
    def columns(self) -> str:
        """Commune, district and province as the source wrote them."""
        return ", ".join(filter(None, (self.commune, self.district, self.province)))


def words_of(facts: Mapping[str, Any], identity: bytes | None, vault: Vault) -> PlaceWords:
    """Of a stored report. Raises PrivacyError when the key does not open it."""
    person = vault.decrypt(identity) if identity is not None else {}
    return PlaceWords(
        commune=facts.get("commune"),
        district=facts.get("district"),
        province=facts.get("province"),
        address=person.get("address"),
        names=tuple(filter(None, (person.get("name"), person.get("guardian")))),
        on=date.fromisoformat(facts["believed"]["date_report"]),
    )


def read_words(session: Session, report_id: int, vault: Vault) -> PlaceWords:
    report = session.get_one(CaseReportRow, report_id)
    return words_of(report.facts, report.identity, vault)


def person_key(report: CaseReportRow, unit_id: int, vault: Vault) -> Key | None:
    """The key by which another hospital's row of this person in this commune finds the case; None without a person."""
    if report.identity is None:
        return None
    facts = report.facts
    again = CaseReport(
        row=report.row,
        disease=facts["disease"],
        date_report=date.fromisoformat(facts["date_report"]),
        date_admission=date.fromisoformat(facts["date_admission"]) if facts.get("date_admission") else None,
        sex=facts.get("sex"),
        age_years=facts.get("age_years"),
        identity=Identity(name=vault.decrypt(report.identity).get("name")),
    )
    return next(iter(person_keys(again, system="", place=f"#{unit_id}", vault=vault)), None)


def lesson(words: PlaceWords, match: Match) -> AreaWords | None:
    """What a decision about `words`, which the register left open as `match`, would teach; None: nothing.

    Words the register does not know teach their commune; words of a commune that was split teach it only together with
    a neighbourhood. Nothing is learnt that holds a name of the patient or guardian.
    """
    if match.estimated:
        found = area_words(words.said, fine=True)
    elif match.unit is None and match.rule in UNKNOWN_WORDS:
        found = area_words(words.said)
    else:
        return None
    return None if found is None or names_person(found, words.names) else found


def address_key(words: PlaceWords, vault: Vault) -> bytes:
    return vault.digest("place", *(fold(part or "") for part in words.said.values()))


def index_texts(session: Session, placer: Placer, vault: Vault) -> int:
    """Read the words of waiting cases whose report was not read yet, and of corrected ones whose words may have
    changed; how many were read (at most BATCH)."""
    rows = [_row(row, placer, vault) for row in session.execute(text(_WANTED), {"elsewhere": ELSEWHERE})]
    if rows:
        statement = insert(PlaceText)
        changed = {name: statement.excluded[name] for name in rows[0] if name != "case_id"}
        session.execute(statement.on_conflict_do_update(index_elements=["case_id"], set_=changed), rows)
    return len(rows)


def _row(row: Any, placer: Placer, vault: Vault) -> dict[str, Any]:
    words = words_of(row.facts, row.identity, vault)
    match = look_up(words, placer)
    own = address_key(words, vault)
    learnt = lesson(words, match) if row.place_rule not in MISPLACED else None
    return {
        "case_id": row.case_id,
        "report_id": row.report_id,
        "address_key": own,
        "group_key": _group_key(words, learnt, own, row.case_id, vault),
        "by_area": learnt is not None,
        "has_address": bool(words.address),
        "candidates": candidate_ids(match, row.unit_id, row.place_rule, row.lon, row.lat, placer),
        "changed": row.fixed_key not in (None, own)
        and (not match.unit or placer.unit_ids[match.unit] != row.unit_id),
    }


def _group_key(words: PlaceWords, learnt: AreaWords | None, own: bytes, case_id: int, vault: Vault) -> bytes:
    """Cases are decided together by the words that can be learnt, else by the whole address; a case without an address
    stands alone: a district is no address."""
    if learnt:
        return vault.digest("area", *learnt)
    return vault.digest("case", str(case_id)) if says_nothing(words.address) else own


def look_up(words: PlaceWords, placer: Placer) -> Match:
    return placer.look_up(**words.said, on=words.on)


def candidate_ids(
    match: Match, unit_id: int | None, rule: str, lon: float | None, lat: float | None, placer: Placer
) -> list[int]:
    """Communes the case may lie in, likeliest first; of a point in the wrong commune the two it is between."""
    if rule in MISPLACED and lon is not None and lat is not None:
        found = [unit_id, placer.areas.unit_at(lon, lat)]
        return [unit for unit in dict.fromkeys(found) if unit is not None]
    found_by_words = [placer.unit_ids[c.unit] for c in match.candidates if c.unit in placer.unit_ids]
    if found_by_words:
        return found_by_words
    return [placer.unit_ids[match.unit]] if match.unit and match.unit in placer.unit_ids else []
