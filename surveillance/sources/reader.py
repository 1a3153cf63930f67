"""Files as they come: what kind they really are (by content, not name), and their rows, or why they cannot be read.

A row is (number as a spreadsheet shows it, cells). Nothing here knows what the columns mean.
"""

from __future__ import annotations

import codecs
import csv
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, XmlError, ZipError

from i18n import Message, MessageError
from surveillance.sources import legacy_text

Cell = str | float | int | bool | date | datetime | time | timedelta
Rows = Iterator[tuple[int, Sequence[Cell]]]

MAX_CELLS = 25_000_000
"""Of one sheet, as a rectangle: Excel's 1,048,576 rows of 23 columns; calamine keeps the whole rectangle."""
MAX_INFLATION = 10
"""A workbook may unpack to so many times the size limit; real line lists unpack five- to eightfold."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CELL = re.compile(rb'<(?:\w+:)?c [^>]*?\br="([A-Z]{1,3})(\d{1,7})"')
_BLOCK = 1 << 20
_DELIMITERS = ",;\t|"


class Unreadable(MessageError):
    """A file that cannot be taken as it is: what is wrong, where, and how to mend it."""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """`rows()` starts anew at each call."""

    name: str
    rows: Callable[[], Rows]


@dataclass(frozen=True, kw_only=True)
class OpenedFile:
    kind: str
    sheets: tuple[Sheet, ...]
    notes: tuple[Message, ...] = ()


def open_file(path: Path, *, name: str, max_bytes: int) -> OpenedFile:
    """`name` is what the sender called it, for the notes. Raises Unreadable, OSError."""
    size = path.stat().st_size
    check_size(size, max_bytes)
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(_OLE):
        raise Unreadable(_refuse_ole(path))
    if head.startswith(b"PK"):
        return _open_workbook(path, name, max_bytes)
    return _open_text(path, name)


def check_size(size: int, max_bytes: int) -> None:
    """Raises Unreadable for an empty file, or one above the limit (which is then never opened)."""
    if size == 0:
        raise Unreadable(Message("Tệp rỗng (0 byte). Hãy xuất lại từ phần mềm gốc rồi gửi lại."))
    if size > max_bytes:
        raise Unreadable(
            Message(
                "Tệp lớn {size} MB, quá giới hạn {limit} MB. Hãy chia thành nhiều tệp theo tháng, hoặc nâng "
                "CANHDICH_MAX_FILE_MB.",
                size=round(size / 1e6, 1),
                limit=round(max_bytes / 1e6, 1),
            )
        )


def _refuse_ole(path: Path) -> Message:
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        return Message("Tệp Excel đặt mật khẩu, không đọc được. Hãy mở bằng Excel, bỏ mật khẩu rồi lưu lại.")
    return Message(
        "Tệp Excel kiểu cũ (.xls). Hãy mở bằng Excel và lưu lại dạng .xlsx (Save As → Excel Workbook)."
    )


def _open_workbook(path: Path, name: str, max_bytes: int) -> OpenedFile:
    _check_package(path, max_bytes)
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        parsed = lru_cache(maxsize=1)(workbook.get_sheet_by_name)
        sheets = tuple(Sheet(name=x, rows=partial(_sheet_rows, parsed, x)) for x in workbook.sheet_names)
    except PasswordError:
        raise Unreadable(
            Message("Tệp Excel đặt mật khẩu, không đọc được. Hãy mở bằng Excel, bỏ mật khẩu rồi lưu lại.")
        ) from None
    except (CalamineError, XmlError, ZipError) as error:
        raise _broken_workbook() from error
    notes = () if name.lower().endswith((".xlsx", ".xlsm")) else (_misnamed("Excel (.xlsx)"),)
    return OpenedFile(kind="xlsx", sheets=sheets, notes=notes)


def _sheet_rows(parsed: Callable[[str], CalamineSheet], sheet: str) -> Rows:
    try:
        yield from enumerate(parsed(sheet).iter_rows(), start=1)
    except (CalamineError, XmlError, ZipError) as error:
        raise _broken_workbook() from error


def _check_package(path: Path, max_bytes: int) -> None:
    """A complete ZIP that holds a workbook and unpacks to a bounded size, whatever its directory claims."""
    try:
        with zipfile.ZipFile(path) as package:
            names = set(package.namelist())
            if "xl/workbook.xml" not in names:
                raise Unreadable(
                    Message(
                        "Tệp nén này không phải Excel (.xlsx). Hãy giải nén và gửi từng tệp .xlsx hoặc .csv."
                    )
                )
            left = MAX_INFLATION * max_bytes
            for entry in package.infolist():
                left -= _measure(package, entry, left)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _broken_workbook() from error


def _measure(package: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> int:
    """Bytes that `entry` really unpacks to; sheets are measured as rectangles on the way.

    Raises Unreadable above `left` bytes or MAX_CELLS: calamine would fill memory with them.
    """
    is_sheet = entry.filename.startswith("xl/worksheets/") and entry.filename.endswith(".xml")
    size = height = 0
    columns: set[bytes] = set()
    tail = b""
    entry.file_size = max(entry.file_size, left + 2 * _BLOCK)  # zipfile would stop where the directory says
    with package.open(entry) as stream:
        while block := stream.read(_BLOCK):
            size += len(block)
            if size > left:
                raise Unreadable(
                    Message(
                        "Tệp Excel bung ra quá lớn so với giới hạn. Hãy xóa các trang thừa, hoặc chia nhỏ tệp."
                    )
                )
            if is_sheet:
                found = _CELL.findall(tail + block)
                columns.update(column for column, _ in found)
                height = max(height, *(int(row) for _, row in found)) if found else height
                tail = block[-200:]
    if height * max(map(_column_number, columns), default=0) > MAX_CELLS:
        raise Unreadable(
            Message(
                "Trang tính trải tới dòng {rows}, cột {column}: có ô lạc ở rất xa. Hãy chép vùng dữ liệu sang "
                "tệp mới rồi gửi lại.",
                rows=height,
                column=max(columns, key=_column_number).decode(),
            )
        )
    return size


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _broken_workbook() -> Unreadable:
    return Unreadable(
        Message("Tệp Excel bị hỏng hoặc bị cắt cụt khi truyền. Hãy mở thử bằng Excel, lưu lại rồi gửi lại.")
    )


def _misnamed(kind: str) -> Message:
    return Message(
        "Phần mở rộng của tên tệp không đúng; nội dung là {kind}, đã đọc theo nội dung.", kind=kind
    )


def _open_text(path: Path, name: str) -> OpenedFile:
    encoding, notes = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        head = file.read(1 << 16)
    if not head.strip():
        raise Unreadable(Message("Tệp không có chữ nào. Hãy xuất lại từ phần mềm gốc rồi gửi lại."))
    if "\x00" in head:
        raise Unreadable(
            Message(
                "Không nhận ra loại tệp: không phải Excel (.xlsx) cũng không phải CSV. Hãy lưu lại dạng .xlsx."
            )
        )
    delimiter = max(_DELIMITERS, key=head.split("\n", 1)[0].count)
    if not name.lower().endswith((".csv", ".txt", ".tsv")):
        notes = (*notes, _misnamed("CSV"))
    rows = partial(_text_rows, path, encoding, delimiter)
    return OpenedFile(kind="csv", sheets=(Sheet(name="", rows=rows),), notes=notes)


def _text_rows(path: Path, encoding: str, delimiter: str) -> Rows:
    number = 0
    try:
        with path.open(encoding=encoding, newline="") as file:
            for number, cells in enumerate(csv.reader(file, delimiter=delimiter), start=1):
                yield number, cells
    except csv.Error as error:
        raise Unreadable(
            Message(
                "Tệp CSV hỏng ở dòng {row}: có dấu ngoặc kép không đóng. Hãy sửa dòng đó, hoặc lưu lại dạng .xlsx.",
                row=number + 1,
            )
        ) from error


def _encoding(path: Path) -> tuple[str, tuple[Message, ...]]:
    with path.open("rb") as file:
        sample = file.read(1 << 16)
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", ()
    if sample[1:200:2].count(0) > 40:
        return "utf-16-le", ()
    if _decodes(path, "utf-8"):
        return "utf-8-sig", ()
    return _eight_bit_encoding(path)


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _eight_bit_encoding(path: Path) -> tuple[str, tuple[Message, ...]]:
    """Windows-1258 where that spells Vietnamese; Latin-1 where TCVN3 or VNI does (converted column by column)."""
    with path.open("rb") as file:
        lines = [line for line in islice(file, 2000) if not line.isascii()][:500]
    western = [_words(line.decode("latin-1")) for line in lines]
    old = legacy_text.judge(western)
    scores = {"latin-1": legacy_text.share_vietnamese(map(old.convert, western)) if old.convert else 0.0}
    if _decodes(path, "cp1258"):
        scores["cp1258"] = legacy_text.share_vietnamese(
            _words(line.decode("cp1258", "replace")) for line in lines
        )
    best = max(scores, key=lambda name: scores[name])
    if scores[best] < 0.8:
        raise Unreadable(unknown_letters())
    if best == "cp1258":
        return best, (Message("Bảng mã Windows-1258, đã chuyển sang Unicode."),)
    return best, ()


def unknown_letters() -> Message:
    return Message(
        "Chữ Việt viết bằng bảng mã cũ mà hệ thống không chắc là bảng mã nào (TCVN3, VNI hay khác). Hãy chuyển sang "
        "Unicode (UniKey: Ctrl+Shift+F6) và lưu lại dạng .xlsx hoặc CSV UTF-8."
    )


def _words(line: str) -> str:
    return re.sub(rf"[{re.escape(_DELIMITERS)}\"]", " ", line)
