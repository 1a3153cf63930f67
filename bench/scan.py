"""Seconds of the space-time scan beside SaTScan's recorded ones, and of a day's run for a city.

    python -m bench.scan [PLACES …]

Cities of 300, 1,000, 5,000 and 20,000 places (uniform in a square, log-normal people, 4.9 cases a place in 60 days, as
the reference cities), prospective, windows up to 30 days and half of the people, 999 replications, permutation and
Poisson, 1 and 2 threads (20,000 places, which take minutes: 2), by the clock and of the processor, with the most
memory held so far. The growth exponent is of processor seconds. The first run of all compiles and is not counted.
Prints one JSON line; asserts nothing. Dask: `python -m bench.dask`.
"""

from __future__ import annotations

import json
import math
import resource
import sys
import time
from itertools import pairwise
from typing import Any

import numpy as np

from surveillance.scan import Settings, scan
from surveillance.scanning.growth import Limits, circles
from surveillance.scanning.null import Null, permutation, poisson
from surveillance.scanning.places import Places, place

DAYS, LONGEST, REPLICATIONS, CASES_PER_PLACE = 60, 30, 999, 4.9
SIZES = (300, 1_000, 5_000, 20_000)
RECORDED_SATSCAN_2_THREADS = {
    "permutation": {300: 2, 1_000: 22, 5_000: 650},
    "poisson": {300: 3, 1_000: 22, 5_000: 649},
}
COMMUNES, DISEASES = 168, 10


def city(places: int, cases_per_place: float, rng: np.random.Generator) -> tuple[Places, Null, Null]:
    """Places, and the null models by permutation and by people."""
    where = place([f"L{i:05d}" for i in range(places)], np.round(rng.random((places, 2)) * 100, 4))
    people = np.exp(rng.normal(7.55, 0.7, places)).round() + 1
    cells = np.repeat(people / people.sum() / DAYS, DAYS)
    counts = rng.multinomial(round(places * cases_per_place), cells).reshape(places, DAYS)
    return where, permutation(counts), poisson(counts, np.outer(people, np.ones(DAYS)))


def seconds(
    places: Places, null: Null, threads: int, replications: int = REPLICATIONS
) -> tuple[float, float]:
    """Everything after reading the files, as SaTScan's time is nearly all of it: by the clock and of the processor,
    which other work on the machine lengthens less."""
    began, busy = time.perf_counter(), time.process_time()
    growth = circles(places, null.size, Limits())
    scan(null, growth, Settings(longest=LONGEST, replications=replications), seed=1, threads=threads)
    return time.perf_counter() - began, time.process_time() - busy


def timed(size: int, rng: np.random.Generator) -> dict[str, Any]:
    places, by_permutation, by_people = city(size, CASES_PER_PLACE, rng)
    result: dict[str, Any] = {}
    for name, null in (("permutation", by_permutation), ("poisson", by_people)):
        took = {threads: seconds(places, null, threads) for threads in ((1, 2) if size <= 5_000 else (2,))}
        recorded = RECORDED_SATSCAN_2_THREADS[name].get(size)
        result[name] = {
            "seconds": {threads: round(clock, 2) for threads, (clock, _) in took.items()},
            "cpu_seconds": {threads: round(processor, 2) for threads, (_, processor) in took.items()},
            "recorded_satscan_2_threads": recorded,
            "ratio_2_threads": round(recorded / took[2][0], 1) if recorded else None,
        }
    result["peak_memory_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return result


def city_day(rng: np.random.Generator) -> tuple[float, float]:
    """Seconds, by the clock and of the processor, of one day of ten diseases in 168 communes: from one case a place to
    thirty. Prospective scans."""
    clock = processor = 0.0
    for disease in range(DISEASES):
        places, null, _ = city(COMMUNES, 30.0 ** (disease / (DISEASES - 1)), rng)
        took = seconds(places, null, 2)
        clock, processor = clock + took[0], processor + took[1]
    return clock, processor


def main() -> None:
    sizes = [int(text) for text in sys.argv[1:]] or list(SIZES)
    rng = np.random.default_rng(1)
    warm, first, second = city(60, CASES_PER_PLACE, rng)
    for null in (first, second):
        seconds(warm, null, 2, 99)
    clock, processor = city_day(rng)
    told: dict[str, object] = {
        "city_day_seconds_2_threads": round(clock, 2),
        "city_day_cpu_seconds": round(processor, 2),
    }
    work: dict[int, float] = {}
    for size in sizes:
        told[str(size)] = result = timed(size, rng)
        work[size] = result["permutation"]["cpu_seconds"][2]
        print(json.dumps({str(size): result}), file=sys.stderr, flush=True)
    told["growth_exponents"] = [
        round(math.log(work[b] / work[a]) / math.log(b / a), 2) for a, b in pairwise(sizes)
    ]
    print(json.dumps(told))


if __name__ == "__main__":
    main()
