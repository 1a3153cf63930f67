"""Choosing what the map is coloured by, and into which classes, in a real Chromium."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from db import session_scope
from tests.line_list import Sick, add_cases, add_file
from tests.test_dashboard import Site, browser_type_launch_args, sign_in, site, visitor
from tests.web_city import NOW, Place, city, settings

__all__ = ["browser_type_launch_args", "city", "settings", "site", "visitor"]
"""Fixtures."""

CASES = {"Ô 0": 12, "Ô 1": 6, "Ô 2": 1}


@pytest.fixture(scope="module")
def cases(engine: Engine, city: dict[str, Place]) -> None:
    with session_scope(engine) as session:
        run = add_file(session, "hcdc_dengue", NOW - timedelta(hours=1))
        for name, number in CASES.items():
            days = [NOW.date() - timedelta(days=1 + i) for i in range(number)]
            add_cases(session, run, [Sick(day=day, unit_id=city[name].id) for day in days])
            add_cases(session, run, [Sick(day=NOW.date() - timedelta(days=90), unit_id=city[name].id)])


def test_an_analyst_colours_the_map_by_cases_with_breaks_of_her_own(
    visitor: Page, site: Site, cases: None
) -> None:
    sign_in(visitor, site, "analyst")
    visitor.goto(f"{site.url}/map?disease=dengue")
    visitor.get_by_role("tab", name="Lớp bản đồ").click()
    visitor.locator("#map-metric").click()
    visitor.get_by_role("option", name="Số ca", exact=True).click()
    legend = visitor.locator("#map-legend")
    expect(legend).to_contain_text("Số ca, 28 ngày")
    breaks = visitor.get_by_role("textbox", name="Các mốc")
    expect(breaks).to_have_value(re.compile(r"\d"))
    breaks.fill("6; 12")
    breaks.press("Enter")
    expect(visitor).to_have_url(re.compile(r"metric=cases&classes=breaks:6,12$"))
    expect(legend).to_contain_text(re.compile(r"từ 12\s*1\s*6–11\s*1"))

    breaks.fill("9; 3")
    breaks.press("Enter")
    expect(visitor.locator("#map-measure")).to_contain_text("Các mốc phải tăng dần")
    expect(breaks).to_have_value("9; 3")

    visitor.get_by_role("textbox", name="Cách chia nhóm").click()
    visitor.get_by_role("option", name="Đều khoảng").click()
    expect(visitor).to_have_url(re.compile(r"classes=equal:5$"))
    visitor.locator("#map-legend").get_by_role("link", name="Cách tính").click()
    expect(visitor).to_have_url(f"{site.url}/help#measure-cases")
    expect(visitor.locator("#measure-cases")).to_be_in_viewport()
    assert site.complaints == []
