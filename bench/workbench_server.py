"""The map workbench's server side on a real PostGIS: columns in memory beside SQL, at several sizes of the line list.

    python -m bench.workbench_server [10k] [100k] [1m] [10m] [--folder DIR] [--tenfold] [--processor]

For each size: loading the columns and what they take, and p50/p95 of: one year of a disease → counts by commune and
daily curve; the same at a past day ("as of"); the same by SQL; a case tile cold (nothing of its selection kept) and
warm, over random selections and tiles of the city. Prints a table; asserts nothing. The databases stay in DIR for the
next run.

--tenfold: also the columns of the last size repeated ten times in memory, without the SQL and the loading of such a
database, which takes half an hour to fill.
--processor: the processor time of this process instead of the time that passed, for a busy machine; without the
database's share.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from dash import Dash
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bench.workbench_city import TODAY, city_of, settings_in
from db import session_scope
from surveillance.case_cells import PlacedCases
from surveillance.case_filter import CaseFilter
from surveillance.columns import ARRAYS, Columns, ColumnStore, arranged
from surveillance.counts import counted, counts_by_unit
from surveillance.diseases import load_catalogue
from surveillance.models import CaseVersion
from surveillance.slices import by_unit, daily
from surveillance.world import NOWHERE
from web.case_tiles import drawn
from web.server import create_app

SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000, "10m": 10_000_000}
TIMES, TILES = 20, 60
ZOOMS = (8, 9, 10, 11, 12, 13, 14)
CITY = (106.4, 10.4, 107.0, 11.1)
"""West, south, east, north of where most people live."""
DISEASES = ("dengue", "dengue", "diarrhoea", "hfmd", None)
PERIODS = (28, 28, 91, 365, 3600)
Line = tuple[str, list[float]]
Clock = Callable[[], float]


def main(names: list[str], folder: Path, tenfold: bool, clock: Clock) -> None:
    found: dict[str, list[Line]] = {}
    for name in names:
        tables = measured(SIZES[name], folder / name, tenfold and name == names[-1], clock)
        found |= {name + title: lines for title, lines in tables}
    names = list(found)
    print(f"{'milliseconds, p50 / p95':58}" + "".join(f"{name:>18}" for name in names))
    for i, (title, _values) in enumerate(found[names[0]]):
        cells = [f"{np.median(v):.0f} / {np.percentile(v, 95):.0f}" for v in (found[n][i][1] for n in names)]
        print(f"{title:58}" + "".join(f"{cell:>18}" for cell in cells))


def measured(cases: int, folder: Path, tenfold: bool, clock: Clock) -> list[tuple[str, list[Line]]]:
    server, engine, url = city_of(cases, folder)
    try:
        app = create_app(settings_in(folder, url), engine)
        with session_scope(engine) as session, request(app):
            store = ColumnStore({disease.code: disease for disease in load_catalogue()})
            loading = [("loading, once a process", timed(lambda: store.current(session), 1, clock))]
            checking = [
                ("version check of every request", timed(lambda: store.current(session), TIMES, clock))
            ]
            columns = store.current(session)
            tables = [("", [*loading, *checking, *of_columns(session, columns, clock, sql=True)])]
            if tenfold:
                lines = of_columns(session, repeated(columns, 10), clock, sql=False)
                tables.append(
                    (" ×10", [(name, [np.nan]) for name, _ms in [*loading, *checking]] + list(lines))
                )
            return tables
    finally:
        engine.dispose()
        server.stop()


def repeated(columns: Columns, times: int) -> Columns:
    """Each version `times` times, up to 1 km away from where it was."""
    rng = np.random.default_rng(1)
    arrays: dict[str, Any] = {name: np.repeat(getattr(columns, name), times) for name in ARRAYS}
    for name in ("x", "y"):
        moved = arrays[name] + rng.integers(-60_000, 60_000, len(arrays[name]), dtype=np.int32)
        arrays[name] = np.where(arrays[name] == NOWHERE, NOWHERE, moved).astype(np.int32)
    return arranged(columns.diseases, columns.sources, columns.points, arrays)


@contextmanager
def request(app: Dash) -> Iterator[None]:
    """Texts of tiles are in a reader's language."""
    with app.server.test_request_context():
        yield


def of_columns(session: Session, columns: Columns, clock: Clock, *, sql: bool) -> Iterator[Line]:
    arrays = [getattr(columns, name) for name in columns.__dataclass_fields__]
    megabytes = sum(a.nbytes for a in arrays if isinstance(a, np.ndarray)) / 1e6
    yield "versions (thousands)", [len(columns.case) / 1000]
    yield "memory of the columns (MB)", [megabytes]
    for title, past in (("now", False), ("as of a past day", True)):
        wanted = [a_year(Random(seed), past) for seed in range(TIMES)]
        yield f"a year of a disease, {title}: filter", each(columns.rows, wanted, clock)
        yield (
            f"a year of a disease, {title}: + communes + curve",
            each(lambda w: told(columns, w), wanted, clock),
        )
        some = each(lambda w: by_sql(session, w), wanted[:6], clock) if sql else [np.nan]
        yield f"the same by SQL, {title}", some
    yield from of_tiles(session, columns, clock)


def of_tiles(session: Session, columns: Columns, clock: Clock) -> Iterator[Line]:
    cold, warm = [], []
    for seed in range(TILES):
        dice = Random(seed)
        wanted = a_selection(dice)
        z, x, y = a_tile(dice)
        kept: list[PlacedCases] = []

        def first(wanted: CaseFilter = wanted, kept: list[PlacedCases] = kept, at: Any = (z, x, y)) -> None:
            kept.append(PlacedCases.of(columns, columns.rows(wanted), None))
            drawn(session, kept[0], *at)

        cold += timed(first, 1, clock)
        warm += timed(lambda kept=kept, at=(z, x, y): drawn(session, kept[0], *at), 1, clock)  # type: ignore[misc]
    yield "case tile, nothing kept", cold
    yield "case tile, its selection kept", warm


def a_year(dice: Random, past: bool) -> CaseFilter:
    end = TODAY - timedelta(days=dice.randrange(30, 700) if past else 0)
    as_of = datetime.fromisoformat(f"{end}T23:59:59+07:00") if past else None
    return CaseFilter(start=end - timedelta(days=364), end=end, as_of=as_of, disease="dengue")


def a_selection(dice: Random) -> CaseFilter:
    start = TODAY - timedelta(days=dice.choice(PERIODS) - 1)
    return CaseFilter(start=start, end=TODAY, disease=dice.choice(DISEASES))


def a_tile(dice: Random) -> tuple[int, int, int]:
    west, south, east, north = CITY
    z = dice.choice(ZOOMS)
    lon, lat = dice.uniform(west, east), np.radians(dice.uniform(south, north))
    return z, int((lon + 180) / 360 * 2**z), int((1 - np.arcsinh(np.tan(lat)) / np.pi) / 2 * 2**z)


def told(columns: Columns, wanted: CaseFilter) -> Any:
    rows = columns.rows(wanted)
    return by_unit(columns, rows), daily(columns, rows, wanted.start, wanted.end, "event")


def by_sql(session: Session, wanted: CaseFilter) -> Any:
    units = counts_by_unit(
        session, disease=wanted.disease, start=wanted.start, end=wanted.end, as_of=wanted.as_of
    )
    curve = (
        select(CaseVersion.event_date, func.count())
        .where(
            CaseVersion.event_date.between(wanted.start, wanted.end),
            counted(wanted.disease, wanted.as_of, None),
        )
        .group_by(CaseVersion.event_date)
    )
    return units, session.execute(curve).all()


def timed(act: Callable[[], Any], times: int, clock: Clock) -> list[float]:
    found = []
    for _ in range(times):
        began = clock()
        act()
        found.append(1000 * (clock() - began))
    return found


def each(act: Callable[[CaseFilter], Any], wanted: list[CaseFilter], clock: Clock) -> list[float]:
    return [ms for one in wanted for ms in timed(lambda one=one: act(one), 1, clock)]  # type: ignore[misc]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=["10k", "100k", "1m"], choices=list(SIZES))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "canhdich-workbench")
    parser.add_argument("--tenfold", action="store_true")
    parser.add_argument("--processor", action="store_true")
    given = parser.parse_args()
    clock = time.process_time if given.processor else time.perf_counter
    main(given.sizes, given.folder, given.tenfold, clock)
