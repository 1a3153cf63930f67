"""Keeps the evidence beside counts true to what is known: a few small queries, after every file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from db import hold_lock
from geodata.units import codes_of
from surveillance.diseases import Catalogue, Disease, icd_key
from surveillance.epiweek import local_day
from surveillance.evidence import METHODS, SILENCE
from surveillance.evidence.climate import DAYS, Climate, Recent, climate_signals
from surveillance.evidence.insects import SURVEY_DAYS, Surveyed, vector_signals
from surveillance.evidence.severity import LONG, Grave, severity_signals
from surveillance.evidence.silence import BASE_DAYS, Pause, pause_of, silence_signals
from surveillance.outbreaks.profiles import Profile, VectorControl
from surveillance.outbreaks.record import SURVEY_EVENT, WITHDRAWN_EVENT, survey_of
from surveillance.quality import last_files
from surveillance.signals import SignalKey, Stored, store_signals, stored_signals
from surveillance.types import Classification, Signal

LOOK_BACK_DAYS = 120
"""Longer pauses than BASE_DAYS before them fit into go on from what was told of them."""
_BELIEVED = "c.known_from <= :now AND (c.known_to IS NULL OR c.known_to > :now)"
_COUNTED = f"c.disease = ANY(:diseases) AND c.unit_id = ANY(:units) AND {_BELIEVED} AND c.classification <> :discarded"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a deployment watches. `climate` None: it brought no climate file, so nothing is said of it."""

    catalogue: Catalogue
    diseases: Sequence[str]
    unit_ids: Sequence[int]
    profiles: Sequence[Profile]
    climate: Climate | None
    timezone: ZoneInfo

    def update(self, session: Session, *, now: datetime) -> int:
        """Take in what is known at `now`, in the caller's transaction; how many signals changed."""
        hold_lock(session, "evidence")
        before = stored_signals(session, self.diseases, self.unit_ids, methods=METHODS)
        return store_signals(session, self.signals(session, before, now=now), before, now=now)

    def signals(self, session: Session, before: Mapping[SignalKey, Stored], *, now: datetime) -> list[Signal]:
        today = local_day(now, self.timezone)
        cases = self._cases(session, today, now)
        whole = {(row.disease, row.unit_id): row.cases + row.before for row in cases}
        found = severity_signals(self._graves(session, today, now), whole, self._named, today=today, now=now)
        found += vector_signals(self._surveys(session, today, now), self._controls, today=today, now=now)
        if self.climate is not None:
            carried = [row for row in cases if self._named[row.disease].vector]
            codes = codes_of(session, self.unit_ids)
            found += climate_signals(carried, self.climate, codes, today=today, now=now)
        return found + self._silences(session, before, today, now)

    @cached_property
    def _named(self) -> dict[str, Disease]:
        return {code: self.catalogue[code] for code in self.diseases}

    @cached_property
    def _controls(self) -> dict[str, VectorControl]:
        given = ((profile.disease, profile.response.vector) for profile in self.profiles)
        return {disease: vector for disease, vector in given if vector is not None}

    def _values(self, now: datetime, **more: Any) -> dict[str, Any]:
        return {
            "diseases": list(self.diseases),
            "units": list(self.unit_ids),
            "now": now,
            "discarded": Classification.DISCARDED.value,
            **more,
        }

    def _cases(self, session: Session, today: date, now: datetime) -> list[Recent]:
        query = text(
            f"""
            SELECT c.disease, c.unit_id, count(*) FILTER (WHERE c.event_date > :middle) AS cases,
                   count(*) FILTER (WHERE c.event_date <= :middle) AS before
            FROM case_version c
            WHERE {_COUNTED} AND c.event_date > :since AND c.event_date <= :today
            GROUP BY c.disease, c.unit_id ORDER BY c.disease, c.unit_id
            """
        )
        days = {"middle": today - timedelta(days=DAYS), "since": today - timedelta(days=2 * DAYS)}
        rows = session.execute(query, self._values(now, today=today, **days))
        return [Recent(*row) for row in rows]

    def _graves(self, session: Session, today: date, now: datetime) -> list[Grave]:
        """Cases of the last LONG days that a code says are grave, and every case that ended in death in them."""
        ended = "coalesce(c.date_outcome, c.date_report)"
        columns = f"c.case_id, c.disease, c.unit_id, c.icd10, c.event_date, c.outcome, {ended}"
        query = text(
            f"""
            SELECT {columns} FROM case_version c
            WHERE {_COUNTED} AND c.event_date > :since AND replace(upper(c.icd10), '.', '') LIKE ANY(:codes)
            UNION
            SELECT {columns} FROM case_version c
            WHERE {_COUNTED} AND c.outcome = 'died' AND {ended} > :since
            """
        )
        graded = [codes for disease in self._named.values() for codes in disease.severity.values()]
        codes = [f"{icd_key(code)}%" for group in graded for code in group]
        rows = session.execute(query, self._values(now, since=today - timedelta(days=LONG), codes=codes))
        return [Grave(*row[1:]) for row in rows]

    def _surveys(self, session: Session, today: date, now: datetime) -> list[Surveyed]:
        query = text(
            f"""
            SELECT o.disease, v.units[1] AS unit_id, o.id AS outbreak, e.detail, r.recent
            FROM outbreak_event e
            JOIN outbreak o ON o.id = e.outbreak_id
            JOIN outbreak_version v ON v.outbreak_id = o.id AND v.known_to IS NULL
            CROSS JOIN LATERAL (
                SELECT count(*) AS recent FROM case_version c
                WHERE c.case_id = ANY(v.members) AND {_BELIEVED}
                  AND coalesce(c.date_onset, c.event_date) > :recent_since
            ) r
            WHERE e.kind = :survey AND e.at <= :now AND o.disease = ANY(:diseases) AND v.units[1] = ANY(:units)
              AND (e.detail->>'on')::date > :since AND (e.detail->>'on')::date <= :today
              AND NOT EXISTS (SELECT FROM outbreak_event w WHERE w.outbreak_id = e.outbreak_id AND w.kind = :withdrawn
                              AND w.at <= :now AND (w.detail->>'entry')::bigint = e.id)
            ORDER BY e.id
            """
        )
        values = self._values(
            now, survey=SURVEY_EVENT, withdrawn=WITHDRAWN_EVENT, today=today,
            since=today - timedelta(days=SURVEY_DAYS), recent_since=today - timedelta(days=DAYS),
        )  # fmt: skip
        return [
            Surveyed(
                disease=row.disease, unit_id=row.unit_id, outbreak=row.outbreak, survey=survey_of(row.detail),
                recent=row.recent,
            )
            for row in session.execute(query, values)
        ]  # fmt: skip

    def _silences(
        self, session: Session, before: Mapping[SignalKey, Stored], today: date, now: datetime
    ) -> list[Signal]:
        files = last_files(session, now=now)
        if not files:
            return []
        query = text(
            f"""
            SELECT c.unit_id, c.date_report, count(*) AS n FROM case_version c
            WHERE c.disease = ANY(:diseases) AND c.unit_id = ANY(:units) AND {_BELIEVED} AND c.event_date > :since
            GROUP BY c.unit_id, c.date_report
            """
        )
        reports: defaultdict[int, dict[date, int]] = defaultdict(dict)
        since = today - timedelta(days=LOOK_BACK_DAYS)
        for row in session.execute(query, self._values(now, since=since)):
            reports[row.unit_id][row.date_report] = row.n
        newest = min(local_day(max(files.values()), self.timezone), today)
        known = {
            key.unit_id: pause_of(stored.content.period_start, stored.content.detail)
            for key, stored in before.items()
            if key.method == SILENCE
        }
        return silence_signals(
            _settled(reports, known, since), self.diseases, newest=newest, now=now, known=known
        )


def _settled(
    reports: Mapping[int, dict[date, int]], known: Mapping[int, Pause], since: date
) -> dict[int, dict[date, int]]:
    """Reports by commune, without those of a pause that is known and began too long ago to be judged anew."""
    judged_from = since + timedelta(days=BASE_DAYS)
    return {
        unit: days
        for unit, days in reports.items()
        if unit not in known or max(days) > known[unit].last or known[unit].last >= judged_from
    }
