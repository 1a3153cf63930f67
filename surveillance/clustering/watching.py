"""Looks for clusters once for each day of reports of each disease, apart from the analysis, which cannot wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db import hold_lock, notify, session_scope
from geodata.units import centres_of, neighbour_pairs, persons_in, split_units
from surveillance.adjacency import adjacency_weights
from surveillance.analysis import chosen_diseases, unknown_days
from surveillance.cluster_identity import Counts
from surveillance.clustering.models import ClusterScan, ClusterVersion
from surveillance.clustering.placements import Part
from surveillance.clustering.record import lasting, record
from surveillance.clustering.settings import AllSettings
from surveillance.clustering.signals import cluster_signals
from surveillance.clusters import METHOD, City, Found, Reported, find_clusters, reported_of
from surveillance.completed import HISTORY
from surveillance.diseases import Catalogue
from surveillance.epiweek import local_day
from surveillance.judgement import REPORTS_LATE, to_last_report
from surveillance.lines import load_lines
from surveillance.signals import replace_signals


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """What a deployment scans, and how."""

    catalogue: Catalogue
    settings: AllSettings
    diseases: Sequence[str]
    unit_ids: Sequence[int]
    timezone: ZoneInfo

    def find(self, engine: Engine, *, now: datetime, threads: int = 1) -> int:
        """Scan every disease that was not scanned for its newest day of reports yet; how many clusters or signals
        changed. No transaction is open while it scans."""
        with session_scope(engine) as session:
            city, waiting = self.city(session), list(self._waiting(session, now))
        changed = 0
        for reported in waiting:
            found = find_clusters(reported, city, self.settings[reported.disease], threads=threads)
            with session_scope(engine) as session:
                written = self._keep(session, reported, found, now)
                if written:
                    notify(session, "signals")
            changed += written
        return changed

    def find_at(self, session: Session, now: datetime, *, threads: int = 1) -> int:
        """The same within one transaction: for past days."""
        city = self.city(session)
        return sum(
            self._keep(
                session, reported, find_clusters(reported, city, self.settings[reported.disease], threads=threads), now
            )
            for reported in self._waiting(session, now)
        )  # fmt: skip

    def city(self, session: Session) -> City:
        """The communes as a scan needs them."""
        units = list(self.unit_ids)
        place = {unit: position for position, unit in enumerate(units)}
        centres, persons = centres_of(session, units), persons_in(session, units)
        nowhere = (np.nan, np.nan)
        return City(
            points=np.array([centres.get(unit, nowhere) for unit in units], np.float64).reshape(-1, 2),
            neighbours=adjacency_weights(units, neighbour_pairs(session, units), row_standardised=False),
            population=np.array([persons.get(unit, np.nan) for unit in units], np.float64),
            parts={
                old: Part(tuple(place[unit] for unit, _ in parts), tuple(share for _, share in parts))
                for old, parts in split_units(session, units).items()
            },
        )

    def reported(self, session: Session, now: datetime) -> list[Reported]:
        """What is known at `now` of each disease."""
        today = local_day(now, self.timezone)
        lines = load_lines(
            session, self.diseases, unit_ids=self.unit_ids, start=today - timedelta(days=HISTORY + REPORTS_LATE),
            end=today, as_of=now,
        )  # fmt: skip
        unknown = unknown_days(
            session, chosen_diseases(self.catalogue, self.diseases), self.unit_ids, today, now
        )
        last, known = to_last_report(lines, unknown, today)
        return [reported_of(lines, i, known[i], last) for i in range(len(self.diseases))]

    def _waiting(self, session: Session, now: datetime) -> Iterator[Reported]:
        scanned = {row.disease: row.scanned_to for row in session.scalars(select(ClusterScan))}
        for reported in self.reported(session, now):
            if scanned.get(reported.disease) != reported.last:
                yield reported

    def _keep(
        self, session: Session, reported: Reported, found: tuple[Found, ...] | None, now: datetime
    ) -> int:
        """Without a scan, since the newest days are unknown, clusters stay as they were, and it is tried again."""
        if found is None:
            return 0
        hold_lock(session, "clusters")
        now = max([now, *filter(None, [session.scalar(select(func.max(ClusterVersion.known_from)))])])
        disease, units = reported.disease, list(self.unit_ids)
        _scanned(session, disease, reported.last)
        written = record(session, found, disease=disease, unit_ids=units, counts=counts_of(reported), now=now)
        signals = cluster_signals(lasting(session, disease), disease, now)
        return written + replace_signals(session, signals, [disease], units, method=METHOD, now=now)


def counts_of(reported: Reported) -> Counts:
    """Daily cases (U, T) of the disease."""
    start = reported.last - timedelta(days=reported.unknown.shape[1] - 1)
    disease = reported.lines.diseases.index(reported.disease)
    return Counts(start=start, observed=reported.lines.daily(start, reported.last)[disease])


def _scanned(session: Session, disease: str, day: date) -> None:
    row = {"disease": disease, "scanned_to": day}
    session.execute(
        insert(ClusterScan).values(row).on_conflict_do_update(index_elements=["disease"], set_=row)
    )
