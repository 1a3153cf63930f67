"""How each person wants to be told: which channels, from which level, once a day or not, of which diseases."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from accounts.models import MessageChoice, User
from accounts.service import AccountError
from i18n import Message

LEVELS = (2, 3, 4)
ADDRESSES: Mapping[str, tuple[re.Pattern[str], Message]] = {
    "sms": (
        re.compile(r"\+?[1-9]\d{7,14}"),
        Message("Số điện thoại phải là số di động, ví dụ 0901234567 hoặc +84901234567."),
    ),
    "telegram": (
        re.compile(r"[1-9]\d{4,15}"),
        Message("Mã Telegram là một dãy chữ số (không phải tên hay số điện thoại); bot cho biết mã đó."),
    ),
    "zalo": (
        re.compile(r"[1-9]\d{9,24}"),
        Message("Mã người dùng Zalo là một dãy từ 10 chữ số trở lên, do quản trị viên OA cung cấp."),
    ),
}
"""Channels with an address of their own, and what it looks like. A Telegram group (negative) is refused: who reads
there is nobody's to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedMessages:
    """One channel of one person; see accounts.models.MessageChoice."""

    channel: str
    address: str | None
    at_once_from: int
    digest: bool
    diseases: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A person with what they chose, for those who must know who is told what."""

    user_id: int
    full_name: str
    role: str
    email: str | None
    area_names: tuple[str, ...]
    choices: tuple[WantedMessages, ...]


def choices_of(session: Session, user_id: int) -> dict[str, WantedMessages]:
    rows = session.scalars(select(MessageChoice).where(MessageChoice.user_id == user_id))
    return {row.channel: _wanted(row) for row in rows}


def choose(session: Session, user: User, wanted: WantedMessages, now: datetime) -> None:
    """Turn a channel on, or change it. Raises AccountError: address or level that cannot be."""
    if wanted.at_once_from not in LEVELS:
        raise AccountError(Message("Hãy chọn mức từ 2 đến 4."))
    if wanted.diseases is not None and not wanted.diseases:
        raise AccountError(Message("Hãy chọn ít nhất một bệnh, hoặc tất cả."))
    values = {
        "address": _address(user, wanted),
        "at_once_from": wanted.at_once_from,
        "digest": wanted.digest,
        "diseases": None if wanted.diseases is None else sorted(wanted.diseases),
        "changed_at": now,
    }
    row = insert(MessageChoice).values(user_id=user.id, channel=wanted.channel, **values)
    session.execute(row.on_conflict_do_update(index_elements=["user_id", "channel"], set_=values))


def forget_choice(session: Session, user_id: int, channel: str) -> None:
    """The channel is off; e-mail follows the policy again."""
    session.execute(
        delete(MessageChoice).where(MessageChoice.user_id == user_id, MessageChoice.channel == channel)
    )


def listeners(session: Session, area_ids: Collection[int] | None) -> Sequence[Listener]:
    """Active people by name, those of `area_ids` (None: all)."""
    users = session.scalars(select(User).where(User.active).order_by(User.full_name, User.id)).all()
    by_user: dict[int, list[WantedMessages]] = {}
    for row in session.scalars(select(MessageChoice).order_by(MessageChoice.channel)):
        by_user.setdefault(row.user_id, []).append(_wanted(row))
    return [
        Listener(
            user_id=user.id,
            full_name=user.full_name,
            role=user.role,
            email=user.email,
            area_names=tuple(unit.name for unit in user.areas),
            choices=tuple(by_user.get(user.id, ())),
        )
        for user in users
        if area_ids is None or any(unit.id in area_ids for unit in user.areas)
    ]


def _address(user: User, wanted: WantedMessages) -> str | None:
    if wanted.channel == "email":
        if not user.email:
            raise AccountError(
                Message("Tài khoản chưa có địa chỉ thư điện tử. Hãy nhờ quản trị viên ghi vào.")
            )
        return None
    if wanted.channel == "push":
        return str(user.id)  # their browsers are looked up when it is sent (alerts/push_devices.py)
    if wanted.channel not in ADDRESSES:
        raise AccountError(Message("Không có cách báo “{channel}”.", channel=wanted.channel))
    pattern, wrong = ADDRESSES[wanted.channel]
    address = (wanted.address or "").strip()
    if wanted.channel == "sms":
        address = re.sub(r"^0(?=\d{9}$)", "84", re.sub(r"[\s.()-]", "", address))
    if not pattern.fullmatch(address):
        raise AccountError(wrong)
    return address.removeprefix("+")


def _wanted(row: MessageChoice) -> WantedMessages:
    return WantedMessages(
        channel=row.channel,
        address=row.address,
        at_once_from=row.at_once_from,
        digest=row.digest,
        diseases=None if row.diseases is None else frozenset(row.diseases),
    )
