"""Clusters of one disease's cases in space and time, on a day, with how surely they stand (docs/methods/clusters.md).

Prospective scan of the communes (`scan.py`), aware of late reports, and again for drawings of the places that are
not surely known. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from surveillance.adjacency import Weights, given_weights
from surveillance.clustering.placements import Cases, Part, placements, stands_in
from surveillance.clustering.settings import ClusterSettings
from surveillance.completed import HISTORY, shares_by_now
from surveillance.lines import Lines, day_number
from surveillance.scan import Cluster, Scan, Settings, scan
from surveillance.scanning.growth import Growth, Limits, circles, networks
from surveillance.scanning.null import Model, Null, permutation, poisson
from surveillance.scanning.places import Places, distances, on_the_sphere
from surveillance.spread import Here, Spread
from surveillance.types import BoolArray, FloatArray

METHOD = "scan"
VERSION = "1"
LEAST_DAYS = 28
"""A period shorter than four weeks has no ordinary days to compare the last ones with."""
IntArray = NDArray[np.int64]
HERE = Here()


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """The U communes. `points` (U, 2) latitude and longitude, NaN unknown; `neighbours` who borders on whom;
    `population` (U,), NaN unknown; `parts` what became of each old unit that was split, by its id."""

    points: FloatArray
    neighbours: Weights
    population: FloatArray
    parts: Mapping[int, Part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What is known of one disease on the evening of `last`, the newest day of reports.

    `lines` holds its cases only; `unknown` (U, T) marks the days up to `last` of which nothing is known.
    """

    disease: str
    last: date
    lines: Lines
    unknown: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A cluster that chance alone makes once in `recurrence_days`. `units` are positions, most cases first, with
    the `cases` and the `expected_cases` of each. `stands_in` of the placements drawn it was found again.

    `relative_risk` is None for the permutation model.
    """

    units: tuple[int, ...]
    first: date
    last: date
    cases: tuple[int, ...]
    expected_cases: tuple[float, ...]
    relative_risk: float | None
    p: float
    recurrence_days: float
    stands_in: int
    placements: int
    stable: bool
    alarm: bool
    seed: int

    @property
    def observed(self) -> int:
        return sum(self.cases)

    @property
    def expected(self) -> float:
        return sum(self.expected_cases)


def reported_of(lines: Lines, disease: int, unknown: BoolArray, last: date) -> Reported:
    """The part of `lines` that a scan on `last` looks at; `unknown` (U, T) ends on `last`."""
    days = min(HISTORY, unknown.shape[1])
    own = lines.take(lines.disease == disease).between(last - timedelta(days=days - 1), last)
    return Reported(
        disease=lines.diseases[disease], last=last, lines=own, unknown=unknown[:, unknown.shape[1] - days :]
    )


def find_clusters(
    reported: Reported, city: City, settings: ClusterSettings, *, threads: int = 1, spread: Spread = HERE
) -> tuple[Found, ...] | None:
    """Clusters kept, stable ones first, then the least likely by chance. None when too few days are known.

    Seeded by disease and day: the same cases give the same clusters.
    """
    first = _first_day(reported.unknown, reported.last, settings.days)
    if first is None:
        return None
    seed = crc32(f"{reported.disease} {reported.last}".encode())
    study = _Study(reported, city, settings, first)
    null = study.null(study.cases.unit)
    growth = zones(city, null.size, settings.share)
    how = _how(settings)
    result = scan(null, growth, how, seed=seed, threads=threads, spread=spread)
    kept = [cluster for cluster in result.clusters if (cluster.recurrence or 0) >= settings.keep_days]
    if not kept:
        return ()
    drawn = placements(study.cases, city.parts, settings.placements, np.random.default_rng((seed, 1)))
    critical = _critical(result, settings.keep_days)
    stands = stands_in(kept, study.cases, drawn, study.null, growth, how, critical)
    if stands is None:
        stands = np.full(len(kept), settings.placements)
    found = [_found(*pair, null, first, settings, seed) for pair in zip(kept, stands.tolist(), strict=True)]
    return tuple(sorted(found, key=lambda cluster: (not cluster.stable, cluster.p)))


def zones(city: City, size: FloatArray, share: float) -> Growth:
    """Zones that grow from commune to neighbouring commune, nearest first; circles where no neighbours are known.

    `size` (U,) is what `share` is of.
    """
    located = bool(np.isfinite(city.points).all())
    points = on_the_sphere(np.nan_to_num(city.points))
    names = tuple((f"{unit:06d}",) for unit in range(len(points)))
    places = Places(ids=names, written=city.points, points=points, on_sphere=True)
    limits, near = Limits(share=share), city.neighbours
    if located and not near.neighbour.size:
        return circles(places, size, limits)
    ways = _ways(points, near) if located else np.ones(near.neighbour.size)
    return networks(places, size, limits, given_weights(near.size, near.row, near.neighbour, ways))


def _ways(points: FloatArray, near: Weights) -> FloatArray:
    """From each commune to each neighbour (E,), km between their centres."""
    ways = [distances(points[a], points[b : b + 1])[0] for a, b in zip(near.row, near.neighbour, strict=True)]
    return np.maximum(np.array(ways), 1e-6)


def _how(settings: ClusterSettings) -> Settings:
    """Stops as soon as no cluster can be kept any more: then so many replicates are stronger than the strongest."""
    return Settings(
        longest=settings.longest,
        least_cases=settings.least_cases,
        replications=settings.replications,
        enough=(settings.replications + 1) // settings.keep_days,
    )


def _critical(result: Scan, keep_days: int) -> float:
    """The statistic above which chance alone comes once in `keep_days` or less often."""
    [maxima] = result.maxima
    rank = (maxima.size + 1) // keep_days
    return float(np.sort(maxima)[-rank]) if rank else float("inf")


def _first_day(unknown: BoolArray, last: date, days: int) -> date | None:
    """From when on most communes are known, at most `days` back; None for less than LEAST_DAYS, or if the newest
    days are unknown."""
    lost = 2 * unknown[:, -days:].sum(axis=0) > len(unknown)
    if lost[-1]:
        return None
    known = int(np.argmax(lost[::-1])) if lost.any() else lost.size
    return last - timedelta(days=known - 1) if known >= LEAST_DAYS else None


class _Study:
    """The cases (N,) of the period by commune, day of the period and delay, and the model of chance."""

    def __init__(self, reported: Reported, city: City, settings: ClusterSettings, first: date) -> None:
        self.shape = reported.unknown.shape[0], (reported.last - first).days + 1
        self.lost: BoolArray = np.any(reported.unknown[:, -self.shape[1] :], axis=1)
        lines = reported.lines.between(first, reported.last)
        lines = lines.take(~self.lost[lines.unit])
        self.cases = Cases(
            unit=lines.unit.astype(np.int64),
            day=lines.day.astype(np.int64) - day_number(first),
            former=lines.former,
        )
        self.stratum = _by_delay(np.maximum(lines.reported - lines.day, 0), settings.delays)
        self.persons = self._person_days(reported, city) if settings.model is Model.POISSON else None

    def null(self, unit: IntArray) -> Null:
        """The model when the cases live in `unit` (N,)."""
        strata = int(self.stratum.max(initial=0)) + 1
        cell = (self.stratum * self.shape[0] + unit) * self.shape[1] + self.cases.day
        counts = np.bincount(cell, minlength=strata * self.shape[0] * self.shape[1])
        cases = counts.reshape(strata, *self.shape).astype(np.int64)
        if self.persons is None:
            return permutation(cases)
        cases = cases.sum(axis=0)
        return poisson(cases, self.persons * cases.sum(axis=0))

    def _person_days(self, reported: Reported, city: City) -> FloatArray:
        """The part (U, T) of a day's cases that each commune has by its people, late reports not counted yet."""
        people = np.where(self.lost, 0.0, np.nan_to_num(city.population))
        self._leave_out(people <= 0)
        known = np.ones(self.shape)
        shares = shares_by_now(reported.lines, reported.unknown, reported.last)
        width = min(shares.shape[1], self.shape[1])
        known[:, self.shape[1] - width :] = np.nan_to_num(shares[:, shares.shape[1] - width :], nan=1.0)
        persons = people[:, None] * np.maximum(known, 1e-3)
        return persons / np.maximum(persons.sum(axis=0), 1e-300)

    def _leave_out(self, nobody: BoolArray) -> None:
        """Cases where no people are known cannot be compared with any."""
        kept = ~nobody[self.cases.unit]
        arrays = {name: getattr(self.cases, name)[kept] for name in ("unit", "day", "former")}
        self.cases, self.stratum = Cases(**arrays), self.stratum[kept]


def _by_delay(delay: NDArray[np.int32], groups: int) -> IntArray:
    """At most `groups` strata (N,) of about as many cases each, by rising delay in days; equal delays stay together."""
    if not delay.size:
        return np.zeros(0, np.int64)
    number = np.bincount(delay)
    middle = (np.cumsum(number) - number / 2) / delay.size
    _, stratum = np.unique(np.floor(middle * groups)[delay], return_inverse=True)
    return stratum.astype(np.int64)


def _found(
    cluster: Cluster, stands: int, null: Null, first: date, settings: ClusterSettings, seed: int
) -> Found:
    assert cluster.p is not None and cluster.recurrence is not None
    span = slice(cluster.first, cluster.last + 1)
    cases = null.cases[cluster.members, span].sum(axis=1)
    expected = null.expected[cluster.members, span].sum(axis=1)
    order = np.lexsort((cluster.members, -cases))
    stable = stands >= settings.stable
    risk = cluster.relative_risk
    return Found(
        units=tuple(cluster.members[order].tolist()),
        first=first + timedelta(days=cluster.first),
        last=first + timedelta(days=cluster.last),
        cases=tuple(cases[order].tolist()),
        expected_cases=tuple(expected[order].tolist()),
        relative_risk=risk if np.isfinite(risk) else None,
        p=cluster.p,
        recurrence_days=cluster.recurrence,
        stands_in=stands,
        placements=settings.placements,
        stable=stable,
        alarm=stable and cluster.recurrence >= settings.alarm_days,
        seed=seed,
    )
