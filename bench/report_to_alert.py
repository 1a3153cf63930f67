"""Seconds from a file dropped into the inbox, and from its commit, to the officer's e-mail, through the real worker
and a real mail server: at rest, and while 18,000 reports a week arrive (domain.md §5.4).
python -m bench.report_to_alert [drops] [loaded drops]
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
from sqlalchemy import Engine, select

from alerts.models import Alert
from alerts.short_text import gsm7
from db import make_engine, session_scope
from embedded import EmbeddedPostGIS
from geodata.models import AdminUnit
from migrate import migrate
from surveillance.diseases import load_catalogue
from surveillance.hcdc_layout import DENGUE, write_file
from surveillance.models import IngestRun, SourceFile
from surveillance.simulate import simulate
from surveillance.simulation.city import City
from tests.mail import Mailbox, MailServer
from tests.whole_chain import (
    TODAY,
    Worker,
    add_officer,
    drop,
    outbreak_file,
    settle,
    simulated_city,
)

IMPORT, WEEK, MINUTES_OF_WEEK = 1500, 18_000, 5 * 9.5 * 60
"""Reports come in office hours: 18,000 a week are some 6 a minute, and the largest import 1,500 at once."""
PATIENCE_S = 180


def main(drops: int, loaded: int) -> None:
    city = simulated_city()
    with tempfile.TemporaryDirectory(prefix="canhdich-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        server, mail = EmbeddedPostGIS(home / "pg"), MailServer(Mailbox())
        url = server.start()
        migrate(url)
        settle(url, home, city, {})
        engine = make_engine(url)
        communes = calm_communes(engine, drops + loaded)
        with session_scope(engine) as session:
            for code, _name in communes:
                add_officer(session, f"officer_{code}", code)
        files = [
            (code, outbreak_file(city, code, home / code, seed)) for seed, (code, _) in enumerate(communes)
        ]
        load = load_files(city, home, {name for _, name in communes}) if loaded else []
        mail.start()
        worker = Worker(url, home, mail.url)
        time.sleep(15)  # its first round of jobs is over
        try:
            tell("at rest", [wait(engine, code, file, home, mail.mailbox) for code, file in files[:drops]])
            if loaded:
                with_load(engine, files[drops:], load, home, mail.mailbox)
        finally:
            worker.stop()
            mail.stop()
            engine.dispose()
            server.stop()
    print("the inbox is looked at every 2 s, and a file must lie still for 1 s")


def with_load(
    engine: Engine, files: Sequence[tuple[str, Path]], load: Sequence[Path], home: Path, mailbox: Mailbox
) -> None:
    """The import goes first, then a small file a minute, while the measured files are dropped one after another."""
    over = threading.Event()

    def arrive() -> None:
        for file in load:
            drop(file, home)
            if over.wait(60):
                return

    thread = threading.Thread(target=arrive)
    thread.start()
    waits = [wait(engine, code, file, home, mailbox) for code, file in files]
    over.set()
    thread.join()
    tell("with 18,000 reports a week and an import of 1,500", waits)


def load_files(city: City, home: Path, spare: set[str]) -> list[Path]:
    """Today's dengue reports of other communes: the import, and then one minute's worth in each file."""
    rng, start = np.random.default_rng(9), TODAY - timedelta(days=60)
    reports = simulate(city, load_catalogue(), start=start, end=TODAY, rng=rng, scale=3).reports
    reports = reports[(reports["disease"] == "dengue") & ~reports["commune"].isin(spare)]
    each = round(WEEK / MINUTES_OF_WEEK)
    bounds = [0, *range(IMPORT, IMPORT + 30 * each + 1, each)]
    folder = home / "load"
    folder.mkdir()
    files = []
    for n, (first, last) in enumerate(pairwise(bounds)):
        path = folder / f"SXH_load_{n:03}.xlsx"
        write_file(reports.iloc[first:last], DENGUE, path)
        files.append(path)
    print(f"load: {len(reports.iloc[:IMPORT])} reports at once, then {each} a minute")
    return files


def calm_communes(engine: Engine, count: int) -> list[tuple[str, str]]:
    """Codes and names (as in the files) of communes without an open alert: in the others, new evidence would join it
    without a new e-mail."""
    alarmed = select(Alert.unit_id).where(Alert.state != "closed")
    query = select(AdminUnit.code, AdminUnit.short_name).where(
        AdminUnit.level == "commune", AdminUnit.valid_to.is_(None), AdminUnit.id.not_in(alarmed)
    )
    with session_scope(engine) as session:
        rows = session.execute(query.order_by(AdminUnit.code).limit(count))
        return [(code, gsm7(name).upper()) for code, name in rows]


def wait(engine: Engine, code: str, file: Path, home: Path, mailbox: Mailbox) -> tuple[float, float] | None:
    """Seconds since the drop and since the commit of the file; None: no mail came in time."""
    address, start = f"officer_{code}@canhdich.example", time.monotonic()
    drop(file, home)
    while not any(mail["To"] == address for mail in list(mailbox.taken)):
        if time.monotonic() - start > PATIENCE_S:
            return None
        time.sleep(0.02)
    now = datetime.now(UTC)
    query = select(IngestRun.finished_at).join(SourceFile, SourceFile.id == IngestRun.source_file_id)
    with session_scope(engine) as session:
        committed = session.scalars(
            query.where(SourceFile.name == file.name).order_by(IngestRun.id.desc())
        ).first()
    assert committed is not None
    return time.monotonic() - start, (now - committed).total_seconds()


def tell(what: str, waits: Sequence[tuple[float, float] | None]) -> None:
    came = [one for one in waits if one is not None]
    print(f"{what}: {len(came)} of {len(waits)} e-mails within {PATIENCE_S} s", flush=True)
    for name, seconds in zip(("drop to e-mail", "commit to e-mail"), zip(*came, strict=True), strict=False):
        p50, p95 = np.percentile(seconds, [50, 95])
        print(f"  {name}: p50 {p50:.1f} s, p95 {p95:.1f} s, worst {max(seconds):.1f} s", flush=True)


if __name__ == "__main__":
    given = [int(number) for number in sys.argv[1:]]
    main(*(given + [5, 5][len(given) :]))
