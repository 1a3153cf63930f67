"""The map's list of clusters: what the city's panel says of them, today and on a past day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from dash import Dash
from sqlalchemy import Engine, delete, insert

from db import session_scope
from surveillance.clustering.models import ClusterRow, ClusterVersion
from tests.web_city import NOW, Place, SignIn, app, city, client, run_callback, settings, sign_in, text_of

__all__ = ["app", "city", "client", "settings", "sign_in"]
"""Fixtures."""

HEADING = "Cụm ca theo không gian và thời gian"
THREE_DAYS_AGO, YESTERDAY = NOW - timedelta(days=3), NOW - timedelta(days=1)


@pytest.fixture
def clusters(engine: Engine, city: dict[str, Place]) -> Iterator[None]:
    """One of two communes that grew yesterday, and one that does not stand."""
    with session_scope(engine) as session:
        for number in (7, 8):
            session.execute(insert(ClusterRow).values(**_row(number)))
        units = [city["Ô 0"].id, city["Ô 1"].id]
        facts = [
            _version(7, units[:1], known_from=THREE_DAYS_AGO, known_to=YESTERDAY, observed=9),
            _version(7, units, known_from=YESTERDAY, kind="growing", observed=14),
            _version(8, [city["Ô 2"].id], known_from=THREE_DAYS_AGO, observed=30, stands_in=61, stable=False),
        ]
        for columns in facts:
            session.execute(insert(ClusterVersion).values(**columns))
    yield
    with session_scope(engine) as session:
        session.execute(delete(ClusterVersion))
        session.execute(delete(ClusterRow))


def _row(number: int) -> dict[str, Any]:
    day = date(2026, 11, 21)
    return {"id": number, "disease": "dengue", "first_known_at": NOW, "seen_first": day, "seen_last": day}


def _version(number: int, units: list[int], **facts: Any) -> dict[str, Any]:
    each = {"units": units, "unit_cases": [7] * len(units), "unit_expected": [1.6] * len(units)}
    numbers = {"expected": 3.2, "relative_risk": None, "p": 0.002, "recurrence_days": 500.0, "seed": 1}
    days = {"first_day": date(2026, 11, 14), "last_day": date(2026, 11, 21)}
    last: dict[str, Any] = {"kind": "new", "parents": [], "into": None}
    last |= {"stands_in": 92, "placements": 100, "stable": True}
    told = {"cluster_id": number, "known_to": None, "alarm": True}
    return each | numbers | days | last | told | facts


def panel(app: Dash, sign_in: SignIn, when: str) -> str:
    return text_of(run_callback(sign_in("analyst"), app, "map-panel.children", {"map-panel-query": when}))


def test_a_cluster_is_listed_with_where_when_how_many_how_surely_and_what_is_new(
    app: Dash, sign_in: SignIn, clusters: None
) -> None:
    shown = panel(app, sign_in, "disease=dengue")

    for words in (
        HEADING, "Cụm số 7", "Phường Ô 0, Phường Ô 1", "14/11/2026–21/11/2026: 14 ca, bình thường 3,2",
        "500 ngày mới có một lần", "Vững trong 92/100", "21/11/2026: Cụm ca lớn thêm.",
    ):  # fmt: skip
        assert words in shown


def test_a_line_leads_to_the_panel_of_its_cluster_and_shows_its_outline(
    app: Dash, sign_in: SignIn, clusters: None
) -> None:
    shown = panel(app, sign_in, "disease=dengue&on=2026-11-22&layers=cases:60")

    assert "/map?disease=dengue&on=2026-11-22&layers=cases:60,clusters:100&cluster=7" in shown
    assert "/map?layers=clusters:40&cluster=7" in panel(app, sign_in, "layers=clusters:40&outbreak=3")
    assert "Các nơi trong cụm (2)" in panel(app, sign_in, "disease=dengue&cluster=7")


def test_an_unstable_cluster_is_called_so_and_stands_below(
    app: Dash, sign_in: SignIn, clusters: None
) -> None:
    shown = panel(app, sign_in, "disease=dengue")

    assert "Cụm số 8 · chưa vững" in shown and "Chưa vững: 61/100" in shown
    assert "Cụm số 7 · chưa vững" not in shown
    assert shown.index("Cụm số 7") < shown.index("Cụm số 8")


def test_a_past_day_shows_the_cluster_as_it_was_known_then(
    app: Dash, sign_in: SignIn, clusters: None
) -> None:
    shown = panel(app, sign_in, "disease=dengue&on=2026-11-20")

    assert "9 ca, bình thường" in shown and "Cụm ca mới." in shown and "lớn thêm" not in shown
    assert HEADING not in panel(app, sign_in, "disease=dengue&on=2026-11-10")


def test_without_a_disease_the_list_names_each_clusters_and_without_clusters_there_is_none(
    app: Dash, sign_in: SignIn, clusters: None
) -> None:
    assert "Cụm số 7 · Sốt xuất huyết Dengue" in panel(app, sign_in, "")
    assert HEADING not in panel(app, sign_in, "disease=measles")
