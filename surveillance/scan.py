"""Space-time scan statistics: where and when are there more cases than chance explains (docs/methods/scan.md)?

Kulldorff 1997 (Poisson, Bernoulli), 2001 (prospective), Kulldorff et al. 2005 (permutation), 2006 (ellipses).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surveillance.scanning.growth import Growth
from surveillance.scanning.monte_carlo import Plan, maxima, observed, plan, windows
from surveillance.scanning.null import Model, Null, without
from surveillance.scanning.significance import Gumbel, monte_carlo_p, stopped_after
from surveillance.spread import Here, Spread
from surveillance.types import BoolArray, FloatArray

IntArray = NDArray[np.int64]
HERE = Here()

BATCH = 100
"""Replicates before a first look at whether enough have reached the statistic; each look has twice as many."""


class Overlap(StrEnum):
    """Which secondary clusters are told, from the most likely on, beside those told already: SaTScan's choices."""

    NO_SHARED_PLACE = "no_shared_place"
    NO_CENTRE_IN_ANOTHER = "no_centre_in_another"
    NO_CENTRE_IN_STRONGER = "no_centre_in_stronger"
    NO_CENTRE_IN_WEAKER = "no_centre_in_weaker"
    NOT_BOTH_CENTRES = "not_both_centres"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Durations count intervals. `longest` None: half of them.

    `prospective`: only windows that reach the last interval. `earlier_from`: replicates are also searched in the
    windows that earlier analyses, from the one ending at this interval on, would have looked at (Kulldorff 2001).
    `enough`: stop once so many replicates reach the most likely cluster. `iterations`: take the most likely
    cluster away and scan again, so many times in all or until p is above `iterate_to`. `told`: of clusters that every
    replicate reaches (p = 1) none is told beyond the so-manieth.
    """

    prospective: bool = True
    shortest: int = 1
    longest: int | None = None
    least_cases: int = 2
    replications: int = 999
    enough: int | None = None
    earlier_from: int | None = None
    overlap: Overlap = Overlap.NO_SHARED_PLACE
    told: int = 10
    iterations: int = 1
    iterate_to: float = 0.05

    def __post_init__(self) -> None:
        longest = self.shortest if self.longest is None else self.longest
        if not 1 <= self.shortest <= longest:
            raise ValueError(f"durations from {self.shortest} to {longest} are none")
        if self.replications < 0 or self.least_cases < 1 or self.iterations < 1:
            raise ValueError("replications, least_cases and iterations must be positive")
        if self.enough is not None and self.enough < 1:
            raise ValueError("enough must be at least 1")
        if self.earlier_from is not None and not self.prospective:
            raise ValueError("only a prospective scan has earlier analyses")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A window with more cases than expected: `members` (m,), places as they joined, over intervals `first` …
    `last`. `sequence` and `members.size` name its zone in the Growth.

    `relative_risk` is inside ÷ outside; NaN for the permutation model, infinite where all cases are inside.
    `p` is by Monte Carlo, `p_gumbel` from the Gumbel distribution fitted to the maxima; both None without replicates.
    `recurrence` is in intervals, prospective only: a cluster as strong is expected once in so many by chance; of a p
    adjusted for n analyses 1 / (1 - (1 - p)^(1/n)), as SaTScan's.
    """

    sequence: int
    members: IntArray
    first: int
    last: int
    observed: int
    expected: float
    relative_risk: float
    statistic: float
    p: float | None
    p_gumbel: float | None
    recurrence: float | None

    @property
    def ratio(self) -> float:
        return self.observed / self.expected


class Scan(NamedTuple):
    """Clusters from the most likely on, and the maxima of the replicates, one array for each iteration."""

    clusters: tuple[Cluster, ...]
    maxima: tuple[FloatArray, ...]


def scan(
    null: Null, growth: Growth, settings: Settings, *, seed: int, threads: int = 1, spread: Spread = HERE
) -> Scan:
    """Scan the cases of `null` through the zones of `growth`. The result does not depend on `threads`, nor on where
    the replicates are drawn (`spread`).

    No clusters where no window has `least_cases` and more than expected.
    """
    found: list[Cluster] = []
    arrays: list[FloatArray] = []
    for turn in range(settings.iterations):
        clusters, drawn = _once(null, growth, settings, seed + turn, threads, spread)
        arrays.append(drawn)
        if settings.iterations == 1:
            return Scan(clusters, (drawn,))
        found += clusters[:1]
        if not clusters or (clusters[0].p or 0.0) > settings.iterate_to:
            break
        null = without(null, clusters[0].members, clusters[0].first, clusters[0].last)
    return Scan(tuple(found), tuple(arrays))


def replicate_plan(null: Null, growth: Growth, settings: Settings) -> Plan:
    """What `maxima` needs to draw and scan replicates, here or elsewhere."""
    reachable = null.expected.sum(1) > 0
    slim = growth if reachable.all() else growth.among(reachable)
    ends = settings.earlier_from if settings.earlier_from is not None else _first_end(null, settings)
    return _plan(null, slim, settings, ends)


def _plan(null: Null, growth: Growth, settings: Settings, first_end: int) -> Plan:
    intervals = null.cases.shape[1]
    longest = settings.longest or max(intervals // 2, 1)
    spans = windows(intervals, settings.shortest, longest, first_end)
    return plan(null, growth, spans, least=settings.least_cases)


def _first_end(null: Null, settings: Settings) -> int:
    return null.cases.shape[1] - 1 if settings.prospective else 0


def _once(
    null: Null, growth: Growth, settings: Settings, seed: int, threads: int, spread: Spread
) -> tuple[tuple[Cluster, ...], FloatArray]:
    searched = _plan(null, growth, settings, _first_end(null, settings))
    clusters = list(_clusters(null, searched, settings, threads))
    if not clusters:
        return (), np.empty(0)
    plan = replicate_plan(null, growth, settings)
    drawn, stopped = _replicates(plan, clusters[0], settings, seed, threads, spread)
    analyses = _analyses(null, settings)
    judged = [_judged(cluster, drawn, stopped, analyses) for cluster in clusters]
    weak = [cluster.p is not None and cluster.p >= 1 for cluster in judged]
    return tuple(judged[: max(settings.told, len(weak) - sum(weak))]), drawn


def _replicates(
    plan: Plan, strongest: Cluster, settings: Settings, seed: int, threads: int, spread: Spread
) -> tuple[FloatArray, bool]:
    """The maxima, and whether enough had reached the most likely cluster before all were drawn."""
    drawn = np.empty(0)
    while drawn.size < settings.replications:
        step = max(drawn.size, BATCH * spread.workers) if settings.enough else settings.replications
        last = min(drawn.size + step, settings.replications)
        ranges = _shares(drawn.size, last, spread)
        drawn = np.concatenate((drawn, *spread.map(_some_maxima, (plan, seed, threads), ranges)))
        if settings.enough:
            after = stopped_after(strongest.statistic, drawn, settings.enough)
            if after is not None and after < settings.replications:
                return drawn[:after], True
    return drawn, False


def _shares(first: int, last: int, spread: Spread) -> list[tuple[int, int]]:
    """The replicates `first` … `last` - 1 in a range for each worker."""
    edges = np.linspace(first, last, spread.workers + 1).round().astype(int).tolist()
    return [(a, b) for a, b in pairwise(edges) if b > a]


def _some_maxima(how: tuple[Plan, int, int], replicates: tuple[int, int]) -> FloatArray:
    plan, seed, threads = how
    return maxima(plan, seed, *replicates, threads=threads)


def _analyses(null: Null, settings: Settings) -> int:
    """The analyses that a p is adjusted for: this one and those `earlier_from` names; 0 where there is no next one."""
    intervals = null.cases.shape[1]
    if settings.earlier_from is not None:
        return intervals - settings.earlier_from
    return int(settings.prospective)


def _judged(cluster: Cluster, drawn: FloatArray, stopped: bool, analyses: int) -> Cluster:
    p = monte_carlo_p(cluster.statistic, drawn, stopped=stopped)
    gumbel = Gumbel.fitted(drawn)
    return replace(
        cluster,
        p=p,
        p_gumbel=gumbel.p(cluster.statistic) if gumbel else None,
        recurrence=_recurrence(p, analyses),
    )


def _recurrence(p: float | None, analyses: int) -> float | None:
    if not p or not analyses:
        return None
    return 1 / p if analyses == 1 else 1 / (1 - (1 - p) ** (1 / analyses))


def _clusters(null: Null, searched: Plan, settings: Settings, threads: int) -> Iterator[Cluster]:
    """The best window of each centre, strongest first, as far as the rule of overlap lets them through."""
    statistic, length, lanes = observed(searched, null.cases, threads=threads)
    growth = searched.growth
    told: list[tuple[int, BoolArray]] = []
    taken = np.zeros(len(null.cases), bool)
    apart = settings.overlap is Overlap.NO_SHARED_PLACE
    for sequence in _by_strength(statistic, length, growth.centre):
        members = growth.zone(sequence, length[sequence])
        centre = int(growth.centre[sequence])
        if taken[members].any() if apart else not _let_through(members, centre, told, settings.overlap):
            continue
        taken[members] = True
        if not apart:
            told.append((centre, np.isin(np.arange(taken.size), members)))
        upper, lower = lanes[sequence]
        first, last = searched.windows.span(int(upper), int(lower))
        cluster = _cluster(null, int(sequence), members, first, last, float(statistic[sequence]))
        if cluster.observed > cluster.expected:  # as many as expected may have a statistic of 7e-16
            yield cluster


def _by_strength(statistic: FloatArray, length: IntArray, centre: IntArray) -> IntArray:
    """Each centre's strongest sequence, strongest first; of equals that of fewer places, then the earlier centre.
    Those at 0 are left out."""
    rounded = np.array([float(f"{value:.10g}") for value in statistic])
    order = np.lexsort((np.arange(statistic.size), centre, length, -rounded))
    order = order[statistic[order] > 0]
    _, first = np.unique(centre[order], return_index=True)
    return order[np.sort(first)]


def _let_through(members: IntArray, centre: int, told: list[tuple[int, BoolArray]], overlap: Overlap) -> bool:
    """Whether a zone may be told; `told` are the centres and places (n,) of stronger ones."""
    for other, inside in told:
        ours, theirs = bool(inside[centre]), other in members
        refused = {
            Overlap.NO_CENTRE_IN_ANOTHER: ours or theirs,
            Overlap.NO_CENTRE_IN_STRONGER: ours,
            Overlap.NO_CENTRE_IN_WEAKER: theirs,
            Overlap.NOT_BOTH_CENTRES: ours and theirs,
        }
        if refused.get(overlap, False):
            return False
    return True


def _cluster(
    null: Null, sequence: int, members: IntArray, first: int, last: int, statistic: float
) -> Cluster:
    count = int(null.cases[members, first : last + 1].sum())
    expected = float(null.expected[members, first : last + 1].sum())
    return Cluster(
        sequence=sequence,
        members=members,
        first=first,
        last=last,
        observed=count,
        expected=expected,
        relative_risk=_relative_risk(null, count, expected),
        statistic=statistic,
        p=None,
        p_gumbel=None,
        recurrence=None,
    )


def _relative_risk(null: Null, count: int, expected: float) -> float:
    if null.model is Model.PERMUTATION:
        return float("nan")
    outside = null.total - count
    return (count / expected) / (outside / (null.total - expected)) if outside else float("inf")
