"""The register of duties as XLSX and CSV, with all its times, for whoever answers for the deadlines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alerts.duties import DutyState
from alerts.duty_views import NAMES, STATES, DutyView
from i18n import _, current_locale, show_datetime
from reports.tables import write_csv, write_xlsx
from surveillance.diseases import load_catalogue


def register_file(duties: Sequence[DutyView], extension: str, *, now: datetime) -> bytes:
    """`extension`: "xlsx" or "csv". `now` is the moment on show."""
    header = [
        _("Số"), _("Việc"), _("Xã, phường"), _("Bệnh"), _("Đủ tiêu chí lúc"), _("Hạn chót"), _("Tình trạng"),
        _("Làm xong lúc"), _("Ghi vào lúc"), _("Người ghi"), _("Số văn bản"), _("Đúng hạn"), _("Tính vào tỷ lệ"),
        _("Số giờ từ khi đủ tiêu chí"), _("Lý do"), _("Căn cứ"), _("Bộ quy tắc"),
    ]  # fmt: skip
    rows = list(_rows(duties, now))
    with TemporaryDirectory(prefix="canhdich-duties-") as name:
        path = Path(name) / f"register.{extension}"
        if extension == "csv":
            write_csv(path, header, rows)
        else:
            write_xlsx(path, header, rows, [_("Sổ việc theo luật, lập lúc {at}", at=show_datetime(now))])
        return path.read_bytes()


def _rows(duties: Sequence[DutyView], now: datetime) -> Iterator[list[Any]]:
    catalogue = load_catalogue()
    for duty in duties:
        disease = catalogue[duty.disease]
        done_at = duty.settled_at if duty.state is DutyState.DONE else None
        counted = duty.counted(now)
        yield [
            duty.id, str(NAMES[duty.kind]), duty.unit_name,
            disease.name_en if current_locale() == "en" else disease.name_vi,
            _at(duty.met_at), _at(duty.due_at), str(STATES[duty.state]), _at(done_at), _at(duty.recorded_at),
            duty.settled_by or "", duty.document or "",
            ("" if not counted else _("không") if duty.late(now) else _("có")), _("có") if counted else _("không"),
            round((done_at - duty.met_at).total_seconds() / 3600, 1) if done_at else "",
            str(duty.why) if duty.why else duty.note or "", _(duty.law),
            f"{duty.policy_version} {duty.policy_hash[:12]}",
        ]  # fmt: skip


def _at(moment: datetime | None) -> str:
    return show_datetime(moment) if moment else ""
