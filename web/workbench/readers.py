"""How each measure of the map is read: L looks at N communes in, (L, N) values out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from alerts.level_history import levels_over
from geodata.units import codes_of
from i18n import Message, show_number
from surveillance.completed import MAX_DELAY
from surveillance.counts import epidemic_years_of
from surveillance.evidence import VECTOR
from surveillance.evidence.climate import Weather, load_climate
from surveillance.evidence.thermal import suitability
from surveillance.measures.counting import days_without_report, median_delays
from surveillance.measures.incidence import (
    YEARS_BACK,
    expected_cases,
    observed_to_expected,
    rate,
    smoothed_rate,
    years_before,
)
from surveillance.measures.spots import hot_and_cold, quadrants
from surveillance.measures.stored import details_at
from surveillance.outbreaks.profiles import VectorControl
from surveillance.quality import last_files
from surveillance.types import BoolArray, FloatArray
from web.context import context, local, now
from web.workbench.reading import Answers, Look, Reading

TOO_RECENT = Message("Kỳ này mới qua: ca báo cáo muộn chưa về đủ, nên con số còn thấp.")
EXPECTED = "dự kiến {n} ca"
BETWEEN = "trong khoảng {low}–{high}"
SURVEYED = "{indices}, giám sát {days} ngày trước"
NO_CLIMATE = Message("Nơi này chưa có tệp khí hậu (climate.csv).")


# --- counts ----------------------------------------------------------------------------------------------


def counts(reading: Reading) -> Answers:
    return Answers(values=reading.cases)


def rates(reading: Reading) -> Answers:
    return Answers(values=rate(reading.cases, reading.persons))


def smoothed(reading: Reading) -> Answers:
    rows = zip(reading.cases, reading.persons, strict=True)
    return Answers(values=np.array([smoothed_rate(*row) for row in rows]))


def ratio(reading: Reading) -> Answers:
    """Of the same days of YEARS_BACK earlier years, without those an epidemiologist called epidemic."""
    earlier = []
    for back in range(1, YEARS_BACK + 1):
        moved = [years_before(look.wanted.start, look.wanted.end, back) for look in reading.looks]
        wanted = [
            replace(look.wanted, start=first, end=last)
            for look, (first, last) in zip(reading.looks, moved, strict=True)
        ]
        earlier.append(reading.count(wanted))
    usable = _usable_years(reading)
    expected = [
        expected_cases(np.array(rows), usable[:, i]) for i, rows in enumerate(zip(*earlier, strict=True))
    ]
    ratio = [observed_to_expected(*row) for row in zip(reading.cases, expected, strict=True)]
    words = {
        unit: Message(EXPECTED, n=round(float(n), 1))
        for unit, n in zip(reading.units, expected[-1], strict=True)
        if n == n
    }
    return Answers(values=np.array(ratio), words=words)


def _usable_years(reading: Reading) -> BoolArray:
    """(YEARS_BACK, L, N): not of an epidemic year in the city or the commune."""
    flagged = epidemic_years_of(reading.session, reading.selection.disease)
    years = [flagged.get(None, frozenset()) | flagged.get(unit, frozenset()) for unit in reading.units]
    return np.array(
        [
            [[look.wanted.end.year - back not in here for here in years] for look in reading.looks]
            for back in range(1, YEARS_BACK + 1)
        ]
    )


# --- patterns in space -----------------------------------------------------------------------------------


def gi(reading: Reading) -> Answers:
    return Answers(values=_spots(reading, hot_and_cold))


def lisa(reading: Reading) -> Answers:
    return Answers(values=_spots(reading, quadrants))


def _spots(reading: Reading, judge: Callable[..., FloatArray]) -> FloatArray:
    rows = zip(reading.looks, reading.cases, reading.persons, strict=True)
    return np.array(
        [judge(cases, persons, reading.weights, reading.seed(look)) for look, cases, persons in rows]
    )


# --- judged day by day -----------------------------------------------------------------------------------


def level(reading: Reading) -> Answers:
    found = levels_over(reading.session, reading.judged_at, disease=reading.selection.disease)
    levels = {
        (i, unit): float(view.level)
        for i, views in enumerate(found)
        for unit, view in views.items()
        if not view.unknown
    }
    return Answers(values=reading.table(levels))


def rt(reading: Reading) -> Answers:
    stored = details_at(reading.session, "rt", reading.judged_at, disease=reading.selection.disease)
    known = [row for row in stored if row.detail.get("rt") is not None]
    words = {
        row.unit_id: Message(BETWEEN, low=row.detail["lower"], high=row.detail["upper"])
        for row in known
        if row.look == len(reading.looks) - 1
    }
    return Answers(
        values=reading.table({(row.look, row.unit_id): row.detail["rt"] for row in known}), words=words
    )


def insects(reading: Reading) -> Answers:
    """How near a survey came to the thresholds of high risk: the nearer of DI and BI, 1 at the threshold."""
    stored = details_at(reading.session, VECTOR, reading.judged_at, disease=reading.selection.disease)
    controls = {
        profile.disease: profile.response.vector
        for profile in context().profiles.values()
        if profile.response.vector is not None
    }
    found: dict[tuple[int, int], float] = {}
    words: dict[int, Message] = {}
    for row in stored:
        risk = _risk(row.detail, controls.get(row.disease))
        if risk is not None and risk >= found.get((row.look, row.unit_id), 0.0):
            found[row.look, row.unit_id] = risk
            words[row.unit_id] = _survey_words(row.detail)
    return Answers(values=reading.table(found), words=words)


def _risk(detail: Mapping[str, Any], control: VectorControl | None) -> float | None:
    if control is None or (detail["di"] is None and detail["bi"] is None):
        return None
    return max((detail["di"] or 0.0) / control.high_di, (detail["bi"] or 0.0) / control.high_bi)


def _survey_words(detail: Mapping[str, Any]) -> Message:
    parts = [
        f"{name.upper()} {show_number(detail[name], 2 if name == 'di' else 1)}"
        for name in ("di", "bi")
        if detail[name] is not None
    ]
    return Message(SURVEYED, indices=", ".join(parts), days=detail["survey_days"])


# --- reports ---------------------------------------------------------------------------------------------


def delays(reading: Reading) -> Answers:
    rows = [median_delays(reading.columns, look.wanted, reading.units) for look in reading.looks]
    last = reading.looks[-1]
    recent = (last.moment.today - last.wanted.end).days < MAX_DELAY
    return Answers(values=np.array(rows), notes=(TOO_RECENT,) if recent else ())


def silence(reading: Reading) -> Answers:
    """Days from the newest report of a commune to the newest file of all."""
    return Answers(values=np.array([_silent_days(reading, look) for look in reading.looks]))


def _silent_days(reading: Reading, look: Look) -> FloatArray:
    as_of = look.judged_at
    files = last_files(reading.session, now=as_of or now(reading.session))
    if not files:
        return np.full(len(reading.units), np.nan)
    newest = min(local(max(files.values())).date(), look.wanted.end)
    return days_without_report(reading.columns, reading.units, newest=newest, as_of=as_of)


# --- climate ---------------------------------------------------------------------------------------------


def warmth(reading: Reading) -> Answers:
    """How well Aedes could transmit dengue at the month's mean temperature, % of the best."""
    codes = codes_of(reading.session, reading.units)
    climate = load_climate(context().settings.deployment.folder / "climate.csv", codes=set(codes.values()))
    if climate is None:
        return Answers(values=np.full((len(reading.looks), len(reading.units)), np.nan), notes=(NO_CLIMATE,))
    rows, words = [], {}
    for look in reading.looks:
        weather = [climate.at(codes[unit], look.wanted.end) for unit in reading.units]
        rows.append([float("nan") if w is None else 100 * suitability(w.temperature_c) for w in weather])
        words = {
            unit: _weather_words(w) for unit, w in zip(reading.units, weather, strict=True) if w is not None
        }
    return Answers(values=np.array(rows), words=words)


def _weather_words(weather: Weather) -> Message:
    if weather.rain_mm is None:
        return Message("{temperature} °C", temperature=weather.temperature_c)
    return Message("{temperature} °C, mưa {rain} mm", temperature=weather.temperature_c, rain=weather.rain_mm)
