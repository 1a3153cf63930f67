"""Which addresses wait for a person, in the order in which an answer matters. Reading only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from geodata.resolve import ELSEWHERE
from i18n import Message
from surveillance.models import DOUBTFUL, UNCERTAIN_M
from surveillance.outbreaks.models import OutbreakRow, OutbreakVersion
from surveillance.outbreaks.views import LIVING
from surveillance.place import MISPLACED
from surveillance.review.models import AddressFix
from surveillance.store import STANDING_FIX

MOST_CANDIDATES = 5
"""An officer is shown a case without a commune when it may lie in theirs and in few others. [P]"""
NEAR_DAYS = 30
"""HCDC's chain window: a case this long before the first or after the last of an outbreak may belong to it."""
MOST = 5000
PLACE_UNKNOWN = "Chưa rõ vị trí"
CHANGED = "Bệnh viện ghi địa chỉ khác sau lần sửa trước"


class Tier(IntEnum):
    """Why a case comes before another."""

    OUTBREAK = 0
    HIGH_LEVEL = 1
    OTHER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A case that waits. `version_id` is what is believed of it now; `words_id` the report whose words are read, None
    until they were. `group_key` and `by_area` as in `models.PlaceText`."""

    case_id: int
    version_id: int
    disease: str
    event_date: date
    date_report: date
    unit_id: int | None
    rule: str
    estimated: bool
    level: str
    uncertainty_m: float | None
    lon: float | None
    lat: float | None
    changed: bool
    words_id: int | None
    group_key: bytes | None
    by_area: bool
    has_address: bool
    candidates: tuple[int, ...]
    columns: str
    facility: str | None

    @property
    def why(self) -> Message:
        """Why a person should look, in words."""
        if self.unit_id is None or self.estimated or self.changed or self.rule in MISPLACED:
            return Message(self.rule or PLACE_UNKNOWN)
        if self.uncertainty_m is not None and self.uncertainty_m > UNCERTAIN_M:
            return Message("Vị trí có thể lệch tới {n} m", n=round(self.uncertainty_m))
        return Message(PLACE_UNKNOWN)

    @property
    def near(self) -> tuple[int, ...]:
        """Communes it may well lie in: the one believed, or a few candidates."""
        few = self.candidates if len(self.candidates) <= MOST_CANDIDATES else ()
        return tuple(dict.fromkeys((*((self.unit_id,) if self.unit_id else ()), *few)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the list: cases whose words are the same. `first` is the one that matters most."""

    first: Waiting
    cases: int
    tier: Tier
    outbreak_id: int | None
    area_level: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What makes a case matter: outbreaks that are not closed, by disease and commune and by member, and the levels.

    `outbreaks` hold (first event, last event, number); `levels` are 1–4 by disease and commune.
    """

    outbreaks: Mapping[tuple[str, int], Collection[tuple[date, date, int]]]
    members: Mapping[int, int]
    levels: Mapping[tuple[str, int], int]


def waiting(
    session: Session, area_ids: Collection[int] | None, *, disease: str | None = None, case_id: int | None = None,
    group_key: bytes | None = None,
) -> list[Waiting]:  # fmt: skip
    """At most MOST cases, the newest first, that a reader with these areas (None: the city) may see."""
    query, values = _query(areas=area_ids, disease=disease, case_id=case_id, group_key=group_key)
    rows = session.execute(text(f"{query} ORDER BY v.event_date DESC, v.case_id LIMIT {MOST}"), values)
    return [_waiting(row) for row in rows]


def waiting_count(
    session: Session, area_ids: Collection[int] | None, *, group_key: bytes | None = None
) -> int:
    query, values = _query(areas=area_ids, group_key=group_key)
    return session.execute(text(f"SELECT count(*) FROM ({query}) AS waiting"), values).scalar_one()


def entries(found: Iterable[Waiting], around: Surroundings) -> list[Entry]:
    """Cases with the same words as one line each; open outbreaks first, then diseases at level 3 and 4 there, then the
    newest, then those that most cases share. Pure."""
    groups: dict[bytes | int, list[Waiting]] = defaultdict(list)
    for case in found:
        groups[case.group_key or case.case_id].append(case)
    ranked = [_entry(cases, around) for cases in groups.values()]
    return sorted(ranked, key=lambda e: (e.tier, -e.first.event_date.toordinal(), -e.cases, e.first.case_id))


def surroundings(session: Session) -> Surroundings:
    outbreaks: dict[tuple[str, int], list[tuple[date, date, int]]] = defaultdict(list)
    members: dict[int, int] = {}
    query = (
        select(OutbreakRow.id, OutbreakRow.disease, OutbreakVersion)
        .join(OutbreakVersion, OutbreakVersion.outbreak_id == OutbreakRow.id)
        .where(OutbreakVersion.known_to.is_(None), OutbreakVersion.status.in_(LIVING))
    )
    for number, disease, version in session.execute(query):
        members |= dict.fromkeys(version.members, number)
        for unit in version.units:
            outbreaks[disease, unit].append((version.first_event, version.last_event, number))
    levels = session.execute(
        text("SELECT disease, unit_id, level FROM area_level WHERE known_to IS NULL AND NOT unknown")
    )
    return Surroundings(
        outbreaks=outbreaks,
        members=members,
        levels={(row.disease, row.unit_id): row.level for row in levels},
    )


def fixes_version(session: Session) -> int:
    """Grows with every decision about an address."""
    return session.scalar(select(func.max(AddressFix.id))) or 0


def _entry(cases: list[Waiting], around: Surroundings) -> Entry:
    judged = [(_judge(case, around), case) for case in cases]
    (tier, outbreak, level), first = min(
        judged, key=lambda pair: (pair[0][0], -pair[1].event_date.toordinal(), pair[1].case_id)
    )
    return Entry(first=first, cases=len(cases), tier=tier, outbreak_id=outbreak, area_level=level)


def _judge(case: Waiting, around: Surroundings) -> tuple[Tier, int | None, int | None]:
    if case.case_id in around.members:
        return Tier.OUTBREAK, around.members[case.case_id], None
    reach = timedelta(days=NEAR_DAYS)
    for unit in case.near:
        for first, last, number in around.outbreaks.get((case.disease, unit), ()):
            if first - reach <= case.event_date <= last + reach:
                return Tier.OUTBREAK, number, None
    if case.near:
        level = max(around.levels.get((case.disease, unit), 0) for unit in case.near)
    else:
        level = max((n for (disease, _), n in around.levels.items() if disease == case.disease), default=0)
    return (Tier.HIGH_LEVEL if level >= 3 else Tier.OTHER), None, level or None


def _query(**wanted: Any) -> tuple[str, dict[str, Any]]:
    """Doubtful or changed, not discarded, not outside the city, and not decided for the words it has now."""
    given = {name: value for name, value in wanted.items() if value is not None}
    if "areas" in given:
        given["areas"] = list(given["areas"])
    return _WAITING + "".join(_LIMITS[name] for name in given), {**given, "elsewhere": ELSEWHERE}


_WAITING = f"""
    SELECT v.case_id, v.id AS version_id, v.disease, v.event_date, v.date_report, v.unit_id, v.place_rule,
           v.place_estimated, v.place_level, v.uncertainty_m, ST_X(v.geom) AS lon, ST_Y(v.geom) AS lat, v.facility,
           t.report_id AS words_id, t.group_key, t.by_area, t.has_address, t.candidates, coalesce(t.changed, false)
           AS changed, w.facts->>'commune' AS commune, w.facts->>'district' AS district,
           w.facts->>'province' AS province
    FROM case_version v
    LEFT JOIN place_text t ON t.case_id = v.case_id
    LEFT JOIN case_report w ON w.id = t.report_id
    LEFT JOIN LATERAL (
        SELECT f.address_key FROM address_fix f
        WHERE f.case_id = v.case_id AND f.kind <> 'undo'
          AND NOT EXISTS (SELECT FROM address_fix u WHERE u.undoes = f.id)
        ORDER BY f.id DESC LIMIT 1
    ) d ON true
    WHERE v.id IN (
        SELECT id FROM case_version WHERE {DOUBTFUL}
        UNION
        SELECT c.id FROM place_text p JOIN case_version c ON c.case_id = p.case_id AND c.known_to IS NULL
        WHERE p.changed AND EXISTS (SELECT FROM address_fix f WHERE f.case_id = p.case_id AND {STANDING_FIX})
    )
      AND v.classification <> 'discarded' AND v.place_rule <> :elsewhere
      AND (d.address_key IS NULL OR d.address_key IS DISTINCT FROM t.address_key)
"""
_LIMITS: Mapping[str, str] = {
    "areas": f""" AND (v.unit_id = ANY(:areas) OR (v.unit_id IS NULL OR v.place_estimated)
        AND cardinality(t.candidates) BETWEEN 1 AND {MOST_CANDIDATES} AND t.candidates && CAST(:areas AS bigint[]))""",
    "disease": " AND v.disease = :disease",
    "case_id": " AND v.case_id = :case_id",
    "group_key": " AND t.group_key = :group_key",
}


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(
        case_id=row.case_id,
        version_id=row.version_id,
        disease=row.disease,
        event_date=row.event_date,
        date_report=row.date_report,
        unit_id=row.unit_id,
        rule=CHANGED if row.changed else row.place_rule,
        estimated=row.place_estimated,
        level=row.place_level,
        uncertainty_m=row.uncertainty_m,
        lon=row.lon,
        lat=row.lat,
        changed=row.changed,
        words_id=row.words_id,
        group_key=row.group_key,
        by_area=bool(row.by_area),
        has_address=bool(row.has_address),
        candidates=tuple(row.candidates or ()),
        columns=", ".join(filter(None, (row.commune, row.district, row.province))),
        facility=row.facility,
    )


def decided_at(session: Session, case_id: int) -> tuple[int | None, datetime | None]:
    """Who (user id) decided about a case last and when; None where nobody has."""
    query = select(AddressFix.user_id, AddressFix.at).where(AddressFix.case_id == case_id)
    row = session.execute(query.order_by(AddressFix.id.desc()).limit(1)).one_or_none()
    return (row.user_id, row.at) if row else (None, None)


def undone(event_id: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Whether an event was taken back."""
    later = aliased(AddressFix)
    return exists().where(later.undoes == event_id)
