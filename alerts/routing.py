"""Who is told of a change, by which channel; and for everyone else in that area, why not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from accounts.models import Role
from alerts.channels import EMAIL, IN_APP
from alerts.levels import Level
from alerts.lifecycle import Change, Kind, severity
from alerts.rules import Routing
from i18n import Message

NO_EMAIL = Message("Tài khoản chưa có địa chỉ thư điện tử.")
LOUD = frozenset({Kind.OPENED, Kind.REOPENED, Kind.RAISED})
"""Changes that may be sent by e-mail for their level alone; a new statutory status always may."""


QUIET = frozenset({Kind.LOWERED, Kind.ENDED})
"""Good news: never at once, but told in a digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a person wants by one channel: at once from `at_once_from` up, below it once a day if `digest`.
    `diseases` None: all."""

    at_once_from: Level
    digest: bool
    diseases: frozenset[str] | None = None

    def wants(self, disease: str) -> bool:
        return self.diseases is None or disease in self.diseases


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An active user. `area_ids`: units as assigned, not expanded; empty means the whole city for an
    analyst or manager and nothing for an officer (accounts.service.areas_of). `choices` by channel."""

    id: int
    role: Role
    has_email: bool
    area_ids: frozenset[int]
    choices: Mapping[str, Choice] = field(default_factory=dict)

    def covers(self, unit_line: Iterable[int]) -> bool:
        """`unit_line`: the unit and all it lies in, so that who is assigned the parent covers the whole."""
        if not self.area_ids:
            return self.role != Role.OFFICER
        return not self.area_ids.isdisjoint(unit_line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """`digest`: not at once but with the next morning's collection. The others are as in alerts.models.Delivery."""

    user_id: int
    channel: str
    digest: bool = False
    urgent: bool = False
    muted: bool = False
    for_unit_id: int | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Muted:
    """Why a person of the area gets nothing by `channel`."""

    user_id: int
    channel: str
    reason: Message


def recipients(
    change: Change, people: Sequence[Person], routing: Routing, disease: str
) -> tuple[list[Told], list[Muted]]:
    """`people`: those whose area holds the unit, nobody else. Order follows theirs, in-app before e-mail before the
    channels they chose; one that nobody asked for is not mentioned."""
    told: list[Told] = []
    muted: list[Muted] = []
    urgent = is_urgent(change)
    for person in people:
        for channel in (IN_APP, EMAIL, *sorted(person.choices.keys() - {EMAIL})):
            reason = _why_not(change, person, channel, routing, disease)
            if reason is None:
                told.append(Told(user_id=person.id, channel=channel, urgent=urgent))
            elif reason is not NO_EMAIL and _in_digest(change, person.choices.get(channel), disease):
                told.append(Told(user_id=person.id, channel=channel, digest=True))
            else:
                muted.append(Muted(user_id=person.id, channel=channel, reason=reason))
    return told, muted


def is_urgent(change: Change) -> bool:
    """What no quiet hours hold back and no silence hides: red, and a legal duty that begins or ends."""
    newly_red = change.level == Level.RAT_CAO and change.kind in LOUD
    return newly_red or change.status_rose or change.status_ended


def hush(told: Iterable[Told], muted: Iterable[Muted], reason: Message) -> tuple[list[Told], list[Muted]]:
    """The same under a silence: in the inbox, marked; by every other way not, for `reason`."""
    told = list(told)
    kept = [replace(one, muted=True) for one in told if one.channel == IN_APP]
    dropped = [
        Muted(user_id=one.user_id, channel=one.channel, reason=reason)
        for one in told
        if one.channel != IN_APP
    ]
    return kept, [*muted, *dropped]


def _why_not(change: Change, person: Person, channel: str, routing: Routing, disease: str) -> Message | None:
    """A person's own choice goes before what the policy foresees for the role."""
    choice = person.choices.get(channel)
    if choice is not None:
        no_address = channel == EMAIL and not person.has_email
        return NO_EMAIL if no_address else _why_not_chosen(change, choice, disease)
    if person.role == Role.MANAGER:
        return Message("Người quản lý xem bản tin và bảng điều hành, không nhận từng cảnh báo.")
    if channel == IN_APP:
        return _why_not_in_app(change)
    if person.role == Role.ANALYST:
        return Message("Chuyên viên phân tích theo dõi trong hộp cảnh báo, không nhận thư.")
    return _why_no_email(change, routing) or (None if person.has_email else NO_EMAIL)


def _why_not_chosen(change: Change, choice: Choice, disease: str) -> Message | None:
    """Like the policy's own rule, statutory duties first: no filter hides a legal clock."""
    if change.status_rose or change.status_ended:
        return None
    if not choice.wants(disease):
        return Message("Người nhận không chọn bệnh này cho kênh này.")
    if change.kind not in LOUD:
        return Message("Mức không tăng và không có nghĩa vụ mới: chỉ báo trong hộp cảnh báo.")
    if change.level >= choice.at_once_from:
        return None
    return Message("Người nhận chỉ muốn được báo từ mức cao hơn.")


def _in_digest(change: Change, choice: Choice | None, disease: str) -> bool:
    return (
        choice is not None
        and choice.digest
        and choice.wants(disease)
        and (change.kind in LOUD or change.kind in QUIET)
    )


def _why_not_in_app(change: Change) -> Message | None:
    if change.kind is Kind.EVIDENCE and not (change.status_rose or change.status_ended):
        return Message("Chỉ thêm bằng chứng, mức không đổi: ghi vào nhật ký, không báo lại.")
    return None


def _why_no_email(change: Change, routing: Routing) -> Message | None:
    """Statutory duties first: a status newly met, or ended, is always sent (art. 26, 24 hours)."""
    if change.status_rose or change.status_ended:
        return None
    if change.kind not in LOUD:
        return Message("Mức không tăng và không có nghĩa vụ mới: chỉ báo trong hộp cảnh báo.")
    if change.level >= routing.email_min_level or severity(change.status):
        return None
    return Message(
        "Thư chỉ gửi từ mức {level} trở lên, hoặc khi có tình trạng cảnh báo, có dịch.",
        level=str(int(routing.email_min_level)),
    )
