"""Deciding again from what an alert's passport holds: the same, or exactly what differs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.levels import Level, name
from alerts.lifecycle import status_name
from alerts.passport import DiseaseFacts, Evidence, Passport
from alerts.policy import AreaState, decide
from alerts.policy_diff import Difference
from alerts.rules import Policy
from i18n import Message
from surveillance.types import Frequency, Signal, StatutoryStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputed:
    """`code_version` is the program that decided then; with an older one other words need not mean another level."""

    code_version: str
    differences: tuple[Difference, ...]

    @property
    def identical(self) -> bool:
        return not self.differences


def recompute(passport: Passport, policy: Policy, disease: DiseaseFacts) -> Recomputed:
    """Decide from the passport's evidence, state before and moment by `policy`, whose hash must be the passport's.

    `disease` gives the group and whether it is endemic, which a passport does not hold; the display floor is the
    passport's. Raises ValueError for another policy.
    """
    if policy.hash != passport.policy_hash:
        raise ValueError(f"policy {policy.hash} did not make this decision")
    again = decide(
        _state(passport.state_before),
        [signal_of(evidence, passport) for evidence in passport.evidence],
        policy,
        passport.as_of,
        disease_group=disease.group,
        endemic=disease.endemic,
        silent=any(_says_silent(reason) for reason in passport.reasons),
        display_floor=passport.display_floor,
        disease=passport.disease,
    )
    compared = (
        (Message("Mức"), name(Level(passport.level)), name(again.level)),
        (
            Message("Tình trạng theo Thông tư"),
            status_name(passport.status),
            status_name(again.statutory),
        ),
        (Message("Vì sao"), _joined(passport.reasons), _joined(again.reasons)),
        (Message("Vì sao không cao hơn"), passport.why_not_higher, again.why_not_higher),
        (Message("Vì sao không thấp hơn"), passport.why_not_lower, again.why_not_lower),
    )
    return Recomputed(
        code_version=passport.code_version,
        differences=tuple(
            Difference(what=what, old=old, new=new)
            for what, old, new in compared
            if old.render("vi") != new.render("vi")
        ),
    )


def signal_of(evidence: Evidence, passport: Passport) -> Signal:
    return Signal(
        disease=passport.disease,
        unit_id=passport.unit_id,
        method=evidence.method,
        method_version=evidence.method_version,
        frequency=Frequency(evidence.frequency),
        period_start=evidence.period_start,
        as_of=evidence.as_of,
        observed=evidence.observed,
        expected=evidence.expected,
        upperbound=evidence.upperbound,
        alarm=evidence.alarm,
        status=evidence.status,
        reason=evidence.reason,
        detail=evidence.detail,
    )


def _says_silent(reason: Message) -> bool:
    """The passport does not hold whether the sources were silent, but a decision made so says it."""
    return reason.msgid == "Nguồn báo cáo đang im lặng hoặc chưa đủ số liệu để kết luận."


def _state(stored: Mapping[str, Any] | None) -> AreaState | None:
    if stored is None:
        return None
    moments = {key: stored[key] for key in ("since", "last_lowered", "below_since")}
    read = {key: datetime.fromisoformat(value) if value else None for key, value in moments.items()}
    since = read.pop("since")
    assert since is not None
    return AreaState(
        level=Level(stored["level"]), since=since, statutory=StatutoryStatus(stored["status"]), **read
    )


def _joined(reasons: tuple[Message, ...]) -> Message:
    return Message("{all}", all=" ".join(reason.render("vi") for reason in reasons))
