"""The line list on the map: rows by right, sorted and paged by the server, as known on a day, and written down."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from dash import Dash
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, select
from werkzeug.test import TestResponse

from accounts.models import AccessLog
from db import session_scope
from surveillance.case_rows import case_rows
from surveillance.models import CaseVersion
from tests.test_dashboard import Site, browser_type_launch_args, site, visitor
from tests.test_dashboard import sign_in as enter
from tests.web_city import Place, SignIn, app, city, client, run_callback, settings, sign_in, text_of
from tests.web_outbreak import TODAY, outbreak
from web.workbench.line_list import MOST

__all__ = [
    "app", "browser_type_launch_args", "city", "client", "outbreak", "settings", "sign_in", "site", "visitor"
]  # fmt: skip
"""Fixtures."""

SHOWN = {
    "id", "case_id", "disease", "event", "onset", "admission", "report", "age", "sex", "unit", "place",
    "classification", "verification", "treatment", "outcome", "source", "known", "outbreak", "point",
}  # fmt: skip


def page_of(app: Dash, sign_in: SignIn, who: str, query: str = "view=cases", **request: Any) -> TestResponse:
    asked = {"startRow": 0, "endRow": 100, "sortModel": [], **request}
    values = {"case-grid": asked, "case-query": query}
    return run_callback(
        sign_in(who), app, "case-grid.getRowsResponse", values, trigger="case-grid.getRowsRequest"
    )


def rows_of(app: Dash, sign_in: SignIn, who: str, query: str = "view=cases", **request: Any) -> Any:
    answer = page_of(app, sign_in, who, query, **request).get_json()
    return answer["response"]["case-grid"]["getRowsResponse"]


def view_of(app: Dash, sign_in: SignIn, who: str, query: str = "view=cases") -> str:
    return text_of(run_callback(sign_in(who), app, "map-view-pane.children", {"map-query": query}))


def test_an_analyst_reads_every_case_newest_first_and_no_identifier(
    app: Dash, sign_in: SignIn, outbreak: int
) -> None:
    found = rows_of(app, sign_in, "analyst")
    assert found["rowCount"] == 3
    assert [row["event"] for row in found["rowData"]] == ["16/11/2026", "13/11/2026", "10/11/2026"]
    assert all(set(row) == SHOWN for row in found["rowData"])
    first = found["rowData"][0]
    assert (first["unit"], first["sex"], first["age"]) == ("Phường Ô 1", "Nữ", 31)
    assert first["outbreak"] == [{"text": f"OD-{outbreak:04d}", "href": f"/outbreaks/{outbreak}"}]


def test_an_officer_reads_the_cases_of_their_area_whatever_the_url_asks_for(
    app: Dash, sign_in: SignIn, city: dict[str, Place], outbreak: int
) -> None:
    mine = rows_of(app, sign_in, "officer")
    assert [row["unit"] for row in mine["rowData"]] == ["Phường Ô 1"]
    assert mine["rowCount"] == 1
    others = rows_of(app, sign_in, "officer", f"view=cases&units={city['Ô 0'].id}")
    assert others == {"rowData": [], "rowCount": 0}
    assert "1 ca trong địa bàn bạn phụ trách, trên 3 ca đang lọc." in view_of(app, sign_in, "officer")
    elsewhere = view_of(app, sign_in, "officer", f"view=cases&units={city['Ô 0'].id}")
    assert "Cả 2 ca đang lọc đều ở ngoài địa bàn bạn phụ trách." in elsewhere


def test_a_manager_is_told_the_number_and_gets_no_row(app: Dash, sign_in: SignIn, outbreak: int) -> None:
    assert page_of(app, sign_in, "manager").status_code == 403
    said = view_of(app, sign_in, "manager")
    assert "3 ca" in said
    assert "không xem danh sách từng người bệnh" in said
    assert "case-grid" not in said


def test_reading_rows_is_written_down_without_a_person(
    app: Dash, sign_in: SignIn, outbreak: int, engine: Engine
) -> None:
    rows_of(app, sign_in, "analyst", "view=cases&sex=female")
    with session_scope(engine) as session:
        read = session.scalars(select(AccessLog).where(AccessLog.action == "case.list")).all()
        assert [entry.detail for entry in read] == [
            {"query": "sex=female&view=cases", "first": 0, "cases": 3}
        ]


@pytest.mark.parametrize(
    ("field", "direction", "expected"),
    [("event", "asc", [10, 13, 16]), ("unit", "desc", [16, 13, 10]), ("unit", "asc", [13, 10, 16])],
)
def test_rows_are_sorted_by_the_server_and_communes_by_name(
    app: Dash, sign_in: SignIn, outbreak: int, field: str, direction: str, expected: list[int]
) -> None:
    found = rows_of(app, sign_in, "analyst", sortModel=[{"colId": field, "sort": direction}])
    assert [int(row["event"][:2]) for row in found["rowData"]] == expected


def test_a_page_is_what_was_asked_for_and_never_more_than_the_most(
    app: Dash, sign_in: SignIn, outbreak: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = rows_of(app, sign_in, "analyst", startRow=1, endRow=2)
    assert [row["event"] for row in second["rowData"]] == ["13/11/2026"]
    assert second["rowCount"] == 3
    assert MOST == 500
    monkeypatch.setattr("web.workbench.line_list.MOST", 2)
    assert len(rows_of(app, sign_in, "analyst", endRow=10**9)["rowData"]) == 2


def test_a_past_day_has_the_cases_known_by_then(app: Dash, sign_in: SignIn, outbreak: int) -> None:
    then = rows_of(app, sign_in, "analyst", "view=cases&on=2026-11-13")
    assert [row["event"] for row in then["rowData"]] == ["13/11/2026", "10/11/2026"]
    assert then["rowData"][0]["outbreak"] == []


def test_no_case_says_which_filter_emptied_the_list(app: Dash, sign_in: SignIn, outbreak: int) -> None:
    said = view_of(app, sign_in, "analyst", "view=cases&sex=male&age=0-14")
    assert "Không có ca nào khớp với: 0–14 tuổi; Nam." in said
    assert "Đặt lại" in said


def test_rows_keep_the_order_asked_for_and_leave_out_what_was_unknown(engine: Engine, outbreak: int) -> None:
    with session_scope(engine) as session:
        ids = list(session.scalars(select(CaseVersion.case_id).order_by(CaseVersion.event_date.desc())))
        assert [row.case_id for row in case_rows(session, [*ids, 10**9], None)] == ids
        before = (
            CaseVersion.known_from
            < select(CaseVersion.known_from)
            .order_by(CaseVersion.known_from.desc())
            .limit(1)
            .scalar_subquery()
        )
        earlier = session.scalars(select(CaseVersion.known_from).where(before)).all()
        assert len(case_rows(session, ids, max(earlier))) == 2
        assert case_rows(session, [], None) == []


def test_from_a_bar_to_its_rows_to_a_place_on_the_map(visitor: Page, site: Site, outbreak: int) -> None:
    enter(visitor, site, "analyst")
    visitor.goto(f"{site.url}/map?view=charts&step=day")
    drag = visitor.locator("#case-curve .nsewdrag")
    expect(drag).to_be_visible()
    box = drag.bounding_box()
    assert box is not None
    days = (TODAY - date(2026, 11, 16)).days
    bar = box["x"] + box["width"] * (1 - (days + 0.5) / 120)
    visitor.mouse.click(bar, box["y"] + box["height"] - 4)
    visitor.wait_for_url("**from=2026-11-16&to=2026-11-16**")
    row = visitor.locator(".ag-row", has_text="16/11/2026")
    expect(row).to_have_count(1)
    expect(visitor.locator(".chips")).to_contain_text("16/11/2026")
    row.locator(".ag-cell").first.click()
    visitor.wait_for_url(lambda url: "view=cases" not in url)
    expect(visitor.locator(".map-pane")).to_be_visible()
    assert site.complaints == []


def test_dragging_over_the_curve_chooses_the_period(visitor: Page, site: Site, outbreak: int) -> None:
    enter(visitor, site, "analyst")
    visitor.goto(f"{site.url}/map?view=charts&step=day")
    drag = visitor.locator("#case-curve .nsewdrag")
    expect(drag).to_be_visible()
    box = drag.bounding_box()
    assert box is not None
    day = box["width"] / 120
    right, middle = box["x"] + box["width"], box["y"] + box["height"] / 2
    visitor.mouse.move(right - 13 * day, middle)
    visitor.mouse.down()
    visitor.mouse.move(right - 5 * day, middle, steps=5)
    visitor.mouse.up()
    visitor.wait_for_url("**from=**")
    first, last = (TODAY - timedelta(days=back) for back in (12, 5))
    assert f"from={first}&to={last}" in visitor.url
