"""Where it is growing: communes by level, one commune's reasons, the city's figures, as known on any day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, dcc, html
from sqlalchemy.orm import Session

from alerts.levels import COLOURS, SYMBOLS, UNKNOWN, Level, Shown, slug
from alerts.views import LevelView, levels_at
from geodata.places import Place, boundaries_version, communes_today, extent, find_place
from geodata.tiles import MAX_ZOOM
from i18n import _
from surveillance.counts import counts_by_unit
from surveillance.outbreaks.views import outbreaks_version
from surveillance.types import StatutoryStatus
from web.context import (
    Moment,
    context,
    day_on_show,
    disease_name,
    known_disease,
    local,
    now,
    open_session,
    parse_day,
    theme,
)
from web.epimap import EpiMap
from web.formats import aria, level_fields, level_text, shown_level, status_name
from web.grids import commune_grid
from web.outbreak_layers import outline_layer
from web.pages.map_panels import city_panel, commune_panel
from web.pages.outbreak_lines import chosen_outbreak

LEGEND: tuple[Shown, ...] = (Level.RAT_CAO, Level.CAO, Level.TRUNG_BINH, Level.THAP, UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class CommuneRow:
    """A commune in the table and on the map."""

    place: Place
    level: Shown
    status: StatutoryStatus
    cases_7: int
    cases_28: int


def layout(
    rest: str = "", disease: str = "", on: str = "", unit: str = "", view: str = "", **_query: str
) -> Any:
    """The workbench; callbacks fill it from the URL."""
    with open_session() as session:
        places = communes_today(session)
    return html.Div(
        [
            html.H1(_("Bản đồ"), className="visually-hidden"),
            dcc.Location(id="map-url", refresh="callback-nav"),
            dcc.Store(id="map-when"),
            dcc.Store(id="map-unit"),
            dcc.Store(id="map-outbreak"),
            _filters(places, disease, on, unit, view),
            _stage(places),
            html.Aside(
                html.Div(className="skeleton page-skeleton"),
                id="map-panel",
                className="side-panel",
                **aria(label=_("Chi tiết"), live="polite"),
            ),
        ],
        className="workbench",
    )


def register(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("map", "sync"),
        Output("map-url", "search"),
        Output("map-disease", "value"),
        Output("map-on", "value"),
        Output("map-view", "value"),
        Output("map-place", "value"),
        Output("map-when", "data"),
        Output("map-unit", "data"),
        Output("map-outbreak", "data"),
        Output("map", "selected"),
        Output("map-stage", "className"),
        Input("map-url", "search"),
        Input("map-disease", "value"),
        Input("map-on", "value"),
        Input("map-view", "value"),
        Input("map-place", "value"),
        Input("map", "clickData"),
        Input("map-grid", "cellClicked"),
        Input("map-reset", "n_clicks"),
    )
    app.callback(
        Output("map", "layers"),
        Output("map", "noWebglUrl"),
        Output("map-grid", "rowData"),
        Output("map-note", "children"),
        Input("map-when", "data"),
        Input("version", "data"),
    )(draw_map)
    app.callback(
        Output("map-panel", "children"),
        Input("map-when", "data"),
        Input("map-unit", "data"),
        Input("map-outbreak", "data"),
        Input("version", "data"),
    )(draw_panel)


def draw_map(when: str | None, _version: str | None) -> tuple[Any, ...]:
    disease, on = _chosen(when)
    with open_session() as session:
        shown = day_on_show(session, on)
        rows = _commune_rows(session, disease, shown)
        version = boundaries_version(session)
        outbreaks = outline_layer(
            theme(), "-".join(map(str, outbreaks_version(session))), disease=disease, on=on
        )
    picture = "/map.png?" + urlencode({"disease": disease or "", "on": on or "", "v": version})
    return (
        [_level_layer(rows, version), outbreaks],
        picture,
        [_grid_row(row) for row in rows],
        _note(shown, rows),
    )


def draw_panel(when: str | None, unit: str | None, outbreak: str | None, _version: str | None) -> Any:
    disease, on = _chosen(when)
    with open_session() as session:
        shown = day_on_show(session, on)
        place = find_place(session, int(unit)) if unit and unit.isdigit() else None
        chosen = chosen_outbreak(session, outbreak, shown)
        if place is not None:
            return [*chosen, *commune_panel(session, place, disease, shown)]
        return [*chosen, *city_panel(session, disease, shown)]


def _chosen(when: str | None) -> tuple[str | None, date | None]:
    """Disease and day of the store that the browser keeps as "dengue|2026-11-15"."""
    disease, _bar, on = (when or "|").partition("|")
    return known_disease(disease), parse_day(on)


def _commune_rows(session: Session, disease: str | None, shown: Moment) -> list[CommuneRow]:
    levels = levels_at(session, disease=disease, as_of=shown.as_of)
    cases_7, cases_28 = (
        counts_by_unit(
            session,
            disease=disease,
            start=shown.today - timedelta(days=length - 1),
            end=shown.today,
            as_of=shown.as_of,
        )
        for length in (7, 28)
    )
    rows = [
        CommuneRow(
            place=place,
            level=_shown(levels.get(place.id)),
            status=levels[place.id].status if place.id in levels else StatutoryStatus.INSUFFICIENT,
            cases_7=cases_7.get(place.id, 0),
            cases_28=cases_28.get(place.id, 0),
        )
        for place in communes_today(session)
    ]
    return sorted(rows, key=lambda row: (-level_fields(row.level)["level_order"], -row.cases_7))


def _shown(view: LevelView | None) -> Shown:
    return UNKNOWN if view is None else shown_level(view.level, view.unknown)


# --- the map ---------------------------------------------------------------------------------------------


def _level_layer(rows: Sequence[CommuneRow], version: str) -> dict[str, Any]:
    colours = COLOURS[theme()]
    return {
        "id": "communes",
        "kind": "choropleth",
        "tiles": f"/t/communes/{{z}}/{{x}}/{{y}}?v={version}",
        "minzoom": 4,
        "maxzoom": MAX_ZOOM,
        "sourceLayer": "units",
        "labelLayer": "unit_labels",
        "borderLayer": "unit_borders",
        "scale": "match",
        "stops": [[int(level), colours[level].fill] for level in Level],
        "values": {row.place.id: row.level for row in rows if isinstance(row.level, Level)},
        "symbols": {int(level): SYMBOLS[level] for level in Level if level > Level.THAP},
        "symbolMinzoom": 9.5,
        "labels": {"field": "name", "minzoom": 11},
        "tooltips": {row.place.id: _tooltip(row) for row in rows},
        "synthetic": any(row.place.synthetic for row in rows),
        "interactive": True,
    }


def _tooltip(row: CommuneRow) -> str:
    return f"{row.place.name}\n{level_text(row.level)} · " + _("{n} ca trong 7 ngày", n=row.cases_7)


def _grid_row(row: CommuneRow) -> dict[str, Any]:
    return {
        "id": str(row.place.id),
        "place": row.place.name,
        "parent": row.place.parent or "",
        "status": status_name(row.status),
        **level_fields(row.level),
        "cases_7": row.cases_7,
        "cases_28": row.cases_28,
    }


def _note(shown: Moment, rows: Sequence[CommuneRow]) -> list[Any]:
    """What the visitor must know to read this map rightly."""
    notes: list[Any] = []
    if shown.as_of is not None:
        notes.append(
            html.Span(_("Như đã biết cuối ngày {day}", day=shown.today), className="map-badge is-past")
        )
    if any(row.place.synthetic for row in rows):
        notes.append(
            html.Span(
                _("Ranh giới mô phỏng"),
                className="map-badge",
                title=_("Chưa có ranh giới chính thức: hình các xã, phường là hình dựng, vị trí gần đúng."),
            )
        )
    return notes


def _stage(places: Sequence[Place]) -> html.Section:
    box = _main_extent(places)
    return html.Section(
        [
            EpiMap(
                id="map",
                layers=[],
                dark=theme() == "dark",
                ariaLabel=_("Bản đồ mức nguy cơ theo xã, phường. Bảng cùng nội dung ở nút “Bảng”."),
                className="map-canvas",
                noWebglUrl="/map.png",
                noWebglText=_(
                    "Máy này không vẽ được bản đồ động: đang hiện ảnh. Chọn “Bảng” để xem từng xã, phường."
                ),
                bounds=box,
                locale={
                    "NavigationControl.ZoomIn": _("Phóng to"),
                    "NavigationControl.ZoomOut": _("Thu nhỏ"),
                },
                errorText=_("Một phần bản đồ chưa tải được."),
                retryText=_("Thử lại"),
            ),
            html.Div(id="map-note", className="map-notes"),
            html.Div(
                [
                    html.Div(_("Mức nguy cơ"), className="legend-title"),
                    *[_legend_row(level) for level in LEGEND],
                    html.Div(
                        [html.Span(className="legend-swatch is-outline"), _("Ổ dịch chưa đóng")],
                        className="legend-row",
                    ),
                ],
                className="map-legend",
            ),
            html.Div(commune_grid(), className="map-table"),
        ],
        id="map-stage",
        className="map-stage",
    )


def _legend_row(level: Shown) -> html.Div:
    return html.Div(
        [html.Span(className=f"legend-swatch level-{slug(level)}"), level_text(level)], className="legend-row"
    )


def _main_extent(places: Sequence[Place]) -> tuple[float, float, float, float] | None:
    """The box around the city without far islands (Côn Đảo lies 230 km off), which would make it a dot."""
    boxed = [p for p in places if p.bounds is not None]
    if not boxed:
        return None
    middles = sorted((p.bounds[1] + p.bounds[3]) / 2 for p in boxed if p.bounds)
    median = middles[len(middles) // 2]
    return extent([p for p in boxed if p.bounds and abs((p.bounds[1] + p.bounds[3]) / 2 - median) < 1.0])


# --- filters ---------------------------------------------------------------------------------------------


def _filters(places: Sequence[Place], disease: str, on: str, unit: str, view: str) -> html.Aside:
    diseases = [{"value": "all", "label": _("Tất cả các bệnh")}]
    diseases += [{"value": code, "label": disease_name(code)} for code in context().diseases]
    return html.Aside(
        [
            html.Div(
                [
                    html.H2(_("Bộ lọc"), className="panel-title"),
                    html.Button(_("Đặt lại"), id="map-reset", className="link-button", type="button"),
                ],
                className="panel-head",
            ),
            dmc.Select(
                id="map-disease",
                label=_("Bệnh"),
                data=diseases,
                value=disease or "all",
                allowDeselect=False,
                searchable=True,
                nothingFoundMessage=_("Không có bệnh này"),
            ),
            dmc.DatePickerInput(
                id="map-on",
                label=_("Ngày"),
                description=_("Chọn ngày đã qua để xem đúng những gì đã biết ngày đó."),
                placeholder=_("Hôm nay"),
                valueFormat="DD/MM/YYYY",
                value=on or None,
                maxDate=_today().isoformat(),
                clearable=True,
            ),
            dmc.Select(
                id="map-place",
                label=_("Xã, phường"),
                placeholder=_("Tìm theo tên"),
                data=[{"value": str(p.id), "label": p.name} for p in places],
                value=unit or None,
                searchable=True,
                clearable=True,
                limit=50,
                nothingFoundMessage=_("Không có xã, phường này"),
            ),
            dmc.SegmentedControl(
                id="map-view",
                data=[{"value": "map", "label": _("Bản đồ")}, {"value": "table", "label": _("Bảng")}],
                value="table" if view == "table" else "map",
                fullWidth=True,
            ),
        ],
        className="filter-panel",
        **aria(label=_("Bộ lọc")),
    )


def _today() -> date:
    with open_session() as session:
        return local(now(session)).date()
