"""Long work on Dask workers: a scan's replicates, and a month of days of clusters, on 1 and 2 local processes.

    python -m bench.dask [places]

Prints seconds and ratios; the peer is the same work in this process, with one thread. On a machine of two cores the
second worker shares them with the scheduler. Asserts nothing.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta

import numpy as np

from bench.scan import CASES_PER_PLACE, LONGEST, REPLICATIONS, city
from surveillance.clusters import City, Found, Reported, find_clusters
from surveillance.scan import Settings, scan
from surveillance.scanning.growth import Limits, circles
from surveillance.spread import Here, Spread, spread_over
from tests.case_lines import TODAY
from tests.cluster_cities import DAYS, SETTINGS, city_lines, grid_city, reported

MONTH = 30


def replicates(spread: Spread, places: int) -> float:
    """Seconds of one scan, its windows and places made before."""
    where, null, _ = city(places, CASES_PER_PLACE, np.random.default_rng(1))
    growth = circles(where, null.size, Limits())
    began = time.perf_counter()
    scan(null, growth, Settings(longest=LONGEST, replications=REPLICATIONS), seed=1, spread=spread)
    return time.perf_counter() - began


def days(spread: Spread) -> float:
    """Seconds of a month of days of a city of 36 communes with two cases a day in each."""
    lines = city_lines({14: (1, 1, 2, 2, 3)}, per_day=2.0, days=DAYS + MONTH)
    lost = np.zeros((36, DAYS), dtype=bool)
    pieces = [reported(lines, unknown=lost, last=TODAY - timedelta(days=back)) for back in range(MONTH)]
    began = time.perf_counter()
    list(spread.map(_day, grid_city(), pieces))
    return time.perf_counter() - began


def _day(where: City, day: Reported) -> tuple[Found, ...] | None:
    return find_clusters(day, where, SETTINGS)


def measure(name: str, spread: Spread, places: int, peer: tuple[float, float] | None) -> tuple[float, float]:
    replicates(spread, 60)  # compiles
    took = replicates(spread, places), days(spread)
    ratio = (
        "" if peer is None else f"   {peer[0] / took[0]:.2f} × and {peer[1] / took[1]:.2f} × as fast as here"
    )
    print(f"{name:10s} scan {took[0]:7.2f} s   {MONTH} days {took[1]:7.2f} s{ratio}")
    return took


def main(places: int = 2_000) -> None:
    from distributed import LocalCluster

    peer = measure("here", Here(), places, None)
    for workers in (1, 2):
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
            spread_over(cluster.scheduler_address) as spread,
        ):
            measure(f"{workers} worker(s)", spread, places, peer)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
