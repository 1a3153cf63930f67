"""Hot spots: communes that stand out together with their neighbours."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from surveillance.adjacency import Weights, adjacency_weights
from surveillance.completed import Completed
from surveillance.hot_spots import DAYS, hot_spot_signals
from surveillance.types import FloatArray, Signal
from tests.case_lines import cases_with_delays, completed_from, lines_of

NOW = datetime(2026, 11, 20, 11, tzinfo=UTC)
SIDE = 8
UNITS = tuple(range(100, 100 + SIDE * SIDE))
CORNER = {UNITS[row * SIDE + column] for row in range(3) for column in range(3)}


def grid() -> Weights:
    """A chessboard of communes; those that share an edge are neighbours."""
    pairs = [
        (UNITS[a], UNITS[b])
        for a in range(len(UNITS))
        for b in range(len(UNITS))
        if abs(a // SIDE - b // SIDE) + abs(a % SIDE - b % SIDE) == 1
    ]
    return adjacency_weights(UNITS, pairs)


def a_city(in_the_corner: float, elsewhere: float = 0.5, seed: int = 1) -> Completed:
    """Cases a day of each commune in and outside the corner of nine."""
    rate = np.array([in_the_corner if unit in CORNER else elsewhere for unit in UNITS])
    cases = cases_with_delays(np.tile(rate[:, None], (1, 200)), np.random.default_rng(seed))
    return completed_from(lines_of(cases, units=UNITS), days=200)


def found(completed: Completed, population: FloatArray | None = None) -> list[Signal]:
    people = np.full(len(UNITS), 50_000.0) if population is None else population
    return hot_spot_signals(completed, UNITS, "dengue", people, grid(), NOW)


def test_the_heart_of_a_corner_with_four_times_the_rate_is_found_and_nothing_outside() -> None:
    signals = found(a_city(2.0))

    hot = {signal.unit_id for signal in signals}
    assert {UNITS[0], UNITS[1], UNITS[SIDE], UNITS[SIDE + 1]} <= hot <= CORNER
    assert all(signal.alarm and signal.detail["q"] <= 0.05 and signal.detail["z"] > 0 for signal in signals)
    assert f"{DAYS} ngày" in signals[0].reason.render("vi")


def test_twice_the_people_with_twice_the_cases_are_no_hot_spot() -> None:
    people = np.array([200_000.0 if unit in CORNER else 50_000.0 for unit in UNITS])

    assert found(a_city(2.0), people) == []


def test_an_even_city_hardly_ever_has_a_hot_spot() -> None:
    """At a false discovery rate of 5 % about one such city in twenty."""
    assert sum(bool(found(a_city(0.5, seed=seed))) for seed in range(10)) <= 1


def test_without_people_or_with_few_cases_nothing_is_said() -> None:
    assert found(a_city(2.0), np.full(len(UNITS), np.nan)) == []
    assert found(a_city(0.005, 0.005)) == []
