"""Rows of a recognised sheet → case reports, or every reason why a row cannot be taken (domain.md §1.4, §2.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Protocol

from i18n import Message
from surveillance.sources.investigation import contradictions
from surveillance.sources.mapping import IDENTIFIERS, SourceMapping
from surveillance.sources.reader import Cell
from surveillance.sources.recognise import Recognised
from surveillance.sources.values import (
    BadValue,
    age_of,
    coordinate_of,
    date_of,
    text_of,
    uncertainty_of,
    word_of,
)
from surveillance.types import (
    CaseReport,
    Classification,
    Identity,
    Outcome,
    Rejected,
    Treatment,
    Verification,
)

_IDENTITY = ("name", "phone", "guardian", "address", "occupation")
_ICD10 = re.compile(r"[A-Z]\d{2}(\.?\d{1,2})?")
_SELDOM_REPEATED = IDENTIFIERS | {"lon", "lat"}
_NO_DISEASE = ""
_NOBODY = Identity()
_CLASSES = {member.value: member for member in Classification}
_TREATMENTS = {member.value: member for member in Treatment}
_OUTCOMES = {member.value: member for member in Outcome}


class _NotWatched(BadValue):
    """The diagnosis is readable, and not under surveillance. An unknown name without an ICD-10 code is not enough:
    it may be a known one misspelt."""


class Named(Protocol):
    @property
    def code(self) -> str: ...


class DiseaseNames(Protocol):
    """What parsing needs of the catalogue of diseases."""

    def by_name(self, name: str) -> Named | None: ...

    def by_icd10(self, code: str) -> Named | None: ...


@dataclass(frozen=True, kw_only=True)
class ParsedRow:
    """`report`, or the `problems` that keep it from being one; `raw` is the row as it stood.

    Both: the row's only problem is a diagnosis not under surveillance. Its report has no disease (""), and can only
    discard the case of its file number; where there is none, the row is rejected.
    """

    number: int
    raw: Sequence[Cell]
    report: CaseReport | None
    problems: tuple[Rejected, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Column:
    """Where a field stands; `seen`: what its cells meant so far, where they repeat."""

    name: str
    index: int
    repeats: bool
    seen: dict[Cell, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RowParser:
    """Reads the rows of one sheet. `today` is the local day: nothing may have happened after it."""

    source: Recognised
    diseases: DiseaseNames
    today: date

    def rows(self) -> Iterator[ParsedRow]:
        for number, cells in self.source.rows():
            yield self.parse(number, cells)

    def parse(self, number: int, cells: Sequence[Cell]) -> ParsedRow:
        problems: list[Rejected] = []
        if any(cell != "" for cell in cells[len(self.source.headers) :]):
            problems.append(self._too_long(number, cells))
        values: dict[str, Any] = {}
        for column in self._columns:
            cell = _cell_at(cells, column.index)
            if cell in column.seen:
                values[column.name] = column.seen[cell]
                continue
            try:
                value = values[column.name] = self._read(column.name, cell)
            except BadValue as bad:
                problems.append(self._rejected(number, column.index, cell, bad.message))
            else:
                if column.repeats or value is None:
                    column.seen[cell] = value
        self._check_expected(number, cells, problems)
        if not problems:
            self._check_together(number, cells, values, problems)
        excluded = (
            len(problems) == 1 and values.get("disease") == _NO_DISEASE and self.mapping.identity == "person"
        )
        if problems and not excluded:
            return ParsedRow(number=number, raw=cells, report=None, problems=tuple(problems))
        report = _report(number, values, self.mapping)
        return ParsedRow(number=number, raw=cells, report=report, problems=tuple(problems))

    @property
    def mapping(self) -> SourceMapping:
        return self.source.mapping

    @cached_property
    def _columns(self) -> tuple[_Column, ...]:
        return tuple(
            _Column(name=name, index=index, repeats=name not in _SELDOM_REPEATED)
            for name, index in self.source.columns.items()
        )

    def _read(self, name: str, cell: Cell) -> Any:
        if isinstance(cell, str) and (not cell or cell.isspace() or cell in self.mapping.missing):
            if name in self.mapping.required_values:
                raise BadValue(self._empty())
            return None
        if name in self.mapping.values:
            return word_of(cell, self.mapping.values[name])
        if name.startswith("date_"):
            return date_of(cell, self.mapping.date_orders, self.today)
        if name == "lat" and self.mapping.point_bounds:
            return coordinate_of(cell, 180)  # so that swapped coordinates are known for what they are
        return _READERS.get(name, _text)(cell)

    def _empty(self) -> Message:
        if self.source.kind == "xlsx":
            return Message(
                "Ô bắt buộc bị trống. Nếu ô là công thức: mở tệp bằng Excel và lưu lại để có giá trị."
            )
        return Message("Ô bắt buộc bị trống. Hãy điền rồi gửi lại dòng này.")

    def _too_long(self, number: int, cells: Sequence[Cell]) -> Rejected:
        reason = Message(
            "Dòng có {cells} ô nhưng tiêu đề chỉ có {columns} cột; có thể một ô chứa dấu phân cách mà không đặt "
            "trong dấu ngoặc kép.",
            cells=len(cells),
            columns=len(self.source.headers),
        )
        return Rejected(row=number, column=None, value=None, reason=reason)

    def _rejected(self, number: int, index: int, cell: Cell, reason: Message) -> Rejected:
        return Rejected(row=number, column=self.source.headers[index], value=str(cell), reason=reason)

    def _check_expected(self, number: int, cells: Sequence[Cell], problems: list[Rejected]) -> None:
        for index, allowed in self.source.expect.items():
            cell = _cell_at(cells, index)
            if str(cell) not in allowed:
                reason = Message("Cột này chỉ được ghi: {allowed}.", allowed=", ".join(sorted(allowed)))
                problems.append(self._rejected(number, index, cell, reason))

    def _check_together(
        self, number: int, cells: Sequence[Cell], values: dict[str, Any], problems: list[Rejected]
    ) -> None:
        """What only several cells together can show; sets the disease."""
        for name in ("date_onset", "date_admission"):
            if (day := values.get(name)) and day > values["date_report"]:
                index = self.source.columns[name]
                problems.append(
                    self._rejected(number, index, _cell_at(cells, index), _after_report(day, values))
                )
        for name, reason in contradictions(values, self.mapping.point_bounds):
            index = self.source.columns[name]
            problems.append(self._rejected(number, index, _cell_at(cells, index), reason))
        if self.mapping.identity == "file":
            values["disease"] = _NO_DISEASE
            return
        try:
            values["disease"] = self.mapping.constants.get("disease") or self._disease(values)
        except BadValue as bad:
            index = self.source.columns["disease"]
            problems.append(self._rejected(number, index, _cell_at(cells, index), bad.message))
            if isinstance(bad, _NotWatched) and self.mapping.identity == "person":
                values |= {"disease": _NO_DISEASE, "classification": Classification.DISCARDED}

    def _disease(self, values: Mapping[str, Any]) -> str:
        """By name and ICD-10 code, which must not contradict each other; either alone is enough.

        Raises _NotWatched when an ICD-10 code says it is none of ours, else BadValue.
        """
        name, code = values.get("disease"), values.get("icd10")
        by_name = self.diseases.by_name(name) if name else None
        by_code = self.diseases.by_icd10(code) if code else None
        if by_name and by_code and by_name.code != by_code.code:
            raise BadValue(
                Message(
                    "Tên bệnh và mã ICD-10 ({code}) chỉ hai bệnh khác nhau. Hãy sửa lại cho khớp.", code=code
                )
            )
        found = by_name or by_code
        if found is None:
            raise (_NotWatched if code and _ICD10.fullmatch(code.upper()) else BadValue)(
                Message(
                    "Không nhận ra bệnh “{name}”, mã ICD-10 “{code}”. Hãy sửa, hoặc thêm tên này vào diseases.toml.",
                    name=name or "",
                    code=code or "",
                )
            )
        return found.code


def _cell_at(cells: Sequence[Cell], index: int) -> Cell:
    """CSV rows may end before their last columns."""
    return cells[index] if index < len(cells) else ""


def _after_report(day: date, values: Mapping[str, Any]) -> Message:
    return Message(
        "Ngày {day} sau ngày báo cáo {report}. Hãy kiểm tra lại hai ngày.",
        day=day,
        report=values["date_report"],
    )


def _text(cell: Cell) -> str | None:
    return text_of(cell) or None


_READERS: Mapping[str, Callable[[Cell], Any]] = {
    "age_years": age_of,
    "lon": lambda cell: coordinate_of(cell, 180),
    "lat": lambda cell: coordinate_of(cell, 90),
    "uncertainty_m": uncertainty_of,
}


def _report(number: int, values: dict[str, Any], mapping: SourceMapping) -> CaseReport:
    known = {name: value for name, value in values.items() if value is not None}
    filled: dict[str, Any] = {**mapping.defaults, **known, **mapping.constants}
    person = {name: filled.pop(name) for name in _IDENTITY if name in filled}
    if "treatment" in filled:
        filled["treatment"] = _TREATMENTS[filled["treatment"]]
    if "outcome" in filled:
        filled["outcome"] = _OUTCOMES[filled["outcome"]]
    if "age_years" in filled:
        filled["age_years"] = int(filled["age_years"])
    filled["classification"] = _CLASSES[filled.get("classification", Classification.SUSPECTED)]
    if "verification" in filled:
        filled["verification"] = Verification(int(filled["verification"]))
    if "lon" in filled:
        filled.setdefault("uncertainty_m", mapping.point_uncertainty_m)
    return CaseReport(row=number, identity=Identity(**person) if person else _NOBODY, **filled)
