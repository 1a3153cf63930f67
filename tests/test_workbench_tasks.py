"""What an analyst does with the workbench all day, in a real Chromium: a test a task, from question to answer."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, text

from db import session_scope
from tests.test_dashboard import (
    TILES_LOADED,
    Site,
    browser_type_launch_args,
    click_on_map,
    sign_in,
    site,
    visitor,
)
from tests.web_city import Place, city, settings

__all__ = ["browser_type_launch_args", "city", "settings", "site", "visitor"]

CASES = """
SELECT setseed(0.5);
INSERT INTO epi_case (first_known_at) SELECT '2026-11-01Z' FROM generate_series(1, 300);
INSERT INTO case_report (run_id, row, case_id, content_hash, known_at, facts)
SELECT (SELECT max(id) FROM ingest_run), id, id, '-', '2026-11-01Z', '{}' FROM epi_case;
WITH m AS MATERIALIZED (
    SELECT id, date '2026-11-20' - floor(60 * random() ^ 2)::int AS day, random() AS a, random() AS b,
           1 + floor(4 * random() ^ 2)::int AS k FROM epi_case
)
INSERT INTO case_version (case_id, report_id, known_from, disease, classification, treatment, event_date, date_onset,
    date_report, sex, age_years, unit_id, place_level, place_rule, place_estimated, geom, uncertainty_m)
SELECT m.id, p.id, m.day + interval '2 days', 'dengue', 'suspected', 'inpatient', m.day, m.day, m.day + 2,
    CASE WHEN m.a < 0.5 THEN 'M' ELSE 'F' END, floor(60 * m.b)::int, u.id, 'house', '', false,
    ST_SetSRID(ST_MakePoint(106.6 + 0.05 * (m.k - 1) + 0.01 + 0.03 * m.a, 10.71 + 0.03 * m.b), 4326), 30
FROM m JOIN case_report p ON p.case_id = m.id
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS k FROM admin_unit WHERE level = 'commune') u ON u.k = m.k
"""


@pytest.fixture(scope="module", autouse=True)
def cases(engine: Engine, city: dict[str, Place]) -> None:
    with session_scope(engine) as session:
        for statement in CASES.split(";\n"):
            session.execute(text(statement))


@pytest.fixture
def analyst(visitor: Page, site: Site) -> Page:
    sign_in(visitor, site, "analyst")
    expect(visitor.get_by_text("Ca trong 7 ngày")).to_be_visible()
    return visitor


def number_of_cases(page: Page) -> int:
    """As the line list says it."""
    said = page.locator(".cases-head p").inner_text()
    found = re.search(r"[\d.]+", said)
    assert found is not None
    return int(found[0].replace(".", ""))


def test_which_commune_is_high_and_why_and_what_was_known_on_a_past_day(
    analyst: Page, site: Site, city: dict[str, Place]
) -> None:
    click_on_map(analyst, 106.625, 10.725)
    panel = analyst.locator("#map-panel")
    expect(panel.get_by_role("heading", name="Phường Ô 0")).to_be_visible()
    expect(panel.get_by_text("Rất cao").first).to_be_visible()
    analyst.goto(f"{site.url}/map?disease=dengue&unit={city['Ô 0'].id}&on=2026-11-20")
    expect(analyst.get_by_text("Như đã biết cuối ngày 20/11/2026")).to_be_visible()
    expect(panel.get_by_role("heading", name="Phường Ô 0")).to_be_visible()
    expect(panel.locator(".badge-row").first).to_contain_text("Chưa rõ")
    assert site.complaints == []


def test_the_second_clock_moves_by_keys_and_everything_follows(analyst: Page, site: Site) -> None:
    thumb = analyst.get_by_role("slider", name="Xem những gì đã biết đến cuối ngày")
    thumb.focus()
    for _press in range(3):
        thumb.press("ArrowLeft")
    expect(analyst).to_have_url(re.compile(r"on=2026-11-19"))
    expect(analyst.get_by_text("Như đã biết cuối ngày 19/11/2026")).to_be_visible()
    expect(analyst.locator("#time-last-text")).to_have_text("19/11/2026")
    analyst.go_back()
    expect(analyst.get_by_text("Như đã biết cuối ngày 20/11/2026")).to_be_visible()
    assert site.complaints == []


def test_how_many_girls_under_fifteen_and_who_is_told_the_same_by_the_link(analyst: Page, site: Site) -> None:
    analyst.goto(f"{site.url}/map?disease=dengue&view=cases&days=90")
    everyone = number_of_cases(analyst)
    analyst.locator("#f-sex").get_by_text("Nữ").click()
    expect(analyst).to_have_url(re.compile("sex=female"))
    analyst.locator("#f-age").click()
    analyst.get_by_role("option", name="0–14 tuổi").click()
    expect(analyst).to_have_url(re.compile("age=0-14"))
    expect(analyst.locator("#map-chips")).to_contain_text("0–14")
    expect(analyst.locator("#case-grid .ag-row").first).to_be_visible()
    girls, link = number_of_cases(analyst), analyst.url
    assert 0 < girls < everyone
    analyst.goto(link)
    expect(analyst.locator(".cases-head p")).to_contain_text(f"{girls} ca")
    analyst.locator("#map-reset").click()
    expect(analyst).to_have_url(f"{site.url}/map?view=cases")
    assert site.complaints == []


def test_a_radius_drawn_by_keyboard_narrows_everything(analyst: Page, site: Site) -> None:
    analyst.goto(f"{site.url}/map?disease=dengue&days=90")
    analyst.evaluate(TILES_LOADED)
    analyst.get_by_role("button", name="Chọn vùng theo bán kính").click()
    expect(analyst.locator(".epimap-hint")).to_be_visible()
    for key in ("Enter", "ArrowUp", "Enter"):
        analyst.keyboard.press(key)
    expect(analyst).to_have_url(re.compile(r"area=circle:106\.\d+,10\.\d+,\d+"))
    expect(analyst.locator("#map-chips")).to_contain_text("bán kính")
    analyst.locator("#map-view").get_by_text("Ca bệnh").click()
    assert 0 < number_of_cases(analyst) < 300
    analyst.locator("#map-chips .filter-chip", has_text="bán kính").get_by_role("link").click()
    expect(analyst).not_to_have_url(re.compile("area="))
    assert site.complaints == []


def test_several_communes_are_chosen_by_their_names_with_keys_alone(
    analyst: Page, site: Site, city: dict[str, Place]
) -> None:
    analyst.goto(f"{site.url}/map?view=cases&days=90")
    expect(analyst.locator(".cases-head p")).to_be_visible()
    everywhere = number_of_cases(analyst)
    several = analyst.locator("#f-units")
    for name in ("Ô 0", "Ô 2"):
        several.focus()
        analyst.keyboard.type(name)
        expect(analyst.get_by_role("option", name=f"Phường {name}")).to_be_visible()
        analyst.keyboard.press("ArrowDown")
        analyst.keyboard.press("Enter")
    units = f"{city['Ô 0'].id},{city['Ô 2'].id}"
    expect(analyst).to_have_url(re.compile(rf"units={units}"))
    expect(analyst.locator("#map-chips")).to_contain_text("Phường Ô 0, Phường Ô 2")
    assert 0 < number_of_cases(analyst) < everywhere
    analyst.goto(f"{site.url}/map?units={units}")
    expect(analyst.locator(".filter-panel .mantine-Pill-root")).to_have_count(2)
    analyst.locator("#f-units").focus()
    analyst.keyboard.press("Backspace")
    expect(analyst).to_have_url(re.compile(rf"units={city['Ô 0'].id}$"))
    assert site.complaints == []


def test_two_periods_side_by_side_and_the_bar_moved_by_keys(analyst: Page, site: Site) -> None:
    analyst.goto(f"{site.url}/map?disease=dengue&metric=rate&compare=to:2026-10-20")
    expect(analyst.locator(".epimap-caption").first).to_contain_text("22/11/2026")
    expect(analyst.locator(".epimap-caption").nth(1)).to_contain_text("20/10/2026")
    bar = analyst.locator(".epimap [role=slider]")
    before = float(bar.get_attribute("aria-valuenow") or 0)
    bar.focus()
    bar.press("ArrowRight")
    assert float(bar.get_attribute("aria-valuenow") or 0) > before
    assert site.complaints == []


def test_the_other_half_is_chosen_by_a_click_and_starts_with_the_period_before(
    analyst: Page, site: Site
) -> None:
    analyst.goto(f"{site.url}/map?disease=dengue&metric=rate")
    analyst.evaluate(TILES_LOADED)
    analyst.get_by_role("button", name="So sánh hai nửa bản đồ").click()
    halves = analyst.locator(".epimap-caption")
    analyst.get_by_role("radio", name="Với một kỳ khác").check()
    expect(analyst).to_have_url(re.compile("compare=to:2026-10-25"))
    expect(halves.first).to_contain_text("26/10 – 22/11/2026")
    expect(halves.nth(1)).to_contain_text("28/09 – 25/10/2026")
    analyst.get_by_role("radio", name="Với điều đã biết một ngày khác").check()
    expect(halves.nth(1)).to_contain_text("Đã biết đến 15/11/2026")
    analyst.get_by_role("radio", name="Với một bệnh khác").check()
    expect(halves.first).to_have_text("Sốt xuất huyết Dengue")
    expect(halves.nth(1)).not_to_have_text("Sốt xuất huyết Dengue")
    analyst.get_by_role("radio", name="Không so sánh").check()
    expect(halves).to_have_count(0)
    assert site.complaints == []


def test_own_breaks_cut_map_and_legend_alike(analyst: Page, site: Site) -> None:
    analyst.goto(f"{site.url}/map?disease=dengue&metric=cases&days=90&classes=breaks:20,60")
    legend = analyst.locator("#map-legend")
    expect(legend.get_by_text("20–59")).to_be_visible()
    expect(legend.get_by_text("từ 60")).to_be_visible()
    analyst.evaluate(TILES_LOADED)
    colours = analyst.evaluate("JSON.stringify(window.__epimap.map.map.getStyle().layers)")
    assert ',60,"#' in colours
    assert site.complaints == []


def test_the_weeks_run_by_themselves_and_stop_where_they_are(analyst: Page, site: Site) -> None:
    analyst.goto(f"{site.url}/map?disease=dengue&metric=cases")
    analyst.evaluate(TILES_LOADED)
    analyst.locator("#time-play").click()
    expect(analyst.locator("#time-play")).to_have_class(re.compile("is-playing"))
    expect(analyst.locator("#time-last-text")).not_to_have_text("22/11/2026")
    analyst.locator("#time-play").click()
    expect(analyst).to_have_url(re.compile(r"to=20\d\d-\d\d-\d\d"))
    to = re.search(r"to=(\d{4})-(\d\d)-(\d\d)", analyst.url)
    assert to is not None
    expect(analyst.locator("#time-last-text")).to_have_text(f"{to[3]}/{to[2]}/{to[1]}")
    assert site.complaints == []


def test_the_days_known_run_by_themselves_and_say_where_they_are(analyst: Page, site: Site) -> None:
    analyst.goto(f"{site.url}/map?disease=dengue&metric=cases")
    analyst.evaluate(TILES_LOADED)
    analyst.locator("#time-known-play").click()
    expect(analyst.locator("#time-known-text")).to_have_text(re.compile(r"\d\d/\d\d/20\d\d"))
    analyst.locator("#time-known-play").click()
    expect(analyst.locator("#time-known-text")).to_have_text("")
    expect(analyst).to_have_url(re.compile(r"on=20\d\d-\d\d-\d\d"))
    assert site.complaints == []


def test_from_a_number_to_its_cases(analyst: Page, site: Site) -> None:
    analyst.goto(f"{site.url}/map?disease=dengue&days=90&view=charts")
    number = analyst.locator(".top-areas td.num a").first
    expect(number).to_be_visible()
    cases = number.inner_text()
    number.click()
    expect(analyst).to_have_url(re.compile("view=cases"))
    expect(analyst.locator(".cases-head p")).to_contain_text(f"{cases} ca")
    assert site.complaints == []


def test_a_manager_sees_numbers_and_no_single_case(visitor: Page, site: Site) -> None:
    sign_in(visitor, site, "manager")
    visitor.goto(f"{site.url}/map?disease=dengue&days=90&view=cases")
    expect(visitor.locator("#map-view-pane")).to_contain_text("300")
    expect(visitor.locator("#case-grid")).to_have_count(0)
    assert site.complaints == []


def test_layers_are_put_on_made_paler_and_kept_in_the_link(analyst: Page, site: Site) -> None:
    analyst.get_by_role("tab", name="Lớp bản đồ").click()
    switch = analyst.get_by_role("switch", name="Ổ dịch")
    expect(switch).to_have_attribute("aria-checked", "true")
    switch.click()
    expect(analyst).to_have_url(re.compile("layers=none"))
    expect(switch).to_have_attribute("aria-checked", "false")
    analyst.go_back()
    expect(switch).to_have_attribute("aria-checked", "true")
    assert site.complaints == []
