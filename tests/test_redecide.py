"""The level history another policy would have made: fast, and the same as deciding every area at every moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.levels import Level
from alerts.lifecycle import Kind
from alerts.passport import DiseaseFacts
from alerts.policy import AreaState, Change, Decision, decide
from alerts.redecide import Redecided, alert_steps, redecide
from alerts.rules import Policy, default_policy, parse_policy
from i18n import Message
from surveillance.beliefs import silent_between
from surveillance.types import Belief, Frequency, SeriesKey, Signal, Silence, StatutoryStatus

START = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = default_policy()
FACTS: list[tuple[str, Literal["A", "B", "C"], bool]] = [
    ("dengue", "B", True),
    ("measles", "B", False),
    ("cholera", "A", False),
]
DISEASES = {
    code: DiseaseFacts(code=code, name_vi=code, name_en=code, group=group, endemic=endemic, display_floor=3)
    for code, group, endemic in FACTS
}
STATUS = StatutoryStatus


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def signal(method: str = "statutory_month", **changes: Any) -> Signal:
    base: dict[str, Any] = {
        "disease": "dengue", "unit_id": 1, "method": method, "method_version": "1",
        "frequency": Frequency.WEEK, "period_start": date(2026, 1, 1), "as_of": START,
        "observed": 12.0, "expected": 5.0, "upperbound": 8.0, "alarm": False, "reason": Message(""),
        "status": STATUS.NONE if method.startswith("statutory") else None,
    }  # fmt: skip
    return Signal(**(base | changes))


def belief(first: float, last: float | None, what: Signal) -> Belief:
    return Belief(signal=what, known_from=day(first), known_to=None if last is None else day(last))


def slow(
    beliefs: Sequence[Belief], silences: Sequence[Silence], policy: Policy, moments: Sequence[datetime]
) -> list[dict[SeriesKey, tuple[Decision, frozenset[str]]]]:
    """Every area at every moment, as the engine does it."""
    states: dict[SeriesKey, AreaState] = {}
    history = []
    for now in moments:
        held = [b.signal for b in beliefs if b.known_from <= now and (b.known_to is None or now < b.known_to)]
        silent = {s.disease for s in silences if s.known_from <= now and (not s.known_to or now < s.known_to)}
        made: dict[SeriesKey, tuple[Decision, frozenset[str]]] = {}
        for key in {*states, *(SeriesKey(s.disease, s.unit_id) for s in held)}:
            mine, facts = [s for s in held if (s.disease, s.unit_id) == key], DISEASES[key.disease]
            decision = decide(
                states.get(key), mine, policy, now, disease_group=facts.group, endemic=facts.endemic,
                silent=key.disease in silent, display_floor=facts.display_floor, disease=key.disease,
            )  # fmt: skip
            states[key] = decision.state
            made[key] = decision, frozenset(s.method for s in mine if s.alarm)
        history.append(made)
    return history


def carried(
    history: Sequence[Redecided], moments: Sequence[datetime]
) -> list[dict[SeriesKey, tuple[Decision, frozenset[str]]]]:
    """The last decision of each area at every moment."""
    last: dict[SeriesKey, tuple[Decision, frozenset[str]]] = {}
    found = []
    for now in moments:
        last |= {made.area: (made.decision, made.methods) for made in history if made.at == now}
        found.append(dict(last))
    return found


def wordless(
    history: Sequence[dict[SeriesKey, tuple[Decision, frozenset[str]]]],
) -> list[dict[SeriesKey, tuple[Decision, frozenset[str]]]]:
    """Without sentences, which may name newer numbers that changed nothing, and without `changed`, of one moment."""
    none = Message("")
    blank: dict[str, Any] = {
        "reasons": (),
        "why_not_higher": none,
        "why_not_lower": none,
        "changed": Change.NONE,
    }
    return [
        {key: (replace(decision, **blank), methods) for key, (decision, methods) in made.items()}
        for made in history
    ]


DETAILS = st.fixed_dictionaries(
    {},
    optional={
        "above_2sd": st.booleans(), "lacking": st.sampled_from(["", "few"]),
        "regime": st.sampled_from(["endemic", "non_endemic", "group_a"]),
        "days": st.integers(0, 40), "chance": st.floats(0, 0.1), "above_one": st.lists(st.floats(0, 1), max_size=2),
    },
)  # fmt: skip
SIGNALS = st.builds(
    lambda method, status, **rest: signal(
        method, status=status if method.startswith("statutory") else None, **rest
    ),
    st.sampled_from(sorted({rule.method for rule in POLICY.rules} | {"nowcast", "silence"})),
    st.sampled_from(STATUS),
    disease=st.sampled_from(sorted(DISEASES)),
    unit_id=st.integers(1, 2),
    observed=st.integers(0, 8).map(float),
    upperbound=st.none() | st.floats(0, 9),
    alarm=st.booleans(),
    detail=DETAILS,
)
BELIEFS = st.lists(
    st.builds(
        lambda first, length, what: belief(first, None if length is None else first + length, what),
        st.integers(-4, 120).map(lambda n: n / 2),
        st.none() | st.integers(1, 40).map(lambda n: n / 2),
        SIGNALS,
    ),
    max_size=15,
).map(lambda found: sorted(found, key=lambda b: b.known_from))
SILENCES = st.lists(
    st.builds(
        lambda disease, first, length: Silence(
            disease=disease, known_from=day(first), known_to=None if length is None else day(first + length)
        ),
        st.sampled_from(sorted(DISEASES)), st.integers(-2, 60), st.none() | st.integers(1, 30),
    ),
    max_size=3,
)  # fmt: skip


@settings(max_examples=30)
@given(BELIEFS, SILENCES, st.sampled_from([0.5, 1.0, 1.0, 7.0]))
def test_it_is_what_deciding_every_area_at_every_moment_gives(
    beliefs: list[Belief], silences: list[Silence], step: float
) -> None:
    moments = [day(n * step) for n in range(int(70 / step))]

    history = list(redecide(beliefs, silences, POLICY, DISEASES, moments))

    assert wordless(carried(history, moments)) == wordless(slow(beliefs, silences, POLICY, moments))


def test_a_level_rises_at_once_and_falls_a_step_at_a_time_without_news() -> None:
    beliefs = [
        belief(0, None, signal("statutory_week")),
        belief(1, 3, signal(status=STATUS.EPIDEMIC, observed=9.0)),
    ]

    history = list(redecide(beliefs, [], POLICY, DISEASES, [day(n) for n in range(60)]))

    assert [(made.at, int(made.decision.level)) for made in history] == [
        (day(0), 1), (day(1), 4), (day(3), 4), (day(17), 3), (day(24), 2), (day(31), 1),
    ]  # fmt: skip


def test_an_alert_opens_rises_falls_and_ends_with_its_level() -> None:
    beliefs = [
        belief(0, None, signal("statutory_week")),
        belief(1, 10, signal("ears_c2", alarm=True, observed=5.0)),
        belief(2, 3, signal(status=STATUS.EPIDEMIC, observed=9.0)),
    ]
    history = redecide(beliefs, [], POLICY, DISEASES, [day(n) for n in range(60)])

    steps = list(alert_steps(history))

    assert [(step.change.kind, step.change.level) for step in steps] == [
        (Kind.OPENED, 2), (Kind.RAISED, 4), (Kind.EVIDENCE, 4), (Kind.LOWERED, 3), (Kind.LOWERED, 2), (Kind.ENDED, 1),
    ]  # fmt: skip
    assert steps[0].at == day(1)


def test_what_was_remembered_before_the_first_moment_counts() -> None:
    start = {SeriesKey("dengue", 7): AreaState(level=Level.CAO, since=day(-9), below_since=day(-6))}
    quiet = [belief(-9, None, signal(unit_id=7))]

    made = next(redecide(quiet, [], POLICY, DISEASES, [day(0), day(1)]))
    remembered = list(redecide(quiet, [], POLICY, DISEASES, [day(0), day(1)], start=start))

    assert made.decision.level is Level.THAP
    assert [int(m.decision.level) for m in remembered] == [3, 2]


def test_another_policy_makes_another_history() -> None:
    text = (
        'version = "t"\n[floor]\nmin_cases = 3\nlevel = 2\n'
        "[fall]\nperiod_days = 1\nhold_days = { 2 = 0, 3 = 0, 4 = 0 }\n"
        '[[rule]]\nid = "e"\nregime = "any"\nmethod = "ears_c2"\nalarm = true\nlevel = 4\nneeds = "x"\n'
    )
    beliefs = [belief(0, 2, signal("ears_c2", alarm=True)), belief(0, None, signal("nowcast", alarm=False))]

    history = list(redecide(beliefs, [], parse_policy(text), DISEASES, [day(n) for n in range(9)]))

    assert [int(made.decision.level) for made in history] == [4, 3, 2, 1]


@pytest.mark.parametrize("out_of_order", ["beliefs", "moments"])
def test_it_refuses_what_is_out_of_order(out_of_order: str) -> None:
    beliefs, moments = [belief(0, None, signal()), belief(1, None, signal())], [day(5), day(6)]
    if out_of_order == "beliefs":
        beliefs.reverse()
    else:
        moments.reverse()
    with pytest.raises(ValueError, match="out of order"):
        list(redecide(beliefs, [], POLICY, DISEASES, moments))


def test_silence_begins_days_after_a_file_and_ends_with_the_next() -> None:
    found = silent_between("dengue", [day(-9), day(1), day(2), day(8)], day(0), day(20), after=timedelta(3))

    one = timedelta(microseconds=1)
    assert [(s.known_from, s.known_to) for s in found] == [
        (day(0), day(1)), (day(5) + one, day(8)), (day(11) + one, day(20) + one),
    ]  # fmt: skip
