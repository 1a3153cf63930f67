"""Seconds and memory of a night's pure work: nowcast, all detectors that suit each disease, Rt; simulated counts.

    python -m bench.nightly [country]

The city: 168 communes × 10 diseases, six years of days. With `country`, 3,321 communes × 80 diseases, a batch for each
disease of each of 34 provinces, as the worker would take them. Every unit × disease gets the nowcast of its disease
(200 draws, the province's communes together), EARS C2 of the newest seven days, Farrington flexible (Noufaily's
settings), CUSUM and the rare rule of the newest week, and both statutory criteria; those with enough cases in the
newest 60 days for any estimate also Rt of the newest 28 windows on the draws of the nowcast. Prints one JSON line a
place; asserts nothing. Compiling, and making the counts, is not timed. Run it with OPENBLAS_NUM_THREADS=1: on a machine
that does other work too, two BLAS threads wait for one another.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

import numpy as np

from surveillance.detection.cusum import Cusum
from surveillance.detection.ears import Ears
from surveillance.detection.farrington import FarringtonFlexible
from surveillance.detection.rare import Rare
from surveillance.detection.statutory import StatutoryRule, evaluate
from surveillance.nowcast import nowcast
from surveillance.nowcasting.triangle import Triangle, due_cells
from surveillance.reproduction import MIN_CASES, Windows
from surveillance.reproduction_draws import estimate_rt_from_draws
from surveillance.serial_interval import SerialInterval
from surveillance.types import CountSeries, FloatArray, Frequency, SeriesKey

T = TypeVar("T")
DAYS, MAX_DELAY, HISTORY = 6 * 364, 21, 140
RT_DAYS, RT_WINDOWS = 60, 28
START = date(2020, 11, 30)  # a Monday
PLACES = {"city": ((168,), 10), "country": ((98,) * 23 + (97,) * 11, 80)}
"""Communes of each province, and diseases."""
PER_DAY = (0.9, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.001, 0.0003, 0.0003)
COMMON, RARELY = 20, 0.0003
"""Cases per commune and day of the first diseases, in turn, and of all after COMMON: most are seldom seen."""
EARS, RARE = Ears(method="C2", last=7), Rare(last=1)
FARRINGTON = FarringtonFlexible(periods=10, guard=26, alpha=0.01, trend_p=1.0, threshold="nbPlugin", last=1)
INTERVAL = SerialInterval(mean=5, sd=2.5)
CUSUM = Cusum(transform="rossi", mean="seasonal", last=1)


def main(places: list[str]) -> None:
    one_night(12, 0.9, np.random.default_rng(1), defaultdict(float))
    for place in places:
        provinces, diseases = PLACES[place]
        spent: dict[str, float] = defaultdict(float)
        for number, communes in enumerate(provinces):
            for disease in range(diseases):
                per_day = PER_DAY[disease % len(PER_DAY)] if disease < COMMON else RARELY
                one_night(communes, per_day, np.random.default_rng((number, disease)), spent)
        figures = {step: round(seconds, 2) for step, seconds in spent.items()}
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        line = {
            "place": place,
            "series": sum(provinces) * diseases,
            "total_s": round(sum(figures.values()) - figures["cpu"], 2),
            **figures,
        }
        print(json.dumps({**line, "peak_memory_mb": round(memory), "cores": os.cpu_count()}), flush=True)


def one_night(communes: int, per_day: float, rng: np.random.Generator, spent: dict[str, float]) -> None:
    """Judge one disease in all communes; seconds by step go to `spent`. Making the counts is not timed."""
    daily, triangle = simulated(communes, per_day, rng)
    counts = series_of(daily, Frequency.DAY)

    def timed(step: str, work: Callable[[], T]) -> T:
        began, cpu = time.perf_counter(), time.process_time()
        result = work()
        spent[step] += time.perf_counter() - began
        spent["cpu"] += time.process_time() - cpu
        return result

    cast = timed("nowcast", lambda: nowcast(triangle, rng=rng))
    rules = (StatutoryRule(disease_group="B", endemic=True),) * communes
    timed("statutory", lambda: evaluate(counts, today=START + timedelta(days=DAYS - 1), rules=rules))
    timed("ears", lambda: EARS(counts))
    weekly = timed("weeks", lambda: series_of(daily.reshape(communes, -1, 7).sum(axis=2), Frequency.WEEK))
    timed("farrington", lambda: FARRINGTON(weekly))
    timed("cusum", lambda: CUSUM(weekly))
    timed("rare", lambda: RARE(weekly))
    windows = Windows.sliding(RT_DAYS, 7, newest=RT_WINDOWS)
    busy = daily[:, -RT_DAYS:].sum(axis=1) >= MIN_CASES
    if busy.any():
        draws = cast.completed(daily[:, -RT_DAYS:])[:, busy]
        timed("rt", lambda: estimate_rt_from_draws(draws, INTERVAL, windows=windows, rng=rng))


def simulated(communes: int, per_day: float, rng: np.random.Generator) -> tuple[FloatArray, Triangle]:
    """Days of six years, the newest ones not all reported yet, and the triangle of the last months."""
    season = 1 + 0.6 * np.cos(2 * np.pi * (np.arange(DAYS) - 300) / 365.25)
    final = rng.poisson(rng.gamma(1.0, per_day, (communes, 1)) * season)
    delay = np.array([0.55**k for k in range(MAX_DELAY + 1)])
    reported = rng.multinomial(final[:, -HISTORY:], delay / delay.sum()).astype(np.float64)
    triangle = Triangle(
        start=START + timedelta(days=DAYS - HISTORY),
        counts=np.where(due_cells(HISTORY, MAX_DELAY), reported, np.nan),
    )
    daily = final.astype(np.float64)
    daily[:, -HISTORY:] = triangle.reported
    return daily, triangle


def series_of(counts: FloatArray, frequency: Frequency) -> CountSeries:
    return CountSeries(
        keys=tuple(SeriesKey("simulated", i) for i in range(len(counts))),
        frequency=frequency,
        start=START,
        observed=counts,
        as_of=datetime(2026, 11, 22, tzinfo=UTC),
    )


if __name__ == "__main__":
    main(["city", *(["country"] if "country" in sys.argv[1:] else [])])
