"""The panel beside the map: the city's figures, or everything about one commune."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from dash import html
from sqlalchemy.orm import Session

from alerts.acts import ACTIVE
from alerts.levels import Level
from alerts.views import (
    AlertSummary,
    LevelDetail,
    LevelView,
    alert_list,
    alerts_this_week,
    highest,
    level_detail,
    levels_at,
    levels_of_unit,
)
from geodata.places import Place
from geodata.units import province_of
from i18n import Message, _, current_locale
from surveillance.case_filter import CaseFilter
from surveillance.columns import Columns
from surveillance.counts import CitySummary, city_summary, weekly_curve
from surveillance.coverage import communes
from surveillance.release_counts import counts_on_release
from surveillance.slices import by_disease as cases_by_disease
from surveillance.types import Signal
from web.context import Moment, context, disease_name, local, now, theme, viewer
from web.figures import chart, weekly_figure
from web.formats import (
    count,
    day,
    facts,
    icon,
    kpi,
    level_badge,
    link,
    short_moment,
    shown_level,
    status_chip,
    stored,
    table,
)
from web.help_mark import explained, help_mark
from web.map_choice import Choice, UnitRow, unit_rows, windows
from web.pages.breaks import city_breaks, unit_breaks
from web.pages.cluster_list import cluster_list
from web.pages.duty_panel import share_box
from web.pages.evidence import coming_weeks, evidence, late_reports, signals_of
from web.pages.former_panel import made_of, release_summary, years_link
from web.pages.outbreak_lines import open_outbreaks
from web.selection import Selection
from web.workbench.why import ways_up, why
from web.workbench.why_changes import what_changed
from web.workbench.why_neighbours import neighbour_table

CURVE_WEEKS = 52
TOP_COMMUNES = 8
WEEK_ALERTS = 6


def city_panel(session: Session, selection: Selection, choice: Choice, shown: Moment) -> list[Any]:
    """The whole city: key figures, the week's alerts, the curve, the communes with most cases."""
    disease = choice.disease
    columns = context().columns.current(session)
    summary = city_summary(session, disease=disease, today=shown.today, as_of=shown.as_of, columns=columns)
    levels = levels_at(session, disease=disease, as_of=shown.as_of)
    curve = weekly_curve(
        session,
        disease=disease,
        unit_id=None,
        weeks=CURVE_WEEKS * choice.years,
        today=shown.today,
        as_of=shown.as_of,
        columns=columns,
    )
    title = disease_name(disease) if disease else _("Tất cả các bệnh")
    signals = signals_of(session, disease, province_of(session, communes(session)), shown)
    return [
        html.Div(
            [
                html.Div(
                    [
                        html.H2(
                            context().settings.deployment.title[current_locale()], className="panel-title"
                        ),
                        html.Div(title, className="dim"),
                    ]
                ),
                help_mark("figures"),
            ],
            className="panel-head",
        ),
        _city_figures(summary, levels.values(), signals),
        *share_box(session, shown),
        *_week_alerts(session, disease, shown),
        explained(_("Số ca theo tuần"), "curve"),
        chart(
            weekly_figure(
                curve, theme(), late_reports(signals), coming_weeks(signals), city_breaks(session, curve)
            ),
            _("Biểu đồ số ca theo tuần, {disease}", disease=title),
        ),
        *years_link(choice, shown, None),
        *evidence(signals),
        *_without_unplaced(summary, signals),
        *cluster_list(session, selection, shown),
        *_busiest(session, choice, shown),
    ]


def commune_panel(session: Session, place: Place, choice: Choice, shown: Moment) -> list[Any]:
    """One commune: its level and why, its curve, and each disease's level there."""
    disease, weeks = choice.disease, CURVE_WEEKS * choice.years
    levels = levels_of_unit(session, place.id, as_of=shown.as_of)
    by_disease = {code: levels.get(code) for code in context().diseases}
    known = [view for view in by_disease.values() if view is not None]
    chosen = disease or (highest(known).disease if known else None)
    view = by_disease.get(chosen) if chosen else None
    detail = level_detail(session, chosen, place.id, as_of=shown.as_of) if chosen and view else None
    columns = context().columns.current(session)
    curve = weekly_curve(
        session,
        disease=chosen,
        unit_id=place.id,
        weeks=weeks,
        today=shown.today,
        as_of=shown.as_of,
        columns=columns,
    )
    around, _counts = unit_rows(session, replace(choice, disease=chosen, release=None), shown)
    title = disease_name(chosen) if chosen else _("Tất cả các bệnh")
    signals = signals_of(session, chosen, place.id, shown)
    return [
        html.Div(
            [
                html.Div(
                    [
                        html.H2(place.name, className="panel-title"),
                        html.Div(place.parent or "", className="dim"),
                    ]
                ),
                link(
                    icon("x"),
                    map_href(None, disease, shown),
                    className="icon-button",
                    title=_("Đóng, xem cả thành phố"),
                ),
            ],
            className="panel-head",
        ),
        html.Div(
            [
                level_badge(shown_level(view.level, view.unknown) if view else "unknown"),
                html.Strong(title),
                *([status_chip(view.status), help_mark("statutory")] if view else []),
            ],
            className="badge-row",
        ),
        *_reasons(detail),
        *(what_changed(session, chosen, place, shown) if chosen else []),
        explained(_("Số ca theo tuần"), "curve"),
        chart(
            weekly_figure(curve, theme(), late_reports(signals), breaks=unit_breaks(session, place)),
            _("Biểu đồ số ca theo tuần, {place}", place=place.name),
        ),
        *years_link(choice, shown, place.id),
        *evidence(signals),
        *open_outbreaks(session, [place.id], disease, shown),
        *_open_alerts(session, place),
        *neighbour_table(session, place, around, chosen, shown, map_href),
        html.H3(_("Từng bệnh ở đây"), className="section-title"),
        _disease_table(columns, place, by_disease, shown),
        *made_of(session, place),
    ]


def _without_unplaced(summary: CitySummary, signals: Sequence[Signal]) -> list[Any]:
    if not signals or not summary.unplaced_28:
        return []
    text = _("Không kể {n} ca chưa rõ xã, phường trong 28 ngày.", n=summary.unplaced_28)
    return [html.P(text, className="dim")]


def _city_figures(summary: CitySummary, levels: Iterable[LevelView], signals: Sequence[Signal]) -> html.Div:
    views = list(levels)
    high = sum(not view.unknown and view.level >= Level.CAO for view in views)
    unknown = sum(view.unknown for view in views)
    unknown_note = _("{n} nơi chưa rõ", n=unknown) if unknown else _("trong {n} nơi", n=len(views))
    return html.Div(
        [
            kpi(_("Ca trong 7 ngày"), count(summary.cases_7), _week_note(summary, signals)),
            kpi(_("Nơi mức Cao trở lên"), count(high), unknown_note),
            kpi(_("Ca trong 28 ngày"), count(summary.cases_28), _unplaced(summary)),
            kpi(_("Từ đầu năm"), count(summary.year_to_date), _("đến {day}", day=summary.today)),
        ],
        className="kpi-grid",
    )


def _week_note(summary: CitySummary, signals: Sequence[Signal]) -> str:
    """With late reports counted where they can be: an incomplete week beside whole ones always seems to fall."""
    expected = next((s.expected for s in signals if s.method == "nowcast" and s.expected is not None), None)
    return change_note(summary) if expected is None else _("ước tính {n} khi báo cáo đủ", n=count(expected))


def change_note(summary: CitySummary) -> str:
    """ "▲ 18 % so với trung bình 4 tuần trước"."""
    if summary.change_percent is None:
        return _("chưa có ca để so sánh")
    if abs(summary.change_percent) < 0.5:
        return _("bằng trung bình 4 tuần trước")
    arrow = "▲" if summary.change_percent > 0 else "▼"
    return _("{arrow} {n} % so với 4 tuần trước", arrow=arrow, n=count(abs(summary.change_percent)))


def _unplaced(summary: CitySummary) -> str:
    if not summary.unplaced_28:
        return _("đều rõ xã, phường")
    return _("{n} ca chưa rõ xã, phường", n=summary.unplaced_28)


def _week_alerts(session: Session, disease: str | None, shown: Moment) -> list[Any]:
    if shown.as_of is not None:
        return []
    week = alerts_this_week(session, local(now(session)), viewer().area_ids)
    found = [alert for alert in week if disease in (None, alert.disease)]
    heading = html.H3(_("Cảnh báo trong tuần ({n})", n=len(found)), className="section-title")
    if not found:
        return [heading, html.P(_("Tuần này chưa có cảnh báo mới."), className="dim")]
    more = [link(_("Xem tất cả"), "/alerts", className="more-link")] if len(found) > WEEK_ALERTS else []
    return [
        heading,
        html.Ul([alert_line(alert) for alert in found[:WEEK_ALERTS]], className="alert-lines"),
        *more,
    ]


def alert_line(alert: AlertSummary) -> html.Li:
    """One alert in a short list: level, place and disease, when."""
    return html.Li(
        link(
            [
                level_badge(alert.peak_level),
                html.Span(
                    [html.Strong(alert.unit_name), html.Span(disease_name(alert.disease), className="dim")]
                ),
                html.Span(short_moment(alert.opened_at), className="dim num"),
            ],
            f"/alerts/{alert.id}",
            className="alert-line",
        )
    )


def _busiest(session: Session, choice: Choice, shown: Moment) -> list[Any]:
    if choice.release is not None:
        counts = counts_on_release(
            session, choice.release, disease=choice.disease, periods=windows(shown), as_of=shown.as_of
        )
        return release_summary(session, counts, choice, shown)
    rows, _counts = unit_rows(session, choice, shown)
    return [
        html.H3(_("Nhiều ca nhất trong 7 ngày"), className="section-title"),
        _top_communes(rows, choice.disease, shown),
    ]


def _top_communes(rows: Sequence[UnitRow], disease: str | None, shown: Moment) -> Any:
    ranked = sorted(
        (row for row in rows if row.cases_7), key=lambda row: (row.cases_7, row.place.id), reverse=True
    )
    if not ranked:
        return html.P(_("Không có ca nào trong 7 ngày."), className="dim")
    cells = [
        (
            unit_link(row.place.name, row.place.id, disease, shown),
            level_badge(row.level),
            count(row.cases_7),
        )
        for row in ranked[:TOP_COMMUNES]
    ]
    return table([_("Xã, phường"), _("Mức"), _("Số ca")], cells, numeric=(2,))


def unit_link(name: str, unit_id: int, disease: str | None, shown: Moment) -> Any:
    return link(name, map_href(unit_id, disease, shown))


def map_href(unit_id: int | None, disease: str | None, shown: Moment) -> str:
    """The map with this commune, disease and day chosen."""
    on = shown.today.isoformat() if shown.as_of is not None else None
    query = {"disease": disease, "on": on, "unit": unit_id}
    text = urlencode({name: value for name, value in query.items() if value is not None})
    return f"/map?{text}" if text else "/map"


def _reasons(detail: LevelDetail | None) -> list[Any]:
    """Why this level, and why neither higher nor lower, in short; the decision's own words folded away."""
    if detail is None:
        return [html.P(_("Chưa đủ dữ liệu để xếp mức."), className="dim")]
    short = why(detail)
    return [
        explained(_("Vì sao ở mức này"), "levels"),
        _reason_list(short.reasons),
        facts(_bounds(short.not_higher, short.not_lower)),
        html.P(_("Ở mức này từ {day}.", day=day(local(detail.view.since).date())), className="dim"),
        *([_in_full(detail)] if short.cut else []),
    ]


def _reason_list(reasons: Sequence[Message]) -> Any:
    if not reasons:
        return html.P(_("Không có dấu hiệu bất thường."), className="dim")
    return html.Ul([html.Li(stored(reason)) for reason in reasons], className="reason-list")


def _bounds(not_higher: Message, not_lower: Message) -> list[tuple[str, str]]:
    pairs = ((_("Vì sao không cao hơn"), not_higher), (_("Vì sao không thấp hơn"), not_lower))
    return [(label, stored(text)) for label, text in pairs if stored(text)]


def _in_full(detail: LevelDetail) -> html.Details:
    ways = ways_up(detail.why_not_higher)
    higher = _reason_list(ways) if ways else html.P(stored(detail.why_not_higher))
    return html.Details(
        [
            html.Summary(_("Xem đủ")),
            _reason_list(detail.reasons),
            html.P(
                _("Lên mức cao hơn khi có một trong các điều sau:") if ways else _("Vì sao không cao hơn")
            ),
            higher,
        ],
        className="more",
    )


def _disease_table(
    columns: Columns, place: Place, by_disease: Mapping[str, LevelView | None], shown: Moment
) -> Any:
    start, here = shown.today - timedelta(days=27), frozenset({place.id})
    wanted = CaseFilter(start=start, end=shown.today, as_of=shown.as_of, units=here)
    counts = cases_by_disease(columns, columns.rows(wanted))
    rows = []
    for code, view in by_disease.items():
        cases = counts.get(code, 0)
        level = shown_level(view.level, view.unknown) if view else "unknown"
        order = view.level if view and not view.unknown else 0
        rows.append(
            (
                order,
                cases,
                (unit_link(disease_name(code), place.id, code, shown), level_badge(level), count(cases)),
            )
        )
    rows.sort(key=lambda row: (-row[0], -row[1]))
    return table([_("Bệnh"), _("Mức"), _("Ca 28 ngày")], [cells for _order, _n, cells in rows], numeric=(2,))


def _open_alerts(session: Session, place: Place) -> list[Any]:
    if not viewer().may_see(place.id):
        return []
    found = alert_list(session, area_ids={place.id}, states=ACTIVE).items
    if not found:
        return []
    return [
        html.H3(_("Cảnh báo đang mở ở đây"), className="section-title"),
        html.Ul([alert_line(alert) for alert in found], className="alert-lines"),
    ]
