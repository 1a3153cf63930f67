"""A deployment's climate file, and what it says where people are sick: Signals for what Aedes carries. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from i18n import Message
from surveillance.evidence import CLIMATE
from surveillance.evidence.thermal import suitability
from surveillance.strict_toml import ConfigError
from surveillance.types import Frequency, Signal

VERSION = "1"
DAYS = 14
"""Cases of so many days are compared with those of as many before: about one generation (diseases.toml)."""
EVERYWHERE = "*"
COLUMNS = ("place", "month", "temperature_c", "rain_mm", "humidity_percent")
LIMITS: Mapping[str, tuple[float, float]] = {
    "temperature_c": (-40, 50), "rain_mm": (0, 5000), "humidity_percent": (0, 100),
}  # fmt: skip
_MONTH = re.compile(r"(?:(\d{4})-)?(0?[1-9]|1[0-2])")

NORMAL = "theo trung bình nhiều năm của tháng {month}"
MEASURED = "đo trong tháng {month}/{year}"
FOUND = (
    "Khí hậu: nhiệt độ trung bình {temperature} °C ({source}), bằng {percent} % mức thuận lợi nhất cho muỗi vằn truyền"
    " bệnh; {days} ngày qua có {cases} ca, {days} ngày trước đó {before} ca."
)


class Weather(NamedTuple):
    """Means of one month; None where the file leaves it open. `year` None: a normal of many years."""

    year: int | None
    month: int
    temperature_c: float
    rain_mm: float | None
    humidity_percent: float | None


@dataclass(frozen=True, slots=True)
class Climate:
    """By place (a unit's code, or EVERYWHERE), year (None: normal) and month."""

    months: Mapping[tuple[str, int | None, int], Weather]

    def at(self, code: str, day: date) -> Weather | None:
        """What is known on `day`: the last whole month as measured, else what this month is like in other years; the
        place's own before the whole city's."""
        last = day.replace(day=1) - timedelta(days=1)
        keys = [(last.year, last.month), (None, day.month)]
        found = (self.months.get((place, *key)) for key in keys for place in (code, EVERYWHERE))
        return next((weather for weather in found if weather is not None), None)


def read_climate(text: str, *, file: str, codes: Collection[str] | None = None) -> Climate:
    """The CSV of COLUMNS; lines that begin with # are remarks. `codes`: of the units there are, None: not checked.

    Raises ConfigError naming file and line.
    """
    numbered = [(n, line) for n, line in enumerate(text.lstrip("\ufeff").splitlines(), 1)]
    kept = [(n, line) for n, line in numbered if line.strip() and not line.lstrip().startswith("#")]
    rows = [(n, [cell.strip() for cell in next(csv.reader([line]))]) for n, line in kept]
    if not rows or tuple(rows[0][1]) != COLUMNS:
        where = rows[0][0] if rows else 1
        raise _wrong(file, where, "cần dòng tiêu đề: {columns}", columns=",".join(COLUMNS))
    found: dict[tuple[str, int | None, int], Weather] = {}
    for number, cells in rows[1:]:
        place, weather = _row(file, number, cells, codes)
        key = (place, weather.year, weather.month)
        if key in found:
            raise _wrong(file, number, "nơi và tháng này đã có ở một dòng trước")
        found[key] = weather
    _whole_years(file, found)
    return Climate(found)


def load_climate(path: Path, *, codes: Collection[str]) -> Climate | None:
    """The file at `path`; None where there is none. Raises ConfigError."""
    if not path.exists():
        return None
    return read_climate(path.read_text(encoding="utf-8"), file=path.name, codes=codes)


def _row(file: str, number: int, cells: list[str], codes: Collection[str] | None) -> tuple[str, Weather]:
    if len(cells) != len(COLUMNS):
        raise _wrong(file, number, "có {n} ô, cần {columns}", n=len(cells), columns=len(COLUMNS))
    place, month = cells[0], _MONTH.fullmatch(cells[1])
    if place != EVERYWHERE and (not place or (codes is not None and place not in codes)):
        raise _wrong(file, number, "không có xã, phường mã “{code}”; cả thành phố thì ghi *", code=place)
    if month is None:
        raise _wrong(file, number, "tháng “{month}” phải là 1 đến 12, hoặc như 2026-11", month=cells[1])
    values = dict(zip(COLUMNS[2:], cells[2:], strict=True))
    numbers = {name: _number(file, number, name, cell) for name, cell in values.items()}
    if numbers["temperature_c"] is None:
        raise _wrong(file, number, "thiếu nhiệt độ")
    year = int(month[1]) if month[1] else None
    return place, Weather(year, int(month[2]), **numbers)  # type: ignore[arg-type]


def _number(file: str, number: int, name: str, cell: str) -> float | None:
    if not cell:
        return None
    low, high = LIMITS[name]
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise _wrong(
            file, number, "{name} “{cell}” phải là số từ {low} đến {high}", name=name, cell=cell, low=low, high=high
        )  # fmt: skip
    return value


def _whole_years(file: str, found: Mapping[tuple[str, int | None, int], Weather]) -> None:
    for place in {place for place, year, _ in found if year is None}:
        missing = [str(m) for m in range(1, 13) if (place, None, m) not in found]
        if missing:
            raise _wrong(
                file, 0, "nơi “{place}” thiếu trung bình nhiều năm của tháng {months}",
                place=place, months=", ".join(missing),
            )  # fmt: skip


def _wrong(file: str, number: int, problem: str, **values: object) -> ConfigError:
    return ConfigError(file, str(number) if number else "-", Message(problem, **values))


class Recent(NamedTuple):
    """Cases of a disease in a commune in the last DAYS days, and in as many before."""

    disease: str
    unit_id: int
    cases: int
    before: int


def climate_signals(
    recent: Iterable[Recent], climate: Climate, codes: Mapping[int, str], *, today: date, now: datetime
) -> list[Signal]:
    """One Signal for each commune with a case in the last DAYS days, as far as its climate is known.

    It never alarms by itself: a warm month is no epidemic (InfoDengue's yellow needs cases too, domain.md §1.6).
    """
    found = []
    for row in recent:
        weather = climate.at(codes[row.unit_id], today)
        if row.cases and weather is not None:
            found.append(_signal(row, weather, today, now))
    return found


def _signal(row: Recent, weather: Weather, today: date, now: datetime) -> Signal:
    fit = suitability(weather.temperature_c)
    source = (
        Message(NORMAL, month=weather.month)
        if weather.year is None
        else Message(MEASURED, month=weather.month, year=str(weather.year))
    )
    return Signal(
        disease=row.disease,
        unit_id=row.unit_id,
        method=CLIMATE,
        method_version=VERSION,
        frequency=Frequency.DAY,
        period_start=today - timedelta(days=DAYS - 1),
        as_of=now,
        observed=float(row.cases),
        expected=None,
        upperbound=None,
        alarm=False,
        reason=Message(
            FOUND, temperature=weather.temperature_c, source=source, percent=round(100 * fit), days=DAYS,
            cases=row.cases, before=row.before,
        ),
        detail={
            "suitability": round(fit, 3),
            "temperature_c": weather.temperature_c,
            "rain_mm": weather.rain_mm,
            "humidity_percent": weather.humidity_percent,
            "before": row.before,
            "growth": round(row.cases / max(row.before, 1), 2),
        },
    )  # fmt: skip
