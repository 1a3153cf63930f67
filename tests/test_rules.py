"""The language of the level policy: which disease a rule is for, which numbers it compares, and what it refuses."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.levels import Level
from alerts.policy import AreaState, Decision, decide
from alerts.rules import Policy, PolicyError, default_policy, parse_policy
from i18n import Message
from surveillance.diseases import load_catalogue
from surveillance.types import Frequency, Signal, StatutoryStatus

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
CODES = frozenset(disease.code for disease in load_catalogue())
HEAD = """
version = "t"
[floor]
min_cases = 3
level = 2
[fall]
period_days = 7
hold_days = { 2 = 7, 3 = 7, 4 = 14 }
"""
HEAD_LINES = len(HEAD.splitlines())


def rule(*lines: str, id: str = "one", method: str = "scan", level: int = 2) -> str:
    """A rule whose own `lines` begin on its sixth line."""
    head = ["[[rule]]", f'id = "{id}"', 'regime = "any"', f'method = "{method}"', f"level = {level}"]
    given = "\n".join(lines)
    return "\n".join([*head, *lines, *([] if "needs" in given else ['needs = "x"'])]) + "\n"


def policy(*rules: str, head: str = HEAD, **options: Any) -> Policy:
    return parse_policy(head + "".join(rules), **options)


def signal(method: str = "scan", **changes: Any) -> Signal:
    base: dict[str, Any] = {
        "disease": "dengue", "unit_id": 1, "method": method, "method_version": "1",
        "frequency": Frequency.DAY, "period_start": date(2026, 11, 16), "as_of": NOW,
        "observed": 4.0, "expected": None, "upperbound": None, "alarm": True, "reason": Message("Có 4 ca."),
    }  # fmt: skip
    return Signal(**(base | changes))


def decided(found: Policy, *evidence: Signal, **options: Any) -> Decision:
    return decide(None, list(evidence), found, NOW, **{"disease_group": "B", "endemic": True, **options})


# What a rule may say


def test_a_rule_may_be_for_some_diseases_only() -> None:
    found = policy(rule("alarm = true", 'diseases = ["zika", "dengue"]'), diseases=CODES)

    assert decided(found, signal(disease="dengue")).level is Level.TRUNG_BINH
    assert decided(found, signal(disease="measles")).level is Level.THAP


def test_or_for_all_but_some() -> None:
    found = policy(rule("alarm = true", 'except = ["dengue"]'), diseases=CODES)

    assert decided(found, signal(disease="dengue")).level is Level.THAP
    assert decided(found, signal(disease="measles")).level is Level.TRUNG_BINH


def test_what_is_not_for_the_disease_is_not_named_as_a_way_up() -> None:
    found = policy(rule("alarm = true", 'except = ["dengue"]', 'needs = "có cụm ca"'))

    assert str(decided(found, disease="dengue").why_not_higher) == "Đây là mức cao nhất."
    assert "có cụm ca" in str(
        decided(found, signal(disease="zika", alarm=False, upperbound=9.0)).why_not_higher
    )


@pytest.mark.parametrize(
    ("method", "condition", "detail", "fires"),
    [
        ("scan", "at_least = { recurrence_days = 365 }", {"recurrence_days": 365}, True),
        ("scan", "at_least = { recurrence_days = 365 }", {"recurrence_days": 364}, False),
        ("scan", "at_least = { recurrence_days = 365 }", {}, False),
        ("vector", "at_least = { di = 0.5 }", {"di": 0.5}, True),  # domain.md §2.4: DI ≥ 0.5
        ("vector", "at_least = { di = 0.5 }", {"di": 0.49}, False),
        ("vector", "at_least = { di = 0.5 }", {"di": None}, False),
        ("vector", "at_least = { bi = 30 }", {"bi": 30.0}, True),  # BI ≥ 30
        ("vector", "at_least = { bi = 30 }", {"bi": 29.9}, False),
        ("vector", "at_least = { bi = 30 }\nat_most = { survey_days = 14 }", {"bi": 40, "survey_days": 15}, False),
        ("rt", "at_least = { above_one = 0.95 }", {"above_one": [0.95, 0.99]}, True),  # §1.6: P(Rt > 1) > 0.95
        ("rt", "at_least = { above_one = 0.95 }", {"above_one": [0.99, 0.94]}, False),
        ("rt", "at_least = { above_one = 0.95 }", {"above_one": [None, 0.99]}, False),
        ("severity", "at_least = { deaths_14 = 1 }", {"deaths_14": 1}, True),
        ("severity", "at_least = { deaths_14 = 1 }", {"deaths_14": True}, False),
        ("outbreak", "at_least = { observed = 4, age_days = 28 }", {"age_days": 28}, True),
        ("outbreak", "at_least = { observed = 5, age_days = 28 }", {"age_days": 28}, False),
    ],
)  # fmt: skip
def test_numbers_are_compared_and_a_missing_one_is_never_enough(
    method: str, condition: str, detail: dict[str, Any], fires: bool
) -> None:
    found = policy(rule(*condition.split("\n"), method=method))

    assert (decided(found, signal(method, detail=detail)).level is Level.TRUNG_BINH) == fires


@pytest.mark.parametrize(
    ("observed", "upperbound", "fires"),
    [(12.0, 8.0, True), (11.9, 8.0, False), (12.0, None, False), (3.0, 0.0, False)],
)
def test_excess_is_the_count_over_its_limit(observed: float, upperbound: float | None, fires: bool) -> None:
    found = policy(rule("at_least = { excess = 1.5 }", method="farrington_flexible"))
    evidence = signal("farrington_flexible", observed=observed, upperbound=upperbound)

    assert bool(decided(found, evidence).fired) == fires


def test_the_sentence_takes_its_numbers_from_the_rule_and_says_how_far_it_is() -> None:
    found = policy(
        rule("at_least = { recurrence_days = 1000 }", 'needs = "có cụm hiếm tới {recurrence_days} ngày"')
    )

    decision = decided(found, signal(detail={"recurrence_days": 400}))

    assert str(decision.why_not_higher) == (
        "Lên mức Trung bình khi: có cụm hiếm tới 1.000 ngày"
        " (hiện nay số ngày ngẫu nhiên mới có một cụm như vậy: 400)."
    )


def test_a_disease_may_fall_more_slowly_than_the_others() -> None:
    slow = "[fall.diseases.measles]\nperiod_days = 14\nhold_days = { 2 = 21, 3 = 21, 4 = 42 }\n"
    found = policy(rule("alarm = true"), head=HEAD + slow, diseases=CODES)
    orange = AreaState(level=Level.CAO, since=NOW - timedelta(days=30), below_since=NOW - timedelta(days=20))
    quiet = [signal(alarm=False, upperbound=9.0)]

    def level(disease: str, days: int) -> Level:
        now, where = NOW + timedelta(days=days), {"disease_group": "B", "endemic": True}
        return decide(orange, quiet, found, now, disease=disease, **where).level  # type: ignore[arg-type]

    assert (level("dengue", 0), level("measles", 0), level("measles", 1)) == (2, 3, 2)


def test_a_commune_that_fell_silent_is_unknown_and_says_since_when() -> None:
    head = HEAD + "[silence]\nleast_days = 7\nchance = 0.001\n"
    reason = Message("Đã 9 ngày không có báo cáo nào.")
    calm = signal("statutory_week", status=StatutoryStatus.NONE, alarm=False)

    def decision(head: str, days: int, chance: float) -> Decision:
        still = signal("silence", alarm=False, reason=reason, detail={"days": days, "chance": chance})
        return decided(policy(rule("alarm = true"), head=head), calm, still)

    assert decision(head, 9, 0.0004).unknown
    assert decision(head, 9, 0.0004).reasons == (reason,)
    assert not decision(head, 6, 0.0004).unknown
    assert not decision(head, 9, 0.002).unknown
    assert not decision(HEAD, 9, 0.0004).unknown  # a policy that does not speak of it decides as ever


# What it refuses


@pytest.mark.parametrize(
    ("lines", "line", "says"),
    [
        (["alarm = true", 'diseases = ["dengu"]'], 7, "không có bệnh “dengu”; có: chikungunya, cholera, dengue"),
        (["alarm = true", 'diseases = "dengue"'], 7, "phải là danh sách"),
        (["alarm = true", "diseases = []"], 7, "ít nhất một mục"),
        (["alarm = true", 'diseases = ["zika", "zika"]'], 7, "hai lần"),
        (["alarm = true", 'diseases = ["zika"]', 'except = ["dengue"]'], 8, "chỉ dùng một trong hai"),
        (["alarm = true", f"except = {sorted(CODES)}"], 7, "không bao giờ có tác dụng"),
        (["at_least = { recurence_days = 365 }"], 6, "“recurence_days”; có: observed"),
        (["at_least = { recurrence_days = true }"], 6, "phải là số"),
        (["at_least = { recurrence_days = inf }"], 6, "phải là số"),
        (["at_least = 3"], 6, "phải là bảng"),
        (["at_least = {}"], 6, "ít nhất một số"),
        (["min_observed = 5", "at_most = { observed = 4 }"], 7, "vừa từ 5 trở lên vừa từ 4 trở xuống"),
        (["min_observed = -1"], 6, "từ 0 trở lên"),
        (['status = "warning"'], 6, "phương pháp scan không bao giờ cho “warning”"),
        (['flag = "above_2sd"'], 6, "không bao giờ cho “above_2sd”"),
        (["alarm = true", 'threshold = "upper"'], 7, "không bao giờ cho “upper”"),
        (["alarm = true", 'needs = "từ {recurrence_days} ngày"'], 7, "con số của chính quy tắc này"),
        (["alarm = true", 'needs = "từ { ngày"'], 7, "con số của chính quy tắc này"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_meant_names_its_line(lines: list[str], line: int, says: str) -> None:
    with pytest.raises(PolicyError) as error:
        policy(rule(*lines), diseases=CODES)

    assert f"dòng {HEAD_LINES + line}," in str(error.value)
    assert says in str(error.value)


def test_an_unknown_method_names_those_there_are() -> None:
    with pytest.raises(PolicyError, match=f"dòng {HEAD_LINES + 4},.*climate.*scan"):
        policy(rule("alarm = true", method="scann"))


@pytest.mark.parametrize(
    ("method", "line", "says"),
    [
        ("climate", "alarm = true", "climate không bao giờ cho “True”"),
        ("statutory_week", 'status = "epidemic"', "có: insufficient, none, warning"),
        ("statutory_month", 'status = "warning"', "có: ended, epidemic, insufficient, none"),
    ],
)
def test_what_a_method_never_says_can_never_fire(method: str, line: str, says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        policy(rule(line, method=method))


def test_level_1_asks_for_nothing() -> None:
    with pytest.raises(PolicyError, match="mức thấp nhất"):
        policy(rule("alarm = true", level=1))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (rule("alarm = true", level=3), rule("alarm = true", id="two")),
        (rule("min_observed = 3"), rule("min_observed = 5", id="two")),
        (
            rule("at_least = { recurrence_days = 100 }"),
            rule("at_least = { recurrence_days = 365 }", id="two"),
        ),
        (rule("alarm = true"), rule("alarm = true", "at_most = { observed = 9 }", id="two")),
        (rule("alarm = true"), rule("alarm = true", 'diseases = ["dengue"]', id="two")),
        (
            rule("alarm = true", 'except = ["zika"]'),
            rule("alarm = true", 'except = ["zika", "dengue"]', id="two"),
        ),
        (rule("alarm = true"), rule("alarm = true", "display_floor = true", id="two")),
        (rule("alarm = true"), rule("alarm = true", id="two")),
    ],
)
def test_a_rule_behind_another_one_is_refused_wherever_it_stands(wide: str, narrow: str) -> None:
    for text in (wide + narrow, narrow + wide):
        with pytest.raises(PolicyError, match=r"không bao giờ có tác dụng: “(one|two)”"):
            parse_policy(HEAD + text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (rule("min_observed = 3"), rule("min_observed = 5", id="two", level=3)),
        (
            rule("alarm = true", 'diseases = ["zika"]'),
            rule("alarm = true", 'diseases = ["dengue"]', id="two"),
        ),
        (rule("at_most = { observed = 9 }", level=3), rule("at_most = { observed = 12 }", id="two")),
        (rule("alarm = true", "display_floor = true", level=3), rule("alarm = true", id="two")),
        (rule("alarm = true"), rule("min_observed = 2", id="two")),
    ],
)
def test_rules_that_both_have_their_moment_stay(one: str, other: str) -> None:
    assert len(policy(one, other).rules) == 2


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("3 = 7, 4 = 14", "3 = 5, 4 = 14", 8, "mức 3 không được giữ ngắn hơn"),
        ("4 = 14", "4 = 400", 8, "từ 0 đến 366"),
        ("period_days = 7", "period_days = 1000", 7, "từ 1 đến 366"),
        ("4 = 14 }", "4 = 14 }\n[fall.diseases.measels]\nperiod_days = 7", 9, "không có bệnh “measels”"),
        ("4 = 14 }", "4 = 14 }\n[fall.diseases.measles]\nperiod_days = 0", 10, "từ 1 đến 366"),
        ("4 = 14 }", "4 = 14 }\n[silence]\nleast_days = 0", 10, "từ 1 đến 366"),
        ("4 = 14 }", "4 = 14 }\n[silence]\nleast_days = 7\nchance = 1", 11, "lớn hơn 0 và nhỏ hơn 1"),
    ],
)  # fmt: skip
def test_holds_and_silence_that_make_no_sense(old: str, new: str, line: int, says: str) -> None:
    with pytest.raises(PolicyError) as error:
        policy(rule("alarm = true"), head=HEAD.replace(old, new), diseases=CODES)

    assert f"dòng {line}," in str(error.value)
    assert says in str(error.value)


# Policies that were in force


def test_the_policy_that_ships_knows_every_disease_it_names() -> None:
    text = (Path(__file__).parents[1] / "alerts" / "policy.toml").read_text(encoding="utf-8")

    assert parse_policy(text, diseases=CODES) == default_policy()


def test_an_old_policy_still_reads_and_has_the_hash_that_alerts_were_stored_with() -> None:
    text = (Path(__file__).parent / "policies" / "2026-3.toml").read_text(encoding="utf-8")
    old = parse_policy(text, diseases=CODES)

    assert old.hash == "20051fad98890cedcd6ac677c7582c78af92a323a6bf4b93441ddc0f19536705"
    assert (len(old.rules), old.silence, old.falls) == (17, None, {})
