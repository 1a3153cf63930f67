"""What a policy may speak of is what the methods really send."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from alerts.vocabulary import METHODS, OF_EVERY_SIGNAL, ROLLING_METHODS, values_of
from surveillance.clustering.signals import cluster_signals
from surveillance.clusters import METHOD as SCAN
from surveillance.detection import ROLLING
from surveillance.diseases import load_catalogue
from surveillance.evidence import METHODS as EVIDENCE
from surveillance.evidence.climate import Recent, climate_signals, read_climate
from surveillance.evidence.insects import Surveyed, vector_signals
from surveillance.evidence.severity import Grave, severity_signals
from surveillance.evidence.silence import silence_signals
from surveillance.outbreaks.profiles import load_profiles
from surveillance.outbreaks.vectors import Survey
from surveillance.types import Signal
from tests.test_rules import signal

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 11, tzinfo=UTC)


def sent() -> dict[str, Signal]:
    """A signal of each method whose detail is made in one place, as that place makes it."""
    control = load_profiles()["HCDC-2021"].response.vector
    assert control is not None
    survey = Survey(
        on=DAY, houses=30, female_aedes=20, containers=50, containers_with_larvae=9, houses_with_larvae=3
    )
    surveyed = Surveyed(disease="dengue", unit_id=1, outbreak=1, survey=survey, recent=2)
    climate = read_climate(
        "place,month,temperature_c,rain_mm,humidity_percent\n*,2026-10,27,100,80\n", file="climate.csv"
    )
    cluster: dict[str, Any] = {
        "id": 1, "units": [1], "unit_cases": [4], "unit_expected": [1.0], "first_day": DAY, "last_day": DAY,
        "observed": 4, "expected": 1.0, "recurrence_days": 400.0, "stands_in": 99, "placements": 100, "stable": True,
        "alarm": True, "seed": [1],
    }  # fmt: skip
    dengue = {"dengue": load_catalogue()["dengue"]}
    grave = Grave("dengue", 1, "A97.2", DAY, "died", DAY)
    [found] = severity_signals([grave], {("dengue", 1): 9}, dengue, today=DAY, now=NOW)
    [insects] = vector_signals([surveyed], {"dengue": control}, today=DAY, now=NOW)
    [weather] = climate_signals([Recent("dengue", 1, 3, 1)], climate, {1: "1"}, today=DAY, now=NOW)
    reports = {1: {date(2026, 10, d): 5 for d in range(1, 31)}}
    [still] = silence_signals(reports, ["dengue"], newest=DAY, now=NOW)
    [scan] = cluster_signals([cluster], "dengue", NOW)
    return {s.method: s for s in (found, insects, weather, still, scan)}


@pytest.mark.parametrize("method", [*EVIDENCE, SCAN])
def test_every_number_the_words_name_is_in_the_signal(method: str) -> None:
    found = sent()[method]

    assert {name for name in METHODS[method].numbers if not values_of(found, name)} == set()
    assert METHODS[method].alarms or not found.alarm


def test_rolling_methods_are_those_of_the_registry() -> None:
    assert set(ROLLING_METHODS) == set(ROLLING)


def test_every_signal_has_the_numbers_of_every_signal() -> None:
    found = signal(observed=6.0, expected=2.0, upperbound=4.0)

    assert {name: values_of(found, name) for name in OF_EVERY_SIGNAL} == {
        "observed": (6.0,), "expected": (2.0,), "upperbound": (4.0,), "excess": (1.5,),
    }  # fmt: skip
