"""The page that says whether alerts can be trusted, in a real Chromium."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, select

from alerts.budget import LINE, Point
from alerts.lifecycle import Kind
from alerts.models import ReplayRun
from alerts.policy_store import PolicyVersion, record_shipped
from alerts.rules import shipped_text
from alerts.scorecard import Planted, Recorded, Step, Truth, Where, rows_of, score
from db import session_scope
from scoring import row_json
from tests.test_dashboard import Site, browser_type_launch_args, sign_in, site, visitor
from tests.web_city import Place, city, settings

__all__ = ["browser_type_launch_args", "city", "settings", "site", "visitor"]
"""Fixtures."""

FIRST, LAST = date(2025, 1, 1), date(2025, 12, 31)


@pytest.fixture(scope="module")
def replayed(engine: Engine, city: dict[str, Place]) -> None:
    """A replay with two known outbreaks, of which a message sent at once caught one."""
    where = Where("dengue", city["Ô 0"].id)

    def planted(number: int, begin: int) -> Planted:
        first = FIRST + timedelta(days=begin)
        return Planted(
            id=number, disease="dengue", unit_ids=frozenset({where.unit_id}), first_onset=first,
            second_known=first + timedelta(days=6), last_onset=first + timedelta(days=20),
            last_known=first + timedelta(days=20), cases=9,
        )  # fmt: skip

    truth = Truth(planted=[planted(1, 30), planted(2, 200)])
    steps = [
        Step(day=FIRST + timedelta(days=40), where=where, kind=Kind.OPENED, level=3, calls="level"),
        Step(day=FIRST + timedelta(days=70), where=where, kind=Kind.ENDED, level=1),
    ]
    recorded = [
        Recorded(
            day=FIRST + timedelta(days=208), disease="dengue", unit_ids=frozenset({where.unit_id}),
            first_event=FIRST + timedelta(days=201),
        )
    ]  # fmt: skip
    card = score(steps, truth, recorded, first=FIRST, last=LAST, units=4)
    rows = rows_of(steps, truth, recorded, first=FIRST, last=LAST)
    points = [
        Point(
            name=step.name, per_week=40 / 2**n, caught=1.0, alarmed=0.95 - 0.07 * n, median_delay_days=2.0 + n / 2,
            precision=0.4 + 0.07 * n,
        )
        for n, step in enumerate(LINE)
    ]  # fmt: skip
    with session_scope(engine) as session:
        record_shipped(session, shipped_text(), datetime(2025, 1, 1, tzinfo=UTC))
        session.add(
            ReplayRun(
                schema="replay", first_day=FIRST, last_day=LAST, every=1, diseases=["dengue"], policy_version="2026.4",
                policy_hash="-", without=["scan"], started_at=datetime(2026, 1, 1, tzinfo=UTC), done_to=LAST,
                finished_at=datetime(2026, 1, 2, tzinfo=UTC),
                scorecard=card.to_json() | {"truth": True, "rows": [row_json(row) for row in rows]},
                curve={"points": [point.to_json() for point in points]},
            )
        )  # fmt: skip


def test_a_manager_reads_the_scorecard_and_hands_a_budget_over_as_a_draft(
    visitor: Page, site: Site, engine: Engine, replayed: None
) -> None:
    visitor.set_viewport_size({"width": 1440, "height": 900})
    sign_in(visitor, site, "manager")
    visitor.goto(f"{site.url}/scorecard?days=365")
    page = visitor.locator("#score-content")
    expect(page).to_contain_text("Cảnh báo mỗi tuần")
    expect(page).to_contain_text("100 % (2/2)")
    expect(page).to_contain_text("50 % (1/2)")
    page.get_by_text("Từng ổ dịch (2)").click()
    expect(page.get_by_text("10/02/2025").first).to_be_visible()

    expect(visitor.locator("#score-proposal")).to_contain_text("Nấc 3 trên 8")
    visitor.locator("#score-budget").fill("3")
    visitor.locator("#score-budget").blur()
    expect(visitor.locator("#score-proposal")).to_contain_text("Nấc 5 trên 8")
    visitor.get_by_role("button", name="Đưa thành bản nháp").click()
    expect(visitor.locator("#score-drafted")).to_contain_text("cần người thứ hai duyệt")
    with session_scope(engine) as session:
        draft = session.scalars(select(PolicyVersion).where(PolicyVersion.state == "draft")).one()
        assert f"min_observed = {LINE[4].least_cases['outbreak-large']}" in draft.text

    visitor.set_viewport_size({"width": 390, "height": 844})
    assert visitor.evaluate("document.documentElement.scrollWidth") <= 390
    assert site.complaints == []


def test_an_officer_has_no_such_page(visitor: Page, site: Site, replayed: None) -> None:
    sign_in(visitor, site, "officer")
    visitor.goto(f"{site.url}/scorecard")
    expect(visitor.get_by_text("không có quyền xem mục này")).to_be_visible()
