"""Writes reports as HCDC's own files (domain.md §1.4): `MAU_SXH` for dengue, `MAU_DICHBENH` for the rest.

Column headers and their order are those of the real files. Text is capitals without accents, dates are text
DD/MM/YYYY, and year, month and week are derived, the week as HCDC numbered it (ISO + 1 in 2022). The layouts
have no onset date; `MAU_SXH` has no treatment either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from surveillance.epiweek import hcdc_week_number
from surveillance.simulate import Epidemic

COLUMNS = (
    "BV",
    "ICD",
    "T_BENH",
    "SHS",
    "HO TEN",
    "PHAI",
    "TUOI",
    "DIA CHI",
    "NGHE NGHIEP",
    "ME",
    "DT",
    "QH",
    "PX",
    "NG_NV",
    "NG_BC",
    "Nam NV",
    "Thang NV",
    "Tuan NV",
    "Nam BC",
    "Thang BC",
    "Tuan BC",
)
TREATMENT_COLUMN = "Hình thức điều trị"
TREATMENT_WORDS = {"inpatient": "Nội trú", "outpatient": "Ngoại trú"}

_TEXT_FIELDS = (
    "facility",
    "icd10",
    "source_name",
    "file_no",
    "name",
    "sex",
    "age_years",
    "address",
    "occupation",
    "guardian",
    "phone",
    "district",
    "commune",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One of HCDC's two line lists: the start of its file names, its sheet and its columns."""

    prefix: str
    sheet: str
    columns: tuple[str, ...]


DENGUE = Layout(prefix="SXH", sheet="SXH", columns=COLUMNS)
OTHERS = Layout(prefix="DICHBENH", sheet="TC-ZIKA", columns=(*COLUMNS, TREATMENT_COLUMN))


def write_day(epidemic: Epidemic, day: date, folder: Path) -> list[Path]:
    """The files of the reports HCDC got on `day` (NG_BC): `SXH_2026-10-01.xlsx`, `DICHBENH_2026-10-01.xlsx`.

    A layout without rows that day gives no file. Returns the paths written.
    """
    chosen = _received(epidemic, day, day + timedelta(days=1))
    return _write_both(chosen, f"{day:%Y-%m-%d}", folder)


def write_month(epidemic: Epidemic, month: date, folder: Path, *, until: date | None = None) -> list[Path]:
    """The same for all reports of the month that holds `month`, for bulk history: `SXH_2023-05.xlsx`.

    `until` leaves out the reports of that day and later.
    """
    first = month.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    chosen = _received(epidemic, first, min(following, until or following))
    return _write_both(chosen, f"{first:%Y-%m}", folder)


def _received(epidemic: Epidemic, first: date, until: date) -> pd.DataFrame:
    received = epidemic.reports["date_report"]
    return epidemic.reports[(received >= pd.Timestamp(first)) & (received < pd.Timestamp(until))]


def _write_both(reports: pd.DataFrame, period: str, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    dengue = reports["disease"] == "dengue"
    written = []
    for layout, rows in ((DENGUE, reports[dengue]), (OTHERS, reports[~dengue])):
        if len(rows):
            path = folder / f"{layout.prefix}_{period}.xlsx"
            write_file(rows, layout, path)
            written.append(path)
    return written


def write_file(reports: pd.DataFrame, layout: Layout, path: Path) -> None:
    """All of `reports` into one file of `layout`, row by row so that memory stays flat."""
    with xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet(layout.sheet)
        for column, header in enumerate(layout.columns):
            sheet.write_string(0, column, header)
        for number, values in enumerate(_rows(reports, layout), start=1):
            for column, value in enumerate(values):
                if isinstance(value, int):
                    sheet.write_number(number, column, value)
                elif value:
                    sheet.write_string(number, column, value)


def _rows(reports: pd.DataFrame, layout: Layout) -> Iterator[tuple[Any, ...]]:
    columns: list[list[Any]] = [reports[field].tolist() for field in _TEXT_FIELDS]
    admission, received = (_date_columns(reports[field]) for field in ("date_admission", "date_report"))
    columns += [admission[0], received[0], *admission[1:], *received[1:]]
    if TREATMENT_COLUMN in layout.columns:
        columns.append([TREATMENT_WORDS[word] for word in reports["treatment"]])
    return zip(*columns, strict=True)


def _date_columns(days: pd.Series) -> list[list[Any]]:
    """Text DD/MM/YYYY, year, month and HCDC's week number of each day."""
    known = {moment: _parts(moment.date()) for moment in days.unique()}
    parts = [known[moment] for moment in days]
    return [list(column) for column in zip(*parts, strict=True)]


def _parts(day: date) -> tuple[str, int, int, int]:
    return f"{day:%d/%m/%Y}", day.year, day.month, hcdc_week_number(day)
