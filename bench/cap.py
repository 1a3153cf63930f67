"""An alert in each of the 168 real communes: publishing, the sizes of messages and feed, what simplifying does to the
outlines, and the way to a receiver on this machine. Run: python -m bench.cap [folder of the real boundaries]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TypeVar

import geopandas as gpd
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from alerts.cap_feed import Reader, current_feed, to_atom
from alerts.cap_plan import Publication
from alerts.cap_settings import city_of
from alerts.channels import WEBHOOK
from alerts.channels.webhook import WebhookChannel, parse_receiver
from alerts.delivery import Letterhead, deliver_due
from alerts.levels import Level
from alerts.models import CapMessage
from alerts.publishing import PublishReport, publish
from db import make_engine, session_scope
from embedded import EmbeddedPostGIS
from geodata.models import AdminUnit, Boundary
from geodata.registry import load_registry
from geodata.units import load_units
from migrate import migrate
from settings import Settings
from tests.alerting import NOW, epidemic, run
from tests.cap_checks import checked, texts
from tests.webhook_receiver import WebhookReceiver

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "boundaries"
SECRET = "0123456789abcdef0123456789abcdef"
PUBLICATION = Publication(
    access="signed-in", sender="cdc@example.org", status="Test", min_level=Level.CAO, webhook=True
)
Result = TypeVar("Result")


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="canhdich-bench-") as home:
        Path(home).chmod(0o755)
        server = EmbeddedPostGIS(Path(home) / "pg")
        url = server.start()
        migrate(url)
        engine = make_engine(url)
        try:
            outlines = fill(engine, folder)
            measure(engine, outlines)
        finally:
            engine.dispose()
            server.stop()


def fill(engine: Engine, folder: Path) -> dict[str, shapely.MultiPolygon]:
    """The city with its real outlines, which are returned by code, and an epidemic in every commune."""
    real = gpd.read_parquet(folder / "hcmc_wards_2025_168.parquet").to_crs(4326)
    outlines = {
        code: shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape])
        for code, shape in zip(real.code, real.geometry, strict=True)
    }
    with session_scope(engine) as session:
        load_units(session, load_registry(["79"]))
        today = select(AdminUnit).where(AdminUnit.level == "commune", AdminUnit.valid_to.is_(None))
        units = [unit for unit in session.scalars(today) if unit.code in outlines]
        for unit in units:
            geom = from_shape(outlines[unit.code], srid=4326)
            session.add(
                Boundary(unit_id=unit.id, geom=geom, source="bench", synthetic=False, imported_at=NOW)
            )
        session.flush()
        run(session, [signal for unit in units for signal in epidemic(unit.id)])
    return outlines


def measure(engine: Engine, outlines: dict[str, shapely.MultiPolygon]) -> None:
    done, seconds = timed(lambda: say(engine, 0))
    _, again = timed(lambda: say(engine, 1))
    print(f"published {done.alerts} alerts in {seconds:.2f} s; nothing new: {again:.3f} s")
    with Session(engine) as session:
        messages = [message.xml for message in session.scalars(select(CapMessage))]
        feed, feed_s = timed(lambda: atom(session))
    sizes = [len(message.encode()) / 1024 for message in messages]
    print(f"message: median {median(sizes):.1f} KB, largest {max(sizes):.1f} KB")
    print(f"feed: {len(feed) / 1024:.0f} KB in {feed_s:.3f} s")
    wrong = [difference(message, outlines) for message in messages]
    print(f"outline, area apart from the survey's: median {median(wrong):.2%}, most {max(wrong):.2%}")
    deliver(engine, len(messages))


def say(engine: Engine, minutes: int) -> PublishReport:
    with session_scope(engine) as session:
        settings = Settings.from_environment({})
        return publish(session, PUBLICATION, city_of(settings), NOW + timedelta(minutes=minutes))


def atom(session: Session) -> bytes:
    feed = current_feed(session, Reader(public_only=False, unit_ids=None), NOW)
    return to_atom(feed, public_url="https://canhdich.example.org", title="CAP", author="cdc@example.org")


def difference(message: str, outlines: dict[str, shapely.MultiPolygon]) -> float:
    """Area of the symmetric difference over the survey's, holes filled as CAP must; valid by OASIS's schema too."""
    root = checked(message)
    rings = texts(root, "info/cap:area/cap:polygon")
    rings = rings[: len(rings) // 2]
    told = shapely.union_all(
        [shapely.Polygon([tuple(map(float, p.split(",")))[::-1] for p in ring.split()]) for ring in rings]
    )
    code = texts(root, "info/cap:area/cap:geocode/cap:value")[0]
    survey = shapely.union_all([shapely.Polygon(part.exterior) for part in outlines[code].geoms])
    return float(told.symmetric_difference(survey).area / survey.area)


def deliver(engine: Engine, count: int) -> None:
    receiver = WebhookReceiver()
    to = parse_receiver(f"http://127.0.0.1:{receiver.port}/", SECRET, ["127.0.0.1"])
    settings = Settings.from_environment({})
    letterhead = Letterhead(public_url=settings.public_url, timezone=settings.deployment.timezone)
    done, seconds = timed(
        lambda: deliver_due(
            engine, {WEBHOOK: WebhookChannel(to)}, datetime.now(UTC), letterhead=letterhead, batch=count
        )
    )
    receiver.stop()
    print(f"webhook: {done.sent} sent, {len(receiver.taken)} taken, {done.sent / seconds:.0f} a second")


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
