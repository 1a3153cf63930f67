"""What the map is coloured by says what the cases say, now and as it was known, once and in frames."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from dash import Dash
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from accounts.models import Role
from accounts.service import create_user
from alerts.models import AreaLevel
from alerts.views import levels_at
from db import session_scope
from geodata.models import Population, UnitNeighbour
from settings import Settings
from surveillance.adjacency import adjacency_weights
from surveillance.association import local_g, local_moran
from surveillance.counts import counts_by_unit
from surveillance.evidence.thermal import suitability
from surveillance.models import CaseVersion, DiseaseArea, SignalRow
from surveillance.smoothing import smooth_rates
from tests.line_list import Sick, add_cases, add_file, add_unit, evening
from tests.web_city import PASSWORD, post_login, run_callback
from web.context import day_on_show, open_session
from web.pages import methods
from web.selection import Selection
from web.server import create_app
from web.workbench.frames import event_looks, known_looks
from web.workbench.measures import MEASURES, values, values_over
from web.workbench.reading import MeasureValues

TODAY = date(2026, 11, 22)
SIDE = 6
UNITS = SIDE * SIDE
"""Squares of a board; those that share a side or a corner are neighbours."""
HOT = frozenset(row * SIDE + column for row in (1, 2, 3) for column in (1, 2, 3))
"""Nine of them had ten times the cases in the last four weeks."""
CENTRE = 2 * SIDE + 2
STILL = UNITS - 1
"""The last one told of nothing in the last 40 days."""
PAIRS = [
    (i, j)
    for i in range(UNITS)
    for j in range(UNITS)
    if i != j and max(abs(i // SIDE - j // SIDE), abs(i % SIDE - j % SIDE)) == 1
]
PERSONS = [10_000 + 1_000 * i for i in range(UNITS)]
DENGUE = Selection(disease="dengue")


@dataclass(frozen=True)
class City:
    units: tuple[int, ...]
    app: Dash


@pytest.fixture(scope="module")
def city(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> City:
    settings = Settings.from_environment(
        {"CANHDICH_HOME": str(tmp_path_factory.mktemp("home")), "CANHDICH_CLOCK": "data"}
    )
    with session_scope(engine) as session:
        units = tuple(add_unit(session, f"{i:05}") for i in range(UNITS))
        for i, unit in enumerate(units):
            session.add(Population(unit_id=unit, year=2026, persons=PERSONS[i], source="x", estimated=False))
        session.add_all(UnitNeighbour(unit_id=units[i], neighbour_id=units[j]) for i, j in PAIRS)
        run = add_file(session, "hcdc_dengue", evening(TODAY))
        add_cases(session, run, _line_list(units))
        _levels(session, units)
        _signals(session, units)
        session.add(DiseaseArea(disease="dengue", unit_id=units[1], endemic=None, epidemic_years=[2022]))
        create_user(session, username="analyst", password=PASSWORD, full_name="Người Thử", role=Role.ANALYST)
    return City(units, create_app(settings, engine))


def _line_list(units: tuple[int, ...]) -> list[Sick]:
    """Of six years; a tenth is discarded two weeks after it was reported."""
    rng = np.random.default_rng(5)
    found = []
    for day in range(-365 * 6, 1):
        for i in range(UNITS):
            if i == STILL and day > -40:
                continue
            mean = 0.5 if i in HOT and day > -28 else 0.05
            found += [_case(rng, units[i], TODAY + timedelta(days=day)) for _ in range(rng.poisson(mean))]
    return [version for versions in found for version in versions]


def _case(rng: np.random.Generator, unit: int, day: date) -> list[Sick]:
    report = min(day + timedelta(days=int(rng.integers(0, 9))), TODAY)
    known = evening(report)
    facts = {
        "sex": "M" if rng.random() < 0.5 else "F", "age_years": int(rng.integers(0, 90)), "date_report": report,
        "treatment": "inpatient" if rng.random() < 0.5 else None,
    }  # fmt: skip
    disease = "dengue" if rng.random() < 0.8 else "measles"
    whole = Sick(day=day, unit_id=unit, disease=disease, known_from=known, facts=facts)
    later = known + timedelta(days=14)
    if rng.random() < 0.9 or later > evening(TODAY):
        return [whole]
    return [
        replace(whole, known_to=later),
        replace(whole, known_from=later, classification="discarded"),
    ]


def _levels(session: Session, units: tuple[int, ...]) -> None:
    """Level 1 since October, 3 since the 10th of November in three of them; nothing is known of the last."""
    message = {"msgid": "x", "values": {}}

    def put(unit: int, level: int, first: datetime, last: datetime | None, disease: str = "dengue") -> None:
        session.add(
            AreaLevel(
                disease=disease, unit_id=unit, known_from=first, known_to=last, level=level, raw_level=level,
                unknown=unit == units[STILL], status="none", since=first, last_lowered=None, below_since=None,
                reasons=[], why_not_higher=message, why_not_lower=message, policy_hash="x",
            )
        )  # fmt: skip

    began, rose = evening(date(2026, 10, 1)), evening(date(2026, 11, 10))
    for i, unit in enumerate(units):
        put(unit, 1, began, rose if i in HOT else None)
        if i in HOT:
            put(unit, 3, rose, None)
    put(units[0], 2, rose, None, "measles")


def _signals(session: Session, units: tuple[int, ...]) -> None:
    def put(unit: int, method: str, first: date, last: date | None, detail: dict[str, Any]) -> None:
        session.add(
            SignalRow(
                disease="dengue", unit_id=unit, method=method, method_version="1", frequency="day", period_start=first,
                known_from=evening(first), known_to=evening(last) if last else None, observed=1.0, expected=None,
                upperbound=None, alarm=False, status=None, reason={"msgid": "x", "values": {}}, detail=detail,
            )
        )  # fmt: skip

    changed = date(2026, 11, 15)
    put(units[4], "rt", date(2026, 11, 1), changed, {"rt": 1.2, "lower": 0.9, "upper": 1.6})
    put(units[4], "rt", changed, None, {"rt": 2.1, "lower": 1.5, "upper": 2.8})
    put(units[5], "rt", changed, None, {"lacking": "too_few_cases"})
    put(units[4], "vector", changed, None, {"di": 0.25, "bi": 45.0, "survey_days": 3})
    put(units[6], "vector", changed, None, {"di": None, "bi": None, "survey_days": 3})


@pytest.fixture
def request_(city: City) -> Iterator[Session]:
    with city.app.server.test_request_context("/map"), open_session() as session:
        yield session


def now(session: Session, selection: Selection) -> MeasureValues:
    return values(session, selection, day_on_show(session, selection.on))


def sql_counts(
    session: Session, city: City, first: date, last: date, as_of: datetime | None = None
) -> list[int]:
    counts = counts_by_unit(session, disease="dengue", start=first, end=last, as_of=as_of)
    return [counts.get(unit, 0) for unit in city.units]


FOUR_WEEKS = (TODAY - timedelta(days=27), TODAY)


# Counts and rates


def test_cases_are_those_of_the_period(request_: Session, city: City) -> None:
    found = now(request_, replace(DENGUE, metric="cases"))
    assert [found.values[unit] for unit in city.units] == sql_counts(request_, city, *FOUR_WEEKS)
    assert found.as_at == evening(TODAY)


def test_rates_are_cases_of_a_hundred_thousand_people(request_: Session, city: City) -> None:
    found = now(request_, replace(DENGUE, metric="rate"))
    cases = sql_counts(request_, city, *FOUR_WEEKS)
    by_hand = [100_000 * n / people for n, people in zip(cases, PERSONS, strict=True)]
    assert [found.values[unit] for unit in city.units] == pytest.approx(by_hand)


def test_counts_follow_every_filter(request_: Session, city: City) -> None:
    chosen = replace(DENGUE, metric="cases", sex="female", ages=(20, 60), severity="inpatient", days=200)
    found = now(request_, chosen)
    query = select(CaseVersion.unit_id).where(
        CaseVersion.known_to.is_(None), CaseVersion.disease == "dengue", CaseVersion.sex == "F",
        CaseVersion.age_years.between(20, 60), CaseVersion.treatment == "inpatient",
        CaseVersion.event_date > TODAY - timedelta(days=200), CaseVersion.classification != "discarded",
    )  # fmt: skip
    cases = list(request_.scalars(query))
    assert [found.values[unit] for unit in city.units] == [cases.count(unit) for unit in city.units]
    assert found.notes == ()


def test_an_area_chosen_by_hand_does_not_empty_the_others(request_: Session, city: City) -> None:
    chosen = replace(DENGUE, metric="cases", units=frozenset([city.units[0]]))
    assert now(request_, chosen).values == now(request_, replace(DENGUE, metric="cases")).values


def test_the_past_is_as_it_was_known(request_: Session, city: City) -> None:
    on = date(2026, 11, 10)
    found = now(request_, replace(DENGUE, metric="cases", on=on))
    shown = day_on_show(request_, on)
    then = sql_counts(request_, city, on - timedelta(days=27), on, shown.as_of)
    assert [found.values[unit] for unit in city.units] == then
    assert then != sql_counts(request_, city, on - timedelta(days=27), on)
    assert found.as_at == shown.as_of


def test_before_the_sources_begin_nothing_is_known(request_: Session) -> None:
    chosen = replace(DENGUE, metric="cases", first=TODAY - timedelta(days=365 * 7), last=TODAY)
    assert now(request_, chosen).values == {}


def test_observed_against_the_same_days_of_earlier_years(request_: Session, city: City) -> None:
    """2022 was epidemic in the second commune, so it is no measure of what is usual there."""
    chosen = replace(DENGUE, metric="ratio", first=date(2026, 1, 1), last=TODAY)
    found = now(request_, chosen)
    first, last = date(2026, 1, 1), TODAY
    observed = np.array(sql_counts(request_, city, first, last))
    earlier = {
        year: np.array(sql_counts(request_, city, first.replace(year=year), last.replace(year=year)))
        for year in range(2021, 2026)
    }
    expected = np.mean(list(earlier.values()), axis=0)
    expected[1] = np.mean([earlier[year][1] for year in (2021, 2023, 2024, 2025)])
    assert [found.values[unit] for unit in city.units] == pytest.approx((observed / expected).tolist())
    assert str(found.words[city.units[0]]) == f"dự kiến {expected[0]:.1f} ca".replace(".", ",").replace(
        ",0 ca", ",0 ca"
    )


def test_a_ratio_needs_an_expected_case(request_: Session, city: City) -> None:
    """About 0.3 cases are expected in a week."""
    found = now(request_, replace(DENGUE, metric="ratio", days=7))
    assert len(found.values) < UNITS


# Patterns


def test_smoothed_rates_are_those_of_smoothing(request_: Session, city: City) -> None:
    found = now(request_, replace(DENGUE, metric="smoothed"))
    cases = np.array(sql_counts(request_, city, *FOUR_WEEKS), dtype=float)
    expected = 1e5 * smooth_rates(cases, np.array(PERSONS, dtype=float)).smoothed
    assert [found.values[unit] for unit in city.units] == pytest.approx(expected.tolist())


def test_hot_spots_are_where_gi_is_high(request_: Session, city: City) -> None:
    cases = np.array(sql_counts(request_, city, *FOUR_WEEKS), dtype=float)
    smoothed = smooth_rates(cases, np.array(PERSONS, dtype=float)).smoothed
    weights = adjacency_weights(range(UNITS), PAIRS)
    found = now(request_, replace(DENGUE, metric="gi"))
    hot = {unit for unit, value in found.values.items() if value == 1}
    assert city.units[CENTRE] in hot
    assert hot <= {city.units[i] for i in np.flatnonzero(local_g(smoothed, weights).z > 1.9)}
    lisa = now(request_, replace(DENGUE, metric="lisa")).values
    quadrant = local_moran(smoothed, weights).quadrant
    words = {1: "high-high", 2: "low-low", 3: "high-low", 4: "low-high"}
    named = {i: words[int(lisa[unit])] for i, unit in enumerate(city.units) if lisa[unit]}
    assert named.get(CENTRE) == "high-high"
    assert all(quadrant[i] == word for i, word in named.items())


def test_few_cases_show_no_pattern(request_: Session) -> None:
    assert now(request_, replace(DENGUE, metric="gi", days=1)).values == {}


# Judged day by day


def test_levels_are_those_of_the_day(request_: Session, city: City) -> None:
    late = now(request_, DENGUE)
    assert late.values == {unit: 3 if i in HOT else 1 for i, unit in enumerate(city.units) if i != STILL}
    early = now(request_, replace(DENGUE, on=date(2026, 11, 9)))
    assert set(early.values.values()) == {1}
    ending = now(request_, replace(DENGUE, last=date(2026, 11, 9)))
    assert ending.values == early.values
    assert now(request_, Selection()).values[city.units[0]] == 2


def test_rt_and_insects_come_from_what_was_found(request_: Session, city: City) -> None:
    """High risk is DI 0.5 or BI 30 (HCDC-2021): BI 45 is half as much again."""
    rt = now(request_, replace(DENGUE, metric="rt"))
    assert rt.values == {city.units[4]: 2.1}
    assert now(request_, replace(DENGUE, metric="rt", on=date(2026, 11, 12))).values == {city.units[4]: 1.2}
    insects = now(request_, replace(DENGUE, metric="insects"))
    assert insects.values == {city.units[4]: pytest.approx(1.5)}
    assert str(insects.words[city.units[4]]) == "DI 0,25, BI 45,0, giám sát 3 ngày trước"


def test_what_needs_one_disease_says_so(request_: Session) -> None:
    found = now(request_, Selection(metric="rt"))
    assert (found.values, [str(n) for n in found.notes]) == ({}, ["Chọn một bệnh để xem chỉ số này."])


def test_what_leaves_a_filter_aside_says_so(request_: Session) -> None:
    notes = [str(note) for note in now(request_, replace(DENGUE, sex="male", ages=(0, 14), days=7)).notes]
    assert notes == [
        "Chỉ số này không theo bộ lọc: tuổi, giới tính.",
        "Chỉ số này không theo kỳ đã chọn.",
    ]


# Reports and climate


def test_delays_are_medians_from_event_to_report(request_: Session, city: City) -> None:
    found = now(request_, replace(DENGUE, metric="delay", first=date(2026, 1, 1), last=date(2026, 6, 30)))
    query = select(CaseVersion.unit_id, CaseVersion.date_report, CaseVersion.event_date).where(
        CaseVersion.known_to.is_(None), CaseVersion.disease == "dengue",
        CaseVersion.event_date.between(date(2026, 1, 1), date(2026, 6, 30)),
        CaseVersion.classification != "discarded",
    )  # fmt: skip
    rows = list(request_.execute(query))
    delays = {unit: [(late - day).days for u, late, day in rows if u == unit] for unit in city.units}
    assert found.values == {unit: np.median(days) for unit, days in delays.items() if len(days) >= 5}
    assert found.notes == ()
    recent = now(request_, replace(DENGUE, metric="delay"))
    assert any("chưa về đủ" in str(note) for note in recent.notes)


def test_silence_is_days_since_the_last_report(request_: Session, city: City) -> None:
    found = now(request_, replace(DENGUE, metric="silence"))
    query = select(CaseVersion.date_report).where(
        CaseVersion.unit_id == city.units[STILL],
        CaseVersion.known_to.is_(None),
        CaseVersion.classification != "discarded",
    )
    last = max(request_.scalars(query))
    assert found.values[city.units[STILL]] == (TODAY - last).days > 30
    assert max(found.values[city.units[i]] for i in HOT) < 14


def test_climate_is_that_of_the_month(request_: Session, city: City) -> None:
    """deploy/hcmc/climate.csv, HCMC's normals of November."""
    found = now(request_, replace(DENGUE, metric="climate"))
    (value,) = set(found.values.values())
    temperature = float(str(found.words[city.units[0]]).split(" °C")[0].replace(",", "."))
    assert value == pytest.approx(100 * suitability(temperature))


# Frames


@pytest.mark.parametrize("metric", MEASURES)
def test_frames_of_the_event_clock_are_the_measure_at_each_day(request_: Session, metric: str) -> None:
    chosen = replace(DENGUE, metric=metric, days=60, step="week")
    looks = event_looks(chosen, day_on_show(request_, None), 6)
    units, frames = values_over(request_, chosen, looks)
    assert [look.wanted.end for look in looks] == [TODAY - timedelta(weeks=k) for k in (5, 4, 3, 2, 1, 0)]
    for look, frame in zip(looks, frames, strict=True):
        single = now(request_, replace(chosen, last=look.wanted.end))
        assert _known(units, frame) == pytest.approx(dict(single.values))


@pytest.mark.parametrize("metric", MEASURES)
def test_frames_of_the_known_clock_are_the_measure_as_known_on_each_day(
    request_: Session, metric: str
) -> None:
    chosen = replace(DENGUE, metric=metric, days=60, step="day", last=date(2026, 11, 20))
    looks = known_looks(request_, chosen, 5)
    units, frames = values_over(request_, chosen, looks)
    assert [look.moment.today for look in looks] == [TODAY - timedelta(days=k) for k in (4, 3, 2, 1, 0)]
    for look, frame in zip(looks, frames, strict=True):
        single = now(request_, replace(chosen, on=look.moment.today))
        assert _known(units, frame) == pytest.approx(dict(single.values))


def _known(units: tuple[int, ...], frame: Any) -> dict[int, float]:
    return {unit: value for unit, value in zip(units, frame.tolist(), strict=True) if value == value}


def test_levels_over_time_are_those_of_each_moment(request_: Session) -> None:
    looks = known_looks(request_, replace(Selection(), step="day"), 20)
    units, frames = values_over(request_, Selection(), looks)
    for look, frame in zip(looks, frames, strict=True):
        views = levels_at(request_, disease=None, as_of=look.moment.as_of)
        assert _known(units, frame) == {unit: view.level for unit, view in views.items() if not view.unknown}


@pytest.fixture(scope="module")
def analyst(city: City) -> FlaskClient:
    client = city.app.server.test_client()
    assert post_login(client, "analyst", PASSWORD).status_code == 302
    client.get("/map")
    return client


def test_frames_are_kept_by_no_shared_cache_and_not_sent_twice(analyst: FlaskClient, city: City) -> None:
    url = "/api/frames?disease=dengue&metric=rt&steps=3&clock=known"
    answer = analyst.get(url)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    body = answer.get_json()
    assert body["ids"] == list(city.units)
    assert [step["day"] for step in body["steps"]] == ["2026-11-08", "2026-11-15", "2026-11-22"]
    assert body["steps"][-1]["label"] == "22/11/2026"
    place = city.units.index(city.units[4])
    assert [row[place] for row in body["values"]] == [1.2, 2.1, 2.1]
    assert body["values"][0][0] is None
    again = analyst.get(url, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = analyst.get(url + "&on=2026-11-20", headers={"If-None-Match": answer.headers["ETag"]})
    assert other.status_code == 200


@pytest.mark.parametrize(("steps", "given"), [("500", 120), ("0", 1), ("x", 52), ("٣", 52)])
def test_frames_are_at_most_so_many(analyst: FlaskClient, steps: str, given: int) -> None:
    answer = analyst.get("/api/frames", query_string={"disease": "dengue", "steps": steps})
    assert len(answer.get_json()["steps"]) == given


def test_frames_need_a_reader(city: City) -> None:
    assert city.app.server.test_client().get("/api/frames").status_code in (302, 401)


# The map


def drawn(analyst: FlaskClient, city: City, when: str) -> dict[str, Any]:
    answer = run_callback(analyst, city.app, "map.layers", {"map-when": when})
    response: dict[str, Any] = answer.get_json()["response"]
    return response


def test_the_map_its_legend_and_its_histogram_say_the_same(analyst: FlaskClient, city: City) -> None:
    shown = drawn(analyst, city, "disease=dengue&metric=cases&classes=breaks:5,10")
    layer = shown["map"]["layers"][0]
    counts = list(layer["values"].values())
    legend = json.dumps(shown["map-legend"], ensure_ascii=False)
    assert [low for low, _colour in layer["stops"]][-2:] == [5.0, 10.0]
    many = sum(n >= 10 for n in counts)
    assert many and '"từ 10"' in legend
    assert "Số ca, 28 ngày" in legend
    assert "Tính đến 18:00 22/11/2026" in legend
    assert sum(_areas_in(shown["map-legend"])) == UNITS
    assert f"Phân bố: {UNITS} xã, phường" in json.dumps(shown["map-measure"], ensure_ascii=False)
    hot = str(city.units[CENTRE])
    assert f"Số ca: {layer['values'][hot]:.0f} ca" in layer["tooltips"][hot]


def _areas_in(legend: Any) -> list[int]:
    """The numbers in its elements ["span", {"className": "legend-count …"}, "36"]."""
    counts = re.findall(r'"className": "legend-count[^}]*\}, "(\d+)"', json.dumps(legend))
    return [int(n) for n in counts]


def test_bad_breaks_are_told_where_they_were_typed_and_on_the_map(analyst: FlaskClient, city: City) -> None:
    shown = drawn(analyst, city, "disease=dengue&metric=rate&classes=breaks:9,3")
    said = "Các mốc phải tăng dần"
    assert said in json.dumps(shown["map-measure"], ensure_ascii=False)
    assert said in json.dumps(shown["map-legend"], ensure_ascii=False)
    assert '"9; 3"' in json.dumps(shown["map-measure"], ensure_ascii=False)


@pytest.mark.parametrize("metric", [*MEASURES, "nonsense"])
def test_every_measure_is_drawn_with_a_colour_for_each_value(
    analyst: FlaskClient, city: City, metric: str
) -> None:
    shown = drawn(analyst, city, f"disease=dengue&metric={metric}")
    layer = shown["map"]["layers"][0]
    stops = [value for value, _colour in layer["stops"]]
    assert stops == sorted(stops) and len(stops) == len(set(stops))
    if layer["scale"] == "match":
        assert set(layer["values"].values()) <= set(stops)
    assert sum(_areas_in(shown["map-legend"])) == UNITS


def test_every_measure_has_its_page_of_methods(request_: Session) -> None:
    for measure in MEASURES.values():
        shown = json.dumps(methods.layout(measure.page).to_plotly_json(), default=str, ensure_ascii=False)
        assert str(measure.says) in shown
    assert "Không có trang này" in str(methods.layout("../decisions/classes"))
