"""Which source a file is from, told by its columns; where its header stands; how its letters are read."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from i18n import Message
from surveillance.sources import legacy_text
from surveillance.sources.mapping import SourceMapping, header_key
from surveillance.sources.reader import Cell, OpenedFile, Rows, Sheet, Unreadable, unknown_letters

HEADER_WITHIN = 20
"""Titles may stand above the header, but not more rows than this."""
_SAMPLE_ROWS = 500


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """A sheet ready to be read. `columns`: field → index of its cell; `converters`: index → old letters to Unicode."""

    mapping: SourceMapping
    kind: str
    sheet: Sheet
    header_row: int
    headers: tuple[str, ...]
    columns: Mapping[str, int]
    expect: Mapping[int, frozenset[str]]
    converters: Mapping[int, Callable[[str], str]]
    notes: tuple[Message, ...]

    def rows(self) -> Rows:
        """Data rows below the header, in Unicode, without blank ones."""
        for number, cells in self.sheet.rows():
            if number > self.header_row and any(cell != "" for cell in cells):
                yield number, self._converted(cells)

    def _converted(self, cells: Sequence[Cell]) -> Sequence[Cell]:
        if not self.converters:
            return cells
        changed = list(cells)
        for index, convert in self.converters.items():
            if index < len(changed) and isinstance(text := changed[index], str):
                changed[index] = convert(text)
        return changed


class _Header(NamedTuple):
    sheet: Sheet
    row: int
    texts: tuple[str, ...]
    keys: tuple[str, ...]


def recognise(opened: OpenedFile, mappings: Sequence[SourceMapping]) -> Recognised:
    """The sheet and mapping that agree on most columns. Raises Unreadable naming what is missing."""
    headers = [header for sheet in opened.sheets for header in _headers(sheet, mappings)]
    complete = [
        (header, mapping) for header in headers for mapping in mappings if not _missing(header, mapping)
    ]
    if not complete:
        raise Unreadable(_explain(opened, headers, mappings))
    header, mapping = max(complete, key=lambda x: (_known(x[0], x[1]), len(x[1].required_columns)))
    _refuse_twins(header, mapping)
    converters, notes = _converters(header)
    columns = {
        mapping.field_by_header[key]: i for i, key in enumerate(header.keys) if key in mapping.field_by_header
    }
    expected = {header_key(column): values for column, values in mapping.expect.items()}
    return Recognised(
        mapping=mapping,
        kind=opened.kind,
        sheet=header.sheet,
        header_row=header.row,
        headers=header.texts,
        columns=columns,
        expect={i: expected[key] for i, key in enumerate(header.keys) if key in expected},
        converters=converters,
        notes=(*opened.notes, *notes, *_unknown(header, mapping)),
    )


def _headers(sheet: Sheet, mappings: Sequence[SourceMapping]) -> Iterable[_Header]:
    """The first rows of `sheet` that could be a header: at least two texts some mapping knows, or the first row."""
    known = frozenset[str]().union(*(mapping.known_headers for mapping in mappings))
    first = True
    for number, cells in islice(sheet.rows(), HEADER_WITHIN):
        texts = tuple(unicodedata.normalize("NFC", " ".join(str(cell).split())) for cell in cells)
        while texts and not texts[-1]:
            texts = texts[:-1]
        if not texts:
            continue
        keys = tuple(_key(text, known) for text in texts)
        if first or len(known.intersection(keys)) >= 2:
            yield _Header(sheet, number, texts, keys)
        first = False


def _key(text: str, known: frozenset[str]) -> str:
    if text.isascii():
        return header_key(text)
    readings = [text, *(convert(text) for convert in legacy_text.TABLES.values())]
    keys = [header_key(reading) for reading in readings]
    return next((key for key in keys if key in known), keys[0])


def _missing(header: _Header, mapping: SourceMapping) -> list[str]:
    present = {mapping.field_by_header.get(key) for key in header.keys}
    return [field for field in mapping.required_columns if field not in present]


def _known(header: _Header, mapping: SourceMapping) -> int:
    return sum(key in mapping.known_headers for key in header.keys)


def _explain(opened: OpenedFile, headers: Sequence[_Header], mappings: Sequence[SourceMapping]) -> Message:
    if not headers:
        return Message("Tệp không có dòng nào. Hãy xuất lại từ phần mềm gốc rồi gửi lại.")
    header, mapping = max(
        ((h, m) for h in headers for m in mappings),
        key=lambda x: (_known(x[0], x[1]), -len(_missing(x[0], x[1]))),
    )
    if _known(header, mapping) < 2:
        return Message(
            "Không nhận ra tệp này thuộc nguồn nào: không thấy dòng tiêu đề quen thuộc trong {rows} dòng đầu. "
            "Các nguồn đã khai báo: {sources}. Hãy giữ nguyên dòng tiêu đề của biểu mẫu, hoặc khai báo nguồn "
            "mới trong surveillance/sources.",
            rows=HEADER_WITHIN,
            sources="; ".join(m.title for m in mappings),
        )
    wanted = "; ".join(" / ".join(mapping.columns[field]) for field in _missing(header, mapping))
    return Message(
        "Thiếu cột bắt buộc của nguồn “{source}”. Mỗi cột thiếu dùng được một trong các tên: {wanted}. Hãy thêm cột "
        "(dòng tiêu đề {row}) rồi gửi lại.",
        source=mapping.title,
        wanted=wanted,
        row=header.row,
    )


def _refuse_twins(header: _Header, mapping: SourceMapping) -> None:
    seen: dict[str, str] = {}
    for text, key in zip(header.texts, header.keys, strict=True):
        field = mapping.field_by_header.get(key)
        if field in seen:
            raise Unreadable(
                Message(
                    "Hai cột “{one}” và “{other}” cùng nghĩa; không biết lấy cột nào. Hãy xóa hoặc đổi tên một cột.",
                    one=seen[field],
                    other=text,
                )
            )
        if field:
            seen[field] = text


def _unknown(header: _Header, mapping: SourceMapping) -> Iterable[Message]:
    strange = [
        t for t, k in zip(header.texts, header.keys, strict=True) if t and k not in mapping.known_headers
    ]
    if strange:
        yield Message("Cột lạ, không đọc: {columns}.", columns=", ".join(strange)[:500])


def _converters(header: _Header) -> tuple[dict[int, Callable[[str], str]], tuple[Message, ...]]:
    """Old letters, judged column by column: one file may mix fonts. Raises Unreadable when it is unclear."""
    samples: dict[int, list[str]] = {}
    for _, cells in islice(header.sheet.rows(), header.row + _SAMPLE_ROWS):
        for index, cell in enumerate(cells):
            if isinstance(cell, str) and not cell.isascii():
                samples.setdefault(index, []).append(cell)
    whole = legacy_text.judge(text for texts in samples.values() for text in texts)
    verdicts = {index: legacy_text.judge(texts, likely=whole.name) for index, texts in samples.items()}
    if not all(verdict.certain for verdict in verdicts.values()):
        raise Unreadable(unknown_letters())
    names = sorted({verdict.name for verdict in verdicts.values() if verdict.convert})
    notes = tuple(Message("Bảng mã {name}, đã chuyển sang Unicode.", name=name) for name in names)
    return {index: verdict.convert for index, verdict in verdicts.items() if verdict.convert}, notes
