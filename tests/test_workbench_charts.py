"""The charts beside the map: what they draw, what a click on them narrows, what they say when there is nothing."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dash_ag_grid
import numpy as np
import pytest
from dash import Dash
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from db import session_scope
from i18n import use_locale
from surveillance.columns import load_columns
from surveillance.diseases import load_catalogue
from surveillance.slices import MOST_PARTS
from tests.web_city import Place, SignIn, app, city, client, run_callback, settings, sign_in, text_of
from tests.web_outbreak import TODAY, outbreak
from web.context import Moment
from web.grids import VIETNAMESE
from web.selection import Selection
from web.workbench.charts import before
from web.workbench.chips import age_text, held_filters
from web.workbench.curve import curve_span
from web.workbench.curve_figure import PARTS, Bars, Part, bars_figure
from web.workbench.filter_fields import presets
from web.workbench.heat import heat_class, heat_stops
from web.workbench.pyramid import BANDS
from web.workbench.rows import rows_link
from web.workbench.top_areas import change_text, ranked
from web.workbench.triangle import DELAYS, delay_counts, still_open

__all__ = ["app", "city", "client", "outbreak", "settings", "sign_in"]
"""Fixtures."""

NOW = Moment(today=TODAY, as_of=None)
DAYS = st.dates(date(2018, 1, 1), TODAY)
CODES = ("dengue", "measles")


def view_of(app: Dash, sign_in: SignIn, query: str, who: str = "analyst") -> str:
    return text_of(run_callback(sign_in(who), app, "map-view-pane.children", {"map-query": query}))


def chips_of(app: Dash, sign_in: SignIn, query: str) -> str:
    return text_of(run_callback(sign_in("analyst"), app, "map-chips.children", {"map-query": query}))


# --- the curve ------------------------------------------------------------------------------------------------


@given(DAYS, DAYS, st.sampled_from(["day", "week"]), st.sampled_from([1, 3]))
def test_the_curve_holds_the_end_of_its_period_in_whole_steps(
    one: date, other: date, step: Any, years: int
) -> None:
    selection = Selection(first=min(one, other), last=max(one, other), step=step, years=years)
    first, last = curve_span(selection, NOW)
    assert first <= max(one, other) <= last
    if step == "week":
        assert (first.weekday(), last.weekday()) == (0, 6)
    if (last - first).days < 700:
        assert first <= min(one, other)


def part(name: str, counts: list[int], other: bool = False) -> Part:
    return Part(name=name, counts=np.array(counts), query={"sex": name}, other=other)


def test_parts_stand_on_each_other_and_a_bar_knows_what_narrows_to_it() -> None:
    bars = Bars(
        starts=(date(2026, 11, 9), date(2026, 11, 16)),
        step="week",
        parts=(part("male", [3, 1]), part("female", [2, 5]), part("unknown", [1, 0], other=True)),
        stack="sex",
    )
    figure = bars_figure(bars, (date(2026, 11, 9), TODAY), "light")
    assert [trace["base"] for trace in figure["data"]] == [[0, 0], [3, 1], [5, 6]]
    assert [trace["meta"]["part"] for trace in figure["data"]][:2] == [{"sex": "male"}, {"sex": "female"}]
    assert figure["layout"]["meta"]["days"] == 7
    band = figure["layout"]["shapes"][0]
    assert (band["x0"][:10], band["x1"][:10]) == ("2026-11-05", "2026-11-19")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_colours_of_parts_are_told_apart(theme: Any) -> None:
    assert len(set(PARTS[theme])) == MOST_PARTS


# --- delays ---------------------------------------------------------------------------------------------------


def test_a_cell_is_open_while_a_report_with_that_delay_may_come() -> None:
    """Week of 9–15 November: on the 22nd every report within 7 days of illness has come, one within 13 has not."""
    waiting = still_open([date(2026, 11, 9)], date(2026, 11, 22))
    assert waiting[0].tolist() == [longest > 7 for _first, longest in DELAYS]


def test_delays_are_counted_by_week_of_illness_and_days_to_the_report(engine: Engine, outbreak: int) -> None:
    with session_scope(engine) as session:
        columns = load_columns(session, {d.code: d for d in load_catalogue()}, 10**6)
    rows = np.arange(columns.case.size)
    columns.report.setflags(write=True)
    columns.report[:] = columns.event + np.array([0, 3, 40])
    mondays = [date(2026, 11, 9), date(2026, 11, 16)]
    counts = delay_counts(columns, rows, mondays)
    assert counts.sum() == 3
    assert counts[0].tolist() == [1, 0, 0, 1, 0, 0, 0]
    assert counts[1].tolist() == [0, 0, 0, 0, 0, 0, 1]


# --- tables ---------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 500), min_size=1))
def test_more_cases_are_never_paler(counts: list[int]) -> None:
    stops = heat_stops(counts)
    classes = [int(heat_class(n, stops)[-1]) for n in sorted(counts)]
    assert classes == sorted(classes)
    assert all((n == 0) == (k == 0) and k <= 5 for n, k in zip(sorted(counts), classes, strict=True))


@pytest.mark.parametrize(
    ("cases", "earlier", "said"),
    [(12, 10, "▲ 20 %"), (5, 10, "▼ 50 %"), (7, 2, "▲ 5 ca"), (3, 3, "bằng"), (0, 0, "bằng")],
)
def test_a_change_of_few_cases_is_told_in_cases(cases: int, earlier: int, said: str) -> None:
    assert change_text(cases, earlier) == said


def test_areas_stand_by_cases_then_name_and_none_without_a_case() -> None:
    found = ranked({1: 4, 2: 9, 3: 4, 4: 0, 9: 5}, {2: 3}, {1: "B", 2: "C", 3: "A", 4: "D"}, {})
    assert [(area.name, area.cases, area.before) for area in found] == [("C", 9, 3), ("A", 4, 0), ("B", 4, 0)]


@given(DAYS, st.integers(0, 400))
def test_the_period_before_is_as_long_and_ends_the_day_before(start: date, days: int) -> None:
    end = start + timedelta(days=days)
    first, last = before((start, end))
    assert last == start - timedelta(days=1)
    assert last - first == end - start


def test_the_age_groups_hold_every_age_once() -> None:
    ages = [age for low, high in BANDS for age in range(low, high + 1)]
    assert ages == list(range(121))


# --- words ----------------------------------------------------------------------------------------------------


@given(
    st.builds(
        Selection,
        ages=st.none() | st.just((0, 14)),
        sex=st.none() | st.just("female"),
        severity=st.none() | st.just("died"),
        status=st.none() | st.just("confirmed"),
        dated_by=st.sampled_from(["event", "report"]),
        first=st.none() | st.just(date(2026, 1, 1)),
    )
)
def test_taking_every_chip_away_leaves_no_filter(selection: Selection) -> None:
    held = list(held_filters(None, selection, NOW))  # type: ignore[arg-type]  # no communes are named
    query = selection.query()
    for chip in held:
        query = Selection.parse(query, CODES).query(**chip.without)
    assert query == ""
    assert len({chip.text for chip in held}) == len(held)


def test_ages_are_said_as_people_say_them() -> None:
    assert [age_text(ages) for ages in ((0, 14), (60, 120), (7, 7))] == ["0–14 tuổi", "từ 60 tuổi", "7 tuổi"]


def test_a_preset_is_a_period_in_iso_days() -> None:
    found = {preset["label"]: preset["value"] for preset in presets(TODAY)}
    assert found["7 ngày"] == ["2026-11-16", "2026-11-22"]
    assert found["Tháng 7–12/2025"] == ["2025-07-01", "2025-12-31"]


def test_a_number_leads_to_its_rows() -> None:
    url = rows_link(Selection(disease="dengue", view="charts"), sex="male", ages=(5, 9))
    assert url == "/map?disease=dengue&age=5-9&sex=male&view=cases"


def test_the_grid_speaks_vietnamese_wherever_it_speaks() -> None:
    """Every text the bundled grid may show, read from the file that browsers get."""
    bundle = (Path(dash_ag_grid.__file__).parent / "dash_ag_grid.min.js").read_text(encoding="utf-8")
    texts = {k for k, _english in re.findall(r'[\w$)]\("([a-z][A-Za-z]+)","([A-Z][^"]{1,80})"\)', bundle)}
    assert len(texts) > 40
    assert texts <= set(VIETNAMESE)


# --- on the page ----------------------------------------------------------------------------------------------


def test_every_number_of_the_charts_leads_to_its_rows(
    app: Dash, sign_in: SignIn, city: dict[str, Place], outbreak: int
) -> None:
    said = view_of(app, sign_in, "view=charts&disease=dengue")
    for title in ("Đường cong dịch", "Tuổi và giới", "Nơi nhiều ca nhất", "Báo cáo chậm", "Từng ngày"):
        assert title in said
    assert "/map?disease=dengue&age=30-34&sex=female&view=cases" in said
    assert f"/map?disease=dengue&units={city['Ô 0'].id}&view=cases" in said
    assert "/map?disease=dengue&from=2026-11-09&to=2026-11-15&view=cases" in said
    assert "Một nửa số ca được báo cáo trong 0 ngày kể từ ngày mắc." in said


def test_expected_numbers_are_drawn_for_all_cases_only(app: Dash, sign_in: SignIn, outbreak: int) -> None:
    left_out = "Số dự kiến và ngưỡng chỉ tính cho mọi ca theo tuần"
    assert left_out not in view_of(app, sign_in, "view=charts")
    assert left_out in view_of(app, sign_in, "view=charts&sex=female")


def test_one_chart_that_fails_leaves_the_others(
    app: Dash, sign_in: SignIn, outbreak: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any) -> None:
        raise ValueError("người bệnh A")

    monkeypatch.setattr("web.workbench.charts.pyramid", fail)
    said = view_of(app, sign_in, "view=charts")
    assert re.search(r"Mã lỗi: APP-[0-9A-F]{6}", said)
    assert "người bệnh A" not in said
    assert "Phường Ô 0" in said


def test_nothing_to_draw_is_said_with_the_filter_that_emptied_it(
    app: Dash, sign_in: SignIn, outbreak: int
) -> None:
    said = view_of(app, sign_in, "view=charts&disease=dengue&sex=male")
    assert "Không có ca nào khớp với: Nam." in said
    assert '"href": "/map?disease=dengue&view=charts"' in said


def test_chips_name_the_filters_and_each_takes_itself_away(
    app: Dash, sign_in: SignIn, city: dict[str, Place]
) -> None:
    said = chips_of(
        app, sign_in, f"disease=dengue&age=0-14&units={city['Ô 1'].id}&area=circle:106.7,10.7,500"
    )
    for words in ("0–14 tuổi", "Phường Ô 1", "Trong bán kính 500 m", "Đặt lại"):
        assert words in said
    assert f'"href": "/map?disease=dengue&units={city["Ô 1"].id}&area=circle:106.7,10.7,500"' in said
    assert chips_of(app, sign_in, "disease=dengue").count("filter-chip") == 0


def test_small_curves_hold_every_commune_and_no_more_than_they_need(
    app: Dash, sign_in: SignIn, outbreak: int
) -> None:
    use_locale("vi")
    answer = run_callback(sign_in("manager"), app, "map-view-pane.children", {"map-query": "view=places"})
    store = next(
        child["props"]["data"]
        for child in answer.get_json()["response"]["map-view-pane"]["children"]["props"]["children"]
        if child["props"].get("id") == "places-data"
    )
    rows = {row[1]: row for row in store["rows"]}
    assert set(rows) == {f"Phường Ô {i}" for i in range(4)}
    assert sum(rows["Phường Ô 0"][8]) == rows["Phường Ô 0"][6] == 2
    assert rows["Phường Ô 0"][8][-2:] == [2, 0]
    assert len(rows["Phường Ô 3"][8]) == 52
    assert rows["Phường Ô 3"][4] == "unknown"
