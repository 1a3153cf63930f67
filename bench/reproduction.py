"""Seconds for Rt of many series, ours and EpiEstim's in the same run when R has it.

    python -m bench.reproduction

Prints one JSON line; asserts nothing. 300 series × 180 days in weekly windows, and the nightly 168 areas × 10
diseases (the newest 28 windows, 200 nowcast draws of each count).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from surveillance.reproduction import Rules, Windows, estimate_rt
from surveillance.reproduction_draws import estimate_rt_from_draws
from surveillance.serial_interval import SerialInterval
from surveillance.types import FloatArray

SERIES, DAYS, MEAN, SD = 300, 180, 5.0, 2.5
RECORDED_PEER_SECONDS = 10.5
PEER = """
if (!requireNamespace("EpiEstim", quietly = TRUE)) quit(status = 3)
suppressMessages(library(EpiEstim))
counts <- as.matrix(read.csv("counts.csv", header = FALSE))
config <- function(x) make_config(list(mean_si = 5, std_si = 2.5))
began <- proc.time()[["elapsed"]]
found <- suppressWarnings(suppressMessages(apply(counts, 1, function(x)
  estimate_R(x, method = "parametric_si", config = config(x))$R[["Mean(R)"]])))
cat(proc.time()[["elapsed"]] - began, "\\n")
write.table(t(found), "found.csv", sep = ",", row.names = FALSE, col.names = FALSE)
"""


def simulated(rng: np.random.Generator, series: int) -> FloatArray:
    level = rng.choice([2.0, 15.0, 80.0], series)[:, None] * np.exp(
        rng.normal(0, 0.05, (series, DAYS)).cumsum(1)
    )
    return rng.poisson(level).astype(np.float64) + (np.arange(DAYS) == 0)


def best_of(times: int, work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def peer(counts: FloatArray) -> tuple[float, FloatArray] | None:
    """Seconds and means of EpiEstim, or None where R or EpiEstim is not installed."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        np.savetxt(Path(folder) / "counts.csv", counts, delimiter=",", fmt="%d")
        (Path(folder) / "peer.R").write_text(PEER)
        done = subprocess.run(["Rscript", "peer.R"], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            return None
        found = np.genfromtxt(Path(folder) / "found.csv", delimiter=",")
        return float(done.stdout.split()[-1]), found


def main() -> None:
    rng = np.random.default_rng(1)
    counts, interval = simulated(rng, SERIES), SerialInterval(mean=MEAN, sd=SD)
    windows, rules = Windows.sliding(DAYS, 7), Rules(min_cases=0)
    ours = best_of(5, lambda: estimate_rt(counts, interval, windows=windows, rules=rules))
    theirs = peer(counts)
    seconds = RECORDED_PEER_SECONDS if theirs is None else theirs[0]
    figures = {
        "ours_s": round(ours, 4),
        "epiestim_s": seconds,
        "epiestim_measured": theirs is not None,
        "times_faster": round(seconds / ours),
    }
    if theirs is not None:
        mean = estimate_rt(counts, interval, windows=windows, rules=rules).mean
        figures["largest_relative_difference"] = float(np.nanmax(np.abs(mean / theirs[1] - 1)))
    night = np.broadcast_to(simulated(rng, 1680), (200, 1680, DAYS))
    newest = Windows.sliding(DAYS, 7, newest=28)
    figures["night_1680_series_200_draws_s"] = round(
        best_of(1, lambda: estimate_rt_from_draws(night, interval, windows=newest, rng=rng)), 2
    )
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
