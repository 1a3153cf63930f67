"""Seconds from a file dropped into the inbox to the officer's e-mail, through the real worker and a real mail server.

python -m bench.report_to_alert [drops]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import Engine, select

from alerts.models import Alert
from db import make_engine, session_scope
from embedded import EmbeddedPostGIS
from geodata.models import AdminUnit
from migrate import migrate
from tests.mail import Mailbox, MailServer
from tests.whole_chain import Worker, add_officer, drop, outbreak_file, settle, simulated_city


def main(drops: int) -> None:
    city = simulated_city()
    with tempfile.TemporaryDirectory(prefix="canhdich-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        server, mail = EmbeddedPostGIS(home / "pg"), MailServer(Mailbox())
        url = server.start()
        migrate(url)
        settle(url, home, city, {})
        engine = make_engine(url)
        codes = calm_communes(engine, drops)
        with session_scope(engine) as session:
            for code in codes:
                add_officer(session, f"officer_{code}", code)
        files = [outbreak_file(city, code, home / code, seed) for seed, code in enumerate(codes)]
        mail.start()
        worker = Worker(url, home, mail.url)
        time.sleep(15)  # its first round of jobs is over
        try:
            waits = [seconds_to_mail(file, home, mail.mailbox) for file in files]
        finally:
            worker.stop()
            mail.stop()
            engine.dispose()
            server.stop()
    print(f"{len(waits)} files of 40 cases, each an outbreak in a commune of its own; at rest")
    print(f"drop to e-mail: median {statistics.median(waits):.1f} s, worst {max(waits):.1f} s")
    print("of which the inbox is looked at every 2 s, and a file must lie still for 1 s")


def calm_communes(engine: Engine, count: int) -> list[str]:
    """Codes of communes without an open alert: in the others, new evidence would join it without a new e-mail."""
    alarmed = select(Alert.unit_id).where(Alert.state != "closed")
    query = select(AdminUnit.code).where(AdminUnit.level == "commune", AdminUnit.valid_to.is_(None))
    with session_scope(engine) as session:
        return list(
            session.scalars(query.where(AdminUnit.id.not_in(alarmed)).order_by(AdminUnit.code).limit(count))
        )


def seconds_to_mail(file: Path, home: Path, mailbox: Mailbox) -> float:
    before, start = len(mailbox.taken), time.monotonic()
    drop(file, home)
    while len(mailbox.taken) == before:
        if time.monotonic() - start > 120:
            raise SystemExit(f"no e-mail within 120 s for {file}")
        time.sleep(0.02)
    return time.monotonic() - start


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
