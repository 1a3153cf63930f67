"""Small files in HCDC's layout with simulated people, and an inbox to drop them into."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import xlsxwriter
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from db import session_scope
from surveillance import pipeline, runs
from surveillance.models import CaseVersion, SourceFile
from tests.emptying import truncate

NOW = datetime(2025, 12, 1, 3, tzinfo=UTC)
HEADERS = [
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
]
ROW: dict[str, Any] = {
    "BV": "BV001",
    "ICD": "A91",
    "T_BENH": "SOT XUAT HUYET",
    "SHS": "SIM-0001",
    "HO TEN": "NGUYEN VAN MAU",
    "PHAI": "T",
    "TUOI": 30,
    "DIA CHI": "12 LE LOI",
    "QH": "QUAN 1",
    "PX": "PHUONG BEN NGHE",
    "NG_NV": "03/11/2025",
    "NG_BC": "04/11/2025",
    "Tuan BC": 99,
}


def person(number: int, **changes: Any) -> dict[str, Any]:
    """A row of simulated person `number`: own name, own file number."""
    letters = "".join(chr(ord("A") + int(digit)) for digit in str(number))
    return {**ROW, "SHS": f"SIM-{number:04d}", "HO TEN": f"NGUYEN MAU {letters}", **changes}


def columns(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments as column names: NG_BC stays, HO_TEN → 'HO TEN'."""
    return {name if name in HEADERS else name.replace("_", " "): value for name, value in keywords.items()}


def write_xlsx(path: Path, rows: Sequence[Mapping[str, Any]], headers: Sequence[str] = HEADERS) -> Path:
    with xlsxwriter.Workbook(path, {"strings_to_urls": False, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("SXH")
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, headers)
        for number, row in enumerate(rows, start=1):
            for column, header in enumerate(headers):
                value = row.get(header, "")
                if isinstance(value, datetime):
                    sheet.write_datetime(number, column, value, day)
                else:
                    sheet.write(number, column, value)
    return path


def csv_text(
    rows: Sequence[Mapping[str, Any]], headers: Sequence[str] = HEADERS, *, delimiter: str = ","
) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(headers)
    writer.writerows([row.get(header, "") for header in headers] for row in rows)
    return out.getvalue()


@dataclass(frozen=True)
class Desk:
    """One deployment as a test sees it: drop files, collect, look."""

    engine: Engine
    context: pipeline.Context

    @property
    def inbox(self) -> Path:
        return self.context.settings.inbox

    @property
    def aside(self) -> Path:
        return self.context.settings.set_aside

    def drop(self, name: str, content: bytes | str | Sequence[Mapping[str, Any]]) -> Path:
        """Put a file into the inbox that has been complete for a while."""
        self.inbox.mkdir(parents=True, exist_ok=True)
        path = self.inbox / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            write_xlsx(path, content)
        os.utime(path, (1_700_000_000, 1_700_000_000))
        return path

    def collect(self, now: datetime = NOW) -> list[runs.RunSummary]:
        run_ids = pipeline.collect(self.engine, self.context, now)
        with session_scope(self.engine) as session:
            details = [runs.run_detail(session, run_id) for run_id in run_ids]
        return [detail for detail in details if detail]

    def take(
        self, content: bytes | str | Sequence[Mapping[str, Any]], *, name: str = "f.xlsx", now: datetime = NOW
    ) -> runs.RunSummary:
        """Drop one file and collect it; it must be read."""
        self.drop(name, content)
        (run,) = self.collect(now)
        return run

    def refuse(self, content: bytes | str | Sequence[Mapping[str, Any]], *, name: str = "f.xlsx") -> str:
        """Drop one file that must be set aside; the reason in Vietnamese."""
        self.drop(name, content)
        assert self.collect() == []
        assert not (self.inbox / name).exists()
        assert (self.aside / name).exists()
        with session_scope(self.engine) as session:
            (file,) = runs.set_aside_files(session)
        assert file.reason is not None
        return file.reason.render("vi")

    def versions(self, *, current: bool = True) -> list[CaseVersion]:
        query = select(CaseVersion).order_by(CaseVersion.case_id, CaseVersion.known_from)
        if current:
            query = query.where(CaseVersion.known_to.is_(None))
        with Session(self.engine, expire_on_commit=False) as session:
            return list(session.scalars(query))

    def rejected(self, run: runs.RunSummary) -> list[runs.QuarantinedRow]:
        with session_scope(self.engine) as session:
            return runs.rejected_rows(session, run.id, 100, 0)

    def states(self) -> list[str]:
        with session_scope(self.engine) as session:
            return list(session.scalars(select(SourceFile.state).order_by(SourceFile.id)))

    def census(self) -> list[tuple[Any, ...]]:
        """Everything ingestion writes, without the ids sequences gave: equal before and after means nothing changed."""
        query = text(
            "SELECT v.disease, v.event_date, v.date_report, v.treatment, v.sex, v.age_years, v.facility, v.unit_id,"
            " v.known_from, v.known_to, r.row, r.facts::text, encode(r.content_hash, 'hex')"
            " FROM case_version v JOIN case_report r ON r.id = v.report_id ORDER BY 13, 9, 11"
        )
        with session_scope(self.engine) as session:
            return [tuple(row) for row in session.execute(query)]

    def clock(self, known: Literal["now", "report"]) -> Desk:
        return Desk(self.engine, replace(self.context, known=known))

    def limited(self, megabytes: int) -> Desk:
        settings = replace(self.context.settings, max_file_mb=megabytes)
        return Desk(self.engine, replace(self.context, settings=settings))

    def empty(self) -> None:
        """Forget every file and case; places stay."""
        truncate(
            self.engine,
            "source_file, ingest_run, rejected_row, epi_case, case_key, case_report, case_version, street_lesson",
        )
        for folder in (self.inbox, self.aside):
            for path in folder.glob("*") if folder.exists() else ():
                path.unlink()
