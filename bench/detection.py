"""How fast and how well the temporal detectors work, beside R `surveillance`.

    python -m bench.detection [SERIES_FOR_R]

300 series × 52 weeks of the scenarios of Noufaily et al. 2013, each with 572 weeks of history. R runs beside us on
the first SERIES_FOR_R (default 300, about six minutes) when Rscript and its package surveillance are installed;
its time is linear in series and is scaled to 300. Without R the time recorded in shared/detection.md stands in,
and the line says so. Then the quality table on shared/reference's simulated series. Prints JSON lines; asserts
nothing.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from surveillance.detection.ears import Ears
from surveillance.detection.farrington import Farrington, FarringtonFlexible
from surveillance.types import BoolArray, CountSeries, Detector, FloatArray, Frequency, SeriesKey

REFERENCE = Path(__file__).parents[2] / "shared" / "reference"
SERIES, WEEKS, JUDGED, REPEATS = 300, 624, 52, 5
NOUFAILY = FarringtonFlexible(periods=10, guard=26, alpha=0.01, trend_p=1.0, calendar="steps")
WORK: dict[str, tuple[Detector, str, float]] = {
    "farrington_flexible, R's defaults": (
        FarringtonFlexible(calendar="steps", last=JUDGED),
        "farringtonFlexible(x, list(range=r, glmWarnings=FALSE))",
        100.6,
    ),
    "farrington_flexible, Noufaily's settings": (
        replace(NOUFAILY, threshold="nbPlugin", last=JUDGED),
        "farringtonFlexible(x, list(range=r, glmWarnings=FALSE, noPeriods=10, pastWeeksNotIncluded=26,"
        " alpha=0.01, pThresholdTrend=1, thresholdMethod='nbPlugin'))",
        150.0,
    ),
    "farrington_classic": (
        Farrington(calendar="steps", last=JUDGED),
        "farrington(x, list(range=r), verbose=FALSE)",
        54.7,
    ),
}
JUDGES: dict[str, Detector] = {
    "farrington_classic, alpha 0.05": Farrington(calendar="steps"),
    "farrington_flexible, R's defaults": FarringtonFlexible(calendar="steps"),
    "farrington_flexible, Noufaily, delta": NOUFAILY,
    "farrington_flexible, Noufaily, nbPlugin": replace(NOUFAILY, threshold="nbPlugin"),
    "farrington_flexible, Noufaily, nbPlugin, alpha 0.005": replace(
        NOUFAILY, threshold="nbPlugin", alpha=0.005
    ),
    "farrington_flexible, Noufaily, muan": replace(NOUFAILY, threshold="muan"),
    "ears_c2, weekly": Ears(method="C2"),
}
R_SCRIPT = """
suppressMessages(library(surveillance))
counts <- as.matrix(read.csv(commandArgs(TRUE)[1], header=FALSE))
r <- (nrow(counts) - {judged} + 1):nrow(counts)
began <- proc.time()[["elapsed"]]
bounds <- sapply(seq_len(ncol(counts)), function(j) {{
  x <- sts(counts[, j, drop=FALSE], frequency=52)
  as.numeric(upperbound(suppressWarnings({call})))
}})
cat(proc.time()[["elapsed"]] - began, "\\n", file=commandArgs(TRUE)[2])
write.table(t(bounds), commandArgs(TRUE)[3], sep=",", row.names=FALSE, col.names=FALSE)
"""


def main(series_for_r: int) -> None:
    counts = simulate(np.random.default_rng(20261122))
    for name, (detector, call, recorded) in WORK.items():
        print(json.dumps(speed(name, detector, call, recorded, counts, series_for_r)))
    if not (REFERENCE / "temporal").exists():
        print(json.dumps({"quality": f"{REFERENCE} is not on this machine"}))
        return
    for name, detector in JUDGES.items():
        print(json.dumps(quality(name, detector)))


def as_series(counts: FloatArray) -> CountSeries:
    return CountSeries(
        keys=tuple(SeriesKey("simulated", i) for i in range(len(counts))),
        frequency=Frequency.WEEK,
        start=date(2010, 1, 4),
        observed=counts,
        as_of=datetime(2026, 1, 1, tzinfo=UTC),
    )


def simulate(rng: np.random.Generator) -> FloatArray:
    """(SERIES, WEEKS) counts: Noufaily's 42 scenarios in turn, log-linear trend, m harmonics, dispersion phi."""
    path = REFERENCE / "noufaily_scenarios.csv"
    if not path.exists():
        return rng.poisson(rng.gamma(1.0, 10.0, (SERIES, 1)), (SERIES, WEEKS)).astype(np.float64)
    with path.open() as file:
        scenarios = list(csv.DictReader(file, skipinitialspace=True))
    return np.vstack([_scenario(scenarios[i % len(scenarios)], rng) for i in range(SERIES)])


def _scenario(row: dict[str, str], rng: np.random.Generator) -> FloatArray:
    t = np.arange(1, WEEKS + 1)
    log_mean = float(row["theta"]) + float(row["trend"]) * float(row["beta"]) * t
    for harmonic in range(1, int(float(row["m"])) + 1):
        angle = 2 * np.pi * harmonic * t / 52
        log_mean = log_mean + float(row["g1"]) * np.cos(angle) + float(row["g2"]) * np.sin(angle)
    mean, phi = np.exp(log_mean), float(row["phi"])
    drawn = rng.poisson(mean) if phi <= 1 else rng.negative_binomial(mean / (phi - 1), 1 / phi)
    return drawn.astype(np.float64)


def speed(
    name: str, detector: Detector, call: str, recorded: float, counts: FloatArray, series_for_r: int
) -> dict[str, object]:
    """Our best and median of REPEATS, R's time for 300 series, and whether the bounds agree."""
    series = as_series(counts)
    began = time.perf_counter()
    bounds = detector(series)
    first = time.perf_counter() - began
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        detector(series)
        times.append(time.perf_counter() - began)
    figures: dict[str, object] = {
        "work": f"{name}, {SERIES} series x {JUDGED} weeks",
        "first_call_s": round(first, 2),
        "best_s": round(min(times), 3),
        "median_s": round(float(np.median(times)), 3),
        "cores": os.cpu_count(),
    }
    measured = run_r(call, counts[:series_for_r])
    if measured is None:
        source, seconds = "recorded in detection.md; R is not installed here", recorded
    else:
        seconds, upper = measured[0] * SERIES / series_for_r, measured[1]
        source = f"measured here on {series_for_r} series, scaled"
        figures["bounds_that_differ"] = _differing(bounds.upperbound[:series_for_r], upper, detector)
    return {
        **figures,
        "r_s": round(seconds, 1),
        "r": source,
        "ratio": round(seconds / float(np.median(times))),
    }


def run_r(call: str, counts: FloatArray) -> tuple[float, FloatArray] | None:
    """Seconds R took and its bounds (series, weeks); None when R or its package is not here."""
    program = shutil.which("Rscript")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        names = [str(Path(folder, name)) for name in ("counts.csv", "seconds.txt", "bounds.csv")]
        np.savetxt(names[0], counts.T, delimiter=",", fmt="%d")
        script = Path(folder, "run.R")
        script.write_text(R_SCRIPT.format(judged=JUDGED, call=call))
        done = subprocess.run([program, str(script), *names], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"R could not run: {done.stderr.strip()[-300:]}", file=sys.stderr)
            return None
        bounds = np.genfromtxt(names[2], delimiter=",", missing_values="NA")
        return float(Path(names[1]).read_text()), np.atleast_2d(bounds)


def _differing(ours: FloatArray, theirs: FloatArray, detector: Detector) -> int:
    if isinstance(detector, Farrington):
        theirs = np.where(theirs == 0, np.nan, theirs)
    return int((~np.isclose(ours, theirs, rtol=1e-6, atol=0, equal_nan=True)).sum())


def quality(name: str, detector: Detector) -> dict[str, object]:
    """Share of injected outbreaks noticed, share of quiet weeks alarmed, weeks from start to first alarm.

    Simulated series of the reference, from week 313 on (five years and a season before).
    """
    counts, injected = _truth()
    alarm = np.zeros(counts.shape, dtype=bool)
    bounds = detector(as_series(counts))
    alarm[:, bounds.evaluated] = bounds.alarm
    alarm[:, :312] = False
    quiet = injected[:, 312:] == 0
    runs = [
        alarm[row, start:end]
        for row in range(len(counts))
        for start, end in _runs(injected[row] > 0)
        if start >= 312
    ]
    delays = [int(run.argmax()) for run in runs if run.any()]
    return {
        "detector": name,
        "outbreaks": len(runs),
        "pod": round(len(delays) / len(runs), 3),
        "fpr": round(float(alarm[:, 312:][quiet].mean()), 4),
        "weeks_to_alarm": round(float(np.mean(delays)), 2) if delays else None,
    }


def _truth() -> tuple[FloatArray, FloatArray]:
    """Counts and injected cases of the reference's simulated series, both (series, weeks)."""
    with gzip.open(REFERENCE / "temporal" / "simulated_truth.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file, skipinitialspace=True))
    names = list(dict.fromkeys(row["series"] for row in rows))
    weeks = max(int(row["t"]) for row in rows)
    base, injected = np.zeros((len(names), weeks)), np.zeros((len(names), weeks))
    for row in rows:
        at = names.index(row["series"]), int(row["t"]) - 1
        base[at], injected[at] = float(row["baseline"]), float(row["outbreak"])
    return base + injected, injected


def _runs(mask: BoolArray) -> Iterator[tuple[int, int]]:
    """Start and end (not included) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SERIES)
