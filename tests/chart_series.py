"""Series and oracles shared by the tests of the monitoring charts."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surveillance.types import Bounds, CountSeries, Detector, Frequency, SeriesKey

ORACLES = Path(__file__).parent / "oracles"
REFERENCE = Path(__file__).parents[2] / "shared" / "reference" / "temporal"
HISTORY = 160
Rows = list[dict[str, str]]


def weekly(
    counts: Any, *, frequency: Frequency = Frequency.WEEK, start: date = date(2020, 1, 6)
) -> CountSeries:
    observed = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    return CountSeries(
        keys=tuple(SeriesKey("dengue", i) for i in range(len(observed))),
        frequency=frequency,
        start=start,
        observed=observed,
        as_of=datetime(2026, 8, 1, tzinfo=UTC),
    )


def wave(seed: int, *, mean: float = 6.0, weeks: int = 260) -> np.ndarray:
    centre = mean * np.exp(0.4 * np.cos(2 * np.pi * np.arange(weeks) / 52))
    return np.random.default_rng(seed).poisson(centre).astype(np.float64)


def read(path: Path) -> Rows:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return list(
            csv.DictReader((line for line in file if not line.startswith("#")), skipinitialspace=True)
        )


def salmonella() -> np.ndarray:
    rows = read(ORACLES / "farrington_series.csv")
    return np.array([float(row["observed"]) for row in rows if row["series"] == "salmonella.agona"])


def recorded(setting: str) -> dict[str, tuple[np.ndarray, int, Rows]]:
    """Of each recorded series: its counts, how many steps are history, and R's rows. Skips without ../shared."""
    if not REFERENCE.is_dir():
        pytest.skip("needs ../shared/reference, which is not there")
    counts: dict[str, list[float]] = {}
    for row in read(REFERENCE / "inputs.csv.gz"):
        counts.setdefault(row["series"], []).append(float(row["observed"]))
    rows: dict[str, Rows] = {}
    for row in read(REFERENCE / "cusum_glr_others.csv.gz"):
        if row["setting"] == setting:
            rows.setdefault(row["series"], []).append(row)
    return {name: (np.array(counts[name]), int(own[0]["t"]) - 1, own) for name, own in rows.items()}


def assert_equals_r(bounds: Bounds, rows: Rows, history: int, name: str) -> None:
    upper = [float(row["upperbound"]) for row in rows]
    alarm = [row["alarm"] == "1" for row in rows]
    np.testing.assert_allclose(bounds.upperbound[0, history:], upper, rtol=1e-6, atol=1e-6, err_msg=name)
    np.testing.assert_array_equal(bounds.alarm[0, history:], alarm, err_msg=name)


def newest(detector: Detector, counts: Any) -> tuple[str, bool]:
    bounds = detector(weekly(counts))
    return str(bounds.reason[0, -1]), bool(bounds.alarm[0, -1])
