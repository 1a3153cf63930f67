"""The whole chain outside one process: a settled city, day files with an outbreak, and the real worker.

Used by the end-to-end tests and by `bench/report_to_alert.py`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.models import Role
from accounts.service import create_user
from db import make_engine, session_scope
from geodata.models import AdminUnit
from geodata.registry import load_registry
from geodata.units import load_units
from settings import ROOT, Settings
from surveillance.diseases import load_catalogue
from surveillance.hcdc_layout import DENGUE, write_day, write_file
from surveillance.simulate import plant_outbreak, simulate
from surveillance.simulation.city import City, places_from_registry
from surveillance.simulation.settings import load_settings
from worker import Chain

TODAY = datetime.now(UTC).astimezone(Settings.from_environment({}).deployment.timezone).date()


def simulated_city() -> City:
    return places_from_registry("79", load_settings(ROOT / "deploy" / "hcmc" / "simulation.toml"))


def settle(url: str, home: Path, city: City, officers: dict[str, str]) -> None:
    """Six calm years of a small city through the pipeline, levels decided; `officers`: user name → commune code."""
    engine = make_engine(url, pooled=False)
    with session_scope(engine) as session:
        load_units(session, load_registry(["79"]))
    start, yesterday = date(TODAY.year - 6, TODAY.month, 1), TODAY - timedelta(days=1)
    rng = np.random.default_rng(5)
    epidemic = simulate(city, load_catalogue(), start=start, end=yesterday, rng=rng, scale=0.02)
    dengue = epidemic.reports[epidemic.reports["disease"] == "dengue"]
    write_file(dengue, DENGUE, home / "SXH_history.xlsx")
    chain = Chain(engine, settings_for(url, home))
    chain.ingest([home / "SXH_history.xlsx"], backfill=True, say=lambda _message: None)
    with session_scope(engine) as session:
        chain.analyse_at(session, datetime.now(UTC))
        chain.reconcile_at(session, datetime.now(UTC), notify=False)
        for name, code in officers.items():
            add_officer(session, name, code)
    engine.dispose()


def add_officer(session: Session, name: str, commune_code: str) -> None:
    create_user(
        session,
        username=name,
        password="a long enough password",
        full_name=name,
        role=Role.OFFICER,
        email=f"{name}@canhdich.example",
        area_ids=[unit_id(session, commune_code)],
    )


def outbreak_file(city: City, commune_code: str, folder: Path, seed: int = 7) -> Path:
    """Today's file: 40 dengue patients of one commune, admitted and reported today."""
    epidemic = plant_outbreak(
        city,
        load_catalogue(),
        commune_code,
        "dengue",
        start=TODAY,
        size=40,
        rng=np.random.default_rng(seed),
        days=1,
        reported_on=TODAY,
    )
    reports = epidemic.reports.assign(date_admission=epidemic.reports["date_report"])
    (path,) = write_day(replace(epidemic, reports=reports), TODAY, folder)
    return path


def settings_for(url: str, home: Path, smtp: str | None = None) -> Settings:
    environment = {"DATABASE_URL": url, "CANHDICH_HOME": str(home), "CANHDICH_SECRET_KEY": "5a" * 32}
    return Settings.from_environment(environment | ({"CANHDICH_SMTP_URL": smtp} if smtp else {}))


def unit_id(session: Any, code: str) -> int:
    query = select(AdminUnit.id).where(AdminUnit.code == code, AdminUnit.level == "commune")
    return int(session.scalars(query.where(AdminUnit.valid_to.is_(None))).one())


class Worker:
    """`app.py worker` as a process of its own."""

    def __init__(self, url: str, home: Path, smtp: str) -> None:
        environment = {**os.environ, "DATABASE_URL": url, "CANHDICH_HOME": str(home)}
        environment |= {
            "CANHDICH_SMTP_URL": smtp,
            "CANHDICH_SECRET_KEY": "5a" * 32,
            "CANHDICH_LOG_LEVEL": "WARNING",
        }
        self.log = (home / "worker.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "app.py", "worker"], cwd=ROOT, env=environment, stdout=self.log, stderr=self.log
        )

    def stop(self, with_signal: int = signal.SIGTERM) -> None:
        self.process.send_signal(with_signal)
        self.process.wait(60)
        self.log.close()


def drop(file: Path, home: Path) -> None:
    inbox = home / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, inbox / f".{file.name}")
    (inbox / f".{file.name}").rename(inbox / file.name)
