"""From when on the sources tell of a disease in a commune. Days before are unknown, which is not zero.

A source speaks for a whole former province: HCDC's files hold nothing of Bình Dương before July 2025
(domain.md §4), and years of false zeros there would turn every case into an epidemic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geodata.models import AdminUnit
from geodata.types import UnitLevel
from surveillance.lines import believed
from surveillance.models import CaseVersion
from surveillance.types import Classification

DayArray = NDArray[np.datetime64]
_NEVER = np.datetime64("9999-12-31")

NEWEST_CASES = 200
"""A disease is fed by the sources of this many of its newest cases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """First known days, shape (D, U), NaT where no source has told of anything yet."""

    diseases: tuple[str, ...]
    unit_ids: tuple[int, ...]
    since: DayArray

    def unknown(self, start: date, end: date) -> NDArray[np.bool_]:
        """Whether each day of `start`..`end` is before the first known one, shape (D, U, T)."""
        days = np.arange(np.datetime64(start), np.datetime64(end) + 1)
        return ~(days >= self.since[..., None])


def coverage(
    session: Session, diseases: Sequence[str], *, unit_ids: Sequence[int], as_of: datetime | None = None
) -> Coverage:
    """First event of any disease that shares a source, in the commune's former province."""
    areas = _areas(session, unit_ids)
    labels = sorted({areas[unit] for unit in unit_ids})
    members = [[unit for unit, area in areas.items() if area == label] for label in labels]
    fed_by = sources_of(session, as_of=as_of)
    everything = sorted({*diseases, *fed_by})
    first = np.array([_first_days(session, everything, units, as_of) for units in members])
    first = first.reshape(len(labels), len(everything)).T
    since = np.array(
        [first[_relatives(disease, everything, fed_by)].min(axis=0) for disease in diseases],
        dtype="datetime64[D]",
    ).reshape(len(diseases), len(labels))
    since = np.where(since == _NEVER, np.datetime64("NaT"), since)
    columns = [labels.index(areas[unit]) for unit in unit_ids]
    return Coverage(diseases=tuple(diseases), unit_ids=tuple(unit_ids), since=since[:, columns])


def sources_of(session: Session, *, as_of: datetime | None = None) -> dict[str, frozenset[str]]:
    """The sources of each disease's newest cases."""
    query = text(
        """
        WITH RECURSIVE known(disease) AS (
            (SELECT disease FROM case_version ORDER BY disease LIMIT 1)
            UNION ALL
            SELECT (
                SELECT v.disease FROM case_version v WHERE v.disease > k.disease ORDER BY v.disease LIMIT 1
            )
            FROM known k WHERE k.disease IS NOT NULL
        )
        SELECT k.disease, array_agg(DISTINCT r.source)
        FROM known k
        CROSS JOIN LATERAL (
            SELECT v.report_id FROM case_version v
            WHERE v.disease = k.disease AND (CAST(:as_of AS timestamptz) IS NULL OR v.known_from <= :as_of)
            ORDER BY v.event_date DESC LIMIT :newest
        ) v
        JOIN case_report c ON c.id = v.report_id
        JOIN ingest_run r ON r.id = c.run_id
        GROUP BY k.disease
        """
    )
    rows = session.execute(query, {"as_of": as_of, "newest": NEWEST_CASES})
    return {disease: frozenset(sources) for disease, sources in rows}


def first_event_day(session: Session, disease: str, *, as_of: datetime | None = None) -> date | None:
    """The earliest event of `disease` in any commune; None without a case."""
    return session.scalar(
        select(func.min(CaseVersion.event_date)).where(
            CaseVersion.disease == disease,
            CaseVersion.unit_id.is_not(None),
            CaseVersion.classification != Classification.DISCARDED,
            believed(as_of),
        )
    )


def _relatives(disease: str, everything: Sequence[str], fed_by: Mapping[str, frozenset[str]]) -> list[int]:
    """Positions of the diseases that share a source with `disease`; of all when no source ever told of it."""
    mine = fed_by.get(disease)
    return [i for i, other in enumerate(everything) if mine is None or mine & fed_by.get(other, frozenset())]


def _first_days(
    session: Session, diseases: Sequence[str], unit_ids: Sequence[int], as_of: datetime | None
) -> list[np.datetime64]:
    """First event of each disease in any of the units; _NEVER without one. One index probe per disease."""
    query = text(
        """
        SELECT (
            SELECT v.event_date FROM case_version v
            WHERE v.disease = d.code AND v.unit_id = ANY(:units) AND v.classification <> 'discarded'
              AND CASE WHEN CAST(:as_of AS timestamptz) IS NULL THEN v.known_to IS NULL
                  ELSE v.known_from <= :as_of AND (v.known_to IS NULL OR v.known_to > :as_of) END
            ORDER BY v.event_date LIMIT 1
        )
        FROM unnest(CAST(:diseases AS text[])) WITH ORDINALITY AS d(code, i) ORDER BY d.i
        """
    )
    values = {"units": list(unit_ids), "diseases": list(diseases), "as_of": as_of}
    days = session.scalars(query, values)
    return [_NEVER if day is None else np.datetime64(day) for day in days]


def communes(session: Session) -> list[int]:
    """The communes of today."""
    query = select(AdminUnit.id).where(AdminUnit.level == UnitLevel.COMMUNE, AdminUnit.valid_to.is_(None))
    return list(session.scalars(query.order_by(AdminUnit.id)))


def _areas(session: Session, unit_ids: Sequence[int]) -> dict[int, int]:
    """Of every commune of today, the province before the mergers that most of it came from; 0 if none did."""
    query = text(
        """
        SELECT l.new_id, mode() WITHIN GROUP (
            ORDER BY CASE WHEN parent.level = 'province' THEN parent.id ELSE parent.parent_id END) AS province
        FROM unit_lineage l
        JOIN admin_unit old ON old.id = l.old_id
        JOIN admin_unit parent ON parent.id = old.parent_id
        GROUP BY l.new_id
        """
    )
    provinces = {row.new_id: row.province for row in session.execute(query)}
    return {unit: provinces.get(unit) or 0 for unit in {*communes(session), *map(int, unit_ids)}}
