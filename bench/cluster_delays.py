"""What late reports do to clusters: how often one is kept, with and without strata of delay.

    python -m bench.cluster_delays [days]

168 communes with log-normal people, 90 days; every commune reports 4 days late on average, or a third of them 1 day and
the others 6 (Poisson). Nothing is planted, or in four communes that report late the last ten days have several times as
many cases. Prints the share of days on which a cluster is kept (by chance: 1 %). Asserts nothing.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta

import numpy as np

from surveillance.adjacency import adjacency_weights
from surveillance.clustering.settings import load_settings
from surveillance.clusters import City, find_clusters, reported_of
from surveillance.lines import Lines
from surveillance.types import FloatArray
from tests.case_lines import TODAY, lines_of

COMMUNES, DAYS, PLANTED_DAYS = 168, 90, 10
TIMES = {300: 12.0, 1_500: 6.0, 6_000: 3.5}
"""How many times as many cases are planted, by the cases of the city."""


def sick(
    points: FloatArray,
    cases: int,
    times: float,
    early: FloatArray,
    late: FloatArray,
    rng: np.random.Generator,
) -> Lines:
    """What is reported by TODAY when communes report `early` or else `late` days after on average."""
    people = np.exp(rng.normal(0, 0.6, COMMUNES))
    expected = np.outer(people, np.ones(DAYS)) * cases / people.sum() / DAYS
    centre = rng.choice(np.flatnonzero(late > early))
    near = np.argsort(((points - points[centre]) ** 2).sum(axis=1))[:4]
    expected[near, -PLANTED_DAYS:] *= times
    counts = rng.poisson(expected)
    unit, day = np.nonzero(counts)
    unit, day = np.repeat(unit, counts[unit, day]), np.repeat(day, counts[unit, day])
    delay = rng.poisson(late[unit])
    seen = day + delay < DAYS
    first = TODAY - timedelta(days=DAYS - 1)
    return lines_of(
        [
            (int(u), first + timedelta(days=int(d)), first + timedelta(days=int(d + k)))
            for u, d, k in zip(unit[seen], day[seen], delay[seen], strict=True)
        ],
        units=tuple(range(COMMUNES)),
    )


def kept(cases: int, times: float, differ: bool, strata: tuple[int, ...], days: int) -> dict[int, float]:
    """Share of `days` on which a cluster is kept, by number of strata."""
    rng = np.random.default_rng(3)
    points = np.column_stack((10.5 + 0.4 * rng.random(COMMUNES), 106.4 + 0.4 * rng.random(COMMUNES)))
    south = points[:, 0] < 10.62
    late = np.where(south, 1.0, 6.0) if differ else np.full(COMMUNES, 4.0)
    early = np.where(south, late, 0.0)
    city = City(
        points=points,
        neighbours=adjacency_weights(range(COMMUNES), []),
        population=np.ones(COMMUNES),
        parts={},
    )
    lost, settings = np.zeros((COMMUNES, DAYS), dtype=bool), load_settings().default
    found = dict.fromkeys(strata, 0)
    for _ in range(days):
        known = reported_of(sick(points, cases, times, early, late, rng), 0, lost, TODAY)
        for number in strata:
            found[number] += bool(find_clusters(known, city, replace(settings, delays=number)))
    return {number: count / days for number, count in found.items()}


def main(days: int = 30) -> None:
    strata = (1, 5, 21)
    print(f"{'cases':>6} {'delays':>8} {'planted':>8}   kept with {strata} strata, {days} days each")
    for cases, times in TIMES.items():
        for differ in (False, True):
            for planted in (1.0, times):
                found = kept(cases, planted, differ, strata, days)
                name = "differ" if differ else "alike"
                shares = "  ".join(f"{share:5.2f}" for share in found.values())
                print(f"{cases:6d} {name:>8} {planted:7.1f}×   {shares}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
