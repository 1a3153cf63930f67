"""Seconds of the spatial statistics, ours and R's in the same run when R has spdep and surveillance.

    python -m bench.association [POINTS]

Prints one JSON line; asserts nothing. Local Moran of 5,040 areas with 999 permutations; Knox of 3,000 points with
999 permutations (14 days; 200, 1,000 and 9,000 m in a square of 10 km). R's Knox needs minutes: it is run on
POINTS points (600) and scaled by the number of pairs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from surveillance.adjacency import Weights, adjacency_weights
from surveillance.association import local_g, local_moran, permute_local_g, permute_local_moran
from surveillance.knox import knox

WIDTH, HEIGHT, POINTS, PERMUTATIONS = 70, 72, 3_000, 999
RECORDED_PEER_SECONDS = {"local_moran": 3.0, "knox": 378.8}
MORAN = """
if (!requireNamespace("spdep", quietly = TRUE)) quit(status = 3)
suppressMessages(library(spdep))
w <- nb2listw(cell2nb(72, 70, type = "queen"), style = "W")
x <- scan("values.csv", quiet = TRUE)
began <- proc.time()[["elapsed"]]
invisible(localmoran_perm(x, w, nsim = 999))
cat(proc.time()[["elapsed"]] - began, "\\n")
"""
KNOX = """
if (!requireNamespace("surveillance", quietly = TRUE)) quit(status = 3)
suppressMessages(library(surveillance))
p <- read.csv("points.csv", header = FALSE)
sink("progress.txt")
began <- proc.time()[["elapsed"]]
invisible(knox(as.vector(dist(p[[1]])), as.vector(dist(p[, 2:3])), 14, 1000, B = 999))
took <- proc.time()[["elapsed"]] - began
sink()
cat(took, "\\n")
"""


def queen(width: int, height: int) -> Weights:
    cells = [(row, column) for row in range(width) for column in range(height)]
    steps = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)]
    return adjacency_weights(cells, (((r, c), (r + a, c + b)) for r, c in cells for a, b in steps))


def best_of(times: int, work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def peer(script: str, name: str, table: np.ndarray) -> float | None:
    """Seconds R says it took, or None where R or the package is not installed."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        np.savetxt(Path(folder) / name, table, delimiter=",")
        run = subprocess.run(
            ["Rscript", "-e", script], cwd=folder, capture_output=True, text=True, check=False
        )
    return float(run.stdout.split()[-1]) if run.returncode == 0 else None


def areas(rng: np.random.Generator) -> dict[str, float | None]:
    weights, values = queen(WIDTH, HEIGHT), rng.normal(size=WIDTH * HEIGHT)
    permute_local_moran(values, weights, rng=rng, permutations=1)

    def permuted(function: Callable[..., object]) -> float:
        return best_of(3, lambda: function(values, weights, rng=rng, permutations=PERMUTATIONS))

    return {
        "analytic_moran_and_g": best_of(3, lambda: (local_moran(values, weights), local_g(values, weights))),
        "local_moran": permuted(permute_local_moran),
        "local_g": permuted(permute_local_g),
        "spdep": peer(MORAN, "values.csv", values),
    }


def points(rng: np.random.Generator, peer_points: int) -> dict[str, float | None]:
    times = rng.integers(0, 365, POINTS).astype(np.float64)
    x, y = rng.random((2, POINTS)) * 10_000

    def within(metres: float) -> float:
        return best_of(
            3, lambda: knox(times, x, y, days=14, metres=metres, rng=rng, permutations=PERMUTATIONS)
        )

    within(200)
    ours: dict[str, float | None] = {f"{metres} m": within(metres) for metres in (200, 1_000, 9_000)}
    seconds = peer(KNOX, "points.csv", np.column_stack((times, x, y))[:peer_points])
    scale = POINTS * (POINTS - 1) / (peer_points * (peer_points - 1))
    return ours | {"R scaled": None if seconds is None else seconds * scale}


if __name__ == "__main__":
    generator = np.random.default_rng(20261122)
    figures = {
        "areas": areas(generator),
        "knox": points(generator, int(sys.argv[1]) if len(sys.argv) > 1 else 600),
        "recorded": RECORDED_PEER_SECONDS,
    }
    print(json.dumps(figures))
