"""What a level does with its evidence (domain.md §1.5, §8): rises at once, falls in steps, says why."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.levels import (
    CAP_SEVERITY,
    COLOURS,
    NAMES,
    SYMBOLS,
    THEMES,
    UNKNOWN,
    Level,
    Theme,
    css_variables,
    name,
)
from alerts.policy import AreaState, Change, Decision, decide
from alerts.rules import Policy, PolicyError, default_policy, parse_policy
from i18n import Message
from surveillance.types import Frequency, Signal, StatutoryStatus

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
POLICY = default_policy()
STATUS = StatutoryStatus
SHOWN = (*Level, UNKNOWN)


def signal(method: str = "statutory_week", **changes: Any) -> Signal:
    base: dict[str, Any] = {
        "disease": "dengue", "unit_id": 1, "method": method, "method_version": "1",
        "frequency": Frequency.WEEK, "period_start": date(2026, 11, 16), "as_of": NOW,
        "observed": 12.0, "expected": 5.0, "upperbound": 8.0, "alarm": False,
        "reason": Message("Tuần này chưa có ca nào."),
        "status": STATUS.NONE if method.startswith("statutory") else None,
    }  # fmt: skip
    return Signal(**(base | changes))


def week(status: StatutoryStatus = STATUS.WARNING, **changes: Any) -> Signal:
    return signal("statutory_week", status=status, **changes)


def month(status: StatutoryStatus = STATUS.EPIDEMIC, **changes: Any) -> Signal:
    return signal("statutory_month", status=status, frequency=Frequency.MONTH, **changes)


RISING = {"above_one": [0.95, 0.99]}
QUIET = [week(STATUS.NONE), month(STATUS.NONE)]


def endemic(
    state: AreaState | None, evidence: list[Signal], now: datetime = NOW, *, silent: bool = False
) -> Decision:
    return decide(state, evidence, POLICY, now, disease_group="B", endemic=True, silent=silent)


def at(level: Level, **changes: Any) -> AreaState:
    return AreaState(level=level, since=NOW - timedelta(days=30), **changes)


@pytest.mark.parametrize(
    ("evidence", "level"),
    [
        (QUIET, Level.THAP),
        ([week()], Level.TRUNG_BINH),
        ([week(detail={"above_2sd": True})], Level.CAO),
        ([month()], Level.RAT_CAO),
        ([month(), week(), signal("ears_c2", alarm=True)], Level.RAT_CAO),
        ([signal("ears_c2", alarm=True)], Level.TRUNG_BINH),
        ([signal("outbreak", alarm=True, observed=5.0)], Level.CAO),
        ([signal("outbreak", alarm=True, observed=4.0)], Level.TRUNG_BINH),
        ([signal("outbreak", alarm=True, observed=2.0)], Level.THAP),
        ([signal("rt", alarm=True, detail=RISING)], Level.CAO),
    ],
)
def test_endemic_diseases(evidence: list[Signal], level: Level) -> None:
    decision = endemic(None, evidence)

    assert decision.level is decision.raw_level is level
    assert decision.changed is (Change.NONE if level is Level.THAP else Change.RAISE)


@pytest.mark.parametrize(
    ("evidence", "level"),
    [
        ([week(STATUS.NONE, observed=0.0)], Level.THAP),
        ([week(STATUS.NONE, observed=2.0)], Level.TRUNG_BINH),
        ([month(STATUS.NONE, observed=2.0)], Level.TRUNG_BINH),
        ([week(STATUS.WARNING, observed=3.0)], Level.CAO),
        ([month(STATUS.EPIDEMIC, observed=5.0)], Level.RAT_CAO),
    ],
)
def test_diseases_not_endemic_here(evidence: list[Signal], level: Level) -> None:
    assert decide(None, evidence, POLICY, NOW, disease_group="B", endemic=False).level is level


@pytest.mark.parametrize(
    ("evidence", "level"),
    [
        ([week(STATUS.NONE, observed=0.0), month(STATUS.NONE, observed=0.0)], Level.THAP),
        ([week(STATUS.NONE, observed=0.0), month(STATUS.NONE, observed=1.0)], Level.TRUNG_BINH),
        ([week(STATUS.WARNING, observed=1.0)], Level.CAO),
        ([month(STATUS.EPIDEMIC, observed=2.0)], Level.RAT_CAO),
    ],
)
def test_group_a_diseases_have_no_display_floor(evidence: list[Signal], level: Level) -> None:
    assert decide(None, evidence, POLICY, NOW, disease_group="A", endemic=False).level is level


def test_case_8_one_case_where_there_never_was_one_shows_level_2_and_keeps_the_statutory_status() -> None:
    evidence = [week(observed=1.0, detail={"above_2sd": True}), month(observed=1.0)]
    decision = endemic(None, evidence)

    assert decision.level is Level.TRUNG_BINH
    assert decision.statutory is STATUS.EPIDEMIC
    assert "cần ít nhất 8 ca" in str(decision.why_not_higher)


@pytest.mark.parametrize(
    ("method", "observed", "level"),
    [
        ("farrington_flexible", 3.0, Level.TRUNG_BINH),
        ("farrington_flexible", 2.0, Level.THAP),
        ("rt", 30.0, Level.CAO),
        ("rt", 2.0, Level.TRUNG_BINH),
        ("hot_spot", 30.0, Level.THAP),
        ("moving_epidemic", 30.0, Level.THAP),
    ],
)
def test_statistical_methods_alone(method: str, observed: float, level: Level) -> None:
    """Farrington is early and may be wrong; growth for two weeks is Cao, few cases excepted; the rest informs."""
    evidence = signal(method, alarm=True, observed=observed, detail=RISING)
    assert endemic(None, [*QUIET, evidence]).level is level


def test_case_14_what_no_rule_names_moves_no_level() -> None:
    """Calls are signs to be looked into, not cases: without a rule for them no colour changes."""
    calls = signal("hotline", alarm=True, observed=30.0)
    before = endemic(at(Level.THAP), QUIET)
    after = endemic(at(Level.THAP), [*QUIET, calls])
    assert (after.level, after.changed) == (before.level, before.changed) == (Level.THAP, Change.NONE)


def test_two_cases_of_a_rare_disease_in_a_week_are_level_2_one_is_not() -> None:
    def found(observed: float) -> Level:
        unlinked = [week(STATUS.NONE, observed=0.0), month(STATUS.NONE, observed=0.0)]
        evidence = [*unlinked, signal("rare", alarm=True, observed=observed)]
        return decide(None, evidence, POLICY, NOW, disease_group="B", endemic=False).level

    assert (found(1.0), found(2.0)) == (Level.THAP, Level.TRUNG_BINH)


def test_the_communes_own_regime_goes_before_the_diseases() -> None:
    evidence = [week(STATUS.WARNING, observed=3.0, detail={"regime": "non_endemic"})]

    assert endemic(None, evidence).level is Level.CAO


def test_a_disease_may_have_its_own_display_floor() -> None:
    def level(disease: str, observed: float, display_floor: int | None) -> Level:
        evidence = [week(observed=observed, disease=disease)]
        return decide(
            None, evidence, POLICY, NOW, disease_group="B", endemic=True, display_floor=display_floor
        ).level

    assert level("measles", 2.0, 2) is Level.TRUNG_BINH  # the catalogue's, where the policy has none for it
    assert level("measles", 2.0, None) is Level.THAP
    assert level("dengue", 4.0, 3) is Level.THAP  # the policy's, which is higher
    assert level("dengue", 5.0, 3) is Level.TRUNG_BINH
    assert level("dengue", 5.0, 6) is Level.THAP  # the catalogue's, which is higher


def test_an_epidemic_by_the_month_is_red_from_eight_cases_and_below_it_an_alert_that_carries_the_duty() -> (
    None
):
    few, enough = endemic(None, [month(observed=7.0)]), endemic(None, [month(observed=8.0)])
    assert (few.level, few.statutory) == (Level.TRUNG_BINH, STATUS.EPIDEMIC)
    assert "cần ít nhất 8 ca" in str(few.why_not_higher)
    assert enough.level is Level.RAT_CAO


def test_a_week_above_2sd_is_high_from_eight_cases_and_opens_nothing_by_itself_below_the_floor() -> None:
    def level(observed: float) -> Level:
        return endemic(None, [week(observed=observed, detail={"above_2sd": True})]).level

    assert [level(n) for n in (4.0, 5.0, 7.0, 8.0)] == [
        Level.THAP,
        Level.TRUNG_BINH,
        Level.TRUNG_BINH,
        Level.CAO,
    ]


def test_a_warning_of_few_cases_keeps_its_status_and_says_why_it_has_no_colour() -> None:
    decision = endemic(None, [week(observed=4.0, reason=Message("Tuần này có 4 ca."))])

    assert (decision.level, decision.statutory) == (Level.THAP, STATUS.WARNING)
    assert [str(reason) for reason in decision.reasons] == [
        "Tuần này có 4 ca.",
        "Đã chạm ngưỡng của mức Trung bình nhưng mới có 4 ca; cần ít nhất 5 ca để lên mức này. Tình trạng theo luật vẫn"
        " được ghi nhận.",
    ]
    assert decision.why_not_higher == decision.reasons[1]


def test_a_level_rises_at_once() -> None:
    assert endemic(at(Level.THAP), [month()]).level is Level.RAT_CAO


def test_a_level_is_held_then_falls_one_step_a_period() -> None:
    state, seen = at(Level.RAT_CAO), []
    for day in range(40):
        decision = endemic(state, QUIET, NOW + timedelta(days=day))
        state = decision.state
        seen.append(int(decision.level))

    assert seen == [4] * 14 + [3] * 7 + [2] * 7 + [1] * 12


def test_renewed_evidence_starts_the_hold_again() -> None:
    held = endemic(at(Level.RAT_CAO), QUIET).state
    renewed = endemic(held, [month()], NOW + timedelta(days=13)).state
    later = endemic(renewed, QUIET, NOW + timedelta(days=15))

    assert later.level is Level.RAT_CAO
    assert later.held_until == NOW + timedelta(days=29)


def test_a_held_level_says_until_when() -> None:
    decision = endemic(at(Level.CAO), QUIET)

    assert decision.held_until == NOW + timedelta(days=7)
    assert str(decision.why_not_lower).startswith("Số liệu đã xuống mức Thấp; mức Cao được giữ đến")


def test_silence_is_unknown_and_takes_nothing_back() -> None:
    state = at(Level.CAO, statutory=STATUS.EPIDEMIC, below_since=NOW - timedelta(days=60))
    decision = endemic(state, QUIET, silent=True)

    assert decision.unknown
    assert (decision.level, decision.statutory) == (Level.CAO, STATUS.EPIDEMIC)
    assert decision.held_until is None


def test_an_epidemic_kept_for_lack_of_figures_stays_red() -> None:
    blind = month(STATUS.EPIDEMIC, observed=0.0, detail={"lacking": "unknown_counts"})

    assert endemic(at(Level.RAT_CAO), [blind], NOW + timedelta(days=90)).raw_level is Level.RAT_CAO


@pytest.mark.parametrize("evidence", [[], [week(STATUS.INSUFFICIENT)], [signal("ears_c2", upperbound=None)]])
def test_nothing_conclusive_is_unknown(evidence: list[Signal]) -> None:
    assert endemic(None, evidence).unknown


def test_a_conclusive_method_is_enough_to_know() -> None:
    decision = endemic(None, [week(STATUS.INSUFFICIENT), signal("ears_c2")])

    assert not decision.unknown
    assert decision.statutory is STATUS.INSUFFICIENT


def test_why_not_higher_names_the_number_to_reach() -> None:
    evidence = [week(observed=7.0, detail={"upper": 12.4})]

    assert "vượt trung bình cộng 2 độ lệch chuẩn (ngưỡng 12,4, hiện có 7 ca)" in str(
        endemic(None, evidence).why_not_higher
    )


def test_why_not_higher_names_the_floor_where_it_is_above_the_threshold() -> None:
    evidence = [week(STATUS.NONE, observed=0.0, detail={"lower": 1.08})]

    assert "(ngưỡng 1,08, hiện có 0 ca) và có từ 5 ca trở lên" in str(endemic(None, evidence).why_not_higher)


def test_the_highest_level_has_nothing_above_and_the_lowest_nothing_below() -> None:
    assert str(endemic(None, [month()]).why_not_higher) == "Đây là mức cao nhất."
    assert str(endemic(None, QUIET).why_not_lower) == "Đây là mức thấp nhất."


# Laws

statuses = st.sampled_from(list(STATUS))
moments = st.integers(0, 60).map(lambda days: NOW - timedelta(days=days))
details = st.fixed_dictionaries(
    {"above_2sd": st.booleans()},
    optional={
        "above_one": st.lists(st.none() | st.sampled_from([0.5, 0.95, 1.0]), min_size=2, max_size=2),
        "recurrence_days": st.sampled_from([100, 365, 1000]),
        "size": st.integers(1, 40),
        "age_days": st.integers(0, 90),
        "confirmed": st.integers(0, 2),
        "deaths_14": st.integers(0, 2),
        "severe_14": st.integers(0, 5),
        "severe_percent": st.none() | st.sampled_from([2.0, 30.0]),
        "di": st.none() | st.sampled_from([0.1, 0.5]),
        "bi": st.none() | st.sampled_from([10.0, 30.0]),
        "suitability": st.sampled_from([0.0, 0.9]),
        "growth": st.sampled_from([0.5, 2.0]),
        "days": st.integers(0, 30),
        "chance": st.sampled_from([1e-9, 0.5]),
    },
)
signals = st.builds(
    signal,
    method=st.sampled_from(
        ["statutory_week", "statutory_month", "ears_c2", "farrington_flexible", "rare", "scan", "outbreak", "rt",
         "severity", "vector", "climate", "silence"]
    ),
    disease=st.just("dengue"),
    status=st.none() | statuses,
    alarm=st.booleans(),
    observed=st.integers(0, 12).map(float),
    upperbound=st.none() | st.just(4.0),
    detail=details,
)  # fmt: skip
evidences = st.lists(signals, max_size=5)
states = st.none() | st.builds(
    AreaState,
    level=st.sampled_from(list(Level)),
    since=moments,
    statutory=statuses,
    last_lowered=st.none() | moments,
    below_since=st.none() | moments,
)
context = st.fixed_dictionaries(
    {"disease_group": st.sampled_from(["A", "B", "C"]), "endemic": st.booleans(), "silent": st.booleans()}
)


@given(state=states, evidence=evidences, where=context)
def test_a_level_is_never_below_its_evidence(
    state: AreaState | None, evidence: list[Signal], where: Any
) -> None:
    decision = decide(state, evidence, POLICY, NOW, **where)

    assert decision.level >= decision.raw_level


@given(state=states, evidence=evidences, where=context)
def test_no_red_is_lost_and_no_step_down_is_skipped(
    state: AreaState | None, evidence: list[Signal], where: Any
) -> None:
    decision = decide(state, evidence, POLICY, NOW, **where)

    least = 8  # that rule's own floor
    if any(
        s.method == "statutory_month" and s.status is STATUS.EPIDEMIC and s.observed >= least
        for s in evidence
    ):
        assert decision.level is Level.RAT_CAO
    if state is not None:
        assert decision.level >= state.level - 1
        if decision.unknown:
            assert decision.level >= state.level


@given(state=states, evidence=evidences, where=context)
def test_deciding_again_at_the_same_moment_changes_nothing(
    state: AreaState | None, evidence: list[Signal], where: Any
) -> None:
    once = decide(state, evidence, POLICY, NOW, **where)
    twice = decide(once.state, evidence, POLICY, NOW, **where)

    assert twice.state == once.state
    assert twice.reasons == once.reasons


@given(state=states, evidence=evidences, where=context, data=st.data())
def test_the_order_of_evidence_does_not_matter(
    state: AreaState | None, evidence: list[Signal], where: Any, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(evidence))

    assert decide(state, shuffled, POLICY, NOW, **where) == decide(state, evidence, POLICY, NOW, **where)


@given(state=states, evidence=evidences, more=signals, where=context)
def test_more_evidence_never_lowers_the_raw_level(
    state: AreaState | None, evidence: list[Signal], more: Signal, where: Any
) -> None:
    fewer = decide(state, evidence, POLICY, NOW, **where)

    assert decide(state, [*evidence, more], POLICY, NOW, **where).raw_level >= fewer.raw_level


@given(state=states, evidence=evidences, where=context)
def test_silence_and_climate_never_take_a_level_down_or_lift_it_above_2(
    state: AreaState | None, evidence: list[Signal], where: Any
) -> None:
    strong = [s for s in evidence if s.method not in ("climate", "silence")]
    weak = [replace(s, alarm=False, upperbound=None, status=None) for s in evidence if s not in strong]
    evidence = [*strong, *weak]  # as they are really sent
    with_them, without = (decide(None, found, POLICY, NOW, **where) for found in (evidence, strong))
    alone = decide(state, weak, POLICY, NOW, **where)

    assert with_them.raw_level <= max(without.raw_level, Level.TRUNG_BINH)
    assert with_them.raw_level >= without.raw_level
    assert alone.unknown and (state is None or alone.level >= state.level)


@given(state=states, evidence=evidences, where=context)
def test_every_reason_can_be_stored_and_read_in_both_languages(
    state: AreaState | None, evidence: list[Signal], where: Any
) -> None:
    decision = decide(state, evidence, POLICY, NOW, **where)

    for message in (*decision.reasons, decision.why_not_higher, decision.why_not_lower):
        again = Message.from_json(json.loads(json.dumps(message.to_json())))
        assert again == message
        assert again.render("vi") and again.render("en")


# The policy file

TEXT = """
version = "t"
[floor]
min_cases = 3
level = 2
[fall]
period_days = 7
hold_days = { 2 = 7, 3 = 7, 4 = 14 }
[[rule]]
id = "one"
regime = "any"
method = "ears_c2"
alarm = true
level = 2
needs = "số ca trong ngày vượt giới hạn bình thường"
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('version = "t"\n', "", "1", "version"),
        ("min_cases = 3", "min_cases = 3\nmin_csaes = 4", "5", "min_csaes"),
        ("level = 2\n[fall]", "level = 5\n[fall]", "5", "1 đến 4"),
        ("period_days = 7", "period_days = 0", "7", "từ 1 đến 366"),
        ("4 = 14", "5 = 14", "8", "4"),
        ('regime = "any"', 'regime = "every"', "11", "endemic, non_endemic, group_a, any"),
        ("alarm = true\n", "", "10", "ít nhất một điều kiện"),
        ("alarm = true", 'alarm = "yes"', "13", "true hoặc false"),
        ("alarm = true", 'status = "red"', "13", "epidemic"),
        ('needs = "số', 'neds = "số', "9", "rule 1: needs"),
    ],
)
def test_a_wrong_policy_file_names_the_line_and_the_mending(old: str, new: str, line: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(PolicyError) as error:
        parse_policy(TEXT.replace(old, new))

    assert f"dòng {line}," in str(error.value)
    assert says in str(error.value)


def test_two_rules_of_one_name_are_refused() -> None:
    twin = TEXT[TEXT.index("[[rule]]") :]
    with pytest.raises(PolicyError, match="“one”"):
        parse_policy(TEXT + twin)


def test_text_that_is_not_toml_is_refused() -> None:
    with pytest.raises(PolicyError, match="line 2"):
        parse_policy("\nversion = one\n")


def test_the_hash_follows_the_content_and_not_the_layout() -> None:
    same = parse_policy("# why\n" + TEXT.replace(" = ", "  =  "))
    other = parse_policy(TEXT.replace("period_days = 7", "period_days = 8"))

    assert same.hash == parse_policy(TEXT).hash
    assert other.hash != same.hash
    assert len(POLICY.hash) == 64


def test_a_shorter_hold_is_a_matter_of_data() -> None:
    hasty: Policy = replace(POLICY, hold_days=dict.fromkeys(Level, 0))
    decision = decide(at(Level.CAO), QUIET, hasty, NOW, disease_group="B", endemic=True)

    assert decision.changed is Change.LOWER
    assert decision.level is Level.TRUNG_BINH


# Levels


def contrast(one: str, other: str) -> float:
    """WCAG 2.1 contrast ratio of two #rrggbb colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("level", SHOWN)
def test_badge_text_is_readable(theme: Theme, level: Any) -> None:
    colours = COLOURS[theme][level]

    assert contrast(colours.text, colours.badge) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_css_carries_the_same_colours_as_the_map(theme: Theme) -> None:
    css = css_variables(theme)

    for level in Level:
        assert f"--level-{int(level)}: {COLOURS[theme][level].fill};" in css
    assert f"--level-unknown: {COLOURS[theme]['unknown'].fill};" in css


def test_every_level_has_its_own_name_symbol_and_severity() -> None:
    for words in (NAMES, SYMBOLS, CAP_SEVERITY):
        assert len({words[level] for level in SHOWN}) == 5
    assert str(name(Level.RAT_CAO)) == "Rất cao"
