"""CSV files as the plain-file commands take and give them: no database, clear words when something is wrong."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from i18n import Message, MessageError

Row = Mapping[str, str]
MISSING = ("", "NA", "NaN", "nan")


class PlainFileError(MessageError, ValueError):
    """A file that cannot be worked with; `str()` says in the reader's language what, where and how to mend it."""


def read_text(path: Path) -> tuple[str, bool]:
    """The text of a file, and whether it was in Unicode: UTF-8, or UTF-16 where its mark says so; else Windows-1252 is
    taken, which older programs write. Letters are composed (NFC): “ộ” is “ộ” however it was typed. Raises
    PlainFileError."""
    try:
        raw = path.read_bytes()
        wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
        text, unicode = raw.decode("utf-16" if wide else "utf-8-sig"), True
    except FileNotFoundError as error:
        raise PlainFileError(Message("Không tìm thấy tệp {file}.", file=path.name)) from error
    except OSError as error:
        raise PlainFileError(Message("Không đọc được tệp {file}.", file=path.name)) from error
    except UnicodeDecodeError:
        text, unicode = raw.decode("cp1252", errors="replace"), False
    if "\0" in text or "\ufffd" in text:
        raise PlainFileError(
            Message("Tệp {file} không phải tệp chữ. Hãy lưu lại dạng văn bản, mã UTF-8.", file=path.name)
        )
    return unicodedata.normalize("NFC", text), unicode


def read_rows(path: Path, needed: Sequence[str] = ()) -> list[dict[str, str]]:
    """Rows by column name, blanks stripped. Raises PlainFileError for a file that cannot be read, is empty or
    lacks a column."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            columns = [name.strip() for name in reader.fieldnames or []]
            rows = [{k.strip(): (v or "").strip() for k, v in row.items() if k is not None} for row in reader]
    except FileNotFoundError as error:
        raise PlainFileError(Message("Không tìm thấy tệp {file}.", file=path.name)) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PlainFileError(Message("Không đọc được tệp {file}.", file=path.name)) from error
    for name in needed:
        if name not in columns:
            raise PlainFileError(
                Message("Tệp {file} thiếu cột {column}. Hãy thêm cột này.", file=path.name, column=name)
            )
    if not rows:
        raise PlainFileError(Message("Tệp {file} không có dòng số liệu nào.", file=path.name))
    return rows


def number(text: str, *, path: Path, line: int, column: str) -> float:
    """A number, NaN where the cell says missing."""
    if text in MISSING:
        return float("nan")
    try:
        return float(text)
    except ValueError as error:
        raise PlainFileError(
            Message(
                "Tệp {file}, dòng {row}, cột {column}: cần một số, đang ghi “{value}”.",
                file=path.name, row=line, column=column, value=text,
            )
        ) from error  # fmt: skip


def whole(text: str, *, path: Path, line: int, column: str) -> int:
    value = number(text, path=path, line=line, column=column)
    if value != value or value != int(value):
        raise PlainFileError(
            Message(
                "Tệp {file}, dòng {row}, cột {column}: cần một số nguyên, đang ghi “{value}”.",
                file=path.name, row=line, column=column, value=text,
            )
        )  # fmt: skip
    return int(value)


def day(text: str, *, path: Path, line: int, column: str) -> date | None:
    """A date YYYY-MM-DD, None where the cell says missing."""
    if text in MISSING:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise PlainFileError(
            Message(
                "Tệp {file}, dòng {row}, cột {column}: cần ngày dạng năm-tháng-ngày (2026-03-31), "
                "đang ghi “{value}”.",
                file=path.name, row=line, column=column, value=text,
            )
        ) from error  # fmt: skip


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a CSV with numbers to 15 digits and NA for what is not known; returns the rows written.

    The file appears when it is complete: an error while `rows` are made leaves none, and an earlier one untouched.
    """
    lines = [[_cell(value) for value in row] for row in rows]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *lines])
    return len(lines)


def _cell(value: object) -> str:
    if value is None:
        return "NA"
    if isinstance(value, float):
        return "NA" if value != value else f"{value:.15g}"
    return str(value)
