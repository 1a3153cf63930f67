"""One cycle at the size of the city: 500 accounts, 1,000 open outbreaks, 200 level changes; then every mail of it to a
real SMTP server while the delivering worker is killed -9 ten times.

python -m bench.reconcile [kills]
"""

from __future__ import annotations

import os
import signal as signals
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from pathlib import Path

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from accounts.models import Role, User, UserArea
from alerts.channels import EMAIL
from alerts.models import Alert, Delivery
from alerts.telling.hours import Calendar
from alerts.telling.rules import default_rules
from alerts.telling.steps import TellReport, tell
from db import make_engine, session_scope
from embedded import EmbeddedPostGIS
from geodata.models import AdminUnit
from geodata.registry import load_registry
from geodata.units import load_units
from migrate import migrate
from settings import ROOT, Deployment
from surveillance.detection.holidays import is_day_off
from surveillance.diseases import load_catalogue
from surveillance.types import Signal
from tests.alerting import POLICY, epidemic, outbreak, run
from tests.mail import Mailbox, MailServer
from worker import disease_facts

OUTBREAKS, CHANGES, CENTRES, ANALYSTS = 1000, 200, 38, 50
NOW = datetime.now(UTC)
CITY = Deployment.load("hcmc")
DISEASES = {code: disease_facts(load_catalogue(), code) for code in CITY.diseases}
WORKER = """
import sys
from datetime import UTC, datetime
from alerts.channels.email import EmailChannel
from alerts.delivery import Letterhead, deliver_due
from db import make_engine
from settings import Deployment
engine = make_engine(sys.argv[1])
channel = EmailChannel(sys.argv[2], "canh-dich@example.org")
letterhead = Letterhead(public_url="https://canhdich.example.org", timezone=Deployment.load("hcmc").timezone)
while deliver_due(engine, {"email": channel}, datetime.now(UTC), letterhead=letterhead).sent:
    pass
"""


def main(kills: int) -> None:
    with tempfile.TemporaryDirectory(prefix="canhdich-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostGIS(Path(folder) / "pg")
        url = server.start()
        migrate(url)
        engine = make_engine(url)
        mail = MailServer(Mailbox())
        mail.start()
        try:
            units = settle(engine)
            cycles(engine, units)
            deliveries(engine, url, mail, kills)
        finally:
            mail.stop()
            engine.dispose()
            server.stop()


def settle(engine: Engine) -> Sequence[int]:
    """The 168 communes; two officers in each, three in each of 38 regional centres, analysts."""
    with session_scope(engine) as session:
        load_units(session, load_registry([CITY.province_code]))
        wanted = (AdminUnit.level == "commune", AdminUnit.valid_to.is_(None))
        units = list(session.scalars(select(AdminUnit.id).where(*wanted).order_by(AdminUnit.code)))
        session.execute(
            text(
                "INSERT INTO unit_neighbour"
                " SELECT a, b FROM unnest(CAST(:a AS bigint[]), CAST(:b AS bigint[])) AS n(a, b)"
            ),
            {"a": [*units, *units], "b": [*units[1:], units[0], units[-1], *units[:-1]]},
        )
        teams = [([unit], 2) for unit in units] + [(units[n::CENTRES], 3) for n in range(CENTRES)]
        users = [
            (account(f"officer{t}_{n}", Role.OFFICER), areas)
            for t, (areas, size) in enumerate(teams)
            for n in range(size)
        ]
        session.add_all(user for user, _ in users)
        session.add_all(account(f"analyst{n}", Role.ANALYST) for n in range(ANALYSTS))
        session.flush()
        session.add_all(UserArea(user_id=user.id, unit_id=unit) for user, areas in users for unit in areas)
        print(f"{len(units)} communes, {session.scalar(select(func.count(User.id)))} accounts")
    return units


def account(name: str, role: Role) -> User:
    return User(
        username=name, password_hash="-", full_name=name, role=role.value, email=f"{name}@example.org",
        locale="vi", active=True,
    )  # fmt: skip


def cycles(engine: Engine, units: Sequence[int]) -> None:
    """Open the outbreaks without messages; then the cycle that is measured, and the next, which must write nothing."""
    areas = list(islice(product(DISEASES, units), OUTBREAKS))
    open_now = {area: as_disease(outbreak(area[1]), area[0]) for area in areas}
    with session_scope(engine) as session:
        first = timed(session, open_now, NOW, notify=False)
    with session_scope(engine) as session:
        session.execute(text("ANALYZE"))
    changed = open_now | {
        area: as_disease(epidemic(area[1]), area[0]) for area in areas[:: OUTBREAKS // CHANGES]
    }
    start, cpu = time.perf_counter(), time.process_time()
    with session_scope(engine) as session:
        report = run(session, flat(changed), now=NOW + timedelta(minutes=5), diseases=DISEASES)
    busy, cpu = time.perf_counter() - start, time.process_time() - cpu
    again = [once(engine, changed) for _ in range(3)]
    print(f"opening {OUTBREAKS} alerts: {first:.2f} s")
    print(
        f"{report.raised} level changes among {OUTBREAKS} open, {report.deliveries} deliveries, commit included:"
    )
    print(
        f"  {busy:.2f} s, of which {cpu:.2f} s of processor here; load of the machine {os.getloadavg()[0]:.0f}"
    )
    print(f"nothing new: median {statistics.median(again):.2f} s of {len(again)}")
    for minutes in (5, 6, 36):
        seconds, told = telling(engine, NOW + timedelta(minutes=minutes))
        print(f"telling {minutes} min later: {told.escalated} escalations, {told.neighbours} alerts told next door, "
              f"{told.deliveries} deliveries: {seconds:.2f} s")  # fmt: skip


def timed(
    session: Session, evidence: dict[tuple[str, int], list[Signal]], now: datetime, *, notify: bool
) -> float:
    start = time.perf_counter()
    run(session, flat(evidence), now=now, diseases=DISEASES, notify=notify)
    return time.perf_counter() - start


def once(engine: Engine, evidence: dict[tuple[str, int], list[Signal]]) -> float:
    with session_scope(engine) as session:
        return timed(session, evidence, NOW + timedelta(minutes=6), notify=True)


def telling(engine: Engine, now: datetime) -> tuple[float, TellReport]:
    rules = default_rules()
    calendar = Calendar(hours=rules.hours, is_holiday=is_day_off, zone=CITY.timezone)
    start = time.perf_counter()
    with session_scope(engine) as session:
        report = tell(session, rules=rules, calendar=calendar, policy=POLICY, now=now)
    return time.perf_counter() - start, report


def as_disease(evidence: Sequence[Signal], code: str) -> list[Signal]:
    return [replace(one, disease=code) for one in evidence]


def flat(evidence: dict[tuple[str, int], list[Signal]]) -> list[Signal]:
    return [one for some in evidence.values() for one in some]


def deliveries(engine: Engine, url: str, mail: MailServer, kills: int) -> None:
    """Rows and what the mail server took: a kill between its 250 and our commit sends that one letter again, under the
    same Message-ID; that is all that at-least-once can promise (docs/decisions/delivery.md)."""
    with session_scope(engine) as session:
        session.execute(
            text("UPDATE delivery SET next_attempt_at = now() - interval '1 hour', created_at = created_at")
        )
        due = (
            session.scalar(
                select(func.count(Delivery.id)).where(
                    Delivery.channel == EMAIL, Delivery.state == "due", ~Delivery.digest
                )
            )
            or 0
        )
    arguments = [sys.executable, "-c", WORKER, url, mail.url]
    start = time.perf_counter()
    for kill in range(1, kills + 1):
        worker = subprocess.Popen(arguments, cwd=ROOT)
        enough = due * kill // (kills + 2)
        while len(mail.mailbox.taken) < enough and worker.poll() is None:
            time.sleep(0.005)
        os.kill(worker.pid, signals.SIGKILL)
        worker.wait()
    subprocess.run(arguments, cwd=ROOT, check=True)
    seconds = time.perf_counter() - start
    copies = Counter(str(letter["Message-ID"]) for letter in mail.mailbox.taken)
    with session_scope(engine) as session:
        rows = Counter(
            session.scalars(select(Delivery.state).where(Delivery.channel == EMAIL, ~Delivery.digest))
        )
        keys = session.scalar(
            select(func.count(Delivery.dedup_key.distinct())).where(Delivery.channel == EMAIL)
        )
        total = session.scalar(select(func.count(Delivery.id)).where(Delivery.channel == EMAIL))
        alerts = session.scalar(select(func.count(Alert.id)))
    twice = sum(copies.values()) - len(copies)
    print(f"{due} mails due, worker killed -9 {kills} times, {seconds:.0f} s ({due / seconds:.0f} a second)")
    print(f"rows: {dict(rows)}, {keys} distinct keys of {total}; {alerts} alerts")
    print(f"at the mail server: {len(copies)} distinct Message-IDs of {due}, {twice} of them once more")
    if len(copies) != due or rows["sent"] != due or keys != total or twice > kills:
        raise SystemExit("lost or doubled")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
