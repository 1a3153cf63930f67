"""Counts and masked line lists as XLSX and CSV. A line list here names no one: no identifier leaves the database."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xlsxwriter
from sqlalchemy.orm import Session

from alerts.levels import Level, name
from alerts.lifecycle import status_name
from alerts.views import levels_at
from geodata.places import Place, communes_today, places_on
from geodata.releases import find_release
from i18n import Message, _, current_locale, show_datetime
from surveillance.cases import CaseLine, line_list
from surveillance.counts import counts_by_unit
from surveillance.diseases import load_catalogue
from surveillance.release_counts import counts_on_release

if TYPE_CHECKING:
    from reports.service import Task

Row = Sequence[Any]


def write_counts(session: Session, task: Task) -> Sequence[str]:
    """One row per unit and disease: of the communes of today those with a case in the period or a level above Thấp; of
    an older boundary release those with a case, then what lies outside of it, so that the rows add up."""
    header = [_("Mã"), _("Xã, phường"), _("Bệnh"), _("Số ca"), _("Trong đó ước tính"), _("Ranh giới từ")]
    if task.release is None:
        header += [_("Mức nguy cơ"), _("Theo Thông tư 15/2026")]
        rows = list(_count_rows(session, task))
    else:
        header.insert(2, _("Quận, huyện"))
        rows = list(_release_rows(session, task, task.release))
    return _write_both(task, "so-ca", header, rows, len(rows))


def write_line_list(session: Session, task: Task) -> Sequence[str]:
    """One row per case by event date, without identifiers; age in groups of five years (domain.md §7)."""
    header = [_("Mã ca"), _("Bệnh"), _("ICD-10"), _("Phân loại"), _("Điều trị"), _("Giới"), _("Nhóm tuổi")]
    header += [
        _("Ngày mắc bệnh"),
        _("Ngày nhập viện"),
        _("Ngày báo cáo"),
        _("Mã xã"),
        _("Xã, phường"),
        _("Vị trí đến"),
    ]
    task.progress(10, Message("Đang lấy danh sách ca"))
    cases = line_list(
        session, disease=task.disease, start=task.period.start, end=task.period.end, as_of=task.as_of
    )
    names = {place.id: place for place in communes_today(session)}
    rows = [_case_row(case, names) for case in cases]
    return _write_both(task, "danh-sach-ca", header, rows, len(rows))


def _count_rows(session: Session, task: Task) -> Iterator[Row]:
    places = communes_today(session)
    today = find_release(session, None)
    for code, title in _diseases(task):
        chosen: dict[str, Any] = {
            "disease": code,
            "start": task.period.start,
            "end": task.period.end,
            "as_of": task.as_of,
        }
        counts = counts_by_unit(session, **chosen)
        estimated = counts_by_unit(session, **chosen, estimated=True)
        levels = levels_at(session, disease=code, as_of=task.as_of)
        for place in places:
            cases, view = counts.get(place.id, 0), levels.get(place.id)
            if cases or (view and (view.unknown or view.level > Level.THAP)):
                level = name("unknown" if view is None or view.unknown else Level(view.level))
                status = str(status_name(view.status)) if view else ""
                basis = estimated.get(place.id, 0), today.on if today else ""
                yield place.code, place.name, title, cases, *basis, str(level), status


def _release_rows(session: Session, task: Task, release: date) -> Iterator[Row]:
    places = {place.id: place for place in places_on(session, release)}
    period = (task.period.start, task.period.end)
    for code, title in _diseases(task):
        counts = counts_on_release(session, release, disease=code, periods=[period], as_of=task.as_of)
        estimated = counts.estimated_by_unit(0)
        for unit, cases in counts.by_unit(0).items():
            place = places[unit]
            yield place.code, place.name, place.parent or "", title, cases, estimated.get(unit, 0), release
        for label, cases in (
            (_("Ngoài ranh giới này"), counts.outside[0]),
            (_("Chưa rõ xã, phường"), counts.unplaced[0]),
        ):
            if cases:
                yield "", label, "", title, float(cases), 0, release


def _diseases(task: Task) -> Iterator[tuple[str, str]]:
    """Code and name of each, with the progress told."""
    catalogue = load_catalogue()
    codes = (task.disease,) if task.disease else task.settings.deployment.diseases
    for done, code in enumerate(codes):
        task.progress(round(80 * done / len(codes)), Message("Đang đếm số ca"))
        disease = catalogue[code]
        yield code, disease.name_en if current_locale() == "en" else disease.name_vi


def _case_row(case: CaseLine, names: Mapping[int, Place]) -> Row:
    place = names.get(case.unit_id) if case.unit_id is not None else None
    return (
        case.case_id,
        case.disease,
        case.icd10 or "",
        case.classification,
        case.treatment or "",
        case.sex or "",
        _age_group(case.age_years),
        case.event_date,
        case.date_admission or "",
        case.date_report,
        place.code if place else "",
        place.name if place else _("chưa rõ"),
        case.place_level,
    )


def _age_group(age: int | None) -> str:
    if age is None:
        return ""
    first = min(age // 5 * 5, 85)
    return "85+" if first == 85 else f"{first}–{first + 4}"


def _write_both(task: Task, stem: str, header: Row, rows: Iterable[Row], count: int) -> Sequence[str]:
    task.progress(90, Message("Đang ghi {count} dòng", count=count))
    base = f"{stem}-{task.period.start:%Y-%m-%d}-{task.period.end:%Y-%m-%d}"
    kept = list(rows)
    write_csv(task.folder / f"{base}.csv", header, kept)
    write_xlsx(task.folder / f"{base}.xlsx", header, kept, _about(task))
    return [f"{base}.xlsx", f"{base}.csv"]


def _about(task: Task) -> list[str]:
    until = show_datetime(task.as_of.astimezone(task.settings.deployment.timezone))
    lines = [
        _("Kỳ: {start} đến {end}", start=task.period.start, end=task.period.end),
        _("Dữ liệu đến {until}", until=until),
        _("Số ca đã báo cáo, tính theo ngày mắc bệnh; nếu không có thì ngày nhập viện, rồi ngày báo cáo."),
    ]
    if task.release is not None:
        lines += [
            _("Đếm theo ranh giới có từ {day}.", day=task.release),
            _(
                "Ca có tọa độ chính xác được đếm theo tọa độ; ca khác ở đơn vị đã chia tách được chia theo tỷ lệ "
                "dân số (cột “Trong đó ước tính”)."
            ),
        ]
    return lines


def write_csv(path: Path, header: Row, rows: Sequence[Row]) -> None:
    """UTF-8 with a mark, so that Excel shows Vietnamese letters."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(chain([header], ([_safe(cell) for cell in row] for row in rows)))


def _safe(cell: Any) -> Any:
    """Text that a spreadsheet would run as a formula is kept as text."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell


def write_xlsx(path: Path, header: Row, rows: Sequence[Row], about: Sequence[str]) -> None:
    options = {"constant_memory": True, "default_date_format": "dd/mm/yyyy", "strings_to_formulas": False}
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet(_("Dữ liệu"))
        bold = book.add_format({"bold": True, "bottom": 1})
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(header) - 1, 18)
        sheet.write_row(0, 0, header, bold)
        for number, row in enumerate(rows, start=1):
            sheet.write_row(number, 0, row)
        notes = book.add_worksheet(_("Ghi chú"))
        notes.set_column(0, 0, 100)
        notes.write_column(0, 0, about)
