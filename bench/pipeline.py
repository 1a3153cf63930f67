"""Rows per second through the whole ingest pipeline, beside peers on the same 107,119 real cases and server.

    python -m bench.pipeline

Peers: a plain COPY of the same CSV into a text table (the floor: no dates, no checks, no keys), and
pandas.read_csv + DataFrame.to_sql. The pipeline validates, places, links and versions.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from sqlalchemy import Engine, text

from db import make_engine, session_scope
from embedded import EmbeddedPostGIS
from geodata.units import load_units
from migrate import migrate
from settings import Settings
from surveillance.pipeline import Context, build_context, ingest_file
from surveillance.sources.taiwan import line_list, taiwan_units, write_line_list


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="canhdich-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = EmbeddedPostGIS(folder / "pg")
        try:
            _measure(server.start(), folder)
        finally:
            server.stop()


def _measure(url: str, folder: Path) -> None:
    migrate(url)
    engine = make_engine(url)
    context = _context(engine, folder)
    path = folder / "taiwan.csv"
    rows = write_line_list(line_list(), path)
    again = folder / "again.csv"
    again.write_bytes(path.read_bytes() + b"\r\n")
    report = replace(context, known="report")
    timings = {
        "plain COPY, all text": _timed(lambda: _copy(engine, path)),
        "pandas read_csv + to_sql": _timed(lambda: _to_sql(engine, path)),
        "pipeline, new file": _timed(lambda: ingest_file(engine, report, path, datetime.now(UTC))),
        "pipeline, same rows again": _timed(lambda: ingest_file(engine, report, again, datetime.now(UTC))),
    }
    floor = timings["plain COPY, all text"]
    print(f"{'way in':28}{'seconds':>9}{'rows/s':>9}{'× COPY':>8}")
    for way, seconds in timings.items():
        print(f"{way:28}{seconds:9.1f}{rows / seconds:9.0f}{seconds / floor:8.1f}")
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


def _context(engine: Engine, folder: Path) -> Context:
    environment = {"CANHDICH_HOME": str(folder / "home"), "CANHDICH_DEPLOYMENT": "taiwan"}
    with session_scope(engine) as session:
        load_units(session, taiwan_units()[0])
    with session_scope(engine) as session:
        return build_context(session, Settings.from_environment(environment))


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _copy(engine: Engine, path: Path) -> None:
    header = path.open(encoding="utf-8").readline().strip().split(",")
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE plain ({', '.join(f'{name} text' for name in header)})"))
        raw = connection.connection.driver_connection
        assert raw is not None
        with raw.cursor().copy("COPY plain FROM STDIN (FORMAT csv, HEADER)") as copy, path.open("rb") as file:
            while block := file.read(1 << 20):
                copy.write(block)


def _to_sql(engine: Engine, path: Path) -> None:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame.to_sql("by_pandas", engine, index=False, chunksize=10_000)


if __name__ == "__main__":
    main()
