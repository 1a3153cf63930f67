"""The cases behind the map, without identifiers: sorted and paged on the server, by the reader's rights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
import numpy as np
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from accounts.service import record_access
from geodata.places import communes_today
from geodata.text import fold
from i18n import Message, _
from surveillance.case_rows import CaseRow, case_rows
from surveillance.columns import Columns
from surveillance.outbreaks.views import code_of
from surveillance.slices import SORTABLE, sorted_rows
from surveillance.types import Verification
from surveillance.verification import MEANINGS
from web.context import Moment, context, day_on_show, disease_short, for_roles, now, open_session, viewer
from web.formats import count, day, link, moment
from web.grids import locale_text
from web.outbreak_layers import PLACE_LEVELS
from web.outbreak_routes import PLACE_READERS
from web.pages.data import source_title
from web.selection import Selection
from web.workbench.case_words import CLASSES, OUTCOMES, SEX_LETTERS, TREATMENTS
from web.workbench.chips import nothing_here

PAGE = 100
MOST = 500
"""Rows of one answer, whatever is asked for."""


def line_list(session: Session, selection: Selection, shown: Moment) -> html.Div:
    """The list for whoever may read single cases; a sentence and the number for everyone else."""
    cases, readable = _counts(session, selection, shown)
    if not cases:
        return nothing_here(session, selection, shown)
    if viewer().role not in PLACE_READERS:
        return _counts_only(selection, cases)
    if not readable:
        said = _("Cả {n} ca đang lọc đều ở ngoài địa bàn bạn phụ trách.", n=count(cases))
        return html.Div(html.P(said), className="empty-state")
    return html.Div(
        [
            dcc.Store(id="case-query", data=selection.query()),
            html.Div([html.P(_said(cases, readable), className="dim"), _export()], className="cases-head"),
            html.Div(_grid(), className="cases-grid"),
        ],
        className="cases-view",
    )


def register(app: Dash) -> None:
    app.callback(
        Output("case-grid", "getRowsResponse"),
        Input("case-grid", "getRowsRequest"),
        State("case-query", "data"),
        prevent_initial_call=True,
    )(send_rows)
    app.clientside_callback(
        ClientsideFunction("charts", "place"),
        Output("case-place", "data"),
        Input("case-grid", "selectedRows"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("charts", "fly"),
        Output("map", "flyTo"),
        Output("map-url", "search", allow_duplicate=True),
        Input("case-place", "data"),
        prevent_initial_call=True,
    )


@for_roles(*PLACE_READERS)
def send_rows(request: Mapping[str, Any] | None, query: str | None) -> dict[str, Any]:
    """One page of the list, in the order asked for. Reading it is written down."""
    selection, who = Selection.parse(query, context().diseases), viewer()
    start = max(0, int((request or {}).get("startRow") or 0))
    end = min(start + MOST, int((request or {}).get("endRow") or start + PAGE))
    with open_session() as session:
        shown = day_on_show(session, selection.on)
        columns = context().columns.current(session)
        found = columns.rows(selection.filter(shown, who.area_ids))
        names = {place.id: place.name for place in communes_today(session)}
        ordered = in_order(columns, found, (request or {}).get("sortModel") or [], names)
        cases = case_rows(session, columns.case[ordered[start:end]].tolist(), shown.as_of)
        detail = {"query": selection.query(), "first": start, "cases": len(cases)}
        record_access(session, who.id, "case.list", detail, now(session))
    return {"rowData": [grid_row(case, names) for case in cases], "rowCount": len(found)}


def in_order(
    columns: Columns, rows: NDArray[np.int64], sort: Sequence[Mapping[str, str]], names: Mapping[int, str]
) -> NDArray[np.int64]:
    """As the grid asks; communes and diseases by their names, not by the numbers they have here."""
    by = [(model["colId"], model["sort"] == "desc") for model in sort if model["colId"] in SORTABLE]
    if not by or by[0][0] not in ("unit", "disease"):
        return sorted_rows(columns, rows, by)
    field, descending = by[0]
    order = sorted_rows(columns, rows, [])
    codes, position = np.unique(getattr(columns, field)[order], return_inverse=True)
    texts = [
        names.get(int(code), "") if field == "unit" else disease_short(columns.diseases[code])
        for code in codes
    ]
    rank = np.argsort(np.argsort([fold(text) for text in texts]))[position]
    return order[np.argsort(-rank if descending else rank, kind="stable")]


def grid_row(case: CaseRow, names: Mapping[int, str]) -> dict[str, Any]:
    """A row of the grid: texts in the reader's language, and where it lies for the map."""
    return {
        "id": str(case.case_id),
        "case_id": case.case_id,
        "disease": disease_short(case.disease),
        "event": day(case.event_date),
        "onset": day(case.date_onset),
        "admission": day(case.date_admission),
        "report": day(case.date_report),
        "age": case.age_years,
        "sex": _word(SEX_LETTERS, case.sex),
        "unit": names.get(case.unit_id, _("Chưa rõ")) if case.unit_id else _("Chưa rõ"),
        "place": _place(case),
        "classification": _word(CLASSES, case.classification),
        "verification": "–" if case.verification is None else _(MEANINGS[Verification(case.verification)]),
        "treatment": _word(TREATMENTS, case.treatment),
        "outcome": _word(OUTCOMES, case.outcome),
        "source": source_title(case.source),
        "known": moment(case.first_known_at),
        "outbreak": [{"text": code_of(i), "href": f"/outbreaks/{i}"} for i in case.outbreak_ids],
        "point": None if case.lon is None else [case.lon, case.lat, case.uncertainty_m],
    }


def _counts(session: Session, selection: Selection, shown: Moment) -> tuple[int, int]:
    """Cases that the selection asks for, and those among them whose rows the reader may see."""
    columns, areas = context().columns.current(session), viewer().area_ids
    cases = len(columns.rows(selection.filter(shown)))
    return cases, cases if areas is None else len(columns.rows(selection.filter(shown, areas)))


def _said(cases: int, readable: int) -> str:
    if readable < cases:
        return _(
            "{n} ca trong địa bàn bạn phụ trách, trên {all} ca đang lọc.", n=count(readable), all=count(cases)
        )
    return _("{n} ca. Bấm một dòng để xem vị trí trên bản đồ.", n=count(cases))


def _counts_only(selection: Selection, cases: int) -> html.Div:
    return html.Div(
        [
            html.P(html.Strong(_("{n} ca", n=count(cases)))),
            html.P(_("Vai trò của bạn xem số ca, không xem danh sách từng người bệnh.")),
            html.Div(
                [
                    link(_("Xem biểu đồ"), selection.href(view="charts"), className="button button-primary"),
                    link(_("Xem bảng xã, phường"), selection.href(view="table"), className="button"),
                ],
                className="empty-ways",
            ),
        ],
        className="empty-state",
    )


def _export() -> Any:
    if viewer().role not in ("manager", "analyst"):
        return html.Span()
    about = _("Báo cáo theo bệnh và kỳ, không theo các bộ lọc khác.")
    return link(_("Xuất danh sách đã ẩn danh"), "/reports", className="button", title=about)


def _grid() -> dag.AgGrid:
    return dag.AgGrid(
        id="case-grid",
        columnDefs=_columns(),
        rowModelType="infinite",
        getRowId="params.data.id",
        defaultColDef={"sortable": True, "resizable": True, "suppressHeaderMenuButton": True, "minWidth": 80},
        dashGridOptions={
            "localeText": locale_text(),
            "rowHeight": 40,
            "headerHeight": 44,
            "cacheBlockSize": PAGE,
            "maxBlocksInCache": 10,
            "pagination": True,
            "paginationPageSize": PAGE,
            "paginationPageSizeSelector": False,
            "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
            "animateRows": False,
            "suppressMultiSort": True,
        },
        style={"height": "100%", "width": "100%"},
    )


def _columns() -> list[dict[str, Any]]:
    wide = (
        ("case_id", _("Mã ca"), 95),
        ("disease", _("Bệnh"), 120),
        ("event", _("Ngày tính ca"), 125),
        ("unit", _("Xã, phường"), 180),
        ("age", _("Tuổi"), 80),
        ("sex", _("Giới"), 85),
        ("classification", _("Phân loại"), 115),
        ("treatment", _("Điều trị"), 115),
        ("outbreak", _("Ổ dịch"), 115),
        ("onset", _("Khởi phát"), 120),
        ("admission", _("Nhập viện"), 120),
        ("report", _("Báo cáo"), 120),
        ("place", _("Vị trí"), 175),
        ("verification", _("Kết quả xác minh"), 190),
        ("outcome", _("Kết quả điều trị"), 145),
        ("source", _("Nguồn"), 190),
        ("known", _("Biết lần đầu"), 155),
    )
    return [
        {
            "field": name,
            "headerName": title,
            "width": width,
            "sortable": name in SORTABLE,
            **({"cellRenderer": "OutbreakLinks"} if name == "outbreak" else {"tooltipField": name}),
            **({"type": "rightAligned"} if name in ("case_id", "age") else {}),
        }
        for name, title, width in wide
    ]


def _place(case: CaseRow) -> str:
    words = str(PLACE_LEVELS[case.place_level])
    if case.uncertainty_m is None:
        return words
    return _("{place} (±{metres} m)", place=words, metres=round(case.uncertainty_m))


def _word(names: Mapping[Any, Message], value: Any) -> str:
    return "–" if value is None else str(names.get(value, value))
