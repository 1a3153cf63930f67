"""Which act from which state: laws of the table, whoever acts and in whatever order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.acts import (
    CO_OWNERS_MAY,
    DONE_ALREADY,
    STATE_NAMES,
    TABLE,
    Act,
    Refusal,
    Standing,
    State,
    allowed,
    next_state,
)

states, acts, standings = st.sampled_from(State), st.sampled_from(Act), st.sampled_from(Standing)
CHAIN = [Act.ACKNOWLEDGE, Act.ASSIGN, Act.VERIFY, Act.CONFIRM, Act.CLOSE]


def test_the_whole_chain_leads_from_open_to_closed() -> None:
    state, seen = State.OPEN, []
    for act in CHAIN:
        after = next_state(state, act, Standing.LEAD)
        assert isinstance(after, State)
        state = after
        seen.append(state.value)

    assert seen == ["acknowledged", "assigned", "verifying", "verified", "closed"]


@given(act=acts, standing=standings)
def test_a_closed_alert_can_only_be_reopened(act: Act, standing: Standing) -> None:
    after = next_state(State.CLOSED, act, standing)

    assert isinstance(after, State) == (act is Act.REOPEN and standing is Standing.LEAD)


@given(start=states, tries=st.lists(st.tuples(acts, standings), max_size=30))
def test_a_state_is_reached_by_the_table_only(start: State, tries: list[tuple[Act, Standing]]) -> None:
    state = start
    for act, standing in tries:
        after = next_state(state, act, standing)
        if isinstance(after, State):
            assert TABLE[act][state] is after
            state = after


@given(start=states, act=acts)
def test_an_act_that_was_done_changes_nothing_and_is_no_error(start: State, act: Act) -> None:
    after = next_state(start, act, Standing.LEAD)

    assert (after is None) == (start in DONE_ALREADY.get(act, ()))


@given(state=states, act=acts)
def test_whoever_only_looks_does_nothing(state: State, act: Act) -> None:
    refusal = next_state(state, act, Standing.LOOKS)

    assert isinstance(refusal, Refusal) and refusal.why == "rights"


@given(state=states)
def test_co_owners_remark_and_attach_and_decide_nothing(state: State) -> None:
    offered = allowed(state, Standing.CO_OWNER)

    assert set(offered) == (CO_OWNERS_MAY if state is not State.CLOSED else set())
    assert all(TABLE[act][state] is state for act in offered)


@given(state=states, act=acts, standing=standings)
def test_every_refusal_is_said_in_words_of_both_languages(state: State, act: Act, standing: Standing) -> None:
    refusal = next_state(state, act, standing)
    if isinstance(refusal, Refusal):
        assert refusal.reason.render("vi").endswith(".")
        assert refusal.reason.render("en") != refusal.reason.render("vi")


def test_truth_is_said_only_after_verification() -> None:
    assert [state for state, after in TABLE[Act.CONFIRM].items() if after is State.VERIFIED] == [
        State.VERIFYING
    ]


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_name_and_a_way_on(state: State) -> None:
    assert STATE_NAMES[state]
    assert any(isinstance(next_state(state, act, Standing.LEAD), State) for act in (*CHAIN, Act.REOPEN))
