"""Where it is growing: communes by level, one commune's reasons, the city's figures, as known on any day."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html
from sqlalchemy.orm import Session

from geodata.places import Place, boundaries_version, communes_today, find_place, places_on
from geodata.text import fold
from i18n import _, current_locale
from surveillance.release_counts import ReleaseCounts
from web.context import (
    Moment,
    context,
    day_on_show,
    disease_name,
    local,
    now,
    open_session,
    theme,
    viewer,
)
from web.epimap import EpiMap
from web.epimap.texts import map_words
from web.fields import disease_select
from web.formats import aria, case_count, level_fields, percent, status_name
from web.grids import commune_columns, commune_grid
from web.map_choice import Choice, UnitRow, choice_of, release_options, unit_rows
from web.markup import Later, lightened
from web.pages.former_panel import former_panel
from web.pages.map_panels import city_panel, commune_panel
from web.pages.outbreak_lines import chosen_outbreak
from web.remember import as_sent, state_of
from web.selection import Selection
from web.workbench import classes_panel, layers, stage_bar, stage_views, time_player, tools
from web.workbench.choropleth import choropleth, coloured
from web.workbench.cluster_layer import cluster_panel
from web.workbench.compare import other_half
from web.workbench.controls import CONTROLS, read_camera
from web.workbench.filter_fields import filter_fields
from web.workbench.legend import legend
from web.workbench.measures import measure_of, measure_options
from web.workbench.opening import opening_box

GROUND = ("disease", "on", "release", "layers")
"""What of the URL `draw_ground` depends on (assets/map.js)."""


def layout(rest: str = "", **query: str) -> Any:
    """The workbench; callbacks fill it from the URL."""
    selection = Selection.parse(urlencode(query), context().diseases)
    with open_session() as session:
        choice = choice_of(session, selection)
        places = _places(session, choice)
        today_places = places if choice.release is None else communes_today(session)
        options = release_options(session)
        today = local(now(session)).date()
        shown = day_on_show(session, selection.on)
    return html.Div(
        [
            html.H1(_("Bản đồ"), className="visually-hidden"),
            dcc.Location(id="map-url", refresh="callback-nav"),
            dcc.Store(id="map-query"),
            dcc.Store(id="map-when"),
            dcc.Store(id="map-panel-query"),
            dcc.Store(id="map-ground", data=_ground(query)),
            dcc.Store(id="map-today", data=today.isoformat()),
            dcc.Store(id="case-place"),
            _side(selection, shown, places, today_places, options, choice.release),
            _stage(selection, places, today, query.get("at"), choice.release),
            html.Aside(
                html.Div(className="skeleton page-skeleton"),
                id="map-panel",
                className="side-panel",
                **aria(label=_("Chi tiết"), live="polite"),
            ),
        ],
        id="workbench",
        className="workbench",
    )


def register(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("map", "sync"),
        Output("map-url", "search"),
        Output("map-query", "data"),
        Output("map-when", "data"),
        Output("map-panel-query", "data"),
        Output("map-ground", "data"),
        Output("map", "selected"),
        Output("map-stage", "className"),
        *[Output(control, prop) for control, prop in CONTROLS],
        Input("map-url", "search"),
        Input("map", "clickData"),
        Input("map-grid", "cellClicked"),
        Input("map-reset", "n_clicks"),
        Input({"type": "layer", "do": ALL, "id": ALL}, "n_clicks"),
        Input({"type": "layer-opacity", "id": ALL}, "value"),
        *[Input(control, prop) for control, prop in CONTROLS],
        State("map-query", "data"),
        State("map-when", "data"),
        State("map-panel-query", "data"),
        State("map-ground", "data"),
        State("map", "selected"),
        State("map-stage", "className"),
        State("map-today", "data"),
        State("map-compare-disease", "data"),
    )
    app.callback(
        Output("map", "layers"),
        Output("map", "noWebglUrl"),
        Output("map-grid", "rowData"),
        Output("map-note", "children"),
        Output("map-legend", "children"),
        Output("map-measure", "children"),
        Output("map", "compare"),
        Input("map-when", "data"),
        Input("version", "data"),
    )(draw_map)
    app.callback(
        Output("map-place", "data"),
        Output("map-grid", "columnDefs"),
        Output("map-layers", "children"),
        Input("map-ground", "data"),
        Input("version", "data"),
        prevent_initial_call=True,
    )(draw_ground)
    app.callback(
        Output("map-panel", "children"),
        Input("map-panel-query", "data"),
        Input("version", "data"),
    )(draw_panel)
    app.clientside_callback(
        ClientsideFunction("map", "camera"), Output("map-today", "id"), Input("map", "viewState")
    )
    app.clientside_callback(
        ClientsideFunction("map", "filters"),
        Output("workbench", "className"),
        Output("map-filters-toggle", "aria-expanded"),
        Input("map-filters-toggle", "n_clicks"),
        prevent_initial_call=True,
    )
    stage_bar.register(app)
    stage_views.register(app)
    time_player.register(app)
    tools.register(app)
    classes_panel.register(app)


def draw_map(when: str | None, version: str | None) -> Sequence[Any]:
    selection = read_selection(when)
    picture = f"/map.sheet?{selection.query()}&w={{w}}&h={{h}}&v={version or ''}"
    with open_session() as session:
        shown = day_on_show(session, selection.on)
        if layers.brought(selection):
            return made_map(session, selection, shown, picture)
        asked = ("map", selection, _seen(session, shown))
        return context().memory.ask(asked, lambda: as_sent(made_map(session, selection, shown, picture)))


def made_map(session: Session, selection: Selection, shown: Moment, picture: str) -> tuple[Any, ...]:
    """`picture`: where a machine that cannot draw the map finds it drawn."""
    choice = choice_of(session, selection)
    rows, counts = unit_rows(session, choice, shown)
    version = boundaries_version(session)
    areas = coloured(session, selection, shown, rows, theme(), choice.release)
    overlays = layers.build(session, selection, shown)
    other = other_half(session, selection, areas, version)
    return (
        [choropleth(areas, rows, version=version, release=choice.release), *overlays],
        picture,
        [_grid_row(row) for row in rows],
        lightened(_note(shown, rows, choice, counts)),
        lightened(
            legend(areas, selection, shown, layers.legends(selection), former=choice.release is not None)
        ),
        lightened(classes_panel.panel(areas, selection)),
        other,
    )


def draw_ground(ground: str | None, _version: str | None) -> Sequence[Any]:
    """What a filter of the cases leaves as it is; the layout has it from the beginning."""
    selection = read_selection(ground)
    with open_session() as session:
        choice = choice_of(session, selection)
        return (
            _place_options(_places(session, choice), choice.release),
            commune_columns(choice.release is not None),
            lightened(layers.panel(selection)),
        )


def draw_panel(query: str | None, _version: str | None) -> Any:
    selection = read_selection(query)
    with open_session() as session:
        shown = day_on_show(session, selection.on)
        asked = ("panel", selection, _seen(session, shown))
        (panel,) = context().memory.ask(
            asked, lambda: as_sent([lightened(made_panel(session, selection, shown))])
        )
        return panel


def _seen(session: Session, shown: Moment) -> Hashable:
    """An answer is made once for all who see the same, as long as nothing is new; hours left, anew every minute."""
    who, minute = viewer(), now(session).replace(second=0, microsecond=0)
    return who.role, who.areas, current_locale(), theme(), shown, minute, state_of(session)


def made_panel(session: Session, selection: Selection, shown: Moment) -> list[Any]:
    if found := cluster_panel(session, selection, shown):
        return found
    choice = choice_of(session, selection)
    place = find_place(session, selection.unit) if selection.unit else None
    chosen = chosen_outbreak(session, str(selection.outbreak or ""), shown)
    if place is not None and place.valid_to is not None:
        return [*chosen, *former_panel(session, place, choice, shown)]
    if place is not None:
        return [*chosen, *commune_panel(session, place, choice, shown)]
    return [*chosen, *city_panel(session, selection, choice, shown)]


def read_selection(query: str | None) -> Selection:
    return Selection.parse(query, context().diseases)


def _ground(query: Mapping[str, str]) -> str:
    """As assets/map.js writes it."""
    return urlencode({name: query[name] for name in GROUND if query.get(name)}, safe=":,;")


def _places(session: Session, choice: Choice) -> Sequence[Place]:
    return communes_today(session) if choice.release is None else places_on(session, choice.release)


# --- the map ---------------------------------------------------------------------------------------------


def _grid_row(row: UnitRow) -> dict[str, Any]:
    return {
        "id": str(row.place.id),
        "place": row.place.name,
        "parent": row.place.parent or "",
        "status": status_name(row.status) if row.status else "–",
        **level_fields(row.level),
        "cases_7": row.cases_7,
        "cases_28": row.cases_28,
        "rate": None if row.rate is None else round(row.rate, 1),
        "estimated": percent(row.estimated, row.cases_28) if row.estimated else None,
    }


def _note(shown: Moment, rows: Sequence[UnitRow], choice: Choice, counts: ReleaseCounts | None) -> list[Any]:
    """What the visitor must know to read this map rightly."""
    notes: list[Any] = []
    if shown.as_of is not None:
        notes.append(
            html.Span(_("Như đã biết cuối ngày {day}", day=shown.today), className="map-badge is-past")
        )
    if choice.release is not None and counts is not None:
        notes.append(html.Span(_("Ranh giới từ {day}", day=choice.release), className="map-badge is-past"))
        if share := counts.estimated_share(1):
            said = _("{percent} % số ca 28 ngày là ước tính", percent=max(1, round(100 * share)))
            why = _("Ca không có tọa độ đủ chính xác ở đơn vị đã tách được chia theo tỷ lệ dân số.")
            notes.append(html.Span(said, className="map-badge", title=why))
        if undrawn := len(counts.unit_ids) - len(rows):
            notes.append(html.Span(_("{n} đơn vị chưa có hình", n=undrawn), className="map-badge"))
        if outside := counts.outside[1]:
            said = _("{n} ca ngoài ranh giới này", n=case_count(outside))
            notes.append(html.Span(said, className="map-badge"))
    if any(row.place.synthetic for row in rows):
        notes.append(
            html.Span(
                _("Ranh giới mô phỏng"),
                className="map-badge",
                title=_("Chưa có ranh giới chính thức: hình các xã, phường là hình dựng, vị trí gần đúng."),
            )
        )
    return notes


def _place_options(places: Sequence[Place], release: date | None) -> list[dict[str, str]]:
    """Before July 2025 wards of many districts had one name."""
    return [
        {"value": str(p.id), "label": f"{p.name}, {p.parent}" if release and p.parent else p.name}
        for p in sorted(places, key=lambda p: fold(p.short_name))
    ]


def _stage(
    selection: Selection,
    places: Sequence[Place],
    today: date,
    camera: str | None,
    release: date | None,
) -> html.Section:
    view = read_camera(camera)
    box = None if view else opening_box(places)
    return html.Section(
        [
            stage_bar.layout(selection),
            html.Div(id="map-chips", className="stage-chips"),
            html.Div(
                [
                    EpiMap(
                        id="map",
                        layers=[],
                        dark=theme() == "dark",
                        ariaLabel=_("Bản đồ theo xã, phường. Bảng cùng nội dung ở nút “Bảng”."),
                        className="map-canvas",
                        noWebglText=_(
                            "Máy này không vẽ được bản đồ động: đang hiện ảnh."
                            " Chọn “Bảng” để xem từng xã, phường."
                        ),
                        bounds=box,
                        viewState=view,
                        **map_words(),
                    ),
                    html.Div(id="map-note", className="map-notes"),
                    html.Div(id="map-legend", className="map-legend"),
                ],
                className="map-pane",
            ),
            html.Div(Later(commune_grid(release is not None), until="sight"), className="map-table"),
            html.Div(id="map-view-pane", className="view-pane"),
            time_player.layout(selection, today),
        ],
        id="map-stage",
        className=f"map-stage is-{selection.view}",
    )


# --- filters and layers ----------------------------------------------------------------------------------


def _side(
    selection: Selection,
    shown: Moment,
    places: Sequence[Place],
    several: Sequence[Place],
    releases: Sequence[dict[str, str]],
    release: date | None,
) -> html.Aside:
    return html.Aside(
        dmc.Tabs(
            [
                dmc.TabsList(
                    [dmc.TabsTab(_("Bộ lọc"), value="filters"), dmc.TabsTab(_("Lớp bản đồ"), value="layers")],
                    grow=True,
                ),
                dmc.TabsPanel(_filters(selection, shown, places, several), value="filters", keepMounted=True),
                dmc.TabsPanel(
                    Later(_layers(selection, releases, release), until="sight"),
                    value="layers",
                    keepMounted=True,
                ),
            ],
            value="filters",
        ),
        className="filter-panel",
        **aria(label=_("Bộ lọc và lớp bản đồ")),
    )


def _filters(
    selection: Selection, shown: Moment, places: Sequence[Place], several: Sequence[Place]
) -> html.Div:
    """`several`: today's communes, of which the cases may be asked for."""
    diseases = [{"value": "all", "label": _("Tất cả các bệnh")}]
    diseases += [{"value": code, "label": disease_name(code)} for code in context().diseases]
    return html.Div(
        [
            disease_select("map-disease", diseases, selection.disease, label=_("Bệnh")),
            dmc.Select(
                id="map-place",
                label=_("Xã, phường"),
                placeholder=_("Tìm theo tên"),
                data=_place_options(places, selection.release),
                value=str(selection.unit) if selection.unit else None,
                searchable=True,
                clearable=True,
                limit=50,
                nothingFoundMessage=_("Không có xã, phường này"),
            ),
            *filter_fields(selection, shown, _place_options(several, None)),
            html.Button(_("Đặt lại"), id="map-reset", className="link-button", type="button"),
        ],
        className="filter-fields",
    )


def _layers(selection: Selection, releases: Sequence[dict[str, str]], release: date | None) -> html.Div:
    return html.Div(
        [
            dmc.Select(
                id="map-metric",
                label=_("Tô màu theo"),
                data=measure_options(),
                value=measure_of(selection.metric).key,
                allowDeselect=False,
            ),
            classes_panel.layout(),
            dmc.Select(
                id="map-release",
                label=_("Ranh giới"),
                description=_("Chọn ranh giới cũ để xem số ca theo xã, phường thời đó."),
                data=list(releases),
                value=release.isoformat() if release else "today",
                allowDeselect=False,
                className="" if len(releases) > 1 else "is-hidden",
            ),
            html.Div(lightened(layers.panel(selection)), id="map-layers"),
        ],
        className="filter-fields",
    )
