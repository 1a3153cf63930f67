"""Choosing the boundaries of another time in a real Chromium."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from db import session_scope
from tests.release_city import ReleaseCity, make_city
from tests.test_dashboard import Site, browser_type_launch_args, click_on_map, sign_in, site, visitor
from tests.web_city import Place, city, settings

__all__ = ["browser_type_launch_args", "city", "settings", "site", "visitor"]
"""Fixtures."""


@pytest.fixture(scope="module")
def wards(engine: Engine, city: dict[str, Place]) -> ReleaseCity:
    with session_scope(engine) as session:
        return make_city(session)


def test_an_analyst_chooses_older_boundaries_clicks_a_ward_and_goes_to_what_it_became(
    visitor: Page, site: Site, wards: ReleaseCity
) -> None:
    sign_in(visitor, site, "analyst")
    visitor.get_by_role("tab", name="Lớp bản đồ").click()
    visitor.locator("#map-release").click()
    visitor.get_by_role("option", name="2019 (4)").click()
    expect(visitor).to_have_url(re.compile(r"release=2019-04-01"))
    expect(visitor.get_by_text("Ranh giới từ 01/04/2019").first).to_be_visible()
    click_on_map(visitor, 106.625, 10.705)
    panel = visitor.locator("#map-panel")
    expect(panel.get_by_role("heading", name="Phường C")).to_be_visible()
    expect(panel.get_by_text("01/04/2019 – 31/12/2024")).to_be_visible()
    panel.get_by_role("link", name="Phường Y").click()
    expect(panel.get_by_role("heading", name="Phường Y")).to_be_visible()
    expect(visitor).to_have_url(re.compile(rf"/map\?unit={wards['Y']}$"))
    expect(panel.get_by_text("Trước 01/07/2025 là")).to_be_visible()
    assert site.complaints == []


def test_colours_and_boundaries_stay_in_the_link_and_reset_clears_them(
    visitor: Page, site: Site, wards: ReleaseCity
) -> None:
    sign_in(visitor, site, "analyst")
    visitor.goto(f"{site.url}/map?release=2019-04-01&metric=rate")
    visitor.get_by_role("tab", name="Lớp bản đồ").click()
    expect(visitor.locator("#map-release")).to_have_value("2019 (4)")
    expect(visitor.locator("#map-metric")).to_have_value("Ca trên 100.000 dân")
    expect(visitor.locator("#map-legend")).to_contain_text("Ca trên 100.000 dân, 28 ngày")
    visitor.get_by_role("tab", name="Bộ lọc").click()
    visitor.get_by_role("button", name="Đặt lại").click()
    expect(visitor).to_have_url(f"{site.url}/map")
    expect(visitor.locator("#map-legend")).to_contain_text("Mức nguy cơ")
    assert site.complaints == []


def test_the_table_of_an_older_release_names_districts_and_estimates(
    visitor: Page, site: Site, wards: ReleaseCity
) -> None:
    sign_in(visitor, site, "analyst")
    visitor.goto(f"{site.url}/map?release=2019-04-01&view=table")
    expect(visitor.get_by_role("columnheader", name="Ước tính, %")).to_be_visible()
    expect(visitor.get_by_role("gridcell", name="Phường D")).to_be_visible()
    assert site.complaints == []
