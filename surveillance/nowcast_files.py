"""Nowcasts on plain files: `nowcast(in_csv, out_csv, …)` and `boda(in_csv, out_csv, …)`.

A line list with two date columns, or a reporting triangle with columns date, d0, d1, …
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from i18n import Message
from surveillance.nowcast import Nowcast, NowcastSettings
from surveillance.nowcast import nowcast as nowcast_areas
from surveillance.nowcasting.boda import BodaDelay, boda_delay
from surveillance.nowcasting.reference import ReferenceNowcast, ReferenceSettings, reference_nowcast
from surveillance.nowcasting.triangle import Triangle, due_cells, triangle_of
from surveillance.plain_files import PlainFileError, Row, day, number, read_rows, write_rows
from surveillance.types import CountSeries, Frequency, SeriesKey

COLUMNS = ("method", "now", "D", "m", "area", "date", "reported", "nowcast", "lo", "hi", "reason")
BODA_COLUMNS = ("series", "delay", "t", "observed", "upperbound", "alarm", "reason")
EVENTS, REPORTS = ("dHosp", "event", "date_onset"), ("dReport", "report", "date_report")
POOLED = "pooled"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedTriangle:
    """A triangle, the names of its areas, and the days between two steps (1, or 7 for weeks)."""

    triangle: Triangle
    areas: tuple[str, ...]
    step_days: int

    def date_of(self, step: int) -> date:
        return self.triangle.start + timedelta(days=self.step_days * step)


def nowcast(
    in_csv: Path,
    out_csv: Path,
    *,
    now: date | None = None,
    max_delay: int = 15,
    settings: ReferenceSettings | None = None,
    pooled: NowcastSettings | None = None,
    cdf_csv: Path | None = None,
    seed: int = 1,
) -> int:
    """Nowcast of the steps still open at `now` (default: the newest date of the file), one row each.

    `settings` chooses a method of R `surveillance::nowcast`; `pooled` our own model instead, for all areas
    (column `area`) together. `cdf_csv` also takes the delay distribution as k, F. Returns the rows written;
    raises PlainFileError for a file that cannot be used.
    """
    dated = read_triangle(Path(in_csv), now=now, max_delay=max_delay)
    rng = np.random.default_rng(seed)
    if pooled is not None:
        found = nowcast_areas(dated.triangle, rng=rng, settings=pooled)
        return write_rows(Path(out_csv), COLUMNS, _pooled_rows(dated, found))
    chosen = settings or ReferenceSettings()
    results = [reference_nowcast(counts, chosen, rng) for counts in dated.triangle.counts]
    if cdf_csv is not None:
        shares = ((k, float(f)) for k, f in enumerate(results[0].cdf))
        write_rows(Path(cdf_csv), ("k", "F"), shares)
    return write_rows(Path(out_csv), COLUMNS, _reference_rows(dated, results, chosen))


def boda(
    in_csv: Path,
    out_csv: Path,
    *,
    first: int,
    last: int,
    settings: BodaDelay | None = None,
    series: str = "series",
) -> int:
    """Delay-aware bounds (bodaDelay) of a weekly triangle file at steps `first`..`last`, counted from 1."""
    path = Path(in_csv)
    dated, chosen = read_triangle(path), settings or BodaDelay()
    if not 1 <= first <= last <= dated.triangle.steps:
        raise PlainFileError(
            Message("Tệp {file} chỉ có các bước 1 đến {last}.", file=path.name, last=dated.triangle.steps)
        )
    counts = CountSeries(
        keys=(SeriesKey(series, 0),),
        frequency=Frequency.WEEK,
        start=dated.triangle.start,
        observed=dated.triangle.reported,
        as_of=datetime.combine(dated.date_of(dated.triangle.steps), time(), UTC),
    )
    evaluated = np.arange(first - 1, last, dtype=np.int64)
    bounds = boda_delay(counts, dated.triangle.counts[0], evaluated, chosen)
    rows = (
        (
            series, str(chosen.delay).upper(), int(step) + 1, float(counts.observed[0, step]),
            float(bounds.upperbound[0, e]), int(bounds.alarm[0, e]), str(bounds.reason[0, e]),
        )
        for e, step in enumerate(evaluated)
    )  # fmt: skip
    return write_rows(Path(out_csv), BODA_COLUMNS, rows)


def read_triangle(path: Path, *, now: date | None = None, max_delay: int = 15) -> DatedTriangle:
    """The reporting triangle of a file as known at `now`; a triangle file brings its own longest delay."""
    rows = read_rows(path)
    if "d0" in rows[0]:
        return _given_triangle(path, rows, now)
    return _counted_triangle(path, rows, now, max_delay)


def _given_triangle(path: Path, rows: list[dict[str, str]], now: date | None) -> DatedTriangle:
    width = next(d for d in range(len(rows[0]) + 1) if f"d{d}" not in rows[0])
    read = [day(row.get("date", ""), path=path, line=i, column="date") for i, row in enumerate(rows, start=2)]
    days = [one for one in read if one is not None]
    gaps = {(b - a).days for a, b in pairwise(days)}
    if len(days) < len(rows) or len(gaps) > 1 or min(gaps, default=1) < 1:
        raise PlainFileError(
            Message("Tệp {file}: cột date phải có đủ ngày, cách đều nhau và tăng dần.", file=path.name)
        )
    step_days = min(gaps, default=1)
    steps = sum(1 for one in days if now is None or one <= now)
    counts = np.array(
        [
            [number(row[f"d{d}"], path=path, line=i, column=f"d{d}") for d in range(width)]
            for i, row in enumerate(rows[:steps], start=2)
        ]
    ).reshape(1, steps, width)
    counts = np.where(due_cells(steps, width - 1), counts, np.nan)
    return DatedTriangle(triangle=Triangle(start=days[0], counts=counts), areas=("",), step_days=step_days)


def _counted_triangle(
    path: Path, rows: list[dict[str, str]], now: date | None, max_delay: int
) -> DatedTriangle:
    event_column, report_column = _date_column(path, rows[0], EVENTS), _date_column(path, rows[0], REPORTS)
    cases = []
    for line, row in enumerate(rows, start=2):
        event = day(row[event_column], path=path, line=line, column=event_column)
        report = day(row[report_column], path=path, line=line, column=report_column)
        if event is not None and report is not None:
            cases.append((row.get("area", ""), event, report))
    if not cases:
        raise PlainFileError(Message("Tệp {file} không có ca nào đủ hai ngày.", file=path.name))
    start, last = min(event for _, event, _ in cases), now or max(report for _, _, report in cases)
    if last < start:
        raise PlainFileError(
            Message("Tệp {file} không có ca nào trước ngày {day}.", file=path.name, day=last)
        )
    names = tuple(sorted({area for area, _, _ in cases}))
    position = {name: i for i, name in enumerate(names)}
    triangle = triangle_of(
        np.array([position[area] for area, _, _ in cases]),
        np.array([(event - start).days for _, event, _ in cases]),
        np.array([(report - start).days for _, _, report in cases]),
        areas=len(names), steps=(last - start).days + 1, max_delay=max_delay, start=start,
    )  # fmt: skip
    return DatedTriangle(triangle=triangle, areas=names, step_days=1)


def _date_column(path: Path, row: Row, names: tuple[str, ...]) -> str:
    for name in names:
        if name in row:
            return name
    raise PlainFileError(
        Message("Tệp {file} thiếu cột {column}. Hãy thêm cột này.", file=path.name, column=names[0])
    )


def _reference_rows(
    dated: DatedTriangle, results: list[ReferenceNowcast], settings: ReferenceSettings
) -> Iterator[tuple[object, ...]]:
    steps, width = dated.triangle.steps, dated.triangle.max_delay
    now = dated.date_of(steps - 1)
    for area, result in zip(dated.areas, results, strict=True):
        for t in range(max(steps - 1 - width, 0), steps):
            yield (
                settings.method, now, width, settings.window, area, dated.date_of(t),
                float(result.reported[t]), float(result.median[t]), float(result.lower[t]),
                float(result.upper[t]), str(result.reason[t]),
            )  # fmt: skip


def _pooled_rows(dated: DatedTriangle, found: Nowcast) -> Iterator[tuple[object, ...]]:
    steps, width = dated.triangle.steps, found.reported.shape[1]
    median, low, high = (found.quantile(p) for p in (0.5, 0.025, 0.975))
    for s, area in enumerate(dated.areas):
        for w in range(width):
            yield (
                POOLED, dated.date_of(steps - 1), dated.triangle.max_delay, None, area,
                dated.date_of(steps - width + w), float(found.reported[s, w]), float(median[s, w]),
                float(low[s, w]), float(high[s, w]), str(found.reason[s, w]),
            )  # fmt: skip
