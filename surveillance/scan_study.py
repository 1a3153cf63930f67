"""The files of a scan read and checked: places, intervals, cases, and what chance alone would do with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from i18n import Message
from surveillance.plain_files import PlainFileError, number, read_rows, read_text, whole
from surveillance.scan_options import Options
from surveillance.scan_parameters import Analysis
from surveillance.scanning import null as nulls
from surveillance.scanning.growth import Growth, Limits, circles, ellipses, listed, networks
from surveillance.scanning.intervals import Intervals, Unit, cut
from surveillance.scanning.null import Model, Null
from surveillance.scanning.places import Places, looks_like_degrees
from surveillance.scanning.satscan_files import (
    Counted,
    read_counts,
    read_grid,
    read_neighbours,
    read_network,
    read_people,
    read_places,
)
from surveillance.types import FloatArray

PARTS = {Unit.DAY: 3, Unit.MONTH: 2, Unit.YEAR: 1}
"""How much of a date a case needs."""


DEGREES = (
    "Tệp {file}: tọa độ trông như vĩ độ và kinh độ nhưng được tính như tọa độ phẳng. Nếu là độ, hãy thêm "
    "--coordinates-type latlong; nếu không, --coordinates-type cartesian."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A counted line with its place and interval."""

    line: Counted
    place: int
    interval: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """The files, read and checked."""

    places: Places
    intervals: Intervals
    cases: tuple[Located, ...]
    null: Null
    growth: Growth
    warnings: tuple[Message, ...]


def read_study(options: Options) -> Study:
    """Raises PlainFileError, saying file, line and column, for what cannot be worked with."""
    warnings = [*options.warnings, *_not_unicode(options)]
    places = read_places(options.coordinates, on_sphere=bool(options.latlong))
    if options.latlong is None and looks_like_degrees(places.written):
        warnings.append(Message(DEGREES, file=options.coordinates.name))
    intervals = _intervals(options)
    locate = _Locator(options, places, intervals, warnings)
    cases = locate.all(options.cases, read_counts(options.cases, dated=options.dated))
    if not cases:
        warnings.append(Message("Không có ca nào trong thời kỳ nên không có cụm nào."))
    elif len({case.place for case in cases if case.line.count}) == 1:
        alone = "Mọi ca ở cùng một điểm nên không so được nơi này với nơi khác."
        warnings.append(Message(alone if options.model is Model.PERMUTATION else "Mọi ca ở cùng một điểm."))
    null = NULLS[options.model](options, places, intervals, cases, locate)
    return Study(
        places=places,
        intervals=intervals,
        cases=tuple(cases),
        null=null,
        growth=_growth(options, places, null.size),
        warnings=tuple(warnings),
    )


def _not_unicode(options: Options) -> list[Message]:
    used = (options.cases, options.coordinates, options.population, options.control)
    return [
        Message(
            "Tệp {file} không phải UTF-8 nên được đọc theo Windows-1252; hãy xem chữ có dấu.", file=path.name
        )
        for path in used
        if path is not None and not read_text(path)[1]
    ]


def _intervals(options: Options) -> Intervals:
    if options.analysis is Analysis.SPATIAL:
        return Intervals(starts=(options.start,), last=options.end)
    return cut(options.start, options.end, options.unit, options.length)


def _growth(options: Options, places: Places, size: FloatArray) -> Growth:
    limits = Limits(share=options.max_population / 100, radius=options.max_radius)
    if options.ellipses is not None:
        return ellipses(places, size, limits, options.ellipses)
    if options.network is not None:
        return networks(places, size, limits, read_network(options.network, places))
    if options.neighbours is not None:
        return listed(places, size, limits, read_neighbours(options.neighbours, places))
    grid = read_grid(options.grid, on_sphere=bool(options.latlong)) if options.grid else None
    return circles(places, size, limits, grid=grid)


class _Locator:
    """Puts counted lines at their place and interval, or says which line has none."""

    def __init__(
        self, options: Options, places: Places, intervals: Intervals, warnings: list[Message]
    ) -> None:
        self.options, self.intervals, self.warnings = options, intervals, warnings
        self.index = places.index()

    def all(self, path: Path, lines: list[Counted]) -> list[Located]:
        placed = [(line, self.place(path, line), self.interval(path, line)) for line in lines]
        turned = [(line.line, line.when.day) for line in lines if line.when and line.when.month_first]
        if turned:
            self.warnings.append(
                Message(
                    "Tệp {file}: ngày ghi kiểu tháng/ngày/năm được đọc như SaTScan; dòng {row} là ngày {value}. "
                    "Nếu tệp ghi ngày/tháng/năm, hãy đổi thành năm/tháng/ngày.",
                    file=path.name, row=str(turned[0][0]), value=turned[0][1].isoformat(),
                )
            )  # fmt: skip
        outside = [line for line, _, interval in placed if interval is None]
        unknown = [line for line, place, _ in placed if place is None]
        if outside:
            self.warnings.append(
                Message(
                    "Tệp {file}: bỏ {n} dòng ngoài thời kỳ (dòng đầu tiên: {row}).",
                    file=path.name, n=len(outside), row=str(outside[0].line),
                )
            )  # fmt: skip
        if unknown:
            self.warnings.append(
                Message(
                    "Tệp {file}: bỏ {n} dòng có địa điểm không có tọa độ (dòng đầu tiên: {row}).",
                    file=path.name, n=len(unknown), row=str(unknown[0].line),
                )
            )  # fmt: skip
        return [
            Located(line=line, place=place, interval=interval)
            for line, place, interval in placed
            if place is not None and interval is not None
        ]

    def place(self, path: Path, line: Counted) -> int | None:
        found = self.index.get(line.name)
        if found is None and not self.options.leave_out_unknown:
            raise PlainFileError(
                Message(
                    "Tệp {file}, dòng {row}, cột 1: địa điểm “{value}” không có trong tệp tọa độ {coordinates}. "
                    "Hãy thêm tọa độ hoặc sửa mã.",
                    file=path.name, row=str(line.line), value=line.name, coordinates=self.options.coordinates.name,
                )
            )  # fmt: skip
        return found

    def interval(self, path: Path, line: Counted) -> int | None:
        if self.options.analysis is Analysis.SPATIAL and line.when is None:
            return 0
        assert line.when is not None
        if self.options.analysis is not Analysis.SPATIAL and line.when.parts < PARTS[self.options.unit]:
            raise PlainFileError(
                Message(
                    "Tệp {file}, dòng {row}, cột 3: ngày “{value}” chưa đủ cho khoảng thời gian đã chọn. "
                    "Hãy ghi đủ năm/tháng/ngày hoặc chọn khoảng dài hơn.",
                    file=path.name, row=str(line.line), value=line.when.day,
                )
            )  # fmt: skip
        found = self.intervals.holding(line.when.day)
        if found is None and not self.options.leave_out:
            raise PlainFileError(
                Message(
                    "Tệp {file}, dòng {row}, cột 3: ngày {value} ở ngoài thời kỳ {start} – {end}. "
                    "Hãy sửa ngày hoặc thời kỳ.",
                    file=path.name, row=str(line.line), value=line.when.day,
                    start=self.options.start, end=self.options.end,
                )
            )  # fmt: skip
        return found


def _counts(located: list[Located], places: Places, intervals: Intervals) -> NDArray[np.int64]:
    counts = np.zeros((places.size, intervals.size), np.int64)
    for each in located:
        counts[each.place, each.interval] += int(each.line.count)
    return counts


def _strata(located: list[Located]) -> dict[tuple[str, ...], list[Located]]:
    strata: dict[tuple[str, ...], list[Located]] = {}
    for each in located:
        strata.setdefault(each.line.covariates, []).append(each)
    return strata


def _permutation(
    options: Options, places: Places, intervals: Intervals, cases: list[Located], locate: _Locator
) -> Null:
    strata = [_counts(part, places, intervals) for part in _strata(cases).values()]
    layers = np.array(strata or [_counts([], places, intervals)])
    return nulls.permutation(
        nulls.by_weekday(layers, np.array(intervals.weekdays())) if options.weekly else layers
    )


def _bernoulli(
    options: Options, places: Places, intervals: Intervals, cases: list[Located], locate: _Locator
) -> Null:
    assert options.control is not None
    controls = locate.all(options.control, read_counts(options.control, dated=options.dated))
    if any(each.line.covariates for each in [*cases, *controls]):
        locate.warnings.append(Message("Mô hình bernoulli không dùng các cột sau cột ngày."))
    return nulls.bernoulli(_counts(cases, places, intervals), _counts(controls, places, intervals))


def _poisson(
    options: Options, places: Places, intervals: Intervals, cases: list[Located], locate: _Locator
) -> Null:
    assert options.population is not None
    strata = {covariates: k for k, covariates in enumerate(_strata(cases))}
    people: dict[tuple[int, int], dict[date, float]] = {}
    for line in read_people(options.population):
        place = locate.place(options.population, line)
        if place is None:
            continue
        stratum = strata.setdefault(line.covariates, len(strata))
        counted = people.setdefault((place, stratum), {})
        when = line.when.day if line.when else options.start
        counted[when] = counted.get(when, 0.0) + line.count
    person_days = nulls.person_time(people, intervals, places.size, max(len(strata), 1))
    by_stratum = np.zeros(max(len(strata), 1))
    for covariates, part in _strata(cases).items():
        by_stratum[strata[covariates]] = sum(each.line.count for each in part)
    _refuse_cases_without_people(options, cases, strata, person_days)
    expected = nulls.standardised(by_stratum, person_days)
    counts = _counts(cases, places, intervals)
    if options.weekly:
        expected = nulls.weekly_rhythm(counts, expected, np.array(intervals.weekdays()))
    if options.known_share is not None:
        expected = nulls.known_so_far(expected, _known_share(options.known_share, intervals))
        for each in cases:
            if each.line.count and not expected[each.place, each.interval]:
                raise PlainFileError(
                    Message(
                        "Tệp {file}, dòng {row}: có ca vào ngày mà tệp {share} nói chưa biết ca nào.",
                        file=options.cases.name, row=str(each.line.line), share=options.known_share.name,
                    )
                )  # fmt: skip
    return nulls.poisson(counts, expected)


NULLS: dict[Model, Callable[[Options, Places, Intervals, list[Located], _Locator], Null]] = {
    Model.PERMUTATION: _permutation,
    Model.POISSON: _poisson,
    Model.BERNOULLI: _bernoulli,
}


def _refuse_cases_without_people(
    options: Options, cases: list[Located], strata: dict[tuple[str, ...], int], person_days: FloatArray
) -> None:
    """A case where nobody lives, in its place and interval or in its whole stratum, is a mistake in a file."""
    living, in_stratum = person_days.sum(2) > 0, person_days.sum((0, 1)) > 0
    for each in cases:
        fine = living[each.place, each.interval] and in_stratum[strata[each.line.covariates]]
        if each.line.count and not fine:
            raise PlainFileError(
                Message(
                    "Tệp {file}, dòng {row}: có ca ở “{value}” nhưng tệp {population} không có người dân nào ở đó "
                    "lúc ấy (hoặc trong nhóm đó; nơi thiếu ở một thời điểm mà nơi khác có được tính là 0). "
                    "Hãy bổ sung số dân hoặc sửa ca.",
                    file=options.cases.name, row=str(each.line.line), value=each.line.name,
                    population=options.population.name if options.population else "",
                )
            )  # fmt: skip


def _known_share(path: Path, intervals: Intervals) -> FloatArray:
    """The share known by now of each interval, (T,), from a CSV of days_ago and share; 1 where it says nothing."""
    share = np.ones(intervals.size)
    for line, row in enumerate(read_rows(path, ("days_ago", "share")), 2):
        ago = whole(row["days_ago"], path=path, line=line, column="days_ago")
        value = number(row["share"], path=path, line=line, column="share")
        if not (0 <= value <= 1):
            raise PlainFileError(
                Message(
                    "Tệp {file}, dòng {row}, cột {column}: cần một số từ 0 đến 1.",
                    file=path.name, row=str(line), column="share",
                )
            )  # fmt: skip
        if 0 <= ago < intervals.size:
            share[intervals.size - 1 - ago] = value
    return share
