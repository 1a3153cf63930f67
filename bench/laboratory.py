"""How long the rule laboratory takes from a change to its result, on the data of this installation (read only).

    python -m bench.laboratory [disease] [days]

With the environment of the application; a filled demo of Ho Chi Minh City is what docs/benchmarks.md names. Each change
is one nobody tried before in this process; prints JSON lines, asserts nothing.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask_login import login_user
from sqlalchemy import select

from accounts.models import Role, User
from db import make_engine, session_scope
from embedded import database_url
from settings import Settings
from web.context import context, load_viewer, local, now, open_session
from web.server import create_app
from web.workbench.lab_map import layers
from web.workbench.lab_run import Result, run
from web.workbench.lab_trial import Trial
from web.workbench.lab_view import outbreak_table, summary, tiles

CHANGES: dict[str, dict[str, Any]] = {
    "nothing kept in memory": {},
    "radius 150 m": {"profile": {"radius_m": 150}},
    "radius 300 m": {"profile": {"radius_m": 300}},
    "chain 14 days": {"profile": {"seed_days": 14, "chain_days": 14}},
    "least cases 3": {"profile": {"min_cases": 3}},
    "closing 14 days": {"profile": {"close_days": 14}},
    "one threshold": {"rules": {"rule.outbreak-large.min_observed": 7}},
    "hold of level 3": {"rules": {"hold.3": 10}},
}


def main(disease: str, days: int) -> None:
    settings = Settings.from_environment()
    engine = make_engine(database_url(settings.database_url, settings.home))
    with session_scope(engine) as session:
        query = select(User.id).where(User.role == Role.ANALYST.value, User.active).order_by(User.id)
        analyst = session.scalars(query.limit(1)).one()
    app = create_app(settings, engine)
    with app.server.test_request_context("/lab"):
        login_user(load_viewer(str(analyst)))
        with open_session() as session:
            today = local(now(session)).date()
        first = today - timedelta(days=days - 1)
        plain = Trial.parse(f"disease={disease}&from={first}&to={today}", context().profiles, today)
        for name, changed in CHANGES.items():
            trial = Trial(disease=plain.disease, first=plain.first, last=plain.last, at=plain.at, **changed)
            result, line = _timed(lambda trial=trial: _run(trial))  # type: ignore[misc]
            drawn, shown = _timed(lambda result=result: _shown(result))  # type: ignore[misc]
            print(
                json.dumps({"change": name, **line, "draw": shown, "map_kB": drawn, **_size(result)}),
                flush=True,
            )
    engine.dispose()


def _run(trial: Trial) -> Result:
    with open_session() as session:
        return run(session, trial)


def _shown(result: Result) -> int:
    summary(result), tiles(result), outbreak_table(result, {})
    drawn = layers(result.old.course, result.new.course, result.trial.at, "light")
    return len(json.dumps(drawn)) // 1000


def _timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    began, spent = time.perf_counter(), time.process_time()
    made = work()
    return made, {
        "seconds": round(time.perf_counter() - began, 2),
        "cpu_seconds": round(time.process_time() - spent, 2),
    }


def _size(result: Result) -> dict[str, int]:
    return {
        "days": result.past.history.length,
        "versions": int(result.past.history.case_id.size),
        "outbreaks": len(result.new.course.found),
        "alert_days": result.alert_days,
    }


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "dengue", int(sys.argv[2]) if len(sys.argv) > 2 else 92)
