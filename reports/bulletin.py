"""The week's bulletin as PDF: what HCDC publishes weekly (domain.md §6), with map, curves and open alerts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from alerts.acts import ACTIVE
from alerts.levels import COLOURS, Level, Shown, name
from alerts.lifecycle import status_name
from alerts.views import AlertSummary, LevelView, alert_list, levels_at
from geodata.places import Place, communes_today
from geodata.tiles import load_coverage, simplified
from i18n import Message, _, current_locale, show_datetime, show_number
from reports.drawing import curve_chart, level_map
from reports.typesetting import typeset
from surveillance.counts import counts_by_unit, weekly_curve
from surveillance.diseases import Disease, load_catalogue
from surveillance.epiweek import week_label

if TYPE_CHECKING:
    from reports.service import Task

TEMPLATE = "bulletin.typ"
SHOWN_ALERTS, SHOWN_AREAS, SHOWN_TOP, SHOWN_CURVES, CURVE_WEEKS = 8, 15, 3, 6, 104
MAP_PRECISION_M = 120.0


@dataclass(frozen=True, kw_only=True)
class DiseaseWeek:
    """A disease in the period: `change` against the mean of the four periods before, None where that is 0."""

    disease: Disease
    cases: int
    change: float | None
    year_to_date: int
    by_unit: Mapping[int, int]


def write_bulletin(session: Session, task: Task) -> Sequence[str]:
    """Writes bulletin PDF; returns its name."""
    catalogue = load_catalogue()
    places = {place.id: place for place in communes_today(session)}
    task.progress(5, Message("Đang đếm số ca"))
    weeks = [_week(session, catalogue[code], task) for code in _diseases(task)]
    task.progress(35, Message("Đang vẽ bản đồ"))
    _draw_map(session, task)
    task.progress(55, Message("Đang vẽ đường cong dịch"))
    most = sorted(weeks, key=lambda week: -week.year_to_date)[:SHOWN_CURVES]
    curves = [_draw_curve(session, week, task) for week in most if week.year_to_date]
    task.progress(80, Message("Đang trình bày trang"))
    data = _content(session, task, weeks, curves, places)
    file = f"ban-tin-{task.period.start:%Y-%m-%d}.pdf"
    typeset(task.folder, TEMPLATE, data, file)
    return [file]


def _diseases(task: Task) -> Sequence[str]:
    return (task.disease,) if task.disease else task.settings.deployment.diseases


def _week(session: Session, disease: Disease, task: Task) -> DiseaseWeek:
    start, end = task.period.start, task.period.end
    length = end - start + timedelta(days=1)

    def total(first: Any, last: Any) -> dict[int, int]:
        return counts_by_unit(session, disease=disease.code, start=first, end=last, as_of=task.as_of)

    now = total(start, end)
    before = sum(total(start - 4 * length, start - timedelta(days=1)).values()) / 4
    cases = sum(now.values())
    return DiseaseWeek(
        disease=disease,
        cases=cases,
        change=(cases - before) / before if before else None,
        year_to_date=sum(total(end.replace(month=1, day=1), end).values()),
        by_unit=now,
    )


def _draw_map(session: Session, task: Task) -> None:
    levels = levels_at(session, disease=task.disease, as_of=task.as_of)
    coverage = simplified(load_coverage(session), MAP_PRECISION_M)
    shown: dict[int, Shown] = {unit: _shown(view) for unit, view in levels.items()}
    synthetic = any(place.synthetic for place in communes_today(session))
    note = _("Ranh giới mô phỏng") if synthetic else ""
    (task.folder / "map.svg").write_bytes(level_map(coverage, shown, width_in=4.4, note=note))


def _draw_curve(session: Session, week: DiseaseWeek, task: Task) -> dict[str, str]:
    curve = weekly_curve(
        session,
        disease=week.disease.code,
        unit_id=None,
        weeks=CURVE_WEEKS,
        today=task.period.end,
        as_of=task.as_of,
    )
    file = f"curve-{week.disease.code}.svg"
    chart = curve_chart(curve.weeks, curve.observed, curve.expected, curve.threshold)
    (task.folder / file).write_bytes(chart)
    title = _name(week.disease)
    return {"name": title, "file": file, "alt": _("Số ca {disease} theo tuần, hai năm qua", disease=title)}


def _content(
    session: Session,
    task: Task,
    weeks: Sequence[DiseaseWeek],
    curves: Sequence[dict[str, str]],
    places: Mapping[int, Place],
) -> dict[str, Any]:
    open_alerts = alert_list(session, area_ids=None, states=ACTIVE, disease=task.disease, limit=1000).items
    deployment, period = task.settings.deployment, task.period
    until = show_datetime(task.as_of.astimezone(deployment.timezone))
    label = _("{start} đến {end}", start=period.start, end=period.end)
    return {
        "lang": current_locale(),
        "title": _("Bản tin tình hình bệnh truyền nhiễm"),
        "place": deployment.title[current_locale()],
        "period": f"{week_label(period.start)} · {label}",
        "until": _("Dữ liệu đến {until}", until=until),
        "headline": _headline(weeks, open_alerts),
        "alerts": [_alert_row(alert) for alert in open_alerts[:SHOWN_ALERTS]],
        "more_alerts": _more(len(open_alerts) - SHOWN_ALERTS),
        "diseases": [_disease_row(week, places) for week in weeks],
        "curves": curves,
        "areas": _area_rows(session, task, weeks, places),
        "method": _method(),
        "footer": _("Canh Dịch · lập lúc {until} · số ca đã báo cáo, tính theo ngày mắc bệnh", until=until),
        "words": _words(),
    }


def _headline(weeks: Sequence[DiseaseWeek], alerts: Sequence[AlertSummary]) -> str:
    high = sum(alert.level >= Level.CAO for alert in alerts)
    return _(
        "Trong kỳ ghi nhận {cases} ca của {diseases} bệnh đang theo dõi. "
        "Có {alerts} cảnh báo đang mở, trong đó {high} ở mức Cao hoặc Rất cao.",
        cases=sum(week.cases for week in weeks),
        diseases=len(weeks),
        alerts=len(alerts),
        high=high,
    )


def _alert_row(alert: AlertSummary) -> dict[str, Any]:
    about = _(
        "{disease} · từ {day} · {status}",
        disease=alert.disease_names[current_locale()],
        day=alert.opened_at.date(),
        status=status_name(alert.status),
    )
    return {"level": _badge(Level(alert.level)), "place": alert.unit_name, "about": about}


def _more(count: int) -> str:
    return _("và {count} cảnh báo khác trong hệ thống", count=count) if count > 0 else ""


def _disease_row(week: DiseaseWeek, places: Mapping[int, Place]) -> dict[str, str]:
    top = sorted(week.by_unit.items(), key=lambda item: -item[1])[:SHOWN_TOP]
    change = "–"
    if week.change is not None:
        sign = "+" if week.change > 0 else ""
        change = f"{sign}{show_number(100 * week.change, 0)} %"
    return {
        "name": _name(week.disease),
        "cases": show_number(week.cases),
        "change": change,
        "ytd": show_number(week.year_to_date),
        "top": ", ".join(f"{places[unit].short_name} ({n})" for unit, n in top if unit in places) or "–",
    }


def _area_rows(
    session: Session, task: Task, weeks: Iterable[DiseaseWeek], places: Mapping[int, Place]
) -> list[dict[str, Any]]:
    rows: list[tuple[LevelView, int, str, dict[str, Any]]] = []
    for week in weeks:
        for unit, view in levels_at(session, disease=week.disease.code, as_of=task.as_of).items():
            if view.unknown or view.level < Level.CAO or unit not in places:
                continue
            cases = week.by_unit.get(unit, 0)
            row = {
                "place": places[unit].name,
                "disease": _name(week.disease),
                "cases": show_number(cases),
                "level": _badge(Level(view.level)),
                "status": str(status_name(view.status)),
            }
            rows.append((view, cases, places[unit].short_name, row))
    rows.sort(key=lambda item: (-item[0].level, -item[1], item[2]))
    return [row for _view, _cases, _place, row in rows[:SHOWN_AREAS]]


def _badge(level: Shown) -> dict[str, str]:
    colours = COLOURS["light"][level]
    return {"name": str(name(level)), "badge": colours.badge, "text": colours.text}


def _shown(view: LevelView) -> Shown:
    return "unknown" if view.unknown else Level(view.level)


def _name(disease: Disease) -> str:
    return disease.name_en if current_locale() == "en" else disease.name_vi


def _method() -> str:
    return _(
        "Mức nguy cơ là công cụ hỗ trợ quyết định; tình trạng theo Thông tư 15/2026/TT-BYT (Điều 16, Điều 22) "
        "được tính riêng. Ngưỡng là trung bình cùng tuần của 5 năm trước cộng 2 độ lệch chuẩn, không kể năm có dịch."
    )


def _words() -> dict[str, str]:
    return {
        "map": _("Mức nguy cơ theo xã, phường"),
        "map_alt": _("Bản đồ mức nguy cơ theo xã, phường"),
        "alerts": _("Cảnh báo đang mở"),
        "no_alerts": _("Không có cảnh báo nào đang mở."),
        "diseases": _("Các bệnh đang theo dõi"),
        "disease": _("Bệnh"),
        "cases": _("Số ca"),
        "change": _("So với 4 kỳ trước"),
        "ytd": _("Cộng dồn năm"),
        "top": _("Nhiều ca nhất"),
        "change_note": _("So với 4 kỳ trước: thay đổi so với trung bình bốn kỳ liền trước có cùng độ dài."),
        "curves": _("Diễn biến theo tuần, hai năm qua"),
        "curve_note": _(
            "Cột: số ca mỗi tuần, cam khi vượt ngưỡng. Đường xám: trung bình các năm trước. Đường đỏ: ngưỡng."
        ),
        "areas": _("Địa bàn ở mức Cao và Rất cao"),
        "area": _("Xã, phường"),
        "level": _("Mức nguy cơ"),
        "status": _("Theo Thông tư 15/2026"),
        "no_areas": _("Không có địa bàn nào ở mức Cao hoặc Rất cao."),
    }
