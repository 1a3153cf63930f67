"""What an alert was decided on, kept with each of its events so that it can be read and recomputed later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from i18n import Message
from surveillance.types import Signal, StatutoryStatus

OUTBREAK = "outbreak"
"""Method name of the signal that says an outbreak (ổ dịch) is open in the unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiseaseFacts:
    """What alerting must know of a disease, from the deployment's catalogue."""

    code: str
    name_vi: str
    name_en: str
    group: Literal["A", "B", "C"]
    endemic: bool
    display_floor: int

    def name(self, locale: str) -> str:
        return self.name_en if locale == "en" else self.name_vi


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A signal as it was when the decision was taken: counts of a unit, never of a person."""

    method: str
    method_version: str
    frequency: str
    period_start: date
    as_of: datetime
    observed: float
    expected: float | None
    upperbound: float | None
    alarm: bool
    status: StatutoryStatus | None
    reason: Message
    detail: Mapping[str, Any]

    @classmethod
    def of(cls, signal: Signal) -> Evidence:
        return cls(
            method=signal.method,
            method_version=signal.method_version,
            frequency=signal.frequency.value,
            period_start=signal.period_start,
            as_of=signal.as_of,
            observed=float(signal.observed),
            expected=signal.expected,
            upperbound=signal.upperbound,
            alarm=bool(signal.alarm),
            status=signal.status,
            reason=signal.reason,
            detail=dict(signal.detail),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "method_version": self.method_version,
            "frequency": self.frequency,
            "period_start": self.period_start.isoformat(),
            "as_of": self.as_of.isoformat(),
            "observed": self.observed,
            "expected": self.expected,
            "upperbound": self.upperbound,
            "alarm": self.alarm,
            "status": self.status,
            "reason": self.reason.to_json(),
            "detail": dict(self.detail),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Evidence:
        read = {
            "period_start": date.fromisoformat(data["period_start"]),
            "as_of": datetime.fromisoformat(data["as_of"]),
            "status": StatutoryStatus(data["status"]) if data["status"] else None,
            "reason": Message.from_json(data["reason"]),
        }
        return cls(**{**data, **read})


@dataclass(frozen=True, slots=True, kw_only=True)
class Passport:
    """One decision about one disease in one unit.

    `as_of` is the moment of the decision. `state_before` is the area as the policy remembered it: from that,
    `evidence`, the policy of `policy_hash` and the disease's `display_floor` the decision can be recomputed.
    `methods` are all that alarmed since the alert opened. `status_since` and `outbreak_since` start the clocks
    of `notice_due` (art. 26) and `handling_due` (domain.md §1.1).
    """

    as_of: datetime
    policy_version: str
    policy_hash: str
    code_version: str
    disease: str
    disease_names: Mapping[str, str]
    unit_id: int
    unit_name: str
    level_before: int
    level: int
    status_before: StatutoryStatus
    status: StatutoryStatus
    status_since: datetime
    outbreak_since: datetime | None
    notice_due: datetime | None
    handling_due: datetime | None
    methods: tuple[str, ...]
    reasons: tuple[Message, ...]
    why_not_higher: Message
    why_not_lower: Message
    evidence: tuple[Evidence, ...]
    state_before: Mapping[str, Any] | None = field(default=None)
    display_floor: int | None = None

    def disease_name(self, locale: str) -> str:
        return self.disease_names.get(locale, self.disease_names["vi"])

    def to_json(self) -> dict[str, Any]:
        return {name: _plain(getattr(self, name)) for name in self.__slots__}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Passport:
        times = ("as_of", "status_since", "outbreak_since", "notice_due", "handling_due")
        read: dict[str, Any] = {name: _moment(data[name]) for name in times}
        read |= {name: StatutoryStatus(data[name]) for name in ("status_before", "status")}
        read |= {name: Message.from_json(data[name]) for name in ("why_not_higher", "why_not_lower")}
        read["methods"] = tuple(data["methods"])
        read["reasons"] = tuple(Message.from_json(reason) for reason in data["reasons"])
        read["evidence"] = tuple(Evidence.from_json(item) for item in data["evidence"])
        return cls(**{**data, **read})


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _plain(value: Any) -> Any:
    if isinstance(value, Message | Evidence):
        return value.to_json()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value
