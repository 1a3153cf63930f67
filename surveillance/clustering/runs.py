"""Past days scanned again, each as it was known on its evening: for judging the method, not for the record.

Diseases × days are independent pieces of work; only the clusters' numbers go from day to day, and are given here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import tee
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from db import session_scope
from geodata.units import codes_of
from surveillance.cluster_identity import Counts, Known, Step, Window, match
from surveillance.clustering.settings import AllSettings
from surveillance.clustering.watching import Clusters, counts_of
from surveillance.clusters import City, Found, Reported, find_clusters
from surveillance.plain_files import write_rows
from surveillance.spread import Spread

HOUR = 18
"""When a day's files have come."""
COLUMNS = (
    "day", "disease", "cluster", "step", "parents", "into", "communes", "first_day", "last_day", "observed",
    "expected", "relative_risk", "p", "recurrence_days", "stands_in", "placements", "stable", "alarm", "seed",
)  # fmt: skip


@dataclass(slots=True)
class Ledger:
    """The clusters of one disease from day to day, numbered from 1."""

    known: list[Known] = field(default_factory=list)
    next_number: int = 1

    def steps(self, found: tuple[Found, ...], counts: Counts) -> tuple[Step, ...]:
        """What became of each cluster known, and the new ones. Growth counts from when it was last news."""
        windows = [Window(units=frozenset(f.units), first=f.first, last=f.last) for f in found]
        steps = match(self.known, windows, counts, next_number=self.next_number)
        told = {known.number: known.cases for known in self.known}
        self.known = [
            Known(
                number=step.number,
                window=windows[step.at],
                cases=float(found[step.at].observed) if step.is_news else told[step.number],
            )
            for step in steps
            if step.at is not None
        ]
        self.next_number = max([self.next_number, *(step.number + 1 for step in steps)])
        return steps


def write_history(
    file: Path,
    clusters: Clusters,
    engine: Engine,
    days: Iterable[date],
    *,
    spread: Spread,
    say: Callable[[str], None],
) -> int:
    """Write a row for each cluster and day, and one when it ended or was merged; how many rows."""
    with session_scope(engine) as session:
        city, codes = clusters.city(session), codes_of(session, clusters.unit_ids)
    names = [codes[unit] for unit in clusters.unit_ids]
    found = _history(clusters, city, engine, days, spread, say)
    return write_rows(file, COLUMNS, (_row(*row, names) for row in found))


def _history(
    clusters: Clusters,
    city: City,
    engine: Engine,
    days: Iterable[date],
    spread: Spread,
    say: Callable[[str], None],
) -> Iterator[tuple[Reported, Step, Found | None]]:
    ledgers = {disease: Ledger() for disease in clusters.diseases}
    ahead, again = tee(_pieces(clusters, engine, days))
    for reported, found in zip(again, spread.map(_scan, (city, clusters.settings), ahead), strict=True):
        if found is None:
            continue
        for step in ledgers[reported.disease].steps(found, counts_of(reported)):
            yield reported, step, None if step.at is None else found[step.at]
        if reported.disease == clusters.diseases[-1]:
            say(f"{reported.last:%d/%m/%Y}")


def _pieces(clusters: Clusters, engine: Engine, days: Iterable[date]) -> Iterator[Reported]:
    """Every disease on every day of reports, once each."""
    last: date | None = None
    for day in sorted(days):
        with session_scope(engine) as session:
            reported = clusters.reported(session, datetime.combine(day, time(HOUR), clusters.timezone))
        if reported and reported[0].last != last:
            last = reported[0].last
            yield from reported


def _scan(shared: tuple[City, AllSettings], reported: Reported) -> tuple[Found, ...] | None:
    city, settings = shared
    return find_clusters(reported, city, settings[reported.disease])


def _row(reported: Reported, step: Step, found: Found | None, names: list[str]) -> tuple[Any, ...]:
    who = (
        reported.last.isoformat(), reported.disease, step.number, step.kind.value,
        " ".join(map(str, step.parents)), step.into,
    )  # fmt: skip
    if found is None:
        return (*who, *[None] * (len(COLUMNS) - len(who)))
    return (
        *who, " ".join(names[unit] for unit in found.units), found.first.isoformat(), found.last.isoformat(),
        found.observed, round(found.expected, 4), found.relative_risk,
        found.p, found.recurrence_days, found.stands_in, found.placements, int(found.stable), int(found.alarm),
        found.seed,
    )  # fmt: skip
