"""The map's answer is made once for all who see the same, and anew as soon as something is known."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Event
from typing import Any

import pytest
from dash import Dash
from flask.testing import FlaskClient
from sqlalchemy import Engine

from db import session_scope
from tests.line_list import Sick, add_cases, add_file, evening
from tests.web_city import Place, SignIn, app, city, client, run_callback, settings, sign_in
from web.remember import Memory

__all__ = ["app", "city", "client", "settings", "sign_in"]
"""Fixtures."""

TODAY = date(2026, 11, 22)


def drawn(app: Dash, who: FlaskClient, when: str = "disease=dengue&metric=cases&days=7") -> dict[str, Any]:
    response: dict[str, Any] = run_callback(who, app, "map.layers", {"map-when": when}).get_json()["response"]
    return response


def areas(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answer["map"]["layers"][0]
    return found


def cases_at(answer: dict[str, Any], unit: int) -> int:
    """In 7 days, as the table beside the map has them."""
    return next(int(row["cases_7"]) for row in answer["map-grid"]["rowData"] if row["id"] == str(unit))


@pytest.fixture
def analyst(sign_in: SignIn) -> FlaskClient:
    return sign_in("analyst")


def test_new_cases_are_on_the_map_at_the_next_question(
    app: Dash, analyst: FlaskClient, engine: Engine, city: dict[str, Place]
) -> None:
    place = city["Ô 1"].id
    before = drawn(app, analyst)
    assert drawn(app, analyst) == before
    with session_scope(engine) as session:
        run = add_file(session, "hcdc_dengue", evening(TODAY))
        add_cases(session, run, [Sick(day=TODAY, unit_id=place) for _ in range(3)])
    assert cases_at(drawn(app, analyst), place) == cases_at(before, place) + 3


def test_each_sees_their_own_colours_and_rights(app: Dash, sign_in: SignIn) -> None:
    analyst, manager = sign_in("analyst"), sign_in("manager")
    light = areas(drawn(app, analyst))["stops"]
    analyst.set_cookie("theme", "dark")
    assert areas(drawn(app, analyst))["stops"] != light
    query = "disease=dengue&layers=cases:100"
    assert drawn(app, analyst, query)["map"]["layers"] != drawn(app, manager, query)["map"]["layers"]


def test_what_is_asked_again_is_not_made_again() -> None:
    memory, made = Memory(), list[str]()

    def make(name: str) -> Callable[[], str]:
        def answer() -> str:
            made.append(name)
            return name

        return answer

    assert [memory.ask(key, make(key)) for key in "aba"] == ["a", "b", "a"]
    assert made == ["a", "b"]


def test_who_asks_for_what_is_being_made_waits_for_it() -> None:
    memory, made, began, may_end = Memory(), list[str](), Event(), Event()

    def make() -> str:
        made.append("once")
        began.set()
        may_end.wait()
        return "answer"

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(memory.ask, "key", make)
        began.wait()
        second = threads.submit(memory.ask, "key", make)
        may_end.set()
        assert [first.result(), second.result()] == ["answer", "answer"]
    assert made == ["once"]


def test_what_could_not_be_made_is_tried_again_by_the_next() -> None:
    memory = Memory()
    with pytest.raises(ZeroDivisionError):
        memory.ask("key", lambda: 1 / 0)
    assert memory.ask("key", lambda: 1.0) == 1.0
