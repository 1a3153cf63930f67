"""The line of ever stricter policies: only its numbers change, and what fits a budget is the loosest that does."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

import alerts
from alerts.budget import LINE, Point, Strictness, proposed, with_strictness
from alerts.rules import parse_policy

SHIPPED = (Path(alerts.__file__).parent / "policy.toml").read_text(encoding="utf-8")


def numbers(text: str) -> dict[str, int | None]:
    return {rule.id: rule.min_observed for rule in parse_policy(text).rules}


def test_only_the_named_numbers_change() -> None:
    step = Strictness(
        name="x", least_cases={"outbreak-large": 9, "endemic-rt-above-1": 7, "no-such": 3}, level=4
    )
    before, after = numbers(SHIPPED), numbers(with_strictness(SHIPPED, step))

    assert {k: v for k, v in after.items() if v != before[k]} == {
        "outbreak-large": 9,
        "endemic-rt-above-1": 7,
    }
    assert parse_policy(with_strictness(SHIPPED, step)).routing.email_min_level == 4


def test_comments_stay_and_doing_it_again_changes_nothing() -> None:
    once = with_strictness(SHIPPED, LINE[4])
    comments = [line for line in SHIPPED.splitlines() if line.startswith("#")]
    assert [line for line in once.splitlines() if line.startswith("#")] == comments
    assert with_strictness(once, LINE[4]) == once


def test_each_step_can_be_read_and_none_is_looser_than_the_one_before() -> None:
    policies = [parse_policy(with_strictness(SHIPPED, step)) for step in LINE]
    assert len({policy.hash for policy in policies}) == len(LINE)
    for one, next_one in pairwise(LINE):
        assert all(one.least_cases[rule] <= next_one.least_cases[rule] for rule in one.least_cases)
        assert one.level <= next_one.level


def test_the_laws_own_rules_are_never_touched() -> None:
    law = {rule.id for rule in parse_policy(SHIPPED).rules if rule.status is not None}
    assert law and not law & set(LINE[0].least_cases)


def point(name: str, per_week: float) -> Point:
    return Point(name=name, per_week=per_week, caught=0.9, alarmed=0.8, median_delay_days=3.0, precision=0.7)


@pytest.mark.parametrize(("budget", "name"), [(100, "1"), (20, "2"), (19.9, "3"), (5, "3")])
def test_the_loosest_step_that_fits_is_proposed(budget: float, name: str) -> None:
    found = proposed([point("1", 30), point("2", 20), point("3", 5)], budget)
    assert found is not None and found.name == name


def test_no_step_fits_a_budget_below_the_strictest() -> None:
    assert proposed([point("1", 30), point("2", 5)], 4) is None
