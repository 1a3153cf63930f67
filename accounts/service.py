"""Who may sign in, what they may see, and the record of what personal data they read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from accounts.models import AccessLog, Role, User
from geodata.models import AdminUnit
from i18n import Message, MessageError

MIN_PASSWORD_LENGTH = 8


class AccountError(MessageError, ValueError):
    """An account that cannot be made; the text says what to change."""


def create_user(
    session: Session,
    *,
    username: str,
    password: str,
    full_name: str,
    role: Role,
    email: str | None = None,
    locale: str = "vi",
    area_ids: Sequence[int] = (),
) -> User:
    """A new active user. Raises AccountError: name taken, password too short, or area unknown."""
    username = username.strip().lower()
    _check_new_account(session, username, password)
    areas = list(session.scalars(select(AdminUnit).where(AdminUnit.id.in_(area_ids))))
    unknown = sorted(set(area_ids) - {unit.id for unit in areas})
    if unknown:
        raise AccountError(Message("Không có địa bàn mang số {ids}.", ids=", ".join(map(str, unknown))))
    user = User(
        username=username,
        password_hash=_hasher().hash(password),
        full_name=full_name,
        role=role.value,
        email=email,
        locale=locale,
        areas=areas,
    )
    session.add(user)
    session.flush()
    return user


def verify(session: Session, username: str, password: str) -> User | None:
    """The active user with this name and password; None otherwise.

    An unknown name costs as long as a wrong password, so that timing does not tell which names exist.
    """
    user = session.scalar(select(User).where(User.username == username.strip().lower()))
    if not _matches(user.password_hash if user else _decoy_hash(), password):
        return None
    if user is None or not user.active:
        return None
    if _hasher().check_needs_rehash(user.password_hash):
        user.password_hash = _hasher().hash(password)
    return user


def active_user(session: Session, user_id: int) -> User | None:
    user = session.get(User, user_id, options=[joinedload(User.areas)])
    return user if user is not None and user.active else None


def full_names(session: Session, user_ids: Collection[int]) -> dict[int, str]:
    """Names by id, also of users who were stopped since."""
    query = select(User.id, User.full_name).where(User.id.in_(user_ids))
    return {row.id: row.full_name for row in session.execute(query)}


def first_user_of_each_role(session: Session) -> list[User]:
    """The users a demonstration offers to sign in as, in the order analyst, officer, manager."""
    first = select(func.min(User.id)).where(User.active).group_by(User.role)
    found = {user.role: user for user in session.scalars(select(User).where(User.id.in_(first)))}
    return [found[role] for role in Role if role in found]


def use_language(session: Session, user_id: int, locale: str) -> None:
    """Keep the language this user chose, also for the messages sent to them."""
    session.get_one(User, user_id).locale = locale


def areas_of(session: Session, user: User) -> set[int] | None:
    """Ids of the units this user may see, with everything inside them; None means the whole city.

    An officer sees the assigned areas only, and nothing when none is assigned (domain.md §7 "access").
    Analysts and managers see the whole city unless they were given areas.
    """
    assigned = {unit.id for unit in user.areas}
    if not assigned and user.role != Role.OFFICER:
        return None
    return units_inside(session, assigned)


def units_inside(session: Session, unit_ids: set[int]) -> set[int]:
    """`unit_ids` and all their descendants."""
    start = select(AdminUnit.id).where(AdminUnit.id.in_(unit_ids)).cte("inside", recursive=True)
    inside = start.union(select(AdminUnit.id).join(start, AdminUnit.parent_id == start.c.id))
    return set(session.scalars(select(inside.c.id)))


def record_access(
    session: Session, user_id: int | None, action: str, detail: Mapping[str, Any], now: datetime
) -> None:
    """Write down that personal data was read or exported. `detail` names rows and files, never a person."""
    session.add(AccessLog(at=now, user_id=user_id, action=action, detail=dict(detail)))


def _check_new_account(session: Session, username: str, password: str) -> None:
    if not username:
        raise AccountError(Message("Tên đăng nhập không được để trống."))
    if len(password) < MIN_PASSWORD_LENGTH:
        raise AccountError(Message("Mật khẩu phải có ít nhất {n} ký tự.", n=MIN_PASSWORD_LENGTH))
    if session.scalar(select(User.id).where(User.username == username)) is not None:
        raise AccountError(
            Message("Đã có người dùng tên “{username}”. Hãy chọn tên khác.", username=username)
        )


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _decoy_hash() -> str:
    return _hasher().hash("no one has this password")


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher().verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
