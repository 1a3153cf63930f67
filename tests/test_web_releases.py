"""The map page on the boundaries of another time."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from dash import Dash
from flask.testing import FlaskClient
from sqlalchemy import Engine

from db import session_scope
from surveillance.counts import WeeklyCurve
from tests.line_list import Sick, add_cases, add_file, evening
from tests.release_city import ReleaseCity, make_city, point_in
from tests.web_city import Place, SignIn, app, city, client, run_callback, settings, sign_in, text_of
from web.figures import Break, weekly_figure
from web.release_figures import rate_stops

__all__ = ["app", "city", "client", "settings", "sign_in"]
"""Fixtures."""

TODAY = date(2026, 11, 22)
THEN = "disease=dengue&release=2019-04-01"


@pytest.fixture(scope="module")
def wards(engine: Engine, city: dict[str, Place]) -> ReleaseCity:
    """Ten cases in X of this week, two of them at a house in old A; one in Z, which was not of the city in 2019."""
    with session_scope(engine) as session:
        made = make_city(session)
        house: dict[str, Any] = {"geom": point_in(0.5), "place_level": "house"}
        cases = [Sick(day=TODAY, unit_id=made["X"]) for _ in range(8)]
        cases += [Sick(day=TODAY, unit_id=made["X"], facts=house) for _ in range(2)]
        cases += [Sick(day=TODAY, unit_id=made["Z"])]
        add_cases(session, add_file(session, "hcdc_dengue", evening(TODAY)), cases)
    return made


@pytest.fixture
def analyst(sign_in: SignIn, wards: ReleaseCity) -> FlaskClient:
    return sign_in("analyst")


def drawn(app: Dash, analyst: FlaskClient, when: str) -> dict[str, Any]:
    answer = run_callback(analyst, app, "map.layers", {"map-when": when})
    response: dict[str, Any] = answer.get_json()["response"]
    return response


def panel(app: Dash, analyst: FlaskClient, when: str, unit: int | None = None) -> str:
    values = {"map-panel-query": f"{when}&unit={unit}" if unit else when}
    return text_of(run_callback(analyst, app, "map-panel.children", values))


def test_an_older_release_draws_its_own_wards_with_what_is_estimated(
    app: Dash, analyst: FlaskClient, wards: ReleaseCity
) -> None:
    shown = drawn(app, analyst, THEN)
    rows = {row["place"]: (row["cases_28"], row["estimated"]) for row in shown["map-grid"]["rowData"]}
    assert rows == {
        "Phường A": (3.6, 44),
        "Phường B": (4.8, 100),
        "Phường C": (1.6, 100),
        "Phường D": (0, None),
    }
    assert "release=2019-04-01" in shown["map"]["layers"][0]["tiles"]
    notes = json.dumps(shown["map-note"], ensure_ascii=False)
    for words in ("Ranh giới từ 01/04/2019", "80 % số ca 28 ngày là ước tính", "1 ca ngoài ranh giới này"):
        assert words in notes
    ground = run_callback(analyst, app, "map-place.data", {"map-ground": THEN}).get_json()["response"]
    assert [x["label"] for x in ground["map-place"]["data"]] == [f"Phường {x}" for x in "ABCD"]


def test_rates_are_by_the_people_of_that_release(app: Dash, analyst: FlaskClient, wards: ReleaseCity) -> None:
    shown = drawn(app, analyst, "disease=dengue&release=2019-04-01&metric=rate")
    layer = shown["map"]["layers"][0]
    values = {name: layer["values"].get(str(wards[name])) for name in "ABCD"}
    assert values == {"A": 3600.0, "B": 1600.0, "C": 800.0, "D": 0.0}
    assert layer["scale"] == "step"
    assert "Ca trên 100.000 dân, 28 ngày" in json.dumps(shown["map-legend"], ensure_ascii=False)


def test_todays_map_is_as_before_without_a_release(
    app: Dash, analyst: FlaskClient, wards: ReleaseCity
) -> None:
    shown = drawn(app, analyst, "disease=dengue")
    assert "release" not in shown["map"]["layers"][0]["tiles"]
    names = {row["place"] for row in shown["map-grid"]["rowData"]}
    assert {"Phường X", "Phường Y", "Phường Z"} <= names and "Phường A" not in names
    assert drawn(app, analyst, "disease=dengue&release=nonsense")["map-grid"] == shown["map-grid"]


def test_a_former_ward_says_how_it_was_counted_and_what_became_of_it(
    app: Dash, analyst: FlaskClient, wards: ReleaseCity
) -> None:
    text = panel(app, analyst, THEN, wards["C"])
    for words in (
        "Phường C",
        "01/04/2019 – 31/12/2024",
        "Nay thuộc",
        "Phường X",
        "50 %",
        "Phần ước tính",
        "200 dân",
    ):
        assert words in text
    certain = panel(app, analyst, THEN, wards["D"])
    assert "Mọi ca đều được đếm" in certain


def test_a_ward_of_today_says_what_it_was_made_of(
    app: Dash, analyst: FlaskClient, wards: ReleaseCity
) -> None:
    text = panel(app, analyst, "disease=dengue", wards["Y"])
    assert "Trước 01/07/2025 là" in text
    assert "Phường F" in text and "Phường G" in text


def test_the_city_tells_how_much_of_a_release_is_estimated(app: Dash, analyst: FlaskClient) -> None:
    text = panel(app, analyst, THEN)
    for words in ("Ranh giới từ 01/04/2019", "Trong đó ước tính", "80 %", "Ngoài ranh giới này"):
        assert words in text


def test_tiles_of_a_release_are_its_own(analyst: FlaskClient) -> None:
    now, then = (analyst.get(f"/t/communes/10/815/481{query}") for query in ("", "?release=2019-04-01"))
    assert now.headers["ETag"] != then.headers["ETag"]
    assert now.data != then.data and len(then.data) > 0


def test_the_picture_draws_the_release_too(analyst: FlaskClient) -> None:
    now, then = (analyst.get(f"/map.sheet?disease=dengue&release={x}").data for x in ("", "2019-04-01"))
    assert now != then and then.startswith(b"<svg")


def curve(weeks: int = 60) -> WeeklyCurve:
    mondays = tuple(date(2025, 1, 6) + timedelta(weeks=k) for k in range(weeks))
    some = np.ones(weeks)
    return WeeklyCurve(
        weeks=mondays,
        observed=some,
        expected=some,
        warning=some,
        threshold=some * 2,
        partial=False,
        break_on=None,
    )


def test_a_break_is_a_line_with_a_word_where_the_curve_shows_its_day() -> None:
    seen, before = Break(date(2025, 7, 1), "đổi ranh giới"), Break(date(2019, 1, 1), "xa xưa")
    layout = weekly_figure(curve(), "light", breaks=[seen, before])["layout"]
    assert [(x["x0"], x["x1"]) for x in layout["shapes"]] == [(seen.on, seen.on)]
    assert [x["text"] for x in layout["annotations"]] == ["đổi ranh giới"]


def test_three_years_of_a_ward_show_the_day_its_boundary_changed(
    app: Dash, analyst: FlaskClient, wards: ReleaseCity
) -> None:
    assert "01/07/2025: đổi ranh giới" not in panel(app, analyst, "disease=dengue", wards["Y"])
    assert "01/07/2025: đổi ranh giới" in panel(app, analyst, "disease=dengue&years=3", wards["Y"])


def test_classes_of_a_rate_are_round_and_at_most_five() -> None:
    assert rate_stops([]) == [0.0]
    assert rate_stops([None, 0.0]) == [0.0]
    assert rate_stops([float(x) for x in range(1, 101)]) == [0.0, 20.0, 40.0, 60.0, 80.0]
    assert len(rate_stops([10.0**x for x in range(10)])) == 5
    assert rate_stops([5.8]) == [0.0, 6.0]
    assert rate_stops([8, 10, 12, 15, 18, 22, 1234]) == [0.0, 10.0, 12.0, 18.0, 20.0]
