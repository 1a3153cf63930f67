"""The scan over SaTScan's own files: `scan_files(options, out)` writes JSON, and needs no database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from i18n import Message
from surveillance.plain_files import write_rows
from surveillance.scan import Cluster, Scan, Settings, scan
from surveillance.scan_options import Options
from surveillance.scan_parameters import Analysis
from surveillance.scan_study import Located, Study, read_study
from surveillance.scanning.intervals import Intervals, cut
from surveillance.spread import Here, Spread


def scan_files(
    options: Options,
    out: Path,
    *,
    seed: int = 1,
    threads: int = 1,
    spread: Spread | None = None,
    maxima: Path | None = None,
) -> tuple[Scan, tuple[Message, ...]]:
    """Scan the files of `options` and write `out` (docs/methods/scan.md says how it reads), on request the replicate
    `maxima` too. Returns the result and the warnings; raises PlainFileError for what cannot be worked with."""
    study = read_study(options)
    settings = _settings(options, study.intervals)
    spread = spread or Here()
    result = scan(study.null, study.growth, settings, seed=seed, threads=threads, spread=spread)
    text = json.dumps(_result(options, study, settings, result, seed), ensure_ascii=False, indent=1)
    out.write_text(text + "\n", encoding="utf-8")
    if maxima is not None:
        write_rows(maxima, ("iteration", "replicate", "maximum"), _maxima_rows(result))
    return result, study.warnings


def _settings(options: Options, intervals: Intervals) -> Settings:
    units = cut(options.start, options.end, options.unit).size
    most = options.max_days or int(units * options.max_time / 100)
    shortest = -(-options.min_days // options.length)
    earlier = intervals.holding(options.earlier_from) if options.earlier_from else None
    return Settings(
        prospective=options.analysis is Analysis.PROSPECTIVE,
        shortest=shortest,
        longest=max(most // options.length, shortest),
        least_cases=options.least_cases,
        replications=options.replications,
        enough=options.enough,
        earlier_from=earlier,
        overlap=options.overlap,
        iterations=options.iterations,
        iterate_to=options.iterate_to,
    )


def _maxima_rows(result: Scan) -> Iterator[tuple[int, int, str]]:
    """To six decimals as SaTScan's .llr files, so that equal maxima compare as equal."""
    for turn, drawn in enumerate(result.maxima, 1):
        for replicate, value in enumerate(drawn, 1):
            yield turn, replicate, f"{value:.6f}"


def _result(options: Options, study: Study, settings: Settings, result: Scan, seed: int) -> dict[str, Any]:
    return {
        "settings": _told_settings(options, settings, seed),
        "study": {
            "places": study.places.size,
            "intervals": study.intervals.size,
            "cases": study.null.total,
            "people": study.null.people or None,
        },
        "warnings": [str(warning) for warning in study.warnings],
        "replicates": [int(drawn.size) for drawn in result.maxima],
        "clusters": [_cluster(study, cluster, rank) for rank, cluster in enumerate(result.clusters, 1)],
    }


def _told_settings(options: Options, settings: Settings, seed: int) -> dict[str, Any]:
    return {
        "model": options.model,
        "analysis": options.analysis,
        "start": options.start.isoformat(),
        "end": options.end.isoformat(),
        "time_unit": options.unit,
        "time_length": options.length,
        "coordinates_type": "latlong" if options.latlong else "cartesian",
        "window": _window(options),
        "max_population": options.max_population,
        "max_radius": options.max_radius,
        "min_duration": settings.shortest,
        "max_duration": settings.longest,
        "least_cases": settings.least_cases,
        "weekly": options.weekly,
        "overlap": settings.overlap,
        "replications": settings.replications,
        "enough": settings.enough,
        "earlier_from": options.earlier_from.isoformat() if options.earlier_from else None,
        "iterations": settings.iterations,
        "seed": seed,
    }


def _window(options: Options) -> str:
    if options.ellipses:
        return "ellipse"
    return "network" if options.network else "neighbours" if options.neighbours else "circle"


def _cluster(study: Study, cluster: Cluster, rank: int) -> dict[str, Any]:
    inside = set(cluster.members.tolist())
    growth, places, intervals = study.growth, study.places, study.intervals
    centre = int(growth.centre[cluster.sequence])
    own = growth.centres is places.points
    return {
        "rank": rank,
        "members": [name for member in cluster.members for name in places.ids[member]],
        "centre": {
            "id": places.ids[centre][0] if own else None,
            "coordinates": places.written[centre].tolist() if own else growth.centres[centre].tolist(),
        },
        "radius": growth.reach(cluster.sequence, cluster.members, places),
        "shape": float(growth.shape[cluster.sequence]),
        "angle": float(np.degrees(growth.angle[cluster.sequence])),
        "start": intervals.starts[cluster.first].isoformat(),
        "end": intervals.end(cluster.last).isoformat(),
        "observed": cluster.observed,
        "expected": cluster.expected,
        "observed_expected": cluster.ratio,
        "relative_risk": _finite(cluster.relative_risk),
        "statistic": cluster.statistic,
        "p": cluster.p,
        "p_gumbel": cluster.p_gumbel,
        "recurrence_days": None if cluster.recurrence is None else cluster.recurrence * intervals.days,
        "cases": [
            _told_case(case)
            for case in study.cases
            if case.place in inside and cluster.first <= case.interval <= cluster.last and case.line.count
        ],
    }


def _told_case(case: Located) -> dict[str, Any]:
    return {
        "line": case.line.line,
        "id": case.line.name,
        "count": int(case.line.count),
        "date": case.line.when.day.isoformat() if case.line.when else None,
        "covariates": list(case.line.covariates),
    }


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
