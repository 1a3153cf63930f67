"""The register of duties at a season's height: what one pass costs when much changed, and when nothing did.

python -m bench.duties: 168 communes × 10 diseases with 90 days of levels, 300 statuses in force, 1,000 open outbreaks
(domain.md §5.4), 500 officers, in a PostGIS of its own.
"""

from __future__ import annotations

import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import insert
from sqlalchemy.orm import Session

from accounts.models import User
from alerts.agenda import tell_duties
from alerts.duties import OutbreakFact
from alerts.duty_register import reconcile_duties
from alerts.duty_reminders import remind
from alerts.models import AreaLevel
from alerts.rules import default_policy
from db import make_engine
from embedded import EmbeddedPostGIS
from geodata.models import AdminUnit
from migrate import migrate

COMMUNES, DISEASES, DAYS, IN_FORCE, OUTBREAKS, OFFICERS = 168, 10, 90, 300, 1000, 500
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 10, 20, 8, tzinfo=ZONE)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="canhdich-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostGIS(Path(folder) / "pg")
        try:
            url = server.start()
            migrate(url)
            with Session(make_engine(url)) as session:
                units = _fill(session)
                session.commit()
                _measure(session, units)
        finally:
            server.stop()


def _measure(session: Session, units: list[int]) -> None:
    outbreaks = [
        OutbreakFact(
            id=n, code=f"OD-{n:04d}", disease="disease0", unit_id=units[n % len(units)],
            begun_at=NOW - timedelta(hours=n % 90),
        )
        for n in range(OUTBREAKS)
    ]  # fmt: skip
    for name in ("first pass", "nothing new", "nothing new"):
        started = time.perf_counter()
        report = reconcile_duties(
            session, policy=default_policy(), outbreaks=outbreaks, cases=(), now=NOW, timezone=ZONE
        )
        session.commit()
        middle = time.perf_counter()
        written = remind(session, NOW) + tell_duties(session, NOW, ZONE)
        session.commit()
        print(
            f"{name}: register {middle - started:.2f} s, opened {report.opened}; "
            f"telling {time.perf_counter() - middle:.2f} s, messages {written}"
        )


def _fill(session: Session) -> list[int]:
    units = [
        AdminUnit(level="commune", code=str(n), valid_from=date(2025, 7, 1), name=f"Xã {n}", short_name=str(n),
                  kind="xã")
        for n in range(COMMUNES)
    ]  # fmt: skip
    session.add_all(units)
    session.flush()
    ids = [unit.id for unit in units]
    rows = []
    for area, (disease, unit_id) in enumerate((d, u) for d in range(DISEASES) for u in ids):
        for day in range(DAYS):
            since, last = NOW - timedelta(days=DAYS - day), day == DAYS - 1
            bound = area % (COMMUNES * DISEASES // IN_FORCE) == 0 and day % 30 > 3
            rows.append(
                {
                    "disease": f"disease{disease}", "unit_id": unit_id, "known_from": since,
                    "known_to": None if last else since + timedelta(days=1), "level": 1, "raw_level": 1,
                    "unknown": False, "status": "epidemic" if bound else "none", "since": since, "reasons": [],
                    "why_not_higher": {}, "why_not_lower": {}, "policy_hash": "-",
                }
            )  # fmt: skip
    session.execute(insert(AreaLevel), rows)
    session.add_all(
        User(username=f"officer{n}", password_hash="-", full_name=f"Officer {n}", role="officer", locale="vi",
             email=f"officer{n}@example.org", active=True, areas=[units[n % COMMUNES]])
        for n in range(OFFICERS)
    )  # fmt: skip
    return ids


if __name__ == "__main__":
    main()
