"""Why an area stands at its level, in two short sentences out of what the decision kept. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from alerts.views import LevelDetail
from i18n import Message

MOST = 2
"""Reasons, and rules not met, that are said at once."""
LONGEST = 190
"""Characters up to which a second rule is said in the same sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """`cut`: something of the decision's own words is left out."""

    reasons: tuple[Message, ...]
    not_higher: Message
    not_lower: Message
    cut: bool


def why(detail: LevelDetail) -> Why:
    """The first reasons, the rules nearest to being met, and what keeps the level up."""
    higher, lower = _not_higher(detail.why_not_higher), detail.why_not_lower
    if detail.reasons and lower == detail.reasons[0]:
        lower = Message("Dấu hiệu nêu đầu tiên ở trên vẫn còn.")
    return Why(
        reasons=detail.reasons[:MOST],
        not_higher=higher,
        not_lower=lower,
        cut=len(detail.reasons) > MOST or higher != detail.why_not_higher,
    )


def ways_up(told: Message) -> tuple[Message, ...]:
    """What each rule of the next level takes, the nearest first; none where the sentence names no rules."""
    needs = told.values.get("needs")
    if "level" not in told.values or not isinstance(needs, Message):
        return ()
    return tuple(sorted(_unfolded(needs), key=_distance))


def _not_higher(told: Message) -> Message:
    if {"level", "observed", "least"} <= told.values.keys():
        return Message(
            "Đã chạm ngưỡng mức {level}, mới có {observed} ca; cần ít nhất {least} ca.", **told.values
        )
    ways = [way for way in ways_up(told) if way.values]
    if not ways:
        ways = list(ways_up(told)[:1])
    if not ways:
        return told
    said = [Message("Lên mức {level} khi {way}.", level=told.values["level"], way=ways[0])]
    if len(ways) > 1:
        either = Message("{one}; hoặc {other}", one=ways[0], other=ways[1])
        said.append(Message("Lên mức {level} khi {way}.", level=told.values["level"], way=either))
    return next((each for each in reversed(said) if len(each.render()) <= LONGEST), said[0])


def _unfolded(needs: Message) -> Iterator[Message]:
    """The rules of "{one}; hoặc {other}", however deep (alerts/policy.py)."""
    if needs.values.keys() != {"one", "other"}:
        yield needs
        return
    yield from _unfolded(needs.values["one"])
    yield from _unfolded(needs.values["other"])


def _distance(way: Message) -> tuple[int, float]:
    """Rules on cases by how far off they are, 0 met to 1; then those with another figure; then those without."""
    given = way.values
    if "threshold" not in given:
        return (1, 0.0) if "now" in given else (2, 0.0)
    goal = max(given["threshold"], given.get("least", 0.0), 1.0)
    return 0, 1 - given["observed"] / goal
