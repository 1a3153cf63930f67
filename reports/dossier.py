"""The dossier of one outbreak as PDF: what is known of it, what was found, what was done. It names no patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from i18n import _, current_locale, show_date, show_datetime, show_number
from reports.drawing import area_picture, onset_chart
from reports.typesetting import typeset
from settings import Settings
from surveillance.diseases import load_catalogue
from surveillance.outbreaks.detail import CaseView, OutbreakDetail, SurveyView
from surveillance.outbreaks.entries import Entry
from surveillance.outbreaks.lifecycle import NAMES
from surveillance.outbreaks.shapes import Outline
from surveillance.outbreaks.tasks import State
from surveillance.outbreaks.views import TaskView
from surveillance.types import Classification

AGE_GROUPS = ((0, 4), (5, 14), (15, 29), (30, 49), (50, 200))


def dossier(detail: OutbreakDetail, area: Outline | None, *, settings: Settings, at: datetime) -> bytes:
    """The PDF, in the reader's language; `at` is when it is made, on the clocks of the city."""
    with TemporaryDirectory(prefix="canhdich-dossier-") as name:
        folder = Path(name)
        chart = onset_chart(
            [case.event_date for case in detail.members],
            first=detail.summary.first_event,
            last=max(detail.summary.last_event, at.date()),
        )
        (folder / "curve.svg").write_bytes(chart)
        if area is not None:
            (folder / "area.svg").write_bytes(area_picture(area.shape))
        typeset(folder, "dossier.typ", _content(detail, area, settings, at), "dossier.pdf")
        return (folder / "dossier.pdf").read_bytes()


def _content(
    detail: OutbreakDetail, area: Outline | None, settings: Settings, at: datetime
) -> dict[str, Any]:
    outbreak = detail.summary
    disease = load_catalogue()[outbreak.disease]
    return {
        "lang": current_locale(),
        "place": settings.deployment.title[current_locale()],
        "title": _("Hồ sơ ổ dịch {code}", code=outbreak.code),
        "subtitle": disease.name_en if current_locale() == "en" else disease.name_vi,
        "where": ", ".join(outbreak.unit_names),
        "until": _("Lập lúc {at}", at=show_datetime(at)),
        "facts": _facts(detail),
        "notes": [str(note) for note in detail.notes],
        "area": area is not None,
        "counts": _counts(detail.members),
        "tasks": [_task_row(task) for task in detail.tasks],
        "surveys": [_survey_row(survey) for survey in detail.surveys],
        "measures": [_measure_row(measure) for measure in detail.measures],
        "log": [_log_row(entry) for entry in detail.log],
        "footer": _("Canh Dịch · hồ sơ không ghi họ tên, địa chỉ người bệnh"),
        "words": _words(),
    }


def _facts(detail: OutbreakDetail) -> list[tuple[str, str]]:
    outbreak = detail.summary
    confirmed_on = show_date(outbreak.confirmed_on) if outbreak.confirmed_on else "–"
    return [
        (_("Trạng thái"), _(NAMES[outbreak.status])),
        (_("Số ca"), _("{n} ca, {confirmed} ca xác định", n=outbreak.cases, confirmed=outbreak.confirmed)),
        (_("Ca đầu – ca cuối"), f"{show_date(outbreak.first_event)} – {show_date(outbreak.last_event)}"),
        (_("Ngày xác định ổ dịch"), confirmed_on),
        (_("Dự kiến kết thúc"), show_date(outbreak.expected_end)),
        (_("Đóng sớm nhất"), show_date(outbreak.closing_from)),
        (_("Chỗ rộng nhất"), _("{n} m", n=show_number(detail.diameter_m))),
        (_("Tiêu chuẩn ổ dịch"), outbreak.profile),
    ]


def _counts(members: Sequence[CaseView]) -> list[dict[str, Any]]:
    """Cases by sex, age, certainty: groups only."""
    sexes = Counter({"M": _("Nam"), "F": _("Nữ")}.get(m.sex or "", _("Chưa rõ")) for m in members)
    ages = Counter(_age_group(m.age_years) for m in members)
    certain = sum(m.classification == Classification.CONFIRMED for m in members)
    classes = {_("Xác định"): certain, _("Chưa xác định"): len(members) - certain}
    order = [_age_name(*group) for group in AGE_GROUPS] + [_("Chưa rõ")]
    return [
        {"title": _("Giới"), "rows": _pairs(sexes.items())},
        {"title": _("Nhóm tuổi"), "rows": _pairs((name, ages[name]) for name in order if ages[name])},
        {"title": _("Chẩn đoán"), "rows": _pairs(classes.items())},
    ]


def _pairs(counts: Iterable[tuple[str, int]]) -> list[tuple[str, str]]:
    return [(name, show_number(n)) for name, n in counts]


def _age_group(age: int | None) -> str:
    if age is None:
        return _("Chưa rõ")
    return next(_age_name(low, high) for low, high in AGE_GROUPS if age <= high)


def _age_name(low: int, high: int) -> str:
    return f"{low}+" if high > 120 else f"{low}–{high}"


def _task_row(view: TaskView) -> tuple[str, str, str]:
    state = {
        State.DONE: _("đã làm"),
        State.OVERDUE: _("quá hạn"),
        State.DUE: _("đang đến hạn"),
        State.LATER: _("chưa đến lúc"),
    }[view.state]
    due = show_datetime(view.task.hour) if view.task.hour else show_date(view.task.due)
    done = show_date(view.task.done_on) if view.task.done_on else due
    return str(view.task.words), done, state


def _survey_row(view: SurveyView) -> tuple[str, ...]:
    found = view.indices
    values = ((found.bi, 1), (found.ci, 1), (found.hi, 1), (found.di, 2))
    shown = ("–" if value is None else show_number(value, decimals) for value, decimals in values)
    risk = _("Cao: {why}", why=view.risk) if view.risk else ""
    return show_date(view.survey.on), show_number(view.survey.houses), *shown, risk


def _measure_row(entry: Entry) -> tuple[str, str, str]:
    houses = entry.detail.get("houses")
    return str(entry.message), "" if houses is None else show_number(houses), entry.comment or ""


def _log_row(entry: Entry) -> tuple[str, str, str]:
    who = _("Hệ thống") if entry.user_id is None else _("Cán bộ")
    what = str(entry.message) + (f" ({_('đã rút lại')})" if entry.withdrawn else "")
    return show_datetime(entry.at), who, what + (f" {entry.comment}" if entry.comment else "")


def _words() -> dict[str, Any]:
    return {
        "curve": _("Ca bệnh theo ngày mắc"),
        "curve_alt": _("Biểu đồ số ca theo ngày mắc bệnh"),
        "area": _("Vùng ổ dịch"),
        "area_alt": _("Hình vùng ổ dịch, bắc ở trên"),
        "counts": _("Ca bệnh theo nhóm"),
        "tasks": _("Việc cần làm"),
        "task_head": [_("Việc"), _("Ngày"), _("Tình trạng")],
        "surveys": _("Giám sát véc tơ"),
        "survey_head": [_("Ngày"), _("Số nhà"), "BI", "CI %", "HI %", "DI", _("Nguy cơ")],
        "survey_note": _(
            "BI: vật chứa có lăng quăng trên 100 nhà. CI: % vật chứa có lăng quăng. HI: % nhà có lăng quăng. "
            "DI: số muỗi vằn cái trung bình một nhà. Dấu – : không đếm."
        ),
        "measures": _("Biện pháp đã làm"),
        "measure_head": [_("Việc"), _("Số nhà"), _("Ghi chú")],
        "log": _("Nhật ký"),
        "log_head": [_("Lúc"), _("Ai"), _("Nội dung")],
        "none": _("Chưa có."),
    }
