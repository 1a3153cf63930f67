"""How fast the temporal detectors work, beside R `surveillance`, and how well (bench/detection_quality.py).

    python -m bench.detection [SERIES_FOR_R]

300 series × 52 weeks of the scenarios of Noufaily et al. 2013, each with 572 weeks of history, and EARS on 3,300 series
× 365 days. R runs beside us on the first SERIES_FOR_R (default 60; 300 take about six minutes) when Rscript and its
package surveillance are installed; its time is linear in series and is scaled. Without R the time recorded in
shared/detection.md stands in, and the line says so. Then the quality tables. Prints JSON lines; asserts nothing.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from bench import detection_quality
from surveillance.detection.cdc import HistoricalLimits
from surveillance.detection.cusum import Cusum
from surveillance.detection.ears import Ears
from surveillance.detection.farrington import Farrington, FarringtonFlexible
from surveillance.detection.glr import Glr
from surveillance.detection.outbreakp import OutbreakP
from surveillance.types import CountSeries, Detector, FloatArray, Frequency, SeriesKey

REFERENCE = Path(__file__).parents[2] / "shared" / "reference"
SERIES, WEEKS, JUDGED, REPEATS = 300, 624, 52, 5
DAILY_SERIES, DAYS, WINDOW = 3300, 365, 11
"""C3 needs eleven days before the first it can judge."""
HISTORY = WEEKS - JUDGED
NOUFAILY = FarringtonFlexible(periods=10, guard=26, alpha=0.01, trend_p=1.0, calendar="steps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A detector and R's call for the same; `recorded` seconds in detection.md, for as many series, or None."""

    detector: Detector
    call: str
    recorded: float | None = None
    daily: bool = False


WORK: dict[str, Work] = {
    "farrington_flexible, R's defaults": Work(
        detector=FarringtonFlexible(calendar="steps", last=JUDGED),
        call="farringtonFlexible(x, list(range=r, glmWarnings=FALSE))",
        recorded=100.6,
    ),
    "farrington_flexible, Noufaily's settings": Work(
        detector=replace(NOUFAILY, threshold="nbPlugin", last=JUDGED),
        call="farringtonFlexible(x, list(range=r, glmWarnings=FALSE, noPeriods=10, pastWeeksNotIncluded=26,"
        " alpha=0.01, pThresholdTrend=1, thresholdMethod='nbPlugin'))",
        recorded=150.0,
    ),
    "farrington_classic": Work(
        detector=Farrington(calendar="steps", last=JUDGED),
        call="farrington(x, list(range=r), verbose=FALSE)",
        recorded=54.7,
    ),
    "cusum, rossi, seasonal": Work(
        detector=Cusum(transform="rossi", mean="seasonal", training=HISTORY, last=JUDGED),
        call="cusum(x, list(range=r, m='glm', trans='rossi'))",
        recorded=3.4,
    ),
    "glr_poisson": Work(
        detector=Glr(bound="statistic", as_r=True, training=HISTORY, last=JUDGED),
        call="suppressMessages(glrpois(x, list(range=r)))",
        recorded=2.3,
    ),
    "glr_negative_binomial": Work(
        detector=Glr(alpha=None, bound="statistic", as_r=True, training=HISTORY, last=JUDGED),
        call="tryCatch(suppressMessages(glrnb(x, list(range=r))), error=function(e) x[r, ])",
        recorded=8.2,
    ),
    "outbreak_p": Work(
        detector=OutbreakP(bound="statistic", as_r=True, last=JUDGED), call="outbreakP(x, list(range=r))"
    ),
    "historical_limits": Work(
        detector=HistoricalLimits(bound="total", last=JUDGED),
        call="surveillance:::wrap.algo(x, 'algo.cdc', list(range=r))",
    ),
    **{
        f"ears_{method.lower()}": Work(
            detector=Ears(method=method, last=DAYS - WINDOW),
            call=f"earsC(x, list(method='{method}', range=r))",
            daily=True,
        )
        for method in ("C1", "C2", "C3")
    },
}
R_SCRIPT = """
suppressMessages(library(surveillance))
counts <- as.matrix(read.csv(commandArgs(TRUE)[1], header=FALSE))
r <- (nrow(counts) - {judged} + 1):nrow(counts)
began <- proc.time()[["elapsed"]]
bounds <- sapply(seq_len(ncol(counts)), function(j) {{
  x <- sts(counts[, j, drop=FALSE], frequency={frequency})
  as.numeric(upperbound(suppressWarnings({call})))
}})
cat(proc.time()[["elapsed"]] - began, "\\n", file=commandArgs(TRUE)[2])
write.table(t(bounds), commandArgs(TRUE)[3], sep=",", row.names=FALSE, col.names=FALSE)
"""


def main(series_for_r: int) -> None:
    rng = np.random.default_rng(20261122)
    weekly = simulate(rng)
    daily = rng.poisson(rng.gamma(1.0, 2.0, (DAILY_SERIES, 1)), (DAILY_SERIES, DAYS)).astype(np.float64)
    for name, work in WORK.items():
        print(json.dumps(speed(name, work, daily if work.daily else weekly, series_for_r)), flush=True)
    detection_quality.main()


def as_series(counts: FloatArray, frequency: Frequency) -> CountSeries:
    return CountSeries(
        keys=tuple(SeriesKey("simulated", i) for i in range(len(counts))),
        frequency=frequency,
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
    return np.vstack([_drawn(scenarios[i % len(scenarios)], rng) for i in range(SERIES)])


def _drawn(row: dict[str, str], rng: np.random.Generator) -> FloatArray:
    mean, phi = detection_quality.scenario(row, WEEKS)
    drawn = rng.poisson(mean) if phi <= 1 else rng.negative_binomial(mean / (phi - 1), 1 / phi)
    return drawn.astype(np.float64)


def speed(name: str, work: Work, counts: FloatArray, series_for_r: int) -> dict[str, object]:
    """Our first call and median of REPEATS, R's time for as many series, and how many bounds differ."""
    series = as_series(counts, Frequency.DAY if work.daily else Frequency.WEEK)
    began = time.perf_counter()
    bounds = work.detector(series)
    times = [time.perf_counter() - began]
    for _ in range(REPEATS):
        began = time.perf_counter()
        work.detector(series)
        times.append(time.perf_counter() - began)
    ours = float(np.median(times[1:]))
    figures: dict[str, object] = {
        "work": f"{name}, {len(counts)} series x {bounds.evaluated.size} steps",
        "first_call_s": round(times[0], 2),
        "median_s": round(ours, 4),
        "cores": os.cpu_count(),
    }
    part = counts[:series_for_r]
    measured = run_r(work, part, bounds.evaluated.size)
    if measured is not None:
        seconds: float | None = measured[0] * len(counts) / len(part)
        figures["bounds_that_differ"] = _differing(bounds.upperbound[: len(part)], measured[1], work.detector)
        figures["r"] = f"measured here on {len(part)} series, scaled"
    else:
        seconds = work.recorded
        figures["r"] = (
            "recorded in detection.md; R is not installed here" if seconds else "not installed here"
        )
    return {
        **figures,
        "r_s": seconds and round(seconds, 2),
        "ratio": seconds and round(seconds / ours),
    }


def run_r(work: Work, counts: FloatArray, judged: int) -> tuple[float, FloatArray] | None:
    """Seconds R took and its bounds (series, steps); None when R or its package is not here."""
    program = shutil.which("Rscript")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        names = [str(Path(folder, name)) for name in ("counts.csv", "seconds.txt", "bounds.csv")]
        np.savetxt(names[0], counts.T, delimiter=",", fmt="%d")
        script = Path(folder, "run.R")
        frequency = 365 if work.daily else 52
        script.write_text(R_SCRIPT.format(judged=judged, call=work.call, frequency=frequency))
        done = subprocess.run([program, str(script), *names], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"R could not run: {done.stderr.strip()[-300:]}", file=sys.stderr)
            return None
        bounds = np.genfromtxt(names[2], delimiter=",", missing_values="NA")
        return float(Path(names[1]).read_text()), np.atleast_2d(bounds)


def _differing(ours: FloatArray, theirs: FloatArray, detector: Detector) -> int:
    """Of the bounds we give. R's classic Farrington writes 0 for none."""
    given = ~np.isnan(ours) | (~np.isnan(theirs) & (theirs != 0) & isinstance(detector, Farrington))
    return int((given & ~np.isclose(ours, theirs, rtol=1e-6, atol=1e-9)).sum())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
