"""A part of the city with simulated years in a database of its own, for `bench.alerts`: the real files through the real
pipeline, and the truth beside them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from city import prepare
from db import make_engine, session_scope
from embedded import DURABLE, EmbeddedPostGIS
from geodata.units import units_for
from migrate import migrate
from settings import Settings
from surveillance import hcdc_layout, investigation_layout
from surveillance.diseases import load_catalogue
from surveillance.investigation_layout import reading_order
from surveillance.simulate import Epidemic, load_settings, places_from_registry, simulate
from surveillance.simulation.city import City
from worker import Chain

INVESTIGATED_BEFORE = 300
"""Days before the first judged one from which wards' forms are read: outbreaks look back so far."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A database with files read, the communes judged (ids by code), the epidemic behind them."""

    engine: Engine
    settings: Settings
    unit_of: dict[str, int]
    epidemic: Epidemic | None


@contextmanager
def database(folder: Path | None) -> Iterator[str]:
    """The address of a private PostGIS in `folder`, or in a temporary one."""
    with tempfile.TemporaryDirectory(prefix="canhdich-bench-") as temporary:
        os.chmod(temporary, 0o755)
        server = EmbeddedPostGIS((folder or Path(temporary)) / "pg", tuple(DURABLE.items()))
        try:
            yield server.start()
        finally:
            server.stop()


def settings_of(home: Path, deployment: str = "hcmc") -> Settings:
    return Settings.from_environment(
        {"CANHDICH_HOME": str(home), "CANHDICH_SECRET_KEY": "5a" * 32, "CANHDICH_DEPLOYMENT": deployment}
    )


def simulated(
    settings: Settings, *, start: date, end: date, seed: int, communes: int
) -> tuple[City, Epidemic]:
    """The whole city's epidemic, reduced to its first `communes` communes by code."""
    simulation = load_settings(settings.deployment.folder / "simulation.toml")
    place = places_from_registry(settings.deployment.province_code, simulation)
    whole = simulate(place, load_catalogue(), start=start, end=end, rng=np.random.default_rng(seed))
    return place, only(place, whole, communes)


def only(city: City, epidemic: Epidemic, communes: int) -> Epidemic:
    here = np.asarray(city.commune_of[epidemic.cases["place"].to_numpy()] < communes)
    cases = epidemic.cases[here]
    kept = set(cases["case_id"])
    names = {commune.key.code for commune in city.communes[:communes]}
    return replace(
        epidemic,
        cases=cases,
        reports=epidemic.reports[epidemic.reports["case_id"].isin(kept)],
        investigations=epidemic.investigations[epidemic.investigations["case_id"].isin(kept)],
        outbreaks=tuple(o for o in epidemic.outbreaks if o.commune_code in names),
    )


def fill(url: str, settings: Settings, city: City, epidemic: Epidemic, communes: int, first: date) -> Ground:
    """Read `epidemic` from monthly files; each report is known from its day."""
    migrate(url)
    engine = make_engine(url)
    prepare(engine, settings, lambda _message: None)
    with tempfile.TemporaryDirectory(prefix="canhdich-files-") as folder:
        for month in _months(epidemic.start, epidemic.end):
            hcdc_layout.write_month(epidemic, month, Path(folder))
            if month >= first - timedelta(days=INVESTIGATED_BEFORE):
                investigation_layout.write_month(epidemic, month, Path(folder))
        files = sorted(Path(folder).iterdir(), key=reading_order)
        Chain(engine, settings).ingest(files, backfill=True, say=lambda _message: None)
    codes = [commune.key.code for commune in city.communes[:communes]]
    return Ground(engine=engine, settings=settings, unit_of=units(engine, settings, codes), epidemic=epidemic)


def units(engine: Engine, settings: Settings, codes: Collection[str] | None) -> dict[str, int]:
    with session_scope(engine) as session:
        today = units_for(session, settings.deployment.province_code, date.today())
        return {unit.code: unit.id for unit in today if codes is None or unit.code in codes}


def _months(start: date, end: date) -> Sequence[date]:
    span = range(start.year * 12 + start.month - 1, end.year * 12 + end.month)
    return [date(m // 12, m % 12 + 1, 1) for m in span]
