"""Keeps the city's forecasts: made once for each day of reports, apart from the analysis, which cannot wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from db import session_scope
from surveillance.analysis import chosen_diseases, load_history, places_of, unknown_days
from surveillance.diseases import Catalogue
from surveillance.epiweek import local_day
from surveillance.judgement import to_last_report
from surveillance.outlook import METHOD, city_outlook
from surveillance.signals import replace_signals, stored_signals


def forecast_city(
    engine: Engine,
    catalogue: Catalogue,
    *,
    diseases: Sequence[str],
    unit_ids: Sequence[int],
    now: datetime,
    timezone: ZoneInfo,
) -> int:
    """Forecast each of `diseases` that has no forecast from the newest day of reports yet; how many were made.

    A disease takes some twenty seconds, in which no transaction is open; each is kept as soon as it is made.
    Without one city that holds all of `unit_ids` there is nothing to do.
    """
    today = local_day(now, timezone)
    with session_scope(engine) as session:
        city_id = places_of(session, unit_ids).city_id
        if city_id is None:
            return 0
        lines = load_history(session, diseases, unit_ids, today, now)
        unknown = unknown_days(session, chosen_diseases(catalogue, diseases), unit_ids, today, now)
        last, known = to_last_report(lines, unknown, today)
        before = stored_signals(session, diseases, [city_id], methods=[METHOD])
    made = {
        key.disease for key, kept in before.items() if kept.content.period_start == last + timedelta(days=1)
    }
    for i, disease in enumerate(diseases):
        if disease not in made:
            found = city_outlook(lines, i, known[i], last, city_id=city_id, as_of=now)
            with session_scope(engine) as session:
                replace_signals(session, [found], [disease], [city_id], method=METHOD, now=now)
    return len(diseases) - len(made)
