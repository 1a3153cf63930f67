"""Writes what wards found as `DIEU_TRA_YYYY-MM-DD.xlsx`, our own template (docs/sources.md; read by
`sources/hcdc_investigation.toml`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from surveillance.hcdc_layout import TREATMENT_WORDS
from surveillance.simulate import Epidemic

PREFIX = "DIEU_TRA"
COLUMNS = (
    "BV",
    "SHS",
    "NG_BC",
    "XACMINH",
    "NG_KP",
    "VĨ ĐỘ",
    "KINH ĐỘ",
    "SAI SỐ (M)",
    "PX",
    "Hình thức điều trị",
    "Kết luận chẩn đoán",
    "Kết quả điều trị",
    "Ngày ra viện/chuyển viện/tử vong",
)
RESULT_WORDS = {"died": "Tử vong"}
CONCLUSION_WORDS = {"suspected": "Nghi ngờ", "confirmed": "Xác định", "discarded": "Loại trừ"}


def write_investigations(
    epidemic: Epidemic, first: date, until: date, folder: Path, *, period: str
) -> list[Path]:
    """The forms of `first` and later, before `until`, as `DIEU_TRA_<period>.xlsx`; no file without any."""
    day = epidemic.investigations["date_report"]
    chosen = epidemic.investigations[(day >= pd.Timestamp(first)) & (day < pd.Timestamp(until))]
    if chosen.empty:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{PREFIX}_{period}.xlsx"
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet(PREFIX)
        for column, header in enumerate(COLUMNS):
            sheet.write_string(0, column, header)
        for number, values in enumerate(_rows(chosen), start=1):
            for column, value in enumerate(values):
                if isinstance(value, int | float):
                    sheet.write_number(number, column, value)
                elif value:
                    sheet.write_string(number, column, value)
    return [path]


def write_day(epidemic: Epidemic, day: date, folder: Path) -> list[Path]:
    return write_investigations(epidemic, day, day + timedelta(days=1), folder, period=f"{day:%Y-%m-%d}")


def write_month(epidemic: Epidemic, month: date, folder: Path, *, until: date | None = None) -> list[Path]:
    """The forms of the month that holds `month`, without those of `until` and later."""
    first = month.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    last = min(following, until or following)
    return write_investigations(epidemic, first, last, folder, period=f"{first:%Y-%m}")


def reading_order(path: Path) -> tuple[str, bool, str]:
    """Of the files of a simulated past: month by month, then day by day, and in each the hospitals' lists before what
    wards found of their cases."""
    return path.stem.rpartition("_")[2], path.name.startswith(PREFIX), path.name


def _rows(forms: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    points = [[None if pd.isna(x) else x for x in forms[name]] for name in ("lat", "lon", "uncertainty_m")]
    return zip(
        forms["facility"],
        forms["file_no"],
        _days(forms["date_report"]),
        forms["outcome"].tolist(),
        _days(forms["date_onset"]),
        *points,
        forms["commune"],
        forms["treatment"].map(TREATMENT_WORDS).fillna(""),
        forms["conclusion"].map(CONCLUSION_WORDS).fillna(""),
        forms["result"].map(RESULT_WORDS).fillna(""),
        _days(forms["ended"]),
        strict=True,
    )


def _days(days: pd.Series) -> Iterator[str]:
    return ("" if pd.isna(day) else f"{day:%d/%m/%Y}" for day in days)
