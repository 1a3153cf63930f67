"""Detection on a plain file, no database: series in a CSV in, bounds and alarms in a CSV out.

Columns in: series, t, freq (365, 52 or 12 steps a year), observed; and when given date, population (epoch and
state are not used). Columns out: series, t, setting, expected, upperbound, score, alarm, reason. Unknown is NA.
"""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from i18n import Message
from surveillance.detection.settings_files import (
    Control,
    SeriesShape,
    method_name,
    read_settings,
    run_setting,
)
from surveillance.plain_files import PlainFileError
from surveillance.types import Bounds, CountSeries, FloatArray, Frequency, SeriesKey

COLUMNS = ("series", "t", "setting", "expected", "upperbound", "score", "alarm", "reason")
REQUIRED = ("series", "t", "freq", "observed")
FREQUENCIES = {365: Frequency.DAY, 52: Frequency.WEEK, 12: Frequency.MONTH}
NO_ALARM_REASONS = ("", "too_few_cases")
"""With any other reason it is not known whether to alarm: NA, never 0."""
NOT_JUDGED = "not_judged"
"""A step before the newest ones that the method looks at."""
UNKNOWN_WORDS = ("", "NA", "NaN", "nan", "null")
UNDATED_START = date(2001, 1, 1)
MOST_STEPS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """What was written: how many series, settings and rows, and how many of the rows alarm."""

    series: int
    settings: int
    rows: int
    alarms: int


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    t: int
    day: date | None
    frequency: Frequency
    observed: float
    population: float


@dataclass(frozen=True, slots=True)
class OneSeries:
    """A series on its grid: `steps` are the columns of its rows; missing rows are NaN, never zero."""

    name: str
    frequency: Frequency
    start: date
    dated: bool
    labels: tuple[int, ...]
    steps: tuple[int, ...]
    observed: FloatArray
    population: FloatArray


def detect(in_csv: Path, method: str, settings_json: Path | None, out_csv: Path) -> Detected:
    """Run `method` with each setting on each series of `in_csv` (may be .gz) and write `out_csv`.

    Raises PlainFileError or SettingsFileError, each with a `message` for people; nothing is written then. What
    cannot be judged is a row with a reason code.
    """
    name = method_name(method)
    settings = read_settings(settings_json)
    series = read_series(in_csv)
    found = {setting: _judge(series, name, setting, control) for setting, control in settings.items()}
    rows = alarms = 0
    with _open(out_csv, "wt") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for one in series:
            for setting, by_series in found.items():
                bounds, position = by_series[one.name]
                for row in _out_rows(one, setting, bounds, position, _empty_bound(name)):
                    writer.writerow(row)
                    rows, alarms = rows + 1, alarms + (row[6] == 1)
    return Detected(series=len(series), settings=len(settings), rows=rows, alarms=alarms)


def read_series(path: Path) -> list[OneSeries]:
    """The series of a file in their order. Raises PlainFileError."""
    rows: dict[str, list[Row]] = {}
    try:
        with _open(path, "rt") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            _need_columns(reader.fieldnames or [])
            for fields in reader:
                row = _row(fields, reader.line_num)
                rows.setdefault(str(fields["series"]).strip(), []).append(row)
    except FileNotFoundError as error:
        raise PlainFileError(Message("Không tìm thấy tệp {file}.", file=path.name)) from error
    except (OSError, UnicodeDecodeError, csv.Error, EOFError) as error:
        raise PlainFileError(Message("Không đọc được tệp {file}.", file=path.name)) from error
    if not rows:
        raise PlainFileError(Message("Tệp {file} không có dòng số liệu nào.", file=path.name))
    return [_series(name, own) for name, own in rows.items()]


def _open(path: Path, mode: str) -> TextIO:
    opener: Any = gzip.open if path.suffix == ".gz" else open
    return opener(path, mode, encoding="utf-8", newline="")


def _need_columns(names: Iterable[str]) -> None:
    missing = [column for column in REQUIRED if column not in {name.strip() for name in names}]
    if missing:
        raise PlainFileError(
            Message("Tệp thiếu cột {columns}; dòng đầu phải là tên cột.", columns=", ".join(missing))
        )


def _row(fields: Mapping[str, str | None], line: int) -> Row:
    words = {str(key).strip(): (value or "").strip() for key, value in fields.items()}
    per_year = _whole(words, "freq", line)
    if per_year not in FREQUENCIES:
        raise _bad(line, "freq", words["freq"], Message("dùng 365 (ngày), 52 (tuần) hoặc 12 (tháng)"))
    return Row(
        line=line,
        t=_whole(words, "t", line),
        day=_day(words.get("date", ""), line),
        frequency=FREQUENCIES[per_year],
        observed=_number(words, "observed", line),
        population=_number(words, "population", line),
    )


def _whole(words: Mapping[str, str], column: str, line: int) -> int:
    number = _number(words, column, line)
    if not math.isfinite(number) or number != int(number):
        raise _bad(line, column, words[column], Message("cần một số nguyên"))
    return int(number)


def _number(words: Mapping[str, str], column: str, line: int) -> float:
    word = words.get(column, "")
    if word in UNKNOWN_WORDS:
        return math.nan
    try:
        return float(word)
    except ValueError as error:
        raise _bad(line, column, word, Message("cần một số, hoặc NA khi chưa có số liệu")) from error


def _day(word: str, line: int) -> date | None:
    if word in UNKNOWN_WORDS:
        return None
    try:
        return date.fromisoformat(word)
    except ValueError as error:
        raise _bad(line, "date", word, Message("cần ngày dạng năm-tháng-ngày, ví dụ 2026-11-16")) from error


def _bad(line: int, column: str, value: str, how: Message) -> PlainFileError:
    return PlainFileError(
        Message("Dòng {line}, cột {column}: giá trị «{value}» không dùng được; {how}.",
                line=line, column=column, value=value, how=how)
    )  # fmt: skip


def _series(name: str, rows: list[Row]) -> OneSeries:
    first = rows[0]
    dated = first.day is not None
    for row in rows:
        if (row.day is not None) != dated or row.frequency is not first.frequency:
            raise PlainFileError(
                Message("Dòng {line}: chuỗi «{series}» phải có cùng freq, và có ngày ở mọi dòng hoặc không dòng nào.",
                        line=row.line, series=name)
            )  # fmt: skip
    start = min(row.day for row in rows if row.day is not None) if dated else UNDATED_START
    steps = [_step(row, first.frequency, start, min(r.t for r in rows)) for row in rows]
    last = max(steps)
    if last >= MOST_STEPS:
        raise PlainFileError(Message("Chuỗi «{series}» dài quá {most} kỳ.", series=name, most=MOST_STEPS))
    observed, population, taken = np.full(last + 1, np.nan), np.full(last + 1, np.nan), set[int]()
    for row, step in zip(rows, steps, strict=True):
        if step in taken:
            raise PlainFileError(
                Message(
                    "Dòng {line}: chuỗi «{series}» có hai dòng cho cùng một kỳ.", line=row.line, series=name
                )
            )
        taken.add(step)
        observed[step], population[step] = row.observed, row.population
    labels = tuple(row.t for row in rows)
    return OneSeries(name, first.frequency, start, dated, labels, tuple(steps), observed, population)


def _step(row: Row, frequency: Frequency, start: date, first_t: int) -> int:
    """Column of a row on its series' grid: by date when dated, else by t."""
    if row.day is None:
        return row.t - first_t
    if frequency is Frequency.MONTH:
        even, step = row.day.day == start.day, (row.day.year - start.year) * 12 + row.day.month - start.month
    else:
        step, rest = divmod((row.day - start).days, 7 if frequency is Frequency.WEEK else 1)
        even = rest == 0
    if not even:
        raise PlainFileError(
            Message("Dòng {line}: ngày {day} không cách đều với ngày đầu chuỗi {start}.",
                    line=row.line, day=row.day, start=start)
        )  # fmt: skip
    return step


def batches(series: list[OneSeries]) -> Iterator[tuple[CountSeries, list[OneSeries]]]:
    """Series of one calendar together, so that they are worked on at once."""
    alike: dict[tuple[Frequency, date, bool, int], list[OneSeries]] = {}
    for one in series:
        alike.setdefault((one.frequency, one.start, one.dated, one.observed.size), []).append(one)
    for (frequency, start, _, _), batch in alike.items():
        counts = CountSeries(
            keys=tuple(SeriesKey(one.name, 0) for one in batch),
            frequency=frequency,
            start=start,
            observed=np.vstack([one.observed for one in batch]),
            as_of=datetime(start.year, start.month, start.day, tzinfo=UTC),
            population=np.vstack([one.population for one in batch]),
        )
        yield counts, batch


def _judge(
    series: list[OneSeries], method: str, setting: str, control: Control
) -> dict[str, tuple[Bounds, int]]:
    """Bounds of each series and its row in them."""
    found = {}
    for counts, batch in batches(series):
        shape = SeriesShape(
            frequency=counts.frequency,
            steps=counts.observed.shape[1],
            calendar="dates" if batch[0].dated else "steps",
        )
        bounds = run_setting(method, setting, control, shape, counts)
        found.update({one.name: (bounds, position) for position, one in enumerate(batch)})
    return found


def _empty_bound(method: str) -> dict[str, str]:
    """What stands in `upperbound` instead of NA, by reason: R's classic Farrington writes 0 for too few cases."""
    return {"too_few_cases": "0"} if method == "farrington_classic" else {}


def _out_rows(
    one: OneSeries, setting: str, bounds: Bounds, position: int, empty: Mapping[str, str]
) -> Iterator[list[Any]]:
    column = {int(step): index for index, step in enumerate(bounds.evaluated)}
    for label, step in zip(one.labels, one.steps, strict=True):
        if step not in column:
            yield [one.name, label, setting, "NA", "NA", "NA", "NA", NOT_JUDGED]
            continue
        at = (position, column[step])
        reason = str(bounds.reason[at])
        upper = empty.get(reason, _text(bounds.upperbound[at]))
        yield [
            one.name, label, setting, _text(bounds.expected[at]), upper, _text(bounds.score[at]),
            int(bounds.alarm[at]) if reason in NO_ALARM_REASONS else "NA", reason,
        ]  # fmt: skip


def _text(number: float) -> str:
    return "NA" if math.isnan(number) else repr(float(number))
