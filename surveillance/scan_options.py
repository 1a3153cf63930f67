"""What a scan of files is asked to do: SaTScan's parameter file, the command line over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from i18n import Message
from surveillance.plain_files import PlainFileError
from surveillance.scan import Overlap
from surveillance.scan_parameters import Analysis, translated
from surveillance.scanning.growth import Compactness, Ellipses
from surveillance.scanning.intervals import Unit
from surveillance.scanning.null import Model
from surveillance.scanning.parameters import read_parameters
from surveillance.scanning.satscan_files import read_date

WORDS: Mapping[str, Mapping[str, Any]] = {
    "model": {model.value: model for model in Model},
    "analysis": {analysis.value: analysis for analysis in Analysis},
    "time_unit": {unit.value: unit for unit in Unit},
    "coordinates_type": {"cartesian": False, "latlong": True},
    "overlap": {overlap.value.replace("_", "-"): overlap for overlap in Overlap},
    "compactness": {compactness.value: compactness for compactness in Compactness},
}
"""Options that are one of a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`max_days` and `min_days` count units, days unless told otherwise, of which `length` are an interval; without
    `max_days` a window lasts at most `max_time` % of the period. `max_population` is in %. `latlong` None: not said,
    and taken for flat."""

    cases: Path
    coordinates: Path
    model: Model
    start: date
    end: date
    population: Path | None = None
    control: Path | None = None
    grid: Path | None = None
    network: Path | None = None
    neighbours: Path | None = None
    known_share: Path | None = None
    analysis: Analysis = Analysis.PROSPECTIVE
    dated: bool = True
    latlong: bool | None = None
    unit: Unit = Unit.DAY
    length: int = 1
    max_days: int | None = None
    min_days: int = 1
    max_time: float = 50.0
    max_population: float = 50.0
    max_radius: float | None = None
    ellipses: Ellipses | None = None
    weekly: bool = False
    least_cases: int = 2
    replications: int = 999
    enough: int | None = None
    earlier_from: date | None = None
    overlap: Overlap = Overlap.NO_SHARED_PLACE
    iterations: int = 1
    iterate_to: float = 0.05
    leave_out: bool = True
    leave_out_unknown: bool = False
    warnings: tuple[Message, ...] = field(default=())


def from_command(parameters: Path | None, given: Mapping[str, Any]) -> Options:
    """`options` of words as they are typed: names of models, units and types, dates as SaTScan writes them."""
    typed = dict(given)
    for name, words in WORDS.items():
        typed[name] = _word(name, typed.get(name), words)
    for name in ("start", "end", "earlier_from"):
        typed[name] = _typed_date(name, typed.get(name))
    typed |= {
        "latlong": typed["coordinates_type"],
        "unit": typed["time_unit"],
        "length": typed.get("time_length"),
    }
    if typed["compactness"] is not None and not typed.get("ellipses"):
        raise PlainFileError(Message("--compactness chỉ dùng với --ellipses."))
    typed["ellipses"] = (
        Ellipses(compactness=typed["compactness"] or Compactness.MEDIUM) if typed.get("ellipses") else None
    )
    typed["dated"] = False if typed.get("undated") else None
    return options(parameters, typed)


def _word(name: str, text: str | None, words: Mapping[str, Any]) -> Any:
    if text is None:
        return None
    if text not in words:
        raise PlainFileError(
            Message(
                "--{option} phải là một trong: {choices}; đang ghi “{value}”.",
                option=name.replace("_", "-"), choices=", ".join(words), value=text,
            )
        )  # fmt: skip
    return words[text]


def _typed_date(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    found = read_date(text)
    if found is None or found.parts < 3 or found.month_first:
        raise PlainFileError(
            Message(
                "--{option}: cần ngày dạng năm-tháng-ngày, đang ghi “{value}”.",
                option=name.replace("_", "-"), value=text,
            )
        )  # fmt: skip
    return found.day


def options(parameters: Path | None, given: Mapping[str, Any]) -> Options:
    """Options of a parameter file, and over them those `given` that are not None.

    Raises PlainFileError for what is missing, cannot be or is not supported.
    """
    asked: dict[str, Any] = {}
    if parameters is not None:
        read, warnings = read_parameters(parameters)
        asked, moved = translated(read, parameters)
        asked["warnings"] = (*warnings, *moved)
    asked |= {name: value for name, value in given.items() if value is not None}
    for name in ("cases", "coordinates", "model", "start", "end"):
        if asked.get(name) is None:
            raise PlainFileError(Message("Thiếu --{option}. Hãy thêm, hoặc dùng --parameters.", option=name))
    known = {f.name for f in fields(Options)}
    result = Options(**{name: value for name, value in asked.items() if name in known})
    _check(result)
    return result


def _check(asked: Options) -> None:
    if asked.end < asked.start:
        raise PlainFileError(
            Message(
                "Ngày cuối {end} ở trước ngày đầu {start}. Hãy đổi lại.", start=asked.start, end=asked.end
            )
        )
    if asked.model is Model.POISSON and asked.population is None:
        raise PlainFileError(Message("Mô hình poisson cần số dân. Hãy thêm --population."))
    if asked.model is Model.BERNOULLI and asked.control is None:
        raise PlainFileError(Message("Mô hình bernoulli cần nhóm chứng. Hãy thêm --control."))
    if asked.model is Model.PERMUTATION and asked.analysis is Analysis.SPATIAL:
        raise PlainFileError(Message("Mô hình permutation cần cả không gian và thời gian."))
    if asked.known_share is not None and asked.model is not Model.POISSON:
        raise PlainFileError(Message("--known-share chỉ dùng với mô hình poisson."))
    if asked.analysis is not Analysis.SPATIAL and not asked.dated:
        raise PlainFileError(Message("Quét không gian–thời gian cần ngày của từng ca."))
    if asked.weekly and (asked.unit is not Unit.DAY or asked.length != 1):
        raise PlainFileError(Message("Chỉnh theo ngày trong tuần cần khoảng thời gian một ngày."))
    if asked.iterations < 1 or (asked.iterations > 1 and asked.model is Model.PERMUTATION):
        raise PlainFileError(Message("Quét lặp chỉ dùng với mô hình poisson và bernoulli."))
    if sum(way is not None for way in (asked.grid, asked.network, asked.neighbours, asked.ellipses)) > 1:
        raise PlainFileError(
            Message("Chỉ chọn một trong: lưới tâm, mạng, danh sách láng giềng, cửa sổ hình elip.")
        )
    if asked.earlier_from is not None and asked.analysis is not Analysis.PROSPECTIVE:
        raise PlainFileError(Message("Chỉ quét tiền cứu mới chỉnh được cho các lần quét trước."))
    if asked.earlier_from is not None and not asked.start <= asked.earlier_from <= asked.end:
        raise PlainFileError(Message("Ngày của lần quét đầu tiên phải nằm trong thời kỳ."))
    if not (0 < asked.max_population <= 100 and 0 < asked.max_time <= 100):
        raise PlainFileError(Message("Tỷ lệ tối đa phải trên 0 và không quá 100 %."))
    longest = max(asked.min_days, asked.length) if asked.max_days is None else asked.max_days
    if not 1 <= asked.min_days <= longest or not 1 <= asked.length <= longest:
        raise PlainFileError(
            Message("Số ngày tối thiểu và độ dài một khoảng phải từ 1 và không quá số ngày tối đa.")
        )
    if (
        asked.replications < 0
        or asked.least_cases < 1
        or (asked.enough is not None and asked.enough < 1)
        or (asked.max_radius is not None and asked.max_radius <= 0)
    ):
        raise PlainFileError(Message("Số lần lặp, số ca tối thiểu và bán kính tối đa phải là số dương."))
    if asked.ellipses is not None and asked.latlong:
        raise PlainFileError(Message("Cửa sổ hình elip cần tọa độ phẳng (cartesian)."))
