"""The help page: every link to a method lands on words about it, a search finds them without accents, and a "?" beside
a figure, or the key, leads there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.test_dashboard import Site, browser_type_launch_args, sign_in, site, visitor
from tests.web_city import Place, city, settings
from web.pages.evidence import METHODS
from web.pages.help import SHORTCUTS, layout
from web.pages.help_topics import TOPICS
from web.pages.methods import method_files
from web.workbench.legend import METHODS_AT, method_link
from web.workbench.measures import MEASURES

__all__ = ["browser_type_launch_args", "city", "settings", "site", "visitor"]
"""Fixtures."""

ALL = len(TOPICS) + len(MEASURES) + len(SHORTCUTS)


def anchors(part: Any) -> Iterator[str]:
    """Ids of a component and of all within it."""
    if getattr(part, "id", None):
        yield part.id
    children = getattr(part, "children", None)
    for child in children if isinstance(children, list | tuple) else [children]:
        if child is not None and not isinstance(child, str):
            yield from anchors(child)


def test_every_anchor_is_there_once() -> None:
    assert [name for name, times in Counter(anchors(layout())).items() if times > 1] == []


@pytest.mark.parametrize("key", MEASURES)
def test_the_link_of_a_measure_leads_to_an_anchor(key: str) -> None:
    page, anchor = vars(method_link(MEASURES[key]))["href"].split("#")
    assert page == METHODS_AT == "/help"
    assert anchor in set(anchors(layout()))


def test_every_method_that_gives_evidence_is_explained() -> None:
    assert {page for _name, page in METHODS.values()} <= set(TOPICS)


def test_a_topic_leads_only_to_pages_that_exist() -> None:
    assert {topic.page for topic in TOPICS.values() if topic.page} <= set(method_files())


def test_the_legends_method_link_shows_the_method(visitor: Page, site: Site) -> None:
    sign_in(visitor, site, "analyst")
    visitor.goto(f"{site.url}/map?metric=rt&disease=dengue")
    visitor.locator("#map-legend").get_by_role("link", name="Cách tính").click()
    expect(visitor).to_have_url(f"{site.url}/help#reproduction")
    expect(visitor.locator("#reproduction")).to_be_in_viewport()
    expect(visitor.locator("#reproduction")).to_have_class(re.compile("is-target"))
    visitor.get_by_role("link", name="Phím tắt").click()
    expect(visitor.locator("#keys")).to_be_in_viewport()
    assert site.complaints == []


def test_the_search_needs_no_accents_and_says_when_nothing_is_found(visitor: Page, site: Site) -> None:
    sign_in(visitor, site, "officer")
    visitor.goto(f"{site.url}/help")
    topics, search = visitor.locator(".help-topic:visible"), visitor.get_by_role("searchbox")
    expect(topics).to_have_count(ALL)
    search.fill("bao cham 120")
    expect(topics).to_have_count(1)
    expect(topics.get_by_role("heading")).to_have_text("Kể cả báo chậm")
    search.fill("xyzt")
    expect(topics).to_have_count(0)
    expect(visitor.get_by_text("Không có mục nào khớp.")).to_be_visible()
    search.fill("")
    expect(topics).to_have_count(ALL)
    assert site.complaints == []


def test_an_anchor_leaves_header_and_navigation_in_place(visitor: Page, site: Site) -> None:
    sign_in(visitor, site, "analyst")
    visitor.goto(f"{site.url}/help#keys-review")
    expect(visitor.locator("#keys-review")).to_be_in_viewport()
    assert visitor.evaluate("document.documentElement.scrollHeight <= window.innerHeight")
    expect(visitor.locator(".app-header")).to_be_in_viewport(ratio=1)


def test_whoever_comes_by_an_anchor_sees_every_topic_again(visitor: Page, site: Site) -> None:
    sign_in(visitor, site, "analyst")
    visitor.goto(f"{site.url}/help")
    visitor.get_by_role("searchbox").fill("farrington")
    expect(visitor.locator("#levels")).to_be_hidden()
    visitor.get_by_role("link", name="Phím tắt").click()
    expect(visitor.locator("#keys-everywhere")).to_be_in_viewport()
    expect(visitor.get_by_role("searchbox")).to_have_value("")
    expect(visitor.locator(".help-topic:visible")).to_have_count(ALL)


def test_the_mark_beside_the_level_opens_its_words_and_leads_to_the_page(
    visitor: Page, site: Site, city: dict[str, Place]
) -> None:
    sign_in(visitor, site, "analyst")
    visitor.goto(f"{site.url}/map?disease=dengue&unit={city['Ô 0'].id}")
    visitor.get_by_label("Giải thích: Mức nguy cơ").click()
    box = visitor.locator(".help-mark[open] .help-box")
    expect(box).to_contain_text("Bốn mức: ● Thấp")
    visitor.keyboard.press("Escape")
    expect(box).to_have_count(0)
    visitor.get_by_label("Giải thích: Mức nguy cơ").click()
    box.get_by_role("link", name="Xem thêm").click()
    expect(visitor).to_have_url(f"{site.url}/help#levels")
    expect(visitor.locator("#levels")).to_be_in_viewport()
    assert site.complaints == []


def test_the_key_leads_to_the_keys_but_not_while_one_types(visitor: Page, site: Site) -> None:
    sign_in(visitor, site, "analyst")
    expect(visitor.get_by_text("Ca trong 7 ngày")).to_be_visible()
    visitor.get_by_placeholder("Tìm theo tên").press("?")
    expect(visitor).to_have_url(re.compile("/map"))
    visitor.get_by_placeholder("Tìm theo tên").blur()
    visitor.keyboard.press("?")
    expect(visitor).to_have_url(f"{site.url}/help#keys")
    expect(visitor.locator("#keys")).to_be_in_viewport()
    assert site.complaints == []
