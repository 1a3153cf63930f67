"""SaTScan's own files: cases, controls, people and coordinates, as text in columns parted by blanks or commas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from i18n import Message
from surveillance.adjacency import Weights, given_weights
from surveillance.plain_files import PlainFileError, read_text
from surveillance.scanning.places import Places, place
from surveillance.types import FloatArray

IntArray = NDArray[np.int64]

DATE = re.compile(r"(\d{4}|\d{2})(?:[-/.*](\d{1,2})(?:[-/.*](\d{1,2}))?)?")
MONTH_FIRST = re.compile(r"(\d{1,2})[-/.*](?:(\d{1,2})[-/.*])?(\d{4})")
TIME_OF_DAY = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?")
MOST_CASES = 10_000_000
CENTURY_TURNS = 50
"""Two-digit years from here on are of the 1900s."""


class Line(NamedTuple):
    """A line of a file: its number and its columns."""

    number: int
    columns: list[str]


class Written(NamedTuple):
    """A date as written: how many of year, month and day were given, and whether the month came first."""

    day: date
    parts: int
    month_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A line of a case, control or population file. `when` is None where the file has no dates."""

    line: int
    name: str
    count: float
    when: Written | None
    covariates: tuple[str, ...]


def read_lines(path: Path) -> Iterator[Line]:
    """Lines with something in them; columns parted by blanks or commas, quotes taken off."""
    text, _ = read_text(path)
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        parts = re.findall(r'"([^"]*)"|([^\s,]+)', line)
        if parts:
            yield Line(number, [quoted or plain for quoted, plain in parts])


def read_counts(path: Path, *, dated: bool) -> list[Counted]:
    """A case or control file: identifier, whole number from 0 on, date when `dated`, covariates."""
    return [_counted(path, line, dated) for line in read_lines(path)]


def _counted(path: Path, line: Line, dated: bool) -> Counted:
    needed = 3 if dated else 2
    _enough(path, line, needed)
    count = _number(path, line, 1)
    if count != int(count):
        raise _wrong(
            path, line, 1, "Tệp {file}, dòng {row}, cột {column}: cần một số nguyên, đang ghi “{value}”."
        )
    if count > MOST_CASES:
        raise _wrong(path, line, 1, "Tệp {file}, dòng {row}, cột {column}: “{value}” ca là quá nhiều.")
    if dated and len(line.columns) > 3 and TIME_OF_DAY.fullmatch(line.columns[3]):
        raise _wrong(
            path,
            line,
            3,
            "Tệp {file}, dòng {row}, cột {column}: “{value}” là giờ, sẽ bị hiểu là một nhóm bệnh nhân. "
            "Hãy bỏ giờ, chỉ giữ ngày.",
        )
    return Counted(
        line=line.number,
        name=line.columns[0],
        count=count,
        when=_date(path, line, 2) if dated else None,
        covariates=tuple(line.columns[needed:]),
    )


def read_people(path: Path) -> list[Counted]:
    """A population file: identifier, date, people from 0 on, covariates. The date may be `unspecified`."""
    return [_people(path, line) for line in read_lines(path)]


def _people(path: Path, line: Line) -> Counted:
    _enough(path, line, 3)
    return Counted(
        line=line.number,
        name=line.columns[0],
        count=_number(path, line, 2),
        when=None if line.columns[1].lower() == "unspecified" else _date(path, line, 1, middle=True),
        covariates=tuple(line.columns[3:]),
    )


def read_places(path: Path, *, on_sphere: bool) -> Places:
    """A coordinates file: identifier, then x, y (more, if projected) or latitude, longitude. A line that repeats
    another is one too many, with other coordinates an error."""
    seen: dict[str, int] = {}
    rows: dict[str, list[float]] = {}
    dimensions = None
    for line in read_lines(path):
        _enough(path, line, 3)
        name = line.columns[0]
        row = _coordinates(path, line, 1, dimensions, on_sphere)
        dimensions = len(row)
        if rows.setdefault(name, row) != row:
            raise PlainFileError(
                Message(
                    "Tệp {file}, dòng {row}, cột 1: địa điểm “{value}” đã có tọa độ khác ở dòng {other}. "
                    "Hãy giữ một dòng cho mỗi địa điểm.",
                    file=path.name, row=str(line.number), value=name, other=str(seen[name]),
                )
            )  # fmt: skip
        seen.setdefault(name, line.number)
    if not rows:
        raise PlainFileError(Message("Tệp {file} không có dòng số liệu nào.", file=path.name))
    return place(list(rows), np.array(list(rows.values())), on_sphere=on_sphere)


def read_grid(path: Path, *, on_sphere: bool) -> FloatArray:
    """A grid file: coordinates of centres, (m, d)."""
    rows: list[list[float]] = []
    for line in read_lines(path):
        _enough(path, line, 2)
        rows.append(_coordinates(path, line, 0, len(rows[0]) if rows else None, on_sphere))
    return np.array(rows)


def read_network(path: Path, places: Places) -> Weights:
    """A network file: two identifiers and the length of the way between them, without one the distance between their
    coordinates; a line of one identifier is a place without neighbours."""
    index, lengths = places.index(), dict[tuple[int, int], float]()
    lines = list(read_lines(path))
    if not lines:
        raise PlainFileError(Message("Tệp {file} không có dòng số liệu nào.", file=path.name))
    for line in lines:
        ends = [_known(path, line, column, index) for column in range(min(len(line.columns), 2))]
        if len(ends) < 2 or ends[0] == ends[1]:
            continue
        if len(line.columns) > 2:
            length = _number(path, line, 2)
        else:
            length = float(places.distance(places.points[ends[0]], np.array(ends[1:]))[0])
        if not length > 0 or lengths.get((ends[0], ends[1]), length) != length:
            column = min(2, len(line.columns) - 1)
            template = (
                "Tệp {file}, dòng {row}, cột {column}: quãng đường giữa hai nơi phải trên 0 và chỉ một giá trị, "
                "đang ghi “{value}”."
            )
            raise _wrong(path, line, column, template)
        lengths[ends[0], ends[1]] = lengths[ends[1], ends[0]] = length
    rows, neighbours = np.array(list(lengths), np.int64).reshape(-1, 2).T
    return given_weights(places.size, rows, neighbours, np.array(list(lengths.values())))


def read_neighbours(path: Path, places: Places) -> list[IntArray]:
    """A neighbours file: on each line a centre, then its neighbours, nearest first; as places."""
    index, lists = places.index(), []
    for line in read_lines(path):
        order = [_known(path, line, column, index) for column in range(len(line.columns))]
        lists.append(np.array(list(dict.fromkeys(order)), np.int64))
    if not lists:
        raise PlainFileError(Message("Tệp {file} không có dòng số liệu nào.", file=path.name))
    return lists


def _known(path: Path, line: Line, column: int, index: Mapping[str, int]) -> int:
    found = index.get(line.columns[column])
    if found is None:
        raise _wrong(
            path, line, column, "Tệp {file}, dòng {row}, cột {column}: địa điểm “{value}” không có tọa độ."
        )
    return found


def _coordinates(path: Path, line: Line, first: int, number: int | None, on_sphere: bool) -> list[float]:
    last = first + (2 if on_sphere else number or len(line.columns) - first)
    _enough(path, line, last)
    row = [_number(path, line, column, least=-np.inf) for column in range(first, last)]
    if on_sphere and not (abs(row[0]) <= 90 and abs(row[1]) <= 360):
        raise _wrong(
            path,
            line,
            first if abs(row[0]) > 90 else first + 1,
            "Tệp {file}, dòng {row}, cột {column}: “{value}” không phải vĩ độ (−90 đến 90) hay kinh độ. "
            "Cần vĩ độ trước, kinh độ sau; nếu là tọa độ phẳng, hãy chọn kiểu cartesian.",
        )
    return row


def _enough(path: Path, line: Line, needed: int) -> None:
    if len(line.columns) < needed:
        raise PlainFileError(
            Message(
                "Tệp {file}, dòng {row}: có {found} cột, cần ít nhất {needed}; "
                "các cột cách nhau bằng dấu cách hoặc dấu phẩy.",
                file=path.name, row=str(line.number), found=len(line.columns), needed=needed,
            )
        )  # fmt: skip


def _number(path: Path, line: Line, column: int, *, least: float = 0.0) -> float:
    try:
        value = float(line.columns[column])
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise _wrong(
            path, line, column, "Tệp {file}, dòng {row}, cột {column}: cần một số, đang ghi “{value}”."
        )
    if value < least:
        raise _wrong(
            path, line, column, "Tệp {file}, dòng {row}, cột {column}: số không được âm, đang ghi “{value}”."
        )
    return value


def read_date(text: str, *, middle: bool = False) -> Written | None:
    """A date as SaTScan reads them: 2020/1/5, 2020-01-05, 2020.1.5, 1/5/2020 (month first), 2020/1, 1/2020, 2020, 73.
    Parts not given are the first, or the `middle` one (15th of the month, 1st of July). None for anything else."""
    found, turned = DATE.fullmatch(text), MONTH_FIRST.fullmatch(text)
    if found:
        year, month, day = (int(part) if part else None for part in found.groups())
    elif turned:
        month, day, year = (int(part) if part else None for part in turned.groups())
    else:
        return None
    assert year is not None
    if found and len(found[1]) == 2:
        year += 1900 if year >= CENTURY_TURNS else 2000
    parts = 1 + (month is not None) + (day is not None)
    if month is None:
        month = 7 if middle else 1
    if day is None:
        day = 15 if middle and parts == 2 else 1
    try:
        return Written(date(year, month, day), parts, bool(turned) and parts == 3)
    except ValueError:
        return None


def _date(path: Path, line: Line, column: int, *, middle: bool = False) -> Written:
    found = read_date(line.columns[column], middle=middle)
    if found is None:
        raise _wrong(
            path,
            line,
            column,
            "Tệp {file}, dòng {row}, cột {column}: cần ngày dạng năm/tháng/ngày (2020/1/31), đang ghi “{value}”.",
        )
    return found


def _wrong(path: Path, line: Line, column: int, template: str) -> PlainFileError:
    return PlainFileError(
        Message(
            template, file=path.name, row=str(line.number), column=str(column + 1), value=line.columns[column]
        )
    )
