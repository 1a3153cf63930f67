"""The page of the rule laboratory: a trial in the URL, what it does to the past, and how it is kept."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, select

from alerts.policy_models import PolicyVersion
from alerts.policy_store import policy_in_force, read, record_shipped
from alerts.rules import shipped_text
from db import session_scope
from surveillance.outbreaks.profiles import DEFAULT_PATH, load_profiles
from tests.emptying import truncate
from tests.outbreak_cases import HCDC, PROFILES
from tests.test_dashboard import Site, browser_type_launch_args, sign_in, site, visitor
from tests.web_city import NOW, Place, city, settings
from tests.web_outbreak import outbreak
from web.workbench.lab_draft import toml_of
from web.workbench.lab_trial import LEAST_DAYS, MOST_DAYS, PARAMETERS, Trial, refusal, tried
from web.workbench.lab_view import Shift, shift

__all__ = ["browser_type_launch_args", "city", "outbreak", "settings", "site", "visitor"]
"""Fixtures."""

TODAY = date(2026, 11, 22)
DISEASES = ("dengue", "hfmd")
DAYS = st.dates(date(2026, 1, 1), TODAY)


@st.composite
def trials(draw: st.DrawFn) -> Trial:
    first, last = sorted([draw(DAYS), draw(DAYS)])
    return Trial.parse(
        Trial(
            disease=draw(st.sampled_from(DISEASES)),
            first=first,
            last=last,
            at=draw(DAYS),
            profile=draw(st.dictionaries(st.sampled_from(sorted(PARAMETERS)), st.integers(50, 60))),
            rules=draw(
                st.dictionaries(
                    st.sampled_from(["rule.farrington.min_observed", "hold.3"]), st.integers(0, 99)
                )
            ),
        ).query(),
        DISEASES,
        TODAY,
    )


@given(trials())
def test_the_url_holds_the_whole_trial(trial: Trial) -> None:
    assert Trial.parse(trial.query(), DISEASES, TODAY) == trial


@given(st.text(max_size=20))
def test_any_url_is_a_trial(query: str) -> None:
    trial = Trial.parse(f"radius={query}&from={query}&rules=rule.x:{query}&{query}", DISEASES, TODAY)

    assert LEAST_DAYS <= (trial.last - trial.first).days + 1 <= MOST_DAYS
    assert trial.first <= trial.at <= trial.last <= TODAY


def test_numbers_that_contradict_one_another_are_refused_in_words() -> None:
    assert refusal(HCDC) is None
    assert "Hai ca đầu" in str(refusal(tried(HCDC, {"seed_days": 40})))
    assert "bán kính" in str(refusal(tried(HCDC, {"radius_m": 800})))


def test_a_disease_linked_by_school_only_gets_no_radius() -> None:
    assert tried(PROFILES["MEASLES"], {"radius_m": 300, "min_cases": 3}).radius_m is None


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (None, 5, Shift(kind="new")),
        (5, None, Shift(kind="gone")),
        (5, 3, Shift(kind="earlier", days=-2)),
        (5, 9, Shift(kind="later", days=4)),
        (5, 5, Shift(kind="same", days=0)),
    ],
)
def test_what_a_trial_does_to_one_outbreak(old: int | None, new: int | None, found: Shift) -> None:
    assert shift(old, new, lambda day: date(2026, 6, day)) == found


def test_the_profile_handed_over_is_read_back_as_it_was_tried(tmp_path: Path) -> None:
    trial = Trial.parse("radius=300&close=21", DISEASES, TODAY)
    wanted = tried(HCDC, trial.profile)
    text, _comment, deployment = toml_of(HCDC, wanted, trial).partition("# deployment.toml")
    file = tmp_path / "profiles.toml"
    file.write_text(DEFAULT_PATH.read_text(encoding="utf-8") + "\n" + text, encoding="utf-8")

    code = tomllib.loads(deployment)["outbreak_profiles"]["dengue"]
    made = load_profiles(file)[code]
    assert replace(wanted, code=code, default=False, name_vi=made.name_vi, name_en=made.name_en,
                   sources=made.sources) == made  # fmt: skip
    assert "radius_m 200 -> 300" in made.sources["link"]


# In the browser


@pytest.fixture
def ruled(engine: Engine) -> Iterator[None]:
    with session_scope(engine) as session:
        record_shipped(session, shipped_text(), NOW)
    yield
    truncate(engine, "policy_preview, policy_version")


def test_an_analyst_tries_a_number_sees_what_goes_and_keeps_a_threshold_as_a_draft(
    visitor: Page, site: Site, engine: Engine, outbreak: int, ruled: None
) -> None:
    sign_in(visitor, site, "analyst")
    visitor.wait_for_url(lambda url: "/login" not in url)
    visitor.goto(f"{site.url}/lab")
    expect(visitor.locator(".lab-summary")).to_contain_text("Chưa đổi con số nào")
    expect(visitor.locator(".lab-tiles")).to_contain_text("3 ca")

    least = visitor.get_by_role("textbox", name="Số ca ít nhất (ca)")
    least.fill("4")
    least.press("Tab")
    expect(visitor.locator(".lab-summary")).to_contain_text("0 mới xuất hiện, 1 không còn")
    expect(visitor).to_have_url(re.compile("least=4"))
    row = visitor.locator("#lab-tables tbody tr")
    expect(row).to_contain_text("Không còn")
    expect(row.get_by_role("link")).to_have_attribute("href", f"/outbreaks?id={outbreak}")

    visitor.get_by_role("slider", name="Bán kính nối ca").press("ArrowLeft")
    expect(visitor).to_have_url(re.compile("radius=190"))
    expect(visitor.get_by_role("textbox", name="Bán kính nối ca (m)")).to_have_value("190 m")

    visitor.reload()
    expect(visitor.locator(".lab-summary")).to_contain_text("1 không còn")
    visitor.get_by_text("Ngưỡng của các mức nguy cơ").click()
    large = visitor.locator('input[id*="rule.outbreak-large.min_observed"]')
    large.fill("7")
    large.press("Tab")
    expect(visitor).to_have_url(re.compile("rules=rule.outbreak-large.min_observed:7"))
    visitor.reload()
    expect(large).to_have_value("7")
    expect(visitor.locator(".lab-summary")).to_contain_text("1 không còn")
    visitor.get_by_role("button", name="Lưu thành bản nháp").click()
    expect(visitor.locator("#lab-saved")).to_contain_text("một người khác sẽ duyệt")
    expect(visitor.locator("#lab-snippet")).to_contain_text("min_cases = 4")

    with session_scope(engine) as session:
        draft = session.scalars(select(PolicyVersion).where(PolicyVersion.state == "draft")).one()
        rules = {rule.id: rule.min_observed for rule in read(draft.text).rules}
        assert (rules["outbreak-large"], rules["outbreak-growing"]) == (7, 3)
        assert "least=4" in draft.note
        assert {rule.id: rule.min_observed for rule in policy_in_force(session).rules}["outbreak-large"] == 5
    assert site.complaints == []


def test_an_officer_has_no_laboratory(visitor: Page, site: Site, city: dict[str, Place]) -> None:
    sign_in(visitor, site, "officer")
    visitor.wait_for_url(lambda url: "/login" not in url)
    visitor.goto(f"{site.url}/lab")

    expect(visitor.get_by_text("không có quyền")).to_be_visible()
    expect(visitor.locator("#lab-results")).to_have_count(0)
