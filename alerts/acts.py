"""What people may do with an alert: who, from which state, and what state comes of it. Pure; inbox.py reads and writes.

open -> acknowledged -> assigned -> verifying -> verified  -> closed
                                              -> dismissed -> closed
closed, dismissed --reopen, with a reason--> acknowledged

Steps may be left out forwards (TABLE), never taken backwards but by re-opening. What the evidence does to an
alert is in lifecycle.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from i18n import Message


class State(StrEnum):
    """`dismissed` and `verified` bear a person's conclusion; only `closed` lets another alert be open in the area."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    DISMISSED = "dismissed"
    CLOSED = "closed"


class Act(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    VERIFY = "verify"
    CONFIRM = "confirm"
    DISMISS = "dismiss"
    CLOSE = "close"
    REOPEN = "reopen"
    COMMENT = "comment"
    ATTACH = "attach"
    DETACH = "detach"


class Standing(StrEnum):
    """How a person stands to an alert: covers its area, covers an area that shares its outbreak, or only looks."""

    LEAD = "lead"
    CO_OWNER = "co_owner"
    LOOKS = "looks"


LIVE = tuple(state for state in State if state is not State.CLOSED)
UNJUDGED = (State.OPEN, State.ACKNOWLEDGED, State.ASSIGNED, State.VERIFYING)
"""Nobody has concluded yet whether there is an outbreak."""
RESTING = (State.DISMISSED, State.CLOSED)
"""A person's or the system's word that nothing is to be done now."""
ACTIVE = tuple(state for state in State if state not in RESTING)


def _stay(*states: State) -> dict[State, State]:
    return {state: state for state in states}


TABLE: Mapping[Act, Mapping[State, State]] = {
    Act.ACKNOWLEDGE: {State.OPEN: State.ACKNOWLEDGED},
    Act.ASSIGN: {
        State.OPEN: State.ASSIGNED,
        State.ACKNOWLEDGED: State.ASSIGNED,
        **_stay(State.ASSIGNED, State.VERIFYING, State.VERIFIED),
    },
    Act.VERIFY: {State.ACKNOWLEDGED: State.VERIFYING, State.ASSIGNED: State.VERIFYING},
    Act.CONFIRM: {State.VERIFYING: State.VERIFIED},
    Act.DISMISS: {
        State.ACKNOWLEDGED: State.DISMISSED,
        State.ASSIGNED: State.DISMISSED,
        State.VERIFYING: State.DISMISSED,
        State.VERIFIED: State.DISMISSED,
    },
    Act.CLOSE: dict.fromkeys(LIVE, State.CLOSED),
    Act.REOPEN: {State.DISMISSED: State.ACKNOWLEDGED, State.CLOSED: State.ACKNOWLEDGED},
    Act.COMMENT: _stay(*LIVE),
    Act.ATTACH: _stay(*LIVE),
    Act.DETACH: _stay(*LIVE),
}
"""The state after each act, by the state before. What is not here is refused."""

CO_OWNERS_MAY = frozenset({Act.COMMENT, Act.ATTACH})
DONE_ALREADY: Mapping[Act, frozenset[State]] = {
    Act.ACKNOWLEDGE: frozenset({State.ACKNOWLEDGED, State.ASSIGNED, State.VERIFYING, State.VERIFIED}),
    Act.VERIFY: frozenset({State.VERIFYING}),
}
"""A second tap, by whomever, is not an error: the act has been done and nothing changes."""

STATE_NAMES: Mapping[State, str] = {
    State.OPEN: "Chưa nhận",
    State.ACKNOWLEDGED: "Đã tiếp nhận",
    State.ASSIGNED: "Đã giao",
    State.VERIFYING: "Đang kiểm tra",
    State.VERIFIED: "Đã xác minh: đúng",
    State.DISMISSED: "Đã loại",
    State.CLOSED: "Đã đóng",
}

Why = Literal["rights", "closed", "state"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an act is not done, in words for the person who tried."""

    why: Why
    reason: Message


def state_name(state: State) -> Message:
    return Message(STATE_NAMES[state])


def next_state(state: State, act: Act, standing: Standing) -> State | Refusal | None:
    """The state after the act; None when it has been done already; else why not."""
    refusal = _no_right(act, standing)
    if refusal is not None:
        return refusal
    if state in DONE_ALREADY.get(act, ()):
        return None
    after = TABLE[act].get(state)
    return _wrong_state(state, act) if after is None else after


def allowed(state: State, standing: Standing) -> tuple[Act, ...]:
    """What may be offered to this person now."""
    return tuple(act for act in Act if isinstance(next_state(state, act, standing), State))


def _no_right(act: Act, standing: Standing) -> Refusal | None:
    if standing is Standing.LEAD or (standing is Standing.CO_OWNER and act in CO_OWNERS_MAY):
        return None
    if standing is Standing.CO_OWNER:
        reason = Message(
            "Cảnh báo này do địa bàn khác phụ trách. Địa bàn cùng ổ dịch được xem, ghi chú và đính kèm."
        )
    else:
        reason = Message("Người quản lý chỉ xem; việc xử lý thuộc cán bộ phụ trách địa bàn.")
    return Refusal(why="rights", reason=reason)


def _wrong_state(state: State, act: Act) -> Refusal:
    if state is State.CLOSED:
        reason = Message("Cảnh báo này đã đóng. Hãy tải lại trang để xem kết luận; muốn làm tiếp thì mở lại.")
        return Refusal(why="closed", reason=reason)
    words = {
        Act.ACKNOWLEDGE: Message("Cảnh báo này đã được loại. Muốn làm tiếp thì mở lại."),
        Act.ASSIGN: Message("Cảnh báo này đã được loại. Muốn làm tiếp thì mở lại rồi giao."),
        Act.VERIFY: Message("Hãy tiếp nhận cảnh báo trước khi kiểm tra.")
        if state is State.OPEN
        else Message("Cảnh báo này đã có kết luận."),
        Act.CONFIRM: Message("Hãy bắt đầu kiểm tra trước khi kết luận là đúng.")
        if state in UNJUDGED
        else Message("Cảnh báo này đã có kết luận."),
        Act.DISMISS: Message("Hãy tiếp nhận cảnh báo trước khi kết luận.")
        if state is State.OPEN
        else Message("Cảnh báo này đã được loại."),
        Act.REOPEN: Message("Cảnh báo này đang mở."),
    }
    return Refusal(why="state", reason=words[act])
