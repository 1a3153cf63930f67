"""One cell → one value, or the reason why not. Reasons never repeat the cell: it may hold a person's name."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime

from geodata.text import fold
from i18n import Message
from surveillance.sources.reader import Cell

EARLIEST = date(1990, 1, 1)
MAX_AGE = 120
MAX_UNCERTAINTY_M = 1000
_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})")
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_TIME = re.compile(
    r"(?:[T ]\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[AaPp][Mm]|[SC]H|Z|[+-]\d{2}:?\d{2})?)?"
)
_MONTHS = re.compile(r"(\d{1,3})\s*(?:thang|thg|th)\.?(?:\s*tuoi)?")
_YEARS = re.compile(r"(\d{1,3})(?:[.,]0+)?(?:\s*(?:tuoi|t))?")
_ERRORS = ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!")


class BadValue(ValueError):
    """Why a cell cannot be taken."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.msgid)
        self.message = message


def text_of(cell: Cell) -> str:
    """The cell as one line of NFC text without control signs. Raises BadValue for formulas left as text."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if not isinstance(cell, str):
        return str(cell)
    text = cell.strip()
    if text[:1] in ("=", "#") and (text[0] == "=" or text in _ERRORS):
        raise BadValue(
            Message(
                "Ô chứa công thức hoặc lỗi công thức thay vì giá trị. Hãy chép và dán dạng giá trị rồi gửi lại."
            )
        )
    if text.isascii() and text.isprintable() and "  " not in text:
        return text
    kept = "".join(c if c.isspace() or unicodedata.category(c)[0] != "C" else "" for c in text)
    return unicodedata.normalize("NFC", " ".join(kept.split()))


def date_of(cell: Cell, orders: tuple[str, ...], today: date) -> date:
    """A day between 1990 and `today`, from a date cell or text in one of `orders` ("DMY", "YMD")."""
    if isinstance(cell, datetime):
        day = cell.date()
    elif isinstance(cell, date):
        day = cell
    elif isinstance(cell, str):
        day = _date_of_text(text_of(cell), orders)
    else:
        raise BadValue(
            Message("Ô này là số, không phải ngày. Hãy định dạng cột là ngày (DD/MM/YYYY) rồi gửi lại.")
        )
    if day > today:
        raise BadValue(Message("Ngày {day} ở tương lai. Hãy kiểm tra lại ngày, tháng, năm.", day=day))
    if day < EARLIEST:
        raise BadValue(Message("Ngày {day} trước năm 1990. Hãy kiểm tra lại năm.", day=day))
    return day


def _date_of_text(text: str, orders: tuple[str, ...]) -> date:
    for order in orders:
        found = (_DAY_FIRST if order == "DMY" else _YEAR_FIRST).match(text)
        if found and _TIME.fullmatch(text, found.end()):
            parts = found.groups() if order == "YMD" else found.groups()[::-1]
            year, month, day = map(int, parts)
            try:
                return date(year if year > 99 else _century(year), month, day)
            except ValueError:
                break
    shapes = {"DMY": "DD/MM/YYYY", "YMD": "YYYY-MM-DD"}
    raise BadValue(
        Message(
            "Không phải ngày có thật theo dạng {shapes}. Hãy viết ngày trước tháng, ví dụ {example}.",
            shapes=", ".join(shapes[order] for order in orders),
            example="31/12/2025" if orders[0] == "DMY" else "2025-12-31",
        )
    )


def _century(year: int) -> int:
    return 2000 + year if year < 70 else 1900 + year


def age_of(cell: Cell) -> int:
    """Full years, 0 to 120; '18 tháng' is 1."""
    text = fold(text_of(cell)) if isinstance(cell, str) else text_of(cell)
    if months := _MONTHS.fullmatch(text):
        return int(months[1]) // 12
    years = _YEARS.fullmatch(text)
    if years is None or int(years[1]) > MAX_AGE:
        raise BadValue(
            Message(
                "Tuổi phải là số nguyên từ 0 đến {most} (hoặc “18 tháng”), không phải năm sinh.", most=MAX_AGE
            )
        )
    return int(years[1])


def word_of(cell: Cell, words: Mapping[str, str]) -> str | None:
    """Our value for a text of the source's own list; None where the list says it means unknown."""
    folded = fold(text_of(cell))
    if folded not in words:
        raise BadValue(
            Message(
                "Giá trị không có trong danh mục của cột. Các giá trị dùng được: {allowed}.",
                allowed=", ".join(words),
            )
        )
    return words[folded] or None


def coordinate_of(cell: Cell, limit: float) -> float:
    """Degrees between -limit and limit."""
    try:
        degrees = float(cell) if isinstance(cell, float | int) else float(text_of(cell))
    except ValueError:
        degrees = math.nan
    if not abs(degrees) <= limit:
        raise BadValue(
            Message("Tọa độ phải là độ thập phân trong khoảng ±{limit}, ví dụ 106.7000.", limit=limit)
        )
    return degrees


def uncertainty_of(cell: Cell) -> float:
    """Metres, above 0 and at most 1000: what is known no better than that is no point."""
    try:
        metres = float(cell) if isinstance(cell, float | int) else float(text_of(cell))
    except ValueError:
        metres = math.nan
    if not 0 < metres <= MAX_UNCERTAINTY_M:
        raise BadValue(
            Message("Sai số tọa độ phải là số mét, lớn hơn 0 và không quá {most}.", most=MAX_UNCERTAINTY_M)
        )
    return metres
