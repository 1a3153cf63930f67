"""How well the detectors find outbreaks: share noticed, false alarms, weeks until noticed.

    python -m bench.detection_quality

Two tables. "simulated": the 42 scenarios of Noufaily et al. 2013, five series each, 12 years; as there four
outbreaks lie in the years before the last (k = 5 SD), and one in the last 49 weeks, of k = 2, 3, 5 or 10 SD in turn;
outbreak cases are Poisson(k·SD of the mean), spread over weeks by a log-normal of SD 0.5. "reference": the ten recorded
series with injected outbreaks (needs ../shared). Then the documented outbreak of Salmonella Newport in Germany, 2011
(Bayer et al. 2014, Euro Surveill 19(1):20665; the series' own column `state` marks nothing): weeks to the first alarm.
Prints JSON lines; asserts nothing.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from surveillance.detection.cdc import HistoricalLimits
from surveillance.detection.cusum import Cusum
from surveillance.detection.ears import Ears
from surveillance.detection.farrington import Farrington, FarringtonFlexible
from surveillance.detection.glr import Glr
from surveillance.detection.mem import MovingEpidemic
from surveillance.detection.outbreakp import OutbreakP
from surveillance.detection.rare import Rare
from surveillance.detection.seasonal import SeasonalDaily
from surveillance.detection.statutory import Statutory, StatutoryRule
from surveillance.detection.windows import ReferenceWindows
from surveillance.types import BoolArray, CountSeries, Detector, FloatArray, Frequency, SeriesKey

REFERENCE = Path(__file__).parents[2] / "shared" / "reference"
WEEKS, JUDGED, EACH, PAST = 624, 49, 5, 4
SIZES, PAST_SIZE = (2.0, 3.0, 5.0, 10.0), 5.0
FIRST = 312
"""The recorded series are judged from here on: five years and a season before."""
GAP = 2
NEWPORT = (date(2011, 10, 31), date(2011, 11, 21))
"""Weeks of reporting with the cases of onset 20 October to 8 November 2011 (106 of the 112 in the file)."""
NOUFAILY = FarringtonFlexible(periods=10, guard=26, alpha=0.01, trend_p=1.0, calendar="steps")
JUDGES: dict[str, Detector] = {
    "farrington_classic, alpha 0.05": Farrington(calendar="steps"),
    "farrington_flexible, R's defaults": FarringtonFlexible(calendar="steps"),
    "farrington_flexible, Noufaily, delta": NOUFAILY,
    "farrington_flexible, Noufaily, nbPlugin": replace(NOUFAILY, threshold="nbPlugin"),
    "farrington_flexible, Noufaily, nbPlugin, alpha 0.005": replace(
        NOUFAILY, threshold="nbPlugin", alpha=0.005
    ),
    "farrington_flexible, Noufaily, muan": replace(NOUFAILY, threshold="muan"),
    "ears_c1, alpha 0.01": Ears(method="C1", alpha=0.01),
    "ears_c2, alpha 0.01": Ears(method="C2", alpha=0.01),
    "ears_c3, alpha 0.01": Ears(method="C3", alpha=0.01),
    "historical_limits (CDC), alpha 0.01": HistoricalLimits(alpha=0.01),
    "bayes, six weeks": ReferenceWindows(),
    "bayes, nine weeks of two years": ReferenceWindows(years=2, half_window=4, this_year=False),
    "rki, nine weeks of two years": ReferenceWindows(method="rki", years=2, half_window=4, this_year=False),
    "cusum, rossi, seasonal": Cusum(transform="rossi", mean="seasonal"),
    "glr_poisson": Glr(),
    "glr_negative_binomial": Glr(alpha=None),
    "outbreak_p": OutbreakP(),
    "moving_epidemic": MovingEpidemic(),
    "rare": Rare(),
}
"""CUSUM and GLR learn from all but the newest year, so on the recorded series they are begun anew each year."""


def main() -> None:
    made = simulated(np.random.default_rng(20261122))
    known = recorded() if (REFERENCE / "temporal").exists() else None
    if known is None:
        print(json.dumps({"quality": f"{REFERENCE} is not on this machine"}))
    for name, detector in JUDGES.items():
        line: dict[str, object] = {"detector": name}
        if made is not None:
            line["simulated"] = scores(alarms(detector, made[0], WEEKS - JUDGED), made[1], WEEKS - JUDGED)
        if known is not None:
            line["reference"] = scores(alarms(detector, known[0], FIRST), known[1], FIRST)
            line["newport"] = newport(detector)
        print(json.dumps(line), flush=True)
    if made is not None:
        for name, line in daily(made[0], made[1]).items():
            print(json.dumps({"detector": name, "simulated": line}), flush=True)


def weekly(counts: FloatArray, frequency: Frequency = Frequency.WEEK) -> CountSeries:
    return CountSeries(
        keys=tuple(SeriesKey("simulated", i) for i in range(len(counts))),
        frequency=frequency,
        start=date(2010, 1, 4),
        observed=counts,
        as_of=datetime(2026, 1, 1, tzinfo=UTC),
    )


def alarms(detector: Detector, counts: FloatArray, first: int) -> FloatArray:
    """1 alarm, 0 none, NaN not judged, (S, T) from `first` on; charts are begun anew for each year they watch."""
    found = np.full(counts.shape, np.nan)
    ends = range(first + 52, counts.shape[1] + 1, 52) if isinstance(detector, Cusum | Glr) else ()
    for end in [*ends, counts.shape[1]]:
        bounds = detector(weekly(counts[:, :end]))
        judged = np.where(np.isin(bounds.reason, ("", "too_few_cases")), bounds.alarm, np.nan)
        begin = max(first, end - 52) if ends else first
        found[:, begin:end] = judged[:, begin:]
    return found


def scores(alarm: FloatArray, injected: FloatArray, first: int) -> dict[str, object]:
    """What is not judged is no alarm here; its share of the weeks is told."""
    raised, late = alarm == 1, slice(first, None)
    runs = [
        raised[row, start:end]
        for row in range(len(alarm))
        for start, end in _runs(injected[row] > 0)
        if start >= first
    ]
    delays = [int(run.argmax()) for run in runs if run.any()]
    return {
        "outbreaks": len(runs),
        "pod": round(len(delays) / len(runs), 3),
        "pod_first_week": round(sum(delay == 0 for delay in delays) / len(runs), 3),
        "fpr": round(float(raised[:, late][injected[:, late] == 0].mean()), 4),
        "weeks_to_alarm": round(float(np.mean(delays)), 2) if delays else None,
        "not_judged": round(float(np.isnan(alarm[:, late]).mean()), 3),
    }


def simulated(rng: np.random.Generator) -> tuple[FloatArray, FloatArray] | None:
    """Counts and injected cases (series, WEEKS); None where the scenarios are not at hand."""
    path = REFERENCE / "noufaily_scenarios.csv"
    if not path.exists():
        return None
    with path.open() as file:
        rows = list(csv.DictReader(file, skipinitialspace=True)) * EACH
    base, injected = np.zeros((len(rows), WEEKS)), np.zeros((len(rows), WEEKS))
    for number, row in enumerate(rows):
        mean, phi = scenario(row, WEEKS)
        base[number] = rng.poisson(mean) if phi <= 1 else rng.negative_binomial(mean / (phi - 1), 1 / phi)
        past = rng.integers(FIRST, WEEKS - JUDGED - 10, PAST)
        now = int(rng.integers(WEEKS - JUDGED, WEEKS - 5))
        size = SIZES[number // (len(rows) // EACH) % len(SIZES)]
        for begin, k in [(int(week), PAST_SIZE) for week in past] + [(now, size)]:
            cases = rng.poisson(k * np.sqrt(phi * mean[begin]))
            weeks = begin + np.floor(rng.lognormal(0, 0.5, cases)).astype(np.int64)
            np.add.at(injected[number], weeks[weeks < WEEKS], 1)
    return base + injected, injected


def scenario(row: dict[str, str], weeks: int) -> tuple[FloatArray, float]:
    """Weekly mean and dispersion of a row of noufaily_scenarios.csv: log-linear trend and m harmonics."""
    t = np.arange(1, weeks + 1)
    log_mean = float(row["theta"]) + float(row["trend"]) * float(row["beta"]) * t
    for harmonic in range(1, int(float(row["m"])) + 1):
        angle = 2 * np.pi * harmonic * t / 52
        log_mean = log_mean + float(row["g1"]) * np.cos(angle) + float(row["g2"]) * np.sin(angle)
    return np.exp(log_mean), float(row["phi"])


def daily(counts: FloatArray, injected: FloatArray) -> dict[str, dict[str, object]]:
    """The two methods that need days, on one series of each scenario, its weeks dealt out over their days; a week
    alarms when a day does."""
    counts, injected = (part[::EACH] for part in (counts, injected))
    rng = np.random.default_rng(1)
    days = (
        rng.multinomial(counts.astype(np.int64), np.full(7, 1 / 7))
        .reshape(len(counts), -1)
        .astype(np.float64)
    )
    first, steps = WEEKS - JUDGED, counts.shape[1]
    seasonal, statutory = np.full(counts.shape, np.nan), np.full(counts.shape, np.nan)
    rules = (StatutoryRule(disease_group="B", endemic=True),) * len(counts)
    for week in range(first, steps):
        series = weekly(days[:, : 7 * week + 7], Frequency.DAY)
        seasonal[:, week] = SeasonalDaily()(series).alarm.any(axis=1)
        today = series.start + timedelta(days=7 * week + 6)
        statutory[:, week] = Statutory(frequency=Frequency.WEEK, today=today, rules=rules)(series).alarm[:, 0]
    return {
        "seasonal_daily, days of the week": scores(seasonal, injected, first),
        "statutory_week, endemic": scores(statutory, injected, first),
    }


def newport(detector: Detector) -> dict[str, object]:
    """The German series: weeks from the outbreak's first to the first alarm, and the share of other weeks alarmed."""
    with gzip.open(REFERENCE / "temporal" / "inputs.csv.gz", "rt") as file:
        rows = [
            row for row in csv.DictReader(file, skipinitialspace=True) if row["series"] == "salmNewport_all"
        ]
    counts = np.array([[float(row["observed"]) for row in rows]])
    start = date.fromisoformat(rows[0]["date"])
    begin, end = ((day - start).days // 7 for day in NEWPORT)
    raised = alarms(detector, counts, begin - 52)[0] == 1
    hits = np.flatnonzero(raised[begin : end + 1])
    quiet = np.r_[raised[begin - 52 : begin], raised[end + 9 :]]
    return {
        "weeks_to_alarm": int(hits[0]) if hits.size else None,
        "other_weeks_alarmed": round(float(quiet.mean()), 3),
    }


def recorded() -> tuple[FloatArray, FloatArray]:
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
    """Start and end (not included) of each run of True; up to two weeks without cases do not end an outbreak."""
    mask = mask.copy()
    at = np.flatnonzero(mask)
    for before, after in pairwise(at.tolist()):
        if after - before <= GAP + 1:
            mask[before:after] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


if __name__ == "__main__":
    main()
